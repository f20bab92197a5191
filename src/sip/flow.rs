//! A way to a peer: a listening socket and an address, or a stream.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::transaction::TransactionId;

/// A way to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    /// Datagrams between one of our sockets and a remote address.
    Udp {
        /// Our socket, by its place in the configuration.
        local: u16,
        /// The peer.
        remote: SocketAddr,
    },
    /// A TCP or TLS stream, by its number.
    Stream(u64),
}

impl Flow {
    /// Whether what is sent arrives or the flow breaks: no retransmissions (RFC 3261 §17).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp { .. } => false,
            Self::Stream(_) => true,
        }
    }
}

/// Which transactions of ours go over which stream, so that one that breaks is not looked for among
/// all of them.
#[derive(Debug, Default)]
pub(super) struct OnStreams(BTreeMap<u64, BTreeSet<TransactionId>>);

impl OnStreams {
    /// One goes over this flow; datagrams never break.
    pub(super) fn insert(&mut self, flow: Flow, id: TransactionId) {
        if let Flow::Stream(stream) = flow {
            self.0.entry(stream).or_default().insert(id);
        }
    }

    /// It is over.
    pub(super) fn remove(&mut self, flow: Flow, id: TransactionId) {
        if let Flow::Stream(stream) = flow
            && let Some(all) = self.0.get_mut(&stream)
        {
            all.remove(&id);
            if all.is_empty() {
                self.0.remove(&stream);
            }
        }
    }

    /// Those that go over this flow.
    pub(super) fn of(&self, flow: Flow) -> impl Iterator<Item = TransactionId> + '_ {
        let all = match flow {
            Flow::Stream(stream) => self.0.get(&stream),
            Flow::Udp { .. } => None,
        };
        all.into_iter().flatten().copied()
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
