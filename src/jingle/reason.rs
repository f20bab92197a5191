//! [`Reason`]: why a session ends (XEP-0166 §7.4), and what that is in the middle's words.
//!
//! One table for `session-terminate`, one for what is only proposed (XEP-0353 `reject` and
//! `retract`), each in both directions. No RFC maps these; `docs/interworking.md` prints them.

use std::fmt;

use minidom::Element;

use super::ns;
use super::tag::Tag;
use crate::call::cause::Cause;

/// `<reason/>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The condition.
    pub condition: Condition,
    /// A sentence for people.
    pub text: Option<String>,
}

/// Why, in one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Another session of these two goes on; its sid where it is said.
    AlternativeSession(Option<String>),
    /// The party is on the phone.
    Busy,
    /// The initiator gave up.
    Cancel,
    /// Packets do not get through.
    ConnectivityError,
    /// The party does not want.
    Decline,
    /// The session lasted too long.
    Expired,
    /// An application could not be started.
    FailedApplication,
    /// A transport could not be started.
    FailedTransport,
    /// Something else.
    GeneralError,
    /// The party has gone away.
    Gone,
    /// Parameters do not fit.
    IncompatibleParameters,
    /// Media could not be processed.
    MediaError,
    /// Security did not hold.
    SecurityError,
    /// It is over, and all was well.
    Success,
    /// It took too long.
    Timeout,
    /// None of the applications can be used.
    UnsupportedApplications,
    /// None of the transports can be used.
    UnsupportedTransports,
    /// What nobody here knows.
    Other(String),
}

/// How far a call has come, and on which end the peer is, when it is told a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody has answered; the peer is the one who was called.
    Callee,
    /// Nobody has answered; the peer is the one who calls.
    Caller,
    /// It was answered.
    Answered,
}

const CONDITIONS: [(&str, Condition); 17] = [
    ("alternative-session", Condition::AlternativeSession(None)),
    ("busy", Condition::Busy),
    ("cancel", Condition::Cancel),
    ("connectivity-error", Condition::ConnectivityError),
    ("decline", Condition::Decline),
    ("expired", Condition::Expired),
    ("failed-application", Condition::FailedApplication),
    ("failed-transport", Condition::FailedTransport),
    ("general-error", Condition::GeneralError),
    ("gone", Condition::Gone),
    ("incompatible-parameters", Condition::IncompatibleParameters),
    ("media-error", Condition::MediaError),
    ("security-error", Condition::SecurityError),
    ("success", Condition::Success),
    ("timeout", Condition::Timeout),
    (
        "unsupported-applications",
        Condition::UnsupportedApplications,
    ),
    ("unsupported-transports", Condition::UnsupportedTransports),
];

impl Condition {
    /// The name of the element.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AlternativeSession(_) => "alternative-session",
            Self::Other(name) => name,
            known => {
                let found = CONDITIONS.iter().find(|(_, condition)| condition == known);
                found.map_or("general-error", |(name, _)| name)
            }
        }
    }

    /// All that the XEP has.
    #[must_use]
    pub fn all() -> Vec<Self> {
        CONDITIONS
            .iter()
            .map(|(_, condition)| condition.clone())
            .collect()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Reason {
    /// With a condition alone.
    #[must_use]
    pub fn new(condition: Condition) -> Self {
        Self {
            condition,
            text: None,
        }
    }

    /// With a sentence for people.
    #[must_use]
    pub fn with(condition: Condition, text: &str) -> Self {
        Self {
            condition,
            text: Some(text.to_owned()),
        }
    }

    /// Reads `<reason/>`. One without a condition, or with an unknown one, is a reason as well.
    #[must_use]
    pub fn read(element: &Element) -> Self {
        let mut condition = None;
        let mut text = None;
        for child in element.children().filter(|child| child.has_ns(ns::JINGLE)) {
            match child.name() {
                "text" => text = Some(child.text().trim().to_owned()),
                "alternative-session" => {
                    let sid = child.children().find(|child| child.name() == "sid");
                    let sid = sid.map(|sid| sid.text().trim().to_owned());
                    condition.get_or_insert(Condition::AlternativeSession(sid));
                }
                name => {
                    let known = CONDITIONS.iter().find(|(known, _)| *known == name);
                    let known = known.map(|(_, condition)| condition.clone());
                    condition.get_or_insert(known.unwrap_or(Condition::Other(name.to_owned())));
                }
            }
        }
        Self {
            condition: condition.unwrap_or(Condition::GeneralError),
            text: text.filter(|text| !text.is_empty()),
        }
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        let known = CONDITIONS
            .iter()
            .find(|(name, _)| *name == self.condition.as_str());
        let name = known.map_or("general-error", |(name, _)| *name);
        let mut condition = Tag::new(name, ns::JINGLE);
        if let Condition::AlternativeSession(Some(sid)) = &self.condition {
            condition = condition.child(Tag::new("sid", ns::JINGLE).text(sid).build());
        }
        let mut tag = Tag::new("reason", ns::JINGLE).child(condition.build());
        if let Some(text) = &self.text {
            tag = tag.child(Tag::new("text", ns::JINGLE).text(text).build());
        }
        tag.build()
    }

    /// What a session-terminate says for a cause.
    #[must_use]
    pub fn to_terminate(cause: Cause) -> Self {
        use Condition as C;
        match cause {
            Cause::Normal => Self::new(C::Success),
            Cause::Cancelled => Self::new(C::Cancel),
            Cause::AnsweredElsewhere => Self::with(C::Cancel, "answered elsewhere"),
            Cause::Busy => Self::new(C::Busy),
            Cause::Declined => Self::new(C::Decline),
            Cause::NoAnswer => Self::with(C::Timeout, "nobody answered"),
            // The XEP has no word for it.
            Cause::NotFound => Self::with(C::GeneralError, "there is nobody of that address"),
            Cause::Unavailable => Self::new(C::Gone),
            Cause::Unreachable => Self::with(C::ConnectivityError, "the next hop does not answer"),
            Cause::NoCommonCodec => Self::with(C::IncompatibleParameters, "no codec in common"),
            Cause::NotAcceptable => Self::new(C::UnsupportedApplications),
            Cause::Forbidden => Self::with(C::SecurityError, "not allowed"),
            Cause::Overloaded => Self::with(C::GeneralError, "too much is going on; try later"),
            Cause::Misbehaved => Self::with(C::FailedApplication, "the far end broke its protocol"),
            Cause::Timeout => Self::with(C::Timeout, "the far end vanished"),
            Cause::Draining => Self::with(C::GeneralError, "the gateway is being shut down"),
            Cause::Moved => Self::with(C::Gone, "the far end is to be called elsewhere"),
            Cause::Internal => Self::with(C::GeneralError, "the gateway failed"),
        }
    }

    /// What a reject or retract of a proposal says for a cause. As a terminate, but what was only
    /// proposed was no session that could succeed.
    #[must_use]
    pub fn to_propose_end(cause: Cause) -> Self {
        match cause {
            Cause::Normal => Self::new(Condition::Cancel),
            other => Self::to_terminate(other),
        }
    }

    /// What a session-terminate of the peer means.
    #[must_use]
    pub fn terminate_cause(reason: Option<&Self>, phase: Phase) -> Cause {
        use Condition as C;
        let condition = reason.map(|reason| &reason.condition);
        match (phase, condition) {
            (Phase::Caller, _) => Cause::Cancelled,
            (Phase::Callee, None) => Cause::Declined,
            (Phase::Callee, Some(condition)) => match condition {
                C::Busy | C::AlternativeSession(_) => Cause::Busy,
                C::Decline => Cause::Declined,
                C::Cancel | C::Success | C::Gone => Cause::Unavailable,
                C::Timeout | C::Expired => Cause::NoAnswer,
                C::ConnectivityError | C::FailedTransport => Cause::Unreachable,
                C::IncompatibleParameters => Cause::NoCommonCodec,
                C::FailedApplication
                | C::MediaError
                | C::SecurityError
                | C::UnsupportedApplications
                | C::UnsupportedTransports => Cause::NotAcceptable,
                C::GeneralError | C::Other(_) => Cause::Internal,
            },
            (Phase::Answered, None) => Cause::Normal,
            (Phase::Answered, Some(condition)) => match condition {
                C::Success | C::Decline | C::Cancel | C::Busy | C::AlternativeSession(_) => {
                    Cause::Normal
                }
                C::Timeout | C::Expired | C::Gone => Cause::Timeout,
                C::ConnectivityError | C::FailedTransport => Cause::Unreachable,
                C::IncompatibleParameters
                | C::FailedApplication
                | C::MediaError
                | C::SecurityError
                | C::UnsupportedApplications
                | C::UnsupportedTransports => Cause::NotAcceptable,
                C::GeneralError | C::Other(_) => Cause::Internal,
            },
        }
    }

    /// What a `reject` of our proposal means. Without a reason it is a busy callee: older clients
    /// give none, and decline is said in so many words.
    #[must_use]
    pub fn reject_cause(reason: Option<&Self>) -> Cause {
        match reason {
            None => Cause::Busy,
            Some(_) => Self::terminate_cause(reason, Phase::Callee),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_comes_back() {
        for condition in Condition::all() {
            let reason = Reason::with(condition, "why");
            assert_eq!(Reason::read(&reason.write()), reason);
        }
        let other = Reason::new(Condition::AlternativeSession(Some("b84".to_owned())));
        assert_eq!(Reason::read(&other.write()), other);
    }

    #[test]
    fn unknown_and_foreign_conditions_are_no_failure() {
        let read = |inside: &str| {
            let text = format!("<reason xmlns='{}'>{inside}</reason>", ns::JINGLE);
            Reason::read(&text.parse().unwrap())
        };
        let odd = read("<sip-error xmlns='urn:x' code='486'/><boredom/><text> so </text>");
        assert_eq!(odd.condition, Condition::Other("boredom".to_owned()));
        assert_eq!(odd.text.as_deref(), Some("so"));
        assert_eq!(read("").condition, Condition::GeneralError);
        // Only what the XEP has is ever written.
        assert!(String::from(&odd.write()).contains("general-error"));
    }

    #[test]
    fn what_a_callee_is_told_comes_back_as_the_same_cause() {
        use Cause as C;
        let kept = [
            C::Busy,
            C::Declined,
            C::NoAnswer,
            C::Unavailable,
            C::Unreachable,
            C::NoCommonCodec,
            C::NotAcceptable,
            C::Internal,
        ];
        for cause in kept {
            let reason = Reason::to_terminate(cause);
            assert_eq!(Reason::terminate_cause(Some(&reason), Phase::Callee), cause);
            assert_eq!(Reason::reject_cause(Some(&reason)), cause);
        }
    }

    #[test]
    fn caller_who_ends_before_the_answer_has_cancelled() {
        for condition in Condition::all() {
            let reason = Reason::new(condition);
            assert_eq!(
                Reason::terminate_cause(Some(&reason), Phase::Caller),
                Cause::Cancelled
            );
        }
    }

    #[test]
    fn busy_is_busy_and_cancel_is_no_decline() {
        let busy = Reason::new(Condition::Busy);
        assert_eq!(
            Reason::terminate_cause(Some(&busy), Phase::Callee),
            Cause::Busy
        );
        assert_eq!(Reason::reject_cause(None), Cause::Busy);
        let cancel = Reason::to_propose_end(Cause::Cancelled);
        assert_eq!(cancel.condition, Condition::Cancel);
        let success = Reason::to_terminate(Cause::Normal);
        assert_eq!(success.condition, Condition::Success);
        assert_eq!(
            Reason::terminate_cause(Some(&success), Phase::Answered),
            Cause::Normal
        );
        assert_eq!(
            Reason::to_propose_end(Cause::Normal).condition,
            Condition::Cancel
        );
    }

    #[test]
    fn no_cause_makes_a_client_look_for_another_session() {
        for cause in Cause::ALL {
            for reason in [Reason::to_terminate(cause), Reason::to_propose_end(cause)] {
                assert!(!matches!(
                    reason.condition,
                    Condition::AlternativeSession(_)
                ));
            }
        }
    }
}
