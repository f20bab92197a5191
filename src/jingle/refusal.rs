//! [`Refusal`]: why a request about a session is answered with an error (XEP-0166 §10).

use minidom::Element;

use super::error::MapError;
use super::ns;
use super::tag::Tag;
use crate::xmpp::stanza_error::{self, Condition};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No session of that name is known of these two.
    UnknownSession,
    /// Not at this point of the session.
    OutOfOrder,
    /// Both ends did the same at once, and this end's wins.
    TieBreak,
    /// The session has nothing of that name.
    ItemNotFound,
    /// What is said of the session is not known here.
    UnsupportedInfo,
    /// The action is not done here.
    NotImplemented,
    /// It breaks the protocol.
    BadRequest,
    /// It cannot be taken as it is.
    NotAcceptable,
    /// Not allowed.
    Forbidden,
    /// Too much is going on.
    Overloaded,
}

impl Refusal {
    /// The error that answers a request; `None` for what is none.
    #[must_use]
    pub fn answer(self, request: &Element, text: Option<&str>) -> Option<Element> {
        let (condition, jingle) = self.conditions();
        let mut answer = stanza_error::error(request, condition, text)?;
        let error = answer.get_child_mut("error", crate::xmpp::ns::CLIENT);
        if let (Some(name), Some(error)) = (jingle, error) {
            error.append_child(Tag::new(name, ns::ERRORS).build());
        }
        Some(answer)
    }

    /// XEP-0166 §10, table 2: the condition of the stanza, and Jingle's own.
    fn conditions(self) -> (Condition, Option<&'static str>) {
        match self {
            Self::UnknownSession => (Condition::ItemNotFound, Some("unknown-session")),
            Self::OutOfOrder => (Condition::UnexpectedRequest, Some("out-of-order")),
            Self::TieBreak => (Condition::Conflict, Some("tie-break")),
            Self::ItemNotFound => (Condition::ItemNotFound, None),
            Self::UnsupportedInfo => (Condition::FeatureNotImplemented, Some("unsupported-info")),
            Self::NotImplemented => (Condition::FeatureNotImplemented, None),
            Self::BadRequest => (Condition::BadRequest, None),
            Self::NotAcceptable => (Condition::NotAcceptable, None),
            Self::Forbidden => (Condition::Forbidden, None),
            Self::Overloaded => (Condition::ResourceConstraint, None),
        }
    }

    /// How a message that cannot be applied to the session is answered.
    #[must_use]
    pub fn of(fault: &MapError) -> Self {
        match fault {
            MapError::UnknownContent(_) => Self::ItemNotFound,
            MapError::KnownContent(_) | MapError::NoDescription(_) => Self::BadRequest,
            MapError::NothingToDescribe | MapError::Description(_) => Self::NotAcceptable,
        }
    }

    /// Whether an answer of the peer refuses because of a tie.
    #[must_use]
    pub fn is_tie_break(answer: &Element) -> bool {
        says(answer, "tie-break")
    }

    /// Whether an answer of the peer says that it knows no such session.
    #[must_use]
    pub fn is_unknown_session(answer: &Element) -> bool {
        says(answer, "unknown-session")
    }
}

fn says(answer: &Element, name: &str) -> bool {
    let error = answer.get_child("error", crate::xmpp::ns::CLIENT);
    error.is_some_and(|error| error.has_child(name, ns::ERRORS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Element {
        let text = "<iq xmlns='jabber:client' type='set' id='1' from='a@b/c' to='d@e/f'/>";
        text.parse().unwrap()
    }

    #[test]
    fn jingle_says_more_than_the_stanza() {
        let answer = Refusal::TieBreak.answer(&request(), None).unwrap();
        assert_eq!(stanza_error::condition(&answer), Condition::Conflict);
        assert!(Refusal::is_tie_break(&answer));
        let answer = Refusal::UnknownSession
            .answer(&request(), Some("none"))
            .unwrap();
        assert_eq!(stanza_error::condition(&answer), Condition::ItemNotFound);
        assert!(!Refusal::is_tie_break(&answer));
    }

    #[test]
    fn answers_are_not_answered() {
        let answer = Refusal::OutOfOrder.answer(&request(), None).unwrap();
        assert_eq!(Refusal::OutOfOrder.answer(&answer, None), None);
    }
}
