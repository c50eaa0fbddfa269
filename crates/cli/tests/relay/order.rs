//! The order of a key through a real server, whose answer to a known transaction is 200 wherever it stands.

use super::support::{Participant, Tercet, done, fails};
use super::{File, enqueue, message, start, until};

/// Failures of the destination: by the server's retries, some seconds.
const DOWN: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_of_a_key_waits_for_a_destination_that_is_down_for_longer_than_an_answer() {
    let (file, server, shop) = (File::new().await, Tercet::start(), Participant::start());
    let down = std::iter::repeat_with(|| fails(503)).take(DOWN);
    shop.answers("deliver", "deliver", down.chain([done()]));
    let messages = ["k-0", "k-1"].map(|id| message(id, &shop.url("deliver")).key("k"));
    enqueue(&file.outbox, &messages).await;
    let to = format!("http://{}", server.address);
    // An answer is waited for 200 ms only.
    let _relay = start(file.relay(&["--server", &to, "--timeout-ms", "400"]));
    let waiting = async || file.outbox.backlog().await.unwrap().waiting;
    until("both", async || waiting().await == 0 && shop.all_calls().len() > DOWN + 1).await;
    let came: Vec<_> = shop.all_calls().into_iter().map(|call| call.transaction).collect();
    let (first, second) = came.split_at(DOWN + 1);
    assert!(
        first.iter().all(|id| id == "k-0"),
        "the second came while the first was not delivered: {came:?}"
    );
    assert_eq!(second, ["k-1"]);
    let first = file.outbox.trail("k-0").await.unwrap().unwrap();
    assert_eq!(first.attempts, 1, "to be under way is no failure");
    assert!(first.last_error.is_some_and(|said| said.contains("the transaction is submitted")));
}
