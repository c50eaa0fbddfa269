//! `strace` as the hand that strikes at a certain system call. It counts the calls of each thread by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// `kill -9` before the call takes effect.
    Kill,
    /// This error from this call on, without the call taking effect.
    Fail(&'static str),
    /// It says that it did, from this call on, and did nothing.
    Lie,
}

/// Which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// Those on segments of the journal only.
    Segments,
    /// All.
    Everything,
}

/// More segments than an experiment fills.
const SEGMENTS: u32 = 40;

/// The words that start what follows them under the tracer, and strike at the `count`-th `call`.
pub(crate) fn words(call: &str, (strike, count): (Strike, u32), on: (On, &Path), log: &Path) -> Vec<String> {
    let what = match strike {
        Strike::Kill => format!("inject={call}:signal=KILL:when={count}"),
        Strike::Lie => format!("inject={call}:retval=0:when={count}+"),
        Strike::Fail(error) => format!("inject={call}:error={error}:when={count}+"),
    };
    let mut words: Vec<String> = ["strace", "-D", "-f", "-q", "-ttt", "-o"].map(str::to_owned).into();
    words.push(log.display().to_string());
    words.extend(["-e".to_owned(), format!("trace={call}"), "-e".to_owned(), what]);
    if let (On::Segments, data) = on {
        for number in 1..=SEGMENTS {
            let path: PathBuf = data.join("journal").join(format!("{number:08}.seg"));
            words.extend(["-P".to_owned(), path.display().to_string()]);
        }
    }
    words
}

/// How long ago the first failure of a log was.
pub(crate) fn failed_ago(log: &Path) -> Option<Duration> {
    let text = fs::read_to_string(log).ok()?;
    let line = text.lines().find(|line| line.contains("(INJECTED)"))?;
    let at: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    let at = SystemTime::UNIX_EPOCH + Duration::try_from_secs_f64(at).ok()?;
    SystemTime::now().duration_since(at).ok()
}
