//! What the phone promises, with a second engine in the place of the browser.

mod caller;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::media::{Direction, Mid};

use self::caller::Caller;
use super::call::Call;
use super::media::{Media, MediaError, State, Timer, Why};
use super::phone::Phone;

/// A capture of a browser's description.
macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/sdp/", $name, ".sdp"))
    };
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Lets both run, on virtual time, until `done` or twenty seconds have passed.
fn run(
    caller: &mut Caller,
    phone: &mut Media,
    now: &mut Instant,
    mut done: impl FnMut(&Caller, &Media) -> bool,
) {
    let deadline = *now + Duration::from_secs(20);
    while !done(caller, phone) {
        assert!(*now < deadline, "it did not happen: {:?}", phone.state());
        for datagram in std::mem::take(&mut caller.leaving) {
            phone.receive(datagram.source, datagram.destination, &datagram.bytes, *now);
        }
        while let Some(datagram) = phone.poll_transmit() {
            caller.receive(datagram.source, datagram.destination, &datagram.bytes, *now);
        }
        *now += Duration::from_millis(5);
        caller.receive_timeout(*now);
        phone.handle_timeout(*now);
    }
}

/// A call that has begun.
fn connected() -> (Caller, Media, Instant) {
    let mut now = Instant::now();
    let (mut caller, offer, pending) = Caller::offering(at("10.0.0.1:4000"), now);
    let mut phone = Media::new(1, &[at("10.0.0.2:5000")], now).unwrap();
    let answer = phone.accept_offer(&offer, now).unwrap();
    caller.answered(pending, &answer);
    run(&mut caller, &mut phone, &mut now, |caller, phone| {
        caller.connected && matches!(phone.state(), State::Flowing(_))
    });
    (caller, phone, now)
}

/// Speaks ten frames and waits until they are heard again.
fn hears_itself(caller: &mut Caller, phone: &mut Media, now: &mut Instant) {
    caller.heard.clear();
    let frames: Vec<Vec<u8>> = (0..10u8).map(|n| vec![0x78, n, n ^ 0x5a, 7]).collect();
    for frame in &frames {
        caller.speak(frame, *now);
        *now += Duration::from_millis(20);
    }
    run(caller, phone, now, |caller, _| {
        caller.heard.len() >= frames.len()
    });
    let heard: Vec<_> = caller
        .heard
        .iter()
        .map(|(_, payload)| payload.clone())
        .collect();
    assert_eq!(heard, frames);
}

#[test]
fn caller_hears_what_he_says() {
    let (mut caller, mut phone, mut now) = connected();
    hears_itself(&mut caller, &mut phone, &mut now);
}

#[test]
fn held_caller_hears_nothing_until_he_resumes() {
    let (mut caller, mut phone, mut now) = connected();
    for (direction, wanted) in [
        (Direction::Inactive, "a=inactive"),
        (Direction::SendRecv, "a=sendrecv"),
    ] {
        let mut changes = caller.rtc.sdp_api();
        changes.set_direction(caller.mid, direction);
        let (offer, pending) = changes.apply().unwrap();
        let answer = phone.accept_offer(&offer.to_sdp_string(), now).unwrap();
        assert!(answer.lines().any(|line| line == wanted), "{answer}");
        caller.answered(pending, &answer);
        if direction == Direction::Inactive {
            assert_eq!(
                *phone.state(),
                State::Flowing(None),
                "silence ends no call that is held"
            );
        }
    }
    hears_itself(&mut caller, &mut phone, &mut now);
}

#[test]
fn restart_of_ice_gets_new_credentials_and_the_sound_goes_on() {
    let (mut caller, mut phone, mut now) = connected();
    let mut changes = caller.rtc.sdp_api();
    changes.ice_restart(true);
    let (offer, pending) = changes.apply().unwrap();
    let answer = phone.accept_offer(&offer.to_sdp_string(), now).unwrap();
    caller.answered(pending, &answer);
    hears_itself(&mut caller, &mut phone, &mut now);
}

fn phone_ufrag(answer: &Result<String, MediaError>) -> Option<String> {
    let answer = answer.as_ref().ok()?;
    answer
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"))
        .map(str::to_owned)
}

#[test]
fn caller_who_brings_no_offer_gets_one() {
    let mut now = Instant::now();
    let (mut caller, _, _) = Caller::offering(at("10.0.0.1:4000"), now);
    let mut phone = Media::new(1, &[at("10.0.0.2:5000")], now).unwrap();
    let offer = SdpOffer::from_sdp_string(&phone.offer(now).unwrap()).unwrap();
    let answer = caller
        .rtc
        .sdp_api()
        .accept_offer(offer)
        .unwrap()
        .to_sdp_string();
    caller.mid = Mid::from(
        answer
            .lines()
            .find_map(|l| l.strip_prefix("a=mid:"))
            .unwrap(),
    );
    caller.drain();
    phone.accept_answer(&answer, now).unwrap();
    run(&mut caller, &mut phone, &mut now, |caller, phone| {
        caller.connected && matches!(phone.state(), State::Flowing(_))
    });
    hears_itself(&mut caller, &mut phone, &mut now);

    // And again, with a re-INVITE that brings none.
    let offer = SdpOffer::from_sdp_string(&phone.offer(now).unwrap()).unwrap();
    let answer = caller
        .rtc
        .sdp_api()
        .accept_offer(offer)
        .unwrap()
        .to_sdp_string();
    caller.drain();
    phone.accept_answer(&answer, now).unwrap();
    hears_itself(&mut caller, &mut phone, &mut now);
    assert_eq!(phone.accept_answer(&answer, now), Err(MediaError::NoOffer));
}

#[test]
fn media_that_never_begins_ends_after_thirty_seconds() {
    let now = Instant::now();
    let mut phone = Media::new(1, &[at("10.0.0.2:5000")], now).unwrap();
    phone
        .accept_offer(capture!("chrome-audio-offer-gathered"), now)
        .unwrap();
    let mut at = now;
    while let Some(due) = phone.poll_timeout() {
        assert!(due <= now + Timer::Start.duration(), "it still waits");
        at = due.max(at + Duration::from_millis(1));
        phone.handle_timeout(at);
        while phone.poll_transmit().is_some() {}
    }
    assert_eq!(*phone.state(), State::Ended(Why::Timer(Timer::Start)));
}

#[test]
fn caller_who_vanishes_is_let_go_after_a_minute() {
    let (_, mut phone, now) = connected();
    phone.handle_timeout(now + Timer::Silence.duration());
    assert_eq!(*phone.state(), State::Ended(Why::Timer(Timer::Silence)));
}

#[test]
fn peer_that_closes_its_media_has_the_time_of_a_start_to_come_back() {
    let (mut caller, mut phone, mut now) = connected();
    caller.rtc.close().unwrap();
    caller.drain();
    run(&mut caller, &mut phone, &mut now, |_, phone| {
        matches!(*phone.state(), State::Starting(_))
    });
    phone.handle_timeout(now + Timer::Start.duration());
    assert_eq!(*phone.state(), State::Ended(Why::Timer(Timer::Start)));
}

/// The m= lines of a description: media, and whether it is live.
fn sections(text: &str) -> Vec<(String, bool)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("m="))
        .map(|line| {
            let mut fields = line.split(' ');
            let media = fields.next().unwrap().to_owned();
            (media, fields.next() != Some("0"))
        })
        .collect()
}

/// What every answer must be, whatever was offered.
fn fits(offer: &str, answer: &str) {
    let (offered, answered) = (sections(offer), sections(answer));
    let media = |all: &[(String, bool)]| all.iter().map(|one| one.0.clone()).collect::<Vec<_>>();
    assert_eq!(
        media(&offered),
        media(&answered),
        "sections and order (RFC 3264 §6)"
    );
    let live: Vec<_> = answered
        .iter()
        .filter(|one| one.1)
        .map(|one| one.0.as_str())
        .collect();
    assert_eq!(live, ["audio"]);
    let mids = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|l| l.strip_prefix("a=mid:"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(mids(offer), mids(answer));
    assert!(answer.contains("\r\na=candidate:"));
    assert!(answer.contains("\r\na=end-of-candidates\r\n"));
    assert!(!answer.contains("trickle"));
    assert!(
        !answer.contains(" 9 UDP/TLS"),
        "the default destination is a candidate"
    );
    assert!(answer.contains("\r\na=setup:passive\r\n"));
    assert!(answer.ends_with("\r\n") && !answer.replace("\r\n", "").contains('\n'));
}

#[test]
fn offers_of_browsers_are_answered_section_by_section() {
    for offer in [
        capture!("chrome-audio-offer-gathered"),
        capture!("chrome-av-offer-gathered"),
        capture!("chrome-g711-offer-gathered"),
        capture!("firefox-audio-offer-gathered"),
        capture!("firefox-av-offer-gathered"),
    ] {
        let now = Instant::now();
        let mut phone = Media::new(9, &[at("10.0.0.2:5000"), at("[fd00::2]:5000")], now).unwrap();
        let answer = phone.accept_offer(offer, now).unwrap();
        fits(offer, &answer);
    }
}

#[test]
fn later_offers_of_a_browser_are_answered_in_the_same_session() {
    let now = Instant::now();
    let mut phone = Media::new(9, &[at("10.0.0.2:5000")], now).unwrap();
    let mut last = None;
    for (offer, direction, restarts) in [
        (capture!("chrome-audio-offer-gathered"), "a=sendrecv", false),
        (
            capture!("chrome-p-audio-icerestart-offer"),
            "a=sendrecv",
            true,
        ),
        (capture!("chrome-p-audio-hold-offer"), "a=recvonly", false),
        (
            capture!("chrome-p-audio-inactive-offer"),
            "a=inactive",
            false,
        ),
        (capture!("chrome-p-audio-resume-offer"), "a=sendrecv", false),
        (
            capture!("chrome-p-audio-refresh-offer"),
            "a=sendrecv",
            false,
        ),
        (
            capture!("chrome-p-audio-addvideo-offer"),
            "a=sendrecv",
            false,
        ),
        (
            capture!("chrome-p-audio-stopvideo-offer"),
            "a=sendrecv",
            false,
        ),
        (
            capture!("chrome-p-audio-recycle-offer"),
            "a=sendrecv",
            false,
        ),
    ] {
        let answer = phone.accept_offer(offer, now);
        let ufrag = phone_ufrag(&answer);
        let answer = answer.unwrap();
        fits(offer, &answer);
        let audio = &answer[answer.find("m=audio").unwrap()..];
        let found = audio
            .lines()
            .find(|line| ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"].contains(line));
        assert_eq!(found, Some(direction));
        let version = |text: &str| -> (u64, u64) {
            let mut fields = text.lines().nth(1).unwrap().split(' ').skip(1);
            let mut number = || fields.next().unwrap().parse().unwrap();
            (number(), number())
        };
        let this = (version(&answer), answer, ufrag);
        if let Some((then, text, before)) = last.replace(this.clone()) {
            let ((session, number), text_now, ufrag) = this;
            let body = |text: &str| text.split_once("s=-").unwrap().1.to_owned();
            let step = u64::from(body(&text) != body(&text_now));
            assert_eq!((session, number), (then.0, then.1 + step), "RFC 3264 §8");
            assert_eq!(
                ufrag != before,
                restarts,
                "new credentials when ICE restarts, only then"
            );
        }
    }
}

#[test]
fn offer_without_audio_is_refused() {
    let now = Instant::now();
    let mut phone = Media::new(9, &[at("10.0.0.2:5000")], now).unwrap();
    let refused = phone.accept_offer(capture!("chrome-data-offer-gathered"), now);
    assert!(
        matches!(refused, Err(MediaError::Description(_))),
        "{refused:?}"
    );
}

/// Speaks over a real socket until ten frames have come back, at most five seconds.
async fn hears_itself_over(socket: &tokio::net::UdpSocket, caller: &mut Caller) {
    let local = socket.local_addr().unwrap();
    let listening = async {
        let mut buffer = [0; 2048];
        while caller.heard.len() < 10 {
            for datagram in std::mem::take(&mut caller.leaving) {
                // The phone's other addresses may not be reachable from loopback.
                let _ = socket.send_to(&datagram.bytes, datagram.destination).await;
            }
            tokio::select! {
                got = socket.recv_from(&mut buffer) => {
                    let (length, from) = got.unwrap();
                    caller.receive(from, local, &buffer[..length], Instant::now());
                }
                () = tokio::time::sleep(Duration::from_millis(10)) => {
                    caller.receive_timeout(Instant::now());
                    if caller.connected {
                        caller.speak(b"opus, say", Instant::now());
                    }
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), listening)
        .await
        .unwrap();
    assert!(
        caller
            .heard
            .iter()
            .all(|(_, payload)| payload == b"opus, say")
    );
}

/// A call over real sockets: what was said comes back within five seconds, and the phone is told
/// when its peer closes.
#[tokio::test]
async fn sound_comes_back_over_real_sockets() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let local = socket.local_addr().unwrap();
    let (mut caller, offer, pending) = Caller::offering(local, Instant::now());
    let (told, ended) = tokio::sync::oneshot::channel();
    let (call, answer) = Call::answer(&offer, 5, move |why| drop(told.send(why)))
        .await
        .unwrap();
    caller.answered(pending, &answer);

    hears_itself_over(&socket, &mut caller).await;

    drop(call);
    let why = tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(why, Why::Closed);
}

/// A message of the caller's, as a gateway would write it.
fn message(method: &str, cseq: u32, tag: &str, via: &str, body: &str) -> String {
    let to = if tag.is_empty() {
        String::new()
    } else {
        format!(";tag={tag}")
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} sip:echo@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/{via};rport;branch=z9hG4bK{method}{cseq}\r\nMax-Forwards: 70\r\n\
         From: <sip:me@127.0.0.1>;tag=me\r\nTo: <sip:echo@127.0.0.1>{to}\r\nCall-ID: real\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:me@127.0.0.1>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The value of a header, or the body where the name is empty.
fn part(text: &str, name: &str) -> String {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    if name.is_empty() {
        return body.to_owned();
    }
    head.lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(": "))
        .unwrap()
        .to_owned()
}

/// The whole phone over UDP: INVITE, sound, BYE.
#[tokio::test]
async fn phone_answers_a_call_over_udp_and_the_sound_comes_back() {
    let phone = Phone::start(at("127.0.0.1:0")).await.unwrap();
    let sip = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    sip.connect(phone.address()).await.unwrap();
    let via = format!("UDP {}", sip.local_addr().unwrap());
    let receive = async || {
        let mut buffer = vec![0; 65_536];
        let length = tokio::time::timeout(Duration::from_secs(5), sip.recv(&mut buffer));
        let length = length.await.unwrap().unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let media = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let local = media.local_addr().unwrap();
    let (mut caller, offer, pending) = Caller::offering(local, Instant::now());
    sip.send(message("INVITE", 1, "", &via, &offer).as_bytes())
        .await
        .unwrap();
    let begun = Instant::now();
    for status in ["100", "180"] {
        assert!(receive().await.starts_with(&format!("SIP/2.0 {status} ")));
    }
    let ok = receive().await;
    assert!(ok.starts_with("SIP/2.0 200 OK\r\n"), "{ok}");
    assert!(begun.elapsed() >= Duration::from_millis(200));
    let tag = part(&ok, "To").split_once(";tag=").unwrap().1.to_owned();
    sip.send(message("ACK", 1, &tag, &via, "").as_bytes())
        .await
        .unwrap();
    caller.answered(pending, &part(&ok, ""));
    hears_itself_over(&media, &mut caller).await;
    sip.send(message("BYE", 2, &tag, &via, "").as_bytes())
        .await
        .unwrap();
    assert!(receive().await.starts_with("SIP/2.0 200 OK\r\n"));
}

/// Two messages in one write, and one in three; the phone answers each over the same connection.
#[tokio::test]
async fn phone_answers_over_tcp() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let phone = Phone::start(at("127.0.0.1:0")).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(phone.address())
        .await
        .unwrap();
    let via = format!("TCP {}", stream.local_addr().unwrap());
    let invite = message("INVITE", 1, "", &via, capture!("chrome-av-offer-gathered"));
    let options = message("OPTIONS", 2, "", &via, "");
    let all = format!("\r\n\r\n{options}{invite}");
    for piece in [&all[..300], &all[300..2000], &all[2000..]] {
        stream.write_all(piece.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut bytes = Vec::new();
    let all = async {
        let seen = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let count = text.matches("SIP/2.0 200 OK\r\n").count();
            (count >= 2 && text.trim_end().ends_with("a=end-of-candidates")) || count > 4
        };
        // The audio comes first here, so the answer ends with the refused video.
        while !seen(&bytes) && !String::from_utf8_lossy(&bytes).ends_with("a=inactive\r\n") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
    };
    tokio::time::timeout(Duration::from_secs(5), all)
        .await
        .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let answer = text.rsplit_once("\r\n\r\n").unwrap().1;
    fits(capture!("chrome-av-offer-gathered"), answer);
    for status in [
        "SIP/2.0 100 ",
        "SIP/2.0 180 ",
        "CSeq: 2 OPTIONS",
        ";transport=tcp>",
    ] {
        assert!(text.contains(status), "{status} is not in\n{text}");
    }
}

#[tokio::test]
async fn phone_that_is_dropped_lets_its_address_go() {
    let phone = Phone::start(at("127.0.0.1:0")).await.unwrap();
    let address = phone.address();
    assert!(Phone::start(address).await.is_err(), "it is taken");
    drop(phone);
    let again = async {
        while Phone::start(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), again)
        .await
        .unwrap();
}
