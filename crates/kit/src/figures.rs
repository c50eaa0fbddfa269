//! A participant's figures, and what a difference between them amounts to.
//!
//! It knows no semantics: a figure is a name and an integer, and a difference is told in units of what one clean try and
//! one clean confirm were seen to do. Read next: `case.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// How many units of try and confirm a difference is looked for in.
const MOST: i64 = 400;

/// Named integers. One that is not there is zero: a probe may leave zeros out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<String, i64>);

impl PartialEq for Figures {
    fn eq(&self, other: &Figures) -> bool {
        self.since(other).is_nothing()
    }
}

impl Eq for Figures {}

/// What one clean try did, and what one clean confirm did after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) first: Figures,
    pub(crate) confirm: Figures,
}

/// How many tries and confirms stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) firsts: i64,
    pub(crate) confirms: i64,
}

impl Effect {
    /// As if nothing had been called.
    pub(crate) const NONE: Effect = Effect { firsts: 0, confirms: 0 };

    /// So many tries that were neither confirmed nor cancelled.
    pub(crate) fn held(count: usize) -> Effect {
        Effect { firsts: i64::try_from(count).unwrap_or(i64::MAX), confirms: 0 }
    }

    /// So many tries that were confirmed.
    pub(crate) fn taken(count: usize) -> Effect {
        let Effect { firsts, .. } = Effect::held(count);
        Effect { firsts, confirms: firsts }
    }
}

impl Figures {
    /// Reads a probe's answer.
    pub(crate) fn read(body: &[u8]) -> Result<Figures, String> {
        let value: Value = serde_json::from_slice(body).map_err(|fault| format!("it is no JSON: {fault}"))?;
        let Value::Object(fields) = value else { return Err("it is no JSON object".to_owned()) };
        let read = |(name, value): (String, Value)| match value.as_i64() {
            Some(figure) => Ok((name, figure)),
            None => Err(format!("`{}` is no whole number: {value}", crate::answer::plain(&name))),
        };
        Ok(Figures(fields.into_iter().map(read).collect::<Result<_, _>>()?))
    }

    /// What must be added to `earlier` to have these.
    pub(crate) fn since(&self, earlier: &Figures) -> Figures {
        self.with(earlier, -1)
    }

    /// These after `effect`.
    pub(crate) fn after(&self, effect: Effect, learned: &Learned) -> Figures {
        self.with(&learned.first, effect.firsts).with(&learned.confirm, effect.confirms)
    }

    /// Whether all are zero.
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.values().all(|figure| *figure == 0)
    }

    /// `name figure`, comma-separated.
    pub(crate) fn words(&self) -> String {
        if self.0.is_empty() {
            return "none, so all zero".to_owned();
        }
        let words: Vec<_> =
            self.0.iter().map(|(name, figure)| format!("{} {figure}", crate::answer::plain(name))).collect();
        words.join(", ")
    }

    fn with(&self, other: &Figures, times: i64) -> Figures {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let get = |figures: &Figures, name: &String| figures.0.get(name).copied().unwrap_or(0);
        let sum = |name: &String| get(self, name).wrapping_add(get(other, name).wrapping_mul(times));
        Figures(names.into_iter().map(|name| (name.clone(), sum(name))).collect())
    }
}

/// The difference as so many tries and confirms too many (or, below zero, too few), if it is that: the smallest such.
pub(crate) fn as_effect(gap: &Figures, learned: &Learned) -> Option<Effect> {
    let bound = |figures: &Figures| if figures.is_nothing() { 0 } else { MOST };
    let (firsts, confirms) = (bound(&learned.first), bound(&learned.confirm));
    // One figure at a time rules nearly everything out, without a map for each pair.
    let lines: Vec<_> = gap
        .0
        .iter()
        .map(|(name, gap)| {
            let of = |figures: &Figures| figures.0.get(name).copied().unwrap_or(0);
            (*gap, of(&learned.first), of(&learned.confirm))
        })
        .collect();
    let fits = |effect: &Effect| {
        lines.iter().all(|(gap, first, confirm)| {
            first.wrapping_mul(effect.firsts).wrapping_add(confirm.wrapping_mul(effect.confirms)) == *gap
        })
    };
    (-firsts..=firsts)
        .flat_map(|firsts| (-confirms..=confirms).map(move |confirms| Effect { firsts, confirms }))
        .filter(fits)
        .min_by_key(|effect| effect.firsts.abs() + effect.confirms.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(body: &str) -> Figures {
        Figures::read(body.as_bytes()).unwrap()
    }

    fn learned() -> Learned {
        Learned { first: figures(r#"{"free":-3,"held":3}"#), confirm: figures(r#"{"held":-3}"#) }
    }

    #[test]
    fn a_difference_is_told_in_tries_and_confirms() {
        let table = [
            (r#"{"free":-6,"held":6}"#, Some((2, 0))),
            (r#"{"free":3,"held":-3}"#, Some((-1, 0))),
            (r#"{"free":0,"held":-9}"#, Some((0, 3))),
            (r#"{"free":-3,"held":0}"#, Some((1, 1))),
            (r#"{"free":1,"held":0}"#, None),
            (r#"{"free":-3,"held":3,"other":1}"#, None),
        ];
        for (gap, expected) in table {
            let seen = as_effect(&figures(gap), &learned()).map(|effect| (effect.firsts, effect.confirms));
            assert_eq!(seen, expected, "{gap}");
        }
    }

    #[test]
    fn expected_figures_are_multiples_of_what_was_learned() {
        let before = figures(r#"{"free":100,"held":0}"#);
        assert_eq!(before.after(Effect::held(2), &learned()).words(), "free 94, held 6");
        assert_eq!(before.after(Effect::taken(2), &learned()).words(), "free 94, held 0");
        assert!(before.after(Effect::NONE, &learned()).since(&before).is_nothing());
    }

    #[test]
    fn a_zero_may_be_left_out() {
        assert_eq!(figures(r#"{"free":100,"held":0}"#), figures(r#"{"free":100}"#));
        assert_eq!(figures(r#"{"free":100}"#), figures(r#"{"free":100,"held":0}"#));
        assert_eq!(figures("{}"), figures(r#"{"free":0}"#));
        assert_ne!(figures(r#"{"free":100,"held":1}"#), figures(r#"{"free":100}"#));
        assert_ne!(figures(r#"{"free":100}"#), figures("{}"));
    }

    #[test]
    fn a_probe_without_whole_numbers_is_refused() {
        for body in ["[]", r#"{"free":1.5}"#, r#"{"free":"1"}"#, "x"] {
            assert!(Figures::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
