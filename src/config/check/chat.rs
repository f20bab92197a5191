//! Chat servers: components, accounts, and what holds for all streams to them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::plan::is_pattern;
use super::{Check, IS_HIDDEN, is_hidden, is_host, is_name};
use crate::config::{Config, Secret};

impl Check<'_> {
    pub(super) fn chat(&mut self, config: &Config) {
        let mut names = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for (place, component) in config.component.iter().enumerate() {
            let key = |name: &str| format!("component[{place}].{name}");
            self.chat_name(&key("name"), &component.name, &mut names);
            if !is_domain(&component.domain) {
                let what = "is to be a domain of the chat server's, such as sip.example.org";
                self.wrong(key("domain"), what);
            } else if !addresses.insert(component.domain.to_lowercase()) {
                let what = format!("there are two components of `{}`", component.domain);
                self.wrong(key("domain"), what);
            }
            if !is_host(&component.host) {
                self.wrong(
                    key("host"),
                    "is to be an address or a host name, without a port",
                );
            }
            if component.port == 0 {
                self.wrong(key("port"), "is to be from 1 to 65535");
            }
            self.chat_secret(&key("secret"), &component.secret);
            if component
                .tls_name
                .as_ref()
                .is_some_and(|name| !is_host(name))
            {
                self.wrong(key("tls_name"), "is to be a host name, without a port");
            }
            if !component.tls && (component.ca.is_some() || component.tls_name.is_some()) {
                let name = if component.ca.is_some() {
                    "ca"
                } else {
                    "tls_name"
                };
                self.wrong(key(name), "is for TLS: set `tls = true`");
            }
            if component.serves.is_empty() {
                self.wrong(key("serves"), "serves nobody: \"*\" serves everybody");
            }
            for (which, pattern) in component.serves.iter().enumerate() {
                if pattern.is_empty() || pattern.chars().any(char::is_control) {
                    let what = "is to be what stands before the `@`, with `*` and `?`";
                    self.wrong(key(&format!("serves[{which}]")), what);
                }
            }
            self.chat_callers(&key("callers"), &component.callers);
            for (which, pattern) in component.destinations.iter().flatten().enumerate() {
                if !is_pattern(pattern) {
                    let what = "is to be a text with at most one `*`, such as `+49*`";
                    self.wrong(key(&format!("destinations[{which}]")), what);
                }
            }
        }
        self.chat_accounts(config, &mut names, &mut addresses);
        self.chat_numbers(config);
    }

    fn chat_accounts<'c>(
        &mut self,
        config: &'c Config,
        names: &mut BTreeSet<&'c str>,
        addresses: &mut BTreeSet<String>,
    ) {
        for (place, account) in config.xmpp_account.iter().enumerate() {
            let key = |name: &str| format!("xmpp_account[{place}].{name}");
            self.chat_name(&key("name"), &account.name, names);
            match jid::Jid::new(&account.jid) {
                Ok(jid) if jid.node().is_some() => {
                    let bare = jid.to_bare().to_string();
                    if !addresses.insert(bare) {
                        let what = "is logged in to by two of these: one is enough";
                        self.wrong(key("jid"), what);
                    }
                }
                Ok(_) | Err(_) => {
                    self.wrong(key("jid"), "is to be an address such as alice@example.org");
                }
            }
            self.chat_secret(&key("password"), &account.password);
            if account.owner.is_empty() {
                self.wrong(key("owner"), "is to be the user whose clients it rings");
            }
            self.chat_callers(&key("callers"), &account.callers);
            if account
                .server
                .as_ref()
                .is_some_and(|server| !is_server(server))
            {
                let what = "is to be a host or an address, with a port where it is not 5222";
                self.wrong(key("server"), what);
            }
        }
    }

    fn chat_callers(&mut self, key: &str, callers: &[String]) {
        for (which, pattern) in callers.iter().enumerate() {
            if !pattern.contains(['@', '*']) || pattern.contains(['/', ' ']) {
                let what = "is to be an address without a resource, such as `*@example.org`";
                self.wrong(format!("{key}[{which}]"), what);
            }
        }
    }

    fn chat_name<'c>(&mut self, key: &str, name: &'c str, names: &mut BTreeSet<&'c str>) {
        if !is_name(name) {
            self.wrong(key, "is to be letters, digits, `-`, `_` or `.`");
        } else if !names.insert(name) {
            let what = format!("there are two components or accounts named `{name}`");
            self.wrong(key, what);
        }
    }

    fn chat_secret(&mut self, key: &str, secret: &Secret) {
        if secret.reveal().is_empty() {
            self.wrong(key, "is needed");
        } else if is_hidden(secret) {
            self.wrong(key, IS_HIDDEN);
        }
    }

    fn chat_numbers(&mut self, config: &Config) {
        let xmpp = &config.xmpp;
        for (key, value, least, most) in [
            ("requests_max", xmpp.requests_max, 1, usize::MAX),
            ("requests_per_peer", xmpp.requests_per_peer, 8, usize::MAX),
            ("queue_max", xmpp.queue_max, 1, usize::MAX),
            ("sessions_max", xmpp.sessions_max, 1, usize::MAX),
            ("unacked_max", xmpp.unacked_max, 1, 1 << 20),
            ("stanza_bytes_max", xmpp.stanza_bytes_max, 10_000, 1 << 24),
            ("skipped_bytes_max", xmpp.skipped_bytes_max, 10_000, 1 << 28),
            ("depth_max", xmpp.depth_max, 8, 200),
            ("elements_max", xmpp.elements_max, 100, 1_000_000),
            (
                "attribute_bytes_max",
                xmpp.attribute_bytes_max,
                4096,
                1 << 24,
            ),
            ("attributes_max", xmpp.attributes_max, 8, 10_000),
        ] {
            let key = format!("xmpp.{key}");
            if value < least {
                self.wrong(key, format!("is to be at least {least}"));
            } else if value > most {
                self.wrong(key, format!("is to be at most {most}"));
            }
        }
        for (key, value) in [
            ("connect_timeout", xmpp.connect_timeout),
            ("login_timeout", xmpp.login_timeout),
            ("retry_min", xmpp.retry_min),
            ("refused_retry", xmpp.refused_retry),
            ("keep_alive", xmpp.keep_alive),
            ("ping_after", xmpp.ping_after),
            ("ping_deadline", xmpp.ping_deadline),
            ("request_timeout", xmpp.request_timeout),
            ("queue_wait", xmpp.queue_wait),
        ] {
            if value < Duration::from_millis(10) {
                self.wrong(format!("xmpp.{key}"), "is to be at least 10ms");
            }
        }
        if xmpp.retry_max < xmpp.retry_min {
            self.wrong("xmpp.retry_max", "is to be at least `xmpp.retry_min`");
        }
        if xmpp.skipped_bytes_max < xmpp.stanza_bytes_max {
            let what = "is to be at least `xmpp.stanza_bytes_max`";
            self.wrong("xmpp.skipped_bytes_max", what);
        }
        if xmpp.attribute_bytes_max > xmpp.stanza_bytes_max {
            let what = "is larger than `xmpp.stanza_bytes_max`";
            self.wrong("xmpp.attribute_bytes_max", what);
        }
    }
}

fn is_domain(text: &str) -> bool {
    let known = jid::Jid::new(text);
    known.is_ok_and(|jid| jid.node().is_none() && jid.resource().is_none())
}

/// `host`, `host:port`, an address, `[address]:port`.
fn is_server(text: &str) -> bool {
    if is_host(text) || text.parse::<std::net::SocketAddr>().is_ok() {
        return true;
    }
    let split = text.rsplit_once(':');
    split.is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|p| p > 0))
}
