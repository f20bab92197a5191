//! [`Shedding`]: when new calls are refused because what arrives has waited too long.
//!
//! ```text
//!          a wait above the limit          still above it, SUSTAINED later
//!   Open ──────────────────────────▶ Late ─────────────────────────────────▶ Shedding
//!    ▲ ◀───────────────────────────── │                                          │
//!    │        a wait below it                                                    │
//!    └────────────────────────────────────────────── a wait below half of it ────┘
//! ```
//!
//! A single stall sheds nobody: only a queue that stands does. Running calls go on; it is new ones
//! that are told to come again.

use std::time::{Duration, Instant};

/// How long waits must stay above the limit: a moment in which the machine gave the process no time
/// is caught up with in this one.
const SUSTAINED: Duration = Duration::from_millis(100);

/// Whether new calls are refused.
#[derive(Debug)]
pub(super) struct Shedding {
    delay_max: Duration,
    state: State,
    begun: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Late { since: Instant },
    Shedding,
}

impl Shedding {
    /// Refuses nobody yet. `delay_max` is the longest wait that is no overload.
    #[must_use]
    pub(super) fn new(delay_max: Duration) -> Self {
        Self {
            delay_max,
            state: State::Open,
            begun: 0,
        }
    }

    /// What is handled now has waited for `waited`. Says so when the state changes: `true` from
    /// now on refuses.
    pub(super) fn observe(&mut self, waited: Duration, now: Instant) -> Option<bool> {
        let late = waited > self.delay_max;
        match self.state {
            State::Open if late => self.state = State::Late { since: now },
            State::Open => {}
            State::Late { .. } if !late => self.state = State::Open,
            State::Late { since } if now.saturating_duration_since(since) >= SUSTAINED => {
                self.state = State::Shedding;
                self.begun += 1;
                return Some(true);
            }
            State::Late { .. } => {}
            State::Shedding if waited < self.delay_max / 2 => {
                self.state = State::Open;
                return Some(false);
            }
            State::Shedding => {}
        }
        None
    }

    /// Whether new calls are refused.
    #[must_use]
    pub(super) fn is_shedding(&self) -> bool {
        self.state == State::Shedding
    }

    /// How often it began.
    #[must_use]
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_stands_sheds_and_a_single_stall_does_not() {
        let ms = Duration::from_millis;
        let begun = Instant::now();
        let mut shedding = Shedding::new(ms(200));
        assert_eq!(shedding.observe(ms(900), begun), None);
        assert_eq!(shedding.observe(ms(10), begun + ms(1)), None);
        assert_eq!(shedding.observe(ms(201), begun + ms(150)), None);
        assert_eq!(shedding.observe(ms(250), begun + ms(240)), None);
        assert_eq!(shedding.observe(ms(250), begun + ms(250)), Some(true));
        assert!(shedding.is_shedding());
        assert_eq!(shedding.observe(ms(150), begun + ms(300)), None);
        assert_eq!(shedding.observe(ms(99), begun + ms(400)), Some(false));
        assert!(!shedding.is_shedding());
        assert_eq!(shedding.begun(), 1);
    }
}
