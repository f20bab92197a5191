//! [`Crypto`]: an SDES key of a section (RFC 4568 §9.1). The key itself is never shown.

use std::fmt;

use super::Media;
use super::text::number;

/// One `a=crypto` line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Which line an answer takes.
    pub tag: u32,
    /// `AES_CM_128_HMAC_SHA1_80`, …
    pub suite: &'a str,
    /// Keys and parameters, verbatim. A secret.
    pub keys: &'a str,
}

impl<'a> Crypto<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let (tag, rest) = value.trim_ascii().split_once(' ')?;
        let (suite, keys) = rest.trim_ascii_start().split_once(' ')?;
        Some(Self {
            tag: number(tag)?,
            suite,
            keys: keys.trim_ascii(),
        })
    }
}

impl fmt::Debug for Crypto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} [redacted]", self.tag, self.suite)
    }
}

impl<'a> Media<'a> {
    /// The SDES keys of the section, in order of preference.
    #[must_use]
    pub fn cryptos(&self) -> Vec<Crypto<'a>> {
        self.attributes("crypto")
            .filter_map(Crypto::parse)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::capture;

    #[test]
    fn keys_are_read_and_not_shown() {
        let offer = capture("baresip-baresip-3");
        let cryptos = offer.media_at(0).map(|m| m.cryptos()).unwrap_or_default();
        assert_eq!(cryptos[0].suite, "AES_CM_128_HMAC_SHA1_80");
        assert!(cryptos[0].keys.starts_with("inline:"));
        let shown = format!("{cryptos:?} {offer:?} {}", offer.redacted());
        assert!(!shown.contains("8Rxo02CsSJv"), "{shown}");
    }
}
