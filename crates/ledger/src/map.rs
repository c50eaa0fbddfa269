//! The same command over another kind of text: how a batch keeps spans where callers have `&str`.
//!
//! Decides nothing and loses nothing: every text goes through the function once, everything else is copied.

use crate::{
    Adjust, Amount, Asset, Capture, Cause, Command, Create, Declare, Entry, Floor, Hold, Linked, Move, Open,
    Origin, Release, Reopen, Value,
};

impl<S> Command<S> {
    /// This command with every text replaced by what `f` makes of it.
    pub fn map<T>(&self, f: &mut impl FnMut(&S) -> T) -> Command<T> {
        match self {
            Command::Asset(asset) => Command::Asset(Asset { code: f(&asset.code), scale: asset.scale }),
            Command::Open(open) => Command::Open(map_open(open, f)),
            Command::Adjust(adjust) => Command::Adjust(map_adjust(adjust, f)),
            Command::Entry(entry) => Command::Entry(map_entry(entry, f)),
            Command::Hold(hold) => Command::Hold(map_hold(hold, f)),
            Command::Capture(capture) => Command::Capture(Capture {
                id: f(&capture.id),
                hold: f(&capture.hold),
                amount: capture.amount.as_ref().map(|amount| map_amount(amount, f)),
                linked: capture.linked,
                origin: capture.origin,
                cause: map_cause(&capture.cause, f),
            }),
            Command::Release(release) => Command::Release(Release {
                hold: f(&release.hold),
                linked: release.linked,
                origin: release.origin,
                cause: map_cause(&release.cause, f),
            }),
            Command::Reopen(reopen) => Command::Reopen(Reopen {
                id: f(&reopen.id),
                hold: f(&reopen.hold),
                expiry: reopen.expiry,
                cause: map_cause(&reopen.cause, f),
            }),
            Command::Declare(declare) => Command::Declare(Declare {
                machine: declare.machine.clone(),
                cause: map_cause(&declare.cause, f),
            }),
            Command::Create(create) => Command::Create(map_create(create, f)),
            Command::Move(step) => Command::Move(map_move(step, f)),
        }
    }

    /// Who asks, where a branch of a transaction may.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Command::Hold(hold) => hold.origin,
            Command::Capture(capture) => capture.origin,
            Command::Release(release) => release.origin,
            Command::Move(step) => step.origin,
            Command::Asset(_)
            | Command::Open(_)
            | Command::Adjust(_)
            | Command::Entry(_)
            | Command::Reopen(_)
            | Command::Declare(_)
            | Command::Create(_) => Origin::Direct,
        }
    }

    /// Whether it is tied to the next member of its batch. Declarations, changes and reopenings stand by themselves.
    #[must_use]
    pub fn linked(&self) -> Linked {
        match self {
            Command::Open(open) => open.linked,
            Command::Entry(entry) => entry.linked,
            Command::Hold(hold) => hold.linked,
            Command::Capture(capture) => capture.linked,
            Command::Release(release) => release.linked,
            Command::Create(create) => create.linked,
            Command::Move(step) => step.linked,
            Command::Asset(_) | Command::Adjust(_) | Command::Reopen(_) | Command::Declare(_) => Linked::No,
        }
    }
}

fn map_open<S, T>(open: &Open<S>, f: &mut impl FnMut(&S) -> T) -> Open<T> {
    Open {
        id: f(&open.id),
        asset: f(&open.asset),
        floor: map_floor(&open.floor, f),
        ceiling: open.ceiling.as_ref().map(|ceiling| map_amount(ceiling, f)),
        lots: open.lots.as_ref().map(&mut *f),
        linked: open.linked,
        cause: map_cause(&open.cause, f),
    }
}

fn map_adjust<S, T>(adjust: &Adjust<S>, f: &mut impl FnMut(&S) -> T) -> Adjust<T> {
    Adjust {
        id: f(&adjust.id),
        account: f(&adjust.account),
        floor: adjust.floor.as_ref().map(|floor| map_floor(floor, f)),
        ceiling: adjust
            .ceiling
            .as_ref()
            .map(|ceiling| ceiling.as_ref().map(|ceiling| map_amount(ceiling, f))),
        standing: adjust.standing,
        cause: map_cause(&adjust.cause, f),
    }
}

fn map_entry<S, T>(entry: &Entry<S>, f: &mut impl FnMut(&S) -> T) -> Entry<T> {
    Entry {
        id: f(&entry.id),
        from: f(&entry.from),
        to: f(&entry.to),
        amount: map_amount(&entry.amount, f),
        take: entry.take,
        expiry: entry.expiry,
        refunds: entry.refunds.as_ref().map(&mut *f),
        linked: entry.linked,
        cause: map_cause(&entry.cause, f),
    }
}

fn map_hold<S, T>(hold: &Hold<S>, f: &mut impl FnMut(&S) -> T) -> Hold<T> {
    Hold {
        id: f(&hold.id),
        from: f(&hold.from),
        to: f(&hold.to),
        amount: map_amount(&hold.amount, f),
        take: hold.take,
        expiry: hold.expiry,
        linked: hold.linked,
        origin: hold.origin,
        cause: map_cause(&hold.cause, f),
    }
}

fn map_create<S, T>(create: &Create<S>, f: &mut impl FnMut(&S) -> T) -> Create<T> {
    Create {
        id: f(&create.id),
        machine: f(&create.machine),
        owner: create.owner.as_ref().map(&mut *f),
        attributes: map_values(&create.attributes, f),
        linked: create.linked,
        cause: map_cause(&create.cause, f),
    }
}

fn map_move<S, T>(step: &Move<S>, f: &mut impl FnMut(&S) -> T) -> Move<T> {
    Move {
        id: f(&step.id),
        item: f(&step.item),
        name: f(&step.name),
        owner: step.owner.as_ref().map(&mut *f),
        arguments: map_values(&step.arguments, f),
        then: step.then.as_ref().map(|(confirm, cancel)| (f(confirm), f(cancel))),
        linked: step.linked,
        origin: step.origin,
        cause: map_cause(&step.cause, f),
    }
}

fn map_amount<S, T>(amount: &Amount<S>, f: &mut impl FnMut(&S) -> T) -> Amount<T> {
    match amount {
        Amount::Units(units) => Amount::Units(*units),
        Amount::Decimal(text) => Amount::Decimal(f(text)),
        Amount::Whole(units) => Amount::Whole(*units),
    }
}

fn map_floor<S, T>(floor: &Floor<Amount<S>>, f: &mut impl FnMut(&S) -> T) -> Floor<Amount<T>> {
    match floor {
        Floor::None => Floor::None,
        Floor::At(amount) => Floor::At(map_amount(amount, f)),
    }
}

fn map_values<S, T>(values: &[(S, Value<S>)], f: &mut impl FnMut(&S) -> T) -> Vec<(T, Value<T>)> {
    let mut map_value = |(key, value): &(S, Value<S>)| {
        let key = f(key);
        let value = match value {
            Value::Text(text) => Value::Text(f(text)),
            Value::Integer(number) => Value::Integer(*number),
            Value::Flag(flag) => Value::Flag(*flag),
        };
        (key, value)
    };
    values.iter().map(&mut map_value).collect()
}

fn map_cause<S, T>(cause: &Cause<S>, f: &mut impl FnMut(&S) -> T) -> Cause<T> {
    Cause {
        transaction: cause.transaction.as_ref().map(&mut *f),
        branch: cause.branch.as_ref().map(&mut *f),
        operator: cause.operator.as_ref().map(&mut *f),
        reason: cause.reason.as_ref().map(&mut *f),
    }
}
