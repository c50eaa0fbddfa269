//! `tercet relay`: drains an outbox in an application's database, and looks after its dead letters.
//!
//! It needs the database and whom to send to, and no data folder. How rows are taken and sent is the participant crate's
//! matter. Read next: `run.rs`, then `participant/src/outbox/relay/mod.rs`.

mod dead;
mod run;
mod trail;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use participant::database::Dialect;
use participant::outbox::Outbox;
use sqlx::pool::PoolOptions;
use sqlx::{MySql, Postgres, Sqlite};
use tokio::runtime::Runtime;

use crate::exit::{Exit, words};
use crate::terminal::tell;

/// Connections to the database: one takes rows, one marks them, one counts.
const CONNECTIONS: u32 = 4;

/// Arguments of `tercet relay`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// The database with the outbox: postgres://…, mysql://…, sqlite://FILE [variable: TERCET_DATABASE, which the list of
    /// processes does not show]
    #[arg(
        long,
        global = true,
        env = "TERCET_DATABASE",
        hide_env = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    database: Option<String>,
    #[command(flatten)]
    run: run::Flags,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Messages that wait for a person
    #[command(subcommand)]
    Dead(dead::Verb),
    /// Everything that is known about one message
    Trail(trail::Args),
}

/// Runs `tercet relay`.
pub(crate) fn run(args: &Args) -> ExitCode {
    match judged(args) {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("tercet: {}", words(&fault));
            Exit::NotStarted.into()
        }
    }
}

fn judged(args: &Args) -> anyhow::Result<ExitCode> {
    let url = args.database.as_deref().context("which outbox? --database URL, or TERCET_DATABASE")?;
    let runtime = Runtime::new()?;
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => runtime.block_on(of_kind::<Postgres>(url, args)),
        Some("mysql" | "mariadb") => runtime.block_on(of_kind::<MySql>(url, args)),
        Some("sqlite") => runtime.block_on(of_kind::<Sqlite>(url, args)),
        // The URL may hold a password: it is not repeated.
        _ => bail!("the database is not postgres://…, mysql://… or sqlite://FILE"),
    }
}

async fn of_kind<D: Dialect>(url: &str, args: &Args) -> anyhow::Result<ExitCode> {
    let pool =
        PoolOptions::<D>::new().max_connections(CONNECTIONS).connect(url).await.context("the database")?;
    let mut connection = pool.acquire().await?;
    let missing = D::missing_tables(&mut connection, &["tercet_outbox"]).await?;
    drop(connection);
    if !missing.is_empty() {
        bail!(
            "there is no table tercet_outbox in that database: the application makes it (docs/guides/outbox.md)"
        );
    }
    let outbox = Outbox::new(pool);
    let told = match &args.verb {
        None => return run::run(outbox, &args.run).await,
        Some(Verb::Dead(verb)) => dead::told(&outbox, verb).await,
        Some(Verb::Trail(trail)) => trail::told(&outbox, trail).await,
    };
    Ok(tell(told))
}
