//! The floor: what the same messages cost when nobody reads them.
//!
//! A relay on one thread: a frame comes in and goes out as a datagram, a datagram comes in and goes
//! out as a frame, as many and as long as the gateway's own. It keeps no call, reads no SIP, no SDP
//! and no JSON; the first 16 bytes of a message say what it is and for which connection.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::wire::{self, Sizes};

/// Bytes that are read at once.
const READ: usize = 8 * 1024;

struct Relay {
    sizes: Sizes,
    phone: SocketAddr,
    udp: UdpSocket,
    clients: RefCell<Vec<Option<Rc<TcpStream>>>>,
}

/// Relays until it is ended: `floor WS-ADDRESS SIP-ADDRESS PHONE-ADDRESS SIZES…`.
pub(crate) fn run(mut args: impl Iterator<Item = String>) -> io::Result<()> {
    let mut address = || -> io::Result<SocketAddr> {
        let text = args.next().unwrap_or_default();
        text.parse()
            .map_err(|_| io::Error::other(format!("floor: no address: `{text}`")))
    };
    let (ws, sip, phone) = (address()?, address()?, address()?);
    let sizes = Sizes::from_args(args);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let relay = Rc::new(Relay {
            sizes,
            phone,
            udp: UdpSocket::bind(sip).await?,
            clients: RefCell::new(Vec::new()),
        });
        let listener = TcpListener::bind(ws).await?;
        tokio::task::spawn_local(datagrams(Rc::clone(&relay)));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::task::spawn_local(client(Rc::clone(&relay), Rc::new(stream)));
        }
    })
}

/// From the client to the phone.
async fn client(relay: Rc<Relay>, stream: Rc<TcpStream>) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut upgraded = false;
    loop {
        stream.readable().await?;
        let held = bytes.len();
        bytes.resize(held + READ, 0);
        match stream.try_read(&mut bytes[held..]) {
            Ok(0) => return Ok(()),
            Ok(read) => bytes.truncate(held + read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                bytes.truncate(held);
                continue;
            }
            Err(error) => return Err(error),
        }
        if !upgraded {
            if !bytes.ends_with(b"\r\n\r\n") {
                continue;
            }
            let switch = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                          connection: upgrade\r\n\r\n";
            send(&stream, switch.as_bytes());
            upgraded = true;
            bytes.clear();
        }
        let mut begin = 0;
        while let Some((_, payload)) = wire::frame(&mut bytes[begin..]) {
            relay.frame(&bytes[begin + payload.start..begin + payload.end], &stream);
            begin += payload.end;
        }
        bytes.drain(..begin);
    }
}

/// From the phone to the client.
async fn datagrams(relay: Rc<Relay>) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        relay.udp.readable().await?;
        while let Ok((length, _)) = relay.udp.try_recv_from(&mut buffer) {
            relay.datagram(&buffer[..length]);
        }
    }
}

impl Relay {
    fn frame(&self, payload: &[u8], stream: &Rc<TcpStream>) {
        let Some((kind, connection, call)) = wire::read_lean(payload) else {
            return;
        };
        let sizes = &self.sizes;
        match kind {
            b'H' => {
                let mut clients = self.clients.borrow_mut();
                let place = connection as usize;
                if clients.len() <= place {
                    clients.resize(place + 1, None);
                }
                clients[place] = Some(Rc::clone(stream));
                drop(clients);
                self.say(b's', connection, call, sizes.result);
            }
            b'C' => {
                self.say(b'R', connection, call, sizes.result);
                self.dial(b'I', connection, call, sizes.invite);
            }
            b'E' => {
                self.say(b'R', connection, call, sizes.result);
                self.dial(b'B', connection, call, sizes.bye);
                self.say(b'e', connection, call, sizes.ended);
            }
            b'P' => self.say(b'p', connection, call, wire::LEAN),
            // The driver says nothing else.
            _ => {}
        }
    }

    fn datagram(&self, bytes: &[u8]) {
        let Some((kind, connection, call)) = wire::read_lean(bytes) else {
            return;
        };
        let sizes = &self.sizes;
        match kind {
            b'1' => self.say(b'r', connection, call, sizes.ringing),
            b'2' => {
                self.dial(b'K', connection, call, sizes.ack);
                self.say(b'a', connection, call, sizes.accepted);
                self.say(b'm', connection, call, sizes.media);
            }
            b'b' => {
                self.dial(b'o', connection, call, sizes.ok);
                self.say(b'e', connection, call, sizes.ended);
            }
            // The 200 of a BYE has no frame.
            _ => {}
        }
    }

    fn say(&self, kind: u8, connection: u32, call: u64, size: usize) {
        let clients = self.clients.borrow();
        let Some(Some(stream)) = clients.get(connection as usize) else {
            return;
        };
        let (mut payload, mut out) = (Vec::with_capacity(size), Vec::with_capacity(size + 8));
        wire::lean(kind, connection, call, size, &mut payload);
        wire::text(&payload, &mut out);
        send(stream, &out);
    }

    fn dial(&self, kind: u8, connection: u32, call: u64, size: usize) {
        let mut out = Vec::with_capacity(size);
        wire::lean(kind, connection, call, size, &mut out);
        // A datagram that the system does not take is lost.
        let _ = self.udp.try_send_to(&out, self.phone);
    }
}

/// Writes at once. Where the socket is full the frame is lost: the driver reads faster than that.
fn send(stream: &TcpStream, bytes: &[u8]) {
    let _ = stream.try_write(bytes);
}
