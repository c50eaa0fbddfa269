//! A declared statement with named parameters, compiled once into one with places to bind.
//!
//! `:name` becomes `$1`, `?1` or `?`. Only the declared text is read here, never a value, so nothing that a branch brings
//! can become part of a statement. What is inside quotes and comments is copied as it is; what this reader and a
//! database might read differently (a backslash in quotes, MySQL's executable comments) is refused.

use std::sync::Arc;

use super::super::parameters::{Type, Types};

/// Whose grammar a statement follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    Postgres,
    MySql,
    Sqlite,
}

/// A statement ready to be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiled {
    /// The text, with places.
    pub(super) sql: Arc<str>,
    /// What is bound at each place, in order.
    pub(super) binds: Vec<Arc<str>>,
    /// The table it changes, where the text says it plainly.
    pub(super) table: Option<String>,
}

/// What a statement may begin with. Anything else might end the local transaction in which the barrier's row is.
const VERBS: [&str; 6] = ["insert", "update", "delete", "merge", "replace", "with"];

/// Compiles a statement.
///
/// # Errors
/// In words what is wrong with it.
pub(super) fn compile(text: &str, grammar: Grammar, types: &Types) -> Result<Compiled, String> {
    let mut compiling = Compiling {
        text,
        at: 0,
        grammar,
        types,
        sql: String::with_capacity(text.len()),
        binds: Vec::new(),
        words: Vec::new(),
    };
    while compiling.at < text.len() && compiling.step()? == Going::On {}
    let words: Vec<&str> = compiling.words.iter().map(String::as_str).collect();
    match words.first() {
        Some(verb) if VERBS.iter().any(|known| verb.eq_ignore_ascii_case(known)) => {}
        _ => return Err(format!("a statement must begin with one of {}", VERBS.join(", "))),
    }
    Ok(Compiled { table: table(&words), sql: Arc::from(compiling.sql.trim()), binds: compiling.binds })
}

#[derive(PartialEq)]
enum Going {
    On,
    /// A closing semicolon was read.
    Ended,
}

struct Compiling<'a> {
    text: &'a str,
    at: usize,
    grammar: Grammar,
    types: &'a Types,
    sql: String,
    binds: Vec<Arc<str>>,
    /// The first words and signs, quotes as one.
    words: Vec<String>,
}

/// Words that are looked at: `INSERT INTO t`, and whether a dot follows.
const WORDS: usize = 4;

impl Compiling<'_> {
    fn step(&mut self) -> Result<Going, String> {
        let rest = &self.text[self.at..];
        if let Some(end) = region(self.text, self.at, self.grammar)? {
            if !is_comment(rest) {
                self.note(self.at, end);
            }
            self.copy(end);
            return Ok(Going::On);
        }
        match (rest.as_bytes()[0], rest.as_bytes().get(1).copied(), self.grammar) {
            (b':', Some(b':' | b'='), _) => self.copy(self.at + 2),
            (b':', Some(letter), _) if starts_name(letter) => self.bind()?,
            (b';', ..) => {
                self.at += 1;
                self.nothing_more()?;
                return Ok(Going::Ended);
            }
            (b'?', _, Grammar::MySql | Grammar::Sqlite) => return Err(NAMED.to_owned()),
            (b'$', Some(b'0'..=b'9'), Grammar::Postgres) => return Err(NAMED.to_owned()),
            (b'$' | b'@', Some(letter), Grammar::Sqlite) if starts_name(letter) => {
                return Err(NAMED.to_owned());
            }
            (letter, ..) if starts_name(letter) => {
                let end = self.at + name_length(rest);
                self.note(self.at, end);
                self.copy(end);
            }
            (byte, ..) => {
                if !byte.is_ascii_whitespace() {
                    self.note(self.at, self.at + 1);
                }
                self.copy(self.at + 1);
            }
        }
        Ok(Going::On)
    }

    fn copy(&mut self, end: usize) {
        self.sql.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn note(&mut self, start: usize, end: usize) {
        if self.words.len() < WORDS {
            self.words.push(self.text[start..end].to_owned());
        }
    }

    /// Puts a place where `:name` stands.
    fn bind(&mut self) -> Result<(), String> {
        let rest = &self.text[self.at + 1..];
        let name =
            &rest[..rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()];
        let (name, kind) = match self.types.get_key_value(name) {
            Some((name, kind)) => (Arc::clone(name), *kind),
            None => (Arc::from(implicit(name)?), Type::Text),
        };
        self.at += 1 + name.len();
        let place = self.place(name);
        match (kind, self.grammar) {
            (Type::Decimal, Grammar::Postgres | Grammar::Sqlite) => {
                self.sql.push_str(&format!("CAST({place} AS NUMERIC)"));
            }
            (Type::Decimal, Grammar::MySql) => self.sql.push_str(&format!("CAST({place} AS DECIMAL(65,30))")),
            _ => self.sql.push_str(&place),
        }
        Ok(())
    }

    fn place(&mut self, name: Arc<str>) -> String {
        let sign = match self.grammar {
            Grammar::MySql => {
                self.binds.push(name);
                return "?".to_owned();
            }
            Grammar::Postgres => '$',
            Grammar::Sqlite => '?',
        };
        let known = self.binds.iter().position(|bound| *bound == name);
        let index = known.unwrap_or_else(|| {
            self.binds.push(name);
            self.binds.len() - 1
        });
        format!("{sign}{}", index + 1)
    }

    /// Behind a semicolon only blanks and comments may come.
    fn nothing_more(&self) -> Result<(), String> {
        let mut at = self.at;
        while let Some(letter) = self.text[at..].chars().next() {
            at = match region(self.text, at, self.grammar)? {
                Some(end) if is_comment(&self.text[at..]) => end,
                _ if letter.is_ascii_whitespace() => at + 1,
                _ => return Err("one text is one statement: give several as a list".to_owned()),
            };
        }
        Ok(())
    }
}

const NAMED: &str = "parameters are written :name";

/// Every statement may name its branch.
pub(super) const TRANSACTION: &str = "tercet_transaction";
pub(super) const BRANCH: &str = "tercet_branch";

fn implicit(name: &str) -> Result<&str, String> {
    if [TRANSACTION, BRANCH].contains(&name) {
        return Ok(name);
    }
    Err(format!("the parameter :{name} is not declared"))
}

/// Of a region: whether it is a comment and no quotes.
fn is_comment(region: &str) -> bool {
    region.starts_with(['-', '/', '#'])
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

/// The length of the name at the start of `text`, with the signs that a name may go on with.
fn name_length(text: &str) -> usize {
    text.bytes().take_while(|byte| starts_name(*byte) || byte.is_ascii_digit() || *byte == b'$').count()
}

/// How something begins and ends that is copied as it is, and whose it is.
struct Region {
    open: &'static str,
    close: &'static str,
    of: &'static [Grammar],
    /// The closing sign, given twice, stands for itself.
    is_quote: bool,
}

const ALL: &[Grammar] = &[Grammar::Postgres, Grammar::MySql, Grammar::Sqlite];

static REGIONS: [Region; 7] = [
    Region { open: "'", close: "'", of: ALL, is_quote: true },
    Region { open: "\"", close: "\"", of: ALL, is_quote: true },
    Region { open: "`", close: "`", of: &[Grammar::MySql, Grammar::Sqlite], is_quote: true },
    Region { open: "[", close: "]", of: &[Grammar::Sqlite], is_quote: false },
    Region { open: "--", close: "\n", of: ALL, is_quote: false },
    Region { open: "#", close: "\n", of: &[Grammar::MySql], is_quote: false },
    Region { open: "/*", close: "*/", of: ALL, is_quote: false },
];

/// Where the quotes or the comment that begins at `at` ends.
fn region(text: &str, at: usize, grammar: Grammar) -> Result<Option<usize>, String> {
    let rest = &text[at..];
    let found = REGIONS.iter().find(|region| region.of.contains(&grammar) && rest.starts_with(region.open));
    let Some(region) = found else { return dollar_quotes(text, at, grammar) };
    // To MySQL two signs are a comment only with a blank behind them.
    let is_minus = region.open == "--" && grammar == Grammar::MySql;
    if is_minus && !rest[2..].starts_with(|letter: char| letter.is_ascii_whitespace()) && rest.len() > 2 {
        return Ok(None);
    }
    if region.open == "/*" {
        return comment(text, at, grammar).map(Some);
    }
    let mut from = at + region.open.len();
    loop {
        let Some(length) = text[from..].find(region.close) else {
            // A comment may end with the text.
            return if region.close == "\n" {
                Ok(Some(text.len()))
            } else {
                Err(format!("{} is not closed", region.open))
            };
        };
        let end = from + length + region.close.len();
        if !region.is_quote || !text[end..].starts_with(region.close) {
            return no_backslash(&text[at..end], region).map(|()| Some(end));
        }
        from = end + region.close.len();
    }
}

fn no_backslash(quoted: &str, region: &Region) -> Result<(), String> {
    if region.is_quote && quoted.contains('\\') {
        return Err(
            "a backslash in quotes is read differently by different settings: make the text a parameter"
                .to_owned(),
        );
    }
    Ok(())
}

/// Comments nest in PostgreSQL only.
fn comment(text: &str, at: usize, grammar: Grammar) -> Result<usize, String> {
    if grammar == Grammar::MySql && (text[at..].starts_with("/*!") || text[at..].starts_with("/*M!")) {
        return Err("a comment that is executed can't be judged".to_owned());
    }
    let (mut depth, mut from) = (0_usize, at);
    loop {
        let rest = &text[from..];
        let opens = rest.find("/*").filter(|_| grammar == Grammar::Postgres || depth == 0);
        match (opens, rest.find("*/")) {
            (Some(open), close) if close.is_none_or(|close| open < close) => {
                depth += 1;
                from += open + 2;
            }
            (_, Some(close)) => {
                depth -= 1;
                from += close + 2;
                if depth == 0 {
                    return Ok(from);
                }
            }
            (_, None) => return Err("/* is not closed".to_owned()),
        }
    }
}

/// `$tag$ … $tag$` of PostgreSQL.
fn dollar_quotes(text: &str, at: usize, grammar: Grammar) -> Result<Option<usize>, String> {
    let rest = &text[at..];
    if grammar != Grammar::Postgres || !rest.starts_with('$') {
        return Ok(None);
    }
    let length = rest[1..].bytes().take_while(|byte| starts_name(*byte) || byte.is_ascii_digit()).count();
    let is_tag =
        rest[1..].starts_with(|letter: char| !letter.is_ascii_digit()) && rest[1 + length..].starts_with('$');
    if !is_tag {
        return Ok(None);
    }
    let tag = &rest[..length + 2];
    match rest[tag.len()..].find(tag) {
        Some(inner) => Ok(Some(at + tag.len() + inner + tag.len())),
        None => Err(format!("{tag} is not closed")),
    }
}

/// The table behind `UPDATE`, `INSERT INTO` or `DELETE FROM`, where it is one plain name and the text goes on plainly.
fn table(words: &[&str]) -> Option<String> {
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let at = match lower[..] {
        ["update", _, "set", ..] => 1,
        ["insert" | "replace", "into", _, "("] | ["delete", "from", _, "where"] => 2,
        _ => return None,
    };
    let name = words[at];
    name.bytes().next().is_some_and(starts_name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
