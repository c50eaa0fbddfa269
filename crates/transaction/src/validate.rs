//! What a transaction and a branch must look like to be begun. Refuses with a JSON pointer to the field at fault.
//!
//! Shapes of JSON and URLs are checked where they are parsed, in `server`; what depends on pattern and mode is checked here.

use std::collections::BTreeMap;

use crate::refusal as r;
use crate::{
    BranchSpec, CallSpec, Header, HoldSpec, ItemSpec, Kind, Mode, Order, Pattern, Protocol, Refusal, Spec,
};

/// The limits of one transaction, all configurable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Branches of one transaction.
    pub branches: usize,
    /// Labels of one transaction.
    pub labels: usize,
    /// Bytes of a branch's result.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { branches: 100, labels: 16, result_bytes: 64 * 1024 }
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The longest deadline, cooling-off window or delay: 365 days.
const SPAN_MAX_MS: u64 = 365 * DAY_MS;
/// The longest time-out of one call: one hour.
const TIMEOUT_MAX_MS: u64 = 60 * 60 * 1000;
const LABEL_VALUE_MAX: usize = 256;
/// Headers of one branch.
pub const HEADERS_MAX: usize = 64;
/// Levels of nested arrays and objects in a request, unless the server is told another number.
pub const JSON_DEPTH: usize = 32;
/// Holds of one branch, and arguments of one move.
const LEGS_MAX: usize = 32;
const ARGUMENTS_MAX: usize = 32;

/// Headers that a branch may not set: the coordinator's own, and those that shape the connection.
const RESERVED_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "traceparent",
    "expect",
];

/// Checks a whole transaction.
///
/// # Errors
/// The first fault found, with a pointer to it.
pub fn validate(spec: &Spec, limits: &Limits) -> Result<(), Refusal> {
    check_own_id(spec)?;
    check_spans(spec)?;
    check_labels(spec, limits)?;
    check_callback(spec)?;
    let needs_branches = spec.mode == Mode::Managed && spec.protocol() == Protocol::Tercet;
    if spec.branches.len() > limits.branches || (spec.branches.is_empty() && needs_branches) {
        let detail = format!("{} branches; 1 to {} are allowed", spec.branches.len(), limits.branches);
        return Err(r::BRANCHES_INVALID.at("/branches", detail));
    }
    let shape = (spec.pattern, spec.mode, spec.protocol());
    for (index, branch) in spec.branches.iter().enumerate() {
        validate_branch(shape, branch).map_err(|refusal| inside(index, refusal))?;
    }
    check_graph(spec)
}

/// Checks one branch by itself, of a transaction of this shape.
///
/// # Errors
/// The first fault found, with a pointer to it from the branch.
pub fn validate_branch(
    (pattern, mode, protocol): (Pattern, Mode, Protocol),
    branch: &BranchSpec,
) -> Result<(), Refusal> {
    if let Kind::Raw(_) = &branch.kind {
        return check_raw((pattern, protocol), branch);
    }
    check_id("/id", &branch.id)?;
    match (&branch.kind, pattern) {
        (_, Pattern::Workflow) => {
            Err(r::KIND_UNSUPPORTED
                .at("/kind", "a workflow has no branches: its initiator tells its progress"))
        }
        (Kind::Call(call), _) => check_call(pattern, mode, call),
        (Kind::Await, Pattern::Tcc | Pattern::Saga) => Ok(()),
        (Kind::Hold(hold), Pattern::Tcc) => check_hold(hold),
        (Kind::Item(item), Pattern::Tcc) => check_item(item),
        (Kind::Hold(_) | Kind::Item(_), Pattern::Saga | Pattern::Message | Pattern::Xa) => {
            Err(r::KIND_UNSUPPORTED
                .at("/kind", "the ledger's branches have a try, a confirm and a cancel: use pattern tcc"))
        }
        (Kind::Await, Pattern::Message) => {
            Err(r::KIND_UNSUPPORTED.at("/kind", "a message is delivered by call branches only"))
        }
        (Kind::Await, Pattern::Xa) => {
            Err(r::KIND_UNSUPPORTED.at("/kind", "a database prepares and is told: use call branches"))
        }
        (Kind::Raw(_), _) => unreachable!("judged above"),
    }
}

/// Its URLs are judged by who knows the protocol.
fn check_raw((pattern, protocol): (Pattern, Protocol), branch: &BranchSpec) -> Result<(), Refusal> {
    check_foreign_id("/id", &branch.id)?;
    if protocol == Protocol::Tercet || pattern == Pattern::Workflow {
        return Err(r::KIND_UNSUPPORTED.at("/kind", "a raw branch needs a transaction in another protocol"));
    }
    Ok(())
}

fn inside(index: usize, mut refusal: Refusal) -> Refusal {
    refusal.at = Some(format!("/branches/{index}{}", refusal.at.unwrap_or_default()));
    refusal
}

/// Whether this is an id as callers may choose it: 1 to 128 characters of `A–Z a–z 0–9 . _ : / -`.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(allowed)
}

/// Whether this is an id that another protocol may have: 1 to 128 bytes without control characters.
#[must_use]
pub fn is_foreign_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && !id.chars().any(char::is_control)
}

/// The beginning of a text that may be anything and of any size, fit to be shown.
fn brief(text: &str) -> String {
    let mut shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}

fn check_id(at: &str, id: &str) -> Result<(), Refusal> {
    if is_id(id) {
        return Ok(());
    }
    Err(r::ID_INVALID
        .at(at, format!("an id of {} bytes that is empty, too long, or holds another character", id.len())))
}

fn check_foreign_id(at: &str, id: &str) -> Result<(), Refusal> {
    if is_foreign_id(id) {
        return Ok(());
    }
    Err(r::ID_INVALID
        .at(at, format!("an id of {} bytes that is empty, too long, or holds a control character", id.len())))
}

fn check_own_id(spec: &Spec) -> Result<(), Refusal> {
    match spec.protocol() {
        Protocol::Tercet => check_id("/id", &spec.id),
        Protocol::DtmHttp | Protocol::DtmGrpc | Protocol::DtmJsonRpc => check_foreign_id("/id", &spec.id),
    }
}

fn check_spans(spec: &Spec) -> Result<(), Refusal> {
    let retry = &spec.retry;
    let spans = [
        ("/deadline_ms", spec.deadline_ms.unwrap_or(1), 1, SPAN_MAX_MS),
        ("/cooling_off_ms", spec.cooling_off_ms, 0, SPAN_MAX_MS),
        ("/retry/initial_ms", retry.initial_ms, 1, DAY_MS),
        ("/retry/max_ms", retry.max_ms, retry.initial_ms, DAY_MS),
        ("/retry/attention_after", u64::from(retry.attention_after), 1, 1_000_000),
        ("/check_after_ms", spec.check.as_ref().map_or(0, |check| check.after_ms), 0, SPAN_MAX_MS),
    ];
    for (at, value, least, most) in spans {
        check_span(at, value, least..=most)?;
    }
    if spec.cooling_off_ms > 0 && spec.pattern != Pattern::Tcc {
        return Err(r::FIELD_UNEXPECTED.at("/cooling_off_ms", "only a tcc transaction cools off"));
    }
    let needs_deadline = match spec.pattern {
        Pattern::Tcc | Pattern::Xa => true,
        Pattern::Saga => spec.protocol() == Protocol::Tercet,
        Pattern::Message | Pattern::Workflow => false,
    };
    if spec.deadline_ms.is_none() && needs_deadline {
        return Err(r::FIELD_MISSING.at("/deadline_ms", "a tcc, saga or xa transaction needs a deadline"));
    }
    let Some(terms) = &spec.terms else { return Ok(()) };
    check_span("/delay_ms", terms.delay_ms, 0..=SPAN_MAX_MS)?;
    check_span("/timeout_ms", terms.timeout_ms, 1..=TIMEOUT_MAX_MS)?;
    check_headers(&terms.headers)
}

fn check_span(at: &str, value: u64, range: std::ops::RangeInclusive<u64>) -> Result<(), Refusal> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(r::SPAN_INVALID.at(at, format!("{value} is not within {} to {}", range.start(), range.end())))
}

fn check_labels(spec: &Spec, limits: &Limits) -> Result<(), Refusal> {
    if spec.labels.len() > limits.labels {
        let detail = format!("{} labels; at most {} are allowed", spec.labels.len(), limits.labels);
        return Err(r::LABELS_INVALID.at("/labels", detail));
    }
    for (key, value) in &spec.labels {
        check_id("/labels", key)?;
        if value.len() > LABEL_VALUE_MAX {
            let detail =
                format!("the label {key} has {} bytes; at most {LABEL_VALUE_MAX} are allowed", value.len());
            return Err(r::LABELS_INVALID.at(format!("/labels/{key}"), detail));
        }
    }
    Ok(())
}

/// A prepared message needs its check-back (or, on another protocol's terms, the time at which it is taken as submitted), a
/// workflow its resume call; nothing else may have one.
fn check_callback(spec: &Spec) -> Result<(), Refusal> {
    if spec.pattern == Pattern::Workflow {
        if spec.mode == Mode::Managed {
            return Err(
                r::FIELD_UNEXPECTED.at("/mode", "a workflow is run by its initiator: mode interactive")
            );
        }
        if spec.check.is_none() {
            return Err(r::FIELD_MISSING.at("/resume", "a workflow needs the URL at which it is resumed"));
        }
        return Ok(());
    }
    let is_prepared = spec.pattern == Pattern::Message && spec.mode == Mode::Interactive;
    match (&spec.check, is_prepared) {
        (None, true) if spec.protocol() != Protocol::Tercet && spec.deadline_ms.is_some() => Ok(()),
        (None, true) => {
            Err(r::FIELD_MISSING.at("/check", "a prepared message needs the URL of its check-back"))
        }
        (Some(_), false) => Err(r::FIELD_UNEXPECTED.at("/check", "only a prepared message is checked back")),
        (Some(_), true) | (None, false) => Ok(()),
    }
}

fn check_call(pattern: Pattern, mode: Mode, call: &CallSpec) -> Result<(), Refusal> {
    check_span("/timeout_ms", call.timeout_ms, 1..=TIMEOUT_MAX_MS)?;
    let urls = &call.urls;
    let needed = match pattern {
        Pattern::Tcc => [
            ("/try", mode == Mode::Managed, &urls.attempt),
            ("/confirm", true, &urls.confirm),
            ("/cancel", true, &urls.cancel),
        ],
        Pattern::Saga => [
            ("/action", mode == Mode::Managed, &urls.attempt),
            ("/confirm", false, &None),
            ("/compensate", false, &urls.cancel),
        ],
        Pattern::Message => {
            [("/try", false, &None), ("/deliver", true, &urls.confirm), ("/cancel", false, &None)]
        }
        Pattern::Xa => [
            ("/prepare", mode == Mode::Managed, &urls.attempt),
            ("/phase2", true, &urls.confirm),
            ("/phase2", true, &urls.cancel),
        ],
        Pattern::Workflow => {
            [("/action", false, &None), ("/confirm", false, &None), ("/cancel", false, &None)]
        }
    };
    for (at, is_needed, url) in needed {
        if is_needed && url.is_none() {
            return Err(r::FIELD_MISSING
                .at(at, format!("a call branch of a {} {} needs it", mode.name(), pattern.name())));
        }
    }
    check_headers(&call.headers)
}

/// What is held, and whether it may be, is the ledger's to decide; here only what can be seen without it.
fn check_hold(hold: &HoldSpec) -> Result<(), Refusal> {
    if hold.legs.is_empty() || hold.legs.len() > LEGS_MAX {
        return Err(r::BRANCHES_INVALID.at("/holds", format!("1 to {LEGS_MAX} holds are allowed")));
    }
    for (index, leg) in hold.legs.iter().enumerate() {
        for (name, id) in [("from", &leg.from), ("to", &leg.to)] {
            let at = if hold.legs.len() == 1 { format!("/{name}") } else { format!("/holds/{index}/{name}") };
            check_id(&at, id)?;
        }
    }
    Ok(())
}

fn check_item(item: &ItemSpec) -> Result<(), Refusal> {
    let ids = [
        ("/item", &item.item),
        ("/try", &item.attempt),
        ("/confirm", &item.confirm),
        ("/cancel", &item.cancel),
    ];
    for (at, id) in ids {
        check_id(at, id)?;
    }
    item.owner.iter().try_for_each(|owner| check_id("/owner", owner))?;
    if item.arguments.len() > ARGUMENTS_MAX {
        return Err(r::LABELS_INVALID.at("/arguments", format!("at most {ARGUMENTS_MAX} are allowed")));
    }
    item.arguments.iter().try_for_each(|(key, _)| check_id("/arguments", key))
}

fn check_headers(headers: &[Header]) -> Result<(), Refusal> {
    if headers.len() > HEADERS_MAX {
        return Err(r::HEADER_INVALID.at("/headers", format!("at most {HEADERS_MAX} headers are allowed")));
    }
    match headers.iter().find(|header| !is_header(&header.name, &header.value)) {
        None => Ok(()),
        Some(header) => {
            let detail = format!("the header {} cannot be sent as given", brief(&header.name));
            Err(r::HEADER_INVALID.at("/headers", detail))
        }
    }
}

/// Whether a branch may set this header, and it can be sent.
#[must_use]
pub fn is_header(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let visible = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    let is_reserved = RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with("tercet-");
    let fits = (1..=256).contains(&name.len()) && value.len() <= 8192;
    !is_reserved && fits && name.bytes().all(token) && value.bytes().all(visible)
}

/// Ids are unique, `after` names branches that exist, and nothing waits for itself.
fn check_graph(spec: &Spec) -> Result<(), Refusal> {
    let mut index_of = BTreeMap::new();
    for (index, branch) in spec.branches.iter().enumerate() {
        if let Some(first) = index_of.insert(&*branch.id, index) {
            let detail = format!("branch {} is also branch number {first}", branch.id);
            return Err(r::BRANCH_DUPLICATE.at(format!("/branches/{index}/id"), detail));
        }
    }
    let mut waits_for: Vec<Vec<usize>> = Vec::with_capacity(spec.branches.len());
    for (index, branch) in spec.branches.iter().enumerate() {
        let mut before = Vec::new();
        for (position, id) in branch.after.iter().enumerate() {
            let Some(&other) = index_of.get(&**id) else {
                let at = format!("/branches/{index}/after/{position}");
                return Err(r::AFTER_UNKNOWN.at(at, format!("there is no branch {}", brief(id))));
            };
            before.push(other);
        }
        if spec.order == Order::Sequential && index > 0 {
            before.push(index - 1);
        }
        waits_for.push(before);
    }
    match unreachable(&waits_for) {
        None => Ok(()),
        Some(index) => {
            let detail = format!("branch {} would wait for itself", spec.branches[index].id);
            Err(r::AFTER_CYCLE.at(format!("/branches/{index}/after"), detail))
        }
    }
}

/// The first node of a graph that no order can reach, if there is one (Kahn, 1962).
fn unreachable(waits_for: &[Vec<usize>]) -> Option<usize> {
    let mut done = vec![false; waits_for.len()];
    loop {
        let ready = |index: &usize| !done[*index] && waits_for[*index].iter().all(|&before| done[before]);
        match (0..done.len()).find(ready) {
            Some(index) => done[index] = true,
            None => return done.iter().position(|is_done| !is_done),
        }
    }
}
