//! XMPP: streams of chat servers, whole and cut anywhere, through the agent; addresses.

use std::time::{Duration, Instant};

use crosspoint::config::{Component, Config, LocalPart, Secret};
use crosspoint::id::Source;
use crosspoint::xmpp::stream::{Item, Limits, Reader};
use crosspoint::xmpp::{Agent, Event, address, ns, write};

use super::{Target, fuzz, shape};
use crate::dice::Dice;

const HEAD: &str = "<?xml version='1.0'?><stream:stream \
    xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='1'>";

const BOTH: &str = "from='bob@example.org/x' to='+1@gw.example'";

const WORDS: &[&str] = &[
    "<message",
    "<presence",
    "<iq",
    "</iq>",
    "</message>",
    " type='get'",
    " type='error'",
    " type='subscribe'",
    " type='probe'",
    " id='1'",
    " from='bob@example.org/x'",
    " to='+1@gw.example'",
    " to='gw.example'",
    " xmlns='jabber:client'",
    " xmlns:x='urn:x'",
    "<x:a x:b='1'/>",
    "<ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>",
    "<handshake/>",
    "</stream:stream>",
    "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "<![CDATA[",
    "]]>",
    "<!-- -->",
    "<!DOCTYPE a>",
    "<?x ?>",
    "&lt;",
    "&#x0;",
    "&#xD800;",
    "&x;",
    "/>",
    "='",
    "\\40",
    "\u{feff}",
    "\u{fffe}",
];

fn inputs() -> Vec<Vec<u8>> {
    let texts = [
        format!("<message {BOTH} id='1' type='chat'><body>a</body><thread/><thread/></message>"),
        format!("<iq {BOTH} id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"),
        format!(
            "<iq {BOTH} id='1' type='get'><query \
             xmlns='http://jabber.org/protocol/disco#info'/></iq> "
        ),
        format!(
            "<iq {BOTH} id='1' type='set'><jingle xmlns='urn:xmpp:jingle:1' \
             action='session-initiate' sid='s'><content name='0'/></jingle></iq>"
        ),
        format!("<presence {BOTH} type='subscribe'/><presence {BOTH} type='probe'/>"),
        format!("<iq {BOTH} id='1' type='result'/></stream:stream>"),
        format!("<message {BOTH}>{}</message>", "<a>".repeat(40)),
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// A stanza that stands in a stream of `jabber:client`.
fn read(text: &str) -> minidom::Element {
    let around = ns::CLIENT.to_owned();
    minidom::Element::from_reader_with_prefixes(text.as_bytes(), around)
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a reader makes of a stream that comes in pieces.
fn items(head: &str, input: &[u8], cut: impl Fn(usize) -> usize) -> Vec<String> {
    let limits = Limits::from(&Config::default().xmpp);
    let mut reader = Reader::new(limits);
    let bytes = [head.as_bytes(), input].concat();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = (at + cut(at).max(1)).min(bytes.len());
        let mut piece = &bytes[at..end];
        at = end;
        loop {
            match reader.read(&mut piece) {
                Ok(None) => break,
                Ok(Some(item)) => {
                    if let Item::Stanza(stanza) = &item {
                        // What is written can be read again and is the same.
                        let text = write::stanza(stanza, ns::CLIENT);
                        let again = read(&text);
                        assert_eq!(&again, stanza, "{text}");
                        assert_eq!(write::stanza(&again, ns::CLIENT), text);
                    }
                    found.push(format!("{item:?}"));
                }
                Err(broken) => {
                    found.push(broken.condition().to_owned());
                    return found;
                }
            }
        }
    }
    found
}

pub(super) fn streams() -> Target {
    let take = |input: &[u8]| {
        let whole = items(HEAD, input, |_| usize::MAX / 2);
        let mut bytewise = items(HEAD, input, |at| at % 7);
        // Text between stanzas is told in as many pieces as it comes in.
        let told = |all: &mut Vec<String>| all.retain(|one| !one.contains("why: Text"));
        let mut compared = whole.clone();
        told(&mut compared);
        told(&mut bytewise);
        assert_eq!(compared, bytewise, "a cut changes what is read");
        whole.iter().map(|item| shape(item)).collect::<String>()
    };
    let (name, inputs, words) = ("xmpp_streams", inputs(), WORDS);
    Target {
        name,
        inputs,
        words,
        take,
    }
}

fn component() -> Config {
    Config {
        component: vec![Component {
            name: "chat".into(),
            domain: "gw.example".into(),
            host: "192.0.2.1".into(),
            secret: Secret::new("s"),
            ..Component::default()
        }],
        ..Config::default()
    }
}

/// Everything that the agent has to say; bytes of ours are always well-formed.
fn drained(agent: &mut Agent, seen: &mut Vec<String>) -> Option<u64> {
    let mut connected = None;
    while let Some(event) = agent.poll_event() {
        match event {
            Event::Connect { stream, .. } => connected = Some(stream),
            Event::Bytes { bytes, .. } => {
                let text = String::from_utf8(bytes).unwrap();
                assert!(!text.contains('\0'));
            }
            Event::Stanza { stanza, .. } => {
                assert!([ns::CLIENT].contains(&stanza.ns().as_str()));
                seen.push(stanza.name().to_owned());
            }
            Event::State { standing, .. } => seen.push(shape(&format!("{standing:?}"))),
            other => seen.push(shape(&format!("{other:?}"))),
        }
    }
    connected
}

pub(super) fn servers() -> Target {
    let take = |input: &[u8]| {
        let mut now = Instant::now();
        let (mut agent, mut ids) = (Agent::new(&component(), now), Source::from_number(1));
        let mut dice = Dice(input.len() as u64);
        let mut seen = Vec::new();
        agent.handle_timeout(&mut ids, now);
        let stream = drained(&mut agent, &mut seen).unwrap();
        agent.opened(stream, &mut ids, now);
        let logged_in = dice.below(4) > 0;
        if logged_in {
            agent.bytes(stream, HEAD.as_bytes(), &mut ids, now);
            agent.bytes(stream, b"<handshake/>", &mut ids, now);
        }
        let cut = usize::try_from(dice.below(50)).unwrap_or(1) + 1;
        for piece in input.chunks(cut) {
            agent.bytes(stream, piece, &mut ids, now);
            drained(&mut agent, &mut seen);
        }
        // Whatever it was, the server is tried again or is online still, and time ends nothing.
        for _ in 0..20 {
            let (at, _) = agent.poll_timeout().expect("it waits for something");
            now = now.max(at);
            agent.handle_timeout(&mut ids, now);
            drained(&mut agent, &mut seen);
        }
        assert!(
            agent
                .poll_timeout()
                .is_some_and(|(at, _)| at < now + Duration::from_secs(400))
        );
        seen.truncate(8);
        seen.join(" ")
    };
    let (name, inputs, words) = ("xmpp_servers", inputs(), WORDS);
    Target {
        name,
        inputs,
        words,
        take,
    }
}

pub(super) fn addresses() -> Target {
    let take = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        assert_eq!(address::unescape(&address::escape(&text)), text);
        for meaning in [LocalPart::Dialled, LocalPart::User] {
            if let Ok(found) = address::address_of(&text, meaning) {
                assert!(!found.to_string().chars().any(char::is_control));
                if let Ok(jid) = address::jid_of(&found, "gw.example") {
                    let again = address::address_of(&jid, meaning);
                    let Ok(again) = again else {
                        panic!("{found} became {jid}, which is nobody");
                    };
                    let back = address::jid_of(&again, "gw.example");
                    assert_eq!(back.as_deref(), Ok(jid.as_str()));
                }
            }
        }
        match address::dialled_jid(&text) {
            Ok(_) => "a jid".to_owned(),
            Err(error) => shape(&error.to_string()),
        }
    };
    let inputs = [
        "+15551234@gw",
        "bob\\40pbx.example@gw",
        "1001@gw/x",
        "juliet%40example.org",
    ];
    let inputs = inputs.iter().map(|text| text.as_bytes().to_vec()).collect();
    let (name, words) = (
        "xmpp_addresses",
        &["\\5c", "\\20", "%40", "@", "/", "\u{e9}"],
    );
    Target {
        name,
        inputs,
        words,
        take,
    }
}

#[test]
fn streams_are_read_the_same_however_they_are_cut() {
    fuzz(streams());
}

#[test]
fn no_server_ends_the_agent() {
    fuzz(servers());
}

#[test]
fn addresses_go_there_and_back() {
    fuzz(addresses());
}
