//! What each verb of DTM does, however it came: prepare, submit, abort, forced stop, retries, reads.
//!
//! Each is one request to the engine, or two where the first finds nothing to work on. Read next: `spec.rs`, `told.rs`.

use std::sync::Arc;

use engine::{Act, Answer, Begin, Filter, Page, TopicAsk, Topics, Until};
use transaction::refusal::{ALREADY_DECIDED, ALREADY_FINAL, NOT_INTERACTIVE, TRANSACTION_UNKNOWN};
use transaction::{Command, Decision, Mode, Pattern, Phase, Refusal, RefusalKind, Spec, Transaction};

use super::DtmConfig;
use super::asked::Asked;
use super::spec::{Making, topics_of};
use super::told::{Outcome, Told, cannot, result, status, status_of};
use crate::http::Admitted;

/// How long `wait_result` holds an answer at most, in milliseconds: DTM's own pass ends earlier.
const RESULT_WITHIN_MS: u64 = 30_000;

/// The verbs, for one caller.
#[derive(Clone)]
pub(crate) struct Verbs {
    pub(super) admitted: Admitted,
}

/// What a begin found.
enum Begun {
    /// It is new.
    New(Arc<Transaction>),
    /// It was begun before, with the same content.
    Before(Arc<Transaction>),
    /// The gid stands for a transaction with other content.
    Other(Arc<Transaction>),
}

impl Verbs {
    /// The verbs for this caller.
    pub(crate) fn of(admitted: Admitted) -> Verbs {
        Verbs { admitted }
    }

    pub(super) fn config(&self) -> &DtmConfig {
        self.admitted.dtm()
    }

    /// Opens a TCC, an XA or a message whose first phase the client runs itself. The same again is a success while it is
    /// prepared.
    pub(super) async fn prepare(&self, asked: &Asked) -> Outcome {
        let pattern = asked.pattern()?;
        if pattern == Pattern::Saga {
            return Err(Told::Fault("a saga is submitted, it cannot be prepared".to_owned()));
        }
        match self.begin(asked, (Mode::Interactive, 0)).await? {
            Begun::New(_) => Ok(()),
            Begun::Before(known) if status(&known) == "prepared" => Ok(()),
            // As DTM has it: while it is prepared, what was prepared first stands.
            Begun::Other(known) if status(&known) == "prepared" && known.spec.pattern == pattern => Ok(()),
            Begun::Before(known) | Begun::Other(known) => Err(cannot("prepare", &known)),
        }
    }

    /// Submits: begins a saga or a message, confirms what was prepared, ends a workflow.
    pub(super) async fn submit(&self, asked: &Asked) -> Outcome {
        let wait_ms = if asked.options.wait_result { RESULT_WITHIN_MS } else { 0 };
        match asked.pattern()? {
            Pattern::Saga => {
                let begun = self.begin(asked, (Mode::Managed, wait_ms)).await?;
                self.submitted(asked, begun)
            }
            Pattern::Tcc | Pattern::Xa => self.confirm(asked, (Command::Confirm, wait_ms)).await,
            // With a place to ask back it was prepared, most likely.
            Pattern::Message if !asked.query_prepared.is_empty() => {
                self.confirm(asked, (Command::Confirm, wait_ms)).await
            }
            Pattern::Message => match self.begin(asked, (Mode::Managed, wait_ms)).await? {
                Begun::Other(known) if status(&known) == "prepared" => {
                    self.confirm(asked, (Command::Confirm, wait_ms)).await
                }
                begun => self.submitted(asked, begun),
            },
            Pattern::Workflow => self.conclude(asked, wait_ms).await,
        }
    }

    fn submitted(&self, asked: &Asked, begun: Begun) -> Outcome {
        match begun {
            Begun::New(transaction) => self.outcome(asked, &transaction),
            Begun::Before(known) => self.again(asked, &known),
            // A topic may have other subscribers now: the message that was begun stands.
            Begun::Other(known) if topics_of(asked).next().is_some() => self.again(asked, &known),
            Begun::Other(known) => Err(cannot("sumbmit", &known)),
        }
    }

    /// Confirms what was prepared; what was never prepared is begun first, as DTM does.
    async fn confirm(&self, asked: &Asked, (command, wait_ms): (Command, u64)) -> Outcome {
        let answer = match self.act(&asked.gid, (command.clone(), wait_ms)).await {
            Err(refusal) if is(&refusal, &[&TRANSACTION_UNKNOWN]) && asked.pattern()? == Pattern::Message => {
                let begun = self.begin(asked, (Mode::Managed, wait_ms)).await?;
                return self.submitted(asked, begun);
            }
            Err(refusal) if is(&refusal, &[&TRANSACTION_UNKNOWN]) => {
                self.begin(asked, (Mode::Interactive, 0)).await?;
                self.act(&asked.gid, (command, wait_ms)).await
            }
            answer => answer,
        };
        match answer {
            Ok(answer) if answer.replayed => self.again(asked, &answer.transaction),
            Ok(answer) => self.outcome(asked, &answer.transaction),
            Err(refusal) => Err(self.conflict(&asked.gid, "sumbmit", refusal).await),
        }
    }

    /// Ends a workflow as its client says.
    async fn conclude(&self, asked: &Asked, wait_ms: u64) -> Outcome {
        let decision = match asked.extra("status").unwrap_or_default() {
            "succeed" => Decision::Confirm,
            "failed" => Decision::Cancel,
            other => {
                let shown: String = other.chars().take(64).collect();
                return Err(Told::Fault(format!(
                    "req_extra.status is '{shown}': it must be succeed or failed"
                )));
            }
        };
        let reason = asked.extra("rollback_reason").filter(|reason| !reason.is_empty());
        let result = asked.extra("result").filter(|result| !result.is_empty());
        let command =
            Command::Conclude { decision, detail: reason.map(Arc::from), result: result.map(Arc::from) };
        match self.act(&asked.gid, (command, wait_ms)).await {
            // Whoever is told the end of a workflow again is told that it stands.
            Ok(answer) if answer.replayed => Err(cannot("sumbmit", &answer.transaction)),
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.conflict(&asked.gid, "sumbmit", refusal).await),
        }
    }

    /// Cancels what was prepared. The same again is a success while it is being undone.
    pub(super) async fn abort(&self, asked: &Asked) -> Outcome {
        let pattern = asked.pattern()?;
        if !matches!(pattern, Pattern::Tcc | Pattern::Xa | Pattern::Message) {
            let known = self.read(&asked.gid).await?;
            return Err(cannot("abort", &known));
        }
        let wait_ms = if asked.options.wait_result { RESULT_WITHIN_MS } else { 0 };
        let detail = Some(&asked.rollback_reason).filter(|reason| !reason.is_empty());
        let command = Command::Cancel { detail: detail.map(|reason| Arc::from(&**reason)) };
        match self.act(&asked.gid, (command, wait_ms)).await {
            Ok(answer) if answer.replayed && answer.transaction.phase.is_final() => {
                Err(cannot("abort", &answer.transaction))
            }
            Ok(answer) if asked.options.wait_result && !answer.transaction.phase.is_final() => {
                result(&answer.transaction, self.config())
            }
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.conflict(&asked.gid, "abort", refusal).await),
        }
    }

    /// Opens a workflow, or answers the one that the gid stands for.
    pub(super) async fn prepare_workflow(&self, asked: &Asked) -> Result<Arc<Transaction>, Told> {
        if asked.pattern()? != Pattern::Workflow {
            return Err(Told::Fault("prepareWorkflow needs trans_type workflow".to_owned()));
        }
        // Whoever only asks how far it has come need not say again where it is resumed.
        let known = match asked.query_prepared.as_str() {
            "" => self.find(&asked.gid).await?,
            _ => None,
        };
        let known = match known {
            Some(known) => known,
            None => match self.begin(asked, (Mode::Interactive, 0)).await? {
                Begun::New(known) | Begun::Before(known) | Begun::Other(known) => known,
            },
        };
        // The end of another kind of transaction is not its end.
        if known.spec.pattern == Pattern::Workflow { Ok(known) } else { Err(cannot("prepare", &known)) }
    }

    /// Gives a transaction up by force.
    pub(super) async fn force_stop(&self, gid: &str) -> Outcome {
        let detail = Arc::from("forceStop");
        match self.act(&gid.into(), (Command::Stop { detail }, 0)).await {
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.conflict(gid, "force stop", refusal).await),
        }
    }

    /// Has everything that waits of a transaction done now.
    pub(super) async fn retry_now(&self, gid: &str) -> Outcome {
        match self.act(&gid.into(), (Command::Retry, 0)).await {
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.conflict(gid, "reset next cron time", refusal).await),
        }
    }

    /// A transaction, if the gid stands for one.
    pub(super) async fn find(&self, gid: &str) -> Result<Option<Arc<Transaction>>, Told> {
        if gid.is_empty() {
            return Err(Told::Fault("no gid specified".to_owned()));
        }
        match self.look(gid, 0).await {
            Ok(known) => Ok(Some(known)),
            Err(refusal) if is(&refusal, &[&TRANSACTION_UNKNOWN]) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// One page of transactions, newest first.
    pub(super) async fn list(&self, filter: Filter) -> Result<Page, Told> {
        Ok(self.admitted.ask(|engine, respond| engine.list(filter, respond)).await?)
    }

    /// Changes or reads topics.
    pub(super) async fn topics(&self, ask: TopicAsk) -> Result<Topics, Refusal> {
        self.admitted.ask(|engine, respond| engine.topics(ask, respond)).await
    }

    /// Asks something of a transaction.
    pub(super) async fn act(
        &self,
        gid: &Arc<str>,
        (command, wait_ms): (Command, u64),
    ) -> Result<Answer, Refusal> {
        let (id, command) = (Arc::clone(gid), Some(command));
        self.admitted.act(Act { id, command, key: None, wait_ms, until: Until::AtRest }).await
    }

    async fn begin(&self, asked: &Asked, (mode, wait_ms): (Mode, u64)) -> Result<Begun, Told> {
        let mut topics = Vec::new();
        for name in topics_of(asked) {
            topics.extend(self.topics(TopicAsk::Read(name.into())).await?);
        }
        let making = Making { config: self.config(), judge: self.admitted.judge(), topics: &topics };
        let spec = making.spec(asked, mode)?;
        self.admitted.validate(&spec)?;
        let (spec, trace) = (Arc::new(spec), self.admitted.trace());
        let begin = Begin { spec: Arc::clone(&spec), trace, key: None, wait_ms, until: Until::AtRest };
        match self.admitted.begin(begin).await {
            Ok(answer) if answer.replayed => Ok(Begun::Before(answer.transaction)),
            Ok(answer) => Ok(Begun::New(answer.transaction)),
            Err(refusal) if is(&refusal, &[&engine::refusal::IDEMPOTENCY_MISMATCH]) => {
                let known = self.read(&asked.gid).await?;
                if !is_alike(&spec, &known.spec) {
                    return Ok(Begun::Other(known));
                }
                Ok(Begun::Before(self.look(&asked.gid, wait_ms).await?))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// What whoever submits for the first time is told.
    fn outcome(&self, asked: &Asked, transaction: &Transaction) -> Outcome {
        if asked.options.wait_result { result(transaction, self.config()) } else { Ok(()) }
    }

    /// What whoever submits again is told: a success while it goes on.
    fn again(&self, asked: &Asked, known: &Transaction) -> Outcome {
        match status(known) {
            "submitted" => self.outcome(asked, known),
            "succeed" if asked.options.wait_result => Ok(()),
            _ => Err(cannot("sumbmit", known)),
        }
    }

    /// A refusal that comes of where the transaction stands is told by that, as DTM does.
    async fn conflict(&self, gid: &str, verb: &str, refusal: Refusal) -> Told {
        if !is(&refusal, &[&ALREADY_DECIDED, &ALREADY_FINAL, &NOT_INTERACTIVE]) {
            return refusal.into();
        }
        match self.look(gid, 0).await {
            Ok(known) => cannot(verb, &known),
            Err(refusal) => refusal.into(),
        }
    }

    async fn read(&self, gid: &str) -> Result<Arc<Transaction>, Told> {
        if gid.is_empty() {
            return Err(Told::Fault("no gid specified".to_owned()));
        }
        Ok(self.look(gid, 0).await?)
    }

    /// The transaction, once it rests or the wait is over.
    async fn look(&self, gid: &str, wait_ms: u64) -> Result<Arc<Transaction>, Refusal> {
        let act = Act { id: gid.into(), command: None, key: None, wait_ms, until: Until::AtRest };
        Ok(self.admitted.act(act).await?.transaction)
    }
}

/// Whether two are the same but for the text of their options: waiting for the result is one request's own.
fn is_alike(asked: &Spec, known: &Spec) -> bool {
    let shown = |spec: &Spec| spec.terms.as_ref().and_then(|terms| terms.options.clone());
    let mut plain = asked.clone();
    if let Some(terms) = &mut plain.terms {
        terms.options = shown(known);
    }
    plain == *known
}

/// The phases that a status of DTM stands for, by pattern; `None`: there is no such status.
pub(super) fn phases(status: &str) -> Option<Vec<(Pattern, Phase)>> {
    let all = Pattern::ALL.iter().flat_map(|pattern| Phase::ALL.map(|phase| (*pattern, phase)));
    let found: Vec<_> = all.filter(|(pattern, phase)| status_of(*phase, *pattern) == status).collect();
    (!found.is_empty()).then_some(found)
}

pub(super) fn is(refusal: &Refusal, kinds: &[&'static RefusalKind]) -> bool {
    kinds.iter().any(|kind| std::ptr::eq(*kind, refusal.kind))
}
