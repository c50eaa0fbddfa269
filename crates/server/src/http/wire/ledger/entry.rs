//! Entries to post.

use ledger::{Command, Entry, Take};
use serde::Deserialize;
use transaction::Refusal;
use utoipa::ToSchema;

use super::cause::{CauseBody, Given, cause};
use super::members::{Gathered, Member, Members, Tells};
use super::scalar::{AmountBody, Word, expiry, linked, take};
use crate::http::wire::scalar::Span;

/// Entries to post, decided in order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Entries)]
pub(in crate::http) struct EntriesBody<'a> {
    /// 1 to 8000.
    #[schema(value_type = Vec<EntryBody>, min_items = 1, max_items = 8000)]
    entries: Members<'a, EntryBody<'a>>,
    /// Only see what would happen; nothing is kept.
    dry_run: Option<bool>,
}

/// An entry: `from` is debited, `to` credited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Entry)]
pub(in crate::http) struct EntryBody<'a> {
    /// Its id; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<Word<'a>>,
    /// The account that is debited.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) from: Word<'a>,
    /// The account that is credited.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) to: Word<'a>,
    /// How much: a decimal string in the asset's scale, or a whole number where the scale is 0.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) amount: AmountBody<'a>,
    /// As much as is available, zero included; the result says how much.
    pub(super) up_to: Option<bool>,
    /// Milliseconds until the credited lot expires; only into accounts with lots.
    #[schema(value_type = Option<u64>)]
    pub(super) expires_in_ms: Option<Span>,
    /// When the credited lot expires; only into accounts with lots.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) expires_at: Option<Word<'a>>,
    /// The id of the entry or captured hold that this one gives back, in whole or in part.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) refunds: Option<Word<'a>>,
    /// Succeeds or fails together with the next one.
    pub(super) linked: Option<bool>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

impl<'a> EntriesBody<'a> {
    /// The batch, and whether it is a dry run.
    pub(in crate::http) fn gathered(self) -> Result<(Gathered<'a>, Option<bool>), Refusal> {
        Ok((self.entries.gathered()?, self.dry_run))
    }
}

impl<'a> Member<'a> for EntryBody<'a> {
    const LIST: &'static str = "entries";

    fn add(self, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        let take = take(self.up_to);
        into.batch.push(&Command::Entry(Entry {
            id: &id,
            from: self.from.id("/from")?,
            to: self.to.id("/to")?,
            amount: self.amount.amount(),
            take,
            expiry: expiry(self.expires_in_ms, self.expires_at.as_ref())?,
            refunds: self.refunds.as_ref().map(|word| word.hold_id("/refunds")).transpose()?,
            linked: linked(self.linked),
            cause: cause(&self.cause)?,
        }));
        let tells = if take == Take::UpTo { Tells::Amount } else { Tells::Nothing };
        into.named.push((id, tells));
        Ok(())
    }
}
