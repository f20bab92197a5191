//! Edits by name. Each changes its own lines and keeps all others byte-equal.
//!
//! At the bottom are the four steps every edit is made of: insert, replace, remove, retain.

use std::ops::Range;
use std::sync::Arc;

use super::text::{Line, LineText, LineTextError};
use super::{Body, SessionDescription, Span};

/// What a section inherits from the session part where it has no line of its own, and what
/// browsers read in sections only. Directions are one family.
const INHERITED: [&str; 9] = [
    "setup",
    "fingerprint",
    "ice-ufrag",
    "ice-pwd",
    "ice-options",
    "end-of-candidates",
    "extmap",
    "rtcp-xr",
    "rtcp-mux",
];

const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

impl SessionDescription {
    /// Writes the session name (`s=`, RFC 8866 §5.3), adding the line where it is missing.
    ///
    /// # Errors
    /// [`LineTextError`] where the name holds a control character.
    pub fn set_session_name(&mut self, name: &str) -> Result<(), LineTextError> {
        let line = LineText::new(&format!("s={name}"))?;
        match self.find(self.session_range(), |l| l.kind() == b's') {
            Some(at) => self.replace_line(at, &line),
            None => {
                let at = self.find(self.session_range(), |l| l.kind() == b'o');
                self.insert_line(at.map_or(1, |at| at + 1), &line);
            }
        }
        Ok(())
    }

    /// Writes an attribute of a section, or of the session part where `media` is `None`: the first
    /// line of that name is replaced, further ones removed, and one added where there was none.
    ///
    /// # Errors
    /// [`LineTextError`] where the name is no token or the value holds a control character.
    pub fn replace_attribute(
        &mut self,
        media: Option<usize>,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), LineTextError> {
        let line = LineText::attribute(name, value)?;
        self.set_attribute(media, name, &line);
        Ok(())
    }

    /// Removes the attributes that the predicate names, given section (`None`: session part), name
    /// and value (empty for a flag). Says how many lines went.
    pub fn remove_attributes(
        &mut self,
        mut pred: impl FnMut(Option<usize>, &str, &str) -> bool,
    ) -> usize {
        self.remove_lines(|media, line| match line.attribute() {
            Some((name, value)) => pred(media, name, value.unwrap_or("")),
            None => false,
        })
    }

    /// Moves what sections inherit from the session part into each live section that has no value
    /// of its own: setup, fingerprint, ICE, direction, extmap, rtcp-xr and rtcp-mux. Chrome does
    /// not read a session's direction, and no browser a session's rtcp-mux. Returns the names that
    /// moved.
    pub fn push_down_session_attributes(&mut self) -> Vec<String> {
        let mut moved: Vec<String> = Vec::new();
        for name in INHERITED {
            if self.push_down(&[name]) {
                moved.push(name.to_owned());
            }
        }
        if self.push_down(&DIRECTIONS) {
            moved.push("direction".to_owned());
        }
        moved
    }

    fn push_down(&mut self, family: &[&str]) -> bool {
        let is_family = |line: Line<'_>| family.iter().any(|name| line.is_attribute(name));
        let session: Vec<LineText> = self
            .session_lines()
            .filter(|line| is_family(*line))
            .map(|line| LineText::of(format_args!("{}", line.text())))
            .collect();
        if session.is_empty() {
            return false;
        }
        for index in (0..self.media_count()).rev() {
            let range = self.media_range(index);
            let rejected = self
                .media_at(index)
                .is_some_and(|media| media.is_rejected());
            if rejected || self.find(range.clone(), is_family).is_some() {
                continue;
            }
            for line in session.iter().rev() {
                self.insert_line(range.end, line);
            }
        }
        self.remove_lines(|media, line| media.is_none() && is_family(line));
        true
    }

    /// Lets go of what edits left behind, for a description that is kept as long as its call.
    pub(super) fn compact(&mut self) {
        Arc::make_mut(&mut self.body).clear();
    }

    pub(super) fn set_attribute(&mut self, media: Option<usize>, name: &str, line: &LineText) {
        let range = self.part_range(media);
        let Some(first) = self.find(range.clone(), |l| l.is_attribute(name)) else {
            self.insert_line(range.end, line);
            return;
        };
        self.replace_line(first, line);
        for at in (first + 1..range.end).rev() {
            if self.line(at).is_attribute(name) {
                self.remove_line(at);
            }
        }
    }

    /// The first line of the range that the predicate takes.
    pub(super) fn find(
        &self,
        mut range: Range<usize>,
        mut pred: impl FnMut(Line<'_>) -> bool,
    ) -> Option<usize> {
        range.find(|at| pred(self.line(*at)))
    }

    pub(super) fn insert_line(&mut self, at: usize, line: &LineText) {
        let body = Arc::make_mut(&mut self.body);
        let at = at.min(body.lines.len());
        let span = body.write(line);
        body.lines.insert(at, span);
        for media in &mut body.media {
            if *media >= at {
                *media += 1;
            }
        }
    }

    /// Replaces a line by one of the same place in the structure: never an `m=` by another kind.
    pub(super) fn replace_line(&mut self, at: usize, line: &LineText) {
        if self.line(at).text() == line.as_str() {
            return;
        }
        let body = Arc::make_mut(&mut self.body);
        let span = body.write(line);
        if let Some(place) = body.lines.get_mut(at) {
            *place = span;
        }
    }

    /// Removes a line, never an `m=`: sections are not removed (RFC 3264 §8).
    pub(super) fn remove_line(&mut self, at: usize) {
        let body = Arc::make_mut(&mut self.body);
        if at >= body.lines.len() {
            return;
        }
        body.lines.remove(at);
        for media in &mut body.media {
            if *media > at {
                *media -= 1;
            }
        }
    }

    /// Removes all lines but `m=` that the predicate names, given the section they are in.
    pub(super) fn remove_lines(
        &mut self,
        mut pred: impl FnMut(Option<usize>, Line<'_>) -> bool,
    ) -> usize {
        let mut gone = Vec::new();
        let mut part = None;
        for (at, line) in self.lines().enumerate() {
            if line.kind() == b'm' {
                part = Some(part.map_or(0, |index: usize| index + 1));
            } else if pred(part, line) {
                gone.push(at);
            }
        }
        self.remove_all(&gone);
        gone.len()
    }

    /// Removes these lines, given ascending, in one pass.
    fn remove_all(&mut self, gone: &[usize]) {
        if gone.is_empty() {
            return;
        }
        let body = Arc::make_mut(&mut self.body);
        let (mut at, mut next) = (0, 0);
        body.lines.retain(|_| {
            let goes = gone.get(next) == Some(&at);
            at += 1;
            next += usize::from(goes);
            !goes
        });
        for media in &mut body.media {
            *media -= gone.partition_point(|line| line < media);
        }
    }
}

impl Body {
    /// Writes the text anew, without what edits left behind.
    fn clear(&mut self) {
        let bytes = self.lines.iter().map(|span| span.len()).sum();
        let mut text = String::with_capacity(bytes);
        for span in &mut self.lines {
            let start = text.len();
            text.push_str(self.text.get(span.range()).unwrap_or(""));
            *span = Span::new(start, text.len());
        }
        self.clear_at = Self::clear_at(text.len());
        self.text = text;
        self.lines.shrink_to_fit();
    }

    pub(super) fn clear_at(bytes: usize) -> usize {
        bytes.saturating_mul(2).saturating_add(16 * 1024)
    }

    /// Appends a line's text. Where too much was left behind by earlier edits, the text is written
    /// anew first, so that a description that lives as long as its call stays small.
    fn write(&mut self, line: &LineText) -> Span {
        if self.text.len() > self.clear_at {
            self.clear();
        }
        let start = self.text.len();
        self.text.push_str(line.as_str());
        Span::new(start, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::{Direction, Limits, SessionDescription, Setup};

    fn sdp(text: &str) -> SessionDescription {
        SessionDescription::parse(text, &Limits::default()).unwrap()
    }

    const TWO: &str = "v=0\ns=x\no=- 1 1 IN IP4 192.0.2.1\nt=0 0\na=sendonly\n\
        a=setup:actpass\na=rtcp-mux\nm=audio 9 X/Y 0\nc=IN IP4 192.0.2.1\na=recvonly\n\
        m=video 0 X/Y 0\nm=video 9 X/Y 0\nc=IN IP4 192.0.2.1\na=tool:t\n";

    #[test]
    fn session_values_move_into_live_sections_without_their_own() {
        let mut two = sdp(TWO);
        let moved = two.push_down_session_attributes();
        assert_eq!(moved, ["setup", "rtcp-mux", "direction"]);
        let lines: Vec<_> = two.lines().map(|l| l.text().to_owned()).collect();
        assert_eq!(
            lines[4..],
            [
                "m=audio 9 X/Y 0",
                "c=IN IP4 192.0.2.1",
                "a=recvonly",
                "a=setup:actpass",
                "a=rtcp-mux",
                "m=video 0 X/Y 0",
                "m=video 9 X/Y 0",
                "c=IN IP4 192.0.2.1",
                "a=tool:t",
                "a=setup:actpass",
                "a=rtcp-mux",
                "a=sendonly"
            ]
        );
        assert_eq!(two.media_at(2).unwrap().direction(), Direction::SendOnly);
        assert_eq!(two.media_at(0).unwrap().setup(), Some(Setup::ActPass));
        assert!(two.push_down_session_attributes().is_empty());
    }

    #[test]
    fn an_edit_leaves_the_clone_as_it_was() {
        let before = sdp(TWO);
        let mut after = before.clone();
        after.set_session_name("y").unwrap();
        after.replace_attribute(Some(2), "tool", Some("u")).unwrap();
        after.replace_attribute(None, "x-flag", None).unwrap();
        assert_eq!(before, sdp(TWO));
        let expected = TWO
            .replace("s=x", "s=y")
            .replace("tool:t", "tool:u")
            .replace("a=rtcp-mux\n", "a=rtcp-mux\na=x-flag\n");
        assert_eq!(after, sdp(&expected));
        assert!(after.set_session_name("a\r\nm=audio").is_err());
        assert!(after.replace_attribute(None, "x", Some("\n")).is_err());
        assert_eq!(after, sdp(&expected));
    }

    #[test]
    fn sections_stay_in_place_when_lines_go() {
        let mut two = sdp(TWO);
        let gone = two.remove_attributes(|_, name, _| name != "tool");
        assert_eq!(gone, 4);
        let kinds: Vec<_> = two.media().map(|m| m.kind().to_owned()).collect();
        assert_eq!(kinds, ["audio", "video", "video"]);
        assert_eq!(two.media_at(2).unwrap().attribute("tool"), Some("t"));
        assert_eq!(two.media_at(1).unwrap().lines().count(), 1);
    }

    #[test]
    fn many_edits_leave_little_behind() {
        let mut two = sdp(TWO);
        for round in 0..20_000 {
            two.set_session_name(&format!("name {round}")).unwrap();
        }
        assert_eq!(two, sdp(&TWO.replace("s=x", "s=name 19999")));
        assert!(two.body.text.len() < 20 * 1024, "{}", two.body.text.len());
    }
}
