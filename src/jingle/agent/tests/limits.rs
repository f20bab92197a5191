//! Ladders of what is too much, of what comes too late, and of who may not.

use std::ops::Range;
use std::time::Duration;

use super::*;
use crate::jingle::ice_udp::Candidate;

/// Candidates of the peer, one for each of these ports.
fn many(sid: &str, ufrag: &str, ports: Range<u16>) -> Jingle {
    let mut info = trickled(sid, ufrag);
    let ice = info.contents[0].ice_mut().unwrap();
    let one = ice.candidates[0].clone();
    let candidates = ports.map(|port| Candidate {
        port: port.to_string(),
        ..one.clone()
    });
    ice.candidates = candidates.collect();
    info
}

#[test]
fn candidates_are_told_once_and_so_many_of_them() {
    let mut rig = rig();
    rig.agent.candidates_max = 3;
    called(&mut rig);
    let to = "600@gw.example.org/crosspoint";
    let mut tell = |ports| rig.iq(JULIET, to, &many("s1", "abcd", ports));
    assert_eq!(tell(1..3), ["> result", "Candidates 2"]);
    assert_eq!(tell(1..3), ["> result"]);
    let why = "# candidates are dropped: a session may have 3 of them";
    assert_eq!(tell(2..9), [why, "> result", "Candidates 1"]);
    assert_eq!(tell(20..30), ["> result"], "it is noted once");
    assert_eq!(rig.agent.counts.candidates, 15);
}

#[test]
fn candidates_before_the_acceptance_are_as_many_as_behind_it() {
    let mut rig = rig();
    let ours = "1001@gw.example.org/crosspoint";
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let sid = rig.sid();
    rig.jmi(JULIET, ours, &format!("<proceed id='{sid}'/>"));
    for first in (0..6400).step_by(100) {
        rig.iq(JULIET, ours, &many(&sid, "wxyz", first..first + 100));
    }
    assert_eq!(rig.agent.counts.candidates, 6400 - 200);
    let accept = jingle(
        Action::SessionAccept,
        &sid,
        &answer(&["sendrecv"], "wxyz"),
        Role::Responder,
    );
    let said = rig.iq(JULIET, ours, &accept);
    assert_eq!(said.last().unwrap(), "Accept sendrecv wxyz");
}

#[test]
fn chat_user_has_so_many_calls_at_once() {
    let mut rig = rig();
    rig.agent.calls_per_user = 1;
    let to = "600@gw.example.org";
    rig.propose(JULIET, to, "s1");
    let tablet = "Juliet@example.org/tablet";
    let why = "Refused Juliet@example.org: `call.calls_per_user` is reached".to_owned();
    let rejected = format!("> {tablet} reject general-error");
    assert_eq!(rig.propose(tablet, to, "s2"), [rejected, why.clone()]);
    let initiate = jingle(
        Action::SessionInitiate,
        "s3",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    let refused = "> error resource-constraint".to_owned();
    assert_eq!(rig.iq(tablet, to, &initiate), [refused, why]);
    assert_eq!(rig.agent.counts.callers_refused, 2);
    let other = rig.propose("romeo@example.org/x", to, "s1");
    assert_eq!(other, ["Call romeo@example.org to 600 later"]);
    rig.jmi(JULIET, to, "<retract id='s1'/>");
    assert_eq!(
        rig.propose(JULIET, to, "s4"),
        ["Call juliet@example.org to 600 later"]
    );
    rig.jmi(JULIET, to, "<retract id='s4'/>");
    rig.jmi("romeo@example.org/x", to, "<retract id='s1'/>");
    assert!(rig.agent.callers.is_empty());
}

#[test]
fn calls_of_ours_to_somebody_are_not_his() {
    let mut rig = rig();
    rig.agent.calls_per_user = 1;
    established(&mut rig);
    let said = rig.propose(JULIET, "600@gw.example.org", "s1");
    assert_eq!(said, ["Call juliet@example.org to 600 later"]);
}

// --- too late ---

#[test]
fn what_crosses_the_end_of_a_call_begins_none() {
    let mut rig = rig();
    let to = "600@gw.example.org";
    rig.propose(JULIET, to, "s1");
    rig.tell(Signal::Accept(None));
    assert_eq!(
        rig.end(Cause::Declined),
        [format!("> {JULIET} reject decline"), "Gone".into()]
    );
    let initiate = jingle(
        Action::SessionInitiate,
        "s1",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    assert_eq!(rig.iq(JULIET, to, &initiate), ["> error item-not-found"]);
    assert_eq!(rig.propose(JULIET, to, "s1"), Vec::<String>::new());
    rig.now += Duration::from_secs(60);
    assert_eq!(
        rig.propose(JULIET, to, "s1"),
        ["Call juliet@example.org to 600 later"]
    );
}

/// A server that resumes a stream marks what it sends again as delayed (XEP-0203).
#[test]
fn delayed_words_of_a_call_that_goes_on_count() {
    let mut rig = rig();
    rig.propose(JULIET, "600@gw.example.org", "s1");
    let said = rig.xml(
        GW,
        "<message from='juliet@example.org/phone' to='600@gw.example.org'>\
         <retract xmlns='urn:xmpp:jingle-message:0' id='s1'/>\
         <delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>",
    );
    assert_eq!(said, ["End cancelled Peer", "Gone"]);
}

#[test]
fn caller_that_knows_the_call_no_more_when_it_is_taken_has_left_it() {
    let mut rig = rig();
    rig.propose(JULIET, "600@gw.example.org", "s1");
    rig.tell(Signal::Accept(None));
    let error = |device: &str| {
        format!(
            "<message type='error' id='proceed-s1' from='juliet@example.org/{device}' \
             to='600@gw.example.org/crosspoint'><error type='cancel'><item-not-found \
             xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        )
    };
    assert_eq!(rig.xml(GW, &error("tablet")), Vec::<String>::new());
    assert_eq!(rig.xml(GW, &error("phone")), ["End cancelled Peer", "Gone"]);
}

/// An account's stanzas carry no `from`: its server writes it.
#[test]
fn proposal_of_an_account_that_does_not_arrive_comes_back() {
    let mut rig = rig();
    let leg = rig.ids.leg();
    rig.legs.push(leg);
    let target = Target {
        entity: ALICE,
        from: "alice@example.org".into(),
        to: "juliet@example.org".into(),
    };
    rig.agent.place(leg, target, &mut rig.ids);
    let invite = Invite {
        from: Caller::default(),
        to: Address::Chat("juliet@example.org".into()),
        opening: Opening::Later,
        headers: Vec::new(),
    };
    rig.agent
        .apply(leg, Signal::Invite(Box::new(invite)), rig.now);
    let mut sent = None;
    while let Some(event) = rig.agent.poll_event() {
        if let Event::Send { stanza, .. } = event {
            sent = Some(stanza);
        }
    }
    let mut propose = sent.unwrap();
    propose
        .attrs_mut()
        .retain(|_, name, _| name.as_str() != "from");
    rig.agent.undelivered(ALICE, &propose, rig.now);
    assert_eq!(rig.said(), ["End unreachable Peer", "Gone"]);
}

// --- who may not, and what is no call ---

fn proposal(from: &str, beside: &str) -> String {
    format!(
        "<message from='{from}' to='alice@example.org'>\
         <propose xmlns='urn:xmpp:jingle-message:0' id='s1'>\
         <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>{beside}\
         </message>"
    )
}

#[test]
fn strangers_do_not_ring_the_owner_of_an_account() {
    let mut rig = rig();
    let said = rig.xml(ALICE, &proposal("eve@evil.example/x", ""));
    assert_eq!(said, ["Stranger eve@evil.example: none of `callers`"]);
}

#[test]
fn proposal_that_is_not_to_be_copied_is_one() {
    let mut rig = rig();
    let private = "<private xmlns='urn:xmpp:carbons:2'/>";
    let said = rig.xml(ALICE, &proposal(JULIET, private));
    assert_eq!(said, ["Call juliet@example.org to user:alice later"]);
}

#[test]
fn names_that_nobody_makes_are_none() {
    let mut rig = rig();
    let long = "x".repeat(257);
    let said = rig.propose(JULIET, "600@gw.example.org", &long);
    assert_eq!(said, ["(nobody's)"]);
    let initiate = jingle(
        Action::SessionInitiate,
        &long,
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    let said = rig.iq(JULIET, "600@gw.example.org", &initiate);
    assert_eq!(said, ["> error bad-request"]);
}
