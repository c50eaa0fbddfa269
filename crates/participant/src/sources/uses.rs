//! Counts who uses something, and tells when nobody does any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How many use it.
#[derive(Debug, Default)]
pub(super) struct Uses {
    count: AtomicUsize,
    idle: Notify,
}

/// One use; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Use(Arc<Uses>);

impl Uses {
    pub(super) fn enter(self: &Arc<Uses>) -> Use {
        self.count.fetch_add(1, Ordering::AcqRel);
        Use(Arc::clone(self))
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Returns once nobody uses it. Of use when nobody new can come.
    pub(super) async fn idle(&self) {
        loop {
            // Listened to before it is looked: a last use that ends between the two is heard.
            let idle = self.idle.notified();
            if self.count() == 0 {
                return;
            }
            idle.await;
        }
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
