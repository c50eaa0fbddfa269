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

/// A fault with its causes on one line; a cause that the words before it hold already is not said twice.
pub(crate) fn words(fault: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in fault.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn causes_are_said_once() {
        let fault = anyhow!("disk on fire").context("cannot write: disk on fire").context("cannot start");
        assert_eq!(super::words(&fault), "cannot start: cannot write: disk on fire");
    }
}
