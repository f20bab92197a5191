//! The chat server of the world and its users: words become stanzas, stanzas become lines.
//!
//! A user answers each request by a result at once, which no line shows, until he is `hushed`.
//! `juliet` speaks from her phone, `juliet-tablet` from her tablet; what is sent to all of her
//! devices is a line to `juliet` that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crosspoint::gateway::Input;
use minidom::Element;

use crate::xml::content::{Content, Ice, Read, bundle, contents};
use crate::xml::stream::Stream;
use crate::xml::{self, INFO, RTP, bare, domain};

/// The people, and where they have their address.
const PEOPLE: [(&str, &str); 3] = [
    ("juliet", "example.org"),
    ("romeo", "example.org"),
    ("eve", "evil.example"),
];

/// The components: their domains, by the port that they connect to.
pub(super) const COMPONENTS: [(&str, u16); 2] =
    [("gw.example.org", 5347), ("web.example.org", 5348)];

/// What one device knows.
#[derive(Default)]
struct Device {
    sessions: BTreeMap<String, Session>,
    /// The last session that crosspoint has begun.
    last: String,
    /// The last request of each action that waits for an answer.
    waiting: BTreeMap<String, Element>,
    /// Whether it answers nothing by itself.
    hushed: bool,
}

#[derive(Default)]
struct Session {
    /// The other end, in full once it has spoken.
    peer: String,
    /// Of this end.
    role: &'static str,
    /// Creator, name and medium.
    contents: Vec<(String, String, String)>,
    generation: u32,
}

/// The server and its users.
#[derive(Default)]
pub(super) struct Chat {
    streams: BTreeMap<u64, (&'static str, Stream)>,
    devices: BTreeMap<String, Device>,
    is_down: bool,
    /// Whether lines tell of streams: from the first word to the server on.
    is_told: bool,
    /// Sessions that users have named.
    own: BTreeSet<String>,
    /// Requests of users: what each was.
    asked: BTreeMap<String, String>,
}

/// What comes of something: inputs for the gateway, and lines with whom they are told to.
#[derive(Default)]
pub(super) struct Told {
    pub(super) inputs: Vec<Input>,
    pub(super) lines: Vec<(String, String)>,
}

/// Whether an actor is the server or one of its users.
pub(super) fn is_one(who: &str) -> bool {
    let name = who.split('-').next().unwrap_or_default();
    name == "server" || PEOPLE.iter().any(|(person, _)| *person == name)
}

/// The full address of an actor.
fn jid(who: &str) -> String {
    let (name, device) = who.split_once('-').unwrap_or((who, "phone"));
    let (_, domain) = PEOPLE.iter().find(|(person, _)| *person == name).unwrap();
    format!("{name}@{domain}/{device}")
}

impl Chat {
    // --- the server ---

    /// The gateway wants a stream.
    pub(super) fn connects(&mut self, stream: u64, remote: SocketAddr) -> Told {
        let of_port = |(_, port): &&(&str, u16)| *port == remote.port();
        let (domain, _) = COMPONENTS.iter().find(of_port).unwrap();
        let mut told = Told::default();
        if self.is_told {
            told.line("server", format!("connect {domain}"));
        }
        if self.is_down {
            let reason = "refused".to_owned();
            told.inputs.push(Input::XmppFailed { stream, reason });
            return told;
        }
        self.streams.insert(stream, (domain, Stream::default()));
        told.inputs.push(Input::XmppOpened { stream });
        told
    }

    /// The gateway has written to a stream.
    pub(super) fn hears(&mut self, stream: u64, bytes: &[u8]) -> Told {
        let mut told = Told::default();
        let Some((domain, there)) = self.streams.get_mut(&stream) else {
            return told;
        };
        let heard = there.hears(bytes);
        let domain = *domain;
        if heard.opened && self.is_told {
            told.line("server", format!("handshake {domain}"));
        }
        if !heard.replies.is_empty() {
            told.writes(stream, heard.replies);
        }
        for wrong in heard.wrong {
            told.line("server", wrong);
        }
        for stanza in heard.stanzas {
            self.carries(&stanza, &mut told);
        }
        told
    }

    pub(super) fn closes(&mut self, stream: u64) {
        self.streams.remove(&stream);
    }

    /// Takes a stanza to whom it is for.
    fn carries(&mut self, stanza: &Element, told: &mut Told) {
        let to = stanza.attr("to").unwrap_or_default().to_owned();
        if COMPONENTS.iter().any(|(ours, _)| *ours == domain(&to)) {
            let text = String::from(stanza).replacen(" xmlns='jabber:client'", "", 1);
            self.delivers(&to, text, told);
            return;
        }
        let all = PEOPLE.iter().flat_map(|(name, at)| {
            ["phone", "tablet"].map(|device| (*name, device, format!("{name}@{at}/{device}")))
        });
        for (name, device, jid) in all.collect::<Vec<_>>() {
            let is_for_all = bare(&jid) == to;
            if is_for_all || jid == to {
                self.device_hears(&jid, stanza, told);
            }
            let (is_phone, all) = (device == "phone", if is_for_all { " to all" } else { "" });
            let who = if is_phone {
                name.to_owned()
            } else {
                format!("{name}-{device}")
            };
            if jid == to || (is_for_all && is_phone) {
                told.line(&who, self.shown(stanza) + all);
            }
        }
    }

    /// Writes a stanza to the stream of the component that it is for.
    fn delivers(&self, to: &str, text: String, told: &mut Told) -> bool {
        let is_it =
            |(_, (of, stream)): &(&u64, &(&str, Stream))| *of == domain(to) && stream.is_open();
        match self.streams.iter().find(is_it) {
            Some((stream, _)) => told.writes(*stream, text),
            None => return false,
        }
        true
    }

    /// Something happens to the server.
    fn server(&mut self, words: &[&str], told: &mut Told) {
        self.is_told = true;
        self.is_down = words[0] == "down" || (self.is_down && words[0] != "up");
        if words[0] != "up" {
            let named = words.get(1).copied().unwrap_or_default();
            self.streams.retain(|stream, (domain, _)| {
                let is_cut = domain.starts_with(named);
                let stream = *stream;
                told.inputs
                    .extend(is_cut.then_some(Input::XmppClosed { stream }));
                !is_cut
            });
        }
    }

    // --- what users hear ---

    fn device_hears(&mut self, jid: &str, stanza: &Element, told: &mut Told) {
        let device = self.devices.entry(jid.to_owned()).or_default();
        let from = stanza.attr("from").unwrap_or_default();
        let begun = match (xml::word_of(stanza), xml::jingle_of(stanza)) {
            (Some(word), _) => Some((word.attr("id"), word.name())),
            (_, Some(jingle)) => Some((jingle.attr("sid"), jingle.attr("action").unwrap())),
            _ => None,
        };
        if let Some((Some(sid), action)) = begun {
            if ["propose", "session-initiate"].contains(&action) {
                sid.clone_into(&mut device.last);
            }
            let fresh = || Session {
                role: "responder",
                ..Session::default()
            };
            let session = device.sessions.entry(sid.to_owned()).or_insert_with(fresh);
            from.clone_into(&mut session.peer);
            let added = xml::jingle_of(stanza).map(contents).unwrap_or_default();
            let named = |one: Read| Some((one.creator, one.name, one.media?));
            session.contents.extend(added.into_iter().filter_map(named));
            if stanza.name() == "iq" {
                if device.hushed {
                    device.waiting.insert(action.to_owned(), stanza.clone());
                } else {
                    self.delivers(from, xml::result(stanza), told);
                }
            }
        }
    }

    /// A stanza of crosspoint in a line.
    fn shown(&self, stanza: &Element) -> String {
        let sid = |of: Option<&str>| match of {
            Some(sid) if self.own.contains(sid) => sid.to_owned(),
            _ => "*".to_owned(),
        };
        let said = |element: &Element| {
            let tie = match element.has_child("tie-break", xml::JMI) {
                true => " tie-break",
                false => "",
            };
            xml::condition(element).map_or(String::new(), |it| format!(" {it}")) + tie
        };
        let short = |jid: &str| bare(jid).replace(".example.org", "");
        let from = || format!(" from {}", short(stanza.attr("from").unwrap_or_default()));
        let kind = stanza.attr("type").unwrap_or_default();
        if kind == "result" || kind == "error" {
            let id = stanza.attr("id").unwrap_or_default();
            let what = self.asked.get(id).map_or(stanza.name(), String::as_str);
            let conditions = xml::conditions(stanza).join(" ");
            return format!("{kind} {what} {conditions}").trim().to_owned();
        }
        if let Some(word) = xml::word_of(stanza) {
            let media = word.children().filter_map(|child| child.attr("media"));
            let media: String = media.map(|media| format!(" {media}")).collect();
            let from = if word.name() == "propose" {
                from()
            } else {
                String::new()
            };
            return format!(
                "{} {}{media}{}{from}",
                word.name(),
                sid(word.attr("id")),
                said(word)
            );
        }
        let Some(jingle) = xml::jingle_of(stanza) else {
            let inside = stanza.children().next().map_or("", Element::name);
            return format!("{} {kind} {inside}", stanza.name())
                .trim()
                .to_owned();
        };
        let contents: String = contents(jingle).iter().map(content).collect();
        let infos = jingle.children().filter(|child| child.ns() == INFO);
        let infos: String = infos.map(|info| format!(" {}", info.name())).collect();
        let (action, reason) = (jingle.attr("action").unwrap(), said(jingle));
        format!(
            "{action} {}{contents}{infos}{reason}",
            sid(jingle.attr("sid"))
        )
    }

    // --- what users say ---

    /// A user, or the server, does something. What he cannot say is a line that begins with `!`.
    pub(super) fn says(&mut self, who: &str, words: &[&str]) -> Told {
        let mut told = Told::default();
        if who == "server" {
            self.server(words, &mut told);
            return told;
        }
        let own = jid(who);
        let device = self.devices.entry(own.clone()).or_default();
        let said = match words[0] {
            "hushed" | "honest" => {
                device.hushed = words[0] == "hushed";
                return told;
            }
            "result" | "error" => device.waiting.remove(words[1]).map(|request| {
                let special = words.get(3).copied().unwrap_or_default();
                let text = match words[0] {
                    "result" => xml::result(&request),
                    _ => xml::error(&request, words[2], special),
                };
                (request.attr("from").unwrap().to_owned(), text)
            }),
            _ => self.speaks(&own, words),
        };
        let is_said = said.is_some_and(|(to, text)| self.delivers(&to, text, &mut told));
        if !is_said {
            told.line("", format!("! {who} cannot say this"));
        }
        told
    }

    fn speaks(&mut self, own: &str, words: &[&str]) -> Option<(String, String)> {
        let (action, mut rest) = (words[0], &words[1..]);
        let device = self.devices.get_mut(own)?;
        let address = rest.first().filter(|word| word.contains('@'));
        rest = &rest[usize::from(address.is_some())..];
        let sid = match *rest.first()? {
            "it" => device.last.clone(),
            named => named.to_owned(),
        };
        if let Some(address) = address {
            self.own.insert(sid.clone());
            let role = "initiator";
            let peer = format!("{address}.example.org");
            let fresh = || Session {
                role,
                peer,
                ..Session::default()
            };
            device.sessions.entry(sid.clone()).or_insert_with(fresh);
        }
        let unknown = || Session {
            role: "initiator",
            ..Session::default()
        };
        let session = device.sessions.entry(sid.clone()).or_insert_with(unknown);
        let to = session.peer.clone();
        let is_message = !action.contains('-') && action != "dance";
        if is_message {
            let inside = initiation(action, &rest[1..]);
            return Some((to.clone(), xml::message(own, &to, action, &sid, &inside)));
        }
        let to = match (action, to.contains('/')) {
            ("session-initiate", false) => format!("{to}/crosspoint"),
            _ => to,
        };
        let inside = session.says(own, action, &rest[1..]);
        let id = format!("q{}", self.asked.len());
        self.asked.insert(id.clone(), action.to_owned());
        let jingle = xml::jingle(action, &sid, &inside);
        Some((to.clone(), xml::request(own, &to, &id, &jingle)))
    }
}

/// A content in a line: its name, who sends, how many candidates, new credentials, who it is for.
fn content(content: &Read) -> String {
    let senders = content.senders.as_ref();
    let senders = senders.map_or(String::new(), |it| format!("={it}"));
    let ports = match content.ports.len() {
        0 => String::new(),
        some => format!(" {some} candidates"),
    };
    let is_new = content
        .ufrag
        .as_ref()
        .is_some_and(|it| it.starts_with("new"));
    let ice = if is_new { " new ICE" } else { "" };
    format!(" {}{senders}{ports}{ice}", content.name)
}

/// What is in a message of XEP-0353.
fn initiation(word: &str, words: &[&str]) -> String {
    let media = match (word, words.is_empty()) {
        ("propose", true) => &["audio"],
        _ => words,
    };
    let inside = |word: &&str| match *word {
        "audio" | "video" => format!("<description xmlns='{RTP}' media='{word}'/>"),
        "tie-break" => format!("<tie-break xmlns='{}'/>", xml::JMI),
        reason => xml::reason(reason),
    };
    media.iter().map(inside).collect()
}

impl Session {
    /// What is in a request of a session.
    fn says(&mut self, own: &str, action: &str, words: &[&str]) -> String {
        let word = words.first().copied().unwrap_or_default();
        let described: Vec<Content> = match action {
            "session-initiate" | "session-accept" => self.described(own, action, word),
            "content-add" | "content-accept" => self.added(own, action, word),
            "content-modify" | "content-remove" | "content-reject" => {
                words.iter().map(|word| self.named(word)).collect()
            }
            "transport-info" => {
                self.generation += u32::from(word == "restart");
                let ice = Ice {
                    ports: if word == "restart" {
                        Vec::new()
                    } else {
                        vec![6000]
                    },
                    ..self.ice(own, None)
                };
                let all = self.contents.iter();
                let ended = |(creator, name, _): &(String, String, String)| Content {
                    ice: Some(ice.clone()),
                    ..Content::named(creator, name)
                };
                all.map(ended).collect()
            }
            "session-info" => return format!("<{word} xmlns='{INFO}'/>"),
            _ => return xml::reason(word),
        };
        let group = match action {
            "session-initiate" | "session-accept" => bundle(&described),
            _ => String::new(),
        };
        let described: String = described.iter().map(Content::write).collect();
        group + &described
    }

    fn ice(&self, own: &str, setup: Option<&str>) -> Ice {
        let name = own.split('@').next().unwrap_or_default();
        Ice {
            ufrag: format!("{name}{}", self.generation),
            setup: setup.map(str::to_owned),
            ports: vec![5000],
        }
    }

    /// The description of a whole session: `offer`, `answer`, with `-video`, `-novideo`,
    /// `-trickle` behind.
    fn described(&mut self, own: &str, action: &str, word: &str) -> Vec<Content> {
        if action == "session-initiate" {
            let of =
                |name: &str, media: &str| (self.role.to_owned(), name.to_owned(), media.to_owned());
            self.contents = vec![of("0", "audio")];
            if word.contains("-video") {
                self.contents.push(of("1", "video"));
            }
        } else if word.contains("-novideo") {
            self.contents.retain(|(_, _, media)| media != "video");
        }
        let setup = if action == "session-initiate" {
            "actpass"
        } else {
            "active"
        };
        let mut ice = self.ice(own, Some(setup));
        if word.contains("-trickle") {
            ice.ports.clear();
        }
        let all = self.contents.iter();
        all.map(|(creator, name, media)| Content {
            creator: creator.clone(),
            name: name.clone(),
            media: Some(media.clone()),
            senders: Some("both".to_owned()),
            ice: Some(ice.clone()),
            extended: media == "audio",
        })
        .collect()
    }

    /// A content of video that is added, or accepted.
    fn added(&mut self, own: &str, action: &str, name: &str) -> Vec<Content> {
        if action == "content-add" {
            let content = (self.role.to_owned(), name.to_owned(), "video".to_owned());
            self.contents.push(content);
        }
        let setup = if action == "content-add" {
            "actpass"
        } else {
            "active"
        };
        vec![Content {
            media: Some("video".to_owned()),
            senders: Some("both".to_owned()),
            ice: Some(self.ice(own, Some(setup))),
            ..self.named(name)
        }]
    }

    /// A content by its name, with its senders where `=` stands behind it.
    fn named(&self, word: &str) -> Content {
        let (name, senders) = word
            .split_once('=')
            .map_or((word, None), |(name, it)| (name, Some(it)));
        let known = self.contents.iter().find(|(_, known, _)| known == name);
        let creator = known.map_or(self.role, |(creator, _, _)| creator);
        Content {
            senders: senders.map(str::to_owned),
            ..Content::named(creator, name)
        }
    }
}

impl Told {
    fn line(&mut self, who: &str, text: String) {
        self.lines.push((who.to_owned(), text));
    }

    fn writes(&mut self, stream: u64, text: String) {
        let bytes = text.into();
        self.inputs.push(Input::XmppBytes { stream, bytes });
    }
}
