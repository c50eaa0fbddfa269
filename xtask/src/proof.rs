//! Writes what was just measured into `docs/internals/proof.md`, between the marks of its block. Nothing else is touched.

use std::fs;
use std::path::Path;

use anyhow::Context;

const PAGE: &str = "docs/internals/proof.md";

/// Replaces what is between `<!-- begin BLOCK -->` and `<!-- end BLOCK -->`.
pub(crate) fn record(root: &Path, block: &str, text: &str) -> anyhow::Result<()> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let replaced = replaced(&page, block, text).with_context(|| format!("{PAGE} has no block {block}"))?;
    Ok(fs::write(&path, replaced)?)
}

fn replaced(page: &str, block: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- begin {block} -->"))?;
    let (_, after) = rest.split_once(&format!("<!-- end {block} -->"))?;
    let text = text.trim();
    Some(format!("{before}<!-- begin {block} -->\n{text}\n<!-- end {block} -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_is_replaced() {
        let page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n<!-- begin y --><!-- end y -->\n";
        let new = "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n<!-- begin y --><!-- end y -->\n";
        assert_eq!(replaced(page, "x", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(page, "z", "new"), None);
    }
}
