//! From text to a plan: form, sources, then rules, each judged with all that was found before.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::check::{self, Secret};
use super::declared::{Declared, Role};
use super::file::{AccessBody, EndBody, FileBody, HashBody, ListBody, RangeBody, RuleBody};
use super::key::Access;
use super::problem::{PlanFault, Problem, Problems};
use super::rule::{Ranges, Rule, Shards, Target};
use super::slot::{SLOTS_MAX, range};

pub(super) fn read(text: &str, secret: Secret<'_>) -> Result<Plan, PlanFault> {
    let file: FileBody = toml::from_str(text).map_err(|fault| form(text, &fault))?;
    let mut problems = Problems::new(text);
    let health = check::health(&file.health, &mut problems);
    let sources = check::sources(file.source, secret, &mut problems);
    if file.rule.is_empty() {
        problems.add_to_file("it has no rule", "add a table [[rule]] with name and to");
    }
    let mut rules: Vec<Rule> = Vec::new();
    for body in file.rule {
        let (place, at) = (format!("rule {}", body.name.as_ref()), body.name.span().start);
        let mut reading = Reading { sources: &sources, place: (&place, at), problems: &mut problems };
        if let Some(rule) = reading.rule(body, &rules) {
            rules.push(rule);
        }
    }
    if problems.is_empty() { Ok(Plan { sources, rules, health }) } else { Err(problems.into_fault()) }
}

fn form(text: &str, fault: &toml::de::Error) -> PlanFault {
    let at = fault.span().map(|span| span.start);
    let line = at.map(|at| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1);
    // The message alone: the whole error shows the line, and a URL may be in it.
    PlanFault(vec![Problem {
        place: "the file".to_owned(),
        line,
        what: fault.message().to_owned(),
        mend: "mend its form".to_owned(),
    }])
}

/// Reads one rule.
struct Reading<'r, 't> {
    sources: &'r [Declared],
    place: (&'r str, usize),
    problems: &'r mut Problems<'t>,
}

/// What a rule says of itself, for each of its targets.
struct Asks {
    access: Option<Access>,
    tags: Vec<String>,
}

impl Reading<'_, '_> {
    fn add(&mut self, what: impl Into<String>, mend: &str) {
        self.problems.add(self.place, what, mend);
    }

    fn rule(&mut self, body: RuleBody, before: &[Rule]) -> Option<Rule> {
        let name = body.name.into_inner();
        check::name(&name, self.place, self.problems);
        if before.iter().any(|rule| rule.name == name) {
            self.add("another rule has this name", "give it a name of its own");
        }
        let tenants = match (body.tenant, body.tenants) {
            (Some(_), Some(_)) => {
                self.add("it has both tenant and tenants", "remove one of them");
                None
            }
            (Some(tenant), None) => Some(BTreeSet::from([tenant])),
            (None, tenants) => tenants.map(BTreeSet::from_iter),
        };
        if tenants.as_ref().is_some_and(BTreeSet::is_empty) {
            self.add("tenants is empty", "name one, or remove it: then every tenant's keys are meant");
        }
        let access = body.access.map(|access| match access {
            AccessBody::Read => Access::Read,
            AccessBody::Write => Access::Write,
        });
        let asks = Asks { access, tags: body.tags };
        let shards = match (body.to, body.hash, body.ranges, body.lists) {
            (Some(to), None, None, None) => self.target(&to, &asks).map(Shards::Whole),
            (None, Some(hash), None, None) => self.hash(&hash, &asks),
            (None, None, Some(ranges), None) => self.ranges(&ranges, &asks),
            (None, None, None, Some(lists)) => self.lists(lists, &asks),
            _ => {
                let mend = "give exactly one of to, hash, ranges, lists";
                self.add("where it leads to is not said, or said twice", mend);
                None
            }
        }?;
        let rule = Rule { name, service: body.service, tenants, access, shards };
        if let Some(hides) = before.iter().find(|before| before.hides(&rule)) {
            let what = format!("no key ever comes to it: rule {} before it takes them all", hides.name);
            self.add(what, "move it up, or remove it");
        }
        Some(rule)
    }

    fn target(&mut self, to: &str, asks: &Asks) -> Option<Target> {
        let Some(at) = self.sources.iter().position(|source| source.name == to) else {
            self.add(format!("there is no source {to}"), "declare it, or lead elsewhere");
            return None;
        };
        let source = &self.sources[at];
        if source.role == Role::Replica {
            if asks.access != Some(Access::Read) {
                let mend = "lead to its primary, or make the rule access = \"read\"";
                self.add(format!("{to} is a replica and takes no writes"), mend);
                return None;
            }
            let of = source.replica_of.as_deref();
            let primary = self.sources.iter().position(|it| Some(it.name.as_str()) == of)?;
            return Some(Target { primary, replicas: vec![at] });
        }
        let serves = |source: &Declared| {
            source.replica_of.as_deref() == Some(to) && asks.tags.iter().all(|tag| source.tags.contains(tag))
        };
        let replicas: Vec<usize> = (0..self.sources.len()).filter(|at| serves(&self.sources[*at])).collect();
        if !asks.tags.is_empty() && replicas.is_empty() {
            let what = format!("no replica of {to} has all of the rule's tags");
            self.add(what, "tag a replica, or remove the rule's tags");
        }
        Some(Target { primary: at, replicas })
    }

    fn hash(&mut self, body: &HashBody, asks: &Asks) -> Option<Shards> {
        if body.slots == 0 || body.slots > SLOTS_MAX {
            self.add(format!("{} slots", body.slots), "give a number from 1 to 65536");
            return None;
        }
        let mut slots: Vec<Option<u16>> = vec![None; body.slots as usize];
        let mut targets = Vec::new();
        for part in &body.parts {
            let Some((from, to)) = range(&part.slots).filter(|(_, to)| *to < body.slots) else {
                let mend = format!("write 0-{}, or one number", body.slots - 1);
                self.add(format!("slots {:?} of its {}", part.slots, body.slots), &mend);
                return None;
            };
            let target = self.target(&part.to, asks)?;
            let known = targets.iter().position(|it| *it == target);
            let index = known.unwrap_or_else(|| {
                targets.push(target);
                targets.len() - 1
            });
            let index = u16::try_from(index).ok()?;
            for (number, slot) in slots.iter_mut().enumerate().take(to as usize + 1).skip(from as usize) {
                if slot.replace(index).is_some() {
                    self.problems.add(self.place, format!("slot {number} is given twice"), "give it once");
                    return None;
                }
            }
        }
        let missing = slots.iter().position(Option::is_none);
        if let Some(missing) = missing {
            self.add(format!("slot {missing} leads nowhere"), "give every slot, from 0 on, to a source");
        }
        Some(Shards::Hash { targets, slots: slots.into_iter().collect::<Option<_>>()? })
    }

    fn ranges(&mut self, bodies: &[RangeBody], asks: &Asks) -> Option<Shards> {
        let ends = || bodies.iter().flat_map(|body| [&body.from, &body.until]).flatten();
        let are_texts = ends().any(|end| matches!(end, EndBody::Text(_)));
        let are_numbers = ends().any(|end| matches!(end, EndBody::Number(_)));
        match (are_numbers, are_texts) {
            (true, false) => {
                let number = |end: &EndBody| match end {
                    EndBody::Number(number) => Some(*number),
                    EndBody::Text(_) => None,
                };
                self.joined(bodies, asks, number).map(Shards::Numbers)
            }
            (false, true) => {
                let text = |end: &EndBody| match end {
                    EndBody::Text(text) => Some(text.clone()),
                    EndBody::Number(_) => None,
                };
                self.joined(bodies, asks, text).map(Shards::Texts)
            }
            (true, true) => {
                self.add("its ranges are of numbers and of texts", "make all ends numbers, or all texts");
                None
            }
            (false, false) => {
                self.add("its ranges have no end at all", "give from and until, or lead with to");
                None
            }
        }
    }

    /// Ranges in their order, each beginning where the one before ends.
    fn joined<T: Ord + Clone + std::fmt::Debug>(
        &mut self,
        bodies: &[RangeBody],
        asks: &Asks,
        end: impl Fn(&EndBody) -> Option<T>,
    ) -> Option<Ranges<T>> {
        let read = |body: &RangeBody| {
            (body.from.as_ref().and_then(&end), body.until.as_ref().and_then(&end), body.to.clone())
        };
        let mut ranges: Vec<_> = bodies.iter().map(read).collect();
        ranges.sort_by(|one, other| one.0.cmp(&other.0));
        for (from, until, _) in &ranges {
            if let (Some(from), Some(until)) = (from, until)
                && from >= until
            {
                self.add(format!("the range from {from:?} until {until:?} holds nothing"), "turn it round");
                return None;
            }
        }
        for pair in ranges.windows(2) {
            let [(_, until, _), (from, _, _)] = pair else { continue };
            let what = match (until, from) {
                (Some(until), Some(from)) if until < from => {
                    format!("there is a gap: nothing leads from {until:?} until {from:?}")
                }
                (Some(until), Some(from)) if until == from => continue,
                (_, Some(from)) => format!("two ranges overlap at {from:?}"),
                (_, None) => "two ranges have no beginning".to_owned(),
            };
            self.add(what, "let each range begin where the one before ends");
            return None;
        }
        let first = ranges.first().and_then(|(from, _, _)| from.clone());
        let parts = ranges.into_iter().map(|(_, until, to)| Some((until, self.target(&to, asks)?)));
        Some(Ranges { first, parts: parts.collect::<Option<_>>()? })
    }

    fn lists(&mut self, bodies: Vec<ListBody>, asks: &Asks) -> Option<Shards> {
        let mut lists = BTreeMap::new();
        for body in bodies {
            let target = self.target(&body.to, asks)?;
            for key in body.keys {
                let key = match key {
                    EndBody::Number(number) => number.to_string(),
                    EndBody::Text(text) => text,
                };
                if lists.insert(key.clone(), target.clone()).is_some() {
                    self.add(format!("the key {key:?} is listed twice"), "list it once");
                }
            }
        }
        if lists.is_empty() {
            self.add("its lists are empty", "list a key, or lead with to");
        }
        Some(Shards::Lists(lists))
    }
}
