//! Dialogs (RFC 3261 §12): tags, sequence numbers, route set, remote target.

use super::header::CSeq;
use super::message::{HeaderText, Headers, Request, Response};
use super::name::{Method, Name};
use super::uri::{NameAddr, Uri};

/// One dialog, or the half of one that an INVITE of ours has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; the empty text of an RFC 2543 peer.
    pub remote_tag: String,
    /// Our From or To, with the tag, as it is written.
    local: String,
    /// The peer's, with his tag.
    remote: String,
    /// Where the next request goes: the peer's Contact.
    pub target: Uri,
    /// The route set, nearest first.
    routes: Vec<String>,
    /// The number of our last request.
    pub local_seq: u32,
    /// The number of his last request; none yet.
    pub remote_seq: Option<u32>,
    /// Who began it.
    pub role: Role,
}

/// Who began a dialog; the one who did owns its Call-ID (RFC 3261 §14.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We did.
    Client,
    /// The peer did.
    Server,
}

/// Whether an in-dialog request is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is new.
    Next,
    /// Its number is lower than one that was seen (RFC 3261 §12.2.2: 500).
    Stale,
}

impl Dialog {
    /// The dialog that a response to an INVITE of ours sets up (RFC 3261 §12.1.2). The response
    /// repeats what the INVITE said of us; `otherwise` is the target where it names no Contact.
    #[must_use]
    pub fn as_client(response: &Response, otherwise: &Uri) -> Option<Self> {
        let headers = &response.headers;
        let target = headers
            .name_addrs(&Name::Contact)
            .next()
            .map(|contact| contact.uri);
        let mut routes: Vec<_> = headers
            .list(&Name::RecordRoute)
            .map(str::to_owned)
            .collect();
        routes.reverse();
        Some(Self {
            call_id: headers.call_id().to_owned(),
            local_tag: headers.from_tag().to_owned(),
            remote_tag: headers.to_tag().unwrap_or_default().to_owned(),
            local: headers.get(&Name::From)?.to_owned(),
            remote: headers.get(&Name::To)?.to_owned(),
            target: target.unwrap_or_else(|| otherwise.clone()),
            routes,
            local_seq: headers.cseq()?.number,
            remote_seq: None,
            role: Role::Client,
        })
    }

    /// The dialog that an INVITE of a peer sets up with our tag (RFC 3261 §12.1.1).
    #[must_use]
    pub fn as_server(invite: &Request, local_tag: &str) -> Option<Self> {
        let headers = &invite.headers;
        let target = headers.name_addrs(&Name::Contact).next()?.uri;
        Some(Self {
            call_id: headers.call_id().to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: headers.from_tag().to_owned(),
            local: format!("{};tag={local_tag}", headers.get(&Name::To)?),
            remote: headers.get(&Name::From)?.to_owned(),
            target,
            routes: headers
                .list(&Name::RecordRoute)
                .map(str::to_owned)
                .collect(),
            local_seq: 0,
            remote_seq: Some(headers.cseq()?.number),
            role: Role::Server,
        })
    }

    /// A request inside the dialog (RFC 3261 §12.2.1.1), without Via and Contact.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_seq += 1;
        let number = self.local_seq;
        self.numbered(method, number)
    }

    /// The ACK of a 2xx to our INVITE of this number (RFC 3261 §13.2.2.4).
    #[must_use]
    pub fn ack(&self, number: u32) -> Request {
        self.numbered(Method::Ack, number)
    }

    fn numbered(&self, method: Method, number: u32) -> Request {
        let cseq = CSeq {
            number,
            method: method.clone(),
        };
        let mut request = Request::new(method, self.target.clone());
        let routes = self
            .routes
            .iter()
            .filter_map(|route| NameAddr::parse(route).ok());
        let mut routes: Vec<_> = routes.map(|route| route.uri).collect();
        let strict = routes
            .first()
            .is_some_and(|first| !first.sip().is_some_and(|u| u.is_loose()));
        if strict {
            // RFC 3261 §12.2.1.1: a strict router takes the Request-URI, the target goes last.
            let target = std::mem::replace(&mut request.uri, routes.remove(0));
            routes.push(target);
        }
        for route in routes {
            request
                .headers
                .push(Name::Route, HeaderText::composed(format!("<{route}>")));
        }
        request
            .with(Name::MaxForwards, "70")
            .with(Name::From, &self.local)
            .with(Name::To, &self.remote)
            .with(Name::CallId, &self.call_id)
            .with(Name::CSeq, cseq.to_string())
    }

    /// The URI that decides where a request of this dialog is sent: the first route or the target.
    #[must_use]
    pub fn next_hop(&self) -> Uri {
        let first = self
            .routes
            .first()
            .and_then(|route| NameAddr::parse(route).ok());
        first.map_or_else(|| self.target.clone(), |route| route.uri)
    }

    /// Takes the number of a request of the peer.
    pub fn order(&mut self, headers: &Headers) -> Order {
        let Some(CSeq { number, .. }) = headers.cseq() else {
            return Order::Stale;
        };
        if self.remote_seq.is_some_and(|seen| number < seen) {
            return Order::Stale;
        }
        // Gaps are ordinary: a proxy's challenge uses a number up (RFC 3261 §12.2.2).
        self.remote_seq = Some(number);
        Order::Next
    }

    /// A target refresh request or its 2xx names a new Contact (RFC 3261 §12.2).
    pub fn refresh_target(&mut self, headers: &Headers) {
        if let Some(contact) = headers.name_addrs(&Name::Contact).next() {
            self.target = contact.uri;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Request {
        Request::new(Method::Invite, Uri::parse("sip:bob@b").unwrap())
            .with(Name::From, "<sip:a@a>;tag=1")
            .with(Name::To, "<sip:bob@b>")
            .with(Name::CallId, "c1")
            .with(Name::CSeq, "7 INVITE")
            .with(Name::Contact, "<sip:a@192.0.2.1>")
            .with(Name::RecordRoute, "<sip:p1;lr>, <sip:p2;lr>")
    }

    #[test]
    fn client_goes_through_the_routes_in_reverse() {
        let response = Response::to(&invite(), 200, "OK", Some("2"))
            .with(Name::RecordRoute, "<sip:p2;lr>")
            .with(Name::RecordRoute, "<sip:p1;lr>")
            .with(Name::Contact, "<sip:bob@192.0.2.7:5070>");
        let mut dialog = Dialog::as_client(&response, &invite().uri).unwrap();
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:bob@192.0.2.7:5070");
        assert_eq!(
            bye.headers.all(&Name::Route).collect::<Vec<_>>(),
            ["<sip:p1;lr>", "<sip:p2;lr>"]
        );
        assert_eq!(bye.headers.get(&Name::CSeq), Some("8 BYE"));
        assert_eq!(dialog.ack(7).headers.get(&Name::CSeq), Some("7 ACK"));
        assert_eq!(dialog.next_hop().to_string(), "sip:p1;lr");
    }

    #[test]
    fn server_keeps_the_order_of_the_routes_and_our_tag() {
        let mut dialog = Dialog::as_server(&invite(), "9").unwrap();
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.headers.get(&Name::From), Some("<sip:bob@b>;tag=9"));
        assert_eq!(bye.headers.get(&Name::To), Some("<sip:a@a>;tag=1"));
        assert_eq!(dialog.next_hop().to_string(), "sip:p1;lr");
    }

    #[test]
    fn strict_router_takes_the_request_uri() {
        let strict = invite().with(Name::Subject, "x");
        let mut strict = Request {
            headers: Headers::default(),
            ..strict
        };
        for (name, value) in invite().headers.iter() {
            let value = if *name == Name::RecordRoute {
                "<sip:p1>"
            } else {
                value
            };
            strict
                .headers
                .push(name.clone(), HeaderText::composed(value));
        }
        let bye = Dialog::as_server(&strict, "9")
            .unwrap()
            .request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:p1");
        assert_eq!(bye.headers.get(&Name::Route), Some("<sip:a@192.0.2.1>"));
    }

    #[test]
    fn gap_in_the_numbers_is_ordinary_and_a_lower_one_is_stale() {
        let mut dialog = Dialog::as_server(&invite(), "9").unwrap();
        let seq = |text: &str| {
            let mut headers = Headers::default();
            headers.push(Name::CSeq, HeaderText::composed(text));
            headers
        };
        assert_eq!(dialog.order(&seq("12 BYE")), Order::Next);
        assert_eq!(dialog.order(&seq("11 BYE")), Order::Stale);
    }
}
