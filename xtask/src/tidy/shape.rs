//! Sizes of files, and the head each one opens with.
//!
//! The length of a function is clippy's to judge (`clippy.toml`).

use super::Finding;
use super::tree::Tree;

const MEDIAN: usize = 150;
const MOST: usize = 500;
const LARGEST: usize = 800;

/// Median at most 150 lines, 95 % at most 500, none over 800.
pub(crate) fn sizes(tree: &Tree) -> Vec<Finding> {
    let mut sizes: Vec<(usize, &str)> =
        tree.rust().map(|file| (file.text.lines().count(), file.path.as_str())).collect();
    sizes.sort_unstable();
    let finding = |path: &str, what: String, mend: &str| Finding {
        path: path.into(),
        line: 0,
        rule: "size",
        what,
        mend: mend.into(),
    };
    let over = |limit: usize| sizes.iter().rev().take_while(move |(lines, _)| *lines > limit);
    let mut found = Vec::new();
    for (lines, path) in over(LARGEST) {
        found.push(finding(
            path,
            format!("{lines} lines, {LARGEST} at most"),
            "give a part that can be told in one sentence a file of its own",
        ));
    }
    if let Some((lines, path)) = sizes.get(sizes.len() / 2).filter(|(lines, _)| *lines > MEDIAN) {
        let what = format!("the median file has {lines} lines, {MEDIAN} at most");
        found.push(finding(path, what, "split files until half of them are short"));
    }
    let large = over(MOST).count();
    if large * 20 > sizes.len() {
        let names: Vec<_> = over(MOST).map(|(lines, path)| format!("{path} ({lines})")).collect();
        let what = format!("{large} of {} files are over {MOST} lines: {}", sizes.len(), names.join(", "));
        found.push(finding(
            "Cargo.toml",
            what,
            "at most one file in twenty may be so long: split the others",
        ));
    }
    found
}

/// Every file opens with a `//!` head.
pub(crate) fn heads(tree: &Tree) -> Vec<Finding> {
    let headless = tree.rust().filter(|file| !file.text.starts_with("//! "));
    headless
        .map(|file| Finding {
            path: file.path.clone(),
            line: 1,
            rule: "head",
            what: "the file does not open with a `//! ` head".into(),
            mend: "say what this module decides or does, what it must never do, where to read next".into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lengths: &[usize]) -> Vec<String> {
        let texts: Vec<_> = lengths.iter().map(|lines| "//! x\n".repeat(*lines)).collect();
        let names: Vec<_> = (0..texts.len()).map(|index| format!("f{index}.rs")).collect();
        let files: Vec<_> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        sizes(&Tree::planted(&files)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn each_size_has_its_limit() {
        assert_eq!(found(&[]), Vec::<String>::new());
        assert_eq!(found(&[150, 150, 150]), Vec::<String>::new());
        assert_eq!(found(&[150, 151, 151]), ["the median file has 151 lines, 150 at most"]);
        let mut many = [10; 40];
        many[0] = 801;
        assert_eq!(found(&many), ["801 lines, 800 at most"]);
        many[0] = 800;
        many[1] = 501;
        assert_eq!(found(&many), Vec::<String>::new());
        many[2] = 501;
        assert_eq!(found(&many).len(), 1);
        assert!(found(&many)[0].starts_with("3 of 40 files are over 500 lines: f0.rs (800)"));
    }

    #[test]
    fn a_file_without_a_head_is_found() {
        let tree = Tree::planted(&[("a.rs", "//! Head.\n"), ("b.rs", "// no head\n"), ("c.md", "words")]);
        let found = heads(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("b.rs", 1));
    }
}
