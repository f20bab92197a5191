//! The examples of the XEPs: read, and what is malformed is named.

use std::fs;
use std::path::Path;

use crosspoint::jingle::sdp::{Peer, Sections};
use crosspoint::jingle::{Description, Jingle, Role, find, parse};
use crosspoint::sdp::{Limits, What};

/// Examples that are not what they are meant to be, with what is wrong.
const MALFORMED: &[(&str, &str)] =
    &[("0293-04", "the tag of <jingle/> ends before its attributes")];

fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/xep");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            all.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn examples_are_read_and_malformed_ones_are_named() {
    let limits = Limits::default();
    let (mut read, mut wrong) = (0, Vec::new());
    for (name, text) in examples() {
        let Ok(element) = parse(&text, &limits) else {
            wrong.push(name);
            continue;
        };
        let Some(jingle) = find(&element) else {
            continue;
        };
        match Jingle::read(jingle, &limits) {
            Ok(jingle) => {
                read += 1;
                // What is written of it is read as the same, foreign parts apart.
                let again = Jingle::read(&jingle.write(), &limits).unwrap();
                assert_eq!(again.action, jingle.action, "{name}");
                assert_eq!(again.contents.len(), jingle.contents.len(), "{name}");
                assert_eq!(again.groups, jingle.groups, "{name}");
            }
            Err(_) => wrong.push(name),
        }
    }
    let named: Vec<&str> = MALFORMED.iter().map(|(name, _)| *name).collect();
    assert_eq!(wrong, named);
    assert!(read > 60, "{read}");
}

#[test]
fn descriptions_of_the_examples_have_what_they_show() {
    let limits = Limits::default();
    let of = |name: &str| {
        let all = examples();
        let (_, text) = all.iter().find(|(known, _)| known == name).unwrap();
        Description::read(&parse(text, &limits).unwrap())
    };
    // XEP-0293 §4: for all payload types, and for one.
    let offered = of("0293-01");
    assert_eq!(
        (
            offered.feedback.len(),
            offered.payload_types[0].feedback.len()
        ),
        (1, 2)
    );
    assert_eq!(of("0293-03").feedback.len(), 1);
    // XEP-0294 §4: two extensions may share an identifier that is not in use yet.
    let offered = of("0294-01");
    assert_eq!(offered.extensions.len(), 3);
    assert_eq!(offered.extensions[1].id, offered.extensions[2].id);
    assert!(offered.extmap_allow_mixed);
}

#[test]
fn session_of_ice_becomes_a_description() {
    let (peer, limits) = (Peer::native(), Limits::default());
    let (mut heard, mut refused) = (0, 0);
    for (name, text) in examples() {
        let Ok(element) = parse(&text, &limits) else {
            continue;
        };
        let Some(Ok(jingle)) = find(&element).map(|found| Jingle::read(found, &limits)) else {
            continue;
        };
        if jingle.action.as_str() != "session-initiate" {
            continue;
        }
        let mut sections = Sections::default();
        match sections.hear(&jingle, Role::Initiator, What::Offer, &peer, &limits) {
            Ok(done) => {
                heard += 1;
                assert!(done.description.media_count() > 0, "{name}");
            }
            // Of raw UDP, of other applications, or shortened with three dots.
            Err(_) => refused += 1,
        }
    }
    assert!(heard >= 4, "{heard} heard, {refused} refused");
}
