//! How a client comes in: hello, its token, a session that is new or goes on.

use std::time::{Duration, Instant};

use super::{Agent, Door, Event};
use crate::ask::{AskId, Question, Told};
use crate::config;
use crate::id::Source;
use crate::ws::auth::{Permissions, Verdict};
use crate::ws::code::{Code, close};
use crate::ws::connection::{ConnectionId, State, Wish};
use crate::ws::frame::{
    AccountInfo, AccountStanding, Event as Said, Grace, Hello, IceServer, Limits, Resumed,
    ServerFrame, SnapshotWord, TokenRefresh,
};
use crate::ws::leg::{Fault, Leg};
use crate::ws::session::{Link, Session, SessionId};
use crate::ws::timer::Timer;

/// Who waits for the answer of the operator's endpoint.
#[derive(Debug)]
pub(super) enum Asked {
    /// A connection with its hello.
    Hello(ConnectionId),
    /// A session that wants to go on with a new token, by this request.
    Refresh(SessionId, String),
}

impl Agent {
    pub(super) fn hello(
        &mut self,
        connection: ConnectionId,
        mut hello: Hello,
        ids: &mut Source,
        now: Instant,
    ) {
        let token = hello.token.take();
        let wish = Wish::from(hello);
        match self.keeper.look(token.as_ref(), self.unix(now)) {
            Verdict::Ask(_) if !self.may_ask() => {
                self.counts.questions_refused += 1;
                let why = "too many tokens are being checked; try again in a moment";
                self.turn_away(connection, Code::Overloaded, why, now);
            }
            Verdict::Ask(question) => {
                let patience = self
                    .auth
                    .http
                    .as_ref()
                    .map_or(Duration::ZERO, |http| http.timeout);
                let until = now + patience + Duration::from_secs(1);
                let ask = self.ask(question, Asked::Hello(connection));
                if let Some(known) = self.connections.get_mut(&connection) {
                    known.state = State::Asking {
                        ask,
                        wish: Box::new(wish),
                        until,
                    };
                }
                self.timers.set(until, Timer::Introspection(connection));
            }
            verdict => self.judged(connection, verdict, &wish, ids, now),
        }
    }

    /// Whether the endpoint may be asked once more.
    fn may_ask(&self) -> bool {
        let most = self.auth.http.as_ref().map(|http| http.questions_max);
        most.is_some_and(|most| self.asked.len() < most)
    }

    fn ask(&mut self, question: Question, asked: Asked) -> AskId {
        self.last_ask += 1;
        let id = AskId(self.last_ask);
        self.asked.insert(id, asked);
        self.events.push_back(Event::Ask { id, question });
        id
    }

    /// The answer to a question.
    pub fn told(&mut self, ask: AskId, told: &Told, ids: &mut Source, now: Instant) {
        self.now = now;
        let Some(asked) = self.asked.remove(&ask) else {
            return;
        };
        let verdict = match told {
            Told::Introspected(json) => self.keeper.introspected(json, self.unix(now)),
            Told::Failed(why) => {
                tracing::warn!(%why, "the endpoint that knows tokens did not answer");
                Verdict::Out(Code::Overloaded, "tokens cannot be checked at the moment")
            }
            Told::Addresses(..) | Told::Services(..) => {
                Verdict::Out(Code::Internal, "tokens cannot be checked at the moment")
            }
        };
        match asked {
            Asked::Hello(connection) => {
                let state = self.connections.get(&connection).map(|known| &known.state);
                let Some(State::Asking { wish, .. }) = state else {
                    return;
                };
                let wish = wish.clone();
                self.judged(connection, verdict, &wish, ids, now);
            }
            Asked::Refresh(session, request) => {
                self.refreshed(session, &request, verdict, now);
            }
        }
    }

    fn judged(
        &mut self,
        connection: ConnectionId,
        verdict: Verdict,
        wish: &Wish,
        ids: &mut Source,
        now: Instant,
    ) {
        match verdict {
            Verdict::In(permissions) => self.enter(connection, permissions, wish, ids, now),
            Verdict::Guest => {
                // A guest is known again by nothing but the session he resumes.
                let known = wish.resume.as_ref().and_then(|resume| {
                    let session = self.sessions.get(self.names.get(&resume.session)?)?;
                    let permissions = session.permissions.clone();
                    is_guest(&permissions.user).then_some(permissions)
                });
                let permissions = known.unwrap_or_else(|| {
                    let token = ids.token();
                    Permissions::guest(format!("{GUEST}{}", token.get(..8).unwrap_or(&token)))
                });
                self.enter(connection, permissions, wish, ids, now);
            }
            Verdict::Out(code, why) => self.turn_away(connection, code, why, now),
            // Whoever asks again after an answer has none.
            Verdict::Ask(_) => self.turn_away(connection, Code::TokenInvalid, "unknown", now),
        }
    }

    pub(super) fn turn_away(
        &mut self,
        connection: ConnectionId,
        code: Code,
        why: &str,
        now: Instant,
    ) {
        self.counts.turned_away += 1;
        let peer = self
            .connections
            .get(&connection)
            .map_or("", |known| known.peer.as_str());
        tracing::info!(peer, code = code.name(), "a client was turned away: {why}");
        self.error(connection, None, &Fault::new(code, why));
        let close = match code {
            Code::Overloaded | Code::Internal => close::UNAVAILABLE,
            _ => close::NOT_AUTHENTICATED,
        };
        self.close(connection, close, why, now);
    }

    fn enter(
        &mut self,
        connection: ConnectionId,
        permissions: Permissions,
        wish: &Wish,
        ids: &mut Source,
        now: Instant,
    ) {
        // A session of another user is as unknown as one that never was.
        let known = wish.resume.as_ref().and_then(|resume| {
            let id = *self.names.get(&resume.session)?;
            let session = self.sessions.get(&id)?;
            (session.permissions.user == permissions.user).then_some((id, resume.seq))
        });
        let entered = match known {
            Some((id, seq)) => Some(self.resume(id, seq, now)),
            None => self
                .begin_session(connection, &permissions, wish, ids, now)
                .map(|id| (id, Resumed::Whole(false), Vec::new())),
        };
        let Some((id, resumed, replay)) = entered else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.link = Link::Attached(connection);
            session.capabilities = wish.capabilities;
            session.permissions = permissions;
            for leg in &session.calls {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.capabilities = wish.capabilities;
                }
            }
        }
        if let Some(known) = self.connections.get_mut(&connection) {
            known.state = State::Open { session: id };
            let client = wish.client.as_deref().unwrap_or("");
            tracing::debug!(
                peer = known.peer,
                session = id.0,
                client,
                ?resumed,
                "a client is in"
            );
        }
        self.timers.set(
            now + self.client.heartbeat_deadline,
            Timer::Heartbeat(connection),
        );
        self.welcome(connection, id, resumed, replay, now);
        self.watch_token(id, now);
    }

    /// The old connection is fenced; what it may have missed is sent again.
    fn resume(
        &mut self,
        id: SessionId,
        seq: u64,
        now: Instant,
    ) -> (SessionId, Resumed, Vec<String>) {
        if let Some(old) = self.sessions.get(&id).and_then(Session::connection) {
            self.counts.superseded += 1;
            let reason = "another connection goes on with this session";
            self.error(old, None, &Fault::new(Code::Superseded, reason));
            self.close(old, close::SUPERSEDED, "superseded", now);
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return (id, Resumed::Whole(true), Vec::new());
        };
        match session.ring.after(seq) {
            Some(replay) => {
                self.acknowledged(id, seq);
                self.counts.resumed += 1;
                (id, Resumed::Whole(true), replay)
            }
            None => {
                session.ring.clear();
                if seq <= session.ring.last() {
                    self.acknowledged(id, seq);
                }
                self.texts_lost(id);
                self.counts.snapshots += 1;
                (id, Resumed::Snapshot(SnapshotWord::Snapshot), Vec::new())
            }
        }
    }

    fn begin_session(
        &mut self,
        connection: ConnectionId,
        permissions: &Permissions,
        wish: &Wish,
        ids: &mut Source,
        now: Instant,
    ) -> Option<SessionId> {
        let refused = match (self.door, self.has_room(&permissions.user)) {
            (Door::Closed, _) => Some((Code::Draining, "the gateway is being shut down")),
            (Door::Open | Door::Shedding, false) => {
                Some((Code::Overloaded, "there are too many sessions"))
            }
            (Door::Open | Door::Shedding, true) => None,
        };
        if let Some((code, why)) = refused {
            self.counts.sessions_refused += 1;
            self.error(connection, None, &Fault::new(code, why));
            self.close(connection, close::UNAVAILABLE, why, now);
            return None;
        }
        let id = SessionId(ids.next_number());
        let name = format!("s-{}", ids.secret());
        let session = Session::new(
            name.clone(),
            permissions.clone(),
            wish.capabilities,
            connection,
        );
        self.sessions.insert(id, session);
        self.names.insert(name, id);
        self.guests += usize::from(is_guest(&permissions.user));
        self.users
            .entry(permissions.user.clone())
            .or_default()
            .insert(id);
        Some(id)
    }

    /// Whether one more session of a user fits. His oldest that only waits for its client gives
    /// way: a page that forgets its session when it is loaded again must not lock its user out.
    fn has_room(&mut self, user: &str) -> bool {
        let of_user = self.sessions_of(user);
        if of_user.len() >= self.client.sessions_per_user {
            let idle = of_user
                .into_iter()
                .find(|id| self.sessions.get(id).is_some_and(Session::is_idle));
            match idle {
                Some(idle) => self.end_session(idle),
                None => return false,
            }
        }
        let has_room = !is_guest(user) || self.guests < self.client.guests_max;
        has_room && self.sessions.len() < self.client.sessions_max
    }

    /// Welcome, what was missed, the truth, and what a client that lost events must hear again.
    fn welcome(
        &mut self,
        connection: ConnectionId,
        id: SessionId,
        resumed: Resumed,
        replay: Vec<String>,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let up_to = session.ring.last();
        let replayed = u64::try_from(replay.len()).unwrap_or(u64::MAX);
        let next_seq = (up_to + 1).saturating_sub(replayed);
        let welcome = self.welcome_of(session, resumed, next_seq, now);
        let legs: Vec<&Leg> = session
            .calls
            .iter()
            .filter_map(|leg| self.legs.get(leg))
            .collect();
        let calls = legs.iter().map(|leg| leg.info()).collect();
        let restated: Vec<_> = match resumed {
            Resumed::Snapshot(_) => legs
                .iter()
                .filter_map(|leg| Some((leg.id, leg.restated()?)))
                .collect(),
            Resumed::Whole(_) => Vec::new(),
        };
        let (user, ids) = (session.permissions.user.clone(), session.calls.clone());
        let came_back = match resumed {
            Resumed::Whole(true) => {
                format!("{user} is back: resumed, frames sent again: {replayed}")
            }
            Resumed::Whole(false) => format!("{user} is in"),
            Resumed::Snapshot(_) => {
                let count = restated.len();
                format!("{user} is back: events were lost, calls told anew: {count}")
            }
        };
        for leg in ids {
            self.note(leg, came_back.clone(), now);
        }
        self.send(connection, &welcome);
        for text in replay {
            self.events.push_back(Event::Send { connection, text });
        }
        self.send(connection, &ServerFrame::Sync { up_to, calls });
        for (leg, event) in restated {
            self.tell(leg, &event, now);
        }
    }

    fn welcome_of(
        &self,
        session: &Session,
        resumed: Resumed,
        next_seq: u64,
        now: Instant,
    ) -> ServerFrame {
        let permissions = &session.permissions;
        let named = permissions.accounts.iter().chain(&session.brought);
        let ends_in = permissions
            .expires_at
            .map(|at| at.saturating_sub(self.unix(now)));
        ServerFrame::Welcome {
            session: session.name.clone(),
            resumed,
            next_seq,
            user: permissions.user.clone(),
            accounts: named
                .map(|account| self.account_info(&permissions.user, account))
                .collect(),
            ice_servers: self.ice_servers_of(&permissions.user),
            limits: Limits {
                frame_bytes: self.client.frame_bytes_max,
                calls: self.calls_max(permissions),
                candidates: self.call.candidates_max,
                frames_per_second: self.client.frames_per_second,
                text_bytes: self.text_bytes_max,
            },
            grace: Grace {
                ringing_ms: ms(self.call.ringing_grace),
                answered_ms: ms(self.call.answered_grace),
            },
            heartbeat_ms: ms(self.client.heartbeat),
            expires_in_ms: ends_in.map(|seconds| seconds.saturating_mul(1000)),
            gateway: concat!("crosspoint/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The servers for media that a user is told: those of the configuration, then his own.
    fn ice_servers_of(&self, user: &str) -> Vec<IceServer> {
        let own = self.ice_servers.get(user).into_iter().flatten();
        let all = self.client.ice_server.iter().chain(own);
        let told = all.map(|server| IceServer {
            urls: server.urls.clone(),
            username: server.username.clone(),
            credential: server
                .credential
                .as_ref()
                .map(|secret| secret.reveal().to_owned()),
        });
        told.collect()
    }

    /// The servers for media that a user has besides those of the configuration are these now.
    pub fn set_ice_servers(&mut self, user: &str, servers: Vec<config::IceServer>) {
        match servers.is_empty() {
            true => self.ice_servers.remove(user),
            false => self.ice_servers.insert(user.to_owned(), servers),
        };
        let ice_servers = self.ice_servers_of(user);
        let event = Said::IceServers { ice_servers };
        for session in self.sessions_of(user) {
            self.event(session, &event);
        }
    }

    fn account_info(&self, user: &str, account: &str) -> AccountInfo {
        let kept = self.kept.get(account);
        let owner = kept.map_or(user, |(owner, _)| owner.as_str());
        let key = (owner.to_owned(), account.to_owned());
        let state = self
            .standings
            .get(&key)
            .copied()
            .unwrap_or(AccountStanding::Unregistered);
        let uri = kept.map(|(_, uri)| uri.clone());
        AccountInfo {
            account: account.to_owned(),
            state,
            uri,
        }
    }

    pub(super) fn calls_max(&self, permissions: &Permissions) -> usize {
        let most = self.call.calls_per_user;
        permissions.calls_max.map_or(most, |own| own.min(most))
    }

    // --- a new token ---

    pub(super) fn refresh(&mut self, id: SessionId, refresh: TokenRefresh, now: Instant) {
        let TokenRefresh { id: request, token } = refresh;
        match self.keeper.look(Some(&token), self.unix(now)) {
            Verdict::Ask(_) if !self.may_ask() => {
                self.counts.questions_refused += 1;
                let why = "too many tokens are being checked; try again in a moment";
                self.refused(id, Some(&request), None, &Fault::new(Code::Overloaded, why));
            }
            Verdict::Ask(question) => {
                self.ask(question, Asked::Refresh(id, request));
            }
            verdict => self.refreshed(id, &request, verdict, now),
        }
    }

    fn refreshed(&mut self, id: SessionId, request: &str, verdict: Verdict, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let fault = match verdict {
            Verdict::In(permissions) if permissions.user == session.permissions.user => {
                session.permissions = permissions;
                self.reply(id, request, None);
                return self.watch_token(id, now);
            }
            Verdict::In(_) | Verdict::Guest => {
                Fault::new(Code::Forbidden, "the token is not this user's")
            }
            Verdict::Out(code, why) => Fault::new(code, why),
            Verdict::Ask(_) => Fault::new(Code::TokenInvalid, "the token is not known"),
        };
        self.refused(id, Some(request), None, &fault);
    }
}

/// What the names of guests begin with.
const GUEST: &str = "guest-";

/// Whether somebody came in without a token.
pub(super) fn is_guest(user: &str) -> bool {
    user.starts_with(GUEST)
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
