//! A planted advisory folder against a planted lock file: what is found, what is let pass.

use super::*;

const LOCK: &str = r#"
version = 4
[[package]]
name = "ours"
version = "0.1.0"
[[package]]
name = "leaky"
version = "1.2.3"
source = "registry"
[[package]]
name = "asleep"
version = "0.4.0"
source = "registry"
"#;

fn policy(ignore: &str) -> Policy {
    Policy::parse(&format!(
        "[bans]\ndeny = [{{ crate = \"asleep\", reason = \"nobody keeps it\" }}]\n{ignore}"
    ))
    .unwrap()
}

/// An advisory about `package` with the given lines under `[advisory]` and `[versions]`.
fn plant(folder: &Path, package: &str, lines: &str, versions: &str) {
    let folder = folder.join("crates").join(package);
    fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "```toml\n[advisory]\nid = \"RUSTSEC-{package}\"\npackage = \"{package}\"\ndate = \"2026-01-02\"\n{lines}\n\
         [versions]\n{versions}\n```\n\n# Words\n"
    );
    fs::write(folder.join("one.md"), text).unwrap();
}

fn found(lines: &str, versions: &str, ignore: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), "leaky", lines, versions);
    let data = read(folder.path()).unwrap();
    assert_eq!((data.count(), data.newest()), (1, "2026-01-02"));
    data.against(&locked(LOCK).unwrap(), &policy(ignore))
}

#[test]
fn a_version_outside_the_safe_ranges_is_found() {
    for (versions, expected) in [
        ("patched = []", true),
        ("patched = [\">= 1.2.4\"]", true),
        ("patched = [\">= 1.2.3\"]", false),
        ("patched = [\">= 1.1.9, < 1.2.0\", \">= 2.0.0\"]", true),
        ("patched = [\">= 2.0.0\"]\nunaffected = [\"< 1.3\"]", false),
    ] {
        assert_eq!(!found("", versions, "").is_empty(), expected, "{versions}");
    }
    assert_eq!(found("", "patched = []", ""), ["leaky 1.2.3: RUSTSEC-leaky (vulnerability)"]);
}

#[test]
fn unmaintained_counts_and_notice_withdrawn_and_ignored_do_not() {
    let kinds = [("informational = \"unmaintained\"", 1), ("informational = \"unsound\"", 1)];
    for (lines, expected) in
        kinds.into_iter().chain([("informational = \"notice\"", 0), ("withdrawn = \"2026-02-01\"", 0)])
    {
        assert_eq!(found(lines, "patched = []", "").len(), expected, "{lines}");
    }
    let ignore = "[advisories]\nignore = [{ id = \"RUSTSEC-leaky\", reason = \"not called\" }]";
    assert_eq!(found("", "patched = []", ignore), Vec::<String>::new());
}

#[test]
fn a_banned_crate_is_told_with_its_reason() {
    assert_eq!(policy("").banned(&locked(LOCK).unwrap()), ["asleep 0.4.0: nobody keeps it"]);
}

#[test]
fn our_own_crates_are_left_out() {
    let names: Vec<_> = locked(LOCK).unwrap().into_iter().map(|krate| krate.name).collect();
    assert_eq!(names, ["leaky", "asleep"]);
}

#[test]
fn an_empty_folder_and_a_ban_without_reason_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(folder.path()).is_err());
    fs::create_dir(folder.path().join("crates")).unwrap();
    assert!(read(folder.path()).is_err());
    assert!(Policy::parse("[bans]\ndeny = [\"asleep\"]").is_err());
    assert!(Policy::parse("[advisories]\nignore = [\"RUSTSEC-1\"]").is_err());
}
