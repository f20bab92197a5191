//! Payload types: their spellings by client made one, and their lines.
//!
//! | who | writes | becomes |
//! |---|---|---|
//! | Dino | opus without `channels` | two channels (RFC 7587 §7) |
//! | Monal | `profile_level_id='4325407'`, `packetization_mode` | hyphens, hexadecimal |
//! | Monal | `useinbandfec='true'` | 1 |
//! | stanza | `<parameter name='111/111'/>` | the value alone |
//! | Jitsi | `<parameter name='' value='0-15'/>` | the value alone |
//! | the draft stox-media | `name='events'`, `name='pt' value='0,103'` | the value alone, `0/103` |
//! | anybody | static types without name or clock rate, 16000 for G.722 | RFC 3551 §6 |

use std::collections::BTreeSet;

use super::super::feedback::Feedback;
use super::super::loss::{Loss, Lost};
use super::super::parameter::Parameter;
use super::super::rtp::PayloadType;
use super::draft::Lines;
use crate::sdp::{Codec, Media, is_token};

/// H.264's parameters, and those Monal writes beside them, as Monal spells them. The first three it
/// writes on every codec.
const UNDERSCORED: [&str; 9] = [
    "profile_level_id",
    "packetization_mode",
    "level_asymmetry_allowed",
    "max_fs",
    "max_fr",
    "max_cpb",
    "max_dpb",
    "max_br",
    "max_mbps",
];

/// Parameters that are 0 or 1 (RFC 6184 §8.1, RFC 7587 §6.1).
const FLAGS: [&str; 6] = [
    "level-asymmetry-allowed",
    "useinbandfec",
    "usedtx",
    "stereo",
    "sprop-stereo",
    "cbr",
];

/// The payload types of a section, in order of preference.
pub(super) fn of_media(media: &Media<'_>, lost: &mut Vec<Lost>) -> Vec<PayloadType> {
    let section = Some(media.index());
    let codecs = media.codecs();
    for format in media.formats() {
        if !codecs
            .iter()
            .any(|codec| codec.payload_type.to_string() == format)
        {
            let what = format!("payload type {format}");
            lost.push(Lost::new(Loss::PayloadType, section, what));
        }
    }
    let milliseconds = |name: &str| media.attribute(name)?.trim().parse::<u32>().ok();
    let (ptime, maxptime) = (milliseconds("ptime"), milliseconds("maxptime"));
    let one = |codec: &Codec<'_>| PayloadType {
        id: codec.payload_type,
        name: Some(codec.name.to_owned()),
        clock_rate: Some(codec.clock_rate),
        channels: codec.channels.max(1),
        ptime,
        maxptime,
        parameters: parameters(codec.fmtp.unwrap_or("")),
        feedback: feedback(media, &codec.payload_type.to_string()),
    };
    let all: Vec<PayloadType> = codecs.iter().map(one).collect();
    normal(&all, section, lost)
}

/// The feedback messages of a payload type, or of all (`*`).
pub(super) fn feedback(media: &Media<'_>, payload_type: &str) -> Vec<Feedback> {
    let values = media.lines().filter_map(|line| line.value_of("rtcp-fb"));
    let mine = values.filter_map(|value| {
        let (pt, rest) = value.trim_start().split_once([' ', '\t'])?;
        (pt == payload_type).then(|| Feedback::of_sdp(rest))?
    });
    mine.collect()
}

/// `a=b;c` in pieces. What has no name and a value is a value alone.
fn parameters(fmtp: &str) -> Vec<Parameter> {
    let pieces = fmtp
        .split(';')
        .map(str::trim)
        .filter(|piece| !piece.is_empty());
    pieces.map(Parameter::of_pair).collect()
}

/// Payload types that mean something, in one spelling. What cannot be had so is lost.
pub(super) fn normal(
    all: &[PayloadType],
    section: Option<usize>,
    lost: &mut Vec<Lost>,
) -> Vec<PayloadType> {
    let mut ids = BTreeSet::new();
    let mut made: Vec<PayloadType> = Vec::new();
    for one in all {
        let mut lose = |loss| {
            let what = format!("payload type {}", one.id);
            lost.push(Lost::new(loss, section, what));
        };
        let known = Codec::of_static(one.id);
        let name = one.name.as_deref().or(known.map(|known| known.name));
        let clock = one.clock_rate.or(known.map(|known| known.clock_rate));
        let (Some(name), Some(clock)) = (name, clock) else {
            lose(Loss::PayloadType);
            continue;
        };
        if !is_token(name) {
            lose(Loss::Unwritable);
            continue;
        }
        if !ids.insert(one.id) {
            lose(Loss::PayloadType);
            continue;
        }
        let is = |what: &str| name.eq_ignore_ascii_case(what);
        made.push(PayloadType {
            id: one.id,
            name: Some(name.to_owned()),
            // RFC 3551 §4.5.2: 8000, although it samples at 16000.
            clock_rate: Some(if is("G722") && one.id == 9 {
                8000
            } else {
                clock
            }),
            channels: if is("opus") { 2 } else { one.channels.max(1) },
            ptime: one.ptime,
            maxptime: one.maxptime,
            parameters: normal_parameters(one, name, section, lost),
            feedback: one.feedback.clone(),
        });
    }
    drop_dependents(&mut made, section, lost);
    made
}

/// Retransmission and redundancy of what is not there go, until nothing changes.
fn drop_dependents(made: &mut Vec<PayloadType>, section: Option<usize>, lost: &mut Vec<Lost>) {
    loop {
        let ids: BTreeSet<u8> = made.iter().map(|one| one.id).collect();
        let before = made.len();
        made.retain(|one| {
            let fmtp = fmtp(&one.parameters);
            let codec = Codec {
                payload_type: one.id,
                name: one.name.as_deref().unwrap_or(""),
                clock_rate: one.clock_rate.unwrap_or(0),
                channels: one.channels,
                fmtp: fmtp.as_deref(),
            };
            let stays = codec.depends_on().iter().all(|id| ids.contains(id));
            if !stays {
                let what = format!("payload type {} ({})", one.id, codec.name);
                lost.push(Lost::new(Loss::Dependent, section, what));
            }
            stays
        });
        if made.len() == before {
            return;
        }
    }
}

fn normal_parameters(
    one: &PayloadType,
    codec: &str,
    section: Option<usize>,
    lost: &mut Vec<Lost>,
) -> Vec<Parameter> {
    let mut lose = |loss, parameter: &Parameter| {
        let what = format!(
            "payload type {}: {}",
            one.id,
            parameter.pair().escape_debug()
        );
        lost.push(Lost::new(loss, section, what));
    };
    let (mut named, mut alone): (Vec<Parameter>, Vec<Parameter>) = (Vec::new(), Vec::new());
    for parameter in &one.parameters {
        let Some(parameter) = spelled(parameter, codec) else {
            lose(Loss::ForeignParameter, parameter);
            continue;
        };
        if !parameter.is_without_blanks() {
            lose(Loss::ParameterWithBlank, &parameter);
        } else if parameter.name.is_empty() {
            // An empty one says nothing.
            alone.extend(Some(parameter).filter(|parameter| !parameter.value.is_empty()));
        } else if parameter.name.contains(['=', ';']) || parameter.value.contains(';') {
            lose(Loss::Unwritable, &parameter);
        } else {
            named.push(parameter);
        }
    }
    if named.is_empty() {
        let values: Vec<&str> = alone.iter().map(|one| one.value.as_str()).collect();
        let value = values.join(";");
        // In a line, `a=b` would be a name and a value.
        if value.contains('=') {
            lose(Loss::Unwritable, &Parameter::new("", &value));
        } else if !value.is_empty() {
            named.push(Parameter::new("", &value));
        }
    } else {
        alone
            .iter()
            .for_each(|one| lose(Loss::NamelessParameter, one));
    }
    named
}

/// The parameter in the spelling of its codec; `None` where the codec does not have it.
fn spelled(parameter: &Parameter, codec: &str) -> Option<Parameter> {
    let is = |what: &str| codec.eq_ignore_ascii_case(what);
    let Parameter { name, value } = parameter;
    if value.is_empty() {
        return Some(Parameter::new("", name));
    }
    if name == "events" && is("telephone-event") {
        return Some(Parameter::new("", value));
    }
    if name == "pt" && is("red") {
        return Some(Parameter::new("", &value.replace(',', "/")));
    }
    let place = UNDERSCORED.iter().position(|known| known == name);
    if place.is_some_and(|place| place < 3) && !is("H264") {
        return None;
    }
    let spelling = match place {
        Some(_) => name.replace('_', "-"),
        None => name.clone(),
    };
    let value = match value.as_str() {
        "true" if FLAGS.contains(&spelling.as_str()) => "1".to_owned(),
        "false" if FLAGS.contains(&spelling.as_str()) => "0".to_owned(),
        decimal if name == "profile_level_id" => match decimal.parse::<u32>() {
            // Three octets (RFC 6184 §8.1).
            Ok(number) if number < 1 << 24 => format!("{number:06x}"),
            _ => return None,
        },
        other => other.to_owned(),
    };
    Some(Parameter::new(&spelling, &value))
}

/// Parameters as `a=fmtp` has them; `None` for none.
fn fmtp(parameters: &[Parameter]) -> Option<String> {
    let pairs: Vec<String> = parameters.iter().map(Parameter::pair).collect();
    (!pairs.is_empty()).then(|| pairs.join(";"))
}

/// Payload types with the parameters in one spelling, for a section that has them already.
pub(super) fn parameters_of(
    all: &[PayloadType],
    section: usize,
    lost: &mut Vec<Lost>,
) -> Vec<(u8, Vec<Parameter>)> {
    let one = |one: &PayloadType| {
        let codec = one.name.as_deref().unwrap_or("");
        (one.id, normal_parameters(one, codec, Some(section), lost))
    };
    all.iter().map(one).collect()
}

/// Writes the fmtp of payload types.
pub(super) fn write_parameters(all: &[(u8, Vec<Parameter>)], lines: &mut Lines<'_>) {
    for (id, parameters) in all {
        if let Some(fmtp) = fmtp(parameters) {
            lines.line(&format!("a=fmtp:{id} {fmtp}"));
        }
    }
}

/// Writes rtpmap, rtcp-fb and fmtp of payload types that are [`normal`].
pub(super) fn write(all: &[PayloadType], lines: &mut Lines<'_>) {
    for one in all {
        let id = one.id;
        let (name, clock) = (
            one.name.as_deref().unwrap_or(""),
            one.clock_rate.unwrap_or(0),
        );
        let channels = match one.channels {
            0 | 1 => String::new(),
            more => format!("/{more}"),
        };
        lines.line(&format!("a=rtpmap:{id} {name}/{clock}{channels}"));
        write_feedback(&id.to_string(), &one.feedback, lines);
        if let Some(fmtp) = fmtp(&one.parameters) {
            lines.line(&format!("a=fmtp:{id} {fmtp}"));
        }
    }
}

/// Writes the rtcp-fb of a payload type, or of all (`*`).
pub(super) fn write_feedback(payload_type: &str, all: &[Feedback], lines: &mut Lines<'_>) {
    for one in all {
        match one.to_sdp() {
            Some(text) => lines.line(&format!("a=rtcp-fb:{payload_type} {text}")),
            None => lines.lose(Loss::Feedback, format!("rtcp-fb of {payload_type}")),
        }
    }
}

/// The packet times of a section: the first `ptime`, the least `maxptime`.
pub(super) fn packet_times(
    all: &[PayloadType],
    description: (Option<u32>, Option<u32>),
    section: Option<usize>,
    lost: &mut Vec<Lost>,
) -> (Option<u32>, Option<u32>) {
    let ptime = all.iter().find_map(|one| one.ptime).or(description.0);
    let most = all.iter().filter_map(|one| one.maxptime).min();
    let differs = |one: &&PayloadType| one.ptime.is_some() && one.ptime != ptime;
    for one in all.iter().filter(differs) {
        let what = format!("ptime of payload type {}", one.id);
        lost.push(Lost::new(Loss::PacketTime, section, what));
    }
    (ptime, most.or(description.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opus(parameters: &[(&str, &str)]) -> PayloadType {
        codec(111, "opus", 48000, parameters)
    }

    fn codec(id: u8, name: &str, clock: u32, parameters: &[(&str, &str)]) -> PayloadType {
        PayloadType {
            id,
            name: Some(name.to_owned()),
            clock_rate: Some(clock),
            channels: 1,
            parameters: parameters
                .iter()
                .map(|(n, v)| Parameter::new(n, v))
                .collect(),
            ..PayloadType::default()
        }
    }

    /// The lines of payload types and the losses.
    fn lines(all: &[PayloadType]) -> (Vec<String>, Vec<Loss>) {
        let mut lost = Vec::new();
        let made = normal(all, Some(0), &mut lost);
        let mut lines = Lines::new(Some(0), &mut lost);
        write(&made, &mut lines);
        let text = lines
            .lines
            .iter()
            .map(|line| line.as_str()[2..].to_owned())
            .collect();
        (text, lost.iter().map(|lost| lost.loss).collect())
    }

    #[test]
    fn opus_of_dino_has_two_channels() {
        let (text, lost) = lines(&[opus(&[])]);
        assert_eq!(
            (text, lost),
            (vec!["rtpmap:111 opus/48000/2".to_owned()], vec![])
        );
    }

    #[test]
    fn spellings_of_monal_become_those_of_the_codec() {
        let monal = [
            ("profile_level_id", "4325407"),
            ("packetization_mode", "1"),
            ("level_asymmetry_allowed", "true"),
        ];
        let (text, lost) = lines(&[codec(96, "H264", 90000, &monal)]);
        let expected = "fmtp:96 profile-level-id=42001f;packetization-mode=1;\
            level-asymmetry-allowed=1";
        assert_eq!((text[1].as_str(), lost), (expected, vec![]));
        // The same defaults on another codec mean nothing, and leave no empty line.
        let (text, lost) = lines(&[codec(97, "VP8", 90000, &monal)]);
        assert_eq!((text.len(), lost), (1, vec![Loss::ForeignParameter; 3]));
        let (text, _) = lines(&[opus(&[("useinbandfec", "true"), ("usedtx", "false")])]);
        assert_eq!(text[1], "fmtp:111 useinbandfec=1;usedtx=0");
    }

    #[test]
    fn profile_in_hexadecimal_stays_as_it_is() {
        let (text, _) = lines(&[codec(96, "H264", 90000, &[("profile-level-id", "420010")])]);
        assert_eq!(text[1], "fmtp:96 profile-level-id=420010");
    }

    #[test]
    fn values_alone_are_read_in_every_spelling() {
        let event = |parameter| codec(101, "telephone-event", 8000, &[parameter]);
        for parameter in [("", "0-16"), ("events", "0-16"), ("0-16", "")] {
            assert_eq!(
                lines(&[event(parameter)]).0[1],
                "fmtp:101 0-16",
                "{parameter:?}"
            );
        }
        let red = |parameter| codec(63, "red", 48000, &[parameter]);
        for parameter in [("", "111/111"), ("pt", "111,111"), ("111/111", "")] {
            let (text, _) = lines(&[opus(&[]), red(parameter)]);
            assert_eq!(text[2], "fmtp:63 111/111", "{parameter:?}");
        }
    }

    #[test]
    fn value_alone_beside_named_ones_goes() {
        let (text, lost) = lines(&[opus(&[("useinbandfec", "1"), ("", "x")])]);
        assert_eq!(text[1], "fmtp:111 useinbandfec=1");
        assert_eq!(lost, [Loss::NamelessParameter]);
    }

    #[test]
    fn blanks_and_separators_inside_a_parameter_are_not_written() {
        let (text, lost) = lines(&[opus(&[("a b", "1"), ("c", "1;d=2"), ("e", "f g")])]);
        assert_eq!(text.len(), 1);
        let (blank, other) = (Loss::ParameterWithBlank, Loss::Unwritable);
        assert_eq!(lost, [blank, other, blank]);
    }

    #[test]
    fn static_types_need_neither_name_nor_clock_rate() {
        let bare = |id| PayloadType {
            id,
            ..PayloadType::default()
        };
        let g722 = codec(9, "G722", 16000, &[]);
        let (text, lost) = lines(&[bare(0), g722, bare(13), bare(100)]);
        let expected = [
            "rtpmap:0 PCMU/8000",
            "rtpmap:9 G722/8000",
            "rtpmap:13 CN/8000",
        ];
        assert_eq!(
            (text, lost),
            (
                expected.map(str::to_owned).to_vec(),
                vec![Loss::PayloadType]
            )
        );
    }

    #[test]
    fn retransmission_of_what_went_goes_with_it() {
        let rtx = codec(97, "rtx", 90000, &[("apt", "96")]);
        let again = codec(98, "rtx", 90000, &[("apt", "97")]);
        let (text, lost) = lines(&[codec(100, "VP8", 90000, &[]), rtx, again]);
        assert_eq!(text, ["rtpmap:100 VP8/90000"]);
        assert_eq!(lost, [Loss::Dependent, Loss::Dependent]);
    }

    #[test]
    fn least_maxptime_and_first_ptime_count() {
        let mut two = [opus(&[]), codec(0, "PCMU", 8000, &[])];
        (two[0].ptime, two[0].maxptime) = (Some(20), Some(120));
        (two[1].ptime, two[1].maxptime) = (Some(30), Some(60));
        let mut lost = Vec::new();
        let times = packet_times(&two, (Some(10), None), Some(0), &mut lost);
        assert_eq!((times, lost.len()), ((Some(20), Some(60)), 1));
        let times = packet_times(&[opus(&[])], (Some(10), Some(40)), None, &mut lost);
        assert_eq!(times, (Some(10), Some(40)));
    }
}
