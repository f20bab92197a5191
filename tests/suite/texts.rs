//! Text messages through the whole gateway: from clients, phones and chat users to each of the
//! others, and what became of them back.

use std::time::{Duration, Instant};

use crosspoint::config::{
    Auth, Component, Config, Listener, Route, Secret, Trunk, User, XmppAccount,
};
use crosspoint::gateway::{Gateway, Input, Output};
use crosspoint::ws::ConnectionId;
use serde_json::{Value, json};

const GATEWAY: &str = "192.0.2.1:5060";
const PHONE: &str = "192.0.2.10:5060";
const SERVER: &str = "192.0.2.20";
const HOME: &str = "192.0.2.30";

/// A gateway with alice on connection 1 and bob on 2, a phone, a component, and bob's account.
struct World {
    gateway: Gateway,
    now: Instant,
    /// What was said since it was last asked: by whom it is heard, and what it is.
    said: Vec<(&'static str, String)>,
    component: u64,
    account: u64,
    requests: u32,
    /// The last that the account asked when it came online.
    asked: String,
}

fn config() -> Config {
    let user = |name: &str| User {
        name: name.into(),
        token: Secret::new(name),
        ..User::default()
    };
    let route = |pattern: &str, to: &str| Route {
        pattern: pattern.into(),
        to: to.into(),
        ..Route::default()
    };
    let listener: Listener = format!("udp:{GATEWAY}").parse().unwrap();
    let mut config = Config {
        trunk: vec![Trunk {
            name: "pbx".into(),
            uri: format!("sip:{PHONE}"),
            health: Duration::ZERO,
            incoming_chat: Some("phones".into()),
            ..Trunk::default()
        }],
        component: vec![Component {
            name: "phones".into(),
            domain: "gw.example".into(),
            host: SERVER.into(),
            secret: Secret::new("s3cret"),
            callers: vec!["*@example.org".into()],
            ..Component::default()
        }],
        xmpp_account: vec![XmppAccount {
            name: "home".into(),
            jid: "bob@home.example".into(),
            password: Secret::new("pencil"),
            owner: "bob".into(),
            callers: vec!["*@home.example".into(), "*@example.org".into()],
            server: Some(HOME.into()),
            ca: None,
        }],
        route: vec![
            route("xmpp:*@example.org", "component:phones"),
            route("xmpp:*@gw.example", "component:phones"),
            route("xmpp:*@home.example", "chat"),
            route("alice", "user:alice"),
            route("nobody", "reject:forbidden"),
            route("*", "trunk:pbx"),
        ],
        auth: Auth {
            user: vec![user("alice"), user("bob")],
            ..Auth::default()
        },
        ..Config::default()
    };
    config.sip.listen = vec![listener];
    config.call.user_calls = true;
    config
}

const HEAD: &str = "<?xml version='1.0'?><stream:stream from='home.example' id='1' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

impl World {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        let (now, unix) = (Instant::now(), Duration::from_secs(1_700_000_000));
        let bound = [GATEWAY.parse().unwrap()];
        let mut gateway = Gateway::new(config, &bound, [7; 32], now, unix);
        gateway.begin(now);
        gateway.handle_timeout(now);
        let mut world = Self {
            gateway,
            now,
            said: Vec::new(),
            component: 0,
            account: 0,
            requests: 0,
            asked: String::new(),
        };
        world.drain();
        world.log_in();
        let home = world.heard("home").concat();
        let last = home.rfind("<iq ").unwrap();
        world.asked = home[last..].to_owned();
        for (connection, user) in [(1, "alice"), (2, "bob")] {
            world.comes(connection, user);
        }
        world.said.clear();
        world
    }

    fn comes(&mut self, connection: u64, user: &str) {
        let (id, peer) = (ConnectionId(connection), "192.0.2.99:1".into());
        self.input(Input::WsOpened {
            connection: id,
            peer,
        });
        self.client(connection, &json!({ "type": "hello", "token": user }));
    }

    fn log_in(&mut self) {
        let (component, account) = (self.component, self.account);
        self.input(Input::XmppOpened { stream: component });
        self.stanza(
            component,
            "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' \
             xmlns='jabber:component:accept' from='gw.example' id='3BF96D32'>",
        );
        self.stanza(component, "<handshake/>");
        self.input(Input::XmppOpened { stream: account });
        self.stanza(account, HEAD);
        let tls = "urn:ietf:params:xml:ns:xmpp-tls";
        let features = format!("<stream:features><starttls xmlns='{tls}'/></stream:features>");
        self.stanza(account, &features);
        self.stanza(account, &format!("<proceed xmlns='{tls}'/>"));
        self.input(Input::XmppOpened { stream: account });
        self.stanza(account, HEAD);
        let sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
        self.stanza(
            account,
            &format!(
                "<stream:features><mechanisms xmlns='{sasl}'><mechanism>PLAIN</mechanism>\
                 </mechanisms></stream:features>"
            ),
        );
        self.stanza(account, &format!("<success xmlns='{sasl}'/>"));
        self.stanza(account, HEAD);
        let bind = "urn:ietf:params:xml:ns:xmpp-bind";
        let features = format!("<stream:features><bind xmlns='{bind}'/></stream:features>");
        self.stanza(account, &features);
        self.stanza(
            account,
            &format!(
                "<iq type='result' id='bind'><bind xmlns='{bind}'>\
                 <jid>bob@home.example/gw</jid></bind></iq>"
            ),
        );
    }

    fn input(&mut self, input: Input) {
        self.gateway.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.gateway.poll_output() {
            let said = match output {
                Output::WsText { connection, text } => match connection.0 {
                    1 => ("alice", text),
                    _ => ("bob", text),
                },
                Output::Datagram { bytes, .. } => {
                    ("phone", String::from_utf8(bytes.to_vec()).unwrap())
                }
                Output::XmppConnect { stream, remote, .. } => {
                    match remote.ip().to_string() == SERVER {
                        true => self.component = stream,
                        false => self.account = stream,
                    }
                    continue;
                }
                Output::XmppBytes { stream, bytes } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    match stream == self.component {
                        true => ("server", text),
                        false => ("home", text),
                    }
                }
                Output::XmppStartTls { .. } => continue,
                other => ("outside", format!("{other:?}")),
            };
            self.said.push(said);
        }
    }

    fn client(&mut self, connection: u64, frame: &Value) {
        let (connection, text) = (ConnectionId(connection), frame.to_string());
        self.input(Input::WsText { connection, text });
    }

    fn send(&mut self, connection: u64, id: &str, to: &str, text: &str) {
        let frame = json!({ "type": "message.send", "id": id, "to": to, "text": text });
        self.client(connection, &frame);
    }

    fn stanza(&mut self, stream: u64, text: &str) {
        let bytes = text.to_owned().into();
        self.input(Input::XmppBytes { stream, bytes });
    }

    /// A chat user of the component's server writes.
    fn chat(&mut self, to: &str, id: &str, body: &str) {
        let text = format!(
            "<message type='chat' id='{id}' from='juliet@example.org/phone' to='{to}'>\
             <body>{body}</body><request xmlns='urn:xmpp:receipts'/></message>"
        );
        self.stanza(self.component, &text);
    }

    fn datagram(&mut self, text: String) {
        self.input(Input::Datagram {
            local: 0,
            remote: PHONE.parse().unwrap(),
            bytes: text.into(),
        });
    }

    /// The phone writes to a user part at the gateway.
    fn page(&mut self, user: &str, body: &str) {
        self.requests += 1;
        let (number, length) = (self.requests, body.len());
        self.datagram(format!(
            "MESSAGE sip:{user}@{GATEWAY} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {PHONE};branch=z9hG4bK-{number}\r\nMax-Forwards: 70\r\n\
             From: \"Desk\" <sip:1001@pbx.example>;tag=p{number}\r\nTo: <sip:{user}@{GATEWAY}>\r\n\
             Call-ID: page-{number}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ));
    }

    /// The phone answers a MESSAGE.
    fn answers(&mut self, message: &str, status: u16) {
        let fields = ["Via", "From", "To", "Call-ID", "CSeq"];
        let lines = message.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            fields.contains(&name)
        });
        let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
        self.datagram(format!(
            "SIP/2.0 {status} Whatever\r\n{lines}Content-Length: 0\r\n\r\n"
        ));
    }

    /// All that one of them has heard since, blanks that keep a stream alive left out.
    fn heard(&mut self, who: &str) -> Vec<String> {
        let all = std::mem::take(&mut self.said);
        let (his, others) = all.into_iter().partition::<Vec<_>, _>(|(of, _)| *of == who);
        self.said = others;
        let texts = his.into_iter().map(|(_, text)| text);
        texts.filter(|text| !text.trim().is_empty()).collect()
    }

    /// The one thing that one of them has heard.
    fn one(&mut self, who: &str) -> String {
        let mut heard = self.heard(who);
        assert_eq!(heard.len(), 1, "{who}: {heard:#?}");
        heard.remove(0)
    }

    fn frames(&mut self, who: &str) -> Vec<Value> {
        let heard = self.heard(who).into_iter();
        heard
            .map(|text| serde_json::from_str(&text).unwrap())
            .collect()
    }

    fn frame(&mut self, who: &str) -> Value {
        serde_json::from_str(&self.one(who)).unwrap()
    }

    fn nobody_heard_more(&mut self) {
        self.said.retain(|(_, text)| !text.trim().is_empty());
        assert_eq!(self.said, []);
    }

    /// The client has the events up to here.
    fn acknowledges(&mut self, connection: u64, seq: u64) {
        self.client(connection, &json!({ "type": "ack", "ack": seq }));
    }

    fn wait(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some((at, _)) = self.gateway.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.gateway.handle_timeout(self.now);
            self.drain();
            // Clients live, and their servers too.
            for connection in [1, 2] {
                self.client(connection, &json!({ "type": "ping" }));
            }
            for stream in [self.component, self.account] {
                self.stanza(stream, " ");
            }
            self.said.retain(|(_, text)| !text.contains("\"pong\""));
        }
        self.now = until;
    }

    fn metric(&self, event: &str) -> u64 {
        let page = self.gateway.metrics();
        let name = format!("crosspoint_events_total{{event=\"text_{event}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("{page}")).parse().unwrap()
    }
}

/// The value of an attribute, the first of its name.
fn attribute(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!(" {name}='")).unwrap();
    rest.split('\'').next().unwrap().to_owned()
}

fn start_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

#[test]
fn client_writes_to_a_client() {
    let mut world = World::new();
    world.send(1, "m1", "user:bob", "hello");
    assert_eq!(world.frame("alice")["type"], "result");
    let incoming = world.frame("bob");
    assert_eq!(incoming["type"], "message.incoming");
    assert_eq!(
        (&incoming["from"]["uri"], &incoming["to"], &incoming["text"]),
        (&json!("user:alice"), &json!("user:bob"), &json!("hello"))
    );
    world.nobody_heard_more();
    world.acknowledges(2, 1);
    let delivered = world.frame("alice");
    assert_eq!(
        (&delivered["type"], &delivered["id"]),
        (&json!("message.delivered"), &json!("m1"))
    );
    world.nobody_heard_more();
    assert!(world.gateway.is_idle());
    assert_eq!(
        (world.metric("from_clients"), world.metric("delivered")),
        (1, 1)
    );
    assert!(
        world.gateway.traced_calls(world.now).is_empty(),
        "it is no call"
    );
}

#[test]
fn client_writes_to_a_phone() {
    let mut world = World::new();
    world.send(1, "m1", "1001", "hello");
    assert_eq!(world.frame("alice")["type"], "result");
    let message = world.one("phone");
    assert_eq!(
        start_line(&message),
        "MESSAGE sip:1001@192.0.2.10:5060 SIP/2.0"
    );
    assert!(message.contains("\r\nContent-Type: text/plain;charset=UTF-8\r\n"));
    assert!(message.contains("From: <sip:alice@") && message.ends_with("\r\n\r\nhello"));
    world.answers(&message, 200);
    assert_eq!(world.frame("alice")["type"], "message.delivered");
    world.send(1, "m2", "1002", "hello");
    world.frame("alice");
    let message = world.one("phone");
    world.answers(&message, 404);
    let failed = world.frame("alice");
    assert_eq!(
        (
            &failed["type"],
            &failed["id"],
            &failed["cause"],
            &failed["sip"]["status"]
        ),
        (
            &json!("message.failed"),
            &json!("m2"),
            &json!("not_found"),
            &json!(404)
        )
    );
    world.wait(40);
    world.nobody_heard_more();
    assert!(world.gateway.is_idle());
}

#[test]
fn client_writes_to_a_chat_user_by_the_component_and_has_a_receipt() {
    let mut world = World::new();
    world.send(1, "m1", "xmpp:juliet@example.org", "a < b & c");
    assert_eq!(world.frame("alice")["type"], "result");
    let message = world.one("server");
    assert!(
        message.contains("<body>a &lt; b &amp; c</body>"),
        "{message}"
    );
    assert_eq!(attribute(&message, "from"), "alice@gw.example/crosspoint");
    assert_eq!(attribute(&message, "to"), "juliet@example.org");
    assert!(message.contains("<request xmlns='urn:xmpp:receipts'/>"));
    let id = attribute(&message, "id");
    let receipt = |from: &str| {
        format!(
            "<message from='{from}' to='alice@gw.example/crosspoint' id='r'>\
             <received xmlns='urn:xmpp:receipts' id='{id}'/></message>"
        )
    };
    let component = world.component;
    world.stanza(component, &receipt("mallory@example.org/x"));
    world.nobody_heard_more();
    world.stanza(component, &receipt("juliet@example.org/phone"));
    assert_eq!(world.frame("alice")["type"], "message.delivered");
    world.stanza(component, &receipt("juliet@example.org/desk"));
    world.nobody_heard_more();
    assert!(world.gateway.is_idle());
}

#[test]
fn error_of_a_chat_server_is_told_and_silence_is_not() {
    let mut world = World::new();
    world.send(1, "m1", "xmpp:juliet@example.org", "hello");
    let id = attribute(&world.one("server"), "id");
    let component = world.component;
    world.stanza(
        component,
        &format!(
            "<message type='error' id='{id}' from='juliet@example.org' \
             to='alice@gw.example/crosspoint'><body>hello</body><error type='cancel'>\
             <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        ),
    );
    let frames = world.frames("alice");
    assert_eq!(
        (&frames[1]["type"], &frames[1]["cause"], &frames[1]["sip"]),
        (&json!("message.failed"), &json!("not_found"), &Value::Null)
    );
    world.send(1, "m2", "xmpp:romeo@example.org", "hello");
    world.frame("alice");
    world.one("server");
    assert!(!world.gateway.is_idle());
    world.wait(601);
    assert_eq!(world.frames("alice"), [] as [Value; 0]);
    assert!(world.gateway.is_idle());
    assert_eq!(world.metric("unknown"), 1);
}

#[test]
fn phone_writes_to_a_client_and_hears_200_once_he_has_it() {
    let mut world = World::new();
    world.page("alice", "hello");
    let incoming = world.frame("alice");
    assert_eq!(
        (&incoming["from"]["uri"], &incoming["from"]["display_name"]),
        (&json!("sip:1001@pbx.example"), &json!("Desk"))
    );
    world.nobody_heard_more();
    world.acknowledges(1, 1);
    assert_eq!(start_line(&world.one("phone")), "SIP/2.0 200 OK");
    world.page("alice", "again");
    world.frame("alice");
    world.wait(3);
    assert_eq!(start_line(&world.one("phone")), "SIP/2.0 202 Accepted");
    world.acknowledges(1, 2);
    world.nobody_heard_more();
    world.page("carol", "hello");
    assert_eq!(
        start_line(&world.one("phone")),
        "SIP/2.0 480 Temporarily Unavailable"
    );
    world.wait(40);
    assert!(world.gateway.is_idle());
}

#[test]
fn phone_writes_to_a_chat_user() {
    let mut world = World::new();
    world.page("juliet%40example.org", "hello");
    let message = world.one("server");
    assert_eq!(
        attribute(&message, "from"),
        "1001\\40pbx.example@gw.example/crosspoint"
    );
    assert!(message.contains("<body>hello</body>"));
    let id = attribute(&message, "id");
    let component = world.component;
    world.stanza(
        component,
        &format!(
            "<message from='juliet@example.org/phone' to='1001\\40pbx.example@gw.example'>\
             <received xmlns='urn:xmpp:receipts' id='{id}'/></message>"
        ),
    );
    assert_eq!(start_line(&world.one("phone")), "SIP/2.0 200 OK");
    // RFC 4320 §4.2: 408 is no answer to a MESSAGE.
    world.page("juliet%40example.org", "again");
    let id = attribute(&world.one("server"), "id");
    world.stanza(
        component,
        &format!(
            "<message type='error' id='{id}' from='juliet@example.org' to='x@gw.example'>\
             <error type='wait'><remote-server-timeout \
             xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        ),
    );
    assert_eq!(
        start_line(&world.one("phone")),
        "SIP/2.0 480 Temporarily Unavailable"
    );
    // A chat address of our own would go round.
    world.page("x%40gw.example", "hello");
    assert_eq!(start_line(&world.one("phone")), "SIP/2.0 404 Not Found");
    world.nobody_heard_more();
}

#[test]
fn chat_user_writes_to_a_phone_and_has_a_receipt_or_an_error() {
    let mut world = World::new();
    world.chat("1001@gw.example", "x1", "hello");
    let message = world.one("phone");
    assert_eq!(
        start_line(&message),
        "MESSAGE sip:1001@192.0.2.10:5060 SIP/2.0"
    );
    assert!(
        message.contains("From: <sip:juliet%40example.org@"),
        "{message}"
    );
    world.answers(&message, 202);
    let receipt = world.one("server");
    assert!(
        receipt.contains("<received xmlns='urn:xmpp:receipts' id='x1'/>"),
        "{receipt}"
    );
    assert_eq!(attribute(&receipt, "to"), "juliet@example.org/phone");
    assert_eq!(attribute(&receipt, "from"), "1001@gw.example");
    for (status, condition) in [(404, "item-not-found"), (480, "recipient-unavailable")] {
        world.chat("1001@gw.example", "x2", "hello");
        let message = world.one("phone");
        world.answers(&message, status);
        let error = world.one("server");
        assert!(error.contains(&format!("<{condition} ")), "{error}");
        assert_eq!(
            (attribute(&error, "type"), attribute(&error, "id")),
            ("error".into(), "x2".into())
        );
    }
    world.wait(40);
    world.nobody_heard_more();
    assert!(world.gateway.is_idle());
}

#[test]
fn chat_user_writes_to_a_client() {
    let mut world = World::new();
    world.chat("alice@gw.example", "x1", "hello");
    let incoming = world.frame("alice");
    assert_eq!(
        (&incoming["from"]["uri"], &incoming["text"]),
        (&json!("xmpp:juliet@example.org"), &json!("hello"))
    );
    world.nobody_heard_more();
    world.acknowledges(1, 1);
    assert!(world.one("server").contains("<received "));
    // Strangers, nobody, what the plan rejects, a chat user by way of us.
    let component = world.component;
    world.stanza(
        component,
        "<message id='y' from='mallory@example.net/x' to='alice@gw.example'>\
         <body>hello</body></message>",
    );
    assert!(world.one("server").contains("<forbidden "));
    world.chat("nobody@gw.example", "x2", "hello");
    assert!(world.one("server").contains("<forbidden "));
    // The plan knows him for clients alone.
    world.chat("gw.example", "x3", "hello");
    assert!(world.one("server").contains("<service-unavailable "));
    let long = "x".repeat(8193);
    world.chat("alice@gw.example", "x4", &long);
    assert!(world.one("server").contains("<policy-violation "));
    world.nobody_heard_more();
    assert!(world.gateway.is_idle());
    assert_eq!(
        (world.metric("from_chats"), world.metric("refused")),
        (2, 3)
    );
}

#[test]
fn client_writes_by_his_own_account_and_is_written_to() {
    let mut world = World::new();
    world.send(2, "m1", "xmpp:carol@home.example", "hello");
    assert_eq!(world.frame("bob")["type"], "result");
    let message = world.one("home");
    assert!(
        !message.contains(" from="),
        "the server says whose it is: {message}"
    );
    assert_eq!(attribute(&message, "to"), "carol@home.example");
    // Alice has no account there.
    world.send(1, "m2", "xmpp:carol@home.example", "hello");
    assert_eq!(world.frame("alice")["code"], "not_found");
    let account = world.account;
    world.stanza(
        account,
        "<message type='chat' id='c1' from='carol@home.example/x' to='bob@home.example'>\
         <body>hello</body><request xmlns='urn:xmpp:receipts'/></message>",
    );
    let incoming = world.frame("bob");
    assert_eq!(
        (&incoming["from"]["uri"], &incoming["to"]),
        (&json!("xmpp:carol@home.example"), &json!("user:bob"))
    );
    world.acknowledges(2, 1);
    let receipt = world.one("home");
    assert_eq!(attribute(&receipt, "to"), "carol@home.example/x");
    assert!(receipt.contains(" id='c1'/>"), "{receipt}");
    // What his other client has sent is nothing to this one.
    world.stanza(
        account,
        "<message from='bob@home.example'><sent xmlns='urn:xmpp:carbons:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat' \
         from='bob@home.example/x' to='carol@home.example'><body>mine</body></message>\
         </forwarded></sent></message>",
    );
    world.nobody_heard_more();
}

#[test]
fn message_to_an_address_of_ours_at_a_chat_server_is_refused() {
    let mut world = World::new();
    world.send(1, "m1", "xmpp:1001@gw.example", "hello");
    assert_eq!(world.frame("alice")["code"], "not_found");
    world.send(1, "m2", "join:tea", "hello");
    assert_eq!(world.frame("alice")["code"], "not_found");
    world.nobody_heard_more();
    assert!(world.gateway.is_idle());
}

#[test]
fn chat_server_that_is_lost_is_told_when_the_message_has_waited() {
    let mut world = World::new();
    let stream = world.component;
    world.input(Input::XmppClosed { stream });
    world.said.clear();
    world.send(1, "m1", "xmpp:juliet@example.org", "hello");
    assert_eq!(world.frame("alice")["type"], "result");
    for _ in 0..40 {
        let stream = world.component;
        let reason = "refused".to_owned();
        world.input(Input::XmppFailed { stream, reason });
        world.wait(1);
    }
    let failed = world.frame("alice");
    assert_eq!(
        (&failed["type"], &failed["cause"]),
        (&json!("message.failed"), &json!("unreachable"))
    );
}

#[test]
fn so_many_messages_of_one_sender_wait_and_no_more() {
    let mut config = config();
    config.text.waiting_per_sender = 2;
    config.text.waiting_max = 3;
    let mut world = World::with(config);
    for id in ["m1", "m2", "m3"] {
        world.send(1, id, "user:bob", "hello");
    }
    let codes: Vec<_> = world
        .frames("alice")
        .iter()
        .map(|f| f["code"].clone())
        .collect();
    assert_eq!(codes, [Value::Null, Value::Null, json!("overloaded")]);
    world.page("bob", "one");
    world.page("bob", "two");
    assert!(world.one("phone").starts_with("SIP/2.0 503 "));
    world.chat("alice@gw.example", "x", "hello");
    assert!(world.one("server").contains("<resource-constraint "));
    assert_eq!(world.metric("waiting_max"), 3);
    world.acknowledges(2, 3);
    assert!(world.one("phone").starts_with("SIP/2.0 200 "));
    world.wait(40);
    assert!(world.gateway.is_idle());
}

#[test]
fn end_of_the_gateway_takes_no_more_and_leaves_nobody_waiting() {
    let mut world = World::new();
    world.page("alice", "hello");
    world.frame("alice");
    world.input(Input::Stop);
    assert!(world.one("phone").starts_with("SIP/2.0 202 "));
    world.chat("alice@gw.example", "x", "hello");
    world.page("alice", "late");
    let late = world.heard("phone");
    assert!(
        late.iter().all(|text| text.starts_with("SIP/2.0 503 ")),
        "{late:?}"
    );
    world.wait(40);
    assert!(world.gateway.is_idle());
}

/// Not text, and by the same wires: what a user's chat server tells of servers for media.
#[test]
fn turn_of_the_chat_server_reaches_the_owners_page_and_is_asked_for_again() {
    let mut world = World::new();
    let asked = world.asked.clone();
    assert!(
        asked.contains("<services xmlns='urn:xmpp:extdisco:2'/>"),
        "{asked}"
    );
    assert_eq!(attribute(&asked, "to"), "home.example");
    let answer = |id: &str, user: &str, expires: &str| {
        format!(
            "<iq type='result' id='{id}' from='home.example'><services \
             xmlns='urn:xmpp:extdisco:2'><service type='turn' host='turn.home.example' \
             port='3478' transport='udp' username='{user}' password='p' expires='{expires}'/>\
             <service type='turn' host='evil&#10;host'/></services></iq>"
        )
    };
    let account = world.account;
    // The clock of the world began at 22:13:20.
    let id = attribute(&asked, "id");
    world.stanza(account, &answer(&id, "one", "2023-11-14T23:13:20Z"));
    let told = world.frame("bob");
    assert_eq!(told["type"], "ice.servers");
    assert_eq!(
        told["ice_servers"],
        json!([{ "urls": ["turn:turn.home.example:3478?transport=udp"],
            "username": "one", "credential": "p" }])
    );
    world.nobody_heard_more();
    world.comes(3, "bob");
    let welcome = &world.frames("bob")[0];
    assert_eq!(welcome["ice_servers"][0]["username"], "one");
    world.wait(1801);
    let again = world.heard("home").concat();
    let (before, _) = again.split_once("extdisco").unwrap();
    let id = attribute(&before[before.rfind("<iq ").unwrap()..], "id");
    world.heard("bob");
    world.stanza(account, &answer(&id, "two", "2023-11-15T00:13:20Z"));
    let told = &world.frames("bob")[0];
    assert_eq!(told["ice_servers"][0]["username"], "two");
}
