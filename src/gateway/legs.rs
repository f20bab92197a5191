//! Which leg speaks which protocol, which call it is of, and which is still to be placed.

use std::collections::BTreeMap;

use crate::ask::AskId;
use crate::id::{CallId, LegId};
use crate::jingle;
use crate::sip;
use crate::ws;

/// The wire of a leg, and what is known before its first message.
#[derive(Debug)]
pub(super) enum Leg {
    /// A client's.
    Ws,
    /// A phone's.
    Sip,
    /// A chat user's.
    Jingle,
    /// A client that is to be invited once the offer is ready.
    WsToPlace(ws::Invitee),
    /// A phone that is to be invited once the offer is ready.
    SipToPlace(Box<sip::Target>),
    /// A chat user who is to be invited once the offer is ready.
    JingleToPlace(Box<jingle::agent::Target>),
}

/// All legs that an agent still has, and of which call the last were that it had.
#[derive(Debug, Default)]
pub(super) struct Legs {
    legs: BTreeMap<LegId, (CallId, Leg)>,
    /// How many legs a call has.
    of_call: BTreeMap<CallId, usize>,
    late: BTreeMap<LegId, CallId>,
}

/// Finished legs that are remembered: transactions go on behind them for half a minute.
const LATE_MAX: usize = 4096;

impl Legs {
    /// Adds a leg of a call.
    pub(super) fn add(&mut self, leg: LegId, call: CallId, kind: Leg) {
        if let Some((before, _)) = self.legs.insert(leg, (call, kind)) {
            self.less(before);
        }
        *self.of_call.entry(call).or_default() += 1;
    }

    /// A leg that never was, or is no more: what still passes of it belongs to this call.
    pub(super) fn add_late(&mut self, leg: LegId, call: CallId) {
        self.late.insert(leg, call);
        if self.late.len() > LATE_MAX {
            self.late.pop_first();
        }
    }

    /// The call that a leg was of, some time after it has finished.
    #[must_use]
    pub(super) fn late(&self, leg: LegId) -> Option<CallId> {
        self.late.get(&leg).copied()
    }

    /// Whether a call has legs.
    #[must_use]
    pub(super) fn has(&self, call: CallId) -> bool {
        self.of_call.contains_key(&call)
    }

    fn less(&mut self, call: CallId) {
        if let Some(count) = self.of_call.get_mut(&call) {
            *count -= 1;
            if *count == 0 {
                self.of_call.remove(&call);
            }
        }
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
            Leg::Jingle | Leg::JingleToPlace(_) => Leg::Jingle,
        };
        Some(std::mem::replace(kind, now))
    }

    /// Forgets a leg.
    pub(super) fn remove(&mut self, leg: LegId) -> Option<CallId> {
        let (call, _) = self.legs.remove(&leg)?;
        self.less(call);
        self.add_late(leg, call);
        Some(call)
    }

    /// How many legs of each wire there are: clients', phones', chat users'.
    #[must_use]
    pub(super) fn count(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for (_, kind) in self.legs.values() {
            let place = match kind {
                Leg::Ws | Leg::WsToPlace(..) => 0,
                Leg::Sip | Leg::SipToPlace(_) => 1,
                Leg::Jingle | Leg::JingleToPlace(_) => 2,
            };
            counts[place] += 1;
        }
        counts
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_leg_of_a_call_is_known_and_remembered_for_a_while() {
        let mut legs = Legs::default();
        for (leg, call) in [(1, 7), (2, 7), (2, 8)] {
            legs.add(LegId(leg), CallId(call), Leg::Ws);
        }
        legs.remove(LegId(1));
        assert!(!legs.has(CallId(7)) && legs.has(CallId(8)));
        legs.remove(LegId(2));
        assert!(!legs.has(CallId(8)) && legs.is_empty());
        assert_eq!(legs.late(LegId(2)), Some(CallId(8)));
        for leg in 3..6000 {
            legs.add_late(LegId(leg), CallId(9));
        }
        assert_eq!((legs.late(LegId(2)), legs.late.len()), (None, LATE_MAX));
    }
}
