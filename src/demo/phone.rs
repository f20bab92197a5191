//! The phone as a program: its SIP sockets, and the loop that owns its calls.
//!
//! ```text
//!   UDP ──┐                                     ┌──▶ sockets
//!   TCP ──┴─▶ [ arrivals ] ──▶ one loop ──▶ Uas ┤
//!   media that ended ──▲                        └──▶ calls: answer, offer, end
//! ```

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::call::Call;
use super::media::{MediaError, Why};
use super::uas::{Output, Peer, Uas};
use super::wire;
use crate::id::Source;
use crate::sip::framing::{Frame, Framer};

/// Arrivals that may wait for the loop; a task that finds it full waits.
const ARRIVALS_MAX: usize = 256;

/// TCP connections at a time; one more is closed at once.
const STREAMS_MAX: usize = 32;

/// Messages that may wait to be written to one TCP connection.
const QUEUE_MAX: usize = 32;

/// How long a peer may take to read what is written to it.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// The echo phone. It ends, with its calls, when this is dropped.
#[derive(Debug)]
pub struct Phone {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Phone {
    /// Listens at this address, by UDP and TCP, and answers from now on. Port 0 takes a free one.
    ///
    /// Its extensions: `echo` answers after 200 ms and sends back what it hears, `busy` is busy,
    /// `ring` rings until the caller gives up; any other is 404.
    ///
    /// # Errors
    /// What the system says where the address cannot be bound.
    pub async fn start(listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let socket = Arc::new(UdpSocket::bind(address).await?);
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| io::Error::other("no randomness"))?;
        let uas = Uas::new(address, Source::from_seed(seed));
        let running = tokio::spawn(run(uas, listener, socket));
        Ok(Self { address, running })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        // All that it started lives in this task: sockets, connections, calls.
        self.running.abort();
    }
}

/// What tasks hand to the loop.
enum Arrival {
    Message(Peer, Vec<u8>),
    /// A keep-alive that wants an answer (RFC 5626 §3.5.1).
    Ping(u64),
    StreamClosed(u64),
    MediaEnded(u64, Why),
}

struct Shell {
    uas: Uas,
    socket: Arc<UdpSocket>,
    streams: BTreeMap<u64, mpsc::Sender<Vec<u8>>>,
    calls: BTreeMap<u64, Call>,
    arrivals: mpsc::Sender<Arrival>,
    ids: u64,
}

async fn run(uas: Uas, listener: TcpListener, socket: Arc<UdpSocket>) {
    let (arrivals, mut inbox) = mpsc::channel(ARRIVALS_MAX);
    let mut tasks = JoinSet::new();
    tasks.spawn(datagrams(Arc::clone(&socket), arrivals.clone()));
    let (streams, calls) = (BTreeMap::new(), BTreeMap::new());
    let mut shell = Shell {
        uas,
        socket,
        streams,
        calls,
        arrivals,
        ids: 0,
    };
    loop {
        // Some way off where there is nothing to wait for.
        let due = shell
            .uas
            .poll_timeout()
            .unwrap_or(Instant::now() + Duration::from_secs(60));
        tokio::select! {
            Some(arrival) = inbox.recv() => shell.arrived(arrival),
            () = tokio::time::sleep_until(due.into()) => shell.uas.handle_timeout(Instant::now()),
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => shell.accepted(stream, remote, &mut tasks),
                // No descriptors left, most likely: others must end before more can begin.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = tasks.join_next() => {}
        }
        shell.drain().await;
    }
}

impl Shell {
    fn arrived(&mut self, arrival: Arrival) {
        let now = Instant::now();
        match arrival {
            Arrival::Message(peer, bytes) => self.uas.receive(peer, &bytes, now),
            Arrival::Ping(stream) => {
                if let Some(queue) = self.streams.get(&stream) {
                    // Where the queue is full the peer has enough to read.
                    let _ = queue.try_send(b"\r\n".to_vec());
                }
            }
            Arrival::StreamClosed(stream) => {
                self.streams.remove(&stream);
                self.uas.stream_closed(stream);
            }
            Arrival::MediaEnded(call, why) => {
                tracing::debug!(call, %why, "the echo phone's media ended");
                self.uas.media_ended(call, now);
            }
        }
    }

    fn accepted(&mut self, connection: TcpStream, remote: SocketAddr, tasks: &mut JoinSet<()>) {
        if self.streams.len() >= STREAMS_MAX {
            tracing::warn!(%remote, "the echo phone has too many connections");
            return;
        }
        self.ids += 1;
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        self.streams.insert(self.ids, queue);
        let peer = Peer {
            address: remote,
            stream: Some(self.ids),
        };
        let (stream, arrivals) = (self.ids, self.arrivals.clone());
        tasks.spawn(async move {
            let (read, write) = connection.into_split();
            // The first of the two that ends closes the connection for both.
            tokio::select! {
                () = messages(peer, read, arrivals.clone()) => {}
                () = writing(write, waiting) => {}
            }
            let _ = arrivals.send(Arrival::StreamClosed(stream)).await;
        });
    }

    async fn drain(&mut self) {
        while let Some(output) = self.uas.poll_output() {
            match output {
                Output::Send(
                    Peer {
                        address,
                        stream: None,
                    },
                    bytes,
                ) => {
                    // What the system does not take is lost, as UDP may lose any.
                    let _ = self.socket.try_send_to(&bytes, address);
                }
                Output::Send(
                    Peer {
                        stream: Some(stream),
                        ..
                    },
                    bytes,
                ) => {
                    let full = |queue: &mpsc::Sender<_>| queue.try_send(bytes).is_err();
                    if self.streams.get(&stream).is_some_and(full) {
                        tracing::debug!(stream, "a peer of the echo phone does not read");
                        self.streams.remove(&stream);
                        self.uas.stream_closed(stream);
                    }
                }
                Output::Answer(call, offer) => {
                    let made = self.describe(call, Some(offer)).await;
                    self.uas.described(call, made, Instant::now());
                }
                Output::Offer(call) => {
                    let made = self.describe(call, None).await;
                    self.uas.described(call, made, Instant::now());
                }
                Output::Answered(call, answer) => {
                    let taken = self
                        .calls
                        .get(&call)
                        .map(|media| media.accept_answer(&answer));
                    if let Some(Err(error)) = taken {
                        tracing::info!(call, %error, "the echo phone cannot take the answer");
                        self.uas.media_ended(call, Instant::now());
                    }
                }
                Output::End(call) => drop(self.calls.remove(&call)),
            }
        }
    }

    async fn describe(&mut self, call: u64, offer: Option<String>) -> Result<String, MediaError> {
        match (self.calls.get(&call), offer) {
            (Some(media), Some(offer)) => media.accept_offer(&offer),
            (Some(media), None) => media.offer_again(),
            (None, offer) => {
                let arrivals = self.arrivals.clone();
                let ended = move |why| {
                    // The loop may be over: then nobody needs to know.
                    tokio::spawn(async move {
                        let _ = arrivals.send(Arrival::MediaEnded(call, why)).await;
                    });
                };
                let session = session();
                let (media, text) = match offer {
                    Some(offer) => Call::answer(&offer, session, ended).await?,
                    None => Call::offer(session, ended).await?,
                };
                self.calls.insert(call, media);
                Ok(text)
            }
        }
    }
}

/// A number for `o=` that no other session has (RFC 8866 §5.2 proposes the time).
fn session() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| u64::try_from(since.as_nanos()).unwrap_or(1))
}

async fn datagrams(socket: Arc<UdpSocket>, arrivals: mpsc::Sender<Arrival>) {
    let mut buffer = vec![0; wire::MESSAGE_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, address)) => {
                let peer = Peer {
                    address,
                    stream: None,
                };
                let message = Arrival::Message(peer, buffer[..length].to_vec());
                if arrivals.send(message).await.is_err() {
                    return;
                }
            }
            // ICMP from a caller who is gone: the timers tell.
            Err(error) => tracing::trace!(%error, "the echo phone's socket reports an error"),
        }
    }
}

async fn messages(peer: Peer, mut read: OwnedReadHalf, arrivals: mpsc::Sender<Arrival>) {
    let mut framer = Framer::new(wire::MESSAGE_MAX);
    let mut bytes = Vec::new();
    // A stream that cannot be cut into messages any more is closed.
    while let Ok(next) = framer.next_frame() {
        let arrival = match (next, peer.stream) {
            (Some(Frame::Message(message)), _) => Arrival::Message(peer, message),
            (Some(Frame::Ping), Some(stream)) => Arrival::Ping(stream),
            (Some(Frame::Ping | Frame::Pong), _) => continue,
            (None, _) => {
                bytes.clear();
                if !matches!(read.read_buf(&mut bytes).await, Ok(1..)) {
                    return;
                }
                framer.push(&bytes);
                continue;
            }
        };
        if arrivals.send(arrival).await.is_err() {
            return;
        }
    }
}

async fn writing(mut write: OwnedWriteHalf, mut waiting: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = waiting.recv().await {
        let written = tokio::time::timeout(WRITE_MAX, write.write_all(&bytes)).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}
