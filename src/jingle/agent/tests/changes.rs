//! Ladders of changes inside a session: ties, and what is taken back.

use super::*;
use crate::jingle::refusal::Refusal;
use crate::jingle::{Content, Info, Senders};

/// Our address in a session that the peer has begun.
const CALLED: &str = "600@gw.example.org/crosspoint";

/// Our address in a session of ours.
const CALLING: &str = "1001@gw.example.org/crosspoint";

/// A content-modify of the peer.
fn modify(senders: &str) -> Jingle {
    let mut modify = Jingle::new(Action::ContentModify, "s1");
    let senders = match senders {
        "initiator" => Senders::Initiator,
        _ => Senders::Both,
    };
    modify.contents = vec![Content {
        senders: Some(senders),
        ..Content::named(Role::Initiator, "0")
    }];
    modify
}

/// A message of the peer about content `1`.
fn about(action: Action, sid: &str) -> Jingle {
    let mut jingle = Jingle::new(action, sid);
    jingle.contents = vec![Content::named(Role::Initiator, "1")];
    jingle
}

#[test]
fn peer_that_began_the_session_takes_changes_of_our_side_as_well() {
    let mut rig = rig();
    called(&mut rig);
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendonly"], "efgh"))));
    assert_eq!(said[0], format!("> {JULIET} content-modify 0=responder"));
    assert_eq!(rig.result(), ["Answer recvonly abcd"]);
    rig.asked.clear();
    rig.tell(Signal::Offer(Some(sdp(&["sendrecv"], "efgh"))));
    assert_eq!(rig.result(), ["Answer sendrecv abcd"]);
}

#[test]
fn unhold_before_the_hold_is_taken_is_told_that_it_is_out_of_order() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    let mut hold = Jingle::new(Action::SessionInfo, &sid);
    hold.info = vec![crate::jingle::Info::Hold];
    assert_eq!(rig.iq(JULIET, ours, &hold), ["Offer sendonly wxyz"]);
    hold.info = vec![crate::jingle::Info::Unhold];
    assert_eq!(rig.iq(JULIET, ours, &hold), ["> error unexpected-request"]);
}

#[test]
fn candidates_follow_a_restart_of_the_peer_before_it_is_taken() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    let theirs = answer(&["sendrecv"], "new2");
    let mut restart = jingle(Action::TransportInfo, &sid, &theirs, Role::Responder);
    restart.contents[0].application = None;
    assert_eq!(rig.iq(JULIET, ours, &restart), ["Offer sendrecv new2"]);
    let info = trickled(&sid, "new2");
    assert_eq!(rig.iq(JULIET, ours, &info), ["> result", "Candidates 1"]);
    assert_eq!(
        rig.tell(Signal::Answer(answer(&["sendrecv"], "new1")))[0],
        "> result"
    );
}

#[test]
fn tie_that_we_lose_takes_our_offer_back() {
    let mut rig = rig();
    called(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["inactive"], "efgh"))));
    // Whether it is a tie, only the peer knows.
    assert_eq!(rig.iq(JULIET, CALLED, &modify("initiator")).len(), 1);
    let said = rig.error(Refusal::TieBreak);
    let wanted = ["Refuse Glare".to_owned(), "Offer sendonly abcd".to_owned()];
    assert_eq!(said[1..], wanted);
    let said = rig.tell(Signal::Answer(answer(&["recvonly"], "efgh")));
    assert_eq!(said, ["> result"]);
}

#[test]
fn request_that_crosses_an_offer_which_the_peer_takes_is_an_offer_behind_it() {
    let mut rig = rig();
    called(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["sendrecv", "sendrecv"], "efgh"))));
    assert_eq!(rig.iq(JULIET, CALLED, &modify("initiator")).len(), 1);
    let second = rig.iq(JULIET, CALLED, &modify("both"));
    assert_eq!(second, ["> error unexpected-request"], "one waits already");
    assert_eq!(rig.result(), Vec::<String>::new());
    let said = rig.iq(JULIET, CALLED, &about(Action::ContentReject, "s1"));
    assert_eq!(
        said,
        [
            "> result",
            "Answer sendrecv,rejected abcd",
            "Offer sendonly,rejected abcd"
        ]
    );
}

#[test]
fn request_that_waits_is_answered_when_the_session_ends() {
    let mut rig = rig();
    called(&mut rig);
    assert_eq!(
        rig.iq(JULIET, CALLED, &modify("initiator")),
        ["Offer sendonly abcd"]
    );
    let end = Jingle::new(Action::SessionTerminate, "s1");
    let said = rig.iq(JULIET, CALLED, &end);
    assert_eq!(
        said,
        [
            "> result",
            "> error item-not-found",
            "End normal Peer",
            "Gone"
        ]
    );

    let mut rig = self::rig();
    called(&mut rig);
    rig.asked.clear();
    rig.tell(Signal::Offer(Some(sdp(&["sendonly"], "efgh"))));
    rig.iq(JULIET, CALLED, &modify("initiator"));
    let said = rig.end(Cause::Normal);
    assert_eq!(said[0], "> error item-not-found");
}

#[test]
fn hold_that_crosses_the_end_of_all_sending_says_nothing() {
    let mut rig = rig();
    called(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["inactive"], "efgh"))));
    let mut hold = Jingle::new(Action::SessionInfo, "s1");
    hold.info = vec![Info::Hold];
    assert_eq!(rig.iq(JULIET, CALLED, &hold).len(), 1);
    assert_eq!(rig.result(), ["Answer inactive abcd", "> result"]);
}

#[test]
fn content_add_that_is_refused_is_a_rejected_section() {
    let mut rig = rig();
    established(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["sendrecv", "sendrecv"], "abcd"))));
    let said = rig.error(Refusal::NotAcceptable);
    assert_eq!(said[1], "Answer sendrecv,rejected wxyz");
}

#[test]
fn offer_that_is_taken_back_is_undone_at_the_peer() {
    let mut rig = rig();
    let sid = established(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["sendonly", "sendrecv"], "abcd"))));
    let said = rig.tell(Signal::Refuse(
        crate::call::signal::Refusal::Withdrawn.into(),
    ));
    let wanted = [
        format!("> {JULIET} content-remove 1"),
        format!("> {JULIET} content-modify 0=both"),
    ];
    assert_eq!(said, wanted);
    let late = rig.iq(JULIET, CALLING, &about(Action::ContentAccept, &sid));
    assert_eq!(late, ["> error unexpected-request"]);
    // What the peer says of the old offer says nothing of the next.
    let said = rig.tell(Signal::Offer(Some(sdp(&["inactive"], "abcd"))));
    assert_eq!(said[0], format!("> {JULIET} content-modify 0=none"));
    assert_eq!(
        rig.result(),
        Vec::<String>::new(),
        "the content-add of before"
    );
}

#[test]
fn content_that_a_withdrawn_offer_has_ended_stays_so() {
    let mut rig = rig();
    let sid = established(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["sendrecv", "sendrecv"], "abcd"))));
    rig.result();
    let both = answer(&["sendrecv", "sendrecv"], "wxyz");
    let mut accept = jingle(Action::ContentAccept, &sid, &both, Role::Responder);
    accept.contents.remove(0);
    accept.contents[0].creator = Role::Initiator;
    let said = rig.iq(JULIET, CALLING, &accept);
    assert_eq!(said[1], "Answer sendrecv,sendrecv wxyz");
    let text = sdp(&["sendrecv", "sendrecv"], "abcd").to_text();
    let text = text
        .replace("m=video 9", "m=video 0")
        .replace("BUNDLE 0 1", "BUNDLE 0");
    let without = SessionDescription::parse(&text, &Limits::default()).unwrap();
    let said = rig.tell(Signal::Offer(Some(without)));
    assert_eq!(said, [format!("> {JULIET} content-remove 1")]);
    let said = rig.tell(Signal::Refuse(
        crate::call::signal::Refusal::Withdrawn.into(),
    ));
    assert_eq!(said, ["Offer sendrecv,rejected wxyz"]);
}

#[test]
fn repeated_hold_is_out_of_order_while_the_first_waits() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let mut hold = Jingle::new(Action::SessionInfo, &sid);
    hold.info = vec![Info::Hold];
    assert_eq!(rig.iq(JULIET, CALLING, &hold), ["Offer sendonly wxyz"]);
    assert_eq!(
        rig.iq(JULIET, CALLING, &hold),
        ["> error unexpected-request"]
    );
}

#[test]
fn peer_is_asked_whether_it_knows_the_session_when_its_stream_is_another() {
    let mut rig = rig();
    established(&mut rig);
    rig.agent.online(GW, "gw.example.org", true, rig.now);
    assert_eq!(rig.said(), Vec::<String>::new(), "nothing is lost");
    rig.agent
        .online(ALICE, "alice@example.org/gw", false, rig.now);
    assert_eq!(rig.said(), Vec::<String>::new(), "another stream");
    rig.agent.online(GW, "gw.example.org", false, rig.now);
    assert_eq!(rig.said(), [format!("> {JULIET} session-info")]);
    let said = rig.error(Refusal::UnknownSession);
    assert_eq!(said[1..], ["End timeout Peer", "Gone"]);
}
