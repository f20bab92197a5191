//! [`Source`] and [`SourceGroup`]: sources of a content by their SSRC (XEP-0339, RFC 5576).

use minidom::Element;

use super::ns;
use super::parameter::Parameter;
use super::tag::{Tag, number, said};

/// `<source/>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The synchronization source.
    pub ssrc: u32,
    /// Its attributes, `cname` and `msid` among them.
    pub parameters: Vec<Parameter>,
}

/// `<ssrc-group/>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceGroup {
    /// `FID`, `SIM`, `FEC-FR`, … The list is open.
    pub semantics: String,
    /// The sources, in the order that gives them their meaning.
    pub sources: Vec<u32>,
}

impl Source {
    /// Reads `<source/>`; `None` without a number.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        Some(Self {
            ssrc: number(element, "ssrc")?,
            parameters: Parameter::read_all(element),
        })
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        Tag::new("source", ns::SSMA)
            .attr("ssrc", &self.ssrc.to_string())
            .children(self.parameters.iter().map(|one| one.write(ns::SSMA)))
            .build()
    }

    /// The value of an attribute.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|one| one.name == name)?;
        Some(&found.value)
    }
}

impl SourceGroup {
    /// Reads `<ssrc-group/>`; `None` without semantics.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let sources = element.children().filter(|child| child.name() == "source");
        Some(Self {
            semantics: said(element, "semantics")?,
            sources: sources.filter_map(|one| number(one, "ssrc")).collect(),
        })
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        let one = |ssrc: &u32| {
            Tag::new("source", ns::SSMA)
                .attr("ssrc", &ssrc.to_string())
                .build()
        };
        Tag::new("ssrc-group", ns::SSMA)
            .attr("semantics", &self.semantics)
            .children(self.sources.iter().map(one))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_any_semantics_keep_their_order() {
        let text = format!(
            "<ssrc-group xmlns='{}' semantics='FEC-FR'><source ssrc='9'/><source ssrc='3'/>\
             <source ssrc='x'/></ssrc-group>",
            ns::SSMA
        );
        let group = SourceGroup::read(&text.parse().unwrap()).unwrap();
        assert_eq!(
            (group.semantics.as_str(), &group.sources[..]),
            ("FEC-FR", &[9, 3][..])
        );
        assert_eq!(SourceGroup::read(&group.write()), Some(group));
    }

    #[test]
    fn blanks_of_movim_behind_a_value_are_cut_off() {
        let text = format!(
            "<source xmlns='{}' ssrc='1'><parameter name='msid' value='a b '/>\
             <parameter xmlns='urn:other' name='cname' value='c'/></source>",
            ns::SSMA
        );
        let source = Source::read(&text.parse().unwrap()).unwrap();
        assert_eq!(source.parameter("msid"), Some("a b"));
        assert_eq!(source.parameter("cname"), Some("c"));
    }
}
