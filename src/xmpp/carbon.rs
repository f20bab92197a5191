//! Carbons (XEP-0280): what another client of our own account has sent or got.

use minidom::Element;

use super::ns;
use super::stanza::{bare, is_same};

/// A message as it concerns this client.
#[derive(Debug, PartialEq)]
pub enum Copied<'a> {
    /// It is for us.
    Own(&'a Element),
    /// Another client of the account has sent it.
    Sent(&'a Element),
    /// Another client of the account has got it, and we would have, too.
    Received(&'a Element),
    /// It claims to be a carbon and is not of our own account: anybody could have written it.
    Forged,
}

const FORWARD: &str = "urn:xmpp:forward:0";

/// Reads a message; `own` is our address.
#[must_use]
pub fn copied<'a>(message: &'a Element, own: &str) -> Copied<'a> {
    // `<private/>` only asks that no copies are made (XEP-0280).
    let is_copy =
        |child: &&Element| child.ns() == ns::CARBONS && matches!(child.name(), "sent" | "received");
    let carbon = message.children().find(is_copy);
    let Some(carbon) = carbon else {
        return Copied::Own(message);
    };
    // XEP-0280 §11: only our own server speaks with our own bare address.
    let is_ours = message
        .attr("from")
        .is_some_and(|from| is_same(from, bare(own)));
    let inner = carbon
        .get_child("forwarded", FORWARD)
        .and_then(|forwarded| forwarded.get_child("message", ns::CLIENT));
    match (is_ours, carbon.name(), inner) {
        (true, "sent", Some(inner)) => Copied::Sent(inner),
        (true, "received", Some(inner)) => Copied::Received(inner),
        _ => Copied::Forged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carbon(from: &str, kind: &str) -> Element {
        let text = format!(
            "<message xmlns='jabber:client' from='{from}'><{kind} xmlns='urn:xmpp:carbons:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='1'/>\
             </forwarded></{kind}></message>"
        );
        text.parse().unwrap()
    }

    #[test]
    fn message_of_which_no_copies_are_to_be_made_is_none() {
        let text = "<message xmlns='jabber:client' from='juliet@example.org/phone'>\
            <private xmlns='urn:xmpp:carbons:2'/></message>";
        let message: Element = text.parse().unwrap();
        let read = copied(&message, "alice@example.org/gw");
        assert_eq!(read, Copied::Own(&message));
    }

    #[test]
    fn carbons_of_others_are_forged() {
        let own = "alice@example.org/gw";
        let sent = carbon("alice@example.org", "sent");
        assert!(matches!(copied(&sent, own), Copied::Sent(_)));
        let got = carbon("Alice@example.org", "received");
        assert!(matches!(copied(&got, own), Copied::Received(_)));
        for from in ["mallory@example.org", "alice@example.org/x", "example.org"] {
            assert_eq!(copied(&carbon(from, "sent"), own), Copied::Forged);
        }
    }
}
