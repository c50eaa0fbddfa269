//! Many at once, and a server that is killed in the middle: every row moves once or not at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{tcc, with};
use crate::world::{ENGINES, World, take};
use serde_json::json;

const BUYERS: usize = 60;

#[test]
fn nothing_is_sold_twice_or_lost_when_the_server_is_killed() {
    for engine in ENGINES {
        let mut world = World::new(engine);
        world.database.run("UPDATE stock SET available = 25 WHERE sku = 'A'");
        for round in 0..3 {
            let (next, http) = (AtomicUsize::new(0), world.server.clone());
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= BUYERS / 3 {
                                return;
                            }
                            let retry =
                                json!({"retry": {"initial_ms": 20, "max_ms": 100}, "deadline_ms": 20_000});
                            let spec = with(tcc(&format!("t-{round}-{number}"), [take(1)]), retry);
                            // One that is not answered may be kept or not.
                            let _ = http.try_post("/v1/transactions", &spec);
                        }
                    });
                }
                std::thread::sleep(Duration::from_millis(30 + 20 * round));
                world.server.kill();
            });
            world.server.restart();
        }
        let mut sold = 0;
        for round in 0..3 {
            for number in 0..BUYERS / 3 {
                let id = format!("t-{round}-{number}");
                world.server.begin(&with(
                    tcc(&id, [take(1)]),
                    json!({"retry": {"initial_ms": 20, "max_ms": 100}, "deadline_ms": 20_000}),
                ));
                sold += usize::from(world.server.wait_final(&id)["state"] == "confirmed");
            }
        }
        assert_eq!(sold, 25, "{engine:?}");
        assert_eq!(world.database.stock(), "0|0|25", "{engine:?}");
    }
}
