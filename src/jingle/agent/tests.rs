//! Ladders of the agent: XML on one side, signals on the other.

use std::time::Instant;

use minidom::Element;

use super::{Agent, Event, Target};
use crate::call::cause::Cause;
use crate::call::signal::{Caller, Ending, Invite, Opening, Refusal, Signal};
use crate::config::{Component, Config, XmppAccount};
use crate::address::Address;
use crate::id::{LegId, Source};
use crate::jingle::{Action, Jingle, Role};
use crate::jingle::sdp::{Peer, Sections};
use crate::sdp::{Limits, SessionDescription, What};
use crate::trace;
use crate::xmpp::EntityId;
use crate::xmpp::iq::Outcome;
use crate::xmpp::stanza;

const GW: EntityId = EntityId(0);
const ALICE: EntityId = EntityId(1);
const JULIET: &str = "juliet@example.org/phone";

struct Rig {
    agent: Agent,
    ids: Source,
    now: Instant,
    /// The last request of ours, to be answered.
    asked: Vec<(u64, Element)>,
    /// The legs that were told of.
    legs: Vec<LegId>,
}

fn rig() -> Rig {
    let mut config = Config::default();
    config.component.push(Component {
        name: "phones".into(),
        domain: "gw.example.org".into(),
        callers: vec!["*@example.org".into()],
        ..Component::default()
    });
    config.xmpp_account.push(XmppAccount {
        name: "alice".into(),
        jid: "alice@example.org".into(),
        owner: "alice".into(),
        ..XmppAccount::default()
    });
    let mut agent = Agent::new(&config);
    agent.online(ALICE, "alice@example.org/gw");
    Rig {
        agent,
        ids: Source::from_seed([7; 32]),
        now: Instant::now(),
        asked: Vec::new(),
        legs: Vec::new(),
    }
}

/// A description of a browser, with these directions and this ufrag.
fn sdp(sections: &[&str], ufrag: &str) -> SessionDescription {
    let section = |(place, direction): (usize, &&str)| {
        let kind = if place == 0 { "audio" } else { "video" };
        format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\na=mid:{place}\na={direction}\n\
             a=rtcp-mux\na=ice-ufrag:{ufrag}\na=ice-pwd:0123456789012345678901\n\
             a=fingerprint:sha-256 {print}\na=setup:actpass\na=rtpmap:111 opus/48000/2\n",
            print = ["AB"; 32].join(":"),
        )
    };
    let mids: Vec<String> = (0..sections.len()).map(|place| place.to_string()).collect();
    let sections: String = sections.iter().enumerate().map(section).collect();
    let text = format!(
        "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE {}\n{sections}",
        mids.join(" ")
    );
    SessionDescription::parse(&text, &Limits::default()).unwrap()
}

/// The same as an answer.
fn answer(sections: &[&str], ufrag: &str) -> SessionDescription {
    let text = sdp(sections, ufrag).to_text();
    let text = text.replace("setup:actpass", "setup:active");
    SessionDescription::parse(&text, &Limits::default()).unwrap()
}

/// A message of a session as a peer writes it.
fn jingle(action: Action, sid: &str, sdp: &SessionDescription, role: Role) -> Jingle {
    let what = match role {
        Role::Initiator => What::Offer,
        Role::Responder => What::Answer,
    };
    let told = Sections::default().tell(sdp, role, what, &Peer::native());
    let mut jingle = Jingle::new(action, sid);
    (jingle.contents, jingle.groups) = (told.contents, told.groups);
    jingle
}

impl Rig {
    fn xml(&mut self, entity: EntityId, text: &str) -> Vec<String> {
        let text = text.replacen('>', " xmlns='jabber:client'>", 1);
        let stanza: Element = text.parse().unwrap();
        let is_taken = self.agent.stanza(entity, &stanza, &mut self.ids, self.now);
        let mut said = self.said();
        if !is_taken {
            said.push("(nobody's)".into());
        }
        said
    }

    fn jmi(&mut self, from: &str, to: &str, inside: &str) -> Vec<String> {
        let inside = inside.replacen(' ', " xmlns='urn:xmpp:jingle-message:0' ", 1);
        self.xml(GW, &format!("<message from='{from}' to='{to}'>{inside}</message>"))
    }

    fn propose(&mut self, from: &str, to: &str, sid: &str) -> Vec<String> {
        let description = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>";
        self.jmi(from, to, &format!("<propose id='{sid}'>{description}</propose>"))
    }

    fn iq(&mut self, from: &str, to: &str, jingle: &Jingle) -> Vec<String> {
        let stanza = super::placed::iq(from, to, jingle);
        let mut stanza = stanza;
        stanza::set(&mut stanza, "id", "q");
        self.agent.stanza(GW, &stanza, &mut self.ids, self.now);
        self.said()
    }

    /// The oldest request of ours is taken.
    fn result(&mut self) -> Vec<String> {
        let (asker, request) = self.asked.remove(0);
        let result = Outcome::Result(stanza::result(&request));
        self.agent.answered(asker, &result, self.now);
        self.said()
    }

    /// The oldest request of ours is refused.
    fn error(&mut self, refusal: crate::jingle::refusal::Refusal) -> Vec<String> {
        let (asker, request) = self.asked.remove(0);
        let error = refusal.answer(&request, None).unwrap();
        let condition = crate::xmpp::stanza_error::condition(&error);
        let outcome = Outcome::Error(condition, error);
        self.agent.answered(asker, &outcome, self.now);
        self.said()
    }

    fn tell(&mut self, signal: Signal) -> Vec<String> {
        let leg = *self.legs.last().unwrap();
        self.agent.apply(leg, signal, self.now);
        self.said()
    }

    fn end(&mut self, cause: Cause) -> Vec<String> {
        self.tell(Signal::End(Ending::by_gateway(cause)))
    }

    fn call(&mut self, to: &str, opening: Opening) -> Vec<String> {
        let leg = self.ids.leg();
        self.legs.push(leg);
        let target = Target {
            entity: GW,
            from: "1001@gw.example.org".into(),
            to: to.into(),
        };
        self.agent.place(leg, target, &mut self.ids);
        let invite = Invite {
            from: Caller::default(),
            to: Address::Chat(to.into()),
            opening,
            headers: Vec::new(),
        };
        self.tell(Signal::Invite(Box::new(invite)))
    }

    /// The name of the last session of ours.
    fn sid(&self) -> String {
        let placed = self.agent.legs.values().next_back().unwrap();
        placed.leg.sid.clone()
    }

    fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(event) = self.agent.poll_event() {
            said.extend(self.shown(event));
        }
        said
    }

    fn shown(&mut self, event: Event) -> Option<String> {
        Some(match event {
            Event::Send { stanza, .. } => format!("> {}", line(&stanza)),
            Event::Ask { stanza, asker, .. } => {
                let line = format!("> {}", line(&stanza));
                self.asked.push((asker, stanza));
                line
            }
            Event::Call(call) => {
                self.legs.push(call.leg);
                let how = match call.invite.opening {
                    Opening::Offer(_) => "offer",
                    Opening::Yours => "yours",
                    Opening::Later => "later",
                };
                format!("Call {} to {} {how}", call.from, call.invite.to)
            }
            Event::Signal { signal, .. } => shown(&signal),
            Event::Refused(refused) => format!("Refused {}: {}", refused.from, refused.why),
            Event::Gone { .. } => "Gone".into(),
            Event::Trace(trace::Entry {
                what: trace::What::Note(text),
                ..
            }) => format!("# {text}"),
            Event::Trace(_) | Event::Named { .. } => return None,
        })
    }
}

/// A stanza in a line: kind, to, what.
fn line(stanza: &Element) -> String {
    let to = stanza.attr("to").unwrap_or_default();
    let kind = stanza.attr("type").unwrap_or_default();
    if kind == "error" {
        let condition = crate::xmpp::stanza_error::condition(stanza).name();
        let tie = crate::jingle::refusal::Refusal::is_tie_break(stanza);
        return format!("error {condition}{}", if tie { " tie-break" } else { "" });
    }
    if let Some(payload) = stanza.get_child("jingle", "urn:xmpp:jingle:1") {
        let jingle = Jingle::read(payload, &Limits::default()).unwrap();
        let reason = jingle.reason.map(|it| format!(" {}", it.condition));
        let contents: String = jingle
            .contents
            .iter()
            .map(|content| {
                let senders = content.senders.map_or(String::new(), |it| format!("={}", it.as_str()));
                format!(" {}{senders}", content.name)
            })
            .collect();
        let info: String = jingle.info.iter().map(|info| format!(" {info:?}")).collect();
        let reason = reason.unwrap_or_default();
        return format!("{to} {}{contents}{info}{reason}", jingle.action.as_str());
    }
    match stanza.name() {
        "message" => {
            let word = stanza.children().next().unwrap();
            let reason = word.get_child("reason", "urn:xmpp:jingle:1");
            let reason = reason.and_then(|reason| Some(format!(" {}", reason.children().next()?.name())));
            format!("{to} {}{}", word.name(), reason.unwrap_or_default())
        }
        _ => kind.to_owned(),
    }
}

fn shown(signal: &Signal) -> String {
    let described = |sdp: &SessionDescription| {
        let media: Vec<String> = sdp
            .media()
            .map(|media| match media.is_rejected() {
                true => "rejected".to_owned(),
                false => media.direction().as_str().to_owned(),
            })
            .collect();
        let ufrag = sdp.media().find_map(|media| media.ice_ufrag().map(str::to_owned));
        format!("{} {}", media.join(","), ufrag.unwrap_or_default())
    };
    match signal {
        Signal::Accept(None) => "Accept".into(),
        Signal::Accept(Some(sdp)) => format!("Accept {}", described(sdp)),
        Signal::Offer(Some(sdp)) => format!("Offer {}", described(sdp)),
        Signal::Answer(sdp) => format!("Answer {}", described(sdp)),
        Signal::Refuse(refused) => format!("Refuse {:?}", refused.why),
        Signal::Candidates(trickles) => format!("Candidates {}", trickles.len()),
        Signal::End(ending) => format!("End {} {:?}", ending.cause, ending.by),
        other => format!("{other:?}"),
    }
}

// --- a chat user calls ---

#[test]
fn proposal_rings_and_is_taken_before_there_is_an_offer() {
    let mut rig = rig();
    let to = "+15551234@gw.example.org";
    assert_eq!(
        rig.propose(JULIET, to, "s1"),
        ["Call juliet@example.org to tel:+15551234 later"]
    );
    assert_eq!(rig.tell(Signal::Ring), [format!("> {JULIET} ringing")]);
    assert_eq!(rig.tell(Signal::Ring), Vec::<String>::new(), "said once");
    assert_eq!(rig.tell(Signal::Accept(None)), [format!("> {JULIET} proceed")]);
    let initiate = jingle(Action::SessionInitiate, "s1", &sdp(&["sendrecv"], "abcd"), Role::Initiator);
    let full = format!("{to}/crosspoint");
    assert_eq!(rig.iq(JULIET, &full, &initiate), ["> result", "Offer sendrecv abcd"]);
    assert_eq!(
        rig.tell(Signal::Answer(answer(&["sendrecv"], "efgh"))),
        [format!("> {JULIET} session-accept 0=both")]
    );
    assert_eq!(rig.result(), Vec::<String>::new());
    assert_eq!(
        rig.end(Cause::Normal),
        [
            format!("> {JULIET} session-terminate success"),
            format!("> {JULIET} finish success"),
            "Gone".into()
        ]
    );
    assert!(rig.agent.is_idle());
}

#[test]
fn callee_that_needs_the_offer_is_rung_behind_it() {
    let mut rig = rig();
    let full = "600@gw.example.org/crosspoint";
    rig.propose(JULIET, "600@gw.example.org", "s1");
    assert_eq!(rig.tell(Signal::Offer(None)), [format!("> {JULIET} proceed")]);
    let initiate = jingle(Action::SessionInitiate, "s1", &sdp(&["sendrecv"], "abcd"), Role::Initiator);
    assert_eq!(rig.iq(JULIET, full, &initiate), ["> result", "Offer sendrecv abcd"]);
    assert_eq!(rig.tell(Signal::Ring), [format!("> {JULIET} session-info Ringing")]);
    let taken = Signal::Accept(Some(answer(&["sendrecv"], "efgh")));
    assert_eq!(rig.tell(taken), [format!("> {JULIET} session-accept 0=both")]);
}

#[test]
fn strangers_learn_nothing_and_nobody_is_not_found() {
    let mut rig = rig();
    let said = rig.propose("eve@evil.example/x", "600@gw.example.org", "s1");
    let why = "Refused eve@evil.example: none of `callers` of the component";
    assert_eq!(said, [why]);
    let initiate = jingle(Action::SessionInitiate, "s2", &sdp(&["sendrecv"], "abcd"), Role::Initiator);
    let said = rig.iq("eve@evil.example/x", "600@gw.example.org", &initiate);
    assert_eq!(said, ["> error forbidden", why]);
    let said = rig.propose(JULIET, "sip\\3ax@gw.example.org", "s3");
    assert_eq!(said[0], format!("> {JULIET} reject general-error"));
    assert_eq!(rig.agent.counts.strangers, 2);
    assert!(rig.agent.is_idle());
}

#[test]
fn proposal_that_was_kept_by_the_server_is_a_call_of_the_past() {
    let mut rig = rig();
    let said = rig.xml(
        GW,
        "<message from='juliet@example.org/phone' to='600@gw.example.org'>\
         <propose xmlns='urn:xmpp:jingle-message:0' id='s1'>\
         <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>\
         <delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>",
    );
    assert_eq!(said, Vec::<String>::new());
    assert!(rig.agent.is_idle());
}

#[test]
fn caller_takes_it_back_at_every_stage() {
    let initiate = jingle(Action::SessionInitiate, "s1", &sdp(&["sendrecv"], "abcd"), Role::Initiator);
    for stage in 0..3 {
        let mut rig = rig();
        rig.propose(JULIET, "600@gw.example.org", "s1");
        if stage > 0 {
            rig.tell(Signal::Accept(None));
        }
        if stage > 1 {
            rig.iq(JULIET, "600@gw.example.org/crosspoint", &initiate);
        }
        let retract = "<retract id='s1'/>";
        let said = rig.jmi(JULIET, "600@gw.example.org", retract);
        assert_eq!(said, ["End cancelled Peer", "Gone"], "stage {stage}");
        assert!(rig.agent.is_idle());
    }
}

#[test]
fn declined_proposal_is_rejected_and_another_device_cannot_speak_for_the_caller() {
    let mut rig = rig();
    rig.propose(JULIET, "600@gw.example.org", "s1");
    let other = "juliet@example.org/tablet";
    let said = rig.jmi(other, "600@gw.example.org", "<retract id='s1'/>");
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(rig.end(Cause::Declined), [format!("> {JULIET} reject decline"), "Gone".into()]);
}

#[test]
fn session_without_a_proposal_is_a_call_as_well() {
    let mut rig = rig();
    let to = "600@gw.example.org/crosspoint";
    let initiate = jingle(Action::SessionInitiate, "s1", &sdp(&["sendrecv"], "abcd"), Role::Initiator);
    assert_eq!(
        rig.iq(JULIET, to, &initiate),
        ["> result", "Call juliet@example.org to 600 offer"]
    );
    assert_eq!(rig.tell(Signal::Ring), [format!("> {JULIET} session-info Ringing")]);
    let taken = Signal::Accept(Some(answer(&["sendrecv"], "efgh")));
    assert_eq!(rig.tell(taken), [format!("> {JULIET} session-accept 0=both")]);
    let mut end = Jingle::new(Action::SessionTerminate, "s1");
    end.reason = Some(crate::jingle::Reason::new(crate::jingle::Condition::Success));
    assert_eq!(rig.iq(JULIET, to, &end), ["> result", "End normal Peer", "Gone"]);
    assert_eq!(rig.iq(JULIET, to, &end), ["> error item-not-found"]);
}

#[test]
fn session_of_nothing_that_is_known_is_acknowledged_and_ended() {
    let mut rig = rig();
    let mut initiate = Jingle::new(Action::SessionInitiate, "s1");
    let said = rig.iq(JULIET, "600@gw.example.org", &initiate);
    assert_eq!(said, ["> error bad-request"]);
    initiate.contents = vec![crate::jingle::Content::named(Role::Initiator, "files")];
    let said = rig.iq(JULIET, "600@gw.example.org", &initiate);
    let end = format!("> {JULIET} session-terminate unsupported-applications");
    assert_eq!(said[..2], ["> result".to_owned(), end]);
    assert!(rig.agent.is_idle());
}

#[test]
fn account_is_its_owners_and_another_client_of_it_may_take_the_call() {
    let mut rig = rig();
    let propose = "<message from='juliet@example.org/phone' to='alice@example.org'>\
        <propose xmlns='urn:xmpp:jingle-message:0' id='s1'>\
        <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose></message>";
    let said = rig.xml(ALICE, propose);
    assert_eq!(said, ["Call juliet@example.org to user:alice later"]);
    let carbon = |from: &str| {
        format!(
            "<message from='{from}' to='alice@example.org/gw'><sent xmlns='urn:xmpp:carbons:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' \
             from='alice@example.org/phone' to='juliet@example.org/phone'>\
             <proceed xmlns='urn:xmpp:jingle-message:0' id='s1'/></message></forwarded></sent>\
             </message>"
        )
    };
    assert_eq!(rig.xml(ALICE, &carbon("eve@evil.example")), Vec::<String>::new(), "forged");
    let said = rig.xml(ALICE, &carbon("alice@example.org"));
    assert_eq!(said, ["End answered_elsewhere Peer", "Gone"]);
}

// --- a chat user is called ---

fn established(rig: &mut Rig) -> String {
    rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
    let sid = rig.sid();
    rig.jmi(JULIET, "1001@gw.example.org/crosspoint", &format!("<proceed id='{sid}'/>"));
    rig.result();
    let accept = jingle(Action::SessionAccept, &sid, &answer(&["sendrecv"], "wxyz"), Role::Responder);
    let said = rig.iq(JULIET, "1001@gw.example.org/crosspoint", &accept);
    assert_eq!(said, ["> result", "Accept sendrecv wxyz"]);
    sid
}

#[test]
fn all_devices_ring_and_the_first_that_takes_the_call_gets_the_offer() {
    let mut rig = rig();
    let ours = "1001@gw.example.org/crosspoint";
    let offer = Opening::Offer(sdp(&["sendrecv"], "abcd"));
    assert_eq!(rig.call("juliet@example.org", offer), ["> juliet@example.org propose"]);
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
    let accept = jingle(Action::SessionAccept, &sid, &answer(&["sendrecv"], "wxyz"), Role::Responder);
    assert_eq!(rig.iq(JULIET, ours, &accept), ["> error item-not-found"]);
    assert_eq!(rig.iq(tablet, ours, &accept), ["> result", "Accept sendrecv wxyz"]);
}

#[test]
fn offer_that_comes_later_is_asked_for_when_a_device_takes_the_call() {
    let mut rig = rig();
    let ours = "1001@gw.example.org/crosspoint";
    rig.call("juliet@example.org", Opening::Later);
    let sid = rig.sid();
    assert_eq!(rig.jmi(JULIET, ours, &format!("<proceed id='{sid}'/>")), ["Accept"]);
    let said = rig.tell(Signal::Offer(Some(sdp(&["sendrecv"], "abcd"))));
    assert_eq!(said, [format!("> {JULIET} session-initiate 0=both")]);
    let accept = jingle(Action::SessionAccept, &sid, &answer(&["sendrecv"], "wxyz"), Role::Responder);
    assert_eq!(rig.iq(JULIET, ours, &accept), ["> result", "Answer sendrecv wxyz"]);
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
        rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
        let reject = format!("<reject id='{}'>{reason}</reject>", rig.sid());
        let said = rig.jmi(JULIET, "1001@gw.example.org/crosspoint", &reject);
        assert_eq!(said, [format!("End {cause} Peer"), "Gone".into()]);
    }
    let mut rig = rig();
    rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
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
    rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
    let said = rig.end(Cause::Cancelled);
    assert_eq!(said, ["> juliet@example.org retract cancel", "Gone"]);
    rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
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
    rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
    let said = rig.propose(JULIET, "1001@gw.example.org", "~~~");
    assert_eq!(said, [format!("> {JULIET} reject expired")]);
    let said = rig.propose(JULIET, "1001@gw.example.org", "!!!");
    assert_eq!(said, ["Call juliet@example.org to 1001 later"]);
}

// --- inside a session ---

/// A candidate of the peer.
fn trickled(sid: &str, ufrag: &str) -> Jingle {
    let info: Element = format!(
        "<jingle xmlns='urn:xmpp:jingle:1' action='transport-info' sid='{sid}'>\
         <content creator='initiator' name='0'>\
         <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='{ufrag}' \
         pwd='0123456789012345678901'><candidate component='1' foundation='1' generation='0' \
         id='a' ip='192.0.2.1' network='0' port='3478' priority='1' protocol='udp' type='host'/>\
         </transport></content></jingle>"
    )
    .parse()
    .unwrap();
    Jingle::read(&info, &Limits::default()).unwrap()
}

/// A session that the peer has begun.
fn called(rig: &mut Rig) {
    let to = "600@gw.example.org/crosspoint";
    let initiate = jingle(Action::SessionInitiate, "s1", &sdp(&["sendrecv"], "abcd"), Role::Initiator);
    rig.iq(JULIET, to, &initiate);
    rig.tell(Signal::Accept(Some(answer(&["sendrecv"], "efgh"))));
    rig.result();
}

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
    assert_eq!(rig.tell(Signal::Answer(answer(&["sendrecv"], "new1")))[0], "> result");
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
    assert_eq!(rig.result(), Vec::<String>::new(), "the content-accept is due");
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
    assert_eq!(said, ["> result".to_owned(), format!("> {JULIET} content-accept 1=both")]);
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
    assert_eq!(rig.iq(JULIET, ours, &restart), ["> result", "Answer sendrecv new2"]);
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
    assert_eq!(rig.iq(JULIET, ours, &restart), ["> error conflict tie-break"]);
    assert_eq!(rig.result(), Vec::<String>::new());
    assert_eq!(rig.iq(JULIET, ours, &restart), ["> result", "Answer sendrecv new2"]);
}

#[test]
fn tie_that_we_lose_takes_our_offer_back() {
    let mut rig = rig();
    let to = "600@gw.example.org/crosspoint";
    called(&mut rig);
    rig.tell(Signal::Offer(Some(sdp(&["inactive"], "efgh"))));
    let mut modify = Jingle::new(Action::ContentModify, "s1");
    let content = crate::jingle::Content::named(Role::Initiator, "0");
    modify.contents = vec![crate::jingle::Content {
        senders: Some(crate::jingle::Senders::Initiator),
        ..content
    }];
    let said = rig.iq(JULIET, to, &modify);
    assert_eq!(
        said[1..],
        ["Refuse Glare".to_owned(), "Offer sendonly abcd".to_owned()]
    );
    // What it says of ours in the meantime changes nothing, not even of the next.
    assert_eq!(rig.tell(Signal::Answer(answer(&["recvonly"], "efgh"))), ["> result"]);
    rig.tell(Signal::Offer(Some(sdp(&["inactive"], "efgh"))));
    let said = rig.error(crate::jingle::refusal::Refusal::TieBreak);
    assert_eq!(said, ["# the change of the session was refused: conflict"]);
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
    rig.call("juliet@example.org", Opening::Offer(sdp(&["sendrecv"], "abcd")));
    let sid = rig.sid();
    rig.jmi(JULIET, ours, &format!("<proceed id='{sid}'/>"));
    let info = trickled(&sid, "wxyz");
    assert_eq!(rig.iq(JULIET, ours, &info), ["> result"]);
    let accept = jingle(Action::SessionAccept, &sid, &answer(&["sendrecv"], "wxyz"), Role::Responder);
    let said = rig.iq(JULIET, ours, &accept);
    assert_eq!(said, ["> result", "Accept sendrecv wxyz"]);
    assert_eq!(rig.iq(JULIET, ours, &info), ["> result", "Candidates 1"]);
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
