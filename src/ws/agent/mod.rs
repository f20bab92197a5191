//! All clients without I/O: text in, connections, sessions, legs, signals out, and back.
//!
//! `entry.rs` lets clients in, `request.rs` takes what they ask for, `call.rs` carries calls
//! between them and the middle, `text.rs` text messages, `say.rs` sends, numbers and traces,
//! `due.rs` does what is due, `counts.rs` is what an operator counts.

mod call;
mod counts;
mod due;
mod entry;
mod request;
mod say;
mod text;

#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod entry_tests;
#[cfg(test)]
mod exchange_tests;
#[cfg(test)]
mod promise_tests;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod text_tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

pub use self::counts::Counts;
use self::entry::Asked;
pub use self::text::Sent;
use super::auth::{Doorkeeper, Permissions};
use super::code::{Code, close};
use super::connection::{Bucket, Connection, ConnectionId, Flow, State};
use super::frame::{
    AccountStanding, BadFrame, ClientFrame, Event as Told, Parsed, ServerFrame, SipStatus,
};
use super::leg::{Fault, Leg, Rules};
use super::session::{Session, SessionId};
use super::timer::{Timer, Timers};
use crate::ask::{AskId, Question};
use crate::call::signal::{Invite, Signal};
use crate::config::{self, Config};
use crate::id::{LegId, NoteId, Source};
use crate::sdp;
use crate::text::Outcome;
use crate::trace::Entry;

/// What the agent tells the gateway.
#[derive(Debug)]
pub enum Event {
    /// Send a frame.
    Send {
        /// The connection.
        connection: ConnectionId,
        /// The frame.
        text: String,
    },
    /// Close a connection.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// Ask the outside.
    Ask {
        /// Names the question.
        id: AskId,
        /// The question.
        question: Question,
    },
    /// A client calls; [`Agent::accepted`] or [`Agent::refuse`] answers him.
    Call(Call),
    /// A leg says something.
    Signal {
        /// The leg.
        leg: LegId,
        /// What.
        signal: Signal,
    },
    /// A client wants an account registered.
    AddAccount {
        /// The user.
        user: String,
        /// The account's name.
        account: String,
        /// The account, where the client brings it; else it is one of the configuration.
        brought: Option<Box<config::Account>>,
    },
    /// No client wants an account any more that one had brought.
    RemoveAccount {
        /// The user.
        user: String,
        /// The account's name.
        account: String,
    },
    /// A client's request for a call is refused before it was routed; what follows of this leg is
    /// its trace.
    Refused(Refused),
    /// A client sends a text message.
    Text(Sent),
    /// What became of a copy of a text message that a client was given.
    TextOutcome {
        /// Which message.
        note: NoteId,
        /// What.
        outcome: Outcome,
    },
    /// A line of a trace.
    Trace(Entry),
    /// A leg has finished.
    Gone {
        /// Which.
        leg: LegId,
    },
}

/// A client that is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitee {
    /// His session.
    pub session: SessionId,
    /// The call's id for him.
    pub call: String,
    /// The account that was called, where it was one.
    pub account: Option<String>,
}

/// A call that a client asks for.
#[derive(Debug)]
pub struct Call {
    /// Its leg.
    pub leg: LegId,
    /// The session that asks.
    pub session: SessionId,
    /// What the client may do.
    pub permissions: Permissions,
    /// The account to call as.
    pub account: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// What is asked for.
    pub invite: Box<Invite>,
    /// The call's id as the client knows it.
    pub name: String,
}

/// A client's request for a call that is refused, for the trace.
#[derive(Debug)]
pub struct Refused {
    /// The leg that it would have had.
    pub leg: LegId,
    /// Who asked.
    pub user: String,
    /// Who was to be called, as the client wrote it.
    pub to: String,
    /// The call's id as the client knows it.
    pub name: String,
    /// Why.
    pub code: Code,
    /// The same for people.
    pub message: String,
}

/// Whether new calls and sessions are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    /// No calls: too much is going on.
    Shedding,
    /// Neither: the process is to end.
    Closed,
}

/// The agent.
#[derive(Debug)]
pub struct Agent {
    client: config::Client,
    call: config::Call,
    auth: config::Auth,
    /// The accounts of the configuration: owner and address by name.
    kept: BTreeMap<String, (String, String)>,
    keeper: Doorkeeper,
    descriptions: sdp::Limits,
    text_bytes_max: usize,
    bodies_traced: bool,
    retry_after: Duration,
    epoch: (Instant, Duration),
    /// The time of the last input.
    now: Instant,
    connections: BTreeMap<ConnectionId, Connection>,
    sessions: BTreeMap<SessionId, Session>,
    /// How many sessions are of guests.
    guests: usize,
    names: BTreeMap<String, SessionId>,
    users: BTreeMap<String, BTreeSet<SessionId>>,
    legs: BTreeMap<LegId, Leg>,
    calls: BTreeMap<(SessionId, String), LegId>,
    /// `call.create` requests that wait for the gateway's word: the request's id.
    pending: BTreeMap<LegId, String>,
    standings: BTreeMap<(String, String), AccountStanding>,
    /// Servers for media that users have besides those of the configuration.
    ice_servers: BTreeMap<String, Vec<config::IceServer>>,
    asked: BTreeMap<AskId, Asked>,
    last_ask: u64,
    timers: Timers,
    door: Door,
    events: VecDeque<Event>,
    counts: Counts,
}

impl Agent {
    /// Whether nothing is left of any call: for tests.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.calls.is_empty() && self.pending.is_empty()
    }

    /// An agent; `unix` is the time since 1970 at `now`.
    #[must_use]
    pub fn new(config: &Config, now: Instant, unix: Duration) -> Self {
        let descriptions = sdp::Limits {
            bytes_max: config.call.description_bytes_max,
            media_max: config.call.media_max,
            ..sdp::Limits::default()
        };
        let kept = config.account.iter().map(|account| {
            (
                account.name.clone(),
                (account.owner.clone(), account.uri.clone()),
            )
        });
        Self {
            client: config.client.clone(),
            call: config.call.clone(),
            kept: kept.collect(),
            keeper: Doorkeeper::new(&config.auth),
            auth: config.auth.clone(),
            descriptions,
            text_bytes_max: config.text.bytes_max,
            bodies_traced: config.trace.bodies,
            retry_after: config.shedding.retry_after,
            epoch: (now, unix),
            now,
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            guests: 0,
            names: BTreeMap::new(),
            users: BTreeMap::new(),
            legs: BTreeMap::new(),
            calls: BTreeMap::new(),
            pending: BTreeMap::new(),
            standings: BTreeMap::new(),
            ice_servers: BTreeMap::new(),
            asked: BTreeMap::new(),
            last_ask: 0,
            timers: Timers::default(),
            door: Door::Open,
            events: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// The key set of `auth.jwt.jwks_url` or `jwks_file` has arrived (RFC 7517). Returns how many
    /// of its keys can be used.
    ///
    /// # Errors
    /// The text is no key set; the keys stay as they are.
    pub fn set_keys(&mut self, text: &str) -> Result<usize, serde_json::Error> {
        self.keeper.set_keys(text)
    }

    // --- connections ---

    /// A client has connected.
    pub fn open(&mut self, connection: ConnectionId, peer: &str, now: Instant) {
        self.now = now;
        let until = now + self.auth.hello_timeout;
        let known = Connection {
            peer: peer.to_owned(),
            state: State::Greeting { until },
            bucket: Bucket::full(self.client.frames_burst, now),
            heard_at: now,
        };
        self.connections.insert(connection, known);
        self.timers.set(until, Timer::Hello(connection));
    }

    /// A text frame.
    pub fn text(&mut self, connection: ConnectionId, text: &str, ids: &mut Source, now: Instant) {
        self.now = now;
        let (rate, burst) = (self.client.frames_per_second, self.client.frames_burst);
        let Some(known) = self.connections.get_mut(&connection) else {
            return;
        };
        known.heard_at = now;
        match known.bucket.take(rate, burst, now) {
            Flow::Passes => {}
            Flow::Refused => return self.slow_down(connection, text),
            Flow::Hopeless => {
                return self.close(connection, close::TOO_MUCH, "too many frames a second", now);
            }
        }
        if text.len() > self.client.frame_bytes_max {
            self.counts.too_large += 1;
            let message = format!("a frame may have {} bytes", self.client.frame_bytes_max);
            self.error(
                connection,
                None,
                &Fault::new(Code::TooLarge, message.as_str()),
            );
            return self.close(connection, close::TOO_MUCH, &message, now);
        }
        let parsed = ClientFrame::parse(text, self.client.depth_max);
        let state = self.connections.get(&connection).map(|known| &known.state);
        match (parsed, state) {
            (Ok(parsed), Some(State::Open { session })) => {
                let session = *session;
                self.frame(connection, session, parsed, text, ids, now);
            }
            (
                Ok(Parsed {
                    frame: ClientFrame::Hello(hello),
                    ..
                }),
                Some(State::Greeting { .. }),
            ) => {
                self.hello(connection, hello, ids, now);
            }
            (Ok(Parsed { frame, .. }), Some(State::Asking { .. })) => {
                let fault = Fault::new(Code::NotAuthenticated, "wait for the welcome");
                self.error(connection, frame.id(), &fault);
            }
            (Err(bad), Some(State::Greeting { .. })) => {
                self.bad_frame(connection, &bad);
                self.close(
                    connection,
                    close::BAD_HELLO,
                    "the hello cannot be read",
                    now,
                );
            }
            (Ok(_), Some(State::Greeting { .. })) => {
                let reason = "the first frame is to be a hello";
                self.error(
                    connection,
                    None,
                    &Fault::new(Code::NotAuthenticated, reason),
                );
                self.close(connection, close::BAD_HELLO, reason, now);
            }
            (Err(bad), Some(State::Open { .. } | State::Asking { .. })) => {
                self.bad_frame(connection, &bad);
            }
            (_, None) => {} // Looked up above: it is there.
        }
    }

    /// One frame too many: said, not read.
    fn slow_down(&mut self, connection: ConnectionId, text: &str) {
        self.counts.rate_limited += 1;
        let id = match text.len() <= self.client.frame_bytes_max {
            true => ClientFrame::peek_id(text),
            false => None,
        };
        let message = format!(
            "{} frames a second are taken",
            self.client.frames_per_second
        );
        self.error(
            connection,
            id.as_deref(),
            &Fault::new(Code::RateLimited, message),
        );
    }

    fn bad_frame(&mut self, connection: ConnectionId, bad: &BadFrame) {
        let code = match bad {
            BadFrame::TooDeep(_) => {
                self.counts.too_deep += 1;
                Code::TooDeep
            }
            BadFrame::Unsupported { .. } => Code::Unsupported,
            BadFrame::NotJson(_) | BadFrame::Malformed { .. } => {
                self.counts.bad_frames += 1;
                Code::BadFrame
            }
        };
        self.error(connection, bad.id(), &Fault::new(code, bad.to_string()));
    }

    /// A connection is gone. Its session goes on without one for a while.
    pub fn closed(&mut self, connection: ConnectionId, now: Instant) {
        self.now = now;
        self.left(connection, "was lost", now);
    }

    /// The socket of a connection was lost, or closed for a reason.
    fn left(&mut self, connection: ConnectionId, how: &str, now: Instant) {
        match self
            .connections
            .remove(&connection)
            .map(|known| known.state)
        {
            Some(State::Open { session }) => self.detach(session, connection, how, now),
            Some(State::Asking { ask, .. }) => {
                self.asked.remove(&ask);
            }
            Some(State::Greeting { .. }) | None => {}
        }
    }

    fn close(&mut self, connection: ConnectionId, code: u16, reason: &str, now: Instant) {
        let how = format!("was closed ({code}: {reason})");
        // RFC 6455 §5.5: a control frame has 125 bytes, two of them the code.
        let reason = reason.chars().take(60).collect();
        self.events.push_back(Event::Close {
            connection,
            code,
            reason,
        });
        self.left(connection, &how, now);
    }

    // --- the gateway's word ---

    /// All sessions of a user, those without a connection included: their clients may be back in
    /// time.
    #[must_use]
    pub fn sessions_of(&self, user: &str) -> Vec<SessionId> {
        self.users
            .get(user)
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }

    /// Whether a session may be called once more: as many calls as a user may have ring at a time.
    #[must_use]
    pub fn may_ring(&self, session: SessionId) -> bool {
        let Some(session) = self.sessions.get(&session) else {
            return false;
        };
        let legs = session.calls.iter().filter_map(|leg| self.legs.get(leg));
        legs.filter(|leg| leg.rings_here()).count() < self.call.calls_per_user
    }

    /// Whether a session's client takes candidates behind a description.
    #[must_use]
    pub fn trickles(&self, session: SessionId) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|session| session.capabilities.trickle)
    }

    /// How an account stands, told to all sessions of its user.
    pub fn account_state(
        &mut self,
        owner: &str,
        account: &str,
        state: AccountStanding,
        cause: Option<String>,
        sip: Option<(u16, String)>,
        retry_in: Option<Duration>,
    ) {
        let key = (owner.to_owned(), account.to_owned());
        match state {
            // Of an account that nobody wants nothing is kept.
            AccountStanding::Unregistered if !self.kept.contains_key(account) => {
                self.standings.remove(&key);
            }
            AccountStanding::Registering
            | AccountStanding::Registered
            | AccountStanding::Failed
            | AccountStanding::Unregistered => {
                self.standings.insert(key, state);
            }
        }
        let event = Told::AccountState {
            account: account.to_owned(),
            state,
            cause,
            sip: sip.map(|(status, reason)| SipStatus { status, reason }),
            retry_in_ms: retry_in.and_then(|time| u64::try_from(time.as_millis()).ok()),
        };
        for session in self.sessions_of(owner) {
            self.event(session, &event);
        }
    }

    /// No new calls, no new sessions.
    pub fn drain(&mut self) {
        self.door = Door::Closed;
    }

    /// New calls are refused while there is too much to do.
    pub fn set_shedding(&mut self, shedding: bool) {
        self.door = match (self.door, shedding) {
            (Door::Closed, _) => Door::Closed,
            (Door::Open | Door::Shedding, true) => Door::Shedding,
            (Door::Open | Door::Shedding, false) => Door::Open,
        };
    }

    /// Closes every connection: the gateway ends.
    pub fn close_all(&mut self) {
        for connection in std::mem::take(&mut self.connections).into_keys() {
            let (code, reason) = (close::GOING_AWAY, "the gateway ends".to_owned());
            self.events.push_back(Event::Close {
                connection,
                code,
                reason,
            });
        }
    }

    /// The next thing that has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Agent::handle_timeout`] wants to be called, and why. May be earlier than there is
    /// something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        self.timers.first()
    }

    /// What has been counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What an operator counts, by name.
    #[must_use]
    pub fn counted(&self) -> Vec<(&'static str, u64)> {
        self.counts.named()
    }

    /// Connections and sessions now.
    #[must_use]
    pub fn census(&self) -> (usize, usize) {
        (self.connections.len(), self.sessions.len())
    }

    fn unix(&self, now: Instant) -> u64 {
        let (epoch, unix) = self.epoch;
        (unix + now.saturating_duration_since(epoch)).as_secs()
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            descriptions: &self.descriptions,
            candidates_max: self.call.candidates_max,
        }
    }

    fn send(&mut self, connection: ConnectionId, frame: &ServerFrame) {
        let text = frame.to_text();
        self.events.push_back(Event::Send { connection, text });
    }
}
