//! The server, a client of DTM's gRPC service and a participant; and requests that most scenarios begin with.

use std::collections::HashMap;

use serde_json::{Value, json};
use server::dtm::proto::dtm_client::DtmClient;
use server::dtm::proto::{DtmBranchRequest, DtmRequest, DtmTransOptions};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};

use crate::service::Service;
use crate::support::Tercet;

/// What is asked again is asked soon.
const QUICK: &[&str] = &["--dtm-retry-interval-ms", "100"];

pub type Dtm = DtmClient<Channel>;

/// Everything that a scenario has.
pub struct World {
    pub tercet: Tercet,
    pub service: Service,
    channel: Channel,
    runtime: Runtime,
}

impl World {
    pub fn start() -> World {
        World::with(&[])
    }

    pub fn with(flags: &[&str]) -> World {
        let tercet = Tercet::with(&[QUICK, flags].concat());
        let runtime = Runtime::new().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{}", tercet.grpc)).unwrap();
        let channel = runtime.block_on(endpoint.connect()).unwrap();
        World { tercet, service: Service::start(), channel, runtime }
    }

    /// Asks something of the service.
    pub fn ask<T>(&self, ask: impl AsyncFnOnce(Dtm) -> Result<Response<T>, Status>) -> Result<T, Status> {
        self.runtime.block_on(ask(Dtm::new(self.channel.clone()))).map(Response::into_inner)
    }

    /// Runs something of another service on the same connection.
    pub fn over<T>(&self, work: impl AsyncFnOnce(Channel) -> T) -> T {
        self.runtime.block_on(work(self.channel.clone()))
    }

    pub fn submit(&self, request: DtmRequest) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.submit(request).await)
    }

    pub fn prepare(&self, request: DtmRequest) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.prepare(request).await)
    }

    pub fn abort(&self, request: DtmRequest) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.abort(request).await)
    }

    pub fn register(&self, request: DtmBranchRequest) -> Result<(), Status> {
        self.ask(async |mut dtm| dtm.register_branch(request).await)
    }

    /// A saga whose steps act at `A1`, `A2`, … and compensate at `C1`, `C2`, …, with these payloads.
    pub fn saga(&self, id: &str, payloads: &[&[u8]]) -> DtmRequest {
        let step = |at: usize| json!({ "action": self.service.url(&format!("A{at}")), "compensate": self.service.url(&format!("C{at}")) });
        stepped((id, "saga"), (1..=payloads.len()).map(step).collect(), payloads)
    }

    /// A message that is delivered at these addresses, with a byte each, and asked back at `Check`.
    pub fn message(&self, id: &str, actions: &[String]) -> DtmRequest {
        let steps = actions.iter().map(|action| json!({ "action": action })).collect();
        let payloads: Vec<&[u8]> = actions.iter().map(|_| &[0xb1][..]).collect();
        let query_prepared = self.service.url("Check");
        DtmRequest { query_prepared, ..stepped((id, "msg"), steps, &payloads) }
    }

    /// A branch of a TCC with this payload, confirmed at `Confirm` and cancelled at `Cancel`.
    pub fn branch(&self, id: &str, branch: &str, payload: &[u8]) -> DtmBranchRequest {
        let data = [("confirm", self.service.url("Confirm")), ("cancel", self.service.url("Cancel"))];
        DtmBranchRequest { busi_payload: payload.to_vec(), ..registered((id, "tcc"), branch, data) }
    }
}

/// The request that every verb on a transaction takes.
pub fn of(id: &str, trans_type: &str) -> DtmRequest {
    DtmRequest { gid: id.into(), trans_type: trans_type.into(), ..DtmRequest::default() }
}

/// One with steps, which are the text of a JSON array.
pub fn stepped((id, trans_type): (&str, &str), steps: Vec<Value>, payloads: &[&[u8]]) -> DtmRequest {
    let bin_payloads = payloads.iter().map(|payload| payload.to_vec()).collect();
    DtmRequest { steps: Value::Array(steps).to_string(), bin_payloads, ..of(id, trans_type) }
}

/// The request that registers a branch.
pub fn registered<const N: usize>(
    (id, trans_type): (&str, &str),
    branch: &str,
    data: [(&str, String); N],
) -> DtmBranchRequest {
    DtmBranchRequest {
        gid: id.into(),
        trans_type: trans_type.into(),
        branch_id: branch.into(),
        data: data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..DtmBranchRequest::default()
    }
}

/// The same with these options.
pub fn asking(request: DtmRequest, options: DtmTransOptions) -> DtmRequest {
    DtmRequest { trans_options: Some(options), ..request }
}

/// The same, answered with the outcome.
pub fn waiting(request: DtmRequest) -> DtmRequest {
    asking(request, DtmTransOptions { wait_result: true, ..DtmTransOptions::default() })
}

/// The same, rolled back or asked back when nobody decides within so many seconds.
pub fn within(request: DtmRequest, seconds: i64) -> DtmRequest {
    asking(request, DtmTransOptions { timeout_to_fail: seconds, ..DtmTransOptions::default() })
}

/// Texts by name, as the messages have them.
pub fn texts<const N: usize>(pairs: [(&str, &str); N]) -> HashMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What a refusal must be.
pub fn refused<T: std::fmt::Debug>(reply: Result<T, Status>, code: Code) -> String {
    let status = reply.unwrap_err();
    assert_eq!(status.code(), code, "{status}");
    status.message().to_owned()
}
