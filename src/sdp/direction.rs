//! [`Direction`]: sendrecv, sendonly, recvonly, inactive (RFC 8866 §6.7, RFC 3264 §5.1, §6.1).

use std::fmt;

use super::text::LineText;
use super::{Media, SessionDescription};

/// Which way media of a section may flow, as its writer sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Both ways; what a section without a word means.
    #[default]
    SendRecv,
    /// From the writer only.
    SendOnly,
    /// To the writer only.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::SendRecv,
        Self::SendOnly,
        Self::RecvOnly,
        Self::Inactive,
    ];

    /// The direction for these two ways.
    #[must_use]
    pub fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The attribute's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow as the other side sees it.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// Whether the writer holds the other side: it takes nothing from it (RFC 3264 §8.4).
    #[must_use]
    pub fn is_held_by_sender(self) -> bool {
        !self.receives()
    }

    /// The widest direction an answer to this offer may have that stays inside `wanted`
    /// (RFC 3264 §6.1).
    #[must_use]
    pub fn answer(self, wanted: Self) -> Self {
        Self::of(
            self.receives() && wanted.sends(),
            self.sends() && wanted.receives(),
        )
    }

    /// Whether `answer` may answer this offer (RFC 3264 §6.1).
    #[must_use]
    pub fn allows_answer(self, answer: Self) -> bool {
        self.answer(answer) == answer
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|direction| direction.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The direction that a line says.
fn of(line: super::Line<'_>) -> Option<Direction> {
    match line.attribute() {
        Some((name, None)) => Direction::from_name(name),
        Some((_, Some(_))) | None => None,
    }
}

impl Media<'_> {
    /// The direction of the section, else of the session part, else sendrecv (RFC 3264 §5.1).
    #[must_use]
    pub fn direction(&self) -> Direction {
        let own = self.lines().find_map(of);
        own.or_else(|| self.description().session_lines().find_map(of))
            .unwrap_or_default()
    }
}

impl SessionDescription {
    /// Writes the direction of a section: one line, in the place of the first there was.
    pub fn set_direction(&mut self, media: usize, direction: Direction) {
        let line = LineText::of(format_args!("a={direction}"));
        let is_direction = |line: super::Line<'_>| of(line).is_some();
        let range = self.media_range(media);
        if range.is_empty() {
            return;
        }
        let Some(first) = self.find(range.clone(), is_direction) else {
            self.insert_line(range.end, &line);
            return;
        };
        self.replace_line(first, &line);
        for at in (first + 1..range.end).rev() {
            if is_direction(self.line(at)) {
                self.remove_line(at);
            }
        }
    }
}

impl SessionDescription {
    /// Gives the accepted RTP sections of an answer no wider direction than the offer leaves room
    /// for: a phone that leaves the direction out of its answer to a hold has said `sendrecv`
    /// (RFC 3264 §6.1). Returns the sections, with what they had and have.
    pub fn narrow_directions_to(&mut self, offer: &Self) -> Vec<(usize, Direction, Direction)> {
        let mut narrowed = Vec::new();
        for (ours, theirs) in offer.media().zip(self.media()) {
            let (offered, answered) = (ours.direction(), theirs.direction());
            let live = theirs.is_rtp() && !theirs.is_rejected();
            if live && !offered.allows_answer(answered) {
                narrowed.push((theirs.index(), answered, offered.answer(answered)));
            }
        }
        for (media, _, to) in &narrowed {
            self.set_direction(*media, *to);
        }
        narrowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, sdp};

    #[test]
    fn an_answer_that_says_nothing_to_a_hold_is_narrowed() {
        use Direction as D;
        let mut answer = audio("a=mid:0\n");
        let hold = audio("a=mid:0\na=sendonly\n");
        let narrowed = answer.narrow_directions_to(&hold);
        assert_eq!(narrowed, [(0, D::SendRecv, D::RecvOnly)]);
        assert_eq!(answer, audio("a=mid:0\na=recvonly\n"));
        assert!(answer.narrow_directions_to(&hold).is_empty());
        let mut answer = audio("a=sendonly\n");
        answer.narrow_directions_to(&hold);
        assert_eq!(answer, audio("a=inactive\n"));
    }

    #[test]
    fn reversing_twice_is_nothing() {
        for direction in Direction::ALL {
            assert_eq!(direction.reversed().reversed(), direction);
        }
        assert_eq!(Direction::SendOnly.reversed(), Direction::RecvOnly);
    }

    #[test]
    fn answers_complement_offers() {
        use Direction as D;
        let allowed = |offer: D| -> Vec<D> {
            let all = D::ALL.into_iter();
            all.filter(|answer| offer.allows_answer(*answer)).collect()
        };
        assert_eq!(allowed(D::SendRecv), D::ALL);
        assert_eq!(allowed(D::SendOnly), [D::RecvOnly, D::Inactive]);
        assert_eq!(allowed(D::RecvOnly), [D::SendOnly, D::Inactive]);
        assert_eq!(allowed(D::Inactive), [D::Inactive]);
        assert_eq!(D::SendOnly.answer(D::SendRecv), D::RecvOnly);
    }

    #[test]
    fn a_section_overrides_the_session() {
        let two = sdp(
            "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n\
            a=sendrecv\nm=audio 1 RTP/AVP 0\na=inactive\nm=audio 1 RTP/AVP 0\n",
        );
        let directions: Vec<_> = two.media().map(|m| m.direction()).collect();
        assert_eq!(directions, [Direction::Inactive, Direction::SendRecv]);
    }

    #[test]
    fn setting_leaves_one_line_in_its_place() {
        let mut one = audio("a=x\na=sendrecv\na=y\na=recvonly\n");
        one.set_direction(0, Direction::SendOnly);
        assert_eq!(one, audio("a=x\na=sendonly\na=y\n"));
        let mut none = audio("a=x\n");
        none.set_direction(0, Direction::Inactive);
        none.set_direction(7, Direction::Inactive);
        assert_eq!(none, audio("a=x\na=inactive\n"));
    }
}
