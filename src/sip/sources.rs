//! The addresses that a trunk's name leads to, from which its calls are taken: learnt at the start,
//! asked again when the life of the record is over, and forgotten when it names them no longer.
//!
//! ```text
//!              start, the time              addresses
//!   Resting ─────────────────▶ Asked ─────────────────────▶ Resting, for the record's life
//!                                └── none, or no answer ──▶ Resting, for half a minute
//! ```
//!
//! A name server that does not answer takes no peer away at once: what was known stays good for an
//! hour more.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The shortest life of a record that is believed: a shorter one would be asked for all the time.
const LIFE_MIN: Duration = Duration::from_secs(30);

/// The longest: an address that was given to somebody else is not a peer's for longer.
const LIFE_MAX: Duration = Duration::from_secs(3600);

/// How soon a name without an answer is asked for again.
const RETRY: Duration = Duration::from_secs(30);

/// How long an address outlives its record while nobody says where the name leads.
const STALE_MAX: Duration = Duration::from_secs(3600);

/// Addresses of one trunk that are kept.
const ADDRESSES_MAX: usize = 64;

/// The addresses of one trunk.
#[derive(Debug)]
pub(super) enum Sources {
    /// Its URI has the address.
    Fixed(IpAddr),
    /// Its URI has a name.
    Named {
        /// Each address, and until when its record is good.
        known: BTreeMap<IpAddr, Instant>,
        watch: Watch,
    },
}

/// Whether somebody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// The name is asked for then.
    Resting { ask_at: Instant },
    /// A look-up is under way.
    Asked,
}

impl Sources {
    /// Those of a URI with this address, or with a name.
    pub(super) fn new(address: Option<IpAddr>, now: Instant) -> Self {
        match address {
            Some(ip) => Self::Fixed(ip.to_canonical()),
            None => Self::Named {
                known: BTreeMap::new(),
                watch: Watch::Resting { ask_at: now },
            },
        }
    }

    /// Whether this is one of them.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        match self {
            Self::Fixed(known) => *known == ip,
            Self::Named { known, .. } => known.contains_key(&ip),
        }
    }

    /// All of them, as hosts of URIs.
    pub(super) fn hosts(&self) -> Vec<String> {
        match self {
            Self::Fixed(ip) => vec![ip.to_string()],
            Self::Named { known, .. } => known.keys().map(ToString::to_string).collect(),
        }
    }

    /// When the name is to be asked for.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Named {
                watch: Watch::Resting { ask_at },
                ..
            } => Some(*ask_at),
            Self::Named {
                watch: Watch::Asked,
                ..
            }
            | Self::Fixed(_) => None,
        }
    }

    /// The name is asked for.
    pub(super) fn asked(&mut self) {
        if let Self::Named { watch, .. } = self {
            *watch = Watch::Asked;
        }
    }

    /// Where the name leads, and for how long that is said to be so; nothing where nobody knows.
    pub(super) fn told(&mut self, addresses: &[IpAddr], life: Duration, now: Instant) {
        let Self::Named { known, watch } = self else {
            return;
        };
        if addresses.is_empty() {
            known.retain(|_, until| *until + STALE_MAX > now);
            *watch = Watch::Resting {
                ask_at: now + RETRY,
            };
            return;
        }
        let life = life.clamp(LIFE_MIN, LIFE_MAX);
        known.retain(|_, until| *until > now);
        for ip in addresses {
            let ip = ip.to_canonical();
            if known.len() < ADDRESSES_MAX || known.contains_key(&ip) {
                known.insert(ip, now + life);
            }
        }
        *watch = Watch::Resting { ask_at: now + life };
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn address_that_the_name_leads_to_no_longer_is_forgotten() {
        let now = Instant::now();
        let mut sources = Sources::new(None, now);
        assert_eq!(sources.poll_timeout(), Some(now));
        let life = Duration::from_secs(60);
        sources.told(&[ip(1), ip(2)], life, now);
        assert_eq!(sources.poll_timeout(), Some(now + life));
        sources.told(&[ip(2), ip(3)], life, now + life);
        assert!(!sources.contains(ip(1)) && sources.contains(ip(2)) && sources.contains(ip(3)));
    }

    #[test]
    fn silent_name_server_takes_no_address_away_for_an_hour() {
        let now = Instant::now();
        let mut sources = Sources::new(None, now);
        let life = Duration::from_secs(60);
        sources.told(&[ip(1)], life, now);
        sources.told(&[], Duration::ZERO, now + life + STALE_MAX / 2);
        assert!(sources.contains(ip(1)));
        sources.told(&[], Duration::ZERO, now + life + STALE_MAX);
        assert!(!sources.contains(ip(1)));
    }

    #[test]
    fn life_of_a_record_is_believed_within_bounds() {
        let now = Instant::now();
        let mut sources = Sources::new(None, now);
        sources.told(&[ip(1)], Duration::ZERO, now);
        assert_eq!(sources.poll_timeout(), Some(now + LIFE_MIN));
        sources.told(&[ip(1)], Duration::from_secs(86_400), now);
        assert_eq!(sources.poll_timeout(), Some(now + LIFE_MAX));
        let many: Vec<_> = (0..200).map(ip).collect();
        sources.told(&many, LIFE_MAX, now);
        assert_eq!(sources.hosts().len(), ADDRESSES_MAX);
    }
}
