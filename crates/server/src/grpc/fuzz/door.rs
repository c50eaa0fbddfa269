//! The listener's door without a socket: one for many requests, made anew before what was kept grows large.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use engine::Running;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use super::super::{Listening, health, routes};
use super::in_memory;
use crate::http::Serving;
use crate::listen::{Config, Running as Goes};

/// Requests, and bytes of them, before the engine behind the door is made anew.
const REQUESTS: usize = 5_000;
const BYTES: usize = 16 * 1024 * 1024;
/// An answer comes at once, or never.
const AT_ONCE: Duration = Duration::from_secs(8);
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A request as it comes in.
pub(super) struct Asked {
    pub(super) path: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) frames: Vec<Bytes>,
    pub(super) cut: bool,
}

/// An answer as it goes out.
pub(super) struct Answered {
    pub(super) head: http::response::Parts,
    pub(super) trailers: HeaderMap,
    pub(super) data: Bytes,
}

struct Door {
    runtime: Runtime,
    listening: Listening,
    running: Running,
    _under_way: mpsc::Sender<Infallible>,
    _goes: watch::Sender<Goes>,
    requests: usize,
    bytes: usize,
}

static DOOR: Mutex<Option<Door>> = Mutex::new(None);

/// Asks at the door, which is opened where there is none.
pub(super) fn ask(asked: Asked) -> Answered {
    let mut standing = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
    let door = standing.get_or_insert_with(|| Door::open(in_memory::engine()));
    door.requests += 1;
    door.bytes += asked.frames.iter().map(Bytes::len).sum::<usize>();
    let answered = door.ask(asked);
    let is_worn = door.requests >= REQUESTS || door.bytes >= BYTES;
    if let Some(door) = standing.take_if(|_| is_worn) {
        drop((door.listening, door.runtime));
        door.running.stop();
    }
    answered
}

impl Door {
    fn open(running: Running) -> Door {
        let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = built.expect("a runtime can be made");
        let nowhere = SocketAddr::new(FROM, 0);
        let (goes, stopping) = watch::channel(Goes::Yes);
        let config = Config::new(nowhere, nowhere);
        let serving = Serving::new(config, running.engine.clone(), Default::default(), stopping);
        let health = runtime.block_on(health::Told::of(&running.engine));
        let (under_way, _) = mpsc::channel(1);
        let routes = routes(&health);
        let listening = Listening { serving, all: Arc::default(), under_way: under_way.downgrade(), routes };
        Door { runtime, listening, running, _under_way: under_way, _goes: goes, requests: 0, bytes: 0 }
    }

    fn ask(&self, asked: Asked) -> Answered {
        let mut request = http::Request::post(asked.path);
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        let body = Pieces { left: asked.frames.into(), cut: asked.cut };
        let request = request.body(body).expect("path and headers are ours");
        let listening = self.listening.clone();
        let path = asked.path;
        let answer = async {
            let (head, body) = listening.respond(FROM, request).await.into_parts();
            let gathered = body.collect().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
            let trailers = gathered.trailers().cloned().unwrap_or_default();
            Answered { head, trailers, data: gathered.to_bytes() }
        };
        let answer = self.runtime.block_on(async { tokio::time::timeout(AT_ONCE, answer).await });
        answer.unwrap_or_else(|_| panic!("{path}: no answer within {AT_ONCE:?}"))
    }
}

/// A body in pieces, at whose end the peer may be gone.
struct Pieces {
    left: VecDeque<Bytes>,
    cut: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(piece) = self.left.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if std::mem::take(&mut self.cut) {
            // As a stream that is reset by its peer is seen.
            return Poll::Ready(Some(Err(Status::cancelled("the peer is gone"))));
        }
        Poll::Ready(None)
    }
}
