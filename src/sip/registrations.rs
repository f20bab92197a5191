//! All registrations: which has its turn, which is due, whose calls come where (RFC 3261 §10.2).
//!
//! Every change of a state goes through `Registrations::change`, which keeps the lists true, so
//! that nothing here looks at all accounts: ten thousand of them cost a call nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::flow::Flow;
use super::message::{Request, Response};
use super::registration::{Binding, Key, Outcome, Registration, State, Wanted};
use crate::id::Source;

/// All registrations.
#[derive(Debug)]
pub struct Registrations {
    all: BTreeMap<Key, Registration>,
    contacts: BTreeMap<String, Key>,
    at_once: usize,
    /// How many REGISTERs are under way.
    under_way: usize,
    waiting: BTreeSet<Key>,
    due: BTreeSet<(Instant, Key)>,
    /// The flows that calls come in by, and how many registrations each carries.
    flows: BTreeMap<Flow, usize>,
    leaving: usize,
}

/// Within which time registrations of a flow that is gone are renewed.
const RENEW_WITHIN: Duration = Duration::from_secs(3);

impl Registrations {
    /// None yet; at most so many REGISTERs at once, so that a thousand accounts delay no call.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            all: BTreeMap::new(),
            contacts: BTreeMap::new(),
            at_once,
            under_way: 0,
            waiting: BTreeSet::new(),
            due: BTreeSet::new(),
            flows: BTreeMap::new(),
            leaving: 0,
        }
    }

    /// An account is wanted. One that is wanted already is renewed with what is new.
    pub fn add(&mut self, key: Key, wanted: Wanted, ids: &mut Source) {
        if let Some(known) = self.all.get(&key) {
            let same = known.wanted == wanted;
            let next = match known.state {
                State::Unwanted if same => State::Trying,
                State::Leaving | State::Unwanted => State::Returning,
                _ if same => return,
                State::Trying | State::Returning => State::Returning,
                State::Waiting | State::Registered { .. } | State::Failed { .. } => State::Waiting,
            };
            self.change(&key, |known| {
                known.renew(wanted);
                known.state = next;
            });
            return;
        }
        let registration = Registration::new(wanted, ids);
        self.contacts
            .insert(registration.contact_user.clone(), key.clone());
        self.all.insert(key.clone(), registration);
        self.list(&key);
    }

    /// The un-REGISTER of an account that is no longer wanted; `None` where there is nothing to
    /// take back, or not yet.
    pub fn remove(&mut self, key: &Key, ids: &mut Source) -> Option<Request> {
        let known = self.all.get(key)?;
        match (known.state, known.binding) {
            // One that was granted stands until its time is over, though its refresh failed.
            (State::Registered { .. }, _)
            | (State::Waiting | State::Failed { .. }, Binding::Granted) => {
                self.change(key, |known| {
                    known.state = State::Leaving;
                    Some(known.request(Duration::ZERO, ids))
                })?
            }
            (State::Trying, _) => {
                self.change(key, |known| known.state = State::Unwanted);
                None
            }
            (State::Returning, _) => {
                self.change(key, |known| known.state = State::Leaving);
                None
            }
            (State::Unwanted | State::Leaving, _) => None,
            (State::Waiting | State::Failed { .. }, Binding::Never) => {
                self.forget(key);
                None
            }
        }
    }

    fn forget(&mut self, key: &Key) {
        self.unlist(key);
        if let Some(registration) = self.all.remove(key) {
            self.contacts.remove(&registration.contact_user);
        }
    }

    /// Changes a registration and keeps the lists true.
    fn change<T>(&mut self, key: &Key, work: impl FnOnce(&mut Registration) -> T) -> Option<T> {
        self.unlist(key);
        let done = self.all.get_mut(key).map(work);
        self.list(key);
        done
    }

    fn unlist(&mut self, key: &Key) {
        match self.all.get(key).map(|known| known.state) {
            Some(State::Waiting) => {
                self.waiting.remove(key);
            }
            Some(State::Registered { refresh_at, flow }) => {
                self.due.remove(&(refresh_at, key.clone()));
                if let Some(count) = self.flows.get_mut(&flow) {
                    *count -= 1;
                    if *count == 0 {
                        self.flows.remove(&flow);
                    }
                }
            }
            Some(State::Failed { retry_at }) => {
                self.due.remove(&(retry_at, key.clone()));
            }
            Some(State::Leaving | State::Unwanted) => {
                self.under_way -= 1;
                self.leaving -= 1;
            }
            Some(State::Trying | State::Returning) => self.under_way -= 1,
            None => {}
        }
    }

    fn list(&mut self, key: &Key) {
        match self.all.get(key).map(|known| known.state) {
            Some(State::Waiting) => {
                self.waiting.insert(key.clone());
            }
            Some(State::Registered { refresh_at, flow }) => {
                self.due.insert((refresh_at, key.clone()));
                *self.flows.entry(flow).or_default() += 1;
            }
            Some(State::Failed { retry_at }) => {
                self.due.insert((retry_at, key.clone()));
            }
            Some(State::Leaving | State::Unwanted) => {
                self.under_way += 1;
                self.leaving += 1;
            }
            Some(State::Trying | State::Returning) => self.under_way += 1,
            None => {}
        }
    }

    /// All keys.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.all.keys().cloned().collect()
    }

    /// A registration.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Registration> {
        self.all.get(key)
    }

    /// Whose calls come to this user part of a Request-URI.
    #[must_use]
    pub fn by_contact(&self, user: &str) -> Option<(&Key, &Registration)> {
        let key = self.contacts.get(user)?;
        self.all.get_key_value(key)
    }

    /// The REGISTERs that are due and have their turn: what would run out goes first.
    pub fn due(&mut self, ids: &mut Source, now: Instant) -> Vec<(Key, Request)> {
        let room = self.at_once.saturating_sub(self.under_way);
        if room == 0 || (self.waiting.is_empty() && self.poll_timeout().is_none_or(|at| at > now)) {
            return Vec::new();
        }
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<_> = due
            .map(|(_, key)| key)
            .chain(&self.waiting)
            .take(room)
            .cloned()
            .collect();
        due.into_iter()
            .filter_map(|key| {
                let request = self.change(&key, |known| {
                    known.state = State::Trying;
                    known.request(known.asked, ids)
                })?;
                Some((key, request))
            })
            .collect()
    }

    /// When [`Registrations::due`] has something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let room = self.under_way < self.at_once;
        self.due.first().filter(|_| room).map(|(at, _)| *at)
    }

    /// Whether any waits for its turn.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether an un-REGISTER is under way, or the answer that it waits for.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving > 0
    }

    /// Whether calls come in by any flow.
    #[must_use]
    pub fn has_flows(&self) -> bool {
        !self.flows.is_empty()
    }

    /// The flows that calls come in by.
    #[must_use]
    pub fn flows(&self) -> BTreeSet<Flow> {
        self.flows.keys().copied().collect()
    }

    /// A flow is gone: no call comes in by it any more, so what was registered by it is renewed by
    /// another within three seconds, not all at once.
    pub fn flow_lost(&mut self, flow: Flow, ids: &mut Source, now: Instant) {
        if !self.flows.contains_key(&flow) {
            return;
        }
        let of_flow = self
            .all
            .iter()
            .filter(|(_, known)| known.flow() == Some(flow));
        let keys: Vec<Key> = of_flow.map(|(key, _)| key.clone()).collect();
        for key in keys {
            let most = u64::try_from(RENEW_WITHIN.as_millis()).unwrap_or(u64::MAX);
            let soon = now + Duration::from_millis(ids.below(most));
            self.change(&key, |known| {
                if let State::Registered { refresh_at, .. } = &mut known.state {
                    *refresh_at = soon.min(*refresh_at);
                }
            });
        }
    }

    /// A final response to a REGISTER, and the flow that it came by.
    pub fn response(
        &mut self,
        key: &Key,
        request: &Request,
        response: &Response,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) -> Option<Outcome> {
        let outcome = self.change(key, |known| {
            known.response(request, response, flow, ids, now)
        })?;
        if outcome == Outcome::Gone {
            self.forget(key);
        }
        Some(outcome)
    }

    /// No response to a REGISTER.
    pub fn no_response(
        &mut self,
        key: &Key,
        why: &str,
        ids: &mut Source,
        now: Instant,
    ) -> Option<Outcome> {
        match self.all.get(key)?.state {
            State::Leaving | State::Unwanted => {
                self.forget(key);
                Some(Outcome::Gone)
            }
            State::Returning => {
                self.change(key, |known| known.state = State::Waiting);
                Some(Outcome::Anew)
            }
            State::Trying => {
                let standing = self.change(key, |known| {
                    known.failed(why.to_owned(), None, None, ids, now)
                })?;
                Some(Outcome::Now(standing))
            }
            // Nothing is under way.
            State::Waiting | State::Registered { .. } | State::Failed { .. } => None,
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::super::auth::Credentials;
    use super::super::name::Name;
    use super::super::registration::{BACKOFF_MAX, Standing};
    use super::super::uri::Uri;
    use super::*;

    const FLOW: Flow = Flow::Stream(2);

    fn key() -> Key {
        ("alice".into(), "desk".into())
    }

    fn wanted() -> Wanted {
        Wanted {
            uri: Uri::parse("sip:1001@pbx").unwrap(),
            registrar: Uri::parse("sip:pbx").unwrap(),
            credentials: Credentials {
                user: "1001".into(),
                password: "p".into(),
            },
            display_name: None,
            expires: Duration::from_secs(600),
            trunk: None,
        }
    }

    fn one() -> (Registrations, Source, Instant, Request) {
        let (mut all, mut ids) = (Registrations::new(2), Source::from_number(1));
        let now = Instant::now();
        all.add(key(), wanted(), &mut ids);
        let (_, request) = all.due(&mut ids, now).remove(0);
        (all, ids, now, request)
    }

    #[test]
    fn granted_time_of_our_contact_counts() {
        let (mut all, mut ids, now, request) = one();
        let user = all.get(&key()).unwrap().contact_user.clone();
        let ok = Response::to(&request, 200, "OK", Some("t"))
            .with(
                Name::Contact,
                format!("<sip:other@x>;expires=9, <sip:{user}@x>;expires=120"),
            )
            .with(Name::Expires, "600");
        let outcome = all.response(&key(), &request, &ok, FLOW, &mut ids, now);
        assert_eq!(outcome, Some(Outcome::Now(Standing::Registered)));
        assert_eq!(all.poll_timeout(), Some(now + Duration::from_secs(60)));
    }

    #[test]
    fn too_brief_is_asked_again_for_longer() {
        let (mut all, mut ids, now, request) = one();
        let brief = Response::to(&request, 423, "x", None).with(Name::MinExpires, "1800");
        let Some(Outcome::Again(again)) =
            all.response(&key(), &request, &brief, FLOW, &mut ids, now)
        else {
            panic!()
        };
        assert_eq!(again.headers.get(&Name::Expires), Some("1800"));
        assert_eq!(again.headers.get(&Name::CSeq), Some("2 REGISTER"));
    }

    /// One that wants a little more each time is not asked for ever.
    #[test]
    fn too_brief_again_and_again_ends() {
        let (mut all, mut ids, now, mut request) = one();
        for asked in 1..20 {
            let had = request.headers.number(&Name::Expires).unwrap();
            let more = (had + 1).to_string();
            let brief = Response::to(&request, 423, "x", None).with(Name::MinExpires, more);
            match all.response(&key(), &request, &brief, FLOW, &mut ids, now) {
                Some(Outcome::Again(again)) => request = *again,
                Some(Outcome::Now(Standing::Failed { .. })) => {
                    return assert!(asked > 3, "a longer one is asked for at first");
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("it is asked for ever");
    }

    #[test]
    fn registrar_that_is_down_is_tried_for_ever_and_ever_more_slowly() {
        let (mut all, mut ids, mut now, _) = one();
        let mut waits = Vec::new();
        for _ in 0..12 {
            let Some(Outcome::Now(Standing::Failed { retry_after, .. })) =
                all.no_response(&key(), "no response", &mut ids, now)
            else {
                panic!()
            };
            waits.push(retry_after);
            now += retry_after;
            assert_eq!(all.due(&mut ids, now).len(), 1, "it is tried again");
        }
        assert!(waits[0] < Duration::from_secs(3) && waits[11] >= Duration::from_secs(150));
        assert!(waits.iter().all(|wait| *wait <= BACKOFF_MAX));
    }

    #[test]
    fn wrong_password_is_not_hammered() {
        let (mut all, mut ids, now, request) = one();
        let challenge = |nonce: &str| {
            Response::to(&request, 401, "x", None).with(
                Name::WwwAuthenticate,
                format!("Digest realm=\"r\", nonce=\"{nonce}\""),
            )
        };
        let first = all.response(&key(), &request, &challenge("1"), FLOW, &mut ids, now);
        assert!(matches!(first, Some(Outcome::Again(_))));
        let Some(Outcome::Now(Standing::Failed { retry_after, .. })) =
            all.response(&key(), &request, &challenge("2"), FLOW, &mut ids, now)
        else {
            panic!()
        };
        assert!(retry_after >= BACKOFF_MAX);
    }

    #[test]
    fn thousand_accounts_take_turns() {
        let (mut all, mut ids) = (Registrations::new(50), Source::from_number(1));
        for number in 0..1000 {
            all.add(("u".into(), number.to_string()), wanted(), &mut ids);
        }
        assert_eq!(all.due(&mut ids, Instant::now()).len(), 50);
        assert_eq!(all.due(&mut ids, Instant::now()).len(), 0);
    }

    // The registrar that could not refresh it has it all the same, until its time is over.
    #[test]
    fn removed_account_is_unregistered_though_its_refresh_failed() {
        let (mut all, mut ids, mut now, request) = one();
        let ok = Response::to(&request, 200, "OK", None);
        all.response(&key(), &request, &ok, FLOW, &mut ids, now);
        now = all.poll_timeout().unwrap();
        let (_, refresh) = all.due(&mut ids, now).remove(0);
        let busy = Response::to(&refresh, 503, "Busy", None);
        all.response(&key(), &refresh, &busy, FLOW, &mut ids, now);
        let bye = all.remove(&key(), &mut ids).unwrap();
        assert_eq!(bye.headers.get(&Name::Expires), Some("0"));
    }

    #[test]
    fn account_removed_during_a_refresh_that_fails_is_unregistered() {
        let (mut all, mut ids, mut now, request) = one();
        let ok = Response::to(&request, 200, "OK", None);
        all.response(&key(), &request, &ok, FLOW, &mut ids, now);
        now = all.poll_timeout().unwrap();
        let (_, refresh) = all.due(&mut ids, now).remove(0);
        assert_eq!(all.remove(&key(), &mut ids), None);
        assert!(all.is_leaving(), "the process waits for its answer, too");
        let busy = Response::to(&refresh, 503, "Busy", None);
        let outcome = all.response(&key(), &refresh, &busy, FLOW, &mut ids, now);
        let Some(Outcome::Again(bye)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(bye.headers.get(&Name::Expires), Some("0"));
    }

    #[test]
    fn removed_account_is_unregistered() {
        let (mut all, mut ids, now, request) = one();
        let ok = Response::to(&request, 200, "OK", None);
        all.response(&key(), &request, &ok, FLOW, &mut ids, now);
        let bye = all.remove(&key(), &mut ids).unwrap();
        assert_eq!(bye.headers.get(&Name::Expires), Some("0"));
        let ok = Response::to(&bye, 200, "OK", None);
        assert_eq!(
            all.response(&key(), &bye, &ok, FLOW, &mut ids, now),
            Some(Outcome::Gone)
        );
        assert!(all.keys().is_empty());
    }
}
