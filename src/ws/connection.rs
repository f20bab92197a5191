//! One WebSocket: from the hand-shake over hello to its end.
//!
//! ```text
//!               hello                    told: who it is
//!   Greeting ───────────▶ Asking ────────────────────────▶ Open { session }
//!      │ │                  │                                  │
//!      │ └──hello with a token that needs no question──────────┼─▶ Open
//!      ▼                    ▼                                  ▼
//!    gone: 4400 no hello   4401, 4503                      4401 4408 4409 4413 1001
//!          4408 too late
//! ```

use std::time::Instant;

use super::frame::{Hello, Resume};
use super::session::SessionId;
use crate::ask::AskId;

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its address, for logs.
    pub peer: String,
    pub state: State,
    pub bucket: Bucket,
    pub heard_at: Instant,
}

/// What a connection is doing.
#[derive(Debug)]
pub(super) enum State {
    /// Its hello has not come.
    Greeting {
        /// When it is too late.
        until: Instant,
    },
    /// The operator's endpoint is asked about its token.
    Asking {
        /// The question.
        ask: AskId,
        /// What happens when there is an answer.
        wish: Box<Wish>,
        /// When there will be none.
        until: Instant,
    },
    /// It carries a session.
    Open {
        /// Which.
        session: SessionId,
    },
}

/// What a hello asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// The session to go on with.
    pub resume: Option<Resume>,
    pub capabilities: Capabilities,
    /// Name and version of the client, for logs.
    pub client: Option<String>,
}

/// What a client can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Candidates may follow a description.
    pub trickle: bool,
    /// Early answers may be told.
    pub pranswer: bool,
}

impl From<Hello> for Wish {
    fn from(hello: Hello) -> Self {
        let has = |name: &str| hello.capabilities.iter().any(|one| one == name);
        let capabilities = Capabilities {
            trickle: has("trickle"),
            pranswer: has("pranswer"),
        };
        Self {
            resume: hello.resume,
            capabilities,
            client: hello.client,
        }
    }
}

/// Frames that may still come: so many a second, and so many at once.
#[derive(Debug)]
pub(super) struct Bucket {
    thousandths: u64,
    filled_at: Instant,
    refused: u32,
}

/// What a bucket says to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It may pass.
    Passes,
    /// It is one too many.
    Refused,
    /// It is one of very many too many: whoever sends them does not listen.
    Hopeless,
}

impl Bucket {
    pub(super) fn full(burst: u32, now: Instant) -> Self {
        Self {
            thousandths: u64::from(burst) * 1000,
            filled_at: now,
            refused: 0,
        }
    }

    /// Takes one frame.
    pub(super) fn take(&mut self, per_second: u32, burst: u32, now: Instant) -> Flow {
        let passed = now.saturating_duration_since(self.filled_at).as_millis();
        let fresh = u64::try_from(passed)
            .unwrap_or(u64::MAX)
            .saturating_mul(per_second.into());
        let full = u64::from(burst) * 1000;
        self.thousandths = self.thousandths.saturating_add(fresh).min(full);
        self.filled_at = now;
        if self.thousandths >= 1000 {
            self.thousandths -= 1000;
            self.refused = 0;
            return Flow::Passes;
        }
        self.refused = self.refused.saturating_add(1);
        match self.refused > burst {
            true => Flow::Hopeless,
            false => Flow::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from"
    )]
    fn bucket_lets_a_burst_through_and_then_so_many_a_second() {
        let now = Instant::now();
        let mut bucket = Bucket::full(3, now);
        let taken: Vec<_> = (0..4).map(|_| bucket.take(2, 3, now)).collect();
        assert_eq!(
            taken,
            [Flow::Passes, Flow::Passes, Flow::Passes, Flow::Refused]
        );
        let later = now + Duration::from_millis(500);
        assert_eq!(bucket.take(2, 3, later), Flow::Passes);
        let refused: Vec<_> = (0..4).map(|_| bucket.take(2, 3, later)).collect();
        assert_eq!(refused[2..], [Flow::Refused, Flow::Hopeless]);
    }
}
