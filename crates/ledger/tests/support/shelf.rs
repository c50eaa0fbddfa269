//! A book in memory: the history as the engine keeps it, and every id ever learnt.

use std::collections::HashMap;

use ledger::{Book, HEAD, Keys, Known, Place, learnt};

#[derive(Clone, Debug, Default)]
pub struct Shelf {
    pub history: Vec<u8>,
    sequence: u64,
    known: HashMap<u64, Vec<Known>>,
    done: Vec<Op>,
    /// The end of what can be recalled, as an engine can read only what an earlier batch kept.
    pub readable: u64,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Kept(usize),
    Learnt(u64),
}

impl Shelf {
    /// All events from this position on, with their positions.
    pub fn events(&self, from: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let mut at = usize::try_from(from).expect("small");
        std::iter::from_fn(move || {
            let position = at as u64;
            let event = self.event(position)?;
            at += event.len() + usize::try_from(HEAD).expect("5");
            Some((position, event))
        })
    }

    fn event(&self, position: u64) -> Option<&[u8]> {
        let rest = self.history.get(usize::try_from(position).ok()?..)?;
        let (head, rest) = rest.split_at_checked(usize::try_from(HEAD).ok()?)?;
        let length = u32::from_le_bytes(head[..4].try_into().ok()?);
        rest.get(..usize::try_from(length).ok()?)
    }

    /// The newest of every key.
    pub fn newest(&self) -> HashMap<u64, Known> {
        self.known.iter().filter_map(|(hash, known)| Some((*hash, *known.last()?))).collect()
    }

    /// What start-up would know: learnt again from the history alone.
    pub fn relearnt(&self, keys: Keys) -> HashMap<u64, Known> {
        let mut known = HashMap::new();
        for (position, event) in self.events(0) {
            learnt(keys, event, position, &mut |hash, one| {
                known.insert(hash, one);
            })
            .expect("what was kept is an event");
        }
        known
    }
}

impl Book for Shelf {
    fn place(&self) -> Place {
        Place { sequence: self.sequence + 1, position: self.history.len() as u64 }
    }

    fn keep(&mut self, event: &[u8]) {
        self.done.push(Op::Kept(self.history.len()));
        let length = u32::try_from(event.len()).expect("small");
        self.history.extend_from_slice(&length.to_le_bytes());
        self.history.push(3);
        self.history.extend_from_slice(event);
        self.sequence += 1;
    }

    fn known(&self, hash: u64) -> Option<Known> {
        self.known.get(&hash)?.last().copied()
    }

    fn learn(&mut self, hash: u64, known: Known) {
        self.done.push(Op::Learnt(hash));
        self.known.entry(hash).or_default().push(known);
    }

    fn mark(&mut self) -> u64 {
        self.done.len() as u64
    }

    fn roll_back(&mut self, mark: u64) {
        while self.done.len() as u64 > mark {
            match self.done.pop() {
                Some(Op::Kept(length)) => {
                    self.history.truncate(length);
                    self.sequence -= 1;
                }
                Some(Op::Learnt(hash)) => {
                    self.known.get_mut(&hash).and_then(Vec::pop);
                }
                None => {}
            }
        }
    }

    fn recall(&self, position: u64) -> Option<&[u8]> {
        if position < self.readable { self.event(position) } else { None }
    }
}
