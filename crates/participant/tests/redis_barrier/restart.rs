//! A Redis of the test's own: killed in the middle of the work and started again, out of memory, evicting.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use participant::call::Answer;
use participant::redis::{Fault, ServerFault, counter};
use tokio::task::JoinSet;
use transaction::Operation;

use crate::store::{Store, tcc, told};

/// Ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(folder: &Path, port: u16) -> Server {
    let mut command = Command::new("redis-server");
    command.arg("--port").arg(port.to_string()).arg("--dir").arg(folder);
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    Server(command.stdout(Stdio::null()).spawn().expect("redis-server: run `cargo xtask services start`"))
}

async fn answers(port: u16) {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    for _ in 0..200 {
        if let Ok(mut connection) = client.get_multiplexed_async_connection().await
            && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the Redis at port {port} does not answer");
}

async fn ask(store: &Store, buyer: usize, operation: Operation) -> Result<Answer, Fault> {
    let call = tcc(&format!("buyer-{buyer}"), operation);
    store.barrier.run(&call, &counter::change(&store.key("stock"), &call, 1).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_a_kill() {
    const BUYERS: usize = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("redis://127.0.0.1:{port}");
    let mut server = start(folder.path(), port);
    answers(port).await;
    let store = Arc::new(Store::at(&url).await);
    store.stock(&store.key("stock"), 10_000).await;

    let mut asked = JoinSet::new();
    for buyer in 0..BUYERS {
        let store = Arc::clone(&store);
        asked.spawn(async move { (buyer, ask(&store, buyer, Operation::Try).await.is_ok()) });
    }
    let mut told_done = vec![false; BUYERS];
    let mut answered = 0;
    while let Some(ended) = asked.join_next().await {
        let (buyer, is_done) = ended.unwrap();
        told_done[buyer] = is_done;
        answered += usize::from(is_done);
        if answered == 300 {
            server.0.kill().unwrap();
        }
    }
    drop(server);
    let _server = start(folder.path(), port);
    answers(port).await;

    let store = Store { tag: store.tag.clone(), ..Store::at(&url).await };
    let figures = counter::figures(&mut store.connection.clone(), &store.key("stock")).await.unwrap();
    let mut confirmed = 0;
    for (buyer, was_told) in told_done.into_iter().enumerate() {
        match told(&ask(&store, buyer, Operation::Confirm).await.unwrap()) {
            (200, _) => confirmed += 1,
            told => assert_eq!((told.1.as_str(), was_told), ("confirm_without_try", false), "buyer {buyer}"),
        }
    }
    assert_eq!(figures.reserved, confirmed, "record and reservation are there together, or neither is");
    assert_eq!(figures.available + figures.reserved, 10_000);
    assert!(answered >= 300 && confirmed >= answered as u64 && answered < BUYERS, "{answered} answered");
    println!("killed after {answered} of {BUYERS} answers; {confirmed} tries were kept");
}

#[tokio::test]
async fn a_full_memory_is_a_fault_before_any_change_and_eviction_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = start(folder.path(), port);
    answers(port).await;
    let store = Store::at(&format!("redis://127.0.0.1:{port}")).await;
    store.stock(&store.key("stock"), 5).await;
    ask(&store, 0, Operation::Try).await.unwrap();

    let () = store.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for (buyer, operation) in [(0, Operation::Confirm), (1, Operation::Try), (2, Operation::Cancel)] {
        let fault = ask(&store, buyer, operation).await.unwrap_err();
        assert!(matches!(fault, Fault::Redis(_)), "{fault}");
        assert_eq!(fault.answer().status.as_u16(), 503);
    }
    let figures = counter::figures(&mut store.connection.clone(), &store.key("stock")).await.unwrap();
    assert_eq!((figures.available, figures.reserved, figures.sold), (4, 1, 0));
    let () = store.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(told(&ask(&store, 1, Operation::Try).await.unwrap()).0, 200);
    assert_eq!(told(&ask(&store, 0, Operation::Confirm).await.unwrap()).0, 200);

    let () = store.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).await;
    let fault = store.barrier.check_server().await.unwrap_err();
    assert!(matches!(fault, ServerFault::Evicts { ref policy } if policy == "volatile-lru"), "{fault}");
}
