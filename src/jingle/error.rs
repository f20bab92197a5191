//! [`ReadError`]: why an element is no Jingle. [`MapError`]: why Jingle is no description.

use crate::sdp::ParseError;

/// Why an element is not read as Jingle. The sender's fault; answered with `bad-request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Another element.
    #[error("expected <jingle/> of the namespace urn:xmpp:jingle:1 (XEP-0166 §7.1)")]
    NotJingle,
    /// No action.
    #[error("expected the attribute `action` (XEP-0166 §7.2)")]
    NoAction,
    /// No session identifier.
    #[error("expected the attribute `sid` (XEP-0166 §7.1)")]
    NoSid,
    /// More of something than the limit.
    #[error("expected at most {1} {0}")]
    TooMany(&'static str, usize),
    /// Elements in elements.
    #[error("expected elements at most {0} deep")]
    TooDeep(usize),
    /// No XML at all.
    #[error("expected well-formed XML")]
    NotXml,
}

/// Why what a peer says cannot be made a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// No content has audio or video that can be described.
    #[error("no content describes audio or video by RTP over ICE (XEP-0167, XEP-0176)")]
    NothingToDescribe,
    /// A content that is not in the session: answered with `item-not-found`.
    #[error("the session has no content `{0}`")]
    UnknownContent(String),
    /// A content that is there already.
    #[error("the session has a content `{0}` already")]
    KnownContent(String),
    /// An action that changes no description.
    #[error("the action `{0}` describes nothing")]
    NoDescription(String),
    /// A limit of descriptions.
    #[error("the description is over a limit: {0}")]
    Description(#[from] ParseError),
}
