//! The barrier's rows of one branch, in memory: the store that the participant crate's barrier runs over here.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use participant::barrier::{Kept, Phase, Places, Row, Rows, Standing, Told, Written};
use participant::call::Branch;

/// The rows of the branch that is asked about.
pub(super) struct InMemory<'a>(pub(super) &'a mut Places);

impl InMemory<'_> {
    fn place(&mut self, phase: Phase) -> &mut Option<Kept> {
        match phase {
            Phase::First => &mut self.0.first,
            Phase::Second => &mut self.0.second,
        }
    }

    fn put(&mut self, row: Row<'_>) -> Written {
        let place = self.place(row.phase);
        if place.is_some() {
            return Written::Occupied;
        }
        let content = Some(row.content.to_string());
        *place = Some(Kept { operation: row.operation.to_owned(), told: row.told, content, answer: None });
        Written::First
    }
}

impl Rows for InMemory<'_> {
    type Fault = Infallible;

    fn insert(&mut self, row: Row<'_>) -> impl Future<Output = Result<Written, Infallible>> + Send {
        ready(Ok(self.put(row)))
    }

    fn insert_after(
        &mut self,
        row: Row<'_>,
        operation: &'static str,
    ) -> impl Future<Output = Result<Written, Infallible>> + Send {
        let is_done = |kept: &Kept| kept.operation == operation && kept.told == Told::Done;
        let may = self.0.first.as_ref().is_some_and(is_done);
        ready(Ok(if may { self.put(row) } else { Written::Occupied }))
    }

    fn read(&mut self, _: &Branch) -> impl Future<Output = Result<Places, Infallible>> + Send {
        ready(Ok(self.0.clone()))
    }

    fn keep(
        &mut self,
        _: &Branch,
        phase: Phase,
        answer: &[u8],
    ) -> impl Future<Output = Result<Standing, Infallible>> + Send {
        if let Some(kept) = self.place(phase) {
            kept.answer = Some(answer.to_vec());
        }
        ready(Ok(Standing::Stands))
    }
}

/// Runs what never waits.
///
/// # Panics
/// It waits.
pub(super) fn at_once<T>(future: impl Future<Output = Result<T, Infallible>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(done)) => done,
        Poll::Pending => panic!("rows in memory wait for nothing"),
    }
}
