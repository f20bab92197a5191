//! Which addresses of this machine a peer can send media to.
//!
//! Browsers gather no loopback candidate, so the phone offers the addresses of interfaces. The
//! system's own routing tells them: a UDP socket that is connected, to which nothing is ever
//! sent, has the local address that a datagram to there would carry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses that one call offers.
const ADDRESSES_MAX: usize = 8;

/// Addresses of nobody, which leads to the default route (RFC 5737 §3, RFC 3849 §2).
const NOBODY: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// The local addresses from which `remotes` and the default route are reached, and loopback. The
/// best comes first.
#[must_use]
pub fn addresses(remotes: &[IpAddr]) -> Vec<IpAddr> {
    let mut found = vec![];
    for remote in remotes.iter().chain(&NOBODY) {
        if let Some(local) = local_towards(*remote)
            && !found.contains(&local)
            && found.len() < ADDRESSES_MAX - 2
        {
            found.push(local);
        }
    }
    for loopback in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        if !found.contains(&loopback) {
            found.push(loopback);
        }
    }
    // Loopback last: nobody but a process of this machine can use it.
    found.sort_by_key(|ip| (ip.is_loopback(), ip.is_ipv6()));
    found
}

fn local_towards(remote: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        // A link-local address means nothing without its interface.
        IpAddr::V6(ip) if ip.is_unicast_link_local() => return None,
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    // The discard port: nothing is sent there.
    socket.connect(SocketAddr::new(remote, 9)).ok()?;
    let local = socket.local_addr().ok()?.ip();
    (!local.is_unspecified()).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_there_and_comes_last() {
        let found = addresses(&[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        let first_loopback = found.iter().position(IpAddr::is_loopback);
        let last_other = found.iter().rposition(|ip| !ip.is_loopback());
        assert!(found.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(last_other < first_loopback, "{found:?}");
    }

    #[test]
    fn many_remotes_give_no_more_addresses_than_a_call_may_have() {
        let remotes: Vec<IpAddr> = (1..=50)
            .map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
            .collect();
        assert!(addresses(&remotes).len() <= ADDRESSES_MAX);
    }
}
