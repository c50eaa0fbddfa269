//! A batch of commands in little memory: one arena of text, members with spans into it.
//!
//! Decides nothing. The commands themselves are in `command.rs`, how a text becomes a span in `map.rs`.

use crate::Command;

/// Commands to be decided in order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    text: String,
    members: Vec<Command<Span>>,
    /// A member may need the past.
    recalls: bool,
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
        Batch { text: String::with_capacity(bytes), members: Vec::with_capacity(members), recalls: false }
    }

    /// Adds a member at the end. All texts of a batch together stay below 4 GiB: callers bound what they take in.
    pub fn push(&mut self, command: &Command<&str>) {
        let text = &mut self.text;
        let member = command.map(&mut |piece: &&str| {
            let start = span_part(text.len());
            text.push_str(piece);
            Span(start, span_part(piece.len()))
        });
        self.members.push(member);
        self.recalls |= crate::may_recall(command);
    }

    /// Whether any member may need [`Book::recall`](crate::Book::recall).
    #[must_use]
    pub fn may_recall(&self) -> bool {
        self.recalls
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
        let member = self.members.get(index)?;
        Some(member.map(&mut |span: &Span| self.text_of(*span)))
    }

    /// The accounts between which this member moves or holds value, where it names them.
    pub(crate) fn accounts_of(&self, index: usize) -> Option<(&str, &str)> {
        let (from, to) = match self.members.get(index)? {
            Command::Entry(entry) => (entry.from, entry.to),
            Command::Hold(hold) => (hold.from, hold.to),
            _ => return None,
        };
        Some((self.text_of(from), self.text_of(to)))
    }

    fn text_of(&self, span: Span) -> &str {
        let start = span.0 as usize;
        self.text.get(start..start + span.1 as usize).unwrap_or_default()
    }
}

fn span_part(length: usize) -> u32 {
    u32::try_from(length).expect("the texts of a batch are far smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amount, Cause, Entry, Expiry, Linked, Move, Origin, Release, Take, Value};

    #[test]
    fn what_is_pushed_is_what_is_got() {
        let entry = Command::Entry(Entry {
            id: "e-1",
            from: "issuer",
            to: "user:1",
            amount: Amount::Decimal("12.50"),
            take: Take::UpTo,
            expiry: Expiry::In(5),
            refunds: Some("e-0"),
            linked: Linked::ToNext,
            cause: Cause { reason: Some("böse Überraschung"), ..Cause::default() },
        });
        let release = Command::Release(Release {
            hold: "h",
            linked: Linked::No,
            origin: Origin::Branch,
            cause: Cause::default(),
        });
        let moved = Command::Move(Move {
            id: "m-1",
            item: "coupon:1",
            name: "use",
            owner: Some("user:1"),
            arguments: vec![("order_total", Value::Text("10")), ("n", Value::Integer(3))],
            then: Some(("confirm", "cancel")),
            linked: Linked::No,
            origin: Origin::Direct,
            cause: Cause::default(),
        });
        let mut batch = Batch::with_capacity(3, 64);
        assert!(batch.is_empty());
        for command in [&entry, &release, &moved] {
            batch.push(command);
        }
        assert_eq!(batch.len(), 3);
        assert_eq!(batch.get(0), Some(entry));
        assert_eq!(batch.get(1), Some(release));
        assert_eq!(batch.get(2), Some(moved));
        assert_eq!(batch.get(3), None);
    }
}
