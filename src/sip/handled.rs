//! Which methods and extensions are handled, in one table: Allow and Supported are made of it, and
//! what is not in it is refused by it (RFC 3261 §8.2.1, §20.5, §20.37).

use super::body;
use super::message::{Request, Response};
use super::name::{Method, Name};

/// The methods that are handled.
pub const HANDLED: [Method; 7] = [
    Method::Invite,
    Method::Ack,
    Method::Cancel,
    Method::Bye,
    Method::Options,
    Method::Info,
    Method::Message,
];

/// The extensions that are supported: none of the negotiable ones yet.
pub const SUPPORTED: &str = "";

/// The value of Allow.
#[must_use]
pub fn allow() -> String {
    let names: Vec<_> = HANDLED.iter().map(Method::as_str).collect();
    names.join(", ")
}

/// The value of Accept: what bodies may be.
#[must_use]
fn accept() -> String {
    [body::SDP, body::DTMF_RELAY, body::TEXT].join(", ")
}

/// The response to OPTIONS: inside a call it is the same as outside, and changes nothing there
/// (RFC 3261 §11.2).
#[must_use]
pub(super) fn capabilities(request: &Request, status: u16, phrase: &str) -> Response {
    let response = Response::to(request, status, phrase, None)
        .with(Name::Allow, allow())
        .with(Name::Accept, accept());
    match SUPPORTED {
        "" => response,
        supported => response.with(Name::Supported, supported),
    }
}

/// How a method that is not handled is refused; `None` for one that is.
///
/// A NOTIFY is the notice of a subscription, and there is none: 481 (RFC 6665 §4.1.3). Asterisk
/// sends one unasked for each mailbox; it takes this calmly, and so a 405 is not worth its
/// warnings. What we know and do not do is 405, what we do not know is 501 (RFC 3261 §8.2.1,
/// §21.5.2).
#[must_use]
pub fn refusal(method: &Method) -> Option<(u16, &'static str)> {
    match method {
        Method::Invite
        | Method::Ack
        | Method::Cancel
        | Method::Bye
        | Method::Options
        | Method::Info
        | Method::Message => None,
        Method::Notify => Some((481, "Subscription Does Not Exist")),
        Method::Register
        | Method::Update
        | Method::Prack
        | Method::Refer
        | Method::Subscribe
        | Method::Publish => Some((405, "Method Not Allowed")),
        Method::Other(_) => Some((501, "Not Implemented")),
    }
}

/// What is refused whoever asks: methods and extensions that are not known.
#[must_use]
pub(super) fn refusal_of_form(request: &Request) -> Option<Response> {
    if let Some((status, phrase)) = refusal(&request.method) {
        return Some(Response::to(request, status, phrase, None).with(Name::Allow, allow()));
    }
    if request.method == Method::Cancel {
        return None; // RFC 3261 §8.2.2.3: Require is ignored in CANCEL and ACK.
    }
    let supported: Vec<_> = SUPPORTED.split(',').map(str::trim).collect();
    let unknown: Vec<_> = request
        .headers
        .list(&Name::Require)
        .filter(|option| !supported.contains(option))
        .collect();
    (!unknown.is_empty()).then(|| {
        Response::to(request, 420, "Bad Extension", None)
            .with(Name::Unsupported, unknown.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_is_exactly_what_is_handled() {
        let all = [
            "INVITE",
            "ACK",
            "BYE",
            "CANCEL",
            "OPTIONS",
            "REGISTER",
            "INFO",
            "UPDATE",
            "PRACK",
            "REFER",
            "NOTIFY",
            "SUBSCRIBE",
            "MESSAGE",
            "PUBLISH",
            "FOO",
        ];
        let allowed = allow();
        for text in all {
            let method = Method::parse(text).expect("a token");
            let listed = allowed.split(", ").any(|one| one == text);
            assert_eq!(refusal(&method).is_none(), listed, "{text}");
        }
    }
}
