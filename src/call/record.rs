//! What is kept of a call that has ended.

use std::time::{Duration, Instant};

use super::Side;
use super::cause::Cause;
use super::signal::{By, Ending};
use crate::id::CallId;

/// The record of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// Who called, as told to the callee.
    pub from: String,
    /// Who was called, as the caller wrote it.
    pub to: String,
    /// When the invitation came.
    pub invited_at: Instant,
    /// When the first B-leg rang.
    pub ringing_at: Option<Instant>,
    /// When the call was answered.
    pub answered_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Instant,
    /// Why it ended.
    pub ending: Ending,
    /// The side that ended it, or that could not go on; `None` where neither did.
    pub side: Option<Side>,
}

impl CallRecord {
    /// How long the two sides were joined.
    #[must_use]
    pub fn talked(&self) -> Option<Duration> {
        self.answered_at.map(|at| self.ended_at.duration_since(at))
    }

    /// Why it ended, for a counter's label.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.ending.cause
    }

    /// Whether the gateway itself ended it.
    #[must_use]
    pub fn is_by_gateway(&self) -> bool {
        self.ending.by == By::Gateway
    }
}
