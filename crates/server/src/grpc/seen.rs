//! What the engine found, as the protocol shows it: accounts, holds, items, machines and their histories.
//!
//! A function of the wrong kind of answer gives `None`: the engine answers each question with its kind.

use engine::{CauseText, Direction, Found, Line, StatementQuery};
use ledger::{AccountView, AssetView, Floor, HoldState, Literal, LotView, Standing, format_units};
use participant::proto;
use transaction::Time;

use super::fields::Read;
use super::member::machine_message;
use crate::refusal::FIELD_INVALID;

/// How many a page has unless the caller says otherwise, and at most.
const LIMIT: usize = 100;
const LIMIT_MOST: usize = 1_000;

/// The length of a page.
pub(super) fn limit(given: u32) -> Read<usize> {
    match usize::try_from(given) {
        Ok(0) => Ok(LIMIT),
        Ok(limit) if limit <= LIMIT_MOST => Ok(limit),
        _ => Err(FIELD_INVALID.at("/limit", format!("{given} is more than {LIMIT_MOST}"))),
    }
}

/// The cursor of a page, if there is one.
pub(super) fn cursor(given: String) -> Option<String> {
    Some(given).filter(|cursor| !cursor.is_empty())
}

/// Which part of an account's history.
pub(super) fn statement_query(request: proto::StatementRequest) -> Read<StatementQuery> {
    let direction = match proto::Direction::try_from(request.direction) {
        Ok(proto::Direction::Unspecified | proto::Direction::OldestFirst) => Direction::OldestFirst,
        Ok(proto::Direction::NewestFirst) => Direction::NewestFirst,
        Err(_) => return Err(FIELD_INVALID.at("/direction", "this server knows oldest and newest first")),
    };
    Ok(StatementQuery {
        direction,
        from: request.from.map(Time),
        until: request.until.map(Time),
        transaction: cursor(request.transaction).map(Into::into),
        operator: cursor(request.operator).map(Into::into),
        limit: limit(request.limit)?,
        cursor: cursor(request.cursor),
        account: request.account.into(),
    })
}

/// The assets.
pub(super) fn assets(found: Found, sequence: u64) -> Option<proto::ListAssetsReply> {
    let Found::Assets(assets) = found else { return None };
    Some(proto::ListAssetsReply { assets: assets.iter().map(asset).collect(), sequence })
}

fn asset(asset: &AssetView) -> proto::Asset {
    proto::Asset { code: asset.code.to_string(), scale: u32::from(asset.scale) }
}

/// An account, now or then.
pub(super) fn account(found: Found, sequence: u64) -> Option<proto::GetAccountReply> {
    let account = match found {
        Found::Account(view) => shown(&view),
        Found::Then(then) => {
            let now = shown(&then.now);
            let units = |units| format_units(units, then.now.asset.scale);
            let balances = then.then;
            proto::Account {
                posted: units(balances.posted),
                held: units(balances.held),
                available: units(balances.posted.saturating_sub(balances.held)),
                version: balances.version,
                incoming: String::new(),
                lots: Vec::new(),
                ..now
            }
        }
        _ => return None,
    };
    Some(proto::GetAccountReply { account: Some(account), sequence })
}

/// Several accounts.
pub(super) fn accounts(found: Found, sequence: u64) -> Option<proto::ListAccountsReply> {
    let Found::Accounts((views, next)) = found else { return None };
    let next = next.map(String::from).unwrap_or_default();
    Some(proto::ListAccountsReply { accounts: views.iter().map(shown).collect(), sequence, next })
}

fn shown(view: &AccountView) -> proto::Account {
    let units = |units| format_units(units, view.asset.scale);
    let lot = |lot: &LotView| proto::Lot {
        expires_at: micros(lot.expires_at),
        free: units(lot.free),
        held: units(lot.held),
    };
    proto::Account {
        id: view.id.to_string(),
        asset: Some(asset(&view.asset)),
        floor: match view.floor {
            Floor::None => None,
            Floor::At(floor) => Some(units(floor)),
        },
        ceiling: view.ceiling.map(units),
        standing: standing(view.standing) as i32,
        posted: units(view.posted),
        held: units(view.held),
        incoming: units(view.incoming),
        available: units(view.available()),
        version: view.version,
        lots_sink: text(view.sink.as_deref()),
        lots: view.lots.iter().map(lot).collect(),
    }
}

fn standing(standing: Standing) -> proto::Standing {
    match standing {
        Standing::Active => proto::Standing::Active,
        Standing::Frozen => proto::Standing::Frozen,
        Standing::Closed => proto::Standing::Closed,
    }
}

/// One page of an account's history.
pub(super) fn statement(found: Found, _: u64) -> Option<proto::StatementReply> {
    let Found::Statement(page) = found else { return None };
    let scale = page.asset.scale;
    let lines = page.lines.into_iter().map(|one| line(one, scale)).collect();
    let next = page.next.unwrap_or_default();
    Some(proto::StatementReply { asset: Some(asset(&page.asset)), lines, next, sequence: page.sequence })
}

fn line(line: Line, scale: u8) -> proto::StatementLine {
    proto::StatementLine {
        sequence: line.sequence,
        at: line.at.0,
        version: line.version,
        event: line.event.into(),
        id: line.id.into(),
        capture: text(line.capture.as_deref()),
        amount: format_units(line.amount, scale),
        other: text(line.other.as_deref()),
        posted_after: format_units(line.posted, scale),
        held_after: format_units(line.held, scale),
        cause: cause(&line.cause),
        refunds: text(line.refunds.as_deref()),
        after: line.bounds.map(|bounds| proto::Bounds {
            floor: match bounds.floor {
                Floor::None => String::new(),
                Floor::At(units) => format_units(units, scale),
            },
            ceiling: bounds.ceiling.map(|units| format_units(units, scale)).unwrap_or_default(),
            standing: standing(bounds.standing) as i32,
        }),
    }
}

/// A hold.
pub(super) fn hold(found: Found, sequence: u64) -> Option<proto::GetHoldReply> {
    let Found::Hold(view) = found else { return None };
    let units = |units| format_units(units, view.asset.scale);
    let state = match view.state {
        HoldState::Held => proto::HoldState::Held,
        HoldState::Captured => proto::HoldState::Captured,
        HoldState::Released => proto::HoldState::Released,
        HoldState::Expired => proto::HoldState::Expired,
    };
    let hold = proto::HoldView {
        id: view.id.to_string(),
        state: state as i32,
        from: view.accounts.0.to_string(),
        to: view.accounts.1.to_string(),
        asset: Some(asset(&view.asset)),
        amount: units(view.amount),
        captured: units(view.captured),
        left: units(view.left),
        expires_at: micros(view.expires_at),
        owned: view.owned,
    };
    Some(proto::GetHoldReply { hold: Some(hold), sequence })
}

/// One page of the history of a hold or an item.
pub(super) fn history(found: Found, _: u64) -> Option<proto::HistoryReply> {
    let Found::History(page) = found else { return None };
    let step = |step: engine::Step| {
        let (before, after) = step.states.unzip();
        proto::Step {
            sequence: step.sequence,
            at: step.at.0,
            event: step.event.into(),
            operation: text(step.operation.as_deref()),
            r#move: text(step.by.as_deref()),
            state_before: text(before.flatten().as_deref()),
            state_after: text(after.as_deref()),
            amount: step.amount.map(|(units, asset)| format_units(units, asset.scale)).unwrap_or_default(),
            owner: text(step.owner.as_deref()),
            cause: cause(&step.cause),
        }
    };
    let steps = page.steps.into_iter().map(step).collect();
    Some(proto::HistoryReply { steps, next: page.next.unwrap_or_default(), sequence: page.sequence })
}

/// An item.
pub(super) fn item(found: Found, sequence: u64) -> Option<proto::GetItemReply> {
    let Found::Item(view) = found else { return None };
    let attribute = |(key, value): &(Box<str>, Literal)| {
        use proto::attribute::Value;
        let value = match value {
            Literal::Text(text) => Value::Text(text.to_string()),
            Literal::Integer(value) => Value::Integer(*value),
            Literal::Flag(value) => Value::Flag(*value),
        };
        proto::Attribute { key: key.to_string(), value: Some(value) }
    };
    let item = proto::Item {
        id: view.id.to_string(),
        machine: view.machine.0.to_string(),
        machine_version: view.machine.1,
        state: view.state.to_string(),
        r#final: view.is_final,
        owner: text(view.owner.as_deref()),
        attributes: view.attributes.iter().map(attribute).collect(),
        due_at: micros(view.due),
        held: view.held,
        version: view.version,
    };
    Some(proto::GetItemReply { item: Some(item), sequence })
}

/// A machine.
pub(super) fn machine(found: Found, sequence: u64) -> Option<proto::GetMachineReply> {
    let Found::Machine(view) = found else { return None };
    let machine = Some(machine_message(&view.machine));
    Some(proto::GetMachineReply { machine, version: view.version, sequence })
}

fn cause(cause: &CauseText) -> Option<proto::Cause> {
    let shown = proto::Cause {
        transaction: text(cause.transaction.as_deref()),
        branch: text(cause.branch.as_deref()),
        operator: text(cause.operator.as_deref()),
        reason: text(cause.reason.as_deref()),
    };
    (shown != proto::Cause::default()).then_some(shown)
}

fn text(given: Option<&str>) -> String {
    given.unwrap_or_default().to_owned()
}

fn micros(time: Option<Time>) -> Option<i64> {
    time.map(|time| time.0)
}
