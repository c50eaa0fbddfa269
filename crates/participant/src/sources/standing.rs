//! Whether a source is in or out, decided from what was seen of it. [`State::after`] is pure; [`Standing`] shares it.

use std::sync::Mutex;
use std::time::Instant;

use tokio::sync::Notify;

use super::choice::Fresh;
use super::locked;
use super::plan::Health;

/// What a look at a source found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Well(Fresh),
    /// It may be a passing trouble.
    Failed(String),
    /// It surely can't be used.
    Gone(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not looked at yet.
    New,
    In,
    Out {
        since: Instant,
        why: String,
    },
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) fresh: Fresh,
    /// Looks in a row that speak against the phase.
    against: u32,
}

/// A change that others want to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    Not,
    In,
    Out,
}

impl State {
    fn new() -> State {
        State { phase: Phase::New, fresh: Fresh::Unknown, against: 0 }
    }

    /// Takes in what was seen.
    pub(super) fn after(&mut self, seen: Seen, health: &Health, now: Instant) -> Turned {
        if let Seen::Well(fresh) = seen {
            self.fresh = fresh;
        }
        let turns = match (&self.phase, &seen) {
            (Phase::New, _) | (Phase::In, Seen::Gone(_)) => true,
            (Phase::In, Seen::Failed(_)) => self.against + 1 >= health.out_after,
            (Phase::Out { .. }, Seen::Well(_)) => self.against + 1 >= health.in_after,
            (Phase::In, Seen::Well(_)) | (Phase::Out { .. }, Seen::Failed(_) | Seen::Gone(_)) => {
                self.against = 0;
                if let (Phase::Out { why, .. }, Seen::Failed(now) | Seen::Gone(now)) = (&mut self.phase, seen)
                {
                    *why = now;
                }
                return Turned::Not;
            }
        };
        if !turns {
            self.against += 1;
            return Turned::Not;
        }
        self.against = 0;
        match seen {
            Seen::Well(_) => {
                self.phase = Phase::In;
                Turned::In
            }
            Seen::Failed(why) | Seen::Gone(why) => {
                self.phase = Phase::Out { since: now, why };
                Turned::Out
            }
        }
    }
}

/// The state of a source, shared by its loop and by those who use it.
#[derive(Debug)]
pub(super) struct Standing {
    state: Mutex<State>,
    changed: Notify,
    /// Look at once.
    pub(super) nudge: Notify,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing { state: Mutex::new(State::new()), changed: Notify::new(), nudge: Notify::new() }
    }
}

impl Standing {
    pub(super) fn see(&self, seen: Seen, health: &Health) -> Turned {
        let turned = locked(&self.state).after(seen, health, Instant::now());
        if turned != Turned::Not {
            self.changed.notify_waiters();
        }
        turned
    }

    pub(super) fn phase(&self) -> Phase {
        locked(&self.state).phase.clone()
    }

    pub(super) fn fresh(&self) -> Fresh {
        locked(&self.state).fresh
    }

    /// Returns once it was looked at.
    pub(super) async fn settled(&self) {
        self.until(|phase| *phase != Phase::New).await;
    }

    /// Returns once it is out.
    pub(super) async fn out(&self) {
        self.until(|phase| matches!(phase, Phase::Out { .. })).await;
    }

    async fn until(&self, is: impl Fn(&Phase) -> bool) {
        loop {
            // Listened to before it is looked: a change between the two is heard.
            let changed = self.changed.notified();
            if is(&locked(&self.state).phase) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTH: Health = Health {
        every: std::time::Duration::from_secs(1),
        timeout: std::time::Duration::from_secs(1),
        out_after: 3,
        in_after: 2,
    };

    fn walk(state: &mut State, seen: &str) -> String {
        let step = |letter| {
            let seen = match letter {
                'w' => Seen::Well(Fresh::Always),
                'f' => Seen::Failed("slow".to_owned()),
                _ => Seen::Gone("refused".to_owned()),
            };
            match state.after(seen, &HEALTH, Instant::now()) {
                Turned::Not => '.',
                Turned::In => 'I',
                Turned::Out => 'O',
            }
        };
        seen.chars().map(step).collect()
    }

    #[test]
    fn it_goes_out_and_comes_back_as_the_settings_say() {
        for (seen, turns) in [
            ("wffwfff", "I.....O"),
            ("wg", "IO"),
            ("f", "O"),
            ("g", "O"),
            // Back only after two in a row.
            ("gwfww", "O...I"),
            ("wgww", "IO.I"),
            ("wfffwwff", "I..O.I.."),
        ] {
            assert_eq!(walk(&mut State::new(), seen), turns, "{seen}");
        }
    }

    #[test]
    fn why_it_is_out_is_what_was_seen_last_and_since_when_is_what_was_first() {
        let mut state = State::new();
        walk(&mut state, "g");
        let Phase::Out { since: first, .. } = state.phase.clone() else { panic!("{state:?}") };
        walk(&mut state, "f");
        assert_eq!(state.phase, Phase::Out { since: first, why: "slow".to_owned() });
    }
}
