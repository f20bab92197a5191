//! A gateway on virtual time with clients, one phone and the users of a chat server, who speak in
//! short words.
//!
//! Each word becomes a real frame or a real SIP message; each output becomes one summary line.

mod chat;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosspoint::config::{
    Auth, Component, Config, Listener, LocalPart, Route, Secret, Trunk, User,
};
use crosspoint::gateway::{Gateway, Input, Output};
use crosspoint::ws::ConnectionId;
use serde_json::{Value, json};

use self::chat::{COMPONENTS, Chat, Told};
use crate::describe::{description, shape};
use crate::xml::stream::SECRET;

const GATEWAY: &str = "192.0.2.1:5060";
const PHONE: &str = "192.0.2.10:5060";

/// One client: its connection, its session, and what it was told last.
#[derive(Default)]
struct Client {
    connection: u64,
    session: String,
    seq: u64,
    call: String,
    requests: u64,
    negotiation: Option<u64>,
}

/// The phone: the last message of each method, and its own dialog.
#[derive(Default)]
struct Phone {
    requests: BTreeMap<String, String>,
    responses: BTreeMap<String, String>,
    invite: String,
    cseq: u32,
    branches: u32,
}

/// The world.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    start: Instant,
    pub(crate) now: Instant,
    clients: BTreeMap<String, Client>,
    connections: u64,
    phone: Phone,
    chat: Chat,
    versions: u32,
    lines: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With another configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let start = Instant::now();
        let user = |name: &str| User {
            name: name.into(),
            token: Secret::new(name),
            ..User::default()
        };
        let mut config = Config {
            trunk: vec![Trunk {
                name: "pbx".into(),
                uri: format!("sip:{PHONE}"),
                user: Some("gate".into()),
                password: Some(Secret::new("secret")),
                udp_max_bytes: Some(60_000),
                health: Duration::ZERO,
                incoming_chat: Some("gw".into()),
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
        let listener: Listener = format!("udp:{GATEWAY}").parse().unwrap();
        config.sip.listen = vec![listener];
        config.sip.udp_max_bytes = 60_000;
        chat_servers(&mut config);
        change(&mut config);
        let bound = [GATEWAY.parse().unwrap()];
        let unix = Duration::from_secs(1_700_000_000);
        let mut gateway = Gateway::new(config, &bound, [7; 32], start, unix);
        gateway.begin(start);
        Self {
            gateway,
            start,
            now: start,
            clients: BTreeMap::new(),
            connections: 0,
            phone: Phone::default(),
            chat: Chat::default(),
            versions: 1,
            lines: Vec::new(),
        }
    }

    /// What was sent since the last call, one line each.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// The ladder of a call, its messages left out.
    pub(crate) fn ladder(&self, name: &str) -> String {
        let text = self.gateway.ladder(name).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with("        |"));
        lines.map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// A datagram comes from somewhere.
    pub(crate) fn datagram(&mut self, remote: &str, text: &str) {
        let input = Input::Datagram {
            local: 0,
            remote: remote.parse().unwrap(),
            bytes: text.to_owned().into(),
        };
        self.gateway.handle(input, self.now);
        self.drain();
    }

    /// Lets time pass up to so many seconds after the start.
    pub(crate) fn advance(&mut self, seconds: f64) {
        let until = self.start + Duration::from_secs_f64(seconds);
        while let Some((at, _)) = self.gateway.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.gateway.handle_timeout(self.now);
            self.drain();
        }
        self.now = self.now.max(until);
    }

    /// Somebody says something.
    pub(crate) fn say(&mut self, who: &str, words: &str) {
        let words: Vec<&str> = words.split_whitespace().collect();
        if chat::is_one(who) {
            let told = self.chat.says(who, &words);
            self.chatted(told);
        } else if who.starts_with("phone") {
            self.phone_says(&words);
        } else {
            self.client_says(who, &words);
        }
        self.drain();
    }

    fn client_says(&mut self, who: &str, words: &[&str]) {
        let user = who.split('-').next().unwrap().to_owned();
        if words[0] == "cut" {
            let connection = ConnectionId(self.clients[who].connection);
            return self
                .gateway
                .handle(Input::WsClosed { connection }, self.now);
        }
        let client = self.clients.entry(who.to_owned()).or_default();
        if words[0] == "hello" {
            self.connections += 1;
            client.connection = self.connections;
            let (connection, peer) = (ConnectionId(client.connection), "192.0.2.99".into());
            self.gateway
                .handle(Input::WsOpened { connection, peer }, self.now);
        }
        let client = &self.clients[who];
        let (connection, call) = (ConnectionId(client.connection), client.call.clone());
        let mut frame = json!({"type": words[0]});
        if words[0] == "hello" {
            frame["token"] = json!(user);
            frame["capabilities"] = json!(["trickle", "pranswer"]);
            if words.get(1) == Some(&"resume") {
                frame["resume"] = json!({"session": client.session, "seq": client.seq});
            }
        } else {
            frame["id"] = json!(format!("{}", client.requests + 1));
            if let Some(word) = words.get(1) {
                frame["call"] = json!(if *word == "it" { call.as_str() } else { word });
            }
        }
        let mut rest = words.iter().skip(2);
        while let Some(word) = rest.next() {
            match *word {
                "to" => frame["to"] = json!(rest.next().unwrap()),
                "digits" => frame["digits"] = json!(rest.next().unwrap()),
                "busy" | "declined" => frame["cause"] = json!(word),
                "rollback" => frame["description"] = json!({"type": "rollback"}),
                "candidate-end" => frame["candidate"] = json!({"candidate": ""}),
                word if word.starts_with("candidate") => {
                    let host = match word {
                        "candidate-mdns" => "a-b.local",
                        "candidate-other" => "192.0.2.98",
                        _ => "192.0.2.99",
                    };
                    let text = format!("candidate:9 1 udp 2122260223 {host} 5000 typ host");
                    frame["candidate"] = json!({"candidate": text, "sdpMid": "0"});
                }
                word if word.starts_with("n=") => {
                    frame["negotiation"] = json!(word[2..].parse::<u64>().unwrap());
                }
                word => {
                    let kind = word.split('-').next().unwrap();
                    self.versions += 1;
                    let sdp = description(word, self.versions);
                    frame["description"] = json!({"type": kind, "sdp": sdp});
                    if let Some(number) = client.negotiation.filter(|_| kind != "offer") {
                        frame["negotiation"] = json!(number);
                    }
                }
            }
        }
        self.clients.get_mut(who).unwrap().requests += 1;
        let text = frame.to_string();
        self.gateway
            .handle(Input::WsText { connection, text }, self.now);
    }

    fn phone_says(&mut self, words: &[&str]) {
        let text = match words[0].parse::<u16>() {
            Ok(status) => self.response(status, &words[1..]),
            Err(_) => self.request(words),
        };
        let Some(text) = text else {
            return self
                .lines
                .push("!       crosspoint > phone      has asked nothing".to_owned());
        };
        let input = Input::Datagram {
            local: 0,
            remote: PHONE.parse().unwrap(),
            bytes: text.into(),
        };
        self.gateway.handle(input, self.now);
    }

    fn body(&mut self, words: &[&str]) -> String {
        let described = |word: &&&str| word.starts_with("offer") || word.starts_with("answer");
        self.versions += 1;
        let version = self.versions;
        let word = words.iter().find(described);
        word.map_or(String::new(), |word| description(word, version))
    }

    /// A response to the last request of its method; INVITE where none is named.
    fn response(&mut self, status: u16, words: &[&str]) -> Option<String> {
        let methods = ["INVITE", "BYE", "CANCEL", "INFO"];
        let method = words.iter().find(|word| methods.contains(word));
        let request = self
            .phone
            .requests
            .get(*method.unwrap_or(&"INVITE"))?
            .clone();
        let request = &request;
        let fork = words.iter().find(|word| word.starts_with("fork"));
        let mut out = format!("SIP/2.0 {status} Word\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let mut value = header(request, name);
            if name == "To" && status > 100 && !value.contains("tag=") {
                value += &format!(";tag=phone-{}", fork.unwrap_or(&"fork1"));
            }
            out += &format!("{name}: {value}\r\n");
        }
        out += &format!("Contact: <sip:phone@{PHONE}>\r\n");
        if status == 302 {
            out = out.replace("<sip:phone@", "<sip:elsewhere@");
        }
        if status == 401 {
            let stale = if words.contains(&"stale") {
                ", stale=true"
            } else {
                ""
            };
            let nonce = self.phone.branches;
            self.phone.branches += 1;
            out += &format!(
                "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n{nonce}\", \
                 algorithm=MD5, qop=\"auth\"{stale}\r\n"
            );
        }
        let body = self.body(words);
        Some(ended(out, &body))
    }

    /// A request: the first INVITE, or one inside the dialog that there is.
    fn request(&mut self, words: &[&str]) -> Option<String> {
        let method = words[0].trim_start_matches("re-");
        let tagged = |request: &String| header(request, "From").contains("tag=");
        if words[0] == "INVITE" {
            self.phone.cseq = 1;
            self.phone.responses.clear();
        } else if !matches!(method, "ACK" | "CANCEL") {
            self.phone.cseq += 1;
        }
        let ours = !self.phone.invite.is_empty() || words[0] == "INVITE";
        let (from, to, call_id, target) = if ours {
            let answered = self.phone.responses.get("INVITE").filter(|r| tagged(r));
            let to = answered.map(|r| header(r, "To"));
            let target = answered
                .and_then(|r| contact(r))
                .filter(|_| words[0] != "CANCEL");
            let to = to.filter(|_| words[0] != "CANCEL" && words[0] != "INVITE");
            let callee = words.iter().skip(1).find(|word| word.starts_with("to="));
            let callee = callee.map_or("alice", |word| &word[3..]);
            let uri = format!("sip:{callee}@{GATEWAY}");
            (
                format!("<sip:1001@{PHONE}>;tag=phone"),
                to.unwrap_or(format!("<{uri}>")),
                "called-1".to_owned(),
                target.unwrap_or(uri),
            )
        } else {
            let invite = self.phone.requests.get("INVITE")?;
            let fork = words.iter().find(|word| word.starts_with("fork"));
            let tag = format!(";tag=phone-{}", fork.unwrap_or(&"fork1"));
            let bare = header(invite, "To")
                .split(";tag")
                .next()
                .unwrap()
                .to_owned();
            let target = contact(invite)?;
            (
                bare + &tag,
                header(invite, "From"),
                header(invite, "Call-ID"),
                target,
            )
        };
        let accepted = |r: &String| r.starts_with("SIP/2.0 2");
        let same_branch = method == "CANCEL"
            || (method == "ACK" && !self.phone.responses.get("INVITE").is_some_and(accepted));
        if !same_branch {
            self.phone.branches += 1;
        }
        let branch = self.phone.branches;
        let cseq = self.phone.cseq;
        let mut out = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bK-{branch}\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             Max-Forwards: 70\r\nContact: <sip:1001@{PHONE}>\r\n"
        );
        let mut body = self.body(words);
        if method == "INFO" {
            body = format!("Signal={}\r\nDuration=160\r\n", words[1]);
            out += "Content-Type: application/dtmf-relay\r\n";
        }
        if words.contains(&"elsewhere") {
            out += "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";
        }
        if words[0] == "INVITE" {
            self.phone.invite = out.clone();
        }
        Some(ended(out, &body))
    }

    /// Notes all that is to be sent.
    fn drain(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            let (who, summary) = match output {
                Output::WsText { connection, text } => {
                    let who = self.holder(connection);
                    (who.clone(), self.told(&who, &text))
                }
                Output::WsClose {
                    connection, code, ..
                } => (self.holder(connection), format!("close {code}")),
                Output::Datagram { bytes, .. } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    ("phone".to_owned(), self.phone_hears(text))
                }
                Output::XmppConnect { stream, remote, .. } => {
                    let told = self.chat.connects(stream, remote);
                    self.chatted(told);
                    continue;
                }
                Output::XmppBytes { stream, bytes } => {
                    let told = self.chat.hears(stream, &bytes);
                    self.chatted(told);
                    continue;
                }
                Output::XmppClose { stream } => {
                    self.chat.closes(stream);
                    continue;
                }
                other => ("outside".to_owned(), format!("{other:?}")),
            };
            self.line(&who, &summary);
        }
    }

    fn line(&mut self, who: &str, summary: &str) {
        let at = (self.now - self.start).as_secs_f64();
        let line = match summary.starts_with('!') {
            true => summary.to_owned(),
            false => format!("{at:<8.3}{:<24}{summary}", format!("crosspoint > {who} ")),
        };
        self.lines.push(line);
    }

    /// What has come of something at the chat server.
    fn chatted(&mut self, told: Told) {
        for (who, summary) in told.lines {
            self.line(&who, &summary);
        }
        for input in told.inputs {
            self.gateway.handle(input, self.now);
        }
    }

    fn holder(&self, connection: ConnectionId) -> String {
        let holds = |client: &&Client| client.connection == connection.0;
        let mut all = self.clients.iter();
        all.find(|(_, client)| holds(client))
            .map_or("gone".to_owned(), |(name, _)| name.clone())
    }

    fn told(&mut self, who: &str, text: &str) -> String {
        let frame: Value = serde_json::from_str(text).unwrap();
        let kind = frame["type"].as_str().unwrap();
        let mut line = kind.to_owned();
        if let Some(client) = self.clients.get_mut(who) {
            client.seq = frame["seq"].as_u64().unwrap_or(client.seq);
            if kind == "welcome" {
                frame["session"]
                    .as_str()
                    .unwrap()
                    .clone_into(&mut client.session);
                line += &format!(" resumed={}", frame["resumed"]);
            }
            if kind == "call.incoming" {
                frame["call"].as_str().unwrap().clone_into(&mut client.call);
            }
            if frame["description"]["type"] == "offer" {
                client.negotiation = frame["negotiation"].as_u64();
            }
        }
        if let Some(call) = frame["call"].as_str() {
            line += if call.starts_with("c-") { " *" } else { "" };
            line += &if call.starts_with("c-") {
                String::new()
            } else {
                format!(" {call}")
            };
        }
        for name in ["code", "need", "cause", "by"] {
            if let Some(value) = frame[name].as_str() {
                line += &format!(" {name}={value}");
            }
        }
        if let Some(status) = frame["sip"]["status"].as_u64() {
            line += &format!(" sip={status}");
        }
        if let Some(kind) = frame["description"]["type"].as_str() {
            let sdp = frame["description"]["sdp"].as_str().unwrap_or_default();
            line += &format!(" {kind}{}", shape(sdp));
        }
        line
    }

    fn phone_hears(&mut self, text: String) -> String {
        let cseq = header(&text, "CSeq");
        let method = cseq.split(' ').nth(1).unwrap_or_default().to_owned();
        let first = text.split(' ').next().unwrap_or_default();
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let shape = shape(body);
        if first == "SIP/2.0" {
            let status = text.split(' ').nth(1).unwrap_or_default();
            let line = format!("{status} {method}{shape}");
            self.phone.responses.insert(method, text);
            return line;
        }
        let line = match contact(&text.replacen(first, "Contact: <", 1)) {
            _ if method == "INVITE" => {
                let uri = text.split(' ').nth(1).unwrap_or_default().to_owned();
                let proof = if text.contains("\r\nAuthorization:") {
                    " authorized"
                } else {
                    ""
                };
                format!("INVITE {uri}{proof}{shape}")
            }
            _ => format!("{method}{shape}"),
        };
        if method != "ACK" {
            self.phone.requests.insert(method, text);
        }
        line
    }
}

/// Two components of one chat server, one for numbers and one for clients, and the way to its
/// users.
fn chat_servers(config: &mut Config) {
    let component = |(domain, port): &(&str, u16)| Component {
        name: domain.split('.').next().unwrap().into(),
        domain: (*domain).into(),
        host: "192.0.2.20".into(),
        port: *port,
        secret: Secret::new(SECRET),
        local_part: match domain.starts_with("web") {
            true => LocalPart::User,
            false => LocalPart::Dialled,
        },
        callers: vec!["*@example.org".into()],
        ..Component::default()
    };
    config.component = COMPONENTS.iter().map(component).collect();
    let chat = Route {
        pattern: "xmpp:*".into(),
        to: "component:web".into(),
        ..Route::default()
    };
    config.route.insert(0, chat);
}

/// The value of a header field.
fn header(message: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    let line = head.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_default().to_owned()
}

/// The URI of Contact.
fn contact(message: &str) -> Option<String> {
    let value = header(message, "Contact");
    let uri = value.split_once('<')?.1.split_once('>')?.0;
    Some(uri.to_owned())
}

fn ended(head: String, body: &str) -> String {
    let kind = match !body.is_empty() && !head.contains("Content-Type") {
        true => "Content-Type: application/sdp\r\n",
        false => "",
    };
    format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}
