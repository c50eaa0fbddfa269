//! Reports as JUnit XML, which build servers read.
//!
//! Participants are suites, checks are cases. Text of others is escaped, and what XML may not hold is left out.

use std::fmt::Write as _;

use crate::report::{Report, Row, Unjudged, Verdict};

/// The reports as one document; what could not be judged is a suite with an error.
pub fn junit(reports: &[Report], unjudged: &[Unjudged]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        let skipped =
            report.checks.iter().filter(|row| matches!(row.verdict, Verdict::Skipped { .. })).count();
        let took: u64 = report.checks.iter().map(|row| row.took_ms).sum();
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{skipped}\" time=\"{}\">",
            escaped(&report.participant),
            report.checks.len(),
            report.failed().count(),
            seconds(took)
        );
        report.checks.iter().for_each(|row| case(&mut text, &report.participant, row));
        text.push_str("  </testsuite>\n");
    }
    unjudged.iter().for_each(|one| error(&mut text, one));
    text.push_str("</testsuites>\n");
    text
}

fn error(text: &mut String, one: &Unjudged) {
    let (name, why) = (escaped(&one.name), escaped(&one.why));
    let _ = write!(
        text,
        "  <testsuite name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0.000\">\n    \
         <testcase classname=\"{name}\" name=\"reachable\" time=\"0.000\"><error type=\"obstacle\" message=\"{why}\"/></testcase>\n  \
         </testsuite>\n"
    );
}

fn case(text: &mut String, participant: &str, row: &Row) {
    let class = escaped(&format!("{participant}.{}", row.form));
    let (name, took) = (row.name, seconds(row.took_ms));
    let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{took}\"");
    let _ = match &row.verdict {
        Verdict::Held => writeln!(text, "/>"),
        Verdict::Skipped { reason } => {
            writeln!(text, "><skipped message=\"{}\"/></testcase>", escaped(reason))
        }
        Verdict::Failed(finding) => writeln!(
            text,
            "><failure type=\"{}\" message=\"{}\">{}</failure></testcase>",
            finding.key,
            escaped(&finding.broke),
            escaped(&finding.to_string())
        ),
    };
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Text as it may stand between tags and between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for seen in text.chars() {
        match seen {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(seen),
            '\u{fffe}' | '\u{ffff}' => {}
            seen if seen.is_control() => {}
            seen => out.push(seen),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Finding, Judged};

    #[test]
    fn text_of_others_cannot_leave_its_place() {
        let row = |name, verdict| Row {
            form: "tcc",
            name,
            does: String::new(),
            why: String::new(),
            judged: Judged::Effects,
            calls: 1,
            retries: 0,
            took_ms: 1_234,
            verdict,
        };
        let finding = Finding {
            broke: "answered \"]]></failure>\u{1b}".into(),
            evidence: vec!["a & b".into()],
            matters: "money".into(),
            key: "no_tombstone",
            cause: "x".into(),
        };
        let mut report = Report::new("a<b>");
        report.checks = vec![
            row("one", Verdict::Held),
            row("two", Verdict::Failed(finding)),
            row("three", Verdict::Skipped { reason: "no 'body'".into() }),
        ];
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a&lt;b&gt;" tests="3" failures="1" errors="0" skipped="1" time="3.702">
    <testcase classname="a&lt;b&gt;.tcc" name="one" time="1.234"/>
    <testcase classname="a&lt;b&gt;.tcc" name="two" time="1.234"><failure type="no_tombstone" message="answered &quot;]]&gt;&lt;/failure&gt;">  what broke:    answered &quot;]]&gt;&lt;/failure&gt;
  evidence:      a &amp; b
  what it costs: money
  likely cause:  x (no_tombstone)</failure></testcase>
    <testcase classname="a&lt;b&gt;.tcc" name="three" time="1.234"><skipped message="no &apos;body&apos;"/></testcase>
  </testsuite>
  <testsuite name="&lt;gone&gt;" tests="1" failures="0" errors="1" skipped="0" time="0.000">
    <testcase classname="&lt;gone&gt;" name="reachable" time="0.000"><error type="obstacle" message="nobody answers at &quot;x&quot;"/></testcase>
  </testsuite>
</testsuites>
"#;
        let gone = Unjudged { name: "<gone>".into(), why: "nobody answers at \"x\"".into() };
        assert_eq!(junit(&[report], &[gone]), expected);
    }
}
