//! The few SIP messages that the phone reads and writes, by the crate's codec.
//!
//! What a dialog needs of a request is read once, here; the rest of the phone sees no header.

use std::net::SocketAddr;

use crate::sip::message;
use crate::sip::name::{Method, Name};
use crate::sip::text::{self, Limits, Parsed};
use crate::sip::uri::{SipUri, Uri};

/// Bytes that one message may have.
pub const MESSAGE_MAX: usize = 65_535;

/// A message that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A request.
    Request(Box<Request>),
    /// A request that breaks a rule, and the response that says so.
    Bad(Vec<u8>),
    /// A response: only to a BYE of the phone's.
    Response {
        /// The status.
        status: u16,
        /// The Call-ID.
        call_id: String,
    },
}

/// A request with all that a dialog needs of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The user part of the request URI.
    pub user: String,
    /// The number in CSeq.
    pub cseq: u32,
    /// The Call-ID.
    pub call_id: String,
    /// The whole From value.
    pub from: String,
    /// The whole To value.
    pub to: String,
    /// The URI in Contact, where there is one.
    pub contact: Option<Uri>,
    /// The body, where it is text; else empty.
    pub body: String,
    whole: message::Request,
}

impl Request {
    fn read(whole: message::Request) -> Option<Self> {
        let headers = &whole.headers;
        let of = |name| headers.get(name).map(str::to_owned);
        let user = whole.uri.sip().and_then(SipUri::user_name);
        let first = headers.name_addrs(&Name::Contact).next();
        let contact = first.map(|contact| contact.uri);
        Some(Self {
            method: whole.method.clone(),
            user: user.unwrap_or_default(),
            cseq: headers.cseq()?.number,
            call_id: headers.call_id().to_owned(),
            from: of(&Name::From)?,
            to: of(&Name::To)?,
            contact,
            body: String::from_utf8(whole.body.clone()).unwrap_or_default(),
            whole,
        })
    }

    /// The request URI.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.whole.uri
    }

    /// The values of a header.
    pub fn all<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a str> {
        self.whole.headers.all(name)
    }

    /// What is the same for a request and its repetitions, and for an INVITE and its CANCEL and
    /// its ACK to a failure (RFC 3261 §9.1, §17.1.1.3, §17.2.3).
    #[must_use]
    pub fn transaction(&self) -> String {
        let via = self
            .whole
            .headers
            .list(&Name::Via)
            .next()
            .unwrap_or_default();
        format!("{} {via}", self.cseq)
    }

    /// The tag in To: there is one in a request within a dialog.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.whole.headers.to_tag()
    }

    /// Whether the body is something else than a description.
    #[must_use]
    pub fn has_foreign_body(&self) -> bool {
        let kind = self
            .whole
            .headers
            .get(&Name::ContentType)
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        !self.whole.body.is_empty() && !kind.eq_ignore_ascii_case("application/sdp")
    }
}

/// A response to be written.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// The status.
    pub status: u16,
    /// The tag that is added to To where it has none.
    pub tag: &'a str,
    /// Header fields.
    pub headers: &'a [(Name, &'a str)],
    /// A description.
    pub body: Option<&'a str>,
}

impl Response<'_> {
    /// The bytes of this response to `request`, which came from `source`.
    #[must_use]
    pub fn to(&self, request: &Request, source: SocketAddr) -> Vec<u8> {
        let tag = (self.status != 100).then_some(self.tag);
        let mut response = answer(&request.whole, self.status, tag, source);
        if request.method == Method::Invite && (101..300).contains(&self.status) {
            // RFC 3261 §12.1.1: the caller's route set is what the proxies recorded.
            for route in request.all(&Name::RecordRoute) {
                response = response.with(Name::RecordRoute, route);
            }
        }
        for (name, value) in self.headers {
            response = response.with(name.clone(), *value);
        }
        if let Some(body) = self.body {
            response.set_body("application/sdp", body.as_bytes().to_vec());
        }
        response.to_bytes()
    }
}

/// Reads a message that came from `source`. `None` for what is no SIP message or cannot be
/// answered.
#[must_use]
pub fn read(bytes: &[u8], source: SocketAddr) -> Option<Message> {
    match text::parse(bytes, &Limits::default()).ok()? {
        Parsed::Message(message::Message::Request(request)) => {
            Request::read(request).map(|request| Message::Request(Box::new(request)))
        }
        Parsed::Message(message::Message::Response(response)) => {
            let ours = response
                .headers
                .cseq()
                .is_some_and(|cseq| cseq.method == Method::Bye);
            let (status, call_id) = (response.status, response.headers.call_id().to_owned());
            ours.then_some(Message::Response { status, call_id })
        }
        Parsed::Answerable(request, status, fault) => {
            tracing::debug!(%fault, "the echo phone refuses a request");
            // RFC 3261 §17.1.1.3: nothing answers an ACK.
            let response = answer(&request, status, None, source).to_bytes();
            (request.method != Method::Ack).then_some(Message::Bad(response))
        }
    }
}

/// The address in a URI that has one and no name.
#[must_use]
pub fn address(uri: &Uri) -> Option<SocketAddr> {
    let uri = uri.sip()?;
    Some(SocketAddr::new(uri.ip()?, uri.port.unwrap_or(5060)))
}

fn answer(
    request: &message::Request,
    status: u16,
    tag: Option<&str>,
    source: SocketAddr,
) -> message::Response {
    let mut response = message::Response::to(request, status, reason(status), tag);
    let rest: Vec<String> = request
        .headers
        .list(&Name::Via)
        .skip(1)
        .map(str::to_owned)
        .collect();
    if let Some(mut top) = request.headers.via() {
        top.note_source(source);
        // The fields are written anew: the topmost value may share its field with others.
        response.headers.remove(&Name::Via);
        for via in rest.into_iter().rev() {
            response
                .headers
                .push_front(Name::Via, message::HeaderText::composed(via));
        }
        response
            .headers
            .push_front(Name::Via, message::HeaderText::composed(top.to_string()));
    }
    response
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        503 => "Service Unavailable",
        _ => "Server Internal Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:echo:secret@127.0.0.1;transport=tcp SIP/2.0\r\n\
        v: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.1\r\n\
        Via: SIP/2.0/UDP 10.0.0.2\r\nf: \"a;tag=no\" <sip:a@b;tag=no>;tag=yes\r\n\
        To: <sip:echo@b>\r\nCall-ID: one\r\nCSeq: 7 OPTIONS\r\n\
        m: \"x\" <sip:a@127.0.0.1:5062>;expires=3\r\nl: 2\r\n\r\nhi";

    fn source() -> SocketAddr {
        "127.0.0.1:5999".parse().unwrap()
    }

    #[test]
    fn response_goes_back_the_way_the_request_came() {
        let Some(Message::Request(request)) = read(OPTIONS.as_bytes(), source()) else {
            panic!("no request");
        };
        assert_eq!((request.user.as_str(), request.cseq), ("echo", 7));
        assert_eq!(
            request.contact.as_ref().and_then(address),
            "127.0.0.1:5062".parse().ok()
        );
        let headers = [(Name::Allow, "BYE")];
        let response = Response {
            status: 200,
            tag: "t",
            headers: &headers,
            body: None,
        };
        let text = String::from_utf8(response.to(&request, source())).unwrap();
        for line in [
            "SIP/2.0 200 OK",
            "Via: SIP/2.0/UDP 10.0.0.1",
            "Via: SIP/2.0/UDP 10.0.0.2",
            "From: \"a;tag=no\" <sip:a@b;tag=no>;tag=yes",
            "To: <sip:echo@b>;tag=t",
            "Allow: BYE",
        ] {
            assert!(
                text.lines().any(|one| one == line),
                "{line} is not in\n{text}"
            );
        }
        let top = text.lines().find(|line| line.starts_with("Via: ")).unwrap();
        assert!(
            top.contains("branch=z9hG4bKa") && top.contains("rport=5999"),
            "{top}"
        );
    }

    #[test]
    fn what_is_no_message_is_not_read_and_what_breaks_a_rule_is_told() {
        for bad in ["", "\r\n\r\n", "hello\r\n\r\n"] {
            assert_eq!(read(bad.as_bytes(), source()), None, "{bad}");
        }
        let other = OPTIONS.replace("7 OPTIONS", "7 INVITE");
        let Some(Message::Bad(response)) = read(other.as_bytes(), source()) else {
            panic!("not told");
        };
        assert!(response.starts_with(b"SIP/2.0 400 "));
    }
}
