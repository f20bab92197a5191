//! [`Slots`]: which section of the call stands at which place of one leg's descriptions.
//!
//! Sections are never removed from a session (RFC 3264 §8), so a section that must begin anew at a
//! peer, because the peer keeps its DTLS association for as long as the section lives, gets another
//! place there, and its old place is rejected for good or until another section takes it. The other
//! side of the call sees none of this.
//!
//! ```text
//!   the call's sections      0: audio      1: video
//!                               │             ╲
//!   this leg's places        0: (rejected)  1: video   2: audio
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Body, SessionDescription, Span};

/// Where the sections of a call stand in the descriptions of one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// The place of each section of the call.
    places: Vec<usize>,
    /// Places that no section has any more: what stands there, without its port.
    retired: BTreeMap<usize, Retired>,
}

/// What stands at a place that is no longer used.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Retired {
    kind: String,
    proto: String,
    format: String,
    mid: Option<String>,
}

impl Slots {
    /// Whether every section stands at its own place: nothing is to be done then.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.retired.is_empty()
            && self
                .places
                .iter()
                .enumerate()
                .all(|(at, place)| at == *place)
    }

    /// Gives a section another place from the next description on: the lowest that nobody has.
    /// `told` is the last description of this leg, in the call's order.
    pub fn renew(&mut self, section: usize, told: &SessionDescription) {
        self.reach(told.media_count());
        let (Some(place), Some(media)) = (self.places.get(section), told.media_at(section)) else {
            return;
        };
        let place = *place;
        let free = self.retired.keys().next().copied();
        let next = free.unwrap_or(self.places.len() + self.retired.len());
        let line = media.m_line();
        let retired = Retired {
            kind: line.kind.to_owned(),
            proto: line.proto.to_owned(),
            format: media.formats().next().unwrap_or("0").to_owned(),
            mid: media.mid().map(str::to_owned),
        };
        self.retired.remove(&next);
        self.retired.insert(place, retired);
        self.places[section] = next;
    }

    /// The mids that the retired places hold.
    #[must_use]
    pub fn retired_mids(&self) -> BTreeSet<String> {
        let mids = self
            .retired
            .values()
            .filter_map(|retired| retired.mid.clone());
        mids.collect()
    }

    /// A description in the call's order, in the order of this leg: each section at its place, the
    /// other places rejected.
    pub fn spread(&mut self, sdp: &SessionDescription) -> SessionDescription {
        self.reach(sdp.media_count());
        if self.is_plain() {
            return sdp.clone();
        }
        let count = self.places.len() + self.retired.len();
        let mut made = Assembly::of(sdp);
        for place in 0..count {
            let section = self.places.iter().position(|at| *at == place);
            match (section, self.retired.get(&place)) {
                (Some(section), _) => made.section(sdp, section),
                (None, Some(retired)) => made.rejected(retired),
                (None, None) => {}
            }
        }
        made.finish()
    }

    /// What this leg's peer described, in the call's order. A place that the peer uses again is a
    /// new section of the call.
    pub fn gather(&mut self, sdp: &SessionDescription) -> SessionDescription {
        if self.places.iter().any(|place| *place >= sdp.media_count()) {
            // The peer did not take the last change: it knows the sections as they were before.
            *self = Self::default();
        }
        if self.is_plain() {
            return sdp.clone();
        }
        for media in sdp.media() {
            let place = media.index();
            let known = self.places.contains(&place);
            let rejected = self.retired.contains_key(&place) && media.is_rejected();
            if !known && !rejected {
                self.retired.remove(&place);
                self.places.push(place);
            }
        }
        let mut made = Assembly::of(sdp);
        for place in &self.places {
            made.section(sdp, *place);
        }
        made.finish()
    }

    /// New sections of the call take the places behind all others.
    fn reach(&mut self, sections: usize) {
        while self.places.len() < sections {
            self.places.push(self.places.len() + self.retired.len());
        }
    }
}

/// A description in the making.
struct Assembly {
    text: String,
    lines: Vec<Span>,
    media: Vec<usize>,
}

impl Assembly {
    /// With the session part of another.
    fn of(sdp: &SessionDescription) -> Self {
        let mut made = Self {
            text: String::with_capacity(sdp.text_len()),
            lines: Vec::new(),
            media: Vec::new(),
        };
        for line in sdp.session_lines() {
            made.line(line.text());
        }
        made
    }

    fn line(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.lines.push(Span::new(start, self.text.len()));
    }

    fn section(&mut self, sdp: &SessionDescription, index: usize) {
        let Some(media) = sdp.media_at(index) else {
            return;
        };
        self.media.push(self.lines.len());
        for line in media.lines() {
            self.line(line.text());
        }
    }

    fn rejected(&mut self, retired: &Retired) {
        self.media.push(self.lines.len());
        let Retired {
            kind,
            proto,
            format,
            mid,
        } = retired;
        self.line(&format!("m={kind} 0 {proto} {format}"));
        self.line("c=IN IP4 0.0.0.0");
        if let Some(mid) = mid {
            self.line(&format!("a=mid:{mid}"));
        }
        self.line("a=inactive");
    }

    fn finish(self) -> SessionDescription {
        let clear_at = self.text.len() * 2;
        SessionDescription {
            body: Arc::new(Body {
                text: self.text,
                lines: self.lines,
                media: self.media,
                clear_at,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::sdp;

    fn of(sections: &[&str]) -> SessionDescription {
        let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n";
        let section = |text: &&str| {
            let (kind, mid) = text.split_once(' ').unwrap_or((text, ""));
            let port = if mid.is_empty() { 0 } else { 9 };
            let mid = if mid.is_empty() { "old" } else { mid };
            format!("m={kind} {port} X/Y 0\na=mid:{mid}\n")
        };
        let sections: String = sections.iter().map(section).collect();
        sdp(&format!("{head}{sections}"))
    }

    /// Kinds and mids of the live sections, `-` for a rejected one.
    fn shape(sdp: &SessionDescription) -> Vec<String> {
        let one = |media: super::super::Media<'_>| match media.is_rejected() {
            true => "-".to_owned(),
            false => format!("{} {}", media.m_line().kind, media.mid().unwrap_or("")),
        };
        sdp.media().map(one).collect()
    }

    #[test]
    fn a_section_that_begins_anew_gets_another_place() {
        let mut slots = Slots::default();
        let told = of(&["audio 0", "video 1"]);
        assert_eq!(slots.spread(&told), told);
        slots.renew(0, &told);
        assert!(!slots.is_plain());
        assert!(slots.retired_mids().contains("0"));
        let wire = slots.spread(&of(&["audio 2", "video 1"]));
        assert_eq!(shape(&wire), ["-", "video 1", "audio 2"]);
        assert_eq!(wire.media_at(0).and_then(|m| m.mid()), Some("0"));
        // And back.
        let answer = slots.gather(&of(&["audio", "video 1", "audio 2"]));
        assert_eq!(shape(&answer), ["audio 2", "video 1"]);
        // The next time it takes the place that is free.
        slots.renew(0, &answer);
        let wire = slots.spread(&of(&["audio 3", "video 1"]));
        assert_eq!(shape(&wire), ["audio 3", "video 1", "-"]);
    }

    #[test]
    fn sections_come_behind_all_places_on_either_side() {
        let mut slots = Slots::default();
        let told = of(&["audio 0"]);
        slots.renew(0, &told);
        let wire = slots.spread(&of(&["audio 1", "video 2"]));
        assert_eq!(shape(&wire), ["-", "audio 1", "video 2"]);
        // The peer adds one, and takes the free place for another.
        let offer = of(&["text 9", "audio 1", "video 2", "message 8"]);
        let heard = slots.gather(&offer);
        assert_eq!(shape(&heard), ["audio 1", "video 2", "text 9", "message 8"]);
        assert_eq!(slots.spread(&heard), offer);
    }

    #[test]
    fn a_change_that_the_peer_did_not_take_is_forgotten() {
        let mut slots = Slots::default();
        let told = of(&["audio 0"]);
        slots.renew(0, &told);
        assert_eq!(slots.gather(&told), told);
        assert!(slots.is_plain());
    }
}
