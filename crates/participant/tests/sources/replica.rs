//! A real streaming replica of PostgreSQL: it serves reads while it is fresh enough, takes no writes when the primary is
//! gone, and is written to once it was promoted and the plan says so.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lab::services::Private;
use participant::sources::{Freshness, SourceFault, Sources};
use sqlx::Postgres;

use crate::place::{Base, declared, furnish, is_down, on_server, parse, shard, until, work};

/// A replica of a private server; it ends, and its data goes, when this is dropped.
struct Replica {
    folder: PathBuf,
    port: u16,
    child: Child,
}

/// As whom PostgreSQL runs: it refuses root.
fn account() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    Some((id(&["-u", "postgres"]).unwrap(), id(&["-g", "postgres"]).unwrap()))
}

fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(services::program::find(program).unwrap());
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    if let Some((user, group)) = account() {
        command.uid(user).gid(group);
    }
    command
}

impl Replica {
    fn of(primary: &Private) -> Replica {
        let folder = tempfile::Builder::new().prefix("tercet-replica-").tempdir_in("/tmp").unwrap().keep();
        if let Some((user, group)) = account() {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let data = folder.join("data");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut copy = command("pg_basebackup", &folder);
        copy.args(["-h", "127.0.0.1", "-U", "tercet", "-R", "-c", "fast", "-X", "stream", "--no-sync"]);
        copy.args(["-p", &primary.address().port().to_string()]).arg("-D").arg(&data);
        assert!(copy.status().unwrap().success(), "pg_basebackup");
        let mut serve = command("postgres", &folder);
        let port_flag = format!("port={port}");
        // A standby must allow as much as its primary does.
        let as_the_primary = ["max_connections=300", "max_prepared_transactions=100"];
        let own = [&*port_flag, "listen_addresses=127.0.0.1", "unix_socket_directories=."];
        for setting in own.into_iter().chain(as_the_primary) {
            serve.args(["-c", setting]);
        }
        let child = serve.arg("-D").arg(&data).stderr(Stdio::null()).spawn().unwrap();
        Replica { folder, port, child }
    }

    fn url(&self, primary: &str) -> String {
        let (_, database) = primary.rsplit_once('/').unwrap();
        format!("postgres://tercet@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // SIGQUIT: at once, children included.
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const RULE: &str = "[[rule]]\nname = \"all\"\nto = \"s0\"\n[health]\nevery_ms = 50\n";
const SOON: Freshness = Freshness::Within(Duration::from_secs(3));

async fn served_by(sources: &Sources<Postgres>, freshness: Freshness) -> String {
    let reader = sources.read(&shard(0), freshness).await;
    reader.map_or_else(|fault| fault.to_string(), |reader| reader.source().to_owned())
}

async fn run(url: &str, sql: &str) {
    let mut connection = Postgres::connect(url).await;
    Postgres::change(&mut connection, sql.to_owned()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_streaming_replica_serves_what_is_fresh_enough_and_is_written_to_only_when_promoted() {
    let mut server = Private::postgres();
    let url = on_server::<Postgres>(&server.url()).await;
    furnish::<Postgres>(&url, "s0").await;
    let replica = tokio::task::block_in_place(|| Replica::of(&server));
    let copy = replica.url(&url);
    let text = |more: &str| {
        let more = format!("role = \"replica\"\nreplica_of = \"s0\"\n{more}");
        declared("s0", &url, "") + &declared("s1", &copy, &more) + RULE
    };
    let sources = Sources::<Postgres>::open(parse(&text(""))).await.unwrap();
    let lag = |sources: &Sources<Postgres>| sources.snapshot()[1].lag;
    let is_near = |sources: &Sources<Postgres>| lag(sources).is_some_and(|lag| lag < Duration::from_secs(1));
    until("the replica is in and near", || sources.snapshot()[1].out.is_none() && is_near(&sources)).await;
    assert_eq!(served_by(&sources, SOON).await, "s1");
    for freshness in [Freshness::Latest, Freshness::OwnWrite] {
        assert_eq!(served_by(&sources, freshness).await, "s0");
    }
    // An idle primary does not make its replica old.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(is_near(&sources), "{:?}", lag(&sources));

    // It replays nothing any more: as soon as something is written, it grows old.
    run(&copy, "SELECT pg_wal_replay_pause()").await;
    work(&sources, (&shard(0), 0), "unseen").await.unwrap();
    until("the replica is old", || lag(&sources).is_some_and(|lag| lag > Duration::from_secs(3))).await;
    assert_eq!(served_by(&sources, SOON).await, "s0");
    assert_eq!(served_by(&sources, Freshness::Within(Duration::from_secs(3_600))).await, "s1");
    sources.reload(parse(&text("lag_max_ms = 2000"))).await.unwrap();
    assert_eq!(served_by(&sources, Freshness::Within(Duration::from_secs(3_600))).await, "s0");
    sources.reload(parse(&text(""))).await.unwrap();
    run(&copy, "SELECT pg_wal_replay_resume()").await;
    until("the replica is near again", || is_near(&sources)).await;
    assert_eq!(served_by(&sources, SOON).await, "s1");

    // The primary dies: no write goes to the replica.
    tokio::task::block_in_place(|| server.kill9());
    until("the primary is out", || sources.snapshot()[0].out.is_some()).await;
    for _ in 0..20 {
        let told = sources.barrier(&shard(0)).map(drop).unwrap_err();
        assert!(is_down(&told, "s0"), "{told}");
        work(&sources, (&shard(0), 0), "nowhere").await.unwrap_err();
    }
    let hour = Freshness::Within(Duration::from_secs(3_600));
    sources.reload(parse(&text("lag_max_ms = 3600000"))).await.unwrap();
    assert_eq!(served_by(&sources, hour).await, "s1");
    // Declared as the primary, it is found to be none.
    let promoted = declared("s0", &copy, "") + RULE;
    sources.reload(parse(&promoted)).await.unwrap();
    let told = sources.barrier(&shard(0)).map(drop).unwrap_err();
    assert!(
        matches!(&told, SourceFault::PrimaryDown { why, .. } if why.contains("takes no writes")),
        "{told}"
    );
    // Promoted, it is the primary.
    run(&copy, "SELECT pg_promote()").await;
    until("the new primary is in", || sources.snapshot()[0].out.is_none()).await;
    work(&sources, (&shard(0), 0), "after").await.unwrap();
    let mut connection = Postgres::connect(&copy).await;
    let ids = Postgres::texts(&mut connection, "SELECT id FROM work ORDER BY id".to_owned()).await.unwrap();
    assert_eq!(ids, ["after", "unseen"]);
    // Still declared as a replica, it would be out.
    let stale =
        declared("s0", &url, "") + &declared("s1", &copy, "role = \"replica\"\nreplica_of = \"s0\"") + RULE;
    sources.reload(parse(&stale)).await.unwrap();
    let out = sources.snapshot()[1].out.clone().unwrap();
    assert!(out.contains("if it was promoted, declare it as the primary"), "{out}");
}
