//! The end of a call: who is told what, and what is kept.

use std::time::Instant;

use super::cause::Cause;
use super::record::CallRecord;
use super::signal::{Ending, Signal};
use super::state::State;
use super::{Call, Effect, Side};

impl Call {
    pub(super) fn a_ended(&mut self, ending: Ending, now: Instant) {
        let cause = match self.state {
            State::Established => ending.cause,
            State::Waiting { .. } | State::Inviting { .. } | State::Ringing { .. } => {
                match ending.cause {
                    // A proxy called others as well, and one of them took the call.
                    Cause::AnsweredElsewhere => ending.cause,
                    _ => Cause::Cancelled, // Whatever the caller's reason is.
                }
            }
            State::Ended => return,
        };
        for leg in std::mem::take(&mut self.b) {
            self.say(
                leg.id,
                Signal::End(Ending {
                    cause,
                    ..ending.clone()
                }),
            );
        }
        self.ended(Ending { cause, ..ending }, Some(Side::A), now);
    }

    pub(super) fn b_ended(&mut self, ending: Ending, now: Instant) {
        self.b.clear();
        self.end_a(ending, Some(Side::B), now);
    }

    /// Tells the caller the end, and on which side it came about.
    pub(super) fn end_a(&mut self, ending: Ending, side: Option<Side>, now: Instant) {
        self.say(self.a.id, Signal::End(ending.clone()));
        self.ended(ending, side, now);
    }

    /// Ends the call on all its legs.
    pub fn end_all(&mut self, ending: &Ending, now: Instant) {
        self.end_both(ending, None, now);
    }

    /// Ends the call on all its legs, since one side cannot go on.
    pub(super) fn end_both(&mut self, ending: &Ending, side: Option<Side>, now: Instant) {
        if self.state == State::Ended {
            return;
        }
        for leg in std::mem::take(&mut self.b) {
            self.say(leg.id, Signal::End(ending.clone()));
        }
        self.end_a(ending.clone(), side, now);
    }

    /// A peer broke the protocol in a way that leaves nothing to go on with.
    pub(super) fn misbehaved(&mut self, b: usize, what: &str, now: Instant) {
        let ending = Ending::by_gateway(Cause::Misbehaved).because(what);
        self.say(self.b[b].id, Signal::End(ending.clone()));
        self.branch_ended(b, ending, now);
    }

    /// The record of a call that a fault of the gateway has taken out.
    pub(super) fn taken_out(&self, ending: Ending, now: Instant) -> CallRecord {
        CallRecord {
            ended_at: now,
            ending,
            side: None,
            ..self.record.clone()
        }
    }

    fn ended(&mut self, ending: Ending, side: Option<Side>, now: Instant) {
        self.enter(State::Ended, ending.cause.name());
        self.negotiation.settle();
        self.record.ended_at = now;
        self.record.ending = ending;
        self.record.side = side;
        self.effects
            .push_back(Effect::Ended(Box::new(self.record.clone())));
    }
}
