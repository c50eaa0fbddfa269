//! Puts another plan in force: at once for what begins later; what is under way ends at the source where it began.
//!
//! A plan that is refused changes nothing. A source whose pool would be the same keeps it; of the others the old pool is
//! closed when its last user is done.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::plan::{Health, Plan, PlanFault, Role};
use super::source::{Shared, Source, options, settle};
use super::uses::Uses;
use super::{Current, Probe, SourceFault, Sources, locked, write};

/// What a reload did, by the sources' names.
#[derive(Debug)]
pub struct Reloaded {
    /// They are new.
    pub added: Vec<String>,
    /// They have another pool.
    pub changed: Vec<String>,
    /// They have the pool they had.
    pub kept: Vec<String>,
    /// They are gone.
    pub removed: Vec<String>,
    /// Tells when all is done that began by an earlier plan.
    pub drained: Drained,
}

/// Work that began by an earlier plan.
#[derive(Debug)]
pub struct Drained {
    earlier: Vec<Arc<Uses>>,
}

impl Drained {
    /// Returns once none of it is under way. From then on nothing can be written any more where an earlier plan said.
    pub async fn wait(&self) {
        for uses in &self.earlier {
            uses.idle().await;
        }
    }

    /// How much is under way.
    #[must_use]
    pub fn left(&self) -> usize {
        self.earlier.iter().map(|uses| uses.count()).sum()
    }
}

/// The sources of a plan.
pub(super) struct Made<D: Probe> {
    /// In the order of the plan.
    pub(super) all: Vec<Arc<Source<D>>>,
    fresh: Vec<Arc<Source<D>>>,
}

/// Makes the sources of a plan, and takes over of those before what stays as it is.
///
/// # Errors
/// All URLs that are none of this kind of database; then nothing was made.
pub(super) fn sources_of<D: Probe>(
    plan: &Plan,
    before: Option<&Current<D>>,
    health: &Arc<Mutex<Health>>,
) -> Result<Made<D>, PlanFault> {
    let (mut known, mut problems) = (BTreeMap::new(), Vec::new());
    for declared in plan.sources() {
        match options::<D>(declared) {
            Ok(options) => drop(known.insert(declared.name(), options)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(PlanFault(problems));
    }
    let old = |name: &str| before.and_then(|before| before.sources.iter().find(|it| &*it.name == name));
    let (mut made, mut fresh) = (BTreeMap::<&str, Arc<Source<D>>>::new(), Vec::new());
    let of = |role| plan.sources().iter().filter(move |declared| declared.role() == role);
    // Primaries first: a replica reads the marks of its own.
    for declared in of(Role::Primary).chain(of(Role::Replica)) {
        let old = old(declared.name());
        let marks = match declared.replica_of().and_then(|primary| made.get(primary)) {
            Some(primary) => Some(Arc::clone(&primary.marks)),
            None => old.filter(|old| old.declared.url() == declared.url()).map(|old| Arc::clone(&old.marks)),
        };
        let marks = marks.unwrap_or_default();
        let stays =
            |old: &&Arc<Source<D>>| old.declared.has_pool_of(declared) && Arc::ptr_eq(&old.marks, &marks);
        let source = match (old.filter(stays), known.remove(declared.name())) {
            (Some(old), _) => Arc::clone(old),
            (None, None) => continue,
            (None, Some(options)) => {
                let meters = old.map(|old| Arc::clone(&old.meters)).unwrap_or_default();
                let shared = Shared { meters, marks, health: Arc::clone(health) };
                let source = Source::begin(declared, options, shared);
                fresh.push(Arc::clone(&source));
                source
            }
        };
        made.insert(declared.name(), source);
    }
    // By name, as the plan's are.
    Ok(Made { all: made.into_values().collect(), fresh })
}

impl<D: Probe> Sources<D> {
    /// Puts another plan in force. New sources are looked at before; reloads wait for each other.
    ///
    /// # Errors
    /// A URL that is none of this kind of database; the plan before stays in force.
    pub async fn reload(&self, plan: Plan) -> Result<Reloaded, SourceFault> {
        let _one = self.inner.reloading.lock().await;
        let before = self.current();
        let made = sources_of(&plan, Some(&before), &self.inner.health)?;
        settle(&made.fresh).await;
        let names = |sources: &[Arc<Source<D>>], is: &dyn Fn(&Arc<Source<D>>) -> bool| -> Vec<String> {
            sources.iter().filter(|source| is(source)).map(|source| source.name.to_string()).collect()
        };
        let among = |sources: &[Arc<Source<D>>], one: &Arc<Source<D>>| {
            sources.iter().any(|source| Arc::ptr_eq(source, one))
        };
        let had = |source: &Arc<Source<D>>| before.sources.iter().any(|old| old.name == source.name);
        let (added, changed, kept, removed) = (
            names(&made.all, &|source| !had(source)),
            names(&made.all, &|source| had(source) && !among(&before.sources, source)),
            names(&made.all, &|source| among(&before.sources, source)),
            names(&before.sources, &|old| !made.all.iter().any(|source| source.name == old.name)),
        );
        let over: Vec<_> =
            before.sources.iter().filter(|old| !among(&made.all, old)).map(Arc::clone).collect();
        *locked(&self.inner.health) = plan.health();
        let current = Current { plan, sources: made.all, uses: Arc::default() };
        // Leases are taken under the same lock: from here on nobody takes one by the plan before.
        *write(&self.inner.current) = Arc::new(current);
        for source in over {
            tokio::spawn(source.drain());
        }
        let mut earlier = locked(&self.inner.earlier);
        earlier.push(Arc::clone(&before.uses));
        earlier.retain(|uses| uses.count() > 0);
        let drained = Drained { earlier: earlier.clone() };
        tracing::info!(?added, ?changed, ?removed, "another plan of the sources is in force");
        Ok(Reloaded { added, changed, kept, removed, drained })
    }

    /// Puts the plan of a file in force; a `url_env` of it is a variable of the environment.
    ///
    /// # Errors
    /// The file, all that is wrong with it; the plan before stays in force.
    pub async fn reload_from(&self, path: impl AsRef<Path>) -> Result<Reloaded, SourceFault> {
        self.reload(plan_of(path.as_ref())?).await
    }

    /// As [`Sources::open`], with the plan of a file.
    ///
    /// # Errors
    /// The file, all that is wrong with it.
    pub async fn open_from(path: impl AsRef<Path>) -> Result<Sources<D>, SourceFault> {
        Sources::open(plan_of(path.as_ref())?).await
    }
}

fn plan_of(path: &Path) -> Result<Plan, SourceFault> {
    let text = std::fs::read_to_string(path)
        .map_err(|fault| SourceFault::File { path: path.display().to_string(), fault })?;
    Ok(Plan::parse(&text, |name| std::env::var(name).ok())?)
}
