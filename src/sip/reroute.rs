//! What goes another way because its stream is gone: the CANCEL and the BYE that end something,
//! and responses (RFC 3261 §9.1, §18.2.2).
//!
//! A stream is gone when it is closed, and also when nothing was heard on it for as long as a
//! transaction waits, while we asked something: then there is nobody at its other end any more.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::agent::{Agent, Event};
use super::flow::Flow;
use super::header::Via;
use super::leg::Purpose;
use super::message::{Message, Request};
use super::name::Method;
use super::outbound::{Phase, Sent, Who};
use super::text::{Parsed, parse};
use crate::config::Transport;
use crate::id::{LegId, Source};

impl Agent {
    /// A request had no response: its stream is closed if nothing else was heard there either.
    pub(super) fn give_up_silent(&mut self, flow: Flow, ids: &mut Source, now: Instant) {
        let Flow::Stream(stream) = flow else { return };
        let patience = self.transactions.timers().patience();
        if self.streams.is_silent(stream, patience, now) {
            tracing::info!(stream, "a stream was closed: nothing is heard on it");
            self.events.push_back(Event::CloseStream { stream });
            self.stream_gone(stream, "nothing is heard on the connection", ids, now);
        }
    }

    /// The stream of an INVITE is gone while it rings. Whether anybody still knows of the call
    /// there is unknown, and many PBXes drop it (Asterisk does): it is over, and what may ring on
    /// is cancelled over another stream. A 2xx that comes all the same finds its transaction, and
    /// gets ACK and BYE.
    pub(super) fn stop_ringing(&mut self, flow: Flow, why: &str, ids: &mut Source, now: Instant) {
        let of_flow = self.transactions.on_stream(flow).into_iter();
        let ringing = of_flow.filter_map(|id| self.sent.get(&id));
        let ringing = ringing.filter(|sent| sent.phase == Phase::Proceeding);
        let legs: Vec<_> = ringing
            .filter_map(|sent| match sent.who {
                Who::Leg(leg, Purpose::Invite) => Some(leg),
                // A re-INVITE has the call's own time for an answer, and may get it elsewhere.
                Who::Leg(..)
                | Who::Ack(_)
                | Who::Registration(_)
                | Who::Health(_)
                | Who::Page(_) => None,
            })
            .collect();
        for leg in legs {
            self.cancel(leg, Purpose::Invite, None, ids, now);
            self.no_response_to(Who::Leg(leg, Purpose::Invite), why, ids, now);
        }
    }

    /// What ends a call must get through: a BYE or CANCEL whose stream is gone is sent once more,
    /// over another. Returns whether it was.
    pub(super) fn end_again(&mut self, sent: &Sent, ids: &mut Source, now: Instant) -> bool {
        let Who::Leg(leg, _) = sent.who else {
            return false;
        };
        let ends = matches!(sent.request.method, Method::Bye | Method::Cancel);
        // One that has gone another way already is not sent a third time.
        let first = sent.way.flow == Some(sent.flow);
        if !ends || !first || !self.is_gone(sent.flow) {
            return false;
        }
        self.note(&sent.who, now, || {
            format!("the {} is sent over a new connection", sent.request.method)
        });
        self.send_elsewhere(leg, sent.who.clone(), (*sent.request).clone(), ids, now);
        true
    }

    /// Sends a request of a leg by the transport that its Via names, but not over the stream of the
    /// call.
    pub(super) fn send_elsewhere(
        &mut self,
        leg: LegId,
        who: Who,
        request: Request,
        ids: &mut Source,
        now: Instant,
    ) {
        let (hop, mut way) = self.hop_of(leg, &request);
        way.flow = None;
        way.transport = request.headers.via().and_then(|via| transport(&via));
        self.send(who, request, &hop, way, ids, now);
    }

    /// Whether a flow is a stream that is not there any more.
    pub(super) fn is_gone(&self, flow: Flow) -> bool {
        matches!(flow, Flow::Stream(stream) if self.streams.get(stream).is_none())
    }

    /// A response whose stream is gone opens one to where the request says that it came from
    /// (RFC 3261 §18.2.2). Over TLS nobody could prove who is there: such a response is lost.
    ///
    /// # Errors
    /// Why it is lost.
    pub(super) fn respond_elsewhere(
        &mut self,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Result<(), &'static str> {
        let Ok(Parsed::Message(Message::Response(response))) = parse(&bytes, &self.settings.limits)
        else {
            return Ok(()); // A request's: its transaction was told.
        };
        let via = response.headers.via();
        let via = via.filter(|via| transport(via) == Some(Transport::Tcp));
        let Some(remote) = via.as_ref().and_then(sender) else {
            tracing::info!("a response is lost with its stream");
            return Err("its connection is gone, and its Via leads to no other");
        };
        let found = self.streams.find(Transport::Tcp, remote, None);
        if let Some((stream, true)) = found {
            let flow = Flow::Stream(stream);
            self.events.push_back(Event::Transmit { flow, bytes });
            return Ok(());
        }
        let (stream, is_new) = match found {
            Some((stream, _)) => (stream, false),
            None => match self.streams.connect(Transport::Tcp, remote, None, now) {
                Some(stream) => (stream, true),
                None => {
                    self.counts.streams_refused += 1;
                    return Err("there are too many streams");
                }
            },
        };
        let max = self.settings.outbound_max;
        let has_room = self.outbound.respond_later(stream, bytes, max);
        self.counts.outbound_refused += u64::from(!has_room);
        if is_new {
            let from = self.address_towards(Transport::Tcp, remote);
            self.events.push_back(Event::Connect {
                stream,
                from,
                remote,
                tls: None,
            });
        }
        match has_room {
            true => Ok(()),
            false => Err("too many responses wait for a connection"),
        }
    }
}

/// The transport of a stream that a Via names.
fn transport(via: &Via) -> Option<Transport> {
    match via.transport.as_str() {
        "TCP" => Some(Transport::Tcp),
        "TLS" => Some(Transport::Tls),
        _ => None,
    }
}

/// Where the sender of a request listens: the address that it came from and the port of sent-by,
/// not the one that its stream came from.
fn sender(via: &Via) -> Option<SocketAddr> {
    let host = via.parameter("received").unwrap_or(&via.host);
    let ip: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
    Some(SocketAddr::new(ip, via.port.unwrap_or(5060)))
}
