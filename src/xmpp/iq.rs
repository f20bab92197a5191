//! Requests of ours, and who waits for their answers (RFC 6120 §8.2.3).
//!
//! An answer belongs to a request when its id **and** its address fit: an id alone may be guessed
//! or replayed by anybody. Each request has a deadline, and whoever waits is always told exactly
//! once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use minidom::Element;

use super::stanza::{bare, domain, is_same, set};
use super::stanza_error::{self, Condition};
use crate::id::Source;

/// Who waits: a number that the asker chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiter {
    /// Nobody: the stream itself wanted to know.
    Stream,
    /// Whoever knows the number.
    Asker(u64),
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The result, whole.
    Result(Element),
    /// An error, whole, and its condition.
    Error(Condition, Element),
    /// Nothing in time, or the stream is gone for good.
    None,
}

#[derive(Debug)]
struct Asked {
    /// Where it went; `None` for our own account (RFC 6120 §10.3.3).
    to: Option<String>,
    until: Instant,
    waiter: Waiter,
}

/// The requests of one stream.
#[derive(Debug)]
pub struct Requests {
    asked: BTreeMap<String, Asked>,
    due: BTreeSet<(Instant, String)>,
    /// How many wait for one user.
    of_peer: BTreeMap<String, usize>,
    max: usize,
    per_peer: usize,
    patience: Duration,
}

/// There are too many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests wait for an answer: `xmpp.requests_max`, `xmpp.requests_per_peer`")]
pub struct TooMany;

impl Requests {
    /// None yet. At most `max` wait, and `per_peer` of them for one user.
    #[must_use]
    pub fn new(max: usize, per_peer: usize, patience: Duration) -> Self {
        Self {
            asked: BTreeMap::new(),
            due: BTreeSet::new(),
            of_peer: BTreeMap::new(),
            max,
            per_peer,
            patience,
        }
    }

    /// Gives a request its id and remembers who waits. Returns the id.
    ///
    /// # Errors
    /// [`TooMany`]: it is not to be sent.
    pub fn begin(
        &mut self,
        request: &mut Element,
        waiter: Waiter,
        ids: &mut Source,
        now: Instant,
    ) -> Result<String, TooMany> {
        if self.asked.len() >= self.max {
            return Err(TooMany);
        }
        let to = request.attr("to").map(str::to_owned);
        if let Some(to) = &to {
            let count = self.of_peer.entry(bare(to).to_owned()).or_default();
            if *count >= self.per_peer {
                return Err(TooMany);
            }
            *count += 1;
        }
        let id = ids.token();
        set(request, "id", &id);
        let until = now + self.patience;
        self.due.insert((until, id.clone()));
        self.asked.insert(id.clone(), Asked { to, until, waiter });
        Ok(id)
    }

    /// Takes an answer; `own` is our address. `None` where it answers nothing of ours.
    pub fn answered(&mut self, answer: Element, own: &str) -> Option<(Waiter, Outcome)> {
        let id = answer.attr("id")?;
        let asked = self.asked.get(id)?;
        if !fits(asked.to.as_deref(), answer.attr("from"), own) {
            return None;
        }
        let id = id.to_owned();
        let waiter = self.forget(&id)?;
        let outcome = match answer.attr("type") {
            Some("result") => Outcome::Result(answer),
            _ => Outcome::Error(stanza_error::condition(&answer), answer),
        };
        Some((waiter, outcome))
    }

    /// Takes back one that could not be sent.
    pub fn forget(&mut self, id: &str) -> Option<Waiter> {
        let asked = self.asked.remove(id)?;
        self.due.remove(&(asked.until, id.to_owned()));
        if let Some(to) = &asked.to
            && let Entry::Occupied(mut count) = self.of_peer.entry(bare(to).to_owned())
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(asked.waiter)
    }

    /// The next one whose time is up: its id, and who waits.
    pub fn expired(&mut self, now: Instant) -> Option<(String, Waiter)> {
        let (until, id) = self.due.first()?.clone();
        if until > now {
            return None;
        }
        let waiter = self.forget(&id)?;
        Some((id, waiter))
    }

    /// When the next one's time is up.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(until, _)| *until)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}

/// Whether an answer from `from` fits a request to `to`.
fn fits(to: Option<&str>, from: Option<&str>, own: &str) -> bool {
    // RFC 6120 §8.1.2.1: our server answers for our account with its bare address, its own, ours in
    // full, or none.
    let is_ours =
        |jid: &str| is_same(jid, bare(own)) || is_same(jid, domain(own)) || is_same(jid, own);
    match (to, from) {
        (None, None) => true,
        (None, Some(from)) => is_ours(from),
        (Some(to), None) => is_ours(to),
        (Some(to), Some(from)) => is_same(to, from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmpp::ns;
    use crate::xmpp::stanza::element;

    const OWN: &str = "alice@example.org/crosspoint";

    fn table() -> (Requests, Source, Instant) {
        let requests = Requests::new(2, 2, Duration::from_secs(30));
        (requests, Source::from_number(1), Instant::now())
    }

    fn request(to: Option<&str>) -> Element {
        let mut request = element("iq", ns::CLIENT, &[("type", "get")]);
        if let Some(to) = to {
            set(&mut request, "to", to);
        }
        request
    }

    fn answer(id: &str, from: Option<&str>, kind: &str) -> Element {
        let mut answer = element("iq", ns::CLIENT, &[("type", kind), ("id", id)]);
        if let Some(from) = from {
            set(&mut answer, "from", from);
        }
        answer
    }

    #[test]
    fn answer_of_somebody_else_answers_nothing() {
        let (mut table, mut ids, now) = table();
        let mut asked = request(Some("bob@example.org/x"));
        let id = table
            .begin(&mut asked, Waiter::Asker(7), &mut ids, now)
            .unwrap();
        for from in [
            None,
            Some("bob@example.org"),
            Some("eve@example.org/x"),
            Some("\u{0}"),
        ] {
            assert!(table.answered(answer(&id, from, "result"), OWN).is_none());
        }
        let from = Some("Bob@example.org/x");
        let (waiter, outcome) = table.answered(answer(&id, from, "result"), OWN).unwrap();
        assert_eq!(waiter, Waiter::Asker(7));
        assert!(matches!(outcome, Outcome::Result(_)));
        assert!(
            table.answered(answer(&id, from, "result"), OWN).is_none(),
            "twice"
        );
        assert!(table.is_empty() && table.poll_timeout().is_none());
    }

    #[test]
    fn own_server_may_answer_by_four_names() {
        for from in [
            None,
            Some("alice@example.org"),
            Some("example.org"),
            Some(OWN),
        ] {
            let (mut table, mut ids, now) = table();
            let id = table
                .begin(&mut request(None), Waiter::Stream, &mut ids, now)
                .unwrap();
            assert!(
                table.answered(answer(&id, from, "error"), OWN).is_some(),
                "{from:?}"
            );
        }
    }

    #[test]
    fn late_requests_are_told_once_and_their_answers_are_strays() {
        let (mut table, mut ids, now) = table();
        let mut asked = request(Some("b@c"));
        let id = table
            .begin(&mut asked, Waiter::Asker(1), &mut ids, now)
            .unwrap();
        let at = table.poll_timeout().unwrap();
        assert_eq!(table.expired(at - Duration::from_millis(1)), None);
        assert_eq!(table.expired(at), Some((id.clone(), Waiter::Asker(1))));
        assert_eq!(table.expired(at), None);
        assert!(
            table
                .answered(answer(&id, Some("b@c"), "result"), OWN)
                .is_none()
        );
    }

    #[test]
    fn one_user_who_answers_nothing_does_not_take_all_of_the_room() {
        let (_, mut ids, now) = table();
        let mut table = Requests::new(10, 2, Duration::from_secs(30));
        let mut ask = |table: &mut Requests, to: &str| {
            let waiter = Waiter::Asker(1);
            table.begin(&mut request(Some(to)), waiter, &mut ids, now)
        };
        let first = ask(&mut table, "b@c/x").unwrap();
        ask(&mut table, "b@c/y").unwrap();
        assert_eq!(ask(&mut table, "b@c/z"), Err(TooMany));
        assert!(ask(&mut table, "d@c/x").is_ok());
        assert!(
            table
                .answered(answer(&first, Some("b@c/x"), "result"), OWN)
                .is_some()
        );
        assert!(ask(&mut table, "b@c/z").is_ok());
        while table.expired(now + Duration::from_secs(30)).is_some() {}
        assert!(table.of_peer.is_empty());
    }

    #[test]
    fn table_is_bounded() {
        let (mut table, mut ids, now) = table();
        for _ in 0..2 {
            let begun = table.begin(&mut request(None), Waiter::Stream, &mut ids, now);
            assert!(begun.is_ok());
        }
        let begun = table.begin(&mut request(None), Waiter::Stream, &mut ids, now);
        assert_eq!(begun, Err(TooMany));
    }
}
