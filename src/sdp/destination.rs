//! The default destination of a section: `c=`, the port of `m=`, and `a=rtcp` (RFC 8839 §4.2.1.2).
//!
//! A peer without ICE sends there; a peer with ICE takes a default that is not among the
//! candidates for a mismatch, unless it is the placeholder of trickling, 0.0.0.0 and port 9.

use std::net::IpAddr;

use super::candidate::Candidate;
use super::candidate_kind::{CandidateAddress, CandidateType, Transport};
use super::text::LineText;
use super::{Media, SessionDescription};

/// Which family of addresses comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpFamily {
    /// IPv4 before IPv6.
    #[default]
    V4,
    /// IPv6 before IPv4.
    V6,
}

impl SessionDescription {
    /// Writes the default destination of each section that has candidates, IPv4 first; of the
    /// others with ICE the placeholder stays or comes. Returns the sections that changed.
    pub fn set_default_destination(&mut self) -> Vec<usize> {
        self.set_default_destination_preferring(IpFamily::V4)
    }

    /// As [`SessionDescription::set_default_destination`], with the family that comes first.
    pub fn set_default_destination_preferring(&mut self, family: IpFamily) -> Vec<usize> {
        let mut changed = Vec::new();
        for index in 0..self.media_count() {
            let Some(media) = self.media_at(index) else {
                continue;
            };
            // Without ICE the destination is the peer's own word; port 0 is a rejection or waits
            // for its bundle.
            if media.port() == 0 || media.ice_ufrag().is_none() {
                continue;
            }
            let destination = Destination::of(&media, family);
            if self.write_destination(index, &destination) {
                changed.push(index);
            }
        }
        changed
    }

    fn write_destination(&mut self, index: usize, destination: &Destination) -> bool {
        let before = self.clone();
        let m_line = self
            .media_at(index)
            .map(|m| m.m_line().with_port(destination.port));
        let range = self.media_range(index);
        if let Some(m_line) = m_line {
            self.replace_line(range.start, &m_line);
        }
        self.set_connection(index, &destination.address);
        let rtcp = self
            .media_at(index)
            .and_then(|media| media.attribute("rtcp"));
        // The old a=rtcp names the old address, an mDNS name in Firefox's case. Chrome's 9 and
        // 0.0.0.0 are the placeholder, with rtcp-mux never used (RFC 8839 §4.2.2).
        match (&destination.rtcp, rtcp.map(is_placeholder_rtcp)) {
            (Some((address, port)), Some(_)) => {
                let line = LineText::of(format_args!("a=rtcp:{port} {}", connection_of(address)));
                self.set_attribute(Some(index), "rtcp", &line);
            }
            (None, Some(false)) => {
                let line = LineText::of(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
                self.set_attribute(Some(index), "rtcp", &line);
            }
            (Some((address, port)), None) if !destination.muxed => {
                let line = LineText::of(format_args!("a=rtcp:{port} {}", connection_of(address)));
                self.set_attribute(Some(index), "rtcp", &line);
            }
            (None, Some(true)) | (_, None) => {}
        }
        *self != before
    }

    /// Writes the `c=` of a section, one line, in the place of the first there was.
    pub(super) fn set_connection(&mut self, index: usize, address: &IpAddr) {
        let line = LineText::of(format_args!("c={}", connection_of(address)));
        let range = self.media_range(index);
        if range.is_empty() {
            return;
        }
        let Some(first) = self.find(range.clone(), |l| l.kind() == b'c') else {
            let at = self.find(range.clone(), |l| !matches!(l.kind(), b'm' | b'i'));
            self.insert_line(at.unwrap_or(range.end), &line);
            return;
        };
        self.replace_line(first, &line);
        for at in (first + 1..range.end).rev() {
            if self.line(at).kind() == b'c' {
                self.remove_line(at);
            }
        }
    }
}

struct Destination {
    address: IpAddr,
    port: u16,
    rtcp: Option<(IpAddr, u16)>,
    muxed: bool,
}

impl Destination {
    fn of(media: &Media<'_>, family: IpFamily) -> Self {
        let candidates: Vec<Candidate> = media.candidates().collect();
        let best = |component: u16| {
            candidates
                .iter()
                .filter(|candidate| candidate.component() == component)
                .filter_map(|candidate| match candidate.address() {
                    CandidateAddress::Ip(ip) => Some((rank(candidate, ip, family), ip, candidate)),
                    // Nobody beyond the browser's link resolves an mDNS name.
                    CandidateAddress::Mdns(_) => None,
                })
                .min_by_key(|(rank, ..)| *rank)
                .map(|(_, ip, candidate)| (ip, candidate.port()))
        };
        let placeholder = (IpAddr::from([0, 0, 0, 0]), 9);
        let rtp = best(1);
        let (address, port) = rtp.unwrap_or(placeholder);
        let muxed = media.rtcp_mux();
        Self {
            address,
            port,
            rtcp: best(2).or(if muxed { rtp } else { None }),
            muxed,
        }
    }
}

/// Lower is better: UDP before TCP, relay before reflexive before host, the family.
fn rank(candidate: &Candidate, ip: IpAddr, family: IpFamily) -> (bool, u8, bool) {
    let kind = match candidate.typ() {
        CandidateType::Relay => 0,
        CandidateType::ServerReflexive | CandidateType::PeerReflexive => 1,
        CandidateType::Host => 2,
    };
    let tcp = candidate.transport() == Transport::Tcp;
    (tcp, kind, ip.is_ipv6() != (family == IpFamily::V6))
}

/// `IN IP4 192.0.2.1`
pub(super) fn connection_of(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("IN IP4 {v4}"),
        IpAddr::V6(v6) => format!("IN IP6 {v6}"),
    }
}

fn is_placeholder_rtcp(value: &str) -> bool {
    value.trim_ascii() == "9 IN IP4 0.0.0.0"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, capture};

    const ICE: &str = "a=ice-ufrag:abcd\na=rtcp-mux\n";

    fn destination(lines: &str, family: IpFamily) -> String {
        let mut one = audio(&format!("{ICE}{lines}"));
        one.set_default_destination_preferring(family);
        let again = one.clone().set_default_destination_preferring(family);
        assert!(again.is_empty(), "a second time changes nothing");
        let media = one.media_at(0).unwrap();
        let rtcp = media.attribute("rtcp").unwrap_or("none");
        format!("{} {} | {rtcp}", media.port(), media.connection().unwrap())
    }

    const HOST4: &str = "a=candidate:1 1 udp 5 192.0.2.1 1001 typ host\n";
    const HOST6: &str = "a=candidate:1 1 udp 9 2001:db8::1 1002 typ host\n";
    const SRFLX: &str = "a=candidate:1 1 udp 4 192.0.2.2 1003 typ srflx raddr 10.0.0.1 rport 1\n";
    const RELAY: &str = "a=candidate:1 1 udp 3 192.0.2.3 1004 typ relay raddr 10.0.0.1 rport 1\n";
    const TCP: &str = "a=candidate:1 1 tcp 3 192.0.2.4 9 typ host tcptype active\n";
    const MDNS: &str = "a=candidate:1 1 udp 9 x.local 1005 typ host\n";

    #[test]
    fn the_best_candidate_becomes_the_default() {
        let v4 = |lines: &[&str]| destination(&lines.concat(), IpFamily::V4);
        assert_eq!(v4(&[HOST6, HOST4]), "1001 IN IP4 192.0.2.1 | none");
        assert_eq!(v4(&[HOST4, SRFLX]), "1003 IN IP4 192.0.2.2 | none");
        assert_eq!(v4(&[HOST4, SRFLX, RELAY]), "1004 IN IP4 192.0.2.3 | none");
        assert_eq!(v4(&[TCP, HOST6]), "1002 IN IP6 2001:db8::1 | none");
        assert_eq!(v4(&[TCP, MDNS]), "9 IN IP4 192.0.2.4 | none");
        assert_eq!(v4(&[MDNS]), "9 IN IP4 0.0.0.0 | none");
        assert_eq!(
            destination(&[HOST4, HOST6].concat(), IpFamily::V6),
            "1002 IN IP6 2001:db8::1 | none"
        );
    }

    #[test]
    fn an_mdns_name_leaves_the_rtcp_line() {
        let rtcp = "a=rtcp:56986 IN IP4 x.local\n";
        assert_eq!(
            destination(rtcp, IpFamily::V4),
            "9 IN IP4 0.0.0.0 | 9 IN IP4 0.0.0.0"
        );
        assert_eq!(
            destination(&[rtcp, HOST4].concat(), IpFamily::V4),
            "1001 IN IP4 192.0.2.1 | 1001 IN IP4 192.0.2.1"
        );
        let second = "a=candidate:1 2 udp 5 192.0.2.1 1009 typ host\n";
        assert_eq!(
            destination(&[rtcp, HOST4, second].concat(), IpFamily::V4),
            "1001 IN IP4 192.0.2.1 | 1009 IN IP4 192.0.2.1"
        );
    }

    #[test]
    fn a_gathered_offer_keeps_all_other_lines() {
        let before = capture("chrome-av-offer-gathered");
        let mut after = before.clone();
        after.set_default_destination();
        let changed: Vec<_> = before
            .lines()
            .zip(after.lines())
            .filter(|(a, b)| a != b)
            .collect();
        assert!(
            changed.iter().all(|(line, _)| line.is_attribute("rtcp")),
            "{changed:?}"
        );
        assert_eq!(before.lines().len(), after.lines().len());
    }

    #[test]
    fn a_section_without_ice_is_left_alone() {
        let mut plain = capture("baresip-baresip-3");
        assert!(plain.set_default_destination().is_empty());
        assert_eq!(plain, capture("baresip-baresip-3"));
    }
}
