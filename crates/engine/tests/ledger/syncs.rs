//! Counts system calls: a lone entry costs one `fdatasync`, and a thousand entries of a thousand requests share a few.

use std::path::PathBuf;
use std::process::Command;

const LONE: usize = 20;

/// The example sits beside this test's own folder: a `cargo test` without `--test` builds both.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples/post");
    assert!(
        example.exists(),
        "{} is missing: run `cargo build -p engine --example post` first",
        example.display()
    );
    example
}

/// The trace of one run, one system call per line.
fn trace() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("trace");
    let run = Command::new("strace")
        .args(["-f", "-e", "trace=write,fdatasync", "-s", "32", "-o"])
        .arg(&log)
        .arg(example())
        .arg(folder.path().join("journal"))
        .arg(LONE.to_string())
        .output();
    let run =
        run.unwrap_or_else(|error| panic!("strace did not run ({error}): `cargo xtask test` installs it"));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
}

/// How many syncs there were between one telling and the next.
fn syncs(calls: &[String], from: &str, to: &str) -> usize {
    let place = |words: &str| {
        let found = calls.iter().position(|call| call.contains("write(1,") && call.contains(words));
        found.unwrap_or_else(|| panic!("{words:?} was never told"))
    };
    let between = &calls[place(from)..place(to)];
    // A call that another thread's line cut in two is counted where it begins.
    between.iter().filter(|call| call.contains("fdatasync(")).count()
}

#[test]
fn a_lone_entry_costs_one_sync_and_a_thousand_at_once_share_a_few() {
    let calls = trace();
    for n in 1..LONE {
        let count = syncs(&calls, &format!("\"told {n}\\n"), &format!("\"told {}\\n", n + 1));
        assert_eq!(count, 1, "entry {}", n + 1);
    }
    let shared = syncs(&calls, &format!("\"told {LONE}\\n"), "\"told all\\n");
    assert!((1..=100).contains(&shared), "{shared} syncs for 1,000 requests");
}
