//! The middle's view of one leg: what its peer said, what it was told, what waits to be told.
//!
//! All work on descriptions for a leg is done here, from what the other side said: mending for a
//! browser, fitting for a peer, the `o=` line that belongs to this leg (RFC 3264 §8).

use std::time::{Duration, Instant};

use super::profile::{Gathering, Profile, Reader, Trickles};
use super::signal::{Invite, Signal};
use super::trickle::{Gathered, gathered};
use crate::id::LegId;
use crate::sdp::{OwnedOrigin, SessionDescription, Trickle, What};

/// One leg, as the middle knows it.
#[derive(Debug)]
pub struct Leg {
    /// Which leg.
    pub id: LegId,
    /// What its peer can do.
    pub profile: Profile,
    origin: OwnedOrigin,
    said: Option<SessionDescription>,
    told: Option<(What, SessionDescription)>,
    early: Vec<Trickle>,
    outbox: Outbox,
}

/// What waits to be told to a leg.
#[derive(Debug)]
enum Outbox {
    /// Nothing.
    Clear,
    /// A description waits for the candidates of the side that made it.
    Gathering {
        speech: Speech,
        since: Instant,
        patience: Gathering,
    },
}

/// A signal with a description, without the description: that is taken from the other leg at the
/// moment of telling, with the candidates it has by then.
#[derive(Clone, Debug, PartialEq)]
pub enum Speech {
    /// The invitation.
    Invite(Box<Invite>),
    /// An early answer of this branch.
    Progress(u16),
    /// The acceptance, with the answer or the offer.
    Accept(What),
    /// An offer inside the call.
    Offer,
    /// An answer inside the call.
    Answer,
}

/// What came of trying to tell a description.
#[derive(Debug, PartialEq)]
pub enum Telling {
    /// It is told: the signal, and the sentences for the trace.
    Now(Speech, Box<Signal>, Vec<String>),
    /// It waits for candidates.
    Later,
    /// It never can be: no candidate that could work.
    Never(Speech),
}

/// The most candidates kept that belong to no description yet.
const EARLY_MAX: usize = 64;

impl Leg {
    /// A leg whose peer has said nothing yet.
    #[must_use]
    pub fn new(id: LegId, profile: Profile, origin: OwnedOrigin) -> Self {
        let (said, told, early, outbox) = (None, None, Vec::new(), Outbox::Clear);
        Self {
            id,
            profile,
            origin,
            said,
            told,
            early,
            outbox,
        }
    }

    /// The last description of its peer, with the candidates that came since.
    #[must_use]
    pub fn said(&self) -> Option<&SessionDescription> {
        self.said.as_ref()
    }

    /// The last description it was told.
    #[must_use]
    pub fn told(&self) -> Option<&SessionDescription> {
        self.told.as_ref().map(|(_, description)| description)
    }

    /// The last answer it was told, if an answer was the last thing.
    #[must_use]
    pub fn told_answer(&self) -> Option<&SessionDescription> {
        self.told
            .as_ref()
            .filter(|(kind, _)| *kind == What::Answer)
            .map(|(_, d)| d)
    }

    /// Records what its peer describes now. Candidates of the same ICE generation are inherited:
    /// a re-offer need not repeat what was trickled (RFC 8838 §4). Returns what was said before.
    pub fn hear(&mut self, mut description: SessionDescription) -> Option<SessionDescription> {
        if let Some(before) = &self.said {
            description.inherit_candidates(before);
        }
        let early = std::mem::take(&mut self.early);
        let before = self.said.replace(description);
        for trickle in early {
            // One that still belongs nowhere is of a generation that is over: dropped.
            let _ = self.gather(trickle);
        }
        before
    }

    /// Returns to what was said before an offer that came to nothing.
    pub fn unsay(&mut self, before: Option<SessionDescription>) {
        self.said = before;
    }

    /// Adds a trickled candidate to what the peer said. Returns whether it belongs there; one that
    /// belongs to no description yet is kept for the next (bounded).
    pub fn gather(&mut self, trickle: Trickle) -> bool {
        let added = self
            .said
            .as_mut()
            .is_some_and(|said| said.trickle(&trickle).is_ok());
        if !added && self.early.len() < EARLY_MAX {
            self.early.push(trickle);
        }
        added
    }

    /// Whether a description waits to be told to this leg.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        matches!(self.outbox, Outbox::Gathering { .. })
    }

    /// Forgets what waits.
    pub fn drop_waiting(&mut self) -> Option<Speech> {
        match std::mem::replace(&mut self.outbox, Outbox::Clear) {
            Outbox::Clear => None,
            Outbox::Gathering { speech, .. } => Some(speech),
        }
    }

    /// When waiting must be looked at again.
    #[must_use]
    pub fn wakes_at(&self, source: &Self) -> Option<Instant> {
        match &self.outbox {
            Outbox::Clear => None,
            Outbox::Gathering {
                since, patience, ..
            } => {
                let workable = source.said().map(gathered) >= Some(Gathered::Workable);
                let after = if workable {
                    patience.good_after
                } else {
                    patience.max_after
                };
                Some(*since + after)
            }
        }
    }

    /// Tells this leg what `source` described, now or when its candidates are there.
    pub fn tell(&mut self, speech: Speech, source: &Self, now: Instant) -> Telling {
        match self.profile.trickle {
            Trickles::Always => self.speak(speech, source, None),
            Trickles::Half(patience) => {
                self.outbox = Outbox::Gathering {
                    speech,
                    since: now,
                    patience,
                };
                self.retry(source, now)
            }
        }
    }

    /// Looks again at what waits: candidates came, or time passed.
    pub fn retry(&mut self, source: &Self, now: Instant) -> Telling {
        let Outbox::Gathering {
            speech,
            since,
            patience,
        } = std::mem::replace(&mut self.outbox, Outbox::Clear)
        else {
            return Telling::Later;
        };
        let waited = now.saturating_duration_since(since);
        let ready = match source.said().map(gathered) {
            Some(Gathered::Complete | Gathered::Good) | None => Some(true),
            Some(Gathered::CompleteWithout) => Some(false),
            Some(Gathered::Workable) => (waited >= patience.good_after).then_some(true),
            Some(Gathered::Nothing) => (waited >= patience.max_after).then_some(false),
        };
        match ready {
            Some(true) => self.speak(speech, source, Some(waited)),
            Some(false) => Telling::Never(speech),
            None => {
                self.outbox = Outbox::Gathering {
                    speech,
                    since,
                    patience,
                };
                Telling::Later
            }
        }
    }

    /// Prepares the description for this leg's peer and makes the signal of it.
    fn speak(&mut self, speech: Speech, source: &Self, waited: Option<Duration>) -> Telling {
        let mut notes = Vec::new();
        if let Some(waited) = waited.filter(|waited| !waited.is_zero()) {
            notes.push(format!("waited {} ms for candidates", waited.as_millis()));
        }
        let kind = speech.kind();
        let description = source.said().map(|said| {
            let description = self.prepare(said.clone(), kind, &mut notes);
            self.told = Some((kind, description.clone()));
            description
        });
        let signal = match (&speech, description) {
            (Speech::Invite(invite), offer) => Signal::Invite(Box::new(Invite {
                offer,
                ..(**invite).clone()
            })),
            (Speech::Progress(fork), Some(description)) => Signal::Progress {
                description,
                fork: *fork,
            },
            (Speech::Accept(_), description) => Signal::Accept(description),
            (Speech::Offer, description) => Signal::Offer(description),
            (Speech::Answer, Some(description)) => Signal::Answer(description),
            (Speech::Progress(_) | Speech::Answer, None) => return Telling::Never(speech),
        };
        Telling::Now(speech, Box::new(signal), notes)
    }

    /// The description as this leg's peer can take it.
    fn prepare(
        &mut self,
        mut description: SessionDescription,
        kind: What,
        notes: &mut Vec<String>,
    ) -> SessionDescription {
        if kind == What::Answer
            && let Some(offer) = &self.said
        {
            description.restore_foreign_media(offer);
            description.restore_mids(offer);
            description.remove_unoffered_extmaps(offer);
        }
        match &self.profile.reader {
            Reader::Browser => {
                if let Some((_, before)) = &self.told {
                    description.keep_identity_of(before);
                }
                let mended = description.mend_for_browser(kind);
                notes.extend(mended.iter().map(ToString::to_string));
            }
            Reader::Peer(profile) => {
                if let Some((_, before)) = self.told.as_ref().filter(|_| kind == What::Offer) {
                    let changed = description.ask_for_new_associations(before);
                    if !changed.is_empty() {
                        notes.push("another certificate: asked for a new DTLS association".into());
                    }
                }
                let fitted = description.fit_for_peer(profile);
                notes.extend(fitted.iter().map(ToString::to_string));
            }
        }
        self.origin.stamp(&mut description);
        description
    }
}

impl Speech {
    /// Whether the description is an offer or an answer.
    #[must_use]
    pub fn kind(&self) -> What {
        match self {
            Self::Invite(_) | Self::Offer => What::Offer,
            Self::Progress(_) | Self::Answer => What::Answer,
            Self::Accept(kind) => *kind,
        }
    }
}
