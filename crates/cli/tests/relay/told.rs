//! What the commands tell, and what people do with dead letters.

use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use participant::call::{Identity, SIGNATURE, Signature, Signed};
use participant::outbox::State;

use super::support::{Participant, Tercet, fails, tercet};
use super::{File, Started, enqueue, message, until};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_through_the_server_and_its_trail_is_told() {
    let (file, server, shop) = (File::new().await, Tercet::start(), Participant::start());
    enqueue(&file.outbox, &[message("paid-1", "orders").key("user:1").header("X-Shop", "7")]).await;
    let to = format!("http://{}", server.address);
    let route = format!("orders={}", shop.url("deliver"));
    let ran = file.run(&["--server", &to, "--route", &route, "--once", "--name", "till"]);
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(
        text(&ran).contains("till: 1 sent, 0 attempts failed, 0 became dead letters; 0 waiting"),
        "{}",
        text(&ran)
    );
    let call = &shop.calls("deliver", "deliver")[0];
    assert_eq!((&*call.transaction, &*call.text), ("paid-1", r#"{"of":"paid-1"}"#));
    assert_eq!(call.headers["x-shop"], "7");
    let trail = file.run(&["trail", "paid-1", "--server", &to]);
    let trail = text(&trail);
    for line in ["message paid-1", "  state          sent", "  key            user:1", "  attempts       1"] {
        assert!(trail.lines().any(|it| it == line), "{line}: {trail}");
    }
    assert!(trail.contains("event") && trail.contains("deliver"), "the server's timeline: {trail}");
    let unknown = file.run(&["trail", "nobody"]);
    assert_eq!((unknown.status.code(), text(&unknown).contains("no message nobody")), (Some(1), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_replayed_and_dropped() {
    let (file, shop) = (File::new().await, Participant::start());
    shop.answers("deliver", "deliver", [fails(400), fails(413), fails(400), super::support::done()]);
    for id in ["m-1", "m-2", "m-3"] {
        enqueue(&file.outbox, &[message(id, &shop.url("deliver"))]).await;
    }
    let once = ["--direct", "--once", "--parallel", "1"];
    assert!(file.run(&once).status.success());
    let listed = text(&file.run(&["dead", "list"]));
    assert_eq!(listed.lines().filter(|line| line.contains("m-")).count(), 3, "{listed}");
    let replayed = file.run(&["dead", "replay", "m-1", "m-9", "--by", "ann"]);
    assert_eq!(
        (replayed.status.code(), text(&replayed)),
        (Some(1), "1 to be sent again; no dead letter: m-9\n".into())
    );
    assert_eq!(text(&file.run(&["dead", "drop", "m-2", "--by", "ben"])), "1 dropped\n");
    let trail = text(&file.run(&["trail", "m-2"]));
    assert!(trail.contains("dropped by ben after 1 attempts; before: HTTP 4"), "{trail}");
    assert_eq!(text(&file.run(&["dead", "replay", "--all"])), "1 to be sent again\n");
    assert!(file.run(&once).status.success());
    let trail = text(&file.run(&["trail", "m-1"]));
    assert!(trail.contains("replayed by ann") && trail.contains("state          sent"), "{trail}");
    assert_eq!(shop.all_calls().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_named_before_anything_is_done() {
    let file = File::new().await;
    let (url, url_again) = (file.url.as_str(), file.url.as_str());
    let guessed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&guessed, "short-secret\n").unwrap();
    let guessed = guessed.path().to_str().unwrap();
    let cases: [(&[&str], &str); 8] = [
        (&["relay"], "--database URL"),
        (&["relay", "--database", "oracle://x:secret@y/z"], "not postgres://"),
        (&["relay", "--database", url], "--server URL, or --direct"),
        (
            &["relay", "--database", url_again, "--direct", "--lease-ms", "5000"],
            "the lease is not longer than two",
        ),
        (&["relay", "--database", "sqlite://:memory:", "--direct"], "no table tercet_outbox"),
        (
            &["relay", "--database", url, "--direct", "--call-secret-file", guessed],
            "the secret in line 1 is shorter than 16 bytes",
        ),
        (
            &["relay", "--database", url, "--server", "http://127.0.0.1:1", "--call-secret-file", guessed],
            "cannot be used with",
        ),
        (&["relay", "--database", url, "--direct", "--server", "http://127.0.0.1:1"], "cannot be used with"),
    ];
    for (words, said) in cases {
        let output = tercet(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(text(&output).contains(said), "{words:?}: {}", text(&output));
        assert!(!text(&output).contains("x:secret"), "{words:?}: {}", text(&output));
        assert!(!text(&output).contains("short-secret"), "{words:?}: {}", text(&output));
    }
    let by_variable = tercet(&["relay", "dead", "list"]).env("TERCET_DATABASE", url).output().unwrap();
    assert!(by_variable.status.success(), "{}", text(&by_variable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_calls_are_signed_and_need_no_certificate_authority() {
    let (file, shop) = (File::new().await, Participant::start());
    enqueue(&file.outbox, &[message("m-1", &shop.url("deliver?shop=7"))]).await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "the new secret of 2026\nthe old secret of 2025\n").unwrap();
    let flags = ["--direct", "--once", "--call-secret-file", secret.path().to_str().unwrap()];
    let mut relay = file.relay(&flags);
    let ran = relay.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere").output().unwrap();
    assert!(ran.status.success(), "{}", text(&ran));
    assert!(text(&ran).contains("no certificate authority found"), "{}", text(&ran));
    let call = &shop.calls("deliver", "deliver")[0];
    let identity = Identity { transaction: "m-1", branch: "deliver", operation: "deliver" };
    let signed = Signed { method: "POST", path: "/deliver?shop=7", identity, body: call.text.as_bytes() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let header = call.headers.get(SIGNATURE).map(String::as_str);
    assert_eq!(Signature::new("the new secret of 2026").strict().check(header, now, signed), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_path_of_the_server_harms_no_row() {
    let (file, server, shop) = (File::new().await, Tercet::start(), Participant::start());
    enqueue(&file.outbox, &[message("m-1", &shop.url("deliver"))]).await;
    let wrong = format!("http://{}/wrong", server.address);
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = file.relay(&["--server", &wrong, "--budget", "1"]);
    let mut relay = Started(command.stderr(log.reopen().unwrap()).spawn().unwrap());
    let said = || std::fs::read_to_string(&log).unwrap();
    until("the log", async || said().contains("path_unknown") && said().contains("told wrong")).await;
    let row = async || file.outbox.trail("m-1").await.unwrap().unwrap();
    until("the mark", async || row().await.last_error.is_some()).await;
    relay.kill9();
    let row = row().await;
    assert_eq!((row.state, row.attempts), (State::Waiting, 0));
}
