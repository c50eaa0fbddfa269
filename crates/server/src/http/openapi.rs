//! The OpenAPI document, made from the code: the verbs' own descriptions and the wire types.

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use transaction::Refusal;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::answer::Answer;
use super::wire::ledger::AccountThenObject;
use super::{Asked, health, ledger, metrics, query, resources, transactions};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tercet", description = "The native HTTP API of the Tercet transaction coordinator."),
    paths(
        transactions::begin,
        transactions::signal,
        transactions::read,
        transactions::confirm,
        transactions::cancel,
        transactions::register,
        transactions::retry,
        transactions::progress,
        transactions::stop,
        transactions::timeline,
        transactions::list,
        ledger::declare_asset,
        ledger::list_assets,
        ledger::read_asset,
        ledger::open_accounts,
        ledger::list_accounts,
        ledger::read_account,
        ledger::adjust_account,
        ledger::account_entries,
        ledger::post_entries,
        ledger::place_holds,
        ledger::capture_hold,
        ledger::release_hold,
        ledger::reopen_hold,
        ledger::read_hold,
        ledger::hold_history,
        ledger::declare_machine,
        ledger::read_machine,
        ledger::create_items,
        ledger::read_item,
        ledger::move_item,
        ledger::item_history,
        ledger::apply_batch,
        resources::read,
        resources::rebuild,
        health::alive,
        health::ready,
        metrics::scrape,
        serve,
    ),
    components(schemas(AccountThenObject)),
    modifiers(&Bearer),
    security((), ("token" = [])),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = Document::openapi().to_pretty_json().expect("a document has string keys only");
    Bytes::from(text)
});

/// The OpenAPI document of the native API, as JSON text.
#[must_use]
pub fn document() -> &'static str {
    std::str::from_utf8(&DOCUMENT).expect("JSON text is UTF-8")
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "health", responses(
    (status = 200, description = "The OpenAPI document", content_type = "application/json"),
))]
pub(super) fn serve(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    Ok(Answer::json(StatusCode::OK, DOCUMENT.clone()))
}

#[cfg(test)]
mod tests;
