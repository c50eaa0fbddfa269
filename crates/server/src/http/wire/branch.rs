//! A branch as it is asked for, in a begin or by itself: which fields belong to which pattern and kind, and its URLs.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use transaction::refusal::{FIELD_MISSING, FIELD_UNEXPECTED, KIND_UNSUPPORTED};
use transaction::{BranchSpec, CallSpec, Header, Kind, Pattern, Refusal, Urls};
use url::Url;
use utoipa::ToSchema;

use super::scalar::{Few, Pairs, Span, Text};
use crate::http::parse::shortened;
use crate::listen::TargetJudge;
use crate::refusal::{TARGET_DENIED, URL_INVALID};

/// One participant's share.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Branch)]
pub(in crate::http) struct BranchBody<'a> {
    /// Unique in its transaction; the form of every id.
    #[schema(value_type = String, required = true)]
    id: Option<Text>,
    /// `call`: HTTP calls to a participant. `await`: tried when an outside fact is signalled.
    #[schema(value_type = String, required = true)]
    kind: Option<Text>,
    /// TCC: the URL that tries.
    #[serde(rename = "try")]
    #[schema(value_type = Option<String>)]
    attempt: Option<Text>,
    /// TCC: the URL that confirms.
    #[schema(value_type = Option<String>)]
    confirm: Option<Text>,
    /// TCC: the URL that cancels.
    #[schema(value_type = Option<String>)]
    cancel: Option<Text>,
    /// Saga: the URL that acts.
    #[schema(value_type = Option<String>)]
    action: Option<Text>,
    /// Saga: the URL that compensates; without one there is nothing to undo.
    #[schema(value_type = Option<String>)]
    compensate: Option<Text>,
    /// Message: the URL that it is delivered to.
    #[schema(value_type = Option<String>)]
    deliver: Option<Text>,
    /// JSON that is sent as the body of every call, byte for byte.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    body: Option<&'a RawValue>,
    /// Extra headers of every call.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    headers: Option<Pairs>,
    /// Bounds one call; 3000 unless given.
    #[schema(value_type = Option<u64>)]
    timeout_ms: Option<Span>,
    /// Branches, by id, that must be tried first.
    #[schema(value_type = Option<Vec<String>>)]
    after: Option<Few<Text>>,
    /// Confirm and cancel get `{"body":…,"result":…}`, the result being what the try answered.
    pass_result: Option<bool>,
    // Fields of kinds that come with the ledger: known, so that such a branch is refused for its kind.
    #[schema(ignore)]
    from: Option<IgnoredAny>,
    #[schema(ignore)]
    to: Option<IgnoredAny>,
    #[schema(ignore)]
    amount: Option<IgnoredAny>,
    #[schema(ignore)]
    item: Option<IgnoredAny>,
}

const TIMEOUT_MS: u64 = 3_000;
const URL_BYTES: usize = 2_048;

/// A URL field: where it is, the pattern it belongs to, and its value.
type UrlField = (&'static str, Pattern, Option<Text>);

impl BranchBody<'_> {
    /// The id, if it has one.
    pub(in crate::http) fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|text| &*text.0)
    }

    /// What is asked for, in a transaction of `pattern`. Pointers of refusals begin at the branch.
    pub(in crate::http) fn into_spec(
        self,
        pattern: Pattern,
        judge: &Judge<'_>,
    ) -> Result<BranchSpec, Refusal> {
        let Some(Text(id)) = self.id.clone() else {
            return Err(FIELD_MISSING.at("/id", "a branch needs an id"));
        };
        let after =
            self.after.clone().map_or_else(Vec::new, |few| few.0.into_iter().map(|text| text.0).collect());
        let kind = match self.kind.as_ref().map(|text| &*text.0) {
            Some("call") => self.into_call(pattern, judge)?,
            Some("await") => self.into_await()?,
            Some(other) => {
                let detail =
                    format!("`{}` is not a kind that is served: use call or await", shortened(other));
                return Err(KIND_UNSUPPORTED.at("/kind", detail));
            }
            None => return Err(FIELD_MISSING.at("/kind", "a branch needs its kind")),
        };
        Ok(BranchSpec { id, after, kind })
    }

    fn into_call(self, pattern: Pattern, judge: &Judge<'_>) -> Result<Kind, Refusal> {
        self.no_ledger_fields()?;
        let (headers, timeout_ms) = (self.headers.clone(), self.timeout_ms);
        let body = self.body.map(|raw| Arc::from(raw.get()));
        let pass_result = self.pass_result.unwrap_or(false);
        let urls = urls(self.into_urls(), pattern, judge)?;
        let headers = headers.map_or_else(Vec::new, |pairs| pairs.0);
        let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        let timeout_ms = timeout_ms.map_or(TIMEOUT_MS, |span| span.0);
        Ok(Kind::Call(CallSpec { urls, body, headers, timeout_ms, pass_result }))
    }

    fn into_await(self) -> Result<Kind, Refusal> {
        self.no_ledger_fields()?;
        let given = [
            ("/body", self.body.is_some()),
            ("/headers", self.headers.is_some()),
            ("/timeout_ms", self.timeout_ms.is_some()),
            ("/pass_result", self.pass_result.is_some()),
        ];
        let urls = self.into_urls().map(|(at, _, url)| (at, url.is_some()));
        match given.into_iter().chain(urls).find(|(_, is_given)| *is_given) {
            None => Ok(Kind::Await),
            Some((at, _)) => Err(FIELD_UNEXPECTED.at(at, "an await branch is signalled, not called")),
        }
    }

    fn no_ledger_fields(&self) -> Result<(), Refusal> {
        let fields =
            [("/from", &self.from), ("/to", &self.to), ("/amount", &self.amount), ("/item", &self.item)];
        match fields.into_iter().find(|(_, value)| value.is_some()) {
            None => Ok(()),
            Some((at, _)) => Err(FIELD_UNEXPECTED.at(at, "this kind of branch has no such field")),
        }
    }

    fn into_urls(self) -> [UrlField; 6] {
        [
            ("/try", Pattern::Tcc, self.attempt),
            ("/confirm", Pattern::Tcc, self.confirm),
            ("/cancel", Pattern::Tcc, self.cancel),
            ("/action", Pattern::Saga, self.action),
            ("/compensate", Pattern::Saga, self.compensate),
            ("/deliver", Pattern::Message, self.deliver),
        ]
    }
}

fn urls(fields: [UrlField; 6], pattern: Pattern, judge: &Judge<'_>) -> Result<Urls, Refusal> {
    let mut urls = Urls::default();
    for (at, belongs, given) in fields {
        let Some(Text(given)) = given else { continue };
        if belongs != pattern {
            let detail =
                format!("this field belongs to {}, the transaction is {}", belongs.name(), pattern.name());
            return Err(FIELD_UNEXPECTED.at(at, detail));
        }
        let slot = match at {
            "/try" | "/action" => &mut urls.attempt,
            "/confirm" | "/deliver" => &mut urls.confirm,
            _ => &mut urls.cancel,
        };
        *slot = Some(judge.url(at, &given)?);
    }
    Ok(urls)
}

/// The web's own rules would find a host in `http:///x` and in `http:\\x` too.
fn has_plain_host(given: &str) -> bool {
    let Some((scheme, rest)) = given.split_once("://") else { return false };
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    is_http && !rest.starts_with(['/', '?', '#']) && !given.contains('\\')
}

/// Says which URLs may be kept.
pub(in crate::http) struct Judge<'a> {
    /// The operator's rules, as far as they can be told without a look-up.
    pub(in crate::http) targets: Option<&'a TargetJudge>,
}

impl Judge<'_> {
    /// The URL in the one form in which it is kept and called, so that nobody reads it in another way later.
    pub(in crate::http) fn url(&self, at: &str, given: &str) -> Result<Arc<str>, Refusal> {
        let invalid = |why: &str| URL_INVALID.at(at, why);
        if given.len() > URL_BYTES {
            return Err(invalid("the URL is longer than 2048 bytes"));
        }
        if !given.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid(
                "the URL holds a blank, or a character outside ASCII that is not percent-encoded",
            ));
        }
        if !has_plain_host(given) {
            return Err(invalid("the URL must begin with http:// or https:// and a host"));
        }
        let url = Url::parse(given).map_err(|error| invalid(&format!("{error}")))?;
        if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("the URL must have a host, and no user name or password"));
        }
        if url.fragment().is_some() {
            return Err(invalid("a fragment is never sent: leave it out"));
        }
        // A participant is `host:port`, and http reads a URI more strictly than the web does.
        if url.port() == Some(0) || url.as_str().parse::<http::Uri>().is_err() {
            return Err(invalid("the URL cannot be called"));
        }
        match self.targets.map_or(Ok(()), |judge| judge(&url)) {
            Ok(()) => Ok(Arc::from(url.as_str())),
            Err(why) => Err(TARGET_DENIED.at(at, why)),
        }
    }
}
