//! DTM's gRPC service: the verbs again, with DTM's two statuses for what is no success (ABORTED: failed, FAILED_PRECONDITION:
//! goes on).

use std::sync::Arc;

use tonic::{Code, Request, Response, Status};
use transaction::{Protocol, Signal};

use super::asked::{Asked, Options, Step};
use super::proto::dtm_server::{Dtm, DtmServer};
use super::proto::{
    DtmBranchRequest, DtmGidReply, DtmProgress, DtmProgressesReply, DtmRequest, DtmTopicRequest,
    DtmTransaction,
};
use super::register::Registration;
use super::told::{Told, status};
use super::verbs::Verbs;
use super::{gid, proto};
use crate::grpc::{Call, asked};

/// The paths of this service begin so.
pub(crate) const SERVICE: &str = "/dtmgimp.Dtm/";

/// The service, for the listener.
pub(crate) fn service() -> DtmServer<DtmVerbs> {
    DtmServer::new(DtmVerbs)
}

/// The verbs over gRPC.
pub(crate) struct DtmVerbs;

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Dtm for DtmVerbs {
    async fn new_gid(&self, request: Request<()>) -> Reply<DtmGidReply> {
        let (_call, ()) = asked(request)?;
        Ok(Response::new(DtmGidReply { gid: gid::fresh() }))
    }

    async fn submit(&self, request: Request<DtmRequest>) -> Reply<()> {
        let (call, asked) = whole(request)?;
        answered(&call, async { verbs(&call).submit(&asked?).await }).await
    }

    async fn prepare(&self, request: Request<DtmRequest>) -> Reply<()> {
        let (call, asked) = whole(request)?;
        answered(&call, async { verbs(&call).prepare(&asked?).await }).await
    }

    async fn abort(&self, request: Request<DtmRequest>) -> Reply<()> {
        let (call, asked) = whole(request)?;
        answered(&call, async { verbs(&call).abort(&asked?).await }).await
    }

    async fn register_branch(&self, request: Request<DtmBranchRequest>) -> Reply<()> {
        let (call, request) = asked(request)?;
        let registration = registration(request);
        answered(&call, async { verbs(&call).register(&registration).await }).await
    }

    async fn prepare_workflow(&self, request: Request<DtmRequest>) -> Reply<DtmProgressesReply> {
        let (call, asked) = whole(request)?;
        answered(&call, async {
            let known = verbs(&call).prepare_workflow(&asked?).await?;
            let reason = known.reason.as_ref().map(|reason| reason.detail.to_string());
            let transaction = DtmTransaction {
                gid: known.spec.id.to_string(),
                status: status(&known).to_owned(),
                rollback_reason: reason.unwrap_or_default(),
                result: known.result.as_deref().unwrap_or_default().to_owned(),
            };
            let progresses = known.progress.iter().map(|progress| DtmProgress {
                status: match progress.outcome {
                    Signal::Done => "succeed".to_owned(),
                    Signal::Refused => "failed".to_owned(),
                },
                bin_data: progress.data.to_vec(),
                branch_id: progress.step.to_string(),
                op: progress.operation.to_string(),
            });
            Ok(DtmProgressesReply { transaction: Some(transaction), progresses: progresses.collect() })
        })
        .await
    }

    async fn subscribe(&self, request: Request<DtmTopicRequest>) -> Reply<()> {
        let (call, request) = asked(request)?;
        let DtmTopicRequest { topic, url, remark } = request;
        answered(&call, async { verbs(&call).subscribe(&topic, (&url, &remark)).await }).await
    }

    async fn unsubscribe(&self, request: Request<DtmTopicRequest>) -> Reply<()> {
        let (call, request) = asked(request)?;
        answered(&call, async { verbs(&call).unsubscribe(&request.topic, &request.url).await }).await
    }

    async fn delete_topic(&self, request: Request<DtmTopicRequest>) -> Reply<()> {
        let (call, request) = asked(request)?;
        answered(&call, async { verbs(&call).delete_topic(&request.topic).await }).await
    }
}

fn verbs(call: &Call) -> Verbs {
    Verbs::of(call.admitted().clone())
}

fn whole(request: Request<DtmRequest>) -> Result<(Call, Result<Asked, Told>), Status> {
    let (call, request) = asked(request)?;
    let asked = of(request);
    Ok((call, asked))
}

/// What a request asks. Steps are the text of a JSON array inside the message.
fn of(request: DtmRequest) -> Result<Asked, Told> {
    let wrong = || Told::Fault("Steps must be the text of a JSON array of objects of strings".to_owned());
    let steps: Vec<Step> = match request.steps.trim() {
        "" | "null" => Vec::new(),
        text => {
            let given: Vec<std::collections::BTreeMap<String, String>> =
                serde_json::from_str(text).map_err(|_| wrong())?;
            let text = |step: &std::collections::BTreeMap<String, String>, name: &str| {
                step.get(name).cloned().unwrap_or_default()
            };
            given
                .iter()
                .map(|step| Step { action: text(step, "action"), compensate: text(step, "compensate") })
                .collect()
        }
    };
    Ok(Asked {
        gid: request.gid.into(),
        trans_type: request.trans_type,
        protocol: Protocol::DtmGrpc,
        steps,
        payloads: request.bin_payloads.into_iter().map(Arc::from).collect(),
        custom_data: request.customed_data,
        query_prepared: request.query_prepared,
        rollback_reason: request.rollback_reason,
        req_extra: request.req_extra.into_iter().collect(),
        options: request.trans_options.map(options).unwrap_or_default(),
    })
}

/// What is below zero counts as not given, as with DTM.
fn options(given: proto::DtmTransOptions) -> Options {
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    let mut branch_headers: Vec<_> = given.branch_headers.into_iter().collect();
    branch_headers.sort_unstable();
    Options {
        wait_result: given.wait_result,
        timeout_to_fail: count(given.timeout_to_fail),
        retry_interval: count(given.retry_interval),
        request_timeout: count(given.request_timeout),
        retry_limit: count(given.retry_limit),
        concurrent: false,
        branch_headers,
    }
}

fn registration(request: DtmBranchRequest) -> Registration {
    let mut data: Vec<_> = request.data.into_iter().collect();
    if !request.op.is_empty() && !data.iter().any(|(key, _)| key == "op") {
        data.push(("op".to_owned(), request.op));
    }
    Registration {
        gid: request.gid.into(),
        trans_type: request.trans_type,
        protocol: Protocol::DtmGrpc,
        branch_id: request.branch_id,
        data,
        payload: request.busi_payload.into(),
    }
}

/// Does the work while it has a place among those under way, and answers in DTM's statuses.
async fn answered<T>(call: &Call, work: impl Future<Output = Result<T, Told>>) -> Reply<T> {
    let inside = async { Ok(work.await) };
    match call.admitted().within(inside).await {
        Ok(Ok(reply)) => Ok(Response::new(reply)),
        Ok(Err(told)) => Err(refused(told)),
        Err(refusal) => Err(refused(Told::from(refusal))),
    }
}

fn refused(told: Told) -> Status {
    match told {
        Told::Failure(words) => Status::new(Code::Aborted, shown(words)),
        Told::Ongoing(words) => Status::new(Code::FailedPrecondition, shown(words)),
        Told::Fault(words) => Status::new(Code::Unknown, shown(words)),
        Told::Busy(words) => Status::new(Code::Unavailable, shown(words)),
        Told::Denied(refusal) => Status::new(Code::Unauthenticated, shown(refusal.to_string())),
    }
}

/// The words of a status travel as a header: a bounded part of them.
fn shown(mut words: String) -> String {
    words.truncate(words.floor_char_boundary(4_096));
    words
}
