//! A start on a full disk: what must be written before anything can be served waits for room, so that what is open goes
//! on as soon as somebody frees some, without another start.
//!
//! Only for what may be asked again after a failure, as everything of the archive may. Never for the journal.

use std::time::Duration;

use crate::Fault;

/// How long to leave a full disk alone.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// Does it, as often as it fails for want of room.
///
/// # Errors
/// Any other fault.
pub fn with_room<T>(mut act: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    let mut told = false;
    loop {
        match act() {
            Err(fault) if is_full(&fault) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(%fault, "the disk is full: waiting for room to start; free some space");
                }
                std::thread::sleep(FULL_PAUSE);
            }
            other => return other,
        }
    }
}

/// Whether there was no room: the operating system's words are all that the store passes on.
fn is_full(fault: &Fault) -> bool {
    fault.to_string().contains("No space left on device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_disk_is_waited_for() {
        let mut asked = 0;
        let done = with_room(|| {
            asked += 1;
            let full = Fault::Archive("write x: No space left on device (os error 28)".into());
            if asked == 1 { Err(full) } else { Ok(asked) }
        });
        assert_eq!(done.unwrap(), 2);
        assert!(with_room(|| Err::<(), _>(Fault::Archive("Input/output error".into()))).is_err());
    }
}
