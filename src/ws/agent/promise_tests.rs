//! Claims about calls whose caller makes his offer when the client has accepted.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{
    Rig, about, accept, answer, called, describe, flow, offer, promised, sdp, two_users, types,
};
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Opening, Signal};
use crate::id::LegId;
use crate::sdp::Trickle;

fn accept_without(id: &str) -> Value {
    about("call.accept", id)
}

/// A call that alice has accepted, and the offer that she was told.
fn offered() -> (Rig, LegId) {
    let (mut rig, leg) = promised();
    rig.say(1, &accept_without("accept"));
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    rig.heard(1);
    rig.signalled();
    (rig, leg)
}

#[test]
fn call_is_accepted_without_a_description_and_answered_when_the_offer_comes() {
    let (mut rig, leg) = promised();
    let incoming = &rig.heard(1)[0];
    assert_eq!(incoming["need"], "nothing");
    assert_eq!(
        (incoming.get("description"), incoming.get("negotiation")),
        (None, None)
    );
    rig.say(1, &about("call.ring", "1"));
    rig.say(1, &accept_without("2"));
    assert_eq!(types(&rig.heard(1)), ["result", "result"]);
    assert_eq!(rig.signalled(), ["Ring", "Accept(none)"]);
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["call.description"]);
    assert_eq!(
        (&heard[0]["description"]["type"], &heard[0]["negotiation"]),
        (&json!("offer"), &json!(1))
    );
    rig.say(1, &describe("3", "answer", &answer(), 1));
    assert_eq!(rig.signalled(), ["Answer"]);
    rig.apply(leg, Signal::Media(vec![flow(true)]));
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["result", "call.accepted", "call.media"]);
    assert_eq!(heard[1].get("description"), None);
}

#[test]
fn acceptance_brings_what_is_needed_and_nothing_else() {
    let (mut rig, _) = promised();
    for (kind, text) in [("answer", answer()), ("offer", offer())] {
        let reply = rig.asks(1, &accept(kind, kind, &text));
        assert_eq!(
            (&reply["code"], &reply["detail"]["code"]),
            (&json!("bad_description"), &json!("wrong_type"))
        );
        let message = reply["message"].as_str().unwrap();
        assert!(message.starts_with("no description is needed"), "{message}");
    }
    let early = json!({ "type": "call.progress", "id": "p", "call": "c1",
        "description": { "type": "pranswer", "sdp": answer() } });
    assert_eq!(rig.asks(1, &early)["code"], "bad_state");
    let described = rig.asks(1, &describe("d", "answer", &answer(), 1));
    assert_eq!(described["code"], "bad_state");
    assert_eq!(rig.signalled(), Vec::<String>::new());

    let (mut rig, _) = called();
    let reply = rig.asks(1, &accept_without("1"));
    assert_eq!(reply["code"], "bad_frame");
    assert!(reply["message"].as_str().unwrap().contains("an answer"));
    let mut rig = Rig::with_alice();
    rig.invite(rig.session_of("alice"), "c1", None);
    let reply = rig.asks(1, &accept_without("1"));
    assert_eq!(reply["code"], "bad_frame");
    assert!(reply["message"].as_str().unwrap().contains("an offer"));
    assert_eq!(rig.signalled(), Vec::<String>::new());
}

#[test]
fn first_offer_is_the_callers_and_is_answered_finally() {
    let (mut rig, leg) = promised();
    rig.say(1, &accept_without("0"));
    rig.signalled();
    for (id, kind, text) in [
        ("1", "offer", offer()),
        ("2", "rollback", String::new()),
        ("3", "answer", answer()),
    ] {
        assert_eq!(
            rig.asks(1, &describe(id, kind, &text, 1))["code"],
            "bad_state"
        );
    }
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    for (id, kind, text) in [("4", "offer", offer()), ("5", "rollback", String::new())] {
        assert_eq!(
            rig.asks(1, &describe(id, kind, &text, 1))["code"],
            "bad_state"
        );
    }
    let early = rig.asks(1, &describe("6", "pranswer", &answer(), 1));
    assert_eq!(early["detail"]["code"], "wrong_type");
    let late = rig.asks(1, &describe("7", "answer", &answer(), 2));
    assert_eq!(late["code"], "bad_state");
    for kind in ["call.hold", "call.resume"] {
        let mut frame = describe(kind, "offer", &offer(), 1);
        frame["type"] = json!(kind);
        assert_eq!(rig.asks(1, &frame)["code"], "bad_state");
    }
    assert_eq!(rig.asks(1, &accept_without("8"))["code"], "bad_state");
    assert_eq!(rig.signalled(), Vec::<String>::new());
    rig.say(1, &describe("9", "answer", &answer(), 1));
    assert_eq!(rig.signalled(), ["Answer"]);
    // From now on it is a call like any other.
    rig.say(1, &describe("10", "offer", &offer(), 1));
    assert_eq!(rig.signalled(), ["Offer(sdp)"]);
}

#[test]
fn candidates_of_both_sides_pass_before_and_after_the_offer() {
    let (mut rig, leg) = promised();
    let host = "candidate:1 1 udp 2122194687 192.0.2.7 5000 typ host";
    let candidate = |id: &str| {
        let mut frame = about("call.candidate", id);
        frame["candidate"] = json!({ "candidate": host, "sdpMid": "0" });
        frame
    };
    let theirs = || Trickle::new(Some(host), Some("0"), None, None).unwrap();
    rig.say(1, &candidate("1"));
    rig.say(1, &accept_without("2"));
    rig.say(1, &candidate("3"));
    assert_eq!(
        rig.signalled(),
        ["Candidates(1)", "Accept(none)", "Candidates(1)"]
    );
    rig.heard(1);
    rig.apply(leg, Signal::Candidates(vec![theirs()]));
    assert!(rig.heard(1).is_empty(), "the offer will have it");
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    rig.apply(leg, Signal::Candidates(vec![theirs()]));
    assert_eq!(types(&rig.heard(1)), ["call.description", "call.candidate"]);
}

#[test]
fn accepted_call_without_an_answered_offer_ends_as_an_answered_one() {
    let (mut rig, leg) = offered();
    let end = json!({ "type": "call.end", "id": "1", "call": "c1", "cause": "not_acceptable" });
    rig.say(1, &end);
    assert_eq!(types(&rig.heard(1)), ["result", "call.ended"]);
    assert_eq!(rig.signalled(), ["End(not_acceptable)"]);
    assert_eq!(rig.gone, [leg]);

    let (mut rig, leg) = promised();
    rig.say(1, &accept_without("1"));
    rig.heard(1);
    let why = "the caller made no offer in time";
    let ending = Ending::by_gateway(Cause::Timeout).because(why);
    rig.apply(leg, Signal::End(ending));
    let ended = &rig.heard(1)[0];
    assert_eq!(
        (&ended["cause"], &ended["by"], &ended["detail"]),
        (&json!("timeout"), &json!("gateway"), &json!(why))
    );
}

// --- what outlives a connection ---

#[test]
fn call_that_rings_without_an_offer_can_be_accepted_after_a_resume() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    rig.lose(1);
    let leg = rig.invite_with(rig.session_of("alice"), "c1", Opening::Later);
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(types(&heard), ["welcome", "call.incoming", "sync"]);
    assert_eq!(
        (&heard[1]["need"], &heard[2]["calls"][0]["need"]),
        (&json!("nothing"), &json!("nothing"))
    );
    assert_eq!(rig.asks(2, &accept_without("1"))["type"], "result");
    assert_eq!(rig.signalled(), ["Accept(none)"]);
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    assert_eq!(types(&rig.heard(2)), ["call.description"]);
}

#[test]
fn sync_says_whether_the_offer_is_to_come_or_to_be_answered() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    let leg = rig.invite_with(rig.session_of("alice"), "c1", Opening::Later);
    rig.say(1, &accept_without("1"));
    rig.lose(1);
    let standing = |heard: &[Value]| {
        let call = &heard.last().unwrap()["calls"][0];
        (call["state"].clone(), call["need"].clone())
    };
    let heard = rig.resume(2, "alice", &session, 1);
    assert_eq!(standing(&heard), (json!("early"), json!("nothing")));
    rig.lose(2);
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    let heard = rig.resume(3, "alice", &session, 1);
    assert_eq!(types(&heard), ["welcome", "call.description", "sync"]);
    assert_eq!(standing(&heard), (json!("early"), json!("answer")));
    rig.say(3, &describe("2", "answer", &answer(), 1));
    rig.lose(3);
    let heard = rig.resume(4, "alice", &session, 3);
    assert_eq!(standing(&heard), (json!("established"), Value::Null));
}

#[test]
fn client_that_lost_events_is_told_the_first_offer_again() {
    let mut rig = Rig::new(&two_users());
    let session = rig.enter(1, "alice");
    let leg = rig.invite_with(rig.session_of("alice"), "c1", Opening::Later);
    rig.say(1, &accept_without("1"));
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    rig.say(1, &json!({ "type": "ack", "ack": 2 }));
    rig.lose(1);
    let heard = rig.resume(2, "alice", &session, 0);
    assert_eq!(types(&heard), ["welcome", "sync", "call.description"]);
    assert_eq!(
        (&heard[2]["seq"], &heard[2]["negotiation"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(heard[2]["description"]["sdp"], offer());
    assert_eq!(
        rig.asks(2, &describe("2", "answer", &answer(), 1))["type"],
        "result"
    );
}

#[test]
fn accepted_call_has_the_longer_grace_before_its_offer_comes() {
    let (mut rig, _) = promised();
    rig.say(1, &accept_without("1"));
    rig.signalled();
    rig.lose(1);
    rig.wait(Duration::from_secs(299));
    assert_eq!(rig.signalled(), Vec::<String>::new());
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.signalled(), ["End(timeout)"]);
}

#[test]
fn acceptance_that_is_sent_again_is_done_once() {
    let (mut rig, _) = promised();
    rig.heard(1);
    let reply = rig.asks(1, &accept_without("1"));
    assert_eq!(rig.asks(1, &accept_without("1")), reply);
    assert_eq!(rig.signalled(), ["Accept(none)"]);
}
