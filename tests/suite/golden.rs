//! Cases of `tests/golden/jingle_sdp`: descriptions as Jingle and back, with what is lost, and the
//! document that is made of them. `UPDATE=1` writes the results anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crosspoint::call::cause::Cause;
use crosspoint::jingle::sdp::{Peer, Sections};
use crosspoint::jingle::{
    Action, Condition, Jingle, Loss, Lost, Phase, Reason, Role, find, parse, print,
};
use crosspoint::sdp::{Limits, SessionDescription, What, check_answer, check_browser};
use crosspoint::sip::status::status;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a case gives.
struct Results {
    jingle: String,
    back: SessionDescription,
    lost: Vec<Lost>,
}

fn cases() -> Vec<PathBuf> {
    let folders = fs::read_dir(root("tests/golden/jingle_sdp")).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_str().unwrap().to_owned()
}

fn description(path: &Path) -> Option<SessionDescription> {
    let text = fs::read_to_string(path).ok()?;
    Some(SessionDescription::parse(&text, &Limits::default()).unwrap())
}

/// A message of these contents, as it was on the wire.
fn message(told: &crosspoint::jingle::sdp::Told, action: Action) -> Jingle {
    let mut jingle = Jingle::new(action, "a73sjjvkla37jfea");
    jingle.contents.clone_from(&told.contents);
    jingle.groups.clone_from(&told.groups);
    let text = String::from(&jingle.write());
    let element = parse(&text, &Limits::default()).unwrap();
    Jingle::read(&element, &Limits::default()).unwrap()
}

fn run(case: &Path) -> Results {
    let (peer, limits) = (Peer::native(), Limits::default());
    let (offer, answer) = (case.join("offer.sdp"), case.join("answer.sdp"));
    if let Ok(text) = fs::read_to_string(case.join("from.xml")) {
        let element = parse(&text, &limits).unwrap();
        let heard = Jingle::read(find(&element).unwrap(), &limits).unwrap();
        let mut sections = Sections::default();
        let back = sections.hear(&heard, Role::Initiator, What::Offer, &peer, &limits);
        let mut back = back.unwrap();
        let told = sections.tell(&back.description, Role::Initiator, What::Offer, &peer);
        let jingle = print(&message(&told, Action::SessionInitiate).write());
        back.lost.extend(told.lost);
        return Results {
            jingle,
            back: back.description,
            lost: back.lost,
        };
    }
    let (sdp, role, what, action) = match description(&offer) {
        Some(sdp) => (sdp, Role::Initiator, What::Offer, Action::SessionInitiate),
        None => {
            let sdp = description(&answer).expect("a case has a description");
            (sdp, Role::Responder, What::Answer, Action::SessionAccept)
        }
    };
    let mut ours = Sections::default();
    let mut told = ours.tell(&sdp, role, what, &peer);
    let jingle = message(&told, action);
    // An answer is heard by who has made the offer, and knows its sections.
    let mut theirs = match what {
        What::Offer => Sections::default(),
        What::Answer => ours,
    };
    let back = theirs.hear(&jingle, role, what, &peer, &limits).unwrap();
    told.lost.extend(back.lost);
    Results {
        jingle: print(&jingle.write()),
        back: back.description,
        lost: told.lost,
    }
}

fn losses(lost: &[Lost]) -> String {
    let mut text = String::new();
    for one in lost {
        writeln!(text, "{}: {one}", one.loss).unwrap();
    }
    text
}

fn is_update() -> bool {
    std::env::var("UPDATE").is_ok_and(|value| value == "1")
}

/// Compares a text with what is kept, or keeps it.
fn compare(path: &Path, made: &str, wrong: &mut Vec<String>) {
    if is_update() {
        fs::write(path, made).unwrap();
    } else if fs::read_to_string(path).unwrap_or_default() != made {
        wrong.push(path.display().to_string());
    }
}

#[test]
fn cases_give_what_is_kept() {
    let mut wrong = Vec::new();
    for case in cases() {
        let results = run(&case);
        compare(&case.join("jingle.xml"), &results.jingle, &mut wrong);
        compare(&case.join("back.sdp"), &results.back.to_text(), &mut wrong);
        compare(&case.join("losses.txt"), &losses(&results.lost), &mut wrong);
    }
    assert!(
        wrong.is_empty(),
        "not as kept, UPDATE=1 writes them anew: {}",
        wrong.join(" ")
    );
}

#[test]
fn what_comes_back_is_a_description_that_fits() {
    for case in cases() {
        let back = run(&case).back;
        let name = name(&case);
        // What a phone of the other wire offers may be for no browser.
        let for_browsers = |media: crosspoint::sdp::Media<'_>| {
            media.ice().is_some() && media.proto().contains("TLS")
        };
        if back.media().all(for_browsers) {
            assert_eq!(check_browser(&back), Ok(()), "{name}");
        }
        if let Some(offer) = description(&case.join("offer.sdp")) {
            assert!(back.media_count() <= offer.media_count(), "{name}");
        }
    }
}

#[test]
fn answer_fits_its_offer_after_both_have_passed() {
    let folder = root("tests/fixtures/jingle");
    let read = |name: &str| description(&folder.join(name)).unwrap();
    let (peer, limits) = (Peer::browser(), Limits::default());
    for (offer, answer) in [
        ("chromium.audio.offer.sdp", "chromium.audio.answer.sdp"),
        ("chromium.av.offer.sdp", "chromium.av.answer.sdp"),
        (
            "chromium.av.hold.reoffer.sdp",
            "chromium.av.hold.reanswer.sdp",
        ),
        (
            "chromium.recvonly.offer.sdp",
            "chromium.recvonly.answer.sdp",
        ),
    ] {
        let (offer, answer) = (read(offer), read(answer));
        let (mut ours, mut theirs) = (Sections::default(), Sections::default());
        let told = ours.tell(&offer, Role::Initiator, What::Offer, &peer);
        let initiate = message(&told, Action::SessionInitiate);
        theirs
            .hear(&initiate, Role::Initiator, What::Offer, &peer, &limits)
            .unwrap();
        let told = theirs.tell(&answer, Role::Responder, What::Answer, &peer);
        let accept = message(&told, Action::SessionAccept);
        let heard = ours
            .hear(&accept, Role::Responder, What::Answer, &peer, &limits)
            .unwrap();
        assert_eq!(check_answer(&offer, &heard.description), Ok(()));
        for (sent, heard) in answer.media().zip(heard.description.media()) {
            assert_eq!(sent.direction(), heard.direction());
        }
    }
}

/// What `stanza` makes of Chromium's descriptions.
#[test]
fn contents_of_another_client_become_descriptions() {
    let (peer, limits) = (Peer::browser(), Limits::default());
    let mut count = 0;
    for entry in fs::read_dir(root("tests/fixtures/jingle")).unwrap() {
        let path = entry.unwrap().path();
        let name = name(&path);
        let Some(case) = name.strip_suffix(".stanza.xml") else {
            continue;
        };
        count += 1;
        let element = parse(&fs::read_to_string(&path).unwrap(), &limits).unwrap();
        let jingle = Jingle::read(find(&element).unwrap(), &limits).unwrap();
        let author = match jingle.action {
            Action::SessionAccept => Role::Responder,
            _ => Role::Initiator,
        };
        let mut sections = Sections::default();
        let heard = sections.hear(&jingle, author, What::Offer, &peer, &limits);
        if case.starts_with("chromium.data") {
            let none = crosspoint::jingle::MapError::NothingToDescribe;
            assert_eq!(heard, Err(none), "{case}");
            continue;
        }
        let heard = heard.unwrap();
        assert_eq!(check_browser(&heard.description), Ok(()), "{case}");
        let original = description(&path.with_file_name(format!("{case}.sdp"))).unwrap();
        for ours in heard.description.media() {
            let theirs = original.media_by_mid(ours.mid().unwrap()).unwrap();
            let codecs = |media: &crosspoint::sdp::Media<'_>| -> Vec<String> {
                media.codecs().iter().map(ToString::to_string).collect()
            };
            assert_eq!(codecs(&ours), codecs(&theirs), "{case}");
            assert_eq!(ours.direction(), theirs.direction(), "{case}");
            assert_eq!(ours.ice(), theirs.ice(), "{case}");
            assert_eq!(ours.fingerprints(), theirs.fingerprints(), "{case}");
            let count = |media: &crosspoint::sdp::Media<'_>| media.candidates().count();
            assert_eq!(count(&ours), count(&theirs), "{case}");
        }
    }
    assert!(count >= 24, "{count}");
}

const HEAD: &str = include_str!("../golden/interworking_head.md");

/// The cause in each wire's words.
fn causes() -> String {
    let mut text = String::from(
        "\n| JSON `cause` | SIP | Jingle `session-terminate` | JMI `reject`, `retract` |\n\
         |---|---|---|---|\n",
    );
    let shown = |reason: &Reason| match &reason.text {
        Some(text) => format!("`{}` ({text})", reason.condition),
        None => format!("`{}`", reason.condition),
    };
    for cause in Cause::ALL {
        let (code, phrase) = status(cause);
        let (terminate, propose) = (Reason::to_terminate(cause), Reason::to_propose_end(cause));
        let (terminate, propose) = (shown(&terminate), shown(&propose));
        writeln!(
            text,
            "| `{cause}` | {code} {phrase} | {terminate} | {propose} |"
        )
        .unwrap();
    }
    text.push_str(
        "\nThe status is that of a call that nobody answered; after the answer it is BYE, with a \
         Reason header where the cause is no ordinary one.\n\n\
         | Jingle reason | before the answer, of the callee | of the caller | after the answer |\n\
         |---|---|---|---|\n",
    );
    for condition in Condition::all() {
        let reason = Reason::new(condition.clone());
        let cause = |phase| Reason::terminate_cause(Some(&reason), phase);
        let (callee, caller) = (cause(Phase::Callee), cause(Phase::Caller));
        let answered = cause(Phase::Answered);
        writeln!(
            text,
            "| `{condition}` | `{callee}` | `{caller}` | `{answered}` |"
        )
        .unwrap();
    }
    let none = |phase| Reason::terminate_cause(None, phase);
    let (callee, caller) = (none(Phase::Callee), none(Phase::Caller));
    let answered = none(Phase::Answered);
    writeln!(text, "| none | `{callee}` | `{caller}` | `{answered}` |").unwrap();
    let reject = Reason::reject_cause(None);
    writeln!(text, "| none, in a JMI `reject` | `{reject}` | | |").unwrap();
    text
}

/// The loss list, each with its reason and the cases that show it.
fn losses_of_cases() -> String {
    let mut seen: BTreeMap<Loss, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        for lost in run(&case).lost {
            seen.entry(lost.loss).or_default().insert(name(&case));
        }
    }
    let mut text = String::from(
        "\n## What is lost between a description and Jingle\n\n\
         Each line of a description comes back when its Jingle is made a description again, or it \
         is one of these. Made anew each time are `v=`, `o=`, `s=`, `t=`, `c=`, ports, `a=rtcp`, \
         `a=msid-semantic` and `a=bundle-only`. `crosspoint convert` tells the losses of one \
         description on its standard error.\n\n\
         | name | what is done | why | seen in |\n|---|---|---|---|\n",
    );
    for loss in Loss::all() {
        let cases = seen.get(&loss).cloned().unwrap_or_default();
        let cases = Vec::from_iter(cases).join(", ");
        let (sentence, reason) = (loss.sentence(), loss.reason());
        writeln!(text, "| `{loss}` | {sentence} | {reason} | {cases} |").unwrap();
    }
    text
}

#[test]
fn document_says_what_the_tables_and_cases_say() {
    let text = format!("{HEAD}{}{}", causes(), losses_of_cases());
    let mut wrong = Vec::new();
    compare(&root("docs/interworking.md"), &text, &mut wrong);
    assert!(
        wrong.is_empty(),
        "UPDATE=1 writes docs/interworking.md anew"
    );
}
