//! A source as it is declared, and what may be declared of all of them.

use std::fmt;
use std::time::Duration;

/// What a source may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes, and reads of the latest.
    Primary,
    /// Reads of what may be a little old.
    Replica,
}

/// Where a source is. It may hold a password, so it shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

/// A declared source.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    pub(super) name: String,
    pub(super) url: Url,
    pub(super) role: Role,
    pub(super) replica_of: Option<String>,
    pub(super) max_connections: u32,
    pub(super) acquire_timeout: Duration,
    pub(super) lag_max: Duration,
    pub(super) weight: u32,
    pub(super) tags: Vec<String>,
    pub(super) drain: Drain,
}

/// Whether a source takes new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// It does.
    Open,
    /// What is under way finishes, nothing new begins.
    Draining,
}

/// How the sources are looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Between two looks.
    pub every: Duration,
    /// A look that takes longer has failed.
    pub timeout: Duration,
    /// So many looks in a row fail before a source is out.
    pub out_after: u32,
    /// So many in a row succeed before it is back.
    pub in_after: u32,
}

impl Default for Health {
    fn default() -> Health {
        Health { every: Duration::from_secs(1), timeout: Duration::from_secs(1), out_after: 3, in_after: 2 }
    }
}

impl Role {
    /// As it stands in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Primary => "primary",
            Role::Replica => "replica",
        }
    }
}

impl Url {
    pub(super) fn new(url: String) -> Url {
        Url(url)
    }

    /// What is before the first colon: `postgres`, `mysql`, `sqlite`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// All of it. Not to be shown.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.scheme())
    }
}

impl Declared {
    /// Its name: lower-case letters, digits, `-`, `_`; 64 at most.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What it may be used for.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The primary it follows; of a replica.
    #[must_use]
    pub fn replica_of(&self) -> Option<&str> {
        self.replica_of.as_deref()
    }

    /// The most connections of its pool.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.max_connections
    }

    /// How long a connection is waited for.
    #[must_use]
    pub fn acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// How far a replica may be behind and still be read.
    #[must_use]
    pub fn lag_max(&self) -> Duration {
        self.lag_max
    }

    /// Its share of the reads that may be a little old, beside others of the same primary.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// What rules may ask of the replicas that serve their reads.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Whether it takes new work.
    #[must_use]
    pub fn drain(&self) -> Drain {
        self.drain
    }

    /// Whether a pool made for `self` serves `other` as well.
    pub(crate) fn has_pool_of(&self, other: &Declared) -> bool {
        self.name == other.name
            && self.url == other.url
            && self.role == other.role
            && self.replica_of == other.replica_of
            && self.max_connections == other.max_connections
            && self.acquire_timeout == other.acquire_timeout
    }
}
