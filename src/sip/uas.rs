//! The incoming half of a leg: the peer's INVITE until its final response (RFC 3261 §13.3).

use std::time::Duration;

use super::body;
use super::dialog::Dialog;
use super::handled::capabilities;
use super::leg::{Do, Leg, World};
use super::message::{Request, Response};
use super::name::{Method, Name};
use super::state::{Confirmed, Early, Ours, Owes, State, Theirs, Then, Unacked};
use super::status;
use super::timer::Retransmission;
use super::transaction::TransactionId;
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Signal};
use crate::sdp::SessionDescription;

impl Leg {
    /// What the middle says before the final response.
    pub(super) fn apply_invited(&mut self, signal: Signal, world: &mut World<'_>) {
        let State::Invited {
            transaction,
            invite,
            tag,
            ..
        } = &self.state
        else {
            return;
        };
        let transaction = *transaction;
        match signal {
            Signal::Ring => {
                let ringing = provisional(invite, 180, "Ringing", tag);
                self.ring(ringing, world);
            }
            Signal::Progress { description, .. } => {
                let mut progress = provisional(invite, 183, "Session Progress", tag);
                progress.set_body(body::SDP, description.to_text().into_bytes());
                self.ring(progress, world);
            }
            Signal::Accept(description) => self.accept(description, world),
            Signal::End(ending) => {
                let refusal = refused(invite, &ending, Some(tag));
                world.out.push(Do::Respond(transaction, Box::new(refusal)));
                self.over(world);
            }
            Signal::Candidates(_) => {
                world.out.push(Do::Note(
                    "a candidate was not sent: no trickle on SIP".into(),
                ));
            }
            // The middle says none of these to a leg that has called.
            Signal::Invite(_)
            | Signal::Offer(_)
            | Signal::Answer(_)
            | Signal::Refuse(_)
            | Signal::Dtmf(_)
            | Signal::Media(_) => {
                tracing::debug!(leg = %self.id, "said out of place to a leg that was invited");
            }
        }
    }

    /// The callee takes the call: 200, sent again until its ACK comes.
    fn accept(&mut self, description: Option<SessionDescription>, world: &mut World<'_>) {
        let State::Invited {
            transaction,
            invite,
            tag,
            ..
        } = &self.state
        else {
            return;
        };
        let transaction = *transaction;
        let Some(dialog) = Dialog::as_server(invite, tag) else {
            let ending = Ending::by_gateway(Cause::Misbehaved).because("its INVITE has no Contact");
            let refusal = refused(invite, &ending, Some(tag));
            world.out.push(Do::Respond(transaction, Box::new(refusal)));
            return self.end(ending, world);
        };
        let offered = !invite.body.is_empty();
        let ok = success(invite, Some(tag), description.as_ref());
        let number = dialog.remote_seq.unwrap_or_default();
        let theirs = Theirs::Unacked(unacked(transaction, ok.clone(), number, offered, world));
        if !offered {
            self.offered = description;
        }
        world.out.push(Do::Respond(transaction, Box::new(ok)));
        let ours = Ours::Quiet;
        self.state = State::Confirmed(Box::new(Confirmed {
            dialog,
            ours,
            theirs,
            acked: None,
            proof: Vec::new(),
        }));
    }

    /// A provisional response, now and every minute (RFC 3261 §13.3.1.1).
    fn ring(&mut self, response: Response, world: &mut World<'_>) {
        let State::Invited {
            transaction, early, ..
        } = &mut self.state
        else {
            return;
        };
        let response = Box::new(response);
        let again_at = world.now + RING_AGAIN;
        *early = Some(Early {
            response: response.clone(),
            again_at,
        });
        world.out.push(Do::Respond(*transaction, response));
    }

    /// The last provisional response once more.
    pub(super) fn ring_again(&mut self, world: &mut World<'_>) {
        let State::Invited {
            transaction,
            early: Some(early),
            ..
        } = &mut self.state
        else {
            return;
        };
        early.again_at = world.now + RING_AGAIN;
        world
            .out
            .push(Do::Respond(*transaction, early.response.clone()));
    }

    /// The peer cancels this INVITE of his (RFC 3261 §9.2). The 200 to the CANCEL is the agent's.
    pub fn cancelled(
        &mut self,
        cancelled: Option<TransactionId>,
        cancel: &Request,
        world: &mut World<'_>,
    ) {
        match &self.state {
            State::Invited { transaction, .. } if cancelled == Some(*transaction) => {
                let ending = status::ending_named(&cancel.headers, Cause::Cancelled);
                self.given_up(ending, world);
            }
            State::Confirmed(confirmed) => {
                if let Theirs::Asked { transaction, .. } = &confirmed.theirs
                    && cancelled == Some(*transaction)
                {
                    self.reinvite_cancelled(world);
                }
            }
            // It crossed our final response: no effect.
            State::New
            | State::Calling { .. }
            | State::Cancelling { .. }
            | State::Invited { .. }
            | State::Leaving { .. }
            | State::Over => {}
        }
    }

    /// The caller gives up before the call was answered: 487 to his INVITE.
    fn given_up(&mut self, ending: Ending, world: &mut World<'_>) {
        let State::Invited {
            transaction,
            invite,
            tag,
            ..
        } = &self.state
        else {
            return;
        };
        let terminated = Response::to(invite, 487, "Request Terminated", Some(tag));
        world
            .out
            .push(Do::Respond(*transaction, Box::new(terminated)));
        self.end(ending, world);
    }

    /// The caller's invitation has expired before anybody answered (RFC 3261 §13.3.1).
    pub(super) fn expired(&mut self, world: &mut World<'_>) {
        let why = "the caller's invitation has expired";
        world.out.push(Do::Note(why.into()));
        self.given_up(Ending::by_peer(Cause::NoAnswer).because(why), world);
    }

    /// A request inside the early dialog of his INVITE.
    pub(super) fn early_request(
        &mut self,
        transaction: TransactionId,
        request: &Request,
        world: &mut World<'_>,
    ) {
        let response = match &request.method {
            // RFC 3261 §15: the caller may end an early dialog by BYE, too.
            Method::Bye => Response::to(request, 200, "OK", None),
            Method::Options => capabilities(request, 200, "OK"),
            // RFC 3261 §14.2 for a second INVITE; a digit has nobody to hear it yet.
            _ => {
                let after = world.ids.below(11).to_string();
                Response::to(request, 500, "Not Answered Yet", None).with(Name::RetryAfter, after)
            }
        };
        world.out.push(Do::Respond(transaction, Box::new(response)));
        if request.method == Method::Bye {
            let ending = status::ending_named(&request.headers, Cause::Cancelled);
            self.given_up(ending, world);
        }
    }
}

/// How often a provisional response is sent again.
const RING_AGAIN: Duration = Duration::from_secs(60);

/// A provisional response that sets up an early dialog: with the route (RFC 3261 §12.1.1).
fn provisional(invite: &Request, status: u16, phrase: &str, tag: &str) -> Response {
    with_route(invite, Response::to(invite, status, phrase, Some(tag)))
}

fn with_route(invite: &Request, mut response: Response) -> Response {
    for route in invite.headers.all(&Name::RecordRoute) {
        response = response.with(Name::RecordRoute, route);
    }
    response
}

/// A 200 with a description.
pub(super) fn success(
    invite: &Request,
    tag: Option<&str>,
    description: Option<&SessionDescription>,
) -> Response {
    let mut ok = with_route(invite, Response::to(invite, 200, "OK", tag));
    if let Some(description) = description {
        ok.set_body(body::SDP, description.to_text().into_bytes());
    }
    ok
}

/// Our 2xx until its ACK: sent again after T1, doubled up to T2, for 64·T1 (RFC 3261 §13.3.1.4).
pub(super) fn unacked(
    transaction: TransactionId,
    response: Response,
    number: u32,
    offered: bool,
    world: &World<'_>,
) -> Unacked {
    let again = Retransmission::first(&world.timers, world.now);
    let until = world.now + world.timers.patience();
    let owes = if offered { Owes::Nothing } else { Owes::Answer };
    let response = Box::new(response);
    Unacked {
        transaction,
        response,
        number,
        again,
        until,
        owes,
        then: Then::GoOn,
    }
}

/// The final response that refuses an INVITE for a cause.
pub(super) fn refused(invite: &Request, ending: &Ending, tag: Option<&str>) -> Response {
    let (code, phrase) = match &ending.status {
        // A final status of the far side is told as it is, where it refuses something.
        Some((status, reason)) if (400..700).contains(status) && !is_challenge(*status) => {
            (*status, reason.as_str())
        }
        Some(_) | None => status::status(ending.cause),
    };
    let mut response = Response::to(invite, code, phrase, tag);
    if matches!(ending.cause, Cause::Overloaded | Cause::Draining) {
        response = response.with(Name::RetryAfter, "5");
    }
    if let Some(detail) = ending.detail.as_ref().filter(|_| code == 488) {
        // RFC 3261 §20.43: 399 is a warning of any kind.
        let text: String = detail
            .chars()
            .filter(|c| c.is_ascii() && !c.is_control())
            .collect();
        response = response.with(
            Name::Warning,
            format!("399 crosspoint {}", super::uri::quoted(&text)),
        );
    }
    response
}

/// 401 and 407 ask the gateway, not the caller.
fn is_challenge(status: u16) -> bool {
    matches!(status, 401 | 407)
}
