//! Nothing in the tree names a folder of the machine it was written on.
//!
//! Looks at every text file but the lock file. A path below such a folder of ours (`src/home/x`) is none.

use super::Finding;
use super::source::is_name;
use super::tree::Tree;

/// First folders that exist on one machine and not on the next. Split, so that this file does not name them.
const FOLDERS: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "tmp/"),
];

/// Every mention of such a folder.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files().iter().filter(|file| file.path != "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            for folder in FOLDERS.iter().filter(|folder| names(line, folder)) {
                found.push(Finding {
                    path: file.path.clone(),
                    line: index + 1,
                    rule: "machine",
                    what: format!("a path of one machine, {folder}…"),
                    mend: "a path relative to the project, a temporary folder asked for, or a setting".into(),
                });
            }
        }
    }
    found
}

fn names(line: &str, folder: &str) -> bool {
    let absolute =
        |at: usize| !line[..at].ends_with(|seen| is_name(seen) || matches!(seen, '.' | '-' | '~' | '}'));
    let goes_on =
        |at: usize| line[at + folder.len()..].starts_with(|seen: char| is_name(seen) || seen == '.');
    line.match_indices(folder).any(|(at, _)| absolute(at) && goes_on(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, line: &str) -> usize {
        check(&Tree::planted(&[(path, line)])).len()
    }

    #[test]
    fn absolute_paths_are_found_in_any_text() {
        for folder in FOLDERS {
            assert_eq!(found("docs/a.md", &format!("see {folder}x")), 1);
            assert_eq!(found("xtask/src/a.rs", &format!("let a = \"{folder}x\";")), 1);
            assert_eq!(found(".ci/run", &format!("cd {folder}x")), 1);
            assert_eq!(found("Cargo.lock", &format!("see {folder}x")), 0);
        }
    }

    #[test]
    fn folders_of_ours_are_let_pass() {
        for folder in FOLDERS {
            assert_eq!(found("docs/a.md", &format!("see src{folder}x and ..{folder}x and {folder}")), 0);
        }
    }
}
