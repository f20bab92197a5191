//! SIP URIs and what stands around them in headers: `sip:`, `sips:`, `tel:`, name-addr (RFC 3261
//! §19.1, §20.10, §25.1).
//!
//! A URI keeps the spelling it came in: the user part stays escaped as received, parameters stay in
//! order. What is read out of it is read on demand.

use std::fmt;
use std::net::IpAddr;

use crate::address::Address;

/// A URI of any scheme that SIP may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// `tel:` (RFC 3966), without the scheme.
    Telephone(String),
    /// Anything else, whole.
    Other(String),
}

/// A `sip:` or `sips:` URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri {
    /// `sips:`.
    pub secure: bool,
    /// The user part with its password, escaped as received.
    pub user: Option<String>,
    /// The host: a name, an IPv4 address, an IPv6 address without brackets.
    pub host: String,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// The parameters, in order.
    pub parameters: Vec<(String, Option<String>)>,
    /// What follows the question mark.
    pub headers: Option<String>,
}

/// Why a text is not a URI that SIP can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URI, at byte {at}: expected {expected}")]
pub struct UriError {
    /// Where it ceases to be one.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl Uri {
    /// As a Request-URI: without method and headers (RFC 3261 §19.1.1, table 1).
    #[must_use]
    pub fn for_request(mut self) -> Self {
        if let Self::Sip(uri) = &mut self {
            uri.headers = None;
            uri.parameters
                .retain(|(name, _)| !name.eq_ignore_ascii_case("method"));
        }
        self
    }

    /// Reads a URI.
    ///
    /// # Errors
    /// [`UriError`] with the place: no scheme, white space, a bad host or port.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        Ok(match Scheme::of(text)? {
            Scheme::Sip(secure, parts) => Self::Sip(SipUri::of_parts(secure, &parts)),
            Scheme::Telephone(number) => Self::Telephone(number.to_owned()),
            Scheme::Other => Self::Other(text.to_owned()),
        })
    }

    /// Whether [`Uri::parse`] would read it, without the cost of keeping what was read.
    ///
    /// # Errors
    /// [`UriError`] as of [`Uri::parse`].
    pub fn check(text: &str) -> Result<(), UriError> {
        Scheme::of(text).map(|_| ())
    }

    /// The SIP URI, if it is one.
    #[must_use]
    pub fn sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Telephone(_) | Self::Other(_) => None,
        }
    }

    /// Who it names, in no protocol's spelling.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Telephone(number) => Address::Telephone(number.clone()),
            Self::Sip(_) | Self::Other(_) => Address::Uri(self.to_string()),
        }
    }
}

impl SipUri {
    /// A URI of a host, without anything else.
    #[must_use]
    pub fn of_host(host: &str, port: Option<u16>) -> Self {
        let host = host.trim_matches(['[', ']']).to_owned();
        Self {
            secure: false,
            user: None,
            host,
            port,
            parameters: Vec::new(),
            headers: None,
        }
    }

    fn of_parts(secure: bool, parts: &Parts<'_>) -> Self {
        let all = parts.parameters.split(';').filter(|part| !part.is_empty());
        let parameters = all.map(|part| match part.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (part.to_owned(), None),
        });
        Self {
            secure,
            user: parts.user.map(str::to_owned),
            host: parts.host.to_owned(),
            port: parts.port,
            parameters: parameters.collect(),
            headers: parts.headers.map(str::to_owned),
        }
    }

    /// The user without his password, with its escapes undone.
    #[must_use]
    pub fn user_name(&self) -> Option<String> {
        let user = self.user.as_deref()?;
        Some(unescaped(user.split(':').next().unwrap_or_default()))
    }

    /// A parameter's value; the empty text where it has none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// The same URI with a parameter set.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: Option<&str>) -> Self {
        self.parameters
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.parameters
            .push((name.to_owned(), value.map(str::to_owned)));
        self
    }

    /// The host as an address, where it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether a route set entry asks for loose routing (RFC 3261 §16.12.1.1).
    #[must_use]
    pub fn is_loose(&self) -> bool {
        self.parameter("lr").is_some()
    }

    /// Whether both name the same user at the same host and port (RFC 3261 §19.1.4, the parts that
    /// matter for finding one's own).
    #[must_use]
    pub fn is_same_target(&self, other: &Self) -> bool {
        self.user_name() == other.user_name()
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port == other.port
    }
}

/// A URI that was read, by what stands before its first colon.
enum Scheme<'a> {
    /// `sip:`, or `sips:` where true.
    Sip(bool, Parts<'a>),
    /// `tel:`, and what follows.
    Telephone(&'a str),
    /// Any other.
    Other,
}

/// Where the parts of a SIP URI lie.
struct Parts<'a> {
    user: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    parameters: &'a str,
    headers: Option<&'a str>,
}

impl<'a> Scheme<'a> {
    fn of(text: &'a str) -> Result<Self, UriError> {
        if let Some(at) =
            text.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c))
        {
            let expected = "no white space, quotes or brackets";
            return Err(UriError { at, expected });
        }
        let expected = "a scheme";
        let (scheme, rest) = text.split_once(':').ok_or(UriError { at: 0, expected })?;
        let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !valid {
            return Err(UriError { at: 0, expected });
        }
        Ok(if scheme.eq_ignore_ascii_case("sip") {
            Self::Sip(false, Parts::of(rest, 4)?)
        } else if scheme.eq_ignore_ascii_case("sips") {
            Self::Sip(true, Parts::of(rest, 5)?)
        } else if scheme.eq_ignore_ascii_case("tel") {
            Self::Telephone(rest)
        } else {
            Self::Other
        })
    }
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str, offset: usize) -> Result<Self, UriError> {
        // The user part may hold `;`, `=` and `?` (RFC 3261 §25.1), so the `@` comes first; a name
        // like `bob@a` before the `@` is nobody's grammar, but in daily use.
        let question = match rest.find('@') {
            Some(at) => rest[at..].find('?').map(|after| at + after),
            None => rest.find('?'),
        };
        let (before, headers) = match question {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let (user, place) = match before.rfind('@') {
            Some(at) => (Some(&before[..at]), at + 1),
            None => (None, 0),
        };
        if user.is_some_and(|user| user.is_empty() || user.starts_with(':')) {
            return Err(UriError {
                at: offset,
                expected: "a user before the `@`",
            });
        }
        let after = &before[place..];
        let (place_text, parameters) = after.split_once(';').unwrap_or((after, ""));
        let (host, port) = split_host_port(place_text).ok_or(UriError {
            at: offset + place,
            expected: "a host",
        })?;
        Ok(Self {
            user,
            host,
            port,
            parameters,
            headers,
        })
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}", Host(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        for (name, value) in &self.parameters {
            write!(f, ";{name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Telephone(number) => write!(f, "tel:{number}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A host as it is written: IPv6 in brackets.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a>(pub &'a str);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') {
            write!(f, "[{}]", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port`.
#[must_use]
pub fn host_port(text: &str) -> Option<(String, Option<u16>)> {
    split_host_port(text).map(|(host, port)| (host.to_owned(), port))
}

/// [`host_port`] in place.
pub(super) fn split_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        let none = after.is_empty().then_some("");
        (host, after.strip_prefix(':').or(none)?)
    } else {
        let (host, port) = text.split_once(':').unwrap_or((text, ""));
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if host.is_empty() || !host.bytes().all(valid) {
            return None;
        }
        (host, port)
    };
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    match port {
        "" => Some((host, None)),
        port => Some((host, Some(port.parse().ok().filter(|_| digits)?))),
    }
}

/// A name-addr or addr-spec with the header's parameters: `"Bob" <sip:bob@b>;tag=1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, its quotes and escapes undone.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The header's parameters, in order.
    pub parameters: Vec<(String, Option<String>)>,
}

impl NameAddr {
    /// Reads one name-addr.
    ///
    /// # Errors
    /// [`UriError`] with the place.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let (display, uri, after) = Self::split(text)?;
        Ok(Self {
            display: (!display.is_empty()).then(|| unquoted(display)),
            uri: Uri::parse(uri)?,
            parameters: parameters(after),
        })
    }

    /// Whether [`NameAddr::parse`] would read it, without the cost of keeping what was read.
    ///
    /// # Errors
    /// [`UriError`] as of [`NameAddr::parse`].
    pub fn check(text: &str) -> Result<(), UriError> {
        Uri::check(Self::split(text)?.1)
    }

    /// The display name, quoted as it came, the URI and the header's parameters.
    fn split(text: &str) -> Result<(&str, &str, &str), UriError> {
        let text = text.trim();
        let fault = |at, expected| Err(UriError { at, expected });
        let Some((display, rest)) = split_at_bracket(text) else {
            // RFC 3261 §20.10: without brackets, parameters belong to the header, and a URI that
            // holds a comma or a question mark cannot stand.
            let end = text.find(';').unwrap_or(text.len());
            if let Some(at) = text[..end].find([',', '?']) {
                return fault(at, "brackets around a URI with a comma or a question mark");
            }
            return Ok(("", text[..end].trim(), &text[end..]));
        };
        let Some((inner, after)) = rest.split_once('>') else {
            return fault(text.len(), "a closing bracket");
        };
        let display = display.trim();
        if display.starts_with('"') && (display.len() < 2 || !display.ends_with('"')) {
            return fault(display.len(), "a closing quote");
        }
        Ok((display, inner.trim(), after))
    }

    /// A parameter's value; the empty text where it has none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.parameter("tag").filter(|tag| !tag.is_empty())
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", quoted(display))?;
        }
        write!(f, "<{}>", self.uri)?;
        for (name, value) in &self.parameters {
            write!(f, ";{name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// A text as a quoted string (RFC 3261 §25.1): quotes and backslashes escaped, controls left out.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// A quoted string without its quotes and escapes.
#[must_use]
pub fn unquoted(text: &str) -> String {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// Splits at the `<` that is outside quotes.
pub(super) fn split_at_bracket(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote => escaped = true,
            '"' => quote = !quote,
            '<' if !quote => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Reads `;name=value;name` with white space and quoted values.
#[must_use]
pub fn parameters(text: &str) -> Vec<(String, Option<String>)> {
    split_outside_quotes(text, ';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim().to_owned(), Some(value.trim().to_owned())),
            None => (part.to_owned(), None),
        })
        .collect()
}

/// Splits at a separator that is outside quoted strings and angle brackets.
pub fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quote, mut escaped, mut bracket) = (false, false, false);
        for (at, c) in text.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quote => escaped = true,
                '"' => quote = !quote,
                '<' if !quote => bracket = true,
                '>' if !quote => bracket = false,
                c if c == separator && !quote && !bracket => {
                    rest = Some(&text[at + c.len_utf8()..]);
                    return Some(&text[..at]);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

/// Undoes percent escapes; one that is none stays.
#[must_use]
pub fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| {
                text.get(at + 1..at + 3)
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            })
            .flatten();
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Escapes what a user part may not hold (RFC 3261 §25.1, `user`).
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_uris_come_back_as_they_were() {
        for text in [
            "sip:bob@example.com",
            "sips:a:pw@[2001:db8::1]:5061;transport=tls;lr?x=y",
            "sip:what?ever@example.com?subject=a",
            "sip:bob@corp.example@sbc.example",
            "sip:example.com?subject=a",
            "sip:+358-555-1234567;postd=pp22;isub=1411@foo.com;user=phone",
            "sip:user;par=u%40example.net@example.com",
            "tel:+15551234;phone-context=x",
            "sip:127.0.0.1:5060",
            "urn:service:sos",
        ] {
            assert_eq!(
                Uri::parse(text).map(|uri| uri.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn host_is_found_behind_a_user_with_parameters() {
        let uri = Uri::parse("sip:user;par=u%40example.net@example.com").unwrap();
        let uri = uri.sip().unwrap();
        assert_eq!(uri.host, "example.com");
        assert_eq!(uri.user_name().as_deref(), Some("user;par=u@example.net"));
    }

    #[test]
    fn bad_uris_are_refused() {
        for text in [
            "bob",
            "sip:",
            "sip:bob@",
            "sip:@x",
            "sip:a@b:99999",
            "sip:a@b:+5060",
            "sip:a b@c",
            "sip:[::x]",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn name_addr_keeps_apart_what_is_the_uris_and_what_is_the_headers() {
        let to = NameAddr::parse("\"B \\\"o\\\" b, <x>\" <sip:bob@b;lr>;tag=9; q = 1").unwrap();
        assert_eq!(to.display.as_deref(), Some("B \"o\" b, <x>"));
        assert_eq!((to.tag(), to.parameter("q")), (Some("9"), Some("1")));
        assert!(to.uri.sip().unwrap().is_loose());
        let bare = NameAddr::parse("sip:bob@b;tag=7").unwrap();
        assert_eq!(
            (bare.tag(), bare.uri.to_string().as_str()),
            (Some("7"), "sip:bob@b")
        );
        assert_eq!(
            NameAddr::parse(&to.to_string()).map(|again| again.display),
            Ok(to.display.clone())
        );
    }

    #[test]
    fn question_mark_in_the_user_part_is_the_users() {
        let uri = Uri::parse("sip:what?ever@example.com?subject=a").unwrap();
        let uri = uri.sip().unwrap();
        assert_eq!(
            (uri.user.as_deref(), uri.host.as_str()),
            (Some("what?ever"), "example.com")
        );
        assert_eq!(uri.headers.as_deref(), Some("subject=a"));
    }

    #[test]
    fn bare_uri_with_headers_needs_brackets() {
        assert!(NameAddr::parse("sip:user@example.com?Route=%3Csip:x%3E").is_err());
        assert!(NameAddr::parse("<sip:user@example.com?Route=%3Csip:x%3E>;q=1").is_ok());
    }

    #[test]
    fn commas_in_quotes_do_not_split() {
        let parts: Vec<_> = split_outside_quotes("\"a,b\" <sip:x,y>, <sip:z>", ',').collect();
        assert_eq!(parts, ["\"a,b\" <sip:x,y>", " <sip:z>"]);
    }

    #[test]
    fn escapes_are_undone_and_made() {
        assert_eq!(unescaped("a%40b%zz"), "a@b%zz");
        assert_eq!(escaped("juliet@example.org"), "juliet%40example.org");
    }
}
