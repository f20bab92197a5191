//! Who may ask what: strangers, trunks, registrations, methods, too much.

use super::*;
use crate::ask::Told;

fn options(branch: &str, method: &str) -> String {
    invite_text("9", branch, "").replace("INVITE", method)
}

#[test]
fn stranger_is_told_once_and_then_met_with_silence() {
    let mut bench = Bench::new();
    bench.receive_from("203.0.113.5:5060", &invite_text("1", "i1", &offer_text()));
    bench.expect("403");
    bench.receive_from("203.0.113.5:5060", &invite_text("2", "i2", &offer_text()));
    bench.receive_from("203.0.113.5:5060", &options("o1", "OPTIONS"));
    bench.expect_silence();
    assert_eq!(bench.agent.counts.strangers, 3);
    assert!(bench.calls.is_empty());
    bench.seconds(70);
    bench.forget_sent();
    assert!(bench.agent.is_idle());
}

/// A tag makes nobody known: no transaction stays, and one answer a minute is all there is.
#[test]
fn stranger_with_a_tag_is_a_stranger() {
    let mut bench = Bench::new();
    for number in 0..50 {
        let text = options(&format!("o{number}"), "OPTIONS");
        let text = text.replacen("\r\nCall-ID", ";tag=z\r\nCall-ID", 1);
        assert!(text.contains(";tag=z"), "{text}");
        bench.receive_from("203.0.113.5:5060", &text);
    }
    bench.expect("481");
    bench.expect_silence();
    assert_eq!(bench.agent.counts.strangers, 50);
}

#[test]
fn stranger_who_breaks_rules_is_told_once() {
    let mut bench = Bench::new();
    for number in 0..3 {
        let text = options(&format!("o{number}"), "OPTIONS").replace("SIP/2.0\r", "SIP/3.0\r");
        bench.receive_from("203.0.113.6:5060", &text);
    }
    bench.expect("505");
    bench.expect_silence();
}

/// RFC 3261 §12.2.2: both tags are of the dialog.
#[test]
fn request_with_another_remote_tag_is_of_no_call() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    let bye = callee_request(&invite, "BYE", 5, "c5", &[], "");
    bench.receive(&bye.replace(";tag=p", ";tag=q"));
    bench.expect("481");
    assert!(bench.told().is_empty());
    bench.receive(&bye.replace("z9hG4bKc5", "z9hG4bKc6"));
    bench.expect("200");
    assert_eq!(bench.told().len(), 1);
}

#[test]
fn options_of_a_trunk_says_what_is_handled() {
    let mut bench = Bench::new();
    bench.receive(&options("o1", "OPTIONS"));
    let ok = bench.expect("200");
    assert_eq!(ok.header(&Name::Allow), super::super::allow());
    assert!(ok.headers().to_tag().is_some());
}

/// RFC 3261 §11.2: inside a call the answer is the same as outside.
#[test]
fn options_inside_a_call_says_the_same_as_outside() {
    let mut bench = Bench::new();
    bench.receive(&options("o1", "OPTIONS"));
    let outside = bench.expect("200");
    bench.receive(&invite_text("1", "i1", &offer_text()));
    bench.told();
    let leg = bench.calls.pop_front().expect("a call").leg;
    bench.apply(leg, Signal::Ring);
    bench.expect("100");
    let ringing = bench.expect("180");
    bench.receive(&inside(&ringing, "OPTIONS", 2, "o2", &[], ""));
    let early = bench.expect("200");
    let answer = description(&answer_text());
    bench.apply(leg, Signal::Accept(Some(answer)));
    let ok = bench.expect("200");
    bench.receive(&inside(&ok, "ACK", 1, "i1a", &[], ""));
    bench.receive(&inside(&ok, "OPTIONS", 3, "o3", &[], ""));
    let confirmed = bench.expect("200");
    for name in [Name::Allow, Name::Accept, Name::Supported] {
        assert_eq!(early.header(&name), outside.header(&name));
        assert_eq!(confirmed.header(&name), outside.header(&name));
    }
    assert!(outside.header(&Name::Accept).contains("application/sdp"));
}

#[test]
fn each_method_is_answered_as_the_table_says() {
    let expected = [
        ("REGISTER", "405"),
        ("UPDATE", "405"),
        ("PRACK", "405"),
        ("REFER", "405"),
        ("SUBSCRIBE", "405"),
        ("PUBLISH", "405"),
        ("NOTIFY", "481"),
        ("FOO", "501"),
        ("BYE", "481"),
        ("INFO", "481"),
    ];
    let mut bench = Bench::new();
    for (number, (method, status)) in expected.into_iter().enumerate() {
        bench.receive(&options(&format!("m{number}"), method));
        let response = bench.expect(status);
        if !matches!(method, "BYE" | "INFO") {
            assert_eq!(
                response.header(&Name::Allow),
                super::super::allow(),
                "{method}"
            );
        }
    }
}

#[test]
fn method_that_is_not_handled_is_refused_inside_a_call_and_leaves_it_alone() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    bench.callee_sends(&invite, "UPDATE", 5, "");
    bench.expect("405");
    assert!(bench.told().is_empty());
    bench.callee_sends(&invite, "BYE", 6, "");
    bench.expect("200");
}

#[test]
fn request_for_a_dialog_that_is_not_there_gets_481() {
    let mut bench = Bench::new();
    let (_, invite) = bench.established();
    let bye = callee_request(&invite, "BYE", 5, "c5", &[], "");
    bench.receive(&bye.replace(";tag=", ";tag=x"));
    bench.expect("481");
    assert!(bench.told().is_empty());
}

#[test]
fn too_much_and_the_end_are_503_with_retry_after() {
    let mut bench = Bench::new();
    bench.agent.set_shedding(true);
    bench.receive(&invite_text("1", "i1", &offer_text()));
    assert!(!bench.expect("503").header(&Name::RetryAfter).is_empty());
    bench.agent.set_shedding(false);
    bench.receive(&invite_text("2", "i2", &offer_text()));
    bench.expect("100");
    bench.agent.drain();
    bench.agent.set_shedding(false);
    bench.receive(&invite_text("3", "i3", &offer_text()));
    bench.expect("503");
    assert_eq!(bench.agent.counts.shed, 2);
}

#[test]
fn more_legs_than_allowed_are_refused_and_counted() {
    let mut config = config();
    config.sip.dialogs_max = 1;
    let mut bench = Bench::with(&config);
    bench.receive(&invite_text("1", "i1", &offer_text()));
    bench.expect("100");
    bench.receive(&invite_text("2", "i2", &offer_text()));
    bench.expect("503");
    assert_eq!(bench.agent.counts.legs_refused, 1);
}

#[test]
fn more_transactions_than_allowed_are_refused_and_counted() {
    let mut config = config();
    config.sip.transactions_max = 1;
    let mut bench = Bench::with(&config);
    bench.receive(&options("o1", "OPTIONS"));
    bench.expect("200");
    let second = options("o2", "OPTIONS");
    bench.receive(&second);
    let refusal = bench.expect("503");
    bench.receive(&second);
    let again = bench.expect("503");
    assert_eq!(refusal.header(&Name::To), again.header(&Name::To));
    assert_eq!(bench.agent.counts.transactions_refused, 2);
}

#[test]
fn header_fields_that_the_operator_lists_are_seen_and_no_others() {
    let mut config = config();
    config.trunk[0].headers = vec!["x-ticket".into()];
    let mut bench = Bench::with(&config);
    let more = ["X-Ticket: 7", "X-Secret: 8"];
    bench.receive(&invite_with("1", "i1", &more, &offer_text()));
    bench.expect("100");
    let call = bench.calls.pop_front().unwrap();
    assert_eq!(
        call.invite.headers,
        [("X-Ticket".to_owned(), "7".to_owned())]
    );
}

#[test]
fn asserted_identity_is_shown_before_from() {
    let mut bench = Bench::new();
    let asserted = "P-Asserted-Identity: \"Desk\" <sip:+1555@pbx.example>";
    bench.receive(&invite_with("1", "i1", &[asserted], &offer_text()));
    bench.expect("100");
    let call = bench.calls.pop_front().unwrap();
    assert_eq!(call.invite.from.uri, "sip:+1555@pbx.example");
}

/// Where a trunk's name leads is asked at the start, whether its health is looked after or not, and
/// again when the record is old: what it names no longer is a stranger.
#[test]
fn calls_of_a_trunk_come_from_where_its_name_leads() {
    let mut config = config();
    config.trunk[0].uri = "sip:pbx.example:5060".into();
    let mut bench = Bench::with(&config);
    bench.agent.begin(&[], &mut bench.ids, bench.now);
    let lead_to = |bench: &mut Bench, ip: &str| {
        bench.told();
        let mut others = bench.others.drain(..);
        let id = others.find_map(|event| match event {
            Event::Ask { id, .. } => Some(id),
            _ => None,
        });
        drop(others);
        let told = Told::Addresses(vec![ip.parse().unwrap()], Duration::from_secs(120));
        let id = id.expect("the name is asked for");
        bench.agent.told(id, &told, &mut bench.ids, bench.now);
    };
    bench.receive_from("192.0.2.31:5060", &options("o1", "OPTIONS"));
    bench.expect("403");
    lead_to(&mut bench, "192.0.2.31");
    bench.receive_from("192.0.2.31:5060", &options("o2", "OPTIONS"));
    bench.expect("200");
    bench.seconds(121);
    lead_to(&mut bench, "192.0.2.32");
    bench.receive_from("192.0.2.32:5060", &options("o3", "OPTIONS"));
    bench.expect("200");
    bench.receive_from("192.0.2.31:5060", &options("o4", "OPTIONS"));
    bench.expect("403");
}

#[test]
fn trunk_is_asked_and_what_it_says_is_told_once() {
    let mut config = config();
    config.trunk[0].health = Duration::from_secs(30);
    let mut bench = Bench::with(&config);
    bench.agent.begin(&[], &mut bench.ids, bench.now);
    let states = |bench: &mut Bench| {
        bench.told();
        let states = bench.others.drain(..).filter_map(|event| match event {
            Event::TrunkState { reachable, .. } => Some(reachable),
            _ => None,
        });
        states.collect::<Vec<_>>()
    };
    let asked = bench.expect("OPTIONS");
    bench.reply(&asked, 404, "p", &[], ""); // Any response means that it is there.
    assert_eq!(states(&mut bench), [true]);
    bench.seconds(31);
    let asked = bench.expect("OPTIONS");
    bench.reply(&asked, 200, "p", &[], "");
    assert!(states(&mut bench).is_empty());
    bench.seconds(70);
    assert_eq!(states(&mut bench), [false]);
}

#[test]
fn shutdown_ends_calls_and_registrations() {
    let mut bench = Bench::new();
    bench.agent.begin(&[account()], &mut bench.ids, bench.now);
    let register = bench.expect("REGISTER");
    bench.reply(&register, 200, "r", &["Expires: 600"], "");
    let (_, _) = bench.established();
    bench.agent.shutdown(&mut bench.ids, bench.now);
    let bye = bench.expect("BYE");
    let unregister = bench.expect("REGISTER");
    assert_eq!(unregister.header(&Name::Expires), "0");
    assert!(!bench.agent.is_quiet());
    bench.reply(&bye, 200, "", &[], "");
    bench.reply(&unregister, 200, "r", &[], "");
    assert!(bench.agent.is_quiet());
}
