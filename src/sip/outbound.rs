//! Requests on their way out: located, connected, sent, tried at the next place (RFC 3263 §4.3,
//! RFC 3261 §18.1.1).

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::agent::{Agent, Event};
use super::contact::{Scheme, contact, secure_contact};
use super::flow::Flow;
use super::handled::{SUPPORTED, allow};
use super::header::{MAGIC_COOKIE, Via};
use super::leg::Purpose;
use super::locate::{Hop, Located, Lookup, locate};
use super::message::{HeaderText, Request};
use super::name::{Method, Name};
use super::registration::Key;
use super::transaction::TransactionId;
use super::uri::{Host, Uri};
use crate::ask::{AskId, Told};
use crate::config::{Listener, Transport};
use crate::id::{LegId, NoteId, Source};

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A leg's.
    Leg(LegId, Purpose),
    /// A leg's ACK of a 2xx: no transaction.
    Ack(LegId),
    /// A registration's.
    Registration(Key),
    /// A trunk's health check.
    Health(usize),
    /// A text message.
    Page(NoteId),
}

impl Who {
    /// Whether a request that is too large for UDP may go by it all the same. A MESSAGE never may
    /// (RFC 3428 §8): nothing slows down whoever sends one after the other.
    pub(super) fn may_be_cut(&self) -> bool {
        match self {
            Self::Page(_) => false,
            Self::Leg(..) | Self::Ack(_) | Self::Registration(_) | Self::Health(_) => true,
        }
    }
}

/// How a request is to go.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// A flow that is tried before any other: that of the dialog or the registration.
    pub flow: Option<Flow>,
    /// The transport where the URI names none.
    pub transport: Option<Transport>,
    /// Above this size UDP is left for TCP.
    pub udp_max: usize,
    /// The trunk that it goes to, by its place.
    pub trunk: Option<usize>,
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct Job {
    pub who: Who,
    pub request: Arc<Request>,
    pub way: Way,
    pub hops: VecDeque<Hop>,
    /// The place that a stream is being opened to because the request is too large for UDP.
    instead_of_udp: Option<Hop>,
}

/// All requests that are not with a transaction yet.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    asked: BTreeMap<AskId, (Job, Lookup)>,
    /// Look-ups of trunks, by their places, and the shortest life of their records so far.
    learning: BTreeMap<AskId, (usize, Duration, Lookup)>,
    connecting: BTreeMap<u64, Vec<Job>>,
    last_ask: u64,
    /// Responses that wait for a stream.
    responses: BTreeMap<u64, Vec<Vec<u8>>>,
    /// Places that refused TCP, and until when that is believed.
    refused_tcp: BTreeMap<SocketAddr, Instant>,
}

/// How long a refusal of TCP is believed.
const REFUSED_FOR: Duration = Duration::from_secs(300);

/// Places whose refusal is remembered.
const REFUSED_MAX: usize = 1024;

impl Outbound {
    /// Takes back a request of a leg that has not left. Returns whether there was one.
    pub(super) fn withdraw(&mut self, who: &Who) -> bool {
        let asked: Vec<_> = self
            .asked
            .iter()
            .filter(|(_, (job, _))| job.who == *who)
            .map(|(id, _)| *id)
            .collect();
        let mut found = !asked.is_empty();
        for id in asked {
            self.asked.remove(&id);
        }
        for jobs in self.connecting.values_mut() {
            let before = jobs.len();
            jobs.retain(|job| job.who != *who);
            found |= jobs.len() != before;
        }
        found
    }

    /// A place refuses TCP: that is believed for a while.
    pub(super) fn refuses_tcp(&mut self, remote: SocketAddr, now: Instant) {
        if self.refused_tcp.len() >= REFUSED_MAX {
            self.refused_tcp.retain(|_, until| *until > now);
        }
        if self.refused_tcp.len() >= REFUSED_MAX {
            self.refused_tcp.pop_first();
        }
        self.refused_tcp.insert(remote, now + REFUSED_FOR);
    }

    /// A response waits for a stream. Where too many do, it is lost, and `false` is returned.
    pub(super) fn respond_later(&mut self, stream: u64, response: Vec<u8>, max: usize) -> bool {
        let room = self.responses.values().map(Vec::len).sum::<usize>() < max;
        if room {
            self.responses.entry(stream).or_default().push(response);
        }
        room
    }

    /// A look-up of a trunk's name that no request waits for.
    pub(super) fn learn(&mut self, place: usize, life: Duration, lookup: Lookup) -> AskId {
        let id = self.next_ask();
        self.learning.insert(id, (place, life, lookup));
        id
    }

    fn next_ask(&mut self) -> AskId {
        self.last_ask += 1;
        AskId(self.last_ask)
    }

    /// How many requests are on their way.
    fn len(&self) -> usize {
        self.asked.len() + self.connecting.values().map(Vec::len).sum::<usize>()
    }

    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.connecting.values().all(Vec::is_empty)
    }
}

impl Agent {
    /// Sends a request to where `hop` leads.
    pub(super) fn send(
        &mut self,
        who: Who,
        request: Request,
        hop: &Uri,
        way: Way,
        ids: &mut Source,
        now: Instant,
    ) {
        let request = Arc::new(request);
        let job = Job {
            who,
            request,
            way,
            hops: VecDeque::new(),
            instead_of_udp: None,
        };
        match job.way.flow {
            Some(Flow::Stream(stream)) if self.streams.is_open(stream) => {
                return self.send_on(job, Flow::Stream(stream), ids, now);
            }
            Some(Flow::Stream(_) | Flow::Udp { .. }) | None => {}
        }
        if self.outbound.len() >= self.settings.outbound_max {
            self.counts.outbound_refused += 1;
            return self.not_sent(job, "too many requests are on their way", ids, now);
        }
        let Some(uri) = hop.sip() else {
            return self.not_sent(job, "a URI of this kind leads nowhere", ids, now);
        };
        let located = locate(uri, job.way.transport);
        self.located(job, located, ids, now);
    }

    fn located(&mut self, mut job: Job, located: Located, ids: &mut Source, now: Instant) {
        match located {
            Located::Hops(hops) => {
                job.hops = hops;
                self.next_hop(job, "its name has no address", ids, now);
            }
            Located::Ask(lookup, question) => {
                let id = self.outbound.next_ask();
                self.outbound.asked.insert(id, (job, lookup));
                self.events.push_back(Event::Ask { id, question });
            }
        }
    }

    /// The answer to a question of a look-up.
    pub(super) fn looked_up(&mut self, id: AskId, told: &Told, ids: &mut Source, now: Instant) {
        if let Some((place, life, lookup)) = self.outbound.learning.remove(&id) {
            let life = told.life().map_or(life, |said| life.min(said));
            let located = lookup.told(told, ids);
            return self.trunk_located(place, life, located, now);
        }
        if let Some((job, lookup)) = self.outbound.asked.remove(&id) {
            if let Told::Failed(why) = told {
                self.note(&job.who, now, || format!("a look-up failed: {why}"));
            }
            let located = lookup.told(told, ids);
            self.located(job, located, ids, now);
        }
    }

    /// Tries the next place, or gives up.
    pub(super) fn next_hop(&mut self, mut job: Job, why: &str, ids: &mut Source, now: Instant) {
        let Some(hop) = job.hops.pop_front() else {
            return self.not_sent(job, why, ids, now);
        };
        match hop.transport {
            Transport::Udp => self.by_udp(job, hop, ids, now),
            Transport::Tcp | Transport::Tls => self.by_stream(job, &hop, ids, now),
        }
    }

    /// By UDP, unless the request is too large for it (RFC 3261 §18.1.1).
    fn by_udp(&mut self, mut job: Job, hop: Hop, ids: &mut Source, now: Instant) {
        let Some(local) = self.local_for(hop.remote, Transport::Udp) else {
            return self.next_hop(job, "no UDP listener of its address family", ids, now);
        };
        let size = job.request.bytes_len() + VIA_BYTES;
        let refused = self
            .outbound
            .refused_tcp
            .get(&hop.remote)
            .is_some_and(|until| *until > now);
        let can = self.local_for(hop.remote, Transport::Tcp).is_some();
        if size > job.way.udp_max && (refused || !can) && !job.who.may_be_cut() {
            let why = format!("{size} bytes are too many for UDP, and TCP is not spoken");
            return self.next_hop(job, &why, ids, now);
        }
        if size > job.way.udp_max && job.instead_of_udp.is_none() && can {
            if refused {
                self.note(&job.who, now, || {
                    format!("{size} bytes by UDP all the same: TCP was refused before")
                });
            } else {
                let most = job.way.udp_max;
                self.note(&job.who, now, || {
                    format!("by TCP: {size} bytes are more than the {most} that UDP may carry")
                });
                let stream = Hop {
                    transport: Transport::Tcp,
                    ..hop.clone()
                };
                job.instead_of_udp = Some(hop);
                return self.by_stream(job, &stream, ids, now);
            }
        }
        self.send_on(
            job,
            Flow::Udp {
                local,
                remote: hop.remote,
            },
            ids,
            now,
        );
    }

    fn by_stream(&mut self, job: Job, hop: &Hop, ids: &mut Source, now: Instant) {
        let name = (hop.transport == Transport::Tls).then(|| hop.name.clone());
        let is_address = name
            .as_ref()
            .is_some_and(|name| name.parse::<IpAddr>().is_ok());
        if is_address && let Some(stream) = self.streams.find_verified(hop.remote) {
            return self.send_on(job, Flow::Stream(stream), ids, now);
        }
        match self
            .streams
            .find(hop.transport, hop.remote, name.as_deref())
        {
            Some((stream, true)) => self.send_on(job, Flow::Stream(stream), ids, now),
            Some((stream, false)) => {
                self.outbound
                    .connecting
                    .entry(stream)
                    .or_default()
                    .push(job);
            }
            None => match self
                .streams
                .connect(hop.transport, hop.remote, name.clone(), now)
            {
                Some(stream) => {
                    self.outbound
                        .connecting
                        .entry(stream)
                        .or_default()
                        .push(job);
                    let from = self.address_towards(hop.transport, hop.remote);
                    self.events.push_back(Event::Connect {
                        stream,
                        from,
                        remote: hop.remote,
                        tls: name,
                    });
                }
                None => {
                    self.counts.streams_refused += 1;
                    self.next_hop(job, "there are too many streams", ids, now);
                }
            },
        }
    }

    /// A stream is open: what waited for it goes out.
    pub(super) fn stream_ready(&mut self, stream: u64, ids: &mut Source, now: Instant) {
        for job in self.outbound.connecting.remove(&stream).unwrap_or_default() {
            self.send_on(job, Flow::Stream(stream), ids, now);
        }
        let flow = Flow::Stream(stream);
        for bytes in self.outbound.responses.remove(&stream).unwrap_or_default() {
            self.events.push_back(Event::Transmit { flow, bytes });
        }
    }

    /// A stream could not be opened: what waited for it takes its next place.
    pub(super) fn stream_refused(
        &mut self,
        stream: u64,
        why: &str,
        ids: &mut Source,
        now: Instant,
    ) {
        self.outbound.responses.remove(&stream);
        for mut job in self.outbound.connecting.remove(&stream).unwrap_or_default() {
            if let Some(udp) = job.instead_of_udp.take() {
                self.outbound.refuses_tcp(udp.remote, now);
                if job.who.may_be_cut() {
                    self.note(&job.who, now, || {
                        format!("back to UDP: TCP was refused ({why})")
                    });
                    job.hops.push_front(udp);
                }
            }
            self.next_hop(job, why, ids, now);
        }
    }

    /// Hands the request to a transaction on this flow; an ACK goes out without one.
    fn send_on(&mut self, job: Job, flow: Flow, ids: &mut Source, now: Instant) {
        let Job { who, request, .. } = job;
        let mut request = Arc::unwrap_or_clone(request);
        self.complete(&mut request, &who, flow, ids);
        if let Flow::Stream(stream) = flow {
            self.streams.used(stream, now);
        }
        if let Who::Ack(leg) = who {
            let bytes = request.to_bytes();
            self.trace_sent(Some(leg), flow, &bytes, false, now);
            self.events.push_back(Event::Transmit { flow, bytes });
            return;
        }
        let request = Arc::new(request);
        let id = match self.transactions.send(Arc::clone(&request), flow, now) {
            Ok(id) => id,
            Err(_) => {
                self.counts.transactions_refused += 1;
                return self.no_response_to(who, "there are too many transactions", ids, now);
            }
        };
        if let Who::Leg(leg, Purpose::Invite | Purpose::Reinvite) = &who
            && let Some(placed) = self.legs.get_mut(leg)
        {
            placed.inviting = Some(id);
            placed.scheme = Scheme::of_contact(&request);
            if who == Who::Leg(*leg, Purpose::Invite) {
                placed.flow = Some(flow);
            }
        }
        let sent = Sent {
            who,
            request,
            way: job.way,
            hops: job.hops,
            flow,
            phase: Phase::Calling,
            instead_of_udp: job.instead_of_udp,
        };
        self.sent.insert(id, sent);
    }

    /// Adds what depends on the way: Via, Contact, and what the agent says of itself.
    fn complete(&self, request: &mut Request, who: &Who, flow: Flow, ids: &mut Source) {
        let (transport, remote) = self.way_of(flow);
        let (host, port) = self.own_address(transport, remote);
        let branch = format!("{MAGIC_COOKIE}{}", ids.token());
        let via = Via::new(transport.name(), &host, port, &branch);
        // A CANCEL has the Via of its INVITE (RFC 3261 §9.1).
        if request.method != Method::Cancel {
            request.headers.remove(&Name::Via);
            request
                .headers
                .push_front(Name::Via, HeaderText::composed(via.to_string()));
        }
        request.headers.set(
            Name::UserAgent,
            HeaderText::composed(&self.settings.user_agent),
        );
        let user = match who {
            Who::Leg(leg, Purpose::Invite | Purpose::Reinvite) => self
                .legs
                .get(leg)
                .map(|placed| placed.leg.identity.contact_user.clone()),
            Who::Registration(key) => self.registrations.get(key).map(|r| r.contact_user.clone()),
            Who::Health(_) => Some("crosspoint".to_owned()),
            // RFC 3428 §4: a MESSAGE has no Contact.
            Who::Leg(..) | Who::Ack(_) | Who::Page(_) => None,
        };
        if let Some(user) = user {
            let contact = match self.is_secure(request, who) {
                true => secure_contact(&user, &host, port),
                false => contact(&user, &host, port, transport),
            };
            request
                .headers
                .set(Name::Contact, HeaderText::composed(format!("<{contact}>")));
        }
        if matches!(
            request.method,
            Method::Invite | Method::Register | Method::Options
        ) {
            request
                .headers
                .set(Name::Allow, HeaderText::composed(allow()));
            if !SUPPORTED.is_empty() {
                request
                    .headers
                    .set(Name::Supported, HeaderText::composed(SUPPORTED));
            }
        }
    }

    fn not_sent(&mut self, job: Job, why: &str, ids: &mut Source, now: Instant) {
        self.no_response_to(job.who, why, ids, now);
    }

    /// The listener that a request to this address goes out from.
    pub(super) fn local_for(&self, remote: SocketAddr, transport: Transport) -> Option<u16> {
        let place = self.listeners.iter().position(|listener| {
            listener.transport == transport && listener.address.is_ipv4() == remote.is_ipv4()
        })?;
        u16::try_from(place).ok()
    }

    /// The transport and the other end of a flow.
    pub(super) fn way_of(&self, flow: Flow) -> (Transport, Option<SocketAddr>) {
        match flow {
            Flow::Udp { remote, .. } => (Transport::Udp, Some(remote)),
            Flow::Stream(id) => match self.streams.get(id) {
                Some(stream) => (stream.transport, Some(stream.remote)),
                None => (Transport::Tcp, None),
            },
        }
    }

    /// The address of ours that a stream to `remote` comes from: that of the listener of its
    /// transport, else of any listener of its family.
    pub(super) fn address_towards(
        &self,
        transport: Transport,
        remote: SocketAddr,
    ) -> Option<IpAddr> {
        let family = |listener: &&Listener| listener.address.is_ipv4() == remote.is_ipv4();
        let of_family = || self.listeners.iter().filter(family);
        let found = of_family().find(|listener| listener.transport == transport);
        let ip = found.or_else(|| of_family().next())?.address.ip();
        // A listener on loopback reaches nothing else; the system knows a better one.
        let reaches = !ip.is_unspecified() && (!ip.is_loopback() || remote.ip().is_loopback());
        reaches.then_some(ip)
    }
}

/// A request that is with a transaction.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub who: Who,
    /// As it went out, its Via included: what is cancelled and authorized.
    pub request: Arc<Request>,
    pub way: Way,
    pub hops: VecDeque<Hop>,
    pub flow: Flow,
    pub phase: Phase,
    /// The place by UDP, where TCP was taken only for its size.
    pub instead_of_udp: Option<Hop>,
}

/// What has come back of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing.
    Calling,
    /// A provisional response.
    Proceeding,
    /// A 2xx to an INVITE; more may come.
    Accepted,
}

impl Sent {
    /// A CANCEL: sent once, on the way of its INVITE.
    pub(super) fn cancel(who: Who, request: Request, flow: Flow) -> Self {
        let way = Way {
            flow: Some(flow),
            ..Way::default()
        };
        Self {
            who,
            request: Arc::new(request),
            way,
            hops: VecDeque::new(),
            flow,
            phase: Phase::Calling,
            instead_of_udp: None,
        }
    }

    /// The same request for its next place.
    pub(super) fn again(self) -> Job {
        let Self {
            who,
            request,
            way,
            hops,
            ..
        } = self;
        Job {
            who,
            request,
            way,
            hops,
            instead_of_udp: None,
        }
    }
}

/// What is with transactions.
pub(super) type AllSent = BTreeMap<TransactionId, Sent>;

/// What a Via of ours takes.
const VIA_BYTES: usize = 120;

/// An address as it is shown in traces.
pub(super) fn shown(transport: Transport, remote: Option<SocketAddr>) -> String {
    match remote {
        Some(remote) => {
            let host = remote.ip().to_string();
            let name = transport.name().to_lowercase();
            format!("{}:{}/{name}", Host(&host), remote.port())
        }
        None => transport.name().to_lowercase(),
    }
}
