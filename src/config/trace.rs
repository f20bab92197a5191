//! `[trace]`, `[log]`, `[shedding]`: what is kept of calls, what is logged, what is refused when
//! there is too much.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Traces of calls.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trace {
    /// Calls in memory; 0 for none.
    pub memory_calls_max: usize,
    /// Bytes in memory.
    pub memory_bytes_max: usize,
    /// Bytes of one call.
    pub call_bytes_max: usize,
    /// Where the ladder of each ended call is written to, a file each.
    pub directory: Option<PathBuf>,
    /// Whether whole messages are kept, or only a line of each.
    pub bodies: bool,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            memory_calls_max: 2000,
            memory_bytes_max: 64 << 20,
            call_bytes_max: 256 << 10,
            directory: None,
            bodies: true,
        }
    }
}

/// The log.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `crosspoint::sip=debug`.
    pub level: String,
    /// How it is written.
    pub format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: Format::Text,
        }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What is refused when there is too much.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shedding {
    /// New calls are refused while arrivals wait longer than this.
    #[serde(with = "humantime_serde")]
    pub delay_max: Duration,
    /// When a refused caller may try again.
    #[serde(with = "humantime_serde")]
    pub retry_after: Duration,
}

impl Default for Shedding {
    fn default() -> Self {
        Self {
            delay_max: Duration::from_millis(100),
            retry_after: Duration::from_secs(2),
        }
    }
}
