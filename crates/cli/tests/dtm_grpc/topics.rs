//! Topics over gRPC: subscribed, delivered to everybody, given up.

use server::dtm::proto::DtmTopicRequest;
use tonic::{Code, Status};

use crate::support::dtm::shop::Shop;
use crate::world::{World, refused};

fn of(topic: &str, url: &str) -> DtmTopicRequest {
    DtmTopicRequest { topic: topic.into(), url: url.into(), remark: "of a test".into() }
}

impl World {
    fn subscribe(&self, topic: &str, url: &str) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.subscribe(of(topic, url)).await)
    }

    fn unsubscribe(&self, topic: &str, url: &str) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.unsubscribe(of(topic, url)).await)
    }

    fn delete(&self, topic: &str) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.delete_topic(of(topic, "")).await)
    }
}

#[test]
fn a_message_goes_to_every_subscriber_over_whatever_each_speaks() {
    let (world, shop) = (World::start(), Shop::start());
    world.subscribe("paid", &world.service.url("Paid")).unwrap();
    world.subscribe("paid", &shop.url("/paid")).unwrap();
    world.submit(world.message("m", &["topic://paid".into(), world.service.url("D2")])).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(world.service.told(), ["Paid action 01-01", "D2 action 02"]);
    assert_eq!(shop.told(), ["/paid action 01-02"]);
    let kept = world.tercet.ask("queryKV", &[("cat", "topics"), ("key", "paid")]).body.clone();
    assert!(kept["kv"][0]["v"].as_str().unwrap().contains("of a test"), "the same topic over HTTP: {kept}");
}

#[test]
fn a_single_subscriber_has_the_branch_of_the_step() {
    let world = World::start();
    world.subscribe("paid", &world.service.url("Paid")).unwrap();
    world.subscribe("paid", &world.service.url("Gone")).unwrap();
    world.unsubscribe("paid", &world.service.url("Gone")).unwrap();
    world.submit(world.message("m", &["topic://paid".into()])).unwrap();
    world.tercet.wait("m", "succeed");
    assert_eq!(world.service.told(), ["Paid action 01"]);
}

#[test]
fn what_cannot_be_is_refused_in_the_words_of_dtm() {
    let world = World::start();
    let url = world.service.url("Paid");
    let message = || world.message("m", &["topic://paid".into()]);
    assert_eq!(refused(world.submit(message()), Code::Unknown), "topic not found");
    assert_eq!(refused(world.unsubscribe("paid", &url), Code::Unknown), "no such a topic");
    assert_eq!(refused(world.delete("paid"), Code::Unknown), "storage: NotFound");
    world.subscribe("paid", &url).unwrap();
    assert_eq!(refused(world.subscribe("paid", &url), Code::Unknown), "this url exists");
    world.unsubscribe("paid", &url).unwrap();
    assert_eq!(refused(world.unsubscribe("paid", &url), Code::Unknown), "this topic is empty");
    world.delete("paid").unwrap();
    assert_eq!(refused(world.submit(message()), Code::Unknown), "topic not found");
}
