//! A chat server between two components of the gateway and the devices of one person: what is sent
//! arrives later, in order; a stream that is cut loses what is on it.

pub(super) mod device;
mod media;
mod session;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crosspoint::config::{Component, Config, LocalPart, Route, Secret};
use crosspoint::gateway::Input;
use minidom::Element;

use self::device::Device;
pub(super) use self::session::State;
use super::complaint::Oracle;
use super::network::{Dice, Happening};
use super::{Life, Run};
use crate::xml::stream::{SECRET, Stream};
use crate::xml::{self, bare, domain};

/// The components by number: their names, domains, ports.
const COMPONENTS: [(&str, &str, u16); 2] = [
    ("gw", "gw.example.org", 5347),
    ("web", "web.example.org", 5348),
];

const PERSON: &str = "juliet@example.org";

/// The server and the devices.
#[derive(Default)]
pub(super) struct Chat {
    /// By the number of the stream: which component, and the server's end.
    streams: BTreeMap<u64, (usize, Stream)>,
    pub(super) devices: Vec<Device>,
    /// Until then nobody is let in.
    down_until: Option<Instant>,
}

/// Adds the components and the way to the person.
pub(super) fn configure(config: &mut Config) {
    let component = |(name, domain, port): &(&str, &str, u16)| Component {
        name: (*name).into(),
        domain: (*domain).into(),
        host: "192.0.2.20".into(),
        port: *port,
        secret: Secret::new(SECRET),
        local_part: match *name {
            "web" => LocalPart::User,
            _ => LocalPart::Dialled,
        },
        callers: vec!["*@example.org".into()],
        ..Component::default()
    };
    config.component = COMPONENTS.iter().map(component).collect();
    let route = Route {
        pattern: "xmpp:*".into(),
        to: "component:web".into(),
        ..Route::default()
    };
    config.route.insert(0, route);
    config.trunk[0].incoming_chat = Some("gw".into());
    // A stream that lives for ever would keep a run from coming to rest.
    config.xmpp.keep_alive = Duration::from_secs(86_400);
    config.xmpp.ping_after = Duration::from_secs(86_400);
}

impl Chat {
    /// One to three devices of one person.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let names = ["phone", "tablet", "laptop"];
        let count = 1 + dice.below(3) as usize;
        let device = |(number, name): (u64, &&str)| {
            Device::new(&format!("{PERSON}/{name}"), 5000 + 1000 * number)
        };
        Self {
            devices: (0..).zip(&names[..count]).map(device).collect(),
            ..Self::default()
        }
    }
}

impl Run {
    /// What people do with a chat user, sooner or later.
    pub(super) fn begin_chats(&mut self) {
        let Some(chat) = &self.chat else { return };
        let devices = chat.devices.len();
        for device in 0..devices {
            let at = self.start + self.dice.millis(500, 1500);
            self.network.at(at, Happening::ChatActs(device));
        }
        for call in 0..=self.dice.below(3) {
            let at = self.start + self.dice.millis(1000, 9000);
            self.network
                .at(at, Happening::PhoneActs(format!("new-x{call}")));
        }
        if self.dice.percent(25) {
            let at = self.start + self.dice.millis(1500, 50_000);
            self.network.at(at, Happening::ChatCut);
        }
    }

    /// A call with a chat user, from one side or the other.
    pub(super) fn begin_chat(&mut self, call: &str) {
        let kind = self.dice.below(10);
        let straight = self.dice.percent(25);
        match kind {
            0..2 => {
                let user = PERSON.replace('@', "%40");
                let frames = self.phone.invites(call, &user, &mut self.dice, self.now);
                let at = self.now + Duration::from_millis(800);
                self.network.at(at, Happening::PhoneActs(call.to_owned()));
                self.phone_sends(frames);
            }
            2..5 => {
                let device = if straight { "/phone" } else { "" };
                let to = format!("xmpp:{PERSON}{device}");
                let client = &mut self.clients[self.dice.below(4) as usize];
                let Some(link) = client.link else { return };
                let frame = client.create(&mut self.dice, call, &to);
                self.client_sends(link, vec![frame]);
            }
            _ => {
                let to = match kind {
                    5..7 => "600@gw.example.org",
                    7..9 => "alice@web.example.org",
                    _ => "bob@web.example.org",
                };
                let Some(chat) = &mut self.chat else { return };
                let device = self.dice.below(chat.devices.len() as u64) as usize;
                let stanza =
                    chat.devices[device].calls(call, to, straight, &mut self.dice, self.now);
                self.device_sends(device, vec![stanza]);
            }
        }
    }

    // --- streams ---

    /// The gateway wants a stream.
    pub(super) fn chat_wanted(&mut self, stream: u64, remote: SocketAddr) {
        let is_it = |(_, _, port): &(&str, &str, u16)| *port == remote.port();
        let component = COMPONENTS.iter().position(is_it).unwrap();
        let at = self.now + self.dice.millis(5, 100);
        self.network.at(at, Happening::ChatOpens(stream, component));
    }

    pub(super) fn chat_opens(&mut self, stream: u64, component: usize) {
        let Some(chat) = &mut self.chat else { return };
        if chat.down_until.is_some_and(|until| self.now < until) {
            let reason = "refused".to_owned();
            return self.input(Input::XmppFailed { stream, reason });
        }
        chat.streams.insert(stream, (component, Stream::default()));
        self.input(Input::XmppOpened { stream });
    }

    /// The gateway has written to a stream.
    pub(super) fn chat_written(&mut self, stream: u64, bytes: &[u8]) {
        let at = self.in_order(format!("to server {stream}"));
        let what = Happening::ChatToServer(stream, bytes.to_vec());
        self.network.at(at, what);
    }

    /// What the gateway wrote arrives at the server.
    pub(super) fn chat_brings(&mut self, stream: u64, bytes: &[u8]) {
        let Some(chat) = &mut self.chat else { return };
        let Some((_, there)) = chat.streams.get_mut(&stream) else {
            return;
        };
        let heard = there.hears(bytes);
        for wrong in heard.wrong {
            self.complaints.add(Oracle::Bounded, wrong);
        }
        if heard.ended {
            chat.streams.remove(&stream);
        }
        if !heard.replies.is_empty() {
            self.server_writes(stream, heard.replies);
        }
        for stanza in heard.stanzas {
            self.routed(stream, &stanza);
        }
    }

    /// The server writes to a stream.
    fn server_writes(&mut self, stream: u64, text: String) {
        let at = self.in_order(format!("to gateway {stream}"));
        self.network.at(at, Happening::ChatToGateway(stream, text));
    }

    /// What the server wrote arrives at the gateway.
    pub(super) fn chat_takes(&mut self, stream: u64, text: String) {
        let Some(chat) = &self.chat else { return };
        let Some((component, _)) = chat.streams.get(&stream) else {
            return;
        };
        let (_, domain, _) = COMPONENTS[*component];
        self.note(&format!("{domain} > crosspoint"), &text);
        let bytes = text.into();
        self.input(Input::XmppBytes { stream, bytes });
    }

    /// All streams break; nobody is let in for a while.
    pub(super) fn chat_cut(&mut self) {
        self.note("chat cut", "");
        self.network.broke = true;
        let away = self.dice.millis(10, 20_000);
        let Some(chat) = &mut self.chat else { return };
        chat.down_until = Some(self.now + away);
        let broken: Vec<u64> = chat.streams.keys().copied().collect();
        chat.streams.clear();
        for stream in broken {
            self.input(Input::XmppClosed { stream });
        }
        if self.life != Life::Finished && self.dice.percent(30) {
            let at = self.now + self.dice.millis(1000, 30_000);
            self.network.at(at, Happening::ChatCut);
        }
    }

    pub(super) fn chat_closed(&mut self, stream: u64) {
        if let Some(chat) = &mut self.chat {
            chat.streams.remove(&stream);
        }
    }

    /// When something that is sent now arrives, behind what was sent on the same way before.
    fn in_order(&mut self, way: String) -> Instant {
        let late = self.now + self.dice.millis(1, 80);
        let last = self.network.ways.get(&way).copied().unwrap_or(late);
        let at = last.max(late);
        self.network.ways.insert(way, at);
        at
    }

    // --- stanzas ---

    /// Takes a stanza of the gateway to whom it is for.
    fn routed(&mut self, stream: u64, stanza: &Element) {
        let to = stanza.attr("to").unwrap_or_default().to_owned();
        let Some(chat) = &self.chat else { return };
        let all = chat.devices.iter().enumerate();
        let is_for = |device: &Device| device.jid == to || bare(&device.jid) == to;
        let found: Vec<usize> = all
            .filter(|(_, device)| is_for(device))
            .map(|(place, _)| place)
            .collect();
        if found.is_empty() && stanza.name() == "iq" && stanza.attr("type") == Some("set") {
            let error = xml::error(stanza, "service-unavailable", "");
            return self.server_writes(stream, error);
        }
        for device in found {
            let at = self.in_order(format!("to device {device}"));
            let what = Happening::ChatTold(device, Box::new(stanza.clone()));
            self.network.at(at, what);
        }
    }

    pub(super) fn device_sends(&mut self, device: usize, texts: Vec<String>) {
        for text in texts {
            let at = self.in_order(format!("of device {device}"));
            self.network.at(at, Happening::ChatSaid(device, text));
        }
    }

    /// What a device has sent is at its server.
    pub(super) fn device_said(&mut self, device: usize, text: &str) {
        let stanza: Element = text
            .replacen(' ', " xmlns='jabber:client' ", 1)
            .parse()
            .unwrap();
        let to = stanza.attr("to").unwrap_or_default();
        let Some(chat) = &self.chat else { return };
        // XEP-0280 §6: what one device says in a chat, the others hear.
        let others: Vec<usize> = match stanza.name() {
            "message" => (0..chat.devices.len()).filter(|it| *it != device).collect(),
            _ => Vec::new(),
        };
        let is_it = |(_, (component, stream)): &(&u64, &(usize, Stream))| {
            COMPONENTS[*component].1 == domain(to) && stream.is_open()
        };
        let stream = chat.streams.iter().find(is_it).map(|(stream, _)| *stream);
        for other in others {
            let at = self.in_order(format!("to device {other}"));
            let what = Happening::ChatCarbon(other, Box::new(stanza.clone()));
            self.network.at(at, what);
        }
        match stream {
            Some(stream) => self.server_writes(stream, text.to_owned()),
            None if stanza.attr("type") == Some("set") => {
                let error = xml::error(&stanza, "remote-server-not-found", "");
                let error = error
                    .replacen(' ', " xmlns='jabber:client' ", 1)
                    .parse()
                    .unwrap();
                let at = self.in_order(format!("to device {device}"));
                self.network
                    .at(at, Happening::ChatTold(device, Box::new(error)));
            }
            None => {}
        }
    }

    /// A stanza, or the copy of one that another device has sent, comes to a device.
    pub(super) fn device_hears(&mut self, device: usize, stanza: &Element, is_copy: bool) {
        let Some(chat) = &mut self.chat else { return };
        let there = &mut chat.devices[device];
        let way = match is_copy {
            true => format!("copy > {}", there.jid),
            false => format!("crosspoint > {}", there.jid),
        };
        let replies = match is_copy {
            true => {
                there.copied(stanza);
                Vec::new()
            }
            false => there.hears(stanza, &mut self.dice, self.now),
        };
        let text = String::from(stanza);
        self.note(&way, &text);
        self.device_sends(device, replies);
    }

    pub(super) fn device_acts(&mut self, device: usize) {
        let Some(chat) = &mut self.chat else { return };
        let there = &mut chat.devices[device];
        let stanzas = there.acts(&mut self.dice, self.now);
        let is_busy = there.is_busy() || self.now < self.start + Duration::from_secs(12);
        self.device_sends(device, stanzas);
        if is_busy {
            let at = self.now + self.dice.millis(100, 4000);
            self.network.at(at, Happening::ChatActs(device));
        }
    }
}
