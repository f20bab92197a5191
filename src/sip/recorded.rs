//! What goes into the trace of a call: each message of a leg, redacted, and the gateway's reasons.

use std::time::Instant;

use super::agent::{Agent, Event};
use super::flow::Flow;
use super::message::Message;
use super::outbound::{Who, shown};
use crate::id::LegId;
use crate::trace::{self, Entry, What, Wire};

impl Agent {
    pub(super) fn note(&mut self, who: &Who, now: Instant, text: impl FnOnce() -> String) {
        if let Who::Leg(leg, _) | Who::Ack(leg) = who {
            self.record(*leg, What::Note(text()), now);
        }
    }

    /// A message that goes out; `again` marks one that did before.
    pub(super) fn trace_sent(
        &mut self,
        leg: Option<LegId>,
        flow: Flow,
        bytes: &[u8],
        again: bool,
        now: Instant,
    ) {
        let Some(leg) = leg else { return };
        let text = String::from_utf8_lossy(bytes);
        let note = if again { " (again)" } else { "" };
        let summary = format!("{}{note}", start_line(&text));
        // What was sent before is in the trace already.
        let body = match self.settings.bodies_traced && !again {
            true => trace::redacted(&text),
            false => String::new(),
        };
        let what = What::Sent(self.traced(flow, summary, body));
        self.record(leg, what, now);
    }

    /// A message that came in.
    pub(super) fn trace_received(
        &mut self,
        leg: Option<LegId>,
        flow: Flow,
        message: &Message,
        now: Instant,
    ) {
        if let Some(leg) = leg {
            let what = self.received(flow, message);
            self.record(leg, what, now);
        }
    }

    /// What the trace says of a message that came in.
    pub(super) fn received(&self, flow: Flow, message: &Message) -> What {
        let body = match self.settings.bodies_traced {
            true => trace::redacted(&String::from_utf8_lossy(&message.to_bytes())),
            false => String::new(),
        };
        What::Received(self.traced(flow, message.start_line(), body))
    }

    pub(super) fn record(&mut self, leg: LegId, what: What, now: Instant) {
        let (at, leg) = (now, Some(leg));
        self.events.push_back(Event::Trace(Entry { at, leg, what }));
    }

    fn traced(&self, flow: Flow, summary: String, body: String) -> trace::Message {
        let (transport, remote) = self.way_of(flow);
        trace::Message {
            wire: Wire::Sip,
            peer: shown(transport, remote),
            summary,
            body,
        }
    }
}

/// `INVITE sip:bob@b` or `180 Ringing`, of a message as text.
fn start_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("SIP/2.0 ").unwrap_or(line);
    line.strip_suffix(" SIP/2.0").unwrap_or(line).to_owned()
}
