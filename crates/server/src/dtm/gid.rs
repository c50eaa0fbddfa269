//! Fresh gids: 22 characters, as DTM's are.

/// Base 57: digits and letters without those that look alike (the alphabet of the short UUIDs that DTM's clients show).
const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const LENGTH: usize = 22;

/// A new gid: a UUIDv7, so that gids ascend with time as all our ids do, in base 57.
pub(super) fn fresh() -> String {
    write(uuid::Uuid::now_v7().as_u128())
}

fn write(mut number: u128) -> String {
    let base = ALPHABET.len() as u128;
    let mut digits = [ALPHABET[0]; LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(number % base).unwrap_or(0)];
        number /= base;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gid_holds_every_number_and_has_22_characters() {
        assert_eq!(write(0), "2".repeat(22));
        assert_eq!(write(57), format!("{}32", "2".repeat(20)));
        assert_eq!(write(u128::MAX).len(), 22);
        assert_ne!(write(u128::MAX), write(u128::MAX - 1));
        assert!(fresh() < fresh() || fresh() != fresh());
    }
}
