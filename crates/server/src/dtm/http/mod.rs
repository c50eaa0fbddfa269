//! DTM's HTTP API: the paths under `/api`, what each reads and how it is answered.
//!
//! Who asks, how much at once and how large a body may be is judged before, as for every request.
//! Read `../verbs.rs` for what a verb does.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};
use transaction::{Refusal, Time};

use super::asked::{Asked, object, pattern, stripped, text};
use super::register::Registration;
use super::told::{Outcome, Told};
use super::verbs::{Verbs, phases};
use super::{gid, rpc, view};
use crate::http::{Admitted, status_of};

/// What DTM's server calls its own version: the protocol that is spoken here.
const VERSION: &str = concat!("v1.19.0-tercet-", env!("CARGO_PKG_VERSION"));
const API: &str = "/api/dtmsvr/";
/// Rows of one page.
const LIMIT: usize = 100;
const LIMIT_MOST: usize = 1_000;

/// An answer: a status and a JSON text, or the text of the meters.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

/// Whether a path is one of DTM's.
pub(crate) fn is_ours(path: &str) -> bool {
    path.starts_with("/api/")
}

/// Whether the request only asks whether anybody is there: then nobody must say who it is.
pub(crate) fn is_ping(path: &str) -> bool {
    path == "/api/ping"
}

/// The answer to a ping.
pub(crate) fn pong() -> Answer {
    json_answer(200, &json!({ "msg": "pong" }))
}

/// The answer to a request that was not let in, or whose body could not be read.
pub(crate) fn refused(refusal: Refusal) -> Answer {
    written(Err(Told::from(refusal)))
}

/// Answers a request that was let in; `body` is read as text with its depth checked.
pub(crate) async fn answer(admitted: Admitted, head: &Parts, body: &str) -> Answer {
    let path = head.uri.path();
    match path {
        "/api/metrics" => {
            let body = admitted.metrics().into_bytes();
            return Answer { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", body };
        }
        "/api/json-rpc" if head.method == Method::POST => {
            let (status, reply) = rpc::answer(&Verbs::of(admitted), body).await;
            return json_answer(status, &reply);
        }
        _ => {}
    }
    let Some(verb) = path.strip_prefix(API) else { return nowhere() };
    let request = Request { verbs: Verbs::of(admitted), query: Query::of(head), body };
    let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
    match (method.as_str(), verb) {
        ("GET", verb) => request.read(verb).await.unwrap_or_else(nowhere),
        ("POST", verb) => request.write(verb).await.unwrap_or_else(nowhere),
        ("DELETE", verb) => match verb.strip_prefix("topic/").map(decoded) {
            Some(name) => written(request.verbs.delete_topic(&name).await),
            None => nowhere(),
        },
        _ => nowhere(),
    }
}

struct Request<'a> {
    verbs: Verbs,
    query: Query,
    body: &'a str,
}

impl Request<'_> {
    /// Verbs that are asked for with GET; `None`: there is no such verb.
    async fn read(&self, verb: &str) -> Option<Answer> {
        let (verbs, query) = (&self.verbs, &self.query);
        Some(match verb {
            "newGid" => json_answer(200, &json!({ "dtm_result": "SUCCESS", "gid": gid::fresh() })),
            "version" => json_answer(200, &json!({ "version": VERSION })),
            "query" => shown(verbs.find(query.value("gid")).await.map(|known| view::query(known.as_deref()))),
            "all" => shown(self.all().await),
            "resetCronTime" => shown(self.reset_cron_time().await),
            "subscribe" => {
                let subscriber = (query.value("url"), query.value("remark"));
                written(verbs.subscribe(query.value("topic"), subscriber).await)
            }
            "unsubscribe" => written(verbs.unsubscribe(query.value("topic"), query.value("url")).await),
            "queryKV" => shown(verbs.query_kv(query.value("cat"), query.value("key")).await),
            "scanKV" => {
                let page = (query.value("position"), query.limit());
                shown(verbs.scan_kv(query.value("cat"), page).await)
            }
            _ => return None,
        })
    }

    /// Verbs that are asked for with POST; `None`: there is no such verb.
    async fn write(&self, verb: &str) -> Option<Answer> {
        Some(match verb {
            "prepare" | "submit" | "abort" => written(self.whole(verb).await),
            "registerBranch" | "registerTccBranch" | "registerXaBranch" => written(self.register().await),
            "prepareWorkflow" => shown(self.prepare_workflow().await),
            "forceStop" | "resetNextCronTime" => written(self.named(verb).await),
            _ => return None,
        })
    }

    async fn whole(&self, verb: &str) -> Outcome {
        let asked = Asked::read(&object(self.body)?)?.stripped();
        match verb {
            "prepare" => self.verbs.prepare(&asked).await,
            "submit" => self.verbs.submit(&asked).await,
            _ => self.verbs.abort(&asked).await,
        }
    }

    async fn register(&self) -> Outcome {
        self.verbs.register(&Registration::read(&object(self.body)?)?).await
    }

    async fn prepare_workflow(&self) -> Result<Value, Told> {
        let asked = Asked::read(&object(self.body)?)?.stripped();
        Ok(view::workflow(&*self.verbs.prepare_workflow(&asked).await?))
    }

    async fn named(&self, verb: &str) -> Outcome {
        let gid = stripped(&text(&object(self.body)?, "gid")?);
        if gid.is_empty() {
            return Err(Told::Fault("no gid specified".to_owned()));
        }
        match verb {
            "forceStop" => self.verbs.force_stop(&gid).await,
            _ => self.verbs.retry_now(&gid).await,
        }
    }

    async fn all(&self) -> Result<Value, Told> {
        let query = &self.query;
        if let Some(gid) = query.given("gid") {
            let known = self.verbs.find(gid).await?;
            let shown: Vec<_> = known.iter().map(|transaction| view::whole(transaction)).collect();
            return Ok(json!({ "transactions": shown, "next_position": "" }));
        }
        let mut filter = engine::Filter { limit: query.limit(), ..engine::Filter::default() };
        if let Some(named) = query.given("transType") {
            filter.pattern = Some(pattern(named)?);
        }
        if let Some(named) = query.given("status") {
            let unknown = || {
                Told::Fault(format!("there is no status '{}'", named.chars().take(64).collect::<String>()))
            };
            filter.any_of = phases(named).ok_or_else(unknown)?;
        }
        filter.created_after = query.time("createTimeStart")?;
        // DTM's end is part of the span.
        filter.created_before = query.time("createTimeEnd")?.map(|time| time.plus_ms(1));
        filter.cursor = query.given("position").map(str::to_owned);
        let page = self.verbs.list(filter).await?;
        let transactions: Vec<_> = page.items.iter().map(|transaction| view::whole(transaction)).collect();
        Ok(json!({ "transactions": transactions, "next_position": page.next.unwrap_or_default() }))
    }

    async fn reset_cron_time(&self) -> Result<Value, Told> {
        let timeout_ms = match self.query.given("timeout") {
            None => self.verbs.config().timeout_to_fail_ms.saturating_mul(3),
            Some(given) => {
                let seconds = given
                    .parse::<u64>()
                    .map_err(|_| Told::Fault("timeout must be a number of seconds".to_owned()))?;
                seconds.saturating_mul(1_000)
            }
        };
        let swept = self.verbs.sweep(timeout_ms, self.query.limit()).await?;
        Ok(json!({ "has_remaining": swept.has_remaining, "succeed_count": swept.succeed_count }))
    }
}

/// The parameters of a request, decoded; what is given twice counts as given first.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(head: &Parts) -> Query {
        let raw = head.uri.query().unwrap_or_default();
        Query(
            url::form_urlencoded::parse(raw.as_bytes())
                .take(64)
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }

    fn given(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        found.filter(|value| !value.is_empty())
    }

    fn value(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    fn limit(&self) -> usize {
        self.value("limit")
            .parse()
            .ok()
            .filter(|limit| *limit > 0)
            .map_or(LIMIT, |limit: usize| limit.min(LIMIT_MOST))
    }

    /// A time in milliseconds since 1970.
    fn time(&self, name: &str) -> Result<Option<Time>, Told> {
        let Some(given) = self.given(name) else { return Ok(None) };
        let micros = given.parse::<i64>().ok().and_then(|ms| ms.checked_mul(1_000));
        match micros {
            Some(micros) => Ok(Some(Time(micros))),
            None => Err(Told::Fault(format!("{name} must be a time in milliseconds since 1970"))),
        }
    }
}

fn decoded(raw: &str) -> String {
    percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

fn nowhere() -> Answer {
    json_answer(404, &json!({ "message": "nothing is served under this path and method" }))
}

fn shown(outcome: Result<Value, Told>) -> Answer {
    match outcome {
        Ok(value) => json_answer(200, &value),
        Err(told) => written(Err(told)),
    }
}

/// DTM's statuses and bodies.
fn written(outcome: Outcome) -> Answer {
    match outcome {
        Ok(()) => Answer { status: 200, content_type: JSON, body: br#"{"dtm_result":"SUCCESS"}"#.to_vec() },
        Err(Told::Failure(message)) => {
            json_answer(409, &json!({ "dtm_result": "FAILURE", "message": message }))
        }
        Err(Told::Ongoing(message)) => {
            json_answer(425, &json!({ "dtm_result": "ONGOING", "message": message }))
        }
        Err(Told::Fault(message)) => json_answer(500, &json!({ "message": message })),
        Err(Told::Busy(message)) => json_answer(503, &json!({ "message": message })),
        Err(Told::Denied(refusal)) => {
            json_answer(status_of(refusal.kind).as_u16(), &json!({ "message": refusal.to_string() }))
        }
    }
}

const JSON: &str = "application/json";

fn json_answer(status: u16, value: &Value) -> Answer {
    Answer { status, content_type: JSON, body: value.to_string().into_bytes() }
}
