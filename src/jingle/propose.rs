//! [`Initiation`]: what is said before there is a session (XEP-0353), so that all devices of a
//! person ring and one takes the call.
//!
//! ```text
//!   caller                                    callee's devices
//!     │ propose, to the bare address              │  │
//!     │──────────────────────────────────────────▶│─▶│
//!     │                          ringing          │  │
//!     │◀──────────────────────────────────────────│──│
//!     │                          proceed          │  │
//!     │◀──────────────────────────────────────────│  ×  (learns it by a carbon)
//!     │ session-initiate, from the same address   │
//!     │──────────────────────────────────────────▶│
//! ```
//!
//! Answers go to the full address that has proposed (0.8.0 of the XEP; 0.6 had the bare one, which
//! reaches the same client). All are of type `chat` and ask to be stored, so that a device that
//! comes later knows that there was a call.

use minidom::Element;

use super::ns;
use super::reason::Reason;
use super::tag::{Tag, said};

/// What a message of XEP-0353 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiation {
    /// The call, and the `sid` of the session that comes of it. Opaque.
    pub id: String,
    /// What of it.
    pub word: Word,
}

/// One of its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Somebody calls, with these media of RTP; other descriptions are not named.
    Propose {
        /// `audio`, `video`.
        media: Vec<String>,
        /// Whether something that is no RTP is among the descriptions.
        foreign: bool,
    },
    /// A device rings.
    Ringing,
    /// A device takes the call, and waits for the session.
    Proceed,
    /// The older way of a device to tell its own account that it takes the call (before 0.4).
    Accept,
    /// A device does not want the call.
    Reject(Ended),
    /// The caller gives up.
    Retract(Ended),
    /// The call is over.
    Finish(Ended),
}

/// Why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The reason, where one is given.
    pub reason: Option<Reason>,
    /// Whether both have called each other and this proposal is the one that goes (§3.7 there).
    pub tie_break: bool,
}

/// Bytes of the name of a call or session; nobody's are longer than 64.
pub(super) const ID_BYTES_MAX: usize = 256;

/// More descriptions than anybody proposes.
const MEDIA_MAX: usize = 8;

impl Ended {
    /// For a reason.
    #[must_use]
    pub fn because(reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            tie_break: false,
        }
    }

    fn read(element: &Element) -> Self {
        let reason = element.get_child("reason", ns::JINGLE);
        Self {
            reason: reason.map(Reason::read),
            tie_break: element.has_child("tie-break", ns::JINGLE_MESSAGE),
        }
    }
}

impl Initiation {
    /// Of this call.
    #[must_use]
    pub fn new(id: &str, word: Word) -> Self {
        let id = id.to_owned();
        Self { id, word }
    }

    /// Reads a message's child; `None` where none of them is of XEP-0353.
    #[must_use]
    pub fn read(message: &Element) -> Option<Self> {
        message.children().find_map(|child| {
            let is_ours = child.ns() == ns::JINGLE_MESSAGE;
            let id = said(child, "id").filter(|id| is_ours && id.len() <= ID_BYTES_MAX)?;
            let word = match child.name() {
                "propose" => propose(child),
                "ringing" => Word::Ringing,
                "proceed" => Word::Proceed,
                "accept" => Word::Accept,
                "reject" => Word::Reject(Ended::read(child)),
                "retract" => Word::Retract(Ended::read(child)),
                "finish" => Word::Finish(Ended::read(child)),
                _ => return None,
            };
            Some(Self { id, word })
        })
    }

    /// As the child of a message.
    #[must_use]
    pub fn write(&self) -> Element {
        let tag = Tag::new(self.word.name(), ns::JINGLE_MESSAGE).attr("id", &self.id);
        let tag = match &self.word {
            Word::Propose { media, .. } => tag.children(
                media
                    .iter()
                    .map(|kind| Tag::new("description", ns::RTP).attr("media", kind).build()),
            ),
            Word::Reject(ended) | Word::Retract(ended) | Word::Finish(ended) => tag
                .children(ended.reason.iter().map(Reason::write))
                .flag(ended.tie_break, "tie-break", ns::JINGLE_MESSAGE),
            Word::Ringing | Word::Proceed | Word::Accept => tag,
        };
        tag.build()
    }
}

impl Word {
    /// The name of its element.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Propose { .. } => "propose",
            Self::Ringing => "ringing",
            Self::Proceed => "proceed",
            Self::Accept => "accept",
            Self::Reject(_) => "reject",
            Self::Retract(_) => "retract",
            Self::Finish(_) => "finish",
        }
    }
}

fn propose(element: &Element) -> Word {
    let descriptions = || {
        let children = element.children();
        children.filter(|child| child.name() == "description")
    };
    let rtp = descriptions().filter(|child| child.ns() == ns::RTP);
    Word::Propose {
        media: rtp
            .filter_map(|child| said(child, "media"))
            .take(MEDIA_MAX)
            .collect(),
        foreign: descriptions().any(|child| child.ns() != ns::RTP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jingle::reason::Condition;

    fn message(inside: &str) -> Element {
        let text = format!("<message xmlns='jabber:client'>{inside}</message>");
        text.parse().unwrap()
    }

    #[test]
    fn every_word_comes_back() {
        let busy = Ended::because(Reason::new(Condition::Busy));
        let tie = Ended {
            tie_break: true,
            ..Ended::because(Reason::new(Condition::Expired))
        };
        for word in [
            Word::Propose {
                media: vec!["audio".to_owned(), "video".to_owned()],
                foreign: false,
            },
            Word::Ringing,
            Word::Proceed,
            Word::Accept,
            Word::Reject(busy),
            Word::Retract(tie),
            Word::Finish(Ended::default()),
        ] {
            let initiation = Initiation::new("a/+b", word);
            let mut message = message("<body>x</body>");
            message.append_child(initiation.write());
            assert_eq!(Initiation::read(&message), Some(initiation));
        }
    }

    #[test]
    fn proposals_of_others_are_seen_to_be_foreign() {
        // Conversations ignores a proposal that holds any other description.
        let read = Initiation::read(&message(
            "<propose xmlns='urn:xmpp:jingle-message:0' id='1'>\
             <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></propose>",
        ));
        let foreign = Word::Propose {
            media: Vec::new(),
            foreign: true,
        };
        assert_eq!(read, Some(Initiation::new("1", foreign)));
    }

    #[test]
    fn words_without_a_call_are_none() {
        let long = format!(
            "<propose xmlns='urn:xmpp:jingle-message:0' id='{}'/>",
            "x".repeat(ID_BYTES_MAX + 1)
        );
        for inside in [
            long.as_str(),
            "<propose xmlns='urn:xmpp:jingle-message:0'/>",
            "<propose xmlns='urn:other' id='1'/>",
            "<dance xmlns='urn:xmpp:jingle-message:0' id='1'/>",
            "",
        ] {
            assert_eq!(Initiation::read(&message(inside)), None, "{inside}");
        }
    }
}
