//! From event to event, in large reads: for start-up, for the verifier, for whoever wants them all.

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
}

impl Walker {
    /// `from` is an event's position, or the end.
    pub(crate) fn new(history: &History, from: u64) -> Walker {
        Walker { history: history.clone(), position: from, ahead: Vec::new(), used: 0 }
    }

    /// Where the next event lies.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next event and its position; `None` at the end.
    ///
    /// # Errors
    /// When the disk fails, or no event lies there.
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
            self.used = 0;
            self.ahead.resize(whole(wanted), 0);
            place.read(&mut self.ahead, self.position)?;
            let length = head(&self.ahead).map_err(|why| place.damaged(self.position, &why))?;
            if length <= wanted {
                return Ok(length);
            }
            if length > place.room {
                return Err(place.damaged(self.position, "it goes on beyond the end"));
            }
            wanted = length;
        }
    }
}
