//! Holds: to place, capture, release and reopen, and as they stand.

use ledger::{Capture, Command, Hold, HoldState, Origin, Release, Reopen, Take};
use serde::{Deserialize, Serialize};
use transaction::Refusal;
use utoipa::ToSchema;

use super::cause::{CauseBody, Given, cause};
use super::members::{Gathered, Member, Members, Tells};
use super::scalar::{AmountBody, Units, Word, expiry, linked, take};
use crate::http::time::Stamp;
use crate::http::wire::scalar::Span;

/// Holds to place, decided in order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Holds)]
pub(in crate::http) struct HoldsBody<'a> {
    /// 1 to 8000.
    #[schema(value_type = Vec<HoldBody>, min_items = 1, max_items = 8000)]
    holds: Members<'a, HoldBody<'a>>,
    /// Only see what would happen; nothing is kept.
    dry_run: Option<bool>,
}

/// A hold: value of `from` is reserved for `to`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Hold)]
pub(in crate::http) struct HoldBody<'a> {
    /// Its id; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<Word<'a>>,
    /// The account in which it is held.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) from: Word<'a>,
    /// The account that a capture credits.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) to: Word<'a>,
    /// How much.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) amount: AmountBody<'a>,
    /// As much as is available, zero included; the result says how much.
    pub(super) up_to: Option<bool>,
    /// Milliseconds until it releases itself.
    #[schema(value_type = Option<u64>)]
    pub(super) expires_in_ms: Option<Span>,
    /// When it releases itself.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) expires_at: Option<Word<'a>>,
    /// Succeeds or fails together with the next one.
    pub(super) linked: Option<bool>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

/// Captures a hold.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Capture)]
pub(in crate::http) struct CaptureBody<'a> {
    /// The id of this capture, unique for its hold; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<Word<'a>>,
    /// How much; all that is left unless given.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) amount: Option<AmountBody<'a>>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

/// Releases what is left of a hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Release)]
pub(in crate::http) struct ReleaseBody<'a> {
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

/// Reopens a hold that expired; funds are checked again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Reopen)]
pub(in crate::http) struct ReopenBody<'a> {
    /// The id of this operation, unique for its hold; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    id: Option<Word<'a>>,
    /// Milliseconds until it expires again.
    #[schema(value_type = Option<u64>)]
    expires_in_ms: Option<Span>,
    /// When it expires again.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Word<'a>>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    cause: Given<'a>,
}

impl<'a> HoldsBody<'a> {
    /// The batch, and whether it is a dry run.
    pub(in crate::http) fn gathered(self) -> Result<(Gathered<'a>, Option<bool>), Refusal> {
        Ok((self.holds.gathered()?, self.dry_run))
    }
}

impl<'a> Member<'a> for HoldBody<'a> {
    const LIST: &'static str = "holds";

    fn add(self, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        let take = take(self.up_to);
        into.batch.push(&Command::Hold(Hold {
            id: &id,
            from: self.from.id("/from")?,
            to: self.to.id("/to")?,
            amount: self.amount.amount(),
            take,
            expiry: expiry(self.expires_in_ms, self.expires_at.as_ref())?,
            linked: linked(self.linked),
            origin: Origin::Direct,
            cause: cause(&self.cause)?,
        }));
        let tells = if take == Take::UpTo { Tells::Amount } else { Tells::Nothing };
        into.named.push((id, tells));
        Ok(())
    }
}

impl<'a> CaptureBody<'a> {
    /// Adds the capture of `hold`.
    pub(in crate::http) fn add(
        self,
        (hold, with_next): (&str, Option<bool>),
        into: &mut Gathered<'a>,
    ) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        into.batch.push(&Command::Capture(Capture {
            id: &id,
            hold,
            amount: self.amount.as_ref().map(AmountBody::amount),
            linked: linked(with_next),
            origin: Origin::Direct,
            cause: cause(&self.cause)?,
        }));
        let tells = if self.amount.is_none() { Tells::Amount } else { Tells::Nothing };
        into.named.push((id, tells));
        Ok(())
    }
}

impl ReleaseBody<'_> {
    /// Releases what is left of `hold`.
    pub(in crate::http) fn command<'t>(
        &'t self,
        hold: &'t str,
        with_next: Option<bool>,
    ) -> Result<Command<&'t str>, Refusal> {
        let cause = cause(&self.cause)?;
        Ok(Command::Release(Release { hold, linked: linked(with_next), origin: Origin::Direct, cause }))
    }
}

impl<'a> ReopenBody<'a> {
    /// Adds the reopening of `hold`.
    pub(in crate::http) fn add(self, hold: &str, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        let expiry = expiry(self.expires_in_ms, self.expires_at.as_ref())?;
        into.batch.push(&Command::Reopen(Reopen { id: &id, hold, expiry, cause: cause(&self.cause)? }));
        into.named.push((id, Tells::Amount));
        Ok(())
    }
}

/// A hold as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = HoldState)]
pub(in crate::http) struct HoldObject<'a> {
    /// Its id.
    id: &'a str,
    /// `held`, `captured`, `released` or `expired`.
    state: &'static str,
    /// The account in which it is held.
    from: &'a str,
    /// The account that a capture credits.
    to: &'a str,
    /// The code of their asset.
    asset: &'a str,
    /// What was held at first.
    #[schema(value_type = String)]
    amount: Units,
    /// What was captured so far.
    #[schema(value_type = String)]
    captured: Units,
    /// What is still held.
    #[schema(value_type = String)]
    left: Units,
    /// When it releases itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Stamp>,
    /// A branch of a transaction owns it: only its confirm and cancel capture and release it.
    owned: bool,
}

impl<'a> HoldObject<'a> {
    /// The object of `hold`.
    pub(in crate::http) fn of(hold: &'a ledger::HoldView) -> HoldObject<'a> {
        let scale = hold.asset.scale;
        HoldObject {
            id: &hold.id,
            state: match hold.state {
                HoldState::Held => "held",
                HoldState::Captured => "captured",
                HoldState::Released => "released",
                HoldState::Expired => "expired",
            },
            from: &hold.accounts.0,
            to: &hold.accounts.1,
            asset: &hold.asset.code,
            amount: Units(hold.amount, scale),
            captured: Units(hold.captured, scale),
            left: Units(hold.left, scale),
            expires_at: hold.expires_at.map(Stamp),
            owned: hold.owned,
        }
    }
}
