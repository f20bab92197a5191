//! What the types of the configuration cannot say: names that must be known, limits that make
//! sense, settings that go together.
//!
//! Nothing stops at the first mistake. A key whose form is wrong already is not judged again, nor
//! is what depends on it.

mod admission;
mod chat;
mod network;
mod numbers;
mod plan;

use super::document::Document;
use super::{Config, Mistake, Mistakes};

/// Reads and checks a file's text.
pub(super) fn load(text: &str) -> Result<Config, Mistakes> {
    let (document, mut mistakes) = Document::parse(text);
    let is_toml = mistakes.is_empty();
    let (config, of_form) = document.read();
    // What is left of a line that is no TOML says nothing more about it.
    let lines: Vec<_> = mistakes.iter().map(|mistake| mistake.line).collect();
    mistakes.extend(
        of_form
            .into_iter()
            .filter(|mistake| !lines.contains(&mistake.line)),
    );
    if let Some(config) = config.as_ref().filter(|_| is_toml) {
        let mut check = Check {
            document: &document,
            unreadable: mistakes.iter().map(|mistake| mistake.key.clone()).collect(),
            mistakes: &mut mistakes,
        };
        check.all(config);
    }
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        Some(_) | None => {
            mistakes.sort_by_key(|mistake| mistake.line);
            Err(Mistakes(mistakes))
        }
    }
}

/// Checks what was read.
struct Check<'a> {
    document: &'a Document<'a>,
    /// Keys that could not be read, so that their values here are not the file's.
    unreadable: Vec<String>,
    mistakes: &'a mut Vec<Mistake>,
}

impl Check<'_> {
    fn all(&mut self, config: &Config) {
        self.listeners(config);
        self.addresses(config);
        self.trunks(config);
        self.accounts(config);
        self.chat(config);
        self.routes(config);
        self.auth(config);
        self.clients(config);
        self.numbers(config);
        self.log(config);
    }

    fn wrong(&mut self, key: impl Into<String>, what: impl Into<String>) {
        let key = key.into();
        if self.is_read(&key) {
            self.mistakes.push(Mistake {
                line: self.document.line_of(&key),
                key,
                what: what.into(),
            });
        }
    }

    /// Whether a key, all around it and all below it could be read.
    fn is_read(&self, key: &str) -> bool {
        let is_in = |part: &str, whole: &str| {
            part.strip_prefix(whole)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let mut unreadable = self.unreadable.iter();
        !unreadable.any(|other| is_in(key, other) || is_in(other, key))
    }
}

/// Whether a text can be the name of a trunk or an account: it becomes a part of routes, of labels
/// of metrics and of the JSON protocol.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= 64 && text.bytes().all(fits)
}

/// Whether a text is a host as it stands in a URI or on a socket: a name or an address, no port.
fn is_host(text: &str) -> bool {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if bare.unwrap_or(text).parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

/// Whether somebody has put back what `crosspoint check` prints in the place of a secret.
fn is_hidden(secret: &super::Secret) -> bool {
    secret.reveal() == super::HIDDEN
}

const IS_HIDDEN: &str = "is `…`, as secrets are printed by `check`: write the secret itself";

/// Whether a text is an `http:` or `https:` address.
fn is_web(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a text is an `https:` address, or an `http:` one that nobody else is asked by.
fn is_safe_web(text: &str) -> bool {
    let url = url::Url::parse(text).ok();
    url.is_some_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => super::is_here(&url),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
