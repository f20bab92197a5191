//! Who may still connect: so many connections of one address, and only while there are descriptors
//! to spare, so that neither one sender nor a thousand take from running calls what they need.
//!
//! What is refused is closed at once and counted; nobody waits. Where the system gives no
//! connection at all, accepting pauses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// How long accepting pauses when the system gives no connection: others must end before more can
/// begin.
const PAUSE: Duration = Duration::from_millis(100);

/// Pauses between two lines of the log about that.
const PAUSES_A_LINE: u32 = 50;

/// How much there is for connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of clients from one address.
    pub per_address: usize,
    /// Connections of all kinds.
    pub connections: usize,
}

impl Limits {
    /// What the system allows the process at most, less what is kept back. The process takes that
    /// much first: what it is given at start is often 1024, which is few.
    #[must_use]
    pub fn of_system(per_address: usize, reserved: usize) -> Self {
        let connections = match rlimit::increase_nofile_limit(u64::MAX) {
            Ok(allowed) => room(usize::try_from(allowed).unwrap_or(usize::MAX), reserved),
            // It refuses by itself.
            Err(error) => {
                tracing::warn!(%error, "the system does not say how many descriptors it gives");
                usize::MAX
            }
        };
        Self {
            per_address,
            connections,
        }
    }
}

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// A browser: counted by its address.
    Client,
    /// A SIP peer: who is known and who is not is decided by who knows the trunks.
    Peer,
    /// Who looks after the gateway, or the gateway itself: never refused here.
    Own,
}

/// All connections, counted.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    connections: usize,
    by_address: BTreeMap<IpAddr, usize>,
    refused_by_address: u64,
    refused_for_room: u64,
}

/// The room of one connection; it is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Admission {
    /// Nobody yet.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            counted: Mutex::default(),
        })
    }

    /// Lets somebody in, or not.
    #[must_use]
    pub fn enter(self: &Arc<Self>, visitor: Visitor, from: IpAddr) -> Option<Seat> {
        let mut counted = self.counted();
        if visitor != Visitor::Own && counted.connections >= self.limits.connections {
            counted.refused_for_room += 1;
            if is_worth_a_line(counted.refused_for_room) {
                let refused = counted.refused_for_room;
                tracing::warn!(refused, "no descriptors left for connections");
            }
            return None;
        }
        // A proxy on this machine brings everybody's connections.
        let from = from.to_canonical();
        let address = (visitor == Visitor::Client && !from.is_loopback()).then(|| household(from));
        if let Some(address) = address {
            let here = counted.by_address.entry(address).or_default();
            if *here >= self.limits.per_address {
                counted.refused_by_address += 1;
                if is_worth_a_line(counted.refused_by_address) {
                    tracing::warn!(
                        %address,
                        refused = counted.refused_by_address,
                        "more connections than `server.connections_per_address`"
                    );
                }
                return None;
            }
            *here += 1;
        }
        counted.connections += 1;
        Some(Seat {
            admission: Arc::clone(self),
            address,
        })
    }

    /// Room for a connection of our own.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Seat {
        self.counted().connections += 1;
        Seat {
            admission: Arc::clone(self),
            address: None,
        }
    }

    /// How many were refused, by what.
    #[must_use]
    pub fn refused(&self) -> [(&'static str, u64); 2] {
        let counted = self.counted();
        [
            ("connections_per_address", counted.refused_by_address),
            ("descriptors", counted.refused_for_room),
        ]
    }

    /// The next connection of a listener that has room here.
    pub async fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        visitor: Visitor,
    ) -> (TcpStream, SocketAddr, Seat) {
        let mut pauses = 0_u32;
        loop {
            match listener.accept().await {
                Ok((socket, remote)) => match self.enter(visitor, remote.ip()) {
                    Some(seat) => return (socket, remote, seat),
                    None => tracing::debug!(%remote, "no room for a connection"),
                },
                Err(error) => {
                    if pauses.is_multiple_of(PAUSES_A_LINE) {
                        tracing::warn!(%error, "a connection could not be accepted");
                    }
                    pauses += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Numbers are whole whoever panicked while he held them.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counted = self.admission.counted();
        counted.connections -= 1;
        if let Some(address) = self.address
            && let Some(here) = counted.by_address.get_mut(&address)
        {
            *here -= 1;
            if *here == 0 {
                counted.by_address.remove(&address);
            }
        }
    }
}

/// The first refusal is told, the second, the fourth and so on: an attacker fills no disk.
fn is_worth_a_line(refused: u64) -> bool {
    refused.is_power_of_two()
}

/// What one subscriber has: an IPv4 address, or the network that an IPv6 host takes its addresses
/// from (RFC 4291 §2.5.4: 64 bits).
fn household(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// Connections for which there are descriptors.
fn room(allowed: usize, reserved: usize) -> usize {
    if allowed / 2 < reserved {
        tracing::warn!(
            allowed,
            "few descriptors: `ulimit -Hn` should be several times `server.descriptors_reserved`"
        );
        return allowed / 2;
    }
    allowed - reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_so_many_connections_and_others_have_theirs() {
        let admission = Admission::new(Limits {
            per_address: 2,
            connections: 100,
        });
        let enter = |from: &str| admission.enter(Visitor::Client, ip(from));
        let first = enter("192.0.2.1");
        let _second = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        let _other = enter("192.0.2.2").unwrap();
        drop(first);
        let _again = enter("192.0.2.1").unwrap();
        let _six = ["2001:db8::1", "2001:db8::2"].map(|from| enter(from).unwrap());
        assert!(enter("2001:db8::3").is_none(), "one household");
        let _near = (0..9)
            .map(|_| enter("127.0.0.1").unwrap())
            .collect::<Vec<_>>();
        assert_eq!(admission.refused()[0].1, 2);
    }

    #[test]
    fn descriptors_are_kept_back_for_what_runs() {
        let admission = Admission::new(Limits {
            per_address: 100,
            connections: 2,
        });
        let seats = [Visitor::Client, Visitor::Peer]
            .map(|visitor| admission.enter(visitor, ip("192.0.2.1")).unwrap());
        assert!(admission.enter(Visitor::Peer, ip("192.0.2.2")).is_none());
        assert!(admission.enter(Visitor::Client, ip("127.0.0.1")).is_none());
        let _own = (
            admission.enter(Visitor::Own, ip("192.0.2.3")).unwrap(),
            admission.take(),
        );
        assert_eq!(admission.refused()[1].1, 2);
        drop(seats);
        assert!(admission.enter(Visitor::Peer, ip("192.0.2.2")).is_none());
    }

    #[test]
    fn half_is_kept_for_visitors_where_there_is_little() {
        assert_eq!(room(1024, 200), 824);
        assert_eq!(room(120, 200), 60);
    }

    #[test]
    fn all_that_the_system_allows_is_taken() {
        let files = rlimit::Resource::NOFILE;
        let (_, most) = files.get().unwrap();
        files.set(most - 1, most).unwrap();
        let limits = Limits::of_system(1, 0);
        assert_eq!(files.get().unwrap(), (most, most));
        assert_eq!(limits.connections as u64, most);
    }
}
