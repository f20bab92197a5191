//! Candidates one by one, and ICE restarts: what transport-info carries in both directions.

use super::super::action::{Action, Jingle};
use super::super::content::{Content, Transport};
use super::super::ice_udp::{Candidate, IceUdp};
use super::super::loss::{Loss, Lost};
use super::sections::Sections;
use super::{Peer, hear, tell};
use crate::sdp::{SessionDescription, Trickle};

impl Sections {
    /// A candidate of our side as the content of a transport-info, the credentials of its section
    /// repeated (XEP-0176 §5.5). Nothing where it is no use to the peer, or names no content.
    pub fn tell_candidate(
        &self,
        local: &SessionDescription,
        trickle: &Trickle,
        peer: &Peer,
        lost: &mut Vec<Lost>,
    ) -> Option<Content> {
        let section = local.resolve(trickle).ok();
        let Some(candidate) = &trickle.candidate else {
            lost.push(Lost::new(
                Loss::EndOfCandidates,
                section,
                "end of candidates",
            ));
            return None;
        };
        let section = section?;
        let named = self.content_of(section)?;
        if let Some(loss) = tell::refusal(candidate, peer) {
            lost.push(Lost::new(loss, Some(section), candidate.as_str()));
            return None;
        }
        let mut content = self.credentials(local, section)?;
        if let Some(Transport::IceUdp(transport)) = &mut content.transport {
            let candidate = Candidate::of_sdp(&named.name, candidate);
            transport.candidates.push(candidate);
        }
        Some(content)
    }

    /// A restart of ICE by our side: for every content the new credentials and no candidate, which
    /// is how Conversations offers one and answers it.
    #[must_use]
    pub fn tell_restart(&self, local: &SessionDescription) -> Vec<Content> {
        let sections = 0..local.media_count();
        sections
            .filter_map(|section| self.credentials(local, section))
            .collect()
    }

    /// A content with the credentials of its section alone.
    pub(super) fn credentials(
        &self,
        local: &SessionDescription,
        section: usize,
    ) -> Option<Content> {
        let named = self.content_of(section)?;
        let media = local.media_at(section)?;
        let ice = media
            .ice()
            .or_else(|| local.media().find_map(|media| media.ice()))?;
        let transport = IceUdp {
            ufrag: Some(ice.ufrag.to_owned()),
            pwd: Some(ice.pwd.to_owned()),
            ..IceUdp::default()
        };
        Some(Content {
            transport: Some(Transport::IceUdp(Box::new(transport))),
            ..Content::named(named.creator, &named.name)
        })
    }

    /// The candidates of a transport-info of the peer, each with mid and index of its section and
    /// the generation it is of.
    pub fn hear_candidates(
        &self,
        jingle: &Jingle,
        peer: &Peer,
        lost: &mut Vec<Lost>,
    ) -> Vec<Trickle> {
        let mut trickles = Vec::new();
        for content in &jingle.contents {
            let section = self.section_of(&content.name);
            let (Some(section), Some(transport)) = (section, content.ice()) else {
                let what = format!("content {}", content.name.escape_debug());
                lost.push(Lost::new(Loss::UnknownContent, None, what));
                continue;
            };
            let ufrag = transport.ufrag.as_deref();
            let visible = |ufrag: &&str| ufrag.bytes().all(|b| b.is_ascii_graphic());
            let place = |candidate| Trickle {
                candidate,
                mid: self.mid_of(section).map(str::to_owned),
                mline: u16::try_from(section).ok(),
                ufrag: ufrag.filter(visible).map(str::to_owned),
            };
            for candidate in &transport.candidates {
                match hear::read_candidate(candidate, ufrag, peer) {
                    Ok(candidate) => trickles.push(place(Some(candidate))),
                    Err((loss, what)) => lost.push(Lost::new(loss, Some(section), what)),
                }
            }
            if transport.gathering_complete {
                trickles.push(place(None));
            }
        }
        trickles
    }

    /// Whether a message of the peer restarts ICE: a transport-info with other credentials than the
    /// peer's last description has, whether candidates come with them (XEP-0176 §5.9) or not.
    #[must_use]
    pub fn is_restart(&self, jingle: &Jingle, heard: &SessionDescription) -> bool {
        let restarts = |content: &Content| {
            let media = heard.media_at(self.section_of(&content.name)?)?;
            let (ice, transport) = (media.ice()?, content.ice()?);
            let (ufrag, pwd) = (transport.ufrag.as_deref()?, transport.pwd.as_deref()?);
            Some((ice.ufrag, ice.pwd) != (ufrag, pwd))
        };
        let is_info = jingle.action == Action::TransportInfo;
        is_info
            && jingle
                .contents
                .iter()
                .any(|content| restarts(content) == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::content::Role;
    use super::*;
    use crate::sdp::{Limits, What};

    fn local() -> SessionDescription {
        let section = |mid| {
            format!(
                "m=audio 9 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=mid:{mid}\na=ice-ufrag:u\na=ice-pwd:p\n"
            )
        };
        let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n";
        let text = format!(
            "{head}{}{}",
            section("a"),
            section("this-mid-is-long-indeed")
        );
        SessionDescription::parse(&text, &Limits::default()).unwrap()
    }

    fn sections() -> Sections {
        let mut sections = Sections::default();
        sections.tell(&local(), Role::Responder, What::Offer, &Peer::native());
        sections
    }

    fn info(contents: Vec<Content>) -> Jingle {
        Jingle {
            contents,
            ..Jingle::new(Action::TransportInfo, "s")
        }
    }

    fn trickle(candidate: Option<&str>, mid: &str) -> Trickle {
        Trickle::new(candidate, Some(mid), None, None).unwrap()
    }

    const HOST: &str = "candidate:1 1 udp 7 192.0.2.1 9 typ host generation 0 ufrag u";

    #[test]
    fn candidate_passes_to_the_peer_and_back() {
        let (sections, mut lost) = (sections(), Vec::new());
        let said = Trickle::new(Some(HOST), None, Some(1), None).unwrap();
        let peer = Peer::native();
        let content = sections
            .tell_candidate(&local(), &said, &peer, &mut lost)
            .unwrap();
        assert_eq!(content.name, "0");
        let transport = content.ice().unwrap();
        assert_eq!(
            (transport.ufrag.as_deref(), transport.pwd.as_deref()),
            (Some("u"), Some("p"))
        );
        assert!(transport.fingerprints.is_empty() && content.description().is_none());
        let heard = sections.hear_candidates(&info(vec![content]), &peer, &mut lost);
        assert_eq!(heard.len(), 1);
        assert_eq!(
            (heard[0].mline, heard[0].generation()),
            (Some(1), Some("u"))
        );
        assert_eq!(heard[0].candidate, said.candidate);
        assert_eq!(lost, []);
        assert_eq!(local().resolve(&heard[0]), Ok(1));
    }

    #[test]
    fn what_the_peer_cannot_use_is_not_told() {
        let (sections, mut lost) = (sections(), Vec::new());
        let mut tell = |candidate, mid, peer: Peer| {
            let said = trickle(candidate, mid);
            sections
                .tell_candidate(&local(), &said, &peer, &mut lost)
                .is_some()
        };
        let mdns = Some("candidate:1 1 udp 7 x.local 9 typ host");
        assert!(!tell(mdns, "a", Peer::native()));
        assert!(tell(mdns, "a", Peer::browser()));
        assert!(!tell(None, "a", Peer::browser()));
        assert!(!tell(Some(HOST), "unknown", Peer::browser()));
        let kinds: Vec<_> = lost.iter().map(|lost| lost.loss).collect();
        assert_eq!(kinds, [Loss::MdnsCandidate, Loss::EndOfCandidates]);
    }

    #[test]
    fn restart_is_new_credentials_and_no_candidate() {
        let sections = sections();
        let again = info(sections.tell_restart(&local()));
        assert_eq!(again.contents.len(), 2);
        assert!(
            again
                .contents
                .iter()
                .all(|c| c.ice().unwrap().candidates.is_empty())
        );
        assert!(!sections.is_restart(&again, &local()));
        let text = local().to_text().replace("ufrag:u", "ufrag:v");
        let next = SessionDescription::parse(&text, &Limits::default()).unwrap();
        let restart = info(sections.tell_restart(&next));
        assert!(sections.is_restart(&restart, &local()));
        assert!(!sections.is_restart(
            &Jingle {
                action: Action::ContentModify,
                ..restart
            },
            &local()
        ));
    }

    #[test]
    fn end_of_gathering_and_unknown_contents_are_heard() {
        let (sections, mut lost) = (sections(), Vec::new());
        let transport = IceUdp {
            gathering_complete: true,
            ..IceUdp::default()
        };
        let mut known = Content::named(Role::Initiator, "a");
        known.transport = Some(Transport::IceUdp(Box::new(transport)));
        let unknown = Content {
            name: "z".to_owned(),
            ..known.clone()
        };
        let info = info(vec![known, unknown]);
        let heard = sections.hear_candidates(&info, &Peer::native(), &mut lost);
        assert_eq!((heard.len(), &heard[0].candidate), (1, &None));
        assert_eq!(lost[0].loss, Loss::UnknownContent);
    }
}
