//! A `sql` resource: an existing table that the server changes by declared statements, behind the barrier.
//!
//! The statements are compiled when the file is read, the values of a branch are bound to them. The barrier's row and the
//! change are one local transaction of one source. It must never answer a fault as a refusal, nor splice a value.
//!
//! Read next: `text.rs` (statements), `change.rs` (what runs), `route.rs` and `source.rs` (where).

mod change;
mod route;
mod source;
mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::Engine;
use participant::barrier::Fault;
use participant::call::{Answer, Branch, Call as Asked, Content};
use serde_json::{Value as Json, json};
use transaction::refusal::KIND_UNSUPPORTED;
use transaction::{Call, Operation, Pattern, Refusal, Reply};

use self::change::{Change, Step};
pub(super) use self::route::{Placed, Route};
pub(super) use self::source::Source;
use self::text::Grammar;
use super::declared::{SqlBody, StepBody};
use super::parameters::{self, Types};
use super::{Carried, Rebuilding, Replying, Resource, ResourceFault, ResourceKind};
use crate::call::answered;
use crate::refusal::FIELD_INVALID;

/// A declared table.
pub(super) struct SqlResource {
    types: Types,
    route: Route,
    steps: Steps,
}

/// The statements of each operation; `None`: the resource has no such operation.
struct Steps {
    attempt: Option<Arc<[Step]>>,
    confirm: Option<Arc<[Step]>>,
    cancel: Option<Arc<[Step]>>,
    action: Option<Arc<[Step]>>,
    compensate: Option<Arc<[Step]>>,
    deliver: Option<Arc<[Step]>>,
}

impl SqlResource {
    /// Compiles what is declared.
    ///
    /// # Errors
    /// The first thing wrong, with its place in the resource.
    pub(super) fn new(body: SqlBody, route: Route) -> Result<SqlResource, ResourceFault> {
        let types: Types = body.parameters.into_iter().collect();
        for name in types.keys() {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
            if !is_name || name.starts_with("tercet_") {
                return Err(fault(
                    "/parameters",
                    format!("{name} is no name of letters, digits and _, or one of ours"),
                ));
            }
        }
        route.fits(&types).map_err(|(at, why)| fault(at, why))?;
        let grammar = route.grammar().ok_or_else(|| {
            fault("", "the rules lead to databases of several kinds: one statement can't be for all of them")
        })?;
        let compile =
            |at: &'static str, steps: Option<Vec<StepBody>>| -> Result<Option<Arc<[Step]>>, ResourceFault> {
                let Some(steps) = steps else { return Ok(None) };
                let one = |step: StepBody| step.compile(at, (&types, grammar)).map_err(|why| fault(at, why));
                steps.into_iter().map(one).collect::<Result<_, _>>().map(Some)
            };
        let steps = Steps {
            attempt: compile("/try", body.attempt.map(|steps| steps.0))?,
            confirm: compile("/confirm", body.confirm.map(|steps| steps.0))?,
            cancel: compile("/cancel", body.cancel.map(|steps| steps.0))?,
            action: compile("/action", body.action.map(|steps| steps.0))?,
            compensate: compile("/compensate", body.compensate.map(|steps| steps.0))?,
            deliver: compile("/deliver", body.deliver.map(|steps| steps.0))?,
        };
        steps.are_whole()?;
        steps.use_all(&types, &route)?;
        Ok(SqlResource { types, route, steps })
    }

    /// The tables that its statements plainly name.
    pub(super) fn tables(&self) -> impl Iterator<Item = String> + '_ {
        self.steps.every().filter_map(|step| step.compiled.table.clone())
    }

    /// Every source that a branch may be at.
    pub(super) fn sources(&self) -> Vec<&Arc<Source>> {
        self.route.every()
    }

    async fn asked(&self, call: &Call) -> Result<Answer, Fault> {
        let body = call.body.as_deref().unwrap_or("{}");
        let values = parameters::read(&self.types, body)
            .map_err(|refusal| Fault::of(format!("the parameters do not fit any more: {refusal}")))?;
        let (pattern, operation) =
            Operation::read(call.operation).ok_or_else(|| Fault::of("no such operation"))?;
        let steps = self
            .steps
            .of(pattern, operation)
            .ok_or_else(|| Fault::of(format!("the resource does not declare {} any more", call.operation)))?;
        let branch = Branch { transaction: call.transaction.to_string(), branch: call.branch.to_string() };
        let source = self.route.source(&values).map_err(|unmatched| Fault::of(unmatched.to_string()))?;
        let change = Change { steps: Arc::clone(steps), values, branch: branch.clone() };
        let content = Content::of(body.as_bytes());
        let asked = Asked { branch, pattern, operation, attempt: call.attempt, content };
        source.run(asked, change).await
    }
}

impl Resource for SqlResource {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Sql
    }

    fn serves(&self, pattern: Pattern) -> Result<(), Refusal> {
        let (needed, name) = match pattern {
            Pattern::Tcc => (&self.steps.attempt, "try, confirm and cancel"),
            Pattern::Saga => (&self.steps.action, "action"),
            Pattern::Message => (&self.steps.deliver, "deliver"),
            Pattern::Xa | Pattern::Workflow => (&None, "what this pattern would need"),
        };
        match needed {
            Some(_) => Ok(()),
            None => Err(KIND_UNSUPPORTED.at("/resource", format!("the resource does not declare {name}"))),
        }
    }

    fn fits(&self, parameters: &str) -> Result<(), Refusal> {
        let values = parameters::read(&self.types, parameters)?;
        let placed = self.route.source(&values).map(drop);
        placed.map_err(|unmatched| FIELD_INVALID.at("/parameters", unmatched.to_string()))
    }

    fn compensates(&self) -> bool {
        self.steps.compensate.is_some()
    }

    fn carry_out<'a>(&'a self, call: &'a Call) -> Replying<'a> {
        Box::pin(async move {
            let reply = match self.asked(call).await {
                Ok(answer) => answered(answer.status, &answer.body),
                Err(fault) => Reply::Unknown { error: Arc::from(shown(&fault)) },
            };
            Carried { reply, place: None }
        })
    }

    fn begin(self: Arc<Self>, _: &Engine) {}

    fn stands(&self) -> Json {
        let names: Vec<&str> = self.sources().into_iter().map(|source| source.name()).collect();
        match &names[..] {
            [one] => json!({"source": one}),
            several => json!({"sources": several}),
        }
    }

    fn rebuild(&self) -> Rebuilding<'_> {
        Box::pin(async {
            Err(KIND_UNSUPPORTED.because("a table is its own truth: only a redis resource is rebuilt"))
        })
    }
}

impl StepBody {
    fn compile(self, at: &str, (types, grammar): (&Types, Grammar)) -> Result<Step, String> {
        let may_refuse = ["/try", "/action"].contains(&at);
        let refusal = match self.refusal {
            Some(_) if !may_refuse => return Err("only a try or an action may be refused".to_owned()),
            Some(code) if is_code(&code) => code,
            Some(code) => return Err(format!("the refusal {code:?} is not of the form snake_case")),
            None => "rows_differ".to_owned(),
        };
        let compiled = text::compile(&self.sql, grammar, types)?;
        Ok(Step { compiled, rows: self.rows, refusal: Arc::from(refusal) })
    }
}

/// A fault in words that anybody may read. PostgreSQL and MySQL quote values in what they say of data (SQLSTATE classes 22
/// and 23, and whatever has no class): there it ends at the first quote. SQLite quotes none, its codes are short.
fn shown(fault: &Fault) -> String {
    const OF_NO_VALUE: [&str; 9] = ["08", "25", "28", "3D", "40", "42", "53", "55", "57"];
    match fault {
        Fault::Database(sqlx::Error::Database(said)) => {
            let code = said.code().unwrap_or_default();
            let is_plain =
                (1..5).contains(&code.len()) || OF_NO_VALUE.iter().any(|class| code.starts_with(class));
            let words = said.message();
            let quote = if is_plain { None } else { words.find(['\'', '"', '`']) };
            match quote {
                None => format!("the database: {words} ({code})"),
                Some(at) => format!("the database: {}… ({code})", &words[..at]),
            }
        }
        Fault::Database(_)
        | Fault::Contended { .. }
        | Fault::AnswerTooLong { .. }
        | Fault::GivenUp
        | Fault::Away(_)
        | Fault::Business(_) => fault.to_string(),
    }
}

fn is_code(code: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&code.len()) && code.bytes().all(allowed)
}

fn fault(at: &str, why: impl Into<String>) -> ResourceFault {
    ResourceFault { at: at.to_owned(), why: why.into() }
}

impl Steps {
    fn of(&self, pattern: Pattern, operation: Operation) -> Option<&Arc<[Step]>> {
        let steps = match (operation, pattern) {
            (Operation::Try, Pattern::Tcc) => &self.attempt,
            (Operation::Confirm, Pattern::Tcc) => &self.confirm,
            (Operation::Cancel, Pattern::Tcc) => &self.cancel,
            (Operation::Try, Pattern::Saga) => &self.action,
            (Operation::Cancel, Pattern::Saga) => &self.compensate,
            (Operation::Confirm, Pattern::Message) => &self.deliver,
            (Operation::Try | Operation::Cancel, Pattern::Message)
            | (Operation::Confirm, Pattern::Saga)
            | (_, Pattern::Xa | Pattern::Workflow)
            | (Operation::Check, _) => &None,
        };
        steps.as_ref()
    }

    fn every(&self) -> impl Iterator<Item = &Step> {
        let all = [&self.attempt, &self.confirm, &self.cancel, &self.action, &self.compensate, &self.deliver];
        all.into_iter().flatten().flat_map(|steps| &**steps)
    }

    /// What is reserved must be taken or given back, and nothing else can be.
    fn are_whole(&self) -> Result<(), ResourceFault> {
        let tcc = [("/try", &self.attempt), ("/confirm", &self.confirm), ("/cancel", &self.cancel)];
        let has_some = tcc.iter().any(|(_, steps)| steps.is_some());
        if let Some((at, _)) = tcc.iter().find(|(_, steps)| has_some && steps.is_none()) {
            return Err(fault(at, "try, confirm and cancel belong together"));
        }
        if self.compensate.is_some() && self.action.is_none() {
            return Err(fault("/action", "compensate undoes an action: declare it"));
        }
        if !has_some && self.action.is_none() && self.deliver.is_none() {
            return Err(fault("", "a resource needs try, confirm and cancel, or action, or deliver"));
        }
        Ok(())
    }

    /// A parameter that nothing uses is a typing error somewhere.
    fn use_all(&self, types: &Types, route: &Route) -> Result<(), ResourceFault> {
        let used: BTreeSet<&str> =
            self.every().flat_map(|step| step.compiled.binds.iter().map(|name| &**name)).collect();
        match types.keys().find(|name| !used.contains(&***name) && !route.looks_at(name)) {
            None => Ok(()),
            Some(name) => Err(fault("/parameters", format!("no statement uses {name}"))),
        }
    }
}

#[cfg(test)]
mod tests;
