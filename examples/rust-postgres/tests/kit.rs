//! This service under the conformance kit, on a real database; and its graceful end.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use kit::{Form, Options, Target, verify};
use lab::example::{Example, database};
use lab::services::Service;

const SECRET: &str = "of the tests, sixteen bytes or more";

#[tokio::test]
async fn it_holds_to_the_rules_of_the_barrier() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-postgres"));
    command.env("DATABASE_URL", database(Service::Postgres)).env("PORT", "0").env("CALL_SECRET", SECRET);
    let service = Example::start(&mut command);
    let url = |operation| service.url(operation);
    let tcc = Form::Tcc { r#try: url("try"), confirm: url("confirm"), cancel: url("cancel") };
    let target = Target {
        name: "example-postgres".to_owned(),
        forms: vec![tcc],
        probe: Some(service.url("probe")),
        body: r#"{"sku":"A","n":2}"#.into(),
        refused_body: Some(r#"{"sku":"B","n":11}"#.into()),
        secret: Some(SECRET.into()),
        ..Target::default()
    };
    let report = verify(&target, &Options::default()).await.unwrap();
    assert!(report.holds(), "{report}");
    assert!(report.check("signature").is_some_and(|row| row.verdict.word() == "holds"), "{report}");
    assert!(service.stop().success());
}
