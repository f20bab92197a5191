//! [`check_answer`]: whether an answer fits its offer (RFC 3264 §6), before either side is told.

use std::collections::BTreeSet;

use super::{Direction, Media, SessionDescription, Setup};

/// Why an answer does not fit its offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// Another number of sections.
    #[error("the answer has {answered} sections for {offered} (RFC 3264 §6)")]
    SectionCount {
        /// In the offer.
        offered: usize,
        /// In the answer.
        answered: usize,
    },
    /// Another medium.
    #[error("section {0} of the answer is of another medium (RFC 3264 §6)")]
    Kind(usize),
    /// Another proto in a live section.
    #[error("section {0} of the answer has another proto (RFC 3264 §6)")]
    Proto(usize),
    /// Another mid.
    #[error("section {0} of the answer has another mid (RFC 5888 §9.1)")]
    Mid(usize),
    /// A section that was not offered is used.
    #[error("section {0} was offered with port 0 and is answered with another (RFC 3264 §6)")]
    NotOffered(usize),
    /// Formats that were not offered, where formats are not RTP payload types.
    #[error("section {0} of the answer has a format that was not offered (RFC 3264 §6)")]
    Format(usize),
    /// No codec in common.
    #[error("section {media} has no codec in common: {ours:?} here, {theirs:?} there")]
    NoCommonCodec {
        /// The section.
        media: usize,
        /// What was offered.
        ours: Vec<String>,
        /// What was answered.
        theirs: Vec<String>,
    },
    /// A direction that the offer leaves no room for.
    #[error("section {0}: {2} cannot answer {1} (RFC 3264 §6.1)")]
    Direction(usize, Direction, Direction),
    /// A DTLS role that cannot be answered.
    #[error("section {0} of the answer has a DTLS role that does not fit (RFC 5763 §5)")]
    Setup(usize),
    /// rtcp-mux was not offered.
    #[error("section {0} of the answer has a=rtcp-mux, which was not offered (RFC 5761 §5.1.1)")]
    RtcpMux(usize),
    /// A header extension was not offered.
    #[error("section {0} of the answer has a header extension that was not offered (RFC 8285 §7)")]
    Extmap(usize),
    /// A key was not offered.
    #[error("section {0} of the answer takes a crypto tag that was not offered (RFC 4568 §5.1.2)")]
    Crypto(usize),
    /// Mids in the group that were not offered in one.
    #[error("the answer bundles {0}, which was not offered so (RFC 9143 §7.3)")]
    Bundle(String),
}

impl AnswerFault {
    /// The code a client is told.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCommonCodec { .. } => "no_common_codec",
            _ => "bad_answer",
        }
    }
}

/// The codecs of two descriptions, as `opus/48000/2`, each once and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodecMatch {
    /// In both.
    pub common: Vec<String>,
    /// In the first.
    pub ours: Vec<String>,
    /// In the second.
    pub theirs: Vec<String>,
}

/// Checks an answer against its offer.
///
/// # Errors
/// The first [`AnswerFault`] found.
pub fn check_answer(
    offer: &SessionDescription,
    answer: &SessionDescription,
) -> Result<(), AnswerFault> {
    let (offered, answered) = (offer.media_count(), answer.media_count());
    if offered != answered {
        return Err(AnswerFault::SectionCount { offered, answered });
    }
    for (ours, theirs) in offer.media().zip(answer.media()) {
        check_section(&ours, &theirs)?;
    }
    let bundled: BTreeSet<&str> = offer
        .bundle_groups()
        .into_iter()
        .flat_map(|group| group.mids)
        .collect();
    for mid in answer
        .bundle_groups()
        .into_iter()
        .flat_map(|group| group.mids)
    {
        if !bundled.contains(mid) {
            return Err(AnswerFault::Bundle(mid.to_owned()));
        }
    }
    Ok(())
}

/// Which codecs two descriptions have in common, apart from telephone events, comfort noise and
/// redundancy, over all live sections.
#[must_use]
pub fn common_codecs(ours: &SessionDescription, theirs: &SessionDescription) -> CodecMatch {
    let names = |sdp: &SessionDescription| {
        let live = sdp.media().filter(|media| !media.is_rejected());
        let mut names = Vec::new();
        live.for_each(|media| add_names(&media, &mut names));
        names
    };
    match_names(names(ours), names(theirs))
}

fn add_names(media: &Media<'_>, names: &mut Vec<String>) {
    for codec in media.codecs().iter().filter(|codec| codec.is_primary()) {
        let name = codec.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

fn match_names(ours: Vec<String>, theirs: Vec<String>) -> CodecMatch {
    let there = |name: &&String| theirs.iter().any(|t| t.eq_ignore_ascii_case(name));
    CodecMatch {
        common: ours.iter().filter(there).cloned().collect(),
        ours,
        theirs,
    }
}

fn check_section(ours: &Media<'_>, theirs: &Media<'_>) -> Result<(), AnswerFault> {
    let index = ours.index();
    let (our, their) = (ours.m_line(), theirs.m_line());
    if !our.kind.eq_ignore_ascii_case(their.kind) {
        return Err(AnswerFault::Kind(index));
    }
    // A peer that knows no mids writes none; a browser gives some to an offer that had none.
    if let (Some(our), Some(their)) = (ours.mid(), theirs.mid())
        && our != their
    {
        return Err(AnswerFault::Mid(index));
    }
    if theirs.is_rejected() {
        return Ok(());
    }
    if ours.is_rejected() {
        return Err(AnswerFault::NotOffered(index));
    }
    if !our.proto.eq_ignore_ascii_case(their.proto) {
        return Err(AnswerFault::Proto(index));
    }
    check_formats(ours, theirs)?;
    if ours.is_rtp() && !ours.direction().allows_answer(theirs.direction()) {
        return Err(AnswerFault::Direction(
            index,
            ours.direction(),
            theirs.direction(),
        ));
    }
    check_security(ours, theirs)?;
    if theirs.rtcp_mux() && !ours.rtcp_mux() {
        return Err(AnswerFault::RtcpMux(index));
    }
    let offered: BTreeSet<&str> = ours.extmaps().iter().map(|extmap| extmap.uri).collect();
    if theirs
        .extmaps()
        .iter()
        .any(|extmap| !offered.contains(extmap.uri))
    {
        return Err(AnswerFault::Extmap(index));
    }
    Ok(())
}

/// One codec to talk with must be in common. More formats than were offered are tolerated: nobody
/// sends them (RFC 3264 §6.1 has the offerer use what it offered).
fn check_formats(ours: &Media<'_>, theirs: &Media<'_>) -> Result<(), AnswerFault> {
    let media = ours.index();
    if !ours.is_rtp() {
        let offered: BTreeSet<&str> = ours.formats().collect();
        return match theirs.formats().all(|format| offered.contains(format)) {
            true => Ok(()),
            false => Err(AnswerFault::Format(media)),
        };
    }
    let (mut our_names, mut their_names) = (Vec::new(), Vec::new());
    add_names(ours, &mut our_names);
    add_names(theirs, &mut their_names);
    let CodecMatch {
        common,
        ours,
        theirs,
    } = match_names(our_names, their_names);
    if common.is_empty() {
        return Err(AnswerFault::NoCommonCodec {
            media,
            ours,
            theirs,
        });
    }
    Ok(())
}

fn check_security(ours: &Media<'_>, theirs: &Media<'_>) -> Result<(), AnswerFault> {
    let index = ours.index();
    let fits = match (ours.setup(), theirs.setup()) {
        // No role at all: the defaults hold (RFC 4145 §4).
        (_, None) => true,
        (Some(Setup::Active), Some(role)) => role == Setup::Passive,
        (Some(Setup::Passive), Some(role)) => role == Setup::Active,
        (_, Some(role)) => matches!(role, Setup::Active | Setup::Passive),
    };
    if !fits {
        return Err(AnswerFault::Setup(index));
    }
    let tags: Vec<u32> = ours.cryptos().iter().map(|crypto| crypto.tag).collect();
    if theirs
        .cryptos()
        .iter()
        .any(|crypto| !tags.contains(&crypto.tag))
    {
        return Err(AnswerFault::Crypto(index));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::{capture, captures, sdp};

    #[test]
    fn the_answers_of_browsers_fit_their_offers() {
        let mut pairs = 0;
        for (name, _) in captures() {
            let answer_name = name.replace("offer", "answer");
            if name == answer_name || !captures().iter().any(|(n, _)| *n == answer_name) {
                continue;
            }
            pairs += 1;
            let (offer, answer) = (capture(&name), capture(&answer_name));
            assert_eq!(check_answer(&offer, &answer), Ok(()), "{name}");
        }
        assert!(pairs >= 10, "{pairs}");
    }

    /// Replaces a text in the answer of a pair and gives the fault.
    fn fault(from: &str, to: &str) -> Option<AnswerFault> {
        let offer = capture("chrome-p-av-offer-gathered");
        let text = capture("chrome-p-av-answer-gathered").to_text();
        assert!(text.contains(from), "{from} is there to be replaced");
        check_answer(&offer, &sdp(&text.replacen(from, to, 1))).err()
    }

    #[test]
    fn each_fault_is_found() {
        use AnswerFault as F;
        assert_eq!(fault("m=audio", "m=video"), Some(F::Kind(0)));
        assert_eq!(fault("a=mid:1", "a=mid:7"), Some(F::Mid(1)));
        assert_eq!(fault("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), Some(F::Proto(0)));
        assert_eq!(fault("webrtc-datachannel", "other"), Some(F::Format(2)));
        assert_eq!(
            fault("a=setup:active", "a=setup:actpass"),
            Some(F::Setup(0))
        );
        assert_eq!(
            fault("a=rtcp-mux", "a=crypto:1 X inline:y"),
            Some(F::Crypto(0))
        );
        assert_eq!(
            fault("BUNDLE 0", "BUNDLE 0 9"),
            Some(F::Bundle("9".to_owned()))
        );
        assert_eq!(fault("a=extmap:1 urn", "a=extmap:1 x"), Some(F::Extmap(0)));
        let fewer = check_answer(
            &capture("chrome-p-av-offer-gathered"),
            &capture("chrome-p-audio-answer-gathered"),
        );
        assert!(matches!(fewer, Err(F::SectionCount { answered: 1, .. })));
    }

    #[test]
    fn directions_must_complement() {
        let hold = capture("chrome-p-audio-hold-offer");
        let answer = capture("chrome-p-audio-hold-answer");
        assert_eq!(check_answer(&hold, &answer), Ok(()));
        let mut wrong = answer;
        wrong.set_direction(0, Direction::SendRecv);
        let fault = AnswerFault::Direction(
            0,
            hold.media()
                .map(|m| m.direction())
                .fold(Direction::SendRecv, |_, direction| direction),
            Direction::SendRecv,
        );
        assert_eq!(check_answer(&hold, &wrong), Err(fault));
    }

    #[test]
    fn no_common_codec_names_both_sides() {
        let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n";
        let ours = sdp(&format!(
            "{text}m=audio 4 RTP/AVP 0 8 101\n\
            a=rtpmap:101 telephone-event/8000\n"
        ));
        let theirs = sdp(&format!(
            "{text}m=audio 4 RTP/AVP 18 101\n\
            a=rtpmap:101 telephone-event/8000\n"
        ));
        let fault = check_answer(&ours, &theirs).err();
        assert_eq!(
            fault.as_ref().map(AnswerFault::code),
            Some("no_common_codec")
        );
        let names = common_codecs(&ours, &theirs);
        assert_eq!(names.ours, ["PCMU/8000", "PCMA/8000"]);
        assert_eq!(names.theirs, ["G729/8000"]);
        assert!(names.common.is_empty());
        let same = common_codecs(&ours, &ours);
        assert_eq!(same.common, same.ours);
    }
}
