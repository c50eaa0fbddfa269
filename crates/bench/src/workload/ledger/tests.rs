//! Short rounds in a debug build: nothing is refused, every figure is there, what was answered can be read.

use super::*;

fn args(more: &[&str]) -> Args {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let mut words = vec!["ledger", "--rounds", "1", "--seconds", "1", "--accounts", "50"];
    words.extend(more);
    <Line as clap::Parser>::try_parse_from(words).unwrap().args
}

fn measured(more: &[&str]) -> (Vec<SideFigures>, Option<Lag>) {
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    measure(&args(more), folder.path()).unwrap()
}

fn json(sides: &[SideFigures]) -> serde_json::Value {
    serde_json::to_value(sides).unwrap()
}

#[test]
fn uniform_and_hot_entries_are_compared_and_read_back() {
    let (sides, lag) = measured(&["--hot", "--batch", "100", "--in-flight", "4", "--watch"]);
    assert!(report::hot_ratio(&sides).unwrap().median > 0.0);
    let lag = lag.unwrap();
    assert!(lag.visible.count() > 0 && lag.asked.count() >= lag.visible.count());
    let sides = json(&sides);
    for side in sides.as_array().unwrap() {
        for figure in
            ["per_second", "limit_per_second", "limit_ratio", "p50_ms", "journal_bytes_each", "resident_mib"]
        {
            assert!(side[figure]["median"].as_f64().unwrap() > 0.0, "{figure} in {side}");
        }
        assert!(side["threads"].as_array().unwrap().len() > 1, "{side}");
    }
}

#[test]
fn pairs_and_lone_entries_run() {
    let (pairs, _) = measured(&["--pairs", "--batch", "64", "--in-flight", "2"]);
    let (lone, _) = measured(&["--lone"]);
    for sides in [json(&pairs), json(&lone)] {
        assert!(sides[0]["rounds"][0].as_f64().unwrap() > 0.0, "{sides}");
    }
    assert_eq!(json(&lone)[0]["each_per_sync"]["median"].as_f64().unwrap().round(), 1.0);
}

#[test]
fn more_than_the_engine_lets_wait_is_refused() {
    let refused = run(&args(&["--in-flight", "100"])).unwrap_err().to_string();
    assert!(refused.contains("100 batches of 8190"), "{refused}");
}
