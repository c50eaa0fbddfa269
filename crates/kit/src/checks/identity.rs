//! Who is calling about what: no identity, a bad one, and ones that are nearly the same.
//!
//! Read next: `../identity.rs`.

use std::sync::Arc;

use hyper::header::HeaderValue;

use crate::answer::Reply;
use crate::case::{Blame, Case, Stop};
use crate::cause::{self, Cause};
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::{BRANCH, Id, OPERATION, SIGNATURE, TRANSACTION};
use crate::signature;
use crate::stage::Stage;
use crate::wire::Post;

/// The longest id.
const LONGEST: usize = 128;

/// Headers that are left out together.
const MISSING: &[&[&str]] = &[&[TRANSACTION, BRANCH, OPERATION], &[TRANSACTION], &[BRANCH], &[OPERATION]];

/// Sends it; a 4xx is expected, and neither a refusal of the business nor anything else.
async fn turned_away(
    case: &mut Case,
    stage: &Stage,
    (what, post, cause): (String, Post, &'static Cause),
) -> Result<(), Stop> {
    let answer = stage.insist(|_| post.clone()).await.answer;
    case.note([format!("{what} → {}", answer.words())]);
    let broke = format!("{what}: answered {}", answer.words());
    match answer.reply() {
        Reply::Done | Reply::InProgress => Err(case.failed(broke, cause)),
        Reply::Refused | Reply::Fault => Err(case.failed(broke, &cause::IDENTITY_FAULT)),
        Reply::Useless if answer.is_callers_mistake() => Ok(()),
        Reply::Useless => Err(case.failed(broke, &cause::IDENTITY_FAULT)),
    }
}

/// Each part, with headers left out.
pub(super) async fn missing(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    for (part, operation, _) in stage.form.parts() {
        for left_out in MISSING {
            let mut post = stage.post(&stage.fresh().call(part));
            post.headers.retain(|(name, _)| !left_out.contains(name));
            let what = format!("{operation} without {}", left_out.join(", "));
            turned_away(&mut case, stage, (what, post, &cause::NO_IDENTITY)).await?;
        }
    }
    case.effect(Effect::NONE, Blame::both(&cause::NO_IDENTITY)).await
}

/// A try under ids that are none.
pub(super) async fn bad(stage: &Arc<Stage>) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    let long = "x".repeat(LONGEST + 1);
    let bad: [(&str, &[u8]); 4] = [
        ("an empty one", b""),
        ("one of 129 characters", long.as_bytes()),
        ("one with a space", b"a b"),
        ("one with a byte that is no ASCII", b"a\xe4b"),
    ];
    for header in [TRANSACTION, BRANCH] {
        for (what, id) in bad {
            let mut post = stage.post(&stage.fresh().call(Part::First));
            for (_, value) in post.headers.iter_mut().filter(|(name, _)| *name == header) {
                if let Ok(bad) = HeaderValue::from_bytes(id) {
                    *value = bad;
                }
            }
            turned_away(&mut case, stage, (format!("{header}: {what}"), post, &cause::BAD_ID)).await?;
        }
    }
    case.effect(Effect::NONE, Blame::both(&cause::BAD_ID)).await
}

/// The longest ids, of all characters that an id may have, which differ in one letter only.
pub(super) async fn apart(stage: &Arc<Stage>) -> Result<(), Stop> {
    let Id { transaction, branch } = stage.fresh();
    let long = format!("{transaction}.AZaz09_:/-");
    let id = |last: &str| Id {
        transaction: format!("{long}{}{last}", "x".repeat(LONGEST - long.len() - 1)),
        branch: branch.clone(),
    };
    each_its_own(stage, &[id("a"), id("A"), id("b")], &cause::IDS_MELT).await
}

/// Branches of one transaction.
pub(super) async fn branches(stage: &Arc<Stage>) -> Result<(), Stop> {
    let Id { transaction, .. } = stage.fresh();
    let ids =
        ["a", "b", "c"].map(|branch| Id { transaction: transaction.clone(), branch: branch.to_owned() });
    each_its_own(stage, &ids, &cause::BRANCH_IGNORED).await
}

/// Tries all, ends the first, gives back the others.
async fn each_its_own(stage: &Arc<Stage>, ids: &[Id], cause: &'static Cause) -> Result<(), Stop> {
    let mut case = Case::open(stage).await?;
    for id in ids {
        case.done(&id.call(Part::First), cause).await?;
    }
    case.effect(Effect::held(ids.len()), Blame::both(cause)).await?;
    if !stage.form.has(Part::Undo) {
        return Ok(());
    }
    let confirms = if stage.form.has(Part::Confirm) { 1 } else { 0 };
    for id in &ids[..confirms] {
        case.done(&id.call(Part::Confirm), cause).await?;
    }
    for id in &ids[confirms..] {
        case.done(&id.call(Part::Undo), cause).await?;
    }
    case.effect(Effect::taken(confirms), Blame::both(cause)).await
}

/// No signature, one of another secret, one of an hour ago.
pub(super) async fn unsigned(stage: &Arc<Stage>) -> Result<(), Stop> {
    let Some(secret) = &stage.secret else {
        return Err(Stop::Skipped("there is no secret to sign with (give secret_file)".to_owned()));
    };
    let mut case = Case::open(stage).await?;
    let now = signature::now();
    let (own, foreign): (&[u8], &[u8]) = (secret, b"another secret");
    let forged = [
        ("no signature", None),
        ("a signature of another secret", Some((foreign, now))),
        ("a signature of an hour ago", Some((own, now - 3_600))),
    ];
    for (what, signed) in forged {
        let mut post = stage.post(&stage.fresh().call(Part::First));
        post.headers.retain(|(name, _)| *name != SIGNATURE);
        if let Some((secret, at)) = signed {
            let text = signature::sign(secret, at, (&post.uri, &post.body));
            post.headers.extend(HeaderValue::try_from(text).map(|text| (SIGNATURE, text)));
        }
        turned_away(&mut case, stage, (what.to_owned(), post, &cause::UNSIGNED)).await?;
    }
    case.effect(Effect::NONE, Blame::both(&cause::UNSIGNED)).await
}
