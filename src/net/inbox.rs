//! The inbox of the one loop: what tasks hand to it, and how long that has waited.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::websocket;
use crate::gateway::Input;
use crate::ws::ConnectionId;

/// Arrivals that may wait for the loop; a task that finds it full waits, and so its peer does.
const INBOX_MAX: usize = 4096;

/// What a report is wanted of.
#[derive(Clone, Debug)]
pub enum Report {
    /// All metrics, as Prometheus reads them.
    Metrics,
    /// The calls that have a trace, one a line.
    Calls,
    /// The ladder of one call.
    Ladder(String),
}

/// What tasks hand to the loop.
#[derive(Debug)]
pub enum Arrival {
    /// Something for the gateway.
    Input(Input),
    /// A client has connected.
    Connection {
        /// Its number.
        connection: ConnectionId,
        /// How to write to it.
        writer: websocket::Writer,
        /// Its address.
        peer: String,
    },
    /// Somebody wants to read something.
    Report {
        /// What.
        wanted: Report,
        /// Where it goes; `None` where there is no such thing.
        reply: oneshot::Sender<Option<String>>,
    },
    /// A key set has been read (RFC 7517).
    Keys(String),
    /// The process was asked to end: once drains, twice ends at once.
    Stop,
}

/// An arrival, and when it wanted in.
#[derive(Debug)]
pub struct Waiting {
    /// When it wanted in.
    pub since: Instant,
    /// It.
    pub arrival: Arrival,
}

impl From<Input> for Arrival {
    fn from(input: Input) -> Self {
        Self::Input(input)
    }
}

/// The tasks' end of the inbox.
#[derive(Clone, Debug)]
pub struct Inbox(mpsc::Sender<Waiting>);

impl Inbox {
    /// An empty inbox and the loop's end of it.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (sender, arrivals) = mpsc::channel(INBOX_MAX);
        (Self(sender), arrivals)
    }

    /// Puts something in, waiting for room.
    pub async fn put(&self, arrival: impl Into<Arrival>) {
        // The loop is gone only when the process ends.
        let (since, arrival) = (Instant::now(), arrival.into());
        let _ = self.0.send(Waiting { since, arrival }).await;
    }
}

/// How far the loop is behind what has arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behind {
    /// How long the last arrival had waited.
    pub arrival: Duration,
    /// Since when some UDP socket was never empty: nothing in it can have waited longer.
    pub datagrams_since: Option<Instant>,
}

impl Behind {
    /// The longest that anything has waited.
    #[must_use]
    pub fn longest(&self, now: Instant) -> Duration {
        let datagrams = self
            .datagrams_since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.arrival.max(datagrams)
    }
}
