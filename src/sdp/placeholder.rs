//! Sections that a browser cannot take: T.38, MSRP, BFCP, text and what else a phone offers.
//!
//! Firefox refuses a whole offer for one of them, even at port 0. A placeholder that both browsers
//! accept and answer with port 0 takes its index, so that indexes stay equal on both legs; the
//! answer gets the offered media and proto back.

use super::text::LineText;
use super::{Media, SessionDescription};

const SECURE_RTP: [&str; 7] = [
    "UDP/TLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "TCP/DTLS/RTP/SAVPF",
    "TCP/DTLS/RTP/SAVP",
    "TCP/TLS/RTP/SAVPF",
    "RTP/SAVPF",
    "RTP/SAVP",
];

const DATA: [&str; 3] = ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"];

impl Media<'_> {
    /// Whether a browser can read the section: audio or video over RTP, or a data channel. A live
    /// section of plain RTP counts: to hide it would hide why the call fails.
    #[must_use]
    pub fn is_for_browsers(&self) -> bool {
        let m = self.m_line();
        let is_one = |list: &[&str]| list.iter().any(|p| p.eq_ignore_ascii_case(m.proto));
        let plain_rtp = ["RTP/AVP", "RTP/AVPF"];
        let kind_is = |kind: &str| m.kind.eq_ignore_ascii_case(kind);
        if kind_is("application") {
            return is_one(&DATA);
        }
        (kind_is("audio") || kind_is("video"))
            && (is_one(&SECURE_RTP) || (is_one(&plain_rtp) && m.port != 0))
    }
}

impl SessionDescription {
    /// Replaces each section that no browser takes by the placeholder, which keeps its mid.
    /// Returns index and `m=` value of each.
    pub fn replace_foreign_media(&mut self) -> Vec<(usize, String)> {
        let foreign: Vec<(usize, String)> = self
            .media()
            .filter(|media| !media.is_for_browsers())
            .map(|media| {
                let m = media.m_line();
                (media.index(), format!("{} {}", m.kind, m.proto))
            })
            .collect();
        for (index, _) in &foreign {
            let line = LineText::of(format_args!("m=audio 0 UDP/TLS/RTP/SAVPF 0"));
            self.rewrite_as_rejected(*index, &line);
            self.set_connection(*index, &std::net::IpAddr::from([0, 0, 0, 0]));
        }
        if !foreign.is_empty() {
            // A rejected section is in no group (RFC 9143 §7.5.3).
            self.drop_rejected_group_members();
        }
        foreign
    }

    /// Gives each rejected section of an answer the media, proto and first format that were
    /// offered, where a placeholder stood for them. Returns the sections that changed.
    pub fn restore_foreign_media(&mut self, offer: &Self) -> Vec<usize> {
        let mut restored = Vec::new();
        for offered in offer.media() {
            let index = offered.index();
            let theirs = offered.m_line();
            let Some(ours) = self.media_at(index).map(|media| media.m_line()) else {
                continue;
            };
            let same = ours.kind.eq_ignore_ascii_case(theirs.kind)
                && ours.proto.eq_ignore_ascii_case(theirs.proto);
            if ours.port != 0 || same {
                continue;
            }
            let format = offered.formats().next().unwrap_or("0");
            let line = LineText::of(format_args!(
                "m={} 0 {} {format}",
                theirs.kind, theirs.proto
            ));
            self.replace_line(self.media_range(index).start, &line);
            restored.push(index);
        }
        restored
    }

    /// Writes the mids of an answer as its offer has them: those that were not offered go
    /// (RFC 5888 §9.1), and from the groups what names them. Returns the sections that changed.
    pub fn restore_mids(&mut self, offer: &Self) -> Vec<usize> {
        let without = offer.media().filter(|media| media.mid().is_none());
        let without: Vec<usize> = without
            .map(|media| media.index())
            .filter(|index| self.media_at(*index).is_some_and(|m| m.mid().is_some()))
            .collect();
        if !without.is_empty() {
            self.remove_attributes(|media, name, _| {
                media.is_some_and(|index| without.contains(&index))
                    && name.eq_ignore_ascii_case("mid")
            });
            self.drop_unknown_group_members();
        }
        let mut changed = without;
        changed.extend(self.take_mids_of(offer));
        changed
    }
}

#[cfg(test)]
mod tests {
    use crate::sdp::corpus::sdp;

    const OFFER: &str = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n\
        a=group:BUNDLE a fax\n\
        m=audio 4 UDP/TLS/RTP/SAVPF 0\na=mid:a\n\
        m=image 4000 udptl t38\na=mid:fax\na=T38FaxVersion:0\n\
        m=application 0 UDP/UDT/IX *\nm=video 0 RTP/AVP 34\n";

    #[test]
    fn foreign_sections_become_placeholders_and_come_back() {
        let offer = sdp(OFFER);
        let mut shown = offer.clone();
        let replaced = shown.replace_foreign_media();
        let indexes: Vec<_> = replaced.iter().map(|(index, _)| *index).collect();
        assert_eq!(indexes, [1, 2, 3]);
        let expected = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n\
            a=group:BUNDLE a\n\
            m=audio 4 UDP/TLS/RTP/SAVPF 0\na=mid:a\n\
            m=audio 0 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 0.0.0.0\na=mid:fax\na=inactive\n\
            m=audio 0 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 0.0.0.0\na=inactive\n\
            m=audio 0 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 0.0.0.0\na=inactive\n";
        assert_eq!(shown, sdp(expected));
        assert!(shown.replace_foreign_media().is_empty());

        let mut answer = shown;
        answer.add_mids();
        assert_eq!(answer.restore_foreign_media(&offer), [1, 2, 3]);
        assert_eq!(answer.restore_mids(&offer), [2, 3]);
        let lines: Vec<_> = answer
            .media()
            .map(|m| m.lines().map(|l| l.text()).next())
            .collect();
        assert_eq!(
            lines,
            [
                Some("m=audio 4 UDP/TLS/RTP/SAVPF 0"),
                Some("m=image 0 udptl t38"),
                Some("m=application 0 UDP/UDT/IX *"),
                Some("m=video 0 RTP/AVP 34")
            ]
        );
    }
}
