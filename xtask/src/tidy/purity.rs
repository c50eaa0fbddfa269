//! Deciding rooms are pure: no clock, randomness, float, `async`, logging, I/O or thread where something is decided.
//!
//! Their tests may use what they like. The list is of names, so a pure room stays pure against a slip of the
//! hand, not against ill will.

use super::Finding;
use super::source::{is_name, word_at};
use super::tree::Tree;

const ROOMS: &[&str] = &["transaction", "ledger", "payment"];

/// A name, and where the thing belongs instead.
const NAMES: &[(&str, &str)] = &[
    ("std::time", CLOCK),
    ("Instant", CLOCK),
    ("SystemTime", CLOCK),
    ("rand", SEED),
    ("fastrand", SEED),
    ("RandomState", SEED),
    ("f32", INTEGER),
    ("f64", INTEGER),
    ("async", SYNCHRONOUS),
    ("await", SYNCHRONOUS),
    ("tokio", SYNCHRONOUS),
    ("tracing", SILENT),
    ("log", SILENT),
    ("println", SILENT),
    ("eprintln", SILENT),
    ("std::fs", DRIVE),
    ("std::net", DRIVE),
    ("std::thread", DRIVE),
    ("std::io", DRIVE),
    ("std::env", DRIVE),
    ("std::process", DRIVE),
];

const CLOCK: &str = "take the time as an argument, in microseconds of journal time";
const SEED: &str = "take the seed as an argument";
const INTEGER: &str = "count in integers";
const SYNCHRONOUS: &str = "decide in plain code; the engine waits";
const SILENT: &str = "return an event; the engine logs";
const DRIVE: &str = "do it in the engine and give the outcome as an argument";

/// Every impure name in the shipped code of a deciding room.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| file.room().is_some_and(|room| ROOMS.contains(&room))) {
        let mut open_use = false;
        for (number, line) in file.shipped() {
            let code = line.code.as_str();
            open_use |= code.contains("std::{");
            let float = float_literal(code).map(|literal| (literal, INTEGER));
            // Inside `use std::{…}` a module of std stands without its `std::`.
            let short =
                |name: &str| open_use && name.strip_prefix("std::").is_some_and(|name| names(code, name));
            let named = NAMES.iter().filter(|(name, _)| names(code, name) || short(name)).copied();
            for (name, mend) in named.chain(float) {
                found.push(Finding {
                    path: file.path.clone(),
                    line: number,
                    rule: "purity",
                    what: format!("`{name}` in a deciding room"),
                    mend: mend.into(),
                });
            }
            open_use &= !code.contains(';');
        }
    }
    found
}

fn names(code: &str, name: &str) -> bool {
    match name {
        // `log` is a macro's path or a crate; a variable of that name would be a journal.
        "log" => word_at(code, name).is_some_and(|at| code[at..].starts_with("log::")),
        // `r#await` and the like are names of our own.
        "async" | "await" => word_at(code, name).is_some_and(|at| !code[..at].ends_with("r#")),
        _ => word_at(code, name).is_some(),
    }
}

/// The first `1.5` of a line. A tuple's field of a field, `x.0.1`, is none, nor is a range.
fn float_literal(code: &str) -> Option<&str> {
    code.match_indices('.').find_map(|(dot, _)| {
        let digits = |seen: char| seen.is_ascii_digit() || seen == '_';
        let start = code[..dot].trim_end_matches(digits).len();
        let after = &code[dot + 1..];
        let length = after.find(|seen| !digits(seen)).unwrap_or(after.len());
        let whole = &code[start..dot + 1 + length];
        let number = whole.starts_with(|seen: char| seen.is_ascii_digit());
        let field = code[..start].ends_with(|seen| is_name(seen) || seen == '.');
        (number && length > 0 && !field).then_some(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, code: &str) -> Vec<String> {
        check(&Tree::planted(&[(path, code)])).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn impure_names_are_found_in_deciding_rooms_only() {
        for code in [
            "let t = Instant::now();",
            "use std::time::Duration;",
            "use std::{\n    fmt,\n    fs,\n};",
            "fn a(x: f64) {}",
            "async fn a() {}",
            "tracing::info!(\"x\");",
            "log::info!(\"x\");",
            "println!(\"x\");",
            "let x = rand::random();",
            "let x = 1.5;",
            "let m = RandomState::new();",
        ] {
            assert_eq!(found("crates/transaction/src/x.rs", code).len(), 1, "{code}");
            assert_eq!(found("crates/ledger/src/x.rs", code).len(), 1, "{code}");
            assert_eq!(found("crates/engine/src/x.rs", code).len(), 0, "{code}");
        }
    }

    #[test]
    fn pure_code_and_tests_are_let_pass() {
        for code in [
            "// f64, Instant and async are not for us",
            "let log = x.0.1; let r = 0..5; let time = 1;",
            "Kind::Await => random_id(),",
            "use std::{collections::BTreeMap, fmt};",
            "#[cfg(test)]\nmod tests { use std::time::Instant; }",
        ] {
            assert_eq!(found("crates/transaction/src/x.rs", code), Vec::<String>::new(), "{code}");
        }
        assert_eq!(found("crates/transaction/tests/x.rs", "use std::fs;"), Vec::<String>::new());
    }
}
