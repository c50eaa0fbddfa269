//! What may stand in a test but never ship: `unwrap()`, and the macros of unfinished or watched code.

use super::Finding;
use super::source::is_name;
use super::tree::Tree;

/// What it looks like, and what to write instead.
const SLIPS: &[(&str, &str)] = &[
    (".unwrap()", "return the fault, or `expect` with the reason it cannot happen"),
    (".unwrap_err()", "match on the result"),
    ("todo!", "finish it, or leave it out"),
    ("unimplemented!", "finish it, or leave it out"),
    ("dbg!", "remove it, or log it with tracing"),
];

/// Every slip outside test code.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.shipped() {
            for (slip, mend) in SLIPS {
                if stands_in(&line.code, slip) {
                    found.push(Finding {
                        path: file.path.clone(),
                        line: number,
                        rule: "slip",
                        what: format!("`{slip}` outside a test"),
                        mend: (*mend).into(),
                    });
                }
            }
        }
    }
    found
}

fn stands_in(code: &str, slip: &str) -> bool {
    let whole = |at: usize| slip.starts_with('.') || !code[..at].ends_with(is_name);
    code.match_indices(slip).any(|(at, _)| whole(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_outside_tests_only() {
        let text = "//! Head says todo!()\nfn a() { b.unwrap(); }\nfn c() { todo!(\"x\") }\nfn d() { dbg!(1); }\n\
                    fn e() { unimplemented!() }\nfn f() { not_todo!(); \"x.unwrap()\"; g.unwrap_or(1); }\n\
                    #[cfg(test)]\nmod tests { fn g() { h.unwrap(); todo!() } }\n";
        let found = check(&Tree::planted(&[("src/x.rs", text)]));
        let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
    }
}
