//! The verdict passes honest evidence, and each single distortion of it fails the check that is there for it.

use super::*;
use crate::demo::books::{Hold, Sums};
use crate::demo::catalogue::{self, Good, SOURCE, TAKEN};
use crate::demo::ledger_books::{self, Account, Coupon};

/// The evidence of a run of orders with coupons: the last one refused for want of stock, all others confirmed.
struct World {
    orders: Vec<Order>,
    told: Vec<Told>,
    surprises: Vec<String>,
    answers: Answers,
    journal: (bool, String),
    books: Vec<(Role, Books)>,
    ledger: LedgerBooks,
    rush: Rush,
}

fn truth(state: &str) -> Truth {
    let reason = (state == "cancelled").then(|| ("branch_refused".to_owned(), Some("stock".to_owned())));
    Truth { state: state.to_owned(), is_final: true, reason, needs_attention: false, attempts: 8 }
}

/// So many orders; the coupons of the first two are shared out below.
const ORDERS: usize = 3;

fn honest() -> World {
    let mut orders = catalogue::orders(ORDERS as u32, 1);
    orders[0].coupon = Some("c-used".to_owned());
    orders[1].coupon = None;
    orders[2].coupon = Some("c-free".to_owned());
    let states = ["confirmed", "confirmed", "cancelled"];
    let latency = |n: usize| Duration::from_millis(10 * (n as u64 + 1));
    let told = (0..3).map(|n| Told { number: n, state: states[n].to_owned(), latency: latency(n), kills: 0 });
    let truths = states.map(truth).to_vec();
    let listed = orders.iter().zip(states).map(|(it, state)| (it.id.clone(), state.to_owned())).collect();
    let answers = Answers { truths, listed, in_hand: 0 };
    World {
        told: told.collect(),
        surprises: Vec::new(),
        answers,
        journal: (true, "verified".to_owned()),
        books: Role::ALL.map(|role| (role, service_books(&orders, role))).into(),
        ledger: ledger_of(&orders),
        rush: Rush { sold: 100, turned_away: 900, taken: 100, left: (0, 0), took: Duration::from_millis(5) },
        orders,
    }
}

fn service_books(orders: &[Order], role: Role) -> Books {
    let hold = |order: &Order, state: &str| {
        let (pot, amount) = order.asks(role);
        (order.id.clone(), Hold { pot: pot.to_owned(), amount, state: state.to_owned() })
    };
    let mut holds: BTreeMap<String, Hold> = orders[..2].iter().map(|it| hold(it, "captured")).collect();
    if role != Role::Payment {
        holds.extend([hold(&orders[2], "released")]);
    }
    let captured = orders[..2].iter().map(|it| it.asks(role).1).sum();
    let pots = Sums { opening: captured + 5, free: 5, captured, ..Sums::default() };
    let sums = if role.refusal().is_some() { pots } else { Sums::default() };
    Books { sums, holds, hazards: BTreeMap::new(), refused: 0 }
}

/// Seven are left in each account of a buyer.
fn ledger_of(orders: &[Order]) -> LedgerBooks {
    let mut ledger = LedgerBooks { accounts: Vec::new(), holds: BTreeMap::new(), coupons: BTreeMap::new() };
    let mut posted: BTreeMap<(String, String), i128> = BTreeMap::new();
    for order in &orders[..2] {
        for good in Good::ALL {
            let taking = order.takes(good);
            let asset = taking.to[TAKEN.len()..].to_owned();
            let amount = i128::from(taking.amount);
            *posted.entry((taking.to.clone(), asset.clone())).or_default() += amount;
            *posted.entry((format!("{SOURCE}{asset}"), asset.clone())).or_default() -= amount;
            if posted.insert((taking.from.clone(), asset.clone()), 7).is_none() {
                *posted.entry((format!("{SOURCE}{asset}"), asset)).or_default() -= 7;
            }
            let hold =
                ledger_books::Hold { state: "captured".to_owned(), from: taking.from, captured: amount };
            ledger.holds.insert((order.id.clone(), good), hold);
        }
    }
    let account = |((id, asset), posted)| Account { id, asset, posted, held: 0 };
    ledger.accounts = posted.into_iter().map(account).collect();
    ledger.coupons = [("c-used", "used", 1), ("c-free", "active", 0)]
        .map(|(id, state, uses)| (id.to_owned(), Coupon { state: state.to_owned(), uses }))
        .into();
    ledger
}

/// The first account on this side.
fn account<'a>(world: &'a mut World, side: &str) -> &'a mut Account {
    world.ledger.accounts.iter_mut().find(|it| it.id.starts_with(side)).unwrap()
}

/// The hold of the first order.
fn stock_hold(world: &mut World) -> &mut ledger_books::Hold {
    world.ledger.holds.get_mut(&("order-1".to_owned(), Good::Stock)).unwrap()
}

fn coupon<'a>(world: &'a mut World, id: &str) -> &'a mut Coupon {
    world.ledger.coupons.get_mut(id).unwrap()
}

fn judged(world: &World) -> Verdict {
    judge(&Evidence {
        orders: &world.orders,
        told: &world.told,
        surprises: &world.surprises,
        answers: &world.answers,
        journal: &world.journal,
        books: &world.books,
        ledger: &world.ledger,
        rush: &world.rush,
        took: Duration::from_secs(2),
    })
}

#[test]
fn honest_evidence_passes_and_is_told_in_words() {
    let verdict = judged(&honest());
    let failed: Vec<&str> =
        verdict.checks.iter().filter(|it| !it.holds).map(|it| it.found.as_str()).collect();
    assert!(verdict.passes(), "{failed:?}");
    let ends = vec![("confirmed".to_owned(), 2), ("cancelled: out of stock".to_owned(), 1)];
    assert_eq!(verdict.ends, ends);
    assert_eq!(verdict.per_second, 1.5);
    assert_eq!(verdict.latency_ms, (20, 30));
}

type Distort = fn(&mut World);

fn unlawful(world: &mut World, hazard: &str) {
    world.books[0].1.hazards.insert(hazard.to_owned(), 1);
}

const FINAL: &str = "every order is final";
const TOLD: &str = "what initiators were told";
const LIST: &str = "the list shows";
const AGREES: &str = "ledger and services agree";

/// What is done to the evidence, and the start of the claim that must fail then.
const DISTORTIONS: &[(Distort, &str)] = &[
    (|world| world.answers.truths[1].is_final = false, FINAL),
    (|world| world.answers.truths[1].needs_attention = true, FINAL),
    (|world| world.answers.in_hand = 1, FINAL),
    (|world| world.told[0].state = "cancelled".to_owned(), TOLD),
    (|world| drop(world.told.pop()), TOLD),
    (|world| drop(world.answers.listed.pop()), LIST),
    (|world| world.answers.listed.push(world.answers.listed[0].clone()), LIST),
    (|world| world.answers.listed[0].1 = "trying".to_owned(), LIST),
    (|world| world.surprises.push("answered 500".to_owned()), "every answer"),
    (|world| world.books[1].1.sums.held = 1, "payment: captured"),
    (|world| world.books[1].1.sums.broken = 1, "payment: captured"),
    (|world| world.books[1].1.sums.captured += 1, "payment: captured"),
    (|world| drop(world.books[1].1.holds.remove("order-1")), "payment: captured"),
    (|world| drop(world.books[0].1.holds.remove("order-1")), "order: captured"),
    (|world| drop(world.books[0].1.holds.remove("order-1")), AGREES),
    (|world| world.books[0].1.holds.get_mut("order-3").unwrap().state = "held".to_owned(), "order: captured"),
    (|world| world.books[0].1.holds.get_mut("order-3").unwrap().state = "held".to_owned(), AGREES),
    (|world| world.books[1].1.holds.get_mut("order-2").unwrap().pot = "another".to_owned(), AGREES),
    (|world| account(world, "free:product").held = 1, "stock: captured"),
    (|world| account(world, "taken:product").posted += 1, "stock: captured"),
    (|world| account(world, "free:customer").posted -= 1, "points: captured"),
    (|world| account(world, "free:customer").posted -= 1, "the sum over each asset"),
    (|world| world.ledger.accounts.clear(), "the sum over each asset"),
    (|world| stock_hold(world).captured -= 1, AGREES),
    (|world| stock_hold(world).state = "held".to_owned(), AGREES),
    (|world| stock_hold(world).from = "another".to_owned(), AGREES),
    (|world| coupon(world, "c-used").uses = 2, "a coupon is used once"),
    (|world| coupon(world, "c-used").state = "active".to_owned(), "a coupon is used once"),
    (|world| coupon(world, "c-free").state = "locked".to_owned(), "a coupon is used once"),
    (|world| world.orders[1].coupon = Some("c-used".to_owned()), "a coupon is used once"),
    (|world| world.rush.sold = 101, "the rush"),
    (|world| world.rush.turned_away = 899, "the rush"),
    (|world| world.rush.left.1 = 1, "the rush"),
    (|world| world.rush.taken = 99, "the rush"),
    (|world| world.answers.truths[2] = truth("unknown"), AGREES),
    (|world| world.journal.0 = false, "the journal's hash chain"),
    (|world| unlawful(world, "cancel_after_confirm"), "no confirm or cancel"),
    (|world| unlawful(world, "confirm_without_try"), "no confirm or cancel"),
];

#[test]
fn each_distortion_fails_its_check() {
    for (position, (distort, claim)) in DISTORTIONS.iter().enumerate() {
        let mut world = honest();
        distort(&mut world);
        let verdict = judged(&world);
        assert!(!verdict.passes(), "distortion {position}");
        let fails = verdict.checks.iter().any(|it| !it.holds && it.claim.starts_with(claim));
        assert!(fails, "distortion {position} must fail `{claim}…`");
    }
}

#[test]
fn hazards_that_the_barrier_absorbs_are_no_failure() {
    let mut world = honest();
    for name in ["duplicate", "empty_cancel", "late_try"] {
        world.books[0].1.hazards.insert(name.to_owned(), 9);
    }
    assert!(judged(&world).passes());
}
