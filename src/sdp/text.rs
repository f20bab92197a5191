//! Lines and tokens: the shared bottom of every attribute file.
//!
//! [`LineText`] is the only way to make a line's text, and it cannot hold CR, LF, NUL or another
//! control character: an injection through a candidate, a mid or a name cannot be written down.

use std::fmt;
use std::str::FromStr;

/// The text of one line without its line end, such as `a=mid:0`. Holds no CR, LF, NUL or other C0
/// character but TAB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineText(Box<str>);

/// Why a text cannot be a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineTextError {
    /// A control character, at this byte.
    #[error("the text holds a control character at byte {0}, which no SDP line may")]
    ControlCharacter(usize),
    /// Not `x=…`.
    #[error("the text is not of the form x=value")]
    NotALine,
    /// An attribute's name is not a token.
    #[error("the attribute's name is not a token (RFC 8866 §9)")]
    NotAToken,
}

impl LineText {
    /// Checks a whole line, such as `a=mid:0`.
    ///
    /// # Errors
    /// [`LineTextError`] for control characters (TAB is allowed) or a text that is not `x=…`.
    pub fn new(text: &str) -> Result<Self, LineTextError> {
        if let Some(at) = text.bytes().position(is_forbidden) {
            return Err(LineTextError::ControlCharacter(at));
        }
        if !Line(text).is_well_formed() {
            return Err(LineTextError::NotALine);
        }
        Ok(Self(text.into()))
    }

    /// Makes an attribute line, `a=name` or `a=name:value`.
    ///
    /// # Errors
    /// [`LineTextError`] where the name is no token or the value holds a control character.
    pub fn attribute(name: &str, value: Option<&str>) -> Result<Self, LineTextError> {
        if !is_token(name) {
            return Err(LineTextError::NotAToken);
        }
        match value {
            Some(value) => Self::new(&format!("a={name}:{value}")),
            None => Self::new(&format!("a={name}")),
        }
    }

    /// Writes a line from parts that were checked before. What may not stand in a line is left
    /// out, so that this cannot fail and cannot inject.
    pub(super) fn of(parts: fmt::Arguments<'_>) -> Self {
        let mut text = parts.to_string();
        text.retain(|c| !u8::try_from(c).is_ok_and(is_forbidden));
        Self(text.into())
    }

    /// The text, without a line end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LineText {
    type Err = LineTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

/// A line of a description: `x=value`, without its line end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<'a>(pub(super) &'a str);

impl<'a> Line<'a> {
    /// The whole text.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.0
    }

    /// The letter before the equals sign.
    #[must_use]
    pub fn kind(self) -> u8 {
        self.0.as_bytes().first().copied().unwrap_or(b' ')
    }

    /// What stands behind the equals sign.
    #[must_use]
    pub fn value(self) -> &'a str {
        self.0.get(2..).unwrap_or("")
    }

    /// Name and value of an attribute line; the value of a flag (`a=rtcp-mux`) is `None`.
    #[must_use]
    pub fn attribute(self) -> Option<(&'a str, Option<&'a str>)> {
        let rest = self.0.strip_prefix("a=")?;
        Some(match rest.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (rest.trim_end(), None),
        })
    }

    /// The value of the attribute of this name, the empty text for a flag; `None` where the line
    /// is something else. Names compare without case.
    #[must_use]
    pub fn value_of(self, name: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix("a=")?;
        let found = rest.get(..name.len())?;
        if !found.eq_ignore_ascii_case(name) {
            return None;
        }
        let rest = rest.get(name.len()..)?;
        match rest.strip_prefix(':') {
            Some(value) => Some(value),
            None if rest.trim_ascii_end().is_empty() => Some(""),
            None => None,
        }
    }

    /// Whether this is the attribute of this name.
    #[must_use]
    pub fn is_attribute(self, name: &str) -> bool {
        self.value_of(name).is_some()
    }

    pub(super) fn is_well_formed(self) -> bool {
        matches!(self.0.as_bytes(), [kind, b'=', ..] if kind.is_ascii_alphabetic())
    }

    /// The text with passwords and keys replaced, for logs and traces.
    pub(super) fn redacted(self) -> Redacted<'a> {
        Redacted(self)
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.redacted().fmt(f)
    }
}

/// A line that shows no secret: ice-pwd (RFC 8839 §5.4), SDES keys (RFC 4568 §9.1), `k=` and
/// key-mgmt (RFC 4567).
pub(super) struct Redacted<'a>(Line<'a>);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.text();
        if self.0.kind() == b'k' {
            return f.write_str("k=[redacted]");
        }
        for secret in ["ice-pwd", "key-mgmt"] {
            if self.0.is_attribute(secret) {
                return write!(f, "a={secret}:[redacted]");
            }
        }
        if !self.0.is_attribute("crypto") && !contains_ignore_case(text, "inline:") {
            return f.write_str(text);
        }
        let mut rest = text;
        let mut shown = false;
        while let Some(at) = find_ignore_case(rest, "inline:") {
            let (before, secret) = rest.split_at(at + "inline:".len());
            write!(f, "{before}[redacted]")?;
            let end = secret.find([' ', ';']).unwrap_or(secret.len());
            rest = secret.get(end..).unwrap_or("");
            shown = true;
        }
        if shown {
            f.write_str(rest)
        } else {
            f.write_str("a=crypto:[redacted]")
        }
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A C0 character other than TAB.
pub(super) fn is_forbidden(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t'
}

/// Whether the text is a token (RFC 8866 §9).
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| {
            matches!(b, 0x21 | 0x23..=0x27 | 0x2a | 0x2b | 0x2d | 0x2e
                | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e)
        })
}

/// Whether the text is visible ASCII without blanks, and not empty.
pub(super) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Reads a number of digits only: no sign, no blank, no empty text.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Where a text begins inside another one, ASCII letters compared without case.
pub(super) fn find_ignore_case(text: &str, what: &str) -> Option<usize> {
    text.as_bytes()
        .windows(what.len())
        .position(|window| window.eq_ignore_ascii_case(what.as_bytes()))
}

/// Whether a text holds another one, ASCII letters compared without case.
pub(super) fn contains_ignore_case(text: &str, what: &str) -> bool {
    find_ignore_case(text, what).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_hold_a_line_end() {
        for bad in [
            "a=mid:0\r\na=x",
            "a=mid:0\n",
            "a=\0",
            "a=x\ry",
            "s=\u{1b}[0m",
        ] {
            assert!(
                matches!(LineText::new(bad), Err(LineTextError::ControlCharacter(_))),
                "{bad:?}"
            );
        }
        assert_eq!(LineText::new("mid:0"), Err(LineTextError::NotALine));
        assert_eq!(LineText::new("a=x\ty").unwrap().as_str(), "a=x\ty");
        assert_eq!(
            LineText::attribute("m i d", Some("0")),
            Err(LineTextError::NotAToken)
        );
        assert_eq!(
            LineText::of(format_args!("a=mid:{}", "0\r\na=evil")).as_str(),
            "a=mid:0a=evil"
        );
    }

    #[test]
    fn names_compare_without_case_and_whole() {
        assert_eq!(Line("a=RTCP-mux").value_of("rtcp-mux"), Some(""));
        assert_eq!(Line("a=rtcp-mux").value_of("rtcp"), None);
        assert_eq!(Line("a=rtcp:9 IN").value_of("rtcp"), Some("9 IN"));
        assert_eq!(Line("c=rtcp").value_of("rtcp"), None);
        assert_eq!(Line("a=éé").value_of("x"), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = |text| Line(text).redacted().to_string();
        assert_eq!(shown("a=ice-pwd:sesame"), "a=ice-pwd:[redacted]");
        assert_eq!(
            shown("a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:abc|2^20;inline:def x"),
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:[redacted];inline:[redacted] x"
        );
        assert_eq!(shown("k=clear:sesame"), "k=[redacted]");
        assert_eq!(shown("a=mid:0"), "a=mid:0");
    }
}
