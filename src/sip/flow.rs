//! A way to a peer: a listening socket and an address, or a stream.

use std::net::SocketAddr;

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
