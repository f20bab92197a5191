//! [`Candidate`]: one ICE candidate (RFC 8839 §5.1), as every protocol here writes it.
//!
//! The text is kept in the case and order received; only `a=` and a line end are taken off and a
//! missing `candidate:` put on, so that one form serves an SDP line, a W3C `RTCIceCandidateInit`
//! and a fragment of RFC 8840.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;

use super::candidate_kind::{CandidateAddress, CandidateType, TcpType, Transport};
use super::text::{is_forbidden, is_token, is_visible, number};

/// One ICE candidate.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// `candidate:…`, without control characters.
    text: Box<str>,
    foundation: Range<usize>,
    address: Range<usize>,
    component: u16,
    transport: Transport,
    priority: u32,
    port: u16,
    typ: CandidateType,
    related_address: Option<Range<usize>>,
    related_port: Option<u16>,
    tcp_type: Option<TcpType>,
    ufrag: Option<Range<usize>>,
}

/// What makes two candidates of a section the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidateKey {
    component: u16,
    transport: Transport,
    tcp_type: Option<TcpType>,
    typ: CandidateType,
    address: String,
    port: u16,
}

/// Why a text is not a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// CR, LF, NUL or another control character inside.
    #[error("the candidate holds a control character at byte {0}")]
    ControlCharacter(usize),
    /// Longer than [`Candidate::LENGTH_MAX`].
    #[error("the candidate is longer than {max} bytes", max = Candidate::LENGTH_MAX)]
    TooLong,
    /// A field is missing or is not what the grammar has there.
    #[error("expected {0} (RFC 8839 §5.1)")]
    Expected(&'static str),
    /// A host name that is neither a literal nor `.local`.
    #[error("the candidate's address is a host name; only literals and .local names are taken")]
    HostName,
    /// TCP without saying who opens.
    #[error("a TCP candidate needs a tcptype (RFC 6544 §4.5)")]
    NoTcpType,
}

impl CandidateError {
    /// The code a client is told.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "bad_candidate"
    }
}

impl Candidate {
    /// Bytes that a candidate may have.
    pub const LENGTH_MAX: usize = 1024;

    /// Reads `candidate:…`, `a=candidate:…` or the value alone, a line end behind it or not.
    ///
    /// # Errors
    /// [`CandidateError`] for anything a browser would refuse or misread.
    pub fn parse(text: &str) -> Result<Self, CandidateError> {
        let text = text.trim_end_matches(['\r', '\n']).trim_ascii();
        if text.len() > Self::LENGTH_MAX {
            return Err(CandidateError::TooLong);
        }
        if let Some(at) = text.bytes().position(|b| is_forbidden(b) || b == b'\t') {
            return Err(CandidateError::ControlCharacter(at));
        }
        let text = text.strip_prefix("a=").unwrap_or(text);
        let value = match text.get(..PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => {
                text.get(PREFIX.len()..).unwrap_or("")
            }
            _ => text,
        };
        Self::read(format!("{PREFIX}{value}").into())
    }

    fn read(text: Box<str>) -> Result<Self, CandidateError> {
        use CandidateError::Expected;
        let at = |range: &Range<usize>| text.get(range.clone()).unwrap_or("");
        let mut fields = Fields {
            text: &text,
            next: PREFIX.len(),
        };
        let mut field = |what| fields.next().ok_or(Expected(what));

        let foundation = field("a foundation")?;
        if foundation.len() > 32 || !is_visible(at(&foundation)) {
            return Err(Expected("a foundation of 1 to 32 characters"));
        }
        let component = number(at(&field("a component")?))
            .filter(|component| (1..=256).contains(component))
            .ok_or(Expected("a component from 1 to 256"))?;
        let transport = match at(&field("a transport")?) {
            udp if udp.eq_ignore_ascii_case("udp") => Transport::Udp,
            tcp if tcp.eq_ignore_ascii_case("tcp") => Transport::Tcp,
            _ => return Err(Expected("the transport udp or tcp")),
        };
        let priority =
            number(at(&field("a priority")?)).ok_or(Expected("a priority below 4294967296"))?;
        let address = field("an address")?;
        check_address(at(&address))?;
        let port = number(at(&field("a port")?)).ok_or(Expected("a port from 0 to 65535"))?;
        if at(&field("typ")?) != "typ" {
            return Err(Expected("typ"));
        }
        let typ = CandidateType::from_name(at(&field("a type")?))
            .ok_or(Expected("the type host, srflx, prflx or relay"))?;

        let extensions = Extensions::read(&mut fields)?;
        if transport == Transport::Tcp && extensions.tcp_type.is_none() {
            return Err(CandidateError::NoTcpType);
        }
        Ok(Self {
            foundation,
            address,
            component,
            transport,
            priority,
            port,
            typ,
            related_address: extensions.related_address,
            related_port: extensions.related_port,
            tcp_type: extensions.tcp_type,
            ufrag: extensions.ufrag,
            text,
        })
    }

    /// The whole text: `candidate:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn at(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or("")
    }

    /// What candidates of one base, type and server share (RFC 8445 §5.1.1.3).
    #[must_use]
    pub fn foundation(&self) -> &str {
        self.at(&self.foundation)
    }

    /// 1 for RTP, 2 for RTCP.
    #[must_use]
    pub fn component(&self) -> u16 {
        self.component
    }

    /// UDP or TCP.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The priority (RFC 8445 §5.1.2).
    #[must_use]
    pub fn priority(&self) -> u32 {
        self.priority
    }

    /// The address or mDNS name.
    #[must_use]
    pub fn address(&self) -> CandidateAddress<'_> {
        let text = self.at(&self.address);
        text.parse()
            .map_or(CandidateAddress::Mdns(text), CandidateAddress::Ip)
    }

    /// The address as written.
    #[must_use]
    pub fn address_text(&self) -> &str {
        self.at(&self.address)
    }

    /// The port; 9 for an active TCP candidate.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// host, srflx, prflx or relay.
    #[must_use]
    pub fn typ(&self) -> CandidateType {
        self.typ
    }

    /// The related address (`raddr`), as written.
    #[must_use]
    pub fn raddr(&self) -> Option<&str> {
        self.related_address.as_ref().map(|range| self.at(range))
    }

    /// The related port (`rport`).
    #[must_use]
    pub fn rport(&self) -> Option<u16> {
        self.related_port
    }

    /// Who opens a TCP candidate's connection.
    #[must_use]
    pub fn tcp_type(&self) -> Option<TcpType> {
        self.tcp_type
    }

    /// The `ufrag` extension that browsers write: which generation it belongs to.
    #[must_use]
    pub fn ufrag(&self) -> Option<&str> {
        self.ufrag.as_ref().map(|range| self.at(range))
    }

    /// The value of an extension behind the type, such as `generation` or `network-id`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        let mut fields = self.text.split_ascii_whitespace().skip(8);
        while let (Some(found), Some(value)) = (fields.next(), fields.next()) {
            if found == name {
                return Some(value);
            }
        }
        None
    }

    /// Whether the address is an mDNS name, which nobody beyond the browser's link resolves.
    #[must_use]
    pub fn is_mdns(&self) -> bool {
        matches!(self.address(), CandidateAddress::Mdns(_))
    }

    /// What makes two candidates of a section the same.
    #[must_use]
    pub fn key(&self) -> CandidateKey {
        CandidateKey {
            component: self.component,
            transport: self.transport,
            tcp_type: self.tcp_type,
            typ: self.typ,
            address: self.address_text().to_ascii_lowercase(),
            port: self.port,
        }
    }

    /// The candidate without the tail that browsers write for themselves: generation, network-id,
    /// network-cost, ufrag.
    #[must_use]
    pub fn without_extensions(&self) -> Self {
        self.rewritten(|name, value| {
            let own = ["generation", "network-id", "network-cost", "ufrag"];
            (!own.contains(&name)).then(|| value.to_owned())
        })
    }

    /// The candidate with its related address hidden, as it may be a private one.
    #[must_use]
    pub fn without_related_address(&self) -> Self {
        let zero = if self.raddr().is_some_and(|raddr| raddr.contains(':')) {
            "::"
        } else {
            "0.0.0.0"
        };
        self.rewritten(|name, value| {
            Some(match name {
                "raddr" => zero.to_owned(),
                "rport" => "0".to_owned(),
                _ => value.to_owned(),
            })
        })
    }

    /// The candidate with each pair behind the type rewritten, or left out where `None`.
    fn rewritten(&self, mut pair: impl FnMut(&str, &str) -> Option<String>) -> Self {
        let mut fields = self.text.split_ascii_whitespace();
        let head: Vec<_> = fields.by_ref().take(8).collect();
        let mut text = head.join(" ");
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            if let Some(value) = pair(name, value) {
                text.push(' ');
                text.push_str(name);
                text.push(' ');
                text.push_str(&value);
            }
        }
        Self::read(text.into()).unwrap_or_else(|_| self.clone())
    }
}

const PREFIX: &str = "candidate:";

/// The fields of a candidate and where they lie.
struct Fields<'a> {
    text: &'a str,
    next: usize,
}

impl Iterator for Fields<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.as_bytes().get(self.next..)?;
        let start = self.next + rest.iter().position(|b| *b != b' ')?;
        let rest = self.text.as_bytes().get(start..)?;
        let end = start + rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
        self.next = end;
        Some(start..end)
    }
}

/// What stands behind the type, as pairs of name and value.
#[derive(Default)]
struct Extensions {
    related_address: Option<Range<usize>>,
    related_port: Option<u16>,
    tcp_type: Option<TcpType>,
    ufrag: Option<Range<usize>>,
}

impl Extensions {
    fn read(fields: &mut Fields<'_>) -> Result<Self, CandidateError> {
        use CandidateError::Expected;
        let text = fields.text;
        let at = |range: &Range<usize>| text.get(range.clone()).unwrap_or("");
        let mut found = Self::default();
        while let Some(name) = fields.next() {
            let value = fields.next().ok_or(Expected("a value for the extension"))?;
            if !is_token(at(&name)) || !is_visible(at(&value)) {
                return Err(Expected("extensions of visible ASCII"));
            }
            match at(&name) {
                "raddr" => found.related_address = Some(value),
                "rport" => {
                    let port = number(at(&value));
                    found.related_port = Some(port.ok_or(Expected("an rport up to 65535"))?);
                }
                "tcptype" => {
                    let tcp_type = TcpType::from_name(at(&value));
                    let tcp_type = tcp_type.ok_or(Expected("tcptype active, passive or so"))?;
                    found.tcp_type = Some(tcp_type);
                }
                "ufrag" => found.ufrag = Some(value),
                // RFC 8839 §5.1: what is not known is ignored; it stays in the text.
                _ => {}
            }
        }
        Ok(found)
    }
}

fn check_address(text: &str) -> Result<(), CandidateError> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if !text.bytes().all(is_name) {
        return Err(CandidateError::Expected(
            "an address literal or a .local name",
        ));
    }
    match text.to_ascii_lowercase().strip_suffix(".local") {
        Some(label) if !label.is_empty() => Ok(()),
        _ => Err(CandidateError::HostName),
    }
}

impl FromStr for Candidate {
    type Err = CandidateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// `candidate:…`, without `a=`.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::captures;

    const RELAY: &str = "candidate:842163049 1 udp 41885695 192.0.2.7 50000 typ relay \
        raddr 10.0.0.1 rport 5000 generation 0 ufrag abcd network-id 1 network-cost 50";

    #[test]
    fn every_spelling_becomes_one() {
        let value = RELAY.trim_start_matches("candidate:");
        for text in [
            RELAY.to_owned(),
            format!("a={RELAY}"),
            format!("{RELAY}\r\n"),
            value.to_owned(),
            format!("CANDIDATE:{value}"),
        ] {
            assert_eq!(
                Candidate::parse(&text).unwrap().to_string(),
                RELAY,
                "{text:?}"
            );
        }
    }

    #[test]
    fn fields_are_read() {
        let relay = Candidate::parse(RELAY).unwrap();
        assert_eq!(relay.foundation(), "842163049");
        assert_eq!((relay.component(), relay.port()), (1, 50000));
        assert_eq!(relay.transport(), Transport::Udp);
        assert_eq!(relay.priority(), 41_885_695);
        assert_eq!(relay.typ(), CandidateType::Relay);
        assert_eq!(
            (relay.raddr(), relay.rport()),
            (Some("10.0.0.1"), Some(5000))
        );
        assert_eq!(relay.ufrag(), Some("abcd"));
        assert_eq!(relay.extension("network-cost"), Some("50"));
        assert_eq!(relay.extension("typ"), None);
        assert_eq!(
            relay.without_extensions().as_str(),
            "candidate:842163049 1 udp 41885695 192.0.2.7 50000 typ relay raddr 10.0.0.1 rport 5000"
        );
        let hidden = relay.without_related_address();
        assert_eq!((hidden.raddr(), hidden.rport()), (Some("0.0.0.0"), Some(0)));
        assert_eq!(hidden.ufrag(), Some("abcd"));
    }

    #[test]
    fn what_browsers_refuse_is_refused() {
        let ok = "1 1 UDP 1 192.0.2.1 9 typ host";
        assert!(Candidate::parse(ok).is_ok());
        for (bad, error) in [
            ("", "a foundation"),
            ("garbage", "a component"),
            (
                "1 0 UDP 1 192.0.2.1 9 typ host",
                "a component from 1 to 256",
            ),
            (
                "1 257 UDP 1 192.0.2.1 9 typ host",
                "a component from 1 to 256",
            ),
            (
                "1 1 SCTP 1 192.0.2.1 9 typ host",
                "the transport udp or tcp",
            ),
            (
                "1 1 UDP 4294967296 192.0.2.1 9 typ host",
                "a priority below 4294967296",
            ),
            (
                "1 1 UDP 1 192.0.2.1 70000 typ host",
                "a port from 0 to 65535",
            ),
            ("1 1 UDP 1 192.0.2.1 +9 typ host", "a port from 0 to 65535"),
            ("1 1 UDP 1 192.0.2.1 9 type host", "typ"),
            (
                "1 1 UDP 1 192.0.2.1 9 typ magic",
                "the type host, srflx, prflx or relay",
            ),
            (
                "1 1 UDP 1 [::1] 9 typ host",
                "an address literal or a .local name",
            ),
            (
                "1 1 UDP 1 192.0.2.1 9 typ host generation",
                "a value for the extension",
            ),
            (
                "1 1 TCP 1 192.0.2.1 9 typ host tcptype x",
                "tcptype active, passive or so",
            ),
        ] {
            assert_eq!(
                Candidate::parse(bad),
                Err(CandidateError::Expected(error)),
                "{bad}"
            );
        }
        let parse = Candidate::parse;
        assert_eq!(
            parse("1 1 UDP 1 host.example 9 typ host"),
            Err(CandidateError::HostName)
        );
        assert_eq!(
            parse("1 1 tcp 1 192.0.2.1 9 typ host"),
            Err(CandidateError::NoTcpType)
        );
        assert_eq!(
            parse(&format!("{ok}\r\na=evil:1")),
            Err(CandidateError::ControlCharacter(30))
        );
        assert_eq!(parse(&"x".repeat(2000)), Err(CandidateError::TooLong));
    }

    #[test]
    fn mdns_names_are_taken_and_told_apart() {
        let mdns = Candidate::parse("0 1 UDP 1 bc243c16-284e.local 9 typ host").unwrap();
        assert!(mdns.is_mdns());
        assert_eq!(
            mdns.address(),
            CandidateAddress::Mdns("bc243c16-284e.local")
        );
        assert!(!Candidate::parse(RELAY).unwrap().is_mdns());
    }

    #[test]
    fn same_place_is_same_key() {
        let one = Candidate::parse("1 1 UDP 1 2001:DB8::1 9 typ host").unwrap();
        let two = Candidate::parse("7 1 udp 5 2001:db8::1 9 typ host generation 1").unwrap();
        assert_eq!(one.key(), two.key());
        let other = Candidate::parse("1 2 UDP 1 2001:DB8::1 9 typ host").unwrap();
        assert_ne!(one.key(), other.key());
    }

    #[test]
    fn every_captured_candidate_is_read_as_it_is() {
        let mut count = 0;
        for (name, text) in captures() {
            for line in text.lines().filter(|l| l.starts_with("a=candidate:")) {
                let candidate = Candidate::parse(line);
                let shown = candidate.map(|c| format!("a={c}"));
                assert_eq!(shown.as_deref(), Ok(line), "{name}");
                count += 1;
            }
        }
        assert!(count > 200);
    }
}
