//! A call's trace as a ladder, in the format of the scenario files (`docs/testing.md`).
//!
//! ```text
//! 0.000   alice > crosspoint            call.create c-1 to 600
//! 0.000   # waited 380 ms for candidates
//! 0.380   crosspoint > pbx              INVITE sip:600@pbx
//! ```

use std::borrow::Cow;
use std::fmt::Write as _;

use super::store::CallTrace;
use super::{Message, What};

/// The name of the gateway in a ladder.
const SELF: &str = "crosspoint";

/// How much of each message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// One line each.
    Lines,
    /// The message follows its line as a block with `|` in front.
    Messages,
}

/// Prints a trace. Times are seconds since its first entry.
#[must_use]
pub fn ladder(trace: &CallTrace, detail: Detail) -> String {
    let mut out = String::new();
    let Some(start) = trace.entries.first().map(|entry| entry.at) else {
        return out;
    };
    let width = trace
        .entries
        .iter()
        .filter_map(|entry| peer(&entry.what))
        .map(str::len)
        .max();
    let width = SELF.len() + 4 + width.unwrap_or(0);
    for entry in &trace.entries {
        let at = entry.at.saturating_duration_since(start).as_secs_f64();
        let (way, message) = match &entry.what {
            What::Note(text) => {
                push(&mut out, format_args!("{at:<8.3}# {}\n", plain(text)));
                continue;
            }
            What::Received(message) => (format!("{} > {SELF}", message.peer), message),
            What::Sent(message) => (format!("{SELF} > {}", message.peer), message),
        };
        push(
            &mut out,
            format_args!("{at:<8.3}{way:<width$} {}\n", plain(&message.summary)),
        );
        if detail == Detail::Messages {
            block(&mut out, message);
        }
    }
    if trace.dropped > 0 {
        push(
            &mut out,
            format_args!("# {} more entries did not fit the trace\n", trace.dropped),
        );
    }
    out
}

fn block(out: &mut String, message: &Message) {
    for line in message.body.lines() {
        push(out, format_args!("        | {}\n", plain(line)));
    }
}

/// A line that a terminal can be shown: what a peer wrote moves no cursor and sets no title.
fn plain(line: &str) -> Cow<'_, str> {
    let moves = |c: char| c.is_control() && c != '\t';
    match line.contains(moves) {
        true => Cow::Owned(line.replace(moves, "\u{FFFD}")),
        false => Cow::Borrowed(line),
    }
}

fn peer(what: &What) -> Option<&str> {
    match what {
        What::Received(message) | What::Sent(message) => Some(&message.peer),
        What::Note(_) => None,
    }
}

/// Writing to a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::id::CallId;
    use crate::trace::store::{Limits, Store};
    use crate::trace::{Entry, Wire};

    #[test]
    fn what_a_peer_wrote_moves_no_cursor() {
        assert_eq!(
            plain("a\x1b]0;title\x07\tb\u{9b}2J"),
            "a\u{FFFD}]0;title\u{FFFD}\tb\u{FFFD}2J"
        );
        assert_eq!(plain("Grüße"), "Grüße");
    }

    #[test]
    fn ladder_reads_from_top_to_bottom() {
        let limits = Limits {
            calls_max: 9,
            bytes_max: 10_000,
            call_bytes_max: 3_000,
        };
        let (mut store, start) = (Store::new(limits), Instant::now());
        let message = |wire, peer: &str, summary: &str, body: &str| Message {
            wire,
            peer: peer.into(),
            summary: summary.into(),
            body: body.into(),
        };
        let create = message(Wire::Json, "alice", "call.create c-1", "{}");
        let invite = message(
            Wire::Sip,
            "pbx",
            "INVITE sip:600@pbx",
            "INVITE …\r\n\r\nv=0",
        );
        let entries = [
            (0, What::Received(create)),
            (380, What::Note("waited 380 ms for candidates".into())),
            (380, What::Sent(invite)),
        ];
        for (ms, what) in entries {
            let at = start + Duration::from_millis(ms);
            store.add(
                CallId(1),
                Entry {
                    at,
                    leg: None,
                    what,
                },
            );
        }
        let (_, trace) = store.find("call-1").unwrap();
        assert_eq!(
            ladder(trace, Detail::Lines),
            "0.000   alice > crosspoint  call.create c-1\n\
             0.380   # waited 380 ms for candidates\n\
             0.380   crosspoint > pbx    INVITE sip:600@pbx\n"
        );
        assert!(ladder(trace, Detail::Messages).contains("        | v=0\n"));
    }
}
