//! The states of a leg, and what each holds.
//!
//! ```text
//!           Invite           1xx                 2xx: ACK
//!   New ───────────▶ Calling ───▶ (Calling) ──────────────────────┐
//!    │                  │ End                                     ▼
//!    │                  ▼       CANCEL, once a 1xx has come    Confirmed ──End: BYE──▶ Leaving
//!    │              Cancelling ──487, or 2xx: ACK, BYE──▶ …       ▲  │ BYE: 200          │
//!    │ INVITE                                                     │  ▼                   ▼
//!    └──────────▶ Invited ──Accept: 200───────────────────────────┘ Over ◀───────────────┘
//!                    └──End: 3xx–6xx, CANCEL: 487──▶ Over
//! ```
//!
//! Inside `Confirmed` each side has its own INVITE: `ours` (diagram in `reoffer.rs`) and `theirs`
//! (asked, answered and not yet acknowledged, or none).

use std::time::Instant;

use super::dialog::Dialog;
use super::message::{HeaderText, Request, Response};
use super::name::Name;
use super::redirect::Redirects;
use super::timer::Retransmission;
use super::transaction::TransactionId;
use crate::sdp::SessionDescription;

/// What a leg is doing.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing was said yet.
    New,
    /// Our INVITE is under way.
    Calling {
        forks: Vec<Fork>,
        heard: Heard,
        redirects: Redirects,
    },
    /// Our INVITE is under way, and no longer wanted.
    Cancelling {
        cancel: Cancel,
        cause: Option<String>,
    },
    /// The peer's INVITE waits for its final response.
    Invited {
        transaction: TransactionId,
        invite: Box<Request>,
        tag: String,
        early: Option<Early>,
        /// Until when the caller waits for an answer, where he says so.
        expires_at: Option<Instant>,
    },
    /// The dialog is confirmed, or at least our 2xx is under way.
    Confirmed(Box<Confirmed>),
    /// Our BYE is under way, to the branch of this tag.
    Leaving { remote_tag: String },
    /// Nothing more will come of it.
    Over,
}

/// An early dialog of our INVITE.
#[derive(Debug)]
pub(super) struct Fork {
    /// The To tag.
    pub tag: String,
    /// The early answer that the middle was told.
    pub told: Option<SessionDescription>,
}

/// The last provisional response of ours, and when it is sent again: once a minute, so that no
/// proxy gives the call up (RFC 3261 §13.3.1.1).
#[derive(Debug)]
pub(super) struct Early {
    pub response: Box<Response>,
    pub again_at: Instant,
}

/// Whether anything has come back of our INVITE (RFC 3261 §9.1: no CANCEL before).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    Provisional,
}

/// Whether the CANCEL has gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancel {
    /// It waits for a provisional response.
    Deferred,
    /// It has; a final response that does not come by then will not (RFC 3261 §9.1).
    Sent { until: Instant },
}

/// A confirmed dialog.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub dialog: Dialog,
    pub ours: Ours,
    pub theirs: Theirs,
    /// The number of the last INVITE of ours that was acknowledged, and the body of its ACK.
    pub acked: Option<(u32, Vec<u8>)>,
    /// The credentials of that INVITE: its ACK has the same (RFC 3261 §13.2.2.4).
    pub proof: Proof,
}

/// Header fields with credentials.
pub(super) type Proof = Vec<(Name, HeaderText)>;

/// The credentials of a request.
pub(super) fn proof_of(request: &Request) -> Proof {
    let names = [Name::Authorization, Name::ProxyAuthorization];
    let fields = request
        .headers
        .iter()
        .filter(|(name, _)| names.contains(name));
    fields
        .map(|(name, value)| (name.clone(), HeaderText::composed(value)))
        .collect()
}

/// An ACK with the credentials of its INVITE.
pub(super) fn proven_ack(dialog: &Dialog, number: u32, proof: &Proof) -> Request {
    let mut ack = dialog.ack(number);
    for (name, value) in proof {
        ack.headers.push(name.clone(), value.clone());
    }
    ack
}

impl Confirmed {
    /// The ACK of the INVITE of this number.
    pub(super) fn ack(&self, number: u32) -> Request {
        proven_ack(&self.dialog, number, &self.proof)
    }
}

/// The INVITE of ours inside the dialog.
#[derive(Debug)]
pub(super) enum Ours {
    /// None.
    Quiet,
    /// It waits: for an ACK of theirs, or for the time after a 491.
    Queued {
        offer: Option<SessionDescription>,
        at: Option<Instant>,
        tries: u8,
    },
    /// It is under way.
    Sent {
        offer: Option<SessionDescription>,
        tries: u8,
        heard: Heard,
    },
    /// It is under way, and was taken back: its CANCEL waits for a provisional response, or is out.
    /// What is offered next waits for its end.
    Withdrawn {
        heard: Heard,
        next: Option<Option<SessionDescription>>,
    },
    /// Its 2xx made an offer: the ACK waits for the answer.
    Answering { number: u32 },
}

/// The INVITE of theirs, the first one included.
#[derive(Debug)]
pub(super) enum Theirs {
    /// None.
    Quiet,
    /// It waits for our final response.
    Asked {
        transaction: TransactionId,
        request: Box<Request>,
    },
    /// Our 2xx waits for its ACK.
    Unacked(Unacked),
}

/// A 2xx of ours that waits for its ACK.
#[derive(Debug)]
pub(super) struct Unacked {
    pub transaction: TransactionId,
    pub response: Box<Response>,
    pub number: u32,
    pub again: Retransmission,
    pub until: Instant,
    pub owes: Owes,
    pub then: Then,
}

/// What the ACK has to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owes {
    /// Nothing: our 2xx had the answer.
    Nothing,
    /// The answer to the offer in our 2xx.
    Answer,
}

/// What happens when the ACK has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The call goes on.
    GoOn,
    /// It was ended meanwhile: BYE (RFC 3261 §15: not before the ACK).
    Leave(Option<String>),
}
