//! One call of the phone's, as SIP sees it: its phase, the INVITE that is not done with, and
//! what is sent again until something comes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::wire::{Request, Response};
use crate::sip::header::MAGIC_COOKIE;
use crate::sip::message;
use crate::sip::name::{Method, Name};
use crate::sip::uri::Uri;

/// RFC 3261 §17.1.1.1: the round trip that is assumed.
pub(super) const T1: Duration = Duration::from_millis(500);

/// RFC 3261 §17.1.2.2: the longest time between two sendings.
pub(super) const T2: Duration = Duration::from_secs(4);

/// When sending again ends: timers F and H, and RFC 3261 §13.3.1.4.
pub(super) const SENDING: Duration = Duration::from_secs(32);

/// Where a message came from and the answer goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The number of the TCP connection; `None` is UDP.
    pub stream: Option<u64>,
}

/// See the diagram in [`super::uas`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It rings; when it answers, if ever; when nobody is thought to be there any more; and the
    /// description that the 200 will bring.
    Early {
        answers: Option<Instant>,
        gives_up: Instant,
        described: Option<String>,
    },
    /// The 200 was sent.
    Confirmed,
    /// A BYE was sent.
    Leaving(Again),
    /// Refused or hung up: only the INVITE is left to be done with.
    Over,
}

/// Bytes that are sent again until something comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) bytes: Vec<u8>,
    /// `None` on a reliable transport, where only the end is waited for.
    pub(super) next: Option<(Instant, Duration)>,
    pub(super) until: Instant,
}

impl Again {
    pub(super) fn new(bytes: Vec<u8>, repeats: bool, now: Instant) -> Self {
        Self {
            bytes,
            next: repeats.then_some((now + T1, T1)),
            until: now + SENDING,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.next
            .map_or(self.until, |(next, _)| next.min(self.until))
    }

    /// The bytes, where it is time to send them again.
    pub(super) fn again(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (next, interval) = self.next.filter(|(next, _)| now >= *next)?;
        let interval = (interval * 2).min(T2);
        self.next = Some((next.max(now) + interval, interval));
        Some(self.bytes.clone())
    }
}

/// An INVITE that is not done with.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) request: Request,
    /// Whether the ACK is to bring an answer, because the INVITE brought no offer.
    pub(super) offerless: bool,
    pub(super) step: Step,
}

/// How far its server transaction is.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// No final response yet; the last provisional one.
    Proceeding(Vec<u8>),
    /// A failure was sent; its ACK is awaited.
    Refused(Again),
    /// A 200 was sent; its ACK is awaited.
    Accepted(Again),
}

/// A dialog, and the call in it.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) peer: Peer,
    pub(super) call_id: String,
    /// The caller's From, with his tag.
    pub(super) remote: String,
    /// The phone's To, with its tag.
    pub(super) local: String,
    pub(super) tag: String,
    pub(super) target: Uri,
    pub(super) routes: Vec<String>,
    pub(super) cseq: u32,
    pub(super) phase: Phase,
    pub(super) invite: Option<Pending>,
}

impl Dialog {
    /// The last response to an INVITE that has come again.
    pub(super) fn repeated(&self, request: &Request) -> Option<Vec<u8>> {
        let pending = self.invite.as_ref()?;
        if request.method != Method::Invite
            || pending.request.transaction() != request.transaction()
        {
            return None;
        }
        match &pending.step {
            Step::Proceeding(bytes) => Some(bytes.clone()),
            Step::Refused(again) | Step::Accepted(again) => Some(again.bytes.clone()),
        }
    }

    /// The response to the INVITE that is pending; `None` where none is.
    pub(super) fn respond(
        &self,
        status: u16,
        headers: &[(Name, &str)],
        body: Option<&str>,
    ) -> Option<Vec<u8>> {
        let pending = self.invite.as_ref()?;
        let response = Response {
            status,
            tag: &self.tag,
            headers,
            body,
        };
        Some(response.to(&pending.request, self.peer.address))
    }

    /// The phone's one request within the dialog.
    pub(super) fn bye(&self, address: SocketAddr, branch: &str) -> Vec<u8> {
        let transport = if self.peer.stream.is_some() {
            "TCP"
        } else {
            "UDP"
        };
        let via = format!("SIP/2.0/{transport} {address};branch={MAGIC_COOKIE}{branch};rport");
        let mut request = message::Request::new(Method::Bye, self.target.clone())
            .with(Name::Via, via)
            .with(Name::MaxForwards, "70")
            .with(Name::From, self.local.as_str())
            .with(Name::To, self.remote.as_str())
            .with(Name::CallId, self.call_id.as_str())
            // The phone sends one request in a dialog, this one.
            .with(Name::CSeq, "1 BYE");
        for route in &self.routes {
            request = request.with(Name::Route, route.as_str());
        }
        request.to_bytes()
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let phase = match &self.phase {
            Phase::Early {
                answers: Some(answers),
                gives_up,
                described: Some(_),
            } => Some(*answers.min(gives_up)),
            Phase::Early { gives_up, .. } => Some(*gives_up),
            Phase::Leaving(again) => Some(again.due()),
            Phase::Confirmed | Phase::Over => None,
        };
        let pending = match self.invite.as_ref().map(|pending| &pending.step) {
            Some(Step::Accepted(again) | Step::Refused(again)) => Some(again.due()),
            Some(Step::Proceeding(_)) | None => None,
        };
        phase.into_iter().chain(pending).min()
    }
}
