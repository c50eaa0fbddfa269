//! The raw limit of `await`: an axum handler that reads the same bodies and answers the same bytes, and does nothing.
//!
//! Read next: `workload/await_branch.rs`.

use std::path::PathBuf;

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::post;
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::limit::listen;

/// The answers to give.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File with the answer to a begin
    #[arg(long)]
    pub(crate) begin: PathBuf,
    /// File with the answer to a signal
    #[arg(long)]
    pub(crate) signal: PathBuf,
}

/// Serves as a process of its own.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (begin, signal) = (std::fs::read(&args.begin)?, std::fs::read(&args.signal)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    listen::until_input_closes(&runtime, |listener| serve(listener, begin.into(), signal.into()))
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, begin: Bytes, signal: Bytes) -> anyhow::Result<()> {
    let kept = async move |_: Bytes| answer(StatusCode::ACCEPTED, begin.clone());
    let signalled = async move |_: Bytes| answer(StatusCode::OK, signal.clone());
    let router = Router::new()
        .route("/v1/transactions", post(kept))
        .route("/v1/transactions/{id}/branches/{branch}/signal", post(signalled));
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| {
        // Without it the last bytes of an answer may wait; not being able to is no reason to stop.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

pub(super) type Fixed = (StatusCode, [(HeaderName, &'static str); 2], Bytes);

pub(super) fn answer(status: StatusCode, body: Bytes) -> Fixed {
    let sequence = HeaderName::from_static("tercet-sequence");
    (status, [(header::CONTENT_TYPE, "application/json"), (sequence, "1000000")], body)
}
