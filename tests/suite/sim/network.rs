//! The links: what is sent arrives later, out of order, twice, or never.

use std::collections::BTreeMap;
use std::time::Instant;

pub(super) use crate::dice::Dice;

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
