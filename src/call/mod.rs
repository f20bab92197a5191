//! The middle: an A-leg that asked for a call, a set of B-legs that were placed for it, and one
//! table that says what each may say when. Knows no protocol, does no I/O, cannot fail.
//!
//! A leg says a [`Signal`]; the other side is told the same kind of [`Signal`]. Before the answer
//! there may be many B-legs (a user rings on all of his devices); the first that accepts wins, the
//! others are told [`Cause::AnsweredElsewhere`], and from then on a call is two legs.
//!
//! `state.rs` has the diagram, `negotiation.rs` who owes an answer, `opening.rs` how the first
//! offer comes about, `leg.rs` what a leg's peer said and was told, `trickle.rs` how long a
//! description waits for candidates, `switchboard.rs` all calls. Read `Call::handle` first: it is
//! the whole of it.

pub mod cause;
pub mod coverage;
mod ending;
pub mod hold;
pub mod leg;
pub mod negotiation;
mod offer;
mod offer_tests;
mod opening;
pub mod profile;
pub mod record;
mod ringing;
pub mod signal;
pub mod state;
pub mod switchboard;
pub mod timer;
pub mod trickle;
mod trickle_tests;

mod opening_tests;
mod rig;

use std::collections::VecDeque;
use std::time::Instant;

use self::cause::Cause;
use self::leg::{Leg, Speech, Telling};
use self::negotiation::Negotiation;
use self::record::CallRecord;
use self::signal::{Ending, Invite, Opening, Refusal, Signal};
use self::state::State;
use self::timer::{Patience, Timer};
use crate::id::{CallId, LegId};
use crate::sdp::{Trickle, What};

/// A is the leg that asked for the call, B a leg that was placed for it. `!side` is the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The leg that asked.
    A,
    /// A leg that was placed.
    B,
}

impl std::ops::Not for Side {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What a call wants done.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Tell the leg.
    Tell(LegId, Signal),
    /// A reason for the trace, beside the leg it concerns.
    Note(LegId, String),
    /// The call is over: its record.
    Ended(Box<CallRecord>),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    id: CallId,
    state: State,
    negotiation: Negotiation,
    patience: Patience,
    a: Leg,
    b: Vec<Leg>,
    /// Which branch and which of its own forks each early answer came from; the place is its name.
    forks: Vec<(LegId, u16)>,
    /// The best reason a branch has given for not taking the call.
    refused: Option<Ending>,
    record: CallRecord,
    effects: VecDeque<Effect>,
}

/// Which leg of the call: A, or the B-leg at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    A,
    B(usize),
}

impl Place {
    fn side(self) -> Side {
        match self {
            Self::A => Side::A,
            Self::B(_) => Side::B,
        }
    }
}

impl Call {
    /// Starts a call: every B-leg is invited at once, or as soon as there is the offer that one of
    /// them needs. Without B-legs the caller waits for a second one to join.
    #[must_use]
    pub fn new(
        id: CallId,
        mut a: Leg,
        b: Vec<Leg>,
        invite: Invite,
        patience: Patience,
        now: Instant,
    ) -> Self {
        let record = CallRecord {
            call: id,
            from: invite.from.uri.clone(),
            to: invite.to.to_string(),
            invited_at: now,
            ringing_at: None,
            answered_at: None,
            ended_at: now,
            ending: Ending::by_gateway(Cause::Internal),
            side: None,
        };
        let negotiation = opening::begin(&invite.opening, &mut a, &b, &patience, now);
        let state = match b.is_empty() {
            true => State::Waiting {
                until: now + patience.join_wait_after,
            },
            false => State::Inviting {
                until: now + patience.no_answer_after,
            },
        };
        let (forks, refused, effects) = (Vec::new(), None, VecDeque::new());
        let mut call = Self {
            id,
            state,
            negotiation,
            patience,
            a,
            b,
            forks,
            refused,
            record,
            effects,
        };
        call.invite(invite, now);
        call
    }

    /// The second caller of a rendezvous joins: his own offer is rolled back, the first one's
    /// stands. `false` where the call waits for nobody, or his peer cannot roll back.
    pub fn join(&mut self, leg: Leg, opening: &Opening, now: Instant) -> bool {
        let (State::Waiting { .. }, true) = (self.state, leg.profile.rolls_back) else {
            return false;
        };
        self.enter(
            State::Inviting {
                until: now + self.patience.no_answer_after,
            },
            "Join",
        );
        match opening {
            Opening::Offer(_) => self.say(leg.id, Signal::Refuse(Refusal::Glare.into())),
            Opening::Yours | Opening::Later => {} // He has made none.
        }
        self.b.push(leg);
        self.tell_offer(0, Speech::Offer, now);
        true
    }

    /// Takes what a leg of this call says.
    pub fn handle(&mut self, from: LegId, signal: Signal, now: Instant) {
        let Some(place) = self.place_of(from) else {
            tracing::debug!(call = %self.id, leg = %from, "a leg that has left the call speaks");
            return;
        };
        self.dispatch(place, signal, now);
        self.finish_negotiation_timer(now);
    }

    /// The table: who says what when, and what comes of it.
    fn dispatch(&mut self, place: Place, signal: Signal, now: Instant) {
        use Place::{A, B};
        use Signal::{
            Accept, Answer, Candidates, Dtmf, End, Invite, Media, Offer, Progress, Refuse, Ring,
        };
        use State::{Ended, Established, Inviting, Ringing, Waiting};
        let side = place.side();
        let owes_answer = self.negotiation.owes_answer(side);
        match (self.state, place, signal) {
            (Ended, ..) => {} // A leg that was told End finishes alone.
            (_, A, End(ending)) => self.a_ended(ending, now),
            (Established, B(_), End(ending)) => self.b_ended(ending, now),
            (_, B(b), End(ending)) => self.branch_ended(b, ending, now),
            (Inviting { .. }, B(_), Ring) if self.negotiation.owes_offer(Side::A) => {
                self.note(place, "it rings before it was invited");
            }
            (Inviting { until }, B(_), Ring) => {
                self.record.ringing_at = Some(now);
                self.enter(Ringing { until }, "Ring");
                self.say(self.a.id, Ring);
            }
            (Ringing { .. }, B(_), Ring) => {} // Another device rings, too: nothing new for A.
            (Inviting { .. } | Ringing { .. }, B(b), Progress { description, fork })
                if owes_answer =>
            {
                self.b[b].hear(description);
                let fork = self.fork_name(self.b[b].id, fork);
                self.tell_a(b, Speech::Progress(fork), now);
            }
            (Inviting { .. } | Ringing { .. }, B(_), Progress { .. }) => {
                self.note(
                    place,
                    "an early description, and no offer that it could answer",
                );
            }
            (Inviting { .. } | Ringing { .. }, B(b), Accept(Some(description)))
                if owes_answer || self.negotiation.owes_offer(side) =>
            {
                self.accept(b, description, now);
            }
            // The caller makes his offer now that somebody takes the call.
            (Inviting { .. } | Ringing { .. }, B(b), Accept(None))
                if self.negotiation == Negotiation::Promised =>
            {
                self.accept_and_ask(b, now);
            }
            // The caller makes it before anybody is called, since he was asked for it.
            (Waiting { .. } | Inviting { .. }, A, Offer(Some(offer)))
                if self.negotiation.owes_offer(side) =>
            {
                self.promised_offer(offer, now);
            }
            (Waiting { .. } | Inviting { .. }, A, Refuse(refused))
                if self.negotiation.owes_offer(side) =>
            {
                self.opening_refused(side, refused, now);
            }
            // The second caller of a rendezvous accepts by answering the first one's offer.
            (Inviting { .. } | Ringing { .. }, B(b), Answer(answer)) if owes_answer => {
                let joined = self.b[b].id;
                self.accept(b, answer, now);
                self.say(joined, Accept(None));
            }
            (_, _, Candidates(trickles)) => self.candidates(place, trickles, now),
            (Established, _, Offer(offer)) if self.negotiation.lets_offer(side) => {
                self.offer(place, offer, now);
            }
            (_, _, Offer(_)) => self.say(self.leg(place).id, Refuse(Refusal::Glare.into())),
            (Established, _, Answer(answer)) if owes_answer => {
                self.leg_mut(place).hear(answer);
                self.tell_other(place, Speech::Answer, now);
            }
            (Established, _, Refuse(refused))
                if self.is_opening() && self.negotiation.lets_refuse(side) =>
            {
                self.opening_refused(side, refused, now);
            }
            (Established, _, Refuse(why)) if owes_answer || self.negotiation.owes_offer(side) => {
                self.settle_refused();
                self.say_other(place, Refuse(why));
            }
            (Established, _, Refuse(_)) if self.negotiation.is_offer_of(side) => {
                self.settle_refused();
                self.drop_waiting_offer(place);
                self.say_other(place, Refuse(Refusal::Withdrawn.into()));
            }
            (Established, _, Dtmf(dtmf)) => self.say_other(place, Dtmf(dtmf)),
            // Out of place. Each is named, so that a new signal does not compile without a place.
            // Nobody listens yet.
            (Waiting { .. } | Inviting { .. } | Ringing { .. }, _, Dtmf(_)) => {}
            (_, _, Answer(_) | Refuse(_)) => self.note(place, "nobody waits for this answer"),
            (_, _, Progress { .. } | Ring) => {} // Only before the answer, only from B.
            (Established, _, Accept(_)) => self.note(place, "the call was accepted already"),
            (_, B(b), Accept(None)) => self.misbehaved(b, "it accepted without a description", now),
            (Inviting { .. } | Ringing { .. }, B(b), Accept(Some(_))) => {
                self.misbehaved(
                    b,
                    "it accepted with a description before there was an offer",
                    now,
                );
            }
            (_, A, Accept(_)) => self.note(place, "the caller cannot accept his own call"),
            (Waiting { .. }, B(_), Accept(_)) => {} // There is no B-leg in this state.
            (_, _, Invite(_)) => {}                 // A leg invites once, and that made this call.
            (_, _, Media(_)) => {}                  // Only ever told.
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Waiting { until } if until <= now => {
                self.end_all(
                    &Ending::by_gateway(Cause::NoAnswer).because("nobody joined"),
                    now,
                );
            }
            State::Inviting { until } | State::Ringing { until } if until <= now => {
                for leg in std::mem::take(&mut self.b) {
                    self.say(leg.id, Signal::End(Ending::by_gateway(Cause::Cancelled)));
                }
                self.end_a(Ending::by_gateway(Cause::NoAnswer), None, now);
            }
            _ => {}
        }
        if self.negotiation.until().is_some_and(|until| until <= now) {
            self.negotiation_unanswered(now);
        }
        if self.a.is_gathering() {
            for from in 0..self.b.len() {
                // The call may end while it is told.
                let Some(source) = self.b.get(from) else {
                    break;
                };
                let telling = self.a.retry(source, now);
                self.told(Place::A, telling, now);
            }
        }
        for place in 0..self.b.len() {
            if let Some(leg) = self.b.get_mut(place).filter(|leg| leg.is_gathering()) {
                let telling = leg.retry(&self.a, now);
                self.told(Place::B(place), telling, now);
            }
        }
        self.finish_negotiation_timer(now);
    }

    /// When [`Call::handle_timeout`] wants to be called, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        let state = match self.state {
            State::Waiting { until } => Some((until, Timer::JoinWait)),
            State::Inviting { until } | State::Ringing { until } => Some((until, Timer::NoAnswer)),
            State::Established | State::Ended => None,
        };
        let offer = self
            .negotiation
            .until()
            .map(|until| (until, Timer::OfferUnanswered));
        let a = self.b.first().and_then(|source| self.a.wakes_at(source));
        let b = self.b.iter().filter_map(|leg| leg.wakes_at(&self.a)).min();
        let gather = a.into_iter().chain(b).min().map(|at| (at, Timer::Gather));
        state.into_iter().chain(offer).chain(gather).min()
    }

    /// The next thing to be done.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// What the call is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The side a leg is on, while it is of this call.
    #[must_use]
    pub fn side_of(&self, leg: LegId) -> Option<Side> {
        self.place_of(leg).map(Place::side)
    }

    /// The legs, A first.
    pub fn legs(&self) -> impl Iterator<Item = LegId> + '_ {
        std::iter::once(self.a.id).chain(self.b.iter().map(|leg| leg.id))
    }

    // --- candidates ---

    /// Candidates of one side: added to what it said, told to who can take them.
    fn candidates(&mut self, place: Place, trickles: Vec<Trickle>, now: Instant) {
        let leg = self.leg_mut(place);
        let added: Vec<_> = trickles
            .into_iter()
            .filter(|trickle| leg.gather(trickle.clone()))
            .collect();
        if added.is_empty() {
            return;
        }
        match place {
            Place::A => {
                for b in 0..self.b.len() {
                    self.pass_candidates(Place::B(b), b, &added, now);
                }
            }
            Place::B(b) => self.pass_candidates(Place::A, b, &added, now),
        }
    }

    /// Tells a leg candidates of the other side, or looks again at the description that waits.
    fn pass_candidates(&mut self, to: Place, b: usize, added: &[Trickle], now: Instant) {
        let Some(branch) = self.b.get_mut(b) else {
            return; // The call has ended while another was told.
        };
        let (leg, source) = match to {
            Place::A => (&mut self.a, &*branch),
            Place::B(_) => (branch, &self.a),
        };
        let (id, trickles_on) = (leg.id, leg.profile.trickle == profile::Trickles::Always);
        if leg.is_gathering() {
            let telling = leg.retry(source, now);
            self.told(to, telling, now);
        } else if leg.told().is_some() && trickles_on {
            let placed = added
                .iter()
                .map(|one| leg.placed_here(one, source))
                .collect();
            self.say(id, Signal::Candidates(placed));
        } else if leg.told().is_some() && added.iter().any(|trickle| trickle.candidate.is_some()) {
            self.note(
                to,
                "a candidate came too late for this peer, which does not trickle",
            );
        }
    }

    // --- telling ---

    fn tell_a(&mut self, from: usize, speech: Speech, now: Instant) {
        let telling = self.a.tell(speech, &self.b[from], now);
        self.told(Place::A, telling, now);
    }

    fn tell(&mut self, to: Place, speech: Speech, now: Instant) {
        match to {
            Place::A => self.tell_a(0, speech, now),
            Place::B(b) => {
                let Some(leg) = self.b.get_mut(b) else {
                    return; // The call has ended while another was told.
                };
                let telling = leg.tell(speech, &self.a, now);
                self.told(to, telling, now);
            }
        }
    }

    fn tell_other(&mut self, place: Place, speech: Speech, now: Instant) {
        match place {
            Place::A => self.tell(Place::B(0), speech, now),
            Place::B(b) => self.tell_a(b, speech, now),
        }
    }

    /// Carries on when a description was told, or never can be.
    fn told(&mut self, to: Place, telling: Telling, now: Instant) {
        let leg = self.leg(to).id;
        match telling {
            Telling::Later => {}
            Telling::Now(speech, signal, notes) => {
                for note in notes {
                    self.effects.push_back(Effect::Note(leg, note));
                }
                self.effects.push_back(Effect::Tell(leg, *signal));
                match speech {
                    Speech::Answer | Speech::Accept(What::Answer) => self.negotiated(),
                    Speech::Invite(_)
                    | Speech::Progress(_)
                    | Speech::Offer
                    | Speech::Accept(What::Offer) => {}
                }
            }
            Telling::Never(speech) => self.never_told(to, &speech, now),
        }
    }

    /// A description has no candidate that could work, and will have none.
    fn never_told(&mut self, to: Place, speech: &Speech, now: Instant) {
        let why = "no candidate that the other side could reach: \
                   only local names or nothing was gathered";
        self.note(to, why);
        match speech {
            Speech::Progress(_) => {} // The answer may still come.
            Speech::Offer | Speech::Answer if !self.is_opening() => {
                self.settle_refused();
                let refuse = Signal::Refuse(Refusal::NotAcceptable.into());
                self.say(self.a.id, refuse.clone());
                if let Some(leg) = self.b.first() {
                    self.say(leg.id, refuse);
                }
            }
            Speech::Invite(_) | Speech::Accept(_) | Speech::Offer | Speech::Answer => {
                self.end_all(&Ending::by_gateway(Cause::NotAcceptable).because(why), now);
            }
        }
    }

    fn say(&mut self, leg: LegId, signal: Signal) {
        self.effects.push_back(Effect::Tell(leg, signal));
    }

    fn say_other(&mut self, place: Place, signal: Signal) {
        match place {
            Place::A => {
                if let Some(leg) = self.b.first() {
                    self.say(leg.id, signal);
                }
            }
            Place::B(_) => self.say(self.a.id, signal),
        }
    }

    fn note(&mut self, place: Place, text: &str) {
        self.effects
            .push_back(Effect::Note(self.leg(place).id, text.to_owned()));
    }

    fn enter(&mut self, state: State, by: &str) {
        tracing::debug!(call = %self.id, "{} --{by}--> {}", self.state.name(), state.name());
        self.state = state;
    }

    fn place_of(&self, leg: LegId) -> Option<Place> {
        if self.a.id == leg {
            return Some(Place::A);
        }
        self.b.iter().position(|b| b.id == leg).map(Place::B)
    }

    fn leg(&self, place: Place) -> &Leg {
        match place {
            Place::A => &self.a,
            Place::B(b) => &self.b[b],
        }
    }

    fn leg_mut(&mut self, place: Place) -> &mut Leg {
        match place {
            Place::A => &mut self.a,
            Place::B(b) => &mut self.b[b],
        }
    }
}
