//! What chat servers and their users write, in text of its own: nothing of the product's Jingle is
//! used, so that a mistake there is seen here.

pub(crate) mod content;
pub(crate) mod stream;

use minidom::Element;

pub(crate) const JINGLE: &str = "urn:xmpp:jingle:1";
pub(crate) const JMI: &str = "urn:xmpp:jingle-message:0";
pub(crate) const RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
pub(crate) const INFO: &str = "urn:xmpp:jingle:apps:rtp:info:1";
pub(crate) const ERRORS: &str = "urn:xmpp:jingle:errors:1";
const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// A message of XEP-0353: a word, the session that it is about, and what is in it.
pub(crate) fn message(from: &str, to: &str, word: &str, sid: &str, inside: &str) -> String {
    format!(
        "<message type='chat' from='{from}' to='{to}' id='{word}-{sid}'>\
         <{word} xmlns='{JMI}' id='{sid}'>{inside}</{word}></message>"
    )
}

/// A request of a session.
pub(crate) fn request(from: &str, to: &str, id: &str, jingle: &str) -> String {
    format!("<iq type='set' from='{from}' to='{to}' id='{id}'>{jingle}</iq>")
}

/// `<jingle/>`.
pub(crate) fn jingle(action: &str, sid: &str, inside: &str) -> String {
    format!("<jingle xmlns='{JINGLE}' action='{action}' sid='{sid}'>{inside}</jingle>")
}

/// `<reason/>`; nothing for no condition.
pub(crate) fn reason(condition: &str) -> String {
    match condition {
        "" => String::new(),
        _ => format!("<reason xmlns='{JINGLE}'><{condition}/></reason>"),
    }
}

/// The result of a request.
pub(crate) fn result(request: &Element) -> String {
    let [id, from, to] = ["id", "from", "to"].map(|name| request.attr(name).unwrap_or_default());
    format!("<iq type='result' from='{to}' to='{from}' id='{id}'/>")
}

/// An error that answers a request: the condition of the stanza, and that of Jingle.
pub(crate) fn error(request: &Element, condition: &str, special: &str) -> String {
    let [id, from, to] = ["id", "from", "to"].map(|name| request.attr(name).unwrap_or_default());
    let special = match special {
        "" => String::new(),
        _ => format!("<{special} xmlns='{ERRORS}'/>"),
    };
    format!(
        "<iq type='error' from='{to}' to='{from}' id='{id}'><error type='cancel'>\
         <{condition} xmlns='{STANZAS}'/>{special}</error></iq>"
    )
}

/// An address without its resource.
pub(crate) fn bare(jid: &str) -> &str {
    jid.split('/').next().unwrap_or(jid)
}

/// The domain of an address.
pub(crate) fn domain(jid: &str) -> &str {
    let bare = bare(jid);
    bare.rsplit('@').next().unwrap_or(bare)
}

/// The `<jingle/>` of a request.
pub(crate) fn jingle_of(stanza: &Element) -> Option<&Element> {
    stanza.get_child("jingle", JINGLE)
}

/// What a message of XEP-0353 says.
pub(crate) fn word_of(stanza: &Element) -> Option<&Element> {
    stanza.children().find(|child| child.ns() == JMI)
}

/// The condition of `<reason/>`, in what ends a session or a proposal.
pub(crate) fn condition(element: &Element) -> Option<&str> {
    let reason = element.get_child("reason", JINGLE)?;
    let mut conditions = reason.children().filter(|child| child.name() != "text");
    conditions.next().map(Element::name)
}

/// The conditions of a stanza that is an error.
pub(crate) fn conditions(stanza: &Element) -> Vec<&str> {
    let error = stanza.children().find(|child| child.name() == "error");
    let all = error.into_iter().flat_map(Element::children);
    all.map(Element::name)
        .filter(|name| *name != "text")
        .collect()
}
