//! Text to description: one pass, linear, bounded; the syntax and nothing above it.

use std::borrow::Cow;
use std::sync::Arc;

use super::error::{Expected, ParseError};
use super::text::{Line, is_forbidden, number};
use super::{Body, SessionDescription, Span};

/// How large a description may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all. A Chrome offer has 7 KB with audio and video, 107 KB with 24 sections.
    pub bytes_max: usize,
    /// Lines in all.
    pub lines_max: usize,
    /// Bytes in one line.
    pub line_max: usize,
    /// Media sections.
    pub media_max: usize,
    /// Candidates in one section that are used; the text is refused at four times as many.
    pub candidates_per_media_max: usize,
    /// Formats in one `m=` line.
    pub payload_types_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 256 * 1024,
            lines_max: 4000,
            line_max: 8 * 1024,
            media_max: 64,
            candidates_per_media_max: 50,
            payload_types_max: 64,
        }
    }
}

/// What the pass has seen so far.
#[derive(Default)]
struct Seen {
    origins: usize,
    session_connection: bool,
    /// The open section: its line, whether its port is 0, and whether it has a `c=`.
    section: Option<(usize, bool, bool)>,
    candidates: usize,
}

/// The most bytes that any configuration can allow: spans count with 32 bits, edits included.
const BYTES_MAX: usize = 1 << 28;

pub(super) fn description(text: &str, limits: &Limits) -> Result<SessionDescription, ParseError> {
    let bytes_max = limits.bytes_max.min(BYTES_MAX);
    if text.len() > bytes_max {
        return Err(ParseError::new(1, 1, Expected::FewerBytes(bytes_max)));
    }
    let mut lines = Vec::with_capacity((text.len() / 32).min(limits.lines_max));
    let mut media = Vec::new();
    let mut seen = Seen::default();
    let mut start = 0;
    // Set at the first blank line; a line that follows it makes it an inner one.
    let mut blank: Option<usize> = None;
    while start < text.len() {
        let number = lines.len() + 1;
        let (span, next) = next_line(text, start, number)?;
        start = next;
        if span.len() == 0 {
            blank.get_or_insert(number);
            continue;
        }
        if let Some(blank) = blank {
            return Err(ParseError::new(blank, 1, Expected::NoBlankLine));
        }
        if lines.len() >= limits.lines_max {
            return Err(ParseError::new(
                number,
                1,
                Expected::FewerLines(limits.lines_max),
            ));
        }
        let line = Line(text.get(span.range()).unwrap_or(""));
        if line.text().len() > limits.line_max {
            let expected = Expected::ShorterLine(limits.line_max);
            return Err(ParseError::new(number, limits.line_max + 1, expected));
        }
        if line.kind() == b'm' {
            if media.len() >= limits.media_max {
                let expected = Expected::FewerMedia(limits.media_max);
                return Err(ParseError::new(number, 1, expected));
            }
            media.push(lines.len());
        }
        seen.line(line, number, limits)?;
        lines.push(span);
    }
    seen.end_of_section()?;
    match (seen.origins, seen.section) {
        (1, Some(_)) => {}
        (1, None) => {
            return Err(ParseError::new(lines.len() + 1, 1, Expected::AMediaSection));
        }
        _ => return Err(ParseError::new(1, 1, Expected::OneOrigin)),
    }
    lines.shrink_to_fit();
    let body = Body {
        text: text.to_owned(),
        lines,
        media,
        clear_at: Body::clear_at(text.len()),
    };
    Ok(SessionDescription {
        body: Arc::new(body),
    })
}

pub(super) fn octets(octets: &[u8], limits: &Limits) -> Result<SessionDescription, ParseError> {
    if octets.len() > limits.bytes_max {
        return Err(ParseError::new(
            1,
            1,
            Expected::FewerBytes(limits.bytes_max),
        ));
    }
    if let Ok(text) = std::str::from_utf8(octets) {
        return description(text, limits);
    }
    let mut text = String::with_capacity(octets.len());
    for (index, line) in octets.split_inclusive(|b| *b == b'\n').enumerate() {
        match String::from_utf8_lossy(line) {
            Cow::Borrowed(line) => text.push_str(line),
            Cow::Owned(mended) if line.starts_with(b"s=") || line.starts_with(b"i=") => {
                text.push_str(&mended);
            }
            Cow::Owned(_) => {
                let valid = std::str::from_utf8(line).map_or_else(|e| e.valid_up_to(), str::len);
                return Err(ParseError::new(index + 1, valid + 1, Expected::Utf8));
            }
        }
    }
    description(&text, limits)
}

/// The lines of a fragment: the same rules of line ends, blanks and sizes.
pub(super) fn lines<'a>(text: &'a str, limits: &Limits) -> Result<Vec<Line<'a>>, ParseError> {
    if text.len() > limits.bytes_max {
        return Err(ParseError::new(
            1,
            1,
            Expected::FewerBytes(limits.bytes_max),
        ));
    }
    let mut lines = Vec::new();
    let mut start = 0;
    let mut blank = false;
    while start < text.len() {
        let number = lines.len() + 1;
        let (span, next) = next_line(text, start, number)?;
        start = next;
        if span.len() == 0 {
            blank = true;
            continue;
        }
        // Blank lines may come first, where a body part was cut out of its container.
        if blank && !lines.is_empty() {
            return Err(ParseError::new(number, 1, Expected::NoBlankLine));
        }
        blank = false;
        if lines.len() >= limits.lines_max {
            return Err(ParseError::new(
                number,
                1,
                Expected::FewerLines(limits.lines_max),
            ));
        }
        lines.push(Line(text.get(span.range()).unwrap_or("")));
    }
    Ok(lines)
}

/// The line that starts here, without its line end, and where the next one starts.
fn next_line(text: &str, start: usize, number: usize) -> Result<(Span, usize), ParseError> {
    let rest = text.as_bytes().get(start..).unwrap_or(&[]);
    let Some(at) = rest.iter().position(|b| is_forbidden(*b)) else {
        return Ok((Span::new(start, text.len()), text.len()));
    };
    let end = start + at;
    match rest.get(at..) {
        Some([b'\n', ..]) => Ok((Span::new(start, end), end + 1)),
        Some([b'\r', b'\n', ..]) => Ok((Span::new(start, end), end + 2)),
        _ => Err(ParseError::new(
            number,
            at + 1,
            Expected::NoControlCharacter,
        )),
    }
}

impl Seen {
    fn line(&mut self, line: Line<'_>, at: usize, limits: &Limits) -> Result<(), ParseError> {
        if !line.is_well_formed() {
            return Err(ParseError::new(at, 1, Expected::TypeAndValue));
        }
        if at == 1 && line.text().trim_ascii_end() != "v=0" {
            return Err(ParseError::new(1, 1, Expected::Version));
        }
        match line.kind() {
            b'o' => self.origin(line, at),
            b'm' => self.media(line, at, limits),
            b'c' => {
                match &mut self.section {
                    Some((_, _, connection)) => *connection = true,
                    None => self.session_connection = true,
                }
                Ok(())
            }
            b'a' => self.attribute(line, at, limits),
            // v= again, s= t= b= and the rest, known or not: kept as they are (RFC 8866 §5).
            _ => Ok(()),
        }
    }

    fn origin(&mut self, line: Line<'_>, at: usize) -> Result<(), ParseError> {
        self.origins += 1;
        if self.section.is_some() || self.origins > 1 {
            return Err(ParseError::new(at, 1, Expected::OneOrigin));
        }
        if line.value().split_ascii_whitespace().count() != 6 {
            return Err(ParseError::new(at, 3, Expected::OriginFields));
        }
        Ok(())
    }

    fn media(&mut self, line: Line<'_>, at: usize, limits: &Limits) -> Result<(), ParseError> {
        self.end_of_section()?;
        self.candidates = 0;
        let mut fields = line.value().split_ascii_whitespace();
        let (Some(kind), Some(port), Some(_), Some(_)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(ParseError::new(at, 3, Expected::MediaFields));
        };
        // "49170/2" counts the ports of a layered stream (RFC 8866 §5.14).
        let first = port.split_once('/').map_or(port, |(first, _)| first);
        let Some(first) = number::<u16>(first) else {
            return Err(ParseError::new(at, kind.len() + 4, Expected::Port));
        };
        if fields.count() >= limits.payload_types_max {
            let expected = Expected::FewerFormats(limits.payload_types_max);
            return Err(ParseError::new(at, 3, expected));
        }
        self.section = Some((at, first == 0, false));
        Ok(())
    }

    fn attribute(&mut self, line: Line<'_>, at: usize, limits: &Limits) -> Result<(), ParseError> {
        if line.is_attribute("candidate") {
            self.candidates += 1;
            if self.candidates > limits.candidates_per_media_max.saturating_mul(4) {
                let expected = Expected::FewerCandidates(limits.candidates_per_media_max);
                return Err(ParseError::new(at, 1, expected));
            }
        } else if let Some(value) = line.value_of("rtpmap") {
            let payload_type = value.split_ascii_whitespace().next().unwrap_or("");
            if number::<u8>(payload_type).is_none_or(|pt| pt > 127) {
                return Err(ParseError::new(
                    at,
                    "a=rtpmap:".len() + 1,
                    Expected::PayloadType,
                ));
            }
        }
        Ok(())
    }

    fn end_of_section(&self) -> Result<(), ParseError> {
        match self.section {
            // RFC 8866 §5.7: a c= in every section, or one in the session.
            Some((at, false, false)) if !self.session_connection => {
                Err(ParseError::new(at, 1, Expected::Connection))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
    const AUDIO: &str = "m=audio 9 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n";

    fn refused(text: &str) -> (usize, Expected, &'static str) {
        let error = SessionDescription::parse(text, &Limits::default()).unwrap_err();
        (error.line, error.expected, error.code())
    }

    #[test]
    fn all_usual_line_ends_are_read_and_crlf_is_written() {
        let text = format!("{HEAD}{AUDIO}");
        for variant in [
            text.clone(),
            text.replace("\r\n", "\n"),
            text.replacen("\r\n", "\n", 2),
            text.trim_end().to_owned(),
            text.clone() + "\r\n\n\r\n",
        ] {
            let sdp = SessionDescription::parse(&variant, &Limits::default()).unwrap();
            assert_eq!(sdp.to_text(), text);
            assert_eq!(sdp.to_string(), text);
            assert_eq!(sdp.text_len(), text.len());
        }
    }

    #[test]
    fn broken_syntax_is_refused_with_its_place() {
        use Expected as E;
        let cases: &[(String, usize, Expected)] = &[
            (format!("{HEAD}\r\n{AUDIO}"), 5, E::NoBlankLine),
            (format!("\r\n{HEAD}{AUDIO}"), 1, E::NoBlankLine),
            (format!("{HEAD}{AUDIO}a=x\ry\r\n"), 7, E::NoControlCharacter),
            (format!("{HEAD}{AUDIO}a=x\0\r\n"), 7, E::NoControlCharacter),
            (
                (HEAD.to_owned() + AUDIO).replace("\r\n", "\r"),
                1,
                E::NoControlCharacter,
            ),
            (format!("{HEAD}{AUDIO}garbage\r\n"), 7, E::TypeAndValue),
            (format!("{HEAD}{AUDIO}a\r\n"), 7, E::TypeAndValue),
            (
                (HEAD.to_owned() + AUDIO).replace("v=0", "v=1"),
                1,
                E::Version,
            ),
            (HEAD.replacen("v=0\r\n", "", 1) + AUDIO, 1, E::Version),
            (format!("v=0\r\n{AUDIO}"), 1, E::OneOrigin),
            (
                (HEAD.to_owned() + AUDIO).replace("o=-", "o=a b"),
                2,
                E::OriginFields,
            ),
            (format!("{HEAD}m=audio 9 RTP/AVP\r\n"), 5, E::MediaFields),
            (format!("{HEAD}m=audio 65536 RTP/AVP 0\r\n"), 5, E::Port),
            (format!("{HEAD}m=audio +9 RTP/AVP 0\r\n"), 5, E::Port),
            (format!("{HEAD}m=audio 9 RTP/AVP 0\r\n"), 5, E::Connection),
            (
                format!("{HEAD}{AUDIO}a=rtpmap:128 x/8000\r\n"),
                7,
                E::PayloadType,
            ),
            (HEAD.to_owned(), 5, E::AMediaSection),
        ];
        for (text, line, expected) in cases {
            let (at, what, _) = refused(text);
            assert_eq!((at, what), (*line, *expected), "{text:?}");
        }
        assert_eq!(refused(HEAD).2, "no_media");
        assert_eq!(refused("").2, "sdp_syntax");
    }

    #[test]
    fn a_rejected_section_needs_no_connection_line() {
        let text = format!("{HEAD}m=audio 0 RTP/AVP 0\r\n");
        assert!(SessionDescription::parse(&text, &Limits::default()).is_ok());
    }

    #[test]
    fn limits_are_kept() {
        let text = |more: &str| format!("{HEAD}{AUDIO}{more}");
        let limits = Limits {
            bytes_max: 1000,
            lines_max: 12,
            line_max: 100,
            media_max: 2,
            candidates_per_media_max: 1,
            payload_types_max: 3,
        };
        let code = |text: &str| SessionDescription::parse(text, &limits).unwrap_err().code();
        assert_eq!(code(&"x".repeat(1001)), "sdp_too_large");
        assert_eq!(code(&text(&"a=x\r\n".repeat(7))), "sdp_too_large");
        assert_eq!(
            code(&text(&format!("a={}\r\n", "x".repeat(99)))),
            "sdp_syntax"
        );
        assert_eq!(code(&text(&AUDIO.repeat(2))), "too_many_media");
        assert_eq!(
            code(&text(&"a=candidate:x\r\n".repeat(5))),
            "too_many_candidates"
        );
        assert_eq!(
            code(&format!("{HEAD}m=audio 9 RTP/AVP 0 8 9 18\r\n")),
            "sdp_syntax"
        );
        assert!(SessionDescription::parse(&text(&"a=x\r\n".repeat(6)), &limits).is_ok());
    }

    #[test]
    fn foreign_octets_pass_in_the_session_name_only() {
        let mut octets = format!("{HEAD}{AUDIO}").into_bytes();
        let at = octets.windows(3).position(|w| w == b"s=-").unwrap() + 2;
        octets[at] = 0xe9;
        let sdp = SessionDescription::parse_bytes(&octets, &Limits::default()).unwrap();
        assert!(sdp.to_text().contains("s=\u{fffd}\r\n"));
        octets.extend(b"a=x:\xff\r\n");
        let error = SessionDescription::parse_bytes(&octets, &Limits::default()).unwrap_err();
        assert_eq!(
            (error.line, error.column, error.expected),
            (7, 5, Expected::Utf8)
        );
    }

    #[test]
    fn many_short_lines_cost_one_step_each() {
        // 64 KiB of one line each; a quadratic reader needs seconds and these limits a moment.
        let text = format!("{HEAD}{AUDIO}{}", "a=inactive\r\n".repeat(5461));
        let limits = Limits {
            lines_max: usize::MAX,
            ..Limits::default()
        };
        let sdp = SessionDescription::parse(&text, &limits).unwrap();
        assert_eq!(sdp.lines().len(), 5467);
        assert!(
            sdp.body.lines.capacity() <= 2 * 5467,
            "spans grow by doubling"
        );
        assert_eq!(sdp.body.text.len(), text.len(), "the text is held once");
        assert_eq!(refused(&text).2, "sdp_too_large");
    }
}
