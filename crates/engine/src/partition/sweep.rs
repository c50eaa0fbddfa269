//! The checkpoint of the ledger, without a stop: with each frame a few changed pages of live state leave for the archive,
//! once what they show is durable. When a sweep is complete, start-up need not replay what came before it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use ledger::PageId;

use super::Partition;
use crate::archiver::Job;

/// Bytes of pages that leave with one frame.
const PAGES_AT_ONCE: usize = 256 * 1024;
/// Bytes of pages that may wait for the archive; the sweep pauses then.
const PAGES_WAITING: u64 = 8 * 1024 * 1024;

/// Pages of live state, each with the position below which it has all events.
pub(crate) struct Pages {
    pub pages: Vec<(PageId, u64, Vec<u8>)>,
    /// The sweep is complete: start-up may begin at this position of the history.
    pub swept: Option<u64>,
}

impl Pages {
    pub(crate) fn bytes(&self) -> u64 {
        self.pages.iter().map(|(_, _, bytes)| u64::try_from(bytes.len()).unwrap_or(u64::MAX)).sum()
    }
}

/// Where the sweep is, and what waits to be durable.
pub(super) struct Sweep {
    /// Where the running sweep began; `None`: none is running.
    since: Option<u64>,
    /// Where the last one began.
    last: u64,
    /// Pages that leave once the sequence is durable.
    waiting: VecDeque<(u64, Pages)>,
    /// How far the history was at each frame: sequence, position.
    frames: VecDeque<(u64, u64)>,
}

impl Sweep {
    pub(super) fn after(last: u64) -> Sweep {
        Sweep { since: None, last, waiting: VecDeque::new(), frames: VecDeque::new() }
    }
}

impl Partition {
    /// A frame is about to leave: some pages leave with it.
    pub(super) fn sweep(&mut self) {
        let (position, sequence) = (self.vault.position, self.batch.last);
        self.sweep.frames.push_back((sequence, position));
        self.meters.history_bytes.set(position);
        self.meters.id_windows.set(i64::try_from(self.vault.ids.waiting()).unwrap_or(i64::MAX));
        if self.sweep.since.is_none() {
            if position - self.sweep.last < self.config.sweep_bytes {
                return;
            }
            self.sweep.since = Some(position);
            self.vault.ledger.begin_sweep();
        }
        if self.ports.pages_waiting.load(Ordering::Acquire) > PAGES_WAITING {
            return;
        }
        let mut pages = Pages { pages: Vec::new(), swept: None };
        let mut bytes = 0;
        while bytes < PAGES_AT_ONCE {
            let mut page = Vec::new();
            match self.vault.ledger.next_page(&mut page) {
                Some(id) => {
                    bytes += page.len();
                    pages.pages.push((id, position, page));
                }
                None => {
                    pages.swept = self.sweep.since.take();
                    self.sweep.last = pages.swept.unwrap_or(self.sweep.last);
                    break;
                }
            }
        }
        self.ports.pages_waiting.fetch_add(pages.bytes(), Ordering::AcqRel);
        self.sweep.waiting.push_back((sequence, pages));
    }

    /// Everything up to `sequence` is durable: pages and full windows of ids that rest on it may leave.
    pub(super) fn sweep_durable(&mut self, sequence: u64) {
        while self.sweep.waiting.front().is_some_and(|(needs, _)| *needs <= sequence) {
            let Some((_, pages)) = self.sweep.waiting.pop_front() else { return };
            (self.ports.archivist)(Job::Pages(pages));
        }
        let mut durable = None;
        while self.sweep.frames.front().is_some_and(|(needs, _)| *needs <= sequence) {
            durable = self.sweep.frames.pop_front().map(|(_, position)| position);
        }
        if let Some(sealed) = durable.and_then(|durable| self.vault.ids.take_sealed(durable)) {
            (self.ports.archivist)(Job::Ids(sealed));
        }
    }
}
