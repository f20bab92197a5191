//! [`Content`]: one medium of a session (XEP-0166 §7.3), with who made it and who sends.

use std::fmt;

use minidom::Element;

use super::ice_udp::IceUdp;
use super::ns;
use super::rtp::Description;
use super::tag::{Tag, said};
use crate::sdp::Direction;

/// Which end of a session. Fixed by the first session-initiate, whoever offers later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sent the session-initiate.
    Initiator,
    /// Was sent it.
    Responder,
}

/// Who sends in a content. Absolute, where a direction is relative to its author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Senders {
    /// Both ends; what a content without a word means.
    #[default]
    Both,
    /// The initiator alone.
    Initiator,
    /// The responder alone.
    Responder,
    /// Neither.
    None,
}

/// What a content is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Application {
    /// Audio or video by RTP.
    Rtp(Box<Description>),
    /// Something else, by its namespace.
    Other(String),
}

/// How a content travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// ICE over UDP.
    IceUdp(Box<IceUdp>),
    /// Something else, by its namespace.
    Other(String),
}

/// `<content/>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Who put it into the session; echoed in every later message. Never used to find a content:
    /// one client writes `responder` in its own session-initiate.
    pub creator: Role,
    /// Its name.
    pub name: String,
    /// Who sends, where it is said.
    pub senders: Option<Senders>,
    /// `session` where nothing is said.
    pub disposition: Option<String>,
    /// What it is about.
    pub application: Option<Application>,
    /// How it travels.
    pub transport: Option<Transport>,
}

impl Role {
    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        }
    }

    fn senders(self) -> Senders {
        match self {
            Self::Initiator => Senders::Initiator,
            Self::Responder => Senders::Responder,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Senders {
    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Initiator => "initiator",
            Self::Responder => "responder",
            Self::None => "none",
        }
    }

    /// Reads the attribute; `None` for what is not known. Jitsi's `rejected` is nobody.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "both" => Some(Self::Both),
            "initiator" => Some(Self::Initiator),
            "responder" => Some(Self::Responder),
            "none" | "rejected" => Some(Self::None),
            _ => None,
        }
    }

    /// What a direction means that the end of this role wrote.
    #[must_use]
    pub fn of(direction: Direction, author: Role) -> Self {
        match direction {
            Direction::SendRecv => Self::Both,
            Direction::SendOnly => author.senders(),
            Direction::RecvOnly => author.other().senders(),
            Direction::Inactive => Self::None,
        }
    }

    /// The direction that the end of this role writes for it.
    #[must_use]
    pub fn direction(self, author: Role) -> Direction {
        let by = |role: Role| self == Self::Both || self == role.senders();
        Direction::of(by(author), by(author.other()))
    }
}

impl Content {
    /// A content that says no more than which one it is.
    #[must_use]
    pub fn named(creator: Role, name: &str) -> Self {
        Self {
            creator,
            name: name.to_owned(),
            senders: None,
            disposition: None,
            application: None,
            transport: None,
        }
    }

    /// Reads `<content/>`; `None` where it has no name.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let creator = match said(element, "creator").as_deref() {
            Some("responder") => Role::Responder,
            // The initiator's also where it is missing: it is not used to find the content.
            _ => Role::Initiator,
        };
        let mut content = Self::named(creator, &said(element, "name")?);
        content.senders = said(element, "senders").and_then(|name| Senders::from_name(&name));
        content.disposition = said(element, "disposition");
        for child in element.children() {
            let namespace = child.ns();
            match (child.name(), namespace.as_str()) {
                ("description", ns::RTP) if content.application.is_none() => {
                    let description = Description::read(child);
                    content.application = Some(Application::Rtp(Box::new(description)));
                }
                ("description", _) if content.application.is_none() => {
                    content.application = Some(Application::Other(namespace));
                }
                ("transport", ns::ICE_UDP) if content.transport.is_none() => {
                    content.transport = Some(Transport::IceUdp(Box::new(IceUdp::read(child))));
                }
                ("transport", _) if content.transport.is_none() => {
                    content.transport = Some(Transport::Other(namespace));
                }
                // A second one of either, `<security/>`, and what extensions add.
                _ => {}
            }
        }
        Some(content)
    }

    /// As an element. Descriptions and transports of others are not written.
    #[must_use]
    pub fn write(&self) -> Element {
        let mut tag = Tag::new("content", ns::JINGLE)
            .attr("creator", self.creator.as_str())
            .attr_if("disposition", self.disposition.as_deref())
            .attr("name", &self.name)
            .attr_if("senders", self.senders.map(Senders::as_str));
        if let Some(description) = self.description() {
            tag = tag.child(description.write());
        }
        if let Some(transport) = self.ice() {
            tag = tag.child(transport.write());
        }
        tag.build()
    }

    /// The description, where it is one of RTP.
    #[must_use]
    pub fn description(&self) -> Option<&Description> {
        match self.application.as_ref()? {
            Application::Rtp(description) => Some(description),
            Application::Other(_) => None,
        }
    }

    /// The transport, where it is one of ICE.
    #[must_use]
    pub fn ice(&self) -> Option<&IceUdp> {
        match self.transport.as_ref()? {
            Transport::IceUdp(transport) => Some(transport),
            Transport::Other(_) => None,
        }
    }

    pub(super) fn ice_mut(&mut self) -> Option<&mut IceUdp> {
        match self.transport.as_mut()? {
            Transport::IceUdp(transport) => Some(transport),
            Transport::Other(_) => None,
        }
    }

    /// Takes the candidates of another message about the same content.
    pub(super) fn join_candidates(&mut self, other: &Self) {
        if let (Some(Transport::IceUdp(ours)), Some(theirs)) = (&mut self.transport, other.ice()) {
            ours.candidates.extend(theirs.candidates.iter().cloned());
        }
    }

    /// Takes what earlier messages said of the transport and this one does not.
    pub fn absorb(&mut self, earlier: &Self) {
        match (&mut self.transport, earlier.ice()) {
            (Some(Transport::IceUdp(transport)), Some(earlier)) => transport.absorb(earlier),
            (None, Some(earlier)) => {
                self.transport = Some(Transport::IceUdp(Box::new(earlier.clone())));
            }
            (Some(Transport::Other(_)), _) | (_, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_follow_the_role_of_the_author() {
        use Direction as D;
        use Senders as S;
        let table = [
            (D::SendRecv, S::Both, S::Both),
            (D::SendOnly, S::Initiator, S::Responder),
            (D::RecvOnly, S::Responder, S::Initiator),
            (D::Inactive, S::None, S::None),
        ];
        for (direction, initiator, responder) in table {
            for (role, senders) in [(Role::Initiator, initiator), (Role::Responder, responder)] {
                assert_eq!(Senders::of(direction, role), senders);
                assert_eq!(senders.direction(role), direction);
                assert_eq!(senders.direction(role.other()), direction.reversed());
            }
        }
    }

    #[test]
    fn content_without_a_word_is_for_both() {
        let text = "<content xmlns='urn:xmpp:jingle:1' name='voice' creator='me' senders='x'/>";
        let content = Content::read(&text.parse().unwrap()).unwrap();
        assert_eq!(content.senders.unwrap_or_default(), Senders::Both);
        assert_eq!(content.creator, Role::Initiator);
        let nameless = "<content xmlns='urn:xmpp:jingle:1' creator='initiator'/>";
        assert_eq!(Content::read(&nameless.parse().unwrap()), None);
    }

    #[test]
    fn jitsi_rejects_by_senders() {
        assert_eq!(Senders::from_name("rejected"), Some(Senders::None));
    }

    #[test]
    fn foreign_descriptions_and_transports_are_told_by_namespace() {
        let text = "<content xmlns='urn:xmpp:jingle:1' name='f' creator='responder'>\
            <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/>\
            <transport xmlns='urn:xmpp:jingle:transports:s5b:1'/></content>";
        let content = Content::read(&text.parse().unwrap()).unwrap();
        assert!(content.description().is_none() && content.ice().is_none());
        assert!(matches!(&content.application, Some(Application::Other(n)) if n.ends_with("er:5")));
        assert_eq!(content.write().children().count(), 0);
    }
}
