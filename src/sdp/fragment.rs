//! [`Fragment`]: the body `application/trickle-ice-sdpfrag` (RFC 8840 §9).
//!
//! ```text
//! a=ice-ufrag:8hhY                      one pair for all, or one in each section
//! a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh
//! m=audio 9 RTP/AVP 0                   only there to hold what follows
//! a=mid:0                               which section it is
//! a=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host
//! a=end-of-candidates
//! ```

use std::fmt;

use super::error::{Expected, ParseError};
use super::text::{Line, is_token, is_visible};
use super::{Candidate, Limits, SessionDescription, Trickle, parse};

/// A fragment: candidates of one generation, section by section.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fragment {
    /// The username fragment for all sections that have none of their own.
    pub ufrag: Option<String>,
    /// Its password. A secret.
    pub pwd: Option<String>,
    /// Whether no section has more candidates.
    pub end_of_candidates: bool,
    /// The sections.
    pub media: Vec<FragmentMedia>,
}

/// One section of a fragment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FragmentMedia {
    /// `audio`, `video`, …; empty where the `m=` line was missing.
    pub kind: String,
    /// Which section of the description it is.
    pub mid: Option<String>,
    /// The username fragment of the section.
    pub ufrag: Option<String>,
    /// Its password. A secret.
    pub pwd: Option<String>,
    /// The candidates, in order. Those that cannot be read are left out.
    pub candidates: Vec<Candidate>,
    /// Whether no more come.
    pub end_of_candidates: bool,
}

impl Fragment {
    /// Reads a fragment. Attributes that are not known are ignored (RFC 8840 §9), candidates
    /// without `a=` and a missing `m=` line are taken.
    ///
    /// # Errors
    /// [`ParseError`] for control characters, blank lines inside, lines that are not `x=…`, or more
    /// than the limits.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ParseError> {
        let mut fragment = Self::default();
        for (index, line) in parse::lines(text, limits)?.into_iter().enumerate() {
            let at = index + 1;
            if line.text().starts_with("candidate:") {
                fragment.candidate(line.text());
                continue;
            }
            if !line.is_well_formed() {
                return Err(ParseError::new(at, 1, Expected::TypeAndValue));
            }
            if line.kind() == b'm' {
                if fragment.media.len() >= limits.media_max {
                    let expected = Expected::FewerMedia(limits.media_max);
                    return Err(ParseError::new(at, 1, expected));
                }
                let kind = line.value().split_ascii_whitespace().next().unwrap_or("");
                fragment.media.push(FragmentMedia {
                    kind: kind.to_owned(),
                    ..FragmentMedia::default()
                });
                continue;
            }
            fragment.attribute(line);
            let candidates = fragment.media.last().map_or(0, |m| m.candidates.len());
            if candidates > limits.candidates_per_media_max.saturating_mul(4) {
                let expected = Expected::FewerCandidates(limits.candidates_per_media_max);
                return Err(ParseError::new(at, 1, expected));
            }
        }
        Ok(fragment)
    }

    /// The fragment that says these candidates of our own description, all those that were said
    /// before included (RFC 8840 §4.4). What names no section of it is left out.
    #[must_use]
    pub fn of(local: &SessionDescription, trickles: &[Trickle]) -> Self {
        let mut fragment = Self {
            end_of_candidates: trickles.iter().any(Trickle::is_end_of_all),
            ..Self::default()
        };
        for media in local.media() {
            let mine = |trickle: &&Trickle| local.resolve(trickle) == Ok(media.index());
            let mine: Vec<_> = trickles.iter().filter(mine).collect();
            if mine.is_empty() {
                continue;
            }
            fragment.media.push(FragmentMedia {
                kind: media.kind().to_owned(),
                mid: media.mid().map(str::to_owned),
                ufrag: media.ice_ufrag().map(str::to_owned),
                pwd: media.ice_pwd().map(str::to_owned),
                candidates: mine.iter().filter_map(|t| t.candidate.clone()).collect(),
                end_of_candidates: mine.iter().any(|t| t.candidate.is_none()),
            });
        }
        fragment.lift_credentials(local);
        fragment
    }

    /// What the fragment says, one by one, in order. Where it names no mid and the description has
    /// one section alone, it is for that.
    #[must_use]
    pub fn trickles(&self, media_count: usize) -> Vec<Trickle> {
        let mut all = Vec::new();
        for media in &self.media {
            let say = |candidate: Option<Candidate>| Trickle {
                candidate,
                mid: media.mid.clone(),
                mline: (media.mid.is_none() && media_count == 1).then_some(0),
                ufrag: media.ufrag.clone().or_else(|| self.ufrag.clone()),
            };
            all.extend(media.candidates.iter().cloned().map(Some).map(say));
            if media.end_of_candidates {
                all.push(say(None));
            }
        }
        if self.end_of_candidates {
            all.push(Trickle {
                candidate: None,
                mid: None,
                mline: None,
                ufrag: self.ufrag.clone(),
            });
        }
        all
    }

    /// One pair of credentials for all, where all have the same.
    fn lift_credentials(&mut self, local: &SessionDescription) {
        let pair = |media: &FragmentMedia| (media.ufrag.clone(), media.pwd.clone());
        let first = self.media.first().map(pair);
        if self.media.iter().all(|media| Some(pair(media)) == first) {
            let own = local.media().next();
            let session = own
                .map(|m| (m.ice_ufrag(), m.ice_pwd()))
                .unwrap_or_default();
            (self.ufrag, self.pwd) = first
                .unwrap_or_else(|| (session.0.map(str::to_owned), session.1.map(str::to_owned)));
            for media in &mut self.media {
                (media.ufrag, media.pwd) = (None, None);
            }
        }
    }

    /// The open section; one without an `m=` line is opened where there is none.
    fn section(&mut self) -> &mut FragmentMedia {
        if self.media.is_empty() {
            self.media.push(FragmentMedia::default());
        }
        let last = self.media.len() - 1;
        &mut self.media[last]
    }

    fn candidate(&mut self, text: &str) {
        if let Ok(candidate) = Candidate::parse(text) {
            self.section().candidates.push(candidate);
        }
    }

    fn attribute(&mut self, line: Line<'_>) {
        let Some((name, value)) = line.attribute() else {
            return;
        };
        let value = value.unwrap_or("").trim_ascii();
        match name.to_ascii_lowercase().as_str() {
            "candidate" => self.candidate(line.text()),
            "mid" if is_token(value) => self.section().mid = Some(value.to_owned()),
            "ice-ufrag" if is_visible(value) => match self.media.last_mut() {
                Some(media) => media.ufrag = Some(value.to_owned()),
                None => self.ufrag = Some(value.to_owned()),
            },
            "ice-pwd" if is_visible(value) => match self.media.last_mut() {
                Some(media) => media.pwd = Some(value.to_owned()),
                None => self.pwd = Some(value.to_owned()),
            },
            "end-of-candidates" => match self.media.last_mut() {
                Some(media) => media.end_of_candidates = true,
                None => self.end_of_candidates = true,
            },
            // RFC 8840 §9: what is not known is ignored; so is a value out of its grammar.
            _ => {}
        }
    }
}

/// The body, with CRLF behind every line.
impl fmt::Display for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_part(
            f,
            self.ufrag.as_ref(),
            self.pwd.as_ref(),
            self.end_of_candidates,
            &[],
        )?;
        for media in &self.media {
            // RFC 8840 §9.2: the port and proto mean nothing here.
            let kind = if media.kind.is_empty() {
                "audio"
            } else {
                &media.kind
            };
            write!(f, "m={kind} 9 RTP/AVP 0\r\n")?;
            if let Some(mid) = &media.mid {
                write!(f, "a=mid:{mid}\r\n")?;
            }
            let (ufrag, pwd) = (media.ufrag.as_ref(), media.pwd.as_ref());
            write_part(f, ufrag, pwd, media.end_of_candidates, &media.candidates)?;
        }
        Ok(())
    }
}

fn write_part(
    f: &mut fmt::Formatter<'_>,
    ufrag: Option<&String>,
    pwd: Option<&String>,
    end: bool,
    candidates: &[Candidate],
) -> fmt::Result {
    if let Some(ufrag) = ufrag {
        write!(f, "a=ice-ufrag:{ufrag}\r\n")?;
    }
    if let Some(pwd) = pwd {
        write!(f, "a=ice-pwd:{pwd}\r\n")?;
    }
    for candidate in candidates {
        write!(f, "a={candidate}\r\n")?;
    }
    if end {
        f.write_str("a=end-of-candidates\r\n")?;
    }
    Ok(())
}

/// Shows no password.
impl fmt::Debug for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_string();
        let lines = text.lines().map(|line| Line(line).redacted());
        f.debug_list().entries(lines).finish()
    }
}

/// Shows no password.
impl fmt::Debug for FragmentMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mid {:?} {:?}", self.kind, self.mid, self.candidates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::capture;

    const TEXT: &str = "a=ice-ufrag:8hhY\r\na=ice-pwd:YH75Fviy6338Vbrhrlp8Yh\r\n\
        m=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
        a=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host\r\na=end-of-candidates\r\n\
        m=video 9 RTP/AVP 0\r\na=mid:1\r\n\
        a=candidate:1 1 UDP 2130706431 192.0.2.1 3479 typ host\r\n";

    #[test]
    fn a_fragment_is_read_and_written() {
        let fragment = Fragment::parse(TEXT, &Limits::default()).unwrap();
        assert_eq!(fragment.to_string(), TEXT);
        let trickles = fragment.trickles(2);
        assert_eq!(trickles.len(), 3);
        assert_eq!(trickles[1].candidate, None);
        assert_eq!(trickles[1].mid.as_deref(), Some("0"));
        assert_eq!(trickles[2].generation(), Some("8hhY"));
        assert!(!format!("{fragment:?}").contains("YH75"));
    }

    #[test]
    fn what_is_seen_in_the_wild_is_taken() {
        let text = "a=unknown\ncandidate:1 1 UDP 1 192.0.2.1 9 typ host\na=candidate:bad\n";
        let fragment = Fragment::parse(text, &Limits::default()).unwrap();
        let trickles = fragment.trickles(1);
        assert_eq!(trickles.len(), 1);
        assert_eq!(trickles[0].mline, Some(0));
        assert_eq!(fragment.trickles(2)[0].mline, None);
        assert!(Fragment::parse("a=x\n\na=y\n", &Limits::default()).is_err());
        assert!(Fragment::parse("a=mid:0\ra=x\n", &Limits::default()).is_err());
    }

    #[test]
    fn our_candidates_become_a_fragment() {
        let local = capture("chrome-av-offer-gathered");
        let host = Some("candidate:1 1 UDP 1 192.0.2.1 9 typ host");
        let said = [
            Trickle::new(host, Some("1"), None, None).unwrap(),
            Trickle::new(None, Some("1"), None, None).unwrap(),
            Trickle::new(host, Some("unknown"), None, None).unwrap(),
        ];
        let fragment = Fragment::of(&local, &said);
        let read = Fragment::parse(&fragment.to_string(), &Limits::default()).unwrap();
        assert_eq!(read, fragment);
        assert_eq!(fragment.media.len(), 1);
        assert_eq!(fragment.media[0].kind, "video");
        assert!(fragment.media[0].end_of_candidates);
        assert_eq!(
            fragment.ufrag.as_deref(),
            local.media_at(1).unwrap().ice_ufrag()
        );
    }
}
