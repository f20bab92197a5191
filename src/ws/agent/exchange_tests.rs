//! Claims about what is exchanged in a call: offers, answers, candidates, what flows.

use serde_json::{Value, json};

use super::rig::{
    Rig, about, accept, answer, called, capture, describe, description, established, flow, offer,
    sdp, two_users, types,
};
use crate::call::signal::{Refusal, Refused, Signal};
use crate::sdp::Trickle;

#[test]
fn offerless_invitation_is_accepted_by_an_offer_and_established_by_its_answer() {
    let mut rig = Rig::with_alice();
    let leg = rig.invite(rig.session_of("alice"), "c1", None);
    assert_eq!(rig.heard(1)[0]["need"], "offer");
    let wrong = rig.asks(1, &accept("1", "answer", &answer()));
    assert_eq!(wrong["detail"]["code"], "wrong_type");
    let mut frame = accept("2", "offer", &offer());
    frame["negotiation"] = json!(1);
    rig.say(1, &frame);
    assert_eq!(types(&rig.heard(1)), ["result"]);
    rig.apply(leg, Signal::Answer(sdp(&answer())));
    let heard = rig.heard(1);
    assert_eq!(
        (types(&heard), &heard[0]["negotiation"]),
        (vec!["call.accepted"], &json!(1))
    );
    assert_eq!(heard[0]["description"]["type"], "answer");
}

#[test]
fn call_without_an_offer_is_accepted_with_one_that_the_client_answers() {
    let mut rig = Rig::with_alice();
    let create = json!({ "type": "call.create", "id": "1", "call": "c1", "to": "1001" });
    assert_eq!(rig.asks(1, &create)["type"], "result");
    let leg = rig.calls[0].leg;
    rig.apply(leg, Signal::Accept(Some(sdp(&offer()))));
    let heard = rig.heard(1);
    assert_eq!(heard[0]["description"]["type"], "offer");
    assert_eq!(
        rig.asks(1, &describe("2", "answer", &answer(), 1))["type"],
        "result"
    );
    assert_eq!(rig.signalled(), ["Answer"]);
}

#[test]
fn early_answer_goes_only_to_clients_that_can_take_one() {
    let mut rig = Rig::new(&two_users());
    rig.hello(
        1,
        json!({ "token": "alice's token", "capabilities": ["trickle"] }),
    );
    let leg = rig.create(1, "c1");
    rig.apply(
        leg,
        Signal::Progress {
            description: sdp(&answer()),
            fork: 1,
        },
    );
    assert!(rig.heard(1).is_empty());
    assert!(
        rig.ladder()
            .last()
            .unwrap()
            .starts_with("! the early answer is not told")
    );
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    assert_eq!(types(&rig.heard(1)), ["call.accepted"]);
}

#[test]
fn second_caller_of_a_rendezvous_rolls_back_and_answers() {
    let mut rig = Rig::with_alice();
    let leg = rig.create(1, "c1");
    rig.apply(leg, Signal::Refuse(Refusal::Glare.into()));
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["call.description", "call.description"]);
    assert_eq!(heard[0]["description"], json!({ "type": "rollback" }));
    assert_eq!(
        (&heard[0]["code"], &heard[0]["negotiation"]),
        (&json!("glare"), &json!(1))
    );
    assert_eq!(heard[1]["description"]["type"], "offer");
    rig.say(1, &describe("2", "answer", &answer(), 1));
    assert_eq!(rig.signalled(), ["Answer"]);
    rig.apply(leg, Signal::Media(vec![flow(true)]));
    rig.apply(leg, Signal::Accept(None));
    assert_eq!(
        types(&rig.heard(1)),
        ["result", "call.accepted", "call.media"]
    );
}

#[test]
fn bad_descriptions_are_told_by_their_rule() {
    let mut rig = Rig::with_alice();
    let create = |sdp: &str| {
        json!({ "type": "call.create", "id": "1", "call": "c", "to": "1",
            "description": description("offer", sdp) })
    };
    let no_dtls: String = offer()
        .lines()
        .filter(|line| !line.contains("fingerprint"))
        .fold(String::new(), |all, line| all + line + "\r\n");
    for (sdp, rule) in [
        ("hello", "sdp_syntax"),
        (&capture("chrome-empty-offer-trickle"), "no_media"),
        (&no_dtls, "no_dtls"),
    ] {
        let reply = rig.asks(1, &create(sdp));
        assert_eq!(
            (&reply["code"], &reply["detail"]["code"]),
            (&json!("bad_description"), &json!(rule))
        );
    }
    let mut answered = create(&answer());
    answered["description"]["type"] = json!("answer");
    assert_eq!(rig.asks(1, &answered)["detail"]["code"], "wrong_type");
}

#[test]
fn answer_that_does_not_fit_is_refused_and_the_call_goes_on_ringing() {
    let (mut rig, _) = called();
    let two = capture("chrome-av-offer-gathered");
    let reply = rig.asks(1, &accept("1", "answer", &two));
    assert_eq!(
        (&reply["code"], &reply["detail"]["code"]),
        (&json!("bad_answer"), &json!("bad_answer"))
    );
    assert_eq!(
        rig.asks(1, &accept("2", "offer", &offer()))["detail"]["code"],
        "wrong_type"
    );
    assert_eq!(
        rig.asks(1, &accept("3", "pranswer", &answer()))["detail"]["code"],
        "wrong_type"
    );
    assert!(rig.signals.is_empty());
    assert_eq!(
        rig.asks(1, &accept("4", "answer", &answer()))["type"],
        "result"
    );
}

#[test]
fn answer_meets_only_its_own_offer() {
    let (mut rig, leg) = established();
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    rig.apply(leg, Signal::Refuse(Refusal::Withdrawn.into()));
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    let heard = rig.heard(1);
    assert_eq!(
        (&heard[0]["negotiation"], &heard[2]["negotiation"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        (&heard[1]["code"], &heard[1]["negotiation"]),
        (&json!("withdrawn"), &json!(1))
    );
    let reply = rig.asks(1, &describe("1", "answer", &answer(), 1));
    assert_eq!(reply["code"], "bad_state");
    assert!(rig.signals.is_empty());
    assert_eq!(
        rig.asks(1, &describe("2", "answer", &answer(), 2))["type"],
        "result"
    );
    assert_eq!(
        rig.asks(1, &describe("3", "answer", &answer(), 2))["code"],
        "bad_state"
    );
    assert_eq!(rig.signalled(), ["Answer"]);
}

#[test]
fn offers_that_cross_cost_the_client_its_own() {
    let (mut rig, leg) = established();
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    rig.heard(1);
    assert_eq!(
        rig.asks(1, &describe("1", "offer", &offer(), 7))["type"],
        "result"
    );
    assert_eq!(rig.signalled(), ["Offer(sdp)"], "the middle decides");
    rig.apply(leg, Signal::Refuse(Refusal::Glare.into()));
    let heard = rig.heard(1);
    assert_eq!(heard[0]["description"]["type"], "rollback");
    assert_eq!(
        (&heard[0]["code"], &heard[0]["negotiation"]),
        (&json!("glare"), &json!(7))
    );
    assert_eq!(
        rig.asks(1, &describe("2", "answer", &answer(), 1))["type"],
        "result"
    );
    assert_eq!(rig.signalled(), ["Answer"]);
}

#[test]
fn one_offer_of_the_client_at_a_time() {
    let (mut rig, leg) = established();
    rig.say(
        1,
        &describe("1", "offer", &capture("chrome-p-audio-hold-offer"), 2),
    );
    assert_eq!(
        rig.asks(1, &describe("2", "offer", &offer(), 3))["code"],
        "bad_state"
    );
    rig.apply(
        leg,
        Signal::Answer(sdp(&capture("chrome-p-audio-hold-answer"))),
    );
    let heard = rig.heard(1);
    assert_eq!(
        (&heard[0]["negotiation"], &heard[0]["description"]["type"]),
        (&json!(2), &json!("answer"))
    );
    assert_eq!(
        rig.asks(1, &describe("3", "offer", &offer(), 3))["type"],
        "result"
    );
    assert_eq!(rig.signalled(), ["Offer(sdp)", "Offer(sdp)"]);
}

#[test]
fn client_is_told_what_the_far_end_said_to_its_offer() {
    let (mut rig, leg) = established();
    rig.say(1, &describe("2", "offer", &offer(), 2));
    rig.heard(1);
    let (why, status) = (Refusal::NotAcceptable, Some((415, "No Video".to_owned())));
    rig.apply(leg, Signal::Refuse(Refused { why, status }));
    let told = &rig.heard(1)[0];
    assert_eq!(
        (&told["code"], &told["sip"]),
        (
            &json!("not_acceptable"),
            &json!({ "status": 415, "reason": "No Video" })
        )
    );
}

#[test]
fn client_rolls_back_its_own_offer_or_refuses_ours() {
    let (mut rig, leg) = established();
    let rollback = |id: &str| {
        let mut frame = about("call.description", id);
        frame["description"] = json!({ "type": "rollback" });
        frame
    };
    assert_eq!(rig.asks(1, &rollback("1"))["code"], "bad_state");
    rig.say(1, &describe("2", "offer", &offer(), 2));
    rig.say(1, &rollback("3"));
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    rig.say(1, &rollback("4"));
    rig.apply(leg, Signal::Offer(None));
    rig.say(1, &rollback("5"));
    let signals = [
        "Offer(sdp)",
        "Refuse(Withdrawn)",
        "Refuse(NotAcceptable)",
        "Refuse(NotAcceptable)",
    ];
    assert_eq!(rig.signalled(), signals);
}

#[test]
fn rollback_that_names_an_answered_offer_does_not_refuse_the_next() {
    let (mut rig, leg) = established();
    rig.say(1, &describe("1", "offer", &offer(), 5));
    rig.apply(leg, Signal::Answer(sdp(&answer())));
    rig.apply(leg, Signal::Offer(Some(sdp(&offer()))));
    let mut rollback = about("call.description", "2");
    rollback["description"] = json!({ "type": "rollback" });
    rollback["negotiation"] = json!(5);
    assert_eq!(rig.asks(1, &rollback)["code"], "bad_state");
    let reply = rig.asks(1, &describe("3", "answer", &answer(), 1));
    assert_eq!(reply["type"], "result");
    assert_eq!(rig.signalled(), ["Offer(sdp)", "Answer"]);
}

#[test]
fn offer_that_is_asked_for_is_made_by_the_client() {
    let (mut rig, leg) = established();
    rig.apply(leg, Signal::Offer(None));
    assert_eq!(types(&rig.heard(1)), ["call.offer_requested"]);
    rig.say(1, &describe("1", "offer", &offer(), 2));
    rig.apply(leg, Signal::Answer(sdp(&answer())));
    assert_eq!(types(&rig.heard(1)), ["result", "call.description"]);
}

#[test]
fn hold_is_an_offer_and_only_an_offer() {
    let (mut rig, _) = established();
    let mut hold = describe("1", "offer", &capture("chrome-p-audio-hold-offer"), 2);
    hold["type"] = json!("call.hold");
    assert_eq!(rig.asks(1, &hold)["type"], "result");
    assert_eq!(rig.signalled(), ["Offer(sdp)"]);
    let mut resume = describe("2", "answer", &answer(), 2);
    resume["type"] = json!("call.resume");
    assert_eq!(rig.asks(1, &resume)["detail"]["code"], "wrong_type");
}

#[test]
fn what_flows_is_told_when_it_changes() {
    let (mut rig, leg) = established();
    for sending in [true, true, false, false] {
        rig.apply(leg, Signal::Media(vec![flow(sending)]));
    }
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["call.media", "call.media"]);
    assert_eq!(heard[1]["media"][0]["sending"], false);
    assert_eq!(
        (&heard[1]["media"][0]["mid"], &heard[1]["media"][0]["kind"]),
        (&json!("0"), &json!("audio"))
    );
}

#[test]
fn candidates_of_the_client_are_placed_or_refused() {
    let (mut rig, _) = established();
    let frame = |candidate: Value| {
        let mut frame = json!({ "type": "call.candidate", "call": "c1" });
        frame["candidate"] = candidate;
        frame
    };
    let text = "candidate:1 1 udp 1 192.0.2.1 9 typ host";
    rig.heard(1);
    rig.say(
        1,
        &frame(json!({ "candidate": text, "sdpMid": "0", "sdpMLineIndex": 0 })),
    );
    rig.say(1, &frame(json!({ "candidate": "", "sdpMid": "0" })));
    rig.say(1, &frame(Value::Null));
    assert!(rig.heard(1).is_empty(), "no id, no reply");
    assert_eq!(
        rig.signalled(),
        ["Candidates(1)", "Candidates(1)", "Candidates(1)"]
    );
    for bad in [
        json!({ "candidate": "candidate:x", "sdpMid": "0" }),
        json!({ "candidate": text, "sdpMid": "9" }),
        json!({ "candidate": text, "sdpMLineIndex": 7 }),
        json!({ "candidate": text }),
    ] {
        assert_eq!(
            rig.asks(1, &frame(bad.clone()))["code"],
            "bad_candidate",
            "{bad}"
        );
    }
    // Of a generation that is still to be described.
    rig.say(
        1,
        &frame(json!({ "candidate": text, "sdpMid": "9", "usernameFragment": "next" })),
    );
    assert_eq!(rig.signalled(), ["Candidates(1)"]);
}

#[test]
fn candidate_before_any_description_of_the_client_is_kept_for_it() {
    let (mut rig, _) = called();
    let candidate =
        json!({ "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0" });
    rig.say(
        1,
        &json!({ "type": "call.candidate", "id": "1", "call": "c1", "candidate": candidate }),
    );
    assert_eq!(rig.signalled(), ["Candidates(1)"]);
}

#[test]
fn candidates_are_bounded() {
    let mut config = two_users();
    config.call.candidates_max = 3;
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    rig.create(1, "c1");
    let candidate =
        json!({ "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0" });
    let frame = json!({ "type": "call.candidate", "call": "c1", "candidate": candidate });
    for _ in 0..3 {
        assert_eq!(rig.asks(1, &frame), Value::Null);
    }
    assert_eq!(rig.asks(1, &frame)["code"], "too_many_candidates");
    assert_eq!(rig.agent.counts().candidates_refused, 1);
}

#[test]
fn candidates_of_the_far_side_are_placed_in_what_the_client_was_told() {
    let mut rig = Rig::with_alice();
    let leg = rig.create(1, "c1");
    let trickle = |mid: Option<&str>, mline: Option<u16>| {
        let text = "candidate:1 1 udp 1 192.0.2.9 9 typ host";
        Trickle::new(Some(text), mid, mline, None).unwrap()
    };
    rig.apply(leg, Signal::Candidates(vec![trickle(Some("0"), None)]));
    assert!(
        rig.heard(1).is_empty(),
        "there is nothing to add it to; the answer will have it"
    );
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    rig.heard(1);
    let end = Trickle::new(None, None, None, None).unwrap();
    let unknown = trickle(Some("9"), None);
    rig.apply(
        leg,
        Signal::Candidates(vec![trickle(None, Some(0)), unknown, end]),
    );
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["call.candidate", "call.candidate"]);
    assert_eq!(
        (
            &heard[0]["candidate"]["sdpMid"],
            &heard[0]["candidate"]["sdpMLineIndex"]
        ),
        (&json!("0"), &json!(0))
    );
    assert_eq!(heard[1]["candidate"], json!({ "candidate": "" }));
    assert!(
        rig.ladder()
            .iter()
            .any(|line| line.starts_with("! a candidate is not told"))
    );
}
