//! The file of sources and resources: its shapes, and what is made of them.
//!
//! Read strictly: an unknown key, a statement that can't be compiled or a source that is not there keeps the server from
//! starting, with the place of the fault. Never shows a URL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::meters::ResourceMeters;
use super::parameters::Type;
use super::redis::RedisResource;
use super::sql::{Source, SqlResource};
use super::{Resource, ResourceFault, Resources};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared<'a> {
    #[serde(default)]
    sources: BTreeMap<String, SourceBody>,
    #[serde(default, borrow)]
    resources: BTreeMap<String, &'a RawValue>,
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
    pub(super) source: String,
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
    /// What a file declares, as JSON text; what a resource must remember is in `folder`. Begins to watch the sources on
    /// `runtime`.
    ///
    /// # Errors
    /// The first thing wrong, with its place.
    pub fn declared(json: &str, folder: &Path, runtime: &Handle) -> Result<Resources, ResourceFault> {
        // Pools begin tasks of their own.
        let _within = runtime.enter();
        let declared: Declared<'_> = read("", json)?;
        let mut sources = BTreeMap::new();
        for (name, body) in &declared.sources {
            let at = format!("/sources/{name}");
            check_name(&at, name)?;
            let source = Source::new(name, body).map_err(|why| ResourceFault { at, why })?;
            sources.insert(name.as_str(), Arc::new(source));
        }
        let mut by_name: BTreeMap<String, Arc<dyn Resource>> = BTreeMap::new();
        let mut tables: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let meters = Arc::new(ResourceMeters::default());
        for (name, body) in declared.resources {
            let at = format!("/resources/{name}");
            check_name(&at, &name)?;
            let body = match Body::read(&at, body.get())? {
                Body::Sql(body) => body,
                Body::Redis(body) => {
                    let beside = (folder.join(format!("{name}.json")), Arc::clone(&meters));
                    let resource =
                        RedisResource::new(&name, &body, beside).map_err(|why| ResourceFault { at, why })?;
                    by_name.insert(name, Arc::new(resource));
                    continue;
                }
            };
            let Some((source_name, source)) = sources.get_key_value(body.source.as_str()) else {
                let why = format!("no source {} is declared", body.source);
                return Err(ResourceFault { at: format!("{at}/source"), why });
            };
            let resource = SqlResource::new(body, Arc::clone(source)).map_err(|fault| inside(&at, fault))?;
            tables.entry(source_name).or_default().extend(resource.tables());
            by_name.insert(name, Arc::new(resource));
        }
        for (name, source) in sources {
            let tables = tables.remove(name).unwrap_or_default().into_iter().collect();
            runtime.spawn(Arc::clone(&source).watch(tables, Arc::clone(&meters)));
            runtime.spawn(source.clean());
        }
        Ok(Resources { by_name: Arc::new(by_name), meters })
    }
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
