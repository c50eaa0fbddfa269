//! Starts and stops the threads around a partition: partition → writer → archive.
//!
//! The partition decides frame N+1 while the writer makes frame N durable; `frames_in_flight` bounds how far it runs ahead.
//! Read next: `assembly.rs` (what is started), `driver.rs` (the partition's loop).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::assembly::{Parts, Report, assemble, caught_up};
use crate::partition::Input;
use crate::room::with_room;
use crate::writer::Work;
use crate::{Config, Engine, Fault};

/// Threads that read the archive.
const READERS: usize = 2;
/// How long a query waits for the archive to come as far as it must.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running engine with its threads.
pub struct Running {
    /// The handle for callers.
    pub engine: Engine,
    /// Open transactions found at start-up.
    pub restored: usize,
    threads: Vec<JoinHandle<()>>,
}

/// Brings the archive up to date, waiting for room where the disk is full, takes over what is open and starts the
/// threads; returns when it is ready.
///
/// # Errors
/// When journal or archive cannot be read, or do not fit together.
pub fn start(config: &Config, mut parts: Parts) -> Result<Running, Fault> {
    // What is taken in stays taken in, so this may be asked again.
    let floor = with_room(|| caught_up(&mut parts))?;
    let made = assemble(config, parts, (floor, PATIENCE))?;
    let (work, work_queue) = sync_channel(config.frames_in_flight.max(1) + 1);
    let (driver, writer, archiver, jobs) = (made.driver, made.writer, made.archiver, made.jobs);
    let on_fault = OnFault(Arc::new(Mutex::new(Some(made.on_fault))));
    let drive = move || {
        driver.run(&mut |batch| work.send(Work::Keep(batch)).map_err(|_| Fault::Writer))?;
        work.send(Work::Stop).map_err(|_| Fault::Writer)
    };
    let mut threads = vec![
        spawn("partition", &on_fault, drive)?,
        spawn("writer", &on_fault, move || writer.run(&work_queue))?,
        spawn("archive", &on_fault, move || archiver.run(&jobs))?,
    ];
    for _ in 0..READERS {
        let reader = made.reader.clone();
        threads.push(spawn("reader", &on_fault, move || reader.run())?);
    }
    Ok(Running { engine: made.engine, restored: made.restored, threads })
}

impl Running {
    /// Takes no new work, keeps and answers what is under way, hands everything to the archive, ends the threads.
    pub fn stop(self) {
        let _ = self.engine.inputs.push(Input::Stop);
        for _ in 0..READERS {
            self.engine.queries.stop_one();
        }
        for thread in self.threads {
            // A thread that panicked has reported its fault.
            let _ = thread.join();
        }
    }
}

/// Reports the first fault, once.
#[derive(Clone)]
struct OnFault(Arc<Mutex<Option<Report>>>);

impl OnFault {
    fn report(&self, fault: Fault) {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(report) = first {
            report(fault);
        }
    }
}

/// Starts a thread whose fault or panic is reported.
fn spawn<E: Into<Ended> + 'static>(
    name: &'static str,
    on_fault: &OnFault,
    work: impl FnOnce() -> E + Send + 'static,
) -> Result<JoinHandle<()>, Fault> {
    let on_fault = on_fault.clone();
    let body = move || match catch_unwind(AssertUnwindSafe(work)).map(Into::into) {
        Ok(Ended(Ok(()))) => {}
        Ok(Ended(Err(fault))) => on_fault.report(fault),
        Err(_) => on_fault.report(Fault::Bug(name)),
    };
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(body)?)
}

/// How a thread's work ended.
struct Ended(Result<(), Fault>);

impl From<()> for Ended {
    fn from((): ()) -> Ended {
        Ended(Ok(()))
    }
}

impl From<Result<(), Fault>> for Ended {
    fn from(result: Result<(), Fault>) -> Ended {
        Ended(result)
    }
}
