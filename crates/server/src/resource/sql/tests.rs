//! What a file may declare, what it may not, and what a branch may ask of it. No database is asked for anything.

use std::path::Path;

use serde_json::{Value as Json, json};
use tokio::runtime::Handle;
use transaction::Pattern;

use super::super::{Around, ResourceKind, Resources};

fn file(changes: impl FnOnce(&mut Json)) -> Json {
    let mut file = json!({
        "sources": {"main": {"url": "sqlite:nowhere.db"}},
        "resources": {"stock": {
            "source": "main",
            "parameters": {"sku": "text", "n": "integer"},
            "try": {"sql": "UPDATE stock SET a = a - :n WHERE sku = :sku AND a >= :n", "rows": 1, "refusal": "stock_short"},
            "confirm": [],
            "cancel": [{"sql": "UPDATE stock SET a = a + :n WHERE sku = :sku", "rows": 1}],
        }},
    });
    changes(&mut file);
    file
}

/// What a service over several databases has too.
const PLAN: &str = r#"
    [[source]]
    name = "a"
    url = "sqlite:a.db"
    [[source]]
    name = "b"
    url_env = "DB_B"
    [[source]]
    name = "other"
    url = "postgres://u:secret@h/d"
    [[rule]]
    name = "stock"
    service = "stock"
    ranges = [{ from = 0, until = 100, to = "a" }, { from = 100, until = 200, to = "b" }]
    [[rule]]
    name = "mixed"
    service = "mixed"
    lists = [{ keys = [1], to = "a" }, { keys = [2], to = "other" }]
"#;

/// Resource and file as they are, but placed by the rules.
fn placed(it: &mut Json) {
    it["rules"] = json!({"file": "sources.toml"});
    it["resources"]["stock"]["source"] = Json::Null;
    it["resources"]["stock"]["shard"] = json!("n");
}

fn declared(file: &Json) -> Result<Resources, String> {
    let beside = tempfile::tempdir().unwrap();
    std::fs::write(beside.path().join("sources.toml"), PLAN).unwrap();
    let secret = |name: &str| (name == "DB_B").then(|| "sqlite:b.db".to_owned());
    let around = Around { folder: Path::new("nowhere"), beside: beside.path(), secret: &secret };
    Resources::declared(&file.to_string(), around, &Handle::current()).map_err(|fault| fault.to_string())
}

#[tokio::test]
async fn a_branch_names_a_resource_and_gives_its_parameters() {
    let resources = declared(&file(|_| {})).unwrap();
    let find = |kind, name, pattern| {
        let found = resources.find(kind, name, pattern);
        found.map(|_| "found").unwrap_or_else(|refusal| refusal.kind.code)
    };
    assert_eq!(find(ResourceKind::Sql, "stock", Pattern::Tcc), "found");
    assert_eq!(find(ResourceKind::Sql, "stocks", Pattern::Tcc), "resource_unknown");
    assert_eq!(find(ResourceKind::Redis, "stock", Pattern::Tcc), "resource_unknown");
    assert_eq!(find(ResourceKind::Sql, "stock", Pattern::Saga), "kind_unsupported");
    assert_eq!(find(ResourceKind::Sql, "stock", Pattern::Message), "kind_unsupported");
    let stock = resources.find(ResourceKind::Sql, "stock", Pattern::Tcc).unwrap();
    assert!(stock.fits(r#"{"sku":"A","n":2}"#).is_ok());
    let refusal = stock.fits(r#"{"sku":"A","n":"2"}"#).unwrap_err();
    assert_eq!((refusal.kind.code, refusal.at.as_deref()), ("field_invalid", Some("/parameters/n")));
}

#[tokio::test]
async fn rules_place_a_branch_or_refuse_it_at_once() {
    let resources = declared(&file(placed)).unwrap();
    let stock = resources.find(ResourceKind::Sql, "stock", Pattern::Tcc).unwrap();
    for within in [0, 99, 100, 199] {
        assert!(stock.fits(&format!(r#"{{"sku":"A","n":{within}}}"#)).is_ok(), "{within}");
    }
    let refusal = stock.fits(r#"{"sku":"A","n":200}"#).unwrap_err();
    assert_eq!((refusal.kind.code, refusal.at.as_deref()), ("field_invalid", Some("/parameters")));
    assert!(refusal.to_string().contains("no rule places service \"stock\", shard 200"), "{refusal}");
}

type Change = fn(&mut Json);

fn refused(cases: &[(Change, &str)]) {
    for (change, wanted) in cases {
        let fault = declared(&file(change)).unwrap_err();
        assert!(fault.starts_with(wanted), "{fault:?} is not {wanted:?}");
        assert!(!fault.contains("secret"), "{fault}");
    }
}

#[tokio::test]
async fn what_is_placed_wrongly_is_named() {
    refused(&[
        (|it| it["resources"]["stock"]["source"] = Json::Null, "/resources/stock/source: it names no source"),
        (
            |it| it["resources"]["stock"]["shard"] = json!("n"),
            "/resources/stock/source: service, tenant and shard",
        ),
        (|it| it["rules"] = json!({"file": "none.toml"}), "/rules/file: "),
        (
            |it| it["rules"] = json!({"file": "sources.toml", "keep_days": 1}),
            "/rules/file: source a: a horizon of",
        ),
        (
            |it| {
                it["rules"] = json!({"file": "sources.toml"});
                it["sources"]["a"] = it["sources"]["main"].clone();
            },
            "/rules/file: source a: another source",
        ),
        (
            |it| {
                placed(it);
                it["resources"]["stock"]["shard"] = json!("m");
            },
            "/resources/stock/shard: no parameter m",
        ),
        (
            |it| {
                placed(it);
                it["resources"]["stock"]["service"] = json!("points");
            },
            "/resources/stock/service: no rule is for the service \"points\"",
        ),
        (
            |it| {
                placed(it);
                it["resources"]["stock"]["service"] = json!("mixed");
            },
            "/resources/stock: the rules lead to databases of several kinds",
        ),
    ]);
}

#[tokio::test]
async fn what_is_declared_wrongly_is_named() {
    refused(&[
        (|it| it["sorces"] = json!({}), "/sorces: unknown field"),
        (|it| it["sources"]["main"]["urls"] = json!(""), "/sources/main/urls: unknown field"),
        (
            |it| it["sources"]["main"]["url"] = json!("oracle://u:secret@h/d"),
            "/sources/main: the url must begin",
        ),
        (
            |it| it["sources"]["main"]["url"] = json!("postgres://u:secret@h:x/d"),
            "/sources/main: the url is not one",
        ),
        (|it| it["sources"]["main"]["keep_days"] = json!(2), "/sources/main: a horizon of"),
        (|it| it["resources"]["a/b"] = json!({"source": "main"}), "/resources/a/b: a name has"),
        (
            |it| it["resources"]["stock"]["source"] = json!("other"),
            "/resources/stock/source: no source other",
        ),
        (
            |it| it["resources"]["stock"]["kind"] = json!("table"),
            "/resources/stock/kind: \"table\" is no kind",
        ),
        (|it| it["resources"]["stock"]["tri"] = json!([]), "/resources/stock/tri: unknown field"),
        (|it| it["resources"]["stock"]["try"]["row"] = json!(1), "/resources/stock/try"),
        (
            |it| it["resources"]["stock"]["parameters"]["n"] = json!("float"),
            "/resources/stock/parameters/n: unknown variant",
        ),
        (
            |it| it["resources"]["stock"]["parameters"]["m"] = json!("text"),
            "/resources/stock/parameters: no statement uses m",
        ),
        (
            |it| it["resources"]["stock"]["parameters"]["tercet_x"] = json!("text"),
            "/resources/stock/parameters: tercet_x",
        ),
        (
            |it| it["resources"]["stock"]["parameters"]["a b"] = json!("text"),
            "/resources/stock/parameters: a b",
        ),
        (
            |it| it["resources"]["stock"]["cancel"] = Json::Null,
            "/resources/stock/cancel: try, confirm and cancel",
        ),
        (
            |it| it["resources"]["stock"]["compensate"] = json!([]),
            "/resources/stock/action: compensate undoes",
        ),
        (
            |it| it["resources"]["stock"]["cancel"][0]["refusal"] = json!("x"),
            "/resources/stock/cancel: only a try",
        ),
        (|it| it["resources"]["stock"]["try"]["refusal"] = json!("No!"), "/resources/stock/try: the refusal"),
        (
            |it| it["resources"]["stock"]["try"]["sql"] = json!("UPDATE t SET a = :n, b = :sku, c = :m"),
            "/resources/stock/try: the parameter :m",
        ),
        (|it| it["resources"]["stock"] = json!({"source": "main"}), "/resources/stock: a resource needs"),
    ]);
}
