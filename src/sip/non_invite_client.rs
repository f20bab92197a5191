//! The non-INVITE client transaction (RFC 3261 §17.1.2).
//!
//! ```text
//!            E: send again      1xx         E: send again at T2
//!             ┌────┐        ┌─────────┐          ┌────┐
//!             │    ▼        │         ▼          │    ▼
//!   send ──▶ Trying ────────┘      Proceeding ───┘
//!             │   │ 200–699          │    │ 200–699
//!           F │   └──────────────────┼────┴──▶ Completed ── K ──▶ Terminated
//!             ▼                    F ▼
//!        Terminated             Terminated
//! ```

use std::time::Instant;

use super::timer::{Retransmission, Timers};
use super::transaction::Action;

/// The state of one non-INVITE client transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NonInviteClient {
    /// The request is under way, or being worked on.
    Trying {
        /// Timer E.
        again: Option<Retransmission>,
        /// Timer F.
        until: Instant,
    },
    /// A final response came; its retransmissions are absorbed.
    Completed {
        /// Timer K.
        until: Instant,
    },
}

impl NonInviteClient {
    /// The request was sent.
    #[must_use]
    pub fn start(timers: &Timers, reliable: bool, now: Instant) -> Self {
        let again = Retransmission::start(timers, reliable, now);
        Self::Trying {
            again,
            until: now + timers.patience(),
        }
    }

    /// A response came.
    pub fn receive(
        &mut self,
        status: u16,
        timers: &Timers,
        reliable: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        match self {
            Self::Trying { again, .. } if status < 200 => {
                *again = again.map(|again| again.slowed(timers.t2));
                actions.push(Action::PassUp);
            }
            Self::Trying { .. } => {
                *self = Self::Completed {
                    until: now + timers.settle(reliable),
                };
                actions.push(Action::PassUp);
            }
            Self::Completed { .. } => {} // A retransmission of what was passed up.
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, timers: &Timers, now: Instant, actions: &mut Vec<Action>) {
        match self {
            Self::Trying { until, .. } if *until <= now => actions.push(Action::TimedOut),
            Self::Trying {
                again: Some(again), ..
            } if again.at <= now => {
                *again = again.next(Some(timers.t2), now);
                actions.push(Action::SendAgain);
            }
            Self::Completed { until } if *until <= now => actions.push(Action::End),
            Self::Trying { .. } | Self::Completed { .. } => {}
        }
    }

    /// When the next thing is due.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        match self {
            Self::Trying { again, until } => {
                Some(again.map_or(*until, |again| again.at.min(*until)))
            }
            Self::Completed { until } => Some(*until),
        }
    }
}
