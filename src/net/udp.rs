//! SIP over UDP: bound sockets, datagrams in and out.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

/// The largest datagram there can be (RFC 768: a length of 16 bits).
const DATAGRAM_MAX: usize = 65_535;

/// How many datagrams are taken from one socket before others have their turn.
const BATCH_MAX: usize = 32;

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
        let bound = socket.local_addr()?;
        self.sockets.push((local, socket));
        Ok(bound)
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

    /// Takes what has arrived on the socket at `place`, at most a batch. Returns whether that was
    /// all there is.
    pub fn receive(&mut self, place: usize, mut take: impl FnMut(u16, SocketAddr, &[u8])) -> bool {
        let Some((local, socket)) = self.sockets.get(place) else {
            return true;
        };
        for _ in 0..BATCH_MAX {
            match socket.try_recv_from(&mut self.buffer) {
                Ok((length, remote)) => take(*local, remote, &self.buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // ICMP port unreachable from an earlier datagram: the transaction's timers tell.
                Err(error) => tracing::debug!(%error, "a UDP socket reports an error"),
            }
        }
        false
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
