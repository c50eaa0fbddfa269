//! A batch of commands in little memory: one arena of text, members with spans into it.

use crate::Command;

/// Commands to be decided in order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    text: String,
    members: Vec<Command<Span>>,
}

/// A piece of the arena: start and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(u32, u32);

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// An empty batch with room for so many members and bytes of text.
    #[must_use]
    pub fn with_capacity(members: usize, bytes: usize) -> Batch {
        Batch { text: String::with_capacity(bytes), members: Vec::with_capacity(members) }
    }

    /// Adds a member at the end.
    pub fn push(&mut self, command: &Command<&str>) {
        let _ = command;
        crate::being_written()
    }

    /// How many members it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// It has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member at this place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Command<&str>> {
        let _ = (&self.text, index);
        crate::being_written()
    }
}
