//! The body of `POST /v1/transactions`, and what it asks for with the defaults filled in.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use transaction::refusal::{FIELD_MISSING, FIELD_UNEXPECTED, LABELS_INVALID, SPAN_INVALID};
use transaction::{CheckSpec, Mode, Order, Pattern, Refusal, Resume, Retry, Spec, Terms};
use utoipa::ToSchema;

use super::branch::{BranchBody, Judge};
use super::scalar::{Few, Object, Pair, Pairs, Span, Text};

/// A transaction to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Begin)]
pub(in crate::http) struct BeginBody<'a> {
    /// 1 to 128 characters of `A-Z a-z 0-9 . _ : / -`; without one the server makes a UUIDv7.
    #[schema(value_type = Option<String>)]
    id: Option<Text>,
    /// What kind of global transaction it is.
    #[schema(value_type = PatternName, required = true)]
    pattern: Option<PatternName>,
    /// Who runs the tries; `managed` unless given, a workflow is `interactive`.
    mode: Option<ModeName>,
    /// How branches follow each other; a saga is `sequential` unless given, the others `parallel`.
    order: Option<OrderName>,
    /// Bounds everything before the decision; 30000 unless given, a message and a workflow have none unless given.
    #[schema(value_type = Option<u64>)]
    deadline_ms: Option<Span>,
    /// The window between "all tried" and confirming in which a cancel still withdraws; 0 unless given; TCC only.
    #[schema(value_type = Option<u64>)]
    cooling_off_ms: Option<Span>,
    /// Hold the answer until the transaction is final, at most so long, at most 60000; 0 unless given.
    #[schema(value_type = Option<u64>)]
    wait_ms: Option<Span>,
    /// How branch calls are repeated.
    #[schema(value_type = Option<RetryBody>)]
    retry: Option<Object<RetryBody>>,
    /// Labels to find it by, at most 16.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    labels: Option<Pairs>,
    /// Where a prepared message is checked back: needed for an interactive message, nowhere else allowed.
    #[schema(value_type = Option<String>)]
    check: Option<Text>,
    /// When it is checked back if neither confirm nor cancel has come; 10000 unless given.
    #[schema(value_type = Option<u64>)]
    check_after_ms: Option<Span>,
    /// Workflow: where its initiator is called to go on; needed.
    #[schema(value_type = Option<String>)]
    resume: Option<Text>,
    /// Workflow: when that is called if it has not ended by then, and how often from then on; 10000 unless given.
    #[schema(value_type = Option<u64>)]
    resume_after_ms: Option<Span>,
    /// Workflow: JSON that is sent as the body of every resume call, byte for byte.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    input: Option<&'a RawValue>,
    /// The branches known from the start; an interactive transaction may register more.
    #[serde(borrow)]
    #[schema(value_type = Option<Vec<BranchBody>>)]
    branches: Option<Few<Object<BranchBody<'a>>>>,
}

/// How branch calls are repeated: capped exponential back-off with jitter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Retry)]
pub(in crate::http) struct RetryBody {
    /// The first delay; 200 unless given.
    #[schema(value_type = Option<u64>)]
    initial_ms: Option<Span>,
    /// The longest delay; 60000 unless given, or the first delay when that is longer.
    #[schema(value_type = Option<u64>)]
    max_ms: Option<Span>,
    /// After so many failed attempts of one operation the transaction needs attention; 10 unless given.
    #[schema(value_type = Option<u32>)]
    attention_after: Option<Span>,
}

/// What kind of global transaction it is.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Pattern)]
pub(in crate::http) enum PatternName {
    /// Try every branch, then confirm all or cancel all.
    Tcc,
    /// Act branch by branch; on a refusal compensate what was started, in reverse.
    Saga,
    /// Deliver to every branch, once submitted.
    Message,
    /// Databases that prepare, and commit or roll back when told to.
    Xa,
    /// Steps that the initiator runs itself; the coordinator keeps their progress and calls back to go on.
    Workflow,
}

/// Who runs the tries.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Mode)]
pub(in crate::http) enum ModeName {
    /// The coordinator runs them and decides.
    Managed,
    /// The initiator runs them and then confirms or cancels.
    Interactive,
}

/// How branches follow each other.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Order)]
pub(in crate::http) enum OrderName {
    /// All at once, but for what `after` holds back.
    Parallel,
    /// One after another in the order of registration.
    Sequential,
}

const DEADLINE_MS: u64 = 30_000;
const CHECK_AFTER_MS: u64 = 10_000;
/// A resume call may run the rest of a workflow.
const RESUME_TIMEOUT_MS: u64 = 30_000;

impl BeginBody<'_> {
    /// How long the answer may be held, in milliseconds.
    pub(in crate::http) fn wait_ms(&self) -> Result<u64, Refusal> {
        super::wait(self.wait_ms)
    }

    /// What is asked for. Shapes and URLs are checked; `transaction::validate` checks the rest.
    pub(in crate::http) fn into_spec(self, judge: &Judge<'_>) -> Result<Spec, Refusal> {
        let pattern = match self.pattern {
            Some(PatternName::Tcc) => Pattern::Tcc,
            Some(PatternName::Saga) => Pattern::Saga,
            Some(PatternName::Message) => Pattern::Message,
            Some(PatternName::Xa) => Pattern::Xa,
            Some(PatternName::Workflow) => Pattern::Workflow,
            None => return Err(FIELD_MISSING.at("/pattern", "a transaction needs its pattern")),
        };
        let mode = match self.mode {
            None if pattern == Pattern::Workflow => Mode::Interactive,
            Some(ModeName::Managed) | None => Mode::Managed,
            Some(ModeName::Interactive) => Mode::Interactive,
        };
        let order = match self.order {
            Some(OrderName::Parallel) => Order::Parallel,
            Some(OrderName::Sequential) => Order::Sequential,
            None => pattern.default_order(),
        };
        let asked = Asked {
            check: self.check,
            check_after_ms: self.check_after_ms,
            resume: self.resume,
            resume_after_ms: self.resume_after_ms,
            input: self.input,
        };
        let (check, terms) = asked.into_callback(pattern, judge)?;
        let bodies = self.branches.map_or_else(Vec::new, |few| few.0);
        let mut branches = Vec::with_capacity(bodies.len());
        for (index, Object(body)) in bodies.into_iter().enumerate() {
            let spec = body.into_spec((pattern, mode), judge).map_err(|refusal| inside(index, refusal))?;
            branches.push(Arc::new(spec));
        }
        Ok(Spec {
            id: self.id.map_or_else(fresh_id, |text| text.0),
            pattern,
            mode,
            order,
            deadline_ms: deadline(pattern, self.deadline_ms),
            cooling_off_ms: self.cooling_off_ms.map_or(0, |span| span.0),
            retry: self.retry.map_or_else(|| Ok(Retry::default()), |Object(body)| body.into_retry())?,
            labels: labels(self.labels)?,
            check,
            branches,
            terms,
        })
    }
}

fn fresh_id() -> Arc<str> {
    let mut buffer = uuid::Uuid::encode_buffer();
    Arc::from(&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer))
}

fn inside(index: usize, refusal: Refusal) -> Refusal {
    let at = refusal.at.map_or_else(|| format!("/branches/{index}"), |at| format!("/branches/{index}{at}"));
    Refusal { at: Some(at), ..refusal }
}

fn deadline(pattern: Pattern, given: Option<Span>) -> Option<u64> {
    match (given, pattern) {
        (Some(span), _) => Some(span.0),
        (None, Pattern::Tcc | Pattern::Saga | Pattern::Xa) => Some(DEADLINE_MS),
        (None, Pattern::Message | Pattern::Workflow) => None,
    }
}

fn labels(given: Option<Pairs>) -> Result<Vec<Pair>, Refusal> {
    let mut labels = given.map_or_else(Vec::new, |pairs| pairs.0);
    labels.sort_unstable();
    if labels.iter().any(|(_, value)| value.contains('\0')) {
        return Err(LABELS_INVALID.at("/labels", "a label's value holds a zero character"));
    }
    Ok(labels)
}

/// The fields that say how the initiator is called back.
struct Asked<'a> {
    check: Option<Text>,
    check_after_ms: Option<Span>,
    resume: Option<Text>,
    resume_after_ms: Option<Span>,
    input: Option<&'a RawValue>,
}

/// How the initiator is called back, and the terms that go with it.
type CalledBack = (Option<CheckSpec>, Option<Box<Terms>>);

impl Asked<'_> {
    fn into_callback(self, pattern: Pattern, judge: &Judge<'_>) -> Result<CalledBack, Refusal> {
        let only_a_workflow = [
            ("/resume", self.resume.is_some()),
            ("/resume_after_ms", self.resume_after_ms.is_some()),
            ("/input", self.input.is_some()),
        ];
        let only_a_message =
            [("/check", self.check.is_some()), ("/check_after_ms", self.check_after_ms.is_some())];
        let (strange, why) = match pattern {
            Pattern::Workflow => {
                (&only_a_message[..], "a workflow is resumed, not checked back: see `resume`")
            }
            Pattern::Tcc | Pattern::Saga | Pattern::Message | Pattern::Xa => {
                (&only_a_workflow[..], "only a workflow is resumed")
            }
        };
        if let Some((at, _)) = strange.iter().find(|(_, is_given)| *is_given) {
            return Err(FIELD_UNEXPECTED.at(*at, why));
        }
        if pattern == Pattern::Workflow {
            let body = Arc::from(self.input.map_or("", RawValue::get).as_bytes());
            let resume = Some(Resume { name: Arc::from(""), body });
            let terms = Terms { resume, timeout_ms: RESUME_TIMEOUT_MS, ..Terms::default() };
            let check = at("/resume", self.resume, (self.resume_after_ms, judge))?;
            return Ok((check, Some(Box::new(terms))));
        }
        if self.check.is_none() && self.check_after_ms.is_some() {
            return Err(FIELD_UNEXPECTED.at("/check_after_ms", "nothing is checked back without `check`"));
        }
        Ok((at("/check", self.check, (self.check_after_ms, judge))?, None))
    }
}

fn at(
    field: &str,
    url: Option<Text>,
    (after, judge): (Option<Span>, &Judge<'_>),
) -> Result<Option<CheckSpec>, Refusal> {
    let Some(Text(given)) = url else { return Ok(None) };
    let url = judge.url(field, &given)?;
    Ok(Some(CheckSpec { url, after_ms: after.map_or(CHECK_AFTER_MS, |span| span.0) }))
}

impl RetryBody {
    fn into_retry(self) -> Result<Retry, Refusal> {
        let default = Retry::default();
        let initial_ms = self.initial_ms.map_or(default.initial_ms, |span| span.0);
        let max_ms = self.max_ms.map_or(default.max_ms.max(initial_ms), |span| span.0);
        let attention_after = match self.attention_after {
            None => default.attention_after,
            Some(Span(count)) => u32::try_from(count)
                .map_err(|_| SPAN_INVALID.at("/retry/attention_after", format!("{count} is too large")))?,
        };
        Ok(Retry { initial_ms, max_ms, attention_after })
    }
}

#[cfg(test)]
mod tests;
