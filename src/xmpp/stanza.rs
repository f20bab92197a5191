//! Stanzas: their heads, and the answers to requests (RFC 6120 §8).
//!
//! A stanza stays the element that arrived. `xmpp_parsers::{iq, message, presence}` are not used on
//! what the network brings: one child twice, an address that is none or an unknown `type` fails the
//! whole stanza there, and RFC 6120 §8.4 wants what is not understood to be ignored.

use minidom::{Element, Node};
use rxml::{Namespace, NcName};

use super::ns;

/// An element with attributes.
#[must_use]
pub fn element(name: &str, namespace: &str, attributes: &[(&str, &str)]) -> Element {
    let mut element = Element::bare(name, namespace);
    for (name, value) in attributes {
        set(&mut element, name, value);
    }
    element
}

/// The same with something in it.
#[must_use]
pub fn with(mut element: Element, inside: impl Into<Node>) -> Element {
    element.append_node(inside.into());
    element
}

/// Sets an attribute, whatever it was before. A name that is none of XML sets nothing.
pub fn set(element: &mut Element, name: &str, value: &str) {
    if let Ok(name) = NcName::try_from(name) {
        let attributes = element.attrs_mut();
        attributes.insert(Namespace::NONE, name, value.to_owned());
    }
}

/// What a stanza is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Message,
    /// Presence, or about it.
    Presence,
    /// A request: `get` or `set`, which has to be answered (RFC 6120 §8.2.3).
    Request,
    /// An answer: `result` or `error`.
    Answer,
    /// None of them, or an iq of another type.
    Other,
}

/// What a stanza is.
#[must_use]
pub fn kind(stanza: &Element) -> Kind {
    if stanza.ns() != ns::CLIENT {
        return Kind::Other;
    }
    match (stanza.name(), stanza.attr("type")) {
        ("message", _) => Kind::Message,
        ("presence", _) => Kind::Presence,
        ("iq", Some("get" | "set")) => Kind::Request,
        ("iq", Some("result" | "error")) => Kind::Answer,
        _ => Kind::Other,
    }
}

/// The one child of a request: what is asked.
#[must_use]
pub fn payload(stanza: &Element) -> Option<&Element> {
    stanza.children().find(|child| child.name() != "error")
}

/// The answer to a request, empty.
#[must_use]
pub fn result(request: &Element) -> Element {
    back(request, "result")
}

/// An answer to a stanza, with its id and its addresses the other way round.
#[must_use]
pub(super) fn back(stanza: &Element, kind: &str) -> Element {
    let mut answer = Element::bare(stanza.name(), ns::CLIENT);
    set(&mut answer, "type", kind);
    for (from, to) in [("id", "id"), ("from", "to"), ("to", "from")] {
        if let Some(value) = stanza.attr(from) {
            set(&mut answer, to, value);
        }
    }
    answer
}

/// An address without its resource.
#[must_use]
pub fn bare(jid: &str) -> &str {
    jid.split_once('/').map_or(jid, |(bare, _)| bare)
}

/// The domain of an address (RFC 7622 §3.1).
#[must_use]
pub fn domain(jid: &str) -> &str {
    let bare = bare(jid);
    bare.split_once('@').map_or(bare, |(_, domain)| domain)
}

/// The part of an address before its `@`.
#[must_use]
pub fn local(jid: &str) -> Option<&str> {
    bare(jid).split_once('@').map(|(local, _)| local)
}

/// Whether a text is an address at all. Longer ones than there are (RFC 7622 §3.1) are not looked
/// at.
#[must_use]
pub fn is_jid(text: &str) -> bool {
    text.len() <= JID_MAX && jid::Jid::new(text).is_ok()
}

/// Bytes of the three parts of an address, and what joins them.
const JID_MAX: usize = 3071;

/// Whether two texts are one address (RFC 7622 §3): as they are written, or once both are prepared.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other
        || one.len().max(other.len()) <= JID_MAX
            && match (jid::Jid::new(one), jid::Jid::new(other)) {
                (Ok(one), Ok(other)) => one == other,
                (Err(_), _) | (_, Err(_)) => false,
            }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_back_to_where_the_request_is_from() {
        let request = element(
            "iq",
            ns::CLIENT,
            &[("id", "1"), ("type", "get"), ("from", "a@b/c"), ("to", "x")],
        );
        let answer = result(&request);
        assert_eq!(answer.attr("to"), Some("a@b/c"));
        assert_eq!(answer.attr("from"), Some("x"));
        assert_eq!(
            (answer.attr("id"), kind(&answer)),
            (Some("1"), Kind::Answer)
        );
    }

    #[test]
    fn addresses_come_apart_where_they_are_joined() {
        assert_eq!(bare("a@b/c@d/e"), "a@b");
        assert_eq!(domain("a@b/c@d/e"), "b");
        assert_eq!((domain("b/c@d"), local("b/c@d")), ("b", None));
        assert_eq!(local("a@b/c"), Some("a"));
        assert!(is_same("Alice@Example.ORG/x", "alice@example.org/x"));
        assert!(!is_same("alice@example.org/X", "alice@example.org/x"));
    }
}
