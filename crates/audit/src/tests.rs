//! Whatever the ledger decides is accepted by the auditor and agrees with the ledger; whatever is forged is found.

use crate::Audit;
use crate::tests_world::{World, forged};
use ledger::{Event, Kept, Ledger};

#[test]
fn all_that_the_ledger_decides_is_accepted_and_agrees() {
    for seed in 0..12 {
        let mut world = World::new(seed);
        world.run(1_500);
        let mut audit = Audit::default();
        let mut replayed = Ledger::new(world.keys());
        replayed.loaded();
        for (position, encoded) in world.events() {
            assert_eq!(audit.position(), position);
            let kept = audit.event(None, encoded).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            replayed.apply(&kept, position);
        }
        audit.agrees(&replayed).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        audit.agrees(&world.ledger).unwrap_or_else(|why| panic!("seed {seed}, live: {why}"));
        let standing = audit.standing();
        assert!(standing.assets.iter().all(|(.., sum, _)| *sum == 0), "{standing:?}");
        assert!(standing.counts.entries > 100 && standing.counts.holds > 50, "{standing:?}");
    }
}

#[test]
fn each_kind_of_event_happens() {
    let mut world = World::new(1);
    world.run(3_000);
    let mut kinds = std::collections::BTreeSet::new();
    for (_, encoded) in world.events() {
        kinds.insert(encoded[0]);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), (1..=12).collect::<Vec<u8>>());
}

/// Judges the world's events with one of them forged; the first that `forge` changes. Answers what was found.
fn found(world: &World, forge: &dyn Fn(&mut Kept<'_>) -> bool) -> Option<String> {
    let mut audit = Audit::default();
    let mut is_forged = false;
    for (_, encoded) in world.events() {
        let changed = if is_forged { None } else { forged(encoded, forge) };
        is_forged |= changed.is_some();
        if let Err(why) = audit.event(None, changed.as_deref().unwrap_or(encoded)) {
            assert!(is_forged, "{why}");
            return Some(why);
        }
    }
    assert!(is_forged, "nothing to forge");
    None
}

type Forgery = (&'static str, &'static dyn Fn(&mut Event<'_>) -> bool);

/// Changes a field of the first event of a kind.
macro_rules! forge {
    ($kind:ident { $($field:ident),* } => $change:expr) => {
        &|event: &mut Event<'_>| match event {
            Event::$kind { $($field,)* .. } => {
                $change;
                true
            }
            _ => false,
        }
    };
}

#[rustfmt::skip]
const FORGERIES: &[Forgery] = &[
    ("and changes by", forge!(Posted { amount } => *amount += 1)),
    ("and changes by", forge!(Posted { from } => from.posted += 1)),
    ("posted of", forge!(Posted { to } => to.posted -= 1)),
    ("held of", forge!(Posted { to } => to.held += 1)),
    ("was at version", forge!(Posted { from } => from.version += 1)),
    ("before it is not at", forge!(Posted { from } => from.prev = 3)),
    ("skips to", forge!(Posted { to } => to.skip = 3)),
    ("never opened", forge!(Posted { to } => to.account = 9_999)),
    ("cannot exchange", forge!(Posted { from, to } => to.account = from.account)),
    ("-5 units", forge!(Posted { amount } => *amount = -5)),
    ("does not name", forge!(Posted { refunded } => *refunded = 7)),
    ("incoming of", forge!(Held { incoming } => *incoming += 1)),
    ("held of", forge!(Held { from } => from.held += 1)),
    ("held of", forge!(Held { amount } => *amount += 1)),
    ("are captured, but", forge!(Captured { so_far } => so_far.1 += 1)),
    ("before it is at", forge!(Captured { prev } => *prev += 1)),
    ("is not open in slot", forge!(Captured { hold } => *hold += 1)),
    ("are captured, but", forge!(Captured { amount } => *amount += 1_000_000)),
    ("decimals", forge!(Captured { scale } => *scale += 1)),
    ("left and", forge!(Released { amount } => *amount += 1)),
    ("left and", forge!(Released { owned } => *owned = !*owned)),
    ("between other accounts", forge!(Released { to } => *to += 1)),
    ("reopened otherwise", forge!(Reopened { amount } => *amount += 1)),
    ("has not expired", forge!(Reopened { id } => *id = "nobody")),
    ("is not due", forge!(LotExpired { lot } => lot.0 += 1)),
    ("another account than the sink", forge!(LotExpired { to } => to.account = 0)),
    ("is told as number", forge!(AccountOpened { account } => *account += 1)),
    ("never declared", forge!(AccountOpened { asset } => *asset += 9)),
    ("is told as number", forge!(AssetDeclared { asset } => *asset += 1)),
    ("decimals", forge!(AssetDeclared { scale } => *scale = 19)),
    ("posted of", forge!(AccountChanged { leg } => leg.posted += 1)),
    ("is told as version", forge!(MachineDeclared { version } => *version += 1)),
    ("holds no machine", forge!(MachineDeclared { encoded } => *encoded = &[1])),
    ("initial state", forge!(ItemCreated { state } => *state += 1)),
    ("never declared", forge!(ItemCreated { machine } => *machine += 9)),
    ("another state, version or event", forge!(ItemMoved { prev } => *prev += 1)),
    ("another state, version or event", forge!(ItemMoved { version } => *version += 1)),
    ("another state, version or event", forge!(ItemMoved { states } => states.0 += 1)),
    ("is not in slot", forge!(ItemMoved { item } => *item += 99)),
    ("its end is told wrongly", forge!(ItemMoved { ends } => *ends = !*ends)),
];

#[test]
fn every_forged_event_is_found_and_named() {
    let mut world = World::new(3);
    world.run(3_000);
    for (index, (words, forge)) in FORGERIES.iter().enumerate() {
        let why = found(&world, &|kept| forge(&mut kept.event));
        let why = why.unwrap_or_else(|| panic!("forgery {index} ({words}) is not found"));
        assert!(why.contains(words), "forgery {index}: {words:?} is not in {why:?}");
    }
}

#[test]
fn time_that_goes_back_and_sequences_that_repeat_are_found() {
    let mut world = World::new(4);
    world.run(900);
    let late = |kept: &mut Kept<'_>| {
        let is_late = kept.sequence > 200;
        kept.at.0 -= i64::from(is_late) * 1_000_000_000_000;
        is_late
    };
    assert!(found(&world, &late).is_some_and(|why| why.contains("its time")));
    let twice = |kept: &mut Kept<'_>| {
        let is_late = kept.sequence > 200;
        kept.sequence -= u64::from(is_late);
        is_late
    };
    assert!(found(&world, &twice).is_some_and(|why| why.contains("calls itself")));
    let mut audit = Audit::default();
    let (_, first) = world.events().next().expect("there are events");
    assert!(audit.event(Some(77), first).is_err(), "the journal has it at another place");
}

#[test]
fn an_id_that_is_used_twice_is_found() {
    let mut world = World::new(5);
    world.run(500);
    let ids: Vec<String> = world.events().filter_map(|(_, encoded)| posted(encoded)).collect();
    // The first entry takes the id of a later one, which then comes a second time. As long, for positions to stay.
    let first = &ids[0];
    let last = ids.iter().rev().find(|id| id.len() == first.len()).unwrap();
    assert_ne!(first, last);
    let mut audit = Audit::default();
    let mut why = None;
    for (_, encoded) in world.events() {
        let mut kept = Kept::decode(encoded).unwrap();
        if posted_as(&kept.event) == Some(first)
            && let Event::Posted { id, .. } = &mut kept.event
        {
            *id = last;
        }
        let mut bytes = Vec::new();
        kept.encode(&mut bytes);
        why = why.or(audit.event(None, &bytes).err());
        if why.is_some() {
            break;
        }
    }
    let why = why.unwrap_or_default();
    assert!(why.contains("was used before"), "{why}");
}

fn posted_as<'a>(event: &Event<'a>) -> Option<&'a str> {
    if let Event::Posted { id, .. } = event { Some(id) } else { None }
}

fn posted(encoded: &[u8]) -> Option<String> {
    posted_as(&Kept::decode(encoded).ok()?.event).map(str::to_owned)
}

#[test]
fn a_ledger_that_folded_otherwise_does_not_agree() {
    let mut world = World::new(6);
    world.run(400);
    let events: Vec<_> = world.events().collect();
    for left_out in [events.len() - 1, events.len() / 2, 9] {
        let mut audit = Audit::default();
        let mut replayed = Ledger::new(world.keys());
        replayed.loaded();
        for (index, (position, encoded)) in events.iter().enumerate() {
            let kept = audit.event(None, encoded).unwrap();
            if index < left_out {
                replayed.apply(&kept, *position);
            }
        }
        assert!(audit.agrees(&replayed).is_err(), "all from event {left_out} on is missing");
    }
}
