//! The trivial participant: it answers every call with the same small JSON object at once, and counts.
//!
//! Both sides of `http-call` call it. It has no books and no barrier, so it costs as little as one can.
//! Read next: `relay.rs`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::limit::listen;

const ANSWER: &[u8] = br#"{"ok":true}"#;

/// Serves as a process of its own.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    listen::until_input_closes(&runtime, serve)
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let calls = Arc::new(AtomicU64::new(0));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let calls = Arc::clone(&calls);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&calls)));
            // Ends with an error when the caller hangs up in the midst: an everyday end.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    calls: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.uri().path() == "/count" {
        Bytes::from(calls.load(Ordering::Relaxed).to_string())
    } else {
        // A body that breaks off is a caller gone; the answer goes nowhere then.
        let _ = request.into_body().collect().await;
        calls.fetch_add(1, Ordering::Relaxed);
        Bytes::from_static(ANSWER)
    };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
