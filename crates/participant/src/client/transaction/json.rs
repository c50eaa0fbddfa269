//! The verbs over HTTP: their paths and bodies, and answers read.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::branch::Asked;
use super::object::Object;
use super::progress::{Progress, Step};
use super::verbs::Verb;
use crate::client::Fault;
use crate::client::http::{Http, in_path};
use crate::proto;
use crate::proto::branch::Kind;

/// A page of a timeline.
#[derive(Deserialize)]
struct Page {
    items: Vec<Step>,
    next: Option<String>,
}

impl Http {
    pub(super) async fn told(&self, verb: &Verb<'_>) -> Result<Progress, Fault> {
        let (method, path, body) = request(verb)?;
        read(&self.text(method, &path, &body).await?)
    }

    /// One page of a timeline, and where the next begins.
    pub(super) async fn timeline(
        &self,
        id: &str,
        cursor: Option<&str>,
    ) -> Result<(Vec<Step>, Option<String>), Fault> {
        let mut path = format!("/v1/transactions/{}/timeline", in_path(id));
        if let Some(cursor) = cursor {
            path = format!("{path}?cursor={}", in_path(cursor));
        }
        let page: Page = read(&self.text(Method::GET, &path, &Bytes::new()).await?)?;
        Ok((page.items, page.next))
    }
}

fn request(verb: &Verb<'_>) -> Result<(Method, String, Bytes), Fault> {
    let at = |id: &str, rest: &str| format!("/v1/transactions/{}{rest}", in_path(id));
    let (path, body) = match *verb {
        Verb::Get { id, wait_ms } => {
            return Ok((Method::GET, at(id, &format!("?wait_ms={wait_ms}")), Bytes::new()));
        }
        Verb::Begin { request, branches, wait_ms } => {
            ("/v1/transactions".to_owned(), begin(request, branches)?.number("wait_ms", wait_ms))
        }
        Verb::Register { id, branch: asked } => (at(id, "/branches"), branch(asked)?),
        Verb::Confirm { id } => (at(id, "/confirm"), Object::default()),
        Verb::Cancel { id, detail } => (at(id, "/cancel"), Object::default().text("detail", detail)),
        Verb::Signal { id, branch, signal } => {
            let (outcome, result) = signal.parts();
            let outcome = match outcome {
                proto::SignalOutcome::Refused => "refused",
                proto::SignalOutcome::Done | proto::SignalOutcome::Unspecified => "done",
            };
            let body = Object::default().text("outcome", outcome).json("result", result)?;
            (at(id, &format!("/branches/{}/signal", in_path(branch))), body)
        }
        Verb::Retry { id } => (at(id, "/retry"), Object::default()),
    };
    let body = serde_json::to_vec(&body)
        .map_err(|error| Fault::Setting(format!("what is asked cannot be JSON: {error}")))?;
    Ok((Method::POST, path, body.into()))
}

fn begin<'a>(request: &'a proto::BeginRequest, branches: &'a [Asked]) -> Result<Object<'a>, Fault> {
    let pattern = match request.pattern() {
        proto::Pattern::Tcc => "tcc",
        proto::Pattern::Saga => "saga",
        proto::Pattern::Message => "message",
        proto::Pattern::Xa => "xa",
        proto::Pattern::Workflow => "workflow",
        proto::Pattern::Unspecified => "",
    };
    let mode = match request.mode() {
        proto::Mode::Interactive => "interactive",
        proto::Mode::Managed | proto::Mode::Unspecified => "",
    };
    let order = match request.order() {
        proto::Order::Parallel => "parallel",
        proto::Order::Sequential => "sequential",
        proto::Order::Unspecified => "",
    };
    let retry = request.retry.as_ref().map(|retry| {
        Object::default()
            .number("initial_ms", retry.initial_ms)
            .number("max_ms", retry.max_ms)
            .number("attention_after", retry.attention_after.map(u64::from))
    });
    let branches = branches.iter().map(branch).collect::<Result<_, _>>()?;
    Ok(Object::default()
        .text("id", &request.id)
        .text("pattern", pattern)
        .text("mode", mode)
        .text("order", order)
        .number("deadline_ms", request.deadline_ms)
        .number("cooling_off_ms", Some(request.cooling_off_ms).filter(|window| *window > 0))
        .object("retry", retry)
        .labels("labels", &request.labels)
        .text("check", &request.check)
        .number("check_after_ms", request.check_after_ms)
        .objects("branches", branches))
}

fn branch(asked: &Asked) -> Result<Object<'_>, Fault> {
    let object = Object::default().text("id", &asked.id).texts("after", &asked.after);
    Ok(match &asked.kind {
        Kind::Call(call) => object
            .text("kind", "call")
            .text("try", &call.r#try)
            .text("confirm", &call.confirm)
            .text("cancel", &call.cancel)
            .text("action", &call.action)
            .text("compensate", &call.compensate)
            .text("deliver", &call.deliver)
            .json("body", &call.body)?
            .labels("headers", &call.headers)
            .number("timeout_ms", call.timeout_ms)
            .flag("pass_result", call.pass_result),
        Kind::Await(_) => object.text("kind", "await"),
        Kind::Hold(hold) => match &*hold.legs {
            [one] => leg(object.text("kind", "hold"), one),
            legs => {
                let legs = legs.iter().map(|one| leg(Object::default(), one)).collect();
                object.text("kind", "hold").objects("holds", legs)
            }
        },
        Kind::Item(item) => object
            .text("kind", "item")
            .text("item", &item.item)
            .text("try", &item.r#try)
            .text("confirm", &item.confirm)
            .text("cancel", &item.cancel)
            .text("owner", &item.owner)
            .attributes("arguments", &item.arguments),
        Kind::Sql(branch) => resource(object.text("kind", "sql"), branch)?,
        Kind::Redis(branch) => resource(object.text("kind", "redis"), branch)?,
    })
}

fn resource<'a>(object: Object<'a>, branch: &'a proto::ResourceBranch) -> Result<Object<'a>, Fault> {
    Ok(object
        .text("resource", &branch.resource)
        .json("parameters", &branch.parameters)?
        .number("timeout_ms", branch.timeout_ms))
}

fn leg<'a>(object: Object<'a>, leg: &'a proto::HoldLeg) -> Object<'a> {
    object.text("from", &leg.from).text("to", &leg.to).text("amount", &leg.amount).flag("up_to", leg.up_to)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Misunderstood(error.to_string()))
}

/// A time as HTTP has it, in microseconds since 1970.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    stamp(&String::deserialize(deserializer)?)
}

/// As [`time`], or `null`.
pub(super) fn time_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.as_deref().map(stamp).transpose()
}

fn stamp<E: serde::de::Error>(text: &str) -> Result<i64, E> {
    let stamp: jiff::Timestamp = text.parse().map_err(E::custom)?;
    Ok(stamp.as_microsecond())
}

/// JSON as its text, byte for byte, or `null`.
pub(super) fn text_of_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let json: Option<Box<RawValue>> = Option::deserialize(deserializer)?;
    Ok(json.map(|json| String::from(Box::<str>::from(json))))
}

#[cfg(test)]
mod tests;
