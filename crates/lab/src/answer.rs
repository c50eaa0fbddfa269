//! What a scripted participant answers.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::patience::PATIENCE;

/// One answer to one call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The bytes of the answer; none: the connection is cut instead.
    pub bytes: Option<Vec<u8>>,
    /// How long it is held back.
    pub delay: Duration,
    /// Held back until the gate opens.
    pub gate: Option<Gate>,
}

/// Holds answers back until the test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets all answers go, now and from now on.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let shut = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_timeout_while(shut, PATIENCE, |is_open| !*is_open));
    }
}

impl Answer {
    /// The same, so much later.
    pub fn after_ms(self, ms: u64) -> Answer {
        Answer { delay: Duration::from_millis(ms), ..self }
    }

    /// The same, once the gate opens.
    pub fn behind(self, gate: &Gate) -> Answer {
        Answer { gate: Some(gate.clone()), ..self }
    }
}

/// 200 with `{}`.
pub fn done() -> Answer {
    done_with(&json!({}))
}

/// 200 with this JSON.
pub fn done_with(body: &Value) -> Answer {
    status(200, body)
}

/// 409 with a detail.
pub fn refused(detail: &str) -> Answer {
    status(409, &json!({ "detail": detail }))
}

/// 202.
pub fn in_progress() -> Answer {
    status(202, &json!({}))
}

/// Any status.
pub fn fails(code: u16) -> Answer {
    status(code, &json!({}))
}

/// The connection is cut without an answer, after whatever the call did.
pub fn never() -> Answer {
    Answer { bytes: None, delay: Duration::ZERO, gate: None }
}

/// These very bytes.
pub fn raw(bytes: &[u8]) -> Answer {
    Answer { bytes: Some(bytes.to_vec()), delay: Duration::ZERO, gate: None }
}

fn status(code: u16, body: &Value) -> Answer {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    raw((head + &body).as_bytes())
}
