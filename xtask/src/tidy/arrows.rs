//! Which room may know which: the arrows of `ARCHITECTURE.md`, as a table.
//!
//! Tests may use any room (`[dev-dependencies]` are not looked at).

use toml::{Table, Value};

use super::Finding;
use super::tree::{File, Tree};

/// A room, and the rooms it may know.
const ARROWS: &[(&str, &[&str])] = &[
    // Bugs for the simulator to catch, behind a feature that nothing shipped is built with.
    ("planted", &[]),
    ("transaction", &["planted"]),
    ("journal", &["planted"]),
    // Two words only: Time and Refusal.
    ("ledger", &["transaction", "planted"]),
    ("audit", &["ledger", "transaction"]),
    ("engine", &["journal", "ledger", "transaction", "planted"]),
    ("participant", &["transaction"]),
    ("sim", &["engine", "journal", "ledger", "audit", "participant", "planted", "transaction"]),
    ("server", &["engine", "ledger", "participant", "transaction"]),
    ("bench", &["engine", "journal", "ledger", "participant", "transaction", "server"]),
    // It asks the binary from outside, so that no mistake is on both sides. `services`, which starts databases for its
    // tests, is a part of the chores and no room.
    ("lab", &[]),
    // It asks participants in any language from outside, by the pages that it is to prove.
    ("kit", &[]),
    (
        "cli",
        &["server", "engine", "audit", "bench", "journal", "kit", "ledger", "participant", "transaction"],
    ),
];

/// Every arrow that is not in the table, and every room that is not.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files().iter().filter_map(|file| {
        let room = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        (!room.contains('/')).then_some((room, file))
    });
    let manifests: Vec<_> = manifests.collect();
    let rooms: Vec<_> = manifests.iter().map(|(room, _)| *room).collect();
    manifests.iter().flat_map(|(room, file)| in_manifest(file, room, &rooms)).collect()
}

fn in_manifest(file: &File, room: &str, rooms: &[&str]) -> Vec<Finding> {
    let finding = |line: usize, what: String, mend: String| Finding {
        path: file.path.clone(),
        line,
        rule: "arrow",
        what,
        mend,
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        let mend =
            "say in ARROWS of xtask/src/tidy/arrows.rs what it may know, and draw it in ARCHITECTURE.md";
        return vec![finding(1, format!("the room `{room}` has no arrows"), mend.into())];
    };
    let Ok(manifest) = file.text.parse::<Table>() else {
        return vec![finding(1, "the manifest is not TOML".into(), "mend its syntax".into())];
    };
    let known = |name: &str| rooms.contains(&name) || ARROWS.iter().any(|(room, _)| *room == name);
    let mut found = Vec::new();
    for name in dependencies(&manifest).filter(|name| known(name) && !allowed.contains(&name.as_str())) {
        let line =
            file.text.lines().position(|line| line.trim_start().starts_with(&name)).map_or(1, |at| at + 1);
        let mend = match allowed {
            [] => format!("{room} knows no other room: give it the data as an argument"),
            allowed => format!("{room} may know {}; turn the arrow round, or pass data", allowed.join(", ")),
        };
        found.push(finding(line, format!("{room} → {name} is not an arrow"), mend));
    }
    found
}

/// The crates that the shipped code and its build script use, for any target.
fn dependencies(manifest: &Table) -> impl Iterator<Item = String> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables: Vec<&Table> = std::iter::once(manifest).chain(targets.filter_map(Value::as_table)).collect();
    let mut names = Vec::new();
    for (table, kind) in
        tables.iter().flat_map(|table| [(table, "dependencies"), (table, "build-dependencies")])
    {
        for (key, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
            // `alias = { package = "engine" }` is an arrow to engine.
            let package = value.get("package").and_then(Value::as_str);
            names.push(package.unwrap_or(key).to_owned());
        }
    }
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(room: &str, manifest: &str) -> Vec<(usize, String)> {
        let path = format!("crates/{room}/Cargo.toml");
        let tree = Tree::planted(&[(&path, manifest), ("crates/engine/src/lib.rs", "")]);
        check(&tree).into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn an_arrow_the_wrong_way_is_found() {
        for manifest in [
            "[dependencies]\nserver.workspace = true\n",
            "[build-dependencies]\nserver = { path = \"../server\" }\n",
            "[target.'cfg(unix)'.dependencies]\nserver.workspace = true\n",
        ] {
            assert_eq!(
                found("engine", manifest),
                [(2, "engine → server is not an arrow".into())],
                "{manifest}"
            );
        }
        assert_eq!(
            found("transaction", "[dependencies]\nx = { package = \"journal\", path = \"..\" }\n").len(),
            1
        );
    }

    #[test]
    fn arrows_of_the_table_foreign_crates_and_tests_are_let_pass() {
        let manifest =
            "[dependencies]\njournal.workspace = true\nserde = \"1\"\n[dev-dependencies]\nserver = \"1\"\n";
        assert_eq!(found("engine", manifest), []);
    }

    #[test]
    fn a_room_without_arrows_is_found() {
        assert_eq!(found("attic", "[dependencies]\n"), [(1, "the room `attic` has no arrows".into())]);
    }

    #[test]
    fn the_table_draws_no_circle() {
        fn reaches(from: &str, to: &str) -> bool {
            let next = ARROWS.iter().find(|(room, _)| *room == from).map_or(&[][..], |(_, next)| *next);
            next.iter().any(|room| *room == to || reaches(room, to))
        }
        for (room, _) in ARROWS {
            assert!(!reaches(room, room), "{room} knows itself in a circle");
        }
    }
}
