//! Serves until it is told to stop, then finishes what it holds.

use std::future::Future;
use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGTERM or SIGINT; then takes no new connection, finishes the calls under way, and returns.
///
/// # Errors
/// The listener, or signals that can't be listened to.
pub async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    serve_until(listener, router, async move {
        tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
    })
    .await
}

/// As [`serve`], until `stop` is ready.
///
/// # Errors
/// The listener.
pub async fn serve_until(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
