//! `docs/reference/settings.md`, made from the table of settings; the test compares, `TERCET_BLESS=1` rewrites.

use std::fmt::Write as _;
use std::path::Path;

use super::shape::Shape;
use super::table::{SETTINGS, Setting, WITHOUT_FLAG};

const HEAD: &str = "# Settings

Every setting of `tercet serve`. Each can be said in three places; the first of these that says it decides:

1. a flag: `tercet serve --limits-body-bytes 2097152`
2. a key of the TOML file that `--config FILE` (or `TERCET_CONFIG`) names:

   ```toml
   retention_days = 90

   [limits]
   body_bytes = 2_097_152

   [tokens]
   shop = \"3b4f5c0e9a6d4f7f\"

   [participants.\"10.1.0.7:7001\"]
   concurrency = 8
   rate = 200
   ```

3. a variable: `TERCET_LIMITS_BODY_BYTES=2097152`; entries of a list have commas between them, and a participant's
   keys spaces: `TERCET_PARTICIPANTS='10.1.0.7:7001 concurrency=8 rate=200,10.1.0.8:7001 rate=50'`

An unknown key of the file and an unknown `TERCET_…` variable are refused, with the file and line or the name: a typing
error is never ignored. A file that holds tokens should be readable by its owner only.

This page is made from `crates/cli/src/settings/table.rs`; `TERCET_BLESS=1 cargo test -p cli settings` writes it anew.

| key | flag | variable | value | default | what it is for |
|---|---|---|---|---|---|
";

fn row(setting: &Setting) -> String {
    let flag = match setting.key {
        WITHOUT_FLAG => "none".to_owned(),
        _ => format!("`--{}`", setting.flag()),
    };
    let value = match &setting.shape {
        Shape::Count(range) if *range.end() > 1_000_000_000_000 => format!("number from {}", range.start()),
        Shape::Count(range) => format!("{} to {}", range.start(), range.end()),
        Shape::Choice(words) => words.join(", "),
        Shape::Switch => "true, false".to_owned(),
        Shape::Text(word) => (*word).to_owned(),
        Shape::List(word) => format!("list of {word}"),
        Shape::Table(word) => format!("table, or list of {word}"),
    };
    let default =
        if setting.default.is_empty() { "none".to_owned() } else { format!("`{}`", setting.default) };
    format!(
        "| `{}` | {flag} | `{}` | {value} | {default} | {} |\n",
        setting.key,
        setting.variable(),
        setting.what
    )
}

#[test]
fn the_settings_reference_is_what_the_table_says() {
    let mut text = HEAD.to_owned();
    for setting in SETTINGS {
        write!(text, "{}", row(setting)).expect("a String takes all text");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/settings.md");
    if std::env::var_os("TERCET_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "docs/reference/settings.md is out of date: TERCET_BLESS=1 writes it anew");
}
