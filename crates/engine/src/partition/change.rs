//! Requests to the ledger: decided, kept and answered like any other; repeats by idempotency key get the first results.
//!
//! What a request needs of the far past (an entry to be refunded, an expired hold) is read ahead by the archive's readers,
//! and the request comes back with it: the partition itself never waits for the disk.

use ledger::{Batch, Command, Done, Outcome, Results, Run, Space, Take, taken_names};
use serde::{Deserialize, Serialize};
use transaction::{Refusal, Time};

use super::vault::Recalled;
use super::{Lookup, Partition};
use crate::archive::Used;
use crate::batch::Release;
use crate::entry::ReplyRow;
use crate::{Change, Changed, Key, Respond, refusal};

/// A request to the ledger, with what was read ahead for it.
pub(crate) struct Asked {
    pub change: Change,
    /// `None`: nothing was read yet.
    pub recalled: Option<Recalled>,
}

impl Partition {
    /// Carries out a request to the ledger.
    pub(super) fn change(&mut self, asked: Box<Asked>, respond: Respond<Changed>, now: Time) {
        let positions = match self.known_results(&asked.change) {
            Ok(Some(changed)) => return self.release_changed(respond, Ok(changed)),
            Err(refusal) => return self.release_changed(respond, Err(refusal)),
            Ok(None) if asked.change.run == Run::Dry => self.to_recall(&asked),
            Ok(None) => match self.refuses_new() {
                // The reserve is kept for what is open to finish.
                Some(refusal)
                    if refusal.kind != &refusal::STORAGE_FULL || !only_finishes(&asked.change.batch) =>
                {
                    return respond(Err(refusal));
                }
                Some(_) | None => self.to_recall(&asked),
            },
        };
        match positions {
            Err(refusal) => self.release_changed(respond, Err(refusal)),
            Ok(positions) if !positions.is_empty() => {
                (self.ports.lookup)(Lookup::Recall(asked, positions, self.batch.last, respond));
            }
            Ok(_) => {
                let Asked { change, recalled } = *asked;
                let recalled = recalled.unwrap_or_default();
                let results =
                    self.vault.carry_out((&change.batch, change.run), &recalled, (&mut self.batch, now));
                if change.run == Run::Real {
                    self.meters.members(&results);
                }
                if let (Some(key), Run::Real) = (&change.key, change.run)
                    && !results.iter().any(is_passing)
                {
                    self.keep_results(key, (&change.batch, &results), now);
                }
                let changed = Changed { results, ids: None, replayed: false, sequence: self.batch.last };
                self.release_changed(respond, Ok(changed));
            }
        }
    }

    /// The first results of a request whose key is known.
    fn known_results(&self, change: &Change) -> Result<Option<Changed>, Refusal> {
        let Some(key) = &change.key else { return Ok(None) };
        let Some(used) = self.key_use(&key.scope)? else { return Ok(None) };
        match used {
            Used::Reply(row) if row.fingerprint == key.fingerprint => {
                let (ids, results) = decode(&row.reply).ok_or_else(|| {
                    refusal::ARCHIVE_UNAVAILABLE.because("the first results cannot be read")
                })?;
                Ok(Some(Changed { results, ids: Some(ids), replayed: true, sequence: self.batch.last }))
            }
            Used::Reply(_) | Used::Key(_) => {
                Err(refusal::IDEMPOTENCY_MISMATCH
                    .because("the idempotency key came before with another request"))
            }
        }
    }

    /// Where the events lie that must be read before this can be decided and were not; a repeat of "as much as is there"
    /// is among them, since only its event tells how much that was.
    fn to_recall(&self, asked: &Asked) -> Result<Vec<u64>, Refusal> {
        let mut positions = Vec::new();
        if !asked.change.batch.may_recall() {
            return Ok(positions);
        }
        let members = (0..asked.change.batch.len()).filter_map(|index| asked.change.batch.get(index));
        for command in members {
            for (space, parent, id) in of_the_past(&command) {
                let found =
                    self.vault.find(space, (parent, id)).map_err(|fault| super::unavailable(&fault))?;
                let is_read = |position: &u64| {
                    asked.recalled.as_ref().is_some_and(|recalled| recalled.contains_key(position))
                };
                positions.extend(found.filter(|position| !is_read(position)));
            }
        }
        Ok(positions)
    }

    fn keep_results(&mut self, key: &Key, (batch, results): (&Batch, &Results), now: Time) {
        #[cfg(feature = "planted")]
        if planted::is(planted::Bug::KeyForgotten) {
            return;
        }
        let row = ReplyRow {
            scope: std::sync::Arc::clone(&key.scope),
            fingerprint: key.fingerprint,
            at: now,
            reply: encode(batch, results),
        };
        let sequence = self.batch.push_reply(&row);
        self.memory.insert_key(sequence, Used::Reply(row));
    }

    fn release_changed(&mut self, respond: Respond<Changed>, answer: Result<Changed, Refusal>) {
        self.release_any(Release::Changed(respond, answer));
    }

    /// Decides what the ledger has due at `now`.
    pub(super) fn ledger_falls_due(&mut self, at_most: usize, now: Time) {
        if self.vault.ledger.next_due().is_some_and(|due| due <= now) {
            self.vault.fall_due(at_most, (&mut self.batch, now));
        }
    }
}

/// The ids whose events this command may rest on, each in its space and below its parent.
fn of_the_past<'a>(command: &Command<&'a str>) -> Vec<(Space, &'a str, &'a str)> {
    match command {
        Command::Entry(entry) => match (entry.refunds, entry.take) {
            (Some(id), _) => taken_names(id),
            (None, Take::UpTo) => vec![(Space::Entry, "", entry.id)],
            (None, Take::Exactly) => Vec::new(),
        },
        Command::Hold(hold) if hold.take == Take::UpTo => vec![(Space::Hold, "", hold.id)],
        Command::Reopen(reopen) => vec![(Space::HoldEnd, "", reopen.hold)],
        _ => Vec::new(),
    }
}

/// A refusal that is none the next time: it must not be what a repeat by idempotency key is told for ever. Members that
/// were accepted are duplicates then.
fn is_passing(result: &Result<Outcome, Box<Refusal>>) -> bool {
    let passing = [&refusal::ARCHIVE_UNAVAILABLE, &ledger::refusal::BATCH_TOO_LARGE];
    result.as_ref().is_err_and(|refused| passing.contains(&refused.kind))
}

/// Every member ends a hold: there are no more of these than there are open holds.
fn only_finishes(batch: &Batch) -> bool {
    (0..batch.len()).filter_map(|index| batch.get(index)).all(|command| match command {
        Command::Capture(capture) => capture.amount.is_none(),
        Command::Release(_) => true,
        _ => false,
    })
}

/// Bytes of a refusal's words that are kept with an idempotency key: thousands of results fit into a frame.
const DETAIL_MAX: usize = 256;

/// What was done, how much, at which scale.
type KeptOutcome = (u8, Option<i128>, u8);
/// The refusal's number, its detail, the field at fault.
type KeptRefusal<'a> = (u16, &'a str, Option<&'a str>);

/// One result, as kept with an idempotency key. The layout is for ever: only append.
#[derive(Serialize, Deserialize)]
struct KeptResult<'a> {
    id: &'a str,
    outcome: Result<KeptOutcome, KeptRefusal<'a>>,
}

/// Everything that can be done, by number: only append.
const DONE: [Done; 11] = [
    Done::Declared,
    Done::Opened,
    Done::Changed,
    Done::Posted,
    Done::Held,
    Done::Captured,
    Done::Released,
    Done::Reopened,
    Done::Created,
    Done::Moved,
    Done::Duplicate,
];

/// By which id the results name a member.
fn id_of<'a>(command: &Command<&'a str>) -> &'a str {
    match command {
        Command::Asset(asset) => asset.code,
        Command::Open(open) => open.id,
        Command::Adjust(adjust) => adjust.id,
        Command::Entry(entry) => entry.id,
        Command::Hold(hold) => hold.id,
        Command::Capture(capture) => capture.id,
        Command::Release(release) => release.hold,
        Command::Reopen(reopen) => reopen.id,
        // A machine's name is told by its own answer.
        Command::Declare(_) => "",
        Command::Create(create) => create.id,
        Command::Move(moved) => moved.id,
    }
}

fn encode(batch: &Batch, results: &Results) -> Vec<u8> {
    let members = (0..batch.len()).filter_map(|index| batch.get(index));
    let mut bytes = Vec::with_capacity(results.len() * 48);
    for (command, result) in members.zip(results) {
        let outcome = match result {
            Ok(outcome) => {
                let done = DONE.iter().position(|done| *done == outcome.done).unwrap_or(DONE.len());
                Ok((u8::try_from(done).unwrap_or(u8::MAX), outcome.amount, outcome.scale))
            }
            Err(refusal) => {
                let most = refusal.detail.floor_char_boundary(DETAIL_MAX);
                Err((refusal.kind.number, &refusal.detail[..most], refusal.at.as_deref()))
            }
        };
        let kept = KeptResult { id: id_of(&command), outcome };
        // Writing to a growing buffer has no way to fail.
        bytes = postcard::to_extend(&kept, bytes).expect("a result always encodes");
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<(Vec<Box<str>>, Results)> {
    let (mut ids, mut results, mut rest) = (Vec::new(), Results::new(), bytes);
    while !rest.is_empty() {
        let (kept, after) = postcard::take_from_bytes::<KeptResult<'_>>(rest).ok()?;
        ids.push(Box::from(kept.id));
        results.push(match kept.outcome {
            Ok((done, amount, scale)) => Ok(Outcome { done: *DONE.get(usize::from(done))?, amount, scale }),
            Err((number, detail, at)) => {
                let kinds = ledger::REFUSALS.iter().chain(transaction::REFUSALS).chain(refusal::REFUSALS);
                let kind = kinds.copied().find(|kind| kind.number == number)?;
                Err(Box::new(Refusal { kind, detail: detail.to_owned(), at: at.map(str::to_owned) }))
            }
        });
        rest = after;
    }
    Some((ids, results))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_read_as_they_were_written_and_no_cut_of_them_is_taken_for_more() {
        let mut batch = Batch::new();
        let hold = |id| {
            Command::Release(ledger::Release {
                hold: id,
                linked: ledger::Linked::No,
                origin: ledger::Origin::Direct,
                cause: ledger::Cause::default(),
            })
        };
        batch.push(&hold("a"));
        batch.push(&hold("b"));
        let results: Results = vec![
            Ok(Outcome { done: Done::Released, amount: Some(-5), scale: 2 }),
            Err(Box::new(ledger::refusal::HOLD_UNKNOWN.at("/holds/1", "there is no hold b"))),
        ];
        let bytes = encode(&batch, &results);
        let (ids, read) = decode(&bytes).unwrap();
        assert_eq!((ids, read), (vec!["a".into(), "b".into()], results));
        for cut in 1..bytes.len() {
            assert!(decode(&bytes[..cut]).is_none_or(|(ids, _)| ids.len() < 2), "{cut}");
        }
    }
}
