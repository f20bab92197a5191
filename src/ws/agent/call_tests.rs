//! Claims about calls: from asking to the end, who may speak of which, limits.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{
    Rig, about, accept, answer, called, describe, description, established, offer, sdp, two_users,
    types,
};
use crate::call::cause::Cause;
use crate::call::signal::{Dtmf, Ending, Opening, Signal};
use crate::contain::trap;
use crate::trace::What;
use crate::ws::code::Code;

#[test]
fn outgoing_call_from_asking_to_the_end() {
    let mut rig = Rig::with_alice();
    let leg = rig.create(1, "c1");
    assert_eq!(rig.calls[0].invite.from.uri, "user:alice");
    assert!(matches!(rig.calls[0].invite.opening, Opening::Offer(_)));
    rig.apply(leg, Signal::Ring);
    rig.apply(leg, Signal::Ring);
    rig.apply(
        leg,
        Signal::Progress {
            description: sdp(&answer()),
            fork: 2,
        },
    );
    rig.apply(leg, Signal::Accept(Some(sdp(&answer()))));
    rig.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    let heard = rig.heard(1);
    let events = [
        "call.ringing",
        "call.progress",
        "call.accepted",
        "call.ended",
    ];
    assert_eq!(types(&heard), events);
    let seqs: Vec<_> = heard
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(heard[1]["description"]["type"], "pranswer");
    assert_eq!(
        (&heard[1]["dialog"], &heard[1]["negotiation"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(heard[2]["description"], description("answer", &answer()));
    assert_eq!(heard[2]["negotiation"], 1);
    assert_eq!(
        (&heard[3]["cause"], &heard[3]["by"]),
        (&json!("normal"), &json!("remote"))
    );
    assert_eq!(rig.gone, [leg]);
    assert_eq!(rig.asks(1, &about("call.end", "2"))["code"], "unknown_call");
    let ladder = [
        "> call.create c1",
        "< result c1",
        "< call.ringing c1",
        "< call.progress c1",
        "< call.accepted c1",
        "< call.ended c1",
    ];
    assert_eq!(rig.ladder(), ladder);
}

#[test]
fn incoming_call_from_ringing_to_the_end() {
    let (mut rig, leg) = called();
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["call.incoming"]);
    let incoming = &heard[0];
    assert_eq!(
        (&incoming["need"], &incoming["negotiation"]),
        (&json!("answer"), &json!(1))
    );
    assert_eq!(
        incoming["from"],
        json!({ "uri": "sip:1001@pbx", "display_name": "Desk" })
    );
    assert_eq!(
        incoming["headers"],
        json!([{ "name": "X-Queue", "value": "sales" }])
    );
    assert_eq!(rig.asks(1, &about("call.ring", "1"))["type"], "result");
    let mut progress = about("call.progress", "2");
    progress["description"] = description("pranswer", &answer());
    assert_eq!(rig.asks(1, &progress)["type"], "result");
    rig.say(1, &accept("3", "answer", &answer()));
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["result", "call.accepted"]);
    assert!(heard[1].get("description").is_none());
    assert_eq!(rig.signalled(), ["Ring", "Progress", "Accept(sdp)"]);
    rig.say(1, &about("call.end", "4"));
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["result", "call.ended"]);
    assert_eq!(
        (&heard[1]["cause"], &heard[1]["by"]),
        (&json!("normal"), &json!("local"))
    );
    assert_eq!(
        (rig.signalled(), rig.gone),
        (vec!["End(normal)".to_owned()], vec![leg])
    );
}

#[test]
fn rejections_have_their_causes_and_an_end_before_the_answer_has_its_own() {
    for (cause, signal) in [
        ("busy", "busy"),
        ("declined", "declined"),
        ("unavailable", "unavailable"),
    ] {
        let (mut rig, _) = called();
        let mut reject = about("call.reject", "1");
        reject["cause"] = json!(cause);
        rig.say(1, &reject);
        assert_eq!(rig.signalled(), [format!("End({signal})")]);
        let heard = rig.heard(1);
        assert_eq!(
            (&heard[2]["cause"], &heard[2]["by"]),
            (&json!(cause), &json!("local"))
        );
    }
    let (mut rig, _) = called();
    rig.say(1, &about("call.reject", "1"));
    assert_eq!(rig.signalled(), ["End(declined)"]);
    let mut rig = Rig::with_alice();
    rig.create(1, "c1");
    rig.say(1, &about("call.end", "1"));
    assert_eq!(rig.signalled(), ["End(cancelled)"]);
}

#[test]
fn ended_says_what_the_far_end_said() {
    let mut rig = Rig::with_alice();
    let leg = rig.create(1, "c1");
    let mut ending = Ending::by_peer(Cause::Busy).because("all lines are taken");
    ending.status = Some((486, "Busy Here".into()));
    rig.apply(leg, Signal::End(ending));
    let heard = rig.heard(1);
    assert_eq!(
        heard[0]["sip"],
        json!({ "status": 486, "reason": "Busy Here" })
    );
    assert_eq!(
        (&heard[0]["cause"], &heard[0]["by"]),
        (&json!("busy"), &json!("remote"))
    );
    assert_eq!(heard[0]["detail"], "all lines are taken");
}

#[test]
fn same_call_again_gets_the_same_reply_and_another_one_conflicts() {
    let mut rig = Rig::with_alice();
    let create = |id: &str, to: &str| {
        json!({ "type": "call.create", "id": id, "call": "c1", "to": to,
            "description": description("offer", &offer()) })
    };
    let reply = rig.asks(1, &create("1", "1001"));
    assert_eq!(reply, json!({ "type": "result", "id": "1", "call": "c1" }));
    assert_eq!(
        rig.asks(1, &create("1", "1001")),
        reply,
        "the very same request"
    );
    assert_eq!(
        rig.asks(1, &create("2", "1001"))["type"],
        "result",
        "the same call"
    );
    assert_eq!(rig.asks(1, &create("3", "1002"))["code"], "conflict");
    assert_eq!(rig.asks(1, &create("1", "1002"))["code"], "conflict");
    rig.enter(2, "alice");
    assert_eq!(
        rig.asks(2, &create("1", "1001"))["code"],
        "conflict",
        "another tab"
    );
    rig.enter(3, "bob");
    assert_eq!(
        rig.asks(3, &create("1", "1001"))["type"],
        "result",
        "ids are scoped to the user"
    );
    assert_eq!(rig.calls.len(), 2);
}

#[test]
fn only_the_session_that_has_a_call_may_speak_of_it() {
    let (mut rig, _) = established();
    rig.enter(2, "alice");
    rig.enter(3, "bob");
    let candidate = json!({ "type": "call.candidate", "call": "c1", "candidate": null });
    let mut dtmf = about("call.dtmf", "2");
    dtmf["digits"] = json!("1");
    let frames = [
        about("call.end", "1"),
        about("call.ring", "1"),
        about("call.reject", "1"),
        accept("1", "answer", &answer()),
        describe("1", "offer", &offer(), 9),
        candidate,
        dtmf,
    ];
    for frame in frames {
        assert_eq!(rig.asks(2, &frame)["code"], "not_your_call", "{frame}");
        assert_eq!(rig.asks(3, &frame)["code"], "unknown_call", "{frame}");
    }
    assert!(rig.signals.is_empty());
}

#[test]
fn two_tabs_of_a_user_are_called_under_one_id_and_do_not_mix() {
    let mut rig = Rig::with_alice();
    rig.enter(2, "alice");
    let sessions = rig.agent.sessions_of("alice");
    let one = rig.invite(sessions[0], "c1", Some(&offer()));
    let two = rig.invite(sessions[1], "c1", Some(&offer()));
    rig.heard(1);
    rig.heard(2);
    rig.say(2, &accept("1", "answer", &answer()));
    assert_eq!(rig.signals.last().map(|(leg, _)| *leg), Some(two));
    rig.apply(
        one,
        Signal::End(Ending::by_gateway(Cause::AnsweredElsewhere)),
    );
    let heard = rig.heard(1);
    assert_eq!(
        (types(&heard), &heard[0]["cause"]),
        (vec!["call.ended"], &json!("answered_elsewhere"))
    );
    assert_eq!(types(&rig.heard(2)), ["result", "call.accepted"]);
}

#[test]
fn user_has_no_more_calls_than_he_may_over_all_his_tabs() {
    let mut config = two_users();
    config.call.calls_per_user = 2;
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    rig.enter(2, "alice");
    let first = rig.create(1, "c1");
    rig.create(2, "c2");
    let create = |call: &str| json!({ "type": "call.create", "id": call, "call": call, "to": "1" });
    let reply = rig.asks(1, &create("c3"));
    assert_eq!(
        (&reply["code"], &reply["retry"]),
        (&json!("too_many_calls"), &json!("after"))
    );
    rig.apply(first, Signal::End(Ending::by_peer(Cause::Busy)));
    assert_eq!(rig.asks(1, &create("c4"))["type"], "result");
}

/// Whoever rings somebody again and again takes no call of his away.
#[test]
fn calls_that_only_ring_do_not_count() {
    let mut config = two_users();
    config.call.calls_per_user = 2;
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    let session = rig.agent.sessions_of("alice")[0];
    for call in ["i1", "i2"] {
        assert!(rig.agent.may_ring(session));
        rig.invite(session, call, None);
    }
    assert!(!rig.agent.may_ring(session));
    let create = |call: &str| json!({ "type": "call.create", "id": call, "call": call, "to": "1" });
    assert_eq!(rig.asks(1, &create("c1"))["type"], "result");
    assert_eq!(rig.asks(1, &create("c2"))["type"], "result");
    assert_eq!(rig.asks(1, &create("c3"))["code"], "too_many_calls");
}

#[test]
fn no_call_is_made_while_shedding_or_draining() {
    let mut rig = Rig::with_alice();
    let create = |id: &str| json!({ "type": "call.create", "id": id, "call": id, "to": "1" });
    rig.agent.set_shedding(true);
    let reply = rig.asks(1, &create("1"));
    assert_eq!(
        (&reply["code"], &reply["retry_after_ms"]),
        (&json!("overloaded"), &json!(2000))
    );
    rig.agent.set_shedding(false);
    assert_eq!(
        rig.asks(1, &create("1"))["type"],
        "result",
        "the same request, tried again"
    );
    rig.agent.drain();
    rig.agent.set_shedding(false);
    assert_eq!(rig.asks(1, &create("3"))["code"], "draining");
}

#[test]
fn no_line_end_gets_through_in_anything_that_becomes_a_line() {
    let mut rig = Rig::with_alice();
    let create = |member: &str, value: Value| {
        let mut frame = json!({ "type": "call.create", "id": "1", "call": "c", "to": "1" });
        frame[member] = value;
        frame
    };
    for evil in ["a\r\nVia: x", "a\nb", "a\rb", "a\0b"] {
        let header = |name: &str, value: &str| json!([{ "name": name, "value": value }]);
        let frames = [
            (create("to", json!(evil)), "bad_address"),
            (create("display_name", json!(evil)), "bad_frame"),
            (create("account", json!(evil)), "bad_frame"),
            (create("call", json!(evil)), "bad_frame"),
            (create("headers", header("X-A", evil)), "bad_header"),
            (create("headers", header(evil, "x")), "bad_header"),
        ];
        for (frame, code) in frames {
            assert_eq!(rig.asks(1, &frame)["code"], code, "{frame}");
        }
        let sdp = offer().replace("s=-", &format!("s={evil}"));
        let frame = create("description", description("offer", &sdp));
        let reply = rig.asks(1, &frame);
        assert_eq!(reply["code"], "bad_description", "{evil:?}");
        let session = rig.session_of("alice");
        let call = format!(
            "called{}",
            evil.len() * 1000 + usize::from(evil.as_bytes()[1])
        );
        rig.invite(session, &call, Some(&offer()));
        let text = format!("candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag {evil}");
        for candidate in [
            json!({ "candidate": text, "sdpMid": "0" }),
            json!({ "candidate": "", "sdpMid": evil }),
            json!({ "candidate": "", "sdpMid": "0", "usernameFragment": evil }),
        ] {
            let frame = json!({ "type": "call.candidate", "call": call, "candidate": candidate });
            assert_eq!(rig.asks(1, &frame)["code"], "bad_candidate", "{frame}");
        }
    }
    assert!(rig.calls.is_empty());
    assert!(rig.signals.is_empty());
}

#[test]
fn headers_that_are_the_gateways_own_are_refused() {
    let mut rig = Rig::with_alice();
    for name in [
        "Via",
        "v",
        "CONTACT",
        "Authorization",
        "Content-Length",
        "P-Asserted-Identity",
    ] {
        let headers = json!([{ "name": name, "value": "x" }]);
        let frame =
            json!({ "type": "call.create", "id": "1", "call": "c", "to": "1", "headers": headers });
        let reply = rig.asks(1, &frame);
        assert_eq!(reply["detail"]["code"], "not_yours", "{name}");
    }
    let headers = json!([{ "name": "X-Order", "value": "7" }]);
    let frame =
        json!({ "type": "call.create", "id": "2", "call": "c", "to": "1", "headers": headers });
    assert_eq!(rig.asks(1, &frame)["type"], "result");
    assert_eq!(
        rig.calls[0].invite.headers,
        [("X-Order".to_owned(), "7".to_owned())]
    );
}

#[test]
fn digits_go_both_ways() {
    let (mut rig, leg) = established();
    let mut frame = about("call.dtmf", "1");
    frame["digits"] = json!("1#d");
    assert_eq!(rig.asks(1, &frame)["type"], "result");
    assert_eq!(rig.signalled(), ["Dtmf(1)", "Dtmf(#)", "Dtmf(D)"]);
    for (digits, ms) in [("", 160), ("x", 160), ("1", 10), ("1", 60_000)] {
        let mut frame = about("call.dtmf", &format!("{digits}{ms}"));
        (frame["digits"], frame["duration_ms"]) = (json!(digits), json!(ms));
        if digits.is_empty() {
            frame["id"] = json!("empty");
        }
        assert_eq!(rig.asks(1, &frame)["code"], "bad_frame", "{digits:?} {ms}");
    }
    let duration = Duration::from_millis(200);
    rig.apply(
        leg,
        Signal::Dtmf(Dtmf {
            digit: '5',
            duration,
        }),
    );
    let heard = rig.heard(1);
    assert_eq!(
        (&heard[0]["digit"], &heard[0]["duration_ms"]),
        (&json!("5"), &json!(200))
    );
}

#[test]
fn what_is_out_of_place_is_refused_by_state() {
    let mut rig = Rig::with_alice();
    rig.create(1, "c1");
    let mut dtmf = about("call.dtmf", "d");
    dtmf["digits"] = json!("1");
    let as_caller = [
        about("call.ring", "1"),
        about("call.reject", "2"),
        accept("3", "answer", &answer()),
        describe("4", "offer", &offer(), 2),
        describe("5", "answer", &answer(), 1),
        dtmf.clone(),
    ];
    for frame in as_caller {
        assert_eq!(rig.asks(1, &frame)["code"], "bad_state", "{frame}");
    }
    let (mut rig, _) = called();
    for frame in [describe("1", "answer", &answer(), 1), dtmf] {
        assert_eq!(rig.asks(1, &frame)["code"], "bad_state", "{frame}");
    }
    rig.say(1, &accept("9", "answer", &answer()));
    for frame in [
        about("call.ring", "10"),
        about("call.reject", "11"),
        accept("12", "answer", &answer()),
    ] {
        assert_eq!(rig.asks(1, &frame)["code"], "bad_state", "{frame}");
    }
}

#[test]
fn create_that_is_refused_leaves_a_trace_of_its_own() {
    let mut config = two_users();
    config.call.calls_per_user = 1;
    let mut rig = Rig::new(&config);
    rig.enter(1, "alice");
    rig.enter(2, "bob");
    rig.create(1, "c1");
    let known = rig.trace.len();
    let create = |call: &str, to: &str| {
        let offer = description("offer", &offer());
        json!({ "type": "call.create", "id": call, "call": call, "to": to, "description": offer })
    };
    for (connection, call, to, code) in [
        (1, "c1", "1002", Code::Conflict),
        (1, "c2", "1002", Code::TooManyCalls),
        (2, "c3", "nobody@\"", Code::BadAddress),
    ] {
        rig.say(connection, &create(call, to));
        let refused = rig.refused.pop().unwrap();
        assert_eq!((refused.code, refused.name.as_str()), (code, call));
        assert_eq!(refused.to, to);
        let of_leg = rig
            .trace
            .iter()
            .filter(|entry| entry.leg == Some(refused.leg));
        assert_eq!(of_leg.count(), 2, "{code:?}");
    }
    let lines = rig.ladder().split_off(known);
    let expected = ["> call.create c1", "< error c1"];
    assert_eq!(lines[..2], expected);
    // Of what is refused for its number nothing but the line is kept.
    let What::Received(message) = &rig.trace[known + 2].what else {
        panic!("{:?}", rig.trace[known + 2])
    };
    assert_eq!(message.body, "");
    assert!(!format!("{:?}", rig.trace).contains("a=ice-pwd:L"));
}

#[test]
fn traces_hold_no_secret() {
    let mut rig = Rig::with_alice();
    rig.create(1, "c1");
    let offer = offer();
    let pwd = offer
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-pwd:"))
        .unwrap();
    let all = format!("{:?}", rig.trace);
    assert!(all.contains("a=ice-ufrag") && !all.contains(pwd));
}

#[test]
fn leg_that_is_placed_for_a_session_that_went_ends_at_once() {
    let mut rig = Rig::with_alice();
    let session = rig.session_of("alice");
    rig.lose(1);
    rig.wait(Duration::from_secs(31));
    let leg = rig.invite(session, "c1", Some(&offer()));
    assert_eq!(
        (rig.signalled(), rig.gone),
        (vec!["End(unavailable)".to_owned()], vec![leg])
    );
}

#[test]
fn a_fault_in_a_call_ends_it_on_both_sides_and_touches_no_other() {
    let (mut rig, leg) = established();
    let other = rig.create(1, "c2");
    rig.heard(1);
    trap::set(1);
    rig.say(1, &about("call.end", "e"));
    let heard = rig.heard(1);
    assert_eq!(types(&heard), ["error", "call.ended"]);
    assert_eq!(heard[0]["code"], "internal");
    assert_eq!(
        (&heard[1]["cause"], &heard[1]["by"]),
        (&json!("internal"), &json!("gateway"))
    );
    assert_eq!(rig.signalled(), ["End(internal)"]);
    assert_eq!(rig.gone, [leg]);
    rig.apply(other, Signal::Ring);
    assert_eq!(types(&rig.heard(1)), ["call.ringing"]);
    assert!(rig.agent.counted().contains(&("panicked", 1)));
}

#[test]
fn a_fault_in_what_a_client_is_told_ends_the_call() {
    let (mut rig, leg) = called();
    rig.heard(1);
    trap::set(1);
    rig.apply(leg, Signal::Offer(None));
    assert_eq!(types(&rig.heard(1)), ["call.ended"]);
    assert_eq!(rig.signalled(), ["End(internal)"]);
}

#[test]
fn a_fault_while_a_call_is_asked_for_is_said_so() {
    let mut rig = Rig::with_alice();
    trap::set(1);
    let offer = json!({ "type": "offer", "sdp": offer() });
    let frame = json!({ "type": "call.create", "id": "1", "call": "c1", "to": "1001",
        "description": offer });
    assert_eq!(rig.asks(1, &frame)["code"], "internal");
    assert!(rig.agent.is_idle());
}
