//! The login of an account (RFC 6120 §5 to §7, XEP-0198).
//!
//! ```text
//!                 head      features        <proceed/>        TLS
//!   Opening(Plain) ──▶ Features(Plain) ──▶ AskedTls ──▶ Securing ──▶ Opening(Secured)
//!                        │ no TLS: failed
//!                        ▼                 challenge
//!   Opening(Secured) ──▶ Features(Secured) ──▶ Proving ─┐ ◀─┘
//!                                                       │ success
//!   Opening(Proved) ◀───────────────────────────────────┘
//!        │ head                    a session to resume           resumed
//!        └──▶ Features(Proved) ──────────────────────▶ Resuming ─────────▶ Online
//!                        │                               │ failed            ▲
//!                        └───────────▶ Binding ◀─────────┘                   │
//!                                         │ bound        enabled, failed     │
//!                                         └─▶ Enabling ──────────────────────┘
//! ```
//!
//! A password leaves only under TLS. `<failed/>` instead of `<resumed/>` means a new session by the
//! same address: what the server says to have had is taken off, the rest is sent again where it
//! says so much, and told as lost where it does not, so that nothing is doubled.

use minidom::Element;

use super::management::Management;
use super::ns;
use super::sasl::{Exchange, Mechanism};
use super::session::{Failure, Step, short};
use super::stanza::{bare, domain, element, local, with};
use super::write::{self, escaped};
use crate::config::{Secret, XmppAccount};
use crate::id::Source;

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No TLS yet.
    Plain,
    /// TLS.
    Secured,
    /// The server knows who we are.
    Proved,
}

#[derive(Debug)]
enum State {
    Offline,
    /// Our stream head is sent.
    Opening(Stage),
    /// The server's has come.
    Features(Stage),
    /// `<starttls/>` is sent.
    AskedTls,
    /// The hand-shake is under way.
    Securing,
    Proving(Exchange),
    /// `<resume/>` is sent.
    Resuming,
    /// The resource is asked for.
    Binding,
    /// `<enable/>` is sent.
    Enabling,
    Online,
}

/// One account.
#[derive(Debug)]
pub struct Client {
    /// The bare address, or the full one once it is bound.
    jid: String,
    /// The resource that is asked for: the same each time, so that a session that the server has
    /// not noticed to be dead is replaced by its heir.
    resource: Option<String>,
    password: Secret,
    unacked_max: usize,
    management: Option<Management>,
    /// Whether the server offers XEP-0198 on this stream.
    manages: bool,
    state: State,
}

impl Client {
    /// Not connected.
    #[must_use]
    pub fn new(config: &XmppAccount, unacked_max: usize) -> Self {
        let resource = config.jid.split_once('/').map(|(_, resource)| resource);
        Self {
            jid: bare(&config.jid).to_owned(),
            resource: resource.map(str::to_owned),
            password: config.password.clone(),
            unacked_max,
            management: None,
            manages: false,
            state: State::Offline,
        }
    }

    /// Our address.
    #[must_use]
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Whether the TLS hand-shake is under way.
    #[must_use]
    pub fn is_securing(&self) -> bool {
        matches!(self.state, State::Securing)
    }

    /// The connection is there, without TLS.
    pub fn connected(&mut self, ids: &mut Source) -> Vec<Step> {
        if self.resource.is_none() {
            self.resource = Some(format!("crosspoint-{}", ids.token()));
        }
        self.open(Stage::Plain)
    }

    /// The connection has TLS now.
    pub fn secured(&mut self) -> Vec<Step> {
        match self.state {
            State::Securing => self.open(Stage::Secured),
            _ => failed(Failure::Misbehaved("TLS that was not asked for".into())),
        }
    }

    /// The connection is gone; the session may go on by another one.
    pub fn closed(&mut self) {
        self.state = State::Offline;
    }

    fn open(&mut self, stage: Stage) -> Vec<Step> {
        self.state = State::Opening(stage);
        let (own, domain) = (escaped(bare(&self.jid)), escaped(domain(&self.jid)));
        // RFC 6120 §4.7.1: who we are is for the server alone to know.
        let from = match stage {
            Stage::Plain => String::new(),
            Stage::Secured | Stage::Proved => format!(" from='{own}'"),
        };
        vec![
            Step::Restart,
            Step::Write(format!(
                "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' to='{domain}'\
                 {from} version='1.0' xml:lang='en'>",
                ns::CLIENT,
                ns::STREAMS,
            )),
        ]
    }

    /// The server's stream head.
    pub fn header(&mut self) -> Vec<Step> {
        if let State::Opening(stage) = self.state {
            self.state = State::Features(stage);
        }
        Vec::new()
    }

    /// A child of the stream.
    pub fn element(&mut self, element: Element, ids: &mut Source) -> Vec<Step> {
        if element.is("error", ns::STREAMS) {
            return vec![Step::Fail(Failure::of_stream(&element))];
        }
        let (name, namespace) = (element.name().to_owned(), element.ns());
        let state = std::mem::replace(&mut self.state, State::Offline);
        match (state, namespace.as_str(), name.as_str()) {
            (State::Features(Stage::Plain), ns::STREAMS, "features") => self.ask_tls(&element),
            (State::AskedTls, ns::TLS, "proceed") => {
                self.state = State::Securing;
                vec![Step::StartTls]
            }
            (State::AskedTls, ns::TLS, _) => failed(Failure::TlsRequired),
            (State::Features(Stage::Secured), ns::STREAMS, "features") => self.prove(&element, ids),
            (State::Proving(exchange), ns::SASL, _) => self.proving(exchange, &element),
            (State::Features(Stage::Proved), ns::STREAMS, "features") => self.proved(&element),
            (State::Resuming, ns::MANAGEMENT, "resumed") => self.resumed(&element),
            (State::Resuming, ns::MANAGEMENT, "failed") => self.not_resumed(&element),
            (State::Binding, ns::CLIENT, "iq") => self.bound(&element),
            (State::Enabling, ns::MANAGEMENT, "enabled" | "failed") => self.enabled(&element),
            (State::Enabling, ns::CLIENT, _) => {
                self.state = State::Enabling;
                vec![Step::Up(element)]
            }
            (State::Online, namespace, _) => {
                self.state = State::Online;
                match namespace {
                    ns::MANAGEMENT => self.counts(&element),
                    _ => {
                        self.passed_over();
                        vec![Step::Up(element)]
                    }
                }
            }
            // All else has no place before a session is there.
            (_, _, name) => {
                let what = format!("<{}/> during the login", short(name));
                failed(Failure::Misbehaved(what))
            }
        }
    }

    // --- TLS and SASL ---

    fn ask_tls(&mut self, features: &Element) -> Vec<Step> {
        if !features.has_child("starttls", ns::TLS) {
            return failed(Failure::TlsRequired);
        }
        self.state = State::AskedTls;
        let starttls = Element::bare("starttls", ns::TLS);
        vec![Step::Write(write::stanza(&starttls, ns::CLIENT))]
    }

    fn prove(&mut self, features: &Element, ids: &mut Source) -> Vec<Step> {
        let offered = features.get_child("mechanisms", ns::SASL);
        let offered = offered.into_iter().flat_map(Element::children);
        let offered: Vec<String> = offered.map(|one| one.text().trim().to_owned()).collect();
        let Some(mechanism) = Mechanism::best(&offered) else {
            return failed(Failure::NoMechanism(short(&offered.join(", "))));
        };
        let user = super::address::unescape(local(&self.jid).unwrap_or_default());
        let (exchange, first) = Exchange::begin(mechanism, &user, &self.password, ids);
        self.state = State::Proving(exchange);
        let auth = element("auth", ns::SASL, &[("mechanism", mechanism.name())]);
        vec![Step::Write(write::stanza(&with(auth, first), ns::CLIENT))]
    }

    fn proving(&mut self, exchange: Exchange, said: &Element) -> Vec<Step> {
        match said.name() {
            "challenge" => match exchange.challenge(&said.text()) {
                Ok((exchange, answer)) => {
                    self.state = State::Proving(exchange);
                    let response = with(Element::bare("response", ns::SASL), answer);
                    vec![Step::Write(write::stanza(&response, ns::CLIENT))]
                }
                Err(error) => failed(Failure::Misbehaved(error.to_string())),
            },
            "success" => match exchange.success(&said.text()) {
                Ok(()) => self.open(Stage::Proved),
                // Whoever cannot prove it may be anybody with a certificate.
                Err(error) => failed(Failure::Refused(error.to_string())),
            },
            "failure" => {
                let mut conditions = said.children().map(Element::name);
                let condition = conditions.find(|name| *name != "text");
                let condition = short(condition.unwrap_or("no reason"));
                // RFC 6120 §6.5.11: the server's own trouble, not the password's.
                failed(match condition.as_str() {
                    "temporary-auth-failure" => Failure::Closed(condition),
                    _ => Failure::Refused(condition),
                })
            }
            name => {
                let what = format!("<{}/> during SASL", short(name));
                failed(Failure::Misbehaved(what))
            }
        }
    }

    // --- the session ---

    fn proved(&mut self, features: &Element) -> Vec<Step> {
        self.manages = features.has_child("sm", ns::MANAGEMENT);
        let resume = self.management.as_ref().and_then(Management::resume);
        match resume.filter(|_| self.manages) {
            Some(resume) => {
                self.state = State::Resuming;
                vec![Step::Write(write::stanza(&resume, ns::CLIENT))]
            }
            None => {
                let mut steps = self.lost();
                steps.extend(self.bind());
                steps
            }
        }
    }

    fn bind(&mut self) -> Vec<Step> {
        self.state = State::Binding;
        let resource = self.resource.clone().unwrap_or_default();
        let resource = with(Element::bare("resource", ns::BIND), resource);
        let bind = with(Element::bare("bind", ns::BIND), resource);
        let iq = element("iq", ns::CLIENT, &[("type", "set"), ("id", "bind")]);
        vec![Step::Write(write::stanza(&with(iq, bind), ns::CLIENT))]
    }

    fn bound(&mut self, answer: &Element) -> Vec<Step> {
        let bind = answer.get_child("bind", ns::BIND);
        let jid = bind.and_then(|bind| bind.get_child("jid", ns::BIND));
        let Some(jid) = jid
            .map(Element::text)
            .filter(|_| answer.attr("type") == Some("result"))
        else {
            let condition = super::stanza_error::condition(answer);
            let what = format!("no resource: {}", condition.name());
            return failed(Failure::Closed(what));
        };
        if bare(&jid) != bare(&self.jid) && !super::stanza::is_same(bare(&jid), bare(&self.jid)) {
            let what = format!("another address is bound: {}", short(&jid));
            return failed(Failure::Misbehaved(what));
        }
        self.jid = jid;
        if !self.manages {
            return self.online(false);
        }
        self.state = State::Enabling;
        let enable = element("enable", ns::MANAGEMENT, &[("resume", "true")]);
        vec![Step::Write(write::stanza(&enable, ns::CLIENT))]
    }

    fn enabled(&mut self, answer: &Element) -> Vec<Step> {
        if answer.name() == "enabled" {
            let resumable = matches!(answer.attr("resume"), Some("true" | "1"));
            let id = answer.attr("id").filter(|_| resumable);
            self.management = Some(Management::new(id.map(str::to_owned), self.unacked_max));
        }
        self.online(false)
    }

    fn online(&mut self, resumed: bool) -> Vec<Step> {
        self.state = State::Online;
        let jid = self.jid.clone();
        vec![Step::Online { jid, resumed }]
    }

    fn resumed(&mut self, answer: &Element) -> Vec<Step> {
        let again = match (&mut self.management, count(answer)) {
            (Some(management), Some(count)) => management.resumed(count),
            (Some(_) | None, _) => Ok(Vec::new()),
        };
        let again = match again {
            Ok(again) => again,
            Err(error) => {
                self.management = None;
                return failed(Failure::Misbehaved(error.to_string()));
            }
        };
        let mut text: String = again
            .iter()
            .map(|stanza| write::stanza(stanza, ns::CLIENT))
            .collect();
        if !text.is_empty() {
            text.push_str(&request());
        }
        let mut steps = vec![Step::Write(text)];
        steps.extend(self.online(true));
        steps
    }

    fn not_resumed(&mut self, answer: &Element) -> Vec<Step> {
        let again = match (&mut self.management, count(answer)) {
            (Some(management), Some(count)) => management.resumed(count).ok(),
            (Some(_) | None, _) => None,
        };
        let mut steps: Vec<Step> = match again {
            // The server knows what it had: the rest goes the way of what waits.
            Some(again) => {
                self.management = None;
                again.into_iter().map(Step::Again).collect()
            }
            None => self.lost(),
        };
        steps.extend(self.bind());
        steps
    }

    /// Whatever the session that is over had not acknowledged.
    fn lost(&mut self) -> Vec<Step> {
        let unacked = self.management.take().map(Management::into_unacked);
        unacked
            .unwrap_or_default()
            .into_iter()
            .map(Step::Lost)
            .collect()
    }

    fn counts(&mut self, element: &Element) -> Vec<Step> {
        let Some(management) = &mut self.management else {
            return Vec::new();
        };
        match (element.name(), count(element)) {
            ("r", _) => vec![Step::Write(write::stanza(&management.count(), ns::CLIENT))],
            ("a", Some(count)) => match management.acknowledged(count) {
                Ok(true) => vec![Step::Write(request()), Step::Room],
                Ok(false) => vec![Step::Room],
                Err(error) => {
                    self.management = None;
                    failed(Failure::Misbehaved(error.to_string()))
                }
            },
            // An `<a/>` without a count says nothing; other names have no place in a session.
            _ => Vec::new(),
        }
    }

    // --- stanzas ---

    /// A stanza is sent. Returns what is to follow it.
    pub fn sent(&mut self, stanza: Element) -> Option<String> {
        let asks = self.management.as_mut()?.sent(stanza);
        asks.then(request)
    }

    /// Whether one more stanza may be sent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.management.as_ref().is_none_or(Management::has_room)
    }

    /// A stanza was dealt with, or cannot be: neither is to come again when the session goes on.
    pub fn passed_over(&mut self) {
        if let (State::Online, Some(management)) = (&self.state, &mut self.management) {
            management.handled();
        }
    }
}

fn failed(failure: Failure) -> Vec<Step> {
    vec![Step::Fail(failure)]
}

fn request() -> String {
    format!("<r xmlns='{}'/>", ns::MANAGEMENT)
}

fn count(element: &Element) -> Option<u32> {
    element.attr("h").and_then(|count| count.parse().ok())
}
