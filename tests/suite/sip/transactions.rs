//! The figures of every transaction timer, on virtual time (RFC 3261 §17, RFC 6026).
//!
//! A test says what happens when; the layer's log says what it did: `0.5 > INVITE` is sent,
//! `1 up 180` is told to the user, `32 timed out`.

use std::time::{Duration, Instant};

use crosspoint::sip::flow::Flow;
use crosspoint::sip::message::{Message, Request, Response};
use crosspoint::sip::name::{Method, Name};
use crosspoint::sip::text::{Limits, Parsed, parse};
use crosspoint::sip::timer::Timers;
use crosspoint::sip::transaction::{Event, Full, TransactionId, Transactions};
use crosspoint::sip::uri::Uri;

const STREAM: Flow = Flow::Stream(1);

fn datagrams() -> Flow {
    Flow::Udp {
        local: 0,
        remote: "192.0.2.1:5060".parse().unwrap(),
    }
}

/// One layer, its clock and what it did.
struct World {
    layer: Transactions,
    start: Instant,
    now: Instant,
    log: Vec<String>,
    /// The last server transaction and its request.
    asked: Option<(TransactionId, Request)>,
    flow: Flow,
}

impl World {
    fn new(flow: Flow) -> Self {
        let now = Instant::now();
        Self {
            layer: Transactions::new(Timers::default(), 100),
            start: now,
            now,
            log: Vec::new(),
            asked: None,
            flow,
        }
    }

    /// Lets time pass until so many seconds after the start.
    fn until(&mut self, seconds: f64) {
        let end = self.start + Duration::from_secs_f64(seconds);
        while let Some(at) = self.layer.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.layer.handle_timeout(self.now);
            let next = self.layer.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "due in the past");
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let at = (self.now - self.start).as_secs_f64();
        while let Some(event) = self.layer.poll_event() {
            let line = match event {
                Event::Transmit { bytes, flow, .. } => {
                    if let Flow::Stream(_) = self.flow {
                        assert_eq!(flow, self.flow);
                    }
                    format!("{at} > {}", start_of(&bytes))
                }
                Event::Request { id, request, .. } => {
                    let line = format!("{at} up {}", request.method);
                    self.asked = Some((id, *request));
                    line
                }
                Event::Response { response, .. } => format!("{at} up {}", response.status),
                Event::Ack { .. } => format!("{at} up ACK"),
                Event::Stray { response, .. } => format!("{at} stray {}", response.status),
                Event::TimedOut { .. } => format!("{at} timed out"),
                Event::Failed { .. } => format!("{at} failed"),
                // What it did is in the log; that it is over is asked of `len`.
                Event::Ended { .. } => continue,
            };
            self.log.push(line);
        }
    }

    fn send(&mut self, method: Method) -> TransactionId {
        let id = self
            .layer
            .send(request(method, "z9hG4bKours"), self.flow, self.now);
        self.drain();
        id.unwrap()
    }

    fn receive(&mut self, message: Message) -> Result<(), Full> {
        let received = self.layer.receive(message, self.flow, self.now);
        self.drain();
        received
    }

    /// The peer answers a request of ours.
    fn answered(&mut self, method: Method, status: u16) {
        let response = Response::to(&request(method, "z9hG4bKours"), status, "X", Some("peer"));
        self.receive(Message::Response(response)).unwrap();
    }

    /// A request of the peer's comes.
    fn comes(&mut self, method: Method) {
        let message = Message::Request(request(method, "z9hG4bKtheirs"));
        self.receive(message).unwrap();
    }

    /// We answer the last request of the peer's.
    fn answer(&mut self, status: u16) {
        let (id, request) = self.asked.clone().unwrap();
        let response = Response::to(&request, status, "X", Some("us"));
        self.layer.respond(id, &response, self.now);
        self.drain();
    }

    /// What was done since the last time.
    fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

fn request(method: Method, branch: &str) -> Request {
    let cseq = format!("7 {method}");
    Request::new(method, Uri::parse("sip:bob@example.com").unwrap())
        .with(Name::Via, format!("SIP/2.0/UDP 192.0.2.1;branch={branch}"))
        .with(Name::From, "<sip:a@example.com>;tag=a")
        .with(Name::To, "<sip:bob@example.com>")
        .with(Name::CallId, "call")
        .with(Name::CSeq, cseq)
        .with(Name::Route, "<sip:proxy.example;lr>")
}

fn read(bytes: &[u8]) -> Message {
    match parse(bytes, &Limits::default()) {
        Ok(Parsed::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn start_of(bytes: &[u8]) -> String {
    match read(bytes) {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => response.status.to_string(),
    }
}

/// `INVITE` sent at each of these times.
fn sent(what: &str, times: &[f64]) -> Vec<String> {
    times.iter().map(|at| format!("{at} > {what}")).collect()
}

fn with(mut lines: Vec<String>, more: &[&str]) -> Vec<String> {
    lines.extend(more.iter().map(|line| (*line).to_owned()));
    lines
}

// --- the INVITE client: A, B, D, M ---

#[test]
fn timer_a_doubles_until_timer_b_gives_up() {
    let mut world = World::new(datagrams());
    world.send(Method::Invite);
    world.until(100.0);
    let tries = sent("INVITE", &[0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]);
    assert_eq!(world.log(), with(tries, &["32 timed out"]));
    assert!(world.layer.is_empty());
}

#[test]
fn stream_is_not_repeated_but_timer_b_holds() {
    let mut world = World::new(STREAM);
    world.send(Method::Invite);
    world.until(100.0);
    assert_eq!(world.log(), ["0 > INVITE", "32 timed out"]);
}

#[test]
fn provisional_response_ends_timers_a_and_b() {
    let mut world = World::new(datagrams());
    world.send(Method::Invite);
    world.until(1.0);
    world.answered(Method::Invite, 100);
    world.until(3600.0);
    world.answered(Method::Invite, 180);
    let expected = ["0 > INVITE", "0.5 > INVITE", "1 up 100", "3600 up 180"];
    assert_eq!(world.log(), expected);
    assert_eq!(world.layer.poll_timeout(), None);
}

#[test]
fn refusal_is_acknowledged_each_time_until_timer_d() {
    let mut world = World::new(datagrams());
    world.send(Method::Invite);
    world.answered(Method::Invite, 486);
    world.until(1.0);
    world.answered(Method::Invite, 486);
    world.until(31.9);
    world.answered(Method::Invite, 486);
    world.answered(Method::Invite, 200);
    let expected = ["0 > INVITE", "0 up 486", "0 > ACK", "1 > ACK", "31.9 > ACK"];
    assert_eq!(world.log(), expected);
    world.until(32.0);
    assert!(world.layer.is_empty());
    world.answered(Method::Invite, 486);
    assert_eq!(world.log(), ["32 stray 486"]);
}

#[test]
fn timer_d_is_zero_over_a_stream() {
    let mut world = World::new(STREAM);
    world.send(Method::Invite);
    world.answered(Method::Invite, 404);
    world.until(0.0);
    assert_eq!(world.log(), ["0 > INVITE", "0 up 404", "0 > ACK"]);
    assert!(world.layer.is_empty());
}

#[test]
fn every_2xx_comes_up_until_timer_m_and_is_a_stray_after() {
    let mut world = World::new(datagrams());
    world.send(Method::Invite);
    world.answered(Method::Invite, 200);
    world.until(31.9);
    world.answered(Method::Invite, 200);
    world.answered(Method::Invite, 180);
    world.until(32.0);
    world.answered(Method::Invite, 200);
    let expected = ["0 > INVITE", "0 up 200", "31.9 up 200", "32 stray 200"];
    assert_eq!(world.log(), expected);
    assert!(world.layer.is_empty());
}

// RFC 3261 §17.1.1.3: the same branch and Route, the To of the response, its own CSeq method.
#[test]
fn acknowledgement_of_a_refusal_is_part_of_the_transaction() {
    let mut layer = Transactions::new(Timers::default(), 10);
    let invite = request(Method::Invite, "z9hG4bKours");
    layer
        .send(invite.clone(), datagrams(), Instant::now())
        .unwrap();
    let response = Response::to(&invite, 503, "X", Some("peer"));
    layer
        .receive(Message::Response(response), datagrams(), Instant::now())
        .unwrap();
    let events = std::iter::from_fn(|| layer.poll_event());
    let acks: Vec<_> = events
        .filter_map(|event| match event {
            Event::Transmit { bytes, .. } => match read(&bytes) {
                Message::Request(request) if request.method == Method::Ack => Some(request),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let [ack] = acks.as_slice() else {
        panic!("not one ACK: {acks:?}")
    };
    assert_eq!(ack.uri, invite.uri);
    assert_eq!(ack.headers.to_tag(), Some("peer"));
    assert_eq!(ack.headers.get(&Name::Via), invite.headers.get(&Name::Via));
    assert_eq!(
        ack.headers.get(&Name::Route),
        invite.headers.get(&Name::Route)
    );
    assert_eq!(ack.headers.get(&Name::CSeq), Some("7 ACK"));
}

// --- the non-INVITE client: E, F, K ---

#[test]
fn timer_e_doubles_to_t2_until_timer_f_gives_up() {
    let mut world = World::new(datagrams());
    world.send(Method::Options);
    world.until(100.0);
    let times = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5];
    assert_eq!(
        world.log(),
        with(sent("OPTIONS", &times), &["32 timed out"])
    );
}

#[test]
fn provisional_response_slows_timer_e_to_t2_but_timer_f_holds() {
    let mut world = World::new(datagrams());
    world.send(Method::Register);
    world.until(0.6);
    world.answered(Method::Register, 100);
    world.until(100.0);
    let mut expected = sent("REGISTER", &[0.0, 0.5]);
    expected.push("0.6 up 100".to_owned());
    expected.extend(sent(
        "REGISTER",
        &[1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5],
    ));
    assert_eq!(world.log(), with(expected, &["32 timed out"]));
}

#[test]
fn timer_k_absorbs_what_comes_again() {
    let mut world = World::new(datagrams());
    world.send(Method::Bye);
    world.answered(Method::Bye, 200);
    world.until(4.9);
    world.answered(Method::Bye, 200);
    world.until(5.0);
    assert!(world.layer.is_empty());
    world.answered(Method::Bye, 200);
    assert_eq!(world.log(), ["0 > BYE", "0 up 200", "5 stray 200"]);
}

#[test]
fn timers_e_and_k_are_not_for_streams() {
    let mut world = World::new(STREAM);
    world.send(Method::Bye);
    world.until(20.0);
    world.answered(Method::Bye, 200);
    world.until(20.0);
    assert_eq!(world.log(), ["0 > BYE", "20 up 200"]);
    assert!(world.layer.is_empty());
}

// --- the INVITE server: G, H, I, L ---

#[test]
fn repeated_invite_gets_the_last_provisional_response() {
    let mut world = World::new(datagrams());
    world.comes(Method::Invite);
    world.comes(Method::Invite);
    world.answer(100);
    world.comes(Method::Invite);
    world.answer(180);
    world.until(2.0);
    world.comes(Method::Invite);
    let expected = ["0 up INVITE", "0 > 100", "0 > 100", "0 > 180", "2 > 180"];
    assert_eq!(world.log(), expected);
}

#[test]
fn timer_g_repeats_a_refusal_until_timer_h_gives_up() {
    let mut world = World::new(datagrams());
    world.comes(Method::Invite);
    world.answer(486);
    world.until(100.0);
    let times = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5];
    let mut expected = vec!["0 up INVITE".to_owned()];
    expected.extend(sent("486", &times));
    assert_eq!(world.log(), with(expected, &["32 timed out"]));
}

#[test]
fn refusal_over_a_stream_is_not_repeated_but_timer_h_holds() {
    let mut world = World::new(STREAM);
    world.comes(Method::Invite);
    world.answer(486);
    world.until(100.0);
    assert_eq!(world.log(), ["0 up INVITE", "0 > 486", "32 timed out"]);
}

#[test]
fn lost_acknowledgement_is_asked_for_again() {
    let mut world = World::new(datagrams());
    world.comes(Method::Invite);
    world.answer(486);
    world.until(0.2);
    world.comes(Method::Invite);
    world.until(0.6);
    world.comes(Method::Ack);
    world.until(1.0);
    world.comes(Method::Ack);
    world.comes(Method::Invite);
    world.until(5.5);
    assert_eq!(world.layer.len(), 1);
    world.until(5.6);
    assert!(world.layer.is_empty(), "timer I is T4");
    let expected = ["0 up INVITE", "0 > 486", "0.2 > 486", "0.5 > 486"];
    assert_eq!(world.log(), expected);
}

#[test]
fn timer_i_is_zero_over_a_stream() {
    let mut world = World::new(STREAM);
    world.comes(Method::Invite);
    world.answer(486);
    world.until(1.0);
    world.comes(Method::Ack);
    world.until(1.0);
    assert!(world.layer.is_empty());
    assert_eq!(world.log(), ["0 up INVITE", "0 > 486"]);
}

#[test]
fn accepted_invite_is_absorbed_until_timer_l_while_the_call_repeats_its_2xx() {
    let mut world = World::new(datagrams());
    world.comes(Method::Invite);
    world.answer(200);
    world.until(0.5);
    world.answer(200);
    world.comes(Method::Invite);
    world.answer(486);
    world.answer(180);
    world.comes(Method::Ack);
    world.until(31.9);
    world.comes(Method::Invite);
    world.until(32.0);
    assert!(world.layer.is_empty());
    let expected = ["0 up INVITE", "0 > 200", "0.5 > 200", "0.5 up ACK"];
    assert_eq!(world.log(), expected);
}

#[test]
fn acknowledgement_of_nothing_known_comes_up() {
    let mut world = World::new(datagrams());
    world.comes(Method::Ack);
    assert_eq!(world.log(), ["0 up ACK"]);
    assert!(world.layer.is_empty());
}

// --- the non-INVITE server: J ---

#[test]
fn repeated_request_gets_the_last_response_until_timer_j() {
    let mut world = World::new(datagrams());
    world.comes(Method::Options);
    world.comes(Method::Options);
    world.answer(200);
    world.until(31.9);
    world.comes(Method::Options);
    world.answer(500);
    world.until(32.0);
    assert!(world.layer.is_empty());
    world.comes(Method::Options);
    let expected = ["0 up OPTIONS", "0 > 200", "31.9 > 200", "32 up OPTIONS"];
    assert_eq!(world.log(), expected);
}

#[test]
fn timer_j_is_zero_over_a_stream() {
    let mut world = World::new(STREAM);
    world.comes(Method::Options);
    world.until(60.0);
    world.answer(200);
    world.until(60.0);
    assert_eq!(world.log(), ["0 up OPTIONS", "60 > 200"]);
    assert!(world.layer.is_empty());
}

// --- matching ---

#[test]
fn cancel_is_its_own_transaction_and_finds_its_invite() {
    let mut world = World::new(datagrams());
    world.comes(Method::Invite);
    let invite = world.asked.clone().unwrap().0;
    world.comes(Method::Cancel);
    let (id, cancel) = world.asked.clone().unwrap();
    assert_ne!(id, invite);
    assert_eq!(world.layer.cancelled_by(&cancel), Some(invite));
    let stranger = request(Method::Cancel, "z9hG4bKother");
    assert_eq!(world.layer.cancelled_by(&stranger), None);
}

#[test]
fn same_branch_of_another_sender_is_another_transaction() {
    let mut world = World::new(datagrams());
    world.comes(Method::Options);
    let mut other = request(Method::Options, "z9hG4bKtheirs");
    other.headers.remove(&Name::Via);
    let other = other.with(Name::Via, "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKtheirs");
    world.receive(Message::Request(other)).unwrap();
    assert_eq!(world.log(), ["0 up OPTIONS", "0 up OPTIONS"]);
}

#[test]
fn peer_of_rfc_2543_is_matched_without_a_branch() {
    for via in ["SIP/2.0/UDP 192.0.2.1", "SIP/2.0/UDP 192.0.2.1;branch=1"] {
        let old = |method: Method, cseq: &str| {
            let mut request = request(method, "");
            request.headers.remove(&Name::Via);
            request.headers.remove(&Name::CSeq);
            Message::Request(request.with(Name::Via, via).with(Name::CSeq, cseq))
        };
        let mut world = World::new(datagrams());
        world.receive(old(Method::Invite, "7 INVITE")).unwrap();
        world.receive(old(Method::Invite, "7 INVITE")).unwrap();
        world.answer(486);
        world.receive(old(Method::Invite, "7 INVITE")).unwrap();
        world.receive(old(Method::Ack, "7 ACK")).unwrap();
        world.until(1.0);
        world.receive(old(Method::Invite, "8 INVITE")).unwrap();
        let expected = ["0 up INVITE", "0 > 486", "0 > 486", "1 up INVITE"];
        assert_eq!(world.log(), expected, "{via}");
    }
}

// RFC 3581 §4, RFC 3261 §18.2.2.
#[test]
fn response_goes_back_through_the_hole_the_request_made() {
    let source = "198.51.100.7:40000".parse().unwrap();
    let flow = Flow::Udp {
        local: 2,
        remote: source,
    };
    let mut world = World::new(flow);
    let mut options = request(Method::Options, "");
    options.headers.remove(&Name::Via);
    let vias = "SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1, SIP/2.0/UDP x;branch=z9hG4bK0";
    let message = Message::Request(options.with(Name::Via, vias));
    world.receive(message).unwrap();
    let (id, request) = world.asked.clone().unwrap();
    world
        .layer
        .respond(id, &Response::to(&request, 200, "OK", Some("t")), world.now);
    let Some(Event::Transmit {
        flow: way, bytes, ..
    }) = world.layer.poll_event()
    else {
        panic!("no response");
    };
    assert_eq!(way, flow);
    let message = read(&bytes);
    let vias: Vec<_> = message.headers().list(&Name::Via).collect();
    assert_eq!(vias.len(), 2);
    assert!(vias[0].contains("received=198.51.100.7") && vias[0].contains("rport=40000"));
    assert_eq!(vias[1], "SIP/2.0/UDP x;branch=z9hG4bK0");
}

// --- limits and breakdowns ---

#[test]
fn there_is_a_limit_and_it_is_told() {
    let mut world = World::new(datagrams());
    world.layer = Transactions::new(Timers::default(), 1);
    world.comes(Method::Invite);
    let another = Message::Request(request(Method::Options, "z9hG4bK2"));
    assert_eq!(world.receive(another), Err(Full));
    // What is known already is still served.
    world.answer(180);
    world.comes(Method::Invite);
    assert_eq!(world.log(), ["0 up INVITE", "0 > 180", "0 > 180"]);
}

#[test]
fn broken_stream_fails_what_waits_on_it() {
    let mut world = World::new(STREAM);
    world.send(Method::Invite);
    world.layer.flow_broke(Flow::Stream(2));
    world.drain();
    world.layer.flow_broke(STREAM);
    world.drain();
    assert_eq!(world.log(), ["0 > INVITE", "0 failed"]);
    assert!(world.layer.is_empty());
}

#[test]
fn late_wake_up_sends_once() {
    let mut world = World::new(datagrams());
    world.send(Method::Options);
    world.now += Duration::from_secs(10);
    world.layer.handle_timeout(world.now);
    world.drain();
    assert_eq!(world.log(), ["0 > OPTIONS", "10 > OPTIONS"]);
}

// 50,000 at once: adding, timing and ending each costs a logarithm, not a walk.
#[test]
fn many_transactions_are_cheap() {
    let count = 50_000;
    let mut layer = Transactions::new(Timers::default(), count);
    let start = Instant::now();
    for number in 0..count {
        let request = request(Method::Options, &format!("z9hG4bK{number}"));
        layer.send(request, datagrams(), start).unwrap();
    }
    let mut transmitted = 0;
    while let Some(at) = layer.poll_timeout() {
        layer.handle_timeout(at);
        while let Some(event) = layer.poll_event() {
            transmitted += usize::from(matches!(event, Event::Transmit { .. }));
        }
    }
    assert!(layer.is_empty());
    assert_eq!(transmitted, count * 11);
}
