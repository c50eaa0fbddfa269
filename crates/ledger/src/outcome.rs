//! What became of a member that was not refused.

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Done {
    /// An asset or a machine was declared.
    Declared,
    /// An account was opened.
    Opened,
    /// An account was changed.
    Changed,
    /// An entry was posted.
    Posted,
    /// Value is held.
    Held,
    /// A hold was captured.
    Captured,
    /// A hold was released.
    Released,
    /// A hold was reopened.
    Reopened,
    /// An item was created.
    Created,
    /// An item was moved.
    Moved,
    /// It was done before, with the same content; nothing was kept.
    Duplicate,
}

/// What became of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done.
    pub done: Done,
    /// The units moved, held or released, where there are any; of a duplicate only when it is at hand.
    pub amount: Option<i128>,
    /// The scale of that amount.
    pub scale: u8,
}

impl Done {
    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Done::Declared => "declared",
            Done::Opened => "opened",
            Done::Changed => "changed",
            Done::Posted => "posted",
            Done::Held => "held",
            Done::Captured => "captured",
            Done::Released => "released",
            Done::Reopened => "reopened",
            Done::Created => "created",
            Done::Moved => "moved",
            Done::Duplicate => "duplicate",
        }
    }
}
