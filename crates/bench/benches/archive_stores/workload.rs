//! What the archive writes: batches of finished transactions, made from their numbers alone.
//!
//! The same batch number always gives the same rows, so an audit can make a batch again and look for it. It must
//! never cost as much as a store. Next: `measure.rs`.

use clap::ValueEnum;

use crate::store::Table;

/// Transactions in one batch of a measured run.
pub(crate) const BATCH: u64 = 10_000;
/// After how many batches a long-lived transaction ends: its live row goes, its second chunk comes.
const LIFE: u64 = 3;
/// Every how many transactions one is long-lived.
const LONG_LIVED: u64 = 20;
/// Sequences one transaction takes in the journal.
const EVENTS: u64 = 5;
/// A number no run reaches: ids made from it and above are never in a store.
const NEVER: u64 = 1 << 40;

/// The shape of the ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Ids {
    /// `order-` and 14 random characters.
    Random,
    /// UUIDv7 as text: ascending by time.
    Uuid,
}

impl Ids {
    pub(crate) fn name(self) -> &'static str {
        ["random", "uuid"][self as usize]
    }
}

/// Rows of one table, in key order.
#[derive(Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    spans: Vec<[usize; 3]>,
}

impl Rows {
    fn push(&mut self, key: &[&[u8]], value: &[u8]) {
        let start = self.bytes.len();
        key.iter().for_each(|part| self.bytes.extend_from_slice(part));
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.spans.push([start, middle, self.bytes.len()]);
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.spans.sort_unstable_by(|a, b| bytes[a[0]..a[1]].cmp(&bytes[b[0]..b[1]]));
    }

    /// Keys and values, ascending by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|span| (&self.bytes[span[0]..span[1]], &self.bytes[span[1]..span[2]]))
    }
}

/// One batch: what it puts, by [`Table`], and the live rows it takes away.
pub(crate) struct Batch {
    pub(crate) puts: [Rows; 6],
    pub(crate) live_removed: Vec<[u8; 8]>,
}

/// Makes batches.
pub(crate) struct Workload {
    ids: Ids,
    /// Transactions per batch.
    pub(crate) size: u64,
    noise: Vec<u8>,
}

/// One step of splitmix64: a random-looking value for each input.
fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Workload {
    /// Batches of [`BATCH`] transactions.
    pub(crate) fn new(ids: Ids) -> Workload {
        let noise = (0..8192_u64).flat_map(|word| mix(word).to_le_bytes()).collect();
        Workload { ids, size: BATCH, noise }
    }

    /// The id of transaction `number`.
    pub(crate) fn id(&self, number: u64) -> Vec<u8> {
        let random = mix(number);
        match self.ids {
            Ids::Random => format!("order-{:014x}", random >> 8),
            Ids::Uuid => {
                let millis = 1_780_000_000_000 + number / 40;
                let (high, low) = (millis >> 16, millis & 0xffff);
                let (a, b) = (random & 0xfff, (random >> 12) & 0x3fff);
                format!("{high:08x}-{low:04x}-7{a:03x}-{b:04x}-{:012x}", random >> 16)
            }
        }
        .into_bytes()
    }

    /// An id that is in no store.
    pub(crate) fn absent_id(&self, seed: u64) -> Vec<u8> {
        self.id(NEVER + seed)
    }

    /// About 700 bytes of events that differ by transaction.
    fn events(&self, number: u64) -> &[u8] {
        let random = mix(number) as usize;
        let start = random % (self.noise.len() - 1024);
        &self.noise[start..start + 600 + (random >> 32) % 200]
    }

    /// Batch `batch`, counted from 1.
    pub(crate) fn batch(&self, batch: u64) -> Batch {
        let mut made = Batch { puts: Default::default(), live_removed: Vec::new() };
        let first = (batch - 1) * self.size + 1;
        for number in first..first + self.size {
            self.transaction(number, &mut made);
        }
        if batch > LIFE {
            let ended = first - LIFE * self.size;
            for number in (ended..ended + self.size).filter(|number| number % LONG_LIVED == 0) {
                made.live_removed.push(number.to_be_bytes());
                let sequence = (number + LIFE * self.size) * EVENTS;
                let key: [&[u8]; 2] = [&number.to_be_bytes(), &sequence.to_be_bytes()];
                made.puts[Table::Chunks as usize].push(&key, self.events(sequence));
            }
        }
        made.puts[Table::Meta as usize].push(&[b"applied"], &batch.to_be_bytes());
        made.puts.iter_mut().for_each(Rows::sort);
        made
    }

    fn transaction(&self, number: u64, made: &mut Batch) {
        let key = number.to_be_bytes();
        let random = mix(number);
        let sequence = (number * EVENTS).to_be_bytes();
        made.puts[Table::Chunks as usize].push(&[&key, &sequence], self.events(number));
        made.puts[Table::Ids as usize].push(&[&self.id(number)], &key);
        made.puts[Table::Summary as usize].push(&[&key], &self.events(number)[..24]);
        if number % 2 == 1 {
            let label = format!("customer={:05}", random % 100_000);
            made.puts[Table::Labels as usize].push(&[label.as_bytes(), &key], b"");
        }
        if number.is_multiple_of(LONG_LIVED) {
            made.puts[Table::Live as usize].push(&[&key], &self.events(number)[..200]);
        }
    }
}
