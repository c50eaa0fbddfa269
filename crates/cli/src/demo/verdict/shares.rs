//! Each share of the verdict: stock and points in the ledger, the order book and the payments in their services.
//!
//! What confirmed orders should have taken, what was taken by the books, and whether the two agree order by order.
//! Pure. Read next: `../verdict.rs`, which makes claims of it.

use std::collections::BTreeSet;

use super::Evidence;
use crate::demo::args::Role;
use crate::demo::books::Books;
use crate::demo::catalogue::{FREE, Good, SOURCE, TAKEN};
use crate::demo::ledger_books::Account;

/// One share of the verdict: of a good in the ledger, or of a service.
pub(crate) struct Share {
    /// The branch's id.
    pub(crate) name: &'static str,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// What there was at first, and what is left; `None` for the order book, which has no pots.
    pub(crate) pots: Option<(i128, i128)>,
    /// What is still under holds.
    pub(crate) held: i128,
    /// What confirmed orders took from it, by the coordinator's account.
    pub(crate) due: i128,
    /// What its own books say was captured for them.
    pub(crate) captured: i128,
    /// Orders in which its books and the coordinator agree.
    pub(crate) agreeing: usize,
    /// Its parts add up: free, held and captured are what it opened with.
    pub(crate) adds_up: bool,
    /// Tries that were refused.
    pub(crate) refused: i128,
    /// Duplicates, empty cancels and late tries that a service's barrier met; the ledger needs none.
    pub(crate) hazards: Option<[i128; 3]>,
}

/// All of them, in the order in which the branches are listed.
pub(crate) fn all(evidence: &Evidence) -> Vec<Share> {
    let goods = Good::ALL.into_iter().map(|good| of_good(evidence, good));
    goods.chain(evidence.books.iter().map(|(role, books)| of_service(evidence, *role, books))).collect()
}

fn of_good(evidence: &Evidence, good: Good) -> Share {
    let accounts = || evidence.ledger.accounts.iter().filter(|account| good.has(&account.asset));
    let sum = |side: &str, of: fn(&Account) -> i128| -> i128 {
        accounts().filter(|account| account.id.starts_with(side)).map(of).sum()
    };
    let (opening, captured) = (-sum(SOURCE, |it| it.posted), sum(TAKEN, |it| it.posted));
    let (held, free) = (sum(FREE, |it| it.held), sum(FREE, |it| it.posted - it.held));
    let assets: BTreeSet<&str> = accounts().map(|account| account.asset.as_str()).collect();
    let each_adds_up = assets.iter().all(|asset| {
        accounts().filter(|account| account.asset == **asset).map(|account| account.posted).sum::<i128>() == 0
    });
    let mut share = Share {
        name: good.name(),
        unit: match good {
            Good::Stock => "units",
            Good::Points => "points",
        },
        pots: Some((opening, free)),
        held,
        due: 0,
        captured,
        agreeing: 0,
        adds_up: each_adds_up && free + held + captured == opening,
        refused: refused(evidence, good.name()),
        hazards: None,
    };
    for (order, truth) in evidence.orders.iter().zip(&evidence.answers.truths) {
        let taking = order.takes(good);
        let amount = i128::from(taking.amount);
        let hold = evidence.ledger.holds.get(&(order.id.clone(), good));
        if truth.state == "confirmed" {
            share.due += amount;
            let exactly = hold
                .is_some_and(|it| it.state == "captured" && it.captured == amount && it.from == taking.from);
            share.agreeing += usize::from(exactly);
        } else if truth.state == "cancelled" {
            let nothing = hold.is_none_or(|it| it.state == "released" && it.captured == 0);
            share.agreeing += usize::from(nothing);
        }
    }
    share
}

/// Orders that were cancelled because this branch was refused.
fn refused(evidence: &Evidence, branch: &str) -> i128 {
    let by_it = |code: &str, by: Option<&str>| code == "branch_refused" && by == Some(branch);
    let reasons = evidence.answers.truths.iter().filter_map(|truth| truth.reason.as_ref());
    reasons.filter(|(code, by)| by_it(code, by.as_deref())).count() as i128
}

fn of_service(evidence: &Evidence, role: Role, books: &Books) -> Share {
    let has_pots = role.refusal().is_some();
    let captured: i64 = books.holds.values().filter(|it| it.state == "captured").map(|it| it.amount).sum();
    let held: i64 = books.holds.values().filter(|it| it.state == "held").map(|it| it.amount).sum();
    let sums = books.sums;
    // The order book has no pots, so its captured holds are all there is to compare.
    let pots_agree = sums.captured == captured && sums.held == held && sums.broken == 0;
    let mut share = Share {
        name: role.name(),
        unit: "cents",
        pots: has_pots.then(|| (i128::from(sums.opening), i128::from(sums.free))),
        held: i128::from(held),
        due: 0,
        captured: i128::from(captured),
        agreeing: 0,
        adds_up: !has_pots || pots_agree,
        refused: i128::from(books.refused),
        hazards: Some(
            ["duplicate", "empty_cancel", "late_try"].map(|it| i128::from(super::hazard(books, it))),
        ),
    };
    for (order, truth) in evidence.orders.iter().zip(&evidence.answers.truths) {
        let (pot, amount) = order.asks(role);
        let hold = books.holds.get(&order.id);
        let exactly = hold.is_some_and(|it| it.state == "captured" && it.pot == pot && it.amount == amount);
        if truth.state == "confirmed" {
            share.due += i128::from(amount);
            share.agreeing += usize::from(exactly);
        } else if truth.state == "cancelled" {
            share.agreeing += usize::from(hold.is_none_or(|it| it.state == "released"));
        }
    }
    share
}
