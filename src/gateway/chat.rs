//! Chat servers: what their streams want of the outside, calls of chat users and calls to them.

use std::time::Instant;

use bytes::Bytes;

use super::legs::Leg;
use super::place::Placement;
use super::traced::way;
use super::{Gateway, Output, legs};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::call::profile::Profile;
use crate::call::signal::Ending;
use crate::id::LegId;
use crate::jingle;
use crate::jingle::agent::Called;
use crate::route::{Caller, Refused, Target, Via};
use crate::sip;
use crate::sip::uri::Uri;
use crate::trace::Wire;
use crate::trace::store::Kind;
use crate::xmpp::address::jid_of;
use crate::xmpp::iq::Outcome;
use crate::xmpp::services::{Request, Services};
use crate::xmpp::stanza::domain;
use crate::xmpp::{self, EntityId, Standing};

impl Gateway {
    pub(super) fn xmpp_event(&mut self, event: xmpp::Event, now: Instant) {
        match event {
            xmpp::Event::Connect {
                stream,
                remote,
                security,
            } => self.outputs.push_back(Output::XmppConnect {
                stream,
                remote,
                security,
            }),
            xmpp::Event::Bytes { stream, bytes } => {
                let bytes = Bytes::from(bytes);
                self.outputs.push_back(Output::XmppBytes { stream, bytes });
            }
            xmpp::Event::StartTls { stream, security } => {
                let output = Output::XmppStartTls { stream, security };
                self.outputs.push_back(output);
            }
            xmpp::Event::Close { stream } => {
                self.outputs.push_back(Output::XmppClose { stream });
            }
            xmpp::Event::Ask { id, question } => self.outputs.push_back(Output::Ask {
                id: legs::of_xmpp(id),
                question,
            }),
            xmpp::Event::Stanza { entity, stanza } => {
                let is_of_call = self.jingle.stanza(entity, &stanza, &mut self.ids, now);
                if let Some(result) = self.services.pushed(entity, &stanza) {
                    self.answer_chat(entity, result, now);
                    self.ask_services(now);
                } else if !is_of_call {
                    self.chat_says(entity, &stanza, now);
                    self.xmpp.refuse(entity, &stanza, now);
                }
            }
            xmpp::Event::Answered { asker, outcome, .. } => match Services::is_asker(asker) {
                true => self.services_answered(asker, &outcome, now),
                false => self.jingle.answered(asker, &outcome, now),
            },
            xmpp::Event::Undelivered { entity, stanza } => {
                self.jingle.undelivered(entity, &stanza, now);
                self.chat_undelivered(entity, &stanza, now);
            }
            xmpp::Event::State { entity, standing } => {
                let name = self.xmpp.name(entity).unwrap_or_default().to_owned();
                let is_online = matches!(standing, Standing::Online { .. });
                if let Standing::Online { jid, resumed } = &standing {
                    self.jingle.online(entity, jid, *resumed, now);
                    self.texts.online(entity, jid);
                    self.services.online(entity, now);
                    self.ask_services(now);
                }
                self.metrics.chat_server(&name, is_online);
            }
        }
    }

    // --- servers for media that users' chat servers tell of ---

    fn ask_services(&mut self, now: Instant) {
        while let Some(request) = self.services.poll_request() {
            let Request {
                entity,
                stanza,
                asker,
            } = request;
            let asked = self.xmpp.ask(entity, stanza, asker, &mut self.ids, now);
            if let Err(fault) = asked {
                tracing::debug!(%fault, "servers for media are not asked for");
                self.services_answered(asker, &Outcome::None, now);
            }
        }
    }

    fn services_answered(&mut self, asker: u64, outcome: &Outcome, now: Instant) {
        if let Some(owner) = self.services.answered(asker, outcome, now) {
            self.tell_services(&owner);
        }
        self.ask_services(now);
    }

    fn tell_services(&mut self, owner: &str) {
        let servers = self.services.of_owner(owner);
        self.ws.set_ice_servers(owner, servers);
    }

    pub(super) fn services_due(&mut self, now: Instant) {
        for owner in self.services.handle_timeout(now) {
            self.tell_services(&owner);
        }
        self.ask_services(now);
    }

    pub(super) fn jingle_event(&mut self, event: jingle::agent::Event, now: Instant) {
        match event {
            jingle::agent::Event::Send { entity, stanza } => {
                if let Err(fault) = self.xmpp.send(entity, stanza.clone(), now) {
                    tracing::debug!(%fault, "a stanza is not sent");
                    self.jingle.undelivered(entity, &stanza, now);
                }
            }
            jingle::agent::Event::Ask {
                entity,
                stanza,
                asker,
            } => {
                let asked = self.xmpp.ask(entity, stanza, asker, &mut self.ids, now);
                if let Err(fault) = asked {
                    tracing::debug!(%fault, "a request is not sent");
                    self.jingle.answered(asker, &Outcome::None, now);
                }
            }
            jingle::agent::Event::Call(call) => self.chat_calls(call, now),
            jingle::agent::Event::Signal { leg, signal } => self.command(leg, signal, now),
            jingle::agent::Event::Refused(refused) => self.jingle_refused(&refused, now),
            jingle::agent::Event::Named { leg, name } => self.name_leg(leg, Wire::Xmpp, &name),
            jingle::agent::Event::Trace(entry) => self.trace(entry),
            jingle::agent::Event::Gone { leg } => self.gone(leg),
        }
    }

    /// A chat user calls.
    fn chat_calls(&mut self, call: jingle::agent::Call, now: Instant) {
        let jingle::agent::Call {
            leg,
            entity,
            from,
            called,
            invite,
            name,
        } = call;
        let id = self.ids.call();
        self.legs.add(leg, id, Leg::Jingle);
        self.traces.begin(id, Kind::Call, now);
        self.name_trace(id, Wire::Xmpp, &name);
        let (line, target) = match &called {
            Called::Owner(owner) => (None, Ok(Target::User(owner.clone()))),
            Called::Address(address) => {
                let allowed = self.allowed_by(entity);
                let caller = Caller {
                    user: &from,
                    accounts: &[],
                    destinations: allowed.as_deref(),
                };
                self.plan.route(address, caller, None)
            }
        };
        let (door, way) = (
            self.xmpp.name(entity).unwrap_or_default(),
            way(line, &target),
        );
        let who = format!("{from} called {} by {door}: {way}", invite.to);
        self.traces.about(id, &who);
        let placements = match target {
            Ok(Target::User(user)) => self.placements_of(&user, None, None),
            Ok(Target::Trunk { trunk, uri, .. }) => match Uri::parse(&uri) {
                Ok(uri) => vec![self.sip_placement(sip::Target {
                    uri,
                    trunk: Some(trunk),
                    account: None,
                    user: from,
                    display_name: None,
                })],
                Err(_) => return self.chat_refused(leg, Refused::NoRoute, now),
            },
            // From one chat server to another is theirs to do (and from one to itself a loop).
            Ok(Target::Chat { .. } | Target::Join(_)) => {
                return self.chat_refused(leg, Refused::NotPermitted, now);
            }
            Ok(Target::Reject(cause)) => {
                let ending = Ending::by_gateway(cause).because("the dial plan rejects this");
                return self.never_placed(leg, ending, now);
            }
            Err(refused) => return self.chat_refused(leg, refused, now),
        };
        if placements.is_empty() {
            let why = format!("nobody is connected as {}", invite.to);
            let ending = Ending::by_gateway(Cause::Unavailable).because(why);
            return self.never_placed(leg, ending, now);
        }
        self.place(leg, Self::chat_profile(), placements, *invite, now);
    }

    /// What chat users may reach by a stream, as patterns; all that the plan allows where there are
    /// none. Components come first among the streams; an account leads to its owner alone.
    pub(super) fn allowed_by(&self, entity: EntityId) -> Option<Vec<String>> {
        self.config.component.get(entity.0)?.allowed()
    }

    fn chat_refused(&mut self, leg: LegId, refused: Refused, now: Instant) {
        let cause = match refused {
            Refused::NoRoute => Cause::NotFound,
            Refused::NotPermitted | Refused::ForeignHost | Refused::UnknownAccount => {
                Cause::Forbidden
            }
        };
        let ending = Ending::by_gateway(cause).because(refused.to_string());
        self.never_placed(leg, ending, now);
    }

    /// A chat user who is to be called.
    pub(super) fn chat_placement(
        &self,
        via: &Via,
        jid: &str,
        caller: &Address,
    ) -> Option<Placement> {
        let target = self.chat_target(via, jid, caller)?;
        Some(Placement {
            kind: Leg::JingleToPlace(Box::new(target)),
            profile: Self::chat_profile(),
        })
    }

    /// How a chat user is reached, by this component or by an account of this user.
    pub(super) fn chat_target(
        &self,
        via: &Via,
        jid: &str,
        caller: &Address,
    ) -> Option<jingle::agent::Target> {
        // What comes back to us would go round for ever: XMPP counts no hops.
        let mut components = self.config.component.iter();
        if components.any(|one| one.domain.eq_ignore_ascii_case(domain(jid))) {
            return None;
        }
        let entity = match via {
            Via::Component(name) => self.xmpp.named(name)?,
            Via::Account(owner) => {
                let account = self.config.xmpp_account.iter();
                let name = account
                    .filter(|one| one.owner == *owner)
                    .map(|one| &one.name);
                self.xmpp.named(name.into_iter().next()?)?
            }
        };
        let own = self.xmpp.own(entity)?;
        let from = match via {
            Via::Component(_) => jid_of(caller, own).ok()?,
            Via::Account(_) => own.to_owned(),
        };
        let to = jid.to_owned();
        Some(jingle::agent::Target { entity, from, to })
    }

    /// Clients of chat servers are browsers, or have their engine; they take candidates one by one
    /// (XEP-0176) and cannot take back an offer.
    pub(super) fn chat_profile() -> Profile {
        Profile {
            rolls_back: false,
            ..Profile::browser()
        }
    }
}
