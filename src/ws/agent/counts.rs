//! [`Counts`]: what an operator sees of the clients' side.

/// What has been counted: one number for each limit and each way of being turned away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that could not be read.
    pub bad_frames: u64,
    /// Frames over `client.frame_bytes_max`.
    pub too_large: u64,
    /// Frames over `client.depth_max`.
    pub too_deep: u64,
    /// Frames over `client.frames_per_second`.
    pub rate_limited: u64,
    /// Clients whose token was not accepted.
    pub turned_away: u64,
    /// Connections on which no hello came in time.
    pub hello_timeouts: u64,
    /// Connections on which nothing came for `client.heartbeat_deadline`.
    pub heartbeats_lost: u64,
    /// Sessions resumed, with every event.
    pub resumed: u64,
    /// Sessions resumed by a snapshot, since events were lost.
    pub snapshots: u64,
    /// Connections fenced by a newer one of their session.
    pub superseded: u64,
    /// Sessions over `client.sessions_max`, `client.sessions_per_user` or `client.guests_max`.
    pub sessions_refused: u64,
    /// Tokens over `auth.http.questions_max`.
    pub questions_refused: u64,
    /// Sessions whose grace ran out.
    pub sessions_expired: u64,
    /// Connections closed because their token had ended.
    pub tokens_expired: u64,
    /// Calls that ended because their client did not come back.
    pub calls_expired: u64,
    /// Calls over `call.calls_per_user`, or refused while shedding.
    pub calls_refused: u64,
    /// Candidates over `call.candidates_max`.
    pub candidates_refused: u64,
    /// Requests that were answered by a remembered reply.
    pub repeats: u64,
    /// Calls that a fault of the gateway took out.
    pub panicked: u64,
}

impl Counts {
    /// The numbers by name.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("bad_frames", self.bad_frames),
            ("too_large", self.too_large),
            ("too_deep", self.too_deep),
            ("rate_limited", self.rate_limited),
            ("turned_away", self.turned_away),
            ("hello_timeouts", self.hello_timeouts),
            ("heartbeats_lost", self.heartbeats_lost),
            ("resumed", self.resumed),
            ("snapshots", self.snapshots),
            ("superseded", self.superseded),
            ("sessions_refused", self.sessions_refused),
            ("questions_refused", self.questions_refused),
            ("sessions_expired", self.sessions_expired),
            ("tokens_expired", self.tokens_expired),
            ("calls_expired", self.calls_expired),
            ("calls_refused", self.calls_refused),
            ("candidates_refused", self.candidates_refused),
            ("repeats", self.repeats),
            ("panicked", self.panicked),
        ]
    }
}
