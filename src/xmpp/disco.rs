//! What the gateway's addresses can do (XEP-0030), and its hash in presence (XEP-0115, XEP-0390).
//!
//! Clients show a button for calls only where these features are. What is written is made with
//! `xmpp_parsers`, as it is all our own; requests are read by hand, as theirs is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minidom::Element;
use xmpp_parsers::disco::{DiscoInfoResult, Identity};
use xmpp_parsers::hashes::Algo;
use xmpp_parsers::{caps, ecaps2};

use super::ns;
use super::stanza::{element, payload, result, with};
use super::stanza_error::{self, Condition};

/// What this program is called in hashes (XEP-0115 §4: the node).
pub const NODE: &str = "urn:crosspoint:gateway";

/// What every address of the gateway can do.
pub const FEATURES: &[&str] = &[
    ns::CAPS,
    ns::CAPS2,
    ns::DISCO_INFO,
    ns::PING,
    ns::JINGLE,
    ns::JINGLE_RTP,
    "urn:xmpp:jingle:apps:rtp:audio",
    "urn:xmpp:jingle:apps:rtp:video",
    ns::JINGLE_ICE,
    ns::JINGLE_DTLS,
    ns::JINGLE_MESSAGE,
    ns::RECEIPTS,
];

/// Whoever sees this one gathers all candidates before he offers (XEP-0176).
const NO_TRICKLE: &str = "urn:ietf:rfc:3264";

/// What one kind of address says of itself.
#[derive(Clone, Debug)]
struct Entry {
    info: DiscoInfoResult,
    /// SHA-1 in base64 (XEP-0115 §5.1).
    ver: String,
    /// SHA-256 in base64 (XEP-0390).
    ver2: String,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The domain of a component itself.
    Domain,
    /// An address.
    Address,
}

/// What the gateway says of itself.
#[derive(Clone, Debug)]
pub struct Disco {
    domain: Entry,
    address: Entry,
}

impl Disco {
    /// For addresses whose peers take candidates one by one, or do not.
    #[must_use]
    pub fn new(trickle: bool) -> Self {
        let more = if trickle { &[][..] } else { &[NO_TRICKLE] };
        Self::with(more)
    }

    /// The same for addresses that tell of servers for media (XEP-0215 §5).
    #[must_use]
    pub fn with_services(trickle: bool) -> Self {
        match trickle {
            true => Self::with(&[ns::EXTDISCO]),
            false => Self::with(&[ns::EXTDISCO, NO_TRICKLE]),
        }
    }

    fn with(more: &[&str]) -> Self {
        let gateway = Identity::new("gateway", "simple", "en", "crosspoint");
        let phone = Identity::new("client", "phone", "en", "crosspoint");
        Self {
            domain: Entry::new(gateway, more),
            address: Entry::new(phone, more),
        }
    }

    /// Answers a request for disco#info or disco#items; `None` where it is not one.
    #[must_use]
    pub fn answer(&self, request: &Element, asked: Asked) -> Option<Element> {
        let query = payload(request)?;
        let entry = match asked {
            Asked::Domain => &self.domain,
            Asked::Address => &self.address,
        };
        if request.attr("type") != Some("get") || query.name() != "query" {
            return None;
        }
        match query.ns().as_str() {
            ns::DISCO_INFO => match entry.info(query.attr("node")) {
                Some(info) => Some(with(result(request), info)),
                None => stanza_error::error(request, Condition::ItemNotFound, None),
            },
            ns::DISCO_ITEMS => {
                let none = Element::bare("query", ns::DISCO_ITEMS);
                Some(with(result(request), none))
            }
            _ => None,
        }
    }

    /// What presence of an address holds.
    #[must_use]
    pub fn caps(&self) -> [Element; 2] {
        let ver = [
            ("hash", "sha-1"),
            ("node", NODE),
            ("ver", &self.address.ver),
        ];
        let hash = element("hash", "urn:xmpp:hashes:2", &[("algo", "sha-256")]);
        let hash = with(hash, self.address.ver2.clone());
        [
            element("c", ns::CAPS, &ver),
            with(Element::bare("c", ns::CAPS2), hash),
        ]
    }
}

impl Entry {
    fn new(identity: Identity, more: &[&str]) -> Self {
        let features = FEATURES.iter().chain(more).copied();
        let info = DiscoInfoResult {
            node: None,
            identities: vec![identity],
            features: features.map(str::to_owned).collect(),
            extensions: Vec::new(),
        };
        // Neither fails for these algorithms and without forms; a hash that nobody has fits
        // nothing.
        let one = caps::hash_caps(&caps::compute_disco(&info), Algo::Sha_1);
        let two = ecaps2::compute_disco(&info)
            .ok()
            .and_then(|text| ecaps2::hash_ecaps2(&text, Algo::Sha_256).ok());
        Self {
            info,
            ver: one.map_or_else(|_| String::new(), |hash| BASE64.encode(hash.hash)),
            ver2: two.map_or_else(String::new, |hash| BASE64.encode(hash.hash)),
        }
    }

    /// The information of a node; `None` where there is no such node.
    fn info(&self, node: Option<&str>) -> Option<Element> {
        let is_known = node.is_none_or(|node| {
            node == format!("{NODE}#{}", self.ver)
                || node == format!("{}#sha-256.{}", ns::CAPS2, self.ver2)
        });
        is_known.then(|| {
            let node = node.map(str::to_owned);
            Element::from(DiscoInfoResult {
                node,
                ..self.info.clone()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(node: Option<&str>) -> Element {
        let request = element(
            "iq",
            ns::CLIENT,
            &[("type", "get"), ("id", "1"), ("from", "a@b/c")],
        );
        let mut query = Element::bare("query", ns::DISCO_INFO);
        if let Some(node) = node {
            crate::xmpp::stanza::set(&mut query, "node", node);
        }
        with(request, query)
    }

    fn features(answer: &Element) -> Vec<String> {
        let query = answer.get_child("query", ns::DISCO_INFO).unwrap();
        let vars = query.children().filter_map(|child| child.attr("var"));
        vars.map(str::to_owned).collect()
    }

    #[test]
    fn hash_in_presence_is_that_of_what_is_answered() {
        // XEP-0115 §5.1, by hand: identity, then the features in order, each with a `<`.
        let disco = Disco::new(true);
        let ver = disco.caps()[0].attr("ver").unwrap().to_owned();
        let answer = disco.answer(&request(None), Asked::Address).unwrap();
        let mut vars = features(&answer);
        vars.sort();
        let text = format!("client/phone/en/crosspoint<{}<", vars.join("<"));
        let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
        let hash = aws_lc_rs::digest::digest(algorithm, text.as_bytes());
        assert_eq!(ver, BASE64.encode(hash));
        let node = format!("{NODE}#{ver}");
        let by_node = disco.answer(&request(Some(&node)), Asked::Address).unwrap();
        assert_eq!(features(&by_node), features(&answer));
        let query = by_node.get_child("query", ns::DISCO_INFO).unwrap();
        assert_eq!(query.attr("node"), Some(node.as_str()));
    }

    #[test]
    fn unknown_node_is_not_found_and_other_requests_are_not_ours() {
        let disco = Disco::new(true);
        let answer = disco.answer(&request(Some("x")), Asked::Address).unwrap();
        assert_eq!(stanza_error::condition(&answer), Condition::ItemNotFound);
        let other = element("iq", ns::CLIENT, &[("type", "get")]);
        let other = with(other, Element::bare("query", "urn:other"));
        assert!(disco.answer(&other, Asked::Address).is_none());
    }

    #[test]
    fn gathering_first_is_asked_for_only_where_it_is_told() {
        let answer = |trickle| {
            Disco::new(trickle)
                .answer(&request(None), Asked::Address)
                .unwrap()
        };
        let has = |answer: &Element| features(answer).contains(&NO_TRICKLE.to_owned());
        assert!(!has(&answer(true)));
        assert!(has(&answer(false)));
    }
}
