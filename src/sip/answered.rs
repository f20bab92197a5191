//! What came of requests of ours: responses, time-outs, flows that broke (RFC 3261 §8.1.3, RFC 3263
//! §4.3).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::agent::{Agent, Event};
use super::dialog::Dialog;
use super::flow::Flow;
use super::leg::Purpose;
use super::message::{Message, Request, Response};
use super::name::Method;
use super::outbound::{Phase, Sent, Who};
use super::state::proof_of;
use super::transaction::{self, TransactionId};
use super::trunk::Answers;
use crate::id::{LegId, Source};

impl Agent {
    /// Carries out what the transactions want.
    pub(super) fn pump(&mut self, ids: &mut Source, now: Instant) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                transaction::Event::Transmit {
                    flow,
                    bytes,
                    id,
                    again,
                } => {
                    self.counts.retransmissions += u64::from(again);
                    let leg = id.and_then(|id| self.leg_of(id));
                    self.trace_sent(leg, flow, &bytes, again, now);
                    if !self.is_gone(flow) {
                        self.events.push_back(Event::Transmit { flow, bytes });
                    } else if let Err(why) = self.respond_elsewhere(bytes, now)
                        && let Some(leg) = leg
                    {
                        let who = Who::Ack(leg);
                        self.note(&who, now, || format!("the response is lost: {why}"));
                    }
                }
                transaction::Event::Request { id, request, flow } => {
                    self.request(id, *request, flow, ids, now);
                }
                transaction::Event::Response { id, response, flow } => {
                    self.response(id, *response, flow, ids, now);
                }
                transaction::Event::Ack { request, flow } => self.ack(*request, flow, ids, now),
                transaction::Event::Stray { response, flow } => {
                    self.counts.strays += 1;
                    tracing::debug!(?flow, status = response.status, "a response fits nothing");
                }
                transaction::Event::TimedOut { id } => {
                    self.serving.remove(&id);
                    self.failed(id, Failure::NoResponse, ids, now);
                }
                transaction::Event::Failed { id } => {
                    self.failed(id, Failure::Broken, ids, now);
                }
                transaction::Event::Ended { id } => {
                    self.serving.remove(&id);
                    self.sent.remove(&id);
                }
            }
        }
        self.wind_clock(now);
    }

    /// The leg that a transaction is of: for traces.
    fn leg_of(&self, id: TransactionId) -> Option<LegId> {
        match self.sent.get(&id).map(|sent| &sent.who) {
            Some(Who::Leg(leg, _) | Who::Ack(leg)) => Some(*leg),
            Some(Who::Registration(_) | Who::Health(_) | Who::Page(_)) => None,
            None => self.serving.get(&id).copied(),
        }
    }

    fn response(
        &mut self,
        id: TransactionId,
        response: Response,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        let message = Message::Response(response);
        self.trace_received(self.leg_of(id), flow, &message, now);
        let Message::Response(response) = message else {
            return;
        };
        if response.is_provisional() {
            let sent = self.sent.get_mut(&id).map(|sent| {
                sent.phase = Phase::Proceeding;
                (sent.who.clone(), Arc::clone(&sent.request))
            });
            if let Some((Who::Leg(leg, purpose), request)) = sent {
                self.with_leg(leg, ids, now, |leg, world| {
                    leg.response(purpose, &request, &response, world);
                });
            }
            return;
        }
        let Some(sent) = self.sent.remove(&id) else {
            return;
        };
        if sent.request.method == Method::Invite && response.is_success() {
            // The transaction may bring more 2xx, of other forks (RFC 6026 §7.2).
            // For those its header fields do; the description would be kept as long as Timer M.
            let request = Request {
                body: Vec::new(),
                ..(*sent.request).clone()
            };
            let accepted = Sent {
                phase: Phase::Accepted,
                hops: VecDeque::new(),
                request: Arc::new(request),
                ..sent.clone()
            };
            self.sent.insert(id, accepted);
        }
        // RFC 3263 §4.3: 503 sends on to the next place.
        if response.status == 503 && !sent.hops.is_empty() && self.is_wanted(&sent.who) {
            self.note(&sent.who, now, || "503: the next address is tried".into());
            return self.next_hop(sent.again(), "503", ids, now);
        }
        match sent.who.clone() {
            Who::Leg(leg, purpose) => {
                self.response_to_leg(leg, purpose, sent, &response, ids, now);
            }
            Who::Registration(key) => {
                self.registered(key, &sent.request, &response, flow, ids, now);
            }
            Who::Health(place) => self.health(place, Answers::Yes, now),
            Who::Page(note) => self.page_answered(note, &sent.request, &response, ids, now),
            Who::Ack(_) => {} // An ACK has no response.
        }
    }

    fn response_to_leg(
        &mut self,
        leg: LegId,
        purpose: Purpose,
        sent: Sent,
        response: &Response,
        ids: &mut Source,
        now: Instant,
    ) {
        let challenged = matches!(response.status, 401 | 407);
        let mut again = None;
        let there = self.with_leg(leg, ids, now, |leg, world| {
            if challenged && leg.wants_retry(purpose) {
                again = leg.authorized(&sent.request, response, world);
            }
            if again.is_none() {
                leg.response(purpose, &sent.request, response, world);
            }
        });
        if let Some(again) = again {
            let (hop, way) = self.hop_of(leg, &again);
            self.send(sent.who, again, &hop, way, ids, now);
        } else if !there && response.is_success() {
            self.response_to_nobody(leg, purpose, &sent.request, response, ids, now);
        }
    }

    /// A 2xx to an INVITE of a leg that is over: acknowledged whenever it comes (RFC 3261
    /// §13.2.2.4), and what it has begun is ended.
    fn response_to_nobody(
        &mut self,
        leg: LegId,
        purpose: Purpose,
        request: &Request,
        response: &Response,
        ids: &mut Source,
        now: Instant,
    ) {
        if !matches!(purpose, Purpose::Invite | Purpose::Reinvite) {
            return;
        }
        let Some(mut dialog) = Dialog::as_client(response, &request.uri) else {
            return;
        };
        let mut ack = dialog.ack(dialog.local_seq);
        for (name, value) in proof_of(request) {
            ack.headers.push(name, value);
        }
        let (hop, way) = self.hop_of(leg, &ack);
        self.send(Who::Ack(leg), ack, &hop, way, ids, now);
        if purpose == Purpose::Invite {
            let bye = dialog.request(Method::Bye);
            let (hop, way) = self.hop_of(leg, &bye);
            let who = Who::Leg(leg, Purpose::ForkBye);
            self.send(who, bye, &hop, way, ids, now);
        }
    }

    /// Whether a request may be tried at the next place: nobody has taken it back meanwhile.
    fn is_wanted(&self, who: &Who) -> bool {
        match who {
            Who::Leg(leg, purpose) => {
                let placed = self.legs.get(leg);
                placed.map_or(*purpose == Purpose::ForkBye, |placed| {
                    placed.leg.wants_retry(*purpose)
                })
            }
            Who::Ack(_) | Who::Registration(_) | Who::Health(_) | Who::Page(_) => true,
        }
    }

    /// A transaction of ours has come to nothing: the next place is tried, or its owner told.
    fn failed(&mut self, id: TransactionId, failure: Failure, ids: &mut Source, now: Instant) {
        let Some(mut sent) = self.sent.remove(&id) else {
            return;
        };
        let why = failure.why();
        if failure == Failure::NoResponse {
            self.give_up_silent(sent.flow, ids, now);
        }
        if self.end_again(&sent, ids, now) {
            return;
        }
        if let (Failure::Broken, Some(udp)) = (failure, sent.instead_of_udp.take()) {
            self.outbound.refuses_tcp(udp.remote, now);
            if sent.who.may_be_cut() {
                self.note(&sent.who, now, || format!("back to UDP: {why}"));
                sent.hops.push_front(udp);
            }
        }
        if sent.hops.is_empty() || !self.is_wanted(&sent.who) {
            return self.no_response_to(sent.who, why, ids, now);
        }
        self.note(&sent.who, now, || {
            format!("{why}: the next address is tried")
        });
        self.next_hop(sent.again(), why, ids, now);
    }

    /// Tells the owner of a request that there is no response to it.
    pub(super) fn no_response_to(&mut self, who: Who, why: &str, ids: &mut Source, now: Instant) {
        match who {
            Who::Leg(leg, purpose) => {
                let who = Who::Leg(leg, purpose);
                self.note(&who, now, || {
                    format!("nothing came of {}: {why}", purpose.words())
                });
                self.with_leg(leg, ids, now, |leg, world| {
                    leg.no_response(purpose, why, world);
                });
            }
            Who::Registration(key) => {
                let outcome = self.registrations.no_response(&key, why, ids, now);
                self.registration_outcome(key, outcome, ids, now);
            }
            Who::Health(place) => self.health(place, Answers::No, now),
            Who::Page(note) => self.page_lost(note, why),
            Who::Ack(leg) => self.note(&Who::Ack(leg), now, || format!("the ACK is lost: {why}")),
        }
    }
}

/// Why a transaction came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    NoResponse,
    Broken,
}

impl Failure {
    fn why(self) -> &'static str {
        match self {
            Self::NoResponse => "no response",
            Self::Broken => "the connection broke",
        }
    }
}
