//! A call's trace as a ladder, in the format of the scenario files (`docs/testing.md`): what is
//! said about the call stands in comments above and below.
//!
//! ```text
//! # call-3
//! # JSON  c-1
//! # SIP   9f86d081884c7d65
//! # began 2026-11-25T03:04:05.678Z
//! # alice called 600: route "6*" to trunk:pbx, sip:600@pbx
//! 0.000   alice/2 > crosspoint          call.create c-1
//! 0.000   # waited 380 ms for candidates
//! 0.380   crosspoint > 192.0.2.9:5060/udp  INVITE sip:600@pbx
//! 9.120   192.0.2.9:5060/udp > crosspoint  486 Busy Here
//! # ended 2026-11-25T03:04:14.798Z after 9.120 s, not answered: busy, by the callee: 486 Busy Here
//! ```

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::epoch::Epoch;
use super::store::{CallTrace, End};
use super::{Message, What, Wire};
use crate::id::CallId;

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

/// Prints a trace. Times are seconds since the call began.
#[must_use]
pub fn ladder(call: CallId, trace: &CallTrace, epoch: &Epoch, detail: Detail) -> String {
    let mut out = String::new();
    head(&mut out, call, trace, epoch);
    let width = trace
        .entries
        .iter()
        .filter_map(|entry| peer(&entry.what))
        .map(str::len)
        .max();
    let width = SELF.len() + 4 + width.unwrap_or(0);
    for entry in &trace.entries {
        let at = since(trace, entry.at).as_secs_f64();
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
            format_args!(
                "{at:<8.3}{:<width$} {}\n",
                plain(&way),
                plain(&message.summary)
            ),
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
    foot(&mut out, trace, epoch);
    out
}

/// Which call it is, when it began, and who called whom.
fn head(out: &mut String, call: CallId, trace: &CallTrace, epoch: &Epoch) {
    push(out, format_args!("# {call}\n"));
    for (wire, name) in &trace.names {
        let wire = match wire {
            Wire::Json => "JSON",
            Wire::Sip => "SIP",
            Wire::Xmpp => "XMPP",
        };
        push(out, format_args!("# {wire:<5} {}\n", plain(name)));
    }
    let began = epoch.rfc3339(trace.began);
    push(out, format_args!("# began {began}\n"));
    for line in &trace.about {
        push(out, format_args!("# {}\n", plain(line)));
    }
}

/// How it ended, and how long it lasted.
fn foot(out: &mut String, trace: &CallTrace, epoch: &Epoch) {
    let Some(End {
        at,
        answered_at,
        how,
    }) = &trace.end
    else {
        return push(out, format_args!("# not ended yet\n"));
    };
    let lasted = since(trace, *at).as_secs_f64();
    let answered = match answered_at {
        Some(answered_at) => {
            let talked = at.saturating_duration_since(*answered_at).as_secs_f64();
            format!("answered for {talked:.3} s")
        }
        None => "not answered".to_owned(),
    };
    let (ended, how) = (epoch.rfc3339(*at), plain(how));
    push(
        out,
        format_args!("# ended {ended} after {lasted:.3} s, {answered}: {how}\n"),
    );
}

fn since(trace: &CallTrace, at: Instant) -> Duration {
    at.saturating_duration_since(trace.began)
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
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::*;
    use crate::trace::Entry;
    use crate::trace::store::{Kind, Limits, Store};

    #[test]
    fn what_a_peer_wrote_moves_no_cursor() {
        assert_eq!(
            plain("a\x1b]0;title\x07\tb\u{9b}2J"),
            "a\u{FFFD}]0;title\u{FFFD}\tb\u{FFFD}2J"
        );
        assert_eq!(plain("Grüße"), "Grüße");
    }

    fn store(start: Instant) -> Store {
        let limits = Limits {
            calls_max: 9,
            bytes_max: 10_000,
            call_bytes_max: 3_000,
        };
        let epoch = Epoch::new(start, Duration::from_millis(1_795_575_845_678));
        Store::new(limits, epoch, false)
    }

    fn message(wire: Wire, peer: &str, summary: &str, body: &str) -> Message {
        Message {
            wire,
            peer: peer.into(),
            summary: summary.into(),
            body: body.into(),
        }
    }

    #[test]
    fn ladder_reads_from_top_to_bottom() {
        let start = Instant::now();
        let (mut store, call) = (store(start), CallId(1));
        let create = message(Wire::Json, "alice", "call.create c-1", "{}");
        let invite = message(
            Wire::Sip,
            "pbx",
            "INVITE sip:600@pbx",
            "INVITE …\r\n\r\nv=0",
        );
        store.begin(call, Kind::Call, start);
        store.name(call, Wire::Json, "c-1");
        store.about(call, "alice called 600: route \"6*\" to trunk:pbx");
        store.name(call, Wire::Sip, "9f86");
        let entries = [
            (0, What::Received(create)),
            (380, What::Note("waited 380 ms for candidates".into())),
            (380, What::Sent(invite)),
        ];
        for (ms, what) in entries {
            let at = start + Duration::from_millis(ms);
            store.add(
                call,
                Entry {
                    at,
                    leg: None,
                    what,
                },
            );
        }
        let head = "# call-1\n\
             # JSON  c-1\n\
             # SIP   9f86\n\
             # began 2026-11-25T03:04:05.678Z\n\
             # alice called 600: route \"6*\" to trunk:pbx\n\
             0.000   alice > crosspoint  call.create c-1\n\
             0.380   # waited 380 ms for candidates\n\
             0.380   crosspoint > pbx    INVITE sip:600@pbx\n";
        let lines = |store: &Store| store.ladder("c-1", Detail::Lines).unwrap();
        assert_eq!(lines(&store), format!("{head}# not ended yet\n"));
        let end = End {
            at: start + Duration::from_millis(9120),
            answered_at: Some(start + Duration::from_millis(5120)),
            how: "normal, by the caller".into(),
        };
        store.ended(call, end, true);
        let foot = "# ended 2026-11-25T03:04:14.798Z after 9.120 s, answered for 4.000 s: \
             normal, by the caller\n";
        assert_eq!(lines(&store), format!("{head}{foot}"));
        let whole = store.ladder("9f86", Detail::Messages).unwrap();
        assert!(whole.contains("        | v=0\n"));
    }

    #[test]
    fn what_is_said_about_a_call_is_on_one_line_of_its_own() {
        let start = Instant::now();
        let (mut store, call) = (store(start), CallId(1));
        store.begin(call, Kind::Call, start);
        store.about(call, "a\n0.000 x");
        store.name(call, Wire::Sip, "b\r\nc");
        let end = End {
            at: start,
            answered_at: None,
            how: "normal\n0.000 y".into(),
        };
        store.ended(call, end, true);
        let text = store.ladder("call-1", Detail::Lines).unwrap();
        assert!(text.lines().all(|line| line.starts_with("# ")), "{text}");
        assert!(text.contains(", not answered: normal"), "{text}");
    }
}
