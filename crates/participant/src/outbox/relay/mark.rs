//! Marks what became of rows, many in one local transaction, and again until the database takes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::Receiver;

use super::{Counted, Office, PAUSE_AFTER_FAULT};
use crate::database::{Dialect, Isolation};
use crate::outbox::{Change, Queue};

/// Marks in one local transaction.
const PAGE: usize = 256;

/// What became of taken rows.
#[derive(Debug)]
pub(super) enum Mark {
    /// It was accepted.
    Sent(i64),
    /// It was not; it waits, or is dead.
    Changed(i64, Change),
    /// They were not sent.
    Released(Vec<i64>),
}

/// Keeps marks until nobody makes any more.
pub(super) async fn keep<D: Dialect>(office: Arc<Office<D>>, mut marked: Receiver<Mark>) {
    let mut marks = Vec::new();
    while marked.recv_many(&mut marks, PAGE).await > 0 {
        while let Err(fault) = office.mark(&marks).await {
            if !D::is_contention(&fault) {
                tracing::warn!("the outbox's database: {fault}");
                office.meters.count(Counted::Fault, 1);
                tokio::time::sleep(PAUSE_AFTER_FAULT).await;
            }
        }
        let rows: usize = marks.drain(..).map(|mark| mark.rows()).sum();
        office.held.fetch_sub(rows, Ordering::AcqRel);
        office.freed.notify_one();
    }
}

impl Mark {
    fn rows(&self) -> usize {
        match self {
            Mark::Sent(_) | Mark::Changed(..) => 1,
            Mark::Released(ids) => ids.len(),
        }
    }
}

impl<D: Dialect> Office<D> {
    async fn mark(&self, marks: &[Mark]) -> Result<(), sqlx::Error> {
        let mut connection = self.outbox.pool().acquire().await?;
        let mut local = D::begin(&mut connection, Isolation::ReadCommitted).await?;
        let rows: &mut D::Connection = &mut local;
        // In the order of the rows, so that relays that mark the same ones after a lease ran out wait in a line.
        let (mut sent, mut released) = (Vec::new(), Vec::new());
        for mark in marks {
            match mark {
                Mark::Sent(id) => sent.push(*id),
                Mark::Released(ids) => released.extend(ids),
                Mark::Changed(id, change) => rows.change(*id, &self.holder, change).await?,
            }
        }
        sent.sort_unstable();
        released.sort_unstable();
        if !sent.is_empty() {
            rows.sent(&sent).await?;
        }
        if !released.is_empty() {
            rows.release(&released, &self.holder).await?;
        }
        local.commit().await
    }
}
