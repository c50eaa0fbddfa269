//! `journal`: frames of 1 to 1,024 records through the file journal, beside plain write and fdatasync of the same bytes.
//!
//! The plain side writes into a file that was zero-filled before the clock starts, and begins it anew when it is
//! full; the journal makes, hashes and links its frames and prepares its segments while it is measured.
//! Read next: `crates/journal/src/file/journal.rs`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use journal::{FileJournal, FileOptions, Frame, Journal, RealDisk};
use serde::Serialize;

use crate::figures::{self, Ratio, Spread, Table};
use crate::histogram::Histogram;
use crate::limit::frames::noise;
use crate::machine::Machine;
use crate::pace::Pace;
use crate::workload::Form;

const RECORD: usize = 300;
const RECORDS: [u32; 4] = [1, 16, 128, 1024];
const PLAIN_BYTES: u64 = 256 << 20;
const GOAL_RATIO: f64 = 0.8;
/// A round is cut into slices in turn, so that a neighbour's burst hits both sides alike.
const SLICES: u32 = 4;

/// Flags of `journal`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pace: Pace,
}

#[derive(Debug, Serialize)]
struct Report {
    workload: &'static str,
    machine: Machine,
    record_bytes: usize,
    seconds: u64,
    sizes: Vec<Size>,
}

#[derive(Debug, Serialize)]
struct Size {
    records: u32,
    journal: Figures,
    plain: Figures,
    /// Of records per second.
    ratio: Ratio,
}

#[derive(Debug, Serialize)]
struct Figures {
    records_per_second: Spread,
    p50_ms: Spread,
    p99_ms: Spread,
    max_ms: Spread,
}

/// One side's frames in one round.
struct Round {
    frames: Histogram,
    elapsed: Duration,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.pace.folder()?;
    let mut machine = Machine::look(folder.path())?;
    let (round, rounds) = (args.pace.round(), args.pace.rounds);
    let mut bench = Bench::open(folder.path(), PLAIN_BYTES)?;
    let mut sizes = Vec::new();
    for records in RECORDS {
        bench.round(records, Duration::from_millis(200))?;
        let mut measured = Vec::new();
        for number in 0..rounds {
            measured.push(bench.round(records, round)?);
            eprintln!("{records} records a frame: round {} of {rounds}", number + 1);
        }
        sizes.push(size(records, &measured));
    }
    machine.look_again()?;
    let report =
        Report { workload: "journal", machine, record_bytes: RECORD, seconds: args.pace.seconds, sizes };
    report.print(Form::of(&args.pace))
}

/// Both sides, open on one folder.
struct Bench {
    journal: FileJournal,
    plain: Plain,
    payload: Vec<u8>,
}

impl Bench {
    fn open(folder: &Path, plain_bytes: u64) -> anyhow::Result<Self> {
        let payload = noise(RECORD * RECORDS[RECORDS.len() - 1] as usize);
        let plain = Plain::make(&folder.join("plain"), plain_bytes)?;
        let disk = Arc::new(RealDisk::create(folder.join("journal"))?);
        let journal = FileJournal::start(disk, FileOptions::default())?;
        Ok(Bench { journal, plain, payload })
    }

    /// One round of each side, in slices by turns: the journal's, the plain one's.
    fn round(&mut self, records: u32, round: Duration) -> anyhow::Result<(Round, Round)> {
        let payload = &self.payload[..RECORD * records as usize];
        let mut sides = (Round::new(), Round::new());
        for _ in 0..SLICES {
            sides.0.slice(round / SLICES, || {
                let sequence = self.journal.last_sequence() + 1;
                Ok(self.journal.append(&Frame { sequence, count: records, time: 0, payload })?)
            })?;
            sides.1.slice(round / SLICES, || self.plain.append(payload))?;
        }
        Ok(sides)
    }
}

impl Round {
    fn new() -> Self {
        Round { frames: Histogram::new(), elapsed: Duration::ZERO }
    }

    fn slice(
        &mut self,
        slice: Duration,
        mut append: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut last = begun;
        while last - begun < slice {
            append()?;
            let now = Instant::now();
            self.frames.record(now - last);
            last = now;
        }
        self.elapsed += last - begun;
        Ok(())
    }

    fn records_per_second(&self, records: u32) -> f64 {
        self.frames.count() as f64 * f64::from(records) / self.elapsed.as_secs_f64()
    }
}

/// Picks a side of a round.
type Pick = fn(&(Round, Round)) -> &Round;

/// A zero-filled file that is written through and begun anew.
struct Plain {
    file: File,
    at: u64,
    bytes: u64,
}

impl Plain {
    fn make(path: &Path, bytes: u64) -> anyhow::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        let zeros = vec![0; 1 << 20];
        for at in (0..bytes).step_by(zeros.len()) {
            let piece = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(zeros.len());
            file.write_all_at(&zeros[..piece], at)?;
        }
        file.sync_all()?;
        Ok(Plain { file, at: 0, bytes })
    }

    fn append(&mut self, payload: &[u8]) -> anyhow::Result<()> {
        let length = payload.len() as u64;
        ensure!(length <= self.bytes, "a frame is larger than the plain file");
        if self.at + length > self.bytes {
            self.at = 0;
        }
        self.file.write_all_at(payload, self.at)?;
        self.file.sync_data()?;
        self.at += length;
        Ok(())
    }
}

fn size(records: u32, rounds: &[(Round, Round)]) -> Size {
    let rates = |pick: Pick| -> Vec<f64> {
        rounds.iter().map(|round| pick(round).records_per_second(records)).collect()
    };
    let figures = |pick: Pick| {
        let spread = |figure: &dyn Fn(&Histogram) -> f64| {
            Spread::of(rounds.iter().map(|round| figure(&pick(round).frames)))
        };
        Figures {
            records_per_second: Spread::of(rates(pick)),
            p50_ms: spread(&|frames| frames.quantile_ms(0.5)),
            p99_ms: spread(&|frames| frames.quantile_ms(0.99)),
            max_ms: spread(&Histogram::max_ms),
        }
    };
    let (journal, plain): (Pick, Pick) = (|round| &round.0, |round| &round.1);
    let ratio = Ratio::of(&rates(journal), &rates(plain), GOAL_RATIO);
    Size { records, journal: figures(journal), plain: figures(plain), ratio }
}

impl Report {
    fn print(&self, form: Form) -> anyhow::Result<()> {
        if let Form::Json = form {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        figures::print_head(self.workload, &self.machine);
        println!("records of {} bytes, {} s a round of each side\n", self.record_bytes, self.seconds);
        let mut table = Table::new(&["records a frame", "side", "records/s", "p50 ms", "p99 ms", "max ms"]);
        let mut ratios = Table::new(&["records a frame", "journal / plain"]);
        for size in &self.sizes {
            for (name, side) in [("journal", &size.journal), ("plain", &size.plain)] {
                table.row(&[
                    &size.records.to_string(),
                    name,
                    &side.records_per_second.text(),
                    &side.p50_ms.text(),
                    &side.p99_ms.text(),
                    &side.max_ms.text(),
                ]);
            }
            ratios.row(&[size.records.to_string(), size.ratio.text()]);
        }
        println!("{}\n{}", table.text(), ratios.text());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_keep_the_same_bytes_and_the_plain_one_wraps() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut bench = Bench::open(folder.path(), 1_000_000).unwrap();
        let round = Duration::from_millis(40);
        let mut events = 0;
        for records in RECORDS {
            let (ours, theirs) = bench.round(records, round).unwrap();
            events += ours.frames.count() * u64::from(records);
            let size = size(records, &[(ours, theirs)]);
            assert!(size.journal.records_per_second.median > 0.0 && size.plain.p99_ms.median > 0.0);
        }
        assert_eq!(bench.journal.last_sequence(), events);
        let (mut plain, payload) = (bench.plain, &bench.payload);
        for _ in 0..5 {
            plain.append(payload).unwrap();
            let mut back = vec![0; payload.len()];
            plain.file.read_exact_at(&mut back, plain.at - payload.len() as u64).unwrap();
            assert!(back == *payload && plain.at <= plain.bytes);
        }
    }
}
