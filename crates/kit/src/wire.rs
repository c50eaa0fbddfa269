//! HTTP out: one request, one answer, within a bound; at once or slowly.
//!
//! A request is sent once: whether to ask again is `stage.rs`'s to say. Read next: `raw.rs` for callers that hang up.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderValue;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Sleep, sleep, timeout};

use crate::answer::Answer;
use crate::figures::Figures;

/// More of an answer is not read.
const ANSWER_MAX: usize = 1024 * 1024;

/// A slow body comes in so many pieces.
const PIECES: usize = 8;

/// A POST.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) uri: Uri,
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Post {
    /// Sets a header in the place of any other of its name, or takes it out.
    pub(crate) fn put(&mut self, name: &'static str, value: Option<HeaderValue>) {
        self.headers.retain(|(own, _)| *own != name);
        self.headers.extend(value.map(|value| (name, value)));
    }
}

/// How fast a body is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Between the headers and the body.
    pub(crate) pause: Duration,
    /// Between the pieces of the body.
    pub(crate) each: Duration,
}

/// Connections, kept open between calls.
#[derive(Clone)]
pub(crate) struct Wire {
    pool: Client<HttpConnector, Payload>,
    within: Duration,
}

impl Wire {
    pub(crate) fn new(within: Duration) -> Wire {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(within));
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(2))
            .build(connector);
        Wire { pool, within }
    }

    /// The answer to a POST.
    pub(crate) async fn post(&self, post: &Post, pace: Pace) -> Answer {
        let mut request = Request::new(Payload::new(post.body.clone(), pace));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = post.uri.clone();
        request.headers_mut().extend(
            post.headers
                .iter()
                .map(|(name, value)| (hyper::header::HeaderName::from_static(name), value.clone())),
        );
        self.exchange(request).await
    }

    /// What the probe says.
    pub(crate) async fn figures(&self, uri: &Uri) -> Result<Figures, String> {
        let mut request = Request::new(Payload::new(Bytes::new(), Pace::default()));
        *request.uri_mut() = uri.clone();
        match self.exchange(request).await {
            Answer::Heard { status, body } if status.is_success() => Figures::read(&body),
            other => Err(other.words()),
        }
    }

    async fn exchange(&self, request: Request<Payload>) -> Answer {
        let whole = async {
            let answer = self.pool.request(request).await.map_err(|fault| chain(&fault))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|fault| fault.to_string())?;
            Ok(Answer::Heard { status: head.status, body: body.to_bytes() })
        };
        match timeout(self.within, whole).await {
            Ok(answer) => answer.unwrap_or_else(Answer::None),
            Err(_) => Answer::None(format!("not within {} ms", self.within.as_millis())),
        }
    }
}

/// A fault with its causes.
fn chain(fault: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(fault.source(), |fault| fault.source());
    causes.fold(fault.to_string(), |said, cause| format!("{said}: {cause}"))
}

/// A body that may take its time.
struct Payload {
    rest: Bytes,
    piece: usize,
    each: Duration,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Payload {
    fn new(rest: Bytes, pace: Pace) -> Payload {
        let is_slow = pace.pause + pace.each > Duration::ZERO;
        let piece = if is_slow { rest.len().div_ceil(PIECES).max(1) } else { rest.len() };
        Payload { rest, piece, each: pace.each, pause: is_slow.then(|| Box::pin(sleep(pace.pause))) }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let each = self.each;
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            pause.set(sleep(each));
        }
        let piece = self.piece.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
