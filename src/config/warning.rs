//! What is allowed and seldom meant: told, and the gateway starts.

use std::net::{IpAddr, SocketAddr};

use super::{Config, Transport, Trunk, is_here};

/// All that is worth a look.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    admission(config, &mut warnings);
    page(config, &mut warnings);
    network(config, &mut warnings);
    plan(config, &mut warnings);
    chat(config, &mut warnings);
    warnings
}

fn chat(config: &Config, warnings: &mut Vec<String>) {
    for component in config.component.iter().filter(|one| one.callers.is_empty()) {
        let name = &component.name;
        warnings.push(format!(
            "no chat user may call by component {name}: its `callers` are empty"
        ));
    }
    for account in config
        .xmpp_account
        .iter()
        .filter(|one| one.callers.is_empty())
    {
        let name = &account.name;
        warnings.push(format!(
            "nobody may call the chat account {name}: its `callers` are empty"
        ));
    }
}

fn admission(config: &Config, warnings: &mut Vec<String>) {
    let auth = &config.auth;
    if !auth.anonymous && auth.jwt.is_none() && auth.http.is_none() && auth.user.is_empty() {
        warnings.push("nobody can come in: `[auth]` opens no way".into());
    }
    if auth.anonymous {
        warnings.push("everybody can come in: `auth.anonymous` is set".into());
    }
    if config.server.origins.iter().any(|origin| origin == "*") {
        let what =
            "every website can connect from its visitors' browsers: `server.origins` has `*`";
        warnings.push(what.into());
    }
    if auth.accounts_from_clients && config.trunk.is_empty() {
        let what =
            "`auth.accounts_from_clients` is set, and there is no `[[trunk]]` to register at";
        warnings.push(what.into());
    }
    if let Some(http) = &auth.http
        && let Ok(url) = url::Url::parse(&http.url)
        && url.scheme() == "http"
        && !is_here(&url)
    {
        warnings.push("tokens cross the network in clear: `auth.http.url` is no https:".into());
    }
}

fn page(config: &Config, warnings: &mut Vec<String>) {
    let server = &config.server;
    let elsewhere = |address: &SocketAddr| !address.ip().is_loopback();
    if server.tls.is_none()
        && let Some(address) = server.listen.iter().find(|address| elsewhere(address))
    {
        warnings.push(format!(
            "browsers give a page no microphone over http, except on this machine: set \
             `server.tls`, or put a TLS proxy before {address}"
        ));
    }
}

fn network(config: &Config, warnings: &mut Vec<String>) {
    let sip = &config.sip;
    let public = sip
        .public_address
        .as_deref()
        .and_then(|address| address.parse().ok());
    let is_local = sip
        .listen
        .iter()
        .all(|listener| listener.address.ip().is_loopback());
    let has_tls = sip.listen.iter().any(|l| l.transport == Transport::Tls);
    for trunk in &config.trunk {
        if !has_tls && trunk.uri.to_ascii_lowercase().starts_with("sips:") {
            let name = &trunk.name;
            warnings.push(format!(
                "trunk `{name}` is `sips:`, and `sip.listen` has no `tls:`: it reaches this \
                 gateway only over connections that the gateway opens"
            ));
        }
        let Some(ip) = trunk_ip(trunk) else {
            continue;
        };
        let name = &trunk.name;
        if is_public(ip) && public.is_some_and(is_private) {
            // RFC 1918 §3: such addresses mean nothing outside of the network that uses them.
            warnings.push(format!(
                "trunk `{name}` is on the public network and cannot reach `sip.public_address`, a \
                 private address"
            ));
        } else if is_local && !ip.is_loopback() {
            warnings.push(format!(
                "trunk `{name}` is on another machine, and `sip.listen` is on loopback alone"
            ));
        }
    }
}

fn plan(config: &Config, warnings: &mut Vec<String>) {
    if config.route.is_empty() {
        warnings.push("clients can dial nothing but each other: there is no `[[route]]`".into());
    }
    let all = config.route.iter().position(|route| route.pattern == "*");
    if let Some(place) = all
        && place + 1 < config.route.len()
    {
        warnings.push(format!(
            "route[{place}] matches everything: what stands below it in the dial plan never counts"
        ));
    }
}

/// The address in a trunk's URI; `None` where it is a name.
fn trunk_ip(trunk: &Trunk) -> Option<IpAddr> {
    let (_, rest) = trunk.uri.split_once(':')?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let authority = rest.split(';').next()?;
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    authority.trim_matches(['[', ']']).parse().ok()
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

fn is_public(ip: IpAddr) -> bool {
    !is_private(ip) && !ip.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        warnings(&Config::load(text).unwrap()).join("\n")
    }

    #[test]
    fn sips_without_a_tls_listener_is_told() {
        let trunk = "[[trunk]]\nname = \"a\"\nuri = \"sips:pbx.example\"\n";
        assert!(
            told(trunk).contains("trunk `a` is `sips:`"),
            "{}",
            told(trunk)
        );
        let plain = trunk.replace("sips:", "sip:");
        assert!(!told(&plain).contains("sips:"));
    }

    #[test]
    fn chat_users_whom_nobody_may_call_or_call_by_are_told() {
        let component = "[[component]]\nname = \"c\"\ndomain = \"gw\"\nsecret = \"s\"\n";
        let account = "[[xmpp_account]]\nname = \"a\"\njid = \"a@b\"\npassword = \"p\"\n\
                       owner = \"a\"\n";
        for text in [component, account] {
            assert!(told(text).contains("its `callers` are empty"), "{text}");
            let open = format!("{text}callers = [\"*\"]\n");
            assert!(!told(&open).contains("`callers`"), "{text}");
        }
    }

    #[test]
    fn nobody_can_come_in_by_default() {
        assert!(told("").contains("nobody can come in"));
        assert!(!told("auth.anonymous = true").contains("nobody can come in"));
    }

    #[test]
    fn private_address_towards_a_public_trunk_is_told() {
        let config = |public: &str, trunk: &str| {
            format!(
                "[sip]\nlisten = [\"udp:0.0.0.0:5060\"]\npublic_address = \"{public}\"\n\
                 [[trunk]]\nname = \"t\"\nuri = \"sip:{trunk}\"\n"
            )
        };
        let what = "cannot reach `sip.public_address`";
        assert!(told(&config("192.168.1.2", "203.0.113.5:5060")).contains(what));
        assert!(told(&config("fd00::1", "[2001:db8::5]")).contains(what));
        assert!(!told(&config("192.168.1.2", "192.168.1.5")).contains(what));
        assert!(!told(&config("203.0.113.1", "203.0.113.5;transport=tcp")).contains(what));
    }

    #[test]
    fn listener_on_loopback_towards_another_machine_is_told() {
        let text = "[[trunk]]\nname = \"t\"\nuri = \"sip:192.168.1.5\"\n";
        assert!(told(text).contains("on loopback alone"));
    }

    #[test]
    fn page_without_tls_and_routes_that_never_count_are_told() {
        let text = "server.listen = [\"192.0.2.1:80\"]\n\
                    [[route]]\nmatch = \"*\"\nto = \"reject:forbidden\"\n\
                    [[route]]\nmatch = \"1\"\nto = \"user:a\"\n";
        assert!(told(text).contains("no microphone over http"));
        assert!(told(text).contains("route[0] matches everything"));
    }
}
