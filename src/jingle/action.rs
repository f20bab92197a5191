//! [`Jingle`]: the element of every message of a session (XEP-0166 §7.1), and its [`Action`].

use minidom::Element;

use super::content::Content;
use super::error::ReadError;
use super::group::Group;
use super::info::Info;
use super::ns;
use super::propose::ID_BYTES_MAX;
use super::reason::Reason;
use super::tag::{Tag, said, within};
use crate::sdp::Limits;

/// What a message does (XEP-0166 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes a content that was added.
    ContentAccept,
    /// Adds a content.
    ContentAdd,
    /// Changes who sends.
    ContentModify,
    /// Does not take a content that was added.
    ContentReject,
    /// Removes a content.
    ContentRemove,
    /// Changes parameters of a description.
    DescriptionInfo,
    /// Changes parameters of security.
    SecurityInfo,
    /// Takes the session.
    SessionAccept,
    /// Says something of the session.
    SessionInfo,
    /// Begins the session.
    SessionInitiate,
    /// Ends it.
    SessionTerminate,
    /// Takes another transport.
    TransportAccept,
    /// Tells candidates, or new credentials.
    TransportInfo,
    /// Does not take another transport.
    TransportReject,
    /// Wants another transport.
    TransportReplace,
    /// What nobody here knows.
    Other(String),
}

/// `<jingle/>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jingle {
    /// What it does.
    pub action: Action,
    /// The session. Opaque: clients put `/` and `+` into it.
    pub sid: String,
    /// The full JID of who began, as text.
    pub initiator: Option<String>,
    /// The full JID of who accepted, as text.
    pub responder: Option<String>,
    /// Why.
    pub reason: Option<Reason>,
    /// The contents, in order.
    pub contents: Vec<Content>,
    /// Groups of contents.
    pub groups: Vec<Group>,
    /// What a session-info says.
    pub info: Vec<Info>,
}

const ACTIONS: [(&str, Action); 15] = [
    ("content-accept", Action::ContentAccept),
    ("content-add", Action::ContentAdd),
    ("content-modify", Action::ContentModify),
    ("content-reject", Action::ContentReject),
    ("content-remove", Action::ContentRemove),
    ("description-info", Action::DescriptionInfo),
    ("security-info", Action::SecurityInfo),
    ("session-accept", Action::SessionAccept),
    ("session-info", Action::SessionInfo),
    ("session-initiate", Action::SessionInitiate),
    ("session-terminate", Action::SessionTerminate),
    ("transport-accept", Action::TransportAccept),
    ("transport-info", Action::TransportInfo),
    ("transport-reject", Action::TransportReject),
    ("transport-replace", Action::TransportReplace),
];

impl Action {
    /// Reads the attribute. An unknown one is kept as text.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let known = ACTIONS.iter().find(|(known, _)| *known == name);
        known.map_or_else(
            || Self::Other(name.to_owned()),
            |(_, action)| action.clone(),
        )
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if let Self::Other(name) = self {
            return name;
        }
        let known = ACTIONS.iter().find(|(_, action)| action == self);
        known.map_or("", |(name, _)| name)
    }
}

impl Jingle {
    /// A message without contents.
    #[must_use]
    pub fn new(action: Action, sid: &str) -> Self {
        Self {
            action,
            sid: sid.to_owned(),
            initiator: None,
            responder: None,
            reason: None,
            contents: Vec::new(),
            groups: Vec::new(),
            info: Vec::new(),
        }
    }

    /// Reads `<jingle/>`. What is not known inside is ignored; nothing there fails it.
    ///
    /// # Errors
    /// [`ReadError`] where it is another element, has no action or sid, or is over a limit.
    pub fn read(element: &Element, limits: &Limits) -> Result<Self, ReadError> {
        if !element.is("jingle", ns::JINGLE) {
            return Err(ReadError::NotJingle);
        }
        within(element, limits)?;
        let action = said(element, "action").ok_or(ReadError::NoAction)?;
        let sid = said(element, "sid").ok_or(ReadError::NoSid)?;
        if sid.len() > ID_BYTES_MAX {
            return Err(ReadError::TooMany("bytes of the sid", ID_BYTES_MAX));
        }
        let mut jingle = Self::new(Action::from_name(&action), &sid);
        jingle.initiator = said(element, "initiator");
        jingle.responder = said(element, "responder");
        let is_info = jingle.action == Action::SessionInfo;
        for child in element.children() {
            match (child.name(), child.ns().as_str()) {
                ("content", ns::JINGLE) => {
                    if jingle.contents.len() >= limits.media_max {
                        return Err(ReadError::TooMany("contents", limits.media_max));
                    }
                    jingle.contents.extend(Content::read(child));
                }
                ("reason", ns::JINGLE) => jingle.reason = Some(Reason::read(child)),
                ("group", ns::GROUPING) => jingle.groups.extend(Group::read(child)),
                (_, _) if is_info => jingle.info.push(Info::read(child)),
                // What extensions add to a message of another action.
                _ => {}
            }
        }
        Ok(jingle)
    }

    /// As an element. Groups come first, where Conversations has them.
    #[must_use]
    pub fn write(&self) -> Element {
        let mut tag = Tag::new("jingle", ns::JINGLE)
            .attr("action", self.action.as_str())
            .attr_if("initiator", self.initiator.as_deref())
            .attr_if("responder", self.responder.as_deref())
            .attr("sid", &self.sid)
            .children(self.groups.iter().map(Group::write))
            .children(self.contents.iter().map(Content::write));
        if let Some(reason) = &self.reason {
            tag = tag.child(reason.write());
        }
        tag.children(self.info.iter().filter_map(Info::write))
            .build()
    }

    /// The message in a line, for a ladder: its action, its contents with who sends, candidates,
    /// what it says of the session, why it ends.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut line = self.action.as_str().to_owned();
        for content in &self.contents {
            line += &format!(" {}", content.name);
            if let Some(senders) = content.senders {
                line += &format!("={}", senders.as_str());
            }
            let ice = content.ice();
            if let Some(ice) = ice.filter(|_| self.action == Action::TransportInfo) {
                let ufrag = ice.ufrag.as_deref().unwrap_or("?");
                line += &match ice.candidates.as_slice() {
                    [] => format!(" (new credentials {ufrag})"),
                    [one] => format!(" ({} {} {ufrag})", one.kind, one.ip),
                    many => format!(" ({} candidates {ufrag})", many.len()),
                };
            }
        }
        for info in &self.info {
            line += &format!(" {}", info.name());
        }
        if let Some(reason) = &self.reason {
            line += &format!(" {}", reason.condition);
        }
        line
    }

    /// The content of this name.
    #[must_use]
    pub fn content(&self, name: &str) -> Option<&Content> {
        self.contents.iter().find(|content| content.name == name)
    }

    /// Takes what transport-infos said before this message and it does not say.
    pub fn absorb(&mut self, earlier: &[Content]) {
        for content in &mut self.contents {
            for one in earlier {
                if one.name == content.name {
                    content.absorb(one);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Jingle, ReadError> {
        Jingle::read(&text.parse().unwrap(), &Limits::default())
    }

    #[test]
    fn every_action_has_its_name() {
        for (name, action) in &ACTIONS {
            assert_eq!(&Action::from_name(name), action);
            assert_eq!(action.as_str(), *name);
        }
        let other = Action::from_name("session-dance");
        assert_eq!(other.as_str(), "session-dance");
    }

    #[test]
    fn what_is_not_jingle_is_refused_with_what_was_expected() {
        for (text, error) in [
            ("<jingle xmlns='urn:xmpp:jingle:0'/>", ReadError::NotJingle),
            (
                "<jingle xmlns='urn:xmpp:jingle:1' sid='a'/>",
                ReadError::NoAction,
            ),
            (
                "<jingle xmlns='urn:xmpp:jingle:1' action='x' sid=' '/>",
                ReadError::NoSid,
            ),
        ] {
            assert_eq!(read(text), Err(error));
        }
        let sid = "x".repeat(257);
        let long = format!("<jingle xmlns='{}' action='x' sid='{sid}'/>", ns::JINGLE);
        assert_eq!(
            read(&long),
            Err(ReadError::TooMany("bytes of the sid", 256))
        );
        let contents = "<content name='a'/>".repeat(65);
        let many = format!(
            "<jingle xmlns='{}' action='x' sid='a'>{contents}</jingle>",
            ns::JINGLE
        );
        assert_eq!(read(&many), Err(ReadError::TooMany("contents", 64)));
    }

    #[test]
    fn children_come_in_any_order_and_foreign_ones_do_no_harm() {
        let text = "<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='a/+'>\
            <hold xmlns='urn:xmpp:jingle:apps:rtp:info:1'/><reason><success/></reason>\
            <content name='0'/><group xmlns='urn:xmpp:jingle:apps:grouping:0'/>\
            <group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='LS'/></jingle>";
        let jingle = read(text).unwrap();
        assert_eq!(
            (jingle.sid.as_str(), &jingle.info[..]),
            ("a/+", &[Info::Hold][..])
        );
        assert_eq!((jingle.groups.len(), jingle.contents.len()), (1, 1));
        let again = Jingle::read(&jingle.write(), &Limits::default());
        assert_eq!(again, Ok(jingle));
    }
}
