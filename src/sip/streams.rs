//! TCP and TLS streams: which there are, what they are good for, what waits for them (RFC 3261
//! §18.2.2, RFC 5626 §3.5.1).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::framing::Framer;
use crate::config::Transport;

/// One stream.
#[derive(Debug)]
pub struct Stream {
    /// TCP or TLS.
    pub transport: Transport,
    /// The other end.
    pub remote: SocketAddr,
    /// Cuts what arrives.
    pub framer: Framer,
    /// When it last carried a message, either way.
    pub used_at: Instant,
    /// When anything last arrived on it, or it was opened.
    pub heard_at: Instant,
    state: State,
    place: Place,
    kept_alive_at: Instant,
    begun_at: Instant,
}

/// Where a stream leads to: transport, address, and the name that its certificate was checked for.
type Place = (Transport, SocketAddr, Option<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// We asked for it.
    Connecting,
    /// It carries messages.
    Open,
}

/// All streams.
#[derive(Debug)]
pub struct Streams {
    streams: BTreeMap<u64, Stream>,
    /// Those that requests of ours may take, by where they lead to.
    places: BTreeMap<Place, u64>,
    /// Accepted ones that have brought nothing of a known peer yet, and how many each address has.
    strangers: BTreeSet<u64>,
    by_address: BTreeMap<IpAddr, usize>,
    last: u64,
    max: usize,
    bytes_max: usize,
}

/// Streams that we opened have even numbers, accepted ones odd: both sides number by themselves.
#[must_use]
pub fn accepted_number(count: u64) -> u64 {
    count * 2 + 1
}

impl Streams {
    /// None yet.
    #[must_use]
    pub fn new(max: usize, bytes_max: usize) -> Self {
        Self {
            streams: BTreeMap::new(),
            places: BTreeMap::new(),
            strangers: BTreeSet::new(),
            by_address: BTreeMap::new(),
            last: 0,
            max,
            bytes_max,
        }
    }

    /// A stream that somebody opened towards us, whose address may have `most` that are of no use
    /// yet. `false` where there are too many.
    pub fn accepted(
        &mut self,
        id: u64,
        transport: Transport,
        remote: SocketAddr,
        most: usize,
        now: Instant,
    ) -> bool {
        let here = self.by_address.get(&address_of(remote)).copied();
        here.unwrap_or(0) < most && self.add(id, transport, remote, None, now)
    }

    /// A stream that we want. `None` where there are too many.
    pub fn connect(
        &mut self,
        transport: Transport,
        remote: SocketAddr,
        server_name: Option<String>,
        now: Instant,
    ) -> Option<u64> {
        self.last += 2;
        let id = self.last;
        self.add(id, transport, remote, server_name, now)
            .then_some(id)
    }

    fn add(
        &mut self,
        id: u64,
        transport: Transport,
        remote: SocketAddr,
        server_name: Option<String>,
        now: Instant,
    ) -> bool {
        if self.streams.len() >= self.max {
            return false;
        }
        let is_accepted = !id.is_multiple_of(2);
        if is_accepted {
            // Strangers leave half of the room to those who are known, and to us.
            if self.strangers.len() >= self.max.div_ceil(2) {
                return false;
            }
            self.strangers.insert(id);
            *self.by_address.entry(address_of(remote)).or_default() += 1;
        }
        let place = (transport, remote, server_name);
        // Nobody has checked who is behind a TLS stream that was accepted: none of ours goes there.
        if !is_accepted || transport != Transport::Tls {
            self.places.insert(place.clone(), id);
        }
        let stream = Stream {
            transport,
            remote,
            framer: Framer::new(self.bytes_max),
            used_at: now,
            heard_at: now,
            state: State::Connecting,
            place,
            kept_alive_at: now,
            begun_at: now,
        };
        self.streams.insert(id, stream);
        true
    }

    /// It is open now.
    pub fn opened(&mut self, id: u64, now: Instant) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.state = State::Open;
            stream.used_at = now;
            stream.heard_at = now;
        }
    }

    /// It is gone.
    pub fn remove(&mut self, id: u64) -> Option<Stream> {
        self.trust(id);
        let stream = self.streams.remove(&id)?;
        if self.places.get(&stream.place) == Some(&id) {
            self.places.remove(&stream.place);
        }
        Some(stream)
    }

    /// A message went over it.
    pub fn used(&mut self, id: u64, now: Instant) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.used_at = now;
            stream.kept_alive_at = now;
        }
    }

    /// A stream.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Stream> {
        self.streams.get_mut(&id)
    }

    /// A stream.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Stream> {
        self.streams.get(&id)
    }

    /// A stream to this place that is there or on its way, and whether it is open.
    #[must_use]
    pub fn find(
        &self,
        transport: Transport,
        remote: SocketAddr,
        server_name: Option<&str>,
    ) -> Option<(u64, bool)> {
        let place = (transport, remote, server_name.map(str::to_owned));
        let id = self.places.get(&place)?;
        Some((*id, self.is_open(*id)))
    }

    /// An open TLS stream of ours to this address, whoever its certificate was checked for: what a
    /// hop that is named by its address leads to (RFC 3261 §18.1.1: what is open is used again).
    #[must_use]
    pub fn find_verified(&self, remote: SocketAddr) -> Option<u64> {
        let from = (Transport::Tls, remote, None);
        self.places
            .range(from..)
            .take_while(|((transport, at, _), _)| *transport == Transport::Tls && *at == remote)
            .map(|(_, id)| *id)
            .find(|id| id.is_multiple_of(2) && self.is_open(*id))
    }

    /// A peer that is known has used it.
    pub fn trust(&mut self, id: u64) {
        if !self.strangers.remove(&id) {
            return;
        }
        let Some(address) = self.streams.get(&id).map(|known| address_of(known.remote)) else {
            return;
        };
        if let Some(here) = self.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// Accepted streams that have brought nothing of a known peer for so long.
    #[must_use]
    pub fn strange(&self, for_long: Duration, now: Instant) -> Vec<u64> {
        let is_overdue = |id: &&u64| {
            self.streams
                .get(id)
                .is_none_or(|stream| now.saturating_duration_since(stream.begun_at) >= for_long)
        };
        self.strangers.iter().filter(is_overdue).copied().collect()
    }

    /// Whether it carries messages.
    #[must_use]
    pub fn is_open(&self, id: u64) -> bool {
        self.streams
            .get(&id)
            .is_some_and(|stream| stream.state == State::Open)
    }

    /// Whether nothing has arrived on it for so long.
    #[must_use]
    pub fn is_silent(&self, id: u64, for_long: Duration, now: Instant) -> bool {
        self.streams
            .get(&id)
            .is_some_and(|stream| now.saturating_duration_since(stream.heard_at) >= for_long)
    }

    /// Streams that nothing has used for so long.
    #[must_use]
    pub fn idle(&self, for_long: Duration, now: Instant) -> Vec<u64> {
        self.streams
            .iter()
            .filter(|(_, stream)| now.saturating_duration_since(stream.used_at) >= for_long)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Streams that we opened and that have been quiet for so long: marked as kept alive.
    pub fn to_keep_alive(&mut self, quiet: Duration, now: Instant) -> Vec<u64> {
        let due = self.streams.iter_mut().filter(|(id, stream)| {
            id.is_multiple_of(2)
                && stream.state == State::Open
                && now.saturating_duration_since(stream.kept_alive_at) >= quiet
        });
        due.map(|(id, stream)| {
            stream.kept_alive_at = now;
            *id
        })
        .collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }
}

fn address_of(remote: SocketAddr) -> IpAddr {
    remote.ip().to_canonical()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_half_of_the_streams() {
        let now = Instant::now();
        let mut streams = Streams::new(4, 1000);
        let remote = "203.0.113.9:4000".parse().unwrap();
        let accept =
            |streams: &mut Streams, id| streams.accepted(id, Transport::Tcp, remote, 9, now);
        assert!(accept(&mut streams, 1) && accept(&mut streams, 3) && !accept(&mut streams, 5));
        assert!(streams.connect(Transport::Tcp, remote, None, now).is_some());
        streams.trust(1);
        assert!(accept(&mut streams, 7));
    }

    #[test]
    fn one_address_takes_only_so_many_until_they_are_known() {
        let now = Instant::now();
        let mut streams = Streams::new(100, 1000);
        let accept = |streams: &mut Streams, id, from: &str| {
            let remote = from.parse().unwrap();
            streams.accepted(id, Transport::Tcp, remote, 2, now)
        };
        assert!(
            accept(&mut streams, 1, "203.0.113.9:1") && accept(&mut streams, 3, "203.0.113.9:2")
        );
        assert!(!accept(&mut streams, 5, "203.0.113.9:3"));
        assert!(accept(&mut streams, 7, "203.0.113.8:1"));
        streams.trust(1);
        assert!(accept(&mut streams, 9, "203.0.113.9:4"));
        assert!(!accept(&mut streams, 11, "203.0.113.9:5"));
        streams.remove(3);
        streams.remove(1);
        assert!(accept(&mut streams, 13, "203.0.113.9:6"));
        assert!(!accept(&mut streams, 15, "203.0.113.9:7"));
    }

    /// Kamailio writes its address in Record-Route, and its certificate its name.
    #[test]
    fn open_tls_stream_serves_a_hop_that_is_named_by_its_address() {
        let now = Instant::now();
        let mut streams = Streams::new(8, 1000);
        let (here, there) = (
            "192.0.2.9:5061".parse().unwrap(),
            "192.0.2.8:5061".parse().unwrap(),
        );
        let name = Some("proxy.example".to_owned());
        let id = streams.connect(Transport::Tls, here, name, now).unwrap();
        assert_eq!(streams.find_verified(here), None, "not open yet");
        streams.opened(id, now);
        assert_eq!(streams.find_verified(here), Some(id));
        assert_eq!(streams.find_verified(there), None);
        streams.accepted(1, Transport::Tls, there, 9, now);
        streams.opened(1, now);
        assert_eq!(streams.find_verified(there), None, "nobody has checked it");
    }
}
