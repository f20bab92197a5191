//! What the pure gateway asks the outside, and what it is told.
//!
//! A question leaves as an output with an id; the answer comes back as an input with the same id,
//! always exactly once (a failure and a time-out are answers). Nobody waits meanwhile.

use std::net::IpAddr;
use std::time::Duration;

/// Names a question until its answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// Something only the outside knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The addresses of a host name, A and AAAA together.
    Addresses {
        /// The host name.
        host: String,
    },
    /// The SRV records of a name such as `_sip._udp.example.org` (RFC 2782).
    Services {
        /// The name.
        name: String,
    },
    /// Who an opaque token belongs to: the operator's HTTP endpoint says.
    Introspect {
        /// The token, as the client sent it.
        token: Secret,
    },
}

/// What the outside answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The addresses, in the order of preference, and how long their records live; empty where
    /// there are none.
    Addresses(Vec<IpAddr>, Duration),
    /// The SRV records, and how long they live; empty where there are none.
    Services(Vec<Service>, Duration),
    /// The JSON body of the operator's answer.
    Introspected(String),
    /// No answer: what went wrong, in words for the operator.
    Failed(String),
}

impl Told {
    /// How long what was found is said to hold; `None` where nothing was found.
    #[must_use]
    pub fn life(&self) -> Option<Duration> {
        match self {
            Self::Addresses(found, life) => (!found.is_empty()).then_some(*life),
            Self::Services(found, life) => (!found.is_empty()).then_some(*life),
            Self::Introspected(_) | Self::Failed(_) => None,
        }
    }
}

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower is tried first.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host name.
    pub host: String,
}

/// Text that must not be seen in a log or a trace.
#[derive(Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("…")
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// For comparing two requests without keeping either.
impl std::hash::Hash for Secret {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
