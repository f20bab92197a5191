//! The stream under Jingle: chat servers as a component (XEP-0114) and as a client (RFC 6120).
//!
//! ```text
//!   bytes ─▶ stream ─▶ session ─▶ delivery ─▶ Stanza, Answered      up, to whoever makes calls
//!            items     component  iq, disco,
//!                      client     presence
//!   bytes ◀─ write ◀── management ◀── queue ◀──── send, ask
//!            └──────────── entity: where, when, again ────┘
//! ```
//!
//! | what | where | not done |
//! |---|---|---|
//! | RFC 6120 streams, errors | `stream`, `session` | sent `see-other-host` is an end like others |
//! | RFC 6120 STARTTLS, SASL, binding | `client`, `sasl` | channel binding; SASL2; anonymous |
//! | RFC 6120 stanzas and their errors | `stanza`, `stanza_error` | |
//! | RFC 6120 requests | `iq` | |
//! | RFC 6120 where a server is | `locate` | direct TLS by records (XEP-0368) |
//! | RFC 6121 presence | `presence` | rosters: none is asked for |
//! | RFC 7247, XEP-0106 addresses | `address` | |
//! | XEP-0114 components | `component` | |
//! | XEP-0030, 0115, 0390 what one can do | `disco` | asking others |
//! | XEP-0198 acknowledgements, resuming | `management`, `client` | `location`, `max` |
//! | XEP-0199 pings | `delivery`, `entity` | |
//! | XEP-0280 carbons | `entity` turns them on, `carbon` reads | |
//! | XEP-0215 servers for media | `extdisco`, `services`, `delivery` | |
//! | RFC 6121, XEP-0184 messages, receipts | `chat` | subjects, threads, markup |
//!
//! Everything that arrives is hostile, the server's own words too: nothing but the end of the
//! bytes, of XML, or of what `[xmpp]` allows ends a stream, and whatever ends one, it is begun
//! again. `tokio-xmpp` is not used: `docs/decisions/0017-own-xmpp-stream.md`.

pub mod address;
pub mod agent;
pub mod carbon;
pub mod chat;
pub mod client;
pub mod component;
mod delivery;
pub mod disco;
mod entity;
pub mod extdisco;
pub mod iq;
pub mod locate;
pub mod management;
pub mod ns;
mod out;
pub mod presence;
pub mod queue;
pub mod sasl;
pub mod services;
pub mod session;
pub mod stanza;
pub mod stanza_error;
pub mod stream;
pub mod timer;
pub mod write;

#[cfg(test)]
mod tests;

pub use self::agent::{Agent, Event, Standing};
pub use self::entity::{Security, Tls};

/// One component or account: its place among all of the configuration, components first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub usize);

/// Why a stanza was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// There is no such entity.
    #[error("there is no such component or account")]
    Unknown,
    /// Too many wait already.
    #[error("too much waits for the chat server")]
    Full,
    /// It is from somebody whom this stream must not speak for.
    #[error("the stanza is from an address that is not this stream's")]
    ForeignFrom,
    /// It is over the limit, and the server would end the stream.
    #[error("the stanza is longer than `xmpp.stanza_bytes_max`")]
    TooLong,
    /// The server refuses the password: nobody tries any more.
    #[error("the chat server refuses the login")]
    GivenUp,
}
