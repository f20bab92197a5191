//! Known peers: which addresses are theirs, and whether they answer (RFC 3261 §11).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::auth::Credentials;
use super::message::Request;
use super::name::{Method, Name};
use super::sources::Sources;
use super::uri::Uri;
use crate::config;
use crate::id::Source;

/// One known peer.
#[derive(Debug)]
pub struct Trunk {
    /// What the configuration says.
    pub settings: config::Trunk,
    /// Where it is.
    pub uri: Uri,
    networks: Vec<(IpAddr, u8)>,
    pub(super) sources: Sources,
    health: Health,
}

/// Whether it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// Nobody asks.
    Unwatched,
    /// It is asked again then.
    Resting {
        next_at: Instant,
        answers: Option<Answers>,
    },
    /// It was asked.
    Asked { answers: Option<Answers> },
}

/// What the last OPTIONS came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// A response came, whatever it was.
    Yes,
    /// None came.
    No,
}

impl Trunk {
    /// A peer of the configuration; its URI was checked there.
    #[must_use]
    pub fn new(settings: &config::Trunk, now: Instant) -> Option<Self> {
        let uri = Uri::parse(&settings.uri).ok()?;
        let networks = settings
            .addresses
            .iter()
            .filter_map(|text| network(text))
            .collect();
        let sources = Sources::new(uri.sip().and_then(|uri| uri.ip()), now);
        let health = match settings.health {
            Duration::ZERO => Health::Unwatched,
            _ => Health::Resting {
                next_at: now,
                answers: None,
            },
        };
        Some(Self {
            settings: settings.clone(),
            uri,
            networks,
            sources,
            health,
        })
    }

    /// Whether a request from this address is one of its.
    #[must_use]
    pub fn is_source(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.sources.contains(ip)
            || self
                .networks
                .iter()
                .any(|(network, bits)| contains(*network, *bits, ip))
    }

    /// Its hosts, to which a redirect may lead.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let named = self.uri.sip().map(|uri| uri.host.clone());
        named.into_iter().chain(self.sources.hosts()).collect()
    }

    /// What answers its challenges.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let (user, password) = self
            .settings
            .user
            .clone()
            .zip(self.settings.password.as_ref())?;
        Some(Credentials {
            user,
            password: password.reveal().to_owned(),
        })
    }

    /// The OPTIONS that is due.
    pub fn due(&mut self, from: &str, ids: &mut Source, now: Instant) -> Option<Request> {
        let Health::Resting { next_at, answers } = self.health else {
            return None;
        };
        if next_at > now {
            return None;
        }
        self.health = Health::Asked { answers };
        let request = Request::new(Method::Options, self.uri.clone())
            .with(Name::MaxForwards, "70")
            .with(Name::From, format!("<{from}>;tag={}", ids.token()))
            .with(Name::To, format!("<{}>", self.uri))
            .with(Name::CallId, ids.secret())
            .with(Name::CSeq, "1 OPTIONS")
            .with(Name::Accept, super::body::SDP);
        Some(request)
    }

    /// Whether [`Trunk::due`] has something.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.health_due_at().is_some_and(|at| at <= now)
    }

    /// When [`Trunk::due`] has something.
    #[must_use]
    pub fn health_due_at(&self) -> Option<Instant> {
        match self.health {
            Health::Resting { next_at, .. } => Some(next_at),
            Health::Unwatched | Health::Asked { .. } => None,
        }
    }

    /// What came of the OPTIONS. Returns whether that is news.
    pub fn answered(&mut self, answers: Answers, now: Instant) -> bool {
        let Health::Asked { answers: before } = self.health else {
            return false;
        };
        let next_at = now + self.settings.health;
        self.health = Health::Resting {
            next_at,
            answers: Some(answers),
        };
        before != Some(answers)
    }
}

/// Reads `192.0.2.1` or `192.0.2.0/24`.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = match text.split_once('/') {
        Some((ip, bits)) => (ip, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let ip: IpAddr = ip.parse().ok()?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((ip, bits))
}

fn contains(network: IpAddr, bits: u8, ip: IpAddr) -> bool {
    let (network, ip, most) = match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            (u128::from(network.to_bits()), u128::from(ip.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => (network.to_bits(), ip.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let shift = u32::from(most - bits);
    network.checked_shr(shift).unwrap_or(0) == ip.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::*;

    #[test]
    fn source_is_known_by_address_network_and_uri() {
        let settings = config::Trunk {
            uri: "sip:192.0.2.1".into(),
            addresses: vec!["198.51.100.0/24".into(), "2001:db8::/32".into()],
            ..config::Trunk::default()
        };
        let trunk = Trunk::new(&settings, Instant::now()).unwrap();
        for (ip, known) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.2", false),
            ("198.51.100.200", true),
            ("198.51.101.1", false),
            ("2001:db8::7", true),
            ("2001:db9::7", false),
        ] {
            assert_eq!(trunk.is_source(ip.parse().unwrap()), known, "{ip}");
        }
    }
}
