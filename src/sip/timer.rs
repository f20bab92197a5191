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
