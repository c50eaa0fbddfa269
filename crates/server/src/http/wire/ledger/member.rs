//! The members of a mixed batch: entries, holds, captures, releases, accounts, items and moves, in any order.
//!
//! One flat shape for all kinds, so that a body is read once and a pointer leads to the very field; a table says which
//! fields belong to which kind.

use serde::Deserialize;
use transaction::Refusal;
use transaction::refusal::{FIELD_MISSING, FIELD_UNEXPECTED, KIND_UNSUPPORTED};
use utoipa::ToSchema;

use super::account::{AccountBody, LotsBody};
use super::cause::{CauseBody, Given};
use super::entry::EntryBody;
use super::hold::{CaptureBody, HoldBody, ReleaseBody};
use super::item::{ItemBody, MoveBody, ValuesBody};
use super::members::{Gathered, Member, Members, Tells};
use super::scalar::{AmountBody, Word};
use crate::http::parse::shortened;
use crate::http::wire::scalar::{Object, Span};

/// Members of any kind, decided in order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Batch)]
pub(in crate::http) struct BatchBody<'a> {
    /// 1 to 8000; `linked` ties members of any kinds.
    #[schema(value_type = Vec<MemberBody>, min_items = 1, max_items = 8000)]
    members: Members<'a, MemberBody<'a>>,
    /// Only see what would happen; nothing is kept.
    dry_run: Option<bool>,
}

/// A member: `kind`, and the fields that this kind has where it comes alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Member)]
pub(in crate::http) struct MemberBody<'a> {
    /// `entry`, `hold`, `capture`, `release`, `account`, `item` or `move`.
    #[serde(borrow)]
    #[schema(value_type = String)]
    kind: Word<'a>,
    /// Its id; an account needs one, a release has none.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    id: Option<Word<'a>>,
    /// Entry, hold: the account that is debited.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    from: Option<Word<'a>>,
    /// Entry, hold: the account that is credited.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    to: Option<Word<'a>>,
    /// Entry, hold, capture: how much.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    amount: Option<AmountBody<'a>>,
    /// Entry, hold: as much as is available.
    up_to: Option<bool>,
    /// Entry, hold: milliseconds until it expires.
    #[schema(value_type = Option<u64>)]
    expires_in_ms: Option<Span>,
    /// Entry, hold: when it expires.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Word<'a>>,
    /// Entry: what it gives back.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    refunds: Option<Word<'a>>,
    /// Capture, release: the hold.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    hold: Option<Word<'a>>,
    /// Account: the code of its asset.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    asset: Option<Word<'a>>,
    /// Account: its floor.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    floor: Option<AmountBody<'a>>,
    /// Account: its ceiling.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    ceiling: Option<AmountBody<'a>>,
    /// Account: it keeps lots.
    #[serde(borrow)]
    #[schema(value_type = Option<LotsBody>)]
    lots: Option<Object<LotsBody<'a>>>,
    /// Item: the name of its machine.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    machine: Option<Word<'a>>,
    /// Item: whose it is. Move: on whose behalf.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    owner: Option<Word<'a>>,
    /// Item: its attributes.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    attributes: Option<ValuesBody<'a>>,
    /// Move: the item.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    item: Option<Word<'a>>,
    /// Move: the declared move.
    #[serde(borrow, rename = "move")]
    #[schema(value_type = Option<String>)]
    name: Option<Word<'a>>,
    /// Move: what guards compare attributes with.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    arguments: Option<ValuesBody<'a>>,
    /// Succeeds or fails together with the next one.
    linked: Option<bool>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    cause: Given<'a>,
}

/// The kinds of members.
#[derive(Clone, Copy)]
enum MemberKind {
    Entry,
    Hold,
    Capture,
    Release,
    Account,
    Item,
    Move,
}

/// Each kind's name on the wire and its fields; every kind may be linked and have a cause.
static KINDS: [(MemberKind, &str, &[&str]); 7] = [
    (
        MemberKind::Entry,
        "entry",
        &["id", "from", "to", "amount", "up_to", "expires_in_ms", "expires_at", "refunds"],
    ),
    (MemberKind::Hold, "hold", &["id", "from", "to", "amount", "up_to", "expires_in_ms", "expires_at"]),
    (MemberKind::Capture, "capture", &["id", "hold", "amount"]),
    (MemberKind::Release, "release", &["hold"]),
    (MemberKind::Account, "account", &["id", "asset", "floor", "ceiling", "lots"]),
    (MemberKind::Item, "item", &["id", "machine", "owner", "attributes"]),
    (MemberKind::Move, "move", &["id", "item", "move", "owner", "arguments"]),
];

impl<'a> BatchBody<'a> {
    /// The batch, and whether it is a dry run.
    pub(in crate::http) fn gathered(self) -> Result<(Gathered<'a>, Option<bool>), Refusal> {
        Ok((self.members.gathered()?, self.dry_run))
    }
}

/// The value of a field that this kind needs.
fn need<T>(at: &'static str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| FIELD_MISSING.at(at, format!("this kind of member needs `{}`", &at[1..])))
}

impl<'a> Member<'a> for MemberBody<'a> {
    const LIST: &'static str = "members";

    fn add(self, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        match self.kind()? {
            MemberKind::Entry => self.into_entry()?.add(into),
            MemberKind::Hold => self.into_hold()?.add(into),
            MemberKind::Account => self.into_account()?.add(into),
            MemberKind::Item => self.into_item()?.add(into),
            MemberKind::Capture => {
                let hold = need("/hold", self.hold)?;
                let body = CaptureBody { id: self.id, amount: self.amount, cause: self.cause };
                body.add((hold.hold_id("/hold")?, self.linked), into)
            }
            MemberKind::Release => {
                let hold = need("/hold", self.hold)?;
                let body = ReleaseBody { cause: self.cause };
                into.batch.push(&body.command(hold.hold_id("/hold")?, self.linked)?);
                into.named.push((hold.0, Tells::Amount));
                Ok(())
            }
            MemberKind::Move => {
                let item = need("/item", self.item)?;
                let name = need("/move", self.name)?;
                let (owner, arguments) = (self.owner, self.arguments);
                let body = MoveBody { id: self.id, name, owner, arguments, cause: self.cause };
                body.add((item.id("/item")?, self.linked), into)
            }
        }
    }
}

impl<'a> MemberBody<'a> {
    /// The kind, when it has no field of another one.
    fn kind(&self) -> Result<MemberKind, Refusal> {
        let Some((kind, name, fields)) = KINDS.iter().find(|(_, name, _)| *name == self.kind.0) else {
            let detail = format!("`{}` is no kind of member", shortened(&self.kind.0));
            return Err(KIND_UNSUPPORTED.at("/kind", detail));
        };
        let strange = self.given().into_iter().find(|(field, is_given)| *is_given && !fields.contains(field));
        match strange {
            None => Ok(*kind),
            Some((field, _)) => {
                let detail = format!("a member of kind {name} has no field `{field}`");
                Err(FIELD_UNEXPECTED.at(format!("/{field}"), detail))
            }
        }
    }

    /// Every field that not all kinds have, and whether it is given.
    fn given(&self) -> [(&'static str, bool); 19] {
        [
            ("id", self.id.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("amount", self.amount.is_some()),
            ("up_to", self.up_to.is_some()),
            ("expires_in_ms", self.expires_in_ms.is_some()),
            ("expires_at", self.expires_at.is_some()),
            ("refunds", self.refunds.is_some()),
            ("hold", self.hold.is_some()),
            ("asset", self.asset.is_some()),
            ("floor", self.floor.is_some()),
            ("ceiling", self.ceiling.is_some()),
            ("lots", self.lots.is_some()),
            ("machine", self.machine.is_some()),
            ("owner", self.owner.is_some()),
            ("attributes", self.attributes.is_some()),
            ("item", self.item.is_some()),
            ("move", self.name.is_some()),
            ("arguments", self.arguments.is_some()),
        ]
    }

    fn into_entry(self) -> Result<EntryBody<'a>, Refusal> {
        Ok(EntryBody {
            id: self.id,
            from: need("/from", self.from)?,
            to: need("/to", self.to)?,
            amount: need("/amount", self.amount)?,
            up_to: self.up_to,
            expires_in_ms: self.expires_in_ms,
            expires_at: self.expires_at,
            refunds: self.refunds,
            linked: self.linked,
            cause: self.cause,
        })
    }

    fn into_hold(self) -> Result<HoldBody<'a>, Refusal> {
        Ok(HoldBody {
            id: self.id,
            from: need("/from", self.from)?,
            to: need("/to", self.to)?,
            amount: need("/amount", self.amount)?,
            up_to: self.up_to,
            expires_in_ms: self.expires_in_ms,
            expires_at: self.expires_at,
            linked: self.linked,
            cause: self.cause,
        })
    }

    fn into_account(self) -> Result<AccountBody<'a>, Refusal> {
        Ok(AccountBody {
            id: need("/id", self.id)?,
            asset: need("/asset", self.asset)?,
            floor: self.floor,
            ceiling: self.ceiling,
            lots: self.lots,
            linked: self.linked,
            cause: self.cause,
        })
    }

    fn into_item(self) -> Result<ItemBody<'a>, Refusal> {
        Ok(ItemBody {
            id: self.id,
            machine: need("/machine", self.machine)?,
            owner: self.owner,
            attributes: self.attributes,
            linked: self.linked,
            cause: self.cause,
        })
    }
}
