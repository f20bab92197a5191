//! Why a leg or a call ended, in no protocol's numbers.
//!
//! Each wire has one table from and to these: the SIP status, the JSON code, the Jingle reason.

use std::fmt;

/// Why a call ended or was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Somebody hung up an established call.
    Normal,
    /// The caller gave up before anybody answered.
    Cancelled,
    /// Another device of the callee took the call.
    AnsweredElsewhere,
    /// The callee is on the phone.
    Busy,
    /// The callee does not want the call.
    Declined,
    /// It rang, and nobody answered in time.
    NoAnswer,
    /// There is nobody of that name.
    NotFound,
    /// The callee exists and cannot be reached now: nobody is there.
    Unavailable,
    /// The next hop cannot be reached: no address, no connection, no response.
    Unreachable,
    /// The two sides have no codec in common.
    NoCommonCodec,
    /// What was offered or answered cannot be used by the other side.
    NotAcceptable,
    /// Not allowed to make this call.
    Forbidden,
    /// Too much is going on here or there; try later.
    Overloaded,
    /// A peer broke the protocol.
    Misbehaved,
    /// A peer vanished: its grace ran out, or it no longer answers.
    Timeout,
    /// The gateway is being shut down and takes no new calls.
    Draining,
    /// The callee is to be called elsewhere, and that was not followed.
    Moved,
    /// The gateway's own fault.
    Internal,
}

impl Cause {
    /// Every cause, so that tables can be walked.
    pub const ALL: [Self; 18] = [
        Self::Normal,
        Self::Cancelled,
        Self::AnsweredElsewhere,
        Self::Busy,
        Self::Declined,
        Self::NoAnswer,
        Self::NotFound,
        Self::Unavailable,
        Self::Unreachable,
        Self::NoCommonCodec,
        Self::NotAcceptable,
        Self::Forbidden,
        Self::Overloaded,
        Self::Misbehaved,
        Self::Timeout,
        Self::Draining,
        Self::Moved,
        Self::Internal,
    ];

    /// The name used in logs, metrics and the JSON protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Cancelled => "cancelled",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::NoAnswer => "no_answer",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
            Self::NoCommonCodec => "no_common_codec",
            Self::NotAcceptable => "not_acceptable",
            Self::Forbidden => "forbidden",
            Self::Overloaded => "overloaded",
            Self::Misbehaved => "misbehaved",
            Self::Timeout => "timeout",
            Self::Draining => "draining",
            Self::Moved => "moved",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
