//! Text messages: by the dial plan to a user's clients, a phone, a chat user, and what became of
//! them back to whoever wrote.
//!
//! | written by | delivered | failed | no news |
//! |---|---|---|---|
//! | a client | `message.delivered` | `message.failed` | nothing |
//! | a phone | 200 | the status of the cause | 202, after [`PHONE_WAITS`] |
//! | a chat user | a receipt, where he asks for one | an error (RFC 7247 §7) | nothing |
//!
//! From one phone to another no message goes, nor from one chat user to another: their own servers
//! do that, and what goes out where it came in goes round. Nor does one go to an address of ours at
//! a chat server.

use std::time::{Duration, Instant};

use minidom::Element;

use super::place::code_of;
use super::{Gateway, Life};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::config::Config;
use crate::id::NoteId;
use crate::jingle;
use crate::metrics::Page;
use crate::route::{Caller, Refused, Target};
use crate::sip;
use crate::sip::status;
use crate::sip::transaction::TransactionId;
use crate::sip::uri::Uri;
use crate::text::{Author, BadText, Failure, Full, Limits, Note, Notes, Outcome, Text};
use crate::ws;
use crate::ws::SessionId;
use crate::ws::code::Code;
use crate::xmpp::chat::{Called, Chats, Head, Heard, Said};
use crate::xmpp::stanza_error::{self, Condition};
use crate::xmpp::{EntityId, NotSent};

/// How long a phone waits for news before it is told 202: less than the time after which it would
/// want a 100 (RFC 4320 §4.1).
const PHONE_WAITS: Duration = Duration::from_secs(3);

/// Who wrote a message, and how he is told what became of it.
#[derive(Debug)]
enum Writer {
    /// A client, by this request.
    Client(SessionId, String),
    /// A phone, by this request.
    Phone(TransactionId),
    /// A chat user.
    Chat(EntityId, Box<Head>),
}

/// Where a message goes.
enum Way {
    /// To all connections of a user but this one, for this account.
    User(String, Option<String>, Option<SessionId>),
    Phone(Box<sip::Target>),
    Chat(jingle::agent::Target),
    Nowhere(Failure),
}

/// All messages on their way.
#[derive(Debug)]
pub(super) struct Texts {
    notes: Notes<Writer>,
    chats: Chats,
    bytes_max: usize,
    news_wait: Duration,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    from_clients: u64,
    from_phones: u64,
    from_chats: u64,
    delivered: u64,
    failed: u64,
    unknown: u64,
    refused: u64,
    waiting_full: u64,
}

impl Texts {
    pub(super) fn new(config: &Config) -> Self {
        let limits = Limits {
            waiting_max: config.text.waiting_max,
            of_sender_max: config.text.waiting_per_sender,
        };
        Self {
            notes: Notes::new(limits),
            chats: Chats::new(config),
            bytes_max: config.text.bytes_max,
            news_wait: config.text.news_wait,
            counts: Counts::default(),
        }
    }

    /// An account has this address now.
    pub(super) fn online(&mut self, entity: EntityId, jid: &str) {
        self.chats.online(entity, jid);
    }

    /// Whether nobody waits for news: for tests.
    pub(super) fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.chats.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let at = self.notes.poll_timeout()?;
        Some((at, "news of a message"))
    }

    /// What an operator counts.
    pub(super) fn report(&self, page: &mut Page) {
        let waiting = self.notes.len();
        page.gauge(
            "crosspoint_texts_waiting",
            "Text messages that wait for news now.",
            waiting,
        );
        let counts = self.counts;
        let all = [
            ("from_clients", counts.from_clients),
            ("from_phones", counts.from_phones),
            ("from_chats", counts.from_chats),
            ("delivered", counts.delivered),
            ("failed", counts.failed),
            ("unknown", counts.unknown),
            ("refused", counts.refused),
            ("waiting_max", counts.waiting_full),
        ];
        page.counts("text", all);
    }

    /// A message of this sender is on its way.
    fn begin(
        &mut self,
        id: NoteId,
        sender: &str,
        writer: Writer,
        now: Instant,
    ) -> Result<(), Full> {
        let (count, wait) = match &writer {
            Writer::Client(..) => (&mut self.counts.from_clients, self.news_wait),
            Writer::Phone(_) => (&mut self.counts.from_phones, PHONE_WAITS),
            Writer::Chat(..) => (&mut self.counts.from_chats, self.news_wait),
        };
        *count += 1;
        let begun = self.notes.begin(id, sender, writer, now + wait);
        self.counts.waiting_full += u64::from(begun.is_err());
        begun
    }
}

impl Gateway {
    /// A client sends a message.
    pub(super) fn client_says(&mut self, sent: ws::Sent, now: Instant) {
        let ws::Sent {
            session,
            request,
            permissions,
            account,
            to,
            text,
        } = sent;
        let caller = Caller {
            user: &permissions.user,
            accounts: &permissions.accounts,
            destinations: permissions.destinations.as_deref(),
        };
        let target = self.plan.resolve(&to, caller, account.as_deref());
        let user = permissions.user;
        let way = self.way_of_client(session, &user, target);
        let way = match way {
            Ok(way) => way,
            Err(refused) => {
                self.texts.counts.refused += 1;
                let (code, why) = (code_of(refused), refused.to_string());
                return self.ws.text_refused(session, &request, code, &why);
            }
        };
        let uri = format!("user:{user}");
        let (id, writer) = (self.ids.note(), Writer::Client(session, request.clone()));
        if let Err(full) = self.texts.begin(id, &uri, writer, now) {
            let (code, why) = (Code::Overloaded, full.to_string());
            return self.ws.text_refused(session, &request, code, &why);
        }
        self.ws.text_taken(session, &request);
        let from = Author {
            uri,
            display_name: None,
        };
        self.send_note(id, way, &Note { from, to, text }, now);
    }

    fn way_of_client(
        &self,
        session: SessionId,
        user: &str,
        target: Result<Target, Refused>,
    ) -> Result<Way, Refused> {
        Ok(match target? {
            Target::User(name) => Way::User(name, None, Some(session)),
            Target::Trunk {
                trunk,
                uri,
                account,
            } => Way::Phone(Box::new(sip::Target {
                uri: Uri::parse(&uri).map_err(|_| Refused::NoRoute)?,
                trunk: Some(trunk),
                account,
                user: user.to_owned(),
                display_name: None,
            })),
            Target::Chat { via, jid } => {
                let from = Address::User(user.to_owned());
                let target = self.chat_target(&via, &jid, &from);
                Way::Chat(target.ok_or(Refused::NoRoute)?)
            }
            Target::Reject(cause) => Way::Nowhere(rejected(cause)),
            // Nobody is at a word before two meet there.
            Target::Join(_) => return Err(Refused::NoRoute),
        })
    }

    /// A phone sends a message: it is for whom a call of it would be.
    pub(super) fn phone_says(&mut self, paged: sip::Paged, now: Instant) {
        let sip::Paged {
            transaction,
            caller,
            from,
            to,
            text,
        } = paged;
        let (owner, account) = caller.account.unzip();
        let (user, trunk) = (caller.user.as_deref(), caller.trunk.as_deref());
        let way = match self.plan.incoming(owner.as_deref(), user, trunk) {
            Some(Target::User(user)) => Some(Way::User(user, account, None)),
            Some(Target::Chat { via, jid }) => {
                let caller = Address::parse(&from.uri).ok();
                let target = caller.and_then(|from| self.chat_target(&via, &jid, &from));
                target.map(Way::Chat)
            }
            Some(Target::Join(_) | Target::Trunk { .. } | Target::Reject(_)) | None => None,
        };
        let Some(way) = way else {
            self.texts.counts.refused += 1;
            return self.answer_phone(transaction, Cause::NotFound, now);
        };
        let (id, writer) = (self.ids.note(), Writer::Phone(transaction));
        if self.texts.begin(id, &from.uri, writer, now).is_err() {
            return self.answer_phone(transaction, Cause::Overloaded, now);
        }
        self.send_note(id, way, &Note { from, to, text }, now);
    }

    fn answer_phone(&mut self, transaction: TransactionId, cause: Cause, now: Instant) {
        let cause = match cause {
            // RFC 4320 §4.2: nobody is told 408 who has not sent an INVITE.
            Cause::NoAnswer => Cause::Unavailable,
            other => other,
        };
        let (number, phrase) = status::status(cause);
        self.sip
            .answer_page(transaction, number, phrase, &mut self.ids, now);
    }

    // --- chat users ---

    /// A stanza that is of no call.
    pub(super) fn chat_says(&mut self, entity: EntityId, stanza: &Element, now: Instant) {
        match self.texts.chats.hear(entity, stanza) {
            Heard::Said(said) => self.chat_writes(entity, *said, now),
            Heard::Outcome(note, None) => self.text_came(note, Outcome::Delivered, now),
            Heard::Outcome(note, Some(condition)) => {
                let failure = Failure::of(status::cause(condition.status()));
                let failure = failure.because(condition.name());
                self.text_came(note, Outcome::Failed(failure), now);
            }
            Heard::Refused(condition) => {
                self.texts.counts.refused += 1;
                self.bounce(entity, stanza, condition, None, now);
            }
            Heard::Nothing => {}
        }
    }

    fn chat_writes(&mut self, entity: EntityId, said: Said, now: Instant) {
        let Said {
            from,
            to,
            body,
            head,
        } = said;
        let text = match Text::new(&body, self.texts.bytes_max) {
            Ok(text) => text,
            // What is left of it is nothing that anybody could read.
            Err(BadText::Empty) => return,
            Err(bad @ BadText::TooLong(_)) => {
                self.texts.counts.refused += 1;
                // RFC 7247 §7.2: 413.
                let (condition, why) = (Condition::PolicyViolation, bad.to_string());
                return self.bounce(entity, &head.stanza, condition, Some(&why), now);
            }
        };
        let busy = self.life != Life::Running || self.shedding.is_shedding();
        let (address, way) = match busy {
            true => return self.too_much(entity, &head.stanza, now),
            false => self.way_of_chat(entity, &from, to),
        };
        let way = match way {
            Ok(way) => way,
            Err(condition) => {
                self.texts.counts.refused += 1;
                return self.bounce(entity, &head.stanza, condition, None, now);
            }
        };
        let uri = format!("xmpp:{from}");
        let stanza = head.stanza.clone();
        let (id, writer) = (self.ids.note(), Writer::Chat(entity, Box::new(head)));
        if self.texts.begin(id, &uri, writer, now).is_err() {
            return self.too_much(entity, &stanza, now);
        }
        let from = Author {
            uri,
            display_name: None,
        };
        let to = address;
        self.send_note(id, way, &Note { from, to, text }, now);
    }

    fn way_of_chat(
        &self,
        entity: EntityId,
        from: &str,
        to: Called,
    ) -> (Address, Result<Way, Condition>) {
        let address = match to {
            Called::Owner(owner) => {
                let way = Way::User(owner.clone(), None, None);
                return (Address::User(owner), Ok(way));
            }
            Called::Address(address) => address,
        };
        let allowed = self.allowed_by(entity);
        let caller = Caller {
            user: from,
            accounts: &[],
            destinations: allowed.as_deref(),
        };
        let way = match self.plan.resolve(&address, caller, None) {
            Ok(Target::User(user)) => Ok(Way::User(user, None, None)),
            Ok(Target::Trunk { trunk, uri, .. }) => match Uri::parse(&uri) {
                Ok(uri) => Ok(Way::Phone(Box::new(sip::Target {
                    uri,
                    trunk: Some(trunk),
                    account: None,
                    user: from.to_owned(),
                    display_name: None,
                }))),
                Err(_) => Err(Condition::ItemNotFound),
            },
            Ok(Target::Reject(cause)) => Ok(Way::Nowhere(rejected(cause))),
            Ok(Target::Chat { .. } | Target::Join(_)) => Err(Condition::NotAllowed),
            Err(Refused::NoRoute) => Err(Condition::ItemNotFound),
            Err(Refused::NotPermitted | Refused::ForeignHost | Refused::UnknownAccount) => {
                Err(Condition::Forbidden)
            }
        };
        (address, way)
    }

    fn too_much(&mut self, entity: EntityId, stanza: &Element, now: Instant) {
        self.bounce(entity, stanza, Condition::ResourceConstraint, None, now);
    }

    /// A message of ours to a chat user did not reach his server.
    pub(super) fn chat_undelivered(&mut self, entity: EntityId, stanza: &Element, now: Instant) {
        if let Some(note) = self.texts.chats.undelivered(entity, stanza) {
            let why = "the chat server cannot be reached";
            let failure = Failure::of(Cause::Unreachable).because(why);
            self.text_came(note, Outcome::Failed(failure), now);
        }
    }

    /// Answers a message by an error; what must not be answered by one is not.
    fn bounce(
        &mut self,
        entity: EntityId,
        stanza: &Element,
        condition: Condition,
        why: Option<&str>,
        now: Instant,
    ) {
        if let Some(error) = stanza_error::error(stanza, condition, why) {
            self.answer_chat(entity, error, now);
        }
    }

    pub(super) fn answer_chat(&mut self, entity: EntityId, stanza: Element, now: Instant) {
        if let Err(fault) = self.xmpp.send(entity, stanza, now) {
            tracing::debug!(%fault, "the answer to a message is not sent");
        }
    }

    // --- there and back ---

    fn send_note(&mut self, id: NoteId, way: Way, note: &Note, now: Instant) {
        match way {
            Way::User(user, account, but) => {
                let sessions = self.ws.sessions_of(&user).into_iter();
                let sessions = sessions.filter(|session| Some(*session) != but);
                let sessions: Vec<_> = sessions.take(self.config.call.targets_max).collect();
                if sessions.is_empty() {
                    let why = format!("nobody is connected as user:{user}");
                    let failure = Failure::of(Cause::Unavailable).because(why);
                    return self.text_came(id, Outcome::Failed(failure), now);
                }
                self.texts.notes.split(id, sessions.len());
                for session in sessions {
                    self.ws.give_text(session, id, account.as_deref(), note);
                }
            }
            Way::Phone(target) => self.sip.page(id, &target, note, &mut self.ids, now),
            Way::Chat(target) => {
                let jingle::agent::Target { entity, from, to } = target;
                let (chats, ids) = (&mut self.texts.chats, &mut self.ids);
                let stanza = chats.say(entity, id, &from, &to, note.text.as_str(), ids);
                if let Err(fault) = self.xmpp.send(entity, stanza, now) {
                    let cause = match fault {
                        NotSent::Full => Cause::Overloaded,
                        NotSent::TooLong => Cause::NotAcceptable,
                        NotSent::ForeignFrom | NotSent::Unknown => Cause::Internal,
                        NotSent::GivenUp => Cause::Unreachable,
                    };
                    let failure = Failure::of(cause).because(fault.to_string());
                    self.text_came(id, Outcome::Failed(failure), now);
                }
            }
            Way::Nowhere(failure) => self.text_came(id, Outcome::Failed(failure), now),
        }
    }

    /// What became of a copy of a message: told once, to whoever wrote it.
    pub(super) fn text_came(&mut self, id: NoteId, outcome: Outcome, now: Instant) {
        let Some((writer, outcome)) = self.texts.notes.came(id, outcome) else {
            return;
        };
        self.texts.chats.forget(id);
        match outcome {
            Outcome::Delivered => self.texts.counts.delivered += 1,
            Outcome::Failed(_) => self.texts.counts.failed += 1,
        }
        match (writer, outcome) {
            (Writer::Client(session, request), outcome) => {
                self.ws.text_told(session, &request, outcome);
            }
            (Writer::Phone(transaction), Outcome::Delivered) => {
                self.sip
                    .answer_page(transaction, 200, "OK", &mut self.ids, now);
            }
            (Writer::Phone(transaction), Outcome::Failed(failure)) => {
                self.answer_phone(transaction, failure.cause, now);
            }
            (Writer::Chat(entity, head), Outcome::Delivered) => {
                if let Some(receipt) = head.receipt() {
                    self.answer_chat(entity, receipt, now);
                }
            }
            (Writer::Chat(entity, head), Outcome::Failed(failure)) => {
                let (condition, why) = (condition_of(&failure), failure.detail.as_deref());
                self.bounce(entity, &head.stanza, condition, why, now);
            }
        }
    }

    /// News that has not come in time will not be told.
    pub(super) fn texts_due(&mut self, now: Instant) {
        while let Some((id, writer)) = self.texts.notes.expired(now) {
            self.no_news(id, writer, now);
        }
    }

    /// The gateway ends: nobody waits any more.
    pub(super) fn texts_over(&mut self, now: Instant) {
        let last = now + self.texts.news_wait + PHONE_WAITS;
        while let Some((id, writer)) = self.texts.notes.expired(last) {
            self.no_news(id, writer, now);
        }
    }

    fn no_news(&mut self, id: NoteId, writer: Writer, now: Instant) {
        self.texts.chats.forget(id);
        self.texts.counts.unknown += 1;
        match writer {
            Writer::Client(session, request) => self.ws.text_forgotten(session, &request),
            // RFC 3428 §7: it was taken, and may still arrive.
            Writer::Phone(transaction) => {
                self.sip
                    .answer_page(transaction, 202, "Accepted", &mut self.ids, now);
            }
            Writer::Chat(..) => {}
        }
    }
}

fn rejected(cause: Cause) -> Failure {
    Failure::of(cause).because("the dial plan rejects this")
}

/// The condition of an error that tells a chat user of a failure: by the status that it is in SIP
/// (RFC 7247 §7.2); too much is no fault of a server's (RFC 6120 §8.3.3).
fn condition_of(failure: &Failure) -> Condition {
    let number = match &failure.status {
        Some((number, _)) => *number,
        None => status::status(failure.cause).0,
    };
    match failure.cause {
        Cause::Overloaded | Cause::Draining => Condition::ResourceConstraint,
        _ => Condition::of_status(number).unwrap_or(Condition::UndefinedCondition),
    }
}
