//! A branch as it is asked for, in a begin or by itself: which fields belong to which pattern and kind, and its URLs.

mod resource;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use transaction::refusal::{FIELD_MISSING, FIELD_UNEXPECTED, KIND_UNSUPPORTED};
use transaction::{
    BranchSpec, CallSpec, Header, HoldLeg, HoldSpec, ItemSpec, Kind, Mode, Pattern, Quantity, Refusal, Urls,
};
use url::Url;
use utoipa::ToSchema;

use super::ledger::{AmountBody, ValuesBody};
use super::scalar::{Few, Object, Pairs, Span, Text};
use crate::http::parse::shortened;
use crate::listen::TargetJudge;
use crate::refusal::{TARGET_DENIED, URL_INVALID};
use crate::resource::{ResourceKind, Resources};

/// One participant's share.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = Branch)]
pub(in crate::http) struct BranchBody<'a> {
    /// Unique in its transaction; the form of every id.
    #[schema(value_type = String, required = true)]
    id: Option<Text>,
    /// `call`: HTTP calls to a participant. `await`: tried when an outside fact is signalled. `hold`: held, captured and
    /// released in the ledger. `item`: an item of the ledger is moved. `sql`, `redis`: a declared resource is changed.
    #[schema(value_type = String, required = true)]
    kind: Option<Text>,
    /// TCC: the URL that tries. Item: the move that tries.
    #[serde(rename = "try")]
    #[schema(value_type = Option<String>)]
    attempt: Option<Text>,
    /// TCC: the URL that confirms. Item: the move that confirms.
    #[schema(value_type = Option<String>)]
    confirm: Option<Text>,
    /// TCC: the URL that cancels. Item: the move that cancels.
    #[schema(value_type = Option<String>)]
    cancel: Option<Text>,
    /// Saga: the URL that acts.
    #[schema(value_type = Option<String>)]
    action: Option<Text>,
    /// Saga: the URL that compensates; without one there is nothing to undo.
    #[schema(value_type = Option<String>)]
    compensate: Option<Text>,
    /// XA: the URL that runs the first phase and prepares; a managed transaction needs it.
    #[schema(value_type = Option<String>)]
    prepare: Option<Text>,
    /// XA: the URL of the second phase, called to commit or to roll back.
    #[schema(value_type = Option<String>)]
    phase2: Option<Text>,
    /// Message: the URL that it is delivered to.
    #[schema(value_type = Option<String>)]
    deliver: Option<Text>,
    /// JSON that is sent as the body of every call, byte for byte.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
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
    /// Hold: the account in which it is held.
    #[schema(value_type = Option<String>)]
    from: Option<Text>,
    /// Hold: the account that a capture credits.
    #[schema(value_type = Option<String>)]
    to: Option<Text>,
    /// Hold: how much.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    amount: Option<AmountBody<'a>>,
    /// Hold: as much as is available will do.
    up_to: Option<bool>,
    /// Hold: several holds as one, of any mix of assets; instead of `from`, `to` and `amount`.
    #[serde(borrow)]
    #[schema(value_type = Option<Vec<LegBody>>)]
    holds: Option<Few<Object<LegBody<'a>>>>,
    /// Item: the item.
    #[schema(value_type = Option<String>)]
    item: Option<Text>,
    /// Item: on whose behalf; the `owner` guard compares it.
    #[schema(value_type = Option<String>)]
    owner: Option<Text>,
    /// Item: what guards compare attributes with.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    arguments: Option<ValuesBody<'a>>,
    /// Sql, redis: the declared resource.
    #[schema(value_type = Option<String>)]
    resource: Option<Text>,
    /// Sql, redis: the values that the resource declares.
    #[serde(borrow)]
    #[schema(value_type = Option<serde_json::Value>)]
    parameters: Option<&'a RawValue>,
}

/// One hold of a hold branch.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
#[schema(as = BranchHold)]
pub(in crate::http) struct LegBody<'a> {
    /// The account in which it is held.
    #[schema(value_type = String)]
    from: Text,
    /// The account that a capture credits.
    #[schema(value_type = String)]
    to: Text,
    /// How much.
    #[serde(borrow)]
    #[schema(value_type = String)]
    amount: AmountBody<'a>,
    /// As much as is available will do.
    up_to: Option<bool>,
}

/// The kinds of branches.
#[derive(Clone, Copy)]
enum BranchKind {
    Call,
    Await,
    Hold,
    Item,
    Resource(ResourceKind),
}

/// Each kind's name on the wire, its fields, and why it has no others.
static KINDS: [(BranchKind, &str, &[&str], &str); 6] = [
    (
        BranchKind::Call,
        "call",
        &[
            "try",
            "confirm",
            "cancel",
            "action",
            "compensate",
            "deliver",
            "prepare",
            "phase2",
            "body",
            "headers",
            "timeout_ms",
            "pass_result",
        ],
        "a call branch has no such field",
    ),
    (BranchKind::Await, "await", &[], "an await branch is signalled, not called"),
    (
        BranchKind::Hold,
        "hold",
        &["from", "to", "amount", "up_to", "holds"],
        "a hold branch has no such field",
    ),
    (
        BranchKind::Item,
        "item",
        &["item", "try", "confirm", "cancel", "owner", "arguments"],
        "an item branch has no such field",
    ),
    (BranchKind::Resource(ResourceKind::Sql), "sql", RESOURCE_FIELDS, RESOURCE_WHY),
    (BranchKind::Resource(ResourceKind::Redis), "redis", RESOURCE_FIELDS, RESOURCE_WHY),
];

const RESOURCE_FIELDS: &[&str] = &["resource", "parameters", "timeout_ms"];
const RESOURCE_WHY: &str =
    "a resource is declared with its statements; a branch gives `resource` and `parameters`";

const TIMEOUT_MS: u64 = 3_000;
const URL_BYTES: usize = 2_048;

/// A URL field: where it is, the pattern it belongs to, and its value.
type UrlField = (&'static str, Pattern, Option<Text>);

impl BranchBody<'_> {
    /// The id, if it has one.
    pub(in crate::http) fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|text| &*text.0)
    }

    /// What is asked for, in a transaction of this pattern and mode. Pointers of refusals begin at the branch.
    pub(in crate::http) fn into_spec(
        self,
        (pattern, mode): (Pattern, Mode),
        judge: &Judge<'_>,
    ) -> Result<BranchSpec, Refusal> {
        let Some(Text(id)) = self.id.clone() else {
            return Err(FIELD_MISSING.at("/id", "a branch needs an id"));
        };
        let after =
            self.after.clone().map_or_else(Vec::new, |few| few.0.into_iter().map(|text| text.0).collect());
        let kind = match self.kind()? {
            BranchKind::Call => self.into_call(pattern, judge)?,
            BranchKind::Await => Kind::Await,
            BranchKind::Hold => self.into_hold()?,
            BranchKind::Item => self.into_item()?,
            BranchKind::Resource(kind) => self.into_resource(kind, (pattern, mode), judge)?,
        };
        Ok(BranchSpec { id, after, kind })
    }

    /// The kind, when the branch has no field of another one.
    fn kind(&self) -> Result<BranchKind, Refusal> {
        let Some(Text(name)) = &self.kind else {
            return Err(FIELD_MISSING.at("/kind", "a branch needs its kind"));
        };
        let Some((kind, _, fields, why)) = KINDS.iter().find(|(_, known, ..)| *known == &**name) else {
            let detail = format!(
                "`{}` is not a kind that is served: use call, await, hold, item, sql or redis",
                shortened(name)
            );
            return Err(KIND_UNSUPPORTED.at("/kind", detail));
        };
        let strange = self.given().into_iter().find(|(field, is_given)| *is_given && !fields.contains(field));
        match strange {
            None => Ok(*kind),
            Some((field, _)) => Err(FIELD_UNEXPECTED.at(format!("/{field}"), *why)),
        }
    }

    /// Every field that not all kinds have, and whether it is given.
    fn given(&self) -> [(&'static str, bool); 22] {
        [
            ("body", self.body.is_some()),
            ("headers", self.headers.is_some()),
            ("timeout_ms", self.timeout_ms.is_some()),
            ("pass_result", self.pass_result.is_some()),
            ("try", self.attempt.is_some()),
            ("confirm", self.confirm.is_some()),
            ("cancel", self.cancel.is_some()),
            ("action", self.action.is_some()),
            ("compensate", self.compensate.is_some()),
            ("deliver", self.deliver.is_some()),
            ("prepare", self.prepare.is_some()),
            ("phase2", self.phase2.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("amount", self.amount.is_some()),
            ("up_to", self.up_to.is_some()),
            ("holds", self.holds.is_some()),
            ("item", self.item.is_some()),
            ("owner", self.owner.is_some()),
            ("arguments", self.arguments.is_some()),
            ("resource", self.resource.is_some()),
            ("parameters", self.parameters.is_some()),
        ]
    }

    fn into_call(self, pattern: Pattern, judge: &Judge<'_>) -> Result<Kind, Refusal> {
        let (headers, timeout_ms) = (self.headers.clone(), self.timeout_ms);
        let body = self.body.map(|raw| Arc::from(raw.get()));
        let pass_result = self.pass_result.unwrap_or(false);
        let urls = urls(self.into_urls(), pattern, judge)?;
        let headers = headers.map_or_else(Vec::new, |pairs| pairs.0);
        let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        let timeout_ms = timeout_ms.map_or(TIMEOUT_MS, |span| span.0);
        Ok(Kind::Call(CallSpec { urls, body, headers, timeout_ms, pass_result }))
    }

    fn into_hold(self) -> Result<Kind, Refusal> {
        let alone = [
            ("/from", self.from.is_some()),
            ("/to", self.to.is_some()),
            ("/amount", self.amount.is_some()),
            ("/up_to", self.up_to.is_some()),
        ];
        let legs = match (self.holds, self.from, self.to, self.amount) {
            (Some(_), ..) if alone.iter().any(|(_, is_given)| *is_given) => {
                let at = alone.iter().find(|(_, is_given)| *is_given).map_or("", |(at, _)| at);
                return Err(FIELD_UNEXPECTED.at(at, "give `holds`, or one hold by its fields, not both"));
            }
            (Some(Few(legs)), ..) => legs.into_iter().map(|Object(leg)| leg.into_leg()).collect(),
            (None, Some(from), Some(to), Some(amount)) => {
                vec![LegBody { from, to, amount, up_to: self.up_to }.into_leg()]
            }
            (None, ..) => {
                let at = alone.iter().find(|(_, is_given)| !is_given).map_or("", |(at, _)| at);
                return Err(FIELD_MISSING.at(at, "a hold branch needs `from`, `to` and `amount`, or `holds`"));
            }
        };
        Ok(Kind::Hold(HoldSpec { legs }))
    }

    fn into_item(self) -> Result<Kind, Refusal> {
        let need = |at: &str, given: Option<Text>| match given {
            Some(Text(text)) => Ok(text),
            None => Err(FIELD_MISSING.at(at, "an item branch needs `item`, `try`, `confirm` and `cancel`")),
        };
        Ok(Kind::Item(ItemSpec {
            item: need("/item", self.item)?,
            attempt: need("/try", self.attempt)?,
            confirm: need("/confirm", self.confirm)?,
            cancel: need("/cancel", self.cancel)?,
            owner: self.owner.map(|text| text.0),
            arguments: ValuesBody::arguments(self.arguments.as_ref())?,
        }))
    }

    fn into_urls(self) -> [UrlField; 8] {
        [
            ("/try", Pattern::Tcc, self.attempt),
            ("/confirm", Pattern::Tcc, self.confirm),
            ("/cancel", Pattern::Tcc, self.cancel),
            ("/action", Pattern::Saga, self.action),
            ("/compensate", Pattern::Saga, self.compensate),
            ("/deliver", Pattern::Message, self.deliver),
            ("/prepare", Pattern::Xa, self.prepare),
            ("/phase2", Pattern::Xa, self.phase2),
        ]
    }
}

impl LegBody<'_> {
    fn into_leg(self) -> HoldLeg {
        let amount = match self.amount {
            AmountBody::Decimal(text) => Quantity::Decimal(Arc::from(&*text)),
            AmountBody::Whole(whole) => Quantity::Whole(whole),
        };
        HoldLeg { from: self.from.0, to: self.to.0, amount, up_to: self.up_to == Some(true) }
    }
}

fn urls(fields: [UrlField; 8], pattern: Pattern, judge: &Judge<'_>) -> Result<Urls, Refusal> {
    let mut urls = Urls::default();
    for (at, belongs, given) in fields {
        let Some(Text(given)) = given else { continue };
        if belongs != pattern {
            let detail =
                format!("this field belongs to {}, the transaction is {}", belongs.name(), pattern.name());
            return Err(FIELD_UNEXPECTED.at(at, detail));
        }
        if at == "/phase2" {
            let url = judge.url(at, &given)?;
            urls.confirm = Some(Arc::clone(&url));
            urls.cancel = Some(url);
            continue;
        }
        let slot = match at {
            "/try" | "/action" | "/prepare" => &mut urls.attempt,
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
pub(crate) struct Judge<'a> {
    /// What may be named as a resource; `None`: nothing.
    pub(in crate::http) resources: Option<&'a Resources>,
    /// The operator's rules, as far as they can be told without a look-up.
    pub(in crate::http) targets: Option<&'a TargetJudge>,
}

impl Judge<'_> {
    /// The URL in the one form in which it is kept and called, so that nobody reads it in another way later.
    pub(crate) fn url(&self, at: &str, given: &str) -> Result<Arc<str>, Refusal> {
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
