//! Who owes whom an answer (RFC 3264 §4, RFC 6337 §2): at most one offer is outstanding in a call.
//!
//! ```text
//!              offer(by)                       answer, refusal, unanswered
//!   Stable ───────────────▶ Offered { by } ────────────────────────────────▶ Stable
//!      │                        ▲
//!      │ request(of)            │ offer(of)
//!      └──────────▶ Requested { of } ──refusal, unanswered──▶ Stable
//!                               ▲
//!   Promised ───request(A)──────┘
//! ```
//!
//! A call begins in `Offered` by its caller, in `Requested` of its callee, or in `Promised`; which
//! one the caller says (`Opening`). What comes to nothing while it is the first of its call does
//! not lead to `Stable`: the call ends (`opening.rs`).
//!
//! Glare is decided here and nowhere else: whoever offers while another offer is outstanding is
//! refused. Each wire spells the refusal in its own way (491, rollback).

use std::time::Instant;

use super::Side;
use crate::sdp::SessionDescription;

/// Who owes an answer, or an offer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Negotiation {
    /// Nobody owes anything.
    #[default]
    Stable,
    /// The caller makes the first offer once he is asked for it, and nobody has asked: nobody may
    /// offer.
    Promised,
    /// This side made an offer; the other owes the answer.
    Offered {
        /// Who offered.
        by: Side,
        /// What `by` had described before, to return to when the offer is refused.
        before: Option<SessionDescription>,
        /// When an unanswered offer is taken back; `None` while the call is not answered, where
        /// the callee's own time counts.
        until: Option<Instant>,
    },
    /// This side was asked to make an offer.
    Requested {
        /// Who owes the offer.
        of: Side,
        /// When the request is taken back; `None` while the call is not answered.
        until: Option<Instant>,
    },
}

impl Negotiation {
    /// Whether `side` owes the answer to an outstanding offer.
    #[must_use]
    pub fn owes_answer(&self, side: Side) -> bool {
        matches!(self, Self::Offered { by, .. } if *by == !side)
    }

    /// Whether `side` was asked for an offer.
    #[must_use]
    pub fn owes_offer(&self, side: Side) -> bool {
        matches!(self, Self::Requested { of, .. } if *of == side)
    }

    /// Whether the outstanding offer is `side`'s own.
    #[must_use]
    pub fn is_offer_of(&self, side: Side) -> bool {
        matches!(self, Self::Offered { by, .. } if *by == side)
    }

    /// Whether `side` may offer now.
    #[must_use]
    pub fn lets_offer(&self, side: Side) -> bool {
        *self == Self::Stable || self.owes_offer(side)
    }

    /// Whether a refusal by `side` settles what is outstanding: what it owes, or its own offer.
    #[must_use]
    pub fn lets_refuse(&self, side: Side) -> bool {
        self.owes_answer(side) || self.owes_offer(side) || self.is_offer_of(side)
    }

    /// When what is outstanding is taken back.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        match self {
            Self::Stable | Self::Promised => None,
            Self::Offered { until, .. } | Self::Requested { until, .. } => *until,
        }
    }

    /// The outstanding offer was answered or given up. Returns what the offerer had described
    /// before, with the offerer.
    pub fn settle(&mut self) -> Option<(Side, Option<SessionDescription>)> {
        match std::mem::take(self) {
            Self::Offered { by, before, .. } => Some((by, before)),
            Self::Stable | Self::Promised | Self::Requested { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_offer_is_glare_until_the_first_is_settled() {
        let mut negotiation = Negotiation::Offered {
            by: Side::A,
            before: None,
            until: None,
        };
        assert!(!negotiation.lets_offer(Side::B) && !negotiation.lets_offer(Side::A));
        assert!(negotiation.owes_answer(Side::B) && !negotiation.owes_answer(Side::A));
        assert_eq!(negotiation.settle(), Some((Side::A, None)));
        assert!(negotiation.lets_offer(Side::B));
    }

    #[test]
    fn nobody_may_offer_before_the_caller_is_asked_for_what_he_promised() {
        let negotiation = Negotiation::Promised;
        assert!(!negotiation.lets_offer(Side::A) && !negotiation.lets_offer(Side::B));
        assert!(!negotiation.owes_offer(Side::A) && !negotiation.owes_answer(Side::B));
    }

    #[test]
    fn only_the_side_that_was_asked_may_offer() {
        let negotiation = Negotiation::Requested {
            of: Side::B,
            until: None,
        };
        assert!(negotiation.lets_offer(Side::B) && !negotiation.lets_offer(Side::A));
    }
}
