//! INVITEs of ours inside a call: sent, answered, refused, tried again after 491, taken back
//! (RFC 3261 §14.1).
//!
//! ```text
//!           Offer                2xx with the answer: ACK
//!   Quiet ─────────▶ Sent ─────────────────────────────────▶ Quiet
//!     │               │ ├─ 2xx with an offer ─▶ Answering ── Answer: ACK ──▶ Quiet
//!     │ their ACK     │ ├─ 491 ─▶ Queued { at } ── the time ──▶ Sent
//!     │ is missing    │ ├─ 408, 481, silence ─▶ the call ends
//!     ▼               │ └─ else: Refuse ─▶ Quiet
//!   Queued            └─ Refuse ─▶ Withdrawn ── 487 ──▶ Quiet
//!                          (CANCEL)    └──── 2xx: ACK; the other side is asked to offer again
//! ```

use std::time::Duration;

use super::body;
use super::dialog::Role;
use super::leg::{Do, Leg, Purpose, World};
use super::message::{Request, Response};
use super::name::Method;
use super::state::{Heard, Ours, State, Theirs, proof_of};
use super::status;
use super::uac::fitting;
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Refusal, Refused, Signal};
use crate::sdp::SessionDescription;

/// How often an INVITE inside a call is tried again after 491.
const RETRIES_MAX: u8 = 4;

impl Ours {
    /// Whether the peer has still to answer one.
    pub(super) fn is_under_way(&self) -> bool {
        match self {
            Self::Sent { .. } | Self::Withdrawn { .. } | Self::Answering { .. } => true,
            Self::Quiet | Self::Queued { .. } => false,
        }
    }
}

impl Leg {
    /// The middle offers, or asks the peer to.
    pub(super) fn reoffer(&mut self, offer: Option<SessionDescription>, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match &mut confirmed.ours {
            Ours::Quiet | Ours::Queued { .. } => {
                let (at, tries) = (None, 0);
                confirmed.ours = Ours::Queued { offer, at, tries };
                if matches!(confirmed.theirs, Theirs::Quiet) {
                    self.reinvite(world);
                }
            }
            Ours::Withdrawn { next, .. } => *next = Some(offer),
            // One at a time (RFC 3264 §4); the middle knows, too.
            Ours::Sent { .. } | Ours::Answering { .. } => {
                world
                    .out
                    .push(Do::Signal(Signal::Refuse(Refusal::Glare.into())));
            }
        }
    }

    /// Sends the INVITE that waits.
    pub(super) fn reinvite(&mut self, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let Ours::Queued { offer, tries, .. } = std::mem::replace(&mut confirmed.ours, Ours::Quiet)
        else {
            return;
        };
        let mut request = confirmed.dialog.request(Method::Invite);
        if let Some(offer) = &offer {
            request.set_body(body::SDP, offer.to_text().into_bytes());
        }
        self.offered.clone_from(&offer);
        confirmed.ours = Ours::Sent {
            offer,
            tries: tries + 1,
            heard: Heard::Nothing,
        };
        self.sign(&mut request, world);
        world
            .out
            .push(Do::Send(Purpose::Reinvite, Box::new(request)));
    }

    /// The middle takes its offer back, or cannot answer the peer's.
    pub(super) fn withdraw(&mut self, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match &confirmed.ours {
            Ours::Queued { .. } => confirmed.ours = Ours::Quiet,
            Ours::Sent { heard, .. } => {
                let heard = *heard;
                confirmed.ours = Ours::Withdrawn { heard, next: None };
                world.out.push(Do::Cancel(Purpose::Reinvite, None));
            }
            Ours::Answering { number } => {
                // RFC 3261 §13.2.2.4: without an answer the session cannot stand: ACK, BYE.
                let ack = confirmed.ack(*number);
                world.out.push(Do::Ack(Box::new(ack)));
                let why = "the peer's offer found no answer";
                self.fail(Cause::NotAcceptable, why.into(), world);
            }
            Ours::Withdrawn { .. } | Ours::Quiet => {
                tracing::debug!(leg = %self.id, "a refusal that nobody waits for");
            }
        }
    }

    /// What was taken back is settled: the next offer, if there is one, goes out.
    pub(super) fn settle_withdrawn(&mut self, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let next = match std::mem::replace(&mut confirmed.ours, Ours::Quiet) {
            Ours::Withdrawn { next, .. } => next,
            other => {
                confirmed.ours = other;
                return;
            }
        };
        if let Some(offer) = next {
            self.reoffer(offer, world);
        }
    }

    /// A response to our INVITE inside the call.
    pub(super) fn response_reinvite(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match (&mut confirmed.ours, response.status) {
            (Ours::Sent { heard, .. }, 100..200) => *heard = Heard::Provisional,
            (Ours::Withdrawn { heard, .. }, 100..200) => {
                if *heard == Heard::Nothing {
                    *heard = Heard::Provisional;
                    world.out.push(Do::Cancel(Purpose::Reinvite, None));
                }
            }
            (Ours::Sent { .. }, 200..300) => self.reinvite_succeeded(request, response, world),
            (Ours::Withdrawn { .. }, 200..300) => self.withdrawn_too_late(request, response, world),
            (Ours::Sent { .. } | Ours::Withdrawn { .. }, 408 | 481) => {
                self.dialog_gone(response, world);
            }
            (Ours::Withdrawn { .. }, _) => self.settle_withdrawn(world),
            (Ours::Sent { offer, tries, .. }, 491) if *tries < RETRIES_MAX => {
                // RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, else up to 2 s.
                let tens = match confirmed.dialog.role {
                    Role::Client => 210 + world.ids.below(191),
                    Role::Server => world.ids.below(201),
                };
                let note = format!("glare: tried again in {} ms", tens * 10);
                world.out.push(Do::Note(note));
                confirmed.ours = Ours::Queued {
                    offer: offer.take(),
                    at: Some(world.now + Duration::from_millis(tens * 10)),
                    tries: *tries,
                };
            }
            (Ours::Sent { .. }, status) => {
                confirmed.ours = Ours::Quiet;
                let note = format!("the offer was refused: {status} {}", response.reason);
                world.out.push(Do::Note(note));
                let why = match status {
                    491 => Refusal::Glare,
                    _ => Refusal::NotAcceptable,
                };
                let status = Some((status, response.reason.clone()));
                let refused = Refused { why, status };
                world.out.push(Do::Signal(Signal::Refuse(refused)));
            }
            // A 2xx once more: its ACK was lost.
            (Ours::Quiet | Ours::Queued { .. } | Ours::Answering { .. }, 200..300) => {
                self.acknowledge_again(response, world);
            }
            // Nothing of ours is under way.
            (Ours::Quiet | Ours::Queued { .. } | Ours::Answering { .. }, _) => {}
        }
    }

    fn reinvite_succeeded(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        let described = body::description(&response.headers, &response.body, world.limits);
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        confirmed.dialog.refresh_target(&response.headers);
        confirmed.proof = proof_of(request);
        let offer = match std::mem::replace(&mut confirmed.ours, Ours::Quiet) {
            Ours::Sent { offer, .. } => offer,
            _ => None, // `response_reinvite` calls this in that state.
        };
        let verdict = match (described, offer) {
            (Ok(Some(theirs)), None) => {
                confirmed.ours = Ours::Answering { number };
                let signal = Signal::Offer(Some(theirs));
                return world.out.push(Do::Signal(signal));
            }
            (Ok(Some(answer)), Some(offer)) => fitting(&offer, answer, world),
            (Ok(None), _) => Err("its 2xx has no description".to_owned()),
            (Err(fault), _) => Err(fault.why),
        };
        confirmed.acked = Some((number, Vec::new()));
        let ack = confirmed.ack(number);
        world.out.push(Do::Ack(Box::new(ack)));
        match verdict {
            Ok(answer) => world.out.push(Do::Signal(Signal::Answer(answer))),
            Err(why) => self.fail(Cause::NotAcceptable, why, world),
        }
    }

    /// The peer took an offer that was taken back: its 2xx crossed the CANCEL. What it took cannot
    /// be undone; a new offer settles what holds.
    fn withdrawn_too_late(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        confirmed.dialog.refresh_target(&response.headers);
        confirmed.proof = proof_of(request);
        confirmed.acked = Some((number, Vec::new()));
        let ack = confirmed.ack(number);
        world.out.push(Do::Ack(Box::new(ack)));
        if request.body.is_empty() {
            // Its offer has no answer now.
            let why = "the peer's offer found no answer";
            return self.fail(Cause::NotAcceptable, why.into(), world);
        }
        let has_next = matches!(confirmed.ours, Ours::Withdrawn { next: Some(_), .. });
        self.settle_withdrawn(world);
        if !has_next {
            let note = "the peer took an offer that was taken back: a new one is asked for";
            world.out.push(Do::Note(note.into()));
            world.out.push(Do::Signal(Signal::Offer(None)));
        }
    }

    /// The call cannot go on: the middle is told, then BYE with the reason.
    pub(super) fn fail(&mut self, cause: Cause, why: String, world: &mut World<'_>) {
        let ending = Ending::by_gateway(cause).because(why);
        let reason = status::reason(ending.cause, ending.detail.as_deref());
        world.out.push(Do::Signal(Signal::End(ending)));
        self.leave(reason, world);
    }

    /// Our INVITE inside the call had no response (RFC 3261 §12.2.1.2: as 408).
    pub(super) fn no_response_reinvite(&mut self, why: &str, world: &mut World<'_>) {
        let ending = Ending::by_gateway(Cause::Timeout).because(why);
        world.out.push(Do::Signal(Signal::End(ending)));
        self.leave(None, world);
    }
}
