//! What one place says: values with the place where each was said, so that a refusal can point there.
//! Read next: `mod.rs`, where layers are laid over each other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::shape::Value;

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere: it is the default of this key.
    Default(&'static str),
    /// A variable of the environment.
    Variable(String),
    /// A line of the file.
    Line { path: PathBuf, line: usize, key: String },
    /// The file as a whole.
    File(PathBuf),
    /// A flag.
    Flag(String),
}

/// One value and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Everything one place says, by key. A table of the file says one value for each of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layer(BTreeMap<&'static str, Vec<Said>>);

/// Something said that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Where.
    pub(crate) origin: Origin,
    /// What is wrong, and what would be right.
    pub(crate) why: String,
}

impl Layer {
    pub(crate) fn say(&mut self, key: &'static str, said: Said) {
        self.0.entry(key).or_default().push(said);
    }

    pub(crate) fn said(&self, key: &str) -> Option<&Vec<Said>> {
        self.0.get(key)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default(key) => write!(f, "the default of {key}"),
            Origin::Variable(name) => write!(f, "variable {name}"),
            Origin::Line { path, line, key } => write!(f, "{}:{line}: {key}", path.display()),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Flag(name) => write!(f, "--{name}"),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.why)
    }
}

impl std::error::Error for Refused {}
