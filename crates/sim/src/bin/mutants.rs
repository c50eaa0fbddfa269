//! `cargo xtask mutants`: switches on every planted bug in turn and lets the simulator look for it.
//!
//! Exit codes: 0 all were caught, 1 one got away. Those that only a test of their own room reaches are the chore's to run.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use planted::Bug;
use sim::mutants::{Caught, hunt};

#[derive(Parser)]
#[command(about = "Planted bugs, and how soon they are caught", max_term_width = 120)]
struct Words {
    /// Only these bugs
    names: Vec<String>,
    /// Leave these out
    #[arg(long)]
    without: Vec<String>,
    /// Seeds that a bug may live at most
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// Threads
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Write the table there
    #[arg(long)]
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words = Words::parse();
    std::panic::set_hook(Box::new(|_| {}));
    let named = |names: &[String], bug: &Bug| names.iter().any(|name| name == bug.name());
    let wanted =
        |bug: &&Bug| (words.names.is_empty() || named(&words.names, bug)) && !named(&words.without, bug);
    let mut table = String::new();
    let mut escaped = Vec::new();
    for bug in Bug::ALL.iter().filter(wanted) {
        let caught = hunt(*bug, words.seeds, words.jobs);
        println!("{}", line(&caught));
        table.push_str(&row(&caught));
        if caught.by.is_none() {
            escaped.push(bug.name());
        }
    }
    if let Some(path) = &words.markdown
        && let Err(error) = std::fs::write(path, table)
    {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if escaped.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("not caught: {}", escaped.join(", "));
    ExitCode::FAILURE
}

fn line(caught: &Caught) -> String {
    let seconds = caught.took.as_secs_f64();
    match &caught.by {
        Some((seed, what)) => {
            let brief: String = what.chars().take(110).collect();
            format!("{:<22} seed {seed:>5}  {seconds:>6.1} s  {brief}", caught.bug.name())
        }
        None => format!("{:<22} GOT AWAY    {seconds:>6.1} s", caught.bug.name()),
    }
}

fn row(caught: &Caught) -> String {
    let mut row = String::new();
    let (bug, seconds) = (caught.bug, caught.took.as_secs_f64());
    let by = caught.by.as_ref().map_or("not caught".to_owned(), |(seed, what)| {
        let promise = what.split(" is broken").next().unwrap_or(what);
        format!("{} | {seconds:.1} s | {promise}", seed + 1)
    });
    // Writing to a text has no way to fail.
    let _ = writeln!(row, "| `{}` | {} | {} | {by} |", bug.name(), bug.room(), bug.what());
    row
}
