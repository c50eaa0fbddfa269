//! What a plan says of keys, and what is refused of a file.

use super::*;

const THREE: &str = r#"
[[source]]
name = "a"
url = "postgres://db-a/shop"
[[source]]
name = "b"
url_env = "DB_B"
max_connections = 3
tags = ["eu"]
[[source]]
name = "a-copy"
url = "postgres://db-a-copy/shop"
role = "replica"
replica_of = "a"
lag_max_ms = 2000
weight = 5
tags = ["reports"]
"#;

fn secret(name: &str) -> Option<String> {
    (name == "DB_B").then(|| "postgres://shop:hush@db-b/shop".to_owned())
}

fn plan(rules: &str) -> Plan {
    Plan::parse(&format!("{THREE}{rules}"), secret).unwrap()
}

fn refused(text: &str) -> String {
    Plan::parse(text, secret).unwrap_err().to_string()
}

/// Where a key is written, or why nowhere.
fn at(plan: &Plan, key: &Key) -> String {
    match plan.place(key, Access::Write) {
        Ok(place) => place.primary().name().to_owned(),
        Err(unmatched) => unmatched.to_string(),
    }
}

#[test]
fn a_source_is_what_the_file_says() {
    let plan = plan("[[rule]]\nname = \"all\"\nto = \"a\"\n[health]\nevery_ms = 50\nout_after = 1\n");
    let names: Vec<_> = plan.sources().iter().map(Declared::name).collect();
    assert_eq!(names, ["a", "a-copy", "b"]);
    let (a, copy, b) = (&plan.sources()[0], &plan.sources()[1], plan.source("b").unwrap());
    assert_eq!((a.role(), a.weight(), a.max_connections(), a.drain()), (Role::Primary, 0, 10, Drain::Open));
    assert_eq!((copy.role(), copy.replica_of(), copy.weight()), (Role::Replica, Some("a"), 5));
    assert_eq!(copy.lag_max().as_millis(), 2_000);
    assert_eq!((b.max_connections(), b.tags()), (3, &["eu".to_owned()][..]));
    assert_eq!(b.url().reveal(), "postgres://shop:hush@db-b/shop");
    assert_eq!((plan.health().every.as_millis(), plan.health().out_after), (50, 1));
    assert_eq!(plan.health().in_after, 2);
    // A password is not shown, whatever is.
    assert!(!format!("{plan:?}").contains("hush"), "{plan:?}");
}

#[test]
fn the_first_rule_whose_conditions_hold_places_the_key() {
    let plan = plan(
        r#"
[[rule]]
name = "vip"
service = "orders"
lists = [{ keys = ["gold", 7], to = "b" }]
[[rule]]
name = "orders-acme"
service = "orders"
tenant = "acme"
to = "b"
[[rule]]
name = "orders-rest"
service = "orders"
tenants = ["x", "y"]
to = "a"
"#,
    );
    let orders = || Key::of("orders").shard("n");
    assert_eq!(at(&plan, &Key::of("orders").shard("gold")), "b");
    assert_eq!(at(&plan, &Key::of("orders").shard(7)), "b");
    assert_eq!(at(&plan, &Key::of("orders").shard("7")), "b");
    assert_eq!(at(&plan, &orders().tenant("acme")), "b");
    assert_eq!(at(&plan, &orders().tenant("y")), "a");
    assert_eq!(
        at(&plan, &orders().tenant("z")),
        "no rule places service \"orders\", tenant \"z\", shard \"n\" for write; looked at vip (in none of its lists), \
         orders-acme (another tenant), orders-rest (another tenant)"
    );
    assert_eq!(
        at(&plan, &Key::of("stock")),
        "no rule places service \"stock\" for write; looked at vip (another service), orders-acme (another service), \
         orders-rest (another service)"
    );
    // A forgotten shard's key does not fall through to what takes everything.
    assert_eq!(
        at(&plan, &Key::of("orders").tenant("acme")),
        "no rule places service \"orders\", tenant \"acme\" for write; looked at vip (it wants a shard's key)"
    );
}

#[test]
fn ranges_take_their_beginning_and_not_their_end() {
    let numbers = plan(
        r#"
[[rule]]
name = "numbers"
ranges = [{ from = 10, until = 20, to = "b" }, { from = 0, until = 10, to = "a" }]
"#,
    );
    let number = |number: i64| at(&numbers, &Key::of("s").shard(number));
    assert_eq!([0, 9, 10, 19].map(number), ["a", "a", "b", "b"]);
    for beyond in [-1, 20] {
        assert!(number(beyond).ends_with("numbers (beyond its ranges)"), "{}", number(beyond));
    }
    assert!(at(&numbers, &Key::of("s").shard("5")).contains("the shard's key is a text"));
    let texts = plan(
        "[[rule]]\nname = \"t\"\nranges = [{ until = \"m\", to = \"a\" }, { from = \"m\", to = \"b\" }]\n",
    );
    let text = |text: &str| at(&texts, &Key::of("s").shard(text));
    assert_eq!(["", "lz", "m", "zz"].map(text), ["a", "a", "b", "b"]);
    assert!(at(&texts, &Key::of("s").shard(5)).contains("the shard's key is a number"));
}

#[test]
fn reads_may_go_where_a_rule_of_their_own_says() {
    let plan = plan(
        r#"
[[rule]]
name = "reports"
access = "read"
service = "reports"
to = "a-copy"
[[rule]]
name = "tagged"
service = "tagged"
tags = ["reports"]
to = "a"
[[rule]]
name = "all"
to = "a"
"#,
    );
    let place = |service: &str, access| {
        let (key, names) = (Key::of(service), |place: Place<'_>| {
            let replicas: Vec<_> = place.replicas().map(|it| it.name().to_owned()).collect();
            format!("{} {} {}", place.rule(), place.primary().name(), replicas.join(","))
        });
        plan.place(&key, access).map(names).unwrap()
    };
    assert_eq!(place("reports", Access::Read), "reports a a-copy");
    assert_eq!(place("reports", Access::Write), "all a a-copy");
    assert_eq!(place("tagged", Access::Read), "tagged a a-copy");
}

#[test]
fn the_hash_is_published() {
    // Computed with another language's SHA-256.
    for (key, of_16, of_1024, of_65536) in [
        ("", 4, 20, 7_188),
        ("0", 8, 824, 28_472),
        ("42", 13, 653, 36_493),
        ("-7", 13, 493, 52_717),
        ("a", 10, 458, 48_586),
        ("user-42", 9, 329, 9_545),
        ("Zürich", 5, 565, 46_645),
    ] {
        assert_eq!([16, 1_024, 65_536].map(|slots| slot(key, slots)), [of_16, of_1024, of_65536], "{key}");
    }
    assert_eq!(slot("x", 1), 0);
}

/// The source `a`, and what is given.
fn with(more: &str) -> String {
    format!("[[source]]\nname = \"a\"\nurl = \"postgres://db-a/shop\"\n{more}")
}

const ALL: &str = "\n[[rule]]\nname = \"all\"\nto = \"a\"\n";

#[test]
fn a_source_that_is_not_right_is_refused_where_it_stands() {
    let replica = "[[source]]\nname = \"c\"\nurl = \"postgres://c/s\"\nrole = \"replica\"\n";
    for (source, says) in [
        (
            "[[source]]\nname = \"a\"\nurl = \"postgres://x/s\"",
            "line 5: source a: another source has this name",
        ),
        ("[[source]]\nname = \"B!\"\nurl = \"postgres://x/s\"", "line 5: source B!: the name is none that"),
        ("[[source]]\nname = \"b\"", "source b: it has no url; give url, or url_env"),
        ("[[source]]\nname = \"b\"\nurl = \"x:\"\nurl_env = \"Y\"", "source b: it has both url and url_env"),
        (
            "[[source]]\nname = \"b\"\nurl_env = \"NONE\"",
            "the variable NONE, which url_env names, is not set",
        ),
        ("[[source]]\nname = \"b\"\nurl_env = \"postgres://hush@b/s\"", "source b: url_env holds a url"),
        ("[[source]]\nname = \"b\"\nurl = \"hush\"", "source b: its url has no scheme"),
        (
            "[[source]]\nname = \"b\"\nurl = \"x:\"\nweight = 1001",
            "weight is 1001; give a number from 0 to 1000",
        ),
        ("[[source]]\nname = \"b\"\nurl = \"x:\"\nmax_connections = 0", "max_connections is 0"),
        ("[[source]]\nname = \"b\"\nurl = \"x:\"\nlag_max_ms = 5", "source b: a primary has no lag"),
        ("[[source]]\nname = \"b\"\nurl = \"x:\"\nreplica_of = \"a\"", "a primary is replica of nobody"),
        (replica, "line 5: source c: a replica without replica_of"),
        (&format!("{replica}replica_of = \"z\""), "there is no source z, which replica_of names"),
        (&format!("{replica}replica_of = \"c\""), "c, which replica_of names, is no primary"),
        (
            &format!("{replica}replica_of = \"a\"\nweight = 0"),
            "source a: all that could serve its reads have weight 0",
        ),
        (
            &format!("{}replica_of = \"a\"", replica.replace("postgres://c/s", "postgres://db-a/shop")),
            "the url of its primary",
        ),
        (
            "[[source]]\nname = \"b\"\nurl = \"x:\"\npassword = \"hush\"",
            "line 7: the file: unknown field `password`",
        ),
        (
            "[[source]]\nname = \"b\"\nurl = \"x:\"\nrole = \"leader\"",
            "line 7: the file: unknown variant `leader`",
        ),
        ("[health]\nevery_ms = 1", "[health] looks too often or too seldom"),
        ("[health]\nout_after = 0", "[health] counts wrongly"),
    ] {
        let told = refused(&format!("{}{ALL}", with(source)));
        assert!(told.contains(says), "{source}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
    let told = refused("");
    assert!(told.contains("it declares no source") && told.contains("it has no rule"), "{told}");
}

#[test]
fn a_rule_that_is_not_right_is_refused_where_it_stands() {
    let hash = |parts: &str| format!("hash = {{ slots = 4, parts = [{parts}] }}");
    let ranges = |parts: &str| format!("ranges = [{parts}]");
    for (rule, says) in [
        ("to = \"z\"".to_owned(), "line 19: rule r: there is no source z"),
        ("to = \"a-copy\"".to_owned(), "a-copy is a replica and takes no writes"),
        ("to = \"a-copy\"\naccess = \"write\"".to_owned(), "a-copy is a replica and takes no writes"),
        ("service = \"s\"".to_owned(), "where it leads to is not said, or said twice"),
        ("to = \"a\"\nlists = []".to_owned(), "where it leads to is not said, or said twice"),
        ("to = \"a\"\ntenant = \"x\"\ntenants = [\"y\"]".to_owned(), "it has both tenant and tenants"),
        ("to = \"a\"\ntenants = []".to_owned(), "tenants is empty"),
        ("to = \"b\"\ntags = [\"x\"]".to_owned(), "no replica of b has all of the rule's tags"),
        ("lists = []".to_owned(), "its lists are empty"),
        ("lists = [{ keys = [1, \"1\"], to = \"a\" }]".to_owned(), "the key \"1\" is listed twice"),
        (hash("{ slots = \"0-2\", to = \"a\" }"), "slot 3 leads nowhere"),
        (hash("{ slots = \"0-2\", to = \"a\" }, { slots = \"2-3\", to = \"b\" }"), "slot 2 is given twice"),
        (hash("{ slots = \"0-4\", to = \"a\" }"), "slots \"0-4\" of its 4; write 0-3, or one number"),
        (hash("{ slots = \"3-0\", to = \"a\" }"), "slots \"3-0\" of its 4"),
        (hash("{ slots = \"0-3\", to = \"a-copy\" }"), "a-copy is a replica"),
        ("hash = { slots = 0, parts = [] }".to_owned(), "0 slots; give a number from 1 to 65536"),
        ("hash = { slots = 70000, parts = [] }".to_owned(), "70000 slots"),
        (ranges(""), "its ranges have no end at all"),
        (ranges("{ to = \"a\" }"), "its ranges have no end at all"),
        (ranges("{ from = 5, until = 5, to = \"a\" }"), "the range from 5 until 5 holds nothing"),
        (
            ranges("{ until = 5, to = \"a\" }, { from = 6, to = \"b\" }"),
            "there is a gap: nothing leads from 5 until 6",
        ),
        (ranges("{ until = 5, to = \"a\" }, { from = 4, to = \"b\" }"), "two ranges overlap at 4"),
        (ranges("{ from = 1, to = \"a\" }, { from = 4, to = \"b\" }"), "two ranges overlap at 4"),
        (ranges("{ until = 5, to = \"a\" }, { from = \"x\", to = \"b\" }"), "of numbers and of texts"),
        (
            "to = \"a\"\n[[rule]]\nname = \"r\"\nto = \"b\"".to_owned(),
            "line 22: rule r: another rule has this name",
        ),
        (
            "to = \"a\"\n[[rule]]\nname = \"s\"\nservice = \"s\"\nto = \"b\"".to_owned(),
            "rule r before it takes them all",
        ),
    ] {
        let told = refused(&format!("{THREE}[[rule]]\nname = \"r\"\n{rule}\n"));
        assert!(told.contains(says), "{rule}: {told}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let told = refused(&with(
        "max_connections = 0\n[[rule]]\nname = \"r\"\nto = \"z\"\n[[rule]]\nname = \"s\"\nto = \"y\"\n",
    ));
    assert_eq!(told.lines().count(), 4, "{told}");
}
