//! Who may come in, and what clients are told.

use std::collections::BTreeSet;

use super::plan::is_pattern;
use super::{Check, IS_HIDDEN, is_hidden, is_safe_web, is_web};
use crate::config::{Config, IceServer, Jwt, User};

impl Check<'_> {
    pub(super) fn auth(&mut self, config: &Config) {
        if let Some(jwt) = &config.auth.jwt {
            self.jwt(jwt);
        }
        if let Some(http) = &config.auth.http
            && !is_web(&http.url)
        {
            self.wrong("auth.http.url", "is to be an http: or https: address");
        }
        let mut tokens = BTreeSet::new();
        for (place, user) in config.auth.user.iter().enumerate() {
            let is_first = tokens.insert(user.token.reveal());
            self.user(config, user, is_first, |name| {
                format!("auth.user[{place}].{name}")
            });
        }
    }

    fn jwt(&mut self, jwt: &Jwt) {
        let has_key = jwt.hs256_secret.is_some()
            || jwt.eddsa_public_key.is_some()
            || jwt.jwks_file.is_some()
            || jwt.jwks_url.is_some();
        if !has_key {
            let what = "needs `hs256_secret`, `eddsa_public_key`, `jwks_file` or `jwks_url`";
            self.wrong("auth.jwt", what);
        }
        if let Some(secret) = &jwt.hs256_secret {
            if is_hidden(secret) {
                self.wrong("auth.jwt.hs256_secret", IS_HIDDEN);
            } else if secret.reveal().len() < 32 {
                // RFC 7518 §3.2: a key of the size of the hash output or larger.
                let what = "is to have at least 32 characters: `openssl rand -hex 32` makes one";
                self.wrong("auth.jwt.hs256_secret", what);
            }
        }
        if let Some(key) = &jwt.eddsa_public_key {
            let bare = |b: u8| b.is_ascii_alphanumeric() || b"-_+/=".contains(&b);
            let is_pem = key.trim_start().starts_with("-----BEGIN PUBLIC KEY-----");
            // RFC 8032 §5.1.5: 32 bytes, in base64 43 characters and maybe a filler.
            let is_bare = key.trim().bytes().all(bare) && (43..=44).contains(&key.trim().len());
            if !is_pem && !is_bare {
                let what = "is to be a public key in PEM, or its 32 bytes in base64";
                self.wrong("auth.jwt.eddsa_public_key", what);
            }
        }
        if jwt.jwks_url.as_ref().is_some_and(|url| !is_safe_web(url)) {
            // RFC 7517 §9.1: whoever can change the keys on their way can make tokens.
            let what = "is to be an https: address, or an http: one of this machine";
            self.wrong("auth.jwt.jwks_url", what);
        }
    }

    fn user(&mut self, config: &Config, user: &User, is_first: bool, key: impl Fn(&str) -> String) {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"`\\^{}|".contains(c);
        if user.name.is_empty() || user.name.contains(odd) {
            self.wrong(key("name"), "is to be the user's name, as in `user:NAME`");
        }
        if is_hidden(&user.token) {
            self.wrong(key("token"), IS_HIDDEN);
        } else if user.token.reveal().len() < 8 {
            self.wrong(key("token"), "is to have at least 8 characters");
        } else if !is_first {
            self.wrong(key("token"), "is another user's already");
        }
        for (place, name) in user.accounts.iter().enumerate() {
            let is_known = config.account.iter().any(|account| account.name == *name);
            if !is_known && self.is_read("account") {
                let what = format!("there is no account named `{name}`");
                self.wrong(key(&format!("accounts[{place}]")), what);
            }
        }
        for (place, pattern) in user.destinations.iter().flatten().enumerate() {
            if !is_pattern(pattern) {
                let what = "is to be a text with at most one `*`, such as `6*`";
                self.wrong(key(&format!("destinations[{place}]")), what);
            }
        }
        if user.calls_max == Some(0) {
            self.wrong(key("calls_max"), "is to be at least 1");
        }
    }

    pub(super) fn clients(&mut self, config: &Config) {
        for (place, server) in config.client.ice_server.iter().enumerate() {
            self.ice_server(server, |name| format!("client.ice_server[{place}].{name}"));
        }
    }

    /// What a page's `RTCPeerConnection` would not take is found here, and not by every client.
    fn ice_server(&mut self, server: &IceServer, key: impl Fn(&str) -> String) {
        if server.urls.is_empty() {
            self.wrong(
                key("urls"),
                "needs at least one, such as \"stun:stun.example\"",
            );
        }
        let scheme = |url: &str| {
            url.split_once(':')
                .map(|(scheme, _)| scheme.to_ascii_lowercase())
        };
        for (place, url) in server.urls.iter().enumerate() {
            // RFC 7064 §3.1, RFC 7065 §3.1.
            let known = ["stun", "stuns", "turn", "turns"];
            if !scheme(url).is_some_and(|scheme| known.contains(&scheme.as_str())) {
                let what = format!("`{url}` is no stun:, stuns:, turn: or turns: address");
                self.wrong(key(&format!("urls[{place}]")), what);
            }
        }
        let turns = |url: &String| scheme(url).is_some_and(|scheme| scheme.starts_with("turn"));
        let is_bare = server.username.is_none() || server.credential.is_none();
        if is_bare && server.urls.iter().any(turns) {
            let what = "a turn: address needs `username` and `credential`";
            self.wrong(key("urls"), what);
        }
        if server.credential.as_ref().is_some_and(is_hidden) {
            self.wrong(key("credential"), IS_HIDDEN);
        }
    }

    pub(super) fn log(&mut self, config: &Config) {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.log.level) {
            let what = format!("is to be error, warn, info, debug, trace or a filter: {error}");
            self.wrong("log.level", what);
        }
    }
}
