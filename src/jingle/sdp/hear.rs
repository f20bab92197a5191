//! Contents of the peer as a description, written from the peer's side.

use super::super::action::Jingle;
use super::super::content::{Application, Content, Role, Transport};
use super::super::error::MapError;
use super::super::group::Group;
use super::super::ice_udp::IceUdp;
use super::super::loss::{Loss, Lost};
use super::super::rtp::{Description, PayloadType};
use super::super::source::Source;
use super::draft::{Draft, Lines};
use super::sections::{Named, Sections};
use super::tell::is_bandwidth;
use super::{Heard, Peer, codec};
use crate::sdp::{self, Limits, LineText, Setup, What, is_token};

/// A content that can be a section.
struct Usable<'a> {
    description: &'a Description,
    transport: &'a IceUdp,
    payload_types: Vec<PayloadType>,
}

/// How a section is written.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// The role of the description's author, the peer.
    pub(super) author: Role,
    pub(super) what: What,
    pub(super) peer: &'a Peer,
    /// Whether the message groups its contents.
    pub(super) bundled: bool,
}

impl Sections {
    /// The contents of a session-initiate, where it is an offer, or of a session-accept, as a
    /// description of the peer, whose role is `author`.
    ///
    /// # Errors
    /// [`MapError`] where nothing of it can be a section, or it is over a limit.
    pub fn hear(
        &mut self,
        jingle: &Jingle,
        author: Role,
        what: What,
        peer: &Peer,
        limits: &Limits,
    ) -> Result<Heard, MapError> {
        let mut lost = Vec::new();
        let mut draft = Draft::new();
        let way = Way {
            author,
            what,
            peer,
            bundled: is_bundled(&jingle.groups),
        };
        match what {
            What::Offer => self.offered(jingle, &way, &mut draft, &mut lost),
            What::Answer => self.answered(jingle, &way, &mut draft, &mut lost),
        }
        if self.live() == 0 {
            return Err(MapError::NothingToDescribe);
        }
        self.write_groups(jingle, &mut draft, &mut lost);
        let description = draft.finish(limits)?;
        Ok(Heard { description, lost })
    }

    fn offered(&mut self, jingle: &Jingle, way: &Way<'_>, draft: &mut Draft, lost: &mut Vec<Lost>) {
        for content in &jingle.contents {
            if self.section_of(&content.name).is_some() {
                let what = format!("content {}", content.name.escape_debug());
                lost.push(Lost::new(Loss::RepeatedContent, None, what));
                continue;
            }
            if is_bare(content) && !jingle.contents.iter().all(is_bare) {
                let what = format!("content {} of no credentials", content.name.escape_debug());
                lost.push(Lost::new(Loss::ForeignTransport, None, what));
                continue;
            }
            if let Some((section, lines)) = self.new_section(content, way, lost) {
                draft.put(section, lines);
            }
        }
    }

    /// A content of the peer that is no section yet, as one behind all others.
    pub(super) fn new_section(
        &mut self,
        content: &Content,
        way: &Way<'_>,
        lost: &mut Vec<Lost>,
    ) -> Option<(usize, Vec<LineText>)> {
        let section = self.count();
        let usable = usable(content, section, lost)?;
        let named = Named {
            creator: content.creator,
            name: content.name.clone(),
        };
        let proto = proto(&usable);
        self.add(named, &usable.description.media, proto);
        let lines = self.lines(section, content, &usable, way, lost);
        Some((section, lines))
    }

    fn answered(
        &mut self,
        jingle: &Jingle,
        way: &Way<'_>,
        draft: &mut Draft,
        lost: &mut Vec<Lost>,
    ) {
        for content in &jingle.contents {
            if self.section_of(&content.name).is_none() {
                let what = format!("content {}", content.name.escape_debug());
                lost.push(Lost::new(Loss::UnknownContent, None, what));
            }
        }
        for section in 0..self.count() {
            let named = self.content_of(section).cloned();
            let content = named.and_then(|named| jingle.content(&named.name));
            let lines =
                content.and_then(|content| self.answered_section(section, content, way, lost));
            if lines.is_none() {
                self.end(section);
            }
            let rejected = || self.place(section).map(Draft::rejected).unwrap_or_default();
            draft.put(section, lines.unwrap_or_else(rejected));
        }
    }

    /// The lines of a section that was offered to the peer and is answered.
    pub(super) fn answered_section(
        &mut self,
        section: usize,
        content: &Content,
        way: &Way<'_>,
        lost: &mut Vec<Lost>,
    ) -> Option<Vec<LineText>> {
        let usable = usable(content, section, lost)?;
        Some(self.lines(section, content, &usable, way, lost))
    }

    fn lines(
        &mut self,
        section: usize,
        content: &Content,
        usable: &Usable<'_>,
        way: &Way<'_>,
        lost: &mut Vec<Lost>,
    ) -> Vec<LineText> {
        let formats: Vec<String> = usable
            .payload_types
            .iter()
            .map(|pt| pt.id.to_string())
            .collect();
        self.set_format(section, formats.first().map_or("0", String::as_str));
        let mut lines = Lines::new(Some(section), lost);
        if let Some(place) = self.place(section) {
            let mut words = vec![place.kind.as_str(), "9", place.proto.as_str()];
            words.extend(formats.iter().map(String::as_str));
            lines.words("m=", &words);
        }
        lines.line("c=IN IP4 0.0.0.0");
        bandwidths(usable.description, &mut lines);
        write_transport(usable.transport, way.what, &mut lines);
        if let Some(mid) = self.mid_of(section) {
            lines.words("a=mid:", &[mid]);
        }
        extensions(usable.description, way.author, &mut lines);
        let direction = content.senders.unwrap_or_default().direction(way.author);
        lines.line(&format!("a={direction}"));
        if let Some(category) = &usable.description.category {
            lines.words("a=content:", &[category]);
        }
        streams(usable.description, &mut lines);
        // Conversations groups contents only where it multiplexes as well.
        if usable.description.rtcp_mux || way.bundled {
            lines.line("a=rtcp-mux");
        }
        if usable.description.rtcp_reduced_size {
            lines.line("a=rtcp-rsize");
        }
        formats_of(usable, section, &mut lines);
        sources(usable.description, &mut lines);
        candidates(usable.transport, way.peer, &mut lines);
        lines.lines
    }

    /// The groups of a message, by mids. None is made up: who sends none may use one transport for
    /// each content, with the same credentials for all.
    fn write_groups(&self, jingle: &Jingle, draft: &mut Draft, lost: &mut Vec<Lost>) {
        for group in &jingle.groups {
            let mut lines = Lines::new(None, lost);
            let mut words = vec![group.semantics.as_str()];
            for name in &group.contents {
                let section = self.section_of(name);
                match section.and_then(|section| self.mid_of(section)) {
                    Some(mid) => words.push(mid),
                    None => {
                        let what = format!("{} of a group", name.escape_debug());
                        lines.lose(Loss::GroupMember, what);
                    }
                }
            }
            if words.len() > 1 && is_token(&group.semantics) {
                lines.words("a=group:", &words);
            }
            draft.session.extend(lines.lines);
        }
    }
}

/// Whether a content has neither credentials nor a certificate. Beside others that have some, it is
/// a section of port 0 as `stanza` writes it.
fn is_bare(content: &Content) -> bool {
    let bare = |ice: &IceUdp| credentials(ice).is_none() && ice.fingerprints.is_empty();
    content.ice().is_some_and(bare)
}

/// Both credentials, where both can stand in a line: one alone is none.
fn credentials(ice: &IceUdp) -> Option<(&str, &str)> {
    let is_word = |text: &&str| !text.is_empty() && !text.contains(char::is_whitespace);
    let ufrag = ice.ufrag.as_deref().filter(is_word);
    ufrag.zip(ice.pwd.as_deref().filter(is_word))
}

pub(super) fn is_bundled(groups: &[Group]) -> bool {
    groups.iter().any(Group::is_bundle)
}

/// A content that has what a section needs.
fn usable<'a>(content: &'a Content, section: usize, lost: &mut Vec<Lost>) -> Option<Usable<'a>> {
    let mut lose = |loss, of: &str| {
        let what = format!("content {} of {of}", content.name.escape_debug());
        lost.push(Lost::new(loss, Some(section), what));
        None
    };
    let description = match &content.application {
        Some(Application::Rtp(description)) => description,
        Some(Application::Other(namespace)) => return lose(Loss::ForeignDescription, namespace),
        None => return lose(Loss::ForeignDescription, "nothing"),
    };
    let transport = match &content.transport {
        Some(Transport::IceUdp(transport)) => transport,
        Some(Transport::Other(namespace)) => return lose(Loss::ForeignTransport, namespace),
        None => return lose(Loss::ForeignTransport, "nothing"),
    };
    if !["audio", "video"].contains(&description.media.as_str()) {
        return lose(
            Loss::ForeignDescription,
            &description.media.escape_debug().to_string(),
        );
    }
    let payload_types = codec::normal(&description.payload_types, Some(section), lost);
    if payload_types.is_empty() {
        lost.push(Lost::new(
            Loss::ForeignDescription,
            Some(section),
            "no payload type",
        ));
        return None;
    }
    if description.encryption {
        lost.push(Lost::new(Loss::Crypto, Some(section), "encryption"));
    }
    Some(Usable {
        description,
        transport,
        payload_types,
    })
}

/// RFC 5764 §8 with a fingerprint; feedback needs the profile that has it (XEP-0293 §3).
fn proto(usable: &Usable<'_>) -> &'static str {
    let feedback = !usable.description.feedback.is_empty()
        || usable
            .payload_types
            .iter()
            .any(|pt| !pt.feedback.is_empty());
    match (usable.transport.fingerprints.is_empty(), feedback) {
        (false, _) => "UDP/TLS/RTP/SAVPF",
        (true, true) => "RTP/AVPF",
        (true, false) => "RTP/AVP",
    }
}

fn bandwidths(description: &Description, lines: &mut Lines<'_>) {
    for (kind, value) in &description.bandwidths {
        if is_bandwidth(kind, value) {
            lines.line(&format!("b={kind}:{value}"));
        } else {
            lines.lose(Loss::Bandwidth, kind.escape_debug().to_string());
        }
    }
}

/// Credentials, options, fingerprints and role. Peers of Jingle trickle without saying it, until
/// they say that they are done.
fn write_transport(transport: &IceUdp, what: What, lines: &mut Lines<'_>) {
    if let Some((ufrag, pwd)) = credentials(transport) {
        lines.words("a=ice-ufrag:", &[ufrag]);
        lines.words("a=ice-pwd:", &[pwd]);
    } else if transport.ufrag.is_some() && transport.pwd.is_some() {
        lines.lose(Loss::Unwritable, "a=ice-ufrag");
    }
    match transport.renomination {
        true => lines.line("a=ice-options:trickle renomination"),
        false => lines.line("a=ice-options:trickle"),
    }
    write_fingerprints(transport, what, lines);
}

pub(super) fn write_fingerprints(transport: &IceUdp, what: What, lines: &mut Lines<'_>) {
    for print in &transport.fingerprints {
        lines.words("a=fingerprint:", &[&print.hash, &print.digest]);
    }
    let said = transport.fingerprints.iter().find_map(|print| print.setup);
    if transport.fingerprints.is_empty() {
        return;
    }
    let setup = match (said, what) {
        (Some(Setup::HoldConn), _) => {
            lines.lose(Loss::HoldConn, "setup='holdconn'");
            Setup::Passive
        }
        (Some(Setup::ActPass), What::Answer) => Setup::Passive,
        (Some(setup), _) => setup,
        (None, What::Offer) => Setup::ActPass,
        (None, What::Answer) => Setup::Active,
    };
    lines.line(&format!("a=setup:{setup}"));
}

fn extensions(description: &Description, author: Role, lines: &mut Lines<'_>) {
    for extension in &description.extensions {
        match extension.to_sdp(author) {
            Some(text) => lines.line(&format!("a=extmap:{text}")),
            None => {
                let what = format!("rtp-hdrext {}", extension.id);
                lines.lose(Loss::Extension, what);
            }
        }
    }
    if description.extmap_allow_mixed {
        lines.line("a=extmap-allow-mixed");
    }
}

/// The streams of the section: those of its sources, and those `stanza` writes apart.
fn streams(description: &Description, lines: &mut Lines<'_>) {
    let of_sources = description.sources.iter();
    let of_sources = of_sources.filter_map(|source| source.parameter("msid").map(str::to_owned));
    let apart = description.streams.iter();
    let apart = apart.map(|(stream, track)| format!("{stream} {track}"));
    let mut told: Vec<String> = Vec::new();
    for stream in of_sources.chain(apart) {
        let words: Vec<&str> = stream.split_whitespace().collect();
        if !(1..=2).contains(&words.len()) {
            lines.lose(Loss::Unwritable, "msid");
            continue;
        }
        let stream = words.join(" ");
        if !told.contains(&stream) {
            lines.line(&format!("a=msid:{stream}"));
            told.push(stream);
        }
    }
}

fn formats_of(usable: &Usable<'_>, section: usize, lines: &mut Lines<'_>) {
    let description = usable.description;
    let (ptime, maxptime) = codec::packet_times(
        &usable.payload_types,
        (description.ptime, description.maxptime),
        Some(section),
        lines.lost(),
    );
    if let Some(ptime) = ptime {
        lines.line(&format!("a=ptime:{ptime}"));
    }
    if let Some(maxptime) = maxptime {
        lines.line(&format!("a=maxptime:{maxptime}"));
    }
    codec::write_feedback("*", &description.feedback, lines);
    codec::write(&usable.payload_types, lines);
}

fn sources(description: &Description, lines: &mut Lines<'_>) {
    let described = |ssrc: u32| description.sources.iter().find(|it| it.ssrc == ssrc);
    let name_of = |source: &Source| source.parameter("cname").map(str::to_owned);
    let mut undescribed: Vec<(u32, String)> = Vec::new();
    for group in &description.source_groups {
        let known = group.sources.iter().filter_map(|ssrc| described(*ssrc));
        let name = known.filter_map(name_of).next();
        let unknown = group
            .sources
            .iter()
            .filter(|ssrc| described(**ssrc).is_none());
        match (name, unknown.copied().collect::<Vec<u32>>()) {
            (_, unknown) if unknown.is_empty() => {}
            // Those of a group are of one end. Of a group `stanza` describes the first alone, and
            // Chromium refuses a description with a group that has others.
            (Some(name), unknown) => {
                undescribed.extend(unknown.into_iter().map(|ssrc| (ssrc, name.clone())));
            }
            (None, _) => {
                lines.lose(
                    Loss::SourceAttribute,
                    "a group of sources that nobody describes",
                );
                continue;
            }
        }
        let sources: Vec<String> = group.sources.iter().map(u32::to_string).collect();
        let mut words = vec![group.semantics.as_str()];
        words.extend(sources.iter().map(String::as_str));
        lines.words("a=ssrc-group:", &words);
    }
    for source in &description.sources {
        for parameter in &source.parameters {
            let (ssrc, name, value) = (source.ssrc, &parameter.name, &parameter.value);
            if value.is_empty() {
                let what = format!("source {ssrc} {}", name.escape_debug());
                lines.lose(Loss::SourceAttribute, what);
            } else if is_token(name) {
                lines.line(&format!("a=ssrc:{ssrc} {name}:{value}"));
            } else {
                lines.lose(Loss::Unwritable, format!("source {ssrc}"));
            }
        }
    }
    undescribed.sort_unstable();
    undescribed.dedup_by_key(|(ssrc, _)| *ssrc);
    for (ssrc, name) in undescribed {
        lines.line(&format!("a=ssrc:{ssrc} cname:{name}"));
    }
}

fn candidates(transport: &IceUdp, peer: &Peer, lines: &mut Lines<'_>) {
    let mut told = Vec::new();
    let ufrag = credentials(transport).map(|(ufrag, _)| ufrag);
    for candidate in &transport.candidates {
        match read_candidate(candidate, ufrag, peer) {
            Ok(candidate) if told.contains(&candidate.key()) => {}
            Ok(candidate) => {
                told.push(candidate.key());
                lines.line(&format!("a={candidate}"));
            }
            Err((loss, what)) => lines.lose(loss, what),
        }
    }
    if transport.gathering_complete {
        lines.line("a=end-of-candidates");
    }
}

/// A candidate of the peer, or why it is not used. mDNS names pass: who is on the other side, a
/// browser or a phone, is decided where its description is fitted.
pub(super) fn read_candidate(
    candidate: &super::super::ice_udp::Candidate,
    ufrag: Option<&str>,
    peer: &Peer,
) -> Result<sdp::Candidate, (Loss, String)> {
    let what = || {
        let (ip, port) = (candidate.ip.escape_debug(), candidate.port.escape_debug());
        format!("candidate {ip} {port}")
    };
    let read = candidate.to_sdp(ufrag);
    let read = read.map_err(|why| (Loss::UnreadableCandidate, format!("{}: {why}", what())))?;
    let any = Peer {
        mdns: true,
        ..*peer
    };
    match super::tell::refusal(&read, &any) {
        Some(loss) => Err((loss, what())),
        None => Ok(read),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ns;
    use super::*;
    use crate::sdp::{Direction, SessionDescription};

    const ICE: &str = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'/>";

    fn content(name: &str, inside: &str, transport: &str) -> String {
        format!(
            "<content name='{name}' creator='initiator'><description xmlns='{}' media='audio'>\
             <payload-type id='0'/>{inside}</description>{transport}</content>",
            ns::RTP
        )
    }

    fn jingle(inside: &str) -> Jingle {
        let text = format!(
            "<jingle xmlns='{}' action='x' sid='s'>{inside}</jingle>",
            ns::JINGLE
        );
        Jingle::read(&text.parse().unwrap(), &Limits::default()).unwrap()
    }

    fn hear(inside: &str) -> Result<Heard, MapError> {
        let (peer, limits) = (Peer::native(), Limits::default());
        let mut sections = Sections::default();
        sections.hear(
            &jingle(inside),
            Role::Initiator,
            What::Offer,
            &peer,
            &limits,
        )
    }

    fn losses(heard: &Heard) -> Vec<Loss> {
        heard.lost.iter().map(|lost| lost.loss).collect()
    }

    #[test]
    fn content_becomes_a_section_with_its_name_as_mid() {
        let heard = hear(&content("voice", "", ICE)).unwrap();
        let expected = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
            m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n\
            a=ice-options:trickle\r\na=mid:voice\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000\r\n";
        assert_eq!(heard.description.to_text(), expected);
        assert_eq!(heard.lost, []);
    }

    #[test]
    fn group_of_sources_names_none_that_is_not_described() {
        let group = |ssrcs: [u8; 2]| {
            let [a, b] = ssrcs;
            format!(
                "<ssrc-group xmlns='{0}' semantics='FID'><source xmlns='{0}' ssrc='{a}'/>\
                 <source xmlns='{0}' ssrc='{b}'/></ssrc-group>",
                ns::SSMA
            )
        };
        let source = format!(
            "<source xmlns='{}' ssrc='1'><parameter name='cname' value='c'/></source>",
            ns::SSMA
        );
        let inside = format!("{}{}{source}", group([1, 2]), group([3, 4]));
        let heard = hear(&content("video", &inside, ICE)).unwrap();
        let text = heard.description.to_text();
        let lines: Vec<&str> = text.lines().filter(|it| it.contains("ssrc")).collect();
        let expected = [
            "a=ssrc-group:FID 1 2",
            "a=ssrc:1 cname:c",
            "a=ssrc:2 cname:c",
        ];
        assert_eq!(lines, expected);
        assert_eq!(losses(&heard), [Loss::SourceAttribute]);
    }

    #[test]
    fn nothing_of_a_peer_can_add_a_line() {
        let evil = "x&#10;a=evil";
        let inside = format!(
            "<payload-type id='96' name='{evil}' clockrate='8000'>\
             <parameter name='{evil}' value='1'/></payload-type>\
             <payload-type id='97' name='x' clockrate='8000'><parameter name='a' value='{evil}'/>\
             <rtcp-fb xmlns='{}' type='{evil}'/></payload-type>\
             <bandwidth type='AS'>{evil}</bandwidth><bandwidth type='{evil}'>1</bandwidth>\
             <rtp-hdrext xmlns='{}' id='1' uri='{evil}'/>\
             <category xmlns='{}' name='{evil}'/>\
             <ssrc-group xmlns='{}' semantics='{evil}'><source ssrc='1'/></ssrc-group>\
             <source xmlns='{}' ssrc='1'><parameter name='cname' value='{evil}'/>\
             <parameter name='{evil}' value='c'/></source>",
            ns::RTCP_FB,
            ns::HDREXT,
            ns::CATEGORY,
            ns::SSMA,
            ns::SSMA
        );
        let transport = format!(
            "<transport xmlns='{}' ufrag='{evil}' pwd='{evil}'>\
             <candidate ip='{evil}' port='1' component='1' foundation='1' priority='1'/>\
             <fingerprint xmlns='{}' hash='{evil}'>ab</fingerprint></transport>",
            ns::ICE_UDP,
            ns::DTLS
        );
        let group = format!(
            "<group xmlns='{}' semantics='{evil}'><content name='{evil}'/></group>",
            ns::GROUPING
        );
        let heard = hear(&(content(evil, &inside, &transport) + &group)).unwrap();
        let text = heard.description.to_text();
        assert!(!text.contains("\na=evil"), "{text}");
        assert!(heard.lost.len() > 8, "{:?}", heard.lost);
    }

    #[test]
    fn group_of_conversations_multiplexes() {
        let group = "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>\
            <content name='b'/><content name='a'/><content name='c'/></group>";
        let two = content("a", "", ICE) + &content("b", "", ICE);
        let heard = hear(&format!("{group}{two}")).unwrap();
        assert_eq!(heard.description.groups()[0].mids, ["b", "a"]);
        assert!(heard.description.media().all(|media| media.rtcp_mux()));
        assert_eq!(losses(&heard), [Loss::GroupMember]);
    }

    #[test]
    fn content_without_credentials_beside_others_is_a_rejected_one_of_stanza() {
        let bare = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>";
        let heard = hear(&(content("a", "", ICE) + &content("b", "", bare))).unwrap();
        assert_eq!(heard.description.media_count(), 1);
        assert_eq!(losses(&heard), [Loss::ForeignTransport]);
        // Where none has any, nothing tells them apart.
        let all = hear(&(content("a", "", bare) + &content("b", "", bare))).unwrap();
        assert_eq!(all.description.media_count(), 2);
    }

    #[test]
    fn one_credential_alone_is_none_and_no_candidate_names_it() {
        let candidate = "<candidate component='1' foundation='1' ip='192.0.2.1' port='9' \
            priority='1'/>";
        let half = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u'>";
        let transport = format!("{half}{candidate}</transport>");
        let heard = hear(&content("a", "", &transport)).unwrap();
        let text = heard.description.to_text();
        assert!(
            text.contains("a=candidate:1 1 udp 1 192.0.2.1 9 typ host"),
            "{text}"
        );
        assert!(!text.contains("ufrag"), "{text}");
    }

    #[test]
    fn no_group_is_made_up_of_equal_credentials() {
        let two = content("a", "", ICE) + &content("b", "", ICE);
        let heard = hear(&two).unwrap();
        assert!(heard.description.groups().is_empty());
        assert!(heard.description.media().all(|media| !media.rtcp_mux()));
    }

    #[test]
    fn what_no_section_can_be_is_left_out() {
        let raw = "<transport xmlns='urn:xmpp:jingle:transports:raw-udp:1'/>";
        let text = content("t", "", ICE).replace("media='audio'", "media='text'");
        let all = content("a", "", ICE)
            + &content("a", "", ICE)
            + &content("r", "", raw)
            + "<content name='f'>"
            + "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></content>"
            + &text;
        let heard = hear(&all).unwrap();
        let expected = [
            Loss::RepeatedContent,
            Loss::ForeignTransport,
            Loss::ForeignDescription,
            Loss::ForeignDescription,
        ];
        assert_eq!(losses(&heard), expected);
        assert_eq!(heard.description.media_count(), 1);
        assert_eq!(
            hear(&content("r", "", raw)),
            Err(MapError::NothingToDescribe)
        );
    }

    #[test]
    fn keys_beside_dtls_are_ignored_as_dino_sends_them() {
        let heard = hear(&content("a", "<encryption><crypto/></encryption>", ICE)).unwrap();
        assert_eq!(losses(&heard), [Loss::Crypto]);
    }

    #[test]
    fn role_that_is_missing_follows_the_side() {
        let print = format!(
            "<fingerprint xmlns='{}' hash='sha-1'>ab</fingerprint>",
            ns::DTLS
        );
        let transport = ICE.replace("/>", &format!(">{print}</transport>"));
        let heard = hear(&content("a", "", &transport)).unwrap();
        let media = heard.description.media_at(0).unwrap();
        assert_eq!(
            (media.setup(), media.proto()),
            (Some(Setup::ActPass), "UDP/TLS/RTP/SAVPF")
        );
    }

    #[test]
    fn answer_keeps_the_sections_and_the_proto_of_its_offer() {
        let offer = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n\
            m=audio 9 UDP/TLS/RTP/SAVPF 0 8\nc=IN IP4 0.0.0.0\na=mid:voice\n\
            m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\na=mid:data\n\
            m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=mid:a-name-that-is-long\n\
            a=rtpmap:96 VP8/90000\n";
        let limits = Limits::default();
        let offer = SessionDescription::parse(offer, &limits).unwrap();
        let mut sections = Sections::default();
        let peer = Peer::native();
        let told = sections.tell(&offer, Role::Initiator, What::Offer, &peer);
        let names: Vec<_> = told
            .contents
            .iter()
            .map(|content| content.name.as_str())
            .collect();
        assert_eq!(names, ["voice", "0"]);
        // Dino answers with one payload type, creator wrong, and without video.
        let answer = jingle(
            &content("voice", "", ICE)
                .replace("'initiator'", "'responder'")
                .replace("creator", "senders='responder' creator")
                .replace("<payload-type id='0'/>", "<payload-type id='8'/>"),
        );
        let heard = sections
            .hear(&answer, Role::Responder, What::Answer, &peer, &limits)
            .unwrap();
        let media: Vec<_> = heard.description.media().collect();
        assert_eq!(media[0].m_line().formats, "8");
        assert_eq!(media[0].proto(), "UDP/TLS/RTP/SAVPF");
        assert_eq!(media[0].direction(), Direction::SendOnly);
        assert!(media[1].is_rejected() && media[2].is_rejected());
        assert_eq!(media[2].mid(), Some("a-name-that-is-long"));
        assert_eq!(crate::sdp::check_answer(&offer, &heard.description), Ok(()));
        assert_eq!(sections.live(), 1);
    }

    #[test]
    fn mdns_passes_and_tcp_and_rtcp_do_not() {
        let candidate = |more: &str| {
            format!("<candidate component='1' foundation='1' priority='1' port='9' {more}/>")
        };
        let all = candidate("ip='x.local' protocol='udp' type='host'")
            + &candidate("ip='192.0.2.1' protocol='tcp' tcptype='passive' type='host'")
            + &candidate("ip='host.example' protocol='udp' type='host'")
            + &candidate("ip='192.0.2.1' protocol='udp'").replace("component='1'", "component='2'")
            + &candidate("ip='x.local' protocol='udp' type='host'");
        let heard = hear(&content(
            "a",
            "",
            &ICE.replace("/>", &format!(">{all}</transport>")),
        ))
        .unwrap();
        let expected = [
            Loss::TcpCandidate,
            Loss::UnreadableCandidate,
            Loss::SecondComponent,
        ];
        assert_eq!(losses(&heard), expected);
        let candidates: Vec<_> = heard
            .description
            .media_at(0)
            .unwrap()
            .candidates()
            .collect();
        assert_eq!(candidates.len(), 1);
        assert_eq!(candidates[0].ufrag(), Some("u"));
    }
}
