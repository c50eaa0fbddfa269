//! The forms of a participant: which operations it has, and which part each of them plays.
//!
//! A saga's action plays the part of a try and its compensate that of a cancel; a deliver is a try that nothing follows.
//! So one table of checks serves all three. Read next: `checks/mod.rs`.

/// The operations that a participant offers, with their URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Reserve, then take or give back.
    Tcc {
        /// URL of the try.
        r#try: String,
        /// URL of the confirm.
        confirm: String,
        /// URL of the cancel.
        cancel: String,
    },
    /// Act, and undo.
    Saga {
        /// URL of the action.
        action: String,
        /// URL of the compensate.
        compensate: String,
    },
    /// Take in a message.
    Message {
        /// URL of the deliver.
        deliver: String,
    },
}

/// The part an operation plays; a form has all parts up to its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Try, action, deliver.
    First,
    /// Cancel, compensate.
    Undo,
    /// Confirm.
    Confirm,
}

impl Form {
    /// The name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Form::Tcc { .. } => "tcc",
            Form::Saga { .. } => "saga",
            Form::Message { .. } => "message",
        }
    }

    /// Each part with the operation that plays it and its URL.
    pub(crate) fn parts(&self) -> Vec<(Part, &'static str, &str)> {
        match self {
            Form::Tcc { r#try, confirm, cancel } => vec![
                (Part::First, "try", r#try),
                (Part::Undo, "cancel", cancel),
                (Part::Confirm, "confirm", confirm),
            ],
            Form::Saga { action, compensate } => {
                vec![(Part::First, "action", action), (Part::Undo, "compensate", compensate)]
            }
            Form::Message { deliver } => vec![(Part::First, "deliver", deliver)],
        }
    }

    /// Whether an operation plays this part.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts().iter().any(|(own, ..)| *own == part)
    }

    /// A text about tries and cancels in the words of this form: `{try}`, `{cancel}`.
    pub(crate) fn words(&self, text: &str) -> String {
        self.parts().iter().fold(text.to_owned(), |text, (part, operation, _)| match part {
            Part::First => text.replace("{try}", operation),
            Part::Undo => text.replace("{cancel}", operation),
            Part::Confirm => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saga_reads_in_its_own_words() {
        let saga = Form::Saga { action: "a".into(), compensate: "b".into() };
        assert_eq!(saga.words("a {try} after its {cancel}"), "a action after its compensate");
        assert!(saga.has(Part::Undo) && !saga.has(Part::Confirm));
    }
}
