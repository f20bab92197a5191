//! [`compare`]: what changed between the description a peer sent before and the one it sends now.
//!
//! The content decides, not the version in `o=`: browsers count it up for nothing, and phones have
//! constant ones. RFC 3264 §8 says what may change.

use std::collections::BTreeSet;

use super::projection::{Encoding, Projection, Section};
use super::{Direction, SessionDescription};

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What no re-offer may do.
    Illegal(Illegality),
    /// Nothing but perhaps the `o=` line: a refresh of the session.
    Refresh,
    /// Only candidates, their end, sources, tracks or text: for ICE at most.
    Cosmetic,
    /// What changed in which section. [`SectionChange::Bundle`] stands for section 0.
    Sections(Vec<(usize, SectionChange)>),
}

/// Why a re-offer is against RFC 3264 §8.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegality {
    /// There are fewer sections.
    #[error("there are {now} sections after {before}; none may go (RFC 3264 §8)")]
    FewerSections {
        /// Before.
        before: usize,
        /// Now.
        now: usize,
    },
    /// A live section is of another medium.
    #[error("section {0} is of another medium, and was not rejected before (RFC 3264 §8.3.3)")]
    KindChanged(usize),
    /// A payload type means another codec.
    #[error("payload type {1} of section {0} means another codec (RFC 3264 §8.3.2)")]
    PayloadTypeRemapped(usize, u8),
}

impl Illegality {
    /// The code a client is told.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "illegal_reoffer"
    }
}

/// What changed in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionChange {
    /// It is new.
    Added,
    /// It is rejected now.
    Removed,
    /// It was rejected and is used again.
    Recycled,
    /// The peer takes nothing any more.
    Hold,
    /// The peer takes something again.
    Resume,
    /// The peer sends or no longer sends; no hold.
    Direction,
    /// New ICE credentials (RFC 8839 §4.4.1.1.1).
    IceRestart,
    /// Another certificate or association.
    NewDtls,
    /// Another address or port, without ICE.
    Retarget,
    /// Another first codec.
    ActiveCodec,
    /// Other codecs or parameters.
    CodecSet,
    /// The same codecs in another order, the first one included or not.
    CodecOrder,
    /// Only telephone events, comfort noise or redundancy differ.
    MinorCodec,
    /// Other SDES keys.
    Rekey,
    /// From plain to secure media or back.
    Security,
    /// Another limit of bandwidth.
    Bandwidth,
    /// Another composition of the BUNDLE groups.
    Bundle,
    /// Header extensions, qualities, the DTLS role, rtcp-mux or the mid: one that changes is kept
    /// from the other side ([`SessionDescription::take_mids_of`]).
    Attributes,
}

/// Compares what one peer said before with what it says now.
#[must_use]
pub fn compare(prev: &SessionDescription, next: &SessionDescription) -> Change {
    let but_origin = |sdp: &SessionDescription| {
        let lines = sdp.lines().filter(|line| line.kind() != b'o');
        lines.map(|line| line.text().to_owned()).collect::<Vec<_>>()
    };
    if prev == next || but_origin(prev) == but_origin(next) {
        return Change::Refresh;
    }
    let (before, now) = (Projection::of(prev), Projection::of(next));
    if let Some(why) = illegality(&before, &now) {
        return Change::Illegal(why);
    }
    let mut changes = Vec::new();
    for (index, section) in now.sections.iter().enumerate() {
        match before.sections.get(index) {
            Some(old) => {
                let ice = section.ice.0.is_some();
                changes.extend(changed(old, section, ice).into_iter().map(|c| (index, c)));
            }
            None => changes.push((index, SectionChange::Added)),
        }
    }
    if before.bundles != now.bundles {
        changes.push((0, SectionChange::Bundle));
    }
    if changes.is_empty() {
        Change::Cosmetic
    } else {
        Change::Sections(changes)
    }
}

/// Whether the peer restarts ICE: other credentials than before in the section whose transport
/// counts, with BUNDLE the tagged one (RFC 8839 §4.4.1.1.1, RFC 9143 §10). Browsers take another
/// username fragment alone for a restart, and so does this.
#[must_use]
pub fn is_ice_restart(prev: &SessionDescription, next: &SessionDescription) -> bool {
    let restarted = |index: usize| {
        let (Some(old), Some(new)) = (prev.media_at(index), next.media_at(index)) else {
            return false;
        };
        let live = !old.is_rejected() && !new.is_rejected();
        live && old.ice_ufrag().is_some()
            && new.ice_ufrag().is_some()
            && (old.ice_ufrag(), old.ice_pwd()) != (new.ice_ufrag(), new.ice_pwd())
    };
    let groups = next.bundle_groups();
    (0..next.media_count()).any(|index| {
        let Some(media) = next.media_at(index) else {
            return false;
        };
        let bundled = groups
            .iter()
            .find(|g| media.mid().is_some_and(|mid| g.mids.contains(&mid)));
        let tagged = bundled.is_none_or(|g| g.mids.first().copied() == media.mid());
        tagged && restarted(index)
    })
}

fn illegality(before: &Projection<'_>, now: &Projection<'_>) -> Option<Illegality> {
    let counts = (before.sections.len(), now.sections.len());
    if counts.1 < counts.0 {
        return Some(Illegality::FewerSections {
            before: counts.0,
            now: counts.1,
        });
    }
    for (index, (old, new)) in before.sections.iter().zip(&now.sections).enumerate() {
        // A rejected slot may be used anew for anything (RFC 3264 §8.1).
        if old.rejected {
            continue;
        }
        if old.kind != new.kind {
            return Some(Illegality::KindChanged(index));
        }
        for codec in &new.codecs {
            let same = |c: &&Encoding| c.payload_type == codec.payload_type;
            if let Some(was) = old.codecs.iter().find(same)
                && was.meaning != codec.meaning
                && !new.rejected
            {
                return Some(Illegality::PayloadTypeRemapped(index, codec.payload_type));
            }
        }
    }
    None
}

/// What changed in a section that was there before.
fn changed(old: &Section<'_>, new: &Section<'_>, ice: bool) -> Vec<SectionChange> {
    use SectionChange as C;
    match (old.rejected, new.rejected) {
        (true, true) => return Vec::new(),
        (true, false) => return vec![C::Recycled],
        (false, true) => return vec![C::Removed],
        (false, false) => {}
    }
    let mut changes = Vec::new();
    changes.extend(change_of_direction(old.direction, new.direction));
    let mut say = |yes: bool, change| {
        if yes {
            changes.push(change);
        }
    };
    say(old.ice != new.ice, C::IceRestart);
    say(old.dtls != new.dtls, C::NewDtls);
    // With ICE the default destination follows the candidates and means nothing by itself.
    say(!ice && old.destination != new.destination, C::Retarget);
    say(old.cryptos != new.cryptos, C::Rekey);
    say(old.class != new.class, C::Security);
    say(old.bandwidths != new.bandwidths, C::Bandwidth);
    let attributes = old.extmaps != new.extmaps
        || old.qualities != new.qualities
        || old.setup != new.setup
        || old.mux != new.mux
        || old.mid != new.mid
        || (old.codecs == new.codecs && old.formats != new.formats);
    say(attributes, C::Attributes);
    changes.extend(change_of_codecs(&old.codecs, &new.codecs));
    changes
}

fn change_of_direction(old: Direction, new: Direction) -> Option<SectionChange> {
    match (old.receives(), new.receives()) {
        (true, false) => Some(SectionChange::Hold),
        (false, true) => Some(SectionChange::Resume),
        _ if old != new => Some(SectionChange::Direction),
        _ => None,
    }
}

fn change_of_codecs(old: &[Encoding], new: &[Encoding]) -> Vec<SectionChange> {
    use SectionChange as C;
    if old == new {
        return Vec::new();
    }
    let first = |codecs: &[Encoding]| {
        let first = codecs.iter().find(|codec| codec.primary);
        first.map(|codec| codec.meaning.clone())
    };
    let key = |codec: &Encoding| {
        let parameters: Vec<_> = codec.parameters.iter().cloned().collect();
        (codec.payload_type, codec.meaning.clone(), parameters)
    };
    let set = |codecs: &[Encoding], primary: bool| -> BTreeSet<_> {
        codecs
            .iter()
            .filter(|c| c.primary || !primary)
            .map(key)
            .collect()
    };
    let mut changes = Vec::new();
    if set(old, false) == set(new, false) {
        changes.push(C::CodecOrder);
    } else if set(old, true) == set(new, true) {
        changes.push(C::MinorCodec);
    } else {
        changes.push(C::CodecSet);
    }
    if first(old) != first(new) {
        changes.push(C::ActiveCodec);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, capture};
    use SectionChange as C;

    fn between(prev: &str, next: &str) -> Change {
        compare(&capture(prev), &capture(next))
    }

    #[test]
    fn what_browsers_do_is_told_apart() {
        let refresh = "chrome-p-audio-refresh-offer";
        let resume = "chrome-p-audio-resume-offer";
        let hold = "chrome-p-audio-hold-offer";
        assert_eq!(between(refresh, refresh), Change::Refresh);
        assert_eq!(between(refresh, resume), Change::Refresh, "only o= grew");
        assert_eq!(between(refresh, hold), Change::Sections(vec![(0, C::Hold)]));
        assert_eq!(
            between(hold, resume),
            Change::Sections(vec![(0, C::Resume)])
        );
        let before = capture(refresh);
        let text = before
            .to_text()
            .replace("a=ice-ufrag:THas", "a=ice-ufrag:next");
        let restarted = crate::sdp::corpus::sdp(&text);
        assert_eq!(
            compare(&before, &restarted),
            Change::Sections(vec![(0, C::IceRestart)])
        );
        assert!(is_ice_restart(&before, &restarted));
        assert!(!is_ice_restart(&capture(refresh), &capture(hold)));
    }

    #[test]
    fn sections_come_and_go() {
        let add = between(
            "chrome-p-audio-resume-offer",
            "chrome-p-audio-addvideo-offer",
        );
        let Change::Sections(added) = add else {
            panic!("{add:?}")
        };
        assert!(added.contains(&(1, C::Added)), "{added:?}");
        assert!(added.contains(&(0, C::Bundle)), "{added:?}");
        let stop = between(
            "chrome-p-audio-addvideo-offer",
            "chrome-p-audio-stopvideo2-offer",
        );
        let Change::Sections(stopped) = stop else {
            panic!("{stop:?}")
        };
        assert!(stopped.contains(&(1, C::Removed)), "{stopped:?}");
        let fewer = between("chrome-p-audio-addvideo-offer", "chrome-p-audio-hold-offer");
        let why = Illegality::FewerSections { before: 2, now: 1 };
        assert_eq!(fewer, Change::Illegal(why));
    }

    #[test]
    fn candidates_and_order_of_attributes_are_cosmetic() {
        let before = audio("a=mid:0\na=sendrecv\n");
        let after = audio("a=sendrecv\na=mid:0\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\n");
        assert_eq!(compare(&before, &after), Change::Cosmetic);
    }

    fn codecs(formats: &str, lines: &str) -> SessionDescription {
        let text = audio(&format!(
            "a=ice-ufrag:a\na=rtpmap:101 telephone-event/8000\n{lines}"
        ));
        let text = text
            .to_text()
            .replace("SAVPF 0\r", &format!("SAVPF {formats}\r"));
        crate::sdp::corpus::sdp(&text)
    }

    #[test]
    fn codecs_are_compared_as_a_list_a_set_and_a_meaning() {
        let base = codecs("0 8 101", "");
        let to = |formats, lines| compare(&base, &codecs(formats, lines));
        let section = |changes: &[C]| Change::Sections(changes.iter().map(|c| (0, *c)).collect());
        assert_eq!(to("8 0 101", ""), section(&[C::CodecOrder, C::ActiveCodec]));
        assert_eq!(to("0 101 8", ""), section(&[C::CodecOrder]));
        assert_eq!(to("0 8", ""), section(&[C::MinorCodec]));
        assert_eq!(to("0 101", ""), section(&[C::CodecSet]));
        assert_eq!(
            to("0 8 101", "a=rtpmap:8 opus/48000/2\n"),
            Change::Illegal(Illegality::PayloadTypeRemapped(0, 8))
        );
        let spaced = codecs("0 8 101", "a=fmtp:8 b=1; a=2\n");
        let tight = codecs("0 8 101", "a=fmtp:8 a=2;b=1\n");
        assert_eq!(compare(&spaced, &tight), Change::Cosmetic);
    }

    #[test]
    fn an_address_alone_is_a_retarget_only_without_ice() {
        let moved = |sdp: &SessionDescription| {
            let text = sdp.to_text().replace("m=audio 9 ", "m=audio 4000 ");
            compare(
                sdp,
                &crate::sdp::corpus::sdp(&text.replace("192.0.2.7", "192.0.2.8")),
            )
        };
        let retarget = vec![(0, C::Retarget)];
        assert_eq!(moved(&audio("")), Change::Sections(retarget));
        assert_eq!(moved(&audio("a=ice-ufrag:a\n")), Change::Cosmetic);
    }

    #[test]
    fn keys_and_certificates_are_seen() {
        let change = |a: &str, b: &str| compare(&audio(a), &audio(b));
        assert_eq!(
            change("a=crypto:1 X inline:y\n", "a=crypto:1 X inline:z\n"),
            Change::Sections(vec![(0, C::Rekey)])
        );
        assert_eq!(
            change("a=fingerprint:sha-256 aa\n", "a=fingerprint:SHA-256 AA\n"),
            Change::Cosmetic
        );
        assert_eq!(
            change("a=fingerprint:sha-256 aa\n", "a=fingerprint:sha-256 BB\n"),
            Change::Sections(vec![(0, C::NewDtls)])
        );
    }
}
