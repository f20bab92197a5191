//! Choosing among the formats of a section: leaving some out, or another order.
//!
//! A payload type is never renumbered: its meaning stays for the session (RFC 3264 §8.3.2).

use super::codec::{Codec, payload_type_and_rest};
use super::text::{LineText, number};
use super::{Media, SessionDescription};

impl SessionDescription {
    /// Keeps the codecs of an RTP section that the predicate takes, and what depends on them:
    /// rtx and red of a codec that goes, go; so do comfort noise and telephone events of a clock
    /// that no codec has any more, unless no other event is left. A section
    /// without a codec to talk with is rejected. Returns the payload types that went.
    pub fn keep_formats(&mut self, media: usize, pred: impl FnMut(&Codec<'_>) -> bool) -> Vec<u8> {
        let Some(section) = self.media_at(media) else {
            return Vec::new();
        };
        let codecs = section.codecs();
        let (kept, gone) = choose(&codecs, pred);
        if gone.is_empty() {
            return gone;
        }
        if !codecs
            .iter()
            .any(|c| kept.contains(&c.payload_type) && c.is_primary())
        {
            self.reject_media(media);
            return gone;
        }
        let stays = |format: &&str| number::<u8>(format).is_none_or(|pt| !gone.contains(&pt));
        let formats: Vec<_> = section.formats().filter(stays).map(str::to_owned).collect();
        self.write_formats(media, &formats);
        self.remove_lines(|part, line| {
            let of = |name| line.value_of(name).and_then(payload_type_and_rest);
            let described = ["rtpmap", "fmtp", "rtcp-fb", "imageattr"]
                .into_iter()
                .find_map(of);
            part == Some(media) && described.is_some_and(|(pt, _)| gone.contains(&pt))
        });
        gone
    }

    /// Puts these payload types first, in this order; the others follow as they were.
    pub fn reorder_formats(&mut self, media: usize, order: &[u8]) {
        let Some(section) = self.media_at(media) else {
            return;
        };
        let mut formats: Vec<_> = section.formats().map(str::to_owned).collect();
        let place = |format: &String| {
            let pt = number::<u8>(format);
            order
                .iter()
                .position(|o| Some(*o) == pt)
                .unwrap_or(order.len())
        };
        formats.sort_by_key(place);
        self.write_formats(media, &formats);
    }

    /// Rejects a section in the form every peer takes: port 0, one format, `c=`, mid and
    /// `a=inactive` (RFC 3264 §6, §8.2).
    pub fn reject_media(&mut self, media: usize) {
        let Some(section) = self.media_at(media) else {
            return;
        };
        let m = section.m_line();
        let format = section.formats().next().unwrap_or("0");
        let line = LineText::of(format_args!("m={} 0 {} {format}", m.kind, m.proto));
        self.rewrite_as_rejected(media, &line);
    }

    /// Writes this `m=` line and keeps only `c=`, which is added where there is none, and mid.
    pub(super) fn rewrite_as_rejected(&mut self, media: usize, m_line: &LineText) {
        self.replace_line(self.media_range(media).start, m_line);
        self.remove_lines(|part, line| {
            part == Some(media) && line.kind() != b'c' && !line.is_attribute("mid")
        });
        if self
            .media_at(media)
            .is_some_and(|m| m.lines().all(|l| l.kind() != b'c'))
        {
            self.set_connection(media, &std::net::IpAddr::from([0, 0, 0, 0]));
        }
        self.set_direction(media, super::Direction::Inactive);
    }

    fn write_formats(&mut self, media: usize, formats: &[String]) {
        let Some(m) = self.media_at(media).map(|section| section.m_line()) else {
            return;
        };
        let formats = formats.join(" ");
        let line = super::MLine {
            formats: &formats,
            ..m
        };
        let line = line.with_port(m.port);
        self.replace_line(self.media_range(media).start, &line);
    }
}

impl Media<'_> {
    /// Whether a codec to talk with is left.
    #[must_use]
    pub fn has_primary_codec(&self) -> bool {
        self.codecs().iter().any(Codec::is_primary)
    }
}

/// Which payload types stay and which go.
fn choose(codecs: &[Codec<'_>], mut pred: impl FnMut(&Codec<'_>) -> bool) -> (Vec<u8>, Vec<u8>) {
    let mut kept: Vec<&Codec<'_>> = codecs.iter().filter(|c| pred(c)).collect();
    // What depends on one that went goes, until nothing changes: rtx of red of opus. Each round
    // but the last removes one, so there are at most as many as formats.
    loop {
        let before = kept.len();
        let there: Vec<u8> = kept.iter().map(|c| c.payload_type).collect();
        kept.retain(|c| c.depends_on().iter().all(|pt| there.contains(pt)));
        if kept.len() == before {
            break;
        }
    }
    let clocks: Vec<u32> = kept
        .iter()
        .filter(|c| c.is_primary())
        .map(|c| c.clock_rate)
        .collect();
    let had = |clock| {
        codecs
            .iter()
            .any(|c| c.is_primary() && c.clock_rate == clock)
    };
    let lost = |c: &Codec<'_>| !clocks.contains(&c.clock_rate) && had(c.clock_rate);
    let other_event = kept
        .iter()
        .any(|c| c.is("telephone-event") && clocks.contains(&c.clock_rate));
    kept.retain(|c| {
        let goes = lost(c) && (c.is("CN") || (c.is("telephone-event") && other_event));
        !goes
    });
    let kept: Vec<u8> = kept.iter().map(|c| c.payload_type).collect();
    let all = codecs.iter().map(|c| c.payload_type);
    let gone = all.filter(|pt| !kept.contains(pt)).collect();
    (kept, gone)
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::{capture, sdp};

    #[test]
    fn dependents_go_with_their_codec() {
        let before = capture("chrome-audio-offer-gathered");
        let mut after = before.clone();
        let gone = after.keep_formats(0, |codec| !codec.is("opus"));
        assert_eq!(gone, [111, 63, 110]);
        let m = after.media_at(0).unwrap().m_line();
        assert_eq!(m.formats, "9 0 8 13 126");
        let kept = before.lines().filter(|line| {
            line.kind() != b'm'
                && ![":111 ", ":63 ", ":110 "]
                    .iter()
                    .any(|p| line.text().contains(p))
        });
        assert!(after.lines().filter(|l| l.kind() != b'm').eq(kept));
    }

    #[test]
    fn the_last_telephone_event_stays() {
        let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n\
            m=audio 4 RTP/AVP 96 0 101 13\na=rtpmap:96 opus/48000/2\n\
            a=rtpmap:101 telephone-event/8000\n";
        let mut one = sdp(text);
        assert_eq!(one.keep_formats(0, |codec| !codec.is("PCMU")), [0, 13]);
        assert_eq!(one.media_at(0).unwrap().m_line().formats, "96 101");
    }

    #[test]
    fn nothing_left_rejects_the_section() {
        let mut offer = capture("chrome-p-av-offer-gathered");
        offer.keep_formats(1, |codec| codec.is("telephone-event"));
        let section = offer.media_at(1).unwrap();
        assert!(section.is_rejected());
        let lines: Vec<_> = section.lines().map(|l| l.text()).collect();
        assert_eq!(lines[0], "m=video 0 UDP/TLS/RTP/SAVPF 96");
        assert!(lines[1].starts_with("c=IN IP4 "));
        assert_eq!(lines[2..], ["a=mid:1", "a=inactive"]);
        assert_eq!(offer.media_count(), 3);
    }

    #[test]
    fn an_order_moves_what_it_names() {
        let mut offer = capture("chrome-audio-offer-gathered");
        offer.reorder_formats(0, &[8, 77, 0]);
        let m = offer.media_at(0).unwrap().m_line();
        assert_eq!(m.formats, "8 0 111 63 9 13 110 126");
        offer.reorder_formats(5, &[8]);
    }
}
