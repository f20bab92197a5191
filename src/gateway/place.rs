//! From an invitation to the legs that are placed for it: routing, and telling a leg for the first
//! time.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use super::Gateway;
use super::legs::Leg;
use super::traced::{door, how, way};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::call::leg::Leg as CallLeg;
use crate::call::profile::{Gathering, Profile, Trickles};
use crate::call::signal::{Ending, Invite, Signal};
use crate::config;
use crate::id::LegId;
use crate::route::{Caller, Refused, Target};
use crate::sdp::{self, OwnedOrigin};
use crate::sip::registration::Standing;
use crate::sip::uri::Uri;
use crate::sip::{self, AccountState};
use crate::trace::Wire;
use crate::trace::store::Kind;
use crate::ws;
use crate::ws::code::Code;
use crate::ws::frame::AccountStanding;

/// A B-leg that is to be placed: how it is reached, and what its peer can do.
pub(super) struct Placement {
    pub(super) kind: Leg,
    pub(super) profile: Profile,
}

/// The code that a client is told.
pub(super) fn code_of(refused: Refused) -> Code {
    match refused {
        Refused::NoRoute => Code::NotFound,
        Refused::NotPermitted | Refused::ForeignHost => Code::Forbidden,
        Refused::UnknownAccount => Code::UnknownAccount,
    }
}

impl Gateway {
    /// A client asks for a call.
    pub(super) fn ws_calls(&mut self, call: ws::Call, now: Instant) {
        let ws::Call {
            leg,
            session,
            permissions,
            account,
            display_name,
            invite,
            name,
        } = call;
        let caller = Caller {
            user: &permissions.user,
            accounts: &permissions.accounts,
            destinations: permissions.destinations.as_deref(),
        };
        let (line, target) = self.plan.route(&invite.to, caller, account.as_deref());
        let way = way(line, &target);
        // Who joins is of the call that he joins.
        let joined = match &target {
            Ok(Target::Join(word)) => self.joins.get(word).copied(),
            Ok(
                Target::User(_) | Target::Trunk { .. } | Target::Chat { .. } | Target::Reject(_),
            )
            | Err(_) => None,
        };
        let id = joined.unwrap_or_else(|| self.ids.call());
        self.legs.add(leg, id, Leg::Ws);
        self.traces.begin(id, Kind::Call, now);
        self.name_trace(id, Wire::Json, &name);
        let who = format!("{} called {}: {way}", permissions.user, invite.to);
        self.traces.about(id, &who);
        let placements = match target {
            Err(refused) => return self.ws_refuse(leg, refused, now),
            Ok(Target::Join(word)) => {
                self.ws.accepted(leg);
                return self.joins(leg, word, self.ws_profile(session), *invite, now);
            }
            Ok(Target::User(user)) => self.placements_of(&user, None, Some(session)),
            Ok(Target::Trunk {
                trunk,
                uri,
                account,
            }) => {
                let Ok(uri) = Uri::parse(&uri) else {
                    return self.ws_refuse(leg, Refused::NoRoute, now);
                };
                let (trunk, user) = (Some(trunk), permissions.user.clone());
                let target = sip::Target {
                    uri,
                    trunk,
                    account,
                    user,
                    display_name,
                };
                vec![self.sip_placement(target)]
            }
            Ok(Target::Chat { via, jid }) => {
                let caller = Address::User(permissions.user.clone());
                match self.chat_placement(&via, &jid, &caller) {
                    Some(placement) => vec![placement],
                    None => return self.ws_refuse(leg, Refused::NoRoute, now),
                }
            }
            Ok(Target::Reject(cause)) => {
                self.ws.accepted(leg);
                let ending = Ending::by_gateway(cause).because("the dial plan rejects this");
                return self.never_placed(leg, ending, now);
            }
        };
        self.ws.accepted(leg);
        if placements.is_empty() {
            let why = format!("nobody is connected as {}", invite.to);
            let ending = Ending::by_gateway(Cause::Unavailable).because(why);
            return self.never_placed(leg, ending, now);
        }
        self.place(leg, self.ws_profile(session), placements, *invite, now);
    }

    /// A phone calls.
    pub(super) fn sip_calls(&mut self, call: sip::Call, now: Instant) {
        let sip::Call {
            leg,
            invite,
            caller,
            name,
        } = call;
        let id = self.ids.call();
        self.legs.add(leg, id, Leg::Sip);
        self.traces.begin(id, Kind::Call, now);
        self.name_trace(id, Wire::Sip, &name);
        let (owner, account) = caller.account.clone().unzip();
        let owner = owner.as_deref();
        let target = self
            .plan
            .incoming(owner, caller.user.as_deref(), caller.trunk.as_deref());
        let placements = match &target {
            Some(Target::User(user)) => self.placements_of(user, account.as_deref(), None),
            Some(Target::Chat { via, jid }) => {
                let caller = Address::parse(&invite.from.uri).ok();
                let placement = caller.and_then(|from| self.chat_placement(via, jid, &from));
                placement.into_iter().collect()
            }
            Some(Target::Join(_) | Target::Trunk { .. } | Target::Reject(_)) | None => Vec::new(),
        };
        let whom = match &target {
            Some(Target::User(user)) => format!("user {user}, sessions: {}", placements.len()),
            Some(Target::Chat { via, jid }) => format!("{jid} by {via}"),
            Some(Target::Join(_) | Target::Trunk { .. } | Target::Reject(_)) | None => {
                "nobody of that name".to_owned()
            }
        };
        let (from, to, door) = (&invite.from.uri, &invite.to, door(&caller));
        let who = format!("{from} called {to} from {door}: {whom}");
        self.traces.about(id, &who);
        if placements.is_empty() {
            let ending = Ending::by_gateway(Cause::Unavailable).because("nobody is connected");
            return self.never_placed(leg, ending, now);
        }
        let profile = self.sip_profile(caller.trunk.as_deref());
        self.place(leg, profile, placements, *invite, now);
    }

    /// Tells a leg; one that is to be placed is placed first.
    pub(super) fn tell(&mut self, leg: LegId, signal: Signal, now: Instant) {
        let waits = matches!(
            self.legs.get(leg),
            Some(Leg::WsToPlace(_) | Leg::SipToPlace(_) | Leg::JingleToPlace(_))
        );
        if waits && !matches!(signal, Signal::Invite(_)) {
            // It was never invited: nothing to take back.
            if matches!(signal, Signal::End(_)) {
                self.gone(leg);
            }
            return;
        }
        match self.legs.placed(leg) {
            Some(Leg::WsToPlace(invitee)) => {
                self.ws.place(leg, invitee);
                self.ws.apply(leg, signal, now);
            }
            Some(Leg::SipToPlace(target)) => {
                self.sip.place(leg, *target, &mut self.ids);
                self.sip.apply(leg, signal, &mut self.ids, now);
            }
            Some(Leg::JingleToPlace(target)) => {
                self.jingle.place(leg, *target, &mut self.ids);
                self.jingle.apply(leg, signal, now);
            }
            Some(Leg::Jingle) => self.jingle.apply(leg, signal, now),
            Some(Leg::Ws) => self.ws.apply(leg, signal, now),
            Some(Leg::Sip) => self.sip.apply(leg, signal, &mut self.ids, now),
            None => tracing::debug!(%leg, "a leg that is gone is told something"),
        }
    }

    /// The agent has finished with a leg.
    pub(super) fn gone(&mut self, leg: LegId) {
        if let Some(call) = self.legs.remove(leg)
            && !self.legs.has(call)
        {
            self.traces.finished(call);
        }
    }

    /// A call that is over before anybody was called.
    pub(super) fn never_placed(&mut self, leg: LegId, ending: Ending, now: Instant) {
        self.trace_refused(leg, &how(&ending, None), now);
        self.tell(leg, Signal::End(ending), now);
    }

    pub(super) fn place(
        &mut self,
        a: LegId,
        profile: Profile,
        placements: Vec<Placement>,
        invite: Invite,
        now: Instant,
    ) {
        let Some(call) = self.legs.call(a) else {
            return;
        };
        let a_leg = self.call_leg(a, profile);
        let mut b_legs = Vec::with_capacity(placements.len());
        let public = format!("c-{}", self.ids.token());
        for Placement { kind, profile } in placements {
            let leg = self.ids.leg();
            let kind = match kind {
                Leg::WsToPlace(invitee) => {
                    self.name_trace(call, Wire::Json, &public);
                    let call = public.clone();
                    Leg::WsToPlace(ws::Invitee { call, ..invitee })
                }
                other => other,
            };
            self.legs.add(leg, call, kind);
            b_legs.push(self.call_leg(leg, profile));
        }
        let placed: Vec<_> = b_legs.iter().map(|leg| leg.id).collect();
        if let Err(full) = self.switchboard.place(call, a_leg, b_legs, invite, now) {
            for leg in placed {
                self.legs.remove(leg);
            }
            let ending = Ending::by_gateway(Cause::Overloaded).because(full.to_string());
            self.never_placed(a, ending, now);
        }
    }

    /// A rendezvous: the first to come waits, the second is connected to it.
    fn joins(&mut self, leg: LegId, word: String, profile: Profile, invite: Invite, now: Instant) {
        if let Some(call) = self.joins.remove(&word) {
            let call_leg = self.call_leg(leg, profile.clone());
            if self.switchboard.join(call, call_leg, &invite.opening, now) {
                return;
            }
            // It waits no more, and is not this one's.
            let id = self.ids.call();
            self.legs.add(leg, id, Leg::Ws);
            self.traces.begin(id, Kind::Call, now);
        }
        let Some(call) = self.legs.call(leg) else {
            return;
        };
        self.place(leg, profile, Vec::new(), invite, now);
        if self.switchboard.has(call) {
            self.joins.insert(word, call);
        }
    }

    /// All connections of a user, called as an account or not, but not the one that calls.
    pub(super) fn placements_of(
        &self,
        user: &str,
        account: Option<&str>,
        calling: Option<ws::SessionId>,
    ) -> Vec<Placement> {
        let sessions = self.ws.sessions_of(user).into_iter();
        sessions
            .filter(|session| Some(*session) != calling && self.ws.may_ring(*session))
            .take(self.config.call.targets_max)
            .map(|session| Placement {
                kind: Leg::WsToPlace(ws::Invitee {
                    session,
                    call: String::new(),
                    account: account.map(str::to_owned),
                }),
                profile: self.ws_profile(session),
            })
            .collect()
    }

    pub(super) fn sip_placement(&self, target: sip::Target) -> Placement {
        let profile = self.sip_profile(target.trunk.as_deref());
        Placement {
            kind: Leg::SipToPlace(Box::new(target)),
            profile,
        }
    }

    /// A client's profile: one that does not trickle is told complete descriptions.
    fn ws_profile(&self, session: ws::SessionId) -> Profile {
        let trickle = match self.ws.trickles(session) {
            true => Trickles::Always,
            false => Trickles::Half(self.gathering()),
        };
        Profile {
            trickle,
            ..Profile::browser()
        }
    }

    fn gathering(&self) -> Gathering {
        Gathering {
            good_after: self.config.call.gather_good,
            max_after: self.config.call.gather_max,
        }
    }

    fn sip_profile(&self, trunk: Option<&str>) -> Profile {
        let gathering = self.gathering();
        let mut fit = sdp::Profile::webrtc();
        if let Some(trunk) = trunk.and_then(|name| self.plan.trunk(name)) {
            fit.codecs.clone_from(&trunk.codecs);
            fit.bytes_max = trunk.description_bytes_max;
            fit.hides_topology = trunk.hide_addresses;
            fit.keeps_associations = trunk.renew_sections;
        }
        Profile::peer(fit, gathering)
    }

    fn call_leg(&mut self, leg: LegId, profile: Profile) -> CallLeg {
        let address = self.sip.public_address();
        let address = address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let (session, version) = (self.ids.below(1 << 62), self.ids.below(1 << 31));
        CallLeg::new(leg, profile, OwnedOrigin::new(session, version, address))
    }

    fn ws_refuse(&mut self, leg: LegId, refused: Refused, now: Instant) {
        let code = code_of(refused);
        let how = format!("refused by the gateway: {} ({refused})", code.name());
        self.trace_refused(leg, &how, now);
        self.ws.refuse(leg, code, &refused.to_string());
    }

    // --- accounts ---

    pub(super) fn add_account(
        &mut self,
        user: String,
        account: String,
        brought: Option<Box<config::Account>>,
        now: Instant,
    ) {
        let known = match brought {
            Some(mut brought) => {
                let Some(trunk) = self.plan.registrar_of(&brought.uri) else {
                    return self.account_failed(&user, &account, "its host is no trunk's");
                };
                brought.trunk.clone_from(&trunk.name);
                self.plan.bring((*brought).clone());
                Some(*brought)
            }
            None => self.plan.known_account(&account).cloned(),
        };
        let Some(known) = known else {
            return self.account_failed(&user, &account, "there is no such account");
        };
        let key = (known.owner.clone(), account.clone());
        if !self.sip.add_account(key, &known, &mut self.ids, now) {
            self.plan.take_back(&known.owner, &account);
            self.account_failed(&user, &account, "its address or trunk cannot be used");
        }
    }

    fn account_failed(&mut self, user: &str, account: &str, why: &str) {
        let (state, why) = (AccountStanding::Failed, Some(why.to_owned()));
        self.ws.account_state(user, account, state, why, None, None);
    }

    pub(super) fn account_state(&mut self, state: AccountState) {
        let AccountState {
            owner,
            account,
            standing,
        } = state;
        let (state, cause, sip, retry) = match standing {
            Standing::Registering => (AccountStanding::Registering, None, None, None),
            Standing::Registered => (AccountStanding::Registered, None, None, None),
            Standing::Unregistered => (AccountStanding::Unregistered, None, None, None),
            Standing::Failed {
                why,
                status,
                retry_after,
            } => {
                tracing::warn!(%owner, %account, %why, "an account could not be registered");
                (
                    AccountStanding::Failed,
                    Some(why),
                    status,
                    Some(retry_after),
                )
            }
        };
        self.ws
            .account_state(&owner, &account, state, cause, sip, retry);
    }
}
