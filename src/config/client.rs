//! `[client]`: what one client may send, and how long its connection may be silent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;

/// Clients.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// Bytes of a frame.
    pub frame_bytes_max: usize,
    /// Depth of a frame's JSON.
    pub depth_max: usize,
    /// Frames a second, in the long run.
    pub frames_per_second: u32,
    /// Frames at once.
    pub frames_burst: u32,
    /// Sessions of all users.
    pub sessions_max: usize,
    /// Sessions of one user.
    pub sessions_per_user: usize,
    /// Sessions of all guests together.
    pub guests_max: usize,
    /// Events kept until they are acknowledged.
    pub replay_events_max: usize,
    /// Bytes of events kept until they are acknowledged.
    pub replay_bytes_max: usize,
    /// How often a client is to say something.
    #[serde(with = "humantime_serde")]
    pub heartbeat: Duration,
    /// After how long a silent connection is given up.
    #[serde(with = "humantime_serde")]
    pub heartbeat_deadline: Duration,
    /// Frames that wait to be written to a client.
    pub write_queue_max: usize,
    /// How long a write may take.
    #[serde(with = "humantime_serde")]
    pub write_deadline: Duration,
    /// STUN and TURN servers that clients are told.
    pub ice_server: Vec<IceServer>,
}

/// A STUN or TURN server, as a page's `RTCPeerConnection` takes it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub credential: Option<Secret>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            frame_bytes_max: 262_144,
            depth_max: 16,
            frames_per_second: 100,
            frames_burst: 400,
            sessions_max: 20_000,
            sessions_per_user: 16,
            guests_max: 10_000,
            replay_events_max: 512,
            replay_bytes_max: 1 << 20,
            heartbeat: Duration::from_secs(20),
            heartbeat_deadline: Duration::from_secs(45),
            write_queue_max: 256,
            write_deadline: Duration::from_secs(10),
            ice_server: Vec::new(),
        }
    }
}
