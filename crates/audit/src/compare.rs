//! Holds the auditor's books against a ledger that folded the same events: every account, hold, item and machine.
//!
//! Only through the ledger's views, as any caller sees them. The first difference ends it, in words.

use ledger::{AccountView, HoldState, HoldView, ItemView, Ledger, Literal, Value};
use transaction::Time;

use crate::Audit;
use crate::accounts::Account;
use crate::holds::Hold;
use crate::items::Item;

impl Audit {
    /// Whether this ledger says what the books say.
    pub fn agrees(&self, ledger: &Ledger) -> Result<(), String> {
        let codes: Vec<_> = ledger.assets().into_iter().map(|asset| (asset.code, asset.scale)).collect();
        if !self
            .accounts
            .assets
            .iter()
            .map(|asset| (&*asset.code, asset.scale))
            .eq(codes.iter().map(|(code, scale)| (&**code, *scale)))
        {
            return Err(format!("the replayed ledger has other assets: {codes:?}"));
        }
        for (slot, account) in (0..).zip(&self.accounts.all) {
            let view = ledger.account(&account.id);
            self.account(slot, account, view.as_ref())
                .map_err(|what| differs("account", &account.id, &what))?;
        }
        let beyond = u32::try_from(self.accounts.all.len()).ok().and_then(|slot| ledger.account_id(slot));
        if let Some(id) = beyond {
            return Err(differs("account", id, "no event opened it"));
        }
        for hold in self.holds.open.values() {
            let view = ledger.hold(&hold.id);
            self.hold(hold, view.as_ref()).map_err(|what| differs("hold", &hold.id, &what))?;
        }
        for declared in &self.items.machines {
            let view = ledger.machine(&declared.machine.name, Some(declared.version));
            if view.is_none_or(|view| *view.machine != declared.machine) {
                return Err(differs("machine", &declared.machine.name, "it is missing or another"));
            }
        }
        for item in self.items.live.values() {
            let view = ledger.item(&item.id);
            self.item(item, view.as_ref()).map_err(|what| differs("item", &item.id, &what))?;
        }
        Ok(())
    }

    fn account(&self, slot: u32, account: &Account, view: Option<&AccountView>) -> Result<(), String> {
        let view = view.ok_or("it is missing")?;
        let sink = account.lots.as_ref().and_then(|lots| self.accounts.get(lots.sink).ok());
        let asset = self.accounts.assets.get(account.asset as usize);
        same(
            "asset",
            asset.map(|asset| (&*asset.code, asset.scale)),
            Some((&*view.asset.code, view.asset.scale)),
        )?;
        same("slot", slot, view.slot)?;
        same("floor", account.floor, view.floor)?;
        same("ceiling", account.ceiling, view.ceiling)?;
        same("standing", account.standing, view.standing)?;
        same("sink", sink.map(|sink| &*sink.id), view.sink.as_deref())?;
        same("posted", account.posted, view.posted)?;
        same("held", account.held, view.held)?;
        same("incoming", account.incoming, view.incoming)?;
        same("version", account.version, view.version)?;
        same("last event", account.last, view.last)?;
        let lots: Vec<_> =
            account.lots.iter().flat_map(|lots| &lots.lots).map(|(at, lot)| (*at, *lot)).collect();
        let never = Time(i64::MAX);
        let seen = view.lots.iter().map(|lot| (lot.expires_at.unwrap_or(never).0, (lot.free, lot.held)));
        same("lots", lots, seen.collect())
    }

    fn hold(&self, hold: &Hold, view: Option<&HoldView>) -> Result<(), String> {
        let view = view.ok_or("it is not open")?;
        let id = |slot| self.accounts.get(slot).map_or("", |account| &*account.id);
        same("state", HoldState::Held, view.state)?;
        same("accounts", (id(hold.from), id(hold.to)), (&*view.accounts.0, &*view.accounts.1))?;
        same("amount", hold.amount, view.amount)?;
        same("captured", hold.captured, view.captured)?;
        same("left", hold.left, view.left)?;
        same("expiry", hold.expires_at, view.expires_at)?;
        same("owned", hold.owned, view.owned)?;
        same("last event", hold.last, view.last)
    }

    fn item(&self, item: &Item, view: Option<&ItemView>) -> Result<(), String> {
        let view = view.ok_or("it is missing")?;
        let declared = self.items.machines.get(item.machine as usize).ok_or("its machine is missing")?;
        let state = declared.machine.states.get(usize::from(item.state)).ok_or("its state is missing")?;
        same("machine", (&*declared.machine.name, declared.version), (&*view.machine.0, view.machine.1))?;
        same("state", &*state.name, &*view.state)?;
        same("owner", item.owner.as_deref(), view.owner.as_deref())?;
        same("due", item.due, view.due)?;
        same("held", item.held.is_some(), view.held)?;
        same("version", item.version, view.version)?;
        same("last event", item.last, view.last)?;
        let attributes = item.attributes.iter().map(|(key, value)| (&**key, literal(value)));
        let seen = view.attributes.iter().map(|(key, value)| (&**key, value.clone()));
        same("attributes", attributes.collect::<Vec<_>>(), seen.collect())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what is compared is mostly copied")]
fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, seen: T) -> Result<(), String> {
    if expected == seen {
        return Ok(());
    }
    Err(format!("its {what} is {expected:?} by the events, {seen:?} in the replayed ledger"))
}

fn differs(what: &str, id: &str, why: &str) -> String {
    format!("{what} {id}: {why}")
}

fn literal(value: &Value<String>) -> Literal {
    match value {
        Value::Text(text) => Literal::Text(text.as_str().into()),
        Value::Integer(number) => Literal::Integer(*number),
        Value::Flag(flag) => Literal::Flag(*flag),
    }
}
