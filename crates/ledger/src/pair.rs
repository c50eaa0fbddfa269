//! Two accounts between which value moves or will move: how much of it may.
//!
//! Decides standing, floor, ceiling and overflow, the same for entries, holds and reopened holds. What passes here for a
//! hold is checked for its capture too: a capture can no longer fail for any of these.

use transaction::Refusal;

use crate::amount::format_units;
use crate::desk::{Desk, check_id};
use crate::digest::{self, Id};
use crate::refusal as r;
use crate::{Floor, Ledger, Standing, Take};

/// The accounts of an entry or hold, by slot, and the asset they share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) scale: u8,
}

impl Pair {
    /// Both slots as one number, for digests.
    pub(crate) fn bits(self) -> u64 {
        u64::from(self.from) << 32 | u64::from(self.to)
    }
}

impl Ledger {
    /// The slot of an account, or why there is none.
    pub(crate) fn slot(&self, id: &str) -> Result<u32, Refusal> {
        self.slot_of(digest::account(self.keys, id), id)
    }

    #[inline]
    fn slot_of(&self, digest: Id, id: &str) -> Result<u32, Refusal> {
        self.accounts.find_digest(digest).ok_or_else(|| match check_id(id) {
            Ok(()) => r::ACCOUNT_UNKNOWN.because(format!("`{id}`")),
            Err(refusal) => refusal,
        })
    }

    pub(crate) fn scale_of(&self, slot: u32) -> u8 {
        self.assets.get(self.accounts.at(slot).asset).map_or(0, |asset| asset.scale)
    }

    /// Whether the two may exchange value at all.
    pub(crate) fn check_pair(&self, pair: Pair) -> Result<(), Refusal> {
        if pair.from == pair.to {
            return Err(r::ACCOUNT_SAME.because("`from` and `to` are the same account"));
        }
        let (from, to) = (self.accounts.at(pair.from), self.accounts.at(pair.to));
        if from.asset != to.asset {
            let code = |number: u32| self.assets.get(number).map_or("?", |asset| &asset.code);
            let words = format!("`from` holds {}, `to` holds {}", code(from.asset), code(to.asset));
            return Err(r::ASSET_MISMATCH.because(words));
        }
        for account in [from, to] {
            let kind = match account.standing {
                Standing::Active => continue,
                Standing::Frozen => &r::ACCOUNT_FROZEN,
                Standing::Closed => &r::ACCOUNT_CLOSED,
            };
            return Err(kind.because(format!("`{}`", self.accounts.id_of(account))));
        }
        Ok(())
    }

    /// How many of the wanted units may leave `from` and enter `to`: all, or with [`Take::UpTo`] what there is.
    pub(crate) fn room(&self, pair: Pair, wanted: i128, take: Take) -> Result<i128, Refusal> {
        let (from, to) = (self.accounts.at(pair.from), self.accounts.at(pair.to));
        let floor = match self.accounts.floor(pair.from) {
            Floor::None => i128::MIN,
            Floor::At(floor) => floor,
        };
        let ceiling = self.accounts.ceiling(pair.to).unwrap_or(i128::MAX);
        let available = from.posted.saturating_sub(from.held);
        #[cfg(feature = "planted")]
        let available = if planted::is(planted::Bug::HeldIsAvailable) { from.posted } else { available };
        let coming = to.posted.saturating_add(to.incoming);
        if take == Take::UpTo || wanted == 0 {
            let above_floor = available.saturating_sub(floor);
            return Ok(wanted.min(above_floor).min(ceiling.saturating_sub(coming)).max(0));
        }
        let overflow = || r::OVERFLOW.because("the balance would not fit");
        let rest = available.checked_sub(wanted).ok_or_else(overflow)?;
        if rest < floor {
            let show = |units| format_units(units, pair.scale);
            let least = if floor == 0 { String::new() } else { format!(", floor {}", show(floor)) };
            let words = format!("available {}{least}, asked {}", show(available), show(wanted));
            return Err(r::INSUFFICIENT.because(words));
        }
        let sum = coming.checked_add(wanted).ok_or_else(overflow)?;
        if sum > ceiling {
            let show = |units| format_units(units, pair.scale);
            let words = format!(
                "posted and incoming {}, ceiling {}, asked {}",
                show(coming),
                show(ceiling),
                show(wanted)
            );
            return Err(r::CEILING_EXCEEDED.because(words));
        }
        Ok(wanted)
    }

    /// As [`Ledger::room`], for a hold: the sums of what is held and incoming must fit too.
    pub(crate) fn room_to_hold(&self, pair: Pair, wanted: i128, take: Take) -> Result<i128, Refusal> {
        let amount = self.room(pair, wanted, take)?;
        let most = i128::MAX - self.accounts.at(pair.from).held.max(self.accounts.at(pair.to).incoming);
        match take {
            Take::UpTo => Ok(amount.min(most)),
            Take::Exactly if amount > most => Err(r::OVERFLOW.because("the sum of holds would not fit")),
            Take::Exactly => Ok(amount),
        }
    }
}

impl Desk<'_> {
    /// The two accounts that the member at hand names; amounts are read in the asset of the first.
    pub(crate) fn pair(&mut self, from: &str, to: &str) -> Result<Pair, Refusal> {
        let ledger = &*self.ledger;
        let near = self.near.take();
        let (near_from, near_to) =
            near.unwrap_or_else(|| (digest::account(ledger.keys, from), digest::account(ledger.keys, to)));
        let from = ledger.slot_of(near_from, from)?;
        let to = ledger.slot_of(near_to, to)?;
        Ok(Pair { from, to, scale: ledger.scale_of(from) })
    }

    /// What has expired in either account leaves first, even if the sweep lags.
    pub(crate) fn expire_lots_of(&mut self, pair: Pair) {
        self.expire_lots(pair.from);
        self.expire_lots(pair.to);
    }
}
