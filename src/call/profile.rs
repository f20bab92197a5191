//! What a leg's peer can do, and so how a description is told to it.

use std::time::Duration;

use crate::sdp;

/// What a leg's peer can do. Comes with the leg, so that nobody has to ask.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// How descriptions are prepared for it.
    pub reader: Reader,
    /// Whether candidates may follow a description (RFC 8838).
    pub trickle: Trickles,
    /// Whether it can take back an offer of its own when another wins (JSEP rollback, RFC 9429).
    pub rolls_back: bool,
    /// Whether it cannot be invited before the caller has made his offer.
    pub needs_offer: bool,
}

/// Who reads the descriptions that a leg is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Reader {
    /// A browser: what it would choke on is mended.
    Browser,
    /// Anything else: fitted to what is known of it.
    Peer(Box<sdp::Profile>),
}

/// Whether candidates may follow a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trickles {
    /// Yes: descriptions go out at once, candidates as they come.
    Always,
    /// No: a description waits for its candidates (half trickle, RFC 8838 §16).
    Half(Gathering),
}

/// How long a description waits for its candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// When there is a candidate that could work.
    pub good_after: Duration,
    /// When there is none.
    pub max_after: Duration,
}

impl Default for Gathering {
    fn default() -> Self {
        Self {
            good_after: Duration::from_millis(500),
            max_after: Duration::from_secs(3),
        }
    }
}

impl Profile {
    /// A browser behind a signaling client that trickles.
    #[must_use]
    pub fn browser() -> Self {
        Self {
            reader: Reader::Browser,
            trickle: Trickles::Always,
            rolls_back: true,
            needs_offer: false,
        }
    }

    /// A peer that needs complete descriptions, and one with its invitation.
    #[must_use]
    pub fn peer(fit: sdp::Profile, gathering: Gathering) -> Self {
        Self {
            reader: Reader::Peer(Box::new(fit)),
            trickle: Trickles::Half(gathering),
            rolls_back: false,
            needs_offer: true,
        }
    }
}
