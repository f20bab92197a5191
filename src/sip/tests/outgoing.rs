//! Calls of ours until they are answered, and the races around it.

use super::*;
use crate::call::cause::Cause;
use crate::call::signal::{Ending, Opening};

const CONTACT: &str = "Contact: <sip:600@192.0.2.9:5060>";
const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"";

fn cancelled() -> Signal {
    Signal::End(Ending::by_peer(Cause::Cancelled))
}

#[test]
fn call_rings_and_is_answered_and_ended() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    assert_eq!(invite.header(&Name::Other("X-Ticket".into())), "7");
    // What is the protocol's own, what would break out of its line, and what the operator does not
    // list is left out.
    for unlisted in ["Diversion", "b", "Referred-By"] {
        let name = Name::parse(unlisted).unwrap();
        assert!(invite.headers().get(&name).is_none(), "{unlisted}");
    }
    assert!(invite.headers().get(&Name::Route).is_none());
    assert!(
        invite
            .headers()
            .get(&Name::Other("X-Evil".into()))
            .is_none()
    );
    assert!(invite.header(&Name::Via).contains(";rport"));
    assert_eq!(invite.header(&Name::Allow), super::super::allow());
    bench.reply(&invite, 100, "", &[], "");
    bench.reply(&invite, 180, "p", &[], "");
    bench.reply(&invite, 200, "p", &[CONTACT], &answer_text());
    assert_eq!(bench.told(), ["Ring", "Accept"]);
    bench.expect("ACK");
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    let bye = bench.expect("BYE");
    assert_eq!(number_of(&bye), 2);
    bench.reply(&bye, 200, "", &[], "");
    bench.told();
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn invitation_before_there_is_an_offer_is_the_gateways_own_fault() {
    let mut bench = Bench::new();
    let leg = bench.invite("sip:600@192.0.2.9:5060", None, Opening::Later);
    assert_eq!(bench.told(), ["End internal"]);
    let Some(Signal::End(ending)) = bench.said.last() else {
        panic!("{:?}", bench.said);
    };
    let why = "an INVITE was to be sent before there was the offer that it needs";
    assert_eq!(ending, &Ending::by_gateway(Cause::Internal).because(why));
    bench.expect_silence();
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn early_branches_are_told_apart_and_said_once() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    bench.reply(&invite, 183, "one", &[], &answer_text());
    bench.reply(&invite, 183, "two", &[], &answer_text());
    bench.reply(&invite, 183, "one", &[], &answer_text());
    assert_eq!(bench.told(), ["Progress 1", "Progress 2"]);
}

#[test]
fn second_fork_that_answers_gets_ack_and_bye() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.reply(
        &invite,
        200,
        "late",
        &["Contact: <sip:600@192.0.2.8:5060>"],
        &answer_text(),
    );
    let (ack, bye) = (bench.expect("ACK"), bench.expect("BYE"));
    assert!(ack.header(&Name::To).ends_with("tag=late"));
    assert!(bye.header(&Name::To).ends_with("tag=late"));
    assert!(bye.header(&Name::Reason).contains("cause=200"));
    assert!(bench.told().is_empty());
}

#[test]
fn late_fork_is_ended_even_when_the_call_is_gone() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    let bye = bench.expect("BYE");
    bench.reply(&bye, 200, "", &[], "");
    bench.reply(
        &invite,
        200,
        "late",
        &["Contact: <sip:600@192.0.2.8:5060>"],
        &answer_text(),
    );
    bench.expect("ACK");
    bench.expect("BYE");
}

#[test]
fn repeated_200_is_acknowledged_again() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.reply(&invite, 200, "p", &[CONTACT], &answer_text());
    let ack = bench.expect("ACK");
    assert_eq!(number_of(&ack), 1);
    assert!(bench.told().is_empty());
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    bench.apply(leg, cancelled());
    bench.expect_silence();
    bench.reply(&invite, 180, "p", &[], "");
    let cancel = bench.expect("CANCEL");
    assert_eq!(cancel.header(&Name::Via), invite.header(&Name::Via));
    bench.reply(&cancel, 200, "p", &[], "");
    bench.reply(&invite, 487, "p", &[], "");
    bench.expect("ACK");
    assert!(bench.told().is_empty());
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn two_hundred_that_crosses_cancel_gets_ack_and_bye() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    bench.reply(&invite, 180, "p", &[], "");
    bench.apply(leg, cancelled());
    let cancel = bench.expect("CANCEL");
    bench.reply(&invite, 200, "p", &[CONTACT], &answer_text());
    bench.expect("ACK");
    let bye = bench.expect("BYE");
    bench.reply(&cancel, 481, "p", &[], "");
    bench.reply(&bye, 200, "", &[], "");
    assert_eq!(bench.told(), ["Ring"]);
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn cancelled_call_that_never_ends_is_forgotten_after_32_seconds() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    bench.reply(&invite, 180, "p", &[], "");
    bench.apply(leg, cancelled());
    bench.seconds(33);
    assert_eq!(bench.gone, [leg]);
    bench.seconds(40);
    assert!(bench.agent.poll_timeout().is_none(), "no timer is left");
}

#[test]
fn answered_elsewhere_is_told_in_cancel() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    bench.reply(&invite, 180, "p", &[], "");
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::AnsweredElsewhere)));
    let cancel = bench.expect("CANCEL");
    assert_eq!(
        cancel.header(&Name::Reason),
        "SIP;cause=200;text=\"Call completed elsewhere\""
    );
}

#[test]
fn refusals_are_told_with_their_cause() {
    for (status, told) in [
        (486, "End busy"),
        (404, "End not_found"),
        (603, "End declined"),
        (480, "End unavailable"),
        (420, "End misbehaved"),
        (415, "End not_acceptable"),
        (403, "End forbidden"),
    ] {
        let mut bench = Bench::new();
        let (leg, invite) = bench.call();
        bench.reply(&invite, status, "p", &[], "");
        bench.expect("ACK");
        assert_eq!(bench.told(), [told], "{status}");
        assert_eq!(bench.gone, [leg]);
    }
}

#[test]
fn silence_is_unreachable() {
    let mut bench = Bench::new();
    bench.call();
    bench.seconds(33);
    assert_eq!(bench.told(), ["End unreachable"]);
}

#[test]
fn answer_without_what_a_browser_needs_ends_with_a_reason() {
    for (line, word) in [
        ("a=rtcp-mux\r\n", "rtcp-mux"),
        ("a=ice-ufrag:abcd\r\n", "ICE"),
        ("a=fingerprint", "DTLS"),
    ] {
        let mut bench = Bench::new();
        let (_, invite) = bench.call();
        let answer: String = answer_text()
            .split_inclusive("\r\n")
            .filter(|one| !one.starts_with(line.trim_end()))
            .collect();
        bench.reply(&invite, 200, "p", &[CONTACT], &answer);
        bench.expect("ACK");
        let bye = bench.expect("BYE");
        assert!(bye.header(&Name::Reason).contains(word), "{bye:?}");
        assert_eq!(bench.told(), ["End not_acceptable"]);
    }
}

#[test]
fn two_hundred_without_a_description_ends() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    bench.reply(&invite, 200, "p", &[CONTACT], "");
    bench.expect("ACK");
    bench.expect("BYE");
    assert_eq!(bench.told(), ["End not_acceptable"]);
}

#[test]
fn invite_without_an_offer_answers_in_the_ack() {
    let mut bench = Bench::new();
    let leg = bench.call_with(None);
    let invite = bench.expect("INVITE");
    assert!(invite.body().is_empty());
    bench.reply(&invite, 200, "p", &[CONTACT], &offer_text());
    assert_eq!(bench.told(), ["Accept"]);
    bench.expect_silence();
    bench.apply(leg, Signal::Answer(description(&answer_text())));
    let ack = bench.expect("ACK");
    assert!(!ack.body().is_empty());
    bench.reply(&invite, 200, "p", &[CONTACT], &offer_text());
    assert_eq!(bench.expect("ACK").body(), ack.body());
}

#[test]
fn redirect_inside_the_trunk_is_followed_and_others_are_told() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    bench.reply(
        &invite,
        302,
        "p",
        &["Contact: <sip:601@192.0.2.9:5070>"],
        "",
    );
    bench.expect("ACK");
    let again = bench.expect("INVITE");
    let Message::Request(request) = &again.message else {
        panic!()
    };
    assert_eq!(request.uri.to_string(), "sip:601@192.0.2.9:5070");
    assert_eq!(number_of(&again), 2);
    assert_ne!(again.header(&Name::Via), invite.header(&Name::Via));
    bench.reply(&again, 302, "p", &["Contact: <sip:1@evil.example>"], "");
    bench.expect("ACK");
    assert_eq!(bench.told(), ["End moved"]);
}

/// Where it goes has no credentials of where it came from, and nothing that is no Request-URI's.
#[test]
fn redirect_after_a_challenge_is_signed_anew() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    bench.reply(&invite, 401, "p", &[CHALLENGE], "");
    bench.expect("ACK");
    let proven = bench.expect("INVITE");
    assert!(proven.header(&Name::Authorization).contains("nc=00000001"));
    let contact = "Contact: <sip:601@192.0.2.9;method=INVITE?Subject=x>";
    bench.reply(&proven, 302, "p", &[contact], "");
    bench.expect("ACK");
    let again = bench.expect("INVITE");
    assert!(again.what().contains("INVITE"));
    let Message::Request(request) = &again.message else {
        panic!()
    };
    assert_eq!(request.uri.to_string(), "sip:601@192.0.2.9");
    let fields: Vec<_> = again.headers().all(&Name::Authorization).collect();
    assert_eq!(fields.len(), 1);
    assert!(fields[0].contains("uri=\"sip:601@192.0.2.9\"") && fields[0].contains("nc=00000002"));
}

#[test]
fn redirect_by_maddr_goes_nowhere() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    let contact = "Contact: <sip:601@192.0.2.9;maddr=192.0.2.66>";
    bench.reply(&invite, 302, "p", &[contact], "");
    bench.expect("ACK");
    bench.expect_silence();
    assert_eq!(bench.told(), ["End moved"]);
}

/// RFC 3261 §8.1.3.4: none is tried twice.
#[test]
fn redirects_in_a_circle_end() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    let contact = ["Contact: <sip:601@192.0.2.9:5070>"];
    bench.reply(&invite, 302, "p", &contact, "");
    bench.expect("ACK");
    let second = bench.expect("INVITE");
    let contacts = ["Contact: <sip:600@192.0.2.9:5060>, <sip:601@192.0.2.9:5070>"];
    bench.reply(&second, 302, "p", &contacts, "");
    bench.expect("ACK");
    assert_eq!(bench.told(), ["End moved"]);
}

#[test]
fn redirects_without_end_end() {
    let mut bench = Bench::new();
    let (_, mut invite) = bench.call();
    for place in 1..=5 {
        let contact = format!("Contact: <sip:60{place}@192.0.2.9:5070>");
        bench.reply(&invite, 302, "p", &[&contact], "");
        bench.expect("ACK");
        invite = bench.expect("INVITE");
    }
    let contact = "Contact: <sip:606@192.0.2.9:5070>";
    bench.reply(&invite, 302, "p", &[contact], "");
    bench.expect("ACK");
    assert_eq!(bench.told(), ["End moved"]);
}

fn request_uri(sent: &Sent) -> String {
    match &sent.message {
        Message::Request(request) => request.uri.to_string(),
        Message::Response(response) => panic!("{response:?}"),
    }
}

/// RFC 3261 §8.1.3.4: in order of `q`, until one takes the call. The same server sees them all, so
/// each has a number of its own, and what is not the trunk's is left out.
#[test]
fn places_of_a_redirect_are_tried_one_after_the_other() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    let contacts = [
        "Contact: <sip:603@192.0.2.9>;q=0.2, <sip:1@evil.example>;q=0.9",
        "Contact: <sip:601@192.0.2.9>;q=0.8, <sip:602@192.0.2.9>;q=0.5",
    ];
    bench.reply(&invite, 302, "p", &contacts, "");
    bench.expect("ACK");
    let first = bench.expect("INVITE");
    assert_eq!(request_uri(&first), "sip:601@192.0.2.9");
    bench.reply(&first, 401, "p", &[CHALLENGE], "");
    bench.expect("ACK");
    let proven = bench.expect("INVITE");
    bench.reply(&proven, 486, "p", &[], "");
    bench.expect("ACK");
    let second = bench.expect("INVITE");
    assert_eq!(request_uri(&second), "sip:602@192.0.2.9");
    let numbers = [&invite, &first, &proven, &second].map(number_of);
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(bench.told().is_empty());
    bench.seconds(33); // The second says nothing.
    let mut waiting = std::iter::from_fn(|| bench.wire.pop_front());
    let third = waiting.find(|sent| request_uri(sent) == "sip:603@192.0.2.9");
    let third = third.expect("the third place is tried");
    bench.forget_sent();
    bench.reply(&third, 486, "p", &[], "");
    bench.expect("ACK");
    assert_eq!(bench.told(), ["End busy"]);
    assert_eq!(bench.gone, [leg]);
}

/// RFC 3261 §21.6: it is said for him wherever he is.
#[test]
fn callee_who_declines_at_one_place_is_not_tried_at_the_next() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    let contacts = ["Contact: <sip:601@192.0.2.9>, <sip:602@192.0.2.9>"];
    bench.reply(&invite, 302, "p", &contacts, "");
    bench.expect("ACK");
    let first = bench.expect("INVITE");
    bench.reply(&first, 603, "p", &[], "");
    bench.expect("ACK");
    bench.expect_silence();
    assert_eq!(bench.told(), ["End declined"]);
}

#[test]
fn challenge_is_answered_and_the_ack_carries_the_same_credentials() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    bench.reply(&invite, 401, "p", &[CHALLENGE], "");
    bench.expect("ACK");
    let again = bench.expect("INVITE");
    assert_eq!(number_of(&again), 2);
    assert!(again.header(&Name::Authorization).contains("nc=00000001"));
    bench.reply(&again, 200, "q", &[CONTACT], &answer_text());
    let ack = bench.expect("ACK");
    assert_eq!(
        ack.header(&Name::Authorization),
        again.header(&Name::Authorization)
    );
}

#[test]
fn stale_nonce_is_answered_anew_and_a_wrong_password_is_told() {
    let mut bench = Bench::new();
    let (_, invite) = bench.call();
    let proxy = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n1\"";
    bench.reply(&invite, 407, "p", &[proxy], "");
    bench.expect("ACK");
    let again = bench.expect("INVITE");
    let stale = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n2\", stale=true";
    bench.reply(&again, 407, "p", &[stale], "");
    bench.expect("ACK");
    let third = bench.expect("INVITE");
    assert!(third.header(&Name::ProxyAuthorization).contains("n2"));
    let wrong = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n3\"";
    bench.reply(&third, 407, "p", &[wrong], "");
    bench.expect("ACK");
    bench.expect_silence();
    assert_eq!(bench.told(), ["End forbidden"]);
}

#[test]
fn route_of_the_200_is_taken_in_reverse() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    let route = "Record-Route: <sip:192.0.2.8;lr>, <sip:192.0.2.9;lr>";
    bench.reply(&invite, 200, "p", &[CONTACT, route], &answer_text());
    let ack = bench.expect("ACK");
    let routes: Vec<_> = ack.headers().all(&Name::Route).collect();
    assert_eq!(routes, ["<sip:192.0.2.9;lr>", "<sip:192.0.2.8;lr>"]);
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    let bye = bench.expect("BYE");
    assert_eq!(bye.flow, ack.flow);
}

#[test]
fn nothing_is_left_of_ended_calls() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        let (leg, _) = bench.established();
        bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
        let bye = bench.expect("BYE");
        bench.reply(&bye, 200, "", &[], "");
        bench.told();
    }
    bench.seconds(60);
    assert!(bench.agent.is_quiet() && bench.agent.is_idle());
}
