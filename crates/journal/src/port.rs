//! The port: what every journal backend promises.
//!
//! It is shaped for a file and for a database table alike (one row per frame, unique by partition and sequence,
//! fenced by epoch). It must never grow a method that only one backend can answer.
//! Read next: `memory.rs`, `file.rs`, and `conformance.rs`, which holds every backend to these words.

use crate::{Fault, Frame, Gauge};

/// An append-only sequence of frames, owned by one writer.
///
/// Sequence numbers count *events* from 1; a frame covers `sequence ..= sequence + count - 1` without gaps.
pub trait Journal: Send {
    /// The sequence of the last durable event; 0 when the journal never held one.
    fn last_sequence(&self) -> u64;

    /// The first event that is still held: 1 unless older frames were released; `last_sequence() + 1` when no
    /// frame is held.
    fn first_sequence(&self) -> u64;

    /// The number of this opening. It grows by one each time the journal is opened, and every frame carries it.
    fn epoch(&self) -> u64;

    /// Random bytes, made with the journal and the same for its whole life; unknown to those who fill payloads. What
    /// is keyed by them can be rebuilt from the journal alone.
    fn salt(&self) -> [u8; 16];

    /// Appends one frame. It is durable when this returns `Ok`.
    ///
    /// `frame.sequence` must be `last_sequence() + 1`, else [`Fault::OutOfOrder`]. [`Fault::Full`] and
    /// [`Fault::TooLarge`] changed nothing and may be followed by other appends; after any other fault from a
    /// write or a sync each later append answers [`Fault::Poisoned`]: the process must end, and the next opening
    /// finds what is really kept.
    fn append(&mut self, frame: &Frame<'_>) -> Result<(), Fault>;

    /// Visits whole frames in order, starting with the frame that holds event `from` (0 counts as 1), to the
    /// last. Nothing is visited when `from` is beyond the last event; [`Fault::Released`] when `from` is no
    /// longer held. A fault of the visitor ends the reading and is returned as it is.
    fn read(
        &mut self,
        from: u64,
        visit: &mut dyn FnMut(&Frame<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault>;

    /// Tells that every event up to `through` is held elsewhere (by the archive), so that retention may give up
    /// older frames. How much is given up, and when, is the backend's affair.
    fn release(&mut self, through: u64) -> Result<(), Fault>;

    /// A handle by which another thread reads the journal's gauges without a lock.
    fn gauge(&self) -> Gauge;

    /// The hash of the last frame, the head of the chain; zeros when the journal never held one.
    fn head(&self) -> [u8; 32];
}
