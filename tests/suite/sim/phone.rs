//! An honest phone: it sends again what was not answered, acknowledges, and ends what it began.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::client::Belief;
use super::complaint::{Complaints, Oracle};
use super::media::Media;
use super::network::Dice;

pub(super) const GATEWAY: &str = "192.0.2.1:5060";
pub(super) const PHONE: &str = "192.0.2.10:5060";
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// What a call is to the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has called.
    Calling,
    /// It is called.
    Ringing,
    Up,
    /// It has sent BYE, or will as soon as it may.
    Leaving,
    Over,
}

/// Something that is sent until it is answered.
struct Again {
    text: String,
    at: Instant,
    interval: Duration,
    until: Instant,
}

/// One call.
pub(super) struct Call {
    pub(super) state: State,
    media: Media,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    /// The INVITE of the gateway that is not finally answered, or was last.
    theirs: String,
    /// What was said last to it.
    said: String,
    /// Our INVITE that is under way: its number.
    ours: Option<u32>,
    /// Whether it makes an offer.
    offers: bool,
    heard: bool,
    acks: BTreeMap<u32, String>,
    /// What is sent again, by what ends it: `INVITE`, `BYE`, `ACK`.
    again: BTreeMap<&'static str, Again>,
    acts: u32,
    /// Whether its person hung up, or it gave the peer up.
    left: bool,
    /// Its BYE was told that there is no such call.
    pub(super) denied: bool,
}

/// The phone.
#[derive(Default)]
pub(super) struct Phone {
    pub(super) calls: BTreeMap<String, Call>,
    branches: u64,
    /// Responses to non-INVITE requests, by branch.
    replies: BTreeMap<String, String>,
    pub(super) complaints: Complaints,
}

impl Phone {
    pub(super) fn is_busy(&self) -> bool {
        self.calls
            .values()
            .any(|call| call.state != State::Over || !call.again.is_empty())
    }

    pub(super) fn retries_at(&self) -> Option<Instant> {
        self.calls
            .values()
            .flat_map(|call| call.again.values().map(|again| again.at))
            .min()
    }

    /// Sends again what is due; gives up what has taken too long.
    pub(super) fn retries(&mut self, now: Instant) -> Vec<String> {
        let mut out = Vec::new();
        for call in self.calls.values_mut() {
            let due: Vec<_> = call
                .again
                .iter()
                .filter(|(_, a)| a.at <= now)
                .map(|(k, _)| *k)
                .collect();
            for key in due {
                let Some(again) = call.again.get_mut(key) else {
                    continue;
                };
                if again.until <= now {
                    call.again.remove(key);
                    call.left = true;
                    call.state = State::Over;
                    continue;
                }
                out.push(again.text.clone());
                again.interval = match key {
                    "INVITE" => again.interval * 2,
                    _ => (again.interval * 2).min(T2),
                };
                again.at = now + again.interval;
            }
        }
        out
    }

    /// A name for a description that no other has.
    fn name(&mut self) -> u64 {
        self.branches += 1;
        100 + self.branches
    }

    /// What it believes of each established call in which nothing is under way.
    pub(super) fn beliefs(&self) -> impl Iterator<Item = Belief> + '_ {
        let settled =
            |call: &&Call| call.state == State::Up && call.ours.is_none() && call.again.is_empty();
        self.calls
            .values()
            .filter(settled)
            .map(|call| call.media.belief())
    }

    /// Whether one of its calls is between two states.
    pub(super) fn is_unsettled(&self) -> bool {
        let unsettled = |call: &Call| match call.state {
            State::Over => !call.again.is_empty(),
            State::Up => call.ours.is_some() || !call.again.is_empty(),
            State::Calling | State::Ringing | State::Leaving => true,
        };
        self.calls.values().any(unsettled)
    }

    /// The names in the descriptions of calls that its person left.
    pub(super) fn left(&self) -> impl Iterator<Item = u64> + '_ {
        let left = self.calls.values().filter(|call| call.left);
        left.map(|call| call.media.name)
    }

    /// Begins a call to a user.
    pub(super) fn invites(
        &mut self,
        id: &str,
        user: &str,
        dice: &mut Dice,
        now: Instant,
    ) -> Vec<String> {
        let mut call = Call {
            state: State::Calling,
            media: Media::new(self.name()),
            local: format!("<sip:1001@{PHONE}>;tag=t{id}"),
            remote: format!("<sip:{user}@{GATEWAY}>"),
            target: format!("sip:{user}@{GATEWAY}"),
            cseq: 0,
            theirs: String::new(),
            said: String::new(),
            ours: None,
            offers: !dice.percent(30),
            heard: false,
            acks: BTreeMap::new(),
            again: BTreeMap::new(),
            acts: 0,
            left: false,
            denied: false,
        };
        self.branches += 1;
        let text = call.invite(id, self.branches, "sendrecv", now);
        self.calls.insert(id.to_owned(), call);
        vec![text]
    }

    /// Something a person does with a call.
    pub(super) fn acts(&mut self, id: &str, dice: &mut Dice, now: Instant) -> Vec<String> {
        self.branches += 1;
        let branch = self.branches;
        let Some(call) = self.calls.get_mut(id) else {
            return Vec::new();
        };
        call.acts += 1;
        let tired = call.acts > 14;
        match (call.state, dice.below(100)) {
            (State::Over | State::Leaving, _) => Vec::new(),
            (State::Calling, 0..15) if call.heard && !call.again.contains_key("CANCEL") => {
                let invite = call.theirs.clone();
                let via = header(&invite, "Via");
                let cancel = request("CANCEL", &call.target, &via, call, id, call.cseq, "");
                call.repeat("CANCEL", cancel.clone(), now);
                vec![cancel]
            }
            (State::Calling, _) => Vec::new(),
            (State::Ringing, 0..40) => vec![call.answer(180, "", now)],
            (State::Ringing, 40..50) => {
                let offer = body(&call.theirs).to_owned();
                match offer.is_empty() {
                    true => Vec::new(),
                    false => {
                        let sdp = call.media.answer(&offer, true);
                        vec![call.answer(183, &sdp, now)]
                    }
                }
            }
            (State::Ringing, 50..60) => {
                vec![call.answer([486, 603, 480][branch as usize % 3], "", now)]
            }
            (State::Ringing, 60..90) => {
                let offer = body(&call.theirs).to_owned();
                let sdp = call.media.answer(&offer, true);
                call.state = State::Up;
                vec![call.answer(200, &sdp, now)]
            }
            (State::Ringing, _) => Vec::new(),
            (State::Up, dice) if dice < 12 || tired => {
                if call.again.contains_key("ACK") {
                    return Vec::new(); // RFC 3261 §15: the callee's BYE waits for the ACK.
                }
                call.state = State::Leaving;
                call.left = true;
                call.ours = None;
                call.again.remove("INVITE");
                call.cseq += 1;
                let bye = call.request("BYE", id, branch, "");
                call.repeat("BYE", bye.clone(), now);
                vec![bye]
            }
            (State::Up, 12..40) if call.ours.is_none() && call.again.is_empty() => {
                let direction = ["sendrecv", "sendonly", "inactive"][branch as usize % 3];
                call.offers = !branch.is_multiple_of(5);
                vec![call.invite(id, branch, direction, now)]
            }
            (State::Up, 40..50) => {
                call.cseq += 1;
                let info = call.request("INFO", id, branch, "Signal=5\r\nDuration=160\r\n");
                vec![info.replace("application/sdp", "application/dtmf-relay")]
            }
            (State::Up, _) => Vec::new(),
        }
    }

    /// A datagram has come.
    pub(super) fn hears(&mut self, text: &str, dice: &mut Dice, now: Instant) -> Vec<String> {
        let id = header(text, "Call-ID");
        if text.starts_with("SIP/2.0") {
            let Some(call) = self.calls.get_mut(&id) else {
                return Vec::new();
            };
            return call.response(text, &id, &mut self.branches, now, &mut self.complaints);
        }
        let method = text.split(' ').next().unwrap_or_default();
        let branch = header(text, "Via") + method;
        if let Some(reply) = self.replies.get(&branch) {
            return vec![reply.clone()];
        }
        if method == "INVITE" && !self.calls.contains_key(&id) {
            let call = Call {
                state: State::Ringing,
                media: Media::new(self.name()),
                local: header(text, "To") + &format!(";tag=p{}", dice.below(1_000_000)),
                remote: header(text, "From"),
                target: contact(text),
                cseq: 0,
                theirs: text.to_owned(),
                said: respond(text, 100, "", ""),
                ours: None,
                offers: true,
                heard: false,
                acks: BTreeMap::new(),
                again: BTreeMap::new(),
                acts: 0,
                left: false,
                denied: false,
            };
            self.calls.insert(id, call);
            return vec![respond(text, 100, "", "")];
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return match method {
                "ACK" => Vec::new(),
                _ => vec![respond(text, 481, "", "")],
            };
        };
        let replies = call.request_heard(text, method, dice, now, &mut self.complaints);
        if let Some(reply) = replies.first().filter(|_| method != "INVITE") {
            self.replies.insert(branch, reply.clone());
        }
        replies
    }
}

impl Call {
    fn repeat(&mut self, key: &'static str, text: String, now: Instant) {
        let again = Again {
            text,
            at: now + T1,
            interval: T1,
            until: now + T1 * 64,
        };
        self.again.insert(key, again);
    }

    fn request(&self, method: &str, id: &str, branch: u64, body: &str) -> String {
        let via = format!("SIP/2.0/UDP {PHONE};branch=z9hG4bK-p{branch}");
        request(method, &self.target, &via, self, id, self.cseq, body)
    }

    fn invite(&mut self, id: &str, branch: u64, direction: &str, now: Instant) -> String {
        self.cseq += 1;
        let sdp = match self.offers {
            true => self.media.offer(direction, false, true),
            false => String::new(),
        };
        self.ours = Some(self.cseq);
        let text = self.request("INVITE", id, branch, &sdp);
        if self.state == State::Calling {
            self.theirs = text.clone();
        }
        self.repeat("INVITE", text.clone(), now);
        text
    }

    /// Answers their INVITE.
    fn answer(&mut self, status: u16, sdp: &str, now: Instant) -> String {
        let tag = self.local.split_once(";tag=").map_or("", |(_, tag)| tag);
        self.said = respond(&self.theirs, status, tag, sdp);
        if status >= 200 {
            self.repeat("ACK", self.said.clone(), now);
        }
        if status >= 300 && self.state == State::Ringing {
            self.state = State::Over;
        }
        self.said.clone()
    }

    fn request_heard(
        &mut self,
        text: &str,
        method: &str,
        dice: &mut Dice,
        now: Instant,
        complaints: &mut Complaints,
    ) -> Vec<String> {
        match (method, self.state) {
            ("ACK", _) => {
                let answers = cseq(&self.said).0 == cseq(text).0;
                if answers && self.again.remove("ACK").is_some() && !body(text).is_empty() {
                    check(self.media.answered(body(text)), complaints);
                }
                Vec::new()
            }
            ("INVITE", _) if header(text, "Via") == header(&self.theirs, "Via") => {
                vec![self.said.clone()]
            }
            ("CANCEL", State::Ringing) => {
                vec![respond(text, 200, "", ""), self.answer(487, "", now)]
            }
            ("CANCEL", _) => vec![respond(text, 200, "", "")], // It comes too late.
            ("BYE", State::Over) => vec![respond(text, 481, "", "")],
            ("BYE", state) => {
                if state != State::Leaving {
                    self.again.clear();
                }
                self.state = State::Over;
                self.again.clear();
                vec![respond(text, 200, "", "")]
            }
            ("INVITE", State::Up) if self.ours.is_some() => vec![respond(text, 491, "", "")],
            // The ACK of the last one is lost or late.
            ("INVITE", State::Up) if self.again.contains_key("ACK") => {
                vec![respond(text, 500, "", "")]
            }
            ("INVITE", State::Up) if dice.percent(8) => {
                self.theirs = text.to_owned();
                vec![self.answer(488, "", now)]
            }
            ("INVITE", State::Up) => {
                self.theirs = text.to_owned();
                let sdp = match body(text) {
                    "" => self.media.offer("sendrecv", false, true),
                    offer => self.media.answer(offer, true),
                };
                vec![self.answer(200, &sdp, now)]
            }
            ("INFO" | "OPTIONS", State::Up) => vec![respond(text, 200, "", "")],
            _ => vec![respond(text, 481, "", "")],
        }
    }

    fn response(
        &mut self,
        text: &str,
        id: &str,
        branches: &mut u64,
        now: Instant,
        complaints: &mut Complaints,
    ) -> Vec<String> {
        let status: u16 = text[8..11].parse().unwrap();
        let (number, method) = cseq(text);
        match method.as_str() {
            "BYE" if status >= 200 => {
                self.denied = status == 481;
                self.again.remove("BYE");
                self.state = State::Over;
            }
            "CANCEL" if status >= 200 => {
                self.again.remove("CANCEL");
            }
            "INVITE" if status < 200 => {
                self.heard = true;
                if self.ours == Some(number) {
                    self.again.remove("INVITE");
                }
            }
            "INVITE" if status < 300 => {
                return self.accepted(text, number, id, branches, now, complaints);
            }
            "INVITE" => {
                if self.ours == Some(number) {
                    self.ours = None;
                    self.again.remove("INVITE");
                    self.again.remove("CANCEL");
                    self.media.rolled_back();
                    if self.state == State::Calling {
                        self.state = State::Over;
                    }
                }
                // RFC 3261 §17.1.1.3: the same branch.
                let mut ack = request(
                    "ACK",
                    &self.target,
                    &header(text, "Via"),
                    self,
                    id,
                    number,
                    "",
                );
                ack = ack.replace(
                    &format!("To: {}", self.remote),
                    &format!("To: {}", header(text, "To")),
                );
                return vec![ack];
            }
            _ => {}
        }
        Vec::new()
    }

    fn accepted(
        &mut self,
        text: &str,
        number: u32,
        id: &str,
        branches: &mut u64,
        now: Instant,
        complaints: &mut Complaints,
    ) -> Vec<String> {
        if let Some(ack) = self.acks.get(&number) {
            return vec![ack.clone()];
        }
        let first = self.state == State::Calling;
        self.again.remove("INVITE");
        self.remote = header(text, "To");
        self.target = contact(text);
        let mut sdp = String::new();
        if self.ours == Some(number) {
            self.ours = None;
            match self.offers {
                true => check(self.media.answered(body(text)), complaints),
                false => sdp = self.media.answer(body(text), true),
            }
        } else if !self.offers {
            sdp = self.media.answer(body(text), true);
        }
        *branches += 1;
        let via = format!("SIP/2.0/UDP {PHONE};branch=z9hG4bK-p{branches}");
        let ack = request("ACK", &self.target, &via, self, id, number, &sdp);
        self.acks.insert(number, ack.clone());
        if first {
            self.state = State::Up;
        }
        let mut out = vec![ack];
        if self.again.remove("CANCEL").is_some() {
            // It gave up, and the answer crossed.
            self.state = State::Leaving;
            self.left = true;
            self.cseq += 1;
            *branches += 1;
            let bye = self.request("BYE", id, *branches, "");
            self.repeat("BYE", bye.clone(), now);
            out.push(bye);
        }
        out
    }
}

fn check(answered: Result<(), String>, complaints: &mut Complaints) {
    if let Err(wrong) = answered {
        complaints.add(Oracle::OneOffer, wrong);
    }
}

fn request(
    method: &str,
    target: &str,
    via: &str,
    call: &Call,
    id: &str,
    number: u32,
    body: &str,
) -> String {
    let (from, to) = (&call.local, &call.remote);
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} {target} SIP/2.0\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {id}\r\n\
         CSeq: {number} {method}\r\nMax-Forwards: 70\r\nContact: <sip:1001@{PHONE}>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn respond(request: &str, status: u16, tag: &str, body: &str) -> String {
    let mut to = header(request, "To");
    if !to.contains("tag=") && !tag.is_empty() {
        to += &format!(";tag={tag}");
    }
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let of = |name: &str| header(request, name);
    format!(
        "SIP/2.0 {status} Word\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:1001@{PHONE}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        of("Via"),
        of("From"),
        of("Call-ID"),
        of("CSeq"),
        body.len()
    )
}

pub(super) fn header(message: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    let line = head.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_default().to_owned()
}

pub(super) fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn contact(message: &str) -> String {
    let value = header(message, "Contact");
    let uri = value
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    uri.map_or(String::new(), |(uri, _)| uri.to_owned())
}

fn cseq(message: &str) -> (u32, String) {
    let value = header(message, "CSeq");
    let (number, method) = value.split_once(' ').unwrap_or(("0", ""));
    (number.parse().unwrap_or(0), method.to_owned())
}
