//! What is common to both kinds of login: what a stream's state machine wants done, and why a login
//! has failed.

use minidom::Element;

use super::client::Client;
use super::component::Component;
use super::ns;
use super::stream::{Header, Item};
use crate::id::Source;

/// What a session wants done, in order.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Write this.
    Write(String),
    /// Begin TLS; a new stream follows.
    StartTls,
    /// What the server sends from here on is a new stream.
    Restart,
    /// Stanzas may flow.
    Online {
        /// Our address.
        jid: String,
        /// Whether it is the session of before, with all that was under way.
        resumed: bool,
    },
    /// A stanza has come.
    Up(Element),
    /// A stanza of ours has not arrived and is to be sent in the new session.
    Again(Element),
    /// A stanza of ours may have arrived or not: the server forgot the session that it was sent in.
    Lost(Element),
    /// There is room for stanzas that wait.
    Room,
    /// The login is over.
    Fail(Failure),
}

/// Why an entity is not online; its text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no way to the server.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The secret or the password is wrong, or the address is not the server's.
    #[error("the server refuses the login: {0}")]
    Refused(String),
    /// Somebody else is logged in by the same address.
    #[error("the server says that somebody else is connected by this address")]
    Conflict,
    /// The server offers no TLS, and without it no password is sent (RFC 6120 §13.8).
    #[error("the server offers no TLS: no password is sent")]
    TlsRequired,
    /// No way to prove who it is that both know.
    #[error("the server offers no mechanism that is known here, but {0}")]
    NoMechanism(String),
    /// What came is not what the protocol has there.
    #[error("the server does not keep to the protocol: {0}")]
    Misbehaved(String),
    /// Not ready in time.
    #[error("the server did not finish the login in time")]
    Late,
    /// Nothing came for too long.
    #[error("the server has said nothing for too long")]
    Silent,
    /// The stream ended.
    #[error("the server closed the stream: {0}")]
    Closed(String),
}

/// How soon there is to be another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// With a growing delay.
    BackOff,
    /// Late, and not for ever where a password was refused.
    Refused,
}

impl Failure {
    /// How soon there is to be another attempt.
    #[must_use]
    pub fn patience(&self) -> Patience {
        match self {
            Self::Refused(_) | Self::TlsRequired | Self::NoMechanism(_) => Patience::Refused,
            Self::Unreachable(_)
            | Self::Conflict
            | Self::Misbehaved(_)
            | Self::Late
            | Self::Silent
            | Self::Closed(_) => Patience::BackOff,
        }
    }

    /// What a stream error says (RFC 6120 §4.9.3).
    #[must_use]
    pub fn of_stream(error: &Element) -> Self {
        let children = || {
            error
                .children()
                .filter(|child| child.ns() == ns::STREAM_ERRORS)
        };
        let name = |child: &Element| child.name().to_owned();
        let condition = children().map(name).find(|name| name != "text");
        let condition = condition.unwrap_or_else(|| "undefined-condition".to_owned());
        let text = children().find(|child| child.name() == "text");
        let said = match text {
            Some(text) => format!("{condition}: {}", short(&text.text())),
            None => condition.clone(),
        };
        match condition.as_str() {
            "not-authorized" | "host-unknown" | "invalid-namespace" => Self::Refused(said),
            "conflict" => Self::Conflict,
            _ => Self::Closed(said),
        }
    }
}

/// A server's words, as far as a log has room for them.
#[must_use]
pub(super) fn short(text: &str) -> String {
    let fits = text.chars().filter(|c| !c.is_control());
    fits.take(200).collect()
}

/// A login: of a component or of an account.
#[derive(Debug)]
pub(super) enum Session {
    Component(Component),
    Client(Client),
}

impl Session {
    /// The connection is there.
    pub(super) fn connected(&mut self, ids: &mut Source) -> Vec<Step> {
        match self {
            Self::Component(component) => component.opened(),
            Self::Client(client) => client.connected(ids),
        }
    }

    /// The connection has become one of TLS.
    pub(super) fn secured(&mut self) -> Vec<Step> {
        match self {
            Self::Component(_) => {
                let what = "TLS that was not asked for".to_owned();
                vec![Step::Fail(Failure::Misbehaved(what))]
            }
            Self::Client(client) => client.secured(),
        }
    }

    /// Whether the next bytes have to be of a TLS hand-shake.
    pub(super) fn is_securing(&self) -> bool {
        match self {
            Self::Component(_) => false,
            Self::Client(client) => client.is_securing(),
        }
    }

    /// Something has come.
    pub(super) fn item(&mut self, item: Item, ids: &mut Source) -> Vec<Step> {
        match (self, item) {
            (Self::Component(component), Item::Header(Header { id, .. })) => component.header(&id),
            (Self::Component(component), Item::Stanza(element)) => component.element(element),
            (Self::Client(client), Item::Header(_)) => client.header(),
            (Self::Client(client), Item::Stanza(element)) => client.element(element, ids),
            (Self::Client(client), Item::Skipped(_)) => {
                client.passed_over();
                Vec::new()
            }
            (Self::Component(_), Item::Skipped(_)) => Vec::new(),
            (_, Item::End) => vec![Step::Fail(Failure::Closed("its end".into()))],
        }
    }

    /// The text of a stanza on the wire.
    pub(super) fn text(&self, stanza: &Element) -> String {
        match self {
            Self::Component(_) => super::write::stanza(stanza, ns::COMPONENT),
            Self::Client(_) => super::write::stanza(stanza, ns::CLIENT),
        }
    }

    /// A stanza is sent. Returns what is to follow it.
    pub(super) fn sent(&mut self, stanza: Element) -> Option<String> {
        match self {
            Self::Component(_) => None,
            Self::Client(client) => client.sent(stanza),
        }
    }

    /// Whether a stanza may be sent now, or has to wait for acknowledgements.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Component(_) => true,
            Self::Client(client) => client.has_room(),
        }
    }

    /// Our address.
    pub(super) fn own(&self) -> &str {
        match self {
            Self::Component(component) => component.domain(),
            Self::Client(client) => client.jid(),
        }
    }

    /// The connection is gone.
    pub(super) fn closed(&mut self) {
        match self {
            Self::Component(component) => component.closed(),
            Self::Client(client) => client.closed(),
        }
    }

    /// The stream broke inside of a stanza that cannot be read.
    pub(super) fn poisoned(&mut self) {
        match self {
            // A component has no session that would bring it again.
            Self::Component(_) => {}
            Self::Client(client) => client.passed_over(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_errors_say_whose_fault_it_is() {
        let of = |inside: &str| {
            let inside = inside.replace("X", "xmlns='urn:ietf:params:xml:ns:xmpp-streams'");
            let text = format!("<error xmlns='{}'>{inside}</error>", ns::STREAMS);
            Failure::of_stream(&text.parse().unwrap())
        };
        let refused = of("<not-authorized X/><text X>no</text>");
        assert_eq!(refused, Failure::Refused("not-authorized: no".into()));
        assert_eq!(of("<conflict X/>"), Failure::Conflict);
        assert_eq!(
            of("<text X>bye</text><reset X/>"),
            Failure::Closed("reset: bye".into())
        );
        assert_eq!(of(""), Failure::Closed("undefined-condition".into()));
    }
}
