//! What a call leaves in the log: enough to follow it, nothing that may be a secret. Every level of every library is
//! listened to.

use std::fmt::{Debug, Write};
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use transaction::Header;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        self.0.lock().unwrap().push(line.0);
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_call_can_be_followed_and_its_secrets_cannot_be_read() {
    // A line that is met for the first time while somebody begins to listen may be taken for one that nobody wants.
    let first = Participant::start(Act::Answer(answer(200, "{}"))).await;
    ask(&caller(), call(&first.url("/try"))).await;
    let lines = Lines::default();
    let _listening = tracing::subscriber::set_default(lines.clone());
    for code in [200, 409, 503] {
        let stock = Participant::start(Act::Answer(answer(code, r#"{"detail":"secret-answer"}"#))).await;
        let call = Call {
            body: Some(r#"{"card":"secret-body"}"#.into()),
            result: Some(r#""secret-result""#.into()),
            pass_result: true,
            headers: vec![Header { name: "Authorization".into(), value: "Bearer secret-header".into() }],
            ..call(&stock.url("/secret-path?token=secret-query"))
        };
        ask(&caller(), call).await;
        assert!(stock.requests()[0].contains("secret-header"));
    }
    let lines = lines.0.lock().unwrap();
    let calls: Vec<_> = lines.iter().filter(|line| line.contains("branch call")).collect();
    let replies = ["done", "refused", "unknown"];
    assert_eq!(calls.len(), replies.len(), "{lines:#?}");
    for (line, reply) in calls.iter().zip(replies) {
        let trace = format!("trace_id={}", "ab".repeat(16));
        let reply = format!("reply=\"{reply}\"");
        let fields = [
            "DEBUG",
            "transaction=\"order-1001\"",
            "branch=\"stock\"",
            "operation=\"try\"",
            "attempt=1",
            "ms=",
        ];
        for field in fields.into_iter().chain([&*trace, &*reply]) {
            assert!(line.contains(field), "{field} in {line}");
        }
    }
    assert!(calls[2].contains("HTTP 503"), "{}", calls[2]);
    assert!(lines.iter().all(|line| !line.contains("secret")), "{lines:#?}");
}
