//! [`Ours`]: an offer of our side inside a session, and what the peer still owes of its answer.

use super::super::action::{Action, Jingle};
use super::super::content::{Content, Senders};
use super::super::info::Info;
use super::super::sdp::{Sections, Step};
use super::{Change, Purpose, Request, Session, Taken, spoken};
use crate::sdp::{Limits, SessionDescription, check_answer};

/// An offer under way.
#[derive(Debug)]
pub(in crate::jingle) struct Ours {
    /// The how manieth of our side it is.
    number: u32,
    /// What our side describes once it is taken.
    pub(super) offer: SessionDescription,
    /// The table of contents before it.
    before: Sections,
    heard_before: Option<SessionDescription>,
    /// Requests without a result.
    results: usize,
    /// Contents that were added and neither accepted nor rejected.
    added: Vec<String>,
    restart: Restart,
    /// Candidates of a restart, to be sent once the peer has taken the new credentials.
    later: Vec<Request>,
}

/// Whether the peer owes new credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restart {
    /// It does not: ours are those of before, or its own have come.
    Done,
    /// It does.
    Owed,
}

/// Most messages with candidates that wait for a restart to be taken.
const LATER_MAX: usize = 64;

/// What has become of an offer of ours.
#[derive(Debug)]
pub(in crate::jingle) enum Progress {
    /// The peer owes more.
    Waits,
    /// It has taken it: its answer.
    Answered(SessionDescription),
    /// It has not: the session is what it was.
    Refused,
    /// Nothing would be left of the session.
    Nothing,
}

impl Session {
    /// Offers a change to the peer.
    pub(in crate::jingle) fn offer(
        &mut self,
        sid: &str,
        offer: SessionDescription,
        limits: &Limits,
    ) -> (Taken, Progress) {
        let mut taken = Taken::default();
        let Some(told) = self.told.clone() else {
            return (taken, Progress::Refused);
        };
        let before = self.sections.clone();
        let changes = self.sections.changes(&told, &offer, self.role, &self.peer);
        taken.lost = changes.lost;
        if self.sections.live() == 0 {
            self.sections = before;
            return (taken, Progress::Nothing);
        }
        self.offers = self.offers.wrapping_add(1);
        let mut ours = Ours {
            number: self.offers,
            before,
            heard_before: self.heard.clone(),
            results: 0,
            added: Vec::new(),
            restart: match restarts(&told, &offer) {
                true => Restart::Owed,
                false => Restart::Done,
            },
            later: Vec::new(),
            offer,
        };
        for step in changes.steps {
            let purpose = ours.expect(&step);
            let groups = match step {
                Step::Add(_) | Step::Accept(_) => changes.groups.clone(),
                _ => Vec::new(),
            };
            let contents = step.contents().to_vec();
            let request = (spoken(step.action(), sid, contents, groups), purpose);
            match step {
                Step::Candidates(_) if ours.is_restarting() => ours.later.push(request),
                _ => taken.requests.push(request),
            }
        }
        taken.requests.extend(held(sid, &told, &ours.offer));
        self.change = Change::Ours(Box::new(ours));
        let progress = self.progress(limits);
        (taken, progress)
    }

    /// A request of the offer was answered.
    pub(in crate::jingle) fn change_answered(
        &mut self,
        number: u32,
        is_taken: bool,
        limits: &Limits,
    ) -> (Taken, Progress) {
        let mut taken = Taken::default();
        let ours = match &mut self.change {
            Change::Ours(ours) if ours.number == number => ours,
            // Of an offer that was taken back.
            Change::Ours(_) | Change::Theirs(_) | Change::Stable => {
                return (taken, Progress::Waits);
            }
        };
        if !is_taken {
            return (taken, self.take_back());
        }
        ours.results = ours.results.saturating_sub(1);
        if !ours.is_restarting() {
            taken.requests = std::mem::take(&mut ours.later);
        }
        (taken, self.progress(limits))
    }

    /// The content-add of the offer of this number was refused: as a content-reject, and the rest
    /// of the offer may be taken.
    pub(in crate::jingle) fn add_refused(
        &mut self,
        sid: &str,
        number: u32,
        limits: &Limits,
    ) -> Progress {
        let ours = match &mut self.change {
            Change::Ours(ours) if ours.number == number => ours,
            Change::Ours(_) | Change::Theirs(_) | Change::Stable => return Progress::Waits,
        };
        ours.results = ours.results.saturating_sub(1);
        let named = |name: &String| Content::named(self.role, name);
        let contents = ours.added.iter().map(named).collect();
        let reject = spoken(Action::ContentReject, sid, contents, Vec::new());
        match self.offer_heard(&reject, limits) {
            Some((_, progress)) => progress,
            None => self.take_back(),
        }
    }

    /// The peer's content-accept, content-reject or restart, where it belongs to the offer; `None`
    /// where it does not.
    pub(in crate::jingle) fn offer_heard(
        &mut self,
        jingle: &Jingle,
        limits: &Limits,
    ) -> Option<(Taken, Progress)> {
        let Change::Ours(ours) = &mut self.change else {
            return None;
        };
        let names = || jingle.contents.iter().map(|content| &content.name);
        let heard = self.heard.as_ref()?;
        match &jingle.action {
            Action::ContentAccept | Action::ContentReject => {
                if !names().all(|name| ours.added.contains(name)) {
                    return None;
                }
            }
            Action::TransportInfo => {
                // Before our own is acknowledged, one of the peer's has crossed it: a tie.
                let is_answer = ours.restart == Restart::Owed && ours.results == 0;
                if !is_answer || !self.sections.is_restart(jingle, heard) {
                    return None;
                }
            }
            _ => return None,
        }
        let author = self.role.other();
        let applied = self
            .sections
            .apply(heard, jingle, author, &self.peer, limits);
        let Ok(applied) = applied else { return None };
        self.heard = Some(applied.description);
        ours.added
            .retain(|added| !jingle.contents.iter().any(|one| one.name == *added));
        if jingle.action == Action::TransportInfo {
            ours.restart = Restart::Done;
        }
        let taken = Taken {
            lost: applied.lost,
            ..Taken::default()
        };
        Some((taken, self.progress(limits)))
    }

    /// The session is what it was before the offer.
    pub(in crate::jingle) fn take_back(&mut self) -> Progress {
        match std::mem::take(&mut self.change) {
            Change::Ours(ours) => {
                self.sections = ours.before;
                self.heard = ours.heard_before;
                Progress::Refused
            }
            other => {
                self.change = other;
                Progress::Waits
            }
        }
    }

    /// Our side takes an offer back that the peer has taken, or will: the session is what it was,
    /// and the peer is told so. Where the offer has ended contents they stay so, by a
    /// content-remove as the peer would have said it. New credentials stand until its own come,
    /// which are another restart then.
    pub(in crate::jingle) fn withdraw(&mut self, sid: &str) -> (Taken, Option<Jingle>) {
        let mut taken = Taken::default();
        let (Change::Ours(ours), Some(told)) = (&self.change, &self.told) else {
            return (taken, None);
        };
        let (mut added, mut modified, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for media in ours.offer.media() {
            let section = media.index();
            let (then, now) = (
                ours.before.content_of(section),
                self.sections.content_of(section),
            );
            let before = told.media_at(section);
            match (then, now) {
                (None, Some(now)) => added.push(Content::named(now.creator, &now.name)),
                (Some(then), None) => removed.push(Content::named(then.creator, &then.name)),
                (Some(then), Some(_)) => {
                    let direction = before.map(|before| before.direction());
                    let turned = direction.filter(|it| *it != media.direction());
                    modified.extend(turned.map(|direction| Content {
                        senders: Some(Senders::of(direction, self.role)),
                        ..Content::named(then.creator, &then.name)
                    }));
                }
                (None, None) => {}
            }
        }
        taken.requests.extend(held(sid, &ours.offer, told));
        for (action, contents) in [
            (Action::ContentRemove, added),
            (Action::ContentModify, modified),
        ] {
            if !contents.is_empty() {
                let jingle = spoken(action, sid, contents, Vec::new());
                taken.requests.push((jingle, Purpose::Beside));
            }
        }
        self.take_back();
        let ended = spoken(Action::ContentRemove, sid, removed, Vec::new());
        (taken, Some(ended).filter(|it| !it.contents.is_empty()))
    }

    /// Whether the answer is complete.
    fn progress(&mut self, limits: &Limits) -> Progress {
        match std::mem::take(&mut self.change) {
            Change::Ours(ours) if ours.is_answered() => {
                let known = self.heard.as_ref().zip(self.told.as_ref());
                let mirrored = |(heard, told)| {
                    let answer = self.sections.mirror(heard, told, &ours.offer, limits);
                    answer.ok()
                };
                let answer = known
                    .and_then(mirrored)
                    .filter(|answer| check_answer(&ours.offer, answer).is_ok());
                let Some(answer) = answer else {
                    self.change = Change::Ours(ours);
                    return self.take_back();
                };
                self.told = Some(ours.offer);
                self.heard = Some(answer.clone());
                Progress::Answered(answer)
            }
            other => {
                self.change = other;
                Progress::Waits
            }
        }
    }
}

impl Ours {
    fn is_answered(&self) -> bool {
        self.results == 0 && self.added.is_empty() && self.restart == Restart::Done
    }

    /// Whether the peer may not know the new credentials yet. To Conversations those that come with
    /// a candidate are the answer to a restart, so that candidates wait until it does.
    pub(super) fn is_restarting(&self) -> bool {
        self.restart == Restart::Owed && self.results > 0
    }

    pub(super) fn wait(&mut self, requests: Vec<Request>) {
        let room = LATER_MAX.saturating_sub(self.later.len());
        self.later.extend(requests.into_iter().take(room));
    }

    /// Remembers what a step makes the peer owe.
    fn expect(&mut self, step: &Step) -> Purpose {
        let purpose = match step {
            Step::Add(contents) => {
                let names = contents
                    .iter()
                    .map(|content: &Content| content.name.clone());
                self.added.extend(names);
                Purpose::Add(self.number)
            }
            Step::Remove(_) | Step::Modify(_) | Step::Restart(_) => Purpose::Change(self.number),
            Step::Describe(_) | Step::Candidates(_) | Step::Accept(_) | Step::Reject(_) => {
                return Purpose::Beside;
            }
        };
        self.results += 1;
        purpose
    }
}

/// Whether an offer has other ICE credentials in a section that goes on.
fn restarts(told: &SessionDescription, offer: &SessionDescription) -> bool {
    offer.media().any(|media| {
        let before = told.media_at(media.index()).and_then(|media| {
            let ice = media.ice()?;
            Some((ice.ufrag.to_owned(), ice.pwd.to_owned()))
        });
        let now = media.ice();
        let now = now.map(|ice| (ice.ufrag.to_owned(), ice.pwd.to_owned()));
        let is_live = !media.is_rejected();
        is_live && before.is_some() && now.is_some() && before != now
    })
}

/// Says beside the directions that the peer is held, or no longer is (XEP-0167 §8): a client shows
/// it.
fn held(sid: &str, told: &SessionDescription, offer: &SessionDescription) -> Option<Request> {
    let is_held = |sdp: &SessionDescription| {
        let mut live = sdp.media().filter(|media| !media.is_rejected()).peekable();
        live.peek().is_some() && live.all(|media| media.direction().is_held_by_sender())
    };
    let info = match (is_held(told), is_held(offer)) {
        (false, true) => Info::Hold,
        (true, false) => Info::Unhold,
        (true, true) | (false, false) => return None,
    };
    let jingle = Jingle {
        info: vec![info],
        ..Jingle::new(Action::SessionInfo, sid)
    };
    Some((jingle, Purpose::Beside))
}
