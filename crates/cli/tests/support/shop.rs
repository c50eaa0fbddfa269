//! A participant of DTM's protocol: it writes down every call, and answers each path as a test wants it to.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Reply, Tercet, until};

/// What a participant answers.
#[derive(Clone, Debug)]
pub struct Says {
    status: u16,
    body: String,
    after: Duration,
}

pub fn says(status: u16, body: &str) -> Says {
    Says { status, body: body.to_owned(), after: Duration::ZERO }
}

pub fn done() -> Says {
    says(200, r#"{"dtm_result":"SUCCESS"}"#)
}

pub fn failure() -> Says {
    says(409, r#"{"dtm_result":"FAILURE","message":"sold out"}"#)
}

pub fn ongoing() -> Says {
    says(425, r#"{"dtm_result":"ONGOING"}"#)
}

pub fn broken() -> Says {
    says(500, "broken")
}

pub fn slow(ms: u64) -> Says {
    Says { after: Duration::from_millis(ms), ..done() }
}

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: String,
    pub path: String,
    /// The raw query.
    pub query: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    pub began: Instant,
    pub ended: Option<Instant>,
}

impl Heard {
    /// `/path op branch_id`.
    pub fn told(&self) -> String {
        format!("{} {} {}", self.path, self.parameter("op"), self.parameter("branch_id"))
    }

    /// A parameter of the query, as it is written.
    pub fn parameter(&self, name: &str) -> String {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next().unwrap_or_default()
    }
}

#[derive(Default)]
struct Books {
    heard: Vec<Heard>,
    script: HashMap<String, Vec<Says>>,
}

/// A participant on a free port; its thread ends with the process of the test.
pub struct Shop {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
}

impl Shop {
    pub fn start() -> Shop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let books = Arc::<Mutex<Books>>::default();
        let shared = Arc::clone(&books);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let books = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &books).is_some() {});
            }
        });
        Shop { address, books }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers this path so, one after another; the last answer is repeated.
    pub fn answers<const N: usize>(&self, path: &str, answers: [Says; N]) {
        self.lock().script.insert(path.to_owned(), answers.to_vec());
    }

    /// All calls so far, in the order in which they came.
    pub fn heard(&self) -> Vec<Heard> {
        self.lock().heard.clone()
    }

    pub fn told(&self) -> Vec<String> {
        self.heard().iter().map(Heard::told).collect()
    }

    /// The calls to one path.
    pub fn to(&self, path: &str) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| heard.path == path).collect()
    }

    /// Waits until this path was called so often.
    pub fn wait(&self, path: &str, calls: usize) -> Vec<Heard> {
        until(&format!("{calls} calls of {path}"), || {
            Some(self.to(path)).filter(|heard| heard.len() >= calls)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// A saga whose steps act at `/a1`, `/a2`, … and compensate at `/c1`, `/c2`, ….
    pub fn saga(&self, gid: &str, steps: usize) -> Value {
        let step = |at: usize| json!({"action": self.url(&format!("/a{at}")), "compensate": self.url(&format!("/c{at}"))});
        let steps: Vec<_> = (1..=steps).map(step).collect();
        let payloads: Vec<_> = (1..=steps.len()).map(|at| format!("{{\"step\": {at}}}")).collect();
        json!({"gid": gid, "trans_type": "saga", "steps": steps, "payloads": payloads, "retry_interval": 1})
    }

    /// A message that is delivered at `/d1`, `/d2`, ….
    pub fn message(&self, gid: &str, steps: usize) -> Value {
        let steps: Vec<_> = (1..=steps).map(|at| json!({"action": self.url(&format!("/d{at}"))})).collect();
        let payloads = vec!["{}"; steps.len()];
        json!({"gid": gid, "trans_type": "msg", "steps": steps, "payloads": payloads, "retry_interval": 1})
    }

    /// A branch of a TCC that confirms at `/confirm` and cancels at `/cancel`.
    pub fn branch(&self, gid: &str, id: &str) -> Value {
        json!({"gid": gid, "trans_type": "tcc", "branch_id": id, "data": "{\"n\":1}",
            "confirm": self.url("/confirm"), "cancel": self.url("/cancel")})
    }
}

fn serve(stream: &TcpStream, books: &Mutex<Books>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let closes = headers.get("connection").is_some_and(|value| value == "close");
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let heard = Heard {
        method,
        path: path.into(),
        query: query.into(),
        headers,
        body,
        began: Instant::now(),
        ended: None,
    };
    let (index, says) = {
        let mut books = books.lock().unwrap();
        books.heard.push(heard);
        let index = books.heard.len() - 1;
        let says = match books.script.get_mut(path) {
            Some(script) if script.len() > 1 => script.remove(0),
            Some(script) => script[0].clone(),
            None => done(),
        };
        (index, says)
    };
    std::thread::sleep(says.after);
    books.lock().unwrap().heard[index].ended = Some(Instant::now());
    let length = says.body.len();
    let answer = format!("HTTP/1.1 {} X\r\ncontent-length: {length}\r\n\r\n{}", says.status, says.body);
    (&*stream).write_all(answer.as_bytes()).ok()?;
    // Ending the thread closes the connection.
    (!closes).then_some(())
}

/// What a DTM client asks, at a server.
pub trait Dtm {
    fn ask(&self, verb: &str, body: &Value) -> Reply;
    fn look(&self, path: &str) -> Reply;
    fn query(&self, gid: &str) -> Value;

    /// Asks, and must be answered with success, exactly.
    fn ok(&self, verb: &str, body: &Value) {
        let reply = self.ask(verb, body);
        assert_eq!((reply.status, &*reply.text), (200, r#"{"dtm_result":"SUCCESS"}"#), "{verb} {body}");
    }

    /// Asks, and must be refused so; answers the words.
    fn no(&self, verb: &str, body: &Value, status: u16) -> String {
        let reply = self.ask(verb, body);
        assert_eq!(reply.status, status, "{verb} {body}: {}", reply.text);
        let result = match status {
            409 => json!("FAILURE"),
            425 => json!("ONGOING"),
            _ => Value::Null,
        };
        assert_eq!(reply.body["dtm_result"], result, "{}", reply.text);
        reply.body["message"].as_str().unwrap().to_owned()
    }

    fn status(&self, gid: &str) -> String {
        self.query(gid)["transaction"]["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the transaction has this status.
    fn wait_status(&self, gid: &str, status: &str) {
        until(&format!("{gid} is {status}, not {}", self.status(gid)), || {
            (self.status(gid) == status).then_some(())
        });
    }

    /// `branch op status` of every branch row.
    fn rows(&self, gid: &str) -> Vec<String> {
        let query = self.query(gid);
        let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let row =
            |row: &Value| format!("{} {} {}", word(row, "branch_id"), word(row, "op"), word(row, "status"));
        query["branches"].as_array().unwrap().iter().map(row).collect()
    }
}

impl Dtm for Tercet {
    fn ask(&self, verb: &str, body: &Value) -> Reply {
        self.post(&format!("/api/dtmsvr/{verb}"), body)
    }

    fn look(&self, path: &str) -> Reply {
        self.get(&format!("/api/dtmsvr/{path}"))
    }

    fn query(&self, gid: &str) -> Value {
        self.look(&format!("query?gid={gid}")).is(200).body.clone()
    }
}

/// The fields of `into`, replaced or added by those of `from`.
pub fn and(mut into: Value, from: Value) -> Value {
    let Value::Object(from) = from else { panic!("an object") };
    into.as_object_mut().unwrap().extend(from);
    into
}

/// An id and the type that every verb on it needs.
pub fn of(gid: &str, trans_type: &str) -> Value {
    json!({"gid": gid, "trans_type": trans_type})
}
