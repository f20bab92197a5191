//! [`Fingerprint`]: the certificate of a content and who opens DTLS (XEP-0320).
//!
//! The XEP's own examples write digests in lower case with line ends around them, and Monal has
//! written an empty `hash`: both are read.

use minidom::Element;

use super::ns;
use super::tag::{Tag, attr};
use crate::sdp::{Setup, is_token};

/// A fingerprint. Hash in lower case, digest in upper case, without white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function: `sha-256`.
    pub hash: String,
    /// Octets in hexadecimal with colons.
    pub digest: String,
    /// Who opens the association; `None` where nothing, or nothing known, is said.
    pub setup: Option<Setup>,
}

impl Fingerprint {
    /// Reads `<fingerprint/>`; `None` where it holds no octets.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let text = element.text();
        let digits = text.chars().filter(|c| !c.is_whitespace());
        let digest: String = digits.map(|c| c.to_ascii_uppercase()).collect();
        let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
        if !digest.split(':').all(is_pair) {
            return None;
        }
        let hash = attr(element, "hash")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let hash = match hash.as_str() {
            "" => hash_of_length(digest.split(':').count())?.to_owned(),
            _ => Some(hash).filter(|hash| is_token(hash))?,
        };
        let setup = attr(element, "setup");
        Some(Self {
            hash,
            digest,
            setup: setup.and_then(|setup| Setup::from_name(&setup)),
        })
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        Tag::new("fingerprint", ns::DTLS)
            .attr("hash", &self.hash)
            .attr_if("setup", self.setup.map(Setup::as_str))
            .text(&self.digest)
            .build()
    }
}

/// Which function of RFC 8122 §5 gives so many octets.
fn hash_of_length(octets: usize) -> Option<&'static str> {
    match octets {
        20 => Some("sha-1"),
        28 => Some("sha-224"),
        32 => Some("sha-256"),
        48 => Some("sha-384"),
        64 => Some("sha-512"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attributes: &str, text: &str) -> Option<Fingerprint> {
        let element = format!(
            "<fingerprint xmlns='{}' {attributes}>{text}</fingerprint>",
            ns::DTLS
        );
        Fingerprint::read(&element.parse().unwrap())
    }

    #[test]
    fn white_space_and_lower_case_are_read() {
        let print = read("hash='SHA-256' setup=' actpass '", "\n  02:1a:cc:\n  54 ").unwrap();
        assert_eq!(print.hash, "sha-256");
        assert_eq!(print.digest, "02:1A:CC:54");
        assert_eq!(print.setup, Some(Setup::ActPass));
        assert_eq!(Fingerprint::read(&print.write()), Some(print));
    }

    #[test]
    fn digest_of_odd_length_is_no_fingerprint() {
        for text in ["", "0", "02:1", "02:1A:", "zz", "02 1A 3"] {
            assert_eq!(read("hash='sha-1'", text), None, "{text:?}");
        }
    }

    #[test]
    fn empty_hash_is_told_by_the_length() {
        let digest = ["AB"; 32].join(":");
        assert_eq!(read("hash=''", &digest).unwrap().hash, "sha-256");
        assert_eq!(read("", "AB:CD"), None);
        assert_eq!(read("hash='sha 1'", "AB:CD"), None);
    }

    #[test]
    fn unknown_role_is_none() {
        assert_eq!(
            read("hash='sha-1' setup='sideways'", "AB").unwrap().setup,
            None
        );
    }
}
