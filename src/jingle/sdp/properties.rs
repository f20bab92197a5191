//! What holds for every description and all contents: each line of a capture comes back or is in
//! the loss list, and contents in normal form come back as they were.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::action::{Action, Jingle};
use super::super::content::{Application, Content, Role, Senders, Transport};
use super::super::dtls::Fingerprint;
use super::super::feedback::Feedback;
use super::super::group::Group;
use super::super::hdrext::HeaderExtension;
use super::super::ice_udp::{Candidate, IceUdp};
use super::super::loss::{Loss, Lost};
use super::super::parameter::Parameter;
use super::super::rtp::{Description, PayloadType};
use super::super::source::{Source, SourceGroup};
use super::{Peer, Sections, Told};
use crate::sdp::{self, Limits, Media, SessionDescription, Setup, What};

/// All captures with a section: name and description.
fn captures() -> Vec<(String, SessionDescription)> {
    let mut all = Vec::new();
    for folder in ["tests/fixtures/sdp", "tests/fixtures/jingle"] {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in std::fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            if name.ends_with(".sdp") && text.contains("\nm=") {
                let read = SessionDescription::parse(&text, &Limits::default());
                all.push((name, read.unwrap()));
            }
        }
    }
    assert!(all.len() > 75, "{}", all.len());
    all
}

fn message(told: &Told) -> Jingle {
    Jingle {
        contents: told.contents.clone(),
        groups: told.groups.clone(),
        ..Jingle::new(Action::SessionInitiate, "s")
    }
}

/// Through XML, as on the wire.
fn wire(jingle: &Jingle) -> Jingle {
    let text = String::from(&jingle.write());
    Jingle::read(&text.parse().unwrap(), &Limits::default()).unwrap()
}

/// What a section says, whatever the order and spelling: one entry for each line, those that are
/// made anew left out.
fn says(media: &Media<'_>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.insert(format!("m {} {:?}", media.kind(), media.m_line().formats));
    all.insert(format!("direction {}", media.direction()));
    all.insert(format!("mux {}", media.effective("rtcp-mux").is_some()));
    let mixed = media.effective("extmap-allow-mixed").is_some();
    all.insert(format!("mixed {mixed}"));
    all.insert(format!("ice {:?} {:?}", media.ice_ufrag(), media.ice_pwd()));
    for print in media.fingerprints() {
        all.insert(format!("fingerprint {:?}", print.normal()));
    }
    for codec in media.codecs() {
        let fmtp = codec.fmtp.unwrap_or("").split(';').map(str::trim);
        let fmtp: Vec<&str> = fmtp.filter(|piece| !piece.is_empty()).collect();
        all.insert(format!("codec {} {codec} {fmtp:?}", codec.payload_type));
    }
    for extmap in media.extmaps() {
        all.insert(format!("{extmap:?}"));
    }
    for candidate in media.candidates() {
        all.insert(candidate.without_extensions().as_str().to_lowercase());
    }
    for line in media.lines() {
        let apart = [
            "candidate",
            "end-of-candidates",
            "extmap",
            "extmap-allow-mixed",
            "fingerprint",
            "fmtp",
            "ice-options",
            "ice-pwd",
            "ice-ufrag",
            "inactive",
            "msid",
            "recvonly",
            "rtcp",
            "rtcp-mux",
            "rtpmap",
            "sendonly",
            "sendrecv",
            "setup",
            "ssrc",
            "bundle-only",
        ];
        let is_apart = apart.iter().any(|name| line.is_attribute(name));
        if !is_apart && !matches!(line.kind(), b'm' | b'c') {
            all.insert(line.text().trim_end().to_owned());
        }
    }
    for ssrc in media.ssrcs() {
        if let Some(value) = ssrc.value {
            all.insert(format!("ssrc {} {} {}", ssrc.id, ssrc.name, value.trim()));
        }
    }
    for msid in media.msids() {
        all.insert(format!("msid {} {}", msid.stream, msid.track.unwrap_or("")));
    }
    all
}

/// Whether what does not come back is in the list.
fn is_told(missing: &str, section: usize, lost: &[Lost]) -> bool {
    let mut mine = lost.iter().filter(|lost| lost.section == Some(section));
    mine.any(|lost| {
        let what = lost.what.to_lowercase();
        let of = |kind: Loss| lost.loss == kind;
        let missing = missing.to_lowercase();
        match missing.split(' ').next().unwrap_or("") {
            first if first.starts_with("candidate:") => {
                let kinds = [
                    Loss::TcpCandidate,
                    Loss::SecondComponent,
                    Loss::MdnsCandidate,
                ];
                kinds.contains(&lost.loss) && what.contains(first)
            }
            "extmap" => {
                let uri = what.rsplit(' ').next().unwrap_or("?");
                (of(Loss::Simulcast) || of(Loss::Extension)) && missing.contains(uri)
            }
            "msid" => of(Loss::Stream) && what.contains(missing.trim_start_matches("msid ").trim()),
            first if first.starts_with("a=crypto") => of(Loss::Crypto),
            _ => what == missing,
        }
    })
}

/// `sdp(jingle(s)) ≡ s` up to the loss list.
#[test]
fn each_line_of_a_capture_comes_back_or_is_told_to_be_lost() {
    let limits = Limits::default();
    let mut compared = 0;
    for (name, sent) in captures() {
        for (role, peer) in [
            (Role::Initiator, Peer::native()),
            (
                Role::Responder,
                Peer {
                    mdns: true,
                    tcp: true,
                },
            ),
        ] {
            let (mut ours, mut theirs) = (Sections::default(), Sections::default());
            let told = ours.tell(&sent, role, What::Offer, &peer);
            let heard = theirs.hear(&wire(&message(&told)), role, What::Offer, &peer, &limits);
            let Ok(heard) = heard else {
                let data = |lost: &Lost| lost.loss == Loss::DataSection;
                assert!(told.lost.iter().any(data), "{name}: {heard:?}");
                continue;
            };
            assert_eq!(heard.lost, [], "{name}");
            let back = &heard.description;
            let live: Vec<Media<'_>> = sent
                .media()
                .filter(|media| ours.content_of(media.index()).is_some())
                .collect();
            assert_eq!(live.len(), back.media_count(), "{name}");
            for (sent, back) in live.iter().zip(back.media()) {
                let back = says(&back);
                for one in says(sent).difference(&back) {
                    // A mid that is no name is one in the table.
                    let is_mid = one.starts_with("a=mid:");
                    let is_told = is_told(one, sent.index(), &told.lost);
                    assert!(is_mid || is_told, "{name}: {one} in {:?}", told.lost);
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

/// Contents made of a capture are in normal form: made a description and contents again, they are
/// the same, ids of candidates included.
#[test]
fn contents_of_a_capture_come_back_as_they_were() {
    let (limits, peer) = (Limits::default(), Peer::browser());
    for (name, sent) in captures() {
        for role in [Role::Initiator, Role::Responder] {
            let told = Sections::default().tell(&sent, role, What::Offer, &peer);
            let mut theirs = Sections::default();
            let jingle = wire(&message(&told));
            let Ok(heard) = theirs.hear(&jingle, role, What::Offer, &peer, &limits) else {
                continue;
            };
            let again = theirs.tell(&heard.description, role, What::Offer, &peer);
            let normal = |contents: &[Content]| -> Vec<Content> {
                let mut contents = contents.to_vec();
                contents.iter_mut().for_each(trickling);
                contents
            };
            assert_eq!(normal(&again.contents), normal(&told.contents), "{name}");
            assert_eq!(again.groups, told.groups, "{name}");
        }
    }
}

/// A peer of Jingle trickles without saying so.
fn trickling(content: &mut Content) {
    if let Some(Transport::IceUdp(transport)) = &mut content.transport {
        transport.trickle = true;
        // Which generation a candidate is of is said by the credentials beside it.
        for candidate in &mut transport.candidates {
            candidate.id = None;
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9+/-]{0,11}"
}

fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let named = prop::collection::vec(("[a-w][a-z-]{0,8}", "[a-zA-Z0-9+/:=,-]{1,12}"), 0..4);
    let named = named.prop_map(|all| {
        let all = all.into_iter();
        all.map(|(name, value)| Parameter::new(&name, &value))
            .collect()
    });
    prop_oneof![
        4 => named,
        1 => "[0-9]{1,3}(-[0-9]{1,3})?".prop_map(|value| vec![Parameter::new("", &value)]),
    ]
}

fn feedback() -> impl Strategy<Value = Feedback> {
    let message = (
        word(),
        prop::option::of(word()),
        prop::collection::vec(word(), 0..2),
    );
    prop_oneof![
        4 => message.prop_filter_map("an interval", |(kind, subtype, parameters)| {
            let behind = subtype.is_some();
            let parameters = parameters.iter().filter(|_| behind);
            (!kind.eq_ignore_ascii_case("trr-int")).then(|| Feedback::Message {
                kind,
                parameters: parameters.map(|one| Parameter::new(one, "")).collect(),
                subtype,
            })
        }),
        1 => any::<u32>().prop_map(Feedback::Interval),
    ]
}

fn payload_types() -> impl Strategy<Value = Vec<PayloadType>> {
    let one = (
        prop::sample::select(vec!["VP8", "PCMU", "opus", "telephone-event", "x-own"]),
        1_u32..200_000,
        1_u8..4,
        parameters(),
        prop::collection::vec(feedback(), 0..3),
    );
    let all = prop::collection::btree_map(96_u8..128, one, 1..6);
    let times = (prop::option::of(1_u32..200), prop::option::of(1_u32..200));
    (all, times).prop_map(|(all, (ptime, maxptime))| {
        let made = all.into_iter();
        let made = made.map(
            |(id, (name, clock, channels, parameters, feedback))| PayloadType {
                id,
                name: Some(name.to_owned()),
                clock_rate: Some(clock),
                channels: if name == "opus" { 2 } else { channels },
                ptime,
                maxptime,
                parameters,
                feedback,
            },
        );
        made.rev().collect()
    })
}

fn senders() -> impl Strategy<Value = Senders> {
    prop::sample::select(vec![
        Senders::Both,
        Senders::Initiator,
        Senders::Responder,
        Senders::None,
    ])
}

fn extensions() -> impl Strategy<Value = Vec<HeaderExtension>> {
    let words = prop::collection::vec(word(), 0..2);
    let one = (1_u16..256, word(), senders(), words);
    let one = one.prop_filter_map("sent by nobody", |(id, uri, senders, words)| {
        (senders != Senders::None).then(|| HeaderExtension {
            id,
            uri,
            senders,
            parameters: words.iter().map(|word| Parameter::new(word, "")).collect(),
        })
    });
    prop::collection::vec(one, 0..4)
}

fn sources() -> impl Strategy<Value = (Vec<Source>, Vec<SourceGroup>)> {
    prop::collection::btree_set(any::<u32>(), 0..4).prop_map(|ids| {
        let source = |ssrc: &u32| Source {
            ssrc: *ssrc,
            parameters: vec![
                Parameter::new("cname", "c"),
                Parameter::new("msid", "stream track"),
            ],
        };
        let group = (ids.len() > 1).then(|| SourceGroup {
            semantics: "FID".to_owned(),
            sources: ids.iter().copied().collect(),
        });
        (
            ids.iter().map(source).collect(),
            group.into_iter().collect(),
        )
    })
}

fn description() -> impl Strategy<Value = Description> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let media = prop::sample::select(vec!["audio", "video"]);
    let bandwidth = prop::option::of(0_u32..100_000);
    (
        (
            media,
            payload_types(),
            prop::collection::vec(feedback(), 0..2),
        ),
        (
            extensions(),
            sources(),
            flags,
            bandwidth,
            prop::option::of(word()),
        ),
    )
        .prop_map(|(one, other)| {
            let (media, payload_types, feedback) = one;
            let (extensions, (sources, source_groups), flags, bandwidth, category) = other;
            Description {
                media: media.to_owned(),
                payload_types,
                feedback,
                extensions,
                extmap_allow_mixed: flags.0,
                sources,
                source_groups,
                streams: Vec::new(),
                rtcp_mux: flags.1,
                rtcp_reduced_size: flags.2,
                bandwidths: bandwidth
                    .map(|value| ("AS".to_owned(), value.to_string()))
                    .into_iter()
                    .collect(),
                ptime: None,
                maxptime: None,
                category,
                encryption: false,
            }
        })
}

fn transport() -> impl Strategy<Value = IceUdp> {
    let candidates = prop::collection::btree_map(1_u16.., (any::<u32>(), 0_u8..4), 0..4);
    let setup = prop::sample::select(vec![Setup::Active, Setup::Passive, Setup::ActPass]);
    let digest = prop::collection::vec(any::<u8>(), 32);
    (word(), word(), candidates, (digest, setup), any::<bool>()).prop_map(
        |(ufrag, pwd, candidates, (digest, setup), renomination)| IceUdp {
            candidates: candidates
                .iter()
                .map(|(port, (priority, generation))| {
                    let text = format!(
                        "1 1 udp {priority} 192.0.2.7 {port} typ host generation {generation} \
                         ufrag {ufrag}"
                    );
                    Candidate::of_sdp("0", &sdp::Candidate::parse(&text).unwrap())
                })
                .collect(),
            ufrag: Some(ufrag),
            pwd: Some(pwd),
            fingerprints: vec![Fingerprint {
                hash: "sha-256".to_owned(),
                digest: digest
                    .iter()
                    .map(|octet| format!("{octet:02X}"))
                    .collect::<Vec<_>>()
                    .join(":"),
                setup: Some(setup),
            }],
            trickle: true,
            renomination,
            gathering_complete: false,
        },
    )
}

fn contents() -> impl Strategy<Value = Vec<Content>> {
    let one = (description(), transport(), senders());
    prop::collection::btree_map("[a-z0-9]{1,16}", one, 1..4).prop_map(|all| {
        let made = all.into_iter().rev();
        let made = made.map(|(name, (description, transport, senders))| Content {
            senders: Some(senders),
            application: Some(Application::Rtp(Box::new(description))),
            transport: Some(Transport::IceUdp(Box::new(transport))),
            ..Content::named(Role::Initiator, &name)
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..Default::default()
    })]

    /// `jingle(sdp(j)) = j` in normal form.
    #[test]
    fn contents_in_normal_form_come_back(
        contents in contents(),
        initiates in any::<bool>(),
        bundles in any::<bool>(),
    ) {
        let role = if initiates { Role::Initiator } else { Role::Responder };
        let (peer, limits, what) = (Peer::native(), Limits::default(), What::Offer);
        let mut jingle = Jingle { contents, ..Jingle::new(Action::SessionInitiate, "s") };
        if bundles {
            for content in &mut jingle.contents {
                if let Some(Application::Rtp(description)) = &mut content.application {
                    description.rtcp_mux = true;
                }
            }
            jingle.groups = vec![Group {
                semantics: "BUNDLE".to_owned(),
                contents: jingle.contents.iter().map(|content| content.name.clone()).collect(),
            }];
        }
        prop_assert_eq!(&wire(&jingle), &jingle);
        let mut sections = Sections::default();
        let heard = sections.hear(&jingle, role, what, &peer, &limits).unwrap();
        prop_assert_eq!(&heard.lost, &[]);
        let told = sections.tell(&heard.description, role, what, &peer);
        prop_assert_eq!(&told.lost, &[]);
        jingle.contents.iter_mut().for_each(trickling);
        let mut again = told.contents;
        again.iter_mut().for_each(trickling);
        prop_assert_eq!(again, jingle.contents);
        prop_assert_eq!(told.groups, jingle.groups);
    }

    /// What a change tells, applied by the peer, is what is said after it.
    #[test]
    fn changes_applied_give_the_next_offer(
        before in contents(),
        after in contents(),
        goes in any::<bool>(),
    ) {
        let (peer, limits, role) = (Peer::native(), Limits::default(), Role::Initiator);
        let begin = Jingle { contents: before, ..Jingle::new(Action::SessionInitiate, "s") };
        let mut theirs = Sections::default();
        let mut heard = theirs.hear(&begin, role, What::Offer, &peer, &limits).unwrap().description;
        let mut ours = Sections::default();
        let told = {
            // Our side has said the same.
            let told = heard.clone();
            ours.tell(&told, role, What::Offer, &peer);
            told
        };
        // The next offer: a section stopped, its direction changed, or others behind.
        let mut next = told.clone();
        if goes {
            next.reject_media(0);
            next.drop_rejected_group_members();
        } else {
            next.set_direction(0, sdp::Direction::Inactive);
        }
        let added = Jingle { contents: after, ..Jingle::new(Action::ContentAdd, "s") };
        let mut grown = ours.clone();
        if let Ok(done) = grown.apply(&next, &added, role, &peer, &limits) {
            next = done.description;
        }
        let changes = ours.changes(&told, &next, role, &peer);
        for step in &changes.steps {
            let message = Jingle {
                contents: step.contents().to_vec(),
                groups: changes.groups.clone(),
                ..Jingle::new(step.action(), "s")
            };
            let done = theirs.apply(&heard, &wire(&message), role, &peer, &limits);
            heard = done.unwrap().description;
        }
        prop_assert_eq!(heard.media_count(), next.media_count());
        for (heard, next) in heard.media().zip(next.media()) {
            prop_assert_eq!(heard.is_rejected(), next.is_rejected());
            if !next.is_rejected() {
                prop_assert_eq!(heard.direction(), next.direction());
                prop_assert_eq!(heard.ice(), next.ice());
                prop_assert_eq!(heard.codecs(), next.codecs());
            }
        }
        // The same offer once more changes nothing.
        prop_assert_eq!(ours.changes(&next, &next, role, &peer).steps, vec![]);
    }
}
