//! Resolves host names. A port, so that a test can answer what it likes.
//!
//! Judges nothing and remembers nothing: what a name meant a moment ago says nothing about now. Read next: `connect.rs`.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The addresses of a name, under way.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Resolves host names. Never asked about an address.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `name` now, best first.
    fn resolve(&self, name: &str) -> Resolving;
}

/// The operating system's resolver. A name has one question under way at a time, shared by all who ask meanwhile:
/// each occupies a thread until the system gives up, and a name that never resolves must not use them all up.
#[derive(Clone, Debug, Default)]
pub struct SystemNames {
    under_way: UnderWay,
}

type UnderWay = Arc<Mutex<HashMap<String, watch::Receiver<Option<Found>>>>>;
type Found = Result<Vec<IpAddr>, String>;

impl Resolve for SystemNames {
    fn resolve(&self, name: &str) -> Resolving {
        let mut found = self.ask(name);
        Box::pin(async move {
            // The sender goes without a word only when the runtime stops.
            let found = found.wait_for(Option::is_some).await.map_err(io::Error::other)?;
            found.clone().unwrap_or_else(|| Err("not asked".to_owned())).map_err(io::Error::other)
        })
    }
}

impl SystemNames {
    /// Joins the question that is under way, or begins one.
    fn ask(&self, name: &str) -> watch::Receiver<Option<Found>> {
        let mut questions = lock(&self.under_way);
        if let Some(found) = questions.get(name) {
            return found.clone();
        }
        let (tell, found) = watch::channel(None);
        questions.insert(name.to_owned(), found.clone());
        let (under_way, name) = (Arc::clone(&self.under_way), name.to_owned());
        // A task of its own: it ends, and clears its place, even if every caller has timed out.
        tokio::spawn(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses = addresses.map(|found| found.map(|address| address.ip()).collect());
            lock(&under_way).remove(&name);
            tell.send_replace(Some(addresses.map_err(|error: io::Error| error.to_string())));
        });
        found
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_resolved_and_its_place_cleared() {
        let names = SystemNames::default();
        let (one, two) = tokio::join!(names.resolve("localhost"), names.resolve("localhost"));
        assert!(one.unwrap().iter().all(IpAddr::is_loopback));
        assert!(two.unwrap().iter().all(IpAddr::is_loopback));
        assert!(lock(&names.under_way).is_empty());
    }

    #[tokio::test]
    async fn those_who_ask_meanwhile_share_one_question() {
        let names = SystemNames::default();
        let (one, two) = (names.ask("localhost"), names.ask("localhost"));
        assert!(one.same_channel(&two));
        assert_eq!(lock(&names.under_way).len(), 1);
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_a_fault() {
        let error = SystemNames::default().resolve("no such name").await.unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}
