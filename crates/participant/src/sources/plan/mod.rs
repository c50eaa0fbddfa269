//! Decides where a key's books are: the declared sources, and the rules that place a key at one of them.
//!
//! Pure: no I/O, no clock, no randomness. The same text and the same key give the same place, in every process and for
//! ever; the order of the sources in the text means nothing, the order of the rules does. What no rule places is an
//! error and never goes to a source of last resort.
//!
//! ```
//! use participant::sources::plan::{Access, Key, Plan};
//!
//! let text = r#"
//!     [[source]]
//!     name = "a"
//!     url = "postgres://db-a/shop"
//!     [[source]]
//!     name = "b"
//!     url = "postgres://db-b/shop"
//!     [[rule]]
//!     name = "orders"
//!     service = "orders"
//!     hash = { slots = 16, parts = [{ slots = "0-7", to = "a" }, { slots = "8-15", to = "b" }] }
//! "#;
//! let plan = Plan::parse(text, |_| None)?;
//! let place = plan.place(&Key::of("orders").shard("user-42"), Access::Write)?;
//! assert_eq!(place.primary().name(), "b");
//! assert!(plan.place(&Key::of("stock").shard("user-42"), Access::Write).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Read next: `key.rs`, `rule.rs` (how a rule places), `slot.rs` (the hash), `file.rs` (the text), `check.rs`, `reading.rs`.

mod check;
mod declared;
mod file;
mod key;
mod problem;
mod reading;
mod rule;
mod slot;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use declared::{Declared, Drain, Health, Role, Url};
pub use key::{Access, Key, Looked, Shard, Unmatched};
pub use problem::{PlanFault, Problem};
pub use slot::{SLOTS_MAX, slot};

use std::collections::BTreeSet;

use rule::{Placing, Rule, Target};

/// Sources and rules that fit together.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In the order of their names.
    sources: Vec<Declared>,
    rules: Vec<Rule>,
    health: Health,
}

/// Where a key's books are.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    plan: &'p Plan,
    rule: &'p Rule,
    target: &'p Target,
}

impl Plan {
    /// Reads a plan. `secret` answers what a `url_env` names, for instance `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place and how to mend it. A URL is never shown.
    pub fn parse(text: &str, secret: impl Fn(&str) -> Option<String>) -> Result<Plan, PlanFault> {
        reading::read(text, &secret)
    }

    /// The place of a key's books.
    ///
    /// # Errors
    /// No rule places it; which rules were looked at, and why each does not.
    pub fn place(&self, key: &Key, access: Access) -> Result<Place<'_>, Unmatched> {
        let mut looked = Vec::new();
        for rule in &self.rules {
            let why = match rule.place(key, access) {
                Placing::At(target) => return Ok(Place { plan: self, rule, target }),
                Placing::Passes(why) => why,
                Placing::Refuses(why) => {
                    looked.push(Looked { rule: rule.name.clone(), why });
                    break;
                }
            };
            looked.push(Looked { rule: rule.name.clone(), why });
        }
        Err(Unmatched { key: key.clone(), access, looked })
    }

    /// All sources, in the order of their names.
    #[must_use]
    pub fn sources(&self) -> &[Declared] {
        &self.sources
    }

    /// The source of that name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Declared> {
        self.at(name).and_then(|at| self.sources.get(at))
    }

    /// The primaries that the rules can place something of this service at, in the order of their names.
    #[must_use]
    pub fn primaries_of(&self, service: &str) -> Vec<&Declared> {
        let of_it = |rule: &&Rule| rule.service.as_deref().is_none_or(|own| own == service);
        let writes = |rule: &&Rule| rule.access != Some(Access::Read);
        let rules = self.rules.iter().filter(of_it).filter(writes);
        let places: BTreeSet<usize> = rules.flat_map(Rule::targets).map(|target| target.primary).collect();
        places.into_iter().filter_map(|at| self.sources.get(at)).collect()
    }

    /// How the sources are looked after.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health
    }

    pub(crate) fn at(&self, name: &str) -> Option<usize> {
        self.sources.binary_search_by(|source| source.name.as_str().cmp(name)).ok()
    }
}

impl<'p> Place<'p> {
    /// The rule that places it.
    #[must_use]
    pub fn rule(&self) -> &'p str {
        &self.rule.name
    }

    /// Where it is written, and where its barrier's row is.
    #[must_use]
    pub fn primary(&self) -> &'p Declared {
        &self.plan.sources[self.target.primary]
    }

    /// The replicas that may be read, in the order of their names.
    pub fn replicas(&self) -> impl Iterator<Item = &'p Declared> {
        let Place { plan, target, .. } = *self;
        target.replicas.iter().map(move |at| &plan.sources[*at])
    }

    pub(crate) fn primary_at(&self) -> usize {
        self.target.primary
    }

    pub(crate) fn replicas_at(&self) -> &'p [usize] {
        &self.target.replicas
    }
}
