//! The entries of a journal frame: how events and idempotency keys are laid out in its payload.
//!
//! A payload is a row of entries: length (`u32`, little endian, of the bytes alone), room (`u8`), bytes. Each entry
//! takes one sequence. Reading never panics, whatever the bytes; what it does not know is a fault, never skipped.
//! The layout is for ever: `tests/golden_entries.rs` guards it. Read next: `archive/ingest.rs`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use transaction::{Event, Kept, Time, Topic};

use crate::Fault;

/// Bytes before the bytes of an entry: its length and its room.
const HEAD: usize = 5;

/// Which room's fact an entry holds; the number is the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// An event of a transaction: an encoded [`Kept`].
    Transaction = 1,
    /// An idempotency key that was used: an encoded [`KeyRow`].
    Key = 2,
    /// An event of the ledger: an encoded [`ledger::Kept`].
    Ledger = 3,
    /// An idempotency key of a ledger request, with its results: an encoded [`ReplyRow`].
    Reply = 4,
    /// A topic as it is after a change: an encoded [`TopicRow`].
    Topic = 5,
}

/// A topic after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRow {
    /// Its name.
    pub name: Arc<str>,
    /// The topic; `None`: it is gone.
    pub topic: Option<Topic>,
    /// When it was changed.
    pub at: Time,
}

/// An idempotency key of a ledger request, with what it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyRow {
    /// Operation and key: the scope in which it is unique.
    pub scope: Arc<str>,
    /// Digest of the request's content.
    pub fingerprint: [u8; 32],
    /// When.
    pub at: Time,
    /// The results, encoded as `partition/change.rs` lays them out.
    pub reply: Vec<u8>,
}

/// An idempotency key that was used, with what it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Operation and key: the scope in which it is unique.
    pub scope: Arc<str>,
    /// Digest of the request's content.
    pub fingerprint: [u8; 32],
    /// The transaction that it was answered with.
    pub number: u64,
    /// When.
    pub at: Time,
}

/// A decoded entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A transaction's event.
    Event {
        /// As encoded in the journal.
        encoded: Vec<u8>,
        /// The same, decoded.
        kept: Kept,
    },
    /// An idempotency key.
    Key(KeyRow),
    /// A ledger's event, as encoded in the journal.
    Ledger(Vec<u8>),
    /// An idempotency key with the results of a ledger request.
    Reply(ReplyRow),
    /// A topic after a change.
    Topic(TopicRow),
}

impl Entry {
    /// The entry of an event, as the journal holds it.
    #[must_use]
    pub fn event(kept: Kept) -> Entry {
        let mut encoded = Vec::new();
        Kept::encode(kept.number, kept.at, &kept.event, &mut encoded);
        Entry::Event { encoded, kept }
    }
}

/// An entry as it lies in a payload; decoded on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// Whose fact it is.
    pub room: Room,
    /// The encoded fact.
    pub bytes: &'a [u8],
    sequence: u64,
}

impl EntryRef<'_> {
    /// Decodes it.
    ///
    /// # Errors
    /// [`Fault::Entry`] when the bytes are no entry of this version.
    pub fn decode(&self) -> Result<Entry, Fault> {
        match self.room {
            Room::Transaction => {
                let kept =
                    Kept::decode(self.bytes).map_err(|error| fault(self.sequence, error.to_string()))?;
                Ok(Entry::Event { encoded: self.bytes.to_vec(), kept })
            }
            Room::Key => decode_key(self.bytes).map(Entry::Key).map_err(|why| fault(self.sequence, why)),
            Room::Ledger => Ok(Entry::Ledger(self.bytes.to_vec())),
            Room::Reply => {
                decode_reply(self.bytes).map(Entry::Reply).map_err(|why| fault(self.sequence, why))
            }
            Room::Topic => {
                decode_topic(self.bytes).map(Entry::Topic).map_err(|why| fault(self.sequence, why))
            }
        }
    }
}

/// Appends the entry of one event.
pub fn push_event(payload: &mut Vec<u8>, number: u64, at: Time, event: &Event) {
    push(payload, Room::Transaction, |bytes| Kept::encode(number, at, event, bytes));
}

/// Appends the entry of one idempotency key.
pub fn push_key(payload: &mut Vec<u8>, row: &KeyRow) {
    push(payload, Room::Key, |bytes| encode_key(row, bytes));
}

/// Appends the entry of one ledger event.
pub fn push_ledger(payload: &mut Vec<u8>, encoded: &[u8]) {
    push(payload, Room::Ledger, |bytes| bytes.extend_from_slice(encoded));
}

/// Appends the entry of one idempotency key with its results.
pub fn push_reply(payload: &mut Vec<u8>, row: &ReplyRow) {
    push(payload, Room::Reply, |bytes| encode_reply(row, bytes));
}

/// Appends the entry of a topic's change.
pub fn push_topic(payload: &mut Vec<u8>, row: &TopicRow) {
    push(payload, Room::Topic, |bytes| encode_topic(row, bytes));
}

/// Visits the entries of a payload in order; the first has the sequence `first`.
///
/// # Errors
/// [`Fault::Entry`] at the first entry that is cut short or of an unknown room, and whatever `visit` answers.
pub fn read<'a>(
    payload: &'a [u8],
    first: u64,
    mut visit: impl FnMut(u64, EntryRef<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut rest = payload;
    let mut sequence = first;
    while !rest.is_empty() {
        let (room, bytes, after) = split(rest).map_err(|why| fault(sequence, why))?;
        visit(sequence, EntryRef { room, bytes, sequence })?;
        rest = after;
        sequence = sequence.saturating_add(1);
    }
    Ok(())
}

/// The first entry's room and bytes, and what follows it.
fn split(payload: &[u8]) -> Result<(Room, &[u8], &[u8]), String> {
    let Some((&[a, b, c, d, room], rest)) = payload.split_first_chunk::<HEAD>() else {
        return Err(format!("its head is cut short after {} bytes", payload.len()));
    };
    let length = u32::from_le_bytes([a, b, c, d]);
    let Some((bytes, after)) = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length))
    else {
        return Err(format!("it should have {length} bytes, but only {} follow", rest.len()));
    };
    match room {
        1 => Ok((Room::Transaction, bytes, after)),
        2 => Ok((Room::Key, bytes, after)),
        3 => Ok((Room::Ledger, bytes, after)),
        4 => Ok((Room::Reply, bytes, after)),
        5 => Ok((Room::Topic, bytes, after)),
        _ => Err(format!("room {room} is unknown to this version: was the folder written by a newer one?")),
    }
}

fn push(payload: &mut Vec<u8>, room: Room, encode: impl FnOnce(&mut Vec<u8>)) {
    let head = payload.len();
    payload.extend_from_slice(&[0, 0, 0, 0, room as u8]);
    encode(payload);
    let length = payload.len() - head - HEAD;
    let length = u32::try_from(length).expect("an entry is far below 4 GiB: bodies and results are bounded");
    payload[head..head + 4].copy_from_slice(&length.to_le_bytes());
}

pub(crate) fn encode_key(row: &KeyRow, buffer: &mut Vec<u8>) {
    let taken = std::mem::take(buffer);
    // Writing to a growing buffer has no way to fail.
    *buffer = postcard::to_extend(row, taken).expect("a key row always encodes");
}

pub(crate) fn decode_key(bytes: &[u8]) -> Result<KeyRow, String> {
    let (row, rest) =
        postcard::take_from_bytes(bytes).map_err(|error| format!("no idempotency key: {error}"))?;
    if rest.is_empty() { Ok(row) } else { Err(format!("{} bytes left over after a key", rest.len())) }
}

pub(crate) fn encode_reply(row: &ReplyRow, buffer: &mut Vec<u8>) {
    let taken = std::mem::take(buffer);
    // Writing to a growing buffer has no way to fail.
    *buffer = postcard::to_extend(row, taken).expect("a reply row always encodes");
}

pub(crate) fn decode_reply(bytes: &[u8]) -> Result<ReplyRow, String> {
    let (row, rest) =
        postcard::take_from_bytes(bytes).map_err(|error| format!("no results of a request: {error}"))?;
    if rest.is_empty() { Ok(row) } else { Err(format!("{} bytes left over after results", rest.len())) }
}

pub(crate) fn encode_topic(row: &TopicRow, buffer: &mut Vec<u8>) {
    let taken = std::mem::take(buffer);
    // Writing to a growing buffer has no way to fail.
    *buffer = postcard::to_extend(row, taken).expect("a topic always encodes");
}

pub(crate) fn decode_topic(bytes: &[u8]) -> Result<TopicRow, String> {
    let (row, rest) = postcard::take_from_bytes(bytes).map_err(|error| format!("no topic: {error}"))?;
    if rest.is_empty() { Ok(row) } else { Err(format!("{} bytes left over after a topic", rest.len())) }
}

fn fault(sequence: u64, why: String) -> Fault {
    Fault::Entry { sequence, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Vec<u8> {
        let mut payload = Vec::new();
        push_event(&mut payload, 7, Time(5), &Event::Retried);
        push_key(
            &mut payload,
            &KeyRow { scope: Arc::from("a"), fingerprint: [9; 32], number: 7, at: Time(5) },
        );
        push_event(&mut payload, 8, Time(6), &Event::Finished);
        payload
    }

    fn decoded(payload: &[u8]) -> Result<Vec<(u64, Entry)>, Fault> {
        let mut entries = Vec::new();
        read(payload, 40, |sequence, entry| {
            entries.push((sequence, entry.decode()?));
            Ok(())
        })?;
        Ok(entries)
    }

    #[test]
    fn what_is_pushed_is_read_with_its_sequence() {
        let entries = decoded(&payload()).unwrap();
        let key = KeyRow { scope: Arc::from("a"), fingerprint: [9; 32], number: 7, at: Time(5) };
        let event = |number, at, event| Entry::event(Kept { number, at: Time(at), event });
        let expected =
            [(40, event(7, 5, Event::Retried)), (41, Entry::Key(key)), (42, event(8, 6, Event::Finished))];
        assert_eq!(entries, expected);
    }

    #[test]
    fn every_cut_that_is_no_boundary_is_a_fault_of_the_right_entry() {
        let whole = payload();
        let mut boundaries = vec![0];
        read(&whole, 0, |_, entry| {
            boundaries.push(boundaries.last().unwrap() + HEAD + entry.bytes.len());
            Ok(())
        })
        .unwrap();
        for cut in 0..whole.len() {
            let at = boundaries.partition_point(|boundary| *boundary <= cut) - 1;
            match decoded(&whole[..cut]) {
                Ok(entries) => assert_eq!((boundaries[at], entries.len()), (cut, at)),
                Err(Fault::Entry { sequence, .. }) => assert_eq!(sequence, 40 + at as u64),
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn an_unknown_room_and_bytes_left_over_are_faults() {
        let mut unknown = payload();
        unknown[4] = 6;
        assert!(decoded(&unknown).unwrap_err().to_string().contains("room 6"));
        let mut longer = vec![4, 0, 0, 0, 1];
        longer.extend_from_slice(&[7, 10, 9, 0]);
        assert!(decoded(&longer).unwrap_err().to_string().contains("left over"));
    }
}
