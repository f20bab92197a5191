//! What was dialled, in the one spelling that patterns are compared with.
//!
//! A number can be written in many ways: `tel:+1-555-0100`, `+15550100`, `sip:%2B1(555)0100@pbx`,
//! `tel:5550100;phone-context=+1`. A line of the dial plan that forbids `+1555*` must not be passed
//! by writing it in another one, so the ways are made one before anything is compared, and it is
//! that one which is called: visual separators go, escapes are undone, the host is in lower case,
//! and a URI of a known trunk's host is also what stands before its `@`.

use crate::address::Address;
use crate::config::Trunk;

/// What was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialled {
    /// With its scheme, where it has one: `tel:+15550100`, `sip:600@pbx.example`.
    pub(super) spelled: String,
    /// The number or name alone; `None` for a URI without one or of a host that is nobody's.
    pub(super) bare: Option<String>,
    /// The host and port of a URI, in lower case.
    pub(super) host: Option<String>,
    /// The user of a URI, whatever its host is.
    pub(super) user: Option<String>,
    /// The bare address of a chat user, where it is one, however it was written.
    pub(super) chat: Option<String>,
    /// The device of a chat user. No pattern sees it: it is the caller's to choose.
    pub(super) device: Option<String>,
}

impl Dialled {
    /// Reads an address; `None` where it hides control characters in escapes.
    pub(super) fn new(to: &Address, trunks: &[Trunk]) -> Option<Self> {
        match to {
            Address::Uri(uri) => Self::uri(uri, trunks),
            Address::Telephone(number) => {
                let number = in_context(&without_separators(&unescaped(number)?));
                let named = !number.contains(':');
                named.then(|| Self::plain(format!("tel:{number}"), number))
            }
            Address::Dialled(text) => {
                let text = number_or_name(text.clone());
                Some(Self::plain(text.clone(), text))
            }
            Address::Chat(jid) => Self::chat(&unescaped(jid)?),
            Address::User(_) | Address::Join(_) => {
                let spelled = to.to_string();
                Some(Self::plain(spelled.clone(), spelled))
            }
        }
    }

    /// Its spellings: the number alone first, so that a `*` stands for it and not for a URI.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        self.bare
            .as_deref()
            .into_iter()
            .chain([self.spelled.as_str()])
    }

    /// What a line that forbids is compared with besides: the user whatever the host is, the
    /// number without its parameters, and the address of a chat user that a name is.
    pub(super) fn forbidden_as(&self) -> impl Iterator<Item = String> {
        let name = self.user.as_deref().or(self.bare.as_deref());
        let number = name.map(|name| name.split(';').next().unwrap_or(name));
        let names = name.into_iter().chain(number).map(str::to_owned);
        let chat = self.chat.iter();
        names.chain(chat.flat_map(|chat| [chat.clone(), format!("xmpp:{chat}")]))
    }

    fn plain(spelled: String, bare: String) -> Self {
        let chat = bare_jid(&bare);
        Self {
            spelled,
            bare: Some(bare),
            host: None,
            user: None,
            chat,
            device: None,
        }
    }

    /// The address of a chat user (RFC 5122), prepared as chat servers compare it (RFC 7622 §3).
    /// What stands behind the first `/` is a device, an `@` in there part of no address.
    fn chat(text: &str) -> Option<Self> {
        let (bare, device) = match text.split_once('/') {
            Some((bare, device)) => (bare, Some(device)),
            None => (text, None),
        };
        let bare = bare_jid(bare)?;
        let device = match device {
            Some(device) => Some(jid::ResourcePart::new(device).ok()?.as_str().to_owned()),
            None => None,
        };
        let (_, domain) = bare.split_once('@')?;
        Some(Self {
            spelled: format!("xmpp:{bare}"),
            bare: None,
            host: Some(domain.to_owned()),
            user: Some(bare.clone()),
            chat: Some(bare),
            device,
        })
    }

    fn uri(uri: &str, trunks: &[Trunk]) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        // The user may hold `;` and `?` (RFC 3261 §25.1), so what stands behind the host is cut
        // behind the last `@`.
        let (user, behind) = match rest.rsplit_once('@') {
            Some((user, behind)) => (Some(number_or_name(unescaped(user)?)), behind),
            None => (None, rest),
        };
        // A password (RFC 3261 §19.1.1), or a scheme of ours in disguise: nobody is called so.
        if user.as_ref().is_some_and(|user| user.contains(':')) {
            return None;
        }
        let end = behind.find([';', '?']).unwrap_or(behind.len());
        let host = behind[..end].to_lowercase();
        let spelled = match &user {
            Some(user) => format!("{scheme}:{user}@{host}"),
            None => format!("{scheme}:{host}"),
        };
        let is_known = trunks.iter().any(|trunk| is_of(trunk, &host));
        let chat = user.as_deref().and_then(bare_jid);
        Some(Self {
            spelled,
            bare: user.clone().filter(|_| is_known),
            host: Some(host),
            user,
            chat,
            device: None,
        })
    }
}

/// The one spelling of a chat user's address without a device; `None` where a text is none.
pub(super) fn bare_jid(text: &str) -> Option<String> {
    let jid = jid::BareJid::new(text).ok()?;
    jid.node().is_some().then(|| jid.as_str().to_owned())
}

/// Whether a host, with or without a port, is a trunk's.
pub(super) fn is_of(trunk: &Trunk, host: &str) -> bool {
    let ours = authority(trunk).to_lowercase();
    host == ours || host == without_port(&ours)
}

/// Host and port of a trunk's URI, parameters and all left out.
pub(super) fn authority(trunk: &Trunk) -> &str {
    let rest = trunk.uri.split_once(':').map_or("", |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let end = rest.find([';', '?']).unwrap_or(rest.len());
    &rest[..end]
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        Some(_) | None => authority,
    }
}

/// A number without its separators, or a name as it is. A number is what has a digit and nothing
/// but digits, `+`, `*`, `#` and separators before its parameters.
fn number_or_name(text: String) -> String {
    let number = text.split(';').next().unwrap_or(&text);
    let fits = |c: char| c.is_ascii_digit() || "+*#-.()".contains(c);
    match number.chars().all(fits) && number.contains(|c: char| c.is_ascii_digit()) {
        true => without_separators(&text),
        false => text,
    }
}

/// A local number with the global prefix that its context names (RFC 3966 §5.1.5).
fn in_context(number: &str) -> String {
    let mut parts = number.split(';');
    let local = parts.next().unwrap_or_default();
    let context = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let is_prefix = name.eq_ignore_ascii_case("phone-context") && value.starts_with('+');
        is_prefix.then(|| without_separators(value))
    };
    let (contexts, others): (Vec<_>, Vec<_>) = parts.partition(|part| context(part).is_some());
    match contexts.first().and_then(|part| context(part)) {
        Some(prefix) if !local.starts_with('+') => {
            let others: String = others.iter().map(|part| format!(";{part}")).collect();
            format!("{prefix}{local}{others}")
        }
        Some(_) | None => number.to_owned(),
    }
}

/// RFC 3966 §5.1.1: separators are for the eye. What follows a `;` are parameters and stays.
fn without_separators(number: &str) -> String {
    let end = number.find(';').unwrap_or(number.len());
    let digits = number[..end]
        .chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'));
    digits.chain(number[end..].chars()).collect()
}

/// Escapes undone (RFC 3261 §19.1.2); `None` where they hide what is no text of one line.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escape = behind.get(..2).filter(|_| *first == b'%');
        let byte = escape
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    let text = String::from_utf8(bytes).ok()?;
    let is_line = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    is_line.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled(text: &str) -> Option<(String, Option<String>)> {
        let trunk = |uri: &str| Trunk {
            uri: uri.into(),
            ..Trunk::default()
        };
        let trunks = [
            trunk("sip:gw@PBX.example:5160;transport=tcp"),
            trunk("sip:[2001:db8::1]"),
        ];
        let to = Address::parse(text).unwrap();
        Dialled::new(&to, &trunks).map(|dialled| (dialled.spelled, dialled.bare))
    }

    #[test]
    fn every_way_to_write_a_number_becomes_one() {
        for (text, spelled, bare) in [
            (
                "tel:+1-(555).0100;ext=1-2",
                "tel:+15550100;ext=1-2",
                Some("+15550100;ext=1-2"),
            ),
            ("tel:%2B1555", "tel:+1555", Some("+1555")),
            (
                "sip:%30044@pbx.EXAMPLE",
                "sip:0044@pbx.example",
                Some("0044"),
            ),
            (
                "sip:600@pbx.example:5160;a=b?c",
                "sip:600@pbx.example:5160",
                Some("600"),
            ),
            ("sip:600@pbx.example:5060", "sip:600@pbx.example:5060", None),
            ("sips:a;b@pbx.example", "sips:a;b@pbx.example", Some("a;b")),
            ("sip:1@[2001:DB8::1]", "sip:1@[2001:db8::1]", Some("1")),
            ("sip:a@elsewhere", "sip:a@elsewhere", None),
            ("sip:pbx.example", "sip:pbx.example", None),
            ("%30044", "%30044", Some("%30044")),
            ("0-900.(1)", "09001", Some("09001")),
            ("j.doe-2", "j.doe-2", Some("j.doe-2")),
            (
                "sip:0-900@pbx.example",
                "sip:0900@pbx.example",
                Some("0900"),
            ),
            (
                "tel:900-555;phone-context=+1-2;ext=7",
                "tel:+12900555;ext=7",
                Some("+12900555;ext=7"),
            ),
            (
                "tel:900;phone-context=example.com",
                "tel:900;phone-context=example.com",
                Some("900;phone-context=example.com"),
            ),
        ] {
            let wanted = Some((spelled.to_owned(), bare.map(str::to_owned)));
            assert_eq!(dialled(text), wanted, "{text}");
        }
    }

    #[test]
    fn chat_user_has_one_spelling_and_his_device_is_no_part_of_it() {
        for (text, spelled, device) in [
            ("xmpp:Juliet@Example.ORG", "xmpp:juliet@example.org", None),
            (
                "xmpp:x@evil.example/@example.org",
                "xmpp:x@evil.example",
                Some("@example.org"),
            ),
            (
                "xmpp:x%40evil.example%2F%40example.org",
                "xmpp:x@evil.example",
                Some("@example.org"),
            ),
            ("xmpp:a@b/c/d", "xmpp:a@b", Some("c/d")),
        ] {
            let dialled = Dialled::new(&Address::parse(text).unwrap(), &[]).unwrap();
            assert_eq!(dialled.spelled, spelled);
            assert_eq!(dialled.device.as_deref(), device, "{text}");
        }
        for text in [
            "xmpp:a@b@c",
            "xmpp:@b",
            "xmpp:b",
            "xmpp:a@",
            "xmpp:a@b/",
            "xmpp:/a@b",
        ] {
            let to = Address::parse(text).unwrap();
            assert_eq!(Dialled::new(&to, &[]), None, "{text}");
        }
    }

    #[test]
    fn what_hides_line_ends_or_another_scheme_is_refused() {
        for text in [
            "sip:a%0d%0aVia:b@pbx.example",
            "tel:%00",
            "sip:%ff@pbx.example",
            "sip:%20@x",
            "sip:user:5@pbx.example",
            "sip:user%3a5@pbx.example",
            "tel:user:0900",
        ] {
            assert_eq!(dialled(text), None, "{text}");
        }
    }
}
