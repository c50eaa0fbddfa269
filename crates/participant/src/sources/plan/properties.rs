//! What holds of every plan and every key.

use proptest::prelude::*;

use super::*;

/// A file with so many sources, in this order, and the slots dealt out to them by `owners`.
fn file(order: &[usize], owners: &[usize]) -> String {
    let mut text = String::new();
    for source in order {
        text += &format!("[[source]]\nname = \"s{source}\"\nurl = \"postgres://s{source}/shop\"\n");
    }
    let part = |(slot, owner): (usize, &usize)| format!("{{ slots = \"{slot}\", to = \"s{owner}\" }}");
    let parts: Vec<_> = owners.iter().enumerate().map(part).collect();
    let (slots, parts) = (owners.len(), parts.join(", "));
    text + &format!("[[rule]]\nname = \"r\"\nhash = {{ slots = {slots}, parts = [{parts}] }}\n")
}

fn shard() -> impl Strategy<Value = Shard> {
    prop_oneof![any::<i64>().prop_map(Shard::Number), ".{0,20}".prop_map(Shard::Text)]
}

proptest! {
    #[test]
    fn every_key_has_one_place_that_its_slot_says_whatever_the_order_of_the_sources(
        (count, owners) in (1_usize..8).prop_flat_map(|count| (Just(count), prop::collection::vec(0..count, 1..64))),
        seed in any::<u64>(),
        shards in prop::collection::vec(shard(), 1..40),
    ) {
        let one: Vec<usize> = (0..count).collect();
        let mut other = one.clone();
        other.sort_by_key(|source| seed.rotate_left(u32::try_from(*source * 7).unwrap()));
        let parse = |order: &[usize]| Plan::parse(&file(order, &owners), |_| None).unwrap();
        let (plan, again, shuffled) = (parse(&one), parse(&one), parse(&other));
        prop_assert_eq!(&plan, &shuffled);
        for shard in shards {
            let key = Key::of("s").shard(shard.clone());
            let place = plan.place(&key, Access::Write).unwrap();
            let owner = owners[slot(&shard.text(), u32::try_from(owners.len()).unwrap()) as usize];
            prop_assert_eq!(place.primary().name(), format!("s{owner}"));
            prop_assert_eq!(again.place(&key, Access::Read).unwrap().primary().name(), place.primary().name());
            prop_assert_eq!(shuffled.place(&key, Access::Write).unwrap().primary().name(), place.primary().name());
        }
    }

    #[test]
    fn slots_that_miss_one_or_have_one_twice_are_refused(
        owners in prop::collection::vec(0_usize..3, 2..40),
        at in any::<prop::sample::Index>(),
    ) {
        let text = file(&[0, 1, 2], &owners);
        let part = format!("{{ slots = \"{}\", to", at.index(owners.len()));
        let other = format!("{{ slots = \"{}\", to", (at.index(owners.len()) + 1) % owners.len());
        prop_assert!(Plan::parse(&text, |_| None).is_ok());
        prop_assert!(Plan::parse(&text.replace(&part, &other), |_| None).is_err());
    }

    #[test]
    fn ranges_place_every_number_between_their_ends_and_no_other(
        cuts in prop::collection::btree_set(-1_000_i64..1_000, 2..12),
        numbers in prop::collection::vec(-1_100_i64..1_100, 1..60),
    ) {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut text = String::new();
        let mut ranges = Vec::new();
        for (at, pair) in cuts.windows(2).enumerate() {
            text += &format!("[[source]]\nname = \"s{at}\"\nurl = \"postgres://s{at}/shop\"\n");
            ranges.push(format!("{{ from = {}, until = {}, to = \"s{at}\" }}", pair[0], pair[1]));
        }
        // Their order means nothing.
        ranges.reverse();
        text += &format!("[[rule]]\nname = \"r\"\nranges = [{}]\n", ranges.join(", "));
        let plan = Plan::parse(&text, |_| None).unwrap();
        for number in numbers {
            let place = plan.place(&Key::of("s").shard(number), Access::Write).ok();
            let due = cuts.windows(2).position(|pair| pair[0] <= number && number < pair[1]);
            prop_assert_eq!(place.map(|it| it.primary().name().to_owned()), due.map(|at| format!("s{at}")));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = Plan::parse(&text, |_| None);
    }
}
