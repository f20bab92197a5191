//! A description of our side as contents: what session-initiate and session-accept say.

use super::super::content::{Application, Content, Role, Senders, Transport};
use super::super::dtls::Fingerprint;
use super::super::group::Group;
use super::super::hdrext::HeaderExtension;
use super::super::ice_udp::{Candidate, IceUdp};
use super::super::loss::{Loss, Lost};
use super::super::parameter::Parameter;
use super::super::rtp::Description;
use super::super::source::{Source, SourceGroup};
use super::sections::{Named, Sections, is_call_media, is_live};
use super::{Peer, Told, codec};
use crate::sdp::{self, Line, Media, SessionDescription, Setup, What};

/// Attributes that a section's contents hold, or that are made anew, in a section.
const MAPPED: [&str; 25] = [
    "candidate",
    "content",
    "extmap",
    "extmap-allow-mixed",
    "fingerprint",
    "ice-options",
    "ice-pwd",
    "ice-ufrag",
    "inactive",
    "maxptime",
    "mid",
    "msid",
    "ptime",
    "recvonly",
    "rtcp",
    "rtcp-fb",
    "rtcp-mux",
    "rtcp-rsize",
    "rtpmap",
    "sendonly",
    "sendrecv",
    "setup",
    "ssrc",
    "ssrc-group",
    "bundle-only",
];

/// The same in the session part, which sections inherit.
const MAPPED_IN_SESSION: [&str; 14] = [
    "extmap",
    "extmap-allow-mixed",
    "fingerprint",
    "group",
    "ice-options",
    "ice-pwd",
    "ice-ufrag",
    "inactive",
    "msid-semantic",
    "recvonly",
    "rtcp-mux",
    "sendonly",
    "sendrecv",
    "setup",
];

/// Header extensions that carry nothing without simulcast (RFC 8852 §3).
const OF_SIMULCAST: [&str; 2] = [
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
];

impl Sections {
    /// All of a description: the contents of a session-initiate, where it is an offer, or of a
    /// session-accept, where contents that are not accepted are left out.
    pub fn tell(
        &mut self,
        sdp: &SessionDescription,
        author: Role,
        what: What,
        peer: &Peer,
    ) -> Told {
        let mut told = Told::default();
        session_losses(sdp, &mut told.lost);
        // What an answer has, its peer has created.
        let creator = match what {
            What::Offer => author,
            What::Answer => author.other(),
        };
        for media in sdp.media() {
            self.follow(&media, creator);
            if !is_live(&media) {
                self.end(media.index());
                refused(&media, &mut told.lost);
                continue;
            }
            if let Some(named) = self.content_of(media.index()).cloned() {
                let content = whole(&media, &named, author, what, peer, &mut told.lost);
                told.contents.push(content);
            }
        }
        told.groups = self.groups(sdp, &mut told.lost);
        told
    }

    /// The groups of a description, by the names of contents.
    pub(super) fn groups(&self, sdp: &SessionDescription, lost: &mut Vec<Lost>) -> Vec<Group> {
        let mut groups = Vec::new();
        for group in sdp.groups() {
            let mut contents = Vec::new();
            for mid in &group.mids {
                match self.content_of_mid(mid) {
                    Some(named) => contents.push(named.name.clone()),
                    None => {
                        let what = format!("{mid} of a=group:{}", group.semantics);
                        lost.push(Lost::new(Loss::GroupMember, None, what));
                    }
                }
            }
            if !contents.is_empty() {
                groups.push(Group {
                    semantics: group.semantics.to_owned(),
                    contents,
                });
            }
        }
        groups
    }
}

/// A section as a content with all that it says.
pub(super) fn whole(
    media: &Media<'_>,
    named: &Named,
    author: Role,
    what: What,
    peer: &Peer,
    lost: &mut Vec<Lost>,
) -> Content {
    section_losses(media, lost);
    Content {
        senders: Some(Senders::of(media.direction(), author)),
        application: Some(Application::Rtp(Box::new(describe(media, author, lost)))),
        transport: Some(Transport::IceUdp(Box::new(transport(
            media, named, what, peer, lost,
        )))),
        ..Content::named(named.creator, &named.name)
    }
}

/// The description of a section.
pub(super) fn describe(media: &Media<'_>, author: Role, lost: &mut Vec<Lost>) -> Description {
    let has = |name: &str| media.effective(name).is_some();
    Description {
        media: media.kind().to_ascii_lowercase(),
        payload_types: codec::of_media(media, lost),
        feedback: codec::feedback(media, "*"),
        extensions: extensions(media, author, lost),
        extmap_allow_mixed: has("extmap-allow-mixed"),
        sources: sources(media, lost),
        source_groups: source_groups(media),
        streams: Vec::new(),
        rtcp_mux: has("rtcp-mux") || media.rtcp_mux(),
        rtcp_reduced_size: media.has("rtcp-rsize"),
        bandwidths: bandwidths(media, lost),
        // Those of the payload types say the same.
        ptime: None,
        maxptime: None,
        category: media
            .attribute("content")
            .map(|value| value.trim().to_owned()),
        encryption: false,
    }
}

fn bandwidths(media: &Media<'_>, lost: &mut Vec<Lost>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for line in media.lines().filter(|line| line.kind() == b'b') {
        match line.value().split_once(':') {
            Some((kind, value)) if is_bandwidth(kind, value.trim()) => {
                all.push((kind.to_owned(), value.trim().to_owned()));
            }
            Some(_) | None => lose(Loss::Bandwidth, media, line, lost),
        }
    }
    all
}

/// Whether a bandwidth is a kind and a number (RFC 8866 §5.8).
pub(super) fn is_bandwidth(kind: &str, value: &str) -> bool {
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    sdp::is_token(kind) && is_number
}

/// A line that is lost; how it is shown hides keys.
fn lose(loss: Loss, media: &Media<'_>, line: Line<'_>, lost: &mut Vec<Lost>) {
    lost.push(Lost::new(loss, Some(media.index()), format!("{line:?}")));
}

fn extensions(media: &Media<'_>, author: Role, lost: &mut Vec<Lost>) -> Vec<HeaderExtension> {
    let simulcast = media.has("rid") || media.has("simulcast");
    let mut all = Vec::new();
    for extmap in media.extmaps() {
        let lose = if simulcast && OF_SIMULCAST.contains(&extmap.uri) {
            Some(Loss::Simulcast)
        } else if extmap.direction == Some(sdp::Direction::Inactive) {
            Some(Loss::Extension)
        } else {
            None
        };
        match lose {
            None => all.push(HeaderExtension::of_sdp(&extmap, author)),
            Some(loss) => {
                let what = format!("a=extmap:{} {}", extmap.id, extmap.uri);
                lost.push(Lost::new(loss, Some(media.index()), what));
            }
        }
    }
    all
}

/// The sources with their attributes. One that has no stream gets that of the section: Firefox
/// writes it there alone, and clients read it with the source.
fn sources(media: &Media<'_>, lost: &mut Vec<Lost>) -> Vec<Source> {
    let section = Some(media.index());
    let mut all: Vec<Source> = Vec::new();
    for ssrc in media.ssrcs() {
        let at = all.iter().position(|source| source.ssrc == ssrc.id);
        let at = at.unwrap_or_else(|| {
            all.push(Source {
                ssrc: ssrc.id,
                parameters: Vec::new(),
            });
            all.len() - 1
        });
        match ssrc.value.map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => all[at].parameters.push(Parameter::new(ssrc.name, value)),
            None => {
                let what = format!("a=ssrc:{} {}", ssrc.id, ssrc.name);
                lost.push(Lost::new(Loss::SourceAttribute, section, what));
            }
        }
    }
    for msid in media.msids() {
        let stream = match msid.track {
            Some(track) => format!("{} {track}", msid.stream),
            None => msid.stream.to_owned(),
        };
        for source in &mut all {
            if source.parameter("msid").is_none() {
                source.parameters.push(Parameter::new("msid", &stream));
            }
        }
        if !all
            .iter()
            .any(|source| source.parameter("msid") == Some(&stream))
        {
            lost.push(Lost::new(Loss::Stream, section, format!("a=msid:{stream}")));
        }
    }
    all
}

fn source_groups(media: &Media<'_>) -> Vec<SourceGroup> {
    let values = media.lines().filter_map(|line| line.value_of("ssrc-group"));
    let groups = values.filter_map(|value| {
        let mut words = value.split_ascii_whitespace();
        Some(SourceGroup {
            semantics: words.next()?.to_owned(),
            sources: words.filter_map(|word| word.parse().ok()).collect(),
        })
    });
    groups.collect()
}

/// The transport of a section; behind the first of a BUNDLE group a section may leave it to that
/// one (RFC 9143 §7.3), where every content has its own.
pub(super) fn transport(
    media: &Media<'_>,
    named: &Named,
    what: What,
    peer: &Peer,
    lost: &mut Vec<Lost>,
) -> IceUdp {
    let sdp = media.description();
    let leader = leader(sdp, media).and_then(|mid| sdp.media_by_mid(mid));
    let speaks = leader.filter(|_| media.ice().is_none()).unwrap_or(*media);
    let setup = setup(&speaks, what, lost);
    let prints = speaks.fingerprints();
    let ice = speaks.ice();
    IceUdp {
        ufrag: ice.map(|ice| ice.ufrag.to_owned()),
        pwd: ice.map(|ice| ice.pwd.to_owned()),
        candidates: candidates(media, named, peer, lost),
        fingerprints: prints
            .iter()
            .map(|print| {
                let (hash, digest) = print.normal();
                let setup = Some(setup);
                Fingerprint {
                    hash,
                    digest,
                    setup,
                }
            })
            .collect(),
        trickle: speaks.has_ice_option("trickle"),
        renomination: speaks.has_ice_option("renomination"),
        gathering_complete: false,
    }
}

/// The mid of the section that speaks for the transport of this one.
fn leader<'a>(sdp: &'a SessionDescription, media: &Media<'_>) -> Option<&'a str> {
    let mid = media.mid()?;
    let groups = sdp.bundle_groups();
    let group = groups.into_iter().find(|group| group.mids.contains(&mid))?;
    group.mids.first().copied()
}

/// The role, which Jingle always tells: Conversations takes no peer without one (XEP-0320 §1).
fn setup(media: &Media<'_>, what: What, lost: &mut Vec<Lost>) -> Setup {
    match (media.setup(), what) {
        (Some(Setup::HoldConn), _) => {
            let what = "a=setup:holdconn";
            lost.push(Lost::new(Loss::HoldConn, Some(media.index()), what));
            Setup::Passive
        }
        // RFC 5763 §5: an answer chooses.
        (Some(Setup::ActPass), What::Answer) => Setup::Passive,
        (Some(setup), _) => setup,
        (None, What::Offer) => Setup::ActPass,
        (None, What::Answer) => Setup::Active,
    }
}

/// The candidates of a section that the peer can use.
fn candidates(
    media: &Media<'_>,
    named: &Named,
    peer: &Peer,
    lost: &mut Vec<Lost>,
) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for line in media.lines() {
        let Some(value) = line.value_of("candidate") else {
            continue;
        };
        match sdp::Candidate::parse(value) {
            Err(_) => lose(Loss::UnreadableCandidate, media, line, lost),
            Ok(candidate) => match refusal(&candidate, peer) {
                Some(loss) => lose(loss, media, line, lost),
                None => {
                    own_notes(&candidate, media, lost);
                    all.push(Candidate::of_sdp(&named.name, &candidate));
                }
            },
        }
    }
    all
}

/// Why a candidate is not for this peer.
pub(super) fn refusal(candidate: &sdp::Candidate, peer: &Peer) -> Option<Loss> {
    if candidate.component() != 1 {
        Some(Loss::SecondComponent)
    } else if candidate.transport() == sdp::Transport::Tcp && !peer.tcp {
        Some(Loss::TcpCandidate)
    } else if candidate.is_mdns() && !peer.mdns {
        Some(Loss::MdnsCandidate)
    } else {
        None
    }
}

/// What a browser writes behind a candidate for itself; told once for a section.
fn own_notes(candidate: &sdp::Candidate, media: &Media<'_>, lost: &mut Vec<Lost>) {
    let kept = [
        "raddr",
        "rport",
        "tcptype",
        "generation",
        "network-id",
        "ufrag",
    ];
    let mut fields = candidate.as_str().split_ascii_whitespace().skip(8);
    while let (Some(name), Some(_)) = (fields.next(), fields.next()) {
        let note = Lost::new(Loss::CandidateExtension, Some(media.index()), name);
        if !kept.contains(&name) && !lost.contains(&note) {
            lost.push(note);
        }
    }
}

/// A live section that Jingle has no description for.
pub(super) fn refused(media: &Media<'_>, lost: &mut Vec<Lost>) {
    if media.is_rejected() || is_call_media(media) {
        return;
    }
    let loss = match media.kind().eq_ignore_ascii_case("application") {
        true => Loss::DataSection,
        false => Loss::ForeignSection,
    };
    let what = format!("m={} {}", media.kind(), media.proto());
    lost.push(Lost::new(loss, Some(media.index()), what));
}

/// What the session part says that no content does.
fn session_losses(sdp: &SessionDescription, lost: &mut Vec<Lost>) {
    for line in sdp.session_lines() {
        let loss = match line.attribute() {
            Some((name, _)) if is_one_of(&MAPPED_IN_SESSION, name) => continue,
            Some(("ice-lite", _)) => Loss::IceLite,
            Some(_) => Loss::Attribute,
            // Made anew.
            None if matches!(line.kind(), b'v' | b'o' | b's' | b't' | b'c') => continue,
            None => Loss::SessionLine,
        };
        lost.push(Lost::new(loss, None, format!("{line:?}")));
    }
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// What a section says that its content does not, apart from what the parts above tell.
fn section_losses(media: &Media<'_>, lost: &mut Vec<Lost>) {
    let listed = |pt: &str| media.formats().any(|format| format == pt);
    for line in media.lines() {
        let Some((name, value)) = line.attribute() else {
            match line.kind() {
                // Made anew, or told above.
                b'm' | b'c' | b'b' => {}
                _ => lose(Loss::SessionLine, media, line, lost),
            }
            continue;
        };
        let payload_type = value.and_then(|value| value.split_ascii_whitespace().next());
        match name.to_ascii_lowercase().as_str() {
            "crypto" => lose(Loss::Crypto, media, line, lost),
            "rid" | "simulcast" => lose(Loss::Simulcast, media, line, lost),
            "end-of-candidates" => lose(Loss::EndOfCandidates, media, line, lost),
            "remote-candidates" => lose(Loss::RemoteCandidates, media, line, lost),
            "ice-options" => ice_options(media, value.unwrap_or(""), lost),
            "rtpmap" | "fmtp" | "rtcp-fb" => {
                let known = payload_type.is_some_and(|pt| pt == "*" || listed(pt));
                if !known {
                    lose(Loss::Attribute, media, line, lost);
                }
            }
            name if MAPPED.contains(&name) => {}
            _ => lose(Loss::Attribute, media, line, lost),
        }
    }
}

fn ice_options(media: &Media<'_>, options: &str, lost: &mut Vec<Lost>) {
    let known = ["trickle", "renomination"];
    for option in options.split_ascii_whitespace() {
        if !is_one_of(&known, option) {
            let what = format!("a=ice-options:{option}");
            lost.push(Lost::new(Loss::IceOption, Some(media.index()), what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::Limits;

    fn told(lines: &str, author: Role, what: What) -> Told {
        let text = format!(
            "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 0.0.0.0\na=mid:0\n{lines}"
        );
        let sdp = SessionDescription::parse(&text, &Limits::default()).unwrap();
        Sections::default().tell(&sdp, author, what, &Peer::native())
    }

    fn losses(lines: &str) -> Vec<Loss> {
        let told = told(lines, Role::Initiator, What::Offer);
        told.lost.iter().map(|lost| lost.loss).collect()
    }

    #[test]
    fn hold_of_the_responder_is_the_responders() {
        for (author, senders) in [
            (Role::Initiator, Senders::Initiator),
            (Role::Responder, Senders::Responder),
        ] {
            let told = told("a=sendonly\n", author, What::Offer);
            assert_eq!(told.contents[0].senders, Some(senders));
        }
    }

    #[test]
    fn role_is_always_told_and_never_open_in_an_answer() {
        let print = "a=fingerprint:SHA-256 aa:bb\n";
        let setup = |setup: &str, what| {
            let told = told(&format!("{print}{setup}"), Role::Responder, what);
            let print = &told.contents[0].ice().unwrap().fingerprints[0];
            assert_eq!(
                (print.hash.as_str(), print.digest.as_str()),
                ("sha-256", "AA:BB")
            );
            print.setup.unwrap()
        };
        assert_eq!(setup("", What::Offer), Setup::ActPass);
        assert_eq!(setup("", What::Answer), Setup::Active);
        assert_eq!(setup("a=setup:actpass\n", What::Answer), Setup::Passive);
        assert_eq!(setup("a=setup:holdconn\n", What::Answer), Setup::Passive);
        assert_eq!(setup("a=setup:passive\n", What::Answer), Setup::Passive);
    }

    #[test]
    fn candidates_that_the_peer_cannot_use_are_left_out() {
        let lines = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host network-cost 50\n\
            a=candidate:1 2 udp 1 192.0.2.1 9 typ host\n\
            a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active\n\
            a=candidate:1 1 udp 1 x.local 9 typ host\na=candidate:bad\na=end-of-candidates\n";
        let expected = [
            Loss::EndOfCandidates,
            Loss::CandidateExtension,
            Loss::SecondComponent,
            Loss::TcpCandidate,
            Loss::MdnsCandidate,
            Loss::UnreadableCandidate,
        ];
        assert_eq!(losses(lines), expected);
    }

    #[test]
    fn keys_are_lost_and_not_shown() {
        let told = told(
            "a=crypto:1 X inline:secret\na=key-mgmt:x secret\n",
            Role::Initiator,
            What::Offer,
        );
        let shown: String = told
            .lost
            .iter()
            .map(|lost| format!("{lost} {lost:?}"))
            .collect();
        assert_eq!(told.lost.len(), 2);
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn simulcast_goes_with_its_extensions() {
        let lines = "a=rid:h send\na=simulcast:send h\n\
            a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\na=extmap:2 urn:x\n";
        assert_eq!(losses(lines), [Loss::Simulcast; 3]);
        let kept = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n";
        assert_eq!(losses(kept), []);
    }

    #[test]
    fn stream_of_the_section_is_told_with_each_source() {
        let lines = "a=msid:- t\na=ssrc:7 cname:c\na=ssrc:7 flag\n";
        let told = told(lines, Role::Initiator, What::Offer);
        let source = &told.contents[0].description().unwrap().sources[0];
        assert_eq!(source.parameter("msid"), Some("- t"));
        assert_eq!(source.parameters.len(), 2, "none without a value");
        assert_eq!(losses("a=msid:s t\n"), [Loss::Stream]);
    }

    #[test]
    fn what_is_not_known_is_lost_and_fails_nothing() {
        let lines = "i=x\na=rtcp-xr:rcvr-rtt=all\na=tls-id:1\na=ice-options:ice2 trickle\n\
            a=rtpmap:99 x/8000\na=extmap:3/inactive urn:x\nb=AS\n";
        let expected = [
            Loss::SessionLine,
            Loss::Attribute,
            Loss::Attribute,
            Loss::IceOption,
            Loss::Attribute,
            Loss::Extension,
            Loss::Bandwidth,
        ];
        assert_eq!(losses(lines), expected);
    }

    #[test]
    fn data_is_refused() {
        let lines = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\n\
            m=image 9 udptl t38\nc=IN IP4 0.0.0.0\nm=audio 0 RTP/AVP 0\n";
        assert_eq!(losses(lines), [Loss::DataSection, Loss::ForeignSection]);
    }
}
