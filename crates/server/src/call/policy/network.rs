//! A network in CIDR notation: which addresses it holds. Read next: `../policy.rs`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network: an address and how many of its leading bits count. Written `10.0.0.0/8`, `fc00::/7`; a bare address is
/// a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The network of `prefix` bits at `address`; more bits than the address has mean all of them.
    pub(super) const fn new(address: IpAddr, prefix: u8) -> Self {
        Cidr { address, prefix }
    }

    /// Whether `ip` is in it. An IPv4 address is never in an IPv6 network, nor the other way round.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.prefix));
                (own.to_bits() ^ ip.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.prefix));
                (own.to_bits() ^ ip.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = String;

    /// Reads `ADDRESS/BITS` or a bare address; bits beyond the prefix must be 0, so that a slip does not open more
    /// than was meant.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a network: {why}");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong("write 10.0.0.0/8 or fc00::/7"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok().filter(|prefix| *prefix <= bits).ok_or_else(|| wrong("too many bits"))?
            }
            Some(_) => return Err(wrong("bits are a number")),
        };
        let is_clean = match address {
            IpAddr::V4(ip) => ip.to_bits().checked_shl(u32::from(prefix)).unwrap_or(0) == 0,
            IpAddr::V6(ip) => ip.to_bits().checked_shl(u32::from(prefix)).unwrap_or(0) == 0,
        };
        if !is_clean {
            return Err(wrong("the address has bits beyond the prefix"));
        }
        // A mapped address is judged as IPv4, so a rule about one is a rule about IPv4.
        match (address.to_canonical(), address) {
            (IpAddr::V4(inner), IpAddr::V6(_)) if prefix >= 96 => {
                Ok(Cidr::new(IpAddr::V4(inner), prefix - 96))
            }
            _ => Ok(Cidr::new(address, prefix)),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}
