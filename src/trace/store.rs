//! Keeps the traces of calls: the newest in memory, bounded in calls and bytes; each, when its call
//! has ended, in a file of its own where the operator asked for that.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::{Entry, What};
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

/// The trace of one call.
#[derive(Clone, Debug, Default)]
pub struct CallTrace {
    /// The names the call has on its wires: the client's id, the Call-ID.
    pub names: Vec<String>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Entries that did not fit.
    pub dropped: u64,
    /// Whether the call has ended.
    pub ended: bool,
    bytes: usize,
}

/// The traces of calls.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    calls: BTreeMap<CallId, CallTrace>,
    order: VecDeque<CallId>,
    bytes: usize,
    evicted: u64,
}

/// What an entry costs beside its texts.
const ENTRY_BYTES: usize = 128;

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (calls, order) = (BTreeMap::new(), VecDeque::new());
        Self {
            limits,
            calls,
            order,
            bytes: 0,
            evicted: 0,
        }
    }

    /// Adds an entry to a call's trace.
    pub fn add(&mut self, call: CallId, entry: Entry) {
        if self.limits.calls_max == 0 {
            return;
        }
        let trace = self.calls.entry(call).or_insert_with(|| {
            self.order.push_back(call);
            CallTrace::default()
        });
        let bytes = size(&entry);
        if trace.bytes + bytes > self.limits.call_bytes_max {
            trace.dropped += 1;
            return;
        }
        trace.bytes += bytes;
        trace.entries.push(entry);
        self.bytes += bytes;
        self.make_room();
    }

    /// Gives a call one more name to be found by.
    pub fn name(&mut self, call: CallId, name: &str) {
        if self.limits.calls_max == 0 {
            return;
        }
        let trace = self.calls.entry(call).or_insert_with(|| {
            self.order.push_back(call);
            CallTrace::default()
        });
        if !trace.names.iter().any(|known| known == name) && trace.names.len() < 8 {
            trace.names.push(name.to_owned());
        }
    }

    /// The call has ended. Returns its trace, for a file.
    pub fn ended(&mut self, call: CallId) -> Option<&CallTrace> {
        let trace = self.calls.get_mut(&call)?;
        trace.ended = true;
        Some(trace)
    }

    /// Finds a call by its number or one of its names.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(CallId, &CallTrace)> {
        self.calls
            .iter()
            .rev()
            .find(|(id, trace)| {
                id.to_string() == name || trace.names.iter().any(|known| known == name)
            })
            .map(|(id, trace)| (*id, trace))
    }

    /// All calls that are kept, the newest first: id, names, when it began, whether it has ended.
    pub fn calls(&self) -> impl Iterator<Item = (CallId, &CallTrace, Option<Instant>)> + '_ {
        self.calls
            .iter()
            .rev()
            .map(|(id, trace)| (*id, trace, trace.entries.first().map(|entry| entry.at)))
    }

    /// Bytes in memory, and calls that were dropped to make room.
    #[must_use]
    pub fn usage(&self) -> (usize, u64) {
        (self.bytes, self.evicted)
    }

    /// Drops the oldest calls until the limits hold.
    fn make_room(&mut self) {
        while self.calls.len() > self.limits.calls_max || self.bytes > self.limits.bytes_max {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(trace) = self.calls.remove(&oldest) {
                self.bytes -= trace.bytes;
                self.evicted += 1;
            }
        }
    }
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
mod tests {
    use super::*;

    fn note(text: &str) -> Entry {
        Entry {
            at: Instant::now(),
            leg: None,
            what: What::Note(text.to_owned()),
        }
    }

    #[test]
    fn oldest_call_makes_room_for_the_newest() {
        let limits = Limits {
            calls_max: 2,
            bytes_max: 10_000,
            call_bytes_max: 1_000,
        };
        let mut store = Store::new(limits);
        for call in 1..=3 {
            store.add(CallId(call), note("x"));
        }
        assert!(store.find("call-1").is_none() && store.find("call-3").is_some());
        assert_eq!(store.usage(), (2 * (ENTRY_BYTES + 1), 1));
    }

    #[test]
    fn one_call_cannot_fill_the_store() {
        let limits = Limits {
            calls_max: 9,
            bytes_max: 10_000,
            call_bytes_max: 300,
        };
        let mut store = Store::new(limits);
        for _ in 0..5 {
            store.add(CallId(1), note("x"));
        }
        let (_, trace) = store.find("call-1").unwrap();
        assert_eq!((trace.entries.len(), trace.dropped), (2, 3));
    }

    #[test]
    fn a_call_is_found_by_each_of_its_names() {
        let limits = Limits {
            calls_max: 9,
            bytes_max: 10_000,
            call_bytes_max: 300,
        };
        let mut store = Store::new(limits);
        store.add(CallId(4), note("x"));
        store.name(CallId(4), "c-7");
        assert_eq!(store.find("c-7").map(|(id, _)| id), Some(CallId(4)));
    }
}
