//! [`Notes`]: who waits for news of which message, and that he is told once.
//!
//! ```text
//!                       delivered, by any of its copies ───────▶ told: delivered
//!   Waiting { copies } ─failed, and it was the last copy ──────▶ told: failed, as the first did
//!                       its time is over ──────────────────────▶ told nothing any more
//! ```
//!
//! How long news is waited for is said by whoever begins. Of one sender only so many wait, so that
//! nobody takes the places of all others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{Failure, Outcome};
use crate::id::NoteId;

/// How many messages may wait for news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of all senders.
    pub waiting_max: usize,
    /// Of one.
    pub of_sender_max: usize,
}

/// There are too many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Of all senders.
    #[error("too many messages wait for their delivery")]
    All,
    /// Of this one.
    #[error("too many messages of this sender wait for their delivery")]
    Sender,
}

/// Messages on their way; `W` is whoever waits for the news.
#[derive(Debug)]
pub struct Notes<W> {
    waiting: BTreeMap<NoteId, Waiting<W>>,
    due: BTreeSet<(Instant, NoteId)>,
    /// How many wait of each sender.
    of_sender: BTreeMap<String, usize>,
    limits: Limits,
}

#[derive(Debug)]
struct Waiting<W> {
    who: W,
    sender: String,
    until: Instant,
    /// Copies that nothing was heard of.
    copies: usize,
    /// Why the first copy that failed did.
    failure: Option<Failure>,
}

impl<W> Notes<W> {
    /// None yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            of_sender: BTreeMap::new(),
            limits,
        }
    }

    /// A message of `sender` is on its way, one copy of it; `who` waits for news until then.
    ///
    /// # Errors
    /// [`Full`]: it is not to be sent.
    pub fn begin(&mut self, id: NoteId, sender: &str, who: W, until: Instant) -> Result<(), Full> {
        if self.waiting.len() >= self.limits.waiting_max {
            return Err(Full::All);
        }
        let of_sender = self.of_sender.get(sender).copied().unwrap_or_default();
        if of_sender >= self.limits.of_sender_max {
            return Err(Full::Sender);
        }
        self.of_sender.insert(sender.to_owned(), of_sender + 1);
        self.due.insert((until, id));
        let waiting = Waiting {
            who,
            sender: sender.to_owned(),
            until,
            copies: 1,
            failure: None,
        };
        self.waiting.insert(id, waiting);
        Ok(())
    }

    /// So many copies of it are on their way.
    pub fn split(&mut self, id: NoteId, copies: usize) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.copies = copies.max(1);
        }
    }

    /// What became of a copy. Returns who is to be told what, once for a message.
    pub fn came(&mut self, id: NoteId, outcome: Outcome) -> Option<(W, Outcome)> {
        let waiting = self.waiting.get_mut(&id)?;
        match outcome {
            Outcome::Delivered => {
                let who = self.remove(id)?;
                Some((who, Outcome::Delivered))
            }
            Outcome::Failed(failure) => {
                let first = waiting.failure.get_or_insert(failure).clone();
                waiting.copies = waiting.copies.saturating_sub(1);
                if waiting.copies > 0 {
                    return None;
                }
                let who = self.remove(id)?;
                Some((who, Outcome::Failed(first)))
            }
        }
    }

    /// The next one whose time is over, and who waited.
    pub fn expired(&mut self, now: Instant) -> Option<(NoteId, W)> {
        let (until, id) = *self.due.first()?;
        if until > now {
            return None;
        }
        Some((id, self.remove(id)?))
    }

    /// When the next one's time is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(until, _)| *until)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.of_sender.is_empty()
    }

    fn remove(&mut self, id: NoteId) -> Option<W> {
        let waiting = self.waiting.remove(&id)?;
        self.due.remove(&(waiting.until, id));
        if let Some(count) = self.of_sender.get_mut(&waiting.sender) {
            *count -= 1;
            if *count == 0 {
                self.of_sender.remove(&waiting.sender);
            }
        }
        Some(waiting.who)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::call::cause::Cause;

    const LIMITS: Limits = Limits {
        waiting_max: 3,
        of_sender_max: 2,
    };
    const ONE: NoteId = NoteId(1);

    fn one(copies: usize) -> (Notes<&'static str>, Instant) {
        let (mut notes, now) = (Notes::new(LIMITS), Instant::now());
        let until = now + Duration::from_secs(10);
        notes.begin(ONE, "alice", "waits", until).unwrap();
        notes.split(ONE, copies);
        (notes, now)
    }

    fn failed(cause: Cause) -> Outcome {
        Outcome::Failed(Failure::of(cause))
    }

    #[test]
    fn first_copy_that_arrives_is_told_and_no_other() {
        let (mut notes, _) = one(3);
        assert_eq!(notes.came(ONE, failed(Cause::Unavailable)), None);
        let told = notes.came(ONE, Outcome::Delivered);
        assert_eq!(told, Some(("waits", Outcome::Delivered)));
        assert_eq!(notes.came(ONE, Outcome::Delivered), None);
        assert_eq!(notes.came(ONE, failed(Cause::Timeout)), None);
        assert!(notes.is_empty() && notes.poll_timeout().is_none());
    }

    #[test]
    fn failure_is_told_with_the_last_copy_and_as_the_first_failed() {
        let (mut notes, _) = one(2);
        assert_eq!(notes.came(ONE, failed(Cause::NotFound)), None);
        let told = notes.came(ONE, failed(Cause::Timeout));
        assert_eq!(told, Some(("waits", failed(Cause::NotFound))));
        assert!(notes.is_empty());
    }

    #[test]
    fn nothing_is_told_when_the_time_is_over() {
        let (mut notes, now) = one(1);
        let at = notes.poll_timeout().unwrap();
        assert_eq!(notes.expired(now), None);
        assert_eq!(notes.expired(at), Some((ONE, "waits")));
        assert_eq!(notes.came(ONE, Outcome::Delivered), None);
        assert!(notes.is_empty());
    }

    #[test]
    fn places_are_bounded_for_all_and_for_each() {
        let (mut notes, now) = one(1);
        let (two, three, four) = (NoteId(2), NoteId(3), NoteId(4));
        assert_eq!(notes.begin(two, "alice", "waits", now), Ok(()));
        assert_eq!(notes.begin(three, "alice", "waits", now), Err(Full::Sender));
        assert_eq!(notes.begin(three, "bob", "waits", now), Ok(()));
        assert_eq!(notes.begin(four, "carol", "waits", now), Err(Full::All));
        notes.came(ONE, Outcome::Delivered);
        assert_eq!(notes.begin(four, "alice", "waits", now), Ok(()));
        assert_eq!(notes.len(), 3);
    }
}
