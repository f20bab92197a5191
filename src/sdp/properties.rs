//! What holds for every description: captured ones, and made-up ones of a grammar with garbage.

use std::str::FromStr;

use proptest::prelude::*;
use webrtc_sdp::attribute_type::SdpAttribute;

use super::corpus::captures;
use super::*;

fn read(text: &str) -> SessionDescription {
    SessionDescription::parse(text, &Limits::default()).unwrap()
}

#[test]
fn every_capture_comes_back_byte_for_byte() {
    for (name, text) in captures() {
        assert!(text.ends_with("\r\n"), "{name}");
        assert_eq!(read(&text).to_text(), text, "{name}");
        assert_eq!(read(&text.replace("\r\n", "\n")).to_text(), text, "{name}");
        assert_eq!(read(&text).to_string(), text, "{name}");
    }
}

#[test]
fn the_empty_offer_of_a_browser_has_no_media() {
    let text = include_str!("../../tests/fixtures/sdp/chrome-empty-offer-trickle.sdp");
    let error = SessionDescription::parse(text, &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "no_media");
}

#[test]
fn no_secret_of_a_capture_is_shown() {
    for (name, text) in captures() {
        let sdp = read(&text);
        let shown = format!("{sdp:?}{}", sdp.redacted());
        for secret in ["a=ice-pwd:", " inline:"] {
            for value in text.split(secret).skip(1) {
                let value = value.split(['\r', ' ']).next().unwrap();
                assert!(value.len() > 8 && !shown.contains(value), "{name}");
            }
        }
    }
}

/// Each line of the browser captures is read by another reader too, and alike.
#[test]
fn another_reader_agrees_on_browser_lines() {
    let mut compared = 0;
    for (name, text) in captures()
        .iter()
        .filter(|(name, _)| !name.starts_with("baresip"))
    {
        for media in read(text).media() {
            for line in media.lines() {
                let Some(rest) = line.text().strip_prefix("a=") else {
                    continue;
                };
                compared += usize::from(agrees(&media, line, rest, name));
            }
        }
    }
    assert!(compared > 3000, "{compared}");
}

fn agrees(media: &Media<'_>, line: Line<'_>, rest: &str, name: &str) -> bool {
    let place = format!("{name}: {}", line.text());
    let Ok(theirs) = SdpAttribute::from_str(rest) else {
        return false;
    };
    match theirs {
        SdpAttribute::Candidate(theirs) => {
            let ours = Candidate::parse(line.text()).expect(&place);
            assert_eq!(ours.foundation(), theirs.foundation, "{place}");
            assert_eq!(u32::from(ours.component()), theirs.component, "{place}");
            assert_eq!(u64::from(ours.priority()), theirs.priority, "{place}");
            assert_eq!(u32::from(ours.port()), theirs.port, "{place}");
            assert_eq!(ours.address_text(), theirs.address.to_string(), "{place}");
            assert_eq!(ours.typ().as_str(), theirs.c_type.to_string(), "{place}");
            assert_eq!(ours.rport().map(u32::from), theirs.rport, "{place}");
            let tcp_type = theirs.tcp_type.map(|t| t.to_string());
            assert_eq!(
                ours.tcp_type().map(TcpType::as_str),
                tcp_type.as_deref(),
                "{place}"
            );
        }
        SdpAttribute::Rtpmap(theirs) => {
            let codecs = media.codecs();
            let ours = codecs
                .iter()
                .find(|c| c.payload_type == theirs.payload_type);
            let Some(ours) = ours else {
                let format = theirs.payload_type.to_string();
                assert!(media.formats().all(|f| f != format), "{place}");
                return false;
            };
            assert_eq!(ours.name, theirs.codec_name, "{place}");
            assert_eq!(ours.clock_rate, theirs.frequency, "{place}");
            let channels = theirs.channels.unwrap_or(1);
            assert_eq!(u32::from(ours.channels), channels, "{place}");
        }
        SdpAttribute::Extmap(theirs) => {
            let ours = media.extmaps().into_iter().find(|e| e.id == theirs.id);
            assert_eq!(ours.map(|e| e.uri), Some(theirs.url.as_str()), "{place}");
        }
        SdpAttribute::Fingerprint(theirs) => {
            let ours = media.fingerprints();
            assert_eq!(ours[0].octets(), Some(theirs.fingerprint.len()), "{place}");
            assert_eq!(ours[0].hash, theirs.hash_algorithm.to_string(), "{place}");
        }
        SdpAttribute::Setup(theirs) => {
            let ours = media.setup().map(Setup::as_str);
            assert_eq!(ours, Some(theirs.to_string().as_str()), "{place}");
        }
        SdpAttribute::Mid(theirs) => assert_eq!(media.mid(), Some(theirs.as_str()), "{place}"),
        SdpAttribute::IceUfrag(theirs) => {
            assert_eq!(media.ice_ufrag(), Some(theirs.as_str()), "{place}");
        }
        SdpAttribute::IcePwd(theirs) => {
            assert_eq!(media.ice_pwd(), Some(theirs.as_str()), "{place}");
        }
        SdpAttribute::Ssrc(theirs) => {
            let mut ours = media.ssrcs().filter(|ssrc| ssrc.id == theirs.id);
            let attribute = theirs.attribute.unwrap_or_default();
            assert!(ours.any(|ssrc| ssrc.name == attribute), "{place}");
        }
        SdpAttribute::Msid(theirs) => {
            let mut ours = media.msids();
            assert!(ours.any(|msid| msid.stream == theirs.id), "{place}");
        }
        SdpAttribute::Rid(theirs) => assert!(media.rids().any(|r| r.id == theirs.id), "{place}"),
        SdpAttribute::SctpPort(theirs) => {
            let ours = media.data_channel().map(|d| u64::from(d.sctp_port));
            assert_eq!(ours, Some(theirs), "{place}");
        }
        SdpAttribute::Sendrecv
        | SdpAttribute::Sendonly
        | SdpAttribute::Recvonly
        | SdpAttribute::Inactive => assert_eq!(media.direction().as_str(), rest, "{place}"),
        // No view of ours, or a flag.
        _ => return false,
    }
    true
}

/// What an edit says is not what its test is about.
fn ignore<T>(_: T) {}

/// A line of the grammar, a damaged one, or garbage.
fn line() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "i=x",
        "b=AS:64",
        "b=AS:99999999999",
        "c=IN IP4 192.0.2.1",
        "c=IN IP4 pbx.example",
        "c=IN IP6 ::",
        "k=clear:x",
        "t=0 0",
        "f=odd",
        "a=mid:0",
        "a=mid:1",
        "a=mid:é",
        "a=group:BUNDLE 0 1 x",
        "a=group:BUNDLE",
        "a=setup:actpass",
        "a=setup:holdconn",
        "a=SETUP:active",
        "a=fingerprint:SHA-256 aa:bb",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        "a=ice-options:trickle ice2",
        "a=end-of-candidates",
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 3478 typ host",
        "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active generation 0",
        "a=candidate:1 1 UDP 1 x.local 3478 typ host",
        "a=candidate:1 2 UDP 1 2001:db8::1 9 typ relay raddr 10.0.0.1 rport 1",
        "a=candidate:garbage",
        "a=rtcp:9 IN IP4 x.local",
        "a=rtcp-mux",
        "a=sendonly",
        "a=inactive",
        "a=bundle-only",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:101 telephone-event/8000",
        "a=extmap:1 urn:x",
        "a=extmap:1 urn:y",
        "a=crypto:1 X inline:y",
        "a=ssrc:1 cname:x",
        "m=audio 9 UDP/TLS/RTP/SAVPF 96 0 8 101",
        "m=audio 4000 RTP/AVP 0 8 101",
        "m=video 0 udp/tls/rtp/savpf 96 97",
        "m=image 4000 udptl t38",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ]);
    prop_oneof![
        12 => known.prop_map(str::to_owned),
        1 => "[a-zA-Z]=[ -~éß\t]{0,40}",
        1 => "a=(candidate|rtpmap|fmtp|group|extmap|setup|rtcp):[ -~]{0,30}",
    ]
}

fn garbage() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => line(),
        1 => "\\PC{0,20}",
        1 => "[\u{0}-\u{20}\u{7f}]{0,3}",
        1 => Just(String::new()),
    ]
}

/// A description whose head is whole; the lines come from the strategy.
fn text(lines: &[String], end: &str) -> String {
    let head = [
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.9",
        "t=0 0",
    ];
    let all = head.into_iter().chain(lines.iter().map(String::as_str));
    all.flat_map(|line| [line, end]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_made_up_description_is_refused_or_comes_back(
        lines in prop::collection::vec(garbage(), 0..40),
        end in prop::sample::select(vec!["\r\n", "\n"]),
    ) {
        let made = text(&lines, end);
        match SessionDescription::parse(&made, &Limits::default()) {
            Ok(read) => {
                let out = read.to_text();
                let ours: Vec<&str> = out.split_terminator("\r\n").collect();
                let theirs = made.replace("\r\n", "\n");
                let theirs: Vec<&str> = theirs.trim_end_matches('\n').split('\n').collect();
                prop_assert_eq!(ours, theirs);
                let again = SessionDescription::parse(&out, &Limits::default());
                prop_assert_eq!(again, Ok(read));
            }
            Err(error) => {
                prop_assert!(error.line >= 1 && error.column >= 1);
                prop_assert!(!error.code().is_empty());
            }
        }
    }

    #[test]
    fn mending_and_fitting_twice_is_doing_it_once(
        lines in prop::collection::vec(line(), 1..40),
        offers in any::<bool>(),
    ) {
        let Ok(read) = SessionDescription::parse(&text(&lines, "\n"), &Limits::default()) else {
            return Ok(());
        };
        let what = if offers { What::Offer } else { What::Answer };
        let mut mended = read.clone();
        mended.mend_for_browser(what);
        let mut again = mended.clone();
        prop_assert_eq!(again.mend_for_browser(what), []);
        prop_assert_eq!(&again, &mended);
        prop_assert_eq!(mended.media_count(), read.media_count());
        // What was mended is still a description, and nothing here panics on it.
        let reread = SessionDescription::parse(&mended.to_text(), &Limits::default());
        prop_assert_eq!(reread.as_ref(), Ok(&mended));
        let _ = check_browser(&mended);
        let _ = check_answer(&read, &mended);
        let _ = (compare(&read, &mended), is_ice_restart(&read, &mended));
        let _ = media_states(&read, &mended);
        for profile in [Profile::webrtc(), Profile::plain_rtp()] {
            let mut fitted = read.clone();
            fitted.fit_for_peer(&profile);
            let mut twice = fitted.clone();
            prop_assert_eq!(twice.fit_for_peer(&profile), []);
            prop_assert_eq!(fitted.media_count(), read.media_count());
            let reread = SessionDescription::parse(&fitted.to_text(), &Limits::default());
            prop_assert_eq!(reread, Ok(fitted));
        }
        prop_assert_eq!(compare(&mended, &mended.clone()), Change::Refresh);
    }

    /// Each edit keeps the lines it is not about, in their order.
    #[test]
    fn edits_keep_the_other_lines(
        lines in prop::collection::vec(line(), 1..40),
        media in 0_usize..4,
    ) {
        let Ok(before) = SessionDescription::parse(&text(&lines, "\n"), &Limits::default()) else {
            return Ok(());
        };
        let kept = |edit: &dyn Fn(&mut SessionDescription), touched: &dyn Fn(Line<'_>) -> bool| {
            let mut after = before.clone();
            edit(&mut after);
            let others = |sdp: &SessionDescription| -> Vec<String> {
                let others = sdp.lines().filter(|line| !touched(*line));
                others.map(|line| line.text().to_owned()).collect()
            };
            others(&before) == others(&after)
        };
        let is = |names: &'static [&'static str]| {
            move |line: Line<'_>| names.iter().any(|name| line.is_attribute(name))
        };
        let candidate = Candidate::parse("9 1 UDP 1 198.51.100.1 9 typ host").unwrap();
        let directions = is(&["sendrecv", "sendonly", "recvonly", "inactive"]);
        let end = is(&["end-of-candidates"]);
        let destination =
            |l: Line<'_>| l.is_attribute("rtcp") || matches!(l.kind(), b'm' | b'c');
        let all = [
            kept(&|s| s.set_direction(media, Direction::RecvOnly), &directions),
            kept(&|s| ignore(s.add_candidate(media, &candidate)), &is(&["candidate"])),
            kept(&|s| ignore(s.remove_candidates(|_, _| true)), &is(&["candidate"])),
            kept(&|s| ignore(s.set_end_of_candidates(media)), &end),
            kept(&|s| ignore(s.remove_ice_option("trickle")), &is(&["ice-options"])),
            kept(&|s| ignore(s.add_mids()), &is(&["mid"])),
            kept(&|s| ignore(s.drop_unknown_group_members()), &is(&["group"])),
            kept(&|s| ignore(s.remove_empty_groups()), &is(&["group"])),
            kept(&|s| s.set_setup(media, Setup::Active), &is(&["setup"])),
            kept(&|s| s.set_session_name("x").unwrap(), &|l| l.kind() == b's'),
            kept(&|s| s.reorder_formats(media, &[8]), &|l| l.kind() == b'm'),
            kept(&|s| ignore(s.set_default_destination()), &destination),
            kept(
                &|s| ignore(OwnedOrigin::new(1, 1, [0, 0, 0, 0].into()).stamp(s)),
                &|l| l.kind() == b'o',
            ),
        ];
        prop_assert_eq!(all, [true; 13]);
    }

    #[test]
    fn candidates_and_fragments_never_panic(text in "\\PC{0,80}", tail in "[ -~\r\n]{0,80}") {
        for text in [text.clone(), format!("candidate:1 1 UDP 1 192.0.2.1 9 typ host {tail}")] {
            if let Ok(candidate) = Candidate::parse(&text) {
                prop_assert!(!candidate.as_str().contains(['\r', '\n', '\0']));
                let again = Candidate::parse(candidate.as_str());
                prop_assert_eq!(again.as_ref(), Ok(&candidate));
                let _ = (candidate.without_extensions(), candidate.without_related_address());
            }
            let _ = Fragment::parse(&text, &Limits::default());
        }
    }
}
