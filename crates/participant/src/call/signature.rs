//! The signature of a call: a participant that shares a secret with the coordinator believes nobody else.
//!
//! `Tercet-Signature: t=SECONDS,v1=HEX,v2=HEX`, each HEX being HMAC-SHA256 (RFC 2104) under the secret: v1 of
//! `SECONDS \n METHOD \n PATH?QUERY \n BODY`, v2 of `SECONDS \n METHOD \n PATH?QUERY \n TRANSACTION \n BRANCH \n OPERATION \n
//! BODY`. A time too far from the participant's clock is refused, so a recorded call is of no use later. Within the tolerance
//! the barrier makes a repeat harmless, but only where v2 is checked: v1 says nothing of the headers of identity, and the
//! same call under other ones is a new call. (No JSON text begins with three ids on a line each, so a v1 is never another
//! call's v2.) A secret is changed without a gap by having two for a while: the first signs, any is believed. Never shows a
//! secret, not even by `Debug`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method, Uri};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::{BRANCH, OPERATION, TRANSACTION};

/// The header.
pub const SIGNATURE: &str = "tercet-signature";

/// The shortest secret, in bytes: shorter ones are guessed.
pub const SECRET_MIN: usize = 16;

/// The secrets shared with the coordinator, and how far clocks may differ.
#[derive(Clone)]
pub struct Signature {
    /// Signs, and is believed.
    secret: Vec<u8>,
    /// Are believed too.
    others: Vec<Vec<u8>>,
    tolerance: Duration,
    demands: Demands,
}

/// What a header must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demands {
    /// v1 will do where there is no v2.
    Either,
    V2,
}

/// Why secrets are of no use. Names lines and lengths, never what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// It has none.
    #[error("it holds no secret")]
    None,
    /// One in a file is easily guessed.
    #[error("the secret in line {line} is shorter than {SECRET_MIN} bytes")]
    Short {
        /// Its line, from 1.
        line: usize,
    },
    /// It is easily guessed.
    #[error("a secret of {bytes} bytes; it must have {SECRET_MIN} or more")]
    TooShort {
        /// How long it is.
        bytes: usize,
    },
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// There is none.
    #[error("the call is not signed")]
    Missing,
    /// It is not `t=SECONDS,v1=HEX,v2=HEX`.
    #[error("the signature is malformed")]
    Malformed,
    /// Its time is too far away.
    #[error("the signature is too old, or from the future: compare the clocks")]
    Expired,
    /// It is not the secret's.
    #[error("the signature does not fit the call")]
    Wrong,
    /// It has no v2, and that was demanded.
    #[error("the signature leaves out who is called: it has no v2")]
    Weak,
}

/// What is signed of a call.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path with the query, as sent.
    pub path: &'a str,
    /// The headers of identity, as sent.
    pub identity: Identity<'a>,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// The headers of identity, as sent; one that is not there is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `Tercet-Transaction`.
    pub transaction: &'a str,
    /// `Tercet-Branch`.
    pub branch: &'a str,
    /// `Tercet-Operation`.
    pub operation: &'a str,
}

impl<'a> Identity<'a> {
    /// Of a request.
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Identity<'a> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Identity { transaction: text(TRANSACTION), branch: text(BRANCH), operation: text(OPERATION) }
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secrets = 1 + self.others.len();
        f.debug_struct("Signature")
            .field("secrets", &secrets)
            .field("tolerance", &self.tolerance)
            .field("demands", &self.demands)
            .finish_non_exhaustive()
    }
}

impl Signature {
    /// Five minutes, either way.
    pub const TOLERANCE: Duration = Duration::from_secs(300);

    /// With this secret, whatever it is: a service uses [`Signature::of_secret`].
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>) -> Signature {
        Signature {
            secret: secret.into(),
            others: Vec::new(),
            tolerance: Signature::TOLERANCE,
            demands: Demands::Either,
        }
    }

    /// With this secret; it should be 32 random bytes or more.
    ///
    /// # Errors
    /// When there is none, or it is shorter than [`SECRET_MIN`].
    pub fn of_secret(secret: impl Into<Vec<u8>>) -> Result<Signature, SecretFault> {
        let secret = secret.into();
        match secret.len() {
            0 => Err(SecretFault::None),
            bytes if bytes < SECRET_MIN => Err(SecretFault::TooShort { bytes }),
            _ => Ok(Signature::new(secret)),
        }
    }

    /// With the secrets of a file, one a line: the first signs, any is believed. Spaces around them, empty lines and
    /// lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// When there is none, or one is shorter than [`SECRET_MIN`].
    pub fn of_lines(text: &str) -> Result<Signature, SecretFault> {
        let mut ours: Option<Signature> = None;
        for (index, line) in text.lines().enumerate() {
            let secret = line.trim();
            if secret.is_empty() || secret.starts_with('#') {
                continue;
            }
            if secret.len() < SECRET_MIN {
                return Err(SecretFault::Short { line: index + 1 });
            }
            ours = Some(match ours {
                None => Signature::new(secret),
                Some(ours) => ours.or(secret),
            });
        }
        ours.ok_or(SecretFault::None)
    }

    /// Believes another secret too: the old one, while it is being replaced.
    #[must_use]
    pub fn or(mut self, secret: impl Into<Vec<u8>>) -> Signature {
        self.others.push(secret.into());
        self
    }

    /// With another tolerance.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Signature {
        Signature { tolerance, ..self }
    }

    /// Refuses what is signed with v1 only. For whoever is called by coordinators that sign with v2: nobody can then take
    /// the v2 out of a recorded call and play it again under other headers.
    #[must_use]
    pub fn strict(self) -> Signature {
        Signature { demands: Demands::V2, ..self }
    }

    /// The header's value for a call made at `now` (seconds since 1970).
    #[must_use]
    pub fn sign(&self, now: u64, signed: Signed<'_>) -> String {
        let hex = |version| -> String {
            code_of(&self.secret, (version, now), signed).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        format!("t={now},v1={},v2={}", hex(Version::One), hex(Version::Two))
    }

    /// The header's value for a `POST` to `uri` that is about to be sent, with the identity that is in its headers.
    ///
    /// # Errors
    /// In words, when the clock is before 1970.
    pub fn of_post(
        &self,
        (uri, headers): (&Uri, &HeaderMap),
        body: &[u8],
    ) -> Result<HeaderValue, &'static str> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|_| "the clock is before 1970, so it cannot be signed")?;
        // As the request line has it: the path is at least `/`.
        let path = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let identity = Identity::of(headers);
        let signed = Signed { method: Method::POST.as_str(), path: &path, identity, body };
        HeaderValue::try_from(self.sign(now.as_secs(), signed))
            .map_err(|_| "its signature does not fit a header")
    }

    /// Checks the header's value against what came, at `now` (seconds since 1970): its v2, or its v1 where it has no v2
    /// and this is not [`strict`](Signature::strict).
    ///
    /// # Errors
    /// See [`SignatureFault`]; none of them may be answered with a business answer.
    pub fn check(&self, header: Option<&str>, now: u64, signed: Signed<'_>) -> Result<(), SignatureFault> {
        let Given { time, v1, v2 } = Given::read(header.ok_or(SignatureFault::Missing)?)?;
        let (version, given) = match (v2, v1, self.demands) {
            (Some(code), ..) => (Version::Two, code),
            (None, Some(_), Demands::V2) => return Err(SignatureFault::Weak),
            (None, Some(code), Demands::Either) => (Version::One, code),
            (None, None, _) => return Err(SignatureFault::Malformed),
        };
        if now.abs_diff(time) > self.tolerance.as_secs() {
            return Err(SignatureFault::Expired);
        }
        let fits =
            |secret: &Vec<u8>| -> Choice { given.ct_eq(code_of(secret, (version, time), signed).as_slice()) };
        // All are tried, so that the time it takes does not tell which one fits.
        let any = self.others.iter().map(fits).fold(fits(&self.secret), |any, one| any | one);
        if bool::from(any) { Ok(()) } else { Err(SignatureFault::Wrong) }
    }
}

/// What is signed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// Time, method, path, body.
    One,
    /// Time, method, path, identity, body.
    Two,
}

/// A header's value, read.
struct Given {
    time: u64,
    v1: Option<Vec<u8>>,
    v2: Option<Vec<u8>>,
}

impl Given {
    /// Fields of other names are left for other readers; none of those that count may come twice.
    fn read(header: &str) -> Result<Given, SignatureFault> {
        let field = |name: &str| {
            let mut values = header.split(',').filter_map(|field| field.strip_prefix(name));
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                (_, Some(_)) => Err(SignatureFault::Malformed),
            }
        };
        let code = |name| field(name)?.map(|hex| bytes_of(hex).ok_or(SignatureFault::Malformed)).transpose();
        let time = field("t=")?.and_then(|digits| digits.parse().ok()).ok_or(SignatureFault::Malformed)?;
        Ok(Given { time, v1: code("v1=")?, v2: code("v2=")? })
    }
}

fn code_of(secret: &[u8], (version, time): (Version, u64), signed: Signed<'_>) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(format!("{time}\n{}\n{}\n", signed.method, signed.path).as_bytes());
    if version == Version::Two {
        let Identity { transaction, branch, operation } = signed.identity;
        mac.update(format!("{transaction}\n{branch}\n{operation}\n").as_bytes());
    }
    mac.update(signed.body);
    mac.finalize().into_bytes().to_vec()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests;
