//! DTLS in a description: fingerprint (RFC 8122 §5), setup (RFC 4145 §4, RFC 5763 §5), tls-id
//! (RFC 8842 §4).

use std::fmt;

use super::text::LineText;
use super::{Media, SessionDescription};

/// Who opens the DTLS association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Opens it.
    Active,
    /// Waits for it.
    Passive,
    /// Either; what an offer says.
    ActPass,
    /// Nobody yet. Not used with DTLS.
    HoldConn,
}

impl Setup {
    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }

    /// Reads a value of `a=setup`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn]
            .into_iter()
            .find(|setup| setup.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The fingerprint of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint<'a> {
    /// The hash function as written: `sha-256`, `SHA-256`.
    pub hash: &'a str,
    /// Octets in hexadecimal with colons, as written.
    pub digest: &'a str,
}

impl<'a> Fingerprint<'a> {
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let (hash, digest) = value.trim_ascii().split_once([' ', '\t'])?;
        let digest = digest.trim_ascii();
        Some(Self { hash, digest })
    }

    /// The form to compare and to write: hash in lower case, digest in upper case
    /// (RFC 8122 §5). Firefox refuses lower-case digits.
    #[must_use]
    pub fn normal(&self) -> (String, String) {
        (
            self.hash.to_ascii_lowercase(),
            self.digest.to_ascii_uppercase(),
        )
    }

    /// Octets that the hash function gives; `None` for one that is not known or too weak.
    #[must_use]
    pub fn expected_octets(&self) -> Option<usize> {
        match self.hash.to_ascii_lowercase().as_str() {
            "sha-256" => Some(32),
            "sha-384" => Some(48),
            "sha-512" => Some(64),
            // RFC 8122 §5 forbids MD2 and MD5; SHA-1 and SHA-224 are no longer trusted.
            _ => None,
        }
    }

    /// Octets that are written; `None` where the digest is not hexadecimal pairs with colons.
    #[must_use]
    pub fn octets(&self) -> Option<usize> {
        let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
        let mut pairs = self.digest.split(':');
        pairs.all(is_pair).then(|| self.digest.split(':').count())
    }
}

impl<'a> Media<'a> {
    /// The fingerprints of the section, else of the session part.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<Fingerprint<'a>> {
        let values = self.effective_all("fingerprint").into_iter();
        values.filter_map(Fingerprint::parse).collect()
    }

    /// The role of the section, else of the session part.
    #[must_use]
    pub fn setup(&self) -> Option<Setup> {
        Setup::from_name(self.effective("setup")?.trim_ascii())
    }

    /// The id of the DTLS association (RFC 8842 §4).
    #[must_use]
    pub fn tls_id(&self) -> Option<&'a str> {
        self.attribute("tls-id").map(str::trim_ascii)
    }
}

impl SessionDescription {
    /// The sections whose certificate is another one than in the description before: their DTLS
    /// association is to be a new one (RFC 8842 §4).
    #[must_use]
    pub fn new_certificates(&self, before: &Self) -> Vec<usize> {
        let prints = |sdp: &Self, media: usize| -> Vec<_> {
            let section = sdp.media_at(media);
            let all = section
                .map(|section| section.fingerprints())
                .unwrap_or_default();
            all.iter().map(Fingerprint::normal).collect()
        };
        let common = self.media_count().min(before.media_count());
        let another = |media: &usize| {
            let (now, then) = (prints(self, *media), prints(before, *media));
            !now.is_empty() && !then.is_empty() && now != then
        };
        (0..common).filter(another).collect()
    }

    /// Asks for a new DTLS association in words that peers without tls-id know as well
    /// (`a=connection:new`, RFC 4145 §5).
    pub fn ask_for_new_association(&mut self, media: usize) {
        let line = LineText::of(format_args!("a=connection:new"));
        self.insert_line(self.media_range(media).end, &line);
    }

    /// Writes the DTLS role of a section.
    pub fn set_setup(&mut self, media: usize, setup: Setup) {
        if media < self.media_count() {
            let line = LineText::of(format_args!("a=setup:{setup}"));
            self.set_attribute(Some(media), "setup", &line);
        }
    }

    /// In a re-offer over the same DTLS association, offers both roles where the peer names one:
    /// Chrome refuses a role that flips without a new transport, and the agreed one holds anyway
    /// (RFC 8842 §5.5). Returns the sections that changed.
    pub fn offer_both_roles(&mut self, previous: &Self) -> Vec<usize> {
        let mut changed = Vec::new();
        for index in 0..self.media_count().min(previous.media_count()) {
            let (Some(now), Some(then)) = (self.media_at(index), previous.media_at(index)) else {
                continue;
            };
            let same_association = now.ice_ufrag() == then.ice_ufrag()
                && now.tls_id() == then.tls_id()
                && now.fingerprints() == then.fingerprints()
                && !then.is_rejected();
            let named = matches!(now.setup(), Some(Setup::Active | Setup::Passive));
            if same_association && named {
                self.set_setup(index, Setup::ActPass);
                changed.push(index);
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, capture};

    #[test]
    fn fingerprints_are_read_at_either_level() {
        for name in [
            "chrome-audio-offer-gathered",
            "firefox-audio-offer-gathered",
        ] {
            let offer = capture(name);
            let prints = offer
                .media_at(0)
                .map(|m| m.fingerprints())
                .unwrap_or_default();
            assert_eq!(prints.len(), 1, "{name}");
            assert_eq!(prints[0].octets(), Some(32));
            assert_eq!(prints[0].expected_octets(), Some(32));
        }
        let odd = Fingerprint::parse("md5 AA:B");
        assert_eq!(odd.and_then(|f| f.octets()), None);
        assert_eq!(odd.and_then(|f| f.expected_octets()), None);
    }

    #[test]
    fn a_role_in_a_reoffer_is_opened_over_the_same_association() {
        let lines = |setup: &str, ufrag: &str| format!("a=ice-ufrag:{ufrag}\na=setup:{setup}\n");
        let then = audio(&lines("active", "abcd"));
        let mut now = audio(&lines("passive", "abcd"));
        assert_eq!(now.offer_both_roles(&then), [0]);
        assert_eq!(now, audio(&lines("actpass", "abcd")));
        let mut restart = audio(&lines("passive", "efgh"));
        assert!(restart.offer_both_roles(&then).is_empty());
    }
}

#[cfg(test)]
mod association_tests {
    use crate::sdp::corpus::capture;

    #[test]
    fn another_certificate_needs_a_new_association() {
        let before = capture("chrome-audio-offer-gathered");
        assert!(before.new_certificates(&before).is_empty());
        let mut another = capture("chrome-g711-offer-gathered");
        assert_eq!(another.new_certificates(&before), [0]);
        another.ask_for_new_association(0);
        assert!(another.to_text().ends_with("a=connection:new\r\n"));
    }
}
