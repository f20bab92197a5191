//! All streams to chat servers without I/O: bytes in, stanzas out, and back.
//!
//! `handle_*(…, now)`, then [`Agent::poll_event`] until there is nothing left, then
//! [`Agent::poll_timeout`]. A fault with one server never touches the stream to another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use minidom::Element;

use super::entity::{Entity, Security};
use super::extdisco::Service;
use super::iq::{Outcome, Waiter};
use super::out::Out;
use super::stanza_error::Condition;
use super::{EntityId, NotSent};
use crate::ask::{AskId, Question, Told};
use crate::config::Config;
use crate::id::Source;

/// What the agent tells the gateway.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// Open a stream.
    Connect {
        /// Its number.
        stream: u64,
        /// Where to.
        remote: SocketAddr,
        /// Whether by TLS from the first byte, and how it is checked.
        security: Security,
    },
    /// Write to a stream.
    Bytes {
        /// Its number.
        stream: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// Begin TLS on a stream; [`Agent::opened`] when it is there.
    StartTls {
        /// Its number.
        stream: u64,
        /// How it is checked.
        security: Security,
    },
    /// Close a stream, once all is written.
    Close {
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
    /// A stanza that is for nobody in here.
    Stanza {
        /// Whose it is.
        entity: EntityId,
        /// It, in `jabber:client`.
        stanza: Element,
    },
    /// What came of a request, told exactly once.
    Answered {
        /// Whose it was.
        entity: EntityId,
        /// Who asked.
        asker: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// A stanza that was taken and did not arrive, or may not have.
    Undelivered {
        /// Whose it was.
        entity: EntityId,
        /// It.
        stanza: Element,
    },
    /// An entity stands so now.
    State {
        /// Which.
        entity: EntityId,
        /// How it stands.
        standing: Standing,
    },
}

/// How an entity stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Stanzas flow.
    Online {
        /// Its address.
        jid: String,
        /// Whether it is the session of before.
        resumed: bool,
    },
    /// It is tried again.
    Retrying {
        /// Why it is not online.
        why: String,
        /// After how long.
        delay: Duration,
    },
    /// It is not tried any more.
    GivenUp {
        /// Why.
        why: String,
    },
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stanzas that were passed over.
    pub skipped: u64,
    /// Streams that broke because of what the server sent.
    pub broken: u64,
    /// Answers to nothing that was asked.
    pub strays: u64,
    /// Stanzas to addresses that are not ours, or from nobody.
    pub misaddressed: u64,
    /// Stanzas of no known kind.
    pub malformed: u64,
    /// Stanzas of ours that speak as somebody else.
    pub foreign_from: u64,
    /// Stanzas of ours over the limit.
    pub too_long: u64,
    /// Stanzas of ours that found no room.
    pub queue_full: u64,
    /// Requests of ours that found no room.
    pub requests_full: u64,
    /// Answers of ours that found no room.
    pub answers_dropped: u64,
    /// Stanzas of ours that did not arrive, or may not have.
    pub undelivered: u64,
    /// Requests of ours that nobody answered.
    pub unanswered: u64,
    /// Requests of others that nobody here answers.
    pub refused: u64,
}

/// The agent.
#[derive(Debug)]
pub struct Agent {
    entities: Vec<Entity>,
    out: Out,
}

impl Agent {
    /// All components and accounts of the configuration, in this order; none connects before
    /// [`Agent::handle_timeout`].
    #[must_use]
    pub fn new(config: &Config, now: Instant) -> Self {
        let servers = config.client.ice_server.iter();
        let offered: Vec<_> = servers.flat_map(Service::of_setting).collect();
        let components = config.component.iter().enumerate();
        let components = components.map(|(place, one)| {
            Entity::component(EntityId(place), one, &config.xmpp, offered.clone(), now)
        });
        let mut entities: Vec<Entity> = components.collect();
        for account in &config.xmpp_account {
            let id = EntityId(entities.len());
            entities.push(Entity::account(id, account, &config.xmpp, now));
        }
        let out = Out::default();
        Self { entities, out }
    }

    /// A stream is open, or secured.
    pub fn opened(&mut self, stream: u64, ids: &mut Source, now: Instant) {
        if let Some((entity, out)) = self.of_stream(stream) {
            entity.opened(out, ids, now);
        }
    }

    /// Bytes of a stream.
    pub fn bytes(&mut self, stream: u64, bytes: &[u8], ids: &mut Source, now: Instant) {
        if let Some((entity, out)) = self.of_stream(stream) {
            entity.bytes(bytes, out, ids, now);
        }
    }

    /// A stream is gone.
    pub fn closed(&mut self, stream: u64, ids: &mut Source, now: Instant) {
        if let Some((entity, out)) = self.of_stream(stream) {
            entity.closed(out, ids, now);
        }
    }

    /// A stream could not be opened, or not secured.
    pub fn failed(&mut self, stream: u64, why: &str, ids: &mut Source, now: Instant) {
        if let Some((entity, out)) = self.of_stream(stream) {
            entity.failed(why, out, ids, now);
        }
    }

    /// The answer to a question.
    pub fn told(&mut self, id: AskId, told: &Told, ids: &mut Source, now: Instant) {
        let mut entities = self.entities.iter_mut();
        // A question of a stream that has gone on without its answer is nobody's.
        if let Some(entity) = entities.find(|entity| entity.asked() == Some(id)) {
            entity.told(told, &mut self.out, ids, now);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, ids: &mut Source, now: Instant) {
        for entity in &mut self.entities {
            if entity.poll_timeout().is_some_and(|(at, _)| at <= now) {
                entity.handle_timeout(&mut self.out, ids, now);
            }
        }
    }

    /// When [`Agent::handle_timeout`] wants to be called, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let all = self.entities.iter().filter_map(Entity::poll_timeout);
        all.min().map(|(at, timer)| (at, timer.reason()))
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// Sends a stanza of `jabber:client` as an entity, now or once its stream is up.
    ///
    /// # Errors
    /// [`NotSent`]: nothing will come of it. What was taken and did not arrive is told by
    /// [`Event::Undelivered`].
    pub fn send(&mut self, entity: EntityId, stanza: Element, now: Instant) -> Result<(), NotSent> {
        let entity = self.entities.get_mut(entity.0).ok_or(NotSent::Unknown)?;
        entity.send(stanza, &mut self.out, now)
    }

    /// Sends a request; its id is made here. What comes of it is told by [`Event::Answered`].
    ///
    /// # Errors
    /// [`NotSent`]: nothing will come of it.
    pub fn ask(
        &mut self,
        entity: EntityId,
        request: Element,
        asker: u64,
        ids: &mut Source,
        now: Instant,
    ) -> Result<(), NotSent> {
        let entity = self.entities.get_mut(entity.0).ok_or(NotSent::Unknown)?;
        entity.ask(request, Waiter::Asker(asker), &mut self.out, ids, now)
    }

    /// Answers a stanza that nobody here knows what to do with (RFC 6120 §8.4): a request by an
    /// error, anything else not at all.
    pub fn refuse(&mut self, entity: EntityId, stanza: &Element, now: Instant) {
        let is_request = super::stanza::kind(stanza) == super::stanza::Kind::Request;
        if let Some(entity) = self.entities.get_mut(entity.0).filter(|_| is_request) {
            self.out.counts.refused += 1;
            entity.refuse(stanza, Condition::ServiceUnavailable, &mut self.out, now);
        }
    }

    /// Ends all streams for good.
    pub fn shutdown(&mut self, now: Instant) {
        for entity in &mut self.entities {
            entity.leave(&mut self.out, now);
        }
    }

    /// The name of an entity in the configuration.
    #[must_use]
    pub fn name(&self, entity: EntityId) -> Option<&str> {
        self.entities.get(entity.0).map(Entity::name)
    }

    /// The entity of a name in the configuration.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<EntityId> {
        let mut entities = self.entities.iter();
        entities
            .position(|entity| entity.name() == name)
            .map(EntityId)
    }

    /// The address of an entity: a domain, a bare address, a full one once it is bound.
    #[must_use]
    pub fn own(&self, entity: EntityId) -> Option<&str> {
        self.entities.get(entity.0).map(Entity::own)
    }

    /// How many are online, and how many there are.
    #[must_use]
    pub fn census(&self) -> (usize, usize) {
        let online = self.entities.iter().filter(|entity| entity.is_online());
        (online.count(), self.entities.len())
    }

    /// What has been counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.out.counts
    }

    /// What an operator counts.
    #[must_use]
    pub fn counted(&self) -> Vec<(&'static str, u64)> {
        let counts = self.out.counts;
        let subscribers = self.entities.iter().map(Entity::subscribers_refused).sum();
        vec![
            ("skipped", counts.skipped),
            ("broken", counts.broken),
            ("strays", counts.strays),
            ("misaddressed", counts.misaddressed),
            ("malformed", counts.malformed),
            ("foreign_from", counts.foreign_from),
            ("stanza_bytes_max", counts.too_long),
            ("queue_max", counts.queue_full),
            ("requests_max", counts.requests_full),
            ("answers_dropped", counts.answers_dropped),
            ("undelivered", counts.undelivered),
            ("unanswered", counts.unanswered),
            ("refused", counts.refused),
            ("subscribers_max", subscribers),
        ]
    }

    fn of_stream(&mut self, stream: u64) -> Option<(&mut Entity, &mut Out)> {
        let mut entities = self.entities.iter_mut();
        // One that was closed here may still have had bytes under way: they are nobody's.
        let entity = entities.find(|entity| entity.stream() == Some(stream))?;
        Some((entity, &mut self.out))
    }
}
