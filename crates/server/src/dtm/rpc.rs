//! DTM's JSON-RPC: the same verbs behind one path. The codes are DTM's (JSON-RPC 2.0, section 5.1, and its own -32901).

use serde_json::{Map, Value, json};

use super::asked::{Asked, object};
use super::gid;
use super::register::Registration;
use super::told::Told;
use super::verbs::Verbs;

const PARSE: i32 = -32700;
const BAD_REQUEST: i32 = -32600;
const NO_METHOD: i32 = -32601;
const INTERNAL: i32 = -32603;
const FAILURE: i32 = -32901;
const ONGOING: i32 = -32902;

/// Answers one request: an HTTP status and the reply, which has all of its four fields.
pub(super) async fn answer(verbs: &Verbs, body: &str) -> (u16, Value) {
    let Ok(fields) = object(body) else {
        return (400, failed(&Value::Null, PARSE, "the body is no JSON object"));
    };
    let Some(Value::String(id)) = fields.get("id").filter(|id| **id != "") else {
        return (400, failed(&Value::Null, PARSE, "id must be a string that is not empty"));
    };
    let id = Value::from(id.clone());
    if fields.get("jsonrpc") != Some(&Value::from("2.0")) {
        return (200, failed(&id, BAD_REQUEST, "jsonrpc must be \"2.0\""));
    }
    let none = Map::new();
    let params = match fields.get("params") {
        Some(Value::Object(params)) => params,
        None | Some(Value::Null) => &none,
        Some(_) => return (200, failed(&id, BAD_REQUEST, "params must be an object")),
    };
    let Some(Value::String(method)) = fields.get("method") else {
        return (200, failed(&id, BAD_REQUEST, "method must be a string"));
    };
    (200, reply(&id, call(verbs, method, params).await))
}

/// Carries the method out; `None`: there is no such method.
async fn call(verbs: &Verbs, method: &str, params: &Map<String, Value>) -> Option<Result<Value, Told>> {
    let success = || json!({ "dtm_result": "SUCCESS" });
    let done = match method {
        "newGid" => return Some(Ok(json!({ "dtm_result": "SUCCESS", "gid": gid::fresh() }))),
        "prepare" | "submit" | "abort" => match Asked::read(params) {
            Err(told) => Err(told),
            Ok(asked) => match method {
                "prepare" => verbs.prepare(&asked).await,
                "submit" => verbs.submit(&asked).await,
                _ => verbs.abort(&asked).await,
            },
        },
        "registerBranch" => match Registration::read(params) {
            Err(told) => Err(told),
            Ok(asked) => verbs.register(&asked).await,
        },
        _ => return None,
    };
    Some(done.map(|()| success()))
}

fn reply(id: &Value, outcome: Option<Result<Value, Told>>) -> Value {
    match outcome {
        None => failed(id, NO_METHOD, "there is no such method"),
        Some(Ok(result)) => json!({ "jsonrpc": "2.0", "id": id, "result": result, "error": null }),
        Some(Err(Told::Failure(words))) => failed(id, FAILURE, &words),
        Some(Err(Told::Ongoing(words))) => failed(id, ONGOING, &words),
        Some(Err(Told::Fault(words) | Told::Busy(words))) => failed(id, INTERNAL, &words),
        Some(Err(Told::Denied(refusal))) => failed(id, INTERNAL, &refusal.to_string()),
    }
}

fn failed(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": null, "error": { "code": code, "message": message } })
}
