//! Calls of peers until they are answered and acknowledged.

use super::*;
use crate::call::cause::Cause;
use crate::call::signal::{By, Ending, Opening};

fn arrived(bench: &mut Bench) -> LegId {
    bench.told();
    bench.calls.pop_front().expect("a call").leg
}

#[test]
fn call_is_announced_and_rings_and_is_taken() {
    let mut bench = Bench::new();
    let route = "Record-Route: <sip:192.0.2.8;lr>";
    bench.receive(&invite_with(
        "1",
        "i1",
        &[route, "Timestamp: 54"],
        &offer_text(),
    ));
    let trying = bench.expect("100");
    assert_eq!(trying.header(&Name::Other("Timestamp".into())), "54");
    let call = bench.calls.pop_front().unwrap();
    assert_eq!(call.invite.from.uri, "sip:bob@pbx.example");
    assert_eq!(call.invite.from.display_name.as_deref(), Some("Bob"));
    assert_eq!(call.caller.trunk.as_deref(), Some("pbx"));
    bench.apply(call.leg, Signal::Ring);
    let ringing = bench.expect("180");
    assert_eq!(ringing.header(&Name::RecordRoute), "<sip:192.0.2.8;lr>");
    assert!(ringing.header(&Name::Contact).contains("@192.0.2.1:5060"));
    bench.apply(call.leg, Signal::Accept(Some(description(&answer_text()))));
    let ok = bench.expect("200");
    assert_eq!(ok.header(&Name::To), ringing.header(&Name::To));
    bench.receive(&inside(&ok, "ACK", 1, "i1a", &[], ""));
    bench.seconds(40);
    bench.expect_silence();
}

#[test]
fn early_media_is_a_183_and_is_repeated_every_minute() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let leg = arrived(&mut bench);
    bench.expect("100");
    let description = description(&answer_text());
    bench.apply(
        leg,
        Signal::Progress {
            description,
            fork: 1,
        },
    );
    assert!(!bench.expect("183").body().is_empty());
    bench.seconds(59);
    bench.expect_silence();
    bench.seconds(2);
    bench.expect("183");
}

/// RFC 3261 §13.3.1: 487, and the callee hears that it was too late.
#[test]
fn invitation_that_expires_while_it_rings_gets_487() {
    let mut bench = Bench::new();
    let invite = invite_with("1", "i1", &["Expires: 20"], &offer_text());
    bench.receive(&invite);
    let leg = arrived(&mut bench);
    bench.expect("100");
    bench.apply(leg, Signal::Ring);
    bench.expect("180");
    let (_, why) = bench.agent.poll_timeout().unwrap();
    assert_eq!(why, "an INVITE's Expires");
    bench.advance(Duration::from_millis(19_900));
    bench.expect_silence();
    bench.advance(Duration::from_millis(200));
    bench.expect("487");
    assert_eq!(bench.told(), ["End no_answer"]);
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn invitation_that_is_answered_in_time_does_not_expire() {
    let mut bench = Bench::new();
    let invite = invite_with("1", "i1", &["Expires: 20"], &offer_text());
    bench.receive(&invite);
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Accept(Some(description(&answer_text()))));
    bench.expect("100");
    let ok = bench.expect("200");
    bench.receive(&inside(&ok, "ACK", 1, "i1a", &[], ""));
    bench.seconds(60);
    bench.expect_silence();
    assert!(bench.told().is_empty());
}

#[test]
fn two_hundred_is_repeated_until_its_ack_comes() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Accept(Some(description(&answer_text()))));
    bench.forget_sent();
    bench.advance(Duration::from_millis(3600)); // 0.5, 1.5, 3.5
    let again = [
        bench.expect("200"),
        bench.expect("200"),
        bench.expect("200"),
    ];
    bench.receive(&inside(&again[0], "ACK", 1, "i1a", &[], ""));
    bench.seconds(60);
    bench.expect_silence();
    assert!(bench.told().is_empty());
}

#[test]
fn lost_ack_ends_the_call_and_names_our_contact() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Accept(Some(description(&answer_text()))));
    bench.advance(Duration::from_millis(31_900));
    bench.forget_sent();
    bench.advance(Duration::from_millis(200));
    bench.expect("BYE");
    assert_eq!(bench.told(), ["End timeout"]);
    let alarm = bench
        .notes
        .iter()
        .find(|note| note.contains("no ACK for our 200"));
    assert!(alarm.unwrap().contains("@192.0.2.1:5060"), "{alarm:?}");
    assert_eq!(bench.agent.counts.unacknowledged, 1);
}

#[test]
fn hang_up_before_the_ack_waits_for_it() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Accept(Some(description(&answer_text()))));
    bench.expect("100");
    let ok = bench.expect("200");
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    bench.expect_silence();
    bench.receive(&inside(&ok, "ACK", 1, "i1a", &[], ""));
    bench.expect("BYE");
}

#[test]
fn offerless_invite_takes_its_answer_from_the_ack() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", ""));
    let leg = arrived(&mut bench);
    bench.expect("100");
    bench.apply(leg, Signal::Accept(Some(description(&offer_text()))));
    let ok = bench.expect("200");
    assert!(!ok.body().is_empty());
    bench.receive(&inside(&ok, "ACK", 1, "i1a", &[], &answer_text()));
    assert_eq!(bench.told(), ["Answer"]);
}

#[test]
fn ack_that_owes_an_answer_and_has_none_ends_the_call() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", ""));
    let leg = arrived(&mut bench);
    bench.expect("100");
    bench.apply(leg, Signal::Accept(Some(description(&offer_text()))));
    let ok = bench.expect("200");
    bench.receive(&inside(&ok, "ACK", 1, "i1a", &[], ""));
    bench.expect("BYE");
    assert_eq!(bench.told(), ["End not_acceptable"]);
}

#[test]
fn cancel_gets_200_and_the_invite_487() {
    let mut bench = Bench::new();
    let invite = invite_text("1", "i1", &offer_text());
    bench.receive(&invite);
    bench.expect("100");
    let cancel = invite_with(
        "1",
        "i1",
        &["Reason: SIP;cause=200;text=\"Call completed elsewhere\""],
        "",
    )
    .replace("INVITE", "CANCEL");
    bench.receive(&cancel);
    let ok = bench.expect("200");
    assert_eq!(method_of(&ok), Some(Method::Cancel));
    let terminated = bench.expect("487");
    assert_eq!(ok.header(&Name::To), terminated.header(&Name::To));
    assert_eq!(bench.told(), ["End answered_elsewhere"]);
}

#[test]
fn cancel_that_crosses_our_200_has_no_effect() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Accept(Some(description(&answer_text()))));
    bench.forget_sent();
    bench.receive(&invite_text("1", "i1", "").replace("INVITE", "CANCEL"));
    assert_eq!(method_of(&bench.expect("200")), Some(Method::Cancel));
    bench.expect_silence();
    assert!(bench.told().is_empty());
}

#[test]
fn cancel_of_nothing_gets_481() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", "").replace("INVITE", "CANCEL"));
    bench.expect("403"); // Nobody without a call or a door has business here.
    let (_, ok) = bench.taken();
    bench.receive(&inside(&ok, "CANCEL", 1, "other", &[], ""));
    bench.expect_silence();
}

#[test]
fn same_invite_by_another_path_gets_482() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    bench.expect("100");
    bench.receive(&invite_text("1", "i2", &offer_text()));
    bench.expect("482");
}

#[test]
fn retransmitted_invite_gets_the_last_provisional_response_again() {
    let mut bench = Bench::new();
    let invite = invite_text("1", "i1", &offer_text());
    bench.receive(&invite);
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Ring);
    bench.forget_sent();
    bench.receive(&invite);
    bench.expect("180");
    assert!(bench.calls.is_empty());
}

#[test]
fn end_is_told_by_its_status() {
    for (cause, status) in [
        (Cause::Busy, "486"),
        (Cause::Declined, "603"),
        (Cause::Unavailable, "480"),
        (Cause::NotFound, "404"),
        (Cause::NoCommonCodec, "488"),
        (Cause::Overloaded, "503"),
        (Cause::Forbidden, "403"),
    ] {
        let mut bench = Bench::new();
        bench.receive(&invite_text("1", "i1", &offer_text()));
        let leg = arrived(&mut bench);
        bench.expect("100");
        let ending = Ending {
            cause,
            by: By::Peer,
            status: None,
            detail: Some("x".into()),
        };
        bench.apply(leg, Signal::End(ending));
        let refusal = bench.expect(status);
        assert!(refusal.headers().to_tag().is_some());
        bench.advance(Duration::from_millis(600));
        bench.expect(status); // Sent again until its ACK comes.
    }
}

#[test]
fn bodies_that_are_not_taken_are_refused() {
    let other = "Content-Type: text/plain";
    let packed = "Content-Encoding: gzip";
    for (more, body, status) in [
        (vec![other], "hello".to_owned(), "415"),
        (
            vec![packed, "Content-Type: application/sdp"],
            offer_text(),
            "415",
        ),
        (vec![], "v=1\r\n".to_owned(), "400"),
    ] {
        let mut bench = Bench::new();
        bench.receive(&invite_with("1", "i1", &more, &body));
        let refusal = bench.expect(status);
        if status == "415" {
            assert_eq!(refusal.header(&Name::Accept), "application/sdp");
        }
        assert!(bench.calls.is_empty());
    }
}

#[test]
fn description_in_a_multipart_body_is_taken() {
    let mut bench = Bench::new();
    let body = format!(
        "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\n\
         Content-Type: application/sdp\r\n\r\n{}\r\n--x--\r\n",
        offer_text()
    );
    let kind = "Content-Type: multipart/mixed; boundary=\"x\"";
    bench.receive(&invite_with("1", "i1", &[kind], &body));
    bench.expect("100");
    let call = bench.calls.pop_front().unwrap();
    assert_eq!(
        call.invite.opening,
        Opening::Offer(description(&offer_text()))
    );
}

#[test]
fn extension_that_is_required_and_not_known_gets_420() {
    let mut bench = Bench::new();
    bench.receive(&invite_with(
        "1",
        "i1",
        &["Require: 100rel, foo"],
        &offer_text(),
    ));
    let refusal = bench.expect("420");
    assert_eq!(refusal.header(&Name::Unsupported), "100rel, foo");
}

#[test]
fn bye_of_the_caller_ends_an_early_dialog() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let leg = arrived(&mut bench);
    bench.apply(leg, Signal::Ring);
    bench.expect("100");
    let ringing = bench.expect("180");
    bench.receive(&inside(&ringing, "BYE", 2, "i2", &[], ""));
    bench.expect("200");
    bench.expect("487");
    assert_eq!(bench.told(), ["End cancelled"]);
}
