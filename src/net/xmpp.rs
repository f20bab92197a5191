//! Streams to chat servers: TCP and TLS, STARTTLS, bytes both ways. What the bytes say is none of
//! its business.
//!
//! Where TLS is to come on the stream one task reads and writes until it is there, since the socket
//! has to be whole then; after it, and where it does not come, each direction has a task. A server
//! that does not read in time, or for which too much waits, is closed: it stalls nobody.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Inbox, tls};
use crate::config::Config;
use crate::gateway::{Input, Output};
use crate::xmpp::{Security, Tls};

/// Bytes that one read takes.
const READ_MAX: usize = 16 * 1024;

/// Pieces of up to 64 KiB that may wait to be written to one server.
const QUEUE_MAX: usize = 1024;

/// How long the last bytes may take when the process ends.
const FINISH_MAX: Duration = Duration::from_secs(1);

/// What a stream's task is told.
#[derive(Debug)]
enum Order {
    Write(Bytes),
    StartTls(Trusted),
}

/// Whom to trust, and the name to look for.
#[derive(Clone, Debug)]
struct Trusted {
    config: Arc<ClientConfig>,
    name: String,
}

#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// To connect, and for the TLS hand-shake.
    connect: Duration,
    /// To take what is written.
    write: Duration,
}

/// All streams to chat servers.
#[derive(Debug)]
pub struct Streams {
    streams: HashMap<u64, mpsc::Sender<Order>>,
    tasks: JoinSet<()>,
    trust: BTreeMap<Option<PathBuf>, Arc<ClientConfig>>,
    deadlines: Deadlines,
    inbox: Inbox,
}

impl Streams {
    /// None yet; reads the authorities that components and accounts trust.
    ///
    /// # Errors
    /// A file of authorities that cannot be read.
    pub fn new(config: &Config, inbox: Inbox) -> io::Result<Self> {
        let components = config.component.iter();
        let components = components.filter(|one| one.tls).map(|one| &one.ca);
        let accounts = config.xmpp_account.iter().map(|one| &one.ca);
        let mut trust = BTreeMap::new();
        for ca in components.chain(accounts) {
            if !trust.contains_key(ca) {
                trust.insert(ca.clone(), tls::client(ca.as_deref())?);
            }
        }
        let deadlines = Deadlines {
            connect: config.xmpp.connect_timeout,
            write: config.client.write_deadline,
        };
        Ok(Self {
            streams: HashMap::new(),
            tasks: JoinSet::new(),
            trust,
            deadlines,
            inbox,
        })
    }

    /// Does what the gateway wants of a stream.
    pub fn perform(&mut self, output: Output) {
        match output {
            Output::XmppConnect {
                stream,
                remote,
                security,
            } => self.connect(stream, remote, &security),
            Output::XmppBytes { stream, bytes } => self.order(stream, Order::Write(bytes)),
            Output::XmppStartTls { stream, security } => {
                if let Some(trusted) = self.trusted(&security) {
                    self.order(stream, Order::StartTls(trusted));
                }
            }
            Output::XmppClose { stream } => self.close(stream),
            // Of other wires, which do not come here.
            _ => {}
        }
    }

    fn connect(&mut self, stream: u64, remote: SocketAddr, security: &Security) {
        let (orders, waiting) = mpsc::channel(QUEUE_MAX);
        self.streams.insert(stream, orders);
        let trusted = self.trusted(security);
        let (inbox, deadlines) = (self.inbox.clone(), self.deadlines);
        let tls = security.tls;
        // Those that have ended are forgotten.
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(async move {
            let task = Task {
                stream,
                inbox,
                deadlines,
                waiting,
            };
            if let Err(error) = task.run(remote, tls, trusted).await {
                tracing::debug!(%error, stream, "a stream to a chat server has ended");
            }
        });
    }

    /// Closes, once all that is queued is written.
    pub fn close(&mut self, stream: u64) {
        self.streams.remove(&stream);
    }

    /// Closes all and waits a moment until what is queued is written.
    pub async fn finish(mut self) {
        self.streams.clear();
        let written = async { while self.tasks.join_next().await.is_some() {} };
        // A server that does not read keeps nobody from ending.
        let _ = timeout(FINISH_MAX, written).await;
    }

    fn order(&mut self, stream: u64, order: Order) {
        // One that is closed already has been told so, or is about to be.
        let Some(orders) = self.streams.get(&stream) else {
            return;
        };
        if orders.try_send(order).is_err() {
            self.streams.remove(&stream);
            // The loop itself is here: it must not wait for room in its own inbox.
            let inbox = self.inbox.clone();
            tokio::spawn(async move { inbox.put(Input::XmppClosed { stream }).await });
        }
    }

    fn trusted(&self, security: &Security) -> Option<Trusted> {
        let config = self.trust.get(&security.ca)?;
        Some(Trusted {
            config: Arc::clone(config),
            name: security.name.clone(),
        })
    }
}

/// One stream.
struct Task {
    stream: u64,
    inbox: Inbox,
    deadlines: Deadlines,
    waiting: mpsc::Receiver<Order>,
}

impl Task {
    async fn run(self, remote: SocketAddr, tls: Tls, trusted: Option<Trusted>) -> io::Result<()> {
        let socket = match self.connected(remote).await {
            Ok(socket) => socket,
            Err(error) => return self.failed(error).await,
        };
        match tls {
            Tls::None => {
                self.inbox.put(opened(self.stream)).await;
                let (read, write) = socket.into_split();
                self.carry(read, write).await
            }
            Tls::Direct => match trusted {
                Some(trusted) => self.carry_secured(socket, trusted).await,
                None => {
                    self.failed(io::Error::other("no authorities are known"))
                        .await
                }
            },
            Tls::OnStream => {
                self.inbox.put(opened(self.stream)).await;
                self.until_tls(socket).await
            }
        }
    }

    async fn connected(&self, remote: SocketAddr) -> io::Result<TcpStream> {
        let socket = timeout(self.deadlines.connect, TcpStream::connect(remote)).await??;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    async fn failed(&self, error: io::Error) -> io::Result<()> {
        let (stream, reason) = (self.stream, error.to_string());
        self.inbox.put(Input::XmppFailed { stream, reason }).await;
        Err(error)
    }

    async fn carry_secured(self, socket: TcpStream, trusted: Trusted) -> io::Result<()> {
        let secured = match secured(socket, trusted, self.deadlines.connect).await {
            Ok(secured) => secured,
            Err(error) => return self.failed(error).await,
        };
        self.inbox.put(opened(self.stream)).await;
        let (read, write) = tokio::io::split(secured);
        self.carry(read, write).await
    }

    /// Reads and writes in turns, until TLS is wanted.
    async fn until_tls(mut self, mut socket: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(READ_MAX);
        loop {
            buffer.clear();
            tokio::select! {
                order = self.waiting.recv() => match order {
                    Some(Order::Write(bytes)) => {
                        let written = timeout(self.deadlines.write, socket.write_all(&bytes)).await;
                        if !matches!(written, Ok(Ok(()))) {
                            return self.closed().await;
                        }
                    }
                    Some(Order::StartTls(trusted)) => {
                        return self.carry_secured(socket, trusted).await;
                    }
                    None => return socket.shutdown().await,
                },
                read = socket.read_buf(&mut buffer) => match read {
                    Ok(0) | Err(_) => return self.closed().await,
                    Ok(_) => self.arrived(&buffer).await,
                },
            }
        }
    }

    /// Reads and writes at once, until the end.
    async fn carry(
        mut self,
        mut read: impl AsyncRead + Unpin + Send + 'static,
        mut write: impl AsyncWrite + Unpin + Send + 'static,
    ) -> io::Result<()> {
        let (mut waiting, deadline) = (self.take_orders(), self.deadlines.write);
        let mut writing = tokio::spawn(async move {
            while let Some(order) = waiting.recv().await {
                match order {
                    Order::Write(bytes) => {
                        if !matches!(timeout(deadline, write.write_all(&bytes)).await, Ok(Ok(()))) {
                            return;
                        }
                        // Of TLS a part of it may still be in the session's own buffer.
                        if !matches!(timeout(deadline, write.flush()).await, Ok(Ok(()))) {
                            return;
                        }
                    }
                    // Asked for on a stream that has it, or that was not to: it ends.
                    Order::StartTls(_) => return,
                }
            }
            // The other end may be gone already: nothing to do about it.
            let _ = timeout(deadline, write.shutdown()).await;
        });
        let mut buffer = Vec::with_capacity(READ_MAX);
        loop {
            buffer.clear();
            tokio::select! {
                _ = &mut writing => break,
                read = read.read_buf(&mut buffer) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(_) => self.arrived(&buffer).await,
                },
            }
        }
        self.closed().await
    }

    fn take_orders(&mut self) -> mpsc::Receiver<Order> {
        let (_, none) = mpsc::channel(1);
        std::mem::replace(&mut self.waiting, none)
    }

    async fn arrived(&self, buffer: &[u8]) {
        let (stream, bytes) = (self.stream, Bytes::copy_from_slice(buffer));
        self.inbox.put(Input::XmppBytes { stream, bytes }).await;
    }

    async fn closed(&self) -> io::Result<()> {
        let stream = self.stream;
        self.inbox.put(Input::XmppClosed { stream }).await;
        Ok(())
    }
}

fn opened(stream: u64) -> Input {
    Input::XmppOpened { stream }
}

async fn secured(
    socket: TcpStream,
    trusted: Trusted,
    deadline: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(trusted.name).map_err(io::Error::other)?;
    let connecting = TlsConnector::from(trusted.config).connect(name, socket);
    timeout(deadline, connecting).await?
}
