//! A message as the body that the HTTP API takes, so that there is one rule book for both: defaults, which field belongs
//! to which pattern, what a URL may be, how deep JSON may nest.
//!
//! What says nothing in the message is left out of the body.

use participant::proto;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use transaction::Refusal;

use crate::refusal::{FIELD_INVALID, JSON_INVALID};

#[derive(Serialize)]
struct Begin<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u64>,
    cooling_off_ms: u64,
    wait_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    #[serde(skip_serializing_if = "Pairs::says_nothing")]
    labels: Pairs<'a>,
    #[serde(skip_serializing_if = "says_nothing")]
    check: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_after_ms: Option<u64>,
    branches: Vec<Branch<'a>>,
}

#[derive(Serialize)]
struct Retry {
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attention_after: Option<u32>,
}

#[derive(Serialize)]
struct Branch<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    after: &'a [String],
    #[serde(flatten)]
    kind: Option<Kind<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Kind<'a> {
    Call(CallBranch<'a>),
    Await,
    Hold { holds: Vec<Leg<'a>> },
    Item(ItemBranch<'a>),
    Sql(ResourceBranch<'a>),
    Redis(ResourceBranch<'a>),
}

#[derive(Serialize)]
struct CallBranch<'a> {
    #[serde(rename = "try", skip_serializing_if = "says_nothing")]
    attempt: &'a str,
    #[serde(skip_serializing_if = "says_nothing")]
    confirm: &'a str,
    #[serde(skip_serializing_if = "says_nothing")]
    cancel: &'a str,
    #[serde(skip_serializing_if = "says_nothing")]
    action: &'a str,
    #[serde(skip_serializing_if = "says_nothing")]
    compensate: &'a str,
    #[serde(skip_serializing_if = "says_nothing")]
    deliver: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Pairs::says_nothing")]
    headers: Pairs<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    pass_result: bool,
}

#[derive(Serialize)]
struct Leg<'a> {
    from: &'a str,
    to: &'a str,
    amount: &'a str,
    up_to: bool,
}

#[derive(Serialize)]
struct ItemBranch<'a> {
    item: &'a str,
    #[serde(rename = "try")]
    attempt: &'a str,
    confirm: &'a str,
    cancel: &'a str,
    #[serde(skip_serializing_if = "says_nothing")]
    owner: &'a str,
    arguments: Arguments<'a>,
}

#[derive(Serialize)]
struct ResourceBranch<'a> {
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
struct Cancel<'a> {
    #[serde(skip_serializing_if = "says_nothing")]
    detail: &'a str,
}

#[derive(Serialize)]
struct Signal<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
}

/// Labels or headers.
struct Pairs<'a>(&'a [proto::Label]);

struct Arguments<'a>(&'a [proto::Attribute]);

/// The body of a begin.
pub(super) fn begin(request: &proto::BeginRequest) -> Result<String, Refusal> {
    let unknown = |at: &'static str| move |_| FIELD_INVALID.at(at, "this server does not know the number");
    let pattern = match proto::Pattern::try_from(request.pattern).map_err(unknown("/pattern"))? {
        proto::Pattern::Unspecified => None,
        proto::Pattern::Tcc => Some("tcc"),
        proto::Pattern::Saga => Some("saga"),
        proto::Pattern::Message => Some("message"),
        proto::Pattern::Xa => Some("xa"),
        proto::Pattern::Workflow => Some("workflow"),
    };
    let mode = match proto::Mode::try_from(request.mode).map_err(unknown("/mode"))? {
        proto::Mode::Unspecified => None,
        proto::Mode::Managed => Some("managed"),
        proto::Mode::Interactive => Some("interactive"),
    };
    let order = match proto::Order::try_from(request.order).map_err(unknown("/order"))? {
        proto::Order::Unspecified => None,
        proto::Order::Parallel => Some("parallel"),
        proto::Order::Sequential => Some("sequential"),
    };
    let retry = request.retry.as_ref().map(|retry| Retry {
        initial_ms: retry.initial_ms,
        max_ms: retry.max_ms,
        attention_after: retry.attention_after,
    });
    let branches = request.branches.iter().enumerate().map(|(index, branch)| {
        one(branch).map_err(|refusal| {
            let at = format!("/branches/{index}{}", refusal.at.as_deref().unwrap_or_default());
            Refusal { at: Some(at), ..refusal }
        })
    });
    Ok(written(&Begin {
        id: &request.id,
        pattern,
        mode,
        order,
        deadline_ms: request.deadline_ms,
        cooling_off_ms: request.cooling_off_ms,
        wait_ms: request.wait_ms,
        retry,
        labels: Pairs(&request.labels),
        check: &request.check,
        check_after_ms: request.check_after_ms,
        branches: branches.collect::<Result<_, _>>()?,
    }))
}

/// The body of a branch by itself.
pub(super) fn branch(branch: &proto::Branch) -> Result<String, Refusal> {
    one(branch).map(|branch| written(&branch))
}

/// The body of a cancel.
pub(super) fn cancel(request: &proto::CancelRequest) -> Result<String, Refusal> {
    Ok(written(&Cancel { detail: &request.detail }))
}

/// The body of a signal.
pub(super) fn signal(request: &proto::SignalRequest) -> Result<String, Refusal> {
    let outcome = match proto::SignalOutcome::try_from(request.outcome) {
        Ok(proto::SignalOutcome::Unspecified) => None,
        Ok(proto::SignalOutcome::Done) => Some("done"),
        Ok(proto::SignalOutcome::Refused) => Some("refused"),
        Err(_) => return Err(FIELD_INVALID.at("/outcome", "this server knows done and refused")),
    };
    Ok(written(&Signal { outcome, result: json("/result", &request.result)? }))
}

fn one(branch: &proto::Branch) -> Result<Branch<'_>, Refusal> {
    use proto::branch::Kind as Given;
    let kind = match &branch.kind {
        None => None,
        Some(Given::Await(_)) => Some(Kind::Await),
        Some(Given::Call(call)) => Some(Kind::Call(CallBranch {
            attempt: &call.r#try,
            confirm: &call.confirm,
            cancel: &call.cancel,
            action: &call.action,
            compensate: &call.compensate,
            deliver: &call.deliver,
            body: json("/body", &call.body)?,
            headers: Pairs(&call.headers),
            timeout_ms: call.timeout_ms,
            pass_result: call.pass_result,
        })),
        Some(Given::Hold(hold)) => Some(Kind::Hold { holds: hold.legs.iter().map(Leg::of).collect() }),
        Some(Given::Item(item)) => Some(Kind::Item(ItemBranch {
            item: &item.item,
            attempt: &item.r#try,
            confirm: &item.confirm,
            cancel: &item.cancel,
            owner: &item.owner,
            arguments: Arguments(&item.arguments),
        })),
        Some(Given::Sql(sql)) => Some(Kind::Sql(ResourceBranch::of(sql)?)),
        Some(Given::Redis(redis)) => Some(Kind::Redis(ResourceBranch::of(redis)?)),
    };
    Ok(Branch { id: &branch.id, after: &branch.after, kind })
}

impl<'a> ResourceBranch<'a> {
    fn of(branch: &'a proto::ResourceBranch) -> Result<ResourceBranch<'a>, Refusal> {
        let parameters = json("/parameters", &branch.parameters)?;
        Ok(ResourceBranch { resource: &branch.resource, parameters, timeout_ms: branch.timeout_ms })
    }
}

impl<'a> Leg<'a> {
    fn of(leg: &'a proto::HoldLeg) -> Leg<'a> {
        Leg { from: &leg.from, to: &leg.to, amount: &leg.amount, up_to: leg.up_to }
    }
}

/// JSON inside a text field, byte for byte; empty: none.
fn json<'a>(at: &'static str, text: &'a str) -> Result<Option<&'a RawValue>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| JSON_INVALID.at(at, error.to_string()))
}

fn written(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("texts and numbers can always be written")
}

fn says_nothing(text: &&str) -> bool {
    text.is_empty()
}

impl Pairs<'_> {
    fn says_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|label| (&label.key, &label.value)))
    }
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|argument| (&argument.key, Value::of(argument))))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Text(&'a str),
    Integer(i64),
    Flag(bool),
    Nothing,
}

impl<'a> Value<'a> {
    fn of(argument: &'a proto::Attribute) -> Value<'a> {
        use proto::attribute::Value as Given;
        match &argument.value {
            Some(Given::Text(text)) => Value::Text(text),
            Some(Given::Integer(value)) => Value::Integer(*value),
            Some(Given::Flag(value)) => Value::Flag(*value),
            None => Value::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_begin_is_the_body_of_the_http_api() {
        use proto::branch::Kind;
        let label = |key: &str, value: &str| proto::Label { key: key.into(), value: value.into() };
        let branch = |id: &str, kind| proto::Branch { id: id.into(), after: Vec::new(), kind: Some(kind) };
        let call = proto::CallBranch {
            r#try: "http://a/try".into(),
            body: "{\"n\": 1.0}".into(),
            headers: vec![label("X-Shop", "1")],
            ..proto::CallBranch::default()
        };
        let leg = proto::HoldLeg { from: "a".into(), to: "b".into(), amount: "3".into(), up_to: false };
        let argument =
            proto::Attribute { key: "total".into(), value: Some(proto::attribute::Value::Integer(5)) };
        let item =
            proto::ItemBranch { item: "C".into(), arguments: vec![argument], ..proto::ItemBranch::default() };
        let resource = |name: &str, parameters: &str| proto::ResourceBranch {
            resource: name.into(),
            parameters: parameters.into(),
            timeout_ms: None,
        };
        let (sql, redis) = (resource("stock", "{\"n\": 2}"), resource("hot", ""));
        let request = proto::BeginRequest {
            id: "t".into(),
            pattern: proto::Pattern::Tcc as i32,
            deadline_ms: Some(5),
            labels: vec![label("order", "1")],
            branches: vec![
                branch("c", Kind::Call(call)),
                branch("w", Kind::Await(proto::AwaitBranch {})),
                branch("h", Kind::Hold(proto::HoldBranch { legs: vec![leg] })),
                branch("i", Kind::Item(item)),
                branch("s", Kind::Sql(sql)),
                branch("r", Kind::Redis(redis)),
            ],
            ..proto::BeginRequest::default()
        };
        let expected = concat!(
            r#"{"id":"t","pattern":"tcc","deadline_ms":5,"cooling_off_ms":0,"wait_ms":0,"labels":{"order":"1"},"branches":["#,
            r#"{"id":"c","kind":"call","try":"http://a/try","body":{"n": 1.0},"headers":{"X-Shop":"1"},"pass_result":false},"#,
            r#"{"id":"w","kind":"await"},"#,
            r#"{"id":"h","kind":"hold","holds":[{"from":"a","to":"b","amount":"3","up_to":false}]},"#,
            r#"{"id":"i","kind":"item","item":"C","try":"","confirm":"","cancel":"","arguments":{"total":5}},"#,
            r#"{"id":"s","kind":"sql","resource":"stock","parameters":{"n": 2}},"#,
            r#"{"id":"r","kind":"redis","resource":"hot"}]}"#
        );
        assert_eq!(begin(&request).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_stands() {
        let call = proto::CallBranch { body: "{".into(), ..proto::CallBranch::default() };
        let kind = Some(proto::branch::Kind::Call(call));
        let branches = vec![proto::Branch { id: "a".into(), after: Vec::new(), kind }];
        let refusal = begin(&proto::BeginRequest { branches, ..proto::BeginRequest::default() }).unwrap_err();
        assert_eq!((refusal.kind.code, refusal.at.as_deref()), ("json_invalid", Some("/branches/0/body")));
        let refusal = begin(&proto::BeginRequest { mode: 9, ..proto::BeginRequest::default() }).unwrap_err();
        assert_eq!((refusal.kind.code, refusal.at.as_deref()), ("field_invalid", Some("/mode")));
    }
}
