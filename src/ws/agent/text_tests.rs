//! Text messages on the clients' side.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Rig, SECRET, UNIX, two_users, types};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::id::NoteId;
use crate::text::{Author, Failure, Note, Outcome, Text};
use crate::ws::auth::{claims, mint};
use crate::ws::code::Code;

fn note(text: &str) -> Note {
    Note {
        from: Author {
            uri: "sip:1001@pbx".into(),
            display_name: Some("Desk".into()),
        },
        to: Address::User("alice".into()),
        text: Text::new(text, 100).unwrap(),
    }
}

fn send(id: &str, to: &str, text: &str) -> Value {
    json!({ "type": "message.send", "id": id, "to": to, "text": text })
}

impl Rig {
    fn give(&mut self, number: u64, text: &str) {
        let session = self.session_of("alice");
        self.agent
            .give_text(session, NoteId(number), Some("desk"), &note(text));
        self.settle();
    }

    fn take(&mut self) {
        let sent = self.texts.last().unwrap();
        self.agent.text_taken(sent.session, &sent.request);
        self.settle();
    }

    fn news(&mut self, outcome: Outcome) {
        let sent = self.texts.last().unwrap();
        let (session, request) = (sent.session, sent.request.clone());
        self.agent.text_told(session, &request, outcome);
        self.settle();
    }

    fn delivered(&mut self) -> Vec<(u64, bool)> {
        let outcomes = std::mem::take(&mut self.outcomes).into_iter();
        outcomes
            .map(|(note, outcome)| (note.0, outcome == Outcome::Delivered))
            .collect()
    }
}

#[test]
fn message_is_taken_and_its_news_told_under_its_request() {
    let mut rig = Rig::with_alice();
    rig.say(1, &send("m1", "tel:+15551234", "hello"));
    assert_eq!(rig.texts[0].to.to_string(), "tel:+15551234");
    assert_eq!(rig.texts[0].text.as_str(), "hello");
    rig.take();
    rig.news(Outcome::Delivered);
    rig.say(1, &send("m2", "1001", "hello"));
    rig.take();
    let failure = Failure {
        status: Some((404, "Not Found".into())),
        ..Failure::of(Cause::NotFound)
    };
    rig.news(Outcome::Failed(failure));
    let heard = rig.heard(1);
    let kinds = ["result", "message.delivered", "result", "message.failed"];
    assert_eq!(types(&heard), kinds);
    assert_eq!(heard[1]["id"], "m1");
    assert_eq!(
        (
            &heard[3]["id"],
            &heard[3]["cause"],
            &heard[3]["sip"]["status"]
        ),
        (&json!("m2"), &json!("not_found"), &json!(404))
    );
    assert!(rig.trace.is_empty(), "messages are of no call's trace");
}

#[test]
fn repeated_request_sends_once_and_another_text_under_its_id_is_a_conflict() {
    let mut rig = Rig::with_alice();
    let first = send("m1", "1001", "hello");
    rig.say(1, &first);
    rig.take();
    let again = rig.asks(1, &first);
    assert_eq!((&again["type"], rig.texts.len()), (&json!("result"), 1));
    let other = rig.asks(1, &send("m1", "1001", "other"));
    assert_eq!((&other["code"], rig.texts.len()), (&json!("conflict"), 1));
    rig.news(Outcome::Delivered);
    rig.say(1, &send("m1", "1001", "third"));
    assert_eq!(rig.texts.len(), 2);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut rig = Rig::with_alice();
    let long = "x".repeat(8193);
    for (to, text, code) in [
        ("", "a", "bad_address"),
        ("mailto:a@b", "a", "bad_address"),
        ("1001", " ", "bad_frame"),
        ("1001", long.as_str(), "too_large"),
    ] {
        let reply = rig.asks(1, &send(&format!("{code}{to}"), to, text));
        assert_eq!(reply["code"], code, "{to} {text:.9}");
    }
    assert!(rig.texts.is_empty() && rig.closed.is_empty());
    rig.say(1, &send("m", "1001", &"x".repeat(8192)));
    let (session, request) = (rig.texts[0].session, rig.texts[0].request.clone());
    let why = "the dial plan has no line for this address";
    rig.agent
        .text_refused(session, &request, Code::NotFound, why);
    rig.settle();
    assert_eq!(rig.heard(1)[0]["code"], "not_found");
    rig.agent.drain();
    let reply = rig.asks(1, &send("late", "1001", "a"));
    assert_eq!(reply["code"], "draining");
}

#[test]
fn message_is_delivered_once_its_event_is_acknowledged() {
    let mut rig = Rig::with_alice();
    rig.give(7, "one");
    rig.give(8, "two");
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["message.incoming"; 2]);
    assert_eq!(
        (
            &heard[0]["from"]["uri"],
            &heard[0]["account"],
            &heard[0]["text"]
        ),
        (&json!("sip:1001@pbx"), &json!("desk"), &json!("one"))
    );
    assert_eq!(rig.delivered(), []);
    rig.say(1, &json!({ "type": "ack", "ack": 1 }));
    assert_eq!(rig.delivered(), [(7, true)]);
    rig.say(1, &json!({ "type": "ping", "ack": 2 }));
    rig.say(1, &json!({ "type": "ping", "ack": 2 }));
    assert_eq!(rig.delivered(), [(8, true)]);
}

#[test]
fn message_waits_for_a_client_that_comes_back_and_is_lost_with_one_that_does_not() {
    let mut rig = Rig::with_alice();
    let session = rig.enter(2, "bob");
    let bob = rig.session_of("bob");
    rig.lose(2);
    rig.agent.give_text(bob, NoteId(5), None, &note("one"));
    let heard = rig.resume(3, "bob", &session, 0);
    assert_eq!(types(&heard), ["welcome", "message.incoming", "sync"]);
    assert_eq!(rig.delivered(), []);
    rig.lose(3);
    let heard = rig.resume(4, "bob", &session, 1);
    assert_eq!(types(&heard), ["welcome", "sync"]);
    assert_eq!(rig.delivered(), [(5, true)]);
    rig.agent.give_text(bob, NoteId(6), None, &note("two"));
    rig.lose(4);
    rig.wait(Duration::from_secs(60));
    assert_eq!(rig.delivered(), [(6, false)]);
}

#[test]
fn message_among_events_that_were_lost_is_lost() {
    let mut config = two_users();
    config.client.replay_events_max = 2;
    let mut rig = Rig::new(&config);
    let session = rig.enter(1, "alice");
    rig.give(1, "one");
    rig.lose(1);
    for number in 2..=4 {
        rig.give(number, "more");
    }
    let heard = rig.resume(2, "alice", &session, 1);
    assert_eq!(heard[0]["resumed"], "snapshot");
    // The first two were forgotten with their events' places; nobody says that they arrived.
    assert_eq!(rig.delivered(), [(3, false), (4, false)]);
}

#[test]
fn token_may_allow_calls_alone() {
    let mut rig = Rig::with_alice();
    let mut claims = claims("carol", UNIX, Duration::from_secs(600));
    claims.verbs = Some(vec!["call.*".into()]);
    let token = mint(&claims, SECRET).unwrap();
    rig.hello(5, json!({ "token": token }));
    let reply = rig.asks(5, &send("m", "1001", "hello"));
    assert_eq!(reply["code"], "forbidden");
}

#[test]
fn servers_for_media_of_a_user_are_in_his_welcome_and_told_when_they_change() {
    let mut config = two_users();
    let server = |url: &str| crate::config::IceServer {
        urls: vec![url.into()],
        username: Some("u".into()),
        credential: Some(crate::config::Secret::new("p")),
    };
    config.client.ice_server = vec![server("turn:ours")];
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    rig.enter(2, "bob");
    rig.agent.set_ice_servers("alice", vec![server("turn:his")]);
    rig.settle();
    let told = &rig.heard(1)[0];
    assert_eq!(
        (&told["type"], &told["seq"]),
        (&json!("ice.servers"), &json!(1))
    );
    let urls = |servers: &Value| -> Vec<Value> {
        let all = servers.as_array().unwrap().iter();
        all.map(|server| server["urls"][0].clone()).collect()
    };
    assert_eq!(urls(&told["ice_servers"]), ["turn:ours", "turn:his"]);
    assert_eq!(told["ice_servers"][1]["credential"], "p");
    assert!(rig.heard(2).is_empty());
    let welcome = rig.hello(3, json!({ "token": "alice's token" })).remove(0);
    assert_eq!(urls(&welcome["ice_servers"]), ["turn:ours", "turn:his"]);
    let welcome = rig.hello(4, json!({ "token": "bob's token" })).remove(0);
    assert_eq!(urls(&welcome["ice_servers"]), ["turn:ours"]);
    rig.agent.set_ice_servers("alice", Vec::new());
    rig.settle();
    assert_eq!(urls(&rig.heard(1)[0]["ice_servers"]), ["turn:ours"]);
}
