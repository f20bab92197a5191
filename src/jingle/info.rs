//! [`Info`]: what a session-info says (XEP-0167 §8).

use minidom::Element;

use super::content::Role;
use super::ns;
use super::tag::{Tag, said};

/// A child of a session-info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Info {
    /// The device rings.
    Ringing,
    /// The other end is held.
    Hold,
    /// It no longer is.
    Unhold,
    /// The end is there again, from hold or mute.
    Active,
    /// The end sends silence; for one content where one is named.
    Mute(Option<ContentName>),
    /// It no longer does.
    Unmute(Option<ContentName>),
    /// Something else, by name and namespace: answered with `unsupported-info`.
    Other(String, String),
}

/// Which content is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentName {
    /// Who made it.
    pub creator: Role,
    /// Its name.
    pub name: String,
}

impl Info {
    /// Reads a child of `<jingle/>`.
    #[must_use]
    pub fn read(element: &Element) -> Self {
        let content = || {
            Some(ContentName {
                creator: match said(element, "creator").as_deref() {
                    Some("responder") => Role::Responder,
                    _ => Role::Initiator,
                },
                name: said(element, "name")?,
            })
        };
        match (element.name(), element.ns().as_str()) {
            ("ringing", ns::RTP_INFO) => Self::Ringing,
            ("hold", ns::RTP_INFO) => Self::Hold,
            ("unhold", ns::RTP_INFO) => Self::Unhold,
            ("active", ns::RTP_INFO) => Self::Active,
            ("mute", ns::RTP_INFO) => Self::Mute(content()),
            ("unmute", ns::RTP_INFO) => Self::Unmute(content()),
            (name, namespace) => Self::Other(name.to_owned(), namespace.to_owned()),
        }
    }

    /// The name of its element.
    #[must_use]
    pub fn name(&self) -> &str {
        match (self, self.word()) {
            (Self::Other(name, _), _) => name,
            (_, word) => word.map_or("", |(name, _)| name),
        }
    }

    /// What is ours to say: the name of the element, and which content is meant.
    fn word(&self) -> Option<(&'static str, Option<&ContentName>)> {
        Some(match self {
            Self::Ringing => ("ringing", None),
            Self::Hold => ("hold", None),
            Self::Unhold => ("unhold", None),
            Self::Active => ("active", None),
            Self::Mute(content) => ("mute", content.as_ref()),
            Self::Unmute(content) => ("unmute", content.as_ref()),
            Self::Other(..) => return None,
        })
    }

    /// As an element; `None` for what is not ours to say.
    #[must_use]
    pub fn write(&self) -> Option<Element> {
        let (name, content) = self.word()?;
        let creator = content.map(|content| content.creator.as_str());
        Some(
            Tag::new(name, ns::RTP_INFO)
                .attr_if("creator", creator)
                .attr_if("name", content.map(|content| content.name.as_str()))
                .build(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_and_foreign_ones_stay_named() {
        let content = ContentName {
            creator: Role::Responder,
            name: "voice".to_owned(),
        };
        for info in [
            Info::Ringing,
            Info::Hold,
            Info::Unhold,
            Info::Active,
            Info::Mute(None),
            Info::Unmute(Some(content)),
        ] {
            assert_eq!(Info::read(&info.write().unwrap()), info);
        }
        let foreign = Info::read(&"<shake xmlns='urn:x'/>".parse().unwrap());
        assert_eq!(foreign, Info::Other("shake".to_owned(), "urn:x".to_owned()));
        assert!(foreign.write().is_none());
    }
}
