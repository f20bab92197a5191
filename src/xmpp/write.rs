//! Stanzas into the bytes of a stream.
//!
//! Stanzas are in `jabber:client` inside the gateway; on the wire they are in the namespace that
//! the stream declares as its default, and say none themselves. A stanza inside of another one (a
//! carbon copy, a forwarded message) keeps the namespace that it has. What XML cannot hold (control
//! characters, half a surrogate) is replaced, so that no text of anybody's ends a stream.

use minidom::{Element, Node};

use super::ns;

/// The text of a stanza on a stream whose default namespace is `stream`.
#[must_use]
pub fn stanza(element: &Element, stream: &str) -> String {
    let mut out = String::with_capacity(512);
    write(&mut out, element, stream, stream, true);
    out
}

/// A text as it stands in an attribute or between tags.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}

fn write(out: &mut String, element: &Element, around: &str, stream: &str, is_stanza: bool) {
    let own = element.ns();
    let is_stanza = is_stanza && own == ns::CLIENT;
    let own = if is_stanza { stream } else { own.as_str() };
    out.push('<');
    out.push_str(element.name());
    if own != around {
        attribute(out, "xmlns", own);
    }
    let mut prefixes = 0;
    for ((namespace, name), value) in element.attrs() {
        match namespace.as_str() {
            "" => attribute(out, name, value),
            rxml::XMLNS_XML => attribute(out, &format!("xml:{name}"), value),
            foreign => {
                prefixes += 1;
                attribute(out, &format!("xmlns:p{prefixes}"), foreign);
                attribute(out, &format!("p{prefixes}:{name}"), value);
            }
        }
    }
    if element.nodes().next().is_none() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for node in element.nodes() {
        match node {
            Node::Element(child) => write(out, child, own, stream, is_stanza),
            Node::Text(text) => escape(out, text),
        }
    }
    out.push_str("</");
    out.push_str(element.name());
    out.push('>');
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("='");
    escape(out, value);
    out.push('\'');
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            // A parser makes blanks of them where they stand in an attribute (XML 1.0 §3.3.3).
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xa;"),
            '\r' => out.push_str("&#xd;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Element {
        text.parse().unwrap()
    }

    #[test]
    fn stanza_takes_the_namespace_of_its_stream() {
        let message = read("<message xmlns='jabber:client' to='a@b'><body>x</body></message>");
        let wanted = "<message to='a@b'><body>x</body></message>";
        assert_eq!(stanza(&message, ns::COMPONENT), wanted);
        assert_eq!(stanza(&message, ns::CLIENT), wanted);
    }

    #[test]
    fn stanza_inside_of_another_keeps_its_namespace() {
        let text = "<message><sent xmlns='urn:xmpp:carbons:2'><forwarded \
                    xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/></forwarded></sent>\
                    </message>";
        let message = read(&text.replacen("<message>", "<message xmlns='jabber:client'>", 1));
        assert_eq!(stanza(&message, ns::COMPONENT), text);
    }

    #[test]
    fn no_text_can_leave_its_place() {
        let mut message = Element::bare("message", ns::CLIENT);
        message.append_text("</message><iq a='1'>&\u{0}\u{b}\r\n");
        let text = stanza(&message, ns::CLIENT);
        assert_eq!(
            text,
            "<message>&lt;/message&gt;&lt;iq a=&apos;1&apos;&gt;&amp;\u{fffd}\u{fffd}&#xd;&#xa;\
             </message>"
        );
        let back = read(&text.replacen("<message>", "<message xmlns='jabber:client'>", 1));
        assert_eq!(back.text(), "</message><iq a='1'>&\u{fffd}\u{fffd}\r\n");
    }

    #[test]
    fn language_and_foreign_attributes_stay() {
        let text = "<message xmlns='jabber:client' xml:lang='de' xmlns:x='urn:x' x:y='1'/>";
        let back = stanza(&read(text), ns::CLIENT);
        assert!(back.contains("xml:lang='de'"), "{back}");
        let again = read(&back.replacen("<message", "<message xmlns='jabber:client'", 1));
        assert_eq!(again, read(text));
    }
}
