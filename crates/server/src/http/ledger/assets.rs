//! `POST /v1/assets`, `GET /v1/assets` and `GET /v1/assets/{code}`.

use engine::Question;
use ledger::Batch;
use ledger::refusal::ASSET_UNKNOWN;
use transaction::Refusal;

use super::super::answer::Answer;
use super::super::problem::ProblemView;
use super::super::wire::ledger::{AssetBody, AssetListView, AssetObject, DeclaredView, cursor, listed};
use super::super::{Asked, parse, query};
use super::{ask, found, shown, single, text};

/// Declares an asset: a currency, points, a SKU.
///
/// The same again is answered with `Idempotent-Replayed: true`; another scale is refused.
#[utoipa::path(
    post, path = "/v1/assets", tag = "ledger", request_body = AssetBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, raw or in double quotes")),
    responses(
        (status = 200, description = "Declared", body = DeclaredView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "Known with another scale (`asset_mismatch`)", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn declare_asset(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let body: AssetBody<'_> = parse::object(text(asked)?)?;
    let asset = body.asset()?;
    let mut batch = Batch::with_capacity(1, 64);
    batch.push(&ledger::Command::Asset(asset));
    let single = single(asked, batch).await?;
    let view = DeclaredView { code: asset.code, scale: asset.scale, outcome: single.outcome.done.name() };
    Ok(Answer { novelty: single.novelty, ..shown(&view, single.sequence) })
}

/// All assets, in the order of declaration.
#[utoipa::path(
    get, path = "/v1/assets", tag = "ledger",
    params(
        ("limit" = Option<u64>, Query, description = "At most so many; 100 unless given, at most 1000"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "One page", body = AssetListView),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn list_assets(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    let part = listed(asked.head, &[])?;
    let seen = ask(asked, Question::Assets).await?;
    let assets = found!(seen.value, Assets);
    let known = assets.iter().position(|asset| *asset.code == *part.after);
    let rest = &assets[known.map_or(0, |index| index + 1)..];
    let page = &rest[..rest.len().min(part.limit)];
    let next = page.last().filter(|_| rest.len() > page.len()).map(|last| cursor(&last.code));
    Ok(shown(&AssetListView::of(page, next), seen.sequence))
}

/// An asset.
#[utoipa::path(
    get, path = "/v1/assets/{code}", tag = "ledger",
    params(("code" = String, Path, description = "The asset's code, percent-encoded")),
    responses(
        (status = 200, description = "The asset", body = AssetObject),
        (status = 400, description = "Malformed", body = ProblemView, content_type = "application/problem+json"),
        (status = 404, description = "No such asset", body = ProblemView, content_type = "application/problem+json"),
        (status = 503, description = "Overloaded, or not ready", body = ProblemView, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn read_asset(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    let code = asked.found.id();
    let seen = ask(asked, Question::Assets).await?;
    let assets = found!(seen.value, Assets);
    match assets.iter().find(|asset| asset.code == code) {
        Some(asset) => Ok(shown(&AssetObject::of(asset), seen.sequence)),
        None => Err(ASSET_UNKNOWN.because(format!("no asset has the code {code}"))),
    }
}
