//! The engine with its real threads over a fake disk: restart, a failing sync, a full disk, a stop.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use engine::archive::Archive;
use engine::{
    Act, Answer, Answers, Begin, Config, Engine, Fault, Health, Heard, Meters, Network, Parts, Running,
    SystemClock, start,
};
use journal::disk::FakeDisk;
use journal::disk::fake::{Call as DiskCall, Trouble};
use journal::{FileJournal, FileOptions};
use transaction::{
    BranchSpec, Call, Command, Kind, Mode, Order, Pattern, Refusal, Reply, Retry, Signal, Spec, Trace,
};

const PATIENCE: Duration = Duration::from_secs(10);

struct NoNetwork;

impl Network for NoNetwork {
    fn send(&self, calls: Vec<(Call, Heard)>) {
        for (_, heard) in calls {
            heard(Reply::Unknown { error: Arc::from("there is no network") });
        }
    }
}

fn options() -> FileOptions {
    let (segment_bytes, small_segment_bytes) = (1024 * 1024, 256 * 1024);
    FileOptions {
        segment_bytes,
        small_segment_bytes,
        max_frame_bytes: 128 * 1024,
        spares: 1,
        ..FileOptions::default()
    }
}

/// A running engine on `disk`, and where its fault would come out.
fn running(disk: &FakeDisk, archive: &Archive) -> (Running, Receiver<Fault>) {
    let (report, faults) = channel();
    let parts = Parts {
        journal: Box::new(FileJournal::start(Arc::new(disk.clone()), options()).unwrap()),
        archive: archive.clone(),
        network: Box::new(NoNetwork),
        clock: Box::new(|floor| Arc::new(SystemClock::starting_after(floor))),
        meters: Arc::new(Meters::default()),
        deliver: Box::new(Answers::give),
        on_fault: Box::new(move |fault| drop(report.send(fault))),
    };
    let config = Config { frame_bytes: 64 * 1024, ..Config::default() };
    (start(&config, parts).unwrap(), faults)
}

fn asked(id: &str) -> Begin {
    let pay = BranchSpec { id: Arc::from("pay"), after: Vec::new(), kind: Kind::Await };
    let spec = Spec {
        id: Arc::from(id),
        pattern: Pattern::Tcc,
        mode: Mode::Managed,
        order: Order::Parallel,
        deadline_ms: Some(600_000),
        cooling_off_ms: 0,
        retry: Retry::default(),
        labels: Vec::new(),
        check: None,
        branches: vec![Arc::new(pay)],
        terms: None,
    };
    Begin {
        spec: Arc::new(spec),
        trace: Trace::default(),
        key: None,
        wait_ms: 0,
        until: engine::Until::Final,
    }
}

type Told = Receiver<Result<Answer, Refusal>>;

fn begin(engine: &Engine, begin: Begin) -> Told {
    let (tell, told) = channel();
    engine.begin(begin, Box::new(move |answer| drop(tell.send(answer))));
    told
}

fn begun(engine: &Engine, id: &str) -> Result<Answer, Refusal> {
    begin(engine, asked(id)).recv_timeout(PATIENCE).unwrap()
}

fn act(engine: &Engine, id: &str, command: Option<Command>) -> Result<Answer, Refusal> {
    let (tell, told) = channel();
    let act = Act { id: Arc::from(id), command, key: None, wait_ms: 0, until: engine::Until::Final };
    engine.act(act, Box::new(move |answer| drop(tell.send(answer))));
    told.recv_timeout(PATIENCE).unwrap()
}

fn paid() -> Option<Command> {
    Some(Command::Signal { branch: Arc::from("pay"), signal: Signal::Done, result: None })
}

#[test]
fn what_was_told_is_there_after_a_restart_even_without_the_archive() {
    let disk = FakeDisk::new();
    let (first, _) = running(&disk, &Archive::in_memory());
    for n in 0..200 {
        begun(&first.engine, &format!("t-{n}")).unwrap();
    }
    for n in 0..100 {
        act(&first.engine, &format!("t-{n}"), paid()).unwrap();
    }
    first.stop();
    // The archive was in memory and is gone: it is rebuilt from the journal.
    let (second, _) = running(&disk, &Archive::in_memory());
    assert_eq!(second.restored, 100);
    for n in 0..200 {
        let state = act(&second.engine, &format!("t-{n}"), None).unwrap().transaction.state_name();
        assert_eq!(state, if n < 100 { "confirmed" } else { "trying" });
    }
    assert!(begun(&second.engine, "t-7").unwrap().replayed, "an id that is only in the archive is known");
    assert_eq!(act(&second.engine, "nobody", None).unwrap_err().kind.code, "transaction_unknown");
    second.stop();
}

#[test]
fn every_request_of_a_flood_is_answered() {
    let (running, _faults) = running(&FakeDisk::new(), &Archive::in_memory());
    let told: Vec<Told> = (0..5_000).map(|n| begin(&running.engine, asked(&format!("t-{n}")))).collect();
    for answer in told {
        answer.recv_timeout(PATIENCE).expect("no request is lost").unwrap();
    }
    running.stop();
}

#[test]
fn after_a_failed_sync_nothing_more_is_told_as_done() {
    let disk = FakeDisk::new();
    let (running, faults) = running(&disk, &Archive::in_memory());
    begun(&running.engine, "before").unwrap();
    disk.arm(Trouble::Fail { call: DiskCall::Sync, after: 0 });
    let since = Instant::now();
    let told: Vec<Told> = (0..50).map(|n| begin(&running.engine, asked(&format!("after-{n}")))).collect();
    let fault = faults.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(matches!(fault, Fault::Journal(_)), "{fault}");
    assert!(since.elapsed() < Duration::from_secs(5));
    for answer in told {
        let is_done = matches!(answer.recv_timeout(Duration::from_millis(20)), Ok(Ok(_)));
        assert!(!is_done, "told as done after the failure");
    }
}

#[test]
fn on_a_full_disk_new_work_is_refused_what_is_open_finishes_and_room_brings_service_back() {
    let disk = FakeDisk::new();
    let (running, _faults) = running(&disk, &Archive::in_memory());
    let engine = &running.engine;
    begun(engine, "open").unwrap();
    disk.set_capacity(Some(disk.used()));
    let mut filler = 0..;
    wait_for(|| {
        let id = format!("filler-{}", filler.next()?);
        begun(engine, &id).err().filter(|refusal| refusal.kind.code == "storage_full")
    });
    assert_eq!(engine.health(), Health::StorageFull);
    let finished = act(engine, "open", paid()).unwrap();
    assert_eq!(finished.transaction.state_name(), "confirmed", "out of the reserve");
    disk.set_capacity(None);
    wait_for(|| begun(engine, "again").ok());
    running.stop();
}

/// Asks again until there is an answer; stops the test when there is none in time.
fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "nothing in 30 s");
    }
}

#[test]
fn stopping_answers_who_waits_and_takes_nothing_new() {
    let (running, _faults) = running(&FakeDisk::new(), &Archive::in_memory());
    let engine = running.engine.clone();
    let held = begin(&engine, Begin { wait_ms: 60_000, ..asked("held") });
    act(&engine, "held", None).unwrap();
    running.stop();
    let answer = held.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(answer.transaction.state_name(), "trying");
    assert_eq!(begun(&engine, "late").unwrap_err().kind.code, "stopping");
}
