//! Who asks: a bearer token, basic credentials whose password is one, or, on a server without tokens, an address.
//!
//! Tokens are kept and compared as digests, in constant time, every one of them whatever matched before.
//! Never logs a token or an `Authorization` header.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, ORIGIN};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use transaction::Refusal;
use url::{Host, Url};

use crate::refusal::{ORIGIN_DENIED, UNAUTHENTICATED};

/// A caller's name and its secret.
#[derive(Clone)]
pub struct Token {
    name: Arc<str>,
    digest: [u8; 32],
    sendable: bool,
}

impl Token {
    /// A token that callers named `name` send.
    #[must_use]
    pub fn new(name: &str, secret: &str) -> Token {
        let sendable = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        Token { name: Arc::from(name), digest: digest(secret.as_bytes()), sendable }
    }

    /// The name in limits and metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a header could carry it.
    pub(crate) fn is_sendable(&self) -> bool {
        self.sendable
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).finish_non_exhaustive()
    }
}

fn digest(secret: &[u8]) -> [u8; 32] {
    blake3::hash(secret).into()
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// The holder of the token with this name.
    Named(Arc<str>),
    /// Somebody at this address.
    At(IpAddr),
}

/// The check at the door.
pub(super) struct Door {
    tokens: Vec<Token>,
}

impl Door {
    pub(super) fn new(tokens: &[Token]) -> Door {
        Door { tokens: tokens.to_vec() }
    }

    /// The caller, or why it may not ask.
    pub(super) fn let_in(&self, from: IpAddr, headers: &HeaderMap) -> Result<Caller, Refusal> {
        if self.tokens.is_empty() {
            return no_stranger_page(headers).map(|()| Caller::At(from));
        }
        let Some(secret) = headers.get(AUTHORIZATION).and_then(|value| secret(value.as_bytes())) else {
            return Err(UNAUTHENTICATED.because("the request carries no bearer token"));
        };
        match self.holder(&digest(&secret)) {
            Some(token) => Ok(Caller::Named(Arc::clone(&token.name))),
            None => Err(UNAUTHENTICATED.because("the bearer token is not one of this server's")),
        }
    }

    fn holder(&self, given: &[u8; 32]) -> Option<&Token> {
        let mut found = u64::MAX;
        for (index, token) in (0_u64..).zip(&self.tokens) {
            let same: Choice = token.digest.ct_eq(given);
            found.conditional_assign(&index, same);
        }
        usize::try_from(found).ok().and_then(|index| self.tokens.get(index))
    }
}

/// The token in an `Authorization` header. Clients that know no tokens, only a URL, can send basic credentials: any user,
/// and the token as the password (RFC 7617).
fn secret(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Some((scheme, secret)) = value.split_at_checked(7)
        && scheme.eq_ignore_ascii_case(b"bearer ")
    {
        return Some(Cow::Borrowed(secret.trim_ascii()));
    }
    let (scheme, encoded) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut pair = STANDARD.decode(encoded.trim_ascii()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(Cow::Owned(pair.split_off(colon + 1)))
}

/// A server without tokens trusts whoever can connect; a browser on the same machine lets any web page do that.
/// So a request that a page makes is taken only when the page itself came from this machine.
pub(super) fn no_stranger_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let url = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    let is_ours = url.is_some_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    });
    if is_ours {
        Ok(())
    } else {
        Err(ORIGIN_DENIED.because("the request comes from a web page of another site"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_token_names_its_caller() {
        let door = Door::new(&[Token::new("shop", "s3cret"), Token::new("bank", "other")]);
        let named = |name: &str| Some(Caller::Named(Arc::from(name)));
        let cases = [
            ("Bearer s3cret", named("shop")),
            ("bearer other", named("bank")),
            ("Bearer  other", named("bank")),
            ("Bearer s3cre", None),
            ("Bearer s3cret1", None),
            ("Bearer ", None),
            ("Bearer", None),
            ("Basic s3cret", None),
            // anybody:s3cret
            ("Basic YW55Ym9keTpzM2NyZXQ=", named("shop")),
            // :other
            ("basic Om90aGVy", named("bank")),
            // shop:other:
            ("Basic c2hvcDpvdGhlcjo=", None),
            ("Basic !!", None),
            ("s3cret", None),
        ];
        for (value, caller) in cases {
            assert_eq!(door.let_in(FROM, &headers("authorization", value)).ok(), caller, "{value}");
        }
        let refusal = door.let_in(FROM, &HeaderMap::new()).unwrap_err();
        assert_eq!(refusal.kind.code, "unauthenticated");
    }

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", Token::new("shop", "s3cret")).contains("s3cret"));
    }

    #[test]
    fn without_tokens_pages_of_other_sites_are_kept_out() {
        let door = Door::new(&[]);
        let ours = ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:36789", "https://localhost"];
        for origin in ours {
            let caller = door.let_in(FROM, &headers("origin", origin)).ok();
            assert_eq!(caller, Some(Caller::At(FROM)), "{origin}");
        }
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://10.0.0.1", ""]
        {
            let refusal = door.let_in(FROM, &headers("origin", origin)).expect_err(origin);
            assert_eq!(refusal.kind.code, "origin_denied", "{origin}");
        }
        assert!(door.let_in(FROM, &HeaderMap::new()).is_ok());
    }
}
