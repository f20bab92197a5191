//! All of SIP without I/O: datagrams and streams in, transactions, dialogs, legs, signals out, and
//! back.
//!
//! `arrival.rs` reads what comes in, `inbound.rs` takes requests of peers, `placed.rs` keeps the
//! legs, `outbound.rs` is the way of requests of ours, `answered.rs` what came of them, `upkeep.rs`
//! what is done unasked, `pager.rs` text messages, `recorded.rs` the trace.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::flow::Flow;
use super::outbound::{AllSent, Outbound, Way};
use super::pager::{Paged, Pages};
use super::placed::Placed;
use super::refused::Refused;
use super::registration::{Key, Standing};
use super::registrations::Registrations;
use super::strangers::Strangers;
use super::streams::Streams;
use super::text::Limits;
use super::timer::Timers;
use super::transaction::{TransactionId, Transactions};
use super::trunk::Trunk;
use super::uri::Uri;
use crate::ask::{AskId, Question, Told};
use crate::call::signal::{Invite, Signal};
use crate::config::{Config, Listener, Transport};
use crate::id::{LegId, NoteId, Source};
use crate::sdp;
use crate::text::Outcome;
use crate::trace::Entry;

/// What the agent tells the gateway.
#[derive(Debug)]
pub enum Event {
    /// Send these bytes.
    Transmit {
        /// The way.
        flow: Flow,
        /// One message, or a keep-alive.
        bytes: Vec<u8>,
    },
    /// Open a stream.
    Connect {
        /// Its number.
        stream: u64,
        /// Which address of ours it comes from: that of the listener, where it has one.
        from: Option<IpAddr>,
        /// Where to.
        remote: SocketAddr,
        /// By TLS, to a server of this name.
        tls: Option<String>,
    },
    /// Close a stream.
    CloseStream {
        /// Its number.
        stream: u64,
    },
    /// Ask the outside.
    Ask {
        /// Names the question.
        id: AskId,
        /// The question.
        question: Question,
    },
    /// A peer calls.
    Call(Call),
    /// A leg says something.
    Signal {
        /// The leg.
        leg: LegId,
        /// What.
        signal: Signal,
    },
    /// A registration stands so now.
    AccountState(AccountState),
    /// A trunk answers, or does not.
    TrunkState {
        /// Its name.
        trunk: String,
        /// Whether it does.
        reachable: bool,
    },
    /// A peer sends a text message; [`Agent::answer_page`] answers it.
    Paged(Paged),
    /// What became of a text message of ours.
    TextOutcome {
        /// Which.
        note: NoteId,
        /// What.
        outcome: Outcome,
    },
    /// An INVITE that would have begun a call is refused; what follows of this leg is its trace.
    Refused(Refused),
    /// The Call-ID of an INVITE of ours.
    Named {
        /// Its leg.
        leg: LegId,
        /// The Call-ID.
        name: String,
    },
    /// A line of a trace.
    Trace(Entry),
    /// A leg has finished.
    Gone {
        /// Which.
        leg: LegId,
    },
}

/// A call of a peer.
#[derive(Debug)]
pub struct Call {
    /// Its leg.
    pub leg: LegId,
    /// What it asks for.
    pub invite: Box<Invite>,
    /// What is known of the caller.
    pub caller: Incoming,
    /// The Call-ID.
    pub name: String,
}

/// By which door a call came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The user of the Request-URI.
    pub user: Option<String>,
    /// The registration that it came for: its owner and its account.
    pub account: Option<Key>,
    /// The trunk that it came from.
    pub trunk: Option<String>,
}

/// How a registration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// The client user that it belongs to.
    pub owner: String,
    /// The account.
    pub account: String,
    /// How it stands.
    pub standing: Standing,
}

/// Where a call of ours goes, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The Request-URI.
    pub uri: Uri,
    /// The trunk that it goes through.
    pub trunk: Option<String>,
    /// The registration that it is made as.
    pub account: Option<Key>,
    /// The user part of From, where no account says it.
    pub user: String,
    /// The name to show.
    pub display_name: Option<String>,
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that could not be read.
    pub unreadable: u64,
    /// Requests that were answered with 400 or 505 because they break a rule.
    pub malformed: u64,
    /// Requests from strangers.
    pub strangers: u64,
    /// Retransmissions of ours.
    pub retransmissions: u64,
    /// Streams that found no room.
    pub streams_refused: u64,
    /// Transactions that found no room.
    pub transactions_refused: u64,
    /// Legs that found no room.
    pub legs_refused: u64,
    /// INVITEs refused because there was too much.
    pub shed: u64,
    /// Responses that fit no request of ours.
    pub strays: u64,
    /// 2xx of ours that no ACK came for.
    pub unacknowledged: u64,
    /// Requests that found no room on their way out.
    pub outbound_refused: u64,
    /// Legs that a fault of the gateway took out.
    pub panicked: u64,
}

/// Settings of the agent.
#[derive(Debug)]
pub(super) struct Settings {
    pub public_address: Option<String>,
    pub user_agent: String,
    pub udp_max: usize,
    pub limits: Limits,
    pub descriptions: sdp::Limits,
    pub text_bytes_max: usize,
    pub legs_max: usize,
    pub outbound_max: usize,
    pub streams_per_address: usize,
    pub keep_alive: Duration,
    pub stream_idle: Duration,
    pub retry_after: Duration,
    pub bodies_traced: bool,
}

/// Whether new calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    /// 503: too much is going on.
    Shedding,
    /// 503: the process is to end.
    Closed,
}

/// The agent.
#[derive(Debug)]
pub struct Agent {
    pub(super) settings: Settings,
    pub(super) listeners: Vec<Listener>,
    pub(super) transactions: Transactions,
    pub(super) streams: Streams,
    pub(super) outbound: Outbound,
    pub(super) sent: AllSent,
    /// In boxes, because the tree leaves room for as many again.
    pub(super) legs: BTreeMap<LegId, Box<Placed>>,
    /// Call-ID and our tag.
    pub(super) dialogs: BTreeMap<(String, String), LegId>,
    /// Server transactions of legs: INVITEs for CANCEL, the others for the trace.
    pub(super) serving: BTreeMap<TransactionId, LegId>,
    pub(super) due: BTreeSet<(Instant, LegId)>,
    /// Text messages, both ways.
    pub(super) pages: Pages,
    pub(super) registrations: Registrations,
    pub(super) trunks: Vec<Trunk>,
    pub(super) door: Door,
    pub(super) strangers: Strangers,
    next_tick: Option<Instant>,
    /// When registrars were last kept alive.
    pub(super) kept_at: Instant,
    pub(super) events: VecDeque<Event>,
    /// What has been counted.
    pub counts: Counts,
}

/// How often keep-alives and idle streams are looked at.
const TICK: Duration = Duration::from_secs(5);

impl Agent {
    /// An agent on these listeners.
    #[must_use]
    pub fn new(config: &Config, bound: &[SocketAddr], now: Instant) -> Self {
        let sip = &config.sip;
        let listeners = sip
            .listen
            .iter()
            .zip(bound)
            .map(|(listener, address)| Listener {
                transport: listener.transport,
                address: *address,
            });
        let settings = Settings {
            public_address: sip.public_address.clone(),
            user_agent: sip.user_agent.clone(),
            udp_max: sip.udp_max_bytes,
            limits: Limits {
                message_bytes_max: sip.message_bytes_max,
                headers_max: sip.headers_max,
                header_bytes_max: sip.header_bytes_max,
            },
            descriptions: sdp::Limits {
                bytes_max: config.call.description_bytes_max,
                media_max: config.call.media_max,
                ..sdp::Limits::default()
            },
            text_bytes_max: config.text.bytes_max,
            legs_max: sip.dialogs_max,
            outbound_max: sip.transactions_max,
            streams_per_address: sip.streams_per_address,
            keep_alive: sip.keep_alive,
            stream_idle: sip.stream_idle,
            retry_after: config.shedding.retry_after,
            bodies_traced: config.trace.bodies,
        };
        let timers = Timers {
            t1: sip.t1,
            t2: sip.t2,
            t4: sip.t4,
        };
        let mut agent = Self {
            listeners: listeners.collect(),
            transactions: Transactions::new(timers, sip.transactions_max),
            streams: Streams::new(sip.streams_max, sip.message_bytes_max),
            outbound: Outbound::default(),
            sent: AllSent::new(),
            legs: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            serving: BTreeMap::new(),
            due: BTreeSet::new(),
            pages: Pages::default(),
            registrations: Registrations::new(sip.registrations_at_once),
            trunks: config
                .trunk
                .iter()
                .filter_map(|trunk| Trunk::new(trunk, now))
                .collect(),
            door: Door::Open,
            strangers: Strangers::default(),
            next_tick: None,
            kept_at: now,
            events: VecDeque::new(),
            counts: Counts::default(),
            settings,
        };
        agent.settings.descriptions.bytes_max = config.call.description_bytes_max;
        agent.settings.descriptions.media_max = config.call.media_max;
        agent
    }

    /// The answer to a question.
    pub fn told(&mut self, id: AskId, told: &Told, ids: &mut Source, now: Instant) {
        self.looked_up(id, told, ids, now);
        self.pump(ids, now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, ids: &mut Source, now: Instant) {
        self.transactions.handle_timeout(now);
        self.pump(ids, now);
        self.legs_due(ids, now);
        self.register_due(ids, now);
        self.locate_trunks(now);
        self.ask_trunks(ids, now);
        if self.next_tick.is_some_and(|at| at <= now) {
            self.next_tick = None;
            self.tick(now);
        }
        self.pump(ids, now);
    }

    /// The clock of keep-alives runs while there is something to keep alive.
    pub(super) fn wind_clock(&mut self, now: Instant) {
        let needed = !self.streams.is_empty() || self.registrations.has_flows();
        self.next_tick = match self.next_tick {
            Some(at) if needed => Some(at),
            None if needed => Some(now + TICK),
            Some(_) | None => None,
        };
    }

    /// When [`Agent::handle_timeout`] wants to be called, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let transactions = self
            .transactions
            .poll_timeout()
            .map(|at| (at, "a SIP transaction"));
        let leg = self.due.first().map(|(at, leg)| {
            let due = self.legs.get(leg).and_then(|placed| placed.due);
            (*at, due.map_or("a SIP leg", |(_, timer)| timer.name()))
        });
        let registration = self
            .registrations
            .poll_timeout()
            .map(|at| (at, "a registration"));
        let health = self.trunks.iter().filter_map(Trunk::health_due_at).min();
        let health = health.map(|at| (at, "a trunk's health"));
        let trunks = self.trunks.iter();
        let sources = trunks.filter_map(|trunk| trunk.sources.poll_timeout());
        let sources = sources.min().map(|at| (at, "a trunk's addresses"));
        let tick = self.next_tick.map(|at| (at, "keep-alives"));
        [transactions, leg, registration, health, sources, tick]
            .into_iter()
            .flatten()
            .min()
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The place of a trunk.
    pub(super) fn trunk(&self, name: &str) -> Option<usize> {
        let mut trunks = self.trunks.iter();
        trunks.position(|trunk| trunk.settings.name == name)
    }

    /// How requests to a trunk go.
    pub(super) fn way(&self, trunk: Option<&str>) -> Way {
        let trunk = trunk.and_then(|name| self.trunk(name));
        let of_trunk = trunk.and_then(|place| self.trunks.get(place)?.settings.udp_max_bytes);
        Way {
            flow: None,
            transport: None,
            udp_max: of_trunk.unwrap_or(self.settings.udp_max),
            trunk,
        }
    }

    /// No new calls.
    pub fn drain(&mut self) {
        self.door = Door::Closed;
    }

    /// New calls are refused while there is too much to do.
    pub fn set_shedding(&mut self, shedding: bool) {
        self.door = match (self.door, shedding) {
            (Door::Closed, _) => Door::Closed,
            (_, true) => Door::Shedding,
            (_, false) => Door::Open,
        };
    }

    /// Whether every BYE and un-REGISTER is answered.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.legs.is_empty() && !self.registrations.is_leaving() && self.outbound.is_empty()
    }

    /// Whether nothing is kept of any call or request: for tests.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty()
            && self.dialogs.is_empty()
            && self.serving.is_empty()
            && self.sent.is_empty()
            && self.due.is_empty()
            && self.pages.is_empty()
            && self.transactions.is_empty()
    }

    /// What an operator counts.
    #[must_use]
    pub fn counted(&self) -> Vec<(&'static str, u64)> {
        let counts = self.counts;
        vec![
            ("unreadable", counts.unreadable),
            ("malformed", counts.malformed),
            ("strangers", counts.strangers),
            ("retransmissions", counts.retransmissions),
            ("streams_max", counts.streams_refused),
            ("transactions_max", counts.transactions_refused),
            ("dialogs_max", counts.legs_refused),
            ("shed", counts.shed),
            ("strays", counts.strays),
            ("unacknowledged", counts.unacknowledged),
            ("outbound_max", counts.outbound_refused),
            ("panicked", counts.panicked),
        ]
    }

    /// Our address as peers see it, for descriptions.
    #[must_use]
    pub fn public_address(&self) -> String {
        self.own_address(Transport::Udp, None).0
    }
}
