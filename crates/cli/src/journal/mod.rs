//! `tercet journal`: looks at the kept data of a folder without a server.
//!
//! It changes nothing in the journal. Read next: `verify.rs`, `books.rs`.

mod books;
mod replay;
mod report;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

/// Arguments of `tercet journal`.
#[derive(Debug, Subcommand)]
pub(crate) enum Args {
    /// Check the hash chain, audit the ledger, replay every event, and compare the archive with the journal
    ///
    /// Exits 0 when everything agrees, 1 on any damage or difference, 2 when there is nothing to look at.
    Verify {
        /// The data folder [variable: TERCET_DATA]
        #[arg(
            long,
            value_name = "DIR",
            env = "TERCET_DATA",
            hide_env = true,
            default_value = "./tercet-data"
        )]
        data: PathBuf,
        /// The first event that should be here, when older segments were released (journal.retain_bytes)
        #[arg(long, value_name = "EVENT", default_value_t = 1)]
        begins_at: u64,
        /// Print one JSON object instead
        #[arg(long)]
        json: bool,
    },
}

/// Runs `tercet journal`.
pub(crate) fn run(args: &Args) -> ExitCode {
    match args {
        Args::Verify { data, begins_at, json } => {
            verify::run(data, *begins_at, if *json { verify::Style::Json } else { verify::Style::Text })
        }
    }
}
