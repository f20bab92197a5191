//! Every setting: its type, unit, default and check.
//!
//! One file a section. `config/crosspoint.toml` in the repository has every key with its meaning; a
//! test compares it with the defaults here. A module is given its section, never the whole.
//!
//! ```text
//!   text ─▶ document ─▶ the sections' types ─▶ check ─▶ Config   (or all mistakes, by line)
//!           TOML, where   form: keys, types,   what depends   │
//!           each key is   units, addresses     on other keys  └─▶ warning: seldom meant
//! ```
//!
//! - `document` keeps the place of each key and goes on after a mistake of form;
//! - `check` says what the types cannot; `mistake` is how it is told;
//! - secrets are of a type that neither `Debug` nor the printed configuration shows.
//!
//! A key that is not known is a mistake, so that a slip of the pen does not become a default.
//! Durations are written with their unit (`500ms`, `10m`), sizes in bytes.

mod account;
mod auth;
mod call;
mod check;
mod client;
mod document;
mod mistake;
mod route;
mod server;
mod sip;
mod text;
mod trace;
mod warning;
mod xmpp;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::account::Account;
pub use self::auth::{Auth, Http, Jwt, User};
pub use self::call::Call;
pub use self::client::{Client, IceServer};
pub use self::mistake::{Mistake, Mistakes};
pub use self::route::{REJECTIONS, Route};
pub use self::server::{Server, TlsFiles};
pub use self::sip::{Listener, Sip, SipTls, Transport, Trunk};
pub use self::text::Text;
pub use self::trace::{Format, Log, Shedding, Trace};
pub use self::xmpp::{Component, LocalPart, Xmpp, XmppAccount};

/// The whole configuration. The default is a gateway on loopback that lets nobody in.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The page, the WebSocket, health and metrics.
    pub server: Server,
    /// SIP.
    pub sip: Sip,
    /// Known SIP peers.
    pub trunk: Vec<Trunk>,
    /// Identities that are kept and registered here.
    pub account: Vec<Account>,
    /// Streams to chat servers.
    pub xmpp: Xmpp,
    /// Domains that chat servers give to this gateway.
    pub component: Vec<Component>,
    /// Users' own accounts at chat servers.
    pub xmpp_account: Vec<XmppAccount>,
    /// Who may come in.
    pub auth: Auth,
    /// What clients may dial.
    pub route: Vec<Route>,
    /// Calls.
    pub call: Call,
    /// Text messages.
    pub text: Text,
    /// Clients.
    pub client: Client,
    /// Traces of calls.
    pub trace: Trace,
    /// The log.
    pub log: Log,
    /// What is refused when there is too much.
    pub shedding: Shedding,
}

impl Config {
    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// All [`Mistakes`] at once, each with its key and line.
    pub fn load(text: &str) -> Result<Self, Mistakes> {
        check::load(text)
    }

    /// The configuration of the demo: everybody may come in, `echo` and whatever else has no other
    /// meaning is dialled at the echo phone.
    #[must_use]
    pub fn demo(phone: std::net::SocketAddr) -> Self {
        let trunk = Trunk {
            name: "echo".into(),
            uri: format!("sip:{phone}"),
            health: std::time::Duration::ZERO,
            ..Trunk::default()
        };
        let route = Route {
            pattern: "*".into(),
            to: "trunk:echo".into(),
            ..Route::default()
        };
        let auth = Auth {
            anonymous: true,
            ..Auth::default()
        };
        Self {
            trunk: vec![trunk],
            route: vec![route],
            auth,
            ..Self::default()
        }
    }

    /// What is allowed and seldom meant, in words for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        warning::warnings(self)
    }

    /// The configuration as TOML, defaults and all, each secret as `…`. Without secrets it can be
    /// loaded again and is the same.
    #[must_use]
    pub fn effective(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_else(|error| format!("# {error}\n"))
    }
}

/// Whether an address leads to this machine.
fn is_here(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A text that is shown to nobody.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What stands in the place of a secret.
const HIDDEN: &str = "…";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}
