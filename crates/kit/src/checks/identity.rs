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
use crate::identity::{BRANCH, Id, OPERATION, TRANSACTION};
use crate::stage::Stage;
use crate::wire::Post;

/// The longest id.
const LONGEST: usize = 128;

/// Headers that are left out together.
const MISSING: &[&[&str]] = &[&[TRANSACTION, BRANCH, OPERATION], &[TRANSACTION], &[BRANCH], &[OPERATION]];

/// What to blame when a call without identity is done, and when its answer is none for a caller's mistake.
const BY_IDENTITY: Refusal = Refusal { done: &cause::NO_IDENTITY, other: &cause::IDENTITY_FAULT };

/// What to blame for a call that is not turned away.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    /// It was done, or is in progress.
    pub(super) done: &'static Cause,
    /// It was refused as by the business, or is a fault.
    pub(super) other: &'static Cause,
}

/// Sends it; a 4xx is expected, and neither a refusal of the business nor anything else.
pub(super) async fn turned_away(
    case: &mut Case,
    stage: &Stage,
    (what, post, blame): (String, Post, Refusal),
) -> Result<(), Stop> {
    let answer = stage.insist(|_| post.clone()).await.answer;
    case.note([format!("{what} → {}", answer.words())]);
    let broke = format!("{what}: answered {}", answer.words());
    match answer.reply() {
        Reply::Done | Reply::InProgress => Err(case.failed(broke, blame.done)),
        Reply::Useless if answer.is_callers_mistake() => Ok(()),
        Reply::Refused | Reply::Fault | Reply::Useless => Err(case.failed(broke, blame.other)),
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
            turned_away(&mut case, stage, (what, stage.signed(post), BY_IDENTITY)).await?;
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
            post.put(header, HeaderValue::from_bytes(id).ok());
            let blame = Refusal { done: &cause::BAD_ID, ..BY_IDENTITY };
            turned_away(&mut case, stage, (format!("{header}: {what}"), stage.signed(post), blame)).await?;
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
