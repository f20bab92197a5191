//! Text messages between people, in no wire's words: a [`Note`] goes out, and one [`Outcome`] comes
//! back, or none.
//!
//! ```text
//!   who wrote it ──▶ Note ──▶ the dial plan ──▶ a user's clients, a phone, a chat user
//!                ◀── Outcome, once ◀── Notes ◀── Outcome, once for each copy
//! ```
//!
//! A message is of no call and needs none. Each wire says what it can of what became of it: a
//! client acknowledges events, a phone answers, a chat user's client sends a receipt where it does
//! such.
//! [`Notes`] makes one piece of news of that, and keeps no message: what it holds is who waits.

mod notes;

use std::fmt;

pub use self::notes::{Full, Limits, Notes};
use crate::address::Address;
use crate::call::cause::Cause;

/// A text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Who wrote it.
    pub from: Author,
    /// Whom it is for, as it was addressed.
    pub to: Address,
    /// What was written.
    pub text: Text,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// A URI that can be written back to.
    pub uri: String,
    /// The name to show.
    pub display_name: Option<String>,
}

/// What was written: not empty, not too long, and without control characters but tab, line feed
/// and carriage return, so that every wire can carry it. What people write is nobody else's: it is
/// not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(String);

/// Why a text is none that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing is written.
    #[error("the text is empty")]
    Empty,
    /// More bytes than a text may have.
    #[error("a text may have {0} bytes")]
    TooLong(usize),
}

impl Text {
    /// A text of at most `bytes_max` bytes. Characters that not every wire can carry are left out.
    ///
    /// # Errors
    /// [`BadText`].
    pub fn new(text: &str, bytes_max: usize) -> Result<Self, BadText> {
        if text.len() > bytes_max {
            return Err(BadText::TooLong(bytes_max));
        }
        let fits = |c: &char| match c {
            '\t' | '\n' | '\r' => true,
            // XML 1.0 §2.2 leaves these two out.
            '\u{fffe}' | '\u{ffff}' => false,
            c => !c.is_control(),
        };
        let text: String = text.chars().filter(fits).collect();
        match text.trim().is_empty() {
            true => Err(BadText::Empty),
            false => Ok(Self(text)),
        }
    }

    /// The text, for whoever it is for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is with whom it was for: a program of his has it.
    Delivered,
    /// It is not, and will not be.
    Failed(Failure),
}

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// What the far end said, where it speaks in numbers.
    pub status: Option<(u16, String)>,
    /// The particulars, for whoever looks for a fault.
    pub detail: Option<String>,
}

impl Failure {
    /// A failure of this cause.
    #[must_use]
    pub fn of(cause: Cause) -> Self {
        Self {
            cause,
            status: None,
            detail: None,
        }
    }

    /// With the particulars.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self { detail, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_holds_what_every_wire_can_carry() {
        let text = Text::new("a\u{0}b\r\n\tc\u{1b}[0m\u{ffff}\u{1f600}", 100).unwrap();
        assert_eq!(text.as_str(), "ab\r\n\tc[0m\u{1f600}");
    }

    #[test]
    fn empty_and_over_long_texts_are_none() {
        for empty in ["", " \n", "\u{0}\u{7}"] {
            assert_eq!(Text::new(empty, 10), Err(BadText::Empty), "{empty:?}");
        }
        assert_eq!(Text::new("äöü", 5), Err(BadText::TooLong(5)));
        assert!(Text::new("äöü", 6).is_ok());
    }

    #[test]
    fn what_people_write_is_not_shown() {
        let note = Note {
            from: Author {
                uri: "user:alice".into(),
                display_name: None,
            },
            to: Address::User("bob".into()),
            text: Text::new("opensesame", 100).unwrap(),
        };
        assert!(!format!("{note:?}").contains("opensesame"));
    }
}
