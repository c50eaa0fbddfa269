//! The refusals of this room, and every refusal of all rooms. See `transaction::refusal` for what a refusal is.
//!
//! Only what can be seen before a request reaches the engine is refused here. `docs/reference/refusals.md` is
//! generated from [`refusals`]; `http/problem.rs` says which HTTP status each becomes.

use transaction::RefusalKind;

transaction::refusals! {
    JSON_INVALID = 301 "json_invalid" Malformed, "The body is not JSON in UTF-8, or names a field twice", "Send one JSON object, each field once";
    JSON_TOO_DEEP = 302 "json_too_deep" Malformed, "The JSON is nested too deeply", "Nest less deeply, or send the inner part as a string";
    FIELD_UNKNOWN = 303 "field_unknown" Malformed, "A field or query parameter does not exist", "Look for a typing error in the field named by `at`";
    FIELD_INVALID = 304 "field_invalid" Malformed, "A field or query parameter has a value it cannot have", "Give the field named by `at` a value of the kind that the detail names";
    URL_INVALID = 305 "url_invalid" Malformed, "A URL cannot be called", "Give an http or https URL with a host, without user name or fragment, of at most 2048 bytes";
    TARGET_DENIED = 306 "target_denied" Malformed, "The coordinator may not call this address", "Choose another participant, or have the operator allow the address";
    IDEMPOTENCY_KEY_INVALID = 307 "idempotency_key_invalid" Malformed, "The `Idempotency-Key` is not of the allowed form", "Use 1 to 255 visible ASCII characters, raw or in double quotes";
    RESOURCE_UNKNOWN = 308 "resource_unknown" Unknown, "No resource of this kind and name is declared", "Declare it in the server's `resources_file`, or name one that is";
    BODY_TOO_LARGE = 310 "body_too_large" TooLarge, "The body is larger than the limit", "Send less; keep large data in the participants";
    BODY_LATE = 311 "body_late" Malformed, "The body did not arrive in time", "Send the whole body at once";
    PATH_UNKNOWN = 320 "path_unknown" Unknown, "Nothing is served under this path", "Look the path up in `/v1/openapi.json`; percent-encode ids in it";
    METHOD_NOT_ALLOWED = 321 "method_not_allowed" Malformed, "The path does not know this method", "Use a method that the `Allow` header names";
    UNAUTHENTICATED = 330 "unauthenticated" NotAllowed, "No valid token came with the request", "Send `Authorization: Bearer TOKEN` with a token of the server's configuration";
    ORIGIN_DENIED = 331 "origin_denied" NotAllowed, "A web page of another site may not ask a server that has no tokens", "Configure tokens, or ask from a program instead of a browser";
    RATE_LIMITED = 340 "rate_limited" NotNow, "This caller asks more often than it may", "Ask again after `Retry-After`, and more slowly";
    OUTCOME_UNKNOWN = 341 "outcome_unknown" NotNow, "What became of the request is not known", "Ask again with the same id or key: that tells the truth and does nothing twice";
    RESOURCE_UNREADY = 342 "resource_unready" NotNow, "The resource can't be rebuilt now", "Mend what the detail names, and ask again";
}

/// Every refusal that can reach a caller, of all rooms, by number.
pub fn refusals() -> impl Iterator<Item = &'static RefusalKind> {
    transaction::REFUSALS
        .iter()
        .chain(engine::refusal::REFUSALS)
        .chain(REFUSALS)
        .chain(ledger::REFUSALS)
        .copied()
}

/// The page `docs/reference/refusals.md`, as it must be.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(PAGE_HEAD);
    for kind in refusals() {
        let status = crate::http::status_of(kind).as_u16();
        let row =
            format!("| {} | `{}` | {status} | {} | {} |\n", kind.number, kind.code, kind.title, kind.mend);
        page.push_str(&row);
    }
    page
}

const PAGE_HEAD: &str = "# Refusals

<!-- Generated from the code: `TERCET_BLESS=1 cargo test -p server refusal` writes this page anew. -->

A refusal is an answer that the caller must act on: nothing was changed (`outcome_unknown` apart, which says that nobody
knows). It comes as `application/problem+json` with `type` (`urn:tercet:refusal:CODE`), `title`, `status`, `detail`,
`code`, and `at`, a JSON pointer, where one field is meant; a query parameter `x` is pointed to as `/x`. Numbers and
codes are stable.

| number | code | status | means | what to do |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn numbers_and_codes_are_unique_and_numbers_ascend() {
        let numbers: Vec<u16> = refusals().map(|kind| kind.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let codes: BTreeSet<&str> = refusals().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), numbers.len());
    }

    #[test]
    fn the_refusal_page_is_the_generated_one() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/refusals.md");
        if std::env::var_os("TERCET_BLESS").is_some() {
            std::fs::write(&page, reference_page()).unwrap();
        }
        let written = std::fs::read_to_string(&page).unwrap();
        assert_eq!(written, reference_page(), "run TERCET_BLESS=1 cargo test -p server refusal");
    }
}
