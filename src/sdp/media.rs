//! [`Media`]: one section, from its `m=` line (RFC 8866 §5.14) to the next one.

use std::ops::Range;

use super::SessionDescription;
use super::text::Line;

/// A view on one media section.
#[derive(Clone, Copy)]
pub struct Media<'a> {
    sdp: &'a SessionDescription,
    index: usize,
    start: usize,
    end: usize,
}

/// The fields of an `m=` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MLine<'a> {
    /// `audio`, `video`, `application`, `image`, …
    pub kind: &'a str,
    /// The port; 0 rejects the section or marks it bundle-only.
    pub port: u16,
    /// How many ports, where written (`49170/2`).
    pub ports: Option<&'a str>,
    /// `UDP/TLS/RTP/SAVPF`, `RTP/AVP`, `udptl`, …
    pub proto: &'a str,
    /// The formats as written.
    pub formats: &'a str,
}

impl<'a> MLine<'a> {
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let (kind, rest) = field(value)?;
        let (port, rest) = field(rest)?;
        let (proto, rest) = field(rest)?;
        let (port, ports) = match port.split_once('/') {
            Some((port, ports)) => (port, Some(ports)),
            None => (port, None),
        };
        Some(Self {
            kind,
            port: port.parse().ok()?,
            ports,
            proto,
            formats: rest.trim_ascii(),
        })
    }

    /// The line with another port.
    pub(super) fn with_port(&self, port: u16) -> super::LineText {
        let Self {
            kind,
            proto,
            formats,
            ..
        } = self;
        match self.ports {
            Some(ports) if port != 0 => {
                super::LineText::of(format_args!("m={kind} {port}/{ports} {proto} {formats}"))
            }
            _ => super::LineText::of(format_args!("m={kind} {port} {proto} {formats}")),
        }
    }
}

/// The next field and the rest behind it.
fn field(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    Some(text.split_once([' ', '\t']).unwrap_or((text, "")))
}

impl<'a> Media<'a> {
    pub(super) fn new(sdp: &'a SessionDescription, index: usize) -> Self {
        let Range { start, end } = sdp.media_range(index);
        Self {
            sdp,
            index,
            start,
            end,
        }
    }

    /// Which section this is, from 0: the W3C's `sdpMLineIndex`.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The description it is a part of.
    #[must_use]
    pub fn description(&self) -> &'a SessionDescription {
        self.sdp
    }

    /// All lines, the `m=` line first.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        self.sdp.lines_in(self.start..self.end)
    }

    /// The fields of the `m=` line.
    #[must_use]
    pub fn m_line(&self) -> MLine<'a> {
        // The reader has checked the four fields, and every edit writes them.
        MLine::parse(self.sdp.line(self.start).value()).unwrap_or(MLine {
            kind: "",
            port: 0,
            ports: None,
            proto: "",
            formats: "",
        })
    }

    /// `audio`, `video`, `application`, …
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.m_line().kind
    }

    /// The port of the `m=` line.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.m_line().port
    }

    /// The transport protocol of the `m=` line.
    #[must_use]
    pub fn proto(&self) -> &'a str {
        self.m_line().proto
    }

    /// The formats in order of preference: payload types, `webrtc-datachannel`, `t38`, …
    pub fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.m_line().formats.split_ascii_whitespace()
    }

    /// Whether this is RTP of any profile.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        super::text::contains_ignore_case(self.proto(), "RTP/")
    }

    /// Whether the section is rejected or disabled: port 0 (RFC 3264 §6, §8.2) and not
    /// bundle-only, which writes port 0 as well (RFC 9143 §6).
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.port() == 0 && !self.is_bundle_only()
    }

    /// Whether the section says `a=bundle-only`.
    #[must_use]
    pub fn is_bundle_only(&self) -> bool {
        self.has("bundle-only")
    }

    /// The identification tag (RFC 5888 §4).
    #[must_use]
    pub fn mid(&self) -> Option<&'a str> {
        self.attribute("mid").map(str::trim_ascii)
    }

    /// Whether RTP and RTCP may share the port (RFC 5761 §5.1.1).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.has("rtcp-mux") || self.has("rtcp-mux-only")
    }

    /// Whether the section itself has an attribute of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// The first value of an attribute of the section itself; empty for a flag.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.lines().find_map(|line| line.value_of(name))
    }

    /// All values of an attribute of the section itself.
    pub fn attributes(&self, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.lines().filter_map(move |line| line.value_of(name))
    }

    /// The value of the section, else that of the session part.
    #[must_use]
    pub fn effective(&self, name: &str) -> Option<&'a str> {
        let own = self.attribute(name);
        own.or_else(|| self.sdp.session_attribute(name))
    }

    /// All values of the section or, where it has none, those of the session part.
    #[must_use]
    pub fn effective_all(&self, name: &'a str) -> Vec<&'a str> {
        let own: Vec<_> = self.attributes(name).collect();
        if !own.is_empty() {
            return own;
        }
        let session = self.sdp.session_lines();
        session.filter_map(|line| line.value_of(name)).collect()
    }

    /// The `c=` value of the section, else of the session part.
    #[must_use]
    pub fn connection(&self) -> Option<&'a str> {
        let of = |line: Line<'a>| (line.kind() == b'c').then(|| line.value());
        let own = self.lines().find_map(of);
        own.or_else(|| self.sdp.session_lines().find_map(of))
    }

    /// The address of [`Media::connection`], without a multicast suffix.
    #[must_use]
    pub fn connection_address(&self) -> Option<&'a str> {
        let address = self.connection()?.split_ascii_whitespace().nth(2)?;
        Some(
            address
                .split_once('/')
                .map_or(address, |(address, _)| address),
        )
    }
}

impl std::fmt::Debug for Media<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::sdp;

    #[test]
    fn an_m_line_is_read_field_by_field() {
        let m = MLine::parse("audio 49170/2  RTP/AVP 0 8 ");
        assert_eq!(
            m,
            Some(MLine {
                kind: "audio",
                port: 49170,
                ports: Some("2"),
                proto: "RTP/AVP",
                formats: "0 8"
            })
        );
        assert_eq!(
            m.map(|m| m.with_port(7)).as_ref().map(|l| l.as_str()),
            Some("m=audio 7/2 RTP/AVP 0 8")
        );
        assert_eq!(MLine::parse("audio x RTP/AVP 0"), None);
    }

    #[test]
    fn a_section_inherits_what_it_does_not_say() {
        let two = sdp(
            "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7/127\nt=0 0\n\
            a=setup:passive\nm=audio 1 RTP/AVP 0\nm=video 0 RTP/AVP 96\n\
            c=IN IP4 192.0.2.9\na=setup:active\na=bundle-only\n",
        );
        let sections: Vec<_> = two.media().collect();
        assert_eq!(sections[0].effective("setup"), Some("passive"));
        assert_eq!(sections[0].connection_address(), Some("192.0.2.7"));
        assert_eq!(sections[1].effective("setup"), Some("active"));
        assert_eq!(sections[1].connection_address(), Some("192.0.2.9"));
        assert!(!sections[1].is_rejected(), "bundle-only is no rejection");
    }
}
