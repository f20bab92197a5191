//! The messages of RFC 4475, byte by byte, and a second corpus of everyday and hostile ones.

use super::{Case, corpus};
use crosspoint::sip::message::{Message, Response};
use crosspoint::sip::name::Name;
use crosspoint::sip::text::{Limits, Parsed, parse};

/// What the corpora call invalid and is read all the same, each with the reason.
const LIBERAL: &[(&str, &str)] = &[
    (
        "badaspec",
        "white space inside the brackets of a To changes nothing of what it says",
    ),
    ("baddate", "nothing here looks at Date"),
    (
        "baddn",
        "an unquoted comma in a display name is what many phones send",
    ),
];

/// What became of a message: `read`, the status it is answered with, or `refused`.
fn outcome(bytes: &[u8]) -> (String, Option<Message>) {
    match parse(bytes, &Limits::default()) {
        Ok(Parsed::Message(message)) => ("read".to_owned(), Some(message)),
        Ok(Parsed::Answerable(request, status, fault)) => {
            assert!(fault.at <= bytes.len(), "{fault}");
            // What can be answered, can be answered: all that a response copies is there.
            let response = Response::to(&request, status, "Bad Request", Some("1"));
            for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
                assert!(response.headers.get(&name).is_some(), "{name}");
            }
            (status.to_string(), None)
        }
        Err(fault) => {
            assert!(fault.at <= bytes.len(), "{fault}");
            ("refused".to_owned(), None)
        }
    }
}

/// One thing that is read out of a message, by the name the index has for it.
fn value(message: &Message, what: &str) -> String {
    let headers = message.headers();
    let (start, body) = match message {
        Message::Request(request) => {
            let uri = &request.uri;
            let start = match what {
                "method" => Some(request.method.to_string()),
                "ruri" => Some(uri.to_string()),
                "host" => uri.sip().map(|uri| uri.host.clone()),
                "user" => uri.sip().and_then(|uri| uri.user_name()),
                _ => None,
            };
            (start, &request.body)
        }
        Message::Response(response) => {
            let start = match what {
                "status" => Some(response.status.to_string()),
                "reason" => Some(response.reason.clone()),
                _ => None,
            };
            (start, &response.body)
        }
    };
    let read = match what {
        "cseq" => headers.cseq().map(|cseq| cseq.number.to_string()),
        "cseq_method" => headers.cseq().map(|cseq| cseq.method.to_string()),
        "from_tag" => Some(headers.from_tag().to_owned()),
        "to_tag" => headers.to_tag().map(str::to_owned),
        "to_user" => headers.to().and_then(|to| to.uri.sip()?.user_name()),
        "from_display" => headers.from().and_then(|from| from.display),
        "to_display" => headers.to().and_then(|to| to.display),
        "vias" => Some(headers.list(&Name::Via).count().to_string()),
        "branch" => headers
            .via()
            .and_then(|via| via.branch().map(str::to_owned)),
        "contact" => headers
            .name_addrs(&Name::Contact)
            .next()
            .map(|contact| contact.uri.to_string()),
        "contacts" => Some(headers.name_addrs(&Name::Contact).count().to_string()),
        "routes" => Some(headers.name_addrs(&Name::Route).count().to_string()),
        "max_forwards" => headers.number(&Name::MaxForwards).map(|n| n.to_string()),
        "callid" => Some(headers.call_id().to_owned()),
        "body" => Some(body.len().to_string()),
        _ => start,
    };
    read.unwrap_or_else(|| "nothing".to_owned())
}

fn differences(case: &Case, message: &Message) -> Vec<String> {
    let mut wrong = Vec::new();
    for expected in &case.expected {
        let (what, wanted) = expected.split_once('=').unwrap();
        let found = value(message, what);
        if found != wanted {
            wrong.push(format!("{}: {what} is {found}, not {wanted}", case.name));
        }
    }
    wrong
}

/// The messages of the RFC itself, and the second corpus.
fn all() -> Vec<Case> {
    let mut cases = corpus("rfc4475", "dat");
    assert_eq!(cases.len(), 50, "a message of the RFC is missing");
    cases.extend(corpus("sip_torture", "sip"));
    cases
}

#[test]
fn valid_messages_are_read_right_and_invalid_ones_are_refused() {
    let mut wrong = Vec::new();
    for case in all() {
        let (outcome, message) = outcome(&case.bytes);
        let liberal = LIBERAL.iter().any(|(name, _)| *name == case.name);
        match (case.outcome.as_str(), message) {
            ("valid", Some(message)) => wrong.extend(differences(&case, &message)),
            ("invalid", Some(_)) if liberal => {}
            ("invalid", None) if !liberal => {}
            (verdict, _) => wrong.push(format!("{}: {verdict}, but {outcome}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// What is read and written again says the same: to our own eyes, header by header.
#[test]
fn what_is_read_comes_back_the_same() {
    for case in all() {
        let (_, Some(message)) = outcome(&case.bytes) else {
            continue;
        };
        let (_, again) = outcome(&message.to_bytes());
        let again = again.unwrap_or_else(|| panic!("{} is not read again", case.name));
        assert_eq!(again.start_line(), message.start_line(), "{}", case.name);
        let fields = |message: &Message| -> Vec<_> {
            let all = message.headers().iter();
            let all = all.filter(|(name, _)| **name != Name::ContentLength);
            all.map(|(name, value)| (name.to_string(), value.to_owned()))
                .collect()
        };
        assert_eq!(fields(&again), fields(&message), "{}", case.name);
        assert_eq!(
            value(&again, "body"),
            value(&message, "body"),
            "{}",
            case.name
        );
    }
}
