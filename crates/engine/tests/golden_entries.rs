//! The bytes of every kind of journal entry, as they were when it was released: a changed byte here is a data folder
//! that can no longer be read. Never edit a line of the golden file; new kinds are new lines at its end.

use std::sync::Arc;

use engine::entry::{self, Entry, KeyRow, TopicRow};
use proptest::prelude::{any, prop, proptest};
use transaction::{
    BranchSpec, CallSpec, CheckSpec, Decision, Event, Header, Kind, Mode, Operation, Order, Pattern,
    Progress, Protocol, RawSpec, Reason, ReasonCode, Reply, Resume, Retry, Signal, Spec, Subscriber, Terms,
    Time, Topic, Trace, Urls,
};

const GOLDEN: &str = include_str!("golden/entries.txt");
const NUMBER: u64 = 300;
const AT: Time = Time(1_780_000_000_000_000);

fn text(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn call() -> CallSpec {
    CallSpec {
        urls: Urls {
            attempt: Some(text("http://h/t")),
            confirm: Some(text("http://h/c")),
            cancel: Some(text("http://h/x")),
        },
        body: Some(text("{\"n\":2}")),
        headers: vec![Header { name: text("X-Shop"), value: text("1") }],
        timeout_ms: 3_000,
        pass_result: true,
    }
}

fn branches() -> Vec<Arc<BranchSpec>> {
    let stock = BranchSpec { id: text("stock"), after: Vec::new(), kind: Kind::Call(call()) };
    let pay = BranchSpec { id: text("pay"), after: vec![text("stock")], kind: Kind::Await };
    vec![Arc::new(stock), Arc::new(pay)]
}

fn spec() -> Spec {
    Spec {
        id: text("order-1001"),
        pattern: Pattern::Tcc,
        mode: Mode::Managed,
        order: Order::Parallel,
        deadline_ms: Some(30_000),
        cooling_off_ms: 500,
        retry: Retry::default(),
        labels: vec![(text("order"), text("1001")), (text("süß"), text("\0"))],
        check: None,
        branches: branches(),
        terms: None,
    }
}

fn message() -> Spec {
    Spec {
        id: text("m"),
        pattern: Pattern::Message,
        mode: Mode::Interactive,
        order: Order::Sequential,
        deadline_ms: None,
        cooling_off_ms: 0,
        labels: Vec::new(),
        check: Some(CheckSpec { url: text("http://h/check"), after_ms: 10_000 }),
        branches: Vec::new(),
        ..spec()
    }
}

fn progress() -> Progress {
    Progress { step: text("01"), operation: text("action"), outcome: Signal::Done, data: Arc::from([0, 255]) }
}

fn on_terms() -> Spec {
    let urls = Urls { attempt: Some(text("http://h/a")), confirm: None, cancel: None };
    let raw = Kind::Raw(RawSpec { urls, body: Arc::from([1, 2, 200]) });
    let terms = Terms {
        protocol: Protocol::DtmGrpc,
        retry_limit: 300,
        delay_ms: 5_000,
        headers: vec![Header { name: text("x"), value: text("y") }],
        timeout_ms: 3_000,
        resume: Some(Resume { name: text("wf"), body: Arc::from([7]) }),
        note: Some(text("{}")),
        options: Some(text("{\"concurrent\":false}")),
    };
    Spec {
        pattern: Pattern::Saga,
        branches: vec![Arc::new(BranchSpec { id: text("01"), after: Vec::new(), kind: raw })],
        terms: Some(Box::new(terms)),
        ..spec()
    }
}

fn topic() -> TopicRow {
    let subscriber = Subscriber { url: text("http://h/t"), remark: text("shop") };
    let topic = Topic {
        name: text("paid"),
        subscribers: vec![subscriber],
        version: 2,
        created_at: Time(5),
        updated_at: AT,
    };
    TopicRow { name: text("paid"), topic: Some(topic), at: AT }
}

fn replied(operation: Operation, reply: Reply, next_at: Option<Time>) -> Event {
    Event::Replied { branch: 1, operation, attempt: 200, reply, next_at }
}

/// Every kind of event, and each variant of what it holds, by a name that stays.
fn events() -> Vec<(&'static str, Event)> {
    let begun = |spec: Spec, trace: u8| Event::Begun { spec: Arc::new(spec), trace: Trace([trace; 16]) };
    let decided = |code| {
        let reason = Reason { code, branch: Some(1), detail: text("why") };
        Event::Decided { decision: Decision::Cancel, reason: Some(reason) }
    };
    let signalled = |signal, result| Event::Signalled { branch: 0, signal, result };
    let unknown = || Reply::Unknown { error: text("timed out") };
    vec![
        ("begun tcc", begun(spec(), 7)),
        ("begun saga", begun(Spec { pattern: Pattern::Saga, cooling_off_ms: 0, ..spec() }, 0)),
        ("begun message", begun(message(), 255)),
        ("registered call", Event::Registered(Arc::clone(&branches()[0]))),
        ("registered await", Event::Registered(Arc::clone(&branches()[1]))),
        ("replied try done", replied(Operation::Try, Reply::Done { result: Some(text("{}")) }, None)),
        ("replied confirm done", replied(Operation::Confirm, Reply::Done { result: None }, None)),
        ("replied try refused", replied(Operation::Try, Reply::Refused { detail: text("no") }, None)),
        ("replied cancel in progress", replied(Operation::Cancel, Reply::InProgress, Some(AT))),
        ("replied cancel unknown", replied(Operation::Cancel, unknown(), Some(Time(-1)))),
        ("checked unknown", Event::Checked { attempt: 1, reply: unknown(), next_at: Some(AT) }),
        ("checked done", Event::Checked { attempt: 2, reply: Reply::Done { result: None }, next_at: None }),
        ("signalled done", signalled(Signal::Done, Some(text("[1]")))),
        ("signalled refused", signalled(Signal::Refused, None)),
        ("cooled", Event::Cooled { until: AT }),
        ("decided confirm", Event::Decided { decision: Decision::Confirm, reason: None }),
        ("decided cancel, branch refused", decided(ReasonCode::BranchRefused)),
        ("decided cancel, deadline passed", decided(ReasonCode::DeadlinePassed)),
        ("decided cancel, withdrawn", decided(ReasonCode::Withdrawn)),
        ("decided cancel, check refused", decided(ReasonCode::CheckRefused)),
        ("finished", Event::Finished),
        (
            "attention raised",
            Event::AttentionRaised { branch: Some(0), operation: Operation::Confirm, why: text("10 times") },
        ),
        (
            "attention raised on check",
            Event::AttentionRaised { branch: None, operation: Operation::Check, why: text("x") },
        ),
        ("retried", Event::Retried),
        ("begun on terms", Event::BegunWith { spec: Arc::new(on_terms()), trace: Trace([9; 16]) }),
        ("registered raw", Event::Registered(Arc::clone(&on_terms().branches[0]))),
        ("progressed", Event::Progressed(Arc::new(progress()))),
        ("resulted", Event::Resulted { result: text("eyJ9") }),
        ("stopped", Event::Stopped { detail: text("by hand") }),
        ("decided cancel, retries exhausted", decided(ReasonCode::RetriesExhausted)),
    ]
}

fn key() -> KeyRow {
    KeyRow { scope: text("POST /v1/transactions k"), fingerprint: [171; 32], number: NUMBER, at: AT }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines() -> Vec<(String, Vec<u8>)> {
    let mut lines: Vec<_> = events()
        .into_iter()
        .map(|(name, event)| {
            let mut payload = Vec::new();
            entry::push_event(&mut payload, NUMBER, AT, &event);
            (name.to_owned(), payload)
        })
        .collect();
    let mut payload = Vec::new();
    entry::push_key(&mut payload, &key());
    lines.push(("key".to_owned(), payload));
    let mut payload = Vec::new();
    entry::push_topic(&mut payload, &topic());
    lines.push(("topic".to_owned(), payload));
    lines
}

#[test]
fn every_kind_of_entry_is_written_as_it_always_was() {
    let expected: Vec<_> = GOLDEN.lines().map(str::to_owned).collect();
    let written: Vec<_> =
        lines().into_iter().map(|(name, payload)| format!("{name}: {}", hex(&payload))).collect();
    assert_eq!(written, expected, "tests/golden/entries.txt holds what released versions wrote");
}

#[test]
fn what_was_written_then_is_read_now() {
    let mut expected: Vec<_> = events()
        .into_iter()
        .map(|(_, event)| Entry::event(transaction::Kept { number: NUMBER, at: AT, event }))
        .collect();
    expected.push(Entry::Key(key()));
    expected.push(Entry::Topic(topic()));
    let mut payload = Vec::new();
    for line in GOLDEN.lines() {
        let (_, hex) = line.rsplit_once(": ").unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        payload.extend((0..hex.len()).step_by(2).map(byte));
    }
    let mut read = Vec::new();
    entry::read(&payload, 1, |_, entry| {
        read.push(entry.decode()?);
        Ok(())
    })
    .unwrap();
    assert_eq!(read, expected);
}

/// No event kind may be missing above: this fails to compile when one is added, and says where to add it.
#[test]
fn every_kind_of_event_has_a_line() {
    let kind = |event: &Event| match event {
        Event::Begun { .. } => 0,
        Event::Registered(_) => 1,
        Event::Replied { .. } => 2,
        Event::Checked { .. } => 3,
        Event::Signalled { .. } => 4,
        Event::Cooled { .. } => 5,
        Event::Decided { .. } => 6,
        Event::Finished => 7,
        Event::AttentionRaised { .. } => 8,
        Event::Retried => 9,
        Event::BegunWith { .. } => 10,
        Event::Progressed(_) => 11,
        Event::Resulted { .. } => 12,
        Event::Stopped { .. } => 13,
    };
    let kinds: std::collections::BTreeSet<_> = events().iter().map(|(_, event)| kind(event)).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), (0..14).collect::<Vec<_>>());
}

/// Reads and decodes; whatever comes of it, it must come without a panic.
fn read_all(payload: &[u8]) -> Result<(), engine::Fault> {
    entry::read(payload, u64::MAX - 1, |_, entry| entry.decode().map(drop))
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(payload in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_all(&payload);
    }

    #[test]
    fn no_damage_to_real_entries_makes_the_reader_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut payload: Vec<u8> = lines().into_iter().flat_map(|(_, bytes)| bytes).collect();
        for (at, byte) in flips {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        payload.truncate(cut.index(payload.len()) + 1);
        let _ = read_all(&payload);
    }
}
