//! Runs the same load against two or more sides in turn, A B A B, and makes figures of it.
//!
//! After each round it waits until the side has done what it put off, so that no side's work falls into another's
//! round; processor time counts up to there. Read next: `load.rs`, `figures.rs`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use crate::figures::{Spread, Table};
use crate::histogram::Histogram;
use crate::load::{self, Plan, Script, Tally, Until};
use crate::pace::Pace;
use crate::process::{self, Whose};
use crate::{tercet, wire};

const WARM_UP: Duration = Duration::from_secs(1);

/// How to see what a side has put off, and what it synced.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gauged {
    /// By Tercet's own /metrics, at this address.
    Tercet(SocketAddr),
    /// Nothing is put off.
    No,
}

/// One side of a comparison.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) peers: Vec<SocketAddr>,
    pub(crate) script: Arc<dyn Script>,
    pub(crate) gauged: Gauged,
    /// Whose processor time is counted, besides the load's own.
    pub(crate) processes: Vec<(&'static str, u32)>,
    /// A participant that counts its calls.
    pub(crate) participant: Option<SocketAddr>,
}

/// What was measured of a side in one round.
struct Round {
    tally: Tally,
    cpu_us: Vec<(&'static str, u64)>,
    syncs: u64,
    calls: u64,
    behind: Option<Duration>,
}

/// Latencies of one kind of request, in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) of: &'static str,
    pub(crate) p50_ms: Spread,
    pub(crate) p99_ms: Spread,
    pub(crate) max_ms: Spread,
}

/// A side's figures over all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct SideFigures {
    pub(crate) side: &'static str,
    pub(crate) transactions_per_second: Spread,
    pub(crate) requests_per_second: Spread,
    pub(crate) latencies: Vec<Latency>,
    /// Processor time per transaction by process, in microseconds.
    pub(crate) cpu_us: Vec<(&'static str, Spread)>,
    /// Only of a side that tells them.
    pub(crate) syncs_per_transaction: Option<Spread>,
    /// Calls that the participant saw.
    pub(crate) calls_per_transaction: Option<Spread>,
    /// Seconds after the round until what was put off was done.
    pub(crate) behind_seconds: Option<Spread>,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    /// Transactions per second, round by round.
    pub(crate) rounds: Vec<f64>,
    /// Processor time per transaction of all processes together, round by round, in microseconds.
    pub(crate) rounds_cpu_us: Vec<f64>,
}

/// Alternates the sides with so many connections, and answers their figures in the same order.
pub(crate) fn alternate(sides: &[Side], connections: usize, pace: &Pace) -> anyhow::Result<Vec<SideFigures>> {
    for (index, side) in sides.iter().enumerate() {
        round(side, &plan(side, connections, WARM_UP, format!("warm-{index}")))?;
    }
    let mut rounds: Vec<Vec<Round>> = sides.iter().map(|_| Vec::new()).collect();
    for number in 0..pace.rounds {
        for (index, side) in sides.iter().enumerate() {
            let measured = round(side, &plan(side, connections, pace.round(), format!("r{number}-{index}")))?;
            eprintln!(
                "round {} of {}: {} {:.0}/s",
                number + 1,
                pace.rounds,
                side.name,
                per_second(&measured)
            );
            rounds[index].push(measured);
        }
    }
    Ok(sides.iter().zip(rounds).map(|(side, rounds)| figures(side, &rounds)).collect())
}

fn plan(side: &Side, connections: usize, round: Duration, prefix: String) -> Plan {
    Plan { peers: side.peers.clone(), connections, until: Until::Elapsed(round), prefix }
}

fn round(side: &Side, plan: &Plan) -> anyhow::Result<Round> {
    let others = side.processes.iter().map(|(name, pid)| (*name, *pid, Whose::WithChildren));
    let processes: Vec<_> = others.chain([("load", std::process::id(), Whose::Own)]).collect();
    let cpu = || {
        let used = processes.iter().map(|(_, pid, whose)| process::cpu_us(*pid, *whose));
        used.collect::<anyhow::Result<Vec<_>>>()
    };
    let syncs = || match side.gauged {
        Gauged::Tercet(address) => tercet::syncs(address),
        Gauged::No => Ok(0),
    };
    let calls = || side.participant.map_or(Ok(0), calls_seen);
    let (cpu_before, syncs_before, calls_before) = (cpu()?, syncs()?, calls()?);
    let tally = load::run(plan, &side.script)?;
    let behind = match side.gauged {
        Gauged::Tercet(address) => {
            let settled = tercet::settle(address)?;
            ensure!(settled.is_some(), "{}: the archive did not catch up in time", side.name);
            settled
        }
        Gauged::No => None,
    };
    let used = cpu()?.into_iter().zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    let cpu_us = processes.iter().map(|(name, ..)| *name).zip(used).collect();
    Ok(Round { tally, cpu_us, syncs: syncs()? - syncs_before, calls: calls()? - calls_before, behind })
}

/// How many calls a participant has answered.
pub(crate) fn calls_seen(participant: SocketAddr) -> anyhow::Result<u64> {
    let mut request = Vec::new();
    wire::get(&mut request, "/count");
    let (_, body) = wire::once(participant, &request)?;
    Ok(std::str::from_utf8(&body)?.parse()?)
}

fn per_second(round: &Round) -> f64 {
    round.tally.whole.count() as f64 / round.tally.elapsed.as_secs_f64()
}

fn figures(side: &Side, rounds: &[Round]) -> SideFigures {
    let spread = |figure: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(figure));
    let each = |count: u64, round: &Round| count as f64 / round.tally.whole.count().max(1) as f64;
    let mut latencies = vec![latency("transaction", rounds, &|tally| &tally.whole)];
    let steps = side.script.steps();
    if steps.len() > 1 {
        let of_step =
            |(index, step): (usize, &load::Step)| latency(step.name, rounds, &|tally| &tally.steps[index]);
        latencies.extend(steps.iter().enumerate().map(of_step));
    }
    let processes = rounds.first().map_or(0, |round| round.cpu_us.len());
    let cpu_of = |index: usize| {
        let name = rounds.first().map_or("", |round| round.cpu_us[index].0);
        (name, spread(&|round| each(round.cpu_us[index].1, round)))
    };
    SideFigures {
        side: side.name,
        transactions_per_second: spread(&per_second),
        requests_per_second: spread(&|round| {
            let requests: u64 = round.tally.steps.iter().map(Histogram::count).sum();
            requests as f64 / round.tally.elapsed.as_secs_f64()
        }),
        latencies,
        cpu_us: (0..processes).map(cpu_of).collect(),
        syncs_per_transaction: matches!(side.gauged, Gauged::Tercet(_))
            .then(|| spread(&|round| each(round.syncs, round))),
        calls_per_transaction: side.participant.map(|_| spread(&|round| each(round.calls, round))),
        behind_seconds: matches!(side.gauged, Gauged::Tercet(_))
            .then(|| spread(&|round| round.behind.unwrap_or_default().as_secs_f64())),
        errors: rounds.iter().map(|round| round.tally.errors).sum(),
        first_error: rounds.iter().find_map(|round| round.tally.first_error.clone()),
        rounds: rounds.iter().map(per_second).collect(),
        rounds_cpu_us: rounds
            .iter()
            .map(|round| each(round.cpu_us.iter().map(|(_, us)| us).sum(), round))
            .collect(),
    }
}

fn latency(of: &'static str, rounds: &[Round], pick: &dyn Fn(&Tally) -> &Histogram) -> Latency {
    let spread = |figure: &dyn Fn(&Histogram) -> f64| {
        Spread::of(rounds.iter().map(|round| figure(pick(&round.tally))))
    };
    Latency {
        of,
        p50_ms: spread(&|seen| seen.quantile_ms(0.5)),
        p99_ms: spread(&|seen| seen.quantile_ms(0.99)),
        max_ms: spread(&Histogram::max_ms),
    }
}

/// The sides' figures as tables.
pub(crate) fn print(sides: &[SideFigures]) {
    let mut rates = Table::new(&[
        "side",
        "transactions/s",
        "requests/s",
        "syncs each",
        "calls each",
        "behind s",
        "errors",
    ]);
    let mut latencies = Table::new(&["side", "request", "p50 ms", "p99 ms", "max ms"]);
    let mut cpu = Table::new(&["side", "process", "CPU µs per transaction"]);
    let text = |spread: &Option<Spread>| spread.as_ref().map_or_else(String::new, Spread::text);
    for side in sides {
        rates.row(&[
            side.side.to_owned(),
            side.transactions_per_second.text(),
            side.requests_per_second.text(),
            text(&side.syncs_per_transaction),
            text(&side.calls_per_transaction),
            text(&side.behind_seconds),
            side.errors.to_string(),
        ]);
        for seen in &side.latencies {
            latencies.row(&[
                side.side,
                seen.of,
                &seen.p50_ms.text(),
                &seen.p99_ms.text(),
                &seen.max_ms.text(),
            ]);
        }
        for (process, spent) in &side.cpu_us {
            cpu.row(&[side.side, process, &spent.text()]);
        }
    }
    println!("{}\n{}\n{}", rates.text(), latencies.text(), cpu.text());
}

/// Fails when a side had errors: its figures stand for nothing then.
pub(crate) fn ensure_no_errors(sides: &[SideFigures]) -> anyhow::Result<()> {
    for side in sides {
        let first = side.first_error.as_deref().unwrap_or("");
        ensure!(side.errors == 0, "{}: {} errors; the first: {first}", side.side, side.errors);
    }
    Ok(())
}
