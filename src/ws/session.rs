//! What outlives a connection: a client's calls, the events it may have missed, replies.
//!
//! ```text
//!            resume, on a new connection
//!   Attached ◀──────────────────────────── Detached ──idle grace is over──▶ ended
//!      │ ▲ └──────── connection lost ─────────▶ │ │
//!      └─┘ resume: the old connection           └─┘ grace of a call is over: the call ends
//!          is fenced (4409)
//! ```
//!
//! Losing the connection changes no call and tells nobody. A call that rings waits for its client
//! for a minute, an answered one for five, then it ends with the cause `timeout`; a session without
//! calls ends after half a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::ConnectionId;
use super::auth::Permissions;
use super::connection::Capabilities;
use super::replay::{Replies, Ring};
use crate::id::{LegId, NoteId};

/// One session. The client knows it by another name, which is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Whether a connection carries the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// This one does.
    Attached(ConnectionId),
    /// None does.
    Detached {
        /// When the last one was lost.
        since: Instant,
    },
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    /// What the client resumes it by: 128 bits that cannot be guessed.
    pub name: String,
    pub permissions: Permissions,
    pub capabilities: Capabilities,
    pub link: Link,
    pub calls: Vec<LegId>,
    /// Accounts that the client brought.
    pub brought: Vec<String>,
    pub ring: Ring,
    pub replies: Replies,
    /// Text messages that the client sent and whose news is waited for, by their requests.
    pub texts: BTreeSet<String>,
    /// Text messages that the client was given and has not acknowledged, by their events.
    pub given: BTreeMap<u64, NoteId>,
    /// The end of the token that the client was warned of, so that it is warned once.
    pub warned_of: Option<u64>,
}

impl Session {
    pub(super) fn new(
        name: String,
        permissions: Permissions,
        capabilities: Capabilities,
        connection: ConnectionId,
    ) -> Self {
        Self {
            name,
            permissions,
            capabilities,
            link: Link::Attached(connection),
            calls: Vec::new(),
            brought: Vec::new(),
            ring: Ring::default(),
            replies: Replies::default(),
            texts: BTreeSet::new(),
            given: BTreeMap::new(),
            warned_of: None,
        }
    }

    /// The connection, while there is one.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self.link {
            Link::Attached(connection) => Some(connection),
            Link::Detached { .. } => None,
        }
    }

    /// Whether it only waits for its client.
    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.connection().is_none()
    }
}
