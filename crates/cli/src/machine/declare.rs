//! Declares the machines of files at a start, before anybody is served. The same content again changes nothing; a changed
//! file is the machine's next version, and items that are under way keep theirs.
//!
//! A file that contradicts itself stops the start. Read next: `mod.rs`, which reads a file.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use engine::{Change, Engine};
use ledger::{Batch, Cause, Command, Declare, Run};

use super::{Fault, read};

/// A start that waits longer than this for one frame waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Declares the machine of each file, in order.
///
/// # Errors
/// The first file that is no machine, with all that is wrong with it; or the engine's refusal.
pub(crate) fn declare(engine: &Engine, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut batch = Batch::new();
    for file in files {
        let machine = read(file).map_err(|fault| match fault {
            Fault::Unreadable(unreadable) => anyhow!(unreadable),
            Fault::Invalid(faults) => anyhow!("{}: {}", file.display(), faults.join("; ")),
        });
        let machine = Box::new(machine.context("a machine of the settings cannot be declared")?);
        batch.push(&Command::Declare(Declare { machine, cause: Cause::default() }));
    }
    if batch.is_empty() {
        return Ok(());
    }
    let (tell, told) = mpsc::channel();
    // A start that gave up hears no more.
    engine.change(
        Change { batch, run: Run::Real, key: None },
        Box::new(move |changed| drop(tell.send(changed))),
    );
    let changed = told.recv_timeout(PATIENCE).context("the machines were not declared in time")?;
    let changed = changed.map_err(|refusal| anyhow!("the machines cannot be declared: {refusal}"))?;
    for (file, result) in files.iter().zip(changed.results) {
        result.map_err(|refusal| anyhow!("{}: {refusal}", file.display()))?;
    }
    Ok(())
}
