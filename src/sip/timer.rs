//! The timers of transactions (RFC 3261 §17, table 4 of appendix A; RFC 6026 §8).

use std::time::{Duration, Instant};

/// The three values everything else is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate; 500 ms.
    pub t1: Duration,
    /// The longest interval between retransmissions; 4 s.
    pub t2: Duration,
    /// How long a message may stay in the network; 5 s.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let (t1, t2) = (Duration::from_millis(500), Duration::from_secs(4));
        Self {
            t1,
            t2,
            t4: Duration::from_secs(5),
        }
    }
}

impl Timers {
    /// 64·T1: when a transaction gives up (timers B, F, H) or has absorbed enough (J, L, M).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D: when an INVITE client has absorbed the retransmissions of its final response; at
    /// least 32 s where they can come, none on a reliable transport.
    #[must_use]
    pub fn d(&self, reliable: bool) -> Duration {
        if reliable {
            Duration::ZERO
        } else {
            self.patience().max(Duration::from_secs(32))
        }
    }

    /// Timers I and K: when what was under way has arrived; T4, none on a reliable transport.
    #[must_use]
    pub fn settle(&self, reliable: bool) -> Duration {
        if reliable { Duration::ZERO } else { self.t4 }
    }

    /// Timer J: when a non-INVITE server has absorbed the retransmissions of its request.
    #[must_use]
    pub fn j(&self, reliable: bool) -> Duration {
        if reliable {
            Duration::ZERO
        } else {
            self.patience()
        }
    }
}

/// What a leg waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegTimer {
    /// When to give up on the final response of an INVITE that was cancelled. 64·T1, 32 s by
    /// default (RFC 3261 §9.1).
    Cancelled,
    /// When to send our last provisional response again, so that no proxy gives the call up. Every
    /// minute (RFC 3261 §13.3.1.1).
    RingAgain,
    /// When to refuse an INVITE with 487 because its Expires has passed and nobody has answered.
    /// None by default: the caller says it (RFC 3261 §13.3.1).
    Expires,
    /// When to send a 2xx of ours again that has no ACK yet. T1, 500 ms by default, then twice as
    /// long each time, up to T2 (RFC 3261 §13.3.1.4).
    AcceptAgain,
    /// When to give up on the ACK of a 2xx of ours. 64·T1, 32 s by default (RFC 3261 §13.3.1.4).
    Unacknowledged,
    /// When to send an INVITE inside the call again after 491. 2.1 to 4 s where we began the call,
    /// else up to 2 s (RFC 3261 §14.1).
    ReofferAgain,
}

impl LegTimer {
    /// The name for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "the end of a cancelled INVITE",
            Self::RingAgain => "a provisional response",
            Self::Expires => "an INVITE's Expires",
            Self::AcceptAgain => "a 2xx",
            Self::Unacknowledged => "the ACK of a 2xx",
            Self::ReofferAgain => "an INVITE after 491",
        }
    }
}

/// When to send again (timers A, E and G): the first interval is T1, each next twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmission {
    /// When.
    pub at: Instant,
    interval: Duration,
}

impl Retransmission {
    /// The first is due T1 from now; none on a reliable transport.
    #[must_use]
    pub fn start(timers: &Timers, reliable: bool, now: Instant) -> Option<Self> {
        (!reliable).then(|| Self::first(timers, now))
    }

    /// The first is due T1 from now, on any transport (a 2xx, RFC 3261 §13.3.1.4).
    #[must_use]
    pub fn first(timers: &Timers, now: Instant) -> Self {
        Self {
            at: now + timers.t1,
            interval: timers.t1,
        }
    }

    /// The next one; `longest` bounds the interval (T2 for timers E and G, none for A). It counts
    /// from `now`, so that a late wake-up is not followed by a burst of what it missed.
    #[must_use]
    pub fn next(self, longest: Option<Duration>, now: Instant) -> Self {
        let interval = self.interval * 2;
        let interval = longest.map_or(interval, |longest| interval.min(longest));
        Self {
            at: self.at.max(now) + interval,
            interval,
        }
    }

    /// From now on at the longest interval (a provisional response came, RFC 3261 §17.1.2.2).
    #[must_use]
    pub fn slowed(self, longest: Duration) -> Self {
        Self {
            at: self.at,
            interval: longest,
        }
    }
}
