//! Keeps the traces of calls: the newest in memory, bounded in calls and bytes; each, when its call
//! and all its legs have ended, as a text for a file where the operator asked for that.
//!
//! Calls that were refused before they rang anybody have a share of the room for themselves, and
//! strangers a smaller one, so that no flood of them drives out the calls that were.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::epoch::Epoch;
use super::ladder::{Detail, ladder};
use super::{Entry, What, Wire};
use crate::id::CallId;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls in memory.
    pub calls_max: usize,
    /// Bytes of all calls in memory.
    pub bytes_max: usize,
    /// Bytes of one call; what comes after is counted, not kept.
    pub call_bytes_max: usize,
}

/// What became of an invitation, which says how much room all of its kind may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A call.
    Call,
    /// It was refused before anybody was called.
    Refused,
    /// It came from somebody who is not known.
    Stranger,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Instant,
    /// When it was answered, where it was.
    pub answered_at: Option<Instant>,
    /// Why, and by whom: `busy, by the callee: 486 Busy Here`.
    pub how: String,
}

/// The trace of one call.
#[derive(Clone, Debug)]
pub struct CallTrace {
    /// The names the call has on its wires: the client's id, the Call-ID.
    pub names: Vec<(Wire, String)>,
    /// Who called whom and what way was found, in lines.
    pub about: Vec<String>,
    /// When it began.
    pub began: Instant,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Entries that did not fit.
    pub dropped: u64,
    /// How it ended, when it has.
    pub end: Option<End>,
    /// What became of it.
    pub kind: Kind,
    bytes: usize,
}

/// The traces of calls.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    epoch: Epoch,
    calls: BTreeMap<CallId, CallTrace>,
    kept: BTreeMap<Kind, Kept>,
    bytes: usize,
    evicted: u64,
    files: Option<Files>,
}

/// The traces of one kind.
#[derive(Debug, Default)]
struct Kept {
    order: VecDeque<CallId>,
    bytes: usize,
}

/// Ladders for files.
#[derive(Debug, Default)]
struct Files {
    /// Calls that have ended while a leg of them still finishes.
    waiting: BTreeSet<CallId>,
    /// The calls' numbers and the texts.
    ready: Vec<(String, String)>,
}

/// What an entry costs beside its texts.
const ENTRY_BYTES: usize = 128;

/// Names of a call, and lines about it.
const NAMES_MAX: usize = 8;

/// Bytes of a name: a Call-ID may be as long as a header field.
const NAME_MAX: usize = 256;

/// Bytes of a line about a call, and of how it ended.
const LINE_MAX: usize = 1024;

impl Kind {
    /// The part of all room that traces of this kind may take.
    fn share(self) -> usize {
        match self {
            Self::Call => 1,
            Self::Refused => 10,
            Self::Stranger => 100,
        }
    }
}

impl Store {
    /// An empty store; `for_files` makes a text of each call that has ended.
    #[must_use]
    pub fn new(limits: Limits, epoch: Epoch, for_files: bool) -> Self {
        Self {
            limits,
            epoch,
            calls: BTreeMap::new(),
            kept: BTreeMap::new(),
            bytes: 0,
            evicted: 0,
            files: for_files.then(Files::default),
        }
    }

    /// A call begins.
    pub fn begin(&mut self, call: CallId, kind: Kind, now: Instant) {
        if self.limits.calls_max == 0 || self.calls.contains_key(&call) {
            return;
        }
        let trace = CallTrace {
            names: Vec::new(),
            about: Vec::new(),
            began: now,
            entries: Vec::new(),
            dropped: 0,
            end: None,
            kind,
            bytes: 0,
        };
        self.calls.insert(call, trace);
        self.kept.entry(kind).or_default().order.push_back(call);
        self.make_room();
    }

    /// Adds an entry to a call's trace. One that had to make room goes on without its beginning.
    pub fn add(&mut self, call: CallId, entry: Entry) {
        self.begin(call, Kind::Call, entry.at);
        self.add_late(call, entry);
    }

    /// Adds an entry to a trace, if it is still there.
    pub fn add_late(&mut self, call: CallId, entry: Entry) {
        let bytes = size(&entry);
        let Some(trace) = self.calls.get_mut(&call) else {
            return;
        };
        if trace.bytes + bytes > self.limits.call_bytes_max {
            trace.dropped += 1;
            return;
        }
        trace.entries.push(entry);
        self.grow(call, bytes);
    }

    /// Gives a call one more name to be found by.
    pub fn name(&mut self, call: CallId, wire: Wire, name: &str) {
        let name = clipped(name, NAME_MAX);
        let Some(trace) = self.calls.get_mut(&call) else {
            return;
        };
        let is_known = trace.names.iter().any(|(_, known)| known == name);
        if name.is_empty() || is_known || trace.names.len() >= NAMES_MAX {
            return;
        }
        trace.names.push((wire, name.to_owned()));
        self.grow(call, name.len());
    }

    /// Says who calls whom, or what way was found.
    pub fn about(&mut self, call: CallId, line: &str) {
        let line = clipped(line, LINE_MAX);
        let Some(trace) = self.calls.get_mut(&call) else {
            return;
        };
        if trace.about.len() < NAMES_MAX {
            trace.about.push(line.to_owned());
            self.grow(call, line.len());
        }
    }

    /// The call was refused before anybody was called.
    pub fn refused(&mut self, call: CallId) {
        let Some(trace) = self.calls.get_mut(&call) else {
            return;
        };
        let (before, bytes) = (trace.kind, trace.bytes);
        trace.kind = Kind::Refused;
        if let Some(kept) = self.kept.get_mut(&before) {
            kept.order.retain(|known| *known != call);
            kept.bytes -= bytes;
        }
        let kept = self.kept.entry(Kind::Refused).or_default();
        kept.order.push_back(call);
        kept.bytes += bytes;
        self.make_room();
    }

    /// The call has ended. Where all its legs have finished, nothing more is to come.
    pub fn ended(&mut self, call: CallId, end: End, legs_have_finished: bool) {
        let Some(trace) = self.calls.get_mut(&call) else {
            return;
        };
        let how = clipped(&end.how, LINE_MAX).to_owned();
        trace.end = Some(End { how, ..end });
        if trace.kind != Kind::Call {
            return; // A flood of refusals fills no disk.
        }
        if let Some(files) = &mut self.files {
            files.waiting.insert(call);
        }
        if legs_have_finished {
            self.finished(call);
        }
    }

    /// The last leg of the call has finished.
    pub fn finished(&mut self, call: CallId) {
        let (Some(files), Some(trace)) = (&mut self.files, self.calls.get(&call)) else {
            return;
        };
        if files.waiting.remove(&call) {
            let text = ladder(call, trace, &self.epoch, Detail::Messages);
            files.ready.push((call.to_string(), text));
        }
    }

    /// Nothing more is to come of any call: the process ends.
    pub fn all_finished(&mut self) {
        let waiting = self.files.as_ref().map(|files| files.waiting.clone());
        for call in waiting.into_iter().flatten() {
            self.finished(call);
        }
    }

    /// Texts for files since the last call: the calls' numbers and the ladders.
    pub fn take_files(&mut self) -> Vec<(String, String)> {
        let files = self.files.as_mut();
        files.map_or_else(Vec::new, |files| std::mem::take(&mut files.ready))
    }

    /// The ladder of a call, found by its number or one of its names: the newest that was a call,
    /// else the newest that was refused. Others of that name are told above it.
    #[must_use]
    pub fn ladder(&self, name: &str, detail: Detail) -> Option<String> {
        let (found, trace) = self.find(name)?;
        let mut text = ladder(found, trace, &self.epoch, detail);
        let others = self.named(name).filter(|(call, _)| *call != found);
        let others: Vec<_> = others.map(|(call, _)| call.to_string()).collect();
        if !others.is_empty() {
            text.insert_str(0, &format!("# of the same name: {}\n", others.join(", ")));
        }
        Some(text)
    }

    /// Finds a call by its number or one of its names.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(CallId, &CallTrace)> {
        // Of those that are alike the last is taken.
        self.named(name)
            .max_by_key(|(_, trace)| std::cmp::Reverse(trace.kind))
    }

    fn named<'a, 'b>(
        &'a self,
        name: &'b str,
    ) -> impl Iterator<Item = (CallId, &'a CallTrace)> + use<'a, 'b> {
        let clipped = clipped(name, NAME_MAX);
        self.calls
            .iter()
            .filter(move |(id, trace)| {
                id.to_string() == name || trace.names.iter().any(|(_, known)| known == clipped)
            })
            .map(|(id, trace)| (*id, trace))
    }

    /// All calls that are kept, the newest first.
    pub fn calls(&self) -> impl Iterator<Item = (CallId, &CallTrace)> + '_ {
        self.calls.iter().rev().map(|(id, trace)| (*id, trace))
    }

    /// Bytes in memory, and calls that were dropped to make room.
    #[must_use]
    pub fn usage(&self) -> (usize, u64) {
        (self.bytes, self.evicted)
    }

    fn grow(&mut self, call: CallId, bytes: usize) {
        let Some(trace) = self.calls.get_mut(&call) else {
            return;
        };
        trace.bytes += bytes;
        self.bytes += bytes;
        self.kept.entry(trace.kind).or_default().bytes += bytes;
        self.make_room();
    }

    /// Drops the oldest calls until the limits hold, of each kind and of all.
    fn make_room(&mut self) {
        let Limits {
            calls_max,
            bytes_max,
            ..
        } = self.limits;
        for kind in [Kind::Refused, Kind::Stranger] {
            let calls_max = (calls_max / kind.share()).max(1);
            let bytes_max = bytes_max / kind.share();
            while self.kept.get(&kind).is_some_and(|kept| {
                // The newest may be large; it alone is no flood.
                kept.order.len() > calls_max || kept.bytes > bytes_max && kept.order.len() > 1
            }) {
                self.evict(kind);
            }
        }
        while self.calls.len() > calls_max || self.bytes > bytes_max {
            let oldest = self.kept.iter().filter_map(|(kind, kept)| {
                let first = kept.order.front()?;
                Some((*first, *kind))
            });
            let Some((_, kind)) = oldest.min() else {
                return;
            };
            self.evict(kind);
        }
    }

    /// Drops the oldest trace of a kind.
    fn evict(&mut self, kind: Kind) {
        let kept = self.kept.get_mut(&kind);
        let Some((kept, oldest)) = kept.and_then(|kept| {
            let oldest = kept.order.pop_front()?;
            Some((kept, oldest))
        }) else {
            return;
        };
        if let Some(trace) = self.calls.get(&oldest) {
            kept.bytes -= trace.bytes;
            self.bytes -= trace.bytes;
            self.evicted += 1;
        }
        self.finished(oldest); // Its file, while there is something to write.
        self.calls.remove(&oldest);
    }
}

/// The text, no longer than this.
fn clipped(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn size(entry: &Entry) -> usize {
    ENTRY_BYTES
        + match &entry.what {
            What::Received(message) | What::Sent(message) => {
                message.peer.len() + message.summary.len() + message.body.len()
            }
            What::Note(text) => text.len(),
        }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use std::time::Duration;

    use super::*;

    fn store(limits: Limits, for_files: bool) -> Store {
        let epoch = Epoch::new(Instant::now(), Duration::ZERO);
        Store::new(limits, epoch, for_files)
    }

    fn note(text: &str) -> Entry {
        Entry {
            at: Instant::now(),
            leg: None,
            what: What::Note(text.to_owned()),
        }
    }

    fn end() -> End {
        End {
            at: Instant::now(),
            answered_at: None,
            how: "normal, by the caller".to_owned(),
        }
    }

    const ROOMY: Limits = Limits {
        calls_max: 100,
        bytes_max: 100_000,
        call_bytes_max: 10_000,
    };

    #[test]
    fn oldest_call_makes_room_for_the_newest() {
        let limits = Limits {
            calls_max: 2,
            ..ROOMY
        };
        let mut store = store(limits, false);
        for call in 1..=3 {
            store.add(CallId(call), note("x"));
        }
        assert!(store.find("call-1").is_none() && store.find("call-3").is_some());
        assert_eq!(store.usage(), (2 * (ENTRY_BYTES + 1), 1));
    }

    #[test]
    fn one_call_cannot_fill_the_store() {
        let limits = Limits {
            call_bytes_max: 300,
            ..ROOMY
        };
        let mut store = store(limits, false);
        for _ in 0..5 {
            store.add(CallId(1), note("x"));
        }
        let (_, trace) = store.find("call-1").unwrap();
        assert_eq!((trace.entries.len(), trace.dropped), (2, 3));
    }

    #[test]
    fn a_call_is_found_by_each_of_its_names() {
        let mut store = store(ROOMY, false);
        store.begin(CallId(4), Kind::Call, Instant::now());
        store.name(CallId(4), Wire::Json, "c-7");
        let long = "a".repeat(5000);
        store.name(CallId(4), Wire::Sip, &long);
        assert_eq!(store.find("c-7").map(|(id, _)| id), Some(CallId(4)));
        assert_eq!(store.find(&long).map(|(id, _)| id), Some(CallId(4)));
        assert_eq!(store.usage().0, 3 + NAME_MAX);
    }

    #[test]
    fn refusals_drive_out_no_call_and_strangers_no_refusal() {
        let (mut store, now) = (store(ROOMY, false), Instant::now());
        store.begin(CallId(1), Kind::Call, now);
        store.begin(CallId(2), Kind::Refused, now);
        for call in 3..500 {
            store.begin(CallId(call), Kind::Stranger, now);
            store.add(CallId(call), note("x"));
        }
        assert!(store.find("call-2").is_some() && store.find("call-499").is_some());
        assert_eq!(store.calls().count(), 3);
        for call in 500..1000 {
            store.begin(CallId(call), Kind::Call, now);
            store.add(CallId(call), note("x"));
            store.refused(CallId(call));
        }
        assert!(store.find("call-1").is_some());
        assert_eq!(store.calls().count(), 1 + 10 + 1);
        assert_eq!(store.usage().0, 11 * (ENTRY_BYTES + 1));
    }

    #[test]
    fn refusals_drive_out_no_call_by_their_size_either() {
        let (mut store, now) = (store(ROOMY, false), Instant::now());
        store.begin(CallId(1), Kind::Call, now);
        for call in 2..9 {
            store.begin(CallId(call), Kind::Refused, now);
            store.add(CallId(call), note(&"x".repeat(5000)));
        }
        assert!(store.find("call-1").is_some());
        assert_eq!(store.calls().count(), 1 + 1);
    }

    #[test]
    fn a_name_means_the_call_before_what_was_refused_under_it() {
        let (mut store, now) = (store(ROOMY, false), Instant::now());
        for (call, kind) in [(1, Kind::Call), (2, Kind::Call), (3, Kind::Refused)] {
            store.begin(CallId(call), kind, now);
            store.name(CallId(call), Wire::Sip, "x");
        }
        assert_eq!(store.find("x").map(|(id, _)| id), Some(CallId(2)));
        let text = store.ladder("x", Detail::Lines).unwrap();
        assert!(
            text.starts_with("# of the same name: call-1, call-3\n"),
            "{text}"
        );
    }

    #[test]
    fn file_has_what_comes_between_the_end_and_the_last_leg() {
        let mut store = store(ROOMY, true);
        store.add(CallId(1), note("BYE"));
        store.ended(CallId(1), end(), false);
        assert!(store.take_files().is_empty());
        store.add(CallId(1), note("its 200"));
        store.finished(CallId(1));
        let files = store.take_files();
        assert!(files.len() == 1 && files[0].0 == "call-1", "{files:?}");
        assert!(files[0].1.contains("its 200"), "{files:?}");
        store.finished(CallId(1));
        assert!(store.take_files().is_empty());
    }

    #[test]
    fn file_is_not_lost_when_room_is_made_or_the_process_ends() {
        let limits = Limits {
            calls_max: 1,
            ..ROOMY
        };
        let mut store = store(limits, true);
        for call in 1..=2 {
            store.add(CallId(call), note("x"));
            store.ended(CallId(call), end(), false);
        }
        assert_eq!(store.take_files()[0].0, "call-1");
        store.all_finished();
        assert_eq!(store.take_files()[0].0, "call-2");
    }

    #[test]
    fn refusals_make_no_files() {
        let mut store = store(ROOMY, true);
        store.begin(CallId(1), Kind::Refused, Instant::now());
        store.ended(CallId(1), end(), true);
        assert!(store.take_files().is_empty());
    }
}
