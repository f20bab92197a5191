//! Text messages of clients: what they send, what they are given, and that they have it.
//!
//! A client that acknowledges an event has it: that is how the delivery of a message is known. One
//! whose events were lost, or that does not come back, has not got it.

use super::{Agent, Door, Event};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::id::NoteId;
use crate::text::{BadText, Failure, Note, Outcome, Text};
use crate::ws::auth::Permissions;
use crate::ws::code::{Code, text_failed, told};
use crate::ws::frame::{Caller, Event as Told, MessageSend, SipStatus};
use crate::ws::leg::Fault;
use crate::ws::session::SessionId;

/// A message that a client sends; [`Agent::text_taken`] or [`Agent::text_refused`] answers him.
#[derive(Debug)]
pub struct Sent {
    /// The session that sends it.
    pub session: SessionId,
    /// The request.
    pub request: String,
    /// What the client may do.
    pub permissions: Permissions,
    /// The account to write as.
    pub account: Option<String>,
    /// Whom it is for.
    pub to: Address,
    /// What is written.
    pub text: Text,
}

impl Agent {
    /// A client sends a message.
    pub(super) fn send_text(&mut self, id: SessionId, send: MessageSend) {
        let checked = self.text_to_send(id, &send);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        match checked {
            Ok((to, text)) => {
                session.texts.insert(send.id.clone());
                let permissions = session.permissions.clone();
                self.events.push_back(Event::Text(Sent {
                    session: id,
                    request: send.id,
                    permissions,
                    account: send.account,
                    to,
                    text,
                }));
            }
            Err(fault) => self.refused(id, Some(&send.id), None, &fault),
        }
    }

    fn text_to_send(&self, id: SessionId, send: &MessageSend) -> Result<(Address, Text), Fault> {
        match self.door {
            Door::Open => {}
            Door::Shedding => return Err(Fault::new(Code::Overloaded, "too much is going on")),
            Door::Closed => {
                return Err(Fault::new(Code::Draining, "the gateway is being shut down"));
            }
        }
        let session = self.sessions.get(&id);
        if session.is_some_and(|session| session.texts.contains(&send.id)) {
            let why = "a message of this id is on its way";
            return Err(Fault::new(Code::Conflict, why));
        }
        let to = Address::parse(&send.to)
            .map_err(|error| Fault::new(Code::BadAddress, format!("to: {error}")))?;
        let text = Text::new(&send.text, self.text_bytes_max).map_err(|bad| {
            let code = match bad {
                BadText::Empty => Code::BadFrame,
                BadText::TooLong(_) => Code::TooLarge,
            };
            Fault::new(code, bad.to_string())
        })?;
        Ok((to, text))
    }

    // --- the gateway's word ---

    /// A message of a client is on its way.
    pub fn text_taken(&mut self, session: SessionId, request: &str) {
        self.reply(session, request, None);
    }

    /// A message of a client is not sent.
    pub fn text_refused(&mut self, session: SessionId, request: &str, code: Code, message: &str) {
        self.text_forgotten(session, request);
        let fault = Fault::new(code, message);
        self.refused(session, Some(request), None, &fault);
    }

    /// What became of a message of a client.
    pub fn text_told(&mut self, session: SessionId, request: &str, outcome: Outcome) {
        self.text_forgotten(session, request);
        let id = request.to_owned();
        let event = match outcome {
            Outcome::Delivered => Told::MessageDelivered { id },
            Outcome::Failed(failure) => {
                let Failure {
                    cause,
                    status,
                    detail,
                } = failure;
                Told::MessageFailed {
                    id,
                    cause: told(cause).0,
                    sip: status.map(|(status, reason)| SipStatus { status, reason }),
                    detail,
                    message: text_failed(cause).to_owned(),
                }
            }
        };
        self.event(session, &event);
    }

    /// No news of a message will come any more.
    pub fn text_forgotten(&mut self, session: SessionId, request: &str) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.texts.remove(request);
        }
    }

    /// Gives a copy of a message to a session; what becomes of it is told by
    /// [`Event::TextOutcome`].
    pub fn give_text(&mut self, id: SessionId, note: NoteId, account: Option<&str>, of: &Note) {
        let event = Told::MessageIncoming {
            from: Caller {
                uri: of.from.uri.clone(),
                display_name: of.from.display_name.clone(),
            },
            to: of.to.to_string(),
            account: account.map(str::to_owned),
            text: of.text.as_str().to_owned(),
        };
        if self.event(id, &event).is_none() {
            return self.lost(note);
        }
        let most = self.client.replay_events_max;
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.given.insert(session.ring.last(), note);
        // Of a client that acknowledges nothing no more is remembered than is kept for him.
        if session.given.len() > most {
            session.given.pop_first();
        }
    }

    // --- acknowledgement ---

    /// The client has all events up to this one, and the messages among them.
    pub(super) fn acknowledged(&mut self, id: SessionId, seq: u64) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.ring.acknowledge(seq);
        let later = session.given.split_off(&seq.saturating_add(1));
        for (_, note) in std::mem::replace(&mut session.given, later) {
            let outcome = Outcome::Delivered;
            self.events.push_back(Event::TextOutcome { note, outcome });
        }
    }

    /// What the client has not acknowledged will not reach him.
    pub(super) fn texts_lost(&mut self, id: SessionId) {
        let given = self.sessions.get_mut(&id).map(|session| &mut session.given);
        for note in given.map(std::mem::take).unwrap_or_default().into_values() {
            self.lost(note);
        }
    }

    fn lost(&mut self, note: NoteId) {
        let failure = Failure::of(Cause::Unavailable).because("no client has received it");
        let outcome = Outcome::Failed(failure);
        self.events.push_back(Event::TextOutcome { note, outcome });
    }
}
