//! Which leg speaks which protocol, which call it is of, and which is still to be placed.

use std::collections::BTreeMap;

use crate::ask::AskId;
use crate::id::{CallId, LegId};
use crate::sip;
use crate::ws;

/// The wire of a leg, and what is known before its first message.
#[derive(Debug)]
pub(super) enum Leg {
    /// A client's.
    Ws,
    /// A phone's.
    Sip,
    /// A client that is to be invited once the offer is ready.
    WsToPlace(ws::Invitee),
    /// A phone that is to be invited once the offer is ready.
    SipToPlace(Box<sip::Target>),
}

/// All legs that an agent still has.
#[derive(Debug, Default)]
pub(super) struct Legs {
    legs: BTreeMap<LegId, (CallId, Leg)>,
}

impl Legs {
    /// Adds a leg of a call.
    pub(super) fn add(&mut self, leg: LegId, call: CallId, kind: Leg) {
        self.legs.insert(leg, (call, kind));
    }

    /// The call a leg is or was of.
    #[must_use]
    pub(super) fn call(&self, leg: LegId) -> Option<CallId> {
        self.legs.get(&leg).map(|(call, _)| *call)
    }

    /// The wire of a leg.
    #[must_use]
    pub(super) fn get(&self, leg: LegId) -> Option<&Leg> {
        self.legs.get(&leg).map(|(_, kind)| kind)
    }

    /// A leg that was to be placed is now. Returns what it was.
    pub(super) fn placed(&mut self, leg: LegId) -> Option<Leg> {
        let (_, kind) = self.legs.get_mut(&leg)?;
        let now = match kind {
            Leg::Ws | Leg::WsToPlace(..) => Leg::Ws,
            Leg::Sip | Leg::SipToPlace(_) => Leg::Sip,
        };
        Some(std::mem::replace(kind, now))
    }

    /// Forgets a leg.
    pub(super) fn remove(&mut self, leg: LegId) -> Option<CallId> {
        self.legs.remove(&leg).map(|(call, _)| call)
    }

    /// How many legs of each wire there are: clients', phones'.
    #[must_use]
    pub(super) fn count(&self) -> (usize, usize) {
        let ws = |kind: &Leg| matches!(kind, Leg::Ws | Leg::WsToPlace(..));
        let clients = self.legs.values().filter(|(_, kind)| ws(kind)).count();
        (clients, self.legs.len() - clients)
    }

    /// Whether none is left.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }
}

/// All agents number their questions from 1; outside, those of the clients' side carry this bit.
const WS_BIT: u64 = 1 << 63;

/// And those of the streams to chat servers this one.
const XMPP_BIT: u64 = 1 << 62;

/// The number outside of a question of the clients' side.
#[must_use]
pub(super) fn of_ws(id: AskId) -> AskId {
    AskId(id.0 | WS_BIT)
}

/// The number outside of a question of the streams to chat servers.
#[must_use]
pub(super) fn of_xmpp(id: AskId) -> AskId {
    AskId(id.0 | XMPP_BIT)
}

/// Whether an answer is for the clients' side.
#[must_use]
pub(super) fn is_of_ws(id: AskId) -> bool {
    id.0 & WS_BIT != 0
}

/// Whether an answer is for the streams to chat servers.
#[must_use]
pub(super) fn is_of_xmpp(id: AskId) -> bool {
    id.0 & XMPP_BIT != 0
}

/// The number inside.
#[must_use]
pub(super) fn inside(id: AskId) -> AskId {
    AskId(id.0 & !(WS_BIT | XMPP_BIT))
}
