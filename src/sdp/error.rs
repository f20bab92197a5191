//! [`ParseError`]: why a text is not a description, with the place and what was expected there.

/// Why a text was refused: where, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {expected}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: Expected,
}

/// What a parser expected at the place it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// The whole text is larger than the limit.
    #[error("expected at most {0} bytes in all")]
    FewerBytes(usize),
    /// There are more lines than the limit.
    #[error("expected at most {0} lines")]
    FewerLines(usize),
    /// A line is longer than the limit.
    #[error("expected at most {0} bytes in a line")]
    ShorterLine(usize),
    /// There are more media sections than the limit.
    #[error("expected at most {0} media sections")]
    FewerMedia(usize),
    /// A section has more than four times the candidates it may have.
    #[error("expected at most {0} candidates in a media section")]
    FewerCandidates(usize),
    /// A section has more formats than the limit.
    #[error("expected at most {0} formats in a media section")]
    FewerFormats(usize),
    /// No `m=` line.
    #[error("expected at least one media section (m=)")]
    AMediaSection,
    /// A blank line stands before the end.
    #[error("expected no blank line before the end")]
    NoBlankLine,
    /// A bare CR, NUL or another control character.
    #[error("expected no control character (bare CR and NUL included)")]
    NoControlCharacter,
    /// Octets that are not UTF-8 outside of `s=` and `i=`.
    #[error("expected UTF-8")]
    Utf8,
    /// Not of the form `x=value`.
    #[error("expected a line of the form x=value (RFC 8866 §5)")]
    TypeAndValue,
    /// The first line is not `v=0`.
    #[error("expected v=0 (RFC 8866 §5.1)")]
    Version,
    /// There is no `o=` line, or more than one.
    #[error("expected exactly one o= line in the session part (RFC 8866 §5.2)")]
    OneOrigin,
    /// The `o=` line has not six fields.
    #[error("expected six fields in o= (RFC 8866 §5.2)")]
    OriginFields,
    /// The `m=` line has fewer than four fields.
    #[error("expected media, port, proto and a format in m= (RFC 8866 §5.14)")]
    MediaFields,
    /// The port is not a number up to 65535.
    #[error("expected a port from 0 to 65535 (RFC 8866 §5.14)")]
    Port,
    /// The payload type of an rtpmap is not a number up to 127.
    #[error("expected a payload type from 0 to 127 (RFC 8866 §6.6)")]
    PayloadType,
    /// Neither the section nor the session has a `c=` line.
    #[error("expected a c= line in the section or the session (RFC 8866 §5.7)")]
    Connection,
}

impl ParseError {
    pub(super) fn new(line: usize, column: usize, expected: Expected) -> Self {
        Self {
            line,
            column,
            expected,
        }
    }

    /// The code a client is told: `sdp_too_large`, `too_many_media`, `too_many_candidates`,
    /// `no_media` or `sdp_syntax`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.expected {
            Expected::FewerBytes(_) | Expected::FewerLines(_) => "sdp_too_large",
            Expected::FewerMedia(_) => "too_many_media",
            Expected::FewerCandidates(_) => "too_many_candidates",
            Expected::AMediaSection => "no_media",
            Expected::ShorterLine(_)
            | Expected::FewerFormats(_)
            | Expected::NoBlankLine
            | Expected::NoControlCharacter
            | Expected::Utf8
            | Expected::TypeAndValue
            | Expected::Version
            | Expected::OneOrigin
            | Expected::OriginFields
            | Expected::MediaFields
            | Expected::Port
            | Expected::PayloadType
            | Expected::Connection => "sdp_syntax",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_where_and_what() {
        let error = ParseError::new(3, 5, Expected::Port);
        assert_eq!(
            error.to_string(),
            "line 3, column 5: expected a port from 0 to 65535 (RFC 8866 §5.14)"
        );
        assert_eq!(error.code(), "sdp_syntax");
    }
}
