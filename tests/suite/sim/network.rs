//! The links: what is sent arrives later, out of order, twice, or never.

use std::collections::BTreeMap;
use std::time::Instant;

use minidom::Element;

pub(super) use crate::dice::Dice;

/// What happens at a time.
#[derive(Debug)]
pub(super) enum Happening {
    /// A datagram of the phone arrives at the gateway.
    ToGateway(String),
    /// A datagram of the gateway arrives at the phone.
    ToPhone(String),
    /// A connection that the gateway wants is there, or not.
    StreamOpens(u64),
    /// A piece of a stream arrives at the gateway.
    StreamToGateway(u64, Vec<u8>),
    /// A piece of a stream arrives at the phone.
    StreamToPhone(u64, Vec<u8>),
    /// All streams break.
    Breaks,
    /// A frame of a client arrives at the gateway.
    Frame(u64, String),
    /// A frame of the gateway arrives at a client.
    Told(u64, String),
    /// A client's socket breaks.
    Cut(usize),
    /// The gateway has closed a socket: the client sees it behind all that was sent.
    Closed(u64),
    /// The process is told to end.
    Stop,
    /// A client connects.
    Connect(usize),
    /// A client does something.
    ClientActs(usize),
    /// The phone does something with this call.
    PhoneActs(String),
    /// A lull is over: what the peers believe is compared.
    Look,
    /// A stream that the gateway wants to a chat server is there, or not.
    ChatOpens(u64, usize),
    /// What the gateway wrote arrives at the chat server.
    ChatToServer(u64, Vec<u8>),
    /// What the chat server wrote arrives at the gateway.
    ChatToGateway(u64, String),
    /// What a device has sent is at its server.
    ChatSaid(usize, String),
    /// A stanza comes to a device.
    ChatTold(usize, Box<Element>),
    /// A copy of what another device has sent comes to a device.
    ChatCarbon(usize, Box<Element>),
    /// All streams to the chat server break.
    ChatCut,
    /// A device does something.
    ChatActs(usize),
}

/// Everything that is under way.
#[derive(Default)]
pub(super) struct Network {
    queue: BTreeMap<(Instant, u64), Happening>,
    count: u64,
    in_order: BTreeMap<(u64, bool), Instant>,
    streams_in_order: BTreeMap<(u64, bool), Instant>,
    /// When the last thing on each way of a chat server arrives.
    pub(super) ways: BTreeMap<String, Instant>,
    /// Datagrams lost, of a hundred.
    loss: u64,
    /// Whether a stream broke or could not be opened: what was on it is lost for good.
    pub(super) broke: bool,
}

impl Network {
    pub(super) fn new(loss: u64) -> Self {
        Self {
            loss,
            ..Self::default()
        }
    }

    /// Whether what is lost is there after a few tries: by the end of a lull.
    pub(super) fn is_reliable_enough(&self) -> bool {
        self.loss <= 5 && !self.broke
    }

    pub(super) fn is_lossless(&self) -> bool {
        self.loss == 0 && !self.broke
    }

    pub(super) fn at(&mut self, at: Instant, what: Happening) {
        self.count += 1;
        self.queue.insert((at, self.count), what);
    }

    pub(super) fn datagram(&mut self, dice: &mut Dice, now: Instant, text: &str, out: bool) {
        let copies = if dice.percent(self.loss) {
            0
        } else {
            1 + u64::from(dice.percent(5))
        };
        for _ in 0..copies {
            let at = now + dice.millis(1, 150);
            self.at(
                at,
                match out {
                    true => Happening::ToPhone(text.to_owned()),
                    false => Happening::ToGateway(text.to_owned()),
                },
            );
        }
    }

    /// Bytes of a stream: in order, in one piece or more.
    pub(super) fn piece(
        &mut self,
        dice: &mut Dice,
        now: Instant,
        stream: u64,
        bytes: &[u8],
        out: bool,
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let cut = match dice.below(4) {
                0 => usize::try_from(dice.below(300)).unwrap_or(0) + 1,
                _ => rest.len(),
            };
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            let last = self.streams_in_order.get(&(stream, out));
            let at = last.copied().unwrap_or(now).max(now + dice.millis(1, 60));
            self.streams_in_order.insert((stream, out), at);
            let piece = piece.to_vec();
            self.at(
                at,
                match out {
                    true => Happening::StreamToPhone(stream, piece),
                    false => Happening::StreamToGateway(stream, piece),
                },
            );
        }
    }

    /// A frame: late, never out of order.
    pub(super) fn frame(
        &mut self,
        dice: &mut Dice,
        now: Instant,
        link: u64,
        text: String,
        out: bool,
    ) {
        let last = self.in_order.get(&(link, out)).copied().unwrap_or(now);
        let at = last.max(now + dice.millis(1, 100));
        self.in_order.insert((link, out), at);
        let what = match out {
            true => Happening::Told(link, text),
            false => Happening::Frame(link, text),
        };
        self.at(at, what);
    }

    /// Whether a message is under way.
    pub(super) fn carries(&self) -> bool {
        let message = |what: &Happening| match what {
            Happening::ToGateway(_)
            | Happening::ToPhone(_)
            | Happening::StreamOpens(_)
            | Happening::StreamToGateway(..)
            | Happening::StreamToPhone(..)
            | Happening::ChatOpens(..)
            | Happening::ChatToServer(..)
            | Happening::ChatToGateway(..)
            | Happening::ChatSaid(..)
            | Happening::ChatTold(..)
            | Happening::ChatCarbon(..)
            | Happening::Frame(..)
            | Happening::Told(..) => true,
            Happening::Cut(_)
            | Happening::Closed(_)
            | Happening::Breaks
            | Happening::Stop
            | Happening::Connect(_)
            | Happening::ClientActs(_)
            | Happening::PhoneActs(_)
            | Happening::ChatCut
            | Happening::ChatActs(_)
            | Happening::Look => false,
        };
        self.queue.values().any(message)
    }

    /// The end of a link, behind what was sent on it.
    pub(super) fn close(&mut self, dice: &mut Dice, now: Instant, link: u64) {
        let last = self.in_order.get(&(link, true)).copied().unwrap_or(now);
        let at = last.max(now + dice.millis(1, 100));
        self.at(at, Happening::Closed(link));
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Happening)> {
        let ((at, _), what) = self.queue.pop_first()?;
        Some((at, what))
    }
}
