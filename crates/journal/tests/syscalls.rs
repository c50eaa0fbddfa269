//! Counts system calls: each append makes one write and one `fdatasync`, and only then is told as durable.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::Command;

const FRAMES: usize = 100;

/// The example sits beside this test's own folder: a `cargo test` without `--test` builds both.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples/append");
    let mend = "run `cargo build -p journal --example append` first";
    assert!(example.exists(), "{} is missing: {mend}", example.display());
    example
}

/// The trace of one run, one system call per line.
fn trace() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("trace");
    let run = Command::new("strace")
        .args(["-f", "-e", "trace=pwrite64,write,fdatasync,fsync", "-s", "32", "-o"])
        .arg(&log)
        .arg(example())
        .arg(folder.path().join("journal"))
        .arg(FRAMES.to_string())
        .output();
    let run =
        run.unwrap_or_else(|error| panic!("strace did not run ({error}): `cargo xtask test` installs it"));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn one_write_and_one_fdatasync_per_append_before_it_is_told() {
    let calls = trace();
    let told: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].contains("\"told ")).collect();
    assert_eq!(told.len(), FRAMES);
    // Between two tellings there is exactly one append.
    for pair in told.windows(2) {
        let between = &calls[pair[0] + 1..pair[1]];
        assert_eq!(between.len(), 2, "{between:?}");
        assert!(between[0].contains("pwrite64(") && between[0].contains("TFRM"), "{between:?}");
        assert!(between[1].contains("fdatasync(") && between[1].ends_with("= 0"), "{between:?}");
    }
    // Every name was made durable before the first telling: the segment's and the epoch's folder.
    let before = &calls[..told[0]];
    assert!(before.iter().filter(|call| call.contains("fsync(")).count() >= 2, "{before:?}");
}
