//! What is due: hellos that did not come, clients that fell silent, grace that is over, tokens that
//! end.

use std::time::{Duration, Instant};

use super::entry::is_guest;
use super::{Agent, Event};
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Signal};
use crate::id::LegId;
use crate::ws::code::{Code, close};
use crate::ws::connection::{ConnectionId, State};
use crate::ws::frame::Event as Told;
use crate::ws::leg::{Fault, Leg};
use crate::ws::session::{Link, SessionId};
use crate::ws::timer::{EXPIRY_WARNING, IDLE_GRACE, Timer};

/// A token that is good for longer is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(24 * 3600);

impl Agent {
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Hello(connection) => self.hello_due(connection, now),
                Timer::Introspection(connection) => self.introspection_due(connection, now),
                Timer::Heartbeat(connection) => self.heartbeat_due(connection, now),
                Timer::Grace(session) => self.grace_due(session, now),
                Timer::Token(session) => self.token_due(session, now),
            }
        }
    }

    fn hello_due(&mut self, connection: ConnectionId, now: Instant) {
        let state = self.connections.get(&connection).map(|known| &known.state);
        if matches!(state, Some(State::Greeting { until }) if *until <= now) {
            self.counts.hello_timeouts += 1;
            self.close(connection, close::TIMEOUT, "no hello in time", now);
        }
    }

    fn introspection_due(&mut self, connection: ConnectionId, now: Instant) {
        let state = self.connections.get(&connection).map(|known| &known.state);
        if matches!(state, Some(State::Asking { until, .. }) if *until <= now) {
            let why = "tokens cannot be checked at the moment";
            self.turn_away(connection, Code::Overloaded, why, now);
        }
    }

    fn heartbeat_due(&mut self, connection: ConnectionId, now: Instant) {
        let Some(known) = self.connections.get(&connection) else {
            return;
        };
        let until = known.heard_at + self.client.heartbeat_deadline;
        if until <= now {
            self.counts.heartbeats_lost += 1;
            self.close(connection, close::TIMEOUT, "nothing was heard in time", now);
        } else {
            self.timers.set(until, Timer::Heartbeat(connection));
        }
    }

    // --- grace ---

    /// The session has lost its connection.
    pub(super) fn detach(
        &mut self,
        id: SessionId,
        connection: ConnectionId,
        how: &str,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.link != Link::Attached(connection) {
            return;
        }
        session.link = Link::Detached { since: now };
        let (user, legs) = (session.permissions.user.clone(), session.calls.clone());
        for leg in legs {
            let grace = self.grace_of(leg).as_secs_f64();
            let text = format!("{user}'s socket {how}; the call waits {grace} s for another");
            self.note(leg, text, now);
        }
        self.watch_grace(id);
    }

    /// How long a call outlives the connection of its client.
    fn grace_of(&self, leg: LegId) -> Duration {
        match self.legs.get(&leg).is_some_and(Leg::is_answered) {
            true => self.call.answered_grace,
            false => self.call.ringing_grace,
        }
    }

    /// Sets the timer for what ends next of a session without a connection.
    pub(super) fn watch_grace(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let Link::Detached { since } = session.link else {
            return;
        };
        let graces = session.calls.iter().map(|leg| self.grace_of(*leg));
        let at = since + graces.min().unwrap_or(IDLE_GRACE);
        // Never in the past: a call may have ended after the session's own time.
        self.timers.set(at.max(self.now), Timer::Grace(id));
    }

    fn grace_due(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let Link::Detached { since } = session.link else {
            return;
        };
        let gone_for = now.saturating_duration_since(since);
        let over: Vec<_> = session
            .calls
            .iter()
            .filter(|leg| gone_for >= self.grace_of(**leg))
            .copied()
            .collect();
        for leg in over {
            self.expire(leg);
        }
        match self.sessions.get(&id) {
            Some(session) if session.calls.is_empty() && gone_for >= IDLE_GRACE => {
                self.counts.sessions_expired += 1;
                self.end_session(id);
            }
            Some(_) | None => self.watch_grace(id),
        }
    }

    /// A call whose client did not come back. Nobody was there to see a call that only rang.
    fn expire(&mut self, id: LegId) {
        self.counts.calls_expired += 1;
        let session = self.legs.get(&id).map(|leg| leg.session);
        let session = session.and_then(|session| self.sessions.get(&session));
        let user = session.map_or("", |session| session.permissions.user.as_str());
        let grace = self.grace_of(id).as_secs_f64();
        let text = format!("{user} did not come back in {grace} s: this leg ends");
        self.note(id, text, self.now);
        let cause = match self.legs.get(&id).is_some_and(Leg::is_invited) {
            true => Cause::Unavailable,
            false => Cause::Timeout,
        };
        let ending = Ending::by_peer(cause).because("the client did not come back in time");
        self.events.push_back(Event::Signal {
            leg: id,
            signal: Signal::End(ending.clone()),
        });
        if let Some(event) = self.legs.get_mut(&id).map(|leg| leg.expired(&ending)) {
            self.tell(id, &event, self.now);
        }
        self.forget(id);
    }

    /// Ends a session, with what is left of its calls.
    pub(super) fn end_session(&mut self, id: SessionId) {
        let legs = self.sessions.get(&id).map(|session| session.calls.clone());
        for leg in legs.unwrap_or_default() {
            self.expire(leg);
        }
        self.texts_lost(id);
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        self.names.remove(&session.name);
        let user = session.permissions.user;
        self.guests -= usize::from(is_guest(&user));
        for account in session.brought {
            self.abandon(&user, id, account);
        }
        if let Some(of_user) = self.users.get_mut(&user) {
            of_user.remove(&id);
            if of_user.is_empty() {
                self.users.remove(&user);
            }
        }
    }

    // --- tokens ---

    /// Sets the timer for the warning, or for the end, of a session's token.
    pub(super) fn watch_token(&mut self, id: SessionId, now: Instant) {
        let unix = self.unix(now);
        let ends = self
            .sessions
            .get(&id)
            .and_then(|session| session.permissions.expires_at);
        if let Some(left) = ends.map(|at| Duration::from_secs(at.saturating_sub(unix))) {
            // A token may say any number: the clock is not asked for a time that it cannot name.
            let warning = left.saturating_sub(EXPIRY_WARNING).min(LOOK_AGAIN);
            self.timers.set(now + warning, Timer::Token(id));
        }
    }

    fn token_due(&mut self, id: SessionId, now: Instant) {
        let unix = self.unix(now);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        // Who is not connected shows a token when he comes back.
        let (Some(connection), Some(ends)) = (session.connection(), session.permissions.expires_at)
        else {
            return;
        };
        let left = ends.saturating_sub(unix);
        if left == 0 {
            self.counts.tokens_expired += 1;
            let why = "the token has expired";
            self.error(connection, None, &Fault::new(Code::TokenExpired, why));
            return self.close(connection, close::NOT_AUTHENTICATED, why, now);
        }
        if left > EXPIRY_WARNING.as_secs() {
            return self.watch_token(id, now); // It was renewed.
        }
        if session.warned_of != Some(ends) {
            session.warned_of = Some(ends);
            self.event(
                id,
                &Told::TokenExpiring {
                    expires_in_ms: left * 1000,
                },
            );
        }
        self.timers
            .set(now + Duration::from_secs(left), Timer::Token(id));
    }
}
