//! A free port that stays free while its server is away.
//!
//! Below the ports that the kernel gives to outgoing connections: a client that knocks on one of those while the server
//! is down can end up connected to itself, and the server could not come back.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

const FROM: u16 = 15_000;
const COUNT: u16 = 15_000;

/// One that nobody listens on, from anywhere in the range: others look too.
pub(crate) fn free() -> anyhow::Result<u16> {
    let seed = RandomState::new().hash_one(std::process::id());
    let start = u16::try_from(seed % u64::from(COUNT)).context("less than COUNT")?;
    let mut ports =
        (0..COUNT).map(|step| FROM + ((u32::from(start) + u32::from(step)) % u32::from(COUNT)) as u16);
    ports.find(|port| is_free(*port)).context("no free port on the loopback address")
}

/// Whether a server could listen there now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!is_free(held.local_addr().unwrap().port()));
    }

    #[test]
    fn ports_are_in_the_range() {
        for _ in 0..20 {
            assert!((FROM..FROM + COUNT).contains(&free().unwrap()));
        }
    }
}
