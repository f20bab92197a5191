//! What the tests of the agent drive it with: connections in text, the gateway's part played by the
//! test.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Agent, Call, Event, Invitee, Refused, Sent};
use crate::address::Address;
use crate::ask::{AskId, Question, Told};
use crate::call::signal::{Caller, Invite, MediaFlow, Opening, Signal};
use crate::config::{self, Config};
use crate::id::{LegId, NoteId, Source};
use crate::sdp::{Limits, MediaState, SessionDescription};
use crate::text::Outcome;
use crate::trace::{Entry, What};
use crate::ws::ConnectionId;
use crate::ws::frame::check_server_text;
use crate::ws::session::SessionId;

/// An agent and everything it said.
pub(super) struct Rig {
    pub agent: Agent,
    pub ids: Source,
    pub now: Instant,
    frames: BTreeMap<u64, Vec<Value>>,
    pub closed: BTreeMap<u64, (u16, String)>,
    pub calls: Vec<Call>,
    pub signals: Vec<(LegId, Signal)>,
    pub asked: Vec<(AskId, Question)>,
    pub accounts: Vec<String>,
    pub gone: Vec<LegId>,
    pub refused: Vec<Refused>,
    pub trace: Vec<Entry>,
    pub texts: Vec<Sent>,
    pub outcomes: Vec<(NoteId, Outcome)>,
}

/// 2023-11-14, so that tokens of the tests have a time.
pub(super) const UNIX: u64 = 1_700_000_000;

pub(super) const SECRET: &str = "a secret of thirty-two bytes or so";

/// A description of a browser, from the captures of real ones.
pub(super) fn offer() -> String {
    capture("chrome-audio-offer-gathered")
}

/// The answer to it.
pub(super) fn answer() -> String {
    capture("chrome-p-audio-answer-gathered")
}

pub(super) fn capture(name: &str) -> String {
    let path = format!(
        "{}/tests/fixtures/sdp/{name}.sdp",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

pub(super) fn sdp(text: &str) -> SessionDescription {
    SessionDescription::parse(text, &Limits::default()).unwrap()
}

/// A configuration that lets alice and bob in by tokens of their names.
pub(super) fn two_users() -> Config {
    let user = |name: &str| config::User {
        name: name.into(),
        token: config::Secret::new(format!("{name}'s token")),
        accounts: vec!["desk".into()],
        ..config::User::default()
    };
    let auth = config::Auth {
        user: vec![user("alice"), user("bob")],
        jwt: Some(config::Jwt {
            hs256_secret: Some(config::Secret::new(SECRET)),
            leeway: Duration::ZERO,
            ..config::Jwt::default()
        }),
        ..config::Auth::default()
    };
    Config {
        auth,
        ..Config::default()
    }
}

impl Rig {
    pub(super) fn new(config: &Config) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to count from"
        )]
        let now = Instant::now();
        Self {
            agent: Agent::new(config, now, Duration::from_secs(UNIX)),
            ids: Source::from_number(1),
            now,
            frames: BTreeMap::new(),
            closed: BTreeMap::new(),
            calls: Vec::new(),
            signals: Vec::new(),
            asked: Vec::new(),
            accounts: Vec::new(),
            gone: Vec::new(),
            refused: Vec::new(),
            trace: Vec::new(),
            texts: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// With alice on connection 1.
    pub(super) fn with_alice() -> Self {
        let mut rig = Self::new(&two_users());
        rig.enter(1, "alice");
        rig
    }

    pub(super) fn settle(&mut self) {
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::Send { connection, text } => {
                    assert_eq!(check_server_text(&text), Ok(()), "{text}");
                    let frame = serde_json::from_str(&text).unwrap();
                    self.frames.entry(connection.0).or_default().push(frame);
                }
                Event::Close {
                    connection,
                    code,
                    reason,
                } => {
                    self.closed.insert(connection.0, (code, reason));
                }
                Event::Ask { id, question } => self.asked.push((id, question)),
                Event::Call(call) => {
                    self.agent.accepted(call.leg);
                    self.calls.push(call);
                }
                Event::Signal { leg, signal } => self.signals.push((leg, signal)),
                Event::AddAccount {
                    user,
                    account,
                    brought,
                } => {
                    let uri = brought.map_or("kept".to_owned(), |account| account.uri);
                    self.accounts.push(format!("+{user} {account} {uri}"));
                }
                Event::RemoveAccount { user, account } => {
                    self.accounts.push(format!("-{user} {account}"));
                }
                Event::Refused(refused) => self.refused.push(refused),
                Event::Text(sent) => self.texts.push(sent),
                Event::TextOutcome { note, outcome } => self.outcomes.push((note, outcome)),
                Event::Trace(entry) => self.trace.push(entry),
                Event::Gone { leg } => self.gone.push(leg),
            }
        }
    }

    pub(super) fn open(&mut self, connection: u64) {
        self.agent
            .open(ConnectionId(connection), "192.0.2.1:4000", self.now);
        self.settle();
    }

    pub(super) fn text(&mut self, connection: u64, text: &str) {
        self.agent
            .text(ConnectionId(connection), text, &mut self.ids, self.now);
        self.settle();
    }

    pub(super) fn say(&mut self, connection: u64, frame: &Value) {
        self.text(connection, &frame.to_string());
    }

    /// Opens a connection and says hello; the frames are the welcome and the sync.
    pub(super) fn hello(&mut self, connection: u64, hello: Value) -> Vec<Value> {
        let mut frame = json!({ "type": "hello" });
        frame
            .as_object_mut()
            .unwrap()
            .extend(hello.as_object().unwrap().clone());
        self.open(connection);
        self.say(connection, &frame);
        self.heard(connection)
    }

    /// Comes in as a user of the configuration; the session's name.
    pub(super) fn enter(&mut self, connection: u64, user: &str) -> String {
        let token = format!("{user}'s token");
        let capabilities = ["trickle", "pranswer"];
        let heard = self.hello(
            connection,
            json!({ "token": token, "capabilities": capabilities }),
        );
        assert_eq!(heard[0]["type"], "welcome", "{heard:?}");
        heard[0]["session"].as_str().unwrap().to_owned()
    }

    /// Comes back after the connection was lost.
    pub(super) fn resume(
        &mut self,
        connection: u64,
        user: &str,
        session: &str,
        seq: u64,
    ) -> Vec<Value> {
        let token = format!("{user}'s token");
        let resume = json!({ "session": session, "seq": seq });
        let capabilities = ["trickle", "pranswer"];
        self.hello(
            connection,
            json!({ "token": token, "capabilities": capabilities, "resume": resume }),
        )
    }

    pub(super) fn lose(&mut self, connection: u64) {
        self.agent.closed(ConnectionId(connection), self.now);
        self.settle();
    }

    pub(super) fn told(&mut self, ask: AskId, told: &Told) {
        self.agent.told(ask, told, &mut self.ids, self.now);
        self.settle();
    }

    /// Lets time pass, timer by timer.
    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.agent.poll_timeout().filter(|(at, _)| *at <= until) {
            assert!(at >= self.now, "a timer of the past");
            self.now = at;
            self.agent.handle_timeout(at);
            self.settle();
        }
        self.now = until;
    }

    /// What a connection was told since it was last asked.
    pub(super) fn heard(&mut self, connection: u64) -> Vec<Value> {
        self.frames.remove(&connection).unwrap_or_default()
    }

    /// Sends a frame; the one reply, error or event that follows first.
    pub(super) fn asks(&mut self, connection: u64, frame: &Value) -> Value {
        self.heard(connection);
        self.say(connection, frame);
        self.heard(connection)
            .into_iter()
            .next()
            .unwrap_or(Value::Null)
    }

    // --- calls ---

    /// The connection's client calls; its leg.
    pub(super) fn create(&mut self, connection: u64, call: &str) -> LegId {
        let description = json!({ "type": "offer", "sdp": offer() });
        let frame = json!({ "type": "call.create", "id": format!("create {call}"), "call": call,
            "to": "1001", "description": description });
        let reply = self.asks(connection, &frame);
        assert_eq!(reply["type"], "result", "{reply}");
        self.calls.last().unwrap().leg
    }

    /// The connection's session is called, by an offer or without; its leg.
    pub(super) fn invite(&mut self, session: SessionId, call: &str, offer: Option<&str>) -> LegId {
        self.invite_with(session, call, offer.map(sdp).into())
    }

    pub(super) fn invite_with(
        &mut self,
        session: SessionId,
        call: &str,
        opening: Opening,
    ) -> LegId {
        let leg = self.ids.leg();
        let invitee = Invitee {
            session,
            call: call.to_owned(),
            account: None,
        };
        self.agent.place(leg, invitee);
        let invite = Invite {
            from: Caller {
                uri: "sip:1001@pbx".into(),
                display_name: Some("Desk".into()),
            },
            to: Address::User("alice".into()),
            opening,
            headers: vec![("X-Queue".into(), "sales".into())],
        };
        self.apply(leg, Signal::Invite(Box::new(invite)));
        leg
    }

    /// The one session of a user.
    pub(super) fn session_of(&self, user: &str) -> SessionId {
        self.agent.sessions_of(user)[0]
    }

    pub(super) fn apply(&mut self, leg: LegId, signal: Signal) {
        self.agent.apply(leg, signal, self.now);
        self.settle();
    }

    /// What the middle was told since it was last asked, by name.
    pub(super) fn signalled(&mut self) -> Vec<String> {
        let signals = std::mem::take(&mut self.signals).into_iter();
        signals.map(|(_, signal)| name_of(&signal)).collect()
    }

    /// The lines of the trace: `>` from the client, `<` to it, `!` a note.
    pub(super) fn ladder(&self) -> Vec<String> {
        let line = |entry: &Entry| match &entry.what {
            What::Received(message) => format!("> {}", message.summary),
            What::Sent(message) => format!("< {}", message.summary),
            What::Note(note) => format!("! {note}"),
        };
        self.trace.iter().map(line).collect()
    }
}

/// The types of frames, in order.
pub(super) fn types(frames: &[Value]) -> Vec<&str> {
    frames
        .iter()
        .map(|frame| frame["type"].as_str().unwrap_or("?"))
        .collect()
}

fn name_of(signal: &Signal) -> String {
    match signal {
        Signal::Invite(_) => "Invite".into(),
        Signal::Ring => "Ring".into(),
        Signal::Progress { .. } => "Progress".into(),
        Signal::Accept(description) => format!("Accept({})", described(description.is_some())),
        Signal::Offer(description) => format!("Offer({})", described(description.is_some())),
        Signal::Answer(_) => "Answer".into(),
        Signal::Refuse(refused) => format!("Refuse({:?})", refused.why),
        Signal::Candidates(all) => format!("Candidates({})", all.len()),
        Signal::Dtmf(dtmf) => format!("Dtmf({})", dtmf.digit),
        Signal::Media(_) => "Media".into(),
        Signal::End(ending) => format!("End({})", ending.cause),
    }
}

fn described(is: bool) -> &'static str {
    if is { "sdp" } else { "none" }
}

// --- the call c1, which most claims about calls are about ---

pub(super) fn description(kind: &str, sdp: &str) -> Value {
    json!({ "type": kind, "sdp": sdp })
}

pub(super) fn about(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id, "call": "c1" })
}

pub(super) fn describe(id: &str, kind: &str, sdp: &str, negotiation: u64) -> Value {
    let mut frame = about("call.description", id);
    frame["description"] = description(kind, sdp);
    frame["negotiation"] = json!(negotiation);
    frame
}

pub(super) fn accept(id: &str, kind: &str, sdp: &str) -> Value {
    let mut frame = about("call.accept", id);
    frame["description"] = description(kind, sdp);
    frame
}

/// A call that alice made and that is answered.
pub(super) fn established() -> (Rig, LegId) {
    let mut rig = Rig::with_alice();
    let leg = rig.create(1, "c1");
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    rig.heard(1);
    (rig, leg)
}

/// A call for alice, whose caller makes his offer when she accepts.
pub(super) fn promised() -> (Rig, LegId) {
    let mut rig = Rig::with_alice();
    let leg = rig.invite_with(rig.session_of("alice"), "c1", Opening::Later);
    (rig, leg)
}

/// A call for alice, by an offer.
pub(super) fn called() -> (Rig, LegId) {
    let mut rig = Rig::with_alice();
    let leg = rig.invite(rig.session_of("alice"), "c1", Some(&offer()));
    (rig, leg)
}

pub(super) fn flow(sending: bool) -> MediaFlow {
    let state = MediaState {
        sending,
        receiving: true,
        ..MediaState::default()
    };
    MediaFlow {
        mid: Some("0".into()),
        kind: "audio".into(),
        state,
    }
}
