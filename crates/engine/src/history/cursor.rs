//! Where the next page of a past begins, as a text that is given out and read again: a letter for what it belongs to, and
//! a number.

use transaction::Refusal;

use crate::refusal::CURSOR_INVALID;

/// What a cursor belongs to; another's is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A statement told from its beginning: the version after which to go on.
    Oldest,
    /// A statement told from now back: the version below which to go on.
    Newest,
    /// The steps of a hold or item: the position after which to go on.
    Steps,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Kind::Oldest => 'o',
            Kind::Newest => 'n',
            Kind::Steps => 's',
        }
    }
}

pub(super) fn write(kind: Kind, number: u64) -> String {
    format!("{}{number:x}", kind.letter())
}

/// The number of a cursor that was given out for this.
pub(super) fn read(kind: Kind, cursor: &str) -> Result<u64, Refusal> {
    let number = cursor.strip_prefix(kind.letter()).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match number {
        Some(number) if write(kind, number) == cursor => Ok(number),
        Some(_) | None => Err(invalid(cursor)),
    }
}

pub(super) fn invalid(cursor: &str) -> Refusal {
    CURSOR_INVALID.because(format!("{} is no cursor of this history", cursor.escape_debug()))
}
