//! Topics: the partition holds them all, changes them in order, and keeps each change whole.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use transaction::{Refusal, Time, Topic, TopicChange};

use super::Partition;
use crate::batch::Release;
use crate::entry::TopicRow;
use crate::{Respond, TopicAsk, Topics, refusal};

/// Topics of one folder: each is held in memory.
const TOPICS_MAX: usize = 10_000;

/// Every topic, by name.
pub(crate) type Known = BTreeMap<Arc<str>, Arc<Topic>>;

impl Partition {
    /// Takes over a topic at start-up.
    pub(crate) fn restore_topic(&mut self, topic: Topic) {
        self.topics.insert(Arc::clone(&topic.name), Arc::new(topic));
    }

    /// Answers what is asked of the topics.
    pub(super) fn topics(&mut self, ask: TopicAsk, respond: Respond<Topics>, now: Time) {
        let answer = match ask {
            TopicAsk::Change(name, change) => self.change_topic(&name, &change, now),
            TopicAsk::Read(name) => Ok(self.topics.get(&name).cloned().into_iter().collect()),
            TopicAsk::List(after, most) => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                Ok(self
                    .topics
                    .range((from, Bound::Unbounded))
                    .take(most)
                    .map(|(_, topic)| Arc::clone(topic))
                    .collect())
            }
        };
        self.release_any(Release::Topics(respond, answer));
    }

    fn change_topic(&mut self, name: &Arc<str>, change: &TopicChange, now: Time) -> Result<Topics, Refusal> {
        let known = self.topics.get(name);
        if known.is_none() && self.topics.len() >= TOPICS_MAX {
            return Err(refusal::OVERLOADED.because(format!("there are {TOPICS_MAX} topics already")));
        }
        let topic = Topic::changed(known.map(|topic| &**topic), name, change, now)?;
        if let Some(refusal) = self.refuses_new() {
            return Err(refusal);
        }
        self.batch.push_topic(&TopicRow { name: Arc::clone(name), topic: topic.clone(), at: now });
        match topic.map(Arc::new) {
            Some(topic) => {
                self.topics.insert(Arc::clone(name), Arc::clone(&topic));
                Ok(vec![topic])
            }
            None => {
                self.topics.remove(name);
                Ok(Vec::new())
            }
        }
    }
}
