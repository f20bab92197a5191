//! One leg on SIP: what its peer sends becomes a [`Signal`], what it is told becomes a request or a
//! response.
//!
//! `state.rs` has the states and their diagram, `uac.rs` the outgoing half of the table, `uas.rs`
//! the incoming half, `session.rs` what happens once the call is confirmed, `reoffer.rs` INVITEs of
//! ours inside it. A leg that was told `End` finishes alone: the middle has forgotten it.

use std::time::{Duration, Instant};

use super::auth::{Authorizer, Credentials, Subject};
use super::dialog::Dialog;
use super::header::CSeq;
use super::message::{HeaderText, Request, Response};
use super::name::{Method, Name};
use super::state::{Cancel, Confirmed, Ours, State, Theirs};
use super::timer::{LegTimer, Timers};
use super::transaction::TransactionId;
use super::uri::Uri;
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Signal};
use crate::id::{LegId, Source};
use crate::sdp::{Limits, SessionDescription};

/// What a leg's own requests are for; responses come back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The INVITE that begins the call.
    Invite,
    /// An INVITE inside the call.
    Reinvite,
    /// The end of the call.
    Bye,
    /// The end of a fork that lost.
    ForkBye,
    /// A digit.
    Info,
    /// The end of an INVITE that is under way.
    Cancel,
}

impl Purpose {
    /// The request, as a trace calls it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Invite => "the INVITE",
            Self::Reinvite => "the INVITE inside the call",
            Self::Bye => "the BYE",
            Self::ForkBye => "the BYE to another fork",
            Self::Info => "the INFO with the digit",
            Self::Cancel => "the CANCEL",
        }
    }
}

/// What a leg wants done.
#[derive(Debug, PartialEq)]
pub enum Do {
    /// Send a request as a transaction. Via, Contact and the like are the agent's to add.
    Send(Purpose, Box<Request>),
    /// Send an ACK of a 2xx.
    Ack(Box<Request>),
    /// Cancel the INVITE under way, with this Reason: one that has not left is taken back, one that
    /// nothing has come back of waits.
    Cancel(Purpose, Option<String>),
    /// Answer a request.
    Respond(TransactionId, Box<Response>),
    /// Send a 2xx to an INVITE again (RFC 3261 §13.3.1.4).
    RespondAgain(TransactionId, Box<Response>),
    /// Tell the middle.
    Signal(Signal),
    /// A reason for the trace.
    Note(String),
    /// A fault of the network that the operator has to know of.
    Alarm(String),
    /// The leg has finished.
    Over,
}

/// What a leg needs to know of the world at this moment.
#[derive(Debug)]
pub struct World<'a> {
    /// The time.
    pub now: Instant,
    /// The source of tags and jitter.
    pub ids: &'a mut Source,
    /// The timers of transactions.
    pub timers: Timers,
    /// What a description may measure.
    pub limits: &'a Limits,
    /// What is to be done.
    pub out: &'a mut Vec<Do>,
}

/// Who the leg is towards its peer, and how it proves it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The From of requests, without a tag: a name-addr.
    pub from: String,
    /// The user part of our Contact.
    pub contact_user: String,
    /// Our Contact as the peer was last told it.
    pub contact: Option<String>,
    /// For challenges.
    pub credentials: Option<Credentials>,
    /// Hosts to which a redirect is followed.
    pub redirects_to: Vec<String>,
    /// Extra header fields of the INVITE, checked already.
    pub headers: Vec<(Name, HeaderText)>,
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    /// Its number.
    pub id: LegId,
    /// Who it is towards its peer.
    pub identity: Identity,
    /// Where the call goes.
    pub uri: Uri,
    pub(super) state: State,
    pub(super) authorizer: Authorizer,
    /// The last offer that the peer has to answer, to check his answer against.
    pub(super) offered: Option<SessionDescription>,
}

impl Leg {
    /// A leg that is to call `uri`.
    #[must_use]
    pub fn outgoing(id: LegId, uri: Uri, identity: Identity) -> Self {
        let (state, authorizer) = (State::New, Authorizer::default());
        Self {
            id,
            identity,
            uri,
            state,
            authorizer,
            offered: None,
        }
    }

    /// A leg whose peer has sent an INVITE.
    #[must_use]
    pub fn incoming(
        id: LegId,
        identity: Identity,
        transaction: TransactionId,
        invite: Box<Request>,
        tag: String,
        now: Instant,
    ) -> Self {
        let uri = invite.uri.clone();
        // RFC 3261 §20.19: counted from its arrival.
        let expires = invite.headers.number(&Name::Expires);
        let expires_at = expires.map(|seconds| now + Duration::from_secs(u64::from(seconds)));
        let state = State::Invited {
            transaction,
            invite,
            tag,
            early: None,
            expires_at,
        };
        Self {
            id,
            identity,
            uri,
            state,
            authorizer: Authorizer::default(),
            offered: None,
        }
    }

    /// Takes what the middle says.
    pub fn apply(&mut self, signal: Signal, world: &mut World<'_>) {
        match &self.state {
            State::New | State::Calling { .. } | State::Cancelling { .. } => {
                self.apply_calling(signal, world);
            }
            State::Invited { .. } => self.apply_invited(signal, world),
            State::Confirmed(_) => self.apply_confirmed(signal, world),
            State::Leaving { .. } | State::Over => {} // It finishes alone.
        }
    }

    /// A response to a request of ours.
    pub fn response(
        &mut self,
        purpose: Purpose,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        if response.status > 100 && !matches!(response.status, 401 | 407) {
            self.authorizer.accepted();
        }
        match (purpose, &self.state) {
            (Purpose::Invite, State::Calling { .. } | State::Cancelling { .. }) => {
                self.response_calling(request, response, world);
            }
            // RFC 3261 §13.2.2.4: every 2xx is acknowledged, whenever it comes.
            (Purpose::Invite, _) if response.is_success() => {
                self.late_success(request, response, world);
            }
            (Purpose::Reinvite, State::Confirmed(_)) => {
                self.response_reinvite(request, response, world);
            }
            (Purpose::Reinvite, _) if response.is_success() => {
                self.acknowledge_and_forget(request, response, world);
            }
            (Purpose::Bye, State::Leaving { .. }) if !response.is_provisional() => self.over(world),
            (Purpose::Info, State::Confirmed(_)) if matches!(response.status, 408 | 481) => {
                self.dialog_gone(response, world);
            }
            (Purpose::Info, State::Confirmed(_)) if response.status >= 300 => {
                world.out.push(Do::Note(format!(
                    "the digit was refused: {}",
                    response.status
                )));
            }
            (Purpose::Invite | Purpose::Reinvite, _) => {} // The end of what is over.
            (Purpose::Bye | Purpose::ForkBye | Purpose::Info | Purpose::Cancel, _) => {}
        }
    }

    /// A request of ours had no response, or could not be sent.
    pub fn no_response(&mut self, purpose: Purpose, why: &str, world: &mut World<'_>) {
        match (purpose, &self.state) {
            (Purpose::Invite, State::Calling { .. } | State::Cancelling { .. }) => {
                self.no_response_calling(why, world);
            }
            (Purpose::Reinvite, State::Confirmed(_)) => self.no_response_reinvite(why, world),
            (Purpose::Bye, State::Leaving { .. }) => self.over(world),
            // The agent has left a note of it.
            (
                Purpose::Invite
                | Purpose::Reinvite
                | Purpose::Bye
                | Purpose::ForkBye
                | Purpose::Info
                | Purpose::Cancel,
                _,
            ) => {}
        }
    }

    /// A request that was to be cancelled had not left yet, and never will.
    pub fn withdrawn(&mut self, purpose: Purpose, world: &mut World<'_>) {
        let note = Do::Note("taken back before it was sent".into());
        match (purpose, &self.state) {
            (Purpose::Invite, State::Cancelling { .. }) => {
                world.out.push(note);
                self.over(world);
            }
            (Purpose::Reinvite, State::Confirmed(_)) => {
                world.out.push(note);
                self.settle_withdrawn(world);
            }
            // Only INVITEs are cancelled, and only in these states.
            (
                Purpose::Invite
                | Purpose::Reinvite
                | Purpose::Bye
                | Purpose::ForkBye
                | Purpose::Info
                | Purpose::Cancel,
                _,
            ) => {}
        }
    }

    /// The same request again with the answer to a challenge; `None` where there is none to give.
    pub fn authorized(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) -> Option<Request> {
        let credentials = self.identity.credentials.as_ref()?;
        let uri = request.uri.to_string();
        let subject = Subject {
            method: &request.method,
            uri: &uri,
            body: &request.body,
        };
        let answered = self
            .authorizer
            .answer(response, subject, credentials, world.ids);
        let fields = match answered {
            Ok(fields) => fields,
            Err(refused) => {
                world.out.push(Do::Note(format!(
                    "the challenge is not answered: {refused}"
                )));
                return None;
            }
        };
        let mut again = request.clone();
        again.headers.remove(&Name::Via);
        again.headers.remove(&Name::Authorization);
        again.headers.remove(&Name::ProxyAuthorization);
        for (name, value) in fields {
            again.headers.push(name, value);
        }
        let CSeq { number, method } = request.headers.cseq()?;
        let number = match &mut self.state {
            State::Confirmed(confirmed) => {
                confirmed.dialog.local_seq = confirmed.dialog.local_seq.max(number) + 1;
                confirmed.dialog.local_seq
            }
            State::Calling { redirects, .. } => redirects.next_number(number),
            _ => number + 1,
        };
        let cseq = CSeq { number, method };
        again
            .headers
            .set(Name::CSeq, HeaderText::composed(cseq.to_string()));
        Some(again)
    }

    /// Does what is due.
    pub fn timeout(&mut self, world: &mut World<'_>) {
        match &self.state {
            State::Cancelling {
                cancel: Cancel::Sent { until },
                ..
            } if *until <= world.now => {
                world
                    .out
                    .push(Do::Note("no final response to the cancelled INVITE".into()));
                self.over(world);
            }
            State::Confirmed(_) => self.timeout_confirmed(world),
            State::Invited {
                expires_at: Some(at),
                ..
            } if *at <= world.now => self.expired(world),
            State::Invited {
                early: Some(early), ..
            } if early.again_at <= world.now => {
                self.ring_again(world);
            }
            State::New
            | State::Calling { .. }
            | State::Cancelling { .. }
            | State::Invited { .. }
            | State::Leaving { .. }
            | State::Over => {}
        }
    }

    /// When [`Leg::timeout`] wants to be called, and why.
    #[must_use]
    pub fn due(&self) -> Option<(Instant, LegTimer)> {
        match &self.state {
            State::Cancelling {
                cancel: Cancel::Sent { until },
                ..
            } => Some((*until, LegTimer::Cancelled)),
            State::Confirmed(confirmed) => {
                let ours = match &confirmed.ours {
                    Ours::Queued { at, .. } => at.map(|at| (at, LegTimer::ReofferAgain)),
                    Ours::Quiet
                    | Ours::Sent { .. }
                    | Ours::Withdrawn { .. }
                    | Ours::Answering { .. } => None,
                };
                let theirs = match &confirmed.theirs {
                    Theirs::Unacked(unacked) => {
                        let again = (unacked.again.at, LegTimer::AcceptAgain);
                        Some(again.min((unacked.until, LegTimer::Unacknowledged)))
                    }
                    Theirs::Quiet | Theirs::Asked { .. } => None,
                };
                ours.into_iter().chain(theirs).min()
            }
            State::Invited {
                early, expires_at, ..
            } => {
                let again = early.as_ref();
                let again = again.map(|early| (early.again_at, LegTimer::RingAgain));
                let expires = expires_at.map(|at| (at, LegTimer::Expires));
                again.into_iter().chain(expires).min()
            }
            State::Cancelling { .. }
            | State::New
            | State::Calling { .. }
            | State::Leaving { .. }
            | State::Over => None,
        }
    }

    /// Call-ID, our tag and the peer's tag of the dialog, where there is one.
    #[must_use]
    pub fn dialog(&self) -> Option<&Dialog> {
        match &self.state {
            State::Confirmed(confirmed) => Some(&confirmed.dialog),
            _ => None,
        }
    }

    /// A fault of the gateway has struck this leg: the middle is told, and the peer as far as the
    /// state that is left allows.
    pub(super) fn struck(&mut self, world: &mut World<'_>) {
        let ending = Ending::by_gateway(Cause::Internal);
        world.out.clear();
        world.out.push(Do::Signal(Signal::End(ending.clone())));
        match &self.state {
            // Its state was in the hands of what broke.
            State::Over => world.out.push(Do::Over),
            State::New
            | State::Calling { .. }
            | State::Cancelling { .. }
            | State::Invited { .. }
            | State::Confirmed(_)
            | State::Leaving { .. } => self.apply(Signal::End(ending), world),
        }
    }

    /// The end of the leg for the middle and for the agent.
    pub(super) fn end(&mut self, ending: Ending, world: &mut World<'_>) {
        world.out.push(Do::Signal(Signal::End(ending)));
        self.over(world);
    }

    pub(super) fn over(&mut self, world: &mut World<'_>) {
        self.state = State::Over;
        world.out.push(Do::Over);
    }

    /// Sends a BYE and waits for its response.
    pub(super) fn leave(&mut self, reason: Option<String>, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = std::mem::replace(&mut self.state, State::Over) else {
            return self.over(world);
        };
        let Confirmed { mut dialog, .. } = *confirmed;
        let bye = self.bye(&mut dialog, reason, world);
        let remote_tag = dialog.remote_tag;
        self.state = State::Leaving { remote_tag };
        world.out.push(Do::Send(Purpose::Bye, Box::new(bye)));
    }

    /// A BYE of a dialog, authorized where the peer has challenged before.
    pub(super) fn bye(
        &mut self,
        dialog: &mut Dialog,
        reason: Option<String>,
        world: &mut World<'_>,
    ) -> Request {
        let mut bye = dialog.request(Method::Bye);
        if let Some(reason) = reason {
            bye.headers.push(Name::Reason, HeaderText::composed(reason));
        }
        self.sign(&mut bye, world);
        bye
    }

    /// Adds the credentials of the challenge in use, so that it need not be asked again.
    pub(super) fn sign(&mut self, request: &mut Request, world: &mut World<'_>) {
        let Some(credentials) = &self.identity.credentials else {
            return;
        };
        let uri = request.uri.to_string();
        let subject = Subject {
            method: &request.method,
            uri: &uri,
            body: &request.body,
        };
        for (name, value) in self.authorizer.authorize(subject, credentials, world.ids) {
            request.headers.push(name, value);
        }
    }
}

impl Leg {
    /// Whether a challenged request of this purpose is still wanted.
    pub(super) fn wants_retry(&self, purpose: Purpose) -> bool {
        match (purpose, &self.state) {
            // One that was taken back is not tried again.
            (Purpose::Reinvite, State::Confirmed(confirmed)) => {
                matches!(confirmed.ours, Ours::Sent { .. })
            }
            (Purpose::Invite, State::Calling { .. })
            | (Purpose::Info, State::Confirmed(_))
            | (Purpose::Bye, State::Leaving { .. })
            | (Purpose::ForkBye, _) => true,
            (
                Purpose::Invite
                | Purpose::Reinvite
                | Purpose::Info
                | Purpose::Bye
                | Purpose::Cancel,
                _,
            ) => false,
        }
    }

    /// Whether the other end may have this tag: the one of the dialog, once there is one.
    pub(super) fn talks_to(&self, tag: &str) -> bool {
        match &self.state {
            State::Confirmed(confirmed) => confirmed.dialog.remote_tag == tag,
            State::Leaving { remote_tag } => remote_tag == tag,
            State::Invited { invite, .. } => invite.headers.from_tag() == tag,
            // Any of its forks may ask something.
            State::New | State::Calling { .. } | State::Cancelling { .. } | State::Over => true,
        }
    }

    /// Whether this INVITE is the one that the leg was made for, come by another path. One that a
    /// proxy forks to several users here names each in its Request-URI, and is another for each
    /// (RFC 3261 §8.2.2.1, §8.2.2.2).
    pub(super) fn is_invited_by(&self, request: &Request) -> bool {
        match &self.state {
            State::Invited { invite, .. } => {
                invite.uri == request.uri
                    && invite.headers.from_tag() == request.headers.from_tag()
                    && invite.headers.cseq() == request.headers.cseq()
            }
            State::Confirmed(confirmed) => {
                let number = request.headers.cseq().map(|cseq| cseq.number);
                confirmed.dialog.remote_tag == request.headers.from_tag()
                    && confirmed.dialog.remote_seq >= number
            }
            State::New
            | State::Calling { .. }
            | State::Cancelling { .. }
            | State::Leaving { .. }
            | State::Over => false,
        }
    }
}
