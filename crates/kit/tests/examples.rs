//! The examples in other languages under the kit: the honest ones hold, and each broken twin fails where it is broken.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use kit::{Form, Options, Report, Target, verify};
use lab::example::{Example, database};
use lab::services::Service;

/// A twin's name, the check that must fail, and the likely cause that must be told.
type Twin = (&'static str, &'static str, &'static str);

const TWINS: [Twin; 11] = [
    ("answer_not_kept", "same_answer", "answer_differs"),
    ("barrier_in_another_transaction", "refusal", "barrier_apart"),
    ("cancel_after_confirm", "cancel_after_confirm", "cancel_after_confirm"),
    ("cancel_skipped_when_try_failed", "refusal", "cancel_skipped"),
    ("confirm_after_cancel", "confirm_after_cancel", "confirm_after_cancel"),
    ("confirm_without_try", "confirm_without_try", "confirm_without_try"),
    ("duplicate_runs_again", "duplicates", "runs_twice"),
    ("empty_cancel_gives_back", "empty_cancel", "gives_back_untaken"),
    ("look_before_write", "duplicates", "look_before_write"),
    ("no_identity_check", "identity", "no_identity"),
    ("no_tombstone", "late_try", "no_tombstone"),
];

const SECRET: &str = "of the tests, sixteen bytes or more";

/// An example in another language.
struct Other {
    folder: &'static str,
    twins: &'static str,
    body: &'static str,
    refused: &'static str,
}

const PYTHON: Other = Other {
    folder: "python-postgres",
    twins: "twins.py",
    body: r#"{"sku":"A","n":2}"#,
    refused: r#"{"sku":"A","n":900000000}"#,
};
const NODE: Other = Other {
    folder: "node-sqlite",
    twins: "twins.js",
    body: r#"{"account":"A","n":2}"#,
    refused: r#"{"account":"A","n":900000000}"#,
};

impl Other {
    fn script(&self) -> Command {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let mut command = Command::new(examples.join(self.folder).join("run.sh"));
        command.env("PORT", "0").env("TERCET_SECRET", SECRET);
        command
    }

    /// The names of its twins, as it says them itself.
    fn twins(&self) -> Vec<String> {
        let told = self.script().args([self.twins, "--list"]).output().unwrap();
        let mut names: Vec<String> =
            String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    async fn judge(&self, service: &Example, options: &Options) -> Report {
        let url = |operation: &str| service.url(operation);
        let target = Target {
            name: self.folder.to_owned(),
            forms: vec![Form::Tcc { r#try: url("try"), confirm: url("confirm"), cancel: url("cancel") }],
            probe: Some(url("probe")),
            body: self.body.into(),
            refused_body: Some(self.refused.into()),
            secret: Some(SECRET.into()),
            ..Target::default()
        };
        verify(&target, options).await.unwrap()
    }
}

/// Its books: a database for PostgreSQL, a file for SQLite.
fn books(command: &mut Command, folder: &Path) {
    command.env("DATABASE_URL", database(Service::Postgres)).env("DATABASE", folder.join("books.db"));
}

async fn an_honest_example_holds(other: &Other) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = other.script();
    books(&mut command, folder.path());
    let service = Example::start(&mut command);
    let report = other.judge(&service, &Options::default()).await;
    assert!(report.holds(), "{report}");
    assert!(service.stop().success(), "it ends well when it is asked to");
}

/// Only the check that must fail is made; all twins are judged before one is told.
async fn each_twin_fails_where_it_is_broken(other: &Other) {
    let expected: Vec<&str> = TWINS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(other.twins(), expected);
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, check, cause) in TWINS {
        let mut command = other.script();
        command.args([other.twins, name]);
        books(&mut command, folder.path());
        let service = Example::start(&mut command);
        let options = Options { only: vec![check.to_owned()], duplicates: 20, ..Options::default() };
        let report = other.judge(&service, &options).await;
        let failed: Vec<(&str, &str)> =
            report.failed().map(|(row, finding)| (row.name, finding.key)).collect();
        if !failed.contains(&(check, cause)) {
            wrong.push(format!("{name}: ({check}, {cause}) is not among {failed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}: {wrong:#?}", other.folder);
}

#[tokio::test]
async fn python_over_postgresql_holds() {
    an_honest_example_holds(&PYTHON).await;
}

#[tokio::test]
async fn node_over_sqlite_holds() {
    an_honest_example_holds(&NODE).await;
}

#[tokio::test]
async fn each_twin_in_python_fails_where_it_is_broken() {
    each_twin_fails_where_it_is_broken(&PYTHON).await;
}

#[tokio::test]
async fn each_twin_in_node_fails_where_it_is_broken() {
    each_twin_fails_where_it_is_broken(&NODE).await;
}
