//! Tables of what dispatch lets through.

use super::*;
use crate::ParticipantLimits;
use transaction::Operation;

fn job(number: u64, attempt: u32) -> Job {
    Job {
        number,
        target: CallTarget { branch: Some(0), operation: Operation::Try, attempt, at: Time::START },
    }
}

fn dispatch(limits: ParticipantLimits) -> Dispatch {
    let config = Config { participant: limits, ..Config::default() };
    Dispatch::new(&config, &Arc::new(Meters::default()))
}

fn unknown() -> Reply {
    Reply::Unknown { error: Arc::from("HTTP 503") }
}

const NOW: Time = Time(1_000_000_000);

#[test]
fn concurrency_is_bounded_per_participant() {
    let mut dispatch = dispatch(ParticipantLimits { concurrency: 2, ..ParticipantLimits::default() });
    for number in 1..=3 {
        assert_eq!(dispatch.offer("a:80", job(number, 1), NOW), Offer::Queued);
    }
    dispatch.offer("b:80", job(9, 1), NOW);
    let sent: Vec<u64> =
        std::iter::from_fn(|| dispatch.next(NOW, &|_| true)).map(|(_, job, _)| job.number).collect();
    assert_eq!(sent, [1, 9, 2], "a full participant does not hold back another");
    dispatch.heard("a:80", &Reply::InProgress, NOW);
    assert_eq!(dispatch.next(NOW, &|_| true).map(|(_, job, _)| job.number), Some(3));
}

#[test]
fn a_full_queue_puts_off() {
    let mut dispatch = dispatch(ParticipantLimits { queue: 1, ..ParticipantLimits::default() });
    assert_eq!(dispatch.offer("a:80", job(1, 1), NOW), Offer::Queued);
    assert!(matches!(dispatch.offer("a:80", job(2, 1), NOW), Offer::PutOff(at) if at > NOW));
}

#[test]
fn failures_open_the_breaker_and_an_answered_probe_closes_it() {
    let limits = ParticipantLimits { breaker_failures: 2, breaker_ms: 100, ..ParticipantLimits::default() };
    let mut dispatch = dispatch(limits);
    for number in 1..=2 {
        dispatch.offer("a:80", job(number, 1), NOW);
        dispatch.next(NOW, &|_| true).unwrap();
        dispatch.heard("a:80", &unknown(), NOW);
    }
    assert_eq!(dispatch.offer("a:80", job(3, 1), NOW), Offer::Barred);
    let later = NOW.plus_ms(100);
    for number in 4..7 {
        assert_eq!(dispatch.offer("a:80", job(number, 1), later), Offer::Queued);
        assert!(dispatch.next(later, &|_| true).is_some(), "a probe");
    }
    assert_eq!(dispatch.offer("a:80", job(7, 1), later), Offer::Barred, "while the probes are under way");
    dispatch.heard("a:80", &Reply::Done { result: None }, later);
    assert_eq!(dispatch.offer("a:80", job(5, 1), later), Offer::Queued);
}

#[test]
fn what_is_queued_when_the_breaker_opens_counts_as_failed() {
    let limits = ParticipantLimits { breaker_failures: 1, concurrency: 1, ..ParticipantLimits::default() };
    let mut dispatch = dispatch(limits);
    dispatch.offer("a:80", job(1, 1), NOW);
    dispatch.offer("a:80", job(2, 1), NOW);
    assert_eq!(dispatch.next(NOW, &|_| true).map(|(_, job, exit)| (job.number, exit)), Some((1, Exit::Send)));
    dispatch.heard("a:80", &unknown(), NOW);
    assert_eq!(
        dispatch.next(NOW, &|_| true).map(|(_, job, exit)| (job.number, exit)),
        Some((2, Exit::Barred))
    );
    assert_eq!(dispatch.in_flight(), 0);
}

#[test]
fn repeats_are_budgeted() {
    let mut dispatch = dispatch(ParticipantLimits::default());
    for number in 0..1_000 {
        dispatch.offer("a:80", job(number, 2), NOW);
    }
    let mut sent_by = |now| std::iter::from_fn(|| dispatch.next(now, &|_| true)).count();
    assert_eq!(sent_by(NOW), 100, "the burst, and no more");
    assert_eq!(sent_by(NOW.plus_ms(1_000)), 10, "ten a second while nothing is answered");
    for _ in 0..110 {
        dispatch.heard("a:80", &Reply::Done { result: None }, NOW.plus_ms(1_000));
    }
    assert_eq!(
        std::iter::from_fn(|| dispatch.next(NOW.plus_ms(1_000), &|_| true)).count(),
        100,
        "who answers is asked on"
    );
}

#[test]
fn repeats_to_all_together_are_budgeted_too() {
    let mut dispatch = dispatch(ParticipantLimits::default());
    for participant in 0..100 {
        for number in 0..100 {
            dispatch.offer(&format!("p{participant}:80"), job(number, 2), NOW);
        }
    }
    let sent = std::iter::from_fn(|| dispatch.next(NOW, &|_| true)).count();
    assert!(sent <= 2_000, "{sent} repeats at once");
}

#[test]
fn a_participant_that_never_answers_leaves_places_to_others() {
    let mut dispatch = dispatch(ParticipantLimits { concurrency: 10_000, ..ParticipantLimits::default() });
    for number in 0..5_000 {
        for name in ["a:80", "b:80", "c:80"] {
            dispatch.offer(name, job(number, 1), NOW);
        }
    }
    while dispatch.next(NOW, &|_| true).is_some() {}
    dispatch.offer("healthy:80", job(1, 1), NOW);
    assert!(dispatch.next(NOW, &|_| true).is_some_and(|(name, ..)| &*name == "healthy:80"));
}

#[test]
fn dead_participants_are_forgotten_when_others_come() {
    let mut dispatch = dispatch(ParticipantLimits { breaker_failures: 1, ..ParticipantLimits::default() });
    for number in 0..5_000 {
        let name = format!("dead-{number}:80");
        let now = NOW.plus_ms(number * 10);
        dispatch.offer(&name, job(number, 1), now);
        while let Some((name, _, exit)) = dispatch.next(now, &|_| true) {
            if exit == Exit::Send {
                dispatch.heard(&name, &unknown(), now);
            }
        }
    }
    assert!(dispatch.participants.len() <= PARTICIPANTS_MAX + 1);
    dispatch.offer("new:80", job(1, 1), NOW.plus_ms(100_000));
    assert!(dispatch.next(NOW.plus_ms(100_000), &|_| true).is_some_and(|(name, ..)| &*name == "new:80"));
}

#[test]
fn a_rate_is_never_exceeded() {
    let mut dispatch =
        dispatch(ParticipantLimits { rate: 50, concurrency: 10_000, ..ParticipantLimits::default() });
    for number in 0..1_000 {
        dispatch.offer("a:80", job(number, 1), NOW);
    }
    let mut sent = 0;
    for ms in 0..2_000 {
        while dispatch.next(NOW.plus_ms(ms), &|_| true).is_some() {
            sent += 1;
        }
    }
    assert!((90..=100).contains(&sent), "{sent} in two seconds at 50 a second");
}
