//! `tercet machine check`: whether a machine's file makes sense, without a server; all its faults, or its diagram.
//!
//! What is a fault is decided in `ledger`; this reads the file and prints. Read next: `file.rs`.

mod declare;
pub(crate) mod file;
#[cfg(any(test, fuzzing))]
mod fuzz;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use ledger::Machine;
use server::MachineBody;

pub(crate) use self::declare::declare;
use self::file::Unreadable;
use crate::exit::Exit;

/// Arguments of `tercet machine`.
#[derive(Debug, Subcommand)]
pub(crate) enum Args {
    /// Check a machine's file: all its faults (exit code 1), or its diagram as Mermaid text
    Check {
        /// A TOML or JSON file
        file: PathBuf,
    },
}

/// Why a file's machine cannot be declared.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It cannot be read, or is neither TOML nor JSON.
    Unreadable(Unreadable),
    /// It contradicts itself: every fault with its place.
    Invalid(Vec<String>),
}

/// Runs `tercet machine`.
pub(crate) fn run(args: &Args) -> ExitCode {
    let Args::Check { file } = args;
    match read(file) {
        Ok(machine) => {
            let (states, moves) = (machine.states.len(), machine.moves.len());
            // Whoever reads may have read enough (`| head`).
            let _ = write!(std::io::stdout(), "{}", machine.mermaid());
            eprintln!("{}: {} is sound: {states} states, {moves} moves", file.display(), machine.name);
            Exit::Done.into()
        }
        Err(Fault::Invalid(faults)) => {
            faults.iter().for_each(|fault| eprintln!("{}: {fault}", file.display()));
            Exit::Refused.into()
        }
        Err(Fault::Unreadable(unreadable)) => {
            eprintln!("tercet: {unreadable}");
            Exit::NotStarted.into()
        }
    }
}

/// The machine of a file, checked.
pub(crate) fn read(path: &Path) -> Result<Machine, Fault> {
    let json = file::read(path).and_then(file::Text::into_json).map_err(Fault::Unreadable)?;
    let in_words = |refusal: &transaction::Refusal| match &refusal.at {
        Some(at) => format!("{} (at {at})", refusal.detail),
        None => refusal.detail.clone(),
    };
    let body: MachineBody = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(&json))
        .map_err(|error| Fault::Invalid(vec![misread(&error)]))?;
    let machine = body.into_machine().map_err(|refusal| Fault::Invalid(vec![in_words(&refusal)]))?;
    machine.check().map_err(|faults| Fault::Invalid(faults.iter().map(in_words).collect()))?;
    Ok(machine)
}

/// What is wrong with the form of a machine, and where: the line and column of the JSON made of a file tell nobody anything.
fn misread(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let what = error.inner().to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let at = error.path().to_string();
    if at == "." { what.to_owned() } else { format!("{what} (at /{})", at.replace('.', "/")) }
}
