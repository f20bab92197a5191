//! XML for people: read from a file, printed with one element a line. The wire has its own.

use std::fmt::Write;

use minidom::Element;
use minidom::rxml::RawReader;

use super::error::ReadError;
use super::ns;
use crate::sdp::Limits;

/// Depth that a document may have; reading and dropping one takes a step of the stack for each.
const DEPTH_MAX: usize = 64;

/// Reads a document, blanks before it or not; a stanza without a namespace is one of
/// `jabber:client`.
///
/// # Errors
/// [`ReadError`] where it is too long, too deep or no XML.
pub fn parse(text: &str, limits: &Limits) -> Result<Element, ReadError> {
    // An element takes more bytes in XML than a line in SDP.
    let bytes_max = limits.bytes_max.saturating_mul(4);
    if text.len() > bytes_max {
        return Err(ReadError::TooMany("bytes", bytes_max));
    }
    let text = text.trim_ascii_start();
    let mut depth = 0_usize;
    let mut reader = RawReader::new(text.as_bytes());
    while let Some(event) = reader.read().map_err(|_| ReadError::NotXml)? {
        use minidom::rxml::RawEvent as E;
        match event {
            E::ElementHeadOpen(..) => depth += 1,
            E::ElementFoot(..) => depth = depth.saturating_sub(1),
            E::XmlDeclaration(..) | E::Attribute(..) | E::ElementHeadClose(..) | E::Text(..) => {}
        }
        if depth > DEPTH_MAX {
            return Err(ReadError::TooDeep(DEPTH_MAX));
        }
    }
    // What is copied out of a stream has the stream's namespace.
    let stream = "jabber:client".to_owned();
    Element::from_reader_with_prefixes(text.as_bytes(), stream).map_err(|_| ReadError::NotXml)
}

/// The `<jingle/>` of a document: the element itself, or one in an `<iq/>`.
#[must_use]
pub fn find(element: &Element) -> Option<&Element> {
    if element.is("jingle", ns::JINGLE) {
        return Some(element);
    }
    element.children().find_map(find)
}

/// Prints an element with those inside it on lines of their own.
#[must_use]
pub fn print(element: &Element) -> String {
    let mut text = String::new();
    write(element, "", 0, &mut text);
    text
}

fn write(element: &Element, outer: &str, depth: usize, text: &mut String) {
    let (name, namespace) = (element.name(), element.ns());
    let indent = "  ".repeat(depth);
    // Writing into a text cannot fail.
    let _ = write!(text, "{indent}<{name}");
    if namespace != outer {
        let _ = write!(text, " xmlns='{}'", escaped(&namespace));
    }
    for ((_, name), value) in element.attrs() {
        let _ = write!(text, " {name}='{}'", escaped(value));
    }
    let inside = element.text();
    if element.children().next().is_some() {
        text.push_str(">\n");
        for child in element.children() {
            write(child, &namespace, depth + 1, text);
        }
        let _ = writeln!(text, "{indent}</{name}>");
    } else if inside.is_empty() {
        text.push_str("/>\n");
    } else {
        let _ = writeln!(text, ">{}</{name}>", escaped(&inside));
    }
}

fn escaped(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '\'' => made.push_str("&apos;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(made, "&#{};", u32::from(c));
            }
            c => made.push(c),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        let text = "<iq xmlns='jabber:client'><jingle xmlns='urn:xmpp:jingle:1' sid='a&apos;&#10;'>\
            <reason><text>&lt;&amp;</text></reason></jingle></iq>";
        let element = parse(text, &Limits::default()).unwrap();
        let printed = print(&element);
        assert_eq!(printed.lines().count(), 7);
        let again = parse(&printed, &Limits::default()).unwrap();
        let (one, other) = (find(&element).unwrap(), find(&again).unwrap());
        assert_eq!(one.attr("sid"), Some("a'\n"));
        assert_eq!(one.attr("sid"), other.attr("sid"));
        assert!(printed.contains("<text>&lt;&amp;</text>"));
    }

    #[test]
    fn stanza_that_was_copied_out_of_a_stream_is_read() {
        let text = "\n  <iq type='set'><jingle xmlns='urn:xmpp:jingle:1'/></iq>\n";
        let element = parse(text, &Limits::default()).unwrap();
        assert!(find(&element).is_some() && element.has_ns("jabber:client"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let limits = Limits::default();
        assert_eq!(parse("<a", &limits), Err(ReadError::NotXml));
        assert_eq!(parse("", &limits), Err(ReadError::NotXml));
        let deep = "<a>".repeat(100_000);
        assert_eq!(parse(&deep, &limits), Err(ReadError::TooDeep(64)));
    }
}
