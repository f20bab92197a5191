//! Mending a description for a browser: what it would refuse is repaired, line by line, where the
//! meaning is plain; the rest is for `check.rs` to refuse.
//!
//! What each repair is for was measured with Chromium 156 and Firefox 153. Mending twice is
//! mending once, and what one Chrome wrote for another passes untouched.

use std::net::IpAddr;

use super::mended::{Mended, What};
use super::text::{Line, LineText, is_visible, number};
use super::{Fingerprint, Origin, SessionDescription, Setup};

/// The lines of the session part in the order of the grammar (RFC 8866 §5, §9).
const SESSION_ORDER: [&[u8]; 12] = [
    b"v", b"o", b"s", b"i", b"u", b"e", b"p", b"c", b"b", b"tr", b"z", b"k",
];

/// Attribute names that browsers read, for those who write them in capitals.
const KNOWN_NAMES: &[&str] = &[
    "bundle-only",
    "candidate",
    "end-of-candidates",
    "extmap",
    "extmap-allow-mixed",
    "fingerprint",
    "fmtp",
    "group",
    "ice-lite",
    "ice-options",
    "ice-pwd",
    "ice-ufrag",
    "inactive",
    "max-message-size",
    "maxptime",
    "mid",
    "msid",
    "msid-semantic",
    "ptime",
    "recvonly",
    "rid",
    "rtcp",
    "rtcp-fb",
    "rtcp-mux",
    "rtcp-rsize",
    "rtpmap",
    "sctp-port",
    "sctpmap",
    "sendonly",
    "sendrecv",
    "setup",
    "simulcast",
    "ssrc",
    "ssrc-group",
    "tls-id",
];

impl SessionDescription {
    /// Repairs what a browser would refuse or misread, and says what was done. See [`Mended`].
    pub fn mend_for_browser(&mut self, what: What) -> Vec<Mended> {
        let mut done = Vec::new();
        self.mend_session(&mut done);
        self.mend_foreign_text(&mut done);
        self.mend_spelling(&mut done);
        if what == What::Offer {
            // Before anything is given to sections: a placeholder needs no role and no key.
            let foreign = self.replace_foreign_media();
            done.extend(
                foreign
                    .into_iter()
                    .map(|(at, m)| Mended::Placeholder(at, m)),
            );
        }
        let moved = self.push_down_session_attributes();
        if !moved.is_empty() {
            done.push(Mended::PushedDown(moved));
        }
        self.mend_holds(&mut done);
        self.mend_connections(&mut done);
        let bad = self.remove_unreadable_candidates().into_iter();
        done.extend(bad.map(|(media, why)| Mended::DroppedCandidate(media, why)));
        self.mend_setups(what, &mut done);
        self.mend_groups(what, &mut done);
        self.mend_attributes(&mut done);
        done
    }

    /// Order and completeness of the session part.
    fn mend_session(&mut self, done: &mut Vec<Mended>) {
        let mut unknown = Vec::new();
        self.remove_lines(|media, line| {
            let goes = media.is_none() && rank(line.kind()).is_none();
            if goes {
                unknown.push(line.redacted().to_string());
            }
            goes
        });
        done.extend(unknown.into_iter().map(Mended::DroppedUnknownLine));
        let ranks: Vec<_> = self.session_lines().map(|line| rank(line.kind())).collect();
        if !ranks.is_sorted() {
            let mut lines: Vec<LineText> = self
                .session_lines()
                .map(|line| LineText::of(format_args!("{}", line.text())))
                .collect();
            lines.sort_by_key(|line| rank(Line(line.as_str()).kind()));
            for (at, line) in lines.iter().enumerate() {
                self.replace_line(at, line);
            }
            done.push(Mended::SortedSession);
        }
        for missing in ["s=-", "t=0 0"] {
            let kind = Line(missing).kind();
            if self
                .find(self.session_range(), |line| line.kind() == kind)
                .is_some()
            {
                continue;
            }
            let at = self.find(self.session_range(), |line| rank(line.kind()) > rank(kind));
            let line = LineText::of(format_args!("{missing}"));
            self.insert_line(at.unwrap_or(self.session_range().end), &line);
            done.push(Mended::AddedLine(missing));
        }
    }

    /// What Firefox refuses the whole text for.
    fn mend_foreign_text(&mut self, done: &mut Vec<Mended>) {
        let is_name = |line: Line<'_>| line.kind() == b's';
        if let Some(at) = self.find(self.session_range(), is_name) {
            let name = self.line(at).value();
            if name.is_empty() || !name.is_ascii() {
                self.replace_line(at, &LineText::of(format_args!("s=-")));
                done.push(Mended::ReplacedName);
            }
        }
        let origin = self.origin();
        if !origin.username.is_ascii() {
            let [id, version, network, address_type, address] = [
                origin.session_id,
                origin.version,
                origin.network_type,
                origin.address_type,
                origin.address,
            ]
            .map(str::to_owned);
            self.set_origin(&Origin {
                username: "-",
                session_id: &id,
                version: &version,
                network_type: &network,
                address_type: &address_type,
                address: &address,
            });
            done.push(Mended::ReplacedUser);
        }
        let mut foreign = Vec::new();
        self.remove_lines(|_, line| {
            let droppable = matches!(line.kind(), b'i' | b'u' | b'e' | b'p' | b'a');
            let goes = droppable && !line.text().is_ascii();
            if goes {
                let name = line.attribute().map(|(name, _)| format!("a={name}"));
                let kind = char::from(line.kind());
                foreign.push(name.filter(|n| n.is_ascii()).unwrap_or(format!("{kind}=")));
            }
            goes
        });
        done.extend(foreign.into_iter().map(Mended::DroppedForeignText));
    }

    /// Names, fingerprints and protos in the spelling that browsers compare with.
    fn mend_spelling(&mut self, done: &mut Vec<Mended>) {
        for at in 0..self.body.lines.len() {
            if let Some((name, value)) = self.line(at).attribute()
                && name.bytes().any(|b| b.is_ascii_uppercase())
            {
                let lower = name.to_ascii_lowercase();
                if KNOWN_NAMES.contains(&lower.as_str()) {
                    done.push(Mended::LoweredName(name.to_owned()));
                    let line = match value {
                        Some(value) => LineText::of(format_args!("a={lower}:{value}")),
                        None => LineText::of(format_args!("a={lower}")),
                    };
                    self.replace_line(at, &line);
                }
            }
            let print = self
                .line(at)
                .value_of("fingerprint")
                .and_then(Fingerprint::parse);
            if let Some(print) = print {
                let (hash, digest) = print.normal();
                if hash != print.hash || digest != print.digest {
                    done.push(Mended::SpelledFingerprint(print.hash.to_owned()));
                    let line = LineText::of(format_args!("a=fingerprint:{hash} {digest}"));
                    self.replace_line(at, &line);
                }
            }
        }
        for index in 0..self.media_count() {
            let Some(m) = self.media_at(index).map(|media| media.m_line()) else {
                continue;
            };
            let raised = m.proto.to_ascii_uppercase();
            // `udptl` is written so; it is foreign to browsers anyway.
            if raised != m.proto && raised.contains('/') {
                done.push(Mended::RaisedProto(index, m.proto.to_owned()));
                let line = super::MLine {
                    proto: &raised,
                    ..m
                }
                .with_port(m.port);
                self.replace_line(self.media_range(index).start, &line);
            }
        }
    }

    fn mend_holds(&mut self, done: &mut Vec<Mended>) {
        for index in 0..self.media_count() {
            let Some((said, meant)) = self.media_at(index).map(|m| (m.direction(), m.flow()))
            else {
                continue;
            };
            if said != meant {
                self.set_direction(index, meant);
                done.push(Mended::LegacyHold(index, meant));
            }
        }
    }

    /// One `c=` with a literal address for each section.
    fn mend_connections(&mut self, done: &mut Vec<Mended>) {
        for at in 0..self.body.lines.len() {
            let line = self.line(at);
            if line.kind() == b'c'
                && let Some((address, _)) = line.value().split_once('/')
            {
                let to = LineText::of(format_args!("c={address}"));
                let from = line.value().to_owned();
                done.push(Mended::RewroteConnection(from, address.to_owned()));
                self.replace_line(at, &to);
            }
        }
        let zero = IpAddr::from([0, 0, 0, 0]);
        for index in 0..self.media_count() {
            let Some(media) = self.media_at(index) else {
                continue;
            };
            let own = media.lines().filter(|line| line.kind() == b'c').count();
            if own > 1 {
                done.push(Mended::DroppedConnections(index, own - 1));
                self.keep_first_connection(index);
            }
            let Some(media) = self.media_at(index) else {
                continue;
            };
            match media.connection() {
                None => {
                    self.set_connection(index, &zero);
                    done.push(Mended::AddedConnection(index));
                }
                Some(value) => {
                    let literal = media.connection_address().map(str::parse::<IpAddr>);
                    // With ICE the candidates count, and 0.0.0.0 with port 9 is the placeholder.
                    let replaceable = media.ice_ufrag().is_some() || media.is_rejected();
                    if !matches!(literal, Some(Ok(_))) && replaceable {
                        let value = value.to_owned();
                        let port = media.port().min(9);
                        let m_line = media.m_line().with_port(port);
                        self.replace_line(self.media_range(index).start, &m_line);
                        self.set_connection(index, &zero);
                        let to = "IN IP4 0.0.0.0".to_owned();
                        done.push(Mended::RewroteConnection(value, to));
                    }
                }
            }
        }
        // A name in the session's c= is refused as well, once every section has its own.
        let all_own = self
            .media()
            .all(|m| m.lines().any(|line| line.kind() == b'c'));
        let literal = |line: Line<'_>| {
            let address = line.value().split_ascii_whitespace().nth(2);
            address.is_some_and(|address| address.parse::<IpAddr>().is_ok())
        };
        if all_own {
            self.remove_lines(|media, line| {
                media.is_none() && line.kind() == b'c' && !literal(line)
            });
        }
    }

    fn keep_first_connection(&mut self, index: usize) {
        let mut seen = false;
        self.remove_lines(|media, line| {
            let is_it = media == Some(index) && line.kind() == b'c';
            let goes = is_it && seen;
            seen |= is_it;
            goes
        });
    }

    /// DTLS roles: both in an offer, one in an answer (RFC 5763 §5).
    fn mend_setups(&mut self, what: What, done: &mut Vec<Mended>) {
        for index in 0..self.media_count() {
            let Some(media) = self.media_at(index).filter(|m| !m.is_rejected()) else {
                continue;
            };
            let to = match (what, media.setup()) {
                (What::Offer, None) if !media.fingerprints().is_empty() => {
                    self.set_setup(index, Setup::ActPass);
                    done.push(Mended::AddedSetup(index));
                    continue;
                }
                (What::Offer, Some(Setup::HoldConn)) => (Setup::HoldConn, Setup::ActPass),
                // Who answers "either" will wait for nobody; let the browser open.
                (What::Answer, Some(Setup::ActPass)) => (Setup::ActPass, Setup::Passive),
                // Roles as they should be, none in an answer (the default holds), or holdconn in
                // an answer, which cannot be mended and is refused by `check_browser`.
                (What::Offer | What::Answer, _) => continue,
            };
            self.set_setup(index, to.1);
            done.push(Mended::RewroteSetup(index, to.0, to.1));
        }
    }

    fn mend_groups(&mut self, what: What, done: &mut Vec<Mended>) {
        if self.media().any(|media| media.mid().is_some()) {
            let added = self.add_mids().into_iter();
            done.extend(added.map(|(media, mid)| Mended::AddedMid(media, mid)));
        }
        let unknown = self.drop_unknown_group_members();
        if !unknown.is_empty() {
            done.push(Mended::DroppedUnknownMembers(unknown));
        }
        if what == What::Answer {
            let rejected = self.drop_rejected_group_members();
            if !rejected.is_empty() {
                done.push(Mended::DroppedRejectedMembers(rejected));
            }
        }
    }

    fn mend_attributes(&mut self, done: &mut Vec<Mended>) {
        let mut bandwidths = Vec::new();
        self.remove_lines(|_, line| {
            let goes = line.kind() == b'b' && !is_bandwidth(line.value());
            if goes {
                bandwidths.push(line.value().to_owned());
            }
            goes
        });
        done.extend(bandwidths.into_iter().map(Mended::DroppedBandwidth));
        let keys = self.remove_attributes(|_, name, _| name.eq_ignore_ascii_case("crypto"));
        if keys > 0 {
            done.push(Mended::DroppedCrypto(keys));
        }
        let extmaps = self.remove_repeated_extmaps();
        if extmaps > 0 {
            done.push(Mended::DroppedExtmaps(extmaps));
        }
    }
}

/// The place of a kind of line in the session part; `a` last, `None` where it has none.
fn rank(kind: u8) -> Option<usize> {
    if kind == b'a' {
        return Some(SESSION_ORDER.len());
    }
    SESSION_ORDER.iter().position(|kinds| kinds.contains(&kind))
}

/// `type:value` with a value that a signed 32-bit number holds; browsers refuse larger ones.
fn is_bandwidth(value: &str) -> bool {
    value
        .trim_ascii_end()
        .split_once(':')
        .is_some_and(|(kind, number_text)| {
            is_visible(kind)
                && number::<u32>(number_text).is_some_and(|n| n <= i32::MAX.unsigned_abs())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{audio, capture, captures, sdp};
    use crate::sdp::{Direction, Limits};

    const SESSION: &str = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n";

    /// Mends, and asserts that a second time does nothing more.
    fn mended(what: What, mut sdp: SessionDescription) -> (SessionDescription, Vec<Mended>) {
        let done = sdp.mend_for_browser(what);
        let mut again = sdp.clone();
        assert_eq!(again.mend_for_browser(what), []);
        assert_eq!(again, sdp);
        for one in &done {
            assert!(one.to_string().len() > 20);
        }
        (sdp, done)
    }

    #[test]
    fn what_chrome_wrote_passes_untouched_and_mending_is_idempotent() {
        for (name, text) in captures() {
            let read = SessionDescription::parse(&text, &Limits::default());
            let before = read.unwrap_or_else(|error| panic!("{name}: {error}"));
            for what in [What::Offer, What::Answer] {
                let (after, done) = mended(what, before.clone());
                let is_offer = name.contains("offer");
                if name.starts_with("chrome") && is_offer == (what == What::Offer) {
                    assert_eq!(done, [], "{name}");
                    assert_eq!(after, before);
                }
            }
        }
    }

    #[test]
    fn firefox_values_move_into_the_sections() {
        let (after, done) = mended(What::Offer, capture("firefox-av-offer-gathered"));
        let moved = ["fingerprint", "ice-options", "direction"].map(str::to_owned);
        assert_eq!(done, [Mended::PushedDown(moved.to_vec())]);
        assert!(
            after
                .media()
                .all(|m| m.has("fingerprint") && m.has("ice-options"))
        );
    }

    #[test]
    fn a_bare_session_is_completed_and_sorted() {
        let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\na=tool:x\nf=odd\nc=IN IP4 192.0.2.1\n\
            m=audio 4 UDP/TLS/RTP/SAVPF 0\n";
        let (after, done) = mended(What::Answer, sdp(text));
        let expected = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\
            a=tool:x\nm=audio 4 UDP/TLS/RTP/SAVPF 0\n";
        assert_eq!(after, sdp(expected));
        assert_eq!(
            done,
            [
                Mended::DroppedUnknownLine("f=odd".to_owned()),
                Mended::SortedSession,
                Mended::AddedLine("s=-"),
                Mended::AddedLine("t=0 0")
            ]
        );
    }

    #[test]
    fn foreign_text_goes() {
        let text = "v=0\no=josé 1 1 IN IP4 192.0.2.1\ns=Büro\ni=é\nt=0 0\n\
            m=audio 4 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 192.0.2.1\na=tool:é\na=mid:0\n";
        let (after, done) = mended(What::Answer, sdp(text));
        assert_eq!(done.len(), 4);
        assert!(after.to_text().is_ascii());
        assert_eq!(after.origin().username, "-");
    }

    #[test]
    fn spelling_is_what_browsers_compare() {
        let lines = "a=Fingerprint:SHA-256 aa:bb\na=RTCP-MUX\na=X-NAT:0\na=setup:active\n";
        let text = audio(lines)
            .to_text()
            .replace("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/savpf");
        let (after, done) = mended(What::Answer, sdp(&text));
        let lines = "a=fingerprint:sha-256 AA:BB\na=rtcp-mux\na=X-NAT:0\na=setup:active\n";
        assert_eq!(after, audio(lines));
        assert_eq!(done.len(), 4);
        assert_eq!(
            done[1].to_string(),
            "wrote the hash name SHA-256 in lower and its digits in upper case in a=fingerprint \
             (RFC 8122 §5)"
        );
    }

    #[test]
    fn connections_become_one_literal_each() {
        let text = format!(
            "{SESSION}m=audio 4 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 192.0.2.1/127\nc=IN IP4 192.0.2.2\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\n\
             m=video 5000 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 pbx.example\na=ice-ufrag:abcd\n"
        );
        let (after, done) = mended(What::Answer, sdp(&text));
        let expected = format!(
            "{SESSION}m=audio 4 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 192.0.2.1\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=ice-ufrag:abcd\n"
        );
        assert_eq!(after, sdp(&expected));
        assert_eq!(done.len(), 4);
    }

    #[test]
    fn roles_follow_the_side() {
        let role = |what, setup: &str| {
            let lines = format!("a=fingerprint:sha-256 AA\n{setup}");
            let (after, done) = mended(what, audio(&lines));
            (after.media_at(0).and_then(|m| m.setup()), done.len())
        };
        assert_eq!(role(What::Offer, ""), (Some(Setup::ActPass), 1));
        assert_eq!(
            role(What::Offer, "a=setup:holdconn\n"),
            (Some(Setup::ActPass), 1)
        );
        assert_eq!(
            role(What::Offer, "a=setup:passive\n"),
            (Some(Setup::Passive), 0)
        );
        assert_eq!(
            role(What::Answer, "a=setup:actpass\n"),
            (Some(Setup::Passive), 1)
        );
        assert_eq!(role(What::Answer, ""), (None, 0));
    }

    #[test]
    fn a_zero_address_becomes_a_direction() {
        let hold = |direction: &str| {
            let text = format!("{SESSION}m=audio 4000 RTP/SAVPF 0\nc=IN IP4 0.0.0.0\n{direction}");
            let (after, done) = mended(What::Offer, sdp(&text));
            (after.media_at(0).map(|m| m.direction()), done.len())
        };
        assert_eq!(hold(""), (Some(Direction::SendOnly), 1));
        assert_eq!(hold("a=recvonly\n"), (Some(Direction::Inactive), 1));
        assert_eq!(hold("a=sendonly\n"), (Some(Direction::SendOnly), 0));
    }

    #[test]
    fn what_would_be_refused_is_dropped() {
        let lines = "b=AS:99999999999\nb=TIAS:64000\nb=AS\na=crypto:1 X inline:y\n\
            a=extmap:1 urn:x\na=extmap:1 urn:y\n\
            a=candidate:1 1 UDP 1 host.example 9 typ host\n\
            a=candidate:1 1 UDP 1 x.local 9 typ host\n";
        let (after, done) = mended(What::Answer, audio(lines));
        let kept = "b=TIAS:64000\na=extmap:1 urn:x\na=candidate:1 1 UDP 1 x.local 9 typ host\n";
        assert_eq!(after, audio(kept));
        assert_eq!(done.len(), 5);
        assert!(done.iter().all(|one| !one.to_string().contains("inline")));
    }

    #[test]
    fn groups_and_mids_are_whole() {
        let text = format!(
            "{SESSION}a=group:BUNDLE 0 1 9\nm=audio 4 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 192.0.2.1\n\
             a=mid:0\nm=video 0 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 192.0.2.1\na=mid:1\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 192.0.2.1\n"
        );
        let (after, done) = mended(What::Answer, sdp(&text));
        let groups = after.bundle_groups();
        assert_eq!(groups[0].mids, ["0"]);
        assert_eq!(after.media_at(2).and_then(|m| m.mid()), Some("2"));
        assert_eq!(done.len(), 3);
    }
}
