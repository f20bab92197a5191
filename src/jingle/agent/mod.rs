//! All of Jingle without I/O: stanzas in, sessions, legs, signals out, and back.
//!
//! ```text
//!   stanza ──▶ arrival ──▶ the leg of its session ──▶ Signal        up
//!                 │        a new leg ─────────────▶ Call
//!              carbons (of an account's other clients)
//!   stanza ◀────── placed: what a leg wants done ◀── Signal         down
//! ```
//!
//! The streams are `crate::xmpp`'s: what is to be sent is an [`Event`], what came of a request
//! comes by [`Agent::answered`]. `recorded.rs` writes the trace.

mod allowance;
mod arrival;
mod ended;
mod placed;
mod recorded;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use minidom::Element;

use self::ended::Ended;
use self::placed::{Key, Placed};
use super::leg::Leg;
use super::session::Purpose;
use crate::address::Address;
use crate::call::signal::{Invite, Signal};
use crate::config::{Config, LocalPart};
use crate::id::{LegId, Source};
use crate::sdp;
use crate::trace::Entry;
use crate::xmpp::EntityId;
use crate::xmpp::iq::Outcome;
use crate::xmpp::presence::RESOURCE;

/// What the agent tells the gateway.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// Send a stanza.
    Send {
        /// By which stream.
        entity: EntityId,
        /// It.
        stanza: Element,
    },
    /// Send a request; what comes of it is told by [`Agent::answered`].
    Ask {
        /// By which stream.
        entity: EntityId,
        /// It.
        stanza: Element,
        /// Names it.
        asker: u64,
    },
    /// A chat user calls.
    Call(Call),
    /// A leg says something.
    Signal {
        /// The leg.
        leg: LegId,
        /// What.
        signal: Signal,
    },
    /// A call of a chat user is refused before it is one; what follows of this leg is its trace.
    Refused(Refused),
    /// The name of a session of ours.
    Named {
        /// Its leg.
        leg: LegId,
        /// The `sid`.
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

/// A call of a chat user.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// Its leg.
    pub leg: LegId,
    /// By which stream it came.
    pub entity: EntityId,
    /// Who calls: a bare address.
    pub from: String,
    /// Who is called.
    pub called: Called,
    /// What it asks for.
    pub invite: Box<Invite>,
    /// The name of the session.
    pub name: String,
}

/// Who is called by a chat user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// Somebody behind a component.
    Address(Address),
    /// The client user whose account it is.
    Owner(String),
}

/// A call that was refused, for the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The leg that it would have had.
    pub leg: LegId,
    /// Who called.
    pub from: String,
    /// Who was called.
    pub to: String,
    /// The name of the session.
    pub name: String,
    /// Why, in words.
    pub why: String,
    /// Whether he is none of those who may call.
    pub is_stranger: bool,
}

/// Where a call of ours goes, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// By which stream.
    pub entity: EntityId,
    /// Our address: bare at a component, the account's own at an account.
    pub from: String,
    /// Whom: bare to ring on all devices, full for one of them.
    pub to: String,
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that are no Jingle.
    pub malformed: u64,
    /// Calls of users who may not call.
    pub strangers: u64,
    /// Requests of sessions that there are not.
    pub unknown: u64,
    /// Legs that found no room.
    pub legs_refused: u64,
    /// Calls over `call.calls_per_user`.
    pub callers_refused: u64,
    /// Candidates over `call.candidates_max`, or longer than any.
    pub candidates: u64,
    /// Calls refused because there was too much.
    pub shed: u64,
    /// Legs that a fault of the gateway took out.
    pub panicked: u64,
}

/// What one stream is to calls.
#[derive(Debug)]
pub(super) enum Office {
    /// A domain, and what the part before the `@` means.
    Component {
        domain: String,
        meaning: LocalPart,
        /// Patterns of bare addresses that may call.
        callers: Vec<String>,
    },
    /// A user's own account.
    Account {
        owner: String,
        /// Full once it is bound.
        jid: String,
        /// Patterns of bare addresses that may call.
        callers: Vec<String>,
    },
}

/// Whether new calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    Shedding,
    Closed,
}

/// The agent.
#[derive(Debug)]
pub struct Agent {
    offices: Vec<Office>,
    /// In boxes, because the tree leaves room for as many again.
    legs: BTreeMap<LegId, Box<Placed>>,
    sessions: BTreeMap<Key, LegId>,
    /// Sessions that are over.
    ended: Ended,
    /// Who calls, by how many legs.
    callers: BTreeMap<String, usize>,
    asked: BTreeMap<u64, (LegId, Purpose)>,
    next: u64,
    door: Door,
    descriptions: sdp::Limits,
    legs_max: usize,
    calls_per_user: usize,
    candidates_max: usize,
    bodies_traced: bool,
    events: VecDeque<Event>,
    /// What has been counted.
    pub counts: Counts,
}

impl Agent {
    /// An agent for the streams of the configuration, in the order of `crate::xmpp::Agent`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let component = |one: &crate::config::Component| Office::Component {
            domain: one.domain.to_lowercase(),
            meaning: one.local_part,
            callers: one.callers.clone(),
        };
        let account = |one: &crate::config::XmppAccount| Office::Account {
            owner: one.owner.clone(),
            jid: one.jid.clone(),
            callers: one.callers.clone(),
        };
        let components = config.component.iter().map(component);
        let offices = components.chain(config.xmpp_account.iter().map(account));
        Self {
            offices: offices.collect(),
            legs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ended: Ended::default(),
            callers: BTreeMap::new(),
            asked: BTreeMap::new(),
            next: 0,
            door: Door::Open,
            descriptions: sdp::Limits {
                bytes_max: config.call.description_bytes_max,
                media_max: config.call.media_max,
                ..sdp::Limits::default()
            },
            legs_max: config.xmpp.sessions_max,
            calls_per_user: config.call.calls_per_user,
            candidates_max: config.call.candidates_max,
            bodies_traced: config.trace.bodies,
            events: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// The next thing that the gateway is to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A stream is up, for an account by this address. Where it is not `resumed`, the end of a
    /// session may have been lost with the one before: each peer is asked whether it knows it.
    pub fn online(&mut self, entity: EntityId, full: &str, resumed: bool, now: Instant) {
        if let Some(Office::Account { jid, .. }) = self.offices.get_mut(entity.0) {
            full.clone_into(jid);
        }
        if resumed {
            return;
        }
        let its = self.legs.iter().filter(|(_, it)| it.entity == entity);
        let its: Vec<LegId> = its.map(|(leg, _)| *leg).collect();
        for leg in its {
            self.with_leg(leg, now, |leg, out| leg.ping(out));
        }
    }

    /// A call of ours: the next thing the middle says to this leg is the invitation.
    pub fn place(&mut self, leg: LegId, target: Target, ids: &mut Source) {
        let Target { entity, from, to } = target;
        let ours = match (self.offices.get(entity.0), from.contains('/')) {
            (Some(Office::Account { jid, .. }), _) => jid.clone(),
            (_, true) => from,
            (_, false) => format!("{from}/{RESOURCE}"),
        };
        let sid = ids.token();
        let name = sid.clone();
        self.add(entity, Leg::outgoing(leg, ours, to, sid));
        self.events.push_back(Event::Named { leg, name });
    }

    /// What the middle says to a leg.
    pub fn apply(&mut self, leg: LegId, signal: Signal, now: Instant) {
        let limits = self.descriptions.clone();
        self.with_leg(leg, now, |leg, out| leg.apply(signal, &limits, out));
    }

    /// What came of a request, told once for each [`Event::Ask`].
    pub fn answered(&mut self, asker: u64, outcome: &Outcome, now: Instant) {
        let Some((leg, purpose)) = self.asked.remove(&asker) else {
            return;
        };
        self.trace_answer(leg, outcome, now);
        let limits = self.descriptions.clone();
        self.with_leg(leg, now, |leg, out| {
            leg.answered(purpose, outcome, &limits, out);
        });
    }

    /// A call cannot be routed: its leg is told so.
    pub fn refuse(&mut self, leg: LegId, ending: crate::call::signal::Ending, now: Instant) {
        self.apply(leg, Signal::End(ending), now);
    }

    /// Whether too much is going on.
    pub fn set_shedding(&mut self, shedding: bool) {
        self.door = match (self.door, shedding) {
            (Door::Closed, _) => Door::Closed,
            (_, true) => Door::Shedding,
            (_, false) => Door::Open,
        };
    }

    /// Takes no new calls any more.
    pub fn drain(&mut self) {
        self.door = Door::Closed;
    }

    /// Whether no leg is left.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.sessions.is_empty()
    }

    /// How many legs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.legs.len()
    }

    /// Whether there is no leg.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }

    /// What an operator counts.
    #[must_use]
    pub fn counted(&self) -> [(&'static str, u64); 8] {
        let counts = self.counts;
        [
            ("malformed", counts.malformed),
            ("strangers", counts.strangers),
            ("unknown", counts.unknown),
            ("sessions_max", counts.legs_refused),
            ("calls_per_user", counts.callers_refused),
            ("candidates_max", counts.candidates),
            ("shed", counts.shed),
            ("panicked", counts.panicked),
        ]
    }
}
