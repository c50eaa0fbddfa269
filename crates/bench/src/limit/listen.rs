//! What the helping processes share: a port, a ready line, an end.
//!
//! Read next: `participant.rs`.

use std::future::Future;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Listens on a free loopback port, says `ready HOST:PORT`, and serves until standard input closes, so that it
/// cannot outlive the measurement.
pub(crate) fn until_input_closes<F>(
    runtime: &Runtime,
    serve: impl FnOnce(TcpListener) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        println!("ready {}", listener.local_addr()?);
        serve(listener).await
    })
}
