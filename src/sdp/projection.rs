//! What of a description decides whether something changed: order, spelling and what only names
//! tracks or candidates left out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Direction, Media, SessionDescription, Setup};

/// What decides of a whole description.
#[derive(PartialEq, Eq)]
pub(super) struct Projection<'a> {
    pub(super) sections: Vec<Section<'a>>,
    pub(super) bundles: Vec<Vec<&'a str>>,
}

/// What decides of one section.
#[derive(PartialEq, Eq)]
pub(super) struct Section<'a> {
    pub(super) kind: String,
    pub(super) class: Class,
    pub(super) rejected: bool,
    pub(super) direction: Direction,
    pub(super) destination: (Option<&'a str>, u16),
    pub(super) mid: Option<&'a str>,
    pub(super) ice: (Option<&'a str>, Option<&'a str>),
    pub(super) dtls: (BTreeSet<(String, String)>, Option<&'a str>),
    pub(super) setup: Option<Setup>,
    pub(super) mux: bool,
    pub(super) codecs: Vec<Encoding>,
    pub(super) formats: Vec<&'a str>,
    pub(super) extmaps: BTreeMap<u16, &'a str>,
    pub(super) cryptos: Vec<(u32, &'a str, &'a str)>,
    pub(super) qualities: BTreeSet<&'a str>,
    pub(super) bandwidths: BTreeSet<&'a str>,
}

/// How media is carried and protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Plain RTP.
    Plain,
    /// SRTP, keyed by DTLS or by SDES.
    Secure,
    /// Anything else: data channels, T.38, …
    Other,
}

/// A codec with its parameters as a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) payload_type: u8,
    /// Name in lower case, clock rate, channels.
    pub(super) meaning: (String, u32, u8),
    pub(super) parameters: BTreeSet<String>,
    pub(super) primary: bool,
}

impl<'a> Projection<'a> {
    pub(super) fn of(sdp: &'a SessionDescription) -> Self {
        let bundles = sdp.bundle_groups().into_iter().map(|group| group.mids);
        Self {
            sections: sdp.media().map(|media| Section::of(&media)).collect(),
            bundles: bundles.collect(),
        }
    }
}

impl<'a> Section<'a> {
    fn of(media: &Media<'a>) -> Self {
        let m = media.m_line();
        let prints = media.fingerprints();
        let of_kind = |kind: u8| {
            let lines = media.lines().filter(move |line| line.kind() == kind);
            lines.map(|line| line.value().trim_ascii_end())
        };
        let qualities = media
            .lines()
            .filter_map(|line| line.value_of("rid").or_else(|| line.value_of("simulcast")));
        Self {
            kind: m.kind.to_ascii_lowercase(),
            class: Class::of(m.proto),
            rejected: media.is_rejected(),
            direction: media.flow(),
            destination: (media.connection_address(), m.port),
            mid: media.mid(),
            ice: (media.ice_ufrag(), media.ice_pwd()),
            dtls: (
                prints.iter().map(|print| print.normal()).collect(),
                media.tls_id(),
            ),
            setup: media.setup(),
            mux: media.rtcp_mux(),
            codecs: media.codecs().iter().map(Encoding::of).collect(),
            formats: media.formats().collect(),
            extmaps: media.extmaps().iter().map(|e| (e.id, e.uri)).collect(),
            cryptos: media
                .cryptos()
                .iter()
                .map(|c| (c.tag, c.suite, c.keys))
                .collect(),
            qualities: qualities.collect(),
            bandwidths: of_kind(b'b').collect(),
        }
    }
}

impl Class {
    fn of(proto: &str) -> Self {
        let proto = proto.to_ascii_uppercase();
        if proto.contains("RTP/SAVP") {
            Self::Secure
        } else if proto.contains("RTP/AVP") {
            Self::Plain
        } else {
            Self::Other
        }
    }
}

impl Encoding {
    fn of(codec: &super::Codec<'_>) -> Self {
        let parameters = codec.fmtp.unwrap_or("").split(';').map(str::trim_ascii);
        Self {
            payload_type: codec.payload_type,
            meaning: (
                codec.name.to_ascii_lowercase(),
                codec.clock_rate,
                codec.channels,
            ),
            parameters: parameters
                .filter(|p| !p.is_empty())
                .map(str::to_owned)
                .collect(),
            primary: codec.is_primary(),
        }
    }
}
