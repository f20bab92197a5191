//! What goes into the trace of a call: each stanza of a leg, redacted, and the gateway's reasons.
//!
//! Results of requests say nothing that a ladder needs, and are left out; errors are in it.

use std::time::Instant;

use minidom::Element;

use super::super::print::print;
use super::{Agent, Event};
use crate::id::LegId;
use crate::trace::{self, Entry, Message, What, Wire};
use crate::xmpp::iq::Outcome;
use crate::xmpp::stanza_error;

impl Agent {
    pub(super) fn note(&mut self, leg: LegId, text: String, now: Instant) {
        self.record(leg, What::Note(text), now);
    }

    pub(super) fn trace_sent(&mut self, leg: LegId, what: &str, stanza: &Element, now: Instant) {
        let peer = stanza.attr("to").unwrap_or_default();
        let message = self.traced(peer, what, stanza);
        self.record(leg, What::Sent(message), now);
    }

    pub(super) fn trace_received(
        &mut self,
        leg: LegId,
        what: &str,
        stanza: &Element,
        now: Instant,
    ) {
        let peer = stanza.attr("from").unwrap_or_default();
        let message = self.traced(peer, what, stanza);
        self.record(leg, What::Received(message), now);
    }

    /// An answer of ours, where it is an error.
    pub(super) fn trace_reply(&mut self, leg: LegId, stanza: &Element, now: Instant) {
        if stanza.attr("type") == Some("error") {
            let what = format!("error {}", stanza_error::condition(stanza).name());
            self.trace_sent(leg, &what, stanza, now);
        }
    }

    /// An answer of the peer, where it is an error.
    pub(super) fn trace_answer(&mut self, leg: LegId, outcome: &Outcome, now: Instant) {
        match outcome {
            Outcome::Error(condition, stanza) => {
                let what = format!("error {}", condition.name());
                self.trace_received(leg, &what, stanza, now);
            }
            Outcome::None => self.note(leg, "a request was not answered".to_owned(), now),
            Outcome::Result(_) => {}
        }
    }

    fn traced(&self, peer: &str, what: &str, stanza: &Element) -> Message {
        let body = match self.bodies_traced {
            true => trace::redacted(&print(stanza)),
            false => String::new(),
        };
        Message {
            wire: Wire::Xmpp,
            peer: peer.to_owned(),
            summary: what.to_owned(),
            body,
        }
    }

    fn record(&mut self, leg: LegId, what: What, at: Instant) {
        let leg = Some(leg);
        self.events.push_back(Event::Trace(Entry { at, leg, what }));
    }
}
