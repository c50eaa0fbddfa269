//! One word, one meaning: words that this project does not use, and what it says instead.
//!
//! Only words that cannot be meant otherwise are here, so a finding is never a matter of taste. Names are judged
//! where they are defined, never where a part from outside is called by the name it has.

use super::Finding;
use super::source::{is_name, word_at};
use super::tree::{File, Tree};

/// A word, what to say, and why.
struct Word {
    word: &'static str,
    say: &'static str,
    why: &'static str,
}

const fn word(word: &'static str, say: &'static str, why: &'static str) -> Word {
    Word { word, say, why }
}

/// In comments, whatever the case.
const PHRASES: &[Word] = &[
    word("null rollback", "empty cancel", "nothing is rolled back: a cancel came without its try"),
    word("empty rollback", "empty cancel", "rolled back is what a database transaction is"),
    word("hanging", "late try", "the try came after its cancel; of a peer say: never answers"),
    word("transaction manager", "coordinator", "one word for who remembers and drives"),
    word("resource manager", "participant", "one word for who has try, confirm and cancel"),
    word("service provider", "participant", "one word for who has try, confirm and cancel"),
    word("wallet", "account", "an account holds any asset, not only money"),
    word("gid", "transaction id", "a word of another protocol's wire"),
];

/// Parts of a name, as `snake_case` writes them.
const PARTS: &[Word] = &[
    word("null_rollback", "empty_cancel", "nothing is rolled back: a cancel came without its try"),
    word("hanging", "late_try", "the try came after its cancel"),
    word("manager", "a word for what it does", "manages says nothing; the coordinator coordinates"),
    word("provider", "participant, or a word for what it gives", "a participant has try, confirm and cancel"),
    word("helper", "a word for what it does", "everything helps"),
    word("util", "a word for what it does", "everything is of use"),
    word("utils", "a word for what it does", "everything is of use"),
    word("misc", "a word for what it does", "a place for everything becomes a heap"),
    word("wallet", "account", "an account holds any asset, not only money"),
    word("freeze", "hold", "a reserved value is held"),
    word("frozen", "held", "a reserved value is held"),
    word("gid", "id", "a word of another protocol's wire"),
    word("trans_type", "pattern", "a word of another protocol's wire"),
];

/// Whole names of modules.
const MODULES: &[Word] = &[
    word("common", "the name of what it holds", "a drawer that only grows"),
    word("types", "the noun it defines", "every module has types"),
    word("core", "the act it does", "everybody thinks theirs is the core"),
    word("helpers", "the name of what they do", "a drawer that only grows"),
    word("util", "the name of what it does", "a drawer that only grows"),
    word("utils", "the name of what they do", "a drawer that only grows"),
];

const DEFINES: &[&str] = &["struct", "enum", "trait", "type", "union", "mod", "fn", "const", "static"];

/// Another protocol's words are said where that protocol is spoken, and only there.
const WIRE: &str = "crates/server/src/dtm";

/// Module names and defined names in code, phrases in comments.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.rust().filter(|file| !file.path.starts_with(WIRE)) {
        let module = file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let module = module.rsplit('/').next().unwrap_or(module);
        found.extend(MODULES.iter().filter(|word| word.word == module).map(|word| finding(file, 1, word)));
        for (index, line) in file.lines.iter().enumerate() {
            let comment = line.comment.to_lowercase();
            let phrases = PHRASES.iter().filter(|word| word_at(&comment, word.word).is_some());
            let names = defined(&line.code).into_iter().flat_map(named);
            found.extend(phrases.chain(names).map(|word| finding(file, index + 1, word)));
        }
    }
    found
}

fn finding(file: &File, line: usize, word: &Word) -> Finding {
    Finding {
        path: file.path.clone(),
        line,
        rule: "word",
        what: format!("`{}` is not a word of this project: {}", word.word, word.why),
        mend: format!("say {}", word.say),
    }
}

/// The names a line defines, with the keyword.
fn defined(code: &str) -> Vec<(&str, &str)> {
    let mut words = code.split(|seen| !is_name(seen)).filter(|word| !word.is_empty()).peekable();
    let mut names = Vec::new();
    while let Some(keyword) = words.next() {
        if let Some(name) = words.peek().filter(|_| DEFINES.contains(&keyword)) {
            names.push((keyword, *name));
        }
    }
    names
}

/// The words that a defined name breaks.
fn named((keyword, name): (&str, &str)) -> Vec<&'static Word> {
    let snake = format!("_{}_", snake(name));
    let parts = PARTS.iter().filter(|word| snake.contains(&format!("_{}_", word.word)));
    let modules = MODULES.iter().filter(|word| keyword == "mod" && word.word == name);
    parts.chain(modules).collect()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for seen in name.chars() {
        if seen.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.extend(seen.to_lowercase());
        before = seen;
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::planted(&[(path, text)])).into_iter().map(|finding| finding.mend).collect()
    }

    #[test]
    fn phrases_are_found_in_comments_and_not_in_text() {
        assert_eq!(found("a.rs", "// A Null Rollback leaves a mark"), ["say empty cancel"]);
        assert_eq!(found("a.rs", "/// keeps hanging tries out"), ["say late try"]);
        assert_eq!(found("a.rs", "let s = \"null rollback\"; // changing"), Vec::<String>::new());
    }

    #[test]
    fn names_are_judged_where_they_are_defined() {
        assert_eq!(found("a.rs", "pub struct LockManager;"), ["say a word for what it does"]);
        assert_eq!(found("a.rs", "fn null_rollback() {}"), ["say empty_cancel"]);
        assert_eq!(found("a.rs", "const TRANS_TYPE: u8 = 1;"), ["say pattern"]);
        assert_eq!(
            found("a.rs", "fn a() { b.freeze(); CryptoProvider::new(); managers(); }"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_module_is_named_for_what_it_holds() {
        assert_eq!(found("src/common.rs", "").len(), 1);
        assert_eq!(found("src/types/mod.rs", "").len(), 1);
        assert_eq!(found("src/lib.rs", "mod core;").len(), 1);
        assert_eq!(found("src/lib.rs", "use core::fmt;\nfn types() {}"), Vec::<String>::new());
    }

    #[test]
    fn another_protocols_words_are_said_where_it_is_spoken() {
        assert_eq!(found("crates/server/src/dtm/begin.rs", "fn gid() {} // gid"), Vec::<String>::new());
        assert_eq!(found("crates/server/src/http/begin.rs", "fn gid() {} // gid").len(), 2);
    }
}
