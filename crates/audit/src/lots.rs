//! The auditor's lots: what each event takes from them or gives to them, and that together they are what is posted.
//!
//! Judges amounts, and that what expires first is spent first.

use std::collections::BTreeMap;

use ledger::LotChange;

/// The lots of one account: free and held units by when they expire.
#[derive(Debug, Default)]
pub(crate) struct Lots {
    pub(crate) sink: u32,
    pub(crate) lots: BTreeMap<i64, (i128, i128)>,
    /// The sums of both.
    free: i128,
    held: i128,
}

/// What an event does to lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Free units leave, first expiring first.
    Spent,
    /// Free units leave, of this lot alone.
    Expired,
    /// Free units come.
    Credited,
    /// Free units are held, first expiring first.
    Held,
    /// Held units leave.
    Captured,
    /// Held units are free again.
    Freed,
}

impl Lots {
    /// No lots yet; what expires goes to the account in slot `sink`.
    pub(crate) fn into_sink(sink: u32) -> Lots {
        Lots { sink, ..Lots::default() }
    }

    /// Lots change by `units` together.
    pub(crate) fn change(
        &mut self,
        changes: &[LotChange],
        (flow, units): (Flow, i128),
    ) -> Result<(), String> {
        let mut sum: i128 = 0;
        for change in changes {
            self.one(change, flow)?;
            sum = sum.checked_add(change.taken).ok_or("the lots' sum does not fit")?;
        }
        let expected = if matches!(flow, Flow::Credited | Flow::Freed) { -units } else { units };
        if sum != expected {
            return Err(format!("its lots change by {sum}, not by {expected}"));
        }
        let last = changes.iter().map(|change| change.expires_at.0).max().unwrap_or(i64::MIN);
        let passed_over = self.lots.range(..last).any(|(_, lot)| lot.0 > 0);
        if matches!(flow, Flow::Spent | Flow::Held) && passed_over {
            return Err("a lot that expires earlier was passed over".to_owned());
        }
        Ok(())
    }

    fn one(&mut self, change: &LotChange, flow: Flow) -> Result<(), String> {
        let LotChange { expires_at, free, held, taken } = *change;
        let before = self.lots.get(&expires_at.0).copied().unwrap_or_default();
        let by = match flow {
            Flow::Spent | Flow::Expired | Flow::Credited => (taken.checked_neg(), Some(0)),
            Flow::Held => (taken.checked_neg(), Some(taken)),
            Flow::Captured => (Some(0), taken.checked_neg()),
            Flow::Freed => (taken.checked_neg(), Some(taken)),
        };
        let add = |before: i128, by: Option<i128>| before.checked_add(by?);
        let is_right = add(before.0, by.0) == Some(free) && add(before.1, by.1) == Some(held);
        let gives = matches!(flow, Flow::Credited | Flow::Freed);
        if !is_right || free < 0 || held < 0 || taken == 0 || gives != (taken < 0) {
            let told = format!("{free} free and {held} held");
            return Err(format!(
                "the lot of {} was {} free and {} held, {taken} are taken, but {told} are told",
                expires_at.0, before.0, before.1
            ));
        }
        self.free = self.free.wrapping_add(free.wrapping_sub(before.0));
        self.held = self.held.wrapping_add(held.wrapping_sub(before.1));
        if (free, held) == (0, 0) {
            self.lots.remove(&expires_at.0);
        } else {
            self.lots.insert(expires_at.0, (free, held));
        }
        Ok(())
    }

    /// Together they are what is posted, and those held what is held.
    pub(crate) fn agree(&self, posted: i128, held: i128) -> Result<(), String> {
        if self.free.checked_add(self.held) == Some(posted) && self.held == held {
            return Ok(());
        }
        Err(format!(
            "its lots are {} free and {} held, but posted is {posted} and held {held}",
            self.free, self.held
        ))
    }
}
