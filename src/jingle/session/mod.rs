//! [`Session`]: what both ends have described, and the change of it that is under way.
//!
//! ```text
//!                  Offer told: content-add, -modify, -remove, transport-info …
//!        Stable ─────────────────────────────────────────────────────────────▶ Ours
//!         │  ▲ ◀── all of it answered: results, content-accept, the peer's own restart ──┘
//!         │  └──── Answer, Refuse told: the request is answered, then content-accept … ──┐
//!         └────────────────────────────────────────────────────────────────▶ Theirs
//!                  content-add, -modify, -remove, a restart, hold: Offer said
//! ```
//!
//! SDP offers all and answers all; Jingle changes one thing at a time, and takes some by a result
//! alone. `ours.rs` and `theirs.rs` each make one of the other. A request of the peer that offers
//! is answered when the other side of the call has spoken, so that glare there (RFC 3261 §14.1) is
//! a tie-break here (XEP-0166 §7.2.16). One that crosses an offer of our side waits until the peer
//! has answered that: whether it is a tie, only the peer knows, who may take both.

mod ours;
mod theirs;

use minidom::Element;

use self::ours::Ours;
pub(super) use self::ours::Progress;
use self::theirs::Theirs;
pub(super) use self::theirs::Wish;
use super::action::{Action, Jingle};
use super::content::{Content, Role};
use super::error::MapError;
use super::group::Group;
use super::loss::Lost;
use super::sdp::{Peer, Sections};
use crate::sdp::{AnswerFault, Limits, SessionDescription, Trickle, What, check_answer};

/// What both ends have described.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) sections: Sections,
    /// Of our end. Fixed for the session's life.
    pub(super) role: Role,
    pub(super) peer: Peer,
    /// The last description of our side: what the peer knows.
    pub(super) told: Option<SessionDescription>,
    /// The last description of the peer.
    pub(super) heard: Option<SessionDescription>,
    /// What transport-infos said before the session was accepted.
    early: Vec<Content>,
    pub(super) change: Change,
    /// A request of the peer that has crossed an offer of our side.
    crossed: Option<(Jingle, Element)>,
    /// Offers of our side so far.
    offers: u32,
}

/// The change that is under way.
#[derive(Debug, Default)]
pub(super) enum Change {
    /// None.
    #[default]
    Stable,
    /// Our side has offered; the peer's words are collected.
    Ours(Box<Ours>),
    /// The peer has offered; the other side of the call is asked.
    Theirs(Box<Theirs>),
}

/// What a request of ours is for; what comes of it comes back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The session-initiate.
    Initiate,
    /// The session-accept.
    Accept,
    /// A part of an offer of ours: the how manieth it is.
    Change(u32),
    /// The content-add of an offer of ours, likewise.
    Add(u32),
    /// Candidates, information, a part of an answer: refused, it changes nothing.
    Beside,
    /// The session-terminate.
    Terminate,
}

impl Purpose {
    /// As a trace calls it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Initiate => "the session-initiate",
            Self::Accept => "the session-accept",
            Self::Change(_) => "the change of the session",
            Self::Add(_) => "the content-add",
            Self::Beside => "a request inside the session",
            Self::Terminate => "the session-terminate",
        }
    }
}

/// A request that is to be sent: what it says, and what for.
pub(super) type Request = (Jingle, Purpose);

/// What came of taking something of the peer.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Requests that are to be sent.
    pub(super) requests: Vec<Request>,
    /// What has no place on the other side.
    pub(super) lost: Vec<Lost>,
}

/// Why an acceptance is none.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum NotAnswered {
    /// It describes nothing that can be used.
    #[error("{0}")]
    Map(#[from] MapError),
    /// It does not answer what was offered.
    #[error("{0}")]
    Answer(#[from] AnswerFault),
}

/// Most contents that are kept before the session is accepted.
const EARLY_MAX: usize = 64;

impl Session {
    /// A session in which nobody has described anything.
    pub(super) fn new(role: Role, peer: Peer) -> Self {
        Self {
            sections: Sections::default(),
            role,
            peer,
            told: None,
            heard: None,
            early: Vec::new(),
            change: Change::Stable,
            crossed: None,
            offers: 0,
        }
    }

    // --- the beginning ---

    /// Our offer as a session-initiate; `None` where nothing of it can be a content.
    pub(super) fn initiate(
        &mut self,
        sid: &str,
        offer: SessionDescription,
    ) -> (Option<Jingle>, Vec<Lost>) {
        let told = self
            .sections
            .tell(&offer, self.role, What::Offer, &self.peer);
        self.told = Some(offer);
        let jingle = spoken(Action::SessionInitiate, sid, told.contents, told.groups);
        (Some(jingle).filter(|it| !it.contents.is_empty()), told.lost)
    }

    /// The peer's session-initiate as an offer.
    ///
    /// # Errors
    /// [`MapError`].
    pub(super) fn initiated(
        &mut self,
        jingle: &Jingle,
        limits: &Limits,
    ) -> Result<(SessionDescription, Vec<Lost>), MapError> {
        let heard =
            self.sections
                .hear(jingle, self.role.other(), What::Offer, &self.peer, limits)?;
        self.heard = Some(heard.description.clone());
        Ok((heard.description, heard.lost))
    }

    /// Our answer as a session-accept; `None` where it takes nothing of what was offered.
    pub(super) fn accept(
        &mut self,
        sid: &str,
        answer: SessionDescription,
    ) -> (Option<Jingle>, Vec<Lost>) {
        let told = self
            .sections
            .tell(&answer, self.role, What::Answer, &self.peer);
        self.told = Some(answer);
        let jingle = spoken(Action::SessionAccept, sid, told.contents, told.groups);
        (Some(jingle).filter(|it| !it.contents.is_empty()), told.lost)
    }

    /// The peer's session-accept as an answer, with what it said of transports before.
    ///
    /// # Errors
    /// [`NotAnswered`].
    pub(super) fn accepted(
        &mut self,
        jingle: &mut Jingle,
        limits: &Limits,
    ) -> Result<(SessionDescription, Vec<Lost>), NotAnswered> {
        jingle.absorb(&std::mem::take(&mut self.early));
        let heard =
            self.sections
                .hear(jingle, self.role.other(), What::Answer, &self.peer, limits)?;
        if let Some(told) = &self.told {
            check_answer(told, &heard.description)?;
        }
        self.heard = Some(heard.description.clone());
        Ok((heard.description, heard.lost))
    }

    // --- candidates ---

    /// Candidates of our side as one transport-info, those of a content together.
    pub(super) fn candidates(&mut self, sid: &str, trickles: &[Trickle]) -> Taken {
        let mut taken = Taken::default();
        let Some(local) = self.local() else {
            return taken;
        };
        let mut contents: Vec<Content> = Vec::new();
        for trickle in trickles {
            let told = self
                .sections
                .tell_candidate(local, trickle, &self.peer, &mut taken.lost);
            let Some(content) = told else { continue };
            match contents.iter_mut().find(|one| one.name == content.name) {
                Some(there) => there.join_candidates(&content),
                None => contents.push(content),
            }
        }
        // So that an offer which brings them again tells none twice.
        let local = match &mut self.change {
            Change::Ours(ours) => Some(&mut ours.offer),
            Change::Stable | Change::Theirs(_) => self.told.as_mut(),
        };
        if let Some(local) = local {
            for trickle in trickles {
                // One of a generation that is over belongs nowhere.
                let _ = local.trickle(trickle);
            }
        }
        if !contents.is_empty() {
            let jingle = spoken(Action::TransportInfo, sid, contents, Vec::new());
            taken.requests.push((jingle, Purpose::Beside));
        }
        if let Change::Ours(ours) = &mut self.change
            && ours.is_restarting()
        {
            ours.wait(std::mem::take(&mut taken.requests));
        }
        taken
    }

    /// A transport-info before the session is accepted: it waits for the acceptance, what is of one
    /// content and generation together.
    pub(super) fn keep_early(&mut self, jingle: Jingle) {
        let ufrag = |content: &Content| content.ice().and_then(|ice| ice.ufrag.clone());
        for content in jingle.contents {
            let is_same = |one: &Content| one.name == content.name && ufrag(one) == ufrag(&content);
            match self.early.iter().position(is_same) {
                Some(place) => self.early[place].absorb(&content),
                None if self.early.len() < EARLY_MAX => self.early.push(content),
                None => {} // No session has so many contents.
            }
        }
    }

    /// Whether a transport-info of the peer changes more than candidates: other credentials, or a
    /// fingerprint.
    pub(super) fn is_change(&self, jingle: &Jingle) -> bool {
        let certified = |content: &Content| {
            let ice = content.ice();
            ice.is_some_and(|ice| !ice.fingerprints.is_empty())
        };
        let restarts = |heard| self.sections.is_restart(jingle, heard);
        self.remote().is_some_and(restarts) || jingle.contents.iter().any(certified)
    }

    /// The peer's description as it will be, a change of its own under way included.
    pub(super) fn remote(&self) -> Option<&SessionDescription> {
        match &self.change {
            Change::Theirs(theirs) => Some(&theirs.offer),
            Change::Stable | Change::Ours(_) => self.heard.as_ref(),
        }
    }

    /// Our side's description as it will be, an offer under way included.
    fn local(&self) -> Option<&SessionDescription> {
        match &self.change {
            Change::Ours(ours) => Some(&ours.offer),
            Change::Stable | Change::Theirs(_) => self.told.as_ref(),
        }
    }

    /// Whether the call's other side may offer now.
    pub(super) fn is_stable(&self) -> bool {
        matches!(self.change, Change::Stable)
    }

    /// Keeps a request of the peer that has crossed an offer of our side. `false` where one waits
    /// already.
    pub(super) fn put_off(&mut self, jingle: &Jingle, request: &Element) -> bool {
        let is_first = self.crossed.is_none();
        if is_first {
            self.crossed = Some((jingle.clone(), request.clone()));
        }
        is_first
    }

    /// The request that has crossed an offer of our side, once that is done with.
    pub(super) fn crossed(&mut self) -> Option<(Jingle, Element)> {
        self.crossed
            .take_if(|_| matches!(self.change, Change::Stable))
    }

    /// The requests of the peer that still wait, when the session ends.
    pub(super) fn unanswered(&mut self) -> Vec<Element> {
        let theirs = match std::mem::take(&mut self.change) {
            Change::Theirs(theirs) => theirs.request,
            Change::Stable | Change::Ours(_) => None,
        };
        let crossed = self.crossed.take().map(|(_, request)| request);
        theirs.into_iter().chain(crossed).collect()
    }
}

/// A message of a session.
pub(super) fn spoken(
    action: Action,
    sid: &str,
    contents: Vec<Content>,
    groups: Vec<Group>,
) -> Jingle {
    Jingle {
        contents,
        groups,
        ..Jingle::new(action, sid)
    }
}
