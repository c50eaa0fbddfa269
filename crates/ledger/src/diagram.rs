//! Draws a machine for people: Mermaid's `stateDiagram-v2`, the same text for the same machine.
//!
//! Arrows in the order of declaration, guards in brackets behind the move; a move that happens by itself tells
//! when, behind a clock. Never reads an item.

use std::fmt::Write as _;

use crate::machine::{Expires, Guard, Machine, When};

/// Words with a meaning of their own in a diagram, whatever the case.
const RESERVED: [&str; 12] = [
    "state",
    "note",
    "end",
    "as",
    "direction",
    "class",
    "classdef",
    "style",
    "title",
    "scale",
    "hide",
    "click",
];

impl Machine {
    /// The text of its diagram, each line ended.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = String::from("stateDiagram-v2\n");
        for (index, state) in self.states.iter().enumerate() {
            let id = self.drawn(&state.name);
            if *id != *state.name {
                line(&mut text, &format!("state \"{}\" as state_{index}", safe(&state.name)));
            }
        }
        line(&mut text, &format!("[*] --> {}", self.drawn(&self.initial)));
        for found in &self.moves {
            let guards: Vec<String> = found.guards.iter().map(drawn_guard).collect();
            let guards = if guards.is_empty() { String::new() } else { format!(" [{}]", guards.join(", ")) };
            for from in &found.from {
                let label = format!("{}{guards}", safe(&found.name));
                self.arrow(&mut text, (from, &found.to), &label);
                if let Some(lapsed_to) = &found.lapsed_to {
                    self.arrow(&mut text, (from, lapsed_to), &format!("{label} (lapsed)"));
                }
            }
        }
        for state in &self.states {
            let Some(Expires { to, lapsed_to, when }) = &state.expires else { continue };
            let label = match when {
                When::After(ms) => format!("⏱ after {}", span(*ms)),
                When::At(attribute) => format!("⏱ at {}", safe(attribute)),
            };
            self.arrow(&mut text, (&state.name, to), &label);
            if let Some(lapsed_to) = lapsed_to {
                self.arrow(&mut text, (&state.name, lapsed_to), &format!("{label} (lapsed)"));
            }
        }
        for state in self.states.iter().filter(|state| state.is_final) {
            line(&mut text, &format!("{} --> [*]", self.drawn(&state.name)));
        }
        text
    }

    fn arrow(&self, text: &mut String, (from, to): (&str, &str), label: &str) {
        line(text, &format!("{} --> {} : {label}", self.drawn(from), self.drawn(to)));
    }

    /// What stands for a state in the diagram: its name where that is a plain word, else a number.
    fn drawn(&self, state: &str) -> String {
        let plain = state.starts_with(|first: char| first.is_ascii_alphabetic())
            && state.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !state.starts_with("state_")
            && !RESERVED.contains(&state.to_ascii_lowercase().as_str());
        match self.state(state) {
            Some(index) if !plain => format!("state_{index}"),
            _ => state.into(),
        }
    }
}

fn line(text: &mut String, words: &str) {
    writeln!(text, "    {words}").expect("a String takes all text");
}

fn drawn_guard(guard: &Guard) -> String {
    let words = guard.to_string();
    let words =
        words.replace(" <= ", " ≤ ").replace(" >= ", " ≥ ").replace(" == ", " = ").replace(" != ", " ≠ ");
    safe(&words)
}

/// Signs that would end a label or begin a tag, as the diagram's own codes.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ':' | ';' | '#' | '<' | '>' | '"' | '\\' | '[' | ']' | '{' | '}' | '%' => {
                write!(safe, "#{};", u32::from(c)).expect("a String takes all text");
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A span in the largest unit that divides it.
fn span(ms: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let (size, unit) = units.into_iter().find(|(size, _)| ms.is_multiple_of(*size)).unwrap_or((1, "ms"));
    format!("{} {unit}", ms / size)
}
