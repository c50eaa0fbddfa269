//! `tercet ledger`: what a person at a terminal opens, posts, holds, moves and reads.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Tercet, tercet};

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// The output of a command that must succeed.
fn done(server: &Tercet, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let (code, text) = said(&server.ledger(&words));
    assert_eq!(code, Some(0), "{words:?}: {text}");
    text
}

/// The output of a command that must be refused with this code.
fn refused(server: &Tercet, words: &str, code: &str) {
    let (exit, text) = said(&server.ledger(&words.split(' ').collect::<Vec<_>>()));
    assert!(exit == Some(1) && text.starts_with(&format!("{code}: ")), "{words}: {text}");
}

fn euros() -> Tercet {
    let server = Tercet::start();
    done(&server, "asset declare EUR --scale 2");
    done(&server, "account open bank --asset EUR --floor none");
    done(&server, "account open ann --asset EUR --ceiling 500.00");
    done(&server, "entry post --id top-up --from bank --to ann --amount 100.00");
    server
}

#[test]
fn assets_and_accounts() {
    let server = euros();
    assert!(done(&server, "asset list").contains("EUR"));
    refused(&server, "asset declare EUR --scale 3", "asset_mismatch");
    let text = done(&server, "account show ann");
    for wanted in ["account ann", "posted         100.00", "ceiling        500.00", "standing       active"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(done(&server, "account open ann --asset EUR --ceiling 500.00").contains("duplicate"));
    refused(&server, "account open ann --asset EUR", "id_mismatch");
    let text = done(&server, "account list --prefix a");
    assert!(text.contains("ann") && !text.contains("bank"), "{text}");
    done(&server, "account adjust ann --floor -20.00 --standing frozen --reason test");
    let text = done(&server, "account show ann");
    assert!(text.contains("frozen") && text.contains("-20.00"), "{text}");
    refused(&server, "entry post --from bank --to ann --amount 1.00", "account_frozen");
    refused(&server, "account show nobody", "account_unknown");
}

#[test]
fn entries_name_their_operator_and_are_safe_to_repeat() {
    let server = euros();
    let post = "entry post --id e-1 --from ann --to bank --amount 12.50 --reason";
    assert!(done(&server, &format!("{post} goodwill")).contains("posted"));
    assert!(done(&server, &format!("{post} goodwill")).contains("duplicate"));
    refused(&server, "entry post --from ann --to bank --amount 12.505", "amount_invalid");
    refused(&server, "entry post --from ann --to bank --amount 1000.00", "insufficient");
    let text = done(&server, "entry post --dry-run --from ann --to bank --amount 1000.00 --up-to");
    assert!(text.contains("87.50") && text.contains("nothing was kept"), "{text}");
    let text = done(&server, "entries ann --newest --operator eve");
    assert!(text.contains("-12.50") && text.contains("eve: goodwill"), "{text}");
    let raw: Value = serde_json::from_str(&done(&server, "entries ann --json")).unwrap();
    assert_eq!(raw["items"][1]["cause"]["operator"], "eve", "{raw}");
    done(&server, "entry post --id r-1 --from bank --to ann --amount 10.00 --refunds e-1");
    refused(
        &server,
        "entry post --id r-2 --from bank --to ann --amount 2.51 --refunds e-1",
        "refund_invalid",
    );
}

#[test]
fn holds_from_placing_to_their_end() {
    let server = euros();
    assert!(done(&server, "hold place --id h-1 --from ann --to bank --amount 60.00").contains("held"));
    let text = done(&server, "hold capture h-1 --amount 20.00 --id c-1");
    assert!(text.contains("state          held") && text.contains("left           40.00"), "{text}");
    assert!(done(&server, "hold release h-1").contains("released"));
    refused(&server, "hold capture h-1", "hold_closed");
    let text = done(&server, "hold history h-1");
    assert!(["held", "captured", "released"].iter().all(|event| text.contains(event)), "{text}");
    assert!(done(&server, "hold show h-1").contains("captured       20.00"));
    refused(&server, "hold show h-2", "hold_unknown");
}

#[test]
fn items_and_machines() {
    let server = Tercet::start();
    server.coupons(&[]);
    assert!(done(&server, "machine show coupon").contains("give_back"));
    assert!(done(&server, "machine show coupon --diagram").starts_with("stateDiagram-v2"));
    done(&server, "item create C-1 --machine coupon --owner ann --attribute off=5.00 --attribute stamps:=3");
    let text = done(&server, "item show C-1");
    assert!(text.contains("issued") && text.contains("· off          5.00"), "{text}");
    assert!(done(&server, "item move C-1 activate").contains("active"));
    refused(&server, "item move C-1 use", "move_undeclared");
    refused(&server, "item move C-1 lock --owner bob", "guard_refused");
    assert!(done(&server, "item history C-1").contains("activate"));
    refused(&server, "item create C-2 --machine none", "machine_unknown");
}

#[test]
fn json_is_the_servers_own_and_faults_name_the_id_to_repeat() {
    let server = euros();
    let raw: Value = serde_json::from_str(&done(&server, "account show ann --json")).unwrap();
    assert_eq!(raw, server.get("/v1/accounts/ann").body);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let words = ["ledger", "--url", &format!("http://{closed}"), "entry", "post", "--from", "a", "--to", "b"];
    let (code, text) =
        said(&tercet(&[&words[..], &["--amount", "1", "--id", "e-7"]].concat()).output().unwrap());
    assert!(code == Some(3) && text.contains("`--id e-7` repeats it safely"), "{text}");
    assert_eq!(said(&server.ledger(&["entry", "post", "--from", "a"])).0, Some(2));
}

#[test]
fn members_that_are_refused_leave_the_others_alone() {
    let server = euros();
    let entry = |id: &str, amount: Value| json!({ "id": id, "from": "ann", "to": "bank", "amount": amount });
    let batch = json!([
        entry("a", json!("1.00")),
        { "id": "b", "from": "ann", "to": "nobody", "amount": "1.00" },
        entry("c", json!("0")),
        entry("d", json!("-1.00")),
        entry("e", json!("99999999999999999999999999999999999999999.00")),
        entry("f", json!("1.00")),
    ]);
    let told = server.batch("entries", batch);
    assert_eq!(
        told,
        ["posted", "account_unknown", "amount_invalid", "amount_invalid", told[4].as_str(), "posted"]
    );
    assert!(["amount_invalid", "overflow"].contains(&told[4].as_str()), "{told:?}");
    let float = json!({ "entries": [entry("g", json!("1.00")), entry("h", json!(1.5))] });
    let refused = server.post("/v1/entries", &float);
    refused.is_refusal(400, "amount_invalid");
    assert_eq!(refused.body["at"], "/entries/1/amount");
    assert_eq!(server.get("/v1/accounts/ann").body["posted"], "98.00");
}
