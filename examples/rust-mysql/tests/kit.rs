//! This service under the conformance kit, on a real database; and its graceful end.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use kit::{Form, Options, Target, verify};
use lab::example::{Example, database};
use lab::http::Http;
use lab::services::Service;
use sqlx::{Executor, MySqlPool};

const SECRET: &str = "of the tests, sixteen bytes or more";

#[tokio::test]
async fn it_holds_to_the_rules_of_the_barrier() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-mysql"));
    command.env("DATABASE_URL", database(Service::MariaDb)).env("PORT", "0").env("CALL_SECRET", SECRET);
    let service = Example::start(&mut command);
    let url = |operation| service.url(operation);
    let tcc = Form::Tcc { r#try: url("try"), confirm: url("confirm"), cancel: url("cancel") };
    let target = Target {
        name: "example-mysql".to_owned(),
        forms: vec![tcc],
        probe: Some(service.url("probe")),
        body: r#"{"account":"anna","points":2}"#.into(),
        refused_body: Some(r#"{"account":"bert","points":11}"#.into()),
        secret: Some(SECRET.into()),
        ..Target::default()
    };
    let report = verify(&target, &Options::default()).await.unwrap();
    assert!(report.holds(), "{report}");
    for name in ["signature", "signed_identity"] {
        assert!(report.check(name).is_some_and(|row| row.verdict.word() == "holds"), "{report}");
    }
    assert!(service.stop().success());
}

#[tokio::test]
async fn what_is_gone_is_refused_and_nothing_is_kept_of_it() {
    let url = database(Service::MariaDb);
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-mysql"));
    command.env("DATABASE_URL", &url).env("PORT", "0").env_remove("CALL_SECRET");
    let service = Example::start(&mut command);
    let http = Http { address: service.address, token: None };
    let call = |transaction: &str, operation: &str| {
        let headers =
            [("tercet-transaction", transaction), ("tercet-branch", "b"), ("tercet-operation", operation)];
        let path = format!("/{operation}");
        http.send(("POST", &path), &headers, br#"{"account":"anna","points":2}"#).unwrap()
    };
    let pool = MySqlPool::connect(&url).await.unwrap();
    for (transaction, end) in [("t-1", "confirm"), ("t-2", "cancel")] {
        call(transaction, "try").is(200);
        pool.execute("DELETE FROM points WHERE account = 'anna'").await.unwrap();
        for _ in 0..2 {
            call(transaction, end).is_refusal(409, "hold_gone");
        }
        pool.execute("INSERT INTO points VALUES ('anna', 999998, 2, 0)").await.unwrap();
        call(transaction, end).is(200);
    }
}

#[test]
fn a_secret_that_is_guessed_does_not_start() {
    for (secret, says) in [("", "it holds no secret"), ("fifteen-letters", "a secret of 15 bytes")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-mysql"));
        let output = command.env("CALL_SECRET", secret).env_remove("DATABASE_URL").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("CALL_SECRET") && said.contains(says), "{said}");
        assert!(!said.contains("fifteen-letters"), "{said}");
    }
}
