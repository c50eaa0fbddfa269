//! `docs/reference/cli.md`, made from the help texts; the test compares, `TERCET_BLESS=1` rewrites.

use std::path::Path;

use clap::{Command, CommandFactory};

const HEAD: &str = "# Commands

What `tercet COMMAND --help` says, made from the code; `TERCET_BLESS=1 cargo test -p cli reference` writes it anew. The
flags of `tercet serve` are [settings](settings.md), the workloads of `tercet bench` are in [performance](../performance.md).

| exit code | means |
|---|---|
| 0 | it did what was asked |
| 1 | the server refused (code and detail on standard error), or a check found a difference |
| 2 | it could not start: usage, settings, the data folder, an address; there is nothing to look at |
| 3 | a running server met a fault; `tx` could not reach its server |
";

/// Each command with its help, in the order of the help.
fn sections(command: &mut Command, path: &str, text: &mut String) {
    let names: Vec<String> = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
        .map(|inner| inner.get_name().to_owned())
        .collect();
    for name in names {
        let inner = command.find_subcommand_mut(&name).expect("it was listed");
        let path = format!("{path} {name}");
        // The flags of serve and the workloads of bench have pages of their own.
        let has_page = matches!(name.as_str(), "serve" | "bench");
        let help = if has_page {
            inner.get_about().map(ToString::to_string).unwrap_or_default()
        } else {
            inner.render_long_help().to_string()
        };
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        text.push_str(&format!("\n## `{}`\n\n```text\n{}\n```\n", path.trim_start(), lines.join("\n")));
        if !has_page {
            sections(inner, &path, text);
        }
    }
}

#[test]
fn the_reference_of_commands_is_what_the_help_says() {
    let mut text = HEAD.to_owned();
    let mut command = crate::Command::command().bin_name("tercet");
    command.build();
    sections(&mut command, "tercet", &mut text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    if std::env::var_os("TERCET_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "docs/reference/cli.md is out of date: TERCET_BLESS=1 writes it anew");
}
