//! Resources: tables and counters that the server changes itself, so that a branch needs no service of its own.
//!
//! A `sql` or `redis` branch is kept as a call whose URLs are `sql:NAME` or `redis:NAME` and whose body is its
//! parameters, so engine and journal know nothing of it; `call/` hands such a call to [`Resources`] instead of the
//! network. Whatever keeps a resource from answering is *unknown*, never a refusal, and no address or parameter of it
//! is ever logged.
//!
//! Read next: `parameters.rs`, `declared.rs` (the file), then `sql/mod.rs`, `redis/mod.rs`.

#[cfg(feature = "resources")]
mod declared;
#[cfg(feature = "resources")]
mod meters;
#[cfg(feature = "resources")]
mod parameters;
#[cfg(feature = "resources")]
mod redis;
#[cfg(feature = "resources")]
mod sql;

#[cfg(feature = "resources")]
pub use declared::Around;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use engine::Engine;
use prometheus_client::registry::Registry;
use serde_json::{Value as Json, json};
use transaction::{Call, Kind, Pattern, Refusal, Reply};

use crate::refusal::RESOURCE_UNKNOWN;

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    /// Rows of a database.
    Sql,
    /// Counters in Redis.
    Redis,
}

impl ResourceKind {
    const ALL: [ResourceKind; 2] = [ResourceKind::Sql, ResourceKind::Redis];

    /// The kind of its branches, and the scheme of its URLs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ResourceKind::Sql => "sql",
            ResourceKind::Redis => "redis",
        }
    }

    /// The URL under which calls of the resource are kept.
    pub(crate) fn url(self, resource: &str) -> Arc<str> {
        Arc::from(format!("{}:{resource}", self.name()))
    }
}

/// The kind and the name of the resource that a URL stands for; `None`: it is one of the web.
pub(crate) fn of_url(url: &str) -> Option<(ResourceKind, &str)> {
    let (scheme, name) = url.split_once(':')?;
    if name.starts_with("//") {
        return None;
    }
    ResourceKind::ALL.into_iter().find(|kind| kind.name() == scheme).map(|kind| (kind, name))
}

/// How a kept kind is shown: its name, and the resource where it has one.
pub(crate) fn shown(kind: &Kind) -> (&'static str, Option<&str>) {
    let Kind::Call(call) = kind else { return (kind.name(), None) };
    let urls = &call.urls;
    let url = urls.attempt.as_ref().or(urls.confirm.as_ref()).or(urls.cancel.as_ref());
    match url.and_then(|url| of_url(url)) {
        Some((resource, name)) => (resource.name(), Some(name)),
        None => (kind.name(), None),
    }
}

/// A reply, with what must be kept until it is heard.
pub(crate) struct Carried {
    pub(crate) reply: Reply,
    /// Dropped by whoever has passed the reply on.
    pub(crate) place: Option<Box<dyn Send>>,
}

/// A reply under way.
type Replying<'a> = Pin<Box<dyn Future<Output = Carried> + Send + 'a>>;
/// A rebuild under way; in the end it says how the resource stands.
type Rebuilding<'a> = Pin<Box<dyn Future<Output = Result<Json, Refusal>> + Send + 'a>>;

/// Something declared that branches can be carried out on.
trait Resource: Send + Sync {
    fn kind(&self) -> ResourceKind;

    /// Whether it can be part of such a transaction; pointers of refusals begin at the branch.
    fn serves(&self, pattern: Pattern) -> Result<(), Refusal>;

    /// Whether a branch may have these parameters, a JSON object.
    fn fits(&self, parameters: &str) -> Result<(), Refusal>;

    /// Which operations of a branch have something to do, as the fields of the branch would say.
    fn compensates(&self) -> bool;

    /// Carries a call out. May be dropped at any time: nothing half done may stay then.
    fn carry_out<'a>(&'a self, call: &'a Call) -> Replying<'a>;

    /// Begins what goes on beside the calls.
    fn begin(self: Arc<Self>, engine: &Engine);

    /// How it stands, for an operator.
    fn stands(&self) -> Json;

    /// Fills it anew from the journal.
    fn rebuild(&self) -> Rebuilding<'_>;
}

/// Everything declared. Cheap to clone; the default has nothing.
#[derive(Clone, Default)]
pub struct Resources {
    by_name: Arc<BTreeMap<String, Arc<dyn Resource>>>,
    #[cfg(feature = "resources")]
    meters: Arc<meters::ResourceMeters>,
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// What is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
pub struct ResourceFault {
    /// Where, as a JSON pointer.
    pub at: String,
    /// In words.
    pub why: String,
}

impl Resources {
    /// The resource of this kind and name, fit for a branch of such a transaction.
    pub(crate) fn find(
        &self,
        kind: ResourceKind,
        name: &str,
        pattern: Pattern,
    ) -> Result<Found<'_>, Refusal> {
        let unknown = |detail: String| Err(RESOURCE_UNKNOWN.at("/resource", detail));
        match self.by_name.get(name) {
            None => unknown(format!("no resource {} is declared", crate::http::shortened(name))),
            Some(resource) if resource.kind() != kind => {
                unknown(format!("{name} is a {} resource, not {}", resource.kind().name(), kind.name()))
            }
            Some(resource) => resource.serves(pattern).map(|()| Found(&**resource)),
        }
    }

    /// Carries out a call whose URL stands for a resource; `None`: the call is one of the web.
    pub(crate) async fn carry_out(&self, call: &Call) -> Option<Carried> {
        let (kind, name) = of_url(&call.url)?;
        let Some(resource) = self.by_name.get(name).filter(|resource| resource.kind() == kind) else {
            let error = format!("the {} resource {name} is not declared any more", kind.name());
            let reply = Reply::Unknown { error: Arc::from(error) };
            return Some(Carried { reply, place: None });
        };
        let carried = resource.carry_out(call).await;
        #[cfg(feature = "resources")]
        self.meters.replied((name, call.operation), &carried.reply);
        Some(carried)
    }

    /// Begins what goes on beside the calls. To be called within the runtime.
    pub fn begin(&self, engine: &Engine) {
        self.by_name.values().for_each(|resource| Arc::clone(resource).begin(engine));
    }

    /// How the resource of this name stands.
    pub(crate) fn stands(&self, name: &str) -> Result<Json, Refusal> {
        let resource = self.named(name)?;
        Ok(json!({"name": name, "kind": resource.kind().name(), "stands": resource.stands()}))
    }

    /// Fills the resource of this name anew from the journal.
    pub(crate) async fn rebuild(&self, name: &str) -> Result<Json, Refusal> {
        let resource = self.named(name)?;
        let stands = resource.rebuild().await?;
        Ok(json!({"name": name, "kind": resource.kind().name(), "stands": stands}))
    }

    fn named(&self, name: &str) -> Result<&Arc<dyn Resource>, Refusal> {
        self.by_name
            .get(name)
            .ok_or_else(|| RESOURCE_UNKNOWN.because(format!("no resource {name} is declared")))
    }

    /// Names what is measured.
    pub(crate) fn register(&self, registry: &mut Registry) {
        #[cfg(feature = "resources")]
        self.meters.register(registry);
        #[cfg(not(feature = "resources"))]
        let _ = registry;
    }
}

/// A declared resource.
pub(crate) struct Found<'a>(&'a dyn Resource);

impl Found<'_> {
    /// Whether a branch may have these parameters.
    pub(crate) fn fits(&self, parameters: &str) -> Result<(), Refusal> {
        self.0.fits(parameters)
    }

    /// Whether it undoes an action of a saga.
    pub(crate) fn compensates(&self) -> bool {
        self.0.compensates()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_resources_and_of_the_web() {
        assert_eq!(of_url("sql:stock"), Some((ResourceKind::Sql, "stock")));
        assert_eq!(of_url("redis:hot"), Some((ResourceKind::Redis, "hot")));
        for web in ["http://a/try", "https://sql:1/redis:hot", "sql://a", "SQL:stock", "stock"] {
            assert_eq!(of_url(web), None, "{web}");
        }
        assert_eq!(of_url(&ResourceKind::Redis.url("hot")), Some((ResourceKind::Redis, "hot")));
    }
}
