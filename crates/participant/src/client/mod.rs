//! A caller's side of the ledger and of transactions, over gRPC or over HTTP, whichever the URL says.
//!
//! Whatever is asked carries ids of the caller's choosing, so a call that broke is repeated by itself: the same id with
//! the same content changes nothing the second time, and is answered as a duplicate. Nothing else is ever repeated.
//!
//! ```no_run
//! # async fn shop() -> Result<(), participant::client::Fault> {
//! use participant::client::{Amount, Batch, Client, Entry};
//!
//! let ledger = Client::connect("grpc://127.0.0.1:36790").await?;
//! let mut batch = Batch::new();
//! batch.entry(&Entry {
//!     id: "gift-1",
//!     from: "issuer:points",
//!     to: "user:42:points",
//!     amount: Amount::Decimal("300"),
//!     ..Entry::default()
//! });
//! let outcomes = ledger.change(&batch).await?;
//! assert!(outcomes.is_all_done(), "{:?}", outcomes.refused());
//! println!("{} points", ledger.account("user:42:points").await?.available);
//! # Ok(())
//! # }
//! ```
//!
//! Read `batch.rs` (what can be asked), `outcomes.rs` (what is answered), then `apply.rs` (many batches at once); for
//! transactions `transaction/mod.rs`.

mod account;
#[cfg(feature = "grpc")]
mod apply;
mod batch;
mod fault;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod json;
mod outcomes;
mod retry;
pub mod transaction;

pub use account::Account;
#[cfg(feature = "grpc")]
pub use apply::{Answer, Apply};
pub use batch::{Amount, Batch, Capture, Cause, Entry, Expiry, Hold, Release};
pub use fault::{Fault, Refused};
#[cfg(feature = "grpc")]
pub use grpc::{Bearer, Grpc, TransactionVerbs, Verbs};
#[cfg(feature = "http")]
pub use http::Http;
pub use outcomes::Outcomes;
pub use retry::Retry;
pub use transaction::{Branch, Progress, Signal, Transaction};

/// Where the coordinator is, and how it is asked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `grpc://HOST:PORT` or `http://HOST:PORT`.
    pub url: String,
    /// The bearer token, where the server wants one.
    pub token: Option<String>,
    /// How calls that broke are repeated.
    pub retry: Retry,
}

/// A caller's side of the coordinator. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    #[cfg(feature = "grpc")]
    Grpc(Grpc),
    #[cfg(feature = "http")]
    Http(Box<Http>),
}

impl Client {
    /// Connects to `grpc://HOST:PORT`, or gets ready for `http://HOST:PORT`, without a token.
    ///
    /// # Errors
    /// When the URL is not one of these, or nobody answers there.
    pub async fn connect(url: &str) -> Result<Client, Fault> {
        Client::open(Config { url: url.to_owned(), token: None, retry: Retry::default() }).await
    }

    /// As [`Client::connect`], with every setting.
    ///
    /// # Errors
    /// When a setting makes no sense, or nobody answers.
    pub async fn open(config: Config) -> Result<Client, Fault> {
        let scheme = config.url.split_once("://").map(|(scheme, _)| scheme.to_owned());
        let way = match scheme.as_deref() {
            #[cfg(feature = "grpc")]
            Some("grpc") => Way::Grpc(Grpc::open(config).await?),
            #[cfg(feature = "http")]
            Some("http") => Way::Http(Box::new(Http::open(config)?)),
            _ => {
                let url = config.url;
                return Err(Fault::Setting(format!("{url} is not grpc://HOST:PORT or http://HOST:PORT")));
            }
        };
        Ok(Client { way })
    }

    /// Has a batch decided, member after member. Members that are refused are in the outcomes.
    ///
    /// # Errors
    /// When the batch is refused as a whole, or nobody answers for as long as it is repeated.
    pub async fn change(&self, batch: &Batch) -> Result<Outcomes, Fault> {
        match &self.way {
            #[cfg(feature = "grpc")]
            Way::Grpc(grpc) => grpc.change(batch).await,
            #[cfg(feature = "http")]
            Way::Http(http) => http.change(batch).await,
        }
    }

    /// An account as it stands.
    ///
    /// # Errors
    /// `account_unknown`; or nobody answers.
    pub async fn account(&self, id: &str) -> Result<Account, Fault> {
        match &self.way {
            #[cfg(feature = "grpc")]
            Way::Grpc(grpc) => grpc.account(id).await,
            #[cfg(feature = "http")]
            Way::Http(http) => http.account(id).await,
        }
    }

    /// Many batches at once over one stream: the fast path. gRPC only.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] over HTTP.
    #[cfg(feature = "grpc")]
    pub fn apply(&self) -> Result<Apply, Fault> {
        match &self.way {
            Way::Grpc(grpc) => Ok(grpc.apply()),
            #[cfg(feature = "http")]
            Way::Http(_) => Err(Fault::Unsupported("streams of batches go over gRPC")),
        }
    }

    /// The gRPC side, for every other verb; `None` over HTTP.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc(&self) -> Option<&Grpc> {
        match &self.way {
            Way::Grpc(grpc) => Some(grpc),
            #[cfg(feature = "http")]
            Way::Http(_) => None,
        }
    }
}

/// The guide's examples must compile.
#[cfg(all(doctest, feature = "grpc"))]
#[doc = include_str!("../../../../docs/guides/rust-client.md")]
pub struct Guide;
