//! OPERATE: the one shipped binary, `tercet`. Reads the command line and hands over; it decides nothing itself.
//! Read next: `demo/mod.rs` for the shop.

use std::process::ExitCode;

use clap::Parser;

mod demo;

#[derive(Parser)]
#[command(name = "tercet", version, about = "Transactions that move value between services, kept durably")]
enum Command {
    /// Run the shop with faults injected, then judge it
    Demo(demo::Args),
    #[command(hide = true)]
    DemoParticipant(demo::ParticipantArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Command::parse() {
        Command::Demo(args) => demo::run(args),
        Command::DemoParticipant(args) => demo::participant(args).map(|()| ExitCode::SUCCESS),
    }
}
