//! The states of a leg, and what each holds.
//!
//! ```text
//!              propose            Offer(None), Accept(None): proceed      session-initiate
//!   (nothing) ─────────▶ Proposed ─────────────────────────────▶ Awaited ────────┐
//!       │                                                                        ▼
//!       └─ session-initiate, without a proposal ────────────────────────────▶ Offered
//!                                             Accept, Answer: session-accept     │
//!                                                                                ▼
//!            Invite: propose          proceed        Offer: session-initiate   Active
//!   New ───────────────▶ Proposing ───────▶ Owing ─────────────────┐             ▲
//!    │                       │ proceed: session-initiate           ▼             │
//!    │ Invite, to a device   └───────────────────────────────▶ Initiated ────────┘
//!    └──────────────── session-initiate ─────────────────────────▲   session-accept
//!
//!   any ── End · session-terminate · reject · retract · finish ──▶ Over
//! ```
//!
//! The upper half is called by its peer, the lower half calls it.

use super::super::session::Session;
use crate::sdp::SessionDescription;

/// What a leg is doing.
#[derive(Debug)]
pub(in crate::jingle) enum State {
    /// Nothing was said yet.
    New,
    /// The peer proposes a call.
    Proposed(Rings),
    /// We have taken it, and the peer's offer is due.
    Awaited,
    /// The peer has offered; our acceptance is due.
    Offered(Box<Session>, Rings),
    /// We propose a call.
    Proposing(Opening, Rings),
    /// The peer has taken it; our offer is due.
    Owing,
    /// We have offered; the peer's acceptance is due.
    Initiated(Box<Session>, Reply, Rings),
    /// Both have accepted.
    Active(Box<Session>),
    /// Nothing more will come of it.
    Over,
}

/// Whether it was said that a device rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jingle) enum Rings {
    /// It was.
    Said,
    /// It was not.
    NotYet,
}

/// What a proposal of ours leads to once it is taken.
#[derive(Debug)]
pub(in crate::jingle) enum Opening {
    /// The offer, with the candidates that have come since.
    Offer(Box<SessionDescription>),
    /// Nothing yet: the caller is to be asked.
    Later,
}

/// As what the peer's acceptance is told to the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jingle) enum Reply {
    /// It takes the call.
    Accept,
    /// It has taken the call before, and answers the offer.
    Answer,
}

impl State {
    /// For logs and traces.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Proposed(_) => "Proposed",
            Self::Awaited => "Awaited",
            Self::Offered(..) => "Offered",
            Self::Proposing(..) => "Proposing",
            Self::Owing => "Owing",
            Self::Initiated(..) => "Initiated",
            Self::Active(_) => "Active",
            Self::Over => "Over",
        }
    }
}
