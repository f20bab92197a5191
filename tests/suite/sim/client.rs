//! An honest client: it answers what it is asked, keeps its own book of each call, and complains
//! when what it is told does not fit.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::complaint::{Complaints, Oracle};
use super::media::Media;
use super::network::Dice;

/// How often it acts, of its own accord every few seconds, before an offer must be answered or
/// rolled back: the gateway takes one back after 15 s.
const WAITS_MAX: u32 = 16;

/// What its acceptance has to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Answer,
    Offer,
    /// Nothing: the caller makes the offer when it is accepted.
    Nothing,
}

/// What a call is to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Calling,
    Ringing {
        needs: Needs,
    },
    /// It has accepted with an offer; the answer is under way.
    Accepting,
    Up,
    Over,
}

/// One call.
pub(super) struct Call {
    pub(super) state: State,
    media: Media,
    offered: Option<u64>,
    /// The last offer that it took back: its answer may be under way.
    withdrawn: Option<u64>,
    owed: Option<(u64, String)>,
    acts: u32,
    /// Whether the other side is the phone, which does not trickle.
    phone: bool,
    /// Whether it is a chat user: there is video, and digits go with the media.
    chat: bool,
    /// Candidates that were sent while nothing was being negotiated, and digits: the text, the act.
    sent: Vec<(String, u32)>,
    /// How often it acted since it has waited for an answer.
    waits: u32,
    /// Acts until it hangs up.
    patience: u32,
    /// Whether it was asked for an offer.
    asked: bool,
    /// Whether the two sides are of two minds: it offers anew until it is answered.
    torn: bool,
    /// The digits that were heard.
    digits: String,
    /// Whether its person hung up.
    left: bool,
    /// Why it ended, where it was established.
    ended: Option<String>,
}

/// One client.
pub(super) struct Client {
    pub(super) user: String,
    pub(super) link: Option<u64>,
    pub(super) gone: bool,
    session: String,
    seq: u64,
    pub(super) calls: BTreeMap<String, Call>,
    requests: u64,
    numbers: u64,
    /// Requests without a reply: sent again after a resume.
    waiting: BTreeMap<u64, String>,
    pub(super) complaints: Complaints,
    /// Texts of candidates and digits that the other side must have been told by now.
    pub(super) due: Vec<String>,
    /// All that was heard, as far as it speaks of candidates.
    heard: String,
    pub(super) was_cut: bool,
    /// Whether the gateway is being shut down.
    pub(super) drains: bool,
}

impl Client {
    pub(super) fn new(user: &str, numbers: u64) -> Self {
        Self {
            user: user.to_owned(),
            link: None,
            gone: false,
            session: String::new(),
            seq: 0,
            calls: BTreeMap::new(),
            requests: 0,
            numbers,
            waiting: BTreeMap::new(),
            complaints: Complaints::default(),
            due: Vec::new(),
            heard: String::new(),
            was_cut: false,
            drains: false,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.gone && self.calls.values().any(|call| call.state != State::Over)
    }

    pub(super) fn hello(&self) -> String {
        let mut frame = json!({"type": "hello", "token": self.user,
            "capabilities": ["trickle", "pranswer"]});
        if !self.session.is_empty() {
            frame["resume"] = json!({"session": self.session, "seq": self.seq});
        }
        frame.to_string()
    }

    pub(super) fn create(&mut self, dice: &mut Dice, call: &str, to: &str) -> String {
        let mut media = Media::new(self.name());
        media.sees = !media.name.is_multiple_of(3);
        let sdp = media.offer("sendrecv", false, !dice.percent(30));
        let call_model = Call {
            state: State::Calling,
            media,
            offered: Some(1),
            withdrawn: None,
            owed: None,
            acts: 0,
            phone: to == "600",
            chat: to.starts_with("xmpp:"),
            sent: Vec::new(),
            waits: 0,
            patience: [10, 60][dice.below(8) as usize / 7],
            left: false,
            asked: false,
            torn: false,
            digits: String::new(),
            ended: None,
        };
        self.calls.insert(call.to_owned(), call_model);
        self.request(json!({"type": "call.create", "call": call, "to": to,
            "description": {"type": "offer", "sdp": sdp}}))
    }

    /// A name for a description that no other has.
    fn name(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn request(&mut self, mut frame: Value) -> String {
        self.requests += 1;
        frame["id"] = json!(self.requests.to_string());
        let text = frame.to_string();
        self.waiting.insert(self.requests, text.clone());
        text
    }

    /// Something a person does; frames to send.
    pub(super) fn acts(&mut self, dice: &mut Dice) -> Vec<String> {
        let mut frames = vec![json!({"type": "ping"}).to_string()];
        if self.link.is_none() {
            return Vec::new();
        }
        let names: Vec<String> = self.calls.keys().cloned().collect();
        for name in names {
            if let Some(frame) = self.acts_in(&name, dice) {
                if let Some(call) = self.calls.get_mut(&name)
                    && frame["type"] == "call.end"
                {
                    call.left = true;
                }
                let counts = frame["type"] != "call.candidate";
                frames.push(if counts {
                    self.request(frame)
                } else {
                    frame.to_string()
                });
            }
        }
        frames
    }

    fn acts_in(&mut self, name: &str, dice: &mut Dice) -> Option<Value> {
        self.numbers += 1;
        let number = self.numbers;
        let port = 5000 + number;
        let due = &mut self.due;
        let call = self.calls.get_mut(name)?;
        call.acts += 1;
        let tired = call.acts > call.patience;
        let acts = call.acts;
        if call.state == State::Up && !call.phone {
            // Five acts later it must be there.
            due.extend(
                call.sent
                    .iter()
                    .filter(|(_, act)| act + 5 < acts)
                    .map(|(text, _)| text.clone()),
            );
            call.sent.retain(|(_, act)| act + 5 >= acts);
        }
        call.waits = match call.state == State::Up && call.offered.is_some() {
            true => call.waits + 1,
            false => 0,
        };
        if call.waits == WAITS_MAX {
            let what = format!("{name}: an offer is never answered");
            self.complaints.add(Oracle::OneOffer, what);
        }
        let of = |kind: &str| json!({"type": kind, "call": name});
        let described = |kind: &str, what: &str, sdp: &str, number: u64| {
            json!({"type": kind, "call": name, "negotiation": number,
                "description": {"type": what, "sdp": sdp}})
        };
        let (candidate, fragment) = call.media.candidate(port);
        let candidate = json!({"type": "call.candidate", "call": name, "candidate": {
            "candidate": candidate, "sdpMid": "0", "usernameFragment": fragment}});
        match (call.state, dice.below(100)) {
            (State::Over, _) => None,
            (State::Calling, 0..10) => Some(of("call.end")),
            (State::Calling, 10..60) => Some(candidate),
            (State::Calling, _) => None,
            (State::Ringing { .. }, 0..35) => Some(of("call.ring")),
            (State::Ringing { .. }, 35..45) => {
                Some(json!({"type": "call.reject", "call": name, "cause": "busy"}))
            }
            (State::Ringing { .. }, 45..49) => Some(of("call.end")),
            (
                State::Ringing {
                    needs: Needs::Offer,
                },
                49..85,
            ) => {
                call.state = State::Accepting;
                call.offered = Some(number);
                let sdp = call.media.offer("sendrecv", false, true);
                Some(described("call.accept", "offer", &sdp, number))
            }
            (
                State::Ringing {
                    needs: Needs::Nothing,
                },
                49..85,
            ) => {
                call.state = State::Accepting;
                Some(of("call.accept"))
            }
            (
                State::Ringing {
                    needs: Needs::Answer,
                },
                dice,
            ) => {
                let (owed, offer) = call.owed.clone()?;
                if (49..55).contains(&dice) {
                    let sdp = call.media.answer(&offer, true);
                    return Some(described("call.progress", "pranswer", &sdp, owed));
                }
                (dice < 85).then(|| {
                    call.owed = None;
                    call.state = State::Up;
                    let sdp = call.media.answer(&offer, true);
                    described("call.accept", "answer", &sdp, owed)
                })
            }
            (State::Ringing { .. }, _) => None,
            (State::Accepting, 0..20) => Some(of("call.end")),
            (State::Accepting, _) if call.owed.is_some() => {
                let (owed, offer) = call.owed.take()?;
                call.state = State::Up;
                let sdp = call.media.answer(&offer, true);
                Some(described("call.description", "answer", &sdp, owed))
            }
            (State::Accepting, _) => None,
            (State::Up, 0..12) if call.patience < 20 => Some(of("call.end")),
            (State::Up, _) if tired => Some(of("call.end")),
            (State::Up, dice) if call.owed.is_some() && call.offered.is_none() => {
                let (owed, offer) = call.owed.take()?;
                if dice < 20 {
                    return Some(described("call.description", "rollback", "", owed));
                }
                let sdp = call.media.answer(&offer, true);
                Some(described("call.description", "answer", &sdp, owed))
            }
            (State::Up, _) if call.asked && call.offered.is_none() => {
                call.asked = false;
                call.offered = Some(number);
                let sdp = call.media.offer("sendrecv", call.torn, true);
                Some(described("call.description", "offer", &sdp, number))
            }
            (State::Up, 12..22) if call.chat && call.offered.is_none() && call.owed.is_none() => {
                call.offered = Some(number);
                let sdp = call.media.offer_of_video(format!("n{number}"));
                Some(described("call.description", "offer", &sdp, number))
            }
            (State::Up, 12..22) if call.chat => None,
            (State::Up, 12..22) => {
                let digits = format!("*{number}#");
                call.sent.push((digits.clone(), acts));
                Some(json!({"type": "call.dtmf", "call": name, "digits": digits}))
            }
            (State::Up, 22..40) => {
                if call.offered.is_none() && call.owed.is_none() {
                    call.sent.push((format!(" {port} typ"), acts));
                }
                Some(candidate)
            }
            (State::Up, dice @ 40..70) if call.offered.is_none() && call.owed.is_none() => {
                call.offered = Some(number);
                let direction = ["sendrecv", "sendonly", "inactive"][(number % 3) as usize];
                let sdp = call.media.offer(direction, dice < 50, true);
                Some(described("call.description", "offer", &sdp, number))
            }
            (State::Up, 70..74) if call.offered.is_some() => {
                call.withdrawn = call.offered.take();
                call.asked |= call.torn;
                call.media.rolled_back();
                let number = call.withdrawn?;
                Some(described("call.description", "rollback", "", number))
            }
            (State::Up, _) => None,
        }
    }

    /// A frame has come. Returns what is sent at once.
    pub(super) fn hears(&mut self, text: &str, dice: &mut Dice) -> Vec<String> {
        let frame: Value = serde_json::from_str(text).unwrap();
        let kind = frame["type"].as_str().unwrap_or_default();
        if let Some(seq) = frame["seq"].as_u64() {
            if seq <= self.seq {
                return Vec::new();
            }
            if seq != self.seq + 1 {
                let what = format!("event {seq} after {}", self.seq);
                self.complaints.add(Oracle::Conserved, what);
            }
            self.seq = seq;
        }
        let id = frame["id"].as_str().and_then(|id| id.parse().ok());
        let request = id.and_then(|id: u64| self.waiting.remove(&id));
        if text.contains("candidate") {
            self.heard += text;
        }
        match kind {
            "welcome" => {
                self.session = frame["session"].as_str().unwrap().to_owned();
                return self.waiting.values().cloned().collect();
            }
            "error" => self.refused(&frame, &request.unwrap_or_default()),
            _ => {}
        }
        let Some(name) = frame["call"].as_str().map(str::to_owned) else {
            return Vec::new();
        };
        if kind == "call.incoming" {
            let needs = match frame["need"].as_str() {
                Some("offer") => Needs::Offer,
                Some("nothing") => Needs::Nothing,
                _ => Needs::Answer,
            };
            let offer = frame["description"]["sdp"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let number = frame["negotiation"].as_u64().unwrap_or(1);
            let mut media = Media::new(self.name());
            media.sees = !media.name.is_multiple_of(3);
            let owed = (needs == Needs::Answer).then_some((number, offer));
            let state = State::Ringing { needs };
            let call = Call {
                state,
                media,
                offered: None,
                withdrawn: None,
                owed,
                acts: 0,
                phone: frame["from"].to_string().contains("1001"),
                chat: frame["from"].to_string().contains("juliet"),
                sent: Vec::new(),
                waits: 0,
                patience: [10, 60][dice.below(8) as usize / 7],
                left: false,
                asked: false,
                torn: false,
                digits: String::new(),
                ended: None,
            };
            if self.calls.insert(name.clone(), call).is_some() {
                let what = format!("{name} came in twice");
                self.complaints.add(Oracle::Ends, what);
            }
            return Vec::new();
        }
        let Some(call) = self.calls.get_mut(&name) else {
            let what = format!("{kind} of the unknown {name}");
            self.complaints.add(Oracle::Ends, what);
            return Vec::new();
        };
        if call.state == State::Over && kind.starts_with("call.") {
            let what = format!("{kind} after the end of {name}");
            self.complaints.add(Oracle::Ends, what);
            return Vec::new();
        }
        if let Some((oracle, wrong)) = call.told(kind, &frame) {
            let what = format!("{name}: {wrong}\n{text}");
            self.complaints.add(oracle, what);
        }
        Vec::new()
    }

    fn refused(&mut self, frame: &Value, request: &str) {
        let code = frame["code"].as_str().unwrap_or_default();
        if code == "draining" && self.drains {
            let request: Value = serde_json::from_str(request).unwrap_or_default();
            let call = request["call"]
                .as_str()
                .and_then(|name| self.calls.get_mut(name));
            if let Some(call) = call.filter(|_| request["type"] == "call.create") {
                call.state = State::Over;
            }
            return;
        }
        // What an honest client can get because its frame crossed one of ours.
        // The other tab of a user may have the call that this one has lost meanwhile.
        let request: Value = serde_json::from_str(request).unwrap_or_default();
        let answered = request["description"]["type"] == "answer" && code == "bad_state";
        let call = request["call"]
            .as_str()
            .and_then(|name| self.calls.get_mut(name));
        if let Some(call) = call.filter(|call| answered && call.state == State::Up) {
            // The rollback has crossed the answer, which nobody heard: both sides begin anew.
            call.asked = true;
            call.torn = true;
        }
        let crossed = ["bad_state", "unknown_call", "not_your_call"];
        if !crossed.contains(&code) {
            self.complaints
                .add(Oracle::Honest, format!("refused: {frame}"));
        }
    }
}

impl Call {
    fn told(&mut self, kind: &str, frame: &Value) -> Option<(Oracle, String)> {
        let number = frame["negotiation"].as_u64();
        let sdp = frame["description"]["sdp"].as_str().unwrap_or_default();
        let what = frame["description"]["type"].as_str();
        match (kind, what) {
            ("call.ended", _) => {
                let cause = frame["cause"].as_str().unwrap_or_default();
                self.ended = (self.state == State::Up).then(|| cause.to_owned());
                self.state = State::Over;
                let faults = ["internal", "misbehaved"];
                let fault = faults.contains(&cause).then(|| format!("ended as {cause}"));
                fault.map(|what| (Oracle::Cause, what))
            }
            ("call.accepted", Some("answer")) => {
                let expected = matches!(self.state, State::Calling | State::Accepting);
                self.state = State::Up;
                self.offered = None;
                let answered = self.media.answered(sdp).err();
                let wrong = answered.or((!expected).then(|| "accepted out of place".to_owned()));
                wrong.map(|what| (Oracle::OneOffer, what))
            }
            ("call.offer_requested", _) => {
                // Perhaps the far side has an answer that nobody heard: until it is answered.
                self.asked = true;
                self.torn = true;
                None
            }
            ("call.dtmf", _) => {
                self.digits += frame["digit"].as_str().unwrap_or_default();
                None
            }
            ("call.accepted", _) => {
                self.state = State::Up;
                None
            }
            ("call.description", Some("offer")) => {
                let twice = self.owed.replace((number.unwrap_or(1), sdp.to_owned()));
                let wrong = |number| format!("a second offer while {number} is owed");
                twice.map(|(number, _)| (Oracle::OneOffer, wrong(number)))
            }
            ("call.description", Some("answer"))
                if self.withdrawn == number && number.is_some() =>
            {
                // The rollback has crossed it: the other side holds to it, so both begin anew.
                self.asked = true;
                self.torn = true;
                None
            }
            ("call.description", Some("answer")) => {
                let fits = self.offered == number && number.is_some();
                // The second caller of a join hears of his acceptance by itself.
                self.offered = None;
                self.torn = false;
                let wrong = self.media.answered(sdp).err();
                let wrong = wrong.or((!fits).then(|| "an answer to no offer".to_owned()));
                wrong.map(|what| (Oracle::OneOffer, what))
            }
            ("call.description", Some("rollback")) => {
                if self.offered.is_some() && (self.offered == number || number.is_none()) {
                    self.offered = None;
                    self.asked |= self.torn;
                    self.media.rolled_back();
                } else {
                    self.owed = None;
                    self.asked = false;
                }
                None
            }
            _ => None,
        }
    }

    /// The second caller of a join owes the answer while he still calls.
    pub(super) fn answers_join(&mut self) -> Option<(u64, String)> {
        match (self.state, self.offered) {
            (State::Calling, None) => {
                let (number, offer) = self.owed.take()?;
                Some((number, self.media.answer(&offer, true)))
            }
            _ => None,
        }
    }
}

impl Client {
    /// Answers the offers that a join brings at once: the wait is the other one's.
    pub(super) fn joins(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        let names: Vec<String> = self.calls.keys().cloned().collect();
        for name in names {
            let owed = self.calls.get_mut(&name).and_then(Call::answers_join);
            if let Some((number, sdp)) = owed {
                frames.push(
                    self.request(json!({"type": "call.description", "call": name,
                    "negotiation": number, "description": {"type": "answer", "sdp": sdp}})),
                );
            }
        }
        frames
    }
}

/// What one peer of a session believes, by the names in the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Belief {
    /// Its own credentials.
    pub(super) own: String,
    /// Those of the other side.
    pub(super) other: String,
    /// Who sends in each section.
    pub(super) flows: Vec<Flow>,
}

/// Who sends in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) mid: String,
    pub(super) own: bool,
    pub(super) other: bool,
}

impl Client {
    /// The process at the other end is gone: what it had not yet taken never began.
    pub(super) fn has_lost_the_gateway(&mut self) {
        for request in self.waiting.values() {
            let request: Value = serde_json::from_str(request).unwrap_or_default();
            let call = request["call"]
                .as_str()
                .and_then(|name| self.calls.get_mut(name));
            if let Some(call) = call.filter(|_| request["type"] == "call.create") {
                call.state = State::Over;
            }
        }
    }

    /// All candidates and digits that it was told.
    pub(super) fn heard(&self) -> impl Iterator<Item = &str> {
        let digits = self.calls.values().map(|call| call.digits.as_str());
        digits.chain([self.heard.as_str()])
    }

    /// What it believes of each established call in which nothing is being negotiated.
    pub(super) fn beliefs(&self) -> impl Iterator<Item = Belief> + '_ {
        let settled =
            |call: &&Call| call.state == State::Up && call.offered.is_none() && call.owed.is_none();
        self.calls
            .values()
            .filter(settled)
            .map(|call| call.media.belief())
    }

    /// Whether one of its calls is between two states.
    pub(super) fn is_unsettled(&self) -> bool {
        let unsettled = |call: &Call| match call.state {
            State::Over => false,
            State::Up => call.offered.is_some() || call.owed.is_some() || call.asked || call.torn,
            State::Calling | State::Ringing { .. } | State::Accepting => true,
        };
        self.calls.values().any(unsettled)
    }

    /// Each call that was established and has ended: its name in the descriptions, that of the
    /// other side, whether its person left, and the cause.
    pub(super) fn ends(&self) -> impl Iterator<Item = (u64, u64, bool, &str)> {
        self.calls.values().map(|call| {
            let cause = call.ended.as_deref().unwrap_or_default();
            (call.media.name, call.media.other(), call.left, cause)
        })
    }
}
