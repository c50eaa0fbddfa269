//! The end of a judgement: its exit code, and what machines read of it.

use kit::{Finding, Judged, Row, Verdict};
use serde_json::json;

use super::*;

fn report(verdict: Verdict) -> Report {
    let row = Row {
        form: "tcc",
        name: "late_try",
        does: String::new(),
        why: String::new(),
        judged: Judged::Effects,
        calls: 1,
        retries: 0,
        took_ms: 1,
        verdict,
    };
    Report { participant: "stock".into(), run: "kit-1".into(), checks: vec![row] }
}

fn failed() -> Report {
    report(Verdict::Failed(Finding {
        broke: "it broke".into(),
        evidence: Vec::new(),
        matters: "money".into(),
        key: "no_tombstone",
        cause: "x".into(),
    }))
}

fn gone() -> Unjudged {
    Unjudged { name: "mail".into(), why: "nobody answers".into() }
}

#[test]
fn a_failed_check_wins_and_an_obstacle_alone_is_two() {
    let held = || report(Verdict::Held);
    let table = [
        (vec![held()], vec![], Exit::Done),
        (vec![held(), failed()], vec![], Exit::Refused),
        (vec![held()], vec![gone()], Exit::NotStarted),
        (vec![], vec![gone()], Exit::NotStarted),
        (vec![failed()], vec![gone()], Exit::Refused),
    ];
    for (reports, obstacles, exit) in table {
        let judgement = Judgement { reports, obstacles };
        assert_eq!(judgement.exit(), exit, "{judgement:?}");
        assert_eq!(print::machines(&judgement)["holds"], exit == Exit::Done, "{judgement:?}");
    }
}

#[test]
fn machines_read_who_could_not_be_judged() {
    let alone = Judgement { reports: Vec::new(), obstacles: vec![gone()] };
    let expected = json!({
        "holds": false,
        "participants": [],
        "obstacles": [{ "name": "mail", "why": "nobody answers" }],
    });
    assert_eq!(print::machines(&alone), expected);
}
