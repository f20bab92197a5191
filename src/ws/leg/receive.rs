//! What a client says about a call, and what the middle hears of it.

use std::time::Duration;

use super::check::{read_digits, read_offer, wrong_type};
use super::exchange::Exchange;
use super::{FIRST, Fault, Leg, Rules, Said, State};
use crate::call::cause::Cause;
use crate::call::signal::{Dtmf, Ending, Refusal, Signal};
use crate::sdp::SessionDescription;
use crate::ws::code::{Code, EndCause, heard};
use crate::ws::frame::{
    CallAccept, CallCandidate, CallDescription, CallDtmf, CallEnd, CallProgress, CallReject,
    ClientFrame, Description, DescriptionType, EndedBy, Event, Need, RejectCause,
};

/// How long a digit is pressed where the client does not say.
const DIGIT_MS: u64 = 160;

impl Leg {
    /// Takes a frame of the client.
    pub(in crate::ws) fn receive(
        &mut self,
        frame: ClientFrame,
        rules: Rules<'_>,
    ) -> Result<Said, Fault> {
        use ClientFrame as F;
        use State::{Accepting, Calling, Early, Established, Invited, Over, Promised, Ringing};
        match (&self.state, frame) {
            (Over, _) => Err(Fault::new(Code::UnknownCall, "the call is over")),
            (Invited(_), F::CallRing(_)) => Ok(Said::signal(Signal::Ring)),
            (Invited(_), F::CallProgress(progress)) => self.progress(&progress, rules),
            (Invited(invitation), F::CallAccept(accept)) => match invitation.need {
                Need::Answer => self.accept_by_answer(&accept, rules),
                Need::Offer => self.accept_by_offer(&accept, rules),
                Need::Nothing => self.accept_a_promise(&accept),
            },
            (Invited(_), F::CallReject(CallReject { cause, .. })) => Ok(self.end(match cause {
                RejectCause::Busy => Cause::Busy,
                RejectCause::Declined => Cause::Declined,
                RejectCause::Unavailable => Cause::Unavailable,
            })),
            (Invited(_), F::CallEnd(_)) => Ok(self.end(Cause::Declined)),
            (Calling | Ringing | Early, F::CallEnd(_)) => Ok(self.end(Cause::Cancelled)),
            (Accepting | Promised | Established, F::CallEnd(CallEnd { cause, .. })) => {
                Ok(self.end(end_cause(cause)))
            }
            (Calling | Ringing | Early | Established, F::CallDescription(described)) => {
                self.describe(&described, rules)
            }
            (Promised, F::CallDescription(described)) => self.answer_promised(&described, rules),
            (Established, F::CallHold(offered) | F::CallResume(offered)) => {
                match offered.description.kind {
                    DescriptionType::Offer => self.describe(&offered, rules),
                    DescriptionType::Answer
                    | DescriptionType::Pranswer
                    | DescriptionType::Rollback => Err(wrong_type("an offer is needed here")),
                }
            }
            (_, F::CallCandidate(CallCandidate { candidate, .. })) => {
                let trickle = self.read_candidate(&candidate.unwrap_or_default(), rules)?;
                self.candidates += 1;
                Ok(Said::signal(Signal::Candidates(vec![trickle])))
            }
            (Established, F::CallDtmf(dtmf)) => press(&dtmf),
            (Calling | Ringing | Early, F::CallRing(_) | F::CallProgress(_) | F::CallAccept(_))
            | (Calling | Ringing | Early, F::CallReject(_)) => Err(Fault::new(
                Code::BadState,
                "this is the caller, who waits for an answer",
            )),
            (
                Calling | Ringing | Early | Invited(_) | Accepting | Promised,
                F::CallHold(_) | F::CallResume(_) | F::CallDtmf(_),
            ) => Err(Fault::new(Code::BadState, "the call is not answered yet")),
            (Invited(_), F::CallDescription(_)) => Err(Fault::new(
                Code::BadState,
                "a call is answered by call.accept",
            )),
            (Accepting, F::CallDescription(_)) => Err(Fault::new(
                Code::BadState,
                "the first offer waits for its answer",
            )),
            (
                Accepting | Promised | Established,
                F::CallRing(_) | F::CallProgress(_) | F::CallAccept(_) | F::CallReject(_),
            ) => Err(Fault::new(Code::BadState, "the call is answered already")),
            // The agent brings only frames about a call that exists.
            (
                _,
                F::Hello(_)
                | F::TokenRefresh(_)
                | F::Ack(_)
                | F::Ping(_)
                | F::AccountAdd(_)
                | F::AccountRemove(_)
                | F::CallCreate(_)
                | F::MessageSend(_),
            ) => Err(Fault::new(Code::BadState, "this is not about a call")),
        }
    }

    fn progress(&mut self, progress: &CallProgress, rules: Rules<'_>) -> Result<Said, Fault> {
        let CallProgress {
            description,
            negotiation,
            ..
        } = progress;
        let description = self.read_answer(description, *negotiation, true, rules)?;
        self.say(&description);
        Ok(Said::signal(Signal::Progress {
            description,
            fork: 1,
        }))
    }

    fn accept_by_answer(&mut self, accept: &CallAccept, rules: Rules<'_>) -> Result<Said, Fault> {
        let CallAccept {
            description,
            negotiation,
            ..
        } = accept;
        let description = needed(description.as_ref(), "an answer")?;
        let answer = self.read_answer(description, *negotiation, false, rules)?;
        let event = self.first_answer(&answer);
        Ok(Said {
            events: vec![event],
            signals: vec![Signal::Accept(Some(answer))],
        })
    }

    fn accept_by_offer(&mut self, accept: &CallAccept, rules: Rules<'_>) -> Result<Said, Fault> {
        let CallAccept {
            description,
            negotiation,
            ..
        } = accept;
        let offer = read_offer(needed(description.as_ref(), "an offer")?, rules)?;
        self.offer_made(negotiation.unwrap_or(FIRST), &offer);
        self.state = State::Accepting;
        Ok(Said::signal(Signal::Accept(Some(offer))))
    }

    /// The caller makes his offer when the call is accepted: there is nothing to be described yet.
    fn accept_a_promise(&mut self, accept: &CallAccept) -> Result<Said, Fault> {
        if accept.description.is_some() {
            return Err(wrong_type(
                "no description is needed here: the caller's offer comes when the call is accepted",
            ));
        }
        self.state = State::Promised;
        Ok(Said::signal(Signal::Accept(None)))
    }

    /// The answer to the offer that came after the call was accepted.
    fn answer_promised(
        &mut self,
        described: &CallDescription,
        rules: Rules<'_>,
    ) -> Result<Said, Fault> {
        let CallDescription {
            description,
            negotiation,
            ..
        } = described;
        match description.kind {
            DescriptionType::Answer | DescriptionType::Pranswer => {}
            DescriptionType::Offer | DescriptionType::Rollback => {
                let message = "the first offer is the caller's: answer it, or end the call";
                return Err(Fault::new(Code::BadState, message));
            }
        }
        let answer = self.read_answer(description, *negotiation, false, rules)?;
        let event = self.first_answer(&answer);
        Ok(Said {
            events: vec![event],
            signals: vec![Signal::Answer(answer)],
        })
    }

    /// The call is answered: both sides have described themselves.
    fn first_answer(&mut self, answer: &SessionDescription) -> Event {
        self.say(answer);
        self.exchange.settle_ours();
        self.state = State::Established;
        Event::CallAccepted {
            call: self.call.clone(),
            description: None,
            negotiation: None,
        }
    }

    /// An offer, an answer or a rollback, outside of `call.create` and `call.accept`.
    fn describe(&mut self, described: &CallDescription, rules: Rules<'_>) -> Result<Said, Fault> {
        let CallDescription {
            description,
            negotiation,
            ..
        } = described;
        match description.kind {
            DescriptionType::Offer => self.reoffer(description, *negotiation, rules),
            DescriptionType::Answer => {
                let answer = self.read_answer(description, *negotiation, false, rules)?;
                self.say(&answer);
                self.exchange.settle_ours();
                Ok(Said::signal(Signal::Answer(answer)))
            }
            DescriptionType::Pranswer => Err(wrong_type("an early answer is a call.progress")),
            DescriptionType::Rollback => self.roll_back(*negotiation),
        }
    }

    fn reoffer(
        &mut self,
        description: &Description,
        negotiation: Option<u64>,
        rules: Rules<'_>,
    ) -> Result<Said, Fault> {
        if let Some(open) = self.exchange.theirs() {
            let message = format!("offer {open} of this client still waits for its answer");
            return Err(Fault::new(Code::BadState, message));
        }
        if self.state != State::Established {
            return Err(Fault::new(Code::BadState, "the call is not answered yet"));
        }
        let offer = read_offer(description, rules)?;
        self.offer_made(negotiation.unwrap_or(FIRST), &offer);
        Ok(Said::signal(Signal::Offer(Some(offer))))
    }

    /// The client takes its own offer back, or refuses the one it was told. Where it names an
    /// offer, only that one: its answer, or the other side's offer, may have crossed the rollback.
    fn roll_back(&mut self, negotiation: Option<u64>) -> Result<Said, Fault> {
        if self.state != State::Established {
            let message = "a call that is not answered is ended, not rolled back";
            return Err(Fault::new(Code::BadState, message));
        }
        let is_meant = |number| negotiation.is_none_or(|named| named == number);
        if self.exchange.theirs().is_some_and(is_meant) {
            self.said = self.exchange.settle_theirs();
            return Ok(Said::signal(Signal::Refuse(Refusal::Withdrawn.into())));
        }
        if self.exchange.ours().is_some_and(is_meant) {
            self.told = self.exchange.settle_ours();
            return Ok(Said::signal(Signal::Refuse(Refusal::NotAcceptable.into())));
        }
        if self.exchange == Exchange::Requested && negotiation.is_none() {
            self.exchange = Exchange::Stable;
            return Ok(Said::signal(Signal::Refuse(Refusal::NotAcceptable.into())));
        }
        Err(Fault::new(
            Code::BadState,
            "there is no such offer to roll back",
        ))
    }

    /// The client ends the call.
    fn end(&mut self, cause: Cause) -> Said {
        let ending = Ending::by_peer(cause);
        let event = self.ended(&ending, EndedBy::Local);
        Said {
            events: vec![event],
            signals: vec![Signal::End(ending)],
        }
    }
}

/// The description of an acceptance that cannot do without.
fn needed<'a>(description: Option<&'a Description>, what: &str) -> Result<&'a Description, Fault> {
    let missing = || format!("call.accept: description: {what} is needed here");
    description.ok_or_else(|| Fault::new(Code::BadFrame, missing()))
}

/// What an answered call may end with: what says something about this end of it. Everything else
/// is about how a call is not answered.
fn end_cause(cause: EndCause) -> Cause {
    match cause {
        EndCause::NotAcceptable
        | EndCause::NoCommonCodec
        | EndCause::Misbehaved
        | EndCause::Timeout
        | EndCause::Unreachable
        | EndCause::Internal => heard(cause),
        EndCause::Normal
        | EndCause::Cancelled
        | EndCause::AnsweredElsewhere
        | EndCause::Busy
        | EndCause::Declined
        | EndCause::NoAnswer
        | EndCause::NotFound
        | EndCause::Unavailable
        | EndCause::Forbidden
        | EndCause::Overloaded
        | EndCause::Draining
        | EndCause::Moved => Cause::Normal,
    }
}

fn press(dtmf: &CallDtmf) -> Result<Said, Fault> {
    let duration_ms = dtmf.duration_ms.unwrap_or(DIGIT_MS);
    if !(40..=6000).contains(&duration_ms) {
        return Err(Fault::new(
            Code::BadFrame,
            "duration_ms: expected 40 to 6000",
        ));
    }
    let duration = Duration::from_millis(duration_ms);
    let digits = read_digits(&dtmf.digits)?.into_iter();
    let signals = digits
        .map(|digit| Signal::Dtmf(Dtmf { digit, duration }))
        .collect();
    Ok(Said {
        events: Vec::new(),
        signals,
    })
}

impl Said {
    fn signal(signal: Signal) -> Self {
        Self {
            events: Vec::new(),
            signals: vec![signal],
        }
    }
}
