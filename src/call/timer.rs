//! The timers of a call.

use std::time::Duration;

/// What a call waits for, and what happens when it has waited long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// When to give up on a callee who does not answer. Default 60 s; a proxy's Timer C is at
    /// least three minutes (RFC 3261 §16.6), so this ends first and with a clear cause.
    NoAnswer,
    /// When to give up on a second caller of a rendezvous. Default 10 min; our choice.
    JoinWait,
    /// When to take back an offer inside a call that nobody answers, or the request for one that
    /// nobody makes; a call whose first offer it is ends. Default 15 s, well under the 32 s after
    /// which the far side's transaction would time out (RFC 3261 §17.1.1.2).
    OfferUnanswered,
    /// When to send a description with the candidates that there are (RFC 8838 §16). Default
    /// 500 ms, or 3 s while none could work.
    Gather,
}

impl Timer {
    /// The name for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoAnswer => "no answer",
            Self::JoinWait => "second caller of a join",
            Self::OfferUnanswered => "offer unanswered",
            Self::Gather => "candidates",
        }
    }
}

/// How long a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For [`Timer::NoAnswer`].
    pub no_answer_after: Duration,
    /// For [`Timer::JoinWait`].
    pub join_wait_after: Duration,
    /// For [`Timer::OfferUnanswered`].
    pub offer_unanswered_after: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            no_answer_after: Duration::from_secs(60),
            join_wait_after: Duration::from_secs(600),
            offer_unanswered_after: Duration::from_secs(15),
        }
    }
}
