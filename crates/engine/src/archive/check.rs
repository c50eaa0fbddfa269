//! Compares the archive with the journal, for `tercet journal verify`: event by event, then the archive with itself.
//!
//! Only reads. Stops at the first difference. Read next: `rows.rs`.

use std::collections::HashMap;

use transaction::{Event, Kept, Time, Transaction};

use super::Shared;
use super::check_past::CheckPast;
use super::fold::{Fold, decode};
use super::rows::{
    META_PURGED, Summary, Used, chunk_key, label_key, number_key, read_chunk, read_chunk_key, read_number,
    read_topic, read_used, topic_key,
};
use super::store::{Flow, Order, Span, Table, View};
use crate::Fault;
use crate::entry::{Entry, EntryRef, Room, TopicRow};

/// Chunks that are kept at hand while their transactions go on.
const OPEN_CHUNKS: usize = 10_000;

/// Where archive and journal do not say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The journal's sequence, where one is meant.
    pub sequence: Option<u64>,
    /// What differs, in words.
    pub what: String,
}

/// What was found equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries of the journal that the archive has alike.
    pub entries: u64,
    /// Entries that the archive has given up since they are past their retention.
    pub purged: u64,
    /// Transactions whose rows agree with each other.
    pub transactions: u64,
    /// Blocks of the ledger's history that fit their sums; what follows them fits the archive's.
    pub blocks: u64,
}

/// A comparison under way: give it the journal's entries in order, then [`Check::finish`] it.
pub struct Check {
    view: Box<dyn View>,
    applied: u64,
    purged_before: Option<Time>,
    /// The first event that is not past the retention.
    recent_from: Option<u64>,
    /// Purged transactions whose beginning was seen, but not their end.
    unfinished: i64,
    first: Option<u64>,
    last: u64,
    events: u64,
    checked: Checked,
    /// By number: what is left to compare of a chunk.
    chunks: HashMap<u64, Vec<(u64, Vec<u8>)>>,
    past: CheckPast,
}

pub(super) type Compared = Result<Result<(), Difference>, Fault>;

impl Check {
    pub(super) fn new(view: Box<dyn View>, shared: &Shared) -> Result<Check, Fault> {
        let purged = view.get(Table::Meta, META_PURGED)?.map(|row| read_number(&row)).transpose()?;
        Ok(Check {
            applied: super::applied_in(&*view)?,
            view,
            purged_before: purged.map(|micros| Time(i64::try_from(micros).unwrap_or(i64::MAX))),
            recent_from: None,
            unfinished: 0,
            first: None,
            last: 0,
            events: 0,
            checked: Checked::default(),
            chunks: HashMap::new(),
            past: CheckPast::new(shared),
        })
    }

    /// Compares one entry. What the archive has not applied yet is passed over.
    ///
    /// # Errors
    /// When the archive cannot be read or the entry not be decoded; the inner one is the difference.
    pub fn entry(&mut self, sequence: u64, entry: &EntryRef<'_>) -> Compared {
        self.first.get_or_insert(sequence);
        self.last = sequence;
        if entry.room == Room::Ledger {
            let compared =
                if self.past.has(sequence) { self.past.entry(sequence, entry.bytes)? } else { Ok(()) };
            self.checked.entries += u64::from(self.past.has(sequence));
            return Ok(compared);
        }
        if sequence > self.applied {
            return Ok(Ok(()));
        }
        match entry.decode()? {
            Entry::Event { encoded, kept } => {
                if self.purged_before.is_none_or(|before| kept.at >= before) {
                    self.recent_from.get_or_insert(sequence);
                }
                self.event(sequence, &encoded, &kept)
            }
            Entry::Key(row) => self.key(sequence, &row.scope.clone(), &Used::Key(row)),
            Entry::Reply(row) => self.key(sequence, &row.scope.clone(), &Used::Reply(row)),
            Entry::Topic(row) => self.topic(&row),
            Entry::Ledger(_) => Ok(Ok(())),
        }
    }

    /// A later change stands in an earlier one's place, so only a topic that stands is compared, by its version.
    fn topic(&mut self, row: &TopicRow) -> Compared {
        self.checked.entries += 1;
        let Some(topic) = &row.topic else { return Ok(Ok(())) };
        let archived = self.view.get(Table::Meta, &topic_key(&row.name))?;
        let archived = archived.map(|value| read_topic(&value)).transpose()?.and_then(|row| row.topic);
        match archived {
            Some(known)
                if known.created_at == topic.created_at
                    && known.version == topic.version
                    && known != *topic =>
            {
                Ok(differs(self.last, format!("the archive has another topic {}", row.name)))
            }
            Some(_) | None => Ok(Ok(())),
        }
    }

    fn event(&mut self, sequence: u64, encoded: &[u8], kept: &Kept) -> Compared {
        let number = kept.number;
        match self.archived(number, sequence)? {
            Some(archived) if archived == encoded => {
                self.events += 1;
                self.checked.entries += 1;
                Ok(Ok(()))
            }
            Some(_) => {
                Ok(differs(sequence, format!("the archive has another event of transaction {number}")))
            }
            None if self.view.get(Table::Summary, &number_key(number))?.is_some() => {
                Ok(differs(sequence, format!("the archive lacks this event of transaction {number}")))
            }
            None => Ok(self.absent(sequence, kept)),
        }
    }

    /// A transaction that the archive does not have: was it purged, or is it lost? Only what was begun and finished
    /// before the retention can have been purged; numbers ascend with time.
    fn absent(&mut self, sequence: u64, kept: &Kept) -> Result<(), Difference> {
        let before = self.purged_before.unwrap_or(Time(i64::MIN));
        let finishes = matches!(kept.event, Event::Finished | Event::Stopped { .. });
        if self.recent_from.is_some_and(|recent| recent <= kept.number) || (finishes && kept.at >= before) {
            return differs(sequence, format!("the archive lacks transaction {}", kept.number));
        }
        if self.first.is_some_and(|first| first <= kept.number) {
            self.unfinished += i64::from(kept.event.begun().is_some()) - i64::from(finishes);
        }
        self.checked.purged += 1;
        Ok(())
    }

    fn key(&mut self, sequence: u64, scope: &str, used: &Used) -> Compared {
        let archived = self.view.get(Table::Keys, scope.as_bytes())?;
        match archived.map(|value| read_used(&value)).transpose()? {
            // A later use of the same scope stands in its place.
            Some((latest, _)) if latest > sequence => {}
            Some((latest, archived)) if latest == sequence && archived == *used => {}
            Some(_) => {
                return Ok(differs(sequence, "the archive has another idempotency key".to_owned()));
            }
            None if self.purged_before.is_some_and(|before| used.at() < before) => {
                self.checked.purged += 1;
                return Ok(Ok(()));
            }
            None => return Ok(differs(sequence, "the archive lacks this idempotency key".to_owned())),
        }
        self.checked.entries += 1;
        Ok(Ok(()))
    }

    /// The archive's bytes of one event.
    fn archived(&mut self, number: u64, sequence: u64) -> Result<Option<Vec<u8>>, Fault> {
        let is_at_hand = |chunk: &Vec<(u64, Vec<u8>)>| chunk.last().is_some_and(|next| next.0 <= sequence);
        if !self.chunks.get(&number).is_some_and(is_at_hand) {
            if self.chunks.len() >= OPEN_CHUNKS {
                self.chunks.clear();
            }
            self.chunks.insert(number, self.chunk(number, sequence)?);
        }
        let Some(chunk) = self.chunks.get_mut(&number) else { return Ok(None) };
        while chunk.last().is_some_and(|next| next.0 < sequence) {
            chunk.pop();
        }
        let found = chunk.pop_if(|next| next.0 == sequence).map(|next| next.1);
        if chunk.is_empty() {
            self.chunks.remove(&number);
        }
        Ok(found)
    }

    /// The events of the chunk in which `sequence` must be, the last one first.
    fn chunk(&self, number: u64, sequence: u64) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        let mut events = Vec::new();
        let (start, end) = (number_key(number), chunk_key(number, sequence.saturating_add(1)));
        let span = Span { table: Table::Chunks, start: &start, end: Some(&end), order: Order::Descending };
        self.view.scan(span, &mut |_, chunk| {
            read_chunk(chunk, |sequence, encoded| {
                events.push((sequence, encoded.to_vec()));
                Ok(())
            })?;
            Ok(Flow::Stop)
        })?;
        events.reverse();
        Ok(events)
    }

    /// Compares the archive with itself, and looks for what the journal does not have.
    ///
    /// # Errors
    /// When the archive cannot be read; the inner one is the difference.
    pub fn finish(mut self) -> Result<Result<Checked, Difference>, Fault> {
        if self.applied > self.last {
            let what = format!(
                "the archive holds entries up to {}, the journal ends at {}",
                self.applied, self.last
            );
            return Ok(Err(Difference { sequence: None, what }));
        }
        match self.past.finish(self.first)? {
            Ok(blocks) => self.checked.blocks = blocks,
            Err(difference) => return Ok(Err(difference)),
        }
        if self.unfinished != 0 {
            let what = format!("the archive lacks {} transactions that have not finished", self.unfinished);
            return Ok(Err(Difference { sequence: None, what }));
        }
        let mut whole = Whole { first: self.first.unwrap_or(u64::MAX), ..Whole::default() };
        if let Err(difference) = whole.read(&*self.view)? {
            return Ok(Err(difference));
        }
        self.checked.transactions = whole.transactions;
        let counts = [
            (Table::Summary, whole.transactions),
            (Table::Ids, whole.transactions),
            (Table::Live, whole.live),
            (Table::Labels, whole.labels),
        ];
        for (table, expected) in counts {
            let rows = count(&*self.view, table)?;
            if rows != expected {
                let what = format!("the archive's table {} has {rows} rows, not {expected}", table.name());
                return Ok(Err(Difference { sequence: None, what }));
            }
        }
        if whole.events != self.events {
            let what = format!(
                "of the journal's time the archive has {} events, the journal {}",
                whole.events, self.events
            );
            return Ok(Err(Difference { sequence: None, what }));
        }
        Ok(Ok(self.checked))
    }
}

pub(super) fn differs(sequence: u64, what: String) -> Result<(), Difference> {
    Err(Difference { sequence: Some(sequence), what })
}

fn count(view: &dyn View, table: Table) -> Result<u64, Fault> {
    let mut rows = 0;
    view.scan(Span { table, start: &[], end: None, order: Order::Ascending }, &mut |_, _| {
        rows += 1;
        Ok(Flow::Go)
    })?;
    Ok(rows)
}

/// The archive read from end to end.
#[derive(Default)]
struct Whole {
    /// The journal's first sequence: older events are counted nowhere.
    first: u64,
    events: u64,
    transactions: u64,
    live: u64,
    labels: u64,
}

impl Whole {
    fn read(&mut self, view: &dyn View) -> Compared {
        let mut current = None;
        let mut fold = Fold::default();
        let mut found = Ok(());
        let span = Span { table: Table::Chunks, start: &[], end: None, order: Order::Ascending };
        view.scan(span, &mut |key, chunk| {
            let (number, _) = read_chunk_key(key)?;
            if current.replace(number) != Some(number) {
                found = self.transaction(view, std::mem::take(&mut fold).finish())?;
            }
            if found.is_err() {
                return Ok(Flow::Stop);
            }
            read_chunk(chunk, |sequence, encoded| {
                fold.apply(sequence, &decode(sequence, encoded)?)?;
                self.events += u64::from(sequence >= self.first);
                Ok(())
            })?;
            Ok(Flow::Go)
        })?;
        if found.is_err() {
            return Ok(found);
        }
        self.transaction(view, fold.finish())
    }

    /// Whether the other tables say of a transaction what its events say.
    fn transaction(&mut self, view: &dyn View, transaction: Option<Transaction>) -> Compared {
        let Some(transaction) = transaction else { return Ok(Ok(())) };
        let (number, is_live) = (transaction.number, !transaction.phase.is_final());
        self.transactions += 1;
        self.live += u64::from(is_live);
        let key = number_key(number);
        let summary = view.get(Table::Summary, &key)?;
        let id = view.get(Table::Ids, transaction.spec.id.as_bytes())?;
        let mut rows = vec![
            (Table::Summary, summary == Some(Summary::of(&transaction).encode())),
            (Table::Ids, id.as_deref() == Some(&key[..])),
            (Table::Live, view.get(Table::Live, &key)?.is_some() == is_live),
        ];
        for (label, value) in &transaction.spec.labels {
            self.labels += 1;
            rows.push((Table::Labels, view.get(Table::Labels, &label_key(label, value, number))?.is_some()));
        }
        Ok(match rows.iter().find(|(_, is_right)| !is_right) {
            None => Ok(()),
            Some((table, _)) => differs(
                number,
                format!("the archive's table {} is wrong about transaction {number}", table.name()),
            ),
        })
    }
}
