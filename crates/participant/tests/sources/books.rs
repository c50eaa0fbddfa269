//! The axum routers over several databases.

use lab::http::Http;
use participant::axum::{Asked, Deliver, deliver, serve_until};
use participant::barrier::Fault;
use participant::call::Outcome;
use participant::database::Local;
use participant::sources::Sources;
use participant::sources::plan::Key;
use serde::Deserialize;
use sqlx::Sqlite;

use crate::place::{Base, Place, insert, listed, parse};

#[derive(Deserialize)]
struct Body {
    user: i64,
}

struct Inserts;

impl Deliver<Sqlite> for Inserts {
    type Body = Body;

    async fn on_deliver(
        &self,
        mut local: Local<'_, Sqlite>,
        asked: Asked<'_, Body>,
    ) -> Result<Outcome, Fault> {
        let user = usize::try_from(asked.body.user).map_err(Fault::of)?;
        Sqlite::change(&mut local, insert(&asked.call.branch.transaction, user, "")).await?;
        Ok(Outcome::done())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_comes_to_the_books_of_its_key() {
    let place = Place::of::<Sqlite>(2).await;
    let sources =
        Sources::<Sqlite>::open(parse(&format!("{}{}", place.sources(), listed(&[0, 1])))).await.unwrap();
    sources.create_schema().await.unwrap();
    let books = sources.books(|_, body| {
        let body: Body = serde_json::from_slice(body)?;
        Ok(Key::of("shop").shard(body.user))
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_until(listener, deliver(Inserts, books), std::future::pending()));
    let http = Http { address, token: None };
    let statuses = tokio::task::spawn_blocking(move || {
        let post = |user: i64| {
            let transaction = format!("m{user}");
            let headers = [
                ("content-type", "application/json"),
                ("tercet-transaction", &*transaction),
                ("tercet-branch", "one"),
                ("tercet-operation", "deliver"),
            ];
            let body = format!("{{\"user\":{user}}}");
            http.send(("POST", "/deliver"), &headers, body.as_bytes()).unwrap().status
        };
        // Each twice; the third is nobody's.
        [post(0), post(0), post(1), post(1), post(2)]
    });
    assert_eq!(statuses.await.unwrap(), [200, 200, 200, 200, 500]);
    for (at, due) in [(0, "m0"), (1, "m1")] {
        assert_eq!(place.texts::<Sqlite>(at, "SELECT id FROM work").await, [due]);
        assert_eq!(place.texts::<Sqlite>(at, "SELECT transaction_id FROM tercet_barrier").await, [due]);
    }
}
