//! Patterns of the dial plan and of tokens, and the templates that take up what they found.
//!
//! A pattern is a text in which at most one `*` stands for anything, nothing included, and each `?`
//! for one digit. A `*` in the middle is allowed; more than one is refused when the configuration
//! is checked, and a pattern of a token that has more matches only itself.

/// What the `*` of a pattern stands for, where the pattern matches: the empty text where it has
/// none.
pub(super) fn matched<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once('*') else {
        return same(pattern, text).then_some("");
    };
    let end = text.len().checked_sub(after.len())?;
    if before.len() > end || !text.is_char_boundary(before.len()) || !text.is_char_boundary(end) {
        return None;
    }
    let fits = same(before, &text[..before.len()]) && same(after, &text[end..]);
    fits.then(|| &text[before.len()..end])
}

/// A template filled in: `{}` is all that was dialled, `{*}` what the `*` stood for. What is put in
/// is not read again.
pub(super) fn filled(template: &str, dialled: &str, star: &str) -> String {
    let mut out = String::with_capacity(template.len() + dialled.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (value, length) = if rest.starts_with("{}") {
            (dialled, 2)
        } else if rest.starts_with("{*}") {
            (star, 3)
        } else {
            ("{", 1)
        };
        out.push_str(value);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Whether a text is what a part of a pattern without `*` says.
fn same(part: &str, text: &str) -> bool {
    let fits = |(wanted, found): (u8, u8)| match wanted {
        b'?' => found.is_ascii_digit(),
        _ => wanted == found,
    };
    part.len() == text.len() && part.bytes().zip(text.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_anything_and_question_mark_for_one_digit() {
        for (pattern, text, star) in [
            ("600", "600", Some("")),
            ("600", "6000", None),
            ("6*", "6", Some("")),
            ("6*", "600", Some("00")),
            ("*", "", Some("")),
            ("sip:*@pbx", "sip:a@pbx", Some("a")),
            ("sip:*@pbx", "sip:@pb", None),
            ("aa*aa", "aaa", None),
            ("6??", "612", Some("")),
            ("6??", "61a", None),
            ("6??", "6?1", None),
            ("0?*", "012", Some("2")),
            ("0?*", "0", None),
            ("*?", "aé1", Some("aé")),
            ("a*", "é", None),
            ("*a", "é", None),
            ("**", "ab", None),
            ("+49*", "+4930", Some("30")),
        ] {
            assert_eq!(matched(pattern, text), star, "{pattern} {text}");
        }
    }

    #[test]
    fn template_is_filled_in_once() {
        assert_eq!(filled("9{*}", "0123", "123"), "9123");
        assert_eq!(filled("+49{}", "30", ""), "+4930");
        assert_eq!(filled("a{}b{*}c", "{*}", "{}"), "a{*}b{}c");
        assert_eq!(filled("{1}", "2", "3"), "{1}");
    }
}
