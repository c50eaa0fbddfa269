//! The barrier in front of real databases: one suite, three of them, every isolation level they offer.
//!
//! The pure rule (`transaction::barrier`) says what must come out; the databases say whether it does, also when calls come
//! at the same instant. Read next: `suite.rs`.

#![allow(clippy::unwrap_used)]

mod shop;
mod suite;

use participant::database::Isolation;
use shop::fresh;

macro_rules! suite {
    ($database:ident: $Db:ty, $isolations:expr, $($case:ident),*) => {
        mod $database {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    for isolation in $isolations {
                        suite::$case(&fresh::<$Db>(isolation).await).await;
                    }
                }
            )*
        }
    };
}

macro_rules! on_every_database {
    ($($case:ident),* $(,)?) => {
        suite!(postgres: sqlx::Postgres, EVERY, $($case),*);
        suite!(mysql: sqlx::MySql, EVERY, $($case),*);
        suite!(sqlite: sqlx::Sqlite, [Isolation::Serializable], $($case),*);
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_rolls_nothing_back_is_found_at_start_up() {
    let shop = fresh::<sqlx::MySql>(Isolation::ReadCommitted).await;
    shop.change("CREATE TABLE legacy (id BIGINT PRIMARY KEY) ENGINE = MyISAM").await;
    let fault = shop.barrier.check_schema(&["stock", "legacy"]).await.unwrap_err().to_string();
    assert!(fault.contains("legacy (engine MyISAM: it rolls nothing back)"), "{fault}");
}

const EVERY: [Isolation; 3] = [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable];

on_every_database!(
    every_operation_on_every_record_is_ruled_as_the_table_says,
    a_hundred_duplicates_at_once_have_one_effect_and_one_answer,
    try_and_cancel_at_the_same_instant_hold_nothing_in_the_end,
    confirm_and_cancel_at_the_same_instant_have_one_winner,
    what_the_business_refuses_is_rolled_back_and_kept_as_refused,
    a_fault_of_the_business_leaves_no_row,
    a_swallowed_error_is_never_told_as_done_unless_it_is,
    an_answer_that_is_too_long_changes_nothing,
    the_same_operation_with_another_body_is_refused,
    a_check_back_and_a_submit_exclude_each_other,
    a_crowd_on_one_row_conserves_it,
    cleaning_takes_what_is_final_and_old_and_nothing_else,
    a_business_table_elsewhere_is_found_at_start_up,
    an_operation_in_progress_leaves_no_row,
);
