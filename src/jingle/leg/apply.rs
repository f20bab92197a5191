//! What a leg does with what the middle tells it: the table of signals.

use super::super::action::{Action, Jingle};
use super::super::info::Info;
use super::super::propose::Word;
use super::super::refusal::Refusal;
use super::super::session::{Progress, Purpose, Wish};
use super::state::{Opening, Reply, Rings, State};
use super::{Begun, Do, Leg, initiator, losses};
use crate::call::cause::Cause;
use crate::call::signal::{self, Ending, Invite, Refused, Signal};
use crate::sdp::{Limits, SessionDescription, Trickle};
use crate::xmpp::stanza;

impl Leg {
    /// Takes what the middle says.
    pub(in crate::jingle) fn apply(&mut self, signal: Signal, limits: &Limits, out: &mut Vec<Do>) {
        use Signal::{
            Accept, Answer, Candidates, Dtmf, End, Invite, Media, Offer, Progress, Refuse, Ring,
        };
        match (&mut self.state, signal) {
            (State::Over, _) => {} // It finishes alone.
            (_, End(ending)) => self.end(ending.cause, out),
            (State::New, Invite(invite)) => self.invite(*invite, out),
            (State::Proposed(rings @ Rings::NotYet), Ring) => {
                *rings = Rings::Said;
                out.push(Do::Say(Word::Ringing));
            }
            (State::Offered(_, rings @ Rings::NotYet), Ring) => {
                *rings = Rings::Said;
                let info = vec![Info::Ringing];
                let jingle = Jingle {
                    info,
                    ..Jingle::new(Action::SessionInfo, &self.sid)
                };
                out.push(Do::Request(Box::new(jingle), Purpose::Beside));
            }
            // XEP-0353: whoever has taken the call is told so by being asked for the session.
            (State::Proposed(_), Offer(None) | Accept(None)) => {
                self.state = State::Awaited;
                out.push(Do::Say(Word::Proceed));
            }
            (State::Offered(..), Accept(Some(answer)) | Answer(answer)) => {
                self.accept(answer, out);
            }
            (State::Owing, Offer(Some(offer))) => self.initiate(offer, Reply::Answer, out),
            (State::Active(session), Offer(Some(offer))) if session.is_stable() => {
                let (taken, progress) = session.offer(&self.sid, offer, limits);
                Self::send(taken, out);
                self.progress(progress, signal::Refusal::NotAcceptable, out);
                self.go_on(limits, out);
            }
            (State::Active(session), Offer(None)) if session.is_stable() => {
                if let Some(offer) = session.wanted() {
                    out.push(Do::Signal(Offer(Some(offer))));
                }
            }
            (State::Active(_), Offer(_)) => {
                let refused = Refused::from(signal::Refusal::Glare);
                out.push(Do::Signal(Refuse(refused)));
            }
            (State::Active(session), Answer(answer)) => {
                if let Some((request, taken)) = session.answer(&self.sid, answer) {
                    let result = request.map(|request| Do::Reply(stanza::result(&request)));
                    out.extend(result);
                    Self::send(taken, out);
                }
            }
            (State::Active(_), Refuse(refused)) => {
                self.refused(&refused, limits, out);
                self.go_on(limits, out);
            }
            (State::Proposing(Opening::Offer(offer), _), Candidates(trickles)) => {
                gather(offer, &trickles);
            }
            (State::Initiated(session, ..) | State::Active(session), Candidates(trickles)) => {
                let taken = session.candidates(&self.sid, &trickles);
                Self::send(taken, out);
            }
            (State::Active(_), Dtmf(_)) => out.push(Do::Note(
                "a digit is lost: this peer takes digits in its media only (RFC 4733)".into(),
            )),
            (State::Proposed(_) | State::Awaited | State::Offered(..), Progress { .. }) => {
                let why = "Jingle has no early media: the answer goes with the acceptance";
                out.push(Do::Note(why.into()));
            }
            // Out of place. Each is named, so that a new signal does not compile without a place.
            (_, Ring) => {}          // Said already, or nobody to say it to.
            (_, Media(_)) => {}      // The senders of the contents say it.
            (_, Candidates(_)) => {} // Of a description that goes with all it has when it goes.
            (_, Progress { .. } | Dtmf(_)) => {}
            (_, Invite(_)) => self.out_of_place("it is invited twice", out),
            (_, Offer(_) | Answer(_) | Accept(_) | Refuse(_)) => {
                self.out_of_place("a description that it cannot have", out);
            }
        }
    }

    /// Asks the peer whether it still knows the session (XEP-0166 §6.8): where it does not, its
    /// answer ends the leg.
    pub(in crate::jingle) fn ping(&self, out: &mut Vec<Do>) {
        if let State::Active(_) = &self.state {
            let ping = Jingle::new(Action::SessionInfo, &self.sid);
            out.push(Do::Request(Box::new(ping), Purpose::Beside));
        }
    }

    /// The call is begun towards the peer.
    fn invite(&mut self, invite: Invite, out: &mut Vec<Do>) {
        let opening = match (invite.opening, self.begun) {
            (signal::Opening::Offer(offer), Begun::Directly) => {
                return self.initiate(offer, Reply::Accept, out);
            }
            (signal::Opening::Offer(offer), Begun::Proposal) => Opening::Offer(Box::new(offer)),
            (signal::Opening::Later, _) => Opening::Later,
            (signal::Opening::Yours, _) => {
                let why = "a chat user cannot be asked to make the offer (XEP-0166)";
                return self.fail(Cause::NotAcceptable, why, out);
            }
        };
        let media = match &opening {
            Opening::Offer(offer) => kinds(offer),
            Opening::Later => vec!["audio".to_owned()],
        };
        self.begun = Begun::Proposal;
        self.state = State::Proposing(opening, Rings::NotYet);
        out.push(Do::Say(Word::Propose {
            media,
            foreign: false,
        }));
    }

    /// Sends our offer to the device that takes the call.
    pub(super) fn initiate(&mut self, offer: SessionDescription, reply: Reply, out: &mut Vec<Do>) {
        let rings = match &self.state {
            State::Proposing(_, rings) => *rings,
            _ => Rings::NotYet,
        };
        let mut session = initiator(self.takes);
        let (jingle, lost) = session.initiate(&self.sid, offer);
        out.extend(losses(&lost).map(Do::Note));
        let Some(mut jingle) = jingle else {
            let why = "nothing that is offered can be a content of Jingle";
            return self.fail(Cause::NotAcceptable, why, out);
        };
        jingle.initiator = Some(self.ours.clone());
        self.state = State::Initiated(Box::new(session), reply, rings);
        out.push(Do::Request(Box::new(jingle), Purpose::Initiate));
    }

    /// Sends our answer.
    fn accept(&mut self, answer: SessionDescription, out: &mut Vec<Do>) {
        let State::Offered(session, rings) = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        let mut session = session;
        let (jingle, lost) = session.accept(&self.sid, answer);
        out.extend(losses(&lost).map(Do::Note));
        let Some(mut jingle) = jingle else {
            self.state = State::Offered(session, rings);
            let why = "nothing of what the chat user offers was taken";
            return self.fail(Cause::NotAcceptable, why, out);
        };
        jingle.responder = Some(self.ours.clone());
        self.state = State::Active(session);
        out.push(Do::Request(Box::new(jingle), Purpose::Accept));
    }

    /// The call's other side does not take the peer's change, or takes its own back.
    fn refused(&mut self, refused: &Refused, limits: &Limits, out: &mut Vec<Do>) {
        let State::Active(session) = &mut self.state else {
            return;
        };
        let Some((request, reject)) = session.refuse(&self.sid) else {
            // Nobody waits for our side's offer any more.
            let (taken, ended) = session.withdraw(&self.sid);
            let wish = ended.and_then(|ended| session.wish(&ended, None, limits).ok());
            Self::send(taken, out);
            if let Some((Wish::Offer(offer), taken)) = wish {
                Self::send(taken, out);
                out.push(Do::Signal(Signal::Offer(Some(offer))));
            }
            return;
        };
        let reply = request.and_then(|request| match (refused.why, &reject) {
            (signal::Refusal::Glare, _) => Refusal::TieBreak.answer(&request, None),
            (_, Some(_)) => Some(stanza::result(&request)),
            (_, None) => Refusal::NotAcceptable.answer(&request, None),
        });
        let is_tie = refused.why == signal::Refusal::Glare;
        out.extend(reply.map(Do::Reply));
        let reject = reject.filter(|_| !is_tie).map(Box::new);
        out.extend(reject.map(|jingle| Do::Request(jingle, Purpose::Beside)));
    }

    /// Goes on with an offer of our side.
    pub(super) fn progress(&mut self, progress: Progress, why: signal::Refusal, out: &mut Vec<Do>) {
        match progress {
            Progress::Waits => {}
            Progress::Answered(answer) => out.push(Do::Signal(Signal::Answer(answer))),
            Progress::Refused => out.push(Do::Signal(Signal::Refuse(why.into()))),
            Progress::Nothing => {
                // XEP-0166 §7.2.5: a session without contents is ended.
                let ending = Ending::by_gateway(Cause::Normal).because("no media is left");
                out.push(Do::Signal(Signal::End(ending)));
                self.end(Cause::Normal, out);
            }
        }
    }

    fn out_of_place(&mut self, what: &str, out: &mut Vec<Do>) {
        let state = self.state.name();
        tracing::debug!(leg = %self.id, state, what, "the middle says what has no place");
        out.push(Do::Note(format!("no place for it in {state}: {what}")));
    }
}

/// The media of a description that Jingle can have, each once.
fn kinds(offer: &SessionDescription) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for media in offer.media().filter(|media| !media.is_rejected()) {
        let kind = media.kind().to_ascii_lowercase();
        if matches!(kind.as_str(), "audio" | "video") && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Adds candidates to an offer that waits.
fn gather(offer: &mut SessionDescription, trickles: &[Trickle]) {
    for trickle in trickles {
        // One that belongs to no section of it is of no use to anybody.
        let _ = offer.trickle(trickle);
    }
}
