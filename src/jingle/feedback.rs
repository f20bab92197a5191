//! [`Feedback`]: messages of RTCP between reports (XEP-0293, RFC 4585 §4.2).

use minidom::Element;

use super::ns;
use super::parameter::Parameter;
use super::tag::{Tag, number, said};

/// A feedback message, or the least interval between reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// `<rtcp-fb/>`.
    Message {
        /// `nack`, `ccm`, `transport-cc`, …
        kind: String,
        /// `pli`, `fir`, …
        subtype: Option<String>,
        /// What stands behind.
        parameters: Vec<Parameter>,
    },
    /// `<rtcp-fb-trr-int/>`, milliseconds.
    Interval(u32),
}

impl Feedback {
    /// Reads either element; `None` where it is neither, or says nothing.
    #[must_use]
    pub fn read(element: &Element) -> Option<Self> {
        match element.name() {
            "rtcp-fb" => Some(Self::Message {
                kind: said(element, "type")?,
                subtype: said(element, "subtype"),
                parameters: Parameter::read_all(element),
            }),
            "rtcp-fb-trr-int" => Some(Self::Interval(number(element, "value")?)),
            _ => None,
        }
    }

    /// As an element.
    #[must_use]
    pub fn write(&self) -> Element {
        match self {
            Self::Message {
                kind,
                subtype,
                parameters,
            } => Tag::new("rtcp-fb", ns::RTCP_FB)
                .attr_if("subtype", subtype.as_deref())
                .attr("type", kind)
                .children(parameters.iter().map(|one| one.write(ns::RTCP_FB)))
                .build(),
            Self::Interval(milliseconds) => Tag::new("rtcp-fb-trr-int", ns::RTCP_FB)
                .attr("value", &milliseconds.to_string())
                .build(),
        }
    }

    /// Reads what stands behind the payload type in `a=rtcp-fb`. The first word behind the type is
    /// the subtype (XEP-0293 §3), further ones are parameters.
    #[must_use]
    pub fn of_sdp(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let kind = words.next()?;
        if kind.eq_ignore_ascii_case("trr-int") {
            return Some(Self::Interval(words.next()?.parse().ok()?));
        }
        Some(Self::Message {
            kind: kind.to_owned(),
            subtype: words.next().map(str::to_owned),
            parameters: words.map(Parameter::of_pair).collect(),
        })
    }

    /// What stands behind the payload type in `a=rtcp-fb`; `None` where a word has white space.
    #[must_use]
    pub fn to_sdp(&self) -> Option<String> {
        let (kind, subtype, parameters) = match self {
            Self::Interval(milliseconds) => return Some(format!("trr-int {milliseconds}")),
            Self::Message {
                kind,
                subtype,
                parameters,
            } => (kind, subtype, parameters),
        };
        let pairs = parameters.iter().map(Parameter::pair);
        let words: Vec<String> = [kind.clone()]
            .into_iter()
            .chain(subtype.clone())
            .chain(pairs)
            .collect();
        let whole = |word: &String| !word.is_empty() && !word.contains(char::is_whitespace);
        words.iter().all(whole).then(|| words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_pass_both_ways() {
        for text in [
            "transport-cc",
            "nack pli",
            "ccm tmmbr smaxpr=120",
            "ack app x y=z",
            "trr-int 100",
        ] {
            let feedback = Feedback::of_sdp(text).unwrap();
            assert_eq!(feedback.to_sdp().as_deref(), Some(text));
            assert_eq!(Feedback::read(&feedback.write()), Some(feedback));
        }
        assert_eq!(Feedback::of_sdp("trr-int soon"), None);
        assert_eq!(Feedback::of_sdp(" "), None);
    }

    #[test]
    fn word_with_a_blank_is_not_written() {
        let feedback = Feedback::Message {
            kind: "nack pli".to_owned(),
            subtype: None,
            parameters: Vec::new(),
        };
        assert_eq!(feedback.to_sdp(), None);
    }
}
