//! `tercet ledger`: looks at accounts, holds and items of a running server, and changes them by hand.
//!
//! It is a caller like any other: it goes through the HTTP API and touches no data folder. Every change by hand names
//! its operator and has an id of its own, so that it can be repeated safely when the answer got lost.
//! Read next: `by_hand.rs` (who changes what, under which id), then the noun: `account.rs`, `entry.rs`, `hold.rs`, …

mod account;
mod asset;
mod by_hand;
mod entry;
mod history;
mod hold;
mod item;
mod machine;
mod statement;
mod story;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use crate::ask::{Question, Server, judged};
use crate::pages::{Listing, Pages};
use crate::terminal::{Style, Told, tell};

/// Arguments of `tercet ledger`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: Server,
    /// Print the server's JSON instead of a table
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Assets: what is counted, and with how many decimals
    #[command(subcommand)]
    Asset(asset::Verb),
    /// Accounts: who has how much of one asset
    #[command(subcommand)]
    Account(account::Verb),
    /// The statement of an account: everything that changed it
    Entries(statement::Args),
    /// Entries: value that moves from one account to another
    #[command(subcommand)]
    Entry(entry::Verb),
    /// Holds: value that is reserved, to be captured or released
    #[command(subcommand)]
    Hold(hold::Verb),
    /// Items: unique things under a declared machine
    #[command(subcommand)]
    Item(item::Verb),
    /// Machines: the states and moves of items
    #[command(subcommand)]
    Machine(machine::Verb),
    /// What happened to an account, an item or a hold, told in sentences in the order of time
    History(history::Args),
}

/// Runs `tercet ledger`.
pub(crate) fn run(args: &Args) -> ExitCode {
    let style = if args.json { Style::Json } else { Style::Table };
    let desk = Desk { server: &args.server, style };
    tell(match &args.noun {
        Noun::Asset(verb) => asset::told(&desk, verb),
        Noun::Account(verb) => account::told(&desk, verb),
        Noun::Entries(args) => statement::told(&desk, args),
        Noun::Entry(verb) => entry::told(&desk, verb),
        Noun::Hold(verb) => hold::told(&desk, verb),
        Noun::Item(verb) => item::told(&desk, verb),
        Noun::Machine(verb) => machine::told(&desk, verb),
        Noun::History(args) => history::told(&desk, args),
    })
}

/// Where a verb asks, and how it prints.
struct Desk<'a> {
    server: &'a Server,
    style: Style,
}

impl Desk<'_> {
    /// Asks, and prints the answer: as it came, or as `show` puts it for a person.
    fn ask(&self, question: &Question, show: impl FnOnce(&Value) -> String) -> Told {
        let reply = self.server.ask(question)?;
        Ok(judged(&reply).map(|reply| match self.style {
            Style::Json => reply.text.clone(),
            Style::Table => show(&reply.body),
        }))
    }

    /// Reads a list to its end, or as far as `listing` wants.
    fn list(&self, listing: Listing<'_>, show: impl FnOnce(&Pages) -> String) -> Told {
        let pages = Pages::read(self.server, listing)?;
        Ok(pages.map(|pages| match self.style {
            Style::Json => pages.json(),
            Style::Table => show(&pages),
        }))
    }
}

/// Name and value, where there is one.
fn pair(name: &str, value: Option<&String>) -> Option<(String, String)> {
    value.map(|value| (name.to_owned(), value.clone()))
}
