//! Who is called, in no protocol's spelling.
//!
//! A client writes `to`, a phone dials a request URI, a dial plan names targets: all become an
//! [`Address`]. Each protocol spells it in its own way (`sip/uri.rs`); nobody else needs to.

use std::fmt;

/// Who is called or calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A client of this gateway, on all of his connections at once: `user:bob`.
    User(String),
    /// A rendezvous of two: `join:word`.
    Join(String),
    /// Somebody on a SIP network, as a URI with its scheme: `sip:1001@pbx.example`, `sips:…`.
    Uri(String),
    /// Somebody at a chat server: `xmpp:juliet@example.org`.
    Chat(String),
    /// A telephone number: `tel:+15551234`.
    Telephone(String),
    /// A bare number or name, for the dial plan to resolve: `1001`.
    Dialled(String),
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was written, or nothing after the scheme.
    #[error("the address is empty")]
    Empty,
    /// Longer than [`Address::LENGTH_MAX`] bytes.
    #[error("the address is longer than 512 bytes")]
    TooLong,
    /// White space, control characters, or characters that no address holds.
    #[error("the address holds a character that no address may hold, at byte {0}")]
    BadCharacter(usize),
    /// A scheme that is not spoken here.
    #[error("the scheme of the address is not one of user, join, sip, sips, tel, xmpp")]
    UnknownScheme,
}

impl Address {
    /// Bytes that an address may have.
    pub const LENGTH_MAX: usize = 512;

    /// Reads the spelling of the dial plan: `user:bob`, `join:word`, `sip:…`, `tel:…`,
    /// `xmpp:…`, or bare.
    ///
    /// # Errors
    /// [`AddressError`] for an empty or over-long text, white space, quotes, angle brackets or
    /// control characters anywhere, or a scheme that is not known.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > Self::LENGTH_MAX {
            return Err(AddressError::TooLong);
        }
        if let Some(at) =
            text.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"`\\^{}|".contains(c))
        {
            return Err(AddressError::BadCharacter(at));
        }
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => (String::new(), text),
        };
        if rest.is_empty() {
            return Err(AddressError::Empty);
        }
        match scheme.as_str() {
            "" => Ok(Self::Dialled(rest.to_owned())),
            "user" => Ok(Self::User(rest.to_owned())),
            "join" => Ok(Self::Join(rest.to_owned())),
            "sip" | "sips" => Ok(Self::Uri(format!("{scheme}:{rest}"))),
            "xmpp" => Ok(Self::Chat(rest.to_owned())),
            "tel" => Ok(Self::Telephone(rest.to_owned())),
            _ => Err(AddressError::UnknownScheme),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Join(word) => write!(f, "join:{word}"),
            Self::Chat(jid) => write!(f, "xmpp:{jid}"),
            Self::Telephone(number) => write!(f, "tel:{number}"),
            Self::Uri(text) | Self::Dialled(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_comes_back_as_it_was() {
        for text in [
            "user:bob",
            "join:tea",
            "sip:1001@pbx",
            "sips:a@b",
            "tel:+15551234",
            "xmpp:juliet@example.org",
            "1001",
        ] {
            assert_eq!(
                Address::parse(text).map(|a| a.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn line_ends_and_foreign_schemes_are_refused() {
        assert_eq!(
            Address::parse("sip:a@b\r\nEvil: 1"),
            Err(AddressError::BadCharacter(7))
        );
        assert_eq!(
            Address::parse("javascript:x"),
            Err(AddressError::UnknownScheme)
        );
        assert_eq!(Address::parse("user:"), Err(AddressError::Empty));
        assert_eq!(Address::parse(""), Err(AddressError::Empty));
    }
}
