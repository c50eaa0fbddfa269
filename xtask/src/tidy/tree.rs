//! What tidy looks at: the text files that git tracks or would track, Rust ones split into code and comment.
//!
//! Reads, and judges nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use super::source::{self, Line};
use super::testcode;

/// One text file, its path from the root with `/`.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Of a Rust file; empty for any other.
    pub(crate) lines: Vec<Line>,
}

/// The files, sorted by path.
pub(crate) struct Tree {
    files: Vec<File>,
    /// Every path, binary files and folders too.
    paths: BTreeSet<String>,
}

impl Tree {
    /// Reads the files of the work tree at `root`, committed or not, ignored ones left out.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(root)
            .output()
            .context("cannot start git")?;
        ensure!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
        let names = String::from_utf8(listed.stdout).context("a file name that is not UTF-8")?;
        let mut named = Vec::new();
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            // Deleted but still in the index, or a folder behind a link: not there to be judged.
            if let Ok(bytes) = std::fs::read(root.join(name)) {
                named.push((name.to_owned(), String::from_utf8(bytes).ok()));
            }
        }
        Ok(Self::of(named))
    }

    /// A tree made of the given paths and texts.
    #[cfg(test)]
    pub(crate) fn planted(files: &[(&str, &str)]) -> Self {
        Self::of(files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned()))).collect())
    }

    fn of(named: Vec<(String, Option<String>)>) -> Self {
        let mut paths = BTreeSet::new();
        let mut files = Vec::new();
        for (path, text) in named {
            for (at, _) in path.match_indices('/') {
                paths.insert(path[..at].to_owned());
            }
            paths.insert(path.clone());
            if let Some(text) = text {
                let lines = if path.ends_with(".rs") { source::split(&text) } else { Vec::new() };
                files.push(File { path, text, lines });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        testcode::mark(&mut files);
        Self { files, paths }
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// Whether a file or folder of this path is in the tree.
    pub(crate) fn holds(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }
}

impl File {
    /// The lines that ship, with their numbers from 1.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().filter(|(_, line)| !line.test).map(|(index, line)| (index + 1, line))
    }

    /// The room of `crates/ROOM/…`.
    pub(crate) fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncommitted_files_are_seen_and_ignored_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let git = Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()).status().unwrap();
        assert!(git.success());
        for (name, text) in [(".gitignore", "out\n"), ("new.rs", "//! Head\n"), ("out", "x\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let tree = Tree::read(folder.path()).unwrap();
        assert!(tree.holds("new.rs") && tree.holds(".gitignore") && !tree.holds("out"));
        assert_eq!(tree.rust().count(), 1);
    }

    #[test]
    fn folders_are_held_too() {
        let tree = Tree::planted(&[("docs/start/one.md", "")]);
        assert!(tree.holds("docs/start") && tree.holds("docs") && !tree.holds("doc"));
    }
}
