//! `POST /v1/machines` and `GET /v1/machines/{name}`.

use std::sync::Arc;

use engine::Question;
use ledger::{Batch, Cause, Command, Declare, MachineView};
use transaction::refusal::ID_INVALID;
use transaction::{Refusal, is_id};

use super::super::answer::Answer;
use super::super::parse::{shortened, step};
use super::super::problem::ProblemView;
use super::super::wire::MachineBody;
use super::super::wire::ledger::{MachineDeclaredView, MachineObject};
use super::super::{Asked, parse, query};
use super::{ask, ask_after, found, shown, single, text};
use crate::refusal::FIELD_INVALID;

/// Declares a machine, or its next version.
///
/// The same content again changes nothing and is answered with `Idempotent-Replayed: true`. Items go on living under
/// the version they were created under.
#[utoipa::path(
    post, path = "/v1/machines", tag = "ledger", request_body = MachineBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "Declared", body = MachineDeclaredView),
        (status = 400, description = "Malformed, or the machine contradicts itself (`machine_invalid`)", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn declare_machine(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: MachineBody = parse::object(text(asked)?)?;
    let machine = Box::new(body.into_machine()?);
    if !is_id(&machine.name) {
        return Err(ID_INVALID.at("/name", "not 1 to 128 characters of A-Z a-z 0-9 . _ : / -"));
    }
    let mut batch = Batch::with_capacity(1, 0);
    batch.push(&Command::Declare(Declare { machine: machine.clone(), cause: Cause::default() }));
    let single = single(asked, batch).await?;
    let (version, sequence) = version_of(asked, &machine).await?;
    let view = MachineDeclaredView { name: &machine.name, version, outcome: single.outcome.done.name() };
    Ok(Answer { novelty: single.novelty, ..shown(&view, sequence) })
}

/// The version whose content is that of `machine`: the newest, unless another has been declared meanwhile.
async fn version_of(asked: &Asked<'_>, machine: &ledger::Machine) -> Result<(u32, u64), Refusal> {
    let name: Arc<str> = Arc::from(&*machine.name);
    let mut wanted = None;
    loop {
        let seen = ask_after(asked, Question::Machine(Arc::clone(&name), wanted)).await?;
        let view: MachineView = found!(seen.value, Machine);
        if *view.machine == *machine || view.version <= 1 {
            return Ok((view.version, seen.sequence));
        }
        wanted = Some(view.version - 1);
    }
}

/// A machine: its newest version, or the one that is asked for, with its diagram in Mermaid.
#[utoipa::path(
    get, path = "/v1/machines/{name}", tag = "ledger",
    params(
        ("name" = String, Path, description = "The machine's name, percent-encoded"),
        ("version" = Option<u32>, Query, description = "Which version; the newest unless given"),
    ),
    responses(
        (status = 200, description = "The machine", body = MachineObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such machine", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn read_machine(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let mut version = None;
    for (name, value) in query::pairs(asked.head)? {
        if name != "version" {
            return Err(query::unknown(&name));
        }
        let wrong = || format!("`{}` is not a whole number", shortened(&value));
        version = Some(value.parse().map_err(|_| FIELD_INVALID.at(step(&name), wrong()))?);
    }
    let seen = ask(asked, Question::Machine(asked.found.id(), version)).await?;
    let view = found!(seen.value, Machine);
    Ok(shown(&MachineObject::of(&view), seen.sequence))
}
