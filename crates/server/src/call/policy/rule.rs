//! A host rule: which host names it names. Read next: `../policy.rs`.

use std::net::IpAddr;
use std::str::FromStr;

/// Names hosts: one (`stock.example`), all below a suffix (`*.shop.example`), or an address (`10.0.0.8`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRule {
    /// This host, in lower case, without the final dot.
    Exact(String),
    /// Every host that ends in this suffix, which begins with a dot.
    Below(String),
    /// This address, however it was come by.
    Address(IpAddr),
}

impl HostRule {
    /// Whether the rule names the host of this name.
    pub(super) fn names(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self {
            HostRule::Exact(name) => host.eq_ignore_ascii_case(name),
            HostRule::Below(suffix) => {
                let tail = host.len().checked_sub(suffix.len()).filter(|begin| *begin > 0);
                tail.and_then(|begin| host.get(begin..)).is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
            }
            HostRule::Address(_) => false,
        }
    }

    /// Whether the rule names one host and no more.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, HostRule::Exact(_))
    }

    /// Whether the rule names this address.
    pub(super) fn is_address(&self, ip: IpAddr) -> bool {
        matches!(self, HostRule::Address(own) if *own == ip)
    }
}

impl FromStr for HostRule {
    type Err = String;

    /// Reads a name, `*.suffix` or an address (IPv6 with or without brackets); no scheme, no port.
    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(HostRule::Address(ip.to_canonical()));
        }
        let (name, is_suffix) = text.strip_prefix("*.").map_or((text, false), |suffix| (suffix, true));
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let label = |label: &str| {
            let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_of_name)
        };
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(format!("`{text}` is not a host: write stock.example, *.shop.example or an address"));
        }
        Ok(if is_suffix { HostRule::Below(format!(".{name}")) } else { HostRule::Exact(name) })
    }
}
