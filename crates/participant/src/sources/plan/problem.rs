//! What is wrong with a plan: where, what, and how to mend it.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `source NAME`, `rule NAME`, `health`, or `the file`.
    pub place: String,
    /// From 1; where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

/// A plan is refused: all that was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PlanFault(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}; {}", self.place, self.what, self.mend)
    }
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the plan is refused")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Collects problems; knows the text, to tell lines.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Problems<'t> {
        Problems { text, found: Vec::new() }
    }

    /// Of `place`, which begins at this byte of the text.
    pub(super) fn add(&mut self, (place, at): (&str, usize), what: impl Into<String>, mend: &str) {
        let line = self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        let line = Some(line);
        self.found.push(Problem { place: place.to_owned(), line, what: what.into(), mend: mend.to_owned() });
    }

    /// Of the file as a whole.
    pub(super) fn add_to_file(&mut self, what: &str, mend: &str) {
        let (place, what, mend) = ("the file".to_owned(), what.to_owned(), mend.to_owned());
        self.found.push(Problem { place, line: None, what, mend });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_fault(self) -> PlanFault {
        PlanFault(self.found)
    }
}
