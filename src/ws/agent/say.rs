//! What goes to clients: events, numbered and kept; replies, remembered; errors. And their traces.

use std::time::{Duration, Instant};

use super::{Agent, Event};
use crate::id::LegId;
use crate::trace::{self, Entry, What, Wire};
use crate::ws::code::Code;
use crate::ws::connection::ConnectionId;
use crate::ws::frame::{Event as Told, Retry, ServerFrame};
use crate::ws::leg::Fault;
use crate::ws::replay::RingLimits;
use crate::ws::session::{Session, SessionId};

/// When a client that sent too much may go on.
const RATE_RETRY_AFTER: Duration = Duration::from_secs(1);

impl Agent {
    /// An event of a call.
    pub(super) fn tell(&mut self, leg: LegId, event: &Told, now: Instant) {
        let Some(session) = self.legs.get(&leg).map(|leg| leg.session) else {
            return;
        };
        if let Some(text) = self.event(session, event) {
            self.trace_sent(leg, event.name(), &text, now);
        }
    }

    /// An event of a session: numbered, kept, and sent where there is a connection. Returns its
    /// text.
    pub(super) fn event(&mut self, id: SessionId, event: &Told) -> Option<String> {
        let limits = RingLimits {
            events_max: self.client.replay_events_max,
            bytes_max: self.client.replay_bytes_max,
        };
        let session = self.sessions.get_mut(&id)?;
        let text = session.ring.push(event, limits);
        if let Some(connection) = session.connection() {
            self.events.push_back(Event::Send {
                connection,
                text: text.clone(),
            });
        }
        Some(text)
    }

    /// A request is accepted and recorded.
    pub(super) fn reply(&mut self, session: SessionId, request: &str, call: Option<String>) {
        let (id, leg) = (request.to_owned(), self.leg_of(session, call.as_deref()));
        let text = ServerFrame::Result { id, call }.to_text();
        self.trace_reply(leg, "result", &text);
        self.replied(session, request, text);
    }

    /// A request of a session is not accepted.
    pub(super) fn refused(
        &mut self,
        session: SessionId,
        request: Option<&str>,
        call: Option<&str>,
        fault: &Fault,
    ) {
        let text = self.say_refused(session, request, call, fault);
        let leg = self.leg_of(session, call);
        self.trace_reply(leg, "error", &text);
    }

    /// Sends an error, and returns its text.
    pub(super) fn say_refused(
        &mut self,
        session: SessionId,
        request: Option<&str>,
        call: Option<&str>,
        fault: &Fault,
    ) -> String {
        let text = error_frame(request, call, fault, self.retry_after).to_text();
        match request {
            Some(request) => {
                self.replied(session, request, text.clone());
                if let Some(known) = self.sessions.get_mut(&session) {
                    // What is to be tried again must not be answered from memory.
                    if fault.code.retry() != Retry::Never {
                        known.replies.forget_id(request);
                    }
                }
            }
            None => {
                if let Some(connection) = self.sessions.get(&session).and_then(Session::connection)
                {
                    let text = text.clone();
                    self.events.push_back(Event::Send { connection, text });
                }
            }
        }
        text
    }

    fn replied(&mut self, session: SessionId, request: &str, text: String) {
        let Some(known) = self.sessions.get_mut(&session) else {
            return;
        };
        known.replies.replied(request, &text);
        if let Some(connection) = known.connection() {
            self.events.push_back(Event::Send { connection, text });
        }
    }

    /// Something is wrong with a frame of a connection.
    pub(super) fn error(&mut self, connection: ConnectionId, id: Option<&str>, fault: &Fault) {
        self.send(connection, &error_frame(id, None, fault, self.retry_after));
    }

    // --- traces ---

    pub(super) fn trace_received(&mut self, leg: LegId, kind: &str, text: &str, now: Instant) {
        if let Some(message) = self.traced(leg, kind, text) {
            self.record(leg, What::Received(message), now);
        }
    }

    fn trace_sent(&mut self, leg: LegId, kind: &str, text: &str, now: Instant) {
        if let Some(message) = self.traced(leg, kind, text) {
            self.record(leg, What::Sent(message), now);
        }
    }

    fn trace_reply(&mut self, leg: Option<LegId>, kind: &str, text: &str) {
        if let Some(leg) = leg {
            self.trace_sent(leg, kind, text, self.now);
        }
    }

    pub(super) fn note(&mut self, leg: LegId, text: String, now: Instant) {
        self.record(leg, What::Note(text), now);
    }

    pub(super) fn record(&mut self, leg: LegId, what: What, now: Instant) {
        let (at, leg) = (now, Some(leg));
        self.events.push_back(Event::Trace(Entry { at, leg, what }));
    }

    fn traced(&self, leg: LegId, kind: &str, text: &str) -> Option<trace::Message> {
        let leg = self.legs.get(&leg)?;
        Some(self.traced_of(leg.session, kind, &leg.call, text))
    }

    /// A frame for the trace: named by user and the number of the session, since the session's own
    /// name is a secret.
    pub(super) fn traced_of(
        &self,
        session: SessionId,
        kind: &str,
        call: &str,
        text: &str,
    ) -> trace::Message {
        let user = self
            .sessions
            .get(&session)
            .map_or("", |s| s.permissions.user.as_str());
        let body = match self.bodies_traced {
            true => trace::redacted(text),
            false => String::new(),
        };
        trace::Message {
            wire: Wire::Json,
            peer: format!("{user}/{}", session.0),
            summary: format!("{kind} {call}"),
            body,
        }
    }

    pub(super) fn leg_of(&self, session: SessionId, call: Option<&str>) -> Option<LegId> {
        self.calls.get(&(session, call?.to_owned())).copied()
    }
}

fn error_frame(
    id: Option<&str>,
    call: Option<&str>,
    fault: &Fault,
    retry_after: Duration,
) -> ServerFrame {
    let Fault {
        code,
        detail,
        message,
    } = fault.clone();
    let retry = code.retry();
    let after = match (retry, code) {
        (Retry::After, Code::RateLimited) => Some(RATE_RETRY_AFTER),
        (Retry::After, _) => Some(retry_after),
        (Retry::Never | Retry::Now, _) => None,
    };
    let retry_after_ms = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let (id, call) = (id.map(str::to_owned), call.map(str::to_owned));
    ServerFrame::Error {
        id,
        call,
        code,
        retry,
        retry_after_ms,
        detail,
        message,
    }
}
