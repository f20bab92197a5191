//! `[text]`: text messages between clients, phones and chat users.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Text messages.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Text {
    /// Bytes of a message.
    pub bytes_max: usize,
    /// How long news of a message is waited for; none is told after it.
    #[serde(with = "humantime_serde")]
    pub news_wait: Duration,
    /// Messages that wait for news at once, of all senders.
    pub waiting_max: usize,
    /// Of these, so many of one sender.
    pub waiting_per_sender: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            bytes_max: 8192,
            news_wait: Duration::from_secs(600),
            waiting_max: 20_000,
            waiting_per_sender: 200,
        }
    }
}
