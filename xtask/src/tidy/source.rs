//! Splits Rust text into code and comment, line by line, so that a rule reads the one it means.
//!
//! Knows comments, strings and characters and no more of the grammar; what stands in a string is blanked, since
//! neither rule speaks about data. Must never fail: text that is no Rust gives some lines all the same.

/// One line of a Rust file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Without comments, strings emptied to `""`.
    pub(crate) code: String,
    /// Without the code and the slashes' meaning.
    pub(crate) comment: String,
    /// Belongs to a test: see `testcode.rs`.
    pub(crate) test: bool,
}

/// Where the reader stands.
#[derive(Clone, Copy)]
enum In {
    Code,
    LineComment,
    /// Nested so deep.
    BlockComment(usize),
    Text,
    /// Ends with a quote and so many hashes.
    RawText(usize),
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    place: In,
    lines: Vec<Line>,
}

/// The lines of `text`, as many as `str::lines` gives.
pub(crate) fn split(text: &str) -> Vec<Line> {
    let mut reader =
        Reader { chars: text.chars().collect(), at: 0, place: In::Code, lines: vec![Line::default()] };
    while reader.at < reader.chars.len() {
        reader.step();
    }
    if text.is_empty() || text.ends_with('\n') {
        reader.lines.pop();
    }
    reader.lines
}

impl Reader {
    fn step(&mut self) {
        if self.chars[self.at] == '\n' {
            if matches!(self.place, In::LineComment) {
                self.place = In::Code;
            }
            self.lines.push(Line::default());
            self.at += 1;
            return;
        }
        match self.place {
            In::Code => self.code(),
            In::LineComment => self.comment(1),
            In::BlockComment(depth) => self.block(depth),
            In::Text => self.text(),
            In::RawText(hashes) => self.raw_text(hashes),
        }
    }

    fn code(&mut self) {
        if self.sees("//") {
            self.place = In::LineComment;
            self.comment(2);
        } else if self.sees("/*") {
            self.place = In::BlockComment(1);
            self.comment(2);
        } else if let Some((length, hashes)) = self.raw_start() {
            self.place = In::RawText(hashes);
            self.at += length;
            self.push("\"\"");
        } else if self.sees("\"") {
            self.place = In::Text;
            self.at += 1;
            self.push("\"\"");
        } else if let Some(length) = self.character() {
            self.at += length;
            self.push("' '");
        } else {
            let seen = self.chars[self.at];
            self.at += 1;
            self.line().code.push(seen);
        }
    }

    fn block(&mut self, depth: usize) {
        if self.sees("/*") {
            self.place = In::BlockComment(depth + 1);
            self.comment(2);
        } else if self.sees("*/") {
            self.place = if depth == 1 { In::Code } else { In::BlockComment(depth - 1) };
            self.comment(2);
        } else {
            self.comment(1);
        }
    }

    fn text(&mut self) {
        // An escaped end of line must still be seen as one.
        let escape = self.sees("\\") && self.chars.get(self.at + 1).is_some_and(|next| *next != '\n');
        if self.sees("\"") {
            self.place = In::Code;
        }
        self.at += if escape { 2 } else { 1 };
    }

    fn raw_text(&mut self, hashes: usize) {
        let end = format!("\"{}", "#".repeat(hashes));
        if self.sees(&end) {
            self.place = In::Code;
            self.at += end.len();
        } else {
            self.at += 1;
        }
    }

    /// At `r"`, `r##"`, `br"` and the like that are no part of a name: the length of the start, and the hashes.
    fn raw_start(&self) -> Option<(usize, usize)> {
        let in_name = self.at > 0 && is_name(self.chars[self.at - 1]);
        let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
            self.sees(prefix) && matches!(self.chars.get(self.at + prefix.len()), Some('"' | '#'))
        })?;
        let after = &self.chars[self.at + prefix.len()..];
        let hashes = after.iter().take_while(|seen| **seen == '#').count();
        (!in_name && after.get(hashes) == Some(&'"')).then_some((prefix.len() + hashes + 1, hashes))
    }

    /// At a character literal: its length. A lifetime is none.
    fn character(&self) -> Option<usize> {
        if !self.sees("'") {
            return None;
        }
        let after = &self.chars[self.at + 1..];
        match after.first()? {
            '\\' => after.iter().skip(2).position(|seen| *seen == '\'').map(|at| at + 4),
            _ => (after.get(1) == Some(&'\'')).then_some(3),
        }
    }

    fn comment(&mut self, count: usize) {
        let seen: String = self.chars[self.at..self.at + count].iter().collect();
        self.at += count;
        self.line().comment.push_str(&seen);
    }

    fn push(&mut self, code: &str) {
        self.line().code.push_str(code);
    }

    fn line(&mut self) -> &mut Line {
        self.lines.last_mut().expect("a reader always has a line")
    }

    fn sees(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, wanted)| self.chars.get(self.at + index) == Some(&wanted))
    }
}

/// A character of a Rust name.
pub(crate) fn is_name(seen: char) -> bool {
    seen.is_alphanumeric() || seen == '_'
}

/// Where `word` stands in `text` as a word of its own, in bytes.
pub(crate) fn word_at(text: &str, word: &str) -> Option<usize> {
    let alone = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    };
    text.match_indices(word).map(|(at, _)| at).find(|at| alone(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_comment_part() {
        let cases = [
            ("let a = 1; // one", "let a = 1; ", "// one"),
            ("f(/* in /* two */ deep */ x)", "f( x)", "/* in /* two */ deep */"),
            ("let s = \"// no \\\" comment\"; g()", "let s = \"\"; g()", ""),
            ("let s = r#\"a \" b\"#; g()", "let s = \"\"; g()", ""),
            ("let s = br\"\\\"; g()", "let s = b\"\"; g()", ""),
            ("let c = '\"'; let d = '\\''; h::<'a>()", "let c = ' '; let d = ' '; h::<'a>()", ""),
            ("let c = '\\u{1F600}';", "let c = ' ';", ""),
            ("//! head \"x", "", "//! head \"x"),
        ];
        for (text, code, comment) in cases {
            let lines = split(text);
            assert_eq!(lines.len(), 1, "{text}");
            // A byte string's prefix may stay or go: no rule looks at it.
            assert_eq!(lines[0].code.replace("b\"\"", "\"\""), code.replace("b\"\"", "\"\""), "{text}");
            assert_eq!(lines[0].comment, comment, "{text}");
        }
    }

    #[test]
    fn as_many_lines_as_the_text_has() {
        for text in ["", "a", "a\n", "a\n\nb", "\"a\\\nb\"\nc", "/* a\nb */ c\n", "r#\"\n\n\"#\n", "'"] {
            assert_eq!(split(text).len(), text.lines().count(), "{text:?}");
        }
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(word_at("unsafe_f64 f64", "f64"), Some(11));
        assert_eq!(word_at("my_f64x", "f64"), None);
    }
}
