//! One connection to Redis: its barrier, and the keys of a resource under it.
//!
//! A connection is never made again behind the server's back: what Redis was restarted from meanwhile must be judged
//! first. The epoch key holds the epoch and the id of the Redis process that was filled under it, so a Redis that was
//! wiped, or started again from whatever its disk had, takes no part until it is filled.
//!
//! All keys of a resource carry one hash tag, its name: the scripts look at the epoch too, and a cluster runs a script
//! over one slot only.

use std::collections::BTreeMap;
use std::time::Duration;

use participant::call::{Answer, Call};
use participant::redis::counter::{self, Figures};
use participant::redis::{BusinessScript, Change, Fault, RedisBarrier, Settings};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use transaction::Pattern;

use super::asked::Parameters;
use super::books::{Books, Held};

/// How long one command may take: what is under way also keeps a comparison waiting, and that the calls behind it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
/// Keys of one command when all are written or removed.
const MANY: usize = 500;

static LOAD: std::sync::LazyLock<BusinessScript> =
    std::sync::LazyLock::new(|| BusinessScript::new(include_str!("load.lua")));

/// Where a resource's keys are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) prefix: String,
    pub(super) tag: String,
    pub(super) settings: Settings,
}

/// A connection.
#[derive(Clone)]
pub(super) struct Link {
    barrier: RedisBarrier<MultiplexedConnection>,
    connection: MultiplexedConnection,
    place: Place,
    /// Which Redis process it is.
    process: String,
}

impl Place {
    /// Connects.
    pub(super) async fn connect(&self) -> Result<Link, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTED_WITHIN))
            .set_response_timeout(Some(ANSWERED_WITHIN));
        let connected = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connected.map_err(words)?;
        let info: String =
            redis::cmd("INFO").arg("server").query_async(&mut connection).await.map_err(words)?;
        let process = info.lines().find_map(|line| line.strip_prefix("run_id:")).map(str::trim);
        // Without it a restart would go unseen.
        let process = process.filter(|id| !id.is_empty()).ok_or("Redis does not tell its run_id")?.to_owned();
        let barrier = RedisBarrier::new(connection.clone(), self.settings.clone());
        barrier.check_server().await.map_err(|fault| fault.to_string())?;
        Ok(Link { barrier, connection, place: self.clone(), process })
    }

    fn key(&self, rest: &str) -> String {
        format!("{}:{{{}}}:{rest}", self.prefix, self.tag)
    }

    fn counter(&self, name: &str) -> String {
        self.key(&format!("counter:{name}"))
    }
}

/// What the epoch key says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// It was filled by this server and has not been restarted since.
    Ours,
    /// It holds nothing.
    Nothing,
    /// It was filled before it was restarted, or by somebody else.
    Another,
}

impl Link {
    /// Carries out one call while the epoch stands.
    pub(super) async fn run(&self, call: &Call, asked: &Parameters, epoch: &str) -> Result<Answer, Fault> {
        let key = self.place.counter(&asked.counter);
        let change = match call.pattern {
            Pattern::Message => Change::new(&LOAD, &[key], vec![asked.count.to_string()]).map_err(unfit)?,
            // The counter refuses what it has no meaning for.
            Pattern::Tcc | Pattern::Saga | Pattern::Xa | Pattern::Workflow => {
                counter::change(&key, call, asked.count).map_err(unfit)?
            }
        };
        let change = change.guarded(&self.place.key("epoch"), &self.epoch(epoch)).map_err(unfit)?;
        self.barrier.run(call, &change).await
    }

    fn epoch(&self, epoch: &str) -> String {
        format!("{epoch}.{}", self.process)
    }

    /// Whether this Redis holds what it was filled with under this epoch.
    pub(super) async fn judge(&self, epoch: &str) -> Result<Epoch, String> {
        let mut get = redis::cmd("GET");
        let read = get.arg(self.place.key("epoch")).query_async(&mut self.connection.clone()).await;
        let found: Option<String> = read.map_err(words)?;
        Ok(match found {
            Some(found) if !epoch.is_empty() && found == self.epoch(epoch) => Epoch::Ours,
            Some(_) => Epoch::Another,
            None => Epoch::Nothing,
        })
    }

    /// The figures of these counters; one that is not there has none of anything.
    pub(super) async fn counters(&self, names: Vec<&String>) -> Result<BTreeMap<String, Figures>, String> {
        let mut found = BTreeMap::new();
        for names in names.chunks(MANY) {
            let keys: Vec<String> = names.iter().map(|name| self.place.counter(name)).collect();
            let figures = counter::figures_of(&mut self.connection.clone(), &keys).await.map_err(words)?;
            found.extend(names.iter().copied().cloned().zip(figures));
        }
        Ok(found)
    }

    /// Empties the resource and fills it anew from the books. Nothing acts on it before the last write.
    pub(super) async fn fill(&self, books: &Books, epoch: &str) -> Result<(), String> {
        self.filled(books, epoch).await.map_err(words)
    }

    async fn filled(&self, books: &Books, epoch: &str) -> RedisResult<()> {
        let mut connection = self.connection.clone();
        let key = self.place.key("epoch");
        redis::cmd("DEL").arg(&key).exec_async(&mut connection).await?;
        for keys in self.keys(&self.place.key("*")).await?.chunks(MANY) {
            redis::cmd("UNLINK").arg(keys).exec_async(&mut connection).await?;
        }
        let counters: Vec<_> = books.counters.iter().collect();
        for counters in counters.chunks(MANY) {
            let mut pipe = redis::pipe();
            for (name, sums) in counters {
                pipe.cmd("HSET").arg(self.place.counter(name)).arg("available").arg(sums.available());
                pipe.arg("reserved").arg(sums.reserved).arg("sold").arg(sums.sold).ignore();
            }
            pipe.exec_async(&mut connection).await?;
        }
        for held in books.held.chunks(MANY) {
            let mut pipe = redis::pipe();
            held.iter().for_each(|held| self.record(&mut pipe, held));
            pipe.exec_async(&mut connection).await?;
        }
        redis::cmd("SET").arg(&key).arg(self.epoch(epoch)).exec_async(&mut connection).await
    }

    /// The record that the barrier wrote when the try was done.
    fn record(&self, pipe: &mut redis::Pipeline, held: &Held) {
        let field = |name: &str| format!("{}.{name}", held.operation);
        pipe.cmd("HSET").arg(self.barrier.key(&self.place.tag, &held.branch)).arg("record").arg("tried");
        pipe.arg(field("outcome")).arg("done").arg(field("content")).arg(held.content.to_string());
        pipe.arg(field("answer")).arg(format!("{{\"count\":{}}}", held.count)).ignore();
    }

    async fn keys(&self, pattern: &str) -> RedisResult<Vec<String>> {
        let (mut cursor, mut found) = (0_u64, Vec::new());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(MANY);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut self.connection.clone()).await?;
            found.extend(keys);
            cursor = next;
            if cursor == 0 {
                // A scan may give a key twice.
                found.sort_unstable();
                found.dedup();
                return Ok(found);
            }
        }
    }
}

/// What a connection says; never where it goes.
#[expect(clippy::needless_pass_by_value, reason = "a fault is handed over where it is mapped")]
fn words(error: RedisError) -> String {
    format!("Redis: {error}")
}

#[expect(clippy::needless_pass_by_value, reason = "as above")]
fn unfit(fault: impl ToString) -> Fault {
    Fault::Business(fault.to_string())
}
