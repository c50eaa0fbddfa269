//! Power cuts that are told exactly: in which call of which disk, and what is kept of what was not synced then.
//!
//! A cut is named by its call and by its number among the ways that are looked at there, so that it can be asked for
//! again: `journal:17:5`. Nothing here judges. Read next: `every_cut.rs` (all of them), `disk/fake/keep.rs` of the journal.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use journal::disk::fake::{Keep, Loose, Trouble};

use crate::process::Tray;
use crate::storage::Storage;

/// The disks that can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platter {
    /// The journal's folder.
    Journal,
    /// The folder of the ledger's history.
    History,
    /// The folder of the index of ids.
    Ids,
}

impl Platter {
    /// All of them.
    pub const ALL: [Platter; 3] = [Platter::Journal, Platter::History, Platter::Ids];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Platter::Journal => "journal",
            Platter::History => "history",
            Platter::Ids => "ids",
        }
    }
}

/// One way in which a life may end in a call of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The process alone is gone: all is seen as it was, and nothing more is durable.
    Killed,
    /// The process is gone because a sync failed: as killed, and what that sync was for will never be durable.
    SyncFailed(Platter),
    /// The power is gone: what each disk keeps, and how many of the tables' unsynced commits.
    Cut { disks: [Keep; 3], commits: usize },
}

/// The numbers of the first ways, which are there at every cut.
pub(crate) const NOTHING: usize = 0;
pub(crate) const EVERYTHING: usize = 1;

impl Way {
    /// Every way that is looked at: nothing and everything kept, each thing lost, kept or torn by itself; and of the
    /// tables' commits every number, with nothing and with everything else, and none and all with each thing.
    pub(crate) fn all(loose: &[Vec<Loose>; 3], commits: usize) -> Vec<Way> {
        let with = |keep, commits| Way::Cut { disks: [keep; 3], commits };
        let mut ways = vec![with(Keep::Nothing, 0), with(Keep::All, commits), Way::Killed];
        ways.extend((1..=commits).map(|commits| with(Keep::Nothing, commits)));
        ways.extend((0..commits).map(|commits| with(Keep::All, commits)));
        for (index, things) in loose.iter().enumerate() {
            let mut put = |rest, keep, commits| {
                let mut disks = [rest; 3];
                disks[index] = keep;
                ways.push(Way::Cut { disks, commits });
            };
            for thing in things {
                put(Keep::All, Keep::AllBut(*thing), commits);
                put(Keep::Nothing, Keep::Only(*thing), 0);
                if matches!(thing, Loose::Sector(..)) {
                    put(Keep::All, Keep::Torn(*thing), commits);
                    put(Keep::Nothing, Keep::OnlyTorn(*thing), 0);
                }
                if commits > 0 {
                    put(Keep::All, Keep::AllBut(*thing), 0);
                    put(Keep::Nothing, Keep::Only(*thing), commits);
                }
            }
        }
        ways
    }
}

/// How far a cut may be away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// It strikes anywhere in the life.
    Life,
    /// It strikes in the start of the life, or not at all.
    Start,
}

/// A cut to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// In a call of which disk.
    pub platter: Platter,
    /// After so many calls of this life that change something there.
    pub after: u32,
    /// Which of the ways.
    pub way: usize,
    /// How far away it may be.
    pub scope: Scope,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = if self.scope == Scope::Start { ":start" } else { "" };
        write!(f, "{}:{}:{}{scope}", self.platter.name(), self.after, self.way)
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Cut, String> {
        let wrong =
            || format!("{text} is no cut: say DISK:CALL:WAY or DISK:CALL:WAY:start, such as journal:17:5");
        let mut parts = text.split(':');
        let mut next = || parts.next();
        let name = next().ok_or_else(wrong)?;
        let platter = Platter::ALL.into_iter().find(|platter| platter.name() == name).ok_or_else(wrong)?;
        let after = next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let way = next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let scope = match next() {
            None => Scope::Life,
            Some("start") => Scope::Start,
            Some(_) => return Err(wrong()),
        };
        Ok(Cut { platter, after, way, scope })
    }
}

/// A cut that struck.
#[derive(Clone, Debug)]
pub(crate) struct Struck {
    /// How many ways there were.
    pub(crate) ways: usize,
    /// Those of them in which the process alone is gone.
    pub(crate) process_alone: Vec<usize>,
    /// Which was taken.
    pub(crate) way: Way,
    /// The call, in words.
    pub(crate) call: String,
}

/// The cuts of one history, one for each of its first lives.
#[derive(Default)]
pub(crate) struct Cuts {
    coming: VecDeque<Cut>,
    /// Those that struck, in their order.
    pub(crate) struck: Tray<Struck>,
}

impl Cuts {
    pub(crate) fn of(cuts: &[Cut]) -> Cuts {
        Cuts { coming: cuts.iter().copied().collect(), struck: Tray::default() }
    }

    /// A life begins: the next cut is counted from here on.
    pub(crate) fn arm(&self, storage: &Storage) {
        if let Some(cut) = self.coming.front() {
            storage.disk(cut.platter).arm(Trouble::Cut { after: cut.after });
        }
    }

    /// A start is done: a cut that was to strike in it has missed.
    pub(crate) fn started(&mut self, storage: &Storage) {
        if self.coming.front().is_some_and(|cut| cut.scope == Scope::Start) {
            self.miss(storage);
        }
    }

    /// No cut is to strike any more.
    pub(crate) fn miss(&mut self, storage: &Storage) {
        if !self.coming.is_empty() {
            self.coming.clear();
            storage.disarm();
        }
    }

    /// The power went in a call: carries out the cut that was told, if one was.
    pub(crate) fn strike(&mut self, storage: &Storage) -> Option<Struck> {
        if !storage.is_dead() {
            return None;
        }
        let cut = self.coming.pop_front()?;
        let call = storage.disk(cut.platter).cut_in().unwrap_or_default();
        let call = format!("{}: {call}", cut.platter.name());
        let all = storage.ways();
        let way = all.get(cut.way).unwrap_or(&all[NOTHING]).clone();
        match &way {
            Way::Killed => storage.kill(),
            Way::SyncFailed(platter) => {
                storage.disk(*platter).fail_sync();
                storage.kill();
            }
            Way::Cut { disks, commits } => storage.cut_keeping(*disks, *commits),
        }
        let is_alone = |way: &Way| matches!(way, Way::Killed | Way::SyncFailed(_));
        let process_alone = (0..all.len()).filter(|number| is_alone(&all[*number])).collect();
        let struck = Struck { ways: all.len(), process_alone, way, call };
        self.struck.put(struck.clone());
        Some(struck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_asked_for_by_its_name() {
        for name in ["journal:17:5", "ids:0:0:start"] {
            assert_eq!(name.parse::<Cut>().unwrap().to_string(), name);
        }
        for wrong in ["journal", "disk:1:1", "ids:1:x", "ids:1:1:end"] {
            assert!(wrong.parse::<Cut>().unwrap_err().contains("is no cut"));
        }
    }

    #[test]
    fn the_first_ways_are_always_there() {
        let loose = [vec![Loose::Sector(0, 3), Loose::Name(0)], Vec::new(), vec![Loose::Sector(1, 0)]];
        let ways = Way::all(&loose, 2);
        assert_eq!(ways[NOTHING], Way::Cut { disks: [Keep::Nothing; 3], commits: 0 });
        assert_eq!(ways[EVERYTHING], Way::Cut { disks: [Keep::All; 3], commits: 2 });
        assert_eq!(ways[2], Way::Killed);
        // Three, four more numbers of commits, six for each sector, four for the name.
        assert_eq!(ways.len(), 3 + 4 + 2 * 6 + 4);
    }
}
