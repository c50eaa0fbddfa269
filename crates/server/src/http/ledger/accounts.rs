//! `POST /v1/accounts`, `GET /v1/accounts`, and the verbs on one account.

use engine::Question;
use transaction::{Refusal, Time};

use super::super::answer::Answer;
use super::super::parse::{shortened, step};
use super::super::problem::ProblemView;
use super::super::wire::ledger::{
    AccountListView, AccountObject, AccountThenObject, AccountsBody, AdjustBody, Gathered, ResultsView,
    StatementView, cursor, listed, statement_query,
};
use super::super::{Asked, parse, query, time};
use super::{ask, ask_after, batch, found, shown, single, text};
use crate::refusal::FIELD_INVALID;

/// Opens accounts, decided one after another.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "ledger", request_body = AccountsBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "A result for each account, in order", body = ResultsView),
        (status = 400, description = "Malformed: nothing was kept", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn open_accounts(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: AccountsBody<'_> = parse::object(text(asked)?)?;
    batch(asked, body.gathered()?).await
}

/// Accounts, in the order of opening.
#[utoipa::path(
    get, path = "/v1/accounts", tag = "ledger",
    params(
        ("prefix" = Option<String>, Query, description = "Only those whose ids begin so"),
        ("limit" = Option<u64>, Query, description = "At most so many; 100 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = AccountListView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn list_accounts(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let part = listed(asked.head, &["prefix"])?;
    let seen = ask(asked, Question::Accounts(part.prefix, part.after, part.limit)).await?;
    let (accounts, next) = found!(seen.value, Accounts);
    let next = next.map(|last| cursor(&last));
    Ok(shown(&AccountListView::of(&accounts, next), seen.sequence))
}

/// An account as it stands, or as it stood.
#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "ledger",
    params(
        ("id" = String, Path, description = "The account's id, percent-encoded"),
        ("at" = Option<String>, Query, description = "As it stood at this time (RFC 3339): an `AccountThen`"),
    ),
    responses(
        (status = 200, description = "The account; with `at` an `AccountThen`", body = AccountObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn read_account(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let at = past(asked)?;
    let seen = ask(asked, Question::Account(asked.found.id(), at)).await?;
    Ok(match at {
        None => {
            let account = found!(seen.value, Account);
            shown(&AccountObject::of(&account), seen.sequence)
        }
        Some(at) => {
            let account = found!(seen.value, Then);
            shown(&AccountThenObject::of(&account, at), seen.sequence)
        }
    })
}

/// The time of the past that a read asks for.
fn past(asked: &Asked<'_>) -> Result<Option<Time>, Refusal> {
    let mut at = None;
    for (name, value) in query::pairs(asked.head)? {
        if name != "at" {
            return Err(query::unknown(&name));
        }
        let wrong = || format!("`{}` is not a time in RFC 3339, percent-encoded", shortened(&value));
        at = Some(time::read(&value).ok_or_else(|| FIELD_INVALID.at(step(&name), wrong()))?);
    }
    Ok(at)
}

/// Changes an account's floor, ceiling or standing; what is left out stays.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/adjust", tag = "ledger", request_body = AdjustBody,
    params(
        ("id" = String, Path, description = "The account's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "The account as it stands", body = AccountObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "It conflicts with what is in it", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The id or key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn adjust_account(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: AdjustBody<'_> = parse::object(text(asked)?)?;
    let id = asked.found.id();
    let mut gathered = Gathered::default();
    body.add(&id, &mut gathered)?;
    let single = single(asked, gathered.batch).await?;
    let seen = ask_after(asked, Question::Account(id, None)).await?;
    let account = found!(seen.value, Account);
    Ok(Answer { novelty: single.novelty, ..shown(&AccountObject::of(&account), seen.sequence) })
}

/// An account's journal.
#[utoipa::path(
    get, path = "/v1/accounts/{id}/entries", tag = "ledger",
    params(
        ("id" = String, Path, description = "The account's id, percent-encoded"),
        ("order" = Option<String>, Query, description = "`oldest` (unless given) or `newest` first"),
        ("from" = Option<String>, Query, description = "Only at or after this time (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Only before this time (RFC 3339)"),
        ("transaction" = Option<String>, Query, description = "Only what this transaction caused"),
        ("operator" = Option<String>, Query, description = "Only what this operator caused"),
        ("limit" = Option<u64>, Query, description = "At most so many; 100 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = StatementView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such account", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn account_entries(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let query = statement_query(asked.head, asked.found.id())?;
    let seen = ask(asked, Question::Statement(query)).await?;
    let page = found!(seen.value, Statement);
    Ok(shown(&StatementView::of(&page), seen.sequence))
}
