//! From what a client of DTM asks to a transaction of ours: patterns, branches, terms, defaults.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use transaction::{
    BranchSpec, CheckSpec, Header, Kind, Mode, Order, Pattern, Protocol, RawSpec, Resume, Retry, Spec, Terms,
    Topic, Urls, is_header,
};
use url::Url;

use super::DtmConfig;
use super::asked::{Asked, object, text};
use super::told::Told;
use crate::http::Judge;

/// The longest back-off between two repeats, in milliseconds, where a client's own interval is not longer.
const BACK_OFF_MAX_MS: u64 = 60_000;
/// DTM raises its alert after so many repeats with doubled intervals.
const ATTENTION_AFTER: u32 = 3;
/// The longest spans that a transaction takes.
const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const YEAR_MS: u64 = 365 * DAY_MS;
const TOPIC: &str = "topic://";

/// What making a transaction of ours rests on.
pub(super) struct Making<'a> {
    pub(super) config: &'a DtmConfig,
    pub(super) judge: Judge<'a>,
    /// The topics that its steps name.
    pub(super) topics: &'a [Arc<Topic>],
}

/// The topics that a message's steps name.
pub(super) fn topics_of(asked: &Asked) -> impl Iterator<Item = &str> {
    asked.steps.iter().filter_map(|step| step.action.strip_prefix(TOPIC))
}

impl Making<'_> {
    /// The transaction. `mode` says whether the client runs the first phase itself.
    pub(super) fn spec(&self, asked: &Asked, mode: Mode) -> Result<Spec, Told> {
        if asked.gid.is_empty() {
            return Err(Told::Fault("no gid specified".to_owned()));
        }
        let pattern = asked.pattern()?;
        let custom = match pattern {
            Pattern::Saga | Pattern::Message | Pattern::Workflow => custom_data(asked)?,
            Pattern::Tcc | Pattern::Xa => Map::new(),
        };
        let (order, branches) = match pattern {
            Pattern::Saga => self.saga(asked, &custom)?,
            Pattern::Message => self.message(asked)?,
            Pattern::Tcc | Pattern::Xa | Pattern::Workflow => (Order::Sequential, Vec::new()),
        };
        let retry = self.retry(asked);
        let check = self.check(asked, (pattern, mode), &retry)?;
        let deadline_ms = match pattern {
            Pattern::Tcc | Pattern::Xa => Some(self.timeout_to_fail(asked)),
            Pattern::Saga => Some(millis(asked.options.timeout_to_fail, YEAR_MS)).filter(|ms| *ms > 0),
            // Nobody can be asked about it: an empty URL is a success, so it counts as submitted when its time is over.
            Pattern::Message if mode == Mode::Interactive && check.is_none() => {
                Some(self.timeout_to_fail(asked))
            }
            Pattern::Message | Pattern::Workflow => None,
        };
        Ok(Spec {
            id: Arc::clone(&asked.gid),
            pattern,
            mode,
            order,
            deadline_ms,
            cooling_off_ms: 0,
            retry,
            labels: Vec::new(),
            check,
            branches,
            terms: Some(Box::new(self.terms(asked, pattern, &custom)?)),
        })
    }

    fn saga(
        &self,
        asked: &Asked,
        custom: &Map<String, Value>,
    ) -> Result<(Order, Vec<Arc<BranchSpec>>), Told> {
        let is_concurrent = custom.get("concurrent").and_then(Value::as_bool).unwrap_or(false);
        let orders = custom.get("orders").and_then(Value::as_object);
        let mut branches = Vec::with_capacity(asked.steps.len());
        for (index, step) in asked.steps.iter().enumerate() {
            let urls = Urls {
                attempt: self.url(asked.protocol, &step.action)?,
                confirm: None,
                cancel: self.url(asked.protocol, &step.compensate)?,
            };
            let after = match orders.filter(|_| is_concurrent) {
                Some(orders) => before(orders, index, asked.steps.len())?,
                None => Vec::new(),
            };
            branches.push(raw(branch_id(index), after, (urls, payload(asked, index)?)));
        }
        Ok((if is_concurrent { Order::Parallel } else { Order::Sequential }, branches))
    }

    fn message(&self, asked: &Asked) -> Result<(Order, Vec<Arc<BranchSpec>>), Told> {
        let mut branches = Vec::with_capacity(asked.steps.len());
        for (index, step) in asked.steps.iter().enumerate() {
            let body = payload(asked, index)?;
            let mut push = |id, url| branches.push(raw(id, Vec::new(), (deliver(url), Arc::clone(&body))));
            let Some(name) = step.action.strip_prefix(TOPIC) else {
                push(branch_id(index), self.url(asked.protocol, &step.action)?);
                continue;
            };
            let subscribers = self.topics.iter().find(|topic| &*topic.name == name);
            match subscribers.map_or(&[][..], |topic| &topic.subscribers) {
                [] => return Err(Told::Fault("topic not found".to_owned())),
                [alone] => push(branch_id(index), self.subscriber(&alone.url)?),
                many => {
                    for (position, subscriber) in many.iter().enumerate() {
                        let id = format!("{}-{}", branch_id(index), branch_id(position));
                        push(id.into(), self.subscriber(&subscriber.url)?);
                    }
                }
            }
        }
        Ok((if asked.options.concurrent { Order::Parallel } else { Order::Sequential }, branches))
    }

    /// A branch of a TCC or an XA that its client registers.
    pub(super) fn registered(
        &self,
        protocol: Protocol,
        id: &str,
        (urls, body): ([&str; 2], Arc<[u8]>),
    ) -> Result<Arc<BranchSpec>, Told> {
        let [confirm, cancel] = urls;
        let urls = Urls {
            attempt: None,
            confirm: self.url(protocol, confirm)?,
            cancel: self.url(protocol, cancel)?,
        };
        Ok(raw(id.into(), Vec::new(), (urls, body)))
    }

    /// An address in the form in which it is kept; an empty one is no call, and a success.
    pub(super) fn url(&self, protocol: Protocol, given: &str) -> Result<Option<Arc<str>>, Told> {
        if given.is_empty() {
            return Ok(None);
        }
        let has_scheme = given.contains("://");
        if protocol == Protocol::DtmGrpc && !has_scheme {
            // Judged as what it is, an address; kept as the protocol writes it.
            let judged = self.judge.url("/url", &format!("http://{given}"))?;
            let path = Url::parse(&judged).ok().map(|url| url.path().to_owned()).unwrap_or_default();
            if path.len() < 2 {
                let words = "a gRPC address is host:port/package.Service/Method";
                return Err(Told::Fault(format!("{words}: {}", given.chars().take(128).collect::<String>())));
            }
            return Ok(judged.strip_prefix("http://").map(Arc::from));
        }
        Ok(Some(self.judge.url("/url", given)?))
    }

    /// A subscriber's address says itself how it is called.
    pub(super) fn subscriber(&self, url: &str) -> Result<Option<Arc<str>>, Told> {
        let protocol = if url.contains("://") { Protocol::DtmHttp } else { Protocol::DtmGrpc };
        self.url(protocol, url)
    }

    /// How long a transaction may stay prepared, in milliseconds.
    fn timeout_to_fail(&self, asked: &Asked) -> u64 {
        match millis(asked.options.timeout_to_fail, YEAR_MS) {
            0 => self.config.timeout_to_fail_ms,
            given => given,
        }
    }

    fn retry(&self, asked: &Asked) -> Retry {
        let timeout_ms = millis(asked.options.timeout_to_fail, YEAR_MS);
        let initial_ms = match (millis(asked.options.retry_interval, DAY_MS), timeout_ms) {
            (0, 0) => self.config.retry_interval_ms,
            (0, timeout_ms) => timeout_ms.min(self.config.retry_interval_ms),
            (interval_ms, _) => interval_ms,
        };
        Retry { initial_ms, max_ms: initial_ms.max(BACK_OFF_MAX_MS), attention_after: ATTENTION_AFTER }
    }

    fn check(
        &self,
        asked: &Asked,
        (pattern, mode): (Pattern, Mode),
        retry: &Retry,
    ) -> Result<Option<CheckSpec>, Told> {
        let after_ms = match (pattern, mode) {
            (Pattern::Message, Mode::Interactive) => self.timeout_to_fail(asked),
            (Pattern::Workflow, _) => retry.initial_ms,
            (Pattern::Message, Mode::Managed) | (Pattern::Tcc | Pattern::Saga | Pattern::Xa, _) => {
                return Ok(None);
            }
        };
        let url = self.url(asked.protocol, &asked.query_prepared)?;
        if url.is_none() && pattern == Pattern::Workflow {
            let words = "query_prepared is empty: a workflow must say where it can be resumed";
            return Err(Told::Fault(words.to_owned()));
        }
        Ok(url.map(|url| CheckSpec { url, after_ms }))
    }

    fn terms(&self, asked: &Asked, pattern: Pattern, custom: &Map<String, Value>) -> Result<Terms, Told> {
        let options = &asked.options;
        let delay = custom.get("delay").and_then(Value::as_u64).filter(|_| pattern == Pattern::Message);
        let resume = match pattern {
            Pattern::Workflow => Some(resume(asked, custom)?),
            Pattern::Tcc | Pattern::Saga | Pattern::Message | Pattern::Xa => None,
        };
        let retry_limit = match pattern {
            Pattern::Saga => u32::try_from(options.retry_limit).unwrap_or(u32::MAX),
            Pattern::Tcc | Pattern::Message | Pattern::Xa | Pattern::Workflow => 0,
        };
        let headers = options.branch_headers.iter().filter(|(name, value)| is_header(name, value));
        let note = Some(&asked.custom_data).filter(|text| !text.is_empty());
        Ok(Terms {
            protocol: asked.protocol,
            retry_limit,
            delay_ms: millis(delay.unwrap_or(0), YEAR_MS),
            headers: headers
                .map(|(name, value)| Header { name: (**name).into(), value: (**value).into() })
                .collect(),
            timeout_ms: match millis(options.request_timeout, HOUR_MS) {
                0 => self.config.request_timeout_ms,
                given => given,
            },
            resume,
            note: note.map(|text| (**text).into()),
            options: Some(Value::Object(options.shown()).to_string().into()),
        })
    }
}

/// What a workflow's resume call carries; over gRPC it is the message that the client's own service takes.
fn resume(asked: &Asked, custom: &Map<String, Value>) -> Result<Resume, Told> {
    let input = STANDARD.decode(text(custom, "data")?);
    let input =
        input.map_err(|_| Told::Fault("custom_data: `data` of a workflow must be Base64".to_owned()))?;
    let body = match asked.protocol {
        Protocol::DtmGrpc => {
            prost::Message::encode_to_vec(&super::proto::workflow::WorkflowData { data: input })
        }
        Protocol::Tercet | Protocol::DtmHttp | Protocol::DtmJsonRpc => input,
    };
    Ok(Resume { name: text(custom, "name")?.into(), body: body.into() })
}

/// The JSON in `custom_data`, where there is any.
fn custom_data(asked: &Asked) -> Result<Map<String, Value>, Told> {
    if matches!(asked.custom_data.trim(), "" | "null") {
        return Ok(Map::new());
    }
    object(&asked.custom_data)
        .map_err(|_| Told::Fault("custom_data must be the text of a JSON object".to_owned()))
}

/// The ids of the steps that `orders` has before the step `index`.
fn before(orders: &Map<String, Value>, index: usize, steps: usize) -> Result<Vec<Arc<str>>, Told> {
    let Some(given) = orders.get(&index.to_string()) else { return Ok(Vec::new()) };
    let wrong = || {
        Told::Fault(format!("custom_data: the orders of step {index} must be numbers of steps below {steps}"))
    };
    let positions = given.as_array().ok_or_else(wrong)?;
    let id = |position: &Value| {
        let position = position.as_u64().and_then(|position| usize::try_from(position).ok());
        position.filter(|position| *position < steps).map(branch_id).ok_or_else(wrong)
    };
    positions.iter().map(id).collect()
}

fn payload(asked: &Asked, index: usize) -> Result<Arc<[u8]>, Told> {
    asked.payloads.get(index).cloned().ok_or_else(|| {
        Told::Fault(format!(
            "index out of range: {} payloads for {} steps, each step needs its own",
            asked.payloads.len(),
            asked.steps.len()
        ))
    })
}

fn raw(id: Arc<str>, after: Vec<Arc<str>>, (urls, body): (Urls, Arc<[u8]>)) -> Arc<BranchSpec> {
    Arc::new(BranchSpec { id, after, kind: Kind::Raw(RawSpec { urls, body }) })
}

fn deliver(url: Option<Arc<str>>) -> Urls {
    Urls { confirm: url, ..Urls::default() }
}

/// `01`, `02`, …
fn branch_id(index: usize) -> Arc<str> {
    format!("{:02}", index + 1).into()
}

/// Clients that mean "for ever" send what no clock can hold: it counts as the longest that there is.
fn millis(seconds: u64, most_ms: u64) -> u64 {
    seconds.saturating_mul(1_000).min(most_ms)
}
