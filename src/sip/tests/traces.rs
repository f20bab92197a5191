//! What the trace says of INVITEs that are refused and of requests that come to nothing.

use super::transports::{asked, connect, named, small_udp, tell};
use super::*;
use crate::ask::Told;
use crate::call::cause::Cause;
use crate::call::signal::Ending;
use crate::sip::Refused;

const CONTACT: &str = "Contact: <sip:600@192.0.2.9:5060;transport=tcp>";

fn refused(bench: &mut Bench) -> Option<Refused> {
    bench.drain();
    bench.others.drain(..).find_map(|event| match event {
        Event::Refused(refused) => Some(refused),
        _ => None,
    })
}

/// A call of ours over TCP that was answered.
fn over_tcp() -> (Bench, LegId, u64) {
    let mut bench = Bench::with(&small_udp());
    let leg = bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    bench.reply(&invite, 200, "p", &[CONTACT], ANSWER);
    bench.expect("ACK");
    bench.told();
    (bench, leg, stream)
}

fn noted(bench: &mut Bench, text: &str) -> bool {
    bench.drain();
    bench.notes.iter().any(|note| note == text)
}

#[test]
fn refused_invite_is_traced_with_its_door_and_every_response() {
    for (more, status) in [
        (&["Require: 100rel"][..], 420),
        (&["Content-Type: text/plain"], 415),
    ] {
        let mut bench = Bench::new();
        let text = invite_with("1", "i1", more, &offer_text());
        bench.receive(&text);
        bench.expect(&status.to_string());
        let refused = refused(&mut bench).expect("a trace");
        let trunk = refused
            .caller
            .as_ref()
            .and_then(|door| door.trunk.as_deref());
        assert_eq!((refused.status, trunk), (status, Some("pbx")));
        assert_eq!(refused.name, "1");
        assert_eq!(refused.from, "sip:bob@pbx.example");
        let lines = bench.traced_of(refused.leg);
        assert!(lines[0].starts_with("> INVITE"), "{lines:?}");
        assert!(lines[1].starts_with(&format!("< {status}")), "{lines:?}");
        // No ACK comes: what is sent again belongs to the same trace.
        bench.advance(Duration::from_millis(600));
        let again = bench.traced_of(refused.leg);
        assert!(again[2].ends_with("(again)"), "{again:?}");
        bench.seconds(40);
        assert!(bench.agent.is_idle());
    }
}

#[test]
fn invite_that_comes_by_two_ways_leaves_a_trace_of_the_second() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    bench.expect("100");
    assert_eq!(refused(&mut bench), None);
    bench.receive(&invite_text("1", "i2", &offer_text()));
    bench.expect("482");
    assert_eq!(refused(&mut bench).unwrap().status, 482);
}

#[test]
fn invite_of_a_stranger_is_traced_as_often_as_he_is_told() {
    let mut bench = Bench::new();
    for branch in ["i1", "i2", "i3"] {
        bench.receive_from("203.0.113.9:5060", &invite_text("1", branch, &offer_text()));
    }
    assert_eq!(refused(&mut bench).unwrap().caller, None);
    assert_eq!(refused(&mut bench), None);
}

#[test]
fn invite_that_breaks_a_rule_is_traced_and_a_request_that_begins_no_call_is_not() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", "").replace("CSeq: 1 INVITE", "CSeq: 1 BYE"));
    bench.expect("400");
    assert_eq!(refused(&mut bench).unwrap().status, 400);
    bench.receive(&invite_text("2", "i2", "").replace("INVITE", "SUBSCRIBE"));
    bench.expect("405");
    assert_eq!(refused(&mut bench), None);
}

#[test]
fn what_is_refused_for_too_much_to_do_costs_no_trace() {
    let mut bench = Bench::new();
    bench.agent.set_shedding(true);
    bench.receive(&invite_text("1", "i1", &offer_text()));
    let refusal = bench.expect("503");
    assert!(!refusal.header(&Name::RetryAfter).is_empty());
    assert_eq!(refused(&mut bench), None);
    assert_eq!(bench.agent.counts.shed, 1);
}

#[test]
fn call_id_of_a_call_of_ours_is_told() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    let named = bench.others.drain(..).find_map(|event| match event {
        Event::Named { leg, name } => Some((leg, name)),
        _ => None,
    });
    let expected = Some((leg, invite.headers().call_id().to_owned()));
    assert_eq!(named, expected);
}

#[test]
fn bye_that_nobody_answers_leaves_a_note_before_the_leg_is_gone() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    bench.apply(leg, Signal::End(Ending::by_peer(Cause::Normal)));
    bench.seconds(33);
    assert!(noted(&mut bench, "nothing came of the BYE: no response"));
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn what_cannot_be_sent_over_a_stream_leaves_a_note() {
    let (mut bench, leg, stream) = over_tcp();
    bench.agent.stream_closed(stream, &mut bench.ids, bench.now);
    bench.others.clear();
    bench.apply(leg, Signal::Offer(Some(description(&offer_text()))));
    let (second, _) = connect(&mut bench);
    let why = "connection refused";
    bench
        .agent
        .stream_failed(second, why, &mut bench.ids, bench.now);
    let note = "nothing came of the INVITE inside the call: connection refused";
    assert!(noted(&mut bench, note), "{:?}", bench.notes);
    // The call is over with it, and its BYE finds no way either.
    let (third, _) = connect(&mut bench);
    bench
        .agent
        .stream_failed(third, why, &mut bench.ids, bench.now);
    let note = "nothing came of the BYE: connection refused";
    assert!(noted(&mut bench, note), "{:?}", bench.notes);
}

#[test]
fn cancel_and_ack_without_a_stream_leave_notes() {
    let mut bench = Bench::with(&small_udp());
    bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    bench.reply(&invite, 180, "p", &[], "");
    bench.told();
    bench.agent.stream_closed(stream, &mut bench.ids, bench.now);
    let (second, _) = connect(&mut bench);
    let why = "connection refused";
    bench
        .agent
        .stream_failed(second, why, &mut bench.ids, bench.now);
    let note = "nothing came of the CANCEL: connection refused";
    assert!(noted(&mut bench, note), "{:?}", bench.notes);
    // Somebody answered all the same.
    let late = response(&invite, 200, "p", &[CONTACT], ANSWER);
    bench.receive(&late);
    let (third, _) = connect(&mut bench);
    bench
        .agent
        .stream_failed(third, why, &mut bench.ids, bench.now);
    assert!(noted(&mut bench, "the ACK is lost: connection refused"));
    let note = "nothing came of the BYE to another fork: connection refused";
    assert!(noted(&mut bench, note), "{:?}", bench.notes);
}

#[test]
fn look_up_that_fails_leaves_a_note_with_the_reason() {
    let mut bench = Bench::with(&named("pbx.example:5070"));
    bench.call_to("sip:600@pbx.example:5070", None, None);
    let (id, _) = asked(&mut bench);
    tell(&mut bench, id, Told::Failed("SERVFAIL".into()));
    assert!(noted(&mut bench, "a look-up failed: SERVFAIL"));
    let note = "nothing came of the INVITE: its name has no address";
    assert!(noted(&mut bench, note), "{:?}", bench.notes);
}

#[test]
fn response_that_is_lost_with_its_stream_leaves_a_note() {
    let mut bench = Bench::new();
    let remote = "192.0.2.9:33000".parse().unwrap();
    bench.agent.stream_accepted(1, 1, remote, bench.now);
    bench.agent.stream_opened(1, &mut bench.ids, bench.now);
    let invite = invite_text("1", "i1", &offer_text()).replace("SIP/2.0/UDP", "SIP/2.0/TLS");
    bench.receive_by(Flow::Stream(1), &invite);
    bench.drain();
    let leg = bench.calls.pop_front().expect("a call").leg;
    bench.agent.stream_closed(1, &mut bench.ids, bench.now);
    bench.apply(leg, Signal::Accept(Some(description(ANSWER))));
    let note = "the response is lost: its connection is gone, and its Via leads to no other";
    assert!(noted(&mut bench, note), "{:?}", bench.notes);
}
