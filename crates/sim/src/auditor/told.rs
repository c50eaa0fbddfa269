//! Every answer that leaves: it rests on durable events, tells what the books say at its sequence, and goes back in time
//! for nobody.

use std::sync::Arc;

use engine::{Answer, Changed, Found, Seen};
use ledger::{Batch, Command as Member, Done, HoldState, HoldView, ItemView, Run, Take};
use transaction::{Command, Decision, Refusal, RefusalClass, Spec};

use super::Auditor;
use super::ledger_books::{Name, Use};
use crate::sight::Sight;
use crate::violation::{Judged, Must};

/// What an answer is to.
#[derive(Clone, Debug)]
pub(crate) enum Asked<'a> {
    /// A begin of this content.
    Begin(&'a Arc<Spec>),
    /// Something of a transaction, by its id; `None`: to read it.
    Act(&'a str, Option<&'a Command>),
    /// A batch, perhaps under an idempotency key.
    Change(&'a Batch, Run, Option<Arc<str>>),
    /// A known id with other content.
    Forged,
    /// Anything else: the answer says what it is about.
    Other,
}

/// An answer as it leaves the engine.
#[derive(Debug)]
pub(crate) enum Told {
    Transaction(Result<Answer, Refusal>),
    Changed(Result<Changed, Refusal>),
    Seen(Result<Seen<Found>, Refusal>),
    /// A list or a timeline: the sequence it reflects.
    Listed(Result<u64, Refusal>),
    /// A participant that an initiator asked itself.
    Tried(transaction::Reply),
}

impl Told {
    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Told::Transaction(told) => told.as_ref().err(),
            Told::Changed(told) => told.as_ref().err(),
            Told::Seen(told) => told.as_ref().err(),
            Told::Listed(told) => told.as_ref().err(),
            Told::Tried(_) => None,
        }
    }

    /// Ask again later: nothing was decided.
    pub(crate) fn is_not_now(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.kind.class == RefusalClass::NotNow)
    }
}

impl Auditor {
    /// An answer leaves. `floor` is what had been told when it was asked for.
    pub(crate) fn tells(&mut self, asked: &Asked<'_>, told: &Told, floor: u64) -> Judged {
        match (asked, told) {
            (_, Told::Tried(_)) => Ok(()),
            (_, Told::Listed(Ok(sequence))) => self.rests_on(*sequence, floor),
            (_, Told::Transaction(Ok(answer))) => {
                self.transaction(answer, floor)?;
                match asked {
                    Asked::Act(id, Some(command)) => self.acknowledged(id, command, answer.sequence),
                    _ => Ok(()),
                }
            }
            (Asked::Change(batch, run, key), Told::Changed(Ok(changed))) => {
                self.rests_on(changed.sequence, floor)?;
                if let Some(key) = key {
                    self.repeated(key, changed)?;
                }
                if *run == Run::Dry { self.dry(batch) } else { self.changed(batch, (changed, floor)) }
            }
            (_, Told::Changed(Ok(changed))) => self.rests_on(changed.sequence, floor),
            (_, Told::Seen(Ok(seen))) => self.seen(seen, floor),
            (Asked::Begin(spec), Told::Transaction(Err(refusal))) => {
                self.note_refusal(told);
                told.is_not_now().must("P20", || format!("the begin of {} is refused: {refusal}", spec.id))
            }
            (Asked::Act(id, _), Told::Transaction(Err(refusal))) => self.refused(id, refusal, floor),
            (Asked::Change(..), Told::Changed(Err(refusal))) => {
                self.note_refusal(told);
                told.is_not_now().must("P20", || format!("a change is refused as a whole: {refusal}"))
            }
            (_, refused) => {
                self.note_refusal(refused);
                Ok(())
            }
        }
    }

    fn note_refusal(&mut self, told: &Told) {
        match told.refusal().map(|refusal| refusal.kind.code) {
            Some("storage_full") => self.sights.see(Sight::StorageFull),
            Some("idempotency_mismatch" | "id_mismatch") => self.sights.see(Sight::OtherContent),
            _ => {}
        }
    }

    fn rests_on(&mut self, sequence: u64, floor: u64) -> Judged {
        let durable = self.last();
        (sequence <= durable)
            .must("P2", || format!("an answer rests on event {sequence}, durable is {durable}"))?;
        (sequence >= floor)
            .must("P23", || format!("an answer reflects event {sequence}, {floor} had been told before"))?;
        self.told = self.told.max(sequence);
        Ok(())
    }

    fn transaction(&mut self, answer: &Answer, floor: u64) -> Judged {
        let (shown, sequence) = (&answer.transaction, answer.sequence);
        let id = &shown.spec.id;
        // What is final does not change: it is told as of any time after its end.
        self.rests_on(sequence, if shown.phase.is_final() { 0 } else { floor })?;
        let Some(book) = self.books.transaction_of(id) else {
            return false.must("P2", || format!("transaction {id} is told, and is not in the journal"));
        };
        (*shown.spec == *book.spec).must("P20", || format!("transaction {id} is told with other content"))?;
        let decision = book.decision_at(sequence);
        (shown.decision == decision).must("P8", || {
            format!("{id} is told as {:?}, at event {sequence} it is {decision:?}", shown.decision)
        })?;
        let is_final = book.finished.is_some_and(|when| when.sequence <= sequence);
        (shown.phase.is_final() == is_final)
            .must("P8", || format!("{id} is told as {:?} at event {sequence}", shown.phase))?;
        if answer.replayed && is_final {
            self.sights.see(Sight::RepeatFromArchive);
        } else if answer.replayed {
            self.sights.see(Sight::RepeatFromMemory);
        }
        Ok(())
    }

    /// What a command was told to have done is in the books at that sequence.
    fn acknowledged(&self, id: &str, command: &Command, sequence: u64) -> Judged {
        let Some(book) = self.books.transaction_of(id) else { return Ok(()) };
        let decision = book.decision_at(sequence);
        let is_kept = match command {
            Command::Confirm => decision == Some(Decision::Confirm) || book.cools_at(sequence),
            Command::Cancel { .. } => decision == Some(Decision::Cancel),
            Command::Signal { branch, signal, .. } => book.signalled_at(branch, sequence) == Some(*signal),
            Command::Register(spec) => book.registered_at(spec, sequence),
            Command::Conclude { decision: asked, .. } => decision == Some(*asked),
            Command::Stop { .. } => book.finished.is_some_and(|when| when.sequence <= sequence),
            // The script has no workflows.
            Command::Progress(_) | Command::Retry | Command::Replied { .. } | Command::Due => true,
        };
        is_kept.must("P1", || {
            format!("{command:?} of {id} is told as done at event {sequence}, no event says so")
        })
    }

    fn refused(&mut self, id: &str, refusal: &Refusal, floor: u64) -> Judged {
        self.note_refusal(&Told::Transaction(Err(refusal.clone())));
        let book = self.books.transaction_of(id);
        let known = book.is_some_and(|book| book.begun.sequence <= floor);
        (!known || refusal.kind.code != "transaction_unknown")
            .must("P15", || format!("{id} was told as begun, now it is said to be unknown"))?;
        if refusal.kind.code == "already_decided" {
            let decided = book.and_then(|book| book.decided);
            let cooling = refusal.detail.contains("cooling off");
            let is_stopped = book.is_some_and(|book| book.is_stopped);
            (decided.is_some() || cooling || is_stopped)
                .must("P14", || format!("{id} is said to be decided: {}", refusal.detail))?;
            if let Some(book) = book
                && let (Some((when, Decision::Cancel)), Some(ms)) = (decided, book.spec.deadline_ms)
                && when.at.0 - book.begun.at.plus_ms(ms).0 < 1_000
                && when.at.0 >= book.begun.at.plus_ms(ms).0
            {
                self.sights.see(Sight::DeadlineWon);
            }
        }
        Ok(())
    }

    fn seen(&mut self, seen: &Seen<Found>, floor: u64) -> Judged {
        self.rests_on(seen.sequence, floor)?;
        let account = match &seen.value {
            Found::Account(account) => account,
            Found::Hold(hold) => return self.hold(hold, seen.sequence),
            Found::Item(item) => return self.item(item, seen.sequence),
            _ => return Ok(()),
        };
        let told = (account.posted, account.held, account.version);
        let books = self.books.ledger.balance_at(&account.id, seen.sequence);
        let expected = books.map(|balance| (balance.posted, balance.held, balance.version));
        (Some(told) == expected).must("P9", || {
            format!(
                "account {} is told as {told:?} at event {}, it is {expected:?}",
                account.id, seen.sequence
            )
        })
    }

    /// A hold as it stands now; how it stood before is not in the books.
    fn hold(&self, hold: &HoldView, sequence: u64) -> Judged {
        let open = self.books.ledger.audit.open_hold(&hold.id);
        let told = (hold.state == HoldState::Held).then_some((hold.captured, hold.left));
        let is_right = sequence < self.last() || open.map(|open| (open.captured, open.left)) == told;
        is_right.must("P9", || format!("hold {} is told as {told:?}, it is {open:?}", hold.id))
    }

    /// An item as it stands now.
    fn item(&self, item: &ItemView, sequence: u64) -> Judged {
        let state = self.books.ledger.audit.item_state(&item.id);
        let is_right = sequence < self.last() || item.is_final == state.is_none();
        let is_same = state.is_none_or(|state| sequence < self.last() || state == &*item.state);
        (is_right && is_same)
            .must("P9", || format!("item {} is told as {}, it is {state:?}", item.id, item.state))
    }

    /// A dry run changes nothing: its ids are free.
    fn dry(&mut self, batch: &Batch) -> Judged {
        self.sights.see(Sight::DryRun);
        let names = (0..batch.len()).filter_map(|index| name_of(&batch.get(index)?));
        let kept: Vec<Name> = names.filter(|name| self.books.ledger.used_by(name).is_some()).collect();
        kept.is_empty().must("P9", || format!("a dry run was kept: {kept:?}"))
    }

    /// The same request under the same key is told the same, once anything of it was done.
    fn repeated(&mut self, key: &Arc<str>, changed: &Changed) -> Judged {
        if changed.results.iter().all(Result::is_err) && !self.keyed.contains_key(key) {
            return Ok(());
        }
        let words = changed.results.iter().map(|result| match result {
            Ok(outcome) => outcome.done.name(),
            Err(refusal) => refusal.kind.code,
        });
        let words: Vec<_> = words.collect();
        let first = self.keyed.entry(Arc::clone(key)).or_insert_with(|| words.clone());
        (*first == words).must("P20", || format!("{key} was answered {first:?}, and now {words:?}"))
    }

    fn changed(&mut self, batch: &Batch, (changed, floor): (&Changed, u64)) -> Judged {
        if changed.replayed {
            self.sights.see(Sight::KeyRepeated);
        }
        let has_passing =
            changed.results.iter().flat_map(|result| result.as_ref().err()).any(|r| is_passing(r));
        for (index, result) in changed.results.iter().enumerate() {
            let Some(command) = batch.get(index) else { continue };
            let name = name_of(&command);
            let used = name.as_ref().and_then(|name| self.books.ledger.used_by(name));
            let there = used.is_some_and(|used| used.sequence <= changed.sequence);
            let before = used.is_some_and(|used| used.sequence <= floor);
            match result {
                Ok(outcome) => {
                    let took = matches!(outcome.done, Done::Posted | Done::Held);
                    if took && takes_what_there_is(&command) {
                        self.sights.see(Sight::UpToTaken);
                    }
                    let is_declared = matches!(outcome.done, Done::Declared | Done::Opened | Done::Changed);
                    (name.is_none() || is_declared || there).must("P2", || {
                        format!("{name:?} is told as {:?}, and no event says so", outcome.done)
                    })?;
                    let moved = used.and_then(|used| used.amount).zip(outcome.amount);
                    moved
                        .is_none_or(|(kept, told)| kept == told)
                        .must("P22", || format!("{name:?} is told as {moved:?} units: kept, and told"))?;
                }
                Err(refusal) => {
                    self.note_member(refusal);
                    let code = refusal.kind.code;
                    let passes = is_passing(refusal) || (code == "linked_refused" && has_passing);
                    let is_right = changed.replayed || !before || passes;
                    is_right.must("P15", || format!("{name:?} is refused as {code}, but it was done"))?;
                }
            }
        }
        self.chains(batch, changed)
    }

    fn note_member(&mut self, refusal: &Refusal) {
        let sight = match refusal.kind.code {
            "insufficient" => Sight::InsufficientRefused,
            "linked_refused" => Sight::LinkedRefused,
            "id_mismatch" => Sight::OtherContent,
            "move_undeclared" => Sight::ItemRaced,
            "item_held" => Sight::ItemHeld,
            "ceiling_exceeded" => Sight::CeilingRefused,
            _ => return,
        };
        self.sights.see(sight);
    }

    /// A linked chain succeeds or fails as one.
    fn chains(&mut self, batch: &Batch, changed: &Changed) -> Judged {
        let mut chain: Vec<usize> = Vec::new();
        for index in 0..batch.len() {
            let Some(command) = batch.get(index) else { continue };
            chain.push(index);
            if is_linked(&command) {
                continue;
            }
            let whole = std::mem::take(&mut chain);
            if whole.len() < 2 {
                continue;
            }
            let names = whole.iter().filter_map(|index| batch.get(*index)).filter_map(|c| name_of(&c));
            let events: Vec<_> = names.map(|name| self.books.ledger.used_by(&name)).collect();
            let done = events.iter().flatten().filter(|used| used.sequence <= changed.sequence).count();
            (done == 0 || done == events.len())
                .must("P9", || format!("{done} of {} members of a linked chain were done", events.len()))?;
            if done > 0 {
                self.sights.see(Sight::LinkedPosted);
            }
        }
        Ok(())
    }
}

/// Asked again it may be taken: nothing was decided.
fn is_passing(refusal: &Refusal) -> bool {
    refusal.kind.class == RefusalClass::NotNow
}

fn is_linked(command: &Member<&str>) -> bool {
    use ledger::Linked::ToNext;
    match command {
        Member::Entry(entry) => entry.linked == ToNext,
        Member::Hold(hold) => hold.linked == ToNext,
        Member::Capture(capture) => capture.linked == ToNext,
        Member::Release(release) => release.linked == ToNext,
        Member::Create(create) => create.linked == ToNext,
        Member::Move(moved) => moved.linked == ToNext,
        Member::Open(open) => open.linked == ToNext,
        Member::Asset(_) | Member::Adjust(_) | Member::Reopen(_) | Member::Declare(_) => false,
    }
}

fn takes_what_there_is(command: &Member<&str>) -> bool {
    match command {
        Member::Entry(entry) => entry.take == Take::UpTo,
        Member::Hold(hold) => hold.take == Take::UpTo,
        _ => false,
    }
}

/// The id that a member uses up when it is done.
fn name_of(command: &Member<&str>) -> Option<Name> {
    match command {
        Member::Entry(entry) => Some((Use::Entry, entry.id.to_owned())),
        Member::Hold(hold) => Some((Use::Hold, hold.id.to_owned())),
        Member::Capture(capture) => Some((Use::Capture, format!("{}/{}", capture.hold, capture.id))),
        Member::Create(create) => Some((Use::Item, create.id.to_owned())),
        Member::Move(moved) => Some((Use::Move, format!("{}/{}", moved.item, moved.id))),
        _ => None,
    }
}
