//! Requests of peers: who may ask what, and which leg it is for (RFC 3261 §8.2, §12.2.2).

use std::net::IpAddr;
use std::time::Instant;

use super::agent::{Agent, Call, Door, Event, Incoming};
use super::body;
use super::contact::Scheme;
use super::flow::Flow;
use super::handled::{capabilities, refusal_of_form};
use super::leg::{Identity, Leg};
use super::message::{Message, Request, Response};
use super::name::{Method, Name};
use super::placed::Placed;
use super::session::{no_dialog, refused_body};
use super::transaction::TransactionId;
use super::uri::NameAddr;
use crate::call::signal::{Caller, Invite};
use crate::config::Transport;
use crate::id::{LegId, Source};

impl Agent {
    /// A new request.
    pub(super) fn request(
        &mut self,
        id: TransactionId,
        request: Request,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        let leg = self.leg_for(&request);
        // What people write is in no call's trace.
        let is_traced = request.method != Method::Message;
        let message = Message::Request(request);
        if let Some(leg) = leg.filter(|_| is_traced) {
            self.trace_received(Some(leg), flow, &message, now);
            self.serving.insert(id, leg);
        }
        let Message::Request(request) = message else {
            return;
        };
        if let Flow::Stream(stream) = flow
            && self.caller(&request, flow).is_some()
        {
            self.streams.trust(stream);
        }
        if leg.is_none() && self.is_strange(&request, flow) {
            return self.stranger(id, request, flow, ids, now);
        }
        if let Some(refusal) = refusal_of_form(&request) {
            return match leg {
                Some(_) => self.answer(id, refusal, ids, now),
                None => self.refuse(id, request, refusal, flow, ids, now),
            };
        }
        if leg.is_none() && self.breaks_sips(&request, flow) {
            // RFC 3261 §8.2.2.1: a scheme that is not supported, here by this transport.
            let refusal = Response::to(&request, 416, "SIPS Needs TLS", None);
            return self.answer(id, refusal, ids, now);
        }
        match (&request.method, leg) {
            (Method::Cancel, Some(leg)) => self.cancelled(id, &request, leg, ids, now),
            (Method::Cancel, None) => {
                // RFC 3261 §9.2: one that crosses our final response has no effect.
                let response = match self.transactions.cancelled_by(&request) {
                    Some(_) => Response::to(&request, 200, "OK", None),
                    None => no_dialog(&request),
                };
                self.answer(id, response, ids, now);
            }
            (Method::Message, Some(leg)) => self.paged_inside(leg, id, request, flow, ids, now),
            (_, Some(leg)) => {
                self.with_leg(leg, ids, now, |leg, world| {
                    leg.request(id, Box::new(request), world);
                });
            }
            (_, None) if request.headers.to_tag().is_some() => {
                self.answer(id, no_dialog(&request), ids, now);
            }
            (Method::Invite, None) => self.invited(id, request, flow, ids, now),
            (Method::Message, None) => match self.caller(&request, flow) {
                Some(caller) => self.paged(id, request, caller, ids, now),
                None => self.stranger(id, request, flow, ids, now),
            },
            (Method::Options, None) => self.asked_for_options(id, &request, ids, now),
            // BYE and INFO outside of a dialog.
            (_, None) => self.answer(id, no_dialog(&request), ids, now),
        }
    }

    /// The leg that a request is for: by the INVITE that it cancels, or by its dialog.
    fn leg_for(&self, request: &Request) -> Option<LegId> {
        if request.method == Method::Cancel {
            let invite = self.transactions.cancelled_by(request)?;
            return self.serving.get(&invite).copied();
        }
        let tag = request.headers.to_tag()?.to_owned();
        let key = (request.headers.call_id().to_owned(), tag);
        let leg = self.dialogs.get(&key).copied()?;
        // RFC 3261 §12.2.2: both tags are of the dialog.
        let placed = self.legs.get(&leg)?;
        placed
            .leg
            .talks_to(request.headers.from_tag())
            .then_some(leg)
    }

    /// Answers without a leg; every response but 100 has a To tag (RFC 3261 §8.2.6.2).
    pub(super) fn answer(
        &mut self,
        id: TransactionId,
        mut response: Response,
        ids: &mut Source,
        now: Instant,
    ) {
        response.tag(&ids.token());
        self.transactions.respond(id, &response, now);
        self.pump(ids, now);
    }

    /// Whether somebody asks who has no business here: what is of no call of ours is taken from
    /// known peers alone, however it looks.
    fn is_strange(&self, request: &Request, flow: Flow) -> bool {
        match request.method {
            Method::Cancel => self.transactions.cancelled_by(request).is_none(),
            _ => self.caller(request, flow).is_none(),
        }
    }

    /// Whether a request asks for `sips:` and did not come by TLS (RFC 3261 §26.2.2: it is carried
    /// by TLS on each hop, and the last one is ours).
    fn breaks_sips(&self, request: &Request, flow: Flow) -> bool {
        let is_sips = request.uri.sip().is_some_and(|uri| uri.secure);
        is_sips && self.way_of(flow).0 != Transport::Tls
    }

    fn stranger(
        &mut self,
        id: TransactionId,
        request: Request,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        self.counts.strangers += 1;
        let source = self.source_of(flow);
        if source.is_some_and(|source| self.strangers.is_told(source, now)) {
            tracing::info!(?source, method = %request.method, "a stranger asks: told so once");
            // A phone whose BYE has crossed ours is a stranger by its address.
            let refusal = match request.headers.to_tag() {
                Some(_) => no_dialog(&request),
                None => Response::to(&request, 403, "Forbidden", None),
            };
            return self.refuse(id, request, refusal, flow, ids, now);
        }
        self.transactions.forget(id);
    }

    fn cancelled(
        &mut self,
        id: TransactionId,
        cancel: &Request,
        leg: LegId,
        ids: &mut Source,
        now: Instant,
    ) {
        let mut ok = Response::to(cancel, 200, "OK", None);
        // RFC 3261 §9.2: the tag is that of the response to the INVITE.
        let dialog = self.legs.get(&leg).and_then(|placed| placed.dialog.clone());
        ok.tag(&dialog.map_or_else(|| ids.token(), |(_, tag)| tag));
        self.transactions.respond(id, &ok, now);
        let invite = self.transactions.cancelled_by(cancel);
        self.with_leg(leg, ids, now, |leg, world| {
            leg.cancelled(invite, cancel, world);
        });
    }

    /// An INVITE that begins a call: from whom, for whom, and is there room.
    fn invited(
        &mut self,
        id: TransactionId,
        request: Request,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        if let Some(refusal) = self.no_room(&request) {
            return self.refuse(id, request, refusal, flow, ids, now);
        }
        let Some(caller) = self.caller(&request, flow) else {
            return self.stranger(id, request, flow, ids, now);
        };
        let offer = match self.offer_of(&request) {
            Ok(offer) => offer,
            Err(refusal) => return self.refuse(id, request, *refusal, flow, ids, now),
        };
        let leg = ids.leg();
        self.serving.insert(id, leg);
        let message = Message::Request(request);
        let came = self.received(flow, &message);
        let Message::Request(request) = message else {
            return;
        };
        let mut trying = Response::to(&request, 100, "Trying", None);
        // RFC 3261 §8.2.6.1.
        let timestamp = Name::Other("Timestamp".into());
        if let Some(time) = request.headers.get(&timestamp) {
            trying = trying.with(timestamp.clone(), time);
        }
        self.transactions.respond(id, &trying, now);
        let invite = Invite {
            from: caller_of(&request),
            to: request.uri.address(),
            opening: offer.into(),
            headers: self.headers_for_client(&request, caller.trunk.as_deref()),
        };
        let identity = Identity {
            from: String::new(),
            contact_user: self.contact_user(&caller, ids),
            contact: None,
            credentials: None,
            redirects_to: Vec::new(),
            headers: Vec::new(),
        };
        let (name, tag) = (request.headers.call_id().to_owned(), ids.token());
        let key = (name.clone(), tag.clone());
        self.dialogs.insert(key.clone(), leg);
        let way = self.way(caller.trunk.as_deref());
        let scheme = Scheme::asked_by(&request);
        let invited = Leg::incoming(leg, identity, id, Box::new(request), tag, now);
        let mut placed = Placed::new(invited, way);
        (placed.flow, placed.dialog, placed.scheme) = (Some(flow), Some(key), scheme);
        self.legs.insert(leg, Box::new(placed));
        self.events.push_back(Event::Call(Call {
            leg,
            invite: Box::new(invite),
            caller,
            name,
        }));
        // Behind the call, which has a trace from then on.
        self.record(leg, came, now);
        self.pump(ids, now);
    }

    /// How an INVITE is refused while there is too much to do, or no more is taken.
    fn no_room(&mut self, request: &Request) -> Option<Response> {
        match self.door {
            Door::Closed | Door::Shedding => self.counts.shed += 1,
            Door::Open if self.legs.len() >= self.settings.legs_max => {
                self.counts.legs_refused += 1;
            }
            Door::Open => return None,
        }
        Some(self.come_again(request))
    }

    /// How a request is refused that may come again.
    pub(super) fn come_again(&self, request: &Request) -> Response {
        // RFC 3261 §20.33: whole seconds, rounded up.
        let after = self.settings.retry_after.as_millis().div_ceil(1000);
        let refusal = Response::to(request, 503, "Service Unavailable", None);
        refusal.with(Name::RetryAfter, after.to_string())
    }

    /// The offer of an INVITE, or how what breaks a rule is refused.
    fn offer_of(
        &self,
        request: &Request,
    ) -> Result<Option<crate::sdp::SessionDescription>, Box<Response>> {
        let refuse = |status, phrase: &str| Box::new(Response::to(request, status, phrase, None));
        if self.is_merged(request) {
            // RFC 3261 §8.2.2.2: the same request by another path.
            return Err(refuse(482, "Loop Detected"));
        }
        if request.headers.name_addrs(&Name::Contact).next().is_none() {
            // RFC 3261 §8.1.1.8: without it nothing could be sent inside the call.
            return Err(refuse(400, "Missing Contact"));
        }
        let limits = &self.settings.descriptions;
        body::description(&request.headers, &request.body, limits)
            .map_err(|fault| Box::new(refused_body(request, &fault)))
    }

    /// By which door a request comes in: a registration of ours, or a known trunk. Strangers have
    /// none.
    pub(super) fn caller(&self, request: &Request, flow: Flow) -> Option<Incoming> {
        let ip = self.source_of(flow)?;
        let user = request.uri.sip().and_then(|uri| uri.user_name());
        let registration = user
            .as_deref()
            .and_then(|user| self.registrations.by_contact(user));
        if let Some((key, known)) = registration {
            // Our Contact cannot be guessed, and yet only the registrar is to use it: over the flow
            // that we registered by, or from an address of its trunk.
            let trunk = known.wanted.trunk.clone();
            let of_trunk = trunk.as_deref().and_then(|name| self.trunk(name));
            let place = of_trunk.and_then(|place| self.trunks.get(place));
            if known.flow() == Some(flow) || place.is_some_and(|trunk| trunk.is_source(ip)) {
                let account = Some(key.clone());
                return Some(Incoming {
                    user: None,
                    account,
                    trunk,
                });
            }
        }
        let trunk = self.trunks.iter().find(|trunk| trunk.is_source(ip))?;
        Some(Incoming {
            user,
            account: registration.map(|(key, _)| key.clone()),
            trunk: Some(trunk.settings.name.clone()),
        })
    }

    /// The address that a flow leads to.
    pub(super) fn source_of(&self, flow: Flow) -> Option<IpAddr> {
        let (_, remote) = self.way_of(flow);
        remote.map(|remote| remote.ip().to_canonical())
    }

    fn contact_user(&self, caller: &Incoming, ids: &mut Source) -> String {
        let account = caller.account.as_ref();
        let registration = account.and_then(|key| self.registrations.get(key));
        registration.map_or_else(|| ids.token(), |known| known.contact_user.clone())
    }

    /// The header fields that the operator lets clients see.
    fn headers_for_client(&self, request: &Request, trunk: Option<&str>) -> Vec<(String, String)> {
        let trunk = trunk.and_then(|name| self.trunks.get(self.trunk(name)?));
        let Some(allowed) = trunk.map(|trunk| &trunk.settings.headers) else {
            return Vec::new();
        };
        let shown = request.headers.iter().filter(|(name, _)| {
            let mut allowed = allowed.iter();
            allowed.any(|known| known.eq_ignore_ascii_case(name.as_str()))
        });
        shown
            .map(|(name, value)| (name.as_str().to_owned(), value.to_owned()))
            .collect()
    }

    /// Whether this INVITE is under way already, by another branch.
    fn is_merged(&self, request: &Request) -> bool {
        let call_id = request.headers.call_id();
        let from = (call_id.to_owned(), String::new());
        self.dialogs
            .range(from..)
            .take_while(|((known, _), _)| known == call_id)
            .filter_map(|(_, leg)| self.legs.get(leg))
            .any(|placed| placed.leg.is_invited_by(request))
    }

    /// OPTIONS outside of a call, of a known peer (RFC 3261 §11.2).
    fn asked_for_options(
        &mut self,
        id: TransactionId,
        request: &Request,
        ids: &mut Source,
        now: Instant,
    ) {
        let (status, phrase) = match self.door {
            Door::Open | Door::Shedding => (200, "OK"),
            Door::Closed => (503, "Service Unavailable"),
        };
        self.answer(id, capabilities(request, status, phrase), ids, now);
    }

    /// The ACK of a 2xx.
    pub(super) fn ack(&mut self, request: Request, flow: Flow, ids: &mut Source, now: Instant) {
        let Some(leg) = self.leg_for(&request) else {
            tracing::debug!(?flow, "an ACK fits no call");
            return;
        };
        let message = Message::Request(request);
        self.trace_received(Some(leg), flow, &message, now);
        if let Message::Request(request) = message {
            self.with_leg(leg, ids, now, |leg, world| {
                leg.acknowledged(&request, world);
            });
        }
    }
}

/// Who calls, as the callee is to see it: P-Asserted-Identity of a known trunk before From
/// (RFC 3325 §8).
pub(super) fn caller_of(request: &Request) -> Caller {
    let asserted = request.headers.name_addrs(&Name::PAssertedIdentity).next();
    let shown: Option<NameAddr> = asserted.or_else(|| request.headers.from());
    match shown {
        Some(NameAddr { display, uri, .. }) => Caller {
            uri: uri.to_string(),
            display_name: display,
        },
        None => Caller::default(),
    }
}
