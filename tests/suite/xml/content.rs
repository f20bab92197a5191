//! Contents of a session as a chat client writes them, and what it reads of those of the other end.

use minidom::Element;

use super::RTP;

const ICE: &str = "urn:xmpp:jingle:transports:ice-udp:1";
const DTLS: &str = "urn:xmpp:jingle:apps:dtls:0";

/// The formats of a medium: number, name, clock, channels.
const AUDIO: [(u8, &str, u32, u8); 4] = [
    (111, "opus", 48_000, 2),
    (0, "PCMU", 8000, 1),
    (110, "telephone-event", 48_000, 1),
    (126, "telephone-event", 8000, 1),
];
/// Header extensions of audio, as Chromium has them.
const EXTENSIONS: [&str; 4] = [
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
];
const VIDEO: [(u8, &str, u32, u8); 1] = [(96, "VP8", 90_000, 1)];

/// A content that is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// `initiator` or `responder`.
    pub(crate) creator: String,
    pub(crate) name: String,
    /// `audio` or `video`, where it is described.
    pub(crate) media: Option<String>,
    /// Who sends, where it is said.
    pub(crate) senders: Option<String>,
    pub(crate) ice: Option<Ice>,
    /// Whether header extensions of audio go with its description: not in an answer to one without.
    pub(crate) extended: bool,
}

/// A transport.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ice {
    /// The credentials: the password is made of it.
    pub(crate) ufrag: String,
    /// The DTLS role, where a fingerprint goes with it.
    pub(crate) setup: Option<String>,
    /// The ports of its candidates.
    pub(crate) ports: Vec<u64>,
}

impl Content {
    /// One that is named and no more.
    pub(crate) fn named(creator: &str, name: &str) -> Self {
        Self {
            creator: creator.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// As text.
    pub(crate) fn write(&self) -> String {
        let (creator, name) = (&self.creator, &self.name);
        let senders = self.senders.as_ref();
        let senders = senders.map_or(String::new(), |senders| format!(" senders='{senders}'"));
        let description = self
            .media
            .as_deref()
            .map_or(String::new(), |media| description(media, self.extended));
        let transport = self.ice.as_ref().map_or(String::new(), Ice::write);
        format!(
            "<content creator='{creator}' name='{name}'{senders}>{description}{transport}</content>"
        )
    }
}

impl Ice {
    fn write(&self) -> String {
        let ufrag = &self.ufrag;
        let print = ["AB"; 32].join(":");
        let fingerprint = self.setup.as_ref().map_or(String::new(), |setup| {
            format!(
                "<fingerprint xmlns='{DTLS}' hash='sha-256' setup='{setup}'>{print}</fingerprint>"
            )
        });
        let candidate = |(place, port): (usize, &u64)| {
            format!(
                "<candidate component='1' foundation='1' generation='0' id='k{place}' \
                 ip='192.0.2.77' network='0' port='{port}' priority='2122260223' protocol='udp' \
                 type='host'/>"
            )
        };
        let candidates: String = self.ports.iter().enumerate().map(candidate).collect();
        format!(
            "<transport xmlns='{ICE}' ufrag='{ufrag}' pwd='{ufrag}0123456789012345678901'>\
             {fingerprint}{candidates}</transport>"
        )
    }
}

fn description(media: &str, extended: bool) -> String {
    let formats: &[_] = match media {
        "video" => &VIDEO,
        _ => &AUDIO,
    };
    let format = |(id, name, clock, channels): &(u8, &str, u32, u8)| {
        let channels = match channels {
            1 => String::new(),
            more => format!(" channels='{more}'"),
        };
        format!("<payload-type id='{id}' name='{name}' clockrate='{clock}'{channels}/>")
    };
    let formats: String = formats.iter().map(format).collect();
    let extension = |(place, uri): (usize, &&str)| {
        let id = place + 1;
        format!("<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='{id}' uri='{uri}'/>")
    };
    let extensions = EXTENSIONS.iter().enumerate().filter(|_| extended);
    let extensions: String = extensions.map(extension).collect();
    format!(
        "<description xmlns='{RTP}' media='{media}'>{formats}{extensions}<rtcp-mux/></description>"
    )
}

/// A group of all contents.
pub(crate) fn bundle(contents: &[Content]) -> String {
    let names = contents
        .iter()
        .map(|content| format!("<content name='{}'/>", content.name));
    let names: String = names.collect();
    format!("<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>{names}</group>")
}

/// A content that is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) creator: String,
    pub(crate) name: String,
    pub(crate) media: Option<String>,
    pub(crate) senders: Option<String>,
    pub(crate) ufrag: Option<String>,
    pub(crate) setup: Option<String>,
    /// The ports of its candidates.
    pub(crate) ports: Vec<u64>,
    /// Whether its description has a format that is named and not only numbered.
    pub(crate) formats: usize,
}

/// The contents of `<jingle/>`.
pub(crate) fn contents(jingle: &Element) -> Vec<Read> {
    let contents = jingle.children().filter(|child| child.name() == "content");
    contents.map(read).collect()
}

fn read(content: &Element) -> Read {
    let said = |element: &Element, name| element.attr(name).map(str::to_owned);
    let child = |name| {
        content
            .children()
            .find(|child: &&Element| child.name() == name)
    };
    let (description, transport) = (child("description"), child("transport"));
    let inside = |of: Option<&Element>, name: &str| -> Vec<Element> {
        let all = of.into_iter().flat_map(Element::children);
        all.filter(|child| child.name() == name).cloned().collect()
    };
    let port = |candidate: &Element| candidate.attr("port")?.parse().ok();
    Read {
        creator: said(content, "creator").unwrap_or_default(),
        name: said(content, "name").unwrap_or_default(),
        senders: said(content, "senders"),
        media: description.and_then(|it| said(it, "media")),
        ufrag: transport.and_then(|it| said(it, "ufrag")),
        setup: inside(transport, "fingerprint")
            .first()
            .and_then(|it| said(it, "setup")),
        ports: inside(transport, "candidate")
            .iter()
            .filter_map(port)
            .collect(),
        formats: inside(description, "payload-type").len(),
    }
}
