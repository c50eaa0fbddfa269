//! How many bytes of messages are held in all calls at once, whole or on their way: bounded, as HTTP's bodies are.
//!
//! A message is gathered before it is read, so a peer could have many large ones begun and none finished.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use participant::proto::Members;
use tonic::Status;

use super::refused;

/// Beyond that nothing more is taken in.
const ALL_BYTES: usize = 256 * 1024 * 1024;

/// What is held in all calls.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: AtomicUsize,
    members: AtomicUsize,
}

impl Held {
    /// Members of batches that are under way.
    pub(super) fn members(&self) -> usize {
        self.members.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> Option<()> {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > ALL_BYTES {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        Some(())
    }
}

/// What one call has taken in and not read yet; given back when dropped.
#[derive(Debug)]
pub(super) struct Intake {
    all: Arc<Held>,
    bytes: AtomicUsize,
}

impl Intake {
    /// Nothing yet.
    pub(super) fn new(all: &Arc<Held>) -> Arc<Intake> {
        Arc::new(Intake { all: Arc::clone(all), bytes: AtomicUsize::new(0) })
    }

    /// A message has been read. What has already come of the next one, less than a frame, is not counted on.
    pub(super) fn read(&self) {
        self.all.bytes.fetch_sub(self.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    fn came(&self, bytes: usize) -> Option<()> {
        self.all.take(bytes)?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Some(())
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.read();
    }
}

/// A body whose bytes are counted as they come.
pub(super) struct Counted<B> {
    body: B,
    intake: Arc<Intake>,
}

impl<B> Counted<B> {
    pub(super) fn new(body: B, intake: Arc<Intake>) -> Counted<B> {
        Counted { body, intake }
    }
}

impl<B: Body<Data = Bytes, Error: Error + Send + Sync + 'static> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(Status::from_error(Box::new(error))))),
            Some(Ok(frame)) => frame,
        };
        let came = frame.data_ref().map_or(0, Bytes::len);
        if self.intake.came(came).is_none() {
            let refusal = engine::refusal::OVERLOADED.because("there is no room for another message");
            return Poll::Ready(Some(Err(refused::status(&refusal))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The room of one batch that is under way, given back when dropped.
pub(super) struct Room {
    all: Arc<Held>,
    pub(super) bytes: usize,
    pub(super) members: usize,
}

impl Room {
    /// Room for these members; `None`: there is none.
    pub(super) fn take(all: &Arc<Held>, members: &Members) -> Option<Room> {
        all.take(members.bytes())?;
        all.members.fetch_add(members.len(), Ordering::Relaxed);
        Some(Room { all: Arc::clone(all), bytes: members.bytes(), members: members.len() })
    }

    /// Of a batch that is refused: none.
    pub(super) fn none(all: &Arc<Held>) -> Room {
        Room { all: Arc::clone(all), bytes: 0, members: 0 }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.all.members.fetch_sub(self.members, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_given_back() {
        let all = Arc::new(Held::default());
        let mut members = Members::default();
        members.push_encoded(&vec![0; ALL_BYTES / 2]);
        let first = Room::take(&all, &members);
        assert!(first.is_some() && Room::take(&all, &members).is_none());
        assert_eq!(all.members(), 1);
        drop(first);
        assert!(Room::take(&all, &members).is_some());
        assert_eq!((all.bytes.load(Ordering::Relaxed), all.members()), (0, 0));
    }

    #[test]
    fn what_comes_in_is_bounded_until_it_is_read() {
        let all = Arc::new(Held::default());
        let (one, other) = (Intake::new(&all), Intake::new(&all));
        assert!(one.came(ALL_BYTES - 1).is_some() && other.came(2).is_none() && other.came(1).is_some());
        one.read();
        assert!(other.came(2).is_some());
        drop(other);
        assert_eq!(all.bytes.load(Ordering::Relaxed), 0);
    }
}
