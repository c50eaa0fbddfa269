//! The document says what the routes do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document;
use crate::http::router::ROUTES;

fn parsed() -> Value {
    serde_json::from_str(document()).unwrap()
}

#[test]
fn the_document_and_the_table_of_routes_agree() {
    let document = parsed();
    let mut described = BTreeSet::new();
    for (path, verbs) in document["paths"].as_object().unwrap() {
        for method in verbs.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let served = ROUTES.iter().map(|row| (row.method.to_string(), row.path.to_owned()));
    assert_eq!(described, served.collect());
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(elements) => elements.iter().for_each(|element| references(element, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = parsed();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_shapes_have_the_fields_of_the_api() {
    let document = parsed();
    let fields = |name: &str| -> BTreeSet<String> {
        let properties = &document["components"]["schemas"][name]["properties"];
        let members = properties.as_object().unwrap_or_else(|| panic!("no schema {name}"));
        members.keys().cloned().collect()
    };
    let set = |names: &str| names.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let begin = "id pattern mode order deadline_ms cooling_off_ms wait_ms retry labels check check_after_ms resume \
        resume_after_ms input branches";
    assert_eq!(fields("Begin"), set(begin));
    let branch = "id kind try confirm cancel action compensate deliver prepare phase2 body headers timeout_ms after pass_result from to amount \
        up_to holds item owner arguments resource parameters";
    assert_eq!(fields("Branch"), set(branch));
    let transaction = "id pattern mode state decision reason needs_attention labels created_at deadline_at cooling_until \
        finished_at branches check progress result seq";
    assert_eq!(fields("Transaction"), set(transaction));
    assert_eq!(
        fields("BranchState"),
        set("id kind resource state attempts last_error next_attempt_at result")
    );
    assert_eq!(fields("Problem"), set("type title status detail code at"));
    assert_eq!(fields("TimelineEntry"), set("seq at event branch detail"));
    assert_eq!(fields("TransactionList"), set("items next"));
    assert_eq!(fields("Signal"), set("outcome result"));
}

#[test]
fn the_shapes_of_the_ledger_have_the_fields_of_the_api() {
    let document = parsed();
    let cases = [
        ("Entry", "id from to amount up_to expires_in_ms expires_at refunds linked cause"),
        ("Hold", "id from to amount up_to expires_in_ms expires_at linked cause"),
        ("Capture", "id amount cause"),
        ("Reopen", "id expires_in_ms expires_at cause"),
        ("Account", "id asset floor ceiling lots linked cause"),
        ("Adjust", "id floor ceiling standing cause"),
        ("Item", "id machine owner attributes linked cause"),
        ("Move", "id move owner arguments cause"),
        ("Machine", "name initial states moves"),
        ("Batch", "members dry_run"),
        ("Cause", "transaction branch operator reason"),
        ("Results", "results dry_run"),
        ("Result", "id outcome amount refusal"),
        ("MemberRefusal", "code detail at"),
        ("AccountState", "id asset floor posted held available version incoming ceiling standing lots"),
        ("AccountThen", "id asset floor posted held available version at"),
        ("HoldState", "id state from to asset amount captured left expires_at owned"),
        ("ItemState", "id machine version_of_machine state final owner attributes due_at held version"),
        ("MachineState", "name version initial states moves diagram"),
        ("Statement", "items next"),
        (
            "StatementLine",
            "id seq at event amount posted_after held_after other capture refunds after version cause",
        ),
    ];
    for (name, expected) in cases {
        let properties = document["components"]["schemas"][name]["properties"].as_object();
        let properties = properties.unwrap_or_else(|| panic!("no schema {name}"));
        let fields: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(fields, expected.split(' ').collect(), "{name}");
    }
}
