//! The non-INVITE server transaction (RFC 3261 §17.2.2).
//!
//! ```text
//!                          request: last response again
//!                                   ┌────┐
//!               1xx                 │    ▼    200–699
//!   request ──▶ Trying ──────────▶ Proceeding ──────────▶ Completed ── J ──▶ Terminated
//!                 │     200–699                            │  ▲ request: send again
//!                 └──────────────────────────────────────▶ └──┘
//! ```

use std::time::Instant;

use super::timer::Timers;
use super::transaction::Action;

/// The state of one non-INVITE server transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NonInviteServer {
    /// Nothing was sent.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// A final response was sent.
    Completed {
        /// Timer J.
        until: Instant,
    },
}

impl NonInviteServer {
    /// The user answers with this status. Returns whether the response goes out.
    pub fn respond(&mut self, status: u16, timers: &Timers, reliable: bool, now: Instant) -> bool {
        match (&self, status) {
            (Self::Trying | Self::Proceeding, 100..200) => {
                *self = Self::Proceeding;
                true
            }
            (Self::Trying | Self::Proceeding, _) => {
                *self = Self::Completed {
                    until: now + timers.j(reliable),
                };
                true
            }
            (Self::Completed { .. }, _) => false,
        }
    }

    /// The request came again.
    pub fn receive_again(&self, actions: &mut Vec<Action>) {
        match self {
            Self::Proceeding | Self::Completed { .. } => actions.push(Action::SendAgain),
            Self::Trying => {} // RFC 3261 §17.2.2: discarded until there is something to send.
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self {
            Self::Completed { until } if *until <= now => actions.push(Action::End),
            Self::Trying | Self::Proceeding | Self::Completed { .. } => {}
        }
    }

    /// When the next thing is due.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        match self {
            Self::Trying | Self::Proceeding => None,
            Self::Completed { until } => Some(*until),
        }
    }
}
