//! Components: the handshake and all that can go wrong with it, losses, silence, what waits.

use std::time::Duration;

use super::*;
use crate::xmpp::NotSent;

#[test]
fn handshake_as_the_document_has_it() {
    let mut bench = Bench::new(&component());
    bench.opened();
    bench.says(COMPONENT_HEAD);
    bench.says("<handshake/>");
    bench.is("
        0 ! connect 192.0.2.1:5347
        0 ! opened
        0 > <?xml version='1.0'?><stream:stream xmlns='jabber:component:accept
        0 < <?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.ja
        0 > <handshake>a984b871214a298f0f743fcd25f99b10838ba12b</handshake>
        0 < <handshake/>
        0 = online as gw.example
    ");
}

#[test]
fn wrong_secret_is_tried_again_late() {
    let mut bench = Bench::new(&component());
    bench.opened();
    bench.says(COMPONENT_HEAD);
    bench.ladder.clear();
    bench.says(
        "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
         </stream:error></stream:stream>",
    );
    bench.until_connect();
    bench.is("
        0 < <stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-s
        0 > </stream:stream>
        0 ! close
        0 = later: the server refuses the login: not-authorized
      300 ! connect 192.0.2.1:5347
    ");
}

#[test]
fn conflict_backs_off() {
    let mut bench = Bench::new(&component());
    let mut waits = Vec::new();
    for _ in 0..9 {
        bench.opened();
        bench.says(COMPONENT_HEAD);
        bench.says(
            "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        );
        waits.push(bench.until_connect().as_millis());
    }
    // 1 s, 2 s, 4 s … 60 s, each shortened by up to half.
    for (wait, whole) in waits.iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
        let whole = whole * 1000;
        assert!((whole / 2..=whole).contains(wait), "{waits:?}");
    }
}

#[test]
fn lost_stream_is_begun_again_and_first_at_once_after_a_good_one() {
    let mut bench = Bench::component(&component());
    bench.pass_secs(20);
    bench.ladder.clear();
    bench.cut();
    assert!(bench.until_connect() <= Duration::from_secs(1));
    bench.refused();
    assert!(
        bench.until_connect() >= Duration::from_secs(1),
        "the second waits longer"
    );
    bench.log_in();
    bench.is("");
    assert_eq!(bench.agent.census(), (1, 1));
}

#[test]
fn jitter_is_the_source_s_own() {
    let wait = |seed| {
        let mut bench = Bench::new(&component());
        bench.ids = Source::from_number(seed);
        bench.refused();
        bench.until_connect()
    };
    assert_eq!(wait(5), wait(5));
    assert_ne!(wait(5), wait(6));
}

#[test]
fn every_address_of_a_server_is_tried_before_it_is_lost() {
    let mut config = component();
    config.component[0].host = "chat.example".into();
    let now = Instant::now();
    let (mut agent, mut ids) = (Agent::new(&config, now), Source::from_number(1));
    agent.handle_timeout(&mut ids, now);
    let Some(Event::Ask { id, .. }) = agent.poll_event() else {
        panic!("the name is asked for");
    };
    let told = Told::Addresses(
        vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        Duration::from_secs(60),
    );
    agent.told(id, &told, &mut ids, now);
    let mut connects = Vec::new();
    for _ in 0..2 {
        let Some(Event::Connect { stream, remote, .. }) = agent.poll_event() else {
            panic!("it connects");
        };
        connects.push(remote.to_string());
        agent.failed(stream, "no", &mut ids, now);
    }
    assert_eq!(connects, ["192.0.2.1:5347", "[2001:db8::1]:5347"]);
    let lost = agent.poll_event();
    assert!(matches!(lost, Some(Event::State { .. })), "{lost:?}");
}

#[test]
fn login_that_never_ends_is_given_up_in_time() {
    let mut bench = Bench::new(&component());
    bench.opened();
    bench.says(COMPONENT_HEAD);
    bench.ladder.clear();
    bench.pass(Duration::from_millis(15_100));
    bench.is("
       15 > </stream:stream>
       15 ! close
       15 = later: the server did not finish the login in time
    ");
}

#[test]
fn silent_server_is_pinged_and_then_lost() {
    let mut bench = Bench::component(&component());
    bench.pass(Duration::from_millis(75_100));
    bench.is("
       30 >
       60 >
       60 > <iq from='gw.example' id='ID' to='gw.example' type='get'><ping xm
       75 > </stream:stream>
       75 ! close
       75 = later: the server has said nothing for too long
    "
    .replace("ID", &bench.last_id())
    .as_str());
}

#[test]
fn any_byte_of_the_server_s_proves_that_it_lives() {
    let mut bench = Bench::component(&component());
    bench.pass_secs(70);
    bench.says(" ");
    bench.pass_secs(50);
    assert_eq!(bench.standing, []);
    assert_eq!(bench.agent.census(), (1, 1));
}

#[test]
fn own_ping_comes_back_and_is_answered() {
    let mut bench = Bench::component(&component());
    bench.pass_secs(61);
    let id = bench.last_id();
    bench.written();
    // The server takes it back to us, and our answer, too.
    bench.says(&format!(
        "<iq type='get' to='gw.example' from='gw.example' id='{id}'><ping \
         xmlns='urn:xmpp:ping'/></iq>"
    ));
    let answer = bench.written();
    assert!(
        answer.contains("type='result'") && answer.contains(&id),
        "{answer}"
    );
    bench.says(&answer);
    bench.pass_secs(40);
    assert_eq!(bench.standing, [], "it lives");
    assert_eq!(bench.agent.counts().strays, 0);
}

#[test]
fn what_waits_is_bounded_goes_out_in_order_and_is_given_back_in_time() {
    let mut config = component();
    config.xmpp.queue_max = 2;
    let mut bench = Bench::new(&config);
    assert_eq!(bench.send(message("1")), Ok(()));
    assert_eq!(bench.send(message("2")), Ok(()));
    assert_eq!(bench.send(message("3")), Err(NotSent::Full));
    assert_eq!(bench.agent.counts().queue_full, 1);
    bench.opened();
    bench.says(COMPONENT_HEAD);
    bench.written();
    bench.says("<handshake/>");
    let written = bench.written();
    let (first, second) = (written.find("id='1'"), written.find("id='2'"));
    assert!(first.is_some() && first < second, "{written}");
    bench.cut();
    bench.send(message("4")).unwrap();
    while bench.undelivered.is_empty() {
        bench.pass_secs(1);
        bench.refused();
    }
    assert_eq!(bench.undelivered[0].attr("id"), Some("4"));
}

#[test]
fn nobody_is_spoken_for_who_is_not_ours() {
    let mut bench = Bench::component(&component());
    for from in [
        "bob@example.org",
        "gw.example.org",
        "@gw.example",
        "a@b@gw.example",
    ] {
        let foreign = element("message", ns::CLIENT, &[("from", from), ("to", "a@b")]);
        assert_eq!(bench.send(foreign), Err(NotSent::ForeignFrom), "{from}");
    }
    let from_nobody = element("message", ns::CLIENT, &[("to", "a@b")]);
    bench.send(from_nobody).unwrap();
    assert!(bench.written().contains("from='gw.example'"));
    assert_eq!(bench.agent.counts().foreign_from, 4);
}

#[test]
fn stanza_that_would_end_the_stream_is_not_sent() {
    let mut bench = Bench::component(&component());
    let mut long = message("1");
    long.append_text("x".repeat(300_000));
    assert_eq!(bench.send(long), Err(NotSent::TooLong));
    assert_eq!(bench.written(), "");
}

#[test]
fn requests_are_answered_late_or_by_the_right_one() {
    let mut bench = Bench::component(&component());
    bench.ask(1, "bob@example.org/x");
    let id = bench.last_id();
    let answer =
        |from: &str| format!("<iq type='result' id='{id}' from='{from}' to='+1@gw.example'/>");
    bench.says(&answer("eve@example.org/x"));
    assert!(bench.answered.is_empty());
    assert_eq!(bench.agent.counts().strays, 1);
    bench.says(&answer("bob@example.org/x"));
    assert!(matches!(
        bench.answered.as_slice(),
        [(1, Outcome::Result(_))]
    ));
    bench.ask(2, "bob@example.org/x");
    bench.pass_secs(1);
    bench.cut();
    // One that waits in the queue is answered once, too.
    bench.ask(3, "bob@example.org/x");
    bench.pass_secs(31);
    let late: Vec<_> = bench.answered[1..]
        .iter()
        .map(|(asker, _)| *asker)
        .collect();
    assert_eq!(late, [2, 3]);
    assert!(bench.undelivered.is_empty());
}

#[test]
fn request_that_waits_is_not_sent_once_nobody_waits_for_its_answer() {
    let mut config = component();
    config.xmpp.request_timeout = Duration::from_secs(5);
    let mut bench = Bench::component(&config);
    bench.cut();
    bench.ask(1, "bob@example.org/x");
    bench.send(message("1")).unwrap();
    bench.pass_secs(6);
    assert_eq!(bench.answered, [(1, Outcome::None)]);
    bench.until_connect();
    bench.opened();
    bench.says(COMPONENT_HEAD);
    bench.written();
    bench.says("<handshake/>");
    let written = bench.written();
    assert!(
        written.contains("<message") && !written.contains("<iq"),
        "{written}"
    );
    assert!(bench.undelivered.is_empty());
}

#[test]
fn client_is_told_what_the_gateway_can_do_and_that_it_lives() {
    let mut bench = Bench::component(&component());
    for (inside, wanted) in [
        ("<ping xmlns='urn:xmpp:ping'/>", "type='result'"),
        (
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
            "<feature var='urn:xmpp:jingle:1'/>",
        ),
        (
            "<query xmlns='http://jabber.org/protocol/disco#items'/>",
            "type='result'",
        ),
    ] {
        bench.says(&format!(
            "<iq type='get' id='7' from='bob@example.org/x' to='+1@gw.example'>{inside}</iq>"
        ));
        let written = bench.written();
        assert!(
            written.contains(wanted) && written.contains("id='7'"),
            "{written}"
        );
        assert!(written.contains("to='bob@example.org/x'"), "{written}");
    }
    assert!(bench.stanzas.is_empty());
}

#[test]
fn request_that_nobody_knows_goes_up_and_can_be_refused() {
    let mut bench = Bench::component(&component());
    bench.says(
        "<iq type='set' id='7' from='bob@example.org/x' to='+1@gw.example'><jingle \
         xmlns='urn:xmpp:jingle:1'/></iq>",
    );
    let stanza = bench.stanzas.pop().unwrap();
    assert_eq!(stanza.ns(), ns::CLIENT, "whatever the stream's is");
    bench.agent.refuse(COMPONENT, &stanza, bench.now);
    bench.drain();
    assert!(bench.written().contains("<service-unavailable"));
    bench.agent.refuse(COMPONENT, &message("1"), bench.now);
    bench.drain();
    assert_eq!(bench.written(), "", "a message is not answered");
}

#[test]
fn subscriber_is_told_again_when_the_stream_is_new() {
    let mut config = component();
    config.component[0].serves = vec!["+*".into()];
    let mut bench = Bench::component(&config);
    bench.says("<presence type='subscribe' from='bob@example.org' to='+1@gw.example'/>");
    let written = bench.written();
    assert!(
        written.contains("type='subscribed'") && written.contains("<c "),
        "{written}"
    );
    bench.says("<presence type='subscribe' from='bob@example.org' to='x@gw.example'/>");
    assert!(bench.written().contains("type='unsubscribed'"));
    bench.cut();
    bench.until_connect();
    bench.opened();
    bench.says(COMPONENT_HEAD);
    bench.written();
    bench.says("<handshake/>");
    let written = bench.written();
    assert!(
        written.contains("from='+1@gw.example/crosspoint'"),
        "{written}"
    );
    assert!(!written.contains("x@gw.example"), "{written}");
}

#[test]
fn strangers_have_presence_of_no_address() {
    let mut bench = Bench::component(&component());
    for kind in ["subscribe", "probe"] {
        bench.says(&format!(
            "<presence type='{kind}' from='eve@evil.example/x' to='+1@gw.example'/>"
        ));
        assert!(bench.written().contains("type='unsubscribed'"), "{kind}");
    }
    bench.agent.shutdown(bench.now);
    bench.drain();
    assert!(!bench.written().contains("eve"), "she is not remembered");
}

#[test]
fn one_server_s_trouble_is_not_another_s() {
    let mut config = component();
    let mut other = config.component[0].clone();
    other.name = "other".into();
    other.host = "192.0.2.9".into();
    other.domain = "other.example".into();
    config.component.push(other);
    let now = Instant::now();
    let (mut agent, mut ids) = (Agent::new(&config, now), Source::from_number(1));
    agent.handle_timeout(&mut ids, now);
    let mut streams = Vec::new();
    while let Some(event) = agent.poll_event() {
        if let Event::Connect { stream, .. } = event {
            streams.push(stream);
        }
    }
    for stream in &streams {
        agent.opened(*stream, &mut ids, now);
        agent.bytes(*stream, COMPONENT_HEAD.as_bytes(), &mut ids, now);
        agent.bytes(*stream, b"<handshake/>", &mut ids, now);
    }
    assert_eq!(agent.census(), (2, 2));
    agent.bytes(streams[0], b"<a></b>", &mut ids, now);
    assert_eq!(agent.census(), (1, 2));
    // What was under way on a stream that is gone is nobody's.
    agent.bytes(streams[0], b"<message/>", &mut ids, now);
    agent.closed(streams[0], &mut ids, now);
    assert_eq!(agent.census(), (1, 2));
}

#[test]
fn shutdown_ends_the_stream_and_nothing_begins_again() {
    let mut bench = Bench::component(&component());
    bench.says("<presence type='probe' from='bob@example.org' to='+1@gw.example'/>");
    bench.ladder.clear();
    bench.agent.shutdown(bench.now);
    bench.drain();
    assert!(bench.written().contains("type='unavailable'"));
    bench.is("
        0 > <presence from='+1@gw.example/crosspoint' to='bob@example.org' type='u
        0 ! close
    ");
    assert_eq!(bench.agent.poll_timeout(), None);
}

impl Bench {
    /// The id of the last request that was written.
    fn last_id(&self) -> String {
        let text = &self.wrote;
        let at = text
            .rfind(" id='")
            .expect("something with an id was written")
            + 5;
        text[at..].chars().take_while(|c| *c != '\'').collect()
    }
}

#[test]
fn servers_for_media_are_told_to_whoever_may_call() {
    let mut config = component();
    config.component[0].callers = vec!["*@example.org".into()];
    config.client.ice_server = vec![crate::config::IceServer {
        urls: vec![
            "turn:t.example:3478?transport=udp".into(),
            "stun:s.example".into(),
        ],
        username: Some("u".into()),
        credential: Some(Secret::new("p")),
    }];
    let mut bench = Bench::component(&config);
    let mut asks = |from: &str, kind: &str, inside: &str| {
        bench.written();
        bench.says(&format!(
            "<iq type='{kind}' id='1' from='{from}' to='+1@gw.example'>{inside}</iq>"
        ));
        bench.written()
    };
    let all = "<services xmlns='urn:xmpp:extdisco:2'/>";
    let told = asks("juliet@example.org/x", "get", all);
    assert!(
        told.contains("<service host='t.example' password='p' port='3478' transport='udp' "),
        "{told}"
    );
    assert!(
        told.contains("<service host='s.example' type='stun'/>"),
        "{told}"
    );
    let stun = "<services xmlns='urn:xmpp:extdisco:2' type='stun'/>";
    let told = asks("juliet@example.org/x", "get", stun);
    assert!(
        told.contains("type='stun'") && !told.contains("t.example"),
        "{told}"
    );
    let credentials = "<credentials xmlns='urn:xmpp:extdisco:2'>\
        <service type='turn' host='t.example'/></credentials>";
    let told = asks("juliet@example.org/x", "get", credentials);
    assert!(
        told.contains("password='p'") && !told.contains("s.example"),
        "{told}"
    );
    let told = asks("mallory@example.net/x", "get", all);
    assert!(
        told.contains("<forbidden ") && !told.contains("password"),
        "{told}"
    );
    let disco = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    assert!(asks("mallory@example.net/x", "get", disco).contains("urn:xmpp:extdisco:2"));

    let mut bench = Bench::component(&component());
    bench.says(
        "<iq type='get' id='1' from='a@b/c' to='+1@gw.example'><query \
        xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    assert!(!bench.written().contains("extdisco"), "there are none");
}
