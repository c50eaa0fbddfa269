//! A batch from the protocol to the engine, and what became of it back: the stream `Apply` and the unary verbs share this.

use engine::{Change, Changed};
use ledger::{Batch, Done, Outcome, Run, format_units};
use participant::proto::{self, ApplyReply, ApplyRequest, Members};
use transaction::Refusal;
use transaction::refusal::FIELD_MISSING;

use super::fields::Read;
use super::{member, refused};

/// Members of one batch.
pub(super) const MEMBERS: usize = 8_190;

/// A batch that is ready for the engine.
pub(super) struct Asked {
    pub(super) change: Change,
    pub(super) numbers: Numbers,
}

/// What the reply needs to know of its request.
pub(super) struct Numbers {
    /// The caller's number.
    number: u64,
    /// The places of the members whose outcome tells how much was taken.
    up_to: Vec<u32>,
}

/// Reads a batch. Refuses it as a whole, with a pointer, when anything in it is malformed.
pub(super) fn read(request: &ApplyRequest) -> Read<Asked> {
    let members = &request.members;
    if members.is_empty() {
        return Err(FIELD_MISSING.at("/members", "a batch has at least one member"));
    }
    if members.len() > MEMBERS {
        let detail = format!("{} members; at most {MEMBERS} are allowed", members.len());
        return Err(ledger::refusal::BATCH_TOO_LARGE.at("/members", detail));
    }
    let mut batch = Batch::with_capacity(members.len(), members.bytes());
    let mut up_to = Vec::new();
    for (index, encoded) in (0_u32..).zip(members.each()) {
        let command = member::command(encoded).map_err(|refusal| inside(index, refusal))?;
        if member::takes_up_to(&command) {
            up_to.push(index);
        }
        batch.push(&command);
    }
    let run = run(request.dry_run);
    Ok(Asked { change: Change { batch, run, key: None }, numbers: Numbers { number: request.number, up_to } })
}

/// A batch of one kind of member, as the unary verbs have it.
pub(super) fn of_kind<T>(
    messages: Vec<T>,
    kind: impl Fn(T) -> proto::member::Kind,
    run: Run,
) -> ApplyRequest {
    let mut members = Members::default();
    for message in messages {
        members.push(&proto::Member { kind: Some(kind(message)) });
    }
    ApplyRequest { number: 0, members, dry_run: run == Run::Dry }
}

/// How a batch is meant, from the word of the wire.
pub(super) fn run(wire: impl Into<bool>) -> Run {
    if wire.into() { Run::Dry } else { Run::Real }
}

fn inside(index: u32, refusal: Refusal) -> Refusal {
    let at = format!("/members/{index}{}", refusal.at.as_deref().unwrap_or_default());
    Refusal { at: Some(at), ..refusal }
}

impl Numbers {
    /// The numbers of a request that could not be read.
    pub(super) fn only(number: u64) -> Numbers {
        Numbers { number, up_to: Vec::new() }
    }

    /// The reply to the request.
    pub(super) fn reply(self, answer: Result<Changed, Refusal>) -> ApplyReply {
        match answer {
            Ok(changed) => self.changed(changed),
            Err(refusal) => ApplyReply {
                number: self.number,
                refusal: Some(refused::message(refusal)),
                ..ApplyReply::default()
            },
        }
    }

    fn changed(self, changed: Changed) -> ApplyReply {
        let results = &changed.results;
        let taken = |index: u32| {
            let outcome = results.get(usize::try_from(index).ok()?)?.as_ref().ok()?;
            Some(proto::Taken { index, amount: amount(outcome)? })
        };
        let taken = self.up_to.into_iter().filter_map(taken).collect();
        let mut outcomes = Vec::with_capacity(results.len());
        let mut refused = Vec::new();
        for (index, result) in (0_u32..).zip(changed.results) {
            match result {
                Ok(outcome) => outcomes.push(word(outcome.done) as i32),
                Err(refusal) => {
                    outcomes.push(proto::Outcome::Refused as i32);
                    let code = refusal.kind.code.into();
                    refused.push(proto::Refused { index, code, detail: refusal.detail });
                }
            }
        }
        let (number, sequence) = (self.number, changed.sequence);
        ApplyReply { number, sequence, outcomes, refused, taken, refusal: None }
    }
}

/// The units of an outcome, in words.
pub(super) fn amount(outcome: &Outcome) -> Option<String> {
    outcome.amount.map(|units| format_units(units, outcome.scale))
}

/// The protocol's word for what was done.
pub(super) fn word(done: Done) -> proto::Outcome {
    match done {
        Done::Declared => proto::Outcome::Declared,
        Done::Opened => proto::Outcome::Opened,
        Done::Changed => proto::Outcome::Changed,
        Done::Posted => proto::Outcome::Posted,
        Done::Held => proto::Outcome::Held,
        Done::Captured => proto::Outcome::Captured,
        Done::Released => proto::Outcome::Released,
        Done::Reopened => proto::Outcome::Reopened,
        Done::Created => proto::Outcome::Created,
        Done::Moved => proto::Outcome::Moved,
        Done::Duplicate => proto::Outcome::Duplicate,
    }
}

#[cfg(test)]
mod tests {
    use ledger::Command;

    use super::*;
    use proto::member::Kind;

    fn entry(id: &str) -> proto::Entry {
        let amount = Some(proto::entry::Amount::Units(5));
        proto::Entry { id: id.into(), from: "a".into(), to: "b".into(), amount, ..proto::Entry::default() }
    }

    fn code(request: &ApplyRequest) -> (String, Option<String>) {
        let refusal = read(request).err().unwrap();
        (refusal.kind.code.to_owned(), refusal.at)
    }

    #[test]
    fn a_batch_is_read_in_order() {
        let up_to = proto::Entry { up_to: true, ..entry("e2") };
        let request = ApplyRequest { number: 9, ..of_kind(vec![entry("e1"), up_to], Kind::Entry, Run::Dry) };
        let asked = read(&request).unwrap();
        assert_eq!(asked.change.run, Run::Dry);
        assert_eq!((asked.numbers.number, asked.numbers.up_to), (9, vec![1]));
        let ids: Vec<_> = (0..2).map(|index| asked.change.batch.get(index).unwrap()).collect();
        assert!(
            matches!(&ids[..], [Command::Entry(first), Command::Entry(second)] if (first.id, second.id) == ("e1", "e2"))
        );
    }

    #[test]
    fn a_malformed_member_is_pointed_to() {
        let request = of_kind(vec![entry("e1"), entry("")], Kind::Entry, Run::Real);
        assert_eq!(code(&request), ("field_missing".into(), Some("/members/1/id".into())));
        let mut request = ApplyRequest::default();
        assert_eq!(code(&request), ("field_missing".into(), Some("/members".into())));
        request.members.push_encoded(&[0xff]);
        assert_eq!(code(&request), ("field_invalid".into(), Some("/members/0".into())));
    }

    #[test]
    fn a_batch_has_its_limit() {
        let whole = of_kind(vec![entry("e"); MEMBERS], Kind::Entry, Run::Real);
        assert_eq!(read(&whole).unwrap().change.batch.len(), MEMBERS);
        let more = of_kind(vec![entry("e"); MEMBERS + 1], Kind::Entry, Run::Real);
        assert_eq!(code(&more).0, "batch_too_large");
    }

    #[test]
    fn a_reply_tells_each_outcome_and_details_where_they_are_needed() {
        let done = |done, amount| Ok(Outcome { done, amount, scale: 2 });
        let refusal = Box::new(ledger::refusal::INSUFFICIENT.because("7.00 is available"));
        let results = vec![
            done(Done::Posted, Some(1_250)),
            Err(refusal),
            done(Done::Held, Some(700)),
            done(Done::Moved, None),
        ];
        let changed = Changed { results, ids: None, replayed: false, sequence: 42 };
        let reply = Numbers { number: 3, up_to: vec![1, 2] }.reply(Ok(changed));
        let words: Vec<_> = reply.outcomes().collect();
        use proto::Outcome as O;
        assert_eq!(words, [O::Posted, O::Refused, O::Held, O::Moved]);
        assert_eq!((reply.number, reply.sequence, reply.refusal), (3, 42, None));
        assert_eq!(reply.taken, [proto::Taken { index: 2, amount: "7.00".into() }]);
        assert_eq!(reply.refused.len(), 1);
        assert_eq!((reply.refused[0].index, &*reply.refused[0].code), (1, "insufficient"));
    }

    #[test]
    fn a_batch_that_is_refused_says_so() {
        let reply = Numbers::only(3).reply(Err(engine::refusal::OVERLOADED.because("full")));
        let refusal = reply.refusal.unwrap();
        assert_eq!((reply.number, &*refusal.code, refusal.retry_after_ms), (3, "overloaded", 1_000));
        assert!(reply.outcomes.is_empty());
    }
}
