//! The signature of a call: a participant that shares a secret with the coordinator believes nobody else.
//!
//! `Tercet-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 (RFC 2104) under the secret of
//! `SECONDS \n METHOD \n PATH?QUERY \n BODY`. A time too far from the participant's clock is refused, so a recorded call
//! is of no use later; within the tolerance the barrier makes a repeat harmless. A secret is changed without a gap by
//! having two for a while: the first signs, any is believed. Never shows a secret, not even by `Debug`.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The header.
pub const SIGNATURE: &str = "tercet-signature";

/// The shortest secret that a file may hold, in bytes: shorter ones are guessed.
pub const SECRET_MIN: usize = 16;

/// The secrets shared with the coordinator, and how far clocks may differ.
#[derive(Clone)]
pub struct Signature {
    /// Signs, and is believed.
    secret: Vec<u8>,
    /// Are believed too.
    others: Vec<Vec<u8>>,
    tolerance: Duration,
}

/// Why a file of secrets is of no use. Names lines, never what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// It has none.
    #[error("it holds no secret")]
    None,
    /// One is easily guessed.
    #[error("the secret in line {line} is shorter than {SECRET_MIN} bytes")]
    Short {
        /// Its line, from 1.
        line: usize,
    },
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// There is none.
    #[error("the call is not signed")]
    Missing,
    /// It is not `t=SECONDS,v1=HEX`.
    #[error("the signature is malformed")]
    Malformed,
    /// Its time is too far away.
    #[error("the signature is too old, or from the future: compare the clocks")]
    Expired,
    /// It is not the secret's.
    #[error("the signature does not fit the call")]
    Wrong,
}

/// What is signed of a call.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path with the query, as sent.
    pub path: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secrets = 1 + self.others.len();
        f.debug_struct("Signature")
            .field("secrets", &secrets)
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

impl Signature {
    /// Five minutes, either way.
    pub const TOLERANCE: Duration = Duration::from_secs(300);

    /// With this secret; it should be 32 random bytes or more.
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>) -> Signature {
        Signature { secret: secret.into(), others: Vec::new(), tolerance: Signature::TOLERANCE }
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

    /// The header's value for a call made at `now` (seconds since 1970).
    #[must_use]
    pub fn sign(&self, now: u64, signed: Signed<'_>) -> String {
        let code = code_of(&self.secret, now, signed);
        let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={now},v1={hex}")
    }

    /// Checks the header's value against what came, at `now` (seconds since 1970).
    ///
    /// # Errors
    /// See [`SignatureFault`]; none of them may be answered with a business answer.
    pub fn check(&self, header: Option<&str>, now: u64, signed: Signed<'_>) -> Result<(), SignatureFault> {
        let header = header.ok_or(SignatureFault::Missing)?;
        let (time, code) = header
            .split_once(',')
            .and_then(|(time, code)| Some((time.strip_prefix("t=")?, code.strip_prefix("v1=")?)))
            .ok_or(SignatureFault::Malformed)?;
        let time: u64 = time.parse().map_err(|_| SignatureFault::Malformed)?;
        let given = bytes_of(code).ok_or(SignatureFault::Malformed)?;
        if now.abs_diff(time) > self.tolerance.as_secs() {
            return Err(SignatureFault::Expired);
        }
        let fits = |secret: &Vec<u8>| given.ct_eq(code_of(secret, time, signed).as_slice());
        // All are tried, so that the time it takes does not tell which one fits.
        let any = self.others.iter().map(fits).fold(fits(&self.secret), |any, one| any | one);
        if bool::from(any) { Ok(()) } else { Err(SignatureFault::Wrong) }
    }
}

fn code_of(secret: &[u8], time: u64, signed: Signed<'_>) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(format!("{time}\n{}\n{}\n", signed.method, signed.path).as_bytes());
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
mod tests {
    use super::*;

    const CALL: Signed<'static> = Signed { method: "POST", path: "/try?x=1", body: b"{}" };

    #[test]
    fn a_signed_call_is_believed_and_nothing_else_is() {
        let ours = Signature::new("a secret");
        let header = ours.sign(1_000, CALL);
        assert_eq!(ours.check(Some(&header), 1_000, CALL), Ok(()));
        assert_eq!(ours.check(Some(&header), 1_300, CALL), Ok(()));
        assert_eq!(ours.check(Some(&header), 1_301, CALL), Err(SignatureFault::Expired));
        assert_eq!(ours.check(Some(&header), 699, CALL), Err(SignatureFault::Expired));
        assert_eq!(ours.check(None, 1_000, CALL), Err(SignatureFault::Missing));
        for other in [
            Signed { method: "GET", ..CALL },
            Signed { path: "/try?x=2", ..CALL },
            Signed { body: b"{ }", ..CALL },
        ] {
            assert_eq!(ours.check(Some(&header), 1_000, other), Err(SignatureFault::Wrong));
        }
        let theirs = Signature::new("another").sign(1_000, CALL);
        assert_eq!(ours.check(Some(&theirs), 1_000, CALL), Err(SignatureFault::Wrong));
        let moved = header.replace("t=1000", "t=1001");
        assert_eq!(ours.check(Some(&moved), 1_000, CALL), Err(SignatureFault::Wrong));
    }

    #[test]
    fn what_is_no_signature_is_malformed_and_never_panics() {
        let ours = Signature::new("");
        for header in
            ["", "t=1", "t=,v1=", "t=1,v1=zz", "v1=00,t=1", "t=99999999999999999999999,v1=00", "t=1,v1=é"]
        {
            assert_eq!(ours.check(Some(header), 1, CALL), Err(SignatureFault::Malformed), "{header}");
        }
    }

    #[test]
    fn while_a_secret_is_replaced_the_new_one_signs_and_both_are_believed() {
        let (old, new) = ("the old secret of 2025", "the new secret of 2026");
        let both = Signature::of_lines(&format!("# replaced in June\n\n  {new} \n{old}\n")).unwrap();
        let header = both.sign(7, CALL);
        assert_eq!(header, Signature::new(new).sign(7, CALL));
        assert_eq!(both.check(Some(&header), 7, CALL), Ok(()));
        assert_eq!(both.check(Some(&Signature::new(old).sign(7, CALL)), 7, CALL), Ok(()));
        assert_eq!(
            both.check(Some(&Signature::new("else").sign(7, CALL)), 7, CALL),
            Err(SignatureFault::Wrong)
        );
        assert!(!format!("{both:?}").contains("secret of"), "{both:?}");
        for (text, fault) in [
            ("", SecretFault::None),
            ("# only words\n \n", SecretFault::None),
            ("0123456789abcde\n", SecretFault::Short { line: 1 }),
            ("0123456789abcdef\n# old\n0123\n", SecretFault::Short { line: 3 }),
        ] {
            assert_eq!(Signature::of_lines(text).err(), Some(fault), "{text:?}");
        }
    }

    #[test]
    fn the_code_is_hmac_sha256_of_time_method_path_and_body() {
        // Computed with another implementation:
        // printf '1\nPOST\n/try?x=1\n{}' | openssl dgst -sha256 -hmac key
        let header = Signature::new("key").sign(1, CALL);
        assert_eq!(header, format!("t=1,v1={VECTOR}"));
    }

    const VECTOR: &str = "dca98070e9a6baf462808d7a420ccac44816583ae74bb1452049062606e2aa44";
}
