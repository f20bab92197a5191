//! SIP over TCP and TLS: connections in and out, bytes both ways.
//!
//! Each stream has a task for each direction. What is to be written waits in a bounded queue; a
//! stream whose peer does not read in time, or whose queue is full, is closed: it stalls nobody.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls_pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Inbox;
use super::admission::{Admission, Seat, Visitor};
use crate::gateway::Input;

/// Bytes that one read takes.
const READ_MAX: usize = 16 * 1024;

/// How long a stream may be silent before the system asks whether its other end is there, how often
/// it asks again, and how often in vain: half a minute in all.
const ASK_AFTER: Duration = Duration::from_secs(15);
const ASK_INTERVAL: Duration = Duration::from_secs(5);
const ASK_RETRIES: u32 = 3;

/// How long what was written may wait for its acknowledgement: a little less than the transaction
/// that waits for its response. Linux ends the asking by it, too, so it is as long.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

/// Messages that may wait to be written to one stream.
const QUEUE_MAX: usize = 256;

/// The writing end of a stream.
#[derive(Debug)]
pub struct Writer {
    queue: mpsc::Sender<Bytes>,
    reader: tokio::task::JoinHandle<()>,
}

impl Writer {
    /// Queues bytes to be written.
    ///
    /// # Errors
    /// When the queue is full: the peer does not read.
    pub fn write(&self, bytes: Bytes) -> io::Result<()> {
        self.queue
            .try_send(bytes)
            .map_err(|_| io::Error::other("the peer does not read"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The writing task ends when its queue is dropped and empty; reading ends here.
        self.reader.abort();
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// To connect, and for the TLS hand-shake.
    pub connect: Duration,
    /// To take what is written.
    pub write: Duration,
}

/// A stream that somebody opened towards us, before it has a number.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub socket: TcpStream,
    /// Who opened it.
    pub remote: SocketAddr,
    /// The place of the listener in the configuration.
    pub local: u16,
    /// Its room.
    pub seat: Seat,
}

/// What a stream needs to run.
#[derive(Debug)]
pub struct Place {
    /// Its number.
    pub stream: u64,
    /// Where what it brings goes.
    pub inbox: Inbox,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// Its room, for as long as its socket is open.
    pub seat: Arc<Seat>,
}

/// Listens; each accepted connection is handed over.
///
/// # Errors
/// What the system says, with the address.
pub async fn listen(
    local: u16,
    address: SocketAddr,
    accepted: mpsc::Sender<Accepted>,
    admission: &Arc<Admission>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("tcp:{address}: {error}")))?;
    let bound = listener.local_addr()?;
    let admission = Arc::clone(admission);
    tokio::spawn(async move {
        loop {
            let (socket, remote, seat) = admission.accept(&listener, Visitor::Peer).await;
            let arrived = Accepted {
                socket,
                remote,
                local,
                seat,
            };
            if accepted.send(arrived).await.is_err() {
                return;
            }
        }
    });
    Ok(bound)
}

/// Takes over an accepted connection.
pub fn accept(place: Place, socket: TcpStream, tls: Option<TlsAcceptor>) -> Writer {
    let deadlines = place.deadlines;
    start(place, async move {
        watch(&socket)?;
        match tls {
            None => Ok(Either::Plain(socket)),
            Some(tls) => {
                let accepted = timeout(deadlines.connect, tls.accept(socket)).await??;
                Ok(Either::Tls(Box::new(accepted.into())))
            }
        }
    })
}

/// Connects from an address of ours, where one is named; with a server name by TLS.
pub fn connect(
    place: Place,
    from: Option<IpAddr>,
    remote: SocketAddr,
    tls: Option<(Arc<rustls::ClientConfig>, String)>,
) -> Writer {
    let deadlines = place.deadlines;
    start(place, async move {
        let socket = timeout(deadlines.connect, dial(from, remote)).await??;
        watch(&socket)?;
        match tls {
            None => Ok(Either::Plain(socket)),
            Some((config, name)) => {
                let name = ServerName::try_from(name).map_err(io::Error::other)?;
                let connecting = TlsConnector::from(config).connect(name, socket);
                let connected = timeout(deadlines.connect, connecting).await??;
                Ok(Either::Tls(Box::new(connected.into())))
            }
        }
    })
}

/// Connects from the address that peers know us by: a PBX that knows its trunk by address looks
/// at where the connection comes from.
async fn dial(from: Option<IpAddr>, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = match remote {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(from) = from.filter(|from| !from.is_unspecified()) {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(remote).await
}

/// A connection with or without TLS.
enum Either {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
}

/// Sends what is written at once, and lets the system find out that the other end is gone: by what
/// it does not acknowledge, and by asking where nothing is sent (RFC 9293 §3.8.3, §3.8.4).
fn watch(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    let asking = TcpKeepalive::new()
        .with_time(ASK_AFTER)
        .with_interval(ASK_INTERVAL)
        .with_retries(ASK_RETRIES);
    socket.set_tcp_keepalive(&asking)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}

fn start(
    place: Place,
    opening: impl Future<Output = io::Result<Either>> + Send + 'static,
) -> Writer {
    let (queue, waiting) = mpsc::channel(QUEUE_MAX);
    let reader = tokio::spawn(async move {
        let (stream, inbox) = (place.stream, &place.inbox);
        match opening.await {
            Err(error) => {
                let reason = error.to_string();
                inbox.put(Input::StreamFailed { stream, reason }).await;
            }
            Ok(connection) => {
                inbox.put(Input::StreamOpened { stream }).await;
                match connection {
                    Either::Plain(socket) => {
                        let (read, write) = socket.into_split();
                        run(place, read, write, waiting).await;
                    }
                    Either::Tls(socket) => {
                        let (read, write) = tokio::io::split(*socket);
                        run(place, read, write, waiting).await;
                    }
                }
            }
        }
    });
    Writer { queue, reader }
}

async fn run(
    place: Place,
    mut read: impl AsyncRead + Unpin + Send + 'static,
    mut write: impl AsyncWrite + Unpin + Send + 'static,
    mut waiting: mpsc::Receiver<Bytes>,
) {
    let Place {
        stream,
        inbox,
        deadlines,
        seat,
    } = place;
    let (failed, also_seat) = (inbox.clone(), Arc::clone(&seat));
    tokio::spawn(async move {
        let _seat = also_seat;
        while let Some(bytes) = waiting.recv().await {
            match timeout(deadlines.write, write.write_all(&bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => {
                    failed.put(Input::StreamClosed { stream }).await;
                    return;
                }
            }
        }
        // The other end may be gone already: nothing to do about it.
        let _ = write.shutdown().await;
    });
    let mut buffer = Vec::with_capacity(READ_MAX);
    loop {
        buffer.clear();
        match read.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let bytes = Bytes::copy_from_slice(&buffer);
                inbox.put(Input::StreamBytes { stream, bytes }).await;
            }
        }
    }
    inbox.put(Input::StreamClosed { stream }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn system_finds_out_that_the_other_end_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = dial(None, address).await.unwrap();
        watch(&socket).unwrap();
        let socket = SockRef::from(&socket);
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED_MAX));
    }
}
