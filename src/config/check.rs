//! Reading a configuration: all mistakes at once, each with its key and line.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::{Config, Transport};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; 0 where the key is not written at all.
    pub line: usize,
    /// The key: `trunk[0].uri`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// All mistakes of a file, by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.key, self.what),
            line => write!(f, "line {line}: {}: {}", self.key, self.what),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.0.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// Mistakes of form that are looked for before the file is given up.
const MISTAKES_MAX: usize = 50;

/// Reads and checks a file's text.
pub(super) fn load(text: &str) -> Result<Config, Mistakes> {
    let mut mistakes = Vec::new();
    let config = read(text, &mut mistakes);
    if let Some(config) = &config {
        let mut check = Check {
            text,
            mistakes: &mut mistakes,
        };
        check.all(config);
    }
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => {
            mistakes.sort_by_key(|mistake| mistake.line);
            Err(Mistakes(mistakes))
        }
    }
}

/// Reads the text; a line that is wrong is noted, blanked, and the rest is read.
fn read(text: &str, mistakes: &mut Vec<Mistake>) -> Option<Config> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..MISTAKES_MAX {
        let text = lines.join("\n");
        let error = match toml::from_str::<Config>(&text) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let start = error.span().map_or(0, |span| span.start);
        let row = text[..start.min(text.len())].matches('\n').count();
        let line = lines.get(row).cloned().unwrap_or_default();
        let key = key_at(&lines, row);
        let what = error.message().trim().to_owned();
        mistakes.push(Mistake {
            line: row + 1,
            key,
            what,
        });
        let blank = line.trim().is_empty() || line.trim_start().starts_with('[');
        if blank || !line.contains('=') {
            return None;
        }
        lines[row].clear();
    }
    None
}

/// The path of the key that a line writes.
fn key_at(lines: &[String], row: usize) -> String {
    let mut seen: Vec<(String, usize)> = Vec::new();
    let mut section = String::new();
    for line in lines.iter().take(row + 1) {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix("[[")
            .and_then(|rest| rest.split("]]").next())
        {
            let name = name.trim();
            let count = match seen.iter_mut().find(|(known, _)| known == name) {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    seen.push((name.to_owned(), 0));
                    0
                }
            };
            section = format!("{name}[{count}]");
        } else if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            section = name.trim().to_owned();
        }
    }
    let line = lines.get(row).map_or("", |line| line.trim());
    match line.split_once('=') {
        Some((key, _)) if section.is_empty() => key.trim().to_owned(),
        Some((key, _)) => format!("{section}.{}", key.trim()),
        None => section,
    }
}

/// Checks what the types cannot say.
struct Check<'a> {
    text: &'a str,
    mistakes: &'a mut Vec<Mistake>,
}

impl Check<'_> {
    fn all(&mut self, config: &Config) {
        self.listeners(config);
        self.trunks(config);
        self.accounts(config);
        self.routes(config);
        self.auth(config);
        self.numbers(config);
    }

    fn wrong(&mut self, key: impl Into<String>, what: impl Into<String>) {
        let key = key.into();
        let line = line_of(self.text, &key);
        self.mistakes.push(Mistake {
            line,
            key,
            what: what.into(),
        });
    }

    fn listeners(&mut self, config: &Config) {
        let mut taken = BTreeSet::new();
        for address in config
            .server
            .listen
            .iter()
            .chain(&config.server.metrics_listen)
        {
            if address.port() != 0 && !taken.insert((false, *address)) {
                self.wrong("server.listen", format!("{address} is listened on twice"));
            }
        }
        for listener in &config.sip.listen {
            let udp = listener.transport == Transport::Udp;
            if listener.address.port() != 0 && !taken.insert((udp, listener.address)) {
                self.wrong("sip.listen", format!("{listener} is listened on twice"));
            }
        }
        let tls = &config.sip.tls;
        if tls.certificate.is_some() != tls.key.is_some() {
            self.wrong("sip.tls", "needs both `certificate` and `key`");
        }
        let listens = config
            .sip
            .listen
            .iter()
            .any(|l| l.transport == Transport::Tls);
        if listens && tls.certificate.is_none() {
            self.wrong(
                "sip.listen",
                "a `tls:` listener needs `sip.tls.certificate` and its key",
            );
        }
        if config.sip.listen.is_empty() {
            self.wrong(
                "sip.listen",
                "needs at least one listener, such as \"udp:0.0.0.0:5060\"",
            );
        }
        if let Some(address) = &config.sip.public_address {
            let unspecified = address
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_unspecified());
            let odd = address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
            if unspecified || odd || address.is_empty() {
                self.wrong(
                    "sip.public_address",
                    "is to be an address or name that peers reach",
                );
            }
        }
        let everywhere = config
            .sip
            .listen
            .iter()
            .any(|l| l.address.ip().is_unspecified());
        if everywhere && config.sip.public_address.is_none() {
            let what = "listens on every address: say in `sip.public_address` which one peers use";
            self.wrong("sip.listen", what);
        }
        for origin in &config.server.origins {
            if origin != "*" && !origin.contains("://") {
                let what = format!("`{origin}` is no origin such as https://phone.example");
                self.wrong("server.origins", what);
            }
        }
    }

    fn trunks(&mut self, config: &Config) {
        let mut names = BTreeSet::new();
        for (place, trunk) in config.trunk.iter().enumerate() {
            let key = |name: &str| format!("trunk[{place}].{name}");
            if !is_name(&trunk.name) {
                self.wrong(key("name"), "is to be letters, digits, `-` or `_`");
            }
            if !names.insert(&trunk.name) {
                self.wrong(
                    key("name"),
                    format!("there are two trunks named `{}`", trunk.name),
                );
            }
            if !trunk.uri.starts_with("sip:") && !trunk.uri.starts_with("sips:") {
                self.wrong(
                    key("uri"),
                    "is to be a SIP URI such as sip:pbx.example:5060",
                );
            }
            for address in &trunk.addresses {
                let ip = address.split('/').next().unwrap_or_default();
                if ip.parse::<std::net::IpAddr>().is_err() {
                    let what = format!("`{address}` is no address or network");
                    self.wrong(key("addresses"), what);
                }
            }
            if trunk.user.is_some() != trunk.password.is_some() {
                self.wrong(key("user"), "needs both `user` and `password`");
            }
        }
    }

    fn accounts(&mut self, config: &Config) {
        let mut names = BTreeSet::new();
        for (place, account) in config.account.iter().enumerate() {
            let key = |name: &str| format!("account[{place}].{name}");
            if !is_name(&account.name) || !names.insert(&account.name) {
                self.wrong(key("name"), "is to be a name that no other account has");
            }
            if !account.uri.starts_with("sip:") || !account.uri.contains('@') {
                self.wrong(
                    key("uri"),
                    "is to be an address such as sip:1001@pbx.example",
                );
            }
            if !config.trunk.iter().any(|trunk| trunk.name == account.trunk) {
                self.wrong(
                    key("trunk"),
                    format!("there is no trunk named `{}`", account.trunk),
                );
            }
            if account.owner.is_empty() {
                self.wrong(key("owner"), "is to be the user whose clients it rings");
            }
            if account.expires < Duration::from_secs(10) {
                self.wrong(key("expires"), "is to be at least 10s");
            }
        }
    }

    fn routes(&mut self, config: &Config) {
        for (place, route) in config.route.iter().enumerate() {
            let key = |name: &str| format!("route[{place}].{name}");
            if route.pattern.is_empty() || route.pattern.matches('*').count() > 1 {
                self.wrong(key("match"), "is to be a text with at most one `*`");
            }
            let (kind, name) = route.to.split_once(':').unwrap_or((&route.to, ""));
            let known = match kind {
                "trunk" => config.trunk.iter().any(|trunk| trunk.name == name),
                "account" => name.is_empty(),
                "user" | "join" => !name.is_empty(),
                "reject" => REJECTIONS.contains(&name),
                _ => false,
            };
            if !known {
                let what = "is to be `trunk:` and a known trunk, `account`, `user:` and a name, \
                            `join:` and a word, or `reject:` and one of busy, declined, forbidden, \
                            not_found, unavailable";
                self.wrong(key("to"), what);
            }
        }
    }

    fn auth(&mut self, config: &Config) {
        if let Some(jwt) = &config.auth.jwt {
            let keys = [
                jwt.hs256_secret.is_some(),
                jwt.eddsa_public_key.is_some(),
                jwt.jwks_file.is_some(),
                jwt.jwks_url.is_some(),
            ];
            if !keys.contains(&true) {
                let what = "needs `hs256_secret`, `eddsa_public_key`, `jwks_file` or `jwks_url`";
                self.wrong("auth.jwt", what);
            }
            if jwt
                .hs256_secret
                .as_ref()
                .is_some_and(|secret| secret.reveal().len() < 32)
            {
                // RFC 7518 §3.2: a key of the size of the hash output or larger.
                self.wrong("auth.jwt.hs256_secret", "is to have at least 32 characters");
            }
        }
        if let Some(http) = &config.auth.http
            && !http.url.starts_with("http://")
            && !http.url.starts_with("https://")
        {
            self.wrong("auth.http.url", "is to be an http: or https: URL");
        }
        for (place, user) in config.auth.user.iter().enumerate() {
            if user.name.is_empty() {
                self.wrong(
                    format!("auth.user[{place}].name"),
                    "is to be the user's name",
                );
            }
            if user.token.reveal().len() < 8 {
                let key = format!("auth.user[{place}].token");
                self.wrong(key, "is to have at least 8 characters");
            }
        }
    }

    fn numbers(&mut self, config: &Config) {
        let (sip, call, client) = (&config.sip, &config.call, &config.client);
        for (key, value) in [
            ("sip.transactions_max", sip.transactions_max),
            ("sip.dialogs_max", sip.dialogs_max),
            ("sip.streams_max", sip.streams_max),
            ("sip.headers_max", sip.headers_max),
            ("call.calls_max", call.calls_max),
            ("call.calls_per_user", call.calls_per_user),
            ("call.targets_max", call.targets_max),
            ("call.media_max", call.media_max),
            ("client.sessions_max", client.sessions_max),
            ("client.sessions_per_user", client.sessions_per_user),
            ("client.replay_events_max", client.replay_events_max),
            ("client.write_queue_max", client.write_queue_max),
        ] {
            if value == 0 {
                self.wrong(key, "is to be at least 1");
            }
        }
        for (key, value, least) in [
            ("sip.message_bytes_max", sip.message_bytes_max, 2048),
            ("sip.udp_max_bytes", sip.udp_max_bytes, 500),
            (
                "call.description_bytes_max",
                call.description_bytes_max,
                4096,
            ),
            ("client.frame_bytes_max", client.frame_bytes_max, 4096),
        ] {
            if value < least {
                self.wrong(key, format!("is to be at least {least}"));
            }
        }
        for (key, value) in [
            ("sip.t1", sip.t1),
            ("sip.t2", sip.t2),
            ("sip.t4", sip.t4),
            ("call.no_answer", call.no_answer),
            ("call.offer_unanswered", call.offer_unanswered),
            ("client.heartbeat", client.heartbeat),
        ] {
            if value.is_zero() {
                self.wrong(key, "is to be longer than nothing");
            }
        }
        if client.heartbeat >= client.heartbeat_deadline {
            self.wrong(
                "client.heartbeat_deadline",
                "is to be longer than `client.heartbeat`",
            );
        }
    }
}

/// Causes that a route may reject with.
const REJECTIONS: [&str; 5] = ["busy", "declined", "forbidden", "not_found", "unavailable"];

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The line that writes a key, or else that of its section; 0 where there is neither.
fn line_of(text: &str, key: &str) -> usize {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let section = key.rsplit_once('.').map_or("", |(section, _)| section);
    let mut of_section = 0;
    for row in 0..lines.len() {
        let line = lines[row].trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let here = key_at(&lines, row);
        if here == key {
            return row + 1;
        }
        if here == section && line.starts_with('[') && of_section == 0 {
            of_section = row + 1;
        }
    }
    of_section
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<(usize, String)> {
        load(text)
            .unwrap_err()
            .0
            .into_iter()
            .map(|m| (m.line, m.key))
            .collect()
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_key_and_line() {
        let text = "[server]\nlisten = [\"127.0.0.1:8080\"]\npaeg = true\n\n[[trunk]]\n\
                    name = \"a\"\nuri = \"pbx\"\n\n[[trunk]]\nname = \"a\"\nuri = \"sip:b\"\n\n\
                    [call]\nno_answer = \"soon\"\ncalls_max = 0\n";
        assert_eq!(
            mistakes(text),
            [
                (3, "server.paeg".to_owned()),
                (7, "trunk[0].uri".to_owned()),
                (10, "trunk[1].name".to_owned()),
                (14, "call.no_answer".to_owned()),
                (15, "call.calls_max".to_owned()),
            ]
        );
    }

    #[test]
    fn account_needs_a_trunk_that_is_known() {
        let text = "[[account]]\nname = \"a\"\nuri = \"sip:1@x\"\nowner = \"o\"\ntrunk = \"t\"\n";
        assert_eq!(mistakes(text), [(5, "account[0].trunk".to_owned())]);
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = "[[auth.user]]\nname = \"a\"\ntoken = \"opensesame\"\n";
        let config = load(text).unwrap();
        assert!(!config.effective().contains("opensesame"));
        assert!(!format!("{config:?}").contains("opensesame"));
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let config = Config::default();
        assert_eq!(load(&config.effective()), Ok(config));
    }
}
