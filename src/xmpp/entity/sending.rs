//! What an entity sends: now, or once its stream is up.

use std::time::Instant;

use minidom::Element;

use super::{Entity, Link};
use crate::id::Source;
use crate::xmpp::iq::Waiter;
use crate::xmpp::out::Out;
use crate::xmpp::queue::Full;
use crate::xmpp::session::Session;
use crate::xmpp::stanza::{bare, domain, element, is_jid, set, with};
use crate::xmpp::stanza_error::{self, Condition};
use crate::xmpp::{NotSent, ns};

impl Entity {
    /// Sends a stanza, now or once the stream is up.
    pub(in crate::xmpp) fn send(
        &mut self,
        stanza: Element,
        out: &mut Out,
        now: Instant,
    ) -> Result<(), NotSent> {
        let stanza = self
            .addressed(stanza)
            .inspect_err(|_| out.counts.foreign_from += 1)?;
        if matches!(self.link, Link::GivenUp) {
            return Err(NotSent::GivenUp);
        }
        let goes = self.is_online() && self.queue.is_empty() && self.session.has_room();
        if goes {
            return self.transmit(stanza, out, now);
        }
        self.queue.push(stanza, now).map_err(|Full| {
            out.counts.queue_full += 1;
            NotSent::Full
        })
    }

    /// A server ends the stream of a component that speaks as somebody else, or as nobody.
    fn addressed(&self, mut stanza: Element) -> Result<Element, NotSent> {
        match (&self.session, stanza.attr("from")) {
            (Session::Component(component), None) => {
                let domain = component.domain().to_owned();
                set(&mut stanza, "from", &domain);
            }
            (Session::Component(component), Some(from)) => {
                let is_ours = domain(from).eq_ignore_ascii_case(component.domain());
                if !is_ours || !is_jid(from) {
                    return Err(NotSent::ForeignFrom);
                }
            }
            (Session::Client(_), None) => {}
            (Session::Client(client), Some(from)) => {
                // RFC 6120 §8.1.2.1: the server writes it.
                if bare(from) != bare(client.jid()) {
                    return Err(NotSent::ForeignFrom);
                }
                stanza
                    .attrs_mut()
                    .retain(|_, name, _| name.as_str() != "from");
            }
        }
        Ok(stanza)
    }

    fn transmit(&mut self, stanza: Element, out: &mut Out, now: Instant) -> Result<(), NotSent> {
        let text = self.session.text(&stanza);
        if text.len() > self.settings.stanza_bytes_max {
            // Servers end the stream of whoever sends one.
            out.counts.too_long += 1;
            return Err(NotSent::TooLong);
        }
        self.say(&text, out, now);
        if let Some(behind) = self.session.sent(stanza) {
            self.say(&behind, out, now);
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, out: &mut Out, now: Instant) {
        while self.is_online()
            && self.session.has_room()
            && let Some(stanza) = self.queue.pop()
        {
            if self.transmit(stanza.clone(), out, now).is_err() {
                self.give_back(stanza, out);
            }
        }
    }

    /// Sends a request; whoever waits is told exactly once.
    pub(in crate::xmpp) fn ask(
        &mut self,
        mut request: Element,
        waiter: Waiter,
        out: &mut Out,
        ids: &mut Source,
        now: Instant,
    ) -> Result<(), NotSent> {
        let begun = self.requests.begin(&mut request, waiter, ids, now);
        let id = begun.map_err(|_| {
            out.counts.requests_full += 1;
            NotSent::Full
        })?;
        self.send(request, out, now).inspect_err(|_| {
            self.requests.forget(&id);
        })
    }

    pub(super) fn say(&mut self, text: &str, out: &mut Out, now: Instant) {
        if let Link::Online { said_at, .. } = &mut self.link {
            *said_at = now;
        }
        if let Some(stream) = self.stream() {
            out.bytes(stream, text);
        }
    }

    /// Asks whether the server lives: an account asks it, a component asks itself through it, as
    /// it knows no other address there.
    pub(super) fn ping(&mut self, out: &mut Out, ids: &mut Source, now: Instant) {
        if let Link::Online { silent_at, .. } = &mut self.link {
            *silent_at = Some(now + self.settings.ping_deadline);
        }
        let to = domain(self.session.own()).to_owned();
        let request = element("iq", ns::CLIENT, &[("type", "get"), ("to", &to)]);
        let mut request = with(request, Element::bare("ping", ns::PING));
        if self
            .requests
            .begin(&mut request, Waiter::Stream, ids, now)
            .is_ok()
        {
            // It must not wait behind stanzas that the server does not acknowledge.
            let sent = self
                .addressed(request)
                .and_then(|request| self.transmit(request, out, now));
            if sent.is_err() {
                out.counts.answers_dropped += 1;
            }
        }
    }

    /// Answers a request that nobody here answers.
    pub(in crate::xmpp) fn refuse(
        &mut self,
        stanza: &Element,
        condition: Condition,
        out: &mut Out,
        now: Instant,
    ) {
        let error = stanza_error::error(stanza, condition, None);
        if let Some(error) = error {
            self.answer(error, out, now);
        }
    }
}
