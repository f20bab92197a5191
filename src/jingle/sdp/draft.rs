//! [`Draft`]: a description in the making, each line checked before it is one.

use super::super::loss::{Loss, Lost};
use super::sections::Place;
use crate::sdp::{Limits, LineText, ParseError, SessionDescription};

/// Lines of the session part and of each section.
pub(super) struct Draft {
    pub(super) session: Vec<LineText>,
    pub(super) sections: Vec<Vec<LineText>>,
}

/// The lines of one part, and what could not be one.
pub(super) struct Lines<'a> {
    pub(super) lines: Vec<LineText>,
    section: Option<usize>,
    lost: &'a mut Vec<Lost>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(section: Option<usize>, lost: &'a mut Vec<Lost>) -> Self {
        Self {
            lines: Vec::new(),
            section,
            lost,
        }
    }

    /// Writes a line, or remembers that it could not be one: it held a line end.
    pub(super) fn line(&mut self, text: &str) {
        match LineText::new(text) {
            Ok(line) => self.lines.push(line),
            Err(_) => {
                // The name alone: the value may be a secret, and is not fit to be shown.
                let name = text.split([':', ' ']).next().unwrap_or(text);
                self.lose(Loss::Unwritable, name.escape_debug().to_string());
            }
        }
    }

    /// Writes a line of words, each of which must be one.
    pub(super) fn words(&mut self, start: &str, words: &[&str]) {
        let whole = |word: &&str| !word.is_empty() && !word.contains(char::is_whitespace);
        if words.iter().all(whole) {
            self.line(&format!("{start}{}", words.join(" ")));
        } else {
            self.lose(Loss::Unwritable, start.trim_end_matches(':'));
        }
    }

    pub(super) fn lose(&mut self, loss: Loss, what: impl Into<String>) {
        self.lost.push(Lost::new(loss, self.section, what));
    }

    pub(super) fn lost(&mut self) -> &mut Vec<Lost> {
        self.lost
    }
}

impl Draft {
    /// One with the session part that every description has, `o=` for the caller to write.
    pub(super) fn new() -> Self {
        let mut lost = Vec::new();
        let mut lines = Lines::new(None, &mut lost);
        for line in ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "t=0 0"] {
            lines.line(line);
        }
        Self {
            session: lines.lines,
            sections: Vec::new(),
        }
    }

    /// One with the lines of a description.
    pub(super) fn of(sdp: &SessionDescription) -> Self {
        // They were lines before, and are so again.
        let read = |line: crate::sdp::Line<'_>| LineText::new(line.text()).ok();
        Self {
            session: sdp.session_lines().filter_map(read).collect(),
            sections: sdp
                .media()
                .map(|media| media.lines().filter_map(read).collect())
                .collect(),
        }
    }

    /// Puts a section at its place; places before it that nobody has written are rejected.
    pub(super) fn put(&mut self, section: usize, lines: Vec<LineText>) {
        match self.sections.get_mut(section) {
            Some(there) => *there = lines,
            None => self.sections.push(lines),
        }
    }

    /// The lines of a section that is rejected (RFC 3264 §6).
    pub(super) fn rejected(place: &Place) -> Vec<LineText> {
        let mut lost = Vec::new();
        let mut lines = Lines::new(None, &mut lost);
        let Place {
            kind,
            proto,
            format,
            mid,
            ..
        } = place;
        lines.words("m=", &[kind, "0", proto, format]);
        lines.line("c=IN IP4 0.0.0.0");
        if let Some(mid) = mid {
            lines.line(&format!("a=mid:{mid}"));
        }
        lines.line("a=inactive");
        lines.lines
    }

    pub(super) fn finish(&self, limits: &Limits) -> Result<SessionDescription, ParseError> {
        let mut text = String::new();
        for line in self.session.iter().chain(self.sections.iter().flatten()) {
            text.push_str(line.as_str());
            text.push_str("\r\n");
        }
        SessionDescription::parse(&text, limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_end_in_a_value_makes_no_line_and_is_not_shown() {
        let mut lost = Vec::new();
        let mut lines = Lines::new(Some(1), &mut lost);
        lines.line("a=ice-pwd:secret\r\na=evil");
        lines.words("a=group:", &["BUNDLE", "0 1"]);
        lines.line("a=mid:0");
        assert_eq!(lines.lines.len(), 1);
        let what: Vec<_> = lost.iter().map(|lost| lost.what.as_str()).collect();
        assert_eq!(what, ["a=ice-pwd", "a=group"]);
    }
}
