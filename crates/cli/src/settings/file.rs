//! What the TOML file says. Every refusal names the file and the line.
//!
//! The keys are those of `table.rs`, a dot in a key being a table of the file. Read next: `shape.rs`.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layer::{Layer, Origin, Refused, Said};
use super::shape::{Shape, Value};
use super::table::{SETTINGS, Setting};

/// Reads the file at `path`.
///
/// # Errors
/// A file that cannot be read, is no TOML, or has a key or a value that is not understood.
pub(crate) fn read(path: &Path) -> Result<Layer, Refused> {
    let text = std::fs::read_to_string(path).map_err(|error| Refused {
        origin: Origin::File(path.to_owned()),
        why: format!("cannot be read: {error}"),
    })?;
    parse(path, &text)
}

/// Reads the text of a file.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Layer, Refused> {
    let file = File { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        file.refused(at, "", error.message().to_owned())
    })?;
    let mut layer = Layer::default();
    file.walk(table.get_ref(), "", &mut layer)?;
    Ok(layer)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn walk(&self, table: &DeTable<'_>, prefix: &str, layer: &mut Layer) -> Result<(), Refused> {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let at = name.span().start;
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) {
                self.take(setting, (at, value), layer)?;
                continue;
            }
            let inner = format!("{key}.");
            match value.get_ref().as_table() {
                Some(table) if SETTINGS.iter().any(|setting| setting.key.starts_with(&inner)) => {
                    self.walk(table, &inner, layer)?;
                }
                _ => return Err(self.refused(at, &key, format!("unknown key{}", near(&key)))),
            }
        }
        Ok(())
    }

    fn take(
        &self,
        setting: &'static Setting,
        (at, value): (usize, &Spanned<DeValue<'_>>),
        layer: &mut Layer,
    ) -> Result<(), Refused> {
        if let (Shape::Table(_), Some(table)) = (&setting.shape, value.get_ref().as_table()) {
            return self.take_table(setting, table, layer);
        }
        let value =
            setting.shape.of_toml(value.get_ref()).map_err(|why| self.refused(at, setting.key, why))?;
        layer.say(setting.key, Said { value, origin: self.origin(at, setting.key) });
        Ok(())
    }

    /// A table says one entry for each of its lines: `NAME=VALUE`, or `NAME KEY=VALUE` where it has tables inside.
    fn take_table(
        &self,
        setting: &'static Setting,
        table: &DeTable<'_>,
        layer: &mut Layer,
    ) -> Result<(), Refused> {
        for (name, value) in table {
            let at = name.span().start;
            let name = name.get_ref();
            let key = format!("{}.{name:?}", setting.key);
            let mut say = |at: usize, entry: String| {
                let value = Value::List(vec![entry]);
                layer.say(setting.key, Said { value, origin: self.origin(at, &key) });
            };
            match value.get_ref() {
                DeValue::String(text) => say(at, format!("{name}={text}")),
                DeValue::Table(inner) => {
                    for (inner_name, inner) in inner {
                        let at = inner_name.span().start;
                        let DeValue::Integer(number) = inner.get_ref() else {
                            let why = format!("{} must be a whole number", inner_name.get_ref());
                            return Err(self.refused(at, &key, why));
                        };
                        say(at, format!("{name} {}={}", inner_name.get_ref(), number.as_str()));
                    }
                }
                other => {
                    return Err(self.refused(at, &key, format!("a {} does not fit", other.type_str())));
                }
            }
        }
        Ok(())
    }

    fn origin(&self, at: usize, key: &str) -> Origin {
        let line = self.text[..at.min(self.text.len())].matches('\n').count() + 1;
        Origin::Line { path: self.path.to_owned(), line, key: key.to_owned() }
    }

    fn refused(&self, at: usize, key: &str, why: String) -> Refused {
        Refused { origin: self.origin(at, key), why }
    }
}

/// The same last word under another table, if there is one: most unknown keys are in the wrong table.
fn near(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let same = SETTINGS.iter().find(|setting| setting.key.rsplit('.').next() == Some(last));
    same.map_or_else(String::new, |setting| format!("; did you mean {}?", setting.key))
}
