//! The end of a history: every account and transaction is read and compared with the books, the power is cut once more,
//! and all of it is read again; the archive is compared with the journal.

use std::sync::Arc;

use engine::archive::Archive;
use engine::{Act, Question, entry};

use super::World;
use super::lives::End;
use crate::auditor::{Asked, Told};
use crate::process::Tray;
use crate::violation::{Judged, Must, Violation};

/// Turns that a reading may take, and how much is read at once.
const TURNS: usize = 64;
const AT_ONCE: usize = 32;

/// Something that is read at the end.
enum Reading {
    Ask(Question),
    Transaction(Arc<str>),
}

impl World<'_> {
    /// Everything is settled: judges what is left of it.
    pub(super) fn end(&mut self) -> Judged {
        self.cuts.miss(&self.storage);
        let journal_time = self.life.as_ref().map_or(0, |life| life.stepped.now().0);
        self.auditor.expired(journal_time - 1_000_000)?;
        self.last_calls_arrive()?;
        self.auditor.effects(&self.participants)?;
        self.auditor.carried_out(&self.participants)?;
        self.read_all()?;
        self.dies(End::PowerCut, "at the end")?;
        self.start_process()?;
        self.read_all()?;
        // It costs as much as a tenth of a history.
        if self.plan.seed.is_multiple_of(3) { self.archive_agrees() } else { Ok(()) }
    }

    /// Reads every account, hold, item and transaction, as any caller would.
    fn read_all(&mut self) -> Judged {
        let books = &self.auditor.books;
        let mut holds: Vec<Arc<str>> = books.ledger.holds().map(Arc::from).collect();
        let mut transactions: Vec<Arc<str>> = books.numbers.keys().map(|id| Arc::from(&**id)).collect();
        holds.sort();
        transactions.sort();
        let accounts = self.accounts.iter().map(|id| Question::Account(id.clone(), None));
        let items = ["C-0", "C-1", "C-2"].map(|id| Question::Item(Arc::from(id)));
        let questions = accounts.chain(holds.into_iter().map(Question::Hold)).chain(items);
        let mut readings: Vec<Reading> = questions.map(Reading::Ask).collect();
        readings.extend(transactions.into_iter().map(Reading::Transaction));
        readings.chunks(AT_ONCE).try_for_each(|readings| self.read(readings))
    }

    /// Reads some of it: no more than may wait for the partition.
    fn read(&mut self, readings: &[Reading]) -> Judged {
        let floor = self.auditor.last();
        let tray: Tray<(Option<Arc<str>>, Told)> = Tray::default();
        let Some(life) = &self.life else {
            return false.must("P16", || "the process is down at the end".to_owned());
        };
        let engine = life.stepped.engine();
        for reading in readings {
            let tray = tray.clone();
            match reading {
                Reading::Ask(question) => {
                    engine.ask(question.clone(), Box::new(move |told| tray.put((None, Told::Seen(told)))));
                }
                Reading::Transaction(id) => {
                    let (about, id) = (Some(id.clone()), id.clone());
                    let act = Act { id, command: None, key: None, wait_ms: 0, until: engine::Until::Final };
                    engine.act(act, Box::new(move |told| tray.put((about, Told::Transaction(told)))));
                }
            }
        }
        let mut unseen = readings.len();
        for _ in 0..TURNS {
            self.turn_to_read()?;
            for (about, told) in tray.take() {
                unseen -= 1;
                told.refusal().is_none().must("P1", || format!("{about:?} cannot be read: {told:?}"))?;
                let about = about.as_deref().map_or(Asked::Other, |id| Asked::Act(id, None));
                self.auditor.tells(&about, &told, floor)?;
            }
            if unseen == 0 {
                return Ok(());
            }
        }
        false.must("P16", || format!("{unseen} of {} questions were never answered", readings.len()))
    }

    /// Readers wait for what was decided before they were asked, and nobody else would keep it meanwhile.
    fn turn_to_read(&mut self) -> Judged {
        let Some(life) = &mut self.life else { return Ok(()) };
        let mut done = life.stepped.turn().map(drop);
        // What is open may have to wait for a frame before it: a turn after it hands it on.
        while done.is_ok() && life.stepped.unkept() > 0 {
            done = life.stepped.keep().and_then(|_| life.stepped.turn()).map(drop);
        }
        if let Err(fault) = done {
            return Err(Violation::new("P4", format!("a fault in a healthy world: {fault}")));
        }
        life.stepped.read();
        self.collect()
    }

    /// The archive holds what the journal does.
    fn archive_agrees(&mut self) -> Judged {
        let Some(life) = self.life.take() else { return Ok(()) };
        life.stepped.finish();
        self.storage.kill();
        let opened = self.storage.shelf.open();
        let archive = opened.map_err(|fault| Violation::new("P3", format!("the archive: {fault}")))?;
        compare(&archive, &self.auditor)
    }
}

fn compare(archive: &Archive, auditor: &crate::auditor::Auditor) -> Judged {
    let unread = |fault: engine::Fault| Violation::new("P3", format!("the archive cannot be read: {fault}"));
    let mut check = archive.check().map_err(unread)?;
    let mut differs = None;
    for frame in auditor.frames() {
        let read = entry::read(&frame.payload, frame.sequence, |sequence, entry| {
            if let Err(difference) = check.entry(sequence, &entry)? {
                differs.get_or_insert(difference);
            }
            Ok(())
        });
        read.map_err(unread)?;
    }
    if let Err(difference) = check.finish().map_err(unread)? {
        differs.get_or_insert(difference);
    }
    match differs {
        None => Ok(()),
        Some(difference) => {
            Err(Violation::new("P1", format!("the archive differs from the journal: {difference:?}")))
        }
    }
}
