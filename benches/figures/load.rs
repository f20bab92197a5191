//! The load: clients that call, a phone that answers, and a stop-watch between the two.
//!
//! ```text
//!   client ──call.create──▶ gateway ──INVITE──▶ phone     stamp: frame written → datagram read
//!   client ◀──ringing────── gateway ◀──180───── phone     stamp: datagram written → frame read
//!   client ◀──accepted───── gateway ◀──200───── phone     stamp: the same
//!          … one in two hangs up here, the other there …
//! ```
//!
//! Calls begin by the clock, whether or not earlier ones are through (an open loop), so that a slow
//! gateway gets no rest. One thread; every message is handled where it is read.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::{TcpStream, UdpSocket};

use crate::count::Outcome;
use crate::phone::{self, Dialog, Message};
use crate::wire::{self, Sizes};

/// An offer of Chromium with all of its candidates, and what Chromium answered to such a one.
const OFFER: &str = include_str!("../../tests/fixtures/sdp/chrome-audio-offer-gathered.sdp");
const ANSWER: &str = include_str!("../../tests/fixtures/sdp/chrome-p-audio-answer-gathered.sdp");
/// Says that there are no more: otherwise the gateway waits for them (RFC 8838 §8.2).
const NO_MORE: &str = "a=end-of-candidates\n";

/// How long the phone rings, and how long a call is held.
pub(crate) const RING: Duration = Duration::from_millis(50);
pub(crate) const HOLD: Duration = Duration::from_millis(200);
/// A call that is not accepted by then has failed, and so has one that has not ended.
const PATIENCE: Duration = Duration::from_secs(8);
/// The first interval between retransmissions (RFC 3261 §17.1.1.1), and how many there are.
const T1: Duration = Duration::from_millis(500);
const AGAIN_MAX: u8 = 6;
/// How often a client says something when it has nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Who is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The gateway: JSON and SIP.
    Gateway,
    /// The floor: lean messages of the same sizes.
    Floor,
}

/// What is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The phone answers.
    Answer,
    /// The phone sends its 200 again, as there was no ACK.
    AnswerAgain(u8),
    /// Somebody hangs up.
    HangUp,
    /// The phone sends its BYE again.
    ByeAgain(u8),
    /// The call was to be accepted by now.
    Accepted,
    /// The call was to be over by now.
    Over,
}

/// How far a call is, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begun,
    Accepted,
    HangingUp,
}

struct Call {
    connection: u32,
    begun: Instant,
    stage: Stage,
    counted: bool,
    held: bool,
    invited: bool,
    rung_at: Instant,
    answered_at: Instant,
    acked: bool,
    bye_answered: bool,
    dialog: Option<Box<Dialog>>,
}

struct Client {
    stream: Rc<TcpStream>,
    waiting: Vec<u8>,
    seen: u64,
    spoke_at: Instant,
    welcome: bool,
}

/// Everything that the load knows.
pub(crate) struct Load {
    side: Side,
    udp: Rc<UdpSocket>,
    us: SocketAddr,
    gateway: SocketAddr,
    clients: Vec<Option<Client>>,
    unsent: Vec<u32>,
    next_heartbeat: usize,
    calls: HashMap<u64, Call>,
    numbers: u64,
    due: BinaryHeap<Reverse<(Instant, u64, Due)>>,
    offer: String,
    /// Lengths of the last message of each kind from the gateway.
    pub(crate) sizes: Sizes,
    /// Whether calls that are begun stay.
    pub(crate) hold: bool,
    /// Whether what begins or ends now counts.
    pub(crate) counting: bool,
    /// What has been counted.
    pub(crate) outcome: Outcome,
    /// REGISTERs that were granted.
    pub(crate) registered: u64,
    /// What the registrar grants, in seconds.
    pub(crate) expires: u32,
    /// Connections that the other side closed.
    pub(crate) closed: u64,
}

impl Load {
    /// Nothing yet.
    pub(crate) fn new(
        side: Side,
        udp: Rc<UdpSocket>,
        gateway: SocketAddr,
    ) -> std::io::Result<Self> {
        Ok(Self {
            side,
            us: udp.local_addr()?,
            udp,
            gateway,
            clients: Vec::new(),
            unsent: Vec::new(),
            next_heartbeat: 0,
            calls: HashMap::new(),
            numbers: 0,
            due: BinaryHeap::new(),
            offer: json_sdp(&format!("{OFFER}{NO_MORE}")),
            sizes: Sizes::default(),
            hold: false,
            counting: false,
            outcome: Outcome::default(),
            registered: 0,
            expires: 10,
            closed: 0,
        })
    }

    /// Calls that are not over.
    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Calls that are held.
    pub(crate) fn held(&self) -> usize {
        let accepted = |call: &&Call| call.stage == Stage::Accepted;
        self.calls.values().filter(accepted).count()
    }

    /// Clients that are in.
    pub(crate) fn welcome(&self) -> usize {
        self.clients
            .iter()
            .flatten()
            .filter(|client| client.welcome)
            .count()
    }

    /// A client has connected: it says who it is.
    pub(crate) fn connected(&mut self, stream: Rc<TcpStream>, now: Instant) -> u32 {
        let connection = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        self.clients.push(Some(Client {
            stream,
            waiting: Vec::new(),
            seen: 0,
            spoke_at: now,
            welcome: false,
        }));
        let hello = format!(
            r#"{{"type":"hello","token":"{}","capabilities":["trickle","pranswer"]}}"#,
            token(connection)
        );
        self.say(connection, 0, b'H', &hello, now);
        connection
    }

    /// A connection is gone.
    pub(crate) fn disconnected(&mut self, connection: u32) {
        if let Some(place) = self.clients.get_mut(connection as usize) {
            *place = None;
            self.closed += 1;
        }
    }

    /// Begins a call on the next connection.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.numbers += 1;
        let number = self.numbers;
        let count = u64::try_from(self.clients.len()).unwrap_or(1).max(1);
        let connection = u32::try_from(number % count).unwrap_or(0);
        let seen = self.seen(connection);
        let create = format!(
            concat!(
                r#"{{"type":"call.create","id":"{0}","call":"{0}","to":"{0}","ack":{1},"#,
                r#""description":{{"type":"offer","sdp":"{2}"}}}}"#
            ),
            number, seen, self.offer
        );
        self.calls.insert(
            number,
            Call {
                connection,
                begun: now,
                stage: Stage::Begun,
                counted: self.counting,
                held: self.hold,
                invited: false,
                rung_at: now,
                answered_at: now,
                acked: false,
                bye_answered: false,
                dialog: None,
            },
        );
        self.outcome.begun += u64::from(self.counting);
        self.due
            .push(Reverse((now + PATIENCE, number, Due::Accepted)));
        self.say(connection, number, b'C', &create, now);
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some(Reverse((at, number, due))) = self.due.peek().copied() {
            if at > now {
                break;
            }
            self.due.pop();
            self.do_due(number, due, now);
        }
        for connection in std::mem::take(&mut self.unsent) {
            self.send_waiting(connection);
        }
        // Each client speaks in its turn, so that not all do at once.
        for _ in 0..self.clients.len().div_ceil(1000) {
            self.next_heartbeat = (self.next_heartbeat + 1) % self.clients.len().max(1);
            let place = self.next_heartbeat;
            let silent = |client: &Client| client.spoke_at + HEARTBEAT <= now;
            if self.clients[place].as_ref().is_some_and(silent) {
                let connection = u32::try_from(place).unwrap_or(0);
                let ping = format!(r#"{{"type":"ping","ack":{}}}"#, self.seen(connection));
                self.say(connection, 0, b'P', &ping, now);
            }
        }
    }

    fn do_due(&mut self, number: u64, due: Due, now: Instant) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        match due {
            Due::Answer => {
                call.answered_at = now;
                self.due
                    .push(Reverse((now + T1, number, Due::AnswerAgain(0))));
                self.answer(number);
            }
            Due::AnswerAgain(_) if call.acked => {}
            Due::AnswerAgain(count) | Due::ByeAgain(count) if count >= AGAIN_MAX => {}
            Due::AnswerAgain(count) => {
                self.outcome.again += 1;
                let at = now + T1 * (1 << (count + 1)).min(8);
                self.due
                    .push(Reverse((at, number, Due::AnswerAgain(count + 1))));
                self.answer(number);
            }
            Due::HangUp if call.stage == Stage::Accepted => {
                call.stage = Stage::HangingUp;
                call.held = false;
                self.due.push(Reverse((now + PATIENCE, number, Due::Over)));
                if number.is_multiple_of(2) {
                    let connection = call.connection;
                    let ack = self.seen(connection);
                    let end = format!(
                        r#"{{"type":"call.end","id":"e{number}","call":"{number}","ack":{ack}}}"#
                    );
                    self.say(connection, number, b'E', &end, now);
                } else {
                    self.due.push(Reverse((now + T1, number, Due::ByeAgain(0))));
                    self.bye(number);
                }
            }
            // It has ended in another way, or is not there yet.
            Due::HangUp => {}
            Due::ByeAgain(_) if call.bye_answered => {}
            Due::ByeAgain(count) => {
                self.outcome.again += 1;
                let at = now + T1 * (1 << (count + 1)).min(8);
                self.due
                    .push(Reverse((at, number, Due::ByeAgain(count + 1))));
                self.bye(number);
            }
            Due::Accepted if call.stage == Stage::Begun => {
                let connection = call.connection;
                self.fail(number, "not accepted in time");
                let end = format!(r#"{{"type":"call.end","id":"x{number}","call":"{number}"}}"#);
                self.say(connection, number, b'E', &end, now);
            }
            Due::Accepted => {}
            Due::Over => self.fail(number, "not ended in time"),
        }
    }

    // --- the phone ---

    /// A datagram from the other side.
    pub(crate) fn datagram(&mut self, bytes: &[u8], now: Instant) {
        let message = match self.side {
            Side::Gateway => match std::str::from_utf8(bytes) {
                Ok(text) => phone::read(text, self.expires),
                Err(_) => Message::Other,
            },
            Side::Floor => match wire::read_lean(bytes) {
                Some((b'I', _, number)) => return self.invited(number, None, now),
                Some((b'K', _, number)) => Message::Ack(number),
                Some((b'B', _, number)) => Message::Bye(number, String::new()),
                Some((b'o', _, number)) => Message::ByeAnswered(number),
                Some(_) | None => Message::Other,
            },
        };
        match message {
            Message::Invite(number, dialog) => {
                self.sizes.invite = bytes.len();
                self.invited(number, Some(dialog), now);
            }
            Message::Ack(number) => {
                self.sizes.ack = bytes.len();
                if let Some(call) = self.calls.get_mut(&number) {
                    call.acked = true;
                }
            }
            Message::Bye(number, ok) => {
                self.sizes.bye = bytes.len();
                match self.side {
                    Side::Gateway => self.dial(&ok),
                    Side::Floor => {
                        let connection = self.calls.get(&number).map_or(0, |call| call.connection);
                        self.dial_lean(b'3', connection, number, 330);
                    }
                }
            }
            Message::Register(response, granted) => {
                self.registered += u64::from(granted);
                self.dial(&response);
            }
            Message::Options(ok) => self.dial(&ok),
            Message::Cancel(ok, terminated) => {
                self.dial(&ok);
                self.dial(&terminated);
            }
            Message::ByeAnswered(number) => {
                self.sizes.ok = bytes.len();
                if let Some(call) = self.calls.get_mut(&number) {
                    call.bye_answered = true;
                }
            }
            Message::Other => {}
        }
    }

    fn invited(&mut self, number: u64, dialog: Option<Box<Dialog>>, now: Instant) {
        let Some(call) = self.calls.get_mut(&number) else {
            // Its client has given up.
            if let Some(dialog) = dialog {
                self.dial(&dialog.response("404 Not Found", self.us, ""));
            }
            return;
        };
        if call.invited {
            return;
        }
        call.invited = true;
        call.rung_at = now;
        if call.counted {
            self.outcome.invite.add(now - call.begun);
        }
        call.dialog = dialog;
        let connection = call.connection;
        self.due.push(Reverse((now + RING, number, Due::Answer)));
        match (self.side, &call.dialog) {
            (Side::Gateway, Some(dialog)) => {
                let ringing = dialog.response("180 Ringing", self.us, "");
                self.dial(&ringing);
            }
            _ => self.dial_lean(b'1', connection, number, 330),
        }
    }

    fn answer(&self, number: u64) {
        let Some(call) = self.calls.get(&number) else {
            return;
        };
        match (self.side, &call.dialog) {
            (Side::Gateway, Some(dialog)) => self.dial(&dialog.response("200 OK", self.us, ANSWER)),
            _ => self.dial_lean(b'2', call.connection, number, 380 + ANSWER.len()),
        }
    }

    fn bye(&self, number: u64) {
        let Some(call) = self.calls.get(&number) else {
            return;
        };
        match (self.side, &call.dialog) {
            (Side::Gateway, Some(dialog)) => self.dial(&dialog.bye(self.us)),
            _ => self.dial_lean(b'b', call.connection, number, 360),
        }
    }

    fn dial(&self, text: &str) {
        // What the system does not take is sent again, as anything that is lost.
        let _ = self.udp.try_send_to(text.as_bytes(), self.gateway);
    }

    fn dial_lean(&self, kind: u8, connection: u32, number: u64, size: usize) {
        let mut out = Vec::with_capacity(size);
        wire::lean(kind, connection, number, size, &mut out);
        let _ = self.udp.try_send_to(&out, self.gateway);
    }

    // --- the clients ---

    /// A frame from the other side.
    pub(crate) fn frame(&mut self, connection: u32, bytes: &[u8], now: Instant) {
        if self.side == Side::Floor {
            let Some((kind, _, number)) = wire::read_lean(bytes) else {
                return;
            };
            match kind {
                b's' => self.welcomed(connection),
                b'r' => self.rung(number, now),
                b'a' => self.accepted(number, now),
                b'e' => self.ended(number, "normal"),
                // Results, media and pongs tell nothing.
                _ => {}
            }
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let kind = member(&text, "type").unwrap_or_default();
        let number = || {
            member(&text, "call")
                .and_then(|call| call.parse().ok())
                .unwrap_or(0)
        };
        if let Some(seq) = text.split(r#""seq":"#).nth(1) {
            let digits = seq.split(|c: char| !c.is_ascii_digit()).next();
            let seen = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            if let Some(Some(client)) = self.clients.get_mut(connection as usize) {
                client.seen = seen;
            }
        }
        match kind {
            "sync" => self.welcomed(connection),
            "result" => self.sizes.result = bytes.len(),
            "call.ringing" => {
                self.sizes.ringing = bytes.len();
                self.rung(number(), now);
            }
            "call.accepted" => {
                self.sizes.accepted = bytes.len();
                self.accepted(number(), now);
            }
            "call.media" => self.sizes.media = bytes.len(),
            "call.ended" => {
                self.sizes.ended = bytes.len();
                let cause = member(&text, "cause").unwrap_or("no cause").to_owned();
                self.ended(number(), &cause);
            }
            "error" => {
                let code = member(&text, "code").unwrap_or("no code").to_owned();
                self.ended(number(), &code);
            }
            // `welcome`, `pong`: nothing that is measured.
            _ => {}
        }
    }

    fn welcomed(&mut self, connection: u32) {
        if let Some(Some(client)) = self.clients.get_mut(connection as usize) {
            client.welcome = true;
        }
    }

    fn rung(&mut self, number: u64, now: Instant) {
        if let Some(call) = self.calls.get(&number)
            && call.counted
        {
            self.outcome.back.add(now - call.rung_at);
        }
    }

    fn accepted(&mut self, number: u64, now: Instant) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        if call.stage != Stage::Begun {
            return;
        }
        call.stage = Stage::Accepted;
        self.outcome.accepted_within += u64::from(self.counting);
        if call.counted {
            self.outcome.accepted += 1;
            self.outcome.back.add(now - call.answered_at);
        }
        if !call.held {
            self.due.push(Reverse((now + HOLD, number, Due::HangUp)));
        }
    }

    fn ended(&mut self, number: u64, cause: &str) {
        let Some(call) = self.calls.get(&number) else {
            return;
        };
        match (call.stage, cause) {
            (Stage::HangingUp, "normal") => {
                self.outcome.ended += u64::from(self.counting);
                self.calls.remove(&number);
            }
            (Stage::Begun, "overloaded") => {
                self.outcome.shed += u64::from(call.counted);
                self.calls.remove(&number);
            }
            _ => {
                let why = format!("ended with {cause}");
                self.fail(number, &why);
            }
        }
    }

    fn fail(&mut self, number: u64, why: &str) {
        if let Some(call) = self.calls.remove(&number)
            && call.counted
        {
            *self.outcome.failed.entry(why.to_owned()).or_default() += 1;
        }
    }

    fn seen(&self, connection: u32) -> u64 {
        let client = self.clients.get(connection as usize);
        client
            .and_then(Option::as_ref)
            .map_or(0, |client| client.seen)
    }

    /// Writes a frame: the text, or for the floor as many bytes.
    fn say(&mut self, connection: u32, number: u64, kind: u8, text: &str, now: Instant) {
        let Some(Some(client)) = self.clients.get_mut(connection as usize) else {
            return;
        };
        client.spoke_at = now;
        let held = client.waiting.len();
        match self.side {
            Side::Gateway => wire::masked_text(text.as_bytes(), &mut client.waiting),
            Side::Floor => {
                let mut payload = Vec::with_capacity(text.len());
                wire::lean(kind, connection, number, text.len(), &mut payload);
                wire::masked_text(&payload, &mut client.waiting);
            }
        }
        // What waits already is sent first, at the next tick.
        if held == 0 {
            self.send_waiting(connection);
        }
    }

    fn send_waiting(&mut self, connection: u32) {
        let Some(Some(client)) = self.clients.get_mut(connection as usize) else {
            return;
        };
        let written = client.stream.try_write(&client.waiting).unwrap_or(0);
        client.waiting.drain(..written);
        match client.waiting.is_empty() {
            true => client.waiting.shrink_to(0),
            false => self.unsent.push(connection),
        }
    }
}

/// The token of the user of a connection: each has a user of its own, up to a thousand.
pub(crate) fn token(connection: u32) -> String {
    format!("token-of-user-{}", connection % crate::settings::USERS)
}

/// A description as it stands in JSON, whatever line ends it has here.
fn json_sdp(sdp: &str) -> String {
    sdp.lines().flat_map(|line| [line, "\\r\\n"]).collect()
}

/// The value of the first member of this name, where it is a string.
fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.find(&format!("\"{name}\":\""))? + name.len() + 4;
    text[at..].split('"').next()
}
