//! Ladders inside a session: hold, video, restarts, candidates, the end.

use super::*;

#[test]
fn hold_and_resume_of_our_side_are_taken_by_results() {
    let mut rig = rig();
    established(&mut rig);
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendonly"], "abcd"))));
    assert_eq!(
        said,
        [
            format!("> {JULIET} content-modify 0=initiator"),
            format!("> {JULIET} session-info Hold")
        ]
    );
    assert_eq!(rig.result(), ["Answer recvonly wxyz"]);
    rig.result();
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendrecv"], "abcd"))));
    assert_eq!(said[0], format!("> {JULIET} content-modify 0=both"));
    assert_eq!(rig.result(), ["Answer sendrecv wxyz"]);
}

#[test]
fn hold_of_the_peer_is_offered_and_its_request_answered_by_the_answer() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    let mut hold = Jingle::new(Action::SessionInfo, &sid);
    hold.info = vec![crate::jingle::Info::Hold];
    assert_eq!(rig.iq(JULIET, ours, &hold), ["Offer sendonly wxyz"]);
    assert_eq!(rig.iq(JULIET, ours, &hold), ["> error unexpected-request"]);
    let said = rig.tell(Signal::Answer(answer(&["recvonly"], "abcd")));
    assert_eq!(said, ["> result"]);
    hold.info = vec![crate::jingle::Info::Unhold];
    assert_eq!(rig.iq(JULIET, ours, &hold), ["Offer sendrecv wxyz"]);
    // Glare on the other side is a tie here.
    let said = rig.tell(Signal::Refuse(Refusal::Glare.into()));
    assert_eq!(said, ["> error conflict tie-break"]);
    assert_eq!(rig.iq(JULIET, ours, &hold), ["Offer sendrecv wxyz"]);
}

#[test]
fn video_is_added_by_our_side_and_rejected() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendrecv", "sendrecv"], "abcd"))));
    assert_eq!(said, [format!("> {JULIET} content-add 1=both")]);
    assert_eq!(
        rig.result(),
        Vec::<String>::new(),
        "the content-accept is due"
    );
    let mut reject = Jingle::new(Action::ContentReject, &sid);
    reject.contents = vec![crate::jingle::Content::named(Role::Initiator, "1")];
    let said = rig.iq(JULIET, ours, &reject);
    assert_eq!(said, ["> result", "Answer sendrecv,rejected wxyz"]);
}

#[test]
fn video_is_added_by_the_peer_and_taken() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    let both = sdp(&["sendrecv", "sendrecv"], "wxyz");
    let mut add = jingle(Action::ContentAdd, &sid, &both, Role::Responder);
    add.contents.remove(0);
    assert_eq!(rig.iq(JULIET, ours, &add), ["Offer sendrecv,sendrecv wxyz"]);
    let said = rig.tell(Signal::Answer(answer(&["sendrecv", "sendrecv"], "abcd")));
    assert_eq!(
        said,
        [
            "> result".to_owned(),
            format!("> {JULIET} content-accept 1=both")
        ]
    );
}

#[test]
fn restart_of_our_side_is_answered_by_one_of_the_peer() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendrecv"], "new1"))));
    assert_eq!(said, [format!("> {JULIET} transport-info 0")]);
    assert_eq!(rig.result(), Vec::<String>::new());
    let theirs = answer(&["sendrecv"], "new2");
    let mut restart = jingle(Action::TransportInfo, &sid, &theirs, Role::Responder);
    restart.contents[0].application = None;
    assert_eq!(
        rig.iq(JULIET, ours, &restart),
        ["> result", "Answer sendrecv new2"]
    );
}

#[test]
fn both_restart_at_once_and_the_initiators_goes() {
    let mut rig = rig();
    let sid = established(&mut rig);
    let ours = "1001@gw.example.org/crosspoint";
    rig.tell(Signal::Offer(Some(sdp(&["sendrecv"], "new1"))));
    let theirs = answer(&["sendrecv"], "new2");
    let mut restart = jingle(Action::TransportInfo, &sid, &theirs, Role::Responder);
    restart.contents[0].application = None;
    assert_eq!(
        rig.iq(JULIET, ours, &restart),
        ["> error conflict tie-break"]
    );
    assert_eq!(rig.result(), Vec::<String>::new());
    assert_eq!(
        rig.iq(JULIET, ours, &restart),
        ["> result", "Answer sendrecv new2"]
    );
}

#[test]
fn change_that_the_peer_refuses_leaves_the_session_as_it_was() {
    let mut rig = rig();
    established(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["sendonly"], "abcd"))));
    let said = rig.error(crate::jingle::refusal::Refusal::NotAcceptable);
    assert_eq!(said[1], "Refuse NotAcceptable");
    rig.asked.clear();
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendonly"], "abcd"))));
    assert_eq!(said[0], format!("> {JULIET} content-modify 0=initiator"));
}

#[test]
fn candidates_go_both_ways_and_those_before_the_acceptance_wait_for_it() {
    let mut rig = rig();
    let ours = "1001@gw.example.org/crosspoint";
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let sid = rig.sid();
    rig.jmi(JULIET, ours, &format!("<proceed id='{sid}'/>"));
    let info = trickled(&sid, "wxyz");
    assert_eq!(rig.iq(JULIET, ours, &info), ["> result"]);
    let accept = jingle(
        Action::SessionAccept,
        &sid,
        &answer(&["sendrecv"], "wxyz"),
        Role::Responder,
    );
    let said = rig.iq(JULIET, ours, &accept);
    assert_eq!(said, ["> result", "Accept sendrecv wxyz"]);
    assert_eq!(rig.iq(JULIET, ours, &info), ["> result"], "it went with it");
    let mut next = info;
    next.contents[0].ice_mut().unwrap().candidates[0].port = "3479".into();
    assert_eq!(rig.iq(JULIET, ours, &next), ["> result", "Candidates 1"]);
}

#[test]
fn peer_that_no_longer_knows_the_session_has_left_it() {
    let mut rig = rig();
    established(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["sendonly"], "abcd"))));
    let said = rig.error(crate::jingle::refusal::Refusal::UnknownSession);
    assert_eq!(said[1..], ["End timeout Peer", "Gone"]);
}

#[test]
fn fault_of_ours_takes_one_leg_out() {
    let mut rig = rig();
    rig.propose(JULIET, "600@gw.example.org", "s1");
    rig.propose(JULIET, "601@gw.example.org", "s2");
    crate::contain::trap::set(1);
    let said = rig.jmi(JULIET, "600@gw.example.org", "<retract id='s1'/>");
    assert_eq!(said, ["End internal Gateway", "Gone"]);
    assert_eq!((rig.agent.len(), rig.agent.counts.panicked), (1, 1));
}
