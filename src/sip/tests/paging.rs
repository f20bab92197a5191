//! Text messages: MESSAGE out and in (RFC 3428).

use super::*;
use crate::call::cause::Cause;
use crate::id::NoteId;
use crate::sip::Paged;
use crate::text::{Author, Failure, Note, Outcome, Text};

const NOTE: NoteId = NoteId(77);

fn note(text: &str) -> Note {
    Note {
        from: Author {
            uri: "user:alice".into(),
            display_name: None,
        },
        to: Address::Dialled("600".into()),
        text: Text::new(text, 10_000).unwrap(),
    }
}

fn message_with(branch: &str, kind: &str, body: &str) -> String {
    let kind = match kind {
        "" => Vec::new(),
        kind => vec![format!("Content-Type: {kind}")],
    };
    let more: Vec<_> = kind.iter().map(String::as_str).collect();
    invite_with(branch, branch, &more, body).replace("INVITE", "MESSAGE")
}

fn message(branch: &str, body: &str) -> String {
    message_with(branch, "text/plain;charset=\"UTF-8\"", body)
}

impl Bench {
    fn page(&mut self, text: &str, account: Option<(String, String)>) -> Sent {
        self.page_out(text, account);
        self.expect("MESSAGE")
    }

    fn page_out(&mut self, text: &str, account: Option<(String, String)>) {
        let target = Target {
            uri: Uri::parse("sip:600@192.0.2.9:5060").unwrap(),
            trunk: Some("pbx".into()),
            account,
            user: "alice".into(),
            display_name: None,
        };
        self.agent
            .page(NOTE, &target, &note(text), &mut self.ids, self.now);
    }

    fn outcome(&mut self) -> Option<Outcome> {
        self.drain();
        let mut found = None;
        self.others.retain(|event| match event {
            Event::TextOutcome { note, outcome } => {
                assert_eq!((*note, &found), (NOTE, &None), "told once");
                found = Some(outcome.clone());
                false
            }
            _ => true,
        });
        found
    }

    fn failed(&mut self) -> (Cause, Option<u16>) {
        match self.outcome() {
            Some(Outcome::Failed(Failure { cause, status, .. })) => (cause, status.map(|s| s.0)),
            other => panic!("{other:?}"),
        }
    }

    fn paged(&mut self) -> Paged {
        self.drain();
        self.others
            .retain(|event| !matches!(event, Event::Named { .. }));
        match self.others.pop_front() {
            Some(Event::Paged(paged)) => paged,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, paged: &Paged, status: u16) -> Sent {
        let id = paged.transaction;
        self.agent
            .answer_page(id, status, "Word", &mut self.ids, self.now);
        self.expect(&status.to_string())
    }
}

#[test]
fn message_goes_out_without_dialog_or_contact_and_2xx_is_its_delivery() {
    for status in [200, 202] {
        let mut bench = Bench::new();
        let sent = bench.page("schön\r\nhier", None);
        assert_eq!(sent.body(), "schön\r\nhier".as_bytes());
        assert_eq!(sent.header(&Name::ContentType), "text/plain;charset=UTF-8");
        assert_eq!(sent.header(&Name::Contact), "");
        assert!(
            sent.header(&Name::From)
                .starts_with("<sip:alice@192.0.2.1>;tag=")
        );
        assert_eq!(sent.header(&Name::To), "<sip:600@192.0.2.9:5060>");
        assert_eq!(bench.outcome(), None);
        bench.reply(&sent, status, "p", &[], "");
        assert_eq!(bench.outcome(), Some(Outcome::Delivered));
        bench.seconds(40);
        assert!(bench.agent.is_idle());
    }
}

#[test]
fn challenge_is_answered_and_a_wrong_password_is_told() {
    let mut bench = Bench::new();
    let sent = bench.page("hello", None);
    let challenge = ["Proxy-Authenticate: Digest realm=\"r\", nonce=\"1\", qop=\"auth\""];
    bench.reply(&sent, 407, "p", &challenge, "");
    let again = bench.expect("MESSAGE");
    assert!(
        again
            .header(&Name::ProxyAuthorization)
            .contains("username=\"crosspoint\"")
    );
    assert_eq!((number_of(&again), again.body()), (2, &b"hello"[..]));
    assert_eq!(again.headers().call_id(), sent.headers().call_id());
    assert_eq!(again.headers().from_tag(), sent.headers().from_tag());
    bench.reply(&again, 407, "p", &challenge, "");
    assert_eq!(bench.failed(), (Cause::Forbidden, Some(407)));
    bench.seconds(40);
    assert!(bench.agent.is_idle());
}

#[test]
fn account_writes_as_itself() {
    let mut bench = Bench::new();
    let key = ("alice".to_owned(), "desk".to_owned());
    bench
        .agent
        .add_account(key.clone(), &account(), &mut bench.ids, bench.now);
    bench.expect("REGISTER");
    let sent = bench.page("hello", Some(key));
    assert!(sent.header(&Name::From).contains("<sip:1001@pbx.example>"));
}

#[test]
fn refusals_and_silence_are_told_with_their_cause() {
    for (status, cause) in [
        (404, Cause::NotFound),
        (480, Cause::Unavailable),
        (415, Cause::NotAcceptable),
        (603, Cause::Declined),
        (302, Cause::Moved),
    ] {
        let mut bench = Bench::new();
        let sent = bench.page("hello", None);
        bench.reply(
            &sent,
            status,
            "p",
            &["Contact: <sip:elsewhere@192.0.2.9>"],
            "",
        );
        assert_eq!(bench.failed(), (cause, Some(status)));
        bench.expect_silence();
    }
    let mut bench = Bench::new();
    bench.page("hello", None);
    bench.seconds(40);
    assert_eq!(bench.failed(), (Cause::Unreachable, None));
    assert!(bench.agent.is_idle());
}

/// RFC 3428 §8: what is too large for UDP never goes by it.
#[test]
fn long_message_goes_by_tcp_and_not_back_to_udp() {
    let mut config = config();
    config.sip.udp_max_bytes = 1300;
    let mut bench = Bench::with(&config);
    let connect = |bench: &mut Bench| {
        bench.page_out(&"x".repeat(1300), None);
        bench.drain();
        bench.others.iter().rev().find_map(|event| match event {
            Event::Connect { stream, .. } => Some(*stream),
            _ => None,
        })
    };
    let stream = connect(&mut bench).expect("a stream is opened");
    bench.expect_silence();
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let sent = bench.expect("MESSAGE");
    assert_eq!(sent.flow, Flow::Stream(stream));
    bench.reply(&sent, 200, "p", &[], "");
    assert_eq!(bench.outcome(), Some(Outcome::Delivered));

    let mut bench = Bench::with(&config);
    let stream = connect(&mut bench).expect("a stream is opened");
    bench
        .agent
        .stream_failed(stream, "refused", &mut bench.ids, bench.now);
    assert_eq!(bench.failed(), (Cause::Unreachable, None));
    assert_eq!(connect(&mut bench), Some(stream), "no other is opened");
    assert_eq!(bench.failed(), (Cause::Unreachable, None));
    bench.expect_silence();
}

#[test]
fn message_of_a_trunk_comes_up_and_its_retransmissions_are_the_transactions() {
    let mut bench = Bench::new();
    let text = message("m1", "hallo\r\nwelt");
    bench.receive(&text);
    bench.receive(&text);
    let paged = bench.paged();
    assert_eq!(paged.text.as_str(), "hallo\r\nwelt");
    assert_eq!(
        (paged.from.uri.as_str(), paged.from.display_name.as_deref()),
        ("sip:bob@pbx.example", Some("Bob"))
    );
    assert_eq!(paged.caller.user.as_deref(), Some("alice"));
    assert_eq!(paged.caller.trunk.as_deref(), Some("pbx"));
    assert!(bench.others.is_empty());
    bench.expect_silence();
    let ok = bench.answer(&paged, 200);
    assert!(ok.headers().to_tag().is_some() && ok.body().is_empty());
    assert_eq!(ok.header(&Name::Contact), "");
    bench.receive(&text);
    bench.expect("200");
    assert!(bench.others.is_empty());
    bench.seconds(70);
    assert!(bench.agent.is_idle());
}

/// RFC 3261 §8.2.2.2: the same request by another path.
#[test]
fn message_by_two_paths_comes_up_once() {
    let mut bench = Bench::new();
    bench.receive(&message("m1", "hello"));
    bench.receive(&message("m1", "hello").replace("z9hG4bKm1", "z9hG4bKm2"));
    bench.expect("482");
    let paged = bench.paged();
    assert!(bench.others.is_empty());
    bench.answer(&paged, 202);
}

#[test]
fn what_is_no_text_is_refused() {
    let mut bench = Bench::new();
    for (branch, kind, body, status) in [
        ("a", "message/cpim", "x", "415"),
        ("b", "text/html", "x", "415"),
        ("c", "application/im-iscomposing+xml", "x", "415"),
        ("d", "text/plain;charset=koi8-r", "x", "415"),
        ("e", "text/plain", "", "400"),
        ("f", "text/plain", " \r\n", "400"),
        ("g", "text/plain", &"x".repeat(8193), "413"),
    ] {
        bench.receive(&message_with(branch, kind, body));
        let refusal = bench.expect(status);
        let accept = if status == "415" { "text/plain" } else { "" };
        assert_eq!(refusal.header(&Name::Accept), accept, "{kind}");
    }
    assert!(bench.others.is_empty());
    let broken = message("h", "xx").into_bytes();
    let broken: Vec<u8> = broken[..broken.len() - 1]
        .iter()
        .copied()
        .chain([0xff])
        .collect();
    let flow = Flow::Udp {
        local: 0,
        remote: PBX.parse().unwrap(),
    };
    bench
        .agent
        .datagram(flow, &broken, &mut bench.ids, bench.now);
    bench.expect("400");
    bench.seconds(70);
    assert!(bench.agent.is_idle());
}

#[test]
fn strangers_write_to_nobody_and_the_end_takes_no_more() {
    let mut bench = Bench::new();
    bench.receive_from("203.0.113.5:5060", &message("m1", "hello"));
    bench.expect("403");
    bench.agent.set_shedding(true);
    bench.receive(&message("m2", "hello"));
    assert_ne!(bench.expect("503").header(&Name::RetryAfter), "");
    bench.agent.drain();
    bench.receive(&message("m3", "hello"));
    bench.expect("503");
    assert!(bench.others.is_empty());
}

#[test]
fn message_inside_a_call_is_for_whom_the_call_is_of_and_in_no_trace() {
    let mut bench = Bench::new();
    let (leg, invite) = bench.established();
    let kind = ["Content-Type: text/plain"];
    let text = callee_request(&invite, "MESSAGE", 5, "c5", &kind, "hello");
    bench.receive(&text.replace("sip:alice@192.0.2.1 SIP", "sip:x@192.0.2.1 SIP"));
    let paged = bench.paged();
    assert_eq!(paged.caller.user.as_deref(), Some("alice"));
    bench.answer(&paged, 200);
    bench.receive(&callee_request(&invite, "MESSAGE", 4, "c4", &kind, "late"));
    bench.expect("500");
    assert!(bench.told().is_empty());
    let traced = bench.traced_of(leg);
    assert!(
        !traced.iter().any(|line| line.contains("MESSAGE")),
        "{traced:?}"
    );
    bench.callee_sends(&invite, "BYE", 6, "");
    bench.expect("200");
}
