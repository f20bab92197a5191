//! Ladders of calls to chat users.

use super::*;

#[test]
fn all_devices_ring_and_the_first_that_takes_the_call_gets_the_offer() {
    let mut rig = rig();
    let ours = "1001@gw.example.org/crosspoint";
    let offer = Opening::Offer(sdp(&["sendrecv"], "abcd"));
    assert_eq!(
        rig.call("juliet@example.org", offer),
        ["> juliet@example.org propose"]
    );
    let sid = rig.sid();
    let ringing = format!("<ringing id='{sid}'/>");
    assert_eq!(rig.jmi(JULIET, ours, &ringing), ["Ring"]);
    let tablet = "juliet@example.org/tablet";
    assert_eq!(rig.jmi(tablet, ours, &ringing), Vec::<String>::new());
    let proceed = format!("<proceed id='{sid}'/>");
    let said = rig.jmi(tablet, ours, &proceed);
    assert_eq!(said, [format!("> {tablet} session-initiate 0=both")]);
    // The phone is late, and none of its words count any more.
    assert_eq!(rig.jmi(JULIET, ours, &proceed), Vec::<String>::new());
    let accept = jingle(
        Action::SessionAccept,
        &sid,
        &answer(&["sendrecv"], "wxyz"),
        Role::Responder,
    );
    assert_eq!(rig.iq(JULIET, ours, &accept), ["> error item-not-found"]);
    assert_eq!(
        rig.iq(tablet, ours, &accept),
        ["> result", "Accept sendrecv wxyz"]
    );
}

#[test]
fn offer_that_comes_later_is_asked_for_when_a_device_takes_the_call() {
    let mut rig = rig();
    let ours = "1001@gw.example.org/crosspoint";
    rig.call("juliet@example.org", Opening::Later);
    let sid = rig.sid();
    assert_eq!(
        rig.jmi(JULIET, ours, &format!("<proceed id='{sid}'/>")),
        ["Accept"]
    );
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendrecv"], "abcd"))));
    assert_eq!(said, [format!("> {JULIET} session-initiate 0=both")]);
    let accept = jingle(
        Action::SessionAccept,
        &sid,
        &answer(&["sendrecv"], "wxyz"),
        Role::Responder,
    );
    assert_eq!(
        rig.iq(JULIET, ours, &accept),
        ["> result", "Answer sendrecv wxyz"]
    );
}

#[test]
fn callee_cannot_be_asked_for_the_offer() {
    let mut rig = rig();
    let said = rig.call("juliet@example.org", Opening::Yours);
    assert_eq!(said, ["End not_acceptable Gateway", "Gone"]);
}

#[test]
fn rejections_and_errors_are_causes() {
    let reason = |name: &str| format!("<reason xmlns='urn:xmpp:jingle:1'><{name}/></reason>");
    for (reason, cause) in [
        (String::new(), "busy"),
        (reason("busy"), "busy"),
        (reason("decline"), "declined"),
        (reason("timeout"), "no_answer"),
    ] {
        let mut rig = rig();
        rig.call(
            "juliet@example.org",
            Opening::Offer(sdp(&["sendrecv"], "abcd")),
        );
        let reject = format!("<reject id='{}'>{reason}</reject>", rig.sid());
        let said = rig.jmi(JULIET, "1001@gw.example.org/crosspoint", &reject);
        assert_eq!(said, [format!("End {cause} Peer"), "Gone".into()]);
    }
    let mut rig = rig();
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let bounce = format!(
        "<message type='error' id='propose-{}' from='juliet@example.org' to='1001@gw.example.org'>\
         <error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>\
         </message>",
        rig.sid()
    );
    assert_eq!(rig.xml(GW, &bounce), ["End not_found Peer", "Gone"]);
}

#[test]
fn caller_gives_up_before_and_after_a_device_has_taken_the_call() {
    let mut rig = rig();
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let said = rig.end(Cause::Cancelled);
    assert_eq!(said, ["> juliet@example.org retract cancel", "Gone"]);
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let proceed = format!("<proceed id='{}'/>", rig.sid());
    rig.jmi(JULIET, "1001@gw.example.org/crosspoint", &proceed);
    assert_eq!(
        rig.end(Cause::Cancelled),
        [
            format!("> {JULIET} session-terminate cancel"),
            format!("> {JULIET} finish cancel"),
            "Gone".into()
        ]
    );
}

#[test]
fn both_call_each_other_and_the_lower_name_goes() {
    let mut rig = rig();
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let said = rig.propose(JULIET, "1001@gw.example.org", "~~~");
    assert_eq!(said, [format!("> {JULIET} reject expired")]);
    let said = rig.propose(JULIET, "1001@gw.example.org", "!!!");
    assert_eq!(
        said,
        [
            "> juliet@example.org retract expired",
            "End busy Peer",
            "Gone",
            "Call juliet@example.org to 1001 later"
        ]
    );
}
