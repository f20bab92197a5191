//! `[sip]` and `[[trunk]]`: listeners, timers, limits, known peers.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;

/// SIP.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// `udp:`, `tcp:` or `tls:` and an address.
    pub listen: Vec<Listener>,
    /// The one address by which peers reach this gateway; by default the listening one.
    pub public_address: Option<String>,
    /// TLS.
    pub tls: SipTls,
    /// What User-Agent and Server say.
    pub user_agent: String,
    /// Requests above this many bytes go over TCP (RFC 3261 §18.1.1).
    pub udp_max_bytes: usize,
    /// Round-trip estimate.
    #[serde(with = "humantime_serde")]
    pub t1: Duration,
    /// Longest interval between retransmissions.
    #[serde(with = "humantime_serde")]
    pub t2: Duration,
    /// How long a message stays in the network.
    #[serde(with = "humantime_serde")]
    pub t4: Duration,
    /// Transactions at once.
    pub transactions_max: usize,
    /// Legs at once.
    pub dialogs_max: usize,
    /// TCP and TLS connections at once.
    pub streams_max: usize,
    /// Of these, so many that one address opens and that have brought nothing of a known peer.
    pub streams_per_address: usize,
    /// Bytes of a message.
    pub message_bytes_max: usize,
    /// Header fields of a message.
    pub headers_max: usize,
    /// Bytes of a header field.
    pub header_bytes_max: usize,
    /// Between two keep-alives towards a registrar.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    /// For connecting and the TLS hand-shake.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long a stream may be idle.
    #[serde(with = "humantime_serde")]
    pub stream_idle: Duration,
    /// REGISTERs under way at once.
    pub registrations_at_once: usize,
}

/// TLS of SIP, both ways.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct SipTls {
    /// The chain of `tls:` listeners.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// The authorities that are trusted; by default the system's.
    pub ca: Option<PathBuf>,
}

impl Default for Sip {
    fn default() -> Self {
        let local = SocketAddr::from(([127, 0, 0, 1], 5060));
        let listener = |transport| Listener {
            transport,
            address: local,
        };
        Self {
            listen: vec![listener(Transport::Udp), listener(Transport::Tcp)],
            public_address: None,
            tls: SipTls::default(),
            user_agent: concat!("crosspoint/", env!("CARGO_PKG_VERSION")).into(),
            udp_max_bytes: 1300,
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            transactions_max: 200_000,
            dialogs_max: 100_000,
            streams_max: 10_000,
            streams_per_address: 16,
            message_bytes_max: 65_535,
            headers_max: 256,
            header_bytes_max: 8192,
            keep_alive: Duration::from_secs(25),
            connect_timeout: Duration::from_secs(5),
            stream_idle: Duration::from_secs(600),
            registrations_at_once: 50,
        }
    }
}

/// A known SIP peer: a PBX, a proxy, a provider.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trunk {
    /// Its name in routes, accounts and metrics.
    pub name: String,
    /// Where it is: `sip:pbx.example`, with `;transport=tcp` where wanted.
    pub uri: String,
    /// Addresses from which it calls, besides that of the URI: IPs or networks (`192.0.2.0/24`).
    pub addresses: Vec<String>,
    /// For its challenges: the user.
    pub user: Option<String>,
    /// For its challenges: the password.
    pub password: Option<Secret>,
    /// The domain of our From; by default its host.
    pub from_domain: Option<String>,
    /// Overrides `sip.udp_max_bytes` where the path is known to carry more.
    pub udp_max_bytes: Option<usize>,
    /// Between two OPTIONS; `0s` for none.
    #[serde(with = "humantime_serde")]
    pub health: Duration,
    /// Header fields that clients may send and see.
    pub headers: Vec<String>,
    /// Bytes that a description may have: what is dropped to get there is told in the trace.
    pub description_bytes_max: Option<usize>,
    /// Codecs that are offered, by name; by default all.
    pub codecs: Option<Vec<String>>,
    /// Whether private addresses are hidden from it.
    pub hide_addresses: bool,
    /// Whether a client with another certificate (a reloaded page) gets a new media section, since
    /// the peer keeps a DTLS association for as long as a section lives; by default where its
    /// descriptions say `s=Asterisk`.
    pub renew_sections: Option<bool>,
    /// Who its calls are for: `user:NAME`, in which `{}` is the user of the Request-URI; by default
    /// that user.
    pub incoming_to: Option<String>,
    /// The component by which its users call chat users, as `juliet%40example.org`; by default
    /// they cannot.
    pub incoming_chat: Option<String>,
}

impl Default for Trunk {
    fn default() -> Self {
        Self {
            name: String::new(),
            uri: String::new(),
            addresses: Vec::new(),
            user: None,
            password: None,
            from_domain: None,
            udp_max_bytes: None,
            health: Duration::from_secs(30),
            headers: Vec::new(),
            description_bytes_max: None,
            codecs: None,
            hide_addresses: false,
            renew_sections: None,
            incoming_to: None,
            incoming_chat: None,
        }
    }
}

/// A transport of SIP.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// As it is written in Via.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

/// A listener: `udp:192.0.2.1:5060`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
}

impl FromStr for Listener {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not of the form udp:192.0.2.1:5060");
        let (transport, address) = text.split_once(':').ok_or_else(form)?;
        let transport = match transport.to_ascii_lowercase().as_str() {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" => Transport::Tls,
            _ => return Err(form()),
        };
        let address = address.parse().map_err(|_| form())?;
        Ok(Self { transport, address })
    }
}

impl TryFrom<String> for Listener {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Listener> for String {
    fn from(listener: Listener) -> Self {
        listener.to_string()
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            self.transport.name().to_lowercase(),
            self.address
        )
    }
}
