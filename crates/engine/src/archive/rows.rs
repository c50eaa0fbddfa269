//! The rows of the archive: how keys sort and what values hold. Bytes only; what they mean together is `ingest.rs`.
//!
//! | table | key | value |
//! |---|---|---|
//! | chunks | number, first sequence in the batch | the events of that batch |
//! | ids | the id's bytes | number |
//! | live | number, while not final | |
//! | labels | length, label key, length, label value, number | |
//! | summary | number | [`Summary`] |
//! | keys | scope | sequence with its highest bit telling which, [`KeyRow`] or [`ReplyRow`] |
//! | key_ages | sequence of the key's entry | scope |
//! | pages | table, index of a page of the ledger's live state | position, the page |
//! | meta | a name | a number; `history`: three, and a sum; `topic/` with a topic's name: a [`TopicRow`] |
//!
//! Numbers in keys are big endian, so that they sort by age. Lengths go before label keys and values, so that no label
//! is a prefix of another, whatever characters it has.

use ledger::PageId;
use transaction::{Pattern, Phase, Time, Transaction};

use crate::Fault;
use crate::entry::{
    KeyRow, ReplyRow, TopicRow, decode_key, decode_reply, decode_topic, encode_key, encode_reply,
    encode_topic,
};
use crate::history::Reach;

/// The layout of these rows; another one is refused, and the archive is rebuilt from the journal.
pub(crate) const FORMAT: u64 = 2;
/// The layout before there was a ledger: what it has is as now.
pub(crate) const FORMAT_BEFORE_LEDGER: u64 = 1;

pub(crate) const META_FORMAT: &[u8] = b"format";
pub(crate) const META_APPLIED: &[u8] = b"applied";
/// Everything that finished before this time may have been purged.
pub(crate) const META_PURGED: &[u8] = b"purged";
/// How far the history is durable: a [`Told`].
pub(crate) const META_HISTORY: &[u8] = b"history";
/// The position from which the history is applied again over the ledger's pages.
pub(crate) const META_SWEPT: &[u8] = b"swept";
/// The keys of the ledger's hash of ids.
pub(crate) const META_KEYS: [&[u8]; 2] = [b"ledger_key_0", b"ledger_key_1"];

/// What an idempotency key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// A request about a transaction.
    Key(KeyRow),
    /// A request to the ledger, with its results.
    Reply(ReplyRow),
}

impl Used {
    /// When.
    pub(crate) fn at(&self) -> Time {
        match self {
            Used::Key(row) => row.at,
            Used::Reply(row) => row.at,
        }
    }
}

/// How far the history was told: what start-up finds at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The sequence up to which the journal's ledger entries are in the history.
    pub(crate) applied: u64,
    /// How far the history goes with that.
    pub(crate) reach: Reach,
}

impl Told {
    /// Nothing, after entries of which none was the ledger's.
    pub(crate) fn nothing_after(applied: u64) -> Told {
        Told { applied, reach: Reach::NOTHING }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Reach { end, last, sum } = self.reach;
        let numbers = [Some(self.applied), Some(end), Some(last), sum];
        numbers.into_iter().flatten().flat_map(u64::to_be_bytes).collect()
    }

    /// Rows from before there were sums lack the fourth number.
    pub(crate) fn decode(row: &[u8]) -> Result<Told, Fault> {
        let (numbers, rest) = row.as_chunks();
        let (applied, end, last, sum) = match (numbers, rest) {
            (&[applied, end, last], []) => (applied, end, last, None),
            (&[applied, end, last, sum], []) => (applied, end, last, Some(u64::from_be_bytes(sum))),
            _ => return Err(damaged("history's row")),
        };
        let [applied, end, last] = [applied, end, last].map(u64::from_be_bytes);
        Ok(Told { applied, reach: Reach { end, last, sum } })
    }
}

/// How the keys of topics begin; and the first key behind them.
pub(crate) const META_TOPICS: (&[u8], &[u8]) = (b"topic/", b"topic0");

pub(crate) fn topic_key(name: &str) -> Vec<u8> {
    [META_TOPICS.0, name.as_bytes()].concat()
}

pub(crate) fn topic_value(row: &TopicRow) -> Vec<u8> {
    let mut value = Vec::new();
    encode_topic(row, &mut value);
    value
}

pub(crate) fn read_topic(value: &[u8]) -> Result<TopicRow, Fault> {
    decode_topic(value).map_err(|_| damaged("topic"))
}

pub(crate) fn page_key(page: PageId) -> [u8; 5] {
    let [a, b, c, d] = page.index.to_be_bytes();
    [page.table, a, b, c, d]
}

pub(crate) fn read_page_key(key: &[u8]) -> Result<PageId, Fault> {
    match key {
        [table, a, b, c, d] => Ok(PageId { table: *table, index: u32::from_be_bytes([*a, *b, *c, *d]) }),
        _ => Err(damaged("page's key")),
    }
}

/// The position and bytes of a page.
pub(crate) fn read_page(value: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let (position, bytes) = value.split_first_chunk().ok_or_else(|| damaged("page"))?;
    Ok((u64::from_le_bytes(*position), bytes))
}

pub(crate) fn number_key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn chunk_key(number: u64, sequence: u64) -> Vec<u8> {
    [number.to_be_bytes(), sequence.to_be_bytes()].concat()
}

/// The number and first sequence of a chunk's key.
pub(crate) fn read_chunk_key(key: &[u8]) -> Result<(u64, u64), Fault> {
    match (key.len(), key.first_chunk(), key.last_chunk()) {
        (16, Some(number), Some(sequence)) => {
            Ok((u64::from_be_bytes(*number), u64::from_be_bytes(*sequence)))
        }
        _ => Err(damaged("chunk key")),
    }
}

/// The number that a key ends with.
pub(crate) fn read_number(key: &[u8]) -> Result<u64, Fault> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(|| damaged("number"))
}

/// What the keys of all transactions with this label start with.
pub(crate) fn label_prefix(key: &str, value: &str) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(key.len() + value.len() + 16);
    for part in [key, value] {
        // No label is so long; one that were would only be found together with others as long.
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        prefix.extend_from_slice(&length.to_be_bytes());
        prefix.extend_from_slice(part.as_bytes());
    }
    prefix
}

pub(crate) fn label_key(key: &str, value: &str, number: u64) -> Vec<u8> {
    let mut row = label_prefix(key, value);
    row.extend_from_slice(&number.to_be_bytes());
    row
}

/// Set in the sequence of a [`ReplyRow`]: no journal gets so far.
const IS_REPLY: u64 = 1 << 63;

pub(crate) fn key_value(sequence: u64, row: &KeyRow) -> Vec<u8> {
    let mut value = sequence.to_be_bytes().to_vec();
    encode_key(row, &mut value);
    value
}

pub(crate) fn reply_value(sequence: u64, row: &ReplyRow) -> Vec<u8> {
    let mut value = (sequence | IS_REPLY).to_be_bytes().to_vec();
    encode_reply(row, &mut value);
    value
}

/// The sequence of a key's entry, and what it was used for.
pub(crate) fn read_used(value: &[u8]) -> Result<(u64, Used), Fault> {
    let (sequence, row) = value.split_first_chunk().ok_or_else(|| damaged("idempotency key"))?;
    let sequence = u64::from_be_bytes(*sequence);
    let used = match sequence & IS_REPLY {
        0 => decode_key(row).map(Used::Key),
        _ => decode_reply(row).map(Used::Reply),
    };
    let used = used.map_err(|why| Fault::Archive(format!("an idempotency key: {why}")))?;
    Ok((sequence & !IS_REPLY, used))
}

/// Appends one event to a chunk.
pub(crate) fn push_chunk(chunk: &mut Vec<u8>, sequence: u64, encoded: &[u8]) {
    let length = u32::try_from(encoded.len()).expect("an event is far below 4 GiB: bodies are bounded");
    chunk.extend_from_slice(&sequence.to_le_bytes());
    chunk.extend_from_slice(&length.to_le_bytes());
    chunk.extend_from_slice(encoded);
}

/// Visits the events of a chunk: sequence and encoded event.
pub(crate) fn read_chunk<'a>(
    chunk: &'a [u8],
    mut visit: impl FnMut(u64, &'a [u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut rest = chunk;
    while !rest.is_empty() {
        let (sequence, after) = rest.split_first_chunk().ok_or_else(|| damaged("chunk"))?;
        let (length, after) = after.split_first_chunk().ok_or_else(|| damaged("chunk"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (encoded, after) = after.split_at_checked(length).ok_or_else(|| damaged("chunk"))?;
        visit(u64::from_le_bytes(*sequence), encoded)?;
        rest = after;
    }
    Ok(())
}

/// What lists filter by, without folding the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) pattern: Pattern,
    pub(crate) phase: Phase,
    pub(crate) needs_attention: bool,
    pub(crate) created_at: Time,
    pub(crate) finished_at: Option<Time>,
}

const SUMMARY_BYTES: usize = 19;
/// Stands for no time: journal time never gets there.
const NEVER: i64 = i64::MIN;

impl Summary {
    /// What the summary of this transaction must be.
    pub(crate) fn of(transaction: &Transaction) -> Summary {
        Summary {
            pattern: transaction.spec.pattern,
            phase: transaction.phase,
            needs_attention: transaction.needs_attention(),
            created_at: transaction.created_at,
            finished_at: transaction.finished_at,
        }
    }

    /// By position in `Pattern::ALL` and `Phase::ALL`, which only ever grow at the end.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let position = |found: Option<usize>| found.and_then(|index| u8::try_from(index).ok());
        let pattern = position(Pattern::ALL.iter().position(|pattern| *pattern == self.pattern));
        let phase = position(Phase::ALL.iter().position(|phase| *phase == self.phase));
        let mut row = Vec::with_capacity(SUMMARY_BYTES);
        row.push(pattern.expect("ALL lists every pattern"));
        row.push(phase.expect("ALL lists every phase"));
        row.push(u8::from(self.needs_attention));
        row.extend_from_slice(&self.created_at.0.to_le_bytes());
        row.extend_from_slice(&self.finished_at.map_or(NEVER, |at| at.0).to_le_bytes());
        row
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Summary, Fault> {
        let read = || {
            let (&[pattern, phase, attention], times) = row.split_first_chunk()?;
            let (created, finished) = times.split_first_chunk()?;
            let finished = i64::from_le_bytes(finished.try_into().ok()?);
            Some(Summary {
                pattern: *Pattern::ALL.get(usize::from(pattern))?,
                phase: *Phase::ALL.get(usize::from(phase))?,
                needs_attention: attention != 0,
                created_at: Time(i64::from_le_bytes(*created)),
                finished_at: (finished != NEVER).then_some(Time(finished)),
            })
        };
        read().ok_or_else(|| damaged("summary"))
    }
}

pub(crate) fn damaged(what: &str) -> Fault {
    Fault::Archive(format!("a {what} is damaged: check it with `tercet journal verify`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_as_it_was_written_and_no_cut_of_it_reads() {
        for pattern in Pattern::ALL {
            for phase in Phase::ALL {
                for (needs_attention, finished_at) in [(false, Some(Time(-3))), (true, None)] {
                    let summary =
                        Summary { pattern, phase, needs_attention, created_at: Time(i64::MAX), finished_at };
                    let row = summary.encode();
                    assert_eq!(row.len(), SUMMARY_BYTES);
                    assert_eq!(Summary::decode(&row).unwrap(), summary);
                    (0..row.len()).for_each(|cut| assert!(Summary::decode(&row[..cut]).is_err()));
                }
            }
        }
    }

    #[test]
    fn the_row_of_the_history_reads_with_a_sum_and_without_one_and_no_cut_of_it_reads() {
        for sum in [None, Some(0), Some(u64::MAX)] {
            let told = Told { applied: 7, reach: Reach { end: 300, last: 200, sum } };
            let row = told.encode();
            assert_eq!(row.len(), if sum.is_some() { 32 } else { 24 });
            assert_eq!(Told::decode(&row).unwrap(), told);
            (0..row.len())
                .filter(|cut| *cut != 24)
                .for_each(|cut| assert!(Told::decode(&row[..cut]).is_err()));
        }
    }

    #[test]
    fn no_label_is_a_prefix_of_another() {
        let labels = [("a", "b"), ("a", "bc"), ("ab", ""), ("ab", "c"), ("a", "b\0"), ("a\0b", ""), ("", "")];
        for one in labels {
            for other in labels.into_iter().filter(|other| *other != one) {
                let prefix = label_prefix(one.0, one.1);
                assert!(!label_key(other.0, other.1, 1).starts_with(&prefix), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_damaged_chunk_is_a_fault() {
        let mut chunk = Vec::new();
        push_chunk(&mut chunk, 5, b"five");
        push_chunk(&mut chunk, 6, b"");
        let mut seen = Vec::new();
        let mut visit = |sequence, encoded: &[u8]| {
            seen.push((sequence, encoded.to_vec()));
            Ok(())
        };
        read_chunk(&chunk, &mut visit).unwrap();
        assert_eq!(seen, [(5, b"five".to_vec()), (6, Vec::new())]);
        for cut in (1..chunk.len()).filter(|cut| *cut != 16) {
            assert!(read_chunk(&chunk[..cut], |_, _| Ok(())).is_err(), "{cut}");
        }
    }
}
