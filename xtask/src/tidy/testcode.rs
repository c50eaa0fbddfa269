//! Marks which lines are test code: the rules about what ships pass them over.
//!
//! Test code is an item under `#[test]` or `#[cfg(test)]`, the file of a `#[cfg(test)] mod name;`, and whatever is
//! below a folder named `tests`, `benches` or `fuzz`.

use super::source::Line;
use super::tree::File;

const ATTRIBUTES: &[&str] = &["#[test]", "#[cfg(test)]", "#[cfg(all(test,"];
const FOLDERS: &[&str] = &["tests", "benches", "fuzz"];

/// Sets `test` on the lines of every file.
pub(crate) fn mark(files: &mut [File]) {
    let mut modules = Vec::new();
    for file in files.iter_mut() {
        let home = home(&file.path);
        modules.extend(mark_items(&mut file.lines).into_iter().map(|name| format!("{home}{name}")));
    }
    for file in files.iter_mut() {
        let stem = file.path.trim_end_matches(".rs");
        let declared = |module: &String| stem == module || stem.starts_with(&format!("{module}/"));
        let folder = file.path.split('/').rev().skip(1).any(|part| FOLDERS.contains(&part));
        if folder || modules.iter().any(declared) {
            file.lines.iter_mut().for_each(|line| line.test = true);
        }
    }
}

/// The folder, with its slash, in which the modules that this file declares are found.
fn home(path: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let base = if ["lib", "main", "mod"].contains(&name) { folder } else { stem };
    if base.is_empty() { String::new() } else { format!("{base}/") }
}

/// Marks the items under a test attribute; returns the names of modules that are files of their own.
fn mark_items(lines: &mut [Line]) -> Vec<String> {
    let mut modules = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let found = ATTRIBUTES.iter().find_map(|a| lines[at].code.find(a).map(|start| start + a.len()));
        let Some(column) = found else {
            at += 1;
            continue;
        };
        let (end, item) = item(lines, at, column);
        lines[at..=end].iter_mut().for_each(|line| line.test = true);
        let mut words = item.split_whitespace().skip_while(|word| *word != "mod").skip(1);
        if let Some(name) = words.next().and_then(|name| name.strip_suffix(';')) {
            modules.push(name.to_owned());
        }
        at = end + 1;
    }
    modules
}

/// From just behind the attribute to the item's closing brace or semicolon: its last line, and its code.
fn item(lines: &[Line], first: usize, column: usize) -> (usize, String) {
    let mut code = String::new();
    let mut depth = 0_usize;
    for (index, line) in lines.iter().enumerate().skip(first) {
        let from = if index == first { column } else { 0 };
        for seen in line.code[from..].chars() {
            code.push(seen);
            match seen {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(seen, '}' | ';') {
                return (index, code);
            }
        }
        code.push(' ');
    }
    (lines.len() - 1, code)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;

    fn test_lines(files: &[(&str, &str)], path: &str) -> Vec<usize> {
        let tree = Tree::planted(files);
        let file = tree.files().iter().find(|file| file.path == path).unwrap();
        let marked = file.lines.iter().enumerate().filter(|(_, line)| line.test);
        marked.map(|(index, _)| index + 1).collect()
    }

    #[test]
    fn an_item_under_a_test_attribute_ends_with_its_brace() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b([_; 2]: X) { \"}\"; }\n}\nfn c() {}\n#[test]\nfn d()\n{\n}\n";
        assert_eq!(test_lines(&[("src/x.rs", text)], "src/x.rs"), [2, 3, 4, 5, 7, 8, 9, 10]);
    }

    #[test]
    fn a_module_declared_under_cfg_test_is_test_code_wherever_it_lies() {
        for (declares, holds) in [
            ("src/lib.rs", "src/proofs.rs"),
            ("src/x.rs", "src/x/proofs.rs"),
            ("src/x.rs", "src/x/proofs/deep.rs"),
        ] {
            let files =
                [(declares, "#[cfg(test)]\npub(crate) mod proofs;\nfn a() {}\n"), (holds, "fn b() {}\n")];
            assert_eq!(test_lines(&files, holds), [1], "{holds}");
            assert_eq!(test_lines(&files, declares), [1, 2], "{declares}");
        }
        let files = [("src/lib.rs", "#[cfg(test)]\nmod proofs;\n"), ("src/proofs_of.rs", "fn b() {}\n")];
        assert!(test_lines(&files, "src/proofs_of.rs").is_empty());
    }

    #[test]
    fn a_tests_folder_is_test_code() {
        assert_eq!(
            test_lines(&[("crates/cli/tests/kill.rs", "fn a() {}\n")], "crates/cli/tests/kill.rs"),
            [1]
        );
    }
}
