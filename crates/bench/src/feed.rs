//! What the ledger's workloads post: accounts, entries, holds with their captures; the same each time.
//!
//! Ids are made digit by digit, without formatting: the generator shares the cores with what is measured, so it must
//! cost little. It never looks at answers. Read next: `workload/ledger/drive.rs`, which sends what is made here.

use ledger::{
    Amount, Batch, Capture, Cause, Command, Entry, Expiry, Floor, Hold, Linked, Open, Origin, Take,
};

/// The asset of all accounts, without decimals.
pub(crate) const ASSET: &str = "points";
/// Where the value comes from: an account without a floor.
pub(crate) const ISSUER: &str = "issuer:points";
/// The account that everything goes to in [`Shape::Hot`].
pub(crate) const HOT: &str = "merchant:points";
/// What each account has at first; no round spends it.
pub(crate) const FUNDS: i64 = 1_000_000_000_000;
/// Bytes of text that a member takes, roughly.
const TEXT: usize = 64;

/// Which accounts take part, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Entries from a random account to another.
    Uniform,
    /// Entries from a random account to the one that all share.
    Hot,
    /// Holds between random accounts, each captured by the batch after its own.
    Pairs,
}

/// A short text on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    bytes: [u8; 24],
    length: u8,
}

impl Name {
    /// `user:00001234:points`, 20 bytes.
    pub(crate) fn account(number: u32) -> Name {
        let mut name = Name { bytes: *b"user:00000000:points\0\0\0\0", length: 20 };
        let mut rest = number;
        for digit in name.bytes[5..13].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        name
    }

    /// `e:000000000000002a`, 18 bytes: the kind's letter and the number in hexadecimal digits.
    fn numbered(kind: u8, number: u64) -> Name {
        let mut name = Name { bytes: [0; 24], length: 18 };
        (name.bytes[0], name.bytes[1]) = (kind, b':');
        let mut rest = number;
        for digit in name.bytes[2..18].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        name
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

/// Numbers without a pattern, the same for the same seed (xorshift).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * u64::from(bound)) >> 32) as u32
    }
}

/// One movement of value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    pub(crate) id: Name,
    pub(crate) from: Name,
    to: Option<Name>,
    pub(crate) units: i64,
}

impl Posting {
    /// The account that is credited.
    pub(crate) fn to(&self) -> &str {
        self.to.as_ref().map_or(HOT, Name::as_str)
    }
}

/// A batch, and what there is to know of it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) batch: Batch,
    /// Entries, or pairs, that are done with it.
    pub(crate) done: u64,
    /// Its last posting.
    pub(crate) last: Option<Posting>,
}

/// Makes postings without end.
#[derive(Debug)]
pub(crate) struct Feed {
    shape: Shape,
    accounts: u32,
    random: Random,
    next: u64,
    /// The holds that the next batch captures.
    held: Vec<Name>,
}

impl Feed {
    /// Over accounts 0 to `accounts`; two feeds of different lanes never make the same id.
    pub(crate) fn new(shape: Shape, accounts: u32, lane: u8) -> Feed {
        let next = u64::from(lane) << 56;
        Feed { shape, accounts, random: Random::new(u64::from(lane) + 1), next, held: Vec::new() }
    }

    /// Passes over so many ids.
    pub(crate) fn skipping(mut self, ids: u64) -> Feed {
        self.next += ids;
        self
    }

    /// The next movement.
    pub(crate) fn posting(&mut self) -> Posting {
        self.next += 1;
        let kind = if self.shape == Shape::Pairs { b'h' } else { b'e' };
        let from = self.random.below(self.accounts);
        let to = match self.shape {
            Shape::Hot => None,
            Shape::Uniform | Shape::Pairs => {
                let other = self.random.below(self.accounts.max(2) - 1);
                Some(Name::account(if other >= from { other + 1 } else { other }))
            }
        };
        let units = i64::from(self.random.below(100)) + 1;
        Posting { id: Name::numbered(kind, self.next), from: Name::account(from), to, units }
    }

    /// The next batch of so many members.
    pub(crate) fn batch(&mut self, members: usize) -> Made {
        if self.shape == Shape::Pairs {
            return self.pairs(members);
        }
        let mut batch = Batch::with_capacity(members, members * TEXT);
        let mut last = None;
        for _ in 0..members {
            let posting = self.posting();
            batch.push(&entry(&posting));
            last = Some(posting);
        }
        Made { batch, done: members as u64, last }
    }

    /// Captures the holds of the batch before, then holds as many anew.
    fn pairs(&mut self, members: usize) -> Made {
        let mut batch = Batch::with_capacity(members, members * TEXT);
        let held = std::mem::take(&mut self.held);
        for hold in &held {
            batch.push(&Command::Capture(Capture {
                id: "c",
                hold: hold.as_str(),
                amount: None,
                linked: Linked::No,
                origin: Origin::Direct,
                cause: Cause::default(),
            }));
        }
        let mut last = None;
        for _ in 0..(members / 2).max(1) {
            let posting = self.posting();
            batch.push(&hold(&posting));
            self.held.push(posting.id);
            last = Some(posting);
        }
        Made { batch, done: held.len() as u64, last }
    }
}

fn entry(posting: &Posting) -> Command<&str> {
    Command::Entry(Entry {
        id: posting.id.as_str(),
        from: posting.from.as_str(),
        to: posting.to(),
        amount: Amount::Units(i128::from(posting.units)),
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause::default(),
    })
}

fn hold(posting: &Posting) -> Command<&str> {
    Command::Hold(Hold {
        id: posting.id.as_str(),
        from: posting.from.as_str(),
        to: posting.to(),
        amount: Amount::Units(i128::from(posting.units)),
        take: Take::Exactly,
        expiry: Expiry::Never,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    })
}

/// Opens one account.
pub(crate) fn open<'a>(id: &'a str, floor: Floor<Amount<&'a str>>) -> Command<&'a str> {
    Command::Open(Open {
        id,
        asset: ASSET,
        floor,
        ceiling: None,
        lots: None,
        linked: Linked::No,
        cause: Cause::default(),
    })
}

/// Gives an account its funds.
pub(crate) fn fund<'a>((id, account): (&'a str, &'a str), units: i64) -> Command<&'a str> {
    Command::Entry(Entry {
        id,
        from: ISSUER,
        to: account,
        amount: Amount::Units(i128::from(units)),
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause::default(),
    })
}

/// Batches that open the accounts `numbers` and give each its funds, where there are any.
pub(crate) fn opening(
    numbers: std::ops::Range<u32>,
    members: usize,
    funds: Option<i64>,
) -> impl Iterator<Item = Batch> {
    let each = if funds.is_some() { 2 } else { 1 };
    let step = u32::try_from(members / each).unwrap_or(u32::MAX).max(1);
    let (begin, end) = (numbers.start, numbers.end);
    (begin..end).step_by(step as usize).map(move |first| {
        let last = first.saturating_add(step).min(end);
        let mut batch = Batch::with_capacity((last - first) as usize * each, members * TEXT);
        for number in first..last {
            let account = Name::account(number);
            batch.push(&open(account.as_str(), Floor::At(Amount::Units(0))));
            if let Some(units) = funds {
                let id = Name::numbered(b'f', u64::from(number));
                batch.push(&fund((id.as_str(), account.as_str()), units));
            }
        }
        batch
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_read_as_they_are_meant() {
        assert_eq!(Name::account(1234).as_str(), "user:00001234:points");
        assert_eq!(Name::numbered(b'e', 42).as_str(), "e:000000000000002a");
        assert_eq!(Name::numbered(b'h', 3 << 56).as_str(), "h:0300000000000000");
    }

    #[test]
    fn two_feeds_of_a_lane_make_the_same_and_of_two_lanes_nothing_twice() {
        let ids = |lane| {
            let mut feed = Feed::new(Shape::Uniform, 10, lane);
            let postings: Vec<Posting> = (0..500).map(|_| feed.posting()).collect();
            for posting in &postings {
                assert_ne!(posting.from.as_str(), posting.to());
                assert!((1..=100).contains(&posting.units));
            }
            postings.iter().map(|posting| posting.id.as_str().to_owned()).collect::<BTreeSet<_>>()
        };
        assert_eq!(ids(1), ids(1));
        assert_eq!(ids(1).len(), 500);
        assert!(ids(1).is_disjoint(&ids(2)));
    }

    #[test]
    fn every_hold_is_captured_by_the_batch_after_its_own() {
        let mut feed = Feed::new(Shape::Pairs, 10, 0);
        let ids = |made: &Made, wanted: fn(&Command<&str>) -> Option<String>| -> Vec<String> {
            (0..made.batch.len()).filter_map(|index| wanted(&made.batch.get(index)?)).collect()
        };
        let held = |command: &Command<&str>| match command {
            Command::Hold(hold) => Some(hold.id.to_owned()),
            _ => None,
        };
        let captured = |command: &Command<&str>| match command {
            Command::Capture(capture) => Some(capture.hold.to_owned()),
            _ => None,
        };
        let (first, second) = (feed.batch(8), feed.batch(8));
        assert_eq!((first.batch.len(), first.done, second.batch.len(), second.done), (4, 0, 8, 4));
        assert_eq!(ids(&first, held), ids(&second, captured));
    }

    #[test]
    fn accounts_are_opened_once_each() {
        let batches: Vec<Batch> = opening(5..25, 8, Some(7)).collect();
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [8, 8, 8, 8, 8]);
        let Some(Command::Open(open)) = batches[4].get(6) else { panic!("not an account") };
        assert_eq!(open.id, "user:00000024:points");
        assert_eq!(opening(0..10, 4, None).map(|batch| batch.len()).sum::<usize>(), 10);
    }
}
