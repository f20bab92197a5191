//! `[call]`: how long calls wait, and how many and how large they may be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Calls.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Call {
    /// For an answer.
    #[serde(with = "humantime_serde")]
    pub no_answer: Duration,
    /// For the answer to an offer inside a call.
    #[serde(with = "humantime_serde")]
    pub offer_unanswered: Duration,
    /// For more candidates, while there is one that could work.
    #[serde(with = "humantime_serde")]
    pub gather_good: Duration,
    /// For candidates, while there is none that could work.
    #[serde(with = "humantime_serde")]
    pub gather_max: Duration,
    /// For the second caller of a `join:`.
    #[serde(with = "humantime_serde")]
    pub join_wait: Duration,
    /// How long a call that rings outlives its client's connection.
    #[serde(with = "humantime_serde")]
    pub ringing_grace: Duration,
    /// How long an answered call outlives its client's connection.
    #[serde(with = "humantime_serde")]
    pub answered_grace: Duration,
    /// How long running calls go on after SIGTERM.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
    /// Calls at once.
    pub calls_max: usize,
    /// Calls of one user at once.
    pub calls_per_user: usize,
    /// Connections of a user that ring at once.
    pub targets_max: usize,
    /// Candidates of one leg and generation.
    pub candidates_max: usize,
    /// Media sections of a description.
    pub media_max: usize,
    /// Bytes of a description.
    pub description_bytes_max: usize,
    /// Whether clients may call each other as `user:NAME`.
    pub user_calls: bool,
    /// Whether clients may meet at `join:WORD`.
    pub join_calls: bool,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            no_answer: Duration::from_secs(60),
            offer_unanswered: Duration::from_secs(15),
            gather_good: Duration::from_millis(500),
            gather_max: Duration::from_secs(3),
            join_wait: Duration::from_secs(600),
            ringing_grace: Duration::from_secs(60),
            answered_grace: Duration::from_secs(300),
            drain: Duration::from_secs(60),
            calls_max: 20_000,
            calls_per_user: 20,
            targets_max: 16,
            candidates_max: 200,
            media_max: 64,
            description_bytes_max: 262_144,
            user_calls: true,
            join_calls: true,
        }
    }
}
