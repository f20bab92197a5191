//! Calls of clients: between their frames and the middle.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use super::{Agent, Call, Door, Event, Invitee, Refused};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::call::signal::{Caller, Ending, Invite, Signal};
use crate::contain::{Panicked, contained};
use crate::id::{LegId, Source};
use crate::sdp::SessionDescription;
use crate::trace::What;
use crate::ws::code::Code;
use crate::ws::frame::{CallCreate, ClientFrame, Header};
use crate::ws::leg::{Fault, Leg, read_offer};
use crate::ws::session::{Session, SessionId};

/// Extra header fields of one call.
const HEADERS_MAX: usize = 32;

/// Bytes of a header field's value.
const HEADER_VALUE_MAX: usize = 1024;

/// Header fields that a client may not write, whatever the operator's list says: they make dialogs
/// and transactions, route, authenticate, or describe the body. Compact forms included
/// (RFC 3261 §7.3.3).
const OWN_HEADERS: [&str; 49] = [
    "accept",
    "accept-encoding",
    "allow",
    "allow-events",
    "authorization",
    "call-id",
    "contact",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-type",
    "cseq",
    "event",
    "expires",
    "from",
    "max-forwards",
    "min-se",
    "p-asserted-identity",
    "p-preferred-identity",
    "path",
    "privacy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-require",
    "rack",
    "reason",
    "record-route",
    "refer-to",
    "replaces",
    "require",
    "route",
    "rseq",
    "service-route",
    "session-expires",
    "supported",
    "to",
    "via",
    "www-authenticate",
    "c",
    "e",
    "f",
    "i",
    "k",
    "l",
    "m",
    "o",
    "r",
    "t",
    "v",
];

impl Agent {
    /// A client asks for a call.
    pub(super) fn create(
        &mut self,
        id: SessionId,
        create: CallCreate,
        text: &str,
        ids: &mut Source,
        now: Instant,
    ) {
        let asked = digest(&create);
        // The same call again, under another request: it was taken.
        let known = self
            .leg_of(id, Some(&create.call))
            .and_then(|leg| self.legs.get(&leg));
        if known.is_some_and(|leg| leg.asked == asked) {
            self.counts.repeats += 1;
            return self.reply(id, &create.id, Some(create.call));
        }
        let checked = contained(|| self.to_create(id, &create)).unwrap_or_else(|Panicked| {
            self.counts.panicked += 1;
            Err(broken())
        });
        let (to, offer) = match checked {
            Ok(checked) => checked,
            Err(fault) => {
                if matches!(fault.code, Code::TooManyCalls | Code::Overloaded) {
                    self.counts.calls_refused += 1;
                }
                // While there is too much to do, what is refused for it is to cost next to
                // nothing: a reply and a count, no ladder.
                return match self.door {
                    Door::Shedding => {
                        self.refused(id, Some(&create.id), Some(&create.call), &fault);
                    }
                    Door::Open | Door::Closed => {
                        self.not_taken(id, &create, text, &fault, ids, now);
                    }
                };
            }
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let CallCreate {
            id: request,
            call,
            account,
            display_name,
            headers,
            ..
        } = create;
        let leg = ids.leg();
        session.calls.push(leg);
        let (capabilities, permissions) = (session.capabilities, session.permissions.clone());
        let mut known = Leg::outgoing(
            leg,
            id,
            call.clone(),
            capabilities,
            to.to_string(),
            offer.clone(),
        );
        known.asked = asked;
        self.legs.insert(leg, known);
        self.calls.insert((id, call.clone()), leg);
        self.pending.insert(leg, request);
        let from = Caller {
            uri: format!("user:{}", permissions.user),
            display_name: display_name.clone(),
        };
        let headers = headers
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect();
        let invite = Box::new(Invite {
            from,
            to,
            opening: offer.into(),
            headers,
        });
        let (session, name) = (id, call);
        let called = Call {
            leg,
            session,
            permissions,
            account,
            display_name,
            invite,
            name,
        };
        // First the call, so that the trace has a place.
        self.events.push_back(Event::Call(called));
        self.trace_received(leg, "call.create", text, now);
    }

    /// A `call.create` is refused before it was routed: its trace is of a call that never was.
    pub(super) fn not_taken(
        &mut self,
        id: SessionId,
        create: &CallCreate,
        text: &str,
        fault: &Fault,
        ids: &mut Source,
        now: Instant,
    ) {
        let (call, leg) = (&create.call, ids.leg());
        let user = self.sessions.get(&id);
        let user = user.map_or("", |session| session.permissions.user.as_str());
        let (user, code) = (user.to_owned(), fault.code);
        self.events.push_back(Event::Refused(Refused {
            leg,
            user,
            to: create.to.clone(),
            name: call.clone(),
            code,
            message: fault.message.clone(),
        }));
        // Of one who asks for more and more a line has to do.
        let is_whole = code != Code::TooManyCalls;
        let text = if is_whole { text } else { "" };
        let came = What::Received(self.traced_of(id, "call.create", call, text));
        self.record(leg, came, now);
        let reply = self.say_refused(id, Some(&create.id), Some(call), fault);
        let went = What::Sent(self.traced_of(id, "error", call, &reply));
        self.record(leg, went, now);
    }

    /// What of a `call.create` can be checked before it is routed.
    fn to_create(
        &self,
        id: SessionId,
        create: &CallCreate,
    ) -> Result<(Address, Option<SessionDescription>), Fault> {
        let Some(session) = self.sessions.get(&id) else {
            return Err(Fault::new(Code::Internal, "the session is gone"));
        };
        let permissions = &session.permissions;
        let of_user = self.sessions_of(&permissions.user);
        let in_use = |other: &SessionId| self.calls.contains_key(&(*other, create.call.clone()));
        if of_user.iter().any(in_use) {
            return Err(Fault::new(
                Code::Conflict,
                "another call of this user has this id",
            ));
        }
        match self.door {
            Door::Closed => {
                return Err(Fault::new(Code::Draining, "the gateway is being shut down"));
            }
            Door::Shedding => {
                let message = "too much is going on; try again in a moment";
                return Err(Fault::new(Code::Overloaded, message));
            }
            Door::Open => {}
        }
        let sessions = of_user.iter().filter_map(|other| self.sessions.get(other));
        // Those that only ring are not his doing.
        let calls = sessions
            .flat_map(|session| &session.calls)
            .filter_map(|leg| self.legs.get(leg))
            .filter(|leg| !leg.rings_here())
            .count();
        let most = self.calls_max(permissions);
        if calls >= most {
            let message = format!("this user may have {most} calls at once");
            return Err(Fault::new(Code::TooManyCalls, message));
        }
        let to = Address::parse(&create.to)
            .map_err(|wrong| Fault::new(Code::BadAddress, wrong.to_string()))?;
        check_headers(&create.headers)?;
        let offer = create.description.as_ref();
        let offer = offer
            .map(|offer| read_offer(offer, self.rules()))
            .transpose()?;
        Ok((to, offer))
    }

    /// A frame about a call that there is, or is not.
    pub(super) fn call_frame(
        &mut self,
        id: SessionId,
        frame: ClientFrame,
        text: &str,
        now: Instant,
    ) {
        let (kind, request) = (frame.name(), frame.id().map(str::to_owned));
        let call = frame.call().unwrap_or_default().to_owned();
        let Some(leg_id) = self.leg_of(id, Some(&call)) else {
            let fault = self.not_owned(id, &call);
            return self.refused(id, request.as_deref(), Some(&call), &fault);
        };
        self.trace_received(leg_id, kind, text, now);
        let rules = crate::ws::leg::Rules {
            descriptions: &self.descriptions,
            candidates_max: self.call.candidates_max,
        };
        let Some(leg) = self.legs.get_mut(&leg_id) else {
            return;
        };
        let received = contained(|| leg.receive(frame, rules));
        let Ok(received) = received else {
            self.refused(id, request.as_deref(), Some(&call), &broken());
            return self.take_out(leg_id, now);
        };
        match received {
            Ok(said) => {
                let over = leg.is_over();
                if let Some(request) = request {
                    self.reply(id, &request, Some(call));
                }
                for event in &said.events {
                    self.tell(leg_id, event, now);
                }
                let leg = leg_id;
                for signal in said.signals {
                    self.events.push_back(Event::Signal { leg, signal });
                }
                if over {
                    self.forget(leg);
                }
            }
            Err(fault) => {
                if fault.code == Code::TooManyCandidates {
                    self.counts.candidates_refused += 1;
                }
                self.refused(id, request.as_deref(), Some(&call), &fault);
            }
        }
    }

    /// Why a call is not this session's. Of other users' calls nothing is said.
    fn not_owned(&self, id: SessionId, call: &str) -> Fault {
        let user = self
            .sessions
            .get(&id)
            .map_or("", |s| s.permissions.user.as_str());
        let elsewhere = self
            .sessions_of(user)
            .into_iter()
            .any(|other| self.calls.contains_key(&(other, call.to_owned())));
        match elsewhere {
            true => Fault::new(
                Code::NotYourCall,
                "this call is of another session of the user",
            ),
            false => Fault::new(Code::UnknownCall, "there is no such call"),
        }
    }

    // --- the gateway's word ---

    /// A call of a client is taken.
    pub fn accepted(&mut self, leg: LegId) {
        let Some(request) = self.pending.remove(&leg) else {
            return;
        };
        if let Some((session, call)) = self.legs.get(&leg).map(|l| (l.session, l.call.clone())) {
            self.reply(session, &request, Some(call));
        }
    }

    /// A call of a client is refused; its leg is gone.
    pub fn refuse(&mut self, leg: LegId, code: Code, message: &str) {
        let Some(request) = self.pending.remove(&leg) else {
            return;
        };
        if let Some((session, call)) = self.legs.get(&leg).map(|l| (l.session, l.call.clone())) {
            self.refused(
                session,
                Some(&request),
                Some(&call),
                &Fault::new(code, message),
            );
        }
        self.forget(leg);
    }

    /// A call for a client, under an id that the gateway made: the next thing the middle says to
    /// this leg is the invitation.
    pub fn place(&mut self, leg: LegId, invitee: Invitee) {
        let Invitee {
            session,
            call,
            account,
        } = invitee;
        let Some(known) = self.sessions.get_mut(&session) else {
            return;
        };
        known.calls.push(leg);
        let capabilities = known.capabilities;
        self.calls.insert((session, call.clone()), leg);
        self.legs.insert(
            leg,
            Leg::incoming(leg, session, call, account, capabilities),
        );
        self.watch_grace(session);
    }

    /// What the middle says to a leg.
    pub fn apply(&mut self, id: LegId, signal: Signal, now: Instant) {
        self.now = now;
        let Some(leg) = self.legs.get_mut(&id) else {
            if matches!(signal, Signal::Invite(_)) {
                // The session went while the leg was placed: nobody is there.
                let signal = Signal::End(Ending::by_gateway(Cause::Unavailable));
                self.events.push_back(Event::Signal { leg: id, signal });
                self.events.push_back(Event::Gone { leg: id });
            }
            return;
        };
        let told = contained(|| leg.apply(signal));
        let over = leg.is_over();
        let Ok(told) = told else {
            return self.take_out(id, now);
        };
        for note in told.notes {
            self.note(id, note, now);
        }
        for event in &told.events {
            self.tell(id, event, now);
        }
        if over {
            self.forget(id);
        }
    }

    /// A fault of the gateway has struck a call: it ends, for its client and for the middle.
    fn take_out(&mut self, id: LegId, now: Instant) {
        self.counts.panicked += 1;
        tracing::error!(leg = %id, "the call is taken out by a fault of the gateway");
        let ending = Ending::by_gateway(Cause::Internal);
        if let Some(event) = self.legs.get_mut(&id).map(|leg| leg.expired(&ending)) {
            self.tell(id, &event, now);
        }
        let signal = Signal::End(ending);
        self.events.push_back(Event::Signal { leg: id, signal });
        self.forget(id);
    }

    /// A leg has finished.
    pub(super) fn forget(&mut self, id: LegId) {
        let Some(leg) = self.legs.remove(&id) else {
            return;
        };
        self.pending.remove(&id);
        self.calls.remove(&(leg.session, leg.call));
        if let Some(session) = self.sessions.get_mut(&leg.session) {
            session.calls.retain(|known| *known != id);
        }
        self.events.push_back(Event::Gone { leg: id });
        if self
            .sessions
            .get(&leg.session)
            .is_some_and(Session::is_idle)
        {
            self.watch_grace(leg.session);
        }
    }
}

/// What a client is told where the gateway itself is at fault.
fn broken() -> Fault {
    let message = "a fault of the gateway; its operator finds it in the log";
    Fault::new(Code::Internal, message)
}

/// What a `call.create` asks for, whatever its request is called.
fn digest(create: &CallCreate) -> u64 {
    let CallCreate {
        id: _,
        call,
        to,
        description,
        account,
        display_name,
        headers,
    } = create;
    let mut hasher = DefaultHasher::new();
    (call, to, description, account, display_name, headers).hash(&mut hasher);
    hasher.finish()
}

fn check_headers(headers: &[Header]) -> Result<(), Fault> {
    let bad = |rule: &str, message: String| Err(Fault::of(Code::BadHeader, rule, message));
    if headers.len() > HEADERS_MAX {
        return bad(
            "too_many",
            format!("a call may have {HEADERS_MAX} extra header fields"),
        );
    }
    for Header { name, value } in headers {
        // RFC 3261 §25.1: a token.
        let is_token = |c: u8| c.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&c);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_token) {
            return bad("name", "the name of a header field is a token".to_owned());
        }
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return bad(
                "not_yours",
                format!("{name} is written by the gateway alone"),
            );
        }
        if value.len() > HEADER_VALUE_MAX || value.chars().any(char::is_control) {
            return bad(
                "value",
                format!("the value of {name} is too long or has control characters"),
            );
        }
    }
    Ok(())
}
