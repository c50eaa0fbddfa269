//! A member of a batch, from its bytes to the ledger's command, without an object of its own in between.
//!
//! Translates only: what must be there to be a command is asked for, everything else is the ledger's to judge.
//! `member/account.rs`, `member/item.rs` and `member/machine.rs` have the rarer kinds.

mod account;
mod item;
mod machine;

pub(super) use machine::message as machine_message;

use ledger::refusal::AMOUNT_INVALID;
use ledger::{Amount, Capture, Cause, Command, Entry, Expiry, Hold, Linked, Origin, Release, Reopen, Take};
use transaction::Time;
use transaction::refusal::FIELD_MISSING;

use super::fields::{Field, Fields, Read};
use crate::refusal::FIELD_INVALID;

/// The command that a `tercet.v1.Member` asks for.
pub(super) fn command(member: &[u8]) -> Read<Command<&str>> {
    let mut fields = Fields::of(member);
    let Some(kind) = fields.next()? else {
        return Err(FIELD_MISSING.because("a member says what it is: entry, hold, capture and so on"));
    };
    if let Some(second) = fields.next()? {
        let detail = format!("a member is one thing, not both field {} and {}", kind.number, second.number);
        return Err(FIELD_INVALID.because(detail));
    }
    let content = kind.message()?;
    match kind.number {
        1 => entry(content).map(Command::Entry),
        2 => hold(content).map(Command::Hold),
        3 => capture(content).map(Command::Capture),
        4 => release(content).map(Command::Release),
        5 => account::open(content).map(Command::Open),
        6 => account::adjust(content).map(Command::Adjust),
        7 => reopen(content).map(Command::Reopen),
        8 => account::asset(content).map(Command::Asset),
        9 => machine::declare(content).map(Command::Declare),
        10 => item::create(content).map(Command::Create),
        11 => item::moved(content).map(Command::Move),
        _ => Err(kind.unknown()),
    }
}

/// Whether the outcome tells how much was taken.
pub(super) fn takes_up_to(command: &Command<&str>) -> bool {
    match command {
        Command::Entry(entry) => entry.take == Take::UpTo,
        Command::Hold(hold) => hold.take == Take::UpTo,
        _ => false,
    }
}

fn entry(mut fields: Fields<'_>) -> Read<Entry<&str>> {
    let mut amount = None;
    let mut entry = Entry {
        id: "",
        from: "",
        to: "",
        amount: Amount::Units(0),
        take: Take::Exactly,
        expiry: Expiry::Never,
        refunds: None,
        linked: Linked::No,
        cause: Cause::default(),
    };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => entry.id = field.text()?,
            2 => entry.from = field.text()?,
            3 => entry.to = field.text()?,
            4..=6 => amount = Some(read_amount(field, 4)?),
            7 => entry.take = take(field)?,
            8 | 9 => entry.expiry = expiry(field)?,
            10 => entry.refunds = field.word()?,
            11 => entry.linked = linked(field)?,
            12 => entry.cause = cause(field, entry.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", entry.id), ("/from", entry.from), ("/to", entry.to)])?;
    entry.amount = amount.ok_or_else(no_amount)?;
    Ok(entry)
}

fn hold(mut fields: Fields<'_>) -> Read<Hold<&str>> {
    let mut amount = None;
    let mut hold = Hold {
        id: "",
        from: "",
        to: "",
        amount: Amount::Units(0),
        take: Take::Exactly,
        expiry: Expiry::Never,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => hold.id = field.text()?,
            2 => hold.from = field.text()?,
            3 => hold.to = field.text()?,
            4..=6 => amount = Some(read_amount(field, 4)?),
            7 => hold.take = take(field)?,
            8 | 9 => hold.expiry = expiry(field)?,
            11 => hold.linked = linked(field)?,
            12 => hold.cause = cause(field, hold.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", hold.id), ("/from", hold.from), ("/to", hold.to)])?;
    hold.amount = amount.ok_or_else(no_amount)?;
    Ok(hold)
}

fn capture(mut fields: Fields<'_>) -> Read<Capture<&str>> {
    let mut capture = Capture {
        id: "",
        hold: "",
        amount: None,
        linked: Linked::No,
        origin: Origin::Direct,
        cause: Cause::default(),
    };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => capture.id = field.text()?,
            2 => capture.hold = field.text()?,
            4..=6 => capture.amount = Some(read_amount(field, 4)?),
            11 => capture.linked = linked(field)?,
            12 => capture.cause = cause(field, capture.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", capture.id), ("/hold", capture.hold)])?;
    Ok(capture)
}

fn release(mut fields: Fields<'_>) -> Read<Release<&str>> {
    let mut release =
        Release { hold: "", linked: Linked::No, origin: Origin::Direct, cause: Cause::default() };
    while let Some(field) = fields.next()? {
        match field.number {
            2 => release.hold = field.text()?,
            11 => release.linked = linked(field)?,
            12 => release.cause = cause(field, release.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/hold", release.hold)])?;
    Ok(release)
}

fn reopen(mut fields: Fields<'_>) -> Read<Reopen<&str>> {
    let mut reopen = Reopen { id: "", hold: "", expiry: Expiry::Never, cause: Cause::default() };
    while let Some(field) = fields.next()? {
        match field.number {
            1 => reopen.id = field.text()?,
            2 => reopen.hold = field.text()?,
            8 | 9 => reopen.expiry = expiry(field)?,
            12 => reopen.cause = cause(field, reopen.cause)?,
            _ => return Err(field.unknown()),
        }
    }
    there([("/id", reopen.id), ("/hold", reopen.hold)])?;
    Ok(reopen)
}

/// Refuses a member that lacks a text it cannot do without.
fn there<const N: usize>(texts: [(&'static str, &str); N]) -> Read<()> {
    match texts.iter().find(|(_, text)| text.is_empty()) {
        None => Ok(()),
        Some((at, _)) => Err(FIELD_MISSING.at(*at, "this field is needed")),
    }
}

fn no_amount() -> transaction::Refusal {
    FIELD_MISSING.at("/amount", "give `decimal`, `units` or `big_units`")
}

/// An amount in one of three fields in a row: a decimal, units, units beyond 64 bits in digits.
fn read_amount(field: Field<'_>, first: u32) -> Read<Amount<&str>> {
    match field.number - first {
        0 => field.text().map(Amount::Decimal),
        1 => field.signed().map(|units| Amount::Units(i128::from(units))),
        _ => {
            let text = field.text()?;
            // A plus is no sign of an amount anywhere else.
            let units = text.parse().ok().filter(|_| !text.starts_with('+'));
            let wrong = || AMOUNT_INVALID.at("/big_units", "not a whole number of at most 128 bits");
            units.map(Amount::Units).ok_or_else(wrong)
        }
    }
}

fn take(field: Field<'_>) -> Read<Take> {
    Ok(if field.flag()? { Take::UpTo } else { Take::Exactly })
}

fn linked(field: Field<'_>) -> Read<Linked> {
    Ok(if field.flag()? { Linked::ToNext } else { Linked::No })
}

/// When something expires: field 8 is a span, field 9 a time.
fn expiry(field: Field<'_>) -> Read<Expiry> {
    match field.number {
        8 => field.number().map(Expiry::In),
        _ => field.plain_signed().map(|micros| Expiry::At(Time(micros))),
    }
}

/// Why. One that comes behind another is laid over it, as the format has it.
fn cause<'a>(field: Field<'a>, mut cause: Cause<&'a str>) -> Read<Cause<&'a str>> {
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => cause.transaction = field.word()?,
            2 => cause.branch = field.word()?,
            3 => cause.operator = field.word()?,
            4 => cause.reason = field.word()?,
            _ => return Err(field.unknown()),
        }
    }
    Ok(cause)
}

#[cfg(test)]
mod tests;
