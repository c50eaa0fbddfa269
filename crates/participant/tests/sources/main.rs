//! Data sources over real databases: routing, the barrier beside its rows, reloads under load, health, replicas.
//!
//! Read next: `place.rs` (where a test works), then the cases.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod away;
mod books;
mod load;
mod moving;
mod place;
mod reads;
mod replica;
mod routing;

/// The suite over one kind of database.
macro_rules! over {
    ($name:ident: $Db:ty, $($module:ident :: $case:ident as $test:ident),+ $(,)?) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    crate::$module::$case::<$Db>().await;
                }
            )+
        }
    };
}

/// Every case over every kind.
macro_rules! suite {
    ($($cases:tt)+) => {
        over!(sqlite: sqlx::Sqlite, $($cases)+);
        over!(postgres: sqlx::Postgres, $($cases)+);
        over!(mysql: sqlx::MySql, $($cases)+);
    };
}

suite! {
    routing::by_key as each_key_is_written_where_its_rule_says_and_an_unmatched_one_nowhere,
    routing::barrier as the_barriers_row_is_where_the_business_row_is,
    routing::inside as nothing_else_is_begun_while_a_local_transaction_is_open,
    routing::rolled_back as a_change_that_fails_is_rolled_back,
    routing::schema as the_tables_are_made_and_looked_for_at_every_primary,
    routing::refused as a_plan_that_is_refused_leaves_the_one_before_in_force,
    routing::metered as each_source_has_meters_of_its_own,
    routing::draining as a_drained_source_takes_nothing_new_and_finishes_what_it_has,
    routing::in_flight as what_is_under_way_finishes_on_the_old_pool,
    load::without_moves as reloads_under_load_send_no_statement_to_a_wrong_source,
    load::with_moves as shards_that_change_their_source_under_load_are_written_where_a_plan_in_force_says,
    moving::moved as a_shard_is_moved_with_no_row_lost_or_left_behind,
}
