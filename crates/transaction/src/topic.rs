//! A topic: a name that stands for the subscribers of a message. What may become of it, and in which words it is refused.
//!
//! Pure, like everything here; the engine keeps each change whole. A message asks for its topics' subscribers when it is
//! begun: later subscribers get later messages.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::refusal as r;
use crate::{Refusal, Time, is_foreign_id};

/// Subscribers of one topic: more than a message may have branches is of no use.
pub const SUBSCRIBERS_MAX: usize = 100;
const REMARK_MAX: usize = 1_024;

/// A topic and who has subscribed to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: Arc<str>,
    /// Who has subscribed, in that order.
    pub subscribers: Vec<Subscriber>,
    /// How often it was changed, from 1.
    pub version: u64,
    /// When its first subscriber came.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// One subscriber of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Where messages are delivered.
    pub url: Arc<str>,
    /// The subscriber's own words.
    pub remark: Arc<str>,
}

/// What is asked of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicChange {
    /// A subscriber comes.
    Subscribe(Subscriber),
    /// The subscriber at this URL goes.
    Unsubscribe(Arc<str>),
    /// The topic goes, with all its subscribers.
    Delete,
}

impl Topic {
    /// The topic after `change`; `None`: it is gone.
    ///
    /// # Errors
    /// When the name or a subscriber cannot be taken, or what is to go is not there.
    pub fn changed(
        known: Option<&Topic>,
        name: &Arc<str>,
        change: &TopicChange,
        now: Time,
    ) -> Result<Option<Topic>, Refusal> {
        let unknown = || r::TOPIC_UNKNOWN.because("there is no such topic");
        match change {
            TopicChange::Subscribe(subscriber) => Topic::with(known, name, subscriber, now).map(Some),
            TopicChange::Unsubscribe(url) => {
                let topic = known.ok_or_else(unknown)?;
                let mut subscribers = topic.subscribers.clone();
                let before = subscribers.len();
                if before == 0 {
                    return Err(r::TOPIC_EMPTY.because("the topic has no subscriber"));
                }
                subscribers.retain(|subscriber| subscriber.url != *url);
                if subscribers.len() == before {
                    return Err(r::SUBSCRIBER_UNKNOWN.because("nobody has subscribed with this URL"));
                }
                Ok(Some(topic.next(subscribers, now)))
            }
            TopicChange::Delete => known.map(|_| None).ok_or_else(unknown),
        }
    }

    fn with(
        known: Option<&Topic>,
        name: &Arc<str>,
        subscriber: &Subscriber,
        now: Time,
    ) -> Result<Topic, Refusal> {
        if !is_foreign_id(name) {
            return Err(r::ID_INVALID.at("/topic", "a topic's name has 1 to 128 printable bytes"));
        }
        if subscriber.remark.len() > REMARK_MAX {
            return Err(
                r::SUBSCRIBERS_INVALID.at("/remark", format!("a remark has at most {REMARK_MAX} bytes"))
            );
        }
        let Some(topic) = known else {
            return Ok(Topic {
                name: Arc::clone(name),
                subscribers: vec![subscriber.clone()],
                version: 1,
                created_at: now,
                updated_at: now,
            });
        };
        if topic.subscribers.iter().any(|known| known.url == subscriber.url) {
            return Err(r::SUBSCRIBER_KNOWN.because("this URL has subscribed to the topic before"));
        }
        if topic.subscribers.len() >= SUBSCRIBERS_MAX {
            let detail = format!("a topic has at most {SUBSCRIBERS_MAX} subscribers");
            return Err(r::SUBSCRIBERS_INVALID.because(detail));
        }
        let mut subscribers = topic.subscribers.clone();
        subscribers.push(subscriber.clone());
        Ok(topic.next(subscribers, now))
    }

    fn next(&self, subscribers: Vec<Subscriber>, now: Time) -> Topic {
        Topic { subscribers, version: self.version.saturating_add(1), updated_at: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn come(url: &str) -> TopicChange {
        TopicChange::Subscribe(Subscriber { url: url.into(), remark: "".into() })
    }

    fn after(changes: &[TopicChange]) -> Result<Option<Topic>, &'static str> {
        let mut topic = None;
        for (at, change) in (1..).zip(changes) {
            topic =
                Topic::changed(topic.as_ref(), &"t".into(), change, Time(at)).map_err(|no| no.kind.code)?;
        }
        Ok(topic)
    }

    #[test]
    fn subscribers_come_and_go() {
        let gone = TopicChange::Unsubscribe("a".into());
        let topic = after(&[come("a"), come("b"), gone.clone()]).unwrap().unwrap();
        let urls: Vec<_> = topic.subscribers.iter().map(|subscriber| &*subscriber.url).collect();
        assert_eq!((urls, topic.version), (vec!["b"], 3));
        assert_eq!((topic.created_at, topic.updated_at), (Time(1), Time(3)));
        assert_eq!(after(&[come("a"), TopicChange::Delete]), Ok(None));
        assert_eq!(after(&[come("a"), come("a")]), Err("subscriber_known"));
        assert_eq!(after(&[come("b"), gone.clone()]), Err("subscriber_unknown"));
        assert_eq!(after(&[come("a"), gone.clone(), gone.clone()]), Err("topic_empty"));
        assert_eq!(after(&[gone]), Err("topic_unknown"));
        assert_eq!(after(&[TopicChange::Delete]), Err("topic_unknown"));
    }
}
