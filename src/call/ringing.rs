//! Before the answer: many are invited, one wins.

use std::time::Instant;

use super::cause::Cause;
use super::leg::Speech;
use super::negotiation::Negotiation;
use super::signal::{Ending, Signal};
use super::state::State;
use super::{Call, Side};
use crate::id::LegId;
use crate::sdp::{SessionDescription, What};

impl Call {
    /// The first B-leg that takes the call wins, the others are told so.
    pub(super) fn win(&mut self, b: usize, now: Instant) {
        let winner = self.b.swap_remove(b);
        for loser in std::mem::take(&mut self.b) {
            self.say(
                loser.id,
                Signal::End(Ending::by_gateway(Cause::AnsweredElsewhere)),
            );
        }
        self.b = vec![winner];
        self.record.answered_at = Some(now);
        self.enter(State::Established, "Accept");
    }

    /// A B-leg takes the call with a description: the answer, or the offer where it is to make it.
    pub(super) fn accept(&mut self, b: usize, description: SessionDescription, now: Instant) {
        self.win(b, now);
        self.b[0].hear(description);
        let kind = match self.negotiation.owes_offer(Side::B) {
            true => {
                let until = Some(now + self.patience.offer_unanswered_after);
                self.negotiation = Negotiation::Offered {
                    by: Side::B,
                    before: None,
                    until,
                };
                What::Offer
            }
            false => What::Answer,
        };
        self.a.drop_waiting(); // An early answer that still waits is overtaken by this one.
        self.tell_a(0, Speech::Accept(kind), now);
    }

    /// One of the invited gives up. The best reason is kept for the day that all have.
    pub(super) fn branch_ended(&mut self, b: usize, ending: Ending, now: Instant) {
        self.b.remove(b);
        let declined = ending.cause == Cause::Declined;
        if self
            .refused
            .as_ref()
            .is_none_or(|kept| rank(ending.cause) < rank(kept.cause))
        {
            self.refused = Some(ending);
        }
        if declined {
            // RFC 3261 §16.7 step 5: a 6xx speaks for the callee, not for one device.
            for other in std::mem::take(&mut self.b) {
                let ending = Ending::by_gateway(Cause::Cancelled).because("declined elsewhere");
                self.say(other.id, Signal::End(ending));
            }
        }
        if self.b.is_empty() {
            let ending = self.refused.take();
            let ending = ending.unwrap_or(Ending::by_gateway(Cause::Internal));
            self.end_a(ending, Some(Side::B), now);
        }
    }

    /// The name of an early dialog: its number in this call, from 1.
    pub(super) fn fork_name(&mut self, leg: LegId, fork: u16) -> u16 {
        let known = self.forks.iter().position(|known| *known == (leg, fork));
        let place = known.unwrap_or_else(|| {
            self.forks.push((leg, fork));
            self.forks.len() - 1
        });
        u16::try_from(place + 1).unwrap_or(u16::MAX)
    }
}

/// How well a cause speaks for all of a callee's devices; the lowest is told to the caller
/// (RFC 3261 §16.7 step 6: a 6xx first, then what the caller can do something about).
fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::Declined => 0,
        Cause::Busy => 1,
        Cause::NoAnswer | Cause::Unavailable => 2,
        Cause::NoCommonCodec | Cause::NotAcceptable | Cause::Forbidden => 3,
        Cause::Moved | Cause::Overloaded => 4,
        Cause::NotFound => 5,
        Cause::Normal | Cause::Cancelled | Cause::AnsweredElsewhere | Cause::Draining => 6,
        Cause::Unreachable | Cause::Misbehaved | Cause::Timeout | Cause::Internal => 7,
    }
}
