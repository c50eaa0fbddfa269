//! The native HTTP API: what happens to one request, from its head to its answer.
//!
//! Route, know the caller, take a place, read the body, hand it to the verb, write the answer or the refusal, measure,
//! log. Translation only: every judgement about transactions is the engine's.
//! Read `router.rs` (the table of routes), then `transactions/begin.rs` (one verb as an example).

mod accept;
mod admitted;
mod answer;
mod auth;
mod body;
mod bridge;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod health;
mod idempotency;
mod ledger;
mod limits;
mod log;
mod metrics;
mod openapi;
mod parse;
mod patience;
mod problem;
mod query;
mod rate;
mod resources;
mod router;
mod time;
mod trace;
mod transactions;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use engine::Engine;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use hyper::body::Incoming;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use transaction::{Limits, Refusal};

use crate::call::Cidr;
use crate::dtm::{self, DtmConfig};
use crate::listen::{Config, Running, TargetJudge};
use crate::resource::Resources;

pub(crate) use accept::{accept, serve};
pub(crate) use admitted::Admitted;
pub use auth::Token;
#[cfg(feature = "resources")]
pub(crate) use bridge::ask;
pub use limits::HttpLimits;
pub use openapi::document as openapi_document;
pub(crate) use parse::shortened;
#[cfg(feature = "resources")]
pub(crate) use parse::step as pointer_step;
pub(crate) use patience::{Doing, Patient};
pub(crate) use problem::status_of;
pub(crate) use time::Stamp;
pub use wire::{MOST_BRANCHES, MachineBody};

use answer::{Answer, Response};
use auth::Door;
use limits::Load;
use metrics::HttpMeters;
use problem::Problem;
use router::{Found, Route};
use trace::Subject;
pub(crate) use wire::Judge;

/// Everything that requests share.
pub(crate) struct Serving {
    engine: Engine,
    registry: Registry,
    door: Door,
    limits: HttpLimits,
    load: Load,
    meters: HttpMeters,
    transaction: Limits,
    targets: Option<TargetJudge>,
    resources: Resources,
    dtm: DtmConfig,
    dtm_allow: Vec<Cidr>,
    stopping: watch::Receiver<Running>,
}

impl Serving {
    pub(crate) fn new(
        config: Config,
        engine: Engine,
        mut registry: Registry,
        stopping: watch::Receiver<Running>,
    ) -> Arc<Serving> {
        let named = registry.sub_registry_with_prefix("tercet");
        engine.meters().register(named);
        config.resources.register(named);
        let meters = HttpMeters::registered(named);
        Arc::new(Serving {
            door: Door::new(&config.tokens),
            load: Load::new(&config.limits),
            limits: config.limits,
            transaction: config.transaction,
            targets: config.targets,
            resources: config.resources,
            dtm: config.dtm,
            dtm_allow: config.dtm_allow,
            engine,
            registry,
            meters,
            stopping,
        })
    }

    /// What a branch is judged by.
    fn judge(&self) -> Judge<'_> {
        Judge { targets: self.targets.as_ref(), resources: Some(&self.resources) }
    }

    /// Answers one request; never fails, whatever it holds.
    async fn respond(self: &Arc<Self>, from: IpAddr, request: http::Request<Incoming>) -> Response {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        if dtm::http::is_ours(head.uri.path()) {
            let response = self.respond_dtm(from, &head, body).await;
            let (status, took) = (response.status(), began.elapsed());
            self.meters.answered(Route::Dtm, status, took);
            log::answered(Route::Dtm, &Subject::of(&head.headers), (status, took));
            return response;
        }
        let mut subject = Subject::of(&head.headers);
        let mut route = Route::Nowhere;
        let outcome = match router::find(&head.method, head.uri.path()) {
            Ok(found) => {
                route = found.route;
                self.admitted(Arrived { from, head: &head, body, found }, &mut subject).await
            }
            Err(problem) => Err(problem),
        };
        let response = match outcome {
            Ok(answer) => answer.into_response(),
            Err(problem) => {
                self.meters.refused(problem.refusal.kind);
                log::refused(route, &subject, &problem.refusal);
                problem.into_response_after(subject.sequence)
            }
        };
        let took = began.elapsed();
        self.meters.answered(route, response.status(), took);
        log::answered(route, &subject, (response.status(), took));
        response
    }

    /// Answers a request in DTM's protocol: the same door and the same limits, its own words.
    async fn respond_dtm(
        self: &Arc<Self>,
        from: IpAddr,
        head: &http::request::Parts,
        body: Incoming,
    ) -> Response {
        let answer = match self.answer_dtm(from, head, body).await {
            Ok(answer) => answer,
            Err(refusal) => {
                self.meters.refused(refusal.kind);
                dtm::http::refused(refusal)
            }
        };
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            Answer { content_type: answer.content_type, ..Answer::json(status, answer.body) }.into_response();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    async fn answer_dtm(
        self: &Arc<Self>,
        from: IpAddr,
        head: &http::request::Parts,
        body: Incoming,
    ) -> Result<dtm::http::Answer, Refusal> {
        if dtm::http::is_ping(head.uri.path()) {
            return Ok(dtm::http::pong());
        }
        let admitted = self.admit_dtm(from, &head.headers)?;
        admitted.pace()?;
        let _place = self.load.place(&self.meters)?;
        let read = body::read(body, (&self.limits, self.limits.body_bytes), &self.load).await?;
        let text = body::text(&read.bytes, self.limits.json_depth)?;
        Ok(dtm::http::answer(admitted, head, text).await)
    }

    /// Knows the caller, takes a place, reads the body, and has the verb answer.
    async fn admitted(&self, arrived: Arrived<'_>, subject: &mut Subject) -> Result<Answer, Problem> {
        let Arrived { from, head, body, found } = arrived;
        if found.route.is_health() {
            let mut asked = Asked { serving: self, head, found, body: &[], subject };
            return router::answer(&mut asked).await.map_err(Problem::from);
        }
        let caller = self.door.let_in(from, &head.headers)?;
        self.load.pace(&caller)?;
        let _place = self.load.place(&self.meters)?;
        let most = if found.route.is_batch() { self.limits.batch_bytes } else { self.limits.body_bytes };
        let read = body::read(body, (&self.limits, most), &self.load).await?;
        let mut asked = Asked { serving: self, head, found, body: &read.bytes, subject };
        router::answer(&mut asked).await.map_err(Problem::from)
    }
}

/// A request whose route is known and whose body is still to come.
struct Arrived<'a> {
    from: IpAddr,
    head: &'a http::request::Parts,
    body: Incoming,
    found: Found,
}

/// A request as the verbs see it.
struct Asked<'a> {
    serving: &'a Serving,
    head: &'a http::request::Parts,
    found: Found,
    body: &'a [u8],
    subject: &'a mut Subject,
}
