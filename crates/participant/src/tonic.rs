//! A participant over gRPC with tonic: the identity from the metadata, the answer as a status.
//!
//! The coordinator itself calls over HTTP; this is for services whose own callers, or whose gateways, speak gRPC. The
//! statuses are those that coordinators over gRPC know: aborted = refused, failed precondition = in progress, anything
//! else = unknown. Read next: `barrier/run.rs`.

use tonic::{Code, Request, Status};

use crate::barrier::{Barrier, Business, Fault};
use crate::call::{Answer, Call, Content};
use crate::database::Dialect;

/// Reads the identity of a call from a request's metadata: the headers of a branch call, in lower case.
///
/// The content that a repeat is compared with is left out: a decoded message can't be encoded as it came (maps have no
/// order, unknown fields are gone), and a repeat must never look like another call. Whoever has the bytes as they came
/// puts [`Content::of`] them into the call.
///
/// # Errors
/// `INVALID_ARGUMENT` for what carries none.
pub fn call_of<T>(request: &Request<T>) -> Result<Call, Status> {
    let headers = request.metadata().clone().into_headers();
    let read = Call::read(&headers, b"")
        .map_err(|fault| Status::invalid_argument(format!("{}: {fault}", fault.code())))?;
    Ok(Call { content: Content::of(b""), ..read })
}

/// Runs `business` behind the barrier for what the request asks; what a done call answered is JSON. It goes on to its end
/// when the caller hangs up.
///
/// # Errors
/// The status that is due: see the module.
pub async fn run<D: Dialect, T>(
    barrier: &Barrier<D>,
    request: &Request<T>,
    business: impl Business<D> + 'static,
) -> Result<Vec<u8>, Status> {
    let (call, barrier) = (call_of(request)?, barrier.clone());
    let ran = tokio::spawn(async move { barrier.run(&call, &business).await });
    let answer = ran.await.map_err(|_| Status::internal("the participant failed"))?;
    status_of(answer.map_err(|fault| unknown(&fault))?)
}

/// An answer as gRPC has it.
///
/// # Errors
/// The status of whatever is not done.
pub fn status_of(answer: Answer) -> Result<Vec<u8>, Status> {
    let code = match answer.status.as_u16() {
        200 => return Ok(answer.body),
        202 | 425 => Code::FailedPrecondition,
        409 | 422 => Code::Aborted,
        _ => Code::Unknown,
    };
    Err(Status::new(code, String::from_utf8_lossy(&answer.body)))
}

fn unknown(fault: &Fault) -> Status {
    tracing::error!("{fault}");
    match fault {
        Fault::Database(_) | Fault::Contended { .. } | Fault::Away(_) => {
            Status::unavailable("the participant's database")
        }
        Fault::AnswerTooLong { .. } | Fault::GivenUp | Fault::Business(_) => {
            Status::internal("the participant failed")
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use transaction::barrier::Hazard;
    use transaction::{Operation, Pattern};

    use super::*;

    fn request(operation: &'static str) -> Request<()> {
        let mut request = Request::new(());
        let metadata = request.metadata_mut();
        metadata.insert("tercet-transaction", tonic::metadata::MetadataValue::from_static("order-1"));
        metadata.insert("tercet-branch", tonic::metadata::MetadataValue::from_static("stock"));
        metadata.insert("tercet-operation", tonic::metadata::MetadataValue::from_static(operation));
        request
    }

    #[test]
    fn the_identity_is_read_from_the_metadata() {
        let call = call_of(&request("cancel")).unwrap();
        assert_eq!((call.pattern, call.operation), (Pattern::Tcc, Operation::Cancel));
        assert_eq!((&*call.branch.transaction, &*call.branch.branch), ("order-1", "stock"));
        for bad in [request("none"), Request::new(())] {
            assert_eq!(call_of(&bad).unwrap_err().code(), Code::InvalidArgument);
        }
    }

    #[test]
    fn each_reply_has_its_status() {
        assert_eq!(status_of(Answer::done(b"{}".to_vec())).unwrap(), b"{}");
        let refused = status_of(Answer::hazard(Hazard::LateTry)).unwrap_err();
        assert_eq!(refused.code(), Code::Aborted);
        assert!(refused.message().contains("late_try"), "{refused:?}");
        assert_eq!(status_of(Answer::content_mismatch()).unwrap_err().code(), Code::Aborted);
        assert_eq!(status_of(Answer::in_progress()).unwrap_err().code(), Code::FailedPrecondition);
        let fault = Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "fault", "x");
        assert_eq!(status_of(fault).unwrap_err().code(), Code::Unknown);
    }
}
