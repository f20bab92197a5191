//! The legs of the agent, and what they want done carried out.

use std::collections::btree_map::Entry;
use std::time::Instant;

use minidom::Element;

use super::super::action::Jingle;
use super::super::leg::{Do, Leg};
use super::super::ns;
use super::super::propose::{Initiation, Word};
use super::super::reason::Phase;
use super::super::session::Purpose;
use super::super::tag::Tag;
use super::allowance::Allowance;
use super::{Agent, Event};
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Signal};
use crate::contain::contained;
use crate::id::LegId;
use crate::xmpp::EntityId;
use crate::xmpp::stanza::{self, element, with};

/// A leg, and by which stream its stanzas go.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) leg: Leg,
    pub(super) entity: EntityId,
    pub(super) key: Key,
    /// Of candidates.
    pub(super) allowance: Allowance,
    /// Who calls, as `Agent::callers` counts him; none where we do.
    caller: Option<String>,
}

/// What names a session: the stream, our bare address, the peer's, the `sid`. Two people may
/// choose the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(EntityId, String, String, String);

impl Key {
    pub(super) fn new(entity: EntityId, ours: &str, peer: &str, sid: &str) -> Self {
        Self(entity, normal(ours), normal(peer), sid.to_owned())
    }

    /// Whether a session is of the same two on the same stream.
    pub(super) fn is_of_same(&self, other: &Self) -> bool {
        (self.0, &self.1, &self.2) == (other.0, &other.1, &other.2)
    }

    /// The peer's bare address.
    pub(super) fn peer(&self) -> &str {
        &self.2
    }

    /// The `sid`.
    pub(super) fn sid(&self) -> &str {
        &self.3
    }

    /// The first key that any session of these two can have.
    pub(super) fn first_of(&self) -> Self {
        Self(self.0, self.1.clone(), self.2.clone(), String::new())
    }
}

/// A bare address in the one spelling that it is compared in (RFC 7622 §3).
pub(super) fn normal(jid: &str) -> String {
    let bare = stanza::bare(jid);
    match jid::BareJid::new(bare) {
        Ok(known) => known.to_string(),
        Err(_) => bare.to_owned(),
    }
}

impl Agent {
    pub(super) fn add(&mut self, entity: EntityId, leg: Leg) {
        let key = Key::new(entity, &leg.ours, &leg.peer, &leg.sid);
        self.sessions.insert(key.clone(), leg.id);
        let is_called = leg.phase() == Phase::Caller;
        let caller = is_called.then(|| key.peer().to_owned());
        if let Some(caller) = &caller {
            *self.callers.entry(caller.clone()).or_default() += 1;
        }
        let placed = Placed {
            leg,
            entity,
            key,
            allowance: Allowance::new(self.candidates_max),
            caller,
        };
        self.legs.insert(placed.leg.id, Box::new(placed));
    }

    /// Lets a leg do something and does what comes of it. Returns whether it is there.
    pub(super) fn with_leg(
        &mut self,
        id: LegId,
        now: Instant,
        work: impl FnOnce(&mut Leg, &mut Vec<Do>),
    ) -> bool {
        let Some(placed) = self.legs.get_mut(&id) else {
            return false;
        };
        let mut out = Vec::new();
        let leg = &mut placed.leg;
        if contained(|| work(leg, &mut out)).is_err() {
            self.take_out(id, now);
            return true;
        }
        for one in out {
            self.carry_out(id, one, now);
        }
        true
    }

    /// A fault of ours has struck this leg: it ends, and no other.
    fn take_out(&mut self, id: LegId, now: Instant) {
        self.counts.panicked += 1;
        tracing::error!(leg = %id, "the leg was taken out by a fault of the gateway");
        let signal = Signal::End(Ending::by_gateway(Cause::Internal));
        self.events.push_back(Event::Signal { leg: id, signal });
        self.gone(id, now);
    }

    fn gone(&mut self, id: LegId, now: Instant) {
        let Some(placed) = self.legs.remove(&id) else {
            return;
        };
        self.sessions.remove(&placed.key);
        self.ended.add(placed.key, now);
        if let Some(caller) = placed.caller
            && let Entry::Occupied(mut calls) = self.callers.entry(caller)
        {
            *calls.get_mut() -= 1;
            if *calls.get() == 0 {
                calls.remove();
            }
        }
        self.events.push_back(Event::Gone { leg: id });
    }

    fn carry_out(&mut self, id: LegId, one: Do, now: Instant) {
        match one {
            Do::Say(word) => self.say(id, word, now),
            Do::Request(jingle, purpose) => self.request(id, &jingle, purpose, now),
            Do::Reply(stanza) => {
                self.trace_reply(id, &stanza, now);
                let Some(placed) = self.legs.get(&id) else {
                    return;
                };
                let entity = placed.entity;
                self.events.push_back(Event::Send { entity, stanza });
            }
            Do::Signal(signal) => self.events.push_back(Event::Signal { leg: id, signal }),
            Do::Note(text) => self.note(id, text, now),
            Do::Over => self.gone(id, now),
        }
    }

    /// Sends a message of XEP-0353.
    fn say(&mut self, id: LegId, word: Word, now: Instant) {
        let Some(placed) = self.legs.get(&id) else {
            return;
        };
        let (leg, entity) = (&placed.leg, placed.entity);
        let name = word.name();
        let initiation = Initiation::new(&leg.sid, word);
        let stanza = message(&leg.ours, &leg.peer, &initiation);
        self.trace_sent(id, name, &stanza, now);
        self.events.push_back(Event::Send { entity, stanza });
    }

    fn request(&mut self, id: LegId, jingle: &Jingle, purpose: Purpose, now: Instant) {
        let Some(placed) = self.legs.get(&id) else {
            return;
        };
        let (leg, entity) = (&placed.leg, placed.entity);
        let stanza = iq(&leg.ours, &leg.peer, jingle);
        self.trace_sent(id, &jingle.summary(), &stanza, now);
        self.next += 1;
        let asker = self.next;
        self.asked.insert(asker, (id, purpose));
        self.events.push_back(Event::Ask {
            entity,
            stanza,
            asker,
        });
    }
}

/// A request of a session.
pub(super) fn iq(from: &str, to: &str, jingle: &Jingle) -> Element {
    let addresses = [("type", "set"), ("from", from), ("to", to)];
    with(
        element("iq", crate::xmpp::ns::CLIENT, &addresses),
        jingle.write(),
    )
}

/// A message of XEP-0353. It is of a person's chat, and a device that comes later is to know of it
/// (XEP-0353 §7, XEP-0334 §4).
pub(super) fn message(from: &str, to: &str, initiation: &Initiation) -> Element {
    let id = format!("{}-{}", initiation.word.name(), initiation.id);
    let attributes = [("type", "chat"), ("id", &id), ("from", from), ("to", to)];
    let message = element("message", crate::xmpp::ns::CLIENT, &attributes);
    let message = with(message, initiation.write());
    with(message, Tag::new("store", ns::HINTS).build())
}
