//! What a person sees at a terminal: tables, words of JSON values, the end of a command.
//!
//! Control characters of others never reach the terminal. It asks no server. Read next: `tx/mod.rs`, `ledger/mod.rs`.

use std::io::Write as _;
use std::process::ExitCode;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde_json::Value;

use crate::exit::{Exit, words as fault_words};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For people.
    Table,
    /// The server's own JSON.
    Json,
}

/// What to print, or the refusal in words; the fault when nobody knows what became of it.
pub(crate) type Told = anyhow::Result<Result<String, String>>;

/// Prints it and says how the command ended.
pub(crate) fn tell(told: Told) -> ExitCode {
    match told {
        Ok(Ok(text)) => {
            // Whoever reads may have read enough (`| head`).
            let _ = writeln!(std::io::stdout(), "{text}");
            Exit::Done.into()
        }
        Ok(Err(refusal)) => {
            eprintln!("{refusal}");
            Exit::Refused.into()
        }
        Err(fault) => {
            eprintln!("tercet: {}", fault_words(&fault));
            Exit::Fault.into()
        }
    }
}

/// One line below the head, as wide as what is in it: a row stays a line, so that `grep` finds whole ones.
pub(crate) fn table(head: &[&str]) -> Table {
    const LOOK: TableStyle = TableStyle::new().header_separator(LineStyle::new(' ', '─', '─', ' '));
    let mut table = Table::new();
    table.load_style(LOOK).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    table
}

/// A table of these fields of each item, under the same names; nothing for null.
pub(crate) fn rows(fields: &[&str], items: &[Value]) -> String {
    let head: Vec<String> = fields.iter().map(|name| name.replace('_', " ")).collect();
    let mut table = table(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for item in items {
        table.add_row(fields.iter().map(|name| words(&item[*name])));
    }
    table.trim_fmt()
}

/// `title`, then one line for each field that is there, not null and not `false`.
pub(crate) fn card(title: &str, fields: &[&str], body: &Value) -> String {
    let mut text = title.to_owned();
    for name in fields.iter().filter(|name| !matches!(body[**name], Value::Null | Value::Bool(false))) {
        text.push_str(&format!("\n  {:<14} {}", name.replace('_', " "), words(&body[*name])));
    }
    text
}

/// Text as it is, anything else as JSON, nothing for null. Control characters are shown, not sent to the terminal.
pub(crate) fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    plain(&text)
}

/// Text of somebody else, its control characters shown.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|seen| if seen.is_control() { '·' } else { seen }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_and_cards_leave_out_what_is_not_there() {
        let items = [json!({"id": "a\u{1b}[2J", "held": "0", "ceiling": null, "final": false})];
        let text = rows(&["id", "held", "ceiling"], &items);
        assert!(text.contains("a·[2J") && !text.contains("null"), "{text}");
        let text = card("account a", &["held", "ceiling", "final", "posted_after"], &items[0]);
        assert_eq!(text, "account a\n  held           0");
    }
}
