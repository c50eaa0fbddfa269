//! From event to event, in large reads: for start-up, for the verifier, for whoever wants them all. What it reads is held
//! against its sums.

use super::blocks::unfit;
use super::record::{head, whole};
use super::{HEAD, History};
use crate::Fault;

/// Bytes read at once; more only where one event is longer.
const CHUNK: u64 = 1 << 20;

/// A place in the history that moves on event by event.
pub(crate) struct Walker {
    history: History,
    /// Where the next event lies.
    position: u64,
    /// Bytes read ahead; those from `used` on begin at `position`.
    ahead: Vec<u8>,
    used: usize,
    /// Blocks below this one need no look any more.
    checked: u64,
}

impl Walker {
    /// `from` is an event's position, or the end.
    pub(crate) fn new(history: &History, from: u64) -> Walker {
        Walker { history: history.clone(), position: from, ahead: Vec::new(), used: 0, checked: 0 }
    }

    /// Where the next event lies.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next event and its position; `None` at the end.
    ///
    /// # Errors
    /// When the disk fails, no event lies there, or a block that it reads does not fit its sum.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>, Fault> {
        if self.position >= self.history.end() {
            return Ok(None);
        }
        let length = match head(&self.ahead[self.used..]) {
            Ok(length) if length <= (self.ahead.len() - self.used) as u64 => length,
            Ok(_) | Err(_) => self.fill()?,
        };
        let (from, position) = (self.used, self.position);
        self.used += whole(length);
        self.position += length;
        Ok(Some((position, &self.ahead[from + whole(HEAD)..self.used])))
    }

    /// Reads ahead so far that the next event is whole; answers its length.
    fn fill(&mut self) -> Result<u64, Fault> {
        let place = self.history.place(self.position)?;
        let mut wanted = CHUNK.min(place.room);
        loop {
            self.check(self.position + wanted)?;
            self.used = 0;
            self.ahead.resize(whole(wanted), 0);
            place.read(&mut self.ahead, self.position)?;
            let length = head(&self.ahead).map_err(|why| self.history.fault(self.position, &why))?;
            if length <= wanted {
                return Ok(length);
            }
            if length > place.room {
                return Err(self.history.fault(self.position, "it goes on beyond the end"));
            }
            wanted = length;
        }
    }

    /// Checks the full blocks of which some byte from the position to `stop` is read. They are read twice: the second
    /// time from the system's memory, next to what an event costs that is nothing.
    fn check(&mut self, stop: u64) -> Result<(), Fault> {
        let (files, end) = (&self.history.shared.files, self.history.end());
        let full = end / files.block;
        for index in self.checked.max(self.position / files.block)..full.min(stop.div_ceil(files.block)) {
            files.check(index, end)?.map_err(|why| unfit(self.position, &why))?;
            self.checked = index + 1;
        }
        Ok(())
    }
}
