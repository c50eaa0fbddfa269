//! `cargo xtask fuzz [--seconds N] [--sanitizer S] [TARGET [INPUT]]`: hostile bytes for the readers, or one input once more.
//!
//! Builds the targets of `fuzz/` once into a target folder of their own, so that nothing else is built again, and gives
//! each its time, two side by side. Judges nothing: a target panics where a promise is broken. What a run gathers stays
//! out of the tree.
//! Next: `docs/internals/fuzzing.md`, `fuzz/fuzz_targets/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};

use crate::process::{self, Ended};

/// A target of `fuzz/fuzz_targets/`, and what its inputs are made of.
#[derive(Clone, Copy)]
struct Target {
    name: &'static str,
    words: Option<&'static str>,
}

const TARGETS: &[Target] = &[
    Target { name: "http_begin", words: Some("fuzz/json.dict") },
    Target { name: "http_bodies", words: Some("fuzz/json.dict") },
    Target { name: "grpc_frames", words: None },
    Target { name: "machine_files", words: Some("fuzz/machine.dict") },
    Target { name: "amounts", words: None },
    Target { name: "journal_reader", words: None },
    Target { name: "entries", words: None },
    Target { name: "pages", words: None },
];

/// Where everything is built and gathered.
const BUILT: &str = "target/fuzz";
const SECONDS: u64 = 60;
/// Targets that run at once: one thread each, and what we run on has two cores.
const SIDE_BY_SIDE: usize = 2;
/// Bounds on one input, in libFuzzer's words: memory in MiB, time in seconds, bytes.
const BOUNDS: &[&str] = &["-rss_limit_mb=1024", "-timeout=10", "-max_len=65536"];
/// Measured: 76 s on two busy cores.
const INSTALL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What watches the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sanitizer {
    /// Sees what `unsafe` code of others does wrong.
    Address,
    /// Measured: four to seven times as many inputs a second, and a build of two thirds the work.
    Nothing,
}

impl Sanitizer {
    const ALL: [Sanitizer; 2] = [Sanitizer::Address, Sanitizer::Nothing];

    /// The name, ours and cargo-fuzz's.
    fn name(self) -> &'static str {
        match self {
            Sanitizer::Address => "address",
            Sanitizer::Nothing => "none",
        }
    }
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    seconds: u64,
    sanitizer: Sanitizer,
    target: Option<String>,
    input: Option<String>,
}

/// Builds, then runs each target; stops at the first finding.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    let asked = asked(arguments)?;
    install(root)?;
    let targets: Vec<Target> = TARGETS
        .iter()
        .filter(|target| asked.target.as_deref().is_none_or(|name| name == target.name))
        .copied()
        .collect();
    let began = Instant::now();
    if !process::run(cargo_fuzz(root, ("build", asked.sanitizer)).args(asked.target.as_deref()))? {
        return Ok(false);
    }
    eprintln!("fuzz: built in {:.0} s", began.elapsed().as_secs_f64());
    if let (Some(target), Some(input)) = (&asked.target, &asked.input) {
        return process::run(cargo_fuzz(root, ("run", asked.sanitizer)).arg(target).arg(input));
    }
    side_by_side(&targets, |target| run(root, target, &asked))
}

/// Runs all targets, as many at once as may be; after the first that found something or failed no other is begun.
fn side_by_side(
    targets: &[Target],
    run: impl Fn(&Target) -> anyhow::Result<bool> + Sync,
) -> anyhow::Result<bool> {
    let waiting = Mutex::new(targets.iter());
    let is_over = AtomicBool::new(false);
    let lane = || -> anyhow::Result<bool> {
        while !is_over.load(Ordering::Relaxed) {
            let next = waiting.lock().map_err(|_| anyhow!("the other lane has panicked"))?.next();
            let Some(target) = next else { break };
            let ended = run(target);
            if !matches!(ended, Ok(true)) {
                is_over.store(true, Ordering::Relaxed);
                return ended;
            }
        }
        Ok(true)
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(lane)).collect();
        let mut held = true;
        for lane in lanes {
            held &= lane.join().map_err(|_| anyhow!("a lane has panicked"))??;
        }
        Ok(held)
    })
}

fn asked(arguments: &[String]) -> anyhow::Result<Asked> {
    let mut asked = Asked { seconds: SECONDS, sanitizer: Sanitizer::Address, target: None, input: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                let given = arguments.next().context("--seconds needs a number")?;
                asked.seconds = given.parse().with_context(|| format!("--seconds {given} is no number"))?;
                ensure!(asked.seconds > 0, "libFuzzer takes 0 seconds for ever: give 1 or more");
            }
            "--sanitizer" => {
                let given = arguments.next().map(String::as_str);
                let named = Sanitizer::ALL.into_iter().find(|sanitizer| Some(sanitizer.name()) == given);
                asked.sanitizer = named.context("--sanitizer needs address or none")?;
            }
            flag if flag.starts_with('-') => {
                bail!("fuzz takes --seconds N, --sanitizer S, a target and an input, not {flag}")
            }
            name if asked.target.is_none() => {
                let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                ensure!(names.contains(&name), "there is no target {name}; there are {}", names.join(", "));
                asked.target = Some(name.to_owned());
            }
            input if asked.input.is_none() => asked.input = Some(input.to_owned()),
            other => bail!("one input at a time, not {other} too"),
        }
    }
    Ok(asked)
}

/// Runs one target for its time, its words into a file; `false` = it found something, which is then told.
fn run(root: &Path, target: &Target, asked: &Asked) -> anyhow::Result<bool> {
    let name = target.name;
    let gathered = root.join(BUILT).join("corpus").join(name);
    fs::create_dir_all(&gathered)?;
    let words = root.join(BUILT).join(format!("{name}.log"));
    let log = File::create(&words).with_context(|| format!("cannot write {}", words.display()))?;
    let mut command = cargo_fuzz(root, ("run", asked.sanitizer));
    // What is new goes to the first folder; the second, the committed one, is only read.
    command.arg(name).arg(&gathered).arg(root.join("fuzz/corpus").join(name)).arg("--").args(BOUNDS);
    command.arg(format!("-max_total_time={}", asked.seconds)).arg("-print_final_stats=1");
    command.args(target.words.map(|words| format!("-dict={}", root.join(words).display())));
    command.stdout(log.try_clone()?).stderr(log);
    let ended = process::run(&mut command)?;
    let said = String::from_utf8_lossy(&fs::read(&words)?).into_owned();
    if ended {
        eprintln!("fuzz: {name}: {}", summary(&said));
        return Ok(true);
    }
    eprintln!("{}", told(&said));
    match artifact(root, &said) {
        Some(input) => eprintln!(
            "fuzz: {name} found {}\nfuzz: once more: cargo xtask fuzz {name} {}",
            input.display(),
            input.display()
        ),
        None => eprintln!("fuzz: {name} ended badly; all it said is in {}", words.display()),
    }
    Ok(false)
}

/// How much was tried, from libFuzzer's closing lines.
fn summary(said: &str) -> String {
    let stat = |name: &str| {
        let line = said.lines().rev().find(|line| line.starts_with(&format!("stat::{name}:")));
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or("?").to_owned()
    };
    let executed = stat("number_of_executed_units");
    let (pace, memory) = (stat("average_exec_per_sec"), stat("peak_rss_mb"));
    format!("{executed} inputs, {pace} a second, at most {memory} MiB, nothing found")
}

/// From the panic or the fuzzer's complaint on, without the input's bytes.
fn told(said: &str) -> String {
    let starts = ["panicked at", "ERROR:", "error:"];
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.iter().position(|line| starts.iter().any(|start| line.contains(start)));
    let from = first.unwrap_or(lines.len().saturating_sub(30));
    lines[from..].iter().take(40).copied().collect::<Vec<_>>().join("\n")
}

/// The file that a finding was written to, from the root.
fn artifact(root: &Path, said: &str) -> Option<PathBuf> {
    let line = said.lines().find(|line| line.contains("Test unit written to "))?;
    let path = Path::new(line.split("Test unit written to ").nth(1)?.trim());
    Some(path.strip_prefix(root).unwrap_or(path).to_path_buf())
}

/// The instrumentation is behind a switch that only this lets a stable compiler take.
fn cargo_fuzz(root: &Path, (verb, sanitizer): (&str, Sanitizer)) -> Command {
    let mut command = process::cargo(root, &["fuzz", verb, "--sanitizer", sanitizer.name()]);
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", root.join(BUILT));
    command
}

fn install(root: &Path) -> anyhow::Result<()> {
    let present = || process::present(&mut process::cargo(root, &["fuzz", "--version"]));
    if present() {
        return Ok(());
    }
    eprintln!("fuzz: building cargo-fuzz, which takes a minute or two");
    let mut command = process::cargo(root, &["install", "cargo-fuzz", "--locked"]);
    let ended = process::run_within(&mut command, INSTALL_LIMIT)?;
    if ended != Ended::Well || !present() {
        bail!("cargo install cargo-fuzz --locked ended {ended:?}: install it by hand and run this again");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let asked_for = |line: &str| asked(&words(line)).ok();
        let (target, input) = (Some("entries".to_owned()), Some("some/file".to_owned()));
        let plain = || Asked { seconds: 60, sanitizer: Sanitizer::Address, target: None, input: None };
        assert_eq!(asked_for(""), Some(plain()));
        let five = Asked { seconds: 5, target: target.clone(), ..plain() };
        assert_eq!(asked_for("--seconds 5 entries"), Some(five));
        let fast = Asked { sanitizer: Sanitizer::Nothing, ..plain() };
        assert_eq!(asked_for("--sanitizer none"), Some(fast));
        assert_eq!(asked_for("entries some/file"), Some(Asked { target, input, ..plain() }));
        for line in [
            "--seconds",
            "--seconds x",
            "--seconds 0",
            "--sanitizer",
            "--sanitizer tea",
            "nobody",
            "--quick",
            "entries a b",
        ] {
            assert_eq!(asked_for(line), None, "{line}");
        }
    }

    #[test]
    fn every_target_has_its_file_its_row_and_its_corpus() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        let files = fs::read_dir(fuzz.join("fuzz_targets")).unwrap();
        let files: BTreeSet<String> = files
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(files, names);
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for target in TARGETS {
            assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
            assert!(fuzz.join("corpus").join(target.name).is_dir(), "{}", target.name);
            assert!(
                target.words.is_none_or(|words| fuzz.join("..").join(words).is_file()),
                "{}",
                target.name
            );
        }
    }

    #[test]
    fn targets_run_two_at_a_time_and_none_is_begun_after_a_finding() {
        let targets: Vec<Target> =
            ["a", "b", "c", "d"].map(|name| Target { name, words: None }).into_iter().collect();
        let both = std::sync::Barrier::new(SIDE_BY_SIDE);
        let ran = Mutex::new(BTreeSet::new());
        let run = |target: &Target| {
            ran.lock().unwrap().insert(target.name);
            both.wait();
            Ok(true)
        };
        assert!(side_by_side(&targets, run).unwrap());
        assert_eq!(ran.into_inner().unwrap().len(), 4);

        let ran = Mutex::new(BTreeSet::new());
        let run = |target: &Target| {
            ran.lock().unwrap().insert(target.name);
            both.wait();
            Ok(false)
        };
        assert!(!side_by_side(&targets, run).unwrap());
        assert_eq!(ran.into_inner().unwrap(), BTreeSet::from(["a", "b"]));
    }

    #[test]
    fn a_finding_is_told_with_its_file() {
        let said = "#12 NEW\nthread 'main' panicked at crates/x.rs:3:\nboom\n\
                    artifact_prefix='a/'; Test unit written to /there/fuzz/artifacts/entries/crash-1\nBase64: AA==\n";
        assert!(told(said).starts_with("thread 'main' panicked at crates/x.rs:3:\nboom"));
        let found = artifact(Path::new("/there"), said).unwrap();
        assert_eq!(found, Path::new("fuzz/artifacts/entries/crash-1"));
        assert_eq!(artifact(Path::new("/there"), "Done 5 runs in 1 second(s)"), None);
    }

    #[test]
    fn a_quiet_run_is_told_with_its_counts() {
        let said = "Done 120 runs in 6 second(s)\nstat::number_of_executed_units: 120\n\
                    stat::average_exec_per_sec:     20\nstat::new_units_added: 3\nstat::peak_rss_mb: 55\n";
        assert_eq!(summary(said), "120 inputs, 20 a second, at most 55 MiB, nothing found");
    }
}
