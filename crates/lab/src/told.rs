//! What callers were told, and what came to light that contradicts it.
//!
//! A *fact* is an answer that a caller received whole with a 2xx; of each object only the latest is kept, since it binds
//! at least as much as those before. Judges nothing itself: `judge.rs` does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::judge;

/// A promise that did not hold, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// As in `docs/reference/promises.md`.
    pub promise: &'static str,
    /// In words.
    pub what: String,
    /// What the caller was told.
    pub told: String,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { promise, what, told, found } = self;
        write!(to, "{promise} BROKEN: {what}\n  told:  {told}\n  found: {found}")
    }
}

/// What has an id and can be read by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Transaction,
    Hold,
    Item,
}

impl Kind {
    /// Where it is read.
    pub(crate) fn path(self, id: &str) -> String {
        let list = match self {
            Kind::Transaction => "transactions",
            Kind::Hold => "holds",
            Kind::Item => "items",
        };
        format!("/v1/{list}/{}", encode(id))
    }
}

pub(crate) type Key = (Kind, String);

/// A line that an account's journal must show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) capture: Option<String>,
    pub(crate) amount: String,
}

#[derive(Debug, Default, Clone)]
struct Books {
    objects: BTreeMap<Key, Value>,
    /// What was heard since the last look.
    fresh: Vec<Key>,
    rows: BTreeMap<String, Vec<Row>>,
    facts: u64,
    sequence: u64,
    findings: Vec<Finding>,
}

/// The books of all callers together.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Books>);

impl Told {
    /// The books as they stand.
    pub(crate) fn copy(&self) -> Told {
        Told(Mutex::new(self.books().clone()))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer told this object as it stands: it must follow from what was told of it before.
    pub(crate) fn object(&self, kind: Kind, object: &Value) {
        self.seen(kind, object);
        let mut books = self.books();
        books.facts += 1;
        if let Some(id) = object["id"].as_str() {
            books.fresh.push((kind, id.to_owned()));
        }
    }

    /// It was read as it stands, which binds all that is read later.
    pub(crate) fn seen(&self, kind: Kind, object: &Value) {
        let Some(id) = object["id"].as_str() else {
            return self.found(Finding {
                promise: "P15",
                what: "an answer without an id".into(),
                told: String::new(),
                found: object.to_string(),
            });
        };
        let key = (kind, id.to_owned());
        let mut books = self.books();
        if let Some(before) = books.objects.get(&key)
            && let Some(finding) = judge::follows(kind, before, Some(object))
        {
            books.findings.push(finding);
        }
        books.objects.insert(key, object.clone());
    }

    /// An answer told that this stands in the journal of an account.
    pub(crate) fn row(&self, account: &str, row: Row) {
        let mut books = self.books();
        books.facts += 1;
        books.rows.entry(account.to_owned()).or_default().push(row);
    }

    /// An answer reflected this sequence of the journal.
    pub(crate) fn sequence(&self, sequence: u64) {
        let mut books = self.books();
        books.sequence = books.sequence.max(sequence);
    }

    /// A promise is broken.
    pub(crate) fn found(&self, finding: Finding) {
        self.books().findings.push(finding);
    }

    /// How many facts were told.
    pub(crate) fn facts(&self) -> u64 {
        self.books().facts
    }

    /// The highest sequence that was told.
    pub(crate) fn highest(&self) -> u64 {
        self.books().sequence
    }

    /// What was told of this object last.
    pub(crate) fn last(&self, key: &Key) -> Option<Value> {
        self.books().objects.get(key).cloned()
    }

    /// All objects that were told.
    pub(crate) fn all(&self) -> Vec<Key> {
        self.books().objects.keys().cloned().collect()
    }

    /// What was heard since the last time this was asked.
    pub(crate) fn take_fresh(&self) -> Vec<Key> {
        std::mem::take(&mut self.books().fresh)
    }

    /// The lines told of each account, in the order of hearing.
    pub(crate) fn rows(&self) -> BTreeMap<String, Vec<Row>> {
        self.books().rows.clone()
    }

    /// Every broken promise so far.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.books().findings.clone()
    }
}

/// An id as one segment of a path.
pub(crate) fn encode(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F")
}
