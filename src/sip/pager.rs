//! Text messages outside of calls, in pager mode (RFC 3428).
//!
//! ```text
//!   out   page ──▶ MESSAGE ──401, 407: once more, with credentials──▶ …
//!                     └── 2xx: delivered ── all else, or nothing: failed
//!   in    MESSAGE ──▶ Paged ──▶ answer_page: 200 it has arrived, 202 it is on its way, an error
//!            └── no text, too long, another type: 400, 413, 415; too much: 503
//! ```
//!
//! A MESSAGE makes no dialog and has no Contact (RFC 3428 §4). One that comes inside of a call is
//! for whom the call is of: its To says who. Its retransmissions are the transaction's matter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::agent::{Agent, Door, Event, Incoming, Target};
use super::auth::{Authorizer, Credentials, Subject};
use super::body;
use super::flow::Flow;
use super::header::CSeq;
use super::inbound::caller_of;
use super::message::{HeaderText, Request, Response};
use super::name::{Method, Name};
use super::outbound::{Way, Who};
use super::session::refused_body;
use super::status;
use super::transaction::TransactionId;
use super::uri::Uri;
use crate::address::Address;
use crate::call::cause::Cause;
use crate::call::signal::Caller;
use crate::id::{LegId, NoteId, Source};
use crate::text::{Author, Failure, Note, Outcome, Text};

/// A text message of a peer.
#[derive(Debug)]
pub struct Paged {
    /// What [`Agent::answer_page`] is to name.
    pub transaction: TransactionId,
    /// By which door it came in.
    pub caller: Incoming,
    /// Who wrote it.
    pub from: Author,
    /// Whom it is for.
    pub to: Address,
    /// What is written.
    pub text: Text,
}

/// Text messages on their way, out and in.
#[derive(Debug, Default)]
pub(super) struct Pages {
    out: BTreeMap<NoteId, Page>,
    answering: BTreeMap<TransactionId, Request>,
    /// What names each of those: the same one by another path is no other (RFC 3261 §8.2.2.2).
    names: BTreeSet<PageName>,
}

impl Pages {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty() && self.answering.is_empty() && self.names.is_empty()
    }
}

/// From tag, Call-ID, CSeq.
type PageName = (String, String, u32);

fn name_of(request: &Request) -> PageName {
    let headers = &request.headers;
    let number = headers.cseq().map_or(0, |cseq| cseq.number);
    let (tag, call_id) = (headers.from_tag(), headers.call_id());
    (tag.to_owned(), call_id.to_owned(), number)
}

/// One of ours.
#[derive(Debug)]
struct Page {
    hop: Uri,
    way: Way,
    credentials: Option<Credentials>,
    authorizer: Authorizer,
}

impl Page {
    /// The same request with an answer to the challenge.
    fn authorized(
        &mut self,
        request: &Request,
        response: &Response,
        ids: &mut Source,
    ) -> Option<Request> {
        let uri = request.uri.to_string();
        let subject = Subject {
            method: &request.method,
            uri: &uri,
            body: &request.body,
        };
        let credentials = self.credentials.as_ref()?;
        let answered = self.authorizer.answer(response, subject, credentials, ids);
        let fields = answered.ok()?;
        let CSeq { number, method } = request.headers.cseq()?;
        let cseq = CSeq {
            number: number + 1,
            method,
        };
        let mut again = request.clone();
        for name in [Name::Via, Name::Authorization, Name::ProxyAuthorization] {
            again.headers.remove(&name);
        }
        let cseq = HeaderText::composed(cseq.to_string());
        again.headers.set(Name::CSeq, cseq);
        for (name, value) in fields {
            again.headers.push(name, value);
        }
        Some(again)
    }
}

impl Agent {
    /// Sends a text message; what becomes of it is told by [`Event::TextOutcome`].
    pub fn page(
        &mut self,
        note: NoteId,
        target: &Target,
        of: &Note,
        ids: &mut Source,
        now: Instant,
    ) {
        let speaker = self.speaker(target);
        let trunk = speaker.trunk.as_deref();
        let at_trunk = trunk.and_then(|name| Some(self.trunks.get(self.trunk(name)?)?.uri.clone()));
        let page = Page {
            hop: at_trunk.unwrap_or_else(|| target.uri.clone()),
            way: self.way(trunk),
            credentials: speaker.credentials,
            authorizer: Authorizer::default(),
        };
        let uri = target.uri.clone().for_request();
        let mut request = Request::new(Method::Message, uri.clone())
            .with(Name::MaxForwards, "70")
            .with(Name::From, format!("{};tag={}", speaker.from, ids.token()))
            .with(Name::To, format!("<{uri}>"))
            .with(Name::CallId, ids.secret())
            .with(Name::CSeq, "1 MESSAGE");
        let text = of.text.as_str().as_bytes().to_vec();
        request.set_body(&format!("{};charset=UTF-8", body::TEXT), text);
        let (hop, way) = (page.hop.clone(), page.way.clone());
        self.pages.out.insert(note, page);
        self.send(Who::Page(note), request, &hop, way, ids, now);
        self.pump(ids, now);
    }

    /// The final response to a message of ours.
    pub(super) fn page_answered(
        &mut self,
        note: NoteId,
        request: &Request,
        response: &Response,
        ids: &mut Source,
        now: Instant,
    ) {
        let Some(page) = self.pages.out.get_mut(&note) else {
            return;
        };
        if matches!(response.status, 401 | 407)
            && let Some(again) = page.authorized(request, response, ids)
        {
            let (hop, way) = (page.hop.clone(), page.way.clone());
            return self.send(Who::Page(note), again, &hop, way, ids, now);
        }
        let outcome = match response.is_success() {
            true => Outcome::Delivered,
            false => Outcome::Failed(Failure {
                cause: status::cause(response.status),
                status: Some((response.status, response.reason.clone())),
                detail: response.headers.get(&Name::Warning).map(str::to_owned),
            }),
        };
        self.page_over(note, outcome);
    }

    /// There is no response to a message of ours.
    pub(super) fn page_lost(&mut self, note: NoteId, why: &str) {
        let failure = Failure::of(Cause::Unreachable).because(why);
        self.page_over(note, Outcome::Failed(failure));
    }

    fn page_over(&mut self, note: NoteId, outcome: Outcome) {
        if self.pages.out.remove(&note).is_some() {
            self.events.push_back(Event::TextOutcome { note, outcome });
        }
    }

    // --- those of peers ---

    /// A message inside of a call: it is for whom its To names, who is at our end of the call.
    pub(super) fn paged_inside(
        &mut self,
        leg: LegId,
        id: TransactionId,
        request: Request,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) {
        let mut in_order = Ok(());
        self.with_leg(leg, ids, now, |leg, _| in_order = leg.in_order(&request));
        if let Err((status, phrase)) = in_order {
            return self.answer(id, Response::to(&request, status, phrase, None), ids, now);
        }
        let to = request.headers.to();
        let user = to.and_then(|to| to.uri.sip()?.user_name());
        let known = self.caller(&request, flow);
        let (account, trunk) = known.map_or((None, None), |known| (known.account, known.trunk));
        let caller = Incoming {
            user,
            account,
            trunk,
        };
        self.paged(id, request, caller, ids, now);
    }

    /// A message of a known peer.
    pub(super) fn paged(
        &mut self,
        id: TransactionId,
        request: Request,
        caller: Incoming,
        ids: &mut Source,
        now: Instant,
    ) {
        let name = name_of(&request);
        let checked = match self.door {
            Door::Closed | Door::Shedding => {
                self.counts.shed += 1;
                Err(self.come_again(&request))
            }
            Door::Open if self.pages.names.contains(&name) => {
                Err(Response::to(&request, 482, "Loop Detected", None))
            }
            Door::Open => self.text_of(&request),
        };
        let text = match checked {
            Ok(text) => text,
            Err(refusal) => return self.answer(id, refusal, ids, now),
        };
        let Caller { uri, display_name } = caller_of(&request);
        let to = request.uri.address();
        self.pages.names.insert(name);
        self.pages.answering.insert(id, request);
        self.events.push_back(Event::Paged(Paged {
            transaction: id,
            caller,
            from: Author { uri, display_name },
            to,
            text,
        }));
    }

    fn text_of(&self, request: &Request) -> Result<Text, Response> {
        let most = self.settings.text_bytes_max;
        body::text(&request.headers, &request.body, most).map_err(|fault| {
            let response = refused_body(request, &fault);
            match fault.status {
                // RFC 3261 §21.4.13: what would be taken.
                415 => with_accept(response),
                _ => response,
            }
        })
    }

    /// Answers a message of a peer: with 200 once it has arrived, with 202 while it may still.
    pub fn answer_page(
        &mut self,
        id: TransactionId,
        status: u16,
        phrase: &str,
        ids: &mut Source,
        now: Instant,
    ) {
        let Some(request) = self.pages.answering.remove(&id) else {
            return;
        };
        self.pages.names.remove(&name_of(&request));
        // RFC 3428 §7: neither a body nor a Contact is in a 2xx.
        let response = match status {
            503 => self.come_again(&request),
            _ => Response::to(&request, status, phrase, None),
        };
        self.answer(id, response, ids, now);
    }
}

fn with_accept(mut response: Response) -> Response {
    let accept = HeaderText::composed(body::TEXT);
    response.headers.set(Name::Accept, accept);
    response
}
