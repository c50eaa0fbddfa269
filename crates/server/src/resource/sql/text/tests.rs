//! What a statement becomes, as a table; and that a statement of any pieces keeps them all, with values nowhere in it.

use proptest::prelude::*;

use super::*;

fn types() -> Types {
    let types = [("sku", Type::Text), ("n", Type::Integer), ("price", Type::Decimal)];
    types.into_iter().map(|(name, kind)| (Arc::from(name), kind)).collect()
}

fn compiled(text: &str, grammar: Grammar) -> Result<(String, String), String> {
    compile(text, grammar, &types()).map(|done| (done.sql.to_string(), done.binds.join(" ")))
}

use Grammar::{MySql, Postgres, Sqlite};

#[test]
fn places_are_bound_in_the_way_of_each_database() {
    let text = "UPDATE stock SET a = a - :n, r = r + :n WHERE sku = :sku AND a >= :n;";
    let cases = [
        (Postgres, "UPDATE stock SET a = a - $1, r = r + $1 WHERE sku = $2 AND a >= $1;", "n sku"),
        (Sqlite, "UPDATE stock SET a = a - ?1, r = r + ?1 WHERE sku = ?2 AND a >= ?1;", "n sku"),
        (MySql, "UPDATE stock SET a = a - ?, r = r + ? WHERE sku = ? AND a >= ?;", "n n sku n"),
    ];
    for (grammar, sql, binds) in cases {
        let wanted = (sql.trim_end_matches(';').to_owned(), binds.to_owned());
        assert_eq!(compiled(text, grammar), Ok(wanted), "{grammar:?}");
    }
}

#[test]
fn what_is_no_parameter_is_left_alone() {
    let cases = [
        (Postgres, "UPDATE t SET a = ':n', b = \":n\" -- :n\n WHERE /* :n /* :n */ :n */ c = $q$ :n $q$", ""),
        (Postgres, "UPDATE t SET a = b::text, c = 'it''s :n' WHERE d ? 'x' AND e$1 = $$:n$$", ""),
        (MySql, "UPDATE t SET a = `:n`, @x := 5 # :n\n WHERE b = 5--:n", "5--?"),
        (MySql, "UPDATE t SET a = ':n' -- :n", ""),
        (Sqlite, "UPDATE t SET a = [:n], b = `:n` /* /* :n */ WHERE c = '' ':n'", ""),
        (Postgres, "UPDATE t SET ä = 'ü:n'", ""),
    ];
    for (grammar, text, bound) in cases {
        let (sql, binds) = compiled(text, grammar).unwrap_or_else(|why| panic!("{text}: {why}"));
        let wanted = if bound.is_empty() { text.to_owned() } else { text.replace("5--:n", bound) };
        assert_eq!((sql, binds.is_empty()), (wanted, bound.is_empty()), "{grammar:?}");
    }
    let (sql, binds) =
        compiled("UPDATE t SET a = :n::bigint, b = x[:n] WHERE c=:tercet_branch", Postgres).unwrap();
    assert_eq!((&*sql, &*binds), ("UPDATE t SET a = $1::bigint, b = x[$1] WHERE c=$2", "n tercet_branch"));
    let decimal = "UPDATE t SET a = a - :price";
    assert_eq!(compiled(decimal, Postgres).unwrap().0, "UPDATE t SET a = a - CAST($1 AS NUMERIC)");
    assert_eq!(compiled(decimal, MySql).unwrap().0, "UPDATE t SET a = a - CAST(? AS DECIMAL(65,30))");
}

#[test]
fn what_is_not_one_judgeable_statement_is_refused() {
    let cases = [
        (Postgres, "UPDATE t SET a = :m", "the parameter :m is not declared"),
        (Postgres, "UPDATE t SET a = :nn", "the parameter :nn is not declared"),
        (Postgres, "UPDATE t SET a = 1; DELETE FROM t", "one text is one statement"),
        (Postgres, "COMMIT", "must begin with"),
        (MySql, "ALTER TABLE t ADD x int", "must begin with"),
        (Sqlite, "", "must begin with"),
        (Sqlite, "'update'", "must begin with"),
        (Postgres, "UPDATE t SET a = $1", "parameters are written :name"),
        (MySql, "UPDATE t SET a = ?", "parameters are written :name"),
        (Sqlite, "UPDATE t SET a = @n", "parameters are written :name"),
        (Postgres, "UPDATE t SET a = 'x", "' is not closed"),
        (Postgres, "UPDATE t SET a = $x$ $y$", "$x$ is not closed"),
        (Postgres, "UPDATE t SET a = 1 /* /* */", "/* is not closed"),
        (MySql, "UPDATE t SET a = 'x\\' :n'", "a backslash in quotes"),
        (MySql, "UPDATE t SET a = 1 /*! , b = 2 */", "a comment that is executed"),
    ];
    for (grammar, text, why) in cases {
        let refused = compiled(text, grammar).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
    assert!(compiled("UPDATE t SET a = 1; -- done\n /* x */ ", Postgres).is_ok());
}

#[test]
fn the_table_is_told_where_it_is_plain() {
    let cases = [
        ("UPDATE stock SET a = 1", Some("stock")),
        ("insert into Stock (a) values (1)", Some("Stock")),
        ("DELETE FROM stock WHERE a = 1", Some("stock")),
        ("UPDATE shop.stock SET a = 1", None),
        ("UPDATE ONLY stock SET a = 1", None),
        ("UPDATE \"stock\" SET a = 1", None),
        ("WITH x AS (SELECT 1) UPDATE stock SET a = 1", None),
    ];
    for (text, table) in cases {
        assert_eq!(compile(text, Postgres, &types()).unwrap().table.as_deref(), table, "{text}");
    }
}

/// A piece of a statement, and what it must become: itself, or a place for a parameter.
fn piece() -> impl Strategy<Value = (String, Option<&'static str>)> {
    let own = |text: &'static str| Just((text.to_owned(), None));
    prop_oneof![
        Just((":n".to_owned(), Some("n"))),
        Just((":sku".to_owned(), Some("sku"))),
        own("a"),
        own("="),
        own("::text"),
        own(","),
        own("("),
        own(")"),
        own("\"q\""),
        own("x$1"),
        own(":="),
        "[a-z:;?$@ü ]{0,6}".prop_map(|text| (format!("'{text}'"), None)),
        "[a-z:;?$@'\" ]{0,6}".prop_map(|text| (format!("/* {text} */"), None)),
        "[a-z:;?$@'\" ]{0,6}".prop_map(|text| (format!("-- {text}\n"), None)),
    ]
}

proptest! {
    #[test]
    fn only_names_become_places_and_all_else_stays(
        pieces in proptest::collection::vec(piece(), 0..12),
        grammar in prop_oneof![Just(Postgres), Just(MySql), Just(Sqlite)],
    ) {
        let (mut text, mut wanted, mut binds) = ("UPDATE ".to_owned(), "UPDATE ".to_owned(), Vec::<&str>::new());
        for (piece, name) in &pieces {
            text.push_str(&format!("{piece} "));
            let place = name.map(|name| {
                if grammar == MySql {
                    binds.push(name);
                    return "?".to_owned();
                }
                let known = binds.iter().position(|bound| *bound == name);
                let index = known.unwrap_or_else(|| { binds.push(name); binds.len() - 1 });
                format!("{}{}", if grammar == Postgres { '$' } else { '?' }, index + 1)
            });
            wanted.push_str(&format!("{} ", place.as_ref().unwrap_or(piece)));
        }
        prop_assert_eq!(compiled(&text, grammar), Ok((wanted.trim().to_owned(), binds.join(" "))));
    }

    #[test]
    fn any_text_is_compiled_or_refused(text in "\\PC{0,40}", grammar in prop_oneof![Just(Postgres), Just(MySql), Just(Sqlite)]) {
        let _ = compiled(&format!("UPDATE {text}"), grammar);
    }
}
