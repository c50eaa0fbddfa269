//! What a client asks of a whole transaction, however it came: DTM's TransBase, read leniently.
//!
//! Null, unknown, duplicate and extra fields are what real clients send. What is there in the wrong form is refused in words.
//! Read next: `spec.rs`.

use std::sync::Arc;

use serde_json::{Map, Value};
use transaction::{Pattern, Protocol};

use super::told::Told;

/// A transaction as a client of DTM describes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) gid: Arc<str>,
    /// As it was written.
    pub(super) trans_type: String,
    pub(super) protocol: Protocol,
    pub(super) steps: Vec<Step>,
    /// One for each step.
    pub(super) payloads: Vec<Arc<[u8]>>,
    pub(super) custom_data: String,
    pub(super) query_prepared: String,
    pub(super) rollback_reason: String,
    pub(super) req_extra: Vec<(String, String)>,
    pub(super) options: Options,
}

/// One step of a saga or a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) action: String,
    pub(super) compensate: String,
}

/// The options of a transaction; 0 is "not given", as DTM has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) wait_result: bool,
    /// Seconds.
    pub(super) timeout_to_fail: u64,
    /// Seconds.
    pub(super) retry_interval: u64,
    /// Seconds.
    pub(super) request_timeout: u64,
    pub(super) retry_limit: u64,
    pub(super) concurrent: bool,
    pub(super) branch_headers: Vec<(String, String)>,
}

/// DTM's names of the patterns.
const TYPES: [(&str, Pattern); 5] = [
    ("saga", Pattern::Saga),
    ("tcc", Pattern::Tcc),
    ("msg", Pattern::Message),
    ("xa", Pattern::Xa),
    ("workflow", Pattern::Workflow),
];

/// The pattern of this name.
pub(super) fn pattern(trans_type: &str) -> Result<Pattern, Told> {
    let found = TYPES.iter().find(|(name, _)| *name == trans_type);
    found.map(|(_, pattern)| *pattern).ok_or_else(|| {
        let named: String = trans_type.chars().take(64).collect();
        Told::Fault(format!("unknown trans_type '{named}': it is saga, tcc, msg, xa or workflow"))
    })
}

/// DTM's name of a pattern.
pub(super) fn trans_type(pattern: Pattern) -> &'static str {
    TYPES.iter().find(|(_, known)| *known == pattern).map_or("", |(name, _)| name)
}

/// DTM's name of a protocol; of our own as well, which DTM would call http.
pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tercet | Protocol::DtmHttp => "http",
        Protocol::DtmGrpc => "grpc",
        Protocol::DtmJsonRpc => "json-rpc",
    }
}

/// Reads a JSON object as DTM's HTTP server would, the last of a duplicate field counting.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Told> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Told::Fault("the body must be a JSON object".to_owned())),
        Err(error) => Err(Told::Fault(format!("the body is no JSON: {error}"))),
    }
}

impl Asked {
    /// Reads the fields of a TransBase.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Asked, Told> {
        let protocol = match &*text(fields, "protocol")? {
            "grpc" => Protocol::DtmGrpc,
            "json-rpc" => Protocol::DtmJsonRpc,
            _ => Protocol::DtmHttp,
        };
        Ok(Asked {
            gid: text(fields, "gid")?.into(),
            trans_type: text(fields, "trans_type")?,
            protocol,
            steps: steps(fields.get("steps"))?,
            payloads: payloads(fields.get("payloads"))?,
            custom_data: text(fields, "custom_data")?,
            query_prepared: text(fields, "query_prepared")?,
            rollback_reason: text(fields, "rollback_reason")?,
            req_extra: texts(fields, "req_extra")?,
            options: Options::read(fields)?,
        })
    }

    /// The same with a gid without the characters that DTM strips on HTTP.
    pub(super) fn stripped(self) -> Asked {
        Asked { gid: stripped(&self.gid), ..self }
    }

    /// Its pattern.
    pub(super) fn pattern(&self) -> Result<Pattern, Told> {
        pattern(&self.trans_type)
    }

    /// A field of `req_extra`.
    pub(super) fn extra(&self, name: &str) -> Option<&str> {
        self.req_extra.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }
}

impl Options {
    fn read(fields: &Map<String, Value>) -> Result<Options, Told> {
        Ok(Options {
            wait_result: flag(fields, "wait_result")?,
            timeout_to_fail: count(fields, "timeout_to_fail")?,
            retry_interval: count(fields, "retry_interval")?,
            request_timeout: count(fields, "request_timeout")?,
            retry_limit: count(fields, "retry_limit")?,
            concurrent: flag(fields, "concurrent")?,
            branch_headers: texts(fields, "branch_headers")?,
        })
    }

    /// The options that were given, as they are shown again.
    pub(super) fn shown(&self) -> Map<String, Value> {
        let counts = [
            ("timeout_to_fail", self.timeout_to_fail),
            ("retry_interval", self.retry_interval),
            ("request_timeout", self.request_timeout),
            ("retry_limit", self.retry_limit),
        ];
        let mut shown = Map::new();
        if self.wait_result {
            shown.insert("wait_result".to_owned(), Value::Bool(true));
        }
        for (name, value) in counts {
            if value > 0 {
                shown.insert(name.to_owned(), Value::from(value));
            }
        }
        if !self.branch_headers.is_empty() {
            let headers =
                self.branch_headers.iter().map(|(key, value)| (key.clone(), Value::from(value.clone())));
            shown.insert("branch_headers".to_owned(), Value::Object(headers.collect()));
        }
        shown.insert("concurrent".to_owned(), Value::Bool(self.concurrent));
        shown
    }
}

/// A gid without line breaks and semicolons.
pub(super) fn stripped(gid: &str) -> Arc<str> {
    if gid.contains(['\n', '\r', ';']) { gid.replace(['\n', '\r', ';'], "").into() } else { gid.into() }
}

/// Branches and payloads that one body may bring, whatever the limit of branches is.
const STEPS_MAX: usize = 1_000;

fn steps(given: Option<&Value>) -> Result<Vec<Step>, Told> {
    let read = |value: &Value| match value {
        Value::Object(fields) => {
            Ok(Step { action: text(fields, "action")?, compensate: text(fields, "compensate")? })
        }
        Value::Null => Ok(Step::default()),
        _ => Err(wrong("steps", "an array of objects with action and compensate")),
    };
    list("steps", given)?.iter().map(read).collect()
}

fn payloads(given: Option<&Value>) -> Result<Vec<Arc<[u8]>>, Told> {
    let read = |value: &Value| match value {
        Value::String(text) => Ok(Arc::from(text.as_bytes())),
        Value::Null => Ok(Arc::from([])),
        _ => Err(wrong("payloads", "an array of strings")),
    };
    list("payloads", given)?.iter().map(read).collect()
}

fn list<'a>(name: &str, given: Option<&'a Value>) -> Result<&'a [Value], Told> {
    match given {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) if items.len() <= STEPS_MAX => Ok(items),
        Some(Value::Array(_)) => Err(Told::Fault(format!("{name}: more than {STEPS_MAX} elements"))),
        Some(_) => Err(wrong(name, "an array")),
    }
}

/// A text; null and what is missing are empty.
pub(super) fn text(fields: &Map<String, Value>, name: &str) -> Result<String, Told> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(wrong(name, "a string")),
    }
}

fn texts(fields: &Map<String, Value>, name: &str) -> Result<Vec<(String, String)>, Told> {
    let members = match fields.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        // PHP writes an empty map as an empty array.
        Some(Value::Array(items)) if items.is_empty() => return Ok(Vec::new()),
        Some(_) => return Err(wrong(name, "an object of strings")),
    };
    let read = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        Value::Null => Ok((key.clone(), String::new())),
        _ => Err(wrong(name, "an object of strings")),
    };
    members.iter().map(read).collect()
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<bool, Told> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(is_on)) => Ok(*is_on),
        Some(_) => Err(wrong(name, "true or false")),
    }
}

/// Whole seconds (or a count); what is below zero counts as not given, as with DTM.
fn count(fields: &Map<String, Value>, name: &str) -> Result<u64, Told> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_i64()) {
            (Some(count), _) => Ok(count),
            (None, Some(_)) => Ok(0),
            (None, None) => Err(wrong(name, "a whole number")),
        },
        Some(_) => Err(wrong(name, "a whole number")),
    }
}

fn wrong(name: &str, expected: &str) -> Told {
    Told::Fault(format!("{name} must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Asked, Told> {
        Asked::read(&object(text)?)
    }

    #[test]
    fn what_real_clients_send_is_read() {
        let python = r#"{"gid":"g","trans_type":"saga","custom_data":null,"query_prepared":null,"protocol":null,"timeout_to_fail":0,"passthrough_headers":[],"branch_headers":{},"request_timeout":8,"steps":[{"action":"http://a","compensate":"http://b"}],"payloads":["{}"],"status":"prepared"}"#;
        let asked = read(python).unwrap();
        assert_eq!((asked.options.request_timeout, asked.options.timeout_to_fail), (8, 0));
        assert_eq!(asked.steps, [Step { action: "http://a".into(), compensate: "http://b".into() }]);
        let java =
            r#"{"subType":null,"gid":"g","subType":"x","trans_type":"tcc","gid":"h","retry_interval":-1}"#;
        let asked = read(java).unwrap();
        assert_eq!((&*asked.gid, asked.options.retry_interval), ("h", 0));
        assert_eq!(&*Asked { gid: "a;b\nc".into(), ..Asked::default() }.stripped().gid, "abc");
    }

    #[test]
    fn what_has_the_wrong_form_is_named() {
        let cases = [
            (r#"{"gid":1}"#, "gid must be a string"),
            (r#"{"steps":{}}"#, "steps must be an array"),
            (r#"{"payloads":[1]}"#, "payloads must be an array of strings"),
            (r#"{"wait_result":"yes"}"#, "wait_result must be true or false"),
            (r#"{"retry_limit":1.5}"#, "retry_limit must be a whole number"),
            ("[]", "the body must be a JSON object"),
        ];
        for (text, words) in cases {
            assert_eq!(read(text).unwrap_err(), Told::Fault(words.to_owned()), "{text}");
        }
        assert!(matches!(read("{"), Err(Told::Fault(_))));
    }
}
