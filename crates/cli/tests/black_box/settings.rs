//! Settings as a user meets them: precedence over real flags, file and environment, and refusals that name the place.

use serde_json::json;

use crate::support::{Tercet, awaited, tcc, tercet};

fn refused_start(words: &[&str], variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tercet(&["serve", "--grpc", "127.0.0.1:0"]);
    let output = command
        .arg("--data")
        .arg(folder.path())
        .args(words)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "nothing but the ready line is for standard output: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_unknown_key_is_refused_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tercet.toml");
    std::fs::write(&path, "log_level = \"warn\"\n\n[limits]\nbody_byte = 5\n").unwrap();
    let path = path.to_str().unwrap();
    let wanted = format!("tercet: {path}:4: limits.body_byte: unknown key\n");
    assert_eq!(refused_start(&["--config", path], &[]), wanted);
    assert_eq!(refused_start(&[], &[("TERCET_CONFIG", path)]), wanted);
}

#[test]
fn an_unknown_variable_and_a_bad_flag_are_refused_by_name() {
    let refused = refused_start(&[], &[("TERCET_LIMITS_BODY_BYTE", "5")]);
    assert!(
        refused.starts_with("tercet: variable TERCET_LIMITS_BODY_BYTE: there is no such setting"),
        "{refused}"
    );
    let refused = refused_start(&["--limits-branches", "many"], &[]);
    assert!(refused.contains("--limits-branches: \"many\" is no whole number"), "{refused}");
    let refused = refused_start(&["--config", "/nowhere/tercet.toml"], &[]);
    assert!(refused.starts_with("tercet: /nowhere/tercet.toml: cannot be read"), "{refused}");
}

#[test]
fn the_limit_that_holds_is_the_flags_then_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tercet.toml");
    std::fs::write(&path, "[limits]\nbranches = 2\n").unwrap();
    let path = path.to_str().unwrap();
    let three = tcc("t", [awaited("a"), awaited("b"), awaited("c")]);
    let by_file = Tercet::with(&["--config", path]);
    by_file.post("/v1/transactions", &three).is_refusal(400, "branches_invalid");
    let by_flag = Tercet::with(&["--config", path, "--limits-branches", "3"]);
    by_flag.post("/v1/transactions", &three).is(202);
}

#[test]
fn a_listener_that_others_reach_needs_tokens_or_insistence() {
    let refused = refused_start(&["--http", "0.0.0.0:0"], &[]);
    assert!(refused.contains("can be reached from other machines and no token is configured"), "{refused}");
}

#[test]
fn with_tokens_only_their_bearers_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "shop=0123456789abcdef\n").unwrap();
    let server = Tercet::with(&["--tokens-file", path.to_str().unwrap()]);
    let refused = server.get("/v1/transactions");
    refused.is_refusal(401, "unauthenticated");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let bearer = |token: &str| {
        let header = format!("Bearer {token}");
        server.send(("GET", "/v1/transactions"), &[("authorization", &header)], b"").unwrap()
    };
    bearer("0123456789abcdee").is_refusal(401, "unauthenticated");
    assert_eq!(bearer("0123456789abcdef").is(200).body["items"], json!([]));
    server.get("/healthz").is(200);
    server.get("/readyz").is(200);
    server.get("/metrics").is_refusal(401, "unauthenticated");
    assert!(!server.errors().contains("0123456789abcdef"), "a token was logged");
}
