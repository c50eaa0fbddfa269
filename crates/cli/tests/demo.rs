//! The demo as a stranger runs it: real processes, real kills, a verdict, nothing left behind.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn demo(flags: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tercet")).arg("demo").args(flags).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, text)
}

/// The process ids that the demo names at its start.
fn pids(text: &str) -> Vec<u32> {
    let line =
        text.lines().find(|line| line.contains("three processes")).expect("the line with the processes");
    line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn sixty_orders_under_faults_keep_every_invariant() {
    let (output, text) = demo(&["--orders", "60"]);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Every invariant holds."), "{text}");
    assert!(text.contains("coordinator killed (-9)"), "{text}");
    assert!(text.contains("100 sold, 900 turned away"), "{text}");
    assert!(!text.contains("FAILED"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "wider than 100 columns:\n{text}");
    assert_eq!(pids(&text).len(), 3, "{text}");
    for pid in pids(&text) {
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}/exe")).exists(),
            "process {pid} outlived the demo"
        );
    }
}

#[test]
fn a_calm_run_confirms_or_refuses_and_repeats_nothing() {
    let calm =
        ["--lost", "0", "--duplicate", "0", "--slow", "0", "--late", "0", "--twice", "0", "--withdrawn", "0"];
    let (output, text) = demo(&[&["--orders", "40", "--no-kills"], &calm[..]].concat());
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("killed"), "{text}");
    assert!(text.contains("0 calls lost their reply, 0 came twice; 0 tries were slow, 0 late"), "{text}");
    assert!(text.contains("40 told, 0 across a kill, 0 changed"), "{text}");
}
