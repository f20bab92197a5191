//! The legs of the agent: placed, told, and what they want done carried out.

use std::time::Instant;

use super::agent::{Agent, Event, Target};
use super::auth::Credentials;
use super::contact::{Scheme, contact, secure_contact};
use super::flow::Flow;
use super::handled::{SUPPORTED, allow};
use super::leg::{Do, Identity, Leg, Purpose, World};
use super::message::{HeaderText, Request, Response};
use super::name::{Method, Name};
use super::outbound::{Phase, Way, Who};
use super::timer::LegTimer;
use super::transaction::TransactionId;
use super::trunk::Trunk;
use super::uri::{Host, Uri, escaped, quoted};
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Signal};
use crate::config::Transport;
use crate::contain::contained;
use crate::id::{LegId, Source};

/// A leg, and how its messages go.
#[derive(Debug)]
pub(super) struct Placed {
    pub leg: Leg,
    /// The flow of its first INVITE; a stream is used as long as it lasts.
    pub flow: Option<Flow>,
    pub way: Way,
    /// The transaction of its last INVITE of ours.
    pub inviting: Option<TransactionId>,
    /// Where the first INVITE goes, while its Request-URI is this one.
    pub first_hop: Option<(Uri, Uri)>,
    /// Call-ID and our tag.
    pub dialog: Option<(String, String)>,
    /// Of our Contact.
    pub scheme: Scheme,
    /// When it wants to be called, and why.
    pub due: Option<(Instant, LegTimer)>,
}

impl Placed {
    pub(super) fn new(leg: Leg, way: Way) -> Self {
        Self {
            leg,
            flow: None,
            way,
            inviting: None,
            first_hop: None,
            dialog: None,
            scheme: Scheme::Sip,
            due: None,
        }
    }
}

/// As whom a request of ours goes out.
#[derive(Debug)]
pub(super) struct Speaker {
    /// From, without its tag.
    pub from: String,
    /// The user part of Contact, where it is that of a registration.
    pub contact_user: Option<String>,
    /// What answers challenges.
    pub credentials: Option<Credentials>,
    /// The trunk that it goes through.
    pub trunk: Option<String>,
}

impl Agent {
    /// A call of ours: the next thing the middle says to this leg is the invitation.
    pub fn place(&mut self, leg: LegId, target: Target, ids: &mut Source) {
        let Speaker {
            from,
            contact_user,
            credentials,
            trunk,
        } = self.speaker(&target);
        let of_trunk = trunk.as_deref();
        let of_trunk = of_trunk.and_then(|name| self.trunks.get(self.trunk(name)?));
        let identity = Identity {
            from,
            contact_user: contact_user.unwrap_or_else(|| ids.token()),
            contact: None,
            credentials,
            redirects_to: of_trunk.map(Trunk::hosts).unwrap_or_default(),
            headers: Vec::new(),
        };
        let first_hop = of_trunk.map(|trunk| (target.uri.clone(), trunk.uri.clone()));
        let way = self.way(trunk.as_deref());
        let mut placed = Placed::new(Leg::outgoing(leg, target.uri, identity), way);
        placed.first_hop = first_hop;
        self.legs.insert(leg, Box::new(placed));
    }

    /// As whom a request that begins something goes to a target.
    pub(super) fn speaker(&self, target: &Target) -> Speaker {
        let account = target.account.as_ref();
        let registration = account.and_then(|key| self.registrations.get(key));
        let trunk_name = target.trunk.clone();
        let trunk_name = trunk_name.or_else(|| registration?.wanted.trunk.clone());
        let trunk = trunk_name.as_deref();
        let trunk = trunk.and_then(|name| self.trunks.get(self.trunk(name)?));
        let (host, _) = self.own_address(Transport::Udp, None);
        let domain = trunk.and_then(|trunk| trunk.settings.from_domain.clone());
        let name = target.display_name.clone();
        let (uri, name, contact_user, credentials) = match registration {
            Some(registration) => {
                let wanted = &registration.wanted;
                let name = name.or_else(|| wanted.display_name.clone());
                let user = registration.contact_user.clone();
                let credentials = Some(wanted.credentials.clone());
                (wanted.uri.to_string(), name, Some(user), credentials)
            }
            None => {
                let (user, domain) = (escaped(&target.user), domain.unwrap_or(host));
                let uri = format!("sip:{user}@{}", Host(&domain));
                let credentials = trunk.and_then(Trunk::credentials);
                (uri, name, None, credentials)
            }
        };
        let name = name.map(|name| format!("{} ", quoted(&name)));
        Speaker {
            from: format!("{}<{uri}>", name.unwrap_or_default()),
            contact_user,
            credentials,
            trunk: trunk_name,
        }
    }

    /// What the middle says to a leg.
    pub fn apply(&mut self, leg: LegId, signal: Signal, ids: &mut Source, now: Instant) {
        if let Signal::Invite(invite) = &signal {
            self.add_headers(leg, &invite.headers, now);
        }
        self.with_leg(leg, ids, now, |leg, world| leg.apply(signal, world));
        self.pump(ids, now);
    }

    /// Gives an invitation the header fields that the operator lets clients send to its trunk.
    fn add_headers(&mut self, leg: LegId, headers: &[(String, String)], now: Instant) {
        let Some(known) = self.legs.get_mut(&leg) else {
            return;
        };
        let trunk = known.way.trunk.and_then(|place| self.trunks.get(place));
        let listed = trunk.map_or(&[][..], |trunk| &trunk.settings.headers);
        // Compact names and other cases are the same name.
        let allowed: Vec<Name> = listed.iter().filter_map(|name| Name::parse(name)).collect();
        let mut left_out = Vec::new();
        for (name, value) in headers {
            match (Name::parse(name), HeaderText::try_from(value.as_str())) {
                (Some(name), Ok(value)) if allowed.contains(&name) && !is_ours(&name) => {
                    known.leg.identity.headers.push((name, value));
                }
                _ => left_out.push(name.as_str()),
            }
        }
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            let text = format!("left out {names}: not in `headers` of the trunk");
            self.note(&Who::Leg(leg, Purpose::Invite), now, || text);
        }
    }

    /// Lets a leg do something and does what comes of it. Returns whether it is there.
    pub(super) fn with_leg(
        &mut self,
        id: LegId,
        ids: &mut Source,
        now: Instant,
        work: impl FnOnce(&mut Leg, &mut World<'_>),
    ) -> bool {
        let Some(placed) = self.legs.get_mut(&id) else {
            return false;
        };
        let mut out = Vec::new();
        let mut world = World {
            now,
            ids,
            timers: *self.transactions.timers(),
            limits: &self.settings.descriptions,
            out: &mut out,
        };
        if contained(|| work(&mut placed.leg, &mut world)).is_err() {
            self.counts.panicked += 1;
            tracing::error!(leg = %id, "the call is taken out by a fault of the gateway");
            if contained(|| placed.leg.struck(&mut world)).is_err() {
                let ending = Ending::by_gateway(Cause::Internal);
                out = vec![Do::Signal(Signal::End(ending)), Do::Over];
            }
        }
        if placed.dialog.is_none()
            && let Some(dialog) = placed.leg.dialog()
        {
            let key = (dialog.call_id.clone(), dialog.local_tag.clone());
            placed.dialog = Some(key.clone());
            self.dialogs.insert(key, id);
        }
        let (before, due) = (placed.due, placed.leg.due());
        placed.due = due;
        if before != due {
            if let Some((before, _)) = before {
                self.due.remove(&(before, id));
            }
            if let Some((at, _)) = due {
                self.due.insert((at, id));
            }
        }
        for what in out {
            self.carry_out(id, what, ids, now);
        }
        true
    }

    /// Legs whose time has come.
    pub(super) fn legs_due(&mut self, ids: &mut Source, now: Instant) {
        while let Some((at, leg)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, leg));
            if let Some(placed) = self.legs.get_mut(&leg) {
                placed.due = None;
            }
            self.with_leg(leg, ids, now, Leg::timeout);
        }
    }

    fn carry_out(&mut self, id: LegId, what: Do, ids: &mut Source, now: Instant) {
        match what {
            Do::Send(purpose, request) => {
                if purpose == Purpose::Invite {
                    let name = request.headers.call_id().to_owned();
                    self.events.push_back(Event::Named { leg: id, name });
                }
                let (hop, way) = self.hop_of(id, &request);
                self.send(Who::Leg(id, purpose), *request, &hop, way, ids, now);
            }
            Do::Ack(request) => {
                let (hop, way) = self.hop_of(id, &request);
                self.send(Who::Ack(id), *request, &hop, way, ids, now);
            }
            Do::Cancel(purpose, reason) => self.cancel(id, purpose, reason, ids, now),
            Do::Respond(transaction, response) => {
                self.respond(id, transaction, *response, now);
                self.pump(ids, now);
            }
            Do::RespondAgain(transaction, response) => {
                self.counts.retransmissions += 1;
                self.respond(id, transaction, *response, now);
                self.pump(ids, now);
            }
            Do::Alarm(text) => {
                self.counts.unacknowledged += 1;
                tracing::warn!(leg = %id, "{text}");
                self.note(&Who::Ack(id), now, || text);
            }
            Do::Signal(signal) => self.events.push_back(Event::Signal { leg: id, signal }),
            Do::Note(text) => self.note(&Who::Ack(id), now, || text),
            Do::Over => self.forget(id, now),
        }
    }

    /// Where a request of a leg goes first: the topmost Route, else the stream of the call, else
    /// the trunk, else the Request-URI (RFC 3261 §8.1.2, §12.2.1.1).
    pub(super) fn hop_of(&self, leg: LegId, request: &Request) -> (Uri, Way) {
        let mut routes = request.headers.name_addrs(&Name::Route);
        let route = routes.next().map(|route| route.uri);
        let Some(placed) = self.legs.get(&leg) else {
            return (route.unwrap_or_else(|| request.uri.clone()), self.way(None));
        };
        let mut way = placed.way.clone();
        if let Some(route) = route {
            return (route, way);
        }
        if request.headers.to_tag().is_some() {
            way.flow = placed.flow.filter(|flow| flow.is_reliable());
            return (request.uri.clone(), way);
        }
        let hop = placed
            .first_hop
            .as_ref()
            .filter(|(uri, _)| *uri == request.uri);
        let hop = hop.map_or_else(|| request.uri.clone(), |(_, hop)| hop.clone());
        (hop, way)
    }

    fn respond(&mut self, leg: LegId, id: TransactionId, response: Response, now: Instant) {
        let response = self.completed(leg, response);
        let contact = response.headers.get(&Name::Contact);
        if let (Some(contact), Some(placed)) = (contact, self.legs.get_mut(&leg)) {
            placed.leg.identity.contact = Some(contact.to_owned());
        }
        self.transactions.respond(id, &response, now);
    }

    /// Adds Contact, Allow and the like to a response.
    fn completed(&self, leg: LegId, mut response: Response) -> Response {
        let placed = self.legs.get(&leg);
        let flow = placed.and_then(|placed| placed.flow);
        let (transport, remote) = flow.map_or((Transport::Udp, None), |flow| self.way_of(flow));
        let cseq = response.headers.cseq();
        let invite = cseq.is_some_and(|cseq| cseq.method == Method::Invite);
        if invite && response.status > 100 && response.status < 300 {
            let (host, port) = self.own_address(transport, remote);
            let user = placed.map(|placed| placed.leg.identity.contact_user.as_str());
            let user = user.unwrap_or_default();
            let uri = match placed.map(|placed| placed.scheme) {
                Some(Scheme::Sips) => secure_contact(user, &host, port),
                Some(Scheme::Sip) | None => contact(user, &host, port, transport),
            };
            response
                .headers
                .set(Name::Contact, HeaderText::composed(format!("<{uri}>")));
            response
                .headers
                .set(Name::Allow, HeaderText::composed(allow()));
            if !SUPPORTED.is_empty() {
                response
                    .headers
                    .set(Name::Supported, HeaderText::composed(SUPPORTED));
            }
        }
        let agent = HeaderText::composed(&self.settings.user_agent);
        response.headers.set(Name::Server, agent);
        response
    }

    /// Cancels the INVITE of a leg: one that has not left is taken back, one that has is cancelled
    /// on its own way (RFC 3261 §9.1), while there is that. The leg asks for it once a provisional
    /// response has come.
    pub(super) fn cancel(
        &mut self,
        leg: LegId,
        purpose: Purpose,
        reason: Option<String>,
        ids: &mut Source,
        now: Instant,
    ) {
        let who = Who::Leg(leg, purpose);
        if self.outbound.withdraw(&who) {
            self.with_leg(leg, ids, now, |leg, world| leg.withdrawn(purpose, world));
            return;
        }
        let inviting = self.legs.get(&leg).and_then(|placed| placed.inviting);
        let Some(sent) = inviting.and_then(|id| self.sent.get(&id)) else {
            return;
        };
        if sent.who != who || sent.phase != Phase::Proceeding {
            return;
        }
        let (invite, flow) = (&sent.request, sent.flow);
        let mut cancel = Request::new(Method::Cancel, invite.uri.clone());
        for name in [Name::Via, Name::Route, Name::From, Name::To, Name::CallId] {
            for value in invite.headers.all(&name) {
                cancel
                    .headers
                    .push(name.clone(), HeaderText::composed(value));
            }
        }
        let number = invite.headers.cseq().map_or(1, |cseq| cseq.number);
        cancel = cancel
            .with(Name::CSeq, format!("{number} CANCEL"))
            .with(Name::MaxForwards, "70");
        if let Some(reason) = reason {
            cancel = cancel.with(Name::Reason, reason);
        }
        if self.is_gone(flow) {
            let who = Who::Leg(leg, Purpose::Cancel);
            self.send_elsewhere(leg, who, cancel, ids, now);
            return self.pump(ids, now);
        }
        match self.transactions.send(cancel.clone(), flow, now) {
            Ok(id) => {
                let who = Who::Leg(leg, Purpose::Cancel);
                self.sent
                    .insert(id, super::outbound::Sent::cancel(who, cancel, flow));
            }
            Err(_) => {
                self.counts.transactions_refused += 1;
                let why = "there are too many transactions";
                self.no_response_to(Who::Leg(leg, Purpose::Cancel), why, ids, now);
            }
        }
        self.pump(ids, now);
    }

    /// A leg has finished. An INVITE of it that is still under way is not waited for for ever.
    fn forget(&mut self, id: LegId, now: Instant) {
        let Some(placed) = self.legs.remove(&id) else {
            return;
        };
        if let Some((at, _)) = placed.due {
            self.due.remove(&(at, id));
        }
        if let Some(key) = placed.dialog {
            self.dialogs.remove(&key);
        }
        if let Some(inviting) = placed.inviting {
            self.transactions.abandon(inviting, now);
        }
        self.events.push_back(Event::Gone { leg: id });
    }

    /// Ends what still runs and un-REGISTERs every account.
    pub fn shutdown(&mut self, ids: &mut Source, now: Instant) {
        self.drain();
        let legs: Vec<_> = self.legs.keys().copied().collect();
        for leg in legs {
            let ending = Ending::by_gateway(Cause::Draining).because("the gateway is shut down");
            self.apply(leg, Signal::End(ending), ids, now);
        }
        for key in self.registrations.keys() {
            self.remove_account(&key, ids, now);
        }
    }
}

/// Whether a header field is the protocol's own: no list of an operator hands it to clients.
fn is_ours(name: &Name) -> bool {
    matches!(
        name,
        Name::Via
            | Name::From
            | Name::To
            | Name::CallId
            | Name::CSeq
            | Name::Contact
            | Name::MaxForwards
            | Name::Route
            | Name::RecordRoute
            | Name::Allow
            | Name::Supported
            | Name::Require
            | Name::ProxyRequire
            | Name::ContentLength
            | Name::ContentType
            | Name::ContentEncoding
            | Name::ContentDisposition
            | Name::Authorization
            | Name::ProxyAuthorization
            | Name::UserAgent
    )
}
