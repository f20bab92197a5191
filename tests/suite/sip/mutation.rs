//! Text that nobody would send: what is read never panics, what is built is read again.

use super::corpus;
use crosspoint::sip::digest::Fields;
use crosspoint::sip::framing::{Frame, Framer};
use crosspoint::sip::header::{CSeq, Reason, Via};
use crosspoint::sip::message::{Message, Request, Response};
use crosspoint::sip::name::{Method, Name};
use crosspoint::sip::text::{Limits, Parsed, parse};
use crosspoint::sip::uri::{NameAddr, Uri, escaped, quoted, unescaped, unquoted};
use proptest::prelude::*;

/// Everything that can be asked of a message.
fn ask_all(message: &Message) {
    let headers = message.headers();
    let _ = (message.start_line(), headers.from(), headers.to());
    let _ = (headers.cseq(), headers.from_tag(), headers.to_tag());
    for (name, value) in headers.iter() {
        let _ = headers.name_addrs(name).count();
        let _ = (Via::parse(value), CSeq::parse(value), Reason::parse(value));
        let _ = (Fields::all(value), headers.number(name), unquoted(value));
        assert_eq!(Via::is_readable(value), Via::parse(value).is_some());
    }
}

/// Reads, asks, writes and reads again.
pub(crate) fn there_and_back(bytes: &[u8]) {
    let message = match parse(bytes, &Limits::default()) {
        Ok(Parsed::Message(message)) => message,
        Ok(Parsed::Answerable(request, status, fault)) => {
            assert!(fault.at <= bytes.len() * 3, "{fault}");
            let _ = Response::to(&request, status, "Bad", Some("t")).to_bytes();
            return ask_all(&Message::Request(*request));
        }
        Err(fault) => return assert!(fault.at <= bytes.len() * 3, "{fault}"),
    };
    ask_all(&message);
    let written = message.to_bytes();
    // Compact names are written in full, and Content-Length is always written.
    let limits = Limits {
        message_bytes_max: 1 << 20,
        headers_max: Limits::default().headers_max + 1,
        header_bytes_max: Limits::default().header_bytes_max + 100,
    };
    let Ok(Parsed::Message(again)) = parse(&written, &limits) else {
        panic!("not read again: {}", String::from_utf8_lossy(&written));
    };
    let (old, new) = (message.headers(), again.headers());
    assert_eq!(new.call_id(), old.call_id());
    assert_eq!(
        (new.to_tag(), new.from_tag()),
        (old.to_tag(), old.from_tag())
    );
    assert_eq!((new.cseq(), new.via()), (old.cseq(), old.via()));
    assert_eq!(again.start_line(), message.start_line());
}

/// A place, and what is put there instead of some bytes.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let pieces = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b"\0",
        b"\"",
        b"\\",
        b"<",
        b">",
        b";",
        b",",
        b":",
        b"=",
        b"@",
        b"%",
        b"[",
        b"]",
        b" ",
        b"\t",
        b"\xff",
        b"\xc3",
        b"?",
        b"/",
        b"*",
        b"99999999999",
        b"\r\n ",
        b"z9hG4bK",
        b"SIP/2.0",
    ]);
    let piece = prop_oneof![
        pieces.prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..4)
    ];
    (any::<prop::sample::Index>(), 0_usize..6, piece)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_message_never_panics(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let mut all = corpus("sip_torture", "sip");
        all.extend(corpus("rfc4475", "dat"));
        let mut bytes = which.get(&all).bytes.clone();
        for (place, gone, put) in changes {
            let from = place.index(bytes.len().max(1)).min(bytes.len());
            let to = (from + gone).min(bytes.len());
            bytes.splice(from..to, put);
        }
        there_and_back(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        there_and_back(&bytes);
        let mut framer = Framer::new(300);
        framer.push(&bytes);
        for _ in 0..bytes.len() {
            let Ok(Some(_)) = framer.next_frame() else { break };
        }
    }

    #[test]
    fn what_is_built_is_read_again(
        user in "[ -~]{1,20}", display in any::<String>(), tag in "[a-z0-9]{1,10}",
        text in any::<String>(), number in 0_u32..0x8000_0000,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let uri = format!("sip:{}@host.example:5061;transport=tcp", escaped(&user));
        let uri = Uri::parse(&uri).unwrap();
        let from = NameAddr {
            display: Some(display.clone()),
            uri: uri.clone(),
            parameters: vec![("tag".to_owned(), Some(tag.clone()))],
        };
        let mut request = Request::new(Method::Message, uri.clone())
            .with(Name::Via, "SIP/2.0/UDP host.example;branch=z9hG4bK1")
            .with(Name::From, from.to_string())
            .with(Name::To, "<sip:a@b>")
            .with(Name::CallId, "1")
            .with(Name::CSeq, format!("{number} MESSAGE"))
            .with(Name::Subject, text.clone());
        request.set_body("application/octet-stream", body.clone());
        let bytes = request.to_bytes();
        let mut framer = Framer::new(100_000);
        framer.push(&bytes);
        prop_assert_eq!(framer.next_frame(), Ok(Some(Frame::Message(bytes.clone()))));
        let read = parse(&bytes, &Limits::default());
        let Ok(Parsed::Message(Message::Request(again))) = read else {
            return Err(TestCaseError::fail(format!("{read:?}")));
        };
        prop_assert_eq!(&again.uri, &uri);
        prop_assert_eq!(again.uri.sip().unwrap().user_name(), Some(user));
        prop_assert_eq!(again.headers.from_tag(), tag);
        let shown: String = display.chars().filter(|c| !c.is_control()).collect();
        prop_assert_eq!(again.headers.from().unwrap().display, Some(shown));
        prop_assert_eq!(again.headers.cseq().unwrap().number, number);
        prop_assert_eq!(again.body, body);
        prop_assert_eq!(again.headers.len(), 8);
    }

    #[test]
    fn quoting_and_escaping_are_undone(text in any::<String>()) {
        prop_assert_eq!(unescaped(&escaped(&text)), text.clone());
        let plain: String = text.chars().filter(|c| !c.is_control()).collect();
        prop_assert_eq!(unquoted(&quoted(&text)), plain);
    }

    #[test]
    fn uri_that_is_read_is_written_the_same(text in "sips?:[!-~]{0,40}") {
        if let Ok(uri) = Uri::parse(&text) {
            let written = uri.to_string();
            prop_assert_eq!(Uri::parse(&written), Ok(uri));
        }
    }

    // However a stream is cut, the same messages come out.
    #[test]
    fn cuts_of_a_stream_do_not_matter(cuts in prop::collection::vec(1_usize..200, 1..40)) {
        let mut stream = Vec::new();
        let mut sent = Vec::new();
        for number in 0..5_usize {
            let mut request = Request::new(Method::Info, Uri::parse("sip:a@b").unwrap())
                .with(Name::CallId, number.to_string());
            request.set_body("text/plain", vec![b'\n'; number * 37]);
            sent.push(Frame::Message(request.to_bytes()));
            stream.extend(request.to_bytes());
        }
        let mut framer = Framer::new(10_000);
        let mut came = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            framer.push(now);
            while let Ok(Some(frame)) = framer.next_frame() {
                came.push(frame);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(came, sent);
    }
}
