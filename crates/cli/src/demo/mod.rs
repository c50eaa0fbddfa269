//! `tercet demo`.

mod args;
mod participant;

use std::process::ExitCode;

pub(crate) use self::args::{Args, ParticipantArgs};

pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("soon")
}

/// Runs one of the shop's services until its standard input closes.
pub(crate) fn participant(args: ParticipantArgs) -> anyhow::Result<()> {
    participant::run(&args)
}
