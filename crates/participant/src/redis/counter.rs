//! A counter of hot stock, as a change that is ready to use: reserve, confirm and cancel, or sell and take back.
//!
//! The counter is a hash of three whole numbers, `available`, `reserved` and `sold`, that its owner writes
//! (`HSET stock:{sku-1} available 100`); more stock is `HINCRBY … available`. What is confirmed or cancelled is what the
//! try of the branch reserved. Read next: `counter.lua`.

use std::sync::LazyLock;

use redis::RedisError;
use redis::aio::ConnectionLike;
use transaction::{Operation, Pattern};

use super::{BusinessScript, Change, KeyFault};
use crate::call::Call;

/// The most units of one call and of one counter: what a number of Lua holds exactly.
pub const COUNT_MAX: u64 = (1 << 53) - 1;

/// The change as Lua, as [`BusinessScript::new`] takes it.
pub const LUA: &str = include_str!("counter.lua");

static SCRIPT: LazyLock<BusinessScript> = LazyLock::new(|| BusinessScript::new(LUA));

/// Why a counter can't be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CounterFault {
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The count.
    #[error("a count of {count}; from 1 to {COUNT_MAX} units move at a time")]
    Count {
        /// What was asked for.
        count: u64,
    },
    /// No operation of a message moves units.
    #[error("a counter has no step for {operation}")]
    Operation {
        /// What was asked for.
        operation: &'static str,
    },
}

/// The figures of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// To be had.
    pub available: u64,
    /// Held by branches that are tried.
    pub reserved: u64,
    /// Gone.
    pub sold: u64,
}

/// What `call` does with `count` units of the counter at `key`, which has a hash tag: `stock:{sku-1}`. What follows a try
/// takes its count.
///
/// # Errors
/// A key without a hash tag, a count out of range, an operation of a message.
pub fn change(key: &str, call: &Call, count: u64) -> Result<Change, CounterFault> {
    let step = match (call.pattern, call.operation) {
        (Pattern::Tcc, Operation::Try) => "reserve",
        (Pattern::Tcc, Operation::Confirm) => "confirm",
        (Pattern::Tcc, Operation::Cancel) => "cancel",
        (Pattern::Saga, Operation::Try) => "sell",
        (Pattern::Saga, Operation::Cancel) => "unsell",
        (Pattern::Saga, Operation::Confirm)
        | (Pattern::Message | Pattern::Xa | Pattern::Workflow, _)
        | (_, Operation::Check) => {
            return Err(CounterFault::Operation { operation: call.name() });
        }
    };
    if !(1..=COUNT_MAX).contains(&count) {
        return Err(CounterFault::Count { count });
    }
    Ok(Change::new(&SCRIPT, &[key.to_owned()], vec![step.to_owned(), count.to_string()])?)
}

/// What the counters under these keys hold, in one exchange.
///
/// # Errors
/// Redis.
pub async fn figures_of(
    connection: &mut impl ConnectionLike,
    keys: &[String],
) -> Result<Vec<Figures>, RedisError> {
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.cmd("HMGET").arg(key).arg(&FIELDS);
    }
    let found: Vec<[Option<u64>; 3]> = pipe.query_async(connection).await?;
    Ok(found.into_iter().map(Figures::from).collect())
}

/// What the counter holds; nothing where there is none.
///
/// # Errors
/// Redis.
pub async fn figures(connection: &mut impl ConnectionLike, key: &str) -> Result<Figures, RedisError> {
    let mut command = redis::cmd("HMGET");
    command.arg(key).arg(&FIELDS);
    let found: [Option<u64>; 3] = command.query_async(connection).await?;
    Ok(Figures::from(found))
}

/// The fields of a counter, in the order of [`Figures`].
const FIELDS: [&str; 3] = ["available", "reserved", "sold"];

impl From<[Option<u64>; 3]> for Figures {
    fn from(found: [Option<u64>; 3]) -> Figures {
        let [available, reserved, sold] = found.map(Option::unwrap_or_default);
        Figures { available, reserved, sold }
    }
}
