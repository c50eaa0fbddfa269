//! The stream `Apply`: batches in, replies out, in the same order, many under way at once.
//!
//! One poll of the reply side does all of it: takes what came while the window has room, hands it to the engine, and lets
//! go what the front of the window has been answered. So there is no task per batch, and back-pressure is simply not
//! reading. Ends only when everything that was taken is answered; what was not answered is unknown to the caller, who
//! repeats it with the same ids.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use engine::Changed;
use participant::proto::{ApplyReply, ApplyRequest};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tonic::codegen::tokio_stream::Stream;
use tonic::{Status, Streaming};
use transaction::Refusal;

use super::batch::{self, Numbers};
use super::intake::Room;
use super::{Call, refused};
use crate::listen::Running;
use crate::refusal::OUTCOME_UNKNOWN;

/// What may be under way in one stream.
const BATCHES: usize = 64;
const BYTES: usize = 32 * 1024 * 1024;
const MEMBERS: usize = 64 * 1024;
/// What may be under way in all streams before those that wait for answers take no more: below what the engine
/// refuses, since a refusal would break the order of a stream's batches.
const ALL_MEMBERS: usize = 192 * 1024;
/// Batches taken before others of this thread have their turn.
const AT_ONCE: usize = 4;
/// How long the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

type Answer = Result<Changed, Refusal>;
type Ends = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The replies of one stream.
pub(super) struct Applying {
    call: Call,
    inbound: Inbound,
    window: VecDeque<Waiting>,
    /// The place of the window's front, counted from the stream's beginning.
    front: u64,
    /// Bytes and members of the batches in the window.
    bytes: usize,
    members: usize,
    tell: mpsc::UnboundedSender<(u64, Answer)>,
    told: mpsc::UnboundedReceiver<(u64, Answer)>,
    stops: Ends,
    alarm: Pin<Box<Sleep>>,
}

/// What still comes in.
enum Inbound {
    /// More may come.
    Open(Box<Streaming<ApplyRequest>>),
    /// The caller has said all; the stream ends well.
    Finished,
    /// Nothing more is taken, and this is said at the end.
    Broken(Status),
}

/// A batch that was taken and is not replied to yet.
struct Waiting {
    numbers: Numbers,
    answer: Option<Answer>,
    since: Instant,
    room: Room,
}

/// What taking from the caller came to.
enum Took {
    Batch,
    Nothing,
}

impl Applying {
    pub(super) fn new(call: Call, inbound: Streaming<ApplyRequest>) -> Applying {
        let (tell, told) = mpsc::unbounded_channel();
        let mut stopping = call.admitted.stopping();
        let stops = Box::pin(async move {
            // A sender that is gone has stopped, too.
            let _ = stopping.wait_for(|running| *running == Running::Stopping).await;
        });
        Applying {
            call,
            inbound: Inbound::Open(Box::new(inbound)),
            window: VecDeque::new(),
            front: 0,
            bytes: 0,
            members: 0,
            tell,
            told,
            stops,
            alarm: Box::pin(tokio::time::sleep(PATIENCE)),
        }
    }

    /// Whether answers must come before another batch is taken.
    fn is_full(&self) -> bool {
        let ours = self.window.len() >= BATCHES || self.bytes >= BYTES || self.members >= MEMBERS;
        ours || (!self.window.is_empty() && self.call.all.members() >= ALL_MEMBERS)
    }

    /// Takes one batch, if one has come and there is room for it.
    fn take(&mut self, context: &mut Context<'_>) -> Took {
        if self.is_full() {
            return Took::Nothing;
        }
        let Inbound::Open(inbound) = &mut self.inbound else { return Took::Nothing };
        if self.stops.as_mut().poll(context).is_ready() {
            let refusal =
                engine::refusal::STOPPING.because("the process is going down; repeat what was not answered");
            self.inbound = Inbound::Broken(refused::status(&refusal));
            return Took::Nothing;
        }
        match Pin::new(inbound.as_mut()).poll_next(context) {
            Poll::Pending => return Took::Nothing,
            Poll::Ready(None) => self.inbound = Inbound::Finished,
            Poll::Ready(Some(Err(status))) => {
                self.inbound = Inbound::Broken(refused::unread(status));
            }
            Poll::Ready(Some(Ok(request))) => self.ask(&request),
        }
        Took::Batch
    }

    /// Hands a batch to the engine, or has its refusal wait for its turn.
    fn ask(&mut self, request: &ApplyRequest) {
        let place = self.front + self.window.len() as u64;
        self.call.intake.read();
        let room = Room::take(&self.call.all, &request.members);
        let asked = match &room {
            None => Err(engine::refusal::OVERLOADED.because("there is no room for another batch")),
            Some(_) => self.call.admitted.pace().and_then(|()| batch::read(request)),
        };
        let room = room.unwrap_or_else(|| Room::none(&self.call.all));
        self.bytes += room.bytes;
        self.members += room.members;
        let mut waiting =
            Waiting { numbers: Numbers::only(request.number), answer: None, since: Instant::now(), room };
        match asked {
            Ok(asked) => {
                waiting.numbers = asked.numbers;
                let teller = Teller { tell: Some(self.tell.clone()), place };
                let respond = Box::new(move |answer| teller.tell(answer));
                self.call.admitted.engine().change(asked.change, respond);
            }
            Err(refusal) => waiting.answer = Some(Err(refusal)),
        }
        self.window.push_back(waiting);
    }

    /// Hears what the engine has answered.
    fn hear(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some((place, answer))) = self.told.poll_recv(context) {
            let index = usize::try_from(place - self.front).unwrap_or(usize::MAX);
            if let Some(waiting) = self.window.get_mut(index) {
                waiting.answer = Some(answer);
            }
        }
    }

    /// The reply to the batch at the front, once it is there.
    fn reply(&mut self) -> Option<ApplyReply> {
        let answer = self.window.front_mut()?.answer.take()?;
        let waiting = self.window.pop_front()?;
        self.front += 1;
        self.bytes -= waiting.room.bytes;
        self.members -= waiting.room.members;
        if let Err(refusal) = &answer {
            self.call.admitted.refused(refusal.kind);
        }
        Some(waiting.numbers.reply(answer))
    }

    /// Gives up when the engine has not answered the front for too long.
    fn give_up(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let Some(waiting) = self.window.front() else { return Poll::Pending };
        let deadline = waiting.since + PATIENCE;
        loop {
            if self.alarm.deadline() != deadline
                && (self.alarm.is_elapsed() || self.alarm.deadline() > deadline)
            {
                self.alarm.as_mut().reset(deadline);
            }
            ready!(self.alarm.as_mut().poll(context));
            if Instant::now() >= deadline {
                let detail = format!("no answer within {} ms", PATIENCE.as_millis());
                return Poll::Ready(refused::status(&OUTCOME_UNKNOWN.because(detail)));
            }
        }
    }
}

impl Stream for Applying {
    type Item = Result<ApplyReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let applying = &mut *self;
        let mut taken = 0;
        while taken < AT_ONCE {
            match applying.take(context) {
                Took::Batch => taken += 1,
                Took::Nothing => break,
            }
        }
        applying.hear(context);
        if let Some(reply) = applying.reply() {
            return Poll::Ready(Some(Ok(reply)));
        }
        if applying.window.is_empty() {
            match std::mem::replace(&mut applying.inbound, Inbound::Finished) {
                Inbound::Finished => return Poll::Ready(None),
                Inbound::Broken(status) => return Poll::Ready(Some(Err(status))),
                open @ Inbound::Open(_) => applying.inbound = open,
            }
        }
        if let Poll::Ready(status) = applying.give_up(context) {
            applying.window.clear();
            applying.inbound = Inbound::Finished;
            return Poll::Ready(Some(Err(status)));
        }
        if taken == AT_ONCE {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// The engine's answer on its way; when the engine drops it, that is told, too.
struct Teller {
    tell: Option<mpsc::UnboundedSender<(u64, Answer)>>,
    place: u64,
}

impl Teller {
    fn tell(mut self, answer: Answer) {
        if let Some(tell) = self.tell.take() {
            // A caller that has gone away does not want its answer.
            let _ = tell.send((self.place, answer));
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            let unknown = OUTCOME_UNKNOWN.because("the engine went down before it answered");
            let _ = tell.send((self.place, Err(unknown)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_dropped_is_told_as_unknown() {
        let (tell, mut told) = mpsc::unbounded_channel();
        drop(Teller { tell: Some(tell.clone()), place: 7 });
        let (place, answer) = told.try_recv().unwrap();
        assert_eq!((place, answer.unwrap_err().kind.code), (7, "outcome_unknown"));
        Teller { tell: Some(tell), place: 8 }.tell(Err(engine::refusal::STOPPING.because("x")));
        assert_eq!(told.try_recv().unwrap().1.unwrap_err().kind.code, "stopping");
        assert!(told.try_recv().is_err(), "it is told once");
    }
}
