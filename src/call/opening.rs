//! The first offer of a call: made at once, left to the callee, or made later.
//!
//! Later, and everybody can be called without it:
//!
//! ```text
//!   A                  the middle                  B
//!   │ Invite(Later) ─────▶ │ Invite(Later) ──────▶ │
//!   │                      │ ◀──────────── Ring, Accept   Promised, until somebody accepts
//!   │ ◀──── Ring, Accept   │                       │      Requested { of: A }
//!   │ Offer ─────────────▶ │ Offer ──────────────▶ │      Offered { by: A }
//!   │ ◀─────────── Answer  │ ◀───────────── Answer │      Stable
//! ```
//!
//! Later, and somebody cannot be called without it, or nobody is there yet:
//!
//! ```text
//!   │ Invite(Later) ─────▶ │                       │
//!   │ ◀──────── Offer(no)  │                       │      Requested { of: A }
//!   │ Offer ─────────────▶ │ Invite(Offer) ──────▶ │      Offered { by: A }: as any other call
//! ```
//!
//! Before its first answer a call has nothing that it could return to: where the first offer is not
//! made in time, refused, taken back or not answered, the call ends.

use std::time::Instant;

use super::cause::Cause;
use super::leg::{Leg, Speech};
use super::negotiation::Negotiation;
use super::signal::{By, Ending, Invite, Opening, Refusal, Refused, Signal};
use super::state::State;
use super::timer::Patience;
use super::{Call, Place, Side};
use crate::sdp::SessionDescription;

/// Who owes what when a call begins.
pub(super) fn begin(
    opening: &Opening,
    a: &mut Leg,
    b: &[Leg],
    patience: &Patience,
    now: Instant,
) -> Negotiation {
    match opening {
        Opening::Offer(offer) => Negotiation::Offered {
            by: Side::A,
            before: a.hear(offer.clone()),
            until: None,
        },
        Opening::Yours => Negotiation::Requested {
            of: Side::B,
            until: None,
        },
        Opening::Later if b.is_empty() || b.iter().any(|leg| leg.profile.needs_offer) => {
            Negotiation::Requested {
                of: Side::A,
                until: Some(now + patience.offer_unanswered_after),
            }
        }
        Opening::Later => Negotiation::Promised,
    }
}

impl Call {
    /// Invites all B-legs, or asks the caller for the offer that has to come first.
    pub(super) fn invite(&mut self, invite: Invite, now: Instant) {
        if self.negotiation.owes_offer(Side::A) {
            self.say(self.a.id, Signal::Offer(None));
        }
        let opening = match invite.opening {
            Opening::Yours => Opening::Yours,
            // What the caller has offered by the moment of telling is told.
            Opening::Offer(_) | Opening::Later => Opening::Later,
        };
        let invite = Box::new(Invite { opening, ..invite });
        for b in 0..self.b.len() {
            self.tell_offer(b, Speech::Invite(invite.clone()), now);
        }
    }

    /// Tells a B-leg what goes with the caller's offer: now, or when he makes the one that he was
    /// asked for.
    pub(super) fn tell_offer(&mut self, b: usize, speech: Speech, now: Instant) {
        if !self.negotiation.owes_offer(Side::A) {
            self.tell(Place::B(b), speech, now);
        } else if let Some(leg) = self.b.get_mut(b) {
            leg.await_offer(speech);
        }
    }

    /// The caller makes his offer before anybody has accepted: who waits for it is told.
    pub(super) fn promised_offer(&mut self, offer: SessionDescription, now: Instant) {
        self.negotiation = Negotiation::Offered {
            by: Side::A,
            before: self.a.hear(offer),
            until: None,
        };
        if let State::Inviting { .. } = self.state {
            // Until now nobody was called.
            let until = now + self.patience.no_answer_after;
            self.enter(State::Inviting { until }, "Offer");
        }
        for b in 0..self.b.len() {
            // The call may end while it is told.
            let waits = self.b.get_mut(b).and_then(Leg::drop_waiting);
            if let Some(speech) = waits {
                self.tell(Place::B(b), speech, now);
            }
        }
    }

    /// A B-leg takes the call, whose offer is still to come: the caller is asked for it.
    pub(super) fn accept_and_ask(&mut self, b: usize, now: Instant) {
        self.win(b, now);
        self.negotiation = Negotiation::Requested {
            of: Side::A,
            until: Some(now + self.patience.offer_unanswered_after),
        };
        self.say(self.a.id, Signal::Accept(None));
    }

    /// Whether what is outstanding is the first offer of the call.
    pub(super) fn is_opening(&self) -> bool {
        match &self.negotiation {
            Negotiation::Stable => false,
            Negotiation::Promised => true,
            Negotiation::Offered { before, .. } => before.is_none(),
            Negotiation::Requested { of: Side::A, .. } => self.a.said().is_none(),
            Negotiation::Requested { of: Side::B, .. } => {
                self.b.first().is_none_or(|leg| leg.said().is_none())
            }
        }
    }

    /// The first offer is not made, not taken, or taken back: the call ends.
    pub(super) fn opening_refused(&mut self, side: Side, refused: Refused, now: Instant) {
        let who = name(side);
        let why = if self.negotiation.owes_offer(side) {
            format!("the {who} does not make the first offer")
        } else if self.negotiation.owes_answer(side) {
            format!("the {who} does not take the first offer")
        } else {
            format!("the {who} has taken the first offer back")
        };
        let cause = match refused.why {
            Refusal::Unanswered => Cause::Timeout,
            Refusal::Glare | Refusal::NotAcceptable | Refusal::Withdrawn => Cause::NotAcceptable,
        };
        let ending = Ending {
            cause,
            by: By::Gateway,
            status: refused.status,
            detail: Some(why),
        };
        self.end_both(&ending, Some(side), now);
    }

    /// The first offer was not made, or not answered, in time: the call ends.
    pub(super) fn opening_unanswered(&mut self, now: Instant) {
        let (side, what) = match &self.negotiation {
            Negotiation::Requested { of, .. } => (*of, "made no offer"),
            Negotiation::Offered { by, .. } => (!*by, "did not answer the first offer"),
            Negotiation::Stable | Negotiation::Promised => return, // Neither has a deadline.
        };
        let why = format!("the {} {what} in time", name(side));
        let ending = Ending::by_gateway(Cause::Timeout).because(why);
        self.end_both(&ending, Some(side), now);
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::A => "caller",
        Side::B => "callee",
    }
}
