//! Signed calls of the binary, checked with the very lines that the guide gives to a participant in Python.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Call, Participant, Tercet, tcc, tercet, with};

const NEW: &str = "the-new-secret-of-2026";
const OLD: &str = "the-old-secret-of-2025";

/// Python that prints whether each call is signed with each secret, `is_signed` being the guide's.
fn program() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/participant.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, below) = text.split_once("## Signed calls").unwrap();
    let (_, code) = below.split_once("```python\n").unwrap();
    let code = code.split("```").next().unwrap();
    let head = "import hmac, json, sys, time\n";
    let foot = "for secrets, header, path, identity, body in json.load(sys.stdin):\n    \
                print(is_signed([s.encode() for s in secrets], header, path, identity, body.encode()))\n";
    format!("{head}{code}{foot}")
}

/// What the guide's lines say of the call under each list of secrets.
fn believed(call: &Call, (path, identity): (&str, [&str; 3]), secrets: &[&[&str]]) -> Vec<String> {
    let header = &call.headers["tercet-signature"];
    let cases: Vec<_> =
        secrets.iter().map(|known| json!([known, header, path, identity, call.text])).collect();
    let mut python = Command::new("python3")
        .args(["-c", &program()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_call_is_signed_with_the_first_secret_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("# rotated\n{NEW}\n{OLD}\n")).unwrap();
    let server = Tercet::with(&["--call-secret-file", file.to_str().unwrap(), "--log-level", "debug"]);
    let shop = Participant::start();
    let branch = with(shop.tcc("stock"), json!({ "try": shop.url("stock?q=1"), "body": { "ü": 1.10 } }));
    server.begin(&tcc("t", [branch.clone()]));
    server.wait_final("t");
    let calls = shop.all_calls();
    assert_eq!(calls.len(), 2);
    for call in &calls {
        let known: &[&[&str]] = &[&[NEW], &[OLD, NEW], &[OLD], &[]];
        let identity =
            ["transaction", "branch", "operation"].map(|it| &*call.headers[&format!("tercet-{it}")]);
        let own = (&*call.path, identity);
        assert_eq!(believed(call, own, known), ["True", "True", "False", "False"], "{}", call.path);
        assert_eq!(believed(call, ("/elsewhere", identity), &[&[NEW]]), ["False"]);
        for at in 0..identity.len() {
            let mut another = identity;
            another[at] = "another";
            assert_eq!(believed(call, (&call.path, another), &[&[NEW]]), ["False"], "{another:?}");
        }
    }
    let forged = with(branch, json!({ "headers": { "Tercet-Signature": "t=1,v1=00" } }));
    server.post("/v1/transactions", &tcc("f", [forged])).is_refusal(400, "header_invalid");
    for secret in [NEW, OLD] {
        assert!(!server.errors().contains(secret), "a secret is in the log");
    }
}

#[test]
fn calls_are_not_signed_without_a_secret_and_a_bad_file_does_not_start() {
    let server = Tercet::start();
    let shop = Participant::start();
    server.begin(&tcc("t", [shop.tcc("stock")]));
    server.wait_final("t");
    assert!(shop.all_calls().iter().all(|call| !call.headers.contains_key("tercet-signature")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    for (text, why) in [("", "holds no secret"), ("too short\n", "line 1 is shorter than 16 bytes")] {
        std::fs::write(&file, text).unwrap();
        let data = folder.path().join("data");
        let words = ["serve", "--data", data.to_str().unwrap(), "--call-secret-file", file.to_str().unwrap()];
        let output = tercet(&words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why) && !said.contains("too short"), "{said}");
    }
}
