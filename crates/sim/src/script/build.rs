//! Short ways to say what is asked for.

use std::sync::Arc;

use ledger::{Amount, Batch, Capture, Cause, Command, Entry, Expiry, Hold, Linked, Origin, Release, Take};
use transaction::{
    BranchSpec, CallSpec, CheckSpec, HoldLeg, HoldSpec, ItemSpec, Kind, Mode, Order, Pattern, Protocol,
    Quantity, RawSpec, Retry, Spec, Terms, Urls,
};

use crate::dice::Dice;

/// Where participants live.
pub(crate) const HOSTS: [&str; 3] = ["stock:80", "points:80", "mail:80"];
/// Where initiators are checked back.
pub(crate) const CHECK_HOST: &str = "shop:80";

pub(super) fn spec(id: &str, (pattern, mode): (Pattern, Mode), branches: Vec<Arc<BranchSpec>>) -> Spec {
    Spec {
        id: Arc::from(id),
        pattern,
        mode,
        order: pattern.default_order(),
        deadline_ms: (pattern != Pattern::Message).then_some(4_000),
        cooling_off_ms: 0,
        retry: Retry { initial_ms: 60, max_ms: 1_500, attention_after: 4 },
        labels: Vec::new(),
        check: None,
        branches,
        terms: None,
    }
}

/// Spans and orders differ from one transaction to the next.
pub(super) fn vary(mut spec: Spec, dice: &mut Dice) -> Spec {
    if spec.deadline_ms.is_some() {
        spec.deadline_ms = Some(*dice.pick(&[300, 900, 2_500, 6_000]));
    }
    if dice.one_in(3) {
        spec.order = *dice.pick(&[Order::Parallel, Order::Sequential]);
    }
    spec.retry = Retry {
        initial_ms: *dice.pick(&[20, 60, 200]),
        max_ms: *dice.pick(&[500, 1_500, 3_000]),
        attention_after: *dice.pick(&[1, 3, 6]),
    };
    if dice.one_in(3) {
        spec.labels = vec![(Arc::from("lane"), Arc::from(*dice.pick(&["a", "b"])))];
    }
    spec
}

pub(super) fn check(spec: Spec, after_ms: u64) -> Spec {
    let url = Arc::from(format!("http://{CHECK_HOST}/{}", spec.id));
    Spec { check: Some(CheckSpec { url, after_ms }), ..spec }
}

/// The same on the terms of another protocol: raw branches, and for a saga a limit to its repeats.
pub(super) fn foreign(spec: Spec, dice: &mut Dice) -> Spec {
    let terms = Terms {
        protocol: Protocol::DtmHttp,
        retry_limit: if spec.pattern == Pattern::Saga { *dice.pick(&[0, 2]) } else { 0 },
        delay_ms: if spec.pattern == Pattern::Message { *dice.pick(&[0, 700]) } else { 0 },
        timeout_ms: *dice.pick(&[100, 400, 1_000]),
        ..Terms::default()
    };
    let branches = spec.branches.iter().map(|branch| Arc::new(raw(branch))).collect();
    Spec { terms: Some(Box::new(terms)), branches, ..spec }
}

/// A `call` branch in the form of another protocol.
fn raw(known: &BranchSpec) -> BranchSpec {
    match &known.kind {
        Kind::Call(call) => {
            branch(&known.id, Kind::Raw(RawSpec { urls: call.urls.clone(), body: Arc::from(*b"{}") }))
        }
        Kind::Await | Kind::Hold(_) | Kind::Item(_) | Kind::Raw(_) => known.clone(),
    }
}

fn branch(id: &str, kind: Kind) -> BranchSpec {
    BranchSpec { id: Arc::from(id), after: Vec::new(), kind }
}

/// A `call` branch with the URLs that its pattern and mode have.
pub(super) fn call(id: &str, (pattern, mode): (Pattern, Mode), dice: &mut Dice) -> BranchSpec {
    let host = dice.pick(&HOSTS);
    let url = |verb: &str| Some(Arc::from(format!("http://{host}/{verb}")));
    let tries = (mode == Mode::Managed).then(|| url("try")).flatten();
    let urls = match pattern {
        Pattern::Tcc | Pattern::Xa | Pattern::Workflow => {
            Urls { attempt: tries, confirm: url("confirm"), cancel: url("cancel") }
        }
        Pattern::Saga => Urls {
            attempt: url("action"),
            confirm: None,
            cancel: if dice.one_in(6) { None } else { url("compensate") },
        },
        Pattern::Message => Urls { attempt: None, confirm: url("deliver"), cancel: None },
    };
    branch(
        id,
        Kind::Call(CallSpec {
            urls,
            body: Some(Arc::from("{}")),
            headers: Vec::new(),
            timeout_ms: *dice.pick(&[100, 400, 1_000]),
            pass_result: dice.one_in(4),
        }),
    )
}

pub(super) fn awaited(id: &str) -> BranchSpec {
    branch(id, Kind::Await)
}

pub(super) fn hold_branch(id: &str, dice: &mut Dice) -> BranchSpec {
    let users = ["ann", "bob", "eve"];
    let legs = dice.within(1, 2);
    let leg = |dice: &mut Dice| HoldLeg {
        from: Arc::from(*dice.pick(&users)),
        to: Arc::from("shop"),
        amount: Quantity::Whole(i128::from(dice.within(1, 40))),
        up_to: dice.one_in(6),
    };
    let legs = (0..legs).map(|_| leg(dice)).collect();
    branch(id, Kind::Hold(HoldSpec { legs }))
}

pub(super) fn item_branch(id: &str, item: &str) -> BranchSpec {
    let word = Arc::<str>::from;
    branch(
        id,
        Kind::Item(ItemSpec {
            item: word(item),
            attempt: word("lock"),
            confirm: word("use"),
            cancel: word("unlock"),
            owner: None,
            arguments: Vec::new(),
        }),
    )
}

pub(super) fn batch(commands: &[Command<&str>]) -> Batch {
    let mut batch = Batch::new();
    commands.iter().for_each(|command| batch.push(command));
    batch
}

pub(super) fn entry<'a>(id: &'a str, (from, to): (&'a str, &'a str), units: i64) -> Entry<&'a str> {
    Entry {
        id,
        from,
        to,
        amount: Amount::Units(i128::from(units)),
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause { operator: Some("olga"), ..Cause::default() },
    }
}

pub(super) fn hold<'a>(id: &'a str, from: &'a str, units: i64) -> Hold<&'a str> {
    Hold {
        id,
        from,
        to: "shop",
        amount: Amount::Units(i128::from(units)),
        take: Take::Exactly,
        expiry: Expiry::Never,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    }
}

pub(super) fn capture<'a>(id: &'a str, hold: &'a str, units: Option<i64>) -> Command<&'a str> {
    Command::Capture(Capture {
        id,
        hold,
        amount: units.map(|units| Amount::Units(i128::from(units))),
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    })
}

pub(super) fn release(hold: &str) -> Command<&str> {
    Command::Release(Release { hold, linked: Linked::No, origin: Origin::Direct, cause: Cause::default() })
}
