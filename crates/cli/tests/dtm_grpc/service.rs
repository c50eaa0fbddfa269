//! A participant of DTM's protocol over gRPC, written out over HTTP/2: any path, raw bytes, a status as a test wants it.
//!
//! It knows no message of any service: what came is kept as it came.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::support::until;

/// What the participant answers: a status with its words, at once or later.
#[derive(Clone, Debug)]
pub struct Says {
    status: u16,
    words: &'static str,
    after: Duration,
}

pub fn says(status: u16, words: &'static str) -> Says {
    Says { status, words, after: Duration::ZERO }
}

pub fn done() -> Says {
    says(0, "")
}

/// ABORTED: it failed.
pub fn failure() -> Says {
    says(10, "sold out")
}

/// FAILED_PRECONDITION: it goes on.
pub fn ongoing() -> Says {
    says(9, "")
}

pub fn slow(ms: u64) -> Says {
    Says { after: Duration::from_millis(ms), ..done() }
}

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// `/package.Service/Method`.
    pub path: String,
    /// Names in lower case, as HTTP/2 has them.
    pub metadata: HashMap<String, String>,
    /// The message without its five bytes of frame.
    pub payload: Vec<u8>,
    pub began: Instant,
}

impl Heard {
    /// A value of the metadata; "" when it is not there.
    pub fn says(&self, name: &str) -> &str {
        self.metadata.get(name).map_or("", String::as_str)
    }

    /// `METHOD op branch`.
    pub fn told(&self) -> String {
        let method = self.path.rsplit('/').next().unwrap();
        format!("{method} {} {}", self.says("dtm-op"), self.says("dtm-branch_id"))
    }
}

#[derive(Default)]
struct Books {
    heard: Vec<Heard>,
    script: HashMap<String, Vec<Says>>,
}

/// A participant on a free port; it ends with the process of the test.
pub struct Service {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
}

impl Service {
    pub fn start() -> Service {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let books = Arc::<Mutex<Books>>::default();
        let shared = Arc::clone(&books);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, shared));
        });
        Service { address, books }
    }

    /// `host:port/shop.Shop/METHOD`, as DTM writes an address of gRPC.
    pub fn url(&self, method: &str) -> String {
        format!("{}/shop.Shop/{method}", self.address)
    }

    /// The address of any path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Answers this method so, one after another; the last answer is repeated. Without a script all goes well.
    pub fn answers<const N: usize>(&self, method: &str, answers: [Says; N]) {
        self.lock().script.insert(method.to_owned(), answers.to_vec());
    }

    /// All calls so far, in the order in which they came.
    pub fn heard(&self) -> Vec<Heard> {
        self.lock().heard.clone()
    }

    pub fn told(&self) -> Vec<String> {
        self.heard().iter().map(Heard::told).collect()
    }

    /// The calls of one method.
    pub fn to(&self, method: &str) -> Vec<Heard> {
        let is_it = |heard: &Heard| heard.path.rsplit('/').next() == Some(method);
        self.heard().into_iter().filter(is_it).collect()
    }

    /// Waits until this method was called so often.
    pub fn wait(&self, method: &str, calls: usize) -> Vec<Heard> {
        until(&format!("{calls} calls of {method}"), || {
            Some(self.to(method)).filter(|heard| heard.len() >= calls)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

async fn serve(listener: std::net::TcpListener, books: Arc<Mutex<Books>>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let books = Arc::clone(&books);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&books)));
            // A server that is killed hangs up in the midst.
            let _ = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn answer(request: Request<Incoming>, books: Arc<Mutex<Books>>) -> Result<Answer, hyper::Error> {
    let (head, body) = request.into_parts();
    let message = body.collect().await?.to_bytes();
    let path = head.uri.path().to_owned();
    let method = path.rsplit('/').next().unwrap().to_owned();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let metadata = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let heard =
        Heard { path, metadata: metadata.collect(), payload: unframed(&message), began: Instant::now() };
    let says = {
        let mut books = books.lock().unwrap();
        books.heard.push(heard);
        match books.script.get_mut(&method) {
            Some(script) if script.len() > 1 => script.remove(0),
            Some(script) => script[0].clone(),
            None => done(),
        }
    };
    tokio::time::sleep(says.after).await;
    Ok(answered(&says))
}

/// One message, not compressed, and nothing behind it.
fn unframed(message: &[u8]) -> Vec<u8> {
    let (frame, payload) = message.split_at_checked(5).expect("five bytes before the message");
    assert_eq!(frame[0], 0, "compressed");
    assert_eq!(
        u32::from_be_bytes(frame[1..].try_into().unwrap()) as usize,
        payload.len(),
        "the frame's length"
    );
    payload.to_vec()
}

/// A success has a message and its status in the trailers; any other status stands in the head, as grpc servers do it.
fn answered(says: &Says) -> Answer {
    let mut status = HeaderMap::new();
    status.insert("grpc-status", says.status.into());
    status.insert("grpc-message", HeaderValue::from_static(says.words));
    let mut answer = match says.status {
        0 => {
            let trailers = async move { Some(Ok(status)) };
            Response::new(Full::new(Bytes::from_static(&[0; 5])).with_trailers(trailers).boxed())
        }
        _ => {
            let mut answer = Response::new(Empty::new().boxed());
            *answer.headers_mut() = status;
            answer
        }
    };
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    answer
}
