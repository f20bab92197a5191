//! Registrations: our accounts at their registrars, kept as long as they are wanted (RFC 3261
//! §10.2).
//!
//! ```text
//!            paced           200                       refresh
//!   Waiting ─────────▶ Trying ───▶ Registered ──────────────────▶ Trying
//!      ▲                 │ ▲          (granted time)
//!      │    423: longer ─┘ │ back-off with jitter, never for good
//!      │    else ──▶ Failed ┘
//!      │
//!      └── the answer ── Returning ◀── wanted again ── Leaving (un-REGISTER) ── answer ──▶ gone
//!                                                        ▲
//!   Trying ──remove──▶ Unwanted ── the answer: 2xx ──────┘   (else gone)
//!   Registered ──remove──▶ Leaving
//!   Waiting, Failed ──remove──▶ gone; Leaving where a registration was granted before
//! ```
//!
//! At most one REGISTER of an account is under way (RFC 3261 §10.2): what changes meanwhile waits
//! for its answer.

use std::time::{Duration, Instant};

use super::auth::{AuthRefused, Authorizer, Credentials, Subject};
use super::flow::Flow;
use super::message::{HeaderText, Request, Response};
use super::name::{Method, Name};
use super::uri::{Uri, quoted};
use crate::id::Source;

/// Names a registration: the client user it belongs to and the account.
pub type Key = (String, String);

/// An identity that is to be registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its address.
    pub uri: Uri,
    /// The registrar.
    pub registrar: Uri,
    /// For challenges.
    pub credentials: Credentials,
    /// The name that callees see.
    pub display_name: Option<String>,
    /// How long a registration is asked for.
    pub expires: Duration,
    /// The trunk that its registrar is.
    pub trunk: Option<String>,
}

/// How a registration stands, for whoever owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Under way.
    Registering,
    /// Calls come in.
    Registered,
    /// Not, and why; tried again after this long.
    Failed {
        /// In words.
        why: String,
        /// The registrar's status.
        status: Option<(u16, String)>,
        /// When it is tried again.
        retry_after: Duration,
    },
    /// Taken back.
    Unregistered,
}

/// One registration.
#[derive(Debug)]
pub struct Registration {
    /// What is wanted.
    pub wanted: Wanted,
    /// The user part of our Contact, by which its calls are known.
    pub contact_user: String,
    pub(super) state: State,
    call_id: String,
    tag: String,
    seq: u32,
    pub(super) asked: Duration,
    failures: u32,
    authorizer: Authorizer,
    pub(super) binding: Binding,
}

/// Whether the registrar may have our Contact: then it is taken back, however the last REGISTER
/// went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// It never granted one.
    Never,
    /// It did, and nobody has taken it back.
    Granted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for its turn.
    Waiting,
    /// A REGISTER is under way.
    Trying,
    /// Until then, when it is refreshed; calls come in by this flow.
    Registered { refresh_at: Instant, flow: Flow },
    /// Until then, when it is tried again.
    Failed { retry_at: Instant },
    /// A REGISTER is under way that nobody wants any more.
    Unwanted,
    /// The un-REGISTER is under way.
    Leaving,
    /// What is under way no longer matters: after it, all begins anew.
    Returning,
}

/// The first back-off; each failure doubles it.
const BACKOFF_FIRST: Duration = Duration::from_secs(2);

/// The longest registration that is asked for.
const EXPIRES_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// The longest back-off. Wrong credentials go there at once: they seldom become right.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// What becomes of a response to a REGISTER.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// Send this one.
    Again(Box<Request>),
    /// It stands so now.
    Now(Standing),
    /// It begins anew, when it has its turn.
    Anew,
    /// It is gone.
    Gone,
}

impl Registration {
    /// One that waits for its turn.
    pub(super) fn new(wanted: Wanted, ids: &mut Source) -> Self {
        Self {
            contact_user: ids.token(),
            state: State::Waiting,
            call_id: ids.secret(),
            tag: ids.token(),
            seq: 0,
            asked: wanted.expires,
            failures: 0,
            authorizer: Authorizer::default(),
            binding: Binding::Never,
            wanted,
        }
    }

    /// What is wanted has changed: what was learned of the registrar is forgotten.
    pub(super) fn renew(&mut self, wanted: Wanted) {
        self.failures = 0;
        if self.wanted != wanted {
            self.asked = wanted.expires;
            self.wanted = wanted;
            self.authorizer = Authorizer::default();
        }
    }

    /// The flow that its calls come in by.
    #[must_use]
    pub fn flow(&self) -> Option<Flow> {
        match self.state {
            State::Registered { flow, .. } => Some(flow),
            State::Waiting
            | State::Trying
            | State::Failed { .. }
            | State::Unwanted
            | State::Leaving
            | State::Returning => None,
        }
    }

    pub(super) fn request(&mut self, expires: Duration, ids: &mut Source) -> Request {
        self.seq += 1;
        let uri = &self.wanted.uri;
        let name = self
            .wanted
            .display_name
            .as_deref()
            .map(quoted)
            .unwrap_or_default();
        let mut request = Request::new(Method::Register, self.wanted.registrar.clone())
            .with(Name::MaxForwards, "70")
            .with(Name::From, format!("{name}<{uri}>;tag={}", self.tag))
            .with(Name::To, format!("{name}<{uri}>"))
            .with(Name::CallId, &self.call_id)
            .with(Name::CSeq, format!("{} REGISTER", self.seq))
            .with(Name::Expires, expires.as_secs().to_string());
        let written = request.uri.to_string();
        let subject = Subject {
            method: &Method::Register,
            uri: &written,
            body: b"",
        };
        let credentials = &self.wanted.credentials;
        for (name, value) in self.authorizer.authorize(subject, credentials, ids) {
            request.headers.push(name, value);
        }
        request
    }

    pub(super) fn response(
        &mut self,
        request: &Request,
        response: &Response,
        flow: Flow,
        ids: &mut Source,
        now: Instant,
    ) -> Outcome {
        match (self.state, response.status) {
            (State::Returning, _) => {
                self.state = State::Waiting;
                return Outcome::Anew;
            }
            (State::Unwanted, status) => {
                if !(200..300).contains(&status) && self.binding == Binding::Never {
                    return Outcome::Gone;
                }
                self.state = State::Leaving;
                return Outcome::Again(Box::new(self.request(Duration::ZERO, ids)));
            }
            (
                State::Leaving
                | State::Trying
                | State::Waiting
                | State::Registered { .. }
                | State::Failed { .. },
                _,
            ) => {}
        }
        let leaving = self.state == State::Leaving;
        match response.status {
            200..300 if leaving => Outcome::Gone,
            200..300 => {
                self.authorizer.accepted();
                self.failures = 0;
                self.binding = Binding::Granted;
                let granted = self.granted(response);
                // Early enough for two tries with their time-outs, never later than half-way for
                // short ones.
                let margin = (granted / 2).min(Duration::from_secs(70));
                let refresh_at = now + (granted - margin);
                self.state = State::Registered { refresh_at, flow };
                Outcome::Now(Standing::Registered)
            }
            401 | 407 => self.challenged(request, response, ids, now),
            _ if leaving => Outcome::Gone,
            423 => {
                // RFC 3261 §10.2.8: not less than Min-Expires.
                let least = response.headers.number(&Name::MinExpires).unwrap_or(3600);
                let least = Duration::from_secs(u64::from(least));
                if least <= self.asked || least > EXPIRES_MAX {
                    let status = Some((response.status, response.reason.clone()));
                    let why = "the registrar wants a longer registration than it says, or one of \
                               more than a week"
                        .to_owned();
                    return Outcome::Now(self.failed(why, status, None, ids, now));
                }
                // At least the double: a registrar that wants a little more each time is soon done.
                let asked = least.max(self.asked * 2).min(EXPIRES_MAX);
                self.asked = asked;
                Outcome::Again(Box::new(self.request(asked, ids)))
            }
            status => {
                let after = response.headers.number(&Name::RetryAfter);
                let after = after.map(|after| Duration::from_secs(u64::from(after)));
                let floor = if status == 403 {
                    Some(BACKOFF_MAX)
                } else {
                    after
                };
                let why = format!("the registrar refuses: {status} {}", response.reason);
                let status = Some((status, response.reason.clone()));
                Outcome::Now(self.failed(why, status, floor, ids, now))
            }
        }
    }

    fn challenged(
        &mut self,
        request: &Request,
        response: &Response,
        ids: &mut Source,
        now: Instant,
    ) -> Outcome {
        let written = request.uri.to_string();
        let subject = Subject {
            method: &Method::Register,
            uri: &written,
            body: b"",
        };
        let credentials = &self.wanted.credentials;
        match self.authorizer.answer(response, subject, credentials, ids) {
            Ok(fields) => {
                self.seq += 1;
                let mut again = request.clone();
                again.headers.remove(&Name::Via);
                again.headers.remove(&Name::Authorization);
                again.headers.remove(&Name::ProxyAuthorization);
                let seq = format!("{} REGISTER", self.seq);
                again.headers.set(Name::CSeq, HeaderText::composed(seq));
                for (name, value) in fields {
                    again.headers.push(name, value);
                }
                Outcome::Again(Box::new(again))
            }
            Err(_) if self.state == State::Leaving => Outcome::Gone,
            Err(refused @ (AuthRefused::Wrong | AuthRefused::NotUnderstood)) => {
                let status = Some((response.status, response.reason.clone()));
                let floor = Some(BACKOFF_MAX);
                Outcome::Now(self.failed(refused.to_string(), status, floor, ids, now))
            }
        }
    }

    /// The time that was granted for our own Contact (RFC 3261 §10.2.4), else Expires, else what
    /// was
    /// asked for.
    fn granted(&self, response: &Response) -> Duration {
        let ours = response.headers.name_addrs(&Name::Contact).find(|contact| {
            contact.uri.sip().and_then(|uri| uri.user_name()).as_deref()
                == Some(self.contact_user.as_str())
        });
        let seconds = ours
            .and_then(|contact| {
                contact
                    .parameter("expires")
                    .and_then(|text| text.parse().ok())
            })
            .or_else(|| response.headers.number(&Name::Expires).map(u64::from));
        let granted = seconds.map_or(self.asked, Duration::from_secs);
        granted.clamp(Duration::from_secs(5), Duration::from_secs(86_400))
    }

    pub(super) fn failed(
        &mut self,
        why: String,
        status: Option<(u16, String)>,
        at_least: Option<Duration>,
        ids: &mut Source,
        now: Instant,
    ) -> Standing {
        let doubled = BACKOFF_FIRST * 2_u32.saturating_pow(self.failures.min(8));
        self.failures += 1;
        let base = doubled.min(BACKOFF_MAX).max(at_least.unwrap_or_default());
        // Half of it by chance, so that a thousand accounts do not come back at once.
        let half = u64::try_from(base.as_millis() / 2).unwrap_or(u64::MAX);
        let retry_after = base / 2 + Duration::from_millis(ids.below(half.max(1)));
        let retry_after = retry_after.max(at_least.unwrap_or_default());
        self.state = State::Failed {
            retry_at: now + retry_after,
        };
        Standing::Failed {
            why,
            status,
            retry_after,
        }
    }
}
