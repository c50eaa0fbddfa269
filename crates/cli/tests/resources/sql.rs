//! Each pattern and each answer of a `sql` branch, on each database.

use serde_json::json;

use crate::support::{Participant, Tercet, done, message, never, refused, saga, tcc, until, with};
use crate::world::{Database, ENGINES, Engine, World, declared, sql, take};

#[test]
fn a_transaction_is_confirmed_refused_and_cancelled() {
    for engine in ENGINES {
        let world = World::new(engine);
        world.server.begin(&tcc("bought", [take(3)]));
        assert_eq!(world.server.wait_final("bought")["state"], "confirmed", "{engine:?}");
        assert_eq!(world.database.stock(), "7|0|3");

        world.server.begin(&tcc("short", [take(8)]));
        let short = world.server.wait_final("short");
        assert_eq!(
            (&short["state"], &short["reason"]["code"]),
            (&json!("cancelled"), &json!("branch_refused"))
        );
        let detail = short["reason"]["detail"].as_str().unwrap();
        assert_eq!(detail, "stock_short: statement 1 changed 0 rows and must change 1", "{engine:?}");
        assert_eq!(world.database.stock(), "7|0|3");

        let shop = Participant::start();
        shop.answers("pay", "try", [refused("no money")]);
        world.server.begin(&with(tcc("unpaid", [take(2), shop.tcc("pay")]), json!({"order": "sequential"})));
        assert_eq!(world.server.wait_final("unpaid")["state"], "cancelled");
        assert_eq!(world.database.stock(), "7|0|3");
        let rows = "SELECT phase, operation, outcome FROM tercet_barrier WHERE transaction_id = 'unpaid' ORDER BY phase";
        assert_eq!(world.database.run(rows), "1|try|done\n2|cancel|done");
    }
}

#[test]
fn a_saga_and_a_message_use_their_own_statements() {
    for engine in ENGINES {
        let world = World::new(engine);
        let shop = Participant::start();
        shop.answers("pay", "action", [refused("no money")]);
        world.server.begin(&saga("undone", [take(2), shop.saga("pay")]));
        assert_eq!(world.server.wait_final("undone")["state"], "compensated");
        world.server.begin(&saga("done", [take(2)]));
        assert_eq!(world.server.wait_final("done")["state"], "completed");
        world.server.begin(&message("more", [take(100)]));
        assert_eq!(world.server.wait_final("more")["state"], "delivered");
        assert_eq!(world.database.stock(), "108|0|2", "{engine:?}");

        let told = sql("b-1", "told", json!({"price": "12.3450", "gift": true}));
        world.server.begin(&message("told", [told]));
        assert_eq!(world.server.wait_final("told")["state"], "delivered");
        let seen = world.database.run("SELECT transaction_id, branch_id, price * 10000 FROM told WHERE gift");
        assert!(seen.starts_with("told|b-1|123450"), "{engine:?}: {seen}");
    }
}

#[test]
fn a_parameter_is_a_value_whatever_it_holds() {
    for engine in ENGINES {
        let world = World::new(engine);
        for (index, sku) in ["it's; -- :n", "A'; DELETE FROM stock; --", "$1", "?", "\\"].iter().enumerate() {
            let id = format!("t-{index}");
            world.server.begin(&tcc(&id, [sql("b", "stock", json!({"sku": sku, "n": 2}))]));
            let state = world.server.wait_final(&id)["state"].clone();
            assert_eq!(state, if index == 0 { "confirmed" } else { "cancelled" }, "{engine:?} {sku}");
        }
        assert_eq!(world.database.run("SELECT count(*), sum(sold) FROM stock"), "3|2");
    }
}

#[test]
fn a_confirm_that_changes_too_little_changes_nothing_and_asks_for_a_person() {
    for engine in ENGINES {
        let world = World::new(engine);
        let retry = json!({"retry": {"initial_ms": 20, "max_ms": 20}});
        let parameters = json!({"sku": "A", "n": 1});
        world.server.begin(&with(tcc("stuck", [sql("b", "strict", parameters.clone())]), retry));
        let stuck = world.server.wait_until("stuck", |it| it["needs_attention"] == true);
        assert_eq!(stuck["state"], "confirming");
        let error = stuck["branches"][0]["last_error"].as_str().unwrap();
        assert!(error.contains("rows_differ: statement 2 changed 0 rows and must change 1"), "{error}");
        assert_eq!(world.database.stock(), "9|0|0", "the first statement is rolled back");
        world.database.run("INSERT INTO stock VALUES ('none', 0, 0, 0)");
        world.server.post("/v1/transactions/stuck/retry", &json!({}));
        assert_eq!(world.server.wait_final("stuck")["state"], "confirmed");
        assert_eq!(world.database.stock(), "9|0|1");

        // A constraint of the table refuses as a row count does.
        world.server.begin(&tcc("below", [sql("b", "strict", json!({"sku": "B", "n": 6}))]));
        let below = world.server.wait_final("below");
        assert_eq!(below["reason"]["code"], "branch_refused", "{engine:?}: {below:#}");
        assert_eq!(world.database.run("SELECT available FROM stock WHERE sku = 'B'"), "5");
    }
}

#[test]
fn a_try_that_comes_after_its_cancel_reserves_nothing() {
    let world = World::new(Engine::Sqlite);
    let lock = rusqlite::Connection::open(world.folder.path().join("shop.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The try waits for the lock until its time is over, the deadline passes, and the cancel waits in its place.
    let late = with(take(3), json!({"timeout_ms": 300}));
    let spec =
        with(tcc("late", [late]), json!({"deadline_ms": 500, "retry": {"initial_ms": 50, "max_ms": 50}}));
    world.server.begin(&spec);
    let waiting = world.server.wait_state("late", "cancelling");
    assert_eq!(waiting["branches"][0]["attempts"]["cancel"].as_u64().map(|count| count < 100), Some(true));
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(world.server.wait_final("late")["state"], "cancelled");
    assert_eq!(world.database.stock(), "10|0|0");
    let rows = "SELECT phase, operation, outcome FROM tercet_barrier WHERE transaction_id = 'late'";
    until("the tombstone", || (world.database.run(rows) == "1|cancel|void").then_some(()));
}

#[test]
fn rules_place_a_branch_at_one_of_several_databases() {
    for engine in ENGINES {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| {
            let own = folder.path().join(name);
            std::fs::create_dir(&own).unwrap();
            Database::new(engine, &own)
        };
        let (low, high) = (inside("low"), inside("high"));
        let source = |name: &str, url: &str| format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\n");
        let rule = "[[rule]]\nname = \"stock\"\nservice = \"stock\"\n\
            ranges = [{ from = 1, until = 3, to = \"low\" }, { from = 3, until = 10, to = \"high\" }]\n";
        let plan = source("low", &low.url) + &source("high", &high.url) + rule;
        std::fs::write(folder.path().join("sources.toml"), plan).unwrap();
        let mut file = declared("sqlite:nowhere.db");
        let mut stock = file["resources"]["stock"].take();
        stock.as_object_mut().unwrap().remove("source");
        stock["shard"] = json!("n");
        let rules = json!({"file": "sources.toml", "create_schema": true});
        let path = folder.path().join("resources.json");
        std::fs::write(&path, json!({"rules": rules, "resources": {"stock": stock}}).to_string()).unwrap();
        let server = Tercet::on(folder.path(), &["--resources-file", path.to_str().unwrap()]).unwrap();
        let both = [take(2), with(take(3), json!({"id": "more"}))];
        server.begin(&tcc("both", both));
        assert_eq!(server.wait_final("both")["state"], "confirmed", "{engine:?}");
        assert_eq!((low.stock(), high.stock()), ("8|0|2".to_owned(), "7|0|3".to_owned()), "{engine:?}");
        let rows = "SELECT branch_id, operation FROM tercet_barrier ORDER BY phase";
        assert_eq!(low.run(rows), "stock|try\nstock|confirm");
        assert_eq!(high.run(rows), "more|try\nmore|confirm");
        let refused = server.post("/v1/transactions", &tcc("nowhere", [take(10)]));
        assert_eq!((refused.status, &refused.body["at"]), (400, &json!("/branches/0/parameters")));
        drop(server);
    }
}

#[test]
fn a_source_that_is_away_stops_neither_the_start_nor_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resources.json");
    let file = folder.path().join("shop.db");
    std::fs::write(&path, declared(&format!("sqlite:{}", file.display())).to_string()).unwrap();
    let server = Tercet::on(folder.path(), &["--resources-file", path.to_str().unwrap()]).unwrap();
    assert_eq!(server.get("/readyz").status, 200);
    server.begin(&with(tcc("t", [take(1)]), json!({"retry": {"initial_ms": 50, "max_ms": 50}})));
    let down = server.wait_until("t", |it| it["branches"][0]["last_error"].is_string());
    assert!(down["branches"][0]["last_error"].as_str().unwrap().contains("unable to open"), "{down:#}");
    until("the gauge", || {
        server.get("/metrics").text.contains("tercet_source_ready{source=\"main\"} 0").then_some(())
    });
    until("the log", || server.errors().contains("the source can't be used").then_some(()));
    let database = Database::new(Engine::Sqlite, folder.path());
    assert_eq!(server.wait_final("t")["state"], "confirmed");
    assert_eq!(database.stock(), "9|0|1");
    until("the gauge", || {
        server.get("/metrics").text.contains("tercet_source_ready{source=\"main\"} 1").then_some(())
    });
}

#[test]
fn a_resource_that_is_declared_no_more_is_unknown_until_it_is_again() {
    let mut world = World::new(Engine::Sqlite);
    let shop = Participant::start();
    shop.answers("pay", "try", [never(), done()]);
    let spec = with(
        tcc("t", [take(1), shop.tcc("pay")]),
        json!({"retry": {"initial_ms": 1500, "max_ms": 1500, "attention_after": 2}}),
    );
    world.server.begin(&spec);
    world.server.wait_until("t", |it| it["branches"][0]["state"] == "tried");
    let path = world.folder.path().join("resources.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let mut file = declared(&world.database.url);
    file["resources"].as_object_mut().unwrap().remove("stock");
    std::fs::write(&path, file.to_string()).unwrap();
    world.server.restart();
    let stands = world.server.wait_until("t", |it| it["needs_attention"] == true);
    assert_eq!(stands["state"], "confirming");
    let error = stands["branches"][0]["last_error"].as_str().unwrap();
    assert!(error.contains("the sql resource stock is not declared any more"), "{error}");
    std::fs::write(&path, whole).unwrap();
    world.server.restart();
    assert_eq!(world.server.wait_final("t")["state"], "confirmed");
    assert_eq!(world.database.stock(), "9|0|1");
}

#[test]
fn a_file_that_is_wrong_keeps_the_server_from_starting_and_shows_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resources.toml");
    std::fs::write(
        &path,
        "[sources.main]\nurl = \"postgres://shop:secret@h/d\"\n[resources.stock]\nsource = \"man\"\n",
    )
    .unwrap();
    let ended = Tercet::on(folder.path(), &["--resources-file", path.to_str().unwrap()]).err().unwrap();
    assert_eq!(ended.code, Some(2));
    assert!(ended.errors.contains("/resources/stock/source: no source man is declared"), "{}", ended.errors);
    assert!(!ended.errors.contains("secret"));
}
