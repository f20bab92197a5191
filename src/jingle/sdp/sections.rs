//! [`Sections`]: which content is which section, for the life of a session.

use super::super::content::Role;
use crate::sdp::{Media, is_token};

/// The name of a content and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Who put it into the session.
    pub creator: Role,
    /// Its name: at most 16 characters without white space, or Conversations ends the call.
    pub name: String,
}

/// The sections of a session in the order of its descriptions, each with its content's name and its
/// mid: a table in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    places: Vec<Place>,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The content; `None` for a section that is refused or was removed.
    pub(super) content: Option<Named>,
    /// Missing where a peer of the other wire writes none.
    pub(super) mid: Option<String>,
    /// What stands in the `m=` line of the section while it is rejected.
    pub(super) kind: String,
    pub(super) proto: String,
    pub(super) format: String,
}

/// Characters that a name or mid may have (RFC 5888 §4 has no limit; Conversations has).
const NAME_MAX: usize = 16;

/// Whether a text can be a mid, and the name of a content for every client.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX && is_token(text)
}

/// Whether a section is one that Jingle has: audio or video by RTP, and in use.
pub(super) fn is_live(media: &Media<'_>) -> bool {
    is_call_media(media) && !media.is_rejected()
}

pub(super) fn is_call_media(media: &Media<'_>) -> bool {
    let kind = media.kind();
    let is = |name: &str| kind.eq_ignore_ascii_case(name);
    media.is_rtp() && (is("audio") || is("video"))
}

impl Sections {
    /// The content of a section, while it has one.
    #[must_use]
    pub fn content_of(&self, section: usize) -> Option<&Named> {
        self.places.get(section)?.content.as_ref()
    }

    /// The section of a content. By its name alone: who made it is written differently.
    #[must_use]
    pub fn section_of(&self, name: &str) -> Option<usize> {
        let is_it = |place: &Place| place.content.as_ref().is_some_and(|c| c.name == name);
        self.places.iter().position(is_it)
    }

    /// The content of a mid.
    #[must_use]
    pub fn content_of_mid(&self, mid: &str) -> Option<&Named> {
        let is_it = |place: &&Place| place.mid.as_deref() == Some(mid);
        self.places.iter().find(is_it)?.content.as_ref()
    }

    /// The mid of a section.
    #[must_use]
    pub fn mid_of(&self, section: usize) -> Option<&str> {
        self.places.get(section)?.mid.as_deref()
    }

    /// How many sections have a content.
    #[must_use]
    pub fn live(&self) -> usize {
        let live = self.places.iter().filter(|place| place.content.is_some());
        live.count()
    }

    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn place(&self, section: usize) -> Option<&Place> {
        self.places.get(section)
    }

    /// The section is no longer a content.
    pub(super) fn end(&mut self, section: usize) {
        if let Some(place) = self.places.get_mut(section) {
            place.content = None;
        }
    }

    /// Takes a section of a description of our side into the table: a new one, or one at the place
    /// of a removed one, gets a name; one that is known keeps it.
    pub(super) fn follow(&mut self, media: &Media<'_>, author: Role) {
        let section = media.index();
        let known = self.content_of(section).cloned();
        let content = match known {
            Some(known) => Some(known),
            None if is_live(media) => Some(Named {
                creator: author,
                name: self.fresh(media.mid(), |place| {
                    place.content.as_ref().map(|content| content.name.as_str())
                }),
            }),
            None => None,
        };
        let line = media.m_line();
        let mid = media.mid().map(str::to_owned);
        let place = Place {
            content,
            mid: mid.or_else(|| self.mid_of(section).map(str::to_owned)),
            kind: line.kind.to_owned(),
            proto: line.proto.to_owned(),
            format: media.formats().next().unwrap_or("0").to_owned(),
        };
        match self.places.get_mut(section) {
            Some(there) => *there = place,
            None => self.places.push(place),
        }
    }

    /// Takes a content of the peer into the table, behind all sections. Gives its section.
    pub(super) fn add(&mut self, named: Named, kind: &str, proto: &str) -> usize {
        let mid = self.fresh(Some(&named.name), |place| place.mid.as_deref());
        self.places.push(Place {
            content: Some(named),
            mid: Some(mid),
            kind: kind.to_owned(),
            proto: proto.to_owned(),
            format: "0".to_owned(),
        });
        self.places.len() - 1
    }

    /// Remembers the first format of a section, for the day when it is rejected.
    pub(super) fn set_format(&mut self, section: usize, format: &str) {
        if let Some(place) = self.places.get_mut(section) {
            format.clone_into(&mut place.format);
        }
    }

    /// The wish, where it can be a name and nobody has it, else a small number.
    fn fresh<'a>(
        &'a self,
        wish: Option<&str>,
        of: impl Fn(&'a Place) -> Option<&'a str>,
    ) -> String {
        let taken: Vec<&str> = self.places.iter().filter_map(of).collect();
        if let Some(wish) = wish.filter(|wish| is_name(wish) && !taken.contains(wish)) {
            return wish.to_owned();
        }
        let mut numbers = (0..=taken.len()).map(|number| number.to_string());
        let free = numbers.find(|number| !taken.contains(&number.as_str()));
        free.expect("of one number more than names, one is free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::{Limits, SessionDescription};

    fn sdp(mids: &[&str]) -> SessionDescription {
        let section = |mid: &&str| {
            let mid = if mid.is_empty() {
                String::new()
            } else {
                format!("a=mid:{mid}\n")
            };
            format!("m=audio 9 RTP/AVP 0\nc=IN IP4 192.0.2.1\n{mid}")
        };
        let sections: String = mids.iter().map(section).collect();
        let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n{sections}");
        SessionDescription::parse(&text, &Limits::default()).unwrap()
    }

    fn followed(mids: &[&str]) -> Sections {
        let mut sections = Sections::default();
        for media in sdp(mids).media() {
            sections.follow(&media, Role::Initiator);
        }
        sections
    }

    #[test]
    fn mids_are_names_where_clients_take_them() {
        let sections = followed(&["audio", "a-mid-of-17-chars", "", "0"]);
        let name = |section| sections.content_of(section).unwrap().name.as_str();
        assert_eq!(
            (0..4).map(name).collect::<Vec<_>>(),
            ["audio", "0", "1", "2"]
        );
        assert_eq!(
            sections.content_of_mid("a-mid-of-17-chars").unwrap().name,
            "0"
        );
        assert_eq!(sections.mid_of(1), Some("a-mid-of-17-chars"));
        assert_eq!(sections.section_of("2"), Some(3));
        assert_eq!(sections.mid_of(2), None);
    }

    #[test]
    fn names_that_are_no_token_get_another_mid() {
        let mut sections = Sections::default();
        let named = |name: &str| Named {
            creator: Role::Responder,
            name: name.to_owned(),
        };
        assert_eq!(sections.add(named("this is my voice"), "audio", "X"), 0);
        assert_eq!(sections.add(named("0"), "video", "X"), 1);
        assert_eq!(
            (sections.mid_of(0), sections.mid_of(1)),
            (Some("0"), Some("1"))
        );
        assert_eq!(sections.section_of("this is my voice"), Some(0));
        assert_eq!(sections.content_of_mid("1"), Some(&named("0")));
    }

    #[test]
    fn place_of_a_removed_content_is_used_again_with_a_name_of_its_own() {
        let mut sections = followed(&["0", "1"]);
        sections.end(1);
        assert_eq!((sections.live(), sections.section_of("1")), (1, None));
        let again = sdp(&["0", "2"]);
        sections.follow(&again.media_at(1).unwrap(), Role::Responder);
        let named = sections.content_of(1).unwrap();
        assert_eq!((named.name.as_str(), named.creator), ("2", Role::Responder));
        assert_eq!(sections.content_of(0).unwrap().creator, Role::Initiator);
    }
}
