//! An action of the peer, applied to the peer's last description: the new offer or answer.
//!
//! | action | what becomes of the description |
//! |---|---|
//! | content-add | a section more, in the group where the others are |
//! | content-accept | the section that was added by our side is answered |
//! | content-remove, content-reject | port 0, out of the group |
//! | content-modify | another direction |
//! | transport-info | credentials, candidates, fingerprints |
//! | description-info | parameters of formats that are known |

use super::super::action::{Action, Jingle};
use super::super::content::{Content, Role};
use super::super::error::MapError;
use super::super::ice_udp::IceUdp;
use super::super::loss::{Loss, Lost};
use super::draft::{Draft, Lines};
use super::hear::{Way, is_bundled, read_candidate, write_fingerprints};
use super::sections::Sections;
use super::{Heard, Peer, codec};
use crate::sdp::{Limits, SessionDescription, What};

/// What a message of the peer is applied to, and how.
#[derive(Clone, Copy)]
struct Before<'a> {
    heard: &'a SessionDescription,
    author: Role,
    peer: &'a Peer,
    limits: &'a Limits,
}

impl Sections {
    /// Applies a message of the peer, whose role is `author`, to `heard`, its last description.
    ///
    /// # Errors
    /// [`MapError`] where the message describes nothing, names a content that is not there (or is,
    /// for content-add), or the description is over a limit. The table is as it was then.
    pub fn apply(
        &mut self,
        heard: &SessionDescription,
        jingle: &Jingle,
        author: Role,
        peer: &Peer,
        limits: &Limits,
    ) -> Result<Heard, MapError> {
        let before = Before {
            heard,
            author,
            peer,
            limits,
        };
        let mut next = self.clone();
        let done = match &jingle.action {
            Action::ContentAdd => next.added(jingle, &before),
            Action::ContentAccept => next.accepted(jingle, &before),
            Action::ContentRemove | Action::ContentReject => next.removed(jingle, heard),
            Action::ContentModify => next.modified(jingle, heard, author),
            Action::TransportInfo => next.transported(jingle, &before),
            Action::DescriptionInfo => next.described(jingle, &before),
            other => Err(MapError::NoDescription(other.as_str().to_owned())),
        }?;
        *self = next;
        Ok(done)
    }

    fn known(&self, content: &Content) -> Result<usize, MapError> {
        let unknown = || MapError::UnknownContent(content.name.clone());
        self.section_of(&content.name).ok_or_else(unknown)
    }

    fn added(&mut self, jingle: &Jingle, before: &Before<'_>) -> Result<Heard, MapError> {
        let mut lost = Vec::new();
        let mut draft = self.draft(before.heard);
        let way = self.way(jingle, before, What::Offer);
        let mut sections = Vec::new();
        for content in &jingle.contents {
            if self.section_of(&content.name).is_some() {
                return Err(MapError::KnownContent(content.name.clone()));
            }
            if let Some((section, lines)) = self.new_section(content, &way, &mut lost) {
                draft.put(section, lines);
                sections.push(section);
            }
        }
        if sections.is_empty() {
            return Err(MapError::NothingToDescribe);
        }
        self.finish(&draft, &sections, jingle, before, lost)
    }

    fn accepted(&mut self, jingle: &Jingle, before: &Before<'_>) -> Result<Heard, MapError> {
        let mut lost = Vec::new();
        let mut draft = self.draft(before.heard);
        let way = self.way(jingle, before, What::Answer);
        let mut sections = Vec::new();
        for content in &jingle.contents {
            let section = self.known(content)?;
            match self.answered_section(section, content, &way, &mut lost) {
                Some(lines) => {
                    draft.put(section, lines);
                    sections.push(section);
                }
                None => {
                    let lines = self.place(section).map(Draft::rejected).unwrap_or_default();
                    draft.put(section, lines);
                    self.end(section);
                }
            }
        }
        self.finish(&draft, &sections, jingle, before, lost)
    }

    fn way<'a>(&self, jingle: &Jingle, before: &Before<'a>, what: What) -> Way<'a> {
        let bundle = !before.heard.bundle_groups().is_empty();
        Way {
            author: before.author,
            what,
            peer: before.peer,
            bundled: bundle || is_bundled(&jingle.groups),
        }
    }

    /// The description with a rejected section at each place that it does not have yet.
    pub(super) fn draft(&self, heard: &SessionDescription) -> Draft {
        let mut draft = Draft::of(heard);
        for section in draft.sections.len()..self.count() {
            if let Some(place) = self.place(section) {
                draft.sections.push(Draft::rejected(place));
            }
        }
        draft
    }

    /// Makes it a description again, the new sections in its BUNDLE group where they belong there.
    fn finish(
        &self,
        draft: &Draft,
        sections: &[usize],
        jingle: &Jingle,
        before: &Before<'_>,
        lost: Vec<Lost>,
    ) -> Result<Heard, MapError> {
        let mut description = draft.finish(before.limits)?;
        let groups = before.heard.bundle_groups();
        let group = groups.first().map(|group| group.mids.clone());
        if let Some(mut mids) = group {
            for section in sections {
                let mid = self.mid_of(*section).filter(|mid| !mids.contains(mid));
                if let Some(mid) = mid.filter(|_| self.joins(*section, jingle, &description)) {
                    mids.push(mid);
                }
            }
            description.set_bundle_group(&mids);
        }
        description.drop_rejected_group_members();
        Ok(Heard { description, lost })
    }

    /// Whether a new section is in the group: its message says so, or its transport is theirs.
    fn joins(&self, section: usize, jingle: &Jingle, sdp: &SessionDescription) -> bool {
        let name = self.content_of(section).map(|named| &named.name);
        let mut groups = jingle.groups.iter().filter(|group| group.is_bundle());
        if groups.any(|group| name.is_some_and(|name| group.contents.contains(name))) {
            return true;
        }
        let leader = sdp
            .bundle_groups()
            .first()
            .and_then(|group| group.mids.first().copied());
        let leader = leader.and_then(|mid| sdp.media_by_mid(mid)?.ice());
        let own = sdp.media_at(section).and_then(|media| media.ice());
        leader.is_some() && leader == own
    }

    fn removed(&mut self, jingle: &Jingle, heard: &SessionDescription) -> Result<Heard, MapError> {
        let mut description = heard.clone();
        for content in &jingle.contents {
            let section = self.known(content)?;
            description.reject_media(section);
            self.end(section);
        }
        description.drop_rejected_group_members();
        let lost = Vec::new();
        Ok(Heard { description, lost })
    }

    fn modified(
        &mut self,
        jingle: &Jingle,
        heard: &SessionDescription,
        author: Role,
    ) -> Result<Heard, MapError> {
        let mut description = heard.clone();
        for content in &jingle.contents {
            let section = self.known(content)?;
            let senders = content.senders.unwrap_or_default();
            description.set_direction(section, senders.direction(author));
        }
        let lost = Vec::new();
        Ok(Heard { description, lost })
    }

    fn transported(&mut self, jingle: &Jingle, before: &Before<'_>) -> Result<Heard, MapError> {
        let mut lost = Vec::new();
        let mut description = before.heard.clone();
        let restarts = self.is_restart(jingle, before.heard);
        for content in &jingle.contents {
            let section = self.known(content)?;
            let Some(transport) = content.ice() else {
                continue;
            };
            for section in self.of_one_transport(section, before.heard) {
                if restarts {
                    restart(&mut description, section, transport, &mut lost);
                }
                certify(&mut description, section, transport, &mut lost);
            }
            let ufrag = transport.ufrag.as_deref();
            let of_now = |sdp: &SessionDescription| {
                let ours = sdp.media_at(section).and_then(|media| media.ice_ufrag());
                ufrag.is_none() || ufrag == ours
            };
            if !of_now(&description) {
                continue;
            }
            for candidate in &transport.candidates {
                match read_candidate(candidate, ufrag, before.peer) {
                    Ok(candidate) => {
                        description.add_candidate(section, &candidate);
                    }
                    Err((loss, what)) => lost.push(Lost::new(loss, Some(section), what)),
                }
            }
            if transport.gathering_complete {
                description.set_end_of_candidates(section);
            }
        }
        // Many candidates one by one are no way around the limit for one description.
        description.limit_candidates(before.limits.candidates_per_media_max);
        Ok(Heard { description, lost })
    }

    /// A section and those that share its transport.
    fn of_one_transport(&self, section: usize, sdp: &SessionDescription) -> Vec<usize> {
        let mid = sdp.media_at(section).and_then(|media| media.mid());
        let groups = sdp.bundle_groups();
        let group = groups
            .iter()
            .find(|group| mid.is_some_and(|mid| group.mids.contains(&mid)));
        let Some(group) = group else {
            return vec![section];
        };
        let members = group.mids.iter().filter_map(|mid| sdp.media_by_mid(mid));
        members.map(|media| media.index()).collect()
    }

    fn described(&mut self, jingle: &Jingle, before: &Before<'_>) -> Result<Heard, MapError> {
        let heard = before.heard;
        let mut lost = Vec::new();
        let mut draft = Draft::of(heard);
        for content in &jingle.contents {
            let section = self.known(content)?;
            let (Some(new), Some(media)) = (content.description(), heard.media_at(section)) else {
                continue;
            };
            // Names and clock rates may be left out of an info: those of the section hold.
            let known = media.codecs();
            let mut told = new.payload_types.clone();
            told.retain(|one| known.iter().any(|codec| codec.payload_type == one.id));
            for one in &mut told {
                if let Some(codec) = known.iter().find(|codec| codec.payload_type == one.id) {
                    one.name = Some(codec.name.to_owned());
                    one.clock_rate = Some(codec.clock_rate);
                }
            }
            let mut lines = Lines::new(Some(section), &mut lost);
            let parameters = codec::parameters_of(&told, section, lines.lost());
            codec::write_parameters(&parameters, &mut lines);
            let is_told = |line: &crate::sdp::LineText| {
                let value = line.as_str().strip_prefix("a=fmtp:").unwrap_or("");
                let id = value.split(' ').next().and_then(|id| id.parse::<u8>().ok());
                id.is_some_and(|id| told.iter().any(|one| one.id == id))
            };
            if let Some(there) = draft.sections.get_mut(section) {
                there.retain(|line| !is_told(line));
                there.extend(lines.lines);
            }
        }
        let description = draft.finish(before.limits)?;
        Ok(Heard { description, lost })
    }
}

/// Writes new credentials; the candidates were of the old ones.
fn restart(sdp: &mut SessionDescription, section: usize, transport: &IceUdp, lost: &mut Vec<Lost>) {
    let (Some(ufrag), Some(pwd)) = (&transport.ufrag, &transport.pwd) else {
        return;
    };
    let is_visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    let live = sdp
        .media_at(section)
        .is_some_and(|media| !media.is_rejected());
    if !live || !is_visible(ufrag) || !is_visible(pwd) {
        if live {
            lost.push(Lost::new(Loss::Unwritable, Some(section), "a=ice-ufrag"));
        }
        return;
    }
    let written = sdp
        .replace_attribute(Some(section), "ice-ufrag", Some(ufrag))
        .and_then(|()| sdp.replace_attribute(Some(section), "ice-pwd", Some(pwd)));
    if written.is_err() {
        lost.push(Lost::new(Loss::Unwritable, Some(section), "a=ice-ufrag"));
        return;
    }
    sdp.remove_candidates(|media, _| media == section);
    sdp.remove_attributes(|media, name, _| media == Some(section) && name == "end-of-candidates");
}

/// Writes the fingerprints, where the message has some: Dino sends them by themselves.
fn certify(sdp: &mut SessionDescription, section: usize, transport: &IceUdp, lost: &mut Vec<Lost>) {
    let live = sdp
        .media_at(section)
        .is_some_and(|media| !media.is_rejected());
    if transport.fingerprints.is_empty() || !live {
        return;
    }
    let role = sdp.media_at(section).and_then(|media| media.setup());
    let mut lines = Lines::new(Some(section), lost);
    write_fingerprints(transport, What::Offer, &mut lines);
    sdp.remove_attributes(|media, name, _| {
        media == Some(section) && (name == "fingerprint" || name == "setup")
    });
    for line in lines.lines {
        let value = line.as_str();
        let named = value
            .strip_prefix("a=")
            .and_then(|rest| rest.split_once(':'));
        if let Some((name, value)) = named {
            // One fingerprint is kept of several, which browsers have as well.
            let written = sdp.replace_attribute(Some(section), name, Some(value));
            if written.is_err() {
                lost.push(Lost::new(Loss::Unwritable, Some(section), name));
            }
        }
    }
    // A role that was agreed stays with its association.
    let told = transport
        .fingerprints
        .iter()
        .any(|print| print.setup.is_some());
    if let Some(role) = role.filter(|_| !told) {
        sdp.set_setup(section, role);
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Step;
    use super::*;
    use crate::sdp::{Change, Direction, SectionChange, compare, is_ice_restart};

    fn capture(name: &str) -> SessionDescription {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sdp/");
        let text = std::fs::read_to_string(format!("{folder}{name}.sdp")).unwrap();
        SessionDescription::parse(&text, &Limits::default()).unwrap()
    }

    /// One end that has told a description, and the other that has heard it.
    struct Pair {
        ours: Sections,
        theirs: Sections,
        told: SessionDescription,
        heard: SessionDescription,
    }

    fn send(sections: &Sections, action: Action, contents: &[Content]) -> Jingle {
        assert!(sections.count() > 0);
        let message = Jingle {
            contents: contents.to_vec(),
            ..Jingle::new(action, "s")
        };
        // Over the wire.
        Jingle::read(&message.write(), &Limits::default()).unwrap()
    }

    impl Pair {
        fn new(name: &str) -> Self {
            let told = capture(name);
            let (mut ours, mut theirs) = (Sections::default(), Sections::default());
            let peer = Peer::browser();
            let all = ours.tell(&told, Role::Initiator, What::Offer, &peer);
            let mut message = send(&ours, Action::SessionInitiate, &all.contents);
            message.groups = all.groups;
            let limits = Limits::default();
            let heard = theirs.hear(&message, Role::Initiator, What::Offer, &peer, &limits);
            Self {
                ours,
                theirs,
                told,
                heard: heard.unwrap().description,
            }
        }

        /// Tells the next offer by its steps; gives their names.
        fn offer(&mut self, next: &SessionDescription) -> Vec<String> {
            let peer = Peer::browser();
            let changes = self.ours.changes(&self.told, next, Role::Initiator, &peer);
            let mut names = Vec::new();
            for step in &changes.steps {
                let mut message = send(&self.ours, step.action(), step.contents());
                message.groups.clone_from(&changes.groups);
                names.push(step.action().as_str().to_owned());
                let limits = Limits::default();
                let heard =
                    self.theirs
                        .apply(&self.heard, &message, Role::Initiator, &peer, &limits);
                self.heard = heard.unwrap().description;
            }
            self.told = next.clone();
            names
        }
    }

    #[test]
    fn video_is_added_and_stopped_as_browsers_do_it() {
        let mut pair = Pair::new("chrome-p-audio-resume-offer");
        let before = pair.heard.clone();
        let names = pair.offer(&capture("chrome-p-audio-addvideo-offer"));
        assert_eq!(names[0], "content-add");
        let Change::Sections(changes) = compare(&before, &pair.heard) else {
            panic!("{:?}", pair.heard);
        };
        assert!(changes.contains(&(1, SectionChange::Added)), "{changes:?}");
        assert!(changes.contains(&(0, SectionChange::Bundle)), "{changes:?}");
        let names = pair.offer(&capture("chrome-p-audio-stopvideo2-offer"));
        assert_eq!(names[0], "content-remove");
        assert!(pair.heard.media_at(1).unwrap().is_rejected());
        assert_eq!(pair.heard.bundle_groups()[0].mids.len(), 1);
        assert_eq!((pair.ours.live(), pair.theirs.live()), (1, 1));
    }

    #[test]
    fn hold_is_content_modify_and_nothing_else() {
        let mut pair = Pair::new("chrome-p-audio-refresh-offer");
        let next = capture("chrome-p-audio-hold-offer");
        assert_eq!(pair.offer(&next), ["content-modify"]);
        let direction = pair.heard.media_at(0).unwrap().direction();
        assert_eq!(direction, next.media_at(0).unwrap().direction());
        assert_eq!(pair.offer(&next), [""; 0]);
    }

    #[test]
    fn restart_is_credentials_first_and_candidates_behind() {
        let mut pair = Pair::new("chrome-p-audio-refresh-offer");
        let before = pair.heard.clone();
        let text = pair.told.to_text().replace("THas", "next");
        let next = SessionDescription::parse(&text, &Limits::default()).unwrap();
        let names = pair.offer(&next);
        assert_eq!(names.first().map(String::as_str), Some("transport-info"));
        assert!(is_ice_restart(&before, &pair.heard));
        let (heard, told) = (pair.heard.media_at(0).unwrap(), next.media_at(0).unwrap());
        assert_eq!(heard.ice(), told.ice());
        assert_eq!(heard.candidates().count(), told.candidates().count());
    }

    #[test]
    fn unknown_contents_are_refused_and_change_nothing() {
        let mut pair = Pair::new("chrome-p-audio-refresh-offer");
        let (before, peer, limits) = (pair.theirs.clone(), Peer::native(), Limits::default());
        let mut apply = |action: Action, name: &str| {
            let content = Content::named(Role::Initiator, name);
            let message = send(&pair.ours, action, &[content]);
            let role = Role::Initiator;
            pair.theirs
                .apply(&pair.heard, &message, role, &peer, &limits)
                .err()
        };
        for action in [
            Action::ContentRemove,
            Action::ContentModify,
            Action::ContentAccept,
            Action::TransportInfo,
            Action::DescriptionInfo,
        ] {
            let error = MapError::UnknownContent("x".to_owned());
            assert_eq!(apply(action, "x"), Some(error));
        }
        let known = MapError::KnownContent("0".to_owned());
        assert_eq!(apply(Action::ContentAdd, "0"), Some(known));
        let none = MapError::NoDescription("session-info".to_owned());
        assert_eq!(apply(Action::SessionInfo, "0"), Some(none));
        assert_eq!(
            apply(Action::ContentAdd, "9"),
            Some(MapError::NothingToDescribe)
        );
        assert_eq!(pair.theirs, before);
    }

    #[test]
    fn content_that_our_side_added_is_accepted_by_the_peer() {
        let mut pair = Pair::new("chrome-p-audio-resume-offer");
        pair.offer(&capture("chrome-p-audio-addvideo-offer"));
        // The other end answers from its side.
        let answer = capture("chrome-p-audio-addvideo-answer");
        let before = capture("chrome-p-audio-answer-gathered");
        let peer = Peer::browser();
        let changes = pair
            .theirs
            .answers(&before, &pair.heard, &answer, Role::Responder, &peer);
        let accept = changes
            .steps
            .iter()
            .find(|step| matches!(step, Step::Accept(_)))
            .unwrap();
        let mut message = send(&pair.theirs, accept.action(), accept.contents());
        message.groups = changes.groups;
        let limits = Limits::default();
        let heard = pair
            .ours
            .apply(&before, &message, Role::Responder, &peer, &limits)
            .unwrap();
        assert_eq!(heard.description.media_count(), 2);
        assert!(!heard.description.media_at(1).unwrap().is_rejected());
        let offer = capture("chrome-p-audio-addvideo-offer");
        assert_eq!(crate::sdp::check_answer(&offer, &heard.description), Ok(()));
    }

    #[test]
    fn senders_are_told_in_an_answer_only_where_it_leaves_others() {
        let pair = Pair::new("chrome-p-audio-refresh-offer");
        let before = capture("chrome-p-audio-answer-gathered");
        let mut theirs = pair.theirs.clone();
        let peer = Peer::browser();
        let mut answer = |direction| {
            let mut answer = before.clone();
            answer.set_direction(0, direction);
            theirs
                .answers(&before, &pair.heard, &answer, Role::Responder, &peer)
                .steps
        };
        assert_eq!(answer(Direction::SendRecv), []);
        let modified = answer(Direction::RecvOnly);
        assert_eq!(modified.len(), 1);
        assert_eq!(modified[0].action(), Action::ContentModify);
        let senders = modified[0].contents()[0].senders;
        assert_eq!(senders.map(|senders| senders.as_str()), Some("initiator"));
    }

    #[test]
    fn parameters_change_by_description_info() {
        let mut pair = Pair::new("chrome-p-audio-refresh-offer");
        let text = pair
            .told
            .to_text()
            .replace("useinbandfec=1", "useinbandfec=0");
        let next = SessionDescription::parse(&text, &Limits::default()).unwrap();
        assert_eq!(pair.offer(&next), ["description-info"]);
        let codecs = pair.heard.media_at(0).unwrap().codecs();
        assert_eq!(codecs[0].fmtp, Some("minptime=10;useinbandfec=0"));
    }

    #[test]
    fn fingerprint_may_come_by_itself() {
        let pair = Pair::new("chrome-p-audio-refresh-offer");
        let text = "<jingle xmlns='urn:xmpp:jingle:1' action='transport-info' sid='s'>\
            <content name='0' creator='initiator'>\
            <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'>\
            <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-1' setup='active'> ab:cd \
            </fingerprint></transport></content></jingle>";
        let limits = Limits::default();
        let message = Jingle::read(&text.parse().unwrap(), &limits).unwrap();
        let mut theirs = pair.theirs.clone();
        let peer = Peer::native();
        let heard = theirs
            .apply(&pair.heard, &message, Role::Initiator, &peer, &limits)
            .unwrap();
        let media = heard.description.media_at(0).unwrap();
        assert_eq!(media.fingerprints()[0].digest, "AB:CD");
        assert_eq!(media.fingerprints().len(), 1);
        assert_eq!(media.setup(), Some(crate::sdp::Setup::Active));
    }
}
