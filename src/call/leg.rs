//! The middle's view of one leg: what its peer said, what it was told, what waits to be told.
//!
//! All work on descriptions for a leg is done here, from what the other side said: mending for a
//! browser, fitting for a peer, the `o=` line that belongs to this leg (RFC 3264 §8).

use std::time::{Duration, Instant};

use super::profile::{Gathering, Profile, Reader, Trickles};
use super::signal::{Invite, Opening, Signal};
use super::trickle::{Gathered, gathered};
use crate::id::LegId;
use crate::sdp::{Change, OwnedOrigin, SessionDescription, Slots, Trickle, What, compare};

/// One leg, as the middle knows it.
#[derive(Debug)]
pub struct Leg {
    /// Which leg.
    pub id: LegId,
    /// What its peer can do.
    pub profile: Profile,
    origin: OwnedOrigin,
    said: Option<SessionDescription>,
    told: Option<Told>,
    early: Vec<Trickle>,
    outbox: Outbox,
    slots: Slots,
}

/// A description that a leg was told.
#[derive(Debug)]
struct Told {
    kind: What,
    /// With the call's sections in the call's order.
    description: SessionDescription,
    /// As it was sent: each section at its place of this leg.
    sent: SessionDescription,
}

/// What waits to be told to a leg.
#[derive(Debug)]
enum Outbox {
    /// Nothing.
    Clear,
    /// An offer that the caller has promised and not made.
    Promised(Speech),
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
    /// The invitation, whose offer is the caller's as soon as he has made one.
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
            slots: Slots::default(),
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
        self.told.as_ref().map(|told| &told.description)
    }

    /// The last answer as it was sent to this leg, if an answer was the last thing.
    #[must_use]
    pub fn told_answer(&self) -> Option<&SessionDescription> {
        self.told
            .as_ref()
            .filter(|told| told.kind == What::Answer)
            .map(|told| &told.sent)
    }

    /// What changes with an offer of its peer, against what that said before.
    #[must_use]
    pub fn change(&self, offer: &SessionDescription) -> Option<Change> {
        let offer = self.slots.clone().gather(offer);
        self.said.as_ref().map(|said| compare(said, &offer))
    }

    /// Records what its peer describes now. Candidates of the same ICE generation are inherited:
    /// a re-offer need not repeat what was trickled (RFC 8838 §4). Returns what was said before.
    pub fn hear(&mut self, description: SessionDescription) -> Option<SessionDescription> {
        let mut description = self.slots.gather(&description);
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

    /// Adds a trickled candidate to what the peer said. Returns whether that is new; one that
    /// belongs to no description yet is kept for the next (bounded).
    pub fn gather(&mut self, trickle: Trickle) -> bool {
        let added = self.said.as_mut().map(|said| said.trickle(&trickle));
        match added {
            Some(Ok(is_new)) => is_new,
            Some(Err(_)) | None => {
                if self.early.len() < EARLY_MAX {
                    self.early.push(trickle);
                }
                false
            }
        }
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
            Outbox::Promised(speech) | Outbox::Gathering { speech, .. } => Some(speech),
        }
    }

    /// When waiting must be looked at again.
    #[must_use]
    pub fn wakes_at(&self, source: &Self) -> Option<Instant> {
        match &self.outbox {
            Outbox::Clear | Outbox::Promised(_) => None,
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

    /// Keeps for this leg what it is to be told with the caller's offer, when he makes it.
    pub fn await_offer(&mut self, speech: Speech) {
        self.outbox = Outbox::Promised(speech);
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
        let (speech, since, patience) = match std::mem::replace(&mut self.outbox, Outbox::Clear) {
            Outbox::Gathering {
                speech,
                since,
                patience,
            } => (speech, since, patience),
            other @ (Outbox::Clear | Outbox::Promised(_)) => {
                self.outbox = other;
                return Telling::Later;
            }
        };
        let waited = now.saturating_duration_since(since);
        let ready = match source.said().map(gathered) {
            Some(Gathered::Complete | Gathered::Good) | None => Some(true),
            Some(Gathered::CompleteWithout) => Some(false),
            // It was waited for candidates of this generation before.
            Some(Gathered::Workable) if self.knows_generation_of(source) => Some(true),
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

    /// Whether this leg was told of the same ICE generation before: a hold brings no candidates,
    /// and who never says that there are no more (RFC 8838 §14) is not waited for again.
    fn knows_generation_of(&self, source: &Self) -> bool {
        let (Some(told), Some(said)) = (self.told(), source.said()) else {
            return false;
        };
        let mut live = said.media().filter(|media| !media.is_rejected());
        live.all(|media| {
            let before = told.media_at(media.index());
            let before = before.filter(|before| !before.is_rejected());
            before.is_some_and(|before| before.ice_ufrag() == media.ice_ufrag())
        })
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
            let mut sent = self.slots.spread(&description);
            self.origin.stamp(&mut sent);
            let description = match self.slots.is_plain() {
                true => sent.clone(),
                false => description,
            };
            let told = Told {
                kind,
                description,
                sent: sent.clone(),
            };
            self.told = Some(told);
            sent
        });
        let signal = match (&speech, description) {
            (Speech::Invite(invite), offer) => {
                let mut invite = invite.clone();
                if let Some(offer) = offer {
                    invite.opening = Opening::Offer(offer);
                }
                Signal::Invite(invite)
            }
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
        if let Some(told) = self.told.as_ref().filter(|_| kind == What::Offer)
            && !description.take_mids_of(&told.description).is_empty()
        {
            notes.push("kept the mids of this leg: a mid stays with its section".into());
        }
        if kind == What::Offer
            && let Reader::Peer(profile) = &self.profile.reader
        {
            let keeps = profile.keeps_associations;
            self.renew_associations(&mut description, keeps, notes);
        }
        match &self.profile.reader {
            Reader::Browser => {
                if let Some(told) = &self.told {
                    description.keep_identity_of(&told.description);
                }
                let mended = description.mend_for_browser(kind);
                notes.extend(mended.iter().map(ToString::to_string));
            }
            Reader::Peer(profile) => {
                let fitted = description.fit_for_peer(profile);
                notes.extend(fitted.iter().map(ToString::to_string));
            }
        }
        description
    }

    /// Sees to it that sections with another certificate get a new DTLS association at this peer.
    fn renew_associations(
        &mut self,
        description: &mut SessionDescription,
        keeps: Option<bool>,
        notes: &mut Vec<String>,
    ) {
        let Some(Told {
            description: before,
            ..
        }) = &self.told
        else {
            return;
        };
        // Measured: Asterisk 22 restarts ICE in a section, and its DTLS never.
        let is_asterisk = |said: &SessionDescription| said.session_name() == "Asterisk";
        let keeps = keeps.unwrap_or_else(|| self.said.as_ref().is_some_and(is_asterisk));
        for section in description.new_certificates(before) {
            if keeps {
                self.slots.renew(section, before);
                description.set_fresh_mid(section, &self.slots.retired_mids());
                notes.push(format!(
                    "section {section} has another certificate: a new section for it, since this \
                     peer keeps its DTLS association for as long as a section lives"
                ));
            } else {
                description.ask_for_new_association(section);
                notes.push("another certificate: asked for a new DTLS association".into());
            }
        }
    }

    /// A candidate of the other side as this leg's peer can place it: mids of the two sides may
    /// differ, places do not.
    #[must_use]
    pub fn placed_here(&self, trickle: &Trickle, source: &Self) -> Trickle {
        let place = source.said().and_then(|said| said.resolve(trickle).ok());
        let media = place.and_then(|place| self.told()?.media_at(place));
        media.map_or_else(|| trickle.clone(), |media| trickle.placed(&media))
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
