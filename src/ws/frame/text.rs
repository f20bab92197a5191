//! What the texts inside a frame may hold, and how deep its JSON may nest.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Bytes of a request's `id`, and of the ids of calls and sessions.
const ID_MAX: usize = 64;

/// Bytes of a text that may become a part of a line elsewhere: names, user names.
const LINE_MAX: usize = 256;

/// A request's `id`: 1 to 64 bytes without control characters.
pub(super) fn request_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let id = String::deserialize(from)?;
    match (1..=ID_MAX).contains(&id.len()) && !id.chars().any(char::is_control) {
        true => Ok(id),
        false => Err(D::Error::custom(
            "id: expected 1 to 64 bytes without control characters",
        )),
    }
}

/// The same where there may be none.
pub(super) fn request_id_option<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Id(#[serde(deserialize_with = "request_id")] String);
    Ok(Option::<Id>::deserialize(from)?.map(|Id(id)| id))
}

/// The id of a call or a session: 1 to 64 visible ASCII characters, no quotes, no backslash.
pub(super) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_graphic() && !"\"'`\\".contains(c);
    match (1..=ID_MAX).contains(&name.len()) && name.chars().all(fits) {
        true => Ok(name),
        false => Err(D::Error::custom(
            "expected an id of 1 to 64 visible ASCII characters without quotes",
        )),
    }
}

/// A text that may become a part of a line elsewhere: at most 256 bytes, no control character, so
/// that no CR, LF or NUL can get into a header from here.
pub(super) fn line_option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let line = Option::<String>::deserialize(from)?;
    match line.as_ref().is_none_or(|line| is_line(line)) {
        true => Ok(line),
        false => Err(D::Error::custom(
            "expected at most 256 bytes without control characters",
        )),
    }
}

fn is_line(line: &str) -> bool {
    line.len() <= LINE_MAX && !line.chars().any(char::is_control)
}

/// Whether arrays and objects nest at most `depth_max` deep. One pass, before any parsing, so that
/// a frame of brackets costs nothing.
pub(super) fn is_shallow(text: &str, depth_max: usize) -> bool {
    // Nearly all frames have fewer brackets than may nest, and counting them costs next to nothing.
    let brackets = text.bytes().filter(|byte| matches!(byte, b'{' | b'['));
    if brackets.count() <= depth_max {
        return true;
    }
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => quoted = false,
            (true, _) => {}
            (false, b'"') => quoted = true,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > depth_max {
                    return false;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_nest() {
        assert!(is_shallow(r#"{"a":"[[[[\"[[[["}"#, 1));
        assert!(is_shallow(r#"{"a":[1]}"#, 2));
        assert!(!is_shallow(r#"{"a":[{}]}"#, 2));
        assert!(!is_shallow(&"[".repeat(100_000), 16));
    }
}
