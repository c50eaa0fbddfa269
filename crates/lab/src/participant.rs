//! A participant that follows a script and remembers every call. It has no barrier: whoever uses it looks at the calls
//! themselves. Read next: `answer.rs` (what a script can say).

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::{Answer, done};
use crate::patience::until;

/// One call that came, with what its headers and body say.
#[allow(missing_docs, reason = "each is the header or the part of the request of that name")]
#[derive(Clone, Debug)]
pub struct Call {
    pub transaction: String,
    pub branch: String,
    pub operation: String,
    pub attempt: u32,
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub text: String,
    pub body: Value,
    pub at: Instant,
}

type Key = (String, String);

#[derive(Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    scripts: Mutex<HashMap<Key, VecDeque<Answer>>>,
    gone: AtomicBool,
}

/// A running participant.
pub struct Participant {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Participant {
    /// Starts it on a free port; every call is answered 200 until a script says otherwise.
    pub fn start() -> Participant {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
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
        Participant { address, shared }
    }

    /// Writes the answers to calls of one branch and operation, in order; the last one is repeated.
    pub fn answers(&self, branch: &str, operation: &str, answers: impl IntoIterator<Item = Answer>) {
        let key = (branch.to_owned(), operation.to_owned());
        locked(&self.shared.scripts).insert(key, answers.into_iter().collect());
    }

    /// A `call` branch of a TCC transaction here.
    pub fn tcc(&self, branch: &str) -> Value {
        json!({
            "id": branch, "kind": "call",
            "try": self.url("try"), "confirm": self.url("confirm"), "cancel": self.url("cancel"),
        })
    }

    /// A `call` branch of a saga here.
    pub fn saga(&self, branch: &str) -> Value {
        json!({ "id": branch, "kind": "call", "action": self.url("action"), "compensate": self.url("compensate") })
    }

    /// A `call` branch of a message here.
    pub fn deliver(&self, branch: &str) -> Value {
        json!({ "id": branch, "kind": "call", "deliver": self.url("deliver") })
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Every call so far, in the order of arrival.
    pub fn all_calls(&self) -> Vec<Call> {
        locked(&self.shared.calls).clone()
    }

    /// The calls that came after the first `count`.
    pub fn calls_after(&self, count: usize) -> Vec<Call> {
        locked(&self.shared.calls).get(count..).unwrap_or_default().to_vec()
    }

    /// The calls of one branch and operation so far.
    pub fn calls(&self, branch: &str, operation: &str) -> Vec<Call> {
        let mut calls = self.all_calls();
        calls.retain(|call| call.branch == branch && call.operation == operation);
        calls
    }

    /// The order in which calls came, as `branch.operation`.
    pub fn order(&self) -> Vec<String> {
        self.all_calls().iter().map(|call| format!("{}.{}", call.branch, call.operation)).collect()
    }

    /// Waits until at least `count` such calls have come.
    pub fn wait_calls(&self, branch: &str, operation: &str, count: usize) -> Vec<Call> {
        until(&format!("{count} calls {branch}.{operation}"), || {
            Some(self.calls(branch, operation)).filter(|calls| calls.len() >= count)
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
        // Wakes the accepting thread, which then ends and closes the listener.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(call) = read_call(&mut reader) {
            let answer = self.next_answer(&call);
            locked(&self.calls).push(call);
            if let Some(gate) = &answer.gate {
                gate.pass();
            }
            std::thread::sleep(answer.delay);
            let Some(bytes) = answer.bytes else { return };
            let mut writer = stream;
            if writer.write_all(&bytes).is_err() {
                return;
            }
        }
    }

    fn next_answer(&self, call: &Call) -> Answer {
        let mut scripts = locked(&self.scripts);
        match scripts.get_mut(&(call.branch.clone(), call.operation.clone())) {
            Some(script) if script.len() > 1 => script.pop_front().unwrap_or_else(done),
            Some(script) => script.front().cloned().unwrap_or_else(done),
            None => done(),
        }
    }
}

fn read_call(reader: &mut impl BufRead) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
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
    let text = String::from_utf8_lossy(&body).into_owned();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    Some(Call {
        transaction: header("tercet-transaction"),
        branch: header("tercet-branch"),
        operation: header("tercet-operation"),
        attempt: header("tercet-attempt").parse().unwrap_or(0),
        path,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
        headers,
        at: Instant::now(),
    })
}
