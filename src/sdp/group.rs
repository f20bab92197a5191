//! [`Group`] and mids (RFC 5888), BUNDLE (RFC 9143).

use std::collections::BTreeSet;

use super::text::LineText;
use super::{Media, SessionDescription};

/// One `a=group` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// `BUNDLE`, `LS`, …
    pub semantics: &'a str,
    /// The mids, the tagged one first (RFC 9143 §7.2.1).
    pub mids: Vec<&'a str>,
}

impl<'a> Group<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let mut fields = value.split_ascii_whitespace();
        Some(Self {
            semantics: fields.next()?,
            mids: fields.collect(),
        })
    }

    /// Whether this is a BUNDLE group.
    #[must_use]
    pub fn is_bundle(&self) -> bool {
        self.semantics.eq_ignore_ascii_case("BUNDLE")
    }
}

impl SessionDescription {
    /// All groups of the session.
    #[must_use]
    pub fn groups(&self) -> Vec<Group<'_>> {
        self.session_lines()
            .filter_map(|line| Group::parse(line.value_of("group")?))
            .collect()
    }

    /// The BUNDLE groups of the session.
    #[must_use]
    pub fn bundle_groups(&self) -> Vec<Group<'_>> {
        self.groups().into_iter().filter(Group::is_bundle).collect()
    }

    /// Gives a mid to each section that has none: a small number that no other section has. Where
    /// one section has a mid all must, or Chrome makes up colliding ones. Returns what was given.
    pub fn add_mids(&mut self) -> Vec<(usize, String)> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        taken.extend(self.media().filter_map(|m| m.mid().map(str::to_owned)));
        let mut added = Vec::new();
        let mut next = 0_usize;
        for index in 0..self.media_count() {
            if self
                .media_at(index)
                .is_some_and(|media| media.mid().is_some())
            {
                continue;
            }
            while taken.contains(&next.to_string()) {
                next += 1;
            }
            let mid = next.to_string();
            let line = LineText::of(format_args!("a=mid:{mid}"));
            self.insert_line(self.media_range(index).end, &line);
            taken.insert(mid.clone());
            added.push((index, mid));
        }
        added
    }

    /// Gives each section that has no mid the one at its place in the list, where there is one, and
    /// a new one elsewhere.
    pub fn add_mids_like(&mut self, mids: &[Option<String>]) {
        for (index, mid) in mids.iter().enumerate() {
            let bare = self
                .media_at(index)
                .is_some_and(|media| media.mid().is_none());
            if let Some(mid) = mid.as_ref().filter(|_| bare) {
                let line = LineText::of(format_args!("a=mid:{mid}"));
                self.insert_line(self.media_range(index).end, &line);
            }
        }
        self.add_mids();
    }

    /// Gives each rejected section of an answer that has no mid the one of its offer, where other
    /// sections have mids: peers drop every attribute of what they turn down (RFC 3264 §6 asks for
    /// none), and a browser finds its sections by the mid. Returns what was given.
    pub fn take_rejected_mids_of(&mut self, offer: &Self) -> Vec<(usize, String)> {
        if self.media().all(|media| media.mid().is_none()) {
            return Vec::new();
        }
        let mut given = Vec::new();
        for (ours, theirs) in offer.media().zip(self.media()) {
            if let (Some(mid), None, true) = (ours.mid(), theirs.mid(), theirs.is_rejected()) {
                given.push((theirs.index(), mid.to_owned()));
            }
        }
        for (index, mid) in &given {
            let line = LineText::of(format_args!("a=mid:{mid}"));
            self.insert_line(self.media_range(*index).end, &line);
        }
        given
    }

    /// Removes the mids of all sections and the groups that name them: for an answer to an offer
    /// that had none. Says how many lines went.
    pub fn remove_mids(&mut self) -> usize {
        self.remove_attributes(|media, name, _| {
            let name_is = |what: &str| name.eq_ignore_ascii_case(what);
            (media.is_some() && name_is("mid")) || (media.is_none() && name_is("group"))
        })
    }

    /// Drops from each group the mids that no section has; Chrome refuses a description with one.
    /// Returns the mids. A group that is left empty goes with them.
    pub fn drop_unknown_group_members(&mut self) -> Vec<String> {
        let known: BTreeSet<String> = self.media().filter_map(|m| Some(m.mid()?.into())).collect();
        self.drop_group_members(|_, mid| !known.contains(mid))
    }

    /// Drops rejected sections from the BUNDLE groups of an answer (RFC 9143 §7.3.3).
    pub fn drop_rejected_group_members(&mut self) -> Vec<String> {
        let rejected = self.media().filter(|m| m.is_rejected());
        let rejected: BTreeSet<String> = rejected.filter_map(|m| Some(m.mid()?.into())).collect();
        self.drop_group_members(|group, mid| group.is_bundle() && rejected.contains(mid))
    }

    /// Drops from the BUNDLE groups of an answer what its offer has in none (RFC 9143 §7.3).
    /// Returns the mids.
    pub fn drop_unoffered_group_members(&mut self, offer: &Self) -> Vec<String> {
        let groups = offer.bundle_groups().into_iter();
        let offered: BTreeSet<&str> = groups.flat_map(|group| group.mids).collect();
        self.drop_group_members(|group, mid| group.is_bundle() && !offered.contains(mid))
    }

    /// Removes groups that name no section. Says how many.
    pub fn remove_empty_groups(&mut self) -> usize {
        self.remove_lines(|media, line| {
            let group = line.value_of("group").and_then(Group::parse);
            media.is_none() && group.is_some_and(|group| group.mids.is_empty())
        })
    }

    /// Writes the one BUNDLE group of a later description again, where its peer left it out: a
    /// group once agreed must stay (RFC 9143 §7.5).
    pub fn set_bundle_group(&mut self, mids: &[&str]) {
        let line = LineText::of(format_args!("a=group:BUNDLE {}", mids.join(" ")));
        let is_bundle = |line: super::Line<'_>| {
            line.value_of("group")
                .and_then(Group::parse)
                .is_some_and(|group| group.is_bundle())
        };
        match self.find(self.session_range(), is_bundle) {
            Some(at) => self.replace_line(at, &line),
            None => self.insert_line(self.session_range().end, &line),
        }
    }

    /// Gives each section the mid that the section at its place has in `before`, in the groups as
    /// well: a mid stays with its section for the life of a session (RFC 9143 §7.5), and a client
    /// that begins anew in mid-call has counted its own from 0. A section that takes the place of a
    /// rejected one keeps its new mid (RFC 9429 §5.2.2). Returns the places that changed.
    pub fn take_mids_of(&mut self, before: &Self) -> Vec<usize> {
        let mut mids: Vec<Option<String>> = Vec::new();
        let mut changed = Vec::new();
        for media in self.media() {
            let then = before
                .media_at(media.index())
                .filter(|then| !then.is_rejected() || media.is_rejected())
                .and_then(|then| then.mid());
            let moves = media.mid().is_some() && then.is_some() && media.mid() != then;
            if moves {
                changed.push(media.index());
            }
            mids.push(if moves { then } else { media.mid() }.map(str::to_owned));
        }
        if changed.is_empty() {
            return changed;
        }
        // A mid that is kept gives way to one that was taken.
        let mut taken: BTreeSet<String> =
            changed.iter().filter_map(|at| mids[*at].clone()).collect();
        for at in (0..mids.len())
            .filter(|at| !changed.contains(at))
            .collect::<Vec<_>>()
        {
            let Some(mid) = mids[at].clone() else {
                continue;
            };
            if !taken.insert(mid) {
                let mut numbers = (0..).map(|number: usize| number.to_string());
                let is_free =
                    |mid: &String| !taken.contains(mid) && !mids.contains(&Some(mid.clone()));
                let free = numbers.find(is_free).unwrap_or_default();
                taken.insert(free.clone());
                mids[at] = Some(free);
                changed.push(at);
            }
        }
        let renamed: Vec<(String, String)> = changed
            .iter()
            .filter_map(|at| Some((self.media_at(*at)?.mid()?.to_owned(), mids[*at].clone()?)))
            .collect();
        for at in &changed {
            if let Some(mid) = &mids[*at] {
                let line = LineText::of(format_args!("a=mid:{mid}"));
                self.set_attribute(Some(*at), "mid", &line);
            }
        }
        self.rename_group_members(&renamed);
        changed
    }

    /// Gives a section a mid that no other section has and that is not in `taken`.
    pub fn set_fresh_mid(&mut self, section: usize, taken: &BTreeSet<String>) {
        let Some(old) = self.media_at(section).and_then(|media| media.mid()) else {
            return;
        };
        let old = old.to_owned();
        let ours: BTreeSet<&str> = self.media().filter_map(|media| media.mid()).collect();
        let mut numbers = (0..).map(|number: usize| number.to_string());
        let is_free = |mid: &String| !ours.contains(mid.as_str()) && !taken.contains(mid);
        let fresh = numbers.find(is_free).unwrap_or_default();
        let line = LineText::of(format_args!("a=mid:{fresh}"));
        self.set_attribute(Some(section), "mid", &line);
        self.rename_group_members(&[(old, fresh)]);
    }

    /// Writes the groups with new mids, all at once: two mids may change places.
    fn rename_group_members(&mut self, renamed: &[(String, String)]) {
        for at in self.session_range() {
            let Some(group) = self.line(at).value_of("group").and_then(Group::parse) else {
                continue;
            };
            let new = |mid: &&str| -> String {
                let found = renamed.iter().find(|(old, _)| old == mid);
                found.map_or_else(|| (*mid).to_owned(), |(_, new)| new.clone())
            };
            let mids: Vec<String> = group.mids.iter().map(new).collect();
            let line = LineText::of(format_args!(
                "a=group:{} {}",
                group.semantics,
                mids.join(" ")
            ));
            self.replace_line(at, &line);
        }
    }

    fn drop_group_members(&mut self, drop: impl Fn(&Group<'_>, &str) -> bool) -> Vec<String> {
        let mut dropped = Vec::new();
        for at in self.session_range().rev() {
            let Some(group) = self.line(at).value_of("group").and_then(Group::parse) else {
                continue;
            };
            let (gone, kept): (Vec<&str>, Vec<&str>) =
                group.mids.iter().partition(|mid| drop(&group, mid));
            if gone.is_empty() {
                continue;
            }
            dropped.extend(gone.iter().map(|mid| (*mid).to_owned()));
            if kept.is_empty() {
                self.remove_line(at);
            } else {
                let kept = kept.join(" ");
                let line = LineText::of(format_args!("a=group:{} {kept}", group.semantics));
                self.replace_line(at, &line);
            }
        }
        dropped
    }
}

impl Media<'_> {
    /// Whether another section of its BUNDLE group speaks for its transport: it is in a group and
    /// not the tagged one (RFC 9143 §7.1.3).
    #[must_use]
    pub fn shares_transport(&self) -> bool {
        let Some(mid) = self.mid() else { return false };
        self.description().bundle_groups().iter().any(|group| {
            let place = group.mids.iter().position(|m| *m == mid);
            place.is_some_and(|place| place > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::{capture, sdp};

    const HEAD: &str = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\n";

    #[test]
    fn members_without_a_section_are_dropped() {
        let text = format!("{HEAD}a=group:BUNDLE 0 x 1\na=group:LS y\n");
        let sections = "m=audio 9 X/Y 0\na=mid:0\nm=video 0 X/Y 0\na=mid:1\n";
        let mut two = sdp(&format!("{text}{sections}"));
        assert_eq!(two.drop_unknown_group_members(), ["y", "x"]);
        assert_eq!(two, sdp(&format!("{HEAD}a=group:BUNDLE 0 1\n{sections}")));
        assert_eq!(two.drop_rejected_group_members(), ["1"]);
        assert_eq!(two, sdp(&format!("{HEAD}a=group:BUNDLE 0\n{sections}")));
        two.set_bundle_group(&["0", "1"]);
        assert_eq!(two, sdp(&format!("{HEAD}a=group:BUNDLE 0 1\n{sections}")));
        two.remove_mids();
        two.set_bundle_group(&[]);
        assert_eq!(two.remove_empty_groups(), 1);
    }

    #[test]
    fn a_mid_stays_with_its_place() {
        let group = |mids: &str| format!("{HEAD}a=group:BUNDLE {mids}\n");
        let sections = |mids: [&str; 3]| {
            let one = |mid: &str| format!("m=audio 9 X/Y 0\na=mid:{mid}\n");
            mids.map(one).concat()
        };
        let before = sdp(&format!(
            "{}{}",
            group("a 1"),
            "m=audio 9 X/Y 0\na=mid:a\nm=audio 9 X/Y 0\na=mid:1\n"
        ));
        let mut anew = sdp(&format!("{}{}", group("0 1 2"), sections(["0", "1", "2"])));
        assert_eq!(anew.take_mids_of(&before), [0]);
        assert_eq!(
            anew,
            sdp(&format!("{}{}", group("a 1 2"), sections(["a", "1", "2"])))
        );
        assert!(anew.take_mids_of(&before).is_empty());

        // Two change places; the third has to give way.
        let before = sdp(&format!(
            "{}{}",
            group("1 2"),
            "m=audio 9 X/Y 0\na=mid:1\nm=audio 9 X/Y 0\na=mid:2\n"
        ));
        let mut anew = sdp(&format!("{}{}", group("0 1 2"), sections(["0", "1", "2"])));
        assert_eq!(anew.take_mids_of(&before), [0, 1, 2]);
        assert_eq!(
            anew,
            sdp(&format!("{}{}", group("1 2 0"), sections(["1", "2", "0"])))
        );

        // The place of a rejected section was given to another one.
        let before = sdp(&format!("{}m=audio 0 X/Y 0\na=mid:a\n", group("b")));
        let mut anew = sdp(&format!("{}m=audio 9 X/Y 0\na=mid:7\n", group("7")));
        assert!(anew.take_mids_of(&before).is_empty());
    }

    #[test]
    fn missing_mids_are_given_and_collide_with_none() {
        let mut three = sdp(&format!(
            "{HEAD}m=audio 9 X/Y 0\nm=video 9 X/Y 0\na=mid:0\nm=video 9 X/Y 0\n"
        ));
        let added = three.add_mids();
        assert_eq!(added, [(0, "1".to_owned()), (2, "2".to_owned())]);
        assert!(three.add_mids().is_empty());
        let mids: Vec<_> = three.media().map(|m| m.mid().unwrap().to_owned()).collect();
        assert_eq!(mids, ["1", "0", "2"]);
    }

    #[test]
    fn the_tagged_section_speaks_for_the_others() {
        let answer = capture("chrome-p-av-answer-gathered");
        let shared: Vec<_> = answer.media().map(|m| m.shares_transport()).collect();
        assert_eq!(shared, [false, true, true]);
    }

    #[test]
    fn a_rejected_section_without_a_mid_takes_that_of_its_offer() {
        let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n";
        let offer = sdp(&format!(
            "{text}a=group:BUNDLE a v\nm=audio 4 RTP/AVP 0\na=mid:a\nm=video 9 RTP/AVP 96\n\
             a=mid:v\n"
        ));
        let mut answer = sdp(&format!(
            "{text}a=group:BUNDLE a\nm=audio 4 RTP/AVP 0\na=mid:a\nm=video 0 RTP/AVP 96\n"
        ));
        let given = [(1, "v".to_owned())];
        assert_eq!(answer.take_rejected_mids_of(&offer), given);
        assert_eq!(answer.media_at(1).and_then(|media| media.mid()), Some("v"));
        assert_eq!(answer.take_rejected_mids_of(&offer), []);
        // A peer that knows no mids has none, and one that uses the section must name it.
        let mut bare = sdp(&format!(
            "{text}m=audio 4 RTP/AVP 0\nm=video 0 RTP/AVP 96\n"
        ));
        assert_eq!(bare.take_rejected_mids_of(&offer), []);
        let mut live = sdp(&format!(
            "{text}m=audio 4 RTP/AVP 0\na=mid:a\nm=video 9 RTP/AVP 96\n"
        ));
        assert_eq!(live.take_rejected_mids_of(&offer), []);
    }
}
