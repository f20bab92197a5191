//! A fault of the gateway in one leg: its call ends on both sides, and no other.

use super::*;
use crate::contain::trap;
use crate::sip::leg::Do;

#[test]
fn a_fault_in_an_established_call_is_its_bye_and_touches_no_other() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    trap::set(1);
    bench.apply(leg, Signal::Offer(Some(description(&offer_text()))));
    let bye = bench.expect("BYE");
    assert_eq!(bench.told(), ["End internal"]);
    bench.reply(&bye, 200, "p", &[], "");
    bench.drain();
    assert_eq!(bench.gone, [leg]);
    assert_eq!(bench.agent.counts.panicked, 1);
    bench.established();
}

#[test]
fn a_fault_while_the_peer_calls_is_a_500() {
    let mut bench = Bench::new();
    bench.receive(&invite_text("1", "i1", &offer_text()));
    bench.expect("100");
    let leg = bench.calls.pop_front().unwrap().leg;
    trap::set(1);
    bench.apply(leg, Signal::Ring);
    bench.expect("500");
    assert_eq!(bench.told(), ["End internal"]);
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn a_fault_while_it_rings_there_cancels() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.call();
    bench.reply(&invite, 180, "p", &[], "");
    trap::set(1);
    bench.apply(leg, Signal::Offer(None));
    bench.expect("CANCEL");
    assert_eq!(bench.told(), ["Ring", "End internal"]);
}

#[test]
fn what_cannot_even_be_ended_is_dropped() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    trap::set_many(2);
    bench.apply(leg, Signal::Offer(None));
    assert_eq!(bench.told(), ["End internal"]);
    assert_eq!(bench.gone, [leg]);
    bench.expect_silence();
    bench.established();
}

#[test]
fn what_the_fault_left_half_done_is_not_carried_out() {
    let mut bench = Bench::new();
    let (leg, _) = bench.established();
    let (agent, ids, now) = (&mut bench.agent, &mut bench.ids, bench.now);
    agent.with_leg(leg, ids, now, |_, world| {
        world.out.push(Do::Note("half done".into()));
        panic!("a test wants it so");
    });
    agent.pump(ids, now);
    bench.expect("BYE");
    assert!(!bench.notes.iter().any(|note| note == "half done"));
}
