//! Bodies: the description in a message, alone or as a part of a multipart one (RFC 3261 §7.4,
//! RFC 2046 §5.1), and digits (`application/dtmf-relay`).

use std::time::Duration;

use super::message::Headers;
use super::name::Name;
use super::uri::{parameters, unquoted};
use crate::call::signal::Dtmf;
use crate::sdp::{Limits, SessionDescription};
use crate::text::{BadText, Text};

/// The media type of a description.
pub const SDP: &str = "application/sdp";

/// The media type of a digit.
pub const DTMF_RELAY: &str = "application/dtmf-relay";

/// The media type of a text message.
pub const TEXT: &str = "text/plain";

/// Why a body cannot be taken: the status that says so, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFault {
    /// 400, 413, 415 or 488.
    pub status: u16,
    /// In words.
    pub why: String,
}

/// The description a message carries; `None` where it has no body.
///
/// # Errors
/// [`BodyFault`]: a type or an encoding that is not taken (415), text that is no description (400).
pub fn description(
    headers: &Headers,
    body: &[u8],
    limits: &Limits,
) -> Result<Option<SessionDescription>, BodyFault> {
    if body.is_empty() {
        return Ok(None);
    }
    not_encoded(headers)?;
    let kind = headers.get(&Name::ContentType).unwrap_or(SDP);
    let text = match media_type(kind).as_str() {
        SDP => body,
        kind if kind.starts_with("multipart/") => part(headers, body).ok_or_else(|| BodyFault {
            status: 415,
            why: "the multipart body has no description".into(),
        })?,
        kind => {
            return Err(BodyFault {
                status: 415,
                why: format!("a body of {kind} is not taken"),
            });
        }
    };
    let text = std::str::from_utf8(text).map_err(|error| BodyFault {
        status: 400,
        why: format!("the description: {error}"),
    })?;
    match SessionDescription::parse(text, limits) {
        Ok(description) => Ok(Some(description)),
        Err(error) => Err(BodyFault {
            status: 400,
            why: format!("the description: {error}"),
        }),
    }
}

/// A body that is packed in any way is not taken.
fn not_encoded(headers: &Headers) -> Result<(), BodyFault> {
    let encoded = headers
        .get(&Name::ContentEncoding)
        .is_some_and(|e| !e.trim().is_empty() && !e.trim().eq_ignore_ascii_case("identity"));
    match encoded {
        true => Err(BodyFault {
            status: 415,
            why: "a compressed body is not taken".into(),
        }),
        false => Ok(()),
    }
}

/// What a MESSAGE says, in at most `bytes_max` bytes (RFC 3428 §7).
///
/// # Errors
/// [`BodyFault`]: another type, encoding or character set (415), too long (413), no text (400).
pub fn text(headers: &Headers, body: &[u8], bytes_max: usize) -> Result<Text, BodyFault> {
    let fault = |status, why: String| Err(BodyFault { status, why });
    not_encoded(headers)?;
    let kind = headers.get(&Name::ContentType).unwrap_or(TEXT);
    if media_type(kind) != TEXT {
        return fault(
            415,
            format!("a message of {} is not taken", media_type(kind)),
        );
    }
    let given = kind.split_once(';').map(|(_, rest)| parameters(rest));
    let charset = given.into_iter().flatten().find_map(|(name, value)| {
        let is_it = name.eq_ignore_ascii_case("charset");
        is_it.then(|| unquoted(&value.unwrap_or_default()).to_ascii_lowercase())
    });
    if !matches!(
        charset.as_deref(),
        None | Some("utf-8" | "utf8" | "us-ascii")
    ) {
        return fault(415, "a text of another character set is not taken".into());
    }
    if body.len() > bytes_max {
        return fault(413, format!("a text may have {bytes_max} bytes"));
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return fault(400, "the text is not UTF-8".into());
    };
    match Text::new(text, bytes_max) {
        Ok(text) => Ok(text),
        Err(BadText::Empty) => fault(400, "the text is empty".into()),
        Err(bad @ BadText::TooLong(_)) => fault(413, bad.to_string()),
    }
}

/// The digit in an INFO, where there is one.
#[must_use]
pub fn digit(headers: &Headers, body: &[u8]) -> Option<Dtmf> {
    let kind = media_type(headers.get(&Name::ContentType)?);
    let text = std::str::from_utf8(body).ok()?;
    let default = Duration::from_millis(250);
    let (digit, duration) = match kind.as_str() {
        DTMF_RELAY => {
            let of = |name: &str| {
                text.lines().find_map(|line| {
                    let (known, value) = line.split_once('=')?;
                    known
                        .trim()
                        .eq_ignore_ascii_case(name)
                        .then(|| value.trim())
                })
            };
            let duration = of("Duration").and_then(|ms| ms.parse().ok());
            (
                of("Signal")?,
                duration.map_or(default, Duration::from_millis),
            )
        }
        "application/dtmf" => (text.trim(), default),
        _ => return None,
    };
    let digit = match digit {
        "10" => '*',
        "11" => '#',
        one => one
            .chars()
            .next()
            .filter(|_| one.len() == 1)?
            .to_ascii_uppercase(),
    };
    ("0123456789ABCD*#".contains(digit)).then_some(Dtmf { digit, duration })
}

/// The body of an INFO that carries a digit.
#[must_use]
pub fn of_digit(dtmf: Dtmf) -> Vec<u8> {
    format!(
        "Signal={}\r\nDuration={}\r\n",
        dtmf.digit,
        dtmf.duration.as_millis()
    )
    .into_bytes()
}

/// A media type in lower case, without its parameters.
#[must_use]
pub fn media_type(value: &str) -> String {
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// The first part of a multipart body that is a description.
fn part<'a>(headers: &Headers, body: &'a [u8]) -> Option<&'a [u8]> {
    let (_, rest) = headers.get(&Name::ContentType)?.split_once(';')?;
    let (_, boundary) = parameters(rest)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let delimiter = format!("--{}", unquoted(&boundary?));
    let text = std::str::from_utf8(body).ok()?;
    for part in text.split(delimiter.as_str()).skip(1) {
        let Some((head, content)) = part
            .split_once("\r\n\r\n")
            .or_else(|| part.split_once("\n\n"))
        else {
            continue;
        };
        let is_description = head.lines().any(|line| {
            line.split_once(':').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("content-type") && media_type(value) == SDP
            })
        });
        if is_description {
            // The line end before the delimiter belongs to the delimiter (RFC 2046 §5.1.1).
            return Some(content.strip_suffix("\r\n").unwrap_or(content).as_bytes());
        }
    }
    None
}
