//! [`Ended`]: sessions that are over, for as long as something of them may be under way.
//!
//! A session-initiate may cross the rejection of a call that was taken before, and a server that
//! resumes a stream may send a proposal twice: neither is a new call.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::placed::Key;

/// How long one is remembered: longer than a request waits for its answer.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many are remembered.
const ENDED_MAX: usize = 4096;

/// Sessions that are over.
#[derive(Debug, Default)]
pub(super) struct Ended {
    keys: BTreeSet<Key>,
    order: VecDeque<(Instant, Key)>,
}

impl Ended {
    /// One is over.
    pub(super) fn add(&mut self, key: Key, now: Instant) {
        self.forget(now);
        if self.order.len() >= ENDED_MAX {
            self.forget_first();
        }
        if self.keys.insert(key.clone()) {
            self.order.push_back((now + REMEMBERED, key));
        }
    }

    /// Whether one was over a short time ago.
    pub(super) fn has(&mut self, key: &Key, now: Instant) -> bool {
        self.forget(now);
        self.keys.contains(key)
    }

    fn forget(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.keys.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmpp::EntityId;

    #[test]
    fn so_many_are_remembered_so_long() {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to count from"
        )]
        let now = Instant::now();
        let key = |sid: usize| Key::new(EntityId(0), "a@gw", "b@c", &sid.to_string());
        let mut ended = Ended::default();
        for sid in 0..=ENDED_MAX {
            ended.add(key(sid), now);
        }
        assert!(!ended.has(&key(0), now), "it had to make room");
        assert!(ended.has(&key(1), now));
        assert!(!ended.has(&key(1), now + REMEMBERED));
        assert!(ended.keys.is_empty() && ended.order.is_empty());
    }
}
