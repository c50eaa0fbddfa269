//! What reading the ledger's bodies promises: a batch has at most 8,000 members, every id in it is one, its answer is
//! JSON, and a machine that is shown reads back as itself.

use std::sync::Arc;

use engine::Changed;
use ledger::refusal::INSUFFICIENT;
use ledger::{Amount, Command, Done, Entry, MachineView, Outcome, Run};
use serde_json::value::RawValue;
use transaction::{Refusal, is_id};

use super::DEPTH;
use crate::http::wire::MachineBody;
use crate::http::wire::ledger::{
    AccountsBody, AdjustBody, AssetBody, BatchBody, CaptureBody, EntriesBody, Gathered, HoldsBody, ItemsBody,
    MachineObject, MoveBody, ReleaseBody, ReopenBody, history_query, is_hold_id, listed, results,
    statement_query,
};
use crate::http::{answer, body, parse};

pub(super) fn entries(bytes: &[u8]) -> Result<(), Refusal> {
    let body: EntriesBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    body.gathered().map(|(gathered, _)| batch(&gathered))
}

pub(super) fn holds(bytes: &[u8]) -> Result<(), Refusal> {
    let body: HoldsBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    body.gathered().map(|(gathered, _)| batch(&gathered))
}

pub(super) fn accounts(bytes: &[u8]) -> Result<(), Refusal> {
    let body: AccountsBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    body.gathered().map(|(gathered, _)| batch(&gathered))
}

pub(super) fn items(bytes: &[u8]) -> Result<(), Refusal> {
    let body: ItemsBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    body.gathered().map(|(gathered, _)| batch(&gathered))
}

pub(super) fn members(bytes: &[u8]) -> Result<(), Refusal> {
    let body: BatchBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    body.gathered().map(|(gathered, _)| batch(&gathered))
}

/// The bodies of the verbs on one thing: each that can be read is a batch of one.
pub(super) fn singles(bytes: &[u8]) -> Result<(), Refusal> {
    let text = body::text(bytes, DEPTH)?;
    let mut gathered = Gathered::default();
    let body = parse::object_or_nothing::<CaptureBody<'_>>(text);
    let mut first = body.and_then(|body| body.add(("h", None), &mut gathered)).err();
    let mut also = |read: Result<(), Refusal>| {
        if let Err(refusal) = read {
            first.get_or_insert(refusal);
        }
    };
    also(parse::object::<ReopenBody<'_>>(text).and_then(|body| body.add("h", &mut gathered)));
    also(parse::object::<AdjustBody<'_>>(text).and_then(|body| body.add("a", &mut gathered)));
    also(parse::object::<MoveBody<'_>>(text).and_then(|body| body.add(("i", None), &mut gathered)));
    also(parse::object::<ReleaseBody<'_>>(text).and_then(|body| body.command("h", None).map(|_| ())));
    also(parse::object::<AssetBody<'_>>(text).and_then(|body| {
        let asset = body.asset()?;
        assert!(is_id(asset.code) && asset.scale <= 18, "an asset is one");
        Ok(())
    }));
    batch(&gathered);
    first.map_or(Ok(()), Err)
}

pub(super) fn machine(bytes: &[u8]) -> Result<(), Refusal> {
    let body: MachineBody = parse::object(body::text(bytes, DEPTH)?)?;
    let machine = Arc::new(body.into_machine()?);
    // Whether it makes sense is for the ledger to say; it must not fall over.
    let _ = machine.check();
    let view = MachineView { machine: Arc::clone(&machine), version: 1 };
    let shown = answer::write(&MachineObject::of(&view), 0);
    let mut shown: serde_json::Map<_, _> = serde_json::from_slice(&shown).expect("what is shown is JSON");
    assert_eq!(shown.remove("version"), Some(1.into()));
    assert!(shown.remove("diagram").is_some_and(|diagram| diagram.is_string()));
    let again: MachineBody =
        serde_json::from_value(serde_json::Value::Object(shown)).expect("what is shown is a machine");
    let again = again.into_machine().expect("what is shown does not contradict itself");
    assert_eq!((&again.name, again.states.len()), (&machine.name, machine.states.len()));
    assert!(again.moves.iter().all(|found| machine.moves.contains(found)), "the moves are the same");
    if machine.check().is_ok() {
        crate::grpc::fuzz::declared(&machine);
    }
    Ok(())
}

/// Hands the entry of this JSON to `seen`, as the ledger would be asked; what JSON refuses is left to the other targets.
pub(crate) fn entry_of(json: &str, seen: impl FnOnce(&Entry<&str>)) {
    let text = format!("{{\"entries\":[{json}]}}");
    let Ok((gathered, _)) = parse::object::<EntriesBody<'_>>(&text).and_then(EntriesBody::gathered) else {
        return;
    };
    if let Some(Command::Entry(entry)) = gathered.batch.get(0) {
        seen(&entry);
    }
}

/// A text as an amount in JSON: the string is for the ledger to read, the bare number is whole; neither becomes a float.
pub(crate) fn amounts(text: &str) {
    let entry = |amount: &str| format!(r#"{{"id":"e","from":"a","to":"b","amount":{amount}}}"#);
    let quoted = serde_json::to_string(text).expect("a text can be written");
    let mut seen = None;
    entry_of(&entry(&quoted), |entry| seen = Some(entry.amount == Amount::Decimal(text)));
    assert_eq!(seen, Some(true), "the string {text:?} is handed on as it is");
    // A text may be more than one value, and then be fields of its own.
    if serde_json::from_str::<&RawValue>(text).is_err() {
        return;
    }
    entry_of(&entry(text), |entry| match entry.amount {
        Amount::Whole(units) => {
            let digits = text.trim();
            assert!(digits == units.to_string() || digits == "-0", "{digits} is read as {units}");
        }
        Amount::Decimal(inner) => {
            assert_eq!(serde_json::from_str::<String>(text).ok().as_deref(), Some(inner), "{text}");
        }
        Amount::Units(units) => panic!("{text} is read as {units} units of an unknown asset"),
    });
}

pub(super) fn queried(bytes: &[u8]) -> Result<(), Refusal> {
    let text = [b"/v1/accounts?", bytes].concat();
    let Ok(request) = http::Request::get(text.as_slice()).body(()) else { return Ok(()) };
    let head = request.into_parts().0;
    let limits = [
        listed(&head, &["prefix"]).map(|part| part.limit),
        statement_query(&head, Arc::from("a")).map(|query| query.limit),
        history_query(&head, Arc::from("a")).map(|query| query.limit),
    ];
    let mut first = None;
    for limit in limits {
        match limit {
            Ok(limit) => assert!((1..=1_000).contains(&limit), "a page has a bound"),
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    first.map_or(Ok(()), Err)
}

/// A batch has as many names as members, its ids are ids, and what is answered to it is JSON.
fn batch(gathered: &Gathered<'_>) {
    let members = gathered.batch.len();
    assert!(members <= 8_000, "{members} members");
    assert_eq!(members, gathered.named.len(), "every member has its id");
    for index in 0..members {
        let member = gathered.batch.get(index).expect("a member that was counted");
        assert!(ids(&member).into_iter().all(is_hold_id), "{member:?}");
    }
    let result = |index| match index % 2 {
        0 => Ok(Outcome { done: Done::Posted, amount: Some(i128::MIN), scale: 18 }),
        _ => Err(Box::new(INSUFFICIENT.at("/amount", "\"\u{1}"))),
    };
    let changed =
        Changed { results: (0..members).map(result).collect(), ids: None, replayed: false, sequence: 1 };
    let told = results(gathered, &changed, Run::Dry);
    serde_json::from_slice::<&RawValue>(&told).expect("what is answered is JSON");
}

/// The ids that a member must have.
fn ids<'t>(member: &Command<&'t str>) -> Vec<&'t str> {
    match member {
        Command::Entry(it) => [it.id, it.from, it.to].into_iter().chain(it.refunds).collect(),
        Command::Hold(it) => vec![it.id, it.from, it.to],
        Command::Capture(it) => vec![it.id, it.hold],
        Command::Release(it) => vec![it.hold],
        Command::Reopen(it) => vec![it.id, it.hold],
        Command::Open(it) => [it.id, it.asset].into_iter().chain(it.lots).collect(),
        Command::Adjust(it) => vec![it.id, it.account],
        Command::Create(it) => [it.id, it.machine].into_iter().chain(it.owner).collect(),
        Command::Move(it) => [it.id, it.item, it.name].into_iter().chain(it.owner).collect(),
        Command::Asset(it) => vec![it.code],
        Command::Declare(_) => Vec::new(),
    }
}
