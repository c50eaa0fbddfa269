//! Topics as DTM's clients manage them, and the key-value view in which its admin pages show them.

use std::sync::Arc;

use engine::TopicAsk;
use serde_json::{Value, json};
use transaction::refusal::{SUBSCRIBER_KNOWN, SUBSCRIBER_UNKNOWN, TOPIC_EMPTY, TOPIC_UNKNOWN};
use transaction::{Refusal, Subscriber, Topic, TopicChange};

use super::spec::Making;
use super::told::{Outcome, Told};
use super::verbs::Verbs;
use crate::http::Stamp;

/// The category under which topics are shown.
const CATEGORY: &str = "topics";

impl Verbs {
    /// A subscriber comes. Its address is judged here already, not only when a message goes to it.
    pub(super) async fn subscribe(&self, topic: &str, (url, remark): (&str, &str)) -> Outcome {
        if topic.is_empty() || url.is_empty() {
            return Err(Told::Fault("subscribe needs topic and url".to_owned()));
        }
        let making = Making { config: self.config(), judge: self.admitted.judge(), topics: &[] };
        making.subscriber(url)?;
        let change = TopicChange::Subscribe(Subscriber { url: url.into(), remark: remark.into() });
        self.change(topic, change, "this url exists").await
    }

    /// A subscriber goes.
    pub(super) async fn unsubscribe(&self, topic: &str, url: &str) -> Outcome {
        self.change(topic, TopicChange::Unsubscribe(url.into()), "no such a topic").await
    }

    /// A topic goes with all its subscribers.
    pub(super) async fn delete_topic(&self, topic: &str) -> Outcome {
        self.change(topic, TopicChange::Delete, "storage: NotFound").await
    }

    async fn change(&self, topic: &str, change: TopicChange, unknown: &str) -> Outcome {
        let changed = self.topics(TopicAsk::Change(topic.into(), change)).await;
        changed.map(drop).map_err(|refusal| words(refusal, unknown))
    }

    /// The value of one key.
    pub(super) async fn query_kv(&self, category: &str, key: &str) -> Result<Value, Told> {
        let topics = match category {
            CATEGORY => self.topics(TopicAsk::Read(key.into())).await?,
            _ => Vec::new(),
        };
        Ok(json!({ "kv": topics.iter().map(|topic| row(topic)).collect::<Vec<_>>() }))
    }

    /// A page of keys, in their order.
    pub(super) async fn scan_kv(
        &self,
        category: &str,
        (position, limit): (&str, usize),
    ) -> Result<Value, Told> {
        let after = Some(position).filter(|position| !position.is_empty()).map(Arc::from);
        let topics = match category {
            CATEGORY => self.topics(TopicAsk::List(after, limit)).await?,
            _ => Vec::new(),
        };
        let next = topics.last().filter(|_| topics.len() == limit).map_or("", |topic| &*topic.name);
        let rows: Vec<_> = topics.iter().map(|topic| row(topic)).collect();
        Ok(json!({ "kv": rows, "next_position": next }))
    }
}

/// DTM's own words, where its clients may look for them.
fn words(refusal: Refusal, unknown: &str) -> Told {
    let known = [
        (&TOPIC_UNKNOWN, unknown),
        (&TOPIC_EMPTY, "this topic is empty"),
        (&SUBSCRIBER_KNOWN, "this url exists"),
        (&SUBSCRIBER_UNKNOWN, "no such an url "),
    ];
    match known.iter().find(|(kind, _)| std::ptr::eq(*kind, refusal.kind)) {
        Some((_, words)) => Told::Fault((*words).to_owned()),
        None => refusal.into(),
    }
}

fn row(topic: &Topic) -> Value {
    let subscribers: Vec<_> = topic
        .subscribers
        .iter()
        .map(|subscriber| json!({ "url": *subscriber.url, "remark": *subscriber.remark }))
        .collect();
    json!({
        "id": topic.version,
        "create_time": Stamp::text_of(topic.created_at),
        "update_time": Stamp::text_of(topic.updated_at),
        "cat": CATEGORY,
        "k": *topic.name,
        "v": Value::Array(subscribers).to_string(),
        "version": topic.version,
    })
}
