//! A way to the server that breaks when it is told to: the request arrives, its answer does not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long the server has to take in what it will not be heard about.
const TAKEN_IN: Duration = Duration::from_millis(300);

/// A proxy of bytes on the loopback.
pub(crate) struct Cutter {
    pub(crate) address: SocketAddr,
    switch: Arc<Switch>,
}

#[derive(Default)]
struct Switch {
    armed: AtomicBool,
    cuts: AtomicUsize,
}

impl Cutter {
    /// In front of a server.
    pub(crate) async fn before(server: SocketAddr) -> Cutter {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let switch = Arc::new(Switch::default());
        let shared = Arc::clone(&switch);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, server, Arc::clone(&shared)));
            }
        });
        Cutter { address, switch }
    }

    /// Cuts the next request's connection before a byte of the answer has passed.
    pub(crate) fn arm(&self) {
        self.switch.armed.store(true, Ordering::SeqCst);
    }

    /// How many were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.switch.cuts.load(Ordering::SeqCst)
    }
}

async fn pass(mut near: TcpStream, server: SocketAddr, switch: Arc<Switch>) -> std::io::Result<()> {
    let mut far = TcpStream::connect(server).await?;
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => {
                let bytes = &asked[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                far.write_all(bytes).await?;
                if switch.armed.swap(false, Ordering::SeqCst) {
                    tokio::time::sleep(TAKEN_IN).await;
                    switch.cuts.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
            }
            read = far.read(&mut answered) => {
                let bytes = &answered[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                near.write_all(bytes).await?;
            }
        }
    }
}
