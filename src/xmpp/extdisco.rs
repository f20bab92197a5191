//! STUN and TURN servers as a chat server tells of them (XEP-0215), own types on `minidom`.
//!
//! ```text
//!   <service type='turn' host='turn.example.org' port='3478' transport='udp'
//!            username='…' password='…' expires='2026-11-26T03:51:39Z'/>
//!      ⇅
//!   turn:turn.example.org:3478?transport=udp      (RFC 7064 §3.1, RFC 7065 §3.1)
//! ```
//!
//! What is read comes from a server and ends in a browser: hosts are names or addresses, ports are
//! numbers, credentials hold no control characters, and services of other types, of which servers
//! tell, too, are passed over one by one.

use minidom::Element;

use super::ns;
use super::stanza::{element, set};
use crate::config::{IceServer, Secret};

/// Services of one answer that are looked at.
pub const SERVICES_MAX: usize = 16;

/// Bytes of a user name or a password.
const CREDENTIAL_MAX: usize = 512;

/// What a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// STUN.
    Stun,
    /// STUN under TLS.
    Stuns,
    /// TURN.
    Turn,
    /// TURN under TLS.
    Turns,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Stun, Self::Stuns, Self::Turn, Self::Turns];

    /// The `type`, which is the scheme of the address as well.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Stuns => "stuns",
            Self::Turn => "turn",
            Self::Turns => "turns",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Whether it takes nobody without credentials: a page that gives none gets an exception.
    #[must_use]
    pub fn is_turn(self) -> bool {
        matches!(self, Self::Turn | Self::Turns)
    }
}

/// How a TURN server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "udp" => Some(Self::Udp),
            "tcp" => Some(Self::Tcp),
            _ => None,
        }
    }
}

/// One server.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// What it is for.
    pub kind: Kind,
    /// A name, or an address without brackets.
    pub host: String,
    /// The port, where it is not the usual one.
    pub port: Option<u16>,
    /// How it is spoken to, where that is said.
    pub transport: Option<Transport>,
    /// The user and the password.
    pub credentials: Option<(String, Secret)>,
    /// Until when these are good, in seconds since 1970.
    pub expires: Option<u64>,
}

impl Service {
    /// Reads a `<service/>`; `None` where it is none for media, or none that can be used.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        let of = |name: &'static str| element.attr(name);
        if !element.is("service", ns::EXTDISCO) || of("action") == Some("delete") {
            return None;
        }
        let text = |name: &'static str| of(name).filter(|text| is_credential(text));
        let port = match of("port").filter(|port| !port.is_empty()) {
            Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
            None => None,
        };
        let transport = match of("transport").filter(|transport| !transport.is_empty()) {
            Some(transport) => Some(Transport::named(transport)?),
            None => None,
        };
        let host = of("host")?.trim_matches(['[', ']']);
        let user = text("username").map(str::to_owned);
        let credentials = user.zip(text("password").map(Secret::new));
        Some(Self {
            kind: Kind::named(of("type")?)?,
            host: is_host(host).then(|| host.to_owned())?,
            port,
            transport,
            credentials,
            expires: of("expires").and_then(unix_of),
        })
    }

    /// The servers in an answer or a push, of the first that are looked at.
    #[must_use]
    pub fn all(payload: &Element) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for service in payload
            .children()
            .take(4 * SERVICES_MAX)
            .filter_map(Self::read)
        {
            if found.len() < SERVICES_MAX && !found.iter().any(|one| one.is_same(&service)) {
                found.push(service);
            }
        }
        found
    }

    /// The servers of a setting.
    #[must_use]
    pub fn of_setting(setting: &IceServer) -> Vec<Self> {
        let credentials = setting.username.clone().zip(setting.credential.clone());
        let all = setting.urls.iter().filter_map(|url| Self::of_url(url));
        all.map(|service| Self {
            // STUN asks for none, and need not know those of TURN.
            credentials: credentials.clone().filter(|_| service.kind.is_turn()),
            ..service
        })
        .collect()
    }

    fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, query.strip_prefix("transport=")),
            None => (rest, None),
        };
        let (host, port) = match place.rsplit_once(':') {
            // An address of IPv6 is in brackets, and has colons of its own.
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
            Some(_) | None => (place, None),
        };
        let host = host.trim_matches(['[', ']']);
        Some(Self {
            kind: Kind::named(scheme)?,
            host: is_host(host).then(|| host.to_owned())?,
            port,
            transport: query.and_then(Transport::named),
            credentials: None,
            expires: None,
        })
    }

    /// As a page takes it; `None` for one that takes nobody without credentials, and has none.
    #[must_use]
    pub fn for_pages(&self) -> Option<IceServer> {
        if self.kind.is_turn() && self.credentials.is_none() {
            return None;
        }
        let (username, credential) = self.credentials.clone().unzip();
        Some(IceServer {
            urls: vec![self.url()],
            username,
            credential,
        })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = match self.host.contains(':') {
            true => format!("{}:[{}]", self.kind.name(), self.host),
            false => format!("{}:{}", self.kind.name(), self.host),
        };
        if let Some(port) = self.port {
            url.push_str(&format!(":{port}"));
        }
        // RFC 7064 §3.1: an address of STUN has none.
        if let Some(transport) = self.transport.filter(|_| self.kind.is_turn()) {
            url.push_str(&format!("?transport={}", transport.name()));
        }
        url
    }

    /// Whether both are one server, whatever their credentials are.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.url().eq_ignore_ascii_case(&other.url())
    }

    /// Whether it is one that a request for credentials names: by type, host, and port if it has
    /// one (XEP-0215 §3.3).
    #[must_use]
    pub fn is_named_by(&self, asked: &Element) -> bool {
        let port = asked.attr("port").filter(|port| !port.is_empty());
        let fits = |name: &str, own: &str| {
            let known = asked.attr(name);
            known.is_some_and(|known| known.trim_matches(['[', ']']).eq_ignore_ascii_case(own))
        };
        fits("type", self.kind.name())
            && fits("host", &self.host)
            && port.is_none_or(|port| self.port.is_none_or(|own| port.parse() == Ok(own)))
    }

    /// As it is told to others.
    #[must_use]
    pub fn write(&self) -> Element {
        let attributes = [("type", self.kind.name()), ("host", &self.host)];
        let mut element = element("service", ns::EXTDISCO, &attributes);
        if let Some(port) = self.port {
            set(&mut element, "port", &port.to_string());
        }
        if let Some(transport) = self.transport {
            set(&mut element, "transport", transport.name());
        }
        if let Some((user, password)) = &self.credentials {
            set(&mut element, "username", user);
            set(&mut element, "password", password.reveal());
        }
        element
    }

    /// What asks for credentials of it.
    #[must_use]
    pub fn without_credentials(&self) -> Element {
        let bare = Self {
            credentials: None,
            ..self.clone()
        };
        bare.write()
    }
}

/// A name, or an address: nothing in it could end the part of an address that it becomes.
fn is_host(text: &str) -> bool {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=253).contains(&text.len()) && text.bytes().all(fits)
}

fn is_credential(text: &str) -> bool {
    (1..=CREDENTIAL_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Seconds since 1970 of a time such as `2026-11-25T15:51:39.5Z` (XEP-0082 §3). The parts of a
/// second are left out; a time that is not in UTC is none (XEP-0215 §2).
fn unix_of(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let time = time.split('.').next()?;
    let mut date = date.splitn(3, '-').map(str::parse::<u64>);
    let mut time = time.splitn(3, ':').map(str::parse::<u64>);
    let next = |all: &mut dyn Iterator<Item = Result<u64, _>>| all.next()?.ok();
    let (year, month, day) = (next(&mut date)?, next(&mut date)?, next(&mut date)?);
    let (hour, minute, second) = (next(&mut time)?, next(&mut time)?, next(&mut time)?);
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    // Years begin in March here, so that a leap day is the last of one.
    let (shifted, of_year) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = shifted / 4 - shifted / 100 + shifted / 400;
    let days = shifted * 365 + leap_days + (of_year * 153 + 2) / 5 + day - 1;
    // From the first of March of the year 0 to 1970-01-01.
    let days = days - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attributes: &str) -> Option<Service> {
        let text = format!("<service xmlns='urn:xmpp:extdisco:2' {attributes}/>");
        Service::read(&text.parse().unwrap())
    }

    #[test]
    fn service_becomes_an_address_and_credentials() {
        let service = read(
            "type='turn' host='turn.example.org' port='3478' transport='UDP' username='u:1' \
             password='p/=' expires='2023-11-14T22:13:20Z' restricted='1'",
        )
        .unwrap();
        let page = service.for_pages().unwrap();
        assert_eq!(page.urls, ["turn:turn.example.org:3478?transport=udp"]);
        assert_eq!(page.username.as_deref(), Some("u:1"));
        assert_eq!(
            page.credential.map(|c| c.reveal().to_owned()).as_deref(),
            Some("p/=")
        );
        assert_eq!(service.expires, Some(1_700_000_000));
        assert!(!format!("{service:?}").contains("p/="));
        for (attributes, url) in [
            (
                "type='stun' host='2001:db8::1' port='3478' transport='udp'",
                "stun:[2001:db8::1]:3478",
            ),
            ("type='stuns' host='[2001:db8::1]'", "stuns:[2001:db8::1]"),
            ("type='stun' host='192.0.2.1' port=''", "stun:192.0.2.1"),
        ] {
            let service = read(attributes).unwrap();
            assert_eq!(service.url(), url);
            assert!(service.for_pages().is_some());
        }
    }

    #[test]
    fn what_no_page_could_use_is_passed_over() {
        for attributes in [
            "type='ftp' host='a'",
            "host='a'",
            "type='turn'",
            "type='turn' host=''",
            "type='turn' host='a b'",
            "type='turn' host='a?transport=tcp'",
            "type='turn' host='a&#10;b'",
            "type='turn' host='a@b'",
            "type='turn' host='a' port='0'",
            "type='turn' host='a' port='65536'",
            "type='turn' host='a' port='x'",
            "type='turn' host='a' transport='tls'",
            "type='turn' host='a' action='delete'",
        ] {
            assert_eq!(read(attributes), None, "{attributes}");
        }
        for attributes in [
            "type='turn' host='a'",
            "type='turns' host='a' username='u'",
            "type='turn' host='a' username='u&#10;' password='p'",
            "type='turn' host='a' username='' password='p'",
        ] {
            assert!(
                read(attributes).unwrap().for_pages().is_none(),
                "{attributes}"
            );
        }
    }

    #[test]
    fn answer_is_bounded_and_holds_each_server_once() {
        let one = "<service type='stun' host='a'/>";
        let many: String = (0..100)
            .map(|n| format!("<service type='stun' host='h{n}'/>"))
            .collect();
        let text = format!("<services xmlns='urn:xmpp:extdisco:2'>{one}{one}{many}</services>");
        let all = Service::all(&text.parse().unwrap());
        assert_eq!(all.len(), SERVICES_MAX);
        assert_eq!((all[0].host.as_str(), all[1].host.as_str()), ("a", "h0"));
    }

    #[test]
    fn setting_is_told_as_it_would_be_read() {
        let setting = IceServer {
            urls: vec![
                "turn:turn.example:3478?transport=tcp".into(),
                "stun:[2001:db8::1]".into(),
                "turns:turn.example:5349".into(),
                "http://x".into(),
            ],
            username: Some("u".into()),
            credential: Some(Secret::new("p")),
        };
        let all = Service::of_setting(&setting);
        let urls: Vec<_> = all.iter().map(Service::url).collect();
        assert_eq!(urls, setting.urls[..3]);
        for service in &all {
            assert_eq!(Service::read(&service.write()).as_ref(), Some(service));
        }
        assert_eq!(all[0].without_credentials().attr("password"), None);
        assert!(all[0].is_named_by(&all[0].without_credentials()));
        assert!(!all[0].is_named_by(&all[2].without_credentials()));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (text, unix) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2000-03-01T00:00:00.999Z", 951_868_800),
            ("2024-12-31T23:59:59Z", 1_735_689_599),
        ] {
            assert_eq!(unix_of(text), Some(unix), "{text}");
        }
        for text in [
            "",
            "soon",
            "2024-12-31",
            "2024-12-31T23:59:59",
            "2024-13-01T00:00:00Z",
            "1969-12-31T00:00:00Z",
            "2024-12-31T24:00:00Z",
            "2024-12-31T23:59:59+01:00",
        ] {
            assert_eq!(unix_of(text), None, "{text}");
        }
    }
}
