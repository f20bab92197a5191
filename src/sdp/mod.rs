//! Session descriptions (SDP, RFC 8866): the text as it was received, views on it, edits by name.
//!
//! The canonical description is the received text, line by line. Nothing on the media path parses
//! it into structures and prints them again, because every library that does so loses or changes
//! lines of real peers. So:
//!
//! ```text
//!                    parse                    views (nothing is copied)
//!   text ──────────────────────▶ Session-   ──────────────────────────────▶ Media, Codec,
//!          limits, syntax only   Description                                Candidate, …
//!                                   │  ▲
//!                                   │  │ edits by name: each changes its own
//!                                   ▼  │ lines and keeps all others byte-equal
//!                                 text, CRLF
//! ```
//!
//! What a description needs on its way:
//!
//! | towards | call | what it does |
//! |---|---|---|
//! | a browser | [`SessionDescription::mend_for_browser`] | repairs what a browser would refuse |
//! | | [`check_browser`] | refuses what cannot be repaired |
//! | another peer | [`SessionDescription::fit_for_peer`] | leaves out what a [`Profile`] lacks |
//! | any leg | [`OwnedOrigin::stamp`] | writes the leg's own `o=`, RFC 3264 §8 |
//! | back from either | [`check_answer`] | compares an answer with its offer, RFC 3264 §6 |
//! | a re-offer | [`compare`] | says what changed: refresh, hold, ICE restart, … |
//!
//! A view that cannot be read (a broken fmtp, an unknown setup) is `None` and never destroys its
//! line: RFC 8866 §5.13 has a receiver ignore what it does not understand, and the peer behind
//! this gateway may understand it.
//!
//! Limits are in [`Limits`]; no call here takes more than linear time in the text, apart from
//! edits that move the lines behind them.
//!
//! One file holds one attribute family, its type, reading and writing: `candidate`, `codec`,
//! `dtls`, `ice`, `group`, `direction`, `extmap`, `source`, `simulcast`, `data_channel`,
//! `crypto`, `origin`, `fragment` (the body of RFC 8840).

mod answer;
mod budget;
mod candidate;
mod candidate_kind;
mod check;
mod codec;
mod compare;
mod crypto;
mod data_channel;
mod destination;
mod direction;
mod dtls;
mod edit;
mod error;
mod explain;
mod extmap;
mod fit;
mod format;
mod fragment;
mod generation;
mod group;
mod hold;
mod ice;
mod media;
mod mend;
mod mended;
mod origin;
mod parse;
mod placeholder;
mod profile;
mod projection;
mod simulcast;
mod slot;
mod source;
mod text;
mod trickle;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod properties;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use answer::{AnswerFault, CodecMatch, check_answer, common_codecs};
pub use budget::Shrink;
pub use candidate::{Candidate, CandidateError, CandidateKey};
pub use candidate_kind::{CandidateAddress, CandidateType, TcpType, Transport};
pub use check::{DescriptionFault, check_browser};
pub use codec::Codec;
pub use compare::{Change, Illegality, SectionChange, compare, is_ice_restart};
pub use crypto::Crypto;
pub use data_channel::DataChannel;
pub use destination::IpFamily;
pub use direction::Direction;
pub use dtls::{Fingerprint, Setup};
pub use error::{Expected, ParseError};
pub use explain::{Explanation, explain};
pub use extmap::Extmap;
pub use fit::Fitted;
pub use fragment::{Fragment, FragmentMedia};
pub use group::Group;
pub use hold::{MediaState, media_states};
pub use ice::IceCredentials;
pub use media::{MLine, Media};
pub use mended::{Mended, What};
pub use origin::{Origin, OwnedOrigin};
pub use parse::Limits;
pub use profile::Profile;
pub use simulcast::{Rid, RidDirection, Simulcast};
pub use slot::Slots;
pub use source::{Msid, Ssrc};
pub use text::{Line, LineText, LineTextError, is_token};
pub use trickle::{Trickle, TrickleError};

/// A session description: the lines as they were received, kept in order, repeats and unknown ones
/// included. Cloning shares the text; the first edit of a clone copies it.
#[derive(Clone)]
pub struct SessionDescription {
    body: Arc<Body>,
}

/// The text and where its lines lie. New lines are appended to the text and old ones left behind,
/// so that an edit moves spans of two words and no text.
#[derive(Clone)]
struct Body {
    text: String,
    lines: Vec<Span>,
    /// Which lines are `m=`, ascending.
    media: Vec<usize>,
    /// Bytes of text from which on the lines left behind are cleared away.
    clear_at: usize,
}

/// From and to which byte of the text a line lies. Of four bytes each, since a call keeps some
/// hundred of them; a text is far smaller than they can count.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: short(start),
            end: short(end),
        }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn len(self) -> usize {
        self.range().len()
    }
}

impl SessionDescription {
    /// Reads a description. Syntax only; what a browser needs beyond is [`check_browser`].
    /// Accepts CRLF, LF, a mixture, a missing last line end and blank lines at the end.
    ///
    /// # Errors
    /// [`ParseError`] with line and column where the text is no description or over a limit.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ParseError> {
        parse::description(text, limits)
    }

    /// Reads a description from octets, which must be UTF-8 except in `s=` and `i=`, whose other
    /// octets become U+FFFD (older peers write ISO 8859-1 there; RFC 8866 §5.3).
    ///
    /// # Errors
    /// As [`SessionDescription::parse`].
    pub fn parse_bytes(octets: &[u8], limits: &Limits) -> Result<Self, ParseError> {
        parse::octets(octets, limits)
    }

    /// The text with CRLF behind every line, the last one included (RFC 8866 §5).
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.text_len());
        for line in self.lines() {
            text.push_str(line.text());
            text.push_str("\r\n");
        }
        text
    }

    /// How many bytes [`SessionDescription::to_text`] has.
    #[must_use]
    pub fn text_len(&self) -> usize {
        self.body.lines.iter().map(|line| line.len() + 2).sum()
    }

    /// The text with passwords and keys replaced, LF line ends: for logs and traces.
    #[must_use]
    pub fn redacted(&self) -> String {
        let lines = self.lines().map(|line| line.redacted().to_string() + "\n");
        lines.collect()
    }

    /// All lines in order.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = Line<'_>> + ExactSizeIterator {
        let text = self.body.text.as_str();
        self.body.lines.iter().map(move |span| slice(text, *span))
    }

    /// The media sections, in order.
    pub fn media(&self) -> impl DoubleEndedIterator<Item = Media<'_>> + ExactSizeIterator {
        (0..self.body.media.len()).map(|index| Media::new(self, index))
    }

    /// How many media sections there are.
    #[must_use]
    pub fn media_count(&self) -> usize {
        self.body.media.len()
    }

    /// One media section, counted from 0.
    #[must_use]
    pub fn media_at(&self, index: usize) -> Option<Media<'_>> {
        (index < self.body.media.len()).then(|| Media::new(self, index))
    }

    /// The section with this mid.
    #[must_use]
    pub fn media_by_mid(&self, mid: &str) -> Option<Media<'_>> {
        self.media().find(|media| media.mid() == Some(mid))
    }

    /// The lines of the session part, before the first `m=`.
    pub fn session_lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines_in(self.session_range())
    }

    /// The name of the session (`s=`): what many servers write theirs in.
    #[must_use]
    pub fn session_name(&self) -> &str {
        let line = self.session_lines().find(|line| line.kind() == b's');
        line.map_or("", |line| line.value())
    }

    /// The first value of an attribute of the session part; empty for a flag.
    #[must_use]
    pub fn session_attribute(&self, name: &str) -> Option<&str> {
        self.session_lines().find_map(|line| line.value_of(name))
    }

    fn line(&self, at: usize) -> Line<'_> {
        match self.body.lines.get(at) {
            Some(span) => slice(&self.body.text, *span),
            None => Line(""),
        }
    }

    fn lines_in(&self, range: Range<usize>) -> impl Iterator<Item = Line<'_>> {
        let spans = self.body.lines.get(range).unwrap_or(&[]);
        spans.iter().map(|span| slice(&self.body.text, *span))
    }

    fn session_range(&self) -> Range<usize> {
        0..self
            .body
            .media
            .first()
            .copied()
            .unwrap_or(self.body.lines.len())
    }

    fn media_range(&self, index: usize) -> Range<usize> {
        let lines = self.body.lines.len();
        let start = self.body.media.get(index).copied().unwrap_or(lines);
        start..self.body.media.get(index + 1).copied().unwrap_or(lines)
    }

    /// The range of a section, or of the session part where `media` is `None`.
    fn part_range(&self, media: Option<usize>) -> Range<usize> {
        media.map_or_else(|| self.session_range(), |index| self.media_range(index))
    }
}

fn slice(text: &str, span: Span) -> Line<'_> {
    Line(text.get(span.range()).unwrap_or(""))
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines() {
            f.write_str(line.text())?;
            f.write_str("\r\n")?;
        }
        Ok(())
    }
}

/// Shows no password and no key.
impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionDescription ")?;
        f.debug_list()
            .entries(self.lines().map(Line::redacted))
            .finish()
    }
}

/// Equal by text, line ends apart.
impl PartialEq for SessionDescription {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.body, &other.body) || self.lines().eq(other.lines())
    }
}

impl Eq for SessionDescription {}
