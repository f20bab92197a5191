//! Registrations through the agent, and the calls that come by them.

use super::*;
use crate::sip::registration::Standing;

fn states(bench: &mut Bench) -> Vec<&'static str> {
    bench.told();
    let states = bench.others.drain(..).filter_map(|event| match event {
        Event::AccountState(state) => Some(match state.standing {
            Standing::Registering => "registering",
            Standing::Registered => "registered",
            Standing::Failed { .. } => "failed",
            Standing::Unregistered => "unregistered",
        }),
        _ => None,
    });
    states.collect()
}

fn begun() -> (Bench, Sent) {
    let mut bench = Bench::new();
    bench.agent.begin(&[account()], &mut bench.ids, bench.now);
    let register = bench.expect("REGISTER");
    (bench, register)
}

/// Our Contact with the time that is granted.
fn granted(register: &Sent, seconds: u32) -> String {
    format!(
        "Contact: {};expires={seconds}",
        register.header(&Name::Contact)
    )
}

#[test]
fn challenge_is_answered_and_the_granted_time_is_honoured() {
    let (mut bench, register) = begun();
    assert_eq!(register.header(&Name::To), "<sip:1001@pbx.example>");
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"";
    bench.reply(&register, 401, "r", &[challenge], "");
    let again = bench.expect("REGISTER");
    assert_eq!(again.headers().call_id(), register.headers().call_id());
    assert!(
        again
            .header(&Name::Authorization)
            .contains("username=\"1001\"")
    );
    let contact = granted(&again, 100);
    bench.reply(&again, 200, "r", &[&contact, "Expires: 3600"], "");
    assert_eq!(states(&mut bench), ["registering", "registered"]);
    bench.seconds(51);
    let refresh = bench.expect("REGISTER");
    assert!(refresh.header(&Name::Authorization).contains("nc=00000002"));
    assert_eq!(number_of(&refresh), 3);
}

#[test]
fn too_brief_is_asked_for_longer() {
    let (mut bench, register) = begun();
    bench.reply(&register, 423, "r", &["Min-Expires: 1800"], "");
    assert_eq!(bench.expect("REGISTER").header(&Name::Expires), "1800");
}

#[test]
fn registrar_that_was_down_is_found_again() {
    let (mut bench, _) = begun();
    bench.seconds(33);
    assert_eq!(states(&mut bench), ["registering", "failed"]);
    bench.forget_sent();
    bench.seconds(3);
    let register = bench.expect("REGISTER");
    bench.reply(&register, 200, "r", &["Expires: 600"], "");
    assert_eq!(states(&mut bench), ["registering", "registered"]);
}

#[test]
fn wrong_password_is_tried_again_only_after_minutes() {
    let (mut bench, register) = begun();
    let challenge =
        |nonce: &str| format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"");
    bench.reply(&register, 401, "r", &[&challenge("1")], "");
    let again = bench.expect("REGISTER");
    bench.reply(&again, 401, "r", &[&challenge("2")], "");
    assert_eq!(states(&mut bench), ["registering", "failed"]);
    bench.seconds(299);
    bench.expect_silence();
    bench.seconds(2);
    bench.expect("REGISTER");
}

#[test]
fn removed_account_waits_for_its_register_and_is_then_unregistered() {
    let (mut bench, register) = begun();
    let key = ("alice".to_owned(), "desk".to_owned());
    bench.agent.remove_account(&key, &mut bench.ids, bench.now);
    bench.expect_silence();
    bench.reply(&register, 200, "r", &["Expires: 600"], "");
    let unregister = bench.expect("REGISTER");
    assert_eq!(unregister.header(&Name::Expires), "0");
    // Wanted again, before the answer: it begins anew after it.
    assert!(
        bench
            .agent
            .add_account(key, &account(), &mut bench.ids, bench.now)
    );
    bench.expect_silence();
    bench.reply(&unregister, 200, "r", &[], "");
    let anew = bench.expect("REGISTER");
    assert_eq!(anew.header(&Name::Expires), "600");
}

#[test]
fn thousand_accounts_do_not_delay_a_call() {
    let mut bench = Bench::new();
    let accounts: Vec<_> = (0..1000)
        .map(|number| Account {
            name: number.to_string(),
            ..account()
        })
        .collect();
    bench.agent.begin(&accounts, &mut bench.ids, bench.now);
    for _ in 0..50 {
        bench.expect("REGISTER");
    }
    bench.call(); // The INVITE is the next thing that goes out.
}

#[test]
fn call_for_our_contact_belongs_to_the_account_and_needs_its_registrar() {
    let (mut bench, register) = begun();
    let contact = granted(&register, 600);
    bench.reply(&register, 200, "r", &[&contact], "");
    let user = contact
        .split_once("sip:")
        .unwrap()
        .1
        .split_once('@')
        .unwrap()
        .0
        .to_owned();
    let uri = format!("INVITE sip:{user}@192.0.2.1");
    let invite = |call: &str, branch: &str| {
        let text = invite_text(call, branch, &offer_text());
        text.replace("INVITE sip:alice@192.0.2.1", &uri)
    };
    bench.receive_from("203.0.113.5:5060", &invite("1", "i1"));
    bench.expect("403");
    bench.receive(&invite("2", "i2"));
    bench.expect("100");
    let call = bench.calls.pop_front().unwrap();
    let key = ("alice".to_owned(), "desk".to_owned());
    assert_eq!(call.caller.account, Some(key));
}

#[test]
fn call_as_an_account_is_from_it() {
    let (mut bench, register) = begun();
    bench.reply(&register, 200, "r", &["Expires: 600"], "");
    let key = Some(("alice".to_owned(), "desk".to_owned()));
    bench.call_to("sip:600@pbx.example", key, None);
    let invite = bench.expect("INVITE");
    assert!(
        invite
            .header(&Name::From)
            .starts_with("<sip:1001@pbx.example>;tag=")
    );
    assert_eq!(
        invite.header(&Name::Contact),
        register.header(&Name::Contact)
    );
    // By the trunk, whatever the Request-URI is.
    assert_eq!(invite.flow, register.flow);
}

/// Nobody can be called over a stream that is gone: it is registered by another at once, whatever
/// time was granted.
#[test]
fn stream_that_breaks_is_replaced() {
    let mut config = config();
    config.trunk[0].uri += ";transport=tcp";
    let mut bench = Bench::with(&config);
    bench.agent.begin(&[account()], &mut bench.ids, bench.now);
    let connect = |bench: &mut Bench| {
        bench.told();
        let found = bench.others.drain(..).find_map(|event| match event {
            Event::Connect { stream, .. } => Some(stream),
            _ => None,
        });
        let stream = found.expect("a stream is asked for");
        bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
        stream
    };
    let stream = connect(&mut bench);
    let register = bench.expect("REGISTER");
    assert_eq!(register.flow, Flow::Stream(stream));
    let text = response(&register, 200, "r", &[&granted(&register, 600)], "");
    bench.receive_by(Flow::Stream(stream), &text);
    bench.agent.stream_closed(stream, &mut bench.ids, bench.now);
    bench.seconds(4);
    let other = connect(&mut bench);
    assert_ne!(other, stream);
    assert_eq!(bench.expect("REGISTER").flow, Flow::Stream(other));
}

#[test]
fn registrar_is_kept_alive_over_udp() {
    let (mut bench, register) = begun();
    bench.reply(&register, 200, "r", &["Expires: 600"], "");
    bench.told();
    bench.others.clear();
    bench.seconds(26);
    let alive = bench.others.iter().filter(|event| {
        matches!(event, Event::Transmit { flow, bytes }
            if *flow == register.flow && bytes == b"\r\n\r\n")
    });
    assert_eq!(alive.count(), 1);
}
