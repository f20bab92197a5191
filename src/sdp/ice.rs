//! ICE in a description (RFC 8839): credentials, options, candidates and their end.

use std::collections::BTreeSet;
use std::fmt;

use super::candidate::{Candidate, CandidateError};
use super::text::LineText;
use super::{Media, SessionDescription};

/// Username fragment and password of a section (RFC 8839 §5.4). The password is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IceCredentials<'a> {
    /// The username fragment: which generation this is.
    pub ufrag: &'a str,
    /// The password. A secret.
    pub pwd: &'a str,
}

impl fmt::Debug for IceCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:[redacted]", self.ufrag)
    }
}

impl<'a> Media<'a> {
    /// The username fragment of the section, else of the session part.
    #[must_use]
    pub fn ice_ufrag(&self) -> Option<&'a str> {
        self.effective("ice-ufrag").map(str::trim_ascii)
    }

    /// The password of the section, else of the session part. A secret.
    #[must_use]
    pub fn ice_pwd(&self) -> Option<&'a str> {
        self.effective("ice-pwd").map(str::trim_ascii)
    }

    /// Both, where both are there.
    #[must_use]
    pub fn ice(&self) -> Option<IceCredentials<'a>> {
        Some(IceCredentials {
            ufrag: self.ice_ufrag()?,
            pwd: self.ice_pwd()?,
        })
    }

    /// The options of the section, else of the session part (RFC 8839 §5.6).
    pub fn ice_options(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let options = self.effective("ice-options").unwrap_or("");
        options.split_ascii_whitespace()
    }

    /// Whether an option is said, `trickle` for one.
    #[must_use]
    pub fn has_ice_option(&self, option: &str) -> bool {
        self.ice_options().any(|o| o.eq_ignore_ascii_case(option))
    }

    /// The candidates that can be read, in order.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> + use<'a> {
        self.lines()
            .filter_map(|line| Candidate::parse(line.value_of("candidate")?).ok())
    }

    /// Whether the section, else the session part, says that no more candidates come.
    #[must_use]
    pub fn end_of_candidates(&self) -> bool {
        self.effective("end-of-candidates").is_some()
    }
}

impl SessionDescription {
    /// Writes a candidate into a section, behind those it has and before the end of them. `false`
    /// where one of the same address is there already, or the section is not.
    pub fn add_candidate(&mut self, media: usize, candidate: &Candidate) -> bool {
        let Some(section) = self.media_at(media) else {
            return false;
        };
        let key = candidate.key();
        if section.candidates().any(|there| there.key() == key) {
            return false;
        }
        let range = self.media_range(media);
        let last = range
            .clone()
            .rfind(|at| self.line(*at).is_attribute("candidate"));
        let end = self.find(range.clone(), |line| line.is_attribute("end-of-candidates"));
        let at = match (last, end) {
            (_, Some(end)) => end,
            (Some(last), None) => last + 1,
            (None, None) => range.end,
        };
        self.insert_line(at, &LineText::of(format_args!("a={candidate}")));
        true
    }

    /// Removes the candidates that the predicate names, given the section. Says how many.
    pub fn remove_candidates(&mut self, mut pred: impl FnMut(usize, &Candidate) -> bool) -> usize {
        self.remove_lines(|media, line| {
            let candidate = line.value_of("candidate").map(Candidate::parse);
            match (media, candidate) {
                (Some(media), Some(Ok(candidate))) => pred(media, &candidate),
                // Lines that cannot be read are for `remove_unreadable_candidates`.
                _ => false,
            }
        })
    }

    /// Removes the candidate lines that cannot be read, and says why for each. One such line makes
    /// Chrome refuse the whole description.
    pub fn remove_unreadable_candidates(&mut self) -> Vec<(usize, CandidateError)> {
        let mut gone = Vec::new();
        self.remove_lines(|media, line| {
            let Some(Err(why)) = line.value_of("candidate").map(Candidate::parse) else {
                return false;
            };
            gone.push((media.unwrap_or(0), why));
            true
        });
        gone
    }

    /// Keeps the first candidates of each section and removes those over the limit and those
    /// written twice. Says how many went.
    pub fn limit_candidates(&mut self, per_media_max: usize) -> usize {
        let mut seen = BTreeSet::new();
        let mut section = None;
        self.remove_candidates(|media, candidate| {
            if section != Some(media) {
                section = Some(media);
                seen.clear();
            }
            seen.len() >= per_media_max || !seen.insert(candidate.key())
        })
    }

    /// Rewrites each candidate line; says how many changed.
    pub(super) fn rewrite_candidates(
        &mut self,
        mut rewrite: impl FnMut(&Candidate) -> Candidate,
    ) -> usize {
        let mut changed = 0;
        for at in 0..self.body.lines.len() {
            let value = self.line(at).value_of("candidate");
            let Some(Ok(candidate)) = value.map(Candidate::parse) else {
                continue;
            };
            let new = rewrite(&candidate);
            if new != candidate {
                self.replace_line(at, &LineText::of(format_args!("a={new}")));
                changed += 1;
            }
        }
        changed
    }

    /// Writes `a=end-of-candidates` behind the candidates of a section (RFC 8840 §8). `false`
    /// where it is there already, for the section or the session.
    pub fn set_end_of_candidates(&mut self, media: usize) -> bool {
        let Some(section) = self.media_at(media) else {
            return false;
        };
        if section.end_of_candidates() {
            return false;
        }
        let range = self.media_range(media);
        let last = range
            .clone()
            .rfind(|at| self.line(*at).is_attribute("candidate"));
        let at = last.map_or(range.end, |last| last + 1);
        self.insert_line(at, &LineText::of(format_args!("a=end-of-candidates")));
        true
    }

    /// Removes one ICE option everywhere, and lines that say nothing then. Says how many lines
    /// changed.
    pub fn remove_ice_option(&mut self, option: &str) -> usize {
        let mut changed = 0;
        for at in (0..self.body.lines.len()).rev() {
            let Some(options) = self.line(at).value_of("ice-options") else {
                continue;
            };
            let all: Vec<_> = options.split_ascii_whitespace().collect();
            let is_it = |o: &str| o.eq_ignore_ascii_case(option);
            if !all.iter().any(|o| is_it(o)) {
                continue;
            }
            let kept: Vec<_> = all.into_iter().filter(|o| !is_it(o)).collect();
            changed += 1;
            if kept.is_empty() {
                self.remove_line(at);
            } else {
                let line = LineText::of(format_args!("a=ice-options:{}", kept.join(" ")));
                self.replace_line(at, &line);
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, capture};

    fn host(port: u16) -> Candidate {
        Candidate::parse(&format!("1 1 UDP 1 192.0.2.1 {port} typ host")).unwrap()
    }

    #[test]
    fn candidates_go_before_their_end_and_only_once() {
        let mut one = audio("a=x\na=end-of-candidates\na=mid:0\n");
        assert!(one.add_candidate(0, &host(1)));
        assert!(one.add_candidate(0, &host(2)));
        assert!(!one.add_candidate(0, &host(1)));
        assert!(!one.add_candidate(1, &host(3)));
        let expected = audio(&format!(
            "a=x\na={}\na={}\na=end-of-candidates\na=mid:0\n",
            host(1),
            host(2)
        ));
        assert_eq!(one, expected);
        assert_eq!(one.remove_candidates(|_, c| c.port() == 1), 1);
        assert!(!one.set_end_of_candidates(0));
    }

    #[test]
    fn an_end_follows_the_last_candidate() {
        let mut one = audio("a=candidate:1 1 UDP 1 192.0.2.1 1 typ host\na=mid:0\n");
        assert!(one.set_end_of_candidates(0));
        assert!(one.add_candidate(0, &host(2)));
        let tail: Vec<_> = one
            .lines()
            .rev()
            .take(3)
            .map(|l| l.text().to_owned())
            .collect();
        assert_eq!(tail[0], "a=mid:0");
        assert_eq!(tail[1], "a=end-of-candidates");
        assert!(tail[2].contains(" 2 typ host"));
    }

    #[test]
    fn one_option_goes_and_the_others_stay() {
        let mut one = audio("a=ice-options:ice2 Trickle renomination\n");
        assert_eq!(one.remove_ice_option("trickle"), 1);
        assert_eq!(one, audio("a=ice-options:ice2 renomination\n"));
        let mut only = audio("a=ice-options:trickle\n");
        assert_eq!(only.remove_ice_option("trickle"), 1);
        assert_eq!(only, audio(""));
        assert_eq!(only.remove_ice_option("trickle"), 0);
    }

    #[test]
    fn bad_lines_and_too_many_go() {
        let mut one = audio(
            "a=candidate:1 1 UDP 1 192.0.2.1 1 typ host\na=candidate:bad\n\
             a=candidate:2 1 UDP 1 192.0.2.1 1 typ host\n\
             a=candidate:1 1 UDP 1 192.0.2.1 2 typ host\n",
        );
        let gone = one.remove_unreadable_candidates();
        assert_eq!(gone, [(0, CandidateError::Expected("a component"))]);
        assert_eq!(one.limit_candidates(1), 2);
        assert_eq!(one, audio("a=candidate:1 1 UDP 1 192.0.2.1 1 typ host\n"));
    }

    #[test]
    fn a_password_is_never_shown() {
        let offer = capture("chrome-audio-offer-gathered");
        let ice = offer.media_at(0).unwrap().ice().unwrap();
        assert_eq!(ice.pwd, "LNb+c0G955yfvCsUTakaPui0");
        for shown in [
            format!("{ice:?}"),
            format!("{offer:?}"),
            format!("{:?}", offer.media_at(0)),
            offer.redacted(),
        ] {
            assert!(!shown.contains(ice.pwd), "{shown}");
        }
    }
}
