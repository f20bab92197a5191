//! `[xmpp]`, `[[component]]` and `[[xmpp_account]]`: chat servers, and who the gateway is there.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;

/// What holds for every stream to a chat server: patience and limits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Xmpp {
    /// For a connection and for the TLS hand-shake.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// From the connection to the end of the login.
    #[serde(with = "humantime_serde")]
    pub login_timeout: Duration,
    /// Before the first attempt after a loss; doubles with each.
    #[serde(with = "humantime_serde")]
    pub retry_min: Duration,
    /// The longest wait between two attempts.
    #[serde(with = "humantime_serde")]
    pub retry_max: Duration,
    /// Before the next attempt after the server refused a secret or a password.
    #[serde(with = "humantime_serde")]
    pub refused_retry: Duration,
    /// After so long without a byte of ours a blank is sent.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    /// After so long without a byte of the server it is pinged.
    #[serde(with = "humantime_serde")]
    pub ping_after: Duration,
    /// How long it may take to say anything then.
    #[serde(with = "humantime_serde")]
    pub ping_deadline: Duration,
    /// For the answer to a request of ours.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Requests of ours that wait for an answer, of one stream.
    pub requests_max: usize,
    /// Of these, to one user.
    pub requests_per_peer: usize,
    /// Stanzas that wait while a stream is down.
    pub queue_max: usize,
    /// How long one waits.
    #[serde(with = "humantime_serde")]
    pub queue_wait: Duration,
    /// Stanzas that an account's server has not acknowledged.
    pub unacked_max: usize,
    /// Bytes of a stanza; a larger one is passed over.
    pub stanza_bytes_max: usize,
    /// Bytes that are read of one that is passed over; a larger one ends the stream.
    pub skipped_bytes_max: usize,
    /// Elements inside of each other.
    pub depth_max: usize,
    /// Elements of a stanza.
    pub elements_max: usize,
    /// Bytes of a name or the value of an attribute.
    pub attribute_bytes_max: usize,
    /// Attributes of an element.
    pub attributes_max: usize,
    /// Pairs of a user and an address of ours that presence is sent for, of one stream.
    pub subscribers_max: usize,
    /// Sessions at once, of all streams.
    pub sessions_max: usize,
}

impl Default for Xmpp {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            login_timeout: Duration::from_secs(15),
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            refused_retry: Duration::from_secs(300),
            keep_alive: Duration::from_secs(30),
            ping_after: Duration::from_secs(60),
            ping_deadline: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            requests_max: 10_000,
            requests_per_peer: 500,
            queue_max: 1000,
            queue_wait: Duration::from_secs(30),
            unacked_max: 500,
            stanza_bytes_max: 262_144,
            skipped_bytes_max: 4_194_304,
            depth_max: 32,
            elements_max: 5000,
            attribute_bytes_max: 65_536,
            attributes_max: 64,
            subscribers_max: 20_000,
            sessions_max: 20_000,
        }
    }
}

/// A domain that a chat server gives to this gateway (XEP-0114).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Component {
    /// Its name in metrics and in the log.
    pub name: String,
    /// The domain: `sip.example.org`.
    pub domain: String,
    /// Where the server takes components.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// What both sides know.
    pub secret: Secret,
    /// Whether the port speaks TLS from the first byte.
    pub tls: bool,
    /// The name that its certificate has to carry; by default the host.
    pub tls_name: Option<String>,
    /// The authorities that are trusted; by default the system's.
    pub ca: Option<PathBuf>,
    /// What the part before the `@` means, where it is no telephone number and no address.
    pub local_part: LocalPart,
    /// The parts before the `@` that there are, with `*` and `?`.
    pub serves: Vec<String>,
    /// Who may call: patterns of addresses without a resource, with `*`; nobody where there are
    /// none.
    pub callers: Vec<String>,
    /// What they may call, as patterns of `[[route]]`; by default all that the dial plan allows
    /// where `local_part` is `dialled`, and clients of this gateway where it is `user`.
    pub destinations: Option<Vec<String>>,
    /// Whether those behind it take candidates one by one; else callers are asked to gather first.
    pub trickle: bool,
}

impl Default for Component {
    fn default() -> Self {
        Self {
            name: String::new(),
            domain: String::new(),
            host: "127.0.0.1".into(),
            port: 5347,
            secret: Secret::default(),
            tls: false,
            tls_name: None,
            ca: None,
            local_part: LocalPart::Dialled,
            serves: vec!["*".into()],
            callers: Vec::new(),
            destinations: None,
            trickle: true,
        }
    }
}

impl Component {
    /// What chat users may call through it, as patterns; all that the dial plan allows where there
    /// are none. Whoever lets them call his clients has not let them use his trunks.
    #[must_use]
    pub fn allowed(&self) -> Option<Vec<String>> {
        match (&self.destinations, self.local_part) {
            (Some(patterns), _) => Some(patterns.clone()),
            (None, LocalPart::User) => Some(vec!["user:*".to_owned()]),
            (None, LocalPart::Dialled) => None,
        }
    }
}

/// What the part before the `@` means.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalPart {
    /// What is dialled: the dial plan says what it is.
    #[default]
    Dialled,
    /// A client of this gateway.
    User,
}

/// A user's own account at a chat server, which the gateway logs in to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct XmppAccount {
    /// Its name in the JSON protocol, in metrics and in the log.
    pub name: String,
    /// Its address: `alice@example.org`, with a resource where it is to have that one.
    pub jid: String,
    /// Its password.
    pub password: Secret,
    /// The client user that it belongs to.
    pub owner: String,
    /// Who may call it, write to its user here, and learn that it is online: patterns of addresses
    /// without a resource, with `*`; nobody where there are none.
    pub callers: Vec<String>,
    /// Where the server is, `host` or `host:port`; by default what the domain's records say.
    pub server: Option<String>,
    /// The authorities that are trusted; by default the system's.
    pub ca: Option<PathBuf>,
}
