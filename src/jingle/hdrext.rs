//! [`HeaderExtension`]: header extensions of RTP (XEP-0294, RFC 8285 §5).

use minidom::Element;

use super::content::{Role, Senders};
use super::ns;
use super::parameter::Parameter;
use super::tag::{Tag, attr, digits, said};
use crate::sdp::{Direction, Extmap};

/// `<rtp-hdrext/>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderExtension {
    /// The local identifier.
    pub id: u16,
    /// Which extension.
    pub uri: String,
    /// Who may send it; absolute, as the senders of a content.
    pub senders: Senders,
    /// What stands behind.
    pub parameters: Vec<Parameter>,
}

impl HeaderExtension {
    /// Reads `<rtp-hdrext/>`; `None` without a number and a URI. Conversations writes the
    /// direction behind the number, `1/recvonly`, where it means nothing: senders say it.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let id = attr(element, "id")?;
        let senders = said(element, "senders");
        Some(Self {
            id: digits(id.split('/').next()?)?,
            uri: said(element, "uri")?,
            // What contradicts the schema is both: who does not understand it may send it.
            senders: senders
                .and_then(|name| Senders::from_name(&name))
                .unwrap_or_default(),
            parameters: Parameter::read_all(element),
        })
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        let senders = Some(self.senders).filter(|senders| *senders != Senders::Both);
        Tag::new("rtp-hdrext", ns::HDREXT)
            .attr("id", &self.id.to_string())
            .attr_if("senders", senders.map(Senders::as_str))
            .attr("uri", &self.uri)
            .children(self.parameters.iter().map(|one| one.write(ns::HDREXT)))
            .build()
    }

    /// The extension of a description that the end of this role wrote.
    #[must_use]
    pub fn of_sdp(extmap: &Extmap<'_>, author: Role) -> Self {
        let words = extmap.attributes.split_ascii_whitespace();
        Self {
            id: extmap.id,
            uri: extmap.uri.to_owned(),
            senders: Senders::of(extmap.direction.unwrap_or_default(), author),
            parameters: words.map(Parameter::of_pair).collect(),
        }
    }

    /// The value of `a=extmap` in a description of this author; `None` where a word has white
    /// space, or nobody may send it.
    #[must_use]
    pub fn to_sdp(&self, author: Role) -> Option<String> {
        let mut text = self.id.to_string();
        match self.senders.direction(author) {
            Direction::SendRecv => {}
            Direction::Inactive => return None,
            direction => {
                text.push('/');
                text.push_str(direction.as_str());
            }
        }
        let pairs = self.parameters.iter().map(Parameter::pair);
        for word in [self.uri.clone()].into_iter().chain(pairs) {
            if word.is_empty() || word.contains(char::is_whitespace) {
                return None;
            }
            text.push(' ');
            text.push_str(&word);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attributes: &str) -> Option<HeaderExtension> {
        let text = format!("<rtp-hdrext xmlns='{}' {attributes}/>", ns::HDREXT);
        HeaderExtension::read(&text.parse().unwrap())
    }

    #[test]
    fn direction_of_conversations_behind_the_number_is_cut_off() {
        let extension = read("id='1/recvonly' uri='urn:x'").unwrap();
        assert_eq!((extension.id, extension.senders), (1, Senders::Both));
    }

    #[test]
    fn senders_follow_the_role() {
        let extension = read("id='2' uri='urn:x' senders='initiator'").unwrap();
        let text = |role| extension.to_sdp(role).unwrap();
        assert_eq!(text(Role::Initiator), "2/sendonly urn:x");
        assert_eq!(text(Role::Responder), "2/recvonly urn:x");
        assert_eq!(HeaderExtension::read(&extension.write()), Some(extension));
        assert_eq!(
            read("id='2' uri='urn:x' senders='none'")
                .unwrap()
                .to_sdp(Role::Initiator),
            None
        );
        let odd = read("id='2' uri='urn:x' senders='everybody'").unwrap();
        assert_eq!(odd.senders, Senders::Both);
    }

    #[test]
    fn what_has_no_number_or_uri_is_none() {
        for attributes in [
            "id='x' uri='urn:x'",
            "uri='urn:x'",
            "id='1'",
            "id='+1' uri='u'",
        ] {
            assert_eq!(read(attributes), None, "{attributes}");
        }
    }
}
