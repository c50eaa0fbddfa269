//! No bare `bool` parameter: at the call nobody can tell what `true` means.
//!
//! Looks at functions that ship. `from`, and names that end in `_bool`, are let pass: they come from somebody
//! else's trait.

use super::Finding;
use super::source::is_name;
use super::tree::{File, Tree};

/// Every named function parameter of type `bool`.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Finding> {
    let mut code = String::new();
    let mut ends = Vec::new();
    for line in &file.lines {
        if !line.test {
            code.push_str(&line.code);
        }
        code.push('\n');
        ends.push(code.len());
    }
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_name)) {
        let Some(function) = Function::read(&code[at + 3..]) else { continue };
        for parameter in function.parameters.iter().filter(|_| !function.is_foreign()) {
            let Some((name, "bool")) = parameter.split_once(':').map(|(n, kind)| (n.trim(), kind.trim()))
            else {
                continue;
            };
            found.push(Finding {
                path: file.path.clone(),
                line: ends.partition_point(|end| *end <= at) + 1,
                rule: "bool",
                what: format!("fn {}: the parameter `{name}` is a bare bool", function.name),
                mend: "take an enum of two words, or make it two functions".into(),
            });
        }
    }
    found
}

struct Function<'a> {
    name: &'a str,
    parameters: Vec<&'a str>,
}

impl<'a> Function<'a> {
    fn is_foreign(&self) -> bool {
        self.name == "from" || self.name.ends_with("_bool")
    }

    /// Reads what follows `fn `; `None` for a function pointer.
    fn read(code: &'a str) -> Option<Self> {
        let name = &code[..code.find(|seen| !is_name(seen))?];
        if name.is_empty() {
            return None;
        }
        let mut open = 0_usize;
        let mut start = None;
        let mut parameters = Vec::new();
        let mut before = ' ';
        for (at, seen) in code.char_indices() {
            match seen {
                '(' if open == 0 && start.is_none() => {
                    open = 1;
                    start = Some(at + 1);
                }
                '(' | '[' | '{' | '<' => open += 1,
                // The arrow of `Fn() -> bool` closes nothing.
                '>' if matches!(before, '-' | '=') => {}
                ')' if open == 1 && start.is_some() => {
                    parameters.push(&code[start?..at]);
                    return Some(Self { name, parameters });
                }
                ')' | ']' | '}' | '>' => open = open.checked_sub(1)?,
                ',' if open == 1 && start.is_some() => {
                    parameters.push(&code[start?..at]);
                    start = Some(at + 1);
                }
                _ => {}
            }
            before = seen;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> usize {
        check(&Tree::planted(&[("src/x.rs", code)])).len()
    }

    #[test]
    fn bare_bools_are_found() {
        let bare = [
            "fn a(b: bool) {}",
            "pub fn a(&self, b: u8, c: bool) -> u8 {}",
            "fn a<F: Fn(u8) -> u8>(f: F, b: bool) {}",
            "fn a(\n    b: u8,\n    mut c: bool,\n) {}",
        ];
        for code in bare {
            assert_eq!(found(code), 1, "{code}");
        }
        assert_eq!(found("fn a(b: bool, c: bool) {}"), 2);
    }

    #[test]
    fn other_bools_are_let_pass() {
        let well = [
            "fn a() -> bool {}",
            "fn a(f: fn(bool) -> bool) {}",
            "fn a(f: impl Fn(&str) -> bool, b: Vec<bool>) {}",
            "struct A { b: bool }",
            "fn visit_bool(self, value: bool) {}",
            "fn from(value: bool) -> Self {}",
            "#[cfg(test)]\nmod tests { fn a(b: bool) {} }",
            "// fn a(b: bool)",
        ];
        for code in well {
            assert_eq!(found(code), 0, "{code}");
        }
    }

    #[test]
    fn the_line_is_the_functions() {
        let tree = Tree::planted(&[("src/x.rs", "//! Head.\n\nfn a(b: bool) {}\n")]);
        assert_eq!(check(&tree)[0].line, 3);
    }
}
