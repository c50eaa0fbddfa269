//! What is said where, who goes before whom, and every refusal with its place.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use clap::{Args, FromArgMatches};
use server::{HttpLimits, OpenDoor};

use super::environment::Environment;
use super::layer::Layer;
use super::table::{SETTINGS, Setting};
use super::{Flags, Settings, file};

fn flags(words: &[&str]) -> Result<Flags, String> {
    let command = Flags::augment_args(clap::Command::new("serve").no_binary_name(true));
    let matches = command.try_get_matches_from(words).map_err(|error| error.to_string())?;
    Flags::from_arg_matches(&matches).map_err(|error| error.to_string())
}

fn in_file(text: &str) -> Result<Layer, String> {
    file::parse(Path::new("t.toml"), text).map_err(|refused| refused.to_string())
}

fn in_environment(variables: &[(&str, &str)]) -> Result<Environment, String> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Environment::read(variables).map_err(|refused| refused.to_string())
}

fn resolved(layers: &[Layer]) -> Result<Settings, String> {
    Settings::resolve(layers).map_err(|refused| refused.to_string())
}

#[test]
fn keys_flags_and_variables_are_unique() {
    let unique = |names: BTreeSet<String>| assert_eq!(names.len(), SETTINGS.len());
    unique(SETTINGS.iter().map(|setting| setting.key.to_owned()).collect());
    unique(SETTINGS.iter().map(Setting::flag).collect());
    unique(SETTINGS.iter().map(Setting::variable).collect());
}

#[test]
fn the_defaults_are_those_of_the_rooms() {
    let settings = resolved(&[]).unwrap();
    assert_eq!(format!("{:?}", settings.engine), format!("{:?}", engine::Config::default()));
    assert_eq!(settings.data, Path::new("./tercet-data"));
    assert_eq!(
        (settings.server.http.to_string(), settings.server.grpc.to_string()),
        ("127.0.0.1:36789".into(), "127.0.0.1:36790".into())
    );
    assert_eq!(format!("{:?}", settings.server.limits), format!("{:?}", HttpLimits::default()));
    assert_eq!(format!("{:?}", settings.call), format!("{:?}", server::call::Config::default()));
    assert_eq!(settings.server.open_door, OpenDoor::Refuse);
    assert_eq!(settings.journal.retain_bytes, None);
}

#[test]
fn a_flag_goes_before_the_file_before_the_environment_before_the_default() {
    let flag = flags(&["--limits-queue", "3"]).unwrap().layer;
    let file = in_file("[limits]\nqueue = 2\nlabels = 2").unwrap();
    let environment = in_environment(&[
        ("TERCET_LIMITS_QUEUE", "1"),
        ("TERCET_LIMITS_LABELS", "1"),
        ("TERCET_LIMITS_BRANCHES", "1"),
    ]);
    let settings = resolved(&[flag, file, environment.unwrap().layer]).unwrap();
    let limits = settings.engine.limits;
    assert_eq!(
        (settings.engine.queue, limits.labels, limits.branches, limits.result_bytes),
        (3, 2, 1, 65_536)
    );
}

#[test]
fn lists_and_tables_are_the_same_in_every_place() {
    let from_flags = flags(&[
        "--allow-ports",
        "80,81",
        "--allow-ports",
        "82",
        "--participants",
        "A:1 rate=5 queue=2",
        "--participants",
        "b:2 concurrency=1",
    ]);
    let from_file = in_file(
        "allow_ports = [80, \"81\", 82]\n[participants.\"A:1\"]\nrate = 5\nqueue = 2\n[participants.\"b:2\"]\nconcurrency = 1",
    );
    let from_environment = in_environment(&[
        ("TERCET_ALLOW_PORTS", "80, 81 ,82"),
        ("TERCET_PARTICIPANTS", "a:1 rate=5 queue=2, b:2 concurrency=1"),
    ]);
    for layer in [from_flags.unwrap().layer, from_file.unwrap(), from_environment.unwrap().layer] {
        let settings = resolved(&[layer]).unwrap();
        assert_eq!(settings.call.policy.allow_ports, [80, 81, 82]);
        let limits = &settings.engine.participants;
        assert_eq!(limits.keys().collect::<Vec<_>>(), ["a:1", "b:2"]);
        assert_eq!((limits["a:1"].rate, limits["a:1"].queue, limits["a:1"].concurrency), (5, 2, 128));
        assert_eq!((limits["b:2"].rate, limits["b:2"].concurrency), (0, 1));
    }
}

#[test]
fn an_exception_starts_from_the_limits_of_all() {
    let layer = in_file("[participants.\"a:1\"]\nrate = 5\n[participant]\nconcurrency = 7").unwrap();
    assert_eq!(resolved(&[layer]).unwrap().engine.participants["a:1"].concurrency, 7);
}

#[test]
fn tokens_come_from_table_variable_and_file_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "# ours\n\nops=0123456789abcdef-ops\n").unwrap();
    let file = in_file("[tokens]\nshop = \"0123456789abcdef\"").unwrap();
    let flag = flags(&["--tokens-file", path.to_str().unwrap()]).unwrap().layer;
    let settings = resolved(&[flag, file]).unwrap();
    let names: Vec<_> = settings.server.tokens.iter().map(server::Token::name).collect();
    assert_eq!(names, ["shop", "ops"]);
    assert!(!format!("{settings:?}").contains("0123456789abcdef"));

    let refused = |entry: &str| {
        let layer = in_environment(&[("TERCET_TOKENS", entry)]).unwrap().layer;
        resolved(&[layer]).unwrap_err()
    };
    assert!(refused("shop").starts_with("variable TERCET_TOKENS: entry 1 is not NAME=TOKEN"));
    assert!(refused("a=0123456789abcdef,a=0123456789abcdef").contains("given twice"));
    assert!(!refused("a=shortsecret").contains("shortsecret"));

    std::fs::write(&path, "\nnonsense\n").unwrap();
    let flag = flags(&["--tokens-file", path.to_str().unwrap()]).unwrap().layer;
    assert!(resolved(&[flag]).unwrap_err().contains("tokens:2: the line is not NAME=TOKEN"));
}

#[test]
fn the_secret_of_calls_comes_from_a_file_only_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let said = || {
        let layer = in_environment(&[("TERCET_CALL_SECRET_FILE", path.to_str().unwrap())]).unwrap().layer;
        resolved(&[layer])
    };
    assert!(said().unwrap_err().contains("cannot read"));
    std::fs::write(&path, "# of June\n0123456789abcdef-new\n0123456789abcdef-old\n").unwrap();
    let settings = said().unwrap();
    assert!(settings.call.signature.is_some());
    assert!(!format!("{settings:?}").contains("0123456789abcdef"));
    for (text, why) in [
        ("\n", "secret: it holds no secret"),
        ("\nshort secret\n", "secret: the secret in line 2 is shorter than 16 bytes"),
    ] {
        std::fs::write(&path, text).unwrap();
        let refused = said().unwrap_err();
        assert!(
            refused.starts_with("variable TERCET_CALL_SECRET_FILE") && refused.ends_with(why),
            "{refused}"
        );
        assert!(!refused.contains("short secret"));
    }
}

#[test]
fn what_the_file_gets_wrong_is_refused_with_its_line() {
    let cases = [
        ("data = \"a\"\n\nhtp = \"x\"", "t.toml:3: htp: unknown key"),
        ("queue = 5", "t.toml:1: queue: unknown key; did you mean limits.queue?"),
        ("[limits]\nqueue = \"5\"", "t.toml:2: limits.queue: is a string, but must be a whole number"),
        ("[limits]\nqueue = 0", "t.toml:2: limits.queue: 0 is not from 1 to 1000000000"),
        ("[limits]\nqueue = -1", "t.toml:2: limits.queue: must be a number from 1"),
        ("[limits]\nqueue = 1.5", "t.toml:2: limits.queue: is a float"),
        ("[limit]\nqueue = 1", "t.toml:1: limit: unknown key"),
        ("limits = 1", "t.toml:1: limits: unknown key"),
        ("log_format = \"xml\"", "t.toml:1: log_format: \"xml\" is none of text, json"),
        ("insecure = \"yes\"", "t.toml:1: insecure: is a string, but must be true or false"),
        ("[tokens]\nshop = 5", "t.toml:2: tokens.\"shop\": a integer does not fit"),
        ("\ndata = ", "t.toml:2: "),
        ("data = \"a\"\ndata = \"b\"", "t.toml:2: "),
        ("allow_ports = \"80\"", "t.toml:1: allow_ports: is a string, but must be an array"),
    ];
    for (text, wanted) in cases {
        let refused = in_file(text).unwrap_err();
        assert!(refused.starts_with(wanted), "{text:?}: {refused}");
    }
    let late = [
        (
            "[participants.\"a:1\"]\nrate = 1\nspeed = 2",
            "t.toml:3: participants.\"a:1\": unknown key \"speed\"",
        ),
        ("[participants.a]\nrate = 1", "t.toml:2: participants.\"a\": \"a\" is not HOST:PORT"),
        (
            "[participants.\"a:1\"]\nqueue = 0",
            "t.toml:2: participants.\"a:1\": queue must be a whole number from 1",
        ),
        ("allow_ports = [0]", "t.toml:1: allow_ports: \"0\" is no port"),
        ("allow_cidrs = [\"10.0.0.1/8\"]", "t.toml:1: allow_cidrs: `10.0.0.1/8` is not a network"),
        ("http = \"nowhere\"", "t.toml:1: http: \"nowhere\" is no address"),
    ];
    for (text, wanted) in late {
        let refused = resolved(&[in_file(text).unwrap()]).unwrap_err();
        assert!(refused.starts_with(wanted), "{text:?}: {refused}");
    }
}

#[test]
fn numbers_of_the_file_may_have_underscores_and_bases() {
    let layer = in_file("[limits]\nqueue = 1_000\nlabels = 0x10").unwrap();
    let engine = resolved(&[layer]).unwrap().engine;
    assert_eq!((engine.queue, engine.limits.labels), (1_000, 16));
}

#[test]
fn an_unknown_variable_is_refused_and_foreign_ones_are_not() {
    let refused = in_environment(&[("TERCET_LIMITS_QUEU", "1")]).unwrap_err();
    assert!(refused.starts_with("variable TERCET_LIMITS_QUEU: there is no such setting"), "{refused}");
    let refused = in_environment(&[("TERCET_LIMITS_QUEUE", "many")]).unwrap_err();
    assert!(refused.starts_with("variable TERCET_LIMITS_QUEUE: \"many\" is no whole number"), "{refused}");
    let kubernetes = [
        ("TERCET_SERVICE_HOST", "10.0.0.1"),
        ("TERCET_PORT", "tcp://10.0.0.1:36789"),
        ("TERCET_PORT_36789_TCP", "x"),
        ("TERCET_URL", "http://127.0.0.1:1"),
        ("TERCETX", "1"),
    ];
    let environment = in_environment(&kubernetes).unwrap();
    assert_eq!(environment.layer, Layer::default());
    let config = in_environment(&[("TERCET_CONFIG", "a.toml")]).unwrap().config;
    assert_eq!(config.as_deref(), Some(Path::new("a.toml")));
}

#[test]
fn flags_are_refused_by_name() {
    for (words, wanted) in [
        (&["--limits-queue", "0"][..], "--limits-queue: 0 is not from 1"),
        (&["--limits-queu", "1"], "unexpected argument '--limits-queu'"),
        (&["--log-format", "xml"], "--log-format: \"xml\" is none of text, json"),
        (&["--tokens", "a=0123456789abcdef"], "unexpected argument '--tokens'"),
    ] {
        let refused = flags(words).unwrap_err();
        assert!(refused.contains(wanted), "{words:?}: {refused}");
    }
    let on = flags(&["--insecure"]).unwrap().layer;
    let off = flags(&["--insecure=false"]).unwrap().layer;
    assert_eq!(resolved(&[on]).unwrap().server.open_door, OpenDoor::Insecure);
    assert_eq!(resolved(&[off]).unwrap().server.open_door, OpenDoor::Refuse);
}

/// A few keys with something said, as a file would have it.
fn some_file(random: &mut fastrand::Rng) -> Vec<u8> {
    const SAID: [&str; 12] = [
        "1",
        "0",
        "-1",
        "9223372036854775807",
        "true",
        "1.5",
        "inf",
        "\"text\"",
        "[\"10.0.0.0/8\"]",
        "{ a = \"b\" }",
        "{ \"h:1\" = { concurrency = 8 } }",
        "1979-05-27",
    ];
    let mut text = String::new();
    for _ in 0..random.usize(..4) {
        let setting = &SETTINGS[random.usize(..SETTINGS.len())];
        let said = if random.bool() { SAID[random.usize(..SAID.len())] } else { "8" };
        text.push_str(&format!("{} = {said}\n", setting.key));
    }
    text.into_bytes()
}

#[test]
fn whatever_a_file_says_is_understood_or_refused_at_its_line() {
    let mut random = fastrand::Rng::with_seed(11);
    let mut understood = 0;
    for _ in 0..20_000 {
        let mut bytes = some_file(&mut random);
        for _ in 0..random.usize(..3) {
            let at = random.usize(..=bytes.len());
            match random.u8(..3) {
                0 => bytes.insert(at, b"\"[]{}=.\n'#\\"[random.usize(..10)]),
                1 => bytes.truncate(at),
                _ => bytes.insert(at, random.u8(..)),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match in_file(&text).and_then(|layer| resolved(&[layer])) {
            Ok(_) => understood += 1,
            Err(why) => {
                let line = why.strip_prefix("t.toml:").and_then(|rest| rest.split(':').next()?.parse().ok());
                let lines = text.matches('\n').count() + 1;
                assert!(line.is_some_and(|line: usize| (1..=lines).contains(&line)), "{why}\n{text}");
                assert!(why.len() <= 2_000 + 8 * text.len(), "{} bytes: {why}", why.len());
            }
        }
    }
    assert!(understood > 100, "only {understood} are understood");
}
