//! A branch as it is asked for: one participant's share, of a kind that its pattern has.

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;

use super::begin::{Message, Saga, Tcc, millis};
use crate::client::Fault;
use crate::proto;
use crate::proto::attribute::Value;
use crate::proto::branch::Kind;

/// A branch of a transaction of pattern `P`; made by the functions of [`Branch`].
#[derive(Clone, Debug, PartialEq)]
pub struct Branch<P> {
    asked: Asked,
    pattern: PhantomData<P>,
}

/// No pattern yet: the first URL says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbound;

/// The patterns that wait for an outside fact.
pub trait Waits {}
impl Waits for Tcc {}
impl Waits for Saga {}

/// A branch without its pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) after: Vec<String>,
    pub(super) kind: Kind,
}

/// What a coordinator can itself be the participant of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A table behind declared SQL statements.
    Sql,
    /// A counter in Redis.
    Redis,
}

/// HTTP calls to a participant.
#[derive(Clone, Debug, PartialEq)]
pub struct Call<P> {
    id: String,
    after: Vec<String>,
    call: proto::CallBranch,
    pattern: PhantomData<P>,
}

/// Holds in the ledger: all legs or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    id: String,
    after: Vec<String>,
    legs: Vec<proto::HoldLeg>,
}

/// Moves of an item of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    id: String,
    after: Vec<String>,
    item: proto::ItemBranch,
}

impl Branch<Unbound> {
    /// HTTP calls to a participant; the URLs say of which pattern.
    #[must_use]
    pub fn call(id: impl Into<String>) -> Call<Unbound> {
        let call = proto::CallBranch::default();
        Call { id: id.into(), after: Vec::new(), call, pattern: PhantomData }
    }

    /// A hold of `amount`, a decimal in the asset's scale, of `from` for `to`.
    #[must_use]
    pub fn hold(
        id: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
        amount: impl Into<String>,
    ) -> Hold {
        Hold { id: id.into(), after: Vec::new(), legs: Vec::new() }.leg(from, to, amount)
    }

    /// Moves of an item.
    #[must_use]
    pub fn item(id: impl Into<String>, item: impl Into<String>) -> Item {
        let item = proto::ItemBranch { item: item.into(), ..proto::ItemBranch::default() };
        Item { id: id.into(), after: Vec::new(), item }
    }

    /// Tried when an outside fact is signalled.
    #[must_use]
    pub fn await_<P: Waits>(id: impl Into<String>) -> Branch<P> {
        let kind = Kind::Await(proto::AwaitBranch {});
        Branch::of(id.into(), Vec::new(), kind)
    }

    /// A resource that the coordinator declares, with its parameters: an object of texts, whole numbers and flags.
    ///
    /// # Errors
    /// When the parameters cannot be written as JSON.
    pub fn resource(
        id: impl Into<String>,
        kind: Resource,
        name: impl Into<String>,
        parameters: &impl Serialize,
    ) -> Result<Branch<Tcc>, Fault> {
        let (resource, parameters) = (name.into(), json(parameters)?);
        let branch = proto::ResourceBranch { resource, parameters, timeout_ms: None };
        let kind = match kind {
            Resource::Sql => Kind::Sql(branch),
            Resource::Redis => Kind::Redis(branch),
        };
        Ok(Branch::of(id.into(), Vec::new(), kind))
    }
}

impl<P> Branch<P> {
    fn of(id: String, after: Vec<String>, kind: Kind) -> Branch<P> {
        Branch { asked: Asked { id, after, kind }, pattern: PhantomData }
    }

    /// A branch, by id, that must be tried before this one.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Branch<P> {
        self.asked.after.push(id.into());
        self
    }

    pub(super) fn into_asked(self) -> Asked {
        self.asked
    }
}

impl Call<Unbound> {
    /// The URL that tries.
    #[must_use]
    pub fn try_(self, url: impl Into<String>) -> Call<Tcc> {
        self.bound(|call| call.r#try = url.into())
    }

    /// The URL that confirms what the initiator itself tries.
    #[must_use]
    pub fn confirm(self, url: impl Into<String>) -> Call<Tcc> {
        self.bound(|call| call.confirm = url.into())
    }

    /// The URL that acts.
    #[must_use]
    pub fn action(self, url: impl Into<String>) -> Call<Saga> {
        self.bound(|call| call.action = url.into())
    }

    /// The URL that compensates what the initiator itself does.
    #[must_use]
    pub fn compensate(self, url: impl Into<String>) -> Call<Saga> {
        self.bound(|call| call.compensate = url.into())
    }

    /// The URL that it is delivered to.
    #[must_use]
    pub fn deliver(self, url: impl Into<String>) -> Call<Message> {
        self.bound(|call| call.deliver = url.into())
    }

    fn bound<P>(mut self, put: impl FnOnce(&mut proto::CallBranch)) -> Call<P> {
        put(&mut self.call);
        Call { id: self.id, after: self.after, call: self.call, pattern: PhantomData }
    }
}

impl Call<Tcc> {
    /// The URL that confirms.
    #[must_use]
    pub fn confirm(mut self, url: impl Into<String>) -> Call<Tcc> {
        self.call.confirm = url.into();
        self
    }

    /// The URL that cancels.
    #[must_use]
    pub fn cancel(mut self, url: impl Into<String>) -> Call<Tcc> {
        self.call.cancel = url.into();
        self
    }
}

impl Call<Saga> {
    /// The URL that compensates; without one there is nothing to undo.
    #[must_use]
    pub fn compensate(mut self, url: impl Into<String>) -> Call<Saga> {
        self.call.compensate = url.into();
        self
    }
}

impl<P> Call<P> {
    /// What every call has as its body.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn body(mut self, body: &impl Serialize) -> Result<Call<P>, Fault> {
        self.call.body = json(body)?;
        Ok(self)
    }

    /// An extra header of every call.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Call<P> {
        self.call.headers.push(proto::Label { key: name.into(), value: value.into() });
        self
    }

    /// Bounds one call; 3 s unless given.
    #[must_use]
    pub fn timeout(mut self, within: Duration) -> Call<P> {
        self.call.timeout_ms = Some(millis(within));
        self
    }

    /// Later operations get what the first one answered, beside the body.
    #[must_use]
    pub fn pass_result(mut self) -> Call<P> {
        self.call.pass_result = true;
        self
    }

    /// A branch, by id, that must be tried before this one.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Call<P> {
        self.after.push(id.into());
        self
    }
}

impl Hold {
    /// One more hold of the branch, of any asset.
    #[must_use]
    pub fn leg(mut self, from: impl Into<String>, to: impl Into<String>, amount: impl Into<String>) -> Hold {
        let (from, to, amount) = (from.into(), to.into(), amount.into());
        self.legs.push(proto::HoldLeg { from, to, amount, up_to: false });
        self
    }

    /// Of the last leg, as much as is available will do.
    #[must_use]
    pub fn up_to(mut self) -> Hold {
        if let Some(leg) = self.legs.last_mut() {
            leg.up_to = true;
        }
        self
    }

    /// A branch, by id, that must be tried before this one.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Hold {
        self.after.push(id.into());
        self
    }
}

impl Item {
    /// The move that tries.
    #[must_use]
    pub fn try_(mut self, name: impl Into<String>) -> Item {
        self.item.r#try = name.into();
        self
    }

    /// The move that confirms.
    #[must_use]
    pub fn confirm(mut self, name: impl Into<String>) -> Item {
        self.item.confirm = name.into();
        self
    }

    /// The move that cancels.
    #[must_use]
    pub fn cancel(mut self, name: impl Into<String>) -> Item {
        self.item.cancel = name.into();
        self
    }

    /// On whose behalf; the `owner` guard compares it.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Item {
        self.item.owner = owner.into();
        self
    }

    /// What guards compare an attribute with: a text, a whole number or a flag.
    #[must_use]
    pub fn argument(mut self, key: impl Into<String>, value: Value) -> Item {
        self.item.arguments.push(proto::Attribute { key: key.into(), value: Some(value) });
        self
    }

    /// A branch, by id, that must be tried before this one.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Item {
        self.after.push(id.into());
        self
    }
}

impl<P> From<Call<P>> for Branch<P> {
    fn from(call: Call<P>) -> Branch<P> {
        Branch::of(call.id, call.after, Kind::Call(call.call))
    }
}

impl From<Hold> for Branch<Tcc> {
    fn from(hold: Hold) -> Branch<Tcc> {
        let kind = Kind::Hold(proto::HoldBranch { legs: hold.legs });
        Branch::of(hold.id, hold.after, kind)
    }
}

impl From<Item> for Branch<Tcc> {
    fn from(item: Item) -> Branch<Tcc> {
        Branch::of(item.id, item.after, Kind::Item(item.item))
    }
}

/// A value as JSON text.
pub(super) fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Setting(format!("it cannot be JSON: {error}")))
}
