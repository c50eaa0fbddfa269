//! A service as users of DTM write them: it remembers every call, from its first byte to its answer, and answers by a script.
//!
//! A script belongs to a path; its last answer is repeated, and without a script everything succeeds. It knows no rule of the
//! protocol.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::until;

/// One call that came.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Without its query.
    pub path: String,
    /// Decoded, in the order of the URL.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// When all of it was there.
    pub began: Instant,
    /// When it was answered.
    pub ended: Option<Instant>,
}

impl Call {
    /// A value of the query; empty when it is not there.
    pub fn asked(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// `branch.op`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.asked("branch_id"), self.asked("op"))
    }

    /// `/path op branch`.
    pub fn told(&self) -> String {
        format!("{} {} {}", self.path, self.asked("op"), self.asked("branch_id"))
    }

    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// When it was answered, which it must be.
    pub fn end(&self) -> Instant {
        self.ended.unwrap_or_else(|| panic!("{} was not answered", self.path))
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 0: the connection is cut instead.
    status: u16,
    body: String,
    delay: Duration,
    gate: Option<Gate>,
}

/// Holds answers back until the test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Lets all answers go, now and from now on.
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn pass(&self) {
        let end = Instant::now() + super::super::PATIENCE;
        while !self.0.load(Ordering::Acquire) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Any status with any body.
pub fn says(status: u16, body: &str) -> Answer {
    Answer { status, body: body.to_owned(), delay: Duration::ZERO, gate: None }
}

/// 200, as the clients of DTM say it.
pub fn ok() -> Answer {
    says(200, r#"{"dtm_result":"SUCCESS"}"#)
}

/// 409, as the clients of DTM say it.
pub fn failure(reason: &str) -> Answer {
    says(409, &json!({ "dtm_result": "FAILURE", "message": reason }).to_string())
}

/// 425, as the clients of DTM say it.
pub fn ongoing() -> Answer {
    says(425, r#"{"dtm_result":"ONGOING"}"#)
}

/// No answer, after the call did whatever it did.
pub fn cut() -> Answer {
    says(0, "")
}

impl Answer {
    /// The same, so much later.
    pub fn after_ms(self, ms: u64) -> Answer {
        Answer { delay: Duration::from_millis(ms), ..self }
    }

    /// The same, once the gate opens.
    pub fn behind(self, gate: &Gate) -> Answer {
        Answer { gate: Some(gate.clone()), ..self }
    }

    fn bytes(&self) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.status,
            self.body.len()
        );
        // 204 has no body.
        if self.status == 204 { b"HTTP/1.1 204 x\r\n\r\n".to_vec() } else { (head + &self.body).into_bytes() }
    }
}

#[derive(Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    scripts: Mutex<HashMap<String, VecDeque<Answer>>>,
    gone: AtomicBool,
}

/// A running service.
pub struct Shop {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Shop {
    /// Starts it on a free port.
    pub fn start() -> Shop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.gone.load(Ordering::Acquire) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Shop { address, shared }
    }

    /// Writes the answers to calls of a path, in order; the last one is repeated.
    pub fn answers(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        locked(&self.shared.scripts).insert(path.to_owned(), answers.into_iter().collect());
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The step of a saga with this name: `/NAME/action` and `/NAME/compensate`.
    pub fn step(&self, name: &str) -> Value {
        json!({ "action": self.url(&format!("/{name}/action")), "compensate": self.url(&format!("/{name}/compensate")) })
    }

    /// Every call so far, in the order of arrival.
    pub fn all_calls(&self) -> Vec<Call> {
        locked(&self.shared.calls).clone()
    }

    /// The calls of one path so far.
    pub fn calls(&self, path: &str) -> Vec<Call> {
        let mut calls = self.all_calls();
        calls.retain(|call| call.path == path);
        calls
    }

    /// The only call of a path.
    pub fn call(&self, path: &str) -> Call {
        let mut calls = self.calls(path);
        assert_eq!(calls.len(), 1, "{path} was called {} times", calls.len());
        calls.remove(0)
    }

    /// The order in which calls came, as `branch.op`.
    pub fn order(&self) -> Vec<String> {
        self.all_calls().iter().map(Call::name).collect()
    }

    /// The same with their paths, as `/path op branch`.
    pub fn told(&self) -> Vec<String> {
        self.all_calls().iter().map(Call::told).collect()
    }

    /// Waits until at least `count` calls of a path have come.
    pub fn wait_calls(&self, path: &str, count: usize) -> Vec<Call> {
        until(&format!("{count} calls of {path}"), || {
            Some(self.calls(path)).filter(|calls| calls.len() >= count)
        })
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
        // Wakes the accepting thread, which then ends and closes the listener.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn serve(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(call) = read_call(&mut reader) {
            let closes = call.headers.get("connection").is_some_and(|value| value == "close");
            let answer = self.next_answer(&call.path);
            let place = {
                let mut calls = locked(&self.calls);
                calls.push(call);
                calls.len() - 1
            };
            if let Some(gate) = &answer.gate {
                gate.pass();
            }
            std::thread::sleep(answer.delay);
            locked(&self.calls)[place].ended = Some(Instant::now());
            if answer.status == 0 || stream.write_all(&answer.bytes()).is_err() || closes {
                return;
            }
        }
    }

    fn next_answer(&self, path: &str) -> Answer {
        let mut scripts = locked(&self.scripts);
        match scripts.get_mut(path) {
            Some(script) if script.len() > 1 => script.pop_front().unwrap(),
            Some(script) => script.front().cloned().unwrap_or_else(ok),
            None => ok(),
        }
    }
}

fn read_call(reader: &mut impl BufRead) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Some(Call {
        method,
        path: path.to_owned(),
        query: query.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        headers,
        body,
        began: Instant::now(),
        ended: None,
    })
}

/// A part of a query without its escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = more.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
