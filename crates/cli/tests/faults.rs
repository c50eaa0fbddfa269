//! Faults of the disk under the real server: a sync that fails, and a disk that is full and has room again.
//!
//! The first is injected by `strace`, the second needs a small file system of its own. Where one of them cannot be had the
//! test fails and says so: `cargo xtask test` installs what is missing on a Debian machine.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "test code")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use support::{Participant, Reply, Tercet, awaited, tcc, until, with};

fn started(command: &[&str], folder: &Path, flags: &[&str]) -> Tercet {
    Tercet::under(command, folder, flags).unwrap_or_else(|ended| panic!("not started: {ended:?}"))
}

#[test]
fn after_a_failed_sync_nothing_is_told_and_the_process_ends_with_3() {
    let strace = Command::new("strace").arg("-V").output();
    assert!(strace.is_ok(), "strace is not installed; `cargo xtask test` installs it");
    let folder = tempfile::tempdir().unwrap();
    // Counted by thread: no other thread than the writer makes so many syncs.
    let inject = "inject=fdatasync:error=EIO:when=150+";
    let tracer = ["strace", "-D", "-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject];
    let mut server = started(&tracer, folder.path(), &[]);
    let (mut told, mut failed_at) = (Vec::new(), None);
    for number in 0..400 {
        let id = format!("t-{number}");
        match server.try_post("/v1/transactions", &tcc(&id, [awaited("pay")])) {
            Ok(Reply { status: 200 | 202, .. }) => {
                assert!(failed_at.is_none(), "{id} was told after the failure");
                told.push(id);
            }
            Ok(reply) => {
                assert_eq!(reply.status, 503, "{}", reply.text);
                failed_at.get_or_insert_with(Instant::now);
            }
            Err(_) => {
                failed_at.get_or_insert_with(Instant::now);
                break;
            }
        }
    }
    assert!(told.len() > 100, "only {} were told before the failure", told.len());
    let ended = server.wait_end();
    assert_eq!(ended.code, Some(3), "{}", ended.errors);
    assert!(failed_at.expect("it failed").elapsed() < Duration::from_secs(5));
    assert!(ended.errors.contains("Input/output error"), "{}", ended.errors);

    let again = started(&[], folder.path(), &[]);
    for id in &told {
        assert_eq!(again.show(id)["state"], "trying", "{id} was told");
    }
}

/// Words that run a command after this mount, which that command alone sees.
fn after_mount(mount: &str) -> Vec<String> {
    let mount = format!("{mount} && exec \"$@\"");
    let namespace: &[&str] = if is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    let words = [&["unshare"], namespace, &["sh", "-c", &mount, "sh"]].concat();
    words.into_iter().map(str::to_owned).collect()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

#[test]
fn a_full_disk_refuses_new_work_and_gives_it_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let command = after_mount(&format!("mount -t tmpfs -o size=160m tmpfs '{}'", data.display()));
    let command: Vec<_> = command.iter().map(String::as_str).collect();
    let server = started(&command, folder.path(), &["--journal-segment-bytes", "33554432"]);
    // Its own view of the disk; the test's own has nothing mounted there.
    let disk =
        Path::new("/proc").join(server.pid().to_string()).join("root").join(data.strip_prefix("/").unwrap());
    assert!(disk.join("journal").is_dir(), "the server does not stand on its own disk");

    let shop = Participant::start();
    for number in 0..5 {
        let spec = tcc(&format!("open-{number}"), [awaited("pay"), shop.tcc("stock")]);
        server.begin(&with(spec, json!({ "deadline_ms": 600_000 })));
    }
    until("the first spare segment", || has_spare(&disk.join("journal")).then_some(()));
    fill(&disk.join("filler"));
    let taken = begun_until_refused(&server, &shop);
    assert_eq!(server.get("/readyz").status, 503);
    assert!(taken.len() > 5, "only {} were taken before", taken.len());

    for number in 0..5 {
        let path = format!("/v1/transactions/open-{number}/branches/pay/signal");
        server.post(&path, &json!({ "outcome": "done" })).is(200);
        let body = server.wait_final(&format!("open-{number}"));
        assert_eq!(body["state"], "confirmed", "what is open still finishes");
    }
    for id in taken.iter().take(5) {
        server.post(&format!("/v1/transactions/{id}/cancel"), &json!({})).is(202);
        assert_eq!(server.wait_final(id)["state"], "cancelled");
    }

    fs::remove_file(disk.join("filler")).unwrap();
    until("new work to be taken again", || {
        (server.post("/v1/transactions", &tcc("after", [awaited("pay")])).status == 202).then_some(())
    });
    server.get("/readyz").is(200);
    until("the log to say so", || server.errors().contains("there is room on the disk again").then_some(()));
    for id in &taken {
        assert_eq!(server.show(id)["id"], id.as_str(), "{id} was told");
    }
    until("the archive to catch up", || {
        let listed = server.get("/v1/transactions?state=confirmed").body["items"].as_array().map(Vec::len);
        (listed == Some(5)).then_some(())
    });
}

fn has_spare(journal: &Path) -> bool {
    let names = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .any(|name| name.starts_with("spare-") && !name.ends_with(".part"))
}

/// Begins large transactions until one is refused for want of room; answers the ids of those that were taken.
fn begun_until_refused(server: &Tercet, shop: &Participant) -> Vec<String> {
    let branch = with(shop.tcc("stock"), json!({ "body": { "pad": "x".repeat(200_000) } }));
    let mut taken = Vec::new();
    while taken.len() < 400 {
        let id = format!("new-{}", taken.len());
        let fields = json!({ "mode": "interactive", "deadline_ms": 600_000 });
        let reply = server.post("/v1/transactions", &with(tcc(&id, [branch.clone()]), fields));
        if reply.status == 503 {
            reply.is_refusal(503, "storage_full");
            assert!(reply.header("retry-after").is_some());
            return taken;
        }
        reply.is(202);
        taken.push(id);
    }
    panic!("the disk is full and new work is still taken");
}

/// Writes until the disk is full.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    let zeros = vec![0; 64 * 1024];
    while file.write_all(&zeros).is_ok() {}
    while file.write_all(&zeros[..512]).is_ok() {}
}

#[test]
fn a_copy_on_a_read_only_medium_can_be_verified() {
    let mut server = Tercet::start();
    server.begin(&tcc("t", [awaited("pay")]));
    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    let at = server.data().display().to_string();
    let command = after_mount(&format!("mount --bind '{at}' '{at}' && mount -o remount,ro,bind '{at}'"));
    let run = |words: &[&str]| {
        let binary = env!("CARGO_BIN_EXE_tercet");
        let output = Command::new(&command[0]).args(&command[1..]).arg(binary).args(words).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = run(&["journal", "verify", "--data", &at]);
    assert!(
        code == Some(0) && said.contains("not compared: the folder cannot be written to"),
        "{code:?} {said}"
    );
    let (code, said) = run(&["serve", "--data", &at, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
    assert!(code == Some(2) && said.contains("cannot be written to"), "{code:?} {said}");
}

#[test]
fn a_damaged_store_of_the_archive_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = started(&[], folder.path(), &[]);
    server.begin(&tcc("t", [awaited("pay")]));
    server.signal("TERM");
    assert_eq!(server.wait_end().code, Some(0));
    let small = server.data().join("archive/keyspaces/1/v0");
    let mut bytes = fs::read(&small).unwrap();
    // How many levels the store has, of which it is sure.
    assert_eq!(bytes[8], 7);
    bytes[8] = 3;
    fs::write(&small, bytes).unwrap();
    let ended = Tercet::on(folder.path(), &[]).err().expect("it is refused");
    let last = ended.errors.lines().last().unwrap_or_default();
    assert_eq!(ended.code, Some(2), "{}", ended.errors);
    assert!(
        last.starts_with("tercet: cannot open ") && last.contains("/archive; if it is damaged move it away"),
        "{last}"
    );
}
