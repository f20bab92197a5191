//! Contents of Jingle and sections of a description, each from the other.
//!
//! ```text
//!                    tell (session-initiate, session-accept)
//!                    changes, answers (content-add, -modify, -remove, transport-info …)
//!   description  ────────────────────────────────────────────────────▶  contents
//!   of this leg  ◀────────────────────────────────────────────────────  of the peer
//!                    hear (session-initiate, session-accept)
//!                    apply (content-add, -modify, -remove, transport-info …)
//! ```
//!
//! [`Sections`] is what both ways share for the life of a session: the order of the sections, which
//! SDP fixes and Jingle does not have, and for each the content's name beside the mid. All that is
//! relative in a description (its directions) is absolute in Jingle, so every way takes the role of
//! the description's author.
//!
//! Each line of a description comes back when its contents are made a description again, or it is
//! in the list of [`Lost`]; only `v=`, `o=`, `s=`, `t=`, `c=`, ports, `a=rtcp`, `a=msid-semantic`
//! and `a=bundle-only` are made anew each time. `o=` is the caller's: what [`Sections::hear`] gives
//! has one that says nothing ([`OwnedOrigin`](crate::sdp::OwnedOrigin) stamps it).

mod apply;
mod change;
mod codec;
mod draft;
mod hear;
mod mirror;
mod sections;
mod tell;
mod trickle;

#[cfg(test)]
mod properties;

use super::content::Content;
use super::group::Group;
use super::loss::Lost;
use crate::sdp::SessionDescription;

pub use change::{Changes, Step};
pub use sections::{Named, Sections};

/// What the other end of a Jingle session is known to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Resolves mDNS names: it is a browser on the same link.
    pub mdns: bool,
    /// Takes candidates over TCP.
    pub tcp: bool,
}

impl Peer {
    /// A native client: Conversations, Dino, Monal.
    #[must_use]
    pub fn native() -> Self {
        Self::default()
    }

    /// A client in a browser: Movim, `stanza`.
    #[must_use]
    pub fn browser() -> Self {
        Self {
            mdns: true,
            tcp: false,
        }
    }
}

/// A description as contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The contents, in the order of the sections.
    pub contents: Vec<Content>,
    /// The groups.
    pub groups: Vec<Group>,
    /// What has no place in them.
    pub lost: Vec<Lost>,
}

/// Contents as a description.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The description, written from the peer's side.
    pub description: SessionDescription,
    /// What has no place in it.
    pub lost: Vec<Lost>,
}
