//! Where the rows of a branch are: always at one source, or at the source where the rules of a plan place it.
//!
//! Try, confirm and cancel of a branch have the same parameters, so the same place, while the rules stay as they are. A
//! branch that no rule places is refused when its transaction begins; there is no source of last resort.

use std::collections::BTreeMap;
use std::sync::Arc;

use participant::sources::plan::{Access, Key, Plan, Shard, Unmatched};

use super::super::parameters::{Type, Types, Value, Values};
use super::source::Source;
use super::text::Grammar;

/// How a resource finds the source of a branch.
pub(in crate::resource) enum Route {
    /// It is this one.
    One(Arc<Source>),
    /// The rules say which.
    Placed(Placed),
}

/// What the rules are asked with.
pub(in crate::resource) struct Placed {
    pub(in crate::resource) plan: Arc<Plan>,
    pub(in crate::resource) service: String,
    /// The parameters that are tenant and shard's key.
    pub(in crate::resource) tenant: Option<Arc<str>>,
    pub(in crate::resource) shard: Option<Arc<str>>,
    /// Those that the rules can lead to, by name; not empty.
    pub(in crate::resource) sources: BTreeMap<String, Arc<Source>>,
}

impl Route {
    /// The source of a branch with these values.
    pub(super) fn source(&self, values: &Values) -> Result<&Arc<Source>, Unmatched> {
        let placed = match self {
            Route::One(source) => return Ok(source),
            Route::Placed(placed) => placed,
        };
        let key = placed.key(values);
        let place = placed.plan.place(&key, Access::Write)?;
        let source = placed.sources.get(place.primary().name());
        source.ok_or_else(|| Unmatched { key: key.clone(), access: Access::Write, looked: Vec::new() })
    }

    /// Every source that a branch may be at.
    pub(in crate::resource) fn every(&self) -> Vec<&Arc<Source>> {
        match self {
            Route::One(source) => vec![source],
            Route::Placed(placed) => placed.sources.values().collect(),
        }
    }

    /// How statements are read at all of them; `None`: they are of several kinds.
    pub(super) fn grammar(&self) -> Option<Grammar> {
        let mut grammars = self.every().into_iter().map(|source| source.grammar());
        let first = grammars.next()?;
        grammars.all(|grammar| grammar == first).then_some(first)
    }

    /// What is wrong with the parameters that it looks at.
    pub(super) fn fits(&self, types: &Types) -> Result<(), (&'static str, String)> {
        let Route::Placed(placed) = self else { return Ok(()) };
        for (at, name) in [("/tenant", &placed.tenant), ("/shard", &placed.shard)] {
            let Some(name) = name else { continue };
            match (at, types.get(name)) {
                ("/tenant", Some(Type::Text)) | ("/shard", Some(Type::Text | Type::Integer)) => {}
                (_, Some(_)) => {
                    return Err((at, format!("the parameter {name} is of a type that is no key")));
                }
                (_, None) => return Err((at, format!("no parameter {name} is declared"))),
            }
        }
        Ok(())
    }

    /// Whether a parameter says where a branch is.
    pub(super) fn looks_at(&self, name: &str) -> bool {
        let Route::Placed(placed) = self else { return false };
        [&placed.tenant, &placed.shard].into_iter().flatten().any(|own| **own == *name)
    }
}

impl Placed {
    fn key(&self, values: &Values) -> Key {
        let value = |name: &Option<Arc<str>>| name.as_ref().and_then(|name| values.get(name));
        let mut key = Key::of(&*self.service);
        if let Some(Value::Text(tenant)) = value(&self.tenant) {
            key = key.tenant(tenant.as_str());
        }
        match value(&self.shard) {
            Some(Value::Text(text)) => key.shard(Shard::Text(text.clone())),
            Some(Value::Integer(number)) => key.shard(Shard::Number(*number)),
            Some(Value::Boolean(_)) | None => key,
        }
    }
}
