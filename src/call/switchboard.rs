//! All calls: which leg belongs to which, what each is told, when each wants to be woken.
//!
//! A panic while a call is handled takes that call out and no other: its legs are told
//! [`Cause::Internal`], it is counted, and the rest goes on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::cause::Cause;
use super::coverage::Coverage;
use super::leg::Leg;
use super::signal::{Ending, Invite, Opening, Signal};
use super::state::State;
use super::timer::Patience;
use super::{Call, Effect};
use crate::contain::contained;
use crate::id::{CallId, LegId};

/// What a leg tells the middle.
#[derive(Debug)]
pub struct Command {
    /// The leg that speaks.
    pub leg: LegId,
    /// What it says.
    pub signal: Signal,
}

/// All calls.
#[derive(Debug, Default)]
pub struct Switchboard {
    /// In boxes, because the tree leaves room for as many again.
    calls: BTreeMap<CallId, Box<Entry>>,
    legs: BTreeMap<LegId, CallId>,
    deadlines: BTreeSet<(Instant, CallId)>,
    effects: VecDeque<Effect>,
    patience: Patience,
    calls_max: usize,
    counts: Counts,
    coverage: Coverage,
}

/// A call, and what is known of it without looking inside.
#[derive(Debug)]
struct Entry {
    call: Call,
    legs: Vec<LegId>,
    wakes_at: Option<Instant>,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls begun.
    pub begun: u64,
    /// Calls refused because there were too many.
    pub refused: u64,
    /// Calls that a panic took out.
    pub panicked: u64,
}

/// Too many calls at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {0} calls, the most that the configuration allows")]
pub struct TooManyCalls(pub usize);

impl Switchboard {
    /// A switchboard without calls.
    #[must_use]
    pub fn new(patience: Patience, calls_max: usize) -> Self {
        Self {
            patience,
            calls_max,
            ..Self::default()
        }
    }

    /// Whether this call is under way.
    #[must_use]
    pub fn has(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    /// Begins a call of `a` with the B-legs placed for it; with none, `a` waits to be joined.
    ///
    /// # Errors
    /// [`TooManyCalls`] when the configured number is reached.
    pub fn place(
        &mut self,
        id: CallId,
        a: Leg,
        b: Vec<Leg>,
        invite: Invite,
        now: Instant,
    ) -> Result<(), TooManyCalls> {
        if self.calls.len() >= self.calls_max {
            self.counts.refused += 1;
            return Err(TooManyCalls(self.calls_max));
        }
        self.counts.begun += 1;
        let call = Call::new(id, a, b, invite, self.patience, now);
        let legs: Vec<_> = call.legs().collect();
        for leg in &legs {
            self.legs.insert(*leg, id);
        }
        self.calls.insert(
            id,
            Box::new(Entry {
                call,
                legs,
                wakes_at: None,
            }),
        );
        self.settle(id);
        Ok(())
    }

    /// Lets a second caller join a call that waits. `false` where it does not wait any more.
    pub fn join(&mut self, id: CallId, leg: Leg, opening: &Opening, now: Instant) -> bool {
        let leg_id = leg.id;
        let Some(entry) = self.calls.get_mut(&id) else {
            return false;
        };
        let joined = entry.call.join(leg, opening, now);
        if joined {
            entry.legs.push(leg_id);
            self.legs.insert(leg_id, id);
        }
        self.settle(id);
        joined
    }

    /// Takes what a leg says. A leg whose call is gone finishes alone.
    pub fn handle(&mut self, command: Command, now: Instant) {
        let Command { leg, signal } = command;
        let Some(id) = self.legs.get(&leg).copied() else {
            tracing::debug!(%leg, "a leg whose call is gone speaks");
            return;
        };
        let Some(entry) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(side) = entry.call.side_of(leg) {
            self.coverage.reached(entry.call.state(), side, &signal);
        }
        let call = &mut entry.call;
        let outcome = contained(|| call.handle(leg, signal, now));
        self.settle_or_take_out(id, outcome.is_err(), now);
    }

    /// Ends one call for the gateway's own reasons.
    pub fn end(&mut self, id: CallId, ending: &Ending, now: Instant) {
        let Some(entry) = self.calls.get_mut(&id) else {
            return;
        };
        entry.call.end_all(ending, now);
        self.settle(id);
    }

    /// Ends all calls.
    pub fn end_all(&mut self, ending: &Ending, now: Instant) {
        let ids: Vec<_> = self.calls.keys().copied().collect();
        for id in ids {
            self.end(id, ending, now);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, id)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, id));
            let Some(entry) = self.calls.get_mut(&id) else {
                continue;
            };
            entry.wakes_at = None;
            let call = &mut entry.call;
            let outcome = contained(|| call.handle_timeout(now));
            self.settle_or_take_out(id, outcome.is_err(), now);
        }
    }

    /// When [`Switchboard::handle_timeout`] wants to be called, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let (at, id) = self.deadlines.first()?;
        let timer = self
            .calls
            .get(id)
            .and_then(|entry| entry.call.poll_timeout());
        Some((*at, timer.map_or("a call", |(_, timer)| timer.name())))
    }

    /// The next thing to be done.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The call a leg belongs to.
    #[must_use]
    pub fn call_of(&self, leg: LegId) -> Option<CallId> {
        self.legs.get(&leg).copied()
    }

    /// How many calls there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether nothing is left: no call, no leg, no timer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.legs.is_empty() && self.deadlines.is_empty()
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How often each (state, side, signal) was reached.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    fn settle_or_take_out(&mut self, id: CallId, panicked: bool, now: Instant) {
        if !panicked {
            return self.settle(id);
        }
        self.counts.panicked += 1;
        let Some(entry) = self.calls.remove(&id) else {
            return;
        };
        tracing::error!(call = %id, "the call was taken out by a fault of the gateway");
        self.forget(&entry, id);
        let ending = Ending::by_gateway(Cause::Internal);
        for leg in entry.legs {
            let end = Signal::End(ending.clone());
            self.effects.push_back(Effect::Tell(leg, end));
        }
        let record = Box::new(entry.call.taken_out(ending, now));
        self.effects.push_back(Effect::Ended(record));
    }

    /// Carries a call's effects out of it, renews its deadline, forgets it when it has ended.
    fn settle(&mut self, id: CallId) {
        let Some(entry) = self.calls.get_mut(&id) else {
            return;
        };
        while let Some(effect) = entry.call.poll_effect() {
            self.effects.push_back(effect);
        }
        if entry.call.state() == State::Ended {
            if let Some(entry) = self.calls.remove(&id) {
                self.forget(&entry, id);
            }
            return;
        }
        let (calls, legs) = (&entry.call, &mut self.legs);
        entry.legs.retain(|leg| {
            let stays = calls.side_of(*leg).is_some();
            if !stays {
                legs.remove(leg);
            }
            stays
        });
        let wakes_at = entry.call.poll_timeout().map(|(at, _)| at);
        if wakes_at != entry.wakes_at {
            if let Some(at) = entry.wakes_at {
                self.deadlines.remove(&(at, id));
            }
            if let Some(at) = wakes_at {
                self.deadlines.insert((at, id));
            }
            entry.wakes_at = wakes_at;
        }
    }

    fn forget(&mut self, entry: &Entry, id: CallId) {
        for leg in &entry.legs {
            self.legs.remove(leg);
        }
        if let Some(at) = entry.wakes_at {
            self.deadlines.remove(&(at, id));
        }
    }
}
