//! Typed header fields: Via, CSeq, Reason, and small ones (RFC 3261 §20, RFC 3326, RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::name::{Method, is_token};
use super::uri::{Host, host_port, parameters, split_host_port, unquoted};

/// One Via value (RFC 3261 §20.42).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS`, `WS` …, in upper case.
    pub transport: String,
    /// The sent-by host.
    pub host: String,
    /// The sent-by port.
    pub port: Option<u16>,
    /// The parameters, in order.
    pub parameters: Vec<(String, Option<String>)>,
}

/// What every branch of an RFC 3261 element begins with (RFC 3261 §8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

impl Via {
    /// Reads one value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.split_once(';').unwrap_or((text, ""));
        let (transport, sent_by) = sent_protocol(head)?;
        let sent_by: String = sent_by.split_whitespace().collect();
        let (host, port) = host_port(&sent_by)?;
        let transport = transport.to_ascii_uppercase();
        Some(Self {
            transport,
            host,
            port,
            parameters: parameters(rest),
        })
    }

    /// Whether [`Via::parse`] would read it, without the cost of doing so.
    #[must_use]
    pub fn is_readable(text: &str) -> bool {
        let head = text.split_once(';').map_or(text, |(head, _)| head);
        sent_protocol(head).is_some_and(|(_, sent_by)| {
            let sent_by = sent_by.trim();
            match sent_by.contains(char::is_whitespace) {
                true => Self::parse(text).is_some(),
                false => split_host_port(sent_by).is_some(),
            }
        })
    }

    /// A Via of our own; `rport` asks for the port the request came from (RFC 3581 §3).
    #[must_use]
    pub fn new(transport: &str, host: &str, port: Option<u16>, branch: &str) -> Self {
        let parameters = vec![
            ("branch".to_owned(), Some(branch.to_owned())),
            ("rport".to_owned(), None),
        ];
        Self {
            transport: transport.to_owned(),
            host: host.to_owned(),
            port,
            parameters,
        }
    }

    /// A parameter's value; the empty text where it has none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// The branch, where an RFC 3261 element made it; one that is only the cookie tells nothing
    /// apart (RFC 4475 §3.2.1).
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.parameter("branch")
            .filter(|branch| branch.starts_with(MAGIC_COOKIE) && *branch != MAGIC_COOKIE)
    }

    /// Notes where the request came from: `received` where it differs from sent-by (RFC 3261
    /// §18.2.1), `rport` where it was asked for (RFC 3581 §4).
    pub fn note_source(&mut self, source: SocketAddr) {
        let asked = self.parameter("rport").is_some();
        let differs = self.host.parse::<IpAddr>() != Ok(source.ip());
        // One that the sender wrote himself would lead the response astray.
        let claimed = self.parameter("received").is_some();
        if asked || differs || claimed {
            self.set("received", source.ip().to_string());
        }
        if asked {
            self.set("rport", source.port().to_string());
        }
    }

    /// Where a response goes by what the Via says (RFC 3261 §18.2.2, RFC 3581 §4).
    #[must_use]
    pub fn response_address(&self) -> Option<SocketAddr> {
        let host = self.parameter("received").unwrap_or(&self.host);
        let ip: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        let rport = self.parameter("rport").and_then(|port| port.parse().ok());
        let default = if self.transport == "TLS" { 5061 } else { 5060 };
        Some(SocketAddr::new(ip, rport.or(self.port).unwrap_or(default)))
    }

    fn set(&mut self, name: &str, value: String) {
        match self
            .parameters
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, old)) => *old = Some(value),
            None => self.parameters.push((name.to_owned(), Some(value))),
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, Host(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        for (name, value) in &self.parameters {
            write!(f, ";{name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// The transport and the sent-by of `SIP / 2.0 / UDP host : port`: white space may stand around the
/// slashes and the colon.
fn sent_protocol(head: &str) -> Option<(&str, &str)> {
    let mut protocol = head.splitn(3, '/');
    let (name, version) = (protocol.next()?.trim(), protocol.next()?.trim());
    let last = protocol.next()?.trim();
    let (transport, sent_by) = last.split_once(|c: char| c.is_whitespace())?;
    let known = name.eq_ignore_ascii_case("SIP") && version == "2.0" && is_token(transport);
    known.then_some((transport, sent_by))
}

/// CSeq (RFC 3261 §20.16). The number is below 2³¹ (§8.1.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// The sequence number.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// Reads the field.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_whitespace();
        let number = parts.next()?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: u32 = number.parse().ok().filter(|number| *number < 1 << 31)?;
        let method = Method::parse(parts.next()?)?;
        parts.next().is_none().then_some(Self { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// Why a dialog or a request was ended (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SIP` or `Q.850`.
    pub protocol: String,
    /// The status or the Q.850 cause.
    pub cause: Option<u16>,
    /// In words.
    pub text: Option<String>,
}

impl Reason {
    /// Reads one value.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (protocol, rest) = value.split_once(';').unwrap_or((value, ""));
        let all = parameters(rest);
        let of = |name: &str| {
            let found = all
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_deref())
        };
        let protocol = protocol.trim().to_owned();
        is_token(&protocol).then(|| Self {
            protocol,
            cause: of("cause").and_then(|cause| cause.parse().ok()),
            text: of("text").map(unquoted),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_with_odd_white_space_is_read() {
        let via =
            Via::parse("SIP  / 2.0\t/ udp  192.0.2.2 : 5061 ;branch= z9hG4bK1;rport").unwrap();
        assert_eq!((via.transport.as_str(), via.port), ("UDP", Some(5061)));
        assert_eq!(
            (via.branch(), via.parameter("rport")),
            (Some("z9hG4bK1"), Some(""))
        );
    }

    #[test]
    fn response_goes_back_where_the_request_came_from() {
        let mut via = Via::parse("SIP/2.0/UDP host.example:5060;branch=z9hG4bK1;rport").unwrap();
        via.note_source("192.0.2.9:40000".parse().unwrap());
        assert_eq!(
            via.response_address(),
            Some("192.0.2.9:40000".parse().unwrap())
        );
        let mut old = Via::parse("SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1").unwrap();
        old.note_source("[2001:db8::2]:40000".parse().unwrap());
        assert_eq!(
            old.response_address(),
            Some("[2001:db8::2]:5070".parse().unwrap())
        );
    }

    #[test]
    fn response_cannot_be_led_elsewhere_by_the_sender() {
        let text = "SIP/2.0/UDP 192.0.2.1;received=198.51.100.66;branch=z9hG4bK1";
        let mut via = Via::parse(text).unwrap();
        via.note_source("192.0.2.1:5060".parse().unwrap());
        assert_eq!(
            via.response_address(),
            Some("192.0.2.1:5060".parse().unwrap())
        );
    }

    #[test]
    fn cseq_has_a_limit() {
        assert_eq!(
            CSeq::parse("2147483647 INVITE").map(|c| c.number),
            Some(2_147_483_647)
        );
        for bad in [
            "2147483648 INVITE",
            "-1 INVITE",
            "1",
            "36893488147419103232 REGISTER",
            "1 A B",
        ] {
            assert_eq!(CSeq::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn reason_is_read() {
        let reason = Reason::parse("SIP ;cause=200 ;text=\"Call completed elsewhere\"").unwrap();
        assert_eq!(
            (reason.cause, reason.text.as_deref()),
            (Some(200), Some("Call completed elsewhere"))
        );
    }
}
