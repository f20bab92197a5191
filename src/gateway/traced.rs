//! What the gateway itself writes into the trace of a call: who calls whom and by which way, how it
//! ended, and calls that were refused before they were any.

use std::time::Instant;

use super::Gateway;
use crate::call::Side;
use crate::call::record::CallRecord;
use crate::call::signal::{By, Ending};
use crate::config::Route;
use crate::id::{CallId, LegId};
use crate::jingle;
use crate::route::{Refused, Target};
use crate::sip;
use crate::trace::store::{End, Kind};
use crate::trace::{Entry, Wire};
use crate::ws;

impl Gateway {
    /// A line of a trace. A leg that has finished may still have something to say.
    pub(super) fn trace(&mut self, entry: Entry) {
        let Some(leg) = entry.leg else { return };
        match (self.legs.call(leg), self.legs.late(leg)) {
            (Some(call), _) => self.traces.add(call, entry),
            (None, Some(call)) => self.traces.add_late(call, entry),
            (None, None) => {} // Too late: nobody knows of which call it was.
        }
    }

    pub(super) fn name_trace(&mut self, call: CallId, wire: Wire, name: &str) {
        self.traces.name(call, wire, name);
    }

    /// The name that the call of a leg has on its wire.
    pub(super) fn name_leg(&mut self, leg: LegId, wire: Wire, name: &str) {
        if let Some(call) = self.legs.call(leg) {
            self.traces.name(call, wire, name);
        }
    }

    /// The call is over.
    pub(super) fn trace_ended(&mut self, record: &CallRecord) {
        let end = End {
            at: record.ended_at,
            answered_at: record.answered_at,
            how: how(&record.ending, record.side),
        };
        let legs_have_finished = !self.legs.has(record.call);
        self.traces.ended(record.call, end, legs_have_finished);
    }

    /// The call of this leg ended before anybody was called.
    pub(super) fn trace_refused(&mut self, leg: LegId, how: &str, now: Instant) {
        if let Some(call) = self.legs.call(leg) {
            self.traces.refused(call);
            self.traces.ended(call, ended(how, now), true);
        }
    }

    /// A client's request for a call was refused before it was routed.
    pub(super) fn ws_refused(&mut self, refused: &ws::Refused, now: Instant) {
        let ws::Refused {
            leg,
            user,
            to,
            name,
            code,
            message,
        } = refused;
        let call = self.ids.call();
        self.legs.add_late(*leg, call);
        self.traces.begin(call, Kind::Refused, now);
        self.traces.name(call, Wire::Json, name);
        self.traces.about(call, &format!("{user} called {to}"));
        let how = format!("refused by the gateway: {} ({message})", code.name());
        self.traces.ended(call, ended(&how, now), true);
    }

    /// A peer's INVITE was refused before it was a call.
    pub(super) fn sip_refused(&mut self, refused: &sip::Refused, now: Instant) {
        let sip::Refused {
            leg,
            caller,
            from,
            to,
            name,
            status,
            reason,
        } = refused;
        let call = self.ids.call();
        self.legs.add_late(*leg, call);
        let (kind, door) = match caller {
            Some(caller) => (Kind::Refused, door(caller)),
            None => (Kind::Stranger, "an address that is not known".to_owned()),
        };
        self.traces.begin(call, kind, now);
        self.traces.name(call, Wire::Sip, name);
        self.traces
            .about(call, &format!("{from} called {to} from {door}"));
        let how = format!("refused by the gateway: {status} {reason}");
        self.traces.ended(call, ended(&how, now), true);
    }
}

impl Gateway {
    /// A chat user's call was refused before it was one.
    pub(super) fn jingle_refused(&mut self, refused: &jingle::agent::Refused, now: Instant) {
        let jingle::agent::Refused {
            leg,
            from,
            to,
            name,
            why,
            is_stranger,
        } = refused;
        let call = self.ids.call();
        self.legs.add_late(*leg, call);
        let kind = match is_stranger {
            true => Kind::Stranger,
            false => Kind::Refused,
        };
        self.traces.begin(call, kind, now);
        self.traces.name(call, Wire::Xmpp, name);
        self.traces.about(call, &format!("{from} called {to}"));
        let how = format!("refused by the gateway: {why}");
        self.traces.ended(call, ended(&how, now), true);
    }
}

fn ended(how: &str, now: Instant) -> End {
    End {
        at: now,
        answered_at: None,
        how: how.to_owned(),
    }
}

/// By which door a phone's call came in.
pub(super) fn door(caller: &sip::Incoming) -> String {
    match (&caller.account, &caller.trunk) {
        (Some((owner, account)), _) => format!("account {owner}/{account}"),
        (None, Some(trunk)) => format!("trunk {trunk}"),
        (None, None) => "nowhere".to_owned(),
    }
}

/// The way that the dial plan found for a client's call.
pub(super) fn way(line: Option<&Route>, target: &Result<Target, Refused>) -> String {
    let line = line.map_or_else(String::new, |line| {
        format!("route \"{}\" to {}, ", line.pattern, line.to)
    });
    let target = match target {
        Ok(Target::User(user)) => format!("user {user}"),
        Ok(Target::Join(word)) => format!("a meeting at the word {word}"),
        Ok(Target::Trunk {
            trunk,
            uri,
            account,
        }) => {
            let account = account.as_ref().map_or_else(String::new, |(owner, name)| {
                format!(" as account {owner}/{name}")
            });
            format!("{uri} by trunk {trunk}{account}")
        }
        Ok(Target::Chat { via, jid }) => format!("{jid} by {via}"),
        Ok(Target::Reject(cause)) => format!("rejected with {cause}"),
        Err(refused) => refused.to_string(),
    };
    format!("{line}{target}")
}

/// Why a call ended, and by whom.
pub(super) fn how(ending: &Ending, side: Option<Side>) -> String {
    let by = match (ending.by, side) {
        (By::Peer, Some(Side::A)) => "by the caller",
        (By::Peer, Some(Side::B)) => "by the callee",
        (By::Gateway, Some(Side::A)) => "by the gateway, for the caller's side",
        (By::Gateway, Some(Side::B)) => "by the gateway, for the callee's side",
        (By::Peer | By::Gateway, None) => "by the gateway",
    };
    let mut text = format!("{}, {by}", ending.cause);
    if let Some((status, reason)) = &ending.status {
        text += &format!(": {status} {reason}");
    }
    if let Some(detail) = &ending.detail {
        text += &format!(" ({detail})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::cause::Cause;

    #[test]
    fn end_says_why_and_on_which_side() {
        let busy = Ending {
            status: Some((486, "Busy Here".into())),
            ..Ending::by_peer(Cause::Busy)
        };
        let told = how(&busy, Some(Side::B));
        assert_eq!(told, "busy, by the callee: 486 Busy Here");
        let silent = Ending::by_gateway(Cause::Unreachable).because("no response");
        let told = how(&silent, Some(Side::B));
        assert_eq!(
            told,
            "unreachable, by the gateway, for the callee's side (no response)"
        );
        let late = Ending::by_gateway(Cause::NoAnswer);
        assert_eq!(how(&late, None), "no_answer, by the gateway");
    }
}
