//! `tercet participant verify` as a person calls it: exit codes, what it prints, and what it refuses to begin.
//!
//! Whether the kit judges rightly is tested in its own room; here it meets a real participant of another language.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::until;

struct Participant {
    child: Child,
    base: String,
    folder: TempDir,
}

impl Participant {
    fn start() -> Participant {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/participant.py");
        let folder = tempfile::tempdir().unwrap();
        // The script is told its port; this one was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("python3")
            .arg("-B")
            .arg(script)
            .arg(address.port().to_string())
            .arg(folder.path().join("stock.db"))
            .arg("1000")
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is not installed: the documentation's participant needs it");
        until("the participant to listen", || std::net::TcpStream::connect(address).ok());
        std::fs::write(folder.path().join("body.json"), r#"{"n": 2}"#).unwrap();
        std::fs::write(folder.path().join("much.json"), r#"{"n": 2000}"#).unwrap();
        Participant { child, base: format!("http://{address}"), folder }
    }

    /// Verifies it with these flags beside its URLs and its body; a `*` in a flag is its folder.
    fn verify(&self, flags: &[&str]) -> Output {
        let url = |operation: &str| format!("{}/{operation}", self.base);
        let folder = format!("{}/", self.folder.path().display());
        tercet(&[
            "--try",
            &url("try"),
            "--confirm",
            &url("confirm"),
            "--cancel",
            &url("cancel"),
            "--races",
            "10",
        ])
        .args(["--duplicates", "10"])
        .args(flags.iter().map(|flag| flag.replace('*', &folder)))
        .output()
        .unwrap()
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tercet(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tercet"));
    command.args(["participant", "verify"]).args(flags);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_participant_that_holds_ends_with_nought_in_each_form_of_output() {
    let participant = Participant::start();
    let all = ["late_try", "try_cancel_race", "refusal", "lost_replies"];
    let only = all.iter().flat_map(|name| ["--only", name]);
    let given = ["--body", "*body.json", "--refused-body", "*much.json", "--json", "--junit", "*report.xml"];
    let output = participant.verify(&given.into_iter().chain(only).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["holds"], &said["obstacles"]), (&true.into(), &serde_json::json!([])));
    let rows = said["participants"][0]["checks"].as_array().unwrap();
    let held: Vec<_> = rows.iter().filter(|row| row["verdict"] == "held").map(|row| &row["name"]).collect();
    assert_eq!(held, ["ordinary", "late_try", "try_cancel_race", "lost_replies", "refusal"]);
    let report = std::fs::read_to_string(participant.folder.path().join("report.xml")).unwrap();
    assert!(report.contains(r#"tests="5" failures="0""#), "{report}");
}

#[test]
fn a_check_that_fails_ends_with_one_and_says_why() {
    let participant = Participant::start();
    let output = participant.verify(&["--body", "*much.json"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in [
        "ordinary of participant (tcc)",
        "what broke:    the try was refused (409",
        "evidence:      try of kit-",
        "what it costs: every transaction that needs this participant is cancelled",
        "likely cause:  it has nothing left to give",
        "0 checks hold, 1 failed, 23 skipped",
    ] {
        assert!(said.contains(words), "`{words}` is not in\n{said}");
    }
}

#[test]
fn what_cannot_be_judged_ends_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("spec.toml");
    std::fs::write(&spec, "[[participant]]\nname = 'a'\ndelivr = 'http://127.0.0.1:1/'\n").unwrap();
    let spec = spec.display().to_string();
    let table: [(&[&str], &str); 6] = [
        (&[], "nothing to call"),
        (&["--try", "http://127.0.0.1:1/"], "--confirm"),
        (&["--deliver", "http://127.0.0.1:1/d"], "nobody answers at http://127.0.0.1:1/d"),
        (&["--deliver", "https://127.0.0.1:1/d"], "https is not spoken here"),
        (&["--deliver", "http://127.0.0.1:1/d", "--only", "everything"], "there is no check `everything`"),
        (&["--spec", &spec], "unknown field `delivr`"),
    ];
    for (flags, says) in table {
        let output = tercet(flags).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
        assert!(said.contains(says), "{flags:?}: {said}");
    }
}

#[test]
fn who_cannot_be_judged_is_told_to_machines_too() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.xml").display().to_string();
    let output =
        tercet(&["--deliver", "http://127.0.0.1:1/d", "--json", "--junit", &report]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["holds"], &said["participants"]), (&false.into(), &serde_json::json!([])));
    let obstacle = &said["obstacles"][0];
    assert_eq!(obstacle["name"], "participant");
    assert!(
        obstacle["why"].as_str().unwrap().starts_with("nobody answers at http://127.0.0.1:1/d"),
        "{said}"
    );
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains(r#"errors="1""#) && report.contains("<error type="), "{report}");
}

#[test]
fn a_check_that_fails_outweighs_who_cannot_be_judged() {
    let participant = Participant::start();
    let urls: String = ["try", "confirm", "cancel"]
        .iter()
        .map(|operation| format!("{operation} = '{}/{operation}'\n", participant.base))
        .collect();
    let spec = participant.folder.path().join("spec.toml");
    let gone = "[[participant]]\nname = 'gone'\ndeliver = 'http://127.0.0.1:1/d'\n";
    std::fs::write(&spec, format!("{gone}[[participant]]\nname = 'short'\nbody = {{ n = 2000 }}\n{urls}"))
        .unwrap();
    let output = tercet(&["--spec", &spec.display().to_string(), "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["holds"], &said["obstacles"][0]["name"]), (&false.into(), &"gone".into()));
    assert_eq!(said["participants"][0]["participant"], "short");
}
