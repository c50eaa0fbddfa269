//! What an address is: public, private, loopback, or something no service should be called at.
//!
//! One table, read from the top, the narrow before the wide; after the registries of special addresses (RFC 6890 and
//! what followed it). Read next: `../policy.rs`, which decides what each class needs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::network::Cidr;

/// What it takes to call an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Reachable by everybody.
    Public,
    /// Of somebody's own network.
    Private,
    /// This machine.
    Loopback,
    /// Metadata, link-local, multicast, reserved: opened by naming the address or its network, never by a host name.
    Special,
}

/// An address's class and the words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) class: Class,
    pub(super) words: &'static str,
}

const PUBLIC: Kind = kind_of(Class::Public, "a public address");
const PRIVATE: Kind = kind_of(Class::Private, "a private address");
const SHARED: Kind = kind_of(Class::Private, "an address shared by a carrier's customers");
const LOOPBACK: Kind = kind_of(Class::Loopback, "a loopback address");
const METADATA: Kind = kind_of(Class::Special, "a cloud's metadata address");
const LINK_LOCAL: Kind = kind_of(Class::Special, "a link-local address");
const UNSPECIFIED: Kind = kind_of(Class::Special, "an unspecified address");
const MULTICAST: Kind = kind_of(Class::Special, "a multicast address");
const BROADCAST: Kind = kind_of(Class::Special, "the broadcast address");
const DOCUMENTATION: Kind = kind_of(Class::Special, "a documentation address");
const BENCHMARKING: Kind = kind_of(Class::Special, "a benchmarking address");
const RESERVED: Kind = kind_of(Class::Special, "a reserved address");

const fn kind_of(class: Class, words: &'static str) -> Kind {
    Kind { class, words }
}

const fn v4(address: [u8; 4], prefix: u8) -> Cidr {
    let [a, b, c, d] = address;
    Cidr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix)
}

/// A network by the first three and the last two groups of its address; those between are 0.
const fn v6(head: [u16; 3], tail: [u16; 2], prefix: u8) -> Cidr {
    let ([a, b, c], [y, z]) = (head, tail);
    Cidr::new(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, y, z)), prefix)
}

/// The first network that holds the address says what it is.
const KINDS: &[(Cidr, Kind)] = &[
    // Metadata services outside link-local: Alibaba, Oracle, Azure; AWS and Google over IPv6.
    (v4([169, 254, 169, 254], 32), METADATA),
    (v4([100, 100, 100, 200], 32), METADATA),
    (v4([192, 0, 0, 192], 32), METADATA),
    (v4([168, 63, 129, 16], 32), METADATA),
    (v4([0, 0, 0, 0], 8), UNSPECIFIED),
    (v4([10, 0, 0, 0], 8), PRIVATE),
    (v4([100, 64, 0, 0], 10), SHARED),
    (v4([127, 0, 0, 0], 8), LOOPBACK),
    (v4([169, 254, 0, 0], 16), LINK_LOCAL),
    (v4([172, 16, 0, 0], 12), PRIVATE),
    (v4([192, 0, 0, 0], 24), RESERVED),
    (v4([192, 0, 2, 0], 24), DOCUMENTATION),
    (v4([192, 88, 99, 0], 24), RESERVED),
    (v4([192, 168, 0, 0], 16), PRIVATE),
    (v4([198, 18, 0, 0], 15), BENCHMARKING),
    (v4([198, 51, 100, 0], 24), DOCUMENTATION),
    (v4([203, 0, 113, 0], 24), DOCUMENTATION),
    (v4([224, 0, 0, 0], 4), MULTICAST),
    (v4([255, 255, 255, 255], 32), BROADCAST),
    (v4([240, 0, 0, 0], 4), RESERVED),
    (v4([0, 0, 0, 0], 0), PUBLIC),
    (v6([0xfd00, 0xec2, 0], [0, 0x254], 128), METADATA),
    (v6([0xfd20, 0xce, 0], [0, 0x254], 128), METADATA),
    (v6([0, 0, 0], [0, 0], 128), UNSPECIFIED),
    (v6([0, 0, 0], [0, 1], 128), LOOPBACK),
    (v6([0xfc00, 0, 0], [0, 0], 7), PRIVATE),
    (v6([0xfe80, 0, 0], [0, 0], 10), LINK_LOCAL),
    (v6([0xfec0, 0, 0], [0, 0], 10), PRIVATE),
    (v6([0xff00, 0, 0], [0, 0], 8), MULTICAST),
    (v6([0x2001, 0x2, 0], [0, 0], 48), BENCHMARKING),
    (v6([0x2001, 0xdb8, 0], [0, 0], 32), DOCUMENTATION),
    (v6([0x3fff, 0, 0], [0, 0], 20), DOCUMENTATION),
    (v6([0x2001, 0, 0], [0, 0], 23), RESERVED),
    (v6([0x2002, 0, 0], [0, 0], 16), RESERVED),
    // Of all the rest only this eighth is given out to anybody.
    (v6([0x2000, 0, 0], [0, 0], 3), PUBLIC),
];

/// What `ip` is. An address that carries another one is judged by [`embedded`] first.
pub(super) fn kind(ip: IpAddr) -> Kind {
    KINDS.iter().find(|(network, _)| network.contains(ip)).map_or(RESERVED, |(_, kind)| *kind)
}

/// The IPv4 address inside an IPv6 one, where a gateway or a tunnel would carry the packet to it: compatible, NAT64,
/// 6to4 and Teredo forms.
pub(super) fn embedded(ip: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(ip) = ip else { return None };
    let [a, b, c, d, e, f, y, z] = ip.segments();
    let inner = match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0] if ip != Ipv6Addr::UNSPECIFIED && ip != Ipv6Addr::LOCALHOST => [y, z],
        [0x64, 0xff9b, 0, 0, 0, 0] => [y, z],
        // IPv4-translated (SIIT).
        [0, 0, 0, 0, 0xffff, 0] => [y, z],
        [0x2002, high, low, _, _, _] => [high, low],
        // Teredo keeps the address of the host behind it, every bit turned.
        [0x2001, 0, _, _, _, _] => [!y, !z],
        _ => return None,
    };
    let bits = (u32::from(inner[0]) << 16) | u32::from(inner[1]);
    Some(IpAddr::V4(Ipv4Addr::from_bits(bits)))
}
