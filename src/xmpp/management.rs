//! Acknowledgements of stanzas, and going on with a session on another stream (XEP-0198).
//!
//! Both sides count stanzas. What is sent stays here until the server's count has passed it; after
//! a cut the counts say what has to be sent again. One `<r/>` is under way at a time, so that there
//! is one count a round trip, however many stanzas.

use std::collections::VecDeque;

use minidom::Element;

use super::ns;
use super::stanza::element;

/// The server's count is of stanzas that were never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it acknowledges stanzas that it was never sent")]
pub struct AheadOfUs;

/// What is known of one session.
#[derive(Debug)]
pub struct Management {
    /// The name by which the session can be resumed, where it can be.
    id: Option<String>,
    /// Stanzas of the server that we have had. Counts go round (XEP-0198 §4).
    handled: u32,
    /// Stanzas of ours that the server has had.
    acknowledged: u32,
    unacked: VecDeque<Element>,
    max: usize,
    /// Whether an `<r/>` is under way.
    asked: bool,
}

impl Management {
    /// Of a session that has just begun.
    #[must_use]
    pub fn new(id: Option<String>, max: usize) -> Self {
        Self {
            id,
            handled: 0,
            acknowledged: 0,
            unacked: VecDeque::new(),
            max,
            asked: false,
        }
    }

    /// What asks for the session of before on a new stream; `None` where it cannot go on.
    #[must_use]
    pub fn resume(&self) -> Option<Element> {
        let id = self.id.as_deref()?;
        let handled = self.handled.to_string();
        let attributes = [("h", handled.as_str()), ("previd", id)];
        Some(element("resume", ns::MANAGEMENT, &attributes))
    }

    /// A stanza of the server's was dealt with.
    pub fn handled(&mut self) {
        self.handled = self.handled.wrapping_add(1);
    }

    /// The count that the server is told.
    #[must_use]
    pub fn count(&self) -> Element {
        let handled = self.handled.to_string();
        element("a", ns::MANAGEMENT, &[("h", handled.as_str())])
    }

    /// A stanza is sent. Returns whether `<r/>` is to follow.
    pub fn sent(&mut self, stanza: Element) -> bool {
        self.unacked.push_back(stanza);
        !std::mem::replace(&mut self.asked, true)
    }

    /// Whether one more may be sent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.unacked.len() < self.max
    }

    /// The server's count has come. Returns whether `<r/>` is to be sent again.
    ///
    /// # Errors
    /// [`AheadOfUs`]: the server counts wrong, and nothing it says of stanzas can be used.
    pub fn acknowledged(&mut self, count: u32) -> Result<bool, AheadOfUs> {
        let new = count.wrapping_sub(self.acknowledged);
        let new = usize::try_from(new).map_err(|_| AheadOfUs)?;
        if new > self.unacked.len() {
            return Err(AheadOfUs);
        }
        self.unacked.drain(..new);
        self.acknowledged = count;
        self.asked = !self.unacked.is_empty();
        Ok(self.asked)
    }

    /// The session goes on: what has to be sent again, in order. It stays unacknowledged.
    ///
    /// # Errors
    /// [`AheadOfUs`], as above.
    pub fn resumed(&mut self, count: u32) -> Result<Vec<Element>, AheadOfUs> {
        self.acknowledged(count)?;
        Ok(self.unacked.iter().cloned().collect())
    }

    /// The session is over: what was never acknowledged.
    #[must_use]
    pub fn into_unacked(self) -> VecDeque<Element> {
        self.unacked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Element {
        element("message", ns::CLIENT, &[("id", id)])
    }

    fn ids(stanzas: &[Element]) -> Vec<&str> {
        stanzas.iter().filter_map(|one| one.attr("id")).collect()
    }

    #[test]
    fn what_the_server_has_not_had_is_sent_again_and_nothing_else() {
        let mut management = Management::new(Some("s".into()), 10);
        assert!(management.sent(message("1")));
        assert!(!management.sent(message("2")), "one question at a time");
        management.sent(message("3"));
        assert_eq!(management.acknowledged(1), Ok(true));
        assert_eq!(ids(&management.resumed(2).unwrap()), ["3"]);
        assert_eq!(ids(&management.resumed(2).unwrap()), ["3"], "a second cut");
        assert_eq!(management.acknowledged(3), Ok(false));
        assert!(management.into_unacked().is_empty());
    }

    #[test]
    fn count_of_more_than_was_sent_is_refused() {
        let mut management = Management::new(None, 10);
        management.sent(message("1"));
        assert_eq!(management.acknowledged(2), Err(AheadOfUs));
        assert_eq!(management.acknowledged(u32::MAX), Err(AheadOfUs));
        assert_eq!(management.acknowledged(1), Ok(false));
        assert_eq!(management.acknowledged(0), Err(AheadOfUs), "back");
    }

    #[test]
    fn counts_go_round() {
        let mut management = Management::new(None, 10);
        management.acknowledged = u32::MAX;
        management.handled = u32::MAX;
        management.sent(message("1"));
        management.handled();
        assert_eq!(management.count().attr("h"), Some("0"));
        assert_eq!(management.acknowledged(0), Ok(false));
    }

    #[test]
    fn what_is_not_acknowledged_is_bounded() {
        let mut management = Management::new(None, 1);
        management.sent(message("1"));
        assert!(!management.has_room());
    }
}
