//! Exceptions for single participants: `HOST:PORT KEY=NUMBER …`, the keys being those of `participant`. A resource is a
//! participant too, as `sql:NAME` or `redis:NAME`.

use engine::ParticipantLimits;

/// Puts a number where it belongs.
type Put = fn(&mut ParticipantLimits, u32);

/// The keys of an exception, and where each goes.
const KEYS: &[(&str, Put)] = &[
    ("concurrency", |to, number| to.concurrency = number as usize),
    ("queue", |to, number| to.queue = number as usize),
    ("rate", |to, number| to.rate = number),
    ("retry_percent", |to, number| to.retry_percent = number),
    ("breaker_failures", |to, number| to.breaker_failures = number),
    ("breaker_ms", |to, number| to.breaker_ms = u64::from(number)),
];

/// 0 means something for these only.
const MAY_BE_ZERO: &[&str] = &["rate", "retry_percent"];

/// Adds exceptions; what one does not name stays as `participant` has it.
pub(crate) fn add(config: &mut engine::Config, entries: &[String]) -> Result<(), String> {
    for entry in entries {
        let mut words = entry.split_whitespace();
        let given = words.next().unwrap_or_default();
        let is_resource = given.starts_with("sql:") || given.starts_with("redis:");
        let participant = if is_resource { given.to_owned() } else { given.to_ascii_lowercase() };
        let port = participant.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if !is_resource && port.is_none_or(|port| port == 0) {
            return Err(format!("{participant:?} is not HOST:PORT"));
        }
        let base = &config.participant;
        let limits = config.participants.entry(participant).or_insert_with(|| base.clone());
        for word in words {
            set(limits, word)?;
        }
    }
    Ok(())
}

fn set(limits: &mut ParticipantLimits, word: &str) -> Result<(), String> {
    let (key, number) = word.split_once('=').ok_or_else(|| format!("{word:?} is not KEY=NUMBER"))?;
    let Some((_, put)) = KEYS.iter().find(|(known, _)| *known == key) else {
        let known: Vec<_> = KEYS.iter().map(|(known, _)| *known).collect();
        return Err(format!("unknown key {key:?}; known are {}", known.join(", ")));
    };
    let least = u32::from(!MAY_BE_ZERO.contains(&key));
    match number.parse::<u32>() {
        Ok(number) if number >= least => put(limits, number),
        _ => return Err(format!("{key} must be a whole number from {least}, not {number:?}")),
    }
    Ok(())
}
