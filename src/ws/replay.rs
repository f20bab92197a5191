//! What a session keeps for a client that may have missed it: events until they are acknowledged,
//! replies until they are old.

use std::collections::VecDeque;

use super::frame::Event;

/// How many events, of how many bytes, are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct RingLimits {
    pub events_max: usize,
    pub bytes_max: usize,
}

/// Events that are not acknowledged, in order, without gaps.
#[derive(Debug, Default)]
pub(super) struct Ring {
    last: u64,
    kept: VecDeque<(u64, String)>,
    bytes: usize,
    /// The last event that is not kept any more.
    gone: u64,
}

impl Ring {
    /// Numbers an event and keeps it. Returns its text.
    pub(super) fn push(&mut self, event: &Event, limits: RingLimits) -> String {
        self.last += 1;
        let text = event.to_text(self.last);
        self.bytes += text.len();
        self.kept.push_back((self.last, text.clone()));
        while self.kept.len() > limits.events_max || self.bytes > limits.bytes_max {
            self.drop_oldest();
        }
        text
    }

    /// The client has the events up to this one.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        while self.kept.front().is_some_and(|(number, _)| *number <= seq) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((seq, text)) = self.kept.pop_front() {
            self.bytes -= text.len();
            self.gone = seq;
        }
    }

    /// The number of the last event; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// The events after this one; `None` where some of them are not kept any more, or where it was
    /// never sent.
    pub(super) fn after(&self, seq: u64) -> Option<Vec<String>> {
        (self.gone..=self.last).contains(&seq).then(|| {
            let missed = self.kept.iter().filter(|(number, _)| *number > seq);
            missed.map(|(_, text)| text.clone()).collect()
        })
    }

    /// Forgets all events: the client takes the state as it is.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
        self.gone = self.last;
    }
}

/// Replies that are remembered.
const REPLIES_MAX: usize = 64;

/// Bytes of replies that are remembered.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// The last requests and their replies.
#[derive(Debug, Default)]
pub(super) struct Replies {
    known: VecDeque<Reply>,
    bytes: usize,
}

#[derive(Debug)]
struct Reply {
    id: String,
    digest: u64,
    text: Option<String>,
}

/// What a request's id says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It is new, or another request under the id of an old one: a page that was loaded again
    /// counts from the beginning.
    New,
    /// The same request again: this was the reply.
    Replied(String),
    /// The same request again; its reply is still to come.
    Pending,
}

impl Replies {
    /// Notes a request, and says whether it was made before.
    pub(super) fn repeated(&mut self, id: &str, digest: u64) -> Repeat {
        if let Some(place) = self.known.iter().position(|reply| reply.id == id) {
            match &self.known[place] {
                Reply {
                    digest: known,
                    text: Some(text),
                    ..
                } if *known == digest => {
                    return Repeat::Replied(text.clone());
                }
                Reply {
                    digest: known,
                    text: None,
                    ..
                } if *known == digest => {
                    return Repeat::Pending;
                }
                Reply { .. } => self.forget(place),
            }
        }
        while self.known.len() >= REPLIES_MAX || self.bytes > REPLY_BYTES_MAX {
            self.forget(0);
        }
        self.known.push_back(Reply {
            id: id.to_owned(),
            digest,
            text: None,
        });
        Repeat::New
    }

    /// Remembers the reply to a request.
    pub(super) fn replied(&mut self, id: &str, text: &str) {
        if let Some(known) = self.known.iter_mut().find(|reply| reply.id == id) {
            self.bytes += text.len();
            known.text = Some(text.to_owned());
        }
    }

    /// Forgets a request: when it comes again it is new.
    pub(super) fn forget_id(&mut self, id: &str) {
        if let Some(place) = self.known.iter().position(|reply| reply.id == id) {
            self.forget(place);
        }
    }

    fn forget(&mut self, place: usize) {
        if let Some(Reply {
            text: Some(text), ..
        }) = self.known.remove(place)
        {
            self.bytes -= text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RingLimits = RingLimits {
        events_max: 3,
        bytes_max: 10_000,
    };

    fn ring(count: usize, limits: RingLimits) -> Ring {
        let mut ring = Ring::default();
        for _ in 0..count {
            ring.push(&Event::CallRinging { call: "c".into() }, limits);
        }
        ring
    }

    #[test]
    fn missed_events_come_again_and_acknowledged_ones_are_not_kept() {
        let mut ring = ring(3, LIMITS);
        assert_eq!(ring.after(1).map(|events| events.len()), Some(2));
        ring.acknowledge(2);
        assert_eq!(ring.after(2).map(|events| events.len()), Some(1));
        assert_eq!(ring.after(1), None);
    }

    #[test]
    fn ring_that_ran_over_by_number_or_by_bytes_has_no_replay() {
        let many = ring(4, LIMITS);
        assert_eq!(many.after(0), None);
        assert!(many.after(1).is_some());
        let large = ring(
            3,
            RingLimits {
                events_max: 9,
                bytes_max: 100,
            },
        );
        assert_eq!(large.after(0), None);
        assert_eq!(large.after(1).map(|events| events.len()), Some(2));
    }

    #[test]
    fn a_client_cannot_have_what_was_never_sent() {
        assert_eq!(ring(2, LIMITS).after(9), None);
    }

    #[test]
    fn a_cleared_ring_goes_on_counting() {
        let mut ring = ring(2, LIMITS);
        ring.clear();
        assert_eq!((ring.after(0), ring.after(2)), (None, Some(Vec::new())));
        assert!(
            ring.push(&Event::CallRinging { call: "c".into() }, LIMITS)
                .contains("\"seq\":3")
        );
    }

    #[test]
    fn repeated_request_is_known_by_id_and_content() {
        let mut replies = Replies::default();
        assert_eq!(replies.repeated("1", 7), Repeat::New);
        assert_eq!(replies.repeated("1", 7), Repeat::Pending);
        replies.replied("1", "ok");
        assert_eq!(replies.repeated("1", 7), Repeat::Replied("ok".into()));
        assert_eq!(replies.repeated("1", 8), Repeat::New);
    }

    #[test]
    fn old_replies_are_forgotten() {
        let mut replies = Replies::default();
        for n in 0..=REPLIES_MAX {
            let id = n.to_string();
            replies.repeated(&id, 0);
            replies.replied(&id, "ok");
        }
        assert_eq!(replies.known.len(), REPLIES_MAX);
        assert_eq!(replies.bytes, REPLIES_MAX * 2);
        assert_eq!(replies.repeated("0", 0), Repeat::New);
    }
}
