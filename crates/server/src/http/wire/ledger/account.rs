//! Accounts: to open and change, and as they stand or stood.

use engine::{AccountBounds, AccountThen};
use ledger::{AccountView, Adjust, Amount, Command, Floor, Open, Standing};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use transaction::{Refusal, Time};
use utoipa::ToSchema;

use super::cause::{CauseBody, Given, cause};
use super::members::{Gathered, Member, Members, Tells};
use super::scalar::{AmountBody, Units, Word, linked};
use crate::http::time::Stamp;
use crate::http::wire::scalar::Object;

/// Accounts to open, decided in order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Accounts)]
pub(in crate::http) struct AccountsBody<'a> {
    /// 1 to 8000.
    #[schema(value_type = Vec<AccountBody>, min_items = 1, max_items = 8000)]
    accounts: Members<'a, AccountBody<'a>>,
    /// Only see what would happen; nothing is kept.
    dry_run: Option<bool>,
}

/// An account to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Account)]
pub(in crate::http) struct AccountBody<'a> {
    /// Its id.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) id: Word<'a>,
    /// The code of its asset.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(super) asset: Word<'a>,
    /// `zero` (unless given): available may not fall below 0. `none`: issuers, merchants, sinks. Or a decimal string.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) floor: Option<AmountBody<'a>>,
    /// The most that may be posted and incoming; no bound unless given.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    pub(super) ceiling: Option<AmountBody<'a>>,
    /// It keeps lots: what comes in may expire, what goes out is spent first-expiring-first.
    #[serde(borrow)]
    #[schema(value_type = Option<LotsBody>)]
    pub(super) lots: Option<Object<LotsBody<'a>>>,
    /// Succeeds or fails together with the next one.
    pub(super) linked: Option<bool>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    pub(super) cause: Given<'a>,
}

/// How an account keeps lots.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Lots)]
pub(in crate::http) struct LotsBody<'a> {
    /// The account that what expires is posted to.
    #[serde(borrow)]
    #[schema(value_type = String)]
    sink: Word<'a>,
}

/// Changes an account; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Adjust)]
pub(in crate::http) struct AdjustBody<'a> {
    /// The id of this operation; without one the server makes a UUIDv7.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    id: Option<Word<'a>>,
    /// `zero`, `none` or a decimal string.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    floor: Option<AmountBody<'a>>,
    /// The most that may be posted and incoming; `null` removes the bound.
    #[serde(borrow, default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ceiling: Option<Option<AmountBody<'a>>>,
    /// Whether it takes part.
    standing: Option<StandingName>,
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = Option<CauseBody>)]
    cause: Given<'a>,
}

/// Whether an account takes part.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Standing)]
pub(in crate::http) enum StandingName {
    /// It does.
    Active,
    /// No new entries or holds; open holds may still be captured and released.
    Frozen,
    /// As frozen, and empty.
    Closed,
}

impl StandingName {
    fn of(standing: Standing) -> StandingName {
        match standing {
            Standing::Active => StandingName::Active,
            Standing::Frozen => StandingName::Frozen,
            Standing::Closed => StandingName::Closed,
        }
    }
}

/// A field that is there, be it `null`.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

fn floor<'t>(body: &'t AmountBody<'_>) -> Floor<Amount<&'t str>> {
    match body.amount() {
        Amount::Decimal("zero") => Floor::At(Amount::Units(0)),
        Amount::Decimal("none") => Floor::None,
        amount => Floor::At(amount),
    }
}

impl<'a> AccountsBody<'a> {
    /// The batch, and whether it is a dry run.
    pub(in crate::http) fn gathered(self) -> Result<(Gathered<'a>, Option<bool>), Refusal> {
        Ok((self.accounts.gathered()?, self.dry_run))
    }
}

impl<'a> Member<'a> for AccountBody<'a> {
    const LIST: &'static str = "accounts";

    fn add(self, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        let lots = self.lots.as_ref().map(|Object(lots)| lots.sink.id("/lots/sink")).transpose()?;
        into.batch.push(&Command::Open(Open {
            id: self.id.id("/id")?,
            asset: self.asset.id("/asset")?,
            floor: self.floor.as_ref().map_or(Floor::At(Amount::Units(0)), floor),
            ceiling: self.ceiling.as_ref().map(AmountBody::amount),
            lots,
            linked: linked(self.linked),
            cause: cause(&self.cause)?,
        }));
        into.named.push((self.id.0, Tells::Nothing));
        Ok(())
    }
}

impl<'a> AdjustBody<'a> {
    /// Adds the change of `account`.
    pub(in crate::http) fn add(self, account: &str, into: &mut Gathered<'a>) -> Result<(), Refusal> {
        let id = Gathered::id(self.id)?;
        into.batch.push(&Command::Adjust(Adjust {
            id: &id,
            account,
            floor: self.floor.as_ref().map(floor),
            ceiling: self.ceiling.as_ref().map(|ceiling| ceiling.as_ref().map(AmountBody::amount)),
            standing: self.standing.map(|name| match name {
                StandingName::Active => Standing::Active,
                StandingName::Frozen => Standing::Frozen,
                StandingName::Closed => Standing::Closed,
            }),
            cause: cause(&self.cause)?,
        }));
        into.named.push((id, Tells::Nothing));
        Ok(())
    }
}

/// An account as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountState)]
pub(in crate::http) struct AccountObject<'a> {
    /// Its id.
    id: &'a str,
    /// The code of its asset.
    asset: &'a str,
    /// `zero`, `none`, or the least that may be available.
    #[schema(value_type = String)]
    floor: FloorText,
    /// What came in less what went out.
    #[schema(value_type = String)]
    posted: Units,
    /// The sum of the open holds in it.
    #[schema(value_type = String)]
    held: Units,
    /// Posted less held.
    #[schema(value_type = String)]
    available: Units,
    /// How many events it has seen.
    version: u64,
    /// The sum of the open holds for it.
    #[schema(value_type = String)]
    incoming: Units,
    /// The most that may be posted and incoming.
    #[schema(value_type = Option<String>)]
    ceiling: Option<Units>,
    /// Whether it takes part.
    standing: StandingName,
    /// Its lots, if it keeps lots.
    lots: Option<LotsView<'a>>,
}

/// The lots of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = LotsState)]
pub(in crate::http) struct LotsView<'a> {
    /// The account that what expires is posted to.
    sink: &'a str,
    /// What is in it, first expiring first.
    open: Vec<LotView>,
}

/// A lot as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = LotState)]
pub(in crate::http) struct LotView {
    /// When it expires; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Stamp>,
    /// What can be spent of it.
    #[schema(value_type = String)]
    free: Units,
    /// What is held of it.
    #[schema(value_type = String)]
    held: Units,
}

/// An account as it stood.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountThen)]
pub(in crate::http) struct AccountThenObject<'a> {
    /// Its id.
    id: &'a str,
    /// The code of its asset.
    asset: &'a str,
    /// Its floor, as it stands now.
    #[schema(value_type = String)]
    floor: FloorText,
    /// What had come in less what had gone out.
    #[schema(value_type = String)]
    posted: Units,
    /// The sum of the holds that were open in it.
    #[schema(value_type = String)]
    held: Units,
    /// Posted less held.
    #[schema(value_type = String)]
    available: Units,
    /// How many events it had seen.
    version: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Stamp,
}

/// One page of accounts, in the order of opening.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountList)]
pub(in crate::http) struct AccountListView<'a> {
    /// The accounts.
    items: Vec<AccountObject<'a>>,
    /// The cursor of the next page; `null` at the end.
    next: Option<String>,
}

struct FloorText(Floor<i128>, u8);

impl Serialize for FloorText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Floor::None => serializer.serialize_str("none"),
            Floor::At(0) => serializer.serialize_str("zero"),
            Floor::At(units) => Units(units, self.1).serialize(serializer),
        }
    }
}

/// What bounds an account after a change.
#[derive(Serialize, ToSchema)]
pub(super) struct BoundsView {
    /// Its floor: `zero`, `none` or a decimal.
    #[schema(value_type = String)]
    floor: FloorText,
    /// Its ceiling, if it has one.
    #[schema(value_type = Option<String>)]
    ceiling: Option<Units>,
    /// Its standing.
    standing: StandingName,
}

impl BoundsView {
    /// The view of `bounds`, in the asset's scale.
    pub(super) fn of(bounds: AccountBounds, scale: u8) -> BoundsView {
        BoundsView {
            floor: FloorText(bounds.floor, scale),
            ceiling: bounds.ceiling.map(|units| Units(units, scale)),
            standing: StandingName::of(bounds.standing),
        }
    }
}

impl<'a> AccountObject<'a> {
    /// The object of `account`.
    pub(in crate::http) fn of(account: &'a AccountView) -> AccountObject<'a> {
        let scale = account.asset.scale;
        let lot = |lot: &ledger::LotView| LotView {
            expires_at: lot.expires_at.map(Stamp),
            free: Units(lot.free, scale),
            held: Units(lot.held, scale),
        };
        AccountObject {
            id: &account.id,
            asset: &account.asset.code,
            floor: FloorText(account.floor, scale),
            posted: Units(account.posted, scale),
            held: Units(account.held, scale),
            available: Units(account.available(), scale),
            version: account.version,
            incoming: Units(account.incoming, scale),
            ceiling: account.ceiling.map(|units| Units(units, scale)),
            standing: StandingName::of(account.standing),
            lots: account
                .sink
                .as_deref()
                .map(|sink| LotsView { sink, open: account.lots.iter().map(lot).collect() }),
        }
    }
}

impl<'a> AccountThenObject<'a> {
    /// The object of an account as it stood `at` a time.
    pub(in crate::http) fn of(account: &'a AccountThen, at: Time) -> AccountThenObject<'a> {
        let AccountThen { now, then } = account;
        let scale = now.asset.scale;
        AccountThenObject {
            id: &now.id,
            asset: &now.asset.code,
            floor: FloorText(now.floor, scale),
            posted: Units(then.posted, scale),
            held: Units(then.held, scale),
            available: Units(then.posted.saturating_sub(then.held), scale),
            version: then.version,
            at: Stamp(at),
        }
    }
}

impl<'a> AccountListView<'a> {
    /// The page of `accounts`, with the cursor of the next.
    pub(in crate::http) fn of(accounts: &'a [AccountView], next: Option<String>) -> AccountListView<'a> {
        AccountListView { items: accounts.iter().map(AccountObject::of).collect(), next }
    }
}
