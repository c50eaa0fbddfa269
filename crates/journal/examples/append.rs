//! Appends frames to a journal and does nothing else: for counting its system calls.
//!
//! `append FOLDER FRAMES`

use std::process::ExitCode;
use std::sync::Arc;

use journal::{FileJournal, FileOptions, Frame, Journal, RealDisk};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (folder, frames) = (arguments.next(), arguments.next().and_then(|text| text.parse().ok()));
    let (Some(folder), Some(frames)) = (folder, frames) else {
        eprintln!("usage: append FOLDER FRAMES");
        return ExitCode::from(2);
    };
    match append(&folder, frames) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn append(folder: &str, frames: u64) -> Result<(), Box<dyn std::error::Error>> {
    let disk = Arc::new(RealDisk::create(folder)?);
    let mut journal = FileJournal::open(disk, FileOptions::default())?;
    for sequence in 1..=frames {
        journal.append(&Frame { sequence, count: 1, time: 0, payload: &[1; 300] })?;
        // Says that the frame was told as durable: the trace shows what came before.
        println!("told {sequence}");
    }
    Ok(())
}
