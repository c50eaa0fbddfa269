//! The raw limit of `ledger-http` and `order`: an axum handler that reads any body and answers the same bytes each time.
//!
//! Read next: `workload/ledger/http.rs`.

use std::path::PathBuf;

use axum::Router;
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::limit::{listen, noop};

/// The answer to give.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File with the answer to everything
    #[arg(long)]
    pub(crate) answer: PathBuf,
}

/// Serves as a process of its own.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let same = std::fs::read(&args.answer)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    listen::until_input_closes(&runtime, |listener| serve(listener, same.into()))
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, same: Bytes) -> anyhow::Result<()> {
    let router = Router::new().fallback(async move |_: Bytes| noop::answer(StatusCode::OK, same.clone()));
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| {
        // Without it the last bytes of an answer may wait; not being able to is no reason to stop.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
