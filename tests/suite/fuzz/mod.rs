//! Inputs that nobody would send, for every parser and for the whole gateway.
//!
//! Each target has kept inputs: the corpora of this repository, and the files in
//! `tests/fuzz/TARGET`, which once failed and are replayed for ever after. From these, chance makes
//! others: bytes changed, cut, doubled, joined with a second input, words of the grammar put in.
//! What comes out otherwise than all before joins the inputs that chance starts from.
//!
//! `FUZZ_CASES=n` sets the number of inputs a target gets (1,500), `FUZZ_SECONDS=n` gives each
//! target that long instead, `FUZZ_SEED=n` another chance, `FUZZ_TARGET=name` one target. A failing
//! input is made smaller and saved as a file.

mod change;
mod config;
mod gateway;
mod jingle;
mod json;
mod sdp;
mod sip;
mod xmpp;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::dice::Dice;

/// One parser, or more that read the same.
struct Target {
    /// Its name, and its folder below `tests/fuzz`.
    name: &'static str,
    /// What chance starts from.
    inputs: Vec<Vec<u8>>,
    /// Words of its grammar.
    words: &'static [&'static str],
    /// Takes an input: panics where a promise is broken, else says what came of it in few words.
    take: fn(&[u8]) -> String,
}

/// How long one input may take in a build for tests.
const SLOW: Duration = Duration::from_secs(3);

/// Inputs that chance may start from.
const POOL_MAX: usize = 3000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The bytes of all files of a folder of this repository, in the order of their names.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let Ok(found) = fs::read_dir(root) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.is_file());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// What is wrong with an input: what the panic said, or how slow it was.
fn failure(target: &Target, input: &[u8]) -> Result<String, String> {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.take)(input)));
    let took = begun.elapsed();
    if took > SLOW {
        return Err(format!("it took {took:?}"));
    }
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        text.unwrap_or_default()
    })
}

/// A smaller input that fails, too: parts are left out as long as it does.
fn smaller(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut part = input.len() / 2;
    let mut tries = 0;
    while part > 0 && tries < 2000 {
        let mut at = 0;
        while at < input.len() && tries < 2000 {
            tries += 1;
            let end = (at + part).min(input.len());
            let less = [&input[..at], &input[end..]].concat();
            match failure(target, &less) {
                Err(_) => input = less,
                Ok(_) => at = end,
            }
        }
        part /= 2;
    }
    input
}

/// Saves an input that fails, so that it is replayed from now on.
fn save(target: &Target, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fuzz/{}", target.name));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("failed-{:016x}", hasher.finish()));
    fs::write(&path, input).unwrap();
    path
}

/// How long a target is tried.
enum Bound {
    Cases(u64),
    Until(Instant),
}

impl Bound {
    fn of_environment() -> Self {
        match number("FUZZ_SECONDS") {
            Some(seconds) => Self::Until(Instant::now() + Duration::from_secs(seconds)),
            None => Self::Cases(number("FUZZ_CASES").unwrap_or(1500)),
        }
    }

    fn is_reached(&self, cases: u64) -> bool {
        match self {
            Self::Cases(most) => cases >= *most,
            Self::Until(end) => Instant::now() >= *end,
        }
    }
}

/// Takes what is kept, then what chance makes of it.
#[expect(
    clippy::print_stdout,
    reason = "the seed and the numbers are what one runs it for"
)]
fn fuzz(target: Target) {
    if std::env::var("FUZZ_TARGET").is_ok_and(|only| only != target.name) {
        return;
    }
    let mut pool = target.inputs.clone();
    let kept = files(&format!("tests/fuzz/{}", target.name));
    assert!(!pool.is_empty(), "{}: nothing to start from", target.name);
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for input in kept.iter().chain(&pool) {
        match failure(&target, input) {
            Ok(outcome) => *outcomes.entry(outcome).or_default() += 1,
            Err(why) => {
                let path = save(&target, input);
                panic!(
                    "{}: a kept input fails: {}\n{why}",
                    target.name,
                    path.display()
                );
            }
        }
    }
    pool.extend(kept);
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let mut dice = Dice(seed);
    let (bound, mut cases) = (Bound::of_environment(), 0);
    while !bound.is_reached(cases) {
        cases += 1;
        let input = change::another(&pool, target.words, &mut dice);
        match failure(&target, &input) {
            Ok(outcome) => {
                let count = outcomes.entry(outcome).or_default();
                *count += 1;
                if *count <= 2 && pool.len() < POOL_MAX {
                    pool.push(input);
                }
            }
            Err(why) => {
                let path = save(&target, &smaller(&target, input));
                let (name, path) = (target.name, path.display());
                panic!("{name}: FUZZ_SEED={seed}, input {cases}, saved as {path}\n{why}");
            }
        }
    }
    let (name, outcomes) = (target.name, outcomes.len());
    println!("{name}: seed {seed}, {cases} inputs, {outcomes} different outcomes");
}

/// The words of a text that tell one outcome from another: no digits, no quoted input.
fn shape(text: &str) -> String {
    let mut quoted = false;
    let shape = text.chars().filter(|c| {
        quoted ^= matches!(c, '`' | '"');
        !quoted && (c.is_ascii_alphabetic() || *c == ' ')
    });
    shape.take(80).collect()
}

#[test]
fn targets_have_names_of_their_own() {
    let targets = [
        sip::messages().name,
        sip::streams().name,
        sip::values().name,
        sip::challenges().name,
        sdp::descriptions().name,
        json::frames().name,
        config::files().name,
        jingle::stanzas().name,
        gateway::inputs().name,
        xmpp::streams().name,
        xmpp::servers().name,
        xmpp::addresses().name,
    ];
    assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), targets.len());
    // A folder that belongs to no target is replayed by nobody.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let known = !entry.path().is_dir() || targets.contains(&name.as_str());
        assert!(known, "tests/fuzz/{name}");
    }
}
