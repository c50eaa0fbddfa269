//! The kit's own proof: an honest participant passes, and each twin fails in the right check with the right explanation.
//!
//! A check that no twin fails would prove nothing. Read next: `support/mod.rs`.

#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use kit::{Judged, Obstacle, Options, Report, Verdict};
use support::{Twin, start, target};

const SECRET: &[u8] = b"a secret of the test";

const FORMS: [&str; 3] = ["tcc", "saga", "message"];

fn quick() -> Options {
    Options { races: 40, duplicates: 20, ..Options::default() }
}

async fn judged(twin: Twin, forms: &[&str]) -> Report {
    let base = start(twin, None).await;
    kit::verify(&target(&base, forms), &quick()).await.unwrap()
}

/// Check `name` must have failed for the cause `key`, in words that hold `says`, with evidence.
async fn is_caught(twin: Twin, (name, key, says): (&str, &str, &str)) {
    let secret = name.starts_with("sign").then(|| Bytes::from_static(SECRET));
    let base = start(twin, secret.clone()).await;
    let options = Options { only: vec![name.into()], ..quick() };
    let target = kit::Target { secret, ..target(&base, &["tcc"]) };
    let report = kit::verify(&target, &options).await.unwrap();
    let row = report.check(name).unwrap();
    let Verdict::Failed(finding) = &row.verdict else {
        panic!("{twin:?} passes {name}:\n{report}");
    };
    assert_eq!(finding.key, key, "{twin:?}:\n{report}");
    assert!(finding.cause.contains(says), "{twin:?}: {}", finding.cause);
    assert!(!finding.evidence.is_empty() && !finding.matters.is_empty(), "{twin:?}:\n{report}");
}

macro_rules! twins {
    ($($test:ident: $twin:ident => $name:literal, $key:literal, $says:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            is_caught(Twin::$twin, ($name, $key, $says)).await;
        }
    )*};
}

twins! {
    no_tombstone: NoTombstone => "late_try", "no_tombstone", "leaves no row that the late try runs into";
    row_survives_refusal: RowSurvivesRefusal => "refusal", "barrier_apart", "in another local transaction";
    row_before_change: RowBeforeChange => "lost_replies", "barrier_apart", "in another local transaction";
    look_before_write: LookBeforeWrite => "try_cancel_race", "look_before_write", "insert first and let the unique key decide";
    look_before_write_twice: LookBeforeWrite => "duplicates", "look_before_write", "a look before the write";
    look_before_write_both: LookBeforeWrite => "confirm_cancel_race", "look_before_write", "a look before the write";
    cancel_of_refused_try_refused: CancelOfRefusedTryRefused => "refusal", "cancel_skipped", "refused when its try was refused";
    cancel_of_refused_try_gives_back: CancelOfRefusedTryGivesBack => "refusal", "gives_back_untaken", "gives back what was never taken";
    empty_cancel_refused: EmptyCancelRefused => "empty_cancel", "empty_cancel_refused", "the empty cancel is skipped";
    empty_cancel_gives_back: EmptyCancelGivesBack => "empty_cancel", "gives_back_untaken", "gives back what was never taken";
    cancel_keeps: CancelKeeps => "ordinary_cancel", "cancel_keeps", "does not give back";
    runs_twice: RunsTwice => "duplicates", "runs_twice", "no barrier";
    confirm_without_try: ConfirmWithoutTry => "confirm_without_try", "confirm_without_try", "does not ask whether its try was done";
    confirm_after_cancel: ConfirmAfterCancel => "confirm_after_cancel", "confirm_after_cancel", "do not exclude each other";
    cancel_after_confirm: CancelAfterConfirm => "cancel_after_confirm", "cancel_after_confirm", "do not exclude each other";
    answer_differs: AnswerDiffers => "same_answer", "answer_differs", "not kept with the barrier row";
    no_identity: NoIdentity => "identity", "no_identity", "are not demanded";
    identity_is_a_fault: IdentityIsAFault => "identity", "identity_fault", "comes up as a fault";
    bad_ids: BadIds => "bad_ids", "bad_id", "1 to 128 characters";
    blind_to_case: BlindToCase => "ids_apart", "ids_melt", "blind to case";
    blind_to_branch: BlindToBranch => "branches_apart", "branch_ignored", "lacks the branch";
    fault_is_a_refusal: FaultIsARefusal => "many_at_once", "fault_as_refusal", "a fault is answered with 409";
    fault_for_ever: FaultForEver => "ordinary", "fault_for_ever", "no repetition mends";
    other_content_runs: OtherContentRuns => "other_content", "other_content_runs", "other content is a new call";
    lost_update: LostUpdate => "many_at_once", "lost_update", "one conditional UPDATE";
    one_at_a_time: OneAtATime => "slow_callers", "blocked_by_slow", "one at a time";
    late_try_is_not_found: LateTryIsNotFound => "late_try", "not_a_refusal", "anything but 409 and 422";
    other_content_answered_anew: OtherContentAnsweredAnew => "other_content", "other_content_answered", "a new one was made up";
    cancel_gives_too_much: CancelGivesTooMuch => "ordinary_cancel", "cancel_gives_too_much", "more than its try took";
    confirm_checks_again: ConfirmChecksAgain => "ordinary", "confirm_impossible", "checks again what belongs into the try";
    empty_cancel_is_not_found: EmptyCancelIsNotFound => "empty_cancel", "useless_answer", "a wrong address";
    nobody_wins: NobodyWins => "confirm_cancel_race", "nobody_wins", "refuse each other";
    signed_try_only: SignedTryOnly => "signature", "unsigned", "at some operations only";
    signed_time_only: SignedTimeOnly => "signature", "unsigned", "only its time";
    signed_ever: SignedEver => "signature", "signature_time", "not compared with the clock";
    signed_anywhere: SignedAnywhere => "signature", "signature_of_other", "the path of the request line";
    signed_as_written: SignedAsWritten => "signature", "signature_of_other", "before anything is parsed";
    signed_content_only: SignedContentOnly => "signed_identity", "identity_unsigned", "only v1 is checked";
    unsigned_is_a_refusal: UnsignedIsARefusal => "signature", "signature_fault", "answer 401";
    refused_keeps_a_part: RefusedKeepsAPart => "refusal", "refused_yet_taken", "not rolled back";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_participant_passes_everything_in_every_form() {
    let secret = Bytes::from_static(SECRET);
    let base = start(Twin::Honest, Some(secret.clone())).await;
    let target = kit::Target { secret: Some(secret), ..target(&base, &FORMS) };
    let report = kit::verify(&target, &Options::default()).await.unwrap();
    assert!(report.holds(), "{report}");
    let count = |form| report.checks.iter().filter(|row| row.form == form).count();
    assert_eq!(FORMS.map(count), [24, 20, 14], "{report}");
    for row in &report.checks {
        assert!(matches!(row.verdict, Verdict::Held), "{} of {}: {:?}", row.name, row.form, row.verdict);
        assert_eq!(row.retries, 0, "{}", row.name);
        assert!(
            row.name == "same_answer" || row.judged == Judged::Effects,
            "{} is judged by {:?}",
            row.name,
            row.judged
        );
    }
    let asked: usize = report.checks.iter().filter(|row| row.form == "tcc").map(|row| row.calls).sum();
    assert!(asked > 2_000, "{asked} calls");
    let races = report.check("try_cancel_race").unwrap();
    assert!(races.calls >= 3 * 200, "200 races of two calls and a further try: {}", races.calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moody_participant_passes_and_its_moods_are_counted() {
    let report = judged(Twin::Moody, &FORMS).await;
    assert!(report.holds(), "{report}");
    let retries: usize = report.checks.iter().map(|row| row.retries).sum();
    let calls: usize = report.checks.iter().map(|row| row.calls).sum();
    assert!(retries > calls / 10, "{retries} of {calls} calls were made again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_survives_a_fault_is_seen_by_what_is_missing() {
    let report = judged(Twin::RowSurvivesFault, &["tcc"]).await;
    let (_, finding) = report.failed().find(|(_, finding)| finding.key == "barrier_apart").unwrap();
    assert!(finding.broke.contains("the effect of a try is missing"), "{finding}");
    assert!(finding.evidence.iter().any(|line| line.starts_with("figures expected: free ")), "{finding}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_is_not_checked_is_found() {
    let secret = Bytes::from_static(SECRET);
    let base = start(Twin::BlindToSignature, Some(secret.clone())).await;
    let target = kit::Target { secret: Some(secret), ..target(&base, &["message"]) };
    let report = kit::verify(&target, &quick()).await.unwrap();
    let found: Vec<_> = report.failed().map(|(row, finding)| (row.name, finding.key)).collect();
    let expected = [("signature", "unsigned"), ("signed_identity", "identity_unsigned")];
    assert_eq!(found, expected, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_operation_is_forged() {
    let secret = Some(Bytes::from_static(SECRET));
    let base = start(Twin::SignedTryOnly, secret.clone()).await;
    let target = kit::Target { secret, ..target(&base, &["tcc"]) };
    let options = Options { only: vec!["signature".into()], ..quick() };
    let report = kit::verify(&target, &options).await.unwrap();
    let (_, finding) = report.failed().next().unwrap();
    assert!(finding.broke.starts_with("cancel with no signature: answered 200"), "{finding}");
    assert!(finding.evidence[0].starts_with("try of kit-"), "a try was done before it: {finding}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_participant_whose_probe_leaves_out_zeros_passes() {
    let report = judged(Twin::ZerosLeftOut, &FORMS).await;
    assert!(report.holds(), "{report}");
    assert_eq!(report.check("ordinary_cancel").unwrap().judged, Judged::Effects, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_probe_it_says_what_it_could_not_see() {
    for twin in [Twin::Honest, Twin::CancelKeeps] {
        let base = start(twin, None).await;
        let target = kit::Target { probe: None, refused_body: None, ..target(&base, &["tcc"]) };
        let report = kit::verify(&target, &quick()).await.unwrap();
        assert!(report.holds(), "answers alone show nothing of {twin:?}: {report}");
        assert_eq!(report.check("ordinary_cancel").unwrap().judged, Judged::AnswersOnly);
        assert_eq!(report.check("same_answer").unwrap().judged, Judged::Answers);
        let skipped: Vec<_> =
            report.checks.iter().filter(|row| row.verdict.word() == "skipped").map(|row| row.name).collect();
        assert_eq!(skipped, ["refusal", "signature", "signed_identity"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_broken_ordinary_run_nothing_else_is_judged() {
    let report = judged(Twin::FaultForEver, &["tcc"]).await;
    assert_eq!(report.failed().count(), 1, "{report}");
    assert!(report.checks[1..].iter().all(|row| row.verdict.word() == "skipped"), "{report}");
    assert!(report.to_string().ends_with("stock: 0 checks hold, 1 failed, 23 skipped"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_shows_nothing_of_a_call_is_a_failure() {
    let base = start(Twin::Honest, None).await;
    let elsewhere = start(Twin::Honest, None).await;
    let target = kit::Target { probe: Some(format!("{elsewhere}/probe")), ..target(&base, &["tcc"]) };
    let report = kit::verify(&target, &quick()).await.unwrap();
    let (row, finding) = report.failed().next().unwrap();
    assert_eq!((row.name, finding.key), ("ordinary", "probe"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_judged_is_an_obstacle() {
    let base = start(Twin::Honest, None).await;
    let good = target(&base, &["tcc"]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let verdict = async |target: kit::Target| kit::verify(&target, &quick()).await.unwrap_err();
    let at = |url: &str| kit::Target { probe: Some(url.to_owned()), ..good.clone() };
    let said = verdict(kit::Target { forms: Vec::new(), ..good.clone() }).await;
    assert!(matches!(said, Obstacle::NoForm), "{said}");
    let said = verdict(at(&format!("http://{closed}/probe"))).await;
    assert!(matches!(said, Obstacle::Unreachable { .. }), "{said}");
    let said = verdict(at(&format!("{base}/nothing"))).await;
    assert!(matches!(said, Obstacle::Probe { .. }), "{said}");
    let only = Options { only: vec!["late_tri".into()], ..quick() };
    let said = kit::verify(&good, &only).await.unwrap_err();
    assert!(said.to_string().starts_with("there is no check `late_tri`"), "{said}");
    for url in ["https://127.0.0.1/probe", "ftp://127.0.0.1/", "/probe", "a b"] {
        let said = verdict(at(url)).await;
        assert!(matches!(said, Obstacle::Url { .. }), "{said}");
    }
}
