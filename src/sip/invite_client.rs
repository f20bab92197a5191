//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §8.4).
//!
//! ```text
//!            A: send again      1xx                1xx
//!             ┌────┐        ┌─────────┐          ┌────┐
//!             │    ▼        │         ▼          │    ▼
//!   send ──▶ Calling ───────┘      Proceeding ───┘
//!             │  │ │                 │     │
//!        B    │  │ └── 300–699 ──────┼─────┼──▶ Completed ── D ──▶ Terminated
//!   timed out │  │      ACK          │     │      │  ▲ 300–699: ACK again
//!             ▼  └──────── 2xx ──────┴─────┼──┐   └──┘
//!        Terminated                        │  └──▶ Accepted ── M ──▶ Terminated
//!                                          │         │  ▲ 2xx: passed up again
//!                                          ▼         └──┘
//! ```

use std::time::Instant;

use super::timer::{Retransmission, Timers};
use super::transaction::Action;

/// The state of one INVITE client transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteClient {
    /// The INVITE is under way; nothing has come back.
    Calling {
        /// Timer A.
        again: Option<Retransmission>,
        /// Timer B.
        until: Instant,
    },
    /// A provisional response came. How long that may last is for the call to say: until then,
    /// once the call is over.
    Proceeding {
        /// When it is given up.
        until: Option<Instant>,
    },
    /// A final response other than 2xx came, and was acknowledged.
    Completed {
        /// Timer D.
        until: Instant,
    },
    /// A 2xx came; more may, from other branches (RFC 6026 §7.2).
    Accepted {
        /// Timer M.
        until: Instant,
    },
}

impl InviteClient {
    /// The INVITE was sent.
    #[must_use]
    pub fn start(timers: &Timers, reliable: bool, now: Instant) -> Self {
        let again = Retransmission::start(timers, reliable, now);
        Self::Calling {
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
        match (&self, status) {
            (Self::Calling { .. }, 100..200) => {
                *self = Self::Proceeding { until: None };
                actions.push(Action::PassUp);
            }
            (Self::Proceeding { .. }, 100..200) => actions.push(Action::PassUp),
            (Self::Calling { .. } | Self::Proceeding { .. }, 200..300) => {
                *self = Self::Accepted {
                    until: now + timers.patience(),
                };
                actions.push(Action::PassUp);
            }
            (Self::Accepted { .. }, 200..300) => actions.push(Action::PassUp),
            (Self::Calling { .. } | Self::Proceeding { .. }, _) => {
                *self = Self::Completed {
                    until: now + timers.d(reliable),
                };
                actions.extend([Action::Acknowledge, Action::PassUp]);
            }
            (Self::Completed { .. }, 300..) => actions.push(Action::Acknowledge),
            (Self::Completed { .. }, _) => {} // RFC 3261 §17.1.1.2: late ones change nothing.
            (Self::Accepted { .. }, _) => {}  // RFC 6026 §7.2: only 2xx are passed up.
        }
    }

    /// Nobody waits for its final response any more: after 64·T1 it is given up, as after a CANCEL
    /// (RFC 3261 §9.1).
    pub fn abandon(&mut self, timers: &Timers, now: Instant) {
        if let Self::Proceeding { until } = self {
            *until = Some(now + timers.patience());
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self {
            Self::Calling { until, .. } | Self::Proceeding { until: Some(until) }
                if *until <= now =>
            {
                actions.push(Action::TimedOut);
            }
            Self::Calling {
                again: Some(again), ..
            } if again.at <= now => {
                *again = again.next(None, now);
                actions.push(Action::SendAgain);
            }
            Self::Completed { until } | Self::Accepted { until } if *until <= now => {
                actions.push(Action::End);
            }
            Self::Calling { .. }
            | Self::Proceeding { .. }
            | Self::Completed { .. }
            | Self::Accepted { .. } => {}
        }
    }

    /// When the next thing is due.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        match self {
            Self::Calling { again, until } => {
                Some(again.map_or(*until, |again| again.at.min(*until)))
            }
            Self::Proceeding { until } => *until,
            Self::Completed { until } | Self::Accepted { until } => Some(*until),
        }
    }
}
