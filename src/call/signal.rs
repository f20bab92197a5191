//! The one vocabulary every leg speaks to the middle and is told by it, in both directions.

use std::time::Duration;

use super::cause::Cause;
use crate::address::Address;
use crate::sdp::{MediaState, SessionDescription, Trickle};

/// What a leg says to the middle, and what the middle tells a leg.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Starts a call. Said once by the A-leg, told once to each B-leg.
    Invite(Box<Invite>),
    /// The callee is alerting.
    Ring,
    /// An early answer to the invitation's offer, before the callee accepts (RFC 3960).
    Progress {
        /// The early answer.
        description: SessionDescription,
        /// Which of the callee's early branches speaks, from 1.
        fork: u16,
    },
    /// The callee takes the call. Carries the answer to the invitation's offer or, where that was
    /// [`Opening::Yours`], the offer; nothing where the answer crosses by itself, and where the
    /// caller's offer is still to come.
    Accept(Option<SessionDescription>),
    /// An offer inside a call; `None` asks the other side to make one (RFC 3261 §14.1).
    Offer(Option<SessionDescription>),
    /// Answers the outstanding offer (RFC 3264 §6).
    Answer(SessionDescription),
    /// Refuses the outstanding offer; the session stays as it was.
    Refuse(Refused),
    /// Trickled candidates, or the end of them (RFC 8838).
    Candidates(Vec<Trickle>),
    /// A digit was pressed.
    Dtmf(Dtmf),
    /// What flows and what is held, one entry for each media section. Only ever told.
    Media(Vec<MediaFlow>),
    /// This leg is over. Final in both directions.
    End(Ending),
}

/// The invitation to a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Invite {
    /// Who calls, as the callee is to see it.
    pub from: Caller,
    /// Who is called.
    pub to: Address,
    /// Who makes the first offer, and when.
    pub opening: Opening,
    /// Extra headers, in order, already checked against the operator's list.
    pub headers: Vec<(String, String)>,
}

/// Who makes the first offer of a call, and when.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening {
    /// The caller has made it.
    Offer(SessionDescription),
    /// The callee is to make it, as he accepts (RFC 3261 §13.2.1).
    Yours,
    /// The caller makes it when he is asked for it: when somebody takes the call, or as soon as
    /// somebody is called who cannot be called without.
    Later,
}

impl From<Option<SessionDescription>> for Opening {
    /// The opening of a caller who offers at once or not at all.
    fn from(offer: Option<SessionDescription>) -> Self {
        offer.map_or(Self::Yours, Self::Offer)
    }
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// A URI that can be called back: `sip:1001@pbx.example`, `user:alice`.
    pub uri: String,
    /// The name to show.
    pub display_name: Option<String>,
}

/// What flows on one media section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaFlow {
    /// The section's mid, where it has one.
    pub mid: Option<String>,
    /// `audio`, `video` …
    pub kind: String,
    /// What flows and who holds.
    pub state: MediaState,
}

/// Why an offer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another offer is outstanding (RFC 3261 §14.1).
    Glare,
    /// The other side cannot take it.
    NotAcceptable,
    /// The side that offered took it back.
    Withdrawn,
    /// Nobody answered it in time.
    Unanswered,
}

/// How an offer is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// The status and reason phrase of the far end, where it was the far end that refused.
    pub status: Option<(u16, String)>,
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        Self { why, status: None }
    }
}

/// A digit of DTMF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtmf {
    /// One of `0-9 A-D * #`.
    pub digit: char,
    /// How long it is pressed.
    pub duration: Duration,
}

/// How a leg ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why.
    pub cause: Cause,
    /// Who ended it.
    pub by: By,
    /// The status and reason phrase of the far end, where there was one.
    pub status: Option<(u16, String)>,
    /// What a person or a program can make use of, in words.
    pub detail: Option<String>,
}

/// Who ended a call, seen from the leg that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The peer of the leg that says it; the far side for the leg that is told.
    Peer,
    /// The gateway: a timer, a limit, a fault.
    Gateway,
}

impl Ending {
    /// An end for which the leg's peer is the cause, without more to say.
    #[must_use]
    pub fn by_peer(cause: Cause) -> Self {
        Self {
            cause,
            by: By::Peer,
            status: None,
            detail: None,
        }
    }

    /// An end for which the gateway is the cause.
    #[must_use]
    pub fn by_gateway(cause: Cause) -> Self {
        Self {
            cause,
            by: By::Gateway,
            status: None,
            detail: None,
        }
    }

    /// The same with a sentence that explains it.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }
}
