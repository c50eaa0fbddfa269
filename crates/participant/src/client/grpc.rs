//! The coordinator over gRPC.

use std::time::Duration;

use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::{Account, Apply, Batch, Config, Fault, Outcomes, Retry};
use crate::proto;
use crate::proto::ledger_client::LedgerClient;
use crate::proto::transactions_client::TransactionsClient;

/// Every verb of the ledger as generated, with the token in each call.
pub type Verbs = LedgerClient<InterceptedService<Channel, Bearer>>;
/// Every verb about transactions as generated, with the token in each call.
pub type TransactionVerbs = TransactionsClient<InterceptedService<Channel, Bearer>>;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A connection on which nothing comes for so long is asked whether it lives.
const PING: Duration = Duration::from_secs(20);
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
/// Replies with a refusal for every member of a large batch are large themselves.
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// The coordinator over gRPC. Cheap to clone; all clones share one connection.
#[derive(Clone, Debug)]
pub struct Grpc {
    channel: Channel,
    bearer: Bearer,
    retry: Retry,
}

/// Puts the token into each call.
#[derive(Clone, Debug)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, tonic::Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl Grpc {
    /// Connects; a connection that breaks later is made again by itself.
    ///
    /// # Errors
    /// When a setting makes no sense, or nobody answers.
    pub async fn open(config: Config) -> Result<Grpc, Fault> {
        let address = config.url.strip_prefix("grpc://").unwrap_or(&config.url);
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| Fault::Setting(format!("{}: {error}", config.url)))?
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(PING)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(4 * STREAM_WINDOW)
            .tcp_nodelay(true);
        let channel = config
            .retry
            .repeated(|| async { endpoint.connect().await.map_err(|error| unreachable(&error)) })
            .await?;
        Ok(Grpc { channel, bearer: bearer(config.token.as_deref())?, retry: config.retry })
    }

    /// Every verb of the ledger as generated. Nothing is repeated by itself there.
    #[must_use]
    pub fn ledger(&self) -> Verbs {
        LedgerClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(REPLY_BYTES)
    }

    /// Every verb about transactions as generated. Nothing is repeated by itself there.
    #[must_use]
    pub fn transactions(&self) -> TransactionVerbs {
        TransactionsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(REPLY_BYTES)
    }

    /// See [`super::Client::change`].
    ///
    /// # Errors
    /// When the batch is refused as a whole, or nobody answers for as long as it is repeated.
    pub async fn change(&self, batch: &Batch) -> Result<Outcomes, Fault> {
        let reply = self
            .retry
            .repeated(|| async {
                let reply = self.ledger().batch(batch.clone().into_request(0)).await;
                reply.map(tonic::Response::into_inner).map_err(Fault::from)
            })
            .await?;
        reply.try_into()
    }

    /// See [`super::Client::account`].
    ///
    /// # Errors
    /// `account_unknown`; or nobody answers.
    pub async fn account(&self, id: &str) -> Result<Account, Fault> {
        let reply = self
            .retry
            .repeated(|| async {
                let request = proto::GetAccountRequest { id: id.to_owned(), at: None };
                let reply = self.ledger().get_account(request).await;
                reply.map(tonic::Response::into_inner).map_err(Fault::from)
            })
            .await?;
        let account = reply.account.ok_or_else(|| Fault::Misunderstood("no account in the reply".into()))?;
        Ok(account.into())
    }

    /// Many batches at once over one stream.
    #[must_use]
    pub fn apply(&self) -> Apply {
        Apply::over(self.clone())
    }

    pub(super) fn retry(&self) -> &Retry {
        &self.retry
    }
}

fn bearer(token: Option<&str>) -> Result<Bearer, Fault> {
    let value = token.map(|token| format!("Bearer {token}").parse());
    let value = value.transpose().map_err(|_| Fault::Setting("the token cannot be sent".into()))?;
    Ok(Bearer(value))
}

fn unreachable(error: &tonic::transport::Error) -> Fault {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    Fault::Unreachable(words)
}
