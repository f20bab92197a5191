//! [`Profile`]: what a peer that is no browser can take.

use super::IpFamily;

/// What a peer can take. Each `false` and each limit costs lines; what was left out is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Takes candidates one by one (RFC 8840). Otherwise a description is complete when it is
    /// sent: the trickle option goes and the end of candidates is written.
    pub trickles: bool,
    /// Resolves mDNS names: only another browser on the same link does.
    pub takes_mdns: bool,
    /// Must not learn related addresses, which may be private ones.
    pub hides_topology: bool,
    /// Understands BUNDLE (RFC 9143).
    pub bundle: bool,
    /// Takes what browsers write behind a candidate: generation, network-id, network-cost, ufrag.
    pub candidate_extensions: bool,
    /// Reads the default destination (RFC 8839 §4.2.1.2), so it is written from the candidates.
    pub default_destination: bool,
    /// Which family the default destination prefers.
    pub family: IpFamily,
    /// Candidates of one section that are sent at most.
    pub candidates_per_media_max: usize,
    /// Attributes that are always left out, by name.
    pub strips: Vec<String>,
    /// Keeps a DTLS association for as long as a section lives, so that one with another
    /// certificate needs a new section. `None` where the peer's own descriptions tell.
    pub keeps_associations: Option<bool>,
    /// The codecs the peer can have, by name, compared without case; `None` for all. Telephone
    /// events, comfort noise and retransmission follow the codecs they belong to.
    pub codecs: Option<Vec<String>>,
    /// Bytes the body may have; `None` for as many as there are. Over UDP a whole request may have
    /// 1300 where the path is not known (RFC 3261 §18.1.1).
    pub bytes_max: Option<usize>,
}

/// What browsers write and a relay leaves in a body of plain RTP.
const BROWSER_ONLY: [&str; 13] = [
    "bundle-only",
    "extmap",
    "extmap-allow-mixed",
    "max-message-size",
    "msid",
    "msid-semantic",
    "rid",
    "rtcp-fb",
    "rtcp-rsize",
    "sctp-port",
    "simulcast",
    "ssrc",
    "ssrc-group",
];

impl Profile {
    /// Another browser: takes everything as it is.
    #[must_use]
    pub fn browser() -> Self {
        Self {
            trickles: true,
            takes_mdns: true,
            hides_topology: false,
            bundle: true,
            candidate_extensions: true,
            default_destination: false,
            family: IpFamily::V4,
            candidates_per_media_max: 50,
            strips: Vec::new(),
            keeps_associations: None,
            codecs: None,
            bytes_max: None,
        }
    }

    /// A peer with WebRTC media behind another protocol: everything passes but what only a browser
    /// on the same link can use.
    #[must_use]
    pub fn webrtc() -> Self {
        Self {
            trickles: false,
            takes_mdns: false,
            candidate_extensions: false,
            default_destination: true,
            ..Self::browser()
        }
    }

    /// A phone of plain RTP behind a media relay: what browsers write for themselves goes.
    #[must_use]
    pub fn plain_rtp() -> Self {
        Self {
            bundle: false,
            strips: BROWSER_ONLY.map(str::to_owned).to_vec(),
            ..Self::webrtc()
        }
    }
}

/// [`Profile::webrtc`].
impl Default for Profile {
    fn default() -> Self {
        Self::webrtc()
    }
}
