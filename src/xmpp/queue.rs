//! Stanzas that wait until a stream is up: so many, so long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use minidom::Element;

/// There are too many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many stanzas wait for the server: `xmpp.queue_max`")]
pub struct Full;

/// Stanzas that wait.
#[derive(Debug)]
pub struct Queue {
    waiting: VecDeque<(Instant, Element)>,
    max: usize,
    patience: Duration,
}

impl Queue {
    /// Empty.
    #[must_use]
    pub fn new(max: usize, patience: Duration) -> Self {
        Self {
            waiting: VecDeque::new(),
            max,
            patience,
        }
    }

    /// Puts one at the end.
    ///
    /// # Errors
    /// [`Full`]: it does not wait.
    pub fn push(&mut self, stanza: Element, now: Instant) -> Result<(), Full> {
        if self.waiting.len() >= self.max {
            return Err(Full);
        }
        self.waiting.push_back((now + self.patience, stanza));
        Ok(())
    }

    /// Takes the first.
    pub fn pop(&mut self) -> Option<Element> {
        self.waiting.pop_front().map(|(_, stanza)| stanza)
    }

    /// Takes the next one whose time is up.
    pub fn expired(&mut self, now: Instant) -> Option<Element> {
        let is_due = self.waiting.front().is_some_and(|(until, _)| *until <= now);
        is_due.then(|| self.pop()).flatten()
    }

    /// Takes a request out: nobody waits for its answer any more.
    pub fn withdraw(&mut self, id: &str) {
        let is_it = |one: &Element| one.name() == "iq" && one.attr("id") == Some(id);
        self.waiting.retain(|(_, stanza)| !is_it(stanza));
    }

    /// When the next one's time is up.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|(until, _)| *until)
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
