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

/// Turns that a reading may take.
const TURNS: usize = 64;

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

    /// Reads every account and transaction, as any caller would.
    fn read_all(&mut self) -> Judged {
        let floor = self.auditor.last();
        let tray: Tray<(Option<Arc<str>>, Told)> = Tray::default();
        let Some(life) = &self.life else {
            return false.must("P16", || "the process is down at the end".to_owned());
        };
        let engine = life.stepped.engine();
        let mut asked = 0;
        for id in &self.accounts {
            let tray = tray.clone();
            let respond = move |told| tray.put((None, Told::Seen(told)));
            engine.ask(Question::Account(id.clone(), None), Box::new(respond));
            asked += 1;
        }
        let items = ["C-0", "C-1", "C-2"].map(|id| Question::Item(Arc::from(id)));
        let mut holds: Vec<Arc<str>> = self.auditor.books.ledger.holds().map(Arc::from).collect();
        holds.sort();
        for question in holds.into_iter().map(Question::Hold).chain(items) {
            let tray = tray.clone();
            engine.ask(question, Box::new(move |told| tray.put((None, Told::Seen(told)))));
            asked += 1;
        }
        let mut ids: Vec<Arc<str>> =
            self.auditor.books.numbers.keys().map(|id| Arc::from(id.as_str())).collect();
        ids.sort();
        for id in ids {
            let (tray, about) = (tray.clone(), Some(id.clone()));
            let act = Act { id, command: None, key: None, wait_ms: 0 };
            engine.act(act, Box::new(move |told| tray.put((about, Told::Transaction(told)))));
            asked += 1;
        }
        let mut seen = 0;
        for _ in 0..TURNS {
            let Some(life) = &mut self.life else { break };
            let mut done = life.stepped.turn().map(drop);
            // Readers wait for what was decided before they were asked: nobody else would keep it meanwhile.
            while done.is_ok() && life.stepped.unkept() > 0 {
                done = life.stepped.keep().map(drop);
            }
            if let Err(fault) = done {
                return Err(Violation::new("P4", format!("a fault in a healthy world: {fault}")));
            }
            life.stepped.read();
            self.collect()?;
            for (about, told) in tray.take() {
                seen += 1;
                told.refusal().is_none().must("P1", || format!("{about:?} cannot be read: {told:?}"))?;
                let about = about.as_deref().map_or(Asked::Other, |id| Asked::Act(id, None));
                self.auditor.tells(&about, &told, floor)?;
            }
            if seen == asked {
                return Ok(());
            }
        }
        (seen == asked).must("P16", || format!("{} of {asked} questions were never answered", asked - seen))
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
