//! The auditor's holds: nothing is captured or released that is not held, and what is closed stays closed.

use std::collections::BTreeMap;

use ledger::{Event, LotChange, NONE};
use transaction::Time;

/// An open hold.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) id: String,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) amount: i128,
    pub(crate) captured: i128,
    pub(crate) left: i128,
    pub(crate) expires_at: Option<Time>,
    pub(crate) owned: bool,
    pub(crate) last: u64,
    /// What it keeps of lots, by when they expire.
    lots: BTreeMap<i64, i128>,
}

/// All open holds by slot, and those that expired by id: only they may open again.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    pub(crate) open: BTreeMap<u32, Hold>,
    expired: BTreeMap<String, Hold>,
}

impl Holds {
    pub(crate) fn hold(&mut self, event: &Event<'_>, position: u64) -> Result<(), String> {
        let Event::Held { id, hold, amount, from, to, expires_at, owned, lots, .. } = event else {
            return Ok(());
        };
        let held = Hold {
            id: (*id).to_owned(),
            from: from.account,
            to: *to,
            amount: *amount,
            captured: 0,
            left: *amount,
            expires_at: *expires_at,
            owned: *owned,
            last: position,
            lots: given(lots),
        };
        self.put(*hold, held)
    }

    fn put(&mut self, slot: u32, hold: Hold) -> Result<(), String> {
        match self.open.insert(slot, hold) {
            None => Ok(()),
            Some(other) => Err(format!("slot {slot} is taken by hold {}", other.id)),
        }
    }

    pub(crate) fn capture(&mut self, event: &Event<'_>, position: u64) -> Result<(), String> {
        let Event::Captured { id, hold, amount, so_far, prev, from, to, lots, .. } = event else {
            return Ok(());
        };
        let held = self.named(*hold, (id, *prev))?;
        held.between(from.account, to.account)?;
        let captured = held.captured.checked_add(*amount);
        let left = held.left.checked_sub(*amount);
        let is_right = captured == Some(so_far.0) && left == Some(so_far.1);
        if *amount < 0 || so_far.1 < 0 || !is_right {
            return Err(format!(
                "{} of hold {id} were left and {} captured; {amount} are captured, but {} and {} are told",
                held.left, held.captured, so_far.1, so_far.0
            ));
        }
        held.gives(&lots.0, 1)?;
        (held.captured, held.left, held.last) = (so_far.0, so_far.1, position);
        if so_far.1 == 0 {
            self.open.remove(hold);
        }
        Ok(())
    }

    pub(crate) fn release(&mut self, event: &Event<'_>, (at, position): (Time, u64)) -> Result<(), String> {
        let Event::Released { id, hold, expired, amount, captured, prev, from, to, owned, lots, .. } = event
        else {
            return Ok(());
        };
        let held = self.named(*hold, (id, *prev))?;
        held.between(from.account, *to)?;
        if (held.left, held.captured, held.owned) != (*amount, *captured, *owned) {
            return Err(format!(
                "hold {id} had {} left and {} captured, but {amount} and {captured} are told",
                held.left, held.captured
            ));
        }
        if *expired && held.expires_at.is_none_or(|expires_at| expires_at > at) {
            return Err(format!("hold {id} expires before its time"));
        }
        held.gives(lots, -1)?;
        held.last = position;
        if let Some(held) = self.open.remove(hold)
            && *expired
            && !held.owned
        {
            self.expired.insert(held.id.clone(), held);
        }
        Ok(())
    }

    pub(crate) fn reopen(&mut self, event: &Event<'_>, position: u64) -> Result<(), String> {
        let Event::Reopened { id, hold, amount, captured, prev, from, to, expires_at, lots, .. } = event
        else {
            return Ok(());
        };
        let Some(former) = self.expired.remove(*id) else {
            return Err(format!("hold {id} is reopened, but it has not expired"));
        };
        former.between(from.account, *to)?;
        if (former.left, former.captured, former.last) != (*amount, *captured, *prev) {
            return Err(format!("hold {id} is reopened otherwise than it expired"));
        }
        let amount = former.left.saturating_add(former.captured);
        let (expires_at, last) = (*expires_at, position);
        self.put(*hold, Hold { amount, expires_at, last, lots: given(lots), ..former })
    }

    /// The open hold in a slot, which must be the one that the event names, and at its previous event.
    fn named(&mut self, slot: u32, (id, prev): (&str, u64)) -> Result<&mut Hold, String> {
        let held = self.open.get_mut(&slot).filter(|held| held.id == id);
        let held = held.ok_or_else(|| format!("hold {id} is not open in slot {slot}"))?;
        if held.last == prev && prev != NONE {
            return Ok(held);
        }
        Err(format!("the event of hold {id} before it is at {}, not at {prev}", held.last))
    }
}

impl Hold {
    fn between(&self, from: u32, to: u32) -> Result<(), String> {
        if (self.from, self.to) == (from, to) {
            return Ok(());
        }
        Err(format!("hold {} is between other accounts", self.id))
    }

    /// It gives up units of the lots it keeps: spent (`sign` 1) or free again (-1).
    fn gives(&mut self, lots: &[LotChange], sign: i128) -> Result<(), String> {
        for change in lots {
            let units = change.taken.saturating_mul(sign);
            let kept = self.lots.entry(change.expires_at.0).or_default();
            *kept = kept.saturating_sub(units);
            if *kept < 0 {
                return Err(format!("hold {} gives more of a lot than it keeps", self.id));
            }
        }
        self.lots.retain(|_, kept| *kept > 0);
        Ok(())
    }
}

/// What each lot gave to a hold.
fn given(lots: &[LotChange]) -> BTreeMap<i64, i128> {
    lots.iter().map(|change| (change.expires_at.0, change.taken)).collect()
}
