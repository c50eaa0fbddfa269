//! Outbox, relay and inbox: one suite, over SQLite, PostgreSQL and MariaDB, each test in a database of its own.
//!
//! Read next: `place.rs` (where a test works), `receiver.rs` (whom it sends to), then the cases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod ends;
mod inbox;
mod local;
mod order;
mod place;
mod receiver;
mod refused;

/// The suite over one database.
macro_rules! over {
    ($name:ident: $($case:path as $test:ident),+ $(,)?) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let place = crate::place::$name().await;
                    $case(place.outbox()).await;
                    place.leave().await;
                }
            )+
        }
    };
}

/// Every case over every database.
macro_rules! suite {
    ($($cases:tt)+) => {
        over!(sqlite: $($cases)+);
        over!(postgres: $($cases)+);
        over!(mysql: $($cases)+);
    };
}

suite! {
    crate::local::both_or_neither as a_change_and_its_message_commit_or_roll_back_together,
    crate::local::an_id_is_one_message as the_same_message_again_is_no_other_and_another_is_refused,
    crate::order::two_relays as two_relays_send_each_of_ten_thousand_rows_once_and_in_order,
    crate::order::a_hot_key as a_hot_key_is_sent_in_order_while_others_go_on,
    crate::order::many_keys_behind_a_sick_one as a_key_that_fails_keeps_no_other_back,
    crate::order::until_delivered as the_next_of_a_key_waits_until_the_one_before_is_delivered,
    crate::order::aborted as what_the_coordinator_aborted_is_a_dead_letter,
    crate::ends::killed as what_a_killed_relay_held_is_sent_after_its_lease,
    crate::ends::told_to_end as a_relay_that_is_told_to_end_gives_back_what_it_holds,
    crate::ends::purged as what_was_settled_long_ago_is_purged_and_nothing_else,
    crate::refused::until_dead as a_failing_row_is_repeated_kept_as_a_dead_letter_and_replayed,
    crate::refused::blocked as a_dead_letter_blocks_its_key_until_it_is_dropped,
    crate::refused::skipped as a_dead_letter_is_skipped_where_that_is_set,
    crate::refused::at_once as what_is_refused_for_good_is_dead_at_once,
    crate::refused::left_alone as whoever_is_busy_is_left_alone_and_no_attempt_is_counted,
    crate::refused::a_poison as a_row_that_nobody_takes_keeps_no_other_of_its_destination_back,
    crate::refused::told_wrong as a_relay_that_was_told_wrong_pauses_and_no_row_suffers,
    crate::refused::signed as what_is_sent_to_destinations_is_signed,
    crate::inbox::once as a_message_is_taken_in_once_with_what_was_done_about_it,
    crate::inbox::at_the_same_time as of_many_at_the_same_time_one_is_first,
}

/// Of two local transactions at once, which SQLite has not.
macro_rules! at_once {
    ($($cases:tt)+) => {
        mod at_once {
            over!(postgres: $($cases)+);
            over!(mysql: $($cases)+);
        }
    };
}

at_once! {
    crate::order::a_late_row as a_row_that_is_committed_late_gives_nobody_what_another_has_taken,
}
