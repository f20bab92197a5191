//! The whole gateway with a call under way: a datagram or a frame that nobody would send disturbs
//! nobody else.
//!
//! An input is one or more messages with a line `---` between: what begins with `{` is a frame of
//! the first client, all else a datagram of the trunk.

use std::time::{Duration, Instant};

use crosspoint::config::{Auth, Config, Listener, Route, Secret, Trunk, User};
use crosspoint::gateway::{Gateway, Input, Output};
use crosspoint::ws::ConnectionId;
use serde_json::json;

use super::{Target, files, fuzz, json};

const GATEWAY: &str = "192.0.2.1:5060";
const PHONE: &str = "192.0.2.10:5060";

const WORDS: &[&str] = &[
    "\n---\n",
    "INVITE sip:alice@192.0.2.1 SIP/2.0\r\n",
    "BYE sip:alice@192.0.2.1 SIP/2.0\r\n",
    "CANCEL ",
    "ACK ",
    "OPTIONS ",
    "MESSAGE sip:alice@192.0.2.1 SIP/2.0\r\n",
    "Content-Type: text/plain\r\n",
    "{\"type\":\"message.send\",\"id\":\"m\",\"to\":\"user:bob\",\"text\":\"hi\"}",
    "\"ack\":1",
    "SIP/2.0 200 OK\r\n",
    "SIP/2.0 180 Ringing\r\n",
    "SIP/2.0 401 Unauthorized\r\n",
    "SIP/2.0 302 Moved\r\n",
    "Contact: <sip:b@192.0.2.10>\r\n",
    "\"call\":\"c1\"",
    "\"call\":\"c2\"",
    "call.end",
    "call.accept",
    "call.description",
    "\"type\":\"rollback\"",
    "\r\n\r\n",
    "Content-Length: 0\r\n\r\n",
];

/// A gateway, alice on connection 1 and bob on 2, who are in a call with each other.
struct World {
    gateway: Gateway,
    now: Instant,
    outputs: usize,
    /// Frames to bob.
    bob: Vec<String>,
    /// The gateway's INVITE to the trunk, to be answered by an input.
    invite: String,
}

fn config() -> Config {
    let user = |name: &str| User {
        name: name.into(),
        token: Secret::new(name),
        ..User::default()
    };
    let listener: Listener = format!("udp:{GATEWAY}").parse().unwrap();
    let mut config = Config {
        trunk: vec![Trunk {
            name: "pbx".into(),
            uri: format!("sip:{PHONE}"),
            udp_max_bytes: Some(60_000),
            health: Duration::ZERO,
            ..Trunk::default()
        }],
        route: vec![Route {
            pattern: "*".into(),
            to: "trunk:pbx".into(),
            ..Route::default()
        }],
        auth: Auth {
            user: vec![user("alice"), user("bob")],
            ..Auth::default()
        },
        ..Config::default()
    };
    config.sip.listen = vec![listener];
    config
}

const OFFER: &str = include_str!("../../fixtures/sdp/chrome-audio-offer-gathered.sdp");
const ANSWER: &str = include_str!("../../fixtures/sdp/chrome-p-audio-answer-gathered.sdp");

impl World {
    fn new() -> Self {
        let (now, unix) = (Instant::now(), Duration::from_secs(1_700_000_000));
        let bound = [GATEWAY.parse().unwrap()];
        let mut gateway = Gateway::new(config(), &bound, [7; 32], now, unix);
        gateway.begin(now);
        let (outputs, bob, invite) = (0, Vec::new(), String::new());
        let mut world = Self {
            gateway,
            now,
            outputs,
            bob,
            invite,
        };
        for (connection, user) in [(1, "alice"), (2, "bob")] {
            let (connection, peer) = (ConnectionId(connection), "192.0.2.99".to_owned());
            world.input(Input::WsOpened { connection, peer });
            let hello = json!({"type": "hello", "token": user, "capabilities": ["trickle"]});
            world.frame(connection.0, &hello.to_string());
        }
        for (call, to) in [("c1", "user:bob"), ("c2", "600")] {
            world.frame(
                1,
                &json!({"type": "call.create", "id": call, "call": call, "to": to,
                "description": {"type": "offer", "sdp": OFFER}})
                .to_string(),
            );
        }
        let incoming = world
            .bob
            .iter()
            .find(|frame| frame.contains("call.incoming"))
            .unwrap();
        let incoming: serde_json::Value = serde_json::from_str(incoming).unwrap();
        world.frame(
            2,
            &json!({"type": "call.accept", "id": "1", "call": incoming["call"],
            "negotiation": incoming["negotiation"],
            "description": {"type": "answer", "sdp": ANSWER}})
            .to_string(),
        );
        world.advance(4); // Its INVITE may wait for candidates.
        assert!(world.invite.starts_with("INVITE"), "the trunk is called");
        world
    }

    fn frame(&mut self, connection: u64, text: &str) {
        let (connection, text) = (ConnectionId(connection), text.to_owned());
        self.input(Input::WsText { connection, text });
    }

    fn input(&mut self, input: Input) {
        self.gateway.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        let before = self.outputs;
        while let Some(output) = self.gateway.poll_output() {
            self.outputs += 1;
            match output {
                Output::WsText { connection, text } if connection.0 == 2 => self.bob.push(text),
                Output::Datagram { bytes, .. } if bytes.starts_with(b"INVITE") => {
                    self.invite = String::from_utf8_lossy(&bytes).into_owned();
                }
                _ => {}
            }
        }
        assert!(
            self.outputs - before < 200,
            "too many outputs for one input"
        );
        let timer = self.gateway.poll_timeout();
        assert!(
            timer.is_none_or(|(at, _)| at >= self.now),
            "a timer lies in the past"
        );
    }

    /// Lets time pass.
    fn advance(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        for _ in 0..500 {
            let Some((at, _)) = self.gateway.poll_timeout().filter(|(at, _)| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(at);
            self.gateway.handle_timeout(self.now);
            self.drain();
        }
        panic!("its timers never come to rest");
    }
}

/// What the phone of the trunk may say: its answers to the INVITE, and requests of its own.
fn datagrams() -> Vec<Vec<u8>> {
    let invite = World::new().invite;
    let header = |name: &str| {
        let prefix = format!("{name}: ");
        let line = invite.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_default().to_owned()
    };
    let [via, from, to] = [header("Via"), header("From"), header("To")];
    let [call_id, cseq] = [header("Call-ID"), header("CSeq")];
    let response = |status: &str, body: &str| {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=p\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: <sip:p@{PHONE}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let request = |method: &str, body: &str| {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:alice@{GATEWAY} SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bK-1\r\n\
             From: <sip:1001@{PHONE}>;tag=t\r\nTo: <sip:alice@{GATEWAY}>\r\nCall-ID: fuzz\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:1001@{PHONE}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let (ok, ringing) = (response("200 OK", ANSWER), response("180 Ringing", ""));
    let bye = format!(
        "BYE sip:alice@{GATEWAY} SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bK-2\r\n\
         From: {to};tag=p\r\nTo: {from}\r\nCall-ID: {call_id}\r\nCSeq: 1 BYE\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    let reinvite = bye.replace("BYE", "INVITE").replace("-2", "-3");
    let end = r#"{"type":"call.end","id":"9","call":"c2"}"#;
    let texts = [
        format!("{ringing}\n---\n{ok}\n---\n{bye}"),
        format!("{ok}\n---\n{reinvite}\n---\n{bye}"),
        format!("{ringing}\n---\n{end}\n---\n{ok}"),
        format!("{}\n---\n{ok}", response("183 Session Progress", ANSWER)),
        response("486 Busy Here", ""),
        response("302 Moved", ""),
        format!(
            "{}\n---\n{}",
            request("INVITE", OFFER),
            request("CANCEL", "")
        ),
        format!("{}\n---\n{}", request("INVITE", ""), request("ACK", ANSWER)),
        request("OPTIONS", ""),
        request("REGISTER", ""),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

pub(super) fn inputs() -> Target {
    let take = |input: &[u8]| {
        let mut world = World::new();
        let told_before = world.bob.len();
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut rest = input;
        while let Some(at) = rest.windows(5).position(|five| five == b"\n---\n") {
            parts.push(&rest[..at]);
            rest = &rest[at + 5..];
        }
        parts.push(rest);
        for part in parts.into_iter().take(8) {
            match part.starts_with(b"{") {
                true => world.frame(1, &String::from_utf8_lossy(part)),
                false => world.input(Input::Datagram {
                    local: 0,
                    remote: PHONE.parse().unwrap(),
                    bytes: part.to_vec().into(),
                }),
            }
            world.advance(1);
        }
        world.advance(40);
        let metrics = world.gateway.metrics();
        let fault = metrics
            .lines()
            .find(|line| line.contains("panic") && !line.starts_with('#') && !line.ends_with(" 0"));
        assert_eq!(fault, None, "a call was taken out by a fault");
        format!("{} {}", world.outputs, world.bob.len() - told_before)
    };
    let mut inputs = datagrams();
    inputs.extend(json::examples());
    inputs.extend(files("tests/golden/rfc4475"));
    Target {
        name: "gateway",
        inputs,
        words: WORDS,
        take,
    }
}

#[test]
fn inputs_hold() {
    fuzz(inputs());
}
