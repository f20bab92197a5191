//! Which way requests go: TCP for large ones, the next address, names, streams.

use super::*;
use crate::ask::{AskId, Question, Service, Told};

const LIFE: Duration = Duration::from_secs(60);

const CONTACT: &str = "Contact: <sip:600@192.0.2.9:5060>";

pub(super) fn small_udp() -> Config {
    let mut config = config();
    config.trunk[0].udp_max_bytes = Some(300);
    config
}

pub(super) fn connect(bench: &mut Bench) -> (u64, SocketAddr) {
    bench.told();
    let connect = bench.others.drain(..).find_map(|event| match event {
        Event::Connect { stream, remote, .. } => Some((stream, remote)),
        _ => None,
    });
    connect.expect("a stream is asked for")
}

pub(super) fn asked(bench: &mut Bench) -> (AskId, Question) {
    bench.told();
    let asked = bench.others.drain(..).find_map(|event| match event {
        Event::Ask { id, question } => Some((id, question)),
        _ => None,
    });
    asked.expect("a question")
}

pub(super) fn tell(bench: &mut Bench, id: AskId, told: Told) {
    bench.agent.told(id, &told, &mut bench.ids, bench.now);
}

pub(super) fn named(name: &str) -> Config {
    let mut config = config();
    config.trunk[0].uri = format!("sip:{name}");
    config
}

#[test]
fn large_request_goes_over_tcp_and_the_call_stays_there() {
    let mut bench = Bench::with(&small_udp());
    let leg = bench.call_with(Some(description(&offer_text())));
    let (stream, remote) = connect(&mut bench);
    assert_eq!(remote, PBX.parse().unwrap());
    bench.expect_silence();
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    assert_eq!(invite.flow, Flow::Stream(stream));
    assert!(invite.header(&Name::Via).starts_with("SIP/2.0/TCP"));
    assert!(invite.header(&Name::Contact).contains("transport=tcp"));
    assert!(bench.notes.iter().any(|note| note.starts_with("by TCP")));
    bench.reply(&invite, 200, "p", &[CONTACT], &answer_text());
    assert_eq!(bench.expect("ACK").flow, Flow::Stream(stream));
    bench.apply(leg, Signal::Offer(Some(description(&offer_text()))));
    assert_eq!(bench.expect("INVITE").flow, Flow::Stream(stream));
}

#[test]
fn refused_tcp_falls_back_to_udp_and_is_remembered() {
    let mut bench = Bench::with(&small_udp());
    bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench
        .agent
        .stream_failed(stream, "refused", &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    assert!(matches!(invite.flow, Flow::Udp { .. }));
    assert!(
        bench
            .notes
            .iter()
            .any(|note| note.starts_with("back to UDP"))
    );
    bench.call_with(Some(description(&offer_text())));
    assert!(matches!(bench.expect("INVITE").flow, Flow::Udp { .. }));
    bench.seconds(301);
    bench.forget_sent();
    bench.call_with(Some(description(&offer_text())));
    connect(&mut bench); // After a while TCP is tried again.
}

#[test]
fn stream_that_breaks_before_any_response_falls_back_to_udp() {
    let mut bench = Bench::with(&small_udp());
    bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    bench.expect("INVITE");
    bench.agent.stream_closed(stream, &mut bench.ids, bench.now);
    assert!(matches!(bench.expect("INVITE").flow, Flow::Udp { .. }));
    assert!(bench.told().is_empty());
}

#[test]
fn call_taken_back_while_it_connects_never_leaves() {
    let mut bench = Bench::with(&small_udp());
    let leg = bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    let ending = crate::call::signal::Ending::by_peer(crate::call::cause::Cause::Cancelled);
    bench.apply(leg, Signal::End(ending));
    bench.told();
    assert_eq!(bench.gone, [leg]);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    bench.expect_silence();
}

#[test]
fn next_address_is_tried_after_503_and_after_silence() {
    let mut bench = Bench::with(&named("pbx.example:5070"));
    bench.call_to("sip:600@pbx.example:5070", None, None);
    let (id, question) = asked(&mut bench);
    assert_eq!(
        question,
        Question::Addresses {
            host: "pbx.example".into()
        }
    );
    let ips = ["192.0.2.21", "192.0.2.22", "192.0.2.23"];
    let ips = ips.iter().map(|ip| ip.parse().unwrap()).collect();
    tell(&mut bench, id, Told::Addresses(ips, LIFE));
    let first = bench.expect("INVITE");
    bench.reply(&first, 503, "p", &[], "");
    bench.expect("ACK");
    let second = bench.expect("INVITE");
    assert_ne!(second.flow, first.flow);
    assert_ne!(second.header(&Name::Via), first.header(&Name::Via));
    bench.seconds(32);
    bench.drain();
    let third = bench
        .wire
        .iter()
        .find(|sent| sent.flow != second.flow)
        .cloned();
    let third = third.expect("the third address is tried");
    bench.forget_sent();
    bench.reply(&third, 486, "p", &[], "");
    assert_eq!(bench.told(), ["End busy"]);
}

#[test]
fn cancelled_call_is_not_tried_at_the_next_address() {
    let mut bench = Bench::with(&named("pbx.example:5070"));
    let leg = bench.call_to("sip:600@pbx.example:5070", None, None);
    let (id, _) = asked(&mut bench);
    let ips = ["192.0.2.21", "192.0.2.22"]
        .iter()
        .map(|ip| ip.parse().unwrap());
    tell(&mut bench, id, Told::Addresses(ips.collect(), LIFE));
    let first = bench.expect("INVITE");
    let ending = crate::call::signal::Ending::by_peer(crate::call::cause::Cause::Cancelled);
    bench.apply(leg, Signal::End(ending));
    bench.reply(&first, 503, "p", &[], "");
    bench.expect("ACK");
    bench.expect_silence();
    bench.told();
    assert_eq!(bench.gone, [leg]);
}

#[test]
fn name_without_a_port_is_looked_up_by_services() {
    let mut bench = Bench::with(&named("pbx.example;transport=tcp"));
    bench.call_to("sip:600@pbx.example", None, None);
    let (id, question) = asked(&mut bench);
    let name = "_sip._tcp.pbx.example".to_owned();
    assert_eq!(question, Question::Services { name });
    let service = Service {
        priority: 1,
        weight: 1,
        port: 5080,
        host: "a.example".into(),
    };
    tell(&mut bench, id, Told::Services(vec![service], LIFE));
    let (id, _) = asked(&mut bench);
    tell(
        &mut bench,
        id,
        Told::Addresses(vec!["192.0.2.30".parse().unwrap()], LIFE),
    );
    let (_, remote) = connect(&mut bench);
    assert_eq!(remote, "192.0.2.30:5080".parse().unwrap());
}

#[test]
fn name_that_leads_nowhere_is_unreachable() {
    let mut bench = Bench::with(&named("pbx.example:5070"));
    bench.call_to("sip:600@pbx.example:5070", None, None);
    let (id, _) = asked(&mut bench);
    tell(&mut bench, id, Told::Failed("no such name".into()));
    assert_eq!(bench.told(), ["End unreachable"]);
}

#[test]
fn response_goes_back_by_received_and_rport() {
    let mut config = config();
    config.trunk[0].addresses = vec!["198.51.100.0/24".into()];
    let mut bench = Bench::with(&config);
    bench.receive_from("198.51.100.7:40000", &invite_text("1", "i1", &offer_text()));
    let trying = bench.expect("100");
    let remote = "198.51.100.7:40000".parse().unwrap();
    assert_eq!(trying.flow, Flow::Udp { local: 0, remote });
    let via = trying.header(&Name::Via);
    assert!(
        via.contains("received=198.51.100.7") && via.contains("rport=40000"),
        "{via}"
    );
}

/// RFC 3261 §18.2.1: on any transport. A sent-by that is a name, or an address behind a NAT, is not
/// where a response can go once the stream is gone.
#[test]
fn request_of_a_stream_is_told_where_it_came_from() {
    let mut bench = Bench::new();
    let remote = "192.0.2.9:33000".parse().unwrap();
    bench.agent.stream_accepted(1, 1, remote, bench.now);
    bench.agent.stream_opened(1, &mut bench.ids, bench.now);
    let sent_by = "SIP/2.0/TCP pbx.local:5062";
    let invite =
        invite_text("1", "i1", &offer_text()).replace("SIP/2.0/UDP 192.0.2.9:5060", sent_by);
    bench.receive_by(Flow::Stream(1), &invite);
    let trying = bench.expect("100");
    let via = trying.header(&Name::Via);
    assert!(
        via.contains("received=192.0.2.9") && via.contains("rport=33000"),
        "{via}"
    );
    bench.told();
    let leg = bench.calls.pop_front().expect("a call").leg;
    bench.agent.stream_closed(1, &mut bench.ids, bench.now);
    bench.apply(leg, Signal::Accept(Some(description(ANSWER))));
    let (stream, to) = connect(&mut bench);
    assert_eq!(to, "192.0.2.9:5062".parse().unwrap());
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    assert_eq!(bench.expect("200").flow, Flow::Stream(stream));
}

#[test]
fn stream_carries_messages_and_keep_alives_and_is_closed_when_it_carries_nonsense() {
    let mut bench = Bench::new();
    let remote = "192.0.2.9:33000".parse().unwrap();
    bench.agent.stream_accepted(1, 1, remote, bench.now);
    bench.agent.stream_opened(1, &mut bench.ids, bench.now);
    let options = invite_text("9", "o1", "").replace("INVITE", "OPTIONS");
    let bytes = format!("\r\n\r\n{options}");
    let (start, end) = bytes.as_bytes().split_at(40);
    bench
        .agent
        .stream_bytes(1, start, &mut bench.ids, bench.now);
    bench.agent.stream_bytes(1, end, &mut bench.ids, bench.now);
    assert_eq!(bench.expect("200").flow, Flow::Stream(1));
    let pong =
        matches!(bench.others.pop_front(), Some(Event::Transmit { bytes, .. }) if bytes == b"\r\n");
    assert!(pong);
    let nonsense = vec![b'x'; 70_000];
    bench
        .agent
        .stream_bytes(1, &nonsense, &mut bench.ids, bench.now);
    bench.told();
    assert!(matches!(
        bench.others.pop_front(),
        Some(Event::CloseStream { stream: 1 })
    ));
}

/// Somebody who connects and says nothing, or only begins to, holds a stream for half a minute.
#[test]
fn stream_of_a_stranger_is_soon_closed_and_that_of_a_peer_stays() {
    let mut bench = Bench::new();
    for (stream, remote) in [(1, "203.0.113.9:4000"), (3, "192.0.2.9:4001")] {
        let remote = remote.parse().unwrap();
        bench.agent.stream_accepted(stream, 1, remote, bench.now);
        bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    }
    bench.agent.stream_bytes(
        1,
        b"INVITE sip:a@b SIP/2.0\r\nVia: ",
        &mut bench.ids,
        bench.now,
    );
    let options = invite_text("1", "o1", "").replace("INVITE", "OPTIONS");
    bench
        .agent
        .stream_bytes(3, options.as_bytes(), &mut bench.ids, bench.now);
    bench.seconds(30);
    assert!(bench.agent.streams.get(1).is_none());
    assert!(bench.agent.streams.get(3).is_some());
}

#[test]
fn quiet_stream_is_kept_alive_and_an_idle_one_is_closed() {
    let mut bench = Bench::with(&small_udp());
    bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    bench.reply(&invite, 486, "p", &[], "");
    bench.forget_sent();
    bench.seconds(31);
    let alive =
        |event: &Event| matches!(event, Event::Transmit { bytes, .. } if bytes == b"\r\n\r\n");
    assert_eq!(bench.others.iter().filter(|event| alive(event)).count(), 1);
    bench.others.clear();
    bench.seconds(600);
    let closed = |event: &Event| matches!(event, Event::CloseStream { .. });
    assert_eq!(bench.others.iter().filter(|event| closed(event)).count(), 1);
}

#[test]
fn ipv6_is_written_in_brackets() {
    let mut config = config();
    config.sip.listen = vec!["udp:[2001:db8::1]:5060".parse().unwrap()];
    config.sip.public_address = Some("192.0.2.1".into());
    config.trunk[0].uri = "sip:[2001:db8::9]:5060".into();
    let mut bench = Bench::with(&config);
    bench.call_to("sip:600@[2001:db8::9]:5060", None, None);
    let invite = bench.expect("INVITE");
    assert!(invite.header(&Name::Via).contains(" [2001:db8::1]:5060;"));
    assert!(
        invite
            .header(&Name::Contact)
            .contains("@[2001:db8::1]:5060")
    );
}

fn with_tls() -> Config {
    let mut config = config();
    config
        .sip
        .listen
        .push("tls:192.0.2.1:5061".parse().unwrap());
    config
}

/// A stream of the PBX to our TLS listener.
fn over_tls(bench: &mut Bench) -> Flow {
    let remote = "192.0.2.9:33000".parse().unwrap();
    bench.agent.stream_accepted(1, 2, remote, bench.now);
    bench.agent.stream_opened(1, &mut bench.ids, bench.now);
    Flow::Stream(1)
}

/// RFC 3261 §12.1.1: by the Request-URI, the topmost Record-Route, or the Contact.
#[test]
fn call_to_sips_is_answered_with_a_sips_contact() {
    let asked = [
        ("INVITE sip:alice", "INVITE sips:alice"),
        ("Max-", "Record-Route: <sips:192.0.2.8;lr>\r\nMax-"),
        ("Contact: <sip:", "Contact: <sips:"),
    ];
    for (number, (plain, secure)) in asked.into_iter().enumerate() {
        let mut bench = Bench::with(&with_tls());
        let flow = over_tls(&mut bench);
        let invite = invite_text("1", "i1", &offer_text()).replacen("/UDP", "/TLS", 1);
        bench.receive_by(flow, &invite.replacen(plain, secure, 1));
        bench.expect("100");
        let leg = bench.calls.pop_front().expect("a call").leg;
        bench.apply(leg, Signal::Ring);
        let contact = bench.expect("180").header(&Name::Contact).to_owned();
        assert!(contact.starts_with("<sips:"), "{number}: {contact}");
        assert!(contact.ends_with("@192.0.2.1:5061>"), "{number}: {contact}");
    }
}

#[test]
fn sips_that_does_not_come_by_tls_is_refused() {
    let mut bench = Bench::with(&with_tls());
    let invite = invite_text("1", "i1", &offer_text());
    bench.receive(&invite.replacen("INVITE sip:", "INVITE sips:", 1));
    bench.expect("416");
    assert!(bench.calls.is_empty());
}

/// RFC 3261 §8.1.1.8. TLS alone is no promise.
#[test]
fn call_to_sips_goes_by_tls_with_a_sips_contact() {
    let uris = [
        ("sips:600@192.0.2.9:5061", "<sips:"),
        ("sip:600@192.0.2.9:5061;transport=tls", "<sip:"),
    ];
    for (uri, begins) in uris {
        let mut config = with_tls();
        config.trunk[0].uri = uri.replace("600@", "");
        let mut bench = Bench::with(&config);
        let leg = bench.call_to(uri, None, Some(description(&offer_text())));
        let (stream, _) = connect(&mut bench);
        bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
        let invite = bench.expect("INVITE");
        assert!(invite.header(&Name::Via).starts_with("SIP/2.0/TLS"));
        assert!(invite.header(&Name::Contact).starts_with(begins), "{uri}");
        bench.reply(&invite, 200, "p", &[CONTACT], &answer_text());
        bench.expect("ACK");
        bench.apply(leg, Signal::Offer(Some(description(&offer_text()))));
        let again = bench.expect("INVITE");
        assert!(again.header(&Name::Contact).starts_with(begins), "{uri}");
    }
}

#[test]
fn what_cannot_be_read_is_dropped_and_counted() {
    let mut bench = Bench::new();
    bench.receive("hello\r\n\r\n");
    bench.receive("\r\n\r\n");
    bench.expect_silence();
    assert_eq!(bench.agent.counts.unreadable, 1);
}

#[test]
fn call_that_rings_ends_with_its_stream_and_is_cancelled_over_another() {
    let mut bench = Bench::with(&small_udp());
    let leg = bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    bench.reply(&invite, 180, "p", &[], "");
    assert_eq!(bench.told(), ["Ring"]);
    bench.agent.stream_closed(stream, &mut bench.ids, bench.now);
    bench.drain();
    assert_eq!(bench.gone, [leg]);
    let (second, _) = connect(&mut bench);
    assert_ne!(second, stream);
    bench.agent.stream_opened(second, &mut bench.ids, bench.now);
    let cancel = bench.expect("CANCEL");
    assert_eq!(cancel.flow, Flow::Stream(second));
    assert_eq!(cancel.header(&Name::Via), invite.header(&Name::Via));
    // Somebody answered in the meantime.
    bench.reply(&cancel, 200, "p", &[], "");
    let contact = ["Contact: <sip:600@192.0.2.9:5060;transport=tcp>"];
    let late = response(&invite, 200, "p", &contact, ANSWER);
    bench.receive_by(Flow::Stream(second), &late);
    bench.expect("ACK");
    bench.expect("BYE");
}

#[test]
fn bye_without_a_response_on_a_silent_stream_is_sent_once_more_over_another() {
    let mut bench = Bench::with(&small_udp());
    let leg = bench.call_with(Some(description(&offer_text())));
    let (stream, _) = connect(&mut bench);
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    let invite = bench.expect("INVITE");
    let contact = ["Contact: <sip:600@192.0.2.9:5060;transport=tcp>"];
    bench.reply(&invite, 200, "p", &contact, ANSWER);
    bench.expect("ACK");
    bench.told();
    let ending = crate::call::signal::Ending::by_peer(crate::call::cause::Cause::Normal);
    bench.apply(leg, Signal::End(ending));
    assert_eq!(bench.expect("BYE").flow, Flow::Stream(stream));
    bench.others.clear();
    bench.seconds(33);
    let closed = |event: &Event| matches!(event, Event::CloseStream { stream: s } if *s == stream);
    assert!(bench.others.iter().any(closed));
    bench
        .others
        .retain(|event| matches!(event, Event::Connect { .. }));
    let (second, _) = connect(&mut bench);
    bench.agent.stream_opened(second, &mut bench.ids, bench.now);
    assert_eq!(bench.expect("BYE").flow, Flow::Stream(second));
    bench.others.clear();
    bench.seconds(40);
    let again = |event: &Event| matches!(event, Event::Connect { .. });
    assert!(
        !bench.others.iter().any(again),
        "it is not sent a third time"
    );
}

#[test]
fn response_whose_stream_is_gone_opens_one_to_the_sender() {
    let mut bench = Bench::new();
    let remote = "192.0.2.9:33000".parse().unwrap();
    bench.agent.stream_accepted(1, 1, remote, bench.now);
    bench.agent.stream_opened(1, &mut bench.ids, bench.now);
    let invite = invite_text("1", "i1", &offer_text()).replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    bench.receive_by(Flow::Stream(1), &invite);
    bench.drain();
    let leg = bench.calls.pop_front().expect("a call").leg;
    bench.expect("100");
    bench.agent.stream_closed(1, &mut bench.ids, bench.now);
    bench.apply(leg, Signal::Accept(Some(description(ANSWER))));
    let (stream, to) = connect(&mut bench);
    assert_eq!(to.port(), 5060, "sent-by, not where the stream came from");
    bench.agent.stream_opened(stream, &mut bench.ids, bench.now);
    assert_eq!(bench.expect("200").flow, Flow::Stream(stream));
}
