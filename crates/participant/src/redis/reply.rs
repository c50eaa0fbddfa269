//! Both ends of the script's contract: the rule as its arguments, and its replies read back.

use std::time::Duration;

use transaction::barrier::{Hazard, Ran, Record, Ruling};
use transaction::{Operation, Pattern};

use super::Fault;
use crate::barrier::{Counted, Entry, Kept, Told, repeat, void};
use crate::call::{Answer, Call, Refused};

/// The arguments 5 to 11 of the script: what is kept of a refusal, and what is done with `call` on each record.
pub(super) fn rule(call: &Call, horizon: Duration) -> [String; 1 + Record::ALL.len()] {
    let after = |record: Record, ran: Ran| {
        let next = record.after(call.operation, ran);
        format!("{}:{}", name(next), life_ms(next, call.pattern, horizon))
    };
    let mut rule = <[String; 1 + Record::ALL.len()]>::default();
    // Only a try may be refused for good.
    if call.operation == Operation::Try {
        rule[0] = after(Record::Blank, Ran::Refused);
    }
    for (argument, record) in rule[1..].iter_mut().zip(Record::ALL) {
        *argument = match record.rule(call.pattern, call.operation) {
            Ruling::Run => format!("run:{}", after(record, Ran::Done)),
            Ruling::Void => format!("void:{}", after(record, Ran::Done)),
            Ruling::Repeat => "repeat".to_owned(),
            Ruling::Refuse(hazard) => format!("refuse:{}", hazard.name()),
        };
    }
    rule
}

/// As it is written in the hash.
fn name(record: Record) -> &'static str {
    match record {
        Record::Blank => "blank",
        Record::Tried => "tried",
        Record::Refused => "refused",
        Record::Confirmed => "confirmed",
        Record::Cancelled => "cancelled",
        Record::Voided => "voided",
    }
}

/// How long the record stays; 0: for ever. An initiator's `submit` holds nothing: its message is the coordinator's to
/// deliver.
fn life_ms(record: Record, pattern: Pattern, horizon: Duration) -> u64 {
    let horizon_ms = u64::try_from(horizon.as_millis()).unwrap_or(u64::MAX);
    let is_submitted = record == Record::Tried && pattern == Pattern::Message;
    if is_submitted || record.may_be_forgotten(u64::MAX, horizon_ms) { horizon_ms } else { 0 }
}

/// One reply of the script.
pub(super) type Reply = Vec<Option<Vec<u8>>>;

/// What the reply means: what is counted, and what is answered.
///
/// # Errors
/// When it is no answer. `key` is the branch's record, to name it.
pub(super) fn read(reply: Reply, call: &Call, key: &str) -> Result<(Counted, Answer), Fault> {
    let mut parts = reply.into_iter();
    let verb = text(parts.next().flatten());
    let mut next = || parts.next().flatten();
    match verb.as_str() {
        "done" => Ok((Counted::Run, Answer::done(next().unwrap_or_default()))),
        "void" => Ok((Counted::Void, void(call))),
        "refused" => {
            let refused = Refused { code: text(next()), detail: text(next()) };
            Ok((Counted::Refused, Answer::from(&refused)))
        }
        "in_progress" => Ok((Counted::Refused, Answer::in_progress())),
        "refuse" => {
            let name = text(next());
            let hazard = Hazard::ALL.into_iter().find(|hazard| hazard.name() == name);
            let hazard = hazard.ok_or(Fault::Unreadable)?;
            Ok((Counted::Hazard(hazard), Answer::hazard(hazard)))
        }
        "repeat" => match repeat(kept([next(), next(), next(), next(), next()], call).as_ref(), call) {
            Entry::Mismatch(answer) => Ok((Counted::Mismatch, answer)),
            Entry::Repeat(answer) => Ok((Counted::Duplicate, answer)),
            Entry::Run | Entry::Void(_) | Entry::Refuse(_) | Entry::Contended => Err(Fault::Unreadable),
        },
        "failed" => Err(Fault::Business(text(next()))),
        "broken" => Err(Fault::Broken { key: key.to_owned(), text: text(next()) }),
        "lost" => Err(Fault::Lost),
        _ => Err(Fault::Unreadable),
    }
}

/// What is kept of the operation, if it was its own doing that the record is as it is.
fn kept(fields: [Option<Vec<u8>>; 5], call: &Call) -> Option<Kept> {
    let [outcome, content, answer, code, detail] = fields;
    let told = Told::read(&text(Some(outcome?)));
    let answer = match told {
        Told::Done | Told::Void => answer,
        Told::Refused => Some(Answer::from(&Refused { code: text(code), detail: text(detail) }).body),
    };
    Some(Kept {
        operation: call.name().to_owned(),
        told,
        content: content.map(|content| text(Some(content))),
        answer,
    })
}

fn text(bytes: Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}
