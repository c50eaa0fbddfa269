//! The judgement: puts what was told, what the coordinator says now, its ledger and the services' books side by side.
//!
//! Pure: it reads no file and asks nobody. An invariant that does not hold makes the demo fail.
//! Read next: `verdict/shares.rs` (order by order), then `report.rs`.

mod shares;

use std::collections::BTreeMap;
use std::time::Duration;

use super::args::Role;
use super::books::Books;
use super::catalogue::Order;
use super::inquiry::{Answers, Truth};
use super::ledger_books::LedgerBooks;
use super::orders::Told;
use super::rush::{BUYERS, Rush, UNITS};

pub(crate) use self::shares::Share;

/// So that a row fits a terminal.
const LONGEST_WORDS: usize = 40;

/// Everything there is to judge.
pub(crate) struct Evidence<'a> {
    /// What was ordered.
    pub(crate) orders: &'a [Order],
    /// What the initiators were told.
    pub(crate) told: &'a [Told],
    /// Answers outside the API's promises.
    pub(crate) surprises: &'a [String],
    /// What everybody says now.
    pub(crate) answers: &'a Answers,
    /// Whether the coordinator's journal verifies, and the verifier's last line.
    pub(crate) journal: &'a (bool, String),
    /// Each service's own books.
    pub(crate) books: &'a [(Role, Books)],
    /// The coordinator's ledger.
    pub(crate) ledger: &'a LedgerBooks,
    /// How the rush went.
    pub(crate) rush: &'a Rush,
    /// From the first order to the last answer.
    pub(crate) took: Duration,
}

/// One invariant.
pub(crate) struct Check {
    /// What must hold.
    pub(crate) claim: String,
    /// What was found, in figures.
    pub(crate) found: String,
    /// Whether it holds.
    pub(crate) holds: bool,
}

/// The whole judgement.
pub(crate) struct Verdict {
    /// Confirmed, and cancelled by reason: words and how many.
    pub(crate) ends: Vec<(String, usize)>,
    /// Of stock and points in the ledger, then of each service.
    pub(crate) shares: Vec<Share>,
    /// The invariants.
    pub(crate) checks: Vec<Check>,
    /// Orders per second, first request to last final answer.
    pub(crate) per_second: f64,
    /// Median and 99th percentile of an order's latency, in milliseconds.
    pub(crate) latency_ms: (u128, u128),
    /// An order whose timeline is worth reading.
    pub(crate) worth_reading: Option<String>,
}

impl Verdict {
    /// Whether every invariant holds.
    pub(crate) fn passes(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

/// Judges.
pub(crate) fn judge(evidence: &Evidence) -> Verdict {
    let shares = shares::all(evidence);
    let mut checks =
        vec![check_final(evidence), check_told(evidence), check_list(evidence), check_answers(evidence)];
    checks.extend(shares.iter().map(check_sums));
    checks.extend([
        check_agreement(evidence, &shares),
        check_ledger(evidence.ledger),
        check_coupons(evidence),
        check_rush(evidence.rush),
        check_lawful(evidence),
        check_journal(evidence),
    ]);
    Verdict {
        ends: ends(&evidence.answers.truths),
        shares,
        checks,
        per_second: evidence.told.len() as f64 / evidence.took.as_secs_f64().max(f64::MIN_POSITIVE),
        latency_ms: latencies(evidence.told),
        worth_reading: worth_reading(evidence),
    }
}

fn check_final(evidence: &Evidence) -> Check {
    let Answers { truths, in_hand, .. } = evidence.answers;
    let open = truths.iter().filter(|truth| !truth.is_final).count();
    let attention = truths.iter().filter(|truth| truth.needs_attention).count();
    Check {
        claim: "every order is final".to_owned(),
        found: format!("{open} stuck, {attention} need attention, {in_hand} calls in hand"),
        holds: open == 0 && attention == 0 && *in_hand == 0 && truths.len() == evidence.orders.len(),
    }
}

fn check_told(evidence: &Evidence) -> Check {
    let changed =
        |told: &&Told| evidence.answers.truths.get(told.number).is_none_or(|it| it.state != told.state);
    let changed = evidence.told.iter().filter(changed).count();
    let across = evidence.told.iter().filter(|told| told.kills > 0).count();
    Check {
        claim: "what initiators were told is still so".to_owned(),
        found: format!("{} told, {across} across a kill, {changed} changed", evidence.told.len()),
        holds: changed == 0 && evidence.told.len() == evidence.orders.len(),
    }
}

fn check_list(evidence: &Evidence) -> Check {
    let listed: BTreeMap<&str, &str> =
        evidence.answers.listed.iter().map(|(id, state)| (&**id, &**state)).collect();
    let pairs = evidence.orders.iter().zip(&evidence.answers.truths);
    let agreeing = pairs.filter(|(order, truth)| listed.get(&*order.id) == Some(&&*truth.state)).count();
    let (shown, all) = (evidence.answers.listed.len(), evidence.orders.len());
    Check {
        claim: "the list shows each order once, as it is".to_owned(),
        found: format!("{shown} shown, {agreeing} of {all} as they are"),
        holds: agreeing == all && shown == all,
    }
}

fn check_answers(evidence: &Evidence) -> Check {
    Check {
        claim: "every answer was one that the API promises".to_owned(),
        found: format!("{} were not", evidence.surprises.len()),
        holds: evidence.surprises.is_empty(),
    }
}

fn check_sums(share: &Share) -> Check {
    Check {
        claim: format!("{}: captured is what was confirmed", share.name),
        found: format!("{} = {} {}, {} held", share.captured, share.due, share.unit, share.held),
        holds: share.captured == share.due && share.held == 0 && share.adds_up,
    }
}

fn check_agreement(evidence: &Evidence, shares: &[Share]) -> Check {
    let agreeing: usize = shares.iter().map(|share| share.agreeing).sum();
    let all = evidence.orders.len() * shares.len();
    Check {
        claim: "ledger and services agree with the coordinator".to_owned(),
        found: format!("{agreeing} of {all}, order by order"),
        holds: agreeing == all,
    }
}

fn check_ledger(ledger: &LedgerBooks) -> Check {
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for account in &ledger.accounts {
        *sums.entry(&account.asset).or_default() += account.posted;
    }
    let off = sums.values().filter(|sum| **sum != 0).count();
    Check {
        claim: "the sum over each asset of the ledger is zero".to_owned(),
        found: format!("{} assets, {} accounts, {off} off", sums.len(), ledger.accounts.len()),
        holds: off == 0 && !sums.is_empty(),
    }
}

/// A coupon is used exactly where a confirmed order named it, and never twice.
fn check_coupons(evidence: &Evidence) -> Check {
    let confirmed = |coupon: &String| {
        let pairs = evidence.orders.iter().zip(&evidence.answers.truths);
        pairs
            .filter(|(order, truth)| order.coupon.as_ref() == Some(coupon) && truth.state == "confirmed")
            .count()
    };
    let coupons = &evidence.ledger.coupons;
    let used = coupons.values().filter(|coupon| coupon.state == "used").count();
    let twice = coupons.values().filter(|coupon| coupon.uses > 1).count();
    let lawful = coupons.iter().all(|(id, coupon)| match confirmed(id) {
        0 => coupon.state == "active" && coupon.uses == 0,
        1 => coupon.state == "used" && coupon.uses == 1,
        _ => false,
    });
    Check {
        claim: "a coupon is used once, by a confirmed order".to_owned(),
        found: format!("{used} of {} used, {twice} twice", coupons.len()),
        holds: lawful,
    }
}

fn check_rush(rush: &Rush) -> Check {
    let units = usize::try_from(UNITS).unwrap_or(usize::MAX);
    Check {
        claim: format!("the rush: {BUYERS} buyers for {UNITS} units"),
        found: format!("{} sold, {} turned away, {} ms", rush.sold, rush.turned_away, rush.took.as_millis()),
        holds: rush.sold == units
            && rush.sold + rush.turned_away == BUYERS
            && rush.taken == i128::from(UNITS)
            && rush.left == (0, 0),
    }
}

fn check_lawful(evidence: &Evidence) -> Check {
    let unlawful = ["confirm_without_try", "confirm_after_cancel", "cancel_after_confirm"];
    let seen: i64 = evidence.books.iter().flat_map(|(_, books)| unlawful.map(|it| hazard(books, it))).sum();
    Check {
        claim: "no confirm or cancel against the decision".to_owned(),
        found: format!("{seen} came"),
        holds: seen == 0,
    }
}

fn check_journal(evidence: &Evidence) -> Check {
    let (holds, words) = evidence.journal;
    Check {
        claim: "the journal's hash chain holds and replays".to_owned(),
        found: words.chars().take(LONGEST_WORDS).collect(),
        holds: *holds,
    }
}

/// How often a service's barrier counted that hazard.
pub(crate) fn hazard(books: &Books, name: &str) -> i64 {
    books.hazards.get(name).copied().unwrap_or(0)
}

fn ends(truths: &[Truth]) -> Vec<(String, usize)> {
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for truth in truths {
        *ends.entry(end(truth)).or_default() += 1;
    }
    let mut ends: Vec<(String, usize)> = ends.into_iter().collect();
    ends.sort_by_key(|(words, count)| (words != "confirmed", usize::MAX - count));
    ends
}

fn end(truth: &Truth) -> String {
    let Some((code, branch)) = &truth.reason else { return truth.state.clone() };
    let why = match (code.as_str(), branch.as_deref()) {
        ("branch_refused", Some("stock")) => "out of stock",
        ("branch_refused", Some("points")) => "not enough points",
        ("branch_refused", Some("coupon")) => "coupon used already",
        ("branch_refused", Some("payment")) => "card declined",
        ("deadline_passed", _) => "deadline passed",
        ("withdrawn", _) => "withdrawn by the customer",
        (code, _) => code,
    };
    format!("{}: {why}", truth.state)
}

fn latencies(told: &[Told]) -> (u128, u128) {
    let mut sorted: Vec<u128> = told.iter().map(|it| it.latency.as_millis()).collect();
    sorted.sort_unstable();
    let at =
        |per_cent: usize| sorted.get((sorted.len() * per_cent / 100).min(sorted.len().saturating_sub(1)));
    (at(50).copied().unwrap_or(0), at(99).copied().unwrap_or(0))
}

/// Prefers a cancelled order that lived through a kill of the coordinator, then any that did, then the most repeated.
fn worth_reading(evidence: &Evidence) -> Option<String> {
    let rank = |told: &&Told| {
        let truth = evidence.answers.truths.get(told.number);
        (told.kills > 0, truth.is_some_and(|it| it.reason.is_some()), truth.map_or(0, |it| it.attempts))
    };
    evidence.told.iter().max_by_key(rank).map(|told| evidence.orders[told.number].id.clone())
}

#[cfg(test)]
mod tests;
