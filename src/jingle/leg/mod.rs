//! One leg on Jingle: what its peer says becomes a [`Signal`], what it is told becomes a stanza.
//!
//! `state.rs` has the states and their diagram, `apply.rs` the table of signals, `receive.rs` the
//! table of what a peer sends, `session.rs` what both have described. A leg asks nobody and waits
//! for nothing: how long a caller, an offer or a proposal may wait is the middle's to say.

mod apply;
mod receive;
mod state;

use std::collections::BTreeSet;

use minidom::Element;

use self::state::{Rings, State};
use super::action::{Action, Jingle};
use super::content::Role;
use super::loss::Lost;
use super::propose::{Ended, Word};
use super::reason::{Condition, Phase, Reason};
use super::refusal::Refusal;
use super::sdp::Peer;
use super::session::{Purpose, Request, Session, Taken};
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Signal};
use crate::id::LegId;
use crate::xmpp::stanza;

/// What a leg wants done.
#[derive(Debug, PartialEq)]
pub(super) enum Do {
    /// Send a message of XEP-0353.
    Say(Word),
    /// Send a request of the session.
    Request(Box<Jingle>, Purpose),
    /// Send an answer to a request of the peer.
    Reply(Element),
    /// Tell the middle.
    Signal(Signal),
    /// A reason for the trace.
    Note(String),
    /// The leg has finished.
    Over,
}

/// How a session began, and so whether its end is told to all devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// By a proposal.
    Proposal,
    /// By a session-initiate.
    Directly,
}

/// One leg.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) id: LegId,
    /// Our address in the session: a full one.
    pub(super) ours: String,
    /// The peer's: bare while all of its devices are meant.
    pub(super) peer: String,
    /// The name of the call and of the session.
    pub(super) sid: String,
    pub(super) begun: Begun,
    /// What the peer's ICE is known to take.
    pub(super) takes: Peer,
    pub(super) state: State,
}

impl Leg {
    /// A leg that is to call somebody.
    pub(in crate::jingle) fn outgoing(id: LegId, ours: String, peer: String, sid: String) -> Self {
        let begun = match peer.contains('/') {
            true => Begun::Directly,
            false => Begun::Proposal,
        };
        Self {
            id,
            ours,
            peer,
            sid,
            begun,
            takes: Peer::native(),
            state: State::New,
        }
    }

    /// A leg whose peer proposes a call.
    pub(in crate::jingle) fn proposed(id: LegId, ours: String, peer: String, sid: String) -> Self {
        Self {
            id,
            ours,
            peer,
            sid,
            begun: Begun::Proposal,
            takes: Peer::native(),
            state: State::Proposed(Rings::NotYet),
        }
    }

    /// A leg whose peer has begun a session.
    pub(in crate::jingle) fn offered(
        id: LegId,
        ours: String,
        peer: String,
        sid: String,
        session: Session,
    ) -> Self {
        Self {
            id,
            ours,
            peer,
            sid,
            begun: Begun::Directly,
            takes: Peer::native(),
            state: State::Offered(Box::new(session), Rings::NotYet),
        }
    }

    /// Whether a stanza from this address is the peer's. While no device has taken the call each
    /// of them may speak.
    pub(in crate::jingle) fn is_peer(&self, from: &str) -> bool {
        match self.peer.contains('/') {
            true => stanza::is_same(&self.peer, from),
            false => stanza::is_same(&self.peer, stanza::bare(from)),
        }
    }

    /// Whether it proposes a call that no device has taken.
    pub(in crate::jingle) fn is_proposing(&self) -> bool {
        matches!(self.state, State::Proposing(..))
    }

    /// The username fragments of the peer's description: its generation of ICE.
    pub(in crate::jingle) fn generation(&self) -> BTreeSet<String> {
        let session = match &self.state {
            State::Offered(session, _) | State::Initiated(session, ..) => Some(session),
            State::Active(session) => Some(session),
            State::New
            | State::Proposed(_)
            | State::Awaited
            | State::Proposing(..)
            | State::Owing
            | State::Over => None,
        };
        let remote = session.and_then(|session| session.remote());
        let media = remote.into_iter().flat_map(|remote| remote.media());
        media
            .filter_map(|media| media.ice_ufrag().map(str::to_owned))
            .collect()
    }

    /// How far the call has come, for the tables of reasons.
    pub(in crate::jingle) fn phase(&self) -> Phase {
        match &self.state {
            State::Proposed(_) | State::Awaited | State::Offered(..) => Phase::Caller,
            State::New | State::Proposing(..) | State::Owing | State::Initiated(..) => {
                Phase::Callee
            }
            State::Active(_) | State::Over => Phase::Answered,
        }
    }

    // --- ends ---

    /// The middle ends the leg.
    pub(in crate::jingle) fn end(&mut self, cause: Cause, out: &mut Vec<Do>) {
        let proposal = Reason::to_propose_end(cause);
        let reason = Reason::to_terminate(cause);
        match std::mem::replace(&mut self.state, State::Over) {
            State::Proposed(_) | State::Awaited => {
                out.push(Do::Say(Word::Reject(Ended::because(proposal))));
            }
            State::Proposing(..) | State::Owing => {
                out.push(Do::Say(Word::Retract(Ended::because(proposal))));
            }
            State::Offered(session, _) | State::Initiated(session, ..) => {
                self.terminate(*session, reason, out);
            }
            State::Active(session) => self.terminate(*session, reason, out),
            State::New | State::Over => {}
        }
        out.push(Do::Over);
    }

    /// Ends the session towards the peer.
    fn terminate(&self, mut session: Session, reason: Reason, out: &mut Vec<Do>) {
        unanswered(&mut session, out);
        let jingle = Jingle {
            reason: Some(reason.clone()),
            ..Jingle::new(Action::SessionTerminate, &self.sid)
        };
        out.push(Do::Request(Box::new(jingle), Purpose::Terminate));
        self.finish(reason, out);
    }

    /// Tells a device that was called by a proposal that it is over, so that others do not show it
    /// as going on.
    pub(in crate::jingle) fn finish(&self, reason: Reason, out: &mut Vec<Do>) {
        if self.begun == Begun::Proposal && self.peer.contains('/') {
            out.push(Do::Say(Word::Finish(Ended::because(reason))));
        }
    }

    /// The leg ends for a reason of the gateway's: the peer is told, and so is the middle.
    pub(in crate::jingle) fn fail(&mut self, cause: Cause, why: &str, out: &mut Vec<Do>) {
        out.push(Do::Signal(Signal::End(
            Ending::by_gateway(cause).because(why),
        )));
        self.end(cause, out);
    }

    /// Both have called each other and the peer's proposal is the one that goes: ours is taken back
    /// (XEP-0353, Tie Breaking).
    pub(in crate::jingle) fn yields(&mut self, out: &mut Vec<Do>) {
        let why = "both have called each other";
        let retract = Ended {
            tie_break: true,
            ..Ended::because(Reason::with(Condition::Expired, why))
        };
        out.push(Do::Say(Word::Retract(retract)));
        self.ended_by_peer(Ending::by_peer(Cause::Busy).because(why), out);
    }

    /// The peer has ended it.
    pub(in crate::jingle) fn ended_by_peer(&mut self, ending: Ending, out: &mut Vec<Do>) {
        if let State::Active(mut session) = std::mem::replace(&mut self.state, State::Over) {
            unanswered(&mut session, out);
        }
        out.push(Do::Signal(Signal::End(ending)));
        out.push(Do::Over);
    }

    /// Sends what a session has made, and notes what it has lost.
    pub(in crate::jingle) fn send(taken: Taken, out: &mut Vec<Do>) {
        out.extend(losses(&taken.lost).map(Do::Note));
        let request = |(jingle, purpose): Request| Do::Request(Box::new(jingle), purpose);
        out.extend(taken.requests.into_iter().map(request));
    }
}

/// Answers the requests of the peer that still wait when its session is over (RFC 6120 §8.2.3).
fn unanswered(session: &mut Session, out: &mut Vec<Do>) {
    let waiting = session.unanswered();
    let refusal = |request: &Element| Refusal::UnknownSession.answer(request, None);
    out.extend(waiting.iter().filter_map(refusal).map(Do::Reply));
}

/// A session of ours.
pub(in crate::jingle) fn initiator(takes: Peer) -> Session {
    Session::new(Role::Initiator, takes)
}

/// What has no place on the other side, in one sentence for each kind of loss.
pub(in crate::jingle) fn losses(lost: &[Lost]) -> impl Iterator<Item = String> {
    let mut kinds: Vec<(super::loss::Loss, usize)> = Vec::new();
    for one in lost {
        match kinds.iter_mut().find(|(loss, _)| *loss == one.loss) {
            Some((_, count)) => *count += 1,
            None => kinds.push((one.loss, 1)),
        }
    }
    let told = |(loss, count): (super::loss::Loss, usize)| match count {
        1 => loss.sentence().to_owned(),
        _ => format!("{} ({count} times)", loss.sentence()),
    };
    kinds.into_iter().map(told)
}
