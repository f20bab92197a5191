//! Stanzas as Jingle and as descriptions: whatever is read is written and read again, nothing of a
//! peer makes a line of its own, what is once in normal form stays so, and nothing panics.

use crosspoint::jingle::sdp::{Peer, Sections, Told};
use crosspoint::jingle::{Action, Jingle, Lost, Role, find, parse};
use crosspoint::sdp::{Limits, SessionDescription, What};

use super::{Target, files, fuzz, shape};

const WORDS: &[&str] = &[
    "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'>",
    "</jingle>",
    " action='session-accept'",
    " action='content-add'",
    " action='content-remove'",
    " action='content-modify'",
    " action='transport-info'",
    " action='description-info'",
    " action='session-terminate'",
    "<content creator='initiator' name='0' senders='responder'>",
    "<content creator='responder' name='a b'/>",
    "</content>",
    " senders='none'",
    " name='12345678901234567'",
    " name='&#10;a=evil'",
    "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>",
    "<payload-type id='111' name='opus' clockrate='48000'/>",
    "<payload-type id='0'/>",
    "<parameter name='' value='0-15'/>",
    "<parameter name='apt' value='96'/>",
    "<parameter name='profile_level_id' value='4325407'/>",
    "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack' subtype='pli'/>",
    "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:x'/>",
    "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'>",
    "<bandwidth type='AS'>64</bandwidth>",
    "<rtcp-mux/>",
    "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'>",
    "<candidate component='1' foundation='1' ip='192.0.2.1' port='9' priority='1' protocol='udp'/>",
    "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass'>AA",
    "</fingerprint>",
    "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='0'/></group>",
    "<reason><busy/></reason>",
    "&#13;&#10;",
    "&#x1F600;",
    "xmlns=''",
];

/// A session that messages of the middle of a call are applied to.
const CALL: &str = include_str!("../../golden/jingle_sdp/conversations_offer/from.xml");

fn read(text: &str) -> Option<Jingle> {
    let limits = Limits::default();
    let element = parse(text, &limits).ok()?;
    Jingle::read(find(&element)?, &limits).ok()
}

/// The lines of a description are lines, and only those that are written here.
fn holds(sdp: &SessionDescription) {
    let text = sdp.to_text();
    let again = SessionDescription::parse(&text, &Limits::default());
    assert_eq!(again.as_ref(), Ok(sdp), "{text}");
    assert!(!text.contains("\na=evil"), "{text}");
}

fn as_message(told: &Told) -> Jingle {
    let mut jingle = Jingle::new(Action::SessionInitiate, "s");
    jingle.contents.clone_from(&told.contents);
    jingle.groups.clone_from(&told.groups);
    jingle
}

/// Heard, told, and heard again: the second time nothing changes any more.
fn round(jingle: &Jingle, peer: Peer) -> Vec<Lost> {
    let (limits, role, what) = (Limits::default(), Role::Initiator, What::Offer);
    let mut sections = Sections::default();
    let Ok(heard) = sections.hear(jingle, role, what, &peer, &limits) else {
        return Vec::new();
    };
    holds(&heard.description);
    let told = sections.tell(&heard.description, role, what, &peer);
    let message = as_message(&told);
    let written = read(&String::from(&message.write())).expect("what is written can be read");
    let mut sections = Sections::default();
    let again = sections.hear(&written, role, what, &peer, &limits);
    let again = again.expect("what was told can be heard");
    holds(&again.description);
    let twice = sections.tell(&again.description, role, what, &peer);
    assert_eq!(twice.contents, written.contents);
    assert_eq!(twice.groups, written.groups);
    heard.lost
}

/// A message in the middle of a call.
fn apply(jingle: &Jingle) -> &'static str {
    let (limits, peer) = (Limits::default(), Peer::native());
    let begun = read(CALL).unwrap();
    let mut sections = Sections::default();
    let heard = sections
        .hear(&begun, Role::Initiator, What::Offer, &peer, &limits)
        .unwrap();
    let mut lost = Vec::new();
    for trickle in sections.hear_candidates(jingle, &peer, &mut lost) {
        let _ = heard.description.clone().trickle(&trickle);
    }
    let _ = sections.is_restart(jingle, &heard.description);
    match sections.apply(&heard.description, jingle, Role::Initiator, &peer, &limits) {
        Err(_) => "refused",
        Ok(done) => {
            holds(&done.description);
            assert!(done.description.media_count() >= heard.description.media_count());
            let next = &done.description;
            let mut ours = sections.clone();
            let changes = ours.changes(&heard.description, next, Role::Initiator, &peer);
            for step in &changes.steps {
                assert!(!step.contents().is_empty());
            }
            "applied"
        }
    }
}

pub(super) fn stanzas() -> Target {
    let take = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let Some(jingle) = read(&text) else {
            return "not read".to_owned();
        };
        let written = String::from(&jingle.write());
        let again = read(&written).expect("what is written can be read");
        assert_eq!(again.action, jingle.action);
        assert!(
            !format!("{jingle:?}").contains("pwd: "),
            "a password is shown"
        );
        let lost = [Peer::native(), Peer::browser()].map(|peer| round(&jingle, peer));
        let lost: Vec<String> = lost[0].iter().map(|lost| lost.loss.to_string()).collect();
        format!("{} {}", apply(&jingle), shape(&lost.join(" ")))
    };
    let mut inputs = files("tests/golden/xep");
    for case in [
        "conversations_offer",
        "dino_offer",
        "monal_offer",
        "movim_offer",
    ] {
        let folder = format!("tests/golden/jingle_sdp/{case}");
        let is_xml = |input: &Vec<u8>| input.starts_with(b"<");
        inputs.extend(files(&folder).into_iter().filter(is_xml));
    }
    inputs.retain(|input| input.len() < 12_000);
    Target {
        name: "jingle",
        inputs,
        words: WORDS,
        take,
    }
}

#[test]
fn stanzas_hold() {
    fuzz(stanzas());
}
