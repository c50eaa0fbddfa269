//! Begins transactions. An id or key that is known answers what it stands for; nothing is begun twice.

use std::sync::Arc;

use transaction::{Refusal, Time, begin, unfold};

use super::local::Counter;
use super::{Lookup, Partition, Replayed};
use crate::archive::Used;
use crate::entry::KeyRow;
use crate::{Answer, Begin, Fault, Key, Respond, refusal};

impl Partition {
    /// Begins a transaction, or answers the one that its id or key stands for.
    pub(super) fn begin(&mut self, begin: Box<Begin>, respond: Respond<Answer>, now: Time) {
        let until = (begin.wait_ms > 0).then(|| (now.plus_ms(begin.wait_ms), begin.until));
        match self.known(&begin) {
            Err(refusal) => self.release(respond, Err(refusal)),
            Ok(Known::KeyInMemory(number)) => self.answer_or_wait(number, respond, (Replayed::Yes, until)),
            Ok(Known::IdInMemory(number)) => {
                if let Some(key) = &begin.key {
                    self.keep_key(key, number, now);
                }
                self.answer_or_wait(number, respond, (Replayed::Yes, until));
            }
            Ok(Known::ByKey(number)) => (self.ports.lookup)(Lookup::Known(number, respond)),
            Ok(Known::ById(number)) => (self.ports.lookup)(Lookup::Begin(begin, number, respond)),
            Ok(Known::Not) => match self.refuses_new() {
                Some(refusal) => respond(Err(refusal)),
                None => {
                    let number = self.open(&begin, now);
                    self.answer_or_wait(number, respond, (Replayed::No, until));
                }
            },
        }
    }

    /// Where the transaction is that this request has begun before, if it has.
    fn known(&mut self, begin: &Begin) -> Result<Known, Refusal> {
        if let Some(key) = &begin.key
            && let Some(row) = self.key_row(key)?
        {
            same_content(key, &row)?;
            let is_here = self.memory.get(row.number).is_some();
            return Ok(if is_here { Known::KeyInMemory(row.number) } else { Known::ByKey(row.number) });
        }
        if let Some(number) = self.memory.number_of(&begin.spec.id) {
            let is_same = self.memory.get(number).is_some_and(|slot| slot.transaction.spec == begin.spec);
            #[cfg(feature = "planted")]
            let is_same = is_same || planted::is(planted::Bug::FingerprintIgnored);
            #[cfg(feature = "planted")]
            let is_same = is_same && !planted::is(planted::Bug::RepeatRefused);
            return if is_same { Ok(Known::IdInMemory(number)) } else { Err(other_content(&begin.spec.id)) };
        }
        match self.ports.archive.number_of(&begin.spec.id) {
            Ok(archived) => Ok(archived.map_or(Known::Not, Known::ById)),
            // A full disk breaks the archive first: the caller is told the cause.
            Err(fault) => Err(self.refuses_new().unwrap_or_else(|| unavailable(&fault))),
        }
    }

    /// Keeps the first events of a new transaction.
    fn open(&mut self, asked: &Begin, now: Time) -> u64 {
        let number = self.batch.last + 1;
        let (event, mut transaction) = begin(number, now, (&asked.spec, asked.trace));
        self.batch.push_event(number, now, &event);
        if let Some(key) = &asked.key {
            self.keep_key(key, number, now);
        }
        let mut desk = Counter { number, now, frame: &mut self.batch, vault: &mut self.vault };
        unfold(&mut transaction, now, &mut desk);
        self.memory.insert(Arc::new(transaction));
        self.settle(number);
        number
    }

    /// Keeps that `key` stands for transaction `number`.
    pub(super) fn keep_key(&mut self, key: &Key, number: u64, now: Time) {
        let row = KeyRow { scope: Arc::clone(&key.scope), fingerprint: key.fingerprint, number, at: now };
        let sequence = self.batch.push_key(&row);
        self.memory.insert_key(sequence, Used::Key(row));
    }

    /// What `key` stands for, if it is known.
    pub(super) fn key_row(&self, key: &Key) -> Result<Option<KeyRow>, Refusal> {
        match self.key_use(&key.scope)? {
            None => Ok(None),
            Some(Used::Key(row)) => Ok(Some(row)),
            Some(Used::Reply(_)) => {
                Err(refusal::IDEMPOTENCY_MISMATCH
                    .because("the idempotency key came before with another request"))
            }
        }
    }

    /// What the key of this scope was used for, if it was.
    pub(super) fn key_use(&self, scope: &str) -> Result<Option<Used>, Refusal> {
        match self.memory.key(scope) {
            Some(used) => Ok(Some(used.clone())),
            None => self.ports.archive.used(scope).map_err(|fault| unavailable(&fault)),
        }
    }
}

/// Where a transaction is that was begun before.
enum Known {
    Not,
    /// In memory, found by its key, whose content is the same.
    KeyInMemory(u64),
    /// In memory, found by its id, with the same content; its key, if it has one, is new.
    IdInMemory(u64),
    /// In the archive, found by its key, whose content is the same.
    ByKey(u64),
    /// In the archive, found by its id; the content is yet to be compared.
    ById(u64),
}

/// Does `key` come with the content that it came with first?
pub(crate) fn same_content(key: &Key, row: &KeyRow) -> Result<(), Refusal> {
    if key.fingerprint == row.fingerprint {
        return Ok(());
    }
    Err(refusal::IDEMPOTENCY_MISMATCH.because("the idempotency key came before with another request"))
}

pub(crate) fn other_content(id: &str) -> Refusal {
    refusal::IDEMPOTENCY_MISMATCH.at("/id", format!("transaction {id} is known with other content"))
}

pub(crate) fn unavailable(fault: &Fault) -> Refusal {
    refusal::ARCHIVE_UNAVAILABLE.because(fault.to_string())
}
