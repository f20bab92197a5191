//! Ladders of the agent: XML on one side, signals on the other.

mod calling;
mod changes;
mod limits;
mod session;

use std::time::Instant;

use minidom::Element;

use super::{Agent, Event, Target};
use crate::address::Address;
use crate::call::cause::Cause;
use crate::call::signal::{Caller, Ending, Invite, Opening, Refusal, Signal};
use crate::config::{Component, Config, XmppAccount};
use crate::id::{LegId, Source};
use crate::jingle::sdp::{Peer, Sections};
use crate::jingle::{Action, Jingle, Role};
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
        callers: vec!["*@example.org".into()],
        ..XmppAccount::default()
    });
    let mut agent = Agent::new(&config);
    agent.online(ALICE, "alice@example.org/gw", false, Instant::now());
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
        self.xml(
            GW,
            &format!("<message from='{from}' to='{to}'>{inside}</message>"),
        )
    }

    fn propose(&mut self, from: &str, to: &str, sid: &str) -> Vec<String> {
        let description = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>";
        self.jmi(
            from,
            to,
            &format!("<propose id='{sid}'>{description}</propose>"),
        )
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
            Event::Refused(refused) => {
                let who = if refused.is_stranger {
                    "Stranger"
                } else {
                    "Refused"
                };
                format!("{who} {}: {}", refused.from, refused.why)
            }
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
                let senders = content
                    .senders
                    .map_or(String::new(), |it| format!("={}", it.as_str()));
                format!(" {}{senders}", content.name)
            })
            .collect();
        let info: String = jingle
            .info
            .iter()
            .map(|info| format!(" {info:?}"))
            .collect();
        let reason = reason.unwrap_or_default();
        return format!("{to} {}{contents}{info}{reason}", jingle.action.as_str());
    }
    match stanza.name() {
        "message" => {
            let word = stanza.children().next().unwrap();
            let reason = word.get_child("reason", "urn:xmpp:jingle:1");
            let reason =
                reason.and_then(|reason| Some(format!(" {}", reason.children().next()?.name())));
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
        let ufrag = sdp
            .media()
            .find_map(|media| media.ice_ufrag().map(str::to_owned));
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
    assert_eq!(
        rig.tell(Signal::Accept(None)),
        [format!("> {JULIET} proceed")]
    );
    let initiate = jingle(
        Action::SessionInitiate,
        "s1",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    let full = format!("{to}/crosspoint");
    assert_eq!(
        rig.iq(JULIET, &full, &initiate),
        ["> result", "Offer sendrecv abcd"]
    );
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
    assert_eq!(
        rig.tell(Signal::Offer(None)),
        [format!("> {JULIET} proceed")]
    );
    let initiate = jingle(
        Action::SessionInitiate,
        "s1",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    assert_eq!(
        rig.iq(JULIET, full, &initiate),
        ["> result", "Offer sendrecv abcd"]
    );
    assert_eq!(
        rig.tell(Signal::Ring),
        [format!("> {JULIET} session-info Ringing")]
    );
    let taken = Signal::Accept(Some(answer(&["sendrecv"], "efgh")));
    assert_eq!(
        rig.tell(taken),
        [format!("> {JULIET} session-accept 0=both")]
    );
}

#[test]
fn strangers_learn_nothing_and_nobody_is_not_found() {
    let mut rig = rig();
    let said = rig.propose("eve@evil.example/x", "600@gw.example.org", "s1");
    let why = "Stranger eve@evil.example: none of `callers`";
    assert_eq!(said, [why]);
    let initiate = jingle(
        Action::SessionInitiate,
        "s2",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
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
    let initiate = jingle(
        Action::SessionInitiate,
        "s1",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
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
    assert_eq!(
        rig.end(Cause::Declined),
        [format!("> {JULIET} reject decline"), "Gone".into()]
    );
}

#[test]
fn session_without_a_proposal_is_a_call_as_well() {
    let mut rig = rig();
    let to = "600@gw.example.org/crosspoint";
    let initiate = jingle(
        Action::SessionInitiate,
        "s1",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    assert_eq!(
        rig.iq(JULIET, to, &initiate),
        ["> result", "Call juliet@example.org to 600 offer"]
    );
    assert_eq!(
        rig.tell(Signal::Ring),
        [format!("> {JULIET} session-info Ringing")]
    );
    let taken = Signal::Accept(Some(answer(&["sendrecv"], "efgh")));
    assert_eq!(
        rig.tell(taken),
        [format!("> {JULIET} session-accept 0=both")]
    );
    let mut end = Jingle::new(Action::SessionTerminate, "s1");
    end.reason = Some(crate::jingle::Reason::new(
        crate::jingle::Condition::Success,
    ));
    assert_eq!(
        rig.iq(JULIET, to, &end),
        ["> result", "End normal Peer", "Gone"]
    );
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
    assert!(
        rig.asked.is_empty(),
        "whoever does not answer holds no room"
    );
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
    assert_eq!(
        rig.xml(ALICE, &carbon("eve@evil.example")),
        Vec::<String>::new(),
        "forged"
    );
    let said = rig.xml(ALICE, &carbon("alice@example.org"));
    assert_eq!(said, ["End answered_elsewhere Peer", "Gone"]);
}

// --- what the ladders of other files begin with ---

fn established(rig: &mut Rig) -> String {
    rig.call(
        "juliet@example.org",
        Opening::Offer(sdp(&["sendrecv"], "abcd")),
    );
    let sid = rig.sid();
    rig.jmi(
        JULIET,
        "1001@gw.example.org/crosspoint",
        &format!("<proceed id='{sid}'/>"),
    );
    rig.result();
    let accept = jingle(
        Action::SessionAccept,
        &sid,
        &answer(&["sendrecv"], "wxyz"),
        Role::Responder,
    );
    let said = rig.iq(JULIET, "1001@gw.example.org/crosspoint", &accept);
    assert_eq!(said, ["> result", "Accept sendrecv wxyz"]);
    sid
}

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
    let initiate = jingle(
        Action::SessionInitiate,
        "s1",
        &sdp(&["sendrecv"], "abcd"),
        Role::Initiator,
    );
    rig.iq(JULIET, to, &initiate);
    rig.tell(Signal::Accept(Some(answer(&["sendrecv"], "efgh"))));
    rig.result();
}
