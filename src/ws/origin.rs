//! Which pages may connect: a foreign website must not dial through somebody's gateway (RFC 6455
//! §10.2).
//!
//! A browser tells the page's origin and cannot be made to lie. A page that this gateway served
//! itself may connect when it was reached by an address or as `localhost`; a page reached by a name
//! only when the operator listed its origin, since anybody can point a name of his own at our
//! address (DNS rebinding). A program that is no browser sends no origin; its token speaks for it.

use std::net::IpAddr;

/// The origins that may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// `allowed` holds origins as a browser spells them, `https://phone.example`, or `*`.
    #[must_use]
    pub fn new(allowed: &[String]) -> Self {
        let allowed = allowed
            .iter()
            .map(|origin| origin.trim_end_matches('/').to_lowercase())
            .collect();
        Self { allowed }
    }

    /// Whether a page of `origin`, which reached us as `host`, may connect.
    #[must_use]
    pub fn allow(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin.map(str::to_lowercase) else {
            return true;
        };
        if self
            .allowed
            .iter()
            .any(|allowed| allowed == "*" || *allowed == origin)
        {
            return true;
        }
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        match (authority, host.map(str::to_lowercase)) {
            (Some(authority), Some(host)) => authority == host && is_address(authority),
            (None, _) | (_, None) => false,
        }
    }
}

/// Whether the authority (host and port) is no name that somebody else can point at us.
fn is_address(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_page_connects_by_address_and_as_localhost() {
        let origins = Origins::default();
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "[::1]:8080",
            "192.0.2.1",
        ] {
            assert!(
                origins.allow(Some(&format!("http://{host}")), Some(host)),
                "{host}"
            );
        }
    }

    #[test]
    fn foreign_page_and_rebound_name_do_not_connect() {
        let origins = Origins::default();
        assert!(!origins.allow(Some("https://evil.example"), Some("127.0.0.1:8080")));
        assert!(!origins.allow(Some("http://evil.example:8080"), Some("evil.example:8080")));
        assert!(!origins.allow(Some("null"), Some("127.0.0.1:8080")));
        assert!(!origins.allow(Some("http://127.0.0.1:9"), Some("127.0.0.1:8080")));
    }

    #[test]
    fn listed_origin_connects_and_programs_do() {
        let origins = Origins::new(&["https://Phone.example/".to_owned()]);
        assert!(origins.allow(Some("https://phone.example"), Some("gw.example")));
        assert!(origins.allow(None, Some("gw.example")));
    }
}
