//! Relative links of the written pages point to something that is there.
//!
//! Looks at every Markdown file, outside code. Links into the network are not followed.

use super::Finding;
use super::tree::{File, Tree};

/// Every relative link to a file or folder that is not in the tree.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let pages = tree.files().iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|file| in_page(tree, file)).collect()
}

fn in_page(tree: &Tree, file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        for target in targets(line).filter(|_| !fenced) {
            if resolve(&file.path, target).is_none_or(|path| !tree.holds(&path)) {
                found.push(Finding {
                    path: file.path.clone(),
                    line: index + 1,
                    rule: "link",
                    what: format!("the link `{target}` points to nothing"),
                    mend: "mend the path (it is relative to this page), or write the page".into(),
                });
            }
        }
    }
    found
}

/// The relative targets of a line's `[text](target)`, without their `#place`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    // What stands between back-ticks is code.
    let prose = line.split('`').step_by(2);
    let links =
        prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next());
    let relative = links.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    relative.filter_map(|target| target.split('#').next()).filter(|target| !target.is_empty())
}

/// The path from the root; `None` = it leaves the tree.
fn resolve(page: &str, target: &str) -> Option<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    parts.retain(|part| !part.is_empty());
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        let files = [("docs/start/a.md", line), ("docs/start/b.md", ""), ("README.md", "")];
        check(&Tree::planted(&files)).len()
    }

    #[test]
    fn links_to_nothing_are_found() {
        for line in
            ["[x](c.md)", "see [x](../b.md) and [y](b.md)", "[x](../../../README.md)", "[`x`](c.md#there)"]
        {
            assert_eq!(found(line), 1, "{line}");
        }
    }

    #[test]
    fn links_to_pages_folders_places_and_the_network_are_let_pass() {
        for line in [
            "[x](b.md) [y](../../README.md#top \"title\") [z](../start/)",
            "[x](https://example.org/c.md) [y](mailto:a@example.org) [z](#below)",
            "a `[x](c.md)` in code",
            "```\n[x](c.md)\n```",
        ] {
            assert_eq!(found(line), 0, "{line}");
        }
    }
}
