//! Members of batches, read in place: what is accepted is what prost reads, and what the same in JSON would be.

use ledger::{Amount, Cause, Command, Declare, Entry, Expiry, Linked, Machine, Take};
use participant::proto::{self, member::Kind};
use prost::Message;
use serde_json::{Map, Value, json};

use super::super::member;
use crate::http::fuzz::entry_of;

/// Reads a member; panics where two readers see different things.
pub(super) fn read(encoded: &[u8]) {
    let command = match member::command(encoded) {
        Ok(command) => command,
        Err(refusal) => {
            assert!(crate::refusals().any(|kind| *kind == *refusal.kind), "{refusal}");
            assert!(refusal.at.as_deref().is_none_or(|at| at.starts_with('/')), "{refusal}: no pointer");
            assert!(refusal.detail.len() <= 1_000 + 8 * encoded.len(), "{refusal}");
            return;
        }
    };
    let message = proto::Member::decode(encoded).expect("what is read in place is a message");
    let kind = message.kind.expect("what is read in place is something");
    let again = proto::Member { kind: Some(kind) }.encode_to_vec();
    assert_eq!(member::command(&again).as_ref(), Ok(&command), "the message written once more is the same");
    if let Command::Entry(entry) = &command {
        over_http(entry);
    }
}

/// An entry in JSON, where JSON can say it, is the same for the ledger.
fn over_http(entry: &Entry<&str>) {
    let Amount::Decimal(amount) = entry.amount else { return };
    let mut body = Map::new();
    let mut say = |name: &str, value: Value| drop(body.insert(name.into(), value));
    for (name, text) in [("id", entry.id), ("from", entry.from), ("to", entry.to), ("amount", amount)] {
        say(name, text.into());
    }
    say("up_to", (entry.take == Take::UpTo).into());
    say("linked", (entry.linked == Linked::ToNext).into());
    match entry.expiry {
        Expiry::Never => {}
        Expiry::In(ms) => say("expires_in_ms", ms.into()),
        // A time in words is read elsewhere.
        Expiry::At(_) => return,
    }
    if let Some(refunds) = entry.refunds {
        say("refunds", refunds.into());
    }
    let Cause { transaction, branch, operator, reason } = entry.cause;
    say(
        "cause",
        json!({"transaction": transaction, "branch": branch, "operator": operator, "reason": reason}),
    );
    let json = Value::Object(body).to_string();
    entry_of(&json, |read| assert_eq!(read, entry, "over HTTP: {json}"));
}

/// A machine that passed its check is declared the same over gRPC.
pub(crate) fn declared(machine: &Machine) {
    let declare = proto::Declare { machine: Some(member::machine_message(machine)), cause: None };
    let encoded = proto::Member { kind: Some(Kind::Declare(declare)) }.encode_to_vec();
    let expected = Declare { machine: Box::new(machine.clone()), cause: Cause::default() };
    assert_eq!(member::command(&encoded), Ok(Command::Declare(expected)), "declared over gRPC");
}

/// A text as an amount over gRPC: the decimal is for the ledger to read; units beyond 64 bits are digits and nothing else.
pub(crate) fn amounts(text: &str) {
    use proto::entry::Amount as Given;
    let read = |amount: Given| {
        let (id, from, to) = ("e".into(), "a".into(), "b".into());
        let entry = proto::Entry { id, from, to, amount: Some(amount), ..proto::Entry::default() };
        let encoded = proto::Member { kind: Some(Kind::Entry(entry)) }.encode_to_vec();
        match member::command(&encoded) {
            Ok(Command::Entry(Entry { amount: Amount::Units(units), .. })) => Some(Amount::Units(units)),
            Ok(Command::Entry(Entry { amount: Amount::Decimal(read), .. })) => {
                assert_eq!(read, text, "a decimal is handed on as it is");
                None
            }
            Ok(other) => panic!("{text:?} is read as {other:?}"),
            Err(refusal) => {
                assert_eq!(refusal.kind, &ledger::refusal::AMOUNT_INVALID, "{text:?}");
                None
            }
        }
    };
    assert_eq!(read(Given::Decimal(text.to_owned())), None::<Amount<&str>>);
    if let Some(Amount::Units(units)) = read(Given::BigUnits(text.to_owned())) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        assert!(
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
            "{text:?} is {units}"
        );
        let plain = digits.trim_start_matches('0');
        assert_eq!(units.unsigned_abs().to_string(), if plain.is_empty() { "0" } else { plain }, "{text:?}");
        assert!(units == 0 || text.starts_with('-') == (units < 0), "{text:?} is {units}");
    }
}
