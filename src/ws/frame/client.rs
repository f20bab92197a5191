//! Frames from the client.
//!
//! A frame is read in two passes: first its `type`, `id` and `ack`, then the members of that type
//! straight into their struct. Nothing is copied in between, however large a description is.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{is_shallow, line_option, name, request_id, request_id_option};
use super::{CandidateInit, Description};
use crate::ask::Secret;
use crate::ws::code::EndCause;

/// What a client says.
#[derive(Clone, Debug, Hash, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(tag = "type")]
pub enum ClientFrame {
    /// The first frame of a connection, once.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// A new token of the same user.
    #[serde(rename = "token.refresh")]
    TokenRefresh(TokenRefresh),
    /// Events up to this one have arrived.
    #[serde(rename = "ack")]
    Ack(Ack),
    /// Still there.
    #[serde(rename = "ping")]
    Ping(Ping),
    /// Registers an account.
    #[serde(rename = "account.add")]
    AccountAdd(AccountAdd),
    /// Takes an account back.
    #[serde(rename = "account.remove")]
    AccountRemove(AccountRemove),
    /// Makes a call.
    #[serde(rename = "call.create")]
    CallCreate(CallCreate),
    /// The client rings.
    #[serde(rename = "call.ring")]
    CallRing(CallRing),
    /// An early answer.
    #[serde(rename = "call.progress")]
    CallProgress(CallProgress),
    /// Takes the call.
    #[serde(rename = "call.accept")]
    CallAccept(CallAccept),
    /// Does not take the call.
    #[serde(rename = "call.reject")]
    CallReject(CallReject),
    /// Ends the call.
    #[serde(rename = "call.end")]
    CallEnd(CallEnd),
    /// An offer, an answer, or a rollback inside the call.
    #[serde(rename = "call.description")]
    CallDescription(CallDescription),
    /// A candidate.
    #[serde(rename = "call.candidate")]
    CallCandidate(CallCandidate),
    /// An offer whose purpose is to hold.
    #[serde(rename = "call.hold")]
    CallHold(CallDescription),
    /// An offer whose purpose is to resume.
    #[serde(rename = "call.resume")]
    CallResume(CallDescription),
    /// Digits, by signaling.
    #[serde(rename = "call.dtmf")]
    CallDtmf(CallDtmf),
    /// Sends a text message.
    #[serde(rename = "message.send")]
    MessageSend(MessageSend),
}

/// `hello`.
#[derive(Clone, Debug, Default, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Hello {
    /// Who the client is.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// What it can do: `trickle`, `pranswer`. Others are ignored.
    pub capabilities: Vec<String>,
    /// The session to go on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// Its name and version, for logs.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "line_option"
    )]
    pub client: Option<String>,
}

/// A session to go on with.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Resume {
    /// The session.
    #[serde(deserialize_with = "name")]
    pub session: String,
    /// The last event that has arrived; 0 where the client remembers none.
    pub seq: u64,
}

/// `token.refresh`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct TokenRefresh {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The token.
    #[schemars(with = "String")]
    pub token: Secret,
}

/// `ack`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Ack {
    /// The `seq` of the last event that has arrived.
    pub ack: u64,
}

/// `ping`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Ping {
    /// Comes back in the pong.
    #[serde(default, deserialize_with = "request_id_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `account.add`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct AccountAdd {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The account's name.
    #[serde(deserialize_with = "name")]
    pub account: String,
    /// Its address, for an account that the client brings.
    #[serde(default, deserialize_with = "line_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its user name for challenges.
    #[serde(default, deserialize_with = "line_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub password: Option<Secret>,
    /// The name that callees see.
    #[serde(default, deserialize_with = "line_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// `account.remove`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct AccountRemove {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The account's name.
    #[serde(deserialize_with = "name")]
    pub account: String,
}

/// `call.create`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallCreate {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call's id, made by the client; it must not be that of a call the user has now.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// Who is called.
    pub to: String,
    /// The offer, number 1 of the client; without one the callee makes the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The account to call as.
    #[serde(default, deserialize_with = "line_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "line_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Extra header fields, as far as the operator lets them through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
}

/// An extra header field.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// `call.ring`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallRing {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
}

/// `call.progress`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallProgress {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// The early answer, of type `pranswer` or `answer`.
    pub description: Description,
    /// The number of the offer that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiation: Option<u64>,
}

/// `call.accept`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallAccept {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// What `call.incoming` said that is needed: the answer, the offer, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The number of the offer that it answers, or the offer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiation: Option<u64>,
}

/// `call.reject`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallReject {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// Why.
    #[serde(default)]
    pub cause: RejectCause,
}

/// Why a call is not taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RejectCause {
    /// On the phone.
    Busy,
    /// Not wanted, on no device.
    #[default]
    Declined,
    /// Not on this device now.
    Unavailable,
}

/// `call.end`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallEnd {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// Why, for a call that was answered; before the answer it is `cancelled` or `declined`.
    #[serde(default)]
    pub cause: EndCause,
}

/// `call.description`, and with a purpose `call.hold` and `call.resume`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallDescription {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// The description.
    pub description: Description,
    /// Of an offer its own number, of an answer that of the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiation: Option<u64>,
}

/// `call.candidate`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallCandidate {
    /// The request; without one there is no `result`.
    #[serde(default, deserialize_with = "request_id_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// The candidate; none says that there are no more.
    pub candidate: Option<CandidateInit>,
}

/// `call.dtmf`.
#[derive(Clone, Debug, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct CallDtmf {
    /// The request.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// The call.
    #[serde(deserialize_with = "name")]
    pub call: String,
    /// 1 to 32 of `0-9 A-D * #`.
    pub digits: String,
    /// How long each is pressed, 40 to 6000; 160 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// `message.send`.
#[derive(Clone, Deserialize, Hash, JsonSchema, PartialEq, Eq, Serialize)]
pub struct MessageSend {
    /// The request; what becomes of the message is told under it.
    #[serde(deserialize_with = "request_id")]
    pub id: String,
    /// Whom it is for.
    pub to: String,
    /// What is written.
    pub text: String,
    /// The account to write as.
    #[serde(default, deserialize_with = "line_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What people write is nobody else's.
impl fmt::Debug for MessageSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageSend")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A frame, and the `ack` that any frame may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The frame.
    pub frame: ClientFrame,
    /// The `seq` of the last event that has arrived.
    pub ack: Option<u64>,
}

/// Why a text is not a frame. `id` is the request's, as far as one could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Nested deeper than the limit.
    #[error("the frame nests deeper than {0}")]
    TooDeep(usize),
    /// No JSON object with a `type`.
    #[error("the frame is no JSON object with a type: {0}")]
    NotJson(String),
    /// A `type` that is not known.
    #[error("the type {kind:?} is not known")]
    Unsupported {
        /// The type.
        kind: String,
        /// The request.
        id: Option<String>,
    },
    /// A known type with members that do not fit.
    #[error("{kind}: {why}")]
    Malformed {
        /// The type.
        kind: &'static str,
        /// What does not fit.
        why: String,
        /// The request.
        id: Option<String>,
    },
}

impl BadFrame {
    /// The request, as far as one could be read.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::TooDeep(_) | Self::NotJson(_) => None,
            Self::Unsupported { id, .. } | Self::Malformed { id, .. } => id.as_deref(),
        }
    }
}

/// What every frame may carry beside its own members.
#[derive(Debug, Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(default)]
    ack: Option<u64>,
}

impl ClientFrame {
    /// Reads a frame. Members that are not known are ignored; one that is known and stands twice is
    /// refused, so that nobody else can have read the other.
    ///
    /// # Errors
    /// [`BadFrame`].
    pub fn parse(text: &str, depth_max: usize) -> Result<Parsed, BadFrame> {
        if !is_shallow(text, depth_max) {
            return Err(BadFrame::TooDeep(depth_max));
        }
        // serde reads a struct from an array, too; a frame is an object.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(BadFrame::NotJson("expected an object".to_owned()));
        }
        let head: Head<'_> =
            serde_json::from_str(text).map_err(|error| BadFrame::NotJson(error.to_string()))?;
        let frame = Self::read(&head.kind, text).map_err(|bad| match bad {
            BadMembers::UnknownType => BadFrame::Unsupported {
                kind: head.kind.chars().take(64).collect(),
                id: head.id.as_deref().map(bounded),
            },
            BadMembers::Misfit(kind, error) => BadFrame::Malformed {
                kind,
                why: error.to_string(),
                id: head.id.as_deref().map(bounded),
            },
        })?;
        Ok(Parsed {
            frame,
            ack: head.ack,
        })
    }

    /// The `id` of a frame that is not read further.
    #[must_use]
    pub fn peek_id(text: &str) -> Option<String> {
        let head: Head<'_> = serde_json::from_str(text).ok()?;
        head.id.as_deref().map(bounded)
    }

    fn read(kind: &str, text: &str) -> Result<Self, BadMembers> {
        match kind {
            "hello" => members("hello", text, Self::Hello),
            "token.refresh" => members("token.refresh", text, Self::TokenRefresh),
            "ack" => members("ack", text, Self::Ack),
            "ping" => members("ping", text, Self::Ping),
            "account.add" => members("account.add", text, Self::AccountAdd),
            "account.remove" => members("account.remove", text, Self::AccountRemove),
            "call.create" => members("call.create", text, Self::CallCreate),
            "call.ring" => members("call.ring", text, Self::CallRing),
            "call.progress" => members("call.progress", text, Self::CallProgress),
            "call.accept" => members("call.accept", text, Self::CallAccept),
            "call.reject" => members("call.reject", text, Self::CallReject),
            "call.end" => members("call.end", text, Self::CallEnd),
            "call.description" => members("call.description", text, Self::CallDescription),
            "call.candidate" => members("call.candidate", text, Self::CallCandidate),
            "call.hold" => members("call.hold", text, Self::CallHold),
            "call.resume" => members("call.resume", text, Self::CallResume),
            "call.dtmf" => members("call.dtmf", text, Self::CallDtmf),
            "message.send" => members("message.send", text, Self::MessageSend),
            _ => Err(BadMembers::UnknownType),
        }
    }

    /// The `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::TokenRefresh(_) => "token.refresh",
            Self::Ack(_) => "ack",
            Self::Ping(_) => "ping",
            Self::AccountAdd(_) => "account.add",
            Self::AccountRemove(_) => "account.remove",
            Self::CallCreate(_) => "call.create",
            Self::CallRing(_) => "call.ring",
            Self::CallProgress(_) => "call.progress",
            Self::CallAccept(_) => "call.accept",
            Self::CallReject(_) => "call.reject",
            Self::CallEnd(_) => "call.end",
            Self::CallDescription(_) => "call.description",
            Self::CallCandidate(_) => "call.candidate",
            Self::CallHold(_) => "call.hold",
            Self::CallResume(_) => "call.resume",
            Self::CallDtmf(_) => "call.dtmf",
            Self::MessageSend(_) => "message.send",
        }
    }

    /// The request's `id`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Hello(_) | Self::Ack(_) => None,
            Self::TokenRefresh(TokenRefresh { id, .. })
            | Self::AccountAdd(AccountAdd { id, .. })
            | Self::AccountRemove(AccountRemove { id, .. })
            | Self::CallCreate(CallCreate { id, .. })
            | Self::CallRing(CallRing { id, .. })
            | Self::CallProgress(CallProgress { id, .. })
            | Self::CallAccept(CallAccept { id, .. })
            | Self::CallReject(CallReject { id, .. })
            | Self::CallEnd(CallEnd { id, .. })
            | Self::CallDescription(CallDescription { id, .. })
            | Self::CallHold(CallDescription { id, .. })
            | Self::CallResume(CallDescription { id, .. })
            | Self::CallDtmf(CallDtmf { id, .. })
            | Self::MessageSend(MessageSend { id, .. }) => Some(id),
            Self::Ping(Ping { id }) | Self::CallCandidate(CallCandidate { id, .. }) => {
                id.as_deref()
            }
        }
    }

    /// The call it is about.
    #[must_use]
    pub fn call(&self) -> Option<&str> {
        match self {
            Self::Hello(_)
            | Self::Ack(_)
            | Self::Ping(_)
            | Self::TokenRefresh(_)
            | Self::AccountAdd(_)
            | Self::AccountRemove(_)
            | Self::MessageSend(_) => None,
            Self::CallCreate(CallCreate { call, .. })
            | Self::CallRing(CallRing { call, .. })
            | Self::CallProgress(CallProgress { call, .. })
            | Self::CallAccept(CallAccept { call, .. })
            | Self::CallReject(CallReject { call, .. })
            | Self::CallEnd(CallEnd { call, .. })
            | Self::CallDescription(CallDescription { call, .. })
            | Self::CallCandidate(CallCandidate { call, .. })
            | Self::CallHold(CallDescription { call, .. })
            | Self::CallResume(CallDescription { call, .. })
            | Self::CallDtmf(CallDtmf { call, .. }) => Some(call),
        }
    }

    /// A number that two equal frames share: a request that is sent again is known by it. What
    /// `ack` it carries does not count.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

enum BadMembers {
    UnknownType,
    Misfit(&'static str, serde_json::Error),
}

fn members<'a, T: Deserialize<'a>>(
    kind: &'static str,
    text: &'a str,
    frame: fn(T) -> ClientFrame,
) -> Result<ClientFrame, BadMembers> {
    serde_json::from_str(text)
        .map(frame)
        .map_err(|error| BadMembers::Misfit(kind, error))
}

/// An id that is to be sent back although nothing else was understood.
fn bounded(id: &str) -> String {
    id.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> BadFrame {
        ClientFrame::parse(text, 16).unwrap_err()
    }

    #[test]
    fn unknown_types_and_misfits_are_told_apart() {
        let bad = parse(r#"{"type":"call.fly","id":"3"}"#);
        assert_eq!(
            bad,
            BadFrame::Unsupported {
                kind: "call.fly".into(),
                id: Some("3".into())
            }
        );
        let bad = parse(r#"{"type":"call.end","id":"3"}"#);
        assert!(
            matches!(
                &bad,
                BadFrame::Malformed {
                    kind: "call.end",
                    ..
                }
            ),
            "{bad}"
        );
        assert_eq!(bad.id(), Some("3"));
        for text in ["", "[]", "7", "{", "{}", r#"["hello"]"#, r#"{"type":7}"#] {
            assert!(matches!(parse(text), BadFrame::NotJson(_)), "{text}");
        }
        assert_eq!(parse(&"[".repeat(17)), BadFrame::TooDeep(16));
    }

    #[test]
    fn any_frame_may_acknowledge_and_may_have_members_of_tomorrow() {
        let text = r#"{"type":"ping","id":"1","ack":9,"new":{"deep":[1]}}"#;
        let Parsed { frame, ack } = ClientFrame::parse(text, 16).unwrap();
        assert_eq!(
            (frame.name(), frame.id(), ack),
            ("ping", Some("1"), Some(9))
        );
    }

    #[test]
    fn a_known_member_that_stands_twice_is_refused() {
        assert!(matches!(
            parse(r#"{"type":"ping","type":"ack"}"#),
            BadFrame::NotJson(_)
        ));
        let twice = r#"{"type":"call.end","id":"1","call":"a","call":"b"}"#;
        assert!(matches!(parse(twice), BadFrame::Malformed { .. }));
        assert!(ClientFrame::parse(r#"{"type":"ping","x":1,"x":2}"#, 16).is_ok());
    }

    #[test]
    fn ids_and_names_keep_to_their_alphabet() {
        for bad in ["", "a b", "a\\\"b", "a\\r\\nb", "é", &"x".repeat(65)] {
            let text = format!(r#"{{"type":"call.ring","id":"1","call":"{bad}"}}"#);
            assert!(matches!(parse(&text), BadFrame::Malformed { .. }), "{bad}");
        }
        for bad in ["", "a\\u0000", "a\\n", &"x".repeat(65)] {
            let text = format!(r#"{{"type":"call.ring","id":"{bad}","call":"c"}}"#);
            assert!(matches!(parse(&text), BadFrame::Malformed { .. }), "{bad}");
        }
    }

    #[test]
    fn no_line_end_gets_into_a_name() {
        for member in ["display_name", "account"] {
            let text = format!(
                r#"{{"type":"call.create","id":"1","call":"c","to":"1","{member}":"a\r\nVia: x"}}"#
            );
            assert!(
                matches!(parse(&text), BadFrame::Malformed { .. }),
                "{member}"
            );
        }
        for member in ["uri", "user", "display_name"] {
            let text =
                format!(r#"{{"type":"account.add","id":"1","account":"a","{member}":"a\u0000b"}}"#);
            assert!(
                matches!(parse(&text), BadFrame::Malformed { .. }),
                "{member}"
            );
        }
    }

    #[test]
    fn tokens_are_neither_shown_nor_written() {
        let text = r#"{"type":"hello","token":"opensesame"}"#;
        let frame = ClientFrame::parse(text, 16).unwrap().frame;
        assert!(!format!("{frame:?}").contains("opensesame"));
        assert!(
            !serde_json::to_string(&frame)
                .unwrap()
                .contains("opensesame")
        );
    }

    #[test]
    fn a_repeat_is_known_whatever_it_acknowledges() {
        let digest = |text: &str| ClientFrame::parse(text, 16).unwrap().frame.digest();
        let once = digest(r#"{"type":"call.end","id":"1","call":"a"}"#);
        assert_eq!(
            once,
            digest(r#"{"ack":5,"type":"call.end","call":"a","id":"1"}"#)
        );
        assert_ne!(once, digest(r#"{"type":"call.end","id":"1","call":"b"}"#));
    }
}
