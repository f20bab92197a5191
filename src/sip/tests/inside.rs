//! Inside a call: offers both ways and how they cross, digits, requests out of place, the end.

use super::*;
use crate::call::cause::Cause;
use crate::call::signal::{Dtmf, Ending, Refusal};

const CONTACT: &str = "Contact: <sip:600@192.0.2.9:5060>";

fn hold() -> String {
    offer_text().replace("2 1 IN", "2 2 IN") + "a=sendonly\r\n"
}

fn offer(bench: &mut Bench, leg: LegId) -> Sent {
    bench.apply(leg, Signal::Offer(Some(description(&offer_text()))));
    bench.expect("INVITE")
}

#[test]
fn offer_of_the_peer_is_answered_in_the_200() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("100");
    assert_eq!(bench.told(), ["Offer"]);
    bench.apply(leg, Signal::Answer(description(&answer_text())));
    let ok = bench.expect("200");
    assert!(!ok.body().is_empty() && ok.header(&Name::Contact).contains("192.0.2.1"));
    bench.receive(&callee_request(&invite, "ACK", 5, "c5a", &[], ""));
    bench.seconds(40);
    bench.expect_silence();
}

/// RFC 3261 §17.2.1: so that it is not sent again and again while the other side thinks.
#[test]
fn offer_of_the_peer_is_known_to_have_come() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("100");
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("100");
    assert_eq!(bench.told(), ["Offer"]);
}

/// A phone that leaves the direction out of its answer to a hold ends no call.
#[test]
fn answer_wider_than_the_offer_is_narrowed() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    bench.apply(leg, Signal::Offer(Some(description(&hold()))));
    let reinvite = bench.expect("INVITE");
    bench.reply(&reinvite, 200, "", &[CONTACT], &answer_text());
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Answer"]);
    bench.expect_silence();
}

#[test]
fn refused_offers_of_the_peer_get_their_status() {
    for (why, status) in [
        (Refusal::Glare, "491"),
        (Refusal::NotAcceptable, "488"),
        (Refusal::Unanswered, "504"),
    ] {
        let mut bench = Bench::new();
        let (leg, invite) = bench.established();
        bench.callee_sends(&invite, "INVITE", 5, &hold());
        bench.expect("100");
        bench.apply(leg, Signal::Refuse(why.into()));
        bench.expect(status);
        bench.receive(&callee_request(&invite, "ACK", 5, "c5", &[], ""));
        bench.callee_sends(&invite, "BYE", 6, "");
        bench.expect("200");
    }
}

#[test]
fn offerless_reinvite_asks_for_an_offer_and_takes_the_answer_from_the_ack() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    bench.callee_sends(&invite, "INVITE", 5, "");
    bench.expect("100");
    assert_eq!(bench.told(), ["Offer wanted"]);
    bench.apply(leg, Signal::Offer(Some(description(&offer_text()))));
    bench.expect("200");
    bench.receive(&callee_request(
        &invite,
        "ACK",
        5,
        "c5a",
        &[],
        &answer_text(),
    ));
    assert_eq!(bench.told(), ["Answer"]);
}

#[test]
fn second_reinvite_gets_500_with_retry_after() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("100");
    bench.callee_sends(&invite, "INVITE", 6, &hold());
    let overlapping = bench.expect("500");
    let after: u32 = overlapping.header(&Name::RetryAfter).parse().unwrap();
    assert!(after <= 10);
    assert_eq!(bench.told(), ["Offer"]);
}

#[test]
fn reinvite_that_crosses_ours_gets_491() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    offer(&mut bench, leg);
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("491");
    assert!(bench.told().is_empty(), "the middle need not know");
}

#[test]
fn glare_is_tried_again_by_the_owner_after_2_to_4_seconds() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.reply(&reinvite, 491, "", &[], "");
    bench.expect("ACK");
    bench.advance(Duration::from_millis(2090));
    bench.expect_silence();
    bench.advance(Duration::from_millis(1920));
    let again = bench.expect("INVITE");
    assert_eq!(number_of(&again), number_of(&reinvite) + 1);
    assert_eq!(again.body(), reinvite.body());
    assert!(bench.told().is_empty());
    bench.forget_sent();
    bench.reply(&again, 200, "", &[CONTACT], &answer_text());
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Answer"]);
}

#[test]
fn glare_is_tried_again_by_the_callee_within_2_seconds() {
    let mut bench = Bench::new();
    let (leg, ok) = bench.taken();
    // A request of the peer's does not make us the owner.
    bench.receive(&inside(&ok, "OPTIONS", 2, "i2", &[], ""));
    bench.expect("200");
    let reinvite = offer(&mut bench, leg);
    bench.reply(&reinvite, 491, "", &[], "");
    bench.expect("ACK");
    bench.advance(Duration::from_millis(2010));
    bench.expect("INVITE");
}

#[test]
fn glare_without_end_is_given_up() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let mut reinvite = offer(&mut bench, leg);
    for _ in 0..3 {
        bench.reply(&reinvite, 491, "", &[], "");
        bench.expect("ACK");
        bench.seconds(5);
        reinvite = bench.expect("INVITE");
        bench.forget_sent();
    }
    bench.reply(&reinvite, 491, "", &[], "");
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Refuse Glare"]);
}

#[test]
fn offer_of_the_peer_goes_before_ours_that_waits_out_a_491() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.reply(&reinvite, 491, "", &[], "");
    bench.expect("ACK");
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("100");
    assert_eq!(bench.told(), ["Refuse Glare", "Offer"]);
    bench.seconds(5);
    bench.expect_silence();
}

#[test]
fn refused_offer_of_ours_leaves_the_call_as_it_was() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.reply(&reinvite, 488, "", &[], "");
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Refuse NotAcceptable"]);
    let Some(Signal::Refuse(refused)) = bench.said.last() else {
        panic!("{:?}", bench.said)
    };
    assert_eq!(refused.status, Some((488, "Whatever".to_owned())));
    let again = offer(&mut bench, leg);
    bench.reply(&again, 200, "", &[CONTACT], &answer_text());
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Answer"]);
}

#[test]
fn status_that_a_bye_repeats_is_told() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    let reason = ["Reason: SIP;cause=503;text=\"Congested\""];
    bench.receive(&callee_request(&invite, "BYE", 5, "c5", &reason, ""));
    bench.expect("200");
    assert_eq!(bench.told(), ["End overloaded"]);
    let Some(Signal::End(ending)) = bench.said.last() else {
        panic!("{:?}", bench.said)
    };
    assert_eq!(ending.status, Some((503, "Congested".to_owned())));
}

#[test]
fn dialog_that_is_gone_at_the_other_end_ends_the_call() {
    for status in [408, 481] {
        let mut bench = Bench::new();
        let (leg, _) = bench.established();
        let reinvite = offer(&mut bench, leg);
        bench.reply(&reinvite, status, "", &[], "");
        bench.expect("ACK");
        bench.expect("BYE");
        assert_eq!(bench.told(), ["End timeout"]);
    }
}

/// RFC 3261 §12.2.1.2: no response at all is as 408.
#[test]
fn reinvite_without_a_response_ends_the_call() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    offer(&mut bench, leg);
    bench.advance(Duration::from_millis(31_900));
    bench.forget_sent();
    assert!(bench.told().is_empty());
    bench.advance(Duration::from_millis(200));
    bench.expect("BYE");
    assert_eq!(bench.told(), ["End timeout"]);
}

#[test]
fn digit_that_meets_no_dialog_ends_the_call() {
    for (status, told) in [(481, vec!["End timeout"]), (415, vec![])] {
        let mut bench = Bench::new();
        let (leg, _) = bench.established();
        let (digit, duration) = ('5', Duration::from_millis(100));
        bench.apply(leg, Signal::Dtmf(Dtmf { digit, duration }));
        let info = bench.expect("INFO");
        bench.reply(&info, status, "", &[], "");
        assert_eq!(bench.told(), told);
    }
}

#[test]
fn lost_ack_of_a_reinvite_is_sent_again() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.reply(&reinvite, 200, "", &[CONTACT], &answer_text());
    bench.expect("ACK");
    bench.reply(&reinvite, 200, "", &[CONTACT], &answer_text());
    assert_eq!(number_of(&bench.expect("ACK")), number_of(&reinvite));
    assert_eq!(bench.told(), ["Answer"]);
}

#[test]
fn offer_that_is_taken_back_is_cancelled_and_the_next_one_waits() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.apply(leg, Signal::Refuse(Refusal::Withdrawn.into()));
    bench.expect_silence(); // No CANCEL before a provisional response.
    bench.apply(leg, Signal::Offer(Some(description(&hold()))));
    bench.expect_silence();
    bench.reply(&reinvite, 100, "", &[], "");
    let cancel = bench.expect("CANCEL");
    assert_eq!(number_of(&cancel), number_of(&reinvite));
    bench.reply(&cancel, 200, "", &[], "");
    bench.reply(&reinvite, 487, "", &[], "");
    bench.expect("ACK");
    let next = bench.expect("INVITE");
    assert!(String::from_utf8_lossy(next.body()).contains("sendonly"));
    assert!(bench.told().is_empty());
}

#[test]
fn two_hundred_that_crosses_the_cancel_of_a_reinvite_asks_for_a_new_offer() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.apply(leg, Signal::Refuse(Refusal::Unanswered.into()));
    bench.reply(&reinvite, 200, "", &[CONTACT], &answer_text());
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Offer wanted"]);
    let settled = offer(&mut bench, leg);
    bench.reply(&settled, 200, "", &[CONTACT], &answer_text());
    bench.expect("ACK");
    assert_eq!(bench.told(), ["Answer"]);
}

#[test]
fn bye_that_crosses_our_reinvite_ends_the_call_and_its_response_is_acknowledged() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    let reinvite = offer(&mut bench, leg);
    bench.callee_sends(&invite, "BYE", 5, "");
    bench.expect("200");
    assert_eq!(bench.told(), ["End normal"]);
    bench.reply(&reinvite, 481, "", &[], "");
    bench.expect("ACK");
    bench.seconds(60);
    assert!(bench.agent.is_idle());
}

#[test]
fn bye_that_crosses_their_reinvite_ends_both() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.callee_sends(&invite, "INVITE", 5, &hold());
    bench.expect("100");
    bench.callee_sends(&invite, "BYE", 6, "");
    let first = bench.expect("487");
    assert_eq!(method_of(&first), Some(Method::Invite));
    bench.expect("200");
    assert_eq!(bench.told(), ["Offer", "End normal"]);
}

#[test]
fn two_byes_that_cross_are_both_answered() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    let bye = bench.expect("BYE");
    bench.callee_sends(&invite, "BYE", 5, "");
    bench.expect("200");
    bench.reply(&bye, 481, "", &[], "");
    bench.told();
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn bye_with_a_reason_is_read() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    let reason = "Reason: Q.850;cause=17;text=\"User busy\"";
    bench.receive(&callee_request(&invite, "BYE", 5, "c5", &[reason], ""));
    bench.expect("200");
    assert_eq!(bench.told(), ["End busy"]);
}

#[test]
fn challenged_bye_is_sent_again_with_credentials() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    let bye = bench.expect("BYE");
    let challenge = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n1\"";
    bench.reply(&bye, 407, "", &[challenge], "");
    let again = bench.expect("BYE");
    assert!(again.header(&Name::ProxyAuthorization).contains("n1"));
    bench.reply(&again, 200, "", &[], "");
    bench.told();
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn digits_go_both_ways_by_info() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    let relay = "Content-Type: application/dtmf-relay";
    let body = "Signal=5\r\nDuration=160\r\n";
    bench.receive(&callee_request(&invite, "INFO", 5, "c5", &[relay], body));
    bench.expect("200");
    assert_eq!(bench.told(), ["Dtmf 5"]);
    let duration = Duration::from_millis(200);
    bench.apply(
        leg,
        Signal::Dtmf(Dtmf {
            digit: '#',
            duration,
        }),
    );
    let info = bench.expect("INFO");
    assert_eq!(info.body(), b"Signal=#\r\nDuration=200\r\n");
}

#[test]
fn info_that_is_not_understood_is_refused() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.receive(&callee_request(
        &invite,
        "INFO",
        5,
        "c5",
        &["Info-Package: foo"],
        "",
    ));
    bench.expect("469");
    let kind = "Content-Type: application/foo";
    bench.receive(&callee_request(&invite, "INFO", 6, "c6", &[kind], "x"));
    assert_eq!(
        bench.expect("415").header(&Name::Accept),
        "application/dtmf-relay"
    );
}

#[test]
fn options_is_answered_and_an_old_number_is_not() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.callee_sends(&invite, "OPTIONS", 9, ""); // Gaps are ordinary.
    bench.expect("200");
    bench.callee_sends(&invite, "OPTIONS", 8, "");
    bench.expect("500");
}

#[test]
fn target_refresh_moves_the_next_request() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let reinvite = offer(&mut bench, leg);
    let moved = "Contact: <sip:600@192.0.2.77:5062>";
    bench.reply(&reinvite, 200, "", &[moved], &answer_text());
    let ack = bench.expect("ACK");
    let remote = "192.0.2.77:5062".parse().unwrap();
    assert_eq!(ack.flow, Flow::Udp { local: 0, remote });
}

#[test]
fn candidates_are_dropped_with_a_note() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    bench.apply(leg, Signal::Candidates(Vec::new()));
    bench.expect_silence();
    assert!(bench.notes.iter().any(|note| note.contains("no trickle")));
}
