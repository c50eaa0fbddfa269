//! The conformance suite: what [`crate::port`] promises, as checks that every backend must pass.
//!
//! A backend's tests implement [`Subject`] and call [`all`]. A check panics when a promise is broken. It must never
//! ask for what only one backend can do. Read next: `tests/conformance.rs`.

use crate::{Fault, Frame, Journal, Space};

/// What a check asks of a journal it opens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// As the backend's option of that name.
    pub retain_bytes: Option<u64>,
}

/// The largest payload, in bytes, that a subject must take; larger ones must be refused.
pub const MAX_FRAME_BYTES: usize = 64 << 10;

/// Where one journal is kept: opening it twice opens the same journal.
pub trait Subject {
    /// Opens it. The check drops one opening before it asks for the next.
    fn open(&self, wishes: Wishes) -> Box<dyn Journal>;
}

/// A frame that a check keeps to compare with.
type Kept = (u64, u32, i64, Vec<u8>);

type Check = fn(&dyn Subject);

/// Runs every check, each on a journal of its own made by `fresh`.
pub fn all(fresh: &dyn Fn() -> Box<dyn Subject>) {
    let checks: [(&str, Check); 9] = [
        ("an empty journal", empty),
        ("what is appended is read back", round_trip),
        ("a gap or a repeat is refused", out_of_order),
        ("a frame that is too large is refused", too_large),
        ("reading begins with the frame that holds an event", reading_from_within),
        ("a visitor can stop a reading", visitor_stops),
        ("an opening goes on where the last one ended", reopening),
        ("release without retention keeps all", release_keeps),
        ("release gives up only what it may", release_gives_up),
    ];
    for (name, check) in checks {
        println!("conformance: {name}");
        check(fresh().as_ref());
    }
}

/// Appends frames of these payload sizes, reopening whenever a size is divisible by 7, and expects all of them
/// back. For property tests.
pub fn sizes(subject: &dyn Subject, sizes: &[usize]) {
    let mut journal = subject.open(Wishes::default());
    let mut kept = Vec::new();
    for (index, size) in sizes.iter().enumerate() {
        if size % 7 == 0 {
            drop(journal);
            journal = subject.open(Wishes::default());
        }
        let payload: Vec<u8> = (0..*size).map(|at| (at * 31 + index) as u8).collect();
        append(journal.as_mut(), &payload, &mut kept);
    }
    let head = journal.head();
    assert_eq!(frames(journal.as_mut(), 1), kept);
    drop(journal);
    let mut journal = subject.open(Wishes::default());
    assert_eq!(frames(journal.as_mut(), 1), kept);
    assert_eq!(journal.head(), head);
}

fn empty(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    assert_eq!((journal.first_sequence(), journal.last_sequence(), journal.epoch()), (1, 0, 1));
    assert_eq!(journal.head(), [0; 32]);
    assert_eq!(journal.gauge().space(), Space::Ample);
    assert_eq!(frames(journal.as_mut(), 0), vec![]);
    assert_eq!(frames(journal.as_mut(), 5), vec![]);
}

fn round_trip(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    let (mut kept, mut heads) = (Vec::new(), vec![journal.head()]);
    for size in [0, 1, 7, 8, 9, 511, 4096, 5000, MAX_FRAME_BYTES] {
        append(journal.as_mut(), &vec![size as u8; size], &mut kept);
        assert!(!heads.contains(&journal.head()), "each frame has its own hash");
        heads.push(journal.head());
    }
    assert_eq!(frames(journal.as_mut(), 1), kept);
    assert_eq!(journal.gauge().frames(), kept.len() as u64);
}

fn out_of_order(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    let mut kept = Vec::new();
    append(journal.as_mut(), b"first", &mut kept);
    let last = journal.last_sequence();
    for sequence in [0, last, last + 2] {
        let refused = journal.append(&Frame { sequence, count: 1, time: 0, payload: b"no" });
        assert!(
            matches!(refused, Err(Fault::OutOfOrder { last: told, got }) if told == last && got == sequence)
        );
    }
    append(journal.as_mut(), b"second", &mut kept);
    assert_eq!(frames(journal.as_mut(), 1), kept);
}

fn too_large(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    let mut kept = Vec::new();
    let payload = vec![1; MAX_FRAME_BYTES + 1];
    let refused = journal.append(&Frame { sequence: 1, count: 1, time: 0, payload: &payload });
    assert!(matches!(refused, Err(Fault::TooLarge { .. })));
    append(journal.as_mut(), b"small", &mut kept);
    assert_eq!(frames(journal.as_mut(), 1), kept);
}

fn reading_from_within(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    let mut kept = Vec::new();
    for _ in 0..50 {
        append(journal.as_mut(), &[3; 3000], &mut kept);
    }
    for from in 0..=journal.last_sequence() + 1 {
        let expected: Vec<Kept> =
            kept.iter().filter(|frame| frame.0 + u64::from(frame.1) > from).cloned().collect();
        assert_eq!(frames(journal.as_mut(), from), expected, "from {from}");
    }
}

fn visitor_stops(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    let mut kept = Vec::new();
    for _ in 0..3 {
        append(journal.as_mut(), b"x", &mut kept);
    }
    let mut seen = 0;
    let stopped = journal.read(1, &mut |_| {
        seen += 1;
        if seen == 2 { Err(Fault::Stopped { why: "enough".to_owned() }) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(Fault::Stopped { .. })));
    assert_eq!(seen, 2);
    append(journal.as_mut(), b"y", &mut kept);
    assert_eq!(frames(journal.as_mut(), 1), kept);
}

fn reopening(subject: &dyn Subject) {
    let mut kept = Vec::new();
    let mut head = [0; 32];
    for epoch in 1..6 {
        let mut journal = subject.open(Wishes::default());
        assert_eq!(journal.epoch(), epoch);
        assert_eq!(journal.head(), head);
        assert_eq!(frames(journal.as_mut(), 1), kept);
        // Every second opening appends nothing, and still counts.
        if epoch % 2 == 1 {
            append(journal.as_mut(), &[epoch as u8; 2000], &mut kept);
        }
        head = journal.head();
    }
}

fn release_keeps(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes::default());
    let mut kept = Vec::new();
    for _ in 0..40 {
        append(journal.as_mut(), &[1; 4000], &mut kept);
    }
    journal.release(journal.last_sequence()).expect("a release cannot fail here");
    assert_eq!(journal.first_sequence(), 1);
    assert_eq!(frames(journal.as_mut(), 1), kept);
}

fn release_gives_up(subject: &dyn Subject) {
    let mut journal = subject.open(Wishes { retain_bytes: Some(0) });
    let mut kept = Vec::new();
    for _ in 0..60 {
        append(journal.as_mut(), &[1; 4000], &mut kept);
    }
    let through = journal.last_sequence() / 2;
    journal.release(through).expect("a release cannot fail here");
    let first = journal.first_sequence();
    assert!(first > 1 && first <= through + 1, "first is {first}, released through {through}");
    let refused = journal.read(first - 1, &mut |_| Ok(()));
    assert!(
        matches!(refused, Err(Fault::Released { asked, first: told }) if asked == first - 1 && told == first)
    );
    let still: Vec<Kept> = kept.iter().filter(|frame| frame.0 >= first).cloned().collect();
    assert_eq!(frames(journal.as_mut(), first), still);
    let head = journal.head();
    append(journal.as_mut(), b"goes on", &mut kept);
    assert_ne!(journal.head(), head);
}

/// Appends one frame of one to three events and notes it.
fn append(journal: &mut dyn Journal, payload: &[u8], kept: &mut Vec<Kept>) {
    let sequence = journal.last_sequence() + 1;
    let count = 1 + (sequence % 3) as u32;
    let frame = Frame { sequence, count, time: 1_000 * sequence as i64, payload };
    journal.append(&frame).expect("the journal takes frames in order");
    assert_eq!(journal.last_sequence(), frame.last());
    kept.push((sequence, count, frame.time, payload.to_vec()));
}

fn frames(journal: &mut dyn Journal, from: u64) -> Vec<Kept> {
    let mut read = Vec::new();
    let done = journal.read(from, &mut |frame| {
        read.push((frame.sequence, frame.count, frame.time, frame.payload.to_vec()));
        Ok(())
    });
    done.expect("what was appended can be read");
    read
}
