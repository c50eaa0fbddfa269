//! A refusal as a gRPC status: its class decides the code of the status, its own stable code goes along as metadata.

use participant::proto;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use transaction::{Refusal, RefusalClass, RefusalKind};

use crate::refusal as r;

/// Metadata: the stable code of the refusal.
pub(super) const CODE: &str = "tercet-code";
/// Metadata: the field that is meant, as a JSON pointer.
const AT: &str = "tercet-at";
/// Metadata: when to ask again. The name is gRPC's own (proposal A6), so that retrying callers heed it by themselves.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// After so long a refusal of the kind "not now" may be over.
const RETRY_AFTER_MS: u64 = 1_000;

/// Kinds whose code is not the one of their class.
static EXCEPTIONS: &[(&RefusalKind, Code)] = &[
    (&r::ORIGIN_DENIED, Code::PermissionDenied),
    (&r::RATE_LIMITED, Code::ResourceExhausted),
    (&r::METHOD_NOT_ALLOWED, Code::Unimplemented),
];

/// The gRPC code of a kind of refusal.
fn code_of(kind: &RefusalKind) -> Code {
    if let Some((_, code)) = EXCEPTIONS.iter().find(|(exception, _)| exception.number == kind.number) {
        return *code;
    }
    match kind.class {
        RefusalClass::Malformed => Code::InvalidArgument,
        RefusalClass::Unknown => Code::NotFound,
        RefusalClass::Conflict => Code::FailedPrecondition,
        RefusalClass::TooLarge => Code::ResourceExhausted,
        RefusalClass::Mismatch => Code::AlreadyExists,
        RefusalClass::NotNow => Code::Unavailable,
        RefusalClass::NotAllowed => Code::Unauthenticated,
    }
}

/// The status that tells a refusal.
pub(super) fn status(refusal: &Refusal) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(CODE, MetadataValue::from_static(refusal.kind.code));
    if let Some(at) = refusal.at.as_deref().and_then(|at| at.parse().ok()) {
        metadata.insert(AT, at);
    }
    if refusal.kind.class == RefusalClass::NotNow {
        metadata.insert(PUSHBACK, MetadataValue::from(RETRY_AFTER_MS));
    }
    Status::with_metadata(code_of(refusal.kind), shown(&refusal.detail), metadata)
}

/// A refusal inside a reply.
pub(super) fn message(refusal: Refusal) -> proto::Refusal {
    let is_later = refusal.kind.class == RefusalClass::NotNow;
    proto::Refusal {
        code: refusal.kind.code.into(),
        detail: refusal.detail,
        at: refusal.at.unwrap_or_default(),
        retry_after_ms: if is_later { RETRY_AFTER_MS } else { 0 },
    }
}

/// What tonic says before a message is read, with the code that it has with us. What has one, and what is not about the
/// message, stays as it is.
pub(super) fn unread(status: Status) -> Status {
    if status.metadata().contains_key(CODE) {
        return status;
    }
    match status.code() {
        Code::OutOfRange => self::status(&r::BODY_TOO_LARGE.because(status.message())),
        Code::Internal | Code::InvalidArgument => self::status(&r::FIELD_INVALID.because(status.message())),
        _ => status,
    }
}

/// The words of a status travel as a header: a bounded part of them.
fn shown(detail: &str) -> &str {
    const MOST: usize = 1_024;
    match detail.char_indices().nth(MOST) {
        None => detail,
        Some((end, _)) => &detail[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_code() {
        let cases: [(&'static RefusalKind, Code); 9] = [
            (&r::FIELD_INVALID, Code::InvalidArgument),
            (&ledger::refusal::HOLD_UNKNOWN, Code::NotFound),
            (&ledger::refusal::INSUFFICIENT, Code::FailedPrecondition),
            (&ledger::refusal::ID_MISMATCH, Code::AlreadyExists),
            (&ledger::refusal::BATCH_TOO_LARGE, Code::ResourceExhausted),
            (&engine::refusal::OVERLOADED, Code::Unavailable),
            (&r::RATE_LIMITED, Code::ResourceExhausted),
            (&r::UNAUTHENTICATED, Code::Unauthenticated),
            (&r::ORIGIN_DENIED, Code::PermissionDenied),
        ];
        for (kind, code) in cases {
            let status = status(&kind.at("/a", "b"));
            assert_eq!(status.code(), code, "{}", kind.code);
            assert_eq!(status.metadata().get(CODE).unwrap(), kind.code);
            assert_eq!(status.metadata().get(AT).unwrap(), "/a");
            let is_later = kind.class == RefusalClass::NotNow;
            assert_eq!(status.metadata().contains_key(PUSHBACK), is_later, "{}", kind.code);
        }
    }

    #[test]
    fn what_tonic_says_gets_our_code_where_it_is_about_the_message() {
        let code = |status: Status| {
            let status = unread(status);
            (status.code(), status.metadata().get(CODE).map(|code| code.to_str().unwrap().to_owned()))
        };
        let large = Some("body_too_large".to_owned());
        assert_eq!(code(Status::out_of_range("x")), (Code::ResourceExhausted, large));
        assert_eq!(code(Status::internal("x")), (Code::InvalidArgument, Some("field_invalid".to_owned())));
        let ours = status(&engine::refusal::OVERLOADED.because("x"));
        assert_eq!(code(ours), (Code::Unavailable, Some("overloaded".to_owned())));
        assert_eq!(code(Status::cancelled("x")), (Code::Cancelled, None));
    }

    #[test]
    fn what_cannot_travel_in_a_header_is_left_out() {
        let status = status(&r::FIELD_INVALID.at("/\n", "x".repeat(5_000)));
        assert_eq!(status.message().len(), 1_024);
        assert!(!status.metadata().contains_key(AT));
    }
}
