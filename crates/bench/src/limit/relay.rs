//! The raw limit of `http-call`: takes the same request, makes the same four calls, answers the same bytes.
//!
//! Two tries in parallel, then two confirms in parallel, with the HTTP client that the coordinator uses. It reads no
//! JSON, keeps nothing and decides nothing. Read next: `workload/http_call.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::limit::listen;

/// Whom to call and what to answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the participant
    #[arg(long)]
    pub(crate) participant: SocketAddr,
    /// File with the answer to give
    #[arg(long)]
    pub(crate) answer: PathBuf,
}

/// Serves as a process of its own.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let answer = std::fs::read(&args.answer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    listen::until_input_closes(&runtime, |listener| serve(listener, args.participant, answer.into()))
}

/// Serves for ever.
pub(crate) async fn serve(
    listener: TcpListener,
    participant: SocketAddr,
    answer: Bytes,
) -> anyhow::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let uri = |operation: &str| format!("http://{participant}/{operation}").parse::<Uri>();
    let relay = Arc::new(Relay {
        caller: Client::builder(TokioExecutor::new()).build(connector),
        attempt: uri("try")?,
        confirm: uri("confirm")?,
        answer,
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let relay = Arc::clone(&relay);
        tokio::spawn(async move {
            let service = service_fn(move |request| Arc::clone(&relay).handle(request));
            // Ends with an error when the caller hangs up in the midst: an everyday end.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

struct Relay {
    caller: Client<HttpConnector, Full<Bytes>>,
    attempt: Uri,
    confirm: Uri,
    answer: Bytes,
}

impl Relay {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
        request.into_body().collect().await?;
        let (stock, points) =
            tokio::join!(self.call(&self.attempt, "try", 1), self.call(&self.attempt, "try", 2));
        let tried = stock.and(points);
        let settled = match tried {
            Ok(()) => {
                let (stock, points) = tokio::join!(
                    self.call(&self.confirm, "confirm", 1),
                    self.call(&self.confirm, "confirm", 2)
                );
                stock.and(points)
            }
            refused => refused,
        };
        let (status, body) = match settled {
            Ok(()) => (StatusCode::OK, self.answer.clone()),
            Err(error) => (StatusCode::BAD_GATEWAY, Bytes::from(format!("{error:#}"))),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }

    /// One call, with the headers that the coordinator sends.
    async fn call(&self, uri: &Uri, operation: &'static str, branch: u8) -> anyhow::Result<()> {
        let request = Request::post(uri.clone())
            .header("tercet-transaction", "r0-0-100000")
            .header("tercet-branch", if branch == 1 { "stock" } else { "points" })
            .header("tercet-operation", operation)
            .header("tercet-attempt", "1")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("user-agent", concat!("tercet/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from_static(crate::workload::http_call::BRANCH_BODY)))?;
        let response = self.caller.request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        anyhow::ensure!(status == StatusCode::OK, "the participant answered {status}");
        Ok(())
    }
}
