//! The applications in Python beside this file, run by a Python that has DTM's client.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::Tercet;

/// Which Python it is; the chores tell it.
const VARIABLE: &str = "TEST_DTMCLI_PYTHON";
/// Where the chores keep it, below the target folder.
const PLACE: &str = "services/python-dtmcli/bin/python";

/// The Python with the client: what the environment says, else what was fetched into this target folder.
fn python() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let fetched = || own.ancestors().map(|above| above.join(PLACE)).find(|path| path.is_file());
    std::env::var_os(VARIABLE).map(PathBuf::from).or_else(fetched).unwrap_or_else(|| {
        panic!("DTM's client for Python is not there: `cargo xtask test` fetches it, or set {VARIABLE} to a Python with dtmcli 1.7.7.0")
    })
}

/// One of the programs beside this file.
pub fn program(script: &str, words: &[&str]) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("dtm_clients");
    let mut command = Command::new(python());
    // No bytecode is left in the tree, and no proxy stands before the loopback address.
    command.arg("-B").arg(here.join(script)).args(words).env("NO_PROXY", "127.0.0.1");
    command
}

/// How a program ended, and what it told.
pub struct Told {
    pub code: Option<i32>,
    pub told: Value,
}

impl Told {
    /// The id of the transaction that it began.
    pub fn id(&self) -> &str {
        self.told["id"].as_str().unwrap()
    }
}

/// Runs a program to its end: a script, a scenario of it, what it needs to know. It must have told something.
pub fn run(script: &str, scenario: &str, words: &[&str]) -> Told {
    let mut command = program(script, &[&[scenario], words].concat());
    let output = command.output().unwrap();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (shown(&output.stdout), shown(&output.stderr));
    let line = out.lines().rev().find_map(|line| line.strip_prefix("told "));
    let name =
        command.get_args().nth(1).and_then(|path| Path::new(path).file_name()).unwrap_or(OsStr::new("?"));
    let Some(line) = line else { panic!("{name:?} {scenario} told nothing:\n{out}{err}") };
    Told { code: output.status.code(), told: serde_json::from_str(line).unwrap() }
}

/// Where a client in Python finds the server: the base URL with DTM's own path.
pub fn at(tercet: &Tercet) -> String {
    format!("http://{}/api/dtmsvr", tercet.address)
}
