//! SIP: messages, streams of them, values of header fields, challenges.

use crosspoint::id::Source;
use crosspoint::sip::auth::{Authorizer, Credentials};
use crosspoint::sip::digest::{Algorithm, Fields, Subject};
use crosspoint::sip::framing::{Frame, Framer};
use crosspoint::sip::header::{CSeq, Reason, Via};
use crosspoint::sip::message::{Request, Response};
use crosspoint::sip::name::{Method, Name};
use crosspoint::sip::text::{Limits, Parsed, parse};
use crosspoint::sip::uri::{NameAddr, Uri, escaped, quoted, unescaped, unquoted};

use super::{Target, files, fuzz, shape};
use crate::dice::Dice;
use crate::sip::mutation::there_and_back;

const WORDS: &[&str] = &[
    "SIP/2.0",
    "INVITE ",
    "REGISTER ",
    "Via: ",
    "v:",
    "From: ",
    "To: ",
    "Call-ID: ",
    "CSeq: ",
    "Contact: ",
    "Route: ",
    "Content-Length: ",
    "l: 0\r\n",
    "\r\n ",
    "\r\n\r\n",
    ";tag=",
    ";lr",
    ";branch=z9hG4bK",
    ";rport",
    ";received=",
    ";maddr=",
    ";transport=tcp",
    "sip:",
    "sips:",
    "tel:",
    "<sip:a@b>",
    "\"",
    "[::1]",
    "192.0.2.1:5060",
    "%00",
    "%zz",
    "application/sdp",
    "multipart/mixed;boundary=x",
    "--x--\r\n",
    "Digest ",
    "realm=\"",
    "nonce=\"",
    "stale=true",
    "qop=\"auth,auth-int\"",
    "algorithm=SHA-256",
    "algorithm=MD5-sess",
    "opaque=\"\"",
];

fn corpora() -> Vec<Vec<u8>> {
    let mut all = files("tests/golden/rfc4475");
    all.extend(files("tests/golden/sip_torture"));
    all
}

pub(super) fn messages() -> Target {
    let take = |input: &[u8]| {
        there_and_back(input);
        match parse(input, &Limits::default()) {
            Ok(Parsed::Message(message)) => format!("read {}", message.headers().len()),
            Ok(Parsed::Answerable(_, status, fault)) => {
                format!("{status} {}", shape(&fault.to_string()))
            }
            Err(fault) => shape(&fault.to_string()),
        }
    };
    let (name, inputs, words) = ("sip_messages", corpora(), WORDS);
    Target {
        name,
        inputs,
        words,
        take,
    }
}

/// The frames of a stream that is cut into pieces of up to this many bytes; a pong asks nothing of
/// anybody, and where one ends and a ping begins depends on the cuts.
fn frames(input: &[u8], longest: u64) -> (Vec<Frame>, Option<String>) {
    let mut dice = Dice(longest);
    let (mut framer, mut all, mut rest) = (Framer::new(4000), Vec::new(), input);
    while !rest.is_empty() {
        let cut = usize::try_from(dice.below(longest) + 1)
            .unwrap_or(1)
            .min(rest.len());
        framer.push(&rest[..cut]);
        rest = &rest[cut..];
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Pong)) => {}
                Ok(Some(frame)) => all.push(frame),
                Ok(None) => break,
                Err(fault) => return (all, Some(shape(&fault.to_string()))),
            }
        }
    }
    (all, None)
}

/// However a stream is cut, the same messages come out of it, and the same fault.
pub(super) fn streams() -> Target {
    let take = |input: &[u8]| {
        let messages = |longest| {
            let (frames, fault) = frames(input, longest);
            let is_message = |frame: &Frame| matches!(frame, Frame::Message(_));
            let messages: Vec<Frame> = frames.into_iter().filter(is_message).collect();
            (messages, fault.is_some())
        };
        let whole = messages(1 << 40);
        for longest in [1, 7, 100] {
            assert_eq!(messages(longest), whole, "cut into pieces of {longest}");
        }
        let (frames, fault) = frames(input, 1 << 40);
        let kinds = frames.iter().map(|frame| match frame {
            Frame::Message(_) => 'm',
            Frame::Ping => 'i',
            Frame::Pong => 'o',
        });
        let kinds: String = kinds.take(12).collect();
        format!("{kinds} {fault:?}")
    };
    let mut inputs = corpora();
    let two: Vec<_> = inputs.windows(2).map(|two| two.concat()).collect();
    inputs.extend(two);
    let name = "sip_streams";
    Target {
        name,
        inputs,
        words: WORDS,
        take,
    }
}

/// URIs, addresses, Via, CSeq, Reason: what is read is written, and read again the same.
pub(super) fn values() -> Target {
    let take = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let mut said = String::new();
        match Uri::parse(&text) {
            Ok(uri) => {
                let written = uri.to_string();
                assert_eq!(Uri::parse(&written).as_ref(), Ok(&uri), "{written}");
                assert!(!written.contains(['\r', '\n', '\0']), "{written:?}");
                let _ = (uri.address(), uri.sip().map(|uri| uri.is_same_target(uri)));
                said += "uri";
            }
            Err(why) => said += &shape(&why.to_string()),
        }
        if let Ok(name_addr) = NameAddr::parse(&text) {
            let written = name_addr.to_string();
            let again = NameAddr::parse(&written);
            assert_eq!(
                again.as_ref().map(|a| &a.uri),
                Ok(&name_addr.uri),
                "{written}"
            );
            assert_eq!(
                again.map(|a| a.tag().map(str::to_owned)),
                Ok(name_addr.tag().map(str::to_owned)),
                "{written}"
            );
            said += " name-addr";
        }
        assert_eq!(Via::is_readable(&text), Via::parse(&text).is_some());
        if let Some(via) = Via::parse(&text) {
            let written = via.to_string();
            assert_eq!(Via::parse(&written), Some(via), "{written}");
            said += " via";
        }
        said += if CSeq::parse(&text).is_some() {
            " cseq"
        } else {
            ""
        };
        said += if Reason::parse(&text).is_some() {
            " reason"
        } else {
            ""
        };
        assert_eq!(unescaped(&escaped(&text)), text);
        let _ = (unescaped(&text), unquoted(&text), quoted(&text));
        said
    };
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    for message in corpora() {
        let text = String::from_utf8_lossy(&message).into_owned();
        for line in text.lines().take(30) {
            let value = line.split_once(':').map_or(line, |(_, value)| value.trim());
            inputs.push(value.as_bytes().to_vec());
            let uri = value
                .split(['<', ' '])
                .nth(1)
                .and_then(|rest| rest.split('>').next());
            inputs.extend(uri.map(|uri| uri.as_bytes().to_vec()));
        }
    }
    inputs.sort();
    inputs.dedup();
    let name = "sip_values";
    Target {
        name,
        inputs,
        words: WORDS,
        take,
    }
}

/// A challenge: split into its parts, and answered or refused.
pub(super) fn challenges() -> Target {
    let take = |input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        for fields in Fields::all(&text) {
            let _ = (fields.get("nonce"), fields.owned("realm"));
            let _ = Algorithm::parse(fields.get("algorithm"));
        }
        let request = Request::new(Method::Register, Uri::parse("sip:b").unwrap())
            .with(Name::Via, "SIP/2.0/UDP a;branch=z9hG4bK1")
            .with(Name::From, "<sip:a@b>;tag=1")
            .with(Name::To, "<sip:a@b>")
            .with(Name::CallId, "1")
            .with(Name::CSeq, "1 REGISTER");
        let credentials = Credentials {
            user: "alice".into(),
            password: "not-for-the-log".into(),
        };
        let subject = Subject {
            method: &Method::Register,
            uri: "sip:b",
            body: b"",
        };
        let (mut authorizer, mut ids) = (Authorizer::default(), Source::from_number(1));
        let mut said = String::new();
        for _ in 0..3 {
            let challenge = Response::to(&request, 401, "Unauthorized", Some("t"))
                .with(Name::WwwAuthenticate, text.as_ref());
            assert!(challenge.to_bytes().len() > 100);
            match authorizer.answer(&challenge, subject, &credentials, &mut ids) {
                Ok(fields) => {
                    for (_, value) in &fields {
                        let value = value.as_str();
                        assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
                        assert!(!value.contains("not-for-the-log"), "{value}");
                    }
                    said += &format!("answered {} ", fields.len());
                }
                Err(why) => said += &shape(&why.to_string()),
            }
        }
        said
    };
    let inputs = [
        r#"Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth""#,
        r#"Digest realm="pbx", nonce="n2", stale=true, algorithm=SHA-256, qop="auth,auth-int""#,
        r#"Digest realm="a\"b", nonce="", opaque="xyz", algorithm=MD5-sess"#,
        r#"Basic realm="x", Digest realm="y", nonce="n""#,
        "Digest",
    ];
    let inputs = inputs.iter().map(|text| text.as_bytes().to_vec()).collect();
    let name = "sip_challenges";
    Target {
        name,
        inputs,
        words: WORDS,
        take,
    }
}

#[test]
fn messages_hold() {
    fuzz(messages());
}

#[test]
fn streams_hold() {
    fuzz(streams());
}

#[test]
fn values_hold() {
    fuzz(values());
}

#[test]
fn challenges_hold() {
    fuzz(challenges());
}
