//! What the agent does unasked: registrations, addresses and health checks of trunks, keep-alives
//! (RFC 3261 §10.2, §11, RFC 3263, RFC 5626 §3.5.1).
//!
//! Keep-alives are CRLF CRLF on streams, and towards registrars over UDP, too: a NAT in between
//! needs any packet, and an OPTIONS would cost the registrar an answer for each of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::agent::{AccountState, Agent, Event};
use super::auth::Credentials;
use super::contact::contact;
use super::flow::Flow;
use super::locate::{Located, locate};
use super::message::{Request, Response};
use super::outbound::Who;
use super::registration::{Key, Outcome, Standing, Wanted};
use super::trunk::Answers;
use super::uri::Uri;
use crate::config::{self, Transport};
use crate::id::Source;

/// How long somebody who connects may take until he turns out to be a known peer: for TLS and one
/// message.
const STRANGER_DEADLINE: Duration = Duration::from_secs(20);

impl Agent {
    /// Registers the accounts of the configuration and looks after the trunks.
    pub fn begin(&mut self, accounts: &[config::Account], ids: &mut Source, now: Instant) {
        for account in accounts {
            let key = (account.owner.clone(), account.name.clone());
            if let Some(wanted) = self.wanted(account) {
                self.registrations.add(key, wanted, ids);
            }
        }
        self.locate_trunks(now);
        self.register_due(ids, now);
        self.ask_trunks(ids, now);
        self.pump(ids, now);
    }

    fn wanted(&self, account: &config::Account) -> Option<Wanted> {
        let uri = Uri::parse(&account.uri).ok()?;
        let trunk = self.trunk(&account.trunk)?;
        let user = account.user.clone().or_else(|| uri.sip()?.user_name())?;
        let password = account.password.reveal().to_owned();
        Some(Wanted {
            registrar: self.trunks.get(trunk)?.uri.clone(),
            credentials: Credentials { user, password },
            display_name: account.display_name.clone(),
            expires: account.expires,
            trunk: Some(account.trunk.clone()),
            uri,
        })
    }

    /// A client wants this account. `false` where its address or its trunk makes no sense.
    pub fn add_account(
        &mut self,
        key: Key,
        account: &config::Account,
        ids: &mut Source,
        now: Instant,
    ) -> bool {
        let Some(wanted) = self.wanted(account) else {
            return false;
        };
        self.registrations.add(key, wanted, ids);
        self.register_due(ids, now);
        self.pump(ids, now);
        true
    }

    /// Nobody wants this account any more: it is un-REGISTERed.
    pub fn remove_account(&mut self, key: &Key, ids: &mut Source, now: Instant) {
        if let Some(request) = self.registrations.remove(key, ids) {
            self.send_register(key.clone(), request, ids, now);
        }
        self.pump(ids, now);
    }

    pub(super) fn register_due(&mut self, ids: &mut Source, now: Instant) {
        for (key, request) in self.registrations.due(ids, now) {
            self.account_state(&key, Standing::Registering);
            self.send_register(key, request, ids, now);
        }
    }

    fn send_register(&mut self, key: Key, request: Request, ids: &mut Source, now: Instant) {
        let registration = self.registrations.get(&key);
        let trunk = registration.and_then(|known| known.wanted.trunk.as_deref());
        let way = self.way(trunk);
        let registrar = request.uri.clone();
        self.send(Who::Registration(key), request, &registrar, way, ids, now);
    }

    /// The final response to a REGISTER, and the flow that it came by.
    pub(super) fn registered(
        &mut self,
        key: Key,
        request: &Request,
        response: &Response,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        let all = &mut self.registrations;
        let outcome = all.response(&key, request, response, flow, ids, now);
        self.registration_outcome(key, outcome, ids, now);
    }

    pub(super) fn registration_outcome(
        &mut self,
        key: Key,
        outcome: Option<Outcome>,
        ids: &mut Source,
        now: Instant,
    ) {
        match outcome {
            Some(Outcome::Again(request)) => self.send_register(key, *request, ids, now),
            Some(Outcome::Now(standing)) => self.account_state(&key, standing),
            Some(Outcome::Gone) => self.account_state(&key, Standing::Unregistered),
            Some(Outcome::Anew) | None => {}
        }
        if self.registrations.has_waiting() {
            self.register_due(ids, now);
        }
    }

    fn account_state(&mut self, key: &Key, standing: Standing) {
        if let Standing::Failed { why, .. } = &standing {
            tracing::warn!(owner = %key.0, account = %key.1, %why, "the account is not registered");
        }
        let (owner, account) = key.clone();
        self.events.push_back(Event::AccountState(AccountState {
            owner,
            account,
            standing,
        }));
    }

    /// Asks where the names of trunks lead: their calls are taken from there.
    pub(super) fn locate_trunks(&mut self, now: Instant) {
        for place in 0..self.trunks.len() {
            let trunk = self.trunks.get_mut(place);
            let Some(trunk) = trunk.filter(|trunk| {
                let at = trunk.sources.poll_timeout();
                at.is_some_and(|at| at <= now)
            }) else {
                continue;
            };
            let Some(uri) = trunk.uri.sip() else { continue };
            let located = locate(uri, None);
            trunk.sources.asked();
            self.trunk_located(place, Duration::MAX, located, now);
        }
    }

    /// How the look-up of a trunk's name stands; `life` is that of the records so far.
    pub(super) fn trunk_located(
        &mut self,
        place: usize,
        life: Duration,
        located: Located,
        now: Instant,
    ) {
        match located {
            Located::Ask(lookup, question) => {
                let id = self.outbound.learn(place, life, lookup);
                self.events.push_back(Event::Ask { id, question });
            }
            Located::Hops(hops) => {
                let found: Vec<_> = hops.iter().map(|hop| hop.remote.ip()).collect();
                if let Some(trunk) = self.trunks.get_mut(place) {
                    if found.is_empty() {
                        let trunk = &trunk.settings.name;
                        tracing::warn!(%trunk, "the trunk's name leads nowhere at the moment");
                    }
                    trunk.sources.told(&found, life, now);
                }
            }
        }
    }

    pub(super) fn ask_trunks(&mut self, ids: &mut Source, now: Instant) {
        for place in 0..self.trunks.len() {
            let due = self
                .trunks
                .get(place)
                .is_some_and(|trunk| trunk.is_due(now));
            if !due {
                continue;
            }
            let (host, port) = self.own_address(Transport::Udp, None);
            let from = contact("crosspoint", &host, port, Transport::Udp).to_string();
            let Some(trunk) = self.trunks.get_mut(place) else {
                continue;
            };
            if let Some(request) = trunk.due(&from, ids, now) {
                let (uri, name) = (trunk.uri.clone(), trunk.settings.name.clone());
                let way = self.way(Some(&name));
                self.send(Who::Health(place), request, &uri, way, ids, now);
            }
        }
    }

    pub(super) fn health(&mut self, place: usize, answers: Answers, now: Instant) {
        let Some(trunk) = self.trunks.get_mut(place) else {
            return;
        };
        if trunk.answered(answers, now) {
            let (trunk, reachable) = (trunk.settings.name.clone(), answers == Answers::Yes);
            if reachable {
                tracing::info!(%trunk, "the trunk answers");
            } else {
                tracing::warn!(%trunk, "the trunk does not answer its health check");
            }
            self.events
                .push_back(Event::TrunkState { trunk, reachable });
        }
    }

    /// Keep-alives where we are the ones who opened the way; idle streams are closed.
    pub(super) fn tick(&mut self, now: Instant) {
        let idle = self.streams.idle(self.settings.stream_idle, now);
        if !idle.is_empty() {
            let in_use: BTreeSet<_> = self.legs.values().filter_map(|leg| leg.flow).collect();
            let registered = self.registrations.flows();
            for stream in idle {
                let flow = Flow::Stream(stream);
                if !in_use.contains(&flow) && !registered.contains(&flow) {
                    self.streams.remove(stream);
                    self.events.push_back(Event::CloseStream { stream });
                }
            }
        }
        for stream in self.streams.strange(STRANGER_DEADLINE, now) {
            self.counts.strangers += 1;
            self.streams.remove(stream);
            self.events.push_back(Event::CloseStream { stream });
        }
        for stream in self.streams.to_keep_alive(self.settings.keep_alive, now) {
            self.keep_alive(Flow::Stream(stream));
        }
        if self.kept_at + self.settings.keep_alive <= now {
            self.kept_at = now;
            for flow in self.registrations.flows() {
                if let Flow::Udp { .. } = flow {
                    self.keep_alive(flow);
                }
            }
        }
    }

    fn keep_alive(&mut self, flow: Flow) {
        let bytes = b"\r\n\r\n".to_vec();
        self.events.push_back(Event::Transmit { flow, bytes });
    }
}
