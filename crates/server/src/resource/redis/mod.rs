//! A `redis` resource: counters of hot stock in Redis, as an accelerator only.
//!
//! The journal has the intent before Redis acts, and the truth: whatever Redis loses is filled in again from it. A gate
//! stands before every call: it is open while Redis is known to hold what it was given, and shut otherwise, so nothing is
//! oversold after a loss. A rebuild or a comparison shuts it, waits for what is under way, and reads books and counters
//! that stand still. Nothing here decides a transaction.
//!
//! Read next: `keeper.rs` (connects, compares, rebuilds), `books.rs` (what the journal says), `link.rs` (the keys).

mod asked;
mod books;
mod keeper;
mod kept;
mod link;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ::redis::Client;
use engine::Engine;
use participant::barrier::Coordinator;
use participant::call::{Branch, Call as Asking, Content};
use participant::redis::{Fault, Settings};
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, RwLock};
use transaction::{Call, Operation, Pattern, Refusal, Reply};

use self::asked::Parameters;
use self::kept::Kept;
use self::link::{Link, Place};
use super::declared::RedisBody;
use super::meters::ResourceMeters;
use super::{Carried, Rebuilding, Replying, Resource, ResourceKind};
use crate::call::answered;

/// Declared counters.
pub(super) struct RedisResource {
    name: String,
    place: Place,
    /// How often books and counters are compared.
    every: Duration,
    /// The small file.
    path: PathBuf,
    kept: Mutex<Kept>,
    gate: Arc<RwLock<Gate>>,
    /// Wakes the keeper when a call met something wrong.
    woken: Notify,
    engine: OnceLock<Engine>,
    report: Mutex<Json>,
    meters: Arc<ResourceMeters>,
}

/// Whether calls may go to Redis.
enum Gate {
    Open {
        link: Box<Link>,
        epoch: String,
    },
    /// In words why not, beginning with a code.
    Shut(String),
}

impl RedisResource {
    /// Counters as they are declared; connects to nothing yet.
    ///
    /// # Errors
    /// What is wrong with the declaration; the URL is not shown.
    pub(super) fn new(
        name: &str,
        body: &RedisBody,
        (path, meters): (PathBuf, Arc<ResourceMeters>),
    ) -> Result<RedisResource, String> {
        let client = Client::open(body.url.as_str())
            .map_err(|_| "the url is not one that redis understands".to_owned())?;
        let prefix = body.prefix.clone().unwrap_or_else(|| "tercet".to_owned());
        if prefix.is_empty()
            || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
        {
            return Err("the prefix has characters of A-Z a-z 0-9 _ - . : only".to_owned());
        }
        let horizon = Duration::from_hours(24 * body.keep_days);
        let settings =
            Settings::new(&prefix, horizon, Coordinator::default()).map_err(|fault| fault.to_string())?;
        let kept = Kept::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(RedisResource {
            name: name.to_owned(),
            place: Place { client, prefix, tag: name.to_owned(), settings },
            every: Duration::from_millis(body.every_ms),
            path,
            kept: Mutex::new(kept),
            gate: Arc::new(RwLock::new(Gate::Shut("redis_down: not connected yet".to_owned()))),
            woken: Notify::new(),
            engine: OnceLock::new(),
            report: Mutex::new(json!({"state": "starting"})),
            meters,
        })
    }

    async fn asked(&self, call: &Call) -> Carried {
        let unknown = |error: String| Reply::Unknown { error: Arc::from(error) };
        // Kept until the reply is heard: books that are read behind a shut gate have heard it.
        let gate = Arc::clone(&self.gate).read_owned().await;
        let reply = match &*gate {
            Gate::Shut(why) => unknown(why.clone()),
            Gate::Open { link, epoch } => match self.run(call, (link, epoch)).await {
                Ok(reply) => reply,
                Err(fault) => {
                    // What the store says of itself is looked into at once.
                    if matches!(fault, Fault::Lost | Fault::Redis(_)) {
                        self.woken.notify_one();
                    }
                    unknown(if matches!(fault, Fault::Lost) { LOST.to_owned() } else { fault.to_string() })
                }
            },
        };
        Carried { reply, place: Some(Box::new(gate)) }
    }

    async fn run(&self, call: &Call, (link, epoch): (&Link, &str)) -> Result<Reply, Fault> {
        let body = call.body.as_deref().unwrap_or("{}");
        let parameters = Parameters::read(body).map_err(|refusal| Fault::Business(refusal.to_string()))?;
        let (pattern, operation) =
            Operation::read(call.operation).ok_or_else(|| Fault::Business("no such operation".to_owned()))?;
        let branch = Branch { transaction: call.transaction.to_string(), branch: call.branch.to_string() };
        let content = Content::of(body.as_bytes());
        let asking = Asking { branch, pattern, operation, attempt: call.attempt, content };
        let answer = link.run(&asking, &parameters, epoch).await?;
        Ok(answered(answer.status, &answer.body))
    }

    fn kept(&self) -> Kept {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const LOST: &str = "redis_lost: Redis does not hold what it was given; rebuild the resource";

impl Resource for RedisResource {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Redis
    }

    fn serves(&self, _: Pattern) -> Result<(), Refusal> {
        Ok(())
    }

    fn fits(&self, parameters: &str) -> Result<(), Refusal> {
        Parameters::read(parameters).map(drop)
    }

    fn compensates(&self) -> bool {
        true
    }

    fn carry_out<'a>(&'a self, call: &'a Call) -> Replying<'a> {
        Box::pin(self.asked(call))
    }

    fn begin(self: Arc<Self>, engine: &Engine) {
        if self.engine.set(engine.clone()).is_ok() {
            tokio::spawn(self.keep());
        }
    }

    fn stands(&self) -> Json {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rebuild(&self) -> Rebuilding<'_> {
        Box::pin(self.rebuilt())
    }
}
