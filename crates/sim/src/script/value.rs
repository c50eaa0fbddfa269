//! Value: entries, chains, holds, lots, coupons, refunds, and those who read.

use std::sync::Arc;

use ledger::{
    Amount, Asset, Cause, Command, Create, Declare, Expires, Expiry, Floor, Linked, Machine, MachineMove,
    MachineState, Move, Open, Origin, Reopen, Take, When,
};

use super::build::{batch, capture, entry, hold, release};
use super::{Actor, Change, Step};
use crate::dice::Dice;

const USERS: [&str; 3] = ["ann", "bob", "eve"];
/// An account with lots, whose expired points go to `gone`.
const SAVER: &str = "sam";

pub(super) fn accounts() -> Vec<Arc<str>> {
    let all = ["bank", "shop", "gone", SAVER].iter().chain(&USERS);
    all.map(|id| Arc::from(*id)).collect()
}

/// An asset, accounts with something in them, a machine and three coupons.
pub(super) fn setup() -> Vec<Step> {
    let open = |id, floor, lots| {
        let (linked, cause) = (Linked::No, Cause::default());
        let ceiling = (id == "shop").then_some(Amount::Units(280));
        Command::Open(Open { id, asset: "points", floor, ceiling, lots, linked, cause })
    };
    let zero = Floor::At(Amount::Units(0));
    let mut opened = vec![Command::Asset(Asset { code: "points", scale: 0 })];
    opened.extend(["bank", "shop", "gone"].map(|id| open(id, Floor::None, None)));
    opened.extend(USERS.map(|id| open(id, zero, None)));
    opened.push(open(SAVER, zero, Some("gone")));
    let given = USERS.map(|user| (format!("gift-{user}"), user));
    let gifts = given.iter().map(|(id, user)| Command::Entry(entry(id, ("bank", user), 100)));
    let coupons = ["C-0", "C-1", "C-2"].map(|id| {
        Command::Create(Create {
            id,
            machine: "coupon",
            owner: None,
            attributes: Vec::new(),
            linked: Linked::No,
            cause: Cause::default(),
        })
    });
    let declare = Command::Declare(Declare { machine: Box::new(machine()), cause: Cause::default() });
    vec![
        Step::Change(batch(&opened), Change::Plain),
        Step::Change(batch(&gifts.collect::<Vec<_>>()), Change::Plain),
        Step::Change(batch(&[declare]), Change::Plain),
        Step::Change(batch(&coupons), Change::Plain),
    ]
}

fn machine() -> Machine {
    let state = |name: &str, is_final, expires| MachineState { name: name.into(), is_final, expires };
    let moves = |name: &str, from: &str, to: &str| MachineMove {
        name: name.into(),
        from: vec![from.into()],
        to: to.into(),
        lapsed_to: None,
        guards: Vec::new(),
    };
    let back = Expires { to: "active".into(), lapsed_to: None, when: When::After(1_500) };
    Machine {
        name: "coupon".into(),
        initial: "active".into(),
        states: vec![
            state("active", false, None),
            state("locked", false, Some(back)),
            state("used", true, None),
            state("renewed", false, None),
        ],
        moves: vec![
            moves("lock", "active", "locked"),
            moves("unlock", "locked", "active"),
            moves("use", "locked", "used"),
            moves("renew", "active", "renewed"),
            moves("return", "renewed", "active"),
        ],
    }
}

fn actor(name: &str, dice: &mut Dice, steps: Vec<Step>) -> Actor {
    Actor { name: name.to_owned(), at: dice.within(0, 4_500_000), steps }
}

fn plain(commands: &[Command<&str>]) -> Step {
    Step::Change(batch(commands), Change::Plain)
}

/// Entries: one, one with a key, one as much as there is, a repeat, a forgery.
pub(super) fn entries(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id = format!("e{number}");
    let (from, to) = (*dice.pick(&USERS), *dice.pick(&["shop", "bank"]));
    let mut first = entry(&id, (from, to), dice.within(1, 60));
    if dice.one_in(4) {
        first.take = Take::UpTo;
    }
    let how = *dice.pick(&[Change::Plain, Change::Plain, Change::Keyed, Change::Dry]);
    let asked = Step::Change(batch(&[Command::Entry(first)]), how);
    let mut steps = vec![asked.clone()];
    if dice.one_in(2) {
        steps.extend([Step::Wait(dice.delay(5_000_000)), asked]);
    }
    if how != Change::Dry && dice.one_in(3) {
        let mut other = entry(&id, (from, to), 61 + dice.within(1, 9));
        other.take = first.take;
        steps.push(Step::Change(batch(&[Command::Entry(other)]), Change::Forged));
    }
    steps.push(Step::Account(Arc::from(from)));
    vec![actor("cashier", dice, steps)]
}

/// A linked chain of entries, one of which may be refused.
pub(super) fn chain(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let ids: Vec<String> = (0..dice.within(2, 4)).map(|index| format!("k{number}-{index}")).collect();
    let mut commands = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let mut link = entry(id, (*dice.pick(&USERS), "shop"), dice.within(1, 50));
        link.linked = if index + 1 < ids.len() { Linked::ToNext } else { Linked::No };
        commands.push(Command::Entry(link));
    }
    vec![actor("linker", dice, vec![plain(&commands), plain(&commands)])]
}

/// A hold, and captures of parts of it.
fn held(dice: &mut Dice, id: &str, expiry: Expiry) -> Vec<Step> {
    let mut held = hold(id, dice.pick::<&str>(&USERS), dice.within(5, 40));
    held.expiry = expiry;
    if dice.one_in(5) {
        held.take = Take::UpTo;
    }
    let mut steps = vec![plain(&[Command::Hold(held)])];
    for index in 0..dice.within(0, 3) {
        let part = (!dice.one_in(4)).then(|| dice.within(1, 15));
        steps.push(Step::Wait(dice.delay(600_000)));
        steps.push(plain(&[capture(&format!("cap{index}"), id, part)]));
    }
    steps
}

/// A hold that is captured in parts and released, at times at once.
pub(super) fn holds(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id = format!("h{number}");
    let mut steps = held(dice, &id, Expiry::Never);
    if dice.one_in(2) {
        steps.push(plain(&[capture("cap-r", &id, Some(1)), release(&id)]));
    }
    steps.extend([plain(&[release(&id)]), plain(&[capture("cap-z", &id, Some(1))])]);
    vec![actor("holder", dice, steps)]
}

/// A hold that expires, perhaps while it is captured, and may be opened again.
pub(super) fn expiring_hold(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let id = format!("x{number}");
    let ms = dice.within(100, 900).unsigned_abs();
    let mut steps = held(dice, &id, Expiry::In(ms));
    if dice.one_in(2) {
        steps.insert(1, Step::Wait(dice.within(0, 900_000)));
    }
    steps.push(Step::Wait(900_000));
    if dice.one_in(2) {
        let (expiry, cause) = (Expiry::In(400), Cause::default());
        steps.push(plain(&[Command::Reopen(Reopen { id: "again", hold: &id, expiry, cause })]));
        steps.push(plain(&[capture("cap-z", &id, Some(1))]));
    }
    vec![actor("holder", dice, steps)]
}

/// Points that expire, held and spent meanwhile.
pub(super) fn lots(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let ids: Vec<String> = (0..4).map(|index| format!("l{number}-{index}")).collect();
    let expiries = [400, 1_200, 2_500, 9_000].map(Expiry::In);
    let mut gifts = Vec::new();
    for id in &ids[..3] {
        let mut gift = entry(id, ("bank", SAVER), dice.within(5, 30));
        gift.expiry = *dice.pick(&expiries);
        gifts.push(Command::Entry(gift));
    }
    let spend = Command::Entry(entry(&ids[3], (SAVER, "shop"), dice.within(1, 25)));
    let name = format!("lh{number}");
    let mut kept = hold(&name, SAVER, dice.within(1, 30));
    kept.expiry = Expiry::In(dice.within(300, 2_000).unsigned_abs());
    let steps = vec![
        plain(&gifts),
        plain(&[Command::Hold(kept)]),
        Step::Wait(dice.delay(900_000)),
        plain(&[spend]),
        Step::Wait(dice.delay(2_000_000)),
        plain(&[capture("cap", &name, Some(1))]),
        Step::Account(Arc::from(SAVER)),
    ];
    vec![actor("saver", dice, steps)]
}

/// Two who want the same coupon.
pub(super) fn coupon(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let item = *dice.pick(&["C-0", "C-1", "C-2"]);
    let moved = |id: &str, name: &str| {
        plain(&[Command::Move(Move {
            id,
            item,
            name,
            owner: None,
            arguments: Vec::new(),
            then: None,
            linked: Linked::No,
            origin: Origin::Direct,
            cause: Cause::default(),
        })])
    };
    let mut actors = Vec::new();
    for who in 0..2 {
        let last = *dice.pick(&["unlock", "use", "renew", "return"]);
        let steps = vec![
            moved(&format!("v{number}-{who}"), "lock"),
            Step::Wait(dice.delay(2_500_000)),
            moved(&format!("w{number}-{who}"), last),
        ];
        actors.push(actor("collector", dice, steps));
    }
    actors
}

/// An entry, and what is given back of it.
pub(super) fn refund(dice: &mut Dice, number: u64) -> Vec<Actor> {
    let (first, back, more) = (format!("f{number}"), format!("g{number}"), format!("g{number}-2"));
    let user = *dice.pick(&USERS);
    let refund = |id, units| {
        let mut refund = entry(id, ("shop", user), units);
        refund.refunds = Some(&first);
        Command::Entry(refund)
    };
    let steps = vec![
        plain(&[Command::Entry(entry(&first, (user, "shop"), 10))]),
        Step::Wait(dice.delay(3_000_000)),
        plain(&[refund(&back, dice.within(1, 8))]),
        plain(&[refund(&more, dice.within(1, 8))]),
    ];
    vec![actor("refunder", dice, steps)]
}

/// Somebody who only looks.
pub(super) fn reader(dice: &mut Dice, _: u64) -> Vec<Actor> {
    let mut steps = Vec::new();
    let all = accounts();
    for _ in 0..dice.within(2, 6) {
        steps.push(Step::Account(dice.pick(&all).clone()));
        steps.push(Step::Wait(dice.delay(1_500_000)));
    }
    if dice.one_in(3) {
        steps.push(Step::List);
    }
    vec![actor("reader", dice, steps)]
}
