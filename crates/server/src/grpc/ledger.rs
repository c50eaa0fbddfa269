//! The service `tercet.v1.Ledger`: each verb reads its message, asks the engine, and writes the reply.
//!
//! Translation only. `apply.rs` has the fast path, `seen.rs` the shapes of what is read.

use engine::{Found, HistoryQuery, Question, Seen};
use ledger::Done;
use participant::proto::ledger_server::Ledger;
use participant::proto::member::Kind;
use participant::proto::{self, ApplyReply, ApplyRequest, ChangeReply};
use tonic::{Request, Response, Status, Streaming};
use transaction::{Refusal, Time};

use super::apply::Applying;
use super::{Call, asked, batch, refused, seen};
use crate::refusal::OUTCOME_UNKNOWN;

/// The service; everything it needs comes with each call.
pub(super) struct LedgerVerbs;

type Reply<T> = Result<Response<T>, Status>;

impl Call {
    /// One batch, outcomes and all.
    async fn change(&self, request: &ApplyRequest) -> Reply<ApplyReply> {
        self.answer(async {
            let asked = batch::read(request)?;
            let changed = self.admitted.ask(|engine, respond| engine.change(asked.change, respond)).await?;
            Ok(asked.numbers.reply(Ok(changed)))
        })
        .await
    }

    /// One member, whose refusal is the call's.
    async fn change_one(&self, kind: Kind) -> Reply<ChangeReply> {
        let request = batch::of_kind(vec![kind], |kind| kind, ledger::Run::Real);
        self.answer(async {
            let asked = batch::read(&request)?;
            let mut changed =
                self.admitted.ask(|engine, respond| engine.change(asked.change, respond)).await?;
            let result = changed.results.pop();
            let outcome = result.ok_or_else(|| OUTCOME_UNKNOWN.because("the engine told no outcome"))?;
            let outcome = outcome.map_err(|refusal| *refusal)?;
            Ok(ChangeReply {
                outcome: batch::word(outcome.done) as i32,
                amount: batch::amount(&outcome).filter(|_| outcome.done != Done::Changed).unwrap_or_default(),
                sequence: changed.sequence,
            })
        })
        .await
    }

    /// A question, and the reply to what was found.
    async fn look<T>(&self, question: Question, reply: impl FnOnce(Found, u64) -> Option<T>) -> Reply<T> {
        self.answer(async {
            let Seen { value, sequence } =
                self.admitted.ask(|engine, respond| engine.ask(question, respond)).await?;
            reply(value, sequence)
                .ok_or_else(|| OUTCOME_UNKNOWN.because("the engine answered another question"))
        })
        .await
    }

    /// Does the work of a verb; a refusal becomes the status.
    pub(super) async fn answer<T>(&self, work: impl Future<Output = Result<T, Refusal>>) -> Reply<T> {
        self.admitted.within(work).await.map(Response::new).map_err(|refusal| {
            self.admitted.refused(refusal.kind);
            refused::status(&refusal)
        })
    }
}

/// A verb that changes several things of one kind.
macro_rules! several {
    ($request:ident, $field:ident, $kind:expr) => {{
        let (call, request) = asked($request)?;
        let batch = batch::of_kind(request.$field, $kind, batch::run(request.dry_run));
        call.change(&batch).await
    }};
}

/// A verb that changes one thing.
macro_rules! single {
    ($request:ident, $kind:expr) => {{
        let (call, request) = asked($request)?;
        call.change_one($kind(request)).await
    }};
}

#[tonic::async_trait]
impl Ledger for LedgerVerbs {
    type ApplyStream = Applying;

    async fn apply(&self, request: Request<Streaming<ApplyRequest>>) -> Reply<Applying> {
        let (call, inbound) = asked(request)?;
        Ok(Response::new(Applying::new(call, inbound)))
    }

    async fn batch(&self, request: Request<ApplyRequest>) -> Reply<ApplyReply> {
        let (call, request) = asked(request)?;
        call.change(&request).await
    }

    async fn assets(&self, request: Request<proto::AssetsRequest>) -> Reply<ApplyReply> {
        several!(request, assets, Kind::Asset)
    }

    async fn accounts(&self, request: Request<proto::AccountsRequest>) -> Reply<ApplyReply> {
        several!(request, accounts, Kind::Open)
    }

    async fn entries(&self, request: Request<proto::EntriesRequest>) -> Reply<ApplyReply> {
        several!(request, entries, Kind::Entry)
    }

    async fn holds(&self, request: Request<proto::HoldsRequest>) -> Reply<ApplyReply> {
        several!(request, holds, Kind::Hold)
    }

    async fn machines(&self, request: Request<proto::MachinesRequest>) -> Reply<ApplyReply> {
        several!(request, machines, Kind::Declare)
    }

    async fn items(&self, request: Request<proto::ItemsRequest>) -> Reply<ApplyReply> {
        several!(request, items, Kind::Create)
    }

    async fn moves(&self, request: Request<proto::MovesRequest>) -> Reply<ApplyReply> {
        several!(request, moves, Kind::Move)
    }

    async fn capture(&self, request: Request<proto::Capture>) -> Reply<ChangeReply> {
        single!(request, Kind::Capture)
    }

    async fn release(&self, request: Request<proto::Release>) -> Reply<ChangeReply> {
        single!(request, Kind::Release)
    }

    async fn reopen(&self, request: Request<proto::Reopen>) -> Reply<ChangeReply> {
        single!(request, Kind::Reopen)
    }

    async fn adjust(&self, request: Request<proto::Adjust>) -> Reply<ChangeReply> {
        single!(request, Kind::Adjust)
    }

    async fn list_assets(&self, request: Request<proto::ListAssetsRequest>) -> Reply<proto::ListAssetsReply> {
        let (call, _) = asked(request)?;
        call.look(Question::Assets, seen::assets).await
    }

    async fn get_account(&self, request: Request<proto::GetAccountRequest>) -> Reply<proto::GetAccountReply> {
        let (call, request) = asked(request)?;
        call.look(Question::Account(request.id.into(), request.at.map(Time)), seen::account).await
    }

    async fn list_accounts(
        &self,
        request: Request<proto::ListAccountsRequest>,
    ) -> Reply<proto::ListAccountsReply> {
        let (call, request) = asked(request)?;
        let limit = seen::limit(request.limit).map_err(|refusal| refused::status(&refusal))?;
        let question = Question::Accounts(request.prefix.into(), request.after.into(), limit);
        call.look(question, seen::accounts).await
    }

    async fn statement(&self, request: Request<proto::StatementRequest>) -> Reply<proto::StatementReply> {
        let (call, request) = asked(request)?;
        let query = seen::statement_query(request).map_err(|refusal| refused::status(&refusal))?;
        call.look(Question::Statement(query), seen::statement).await
    }

    async fn get_hold(&self, request: Request<proto::GetHoldRequest>) -> Reply<proto::GetHoldReply> {
        let (call, request) = asked(request)?;
        call.look(Question::Hold(request.id.into()), seen::hold).await
    }

    async fn hold_history(&self, request: Request<proto::HistoryRequest>) -> Reply<proto::HistoryReply> {
        let (call, request) = asked(request)?;
        let query = history_query(request)?;
        call.look(Question::HoldHistory(query), seen::history).await
    }

    async fn get_item(&self, request: Request<proto::GetItemRequest>) -> Reply<proto::GetItemReply> {
        let (call, request) = asked(request)?;
        call.look(Question::Item(request.id.into()), seen::item).await
    }

    async fn item_history(&self, request: Request<proto::HistoryRequest>) -> Reply<proto::HistoryReply> {
        let (call, request) = asked(request)?;
        let query = history_query(request)?;
        call.look(Question::ItemHistory(query), seen::history).await
    }

    async fn get_machine(&self, request: Request<proto::GetMachineRequest>) -> Reply<proto::GetMachineReply> {
        let (call, request) = asked(request)?;
        let version = Some(request.version).filter(|version| *version > 0);
        call.look(Question::Machine(request.name.into(), version), seen::machine).await
    }
}

fn history_query(request: proto::HistoryRequest) -> Result<HistoryQuery, Status> {
    let limit = seen::limit(request.limit).map_err(|refusal| refused::status(&refusal))?;
    Ok(HistoryQuery { id: request.id.into(), limit, cursor: seen::cursor(request.cursor) })
}
