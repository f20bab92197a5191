//! Dice, and the links: what is sent arrives later, out of order, twice, or never.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// SplitMix64: the one source of chance in a run.
#[derive(Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Whether something of this many in a hundred happens.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// What happens at a time.
#[derive(Debug)]
pub(super) enum Happening {
    /// A datagram of the phone arrives at the gateway.
    ToGateway(String),
    /// A datagram of the gateway arrives at the phone.
    ToPhone(String),
    /// A frame of a client arrives at the gateway.
    Frame(u64, String),
    /// A frame of the gateway arrives at a client.
    Told(u64, String),
    /// A client's socket breaks.
    Cut(usize),
    /// A client connects.
    Connect(usize),
    /// A client does something.
    ClientActs(usize),
    /// The phone does something with this call.
    PhoneActs(String),
    /// A lull is over: what the peers believe is compared.
    Look,
}

/// Everything that is under way.
#[derive(Default)]
pub(super) struct Network {
    queue: BTreeMap<(Instant, u64), Happening>,
    count: u64,
    in_order: BTreeMap<(u64, bool), Instant>,
    /// Datagrams lost, of a hundred.
    loss: u64,
}

impl Network {
    pub(super) fn new(loss: u64) -> Self {
        Self {
            loss,
            ..Self::default()
        }
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
            | Happening::Frame(..)
            | Happening::Told(..) => true,
            Happening::Cut(_)
            | Happening::Connect(_)
            | Happening::ClientActs(_)
            | Happening::PhoneActs(_)
            | Happening::Look => false,
        };
        self.queue.values().any(message)
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Happening)> {
        let ((at, _), what) = self.queue.pop_first()?;
        Some((at, what))
    }
}
