//! The outgoing half of a leg: INVITE, forks, CANCEL and its race with the 2xx (RFC 3261 §8.1.3,
//! §9.1, §13.2). Redirects are in `redirect.rs`.

use super::body;
use super::dialog::Dialog;
use super::leg::{Do, Leg, Purpose, World};
use super::message::{Request, Response};
use super::name::{Method, Name};
use super::redirect::Redirects;
use super::state::{Cancel, Confirmed, Fork, Heard, Ours, State, Theirs, proof_of, proven_ack};
use super::status;
use super::uri::Uri;
use crate::call::cause::Cause;
use crate::call::signal::{By, Ending, Invite, Opening, Signal};
use crate::sdp::{SessionDescription, check_answer};

/// Early dialogs of one INVITE that are told apart.
const FORKS_MAX: usize = 16;

impl Leg {
    /// What the middle says before the call is confirmed.
    pub(super) fn apply_calling(&mut self, signal: Signal, world: &mut World<'_>) {
        match (&mut self.state, signal) {
            (State::New, Signal::Invite(invite)) => self.invite(*invite, world),
            (State::New, Signal::End(_)) => self.over(world),
            (State::Calling { heard, .. }, Signal::End(ending)) => {
                let cause = status::reason(ending.cause, ending.detail.as_deref());
                let cancel = match heard {
                    Heard::Nothing => Cancel::Deferred,
                    Heard::Provisional => Cancel::Sent {
                        until: world.now + world.timers.patience(),
                    },
                };
                // An INVITE that has not left yet, as its peer is still looked for, never will.
                world.out.push(Do::Cancel(Purpose::Invite, cause.clone()));
                self.state = State::Cancelling { cancel, cause };
            }
            (State::Cancelling { .. }, _) => {} // It finishes alone.
            (_, Signal::Candidates(_)) => {
                world.out.push(Do::Note(
                    "a candidate was not sent: no trickle on SIP".into(),
                ));
            }
            // The middle says none of these to a leg that calls.
            (
                _,
                Signal::Invite(_)
                | Signal::Ring
                | Signal::Progress { .. }
                | Signal::Accept(_)
                | Signal::Offer(_)
                | Signal::Answer(_)
                | Signal::Refuse(_)
                | Signal::Dtmf(_)
                | Signal::Media(_)
                | Signal::End(_),
            ) => tracing::debug!(leg = %self.id, "said out of place to a leg that calls"),
        }
    }

    fn invite(&mut self, invite: Invite, world: &mut World<'_>) {
        let offer = match invite.opening {
            Opening::Offer(offer) => Some(offer),
            Opening::Yours => None,
            // Legs are placed as ones that need an offer first.
            Opening::Later => {
                let why = "an INVITE was to be sent before there was the offer that it needs";
                return self.end(Ending::by_gateway(Cause::Internal).because(why), world);
            }
        };
        let (tag, call_id) = (world.ids.token(), world.ids.secret());
        let mut request = Request::new(Method::Invite, self.uri.clone())
            .with(Name::MaxForwards, "70")
            .with(Name::From, format!("{};tag={tag}", self.identity.from))
            .with(Name::To, format!("<{}>", without_parameters(&self.uri)))
            .with(Name::CallId, call_id)
            .with(Name::CSeq, "1 INVITE");
        for (name, value) in &self.identity.headers {
            request.headers.push(name.clone(), value.clone());
        }
        if let Some(offer) = &offer {
            request.set_body(body::SDP, offer.to_text().into_bytes());
        }
        self.offered = offer;
        self.state = State::Calling {
            forks: Vec::new(),
            heard: Heard::Nothing,
            redirects: Redirects::new(self.uri.clone()),
        };
        world.out.push(Do::Send(Purpose::Invite, Box::new(request)));
    }

    /// A response to the INVITE, while it is under way.
    pub(super) fn response_calling(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        // RFC 3261 §8.1.3.4: where a redirect has named more places, the next one is tried.
        if (400..600).contains(&response.status) && self.try_next_place(world) {
            return;
        }
        match (&self.state, response.status) {
            (State::Calling { .. }, 100..200) => self.provisional(response, world),
            (State::Calling { .. }, 200..300) => self.accepted(request, response, world),
            (State::Calling { .. }, 300..400) => self.redirected(request, response, world),
            (State::Calling { .. }, _) => {
                let ending = refusal(response);
                self.end(ending, world);
            }
            (
                State::Cancelling {
                    cancel: Cancel::Deferred,
                    cause,
                },
                100..200,
            ) => {
                let cause = cause.clone();
                world.out.push(Do::Cancel(Purpose::Invite, cause.clone()));
                let until = world.now + world.timers.patience();
                self.state = State::Cancelling {
                    cancel: Cancel::Sent { until },
                    cause,
                };
            }
            (State::Cancelling { .. }, 100..200) => {}
            (State::Cancelling { .. }, 200..300) => {
                // RFC 3261 §9.1, §15: the 200 crossed the CANCEL. ACK, then BYE.
                world
                    .out
                    .push(Do::Note("answered while it was cancelled".into()));
                self.acknowledge_and_leave(request, response, world);
            }
            (State::Cancelling { .. }, _) => self.over(world),
            // `Leg::response` calls this in the two states above.
            _ => {}
        }
    }

    /// ACK, then BYE: the peer has answered what is no longer wanted.
    fn acknowledge_and_leave(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        let Some(mut dialog) = Dialog::as_client(response, &request.uri) else {
            return self.over(world);
        };
        let ack = proven_ack(&dialog, dialog.local_seq, &proof_of(request));
        world.out.push(Do::Ack(Box::new(ack)));
        let reason = match &self.state {
            State::Cancelling { cause, .. } => cause.clone(),
            _ => None,
        };
        let bye = self.bye(&mut dialog, reason, world);
        let remote_tag = dialog.remote_tag;
        self.state = State::Leaving { remote_tag };
        world.out.push(Do::Send(Purpose::Bye, Box::new(bye)));
    }

    /// 1xx: ringing, early media, one more fork.
    fn provisional(&mut self, response: &Response, world: &mut World<'_>) {
        let State::Calling { forks, heard, .. } = &mut self.state else {
            return;
        };
        *heard = Heard::Provisional;
        if response.status == 100 {
            return;
        }
        let tag = response.headers.to_tag().unwrap_or_default().to_owned();
        let place = match forks.iter().position(|known| known.tag == tag) {
            Some(place) => place,
            None if forks.len() < FORKS_MAX => {
                forks.push(Fork { tag, told: None });
                forks.len() - 1
            }
            None => {
                let note = "one fork too many is not followed";
                return world.out.push(Do::Note(note.into()));
            }
        };
        if response.status == 180 {
            world.out.push(Do::Signal(Signal::Ring));
        }
        let described = body::description(&response.headers, &response.body, world.limits);
        let description = match (described, &self.offered) {
            (Ok(Some(description)), Some(offer)) => match fitting(offer, description, world) {
                Ok(description) => description,
                Err(why) => {
                    let note = format!("early media is not used: {why}");
                    return world.out.push(Do::Note(note));
                }
            },
            // Without 100rel an offer in a provisional response is not reliable: the 2xx has it.
            (Ok(Some(_)), None) | (Ok(None), _) => return,
            (Err(fault), _) => {
                let note = format!("early media is not used: {}", fault.why);
                return world.out.push(Do::Note(note));
            }
        };
        let Some(fork) = forks.get_mut(place) else {
            return;
        };
        // A provisional response is repeated once a minute: only what is new is told.
        if fork.told.as_ref() != Some(&description) {
            fork.told = Some(description.clone());
            let fork = u16::try_from(place + 1).unwrap_or(u16::MAX);
            world
                .out
                .push(Do::Signal(Signal::Progress { description, fork }));
        }
    }

    /// 2xx: the first wins; it is acknowledged at once, unless the ACK has to carry the answer.
    fn accepted(&mut self, request: &Request, response: &Response, world: &mut World<'_>) {
        let Some(dialog) = Dialog::as_client(response, &request.uri) else {
            let why = "its 2xx lacks what a dialog is made of";
            return self.end(Ending::by_gateway(Cause::Misbehaved).because(why), world);
        };
        let number = dialog.local_seq;
        let described = body::description(&response.headers, &response.body, world.limits);
        let (ours, theirs) = (Ours::Quiet, Theirs::Quiet);
        let mut confirmed = Confirmed {
            dialog,
            ours,
            theirs,
            acked: None,
            proof: proof_of(request),
        };
        let verdict = match (described, &self.offered) {
            (Ok(Some(answer)), Some(offer)) => fitting(offer, answer, world),
            (Ok(Some(offer)), None) => {
                confirmed.ours = Ours::Answering { number };
                self.state = State::Confirmed(Box::new(confirmed));
                return world.out.push(Do::Signal(Signal::Accept(Some(offer))));
            }
            (Ok(None), _) => Err("its 2xx has no description".to_owned()),
            (Err(fault), _) => Err(fault.why),
        };
        world.out.push(Do::Ack(Box::new(confirmed.ack(number))));
        confirmed.acked = Some((number, Vec::new()));
        self.state = State::Confirmed(Box::new(confirmed));
        match verdict {
            Ok(answer) => world.out.push(Do::Signal(Signal::Accept(Some(answer)))),
            Err(why) => {
                // An answer cannot be refused by a status any more: ACK, then BYE with the reason.
                let ending = Ending::by_gateway(Cause::NotAcceptable).because(why);
                let reason = status::reason(ending.cause, ending.detail.as_deref());
                world.out.push(Do::Signal(Signal::End(ending)));
                self.leave(reason, world);
            }
        }
    }

    /// A 2xx after the first: of the same dialog it is acknowledged again, of another fork it is
    /// acknowledged and ended (RFC 3261 §13.2.2.4).
    pub(super) fn late_success(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        let tag = response.headers.to_tag().unwrap_or_default();
        let ours = match &self.state {
            State::Confirmed(confirmed) if confirmed.dialog.remote_tag == tag => {
                return self.acknowledge_again(response, world);
            }
            State::Leaving { remote_tag } => remote_tag == tag,
            _ => false,
        };
        let Some(mut dialog) = Dialog::as_client(response, &self.uri) else {
            return;
        };
        let ack = proven_ack(&dialog, dialog.local_seq, &proof_of(request));
        world.out.push(Do::Ack(Box::new(ack)));
        if ours {
            return; // The BYE is under way.
        }
        let note = "another fork answered, too late: ACK and BYE";
        world.out.push(Do::Note(note.into()));
        let reason = match &self.state {
            State::Confirmed(_) => status::reason(Cause::AnsweredElsewhere, None),
            _ => None,
        };
        let bye = self.bye(&mut dialog, reason, world);
        world.out.push(Do::Send(Purpose::ForkBye, Box::new(bye)));
    }

    /// The peer did not get our ACK: once more.
    pub(super) fn acknowledge_again(&self, response: &Response, world: &mut World<'_>) {
        let State::Confirmed(confirmed) = &self.state else {
            return;
        };
        let number = response.headers.cseq().map(|cseq| cseq.number);
        if let Some((acked, content)) = confirmed.acked.as_ref().filter(|(n, _)| Some(*n) == number)
        {
            let mut ack = confirmed.ack(*acked);
            if !content.is_empty() {
                ack.set_body(body::SDP, content.clone());
            }
            world.out.push(Do::Ack(Box::new(ack)));
        }
    }

    /// A 2xx to an INVITE inside a call that is over.
    pub(super) fn acknowledge_and_forget(
        &self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        if let Some(dialog) = Dialog::as_client(response, &self.uri) {
            let ack = proven_ack(&dialog, dialog.local_seq, &proof_of(request));
            world.out.push(Do::Ack(Box::new(ack)));
        }
    }

    /// No response to the INVITE, or it could not be sent.
    pub(super) fn no_response_calling(&mut self, why: &str, world: &mut World<'_>) {
        if self.try_next_place(world) {
            return;
        }
        match &self.state {
            State::Calling { .. } => {
                self.end(Ending::by_gateway(Cause::Unreachable).because(why), world);
            }
            _ => self.over(world),
        }
    }
}

/// The end that a final response other than 2xx makes.
pub(super) fn refusal(response: &Response) -> Ending {
    let warning = response.headers.get(&Name::Warning).map(str::to_owned);
    Ending {
        cause: status::cause(response.status),
        by: By::Peer,
        status: Some((response.status, response.reason.clone())),
        detail: warning,
    }
}

/// An answer as the other side is told it, where media can flow by it. Slips that do not change
/// what its sender can do are mended, and told: mids left out of sections that it turned down, a
/// direction that the offer leaves no room for (RFC 3264 §6.1), header extensions and members of
/// groups that were not offered. No call ends for these.
pub(super) fn fitting(
    offer: &SessionDescription,
    mut answer: SessionDescription,
    world: &mut World<'_>,
) -> Result<SessionDescription, String> {
    for (media, mid) in answer.take_rejected_mids_of(offer) {
        let note = format!("gave the rejected section {media} of the answer its mid {mid} again");
        world.out.push(Do::Note(note));
    }
    for (media, from, to) in answer.narrow_directions_to(offer) {
        let note = format!("narrowed {from} of section {media} to {to}: the offer leaves no more");
        world.out.push(Do::Note(note));
    }
    if answer.remove_unoffered_extmaps(offer) > 0 {
        let note = "left out header extensions that were not offered (RFC 8285 §7)";
        world.out.push(Do::Note(note.into()));
    }
    let mids = answer.drop_unoffered_group_members(offer);
    if !mids.is_empty() {
        let note = format!("left {} out of BUNDLE: not offered so", mids.join(", "));
        world.out.push(Do::Note(note));
    }
    usable(offer, &answer).map(|()| answer)
}

/// Whether media can flow by this answer without a relay: it fits the offer, and every accepted
/// section has what its offer needs of it: ICE, DTLS, one port for RTP and RTCP. An answer that has
/// not cannot be mended, because it is the peer that would have to do it.
fn usable(offer: &SessionDescription, answer: &SessionDescription) -> Result<(), String> {
    check_answer(offer, answer).map_err(|fault| fault.to_string())?;
    // What is bundled takes its transport from the tagged section, the first of its group.
    let tagged: Vec<_> = answer
        .bundle_groups()
        .into_iter()
        .filter_map(|group| group.mids.first().copied().zip(Some(group.mids)))
        .collect();
    for (ours, theirs) in offer.media().zip(answer.media()) {
        if theirs.is_rejected() {
            continue;
        }
        let bundled = theirs.mid().is_some_and(|mid| {
            let mut groups = tagged.iter();
            groups.any(|(first, mids)| *first != mid && mids.contains(&mid))
        });
        if bundled {
            continue;
        }
        let lacks = if ours.ice().is_some() && theirs.ice().is_none() {
            "ICE: no ice-ufrag and ice-pwd"
        } else if !ours.fingerprints().is_empty() && theirs.fingerprints().is_empty() {
            "DTLS-SRTP: no fingerprint"
        } else if ours.is_rtp() && ours.rtcp_mux() && !theirs.rtcp_mux() {
            "rtcp-mux, which a browser needs"
        } else {
            continue;
        };
        let (index, kind) = (theirs.index(), theirs.kind());
        return Err(format!(
            "section {index} ({kind}) of the answer lacks {lacks}"
        ));
    }
    Ok(())
}

/// A Request-URI as it stands in To: without parameters and headers (RFC 3261 §19.1.1).
fn without_parameters(uri: &Uri) -> Uri {
    match uri {
        Uri::Sip(sip) => {
            let mut bare = sip.clone();
            bare.parameters.clear();
            bare.headers = None;
            Uri::Sip(bare)
        }
        other => other.clone(),
    }
}
