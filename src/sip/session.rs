//! A confirmed call: INVITEs inside it both ways, digits, its end (RFC 3261 §12.2, §14, §15).
//!
//! What collides on this wire is answered here (491, 500); what collides in the middle is refused
//! by it, because the other side has an offer outstanding.

use super::body;
use super::dialog::Order;
use super::handled::capabilities;
use super::leg::{Do, Leg, Purpose, World};
use super::message::{Request, Response};
use super::name::{Method, Name};
use super::state::{Ours, Owes, State, Theirs, Then, Unacked};
use super::status;
use super::transaction::TransactionId;
use super::uac::fitting;
use super::uas::{success, unacked};
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Refusal, Signal};
use crate::sdp::SessionDescription;

impl Leg {
    /// What the middle says inside the call.
    pub(super) fn apply_confirmed(&mut self, signal: Signal, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match signal {
            Signal::Offer(Some(offer)) if asked_for_offer(&confirmed.theirs) => {
                self.make_offer(offer, world);
            }
            Signal::Offer(offer) => self.reoffer(offer, world),
            Signal::Answer(answer) => self.answer(answer, world),
            Signal::Refuse(refused) => self.refuse(refused.why, world),
            Signal::Dtmf(dtmf) => {
                let mut info = confirmed.dialog.request(Method::Info);
                info.set_body(body::DTMF_RELAY, body::of_digit(dtmf));
                self.sign(&mut info, world);
                world.out.push(Do::Send(Purpose::Info, Box::new(info)));
            }
            Signal::End(ending) => self.hang_up(&ending, world),
            Signal::Media(_) => {} // A phone sees it in the descriptions.
            Signal::Candidates(_) => {
                world.out.push(Do::Note(
                    "a candidate was not sent: no trickle on SIP".into(),
                ));
            }
            // The middle says none of these inside a call.
            Signal::Invite(_) | Signal::Ring | Signal::Progress { .. } | Signal::Accept(_) => {
                tracing::debug!(leg = %self.id, "said out of place inside a call");
            }
        }
    }

    /// The answer to the peer's offer: in our 2xx, or in our ACK where his 2xx made the offer.
    fn answer(&mut self, answer: SessionDescription, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if let Ours::Answering { number } = confirmed.ours {
            let text = answer.to_text().into_bytes();
            let mut ack = confirmed.ack(number);
            ack.set_body(body::SDP, text.clone());
            confirmed.acked = Some((number, text));
            confirmed.ours = Ours::Quiet;
            world.out.push(Do::Ack(Box::new(ack)));
            return;
        }
        let Theirs::Asked {
            transaction,
            request,
        } = std::mem::replace(&mut confirmed.theirs, Theirs::Quiet)
        else {
            tracing::debug!(leg = %self.id, "an answer that nobody waits for");
            return;
        };
        self.succeed(transaction, &request, Some(answer), true, world);
    }

    /// A 2xx to an INVITE inside the call.
    fn succeed(
        &mut self,
        transaction: TransactionId,
        request: &Request,
        description: Option<SessionDescription>,
        offered: bool,
        world: &mut World<'_>,
    ) {
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let ok = success(request, None, description.as_ref());
        let waits = unacked(transaction, ok.clone(), number, offered, world);
        if let State::Confirmed(confirmed) = &mut self.state {
            confirmed.theirs = Theirs::Unacked(waits);
        }
        if !offered {
            self.offered = description;
        }
        world.out.push(Do::Respond(transaction, Box::new(ok)));
    }

    /// The peer's offer is refused, or ours was taken back.
    fn refuse(&mut self, why: Refusal, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if let Theirs::Asked {
            transaction,
            request,
        } = &confirmed.theirs
        {
            let response = match why {
                // RFC 3261 §14.2.
                Refusal::Glare => Response::to(request, 491, "Request Pending", None),
                Refusal::NotAcceptable | Refusal::Withdrawn => {
                    Response::to(request, 488, "Not Acceptable Here", None)
                }
                Refusal::Unanswered => Response::to(request, 504, "Server Time-out", None),
            };
            world
                .out
                .push(Do::Respond(*transaction, Box::new(response)));
            confirmed.theirs = Theirs::Quiet;
            return;
        }
        self.withdraw(world);
    }

    /// A response says that the dialog is gone at the other end: 408 or 481 (RFC 3261 §12.2.1.2).
    pub(super) fn dialog_gone(&mut self, response: &Response, world: &mut World<'_>) {
        let ending = Ending {
            status: Some((response.status, response.reason.clone())),
            ..Ending::by_peer(Cause::Timeout)
        };
        world.out.push(Do::Signal(Signal::End(ending)));
        self.leave(None, world);
    }

    /// The middle ends the call.
    fn hang_up(&mut self, ending: &Ending, world: &mut World<'_>) {
        let reason = status::reason(ending.cause, ending.detail.as_deref());
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        match &mut confirmed.theirs {
            Theirs::Asked {
                transaction,
                request,
            } => {
                let terminated = Response::to(request, 487, "Request Terminated", None);
                world
                    .out
                    .push(Do::Respond(*transaction, Box::new(terminated)));
            }
            // RFC 3261 §15: the callee waits for the ACK before it sends BYE.
            Theirs::Unacked(unacked) => {
                unacked.then = Then::Leave(reason);
                return;
            }
            Theirs::Quiet => {}
        }
        if let Ours::Answering { number } = confirmed.ours {
            let ack = confirmed.ack(number);
            world.out.push(Do::Ack(Box::new(ack)));
        }
        self.leave(reason, world);
    }

    /// A request inside the dialog.
    pub fn request(
        &mut self,
        transaction: TransactionId,
        request: Box<Request>,
        world: &mut World<'_>,
    ) {
        let confirmed = match &mut self.state {
            State::Confirmed(confirmed) => confirmed,
            State::Invited { .. } => return self.early_request(transaction, &request, world),
            // RFC 5407 §3.2.1: two BYEs that cross are both answered with 200.
            State::Leaving { .. } if request.method == Method::Bye => {
                let ok = Response::to(&request, 200, "OK", None);
                return world.out.push(Do::Respond(transaction, Box::new(ok)));
            }
            State::New
            | State::Calling { .. }
            | State::Cancelling { .. }
            | State::Leaving { .. }
            | State::Over => {
                let gone = no_dialog(&request);
                return world.out.push(Do::Respond(transaction, Box::new(gone)));
            }
        };
        if confirmed.dialog.order(&request.headers) == Order::Stale {
            // RFC 3261 §12.2.2.
            let stale = Response::to(&request, 500, "CSeq out of order", None);
            return world.out.push(Do::Respond(transaction, Box::new(stale)));
        }
        match request.method {
            Method::Bye => self.bye_received(transaction, &request, world),
            Method::Invite => self.reinvited(transaction, request, world),
            Method::Info => self.info(transaction, &request, world),
            Method::Options => {
                let ok = capabilities(&request, 200, "OK");
                world.out.push(Do::Respond(transaction, Box::new(ok)));
            }
            // The agent lets only methods of its table in here.
            _ => {
                let unknown = Response::to(&request, 501, "Not Implemented", None);
                world.out.push(Do::Respond(transaction, Box::new(unknown)));
            }
        }
    }

    /// Whether a request inside the dialog that changes nothing in it is in order
    /// (RFC 3261 §12.2.2).
    ///
    /// # Errors
    /// The status and the reason phrase that refuse it.
    pub fn in_order(&mut self, request: &Request) -> Result<(), (u16, &'static str)> {
        match &mut self.state {
            State::Confirmed(confirmed) => match confirmed.dialog.order(&request.headers) {
                Order::Stale => Err((500, "CSeq out of order")),
                Order::Next => Ok(()),
            },
            State::Invited { .. } => Ok(()),
            State::New
            | State::Calling { .. }
            | State::Cancelling { .. }
            | State::Leaving { .. }
            | State::Over => Err((481, "Call/Transaction Does Not Exist")),
        }
    }

    fn bye_received(&mut self, transaction: TransactionId, bye: &Request, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &self.state else {
            return;
        };
        if let Theirs::Asked {
            transaction,
            request,
        } = &confirmed.theirs
        {
            // RFC 3261 §15.1.2: what is pending is answered with 487.
            let terminated = Response::to(request, 487, "Request Terminated", None);
            world
                .out
                .push(Do::Respond(*transaction, Box::new(terminated)));
        }
        let ended = matches!(
            &confirmed.theirs,
            Theirs::Unacked(Unacked {
                then: Then::Leave(_),
                ..
            })
        );
        let ok = Response::to(bye, 200, "OK", None);
        world.out.push(Do::Respond(transaction, Box::new(ok)));
        if ended {
            return self.over(world);
        }
        self.end(status::ending_named(&bye.headers, Cause::Normal), world);
    }

    /// An INVITE inside the call (RFC 3261 §14.2).
    fn reinvited(
        &mut self,
        transaction: TransactionId,
        request: Box<Request>,
        world: &mut World<'_>,
    ) {
        let described = body::description(&request.headers, &request.body, world.limits);
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if !matches!(confirmed.theirs, Theirs::Quiet) {
            // RFC 3261 §14.2: 0 to 10 seconds.
            let after = world.ids.below(11);
            let pending = Response::to(&request, 500, "Overlapping Requests", None)
                .with(Name::RetryAfter, after.to_string());
            return world.out.push(Do::Respond(transaction, Box::new(pending)));
        }
        if confirmed.ours.is_under_way() {
            // RFC 3261 §14.2: his crosses ours.
            let pending = Response::to(&request, 491, "Request Pending", None);
            return world.out.push(Do::Respond(transaction, Box::new(pending)));
        }
        let description = match described {
            Ok(description) => description,
            Err(fault) => {
                let refusal = refused_body(&request, &fault);
                return world.out.push(Do::Respond(transaction, Box::new(refusal)));
            }
        };
        confirmed.dialog.refresh_target(&request.headers);
        if let Ours::Queued { at: Some(_), .. } = confirmed.ours {
            // His came while ours waited out a 491: his goes first, ours is given up.
            confirmed.ours = Ours::Quiet;
            world
                .out
                .push(Do::Signal(Signal::Refuse(Refusal::Glare.into())));
        }
        // RFC 3261 §17.2.1: an answer may take longer than 200 ms, and it would be repeated.
        let trying = Response::to(&request, 100, "Trying", None);
        world.out.push(Do::Respond(transaction, Box::new(trying)));
        confirmed.theirs = Theirs::Asked {
            transaction,
            request,
        };
        world.out.push(Do::Signal(Signal::Offer(description)));
    }

    /// The offer that an INVITE without one asked for, in our 2xx.
    fn make_offer(&mut self, offer: SessionDescription, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if let Theirs::Asked {
            transaction,
            request,
        } = std::mem::replace(&mut confirmed.theirs, Theirs::Quiet)
        {
            self.succeed(transaction, &request, Some(offer), false, world);
        }
    }

    /// The peer cancels his INVITE inside the call.
    pub(super) fn reinvite_cancelled(&mut self, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if let Theirs::Asked {
            transaction,
            request,
        } = &confirmed.theirs
        {
            let terminated = Response::to(request, 487, "Request Terminated", None);
            world
                .out
                .push(Do::Respond(*transaction, Box::new(terminated)));
            confirmed.theirs = Theirs::Quiet;
            world
                .out
                .push(Do::Signal(Signal::Refuse(Refusal::Withdrawn.into())));
        }
    }

    fn info(&mut self, transaction: TransactionId, info: &Request, world: &mut World<'_>) {
        let response = if let Some(dtmf) = body::digit(&info.headers, &info.body) {
            world.out.push(Do::Signal(Signal::Dtmf(dtmf)));
            Response::to(info, 200, "OK", None)
        } else if info.headers.get(&Name::InfoPackage).is_some() {
            // RFC 6086 §4.2.2: no package was agreed on.
            Response::to(info, 469, "Bad Info Package", None).with(Name::RecvInfo, "")
        } else if info.body.is_empty() {
            Response::to(info, 200, "OK", None)
        } else {
            Response::to(info, 415, "Unsupported Media Type", None)
                .with(Name::Accept, body::DTMF_RELAY)
        };
        world.out.push(Do::Respond(transaction, Box::new(response)));
    }

    /// The ACK of a 2xx of ours.
    pub fn acknowledged(&mut self, ack: &Request, world: &mut World<'_>) {
        let number = ack.headers.cseq().map(|cseq| cseq.number);
        let answer = body::description(&ack.headers, &ack.body, world.limits);
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let Theirs::Unacked(unacked) = &confirmed.theirs else {
            return;
        };
        if number != Some(unacked.number) {
            return;
        }
        let (owes, then) = (unacked.owes, unacked.then.clone());
        confirmed.theirs = Theirs::Quiet;
        if let Then::Leave(reason) = then {
            return self.leave(reason, world);
        }
        if owes == Owes::Answer {
            let verdict = match (answer, &self.offered) {
                (Ok(Some(answer)), Some(offer)) => fitting(offer, answer, world),
                (Ok(Some(answer)), None) => Ok(answer),
                (Ok(None), _) => Err("the ACK carries no answer to our offer".to_owned()),
                (Err(fault), _) => Err(fault.why),
            };
            match verdict {
                Ok(answer) => world.out.push(Do::Signal(Signal::Answer(answer))),
                Err(why) => {
                    // RFC 3261 §13.2.2.4: no session without an answer.
                    let ending = Ending::by_gateway(Cause::NotAcceptable).because(why);
                    let reason = status::reason(ending.cause, ending.detail.as_deref());
                    world.out.push(Do::Signal(Signal::End(ending)));
                    return self.leave(reason, world);
                }
            }
        }
        if let State::Confirmed(confirmed) = &self.state
            && matches!(confirmed.ours, Ours::Queued { at: None, .. })
        {
            self.reinvite(world);
        }
    }

    /// What is due inside the call: a 2xx again, an INVITE after a 491.
    pub(super) fn timeout_confirmed(&mut self, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        if let Theirs::Unacked(unacked) = &mut confirmed.theirs {
            if unacked.until <= world.now {
                return self.never_acknowledged(world);
            }
            if unacked.again.at <= world.now {
                unacked.again = unacked.again.next(Some(world.timers.t2), world.now);
                let (transaction, response) = (unacked.transaction, unacked.response.clone());
                world.out.push(Do::RespondAgain(transaction, response));
            }
        }
        if let Ours::Queued { at: Some(at), .. } = &confirmed.ours
            && *at <= world.now
            && matches!(confirmed.theirs, Theirs::Quiet)
        {
            self.reinvite(world);
        }
    }

    /// RFC 3261 §13.3.1.4: no ACK within 64·T1: BYE.
    fn never_acknowledged(&mut self, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let Theirs::Unacked(unacked) = std::mem::replace(&mut confirmed.theirs, Theirs::Quiet)
        else {
            return;
        };
        let contact = self.identity.contact.as_deref().unwrap_or("our Contact");
        let why = format!("no ACK for our 200: it should have come to {contact}");
        world.out.push(Do::Alarm(why.clone()));
        let reason = match unacked.then {
            Then::Leave(reason) => reason,
            Then::GoOn => {
                let ending = Ending::by_gateway(Cause::Timeout).because(why);
                world.out.push(Do::Signal(Signal::End(ending)));
                None
            }
        };
        self.leave(reason, world);
    }
}

/// Whether an INVITE of theirs without an offer waits for ours.
fn asked_for_offer(theirs: &Theirs) -> bool {
    matches!(theirs, Theirs::Asked { request, .. } if request.body.is_empty())
}

/// The response to a request for a dialog that is not there (RFC 3261 §12.2.2).
#[must_use]
pub(super) fn no_dialog(request: &Request) -> Response {
    Response::to(request, 481, "Call/Transaction Does Not Exist", None)
}

/// The response to a body that cannot be taken.
#[must_use]
pub(super) fn refused_body(request: &Request, fault: &body::BodyFault) -> Response {
    let phrase = match fault.status {
        415 => "Unsupported Media Type",
        413 => "Request Entity Too Large",
        488 => "Not Acceptable Here",
        _ => "Bad Request",
    };
    let response = Response::to(request, fault.status, phrase, None);
    if fault.status == 415 {
        response.with(Name::Accept, body::SDP)
    } else {
        response
    }
}
