//! Query parameters: each known, each once. What they mean is the verb's business.

use std::borrow::Cow;

use http::request::Parts;
use transaction::Refusal;
use transaction::refusal::SPAN_INVALID;

use super::parse::{shortened, step};
use super::wire::WAIT_MOST_MS;
use crate::refusal::{FIELD_INVALID, FIELD_UNKNOWN};

/// A parameter's name and value, decoded.
type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters of a request, in order.
pub(super) fn pairs(head: &Parts) -> Result<Vec<Parameter<'_>>, Refusal> {
    let Some(query) = head.uri.query() else { return Ok(Vec::new()) };
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).take(PARAMETERS_MAX + 1).collect();
    if pairs.len() > PARAMETERS_MAX {
        return Err(FIELD_INVALID.because(format!("more than {PARAMETERS_MAX} query parameters")));
    }
    for (index, (name, _)) in pairs.iter().enumerate() {
        if pairs[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(FIELD_INVALID
                .at(step(name), format!("the query parameter `{}` is given twice", shortened(name))));
        }
    }
    Ok(pairs)
}

/// Query parameters of one request: more than any verb has, labels included.
const PARAMETERS_MAX: usize = 64;

/// Refuses every parameter.
pub(super) fn none(head: &Parts) -> Result<(), Refusal> {
    match pairs(head)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(unknown(name)),
    }
}

/// The refusal of a parameter that the verb does not know.
pub(super) fn unknown(name: &str) -> Refusal {
    FIELD_UNKNOWN.at(step(name), format!("there is no query parameter `{}`", shortened(name)))
}

/// The one parameter of a read: how long it waits for a final state, in milliseconds.
pub(super) fn wait_ms(head: &Parts) -> Result<u64, Refusal> {
    let mut wait_ms = 0;
    for (name, value) in pairs(head)? {
        if name != "wait_ms" {
            return Err(unknown(&name));
        }
        wait_ms = value.parse().ok().filter(|ms| *ms <= WAIT_MOST_MS).ok_or_else(|| {
            SPAN_INVALID.at(
                "/wait_ms",
                format!("{} is not a whole number of milliseconds up to {WAIT_MOST_MS}", shortened(&value)),
            )
        })?;
    }
    Ok(wait_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(query: &str) -> Parts {
        http::Request::builder().uri(format!("/x{query}")).body(()).unwrap().into_parts().0
    }

    #[test]
    fn waits_are_read_and_everything_else_refused() {
        let cases = [
            ("", Ok(0)),
            ("?", Ok(0)),
            ("?wait_ms=250", Ok(250)),
            ("?wait_ms=60000", Ok(60_000)),
            ("?wait_ms=60001", Err(("span_invalid", "/wait_ms"))),
            ("?wait_ms=-1", Err(("span_invalid", "/wait_ms"))),
            ("?wait_ms=1.5", Err(("span_invalid", "/wait_ms"))),
            ("?wait=1", Err(("field_unknown", "/wait"))),
            ("?wait_ms=1&wait_ms=1", Err(("field_invalid", "/wait_ms"))),
        ];
        for (query, expected) in cases {
            let seen = wait_ms(&head(query));
            let seen = seen.map_err(|refusal| (refusal.kind.code, refusal.at.unwrap_or_default()));
            assert_eq!(seen, expected.map_err(|(code, at)| (code, at.to_owned())), "{query}");
        }
        assert!(none(&head("")).is_ok());
        assert_eq!(none(&head("?a/b=1")).unwrap_err().at.as_deref(), Some("/a~1b"));
    }
}
