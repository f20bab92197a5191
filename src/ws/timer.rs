//! The timers of clients' connections and sessions.
//!
//! They lie in one ordered set and are never taken out early: whoever wakes up looks whether there
//! is still something to do, and sleeps again if it is not yet time. So a frame that arrives costs
//! no timer work, and tens of thousands of silent sessions cost nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::connection::ConnectionId;
use super::session::SessionId;

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// When to give up on a client that has connected and says no hello. Default 5 s,
    /// `auth.hello_timeout`.
    Hello(ConnectionId),
    /// When to give up on the operator's endpoint that is asked about a token. `auth.http.timeout`
    /// and a second, 4 s by default; the asker has a deadline of its own, this is for the day that
    /// it is lost.
    Introspection(ConnectionId),
    /// When to give up on a client that says nothing at all, not even ping. Default 45 s,
    /// `client.heartbeat_deadline`; clients are told to speak every 20 s.
    Heartbeat(ConnectionId),
    /// When to end calls, and then the session, of a client that is not back. Default 60 s for
    /// calls that ring (`call.ringing_grace`), 5 min for answered ones (`call.answered_grace`),
    /// [`IDLE_GRACE`] without calls.
    Grace(SessionId),
    /// When to warn of the end of a token, [`EXPIRY_WARNING`] before, and when to close the
    /// connection at its end.
    Token(SessionId),
}

/// How long a session without calls outlives its connection: long enough for a page that is loaded
/// again or a phone that changes networks.
pub(super) const IDLE_GRACE: Duration = Duration::from_secs(30);

/// How long before a token's end its client is warned.
pub(super) const EXPIRY_WARNING: Duration = Duration::from_secs(60);

/// All timers that are set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Sets one. One of the same name that is set already stays.
    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        self.set.insert((at, timer));
    }

    /// Takes the first that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let first = self.set.first().copied().filter(|(at, _)| *at <= now)?;
        self.set.remove(&first);
        Some(first.1)
    }

    /// The first of all, and its name for logs.
    pub(super) fn first(&self) -> Option<(Instant, &'static str)> {
        self.set.first().map(|(at, timer)| (*at, timer.name()))
    }
}

impl Timer {
    fn name(self) -> &'static str {
        match self {
            Self::Hello(_) => "a client's hello",
            Self::Introspection(_) => "a token's endpoint",
            Self::Heartbeat(_) => "a client's heartbeat",
            Self::Grace(_) => "a session's grace",
            Self::Token(_) => "a token's end",
        }
    }
}
