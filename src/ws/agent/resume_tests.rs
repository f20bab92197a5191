//! Claims about what outlives a connection.

use std::time::Duration;

use serde_json::json;

use super::rig::{Rig, answer, offer, sdp, two_users, types};
use crate::call::signal::Signal;

/// A call of alice's that rings and is answered while her connection is lost, and her session.
fn answered_in_the_gap() -> (Rig, String) {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    let leg = rig.create(1, "c1");
    rig.lose(1);
    rig.apply(leg, Signal::Ring);
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    (rig, session)
}

#[test]
fn missed_events_come_again_between_welcome_and_sync() {
    let (mut rig, session) = answered_in_the_gap();
    assert_eq!(
        rig.signalled(),
        Vec::<String>::new(),
        "a lost connection says nothing to anybody"
    );
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(
        types(&heard),
        ["welcome", "call.ringing", "call.accepted", "sync"]
    );
    assert_eq!(
        (&heard[0]["resumed"], &heard[0]["next_seq"]),
        (&json!(true), &json!(1))
    );
    assert_eq!((&heard[1]["seq"], &heard[2]["seq"]), (&json!(1), &json!(2)));
    let call = json!([{ "call": "c1", "state": "established", "direction": "outgoing",
        "peer": "1001" }]);
    assert_eq!((&heard[3]["up_to"], &heard[3]["calls"]), (&json!(2), &call));
}

#[test]
fn ringing_call_survives_and_can_be_accepted_after_the_resume() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.lose(1);
    let leg = rig.invite(rig.session_of("alice"), "c1", Some(&offer()));
    rig.wait(Duration::from_secs(20));
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(types(&heard), ["welcome", "call.incoming", "sync"]);
    assert_eq!(heard[2]["calls"][0]["need"], "answer");
    let description = json!({ "type": "answer", "sdp": answer() });
    let accept = json!({ "type": "call.accept", "id": "1", "call": "c1", "negotiation": 1,
        "description": description });
    assert_eq!(rig.asks(2, &accept)["type"], "result");
    assert_eq!(rig.signals.last().map(|(leg, _)| *leg), Some(leg));
    assert_eq!(rig.signalled(), ["Accept(sdp)"]);
}

#[test]
fn loss_and_return_of_the_socket_stand_in_the_trace_of_the_call() {
    let (mut rig, session) = answered_in_the_gap();
    rig.resume(2, "alice", &session, 0);
    rig.resume(3, "alice", &session, 99);
    assert_eq!(
        notes(&rig),
        [
            "! alice's socket was lost; the call waits 60 s for another",
            "! alice is back: resumed, frames sent again: 2",
            "! alice's socket was closed (4409: superseded); the call waits 300 s for another",
            "! alice is back: events were lost, calls told anew: 0",
        ]
    );
}

#[test]
fn end_of_the_grace_stands_in_the_trace_of_the_call() {
    let mut rig = Rig::with_alice();
    rig.create(1, "c1");
    rig.lose(1);
    rig.wait(Duration::from_secs(61));
    let last = ["! alice did not come back in 60 s: this leg ends"];
    assert_eq!(notes(&rig)[1..], last);
    assert_eq!(rig.ladder().last().unwrap(), "< call.ended c1");
}

fn notes(rig: &Rig) -> Vec<String> {
    let mut lines = rig.ladder();
    lines.retain(|line| line.starts_with('!'));
    lines
}

#[test]
fn acknowledged_events_do_not_come_again() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    let leg = rig.create(1, "c1");
    rig.apply(leg, Signal::Ring);
    rig.say(1, &json!({ "type": "ack", "ack": 1 }));
    rig.lose(1);
    let heard = rig.resume(2, "alice", &session, 1);
    assert_eq!(types(&heard), ["welcome", "sync"]);
    assert_eq!(
        (&heard[0]["resumed"], &heard[0]["next_seq"]),
        (&json!(true), &json!(2))
    );
}

#[test]
fn page_that_forgot_everything_is_called_again() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.invite(rig.session_of("alice"), "c1", Some(&offer()));
    rig.say(1, &json!({ "type": "ping", "ack": 1 }));
    rig.lose(1);
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(types(&heard), ["welcome", "sync", "call.incoming"]);
    assert_eq!(
        (&heard[0]["resumed"], &heard[0]["next_seq"]),
        (&json!("snapshot"), &json!(2))
    );
    assert_eq!(
        (&heard[2]["seq"], &heard[2]["negotiation"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(heard[2]["description"]["sdp"], offer());
}

#[test]
fn ring_that_ran_over_gives_a_snapshot() {
    let mut config = two_users();
    config.client.replay_events_max = 3;
    let mut rig = Rig::new(&config);
    let session = rig.enter(1, "alice");
    let legs: Vec<_> = (0..5).map(|n| rig.create(1, &format!("c{n}"))).collect();
    rig.lose(1);
    for leg in legs {
        rig.apply(leg, Signal::Ring);
    }
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(types(&heard), ["welcome", "sync"]);
    assert_eq!(
        (&heard[0]["resumed"], &heard[1]["up_to"]),
        (&json!("snapshot"), &json!(5))
    );
    assert_eq!(heard[1]["calls"].as_array().unwrap().len(), 5);
    assert_eq!(rig.agent.counts().snapshots, 1);
}

#[test]
fn newer_connection_fences_the_old_one() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    let leg = rig.create(1, "c1");
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(heard[0]["resumed"], true);
    assert_eq!(rig.closed[&1], (4409, "superseded".to_owned()));
    assert_eq!(rig.heard(1)[0]["code"], "superseded");
    rig.text(1, r#"{"type":"call.end","id":"1","call":"c1"}"#);
    assert!(rig.signals.is_empty(), "the old one is not listened to");
    rig.lose(1);
    rig.apply(leg, Signal::Ring);
    assert_eq!(
        types(&rig.heard(2)),
        ["call.ringing"],
        "its end detaches nobody"
    );
}

#[test]
fn session_of_another_user_is_unknown() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.create(1, "c1");
    let heard = rig.resume(2, "bob", &session, 0);
    assert_eq!(
        (&heard[0]["resumed"], &heard[0]["user"]),
        (&json!(false), &json!("bob"))
    );
    assert_ne!(heard[0]["session"], session);
    assert_eq!(heard[1]["calls"], json!([]));
    assert!(rig.closed.is_empty());
}

#[test]
fn calls_end_when_their_grace_is_over_each_in_its_time() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.create(1, "calling");
    let answered = rig.create(1, "answered");
    rig.apply(answered, Signal::Accept(Some(sdp(&answer()))));
    rig.invite(rig.session_of("alice"), "called", Some(&offer()));
    rig.lose(1);
    rig.wait(Duration::from_millis(59_999));
    assert!(rig.signals.is_empty());
    rig.wait(Duration::from_millis(1));
    assert_eq!(rig.signalled(), ["End(timeout)", "End(unavailable)"]);
    let heard = rig.resume(2, "alice", &session, 1);
    assert_eq!(
        types(&heard),
        [
            "welcome",
            "call.incoming",
            "call.ended",
            "call.ended",
            "sync"
        ]
    );
    assert_eq!(
        (&heard[2]["cause"], &heard[2]["by"]),
        (&json!("timeout"), &json!("gateway"))
    );
    rig.lose(2);
    rig.wait(Duration::from_secs(300));
    assert_eq!(rig.signalled(), ["End(timeout)"]);
    assert_eq!(rig.agent.census(), (0, 0));
    assert_eq!(rig.gone.len(), 3);
}

#[test]
fn call_that_is_answered_meanwhile_has_the_longer_grace() {
    let mut rig = Rig::new(&two_users());
    rig.enter(1, "alice");
    let leg = rig.create(1, "c1");
    rig.lose(1);
    rig.wait(Duration::from_secs(30));
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    rig.wait(Duration::from_secs(269));
    assert!(rig.signals.is_empty());
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.signalled(), ["End(timeout)"]);
}

#[test]
fn session_without_calls_ends_sooner() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.lose(1);
    rig.wait(Duration::from_secs(29));
    assert_eq!(rig.resume(2, "alice", &session, 0)[0]["resumed"], true);
    rig.lose(2);
    rig.wait(Duration::from_secs(30));
    assert_eq!(rig.resume(3, "alice", &session, 0)[0]["resumed"], false);
}

#[test]
fn request_without_a_reply_is_sent_again_and_done_once() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    let leg = rig.create(1, "c1");
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    let end = json!({ "type": "call.end", "id": "9", "call": "c1" });
    let reply = rig.asks(1, &end);
    assert_eq!(reply, json!({ "type": "result", "id": "9", "call": "c1" }));
    rig.lose(1);
    rig.resume(2, "alice", &session, 2);
    let mut again = end.clone();
    again["ack"] = json!(2);
    assert_eq!(rig.asks(2, &again), reply);
    assert_eq!(rig.signalled(), ["End(normal)"]);
    assert_eq!(rig.agent.counts().repeats, 1);
}
