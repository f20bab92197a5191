//! [`Theirs`]: a change that the peer wants, while the other side of the call is asked.

use minidom::Element;

use super::super::action::{Action, Jingle};
use super::super::content::{Content, Role, Senders};
use super::super::error::MapError;
use super::super::info::Info;
use super::super::sdp::{Sections, Step};
use super::{Change, Purpose, Session, Taken, spoken};
use crate::sdp::{Limits, SessionDescription};

/// A change of the peer.
#[derive(Debug)]
pub(in crate::jingle) struct Theirs {
    /// What the peer describes once it is taken.
    pub(super) offer: SessionDescription,
    before: Sections,
    /// The request, not answered yet; none where the other side asked for the offer.
    pub(super) request: Option<Element>,
    /// Contents that it adds.
    added: Vec<Content>,
}

/// What a message of the peer is to the session.
#[derive(Debug)]
pub(in crate::jingle) enum Wish {
    /// It offers this.
    Offer(SessionDescription),
    /// It changes nothing that a description says.
    Nothing,
    /// Nothing would be left.
    End,
}

impl Session {
    /// Takes a message of the peer that changes the session. Its request is answered by
    /// [`Session::answer`] or [`Session::refuse`] where it is an offer.
    ///
    /// # Errors
    /// [`MapError`]: the session is as it was.
    pub(in crate::jingle) fn wish(
        &mut self,
        jingle: &Jingle,
        request: Option<&Element>,
        limits: &Limits,
    ) -> Result<(Wish, Taken), MapError> {
        let mut taken = Taken::default();
        let Some(heard) = self.heard.clone() else {
            return Err(MapError::NothingToDescribe);
        };
        let before = self.sections.clone();
        let author = self.role.other();
        let applied = self
            .sections
            .apply(&heard, jingle, author, &self.peer, limits)?;
        taken.lost = applied.lost;
        if self.sections.live() == 0 {
            return Ok((Wish::End, taken));
        }
        if applied.description == heard {
            return Ok((Wish::Nothing, taken));
        }
        let added = match jingle.action {
            Action::ContentAdd => jingle.contents.clone(),
            _ => Vec::new(),
        };
        let mut offer = applied.description;
        offer.offer_both_roles(&heard);
        self.change = Change::Theirs(Box::new(Theirs {
            offer: offer.clone(),
            before,
            request: request.cloned(),
            added,
        }));
        Ok((Wish::Offer(offer), taken))
    }

    /// The other side asks the peer for an offer (RFC 3261 §14.1): what it describes now.
    pub(in crate::jingle) fn wanted(&mut self) -> Option<SessionDescription> {
        let heard = self.heard.as_ref()?;
        let mut offer = heard.clone();
        offer.offer_both_roles(heard);
        self.change = Change::Theirs(Box::new(Theirs {
            offer: offer.clone(),
            before: self.sections.clone(),
            request: None,
            added: Vec::new(),
        }));
        Some(offer)
    }

    /// The other side takes the change. Returns the request that is to be answered by a result
    /// first, and what is to be sent then; `None` where the peer wants nothing.
    pub(in crate::jingle) fn answer(
        &mut self,
        sid: &str,
        answer: SessionDescription,
    ) -> Option<(Option<Element>, Taken)> {
        let Change::Theirs(theirs) = std::mem::take(&mut self.change) else {
            return None;
        };
        let mut taken = Taken::default();
        let told = self.told.take().unwrap_or_else(|| answer.clone());
        let changes = self
            .sections
            .answers(&told, &theirs.offer, &answer, self.role, &self.peer);
        taken.lost = changes.lost;
        for step in answering(changes.steps) {
            let groups = match step {
                Step::Accept(_) | Step::Add(_) => changes.groups.clone(),
                _ => Vec::new(),
            };
            let contents = step.contents().to_vec();
            let jingle = spoken(step.action(), sid, contents, groups);
            taken.requests.push((jingle, Purpose::Beside));
        }
        self.told = Some(answer);
        self.heard = Some(theirs.offer);
        Some((theirs.request, taken))
    }

    /// The other side does not take it. Returns the request, and the content-reject that is to be
    /// sent behind its result where it was one to add.
    pub(in crate::jingle) fn refuse(
        &mut self,
        sid: &str,
    ) -> Option<(Option<Element>, Option<Jingle>)> {
        match std::mem::take(&mut self.change) {
            Change::Theirs(theirs) => {
                self.sections = theirs.before;
                let added = theirs.added.iter();
                let contents: Vec<Content> = added
                    .map(|content| Content::named(content.creator, &content.name))
                    .collect();
                let reject = (!contents.is_empty())
                    .then(|| spoken(Action::ContentReject, sid, contents, Vec::new()));
                Some((theirs.request, reject))
            }
            other => {
                self.change = other;
                None
            }
        }
    }

    /// What `hold` and its relatives ask for, as the content-modify that says the same: on hold
    /// the peer alone sends, and behind it both do again.
    pub(in crate::jingle) fn held(&self, jingle: &Jingle) -> Option<Jingle> {
        let peer = match self.role {
            Role::Initiator => Senders::Responder,
            Role::Responder => Senders::Initiator,
        };
        let senders = jingle.info.iter().find_map(|info| match info {
            Info::Hold => Some(peer),
            Info::Unhold | Info::Active => Some(Senders::Both),
            Info::Ringing | Info::Mute(_) | Info::Unmute(_) | Info::Other(..) => None,
        })?;
        let heard = self.heard.as_ref()?;
        // While a change of the peer's waits it is not known what there will be to change.
        let is_open = matches!(self.change, Change::Theirs(_));
        let held = |section: usize| {
            let media = heard.media_at(section)?;
            let now = Senders::of(media.direction(), self.role.other());
            // A content in which nobody was to send says nothing of a hold.
            let is_ours_to_change = now != Senders::None && (is_open || now != senders);
            let named = self.sections.content_of(section)?;
            is_ours_to_change.then(|| Content {
                senders: Some(senders),
                ..Content::named(named.creator, &named.name)
            })
        };
        let contents: Vec<Content> = (0..heard.media_count()).filter_map(held).collect();
        let modify = spoken(Action::ContentModify, &jingle.sid, contents, Vec::new());
        Some(modify).filter(|modify| !modify.contents.is_empty())
    }
}

/// New credentials without a candidate are an offer to Conversations, and with one an answer: those
/// of an answer go with the first candidates, now or when there are any. A new certificate goes
/// with them, or by itself.
fn answering(steps: Vec<Step>) -> Vec<Step> {
    let mut certified: Vec<Content> = Vec::new();
    let mut rest = Vec::new();
    for step in steps {
        match step {
            Step::Restart(contents) => certified.extend(contents.into_iter().filter(has_print)),
            other => rest.push(other),
        }
    }
    for step in &mut rest {
        if let Step::Candidates(contents) = step {
            for content in contents {
                let found = certified.iter().position(|one| one.name == content.name);
                if let Some(place) = found {
                    content.absorb(&certified.remove(place));
                }
            }
        }
    }
    if !certified.is_empty() {
        rest.push(Step::Restart(certified));
    }
    rest
}

fn has_print(content: &Content) -> bool {
    content
        .ice()
        .is_some_and(|ice| !ice.fingerprints.is_empty())
}
