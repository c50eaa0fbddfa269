//! A child process of the demo: started, killed with -9, and never left behind.
//!
//! Dropping it kills it, on every way out: the normal end, an error, a panic, Ctrl-C. Its standard input stays open
//! as long as it is held here; participants end by themselves when it closes. Read next: `shop.rs`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail};

const READY_PATIENCE: Duration = Duration::from_secs(60);

/// How to start a child: this same program with these arguments, its standard error appended to `log`.
#[derive(Clone)]
pub(crate) struct Recipe {
    /// For messages.
    pub(crate) name: &'static str,
    /// The subcommand and its flags.
    pub(crate) args: Vec<OsString>,
    /// Where its standard error goes.
    pub(crate) log: std::path::PathBuf,
}

/// A running child; killed when dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts it and waits for its line `ready …`, whose rest is returned; each later line goes to `later`.
    /// `Err` when it ends or says nothing for a minute; the message quotes the end of its log.
    pub(crate) fn start(recipe: &Recipe, later: mpsc::Sender<String>) -> anyhow::Result<(Process, String)> {
        let log = File::options().create(true).append(true).open(&recipe.log)?;
        let mut command = Command::new(std::env::current_exe()?);
        // Settings of the reader's own server are none of the demo's.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TERCET_"))
        {
            command.env_remove(name);
        }
        let mut child = command
            .args(&recipe.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", recipe.name))?;
        let output = child.stdout.take().expect("standard output was asked for as a pipe");
        let process = Process { child };
        let (first, ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            if let Some(line) = lines.next() {
                let _ = first.send(line);
            }
            // Read to the end even if nobody listens: a full pipe would block the child.
            lines.for_each(|line| drop(later.send(line)));
        });
        match ready.recv_timeout(READY_PATIENCE) {
            Ok(line) if line.starts_with("ready ") => Ok((process, line["ready ".len()..].to_owned())),
            Ok(line) => bail!("{} said `{line}` where `ready …` was due", recipe.name),
            Err(_) => bail!("{} did not become ready{}", recipe.name, tail(&recipe.log)),
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and the wait for its end.
    pub(crate) fn kill_nine(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(8)..].join("\n    ");
    if last.is_empty() { String::new() } else { format!("; the end of its log:\n    {last}") }
}
