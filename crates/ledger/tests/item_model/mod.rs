//! The slow and obvious model of items: everything is a text, every count a walk over all items that ever were.
//!
//! Written from the rules, not from the code that is tested; never fast, never clever.

use std::collections::{BTreeMap, HashMap};

use ledger::{Compare, Expires, Guard, Literal, Machine, Move, Operand, Origin, Quota, Value, When};

/// A value as the model keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// An item as the model keeps it, for ever.
#[derive(Clone, Debug)]
pub(crate) struct ModelItem {
    pub(crate) machine: Machine,
    pub(crate) version: usize,
    pub(crate) state: String,
    pub(crate) owner: Option<String>,
    pub(crate) attributes: BTreeMap<String, Said>,
    pub(crate) due: Option<i64>,
    pub(crate) held: Option<(String, String, String)>,
    pub(crate) moves: u64,
    ended_at_step: Option<u64>,
}

/// All that the model knows. Times are seconds.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) machines: HashMap<String, Vec<Machine>>,
    pub(crate) items: BTreeMap<String, ModelItem>,
    said: HashMap<String, String>,
    /// When the first version of a name was declared that bounds owners.
    owners_counted: HashMap<String, u64>,
    step: u64,
    pub(crate) now: i64,
}

impl From<Value<&str>> for Said {
    fn from(value: Value<&str>) -> Said {
        match value {
            Value::Text(text) => Said::Text(text.into()),
            Value::Integer(number) => Said::Number(number),
            Value::Flag(flag) => Said::Flag(flag),
        }
    }
}

impl ModelItem {
    fn is_final(&self) -> bool {
        self.machine.states.iter().any(|state| *state.name == *self.state && state.is_final)
    }

    /// Second 7 of the minute for `2026-06-01T00:00:07Z`.
    fn time(&self, attribute: &str) -> Option<i64> {
        match self.attributes.get(attribute)? {
            Said::Text(text) => text.get(17..19)?.parse().ok(),
            _ => None,
        }
    }

    fn has_lapsed(&self, now: i64) -> bool {
        self.time("valid_until").is_some_and(|until| now >= until)
    }

    fn target(&self, to: &str, lapsed_to: Option<&str>, now: i64) -> String {
        if self.has_lapsed(now) { lapsed_to.unwrap_or(to).into() } else { to.into() }
    }

    /// The declared move of this name from this state.
    fn found(&self, name: &str, state: &str) -> Option<&ledger::MachineMove> {
        let found = self.machine.moves.iter().find(|found| *found.name == *name)?;
        found.from.iter().any(|from| **from == *state).then_some(found)
    }

    fn enter(&mut self, state: String, now: i64) {
        let found = self.machine.states.iter().find(|found| *found.name == *state).unwrap();
        self.due = match found.expires.as_ref().map(|expires| &expires.when) {
            Some(When::After(ms)) => Some(now + *ms as i64 / 1000),
            Some(When::At(attribute)) => self.time(attribute),
            None => None,
        };
        self.state = state;
        self.held = None;
    }

    /// All states that it is in or was promised to come to.
    fn could_be(&self) -> Vec<String> {
        let mut states = vec![self.state.clone()];
        if let Some((_, confirm, cancel)) = &self.held {
            for found in
                self.machine.moves.iter().filter(|found| *found.name == **confirm || *found.name == **cancel)
            {
                states.push(found.to.to_string());
                states.extend(found.lapsed_to.as_deref().map(str::to_owned));
            }
        }
        states
    }
}

impl Model {
    pub(crate) fn declare(&mut self, machine: &Machine) -> &'static str {
        self.fall_due();
        let versions = self.machines.entry(machine.name.to_string()).or_default();
        if versions.last() == Some(machine) {
            return "duplicate";
        }
        versions.push(machine.clone());
        let mut guards = machine.moves.iter().flat_map(|found| &found.guards);
        if guards.any(|guard| matches!(guard, Guard::Quota(quota) if quota.per_owner.is_some())) {
            self.owners_counted.entry(machine.name.to_string()).or_insert(self.step);
        }
        "declared"
    }

    pub(crate) fn create(&mut self, create: &ledger::Create<&str>) -> &'static str {
        self.fall_due();
        if let Some(word) = self.known(format!("create {}", create.id), format!("{create:?}")) {
            return word;
        }
        let Some(versions) = self.machines.get(create.machine) else {
            self.said.remove(&format!("create {}", create.id));
            return "machine_unknown";
        };
        let machine = versions.last().unwrap().clone();
        let mut item = ModelItem {
            version: versions.len(),
            state: String::new(),
            owner: create.owner.map(Into::into),
            attributes: create
                .attributes
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
            due: None,
            held: None,
            moves: 0,
            ended_at_step: None,
            machine,
        };
        item.enter(item.machine.initial.to_string(), self.now);
        self.items.insert(create.id.into(), item);
        "created"
    }

    pub(crate) fn step(&mut self, step: &Move<&str>) -> &'static str {
        self.fall_due();
        let key = format!("move {} {}", step.item, step.id);
        let branch = step.id.rsplit_once('/').map_or(step.id, |(branch, _)| branch);
        let holder = self.items.get(step.item).and_then(|item| item.held.as_ref());
        let is_branch = step.origin == Origin::Branch;
        // A decision is carried out whatever else its id was used for; a branch tries once.
        if is_branch && step.then.is_none() && holder.is_some_and(|held| held.0 == branch) {
            self.said.remove(&key);
        }
        match self.known(key.clone(), format!("{step:?}")) {
            Some(_) if is_branch && step.then.is_some() => return "id_mismatch",
            Some(word) => return word,
            None => {}
        }
        let word = self.moved(step);
        if word != "moved" {
            self.said.remove(&key);
        }
        word
    }

    fn known(&mut self, key: String, content: String) -> Option<&'static str> {
        match self.said.get(&key) {
            Some(said) if *said == content => Some("duplicate"),
            Some(_) => Some("id_mismatch"),
            None => {
                self.said.insert(key, content);
                None
            }
        }
    }

    fn moved(&mut self, step: &Move<&str>) -> &'static str {
        let Some(item) = self.items.get(step.item) else { return "item_unknown" };
        let branch = step.id.rsplit_once('/').map_or(step.id, |(branch, _)| branch);
        if let Some((holder, confirm, cancel)) = &item.held {
            if step.origin == ledger::Origin::Direct || step.then.is_some() || holder != branch {
                return "item_held";
            }
            if item.found(step.name, &item.state).is_none() || (step.name != confirm && step.name != cancel) {
                return "move_undeclared";
            }
        }
        let Some(found) = item.found(step.name, &item.state).cloned() else { return "move_undeclared" };
        let target = item.target(&found.to, found.lapsed_to.as_deref(), self.now);
        if item.held.is_none() {
            if !self.guards_hold(step, &found, &target) {
                return "guard_refused";
            }
            if let Some((confirm, cancel)) = step.then {
                let confirm = item.found(confirm, &target).cloned();
                let (Some(confirm), Some(_)) = (confirm, item.found(cancel, &target)) else {
                    return "move_undeclared";
                };
                let confirmed = item.target(&confirm.to, confirm.lapsed_to.as_deref(), self.now);
                if !self.guards_hold(step, &confirm, &confirmed) {
                    return "guard_refused";
                }
            }
        }
        let (now, at_step) = (self.now, self.step);
        let item = self.items.get_mut(step.item).unwrap();
        item.enter(target, now);
        item.moves += 1;
        if let Some((confirm, cancel)) = step.then {
            item.held = Some((branch.into(), confirm.into(), cancel.into()));
            item.due = None;
        }
        if item.is_final() {
            item.ended_at_step = Some(at_step);
        }
        "moved"
    }

    /// Lets all fall due that is due: time goes before every command.
    pub(crate) fn fall_due(&mut self) {
        self.step += 1;
        for item in self.items.values_mut() {
            while item.due.is_some_and(|due| due <= self.now) {
                let found = item.machine.states.iter().find(|found| *found.name == *item.state).unwrap();
                let Some(Expires { to, lapsed_to, .. }) = found.expires.clone() else { break };
                let target = item.target(&to, lapsed_to.as_deref(), self.now);
                item.enter(target, self.now);
                item.moves += 1;
                if item.is_final() {
                    item.ended_at_step = Some(self.step);
                }
            }
        }
    }

    fn guards_hold(&self, step: &Move<&str>, found: &ledger::MachineMove, target: &str) -> bool {
        let item = &self.items[step.item];
        found.guards.iter().all(|guard| match guard {
            Guard::WithinValidity => {
                !item.has_lapsed(self.now) && item.time("valid_from").is_none_or(|from| self.now >= from)
            }
            Guard::Owner => item.owner.is_some() && item.owner.as_deref() == step.owner,
            Guard::Quota(quota) => self.within(quota, (step.item, item), target),
            Guard::Attribute { attribute, compare, with } => {
                let argument = |name: &str| step.arguments.iter().find(|(key, _)| *key == name);
                let right = match with {
                    Operand::Literal(Literal::Text(text)) => Some(Said::Text(text.to_string())),
                    Operand::Literal(Literal::Integer(number)) => Some(Said::Number(*number)),
                    Operand::Literal(Literal::Flag(flag)) => Some(Said::Flag(*flag)),
                    Operand::Argument(name) => argument(name).map(|(_, value)| (*value).into()),
                };
                let (Some(left), Some(right)) = (item.attributes.get(&**attribute), right) else {
                    return false;
                };
                compares(left, *compare, &right)
            }
        })
    }

    fn within(&self, quota: &Quota, (id, item): (&str, &ModelItem), target: &str) -> bool {
        let counts = |states: &[String]| {
            quota.states.iter().any(|state| states.iter().any(|found| **found == **state))
        };
        let others = || {
            let same = |(found, other): &(&String, &ModelItem)| {
                *found != id && other.machine.name == item.machine.name
            };
            self.items
                .iter()
                .filter(same)
                .filter(|(_, other)| counts(&other.could_be()))
                .map(|(_, other)| other)
        };
        let itself = usize::from(counts(&[target.to_owned()]));
        let since = self.owners_counted.get(&*item.machine.name).copied().unwrap_or(u64::MAX);
        let counted = |other: &&ModelItem| {
            other.owner == item.owner && other.ended_at_step.is_none_or(|ended| ended >= since)
        };
        if let Some(bound) = quota.per_owner
            && (item.owner.is_none() || others().filter(counted).count() + itself > bound as usize)
        {
            return false;
        }
        quota.total.is_none_or(|bound| others().count() + itself <= bound as usize)
    }
}

/// Hundredths, where it is a decimal of at most two places.
fn hundredths(value: &Said) -> Option<i64> {
    match value {
        Said::Number(number) => Some(number * 100),
        Said::Text(text) => {
            let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
            let whole: i64 = whole.parse().ok()?;
            Some(whole * 100 + format!("{part:0<2}").parse::<i64>().ok()?)
        }
        Said::Flag(_) => None,
    }
}

fn compares(left: &Said, compare: Compare, right: &Said) -> bool {
    match (hundredths(left), hundredths(right), compare) {
        (Some(left), Some(right), Compare::Less) => left < right,
        (Some(left), Some(right), Compare::AtMost) => left <= right,
        (Some(left), Some(right), Compare::Equal) => left == right,
        (Some(left), Some(right), Compare::Unequal) => left != right,
        (Some(left), Some(right), Compare::AtLeast) => left >= right,
        (Some(left), Some(right), Compare::Greater) => left > right,
        (_, _, Compare::Equal) => left == right,
        (_, _, Compare::Unequal) => left != right,
        _ => false,
    }
}
