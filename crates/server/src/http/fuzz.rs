//! What reading a request promises about any bytes at all: no panic, no unbounded memory or time; a refusal is one of
//! ours and short; what is accepted can be kept, read back, shown and called.
//!
//! Built for tests and fuzzing only. It must never skip an input because of what was found with it.
//! Read next: `parse.rs`, `call/fuzz.rs`, `docs/internals/fuzzing.md`.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use hyper::body::Body;
use serde_json::value::RawValue;
use transaction::{
    BranchSpec, Event, Kept, Limits, Mode, Pattern, Protocol, Refusal, Spec, Time, Trace, Transaction,
    validate, validate_branch, wanted,
};

mod ledger;

pub(crate) use ledger::{amounts, entry_of};

use super::problem::Problem;
use super::trace::Subject;
use super::wire::{
    BeginBody, BranchBody, CancelBody, ConfirmBody, Judge, NoBody, SignalBody, TransactionView, filter,
    timeline_query,
};
use super::{answer, body, parse, query, router};
use crate::call;

/// Levels of JSON, as the limits have it.
const DEPTH: usize = 32;
const NOW: Time = Time(1_700_000_000_000_000);
/// Whoever judges targets here lets all pass: which are allowed is the policy's to say.
const JUDGE: Judge<'static> = Judge { targets: None, resources: None };

/// What reads one kind of input.
type Reader = fn(&[u8]) -> Result<(), Refusal>;

/// Everything that comes in over HTTP but a begin, by the letter that an input begins with.
const READERS: &[(u8, Reader)] = &[
    (b't', |bytes| registered(bytes, Pattern::Tcc)),
    (b's', |bytes| registered(bytes, Pattern::Saga)),
    (b'm', |bytes| registered(bytes, Pattern::Message)),
    (b'c', confirmed),
    (b'x', cancelled),
    (b'n', retried),
    (b'g', signalled),
    (b'e', ledger::entries),
    (b'o', ledger::holds),
    (b'a', ledger::accounts),
    (b'i', ledger::items),
    (b'b', ledger::members),
    (b'u', ledger::singles),
    (b'v', ledger::machine),
    (b'w', ledger::queried),
    (b'p', routed),
    (b'q', queried),
    (b'h', traced),
    (b'd', |bytes| answered(StatusCode::OK, bytes)),
    (b'f', |bytes| answered(StatusCode::CONFLICT, bytes)),
];

/// Reads `bytes` as the body of a begin.
pub fn begin(bytes: &[u8]) {
    match spec(bytes) {
        Ok(spec) => begun(&Arc::new(spec), bytes.len()),
        Err(refusal) => refused(refusal, bytes.len()),
    }
}

/// Reads `bytes` as whatever its first byte says; see [`READERS`].
pub fn bodies(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let named = READERS.iter().find(|(letter, _)| letter == choice);
    let (_, reader) = named.unwrap_or(&READERS[usize::from(*choice) % READERS.len()]);
    if let Err(refusal) = reader(rest) {
        refused(refusal, rest.len());
    }
}

/// Reads `bytes` as a machine to declare.
pub fn machine(bytes: &[u8]) {
    if let Err(refusal) = ledger::machine(bytes) {
        refused(refusal, bytes.len());
    }
}

fn spec(bytes: &[u8]) -> Result<Spec, Refusal> {
    let body: BeginBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    body.wait_ms()?;
    let spec = body.into_spec(&JUDGE)?;
    validate(&spec, &Limits::default())?;
    Ok(spec)
}

/// What is accepted is kept as it is, shown as JSON, and every call it asks for can be made.
fn begun(spec: &Arc<Spec>, bytes: usize) {
    let (event, mut transaction) = transaction::begin(1, NOW, (spec, Trace([7; 16])));
    kept(event, bytes);
    let mut sequence = 1;
    while let Some(event) = transaction::follow(&transaction, NOW) {
        sequence += 1;
        assert!(sequence < 10, "a beginning settles: {event:?}");
        transaction.apply(sequence, NOW, &event);
    }
    shown(&transaction);
    for target in wanted(&transaction) {
        let call = transaction.call(target, NOW).expect("what is wanted can be spelt out");
        assert!(call.timeout_ms > 0, "a call has time");
        call::fuzz::sendable(&call);
        let again = JUDGE.url("/", &call.url).expect("a kept URL is one");
        assert_eq!(again, call.url, "a URL has one form");
    }
}

/// An event in the journal is no larger than a few times its request, and reads back as itself.
fn kept(event: Event, bytes: usize) {
    let mut encoded = Vec::new();
    Kept::encode(1, NOW, &event, &mut encoded);
    assert!(encoded.len() <= 4 * bytes + 1_000, "{} bytes kept for {bytes}", encoded.len());
    let read = Kept::decode(&encoded).expect("what is kept is read");
    assert_eq!(read, Kept { number: 1, at: NOW, event });
}

fn shown(transaction: &Transaction) {
    let text = answer::write(&TransactionView::of(transaction), 0);
    serde_json::from_slice::<&RawValue>(&text).expect("what is shown is JSON");
}

fn registered(bytes: &[u8], pattern: Pattern) -> Result<(), Refusal> {
    let body: BranchBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    let spec: BranchSpec = body.into_spec((pattern, transaction::Mode::Managed), &JUDGE)?;
    validate_branch((pattern, Mode::Interactive, Protocol::Tercet), &spec)?;
    kept(Event::Registered(Arc::new(spec)), bytes.len());
    Ok(())
}

fn confirmed(bytes: &[u8]) -> Result<(), Refusal> {
    let body: ConfirmBody<'_> = parse::object_or_nothing(body::text(bytes, DEPTH)?)?;
    body.into_command(1_000).map(|_| ())
}

fn cancelled(bytes: &[u8]) -> Result<(), Refusal> {
    let body: CancelBody = parse::object_or_nothing(body::text(bytes, DEPTH)?)?;
    let (detail, _) = body.into_parts()?;
    assert!(detail.is_none_or(|detail| detail.len() <= 1_024), "a reason is short");
    Ok(())
}

fn retried(bytes: &[u8]) -> Result<(), Refusal> {
    let NoBody {} = parse::object_or_nothing(body::text(bytes, DEPTH)?)?;
    Ok(())
}

fn signalled(bytes: &[u8]) -> Result<(), Refusal> {
    const MOST: usize = 1_000;
    let body: SignalBody<'_> = parse::object(body::text(bytes, DEPTH)?)?;
    let command = body.into_command(Arc::from("pay"), MOST)?;
    let transaction::Command::Signal { branch, result, .. } = command else {
        panic!("a signal is read as {command:?}");
    };
    assert_eq!(&*branch, "pay");
    if let Some(result) = result {
        assert!(result.len() <= MOST, "a result is within its limit");
        serde_json::from_str::<&RawValue>(&result).expect("a result is JSON");
    }
    Ok(())
}

fn routed(bytes: &[u8]) -> Result<(), Refusal> {
    let Ok(uri) = http::Uri::try_from(bytes) else { return Ok(()) };
    let mut first = None;
    for method in [Method::GET, Method::POST, Method::PUT] {
        match router::find(&method, uri.path()) {
            Ok(found) => assert!(!found.route.is_health() || uri.path().ends_with('z'), "{uri}"),
            Err(problem) => first = first.or(Some(problem.refusal)),
        }
    }
    first.map_or(Ok(()), Err)
}

fn queried(bytes: &[u8]) -> Result<(), Refusal> {
    let text = [b"/v1/transactions?", bytes].concat();
    let Ok(request) = http::Request::get(text.as_slice()).body(()) else { return Ok(()) };
    let head = request.into_parts().0;
    query::none(&head)
        .or_else(|_| query::wait_ms(&head).map(|_| ()))
        .or_else(|_| {
            let timeline = timeline_query(&head, Arc::from("order"))?;
            assert!((1..=1_000).contains(&timeline.limit), "a page has a bound");
            Ok(())
        })
        .or_else(|_: Refusal| {
            let filter = filter(&head)?;
            assert!((1..=1_000).contains(&filter.limit), "a page has a bound");
            Ok(())
        })
}

fn traced(bytes: &[u8]) -> Result<(), Refusal> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        headers.insert("traceparent", value);
    }
    assert_ne!(Subject::of(&headers).trace, Trace([0; 16]), "there always is a trace");
    Ok(())
}

fn answered(code: StatusCode, bytes: &[u8]) -> Result<(), Refusal> {
    call::fuzz::answered(code, bytes);
    Ok(())
}

/// A refusal is one of the reference, is the caller's to mend, points where it says, and is no larger than what it
/// answers by more than a small factor.
fn refused(refusal: Refusal, bytes: usize) {
    assert!(crate::refusals().any(|kind| *kind == *refusal.kind), "{} is no kind of ours", refusal.kind.code);
    assert!(refusal.at.as_deref().is_none_or(|at| at.starts_with('/')), "{refusal}: no pointer");
    let response = Problem::from(refusal).into_response();
    assert!(response.status().is_client_error(), "{}", response.status());
    let size = response.body().size_hint().exact().expect("a body that is all there");
    assert!(size <= 1_000 + 8 * bytes as u64, "{size} bytes in answer to {bytes}");
}
