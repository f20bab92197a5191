//! What arrives: datagrams, streams and what they hold, keep-alives between (RFC 3261 §18,
//! RFC 5626 §3.5.1).

use std::net::SocketAddr;
use std::time::Instant;

use super::agent::{Agent, Event};
use super::flow::Flow;
use super::framing::Frame;
use super::matching::{back, note_source};
use super::message::{Message, Request, Response};
use super::name::{Method, Name};
use super::refused::begins_call;
use super::text::{Parsed, parse};
use crate::config::Transport;
use crate::id::Source;

impl Agent {
    /// A datagram, or one message of a stream.
    pub fn datagram(&mut self, flow: Flow, bytes: &[u8], ids: &mut Source, now: Instant) {
        self.message(flow, bytes, ids, now);
        self.pump(ids, now);
    }

    fn message(&mut self, flow: Flow, bytes: &[u8], ids: &mut Source, now: Instant) {
        // RFC 5626 §3.5.1 and practice: keep-alives are no messages.
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return;
        }
        match parse(bytes, &self.settings.limits) {
            Ok(Parsed::Message(mut message)) => {
                if let Message::Request(request) = &mut message {
                    self.note_stream(request, flow);
                }
                self.parsed(message, flow, ids, now);
            }
            Ok(Parsed::Answerable(mut request, status, fault)) => {
                self.note_stream(&mut request, flow);
                self.counts.malformed += 1;
                let source = self.source_of(flow);
                let is_known = self.caller(&request, flow).is_some();
                if !is_known && !source.is_some_and(|source| self.strangers.is_told(source, now)) {
                    return;
                }
                tracing::info!(?flow, %fault, "a request breaks a rule: answered with {status}");
                let phrase = match status {
                    505 => "Version Not Supported",
                    513 => "Message Too Large",
                    _ => "Bad Request",
                };
                self.respond_statelessly(*request, status, phrase, flow, ids, now);
            }
            Err(fault) => {
                self.counts.unreadable += 1;
                tracing::debug!(?flow, %fault, "a message was dropped");
            }
        }
    }

    /// Notes in its Via from where a request came over a stream: should that break, the response
    /// goes there (RFC 3261 §18.2.1, §18.2.2).
    fn note_stream(&self, request: &mut Request, flow: Flow) {
        if let Flow::Stream(_) = flow
            && let (_, Some(remote)) = self.way_of(flow)
        {
            note_source(
                request,
                SocketAddr::new(remote.ip().to_canonical(), remote.port()),
            );
        }
    }

    fn parsed(&mut self, message: Message, flow: Flow, ids: &mut Source, now: Instant) {
        // Only where there is no room is a copy kept, to say so.
        let refused = match &message {
            Message::Request(request) if !self.transactions.has_room() => Some(request.clone()),
            Message::Request(_) | Message::Response(_) => None,
        };
        if self.transactions.receive(message, flow, now).is_err() {
            self.counts.transactions_refused += 1;
            if let Some(request) = refused {
                self.respond_statelessly(request, 503, "Service Unavailable", flow, ids, now);
            }
        }
        self.pump(ids, now);
    }

    /// Answers without a transaction (RFC 3261 §8.2.7). An ACK has no answer.
    fn respond_statelessly(
        &mut self,
        mut request: Request,
        status: u16,
        phrase: &str,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        if request.method == Method::Ack {
            return;
        }
        let (came_by, flow) = (flow, back(&mut request, flow));
        let tag = stateless_tag(&request);
        let mut response = Response::to(&request, status, phrase, Some(&tag));
        if status == 503 {
            response = response.with(Name::RetryAfter, "5");
        }
        let bytes = response.to_bytes();
        if begins_call(&request) {
            let leg = self.refused(request, &response, came_by, ids, now);
            self.trace_sent(Some(leg), flow, &bytes, false, now);
        }
        self.events.push_back(Event::Transmit { flow, bytes });
    }

    /// Somebody connected to a listener.
    pub fn stream_accepted(&mut self, stream: u64, local: u16, remote: SocketAddr, now: Instant) {
        let transport = self.listeners.get(usize::from(local)).map(|l| l.transport);
        let transport = transport.unwrap_or(Transport::Tcp);
        // A trunk may open one for each call.
        let is_trunk = self.trunks.iter().any(|t| t.is_source(remote.ip()));
        let most = match is_trunk {
            true => usize::MAX,
            false => self.settings.streams_per_address,
        };
        if !self.streams.accepted(stream, transport, remote, most, now) {
            self.counts.streams_refused += 1;
            self.events.push_back(Event::CloseStream { stream });
        }
        self.wind_clock(now);
    }

    /// A stream is open.
    pub fn stream_opened(&mut self, stream: u64, ids: &mut Source, now: Instant) {
        self.streams.opened(stream, now);
        self.stream_ready(stream, ids, now);
        self.pump(ids, now);
    }

    /// Bytes of a stream.
    pub fn stream_bytes(&mut self, stream: u64, bytes: &[u8], ids: &mut Source, now: Instant) {
        let flow = Flow::Stream(stream);
        if let Some(known) = self.streams.get_mut(stream) {
            known.heard_at = now;
            known.framer.push(bytes);
        }
        // The stream may be closed by what a message of it leads to.
        while let Some(known) = self.streams.get_mut(stream) {
            match known.framer.next_frame() {
                Ok(None) => break,
                Ok(Some(Frame::Pong)) => {}
                Ok(Some(Frame::Ping)) => {
                    // RFC 5626 §3.5.1: one CRLF back.
                    let bytes = b"\r\n".to_vec();
                    self.events.push_back(Event::Transmit { flow, bytes });
                }
                Ok(Some(Frame::Message(bytes))) => {
                    known.used_at = now;
                    self.message(flow, &bytes, ids, now);
                }
                Err(fault) => {
                    self.counts.unreadable += 1;
                    tracing::info!(stream, %fault, "a stream was closed");
                    self.events.push_back(Event::CloseStream { stream });
                    self.stream_gone(stream, "it sent what is no SIP", ids, now);
                    break;
                }
            }
        }
        self.pump(ids, now);
    }

    /// A stream is gone.
    pub fn stream_closed(&mut self, stream: u64, ids: &mut Source, now: Instant) {
        self.stream_gone(stream, "the connection was closed", ids, now);
        self.pump(ids, now);
    }

    /// A stream could not be opened.
    pub fn stream_failed(&mut self, stream: u64, why: &str, ids: &mut Source, now: Instant) {
        self.stream_gone(stream, why, ids, now);
        self.pump(ids, now);
    }

    pub(super) fn stream_gone(&mut self, stream: u64, why: &str, ids: &mut Source, now: Instant) {
        if self.streams.remove(stream).is_some() {
            self.stream_refused(stream, why, ids, now);
            self.transactions.flow_broke(Flow::Stream(stream));
            self.stop_ringing(Flow::Stream(stream), why, ids, now);
            self.registrations.flow_lost(Flow::Stream(stream), ids, now);
        }
    }
}

/// A To tag that is the same for every retransmission of a request (RFC 3261 §8.2.7): FNV-1a over
/// what a retransmission repeats.
fn stateless_tag(request: &Request) -> String {
    let parts = [
        request.headers.get(&Name::Via).unwrap_or_default(),
        request.headers.call_id(),
        request.headers.get(&Name::CSeq).unwrap_or_default(),
    ];
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}
