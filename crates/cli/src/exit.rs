//! What the process tells by its exit code. `docs/reference/cli.md` lists them.

use std::process::ExitCode;

/// Why the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// The server refused, or a check found a difference.
    Refused,
    /// It could not start: usage, settings, the data folder, an address. (clap ends with the same code.)
    NotStarted,
    /// A running server met a fault; a command could not reach its server.
    Fault,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::NotStarted => 2,
            Exit::Fault => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
