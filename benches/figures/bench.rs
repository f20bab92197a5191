//! A bench: one process that is measured, the load beside it, and runs of calls between them.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use crate::count::Outcome;
use crate::load::{Load, Side};
use crate::process::{self, Process};
use crate::settings::{self, Addresses};
use crate::wire::{self, Sizes};

/// Bytes that are read at once.
const READ: usize = 8 * 1024;
/// How often what is due is looked at.
const TICK: Duration = Duration::from_millis(1);
/// How long the process may take to serve.
const START: Duration = Duration::from_secs(20);

/// One process and its load.
pub(crate) struct Bench {
    pub(crate) load: Rc<RefCell<Load>>,
    pub(crate) process: Process,
    addresses: Addresses,
}

/// What a run at a rate came to.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    /// Calls a second that were asked for.
    pub(crate) rate: f64,
    /// How long was counted, in seconds.
    pub(crate) seconds: f64,
    /// CPU of the process meanwhile.
    pub(crate) cpu: Duration,
    /// The share of its core that the load took.
    pub(crate) load_busy: f64,
    /// Resident bytes of the process at the end of the window.
    pub(crate) resident: u64,
}

impl Run {
    /// CPU milliseconds of a complete call.
    pub(crate) fn cpu_per_call(&self) -> f64 {
        self.cpu.as_secs_f64() * 1000.0 / self.outcome.ended as f64
    }

    /// Calls that were accepted, a second.
    pub(crate) fn goodput(&self) -> f64 {
        self.outcome.accepted_within as f64 / self.seconds
    }
}

impl Bench {
    /// Starts the gateway or the floor, with nobody connected.
    pub(crate) async fn start(side: Side, sizes: Sizes, accounts: usize) -> io::Result<Self> {
        let udp = Rc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let addresses = Addresses {
            ws: TcpListener::bind("127.0.0.1:0").await?.local_addr()?,
            sip: UdpSocket::bind("127.0.0.1:0").await?.local_addr()?,
            phone: udp.local_addr()?,
        };
        let load = Load::new(side, Rc::clone(&udp), addresses.sip)?;
        let load = Rc::new(RefCell::new(load));
        tokio::task::spawn_local(datagrams(Rc::clone(&load), udp));
        tokio::task::spawn_local(ticks(Rc::clone(&load)));
        let process = match side {
            Side::Gateway => {
                let folder = env!("CARGO_TARGET_TMPDIR");
                let file = format!("{folder}/figures-{}.toml", std::process::id());
                fs::write(&file, settings::text(&addresses, accounts))?;
                let args = ["run".to_owned(), "--config".to_owned(), file];
                Process::start(env!("CARGO_BIN_EXE_crosspoint"), &args)?
            }
            Side::Floor => {
                let us = std::env::current_exe()?;
                let mut args = vec!["floor".to_owned()];
                for address in [addresses.ws, addresses.sip, addresses.phone] {
                    args.push(address.to_string());
                }
                args.extend(sizes.to_args());
                Process::start(&us.to_string_lossy(), &args)?
            }
        };
        let mut bench = Self {
            load,
            process,
            addresses,
        };
        bench.wait_until_it_serves().await?;
        Ok(bench)
    }

    async fn wait_until_it_serves(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.addresses.ws).await.is_err() {
            if !self.process.runs() {
                return Err(io::Error::other(concat!(
                    "what is measured has ended at once; its log is in ",
                    env!("CARGO_TARGET_TMPDIR")
                )));
            }
            if begun.elapsed() > START {
                return Err(io::Error::other("what is measured does not serve"));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Connects clients until there are this many.
    pub(crate) async fn connect(&self, clients: usize) -> io::Result<()> {
        let have = self.load.borrow().welcome();
        for _ in have..clients {
            let stream = upgrade(self.addresses.ws).await?;
            let connection = self
                .load
                .borrow_mut()
                .connected(Rc::clone(&stream), Instant::now());
            tokio::task::spawn_local(frames(Rc::clone(&self.load), stream, connection));
        }
        let welcome = async {
            while self.load.borrow().welcome() < clients {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(START, welcome)
            .await
            .map_err(|_| io::Error::other("clients connected, but were not let in"))
    }

    /// Begins calls at a rate, counts those of a window behind a warm-up, waits for their ends.
    pub(crate) async fn calls(&self, rate: f64, warm: Duration, window: Duration) -> Run {
        let begun = Instant::now();
        let mut number = 0_u32;
        let mut counted_from = None;
        let id = std::process::id().to_string();
        self.load.borrow_mut().outcome = Outcome::default();
        loop {
            let now = Instant::now();
            let passed = now - begun;
            if passed >= warm + window {
                break;
            }
            if counted_from.is_none() && passed >= warm {
                self.load.borrow_mut().counting = true;
                counted_from = Some((now, self.process.cpu(), process::cpu(&id)));
            }
            let wanted = (passed.as_secs_f64() * rate) as u32;
            for _ in number..wanted {
                self.load.borrow_mut().begin(Instant::now());
            }
            number = wanted;
            sleep(TICK).await;
        }
        let (since, cpu_then, ours_then) =
            counted_from.unwrap_or((begun, Duration::ZERO, Duration::ZERO));
        let seconds = since.elapsed().as_secs_f64();
        let cpu = self.process.cpu() - cpu_then;
        let ours = process::cpu(&id) - ours_then;
        self.load.borrow_mut().counting = false;
        let resident = self.process.resident();
        self.quiet(Duration::from_secs(10)).await;
        Run {
            outcome: std::mem::take(&mut self.load.borrow_mut().outcome),
            rate,
            seconds,
            cpu,
            load_busy: ours.as_secs_f64() / seconds,
            resident,
        }
    }

    /// Begins calls that stay, at a rate, and waits until they are accepted. Returns how many are.
    pub(crate) async fn hold(&self, calls: usize, rate: f64) -> usize {
        self.load.borrow_mut().hold = true;
        let window = Duration::from_secs_f64(calls as f64 / rate);
        let begun = Instant::now();
        let mut number = 0;
        while number < calls {
            let share = begun.elapsed().as_secs_f64() / window.as_secs_f64();
            let wanted = ((share * calls as f64) as usize).min(calls);
            for _ in number..wanted {
                self.load.borrow_mut().begin(Instant::now());
            }
            number = wanted;
            sleep(TICK).await;
        }
        sleep(Duration::from_secs(2)).await;
        self.load.borrow().held()
    }

    /// Waits until no call is left, or for so long.
    pub(crate) async fn quiet(&self, most: Duration) {
        let empty = async {
            while self.load.borrow().calls() > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        // What is left then is counted by its own patience.
        let _ = timeout(most, empty).await;
    }
}

/// Opens a WebSocket (RFC 6455 §4.1).
async fn upgrade(address: SocketAddr) -> io::Result<Rc<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: crosspoint.v1\r\n\r\n"
    );
    stream.writable().await?;
    stream.try_write(request.as_bytes())?;
    let mut head = [0; 1024];
    let mut length = 0;
    while !head[..length].ends_with(b"\r\n\r\n") {
        stream.readable().await?;
        match stream.try_read(&mut head[length..]) {
            Ok(0) => return Err(io::Error::other("closed before it became a WebSocket")),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    match head.starts_with(b"HTTP/1.1 101") {
        true => Ok(Rc::new(stream)),
        false => {
            let first = String::from_utf8_lossy(&head[..length]);
            let first = first.lines().next().unwrap_or_default().to_owned();
            Err(io::Error::other(format!("no WebSocket: {first}")))
        }
    }
}

/// Reads a client's frames until it is closed.
async fn frames(load: Rc<RefCell<Load>>, stream: Rc<TcpStream>, connection: u32) {
    let mut bytes = Vec::new();
    while stream.readable().await.is_ok() {
        let held = bytes.len();
        bytes.resize(held + READ, 0);
        match stream.try_read(&mut bytes[held..]) {
            Ok(0) => break,
            Ok(read) => bytes.truncate(held + read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                bytes.truncate(held);
                continue;
            }
            Err(_) => break,
        }
        let now = Instant::now();
        let mut begin = 0;
        while let Some((_, payload)) = wire::frame(&mut bytes[begin..]) {
            let payload = begin + payload.start..begin + payload.end;
            begin = payload.end;
            load.borrow_mut().frame(connection, &bytes[payload], now);
        }
        bytes.drain(..begin);
    }
    load.borrow_mut().disconnected(connection);
}

/// Reads the phone's datagrams.
async fn datagrams(load: Rc<RefCell<Load>>, udp: Rc<UdpSocket>) {
    let mut buffer = vec![0; READ];
    while udp.readable().await.is_ok() {
        while let Ok((length, _)) = udp.try_recv_from(&mut buffer) {
            load.borrow_mut()
                .datagram(&buffer[..length], Instant::now());
        }
    }
}

async fn ticks(load: Rc<RefCell<Load>>) {
    loop {
        sleep(TICK).await;
        load.borrow_mut().tick(Instant::now());
    }
}
