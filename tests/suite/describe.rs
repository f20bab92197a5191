//! Descriptions of the scenarios: made from words, told in words.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

/// What a description says, in short: each section's direction, with a mid that is not 0, and
/// candidates.
pub(crate) fn shape(sdp: &str) -> String {
    if !sdp.starts_with("v=0") {
        return String::new();
    }
    let sections: Vec<&str> = sdp.split("\r\nm=").skip(1).collect();
    let one = |section: &&str| {
        if section.split(' ').nth(1) == Some("0") {
            return "rejected".to_owned();
        }
        let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
        let is = |direction: &&&str| section.contains(&format!("a={direction}"));
        let direction = directions.iter().find(is).unwrap_or(&"-");
        let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"));
        match mid {
            None | Some("0") => (*direction).to_owned(),
            Some(mid) => format!("{mid}:{direction}"),
        }
    };
    let shown: Vec<String> = sections.iter().map(one).collect();
    let candidates = sdp.matches("a=candidate:").count();
    format!(" sdp {} {candidates} candidates", shown.join("+"))
}

/// The candidates of a browser that hides its addresses, and that there are no more.
const MDNS_ONLY: &str = "a=candidate:1 1 udp 2122262783 a-b.local 5000 typ host\r\n\
                         a=end-of-candidates\r\na=ice-ufrag";

/// A rejected section before the one that counts.
const SECOND: &str = "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=inactive\r\nm=audio";

/// A section of video but for its transport, which is that of the first one.
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n\
                     a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";

/// A description by its word: `offer`, `answer`, with `-trickle`, `-mdns`, `-hold`, `-held`,
/// `-restart`, `-anew`, `-actpass`, `-passive`, `-asterisk`, `-first`, `-second` behind.
/// `answer-actpass` is what its maker offers later; `-anew` has another certificate; `-first` and
/// `-second` say which of two sections is the live one; `-video` has video beside, `-novideo`
/// refuses or drops it; `answer-caller` is an answer of whoever has offered first,
/// `offer-callee` an offer of whoever has not.
pub(crate) fn description(word: &str, version: u32) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sdp/");
    let offered = word.starts_with("offer") && !word.contains("-callee");
    let file = match offered || word.contains("-caller") {
        true => "chrome-audio-offer-gathered.sdp",
        false => "chrome-p-audio-answer-gathered.sdp",
    };
    let mut text = fs::read_to_string(format!("{root}{file}")).unwrap();
    text = text.replacen(" 2 IN IP4", &format!(" {version} IN IP4"), 1);
    text = text.replacen("a=ice-ufrag", "a=end-of-candidates\r\na=ice-ufrag", 1);
    if word.contains("-trickle") || word.contains("-mdns") {
        let kept = text
            .split_inclusive("\r\n")
            .filter(|line| !line.contains("candidate"));
        text = kept.collect();
    }
    for (mark, from, to) in [
        ("-mdns", "a=ice-ufrag", MDNS_ONLY),
        ("-hold", "a=sendrecv", "a=sendonly"),
        ("-held", "a=sendrecv", "a=recvonly"),
        ("-caller", "a=setup:actpass", "a=setup:passive"),
        ("-callee", "a=setup:active", "a=setup:actpass"),
        ("-actpass", "a=setup:active", "a=setup:actpass"),
        ("-passive", "a=setup:active", "a=setup:passive"),
        ("-restart", "a=ice-ufrag:", "a=ice-ufrag:new"),
        ("-restart", "a=ice-pwd:", "a=ice-pwd:new"),
        ("-anew", "a=ice-ufrag:", "a=ice-ufrag:anew"),
        ("-anew", "a=ice-pwd:", "a=ice-pwd:anew"),
        ("-anew", "sha-256 99:AC", "sha-256 11:AC"),
        ("-asterisk", "s=-", "s=Asterisk"),
        ("-second", "a=group:BUNDLE 0", "a=group:BUNDLE 1"),
        ("-second", "a=mid:0", "a=mid:1"),
        ("-second", "m=audio", SECOND),
    ] {
        if word.contains(mark) {
            text = text.replacen(from, to, 1);
        }
    }
    if word.contains("-video") {
        let transport = ["ice-ufrag", "ice-pwd", "fingerprint", "setup"].map(|name| {
            let is_it = |line: &&str| line.starts_with(&format!("a={name}:"));
            text.lines().find(is_it).unwrap().to_owned() + "\r\n"
        });
        text = text.replacen("a=group:BUNDLE 0", "a=group:BUNDLE 0 1", 1) + VIDEO;
        text += &transport.concat();
    }
    if word.contains("-novideo") {
        text += "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n";
    }
    if word.contains("-first") {
        text += "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=inactive\r\n";
    }
    text
}
