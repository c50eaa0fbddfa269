//! Sends one row over HTTP: as a message transaction to a coordinator, or as a deliver call to its destination.
//!
//! It repeats nothing and follows no redirect. Whoever answered that they are busy is left alone until that has passed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde::Serialize;
use serde_json::value::RawValue;

use super::connect::{Connections, connections};
use super::verdict::{Answer, Awaited, PAUSE, Verdict, judge};
use super::{Order, Settings, SettingsFault, Target};
use crate::call::{ATTEMPT, BRANCH, OPERATION, SIGNATURE, Signature, TRANSACTION};
use crate::outbox::Letter;

/// The branch of a message transaction, and of a deliver call.
const DELIVER: &str = "deliver";
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_BYTES: usize = 256 * 1024;

/// Where letters are posted.
#[derive(Debug)]
pub(super) struct Post {
    connections: Connections,
    target: Target,
    begin: Option<Uri>,
    authorization: Option<HeaderValue>,
    signature: Option<Signature>,
    routes: BTreeMap<String, String>,
    order: Order,
    timeout: Duration,
    /// Until when each authority is left alone.
    pauses: Mutex<HashMap<String, Instant>>,
}

/// A message transaction, as `POST /v1/transactions` takes it.
#[derive(Serialize)]
struct Begin<'a> {
    id: &'a str,
    pattern: &'static str,
    wait_ms: u64,
    branches: [Branch<'a>; 1],
}

#[derive(Serialize)]
struct Branch<'a> {
    id: &'static str,
    kind: &'static str,
    deliver: &'a str,
    body: &'a RawValue,
    headers: &'a RawValue,
}

impl Post {
    pub(super) fn new(settings: &Settings) -> Result<Post, SettingsFault> {
        let wrong = |what: String| SettingsFault(what);
        let (begin, token) = match &settings.target {
            Target::Destinations => (None, None),
            Target::Server(server) => {
                let text = format!("{}/v1/transactions", server.url.trim_end_matches('/'));
                let uri: Uri = text.parse().map_err(|error| wrong(format!("{}: {error}", server.url)))?;
                if uri.host().is_none() || uri.scheme().is_none() {
                    return Err(wrong(format!("{} is not http://HOST:PORT", server.url)));
                }
                (Some(uri), server.token.as_deref())
            }
        };
        let authorization = token.map(bearer).transpose()?;
        let connections = connections(CONNECT_WITHIN.min(settings.timeout))?;
        Ok(Post {
            connections,
            target: settings.target.clone(),
            begin,
            authorization,
            signature: settings.signature.clone(),
            routes: settings.routes.clone(),
            order: settings.order,
            timeout: settings.timeout,
            pauses: Mutex::default(),
        })
    }

    /// How long nothing at all can be sent: the coordinator wants to be left alone.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.begin.as_ref().and_then(|uri| self.left(&place(uri)))
    }

    /// Sends a row and judges the answer.
    pub(super) async fn send(&self, letter: &Letter) -> Verdict {
        let request = match self.request(letter) {
            Ok(request) => request,
            Err(why) => return Verdict::Refused(why),
        };
        let place = place(request.uri());
        if let Some(wait) = self.left(&place) {
            return Verdict::Busy(wait, format!("{place} asked to be left alone"));
        }
        let verdict =
            match tokio::time::timeout(self.timeout, self.exchange(request, self.awaited(letter))).await {
                Ok(verdict) => verdict,
                Err(_) => Verdict::Failed(format!("no answer within {:?}", self.timeout)),
            };
        if let Verdict::Busy(wait, why) = &verdict {
            tracing::warn!(place, "left alone for {wait:?}: {why}");
            self.lock().insert(place, Instant::now() + *wait);
        }
        verdict
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, awaited: Awaited) -> Verdict {
        let response = match self.connections.request(request).await {
            Ok(response) => response,
            Err(error) => return Verdict::Failed(causes(&error)),
        };
        let (head, body) = response.into_parts();
        // Where the words after a status are lost or too many, it is judged without them.
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map(http_body_util::Collected::to_bytes);
        let body = body.unwrap_or_default();
        let seconds = |text: &HeaderValue| Some(Duration::from_secs(text.to_str().ok()?.parse().ok()?));
        let after = head.headers.get(RETRY_AFTER).map(|text| seconds(text).unwrap_or(PAUSE));
        let body = String::from_utf8_lossy(&body);
        let answer = Answer { status: head.status, after, body: &body, awaited };
        judge(&self.target, answer)
    }

    fn request(&self, letter: &Letter) -> Result<Request<Full<Bytes>>, String> {
        let destination = match self.routes.get(&letter.destination) {
            Some(url) => url,
            None if letter.destination.contains("://") => &letter.destination,
            None => return Err(format!("the relay has no route for the topic {}", letter.destination)),
        };
        let (uri, body) = match &self.begin {
            Some(uri) => (uri.clone(), Bytes::from(self.begin(letter, destination)?)),
            None => {
                let uri = destination.parse().map_err(|error| format!("{destination}: {error}"))?;
                (uri, Bytes::from(letter.payload.clone()))
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.begin.is_none() {
            deliver(&mut headers, letter)?;
            if let Some(signature) = &self.signature {
                let signed = signature.of_post((&uri, &headers), &body)?;
                headers.insert(SIGNATURE, signed);
            }
        } else if let Some(token) = &self.authorization {
            headers.insert(AUTHORIZATION, token.clone());
        }
        let mut request = Request::post(uri).body(Full::new(body)).map_err(|error| error.to_string())?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn begin(&self, letter: &Letter, destination: &str) -> Result<Vec<u8>, String> {
        let json = |error: serde_json::Error| format!("the row holds no JSON: {error}");
        let wait = match self.awaited(letter) {
            Awaited::Acceptance => Duration::ZERO,
            Awaited::Delivery => self.timeout / 2,
        };
        let branch = Branch {
            id: DELIVER,
            kind: "call",
            deliver: destination,
            body: serde_json::from_slice(&letter.payload).map_err(json)?,
            headers: serde_json::from_str(&letter.headers).map_err(json)?,
        };
        let begin = Begin {
            id: &letter.message_id,
            pattern: "message",
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(0),
            branches: [branch],
        };
        serde_json::to_vec(&begin).map_err(json)
    }

    fn awaited(&self, letter: &Letter) -> Awaited {
        match (&self.target, self.order, &letter.key) {
            (Target::Destinations, _, _) | (Target::Server(_), Order::Delivered, Some(_)) => {
                Awaited::Delivery
            }
            (Target::Server(_), _, _) => Awaited::Acceptance,
        }
    }

    fn left(&self, place: &str) -> Option<Duration> {
        let mut pauses = self.lock();
        let left = pauses.get(place)?.checked_duration_since(Instant::now());
        if left.is_none() {
            pauses.remove(place);
        }
        left
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The header with the token; it is shown nowhere.
fn bearer(token: &str) -> Result<HeaderValue, SettingsFault> {
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    let mut header = header.map_err(|_| SettingsFault("the token cannot be sent".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The headers of a deliver call, and the message's own.
fn deliver(headers: &mut HeaderMap, letter: &Letter) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("a header can't be sent: {error}");
    let own: BTreeMap<String, String> =
        serde_json::from_str(&letter.headers).map_err(|error| wrong(&error))?;
    for (name, value) in own {
        let name = HeaderName::try_from(name).map_err(|error| wrong(&error))?;
        headers.insert(name, HeaderValue::try_from(value).map_err(|error| wrong(&error))?);
    }
    let attempt = letter.attempts.saturating_add(1).to_string();
    let identity = [
        (TRANSACTION, letter.message_id.as_str()),
        (BRANCH, DELIVER),
        (OPERATION, DELIVER),
        (ATTEMPT, &attempt),
    ];
    for (name, value) in identity {
        headers.insert(name, HeaderValue::try_from(value).map_err(|error| wrong(&error))?);
    }
    Ok(())
}

fn place(uri: &Uri) -> String {
    uri.authority().map(ToString::to_string).unwrap_or_default()
}

/// An error with what caused it: hyper-util's own words say only that something failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::Server;
    use super::*;

    #[test]
    fn the_token_is_not_shown() {
        let server = Server { url: "http://127.0.0.1:1".into(), token: Some("a-token-of-ours".into()) };
        let settings =
            Settings { signature: Some(Signature::new("of-ours")), ..Settings::new(Target::Server(server)) };
        let shown = format!("{:?}", Post::new(&settings).unwrap());
        assert!(shown.contains("Sensitive") && !shown.contains("of-ours"), "{shown}");
    }
}
