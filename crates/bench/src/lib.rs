//! MEASURE: our workloads, each beside its raw limit in the same run.
//!
//! A figure of one side alone says more about the machine than about Tercet, so a workload alternates its sides,
//! round by round, and the ratio is what counts. This room must never be on the way of a real request, nor print
//! a figure that it did not measure just now.
//! Read next: `compare.rs` (how two sides are alternated), `workload/http_call.rs`, `docs/performance.md`.

mod compare;
mod feed;
mod figures;
mod histogram;
mod house;
mod limit;
mod load;
mod machine;
mod pace;
mod peer;
mod process;
mod scrape;
mod spent;
mod tercet;
mod wire;
mod workload;

/// What `tercet bench` is asked to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Managed TCC over two HTTP branches, beside the same exchanges with no coordinator
    HttpCall(workload::http_call::Args),
    /// TCC and saga over DTM's protocol, beside the same exchanges with no coordinator
    Dtm(workload::dtm::Args),
    /// TCC with one await branch signalled at once, beside a handler that does nothing
    Await(workload::await_branch::Args),
    /// Start-up time and memory with many open transactions, after kill -9
    Recovery(workload::recovery::Args),
    /// Frames appended to the file journal, beside plain write and fdatasync
    Journal(workload::journal::Args),
    /// A local transaction with and without the barrier: PostgreSQL, MariaDB, SQLite, Redis
    #[cfg(feature = "databases")]
    Barrier(workload::barrier::Args),
    /// Managed TCC with two sql branches on PostgreSQL, beside the same statements with no coordinator
    #[cfg(feature = "databases")]
    SqlBranch(workload::sql_branch::Args),
    /// Entries, holds and captures in process, beside the journal alone
    Ledger(workload::ledger::Args),
    /// Entries over gRPC: one stream of large batches, and many callers with one entry each
    LedgerGrpc(workload::ledger::grpc::Args),
    /// Entries over HTTP and JSON, beside a handler that does nothing
    LedgerHttp(workload::ledger::http::Args),
    /// Memory of idle accounts, and the time to start with them from the archive
    LedgerMemory(workload::ledger::memory::Args),
    /// A shop order as one transaction over HTTP: stock, points, a coupon, all in the ledger
    Order(workload::ledger::order::Args),
    /// Rows of an outbox relayed to a server, beside the same messages posted without an outbox
    #[cfg(feature = "databases")]
    Outbox(workload::outbox::Args),
    #[command(hide = true)]
    Participant,
    #[command(hide = true)]
    Noop(limit::noop::Args),
    #[command(hide = true)]
    Relay(limit::relay::Args),
    #[command(hide = true)]
    Same(limit::same::Args),
    #[command(hide = true)]
    Idle(workload::ledger::memory::IdleArgs),
}

/// Runs one workload and prints its figures.
///
/// Fails when a side cannot be started or measured, and, after the figures are printed, when a request failed.
pub fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::HttpCall(args) => workload::http_call::run(&args),
        Command::Dtm(args) => workload::dtm::run(&args),
        Command::Await(args) => workload::await_branch::run(&args),
        Command::Recovery(args) => workload::recovery::run(&args),
        Command::Journal(args) => workload::journal::run(&args),
        #[cfg(feature = "databases")]
        Command::Barrier(args) => workload::barrier::run(&args),
        #[cfg(feature = "databases")]
        Command::SqlBranch(args) => workload::sql_branch::run(&args),
        Command::Ledger(args) => workload::ledger::run(&args),
        Command::LedgerGrpc(args) => workload::ledger::grpc::run(&args),
        Command::LedgerHttp(args) => workload::ledger::http::run(&args),
        Command::LedgerMemory(args) => workload::ledger::memory::run(&args),
        Command::Order(args) => workload::ledger::order::run(&args),
        #[cfg(feature = "databases")]
        Command::Outbox(args) => workload::outbox::run(&args),
        Command::Participant => limit::participant::run(),
        Command::Noop(args) => limit::noop::run(&args),
        Command::Relay(args) => limit::relay::run(&args),
        Command::Same(args) => limit::same::run(&args),
        Command::Idle(args) => workload::ledger::memory::idle(&args),
    }
}
