//! Frames from the gateway.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Header;
use super::{CandidateInit, Description};
use crate::ws::code::{Code, EndCause};

/// Replies and frames of the hand-shake: without a `seq`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum ServerFrame {
    /// The client is in.
    #[serde(rename = "welcome")]
    Welcome {
        /// The session, for a later resume. A secret of the client's.
        session: String,
        /// Whether an old session goes on.
        resumed: Resumed,
        /// The number of the next event.
        next_seq: u64,
        /// Who the client is.
        user: String,
        /// The accounts the client may use.
        accounts: Vec<AccountInfo>,
        /// For `RTCPeerConnection`.
        ice_servers: Vec<IceServer>,
        /// What the client may send.
        limits: Limits,
        /// How long calls outlive the connection.
        grace: Grace,
        /// How often the client is to say something.
        heartbeat_ms: u64,
        /// When the token ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_in_ms: Option<u64>,
        /// Name and version of the gateway.
        gateway: String,
    },
    /// The truth after a welcome: events up to here were sent, these calls there are.
    #[serde(rename = "sync")]
    Sync {
        /// The `seq` of the last event.
        up_to: u64,
        /// The calls of the session.
        calls: Vec<CallInfo>,
    },
    /// A request is accepted and recorded.
    #[serde(rename = "result")]
    Result {
        /// The request.
        id: String,
        /// The call, where it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        call: Option<String>,
    },
    /// A request, or a frame, is not accepted.
    #[serde(rename = "error")]
    Error {
        /// The request, where it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The call, where it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        call: Option<String>,
        /// What is wrong, for programs.
        code: Code,
        /// Whether to try again.
        retry: Retry,
        /// When.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        /// What exactly is wrong, for programs.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<Detail>,
        /// What is wrong, for people; never to be parsed.
        message: String,
    },
    /// The answer to a ping.
    #[serde(rename = "pong")]
    Pong {
        /// What the ping carried.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
}

/// Events: each with a `seq`, from 1, without gaps.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    /// How an account stands.
    #[serde(rename = "account.state")]
    AccountState {
        /// The account.
        account: String,
        /// How.
        state: AccountStanding,
        /// Why it failed, for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// What the registrar said.
        #[serde(skip_serializing_if = "Option::is_none")]
        sip: Option<SipStatus>,
        /// When it is tried again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    },
    /// The token ends soon.
    #[serde(rename = "token.expiring")]
    TokenExpiring {
        /// When.
        expires_in_ms: u64,
    },
    /// The servers for `RTCPeerConnection` are others now: for connections from here on.
    #[serde(rename = "ice.servers")]
    IceServers {
        /// All of them, in place of those of `welcome`.
        ice_servers: Vec<IceServer>,
    },
    /// Somebody calls.
    #[serde(rename = "call.incoming")]
    CallIncoming {
        /// The call; the gateway made the id.
        call: String,
        /// Who.
        from: Caller,
        /// Who was called.
        to: String,
        /// The account that was called, where it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// What the client has to send to accept.
        need: Need,
        /// The offer.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<Description>,
        /// The offer's number.
        #[serde(skip_serializing_if = "Option::is_none")]
        negotiation: Option<u64>,
        /// Header fields that the operator lets through.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<Header>,
    },
    /// The callee rings.
    #[serde(rename = "call.ringing")]
    CallRinging {
        /// The call.
        call: String,
    },
    /// An early answer.
    #[serde(rename = "call.progress")]
    CallProgress {
        /// The call.
        call: String,
        /// The early answer, of type `pranswer`.
        description: Description,
        /// Which early dialog speaks, from 1.
        dialog: u16,
        /// The number of the client's offer that it answers.
        negotiation: u64,
    },
    /// The call is answered.
    #[serde(rename = "call.accepted")]
    CallAccepted {
        /// The call.
        call: String,
        /// The answer to the client's offer, or an offer where the client made none; absent where
        /// descriptions are exchanged already.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<Description>,
        /// The number of the offer.
        #[serde(skip_serializing_if = "Option::is_none")]
        negotiation: Option<u64>,
    },
    /// An offer, an answer, or a rollback inside the call.
    #[serde(rename = "call.description")]
    CallDescription {
        /// The call.
        call: String,
        /// The description.
        description: Description,
        /// The number of the offer.
        #[serde(skip_serializing_if = "Option::is_none")]
        negotiation: Option<u64>,
        /// Why it is a rollback.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<RollbackCode>,
        /// What the far end said to the offer, where it was the far end that refused it.
        #[serde(skip_serializing_if = "Option::is_none")]
        sip: Option<SipStatus>,
    },
    /// The client is to send an offer.
    #[serde(rename = "call.offer_requested")]
    CallOfferRequested {
        /// The call.
        call: String,
    },
    /// A candidate of the other side.
    #[serde(rename = "call.candidate")]
    CallCandidate {
        /// The call.
        call: String,
        /// The candidate.
        candidate: CandidateInit,
    },
    /// What flows and what is held has changed.
    #[serde(rename = "call.media")]
    CallMedia {
        /// The call.
        call: String,
        /// Each media section, in order.
        media: Vec<Media>,
    },
    /// The other side pressed a key.
    #[serde(rename = "call.dtmf")]
    CallDtmf {
        /// The call.
        call: String,
        /// The key.
        digit: String,
        /// For how long.
        duration_ms: u64,
    },
    /// The call is over. The last event of a call.
    #[serde(rename = "call.ended")]
    CallEnded {
        /// The call.
        call: String,
        /// Why.
        cause: EndCause,
        /// Who ended it.
        by: EndedBy,
        /// What the far end said.
        #[serde(skip_serializing_if = "Option::is_none")]
        sip: Option<SipStatus>,
        /// The particulars, for whoever looks for a fault.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// For people, never to be parsed.
        message: String,
    },
    /// Somebody has written.
    #[serde(rename = "message.incoming")]
    MessageIncoming {
        /// Who.
        from: Caller,
        /// Whom it was for.
        to: String,
        /// The account that it was for, where it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// What was written.
        text: String,
    },
    /// A message of the client has arrived: a program of whom it was for has it.
    #[serde(rename = "message.delivered")]
    MessageDelivered {
        /// The request that sent it.
        id: String,
    },
    /// A message of the client has not arrived, and will not.
    #[serde(rename = "message.failed")]
    MessageFailed {
        /// The request that sent it.
        id: String,
        /// Why.
        cause: EndCause,
        /// What the far end said.
        #[serde(skip_serializing_if = "Option::is_none")]
        sip: Option<SipStatus>,
        /// The particulars, for whoever looks for a fault.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// For people, never to be parsed.
        message: String,
    },
}

/// Whether an old session goes on: `true`, `false`, or `"snapshot"`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Resumed {
    /// Whether it goes on with every event.
    Whole(bool),
    /// It goes on, but events are lost: `sync` alone is the truth.
    Snapshot(SnapshotWord),
}

/// The word `snapshot`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotWord {
    /// The word.
    Snapshot,
}

/// An account of the client.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct AccountInfo {
    /// Its name.
    pub account: String,
    /// How it stands.
    pub state: AccountStanding,
    /// Its address, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStanding {
    /// Under way.
    Registering,
    /// Calls come in.
    Registered,
    /// Not; tried again.
    Failed,
    /// Not, and not wanted.
    Unregistered,
}

/// A STUN or TURN server, as `RTCIceServer`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// Its URLs.
    pub urls: Vec<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// What the client may send.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// Calls of the user at once.
    pub calls: usize,
    /// Candidates of a call and generation.
    pub candidates: usize,
    /// Frames a second, in the long run.
    pub frames_per_second: u32,
    /// Bytes of a text message.
    pub text_bytes: usize,
}

/// How long calls outlive the connection.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Grace {
    /// While they ring.
    pub ringing_ms: u64,
    /// When they are answered.
    pub answered_ms: u64,
}

/// A call of a session.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallInfo {
    /// The call.
    pub call: String,
    /// What it is doing.
    pub state: CallState,
    /// Who made it.
    pub direction: Direction,
    /// The other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// What the client has to send: to accept, or where it has accepted, for the caller's offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<Need>,
}

/// What a call is doing, seen by the client.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// Asked for; nobody rings yet.
    Calling,
    /// It rings, there or here.
    Ringing,
    /// There is an early answer.
    Early,
    /// Answered.
    Established,
}

/// Who made a call.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The other side.
    Incoming,
    /// The client.
    Outgoing,
}

/// Who calls.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// A URI that can be called back.
    pub uri: String,
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// What the client has to send to accept a call.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// An answer.
    Answer,
    /// An offer.
    Offer,
    /// Nothing: the caller's offer comes when the call is accepted.
    Nothing,
}

/// Whether to try a request again.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retry {
    /// It would fail again.
    Never,
    /// At once.
    Now,
    /// After `retry_after_ms`.
    After,
}

/// Why an offer came to nothing.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackCode {
    /// Another offer was under way and stands.
    Glare,
    /// The other side cannot take it; the session stays as it was.
    NotAcceptable,
    /// Whoever made it took it back.
    Withdrawn,
    /// Nobody answered it in time.
    Unanswered,
}

/// A status of SIP.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct SipStatus {
    /// The number.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
}

/// What exactly is wrong with a description, a candidate, a header.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Which rule is broken: `sdp_syntax`, `no_ice`, `wrong_type` …
    pub code: String,
    /// The codecs of this side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ours: Vec<String>,
    /// The codecs of the other side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub theirs: Vec<String>,
}

/// What flows on a media section.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Media {
    /// The section's mid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// `audio`, `video` …
    pub kind: String,
    /// The client takes nothing from the other side.
    pub held_here: bool,
    /// The other side takes nothing from the client.
    pub held_there: bool,
    /// The client sends.
    pub sending: bool,
    /// The client receives.
    pub receiving: bool,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// This client.
    Local,
    /// The other side.
    Remote,
    /// The gateway.
    Gateway,
}

impl ServerFrame {
    /// The frame's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists of them have JSON")
    }

    /// The `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Sync { .. } => "sync",
            Self::Result { .. } => "result",
            Self::Error { .. } => "error",
            Self::Pong { .. } => "pong",
        }
    }
}

impl Event {
    /// The event's text with its number behind the `type`.
    #[must_use]
    pub fn to_text(&self, seq: u64) -> String {
        let mut text =
            serde_json::to_string(self).expect("strings, numbers and lists of them have JSON");
        // The type comes first and its names need no escape.
        let behind_type = "{\"type\":\"".len() + self.name().len() + "\"".len();
        text.insert_str(behind_type, &format!(",\"seq\":{seq}"));
        text
    }

    /// The `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccountState { .. } => "account.state",
            Self::TokenExpiring { .. } => "token.expiring",
            Self::IceServers { .. } => "ice.servers",
            Self::CallIncoming { .. } => "call.incoming",
            Self::CallRinging { .. } => "call.ringing",
            Self::CallProgress { .. } => "call.progress",
            Self::CallAccepted { .. } => "call.accepted",
            Self::CallDescription { .. } => "call.description",
            Self::CallOfferRequested { .. } => "call.offer_requested",
            Self::CallCandidate { .. } => "call.candidate",
            Self::CallMedia { .. } => "call.media",
            Self::CallDtmf { .. } => "call.dtmf",
            Self::CallEnded { .. } => "call.ended",
            Self::MessageIncoming { .. } => "message.incoming",
            Self::MessageDelivered { .. } => "message.delivered",
            Self::MessageFailed { .. } => "message.failed",
        }
    }
}

/// Reads a frame of the gateway and writes it again: for examples in documents.
///
/// # Errors
/// What does not fit, in words: a type or a member that is not known, one that is missing, an event
/// without `seq`.
pub fn check_server_text(text: &str) -> Result<(), String> {
    let whole: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let again = match whole.get("seq") {
        Some(seq) => {
            let seq = seq.as_u64().ok_or("seq is no number")?;
            let event: Event = serde_json::from_str(text).map_err(|e| e.to_string())?;
            event.to_text(seq)
        }
        None => {
            let frame: ServerFrame = serde_json::from_str(text).map_err(|e| e.to_string())?;
            frame.to_text()
        }
    };
    let again: serde_json::Value = serde_json::from_str(&again).map_err(|e| e.to_string())?;
    match again == whole {
        true => Ok(()),
        false => Err(format!("written again it is {again}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stands_behind_the_type() {
        let event = Event::CallRinging { call: "c".into() };
        assert_eq!(
            event.to_text(7),
            r#"{"type":"call.ringing","seq":7,"call":"c"}"#
        );
        assert_eq!(check_server_text(&event.to_text(7)), Ok(()));
    }

    #[test]
    fn an_example_with_a_foreign_member_or_without_its_number_is_noticed() {
        assert!(check_server_text(r#"{"type":"call.ringing","call":"c"}"#).is_err());
        assert!(check_server_text(r#"{"type":"call.ringing","seq":1,"call":"c","x":1}"#).is_err());
        assert!(check_server_text(r#"{"type":"pong","id":"1"}"#).is_ok());
    }

    #[test]
    fn resumed_is_a_boolean_or_the_word() {
        let text = |resumed: Resumed| serde_json::to_string(&resumed).ok();
        assert_eq!(text(Resumed::Whole(true)).as_deref(), Some("true"));
        let snapshot = Resumed::Snapshot(SnapshotWord::Snapshot);
        assert_eq!(text(snapshot).as_deref(), Some("\"snapshot\""));
    }
}
