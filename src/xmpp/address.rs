//! Addresses of XMPP and of everybody else (RFC 7247), with what XML addresses cannot hold escaped
//! (XEP-0106).
//!
//! | at the component `gw` | is |
//! |---|---|
//! | `+15551234@gw` | `tel:+15551234` |
//! | `bob\40pbx.example@gw` | `sip:bob@pbx.example` |
//! | `1001@gw` | `1001` for the dial plan, or `user:1001` where the component is for users |
//!
//! The way back is the same table. Loops cannot be seen in an address: they are the caller's.

use crate::address::Address;
use crate::config::LocalPart;

use super::stanza::{domain, local};

/// Why there is no such address on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// Nothing stands before the `@`.
    #[error("the address has no local part")]
    NoLocalPart,
    /// It is none of XMPP.
    #[error("the text is no address of XMPP")]
    NoJid,
    /// It holds what no address of the gateway may.
    #[error("the address cannot be dialled")]
    NotDialled,
    /// It is none of SIP.
    #[error("the text is no address of SIP")]
    NoUri,
}

/// What may not stand before the `@`, and how it is written (XEP-0106).
const ESCAPES: [(char, &str); 10] = [
    (' ', "\\20"),
    ('"', "\\22"),
    ('&', "\\26"),
    ('\'', "\\27"),
    ('/', "\\2f"),
    (':', "\\3a"),
    ('<', "\\3c"),
    ('>', "\\3e"),
    ('@', "\\40"),
    ('\\', "\\5c"),
];

/// Escapes a text for the part before the `@`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let escape = ESCAPES.iter().find(|(plain, _)| *plain == c);
        match escape {
            // XEP-0106: only one that would be read as the beginning of an escape.
            Some(('\\', _)) if escape_at(&text[at..]).is_none() => out.push('\\'),
            Some((_, escaped)) => out.push_str(escaped),
            None => out.push(c),
        }
    }
    out
}

/// Takes escapes out.
#[must_use]
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match escape_at(rest) {
            Some((plain, length)) => {
                out.push(plain);
                rest = &rest[length..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// The escape that a text begins with: its character and its length.
fn escape_at(text: &str) -> Option<(char, usize)> {
    let start = text.get(..3)?;
    let found = ESCAPES.iter();
    let mut found = found.filter(|(_, escaped)| escaped.eq_ignore_ascii_case(start));
    found.next().map(|(plain, escaped)| (*plain, escaped.len()))
}

/// Who is meant by an address of a component of ours.
///
/// # Errors
/// [`NoAddress`]: nobody can be.
pub fn address_of(jid: &str, meaning: LocalPart) -> Result<Address, NoAddress> {
    let text = unescape(local(jid).ok_or(NoAddress::NoLocalPart)?);
    let is_number = text
        .strip_prefix('+')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    let spelled = match (text.rsplit_once('@'), meaning) {
        (Some((user, host)), _) => format!("sip:{}@{host}", percent_encoded(user)),
        (None, _) if is_number => format!("tel:{text}"),
        (None, LocalPart::User) => format!("user:{text}"),
        (None, LocalPart::Dialled) if !text.contains(':') => text,
        // A scheme is not a local part's to choose.
        (None, LocalPart::Dialled) => return Err(NoAddress::NotDialled),
    };
    Address::parse(&spelled).map_err(|_| NoAddress::NotDialled)
}

/// The address at a component of ours, by which an address of the gateway is known to XMPP. The
/// instance of a SIP address (`gr`) becomes the resource.
///
/// # Errors
/// [`NoAddress`]: it has none.
pub fn jid_of(address: &Address, component: &str) -> Result<String, NoAddress> {
    let (local, resource) = match address {
        Address::User(name) | Address::Dialled(name) => (name.clone(), None),
        Address::Telephone(number) => (digits(number), None),
        Address::Uri(uri) => of_uri(uri)?,
        // Two meet there; it is nobody's address.
        Address::Chat(jid) => (jid.clone(), None),
        Address::Join(_) => return Err(NoAddress::NoJid),
    };
    let mut jid = format!("{}@{component}", escape(&local));
    if let Some(resource) = resource {
        jid = format!("{jid}/{resource}");
    }
    let known = jid::Jid::new(&jid).map_err(|_| NoAddress::NoJid)?;
    Ok(known.as_str().to_owned())
}

/// The address of XMPP that a SIP user part stands for: `juliet%40example.org` dialled at the
/// gateway is `juliet@example.org`.
///
/// # Errors
/// [`NoAddress`]: it stands for none.
pub fn dialled_jid(user: &str) -> Result<String, NoAddress> {
    let text = percent_decoded(user)?;
    let jid = jid::BareJid::new(&text).map_err(|_| NoAddress::NoJid)?;
    if local(jid.as_str()).is_none() || domain(jid.as_str()).is_empty() {
        return Err(NoAddress::NoLocalPart);
    }
    Ok(jid.as_str().to_owned())
}

/// A telephone number without its parameters and separators (RFC 3966 §3).
fn digits(number: &str) -> String {
    let number = number.split(';').next().unwrap_or_default();
    number.chars().filter(|c| !"-.()".contains(*c)).collect()
}

fn of_uri(uri: &str) -> Result<(String, Option<String>), NoAddress> {
    let (_, rest) = uri.split_once(':').ok_or(NoAddress::NoUri)?;
    let rest = rest.split('?').next().unwrap_or_default();
    let (user, rest) = rest.rsplit_once('@').ok_or(NoAddress::NoUri)?;
    let mut parts = rest.split(';');
    let host = parts.next().unwrap_or_default();
    let instance = parts.find_map(|part| part.strip_prefix("gr="));
    // A password has no place in an address.
    let user = user.split(':').next().unwrap_or_default();
    let user = percent_decoded(user)?;
    if user.is_empty() || host.is_empty() {
        return Err(NoAddress::NoUri);
    }
    let instance = instance.map(percent_decoded).transpose()?;
    Ok((format!("{user}@{host}"), instance))
}

/// What a SIP user part holds as it is (RFC 3261 §25.1: unreserved, user-unreserved).
const USER_MARKS: &str = "-_.!~*'()&=+$,;?/";

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || USER_MARKS.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn percent_decoded(text: &str) -> Result<String, NoAddress> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(NoAddress::NoUri);
        };
        out.push(u8::try_from(high * 16 + low).map_err(|_| NoAddress::NoUri)?);
    }
    let text = String::from_utf8(out).map_err(|_| NoAddress::NoUri)?;
    match text.chars().any(char::is_control) {
        true => Err(NoAddress::NoUri),
        false => Ok(text),
    }
}

/// Whether a local part is one of those that are served: patterns with `*` and `?`.
#[must_use]
pub fn is_served(patterns: &[String], jid: &str) -> bool {
    let Some(local) = local(jid) else {
        return false;
    };
    let text = unescape(local);
    patterns
        .iter()
        .any(|pattern| fits(pattern.as_bytes(), text.as_bytes()))
}

/// Whether a text fits one of these patterns with `*` and `?`.
#[must_use]
pub fn is_one_of(patterns: &[String], text: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| fits(pattern.as_bytes(), text.as_bytes()))
}

/// Whether a text fits a pattern, in steps of the product of both at most.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') if text[t].is_ascii_digit() => (p, t) = (p + 1, t + 1),
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            Some(_) | None => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table_goes_there_and_back() {
        for (jid, meaning, wanted) in [
            ("+15551234@gw", LocalPart::Dialled, "tel:+15551234"),
            (
                "bob\\40pbx.example@gw",
                LocalPart::Dialled,
                "sip:bob@pbx.example",
            ),
            ("1001@gw", LocalPart::Dialled, "1001"),
            ("alice@gw", LocalPart::User, "user:alice"),
            (
                "d\\27artagnan\\40x.example@gw",
                LocalPart::User,
                "sip:d'artagnan@x.example",
            ),
            (
                "a\\20b\\40x.example@gw",
                LocalPart::User,
                "sip:a%20b@x.example",
            ),
            ("a\\2fb@gw", LocalPart::Dialled, "a/b"),
        ] {
            let address = address_of(jid, meaning).unwrap();
            assert_eq!(address.to_string(), wanted);
            assert_eq!(jid_of(&address, "gw").unwrap(), jid);
        }
    }

    #[test]
    fn instance_is_the_resource_and_passwords_go() {
        let uri = Address::parse("sip:a:secret@h.example;gr=x1?subject=y").unwrap();
        assert_eq!(jid_of(&uri, "gw").unwrap(), "a\\40h.example@gw/x1");
    }

    #[test]
    fn escapes_of_escapes_are_kept() {
        for text in [
            "c:\\net",
            "c:\\5commas",
            "\\40",
            "a\\b",
            "\\",
            "\\2",
            "ü\\20é",
            "@@",
        ] {
            assert_eq!(unescape(&escape(text)), text, "{text}");
        }
        // XEP-0106 and its examples.
        assert_eq!(escape("c:\\net"), "c\\3a\\net");
        assert_eq!(escape("c:\\5commas"), "c\\3a\\5c5commas");
    }

    #[test]
    fn no_address_can_bring_a_scheme_a_line_or_nothing() {
        for jid in [
            "gw",
            "javascript\\3ax@gw",
            "sip\\3aa@gw",
            "a\u{d}\u{a}b@gw",
            "a\\20b@gw",
        ] {
            assert!(address_of(jid, LocalPart::Dialled).is_err(), "{jid}");
        }
        assert!(jid_of(&Address::Uri("sip:a%0d%0ab@h".into()), "gw").is_err());
        assert!(jid_of(&Address::Uri("sip:a%zz@h".into()), "gw").is_err());
        assert!(jid_of(&Address::Uri("sip:h".into()), "gw").is_err());
    }

    #[test]
    fn dialled_user_part_is_an_address_of_xmpp() {
        assert_eq!(
            dialled_jid("juliet%40example.org").unwrap(),
            "juliet@example.org"
        );
        for wrong in ["juliet", "a%40b%2fc", "%40b", "a%4", "%ff%40b"] {
            assert!(dialled_jid(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_say_what_is_served() {
        let patterns = ["+*".to_owned(), "???".to_owned(), "*\\x*y".to_owned()];
        for (jid, served) in [
            ("+1@gw", true),
            ("123@gw", true),
            ("12a@gw", false),
            ("1234@gw", false),
            ("gw", false),
        ] {
            assert_eq!(is_served(&patterns, jid), served, "{jid}");
        }
        assert!(is_served(&["*".to_owned()], "any\\40thing@gw"));
    }
}
