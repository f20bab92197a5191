//! One address of the gateway at one server: its way there, its login, its life.
//!
//! ```text
//!            due          found            connected          logged in
//!   Down ─────────▶ Locating ─────▶ Connecting ─────▶ LoggingIn ─────────▶ Online
//!    ▲                 │ nowhere        │ next place;     │ refused, late     │ closed, silent
//!    │                 ▼                ▼ none left       ▼                   ▼
//!    └──────────────── lost: back-off, or late where a secret was refused ────┘
//!                        │ a password was refused too often
//!                        ▼
//!                     GivenUp
//! ```
//!
//! Stanzas for a stream that is down wait in a bounded queue; what does not fit is refused at once,
//! what waits too long is given back. A stream that breaks is told so in the server's own words
//! where it can be, closed, and begun again.

mod ending;
mod sending;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use minidom::Element;

use crate::ask::{AskId, Told};
use crate::config::{self, Xmpp, XmppAccount};
use crate::id::Source;
use crate::xmpp::agent::Standing;
use crate::xmpp::client::Client;
use crate::xmpp::component::Component;
use crate::xmpp::delivery::Delivery;
use crate::xmpp::disco::Disco;
use crate::xmpp::extdisco::Service;
use crate::xmpp::iq::{Outcome, Requests, Waiter};
use crate::xmpp::locate::{Located, Lookup, Place};
use crate::xmpp::out::Out;
use crate::xmpp::presence::Presences;
use crate::xmpp::queue::{Full, Queue};
use crate::xmpp::session::{Failure, Session, Step};
use crate::xmpp::stanza::{domain, element};
use crate::xmpp::stream::{Item, Limits, Reader, Skipped};
use crate::xmpp::{EntityId, ns};

#[derive(Debug)]
enum Link {
    Down {
        retry_at: Instant,
    },
    GivenUp,
    Locating {
        ask: AskId,
        lookup: Lookup,
    },
    Connecting {
        stream: u64,
        others: VecDeque<SocketAddr>,
        until: Instant,
    },
    LoggingIn {
        stream: u64,
        reader: Box<Reader>,
        until: Instant,
    },
    Online {
        stream: u64,
        reader: Box<Reader>,
        since: Instant,
        heard_at: Instant,
        said_at: Instant,
        /// When it is given up: it was pinged.
        silent_at: Option<Instant>,
    },
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    None,
    /// With the first byte.
    Direct,
    /// When the stream asks for it.
    OnStream,
}

/// How a connection is secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// When TLS begins.
    pub tls: Tls,
    /// The name that the server's certificate has to carry.
    pub name: String,
    /// The authorities; by default the system's.
    pub ca: Option<PathBuf>,
}

/// One address of ours at one server.
#[derive(Debug)]
pub(super) struct Entity {
    id: EntityId,
    name: String,
    place: Place,
    security: Security,
    session: Session,
    link: Link,
    losses: u32,
    refusals: u32,
    queue: Queue,
    requests: Requests,
    delivery: Delivery,
    settings: Xmpp,
}

impl Entity {
    pub(super) fn component(
        id: EntityId,
        config: &config::Component,
        xmpp: &Xmpp,
        offered: Vec<Service>,
        now: Instant,
    ) -> Self {
        let disco = match offered.is_empty() {
            true => Disco::new(config.trickle),
            false => Disco::with_services(config.trickle),
        };
        let presences = Presences::new(xmpp.subscribers_max, disco.caps());
        let name = config.tls_name.as_ref().unwrap_or(&config.host).clone();
        let tls = match config.tls {
            true => Tls::Direct,
            false => Tls::None,
        };
        let security = Security {
            tls,
            name,
            ca: config.ca.clone(),
        };
        let place = Place::parse(&config.host, config.port);
        let session = Session::Component(Component::new(config));
        let delivery = Delivery::component(disco, presences, config, offered);
        Self::new(
            id,
            &config.name,
            place,
            security,
            session,
            delivery,
            xmpp,
            now,
        )
    }

    pub(super) fn account(id: EntityId, config: &XmppAccount, xmpp: &Xmpp, now: Instant) -> Self {
        let name = domain(&config.jid).to_owned();
        let place = match &config.server {
            Some(server) => Place::of_client(server),
            None => Place::Domain(name.clone()),
        };
        let security = Security {
            tls: Tls::OnStream,
            name,
            ca: config.ca.clone(),
        };
        let session = Session::Client(Client::new(config, xmpp.unacked_max));
        let delivery = Delivery::account(Disco::new(true), config);
        Self::new(
            id,
            &config.name,
            place,
            security,
            session,
            delivery,
            xmpp,
            now,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the two above are what is called"
    )]
    fn new(
        id: EntityId,
        name: &str,
        place: Place,
        security: Security,
        session: Session,
        delivery: Delivery,
        xmpp: &Xmpp,
        now: Instant,
    ) -> Self {
        Self {
            id,
            name: name.to_owned(),
            place,
            security,
            session,
            link: Link::Down { retry_at: now },
            losses: 0,
            refusals: 0,
            queue: Queue::new(xmpp.queue_max, xmpp.queue_wait),
            requests: Requests::new(
                xmpp.requests_max,
                xmpp.requests_per_peer,
                xmpp.request_timeout,
            ),
            delivery,
            settings: xmpp.clone(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Our address there.
    pub(super) fn own(&self) -> &str {
        self.session.own()
    }

    pub(super) fn is_online(&self) -> bool {
        matches!(self.link, Link::Online { .. })
    }

    /// The stream that it has now.
    pub(super) fn stream(&self) -> Option<u64> {
        match &self.link {
            Link::Connecting { stream, .. }
            | Link::LoggingIn { stream, .. }
            | Link::Online { stream, .. } => Some(*stream),
            Link::Down { .. } | Link::GivenUp | Link::Locating { .. } => None,
        }
    }

    /// The question that it waits for.
    pub(super) fn asked(&self) -> Option<AskId> {
        match &self.link {
            Link::Locating { ask, .. } => Some(*ask),
            Link::Down { .. }
            | Link::GivenUp
            | Link::Connecting { .. }
            | Link::LoggingIn { .. }
            | Link::Online { .. } => None,
        }
    }

    // --- the way there ---

    fn begin(&mut self, out: &mut Out, ids: &mut Source, now: Instant) {
        let located = self.place.locate();
        self.located(located, out, ids, now);
    }

    pub(super) fn told(&mut self, told: &Told, out: &mut Out, ids: &mut Source, now: Instant) {
        let down = Link::Down { retry_at: now };
        match std::mem::replace(&mut self.link, down) {
            Link::Locating { lookup, .. } => {
                let located = lookup.told(told, ids);
                self.located(located, out, ids, now);
            }
            // The agent asks whose question it is before.
            other => self.link = other,
        }
    }

    fn located(&mut self, located: Located, out: &mut Out, ids: &mut Source, now: Instant) {
        match located {
            Located::Ask(lookup, question) => {
                let ask = out.ask(question);
                self.link = Link::Locating { ask, lookup };
            }
            Located::At(places) => {
                let none = Failure::Unreachable("no address is known of it".into());
                self.connect(places, none, out, ids, now);
            }
        }
    }

    /// Tries the first of these places; the loss is that of the last one where none is left.
    fn connect(
        &mut self,
        mut places: VecDeque<SocketAddr>,
        failure: Failure,
        out: &mut Out,
        ids: &mut Source,
        now: Instant,
    ) {
        let Some(remote) = places.pop_front() else {
            self.lose(failure, None, out, ids, now);
            return;
        };
        let stream = out.connect(remote, self.security.clone());
        // The outside has a deadline of its own and tells it; this one is for when it does not.
        let until = now + self.settings.connect_timeout * 2 + self.settings.login_timeout;
        self.link = Link::Connecting {
            stream,
            others: places,
            until,
        };
    }

    /// The connection is there, or has become one of TLS.
    pub(super) fn opened(&mut self, out: &mut Out, ids: &mut Source, now: Instant) {
        let steps = match &self.link {
            Link::Connecting { stream, .. } => {
                self.link = Link::LoggingIn {
                    stream: *stream,
                    reader: self.reader(),
                    until: now + self.settings.login_timeout,
                };
                self.session.connected(ids)
            }
            Link::LoggingIn { .. } | Link::Online { .. } => self.session.secured(),
            Link::Down { .. } | Link::GivenUp | Link::Locating { .. } => return,
        };
        self.take(steps, out, ids, now);
    }

    fn reader(&self) -> Box<Reader> {
        Box::new(Reader::new(Limits::from(&self.settings)))
    }

    /// The connection could not be made, or TLS could not.
    pub(super) fn failed(&mut self, why: &str, out: &mut Out, ids: &mut Source, now: Instant) {
        let failure = Failure::Unreachable(crate::xmpp::session::short(why));
        match &mut self.link {
            Link::Connecting { others, .. } => {
                let others = std::mem::take(others);
                self.forget_stream(now);
                self.connect(others, failure, out, ids, now);
            }
            Link::LoggingIn { .. } | Link::Online { .. } => {
                self.forget_stream(now);
                self.lose(failure, None, out, ids, now);
            }
            Link::Down { .. } | Link::GivenUp | Link::Locating { .. } => {}
        }
    }

    /// The connection is gone.
    pub(super) fn closed(&mut self, out: &mut Out, ids: &mut Source, now: Instant) {
        match &self.link {
            Link::Connecting { .. } => self.failed("it closed the connection", out, ids, now),
            Link::LoggingIn { .. } | Link::Online { .. } => {
                let failure = Failure::Closed("the connection is gone".into());
                self.forget_stream(now);
                self.lose(failure, None, out, ids, now);
            }
            Link::Down { .. } | Link::GivenUp | Link::Locating { .. } => {}
        }
    }

    // --- what arrives ---

    pub(super) fn bytes(&mut self, bytes: &[u8], out: &mut Out, ids: &mut Source, now: Instant) {
        let mut rest = bytes;
        loop {
            let reader = match &mut self.link {
                Link::LoggingIn { reader, .. } => reader,
                Link::Online {
                    reader,
                    heard_at,
                    silent_at,
                    ..
                } => {
                    (*heard_at, *silent_at) = (now, None);
                    reader
                }
                Link::Down { .. }
                | Link::GivenUp
                | Link::Locating { .. }
                | Link::Connecting { .. } => return,
            };
            match reader.read(&mut rest) {
                Ok(None) => return,
                Ok(Some(item)) => self.item(item, out, ids, now),
                Err(broken) => {
                    if reader.is_inside() {
                        self.session.poisoned();
                    }
                    out.counts.broken += 1;
                    let failure = Failure::Misbehaved(broken.to_string());
                    self.lose(failure, Some(&broken), out, ids, now);
                    return;
                }
            }
            if self.session.is_securing() && !rest.is_empty() {
                // RFC 6120 §5.4.3.3: what came in the clear behind `<proceed/>` is not the
                // server's.
                let what = "bytes in the clear behind <proceed/>".to_owned();
                self.lose(Failure::Misbehaved(what), None, out, ids, now);
                return;
            }
        }
    }

    fn item(&mut self, item: Item, out: &mut Out, ids: &mut Source, now: Instant) {
        if let Item::Skipped(skipped) = &item {
            self.skipped(skipped, out, now);
        }
        let steps = self.session.item(item, ids);
        self.take(steps, out, ids, now);
    }

    /// A request that is passed over is answered all the same, so that nobody waits for nothing.
    fn skipped(&mut self, skipped: &Skipped, out: &mut Out, now: Instant) {
        out.counts.skipped += 1;
        tracing::debug!(entity = self.name, why = ?skipped.why, "a stanza is passed over");
        if !self.is_online() {
            return;
        }
        let head = skipped.head.as_ref();
        let answer = head.and_then(|head| self.delivery.too_much(head));
        if let Some(answer) = answer {
            self.answer(answer, out, now);
        }
    }

    fn take(&mut self, steps: Vec<Step>, out: &mut Out, ids: &mut Source, now: Instant) {
        for step in steps {
            match step {
                Step::Write(text) => self.say(&text, out, now),
                Step::StartTls => {
                    if let Some(stream) = self.stream() {
                        out.start_tls(stream, &self.security);
                    }
                }
                Step::Restart => {
                    let fresh = self.reader();
                    if let Link::LoggingIn { reader, .. } = &mut self.link {
                        *reader = fresh;
                    }
                }
                Step::Online { jid, resumed } => self.online(&jid, resumed, out, ids, now),
                Step::Up(stanza) => self.deliver(stanza, out, now),
                Step::Again(stanza) => {
                    if let Err(Full) = self.queue.push(stanza.clone(), now) {
                        self.give_back(stanza, out);
                    }
                }
                Step::Lost(stanza) => self.give_back(stanza, out),
                Step::Room => self.flush(out, now),
                Step::Fail(failure) => {
                    self.lose(failure, None, out, ids, now);
                    return;
                }
            }
        }
    }

    fn deliver(&mut self, stanza: Element, out: &mut Out, now: Instant) {
        let own = self.session.own().to_owned();
        let answers = self
            .delivery
            .deliver(self.id, stanza, &own, &mut self.requests, out);
        for answer in answers {
            self.answer(answer, out, now);
        }
    }

    /// A stanza did not arrive: whoever asked is answered, whoever sent it is told.
    fn give_back(&mut self, stanza: Element, out: &mut Out) {
        let id = stanza.attr("id").filter(|_| stanza.name() == "iq");
        match id.and_then(|id| self.requests.forget(id)) {
            Some(waiter) => out.answered(self.id, waiter, Outcome::None),
            None => out.undelivered(self.id, stanza),
        }
    }

    fn answer(&mut self, answer: Element, out: &mut Out, now: Instant) {
        if self.send(answer, out, now).is_err() {
            out.counts.answers_dropped += 1;
        }
    }

    fn online(&mut self, jid: &str, resumed: bool, out: &mut Out, ids: &mut Source, now: Instant) {
        let down = Link::Down { retry_at: now };
        self.link = match std::mem::replace(&mut self.link, down) {
            Link::LoggingIn { stream, reader, .. } => Link::Online {
                stream,
                reader,
                since: now,
                heard_at: now,
                said_at: now,
                silent_at: None,
            },
            other => other,
        };
        self.refusals = 0;
        tracing::info!(entity = self.name, jid, resumed, "online at a chat server");
        let jid = jid.to_owned();
        out.state(self.id, Standing::Online { jid, resumed });
        if !resumed {
            self.greet(out, ids, now);
        }
        self.flush(out, now);
    }

    /// What a new session begins with.
    fn greet(&mut self, out: &mut Out, ids: &mut Source, now: Instant) {
        match &self.session {
            Session::Component(_) => {
                let again: Vec<Element> = self.delivery.presences().collect();
                for presence in again {
                    self.answer(presence, out, now);
                }
            }
            Session::Client(_) => {
                let mut carbons = element("iq", ns::CLIENT, &[("type", "set")]);
                carbons.append_child(Element::bare("enable", ns::CARBONS));
                // Where the server has none of it, it says so, and nothing more comes of it.
                let begun = self.requests.begin(&mut carbons, Waiter::Stream, ids, now);
                if begun.is_ok() {
                    self.answer(carbons, out, now);
                }
                let mut presence = Element::bare("presence", ns::CLIENT);
                for caps in self.delivery.caps() {
                    presence.append_child(caps);
                }
                self.answer(presence, out, now);
            }
        }
    }
}
