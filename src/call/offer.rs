//! Offers inside a call: taken, refused, answered, given up (RFC 3264 §8, RFC 6337 §2). What is
//! else with the first one is in `opening.rs`.

use std::time::Instant;

use super::leg::{Leg, Speech};
use super::negotiation::Negotiation;
use super::signal::{Refusal, Signal};
use super::{Call, Effect, Place, Side, hold};
use crate::sdp::{Change, SessionDescription};

impl Call {
    /// Takes an offer, or a request for one, when it is this side's turn.
    pub(super) fn offer(&mut self, place: Place, offer: Option<SessionDescription>, now: Instant) {
        let side = place.side();
        let until = Some(now + self.patience.offer_unanswered_after);
        let Some(offer) = offer else {
            if self.negotiation == Negotiation::Stable {
                self.negotiation = Negotiation::Requested { of: !side, until };
                self.say_other(place, Signal::Offer(None));
            } else {
                self.say(self.leg(place).id, Signal::Refuse(Refusal::Glare.into()));
            }
            return;
        };
        let is_owed = self.negotiation.owes_offer(side);
        let leg = self.leg_mut(place);
        match leg.change(&offer) {
            Some(Change::Illegal(why)) => {
                self.note(place, &format!("the offer breaks the session: {why}"));
                if is_owed {
                    self.settle_refused();
                    self.say_other(place, Signal::Refuse(Refusal::NotAcceptable.into()));
                }
                self.say(
                    self.leg(place).id,
                    Signal::Refuse(Refusal::NotAcceptable.into()),
                );
            }
            // RFC 3264 §8: nothing has changed; what was answered then is the answer now. The other
            // side waits for the offer that it has asked for.
            Some(Change::Refresh) if !is_owed && leg.told_answer().is_some() => {
                let leg = self.leg(place);
                if let Some(answer) = leg.told_answer().cloned() {
                    self.note(
                        place,
                        "the offer changes nothing: answered with the last answer",
                    );
                    self.say(self.leg(place).id, Signal::Answer(answer));
                }
            }
            _ => {
                let before = leg.hear(offer);
                self.negotiation = Negotiation::Offered {
                    by: side,
                    before,
                    until,
                };
                self.tell_other(place, Speech::Offer, now);
            }
        }
    }

    /// Nobody answered an offer inside the call in time: both sides return to what was.
    pub(super) fn negotiation_unanswered(&mut self, now: Instant) {
        if self.is_opening() {
            return self.opening_unanswered(now);
        }
        let refuse = Signal::Refuse(Refusal::Unanswered.into());
        self.a.drop_waiting();
        if let Some(leg) = self.b.first_mut() {
            leg.drop_waiting();
        }
        self.settle_refused();
        self.say(self.a.id, refuse.clone());
        if let Some(leg) = self.b.first() {
            self.say(leg.id, refuse);
        }
    }

    /// The outstanding offer came to nothing.
    pub(super) fn settle_refused(&mut self) {
        match self.negotiation.settle() {
            Some((Side::A, before)) => self.a.unsay(before),
            Some((Side::B, before)) => {
                if let Some(leg) = self.b.first_mut() {
                    leg.unsay(before);
                }
            }
            None => {}
        }
    }

    /// An offer that was taken back before it was told.
    pub(super) fn drop_waiting_offer(&mut self, place: Place) {
        match place {
            Place::A => {
                if let Some(leg) = self.b.first_mut() {
                    leg.drop_waiting();
                }
            }
            Place::B(_) => {
                self.a.drop_waiting();
            }
        }
    }

    /// Answers have crossed: both sides learn what flows.
    pub(super) fn negotiated(&mut self) {
        self.negotiation.settle();
        let Some(b) = self.b.first() else { return };
        for leg in [&self.a, b] {
            if let Some(media) = hold::media_of(leg) {
                self.effects
                    .push_back(Effect::Tell(leg.id, Signal::Media(media)));
            }
        }
    }

    /// While an answer waits for its own candidates its time does not run.
    pub(super) fn finish_negotiation_timer(&mut self, now: Instant) {
        if let Negotiation::Offered {
            by,
            until: Some(until),
            ..
        } = &mut self.negotiation
        {
            let waits = match by {
                Side::A => self.a.is_gathering(),
                Side::B => self.b.first().is_some_and(Leg::is_gathering),
            };
            if waits && *until <= now {
                *until = now + self.patience.offer_unanswered_after;
            }
        }
    }
}
