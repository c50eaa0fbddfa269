//! Where log lines go and how they look: standard error, as text or one JSON object a line.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io;
use std::panic;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::LogFormat;

/// The rooms whose lines the level is about; other parts tell only what is at least a warning.
const ROOMS: [&str; 6] = ["tercet", "server", "engine", "journal", "participant", "transaction"];

/// Sends log lines of `level` and above to standard error, panics too.
pub(crate) fn start(format: LogFormat, level: &str) {
    let level: Level = level.parse().unwrap_or(Level::INFO);
    let rooms = ROOMS.map(|room| (room, level));
    let filter = Targets::new().with_default(level.min(Level::WARN)).with_targets(rooms);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process keeps the first.
    let _ = match format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        // Empty unless RUST_BACKTRACE asks for one.
        let trace = Backtrace::capture();
        let trace =
            if trace.status() == BacktraceStatus::Captured { trace.to_string() } else { String::new() };
        tracing::error!(trace, "a bug: {panic}");
    }));
}
