//! Two clients of one gateway, through all of it: who is told what, in which order.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosspoint::config::{Auth, Config, Secret, User};
use crosspoint::gateway::{Gateway, Input, Output};
use crosspoint::ws::ConnectionId;
use serde_json::{Value, json};

struct Clients {
    gateway: Gateway,
    now: Instant,
    heard: BTreeMap<u64, Vec<Value>>,
}

fn sdp(name: &str) -> String {
    let path = format!(
        "{}/tests/fixtures/sdp/{name}.sdp",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

fn offer() -> Value {
    json!({ "type": "offer", "sdp": sdp("chrome-audio-offer-gathered") })
}

fn answer() -> Value {
    json!({ "type": "answer", "sdp": sdp("chrome-p-audio-answer-gathered") })
}

impl Clients {
    /// Alice on connection 1, bob on 2, and bob's other tab on 3.
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let user = |name: &str| User {
            name: name.into(),
            token: Secret::new(name),
            ..User::default()
        };
        let auth = Auth {
            user: vec![user("alice"), user("bob")],
            ..Auth::default()
        };
        let config = Config { auth, ..config };
        let (now, unix) = (Instant::now(), Duration::from_secs(1_700_000_000));
        let bound = ["127.0.0.1:5060".parse().unwrap(); 2];
        let gateway = Gateway::new(config, &bound, [7; 32], now, unix);
        let heard = BTreeMap::new();
        let mut clients = Self {
            gateway,
            now,
            heard,
        };
        for (connection, user) in [(1, "alice"), (2, "bob"), (3, "bob")] {
            let opened = Input::WsOpened {
                connection: ConnectionId(connection),
                peer: "192.0.2.1:1".into(),
            };
            clients.handle(opened);
            let capabilities = ["trickle", "pranswer"];
            let hello = json!({ "type": "hello", "token": user, "capabilities": capabilities });
            clients.say(connection, &hello);
            assert_eq!(clients.types(connection), ["welcome", "sync"]);
        }
        clients
    }

    fn handle(&mut self, input: Input) {
        self.gateway.handle(input, self.now);
        while let Some(output) = self.gateway.poll_output() {
            if let Output::WsText { connection, text } = output {
                let frame = serde_json::from_str(&text).unwrap();
                self.heard.entry(connection.0).or_default().push(frame);
            }
        }
    }

    fn say(&mut self, connection: u64, frame: &Value) {
        let (connection, text) = (ConnectionId(connection), frame.to_string());
        self.handle(Input::WsText { connection, text });
    }

    /// What a connection heard since it was last asked.
    fn heard(&mut self, connection: u64) -> Vec<Value> {
        self.heard.remove(&connection).unwrap_or_default()
    }

    fn types(&mut self, connection: u64) -> Vec<String> {
        let heard = self.heard(connection).into_iter();
        heard
            .map(|frame| frame["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn client_calls_a_user_on_two_devices_and_one_of_them_answers() {
    let mut clients = Clients::new();
    let create = json!({ "type": "call.create", "id": "1", "call": "a1", "to": "user:bob",
        "description": offer() });
    clients.say(1, &create);
    assert_eq!(clients.types(1), ["result"]);
    let incoming = clients.heard(2);
    assert_eq!(
        (&incoming[0]["type"], &incoming[0]["need"]),
        (&json!("call.incoming"), &json!("answer"))
    );
    assert_eq!(incoming[0]["from"]["uri"], "user:alice");
    assert_eq!(clients.types(3), ["call.incoming"]);
    let call = incoming[0]["call"].clone();

    clients.say(2, &json!({ "type": "call.ring", "id": "1", "call": call }));
    clients.say(3, &json!({ "type": "call.ring", "id": "1", "call": call }));
    assert_eq!(clients.types(1), ["call.ringing"]);
    clients.heard(2);
    clients.heard(3);

    let accept = json!({ "type": "call.accept", "id": "2", "call": call, "negotiation": 1,
        "description": answer() });
    clients.say(2, &accept);
    let alice = clients.heard(1);
    assert_eq!(
        (&alice[0]["type"], &alice[0]["negotiation"]),
        (&json!("call.accepted"), &json!(1))
    );
    assert_eq!(alice[0]["description"]["type"], "answer");
    assert_eq!((&alice[1]["type"], alice.len()), (&json!("call.media"), 2));
    assert_eq!(clients.types(2), ["result", "call.accepted", "call.media"]);
    let other = clients.heard(3);
    assert_eq!(
        (&other[0]["type"], &other[0]["cause"]),
        (&json!("call.ended"), &json!("answered_elsewhere"))
    );

    clients.say(2, &json!({ "type": "call.end", "id": "3", "call": call }));
    assert_eq!(clients.types(2), ["result", "call.ended"]);
    let ended = clients.heard(1);
    assert_eq!(
        (&ended[0]["cause"], &ended[0]["by"]),
        (&json!("normal"), &json!("remote"))
    );
    assert!(clients.gateway.is_idle());
}

#[test]
fn two_clients_meet_at_a_word_and_the_second_rolls_back() {
    let mut clients = Clients::new();
    let create = |call: &str| {
        json!({ "type": "call.create", "id": call, "call": call, "to": "join:tea",
            "description": offer() })
    };
    clients.say(1, &create("a1"));
    assert_eq!(clients.types(1), ["result"]);
    clients.say(2, &create("b1"));
    let bob = clients.heard(2);
    let kinds: Vec<_> = bob
        .iter()
        .map(|frame| frame["description"]["type"].clone())
        .collect();
    assert_eq!(kinds, [Value::Null, json!("rollback"), json!("offer")]);
    assert_eq!(
        (&bob[1]["code"], &bob[2]["negotiation"]),
        (&json!("glare"), &json!(1))
    );
    let describe = json!({ "type": "call.description", "id": "2", "call": "b1", "negotiation": 1,
        "description": answer() });
    clients.say(2, &describe);
    assert_eq!(clients.types(2), ["result", "call.accepted", "call.media"]);
    let alice = clients.heard(1);
    assert_eq!(alice[0]["description"]["type"], "answer");
    clients.say(1, &json!({ "type": "call.end", "id": "3", "call": "a1" }));
    assert_eq!(clients.heard(2)[0]["cause"], "normal");
    assert!(clients.gateway.is_idle());
}

#[test]
fn words_of_calls_that_are_refused_are_forgotten() {
    let mut config = Config::default();
    config.call.calls_max = 1;
    let mut clients = Clients::with(config);
    for number in 0..3 {
        let call = format!("a{number}");
        let create = json!({ "type": "call.create", "id": call, "call": call,
            "to": format!("join:w{number}"), "description": offer() });
        clients.say(1, &create);
    }
    let ended = clients.types(1);
    assert_eq!(ended.iter().filter(|kind| *kind == "call.ended").count(), 2);
    clients.say(1, &json!({ "type": "call.end", "id": "9", "call": "a0" }));
    assert!(clients.gateway.is_idle());
}

#[test]
fn crossing_offers_end_with_the_one_that_came_first() {
    let mut clients = Clients::new();
    let create = json!({ "type": "call.create", "id": "1", "call": "a1", "to": "user:bob",
        "description": offer() });
    clients.say(1, &create);
    let call = clients.heard(2)[0]["call"].clone();
    let accept = json!({ "type": "call.accept", "id": "2", "call": call, "description": answer() });
    clients.say(2, &accept);
    clients.heard(1);
    clients.heard(2);
    let held = json!({ "type": "offer", "sdp": sdp("chrome-p-audio-hold-offer") });
    let describe = |call: &Value, number: u64| {
        json!({ "type": "call.description", "id": "9", "call": call, "negotiation": number,
            "description": held })
    };
    clients.say(1, &describe(&json!("a1"), 2));
    let offered = clients.heard(2);
    assert_eq!(
        (
            &offered[0]["description"]["type"],
            &offered[0]["negotiation"]
        ),
        (&json!("offer"), &json!(2))
    );
    clients.say(2, &describe(&call, 5));
    let bob = clients.heard(2);
    assert_eq!(
        (&bob[1]["code"], &bob[1]["negotiation"]),
        (&json!("glare"), &json!(5))
    );
    let answer = json!({ "type": "answer", "sdp": sdp("chrome-p-audio-hold-answer") });
    let reply = json!({ "type": "call.description", "id": "10", "call": call, "negotiation": 2,
        "description": answer });
    clients.say(2, &reply);
    let alice = clients.heard(1);
    assert_eq!(
        (&alice[1]["description"]["type"], &alice[1]["negotiation"]),
        (&json!("answer"), &json!(2))
    );
}
