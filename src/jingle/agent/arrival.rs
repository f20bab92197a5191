//! What comes in: a stanza of a session that there is, or the beginning of one.

use std::time::Instant;

use minidom::Element;

use super::super::action::{Action, Jingle};
use super::super::content::Role;
use super::super::error::MapError;
use super::super::leg::{Leg, losses};
use super::super::ns;
use super::super::propose::{Ended, Initiation, Word};
use super::super::reason::{Condition as Why, Reason};
use super::super::refusal::Refusal;
use super::super::sdp::Peer;
use super::super::session::Session;
use super::allowance::Over;
use super::placed::{Key, iq, message, normal};
use super::{Agent, Call, Called, Door, Event, Office, Refused};
use crate::address::Address;
use crate::call::signal::{Caller, Invite, Opening};
use crate::id::{LegId, Source};
use crate::xmpp::EntityId;
use crate::xmpp::address::{address_of, is_one_of};
use crate::xmpp::carbon::{Copied, copied};
use crate::xmpp::presence::RESOURCE;
use crate::xmpp::stanza::{self, Kind, bare};
use crate::xmpp::stanza_error;

/// What a server writes into a message that it has kept (XEP-0203).
const DELAY: &str = "urn:xmpp:delay";

/// Why a call of a chat user is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotTaken {
    /// He may not call.
    Stranger,
    /// There is nobody of that address.
    Nobody,
    /// Too much is going on.
    Shedding,
    /// The process is to end.
    Draining,
    /// There are too many sessions.
    Full,
    /// There are too many of this caller.
    TooMany,
}

impl NotTaken {
    fn words(self) -> &'static str {
        match self {
            Self::Stranger => "none of `callers`",
            Self::Nobody => "nobody can have this address",
            Self::Shedding => "too much is going on",
            Self::Draining => "the gateway is being shut down",
            Self::Full => "`xmpp.sessions_max` is reached",
            Self::TooMany => "`call.calls_per_user` is reached",
        }
    }

    fn refusal(self) -> Refusal {
        match self {
            Self::Stranger => Refusal::Forbidden,
            Self::Nobody => Refusal::ItemNotFound,
            Self::Shedding | Self::Draining | Self::Full | Self::TooMany => Refusal::Overloaded,
        }
    }

    fn reason(self) -> Reason {
        Reason::with(
            match self {
                Self::Stranger => Why::SecurityError,
                Self::Nobody | Self::Shedding | Self::Draining | Self::Full | Self::TooMany => {
                    Why::GeneralError
                }
            },
            self.words(),
        )
    }
}

impl Agent {
    /// Takes a stanza. `false` where it is none of a call: somebody else's, or nobody's.
    pub fn stanza(
        &mut self,
        entity: EntityId,
        stanza: &Element,
        ids: &mut Source,
        now: Instant,
    ) -> bool {
        match stanza::kind(stanza) {
            Kind::Request => {
                let payload = stanza::payload(stanza);
                let Some(payload) = payload.filter(|it| it.is("jingle", ns::JINGLE)) else {
                    return false;
                };
                self.jingle(entity, payload, stanza, ids, now);
                true
            }
            Kind::Message => self.message(entity, stanza, ids, now),
            Kind::Presence | Kind::Answer | Kind::Other => false,
        }
    }

    /// A stanza of ours did not arrive.
    pub fn undelivered(&mut self, entity: EntityId, stanza: &Element, now: Instant) {
        let from = match self.offices.get(entity.0) {
            // RFC 6120 §8.1.2.1: its server writes who it is from.
            Some(Office::Account { jid, .. }) => Some(jid.as_str()),
            Some(Office::Component { .. }) | None => stanza.attr("from"),
        };
        let (Some(from), Some(to)) = (from, stanza.attr("to")) else {
            return;
        };
        if let Some(Initiation {
            id,
            word: Word::Propose { .. } | Word::Proceed,
        }) = Initiation::read(stanza)
        {
            let key = Key::new(entity, from, to, &id);
            let condition = stanza_error::Condition::RemoteServerTimeout;
            self.bounced(&key, to, condition, now);
        }
    }

    /// A word of ours to this address came to nothing.
    fn bounced(&mut self, key: &Key, peer: &str, condition: stanza_error::Condition, now: Instant) {
        let leg = self.sessions.get(key).copied();
        let is_theirs = |id: &LegId| self.legs.get(id).is_some_and(|it| it.leg.is_peer(peer));
        if let Some(leg) = leg.filter(is_theirs) {
            self.with_leg(leg, now, |leg, out| leg.bounced(condition, out));
        }
    }

    // --- requests ---

    fn jingle(
        &mut self,
        entity: EntityId,
        payload: &Element,
        request: &Element,
        ids: &mut Source,
        now: Instant,
    ) {
        let (Some(from), Some(to)) = (request.attr("from"), request.attr("to")) else {
            self.counts.malformed += 1;
            return self.reply(entity, Refusal::BadRequest, request, None);
        };
        let mut jingle = match Jingle::read(payload, &self.descriptions) {
            Ok(jingle) => jingle,
            Err(fault) => {
                self.counts.malformed += 1;
                let why = fault.to_string();
                return self.reply(entity, Refusal::BadRequest, request, Some(&why));
            }
        };
        let key = Key::new(entity, to, from, &jingle.sid);
        let Some(id) = self.sessions.get(&key).copied() else {
            return match jingle.action {
                // XEP-0166 §6.2: it has one content at least.
                Action::SessionInitiate if jingle.contents.is_empty() => {
                    self.counts.malformed += 1;
                    self.reply(entity, Refusal::BadRequest, request, Some("no content"));
                }
                // It has crossed the end of the call that it was to begin.
                Action::SessionInitiate if self.ended.has(&key, now) => {
                    self.unknown(entity, request);
                }
                Action::SessionInitiate => self.begins(entity, &jingle, request, ids, now),
                _ => self.unknown(entity, request),
            };
        };
        let is_theirs = self.legs.get(&id).is_some_and(|placed| {
            placed.leg.is_peer(from) && stanza::is_same(bare(&placed.leg.ours), bare(to))
        });
        if !is_theirs {
            return self.unknown(entity, request);
        }
        self.trace_received(id, &jingle.summary(), request, now);
        if jingle.action == Action::TransportInfo {
            self.limit_candidates(id, &mut jingle, now);
        }
        let limits = self.descriptions.clone();
        self.with_leg(id, now, |leg, out| {
            leg.request(jingle, request, &limits, out);
        });
    }

    fn limit_candidates(&mut self, id: LegId, jingle: &mut Jingle, now: Instant) {
        let Some(placed) = self.legs.get_mut(&id) else {
            return;
        };
        let generation = placed.leg.generation();
        let count = match placed.allowance.admit(jingle, generation) {
            None => return,
            Some(Over::More(count)) => count,
            Some(Over::First(count)) => {
                let most = self.candidates_max;
                let why = format!("candidates are dropped: a session may have {most} of them");
                self.note(id, why, now);
                count
            }
        };
        self.counts.candidates += count as u64;
    }

    fn unknown(&mut self, entity: EntityId, request: &Element) {
        self.counts.unknown += 1;
        self.reply(entity, Refusal::UnknownSession, request, None);
    }

    fn reply(&mut self, entity: EntityId, refusal: Refusal, request: &Element, text: Option<&str>) {
        if let Some(stanza) = refusal.answer(request, text) {
            self.events.push_back(Event::Send { entity, stanza });
        }
    }

    /// A session that begins without a proposal.
    fn begins(
        &mut self,
        entity: EntityId,
        jingle: &Jingle,
        request: &Element,
        ids: &mut Source,
        now: Instant,
    ) {
        let from = request.attr("from").unwrap_or_default().to_owned();
        let to = request.attr("to").unwrap_or_default().to_owned();
        let called = match self.taken(entity, &from, &to) {
            Ok(called) => called,
            Err(not_taken) => {
                let (refusal, why) = (not_taken.refusal(), not_taken.words());
                self.reply(entity, refusal, request, Some(why));
                return self.not_taken(not_taken, &from, &to, &jingle.sid, ids);
            }
        };
        let mut session = Session::new(Role::Responder, Peer::native());
        let heard = session.initiated(jingle, &self.descriptions);
        // XEP-0166 §6.3.1: it is acknowledged, and ended if nothing of it can be used.
        let stanza = stanza::result(request);
        self.events.push_back(Event::Send { entity, stanza });
        let (offer, lost) = match heard {
            Ok(heard) => heard,
            Err(fault) => {
                self.unusable(entity, &fault, request, &jingle.sid, ids);
                let refused = Refused {
                    leg: ids.leg(),
                    from: bare(&from).to_owned(),
                    to,
                    name: jingle.sid.clone(),
                    why: fault.to_string(),
                    is_stranger: false,
                };
                return self.events.push_back(Event::Refused(refused));
            }
        };
        let id = ids.leg();
        let leg = Leg::offered(id, to.clone(), from.clone(), jingle.sid.clone(), session);
        self.add(entity, leg);
        self.calls(
            id,
            entity,
            &from,
            called,
            Opening::Offer(offer),
            &jingle.sid,
        );
        self.trace_received(id, &jingle.summary(), request, now);
        for text in losses(&lost) {
            self.note(id, text, now);
        }
    }

    /// Ends a session that cannot be used before there is a leg.
    fn unusable(
        &mut self,
        entity: EntityId,
        fault: &MapError,
        request: &Element,
        sid: &str,
        ids: &mut Source,
    ) {
        let mut end = Jingle::new(Action::SessionTerminate, sid);
        end.reason = Some(Reason::with(
            Why::UnsupportedApplications,
            &fault.to_string(),
        ));
        let from = request.attr("to").unwrap_or_default();
        let to = request.attr("from").unwrap_or_default();
        let mut stanza = iq(from, to, &end);
        // Nobody waits for what comes of it, and whoever does not answer holds no room.
        stanza::set(&mut stanza, "id", &ids.token());
        self.events.push_back(Event::Send { entity, stanza });
    }

    // --- messages ---

    fn message(
        &mut self,
        entity: EntityId,
        stanza: &Element,
        ids: &mut Source,
        now: Instant,
    ) -> bool {
        let own = match self.offices.get(entity.0) {
            Some(Office::Account { jid, .. }) => jid.clone(),
            Some(Office::Component { domain, .. }) => domain.clone(),
            None => return false,
        };
        match copied(stanza, &own) {
            Copied::Own(own) | Copied::Received(own) => self.says(entity, own, ids, now),
            Copied::Sent(sent) => self.sent_elsewhere(entity, sent, now),
            Copied::Forged => true,
        }
    }

    /// Another client of the account has said something.
    fn sent_elsewhere(&mut self, entity: EntityId, sent: &Element, now: Instant) -> bool {
        let Some(Initiation { id, word }) = Initiation::read(sent) else {
            return false;
        };
        if let (Some(ours), Some(peer)) = (sent.attr("from"), sent.attr("to")) {
            let key = Key::new(entity, ours, peer, &id);
            if let Some(leg) = self.sessions.get(&key).copied() {
                self.with_leg(leg, now, |leg, out| leg.elsewhere(&word, out));
            }
        }
        true
    }

    fn says(&mut self, entity: EntityId, stanza: &Element, ids: &mut Source, now: Instant) -> bool {
        let (Some(from), Some(to)) = (stanza.attr("from"), stanza.attr("to")) else {
            return false;
        };
        if stanza.attr("type") == Some("error") {
            let words = ["propose-", "proceed-"].into_iter();
            let id = stanza.attr("id").unwrap_or_default();
            let Some(sid) = words.filter_map(|word| id.strip_prefix(word)).next() else {
                return false;
            };
            let key = Key::new(entity, to, from, sid);
            self.bounced(&key, from, stanza_error::condition(stanza), now);
            return true;
        }
        let Some(Initiation { id: sid, word }) = Initiation::read(stanza) else {
            return false;
        };
        let key = Key::new(entity, to, from, &sid);
        match (self.sessions.get(&key).copied(), word) {
            (Some(id), word) => {
                let is_theirs = self.legs.get(&id).is_some_and(|it| it.leg.is_peer(from));
                if is_theirs {
                    self.trace_received(id, word.name(), stanza, now);
                    self.with_leg(id, now, |leg, out| leg.initiation(word, from, out));
                }
            }
            // A server has kept it for later, or sends it once more: that call is over.
            (None, Word::Propose { .. })
                if stanza.has_child("delay", DELAY) || self.ended.has(&key, now) => {}
            (None, Word::Propose { media, .. }) if !media.is_empty() => {
                self.proposed(entity, &key, stanza, ids, now);
            }
            // Of a session that is over, of another client's, or no call.
            (None, _) => {}
        }
        true
    }

    /// Somebody proposes a call.
    fn proposed(
        &mut self,
        entity: EntityId,
        key: &Key,
        stanza: &Element,
        ids: &mut Source,
        now: Instant,
    ) {
        let from = stanza.attr("from").unwrap_or_default().to_owned();
        let to = stanza.attr("to").unwrap_or_default().to_owned();
        let sid = key.sid().to_owned();
        let ours = match self.offices.get(entity.0) {
            Some(Office::Account { jid, .. }) => jid.clone(),
            Some(Office::Component { .. }) | None => format!("{}/{RESOURCE}", bare(&to)),
        };
        let called = match self.taken(entity, &from, &to) {
            Ok(called) => called,
            Err(not_taken) => {
                // A stranger learns nothing, not even that there is somebody.
                if not_taken != NotTaken::Stranger {
                    let ended = Ended::because(not_taken.reason());
                    self.reject(entity, &ours, &from, &sid, ended);
                }
                return self.not_taken(not_taken, &from, &to, &sid, ids);
            }
        };
        let ours_under_way = self.proposals_to(key);
        if ours_under_way.iter().any(|(other, _)| *other < sid) {
            let ended = Ended {
                reason: Some(Reason::new(Why::Expired)),
                tie_break: true,
            };
            return self.reject(entity, &ours, &from, &sid, ended);
        }
        for (_, leg) in ours_under_way {
            self.with_leg(leg, now, Leg::yields);
        }
        let id = ids.leg();
        self.add(entity, Leg::proposed(id, ours, from.clone(), sid.clone()));
        self.calls(id, entity, &from, called, Opening::Later, &sid);
        self.trace_received(id, "propose", stanza, now);
    }

    /// Proposals of ours to this very person that no device has taken, by their names. Of two that
    /// cross the lower name's goes (XEP-0353, Tie Breaking).
    fn proposals_to(&self, key: &Key) -> Vec<(String, LegId)> {
        let first = key.first_of();
        let all = self.sessions.range(&first..);
        let same = all.take_while(|(other, _)| other.is_of_same(key));
        let is_ours = |leg: &LegId| self.legs.get(leg).is_some_and(|it| it.leg.is_proposing());
        let ours = same.filter(|(_, leg)| is_ours(leg));
        ours.map(|(other, leg)| (other.sid().to_owned(), *leg))
            .collect()
    }

    fn reject(&mut self, entity: EntityId, from: &str, to: &str, sid: &str, ended: Ended) {
        let stanza = message(from, to, &Initiation::new(sid, Word::Reject(ended)));
        self.events.push_back(Event::Send { entity, stanza });
    }

    // --- who may call whom ---

    /// Who is called, where the call is taken.
    fn taken(&self, entity: EntityId, from: &str, to: &str) -> Result<Called, NotTaken> {
        let called = match self.offices.get(entity.0) {
            Some(Office::Component {
                meaning, callers, ..
            }) => {
                if !is_one_of(callers, bare(from)) {
                    return Err(NotTaken::Stranger);
                }
                let address = address_of(to, *meaning);
                Called::Address(address.map_err(|_| NotTaken::Nobody)?)
            }
            Some(Office::Account { owner, callers, .. }) => {
                if !is_one_of(callers, bare(from)) {
                    return Err(NotTaken::Stranger);
                }
                Called::Owner(owner.clone())
            }
            None => return Err(NotTaken::Nobody),
        };
        let calls = self.callers.get(&normal(from)).copied().unwrap_or_default();
        match self.door {
            Door::Open if self.legs.len() >= self.legs_max => Err(NotTaken::Full),
            Door::Open if calls >= self.calls_per_user => Err(NotTaken::TooMany),
            Door::Open => Ok(called),
            Door::Shedding => Err(NotTaken::Shedding),
            Door::Closed => Err(NotTaken::Draining),
        }
    }

    fn calls(
        &mut self,
        leg: LegId,
        entity: EntityId,
        from: &str,
        called: Called,
        opening: Opening,
        sid: &str,
    ) {
        let from = bare(from).to_owned();
        let to = match &called {
            Called::Address(address) => address.clone(),
            Called::Owner(owner) => Address::User(owner.clone()),
        };
        let invite = Box::new(Invite {
            from: Caller {
                uri: format!("xmpp:{from}"),
                display_name: None,
            },
            to,
            opening,
            headers: Vec::new(),
        });
        self.events.push_back(Event::Call(Call {
            leg,
            entity,
            from,
            called,
            invite,
            name: sid.to_owned(),
        }));
    }

    fn not_taken(&mut self, why: NotTaken, from: &str, to: &str, sid: &str, ids: &mut Source) {
        match why {
            NotTaken::Stranger => self.counts.strangers += 1,
            NotTaken::Full => self.counts.legs_refused += 1,
            NotTaken::TooMany => self.counts.callers_refused += 1,
            // What is refused because there is too much has to cost next to nothing.
            NotTaken::Shedding => {
                self.counts.shed += 1;
                return;
            }
            NotTaken::Nobody | NotTaken::Draining => {}
        }
        self.events.push_back(Event::Refused(Refused {
            leg: ids.leg(),
            from: bare(from).to_owned(),
            to: to.to_owned(),
            name: sid.to_owned(),
            why: why.words().to_owned(),
            is_stranger: why == NotTaken::Stranger,
        }));
    }
}
