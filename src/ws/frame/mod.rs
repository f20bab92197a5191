//! The JSON contract, `crosspoint.v1`: frames from the client, frames from the gateway, each a
//! closed enum, and the only place that knows their JSON. `docs/protocol.md` explains it to those
//! who write clients; every example there is parsed by the types here, and
//! `docs/protocol.schema.json` is generated from them.
//!
//! A description and a candidate have the shape that a page's `RTCPeerConnection` gives and takes.
//!
//! Reading is strict where it can hurt and lenient where it cannot: a member that is not known is
//! ignored, one that is known may stand only once, ids keep to their alphabet, and what may become
//! part of a line elsewhere holds no control character.

mod client;
mod schema;
mod server;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::client::{
    AccountAdd, AccountRemove, Ack, BadFrame, CallAccept, CallCandidate, CallCreate,
    CallDescription, CallDtmf, CallEnd, CallProgress, CallReject, CallRing, ClientFrame, Header,
    Hello, MessageSend, Parsed, Ping, RejectCause, Resume, TokenRefresh,
};
pub use self::schema::schema;
pub use self::server::{
    AccountInfo, AccountStanding, CallInfo, CallState, Caller, Detail, Direction, EndedBy, Event,
    Grace, IceServer, Limits, Media, Need, Resumed, Retry, RollbackCode, ServerFrame, SipStatus,
    SnapshotWord, check_server_text,
};

/// A description, as `RTCSessionDescriptionInit`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Description {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: DescriptionType,
    /// The text; absent for a rollback.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sdp: String,
}

/// What a description is (RFC 9429 §4.1.10).
#[derive(Clone, Copy, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DescriptionType {
    /// An offer.
    Offer,
    /// The final answer.
    Answer,
    /// An early answer.
    Pranswer,
    /// The outstanding offer is taken back.
    Rollback,
}

/// A candidate, as `RTCIceCandidateInit`. Without a candidate, or with an empty one: no more come.
#[derive(Clone, Debug, Default, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CandidateInit {
    /// `candidate:…`; empty at the end.
    pub candidate: Option<String>,
    /// The section's mid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdp_mid: Option<String>,
    /// The section's place, from 0.
    #[serde(rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    pub sdp_mline_index: Option<u16>,
    /// The ICE generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_fragment: Option<String>,
}
