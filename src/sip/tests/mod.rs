//! The agent against peers made of text, under a clock that stands still until it is told to go on.

mod doors;
mod faults;
mod incoming;
mod inside;
mod outgoing;
mod paging;
mod registering;
mod traces;
mod transports;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::agent::{Agent, Call, Event, Target};
use super::flow::Flow;
use super::message::{Headers, Message, Response};
use super::name::{Method, Name};
use super::text::{Limits, Parsed, parse};
use super::uri::Uri;
use crate::address::Address;
use crate::call::signal::{Caller, Invite, Opening, Signal};
use crate::config::{Account, Config, Secret, Trunk};
use crate::id::{LegId, Source};
use crate::sdp::{self, SessionDescription};
use crate::trace::{Entry, What};

pub(super) const PBX: &str = "192.0.2.9:5060";

const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n\
    m=audio 40000 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 192.0.2.9\r\na=mid:0\r\na=rtcp-mux\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:active\r\n\
    a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:\
    10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=rtpmap:0 PCMU/8000\r\n";

pub(super) fn answer_text() -> String {
    ANSWER.to_owned()
}

pub(super) fn offer_text() -> String {
    ANSWER.replace("setup:active", "setup:actpass")
}

pub(super) fn description(text: &str) -> SessionDescription {
    SessionDescription::parse(text, &sdp::Limits::default()).unwrap()
}

/// A message that the agent sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub flow: Flow,
    pub message: Message,
}

impl Sent {
    pub(super) fn headers(&self) -> &Headers {
        self.message.headers()
    }

    /// `INVITE` or `200`.
    pub(super) fn what(&self) -> String {
        match &self.message {
            Message::Request(request) => request.method.to_string(),
            Message::Response(response) => response.status.to_string(),
        }
    }

    pub(super) fn header(&self, name: &Name) -> &str {
        self.headers().get(name).unwrap_or("")
    }

    pub(super) fn body(&self) -> &[u8] {
        match &self.message {
            Message::Request(request) => &request.body,
            Message::Response(response) => &response.body,
        }
    }
}

/// The agent and what came out of it.
pub(super) struct Bench {
    pub agent: Agent,
    pub ids: Source,
    pub now: Instant,
    wire: VecDeque<Sent>,
    pub signals: Vec<String>,
    pub said: Vec<Signal>,
    pub calls: VecDeque<Call>,
    pub others: VecDeque<Event>,
    pub notes: Vec<String>,
    pub gone: Vec<LegId>,
    trace: Vec<Entry>,
}

pub(super) fn config() -> Config {
    let mut config = Config::default();
    config.sip.listen = vec![
        "udp:192.0.2.1:5060".parse().unwrap(),
        "tcp:192.0.2.1:5060".parse().unwrap(),
    ];
    config.sip.udp_max_bytes = 10_000;
    config.trunk = vec![Trunk {
        name: "pbx".into(),
        uri: format!("sip:{PBX}"),
        health: Duration::ZERO,
        user: Some("crosspoint".into()),
        password: Some(Secret::new("secret")),
        headers: vec![
            "x-ticket".into(),
            "Route".into(),
            "X-Evil".into(),
            "r".into(),
        ],
        ..Trunk::default()
    }];
    config
}

pub(super) fn account() -> Account {
    Account {
        name: "desk".into(),
        uri: "sip:1001@pbx.example".into(),
        password: Secret::new("secret"),
        trunk: "pbx".into(),
        owner: "alice".into(),
        ..Account::default()
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(&config())
    }

    pub(super) fn with(config: &Config) -> Self {
        let now = Instant::now();
        let bound: Vec<SocketAddr> = config.sip.listen.iter().map(|l| l.address).collect();
        Self {
            agent: Agent::new(config, &bound, now),
            ids: Source::from_number(7),
            now,
            wire: VecDeque::new(),
            signals: Vec::new(),
            said: Vec::new(),
            calls: VecDeque::new(),
            others: VecDeque::new(),
            notes: Vec::new(),
            gone: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// The lines of a leg's trace: `>` to us, `<` from us.
    pub(super) fn traced_of(&mut self, leg: LegId) -> Vec<String> {
        let line = |what: &What| match what {
            What::Received(message) => format!("> {}", message.summary),
            What::Sent(message) => format!("< {}", message.summary),
            What::Note(text) => format!("# {text}"),
        };
        self.of_leg(leg).map(|entry| line(&entry.what)).collect()
    }

    fn of_leg(&mut self, leg: LegId) -> impl Iterator<Item = &Entry> {
        self.drain();
        self.trace
            .iter()
            .filter(move |entry| entry.leg == Some(leg))
    }

    fn drain(&mut self) {
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::Transmit { flow, bytes } if bytes.starts_with(b"\r\n") => {
                    self.others.push_back(Event::Transmit { flow, bytes });
                }
                Event::Transmit { flow, bytes } => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    match parse(&bytes, &Limits::default()) {
                        Ok(Parsed::Message(message)) => self.wire.push_back(Sent { flow, message }),
                        other => panic!("the agent sent what cannot be read: {other:?}\n{text}"),
                    }
                }
                Event::Signal { signal, .. } => {
                    self.signals.push(name_of(&signal));
                    self.said.push(signal);
                }
                Event::Call(call) => self.calls.push_back(call),
                Event::Trace(entry) => {
                    if let What::Note(text) = &entry.what {
                        self.notes.push(text.clone());
                    }
                    self.trace.push(entry);
                }
                Event::Gone { leg } => self.gone.push(leg),
                event => self.others.push_back(event),
            }
        }
    }

    /// The next message that went out.
    pub(super) fn sent(&mut self) -> Sent {
        self.drain();
        self.wire.pop_front().expect("a message was sent")
    }

    /// The next message that went out, which is this one.
    pub(super) fn expect(&mut self, what: &str) -> Sent {
        let sent = self.sent();
        assert_eq!(sent.what(), what, "{:#?}", sent.message);
        sent
    }

    pub(super) fn expect_silence(&mut self) {
        self.drain();
        let sent: Vec<_> = self.wire.iter().map(Sent::what).collect();
        assert!(sent.is_empty(), "{sent:?}");
    }

    /// What the middle was told since it was last asked.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.drain();
        std::mem::take(&mut self.signals)
    }

    pub(super) fn forget_sent(&mut self) {
        self.drain();
        self.wire.clear();
    }

    pub(super) fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        while let Some((at, _)) = self.agent.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = at.max(self.now);
            self.agent.handle_timeout(&mut self.ids, self.now);
        }
        self.now = until;
        self.drain();
    }

    pub(super) fn seconds(&mut self, count: u64) {
        self.advance(Duration::from_secs(count));
    }

    pub(super) fn apply(&mut self, leg: LegId, signal: Signal) {
        self.agent.apply(leg, signal, &mut self.ids, self.now);
    }

    /// A message of the PBX over UDP.
    pub(super) fn receive(&mut self, text: &str) {
        self.receive_from(PBX, text);
    }

    pub(super) fn receive_from(&mut self, remote: &str, text: &str) {
        let (local, remote) = (0, remote.parse().unwrap());
        self.receive_by(Flow::Udp { local, remote }, text);
    }

    pub(super) fn receive_by(&mut self, flow: Flow, text: &str) {
        self.agent
            .datagram(flow, text.as_bytes(), &mut self.ids, self.now);
    }

    /// The PBX answers a request of the agent.
    pub(super) fn reply(&mut self, to: &Sent, status: u16, tag: &str, more: &[&str], body: &str) {
        let text = response(to, status, tag, more, body);
        self.receive_by(to.flow, &text);
    }

    /// A call to 600 at the PBX.
    pub(super) fn call(&mut self) -> (LegId, Sent) {
        let leg = self.call_with(Some(description(&offer_text())));
        (leg, self.expect("INVITE"))
    }

    pub(super) fn call_with(&mut self, offer: Option<SessionDescription>) -> LegId {
        self.call_to("sip:600@192.0.2.9:5060", None, offer)
    }

    pub(super) fn call_to(
        &mut self,
        uri: &str,
        account: Option<(String, String)>,
        offer: Option<SessionDescription>,
    ) -> LegId {
        self.invite(uri, account, offer.into())
    }

    pub(super) fn invite(
        &mut self,
        uri: &str,
        account: Option<(String, String)>,
        opening: Opening,
    ) -> LegId {
        let leg = self.ids.leg();
        let target = Target {
            uri: Uri::parse(uri).unwrap(),
            trunk: Some("pbx".into()),
            account,
            user: "alice".into(),
            display_name: None,
        };
        self.agent.place(leg, target, &mut self.ids);
        let invite = Invite {
            from: Caller::default(),
            to: Address::Dialled("600".into()),
            opening,
            headers: vec![
                ("X-Ticket".into(), "7".into()),
                ("Route".into(), "<sip:evil.example;lr>".into()),
                ("X-Evil".into(), "1\r\nRoute: <sip:evil.example>".into()),
                ("Diversion".into(), "<sip:ceo@pbx.example>".into()),
                ("b".into(), "<sip:ceo@pbx.example>".into()),
            ],
        };
        self.apply(leg, Signal::Invite(Box::new(invite)));
        leg
    }

    /// A call that the PBX has answered.
    pub(super) fn established(&mut self) -> (LegId, Sent) {
        let (leg, invite) = self.call();
        self.reply(
            &invite,
            200,
            "p",
            &["Contact: <sip:600@192.0.2.9:5060>"],
            ANSWER,
        );
        self.expect("ACK");
        assert_eq!(self.told(), ["Accept"]);
        (leg, invite)
    }

    /// A call of the PBX that was answered and acknowledged.
    pub(super) fn taken(&mut self) -> (LegId, Sent) {
        self.receive(&invite_text("1", "i1", &offer_text()));
        self.drain();
        let leg = self.calls.pop_front().expect("a call").leg;
        self.apply(leg, Signal::Accept(Some(description(ANSWER))));
        self.expect("100");
        let ok = self.expect("200");
        self.receive(&inside(&ok, "ACK", 1, "i1a", &[], ""));
        (leg, ok)
    }

    /// A request of the callee inside a call of ours.
    pub(super) fn callee_sends(&mut self, invite: &Sent, method: &str, cseq: u32, body: &str) {
        let text = callee_request(invite, method, cseq, &format!("c{cseq}"), &[], body);
        self.receive(&text);
    }
}

pub(super) fn response(to: &Sent, status: u16, tag: &str, more: &[&str], body: &str) -> String {
    let Message::Request(request) = &to.message else {
        panic!("a response to a response");
    };
    let tag = (!tag.is_empty()).then_some(tag);
    let mut response = Response::to(request, status, "Whatever", tag);
    if !body.is_empty() {
        response.set_body("application/sdp", body.as_bytes().to_vec());
    }
    let mut text = String::from_utf8(response.to_bytes()).unwrap();
    let at = text.find("\r\n").unwrap() + 2;
    for line in more {
        text.insert_str(at, &format!("{line}\r\n"));
    }
    text
}

/// An INVITE of the PBX that begins a call.
pub(super) fn invite_text(call: &str, branch: &str, body: &str) -> String {
    invite_with(call, branch, &[], body)
}

pub(super) fn invite_with(call: &str, branch: &str, more: &[&str], body: &str) -> String {
    let more: String = more.iter().map(|line| format!("{line}\r\n")).collect();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let kind = if more.contains("Content-Type") {
        ""
    } else {
        kind
    };
    let length = body.len();
    format!(
        "INVITE sip:alice@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {PBX};branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n\
         From: \"Bob\" <sip:bob@pbx.example>;tag=b\r\nTo: <sip:alice@192.0.2.1>\r\n\
         Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@{PBX}>\r\n{more}{kind}\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A request of the PBX inside a call that it has begun; `of` is a response of ours.
pub(super) fn inside(
    of: &Sent,
    method: &str,
    cseq: u32,
    branch: &str,
    more: &[&str],
    body: &str,
) -> String {
    let (from, to) = (of.header(&Name::From), of.header(&Name::To));
    request(of, method, cseq, branch, (from, to), more, body)
}

/// A request of the PBX inside a call of ours; `of` is our INVITE, the PBX has the tag `p`.
pub(super) fn callee_request(
    of: &Sent,
    method: &str,
    cseq: u32,
    branch: &str,
    more: &[&str],
    body: &str,
) -> String {
    let from = format!("{};tag=p", of.header(&Name::To));
    request(
        of,
        method,
        cseq,
        branch,
        (&from, of.header(&Name::From)),
        more,
        body,
    )
}

fn request(
    of: &Sent,
    method: &str,
    cseq: u32,
    branch: &str,
    (from, to): (&str, &str),
    more: &[&str],
    body: &str,
) -> String {
    let call_id = of.headers().call_id();
    let more: String = more.iter().map(|line| format!("{line}\r\n")).collect();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let kind = if more.contains("Content-Type") {
        ""
    } else {
        kind
    };
    let length = body.len();
    format!(
        "{method} sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:bob@{PBX}>\r\n{more}{kind}\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

fn name_of(signal: &Signal) -> String {
    match signal {
        Signal::Invite(_) => "Invite".into(),
        Signal::Ring => "Ring".into(),
        Signal::Progress { fork, .. } => format!("Progress {fork}"),
        Signal::Accept(Some(_)) => "Accept".into(),
        Signal::Accept(None) => "Accept nothing".into(),
        Signal::Offer(Some(_)) => "Offer".into(),
        Signal::Offer(None) => "Offer wanted".into(),
        Signal::Answer(_) => "Answer".into(),
        Signal::Refuse(refused) => format!("Refuse {:?}", refused.why),
        Signal::Candidates(_) => "Candidates".into(),
        Signal::Dtmf(dtmf) => format!("Dtmf {}", dtmf.digit),
        Signal::Media(_) => "Media".into(),
        Signal::End(ending) => format!("End {}", ending.cause),
    }
}

pub(super) fn number_of(sent: &Sent) -> u32 {
    sent.headers().cseq().map_or(0, |cseq| cseq.number)
}

pub(super) fn method_of(sent: &Sent) -> Option<Method> {
    sent.headers().cseq().map(|cseq| cseq.method)
}
