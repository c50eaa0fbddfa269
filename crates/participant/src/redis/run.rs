//! Runs a business change behind the barrier: one script, sent again only by whoever asks again.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisResult, ServerErrorKind};
use transaction::{Operation, Pattern};

use super::reply::{self, Reply};
use super::{Change, Fault, ServerFault, SettingsFault};
use crate::barrier::{Coordinator, Counted, Meters, warn};
use crate::call::{Answer, Branch, Call, Content};

/// Where the barrier keeps its records, and for how long.
#[derive(Clone, Debug)]
pub struct Settings {
    prefix: String,
    horizon: Duration,
}

impl Settings {
    /// Keys begin with `prefix`; what is settled goes after `horizon`, what still holds something never.
    ///
    /// # Errors
    /// When a call of this coordinator may come later than that, or the prefix holds a brace: refuse to start.
    pub fn new(
        prefix: impl Into<String>,
        horizon: Duration,
        coordinator: Coordinator,
    ) -> Result<Settings, SettingsFault> {
        let prefix = prefix.into();
        if prefix.contains(['{', '}']) {
            return Err(SettingsFault::Prefix(prefix));
        }
        Ok(Settings { prefix, horizon: coordinator.horizon(horizon)? })
    }
}

/// The barrier in front of one Redis: the one that holds the business data. Cheap to clone if the connection is.
#[derive(Clone, Debug)]
pub struct RedisBarrier<C> {
    connection: C,
    settings: Settings,
    meters: Arc<Meters>,
}

impl<C: ConnectionLike + Clone> RedisBarrier<C> {
    /// Over a connection that many may use at once: `redis::aio::ConnectionManager` (it connects again by itself), a
    /// multiplexed connection, or one to a cluster.
    #[must_use]
    pub fn new(connection: C, settings: Settings) -> RedisBarrier<C> {
        RedisBarrier { connection, settings, meters: Arc::default() }
    }

    /// Counting into these meters, which several barriers may share.
    #[must_use]
    pub fn counting(self, meters: Arc<Meters>) -> RedisBarrier<C> {
        RedisBarrier { meters, ..self }
    }

    /// What it had to deal with so far.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Checks that this Redis keeps what it is given. To be called at start-up.
    ///
    /// # Errors
    /// When it evicts keys, or can't be asked.
    pub async fn check_server(&self) -> Result<(), ServerFault> {
        let memory: String =
            redis::cmd("INFO").arg("memory").query_async(&mut self.connection.clone()).await?;
        let policy = memory.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
        match policy {
            Some("noeviction") | None => Ok(()),
            Some(policy) => Err(ServerFault::Evicts { policy: policy.to_owned() }),
        }
    }

    /// Does what `call` asks, once: `change` is made when it is the first of its kind and lawful, in the script that also
    /// writes the barrier's record. Every operation of a branch must name keys of the same hash tag: under another one
    /// its record is not found.
    ///
    /// # Errors
    /// A [`Fault`] is no answer: tell the coordinator 500 or 503 ([`Fault::answer`]), and it asks again.
    pub async fn run(&self, call: &Call, change: &Change) -> Result<Answer, Fault> {
        let (counted, answer) = match self.once(call, change).await {
            Ok((counted, answer)) => (counted, Ok(answer)),
            Err(fault) => (Counted::Fault, Err(fault)),
        };
        if let Counted::Hazard(hazard) = counted {
            warn(call, hazard);
        }
        self.meters.count(counted);
        answer
    }

    /// For the initiator of a prepared message: makes its own change and records, in one, that the message is to be
    /// submitted. Only an answer that is a success says so.
    ///
    /// # Errors
    /// A [`Fault`]; ask again, or let the check-back find out.
    pub async fn submit(&self, transaction: &str, change: &Change) -> Result<Answer, Fault> {
        let branch = Branch { transaction: transaction.to_owned(), branch: "check".to_owned() };
        let content = Content::of(b"");
        let (pattern, operation) = (Pattern::Message, Operation::Try);
        self.run(&Call { branch, pattern, operation, attempt: 1, content }, change).await
    }

    /// The key of a branch's record, beside the keys that have this hash tag.
    #[must_use]
    pub fn key(&self, tag: &str, branch: &Branch) -> String {
        // No id holds a bar.
        format!("{}:{{{tag}}}:barrier:{}|{}", self.settings.prefix, branch.transaction, branch.branch)
    }

    async fn once(&self, call: &Call, change: &Change) -> Result<(Counted, Answer), Fault> {
        let key = self.key(&change.tag, &call.branch);
        let rule = reply::rule(call, self.settings.horizon);
        let guard = change.guard.as_ref();
        let command = |verb: &str, script: &str| {
            let mut command = redis::cmd(verb);
            command.arg(script).arg(1 + change.keys.len() + usize::from(guard.is_some()));
            command.arg(&key).arg(&change.keys).arg(guard.map(|guard| &guard.key));
            command.arg(call.name()).arg(Operation::Try.name(call.pattern)).arg(call.content.to_string());
            command.arg(guard.map_or("", |guard| &guard.epoch)).arg(&rule[..]).arg(&change.arguments);
            command
        };
        let mut connection = self.connection.clone();
        let reply: RedisResult<Reply> =
            command("EVALSHA", change.script.hash()).query_async(&mut connection).await;
        let reply = match reply {
            // A server that was started, or took over, since. It keeps the script from now on.
            Err(fault) if fault.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", change.script.lua()).query_async(&mut connection).await?
            }
            reply => reply?,
        };
        reply::read(reply, call, &key)
    }
}
