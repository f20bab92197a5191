//! Errors of stanzas (RFC 6120 §8.3), and what they are as a status of SIP and back (RFC 7247 §7).
//!
//! `xmpp_parsers::stanza_error` is not used: it fails on an unknown `type`, on two foreign children
//! and on a missing condition, all of which servers and clients send. Here what cannot be read is
//! [`Condition::UndefinedCondition`].

use minidom::Element;

use super::ns;
use super::stanza::{Kind, back, element, kind, with};

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $kind:literal, $status:literal;)+) => {
        /// A condition that RFC 6120 §8.3.3 defines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Condition {
            $($(#[$doc])* $name,)+
        }

        impl Condition {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name of its element.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The `type` that RFC 6120 §8.3.3 gives it.
            #[must_use]
            pub fn kind(self) -> &'static str {
                match self { $(Self::$name => $kind,)+ }
            }

            /// The status that it is towards SIP (RFC 7247 §7.1).
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }
        }
    };
}

conditions! {
    /// The stanza breaks a rule.
    BadRequest, "bad-request", "modify", 400;
    /// There is one already.
    Conflict, "conflict", "cancel", 400;
    /// Not done here.
    FeatureNotImplemented, "feature-not-implemented", "cancel", 501;
    /// Not this one's right.
    Forbidden, "forbidden", "auth", 403;
    /// Not to be reached there any more.
    Gone, "gone", "cancel", 410;
    /// Our fault.
    InternalServerError, "internal-server-error", "cancel", 500;
    /// There is none.
    ItemNotFound, "item-not-found", "cancel", 404;
    /// The address is none.
    JidMalformed, "jid-malformed", "modify", 400;
    /// Understood, and not as it is wanted.
    NotAcceptable, "not-acceptable", "modify", 406;
    /// Nobody may.
    NotAllowed, "not-allowed", "cancel", 403;
    /// Not without credentials.
    NotAuthorized, "not-authorized", "auth", 401;
    /// A policy forbids it.
    PolicyViolation, "policy-violation", "modify", 403;
    /// Not there now.
    RecipientUnavailable, "recipient-unavailable", "wait", 480;
    /// Somewhere else.
    Redirect, "redirect", "modify", 302;
    /// Not before registering.
    RegistrationRequired, "registration-required", "auth", 407;
    /// The server does not exist.
    RemoteServerNotFound, "remote-server-not-found", "cancel", 404;
    /// The server does not answer.
    RemoteServerTimeout, "remote-server-timeout", "wait", 408;
    /// Too much.
    ResourceConstraint, "resource-constraint", "wait", 500;
    /// Not provided. RFC 7247 §7.1 warns of 503 for it: that would shut the whole peer out.
    ServiceUnavailable, "service-unavailable", "cancel", 403;
    /// Not before subscribing.
    SubscriptionRequired, "subscription-required", "auth", 400;
    /// None of these.
    UndefinedCondition, "undefined-condition", "cancel", 400;
    /// Not at this time.
    UnexpectedRequest, "unexpected-request", "wait", 491;
}

impl Condition {
    /// The condition of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }

    /// What a status of SIP is towards XMPP (RFC 7247 §7.2). `None` for one that is no error.
    #[must_use]
    pub fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            0..=299 => return None,
            301 | 410 => Self::Gone,
            380 | 406 | 415 | 416 | 421 | 482 | 483 | 488 | 505 | 606 => Self::NotAcceptable,
            300..=399 => Self::Redirect,
            401 => Self::NotAuthorized,
            403 => Self::Forbidden,
            404 | 481 | 484 | 485 | 604 => Self::ItemNotFound,
            405 | 420 | 439 | 501 => Self::FeatureNotImplemented,
            407 => Self::RegistrationRequired,
            408 | 504 => Self::RemoteServerTimeout,
            413 | 414 | 440 | 489 | 513 => Self::PolicyViolation,
            423 => Self::ResourceConstraint,
            430 | 480 | 486 | 487 => Self::RecipientUnavailable,
            491 => Self::UnexpectedRequest,
            502 => Self::RemoteServerNotFound,
            400..=499 => Self::BadRequest,
            500..=599 => Self::InternalServerError,
            _ => Self::RecipientUnavailable,
        })
    }
}

/// The error that answers a stanza; `None` for what must not be answered with one: an error, or the
/// answer to a request (RFC 6120 §8.3.1).
#[must_use]
pub fn error(stanza: &Element, condition: Condition, text: Option<&str>) -> Option<Element> {
    let is_error = stanza.attr("type") == Some("error");
    match kind(stanza) {
        Kind::Request => {}
        Kind::Message | Kind::Presence if !is_error => {}
        Kind::Message | Kind::Presence | Kind::Answer | Kind::Other => return None,
    }
    let mut error = element("error", ns::CLIENT, &[("type", condition.kind())]);
    error.append_child(Element::bare(condition.name(), ns::STANZA_ERRORS));
    if let Some(text) = text {
        error.append_child(with(Element::bare("text", ns::STANZA_ERRORS), text));
    }
    Some(with(back(stanza, "error"), error))
}

/// The condition that a stanza of type `error` tells.
#[must_use]
pub fn condition(stanza: &Element) -> Condition {
    let error = stanza.get_child("error", ns::CLIENT);
    let mut children = error.into_iter().flat_map(Element::children);
    children
        .find_map(|child| match child.ns() == ns::STANZA_ERRORS {
            true => Condition::named(child.name()),
            false => None,
        })
        .unwrap_or(Condition::UndefinedCondition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_read_as_it_was_written() {
        let request = element("iq", ns::CLIENT, &[("type", "get"), ("id", "1")]);
        for one in Condition::ALL {
            let error = error(&request, *one, Some("why")).unwrap();
            assert_eq!(condition(&error), *one);
            assert!((300..700).contains(&one.status()), "{one:?}");
        }
    }

    #[test]
    fn errors_and_answers_are_never_answered_with_an_error() {
        for (name, kind) in [("iq", "error"), ("iq", "result"), ("message", "error")] {
            let stanza = element(name, ns::CLIENT, &[("type", kind)]);
            assert!(error(&stanza, Condition::BadRequest, None).is_none());
        }
        let presence = element("presence", ns::CLIENT, &[("type", "error")]);
        assert!(error(&presence, Condition::Gone, None).is_none());
    }

    #[test]
    fn error_without_a_condition_is_undefined() {
        for inside in [
            "",
            "<error/>",
            "<error type='odd'><a xmlns='urn:x'/><b xmlns='urn:x'/></error>",
            "<error><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>gone</text></error>",
        ] {
            let text = format!("<iq xmlns='jabber:client' type='error'>{inside}</iq>");
            let stanza: Element = text.parse().unwrap();
            assert_eq!(condition(&stanza), Condition::UndefinedCondition);
        }
    }

    #[test]
    fn statuses_go_there_and_back_where_both_tables_have_them() {
        for (status, condition) in [
            (403, Condition::Forbidden),
            (404, Condition::ItemNotFound),
            (480, Condition::RecipientUnavailable),
            (408, Condition::RemoteServerTimeout),
            (401, Condition::NotAuthorized),
            (491, Condition::UnexpectedRequest),
        ] {
            assert_eq!(Condition::of_status(status), Some(condition));
            assert_eq!(condition.status(), status);
        }
        assert_eq!(Condition::of_status(200), None);
        assert_eq!(
            Condition::of_status(699),
            Some(Condition::RecipientUnavailable)
        );
        // A whole peer must not be shut out for one address that does not do something.
        assert_ne!(Condition::ServiceUnavailable.status(), 503);
    }
}
