//! Which verb a request means: one table of methods and paths. The OpenAPI document is held against it by a test.
//!
//! Matches the raw path, so that `%2F` stays inside its id, and decodes and checks the ids.

use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;
use transaction::refusal::ID_INVALID;
use transaction::{Refusal, is_foreign_id, is_id};

use super::answer::Answer;
use super::problem::Problem;
use super::wire::ledger::is_hold_id;
use super::{Asked, health, ledger, metrics, openapi, resources, transactions};
use crate::refusal::{METHOD_NOT_ALLOWED, PATH_UNKNOWN};

/// A verb of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Begin,
    PostEntries,
    PlaceHolds,
    ApplyBatch,
    CaptureHold,
    ReleaseHold,
    Signal,
    Read,
    Confirm,
    Cancel,
    Register,
    Retry,
    Progress,
    Stop,
    Timeline,
    List,
    ReopenHold,
    ReadHold,
    HoldHistory,
    DeclareAsset,
    ListAssets,
    ReadAsset,
    OpenAccounts,
    ListAccounts,
    ReadAccount,
    AdjustAccount,
    AccountEntries,
    DeclareMachine,
    ReadMachine,
    CreateItems,
    ReadItem,
    MoveItem,
    ItemHistory,
    ReadResource,
    RebuildResource,
    Alive,
    Ready,
    Metrics,
    OpenApi,
    /// Any path of DTM's protocol, which has rows of its own (`dtm/http`).
    Dtm,
    /// No such path.
    Nowhere,
}

/// One row of the table.
pub(super) struct Row {
    pub(super) route: Route,
    /// The verb's stable name, in metrics, logs and the scope of idempotency keys.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
}

const fn row(route: Route, name: &'static str, method: Method, path: &'static str) -> Row {
    Row { route, name, method, path }
}

/// How the paths of the verbs on one transaction begin.
const TRANSACTIONS: &str = "/v1/transactions/{id}";

/// Every route, in the order of [`Route`]; the busiest first.
pub(super) static ROUTES: [Row; Route::COUNT - 2] = [
    row(Route::Begin, "transaction_begin", Method::POST, "/v1/transactions"),
    row(Route::PostEntries, "entries_post", Method::POST, "/v1/entries"),
    row(Route::PlaceHolds, "holds_place", Method::POST, "/v1/holds"),
    row(Route::ApplyBatch, "batch_apply", Method::POST, "/v1/batches"),
    row(Route::CaptureHold, "hold_capture", Method::POST, "/v1/holds/{id}/capture"),
    row(Route::ReleaseHold, "hold_release", Method::POST, "/v1/holds/{id}/release"),
    row(Route::Signal, "branch_signal", Method::POST, "/v1/transactions/{id}/branches/{branch}/signal"),
    row(Route::Read, "transaction_read", Method::GET, "/v1/transactions/{id}"),
    row(Route::Confirm, "transaction_confirm", Method::POST, "/v1/transactions/{id}/confirm"),
    row(Route::Cancel, "transaction_cancel", Method::POST, "/v1/transactions/{id}/cancel"),
    row(Route::Register, "branch_register", Method::POST, "/v1/transactions/{id}/branches"),
    row(Route::Retry, "transaction_retry", Method::POST, "/v1/transactions/{id}/retry"),
    row(Route::Progress, "workflow_progress", Method::POST, "/v1/transactions/{id}/progress"),
    row(Route::Stop, "transaction_stop", Method::POST, "/v1/transactions/{id}/stop"),
    row(Route::Timeline, "transaction_timeline", Method::GET, "/v1/transactions/{id}/timeline"),
    row(Route::List, "transaction_list", Method::GET, "/v1/transactions"),
    row(Route::ReopenHold, "hold_reopen", Method::POST, "/v1/holds/{id}/reopen"),
    row(Route::ReadHold, "hold_read", Method::GET, "/v1/holds/{id}"),
    row(Route::HoldHistory, "hold_history", Method::GET, "/v1/holds/{id}/history"),
    row(Route::DeclareAsset, "asset_declare", Method::POST, "/v1/assets"),
    row(Route::ListAssets, "asset_list", Method::GET, "/v1/assets"),
    row(Route::ReadAsset, "asset_read", Method::GET, "/v1/assets/{code}"),
    row(Route::OpenAccounts, "accounts_open", Method::POST, "/v1/accounts"),
    row(Route::ListAccounts, "account_list", Method::GET, "/v1/accounts"),
    row(Route::ReadAccount, "account_read", Method::GET, "/v1/accounts/{id}"),
    row(Route::AdjustAccount, "account_adjust", Method::POST, "/v1/accounts/{id}/adjust"),
    row(Route::AccountEntries, "account_entries", Method::GET, "/v1/accounts/{id}/entries"),
    row(Route::DeclareMachine, "machine_declare", Method::POST, "/v1/machines"),
    row(Route::ReadMachine, "machine_read", Method::GET, "/v1/machines/{name}"),
    row(Route::CreateItems, "items_create", Method::POST, "/v1/items"),
    row(Route::ReadItem, "item_read", Method::GET, "/v1/items/{id}"),
    row(Route::MoveItem, "item_move", Method::POST, "/v1/items/{id}/moves"),
    row(Route::ItemHistory, "item_history", Method::GET, "/v1/items/{id}/history"),
    row(Route::ReadResource, "resource_read", Method::GET, "/v1/resources/{name}"),
    row(Route::RebuildResource, "resource_rebuild", Method::POST, "/v1/resources/{name}/rebuild"),
    row(Route::Alive, "alive", Method::GET, "/healthz"),
    row(Route::Ready, "ready", Method::GET, "/readyz"),
    row(Route::Metrics, "metrics", Method::GET, "/metrics"),
    row(Route::OpenApi, "openapi", Method::GET, "/v1/openapi.json"),
];

impl Route {
    /// Every route, the one to nowhere included.
    pub(super) const COUNT: usize = Route::Nowhere as usize + 1;

    /// The stable name in metrics and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Route::Dtm => "dtm",
            named => ROUTES.get(named as usize).map_or("nowhere", |row| row.name),
        }
    }

    /// Whether it only asks after the server's health: then nobody must say who it is, and no place is taken.
    pub(super) fn is_health(self) -> bool {
        matches!(self, Route::Alive | Route::Ready)
    }

    /// Whether its body is a batch of the ledger, which may be larger than other bodies.
    pub(super) fn is_batch(self) -> bool {
        matches!(
            self,
            Route::PostEntries
                | Route::PlaceHolds
                | Route::ApplyBatch
                | Route::OpenAccounts
                | Route::CreateItems
        )
    }

    /// Whether the id in its path is a hold's, which a branch may have made longer than ids are.
    fn is_about_a_hold(self) -> bool {
        matches!(
            self,
            Route::CaptureHold
                | Route::ReleaseHold
                | Route::ReopenHold
                | Route::ReadHold
                | Route::HoldHistory
        )
    }
}

/// A route with the ids of its path.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) route: Route,
    ids: [Option<Arc<str>>; 2],
}

impl Found {
    /// The id of the one thing that the path names: a transaction, an account, a hold, an item, a machine, an asset, a
    /// resource.
    pub(super) fn id(&self) -> Arc<str> {
        self.ids[0].clone().expect("a verb on one thing has its id in the path")
    }

    /// The id of the branch that the path names.
    pub(super) fn branch(&self) -> Arc<str> {
        self.ids[1].clone().expect("a verb on a branch has its id in the path")
    }
}

/// Finds the verb that a method and a raw path mean.
pub(super) fn find(method: &Method, path: &str) -> Result<Found, Problem> {
    // Whoever may GET may also HEAD; the connection leaves the body out.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut is_known = false;
    for row in &ROUTES {
        let Some(raw) = matched(row.path, path) else { continue };
        is_known = true;
        if row.method == *method {
            let [first, second] = raw;
            let allowed = match row.route {
                route if route.is_about_a_hold() => is_hold_id,
                // It may have been begun in another protocol, whose ids are wider.
                _ if row.path.starts_with(TRANSACTIONS) => is_foreign_id,
                _ => is_id,
            };
            return Ok(Found {
                route: row.route,
                ids: [id("/id", first, allowed)?, id("/branch", second, allowed)?],
            });
        }
    }
    if !is_known {
        return Err(PATH_UNKNOWN.because("nothing is served under this path").into());
    }
    let methods =
        ROUTES.iter().filter(|row| matched(row.path, path).is_some()).map(|row| row.method.as_str());
    let allow = methods.collect::<Vec<_>>().join(", ");
    Err(Problem {
        allow: Some(allow),
        ..METHOD_NOT_ALLOWED.because(format!("{method} is not known here")).into()
    })
}

/// The raw ids, when `path` has the form of `pattern`.
fn matched<'p>(pattern: &str, path: &'p str) -> Option<[Option<&'p str>; 2]> {
    let mut raw = [None; 2];
    let mut next = 0;
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let piece = given.next()?;
        if wanted.starts_with('{') {
            raw[next] = Some(piece);
            next += 1;
        } else if wanted != piece {
            return None;
        }
    }
    given.next().is_none().then_some(raw)
}

fn id(at: &str, raw: Option<&str>, allowed: fn(&str) -> bool) -> Result<Option<Arc<str>>, Refusal> {
    let Some(raw) = raw else { return Ok(None) };
    let decoded = percent_decode_str(raw).decode_utf8().ok().filter(|id| allowed(id));
    match decoded {
        Some(id) => Ok(Some(Arc::from(&*id))),
        None => Err(ID_INVALID.at(at, "the id in the path is empty, too long, or holds another character")),
    }
}

/// Has the verb answer.
pub(super) async fn answer(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    match asked.found.route {
        Route::Begin => transactions::begin(asked).await,
        Route::Signal => transactions::signal(asked).await,
        Route::PostEntries => ledger::post_entries(asked).await,
        Route::PlaceHolds => ledger::place_holds(asked).await,
        Route::ApplyBatch => ledger::apply_batch(asked).await,
        Route::CaptureHold => ledger::capture_hold(asked).await,
        Route::ReleaseHold => ledger::release_hold(asked).await,
        Route::ReopenHold => ledger::reopen_hold(asked).await,
        Route::ReadHold => ledger::read_hold(asked).await,
        Route::HoldHistory => ledger::hold_history(asked).await,
        Route::DeclareAsset => ledger::declare_asset(asked).await,
        Route::ListAssets => ledger::list_assets(asked).await,
        Route::ReadAsset => ledger::read_asset(asked).await,
        Route::OpenAccounts => ledger::open_accounts(asked).await,
        Route::ListAccounts => ledger::list_accounts(asked).await,
        Route::ReadAccount => ledger::read_account(asked).await,
        Route::AdjustAccount => ledger::adjust_account(asked).await,
        Route::AccountEntries => ledger::account_entries(asked).await,
        Route::DeclareMachine => ledger::declare_machine(asked).await,
        Route::ReadMachine => ledger::read_machine(asked).await,
        Route::CreateItems => ledger::create_items(asked).await,
        Route::ReadItem => ledger::read_item(asked).await,
        Route::MoveItem => ledger::move_item(asked).await,
        Route::ItemHistory => ledger::item_history(asked).await,
        Route::Read => transactions::read(asked).await,
        Route::Confirm => transactions::confirm(asked).await,
        Route::Cancel => transactions::cancel(asked).await,
        Route::Register => transactions::register(asked).await,
        Route::Retry => transactions::retry(asked).await,
        Route::Progress => transactions::progress(asked).await,
        Route::Stop => transactions::stop(asked).await,
        Route::Timeline => transactions::timeline(asked).await,
        Route::List => transactions::list(asked).await,
        Route::ReadResource => resources::read(asked),
        Route::RebuildResource => resources::rebuild(asked).await,
        Route::Alive => health::alive(asked),
        Route::Ready => health::ready(asked),
        Route::Metrics => metrics::scrape(asked),
        Route::OpenApi => openapi::serve(asked),
        Route::Dtm | Route::Nowhere => Err(PATH_UNKNOWN.because("nothing is served under this path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_verbs() {
        for (index, row) in ROUTES.iter().enumerate() {
            assert_eq!(row.route as usize, index, "{}", row.name);
        }
        assert_eq!(Route::Dtm as usize, ROUTES.len());
    }

    #[test]
    fn paths_lead_to_their_verb_with_decoded_ids() {
        let cases: [(&str, &str, Route, &[&str]); 9] = [
            ("POST", "/v1/transactions", Route::Begin, &[]),
            ("GET", "/v1/transactions", Route::List, &[]),
            ("HEAD", "/healthz", Route::Alive, &[]),
            ("GET", "/v1/transactions/order-1001", Route::Read, &["order-1001"]),
            ("GET", "/v1/transactions/shop%2Forder%3A1", Route::Read, &["shop/order:1"]),
            ("GET", "/v1/transactions/shop:1", Route::Read, &["shop:1"]),
            ("GET", "/v1/transactions/confirm/timeline", Route::Timeline, &["confirm"]),
            ("POST", "/v1/transactions/a%2fb/confirm", Route::Confirm, &["a/b"]),
            ("POST", "/v1/transactions/a%2Fb/branches/c%2Fd/signal", Route::Signal, &["a/b", "c/d"]),
        ];
        for (method, path, route, ids) in cases {
            let found = find(&method.parse().unwrap(), path).unwrap_or_else(|_| panic!("{method} {path}"));
            assert_eq!(found.route, route, "{method} {path}");
            let seen: Vec<&str> = found.ids.iter().flatten().map(|id| &**id).collect();
            assert_eq!(seen, ids, "{method} {path}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let long = format!("/v1/transactions/{}", "a".repeat(129));
        let cases = [
            ("GET", "/", "path_unknown"),
            ("GET", "/v1/transactions/a/b", "path_unknown"),
            ("GET", "/v1/transactions/a/branches/b/signal/c", "path_unknown"),
            ("GET", "/V1/transactions", "path_unknown"),
            ("GET", "/v1/transactions/", "id_invalid"),
            ("GET", "/v1/transactions/a%0Ab", "id_invalid"),
            ("GET", "/v1/accounts/a%20b", "id_invalid"),
            ("GET", "/v1/transactions/%ff", "id_invalid"),
            ("GET", "/v1/accounts/%", "id_invalid"),
            ("GET", "/v1/transactions/a%00", "id_invalid"),
            ("GET", &long, "id_invalid"),
            ("POST", "/v1/transactions/a/branches//signal", "id_invalid"),
            ("DELETE", "/v1/transactions/a", "method_not_allowed"),
            ("POST", "/healthz", "method_not_allowed"),
        ];
        for (method, path, code) in cases {
            let problem =
                find(&method.parse().unwrap(), path).err().unwrap_or_else(|| panic!("{path} was found"));
            assert_eq!(problem.refusal.kind.code, code, "{method} {path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let problem = find(&Method::PUT, "/v1/transactions").unwrap_err();
        assert_eq!(problem.allow.as_deref(), Some("POST, GET"));
    }
}
