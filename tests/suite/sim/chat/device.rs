//! An honest device of a chat user: it proposes and is proposed to, answers each request once, and
//! complains when what it is told does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use minidom::Element;

use super::super::client::Belief;
use super::super::complaint::{Complaints, Oracle};
use super::super::network::Dice;
use super::media::{Media, Role};
use super::session::{Said, Session, State, What};
use crate::xml::{self, RTP, bare};

/// How long it waits for the answer to a request (and most clients do).
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that waits for its answer.
struct Asked {
    sid: String,
    what: What,
    until: Instant,
}

/// One device.
pub(in crate::sim) struct Device {
    pub(in crate::sim) jid: String,
    pub(in crate::sim) sessions: BTreeMap<String, Session>,
    asked: BTreeMap<String, Asked>,
    /// Requests that have had their answer.
    answered: BTreeSet<String>,
    /// Requests whose answer it waits for no more.
    late: BTreeSet<String>,
    requests: u64,
    numbers: u64,
    pub(in crate::sim) complaints: Complaints,
    /// Requests that nobody answered in time.
    pub(in crate::sim) unanswered: Vec<String>,
    /// Texts of candidates that the other side must have been told by now.
    pub(in crate::sim) due: Vec<String>,
    /// The candidates that it was told.
    pub(in crate::sim) heard: String,
}

impl Device {
    pub(in crate::sim) fn new(jid: &str, numbers: u64) -> Self {
        Self {
            jid: jid.to_owned(),
            sessions: BTreeMap::new(),
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            late: BTreeSet::new(),
            requests: 0,
            numbers,
            complaints: Complaints::default(),
            unanswered: Vec::new(),
            due: Vec::new(),
            heard: String::new(),
        }
    }

    pub(in crate::sim) fn is_busy(&self) -> bool {
        let is_open = |session: &Session| session.state != State::Over;
        self.sessions.values().any(is_open) || !self.asked.is_empty()
    }

    /// Begins a call: by a proposal, or straight away.
    pub(in crate::sim) fn calls(
        &mut self,
        sid: &str,
        to: &str,
        straight: bool,
        dice: &mut Dice,
        now: Instant,
    ) -> String {
        let media = Media::new(self.name(), Role::Initiator);
        let mut session = Session::new(State::Proposed, to, media, !straight, dice);
        let stanza = match straight {
            true => {
                session.peer = format!("{to}/crosspoint");
                let said = session.initiates();
                self.sends(sid, &session.peer, said, now)
            }
            false => {
                let inside = format!("<description xmlns='{RTP}' media='audio'/>");
                xml::message(&self.jid, to, "propose", sid, &inside)
            }
        };
        self.sessions.insert(sid.to_owned(), session);
        stanza
    }

    /// A name for a description that no other has.
    fn name(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A stanza for what a session says.
    fn sends(&mut self, sid: &str, peer: &str, said: Said, now: Instant) -> String {
        match said {
            Said::Word(word, inside) => xml::message(&self.jid, peer, word, sid, &inside),
            Said::Request(action, inside, what) => {
                self.requests += 1;
                let id = format!("q{}", self.requests);
                let asked = Asked {
                    sid: sid.to_owned(),
                    what,
                    until: now + PATIENCE,
                };
                self.asked.insert(id.clone(), asked);
                let jingle = xml::jingle(action, sid, &inside);
                xml::request(&self.jid, peer, &id, &jingle)
            }
            Said::Answer(text) => text,
        }
    }

    fn send_all(&mut self, sid: &str, said: Vec<Said>, now: Instant) -> Vec<String> {
        let peer = self.sessions.get(sid).map(|session| session.peer.clone());
        let peer = peer.unwrap_or_default();
        let all = said.into_iter();
        all.map(|said| self.sends(sid, &peer, said, now)).collect()
    }

    // --- what a person does ---

    pub(in crate::sim) fn acts(&mut self, dice: &mut Dice, now: Instant) -> Vec<String> {
        self.give_up_waiting(now);
        let mut stanzas = Vec::new();
        let sids: Vec<String> = self.sessions.keys().cloned().collect();
        for sid in sids {
            let number = self.name();
            let Some(session) = self.sessions.get_mut(&sid) else {
                continue;
            };
            let said = session.acts(number, dice);
            self.due.append(&mut session.due);
            stanzas.extend(self.send_all(&sid, said, now));
        }
        stanzas
    }

    /// A request that is not answered in time has failed.
    fn give_up_waiting(&mut self, now: Instant) {
        let is_late = |(id, asked): (&String, &Asked)| (asked.until <= now).then(|| id.clone());
        let late: Vec<String> = self.asked.iter().filter_map(is_late).collect();
        for id in late {
            if let Some(asked) = self.asked.remove(&id) {
                self.unanswered
                    .push(format!("{id} of {}: {:?}", self.jid, asked.what));
                self.late.insert(id);
                if let Some(session) = self.sessions.get_mut(&asked.sid) {
                    let _ = session.answered(&asked.what, Some(&[]));
                }
            }
        }
    }

    // --- what it hears ---

    /// Another device of the same person has said this.
    pub(in crate::sim) fn copied(&mut self, stanza: &Element) {
        let Some(word) = xml::word_of(stanza) else {
            return;
        };
        let session = word.attr("id").and_then(|sid| self.sessions.get_mut(sid));
        let is_decided = ["proceed", "reject", "accept"].contains(&word.name());
        if let Some(session) = session.filter(|it| is_decided && it.state == State::Rung) {
            session.state = State::Over;
        }
    }

    /// Something has come. Returns what is sent at once.
    pub(in crate::sim) fn hears(
        &mut self,
        stanza: &Element,
        dice: &mut Dice,
        now: Instant,
    ) -> Vec<String> {
        let from = stanza.attr("from").unwrap_or_default().to_owned();
        match (stanza.name(), stanza.attr("type")) {
            ("message", Some("chat")) => self.told(stanza, &from, dice, now),
            ("iq", Some("set")) => self.requested(stanza, &from, dice, now),
            ("iq", Some("result" | "error")) => {
                self.replied(stanza);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A word of XEP-0353.
    fn told(&mut self, stanza: &Element, from: &str, dice: &mut Dice, now: Instant) -> Vec<String> {
        let Some(word) = xml::word_of(stanza) else {
            return Vec::new();
        };
        let sid = word.attr("id").unwrap_or_default().to_owned();
        if word.name() == "propose" {
            let media = Media::new(self.name(), Role::Responder);
            let session = Session::new(State::Rung, from, media, true, dice);
            if self.sessions.insert(sid.clone(), session).is_some() {
                let what = format!("{sid} was proposed twice");
                self.complaints.add(Oracle::Ends, what);
            }
            return Vec::new();
        }
        let Some(session) = self.sessions.get_mut(&sid) else {
            return Vec::new(); // It came too late for the proposal.
        };
        let said = session.told(word.name(), from);
        self.send_all(&sid, said, now)
    }

    /// A request.
    fn requested(
        &mut self,
        stanza: &Element,
        from: &str,
        dice: &mut Dice,
        now: Instant,
    ) -> Vec<String> {
        let Some(jingle) = xml::jingle_of(stanza) else {
            return vec![xml::error(stanza, "service-unavailable", "")];
        };
        let [sid, action] = ["sid", "action"].map(|it| jingle.attr(it).unwrap_or_default());
        let begins = action == "session-initiate" && !self.sessions.contains_key(sid);
        if begins && stanza.attr("to") == Some(&self.jid) {
            let media = Media::new(self.name(), Role::Responder);
            let session = Session::new(State::Proceeded, from, media, false, dice);
            self.sessions.insert(sid.to_owned(), session);
        }
        for content in xml::content::contents(jingle) {
            let ports = content.ports.iter().map(|port| format!(" {port} typ"));
            self.heard.extend(ports);
        }
        let is_peer = |session: &&mut Session| bare(&session.peer) == bare(from);
        let Some(session) = self.sessions.get_mut(sid).filter(is_peer) else {
            return vec![xml::error(stanza, "item-not-found", "unknown-session")];
        };
        let said = session.requested(stanza, jingle, action, from, dice);
        for (oracle, what) in session.wrong.drain(..) {
            let what = format!("{} {sid}: {what}", self.jid);
            self.complaints.add(oracle, what);
        }
        self.send_all(sid, said, now)
    }

    /// The answer to a request.
    fn replied(&mut self, stanza: &Element) {
        let id = stanza.attr("id").unwrap_or_default();
        if self.late.remove(id) {
            self.answered.insert(id.to_owned());
            return;
        }
        let Some(asked) = self.asked.remove(id) else {
            let what = match self.answered.contains(id) {
                true => format!("{id} of {} is answered twice", self.jid),
                false => format!("{id} was never asked by {}", self.jid),
            };
            self.complaints.add(Oracle::Answered, what);
            return;
        };
        self.answered.insert(id.to_owned());
        let conditions = xml::conditions(stanza);
        let failed = (stanza.attr("type") == Some("error")).then_some(conditions.as_slice());
        let Some(session) = self.sessions.get_mut(&asked.sid) else {
            return;
        };
        if let Some(wrong) = session.answered(&asked.what, failed) {
            let what = format!("{} {}: {wrong}", self.jid, asked.sid);
            self.complaints.add(Oracle::Honest, what);
        }
    }

    // --- what it believes ---

    /// What it believes of each session in which nothing is being changed.
    pub(in crate::sim) fn beliefs(&self) -> impl Iterator<Item = Belief> + '_ {
        let settled = |session: &&Session| session.state == State::Up && session.is_settled();
        let all = self.sessions.values().filter(settled);
        all.map(|session| session.media.belief())
    }

    /// Whether one of its sessions is between two states.
    pub(in crate::sim) fn is_unsettled(&self) -> bool {
        let unsettled = |session: &Session| match session.state {
            State::Over => false,
            State::Up => !session.is_settled(),
            State::Proposed
            | State::Initiated
            | State::Rung
            | State::Proceeded
            | State::Offered => true,
        };
        !self.asked.is_empty() || self.sessions.values().any(unsettled)
    }

    /// The names in the descriptions of calls that its person left.
    pub(in crate::sim) fn left(&self) -> impl Iterator<Item = u64> + '_ {
        let left = self.sessions.values().filter(|session| session.left);
        left.map(|session| session.media.name)
    }
}
