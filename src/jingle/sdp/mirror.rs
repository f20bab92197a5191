//! The answer that nobody writes: an XMPP peer takes a change of directions or the end of a content
//! by the result of a request, where SDP wants a description.

use super::super::error::MapError;
use super::draft::Draft;
use super::sections::Sections;
use crate::sdp::{Limits, Media, SessionDescription, Setup};

impl Sections {
    /// The peer's last description `heard` as its answer to `offer`, of which it has taken what it
    /// was told: the same directions seen from its side, a rejected section for each that the
    /// offer rejects or that has no content (RFC 3264 §6), and a DTLS role: where the peer has
    /// only offered until now, the one that the answer to it, `told`, has left to it.
    ///
    /// # Errors
    /// [`MapError`] where the description is over a limit.
    pub fn mirror(
        &self,
        heard: &SessionDescription,
        told: &SessionDescription,
        offer: &SessionDescription,
        limits: &Limits,
    ) -> Result<SessionDescription, MapError> {
        let mut draft = self.draft(heard);
        for media in offer.media() {
            let section = media.index();
            let is_out = media.is_rejected() || self.content_of(section).is_none();
            if let Some(place) = self.place(section).filter(|_| is_out) {
                draft.put(section, Draft::rejected(place));
            }
        }
        let mut answer = draft.finish(limits)?;
        for media in offer.media().filter(|media| !media.is_rejected()) {
            let section = media.index();
            let live = answer.media_at(section).filter(|m| !m.is_rejected());
            let Some(role) = live.map(|live| role(&live, told.media_at(section), &media)) else {
                continue;
            };
            answer.set_direction(section, media.direction().reversed());
            if let Some(role) = role {
                answer.set_setup(section, role);
            }
        }
        answer.remove_unoffered_extmaps(offer);
        answer.drop_rejected_group_members();
        Ok(answer)
    }
}

/// The role of a section in an answer (RFC 5763 §5); `None` where it has none or says one already.
fn role(heard: &Media<'_>, told: Option<Media<'_>>, offer: &Media<'_>) -> Option<Setup> {
    let other = |role: Option<Setup>| match role {
        Some(Setup::Active) => Some(Setup::Passive),
        Some(Setup::Passive) => Some(Setup::Active),
        Some(Setup::ActPass | Setup::HoldConn) | None => None,
    };
    match heard.setup()? {
        Setup::Active | Setup::Passive => other(offer.setup()),
        Setup::ActPass | Setup::HoldConn => other(offer.setup())
            .or_else(|| other(told?.setup()))
            .or(Some(Setup::Active)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Peer;
    use super::*;
    use crate::jingle::{Jingle, Role};
    use crate::sdp::{Direction, What};

    const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 0.0.0.0\na=rtcp-mux\n\
        a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\na=setup:actpass\n\
        a=fingerprint:sha-256 AA:BB\na=rtpmap:0 PCMU/8000\n";

    fn sdp(sections: &[(&str, &str)]) -> SessionDescription {
        let section = |(mid, more): &(&str, &str)| format!("{AUDIO}a=mid:{mid}\n{more}\n");
        let sections: String = sections.iter().map(section).collect();
        let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n{sections}");
        SessionDescription::parse(&text, &Limits::default()).unwrap()
    }

    #[test]
    fn result_of_a_hold_is_the_other_direction_and_ended_sections_are_rejected() {
        let (peer, limits) = (Peer::native(), Limits::default());
        let mut sections = Sections::default();
        let offer = sdp(&[("0", "a=sendrecv"), ("1", "a=sendrecv")]);
        let told = sections.tell(&offer, Role::Initiator, What::Offer, &peer);
        let mut accept = Jingle::new(crate::jingle::Action::SessionAccept, "a");
        accept.contents = told.contents;
        let heard = sections.hear(&accept, Role::Responder, What::Answer, &peer, &limits);
        let heard = heard.unwrap().description;
        let mut next = sdp(&[("0", "a=sendonly"), ("1", "a=sendrecv")]);
        next.reject_media(1);
        sections.changes(&offer, &next, Role::Initiator, &peer);
        let answer = sections.mirror(&heard, &offer, &next, &limits).unwrap();
        let first = answer.media_at(0).unwrap();
        assert_eq!(first.direction(), Direction::RecvOnly);
        assert_eq!(first.ice_ufrag(), Some("abcd"));
        assert!(answer.media_at(1).unwrap().is_rejected());
        assert_eq!(crate::sdp::check_answer(&next, &answer), Ok(()));
    }
    #[test]
    fn peer_that_has_offered_answers_in_the_role_that_was_left_to_it() {
        let (peer, limits) = (Peer::native(), Limits::default());
        for (ours, theirs) in [("active", "passive"), ("passive", "active")] {
            let mut sections = Sections::default();
            let heard = sdp(&[("0", "a=sendrecv")]);
            let told = sections.tell(&heard, Role::Initiator, What::Offer, &peer);
            assert_eq!(told.contents.len(), 1);
            let answer = heard
                .to_text()
                .replace("setup:actpass", &format!("setup:{ours}"));
            let answer = SessionDescription::parse(&answer, &limits).unwrap();
            let next = sdp(&[("0", "a=sendonly")]);
            let mirrored = sections.mirror(&heard, &answer, &next, &limits).unwrap();
            let role = mirrored.media_at(0).unwrap().setup().unwrap();
            assert_eq!(role.as_str(), theirs);
            assert_eq!(crate::sdp::check_answer(&next, &mirrored), Ok(()));
        }
    }
}
