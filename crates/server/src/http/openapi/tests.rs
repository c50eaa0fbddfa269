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
    let begin =
        "id pattern mode order deadline_ms cooling_off_ms wait_ms retry labels check check_after_ms branches";
    assert_eq!(fields("Begin"), set(begin));
    let branch =
        "id kind try confirm cancel action compensate deliver body headers timeout_ms after pass_result";
    assert_eq!(fields("Branch"), set(branch));
    let transaction = "id pattern mode state decision reason needs_attention labels created_at deadline_at cooling_until \
        finished_at branches check seq";
    assert_eq!(fields("Transaction"), set(transaction));
    assert_eq!(fields("BranchState"), set("id kind state attempts last_error next_attempt_at result"));
    assert_eq!(fields("Problem"), set("type title status detail code at"));
    assert_eq!(fields("TimelineEntry"), set("seq at event branch detail"));
    assert_eq!(fields("TransactionList"), set("items next"));
    assert_eq!(fields("Signal"), set("outcome result"));
}
