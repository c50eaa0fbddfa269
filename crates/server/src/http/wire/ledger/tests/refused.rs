//! Every kind of malformed body, and where the refusal points.

use super::*;

#[test]
fn malformed_members_refuse_the_whole_request() {
    let good = r#"{"from":"a","to":"b","amount":"1"}"#;
    let cases = [
        (r#"{"from":"a","to":"b","amount":1.0}"#, "amount_invalid", "/entries/1/amount"),
        (r#"{"from":"a","to":"b","amount":1e3}"#, "amount_invalid", "/entries/1/amount"),
        (r#"{"from":"a","to":"b","amount":null}"#, "amount_invalid", "/entries/1/amount"),
        (r#"{"from":"a","to":"b","amount":["1"]}"#, "amount_invalid", "/entries/1/amount"),
        (r#"{"from":"a","to":"b"}"#, "field_missing", "/entries/1/amount"),
        (r#"{"from":"a","amount":"1"}"#, "field_missing", "/entries/1/to"),
        (r#"{"from":"a","to":"b","amount":"1","memo":"x"}"#, "field_unknown", "/entries/1/memo"),
        (r#"{"from":"a","to":"b","amount":"1","kind":"entry"}"#, "field_unknown", "/entries/1/kind"),
        (r#"{"from":"a","from":"a","to":"b","amount":"1"}"#, "json_invalid", "/entries/1/from"),
        (r#"{"from":"a b","to":"b","amount":"1"}"#, "id_invalid", "/entries/1/from"),
        (r#"{"from":"a","to":"","amount":"1"}"#, "id_invalid", "/entries/1/to"),
        (r#"{"id":"é","from":"a","to":"b","amount":"1"}"#, "id_invalid", "/entries/1/id"),
        (r#"{"id":7,"from":"a","to":"b","amount":"1"}"#, "field_invalid", "/entries/1/id"),
        (r#"{"from":"a","to":"b","amount":"1","linked":1}"#, "field_invalid", "/entries/1/linked"),
        (r#"{"from":"a","to":"b","amount":"1","refunds":"?"}"#, "id_invalid", "/entries/1/refunds"),
        (
            r#"{"from":"a","to":"b","amount":"1","expires_in_ms":-1}"#,
            "span_invalid",
            "/entries/1/expires_in_ms",
        ),
        (
            r#"{"from":"a","to":"b","amount":"1","expires_at":"soon"}"#,
            "field_invalid",
            "/entries/1/expires_at",
        ),
        (
            r#"{"from":"a","to":"b","amount":"1","expires_in_ms":1,"expires_at":"1970-01-01T00:00:01Z"}"#,
            "field_unexpected",
            "/entries/1/expires_at",
        ),
        (r#"{"from":"a","to":"b","amount":"1","cause":{"by":"x"}}"#, "field_unknown", "/entries/1/cause/by"),
        (
            r#"{"from":"a","to":"b","amount":"1","cause":{"operator":"a b"}}"#,
            "cause_invalid",
            "/entries/1/cause/operator",
        ),
        (r#"["a","b","1"]"#, "field_invalid", "/entries/1"),
        ("7", "field_invalid", "/entries/1"),
    ];
    for (member, code, at) in cases {
        let text = format!(r#"{{"entries":[{good},{member},{good}]}}"#);
        assert_eq!(read("entries", &text).unwrap_err(), (code, at.to_owned()), "{member}");
    }
    let long = "x".repeat(257);
    let text =
        format!(r#"{{"entries":[{{"from":"a","to":"b","amount":"1","cause":{{"reason":"{long}"}}}}]}}"#);
    assert_eq!(read("entries", &text).unwrap_err(), ("cause_invalid", "/entries/0/cause/reason".to_owned()));
}

#[test]
fn malformed_bodies_are_refused() {
    let cases = [
        ("", "json_invalid", ""),
        ("[]", "json_invalid", ""),
        ("{}", "field_missing", "/entries"),
        (r#"{"entries":{}}"#, "field_invalid", "/entries"),
        (r#"{"entries":[]}"#, "field_invalid", "/entries"),
        (r#"{"entries":[{"from":"a""#, "json_invalid", ""),
        (r#"{"entries":[],"dryrun":true}"#, "field_unknown", "/dryrun"),
        (r#"{"entries":[],"dry_run":"yes"}"#, "field_invalid", "/dry_run"),
    ];
    for (text, code, at) in cases {
        assert_eq!(read("entries", text).unwrap_err(), (code, at.to_owned()), "{text}");
    }
    let deep = format!(r#"{{"entries":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(read("entries", &deep).unwrap_err().0, "json_too_deep");
}

#[test]
fn members_of_a_mixed_batch_have_the_fields_of_their_kind() {
    let cases = [
        (r#"{"id":"e"}"#, "field_missing", "/members/0/kind"),
        (r#"{"kind":"loan"}"#, "kind_unsupported", "/members/0/kind"),
        (r#"{"kind":"entry","from":"a","to":"b"}"#, "field_missing", "/members/0/amount"),
        (r#"{"kind":"entry","from":"a","to":"b","amount":1.5}"#, "amount_invalid", "/members/0/amount"),
        (r#"{"kind":"entry","hold":"h"}"#, "field_unexpected", "/members/0/hold"),
        (r#"{"kind":"hold","refunds":"e"}"#, "field_unexpected", "/members/0/refunds"),
        (r#"{"kind":"capture","from":"a"}"#, "field_unexpected", "/members/0/from"),
        (r#"{"kind":"capture"}"#, "field_missing", "/members/0/hold"),
        (r#"{"kind":"release","hold":"h","id":"r"}"#, "field_unexpected", "/members/0/id"),
        (r#"{"kind":"account","asset":"eur"}"#, "field_missing", "/members/0/id"),
        (r#"{"kind":"item"}"#, "field_missing", "/members/0/machine"),
        (r#"{"kind":"move","item":"i"}"#, "field_missing", "/members/0/move"),
        (
            r#"{"kind":"move","item":"i","move":"m","attributes":{}}"#,
            "field_unexpected",
            "/members/0/attributes",
        ),
        (r#"{"kind":"entry","nonsense":1}"#, "field_unknown", "/members/0/nonsense"),
    ];
    for (member, code, at) in cases {
        let text = format!(r#"{{"members":[{member}]}}"#);
        assert_eq!(read("members", &text).unwrap_err(), (code, at.to_owned()), "{member}");
    }
}

#[test]
fn attributes_are_strings_whole_numbers_and_booleans() {
    let many: Vec<String> = (0..33).map(|number| format!("\"k{number}\":1")).collect();
    let many = format!("{{{}}}", many.join(","));
    let cases = [
        (r#"{"a":1.5}"#, "item_invalid", "/items/0/attributes/a"),
        (r#"{"a":9223372036854775808}"#, "item_invalid", "/items/0/attributes/a"),
        (r#"{"a":null}"#, "item_invalid", "/items/0/attributes/a"),
        (r#"{"a":[]}"#, "field_invalid", "/items/0/attributes/a"),
        (r#"{"a b":1}"#, "item_invalid", "/items/0/attributes/a b"),
        (r#"{"a":1,"a":2}"#, "json_invalid", "/items/0/attributes/a"),
        (&many, "item_invalid", "/items/0/attributes"),
        ("[]", "field_invalid", "/items/0/attributes"),
    ];
    for (attributes, code, at) in cases {
        let text = format!(r#"{{"items":[{{"machine":"m","attributes":{attributes}}}]}}"#);
        assert_eq!(read("items", &text).unwrap_err(), (code, at.to_owned()), "{attributes}");
    }
}

#[test]
fn other_lists_point_where_they_are_wrong() {
    let cases = [
        ("holds", r#"{"from":"a","to":"b","amount":"1","refunds":"e"}"#, "field_unknown", "/holds/0/refunds"),
        ("holds", r#"{"from":"a","to":"b","amount":2.5}"#, "amount_invalid", "/holds/0/amount"),
        ("accounts", r#"{"asset":"eur"}"#, "field_missing", "/accounts/0/id"),
        ("accounts", r#"{"id":"a","asset":"e u r"}"#, "id_invalid", "/accounts/0/asset"),
        ("accounts", r#"{"id":"a","asset":"eur","floor":0.5}"#, "amount_invalid", "/accounts/0/floor"),
        ("accounts", r#"{"id":"a","asset":"eur","lots":true}"#, "field_invalid", "/accounts/0/lots"),
        (
            "accounts",
            r#"{"id":"a","asset":"eur","lots":{"sink":"?"}}"#,
            "id_invalid",
            "/accounts/0/lots/sink",
        ),
        ("items", r#"{"id":"a","owner":"x"}"#, "field_missing", "/items/0/machine"),
    ];
    for (list, member, code, at) in cases {
        let text = format!(r#"{{"{list}":[{member}]}}"#);
        assert_eq!(read(list, &text).unwrap_err(), (code, at.to_owned()), "{member}");
    }
}
