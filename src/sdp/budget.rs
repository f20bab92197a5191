//! The size budget: what goes, one kind after the other, until a body fits into a datagram.
//!
//! The order is by what a call loses: first what only diagnoses, then what only helps, then
//! choices, and never the first codec, a relay candidate or what secures the media.

use std::fmt;

use super::candidate_kind::{CandidateType, Transport};
use super::codec::Codec;
use super::fit::Fitted;
use super::{Profile, SessionDescription};

/// A kind of thing that goes to save room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrink {
    /// ssrc, ssrc-group, msid: which track a source is.
    Sources,
    /// TCP candidates.
    TcpCandidates,
    /// Header extensions.
    Extmaps,
    /// Reports: rtcp-xr, rtcp-rsize.
    Reports,
    /// Candidates for RTCP, where it shares the port.
    RtcpCandidates,
    /// Feedback: loss and congestion are handled worse.
    Feedback,
    /// Retransmission and correction.
    Redundancy,
    /// Codecs behind the first three of a section.
    RareCodecs,
    /// Host candidates of one section behind the first four.
    HostCandidates,
    /// Codecs behind the first of a section.
    SecondCodecs,
}

const ORDER: [Shrink; 10] = [
    Shrink::Sources,
    Shrink::TcpCandidates,
    Shrink::Extmaps,
    Shrink::Reports,
    Shrink::RtcpCandidates,
    Shrink::Feedback,
    Shrink::Redundancy,
    Shrink::RareCodecs,
    Shrink::HostCandidates,
    Shrink::SecondCodecs,
];

/// Drops kind after kind until the body fits.
pub(super) fn shrink(
    sdp: &mut SessionDescription,
    bytes_max: usize,
    profile: &Profile,
    done: &mut Vec<Fitted>,
) {
    for what in ORDER {
        if sdp.text_len() <= bytes_max {
            return;
        }
        let count = what.apply(sdp);
        if count == 0 {
            continue;
        }
        if profile.default_destination {
            sdp.set_default_destination_preferring(profile.family);
        }
        done.push(Fitted::Shrunk {
            what,
            count,
            bytes: sdp.text_len(),
            bytes_max,
        });
    }
    let bytes = sdp.text_len();
    if bytes > bytes_max {
        done.push(Fitted::StillTooLarge { bytes, bytes_max });
    }
}

impl Shrink {
    fn apply(self, sdp: &mut SessionDescription) -> usize {
        let names = |sdp: &mut SessionDescription, names: &[&str]| {
            sdp.remove_attributes(|_, name, _| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
        };
        match self {
            Self::Sources => names(sdp, &["ssrc", "ssrc-group", "msid", "msid-semantic"]),
            Self::TcpCandidates => sdp.remove_candidates(|_, c| c.transport() == Transport::Tcp),
            Self::Extmaps => names(sdp, &["extmap", "extmap-allow-mixed"]),
            Self::Reports => names(sdp, &["rtcp-xr", "rtcp-rsize"]),
            Self::RtcpCandidates => {
                let muxed: Vec<bool> = sdp.media().map(|media| media.rtcp_mux()).collect();
                sdp.remove_candidates(|media, candidate| {
                    candidate.component() == 2 && muxed.get(media) == Some(&true)
                })
            }
            Self::Feedback => names(sdp, &["rtcp-fb"]),
            Self::Redundancy => keep(sdp, |_, codec| !codec.is_redundancy()),
            Self::RareCodecs => keep(sdp, |place, codec| !codec.is_primary() || place < 3),
            Self::HostCandidates => {
                let mut hosts = vec![0; sdp.media_count()];
                sdp.remove_candidates(|media, candidate| {
                    let Some(count) = hosts.get_mut(media) else {
                        return false;
                    };
                    *count += usize::from(candidate.typ() == CandidateType::Host);
                    candidate.typ() == CandidateType::Host && *count > 4
                })
            }
            Self::SecondCodecs => keep(sdp, |place, codec| !codec.is_primary() || place < 1),
        }
    }
}

/// Keeps codecs by their place among those to talk with; says how many payload types went.
fn keep(sdp: &mut SessionDescription, pred: impl Fn(usize, &Codec<'_>) -> bool) -> usize {
    let mut count = 0;
    for media in 0..sdp.media_count() {
        let mut place = 0;
        count += sdp
            .keep_formats(media, |codec| {
                let stays = pred(place, codec);
                place += usize::from(codec.is_primary());
                stays
            })
            .len();
    }
    count
}

impl fmt::Display for Shrink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sources => "source and stream lines",
            Self::TcpCandidates => "TCP candidates",
            Self::Extmaps => "header extensions",
            Self::Reports => "report lines",
            Self::RtcpCandidates => "RTCP candidates",
            Self::Feedback => "feedback lines",
            Self::Redundancy => "payload types of retransmission and correction",
            Self::RareCodecs => "payload types behind the first three codecs",
            Self::HostCandidates => "host candidates behind the first four",
            Self::SecondCodecs => "payload types behind the first codec",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::capture;

    fn fitted(name: &str, bytes_max: usize) -> (SessionDescription, Vec<Fitted>) {
        let mut sdp = capture(name);
        let profile = Profile {
            bytes_max: Some(bytes_max),
            ..Profile::webrtc()
        };
        let done = sdp.fit_for_peer(&profile);
        (sdp, done)
    }

    #[test]
    fn an_audio_offer_fits_into_a_datagram() {
        let (sdp, done) = fitted("chrome-audio-offer-gathered", 1000);
        assert!(sdp.text_len() <= 1000, "{done:?}");
        let media = sdp.media_at(0);
        let codecs = media.map(|m| m.codecs()).unwrap_or_default();
        assert!(codecs.iter().any(|c| c.is("opus")));
        assert!(media.is_some_and(|m| m.has("fingerprint") && m.rtcp_mux()));
        let told: Vec<_> = done.iter().map(ToString::to_string).collect();
        let tcp = told.iter().find(|line| line.contains("TCP"));
        assert!(tcp.is_some_and(|line| line.starts_with("dropped 2 TCP candidates: ")));
    }

    #[test]
    fn only_what_is_needed_goes() {
        let (_, done) = fitted("chrome-audio-offer-gathered", 1500);
        let kinds: Vec<_> = done
            .iter()
            .filter_map(|one| match one {
                Fitted::Shrunk { what, .. } => Some(*what),
                _ => None,
            })
            .collect();
        assert_eq!(kinds, [Shrink::Sources]);
    }

    #[test]
    fn what_cannot_fit_says_so() {
        let (sdp, done) = fitted("chrome-p-av-offer-gathered", 300);
        let bytes = sdp.text_len();
        let last = done.last();
        assert_eq!(
            last,
            Some(&Fitted::StillTooLarge {
                bytes,
                bytes_max: 300
            })
        );
        assert!(sdp.media().all(|m| !m.is_rejected()), "no section was lost");
    }
}
