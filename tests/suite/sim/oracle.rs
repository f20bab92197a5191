//! What must hold in every run.

use std::fs;
use std::path::Path;

use crosspoint::call::coverage::Coverage;

use super::Run;
use super::client::State;

/// Cells of the call's table that honest peers reach: state, side, signals.
const REACHED: [(&str, &str, &[&str]); 7] = [
    ("Waiting", "A", &["Candidates", "End"]),
    ("Inviting", "A", &["Candidates", "End"]),
    ("Inviting", "B", &["Ring", "Accept", "End"]),
    ("Ringing", "A", &["Candidates", "End"]),
    ("Ringing", "B", &["Ring", "Progress", "Accept", "End"]),
    (
        "Established",
        "A",
        &["Offer", "Answer", "Refuse", "Candidates", "Dtmf", "End"],
    ),
    (
        "Established",
        "B",
        &["Offer", "Answer", "Refuse", "Candidates", "Dtmf", "End"],
    ),
];

/// Looks at a run that has come to rest.
pub(super) fn look(run: &mut Run) {
    let mut wrong = std::mem::take(&mut run.phone.complaints);
    if !run.gateway.is_idle() {
        wrong.push("something is left of a call".to_owned());
    }
    for client in &mut run.clients {
        wrong.append(&mut client.complaints);
        if client.gone {
            continue;
        }
        for (name, call) in &client.calls {
            if call.state != State::Over {
                wrong.push(format!(
                    "{name} of {} never ended: {:?}",
                    client.user, call.state
                ));
            }
        }
    }
    // What one client gave, another was told; a link that was cut may have swallowed a frame.
    if run.clients.iter().all(|client| !client.was_cut) {
        let heard: String = run
            .clients
            .iter()
            .map(|client| client.heard.as_str())
            .collect();
        let due = run.clients.iter().flat_map(|client| &client.due);
        let lost = due.filter(|port| !heard.contains(&format!(" {port} typ")));
        wrong.extend(lost.map(|port| format!("the candidate of port {port} was never told")));
    }
    for (name, call) in &run.phone.calls {
        if call.denied && !run.byes.contains(name) {
            wrong.push(format!("{name} was forgotten without a BYE"));
        }
        if call.state != super::phone::State::Over {
            wrong.push(format!("{name} of the phone never ended: {:?}", call.state));
        }
    }
    run.complaints.append(&mut wrong);
}

fn unreached(coverage: &Coverage) -> Vec<String> {
    let mut missing = Vec::new();
    for (state, side, signal, count) in coverage.cells() {
        let listed = REACHED.iter().any(|(of, on, signals)| {
            *of == state && *on == format!("{side:?}") && signals.contains(&signal)
        });
        if listed && count == 0 {
            missing.push(format!("{state} {side:?} {signal}"));
        }
    }
    missing
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the table and the ladder are what one runs it for"
)]
fn every_seed_ends_well() {
    if let Some(seed) = number("SEED") {
        let outcome = Run::new(seed).run();
        println!("{}", outcome.transcript);
        assert!(outcome.complaints.is_empty(), "{:#?}", outcome.complaints);
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds.txt");
    let known = fs::read_to_string(file).unwrap();
    let known = known
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok());
    let seeds: Vec<u64> = known.chain(1..=number("SEEDS").unwrap_or(2000)).collect();
    let (mut coverage, mut failures) = (Coverage::default(), Vec::new());
    for seed in &seeds {
        let outcome = Run::new(*seed).run();
        coverage.add(&outcome.coverage);
        if !outcome.complaints.is_empty() {
            failures.push(format!("SEED={seed} {:#?}", outcome.complaints));
        }
    }
    println!("{coverage}");
    let some: String = failures.iter().take(12).map(|f| format!("{f}\n")).collect();
    assert!(
        failures.is_empty(),
        "{} of {} seeds:\n{some}",
        failures.len(),
        seeds.len()
    );
    let missing = unreached(&coverage);
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn same_seed_says_the_same() {
    for seed in 1..20 {
        assert_eq!(
            Run::new(seed).run().transcript,
            Run::new(seed).run().transcript
        );
    }
}
