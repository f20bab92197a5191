//! [`Trickle`]: a candidate on its way by itself (RFC 8838), in the shape of the W3C's
//! `RTCIceCandidateInit`.

use super::candidate::{Candidate, CandidateError};
use super::text::{is_token, is_visible};
use super::{Media, SessionDescription};

/// A candidate, or the end of them, and the section it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trickle {
    /// The candidate; `None` says that there are no more (RFC 8838 §13).
    pub candidate: Option<Candidate>,
    /// The mid of the section (`sdpMid`). Wins over the index.
    pub mid: Option<String>,
    /// The index of the section (`sdpMLineIndex`).
    pub mline: Option<u16>,
    /// The generation (`usernameFragment`).
    pub ufrag: Option<String>,
}

/// Why a trickled candidate has no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrickleError {
    /// The candidate's text.
    #[error(transparent)]
    Candidate(#[from] CandidateError),
    /// The mid is not a token of at most 16 characters.
    #[error("the mid is not a token of 1 to 16 characters (RFC 5888 §4)")]
    BadMid,
    /// The username fragment holds what none may hold.
    #[error("the username fragment is not 1 to 256 visible characters (RFC 8839 §5.4)")]
    BadUfrag,
    /// No section has this mid. The index is not tried instead: it may be of another offer.
    #[error("no media section has the mid {0}")]
    UnknownMid(String),
    /// There is no section of this index.
    #[error("there is no media section {0}")]
    UnknownIndex(u16),
    /// Neither mid nor index.
    #[error("the candidate names neither a mid nor an index")]
    Nowhere,
}

impl TrickleError {
    /// The code a client is told.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "bad_candidate"
    }
}

impl Trickle {
    /// Reads the members of an `RTCIceCandidateInit`. No candidate or an empty one says that there
    /// are no more; an empty mid is none.
    ///
    /// # Errors
    /// [`TrickleError`] where a text does not keep to its grammar.
    pub fn new(
        candidate: Option<&str>,
        mid: Option<&str>,
        mline: Option<u16>,
        ufrag: Option<&str>,
    ) -> Result<Self, TrickleError> {
        let candidate = match candidate.map(str::trim_ascii) {
            None | Some("") => None,
            Some(text) => Some(Candidate::parse(text)?),
        };
        let mid = mid.filter(|mid| !mid.is_empty());
        if mid.is_some_and(|mid| mid.len() > 16 || !is_token(mid)) {
            return Err(TrickleError::BadMid);
        }
        let ufrag = ufrag.filter(|ufrag| !ufrag.is_empty());
        if ufrag.is_some_and(|ufrag| ufrag.len() > 256 || !is_visible(ufrag)) {
            return Err(TrickleError::BadUfrag);
        }
        Ok(Self {
            candidate,
            mid: mid.map(str::to_owned),
            mline,
            ufrag: ufrag.map(str::to_owned),
        })
    }

    /// Whether this says that no section has more candidates: no candidate, and no section named.
    #[must_use]
    pub fn is_end_of_all(&self) -> bool {
        self.candidate.is_none() && self.mid.is_none() && self.mline.is_none()
    }

    /// The generation: the member, else the candidate's own extension.
    #[must_use]
    pub fn generation(&self) -> Option<&str> {
        let own = self.candidate.as_ref().and_then(Candidate::ufrag);
        self.ufrag.as_deref().or(own)
    }

    /// The same candidate with mid and index both written, as browsers want it.
    #[must_use]
    pub fn placed(&self, media: &Media<'_>) -> Self {
        Self {
            mid: media.mid().map(str::to_owned),
            mline: u16::try_from(media.index()).ok(),
            ..self.clone()
        }
    }
}

impl SessionDescription {
    /// The index of the section a trickled candidate is for.
    ///
    /// # Errors
    /// [`TrickleError`] for an unknown mid, even with a right index beside it, an unknown index, or
    /// neither. What [`Trickle::is_end_of_all`] is for no section and an error here.
    pub fn resolve(&self, trickle: &Trickle) -> Result<usize, TrickleError> {
        if let Some(mid) = &trickle.mid {
            let found = self.media_by_mid(mid).map(|media| media.index());
            return found.ok_or_else(|| TrickleError::UnknownMid(mid.clone()));
        }
        let Some(mline) = trickle.mline else {
            return Err(TrickleError::Nowhere);
        };
        let found = self.media_at(usize::from(mline)).map(|media| media.index());
        found.ok_or(TrickleError::UnknownIndex(mline))
    }

    /// Whether a trickled candidate belongs to this description's generation of the section. One
    /// that names no generation belongs to the latest.
    #[must_use]
    pub fn is_current(&self, media: usize, trickle: &Trickle) -> bool {
        let ours = self.media_at(media).and_then(|media| media.ice_ufrag());
        match trickle.generation() {
            Some(theirs) => ours.is_none_or(|ours| ours == theirs),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::capture;

    const HOST: &str = "candidate:1 1 UDP 1 192.0.2.1 9 typ host ufrag zzzz";

    fn trickle(mid: Option<&str>, mline: Option<u16>) -> Trickle {
        Trickle::new(Some(HOST), mid, mline, None).unwrap()
    }

    #[test]
    fn the_mid_wins_over_the_index() {
        let offer = capture("chrome-av-offer-gathered");
        assert_eq!(offer.resolve(&trickle(Some("1"), Some(0))), Ok(1));
        assert_eq!(offer.resolve(&trickle(None, Some(1))), Ok(1));
        assert_eq!(
            offer.resolve(&trickle(Some("x"), Some(1))),
            Err(TrickleError::UnknownMid("x".to_owned()))
        );
        assert_eq!(
            offer.resolve(&trickle(None, Some(2))),
            Err(TrickleError::UnknownIndex(2))
        );
        assert_eq!(
            offer.resolve(&trickle(None, None)),
            Err(TrickleError::Nowhere)
        );
        let placed = trickle(None, Some(1)).placed(&offer.media_at(1).unwrap());
        assert_eq!((placed.mid.as_deref(), placed.mline), (Some("1"), Some(1)));
    }

    #[test]
    fn an_empty_candidate_is_the_end() {
        for text in [None, Some(""), Some(" ")] {
            let end = Trickle::new(text, None, None, None).unwrap();
            assert!(end.is_end_of_all());
            let of_one = Trickle::new(text, Some("0"), None, None).unwrap();
            assert!(!of_one.is_end_of_all());
            assert_eq!(of_one.candidate, None);
        }
    }

    #[test]
    fn json_cannot_inject_lines() {
        let new = Trickle::new;
        assert_eq!(
            new(Some(HOST), Some("0\r\na=x"), None, None),
            Err(TrickleError::BadMid)
        );
        assert_eq!(
            new(Some(HOST), Some("12345678901234567"), None, None),
            Err(TrickleError::BadMid)
        );
        assert_eq!(
            new(Some(HOST), None, Some(0), Some("a\nb")),
            Err(TrickleError::BadUfrag)
        );
        let split = new(Some(&format!("{HOST}\ra=x")), Some("0"), None, None);
        assert_eq!(split.unwrap_err().code(), "bad_candidate");
    }

    #[test]
    fn the_generation_is_compared() {
        let offer = capture("chrome-audio-offer-gathered");
        assert!(
            !offer.is_current(0, &trickle(Some("0"), None)),
            "zzzz is not n0rw"
        );
        let named = Trickle::new(Some(HOST), Some("0"), None, Some("n0rw")).unwrap();
        assert!(offer.is_current(0, &named));
        let unnamed = Trickle::new(None, Some("0"), None, None).unwrap();
        assert!(offer.is_current(0, &unnamed));
    }
}
