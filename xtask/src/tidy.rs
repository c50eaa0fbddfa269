//! `cargo xtask tidy`: the house rules that a machine can check, each a small file below.
//!
//! Looks at tracked and untracked files alike, so a finding comes before the commit. Never changes a file. What a
//! finding cannot be mended for, the line itself says: `tidy: allow(RULE) the reason`, on it or just above it.
//! Next: `tidy/tree.rs` for what is read, `tidy/words.rs` for the words.

mod arrows;
mod bools;
mod links;
mod machine;
mod purity;
mod shape;
mod slips;
mod source;
mod testcode;
mod tree;
mod words;

use std::path::Path;

use tree::Tree;

/// One breach of one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1; 0 = the file or the tree as a whole.
    line: usize,
    rule: &'static str,
    what: String,
    mend: String,
}

/// A rule's name, as `allow` takes it, and its code.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("size", shape::sizes),
    ("head", shape::heads),
    ("word", words::check),
    ("slip", slips::check),
    ("bool", bools::check),
    ("arrow", arrows::check),
    ("purity", purity::check),
    ("machine", machine::check),
    ("link", links::check),
];

/// Prints what it finds, a line to go to and a line to mend it; `Ok(true)` = nothing found.
pub(crate) fn chore(root: &Path, arguments: &[String]) -> anyhow::Result<bool> {
    anyhow::ensure!(arguments.is_empty(), "tidy takes no arguments");
    let tree = Tree::read(root)?;
    let found = findings(&tree);
    for finding in &found {
        let Finding { path, line, rule, what, mend } = finding;
        println!("{path}:{line}: {rule}: {what}\n    mend: {mend}");
    }
    println!("tidy: {} files, {} findings", tree.files().len(), found.len());
    Ok(found.is_empty())
}

fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().flat_map(|(_, check)| check(tree)).collect();
    found.retain(|finding| !allowed(tree, finding));
    found.sort();
    found
}

/// Whether the line, or the one above it, allows this rule and says why.
fn allowed(tree: &Tree, finding: &Finding) -> bool {
    let Some(file) = tree.files().iter().find(|file| file.path == finding.path) else {
        return false;
    };
    let marker = format!("tidy: allow({})", finding.rule);
    let near = finding.line.saturating_sub(2)..finding.line;
    let mut lines = file.text.lines().enumerate().filter(|(index, _)| near.contains(index));
    lines.any(|(_, line)| line.split_once(&marker).is_some_and(|(_, reason)| reason.trim().len() >= 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "//! A head.\n";

    #[test]
    fn a_rule_is_reported_under_the_name_that_allows_it() {
        for (name, check) in RULES {
            for finding in check(&Tree::planted(&[("crates/odd/src/lib.rs", "fn f(on: bool) { todo!() }")])) {
                assert_eq!(finding.rule, *name);
            }
        }
    }

    #[test]
    fn an_allowance_needs_a_reason_and_holds_for_one_rule() {
        let slip = "fn f() { x.unwrap(); }\n";
        let cases = [
            ("", 1),
            ("// tidy: allow(slip) the lock cannot be poisoned\n", 0),
            ("// tidy: allow(slip)\n", 1),
            ("// tidy: allow(bool) the lock cannot be poisoned\n", 1),
            ("// tidy: allow(slip) the lock cannot be poisoned\n\n", 1),
        ];
        for (above, expected) in cases {
            let text = format!("{HEAD}{above}{slip}");
            let found = findings(&Tree::planted(&[("xtask/src/x.rs", &text)]));
            assert_eq!(found.len(), expected, "{text}");
        }
    }

    #[test]
    fn an_orderly_tree_has_no_findings() {
        let files = [
            ("crates/transaction/Cargo.toml", "[dependencies]\nserde = \"1\"\n"),
            ("crates/transaction/src/lib.rs", "//! A head.\n\npub fn add(a: u64, b: u64) -> u64 { a + b }\n"),
            ("README.md", "See [the room](crates/transaction/src/lib.rs).\n"),
        ];
        assert_eq!(findings(&Tree::planted(&files)), []);
    }
}
