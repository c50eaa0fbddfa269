//! The coordinator over HTTP and JSON.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::{Account, Batch, Config, Fault, Outcomes, Refused, Retry, json};

/// What needs no escape in a path or a query.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The coordinator over HTTP. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    connections: Connections<HttpConnector, Full<Bytes>>,
    /// `http://HOST:PORT`.
    base: String,
    authorization: Option<HeaderValue>,
    retry: Retry,
}

/// An answer of the kind 2xx.
struct Answered {
    sequence: u64,
    text: String,
}

impl Http {
    /// Gets ready; connects when something is asked.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn open(config: Config) -> Result<Http, Fault> {
        let base = config.url.trim_end_matches('/').to_owned();
        let uri: http::Uri = base.parse().map_err(|error| Fault::Setting(format!("{base}: {error}")))?;
        if uri.host().is_none() || !matches!(uri.path(), "" | "/") {
            return Err(Fault::Setting(format!("{base} is not http://HOST:PORT")));
        }
        let header = config.token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let authorization =
            header.transpose().map_err(|_| Fault::Setting("the token cannot be sent".into()))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let connections = Connections::builder(TokioExecutor::new()).build(connector);
        Ok(Http { connections, base, authorization, retry: config.retry })
    }

    /// See [`super::Client::change`].
    ///
    /// # Errors
    /// When the batch is refused as a whole, or nobody answers for as long as it is repeated.
    pub async fn change(&self, batch: &Batch) -> Result<Outcomes, Fault> {
        let body = Bytes::from(json::batch(batch)?);
        let answered = self.ask(Method::POST, "/v1/batches", &body).await?;
        json::outcomes(&answered.text, answered.sequence)
    }

    /// See [`super::Client::account`].
    ///
    /// # Errors
    /// `account_unknown`; or nobody answers.
    pub async fn account(&self, id: &str) -> Result<Account, Fault> {
        let path = format!("/v1/accounts/{}", in_path(id));
        json::account(&self.ask(Method::GET, &path, &Bytes::new()).await?.text)
    }

    /// What is answered to any request that may be repeated.
    pub(super) async fn text(&self, method: Method, path: &str, body: &Bytes) -> Result<String, Fault> {
        Ok(self.ask(method, path, body).await?.text)
    }

    async fn ask(&self, method: Method, path: &str, body: &Bytes) -> Result<Answered, Fault> {
        self.retry.repeated(|| self.ask_once(method.clone(), path, body.clone())).await
    }

    async fn ask_once(&self, method: Method, path: &str, body: Bytes) -> Result<Answered, Fault> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request =
            request.body(Full::new(body)).map_err(|error| Fault::Setting(format!("{path}: {error}")))?;
        let asked = async {
            let gone = |error: &dyn std::fmt::Display| Fault::Unreachable(error.to_string());
            let response = self.connections.request(request).await.map_err(|error| gone(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| gone(&error))?;
            let text = String::from_utf8(body.to_bytes().into())
                .map_err(|_| Fault::Misunderstood("an answer that is not UTF-8".into()))?;
            answered(head.status, &head.headers, text)
        };
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Unreachable(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
        }
    }
}

/// Anything, as one segment of a path or one value of a query.
pub(super) fn in_path(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, IN_PATH)
}

fn answered(status: StatusCode, headers: &HeaderMap, text: String) -> Result<Answered, Fault> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    if status.is_success() {
        return Ok(Answered { sequence: number("tercet-sequence").unwrap_or_default(), text });
    }
    let Some((code, detail, at)) = json::problem(&text) else {
        // Not ours: of a proxy on the way, say.
        return Err(Fault::Unreachable(format!("{status}")));
    };
    let retry_after = number(RETRY_AFTER.as_str()).map(Duration::from_secs);
    let status = Some(status.as_u16());
    Err(Fault::Refused(Box::new(Refused { code, detail, at, status, retry_after })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, headers: &HeaderMap, text: &str) -> Fault {
        answered(StatusCode::from_u16(status).unwrap(), headers, text.to_owned()).err().unwrap()
    }

    #[test]
    fn a_refusal_is_told_from_a_broken_way() {
        let problem = r#"{"status":503,"code":"overloaded","detail":"full","title":"t","type":"u"}"#;
        let mut headers = HeaderMap::new();
        assert!(!fault(404, &headers, problem).is_passing());
        headers.insert(RETRY_AFTER, 2.into());
        let overloaded = fault(503, &headers, problem);
        assert_eq!((overloaded.code(), overloaded.wait()), (Some("overloaded"), Duration::from_secs(2)));
        assert!(overloaded.is_passing());
        assert!(matches!(fault(502, &headers, "<html>"), Fault::Unreachable(_)));
    }

    #[test]
    fn settings_without_sense_are_named() {
        let open = |url: &str, token: Option<&str>| {
            Http::open(Config { url: url.into(), token: token.map(Into::into), retry: Retry::default() })
        };
        assert!(open("http://127.0.0.1:1/", Some("secret")).is_ok());
        assert!(matches!(open("http://127.0.0.1:1/v1", None), Err(Fault::Setting(_))));
        assert!(matches!(open("http://127.0.0.1:1", Some("a\nb")), Err(Fault::Setting(_))));
    }
}
