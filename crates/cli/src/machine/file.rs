//! Reads a machine's file, TOML or JSON, into the JSON that the API takes. The order of states and moves is kept.
//!
//! It judges the syntax only; what a machine means is judged in `ledger`. Read next: `mod.rs`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::Value as Toml;

/// The text of a file, and what it is called.
pub(crate) struct Text {
    path: PathBuf,
    text: String,
}

/// Why a file is no machine at all.
#[derive(Debug)]
pub(crate) struct Unreadable {
    path: PathBuf,
    why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unreadable {}

/// Reads the file. Refuses what cannot be read or is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<Text, Unreadable> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Text::of(path, text)),
        Err(error) => Err(Unreadable { path: path.to_owned(), why: error.to_string() }),
    }
}

impl Text {
    /// The text of the file at `path`.
    pub(crate) fn of(path: &Path, text: String) -> Text {
        Text { path: path.to_owned(), text }
    }

    /// As JSON text, in the order of the file. Refuses what is neither JSON nor TOML; a file whose name ends in `.json`
    /// is taken for JSON, any other for TOML.
    pub(crate) fn into_json(self) -> Result<String, Unreadable> {
        if self.path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json")) {
            return match serde_json::from_str::<serde::de::IgnoredAny>(&self.text) {
                Ok(_) => Ok(self.text),
                Err(error) => Err(Unreadable { path: self.path, why: format!("not JSON: {error}") }),
            };
        }
        let unreadable = |why| Unreadable { path: self.path.clone(), why };
        let table: toml::Table = self.text.parse().map_err(|error: toml::de::Error| {
            unreadable(format!("not TOML: {}", error.to_string().trim_end()))
        })?;
        match table.iter().find_map(|(name, value)| foreign(&format!("/{name}"), value)) {
            Some(why) => Err(unreadable(why)),
            None => {
                let mut json = String::new();
                put_table(&mut json, &table);
                Ok(json)
            }
        }
    }
}

/// What TOML can say and JSON cannot, in words with its place. A time is no text: whoever means one puts it in quotes.
fn foreign(at: &str, value: &Toml) -> Option<String> {
    match value {
        Toml::Datetime(time) => Some(format!("{time} is a time, which no field takes (at {at})")),
        Toml::Float(number) if !number.is_finite() => Some(format!("{number} is no number here (at {at})")),
        Toml::Array(list) => {
            list.iter().enumerate().find_map(|(index, value)| foreign(&format!("{at}/{index}"), value))
        }
        Toml::Table(table) => table.iter().find_map(|(name, value)| foreign(&format!("{at}/{name}"), value)),
        Toml::String(_) | Toml::Integer(_) | Toml::Boolean(_) | Toml::Float(_) => None,
    }
}

fn put(json: &mut String, value: &Toml) {
    match value {
        Toml::String(text) => put_text(json, text),
        Toml::Integer(number) => json.push_str(&number.to_string()),
        Toml::Boolean(flag) => json.push_str(if *flag { "true" } else { "false" }),
        // No field of a machine takes one; the digits are shown where it is refused.
        Toml::Float(number) => json.push_str(&format!("{number:?}")),
        // Refused before.
        Toml::Datetime(time) => put_text(json, &time.to_string()),
        Toml::Array(list) => {
            json.push('[');
            for (index, value) in list.iter().enumerate() {
                json.push_str(if index == 0 { "" } else { "," });
                put(json, value);
            }
            json.push(']');
        }
        Toml::Table(table) => put_table(json, table),
    }
}

fn put_table(json: &mut String, table: &toml::Table) {
    json.push('{');
    for (index, (name, value)) in table.iter().enumerate() {
        json.push_str(if index == 0 { "" } else { "," });
        put_text(json, name);
        json.push(':');
        put(json, value);
    }
    json.push('}');
}

fn put_text(json: &mut String, text: &str) {
    json.push_str(&Json::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(name: &str, text: &str) -> Result<String, String> {
        let text = Text::of(Path::new(name), text.to_owned());
        text.into_json().map_err(|unreadable| unreadable.to_string())
    }

    #[test]
    fn the_order_of_a_file_is_kept() {
        let toml = "name = \"m\"\n[states]\nz = {}\na = { final = true }\n[moves]\ny = { from = [\"z\"], to = \"a\" }\nb = { n = 5 }\n";
        let wanted = r#"{"name":"m","states":{"z":{},"a":{"final":true}},"moves":{"y":{"from":["z"],"to":"a"},"b":{"n":5}}}"#;
        assert_eq!(json("m.toml", toml).unwrap(), wanted);
        assert_eq!(json("m.json", wanted).unwrap(), wanted);
    }

    #[test]
    fn what_json_cannot_say_is_refused_with_its_place() {
        let refused = json("m.toml", "name = \"m\"\n[states]\na = { after_ms = inf }\n").unwrap_err();
        assert_eq!(refused, "m.toml: inf is no number here (at /states/a/after_ms)");
        let refused = json("m.toml", "name = \"m\"\ninitial = 1979-05-27\n").unwrap_err();
        assert_eq!(refused, "m.toml: 1979-05-27 is a time, which no field takes (at /initial)");
    }

    #[test]
    fn what_is_neither_is_refused_with_its_place() {
        let refused = json("m.toml", "name = \n").unwrap_err();
        assert!(refused.starts_with("m.toml: not TOML") && refused.contains("line 1"), "{refused}");
        let refused = json("m.json", "{").unwrap_err();
        assert!(refused.starts_with("m.json: not JSON") && refused.contains("line 1"), "{refused}");
    }
}
