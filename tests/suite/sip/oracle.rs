//! Another parser's opinion: `rsip` 0.4 over both corpora. Where it differs from ours the
//! difference is listed with what it is; a new one fails, and so does one that has gone.

use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::prelude::HeadersExt;

use super::corpus;
use crosspoint::sip::message::Message;
use crosspoint::sip::text::{Limits, Parsed, parse};

/// What a parser reads out of a message: things both of them know, in one order.
type Opinion = Vec<(&'static str, String)>;

/// Valid messages that rsip does not read, in whichever corpus, with what it stumbles over.
const UNREAD_BY_RSIP: &[(&str, &str)] = &[
    ("badaspec", "white space inside brackets"),
    ("dblreq", "a compact name for Call-ID"),
    ("esc01", "an escaped scheme in the user part, compact names"),
    ("esc02", "an unknown method"),
    ("intmeth", "an unknown method, every token character"),
    ("longreq", "long values, compact names"),
    ("semiuri", "a semicolon in the user part"),
    ("unkscm", "an unknown URI scheme in the Request-URI"),
    ("unksm2", "an unknown URI scheme in To, From and Contact"),
    ("wsinv", "compact names, folded lines, white space"),
    ("x_ipv6", "an IPv6 host"),
    ("x_latin1", "bytes that are not UTF-8"),
    ("x_quotedtagcomma", "a comma and a tag inside quotes"),
    ("x_telruri", "a tel URI in the Request-URI"),
];

/// Invalid messages that rsip reads, with what it does not look at.
const READ_BY_RSIP: &[(&str, &str)] = &[
    ("badinv01", "empty elements in Via"),
    ("clerr", "Content-Length beyond the datagram"),
    ("ltgtruri", "brackets around the Request-URI"),
    ("mcl01", "two Content-Lengths"),
    ("mismatch01", "another method in CSeq"),
    ("multi01", "two of what there may be one"),
    ("ncl", "a negative Content-Length"),
    ("quotbal", "an open quote in To"),
    ("regbadct", "a Contact with header fields and no brackets"),
    ("x_huge_cl", "Content-Length beyond any datagram"),
    ("x_nul", "a NUL in the Request-URI"),
];

fn ours(bytes: &[u8]) -> Option<Opinion> {
    let Ok(Parsed::Message(message)) = parse(bytes, &Limits::default()) else {
        return None;
    };
    let headers = message.headers();
    let cseq = headers.cseq()?;
    let (start, body) = match &message {
        Message::Request(request) => (
            format!("{} {}", request.method, request.uri),
            request.body.len(),
        ),
        Message::Response(response) => (response.status.to_string(), response.body.len()),
    };
    Some(vec![
        ("start", start),
        ("from tag", headers.from_tag().to_owned()),
        ("to tag", headers.to_tag().unwrap_or_default().to_owned()),
        ("call-id", headers.call_id().to_owned()),
        ("cseq", cseq.to_string()),
        ("body", body.to_string()),
    ])
}

fn theirs(bytes: &[u8]) -> Option<Opinion> {
    let message = rsip::SipMessage::try_from(bytes).ok()?;
    let start = match &message {
        rsip::SipMessage::Request(request) => format!("{} {}", request.method, request.uri),
        rsip::SipMessage::Response(response) => response.status_code.code().to_string(),
    };
    let from = message.from_header().ok()?.clone().into_typed().ok()?;
    let to = message.to_header().ok()?.clone().into_typed().ok()?;
    let cseq = message.cseq_header().ok()?.clone().into_typed().ok()?;
    let tag = |tag: Option<&rsip::common::uri::param::Tag>| {
        tag.map(|tag| tag.value().to_owned()).unwrap_or_default()
    };
    Some(vec![
        ("start", start),
        ("from tag", tag(from.tag())),
        ("to tag", tag(to.tag())),
        ("call-id", message.call_id_header().ok()?.value().to_owned()),
        ("cseq", format!("{} {}", cseq.seq, cseq.method)),
        ("body", message.body().len().to_string()),
    ])
}

/// How the two opinions differ, where they do.
#[derive(Debug, PartialEq)]
enum Difference {
    UnreadByRsip,
    ReadByRsip,
    ReadAs(Vec<String>),
}

fn difference(ours: Option<Opinion>, theirs: Option<Opinion>) -> Option<Difference> {
    match (ours, theirs) {
        (None, None) => None,
        (Some(_), None) => Some(Difference::UnreadByRsip),
        (None, Some(_)) => Some(Difference::ReadByRsip),
        (Some(ours), Some(theirs)) => {
            let pairs = ours.iter().zip(&theirs).filter(|(one, two)| one != two);
            let texts: Vec<_> = pairs
                .map(|((what, one), (_, two))| format!("{what}: {one:?}, rsip {two:?}"))
                .collect();
            (!texts.is_empty()).then_some(Difference::ReadAs(texts))
        }
    }
}

#[test]
fn differences_from_rsip_are_the_known_ones() {
    let expected = |name: &str| {
        let listed = |list: &[(&str, &str)]| list.iter().any(|(known, _)| *known == name);
        match (listed(UNREAD_BY_RSIP), listed(READ_BY_RSIP)) {
            (true, _) => Some(Difference::UnreadByRsip),
            (false, true) => Some(Difference::ReadByRsip),
            (false, false) => None,
        }
    };
    let (mut wrong, mut agreed) = (Vec::new(), 0);
    for (folder, ending) in [("sip_torture", "sip")] {
        for case in corpus(folder, ending) {
            let found = difference(ours(&case.bytes), theirs(&case.bytes));
            agreed += usize::from(found.is_none());
            if found != expected(&case.name) {
                wrong.push(format!("{folder}/{}: {found:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A good part of the corpus at least: an oracle that agrees to nothing says nothing.
    assert!(agreed > 20, "they agree on {agreed} only");
}
