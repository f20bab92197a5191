//! Elements: what is read is bounded first, what is written can be XML.
//!
//! A text from a description may hold characters that XML cannot (RFC 8866 forbids fewer), and a
//! writer of XML fails on them; [`Tag`] leaves them out, as [`LineText`](crate::sdp::LineText)
//! does with line ends in the other direction.

use minidom::Element;
use minidom::rxml::{Namespace, NcName};

use super::error::ReadError;
use crate::sdp::Limits;

/// How deep the elements of a stanza may lie in each other. Jingle itself has five.
const DEPTH_MAX: usize = 32;

/// An element in the making.
pub(super) struct Tag(Element);

impl Tag {
    pub(super) fn new(name: &'static str, namespace: &'static str) -> Self {
        Self(Element::bare(name, namespace))
    }

    pub(super) fn attr(mut self, name: &'static str, value: &str) -> Self {
        // The names are those of this crate, each of letters and hyphens.
        if let Ok(name) = NcName::try_from(name) {
            self.0.set_attr(Namespace::NONE, name, clean(value));
        }
        self
    }

    pub(super) fn attr_if(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.append_text(clean(text));
        self
    }

    pub(super) fn child(mut self, child: Element) -> Self {
        self.0.append_child(child);
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        for child in children {
            self.0.append_child(child);
        }
        self
    }

    pub(super) fn flag(self, there: bool, name: &'static str, namespace: &'static str) -> Self {
        if there {
            self.child(Element::bare(name, namespace))
        } else {
            self
        }
    }

    pub(super) fn build(self) -> Element {
        self.0
    }
}

/// Whether XML 1.0 can hold a character (§2.2).
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| is_xml(*c)).collect()
}

/// An attribute without the blanks around it: Movim once wrote some.
pub(super) fn attr(element: &Element, name: &str) -> Option<String> {
    element.attr(name).map(|value| value.trim().to_owned())
}

/// An attribute that says something.
pub(super) fn said(element: &Element, name: &str) -> Option<String> {
    attr(element, name).filter(|value| !value.is_empty())
}

/// An attribute that is a number.
pub(super) fn number<T: std::str::FromStr>(element: &Element, name: &str) -> Option<T> {
    digits(&attr(element, name)?)
}

/// Digits alone: no sign.
pub(super) fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Checks that an element and all below it are within the limits that a description has, an
/// element for a line.
pub(super) fn within(element: &Element, limits: &Limits) -> Result<(), ReadError> {
    let (mut elements, mut bytes) = (0_usize, 0_usize);
    let mut open = vec![(element, 1_usize)];
    while let Some((element, depth)) = open.pop() {
        elements += 1;
        if elements > limits.lines_max {
            return Err(ReadError::TooMany("elements", limits.lines_max));
        }
        if depth > DEPTH_MAX {
            return Err(ReadError::TooDeep(DEPTH_MAX));
        }
        let attributes = element.attrs().iter().map(|(_, value)| value.len());
        for length in attributes.chain(element.texts().map(str::len)) {
            bytes = bytes.saturating_add(length);
            if length > limits.line_max {
                return Err(ReadError::TooMany("bytes in a value", limits.line_max));
            }
        }
        if bytes > limits.bytes_max {
            return Err(ReadError::TooMany("bytes", limits.bytes_max));
        }
        open.extend(element.children().map(|child| (child, depth + 1)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        let tag = Tag::new("a", "urn:x")
            .attr("b", "1\u{1}2\u{ffff}3")
            .text("4\u{b}5");
        let text = String::from(&tag.build());
        assert_eq!(text, "<a xmlns='urn:x' b=\"123\">45</a>".replace('"', "'"));
    }

    #[test]
    fn limits_hold_for_depth_number_and_length() {
        let limits = Limits {
            lines_max: 40,
            line_max: 10,
            ..Limits::default()
        };
        let read = |text: &str| within(&text.parse().unwrap(), &limits);
        assert_eq!(read("<a xmlns='urn:x'><b/></a>"), Ok(()));
        let deep = format!("<a xmlns='x'>{}{}</a>", "<b>".repeat(33), "</b>".repeat(33));
        assert_eq!(read(&deep), Err(ReadError::TooDeep(32)));
        let many = format!("<a xmlns='x'>{}</a>", "<b/>".repeat(40));
        assert_eq!(read(&many), Err(ReadError::TooMany("elements", 40)));
        let long = "<a xmlns='x' b='12345678901'/>";
        assert_eq!(read(long), Err(ReadError::TooMany("bytes in a value", 10)));
    }
}
