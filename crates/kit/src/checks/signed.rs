//! Who may call: signatures that must not be believed, at every operation.
//!
//! A confirm and a cancel are forged after a try that was done, so that a forged one has something to take or to give back;
//! in the end it is cancelled by a call that is signed. Read next: `../signature.rs`.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;

use super::identity::{Refusal, turned_away};
use crate::case::{Blame, Case, Stop};
use crate::cause::{self, Cause};
use crate::figures::Effect;
use crate::form::Part;
use crate::identity::{BRANCH, Call, Content, OPERATION, SIGNATURE, TRANSACTION};
use crate::signature;
use crate::stage::Stage;
use crate::wire::Post;

/// A signature of so long ago, or from so far ahead, in seconds.
const FAR: i64 = 3_600;

/// A call whose signature must not be believed.
struct Forgery {
    what: &'static str,
    /// The secret it is signed with: none, the own, another.
    secret: Option<Bytes>,
    /// When it was signed, in seconds from now.
    late: i64,
    /// What was signed, where it is not what is sent.
    signed: Post,
    sent: Post,
    done: &'static Cause,
}

/// No signature, one of another secret, of another time, of another body, of another path.
pub(super) async fn unsigned(stage: &Arc<Stage>) -> Result<(), Stop> {
    each_part(stage, (of_other_content, &cause::UNSIGNED)).await
}

/// Signatures of the same call under other headers of identity.
pub(super) async fn identity(stage: &Arc<Stage>) -> Result<(), Stop> {
    each_part(stage, (of_other_identity, &cause::IDENTITY_UNSIGNED)).await
}

/// The forgeries of a call.
type Forge = fn(&Stage, &Bytes, &Call) -> Vec<Forgery>;

/// `cause` is what to blame when all were turned away and one has taken effect all the same.
async fn each_part(stage: &Arc<Stage>, (forgeries, cause): (Forge, &'static Cause)) -> Result<(), Stop> {
    let Some(secret) = &stage.secret else {
        return Err(Stop::Skipped("there is no secret to sign with (give secret_file)".to_owned()));
    };
    for (part, operation, _) in stage.form.parts() {
        let mut case = Case::open(stage).await?;
        let id = stage.fresh();
        let held = usize::from(part != Part::First);
        if held > 0 {
            case.done(&id.call(Part::First), &cause::ORDINARY_REFUSED).await?;
        }
        for forgery in forgeries(stage, secret, &id.call(part)) {
            let blame = Refusal { done: forgery.done, other: &cause::SIGNATURE_FAULT };
            let what = format!("{operation} with {}", forgery.what);
            turned_away(&mut case, stage, (what, forgery.post(), blame)).await?;
        }
        case.effect(Effect::held(held), Blame::both(cause)).await?;
        if held > 0 {
            case.done(&id.call(Part::Undo), &cause::CANCEL_REFUSED).await?;
            case.effect(Effect::NONE, Blame::both(cause)).await?;
        }
    }
    Ok(())
}

impl Forgery {
    /// What is sent: the call, with the signature of what was signed.
    fn post(self) -> Post {
        let Forgery { secret, late, signed, mut sent, .. } = self;
        let text = secret.map(|secret| signature::sign(&secret, signature::now() + late, &signed));
        sent.put(SIGNATURE, text.and_then(|text| HeaderValue::try_from(text).ok()));
        sent
    }
}

fn of_other_content(stage: &Stage, secret: &Bytes, call: &Call) -> Vec<Forgery> {
    let post = stage.post(call);
    let forged = |what, done| Forgery {
        what,
        secret: Some(secret.clone()),
        late: 0,
        signed: post.clone(),
        sent: post.clone(),
        done,
    };
    let spaced = Post { body: [&post.body[..], b" "].concat().into(), ..post.clone() };
    let other = if stage.has(Content::Other) {
        stage.post(&call.clone().with(Content::Other))
    } else {
        spaced.clone()
    };
    let elsewhere = Post { uri: elsewhere(stage, &post), ..post.clone() };
    vec![
        Forgery { secret: None, ..forged("no signature", &cause::UNSIGNED) },
        Forgery {
            secret: Some(Bytes::from_static(b"another secret of the kit")),
            ..forged("a signature of another secret", &cause::UNSIGNED)
        },
        Forgery { late: -FAR, ..forged("a signature of an hour ago", &cause::SIGNATURE_TIME) },
        Forgery { late: FAR, ..forged("a signature of an hour ahead", &cause::SIGNATURE_TIME) },
        Forgery { signed: other, ..forged("the signature of another body", &cause::SIGNATURE_OF_OTHER) },
        Forgery {
            sent: spaced,
            ..forged("a space more in its body than was signed", &cause::SIGNATURE_OF_OTHER)
        },
        Forgery { signed: elsewhere, ..forged("the signature of another path", &cause::SIGNATURE_OF_OTHER) },
    ]
}

/// The address of another operation; with another query where there is none.
fn elsewhere(stage: &Stage, post: &Post) -> hyper::Uri {
    let other = stage.addresses().find(|uri| uri.path_and_query() != post.uri.path_and_query());
    let asked = || {
        let mark = if post.uri.query().is_some() { '&' } else { '?' };
        format!("{}{mark}kit=1", post.uri).parse().ok()
    };
    other.cloned().or_else(asked).unwrap_or_default()
}

fn of_other_identity(stage: &Stage, secret: &Bytes, call: &Call) -> Vec<Forgery> {
    let post = stage.post(call);
    let forged = |what, (header, value): (&'static str, &str)| {
        let mut signed = post.clone();
        signed.put(header, HeaderValue::try_from(value).ok());
        let (secret, done) = (Some(secret.clone()), &cause::IDENTITY_UNSIGNED);
        Forgery { what, secret, late: 0, signed, sent: post.clone(), done }
    };
    let another = stage.operation(if call.part == Part::Undo { Part::First } else { Part::Undo });
    vec![
        forged("the signature of another transaction", (TRANSACTION, &stage.fresh().transaction)),
        forged("the signature of another branch", (BRANCH, "another")),
        forged("the signature of another operation", (OPERATION, another)),
    ]
}
