//! SIP over UDP: bound sockets, datagrams in and out.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use tokio::net::UdpSocket;

/// The largest datagram there can be (RFC 768: a length of 16 bits).
const DATAGRAM_MAX: usize = 65_535;

/// Bytes that may wait in a socket: a thousand INVITEs. Systems often allow a tenth of that
/// (`net.core.rmem_max`).
const BUFFER_WANTED: usize = 4 << 20;

/// How many datagrams are taken from one socket before others have their turn.
pub(super) const BATCH_MAX: usize = 64;

/// The bound UDP sockets, by their place in the configuration.
#[derive(Debug)]
pub struct UdpSockets {
    sockets: Vec<(u16, UdpSocket)>,
    buffer: Vec<u8>,
}

impl Default for UdpSockets {
    fn default() -> Self {
        Self::new()
    }
}

impl UdpSockets {
    /// No socket yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sockets: Vec::new(),
            buffer: vec![0; DATAGRAM_MAX],
        }
    }

    /// Binds one more; `local` is its place among the listeners.
    ///
    /// # Errors
    /// What the system says, with the address.
    pub async fn bind(&mut self, local: u16, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = UdpSocket::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("udp:{address}: {error}")))?;
        // As much as the system allows: what comes while the loop is elsewhere is not to be lost.
        if let Err(error) = socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER_WANTED) {
            tracing::debug!(%error, "a UDP socket keeps its small buffer");
        }
        let bound = socket.local_addr()?;
        self.sockets.push((local, socket));
        Ok(bound)
    }

    /// How many sockets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Waits until a socket can be read. For ever where there is none.
    pub async fn readable(&self) -> usize {
        match self.sockets.as_slice() {
            [] => std::future::pending().await,
            [(_, socket)] => {
                // An error shows again at the read, where it is counted.
                let _ = socket.readable().await;
                0
            }
            sockets => {
                let waits: Vec<_> = sockets
                    .iter()
                    .map(|(_, socket)| Box::pin(socket.readable()))
                    .collect();
                futures_util::future::select_all(waits).await.1
            }
        }
    }

    /// Takes what has arrived first on the socket at `place`: its listener, who sent it, what it
    /// holds. `None` when nothing more is there.
    pub fn receive(&mut self, place: usize) -> Option<(u16, SocketAddr, Bytes)> {
        let (local, socket) = self.sockets.get(place)?;
        for _ in 0..BATCH_MAX {
            match socket.try_recv_from(&mut self.buffer) {
                Ok((length, remote)) => {
                    let bytes = Bytes::copy_from_slice(&self.buffer[..length]);
                    return Some((*local, remote, bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // ICMP port unreachable from an earlier datagram: the transaction's timers tell.
                Err(error) => tracing::debug!(%error, "a UDP socket reports an error"),
            }
        }
        None
    }

    /// Sends a datagram. One that the system does not take is lost, as UDP may lose any; the
    /// transaction sends it again (RFC 3261 §17.1.1.2).
    pub fn send(&self, local: u16, remote: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let Some((_, socket)) = self.sockets.iter().find(|(place, _)| *place == local) else {
            return Err(io::Error::other("no such socket"));
        };
        match socket.try_send_to(bytes, remote) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}
