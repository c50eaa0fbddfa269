//! Many batches at once over one stream, answered in the order in which they were sent.
//!
//! When the stream breaks, what was not answered is sent again over a new one, in the same order and with the same ids:
//! what had been done already is then answered as a duplicate. Order holds as long as no batch is refused as a whole.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;

use super::{Batch, Fault, Grpc, Outcomes};
use crate::proto::{ApplyReply, ApplyRequest};

/// Batches that may be under way; the server takes as many.
const WINDOW: usize = 64;

/// A stream of batches. Clones share it; it ends when all are dropped and everything is answered.
#[derive(Clone, Debug)]
pub struct Apply {
    requests: mpsc::Sender<Sending>,
    places: Arc<Semaphore>,
    numbers: Arc<AtomicU64>,
}

/// The answer to one batch, once it is there. Dropping it takes nothing back.
#[derive(Debug)]
pub struct Answer(oneshot::Receiver<Result<Outcomes, Fault>>);

/// A batch on its way.
#[derive(Debug)]
struct Sending {
    request: ApplyRequest,
    tell: oneshot::Sender<Result<Outcomes, Fault>>,
    _place: OwnedSemaphorePermit,
}

/// How one stream ended.
enum Ended {
    /// Nobody will send any more, and everything is answered.
    Done,
    /// It broke.
    Broke(Fault),
}

impl Apply {
    pub(super) fn over(grpc: Grpc) -> Apply {
        let (requests, to_send) = mpsc::channel(WINDOW);
        let driver = Driver { grpc, to_send, window: VecDeque::with_capacity(WINDOW), failures: 0 };
        tokio::spawn(driver.drive());
        Apply { requests, places: Arc::new(Semaphore::new(WINDOW)), numbers: Arc::default() }
    }

    /// Sends a batch, once fewer than 64 are under way, and gives the answer to wait for. Send on before you wait.
    ///
    /// # Errors
    /// When the runtime is going down.
    pub async fn send(&self, batch: Batch) -> Result<Answer, Fault> {
        let gone = || Fault::Unreachable("the stream's task has ended".into());
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        let request = batch.into_request(self.numbers.fetch_add(1, Ordering::Relaxed));
        let (tell, answer) = oneshot::channel();
        self.requests.send(Sending { request, tell, _place: place }).await.map_err(|_| gone())?;
        Ok(Answer(answer))
    }
}

impl Future for Answer {
    type Output = Result<Outcomes, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = |_| Fault::Unreachable("the stream's task has ended".into());
        Pin::new(&mut self.0).poll(context).map(|told| told.map_err(ended)?)
    }
}

struct Driver {
    grpc: Grpc,
    to_send: mpsc::Receiver<Sending>,
    /// Sent and not answered, in order.
    window: VecDeque<Sending>,
    /// Streams that broke since the last answer.
    failures: u32,
}

impl Driver {
    async fn drive(mut self) {
        while let Ended::Broke(fault) = self.converse().await {
            let retry = *self.grpc.retry();
            if fault.is_passing() && self.failures < retry.repeats {
                tokio::time::sleep(retry.delay(self.failures, &fault)).await;
                self.failures += 1;
                continue;
            }
            self.failures = 0;
            for sending in self.window.drain(..) {
                // Who does not wait for the answer does not want it.
                let _ = sending.tell.send(Err(fault.clone()));
            }
        }
    }

    /// One stream, from its beginning to its end.
    async fn converse(&mut self) -> Ended {
        if self.window.is_empty() {
            match self.to_send.recv().await {
                None => return Ended::Done,
                Some(sending) => self.window.push_back(sending),
            }
        }
        let (out, outbound) = mpsc::channel(WINDOW);
        for sending in &self.window {
            // There is room for a whole window, and nobody has taken anything away yet.
            let _ = out.try_send(sending.request.clone());
        }
        let mut replies = match self.grpc.ledger().apply(ReceiverStream::new(outbound)).await {
            Ok(replies) => replies.into_inner(),
            Err(status) => return Ended::Broke(status.into()),
        };
        let mut out = Some(out);
        loop {
            tokio::select! {
                biased;
                reply = replies.message() => match reply {
                    Ok(Some(reply)) => {
                        if let Err(fault) = self.answered(reply) {
                            return Ended::Broke(fault);
                        }
                    }
                    Ok(None) if out.is_none() && self.window.is_empty() => return Ended::Done,
                    Ok(None) => return Ended::Broke(Fault::Unreachable("the stream ended early".into())),
                    Err(status) => return Ended::Broke(status.into()),
                },
                sending = self.to_send.recv(), if out.is_some() => match (sending, &out) {
                    (Some(sending), Some(open)) => {
                        // When the stream has broken meanwhile, the other side of it says so.
                        let _ = open.send(sending.request.clone()).await;
                        self.window.push_back(sending);
                    }
                    _ => out = None,
                },
            }
        }
    }

    fn answered(&mut self, reply: ApplyReply) -> Result<(), Fault> {
        let number = reply.number;
        let expected = self.window.pop_front_if(|sending| sending.request.number == number);
        let Some(sending) = expected else {
            return Err(Fault::Misunderstood(format!("a reply to number {number}, which was not the next")));
        };
        self.failures = 0;
        let _ = sending.tell.send(reply.try_into());
        Ok(())
    }
}
