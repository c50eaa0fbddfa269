//! What is measured of requests, and `/metrics` itself. Counting decides nothing.

use std::sync::OnceLock;
use std::time::Duration;

use engine::Bounds;
use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use transaction::{Refusal, RefusalKind};

use super::answer::Answer;
use super::router::Route;
use super::{Asked, Serving, query};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

/// The meters of the HTTP listener.
pub(super) struct HttpMeters {
    seconds: Family<RouteLabels, Histogram>,
    /// Each route's histograms by class of status, looked up once.
    found: [[OnceLock<Histogram>; CLASSES.len()]; Route::COUNT],
    refused: Family<CodeLabels, Counter>,
    pub(super) in_flight: Gauge,
    pub(super) connections: Gauge,
    pub(super) connections_refused: Counter,
    pub(super) connections_slow: Counter,
}

impl HttpMeters {
    /// Meters that are named in `registry`.
    pub(super) fn registered(registry: &mut Registry) -> HttpMeters {
        let meters = HttpMeters {
            seconds: Family::new_with_constructor(|| Histogram::new(Bounds::SECONDS)),
            found: std::array::from_fn(|_| Default::default()),
            refused: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            connections_slow: Counter::default(),
        };
        registry.register("http_request_seconds", "Time to answer a request", meters.seconds.clone());
        registry.register("http_refused", "Requests refused, by code", meters.refused.clone());
        registry.register("http_requests_in_flight", "Requests under way", meters.in_flight.clone());
        registry.register("http_connections", "Connections open", meters.connections.clone());
        let refused = meters.connections_refused.clone();
        registry.register("http_connections_refused", "Connections beyond the limit", refused);
        let slow = meters.connections_slow.clone();
        registry.register("http_connections_slow", "Connections closed because the peer was too slow", slow);
        meters
    }

    pub(super) fn answered(&self, route: Route, status: StatusCode, took: Duration) {
        let class = match status.as_u16() {
            ..400 => 0,
            400..500 => 1,
            500.. => 2,
        };
        let labels = || RouteLabels { route: route.name(), class: CLASSES[class] };
        let histogram =
            self.found[route as usize][class].get_or_init(|| self.seconds.get_or_create_owned(&labels()));
        histogram.observe(took.as_secs_f64());
    }

    pub(super) fn refused(&self, kind: &'static RefusalKind) {
        self.refused.get_or_create(&CodeLabels { code: kind.code }).inc();
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every meter, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Every meter, in Prometheus' text form", body = String, content_type = "application/openmetrics-text"),
))]
pub(super) fn scrape(asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
    query::none(asked.head)?;
    Ok(Answer { content_type: OPEN_METRICS, ..Answer::json(StatusCode::OK, text(asked.serving)) })
}

/// Every meter, in Prometheus' text form.
pub(super) fn text(serving: &Serving) -> String {
    let mut text = String::with_capacity(16 * 1024);
    encode(&mut text, &serving.registry).expect("writing to memory does not fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_measured_by_verb_and_class() {
        let mut registry = Registry::default();
        let meters = HttpMeters::registered(registry.sub_registry_with_prefix("tercet"));
        meters.answered(Route::Begin, StatusCode::ACCEPTED, Duration::from_millis(3));
        meters.answered(Route::Begin, StatusCode::OK, Duration::from_millis(3));
        meters.answered(Route::Nowhere, StatusCode::NOT_FOUND, Duration::ZERO);
        meters.refused(&crate::refusal::PATH_UNKNOWN);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let lines = [
            r#"tercet_http_request_seconds_count{route="transaction_begin",class="2xx"} 2"#,
            r#"tercet_http_request_seconds_count{route="nowhere",class="4xx"} 1"#,
            r#"tercet_http_refused_total{code="path_unknown"} 1"#,
            "tercet_http_requests_in_flight 0",
        ];
        for line in lines {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
