//! Branch calls in DTM's protocol: over HTTP, over gRPC with raw bytes, over JSON-RPC.
//!
//! As everywhere in this room a call is sent at most once, bounded in time and memory, and goes to an address that the policy has
//! judged at the very connect. Nothing of ours goes along: no identity headers, no signature, no trace.
//! Read `http.rs` first; `verdict.rs` says what an answer means. The protocol: `docs/reference/dtm.md`.

mod grpc;
mod http;
mod rpc;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::Arc;

use ::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use transaction::{Call, Pattern, Protocol, Raw, Reply};

use super::connect::Connector;
use super::reply;
use super::trouble::Trouble;

/// Connections by which calls are made.
pub(super) type Pool = Client<Connector, Full<Bytes>>;

/// How an answer over HTTP is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DtmVerdict {
    /// By its status, and the `dtm_result` of a JSON body.
    #[default]
    Parsed,
    /// By its status, and the words ONGOING and FAILURE anywhere in its body, as DTM does.
    Words,
}

/// What the calls go through, and how answers are read.
pub(super) struct Ways<'a> {
    /// HTTP/1.1.
    pub(super) plain: &'a Pool,
    /// HTTP/2, for gRPC.
    pub(super) framed: &'a Pool,
    pub(super) verdict: DtmVerdict,
    /// The largest body of an answer, in bytes.
    pub(super) max: usize,
}

/// Makes one call and reads its answer.
pub(super) async fn exchange(call: &Call, raw: &Raw, ways: Ways<'_>) -> Result<Reply, Trouble> {
    let has_scheme = call.url.contains("://");
    match raw.protocol {
        // An address without a scheme is gRPC's, whatever began the transaction.
        _ if !has_scheme => {
            let request = grpc::request(call, raw)?;
            grpc::exchange(ways.framed, request, ways.max).await
        }
        Protocol::DtmJsonRpc if rpc::method(&call.url).is_some() => {
            let answer = ways.plain.request(rpc::request(call, raw)?).await?;
            rpc::reply(answer, (ways.verdict, ways.max)).await
        }
        Protocol::Tercet | Protocol::DtmHttp | Protocol::DtmGrpc | Protocol::DtmJsonRpc => {
            let answer = ways.plain.request(http::request(call, raw)?).await?;
            verdict::of(answer, (ways.verdict, ways.max)).await
        }
    }
}

/// A call as DTM names it.
struct Named<'a> {
    gid: &'a str,
    trans_type: &'static str,
    branch_id: &'a str,
    op: &'a str,
}

impl<'a> Named<'a> {
    fn of(call: &'a Call, raw: &'a Raw) -> Named<'a> {
        let trans_type = match raw.pattern {
            Pattern::Tcc => "tcc",
            Pattern::Saga => "saga",
            Pattern::Message => "msg",
            Pattern::Xa => "xa",
            Pattern::Workflow => "workflow",
        };
        // The initiator is called back as branch 00.
        let (branch_id, op) = match call.operation {
            "check" => ("00", "msg"),
            "resume" => ("00", &*raw.name),
            "deliver" => (&*call.branch, "action"),
            own => (&*call.branch, own),
        };
        Named { gid: &call.transaction, trans_type, branch_id, op }
    }

    fn pairs(&self) -> [(&'static str, &'a str); 4] {
        [("gid", self.gid), ("trans_type", self.trans_type), ("branch_id", self.branch_id), ("op", self.op)]
    }
}

/// The payload that the transaction holds anyway, sent without a copy.
struct Payload(Arc<[u8]>);

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A refusal in the peer's own words; `otherwise` where it has none.
fn refused(words: &str, otherwise: String) -> Reply {
    let words = match words.trim() {
        "" => otherwise,
        words => reply::words_of(words.as_bytes(), StatusCode::CONFLICT),
    };
    Reply::Refused { detail: words.into() }
}

fn finished(request: ::http::Result<Request<Full<Bytes>>>) -> Result<Request<Full<Bytes>>, Trouble> {
    request.map_err(|_| Trouble::Unsendable("it cannot be written as a request"))
}
