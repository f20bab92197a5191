//! What a ladder tells whoever looks for a fault: which call it is, who called whom, by which way,
//! how it ended; what became of sockets, and of requests that were refused before they were calls.

use crosspoint::gateway::Input;

use crate::world::World;

const PHONE: &str = "192.0.2.10:5060";
const STRANGER: &str = "203.0.113.9:5060";

/// A call of alice to 600 that is answered and that she ends.
fn called() -> World {
    let mut world = World::new();
    for (at, who, words) in [
        (0.0, "alice", "hello"),
        (0.5, "alice", "call.create c1 to 600 offer"),
        (1.0, "phone", "180"),
        (2.0, "phone", "200 answer"),
        (6.25, "alice", "call.end c1"),
        (6.3, "phone", "200 BYE"),
    ] {
        world.advance(at);
        world.say(who, words);
    }
    world
}

fn line(ladder: &str, part: &str) -> String {
    let found = ladder.lines().find(|line| line.contains(part));
    found
        .unwrap_or_else(|| panic!("no {part} in\n{ladder}"))
        .to_owned()
}

fn invite(call: &str, more: &str) -> String {
    format!(
        "INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bK{call}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@pbx.example>;tag=b\r\nTo: <sip:alice@192.0.2.1>\r\n\
         Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@{PHONE}>\r\n{more}\
         Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn ladder_says_above_who_called_whom_and_below_how_it_ended() {
    let world = called();
    let ladder = world.ladder("c1");
    let whole = world.gateway.ladder("c1").unwrap();
    let call_id = whole
        .lines()
        .find_map(|line| line.split_once("| Call-ID: "));
    let (_, call_id) = call_id.unwrap();
    let head: Vec<_> = ladder.lines().take(5).collect();
    assert_eq!(
        head[1..],
        [
            "# JSON  c1",
            &format!("# SIP   {call_id}"),
            "# began 2023-11-14T22:13:20.500Z",
            "# alice called 600: route \"*\" to trunk:pbx, sip:600@192.0.2.10:5060 by trunk pbx",
        ]
    );
    assert!(head[0].starts_with("# call-"), "{}", head[0]);
    assert_eq!(
        ladder.lines().last().unwrap(),
        "# ended 2023-11-14T22:13:26.250Z after 5.750 s, answered for 4.250 s: \
         normal, by the caller"
    );
    for name in [call_id, &head[0][2..]] {
        assert_eq!(world.ladder(name), ladder, "{name}");
    }
}

#[test]
fn every_line_of_a_ladder_is_a_message_a_note_or_a_comment() {
    let world = called();
    for line in world.ladder("c1").lines() {
        let first = line.split_whitespace().next().unwrap();
        assert!(first == "#" || first.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn ladder_says_on_which_side_a_call_ended_and_what_was_said_there() {
    let mut world = World::new();
    world.say("alice", "hello");
    world.say("alice", "call.create c1 to 600 offer");
    world.advance(1.0);
    assert!(world.ladder("c1").ends_with("# not ended yet\n"));
    world.say("phone", "486");
    let last = line(&world.ladder("c1"), "# ended");
    let expected = "after 1.000 s, not answered: busy, by the callee: 486 Word";
    assert!(last.ends_with(expected), "{last}");
    world.say("alice", "call.create c2 to 600 offer");
    world.advance(200.0);
    let last = line(&world.ladder("c2"), "# ended");
    let expected = "unreachable, by the gateway, for the callee's side (no response)";
    assert!(last.ends_with(expected), "{last}");
    let note = line(&world.ladder("c2"), "nothing came of");
    assert!(
        note.ends_with("# nothing came of the INVITE: no response"),
        "{note}"
    );
}

#[test]
fn ladder_of_a_call_from_a_phone_says_by_which_door_it_came() {
    let mut world = World::new();
    world.say("alice", "hello");
    world.say("phone", "INVITE offer");
    let ladder = world.ladder("called-1");
    let who = "# sip:1001@192.0.2.10:5060 called sip:alice@192.0.2.1:5060 from trunk pbx: \
               user alice, sessions: 1";
    assert_eq!(line(&ladder, " called "), who);
    assert!(
        ladder.contains("\n# SIP   called-1\n# JSON  c-"),
        "{ladder}"
    );
}

#[test]
fn lost_socket_stands_in_the_ladder_of_its_call() {
    let mut world = World::new();
    world.say("alice", "hello");
    world.say("alice", "call.create c1 to 600 offer");
    world.advance(1.0);
    world.say("alice", "cut");
    world.say("phone", "180");
    world.advance(2.0);
    world.say("alice", "hello resume");
    world.advance(3.0);
    world.say("phone", "200 answer");
    world.say("alice", "cut");
    world.advance(400.0);
    let ladder = world.ladder("c1");
    let notes: Vec<_> = ladder
        .lines()
        .filter(|line| line.contains("alice") && line.contains(" # "))
        .collect();
    assert_eq!(
        notes,
        [
            "1.000   # alice's socket was lost; the call waits 60 s for another",
            "2.000   # alice is back: resumed, frames sent again: 1",
            "3.000   # alice's socket was lost; the call waits 300 s for another",
            "303.000 # alice did not come back in 300 s: this leg ends",
        ]
    );
    let last = line(&ladder, "# ended");
    assert!(
        last.contains("(the client did not come back in time)"),
        "{last}"
    );
}

#[test]
fn refused_invites_of_a_trunk_are_found_by_their_call_id() {
    let mut world = World::new();
    world.datagram(PHONE, &invite("k1", "Require: 100rel\r\n"));
    world.datagram(
        PHONE,
        &invite("k2", "Content-Type: text/plain\r\n")
            .replace("Length: 0\r\n\r\n", "Length: 1\r\n\r\nx"),
    );
    world.datagram(PHONE, &invite("k3", ""));
    world.datagram(STRANGER, &invite("k4", ""));
    world.gateway.handle(Input::Stop, world.now);
    world.datagram(PHONE, &invite("k5", ""));
    for (name, door, status) in [
        (
            "k1",
            "from trunk pbx",
            "refused by the gateway: 420 Bad Extension",
        ),
        (
            "k2",
            "from trunk pbx",
            "refused by the gateway: 415 Unsupported Media Type",
        ),
        (
            "k3",
            "from trunk pbx: user alice, sessions: 0",
            "unavailable, by the gateway (nobody is connected)",
        ),
        (
            "k4",
            "from an address that is not known",
            "refused by the gateway: 403 Forbidden",
        ),
        (
            "k5",
            "from trunk pbx",
            "refused by the gateway: 503 Service Unavailable",
        ),
    ] {
        let ladder = world.ladder(name);
        let who = line(&ladder, " called ");
        assert!(who.ends_with(door), "{who}");
        assert!(line(&ladder, "# ended").ends_with(status), "{ladder}");
        assert!(
            ladder.contains(" > crosspoint  INVITE sip:alice@"),
            "{ladder}"
        );
        assert!(ladder.contains("\n0.000   crosspoint > "), "{ladder}");
    }
    let listed = world.gateway.traced_calls(world.now);
    assert_eq!(listed.matches("\trefused\t").count(), 5, "{listed}");
}

#[test]
fn refused_requests_for_calls_are_found_by_the_clients_id() {
    let mut world = World::new();
    world.say("alice", "hello");
    for (call, to, how) in [
        (
            "c1",
            "sip:7@elsewhere.example",
            "forbidden (the host of this URI is not one that may be called)",
        ),
        ("c2", "sip:", "bad_address (the address is empty)"),
        (
            "c3",
            "user:bob",
            "unavailable, by the gateway (nobody is connected as user:bob)",
        ),
    ] {
        world.say("alice", &format!("call.create {call} to {to} offer"));
        let ladder = world.ladder(call);
        assert!(line(&ladder, "# ended").ends_with(how), "{ladder}");
        assert!(
            line(&ladder, " called ").contains(&format!("alice called {to}")),
            "{ladder}"
        );
        assert!(ladder.contains("call.create"), "{ladder}");
        assert!(ladder.contains("> alice/"), "{ladder}");
    }
}

#[test]
fn both_who_meet_at_a_word_stand_in_one_ladder() {
    let mut world = World::new();
    world.say("alice", "hello");
    world.say("bob", "hello");
    world.say("alice", "call.create c1 to join:tea offer");
    world.advance(1.0);
    world.say("bob", "call.create c2 to join:tea offer");
    let ladder = world.ladder("c2");
    assert_eq!(ladder, world.ladder("c1"));
    for part in ["call.create c1", "call.create c2", "# bob called join:tea"] {
        line(&ladder, part);
    }
    assert_eq!(world.gateway.traced_calls(world.now).lines().count(), 1);
    world.say("alice", "call.end c1");
    world.advance(1.5);
    // The word is free again: the next one waits in a call of his own.
    world.say("bob", "call.create c3 to join:tea offer");
    assert!(!world.ladder("c3").contains("c1"));
}

#[test]
fn file_of_a_call_has_its_last_response_and_waits_for_no_one_at_the_end() {
    let mut world = World::with(|config| config.trace.directory = Some("ladders".into()));
    world.say("alice", "hello");
    world.say("alice", "call.create c1 to 600 offer");
    world.say("phone", "200 answer");
    world.say("alice", "call.end c1");
    assert_eq!(world.gateway.take_ended_ladders(), []);
    world.say("phone", "200 BYE");
    let files = world.gateway.take_ended_ladders();
    assert_eq!(files.len(), 1);
    assert!(
        files[0].1.contains(" > crosspoint  200 Word"),
        "{}",
        files[0].1
    );
    world.say("alice", "call.create c2 to 600 offer");
    world.say("phone", "200 answer");
    world.gateway.handle(Input::Stop, world.now);
    world.gateway.handle(Input::Stop, world.now);
    world.advance(10.0);
    let files = world.gateway.take_ended_ladders();
    assert_eq!(files.len(), 1);
    assert!(
        files[0].1.contains("draining, by the gateway"),
        "{}",
        files[0].1
    );
}

#[test]
fn what_passes_after_a_leg_is_over_stands_in_its_ladder() {
    let mut world = World::new();
    world.say("phone", "INVITE offer");
    world.advance(1.0);
    let ladder = world.ladder("called-1");
    // No ACK came for the refusal.
    assert!(
        ladder.contains("480 Temporarily Unavailable (again)"),
        "{ladder}"
    );
}
