//! A participant over HTTP with axum: three small traits for the business, one router for each, nothing to forget.
//!
//! The business function gets the open local transaction, which already holds the barrier's row; when it returns, its
//! answer is kept and the transaction ends. It has no other way to the database, so it can't leave the barrier out.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")] mod shop {
//! use participant::axum::{Asked, Tcc, tcc};
//! use participant::barrier::{Barrier, Fault};
//! use participant::call::Outcome;
//! use participant::database::Local;
//! use sqlx::Sqlite;
//!
//! struct Stock;
//!
//! #[derive(serde::Deserialize)]
//! struct Order { sku: String, n: i64 }
//!
//! impl Tcc<Sqlite> for Stock {
//!     type Body = Order;
//!
//!     async fn on_try(&self, mut local: Local<'_, Sqlite>, asked: Asked<'_, Order>) -> Result<Outcome, Fault> {
//!         let reserve = "UPDATE stock SET available = available - ?1, reserved = reserved + ?1
//!             WHERE sku = ?2 AND available >= ?1";
//!         let done = sqlx::query(reserve).bind(asked.body.n).bind(&asked.body.sku).execute(&mut *local).await?;
//!         match done.rows_affected() {
//!             1 => Ok(Outcome::done()),
//!             _ => Ok(Outcome::refused("stock_short", "not enough is available")),
//!         }
//!     }
//! #   async fn on_confirm(&self, _: Local<'_, Sqlite>, _: Asked<'_, Order>) -> Result<Outcome, Fault> { Ok(Outcome::done()) }
//! #   async fn on_cancel(&self, _: Local<'_, Sqlite>, _: Asked<'_, Order>) -> Result<Outcome, Fault> { Ok(Outcome::done()) }
//!     // … and so on_confirm and on_cancel
//! }
//!
//! # async fn run(pool: sqlx::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
//! let barrier = Barrier::new(pool);
//! barrier.create_schema().await?;
//! barrier.check_schema(&["stock"]).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7001").await?;
//! participant::axum::serve(listener, tcc(Stock, barrier)).await?;
//! # Ok(()) } }
//! ```
//!
//! Read next: `service.rs` (the traits), `routes.rs` (what happens to a request), `signed.rs`.

mod received;
mod routes;
mod serve;
mod service;
mod signed;

pub use received::Received;
pub use routes::{check, deliver, saga, tcc};
pub use serve::{serve, serve_until};
pub use service::{Asked, Books, Deliver, PassResult, Saga, Tcc};
pub use signed::signed;
