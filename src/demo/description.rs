//! What the phone reads in a description, and how it writes its own.
//!
//! The media engine is shown one audio section and nothing else: it is strict about what it does
//! not expect, and the phone takes one audio stream only. Everything around that section (other
//! sections, their order, `o=`, the default destination) is the phone's, and is kept in a
//! [`Shape`] that its answers and offers are written by. This is a second reading of RFC 8866
//! beside the gateway's own, on purpose: what one gets wrong the other does not forgive.
//!
//! ```text
//!   the peer's offer ──narrow──▶ engine ──one section──▶ write ──▶ answer, all sections
//! ```

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Bytes that a description may have.
pub const LENGTH_MAX: usize = 64 * 1024;

/// Sections that a description may have.
const SECTIONS_MAX: usize = 64;

/// Candidates that are read; the rest is left out.
const CANDIDATES_MAX: usize = 32;

/// Formats of one section that are read; the rest is left out.
const FORMATS_MAX: usize = 64;

/// Why a description cannot be taken. The peer's fault, each time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// Longer than [`LENGTH_MAX`], or more sections than 64.
    #[error("the description is too large")]
    TooLarge,
    /// A line that is not `x=…`, or an `m=` line with fewer than four fields.
    #[error("the description cannot be read at line {0}")]
    Syntax(usize),
    /// No live audio section.
    #[error("the description offers no audio")]
    NoAudio,
    /// The audio section has no ICE credentials, no fingerprint, or no `rtcp-mux`.
    #[error("the audio section has no {0}: the phone speaks WebRTC media only")]
    Missing(&'static str),
    /// An answer that does not fit the offer.
    #[error("the answer has other sections than the offer")]
    OtherSections,
}

/// The sections of a session, as both sides count them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    sections: Vec<Slot>,
    /// Which of them is the phone's.
    audio: usize,
    /// Whether the audio section is in a BUNDLE group.
    bundled: bool,
}

/// What is told of a section that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    media: String,
    protocol: String,
    /// One format of those offered: an `m=` line must have one, also where it is refused.
    format: String,
    mid: Option<String>,
}

impl Shape {
    /// One audio section, as the phone's own first offer has it.
    #[must_use]
    pub fn audio(mid: &str) -> Self {
        let slot = Slot {
            media: "audio".to_owned(),
            protocol: "UDP/TLS/RTP/SAVPF".to_owned(),
            format: "0".to_owned(),
            mid: Some(mid.to_owned()),
        };
        Self {
            sections: vec![slot],
            audio: 0,
            bundled: true,
        }
    }

    /// Whether an answer's sections are those that were offered (RFC 3264 §6).
    ///
    /// # Errors
    /// [`DescriptionError::OtherSections`] where they are not.
    pub fn fits(&self, answer: &Self) -> Result<(), DescriptionError> {
        let media = |shape: &Self| -> Vec<String> {
            shape
                .sections
                .iter()
                .map(|slot| slot.media.clone())
                .collect()
        };
        if media(self) == media(answer) && self.audio == answer.audio {
            Ok(())
        } else {
            Err(DescriptionError::OtherSections)
        }
    }
}

/// A description of the peer, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Its sections.
    pub shape: Shape,
    /// One audio section for the media engine.
    pub narrow: String,
    /// The addresses of its candidates.
    pub remotes: Vec<IpAddr>,
}

/// The `o=` line of the phone: the version grows by one with every change (RFC 3264 §8).
#[derive(Clone, Debug)]
pub struct Origin {
    session: u64,
    version: u64,
    last: String,
}

impl Origin {
    /// A session with a number of its own.
    #[must_use]
    pub fn new(session: u64) -> Self {
        // Below 2⁶² so that it fits the signed 64 bits that many peers read it into.
        Self {
            session: session >> 2,
            version: 1,
            last: String::new(),
        }
    }

    /// The version for this body, which is all that follows the `o=` line.
    fn version_of(&mut self, body: &str) -> u64 {
        if !self.last.is_empty() && self.last != body {
            self.version += 1;
        }
        body.clone_into(&mut self.last);
        self.version
    }
}

/// Reads a description of the peer. `mid` is the engine's own name for the one section it sees.
///
/// # Errors
/// [`DescriptionError`], each of which is answered by 488.
pub fn read(text: &str, mid: &str) -> Result<Read, DescriptionError> {
    let (session, sections) = split(text)?;
    let audio = sections
        .iter()
        .position(|section| section.slot.media == "audio" && section.port != 0)
        .ok_or(DescriptionError::NoAudio)?;
    let taken = &sections[audio];
    let (narrow, remotes) = narrow(&session, taken, mid)?;
    let bundled = taken.slot.mid.as_deref().is_some_and(|mid| {
        session
            .iter()
            .filter_map(|line| line.strip_prefix("a=group:BUNDLE"))
            .any(|group| group.split_ascii_whitespace().any(|one| one == mid))
    });
    let slots = sections.into_iter().map(|section| section.slot).collect();
    Ok(Read {
        shape: Shape {
            sections: slots,
            audio,
            bundled,
        },
        narrow,
        remotes,
    })
}

/// Writes the phone's description: the engine's one section in its place, everything else
/// refused. `default` is the default destination (RFC 8839), one of the candidates.
///
/// `None` where the engine has found no codec in common.
pub fn write(
    engine: &str,
    shape: &Shape,
    origin: &mut Origin,
    default: SocketAddr,
) -> Option<String> {
    let (_, engine) = split(engine).ok()?;
    let engine = engine.first()?;
    let speaks = engine.lines.iter().any(|line| {
        line.starts_with("a=rtpmap:") && !line.to_ascii_lowercase().contains("telephone-event")
    });
    if !speaks {
        return None;
    }
    let mut body = String::from("s=-\r\nt=0 0\r\n");
    if let (true, Some(mid)) = (shape.bundled, &shape.sections[shape.audio].mid) {
        line(&mut body, format_args!("a=group:BUNDLE {mid}"));
    }
    for (index, slot) in shape.sections.iter().enumerate() {
        if index == shape.audio {
            live(&mut body, engine, slot, default);
        } else {
            refused(&mut body, slot);
        }
    }
    let version = origin.version_of(&body);
    let (family, ip) = family(default.ip());
    Some(format!(
        "v=0\r\no=- {} {version} IN {family} {ip}\r\n{body}",
        origin.session
    ))
}

struct Section {
    slot: Slot,
    port: u16,
    formats: Vec<String>,
    lines: Vec<String>,
}

fn split(text: &str) -> Result<(Vec<String>, Vec<Section>), DescriptionError> {
    if text.len() > LENGTH_MAX {
        return Err(DescriptionError::TooLarge);
    }
    let (mut session, mut sections) = (Vec::new(), Vec::<Section>::new());
    for (number, line) in text.trim_end().lines().enumerate() {
        if line.as_bytes().get(1) != Some(&b'=') || line.contains(['\r', '\0']) {
            return Err(DescriptionError::Syntax(number + 1));
        }
        if let Some(fields) = line.strip_prefix("m=") {
            if sections.len() == SECTIONS_MAX {
                return Err(DescriptionError::TooLarge);
            }
            sections.push(media(fields).ok_or(DescriptionError::Syntax(number + 1))?);
        } else if let Some(section) = sections.last_mut() {
            if let Some(mid) = line.strip_prefix("a=mid:") {
                section.slot.mid = Some(mid.trim().to_owned());
            }
            section.lines.push(line.to_owned());
        } else {
            session.push(line.to_owned());
        }
    }
    Ok((session, sections))
}

fn media(fields: &str) -> Option<Section> {
    let mut fields = fields.split_ascii_whitespace();
    let (media, port, protocol) = (fields.next()?, fields.next()?, fields.next()?);
    let formats: Vec<String> = fields.take(FORMATS_MAX).map(str::to_owned).collect();
    let slot = Slot {
        media: media.to_owned(),
        protocol: protocol.to_owned(),
        format: formats.first()?.clone(),
        mid: None,
    };
    // `49170/2` is a port and how many follow it (RFC 8866 §5.14).
    let port = port.split('/').next()?.parse().ok()?;
    Some(Section {
        slot,
        port,
        formats,
        lines: Vec::new(),
    })
}

/// The value of an attribute in the section, else in the session.
fn value<'a>(session: &'a [String], section: &'a Section, name: &str) -> Option<&'a str> {
    let here = |lines: &'a [String]| {
        lines.iter().find_map(|line| {
            let (key, value) = line.strip_prefix("a=")?.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    };
    here(&section.lines).or_else(|| here(session))
}

fn narrow(
    session: &[String],
    section: &Section,
    mid: &str,
) -> Result<(String, Vec<IpAddr>), DescriptionError> {
    let of = |name| value(session, section, name);
    if !section.lines.iter().any(|line| line == "a=rtcp-mux") {
        return Err(DescriptionError::Missing("rtcp-mux"));
    }
    let ufrag = of("ice-ufrag").ok_or(DescriptionError::Missing("ice-ufrag"))?;
    let password = of("ice-pwd").ok_or(DescriptionError::Missing("ice-pwd"))?;
    let (hash, digest) = of("fingerprint")
        .and_then(|fingerprint| fingerprint.split_once(' '))
        .ok_or(DescriptionError::Missing("fingerprint"))?;
    let (formats, maps) = codecs(section);

    let mut out =
        format!("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\n");
    if session.iter().any(|line| line == "a=ice-lite") {
        line(&mut out, format_args!("a=ice-lite"));
    }
    line(
        &mut out,
        format_args!("m=audio 9 UDP/TLS/RTP/SAVPF {}", formats.join(" ")),
    );
    line(&mut out, format_args!("c=IN IP4 0.0.0.0"));
    line(&mut out, format_args!("a=mid:{mid}"));
    line(&mut out, format_args!("a=ice-ufrag:{ufrag}"));
    line(&mut out, format_args!("a=ice-pwd:{password}"));
    line(
        &mut out,
        format_args!("a=fingerprint:{} {digest}", hash.to_ascii_lowercase()),
    );
    if let Some(setup) = of("setup") {
        line(&mut out, format_args!("a=setup:{setup}"));
    }
    line(&mut out, format_args!("a={}", direction(session, section)));
    line(&mut out, format_args!("a=rtcp-mux"));
    for map in maps {
        line(&mut out, format_args!("{map}"));
    }
    let mut remotes = Vec::new();
    let candidates = section
        .lines
        .iter()
        .filter_map(|line| candidate(line))
        .take(CANDIDATES_MAX);
    for (text, address) in candidates {
        line(&mut out, format_args!("{text}"));
        if !remotes.contains(&address) {
            remotes.push(address);
        }
    }
    Ok((out, remotes))
}

/// The formats that have a meaning here, and their `rtpmap` and `fmtp` lines.
fn codecs(section: &Section) -> (Vec<&str>, Vec<String>) {
    let (mut formats, mut lines) = (Vec::new(), Vec::new());
    for format in &section.formats {
        let of = |name: &str| {
            let start = format!("a={name}:{format} ");
            section
                .lines
                .iter()
                .find(|line| line.starts_with(&start))
                .cloned()
        };
        // Static payload types need no rtpmap (RFC 3551 §6).
        let known = match format.as_str() {
            "0" => Some("a=rtpmap:0 PCMU/8000".to_owned()),
            "8" => Some("a=rtpmap:8 PCMA/8000".to_owned()),
            "9" => Some("a=rtpmap:9 G722/8000".to_owned()),
            _ => None,
        };
        if let Some(map) = of("rtpmap").or(known) {
            formats.push(format.as_str());
            // One channel may be written or left out (RFC 8866 §6.6).
            lines.push(map.strip_suffix("/1").map_or(map.clone(), str::to_owned));
            lines.extend(of("fmtp"));
        }
    }
    (formats, lines)
}

fn direction(session: &[String], section: &Section) -> &'static str {
    const ALL: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];
    let of = |lines: &[String]| {
        lines.iter().find_map(|line| {
            ALL.into_iter()
                .find(|direction| line.strip_prefix("a=") == Some(direction))
        })
    };
    of(&section.lines)
        .or_else(|| of(session))
        .unwrap_or("sendrecv")
}

/// A candidate that can be used: UDP, the first component, an address and not a name. Extensions
/// after the type and the related address are left out: nothing here reads them.
fn candidate(line: &str) -> Option<(String, IpAddr)> {
    let fields: Vec<&str> = line
        .strip_prefix("a=candidate:")?
        .split_ascii_whitespace()
        .collect();
    let [_, "1", transport, _, address, _, "typ", kind, rest @ ..] = fields.as_slice() else {
        return None;
    };
    let address: IpAddr = address.parse().ok()?;
    if !transport.eq_ignore_ascii_case("udp") || !["host", "srflx", "prflx", "relay"].contains(kind)
    {
        return None;
    }
    let mut kept = fields[..8].join(" ");
    if let ["raddr", related, "rport", port, ..] = rest
        && related.parse::<IpAddr>().is_ok()
    {
        let _ = write!(kept, " raddr {related} rport {port}");
    }
    Some((format!("a=candidate:{kept}"), address))
}

/// The engine's section, with the peer's name for it and a destination that is a candidate.
fn live(out: &mut String, engine: &Section, slot: &Slot, default: SocketAddr) {
    let (formats, port) = (engine.formats.join(" "), default.port());
    line(
        out,
        format_args!("m={} {port} {} {formats}", slot.media, slot.protocol),
    );
    let (family, ip) = family(default.ip());
    line(out, format_args!("c=IN {family} {ip}"));
    for text in &engine.lines {
        let name = text
            .trim_start_matches("a=")
            .split(':')
            .next()
            .unwrap_or_default();
        match name {
            "mid" => {
                if let Some(mid) = &slot.mid {
                    line(out, format_args!("a=mid:{mid}"));
                }
            }
            // All candidates are here: nothing trickles (RFC 8838).
            "ice-options" | "end-of-candidates" => {}
            _ if text.starts_with("a=") => line(out, format_args!("{text}")),
            // `c=` and `b=` of the engine: the first is written above, the second never occurs.
            _ => {}
        }
    }
    line(out, format_args!("a=end-of-candidates"));
}

/// A section that is not taken: port zero (RFC 3264 §6).
fn refused(out: &mut String, slot: &Slot) {
    line(
        out,
        format_args!("m={} 0 {} {}", slot.media, slot.protocol, slot.format),
    );
    line(out, format_args!("c=IN IP4 0.0.0.0"));
    if let Some(mid) = &slot.mid {
        line(out, format_args!("a=mid:{mid}"));
    }
    line(out, format_args!("a=inactive"));
}

fn family(ip: IpAddr) -> (&'static str, IpAddr) {
    (if ip.is_ipv4() { "IP4" } else { "IP6" }, ip)
}

/// Appends a line. What is written comes from a line that was split at its ends, so that no
/// value can hold one.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=sendonly\r\n\
        a=group:BUNDLE v a\r\na=fingerprint:SHA-256 AB:CD\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\nb=AS:30\r\na=mid:a\r\n\
        a=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
        a=rtpmap:111 opus/48000/2\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
        a=candidate:1 1 udp 2 10.0.0.1 9 typ host generation 0 ufrag abcd network-id 1\r\n\
        a=candidate:2 1 udp 2 f3a9.local 9 typ host\r\n\
        a=candidate:3 1 tcp 2 10.0.0.1 9 typ host tcptype active\r\n\
        a=candidate:4 2 udp 2 10.0.0.1 9 typ host\r\n\
        a=candidate:5 1 UDP 2 192.0.2.7 4000 typ srflx raddr 10.0.0.1 rport 9 generation 0\r\n";

    #[test]
    fn engine_sees_one_section_with_what_the_session_says() {
        let read = read(OFFER, "0").unwrap();
        let lines: Vec<&str> = read.narrow.lines().collect();
        for wanted in [
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
            "a=fingerprint:sha-256 AB:CD",
            "a=sendonly",
            "a=rtpmap:0 PCMU/8000",
            "a=mid:0",
        ] {
            assert!(
                lines.contains(&wanted),
                "{wanted} is not in\n{}",
                read.narrow
            );
        }
        assert_eq!(read.narrow.matches("m=").count(), 1);
        assert!(!read.narrow.contains("extmap"));
    }

    #[test]
    fn only_candidates_that_can_be_used_are_read() {
        let read = read(OFFER, "0").unwrap();
        let candidates: Vec<&str> = read
            .narrow
            .lines()
            .filter(|line| line.starts_with("a=candidate"))
            .collect();
        assert_eq!(
            candidates,
            [
                "a=candidate:1 1 udp 2 10.0.0.1 9 typ host",
                "a=candidate:5 1 UDP 2 192.0.2.7 4000 typ srflx raddr 10.0.0.1 rport 9",
            ]
        );
        assert_eq!(read.remotes.len(), 2);
    }

    #[test]
    fn answer_has_the_sections_of_the_offer_in_its_order() {
        let shape = read(OFFER, "0").unwrap().shape;
        let engine = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
            a=ice-options:trickle\r\na=rtpmap:111 opus/48000/2\r\n";
        let mut origin = Origin::new(400);
        let default = "10.0.0.9:5000".parse().unwrap();
        let answer = write(engine, &shape, &mut origin, default).unwrap();
        assert_eq!(
            answer,
            "v=0\r\no=- 100 1 IN IP4 10.0.0.9\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a\r\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=inactive\r\n\
             m=audio 5000 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 10.0.0.9\r\na=mid:a\r\n\
             a=rtpmap:111 opus/48000/2\r\na=end-of-candidates\r\n"
        );
        let again = write(engine, &shape, &mut origin, default).unwrap();
        assert_eq!(again, answer, "nothing changed, so the version stays");
        let held = engine.replace("a=mid:0", "a=mid:0\r\na=recvonly");
        let held = write(&held, &shape, &mut origin, default).unwrap();
        assert!(
            held.starts_with("v=0\r\no=- 100 2 "),
            "a change takes the next version"
        );
    }

    #[test]
    fn description_without_what_webrtc_needs_is_refused() {
        for (without, missing) in [
            ("a=rtcp-mux\r\n", "rtcp-mux"),
            ("a=ice-ufrag:abcd\r\n", "ice-ufrag"),
            ("a=fingerprint:SHA-256 AB:CD\r\n", "fingerprint"),
        ] {
            let text = OFFER.replace(without, "");
            assert_eq!(
                read(&text, "0").err(),
                Some(DescriptionError::Missing(missing))
            );
        }
        assert_eq!(read("v=0\r\n", "0").err(), Some(DescriptionError::NoAudio));
        assert_eq!(
            read("v=0\r\n\r\nm=x", "0").err(),
            Some(DescriptionError::Syntax(2))
        );
        assert_eq!(
            read("m=audio 9\r\n", "0").err(),
            Some(DescriptionError::Syntax(1))
        );
    }

    #[test]
    fn codecs_that_nobody_shares_are_no_answer() {
        let shape = Shape::audio("0");
        let engine = "m=audio 9 UDP/TLS/RTP/SAVPF 101\r\na=rtpmap:101 telephone-event/8000\r\n";
        let default = "10.0.0.9:5000".parse().unwrap();
        assert_eq!(write(engine, &shape, &mut Origin::new(1), default), None);
    }
}
