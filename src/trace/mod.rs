//! What a ladder needs: who sent whom what and when, and the gateway's reasons between.
//!
//! Agents emit [`Entry`]s as messages pass; the store (`store.rs`) keeps them by call, bounded, and
//! beside them who called whom and how it ended; `ladder.rs` prints all of it for people.
//! Secrets never enter: whoever makes an entry passes the text through [`redacted`].

pub mod epoch;
pub mod ladder;
pub mod store;

use std::time::Instant;

use crate::id::LegId;

/// One line of a call's trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// The leg it belongs to; `None` for what belongs to no call (a registration, a health check).
    pub leg: Option<LegId>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A message came from the peer.
    Received(Message),
    /// A message went to the peer.
    Sent(Message),
    /// The gateway's own reason, a sentence: "waited 380 ms for candidates".
    Note(String),
}

/// A message on a wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Which wire.
    pub wire: Wire,
    /// The program at the other end: `alice/s-1a2b` or `192.0.2.1:5060 udp`.
    pub peer: String,
    /// One line: the frame's type and call, or the start line.
    pub summary: String,
    /// The whole message, redacted; empty where it is not kept.
    pub body: String,
}

/// A wire that messages travel on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    /// JSON on a WebSocket.
    Json,
    /// SIP.
    Sip,
    /// Stanzas of XMPP.
    Xmpp,
}

/// The text without what must stay secret: the values of `a=ice-pwd` and `pwd`, `inline:` keys,
/// digest responses, tokens, and the keys that somebody pressed: a PIN is as good as a password.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    while let Some((at, length)) = next_secret(text, kept) {
        out.push_str(&text[kept..at]);
        out.push('…');
        kept = at + length;
    }
    out.push_str(&text[kept..]);
    out
}

/// What stands before a secret, and what ends it. All marks end in a colon, a quote or `l=`.
const MARKS: [(&str, &str); 11] = [
    ("a=ice-pwd:", "\r\n\\\""),
    (" pwd=\"", "\""),
    (" pwd='", "'\""),
    ("inline:", "\r\n\\\"| "),
    ("response=\"", "\""),
    ("cnonce=\"", "\""),
    ("\"token\":\"", "\""),
    ("\"password\":\"", "\""),
    ("\"credential\":\"", "\""),
    ("\"digits\":\"", "\""),
    ("Signal=", "\r\n\\\""),
];

/// Where the next secret lies behind `from`: offset and length in bytes. Every message of a call
/// comes through here, so the text is gone through once, and looked at closely only where a mark
/// may end.
fn next_secret(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let may_end = |at: &usize| match bytes[*at] {
        b':' => matches!(bytes[*at - 1], b'd' | b'e'),
        b'"' => matches!(bytes[*at - 1], b'=' | b':'),
        b'\'' => bytes[*at - 1] == b'=',
        b'=' => bytes[*at - 1] == b'l',
        _ => false,
    };
    (from + 1..bytes.len()).filter(may_end).find_map(|at| {
        let (before, start) = (&bytes[from..=at], at + 1);
        let (_, ends) = MARKS
            .iter()
            .find(|(mark, _)| before.ends_with(mark.as_bytes()))?;
        let length = text[start..]
            .find(|c| ends.contains(c))
            .unwrap_or(text.len() - start);
        Some((start, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_enter() {
        let text = "a=ice-pwd:LNb+c0G955\r\na=mid:0\r\n{\"token\":\"abc\"} response=\"77\"";
        assert_eq!(
            redacted(text),
            "a=ice-pwd:…\r\na=mid:0\r\n{\"token\":\"…\"} response=\"…\""
        );
    }

    #[test]
    fn keys_that_were_pressed_do_not_enter() {
        let json = r#"{"type":"call.dtmf","digits":"4711#","call":"c"}"#;
        assert_eq!(
            redacted(json),
            r#"{"type":"call.dtmf","digits":"…","call":"c"}"#
        );
        assert_eq!(
            redacted("Signal=4\r\nDuration=160"),
            "Signal=…\r\nDuration=160"
        );
    }

    #[test]
    fn every_mark_is_found_at_both_ends_of_a_text() {
        for (mark, _) in MARKS {
            assert_eq!(redacted(&format!("{mark}s3cret")), format!("{mark}…"));
            assert_eq!(redacted(&format!("é{mark}é\"")), format!("é{mark}…\""));
            assert_eq!(redacted(mark), format!("{mark}…"));
        }
        assert_eq!(redacted("a=mid:0 :\"=\""), "a=mid:0 :\"=\"");
    }
}
