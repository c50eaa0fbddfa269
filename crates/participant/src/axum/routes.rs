//! What happens to a request: identity, books, barrier, business, answer.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use http::StatusCode;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;
use transaction::Operation;

use super::{Asked, Books, Deliver, PassResult, Received, Saga, Tcc};
use crate::barrier::{Business, Fault, Pending};
use crate::call::{Answer, Call, Outcome};
use crate::database::{Dialect, Local};

/// A branch's body may have a MiB, and its try's result comes beside it.
const BODY_MAX: usize = 2 * 1024 * 1024;

/// The routes `/try`, `/confirm` and `/cancel`.
pub fn tcc<D: Dialect, S: Tcc<D>>(service: S, books: impl Books<D>) -> Router {
    let service = Arc::new(OfTcc(service));
    Router::new()
        .route("/try", operation(&service, books.clone(), "try"))
        .route("/confirm", operation(&service, books.clone(), "confirm"))
        .route("/cancel", operation(&service, books, "cancel"))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// The routes `/action` and `/compensate`.
pub fn saga<D: Dialect, S: Saga<D>>(service: S, books: impl Books<D>) -> Router {
    let service = Arc::new(OfSaga(service));
    Router::new()
        .route("/action", operation(&service, books.clone(), "action"))
        .route("/compensate", operation(&service, books, "compensate"))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// The route `/deliver`.
pub fn deliver<D: Dialect, S: Deliver<D>>(service: S, books: impl Books<D>) -> Router {
    let service = Arc::new(OfDeliver(service));
    Router::new()
        .route("/deliver", operation(&service, books, "deliver"))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// The route `/check`, for the initiator of prepared messages: done once its [`Barrier::submit`](crate::barrier::Barrier::submit)
/// is committed; otherwise refused for good, and no submit can follow.
pub fn check<D: Dialect>(books: impl Books<D>) -> Router {
    Router::new().route("/check", operation::<D, _, _>(&Arc::new(Checks), books, "check"))
}

/// What the three kinds of service have in common: an operation is carried out.
trait Carry<D: Dialect>: Send + Sync + 'static {
    type Body: DeserializeOwned + Send + Sync + 'static;
    const PASS_RESULT: PassResult;

    fn carry(
        &self,
        local: Local<'_, D>,
        asked: Asked<'_, Self::Body>,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;
}

struct OfTcc<S>(S);
struct OfSaga<S>(S);
struct OfDeliver<S>(S);

impl<D: Dialect, S: Tcc<D>> Carry<D> for OfTcc<S> {
    type Body = S::Body;
    const PASS_RESULT: PassResult = S::PASS_RESULT;

    async fn carry(&self, local: Local<'_, D>, asked: Asked<'_, S::Body>) -> Result<Outcome, Fault> {
        match asked.call.operation {
            Operation::Try => self.0.on_try(local, asked).await,
            Operation::Confirm => self.0.on_confirm(local, asked).await,
            Operation::Cancel => self.0.on_cancel(local, asked).await,
            Operation::Check => Err(Fault::of("a check-back has no business change")),
        }
    }
}

impl<D: Dialect, S: Saga<D>> Carry<D> for OfSaga<S> {
    type Body = S::Body;
    const PASS_RESULT: PassResult = S::PASS_RESULT;

    async fn carry(&self, local: Local<'_, D>, asked: Asked<'_, S::Body>) -> Result<Outcome, Fault> {
        match asked.call.operation {
            Operation::Try => self.0.on_action(local, asked).await,
            Operation::Cancel => self.0.on_compensate(local, asked).await,
            Operation::Confirm | Operation::Check => Err(Fault::of("a saga has no such operation")),
        }
    }
}

impl<D: Dialect, S: Deliver<D>> Carry<D> for OfDeliver<S> {
    type Body = S::Body;
    const PASS_RESULT: PassResult = PassResult::No;

    async fn carry(&self, local: Local<'_, D>, asked: Asked<'_, S::Body>) -> Result<Outcome, Fault> {
        self.0.on_deliver(local, asked).await
    }
}

/// A check-back has no business change: the barrier's rows are the answer.
struct Checks;

impl<D: Dialect> Carry<D> for Checks {
    type Body = IgnoredAny;
    const PASS_RESULT: PassResult = PassResult::No;

    async fn carry(&self, _: Local<'_, D>, _: Asked<'_, IgnoredAny>) -> Result<Outcome, Fault> {
        Err(Fault::of("a check-back has no business change"))
    }
}

/// One route: who it is served by, where the books are, and which operation it is for.
struct Route<D, C, B> {
    service: Arc<C>,
    books: B,
    name: &'static str,
    dialect: PhantomData<fn() -> D>,
}

impl<D, C, B: Clone> Clone for Route<D, C, B> {
    fn clone(&self) -> Self {
        let Route { service, books, name, .. } = self;
        Route { service: Arc::clone(service), books: books.clone(), name, dialect: PhantomData }
    }
}

fn operation<D: Dialect, C: Carry<D>, B: Books<D>>(
    service: &Arc<C>,
    books: B,
    name: &'static str,
) -> MethodRouter {
    let route = Route::<D, C, B> { service: Arc::clone(service), books, name, dialect: PhantomData };
    post(receive::<D, C, B>).with_state(route)
}

async fn receive<D: Dialect, C: Carry<D>, B: Books<D>>(
    State(route): State<Route<D, C, B>>,
    received: Received,
) -> Response {
    if received.call.name() != route.name {
        let detail = format!("the operation {} came to the address of {}", received.call.name(), route.name);
        return Answer::problem(StatusCode::BAD_REQUEST, "operation_mismatch", &detail).into_response();
    }
    // In a task of its own: who called may hang up, and what was begun must not stop half-way for that.
    let done = tokio::spawn(async move { route.answer(&received).await });
    let answer = done.await.unwrap_or_else(|fault| Fault::of(fault).answer());
    answer.into_response()
}

impl<D: Dialect, C: Carry<D>, B: Books<D>> Route<D, C, B> {
    async fn answer(&self, received: &Received) -> Answer {
        let done = async {
            let barrier = self.books.of(&received.call, &received.body).await?;
            let step = Step { service: &*self.service, received };
            barrier.run(&received.call, &step).await
        };
        done.await.unwrap_or_else(|fault| {
            let Call { branch, attempt, .. } = &received.call;
            tracing::error!(
                transaction = branch.transaction,
                branch = branch.branch,
                operation = self.name,
                attempt,
                "{fault}"
            );
            fault.answer()
        })
    }
}

/// One operation, as the barrier runs it.
struct Step<'a, C> {
    service: &'a C,
    received: &'a Received,
}

#[derive(Deserialize)]
struct WithResult<'b> {
    #[serde(borrow)]
    body: &'b RawValue,
    #[serde(default)]
    result: Value,
}

/// Body and result. A branch without a body sends `{}` with its try, and `null` beside a result.
fn with_result<B: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<(B, Option<Value>)> {
    let WithResult { body, result } = serde_json::from_slice(bytes)?;
    let body = if body.get() == "null" { "{}" } else { body.get() };
    Ok((serde_json::from_str(body)?, Some(result)))
}

impl<D: Dialect, C: Carry<D>> Business<D> for Step<'_, C> {
    fn change<'t>(&'t self, local: Local<'t, D>) -> Pending<'t> {
        Box::pin(async move {
            let Received { call, body } = self.received;
            // Read behind the barrier: a cancel of what was never tried needs no body that can be read.
            let read = match (C::PASS_RESULT, call.operation) {
                (PassResult::Yes, Operation::Confirm | Operation::Cancel) => with_result(body),
                (PassResult::Yes | PassResult::No, _) => {
                    serde_json::from_slice(body).map(|body| (body, None))
                }
            };
            let (body, result): (C::Body, Option<Value>) = match read {
                Ok(read) => read,
                Err(fault) if call.operation == Operation::Try => {
                    return Ok(Outcome::refused("body_invalid", fault.to_string()));
                }
                Err(fault) => return Err(fault.into()),
            };
            self.service.carry(local, Asked { call, body: &body, result: result.as_ref() }).await
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_branch_without_a_body_has_the_one_that_its_try_had() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Body {
            #[serde(default)]
            n: i64,
        }
        let read = |text: &str| with_result::<Body>(text.as_bytes()).unwrap();
        assert_eq!(read(r#"{"body":null,"result":{"seat":7}}"#), (Body { n: 0 }, Some(json!({ "seat": 7 }))));
        assert_eq!(read(r#"{"body":{"n":3},"result":null}"#), (Body { n: 3 }, Some(Value::Null)));
        assert!(with_result::<Body>(br#"{"body":3,"result":null}"#).is_err());
    }
}
