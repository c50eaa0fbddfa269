//! Decides which targets may be called: by host rule, port and address.
//!
//! The decisive judgement is [`Policy::judge`] on the very address a connection is about to be made to, at every
//! connect; [`Policy::judge_url`] is an early, friendly answer when a transaction begins. Denied unless a setting names
//! them: loopback, link-local (cloud metadata), private and every address that is not public. A name proves nothing:
//! whoever owns it chooses its addresses, so only an address or a network opens what no service should be at.
//! Pure: never resolves and never connects. Read next: `policy/address.rs` (what an address is), `connect.rs`.

mod address;
mod network;
mod rule;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

use address::{Class, Kind};
pub use network::Cidr;
pub use rule::HostRule;

/// Which targets may be called. The default: every public address, on any port, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Hosts that may be called. With this or `allow_cidrs` not empty, public addresses need a rule too.
    /// A rule also opens private addresses that its hosts resolve to; one that is exact opens loopback ones as well.
    pub allow_hosts: Vec<HostRule>,
    /// Ports that may be called; empty: any but 0.
    pub allow_ports: Vec<u16>,
    /// Networks that may be called, of whatever kind their addresses are.
    pub allow_cidrs: Vec<Cidr>,
    /// Networks that may never be called, whatever else says so.
    pub deny_cidrs: Vec<Cidr>,
    /// Whether loopback may be called without a rule.
    pub loopback: Loopback,
}

/// Whether loopback addresses may be called without a rule: as a default, exactly when the server itself listens on
/// loopback only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// They may.
    Allowed,
    /// They may not.
    #[default]
    Denied,
}

/// How closely a host rule names a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// By its own name.
    Exactly,
    /// By a suffix.
    BySuffix,
    /// Not at all.
    Not,
}

impl Policy {
    /// Whether `host` may be called at `address`, the address it was resolved to.
    ///
    /// # Errors
    /// In plain words which rule stands against it, for example `10.0.0.8 is a private address`.
    pub fn judge(&self, host: &str, address: SocketAddr) -> Result<(), String> {
        self.judge_port(address.port())?;
        // `::ffff:a.b.c.d` is a.b.c.d to the operating system, so it is to every rule.
        let ip = address.ip().to_canonical();
        let inner = address::embedded(ip);
        let denied = |ip| self.deny_cidrs.iter().find(|cidr| cidr.contains(ip));
        if let Some(cidr) = denied(ip).or_else(|| denied(inner?)) {
            return Err(format!("{ip} is in {cidr}, which is denied"));
        }
        let is_named = |ip| self.allow_cidrs.iter().any(|cidr| cidr.contains(ip));
        if is_named(ip) || self.allow_hosts.iter().any(|rule| rule.is_address(ip)) {
            return Ok(());
        }
        let kind = match inner.map(address::kind) {
            None => address::kind(ip),
            Some(inner) if inner.class == Class::Public => inner,
            Some(inner) => Kind { class: Class::Special, words: inner.words },
        };
        self.judge_kind(kind, host, ip)
    }

    /// Whether a URL may be a target as far as it can be told before its host is resolved.
    ///
    /// # Errors
    /// In plain words which rule stands against it.
    pub fn judge_url(&self, url: &Url) -> Result<(), String> {
        let port = url.port_or_known_default().unwrap_or(0);
        self.judge_port(port)?;
        let (host, ip) = match url.host() {
            None => return Err("it names no host".to_owned()),
            Some(Host::Ipv4(ip)) => (ip.to_string(), IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => (ip.to_string(), IpAddr::V6(ip)),
            Some(Host::Domain(name)) if is_localhost(name) => (name.to_owned(), Ipv4Addr::LOCALHOST.into()),
            Some(Host::Domain(name)) => return self.judge_name(name),
        };
        self.judge(&host, SocketAddr::new(ip, port))
    }

    fn judge_port(&self, port: u16) -> Result<(), String> {
        let is_allowed = self.allow_ports.is_empty() || self.allow_ports.contains(&port);
        if port == 0 || !is_allowed { Err(format!("port {port} is not allowed")) } else { Ok(()) }
    }

    /// A name that no rule names can still resolve into an allowed network.
    fn judge_name(&self, name: &str) -> Result<(), String> {
        let is_open = self.is_open() || !self.allow_cidrs.is_empty() || self.named(name) != Named::Not;
        if is_open { Ok(()) } else { Err(format!("{name} is not among the allowed hosts")) }
    }

    fn judge_kind(&self, kind: Kind, host: &str, ip: IpAddr) -> Result<(), String> {
        let named = self.named(host);
        let is_allowed = match kind.class {
            Class::Public => self.is_open() || named != Named::Not,
            Class::Private => named != Named::Not,
            Class::Loopback => self.loopback == Loopback::Allowed || named == Named::Exactly,
            Class::Special => false,
        };
        match (is_allowed, kind.class) {
            (true, _) => Ok(()),
            (false, Class::Public) => Err(format!("{ip} is not among the allowed hosts and networks")),
            (false, Class::Private | Class::Loopback | Class::Special) => {
                Err(format!("{ip} is {}", kind.words))
            }
        }
    }

    /// No list says what may be called, so every public address may.
    fn is_open(&self) -> bool {
        self.allow_hosts.is_empty() && self.allow_cidrs.is_empty()
    }

    fn named(&self, host: &str) -> Named {
        let rules = || self.allow_hosts.iter().filter(|rule| rule.names(host));
        match (rules().any(HostRule::is_exact), rules().next()) {
            (true, _) => Named::Exactly,
            (false, Some(_)) => Named::BySuffix,
            (false, None) => Named::Not,
        }
    }
}

/// Names that resolve to loopback by definition (RFC 6761).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}
