//! One event as it lies in the history, and a run of them on its way there.
//!
//! The layout is the journal's (`entry.rs`): length, room, bytes. It never looks further into an event than its head.

use ledger::Kept;

use super::History;
use crate::Fault;
use crate::entry::Room;

/// Bytes before an event: its length and its room.
pub(crate) const HEAD: u64 = ledger::HEAD;
const ROOM: u8 = Room::Ledger as u8;

/// An event that was read.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Where it is from: what is wrong with it is told with what its block's sum says.
    history: History,
    position: u64,
    bytes: Vec<u8>,
}

impl Record {
    /// `bytes` are the head and the event.
    pub(super) fn new(history: &History, position: u64, bytes: Vec<u8>) -> Record {
        Record { history: history.clone(), position, bytes }
    }

    /// Where it lies.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The encoded event.
    pub(crate) fn event(&self) -> &[u8] {
        &self.bytes[whole(HEAD)..]
    }

    /// Bytes that it takes, head included.
    pub(crate) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The event, decoded.
    ///
    /// # Errors
    /// When the bytes are no event of this version.
    pub(crate) fn kept(&self) -> Result<Kept<'_>, Fault> {
        Kept::decode(self.event()).map_err(|why| self.fault(&why))
    }

    /// What is wrong with it.
    pub(super) fn fault(&self, why: &str) -> Fault {
        self.history.fault(self.position, why)
    }
}

/// What is wrong with the event at a position.
pub(super) fn fault(position: u64, why: &str) -> Fault {
    Fault::Archive(format!("the history at {position}: {why}: check it with `tercet journal verify`"))
}

/// How long an event is, head included, by what it begins with.
pub(super) fn head(bytes: &[u8]) -> Result<u64, String> {
    match bytes.first_chunk::<{ HEAD as usize }>() {
        Some(&[a, b, c, d, ROOM]) => Ok(HEAD + u64::from(u32::from_le_bytes([a, b, c, d]))),
        Some([.., room]) => Err(format!("no event of the ledger begins here (room {room})")),
        None => Err("it is cut short".to_owned()),
    }
}

/// A length of what is in memory, or about to be.
pub(super) fn whole(length: u64) -> usize {
    usize::try_from(length).expect("an event has less than 4 GiB, a file's part far less")
}

/// Events on their way into the history: one append.
#[derive(Debug, Default)]
pub(crate) struct Run {
    bytes: Vec<u8>,
    last: usize,
}

impl Run {
    /// Adds an encoded event.
    pub(crate) fn push(&mut self, event: &[u8]) {
        let length = u32::try_from(event.len()).expect("the journal's entries have less than 4 GiB");
        let [a, b, c, d] = length.to_le_bytes();
        self.last = self.bytes.len();
        self.bytes.extend_from_slice(&[a, b, c, d, ROOM]);
        self.bytes.extend_from_slice(event);
    }

    /// All of them, with their heads.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the last one begins in them; `None` when there is none.
    pub(crate) fn last(&self) -> Option<u64> {
        (!self.bytes.is_empty()).then_some(self.last as u64)
    }
}
