//! `POST /v1/items`, and the verbs on one item.

use engine::Question;
use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::ledger::{
    Gathered, HistoryView, ItemObject, ItemsBody, MoveBody, ResultsView, history_query,
};
use super::super::{Asked, parse, query};
use super::{ask, ask_after, batch, found, shown, single, text};

/// Creates items in the initial state of their machine's newest version, decided one after another.
#[utoipa::path(
    post, path = "/v1/items", tag = "ledger", request_body = ItemsBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "A result for each item, in order", body = ResultsView),
        (status = 400, description = "Malformed: nothing was kept", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn create_items(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: ItemsBody<'_> = parse::object(text(asked)?)?;
    batch(asked, body.gathered()?).await
}

/// An item as it stands, final ones too.
#[utoipa::path(
    get, path = "/v1/items/{id}", tag = "ledger",
    params(("id" = String, Path, description = "The item's id, percent-encoded")),
    responses(
        (status = 200, description = "The item", body = ItemObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such item", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn read_item(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let seen = ask(asked, Question::Item(asked.found.id())).await?;
    let item = found!(seen.value, Item);
    Ok(shown(&ItemObject::of(&item), seen.sequence))
}

/// What became of an item, oldest first.
#[utoipa::path(
    get, path = "/v1/items/{id}/history", tag = "ledger",
    params(
        ("id" = String, Path, description = "The item's id, percent-encoded"),
        ("limit" = Option<u64>, Query, description = "At most so many; 100 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = HistoryView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such item", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn item_history(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let query = history_query(asked.head, asked.found.id())?;
    let seen = ask(asked, Question::ItemHistory(query)).await?;
    let page = found!(seen.value, History);
    Ok(shown(&HistoryView::of(&page), seen.sequence))
}

/// Moves an item by a declared move.
#[utoipa::path(
    post, path = "/v1/items/{id}/moves", tag = "ledger", request_body = MoveBody,
    params(
        ("id" = String, Path, description = "The item's id, percent-encoded"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes"),
    ),
    responses(
        (status = 200, description = "The item as it stands", body = ItemObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such item", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "Not declared from here, a guard says no, or a transaction holds it", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The id or key is known with other content", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn move_item(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: MoveBody<'_> = parse::object(text(asked)?)?;
    let id = asked.found.id();
    let mut gathered = Gathered::default();
    body.add((&id, None), &mut gathered)?;
    let single = single(asked, gathered.batch).await?;
    let seen = ask_after(asked, Question::Item(id)).await?;
    let item = found!(seen.value, Item);
    Ok(Answer { novelty: single.novelty, ..shown(&ItemObject::of(&item), seen.sequence) })
}
