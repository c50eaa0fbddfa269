//! A scripted participant on loopback: hears whole requests, answers what the test says, counts everything.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a participant does with each connection; gives up at the first error, which is the coordinator's closing.
pub(crate) enum Act {
    /// Answers every request with these bytes, connection after connection.
    Answer(String),
    /// Answers the first request of every connection, hears the second and closes.
    AnswerOnce(String),
    /// Hears a request and closes.
    Close,
    /// Hears a request and never answers.
    Silence,
    /// Hears a request, writes the first, then the second for ever.
    Endless(String, Vec<u8>),
    /// Hears a request, writes the first, then a byte every so often.
    Drip(String, Duration),
}

pub(crate) struct Participant {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    written: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Participant {
    pub(crate) async fn start(act: Act) -> Self {
        Participant::start_at("127.0.0.1:0".parse().unwrap(), act).await
    }

    pub(crate) async fn start_at(address: SocketAddr, act: Act) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (seen, act) = (Arc::new(Seen::default()), Arc::new(act));
        let participant = Participant { address: listener.local_addr().unwrap(), seen: Arc::clone(&seen) };
        accept(listener, seen.clone(), move |stream| play(Arc::clone(&act), Arc::clone(&seen), stream));
        participant
    }

    pub(crate) async fn start_tls(acceptor: tokio_rustls::TlsAcceptor, answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (seen, act) = (Arc::new(Seen::default()), Arc::new(Act::Answer(answer)));
        let participant = Participant { address: listener.local_addr().unwrap(), seen: Arc::clone(&seen) };
        accept(listener, seen.clone(), move |stream| {
            let (acceptor, act, seen) = (acceptor.clone(), Arc::clone(&act), Arc::clone(&seen));
            async move { play(act, seen, acceptor.accept(stream).await?).await }
        });
        participant
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Bytes that the endless ones got rid of.
    pub(crate) fn written(&self) -> usize {
        self.seen.written.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

fn accept<F>(listener: TcpListener, seen: Arc<Seen>, serve: impl Fn(TcpStream) -> F + Send + 'static)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
}

async fn play<S>(act: Arc<Act>, seen: Arc<Seen>, mut stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let request = hear(&mut stream).await?;
        seen.requests.lock().unwrap().push(request);
        match &*act {
            Act::Answer(answer) => stream.write_all(answer.as_bytes()).await?,
            Act::AnswerOnce(answer) => {
                stream.write_all(answer.as_bytes()).await?;
                let request = hear(&mut stream).await?;
                seen.requests.lock().unwrap().push(request);
                return Ok(());
            }
            Act::Close => return Ok(()),
            Act::Silence => std::future::pending().await,
            Act::Endless(head, part) => {
                stream.write_all(head.as_bytes()).await?;
                loop {
                    seen.written.fetch_add(stream.write(part).await?, Ordering::SeqCst);
                }
            }
            Act::Drip(head, every) => {
                stream.write_all(head.as_bytes()).await?;
                loop {
                    tokio::time::sleep(*every).await;
                    stream.write_all(b"a").await?;
                }
            }
        }
    }
}

/// One whole request: head, and as much body as it announces.
async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut heard = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok(text);
            }
        }
        if stream.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// An HTTP answer with a body of known length.
pub(crate) fn answer(code: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
