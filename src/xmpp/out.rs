//! What the streams tell: numbers for streams and questions, events, counts.

use std::collections::VecDeque;
use std::net::SocketAddr;

use minidom::Element;

use super::EntityId;
use super::agent::{Counts, Event, Standing};
use super::entity::Security;
use super::iq::{Outcome, Waiter};
use crate::ask::{AskId, Question};

/// Where all entities put what they have to tell.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) events: VecDeque<Event>,
    pub(super) counts: Counts,
    last_stream: u64,
    last_ask: u64,
}

/// Bytes that go out as one at most, so that a burst of small stanzas is few writes.
const TOGETHER_MAX: usize = 64 * 1024;

impl Out {
    pub(super) fn connect(&mut self, remote: SocketAddr, security: Security) -> u64 {
        self.last_stream += 1;
        let stream = self.last_stream;
        self.events.push_back(Event::Connect {
            stream,
            remote,
            security,
        });
        stream
    }

    pub(super) fn start_tls(&mut self, stream: u64, security: &Security) {
        let security = security.clone();
        self.events.push_back(Event::StartTls { stream, security });
    }

    pub(super) fn bytes(&mut self, stream: u64, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Event::Bytes {
            stream: last,
            bytes,
        }) = self.events.back_mut()
            && *last == stream
            && bytes.len() + text.len() <= TOGETHER_MAX
        {
            bytes.extend_from_slice(text.as_bytes());
            return;
        }
        let bytes = text.as_bytes().to_vec();
        self.events.push_back(Event::Bytes { stream, bytes });
    }

    pub(super) fn close(&mut self, stream: u64) {
        self.events.push_back(Event::Close { stream });
    }

    pub(super) fn ask(&mut self, question: Question) -> AskId {
        self.last_ask += 1;
        let id = AskId(self.last_ask);
        self.events.push_back(Event::Ask { id, question });
        id
    }

    pub(super) fn state(&mut self, entity: EntityId, standing: Standing) {
        self.events.push_back(Event::State { entity, standing });
    }

    pub(super) fn stanza(&mut self, entity: EntityId, stanza: Element) {
        self.events.push_back(Event::Stanza { entity, stanza });
    }

    pub(super) fn undelivered(&mut self, entity: EntityId, stanza: Element) {
        self.counts.undelivered += 1;
        self.events.push_back(Event::Undelivered { entity, stanza });
    }

    pub(super) fn answered(&mut self, entity: EntityId, waiter: Waiter, outcome: Outcome) {
        if outcome == Outcome::None {
            self.counts.unanswered += 1;
        }
        match waiter {
            // The stream's own: carbons and pings. Silence has a deadline of its own.
            Waiter::Stream => {}
            Waiter::Asker(asker) => self.events.push_back(Event::Answered {
                entity,
                asker,
                outcome,
            }),
        }
    }
}
