//! [`Group`]: contents that belong together, `BUNDLE` for one (XEP-0338, RFC 5888).

use minidom::Element;

use super::ns;
use super::tag::{Tag, said};

/// A group of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `BUNDLE`, `LS`, … Kept as text: the list is open.
    pub semantics: String,
    /// The names of the contents, the leader first.
    pub contents: Vec<String>,
}

impl Group {
    /// Reads `<group/>`; `None` where it says no semantics.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let names = element.children().filter(|child| child.name() == "content");
        Some(Self {
            semantics: said(element, "semantics")?,
            contents: names.filter_map(|child| said(child, "name")).collect(),
        })
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        let one = |name: &String| Tag::new("content", ns::GROUPING).attr("name", name).build();
        Tag::new("group", ns::GROUPING)
            .attr("semantics", &self.semantics)
            .children(self.contents.iter().map(one))
            .build()
    }

    /// Whether its contents share one transport (RFC 9143).
    #[must_use]
    pub fn is_bundle(&self) -> bool {
        self.semantics.eq_ignore_ascii_case("BUNDLE")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_semantics_are_kept() {
        let text = "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='LS'>\
            <content name='voice'/><content/><content name='webcam'/></group>";
        let group = Group::read(&text.parse().unwrap()).unwrap();
        assert_eq!((group.semantics.as_str(), group.contents.len()), ("LS", 2));
        assert_eq!(Group::read(&group.write()), Some(group));
    }
}
