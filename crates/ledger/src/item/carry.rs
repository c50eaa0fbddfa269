//! Carries out what is asked of machines and items: known ids first, then the item's own time, then the decision.
//!
//! The way between the ledger's desk and this folder. Decides only what is a repeat; the rest is `decide.rs`.

use transaction::Refusal;

use super::{Around, Declared, Ended, ItemBefore, create_content, declare_content, move_content};
use crate::desk::{Decision, Desk, check_cause};
use crate::field::Reader;
use crate::hold::once;
use crate::pages::Table;
use crate::refusal::{ID_MISMATCH, MOVE_UNDECLARED};
use crate::undo::Before;
use crate::{
    Command, Create, Declare, Done, Event, ItemView, Kept, Known, Ledger, MachineView, Move, Origin, Outcome,
};

impl Ledger {
    /// The item with this id, while it is in memory: until it ends.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<ItemView> {
        self.items.view(id)
    }

    /// A machine, in this version or its newest.
    #[must_use]
    pub fn machine(&self, name: &str, version: Option<u32>) -> Option<MachineView> {
        self.items.machine(name, version)
    }

    /// The machine with this number.
    #[must_use]
    pub fn machine_of(&self, number: u32) -> Option<MachineView> {
        self.items.machine_of(number)
    }

    /// The newest version of every machine, sorted by name.
    #[must_use]
    pub fn machines(&self) -> Vec<MachineView> {
        self.items.machines()
    }

    pub(crate) fn apply_item(&mut self, kept: &Kept<'_>, position: u64) {
        let mut around = Around { pages: &mut self.pages, due: &mut self.due };
        if let Some(before) = self.items.apply((&kept.event, position), &mut around) {
            self.undo.note(|| Before::Item(before));
        }
    }

    pub(crate) fn take_back_item(&mut self, before: ItemBefore) {
        let mut around = Around { pages: &mut self.pages, due: &mut self.due };
        self.items.take_back(before, &mut around);
    }

    pub(crate) fn loaded_items(&mut self) {
        self.items.loaded(&mut Around { pages: &mut self.pages, due: &mut self.due });
    }

    pub(crate) fn write_item_page(&self, page: (Table, u32), into: &mut Vec<u8>) {
        self.items.write_page(page, into);
    }

    pub(crate) fn load_item_page(&mut self, page: (Table, u32), from: &mut Reader<'_>) -> Result<(), String> {
        self.items.load_page(page, from)
    }
}

impl Desk<'_> {
    /// Decides a command of machines and items, keeps and folds what is accepted.
    pub(crate) fn decide_item(&mut self, command: &Command<&str>) -> Decision {
        match command {
            Command::Declare(declare) => self.declare(declare),
            Command::Create(create) => self.create(create),
            Command::Move(step) => self.step(step),
            _ => unreachable!("the desk sends commands of items here"),
        }
    }

    /// Moves an item by itself, as long as its state has expired: a next state may have expired too.
    pub(crate) fn expire_item(&mut self, slot: u32) {
        while self.ledger.items.overdue(slot, self.now) {
            let Some(moved) = self.ledger.items.decide_timed(slot, self.now) else { return };
            self.keep_item(0, moved.timed());
        }
    }

    fn declare(&mut self, declare: &Declare<&str>) -> Decision {
        check_cause(&declare.cause)?;
        match self.ledger.items.decide_declare(declare)? {
            Declared::Known => Ok(done(Done::Duplicate)),
            Declared::New { number, version, encoded } => {
                let content = declare_content(self.ledger.keys, (declare, &encoded));
                let cause = declare.cause;
                self.keep(
                    content,
                    Event::MachineDeclared { machine: number, version, encoded: &encoded, cause },
                );
                Ok(done(Done::Declared))
            }
        }
    }

    fn create(&mut self, create: &Create<&str>) -> Decision {
        check_cause(&create.cause)?;
        let (hash, content) = create_content(self.ledger.keys, create);
        if let Some(known) = self.book.known(hash) {
            return Ok(repeated(known, content)?);
        }
        let event = self.ledger.items.decide_create(create, self.now)?;
        let position = self.keep_item(content, event);
        self.book.learn(hash, Known { content, position });
        Ok(done(Done::Created))
    }

    fn step(&mut self, step: &Move<&str>) -> Decision {
        check_cause(&step.cause)?;
        let (hash, content) = move_content(self.ledger.keys, step);
        // A decision is carried out whatever else used its id: only the branch that holds an item has this confirm or cancel.
        if !self.ledger.items.is_held_for(step)
            && let Some(known) = self.book.known(hash)
        {
            if step.origin == Origin::Branch && step.then.is_some() {
                return Err(Box::new(once(step.id)));
            }
            return Ok(repeated(known, content)?);
        }
        match self.ledger.items.find(step.item) {
            Some(slot) => self.expire_item(slot),
            None => self.ended(step)?,
        }
        // Its own time may have ended it just now.
        if self.ledger.items.find(step.item).is_none() {
            self.ended(step)?;
        }
        let moved = self.ledger.items.decide_move(step, self.now)?;
        let position = self.keep_item(content, moved.event(step));
        self.book.learn(hash, Known { content, position });
        Ok(done(Done::Moved))
    }

    /// Refuses to move an item that ended.
    fn ended(&self, step: &Move<&str>) -> Result<(), Refusal> {
        let Some(ended) = Ended::find(self.ledger.keys, step.item, |hash| self.book.known(hash)) else {
            return Ok(());
        };
        let why = self.ledger.items.ended_words(ended, step.name);
        Err(MOVE_UNDECLARED.at("/move", why))
    }

    /// Keeps an event of an item, and learns its end where it is one.
    fn keep_item(&mut self, content: u64, event: Event<'_>) -> u64 {
        let place = self.book.place();
        let ended = Ended::learnt(self.ledger.keys, &event, place.position);
        let position = self.keep(content, event);
        if let Some((hash, known)) = ended {
            self.book.learn(hash, known);
        }
        position
    }
}

fn done(done: Done) -> Outcome {
    Outcome { done, amount: None, scale: 0 }
}

fn repeated(known: Known, content: u64) -> Result<Outcome, Refusal> {
    if known.content == content {
        return Ok(done(Done::Duplicate));
    }
    Err(ID_MISMATCH.because("the first use of this id said something else"))
}
