//! Session descriptions: byte for byte where nothing is edited, still a description after every
//! edit, and nothing panics.

use crosspoint::sdp::{
    Candidate, Change, Direction, Fragment, IpFamily, Limits, OwnedOrigin, Profile,
    SessionDescription, Setup, Trickle, What, check_answer, check_browser, common_codecs, compare,
    explain, is_ice_restart, media_states,
};

use super::{Target, files, fuzz, shape};

const WORDS: &[&str] = &[
    "v=0\r\n",
    "o=- 1 1 IN IP4 192.0.2.1\r\n",
    "s=-\r\n",
    "t=0 0\r\n",
    "c=IN IP4 192.0.2.1\r\n",
    "c=IN IP6 ::1\r\n",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n",
    "m=video 0 RTP/AVP 31\r\n",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
    "a=mid:0\r\n",
    "a=mid:1\r\n",
    "a=group:BUNDLE 0 1\r\n",
    "a=group:LS 0\r\n",
    "a=sendrecv\r\n",
    "a=inactive\r\n",
    "a=setup:actpass\r\n",
    "a=setup:active\r\n",
    "a=rtcp-mux\r\n",
    "a=bundle-only\r\n",
    "a=end-of-candidates\r\n",
    "a=ice-lite\r\n",
    "a=ice-options:trickle\r\n",
    "a=ice-ufrag:abcd\r\n",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n",
    "a=candidate:1 1 udp 2122260223 192.0.2.1 5000 typ host\r\n",
    "a=candidate:1 1 tcp 1 x.local 9 typ host tcptype active\r\n",
    "a=rtpmap:0 PCMU/8000\r\n",
    "a=rtpmap:111 opus/48000/2\r\n",
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
    "a=rtcp:9 IN IP4 0.0.0.0\r\n",
    "a=fingerprint:sha-256 AA:BB\r\n",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n",
    "a=rid:h send\r\n",
    "a=simulcast:send h;l\r\n",
    "a=ssrc:1 cname:x\r\n",
    "a=msid:s t\r\n",
    "b=AS:64\r\n",
    "\r",
    "\n",
    "\r\n",
    "a=",
    "m=",
    "=",
];

fn read(text: &str) -> SessionDescription {
    SessionDescription::parse(text, &Limits::default()).unwrap()
}

/// What is written is a description, and the same one; the sections are as many as they were.
fn holds(of: &str, before: &SessionDescription, after: &SessionDescription) {
    let text = after.to_text();
    let again = SessionDescription::parse(&text, &Limits::default());
    assert_eq!(again.as_ref(), Ok(after), "{of}:\n{text}");
    assert_eq!(after.media_count(), before.media_count(), "{of}");
    assert_eq!(after.text_len(), text.len(), "{of}");
}

fn ignore<T>(_: T) {}

/// Each edit by itself.
fn edits(sdp: &SessionDescription) {
    type Edit = (&'static str, fn(&mut SessionDescription));
    let edits: &[Edit] = &[
        ("mend an offer", |s| ignore(s.mend_for_browser(What::Offer))),
        ("mend an answer", |s| {
            ignore(s.mend_for_browser(What::Answer))
        }),
        ("fit for WebRTC", |s| {
            ignore(s.fit_for_peer(&Profile::webrtc()))
        }),
        ("fit for RTP", |s| {
            ignore(s.fit_for_peer(&Profile::plain_rtp()))
        }),
        ("fit for a browser", |s| {
            ignore(s.fit_for_peer(&Profile::browser()))
        }),
        ("push down", |s| ignore(s.push_down_session_attributes())),
        ("name it", |s| s.set_session_name("x").unwrap()),
        ("add mids", |s| ignore(s.add_mids())),
        ("remove mids", |s| ignore(s.remove_mids())),
        ("unknown members", |s| {
            ignore(s.drop_unknown_group_members())
        }),
        ("rejected members", |s| {
            ignore(s.drop_rejected_group_members())
        }),
        ("empty groups", |s| ignore(s.remove_empty_groups())),
        ("bundle", |s| s.set_bundle_group(&["0", "1"])),
        ("foreign media", |s| ignore(s.replace_foreign_media())),
        ("repeated extmaps", |s| ignore(s.remove_repeated_extmaps())),
        ("destination", |s| ignore(s.set_default_destination())),
        ("destination of 6", |s| {
            ignore(s.set_default_destination_preferring(IpFamily::V6))
        }),
        ("few candidates", |s| ignore(s.limit_candidates(1))),
        ("no candidates", |s| {
            ignore(s.remove_candidates(|_, _| true))
        }),
        ("unreadable candidates", |s| {
            ignore(s.remove_unreadable_candidates())
        }),
        ("ice options", |s| ignore(s.remove_ice_option("trickle"))),
        ("stamp", |s| {
            ignore(OwnedOrigin::new(1, 1, [127, 0, 0, 1].into()).stamp(s))
        }),
    ];
    for (name, edit) in edits {
        let mut edited = sdp.clone();
        edit(&mut edited);
        holds(name, sdp, &edited);
    }
    let candidate = Candidate::parse("9 1 UDP 1 198.51.100.1 9 typ host").unwrap();
    for media in 0..sdp.media_count().min(3) {
        let mut edited = sdp.clone();
        edited.set_direction(media, Direction::RecvOnly);
        edited.set_setup(media, Setup::Active);
        edited.add_candidate(media, &candidate);
        edited.set_end_of_candidates(media);
        edited
            .replace_attribute(Some(media), "x-own", Some("1"))
            .unwrap();
        holds("edits of a section", sdp, &edited);
    }
}

/// All that is asked of two descriptions.
fn comparisons(sdp: &SessionDescription) {
    let other = read(OTHER);
    for (one, two) in [(sdp, &other), (&other, sdp), (sdp, sdp)] {
        let _ = (compare(one, two), is_ice_restart(one, two));
        let _ = (media_states(one, two), check_answer(one, two));
        let _ = common_codecs(one, two);
        let mut edited = one.clone();
        edited.inherit_candidates(two);
        edited.keep_identity_of(two);
        edited.restore_foreign_media(two);
        edited.restore_mids(two);
        edited.remove_unoffered_extmaps(two);
        for section in edited.new_certificates(two) {
            edited.ask_for_new_association(section);
        }
        edited.take_mids_of(two);
        edited.offer_both_roles(two);
        holds("edits by another", one, &edited);
    }
    assert_eq!(compare(sdp, sdp), Change::Refresh);
    let _ = (check_browser(sdp).is_ok(), sdp.is_gathering_complete());
    let profiles = [("webrtc", Profile::webrtc()), ("rtp", Profile::plain_rtp())];
    let _ = explain(sdp, &profiles);
    let shown = format!("{sdp:?}{}", sdp.redacted());
    for media in sdp.media() {
        let _ = (
            media.codecs(),
            media.extmaps(),
            media.cryptos(),
            media.fingerprints(),
        );
        let _ = (
            media.candidates().count(),
            media.simulcast(),
            media.data_channel(),
        );
        let shows = |pwd: &str| pwd.len() > 3 && shown.contains(&format!("a=ice-pwd:{pwd}"));
        assert!(
            !media.ice_pwd().is_some_and(shows),
            "an ICE password is shown"
        );
    }
}

const OTHER: &str = include_str!("../../fixtures/sdp/chrome-av-offer-gathered.sdp");

pub(super) fn descriptions() -> Target {
    let take = |input: &[u8]| {
        let limits = Limits::default();
        let text = String::from_utf8_lossy(input);
        let _ = Fragment::parse(&text, &limits);
        if let Ok(trickle) = Trickle::new(Some(&text), Some("0"), Some(0), None) {
            let _ = read(OTHER).trickle(&trickle);
        }
        let sdp = match SessionDescription::parse_bytes(input, &limits) {
            Ok(sdp) => sdp,
            Err(error) => {
                assert!(error.line >= 1 && error.column >= 1);
                return error.code().to_owned();
            }
        };
        let lines = |text: &str| -> Vec<String> {
            let text = text.replace("\r\n", "\n");
            let lines = text.trim_end_matches('\n').split('\n');
            lines.map(str::to_owned).collect()
        };
        assert_eq!(lines(&sdp.to_text()), lines(&text), "byte for byte");
        holds("nothing", &sdp, &sdp.clone());
        edits(&sdp);
        comparisons(&sdp);
        let mended = sdp.clone().mend_for_browser(What::Offer);
        let mended: Vec<String> = mended.iter().map(ToString::to_string).collect();
        format!("{} {}", sdp.media_count(), shape(&mended.join(" ")))
    };
    let inputs = files("tests/fixtures/sdp");
    let inputs = inputs
        .into_iter()
        .filter(|input| input.len() < 12_000)
        .collect();
    Target {
        name: "sdp",
        inputs,
        words: WORDS,
        take,
    }
}

#[test]
fn descriptions_hold() {
    fuzz(descriptions());
}
