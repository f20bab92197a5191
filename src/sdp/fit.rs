//! Fitting a description to a peer: what its [`Profile`] cannot take is left out, and told.

use std::fmt;

use super::budget::Shrink;
use super::text::{LineText, contains_ignore_case};
use super::{Profile, SessionDescription};

/// One thing that was left out or written for a peer; a sentence of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitted {
    /// What sections inherit was written for the session.
    PushedDown(Vec<String>),
    /// mDNS candidates of a section.
    DroppedMdns {
        /// The section.
        media: usize,
        /// How many.
        count: usize,
    },
    /// A section is left without any candidate.
    NoCandidates {
        /// The section.
        media: usize,
    },
    /// Candidates over the limit, or written twice.
    DroppedExtraCandidates(usize),
    /// An mDNS name in `a=rtcp`.
    RewroteRtcp(usize),
    /// The option `trickle`.
    RemovedTrickle,
    /// The end of candidates was written, as none follow.
    AddedEnd(usize),
    /// The default destination was written.
    SetDestination(usize),
    /// Extensions behind candidates.
    StrippedExtensions(usize),
    /// Related addresses.
    HidRelatedAddresses(usize),
    /// The BUNDLE group.
    RemovedBundle,
    /// A group that names no section.
    RemovedEmptyGroup,
    /// An attribute that the profile leaves out.
    Stripped {
        /// Its name.
        name: String,
        /// How many lines.
        count: usize,
    },
    /// Codecs the peer does not have.
    DroppedCodecs {
        /// The section.
        media: usize,
        /// The payload types.
        payload_types: Vec<u8>,
        /// Whether none was left, so that the section is rejected.
        rejected: bool,
    },
    /// Something went to save room.
    Shrunk {
        /// What went.
        what: Shrink,
        /// How many of it.
        count: usize,
        /// Bytes of the body now.
        bytes: usize,
        /// Bytes it may have.
        bytes_max: usize,
    },
    /// All that could go is gone and the body is still too large.
    StillTooLarge {
        /// Bytes of the body.
        bytes: usize,
        /// Bytes it may have.
        bytes_max: usize,
    },
}

impl SessionDescription {
    /// Leaves out what a peer cannot take, and says what.
    pub fn fit_for_peer(&mut self, profile: &Profile) -> Vec<Fitted> {
        let mut done = Vec::new();
        if *profile != Profile::browser() {
            // Relays and phones read some of them in sections only.
            let moved = self.push_down_session_attributes();
            if !moved.is_empty() {
                done.push(Fitted::PushedDown(moved));
            }
        }
        self.fit_candidates(profile, &mut done);
        self.fit_codecs(profile, &mut done);
        for name in &profile.strips {
            let count = self.remove_attributes(|_, found, _| found.eq_ignore_ascii_case(name));
            if count > 0 {
                let name = name.clone();
                done.push(Fitted::Stripped { name, count });
            }
        }
        if !profile.bundle && self.remove_bundle() {
            done.push(Fitted::RemovedBundle);
        }
        if !profile.takes_mdns && self.remove_empty_groups() > 0 {
            done.push(Fitted::RemovedEmptyGroup);
        }
        if !profile.trickles {
            self.fit_end_of_candidates(&mut done);
        }
        if profile.default_destination {
            let changed = self.set_default_destination_preferring(profile.family);
            done.extend(changed.into_iter().map(Fitted::SetDestination));
        }
        if let Some(bytes_max) = profile.bytes_max {
            super::budget::shrink(self, bytes_max, profile, &mut done);
        }
        done
    }

    fn fit_candidates(&mut self, profile: &Profile, done: &mut Vec<Fitted>) {
        if !profile.takes_mdns {
            let mut dropped = vec![0; self.media_count()];
            self.remove_candidates(|media, candidate| {
                let goes = candidate.is_mdns();
                if let Some(count) = dropped.get_mut(media) {
                    *count += usize::from(goes);
                }
                goes
            });
            for (media, count) in dropped.into_iter().enumerate().filter(|(_, n)| *n > 0) {
                done.push(Fitted::DroppedMdns { media, count });
                if self
                    .media_at(media)
                    .is_some_and(|m| m.candidates().next().is_none())
                {
                    done.push(Fitted::NoCandidates { media });
                }
            }
            self.fit_rtcp(done);
        }
        let extra = self.limit_candidates(profile.candidates_per_media_max);
        if extra > 0 {
            done.push(Fitted::DroppedExtraCandidates(extra));
        }
        if !profile.candidate_extensions {
            let count = self.rewrite_candidates(super::Candidate::without_extensions);
            if count > 0 {
                done.push(Fitted::StrippedExtensions(count));
            }
        }
        if profile.hides_topology {
            let count = self.rewrite_candidates(super::Candidate::without_related_address);
            if count > 0 {
                done.push(Fitted::HidRelatedAddresses(count));
            }
        }
    }

    /// Firefox writes its mDNS name into `a=rtcp`.
    fn fit_rtcp(&mut self, done: &mut Vec<Fitted>) {
        for index in 0..self.media_count() {
            let rtcp = self
                .media_at(index)
                .and_then(|media| media.attribute("rtcp"));
            if rtcp.is_some_and(|rtcp| contains_ignore_case(rtcp, ".local")) {
                let line = LineText::of(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
                self.set_attribute(Some(index), "rtcp", &line);
                done.push(Fitted::RewroteRtcp(index));
            }
        }
    }

    fn fit_codecs(&mut self, profile: &Profile, done: &mut Vec<Fitted>) {
        let Some(names) = &profile.codecs else { return };
        for media in 0..self.media_count() {
            let payload_types = self.keep_formats(media, |codec| {
                !codec.is_primary() || names.iter().any(|name| codec.is(name))
            });
            if !payload_types.is_empty() {
                let rejected = self.media_at(media).is_some_and(|m| m.is_rejected());
                done.push(Fitted::DroppedCodecs {
                    media,
                    payload_types,
                    rejected,
                });
            }
        }
    }

    /// The group goes, and the marks of it; the mids stay, as candidates name them.
    fn remove_bundle(&mut self) -> bool {
        self.remove_attributes(|media, name, value| {
            let bundle = media.is_none()
                && name.eq_ignore_ascii_case("group")
                && value.trim_ascii_start().starts_with("BUNDLE");
            bundle || name.eq_ignore_ascii_case("bundle-only")
        }) > 0
    }

    fn fit_end_of_candidates(&mut self, done: &mut Vec<Fitted>) {
        if self.remove_ice_option("trickle") > 0 {
            done.push(Fitted::RemovedTrickle);
        }
        for index in 0..self.media_count() {
            let has = self
                .media_at(index)
                .is_some_and(|m| m.candidates().next().is_some());
            if has && self.set_end_of_candidates(index) {
                done.push(Fitted::AddedEnd(index));
            }
        }
    }
}

impl fmt::Display for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PushedDown(names) => {
                write!(
                    f,
                    "moved {} from the session into the sections",
                    names.join(", ")
                )
            }
            Self::DroppedMdns { media, count } => {
                write!(
                    f,
                    "dropped {count} mDNS candidates of section {media}: nobody resolves them"
                )
            }
            Self::NoCandidates { media } => write!(f, "section {media} is left without candidates"),
            Self::DroppedExtraCandidates(count) => {
                write!(
                    f,
                    "dropped {count} candidates over the limit or written twice"
                )
            }
            Self::RewroteRtcp(media) => {
                write!(
                    f,
                    "rewrote the mDNS name in a=rtcp of section {media} (RFC 3605 §2.1)"
                )
            }
            Self::RemovedTrickle => {
                f.write_str("removed the option trickle: the peer does not trickle (RFC 8840 §5)")
            }
            Self::AddedEnd(media) => {
                write!(
                    f,
                    "wrote the end of candidates of section {media}: none follow"
                )
            }
            Self::SetDestination(media) => write!(
                f,
                "wrote the default destination of section {media} from its candidates \
                 (RFC 8839 §4.2.1.2)"
            ),
            Self::StrippedExtensions(count) => {
                write!(
                    f,
                    "stripped what only browsers read from {count} candidates"
                )
            }
            Self::HidRelatedAddresses(count) => {
                write!(f, "hid the related address of {count} candidates")
            }
            Self::RemovedBundle => f.write_str("removed the BUNDLE group: the peer has none"),
            Self::RemovedEmptyGroup => f.write_str("removed a group that names no section"),
            Self::Stripped { name, count } => write!(f, "stripped {count} lines of a={name}"),
            Self::DroppedCodecs {
                media,
                payload_types,
                rejected,
            } => {
                let types: Vec<_> = payload_types.iter().map(u8::to_string).collect();
                write!(
                    f,
                    "dropped the payload types {} of section {media}",
                    types.join(" ")
                )?;
                if *rejected {
                    f.write_str(" and rejected it: no codec is left")?;
                }
                Ok(())
            }
            Self::Shrunk {
                what,
                count,
                bytes,
                bytes_max,
            } => write!(f, "dropped {count} {what}: {bytes} of {bytes_max} bytes"),
            Self::StillTooLarge { bytes, bytes_max } => {
                write!(
                    f,
                    "still {bytes} of {bytes_max} bytes, and nothing is left to drop"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{capture, captures};
    use crate::sdp::{Direction, Limits};

    #[test]
    fn mdns_names_do_not_reach_a_phone() {
        let mut offer = capture("firefox-audio-offer-gathered");
        let done = offer.fit_for_peer(&Profile::webrtc());
        assert!(done.contains(&Fitted::DroppedMdns { media: 0, count: 8 }));
        assert!(done.contains(&Fitted::NoCandidates { media: 0 }));
        assert!(!offer.to_text().contains(".local"));
        assert!(!offer.to_text().contains("trickle"));
        assert!(offer.to_text().contains("a=rtcp:9 IN IP4 0.0.0.0\r\n"));
    }

    #[test]
    fn a_gathered_offer_is_complete_for_a_peer_that_does_not_trickle() {
        let mut offer = capture("chrome-audio-offer-gathered");
        offer.fit_for_peer(&Profile::webrtc());
        let media = offer.media_at(0).unwrap();
        assert!(media.end_of_candidates() && !media.has_ice_option("trickle"));
        assert!(
            media
                .candidates()
                .all(|c| !c.as_str().contains("network-id"))
        );
        assert_eq!(media.candidates().count(), 4);
        assert_eq!(media.attribute("rtcp"), Some("59311 IN IP4 10.99.0.2"));
    }

    #[test]
    fn another_browser_gets_everything_and_fitting_is_idempotent() {
        for (name, text) in captures() {
            let before = SessionDescription::parse(&text, &Limits::default()).unwrap();
            let mut browser = before.clone();
            assert_eq!(browser.fit_for_peer(&Profile::browser()), [], "{name}");
            assert_eq!(browser, before);
            for profile in [Profile::webrtc(), Profile::plain_rtp()] {
                let mut once = before.clone();
                once.fit_for_peer(&profile);
                let mut twice = once.clone();
                assert_eq!(twice.fit_for_peer(&profile), [], "{name}");
                assert_eq!(once, twice);
            }
        }
    }

    #[test]
    fn codecs_are_chosen_by_name_with_what_follows_them() {
        let mut offer = capture("chrome-p-av-offer-gathered");
        let profile = Profile {
            codecs: Some(vec!["pcmu".to_owned(), "PCMA".to_owned()]),
            ..Profile::webrtc()
        };
        let done = offer.fit_for_peer(&profile);
        assert_eq!(offer.media_at(0).unwrap().m_line().formats, "0 8 13 126");
        assert!(offer.media_at(1).unwrap().is_rejected());
        assert_eq!(offer.media_at(1).unwrap().direction(), Direction::Inactive);
        assert!(
            !offer.media_at(2).unwrap().is_rejected(),
            "data has no codecs"
        );
        let rejected = |one: &Fitted| matches!(one, Fitted::DroppedCodecs { rejected: true, .. });
        assert!(done.iter().any(rejected));
    }
}
