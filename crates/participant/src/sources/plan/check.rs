//! Judges the declared sources: each by itself, and whether they fit together.

use std::collections::BTreeMap;
use std::time::Duration;

use super::declared::{Declared, Drain, Health, Role, Url};
use super::file::{HealthBody, RoleBody, SourceBody};
use super::problem::Problems;

/// Answers what a variable of the environment holds.
pub(super) type Secret<'s> = &'s dyn Fn(&str) -> Option<String>;

const NAME_MAX: usize = 64;
const CONNECTIONS_MAX: u32 = 10_000;
const WEIGHT_MAX: u32 = 1_000;
const MS_MAX: u64 = 3_600_000;
const REPLICAS_MAX: usize = 100;

/// The sources, in the order of their names, with where each stands in the text.
pub(super) fn sources(
    bodies: Vec<SourceBody>,
    secret: Secret<'_>,
    problems: &mut Problems<'_>,
) -> Vec<Declared> {
    let mut places = BTreeMap::new();
    let mut sources: Vec<Declared> = Vec::new();
    for body in bodies {
        let (place, at) = (format!("source {}", body.name.as_ref()), body.name.span().start);
        name(body.name.as_ref(), (&place, at), problems);
        if places.insert(body.name.as_ref().clone(), at).is_some() {
            problems.add((&place, at), "another source has this name", "give it a name of its own");
            continue;
        }
        sources.push(one(body, (&place, at), secret, problems));
    }
    if sources.is_empty() {
        problems.add_to_file("it declares no source", "add a table [[source]] with name and url");
    }
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    for source in &sources {
        let at = places.get(&source.name).copied().unwrap_or(0);
        together(source, &sources, at, problems);
    }
    sources
}

/// A name of a source or a rule.
pub(super) fn name(name: &str, place: (&str, usize), problems: &mut Problems<'_>) {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(known) {
        let mend = "use lower-case letters, digits, - and _; 64 at most";
        problems.add(place, "the name is none that metrics can carry", mend);
    }
}

fn one(body: SourceBody, place: (&str, usize), secret: Secret<'_>, problems: &mut Problems<'_>) -> Declared {
    let role = match body.role {
        Some(RoleBody::Replica) => Role::Replica,
        Some(RoleBody::Primary) | None => Role::Primary,
    };
    if role == Role::Primary && body.lag_max_ms.is_some() {
        problems.add(place, "a primary has no lag", "remove lag_max_ms, or make it role = \"replica\"");
    }
    let url = url(body.url, body.url_env, (place, secret), problems);
    let mut number = |name: &str, given: Option<u64>, (default, least, most): (u64, u64, u64)| {
        let given = given.unwrap_or(default);
        if !(least..=most).contains(&given) {
            problems.add(
                place,
                format!("{name} is {given}"),
                &format!("give a number from {least} to {most}"),
            );
        }
        given.clamp(least, most)
    };
    let connections = (10, 1, u64::from(CONNECTIONS_MAX));
    let max_connections = number("max_connections", body.max_connections.map(u64::from), connections);
    let weight = (u64::from(role == Role::Replica), 0, u64::from(WEIGHT_MAX));
    let weight = number("weight", body.weight.map(u64::from), weight);
    let acquire = number("acquire_timeout_ms", body.acquire_timeout_ms, (5_000, 1, MS_MAX));
    let lag = number("lag_max_ms", body.lag_max_ms, (10_000, 0, MS_MAX));
    Declared {
        name: body.name.into_inner(),
        url,
        role,
        replica_of: body.replica_of,
        max_connections: u32::try_from(max_connections).unwrap_or(CONNECTIONS_MAX),
        acquire_timeout: Duration::from_millis(acquire),
        lag_max: Duration::from_millis(lag),
        weight: u32::try_from(weight).unwrap_or(WEIGHT_MAX),
        tags: body.tags,
        drain: if body.drain { Drain::Draining } else { Drain::Open },
    }
}

fn url(
    url: Option<String>,
    env: Option<String>,
    (place, secret): ((&str, usize), Secret<'_>),
    problems: &mut Problems<'_>,
) -> Url {
    let url = match (url, env) {
        (Some(url), None) => Some(url),
        // Not shown: it may hold a password.
        (None, Some(env)) if env.contains(':') => {
            problems.add(place, "url_env holds a url", "give the name of a variable, or say url");
            None
        }
        (None, Some(env)) => {
            let found = secret(&env).filter(|url| !url.is_empty());
            if found.is_none() {
                let mend = "set it, or give the url in the file";
                problems.add(place, format!("the variable {env}, which url_env names, is not set"), mend);
            }
            found
        }
        (None, None) => {
            problems.add(place, "it has no url", "give url, or url_env with the name of a variable");
            None
        }
        (Some(_), Some(_)) => {
            problems.add(place, "it has both url and url_env", "remove one of them");
            None
        }
    };
    if url.as_ref().is_some_and(|url| !url.contains(':')) {
        problems.add(place, "its url has no scheme", "begin it with postgres://, mysql:// or sqlite:");
    }
    Url::new(url.unwrap_or_default())
}

/// What a source must be, seen with the others.
fn together(source: &Declared, all: &[Declared], at: usize, problems: &mut Problems<'_>) {
    let place = format!("source {}", source.name);
    let place = (place.as_str(), at);
    let of = source.replica_of.as_deref().map(|of| (of, all.iter().find(|other| other.name == of)));
    match (source.role, of) {
        (Role::Primary, None) => {
            let replicas: Vec<_> = replicas(all, &source.name).collect();
            if !replicas.is_empty()
                && replicas.iter().all(|replica| replica.weight == 0)
                && source.weight == 0
            {
                let mend = "give one a weight above 0, or remove the replicas";
                problems.add(place, "all that could serve its reads have weight 0", mend);
            }
            if replicas.len() > REPLICAS_MAX {
                problems.add(place, "it has more than 100 replicas", "declare fewer");
            }
        }
        (Role::Primary, Some(_)) => {
            let mend = "remove replica_of, or make it role = \"replica\"";
            problems.add(place, "a primary is replica of nobody", mend);
        }
        (Role::Replica, None) => {
            problems.add(place, "a replica without replica_of", "name the primary that it follows");
        }
        (Role::Replica, Some((of, None))) => {
            problems.add(place, format!("there is no source {of}, which replica_of names"), "declare it");
        }
        (Role::Replica, Some((of, Some(primary)))) => {
            if primary.role == Role::Replica {
                let mend = "name the primary itself: a replica of a replica follows it too";
                problems.add(place, format!("{of}, which replica_of names, is no primary"), mend);
            } else if primary.url == source.url {
                problems.add(place, "it has the url of its primary", "give the replica's own");
            }
        }
    }
}

/// The replicas of a primary.
pub(super) fn replicas<'s>(all: &'s [Declared], primary: &'s str) -> impl Iterator<Item = &'s Declared> {
    all.iter().filter(move |other| other.replica_of.as_deref() == Some(primary))
}

pub(super) fn health(body: &HealthBody, problems: &mut Problems<'_>) -> Health {
    let default = Health::default();
    let ms = |given: Option<u64>, default: Duration| given.map_or(default, Duration::from_millis);
    let health = Health {
        every: ms(body.every_ms, default.every),
        timeout: ms(body.timeout_ms, default.timeout),
        out_after: body.out_after.unwrap_or(default.out_after),
        in_after: body.in_after.unwrap_or(default.in_after),
    };
    let within = Duration::from_millis(10)..=Duration::from_mins(1);
    if !within.contains(&health.every) || !within.contains(&health.timeout) {
        let mend = "give every_ms and timeout_ms from 10 to 60000";
        problems.add_to_file("[health] looks too often or too seldom", mend);
    }
    if !(1..=100).contains(&health.out_after) || !(1..=100).contains(&health.in_after) {
        problems.add_to_file("[health] counts wrongly", "give out_after and in_after from 1 to 100");
    }
    health
}
