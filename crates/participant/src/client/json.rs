//! Batches and answers as JSON. The shapes are those of the HTTP API; what it does not take in a batch is refused here.

use prost::Message;
use serde_json::{Map, Value, json};

use super::batch::DryRun;
use super::{Account, Batch, Fault, Outcomes};
use crate::proto::member::Kind;
use crate::proto::{self, Member, Outcome, Refused, Taken};

/// The body of `POST /v1/batches`.
pub(super) fn batch(batch: &Batch) -> Result<String, Fault> {
    let (members, dry_run) = batch.parts();
    let each = members.each().map(|encoded| {
        let member = Member::decode(encoded).ok().and_then(|member| member.kind);
        member.map(object).unwrap_or(Err(Fault::Unsupported("a member without a kind")))
    });
    let mut body = json!({ "members": each.collect::<Result<Vec<_>, _>>()? });
    if dry_run == DryRun::Yes {
        body["dry_run"] = true.into();
    }
    Ok(body.to_string())
}

fn object(kind: Kind) -> Result<Value, Fault> {
    let mut fields = Fields(Map::new());
    match kind {
        Kind::Entry(entry) => {
            use proto::entry::{Amount, Expiry};
            fields.kind("entry").texts([("id", &entry.id), ("from", &entry.from), ("to", &entry.to)]);
            fields.texts([("refunds", &entry.refunds)]);
            match entry.amount {
                Some(Amount::Decimal(text)) => fields.put("amount", text),
                Some(Amount::Units(units)) => fields.put("amount", units),
                Some(Amount::BigUnits(digits)) => fields.digits(&digits)?,
                None => {}
            }
            match entry.expiry {
                Some(Expiry::ExpiresInMs(span)) => fields.put("expires_in_ms", span),
                Some(Expiry::ExpiresAt(time)) => fields.put("expires_at", stamp(time)?),
                None => {}
            }
            fields.flag("up_to", entry.up_to).flag("linked", entry.linked).cause(entry.cause);
        }
        Kind::Hold(hold) => {
            use proto::hold::{Amount, Expiry};
            fields.kind("hold").texts([("id", &hold.id), ("from", &hold.from), ("to", &hold.to)]);
            match hold.amount {
                Some(Amount::Decimal(text)) => fields.put("amount", text),
                Some(Amount::Units(units)) => fields.put("amount", units),
                Some(Amount::BigUnits(digits)) => fields.digits(&digits)?,
                None => {}
            }
            match hold.expiry {
                Some(Expiry::ExpiresInMs(span)) => fields.put("expires_in_ms", span),
                Some(Expiry::ExpiresAt(time)) => fields.put("expires_at", stamp(time)?),
                None => {}
            }
            fields.flag("up_to", hold.up_to).flag("linked", hold.linked).cause(hold.cause);
        }
        Kind::Capture(capture) => {
            use proto::capture::Amount;
            fields.kind("capture").texts([("id", &capture.id), ("hold", &capture.hold)]);
            match capture.amount {
                Some(Amount::Decimal(text)) => fields.put("amount", text),
                Some(Amount::Units(units)) => fields.put("amount", units),
                Some(Amount::BigUnits(digits)) => fields.digits(&digits)?,
                None => {}
            }
            fields.flag("linked", capture.linked).cause(capture.cause);
        }
        Kind::Release(release) => {
            fields.kind("release").texts([("hold", &release.hold)]);
            fields.flag("linked", release.linked).cause(release.cause);
        }
        Kind::Open(open) => account_opened(&mut fields, open),
        Kind::Create(create) => {
            fields.kind("item").texts([("id", &create.id), ("machine", &create.machine)]);
            fields.texts([("owner", &create.owner)]).attributes("attributes", create.attributes);
            fields.flag("linked", create.linked).cause(create.cause);
        }
        Kind::Move(step) => {
            fields.kind("move").texts([("id", &step.id), ("item", &step.item), ("move", &step.name)]);
            fields.texts([("owner", &step.owner)]).attributes("arguments", step.arguments);
            fields.flag("linked", step.linked).cause(step.cause);
        }
        Kind::Adjust(_) | Kind::Reopen(_) | Kind::Asset(_) | Kind::Declare(_) => {
            return Err(Fault::Unsupported(
                "over HTTP, assets, machines, adjustments and reopenings have paths of their own",
            ));
        }
    }
    Ok(Value::Object(fields.0))
}

fn account_opened(fields: &mut Fields, open: proto::Open) {
    use proto::open::{Ceiling, Floor};
    fields.kind("account").texts([("id", &open.id), ("asset", &open.asset)]);
    match open.floor {
        None | Some(Floor::NoFloor(false)) => {}
        Some(Floor::NoFloor(true)) => fields.put("floor", "none"),
        Some(Floor::FloorDecimal(text)) => fields.put("floor", text),
        Some(Floor::FloorUnits(units)) => fields.put("floor", units),
    }
    match open.ceiling {
        None => {}
        Some(Ceiling::CeilingDecimal(text)) => fields.put("ceiling", text),
        Some(Ceiling::CeilingUnits(units)) => fields.put("ceiling", units),
    }
    if !open.lots_sink.is_empty() {
        fields.put("lots", json!({ "sink": open.lots_sink }));
    }
    fields.flag("linked", open.linked).cause(open.cause);
}

/// The fields of a JSON object; one that says nothing is left out.
struct Fields(Map<String, Value>);

impl Fields {
    fn kind(&mut self, kind: &str) -> &mut Self {
        self.put("kind", kind);
        self
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn texts<const N: usize>(&mut self, texts: [(&str, &String); N]) -> &mut Self {
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            self.put(name, text.as_str());
        }
        self
    }

    fn flag(&mut self, name: &str, value: impl Into<bool>) -> &mut Self {
        if value.into() {
            self.put(name, true);
        }
        self
    }

    /// Units beyond 64 bits, which JSON can write and serde's numbers only hold as their text.
    fn digits(&mut self, digits: &str) -> Result<(), Fault> {
        let units: i128 =
            digits.parse().map_err(|_| Fault::Misunderstood(format!("{digits} is no whole number")))?;
        let number = serde_json::Number::from_i128(units)
            .ok_or(Fault::Unsupported("over HTTP, give so large an amount as a decimal"))?;
        self.put("amount", number);
        Ok(())
    }

    fn cause(&mut self, cause: Option<proto::Cause>) {
        if let Some(cause) = cause {
            let mut fields = Fields(Map::new());
            fields.texts([("transaction", &cause.transaction), ("branch", &cause.branch)]);
            fields.texts([("operator", &cause.operator), ("reason", &cause.reason)]);
            self.put("cause", Value::Object(fields.0));
        }
    }

    fn attributes(&mut self, name: &str, attributes: Vec<proto::Attribute>) -> &mut Self {
        use proto::attribute::Value as Given;
        let pair = |attribute: proto::Attribute| {
            let value = match attribute.value {
                Some(Given::Text(text)) => text.into(),
                Some(Given::Integer(value)) => value.into(),
                Some(Given::Flag(value)) => value.into(),
                None => Value::Null,
            };
            (attribute.key, value)
        };
        if !attributes.is_empty() {
            self.put(name, Value::Object(attributes.into_iter().map(pair).collect()));
        }
        self
    }
}

/// A time as HTTP has it.
fn stamp(micros: i64) -> Result<String, Fault> {
    let stamp = jiff::Timestamp::from_microsecond(micros);
    let stamp = stamp.map_err(|error| Fault::Setting(format!("{micros} is no time: {error}")))?;
    Ok(format!("{stamp:.6}"))
}

/// The answer to a batch.
pub(super) fn outcomes(text: &str, sequence: u64) -> Result<Outcomes, Fault> {
    let body: Value = serde_json::from_str(text).map_err(|error| misunderstood(&error))?;
    let results = body["results"].as_array().ok_or_else(|| misunderstood(&"no results"))?;
    let mut outcomes = Outcomes { sequence, ..Outcomes::default() };
    for (index, result) in (0_u32..).zip(results) {
        let word = result["outcome"].as_str().unwrap_or_default().to_ascii_uppercase();
        let outcome = Outcome::from_str_name(&format!("OUTCOME_{word}"));
        outcomes.outcomes.push(outcome.ok_or_else(|| misunderstood(&format!("the outcome {word}")))? as i32);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if let Some(refusal) = result.get("refusal").filter(|refusal| refusal.is_object()) {
            let (code, detail) = (text(&refusal["code"]), text(&refusal["detail"]));
            outcomes.refused.push(Refused { index, code, detail });
        }
        if let Some(amount) = result.get("amount").filter(|amount| amount.is_string()) {
            outcomes.taken.push(Taken { index, amount: text(amount) });
        }
    }
    Ok(outcomes)
}

/// The answer to a question about an account.
pub(super) fn account(text: &str) -> Result<Account, Fault> {
    let body: Value = serde_json::from_str(text).map_err(|error| misunderstood(&error))?;
    let text = |name: &str| body[name].as_str().map(ToOwned::to_owned);
    let needed = |name: &'static str| text(name).ok_or_else(|| misunderstood(&format!("no {name}")));
    let floor = match &*needed("floor")? {
        "none" => None,
        "zero" => Some(zero_like(&needed("posted")?)),
        floor => Some(floor.to_owned()),
    };
    Ok(Account {
        id: needed("id")?,
        asset: needed("asset")?,
        floor,
        ceiling: text("ceiling"),
        posted: needed("posted")?,
        held: needed("held")?,
        available: needed("available")?,
        version: body["version"].as_u64().unwrap_or_default(),
    })
}

/// Zero with as many decimals as `amount` has.
fn zero_like(amount: &str) -> String {
    match amount.split_once('.') {
        None => "0".to_owned(),
        Some((_, decimals)) => format!("0.{}", "0".repeat(decimals.len())),
    }
}

/// Code, detail and pointer of a refusal, if it is one of ours.
pub(super) fn problem(text: &str) -> Option<(String, String, String)> {
    let body: Value = serde_json::from_str(text).ok()?;
    let text = |name: &str| body[name].as_str().map(ToOwned::to_owned);
    Some((text("code")?, text("detail").unwrap_or_default(), text("at").unwrap_or_default()))
}

fn misunderstood(what: &dyn std::fmt::Display) -> Fault {
    Fault::Misunderstood(what.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Capture, Cause, Entry, Expiry, Release};
    use super::*;

    #[test]
    fn a_batch_has_the_shape_of_the_http_api() {
        let mut asked = Batch::new().as_dry_run();
        asked.entry(&Entry {
            id: "e",
            from: "a",
            to: "b",
            amount: Amount::Decimal("12.50"),
            expiry: Expiry::At(1_767_323_045_000_007),
            linked: true,
            cause: Cause { operator: "ann", ..Cause::default() },
            ..Entry::default()
        });
        asked.capture(&Capture { id: "c", hold: "h", amount: Some(Amount::Units(5)), ..Capture::default() });
        asked.release(&Release { hold: "h", ..Release::default() });
        let attribute =
            proto::Attribute { key: "x".into(), value: Some(proto::attribute::Value::Flag(true)) };
        asked.member(Kind::Create(proto::Create {
            id: "i".into(),
            machine: "coupon".into(),
            attributes: vec![attribute],
            ..proto::Create::default()
        }));
        let body: Value = serde_json::from_str(&batch(&asked).unwrap()).unwrap();
        let expected = json!({"dry_run": true, "members": [
            {"kind": "entry", "id": "e", "from": "a", "to": "b", "amount": "12.50",
             "expires_at": "2026-01-02T03:04:05.000007Z", "linked": true, "cause": {"operator": "ann"}},
            {"kind": "capture", "id": "c", "hold": "h", "amount": 5},
            {"kind": "release", "hold": "h"},
            {"kind": "item", "id": "i", "machine": "coupon", "attributes": {"x": true}},
        ]});
        assert_eq!(body, expected);
        asked.member(Kind::Asset(proto::Asset::default()));
        assert!(matches!(batch(&asked), Err(Fault::Unsupported(_))));
    }

    #[test]
    fn outcomes_are_read() {
        let text = r#"{"results":[{"id":"a","outcome":"posted","refusal":null},
            {"id":"b","outcome":"refused","refusal":{"code":"insufficient","detail":"3 is available"}},
            {"id":"c","outcome":"held","amount":"3","refusal":null}]}"#;
        let read = outcomes(text, 9).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [Outcome::Posted, Outcome::Refused, Outcome::Held]);
        assert_eq!(
            (read.sequence, read.is_all_done(), read.taken(2), read.taken(0)),
            (9, false, Some("3"), None)
        );
        assert_eq!((read.refused()[0].index, &*read.refused()[0].code), (1, "insufficient"));
        for odd in ["", "{}", r#"{"results":[{"outcome":"vanished"}]}"#] {
            assert!(matches!(outcomes(odd, 0), Err(Fault::Misunderstood(_))), "{odd}");
        }
    }

    #[test]
    fn an_account_is_read() {
        let text = r#"{"id":"a","asset":"points","floor":"none","posted":"5","held":"2","available":"3","version":7}"#;
        let read = account(text).unwrap();
        assert_eq!((&*read.available, read.floor, read.version), ("3", None, 7));
        assert!(account("{}").is_err());
    }
}
