//! The verdict passes honest evidence, and each single distortion of it fails the check that is there for it.

use super::*;
use crate::demo::books::{Hold, Sums};
use crate::demo::catalogue;

/// The evidence of a run of three orders: two confirmed, the last refused by stock.
struct World {
    orders: Vec<Order>,
    told: Vec<Told>,
    surprises: Vec<String>,
    answers: Answers,
    journal: (bool, String),
    books: Vec<(Role, Books)>,
}

fn truth(state: &str) -> Truth {
    let reason = (state == "cancelled").then(|| ("branch_refused".to_owned(), Some("stock".to_owned())));
    Truth { state: state.to_owned(), is_final: true, reason, needs_attention: false, attempts: 8 }
}

fn honest() -> World {
    let orders = catalogue::orders(3, 1);
    let states = ["confirmed", "confirmed", "cancelled"];
    let latency = |n: usize| Duration::from_millis(10 * (n as u64 + 1));
    let told = (0..3).map(|n| Told { number: n, state: states[n].to_owned(), latency: latency(n), kills: 0 });
    let books = Role::ALL.map(|role| {
        let hold = |order: &Order, state: &str| {
            let (pot, amount) = order.asks(role);
            (order.id.clone(), Hold { pot: pot.to_owned(), amount, state: state.to_owned() })
        };
        let mut holds: BTreeMap<String, Hold> = orders[..2].iter().map(|it| hold(it, "captured")).collect();
        if role != Role::Stock {
            holds.extend([hold(&orders[2], "released")]);
        }
        let captured = orders[..2].iter().map(|it| it.asks(role).1).sum();
        let pots = Sums { opening: captured + 5, free: 5, captured, ..Sums::default() };
        let sums = if role.refusal().is_some() { pots } else { Sums::default() };
        (role, Books { sums, holds, hazards: BTreeMap::new(), refused: 0 })
    });
    let truths = states.map(truth).to_vec();
    let listed = orders.iter().zip(states).map(|(it, state)| (it.id.clone(), state.to_owned())).collect();
    let answers = Answers { truths, listed, in_hand: 0 };
    World {
        told: told.collect(),
        surprises: Vec::new(),
        answers,
        journal: (true, "verified".to_owned()),
        books: books.into(),
        orders,
    }
}

fn judged(world: &World) -> Verdict {
    judge(&Evidence {
        orders: &world.orders,
        told: &world.told,
        surprises: &world.surprises,
        answers: &world.answers,
        journal: &world.journal,
        books: &world.books,
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
const AGREES: &str = "each service's books agree";

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
    (|world| world.books[0].1.sums.held = 1, "stock: captured"),
    (|world| world.books[0].1.sums.broken = 1, "stock: captured"),
    (|world| world.books[1].1.sums.captured += 1, "points: captured"),
    (|world| drop(world.books[3].1.holds.remove("order-1")), "payment: captured"),
    (|world| drop(world.books[2].1.holds.remove("order-1")), "order: captured"),
    (|world| drop(world.books[2].1.holds.remove("order-1")), AGREES),
    (
        |world| world.books[1].1.holds.get_mut("order-3").unwrap().state = "held".to_owned(),
        "points: captured",
    ),
    (|world| world.books[1].1.holds.get_mut("order-3").unwrap().state = "held".to_owned(), AGREES),
    (|world| world.books[1].1.holds.get_mut("order-2").unwrap().pot = "another".to_owned(), AGREES),
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
