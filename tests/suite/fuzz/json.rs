//! Frames of clients.

use crosspoint::ws::frame::ClientFrame;

use super::{Target, fuzz, shape};

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "null",
    "true",
    "\"\"",
    "\\u0000",
    "\\ud800",
    "\\r\\n",
    "1e999",
    "-0",
    "\"type\":\"ping\",",
    "\"type\":\"call.create\",",
    "\"id\":\"1\",",
    "\"id\":1,",
    "\"call\":\"c1\",",
    "\"to\":\"600\",",
    "\"ack\":1,",
    "\"negotiation\":1,",
    "\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\"},",
    "\"candidate\":null,",
    "\"digits\":\"5\",",
    "\"cause\":\"busy\",",
    "\"resume\":{\"session\":\"s\",\"seq\":1},",
    "\"capabilities\":[\"trickle\"],",
    "call.accept",
    "call.description",
    "call.candidate",
];

/// The frames that `docs/protocol.md` shows from the client.
pub(super) fn examples() -> Vec<Vec<u8>> {
    let text = include_str!("../../../docs/protocol.md");
    let mut all = Vec::new();
    let mut frame: Option<String> = None;
    for line in text.lines() {
        if let Some(begun) = line.strip_prefix("→ ") {
            all.extend(frame.replace(begun.to_owned()));
        } else if let Some(open) = &mut frame {
            match line.starts_with("   ") {
                true => open.push_str(line.trim_start()),
                false => all.extend(frame.take()),
            }
        }
    }
    all.extend(frame);
    assert!(all.len() > 10, "the examples are there");
    all.into_iter().map(String::into_bytes).collect()
}

pub(super) fn frames() -> Target {
    let take = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let _ = ClientFrame::peek_id(&text);
        match ClientFrame::parse(&text, 16) {
            Ok(parsed) => {
                let frame = parsed.frame;
                let _ = (frame.id(), frame.call(), frame.digest());
                let again = ClientFrame::parse(&text, 16).map(|parsed| parsed.frame.digest());
                assert_eq!(again.ok(), Some(frame.digest()));
                let shown = format!("{frame:?}");
                assert!(!shown.contains("not-for-the-log"), "{shown}");
                format!("{} {:?}", frame.name(), parsed.ack.is_some())
            }
            Err(bad) => {
                assert!(
                    bad.id().is_none_or(|id| id.len() <= 256),
                    "an id without bound"
                );
                shape(&bad.to_string()).chars().take(40).collect()
            }
        }
    };
    let (name, inputs, words) = ("json_frames", examples(), WORDS);
    Target {
        name,
        inputs,
        words,
        take,
    }
}

#[test]
fn frames_hold() {
    fuzz(frames());
}
