//! What the middle says to a leg, and what its client is told of it.

use super::exchange::Exchange;
use super::{Flowing, Invitation, Leg, State, Told, text};
use crate::call::signal::{By, Dtmf, Invite, MediaFlow, Opening, Refusal, Refused, Signal};
use crate::sdp::{SessionDescription, Trickle};
use crate::ws::frame::{
    Caller, CandidateInit, Description, DescriptionType, EndedBy, Event, Header, Media, Need,
    RollbackCode, SipStatus,
};

impl Leg {
    /// Tells the client what the middle says.
    pub(in crate::ws) fn apply(&mut self, signal: Signal) -> Told {
        use State::{Accepting, Calling, Early, Established, Invited, Over, Promised, Ringing};
        match (&self.state, signal) {
            (Over, _) => Told::default(), // Its client knows the end already.
            (Invited(_), Signal::Invite(invite)) => self.invite(*invite),
            (Calling, Signal::Ring) => {
                self.state = Ringing;
                Told::event(Event::CallRinging {
                    call: self.call.clone(),
                })
            }
            (Ringing | Early, Signal::Ring) => Told::default(), // It rings already.
            (Calling | Ringing | Early, Signal::Progress { description, fork }) => {
                self.progressed(description, fork)
            }
            (Calling | Ringing | Early, Signal::Accept(description)) => self.accepted(description),
            (Accepting, Signal::Answer(answer)) => self.accepted(Some(answer)),
            (_, Signal::Offer(Some(offer))) => {
                let (description, number) = self.offer(offer);
                self.described(description, number)
            }
            (_, Signal::Offer(None)) => {
                self.exchange = match std::mem::take(&mut self.exchange) {
                    Exchange::Stable | Exchange::Requested => Exchange::Requested,
                    // The client's own offer is the one that is asked for.
                    open => open,
                };
                Told::event(Event::CallOfferRequested {
                    call: self.call.clone(),
                })
            }
            (_, Signal::Answer(answer)) => match self.exchange.theirs() {
                Some(number) => {
                    self.exchange.settle_theirs();
                    let description = text(DescriptionType::Answer, &answer);
                    self.told = Some(answer);
                    self.described(description, number)
                }
                None => Told::note("an answer that nobody here waits for is not told"),
            },
            (_, Signal::Refuse(refused)) => self.rolled_back(refused),
            (_, Signal::Candidates(trickles)) => self.candidates(&trickles),
            (_, Signal::Dtmf(Dtmf { digit, duration })) => Told::event(Event::CallDtmf {
                call: self.call.clone(),
                digit: digit.to_string(),
                duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            }),
            (Established, Signal::Media(flows)) => {
                let media = flows.into_iter().map(media).collect();
                Told {
                    events: self.flowing(media).into_iter().collect(),
                    notes: Vec::new(),
                }
            }
            (
                Calling | Ringing | Early | Invited(_) | Accepting | Promised,
                Signal::Media(flows),
            ) => {
                self.media = Flowing::Waiting(flows.into_iter().map(media).collect());
                Told::default()
            }
            (_, Signal::End(ending)) => {
                let by = match ending.by {
                    By::Peer => EndedBy::Remote,
                    By::Gateway => EndedBy::Gateway,
                };
                Told::event(self.ended(&ending, by))
            }
            // Out of place: the middle says none of these.
            (
                Invited(_) | Accepting | Promised | Established,
                Signal::Ring | Signal::Progress { .. },
            ) => Told::note("the callee is not told that he rings"),
            (Invited(_) | Accepting | Promised | Established, Signal::Accept(_)) => {
                Told::note("the call is answered already")
            }
            (Calling | Ringing | Early | Accepting | Promised | Established, Signal::Invite(_)) => {
                Told::note("the call has begun already")
            }
        }
    }

    fn invite(&mut self, invite: Invite) -> Told {
        let Invite {
            from,
            to,
            opening,
            headers,
        } = invite;
        self.peer = Some(from.uri.clone());
        let need = match opening {
            Opening::Offer(offer) => {
                self.offer(offer);
                Need::Answer
            }
            Opening::Yours => Need::Offer,
            Opening::Later => Need::Nothing,
        };
        let headers = headers
            .into_iter()
            .map(|(name, value)| Header { name, value });
        let account = match &mut self.state {
            State::Invited(placed) => placed.account.take(),
            _ => None,
        };
        let invitation = Box::new(Invitation {
            account,
            from: Caller {
                uri: from.uri,
                display_name: from.display_name,
            },
            to: to.to_string(),
            headers: headers.collect(),
            need,
        });
        let event = self.invited(&invitation);
        self.state = State::Invited(invitation);
        Told::event(event)
    }

    /// Early media. Firefox has no `pranswer`, so only a client that says it can take one gets one;
    /// for the others the answer of the acceptance says it all.
    fn progressed(&mut self, description: SessionDescription, dialog: u16) -> Told {
        if !self.capabilities.pranswer {
            return Told::note("the early answer is not told: the client takes no pranswer");
        }
        let Some(negotiation) = self.exchange.theirs() else {
            return Told::note("an early answer that nobody here waits for is not told");
        };
        self.state = State::Early;
        let call = self.call.clone();
        let kind = DescriptionType::Pranswer;
        let event = Event::CallProgress {
            call,
            description: text(kind, &description),
            dialog,
            negotiation,
        };
        self.told = Some(description);
        Told::event(event)
    }

    /// The call is answered: by the answer to the client's offer, or by an offer where the client
    /// made none, or without a description where they are exchanged already.
    fn accepted(&mut self, description: Option<SessionDescription>) -> Told {
        self.state = State::Established;
        let (description, negotiation) = match (description, self.exchange.theirs()) {
            (Some(answer), Some(number)) => {
                self.exchange.settle_theirs();
                let description = text(DescriptionType::Answer, &answer);
                self.told = Some(answer);
                (Some(description), Some(number))
            }
            (Some(offer), None) => {
                let (description, number) = self.offer(offer);
                (Some(description), Some(number))
            }
            (None, _) => (None, None),
        };
        let call = self.call.clone();
        let mut events = vec![Event::CallAccepted {
            call,
            description,
            negotiation,
        }];
        if let Flowing::Waiting(media) = std::mem::take(&mut self.media) {
            events.extend(self.flowing(media));
        }
        Told {
            events,
            notes: Vec::new(),
        }
    }

    /// Notes an offer for the client. Returns it with its number.
    fn offer(&mut self, offer: SessionDescription) -> (Description, u64) {
        self.offers += 1;
        let description = text(DescriptionType::Offer, &offer);
        let before = self.told.replace(offer);
        self.exchange.offer_told(self.offers, before);
        (description, self.offers)
    }

    /// Notes an offer of the client.
    pub(super) fn offer_made(&mut self, number: u64, offer: &SessionDescription) {
        let before = self.said.take();
        self.say(offer);
        self.exchange.offer_made(number, before);
    }

    /// Notes a description of the client.
    pub(super) fn say(&mut self, description: &SessionDescription) {
        self.said = Some(description.clone());
        self.candidates = 0;
    }

    /// An offer came to nothing: the client's own, or the one that it was told.
    fn rolled_back(&mut self, refused: Refused) -> Told {
        let Refused { why, status } = refused;
        let code = match why {
            Refusal::Glare => RollbackCode::Glare,
            Refusal::NotAcceptable => RollbackCode::NotAcceptable,
            Refusal::Withdrawn => RollbackCode::Withdrawn,
            Refusal::Unanswered => RollbackCode::Unanswered,
        };
        let withdrawn = why == Refusal::Withdrawn;
        let number = match self.exchange {
            // Only the offer of the other side can be withdrawn by it.
            Exchange::Ours { number, .. } | Exchange::Crossed { ours: number, .. }
                if withdrawn || self.exchange.theirs().is_none() =>
            {
                self.told = self.exchange.settle_ours();
                number
            }
            Exchange::Theirs { number, .. } | Exchange::Crossed { theirs: number, .. } => {
                self.said = self.exchange.settle_theirs();
                number
            }
            Exchange::Requested => {
                self.exchange = Exchange::Stable;
                return Told::note("the offer that was asked for is not needed any more");
            }
            Exchange::Ours { .. } | Exchange::Stable => {
                return Told::note("there is no offer that could be rolled back");
            }
        };
        let description = Description {
            kind: DescriptionType::Rollback,
            sdp: String::new(),
        };
        let sip = status.map(|(status, reason)| SipStatus { status, reason });
        Told::event(Event::CallDescription {
            call: self.call.clone(),
            description,
            negotiation: Some(number),
            code: Some(code),
            sip,
        })
    }

    fn described(&self, description: Description, number: u64) -> Told {
        Told::event(Event::CallDescription {
            call: self.call.clone(),
            description,
            negotiation: Some(number),
            code: None,
            sip: None,
        })
    }

    /// Candidates of the far side. Before the client has its description there is nothing to add
    /// them to, and the description will have them.
    fn candidates(&mut self, trickles: &[Trickle]) -> Told {
        let Some(remote) = &mut self.told else {
            return Told::default();
        };
        let mut told = Told::default();
        for trickle in trickles {
            let placed = match remote.resolve(trickle) {
                _ if trickle.is_end_of_all() => trickle.clone(),
                Ok(section) => match remote.media_at(section) {
                    Some(media) => trickle.placed(&media),
                    None => trickle.clone(),
                },
                Err(wrong) => {
                    told.notes.push(format!("a candidate is not told: {wrong}"));
                    continue;
                }
            };
            // Kept for a client that must be told the offer again; one of another generation has
            // no place in it and is told all the same.
            let _ = remote.trickle(trickle);
            let candidate = CandidateInit {
                candidate: Some(
                    placed
                        .candidate
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                ),
                sdp_mid: placed.mid,
                sdp_mline_index: placed.mline,
                username_fragment: placed.ufrag,
            };
            told.events.push(Event::CallCandidate {
                call: self.call.clone(),
                candidate,
            });
        }
        told
    }

    /// What flows now, where that has changed.
    fn flowing(&mut self, media: Vec<Media>) -> Option<Event> {
        if self.media == Flowing::Told(media.clone()) {
            return None;
        }
        self.media = Flowing::Told(media.clone());
        Some(Event::CallMedia {
            call: self.call.clone(),
            media,
        })
    }
}

fn media(flow: MediaFlow) -> Media {
    Media {
        mid: flow.mid,
        kind: flow.kind,
        held_here: flow.state.held_here,
        held_there: flow.state.held_there,
        sending: flow.state.sending,
        receiving: flow.state.receiving,
    }
}
