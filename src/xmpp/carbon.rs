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
    let carbon = message.children().find(|child| child.ns() == ns::CARBONS);
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
