//! One call of one client: frames become signals, signals become events.
//!
//! ```text
//!                   Ring      Progress
//!   outgoing: Calling ─▶ Ringing ─▶ Early
//!                │          │         │  Accept(of the callee)
//!                └──────────┴─────────┴──────────────┐
//!                                                    ▼
//!                          call.accept {answer}  Established ──call.end, End──▶ Over
//!   incoming: Invited ──────────────────────────────▲▲   │
//!               │ │ call.accept {offer}             ││   └─▶ (offers both ways: `exchange.rs`)
//!               │ └──────────────▶ Accepting ─Answer┘│
//!               │ call.accept                        │
//!               └──────▶ Promised ──Offer, answer of the client
//!   any ──call.end, call.reject, End──▶ Over
//! ```
//!
//! What a client sends is checked here against what it was told; the middle sees only what is
//! legal. What the middle says is told as it is, with two exceptions that leave a note in the
//! trace: early answers to a client that cannot take them, and candidates for a section that the
//! client was not told of.
//!
//! `receive.rs` has the table of frames, `apply.rs` the table of signals, `check.rs` what a
//! description and a candidate must be.

mod apply;
mod check;
mod exchange;
mod receive;

pub(super) use self::check::read_offer;
use self::exchange::Exchange;
use super::code::{Code, told};
use super::connection::Capabilities;
use super::frame::{
    CallInfo, CallState, Caller, Description, DescriptionType, Detail, Direction, EndedBy, Event,
    Header, Media, Need, SipStatus,
};
use super::session::SessionId;
use crate::call::signal::{Ending, Signal};
use crate::id::LegId;
use crate::sdp::{Limits, SessionDescription};

/// One leg.
#[derive(Debug)]
pub(super) struct Leg {
    pub id: LegId,
    pub session: SessionId,
    /// The call's id as the client knows it.
    pub call: String,
    /// What the client asked for, as a digest: the same `call.create` again is known by it.
    pub asked: u64,
    pub capabilities: Capabilities,
    direction: Direction,
    peer: Option<String>,
    state: State,
    exchange: Exchange,
    /// The last description of the client.
    said: Option<SessionDescription>,
    /// The last description that the client was told, with the candidates that followed.
    told: Option<SessionDescription>,
    /// Offers that the client was told so far.
    offers: u64,
    /// Candidates of the client since its last description.
    candidates: usize,
    media: Flowing,
}

/// What the leg is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The client has asked for the call.
    Calling,
    /// The callee rings.
    Ringing,
    /// There is an early answer.
    Early,
    /// The client is called.
    Invited(Box<Invitation>),
    /// The client has accepted by an offer and waits for the answer.
    Accepting,
    /// The client has accepted without a description; the caller's offer is to come, or waits for
    /// its answer.
    Promised,
    /// Answered.
    Established,
    /// Both sides know that it has ended.
    Over,
}

/// How a client is called, to be told again after a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invitation {
    account: Option<String>,
    from: Caller,
    to: String,
    headers: Vec<Header>,
    need: Need,
}

/// What the client knows of what flows.
#[derive(Debug, Default, PartialEq, Eq)]
enum Flowing {
    /// Nothing yet.
    #[default]
    Unknown,
    /// To be told when the call is answered.
    Waiting(Vec<Media>),
    /// This.
    Told(Vec<Media>),
}

/// What the checks need to know of the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub descriptions: &'a Limits,
    pub candidates_max: usize,
}

/// Why a frame is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: Code,
    pub detail: Option<Detail>,
    pub message: String,
}

/// What comes of a frame.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub events: Vec<Event>,
    pub signals: Vec<Signal>,
}

/// What comes of a signal.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub events: Vec<Event>,
    pub notes: Vec<String>,
}

impl Leg {
    /// The leg of a call that the client makes: with its offer, if it sent one.
    pub(super) fn outgoing(
        id: LegId,
        session: SessionId,
        call: String,
        capabilities: Capabilities,
        to: String,
        offer: Option<SessionDescription>,
    ) -> Self {
        let exchange = match offer {
            Some(_) => Exchange::Theirs {
                number: FIRST,
                before: None,
            },
            None => Exchange::Stable,
        };
        let direction = Direction::Outgoing;
        let mut leg = Self::new(id, session, call, capabilities, direction, State::Calling);
        (leg.peer, leg.exchange, leg.said) = (Some(to), exchange, offer);
        leg
    }

    /// The leg of a call for the client; the next thing that it is told is the invitation.
    pub(super) fn incoming(
        id: LegId,
        session: SessionId,
        call: String,
        account: Option<String>,
        capabilities: Capabilities,
    ) -> Self {
        let invitation = Invitation {
            account,
            from: Caller {
                uri: String::new(),
                display_name: None,
            },
            to: String::new(),
            headers: Vec::new(),
            need: Need::Offer,
        };
        let state = State::Invited(Box::new(invitation));
        Self::new(id, session, call, capabilities, Direction::Incoming, state)
    }

    fn new(
        id: LegId,
        session: SessionId,
        call: String,
        capabilities: Capabilities,
        direction: Direction,
        state: State,
    ) -> Self {
        Self {
            id,
            session,
            call,
            asked: 0,
            capabilities,
            direction,
            peer: None,
            state,
            exchange: Exchange::Stable,
            said: None,
            told: None,
            offers: 0,
            candidates: 0,
            media: Flowing::Unknown,
        }
    }

    /// Whether the call has been answered, for the grace that it has.
    pub(super) fn is_answered(&self) -> bool {
        matches!(
            self.state,
            State::Accepting | State::Promised | State::Established
        )
    }

    /// Whether the client is called and has not answered: anybody can do that to him.
    pub(super) fn rings_here(&self) -> bool {
        matches!(self.state, State::Invited(_))
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether the client is being called and has not answered.
    pub(super) fn is_invited(&self) -> bool {
        matches!(self.state, State::Invited(_))
    }

    /// What a client reads in `sync`.
    pub(super) fn info(&self) -> CallInfo {
        let state = match self.state {
            State::Calling => CallState::Calling,
            State::Ringing | State::Invited(_) => CallState::Ringing,
            State::Early | State::Accepting | State::Promised => CallState::Early,
            State::Established | State::Over => CallState::Established,
        };
        let need = match &self.state {
            State::Invited(invitation) => Some(invitation.need),
            State::Promised => Some(match self.exchange.ours() {
                Some(_) => Need::Answer,
                None => Need::Nothing,
            }),
            State::Calling
            | State::Ringing
            | State::Early
            | State::Accepting
            | State::Established
            | State::Over => None,
        };
        let (call, peer) = (self.call.clone(), self.peer.clone());
        CallInfo {
            call,
            state,
            direction: self.direction,
            peer,
            need,
        }
    }

    /// What a client must hear again that has lost events: the call that waits to be accepted, the
    /// offer that waits to be answered.
    pub(super) fn restated(&self) -> Option<Event> {
        match (&self.state, &self.exchange) {
            (State::Invited(invitation), _) => Some(self.invited(invitation)),
            (_, Exchange::Ours { number, .. } | Exchange::Crossed { ours: number, .. }) => {
                let (description, negotiation) = (self.told_as_offer()?, Some(*number));
                let call = self.call.clone();
                Some(Event::CallDescription {
                    call,
                    description,
                    negotiation,
                    code: None,
                    sip: None,
                })
            }
            (_, Exchange::Requested) => Some(Event::CallOfferRequested {
                call: self.call.clone(),
            }),
            (_, Exchange::Stable | Exchange::Theirs { .. }) => None,
        }
    }

    fn invited(&self, invitation: &Invitation) -> Event {
        let Invitation {
            account,
            from,
            to,
            headers,
            need,
        } = invitation.clone();
        let negotiation = self.exchange.ours();
        let description = negotiation.and_then(|_| self.told_as_offer());
        let call = self.call.clone();
        Event::CallIncoming {
            call,
            from,
            to,
            account,
            need,
            description,
            negotiation,
            headers,
        }
    }

    fn told_as_offer(&self) -> Option<Description> {
        self.told
            .as_ref()
            .map(|offer| text(DescriptionType::Offer, offer))
    }

    /// The client did not come back in time. It may hear of it later.
    pub(super) fn expired(&mut self, ending: &Ending) -> Event {
        self.ended(ending, EndedBy::Gateway)
    }

    fn ended(&mut self, ending: &Ending, by: EndedBy) -> Event {
        self.state = State::Over;
        let (cause, sentence) = told(ending.cause);
        let sip = ending
            .status
            .clone()
            .map(|(status, reason)| SipStatus { status, reason });
        let (detail, message) = (ending.detail.clone(), sentence.to_owned());
        Event::CallEnded {
            call: self.call.clone(),
            cause,
            by,
            sip,
            detail,
            message,
        }
    }
}

/// The number of the offer in a `call.create`.
const FIRST: u64 = 1;

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            detail: None,
            message: message.into(),
        }
    }

    /// The same with the name of the rule that is broken.
    pub(super) fn of(code: Code, rule: &str, message: impl Into<String>) -> Self {
        let detail = Detail {
            code: rule.to_owned(),
            ..Detail::default()
        };
        Self {
            code,
            detail: Some(detail),
            message: message.into(),
        }
    }
}

impl Told {
    fn event(event: Event) -> Self {
        Self {
            events: vec![event],
            notes: Vec::new(),
        }
    }

    fn note(text: &str) -> Self {
        Self {
            events: Vec::new(),
            notes: vec![text.to_owned()],
        }
    }
}

/// A description as it is told.
fn text(kind: DescriptionType, description: &SessionDescription) -> Description {
    Description {
        kind,
        sdp: description.to_text(),
    }
}
