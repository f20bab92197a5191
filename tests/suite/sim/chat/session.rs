//! One session of a device: what its person does, and what is answered at once.

use minidom::Element;

use super::super::complaint::Oracle;
use super::super::network::Dice;
use super::media::{Media, Role};
use crate::xml::content::{Content, Read, bundle, contents};
use crate::xml::{self, INFO};

/// What a session is to its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum State {
    /// It calls, and nobody has taken the call.
    Proposed,
    /// It has offered.
    Initiated,
    /// It is called.
    Rung,
    /// It has taken the call; the offer is due.
    Proceeded,
    /// It is offered a session.
    Offered,
    Up,
    Over,
}

/// A change of its own that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Initiate,
    Accept,
    Terminate,
    /// A content, and who is to send.
    Modify(String, String),
    /// Who is to send in all contents in which somebody does.
    Hold(String),
    Add(String),
    Remove(String),
    Restart,
    /// What changes nothing when it is refused.
    Beside,
}

/// How far a change of its own has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// The request is not answered.
    Asked(What),
    /// It is, and the other end still owes an acceptance or its own credentials.
    Owed(What),
}

/// What a person still has to do about a change of the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Due {
    /// To accept a content, or not.
    Content(String),
    /// To answer new credentials by new ones.
    Restart,
}

/// What is to be sent.
pub(super) enum Said {
    Word(&'static str, String),
    Request(&'static str, String, What),
    Answer(String),
}

/// One session.
pub(in crate::sim) struct Session {
    pub(in crate::sim) state: State,
    /// The other end.
    pub(super) peer: String,
    pub(super) media: Media,
    /// Whether it began with a proposal.
    proposed: bool,
    change: Option<Change>,
    owes: Vec<Due>,
    acts: u32,
    /// Acts until it hangs up.
    patience: u32,
    /// Whether its person hung up.
    pub(super) left: bool,
    /// How often the other end has ended it.
    ended: u32,
    has_rung: bool,
    /// Candidates that were sent while nothing was being changed: the text, the act.
    sent: Vec<(String, u32)>,
    pub(super) due: Vec<String>,
    pub(super) wrong: Vec<(Oracle, String)>,
}

impl Session {
    pub(super) fn new(
        state: State,
        peer: &str,
        media: Media,
        proposed: bool,
        dice: &mut Dice,
    ) -> Self {
        Self {
            state,
            peer: peer.to_owned(),
            media,
            proposed,
            change: None,
            owes: Vec::new(),
            acts: 0,
            patience: [10, 50][dice.below(6) as usize / 5],
            left: false,
            ended: 0,
            has_rung: false,
            sent: Vec::new(),
            due: Vec::new(),
            wrong: Vec::new(),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.change.is_none() && self.owes.is_empty()
    }

    /// The session-initiate.
    pub(super) fn initiates(&mut self) -> Said {
        self.state = State::Initiated;
        self.media.adds("0", Role::Initiator, "audio", "both");
        let contents = [self.media.described("0", &[4000])];
        let inside = bundle(&contents) + &contents[0].write();
        Said::Request("session-initiate", inside, What::Initiate)
    }

    fn request(action: &'static str, contents: &[Content], what: What) -> Said {
        let inside = contents.iter().map(Content::write).collect();
        Said::Request(action, inside, what)
    }

    fn trickle(&self, port: u64) -> Said {
        let name = self
            .media
            .contents
            .keys()
            .next()
            .cloned()
            .unwrap_or_default();
        let content = Content {
            ice: Some(self.media.ice(false, &[port])),
            ..self.media.named(&name)
        };
        Self::request("transport-info", &[content], What::Beside)
    }

    // --- what a person does ---

    pub(super) fn acts(&mut self, number: u64, dice: &mut Dice) -> Vec<Said> {
        self.acts += 1;
        let acts = self.acts;
        if self.state == State::Up {
            // Five acts later it must be there.
            let old = self.sent.iter().filter(|(_, act)| act + 5 < acts);
            self.due.extend(old.map(|(text, _)| text.clone()));
        }
        self.sent.retain(|(_, act)| act + 5 >= acts);
        let tired = acts > self.patience;
        match (self.state, dice.below(100)) {
            (State::Over, _) => Vec::new(),
            (State::Proposed, dice) if dice < 8 || tired => {
                self.leaves();
                vec![Said::Word("retract", xml::reason("cancel"))]
            }
            (State::Proposed, _) => Vec::new(),
            (State::Initiated, dice) if dice < 8 || tired => self.terminates("cancel"),
            (State::Initiated, 8..40) => vec![self.trickle(5000 + number)],
            (State::Initiated, _) => Vec::new(),
            // A retraction that was lost with its stream.
            (State::Rung | State::Proceeded, _) if acts > 40 => {
                self.state = State::Over;
                Vec::new()
            }
            (State::Rung, 0..30) if !self.has_rung => {
                self.has_rung = true;
                vec![Said::Word("ringing", String::new())]
            }
            (State::Rung, 30..60) => {
                self.state = State::Proceeded;
                vec![Said::Word("proceed", String::new())]
            }
            (State::Rung, dice @ 60..66) => {
                self.state = State::Over;
                let reason = ["busy", "decline"][dice as usize % 2];
                vec![Said::Word("reject", xml::reason(reason))]
            }
            (State::Rung | State::Proceeded, _) => Vec::new(),
            (State::Offered, dice) if dice < 6 || tired => self.terminates("decline"),
            (State::Offered, 6..16) => vec![self.informs("ringing")],
            (State::Offered, 16..30) => vec![self.trickle(5000 + number)],
            (State::Offered, 30..85) => vec![self.accepts()],
            (State::Offered, _) => Vec::new(),
            (State::Up, dice) if (dice < 8 && self.patience < 20) || tired => {
                self.terminates("success")
            }
            (State::Up, dice) if !self.owes.is_empty() => self.owed(dice),
            // The new credentials have to be taken first.
            (State::Up, 8..26) if self.change == Some(Change::Asked(What::Restart)) => Vec::new(),
            (State::Up, 8..26) => {
                // The phone does not trickle.
                if self.is_settled() && self.peer.contains("@web.") {
                    self.sent.push((format!(" {} typ", 5000 + number), acts));
                }
                vec![self.trickle(5000 + number)]
            }
            (State::Up, 26..30) => vec![self.informs(["mute", "unmute"][number as usize % 2])],
            (State::Up, dice @ 30..75) if self.change.is_none() => self.changes(number, dice),
            (State::Up, _) => Vec::new(),
        }
    }

    /// Its person hangs up, or gives up.
    fn leaves(&mut self) {
        self.left = true;
        self.state = State::Over;
        self.change = None;
        self.owes.clear();
    }

    fn terminates(&mut self, reason: &str) -> Vec<Said> {
        self.leaves();
        let end = Said::Request("session-terminate", xml::reason(reason), What::Terminate);
        let finish = self
            .proposed
            .then(|| Said::Word("finish", xml::reason(reason)));
        [Some(end), finish].into_iter().flatten().collect()
    }

    fn informs(&self, word: &str) -> Said {
        let inside = format!("<{word} xmlns='{INFO}'/>");
        Said::Request("session-info", inside, What::Beside)
    }

    fn accepts(&mut self) -> Said {
        self.state = State::Up;
        self.media.accepts();
        let names = self.media.contents.keys();
        let contents: Vec<Content> = names
            .map(|name| self.media.described(name, &[4000]))
            .collect();
        let inside: String = contents.iter().map(Content::write).collect();
        Said::Request("session-accept", bundle(&contents) + &inside, What::Accept)
    }

    /// Does what is due about a change of the other end.
    fn owed(&mut self, dice: u64) -> Vec<Said> {
        match self.owes.remove(0) {
            Due::Restart => vec![self.restarts(What::Beside)],
            Due::Content(name) if dice < 70 => {
                let content = self.media.described(&name, &[]);
                vec![Self::request("content-accept", &[content], What::Beside)]
            }
            Due::Content(name) => {
                let content = self.media.named(&name);
                self.media.contents.remove(&name);
                vec![Self::request("content-reject", &[content], What::Beside)]
            }
        }
    }

    /// New credentials, and no candidate. They are its own from the result on, or at once where
    /// they answer those of the other end.
    fn restarts(&mut self, what: What) -> Said {
        let mut next = self.media.clone();
        next.generation += 1;
        let names = next.contents.keys();
        let contents: Vec<Content> = names
            .map(|name| Content {
                ice: Some(next.ice(false, &[])),
                ..next.named(name)
            })
            .collect();
        if what != What::Restart {
            self.media = next;
        }
        Self::request("transport-info", &contents, what)
    }

    /// A change of its own.
    fn changes(&mut self, number: u64, dice: u64) -> Vec<Said> {
        let videos = self.media.contents.iter();
        let video = videos
            .filter(|(_, known)| known.media == "video")
            .map(|(name, _)| name.clone())
            .next();
        let own = self.media.role.name();
        let now = self.media.contents["0"].senders.clone();
        let (what, said) = match (dice, video) {
            (30..38, _) if now == "both" => {
                let what = What::Hold(own.to_owned());
                (what.clone(), self.hold("hold", what))
            }
            (30..38, _) if now == own => {
                let what = What::Hold("both".to_owned());
                (
                    what.clone(),
                    self.hold(["unhold", "active"][number as usize % 2], what),
                )
            }
            (30..50, _) => {
                let other = self.media.role.other().name();
                let senders = ["both", own, other, "none"][number as usize % 4];
                if senders == now {
                    return Vec::new();
                }
                let what = What::Modify("0".to_owned(), senders.to_owned());
                let content = Content {
                    senders: Some(senders.to_owned()),
                    ..self.media.named("0")
                };
                let said = Self::request("content-modify", &[content], what.clone());
                (what, said)
            }
            (50..60, None) => {
                let name = format!("v{number}");
                self.media.adds(&name, self.media.role, "video", "both");
                let content = self.media.described(&name, &[]);
                let what = What::Add(name);
                let said = Self::request("content-add", &[content], what.clone());
                (what, said)
            }
            (50..60, Some(name)) => {
                let what = What::Remove(name.clone());
                let content = self.media.named(&name);
                let said = Self::request("content-remove", &[content], what.clone());
                (what, said)
            }
            _ => (What::Restart, self.restarts(What::Restart)),
        };
        self.change = Some(Change::Asked(what));
        vec![said]
    }

    fn hold(&self, word: &str, what: What) -> Said {
        Said::Request("session-info", format!("<{word} xmlns='{INFO}'/>"), what)
    }

    // --- what it hears ---

    /// A word of XEP-0353.
    pub(super) fn told(&mut self, word: &str, from: &str) -> Vec<Said> {
        match (word, self.state) {
            ("proceed", State::Proposed) => {
                from.clone_into(&mut self.peer);
                vec![self.initiates()]
            }
            ("reject", State::Proposed | State::Initiated)
            | ("retract", State::Rung | State::Proceeded)
            | ("finish", _) => {
                self.state = State::Over;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A request of the other end. Returns its answer, and what follows it at once.
    pub(super) fn requested(
        &mut self,
        stanza: &Element,
        jingle: &Element,
        action: &str,
        from: &str,
        dice: &mut Dice,
    ) -> Vec<Said> {
        let result = || vec![Said::Answer(xml::result(stanza))];
        let refused = |condition: &str, special: &str| {
            vec![Said::Answer(xml::error(stanza, condition, special))]
        };
        let all = contents(jingle);
        self.looks(action, jingle, &all);
        match (self.state, action) {
            (State::Over, _) => {
                if action == "session-terminate" && self.ended > 0 {
                    self.complain(Oracle::Ends, "it is ended twice".to_owned());
                }
                self.ended += u32::from(action == "session-terminate");
                refused("item-not-found", "unknown-session")
            }
            (_, "session-terminate") => {
                self.ended += 1;
                self.state = State::Over;
                result()
            }
            (State::Proceeded, "session-initiate") => {
                from.clone_into(&mut self.peer);
                self.media.hears(&all);
                self.state = State::Offered;
                result()
            }
            (State::Initiated, "session-accept") => {
                self.media.contents.clear();
                self.media.hears(&all);
                self.state = State::Up;
                result()
            }
            (State::Initiated | State::Offered | State::Up, "session-info") => result(),
            (State::Initiated | State::Offered, "transport-info") => result(),
            (State::Up, "description-info") => result(),
            (State::Up, "transport-info") => match self.transported(&all) {
                true => refused("conflict", "tie-break"),
                false => {
                    let is_quick = dice.percent(50) && self.owes.contains(&Due::Restart);
                    let mut said = result();
                    if is_quick {
                        self.owes.retain(|due| *due != Due::Restart);
                        said.push(self.restarts(What::Beside));
                    }
                    said
                }
            },
            (State::Up, "content-modify" | "content-add" | "content-remove") => {
                match self.changed(action, &all) {
                    true => refused("conflict", "tie-break"),
                    false => result(),
                }
            }
            (State::Up, "content-accept" | "content-reject") => {
                self.decided(action, &all);
                result()
            }
            _ => {
                let what = format!("{action} in {:?}", self.state);
                self.complain(Oracle::Named, what);
                refused("unexpected-request", "out-of-order")
            }
        }
    }

    fn complain(&mut self, oracle: Oracle, what: String) {
        self.wrong.push((oracle, what));
    }

    /// Looks whether what is said of contents fits what is known of them.
    fn looks(&mut self, action: &str, jingle: &Element, all: &[Read]) {
        let theirs = self.media.role.other().name();
        for content in all {
            let known = self.media.contents.get(&content.name);
            let expected = match (action, known) {
                ("session-initiate" | "content-add", Some(_)) if self.state == State::Up => None,
                ("session-initiate" | "content-add", _) => Some(theirs.to_owned()),
                // It may be gone here already: both have removed it, or a tie has undone it.
                (_, None) if self.state != State::Initiated => Some(content.creator.clone()),
                (_, known) => known.map(|known| known.creator.clone()),
            };
            if expected.as_ref() != Some(&content.creator) {
                let what = format!("{action} of {} by {}", content.name, content.creator);
                self.complain(Oracle::Named, what);
            }
            let senders = ["both", "initiator", "responder", "none"];
            let said = content.senders.as_deref().unwrap_or("both");
            let is_described = content.media.is_some() && content.ufrag.is_some();
            let describes = [
                "session-initiate",
                "session-accept",
                "content-add",
                "content-accept",
            ];
            if !senders.contains(&said) || (describes.contains(&action) && !is_described) {
                let what = format!("{action} of {} is no description", content.name);
                self.complain(Oracle::Named, what);
            }
        }
        let party = match action {
            "session-initiate" => Some("initiator"),
            "session-accept" => Some("responder"),
            _ => None,
        };
        let spoken = party.and_then(|party| jingle.attr(party));
        if party.is_some() && spoken.is_none_or(|it| xml::bare(it) != xml::bare(&self.peer)) {
            self.complain(Oracle::Named, format!("{action} names {spoken:?}"));
        }
    }

    /// Candidates, or new credentials. Returns whether it is a tie that this end wins.
    fn transported(&mut self, all: &[Read]) -> bool {
        let fresh = |content: &&Read| {
            let ufrag = content.ufrag.as_deref();
            ufrag.is_some_and(|ufrag| self.media.is_new(ufrag))
        };
        let Some(ufrag) = all.iter().find(fresh).and_then(|it| it.ufrag.clone()) else {
            return false;
        };
        match (&self.change, self.media.role) {
            (Some(Change::Asked(What::Restart)), Role::Initiator) => return true,
            (Some(Change::Asked(What::Restart)), Role::Responder) => {
                // Its own will be refused.
                self.change = None;
                self.owes.push(Due::Restart);
            }
            (Some(Change::Owed(What::Restart)), _) => self.change = None,
            _ => self.owes.push(Due::Restart),
        }
        self.media.restarted(&ufrag);
        false
    }

    /// A change of contents. Returns whether it is a tie that this end wins.
    fn changed(&mut self, action: &str, all: &[Read]) -> bool {
        let is_same = match &self.change {
            Some(Change::Asked(What::Modify(..))) => action == "content-modify",
            Some(Change::Asked(What::Add(_))) => action == "content-add",
            _ => false,
        };
        if is_same && self.media.role == Role::Initiator {
            return true;
        }
        for content in all {
            match action {
                "content-add" => {
                    self.media.hears(std::slice::from_ref(content));
                    self.owes.push(Due::Content(content.name.clone()));
                }
                "content-remove" => {
                    self.media.contents.remove(&content.name);
                    self.owes
                        .retain(|due| *due != Due::Content(content.name.clone()));
                    let own = What::Remove(content.name.clone());
                    if self.change == Some(Change::Asked(own)) {
                        self.change = None;
                    }
                }
                _ => {
                    let senders = content.senders.clone().unwrap_or("both".to_owned());
                    if let Some(known) = self.media.contents.get_mut(&content.name) {
                        known.senders = senders;
                    }
                }
            }
        }
        false
    }

    /// What it has added is accepted, or not.
    fn decided(&mut self, action: &str, all: &[Read]) {
        for content in all {
            let what = What::Add(content.name.clone());
            if self.change != Some(Change::Owed(what)) {
                let what = format!("{action} of {}, which nobody added", content.name);
                self.complain(Oracle::Named, what);
                continue;
            }
            self.change = None;
            match (action, &content.senders) {
                ("content-reject", _) => drop(self.media.contents.remove(&content.name)),
                (_, senders) => {
                    let senders = senders.clone().unwrap_or("both".to_owned());
                    if let Some(known) = self.media.contents.get_mut(&content.name) {
                        known.senders = senders;
                    }
                }
            }
        }
    }

    // --- answers to what it asked ---

    /// A request was answered: by these conditions where it failed. Says what is wrong with that.
    pub(super) fn answered(&mut self, what: &What, failed: Option<&[&str]>) -> Option<String> {
        let is_own = self.change == Some(Change::Asked(what.clone()));
        match (what, failed) {
            (What::Initiate | What::Accept, Some(_)) => self.state = State::Over,
            (What::Initiate | What::Accept | What::Terminate | What::Beside, _) => {}
            (What::Modify(..) | What::Hold(_) | What::Remove(_), Some(_)) => {
                self.change = self.change.take().filter(|_| !is_own);
            }
            (What::Modify(name, senders), None) if is_own => {
                self.change = None;
                if let Some(known) = self.media.contents.get_mut(name) {
                    known.senders.clone_from(senders);
                }
            }
            (What::Hold(senders), None) if is_own => {
                self.change = None;
                let contents = self.media.contents.values_mut();
                for known in contents.filter(|known| known.senders != "none") {
                    known.senders.clone_from(senders);
                }
            }
            (What::Remove(name), None) if is_own => {
                self.change = None;
                self.media.contents.remove(name);
            }
            (What::Add(name), Some(_)) if is_own => {
                self.change = None;
                self.media.contents.remove(name);
            }
            (What::Restart, Some(_)) if is_own => {
                self.change = None;
            }
            (What::Add(_) | What::Restart, None) if is_own => {
                self.media.generation += u64::from(*what == What::Restart);
                self.change = Some(Change::Owed(what.clone()));
            }
            // Of a change that a tie has undone.
            (What::Modify(..) | What::Hold(_) | What::Remove(_), _) => {}
            (What::Add(_) | What::Restart, _) => {}
        }
        // What an honest device can get because its request crossed one of the gateway's.
        let crossed = [
            "conflict",
            "tie-break",
            "unexpected-request",
            "out-of-order",
            "item-not-found",
            "unknown-session",
            "not-acceptable",
            "remote-server-not-found",
        ];
        let is_odd = |condition: &&&str| !crossed.contains(condition);
        let odd = failed?.iter().find(is_odd)?;
        let begins = matches!(what, What::Initiate);
        (!begins).then(|| format!("{what:?} is refused: {odd}"))
    }
}
