//! How many files and connections the process may have open. Systems give a process few at first and many if it asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::settings::Settings;

/// Journal, archive, listeners and what the libraries keep open.
const OWN: u64 = 200;

/// Asks for as many open files as the system gives.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum;
    if limit.current != most {
        // A refusal leaves what was there before, which the warning below is about.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
    }
}

/// Asks for as many open files as the system gives, and warns when the settings promise more connections than that.
pub(crate) fn raise_limit(settings: &Settings) {
    raise();
    let Some(open) = getrlimit(Resource::Nofile).current else { return };
    let connections = settings.server.limits.connections + settings.engine.calls_max;
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OWN);
    if open < wanted {
        tracing::warn!(
            "this process may open {open} files, but limits.connections and limits.calls_max may need {wanted}: raise \
             the system's limit (ulimit -n, LimitNOFILE), or lower the settings"
        );
    }
}
