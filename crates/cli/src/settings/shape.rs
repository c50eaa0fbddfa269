//! The shapes a setting's value can have, and how each is read from words (a flag, a variable) and from TOML.
//! It judges the form only; what a value means is for `table.rs`.

use std::ops::RangeInclusive;

use toml::de::DeValue;

/// The form of a value.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Any text. The word names it in the help.
    Text(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number in this range.
    Count(RangeInclusive<u64>),
    /// On or off.
    Switch,
    /// Several texts; with commas between them in a flag or a variable.
    List(&'static str),
    /// A table of the file, or a list with commas of what the word shows.
    Table(&'static str),
}

/// A value of the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// For `Text` and `Choice`.
    Text(String),
    /// For `Count`.
    Count(u64),
    /// For `Switch`.
    Switch(Switch),
    /// For `List` and `Table`.
    List(Vec<String>),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Shape {
    /// What stands for the value in help and reference.
    pub(crate) fn placeholder(&self) -> String {
        match self {
            Shape::Text(word) => (*word).to_owned(),
            Shape::Choice(words) => words.join("|"),
            Shape::Count(_) => "NUMBER".to_owned(),
            Shape::Switch => "true|false".to_owned(),
            Shape::List(word) | Shape::Table(word) => format!("{word},…"),
        }
    }

    /// Reads words.
    pub(crate) fn of_words(&self, words: &str) -> Result<Value, String> {
        match self {
            Shape::Text(_) => Ok(Value::Text(words.to_owned())),
            Shape::Choice(known) => choice(words, known),
            Shape::Count(range) => {
                let number = words
                    .replace('_', "")
                    .parse()
                    .map_err(|_| format!("{words:?} is no whole number {}", within(range)))?;
                count(number, range)
            }
            Shape::Switch => match words {
                "true" => Ok(Value::Switch(Switch::On)),
                "false" => Ok(Value::Switch(Switch::Off)),
                _ => Err(format!("{words:?} is neither true nor false")),
            },
            Shape::List(_) | Shape::Table(_) => {
                let parts = words.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(Value::List(parts.map(str::to_owned).collect()))
            }
        }
    }

    /// Reads a value of the file. A `Table` is taken apart in `file.rs`.
    pub(crate) fn of_toml(&self, value: &DeValue<'_>) -> Result<Value, String> {
        let is_not = |wanted: &str| Err(format!("is a {}, but must be {wanted}", value.type_str()));
        match self {
            Shape::Text(_) | Shape::Choice(_) => match value.as_str() {
                Some(text) => self.of_words(text),
                None => is_not("a string"),
            },
            Shape::Count(range) => match value.as_integer() {
                Some(number) => {
                    let read = i128::from_str_radix(number.as_str(), number.radix());
                    let number = read.ok().and_then(|number| u64::try_from(number).ok());
                    count(number.ok_or_else(|| format!("must be a number {}", within(range)))?, range)
                }
                None => is_not("a whole number"),
            },
            Shape::Switch => match value.as_bool() {
                Some(is_on) => Ok(Value::Switch(if is_on { Switch::On } else { Switch::Off })),
                None => is_not("true or false"),
            },
            Shape::List(_) => {
                let Some(array) = value.as_array() else { return is_not("an array") };
                let texts = array.iter().map(|item| match item.get_ref() {
                    DeValue::String(text) => Ok(text.to_string()),
                    DeValue::Integer(number) => Ok(number.as_str().to_owned()),
                    other => Err(format!("holds a {}, but only strings and numbers fit", other.type_str())),
                });
                texts.collect::<Result<_, _>>().map(Value::List)
            }
            Shape::Table(_) => is_not("a table"),
        }
    }
}

fn choice(word: &str, known: &[&str]) -> Result<Value, String> {
    if known.contains(&word) {
        return Ok(Value::Text(word.to_owned()));
    }
    Err(format!("{word:?} is none of {}", known.join(", ")))
}

fn count(number: u64, range: &RangeInclusive<u64>) -> Result<Value, String> {
    if range.contains(&number) {
        return Ok(Value::Count(number));
    }
    Err(format!("{number} is not {}", within(range)))
}

fn within(range: &RangeInclusive<u64>) -> String {
    format!("from {} to {}", range.start(), range.end())
}

/// A value of another shape than its setting's is a slip in `table.rs`, which the tests would have shown.
const TABLE: &str = "a setting reads the value of its own shape";

impl Value {
    pub(crate) fn text(&self) -> &str {
        if let Value::Text(text) = self { text } else { unreachable!("{TABLE}") }
    }

    pub(crate) fn count(&self) -> u64 {
        if let Value::Count(number) = self { *number } else { unreachable!("{TABLE}") }
    }

    pub(crate) fn switch(&self) -> Switch {
        if let Value::Switch(switch) = self { *switch } else { unreachable!("{TABLE}") }
    }

    pub(crate) fn list(&self) -> &[String] {
        if let Value::List(list) = self { list } else { unreachable!("{TABLE}") }
    }
}
