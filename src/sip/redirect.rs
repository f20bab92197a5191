//! Redirects: the places that a 3xx names, tried one after the other (RFC 3261 §8.1.3.4).
//!
//! ```text
//!   INVITE ── 3xx: its Contacts join the waiting ──▶ the best of them ── 4xx, 5xx, silence ──┐
//!                                                        ▲                                   │
//!                                                        └──────────── the next ◀────────────┘
//! ```
//!
//! In order of `q`, one at a time, none twice, and only where the trunk's calls may go. A 6xx is
//! said for the callee wherever he is (RFC 3261 §21.6), and ends it.

use std::collections::VecDeque;

use super::header::CSeq;
use super::leg::{Do, Leg, Purpose, World};
use super::message::{HeaderText, Headers, Request, Response};
use super::name::Name;
use super::state::{Heard, State};
use super::uac::refusal;
use super::uri::Uri;

/// Places that are tried for one call (RFC 3261 §8.1.3.4 leaves the number to us).
const PLACES_MAX: usize = 5;

/// Where else an INVITE goes.
#[derive(Debug)]
pub(super) struct Redirects {
    /// What was tried or waits, the first Request-URI included.
    seen: Vec<Uri>,
    /// What waits, best first.
    waiting: VecDeque<Uri>,
    /// The INVITE as it goes to them, but for its Request-URI; none before a redirect.
    invite: Option<Box<Request>>,
    /// The highest CSeq that was sent.
    number: u32,
}

impl Redirects {
    /// None yet: the INVITE goes to this place.
    pub(super) fn new(first: Uri) -> Self {
        Self {
            seen: vec![first],
            waiting: VecDeque::new(),
            invite: None,
            number: 1,
        }
    }

    /// The CSeq of the next INVITE, after one that had this.
    pub(super) fn next_number(&mut self, after: u32) -> u32 {
        self.number = self.number.max(after) + 1;
        self.number
    }

    /// Takes the places of a response that may be tried and were not.
    fn take(&mut self, places: Vec<Uri>) {
        let mut fresh = Vec::new();
        for uri in places {
            if self.seen.len() <= PLACES_MAX && !self.seen.contains(&uri) {
                self.seen.push(uri.clone());
                fresh.push(uri);
            }
        }
        for uri in fresh.into_iter().rev() {
            self.waiting.push_front(uri);
        }
    }
}

impl Leg {
    /// 3xx: followed inside the trunk, told otherwise.
    pub(super) fn redirected(
        &mut self,
        request: &Request,
        response: &Response,
        world: &mut World<'_>,
    ) {
        let mut places = contacts(&response.headers);
        places.retain(|uri| self.may_go_to(uri));
        let State::Calling { redirects, .. } = &mut self.state else {
            return;
        };
        redirects.take(places);
        redirects.invite = Some(Box::new(request.clone()));
        if !self.try_next_place(world) {
            let why = "redirected to where this call may not go, or too often";
            let ending = refusal(response).because(why);
            self.end(ending, world);
        }
    }

    /// Sends the INVITE to the next place of a redirect. Returns whether there is one.
    pub(super) fn try_next_place(&mut self, world: &mut World<'_>) -> bool {
        let State::Calling {
            redirects, heard, ..
        } = &mut self.state
        else {
            return false;
        };
        let Some((invite, uri)) = redirects.invite.as_ref().zip(redirects.waiting.pop_front())
        else {
            return false;
        };
        let mut again = (**invite).clone();
        let number = redirects.next_number(invite.headers.cseq().map_or(1, |cseq| cseq.number));
        *heard = Heard::Nothing;
        world.out.push(Do::Note(format!("redirected to {uri}")));
        again.uri = uri.clone();
        for name in [Name::Via, Name::Authorization, Name::ProxyAuthorization] {
            again.headers.remove(&name);
        }
        // RFC 7616 §3.4.6: the credentials are for this URI, and a nonce is counted up.
        self.sign(&mut again, world);
        let method = again.method.clone();
        let cseq = CSeq { number, method }.to_string();
        again.headers.set(Name::CSeq, HeaderText::composed(cseq));
        self.uri = uri;
        world.out.push(Do::Send(Purpose::Invite, Box::new(again)));
        true
    }

    /// Whether a redirect to this place is followed: the hosts of the trunk, and never out of TLS.
    fn may_go_to(&self, uri: &Uri) -> bool {
        let was_secure = self.uri.sip().is_some_and(|uri| uri.secure);
        let mut hosts = self.identity.redirects_to.iter();
        uri.sip().is_some_and(|uri| {
            // RFC 3261 §19.1.1: `maddr` would lead somewhere else than the host says.
            uri.parameter("maddr").is_none()
                && (uri.secure || !was_secure)
                && hosts.any(|host| host.eq_ignore_ascii_case(&uri.host))
        })
    }
}

/// The Contacts of a 3xx as Request-URIs, the highest `q` first; one without is as good as any
/// (RFC 3261 §20.10). Neither method nor headers stand in a Request-URI (RFC 3261 §19.1.1, table
/// 1).
fn contacts(headers: &Headers) -> Vec<Uri> {
    let mut all: Vec<(u16, Uri)> = headers
        .name_addrs(&Name::Contact)
        .map(|contact| {
            let q = contact.parameter("q").map_or(1000, thousandths);
            (q, contact.uri.for_request())
        })
        .collect();
    // Stable: equals stay as they were written.
    all.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    all.into_iter().map(|(_, uri)| uri).collect()
}

/// A `qvalue` (RFC 3261 §25.1): 0 to 1, at most three places; what is none is the least.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if part.len() > 3 || !digits(whole) || !digits(part) {
        return 0;
    }
    let part = format!("{part:0<3}").parse().unwrap_or(0_u16);
    let whole: u16 = whole.parse().unwrap_or(0);
    whole.saturating_mul(1000).saturating_add(part).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_come_in_order_of_q() {
        let mut headers = Headers::default();
        let text = "<sip:c@a>;q=0.25, <sip:b@a>;q=.5, <sip:a@a>;q=1.000";
        headers.push(Name::Contact, HeaderText::composed(text));
        let text = "<sip:d@a;method=INVITE?Subject=x>;q=0.1, <sip:e@a>;q=nan, <sip:z@a>";
        headers.push(Name::Contact, HeaderText::composed(text));
        let order: Vec<_> = contacts(&headers).iter().map(ToString::to_string).collect();
        let expected = [
            "sip:a@a", "sip:z@a", "sip:b@a", "sip:c@a", "sip:d@a", "sip:e@a",
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn no_place_is_taken_twice_and_there_are_only_so_many() {
        let place = |number: usize| Uri::parse(&format!("sip:{number}@a")).unwrap();
        let mut redirects = Redirects::new(place(0));
        redirects.take(vec![place(0), place(1), place(1)]);
        assert_eq!(redirects.waiting, [place(1)]);
        redirects.take((2..100).map(place).collect());
        assert_eq!(redirects.waiting.len(), PLACES_MAX);
        assert_eq!(redirects.waiting.front(), Some(&place(2)));
    }
}
