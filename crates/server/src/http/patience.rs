//! A connection with bounded patience: for the first request, for the rest of its head, for the next request, and for
//! a peer that takes no answer. So a peer that is slow on purpose holds a connection for a bounded time only.
//!
//! One timer a connection, moved only when it rings too early: a busy connection pays nothing for it. The time that a
//! body may take is bounded where bodies are read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::limits::HttpLimits;

/// What a connection is doing, as far as the one who answers its requests knows, and since when.
#[derive(Clone)]
pub(crate) struct Doing(Arc<Told>);

struct Told {
    start: Instant,
    /// The lowest two bits say what, the others since when, in milliseconds after the start.
    word: AtomicU64,
}

/// The head of a request is on its way.
const HEAD: u64 = 0;
/// A request is being answered.
const BUSY: u64 = 1;
/// The answer is given; the next request has not begun.
const IDLE: u64 = 2;

impl Doing {
    /// A connection that was just opened.
    pub(crate) fn opened() -> Doing {
        Doing(Arc::new(Told { start: Instant::now(), word: AtomicU64::new(HEAD) }))
    }

    /// A request has arrived.
    pub(crate) fn busy(&self) {
        self.tell(BUSY);
    }

    /// Its answer is given.
    pub(crate) fn idle(&self) {
        self.tell(IDLE);
    }

    fn tell(&self, what: u64) {
        let since = u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(u64::MAX >> 2);
        self.0.word.store(since << 2 | what, Ordering::Relaxed);
    }

    fn now(&self) -> (u64, Instant) {
        let word = self.0.word.load(Ordering::Relaxed);
        (word & 3, self.0.start + Duration::from_millis(word >> 2))
    }
}

/// A stream that gives up on a peer that is too slow.
pub(crate) struct Patient<S> {
    stream: S,
    doing: Doing,
    limits: Spans,
    /// Since when the peer has taken nothing of what is to be written.
    stalled: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy)]
struct Spans {
    head: Duration,
    idle: Duration,
    stall: Duration,
}

impl<S> Patient<S> {
    /// Wraps a fresh connection.
    pub(crate) fn new(stream: S, doing: Doing, limits: &HttpLimits) -> Patient<S> {
        let limits = Spans {
            head: Duration::from_millis(limits.header_timeout_ms),
            idle: Duration::from_millis(limits.idle_timeout_ms),
            stall: Duration::from_millis(limits.body_timeout_ms),
        };
        let alarm = Box::pin(tokio::time::sleep(limits.head));
        Patient { stream, doing, limits, stalled: None, alarm }
    }

    /// Nothing came: is it time to give up?
    fn waits_for_request(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (doing, since) = self.doing.now();
        match doing {
            // The connection may not look here again when the answer is given, so the alarm is kept going.
            BUSY => self.rings(context, Instant::now() + self.limits.idle),
            IDLE => self.rings(context, since + self.limits.idle),
            _ => self.rings(context, since + self.limits.head),
        }
    }

    /// Nothing was taken: is it time to give up?
    fn waits_for_taking(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let since = *self.stalled.get_or_insert_with(Instant::now);
        self.rings(context, since + self.limits.stall)
    }

    /// Whether `deadline` has passed; if not, the alarm wakes the connection by then.
    fn rings(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<io::Error> {
        if self.alarm.deadline() > deadline {
            self.alarm.as_mut().reset(deadline);
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn came(&mut self) {
        if self.doing.now().0 == IDLE {
            self.doing.tell(HEAD);
        }
    }

    fn taken<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match poll {
            Poll::Ready(result) => {
                self.stalled = None;
                Poll::Ready(result)
            }
            Poll::Pending => self.waits_for_taking(context).map(Err),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    self.came();
                }
                Poll::Ready(result)
            }
            Poll::Pending => Poll::Ready(Err(ready!(self.waits_for_request(context)))),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.taken(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.taken(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.taken(context, poll)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn connection(room: usize) -> (Patient<DuplexStream>, DuplexStream, Doing) {
        let limits = HttpLimits {
            header_timeout_ms: 10_000,
            idle_timeout_ms: 75_000,
            body_timeout_ms: 30_000,
            ..HttpLimits::default()
        };
        let (ours, theirs) = duplex(room);
        let doing = Doing::opened();
        (Patient::new(ours, doing.clone(), &limits), theirs, doing)
    }

    async fn seconds_until_given_up(stream: &mut Patient<DuplexStream>) -> u64 {
        let began = Instant::now();
        loop {
            match stream.read(&mut [0; 16]).await {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    return began.elapsed().as_secs();
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_comes_is_given_up() {
        let (mut stream, _peer, _) = connection(64);
        assert_eq!(seconds_until_given_up(&mut stream).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_byte_by_byte_is_given_up() {
        let (mut stream, mut peer, _) = connection(64);
        let drip = tokio::spawn(async move {
            while peer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(seconds_until_given_up(&mut stream).await, 10);
        drop(stream);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_longer_until_the_next_head_begins() {
        let (mut stream, mut peer, doing) = connection(64);
        doing.busy();
        doing.idle();
        assert_eq!(seconds_until_given_up(&mut stream).await, 75);
        doing.idle();
        peer.write_all(b"POST").await.unwrap();
        assert_eq!(seconds_until_given_up(&mut stream).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_not_bounded_here() {
        let (mut stream, _peer, doing) = connection(64);
        doing.busy();
        let read = tokio::time::timeout(Duration::from_secs(3600), stream.read_u8()).await;
        assert!(read.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (mut stream, mut peer, doing) = connection(4);
        doing.busy();
        let began = Instant::now();
        let error = stream.write_all(b"an answer").await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
        let mut taken = [0; 4];
        peer.read_exact(&mut taken).await.unwrap();
        assert!(stream.write_all(b"ok").await.is_ok(), "whoever takes again is served again");
    }
}
