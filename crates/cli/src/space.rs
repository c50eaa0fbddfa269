//! Tells the operator when the disk is full, and when there is room again. It changes nothing: the engine reads the
//! same gauge and refuses new work by itself.

use std::time::Duration;

use journal::{Gauge, Space};

const EVERY: Duration = Duration::from_millis(500);

/// Logs every change of the journal's room, for as long as the process lives.
pub(crate) async fn watch(gauge: Gauge) {
    let mut told = Space::Ample;
    loop {
        let space = gauge.space();
        match space {
            _ if space == told => {}
            Space::Ample => tracing::info!("there is room on the disk again: new work is taken"),
            Space::Reserve => tracing::error!(
                "no further journal file can be made, most likely the disk is full: new work is refused \
                 (storage_full), what is open goes on out of the reserve; free some space"
            ),
            Space::Full => tracing::error!(
                "the journal's reserve is used up: nothing can be kept until there is room; free some space"
            ),
        }
        told = space;
        tokio::time::sleep(EVERY).await;
    }
}
