//! One measured run of one store: ingest flat out, settle, read quietly, read while it ingests.
//!
//! The store's own time and CPU are counted, never the generator's. CPU is the whole process's, so a store's
//! background threads are in it; what the kernel's own writers spend is not. Next: `cut.rs`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::report::{Finding, Spread};
use crate::store::{Kind, Store, Table};
use crate::workload::Workload;

/// How often everything so far is made durable.
const PERSIST_EVERY: Duration = Duration::from_secs(2);
/// Clock ticks per second in /proc, fixed on Linux.
const TICKS: f64 = 100.0;

/// Measures `count` transactions in `folder`, prints the finding as one line, and ingests on until killed.
pub(crate) fn run(kind: Kind, workload: &Workload, (count, folder): (u64, &Path)) -> Result<()> {
    let store = kind.open(folder)?;
    let mut ingest = Ingest::new(store.as_ref(), workload);
    let cpu = process_cpu()?;
    while ingest.batches * workload.size < count {
        ingest.step()?;
    }
    ingest.persist()?;
    let memory = own_memory()?;
    settle()?;
    let cpu = process_cpu()? - cpu - ingest.generator_cpu;
    let mut finding = Finding {
        store: kind.name().to_owned(),
        count,
        per_second: count as f64 / ingest.busy.as_secs_f64(),
        cpu_us: cpu * 1e6 / count as f64,
        longest_stall_ms: ingest.longest.as_secs_f64() * 1e3,
        memory_mib: memory as f64 / f64::from(1 << 20),
        disk_bytes: disk_bytes(folder)? as f64 / count as f64,
        written_bytes: written_bytes()? as f64 / count as f64,
        ..Finding::default()
    };
    quiet_reads(store.as_ref(), workload, &mut finding)?;
    finding.absent_busy = busy_reads(&mut ingest)?;
    println!("{}", serde_json::to_string(&finding)?);
    loop {
        ingest.step()?;
    }
}

/// The archive's writing thread.
struct Ingest<'a> {
    store: &'a dyn Store,
    workload: &'a Workload,
    batches: u64,
    busy: Duration,
    longest: Duration,
    generator_cpu: f64,
    persisted: Instant,
}

impl<'a> Ingest<'a> {
    fn new(store: &'a dyn Store, workload: &'a Workload) -> Ingest<'a> {
        Ingest {
            store,
            workload,
            batches: 0,
            busy: Duration::ZERO,
            longest: Duration::ZERO,
            generator_cpu: 0.0,
            persisted: Instant::now(),
        }
    }

    fn step(&mut self) -> Result<()> {
        let before = thread_cpu()?;
        let batch = self.workload.batch(self.batches + 1);
        self.generator_cpu += thread_cpu()? - before;
        let start = Instant::now();
        self.store.ingest(&batch)?;
        self.note(start.elapsed());
        self.batches += 1;
        if self.persisted.elapsed() >= PERSIST_EVERY {
            self.persist()?;
        }
        Ok(())
    }

    fn persist(&mut self) -> Result<()> {
        let start = Instant::now();
        self.store.persist()?;
        self.note(start.elapsed());
        self.persisted = Instant::now();
        Ok(())
    }

    fn note(&mut self, took: Duration) {
        self.busy += took;
        self.longest = self.longest.max(took);
    }
}

fn quiet_reads(store: &dyn Store, workload: &Workload, finding: &mut Finding) -> Result<()> {
    let mut value = Vec::new();
    let mut random = fastrand::Rng::with_seed(7);
    let count = finding.count;
    finding.absent = timed(200_000, |turn| {
        let id = workload.absent_id(turn);
        let start = Instant::now();
        ensure!(!store.get(Table::Ids, &id, &mut value)?, "found an id that was never put");
        Ok(start.elapsed())
    })?;
    finding.present = timed(50_000, |_| {
        let id = workload.id(random.u64(1..=count));
        let start = Instant::now();
        ensure!(store.get(Table::Ids, &id, &mut value)?, "an id is missing");
        Ok(start.elapsed())
    })?;
    finding.chunks = timed(20_000, |_| {
        let number = random.u64(1..=count).to_be_bytes();
        let start = Instant::now();
        ensure!(store.prefix_bytes(Table::Chunks, &number)? > 0, "a chunk is missing");
        Ok(start.elapsed())
    })?;
    finding.scan = timed(200, |_| {
        let start = Instant::now();
        ensure!(store.newest(Table::Summary, 100)? == 100, "the scan is short");
        Ok(start.elapsed())
    })?;
    Ok(())
}

/// Lookups of absent ids, some 10,000 a second, while another thread ingests 50 batches.
fn busy_reads(ingest: &mut Ingest<'_>) -> Result<Spread> {
    let (store, workload) = (ingest.store, ingest.workload);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let result = (0..50).try_for_each(|_| ingest.step());
            done.store(true, Ordering::Release);
            result
        });
        let mut took = Vec::new();
        let mut value = Vec::new();
        while !done.load(Ordering::Acquire) {
            let id = workload.absent_id(took.len() as u64);
            let start = Instant::now();
            store.get(Table::Ids, &id, &mut value)?;
            took.push(start.elapsed());
            std::thread::sleep(Duration::from_micros(50));
        }
        writer.join().expect("the writing thread does not panic")?;
        Ok(Spread::of(took))
    })
}

fn timed(turns: u64, mut turn: impl FnMut(u64) -> Result<Duration>) -> Result<Spread> {
    Ok(Spread::of((0..turns).map(&mut turn).collect::<Result<_>>()?))
}

/// Waits until background work has ended: half a second at less than 2 % of a core, at most a minute.
fn settle() -> Result<()> {
    let start = Instant::now();
    let mut before = process_cpu()?;
    while start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(500));
        let now = process_cpu()?;
        if now - before < 0.01 {
            break;
        }
        before = now;
    }
    Ok(())
}

/// Seconds of user and system time of this process, to a hundredth.
fn process_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').context("/proc/self/stat")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS)
}

/// Seconds this thread has run.
fn thread_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos: f64 = stat.split_whitespace().next().context("schedstat")?.parse()?;
    Ok(nanos / 1e9)
}

/// Bytes of memory of the process's own, mapped files apart.
fn own_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()).context("RssAnon")?.parse()?;
    Ok(kib << 10)
}

/// Bytes this process has sent towards the disk.
fn written_bytes() -> Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(line.context("/proc/self/io")?.parse()?)
}

/// Bytes allocated on disk under `folder`.
fn disk_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { disk_bytes(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
