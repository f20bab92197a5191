//! What the tests of calls are written in: ladders of one call, as an engineer draws them.
//!
//! ```text
//!   A > Invite later         a leg says something
//!   B < Invite later         a leg is told something
//!   A ! a note               what stands in the trace beside a leg
//!   + 15 s                   time passes
//!   = timeout, by A          the call has ended: why, on which side
//! ```
//!
//! A is the caller, B, B2, B3 are called. Lines with `>` and `+` are played, all others are what
//! must come of them, in this order and nothing else.
#![cfg(test)]

use std::time::{Duration, Instant};

use super::cause::Cause;
use super::leg::Leg;
use super::profile::{Gathering, Profile, Trickles};
use super::signal::{Caller, Dtmf, Ending, Invite, Opening, Refusal, Signal};
use super::timer::Patience;
use super::{Call, Effect, Side};
use crate::address::Address;
use crate::id::{CallId, LegId};
use crate::sdp::{self, Limits, OwnedOrigin, SessionDescription, Trickle};

const CALLER: LegId = LegId(1);

/// A page: trickles, and can be called before there is an offer.
pub(super) fn page() -> Profile {
    Profile::browser()
}

/// A page that does not trickle.
pub(super) fn page_without_trickle() -> Profile {
    Profile {
        trickle: Trickles::Half(Gathering::default()),
        ..Profile::browser()
    }
}

/// A phone: does not trickle, and cannot be called before there is an offer.
pub(super) fn phone() -> Profile {
    // What is fitted for a phone is not of these tests.
    Profile::peer(sdp::Profile::browser(), Gathering::default())
}

/// A peer that is no browser, trickles, and can be called before there is an offer.
pub(super) fn chat() -> Profile {
    Profile {
        trickle: Trickles::Always,
        needs_offer: false,
        ..phone()
    }
}

/// A's profile and those of the B-legs that are placed for it; what must come of it.
pub(super) fn ladder(a: Profile, b: &[Profile], text: &str) {
    Ladder::new(a, b, Vec::new()).check(text);
}

/// The same where nobody is placed: B joins by its own invitation.
pub(super) fn rendezvous(a: Profile, b: Profile, text: &str) {
    Ladder::new(a, &[], vec![b]).check(text);
}

struct Ladder {
    now: Instant,
    call: Option<Call>,
    a: Option<Leg>,
    placed: Vec<Leg>,
    joining: Vec<Leg>,
}

impl Ladder {
    fn new(a: Profile, placed: &[Profile], joining: Vec<Profile>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to count from"
        )]
        let now = Instant::now();
        let leg = |number: usize, profile: Profile| {
            let number = u64::try_from(number).unwrap_or_default() + CALLER.0;
            let origin = OwnedOrigin::new(number, 1, [192, 0, 2, 1].into());
            Leg::new(LegId(number), profile, origin)
        };
        let many = placed.iter().cloned().enumerate();
        Self {
            now,
            call: None,
            a: Some(leg(0, a)),
            placed: many.map(|(at, one)| leg(at + 1, one)).collect(),
            joining: joining.into_iter().map(|one| leg(1, one)).collect(),
        }
    }

    /// Plays what is said and compares all with what came of it.
    fn check(mut self, text: &str) {
        let expected: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        let mut out = Vec::new();
        for line in &expected {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["+", number, "s"] => {
                    out.push((*line).to_owned());
                    self.wait(number.parse().expect("seconds"), &mut out);
                }
                [who, ">", ..] => {
                    out.push((*line).to_owned());
                    self.say(leg_named(who), &words[2..]);
                    self.drain(&mut out);
                }
                _ => {}
            }
        }
        assert_eq!(out, expected, "\ncame out as\n{}", out.join("\n"));
    }

    fn say(&mut self, leg: LegId, words: &[&str]) {
        let now = self.now;
        match (words, &mut self.call) {
            (["Invite", opening], None) => {
                let invite = Invite {
                    from: Caller::default(),
                    to: Address::User("b".into()),
                    opening: opening_of(opening),
                    headers: Vec::new(),
                };
                let (a, b) = (self.a.take(), std::mem::take(&mut self.placed));
                let a = a.expect("the caller calls once");
                let patience = Patience::default();
                self.call = Some(Call::new(CallId(1), a, b, invite, patience, now));
            }
            (["Invite", opening], Some(call)) => {
                let joins = self.joining.remove(0);
                assert!(
                    call.join(joins, &opening_of(opening), now),
                    "it cannot join"
                );
            }
            (_, Some(call)) => call.handle(leg, signal(words), now),
            (_, None) => panic!("{words:?} before the invitation"),
        }
    }

    fn wait(&mut self, seconds: u64, out: &mut Vec<String>) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(call) = &mut self.call
            && let Some((at, _)) = call.poll_timeout().filter(|(at, _)| *at <= until)
        {
            assert!(at >= self.now, "a timer lies in the past");
            self.now = at;
            call.handle_timeout(at);
            self.drain(out);
        }
        self.now = until;
    }

    fn drain(&mut self, out: &mut Vec<String>) {
        let call = self.call.as_mut().expect("a call that was invited to");
        while let Some(effect) = call.poll_effect() {
            out.push(match effect {
                Effect::Tell(leg, signal) => format!("{} < {}", name(leg), words_of(&signal)),
                Effect::Note(leg, note) => format!("{} ! {note}", name(leg)),
                Effect::Ended(record) => {
                    let side = record.side.map(|side| match side {
                        Side::A => ", by A",
                        Side::B => ", by B",
                    });
                    format!("= {}{}", record.cause(), side.unwrap_or_default())
                }
            });
        }
    }
}

fn name(leg: LegId) -> String {
    match leg.0 - CALLER.0 {
        0 => "A".to_owned(),
        1 => "B".to_owned(),
        many => format!("B{many}"),
    }
}

fn leg_named(text: &str) -> LegId {
    let number = match text {
        "A" => 0,
        "B" => 1,
        many => many[1..].parse().expect("A, B, B2, B3"),
    };
    LegId(CALLER.0 + number)
}

fn opening_of(word: &str) -> Opening {
    match word {
        "later" => Opening::Later,
        "yours" => Opening::Yours,
        word => Opening::Offer(description(word)),
    }
}

fn signal(words: &[&str]) -> Signal {
    match words {
        ["Ring"] => Signal::Ring,
        ["Progress", word] => Signal::Progress {
            description: description(word),
            fork: 1,
        },
        ["Accept"] => Signal::Accept(None),
        ["Accept", word] => Signal::Accept(Some(description(word))),
        ["Offer", "wanted"] => Signal::Offer(None),
        ["Offer", word] => Signal::Offer(Some(description(word))),
        ["Answer", word] => Signal::Answer(description(word)),
        ["Refuse", word] => Signal::Refuse(refusal(word).into()),
        ["Candidate", word] => Signal::Candidates(vec![candidate(word)]),
        ["Dtmf", digit] => Signal::Dtmf(Dtmf {
            digit: digit.chars().next().expect("a digit"),
            duration: Duration::from_millis(160),
        }),
        ["End", word] => Signal::End(Ending::by_peer(cause(word))),
        _ => panic!("not a signal: {words:?}"),
    }
}

fn refusal(word: &str) -> Refusal {
    let all = [
        Refusal::Glare,
        Refusal::NotAcceptable,
        Refusal::Withdrawn,
        Refusal::Unanswered,
    ];
    let found = all.into_iter().find(|one| format!("{one:?}") == word);
    found.expect("a reason")
}

fn cause(word: &str) -> Cause {
    let found = Cause::ALL.into_iter().find(|one| one.name() == word);
    found.expect("a cause")
}

/// `host` can be reached, `srflx` and `relay` very probably can, `end` says that there are no more.
fn candidate(word: &str) -> Trickle {
    let text = match word {
        "host" => Some("candidate:1 1 udp 2122194687 192.0.2.7 5000 typ host"),
        "srflx" => {
            Some("candidate:2 1 udp 1686052607 198.51.100.7 5000 typ srflx raddr 0.0.0.0 rport 9")
        }
        "relay" => {
            Some("candidate:3 1 udp 41885439 203.0.113.7 5000 typ relay raddr 0.0.0.0 rport 9")
        }
        "end" => None,
        _ => panic!("not a candidate: {word}"),
    };
    let mid = text.map(|_| "0");
    Trickle::new(text, mid, None, None).expect("a candidate")
}

/// `offer`, `answer`: of a browser, with all candidates. `-bare`: without any, more may follow.
/// `-hold`: it holds.
fn description(word: &str) -> SessionDescription {
    let (word, direction) = match word.strip_suffix("-hold") {
        Some(word) => (word, "a=sendonly"),
        None => (word, "a=sendrecv"),
    };
    let whole = match word {
        "offer" | "offer-bare" => {
            include_str!("../../tests/fixtures/sdp/chrome-audio-offer-gathered.sdp")
        }
        "answer" | "answer-bare" => {
            include_str!("../../tests/fixtures/sdp/chrome-p-audio-answer-gathered.sdp")
        }
        _ => panic!("not a description: {word}"),
    };
    let text: String = match word.ends_with("-bare") {
        true => whole
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with("a=candidate"))
            .collect(),
        false => whole.replacen("a=ice-ufrag", "a=end-of-candidates\r\na=ice-ufrag", 1),
    };
    let text = text.replace("a=sendrecv", direction);
    SessionDescription::parse(&text, &Limits::default()).expect("a description")
}

fn words_of(signal: &Signal) -> String {
    let described = |what: &str, description: Option<&SessionDescription>| match description {
        Some(description) => {
            let candidates = description.media().flat_map(|media| media.candidates());
            format!("{what}, {} candidates", candidates.count())
        }
        None => what.to_owned(),
    };
    match signal {
        Signal::Invite(invite) => match &invite.opening {
            Opening::Offer(offer) => described("Invite offer", Some(offer)),
            Opening::Yours => "Invite yours".to_owned(),
            Opening::Later => "Invite later".to_owned(),
        },
        Signal::Ring => "Ring".to_owned(),
        Signal::Progress { description, .. } => described("Progress answer", Some(description)),
        Signal::Accept(description) => described("Accept", description.as_ref()),
        Signal::Offer(None) => "Offer wanted".to_owned(),
        Signal::Offer(offer) => described("Offer", offer.as_ref()),
        Signal::Answer(answer) => described("Answer", Some(answer)),
        Signal::Refuse(refused) => format!("Refuse {:?}", refused.why),
        Signal::Candidates(all) => format!("Candidates {}", all.len()),
        Signal::Dtmf(dtmf) => format!("Dtmf {}", dtmf.digit),
        Signal::Media(_) => "Media".to_owned(),
        Signal::End(ending) => match &ending.detail {
            Some(detail) => format!("End {}: {detail}", ending.cause),
            None => format!("End {}", ending.cause),
        },
    }
}
