//! Seeds: honest clients and a phone over links that lose, double, delay and cut.
//!
//! Each seed is one run on virtual time; `oracle.rs` says what must hold in each. `SEED=n` replays
//! one and prints what was said; `SEEDS=n` runs so many. `tests/seeds.txt` has those that once
//! failed.

mod chat;
mod client;
mod complaint;
mod door;
mod log;
mod media;
mod network;
mod oracle;
mod phone;
mod stream;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crosspoint::call::coverage::Coverage;
use crosspoint::config::{Account, Auth, Config, Listener, Route, Secret, Trunk, User};
use crosspoint::gateway::{Gateway, Input, Output};
use crosspoint::ws::ConnectionId;

use self::chat::Chat;
use self::client::Client;
use self::complaint::{Complaints, Oracle};
use self::network::{Dice, Happening, Network};
use self::phone::{GATEWAY, PHONE, Phone};
use self::stream::Streams;

/// Outputs that one input may cause.
const OUTPUTS_MAX: usize = 120;

/// When nothing new begins any more.
const IDLE_AFTER: Duration = Duration::from_secs(100);

/// How long a lull lasts: all that is repeated at T2 has arrived by then, or nearly always.
const LULL: Duration = Duration::from_secs(14);

struct Run {
    dice: Dice,
    now: Instant,
    start: Instant,
    gateway: Gateway,
    network: Network,
    clients: Vec<Client>,
    phone: Phone,
    /// Where some runs have a chat server.
    chat: Option<Chat>,
    links: u64,
    life: Life,
    /// Whether the trunk is reached by TCP.
    tcp: bool,
    streams: Streams,
    transcript: String,
    complaints: Complaints,
    /// When nobody does anything: what is under way arrives, and then the peers agree.
    lulls: [(Instant, Instant); 2],
    /// How often beliefs were compared.
    compared: u64,
    /// Calls that the gateway has ended towards the phone.
    byes: BTreeSet<String>,
}

/// Whether the gateway is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// It was told to end; running calls go on for a while.
    Draining,
    /// The process is gone.
    Finished,
}

/// What came of a run.
#[derive(Default)]
struct Outcome {
    transcript: String,
    complaints: Complaints,
    coverage: Coverage,
    compared: u64,
}

fn config(drains: bool, tcp: bool) -> Config {
    let user = |name: &str| User {
        name: name.into(),
        token: Secret::new(name),
        ..User::default()
    };
    let mut config = Config {
        trunk: vec![Trunk {
            name: "pbx".into(),
            uri: format!("sip:{PHONE}{}", if tcp { ";transport=tcp" } else { "" }),
            user: Some("gate".into()),
            password: Some(Secret::new("not-for-the-log")),
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
    let listeners = ["udp", "tcp"].map(|name| format!("{name}:{GATEWAY}").parse().unwrap());
    config.sip.listen = Vec::<Listener>::from(listeners);
    config.call.no_answer = Duration::from_secs(30);
    config.call.join_wait = Duration::from_secs(40);
    config.call.ringing_grace = Duration::from_secs(20);
    config.call.answered_grace = Duration::from_secs(30);
    config.call.drain = Duration::from_secs(20);
    config.trace.memory_calls_max = 0;
    // A registration is renewed for ever: only where the run has an end by itself.
    if drains {
        config.account = vec![Account {
            name: "desk".into(),
            uri: "sip:1001@192.0.2.10".into(),
            password: Secret::new("not-for-the-log"),
            trunk: "pbx".into(),
            owner: "alice".into(),
            expires: Duration::from_secs(60),
            ..Account::default()
        }];
    }
    config
}

impl Run {
    fn new(seed: u64) -> Self {
        let start = Instant::now();
        let unix = Duration::from_secs(1_700_000_000);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let bound = [GATEWAY.parse().unwrap(); 2];
        let mut dice = Dice(seed);
        let mut network = Network::new([0, 5, 25][dice.below(3) as usize]);
        let clients = [
            ("alice", 1000),
            ("alice", 2000),
            ("bob", 3000),
            ("bob", 4000),
        ];
        let clients = clients.map(|(user, numbers)| Client::new(user, numbers));
        for client in 0..clients.len() {
            network.at(start, Happening::Connect(client));
        }
        let lulls = [8, 30].map(|from| {
            let begin = start + dice.millis(from * 1000, (from + 16) * 1000);
            (begin, begin + LULL)
        });
        for (_, end) in lulls {
            network.at(end, Happening::Look);
        }
        let drains = dice.percent(12);
        if drains {
            network.at(start + dice.millis(4000, 70_000), Happening::Stop);
        }
        let tcp = dice.percent(20);
        if tcp && dice.percent(60) {
            network.at(start + dice.millis(2000, 40_000), Happening::Breaks);
        }
        let mut config = config(drains, tcp);
        // By chance of its own: runs without a chat server are what they were.
        let mut chance = Dice(!seed);
        let chat = chance.percent(28).then(|| Chat::new(&mut chance));
        if chat.is_some() {
            chat::configure(&mut config);
        }
        let mut gateway = Gateway::new(config, &bound, key, start, unix);
        gateway.begin(start);
        Self {
            dice,
            now: start,
            start,
            gateway,
            network,
            clients: clients.into(),
            phone: Phone::default(),
            chat,
            links: 0,
            life: Life::Running,
            tcp,
            streams: Streams::default(),
            transcript: String::new(),
            complaints: Complaints::default(),
            lulls,
            compared: 0,
            byes: BTreeSet::new(),
        }
    }

    fn note(&mut self, way: &str, text: &str) {
        let at = (self.now - self.start).as_secs_f64();
        self.transcript += &format!(
            "{at:<8.3}{way:<24}{}\n",
            text.replace("\r\n", "\n        | ")
        );
    }

    /// Sets going what people do.
    fn begin_calls(&mut self) {
        let calls = self.dice.below(3);
        // Where there is a chat server most calls are with its users.
        let calls = if self.chat.is_some() { 0 } else { calls };
        for call in 0..=calls {
            let at = self.start + self.dice.millis(1000, 9000);
            self.network
                .at(at, Happening::PhoneActs(format!("new-{call}")));
        }
        if self.dice.percent(30) {
            let at = self.start + self.dice.millis(1000, 60_000);
            let who = self.dice.below(4) as usize;
            self.network.at(at, Happening::Cut(who));
        }
        self.begin_chats();
    }

    fn begin_call(&mut self, name: &str) {
        let call = format!("c{name}");
        if name.starts_with("new-x") {
            return self.begin_chat(&call);
        }
        let who = self.dice.below(4) as usize;
        match self.dice.below(10) {
            0..3 => {
                let frames = self.phone.invites(&call, "alice", &mut self.dice, self.now);
                self.network.at(
                    self.now + Duration::from_millis(800),
                    Happening::PhoneActs(call),
                );
                self.phone_sends(frames);
            }
            kind => {
                let to = match kind {
                    3..6 => "600",
                    6..8 => ["user:bob", "user:alice"][usize::from(who > 1)],
                    _ => "join:tea",
                };
                let client = &mut self.clients[who];
                let Some(link) = client.link else { return };
                let frame = client.create(&mut self.dice, &call, to);
                self.client_sends(link, vec![frame]);
            }
        }
    }

    fn phone_sends(&mut self, texts: Vec<String>) {
        for text in texts {
            match self.tcp {
                true => self.stream_sends(&text),
                false => {
                    self.network
                        .datagram(&mut self.dice, self.now, &text, false);
                }
            }
        }
    }

    /// The phone hears a message, by whatever transport.
    fn phone_hears(&mut self, text: &str) {
        self.note("crosspoint > phone", text);
        let replies = self.phone.hears(text, &mut self.dice, self.now);
        self.phone_sends(replies);
        for call in std::mem::take(&mut self.phone.begun) {
            let at = self.now + self.dice.millis(100, 2000);
            self.network.at(at, Happening::PhoneActs(call));
        }
    }

    fn client_sends(&mut self, link: u64, frames: Vec<String>) {
        for frame in frames {
            self.network
                .frame(&mut self.dice, self.now, link, frame, false);
        }
    }

    /// The process is gone; whoever is connected hears of it, in order.
    fn finished(&mut self) {
        if self.life != Life::Draining {
            self.complaints.add(Oracle::Bounded, "it ends unasked");
        }
        self.life = Life::Finished;
        for client in &mut self.clients {
            client.gone |= client.was_cut || client.link.is_none();
        }
        oracle::finished(self);
    }

    fn input(&mut self, input: Input) {
        if self.life == Life::Finished {
            return;
        }
        self.gateway.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.gateway.poll_output() {
            outputs += 1;
            match output {
                Output::WsText { connection, text } => {
                    self.network
                        .frame(&mut self.dice, self.now, connection.0, text, true);
                }
                Output::Datagram { bytes, .. } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    if text.starts_with("BYE") {
                        self.byes.insert(phone::header(&text, "Call-ID"));
                    }
                    self.network.datagram(&mut self.dice, self.now, &text, true);
                }
                Output::Connect { stream, .. } => self.stream_wanted(stream),
                Output::StreamBytes { stream, bytes } => self.stream_written(stream, &bytes),
                Output::StreamClose { stream } => self.stream_closed(stream),
                Output::XmppConnect { stream, remote, .. } => self.chat_wanted(stream, remote),
                Output::XmppBytes { stream, bytes } => self.chat_written(stream, &bytes),
                Output::XmppClose { stream } => self.chat_closed(stream),
                Output::WsClose { connection, .. } => {
                    self.network.close(&mut self.dice, self.now, connection.0);
                }
                Output::Finished => self.finished(),
                other => {
                    let what = format!("unexpected: {other:?}");
                    self.complaints.add(Oracle::Bounded, what);
                }
            }
        }
        if outputs > OUTPUTS_MAX {
            let what = format!("{outputs} outputs for one input");
            self.complaints.add(Oracle::Bounded, what);
        }
        let timer = self.gateway.poll_timeout();
        if let Some((at, name)) = timer.filter(|(at, _)| *at < self.now) {
            let late = (self.now - at).as_millis();
            let what = format!("a timer lies {late} ms in the past: {name}");
            self.complaints.add(Oracle::Clock, what);
        }
    }

    fn closed(&mut self, link: u64) {
        if let Some(client) = self
            .clients
            .iter()
            .position(|client| client.link == Some(link))
        {
            self.clients[client].link = None;
            // One that has nothing to say is closed after a while, and need not come back.
            if self.life == Life::Finished {
                self.clients[client].has_lost_the_gateway();
            }
            let idle = !self.clients[client].is_busy();
            if self.life == Life::Finished || (idle && self.now > self.start + IDLE_AFTER) {
                return;
            }
            let at = self.now + self.dice.millis(200, 3000);
            self.network.at(at, Happening::Connect(client));
        }
    }

    fn happens(&mut self, what: Happening) {
        match what {
            Happening::ToGateway(text) => {
                self.note("phone > crosspoint", &text);
                let (local, remote) = (0, PHONE.parse().unwrap());
                self.input(Input::Datagram {
                    local,
                    remote,
                    bytes: text.into(),
                });
            }
            Happening::ToPhone(text) => self.phone_hears(&text),
            Happening::StreamOpens(stream) => self.stream_opens(stream),
            Happening::StreamToGateway(stream, bytes) => self.stream_takes(stream, bytes),
            Happening::StreamToPhone(stream, bytes) => self.stream_brings(stream, &bytes),
            Happening::Breaks => self.streams_break(),
            Happening::ChatOpens(stream, component) => self.chat_opens(stream, component),
            Happening::ChatToServer(stream, bytes) => self.chat_brings(stream, &bytes),
            Happening::ChatToGateway(stream, text) => self.chat_takes(stream, text),
            Happening::ChatSaid(device, text) => self.device_said(device, &text),
            Happening::ChatTold(device, stanza) => self.device_hears(device, &stanza, false),
            Happening::ChatCarbon(device, stanza) => self.device_hears(device, &stanza, true),
            Happening::ChatCut => self.chat_cut(),
            Happening::Frame(link, text) => {
                if self.clients.iter().any(|client| client.link == Some(link)) {
                    self.note(&format!("link{link} > crosspoint"), &text);
                    self.input(Input::WsText {
                        connection: ConnectionId(link),
                        text,
                    });
                }
            }
            Happening::Told(link, text) => {
                let Some(client) = self.clients.iter_mut().find(|c| c.link == Some(link)) else {
                    return;
                };
                let mut frames = client.hears(&text, &mut self.dice);
                frames.extend(client.joins());
                self.note(&format!("crosspoint > link{link}"), &text);
                self.client_sends(link, frames);
            }
            Happening::Cut(client) => {
                let Some(link) = self.clients[client].link.take() else {
                    return;
                };
                self.clients[client].was_cut = true;
                self.note("cut", &format!("link{link}"));
                self.input(Input::WsClosed {
                    connection: ConnectionId(link),
                });
                if self.dice.percent(25) {
                    self.clients[client].gone = true;
                } else {
                    let at = self.now + self.dice.millis(200, 8000);
                    self.network.at(at, Happening::Connect(client));
                }
            }
            Happening::Closed(link) => self.closed(link),
            Happening::Stop => {
                self.note("stop", "");
                self.life = Life::Draining;
                self.clients
                    .iter_mut()
                    .for_each(|client| client.drains = true);
                self.input(Input::Stop);
            }
            Happening::Connect(_) if self.life == Life::Finished => {}
            Happening::Connect(client) => {
                self.links += 1;
                let link = self.links;
                self.clients[client].link = Some(link);
                let (connection, peer) = (ConnectionId(link), format!("client{client}"));
                self.input(Input::WsOpened { connection, peer });
                let hello = self.clients[client].hello();
                self.client_sends(link, vec![hello]);
                let at = self.now + self.dice.millis(500, 1500);
                self.network.at(at, Happening::ClientActs(client));
            }
            Happening::Look => oracle::compare(self),
            Happening::ClientActs(_) | Happening::PhoneActs(_) | Happening::ChatActs(_)
                if self.lull().is_some() =>
            {
                let end = self.lull().unwrap_or(self.now);
                let at = end + self.dice.millis(1, 2000);
                self.network.at(at, what);
            }
            Happening::ClientActs(client) => self.client_acts(client),
            Happening::ChatActs(device) => self.device_acts(device),
            Happening::PhoneActs(call) if call.starts_with("new-") => self.begin_call(&call),
            Happening::PhoneActs(call) => {
                let texts = self.phone.acts(&call, &mut self.dice, self.now);
                self.phone_sends(texts);
                let over = self
                    .phone
                    .calls
                    .get(&call)
                    .is_none_or(|c| c.state == phone::State::Over);
                if !over {
                    let at = self.now + self.dice.millis(100, 6000);
                    self.network.at(at, Happening::PhoneActs(call));
                }
            }
        }
    }

    /// The end of the lull that there is.
    fn lull(&self) -> Option<Instant> {
        let now = self.now;
        let mut lulls = self.lulls.iter();
        lulls
            .find(|(from, to)| (*from..=*to).contains(&now))
            .map(|(_, to)| *to)
    }

    fn client_acts(&mut self, client: usize) {
        let Some(link) = self.clients[client].link else {
            return;
        };
        let frames = self.clients[client].acts(&mut self.dice);
        self.client_sends(link, frames);
        if self.clients[client].is_busy() || self.now < self.start + Duration::from_secs(12) {
            let at = self.now + self.dice.millis(100, 5000);
            self.network.at(at, Happening::ClientActs(client));
        }
    }

    /// Runs until nothing moves any more.
    fn run(mut self) -> Outcome {
        self.begin_calls();
        let end = self.start + Duration::from_secs(1800);
        let mut quiet_at = None;
        let mut steps = 0;
        while self.now < end && steps < 20_000 {
            steps += 1;
            let timer = self.gateway.poll_timeout().map(|(at, _)| at);
            let timer = timer.filter(|_| self.life != Life::Finished);
            let due = [timer, self.network.next_at(), self.phone.retries_at()];
            let Some(at) = due.into_iter().flatten().min() else {
                break;
            };
            if self.network.next_at().is_none() && !self.phone.is_busy() {
                let quiet = *quiet_at.get_or_insert(self.now);
                if at > quiet + Duration::from_secs(120) {
                    break;
                }
            }
            self.now = self.now.max(at);
            if self.network.next_at() == Some(at) {
                quiet_at = None;
                if let Some((_, what)) = self.network.pop() {
                    self.happens(what);
                }
            } else if self.phone.retries_at().is_some_and(|due| due <= at) {
                let texts = self.phone.retries(self.now);
                self.phone_sends(texts);
            } else {
                self.gateway.handle_timeout(self.now);
                self.drain();
            }
        }
        if steps >= 20_000 {
            self.complaints.add(Oracle::Clock, "it never comes to rest");
        }
        oracle::look(&mut self);
        let coverage = self.gateway.coverage().clone();
        Outcome {
            transcript: self.transcript,
            complaints: self.complaints,
            coverage,
            compared: self.compared,
        }
    }
}
