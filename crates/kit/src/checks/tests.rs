//! The guide says something of every check and of every cause.

use super::names;

const GUIDE: &str = include_str!("../../../../docs/guides/verify-participant.md");
const CAUSES: &str = include_str!("../cause.rs");

#[test]
fn the_guide_has_a_line_on_each_check_and_each_cause() {
    let keys = CAUSES.split("Cause = cause(").skip(1).filter_map(|text| text.split('"').nth(1));
    let (names, keys): (Vec<_>, Vec<_>) = (names().collect(), keys.collect());
    assert!(names.len() == 24 && keys.len() > 30, "{} checks, {} causes", names.len(), keys.len());
    for name in names.into_iter().chain(keys) {
        assert!(
            GUIDE.contains(&format!("| `{name}` |")),
            "docs/guides/verify-participant.md has no row for {name}"
        );
    }
}
