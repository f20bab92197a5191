//! Which offer waits for an answer, as the client sees it (RFC 3264 §4).
//!
//! ```text
//!            offer told                      answer, refusal, withdrawal
//!   Stable ─────────────▶ Ours { number } ──────────────────────────────▶ Stable
//!     │ │                    │ offer of the client, before it has seen ours
//!     │ │                    ▼
//!     │ │                 Crossed { ours, theirs } ──glare──▶ Ours
//!     │ │ offer of the client
//!     │ └───────────────▶ Theirs { number } ──answer, refusal, withdrawal──▶ Stable
//!     │ asked for an offer    ▲
//!     └─────────────────▶ Requested ──offer of the client──┘
//! ```
//!
//! Whoever makes an offer numbers it, so that an answer can only meet its own. In the words of
//! perfect negotiation the gateway is the impolite peer: its offer stands, the client rolls back.
//! Who has lost is decided in the middle; until it says so, both offers are open here.

use crate::sdp::SessionDescription;

/// Which offer waits for an answer.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Exchange {
    /// None.
    #[default]
    Stable,
    /// The client was told an offer.
    Ours {
        /// Its number.
        number: u64,
        /// What the client had been told before, to return to.
        before: Option<SessionDescription>,
    },
    /// The client made an offer.
    Theirs {
        /// Its number.
        number: u64,
        /// What the client had said before, to return to.
        before: Option<SessionDescription>,
    },
    /// Both, at the same time.
    Crossed {
        /// The number of the offer that the client was told.
        ours: u64,
        /// What it had been told before.
        told_before: Option<SessionDescription>,
        /// The number of its own.
        theirs: u64,
        /// What it had said before.
        said_before: Option<SessionDescription>,
    },
    /// The client was asked to make one.
    Requested,
}

impl Exchange {
    /// The number of the offer that the client owes an answer to.
    pub(super) fn ours(&self) -> Option<u64> {
        match self {
            Self::Ours { number, .. } | Self::Crossed { ours: number, .. } => Some(*number),
            Self::Stable | Self::Theirs { .. } | Self::Requested => None,
        }
    }

    /// The number of the client's own offer that waits for an answer.
    pub(super) fn theirs(&self) -> Option<u64> {
        match self {
            Self::Theirs { number, .. } | Self::Crossed { theirs: number, .. } => Some(*number),
            Self::Stable | Self::Ours { .. } | Self::Requested => None,
        }
    }

    /// The client was told an offer; `before` is what it had been told until now.
    pub(super) fn offer_told(&mut self, number: u64, before: Option<SessionDescription>) {
        *self = match std::mem::take(self) {
            Self::Theirs {
                number: theirs,
                before: said_before,
            } => Self::Crossed {
                ours: number,
                told_before: before,
                theirs,
                said_before,
            },
            // A newer offer takes the place of the one before.
            Self::Crossed {
                theirs,
                said_before,
                ..
            } => Self::Crossed {
                ours: number,
                told_before: before,
                theirs,
                said_before,
            },
            Self::Stable | Self::Ours { .. } | Self::Requested => Self::Ours { number, before },
        };
    }

    /// The client made an offer; `before` is what it had said until now.
    pub(super) fn offer_made(&mut self, number: u64, before: Option<SessionDescription>) {
        *self = match std::mem::take(self) {
            Self::Ours {
                number: ours,
                before: told_before,
            } => Self::Crossed {
                ours,
                told_before,
                theirs: number,
                said_before: before,
            },
            Self::Crossed {
                ours, told_before, ..
            } => Self::Crossed {
                ours,
                told_before,
                theirs: number,
                said_before: before,
            },
            Self::Stable | Self::Theirs { .. } | Self::Requested => Self::Theirs { number, before },
        };
    }

    /// Our offer is over. Returns what the client had been told before it.
    pub(super) fn settle_ours(&mut self) -> Option<SessionDescription> {
        match std::mem::take(self) {
            Self::Ours { before, .. } => before,
            Self::Crossed {
                told_before,
                theirs,
                said_before,
                ..
            } => {
                *self = Self::Theirs {
                    number: theirs,
                    before: said_before,
                };
                told_before
            }
            other @ (Self::Stable | Self::Theirs { .. } | Self::Requested) => {
                *self = other;
                None
            }
        }
    }

    /// The client's offer is over. Returns what it had said before it.
    pub(super) fn settle_theirs(&mut self) -> Option<SessionDescription> {
        match std::mem::take(self) {
            Self::Theirs { before, .. } => before,
            Self::Crossed {
                ours,
                told_before,
                said_before,
                ..
            } => {
                *self = Self::Ours {
                    number: ours,
                    before: told_before,
                };
                said_before
            }
            other @ (Self::Stable | Self::Ours { .. } | Self::Requested) => {
                *self = other;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossed_offers_are_settled_one_by_one() {
        let mut exchange = Exchange::Stable;
        exchange.offer_told(4, None);
        exchange.offer_made(2, None);
        assert_eq!((exchange.ours(), exchange.theirs()), (Some(4), Some(2)));
        exchange.settle_theirs();
        assert_eq!((exchange.ours(), exchange.theirs()), (Some(4), None));
        exchange.settle_ours();
        assert_eq!(exchange, Exchange::Stable);
    }

    #[test]
    fn an_offer_that_was_asked_for_is_the_clients() {
        let mut exchange = Exchange::Requested;
        exchange.offer_made(7, None);
        assert_eq!(exchange.theirs(), Some(7));
    }
}
