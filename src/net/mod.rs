//! The shell: sockets, TLS, names, the clock. The only place that waits, and it decides nothing.
//!
//! ```text
//!   tasks of sockets ──Arrival──▶ [ inbox ] ──▶ one loop ──Input──▶ Gateway ──Output──▶ sockets
//! ```
//!
//! One loop owns the gateway: it takes one input, drains every output, and waits for the next input
//! or for the time the gateway named. Everything else is a task that moves bytes.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "net/ is where sockets, tasks and time live"
)]

pub mod admission;
pub mod client;
pub mod dns;
pub mod http;
pub mod inbox;
pub mod introspect;
pub mod keys;
pub mod page;
pub mod process;
mod rest;
pub mod stream;
pub mod tls;
pub mod udp;
pub mod websocket;
pub mod xmpp;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use self::admission::{Admission, Visitor};
use self::inbox::{Arrival, Behind, Inbox, Report, Waiting};
use crate::config::{Config, Transport};
use crate::gateway::{Gateway, Input, Output};
use crate::ws::ConnectionId;
use crate::ws::origin::Origins;

/// Arrivals taken before timers and sockets have their turn: few, as the system keeps only some
/// hundred datagrams meanwhile, and each that it drops comes again.
const BATCH_MAX: usize = 16;

/// How often files of certificates are looked at.
const RENEW_INTERVAL: Duration = Duration::from_secs(30);

/// The addresses that are served, as bound: port 0 in the configuration gets a number here.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    /// Page, WebSocket, health and metrics.
    pub http: Vec<SocketAddr>,
    /// SIP, in the order of the configuration.
    pub sip: Vec<SocketAddr>,
}

/// A gateway with its sockets, ready to run.
#[derive(Debug)]
pub struct Shell {
    gateway: Gateway,
    inbox: Inbox,
    arrivals: mpsc::Receiver<Waiting>,
    behind: Behind,
    accepted: mpsc::Receiver<stream::Accepted>,
    admission: Arc<Admission>,
    udp: udp::UdpSockets,
    shared: Arc<http::Shared>,
    sip_tls: tls::Sip,
    tls_listeners: Vec<u16>,
    connections: HashMap<ConnectionId, websocket::Writer>,
    streams: HashMap<u64, stream::Writer>,
    streams_begun: u64,
    chats: xmpp::Streams,
    deadlines: stream::Deadlines,
    resolver: dns::Resolver,
    introspection: Option<introspect::Endpoint>,
    certificates: Vec<Arc<tls::Certificate>>,
    bound: Bound,
    stopping: Stopping,
    ladders: Option<PathBuf>,
}

/// Whether the process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    No,
    Draining,
    Now,
}

impl Shell {
    /// Binds every listener of the configuration.
    ///
    /// # Errors
    /// The first that cannot be bound or read, in words.
    pub async fn start(config: Config) -> io::Result<Self> {
        let (inbox, arrivals) = Inbox::new();
        let (accepting, accepted) = mpsc::channel(64);
        let server = &config.server;
        let limits = admission::Limits::of_system(
            server.connections_per_address,
            server.descriptors_reserved,
        );
        let admission = Admission::new(limits);
        let mut bound = Bound::default();
        let mut certificates = Vec::new();
        let mut udp = udp::UdpSockets::new();
        let mut tls_listeners = Vec::new();
        for (place, listener) in config.sip.listen.iter().enumerate() {
            let local = u16::try_from(place).map_err(io::Error::other)?;
            let address = listener.address;
            bound.sip.push(match listener.transport {
                Transport::Udp => udp.bind(local, address).await?,
                stream_transport @ (Transport::Tcp | Transport::Tls) => {
                    if stream_transport == Transport::Tls {
                        tls_listeners.push(local);
                    }
                    stream::listen(local, address, accepting.clone(), &admission).await?
                }
            });
        }
        let sip_tls = tls::sip(&config, &mut certificates)?;
        let shared = Arc::new(http::Shared {
            inbox: inbox.clone(),
            origins: Origins::new(&config.server.origins),
            limits: websocket::Limits {
                frame_max: config.client.frame_bytes_max,
                queue_max: config.client.write_queue_max,
                write_deadline: config.client.write_deadline,
            },
            page: config.server.page,
            ready: AtomicBool::new(true),
            connections: AtomicU64::new(0),
        });
        let https = tls::https(&config, &mut certificates)?;
        let admin_apart = config.server.metrics_listen;
        for address in &config.server.listen {
            let listener = bind(*address).await?;
            bound.http.push(listener.local_addr()?);
            let router = match admin_apart {
                Some(_) => http::public(&shared),
                None => http::public(&shared).merge(http::admin_here(&shared)),
            };
            let visitors = (Arc::clone(&admission), Visitor::Client);
            http::serve(listener, router, https.clone(), visitors);
        }
        if let Some(address) = admin_apart {
            let visitors = (Arc::clone(&admission), Visitor::Own);
            http::serve(bind(address).await?, http::admin(&shared), None, visitors);
        }
        let deadlines = stream::Deadlines {
            connect: config.sip.connect_timeout,
            write: config.client.write_deadline,
        };
        let introspection = introspect::Endpoint::new(&config)?;
        let ladders = config.trace.directory.clone();
        let chats = xmpp::Streams::new(&config, inbox.clone())?;
        let keys = keys::watch(config.auth.jwt.as_ref(), &inbox)?;
        let mut gateway = Gateway::new(config, &bound.sip, seed()?, Instant::now(), unix_now());
        if keys.is_some_and(|keys| !gateway.set_keys(&keys)) {
            let what = "auth.jwt.jwks_file: no key set with a key that can be used";
            return Err(io::Error::other(what));
        }
        Ok(Self {
            gateway,
            inbox,
            arrivals,
            behind: Behind::default(),
            accepted,
            admission,
            udp,
            shared,
            sip_tls,
            tls_listeners,
            connections: HashMap::new(),
            streams: HashMap::new(),
            streams_begun: 0,
            chats,
            deadlines,
            resolver: dns::Resolver::system(),
            introspection,
            certificates,
            bound,
            stopping: Stopping::No,
            ladders,
        })
    }

    /// The addresses that are served.
    #[must_use]
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Where the process's signals go.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Runs until the process is asked to end and has drained.
    pub async fn run(mut self) {
        self.serve().await;
        self.chats.finish().await;
    }

    async fn serve(&mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut renew = tokio::time::interval(RENEW_INTERVAL);
        self.gateway.begin(Instant::now());
        loop {
            if self.drain() {
                return;
            }
            self.notice_delay();
            let wake_at = self.gateway.poll_timeout().map(|(at, _)| at);
            tokio::select! {
                place = self.udp.readable() => {
                    if self.datagrams(place) {
                        return;
                    }
                }
                taken = self.arrivals.recv_many(&mut batch, BATCH_MAX) => {
                    if taken == 0 {
                        return;
                    }
                    // What ends and answers running calls goes before what may begin new ones.
                    for place in 0..self.udp.len() {
                        if self.datagrams(place) {
                            return;
                        }
                    }
                    for Waiting { since, arrival } in batch.drain(..) {
                        let now = Instant::now();
                        self.behind.arrival = now.saturating_duration_since(since);
                        if self.arrive(arrival, now) {
                            return;
                        }
                    }
                }
                Some(accepted) = self.accepted.recv() => self.accept(accepted),
                () = sleep_until(wake_at) => {
                    self.gateway.handle_timeout(Instant::now());
                }
                _ = renew.tick() => self.renew_certificates(),
            }
        }
    }

    /// Tells the gateway how long what it handles has waited.
    fn notice_delay(&mut self) {
        let now = Instant::now();
        if self.arrivals.is_empty() {
            self.behind.arrival = Duration::ZERO;
        }
        let waited = self.behind.longest(now).max(rest::busy_for(now));
        self.gateway.waited(waited, now);
    }

    /// Takes what has arrived on a UDP socket. Returns whether the process ends.
    fn datagrams(&mut self, place: usize) -> bool {
        for _ in 0..udp::BATCH_MAX {
            let Some((local, remote, bytes)) = self.udp.receive(place) else {
                self.behind.datagrams_since = None;
                return false;
            };
            let input = Input::Datagram {
                local,
                remote,
                bytes,
            };
            self.gateway.handle(input, Instant::now());
            if self.drain() {
                return true;
            }
        }
        self.behind.datagrams_since.get_or_insert_with(Instant::now);
        false
    }

    /// Takes one arrival and drains. Returns whether the process ends.
    fn arrive(&mut self, arrival: Arrival, now: Instant) -> bool {
        match arrival {
            Arrival::Input(input) => {
                if let Input::StreamClosed { stream } | Input::StreamFailed { stream, .. } = &input
                {
                    self.streams.remove(stream);
                }
                if let Input::XmppClosed { stream } | Input::XmppFailed { stream, .. } = &input {
                    self.chats.close(*stream);
                }
                if let Input::WsClosed { connection } = &input {
                    self.connections.remove(connection);
                }
                self.gateway.handle(input, now);
            }
            Arrival::Connection {
                connection,
                writer,
                peer,
            } => {
                self.connections.insert(connection, writer);
                self.gateway
                    .handle(Input::WsOpened { connection, peer }, now);
            }
            Arrival::Report { wanted, reply } => {
                let text = match wanted {
                    Report::Metrics => {
                        self.gateway.count_refused(self.admission.refused());
                        Some(self.gateway.metrics())
                    }
                    Report::Calls => Some(self.gateway.traced_calls(now)),
                    Report::Ladder(call) => self.gateway.ladder(&call),
                };
                // Whoever asked may have gone.
                let _ = reply.send(text);
            }
            Arrival::Keys(text) => {
                if !self.gateway.set_keys(&text) {
                    tracing::warn!("a key set without a key that can be used: the old keys stay");
                }
            }
            Arrival::Stop => {
                self.shared.ready.store(false, Ordering::Relaxed);
                self.stopping = match self.stopping {
                    Stopping::No => Stopping::Draining,
                    Stopping::Draining | Stopping::Now => Stopping::Now,
                };
                self.gateway.handle(Input::Stop, now);
            }
        }
        self.drain()
    }

    /// Performs every output. Returns whether the process ends.
    fn drain(&mut self) -> bool {
        while let Some(output) = self.gateway.poll_output() {
            if matches!(output, Output::Finished) {
                self.write_last_ladders();
                return true;
            }
            self.perform(output);
        }
        self.write_ladders();
        false
    }

    /// Writes the ladders of calls that have ended, a file each, where the operator asked for that.
    fn write_ladders(&mut self) {
        let Some(folder) = &self.ladders else { return };
        for (call, text) in self.gateway.take_ended_ladders() {
            let file = folder.join(format!("{}-{call}.ladder", unix_seconds()));
            tokio::spawn(async move {
                if let Err(error) = tokio::fs::write(&file, text).await {
                    tracing::warn!(%error, file = %file.display(), "a ladder was not written");
                }
            });
        }
    }

    /// The same at the end of the process, which waits for it.
    fn write_last_ladders(&mut self) {
        let Some(folder) = &self.ladders else { return };
        for (call, text) in self.gateway.take_ended_ladders() {
            let file = folder.join(format!("{}-{call}.ladder", unix_seconds()));
            if let Err(error) = std::fs::write(&file, text) {
                tracing::warn!(%error, file = %file.display(), "a ladder was not written");
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::WsText { connection, text } => {
                let queued = self
                    .connections
                    .get(&connection)
                    .is_none_or(|writer| writer.write(websocket::Write::Text(text)));
                if !queued {
                    self.gateway.count_slow_client();
                    self.connections.remove(&connection);
                }
            }
            Output::WsClose {
                connection,
                code,
                reason,
            } => {
                if let Some(writer) = self.connections.remove(&connection) {
                    writer.write(websocket::Write::Close(code, reason));
                }
            }
            Output::Datagram {
                local,
                remote,
                bytes,
            } => {
                if let Err(error) = self.udp.send(local, remote, &bytes) {
                    tracing::debug!(%error, %remote, "a datagram could not be sent");
                }
            }
            Output::StreamBytes { stream, bytes } => {
                if let Some(writer) = self.streams.get(&stream)
                    && writer.write(bytes).is_err()
                {
                    self.streams.remove(&stream);
                    self.later(Input::StreamClosed { stream });
                }
            }
            Output::Connect {
                stream,
                from,
                remote,
                server_name,
            } => {
                let client = &self.sip_tls.client;
                let tls = server_name.map(|name| (Arc::clone(client), name));
                let place = stream::Place {
                    stream,
                    inbox: self.inbox.clone(),
                    deadlines: self.deadlines,
                    seat: Arc::new(self.admission.take()),
                };
                let writer = stream::connect(place, from, remote, tls);
                self.streams.insert(stream, writer);
            }
            Output::StreamClose { stream } => {
                self.streams.remove(&stream);
            }
            chat @ (Output::XmppConnect { .. }
            | Output::XmppBytes { .. }
            | Output::XmppStartTls { .. }
            | Output::XmppClose { .. }) => self.chats.perform(chat),
            Output::Ask { id, question } => {
                let (resolver, inbox) = (self.resolver.clone(), self.inbox.clone());
                let introspection = self.introspection.clone();
                tokio::spawn(async move {
                    let told = match resolver.answer(&question).await {
                        Some(told) => told,
                        None => introspect::answer(introspection, &question).await,
                    };
                    inbox.put(Input::Told { id, told }).await;
                });
            }
            // Seen by `drain` before it comes here.
            Output::Finished => {}
        }
    }

    /// Puts an input of our own behind those that wait, so that no output makes an input at once.
    fn later(&self, input: Input) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move { inbox.put(input).await });
    }

    fn accept(&mut self, accepted: stream::Accepted) {
        let stream::Accepted {
            socket,
            remote,
            local,
            seat,
        } = accepted;
        let tls = match self.tls_listeners.contains(&local) {
            false => None,
            true => match &self.sip_tls.acceptor {
                Some(acceptor) => Some(acceptor.clone()),
                None => return,
            },
        };
        self.streams_begun += 1;
        let stream = Gateway::accepted_stream(self.streams_begun);
        self.gateway.handle(
            Input::StreamAccepted {
                stream,
                local,
                remote,
            },
            Instant::now(),
        );
        let place = stream::Place {
            stream,
            inbox: self.inbox.clone(),
            deadlines: self.deadlines,
            seat: Arc::new(seat),
        };
        let writer = stream::accept(place, socket, tls);
        self.streams.insert(stream, writer);
    }

    fn renew_certificates(&self) {
        for certificate in &self.certificates {
            match certificate.renew() {
                Ok(false) => {}
                Ok(true) => tracing::info!("a certificate has changed: the new one is in use"),
                Err(error) => {
                    tracing::warn!(%error, "a changed certificate is not used");
                }
            }
        }
    }
}

/// Runs something on the one thread that the gateway has.
///
/// # Errors
/// What it returns, or that there can be no runtime.
pub fn block_on<T, E: From<io::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    rest::watched(tokio::runtime::Builder::new_current_thread().enable_all())
        .build()?
        .block_on(work)
}

/// Seconds since 1970.
#[must_use]
pub fn unix_seconds() -> u64 {
    unix_now().as_secs()
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// 32 bytes of the system's randomness.
fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed)
        .map_err(|_| io::Error::other("the system gives no randomness"))?;
    Ok(seed)
}

/// Seconds since 1970, for what compares with other people's clocks: tokens, traces.
fn unix_now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
