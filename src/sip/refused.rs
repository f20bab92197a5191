//! INVITEs that begin no call: answered as they deserve, and kept in a trace of their own, so that
//! whoever looks for the Call-ID finds why there was no call.

use std::time::Instant;

use super::agent::{Agent, Door, Event, Incoming};
use super::flow::Flow;
use super::message::{Message, Request, Response};
use super::name::Method;
use super::transaction::TransactionId;
use crate::id::{LegId, Source};

/// An INVITE that was refused, for the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The leg that it would have had.
    pub leg: LegId,
    /// By which door it came in; strangers have none.
    pub caller: Option<Incoming>,
    /// The URI of From.
    pub from: String,
    /// The Request-URI.
    pub to: String,
    /// The Call-ID.
    pub name: String,
    /// The status of the response.
    pub status: u16,
    /// Its reason phrase.
    pub reason: String,
}

impl Agent {
    /// Answers a request that is of no leg. What would have begun a call leaves a trace, except
    /// while there is too much to do.
    pub(super) fn refuse(
        &mut self,
        id: TransactionId,
        request: Request,
        response: Response,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        // While there is too much to do, what is refused for it has to cost next to nothing.
        if begins_call(&request) && self.door != Door::Shedding {
            let leg = self.refused(request, &response, flow, ids, now);
            // The response, and what it is sent again for, is traced by it.
            self.serving.insert(id, leg);
        }
        self.answer(id, response, ids, now);
    }

    /// The trace of an INVITE that is refused.
    pub(super) fn refused(
        &mut self,
        request: Request,
        response: &Response,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) -> LegId {
        let leg = ids.leg();
        let from = request.headers.from();
        self.events.push_back(Event::Refused(Refused {
            leg,
            caller: self.caller(&request, flow),
            from: from.map_or_else(String::new, |from| from.uri.to_string()),
            to: request.uri.to_string(),
            name: request.headers.call_id().to_owned(),
            status: response.status,
            reason: response.reason.clone(),
        }));
        let came = self.received(flow, &Message::Request(request));
        self.record(leg, came, now);
        leg
    }
}

/// Whether this INVITE is of no dialog.
pub(super) fn begins_call(request: &Request) -> bool {
    request.method == Method::Invite && request.headers.to_tag().is_none()
}
