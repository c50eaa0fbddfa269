//! What is placed: a key, and the refusal of one that no rule places.

use std::borrow::Cow;
use std::fmt;

/// What a rule looks at: whose books, and which part of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) service: String,
    pub(super) tenant: Option<String>,
    pub(super) shard: Option<Shard>,
}

/// The key of a shard, such as a user's number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shard {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

/// What is to be done at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reading only.
    Read,
    /// Anything else.
    Write,
}

/// No rule places the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// Which.
    pub key: Key,
    /// What was to be done.
    pub access: Access,
    /// The rules that were looked at, in their order.
    pub looked: Vec<Looked>,
}

/// A rule that does not place a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Which.
    pub rule: String,
    /// Why not.
    pub why: Cow<'static, str>,
}

impl Key {
    /// Of this service.
    pub fn of(service: impl Into<String>) -> Key {
        Key { service: service.into(), tenant: None, shard: None }
    }

    /// Of this tenant.
    #[must_use]
    pub fn tenant(self, tenant: impl Into<String>) -> Key {
        Key { tenant: Some(tenant.into()), ..self }
    }

    /// Of this shard.
    #[must_use]
    pub fn shard(self, shard: impl Into<Shard>) -> Key {
        Key { shard: Some(shard.into()), ..self }
    }
}

impl Shard {
    /// As text: a number in decimal digits, with `-` if below zero. What hashes and lists look at, so 42 and "42" are one.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Shard::Number(number) => Cow::Owned(number.to_string()),
            Shard::Text(text) => Cow::Borrowed(text),
        }
    }
}

impl From<i64> for Shard {
    fn from(number: i64) -> Shard {
        Shard::Number(number)
    }
}

impl From<&str> for Shard {
    fn from(text: &str) -> Shard {
        Shard::Text(text.to_owned())
    }
}

impl From<String> for Shard {
    fn from(text: String) -> Shard {
        Shard::Text(text)
    }
}

impl Access {
    /// `read` or `write`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service {:?}", self.service)?;
        if let Some(tenant) = &self.tenant {
            write!(f, ", tenant {tenant:?}")?;
        }
        match &self.shard {
            Some(Shard::Number(number)) => write!(f, ", shard {number}"),
            Some(Shard::Text(text)) => write!(f, ", shard {text:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no rule places {} for {}", self.key, self.access.name())?;
        if self.looked.is_empty() {
            return write!(f, "; there are no rules");
        }
        for (at, Looked { rule, why }) in self.looked.iter().enumerate() {
            write!(f, "{} {rule} ({why})", if at == 0 { "; looked at" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for Unmatched {}
