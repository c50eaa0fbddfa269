//! A proxy in front of a database that cuts connections where it hurts: just before COMMIT reaches the server, so that
//! nothing happened, or just before its answer comes back, so that all happened and nobody knows.
//!
//! Passes on whole messages of the client and changes no byte. Does not speak TLS: the servers of tests do not either.
//! Read next: `link.rs` (one connection), `messages.rs` (where a message ends, and which one commits).

mod link;
mod messages;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use self::link::Link;
pub use self::messages::Protocol;

/// When connections are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// Never: everything passes.
    #[default]
    Never,
    /// In the place of passing on COMMIT: the server rolls back.
    BeforeCommit,
    /// When COMMIT is done, in the place of its answer.
    AfterCommit,
    /// At once: nobody gets a connection.
    Always,
}

/// The rule, and what came of it.
#[derive(Default)]
struct State {
    cut: Cut,
    /// Every so many commits.
    every: u64,
    /// Since the rule was set.
    commits: u64,
    cuts: u64,
    links: Vec<Weak<Link>>,
}

/// What the proxy's threads share.
struct Shared {
    server: SocketAddr,
    protocol: Protocol,
    state: Mutex<State>,
    gone: AtomicBool,
}

/// A running proxy; dropping it cuts every connection.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts one on a free port; everything passes.
    ///
    /// # Panics
    /// The loopback address has no free port.
    #[must_use]
    pub fn start(server: SocketAddr, protocol: Protocol) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared =
            Arc::new(Shared { server, protocol, state: Mutex::default(), gone: AtomicBool::default() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.gone.load(Ordering::Acquire) {
                    return;
                }
                accepting.accept(client);
            }
        });
        Proxy { address, shared }
    }

    /// The URL of the server as one of the proxy.
    #[must_use]
    pub fn url(&self, of_server: &str) -> String {
        of_server.replace(&self.shared.server.to_string(), &self.address.to_string())
    }

    /// From now on the `every`-th commit is struck in this way, and the one so many after it, and so on, counted over
    /// all connections.
    pub fn cut_commits(&self, cut: Cut, every: u64) {
        let mut state = self.shared.state();
        (state.cut, state.every, state.commits) = (cut, every.max(1), 0);
        drop(state);
        if cut == Cut::Always {
            self.cut_now();
        }
    }

    /// From now on everything passes.
    pub fn pass(&self) {
        self.cut_commits(Cut::Never, 1);
    }

    /// Cuts all connections that are open; new ones pass.
    pub fn cut_now(&self) {
        let links = std::mem::take(&mut self.shared.state().links);
        for link in links.iter().filter_map(Weak::upgrade) {
            link.cut();
            self.shared.state().cuts += 1;
        }
    }

    /// Commits that were seen since the rule was last set, those struck included.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.state().commits
    }

    /// Connections that were cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.state().cuts
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client whose server is away sees its connection closed.
    fn accept(self: &Arc<Self>, client: TcpStream) {
        let mut state = self.state();
        if state.cut == Cut::Always {
            state.cuts += 1;
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
        drop(state);
        let Ok(server) = TcpStream::connect_timeout(&self.server, Duration::from_secs(5)) else { return };
        let link = Arc::new(Link::new(client, server));
        let mut state = self.state();
        state.links.retain(|known| known.strong_count() > 0);
        state.links.push(Arc::downgrade(&link));
        drop(state);
        let (asking, shared) = (Arc::clone(&link), Arc::clone(self));
        std::thread::spawn(move || asking.pass_questions(&shared));
        let shared = Arc::clone(self);
        std::thread::spawn(move || link.pass_answers(&shared));
    }

    /// What to do with this commit.
    fn judge_commit(&self) -> Cut {
        let mut state = self.state();
        state.commits += 1;
        if state.commits.is_multiple_of(state.every.max(1)) { state.cut } else { Cut::Never }
    }

    fn count_cut(&self) {
        self.state().cuts += 1;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
        self.cut_now();
        // Wakes the accepting thread, which then ends and closes the listener.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests;
