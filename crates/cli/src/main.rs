//! OPERATE: the one shipped binary, `tercet`. Reads the command line and hands over; it decides nothing itself.
//! Read next: `serve.rs` for the server, `settings/mod.rs` for what it can be told, `demo/mod.rs` for the shop.

use std::process::ExitCode;

use clap::Parser;

mod ask;
mod demo;
mod exit;
mod files;
mod folder;
mod journal;
mod ledger;
mod log;
mod machine;
mod pages;
mod participant;
mod redis;
#[cfg(test)]
mod reference;
#[cfg(feature = "databases")]
mod relay;
mod serve;
mod settings;
mod space;
mod terminal;
mod tx;

#[derive(Parser)]
#[command(name = "tercet", version, about = "Transactions that move value between services, kept durably")]
enum Command {
    /// Run the coordinator on a data folder
    #[command(
        after_help = "Each setting is also a key of the TOML file and a TERCET_… variable: docs/reference/settings.md"
    )]
    Serve(Box<serve::Args>),
    /// Look at transactions of a running server, and decide, signal or retry them by hand
    Tx(tx::Args),
    /// Look at and change accounts, holds and items of a running server
    Ledger(ledger::Args),
    /// Check a machine's file, and draw it, without a server
    #[command(subcommand)]
    Machine(machine::Args),
    /// Look at the kept data of a folder, without a server
    #[command(subcommand)]
    Journal(journal::Args),
    /// Prove a participant right, whatever its language
    #[command(subcommand)]
    Participant(participant::Args),
    /// Drain an application's outbox, and look after its dead letters
    #[cfg(feature = "databases")]
    Relay(Box<relay::Args>),
    /// Fill a Redis resource of a running server anew from its journal, or see how it stands
    Redis(redis::Args),
    /// Run the shop with faults injected, then judge it
    Demo(demo::Args),
    /// Measure on this machine, beside the raw limit: the workloads of docs/performance.md
    Bench(bench::Args),
    #[command(hide = true)]
    DemoParticipant(demo::ParticipantArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Command::parse() {
        Command::Serve(args) => Ok(serve::run(*args)),
        Command::Tx(args) => Ok(tx::run(&args)),
        Command::Ledger(args) => Ok(ledger::run(&args)),
        Command::Machine(args) => Ok(machine::run(&args)),
        Command::Journal(args) => Ok(journal::run(&args)),
        Command::Participant(args) => Ok(participant::run(&args)),
        #[cfg(feature = "databases")]
        Command::Relay(args) => Ok(relay::run(&args)),
        Command::Redis(args) => Ok(redis::run(&args)),
        Command::Demo(args) => demo::run(&args),
        Command::Bench(args) => bench::run(args).map(|()| ExitCode::SUCCESS),
        Command::DemoParticipant(args) => demo::participant(&args).map(|()| ExitCode::SUCCESS),
    }
}
