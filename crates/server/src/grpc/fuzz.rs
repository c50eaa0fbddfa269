//! What a gRPC call promises about any bytes at all: no panic, no unbounded memory or time; an answer in frames, or a
//! status that says by a code of ours what is wrong; what is accepted is what the same request over HTTP would be.
//!
//! Built for tests and fuzzing only. Bytes come to the listener's own door, as the frames that hyper would hand over, with
//! an engine behind it. It must never skip an input because of what was found with it.
//! Read next: `fuzz/door.rs`, `fuzz/members.rs`, `docs/internals/fuzzing.md`.

mod door;
mod in_memory;
mod members;

use bytes::Bytes;
use http::HeaderMap;
use participant::proto::{ApplyReply, ApplyRequest};
use prost::Message;
use tonic::{Code, Status};

use super::refused::CODE;
use door::{Answered, Asked};
pub(crate) use members::{amounts, declared};

/// Every method, and those of other services that are served beside.
const METHODS: &[&str] = &[
    "/tercet.v1.Ledger/Apply",
    "/tercet.v1.Ledger/Batch",
    "/tercet.v1.Ledger/Assets",
    "/tercet.v1.Ledger/Accounts",
    "/tercet.v1.Ledger/Entries",
    "/tercet.v1.Ledger/Holds",
    "/tercet.v1.Ledger/Machines",
    "/tercet.v1.Ledger/Items",
    "/tercet.v1.Ledger/Moves",
    "/tercet.v1.Ledger/Capture",
    "/tercet.v1.Ledger/Release",
    "/tercet.v1.Ledger/Reopen",
    "/tercet.v1.Ledger/Adjust",
    "/tercet.v1.Ledger/ListAssets",
    "/tercet.v1.Ledger/GetAccount",
    "/tercet.v1.Ledger/ListAccounts",
    "/tercet.v1.Ledger/Statement",
    "/tercet.v1.Ledger/GetHold",
    "/tercet.v1.Ledger/HoldHistory",
    "/tercet.v1.Ledger/GetItem",
    "/tercet.v1.Ledger/ItemHistory",
    "/tercet.v1.Ledger/GetMachine",
    "/tercet.v1.Transactions/Begin",
    "/tercet.v1.Transactions/Get",
    "/tercet.v1.Transactions/Confirm",
    "/tercet.v1.Transactions/Cancel",
    "/tercet.v1.Transactions/Signal",
    "/tercet.v1.Transactions/Register",
    "/tercet.v1.Transactions/Retry",
    "/tercet.v1.Transactions/List",
    "/tercet.v1.Transactions/Timeline",
    "/tercet.v1.Transactions/Absent",
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// Bytes before a message: compressed or not, and its length.
const PREFIX: usize = 5;
/// What an answer may be beyond what it answers: a page of what the engine holds.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Makes a request of `data`: two bytes say to whom and how it is sent, the rest is sent. Panics where a
/// promise is broken.
pub fn frames(data: &[u8]) {
    let Some((&[method, how], sent)) = data.split_first_chunk() else { return };
    let path = METHODS[usize::from(method) % METHODS.len()];
    let how = How(how);
    let body = how.framed(sent);
    if path.ends_with("/Batch") || path.ends_with("/Apply") {
        for message in whole(&body) {
            read_alone(message);
        }
    }
    let asked = Asked { path, headers: how.headers(), frames: how.split(&body), cut: how.is_cut() };
    let answered = door::ask(asked);
    judged(path, &answered, &body);
}

/// How a request is sent, by the bits of one byte.
#[derive(Clone, Copy)]
struct How(u8);

impl How {
    /// Bits 0 and 1: one message, as it is in a frame of its own; a row of them with two bytes of length each; or the
    /// bytes as they are, prefixes and all.
    fn framed(self, sent: &[u8]) -> Bytes {
        let mut body = Vec::with_capacity(sent.len() + PREFIX);
        match self.0 & 3 {
            0 | 1 => push(&mut body, sent),
            2 => {
                let mut rest = sent;
                while let Some((&[low, high], after)) = rest.split_first_chunk() {
                    let length = usize::from(u16::from_le_bytes([low, high])).min(after.len());
                    push(&mut body, &after[..length]);
                    rest = &after[length..];
                }
            }
            _ => body.extend_from_slice(sent),
        }
        body.into()
    }

    /// Bits 2 and 3: in one piece, in small ones, in large ones, or each byte of the beginning by itself.
    fn split(self, body: &Bytes) -> Vec<Bytes> {
        let size = match self.0 >> 2 & 3 {
            0 => body.len(),
            1 => body.len() / 64 + 1,
            2 => body.len() / 3 + 1,
            _ => return edges(body),
        };
        (0..body.len()).step_by(size.max(1)).map(|at| body.slice(at..(at + size).min(body.len()))).collect()
    }

    /// Bit 4: the peer goes away in the middle.
    fn is_cut(self) -> bool {
        self.0 & 16 != 0
    }

    /// Bits 5 to 7: what the headers say.
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self.0 >> 5 {
            0 | 1 => &[("content-type", "application/grpc")],
            2 => &[("content-type", "application/grpc+proto"), ("grpc-encoding", "gzip")],
            3 => &[("content-type", "application/grpc"), ("grpc-timeout", "99999999H")],
            4 => {
                &[("content-type", "application/grpc"), ("grpc-encoding", "identity"), ("grpc-timeout", "x")]
            }
            5 => &[("content-type", "application/json")],
            6 => &[
                ("content-type", "application/grpc"),
                ("authorization", "Bearer x"),
                ("traceparent", "00-1"),
            ],
            _ => &[],
        }
    }
}

/// The first bytes one by one, then the rest.
fn edges(body: &Bytes) -> Vec<Bytes> {
    let edge = body.len().min(2 * PREFIX);
    let mut pieces: Vec<Bytes> = (0..edge).map(|at| body.slice(at..=at)).collect();
    pieces.push(body.slice(edge..));
    pieces
}

fn push(body: &mut Vec<u8>, message: &[u8]) {
    body.push(0);
    body.extend_from_slice(&u32::try_from(message.len()).expect("an input is short").to_be_bytes());
    body.extend_from_slice(message);
}

/// The whole messages of a body, as far as they go.
fn whole(body: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    let mut rest = body;
    while let Some((&[0, a, b, c, d], after)) = rest.split_first_chunk::<PREFIX>() {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some((message, after)) = after.split_at_checked(length) else { break };
        messages.push(message);
        rest = after;
    }
    messages
}

/// A batch that can be read has its members in place, each of them what another reader of the protocol sees.
fn read_alone(message: &[u8]) {
    let Ok(request) = ApplyRequest::decode(message) else { return };
    assert_eq!(request.members.each().count(), request.members.len(), "every member is there");
    assert!(request.members.bytes() <= message.len() + 16, "members are not larger than they came");
    assert_eq!(ApplyRequest::decode(&*request.encode_to_vec()).as_ref(), Ok(&request));
    for member in request.members.each() {
        members::read(member);
    }
}

/// An answer is bounded and whole, and a refusal says what is wrong in a code of ours.
fn judged(path: &str, answered: &Answered, sent: &[u8]) {
    let Answered { head, trailers, data } = answered;
    assert!(data.len() <= ANSWER_BYTES + 64 * sent.len(), "{} bytes in answer to {}", data.len(), sent.len());
    let replies = whole(data);
    let framed: usize = replies.iter().map(|reply| PREFIX + reply.len()).sum();
    assert_eq!(framed, data.len(), "an answer is whole frames");
    if head.status == http::StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return;
    }
    assert_eq!(head.status, http::StatusCode::OK, "{path}");
    let told = [trailers, &head.headers].into_iter().find_map(Status::from_header_map);
    let status = told.unwrap_or_else(|| panic!("{path}: an answer without a status"));
    coded(path, &status, [trailers, &head.headers]);
    if path.ends_with("/Apply") {
        for reply in replies {
            let reply = ApplyReply::decode(reply).expect("a reply is one");
            assert!(
                reply.refusal.is_some() != (reply.sequence > 0 || !reply.outcomes.is_empty()),
                "{reply:?}"
            );
        }
    } else if status.code() == Code::Ok && !path.contains("ServerReflection") {
        assert_eq!(replies.len(), 1, "{path} has one answer");
    }
}

fn coded(path: &str, status: &Status, headers: [&HeaderMap; 2]) {
    let code = headers.into_iter().find_map(|headers| headers.get(CODE));
    assert!(status.message().chars().count() <= 1_024, "{} bytes of words", status.message().len());
    match (status.code(), code) {
        (Code::Ok, None) => {}
        (Code::Ok, Some(code)) => panic!("{path} went well and says {code:?}"),
        (_, Some(code)) => {
            let known = crate::refusals().any(|kind| kind.code.as_bytes() == code.as_bytes());
            assert!(known, "{path}: {code:?} is no code of ours");
        }
        // Of what is not about the message: no such method, another compression, the caller gone away, another service.
        (Code::Unimplemented | Code::Cancelled, None) => {}
        (Code::NotFound | Code::InvalidArgument, None) if path.starts_with("/grpc.") => {}
        (_, None) => panic!("{path}: {status:?} says nothing by a code of ours"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_method_of_the_protocol_is_asked() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/tercet/v1");
        let mut methods = BTreeSet::new();
        for (file, service) in [("ledger.proto", "Ledger"), ("transactions.proto", "Transactions")] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            let names = text.lines().filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next());
            methods.extend(names.map(|name| format!("/tercet.v1.{service}/{name}")));
        }
        let asked: BTreeSet<String> = METHODS.iter().map(ToString::to_string).collect();
        assert!(methods.len() >= 31 && methods.is_subset(&asked), "{:?}", methods.difference(&asked));
    }
}
