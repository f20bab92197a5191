//! The agent against servers made of text, under a clock that stands still until it is told to go
//! on. What goes over the wire is a ladder in text: `>` is what we write, `<` what the server does,
//! `!` what is done to the connection, `=` what is told above.

mod accounts;
mod components;
mod poison;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use minidom::Element;

use super::agent::{Agent, Event, Standing};
use super::iq::Outcome;
use super::stanza::element;
use super::{EntityId, Tls, ns};
use crate::ask::Told;
use crate::config::{Component, Config, Secret, XmppAccount};
use crate::id::Source;

pub(super) const COMPONENT: EntityId = EntityId(0);

pub(super) fn component() -> Config {
    let component = Component {
        name: "chat".into(),
        domain: "gw.example".into(),
        host: "192.0.2.1".into(),
        secret: Secret::new("s3cret"),
        callers: vec!["*@example.org".into()],
        ..Component::default()
    };
    Config {
        component: vec![component],
        ..Config::default()
    }
}

pub(super) fn account() -> Config {
    let account = XmppAccount {
        name: "alice".into(),
        jid: "alice@example.org/desk".into(),
        password: Secret::new("pencil"),
        owner: "alice".into(),
        callers: vec!["*@example.org".into()],
        server: Some("192.0.2.2".into()),
        ca: None,
    };
    Config {
        xmpp_account: vec![account],
        ..Config::default()
    }
}

/// The agent, its server, and what has passed between them.
pub(super) struct Bench {
    pub agent: Agent,
    pub ids: Source,
    pub now: Instant,
    begun: Instant,
    /// The stream that is open, or is to be.
    pub stream: u64,
    ladder: String,
    pub stanzas: Vec<Element>,
    pub answered: Vec<(u64, Outcome)>,
    pub undelivered: Vec<Element>,
    pub standing: Vec<Standing>,
    pub wrote: String,
}

impl Bench {
    pub(super) fn new(config: &Config) -> Self {
        let now = Instant::now();
        let mut bench = Self {
            agent: Agent::new(config, now),
            ids: Source::from_number(1),
            now,
            begun: now,
            stream: 0,
            ladder: String::new(),
            stanzas: Vec::new(),
            answered: Vec::new(),
            undelivered: Vec::new(),
            standing: Vec::new(),
            wrote: String::new(),
        };
        bench.agent.handle_timeout(&mut bench.ids, now);
        bench.drain();
        bench
    }

    fn line(&mut self, text: &str) {
        let at = self.now.duration_since(self.begun).as_secs();
        // Writing to a string cannot fail.
        let _ = writeln!(self.ladder, "{at:>4} {text}");
    }

    pub(super) fn drain(&mut self) {
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::Connect {
                    stream,
                    remote,
                    security,
                } => {
                    self.stream = stream;
                    let tls = match security.tls {
                        Tls::None => "",
                        Tls::Direct => " by TLS",
                        Tls::OnStream => ", TLS later",
                    };
                    self.line(&format!("! connect {remote}{tls}"));
                }
                Event::Bytes { stream, bytes } => {
                    assert_eq!(stream, self.stream, "bytes of another stream");
                    let text = String::from_utf8(bytes).unwrap();
                    self.line(&format!("> {text}"));
                    self.wrote.push_str(&text);
                }
                Event::StartTls { security, .. } => {
                    self.line(&format!("! TLS with {}", security.name));
                }
                Event::Close { .. } => self.line("! close"),
                Event::Ask { id, question } => {
                    self.line(&format!("! ask {question:?}"));
                    let told = Told::Failed("no name server".into());
                    self.agent.told(id, &told, &mut self.ids, self.now);
                }
                Event::Stanza { stanza, .. } => {
                    let name = stanza.name().to_owned();
                    self.line(&format!(
                        "= <{name}> of {}",
                        stanza.attr("from").unwrap_or("?")
                    ));
                    self.stanzas.push(stanza);
                }
                Event::Answered { asker, outcome, .. } => {
                    let what = match &outcome {
                        Outcome::Result(_) => "result".to_owned(),
                        Outcome::Error(condition, _) => condition.name().to_owned(),
                        Outcome::None => "nothing".to_owned(),
                    };
                    self.line(&format!("= {asker} is answered: {what}"));
                    self.answered.push((asker, outcome));
                }
                Event::Undelivered { stanza, .. } => {
                    let id = stanza.attr("id").unwrap_or("?").to_owned();
                    self.line(&format!("= not delivered: {id}"));
                    self.undelivered.push(stanza);
                }
                Event::State { standing, .. } => {
                    let text = match &standing {
                        Standing::Online { jid, resumed } => {
                            let how = if *resumed { ", resumed" } else { "" };
                            format!("= online as {jid}{how}")
                        }
                        Standing::Retrying { why, .. } => format!("= later: {why}"),
                        Standing::GivenUp { why } => format!("= never: {why}"),
                    };
                    self.line(&text);
                    self.standing.push(standing);
                }
            }
        }
    }

    /// The connection is there, or has TLS.
    pub(super) fn opened(&mut self) {
        self.line("! opened");
        self.agent.opened(self.stream, &mut self.ids, self.now);
        self.drain();
    }

    pub(super) fn cut(&mut self) {
        self.line("! cut");
        self.agent.closed(self.stream, &mut self.ids, self.now);
        self.drain();
    }

    pub(super) fn refused(&mut self) {
        self.line("! connection refused");
        let stream = self.stream;
        self.agent
            .failed(stream, "connection refused", &mut self.ids, self.now);
        self.drain();
    }

    /// The server writes.
    pub(super) fn says(&mut self, text: &str) {
        let shown: String = text.chars().take(120).collect();
        self.line(&format!("< {shown}"));
        self.agent
            .bytes(self.stream, text.as_bytes(), &mut self.ids, self.now);
        self.drain();
    }

    /// Lets time pass, timer by timer.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, _)) = self.agent.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.agent.handle_timeout(&mut self.ids, self.now);
            self.drain();
        }
        self.now = end;
    }

    pub(super) fn pass_secs(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Until there is an attempt to connect; fails where none comes within an hour.
    pub(super) fn until_connect(&mut self) -> Duration {
        let (begun, before) = (self.now, self.stream);
        while self.stream == before {
            let next = self.agent.poll_timeout();
            let (at, _) = next.expect("somebody waits for another attempt");
            assert!(
                at < begun + Duration::from_secs(3600),
                "no attempt within an hour"
            );
            self.now = self.now.max(at);
            self.agent.handle_timeout(&mut self.ids, self.now);
            self.drain();
        }
        self.now.duration_since(begun)
    }

    pub(super) fn send(&mut self, stanza: Element) -> Result<(), super::NotSent> {
        let sent = self.agent.send(EntityId(0), stanza, self.now);
        self.drain();
        sent
    }

    pub(super) fn ask(&mut self, asker: u64, to: &str) {
        let attributes = [("type", "get"), ("to", to), ("from", "+1@gw.example")];
        let request = element("iq", ns::CLIENT, &attributes);
        let (ids, now) = (&mut self.ids, self.now);
        self.agent
            .ask(EntityId(0), request, asker, ids, now)
            .unwrap();
        self.drain();
    }

    /// What was written since this was last asked.
    pub(super) fn written(&mut self) -> String {
        std::mem::take(&mut self.wrote)
    }

    /// Compares what has happened with a ladder: the beginnings of lines, without blanks before.
    #[track_caller]
    pub(super) fn is(&self, ladder: &str) {
        let clean = |text: &str| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let shown = lines.map(|line| line.chars().take(70).collect::<String>());
            shown.collect::<Vec<_>>().join("\n")
        };
        let (was, wanted) = (clean(&self.ladder), clean(ladder));
        assert!(was == wanted, "it was\n{was}\n\nand is to be\n{wanted}");
    }

    /// A component that is online.
    pub(super) fn component(config: &Config) -> Self {
        let mut bench = Self::new(config);
        bench.log_in();
        bench
    }

    pub(super) fn log_in(&mut self) {
        self.opened();
        self.says(COMPONENT_HEAD);
        self.says("<handshake/>");
        self.ladder.clear();
        self.wrote.clear();
        self.standing.clear();
    }
}

pub(super) const COMPONENT_HEAD: &str = "<?xml version='1.0'?><stream:stream \
    xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' \
    from='gw.example' id='3BF96D32'>";

pub(super) fn message(id: &str) -> Element {
    let attributes = [
        ("id", id),
        ("from", "+1@gw.example"),
        ("to", "bob@example.org"),
    ];
    element("message", ns::CLIENT, &attributes)
}
