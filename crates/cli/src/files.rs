//! How many files and connections the process may have open. Systems give a process few at first and many if it asks.

use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::folder::archive_path;
use crate::settings::Settings;

/// Journal, archive's tables, listeners and what the libraries keep open.
const OWN: u64 = 200;
/// Files that the ledger's history may begin while the process runs: each has a GiB.
const HISTORY_GROWTH: u64 = 100;

/// Asks for as many open files as the system gives.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum;
    if limit.current != most {
        // A refusal leaves what was there before, which the warning below is about.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
    }
}

/// Asks for as many open files as the system gives, and warns when the settings promise more connections than that, beside
/// the files of the ledger's history, which all stay open.
pub(crate) fn raise_limit(settings: &Settings) {
    raise();
    let Some(open) = getrlimit(Resource::Nofile).current else { return };
    let connections = settings.server.limits.connections + settings.engine.calls_max;
    let own = OWN + HISTORY_GROWTH + history_files(&settings.data);
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(own);
    if open < wanted {
        tracing::warn!(
            "this process may open {open} files, but limits.connections, limits.calls_max and the ledger's history (one \
             for each GiB) may need {wanted}: raise the system's limit (ulimit -n, LimitNOFILE), or lower the settings"
        );
    }
}

/// How many files the ledger's history has; none where there is no folder yet.
fn history_files(data: &Path) -> u64 {
    let files = std::fs::read_dir(archive_path(data).join("history"));
    files.map_or(0, |files| files.count() as u64)
}
