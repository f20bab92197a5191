//! What a leg does with what its peer sends: messages of XEP-0353, requests of the session, and
//! answers to its own.

use minidom::Element;

use super::super::action::{Action, Jingle};
use super::super::content::Role;
use super::super::info::Info;
use super::super::propose::{Ended, Word};
use super::super::reason::{Condition as Why, Reason};
use super::super::refusal::Refusal;
use super::super::session::{Change, Purpose, Session, Wish};
use super::state::{Opening, Reply, Rings, State};
use super::{Do, Leg, losses};
use crate::call::cause::Cause;
use crate::call::signal::{self, Ending, Signal};
use crate::sdp::Limits;
use crate::xmpp::iq::Outcome;
use crate::xmpp::stanza;
use crate::xmpp::stanza_error::Condition;

impl Leg {
    /// A message of XEP-0353 from the peer, or from one of its devices.
    pub(in crate::jingle) fn initiation(&mut self, word: Word, from: &str, out: &mut Vec<Do>) {
        match (&mut self.state, word) {
            (State::Over, _) => {} // It is told once.
            (
                State::Proposed(_) | State::Awaited | State::Offered(..),
                Word::Retract(_) | Word::Finish(_),
            ) => self.ended_by_peer(Ending::by_peer(Cause::Cancelled), out),
            (State::Proposing(_, rings @ Rings::NotYet), Word::Ringing) => {
                *rings = Rings::Said;
                out.push(Do::Signal(Signal::Ring));
            }
            (State::Proposing(..), Word::Proceed) => self.proceed(from, out),
            (
                State::Proposing(..) | State::Owing | State::Initiated(..),
                Word::Reject(ended) | Word::Finish(ended),
            ) => self.ended_by_peer(rejected(&ended), out),
            (State::Active(_), Word::Finish(ended)) => {
                let cause = Reason::terminate_cause(ended.reason.as_ref(), self.phase());
                self.ended_by_peer(Ending::by_peer(cause), out);
            }
            // Another device of the same person is late: the first has the call.
            (_, Word::Proceed) => {
                out.push(Do::Note("another device would take the call, too".into()));
            }
            (_, Word::Ringing) => {} // Another device rings: nothing new.
            (_, Word::Propose { .. }) => {} // The same again.
            (_, Word::Accept) => {}  // What a device tells its own account.
            (_, Word::Reject(_) | Word::Retract(_) | Word::Finish(_)) => {
                let state = self.state.name();
                out.push(Do::Note(format!(
                    "the peer ends what there is not: {state}"
                )));
            }
        }
    }

    /// What another client of our own account has done with a call to it (by a carbon).
    pub(in crate::jingle) fn elsewhere(&mut self, word: &Word, out: &mut Vec<Do>) {
        let cause = match (&self.state, word) {
            (State::Proposed(_), Word::Proceed | Word::Accept) => Cause::AnsweredElsewhere,
            (State::Proposed(_), Word::Reject(_)) => Cause::Cancelled,
            _ => return,
        };
        let ending = Ending::by_peer(cause).because("another client of the account has said so");
        self.ended_by_peer(ending, out);
    }

    /// A device takes the call.
    fn proceed(&mut self, from: &str, out: &mut Vec<Do>) {
        from.clone_into(&mut self.peer);
        match std::mem::replace(&mut self.state, State::Owing) {
            State::Proposing(Opening::Offer(offer), rings) => {
                self.state = State::Proposing(Opening::Later, rings);
                self.initiate(*offer, Reply::Accept, out);
            }
            State::Proposing(Opening::Later, _) => out.push(Do::Signal(Signal::Accept(None))),
            other => self.state = other,
        }
    }

    /// Our proposal came back, or our taking of the peer's.
    pub(in crate::jingle) fn bounced(&mut self, condition: Condition, out: &mut Vec<Do>) {
        match &self.state {
            State::Proposing(..) => self.ended_by_peer(undelivered(condition), out),
            State::Awaited => {
                let why = format!("the caller has no such call any more: {}", condition.name());
                self.ended_by_peer(Ending::by_peer(Cause::Cancelled).because(why), out);
            }
            // Whoever has gone on since has had it.
            State::New
            | State::Proposed(_)
            | State::Offered(..)
            | State::Owing
            | State::Initiated(..)
            | State::Active(_)
            | State::Over => {}
        }
    }

    /// A request of the peer about the session. It is answered here, or when the other side of the
    /// call has spoken.
    pub(in crate::jingle) fn request(
        &mut self,
        mut jingle: Jingle,
        request: &Element,
        limits: &Limits,
        out: &mut Vec<Do>,
    ) {
        let result = || Do::Reply(stanza::result(request));
        match (&mut self.state, &jingle.action) {
            (State::Awaited, Action::SessionInitiate) => {
                out.push(result());
                self.initiated(&jingle, limits, out);
            }
            (State::Initiated(session, reply, _), Action::SessionAccept) => {
                out.push(result());
                let reply = *reply;
                match session.accepted(&mut jingle, limits) {
                    Ok((answer, lost)) => {
                        out.extend(losses(&lost).map(Do::Note));
                        self.accepted();
                        out.push(Do::Signal(match reply {
                            Reply::Accept => Signal::Accept(Some(answer)),
                            Reply::Answer => Signal::Answer(answer),
                        }));
                    }
                    Err(fault) => {
                        let why = format!("the session-accept is no answer: {fault}");
                        self.fail(Cause::Misbehaved, &why, out);
                    }
                }
            }
            (
                State::Awaited
                | State::Owing
                | State::Offered(..)
                | State::Initiated(..)
                | State::Active(_),
                Action::SessionTerminate,
            ) => {
                out.push(result());
                self.terminated(jingle.reason, out);
            }
            (State::Initiated(_, _, rings), Action::SessionInfo) => {
                let is_ringing = jingle.info.contains(&Info::Ringing);
                if is_ringing && *rings == Rings::NotYet {
                    *rings = Rings::Said;
                    out.push(Do::Signal(Signal::Ring));
                }
                out.extend(informed(&jingle, request));
            }
            (State::Initiated(session, ..), Action::TransportInfo) => {
                out.push(result());
                session.keep_early(jingle);
            }
            (State::Offered(session, _), Action::TransportInfo) => {
                out.push(result());
                candidates(session, &jingle, out);
            }
            (State::Offered(..), Action::SessionInfo) => out.extend(informed(&jingle, request)),
            (State::Active(_), _) => self.changed(&jingle, request, limits, out),
            (State::Over, _) => refuse(Refusal::UnknownSession, request, out),
            // XEP-0166 §10: not at this point of the session.
            (
                State::New
                | State::Proposed(_)
                | State::Awaited
                | State::Proposing(..)
                | State::Owing
                | State::Offered(..)
                | State::Initiated(..),
                _,
            ) => refuse(Refusal::OutOfOrder, request, out),
        }
    }

    /// The session that we have asked for.
    fn initiated(&mut self, jingle: &Jingle, limits: &Limits, out: &mut Vec<Do>) {
        let mut session = Session::new(Role::Responder, self.takes);
        match session.initiated(jingle, limits) {
            Ok((offer, lost)) => {
                out.extend(losses(&lost).map(Do::Note));
                self.state = State::Offered(Box::new(session), Rings::NotYet);
                out.push(Do::Signal(Signal::Offer(Some(offer))));
            }
            Err(fault) => {
                self.state = State::Offered(Box::new(session), Rings::NotYet);
                self.fail(Cause::NotAcceptable, &fault.to_string(), out);
            }
        }
    }

    /// From the acceptance on the session is both ends'.
    fn accepted(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Initiated(session, ..) => State::Active(session),
            other => other,
        };
    }

    fn terminated(&mut self, reason: Option<Reason>, out: &mut Vec<Do>) {
        let cause = Reason::terminate_cause(reason.as_ref(), self.phase());
        let told = reason.clone().unwrap_or_else(|| Reason::new(Why::Success));
        self.finish(told, out);
        let mut ending = Ending::by_peer(cause);
        if let Some(reason) = reason {
            let text = reason
                .text
                .map_or_else(String::new, |text| format!(": {text}"));
            ending = ending.because(format!("{}{text}", reason.condition));
        }
        self.ended_by_peer(ending, out);
    }

    /// A request inside an accepted session.
    fn changed(&mut self, jingle: &Jingle, request: &Element, limits: &Limits, out: &mut Vec<Do>) {
        let State::Active(session) = &mut self.state else {
            return;
        };
        if let Some((taken, progress)) = session.offer_heard(jingle, limits) {
            out.push(Do::Reply(stanza::result(request)));
            Self::send(taken, out);
            self.progress(progress, signal::Refusal::NotAcceptable, out);
            return self.go_on(limits, out);
        }
        match &jingle.action {
            Action::TransportInfo if !session.is_change(jingle) => {
                out.push(Do::Reply(stanza::result(request)));
                candidates(session, jingle, out);
            }
            Action::ContentAdd
            | Action::ContentModify
            | Action::ContentRemove
            | Action::DescriptionInfo
            | Action::TransportInfo => self.wished(None, jingle, request, limits, out),
            Action::SessionInfo => match session.held(jingle) {
                modify @ Some(_) => self.wished(modify, jingle, request, limits, out),
                None => out.extend(informed(jingle, request)),
            },
            Action::TransportReplace => {
                // Nothing but ICE over UDP is spoken here.
                out.push(Do::Reply(stanza::result(request)));
                let mut reject = Jingle::new(Action::TransportReject, &self.sid);
                reject.contents.clone_from(&jingle.contents);
                out.push(Do::Request(Box::new(reject), Purpose::Beside));
            }
            Action::SecurityInfo | Action::Other(_) => {
                refuse(Refusal::NotImplemented, request, out);
            }
            Action::ContentAccept
            | Action::ContentReject
            | Action::SessionAccept
            | Action::SessionInitiate
            | Action::SessionTerminate
            | Action::TransportAccept
            | Action::TransportReject => refuse(Refusal::OutOfOrder, request, out),
        }
    }

    /// The peer wants a change: as it says, or as this content-modify that says the same.
    fn wished(
        &mut self,
        modify: Option<Jingle>,
        jingle: &Jingle,
        request: &Element,
        limits: &Limits,
        out: &mut Vec<Do>,
    ) {
        let State::Active(session) = &mut self.state else {
            return;
        };
        match (&session.change, session.role) {
            (Change::Stable, _) => {}
            // One change at a time: the peer's own before is not answered yet.
            (Change::Theirs(_), _) => return refuse(Refusal::OutOfOrder, request, out),
            // XEP-0166 §7.2.16: both at once; the initiator's goes.
            (Change::Ours(_), Role::Initiator) => return refuse(Refusal::TieBreak, request, out),
            (Change::Ours(_), Role::Responder) => {
                match session.put_off(jingle, request) {
                    true => out.push(Do::Note("both ends change the session at once".into())),
                    false => refuse(Refusal::OutOfOrder, request, out),
                }
                return;
            }
        }
        let wish = modify.as_ref().unwrap_or(jingle);
        match session.wish(wish, Some(request), limits) {
            Ok((Wish::Offer(offer), taken)) => {
                Self::send(taken, out);
                out.push(Do::Signal(Signal::Offer(Some(offer))));
            }
            Ok((Wish::Nothing, taken)) => {
                out.push(Do::Reply(stanza::result(request)));
                Self::send(taken, out);
            }
            Ok((Wish::End, _)) => {
                out.push(Do::Reply(stanza::result(request)));
                let ending = Ending::by_peer(Cause::Normal).because("no media is left");
                out.push(Do::Signal(Signal::End(ending)));
                self.end(Cause::Normal, out);
            }
            Err(fault) => {
                out.push(Do::Note(format!("{}: {fault}", jingle.action.as_str())));
                refuse(Refusal::of(&fault), request, out);
            }
        }
    }

    /// Takes the request that has crossed an offer of our side, when that is done with.
    pub(super) fn go_on(&mut self, limits: &Limits, out: &mut Vec<Do>) {
        let State::Active(session) = &mut self.state else {
            return;
        };
        if let Some((jingle, request)) = session.crossed() {
            self.changed(&jingle, &request, limits, out);
        }
    }

    /// What came of a request of ours.
    pub(in crate::jingle) fn answered(
        &mut self,
        purpose: Purpose,
        outcome: &Outcome,
        limits: &Limits,
        out: &mut Vec<Do>,
    ) {
        self.outcome(purpose, outcome, limits, out);
        self.go_on(limits, out);
    }

    fn outcome(&mut self, purpose: Purpose, outcome: &Outcome, limits: &Limits, out: &mut Vec<Do>) {
        if let Outcome::Error(condition, answer) = outcome {
            let what = format!("{} was refused: {}", purpose.words(), condition.name());
            out.push(Do::Note(what));
            // XEP-0166 §10: the peer no longer knows the session.
            let is_gone = Refusal::is_unknown_session(answer);
            if is_gone && matches!(self.state, State::Active(_)) {
                let ending = Ending::by_peer(Cause::Timeout);
                let ending = ending.because("the peer no longer knows the session");
                return self.ended_by_peer(ending, out);
            }
        }
        match (purpose, outcome, &mut self.state) {
            (
                Purpose::Change(number) | Purpose::Add(number),
                Outcome::Result(_),
                State::Active(session),
            ) => {
                let (taken, progress) = session.change_answered(number, true, limits);
                Self::send(taken, out);
                self.progress(progress, signal::Refusal::NotAcceptable, out);
            }
            (Purpose::Add(number), Outcome::Error(_, answer), State::Active(session))
                if !Refusal::is_tie_break(answer) =>
            {
                let progress = session.add_refused(&self.sid, number, limits);
                self.progress(progress, signal::Refusal::NotAcceptable, out);
            }
            (
                Purpose::Change(number) | Purpose::Add(number),
                Outcome::Error(_, answer),
                State::Active(session),
            ) => {
                let why = match Refusal::is_tie_break(answer) {
                    true => signal::Refusal::Glare,
                    false => signal::Refusal::NotAcceptable,
                };
                let (_, progress) = session.change_answered(number, false, limits);
                self.progress(progress, why, out);
            }
            (
                Purpose::Change(number) | Purpose::Add(number),
                Outcome::None,
                State::Active(session),
            ) => {
                let (_, progress) = session.change_answered(number, false, limits);
                self.progress(progress, signal::Refusal::Unanswered, out);
            }
            (Purpose::Initiate, Outcome::Error(condition, _), State::Initiated(..)) => {
                self.ended_by_peer(undelivered(*condition), out);
            }
            (Purpose::Initiate, Outcome::None, State::Initiated(..)) => {
                let why = "the session-initiate was not answered";
                self.fail(Cause::Unreachable, why, out);
            }
            (Purpose::Accept, Outcome::Error(condition, _), State::Active(_)) => {
                let why = format!("the session-accept was refused: {}", condition.name());
                self.fail(Cause::NotAcceptable, &why, out);
            }
            (Purpose::Accept, Outcome::None, State::Active(_)) => {
                self.fail(Cause::Timeout, "the session-accept was not answered", out);
            }
            // It was answered as it should be, or the session has gone on without it.
            (Purpose::Initiate | Purpose::Accept, ..) => {}
            (Purpose::Change(_) | Purpose::Add(_), ..) => {}
            (Purpose::Beside | Purpose::Terminate, ..) => {}
        }
    }
}

/// Candidates of the peer.
fn candidates(session: &Session, jingle: &Jingle, out: &mut Vec<Do>) {
    let mut lost = Vec::new();
    let trickles = session
        .sections
        .hear_candidates(jingle, &session.peer, &mut lost);
    out.extend(losses(&lost).map(Do::Note));
    if !trickles.is_empty() {
        out.push(Do::Signal(Signal::Candidates(trickles)));
    }
}

/// Answers a session-info: what is shown to people is noted, what nobody here knows is refused.
fn informed(jingle: &Jingle, request: &Element) -> Vec<Do> {
    let note = |what: &str| Do::Note(format!("the peer says: {what}"));
    let unknown = jingle
        .info
        .iter()
        .any(|info| matches!(info, Info::Other(..)));
    if unknown {
        let answer = Refusal::UnsupportedInfo.answer(request, None);
        return answer.into_iter().map(Do::Reply).collect();
    }
    let said = jingle.info.iter().filter_map(|info| match info {
        Info::Mute(_) => Some(note("mute")),
        Info::Unmute(_) => Some(note("unmute")),
        Info::Active => Some(note("active")),
        Info::Ringing | Info::Hold | Info::Unhold | Info::Other(..) => None,
    });
    // RFC 6120 §8.2.3; an empty session-info is a ping (XEP-0166 §6.8).
    let result = Do::Reply(stanza::result(request));
    std::iter::once(result).chain(said).collect()
}

fn refuse(refusal: Refusal, request: &Element, out: &mut Vec<Do>) {
    out.extend(refusal.answer(request, None).map(Do::Reply));
}

/// What a rejection of our proposal is to the middle.
fn rejected(ended: &Ended) -> Ending {
    if ended.tie_break {
        return Ending::by_peer(Cause::Busy).because("both have called each other");
    }
    let ending = Ending::by_peer(Reason::reject_cause(ended.reason.as_ref()));
    match &ended.reason {
        Some(Reason {
            text: Some(text), ..
        }) => ending.because(text.clone()),
        Some(_) | None => ending,
    }
}

/// What a stanza error is to a call that has not begun.
fn undelivered(condition: Condition) -> Ending {
    use Condition as C;
    let cause = match condition {
        C::ItemNotFound | C::JidMalformed => Cause::NotFound,
        C::ServiceUnavailable | C::RecipientUnavailable | C::Gone => Cause::Unavailable,
        C::RemoteServerNotFound | C::RemoteServerTimeout => Cause::Unreachable,
        C::Forbidden
        | C::NotAllowed
        | C::NotAuthorized
        | C::RegistrationRequired
        | C::SubscriptionRequired
        | C::PolicyViolation => Cause::Forbidden,
        C::ResourceConstraint => Cause::Overloaded,
        C::Conflict => Cause::Busy,
        C::FeatureNotImplemented | C::NotAcceptable => Cause::NotAcceptable,
        C::Redirect => Cause::Moved,
        C::BadRequest | C::InternalServerError | C::UndefinedCondition | C::UnexpectedRequest => {
            Cause::Misbehaved
        }
    };
    Ending::by_peer(cause).because(condition.name())
}
