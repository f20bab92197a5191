//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §8.5).
//!
//! ```text
//!               INVITE: last provisional again
//!                 ┌────┐
//!                 │    ▼     300–699                      ACK
//!   INVITE ──▶ Proceeding ─────────▶ Completed ─────────────────▶ Confirmed ── I ──▶ Terminated
//!                 │                  │  ▲ G, INVITE: send again
//!             2xx │                  └──┘  H: no ACK ──▶ Terminated
//!                 ▼
//!              Accepted ── L ──▶ Terminated
//!                │  ▲ INVITE: absorbed; ACK: passed up; 2xx of the call: sent
//!                └──┘
//! ```

use std::time::Instant;

use super::timer::{Retransmission, Timers};
use super::transaction::Action;

/// The state of one INVITE server transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteServer {
    /// No final response yet.
    Proceeding,
    /// A final response other than 2xx was sent; its ACK has not come.
    Completed {
        /// Timer G.
        again: Option<Retransmission>,
        /// Timer H.
        until: Instant,
    },
    /// The ACK came; more of them are absorbed.
    Confirmed {
        /// Timer I.
        until: Instant,
    },
    /// A 2xx was sent; the call sends it again until its ACK comes (RFC 3261 §13.3.1.4).
    Accepted {
        /// Timer L.
        until: Instant,
    },
}

impl InviteServer {
    /// The call answers with this status. Returns whether the response goes out.
    pub fn respond(&mut self, status: u16, timers: &Timers, reliable: bool, now: Instant) -> bool {
        match (&self, status) {
            (Self::Proceeding, 100..200) => true,
            (Self::Proceeding, 200..300) => {
                *self = Self::Accepted {
                    until: now + timers.patience(),
                };
                true
            }
            (Self::Proceeding, _) => {
                // RFC 3261 §17.2.1: G only where needed, H always.
                let again = Retransmission::start(timers, reliable, now);
                *self = Self::Completed {
                    again,
                    until: now + timers.patience(),
                };
                true
            }
            (Self::Accepted { .. }, 200..300) => true,
            (Self::Accepted { .. } | Self::Completed { .. } | Self::Confirmed { .. }, _) => false,
        }
    }

    /// The INVITE came again.
    pub fn receive_again(&self, actions: &mut Vec<Action>) {
        match self {
            Self::Proceeding | Self::Completed { .. } => actions.push(Action::SendAgain),
            Self::Confirmed { .. } => {} // It crossed the ACK.
            Self::Accepted { .. } => {}  // RFC 6026 §7.1: absorbed; the call repeats its 2xx.
        }
    }

    /// An ACK came.
    pub fn receive_ack(
        &mut self,
        timers: &Timers,
        reliable: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        match self {
            Self::Completed { .. } => {
                *self = Self::Confirmed {
                    until: now + timers.settle(reliable),
                };
            }
            Self::Accepted { .. } => actions.push(Action::PassUp),
            Self::Confirmed { .. } => {} // Absorbed (RFC 3261 §17.2.1).
            Self::Proceeding => {}       // An ACK of something that was not sent.
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, timers: &Timers, now: Instant, actions: &mut Vec<Action>) {
        match self {
            Self::Completed { until, .. } if *until <= now => actions.push(Action::TimedOut),
            Self::Completed {
                again: Some(again), ..
            } if again.at <= now => {
                *again = again.next(Some(timers.t2), now);
                actions.push(Action::SendAgain);
            }
            Self::Confirmed { until } | Self::Accepted { until } if *until <= now => {
                actions.push(Action::End);
            }
            Self::Proceeding
            | Self::Completed { .. }
            | Self::Confirmed { .. }
            | Self::Accepted { .. } => {}
        }
    }

    /// When the next thing is due.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        match self {
            Self::Proceeding => None,
            Self::Completed { again, until } => {
                Some(again.map_or(*until, |again| again.at.min(*until)))
            }
            Self::Confirmed { until } | Self::Accepted { until } => Some(*until),
        }
    }
}
