//! What can go wrong with a call, in the short plain words that an operator reads as `last_error`.
//!
//! Every trouble is *unknown* to the rules: it decides nothing. The words hold addresses and numbers of ours and of the
//! network, never anything that a participant wrote, and never a header or a body.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use transaction::Reply;

/// Why a call has no answer that means anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("time-out after {0} ms")]
    TimedOut(u64),
    #[error("request cannot be sent: {0}")]
    Unsendable(&'static str),
    #[error("target denied: {0}")]
    Denied(String),
    #[error("name {name} not resolved: {why}")]
    Unresolved { name: String, why: String },
    #[error("connect time-out after {0} ms")]
    ConnectTimedOut(u128),
    #[error("connection refused by {0}")]
    ConnectRefused(SocketAddr),
    #[error("no connection to {at}: {why}")]
    NoConnection { at: SocketAddr, why: String },
    #[error("TLS: {0}")]
    Tls(String),
    #[error("connection closed before the request was sent")]
    NotSent,
    #[error("connection closed before the answer")]
    Closed,
    #[error("connection broken: {0}")]
    Broken(String),
    #[error("answer is not HTTP")]
    NotHttp,
    #[error("answer has too large a head")]
    HeadTooLarge,
    #[error("answer broken off")]
    BrokenOff,
    #[error("answer larger than {0} bytes")]
    TooLarge(usize),
    #[error("answer nested deeper than {0} levels")]
    TooDeep(usize),
    #[error("HTTP {0}")]
    Answered(u16),
    #[error("answer has no gRPC status")]
    NoGrpcStatus,
    #[error("gRPC status {0}")]
    GrpcStatus(u16),
    #[error("answer is not JSON-RPC")]
    NotJsonRpc,
    #[error("JSON-RPC error {0}")]
    RpcError(i64),
    #[error("call given up: the server stops")]
    Stopped,
}

impl From<Trouble> for Reply {
    fn from(trouble: Trouble) -> Self {
        Reply::Unknown { error: Arc::from(trouble.to_string()) }
    }
}

impl From<hyper_util::client::legacy::Error> for Trouble {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        if let Some(trouble) = find::<Trouble>(&error) {
            return trouble.clone();
        }
        match find::<hyper::Error>(&error) {
            // The pool gave out a connection that closed before it took the request.
            None => Trouble::NotSent,
            Some(error) => Trouble::of_exchange(error),
        }
    }
}

impl Trouble {
    fn of_exchange(error: &hyper::Error) -> Self {
        match () {
            () if error.is_parse_too_large() => Trouble::HeadTooLarge,
            () if error.is_parse() => Trouble::NotHttp,
            () if error.is_incomplete_message() => Trouble::Closed,
            () if error.is_canceled() || error.is_closed() => Trouble::NotSent,
            // The operating system's words only: HTTP/2 passes on what a peer says when it hangs up.
            () => {
                let system = find::<io::Error>(error).map(ToString::to_string);
                Trouble::Broken(system.unwrap_or_else(|| error.to_string()))
            }
        }
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
