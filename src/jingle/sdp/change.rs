//! [`Changes`]: what a new offer or answer of our side changes, as actions of Jingle.
//!
//! ```text
//!   a section is new, or used again       content-add      or, in an answer,  content-accept
//!   a section has port 0                  content-remove                      content-reject
//!   another direction                     content-modify
//!   other ICE credentials                 transport-info, without candidates
//!   other codecs or parameters            description-info
//!   more candidates                       transport-info
//! ```

use super::super::action::Action;
use super::super::content::{Application, Content, Role, Senders, Transport};
use super::super::group::Group;
use super::super::ice_udp::{Candidate, IceUdp};
use super::super::loss::Lost;
use super::sections::{Named, Sections, is_live};
use super::{Peer, tell};
use crate::sdp::{Media, SessionDescription, What};

/// One message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Contents that are no more.
    Remove(Vec<Content>),
    /// Contents of the peer that are not taken.
    Reject(Vec<Content>),
    /// Contents of the peer that are taken.
    Accept(Vec<Content>),
    /// New contents.
    Add(Vec<Content>),
    /// Contents with other senders.
    Modify(Vec<Content>),
    /// Contents with other credentials, another certificate, or both.
    Restart(Vec<Content>),
    /// Contents with another description.
    Describe(Vec<Content>),
    /// Contents with more candidates.
    Candidates(Vec<Content>),
}

/// The messages that tell a change, in the order they are to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The messages. Where [`Sections::live`] is 0 behind them, the session is to be terminated
    /// instead (XEP-0166 §7.2.5).
    pub steps: Vec<Step>,
    /// The groups, for those that add or accept.
    pub groups: Vec<Group>,
    /// What has no place in them.
    pub lost: Vec<Lost>,
}

impl Step {
    /// The action of the message.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Remove(_) => Action::ContentRemove,
            Self::Reject(_) => Action::ContentReject,
            Self::Accept(_) => Action::ContentAccept,
            Self::Add(_) => Action::ContentAdd,
            Self::Modify(_) => Action::ContentModify,
            Self::Restart(_) | Self::Candidates(_) => Action::TransportInfo,
            Self::Describe(_) => Action::DescriptionInfo,
        }
    }

    /// Its contents.
    #[must_use]
    pub fn contents(&self) -> &[Content] {
        match self {
            Self::Remove(contents)
            | Self::Reject(contents)
            | Self::Accept(contents)
            | Self::Add(contents)
            | Self::Modify(contents)
            | Self::Restart(contents)
            | Self::Describe(contents)
            | Self::Candidates(contents) => contents,
        }
    }
}

/// Contents by what is said of them.
#[derive(Default)]
struct Sorted {
    remove: Vec<Content>,
    reject: Vec<Content>,
    accept: Vec<Content>,
    add: Vec<Content>,
    modify: Vec<Content>,
    restart: Vec<Content>,
    describe: Vec<Content>,
    candidates: Vec<Content>,
}

impl Sorted {
    fn steps(self) -> Vec<Step> {
        let all = [
            Step::Remove(self.remove),
            Step::Reject(self.reject),
            Step::Accept(self.accept),
            Step::Add(self.add),
            Step::Modify(self.modify),
            Step::Restart(self.restart),
            Step::Describe(self.describe),
            Step::Candidates(self.candidates),
        ];
        all.into_iter()
            .filter(|step| !step.contents().is_empty())
            .collect()
    }
}

impl Sections {
    /// What `next`, a new offer of our side, changes of `told`, our side's last description.
    pub fn changes(
        &mut self,
        told: &SessionDescription,
        next: &SessionDescription,
        author: Role,
        peer: &Peer,
    ) -> Changes {
        let (mut sorted, mut lost) = (Sorted::default(), Vec::new());
        for media in next.media() {
            let section = media.index();
            let before = told.media_at(section).filter(is_live);
            let named = self.content_of(section).cloned();
            match (named, is_live(&media)) {
                (Some(named), true) => {
                    let Some(before) = before else { continue };
                    let senders = Senders::of(before.direction(), author);
                    modified(&media, &named, senders, author, &mut sorted);
                    transported(
                        &before,
                        &media,
                        &named,
                        What::Offer,
                        peer,
                        &mut sorted,
                        &mut lost,
                    );
                    described(&before, &media, &named, author, &mut sorted, &mut lost);
                }
                (Some(named), false) => {
                    self.end(section);
                    sorted
                        .remove
                        .push(Content::named(named.creator, &named.name));
                }
                (None, true) => {
                    self.follow(&media, author);
                    if let Some(named) = self.content_of(section) {
                        let what = What::Offer;
                        let content = tell::whole(&media, named, author, what, peer, &mut lost);
                        sorted.add.push(content);
                    }
                }
                (None, false) => {
                    self.follow(&media, author);
                    tell::refused(&media, &mut lost);
                }
            }
        }
        self.changed(sorted, next, lost)
    }

    /// What `answer`, of our side, says to `offer`, of the peer. `told` is our side's description
    /// before it. Senders are told only where the answer leaves others than the offer has.
    pub fn answers(
        &mut self,
        told: &SessionDescription,
        offer: &SessionDescription,
        answer: &SessionDescription,
        author: Role,
        peer: &Peer,
    ) -> Changes {
        let (mut sorted, mut lost) = (Sorted::default(), Vec::new());
        for (theirs, ours) in offer.media().zip(answer.media()) {
            let section = ours.index();
            let before = told.media_at(section).filter(is_live);
            let Some(named) = self.content_of(section).cloned() else {
                continue;
            };
            self.follow(&ours, author);
            let what = What::Answer;
            match (before, is_live(&ours)) {
                (None, true) => {
                    let content = tell::whole(&ours, &named, author, what, peer, &mut lost);
                    sorted.accept.push(content);
                }
                (None, false) => {
                    self.end(section);
                    sorted
                        .reject
                        .push(Content::named(named.creator, &named.name));
                }
                (Some(_), false) => {
                    self.end(section);
                    if is_live(&theirs) {
                        sorted
                            .remove
                            .push(Content::named(named.creator, &named.name));
                    }
                }
                (Some(before), true) => {
                    let senders = Senders::of(theirs.direction(), author.other());
                    modified(&ours, &named, senders, author, &mut sorted);
                    transported(&before, &ours, &named, what, peer, &mut sorted, &mut lost);
                }
            }
        }
        self.changed(sorted, answer, lost)
    }

    fn changed(&self, sorted: Sorted, next: &SessionDescription, lost: Vec<Lost>) -> Changes {
        let mut unknown = Vec::new();
        let grows = !sorted.add.is_empty() || !sorted.accept.is_empty();
        Changes {
            groups: match grows {
                true => self.groups(next, &mut unknown),
                false => Vec::new(),
            },
            steps: sorted.steps(),
            lost: lost.into_iter().chain(unknown).collect(),
        }
    }
}

/// Says who sends, where it is not what held before.
fn modified(media: &Media<'_>, named: &Named, before: Senders, author: Role, sorted: &mut Sorted) {
    let senders = Senders::of(media.direction(), author);
    if senders != before {
        sorted.modify.push(Content {
            senders: Some(senders),
            ..Content::named(named.creator, &named.name)
        });
    }
}

/// Says what is new of the transport: other credentials without candidates, then the candidates.
fn transported(
    before: &Media<'_>,
    media: &Media<'_>,
    named: &Named,
    what: What,
    peer: &Peer,
    sorted: &mut Sorted,
    lost: &mut Vec<Lost>,
) {
    let mut unseen = Vec::new();
    let old = tell::transport(before, named, what, peer, &mut unseen);
    let mut new = tell::transport(media, named, what, peer, lost);
    let restarts = (&old.ufrag, &old.pwd) != (&new.ufrag, &new.pwd);
    let digests = |transport: &IceUdp| -> Vec<String> {
        let prints = transport.fingerprints.iter();
        prints.map(|print| print.digest.clone()).collect()
    };
    let certified = digests(&old) != digests(&new);
    let content = |transport: IceUdp| Content {
        transport: Some(Transport::IceUdp(Box::new(transport))),
        ..Content::named(named.creator, &named.name)
    };
    if !certified {
        new.fingerprints.clear();
    }
    if restarts || certified {
        let candidates = std::mem::take(&mut new.candidates);
        sorted.restart.push(content(new.clone()));
        new.candidates = candidates;
    }
    if !restarts {
        // The id has the user name in it where the candidate has, and the same one may not have
        // had it before.
        let nameless = |one: &Candidate| Candidate {
            id: None,
            ..one.clone()
        };
        let known: Vec<Candidate> = old.candidates.iter().map(nameless).collect();
        new.candidates
            .retain(|candidate| !known.contains(&nameless(candidate)));
    }
    new.fingerprints.clear();
    if !new.candidates.is_empty() {
        sorted.candidates.push(content(new));
    }
}

fn described(
    before: &Media<'_>,
    media: &Media<'_>,
    named: &Named,
    author: Role,
    sorted: &mut Sorted,
    lost: &mut Vec<Lost>,
) {
    let mut unseen = Vec::new();
    let old = tell::describe(before, author, &mut unseen);
    let new = tell::describe(media, author, lost);
    // What is new the peer cannot answer to, and does not need to know: only what it may send by
    // what it was told is said again.
    let differs = old.payload_types.iter().any(|one| {
        let same = new.payload_types.iter().find(|other| other.id == one.id);
        same != Some(one)
    });
    if differs {
        sorted.describe.push(Content {
            application: Some(Application::Rtp(Box::new(new))),
            ..Content::named(named.creator, &named.name)
        });
    }
}
