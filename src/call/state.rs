//! What a call is doing.
//!
//! ```text
//!              Invite(A), to a word                    Answer(B) of the second caller
//!   (none) ───────────────────────▶ Waiting ──Join──▶ Inviting ─────────────┐
//!      │                               │                 │ ▲                ▼
//!      │ Invite(A), to somebody        │                 │ └──────────── Established
//!      └───────────────────────────────┼──▶ Inviting ────┤ Ring(B)           │
//!                                      │    ▲ │ │        ▼      Accept(B)    │
//!                                      │    └─┘ │     Ringing ──────────────▶│
//!                                      │        │        │                   │
//!                                      └────────┴────────┴───────────────────┴──▶ Ended
//!          End(A) · End of the last B · JoinWait · NoAnswer · Gather without any candidate ·
//!          first offer refused · OfferUnanswered of the first offer
//!
//!   Inviting ─▶ Inviting: Offer(A) that the B-legs waited for; the callee's time begins
//! ```

use std::time::Instant;

/// What a call is doing, with what belongs to it while it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The first caller of a rendezvous waits for the second.
    Waiting {
        /// When the wait is over.
        until: Instant,
    },
    /// The B-legs are invited, or wait for the offer that the caller has promised and without which
    /// one of them cannot be invited; none has said that it rings.
    Inviting {
        /// When the callee has had his time.
        until: Instant,
    },
    /// At least one B-leg rings.
    Ringing {
        /// When the callee has had his time.
        until: Instant,
    },
    /// A and the B-leg that won are joined.
    Established,
    /// All legs were told.
    Ended,
}

impl State {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// The place in a table of states.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Waiting { .. } => 0,
            Self::Inviting { .. } => 1,
            Self::Ringing { .. } => 2,
            Self::Established => 3,
            Self::Ended => 4,
        }
    }

    /// The names, by [`State::index`].
    pub const NAMES: [&'static str; Self::COUNT] =
        ["Waiting", "Inviting", "Ringing", "Established", "Ended"];

    /// The name for logs and the coverage table.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self.index()]
    }
}
