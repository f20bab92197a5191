//! [`check_browser`]: what makes a browser refuse a description and cannot be mended.

use std::collections::{BTreeMap, BTreeSet};

use super::text::is_token;
use super::{Media, SessionDescription, Setup};

/// Why no browser can use a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionFault {
    /// Two sections have one mid.
    #[error("two sections have the mid {0} (RFC 5888 §4)")]
    DuplicateMid(String),
    /// A mid that browsers refuse.
    #[error("the mid of section {0} is not a token of 1 to 16 characters (RFC 5888 §4)")]
    BadMid(usize),
    /// Two groups claim one section.
    #[error("two BUNDLE groups hold the mid {0} (RFC 9143 §7.2)")]
    BadGroup(String),
    /// A section without ICE.
    #[error("section {0} has no ice-ufrag and ice-pwd: only a media relay can serve it")]
    NoIce(usize),
    /// Credentials of a wrong length.
    #[error("section {0} has an ice-ufrag or ice-pwd of a wrong length (RFC 8839 §5.4)")]
    BadIce(usize),
    /// A section without DTLS.
    #[error("section {0} has no fingerprint: only a media relay can serve it")]
    NoDtls(usize),
    /// Only hash functions that are not trusted.
    #[error("section {0} has only fingerprints of a weak or unknown hash (RFC 8122 §5)")]
    WeakFingerprint(usize),
    /// A fingerprint whose length is not that of its hash.
    #[error("section {0} has a fingerprint that is not of its hash's length (RFC 8122 §5)")]
    BadFingerprint(usize),
    /// A role that DTLS does not have.
    #[error("section {0} has a=setup:holdconn, which no DTLS association has (RFC 5763 §5)")]
    BadSetup(usize),
    /// A section without rtcp-mux.
    #[error("section {0} has no a=rtcp-mux, which browsers require (RFC 8834 §4.5)")]
    NoRtcpMux(usize),
    /// A payload type with two meanings.
    #[error("payload type {1} of section {0} has two meanings (RFC 8866 §6.6)")]
    PayloadTypeConflict(usize, u8),
    /// A header extension's identifier with two meanings inside one BUNDLE group.
    #[error("the header extension {1} means two things in one BUNDLE group (RFC 9143 §12)")]
    ExtmapConflict(usize, u16),
}

impl DescriptionFault {
    /// The code a client is told.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::DuplicateMid(_) => "duplicate_mid",
            Self::BadMid(_) => "bad_mid",
            Self::BadGroup(_) => "bad_group",
            Self::NoIce(_) => "no_ice",
            Self::BadIce(_) => "bad_ice",
            Self::NoDtls(_) => "no_dtls",
            Self::WeakFingerprint(_) => "weak_fingerprint",
            Self::BadFingerprint(_) => "bad_fingerprint",
            Self::BadSetup(_) => "bad_setup",
            Self::NoRtcpMux(_) => "no_rtcp_mux",
            Self::PayloadTypeConflict(..) => "payload_type_conflict",
            Self::ExtmapConflict(..) => "extmap_conflict",
        }
    }
}

/// Checks what browsers need beyond the syntax, after mending: mids, groups, ICE, DTLS, rtcp-mux
/// and meanings of numbers.
///
/// # Errors
/// The first [`DescriptionFault`] found.
pub fn check_browser(sdp: &SessionDescription) -> Result<(), DescriptionFault> {
    check_mids(sdp)?;
    for media in sdp.media().filter(|media| !media.is_rejected()) {
        check_payload_types(&media)?;
        // The tagged section speaks for those that share its transport (RFC 9143 §7.1.3).
        if media.shares_transport() && media.ice_ufrag().is_none() {
            continue;
        }
        check_transport(&media)?;
    }
    check_extmaps(sdp)
}

fn check_mids(sdp: &SessionDescription) -> Result<(), DescriptionFault> {
    let mut seen = BTreeSet::new();
    for media in sdp.media() {
        let Some(mid) = media.mid() else { continue };
        if mid.len() > 16 || !is_token(mid) {
            return Err(DescriptionFault::BadMid(media.index()));
        }
        if !seen.insert(mid) {
            return Err(DescriptionFault::DuplicateMid(mid.to_owned()));
        }
    }
    let mut grouped = BTreeSet::new();
    for mid in sdp.bundle_groups().into_iter().flat_map(|group| group.mids) {
        if !grouped.insert(mid) {
            return Err(DescriptionFault::BadGroup(mid.to_owned()));
        }
    }
    Ok(())
}

fn check_transport(media: &Media<'_>) -> Result<(), DescriptionFault> {
    let index = media.index();
    let ice = media.ice().ok_or(DescriptionFault::NoIce(index))?;
    if !(4..=256).contains(&ice.ufrag.len()) || !(22..=256).contains(&ice.pwd.len()) {
        return Err(DescriptionFault::BadIce(index));
    }
    let prints = media.fingerprints();
    if prints.is_empty() {
        return Err(DescriptionFault::NoDtls(index));
    }
    let mut trusted = prints
        .iter()
        .filter_map(|p| Some((p.expected_octets()?, p.octets())));
    let Some((expected, octets)) = trusted.next() else {
        return Err(DescriptionFault::WeakFingerprint(index));
    };
    if octets != Some(expected) || trusted.any(|(expected, octets)| octets != Some(expected)) {
        return Err(DescriptionFault::BadFingerprint(index));
    }
    if media.setup() == Some(Setup::HoldConn) {
        return Err(DescriptionFault::BadSetup(index));
    }
    if media.is_rtp() && !media.rtcp_mux() {
        return Err(DescriptionFault::NoRtcpMux(index));
    }
    Ok(())
}

fn check_payload_types(media: &Media<'_>) -> Result<(), DescriptionFault> {
    let mut meanings = BTreeMap::new();
    let maps = media
        .attributes("rtpmap")
        .filter_map(super::codec::payload_type_and_rest);
    for (payload_type, meaning) in maps {
        let meaning = meaning.to_ascii_lowercase();
        let known = meanings
            .entry(payload_type)
            .or_insert_with(|| meaning.clone());
        if *known != meaning {
            return Err(DescriptionFault::PayloadTypeConflict(
                media.index(),
                payload_type,
            ));
        }
    }
    Ok(())
}

fn check_extmaps(sdp: &SessionDescription) -> Result<(), DescriptionFault> {
    for group in sdp.bundle_groups() {
        let mut meanings: BTreeMap<u16, &str> = BTreeMap::new();
        let members = group.mids.iter().filter_map(|mid| sdp.media_by_mid(mid));
        for media in members.filter(|media| !media.is_rejected()) {
            for extmap in media.extmaps() {
                if *meanings.entry(extmap.id).or_insert(extmap.uri) != extmap.uri {
                    return Err(DescriptionFault::ExtmapConflict(media.index(), extmap.id));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{capture, captures, sdp};
    use crate::sdp::{Limits, What};

    #[test]
    fn what_browsers_wrote_is_sound() {
        for (name, text) in captures() {
            let read = SessionDescription::parse(&text, &Limits::default());
            let mut read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
            let what = if name.ends_with("answer") {
                What::Answer
            } else {
                What::Offer
            };
            read.mend_for_browser(what);
            let checked = check_browser(&read);
            if name.starts_with("baresip") {
                let code = checked.map_err(|fault| fault.code());
                assert!(code.is_err(), "{name}: plain phones have no ICE here");
            } else {
                assert_eq!(checked, Ok(()), "{name}");
            }
        }
    }

    /// Replaces a text in a Chrome offer and says the code.
    fn code(from: &str, to: &str) -> &'static str {
        let text = capture("chrome-av-offer-gathered").to_text();
        assert!(text.contains(from), "{from} is there to be replaced");
        match check_browser(&sdp(&text.replace(from, to))) {
            Ok(()) => "ok",
            Err(fault) => {
                assert!(!fault.to_string().is_empty());
                fault.code()
            }
        }
    }

    #[test]
    fn each_fault_has_its_code() {
        assert_eq!(code("a=mid:1", "a=mid:0"), "duplicate_mid");
        assert_eq!(code("a=mid:1", "a=mid:12345678901234567"), "bad_mid");
        assert_eq!(code("a=mid:1", "a=mid:a b"), "bad_mid");
        assert_eq!(code("BUNDLE 0 1", "BUNDLE 0 1 0"), "bad_group");
        assert_eq!(code("a=ice-ufrag:", "a=x-ufrag:"), "no_ice");
        assert_eq!(code("a=ice-pwd:", "a=ice-pwd:short\r\na=x:"), "bad_ice");
        assert_eq!(code("a=fingerprint:", "a=x:"), "no_dtls");
        assert_eq!(code("sha-256", "sha-1"), "weak_fingerprint");
        assert_eq!(code("sha-256", "sha-512"), "bad_fingerprint");
        assert_eq!(code("a=setup:actpass", "a=setup:holdconn"), "bad_setup");
        assert_eq!(code("a=rtcp-mux", "a=x-mux"), "no_rtcp_mux");
        assert_eq!(
            code("a=rtpmap:111 ", "a=rtpmap:111 x/8000\r\na=rtpmap:111 "),
            "payload_type_conflict"
        );
        assert_eq!(
            code(
                "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                "a=extmap:2 urn:x"
            ),
            "extmap_conflict"
        );
    }
}
