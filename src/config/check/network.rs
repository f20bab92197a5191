//! Listeners, certificates, the public address, trunks and accounts.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Check, IS_HIDDEN, is_hidden, is_host, is_name};
use crate::config::{Component, Config, Transport, Trunk};

/// Header fields that form dialogs, say where a message goes or what its body is, or prove who
/// somebody is: never a client's to write or to see.
const RESERVED_HEADERS: [&str; 27] = [
    "accept",
    "allow",
    "authorization",
    "call-id",
    "contact",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-type",
    "cseq",
    "expires",
    "from",
    "max-forwards",
    "min-expires",
    "path",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-require",
    "record-route",
    "require",
    "route",
    "service-route",
    "supported",
    "to",
    "via",
    "www-authenticate",
    "retry-after",
];

impl Check<'_> {
    /// Who listens where: two sockets of one transport cannot share an address.
    pub(super) fn listeners(&mut self, config: &Config) {
        let (server, sip) = (&config.server, &config.sip);
        let mut taken: Vec<(bool, SocketAddr)> = Vec::new();
        let pages = server.listen.iter().enumerate();
        let pages = pages.map(|(place, address)| (format!("server.listen[{place}]"), *address));
        let metrics = server.metrics_listen.iter();
        let metrics = metrics.map(|address| ("server.metrics_listen".to_owned(), *address));
        let web = pages
            .chain(metrics)
            .map(|(key, address)| (key, false, address));
        let phones = sip.listen.iter().enumerate().map(|(place, listener)| {
            let is_udp = listener.transport == Transport::Udp;
            (format!("sip.listen[{place}]"), is_udp, listener.address)
        });
        for (key, is_udp, address) in web.chain(phones).collect::<Vec<_>>() {
            let clash = taken
                .iter()
                .find(|(udp, other)| *udp == is_udp && clash(*other, address));
            if let Some((_, other)) = clash {
                self.wrong(
                    key,
                    format!("{address} is taken already: {other} is listened on"),
                );
            }
            taken.push((is_udp, address));
        }
        if server.listen.is_empty() {
            self.wrong(
                "server.listen",
                "needs at least one address, such as \"0.0.0.0:8080\"",
            );
        }
        if sip.listen.is_empty() {
            let what = "needs at least one listener, such as \"udp:192.0.2.1:5060\"";
            self.wrong("sip.listen", what);
        }
        let tls = &sip.tls;
        match (&tls.certificate, &tls.key) {
            (Some(_), None) => self.wrong("sip.tls.certificate", "needs its `key` beside it"),
            (None, Some(_)) => self.wrong("sip.tls.key", "needs its `certificate` beside it"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        for (place, listener) in sip.listen.iter().enumerate() {
            if listener.transport == Transport::Tls && tls.certificate.is_none() {
                let what = "a `tls:` listener needs `sip.tls.certificate` and its key";
                self.wrong(format!("sip.listen[{place}]"), what);
            }
        }
    }

    /// The address that others are told, and the pages that may connect.
    pub(super) fn addresses(&mut self, config: &Config) {
        let sip = &config.sip;
        if let Some(address) = &sip.public_address {
            let ip = address.parse::<IpAddr>();
            if ip.is_ok_and(|ip| ip.is_unspecified()) {
                let what = "is to be an address that peers reach: nobody reaches this one";
                self.wrong("sip.public_address", what);
            } else if !is_host(address) {
                let what = "is to be an address or a host name, without a port";
                self.wrong("sip.public_address", what);
            }
        }
        let mut listeners = sip.listen.iter().map(|listener| listener.address.ip());
        if sip.public_address.is_none() && listeners.any(|ip| ip.is_unspecified()) {
            let what = "listens on every address: say in `sip.public_address` which one peers use";
            self.wrong("sip.listen", what);
        }
        if sip.user_agent.is_empty() || sip.user_agent.chars().any(char::is_control) {
            self.wrong("sip.user_agent", "is to be a text of one line");
        }
        for (place, origin) in config.server.origins.iter().enumerate() {
            if origin != "*" && !is_origin(origin) {
                let what =
                    format!("`{origin}` is no origin as browsers spell it: https://phone.example");
                self.wrong(format!("server.origins[{place}]"), what);
            }
        }
    }

    pub(super) fn trunks(&mut self, config: &Config) {
        let mut names = BTreeSet::new();
        for (place, trunk) in config.trunk.iter().enumerate() {
            let key = |name: &str| format!("trunk[{place}].{name}");
            if !is_name(&trunk.name) {
                self.wrong(key("name"), "is to be letters, digits, `-`, `_` or `.`");
            } else if !names.insert(&trunk.name) {
                let what = format!("there are two trunks named `{}`", trunk.name);
                self.wrong(key("name"), what);
            }
            if let Err(what) = sip_uri(&trunk.uri) {
                let what = format!("{what}: it is to be like sip:pbx.example:5060;transport=tcp");
                self.wrong(key("uri"), what);
            }
            for (which, address) in trunk.addresses.iter().enumerate() {
                if !is_network(address) {
                    let what = format!("`{address}` is no address or network (192.0.2.0/24)");
                    self.wrong(key(&format!("addresses[{which}]")), what);
                }
            }
            self.trunk_settings(trunk, &config.component, key);
        }
    }

    fn trunk_settings(
        &mut self,
        trunk: &Trunk,
        components: &[Component],
        key: impl Fn(&str) -> String,
    ) {
        match (&trunk.user, &trunk.password) {
            (Some(_), None) => self.wrong(key("user"), "needs its `password` beside it"),
            (None, Some(_)) => self.wrong(key("password"), "needs its `user` beside it"),
            (Some(_), Some(secret)) if is_hidden(secret) => self.wrong(key("password"), IS_HIDDEN),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if trunk
            .from_domain
            .as_ref()
            .is_some_and(|domain| !is_host(domain))
        {
            self.wrong(key("from_domain"), "is to be a host name, without a port");
        }
        if trunk
            .udp_max_bytes
            .is_some_and(|bytes| !(500..=65_507).contains(&bytes))
        {
            self.wrong(key("udp_max_bytes"), "is to be from 500 to 65507 bytes");
        }
        if !trunk.health.is_zero() && trunk.health < Duration::from_secs(1) {
            self.wrong(key("health"), "is to be at least 1s, or 0s for none");
        }
        if trunk.description_bytes_max.is_some_and(|bytes| bytes < 500) {
            let what = "is to be at least 500 bytes: no description of WebRTC is smaller";
            self.wrong(key("description_bytes_max"), what);
        }
        if trunk.codecs.as_ref().is_some_and(Vec::is_empty) {
            let what = "leaves no codec: leave the key out for all";
            self.wrong(key("codecs"), what);
        }
        for (place, header) in trunk.headers.iter().enumerate() {
            let is_token = header
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let key = key(&format!("headers[{place}]"));
            if header.is_empty() || !is_token {
                self.wrong(key, format!("`{header}` is no name of a header field"));
            } else if RESERVED_HEADERS.contains(&header.to_ascii_lowercase().as_str()) {
                self.wrong(
                    key,
                    format!("`{header}` is the gateway's own to write and to read"),
                );
            }
        }
        let to = trunk
            .incoming_to
            .as_deref()
            .map(|to| to.strip_prefix("user:"));
        if to.is_some_and(|user| user.is_none_or(str::is_empty)) {
            self.wrong(key("incoming_to"), "is to be `user:` and a name");
        }
        if let Some(name) = &trunk.incoming_chat
            && !components.iter().any(|one| one.name == *name)
            && self.is_read("component")
        {
            self.wrong(
                key("incoming_chat"),
                format!("there is no component named `{name}`"),
            );
        }
    }

    pub(super) fn accounts(&mut self, config: &Config) {
        let mut names = BTreeSet::new();
        for (place, account) in config.account.iter().enumerate() {
            let key = |name: &str| format!("account[{place}].{name}");
            if !is_name(&account.name) {
                self.wrong(key("name"), "is to be letters, digits, `-`, `_` or `.`");
            } else if !names.insert(&account.name) {
                let what = format!("there are two accounts named `{}`", account.name);
                self.wrong(key("name"), what);
            }
            match sip_uri(&account.uri) {
                Ok(true) => {}
                Ok(false) => self.wrong(key("uri"), "names no user: sip:1001@pbx.example does"),
                Err(what) => {
                    let what = format!("{what}: it is to be like sip:1001@pbx.example");
                    self.wrong(key("uri"), what);
                }
            }
            let is_known = config.trunk.iter().any(|trunk| trunk.name == account.trunk);
            if !is_known && self.is_read("trunk") {
                let what = format!("there is no trunk named `{}`", account.trunk);
                self.wrong(key("trunk"), what);
            }
            if account.owner.is_empty() {
                self.wrong(key("owner"), "is to be the user whose clients it rings");
            }
            if is_hidden(&account.password) {
                self.wrong(key("password"), IS_HIDDEN);
            }
            if account.expires < Duration::from_secs(10) {
                self.wrong(key("expires"), "is to be at least 10s");
            }
        }
    }
}

/// Whether two sockets of one transport cannot both be bound.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip(), other.ip());
    let overlaps =
        a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()));
    one.port() != 0 && one.port() == other.port() && overlaps
}

/// RFC 6454 §6.2: scheme, host and port, nothing behind.
fn is_origin(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    let bare = text.trim_end_matches('/').to_ascii_lowercase();
    match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization() == bare,
        // Applications and extensions have schemes of their own.
        scheme => url
            .host_str()
            .is_some_and(|host| bare == format!("{scheme}://{host}")),
    }
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    let Ok(ip) = address.parse::<IpAddr>() else {
        return false;
    };
    let most = if ip.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// Looks at a SIP URI as an operator writes it (RFC 3261 §19.1). Returns whether it names a user.
fn sip_uri(text: &str) -> Result<bool, String> {
    let scheme = text
        .split_once(':')
        .filter(|(scheme, _)| matches!(*scheme, "sip" | "sips"));
    let Some((_, rest)) = scheme else {
        return Err("it does not begin with sip: or sips:".into());
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"?".contains(c);
    if let Some(odd) = rest.chars().find(|c| odd(*c)) {
        return Err(format!("it holds {odd:?}"));
    }
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let mut parameters = rest.split(';');
    let authority = parameters.next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    if !is_host(host) || (host.contains(':') && !host.starts_with('[')) {
        return Err(format!(
            "`{host}` is no host (an IPv6 address stands in brackets)"
        ));
    }
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err("its port is no number from 1 to 65535".into());
    }
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let is_known = matches!(value.to_ascii_lowercase().as_str(), "udp" | "tcp" | "tls");
        if name.eq_ignore_ascii_case("transport") && !is_known {
            return Err(format!("`{value}` is no transport: udp, tcp and tls are"));
        }
    }
    if user.is_some_and(str::is_empty) {
        return Err("nothing stands before its `@`".into());
    }
    Ok(user.is_some())
}
