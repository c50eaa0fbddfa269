//! One form of one participant, ready to be called as the coordinator would call it.
//!
//! A fault and an answer that is in progress are asked again, with back-off and within a bound, since the coordinator would;
//! it is counted, never hidden. Read next: `case.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hyper::Uri;
use hyper::header::HeaderValue;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::answer::{Answer, Reply};
use crate::figures::{Figures, Learned};
use crate::form::{Form, Part};
use crate::identity::{Call, Content, Id, SIGNATURE};
use crate::signature;
use crate::target::{Obstacle, Options, Target, place};
use crate::wire::{Pace, Post, Wire};

/// A fault is asked again so often.
const ATTEMPTS: usize = 8;
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Everything a check needs.
pub(crate) struct Stage {
    pub(crate) form: Form,
    /// What every transaction id of this run begins with.
    pub(crate) run: String,
    pub(crate) options: Options,
    pub(crate) tally: Tally,
    /// What one clean run does to the figures.
    pub(crate) learned: OnceLock<Learned>,
    /// How long one clean try takes.
    pub(crate) took: OnceLock<Duration>,
    pub(crate) secret: Option<Bytes>,
    wire: Wire,
    places: BTreeMap<Part, (&'static str, Uri)>,
    probe: Option<Uri>,
    bodies: Bodies,
    next: AtomicUsize,
}

struct Bodies {
    ordinary: Bytes,
    other: Option<Bytes>,
    refused: Option<Bytes>,
}

/// What a check has cost so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) calls: AtomicUsize,
    pub(crate) retries: AtomicUsize,
    /// How often figures were wanted, whether or not there is a probe.
    pub(crate) looks: AtomicUsize,
}

impl Tally {
    pub(crate) fn add(count: &AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn take(count: &AtomicUsize) -> usize {
        count.swap(0, Ordering::Relaxed)
    }
}

/// The last answer, and how many before it were faults.
pub(crate) struct Asked {
    pub(crate) answer: Answer,
    pub(crate) faults: usize,
}

impl Stage {
    pub(crate) fn new(
        (target, form): (&Target, &Form),
        options: &Options,
        wire: Wire,
    ) -> Result<Arc<Stage>, Obstacle> {
        let places = form.parts().into_iter().map(|(part, name, url)| Ok((part, (name, place(url)?))));
        let other = target.other_body.clone().or_else(|| other_than(&target.body));
        Ok(Arc::new(Stage {
            form: form.clone(),
            run: format!("kit-{:016x}", fastrand::u64(..)),
            options: options.clone(),
            tally: Tally::default(),
            learned: OnceLock::new(),
            took: OnceLock::new(),
            secret: target.secret.clone(),
            wire,
            places: places.collect::<Result<_, Obstacle>>()?,
            probe: target.probe.as_deref().map(place).transpose()?,
            bodies: Bodies { ordinary: target.body.clone(), other, refused: target.refused_body.clone() },
            next: AtomicUsize::new(1),
        }))
    }

    /// A transaction that nobody has heard of.
    pub(crate) fn fresh(&self) -> Id {
        Id::new(format!("{}-{}", self.run, self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// So many of them.
    pub(crate) fn fresh_ones(&self, count: usize) -> Vec<Id> {
        (0..count).map(|_| self.fresh()).collect()
    }

    /// Whether there is such a body.
    pub(crate) fn has(&self, content: Content) -> bool {
        self.body(content).is_some()
    }

    /// Whether there are figures to look at.
    pub(crate) fn has_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// How long one clean try took, for offsets within it.
    pub(crate) fn usual(&self) -> Duration {
        self.took
            .get()
            .copied()
            .unwrap_or_default()
            .clamp(Duration::from_micros(200), Duration::from_millis(20))
    }

    /// The name of the operation that plays this part.
    pub(crate) fn operation(&self, part: Part) -> &'static str {
        self.places.get(&part).map_or("nothing", |(name, _)| name)
    }

    /// The call as a request, signed when there is a secret.
    pub(crate) fn post(&self, call: &Call) -> Post {
        let (operation, uri) = self.places.get(&call.part).expect("a check asks for parts that the form has");
        let mut post = Post {
            uri: uri.clone(),
            headers: call.headers(operation),
            body: self.body(call.content).cloned().unwrap_or_default(),
        };
        post.headers.push(("content-type", HeaderValue::from_static("application/json")));
        self.signed(post)
    }

    /// The request as it stands now, signed when there is a secret.
    pub(crate) fn signed(&self, mut post: Post) -> Post {
        if let Some(secret) = &self.secret {
            let signature = signature::sign(secret, signature::now(), &post);
            post.put(SIGNATURE, HeaderValue::try_from(signature).ok());
        }
        post
    }

    /// Where the parts are called.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Uri> {
        self.places.values().map(|(_, uri)| uri)
    }

    /// Sends once.
    pub(crate) async fn send(&self, post: &Post, pace: Pace) -> Answer {
        Tally::add(&self.tally.calls);
        self.wire.post(post, pace).await
    }

    /// Asks until there is an answer that says something, within a bound.
    pub(crate) async fn ask(&self, call: &Call) -> Asked {
        self.insist(|attempt| self.post(&call.again(call.attempt + attempt))).await
    }

    /// As `ask`, with a request that is made for each attempt, counted from 0.
    pub(crate) async fn insist(&self, made: impl Fn(usize) -> Post) -> Asked {
        let mut wait = FIRST_WAIT;
        let mut faults = 0;
        for attempt in 0.. {
            let answer = self.send(&made(attempt), Pace::default()).await;
            let asks_again = matches!(answer.reply(), Reply::Fault | Reply::InProgress);
            if !asks_again || attempt + 1 == ATTEMPTS {
                return Asked { answer, faults };
            }
            faults += usize::from(answer.reply() == Reply::Fault);
            Tally::add(&self.tally.retries);
            sleep(wait.mul_f64(0.5 + 0.5 * fastrand::f64())).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
        unreachable!("the last attempt returns")
    }

    /// The figures, if there is a probe. They are asked for a few times: a probe may have a bad moment too.
    pub(crate) async fn figures(&self) -> Result<Option<Figures>, String> {
        let Some(probe) = &self.probe else { return Ok(None) };
        let begun = Instant::now();
        loop {
            match self.wire.figures(probe).await {
                Ok(figures) => return Ok(Some(figures)),
                Err(why) if begun.elapsed() > LAST_WAIT => return Err(why),
                Err(_) => sleep(FIRST_WAIT * 5).await,
            }
        }
    }

    fn body(&self, content: Content) -> Option<&Bytes> {
        match content {
            Content::Ordinary => Some(&self.bodies.ordinary),
            Content::Other => self.bodies.other.as_ref(),
            Content::Refused => self.bodies.refused.as_ref(),
        }
    }
}

/// The body with its first whole number plus one.
fn other_than(body: &[u8]) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let number = first_number(&mut value)?;
    *number = Value::from(number.as_i64()?.checked_add(1)?);
    Some(Bytes::from(value.to_string()))
}

fn first_number(value: &mut Value) -> Option<&mut Value> {
    match value {
        Value::Number(number) if number.is_i64() => Some(value),
        Value::Object(fields) => fields.values_mut().find_map(first_number),
        Value::Array(items) => items.iter_mut().find_map(first_number),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_content_is_the_first_whole_number_plus_one() {
        let other =
            |body: &str| other_than(body.as_bytes()).map(|other| String::from_utf8(other.to_vec()).unwrap());
        assert_eq!(
            other(r#"{"sku":"A","lines":[{"n":2}]}"#).as_deref(),
            Some(r#"{"lines":[{"n":3}],"sku":"A"}"#)
        );
        assert_eq!(other(r#"{"sku":"A"}"#), None);
        assert_eq!(other("x"), None);
    }
}
