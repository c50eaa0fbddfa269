//! The service `tercet.v1.Transactions`: the twin of the HTTP API under `/v1/transactions`.
//!
//! Translation only, and only half of it: what a begin or a branch must look like is decided where HTTP decides it, so
//! `transactions/body.rs` writes the message as that body. `transactions/shown.rs` has the way back.

mod body;
mod shown;

use engine::{Act, Answer, Begin, Filter, TimelineQuery};
use participant::proto::transactions_server::Transactions;
use participant::proto::{self, TransactionReply};
use tonic::{Request, Response, Status};
use transaction::refusal::{FIELD_MISSING, SPAN_INVALID};
use transaction::{Command, Pattern, Phase, Refusal, Time};

use super::{Call, asked, seen};
use crate::refusal::FIELD_INVALID;

/// The service; everything it needs comes with each call.
pub(super) struct TransactionVerbs;

type Reply<T> = Result<Response<T>, Status>;

/// The longest that a caller may have its answer held, in milliseconds.
const WAIT_MOST_MS: u64 = 60_000;
/// Entries of a page of a timeline.
const TIMELINE_MOST: u32 = 1_000;

impl Call {
    async fn act(
        &self,
        id: String,
        command: Option<Command>,
        wait_ms: u64,
    ) -> Result<TransactionReply, Refusal> {
        let act =
            Act { id: id.into(), command, key: None, wait_ms: wait(wait_ms)?, until: engine::Until::Final };
        Ok(reply(&self.admitted.act(act).await?))
    }

    async fn begun(&self, request: &proto::BeginRequest) -> Result<TransactionReply, Refusal> {
        if request.id.is_empty() {
            return Err(
                FIELD_MISSING.at("/id", "over gRPC the initiator chooses the id, so that it can ask again")
            );
        }
        let (spec, wait_ms) = self.admitted.spec(&body::begin(request)?)?;
        let trace = self.admitted.trace();
        Ok(reply(
            &self
                .admitted
                .begin(Begin { spec: spec.into(), trace, key: None, wait_ms, until: engine::Until::Final })
                .await?,
        ))
    }

    async fn registered(&self, request: proto::RegisterRequest) -> Result<TransactionReply, Refusal> {
        let branch = request.branch.ok_or_else(|| FIELD_MISSING.at("/branch", "this field is needed"))?;
        let command = self.admitted.branch(&request.id, &body::branch(&branch)?).await?;
        self.act(request.id, Some(command), 0).await
    }
}

#[tonic::async_trait]
impl Transactions for TransactionVerbs {
    async fn begin(&self, request: Request<proto::BeginRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(call.begun(&request)).await
    }

    async fn get(&self, request: Request<proto::GetTransactionRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(call.act(request.id, None, request.wait_ms)).await
    }

    async fn confirm(&self, request: Request<proto::ConfirmRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(call.act(request.id, Some(Command::Confirm), request.wait_ms)).await
    }

    async fn cancel(&self, request: Request<proto::CancelRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(async {
            let command = call.admitted.cancel(&body::cancel(&request)?)?;
            call.act(request.id.clone(), Some(command), request.wait_ms).await
        })
        .await
    }

    async fn signal(&self, request: Request<proto::SignalRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(async {
            let command = call.admitted.signal(&body::signal(&request)?, &request.branch)?;
            call.act(request.id.clone(), Some(command), 0).await
        })
        .await
    }

    async fn register(&self, request: Request<proto::RegisterRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(call.registered(request)).await
    }

    async fn retry(&self, request: Request<proto::RetryRequest>) -> Reply<TransactionReply> {
        let (call, request) = asked(request)?;
        call.answer(call.act(request.id, Some(Command::Retry), 0)).await
    }

    async fn list(
        &self,
        request: Request<proto::ListTransactionsRequest>,
    ) -> Reply<proto::ListTransactionsReply> {
        let (call, request) = asked(request)?;
        call.answer(async {
            let filter = filter(request)?;
            let page = call.admitted.ask(|engine, respond| engine.list(filter, respond)).await?;
            Ok(proto::ListTransactionsReply {
                transactions: page.items.iter().map(|transaction| shown::transaction(transaction)).collect(),
                next: page.next.unwrap_or_default(),
                sequence: page.sequence,
            })
        })
        .await
    }

    async fn timeline(&self, request: Request<proto::TimelineRequest>) -> Reply<proto::TimelineReply> {
        let (call, request) = asked(request)?;
        call.answer(async {
            let limit = seen::limit(if request.limit == 0 { TIMELINE_MOST } else { request.limit })?;
            let query = TimelineQuery { id: request.id.into(), limit, cursor: seen::cursor(request.cursor) };
            let page = call.admitted.ask(|engine, respond| engine.timeline(query, respond)).await?;
            Ok(proto::TimelineReply {
                entries: page.items.into_iter().map(shown::entry).collect(),
                next: page.next.unwrap_or_default(),
                sequence: page.sequence,
            })
        })
        .await
    }
}

fn reply(answer: &Answer) -> TransactionReply {
    TransactionReply {
        transaction: Some(shown::transaction(&answer.transaction)),
        replayed: answer.replayed,
        sequence: answer.sequence,
    }
}

fn wait(ms: u64) -> Result<u64, Refusal> {
    if ms <= WAIT_MOST_MS {
        return Ok(ms);
    }
    Err(SPAN_INVALID.at("/wait_ms", format!("{ms} is not within 0 to {WAIT_MOST_MS}")))
}

fn filter(request: proto::ListTransactionsRequest) -> Result<Filter, Refusal> {
    let pattern = match proto::Pattern::try_from(request.pattern) {
        Ok(proto::Pattern::Unspecified) => None,
        Ok(proto::Pattern::Tcc) => Some(Pattern::Tcc),
        Ok(proto::Pattern::Saga) => Some(Pattern::Saga),
        Ok(proto::Pattern::Message) => Some(Pattern::Message),
        Ok(proto::Pattern::Xa) => Some(Pattern::Xa),
        Ok(proto::Pattern::Workflow) => Some(Pattern::Workflow),
        Err(_) => {
            return Err(FIELD_INVALID.at("/pattern", "this server knows tcc, saga, message, xa and workflow"));
        }
    };
    if !request.state.is_empty() && !is_state(&request.state) {
        return Err(FIELD_INVALID.at("/state", "not a state of any pattern"));
    }
    Ok(Filter {
        state: seen::cursor(request.state),
        pattern,
        any_of: Vec::new(),
        needs_attention: request.needs_attention,
        labels: request.labels.into_iter().map(|label| (label.key, label.value)).collect(),
        created_after: request.created_after.map(Time),
        created_before: request.created_before.map(Time),
        limit: seen::limit(request.limit)?,
        cursor: seen::cursor(request.cursor),
    })
}

fn is_state(name: &str) -> bool {
    let mut names = Pattern::ALL.into_iter().flat_map(|pattern| Phase::ALL.map(|phase| phase.name(pattern)));
    names.any(|known| known == name)
}
