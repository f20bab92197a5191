//! The phone's side of SIP: a UAS with a few extensions, pure.
//!
//! Messages, what the media says, and the clock go in; [`Output`]s and a time come out.
//!
//! ```text
//!           INVITE: 100, 180               200 ms and a description: 200
//!   (none) ──────────────────▶ Early ────────────────────────────────▶ Confirmed ──BYE──▶ (none)
//!                                │ CANCEL: 487; no codec: 488              │ media ended: BYE sent
//!                                ▼                                         ▼
//!                              Over ──ACK, or 64·T1──▶ (none) ◀──200── Leaving
//! ```
//!
//! Beside the phase, a call has at most one INVITE that is not yet done with (`Pending`): a 200
//! is sent again until the ACK comes, the first time and with each re-INVITE.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use super::dialog::Peer;
use super::dialog::{Again, Dialog, Pending, Phase, Step};
use super::media::MediaError;
use super::wire::{self, Message, Request, Response};
use crate::id::Source;
use crate::sip::name::{Method, Name};

/// Calls at a time; one more is answered 486.
pub const CALLS_MAX: usize = 16;

/// Dialogs at a time, those counted whose refusal is not acknowledged; one more is answered 503.
const DIALOGS_MAX: usize = 64;

/// Final responses that are kept for requests that come again.
const REMEMBERED_MAX: usize = 64;

/// How long the phone rings before it answers itself.
const ANSWER_DELAY: Duration = Duration::from_millis(200);

/// How long `ring` rings at most: the longest call.
const RINGING: Duration = Duration::from_secs(3600);

/// What the phone takes.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO";

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for a peer.
    Send(Peer, Vec<u8>),
    /// An offer to be answered; [`Uas::described`] is waited for.
    Answer(u64, String),
    /// An offer to be made; [`Uas::described`] is waited for.
    Offer(u64),
    /// The answer to the phone's own offer.
    Answered(u64, String),
    /// The media of a call is to end.
    End(u64),
}

/// Who picks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// Answers and sends back what it hears.
    Echo,
    /// 486.
    Busy,
    /// Rings until the caller gives up.
    Ring,
}

impl Extension {
    fn of(user: &str) -> Option<Self> {
        match user {
            "echo" => Some(Self::Echo),
            "busy" => Some(Self::Busy),
            "ring" => Some(Self::Ring),
            _ => None,
        }
    }
}

/// The phone.
#[derive(Debug)]
pub struct Uas {
    address: SocketAddr,
    ids: Source,
    calls: BTreeMap<u64, Dialog>,
    remembered: VecDeque<(String, Vec<u8>)>,
    outputs: VecDeque<Output>,
}

impl Uas {
    /// A phone that is reached at `address`.
    #[must_use]
    pub fn new(address: SocketAddr, ids: Source) -> Self {
        Self {
            address,
            ids,
            calls: BTreeMap::new(),
            remembered: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes a message. What cannot be read is dropped.
    pub fn receive(&mut self, peer: Peer, bytes: &[u8], now: Instant) {
        match wire::read(bytes, peer.address) {
            Some(Message::Bad(response)) => {
                self.outputs.push_back(Output::Send(peer, response));
            }
            Some(Message::Request(request)) => self.request(peer, *request, now),
            Some(Message::Response { status, call_id }) => {
                let left = |dialog: &Dialog| {
                    dialog.call_id == call_id && matches!(dialog.phase, Phase::Leaving(_))
                };
                // RFC 3261 §15.1.1: any final response ends it, also 481 and 408.
                if status >= 200 {
                    self.calls.retain(|_, dialog| !left(dialog));
                }
            }
            None => tracing::debug!(peer = %peer.address, "the echo phone cannot read a message"),
        }
    }

    /// Takes the description that an [`Output::Answer`] or an [`Output::Offer`] asked for.
    pub fn described(&mut self, call: u64, made: Result<String, MediaError>, now: Instant) {
        let Some(dialog) = self.calls.get_mut(&call) else {
            // The caller has given up meanwhile.
            self.outputs.push_back(Output::End(call));
            return;
        };
        match (&mut dialog.phase, made) {
            (Phase::Early { described, .. }, Ok(text)) => {
                *described = Some(text);
                self.handle_timeout(now);
            }
            (Phase::Confirmed, Ok(text)) => self.accept(call, &text, now),
            (Phase::Early { .. } | Phase::Confirmed, Err(error)) => {
                tracing::info!(call, %error, "the echo phone cannot take the description");
                self.refuse(call, 488, &[], now);
            }
            (Phase::Leaving(_) | Phase::Over, _) => self.outputs.push_back(Output::End(call)),
        }
    }

    /// Takes that the media of a call has ended by itself, or could not take an answer.
    pub fn media_ended(&mut self, call: u64, now: Instant) {
        match self.calls.get(&call).map(|dialog| &dialog.phase) {
            Some(Phase::Early { .. }) => self.refuse(call, 480, &[], now),
            Some(Phase::Confirmed) => self.hang_up(call, now),
            // It ended because the call did.
            Some(Phase::Leaving(_) | Phase::Over) | None => {}
        }
    }

    /// Takes that a TCP connection has ended. Its calls go on: what the caller has to say comes by
    /// another connection, and what the phone has to say fits a datagram to his Contact.
    pub fn stream_closed(&mut self, stream: u64) {
        for dialog in self.calls.values_mut() {
            if dialog.peer.stream == Some(stream) {
                let address = wire::address(&dialog.target).unwrap_or(dialog.peer.address);
                dialog.peer = Peer {
                    address,
                    stream: None,
                };
            }
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        for call in self.calls.keys().copied().collect::<Vec<_>>() {
            self.call_timeout(call, now);
        }
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.calls.values().filter_map(Dialog::due).min()
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn request(&mut self, peer: Peer, request: Request, now: Instant) {
        let key = format!("{} {}", request.method, request.transaction());
        if request.method == Method::Ack {
            self.ack(&request, now);
            return;
        }
        if let Some((_, bytes)) = self.remembered.iter().find(|(known, _)| *known == key) {
            self.outputs.push_back(Output::Send(peer, bytes.clone()));
            return;
        }
        if let Some(bytes) = self
            .calls
            .values()
            .find_map(|dialog| dialog.repeated(&request))
        {
            self.outputs.push_back(Output::Send(peer, bytes));
            return;
        }
        if request.method == Method::Invite {
            self.invite(peer, request, now);
            return;
        }
        let call = self.find(&request);
        let status = match (&request.method, call) {
            (Method::Options, _) if request.to_tag().is_none() => 200,
            (Method::Cancel, _) => self.cancel(&request, now),
            (Method::Options | Method::Info | Method::Bye, None) => 481,
            (Method::Options | Method::Info, Some(_)) => 200,
            (Method::Bye, Some(call)) => {
                self.bye(call, now);
                200
            }
            (_, _) => 405,
        };
        let tag = self.ids.token();
        let headers = [(Name::Allow, ALLOW), (Name::Accept, "application/sdp")];
        let response = Response {
            status,
            tag: &tag,
            headers: &headers,
            body: None,
        };
        let bytes = response.to(&request, peer.address);
        self.remember(key, bytes.clone());
        self.outputs.push_back(Output::Send(peer, bytes));
    }

    fn invite(&mut self, peer: Peer, request: Request, now: Instant) {
        if request.to_tag().is_some() {
            self.invite_again(peer, request);
            return;
        }
        let tag = self.ids.token();
        if self.calls.len() >= DIALOGS_MAX {
            let headers = [(Name::RetryAfter, "32")];
            let response = Response {
                status: 503,
                tag: &tag,
                headers: &headers,
                body: None,
            };
            let bytes = response.to(&request, peer.address);
            self.remember(format!("INVITE {}", request.transaction()), bytes.clone());
            self.outputs.push_back(Output::Send(peer, bytes));
            return;
        }
        let required = request.all(&Name::Require).collect::<Vec<_>>().join(", ");
        let busy = self
            .calls
            .values()
            .filter(|dialog| dialog.phase != Phase::Over)
            .count();
        let (extension, target) = (Extension::of(&request.user), request.contact.clone());
        let refusal = match (extension, &target) {
            _ if !required.is_empty() => Some((420, vec![(Name::Unsupported, required.as_str())])),
            _ if request.has_foreign_body() => Some((415, vec![(Name::Accept, "application/sdp")])),
            (None, _) => Some((404, vec![])),
            (Some(_), None) => Some((500, vec![])),
            (Some(Extension::Busy), Some(_)) => Some((486, vec![])),
            (Some(Extension::Ring | Extension::Echo), Some(_)) if busy >= CALLS_MAX => {
                Some((486, vec![]))
            }
            (Some(Extension::Ring | Extension::Echo), Some(_)) => None,
        };
        let answers = (extension == Some(Extension::Echo)).then_some(now + ANSWER_DELAY);
        let gives_up = now + RINGING;
        let trying = Response {
            status: 100,
            tag: &tag,
            headers: &[],
            body: None,
        };
        let trying = trying.to(&request, peer.address);
        self.outputs.push_back(Output::Send(peer, trying.clone()));
        let dialog = Dialog {
            peer,
            call_id: request.call_id.clone(),
            remote: request.from.clone(),
            local: format!("{};tag={tag}", request.to),
            tag,
            target: target.unwrap_or_else(|| request.uri().clone()),
            routes: request.all(&Name::RecordRoute).map(str::to_owned).collect(),
            cseq: request.cseq,
            phase: Phase::Early {
                answers,
                gives_up,
                described: None,
            },
            invite: Some(Pending {
                offerless: request.body.is_empty(),
                request: request.clone(),
                step: Step::Proceeding(trying),
            }),
        };
        let call = self.ids.next_number();
        self.calls.insert(call, dialog);
        if let Some((status, headers)) = refusal {
            self.refuse(call, status, &headers, now);
            return;
        }
        self.ring(call);
        if extension == Some(Extension::Echo) {
            self.outputs.push_back(wanted(call, request.body));
        }
    }

    fn invite_again(&mut self, peer: Peer, request: Request) {
        let found = self
            .find(&request)
            .and_then(|call| Some((call, self.calls.get_mut(&call)?)));
        let retry = [(Name::RetryAfter, "2")];
        let (status, headers): (u16, &[_]) = match &found {
            None => (481, &[]),
            Some((_, dialog)) if dialog.phase != Phase::Confirmed => (481, &[]),
            // RFC 3261 §14.2: the one before is not done with.
            Some((_, dialog)) if dialog.invite.is_some() => (500, &retry),
            // RFC 3261 §12.2.2: out of order.
            Some((_, dialog)) if request.cseq <= dialog.cseq => (500, &[]),
            Some(_) if request.has_foreign_body() => (415, &[(Name::Accept, "application/sdp")]),
            Some(_) => (100, &[]),
        };
        let response = Response {
            status,
            tag: "none",
            headers,
            body: None,
        };
        let bytes = response.to(&request, peer.address);
        self.outputs.push_back(Output::Send(peer, bytes.clone()));
        if status != 100 {
            // No ACK is waited for: the refusal is given again when the request is.
            self.remember(format!("INVITE {}", request.transaction()), bytes);
            return;
        }
        let Some((call, dialog)) = found else { return };
        dialog.peer = peer;
        dialog.cseq = request.cseq;
        // RFC 3261 §12.2.2: a target refresh.
        if let Some(target) = &request.contact {
            target.clone_into(&mut dialog.target);
        }
        let (body, offerless) = (request.body.clone(), request.body.is_empty());
        dialog.invite = Some(Pending {
            request,
            offerless,
            step: Step::Proceeding(bytes),
        });
        self.outputs.push_back(wanted(call, body));
    }

    fn ack(&mut self, request: &Request, now: Instant) {
        let Some(call) = self.find(request) else {
            return;
        };
        let Some(dialog) = self.calls.get_mut(&call) else {
            return;
        };
        let acknowledged = dialog.invite.take_if(|pending| {
            let done = matches!(pending.step, Step::Refused(_) | Step::Accepted(_));
            done && pending.request.cseq == request.cseq
        });
        match (acknowledged, &dialog.phase) {
            (Some(_), Phase::Over) => {
                self.calls.remove(&call);
            }
            (Some(pending), _)
                if pending.offerless && matches!(pending.step, Step::Accepted(_)) =>
            {
                if request.body.is_empty() || request.has_foreign_body() {
                    // RFC 3261 §13.2.2.4: the ACK must bring the answer.
                    self.hang_up(call, now);
                } else {
                    self.outputs
                        .push_back(Output::Answered(call, request.body.clone()));
                }
            }
            // The ACK came again, or a re-INVITE that was refused leaves all as it was.
            (Some(_) | None, _) => {}
        }
    }

    /// The status for the CANCEL (RFC 3261 §9.2).
    fn cancel(&mut self, request: &Request, now: Instant) -> u16 {
        let cancelled = self.calls.iter().find(|(_, dialog)| {
            dialog
                .invite
                .as_ref()
                .is_some_and(|pending| pending.request.transaction() == request.transaction())
        });
        let Some((call, dialog)) = cancelled else {
            return 481;
        };
        // A CANCEL that crosses the 200 does nothing: the caller hangs up.
        if matches!(dialog.phase, Phase::Early { .. }) {
            self.refuse(*call, 487, &[], now);
        }
        200
    }

    fn bye(&mut self, call: u64, now: Instant) {
        self.outputs.push_back(Output::End(call));
        match self.calls.get(&call).map(|dialog| &dialog.phase) {
            // RFC 3261 §15.1.2: what is pending is answered 487.
            Some(Phase::Early { .. }) => self.refuse(call, 487, &[], now),
            Some(Phase::Confirmed | Phase::Leaving(_) | Phase::Over) | None => {
                self.calls.remove(&call);
            }
        }
    }

    fn ring(&mut self, call: u64) {
        let contact = self.contact(call);
        let Some(dialog) = self.calls.get_mut(&call) else {
            return;
        };
        let headers = [(Name::Contact, contact.as_str()), (Name::Allow, ALLOW)];
        if let Some(bytes) = dialog.respond(180, &headers, None)
            && let Some(pending) = &mut dialog.invite
        {
            pending.step = Step::Proceeding(bytes.clone());
            self.outputs.push_back(Output::Send(dialog.peer, bytes));
        }
    }

    fn accept(&mut self, call: u64, description: &str, now: Instant) {
        let contact = self.contact(call);
        let Some(dialog) = self.calls.get_mut(&call) else {
            return;
        };
        let headers = [(Name::Contact, contact.as_str()), (Name::Allow, ALLOW)];
        let Some(bytes) = dialog.respond(200, &headers, Some(description)) else {
            return;
        };
        if let Some(pending) = &mut dialog.invite {
            // RFC 3261 §13.3.1.4: again until the ACK, also where the transport is reliable.
            pending.step = Step::Accepted(Again::new(bytes.clone(), true, now));
        }
        dialog.phase = Phase::Confirmed;
        self.outputs.push_back(Output::Send(dialog.peer, bytes));
    }

    /// Refuses the INVITE that is pending; the first one ends the call.
    fn refuse(&mut self, call: u64, status: u16, headers: &[(Name, &str)], now: Instant) {
        let Some(dialog) = self.calls.get_mut(&call) else {
            return;
        };
        let Some(bytes) = dialog.respond(status, headers, None) else {
            return;
        };
        if let Some(pending) = &mut dialog.invite {
            // RFC 3261 §17.2.1: timer G only where messages get lost.
            let again = Again::new(bytes.clone(), dialog.peer.stream.is_none(), now);
            pending.step = Step::Refused(again);
        }
        self.outputs.push_back(Output::Send(dialog.peer, bytes));
        if matches!(dialog.phase, Phase::Early { .. }) {
            dialog.phase = Phase::Over;
            self.outputs.push_back(Output::End(call));
        }
    }

    fn hang_up(&mut self, call: u64, now: Instant) {
        let branch = self.ids.token();
        let address = self.address;
        let Some(dialog) = self.calls.get_mut(&call) else {
            return;
        };
        let bytes = dialog.bye(address, &branch);
        let again = Again::new(bytes.clone(), dialog.peer.stream.is_none(), now);
        dialog.phase = Phase::Leaving(again);
        dialog.invite = None;
        self.outputs.push_back(Output::Send(dialog.peer, bytes));
        self.outputs.push_back(Output::End(call));
    }

    fn call_timeout(&mut self, call: u64, now: Instant) {
        let Some(dialog) = self.calls.get_mut(&call) else {
            return;
        };
        let peer = dialog.peer;
        if let Phase::Early {
            answers,
            gives_up,
            described,
        } = &dialog.phase
        {
            match (answers, described) {
                (Some(answers), Some(text)) if now >= *answers => {
                    let text = text.clone();
                    self.accept(call, &text, now);
                }
                _ if now >= *gives_up => self.refuse(call, 480, &[], now),
                (Some(_) | None, _) => {}
            }
            return;
        }
        if let Phase::Leaving(again) = &mut dialog.phase {
            if now >= again.until {
                self.calls.remove(&call);
            } else if let Some(bytes) = again.again(now) {
                self.outputs.push_back(Output::Send(peer, bytes));
            }
            return;
        }
        match dialog.invite.as_mut().map(|pending| &mut pending.step) {
            Some(Step::Accepted(again)) if now >= again.until => self.hang_up(call, now),
            Some(Step::Refused(again)) if now >= again.until => {
                dialog.invite = None;
                if dialog.phase == Phase::Over {
                    self.calls.remove(&call);
                }
            }
            Some(Step::Accepted(again) | Step::Refused(again)) => {
                if let Some(bytes) = again.again(now) {
                    self.outputs.push_back(Output::Send(peer, bytes));
                }
            }
            Some(Step::Proceeding(_)) | None => {}
        }
    }

    /// The call of a request within a dialog (RFC 3261 §12.2.2).
    fn find(&self, request: &Request) -> Option<u64> {
        let of = |dialog: &&Dialog| {
            dialog.call_id == request.call_id && request.to_tag() == Some(dialog.tag.as_str())
        };
        self.calls
            .iter()
            .find(|(_, dialog)| of(dialog))
            .map(|(call, _)| *call)
    }

    fn remember(&mut self, key: String, bytes: Vec<u8>) {
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.pop_front();
        }
        self.remembered.push_back((key, bytes));
    }

    fn contact(&self, call: u64) -> String {
        let tcp = self
            .calls
            .get(&call)
            .is_some_and(|dialog| dialog.peer.stream.is_some());
        let transport = if tcp { ";transport=tcp" } else { "" };
        format!("<sip:echo@{}{transport}>", self.address)
    }
}

fn wanted(call: u64, offer: String) -> Output {
    if offer.is_empty() {
        Output::Offer(call)
    } else {
        Output::Answer(call, offer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialog::{SENDING, T1};
    use super::*;

    /// A caller who writes by hand, and the phone.
    struct Table {
        uas: Uas,
        peer: Peer,
        now: Instant,
    }

    impl Table {
        fn new() -> Self {
            let uas = Uas::new("127.0.0.1:5070".parse().unwrap(), Source::from_number(1));
            let peer = Peer {
                address: "127.0.0.1:5060".parse().unwrap(),
                stream: None,
            };
            Self {
                uas,
                peer,
                now: Instant::now(),
            }
        }

        fn says(
            &mut self,
            method: &str,
            cseq: u32,
            user: &str,
            tag: &str,
            body: &str,
        ) -> Vec<String> {
            let to = if tag.is_empty() {
                String::new()
            } else {
                format!(";tag={tag}")
            };
            let kind = if body.is_empty() {
                ""
            } else {
                "Content-Type: application/sdp\r\n"
            };
            let length = body.len();
            // A CANCEL and the ACK to a failure have the branch of their INVITE.
            let text = format!(
                "{method} sip:{user}@127.0.0.1:5070 SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{cseq}\r\n\
                 From: <sip:gw@127.0.0.1>;tag=g\r\nTo: <sip:{user}@127.0.0.1>{to}\r\n\
                 Call-ID: c\r\nCSeq: {cseq} {method}\r\nContact: <sip:gw@127.0.0.1:5060>\r\n\
                 {kind}Content-Length: {length}\r\n\r\n{body}"
            );
            self.uas.receive(self.peer, text.as_bytes(), self.now);
            self.hears()
        }

        /// What the phone does, each in a word or two.
        fn hears(&mut self) -> Vec<String> {
            let word = |output| match output {
                Output::Send(_, bytes) => {
                    let text = String::from_utf8(bytes).unwrap();
                    let first = text.lines().next().unwrap();
                    first
                        .trim_start_matches("SIP/2.0 ")
                        .split(' ')
                        .next()
                        .unwrap()
                        .to_owned()
                }
                Output::Answer(_, offer) => format!("answer {offer}"),
                Output::Offer(_) => "offer".to_owned(),
                Output::Answered(_, answer) => format!("answered {answer}"),
                Output::End(_) => "end".to_owned(),
            };
            std::iter::from_fn(|| self.uas.poll_output())
                .map(word)
                .collect()
        }

        fn call(&self) -> u64 {
            *self.uas.calls.keys().next().unwrap()
        }

        fn tag(&self) -> String {
            self.uas.calls.values().next().unwrap().tag.clone()
        }

        fn described(&mut self, made: Result<String, MediaError>) -> Vec<String> {
            self.uas.described(self.call(), made, self.now);
            self.hears()
        }

        fn after(&mut self, time: Duration) -> Vec<String> {
            self.now += time;
            self.uas.handle_timeout(self.now);
            self.hears()
        }

        /// A call that is confirmed; its tag.
        fn confirmed(&mut self) -> String {
            self.says("INVITE", 1, "echo", "", "offer");
            self.described(Ok("answer".to_owned()));
            assert_eq!(self.after(ANSWER_DELAY), ["200"]);
            let tag = self.tag();
            assert!(self.says("ACK", 1, "echo", &tag, "").is_empty());
            tag
        }
    }

    #[test]
    fn echo_rings_and_answers_after_its_delay() {
        let mut table = Table::new();
        let heard = table.says("INVITE", 1, "echo", "", "the offer");
        assert_eq!(heard, ["100", "180", "answer the offer"]);
        assert!(
            table.described(Ok("answer".to_owned())).is_empty(),
            "it rings first"
        );
        assert_eq!(table.uas.poll_timeout(), Some(table.now + ANSWER_DELAY));
        assert_eq!(table.after(ANSWER_DELAY), ["200"]);
    }

    #[test]
    fn ok_is_sent_again_until_the_ack_and_then_no_more() {
        let mut table = Table::new();
        table.says("INVITE", 1, "echo", "", "offer");
        table.described(Ok("answer".to_owned()));
        assert_eq!(table.after(ANSWER_DELAY), ["200"]);
        assert_eq!(table.after(T1), ["200"]);
        assert!(table.after(T1).is_empty(), "the interval doubles");
        assert_eq!(table.after(T1), ["200"]);
        assert_eq!(
            table.says("INVITE", 1, "echo", "", "offer"),
            ["200"],
            "to a repetition too"
        );
        let tag = table.tag();
        table.says("ACK", 1, "echo", &tag, "");
        assert!(table.after(SENDING).is_empty());
        assert_eq!(table.uas.poll_timeout(), None);
    }

    #[test]
    fn call_whose_ack_never_comes_is_hung_up() {
        let mut table = Table::new();
        table.says("INVITE", 1, "echo", "", "offer");
        table.described(Ok("answer".to_owned()));
        table.after(ANSWER_DELAY);
        assert_eq!(table.after(SENDING), ["BYE", "end"]);
        assert_eq!(table.after(T1), ["BYE"]);
        table.after(SENDING);
        assert!(table.uas.calls.is_empty());
    }

    #[test]
    fn cancel_ends_what_rings_and_its_ack_ends_the_487() {
        for user in ["echo", "ring"] {
            let mut table = Table::new();
            table.says("INVITE", 1, user, "", "offer");
            assert!(table.after(Duration::from_secs(120)).is_empty(), "it rings");
            let tag = table.tag();
            assert_eq!(table.says("CANCEL", 1, user, "", ""), ["487", "end", "200"]);
            assert_eq!(
                table.says("CANCEL", 1, user, "", ""),
                ["200"],
                "a repetition"
            );
            assert_eq!(table.after(T1), ["487"]);
            table.says("ACK", 1, user, &tag, "");
            assert!(table.uas.calls.is_empty());
        }
    }

    #[test]
    fn cancel_that_crosses_the_ok_does_nothing() {
        let mut table = Table::new();
        table.says("INVITE", 1, "echo", "", "offer");
        table.described(Ok("answer".to_owned()));
        table.after(ANSWER_DELAY);
        assert_eq!(table.says("CANCEL", 1, "echo", "", ""), ["200"]);
        let tag = table.tag();
        table.says("ACK", 1, "echo", &tag, "");
        assert_eq!(table.says("BYE", 2, "echo", &tag, ""), ["end", "200"]);
        assert_eq!(
            table.says("BYE", 2, "echo", &tag, ""),
            ["200"],
            "a repetition"
        );
        assert_eq!(table.says("BYE", 3, "echo", &tag, ""), ["481"]);
    }

    #[test]
    fn busy_and_unknown_extensions_and_foreign_bodies_are_refused() {
        for (user, status) in [("busy", "486"), ("nobody", "404")] {
            let mut table = Table::new();
            assert_eq!(
                table.says("INVITE", 1, user, "", "offer"),
                ["100", status, "end"]
            );
        }
        let mut table = Table::new();
        table.says("INVITE", 1, "echo", "", "offer");
        assert_eq!(table.described(Err(MediaError::NoCodec)), ["488", "end"]);
        assert_eq!(table.says("SUBSCRIBE", 2, "echo", "", ""), ["405"]);
        assert_eq!(table.says("OPTIONS", 3, "echo", "", ""), ["200"]);
    }

    #[test]
    fn later_offer_is_answered_and_a_bad_one_leaves_the_call() {
        let mut table = Table::new();
        let tag = table.confirmed();
        assert_eq!(
            table.says("INVITE", 2, "echo", &tag, "hold"),
            ["100", "answer hold"]
        );
        assert_eq!(table.described(Ok("held".to_owned())), ["200"]);
        assert_eq!(
            table.says("INVITE", 3, "echo", &tag, "x"),
            ["500"],
            "the ACK is missing"
        );
        table.says("ACK", 2, "echo", &tag, "");
        assert_eq!(
            table.says("INVITE", 4, "echo", &tag, "bad"),
            ["100", "answer bad"]
        );
        assert_eq!(table.described(Err(MediaError::NoCodec)), ["488"]);
        table.says("ACK", 4, "echo", &tag, "");
        assert_eq!(
            table.says("INVITE", 4, "echo", &tag, ""),
            ["500"],
            "an old number"
        );
        assert_eq!(table.says("INFO", 5, "echo", &tag, ""), ["200"]);
        assert_eq!(table.says("BYE", 6, "echo", &tag, ""), ["end", "200"]);
    }

    #[test]
    fn invite_without_an_offer_gets_one_and_the_ack_must_answer_it() {
        for (body, wanted) in [("sdp", vec!["answered sdp"]), ("", vec!["BYE", "end"])] {
            let mut table = Table::new();
            assert_eq!(
                table.says("INVITE", 1, "echo", "", ""),
                ["100", "180", "offer"]
            );
            table.described(Ok("our offer".to_owned()));
            table.after(ANSWER_DELAY);
            let tag = table.tag();
            assert_eq!(table.says("ACK", 1, "echo", &tag, body), wanted);
        }
    }

    #[test]
    fn media_that_ends_hangs_up_by_the_callers_contact() {
        let mut table = Table::new();
        table.confirmed();
        table.uas.media_ended(table.call(), table.now);
        let Some(Output::Send(peer, bytes)) = table.uas.poll_output() else {
            panic!("no BYE")
        };
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(peer, table.peer);
        assert!(
            text.starts_with("BYE sip:gw@127.0.0.1:5060 SIP/2.0\r\n"),
            "{text}"
        );
        assert!(text.contains("\r\nTo: <sip:gw@127.0.0.1>;tag=g\r\n"));
        let ok = text.replacen("BYE sip:gw@127.0.0.1:5060 SIP/2.0", "SIP/2.0 200 OK", 1);
        table.uas.receive(peer, ok.as_bytes(), table.now);
        assert!(table.uas.calls.is_empty());
    }

    #[test]
    fn seventeenth_call_is_busy_and_dialogs_have_an_end() {
        let mut table = Table::new();
        for number in 1..=200 {
            let heard = table.says("INVITE", number, "ring", "", "offer");
            let wanted: &[&str] = match number {
                1..=16 => &["100", "180"],
                17..=64 => &["100", "486", "end"],
                _ => &["503"],
            };
            assert_eq!(heard, wanted, "call {number}");
        }
        assert!(table.uas.remembered.len() <= REMEMBERED_MAX);
        table.after(SENDING);
        assert_eq!(table.uas.calls.len(), CALLS_MAX);
    }
}
