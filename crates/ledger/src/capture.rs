//! Decides captures: wholly, in part, several times. What a hold was granted for can no longer fail here.

use transaction::Refusal;

use crate::amount::{format_units, read_positive};
use crate::desk::{Decision, Desk, check_cause, check_id};
use crate::digest::{self, Content, Id};
use crate::hold::{HoldEnd, closed};
use crate::lots::{NEVER, Unheld};
use crate::refusal as r;
use crate::{Capture, Done, Event, HoldState, Known, Origin, Outcome, Space};

impl Desk<'_> {
    /// Captures a hold.
    pub(crate) fn capture(&mut self, capture: &Capture<&str>) -> Decision {
        check_id(capture.hold)?;
        if capture.origin == Origin::Direct {
            check_id(capture.id)?;
        }
        check_cause(&capture.cause)?;
        let key = digest::id(self.ledger.keys, Space::Capture, (capture.hold, capture.id));
        // A branch captures once, and all there is: while its hold is open nothing was captured, and nothing that the index
        // of ids says, or fails to say, may keep a decision from being carried out.
        if !self.is_first_of_branch(capture)
            && let Some(known) = self.book.known(key.hash)
        {
            return self.repeat_capture(capture, (known, key));
        }
        let Some(slot) = self.open_hold(capture.hold, capture.origin)? else {
            return Err(Box::new(closed(self.hold_end(capture.hold)?, capture.hold)));
        };
        let Some(hold) = self.ledger.holds.get(slot) else {
            return Err(Box::new(r::HOLD_UNKNOWN.because(format!("`{}`", capture.hold))));
        };
        let scale = self.ledger.scale_of(hold.from);
        let (asked, content) = self.capture_content(capture, (key, scale))?;
        let left = hold.left;
        let amount = asked.unwrap_or(left);
        #[cfg(feature = "planted")]
        let left = if planted::is(planted::Bug::CapturedTooMuch) { amount } else { left };
        if amount > left {
            let words = format!("{} is left of it", format_units(left, scale));
            return Err(Box::new(r::CAPTURE_EXCEEDS_HOLD.because(words)));
        }
        let position = self.keep_capture(capture, (slot, amount), (content, scale));
        self.book.learn(key.hash, Known { content, position });
        if amount == left {
            self.learn_end(capture.hold, HoldEnd { state: HoldState::Captured, scale }, position);
        }
        Ok(Outcome { done: Done::Captured, amount: Some(amount), scale })
    }

    fn is_first_of_branch(&self, capture: &Capture<&str>) -> bool {
        let hash = self.ledger.hash(Space::Hold, "", capture.hold);
        let is_whole = capture.origin == Origin::Branch && capture.amount.is_none();
        is_whole && self.ledger.holds.find(hash, capture.hold).is_some()
    }

    fn keep_capture(
        &mut self,
        capture: &Capture<&str>,
        (slot, amount): (u32, i128),
        (content, scale): (u64, u8),
    ) -> u64 {
        let Some(hold) = self.ledger.holds.get(slot) else { return crate::NONE };
        let (from, to) = (self.ledger.accounts.at(hold.from), self.ledger.accounts.at(hold.to));
        let event = Event::Captured {
            id: capture.hold,
            hold: slot,
            capture: capture.id,
            amount,
            so_far: (hold.captured + amount, hold.left - amount),
            prev: hold.last,
            from: from.leg(hold.from, (from.posted - amount, from.held - amount)),
            to: to.leg(hold.to, (to.posted + amount, to.held)),
            incoming: to.incoming - amount,
            scale,
            lots: (
                self.unhold((hold.from, &hold.lots), amount, Unheld::Spent),
                self.credit(hold.to, amount, NEVER),
            ),
            cause: capture.cause,
        };
        self.keep(content, event)
    }

    /// Answers a capture whose id is known for this hold, open or closed.
    fn repeat_capture(&self, capture: &Capture<&str>, (known, key): (Known, Id)) -> Decision {
        let hash = self.ledger.hash(Space::Hold, "", capture.hold);
        let scale = match self.ledger.holds.find(hash, capture.hold) {
            Some((_, hold)) => self.ledger.scale_of(hold.from),
            None => self.hold_end(capture.hold)?.scale,
        };
        let (asked, content) = self.capture_content(capture, (key, scale))?;
        self.repeat(known, content, (asked, scale))
    }

    /// The units asked for, and the digest of all that was said. A branch says nothing but that it captures.
    fn capture_content(
        &self,
        capture: &Capture<&str>,
        (key, scale): (Id, u8),
    ) -> Result<(Option<i128>, u64), Refusal> {
        let asked = capture.amount.as_ref().map(|amount| read_positive(amount, scale)).transpose()?;
        let content = Content::of(self.ledger.keys, key).and(u64::from(b'c')).maybe_units(asked);
        let content = match capture.origin {
            Origin::Branch => content,
            Origin::Direct => content.cause(&capture.cause),
        };
        Ok((asked, content.value()))
    }
}
