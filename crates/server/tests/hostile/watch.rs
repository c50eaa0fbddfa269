//! What is watched while a server is maltreated: panics of any thread, memory, and the seed that it is drawn from.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Once};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::{Mutex, MutexGuard};

/// Whatever is asked is answered, or the connection closed, within this time: far beyond the limits that are set, so that
/// a busy machine fails nothing.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// Memory and panics are the process's: one test at a time.
static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// The watch over one test.
pub(crate) struct Watch {
    seed: u64,
    panics: usize,
    resident: u64,
    _alone: MutexGuard<'static, ()>,
}

impl Watch {
    /// Begins; the seed is `usual` unless the environment names another.
    pub(crate) async fn begin(usual: u64) -> (Watch, Rng) {
        static HOOKED: Once = Once::new();
        let alone = ALONE.lock().await;
        HOOKED.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                PANICS.fetch_add(1, Ordering::SeqCst);
                before(info);
            }));
        });
        let named = std::env::var("TERCET_HOSTILE_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = named.unwrap_or(usual);
        let watch =
            Watch { seed, panics: PANICS.load(Ordering::SeqCst), resident: status("VmRSS"), _alone: alone };
        (watch, Rng::with_seed(seed))
    }

    /// No thread has panicked since it began.
    pub(crate) fn is_quiet(&self, after: &str) {
        assert_eq!(PANICS.load(Ordering::SeqCst), self.panics, "a thread panicked after {after}");
    }

    /// The process holds at most so many bytes more than when it began.
    pub(crate) fn is_within(&self, most: u64) {
        let grown = status("VmRSS").saturating_sub(self.resident);
        eprintln!("{} KiB more than at first", grown / 1024);
        assert!(grown <= most, "{grown} bytes more than at first; {most} are allowed");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("once more: TERCET_HOSTILE_SEED={}", self.seed);
        }
    }
}

/// A line of `/proc/self/status`, in bytes.
pub(crate) fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
