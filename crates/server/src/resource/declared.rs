//! The file of sources and resources: its shapes, and what is made of them.
//!
//! Read strictly: an unknown key, a statement that can't be compiled or a source that is not there keeps the server from
//! starting, with the place of the fault. Never shows a URL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use participant::sources::plan::{Plan, Role};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::meters::ResourceMeters;
use super::parameters::Type;
use super::redis::RedisResource;
use super::sql::{Placed, Route, Source, SqlResource};
use super::{Resource, ResourceFault, Resources};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared<'a> {
    #[serde(default)]
    sources: BTreeMap<String, SourceBody>,
    rules: Option<RulesBody>,
    #[serde(default, borrow)]
    resources: BTreeMap<String, &'a RawValue>,
}

/// Sources and rules of a file that services have too, and what of a source only the server knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesBody {
    file: PathBuf,
    #[serde(default)]
    create_schema: bool,
    #[serde(default = "keep_days")]
    keep_days: u64,
}

/// What of the surroundings a file of resources may look at.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Where a resource keeps what it must remember.
    pub folder: &'a Path,
    /// Where the file itself is: a file that it names is looked for beside it.
    pub beside: &'a Path,
    /// What a variable of the environment holds: a plan may name one for a URL.
    pub secret: &'a dyn Fn(&str) -> Option<String>,
}

/// A source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceBody {
    /// Where, and as whom.
    pub(super) url: String,
    /// Connections at most.
    #[serde(default = "connections")]
    pub(super) max_connections: u32,
    /// Whether the barrier's table is made where it is missing.
    #[serde(default)]
    pub(super) create_schema: bool,
    /// How long rows of the barrier are kept; 0: for ever.
    #[serde(default = "keep_days")]
    pub(super) keep_days: u64,
}

fn connections() -> u32 {
    16
}

fn keep_days() -> u64 {
    30
}

/// What a resource is, before its other keys are read.
#[derive(Deserialize)]
struct Kinded<'a> {
    #[serde(borrow)]
    kind: Option<std::borrow::Cow<'a, str>>,
}

/// A `sql` resource.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlBody {
    #[serde(rename = "kind")]
    _kind: Option<String>,
    /// Where the table is; without it the rules say so.
    pub(super) source: Option<String>,
    /// What the rules know the resource as; its name, if nothing else.
    pub(super) service: Option<String>,
    /// The parameters that are tenant and shard's key.
    pub(super) tenant: Option<Arc<str>>,
    pub(super) shard: Option<Arc<str>>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<Arc<str>, Type>,
    #[serde(rename = "try")]
    pub(super) attempt: Option<OneOrMore<StepBody>>,
    pub(super) confirm: Option<OneOrMore<StepBody>>,
    pub(super) cancel: Option<OneOrMore<StepBody>>,
    pub(super) action: Option<OneOrMore<StepBody>>,
    pub(super) compensate: Option<OneOrMore<StepBody>>,
    pub(super) deliver: Option<OneOrMore<StepBody>>,
}

/// A `redis` resource.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedisBody {
    #[serde(rename = "kind")]
    _kind: String,
    pub(super) url: String,
    /// What all keys begin with.
    pub(super) prefix: Option<String>,
    /// How often Redis is compared with the journal.
    #[serde(default = "every_ms")]
    pub(super) every_ms: u64,
    /// How long records of branches stay that are settled.
    #[serde(default = "keep_days")]
    pub(super) keep_days: u64,
}

fn every_ms() -> u64 {
    60_000
}

/// One statement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepBody {
    pub(super) sql: String,
    pub(super) rows: Option<u64>,
    pub(super) refusal: Option<String>,
}

/// One, or a list.
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = OneOrMore<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table or a list of tables")
            }
            fn visit_map<A: MapAccess<'de>>(self, one: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(one)).map(|one| OneOrMore(vec![one]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, more: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(more)).map(OneOrMore)
            }
        }
        deserializer.deserialize_any(Reads(PhantomData))
    }
}

impl Resources {
    /// What a file declares, as JSON text. Begins to watch the sources on `runtime`.
    ///
    /// # Errors
    /// The first thing wrong, with its place.
    pub fn declared(json: &str, around: Around<'_>, runtime: &Handle) -> Result<Resources, ResourceFault> {
        // Pools begin tasks of their own.
        let _within = runtime.enter();
        let declared: Declared<'_> = read("", json)?;
        let sources = DeclaredSources::new(declared.sources, declared.rules, around)?;
        let mut by_name: BTreeMap<String, Arc<dyn Resource>> = BTreeMap::new();
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let meters = Arc::new(ResourceMeters::default());
        for (name, body) in declared.resources {
            let at = format!("/resources/{name}");
            check_name(&at, &name)?;
            match Body::read(&at, body.get())? {
                Body::Sql(body) => {
                    let route = sources.route(&name, &body).map_err(|fault| inside(&at, fault))?;
                    let resource = SqlResource::new(body, route).map_err(|fault| inside(&at, fault))?;
                    for source in resource.sources() {
                        tables.entry(source.name().to_owned()).or_default().extend(resource.tables());
                    }
                    by_name.insert(name, Arc::new(resource));
                }
                Body::Redis(body) => {
                    let beside = (around.folder.join(format!("{name}.json")), Arc::clone(&meters));
                    let resource =
                        RedisResource::new(&name, &body, beside).map_err(|why| ResourceFault { at, why })?;
                    by_name.insert(name, Arc::new(resource));
                }
            }
        }
        for (name, source) in sources.by_name {
            let tables = tables.remove(&name).unwrap_or_default().into_iter().collect();
            runtime.spawn(Arc::clone(&source).watch(tables, Arc::clone(&meters)));
            runtime.spawn(source.clean());
        }
        Ok(Resources { by_name: Arc::new(by_name), meters })
    }
}

/// The sources of the file, and those of the plan that it names.
struct DeclaredSources {
    by_name: BTreeMap<String, Arc<Source>>,
    plan: Option<Arc<Plan>>,
}

impl DeclaredSources {
    fn new(
        declared: BTreeMap<String, SourceBody>,
        rules: Option<RulesBody>,
        around: Around<'_>,
    ) -> Result<DeclaredSources, ResourceFault> {
        let mut sources = DeclaredSources { by_name: BTreeMap::new(), plan: None };
        for (name, body) in declared {
            let at = format!("/sources/{name}");
            check_name(&at, &name)?;
            sources.add(&name, &body).map_err(|why| ResourceFault { at, why })?;
        }
        if let Some(rules) = rules {
            let refused = |why: String| ResourceFault { at: "/rules/file".to_owned(), why };
            let path = around.beside.join(&rules.file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| refused(format!("{}: {error}", path.display())))?;
            let plan = Plan::parse(&text, around.secret).map_err(|fault| refused(fault.to_string()))?;
            for declared in plan.sources().iter().filter(|source| source.role() == Role::Primary) {
                let body = SourceBody {
                    url: declared.url().reveal().to_owned(),
                    max_connections: declared.max_connections(),
                    create_schema: rules.create_schema,
                    keep_days: rules.keep_days,
                };
                let named = |why: String| refused(format!("source {}: {why}", declared.name()));
                sources.add(declared.name(), &body).map_err(named)?;
            }
            sources.plan = Some(Arc::new(plan));
        }
        Ok(sources)
    }

    fn add(&mut self, name: &str, body: &SourceBody) -> Result<(), String> {
        let source = Source::new(name, body)?;
        match self.by_name.insert(name.to_owned(), Arc::new(source)) {
            None => Ok(()),
            Some(_) => Err("another source has this name".to_owned()),
        }
    }

    /// How a resource finds its source; the place of a fault begins at the resource.
    fn route(&self, name: &str, body: &SqlBody) -> Result<Route, ResourceFault> {
        match (&body.source, &self.plan) {
            (Some(source), _) => self.one(source, body),
            (None, Some(plan)) => self.placed(plan, name, body),
            (None, None) => Err(fault("/source", "it names no source, and there are no rules to place it")),
        }
    }

    fn one(&self, source: &str, body: &SqlBody) -> Result<Route, ResourceFault> {
        if body.service.is_some() || body.tenant.is_some() || body.shard.is_some() {
            return Err(fault(
                "/source",
                "service, tenant and shard are for rules: leave source out, or them",
            ));
        }
        let found = self.by_name.get(source).cloned().map(Route::One);
        found.ok_or_else(|| fault("/source", format!("no source {source} is declared")))
    }

    fn placed(&self, plan: &Arc<Plan>, name: &str, body: &SqlBody) -> Result<Route, ResourceFault> {
        let service = body.service.clone().unwrap_or_else(|| name.to_owned());
        let leads_to = plan.primaries_of(&service).into_iter();
        let sources: BTreeMap<String, Arc<Source>> = leads_to
            .filter_map(|source| self.by_name.get_key_value(source.name()))
            .map(|(name, source)| (name.clone(), Arc::clone(source)))
            .collect();
        if sources.is_empty() {
            return Err(fault("/service", format!("no rule is for the service {service:?}")));
        }
        let (tenant, shard) = (body.tenant.clone(), body.shard.clone());
        Ok(Route::Placed(Placed { plan: Arc::clone(plan), service, tenant, shard, sources }))
    }
}

fn fault(at: &str, why: impl Into<String>) -> ResourceFault {
    ResourceFault { at: at.to_owned(), why: why.into() }
}

/// A resource of whichever kind.
enum Body {
    Sql(SqlBody),
    Redis(RedisBody),
}

impl Body {
    fn read(at: &str, json: &str) -> Result<Body, ResourceFault> {
        let kinded: Kinded<'_> = read(at, json)?;
        match kinded.kind.as_deref().unwrap_or("sql") {
            "sql" => read(at, json).map(Body::Sql),
            "redis" => read(at, json).map(Body::Redis),
            kind => {
                let why = format!("{kind:?} is no kind of resource: use sql or redis");
                Err(ResourceFault { at: format!("{at}/kind"), why })
            }
        }
    }
}

fn read<'a, T: Deserialize<'a>>(at: &str, json: &'a str) -> Result<T, ResourceFault> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { format!("/{}", place.replace('.', "/")) };
        // serde names the value that does not fit: of a URL that would be a secret, and it can only be a text there.
        let why = error.inner().to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        ResourceFault { at: format!("{at}{place}"), why: why.to_owned() }
    })
}

fn inside(at: &str, fault: ResourceFault) -> ResourceFault {
    ResourceFault { at: format!("{at}{}", fault.at), why: fault.why }
}

/// A name is a part of URLs, logs and metrics.
fn check_name(at: &str, name: &str) -> Result<(), ResourceFault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(ResourceFault {
        at: at.to_owned(),
        why: "a name has 1 to 64 of the characters A-Z a-z 0-9 _ - .".to_owned(),
    })
}
