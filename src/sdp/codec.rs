//! [`Codec`]: one payload type with its rtpmap (RFC 8866 §6.6) and fmtp (§6.15).

use std::fmt;

use super::Media;
use super::text::number;

/// One payload type of an RTP section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// As written: `opus`, `PCMU`, `telephone-event`.
    pub name: &'a str,
    /// Hertz.
    pub clock_rate: u32,
    /// 1 where nothing is written.
    pub channels: u8,
    /// The format parameters, verbatim.
    pub fmtp: Option<&'a str>,
}

/// What payload types mean without an rtpmap (RFC 3551 §6).
const STATIC: &[(u8, &str, u32, u8)] = &[
    (0, "PCMU", 8000, 1),
    (3, "GSM", 8000, 1),
    (4, "G723", 8000, 1),
    (5, "DVI4", 8000, 1),
    (6, "DVI4", 16000, 1),
    (7, "LPC", 8000, 1),
    (8, "PCMA", 8000, 1),
    (9, "G722", 8000, 1),
    (10, "L16", 44100, 2),
    (11, "L16", 44100, 1),
    (12, "QCELP", 8000, 1),
    (13, "CN", 8000, 1),
    (14, "MPA", 90000, 1),
    (15, "G728", 8000, 1),
    (16, "DVI4", 11025, 1),
    (17, "DVI4", 22050, 1),
    (18, "G729", 8000, 1),
    (25, "CelB", 90000, 1),
    (26, "JPEG", 90000, 1),
    (28, "nv", 90000, 1),
    (31, "H261", 90000, 1),
    (32, "MPV", 90000, 1),
    (33, "MP2T", 90000, 1),
    (34, "H263", 90000, 1),
];

impl<'a> Codec<'a> {
    fn read(payload_type: u8, rtpmap: Option<&'a str>, fmtp: Option<&'a str>) -> Option<Self> {
        let Some(rtpmap) = rtpmap else {
            let known = STATIC.iter().find(|known| known.0 == payload_type);
            return known.map(|&(payload_type, name, clock_rate, channels)| Self {
                payload_type,
                name,
                clock_rate,
                channels,
                fmtp,
            });
        };
        let mut parts = rtpmap.trim_ascii().splitn(3, '/');
        Some(Self {
            payload_type,
            name: parts.next().filter(|name| !name.is_empty())?,
            clock_rate: number(parts.next()?.trim_ascii())?,
            channels: match parts.next() {
                Some(channels) => number(channels.trim_ascii()).unwrap_or(1),
                None => 1,
            },
            fmtp,
        })
    }

    /// What a payload type means by itself (RFC 3551 §6).
    #[must_use]
    pub fn of_static(payload_type: u8) -> Option<Codec<'static>> {
        Codec::read(payload_type, None, None)
    }

    /// Whether the codec has this name, compared without case (RFC 4855 §3).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether both mean the same encoding: name, clock rate and channels.
    #[must_use]
    pub fn same_encoding(&self, other: &Codec<'_>) -> bool {
        self.is(other.name)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
    }

    /// Telephone events or comfort noise: no codec to talk with.
    #[must_use]
    pub fn is_event_or_noise(&self) -> bool {
        self.is("telephone-event") || self.is("CN")
    }

    /// Repetition or correction of another payload type: rtx, red, ulpfec, flexfec.
    #[must_use]
    pub fn is_redundancy(&self) -> bool {
        ["rtx", "red", "ulpfec", "flexfec", "flexfec-03"]
            .iter()
            .any(|name| self.is(name))
    }

    /// A codec that carries the medium itself.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        !self.is_event_or_noise() && !self.is_redundancy()
    }

    /// The payload types this one depends on: `apt=` of rtx (RFC 4588 §8.6), the list of red
    /// (RFC 2198 §5).
    #[must_use]
    pub fn depends_on(&self) -> Vec<u8> {
        let Some(fmtp) = self.fmtp else {
            return Vec::new();
        };
        if self.is("rtx") {
            let apt = fmtp.split(';').filter_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                let is_apt = name.trim_ascii().eq_ignore_ascii_case("apt");
                is_apt.then(|| number(value.trim_ascii()))?
            });
            return apt.collect();
        }
        if self.is("red") {
            return fmtp
                .split('/')
                .filter_map(|pt| number(pt.trim_ascii()))
                .collect();
        }
        Vec::new()
    }
}

/// `opus/48000/2`
impl fmt::Display for Codec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.clock_rate)?;
        if self.channels > 1 {
            write!(f, "/{}", self.channels)?;
        }
        Ok(())
    }
}

impl<'a> Media<'a> {
    /// The codecs of an RTP section in order of preference. Payload types that have no meaning
    /// (dynamic and without an rtpmap) are left out.
    #[must_use]
    pub fn codecs(&self) -> Vec<Codec<'a>> {
        if !self.is_rtp() {
            return Vec::new();
        }
        let mut rtpmaps: [Option<&'a str>; 128] = [None; 128];
        let mut fmtps: [Option<&'a str>; 128] = [None; 128];
        for line in self.lines() {
            let (table, value) = match (line.value_of("rtpmap"), line.value_of("fmtp")) {
                (Some(value), _) => (&mut rtpmaps, value),
                (None, Some(value)) => (&mut fmtps, value),
                (None, None) => continue,
            };
            if let Some((pt, rest)) = payload_type_and_rest(value)
                && let Some(slot @ None) = table.get_mut(usize::from(pt))
            {
                *slot = Some(rest);
            }
        }
        let read = |pt: u8| {
            let at = usize::from(pt);
            Codec::read(pt, *rtpmaps.get(at)?, *fmtps.get(at)?)
        };
        self.formats()
            .filter_map(|format| read(number(format)?))
            .collect()
    }
}

/// `96 opus/48000/2` to 96 and the rest, for rtpmap, fmtp and rtcp-fb alike.
pub(super) fn payload_type_and_rest(value: &str) -> Option<(u8, &str)> {
    let value = value.trim_ascii_start();
    let (pt, rest) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    Some((number(pt)?, rest.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::{capture, sdp};

    #[test]
    fn codecs_come_in_order_with_their_parameters() {
        let offer = capture("chrome-audio-offer-gathered");
        let media = offer.media_at(0);
        let codecs = media.map(|m| m.codecs()).unwrap_or_default();
        let shown: Vec<_> = codecs.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "opus/48000/2",
                "red/48000/2",
                "G722/8000",
                "PCMU/8000",
                "PCMA/8000",
                "CN/8000",
                "telephone-event/48000",
                "telephone-event/8000"
            ]
        );
        assert_eq!(codecs[0].fmtp, Some("minptime=10;useinbandfec=1"));
        assert_eq!(codecs[1].depends_on(), [111, 111]);
        let primary: Vec<_> = codecs.iter().filter(|c| c.is_primary()).collect();
        assert_eq!(primary.len(), 4);
    }

    #[test]
    fn static_payload_types_need_no_rtpmap() {
        let plain = sdp(
            "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n\
            m=audio 4 RTP/AVP 0 18 97 98 x 300\na=rtpmap:98 iLBC/8000\na=fmtp:18 annexb=no\n\
            m=image 4 udptl t38\n",
        );
        let codecs = plain.media_at(0).map(|m| m.codecs()).unwrap_or_default();
        let shown: Vec<_> = codecs.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["PCMU/8000", "G729/8000", "iLBC/8000"]);
        assert_eq!(codecs[1].fmtp, Some("annexb=no"));
        assert_eq!(plain.media_at(1).map(|m| m.codecs().len()), Some(0));
    }
}
