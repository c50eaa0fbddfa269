//! A participant in memory that holds to the rules, and its twins that break one each.
//!
//! One lock is the local transaction: what happens under it happens wholly. Each classic fault is one branch on `Twin`, so
//! that the honest code can be read straight through. Read next: `../verdicts.rs`.

mod signature;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use kit::{Form, Options, Target};
use tokio::time::sleep;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    Honest,
    /// It has bad moments (503), is in progress (425), and comes to itself when it is asked again.
    Moody,
    NoTombstone,
    /// The barrier's row survives a refusal of the business.
    RowSurvivesRefusal,
    /// The barrier's row is there before the business change, and a lost connection comes between them.
    RowBeforeChange,
    /// The barrier's row survives a fault of the business.
    RowSurvivesFault,
    LookBeforeWrite,
    CancelOfRefusedTryRefused,
    CancelOfRefusedTryGivesBack,
    EmptyCancelRefused,
    EmptyCancelGivesBack,
    CancelKeeps,
    RunsTwice,
    ConfirmWithoutTry,
    ConfirmAfterCancel,
    CancelAfterConfirm,
    AnswerDiffers,
    NoIdentity,
    IdentityIsAFault,
    BadIds,
    BlindToCase,
    BlindToBranch,
    BlindToSignature,
    /// Demands a signature of tries only.
    SignedTryOnly,
    /// Looks at the signature's time and not at its code.
    SignedTimeOnly,
    /// Takes a signature of any time.
    SignedEver,
    /// Takes a signature of any of its addresses.
    SignedAnywhere,
    /// Computes the code over the body as it would have written it.
    SignedAsWritten,
    /// Checks v1 only.
    SignedContentOnly,
    /// Refuses what is not signed as it refuses an order.
    UnsignedIsARefusal,
    /// It holds, and its probe leaves out what is zero.
    ZerosLeftOut,
    FaultIsARefusal,
    FaultForEver,
    OtherContentRuns,
    LostUpdate,
    OneAtATime,
    RefusedKeepsAPart,
    LateTryIsNotFound,
    OtherContentAnsweredAnew,
    CancelGivesTooMuch,
    ConfirmChecksAgain,
    EmptyCancelIsNotFound,
    /// Confirm and cancel each leave a row before they look for the other's.
    NobodyWins,
}

/// What a call is answered.
type Said = (StatusCode, String);

#[derive(Clone)]
struct Row {
    operation: &'static str,
    is_done: bool,
    content: Bytes,
    answer: Said,
}

type Key = (String, String, u8);

#[derive(Default)]
struct Books {
    free: i64,
    held: i64,
    sold: i64,
    rows: HashMap<Key, Row>,
    seen: HashSet<Key>,
}

pub(crate) struct Participant {
    twin: Twin,
    secret: Option<Bytes>,
    books: Mutex<Books>,
    line: tokio::sync::Mutex<()>,
    calls: AtomicUsize,
}

const OPERATIONS: [&str; 6] = ["try", "confirm", "cancel", "action", "compensate", "deliver"];

/// How long a local transaction takes.
const WORK: Duration = Duration::from_millis(1);

/// Starts one on a free port; answers where.
pub(crate) async fn start(twin: Twin, secret: Option<Bytes>) -> String {
    // Just what the kit says it needs: three of each, in three forms.
    let free = i64::try_from(3 * 3 * Options::default().units()).unwrap();
    let books = Mutex::new(Books { free, ..Books::default() });
    let participant = Arc::new(Participant {
        twin,
        secret,
        books,
        line: tokio::sync::Mutex::default(),
        calls: AtomicUsize::new(0),
    });
    let routes = OPERATIONS
        .iter()
        .fold(Router::new(), |router, operation| router.route(&format!("/{operation}"), post(call)));
    let router = routes.route("/probe", get(probe)).with_state(participant);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// A target with everything that can be given.
pub(crate) fn target(base: &str, forms: &[&str]) -> Target {
    let url = |operation: &str| format!("{base}/{operation}");
    let form = |name: &&str| match *name {
        "tcc" => Form::Tcc { r#try: url("try"), confirm: url("confirm"), cancel: url("cancel") },
        "saga" => Form::Saga { action: url("action"), compensate: url("compensate") },
        _ => Form::Message { deliver: url("deliver") },
    };
    Target {
        name: "stock".into(),
        forms: forms.iter().map(form).collect(),
        probe: Some(url("probe")),
        body: Bytes::from_static(br#"{"n": 3}"#),
        refused_body: Some(Bytes::from_static(br#"{"n": 2000000}"#)),
        ..Target::default()
    }
}

async fn probe(State(me): State<Arc<Participant>>) -> String {
    let books = me.books.lock().unwrap();
    let figures = [("free", books.free), ("held", books.held), ("sold", books.sold)];
    let is_shown = |figure: i64| figure != 0 || me.twin != Twin::ZerosLeftOut;
    let shown: serde_json::Map<_, _> = figures
        .into_iter()
        .filter(|(_, figure)| is_shown(*figure))
        .map(|(name, figure)| (name.to_owned(), figure.into()))
        .collect();
    serde_json::Value::Object(shown).to_string()
}

async fn call(State(me): State<Arc<Participant>>, request: Request) -> Said {
    let _line = if me.twin == Twin::OneAtATime { Some(me.line.lock().await) } else { None };
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 1 << 16).await else { return refuse(400, "body_missing") };
    match me.serve((head.headers, head.uri), body).await {
        Ok(said) | Err(said) => said,
    }
}

fn refuse(status: u16, code: &str) -> Said {
    (StatusCode::from_u16(status).unwrap(), format!(r#"{{"code":"{code}"}}"#))
}

fn done(what: &str) -> Said {
    (StatusCode::OK, format!(r#"{{"did":"{what}"}}"#))
}

impl Participant {
    async fn serve(&self, (headers, uri): (HeaderMap, Uri), body: Bytes) -> Result<Said, Said> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.twin == Twin::Moody && number % 5 == 4 {
            return Err(refuse(if number.is_multiple_of(2) { 503 } else { 425 }, "moody"));
        }
        if let Some(secret) = &self.secret {
            signature::check((self.twin, secret), (&headers, &uri), &body)?;
        }
        let (transaction, branch, operation) = self.identity(&headers, number)?;
        if self.twin == Twin::FaultForEver && operation == "confirm" {
            return Err(refuse(500, "broken"));
        }
        let n = serde_json::from_slice::<serde_json::Value>(&body)
            .ok()
            .and_then(|body| body["n"].as_i64())
            .ok_or_else(|| refuse(400, "body"))?;
        let _busy = match self.twin {
            Twin::FaultIsARefusal => Some(self.line.try_lock().map_err(|_| refuse(409, "busy"))?),
            _ => None,
        };
        sleep(WORK / 2).await;
        let content = if self.twin == Twin::OtherContentRuns { format!("{body:?}") } else { String::new() };
        let of = Of { transaction: transaction + &content, branch, n, body };
        Ok(match operation.as_str() {
            "try" | "action" | "deliver" => self.first(&of).await,
            "confirm" => self.confirm(&of).await,
            _ => self.undo(&of).await,
        })
    }

    fn identity(&self, headers: &HeaderMap, number: usize) -> Result<(String, String, String), Said> {
        let is_id = |id: &str| {
            let is_lawful = |seen: char| seen.is_ascii_alphanumeric() || "._:/-".contains(seen);
            self.twin == Twin::BadIds || ((1..=128).contains(&id.len()) && id.chars().all(is_lawful))
        };
        let read = |name: &str| {
            let found = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            match (found.filter(|id| is_id(id)), self.twin) {
                (Some(id), _) => Ok(id),
                (None, Twin::NoIdentity) => Ok(format!("made-up-{number}")),
                (None, Twin::IdentityIsAFault) => Err(refuse(500, "null pointer")),
                (None, _) => Err(refuse(400, "identity_missing")),
            }
        };
        let (mut transaction, mut branch) = (read("tercet-transaction")?, read("tercet-branch")?);
        match self.twin {
            Twin::BlindToCase => transaction.make_ascii_lowercase(),
            Twin::BlindToBranch => branch.clear(),
            _ => {}
        }
        Ok((transaction, branch, read("tercet-operation").unwrap_or_else(|_| "try".into()))).and_then(
            |found| {
                if headers.contains_key("tercet-operation") || self.twin == Twin::NoIdentity {
                    Ok(found)
                } else {
                    Err(refuse(400, "identity_missing"))
                }
            },
        )
    }

    /// A look at the row that may be old by the time it is used.
    async fn look(&self, of: &Of, phase: u8) -> Option<Row> {
        let row = self.books.lock().unwrap().rows.get(&of.key(phase)).cloned();
        sleep(WORK).await;
        row
    }

    async fn first(&self, of: &Of) -> Said {
        let looked = if self.twin == Twin::LookBeforeWrite { Some(self.look(of, 1).await) } else { None };
        if self.twin == Twin::RowBeforeChange {
            return self.row_then_change(of).await;
        }
        if self.twin == Twin::LostUpdate {
            let free = self.books.lock().unwrap().free;
            sleep(WORK).await;
            let mut books = self.books.lock().unwrap();
            if !books.rows.contains_key(&of.key(1)) && free >= of.n {
                books.free = free;
            }
        }
        let mut books = self.books.lock().unwrap();
        let row = looked.unwrap_or_else(|| books.rows.get(&of.key(1)).cloned());
        match row {
            Some(row) if row.operation == "cancel" => {
                return refuse(if self.twin == Twin::LateTryIsNotFound { 404 } else { 409 }, "late_try");
            }
            Some(row) if row.content != of.body && self.twin == Twin::OtherContentAnsweredAnew => {
                return done("something else");
            }
            Some(row) if row.content != of.body => return refuse(422, "content_mismatch"),
            Some(_) if self.twin == Twin::RunsTwice => {}
            Some(_) if self.twin == Twin::AnswerDiffers => return done("nothing, it was done"),
            Some(row) => return row.answer,
            None => {}
        }
        let is_possible = books.free >= of.n;
        if is_possible {
            books.free -= of.n;
            books.held += of.n;
        } else if self.twin == Twin::RefusedKeepsAPart {
            books.free -= 1;
        }
        let said = if is_possible { done("held") } else { refuse(409, "out_of_stock") };
        let is_kept_as_done = is_possible || self.twin == Twin::RowSurvivesRefusal;
        let kept = if is_kept_as_done { done("held") } else { said.clone() };
        books.rows.insert(of.key(1), of.row("try", is_possible, kept));
        if self.twin == Twin::RowSurvivesFault && books.rows.len().is_multiple_of(10) {
            books.free += of.n;
            books.held -= of.n;
            return refuse(503, "database away");
        }
        said
    }

    async fn row_then_change(&self, of: &Of) -> Said {
        {
            let mut books = self.books.lock().unwrap();
            if let Some(row) = books.rows.get(&of.key(1)) {
                return if row.operation == "cancel" { refuse(409, "late_try") } else { row.answer.clone() };
            }
            let is_possible = books.free >= of.n;
            let said = if is_possible { done("held") } else { refuse(409, "out_of_stock") };
            books.rows.insert(of.key(1), of.row("try", is_possible, said.clone()));
            if !is_possible {
                return said;
            }
        }
        sleep(WORK).await;
        let mut books = self.books.lock().unwrap();
        books.free -= of.n;
        books.held += of.n;
        done("held")
    }

    /// Whether the other of confirm and cancel has left its row too.
    async fn both_lose(&self, of: &Of, (own, others): (u8, u8)) -> bool {
        if self.twin != Twin::NobodyWins {
            return false;
        }
        self.books.lock().unwrap().seen.insert(of.key(own));
        sleep(WORK).await;
        self.books.lock().unwrap().seen.contains(&of.key(others))
    }

    async fn confirm(&self, of: &Of) -> Said {
        if self.twin == Twin::ConfirmChecksAgain || self.both_lose(of, (3, 4)).await {
            return refuse(409, "not_now");
        }
        let looked = if self.twin == Twin::LookBeforeWrite { Some(self.look(of, 2).await) } else { None };
        let mut books = self.books.lock().unwrap();
        let second = looked.unwrap_or_else(|| books.rows.get(&of.key(2)).cloned());
        let first = books.rows.get(&of.key(1)).cloned();
        match (&second, &first) {
            (Some(row), _) if row.operation == "confirm" => return row.answer.clone(),
            (Some(_), _) if self.twin == Twin::ConfirmAfterCancel => {}
            (Some(_), _) => return refuse(409, "confirm_after_cancel"),
            (None, Some(row)) if row.operation == "try" && row.is_done => {}
            (None, _) if self.twin == Twin::ConfirmWithoutTry => {}
            (None, Some(row)) if row.operation == "cancel" => return refuse(409, "confirm_after_cancel"),
            (None, _) => return refuse(409, "confirm_without_try"),
        }
        books.held -= of.n;
        books.sold += of.n;
        books.rows.insert(of.key(2), of.row("confirm", true, done("taken")));
        done("taken")
    }

    async fn undo(&self, of: &Of) -> Said {
        if self.both_lose(of, (4, 3)).await {
            return refuse(409, "not_now");
        }
        let looked = if self.twin == Twin::LookBeforeWrite {
            Some((self.look(of, 1).await, self.look(of, 2).await))
        } else {
            None
        };
        let mut books = self.books.lock().unwrap();
        let (first, second) = looked
            .unwrap_or_else(|| (books.rows.get(&of.key(1)).cloned(), books.rows.get(&of.key(2)).cloned()));
        let Some(first) = first else { return self.empty_cancel(&mut books, of) };
        let gives_back = match &second {
            _ if first.operation == "cancel" => return done("nothing"),
            Some(row) if row.operation == "confirm" && self.twin == Twin::CancelAfterConfirm => {
                books.sold -= of.n;
                books.held += of.n;
                true
            }
            Some(row) if row.operation == "confirm" => return refuse(409, "cancel_after_confirm"),
            Some(row) => return row.answer.clone(),
            None if !first.is_done && self.twin == Twin::CancelOfRefusedTryRefused => {
                return refuse(409, "nothing_to_cancel");
            }
            None => first.is_done || self.twin == Twin::CancelOfRefusedTryGivesBack,
        };
        if gives_back && self.twin != Twin::CancelKeeps {
            let n = if self.twin == Twin::CancelGivesTooMuch { 2 * of.n } else { of.n };
            books.free += n;
            books.held -= n;
        }
        books.rows.insert(of.key(2), of.row("cancel", true, done("given back")));
        done("given back")
    }

    fn empty_cancel(&self, books: &mut Books, of: &Of) -> Said {
        match self.twin {
            Twin::EmptyCancelRefused => return refuse(409, "no_such_hold"),
            Twin::EmptyCancelIsNotFound => return refuse(404, "no_such_hold"),
            Twin::EmptyCancelGivesBack if books.seen.insert(of.key(1)) => {
                books.free += of.n;
                books.held -= of.n;
            }
            Twin::NoTombstone => return done("nothing"),
            _ => {}
        }
        books.rows.insert(of.key(1), of.row("cancel", false, done("nothing")));
        done("nothing")
    }
}

/// What a call is about.
struct Of {
    transaction: String,
    branch: String,
    n: i64,
    body: Bytes,
}

impl Of {
    fn key(&self, phase: u8) -> Key {
        (self.transaction.clone(), self.branch.clone(), phase)
    }

    fn row(&self, operation: &'static str, is_done: bool, answer: Said) -> Row {
        Row { operation, is_done, content: self.body.clone(), answer }
    }
}
