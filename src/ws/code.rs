//! Codes and causes of the JSON protocol, one table each (`docs/protocol.md` explains them).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::Retry;
use crate::call::cause::Cause;

/// What is wrong with a request or a frame. A closed list.
#[derive(
    Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No JSON, no `type`, or members that do not fit the type.
    BadFrame,
    /// More bytes than `limits.frame_bytes`, or a text of more than `limits.text_bytes`.
    TooLarge,
    /// Deeper than the configuration allows.
    TooDeep,
    /// More frames than `limits.frames_per_second`.
    RateLimited,
    /// A `type` that this gateway does not know.
    Unsupported,
    /// No token, or not yet welcome.
    NotAuthenticated,
    /// The token does not allow it.
    Forbidden,
    /// The token is not accepted.
    TokenInvalid,
    /// The token has ended.
    TokenExpired,
    /// Another connection goes on with the session.
    Superseded,
    /// The user has no such call.
    UnknownCall,
    /// The call is of another session of the user.
    NotYourCall,
    /// The id is in use for something else.
    Conflict,
    /// Not now: the call is in another state.
    BadState,
    /// `to` is no address.
    BadAddress,
    /// Nobody answers to this address.
    NotFound,
    /// A description that cannot be used; `detail.code` says why.
    BadDescription,
    /// An answer that does not fit its offer; `detail.code` says why.
    BadAnswer,
    /// A candidate that cannot be used.
    BadCandidate,
    /// A header field that cannot be sent.
    BadHeader,
    /// The user has as many calls as he may.
    TooManyCalls,
    /// The call has as many candidates as it may.
    TooManyCandidates,
    /// The user has no such account.
    UnknownAccount,
    /// The account cannot be used as asked.
    AccountRefused,
    /// Too much is going on.
    Overloaded,
    /// The gateway is being shut down.
    Draining,
    /// The gateway's own fault.
    Internal,
}

impl Code {
    /// All of them, so that tables can be walked.
    pub const ALL: [Self; 27] = [
        Self::BadFrame,
        Self::TooLarge,
        Self::TooDeep,
        Self::RateLimited,
        Self::Unsupported,
        Self::NotAuthenticated,
        Self::Forbidden,
        Self::TokenInvalid,
        Self::TokenExpired,
        Self::Superseded,
        Self::UnknownCall,
        Self::NotYourCall,
        Self::Conflict,
        Self::BadState,
        Self::BadAddress,
        Self::NotFound,
        Self::BadDescription,
        Self::BadAnswer,
        Self::BadCandidate,
        Self::BadHeader,
        Self::TooManyCalls,
        Self::TooManyCandidates,
        Self::UnknownAccount,
        Self::AccountRefused,
        Self::Overloaded,
        Self::Draining,
        Self::Internal,
    ];

    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadFrame => "bad_frame",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::RateLimited => "rate_limited",
            Self::Unsupported => "unsupported",
            Self::NotAuthenticated => "not_authenticated",
            Self::Forbidden => "forbidden",
            Self::TokenInvalid => "token_invalid",
            Self::TokenExpired => "token_expired",
            Self::Superseded => "superseded",
            Self::UnknownCall => "unknown_call",
            Self::NotYourCall => "not_your_call",
            Self::Conflict => "conflict",
            Self::BadState => "bad_state",
            Self::BadAddress => "bad_address",
            Self::NotFound => "not_found",
            Self::BadDescription => "bad_description",
            Self::BadAnswer => "bad_answer",
            Self::BadCandidate => "bad_candidate",
            Self::BadHeader => "bad_header",
            Self::TooManyCalls => "too_many_calls",
            Self::TooManyCandidates => "too_many_candidates",
            Self::UnknownAccount => "unknown_account",
            Self::AccountRefused => "account_refused",
            Self::Overloaded => "overloaded",
            Self::Draining => "draining",
            Self::Internal => "internal",
        }
    }

    /// The code of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Whether to try again.
    #[must_use]
    pub fn retry(self) -> Retry {
        match self {
            Self::RateLimited | Self::Overloaded | Self::TooManyCalls | Self::Draining => {
                Retry::After
            }
            Self::Internal => Retry::Now,
            Self::BadFrame
            | Self::TooLarge
            | Self::TooDeep
            | Self::Unsupported
            | Self::NotAuthenticated
            | Self::Forbidden
            | Self::TokenInvalid
            | Self::TokenExpired
            | Self::Superseded
            | Self::UnknownCall
            | Self::NotYourCall
            | Self::Conflict
            | Self::BadState
            | Self::BadAddress
            | Self::NotFound
            | Self::BadDescription
            | Self::BadAnswer
            | Self::BadCandidate
            | Self::BadHeader
            | Self::TooManyCandidates
            | Self::UnknownAccount
            | Self::AccountRefused => Retry::Never,
        }
    }
}

/// Why a call ended, as it is told.
#[derive(Clone, Copy, Debug, Default, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// Somebody hung up an established call.
    #[default]
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
    /// Nobody is there now.
    Unavailable,
    /// The other network cannot be reached.
    Unreachable,
    /// The two sides have no codec in common.
    NoCommonCodec,
    /// One side cannot use what the other describes.
    NotAcceptable,
    /// This call is not allowed.
    Forbidden,
    /// Too much is going on; try later.
    Overloaded,
    /// The other side broke the protocol.
    Misbehaved,
    /// One side vanished.
    Timeout,
    /// The gateway is being shut down.
    Draining,
    /// The callee is to be called elsewhere.
    Moved,
    /// The gateway's own fault.
    Internal,
}

/// One row: the cause, its name in JSON, and a sentence for people.
struct Row(Cause, EndCause, &'static str);

const TABLE: [Row; 18] = [
    Row(Cause::Normal, EndCause::Normal, "The call has ended."),
    Row(
        Cause::Cancelled,
        EndCause::Cancelled,
        "The caller gave up before anybody answered.",
    ),
    Row(
        Cause::AnsweredElsewhere,
        EndCause::AnsweredElsewhere,
        "The call was answered on another device.",
    ),
    Row(Cause::Busy, EndCause::Busy, "The line is busy."),
    Row(
        Cause::Declined,
        EndCause::Declined,
        "The call was declined.",
    ),
    Row(Cause::NoAnswer, EndCause::NoAnswer, "Nobody answered."),
    Row(
        Cause::NotFound,
        EndCause::NotFound,
        "There is nobody at this address.",
    ),
    Row(
        Cause::Unavailable,
        EndCause::Unavailable,
        "Nobody can be reached there right now.",
    ),
    Row(
        Cause::Unreachable,
        EndCause::Unreachable,
        "The other network cannot be reached.",
    ),
    Row(
        Cause::NoCommonCodec,
        EndCause::NoCommonCodec,
        "The two sides have no audio or video format in common.",
    ),
    Row(
        Cause::NotAcceptable,
        EndCause::NotAcceptable,
        "The two sides could not agree on how to send sound and pictures.",
    ),
    Row(
        Cause::Forbidden,
        EndCause::Forbidden,
        "This call is not allowed.",
    ),
    Row(
        Cause::Overloaded,
        EndCause::Overloaded,
        "Too much is going on; try again in a moment.",
    ),
    Row(
        Cause::Misbehaved,
        EndCause::Misbehaved,
        "The other side broke the protocol.",
    ),
    Row(Cause::Timeout, EndCause::Timeout, "One side vanished."),
    Row(
        Cause::Draining,
        EndCause::Draining,
        "The gateway is being shut down.",
    ),
    Row(
        Cause::Moved,
        EndCause::Moved,
        "The callee is to be reached elsewhere.",
    ),
    Row(
        Cause::Internal,
        EndCause::Internal,
        "Something went wrong in the gateway.",
    ),
];

/// The cause as it is told, and a sentence for people.
#[must_use]
pub fn told(cause: Cause) -> (EndCause, &'static str) {
    let row = TABLE.iter().find(|Row(of, ..)| *of == cause);
    row.map_or((EndCause::Internal, ""), |Row(_, told, sentence)| {
        (*told, *sentence)
    })
}

/// A sentence for people: why a message did not arrive.
#[must_use]
pub fn text_failed(cause: Cause) -> &'static str {
    match cause {
        Cause::Forbidden => "This message is not allowed.",
        Cause::Declined => "The message is not wanted.",
        Cause::NotAcceptable | Cause::NoCommonCodec => "The other side takes no such message.",
        Cause::NotFound
        | Cause::Unavailable
        | Cause::Unreachable
        | Cause::Overloaded
        | Cause::Misbehaved
        | Cause::Draining
        | Cause::Moved
        | Cause::Internal => told(cause).1,
        // Of calls alone.
        Cause::Normal
        | Cause::Cancelled
        | Cause::AnsweredElsewhere
        | Cause::Busy
        | Cause::NoAnswer
        | Cause::Timeout => "The message did not arrive.",
    }
}

/// The cause that a client named.
#[must_use]
pub fn heard(told: EndCause) -> Cause {
    let row = TABLE.iter().find(|Row(_, of, _)| *of == told);
    row.map_or(Cause::Internal, |Row(cause, ..)| *cause)
}

/// Close codes of the WebSocket (RFC 6455 §7.4.2: 4000 to 4999 are for private use).
pub mod close {
    /// The gateway ends (RFC 6455 §7.4.1).
    pub const GOING_AWAY: u16 = 1001;
    /// The first frame was no hello, or there was a second one.
    pub const BAD_HELLO: u16 = 4400;
    /// The token is not accepted, or has ended.
    pub const NOT_AUTHENTICATED: u16 = 4401;
    /// Nothing came in time.
    pub const TIMEOUT: u16 = 4408;
    /// Another connection goes on with the session.
    pub const SUPERSEDED: u16 = 4409;
    /// A frame too large, or too many.
    pub const TOO_MUCH: u16 = 4413;
    /// No room for another session, or no new ones are taken.
    pub const UNAVAILABLE: u16 = 4503;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_by_its_own_name_and_heard_as_itself() {
        for cause in Cause::ALL {
            let (told, sentence) = told(cause);
            let name = serde_json::to_value(told).unwrap();
            assert_eq!(name.as_str(), Some(cause.name()));
            assert_eq!(heard(told), cause);
            assert!(!sentence.is_empty());
        }
    }

    #[test]
    fn every_code_has_one_name() {
        for code in Code::ALL {
            assert_eq!(
                serde_json::to_value(code).unwrap().as_str(),
                Some(code.name())
            );
            assert_eq!(Code::from_name(code.name()), Some(code));
        }
    }
}
