//! The flags of `tercet demo` and of the hidden `tercet demo-participant`, and the roles of its services.
//!
//! Holds words and numbers only. Read next: `mod.rs` for the run, `participant/faults.rs` for what the rates do.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;

/// `tercet demo`: the shop, with faults injected, then a verdict.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// How many orders to place
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) orders: u32,
    /// Keep the data folder, and say how to serve it again
    #[arg(long)]
    pub(crate) keep: bool,
    /// How many customers order at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub(crate) customers: u32,
    /// The same seed gives the same orders and the same faults per call
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Per cent of the orders that are sent twice at the same time, with the same id
    #[arg(long, default_value_t = 2.0)]
    pub(crate) twice: f64,
    /// Per cent of the orders whose customer withdraws while it is under way
    #[arg(long, default_value_t = 2.0)]
    pub(crate) withdrawn: f64,
    /// Kill nothing
    #[arg(long)]
    pub(crate) no_kills: bool,
    #[command(flatten)]
    pub(crate) rates: Rates,
}

/// How often the participants' front does harm, in per cent of the calls.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Per cent of calls that take effect and whose reply is lost
    #[arg(long, default_value_t = 3.0)]
    pub(crate) lost: f64,
    /// Per cent of calls that are delivered twice at the same time
    #[arg(long, default_value_t = 3.0)]
    pub(crate) duplicate: f64,
    /// Per cent of tries that take 0.2 to 1.5 s
    #[arg(long, default_value_t = 2.0)]
    pub(crate) slow: f64,
    /// Per cent of branches whose try arrives only after the deadline
    #[arg(long, default_value_t = 0.2)]
    pub(crate) late: f64,
}

/// The services of the shop beside the ledger, each a process with its own books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Role {
    /// The order book.
    Order,
    /// A customer's card, in cents.
    Payment,
}

impl Role {
    /// Both, in the order in which the branches are listed.
    pub(crate) const ALL: [Role; 2] = [Role::Order, Role::Payment];

    /// The branch's id, the process's name and the books' file name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Order => "order",
            Role::Payment => "payment",
        }
    }

    /// What it answers when the pot is short; the order book has no pots and never refuses.
    pub(crate) fn refusal(self) -> Option<&'static str> {
        match self {
            Role::Order => None,
            Role::Payment => Some("card_declined"),
        }
    }
}

/// `tercet demo-participant`: one of the shop's services. Started by the demo; ends when its standard input closes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ParticipantArgs {
    /// Which service to be
    #[arg(long)]
    pub(crate) role: Role,
    /// Its books, a SQLite file
    #[arg(long)]
    pub(crate) db: PathBuf,
    /// Where to listen; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// The seed of its faults
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// How long a late try is held back
    #[arg(long, default_value_t = 4500)]
    pub(crate) late_ms: u64,
    #[command(flatten)]
    pub(crate) rates: Rates,
}
