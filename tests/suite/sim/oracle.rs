//! What must hold in every run.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use crosspoint::call::coverage::Coverage;

use super::chat::device::Device;
use super::client::{Belief, Client, State};
use super::complaint::{Complaints, Oracle};
use super::log::Listener;
use super::{Life, Outcome, Run, phone};

/// Cells of the call's table that honest peers reach: state, side, signals.
const REACHED: [(&str, &str, &[&str]); 7] = [
    ("Waiting", "A", &["Candidates", "End"]),
    ("Inviting", "A", &["Candidates", "Offer", "End"]),
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

/// Cells that nobody reaches who calls here: a chat user, who makes his offer later
/// (`Opening::Later`), cannot call a word, and does not refuse to make it but ends the call.
/// `call/opening_tests.rs` has them.
const NOT_REACHED: [(&str, &str, &[&str]); 2] = [
    ("Waiting", "A", &["Offer", "Refuse"]),
    ("Inviting", "A", &["Refuse"]),
];

/// Looks at a run that has come to rest.
pub(super) fn look(run: &mut Run) {
    let mut wrong = std::mem::take(&mut run.phone.complaints);
    if run.life != Life::Finished && !run.gateway.is_idle() {
        wrong.add(Oracle::Quiet, "something is left of a call");
    }
    for client in &mut run.clients {
        wrong.append(&mut client.complaints);
        if client.gone {
            continue;
        }
        for (name, call) in &client.calls {
            if call.state != State::Over {
                let (user, state) = (&client.user, call.state);
                let what = format!("{name} of {user} never ended: {state:?}");
                wrong.add(Oracle::Ends, what);
            }
        }
    }
    chatted(run, &mut wrong);
    conserved(run, &mut wrong);
    caused(run, &mut wrong);
    for (name, call) in &run.phone.calls {
        if call.denied && !run.network.broke && !run.byes.contains(phone::call_id(name)) {
            wrong.add(Oracle::Ends, format!("{name} was forgotten without a BYE"));
        }
        if call.state != super::phone::State::Over {
            let what = format!("{name} of the phone never ended: {:?}", call.state);
            wrong.add(Oracle::Ends, what);
        }
    }
    run.complaints.append(&mut wrong);
}

/// The devices of a run.
fn devices(run: &Run) -> impl Iterator<Item = &Device> {
    run.chat.iter().flat_map(|chat| &chat.devices)
}

/// What the devices complain of; what must have ended, and been answered.
fn chatted(run: &mut Run, wrong: &mut Complaints) {
    let is_there = run.life != Life::Finished && !run.network.broke;
    let Some(chat) = &mut run.chat else { return };
    for device in &mut chat.devices {
        wrong.append(&mut device.complaints);
        for (sid, session) in &device.sessions {
            if session.state != super::chat::State::Over {
                let (jid, state) = (&device.jid, session.state);
                let what = format!("{sid} of {jid} never ended: {state:?}");
                wrong.add(Oracle::Ends, what);
            }
        }
        for late in device.unanswered.drain(..).filter(|_| is_there) {
            let what = format!("nobody answered {late}");
            wrong.add(Oracle::Answered, what);
        }
    }
}

/// Looks at the gateway in the moment it has said that it may end.
pub(super) fn finished(run: &mut Run) {
    if run.network.is_lossless() && run.phone.registered {
        let what = "it may end, and is still registered";
        run.complaints.add(Oracle::Quiet, what);
    }
}

/// What one client gave, another was told; a link that was cut may have swallowed a frame.
fn conserved(run: &Run, wrong: &mut Complaints) {
    // Nor does anything come through a stream to a chat server that was cut, or once it is closed.
    let is_closed = run.network.broke || run.life == Life::Finished;
    let is_cut = run.chat.is_some() && is_closed;
    if is_cut || run.clients.iter().any(|client| client.was_cut) {
        return;
    }
    let chatted: String = devices(run).map(|device| device.heard.as_str()).collect();
    let heard: String = run.clients.iter().flat_map(Client::heard).collect();
    let heard = heard + &chatted;
    let due = run.clients.iter().flat_map(|client| &client.due);
    for text in due.chain(devices(run).flat_map(|device| &device.due)) {
        if !heard.contains(text) {
            wrong.add(Oracle::Conserved, format!("{text} was never told"));
        }
    }
}

/// An established call ends because somebody left it, or because somebody vanished.
fn caused(run: &Run, wrong: &mut Complaints) {
    let mut left: BTreeSet<u64> = run.phone.left().collect();
    left.extend(devices(run).flat_map(Device::left));
    for client in &run.clients {
        let all = client.ends();
        left.extend(all.filter(|end| end.2 || client.gone).map(|end| end.0));
    }
    for client in &run.clients {
        for (own, other, _, cause) in client.ends() {
            let somebody = left.contains(&own) || left.contains(&other);
            if cause == "normal" && !somebody {
                let what = format!("a call of {} ended, and nobody left it", client.user);
                wrong.add(Oracle::Cause, what);
            }
        }
    }
}

/// Compares what the peers believe: each is believed by the one it believes in. Only where all is
/// quiet: what is lost or late is still to come.
pub(super) fn compare(run: &mut Run) {
    let away = |client: &Client| client.link.is_none() || client.gone;
    let unsettled = run.phone.is_unsettled()
        || run.clients.iter().any(Client::is_unsettled)
        || devices(run).any(Device::is_unsettled);
    let lossy = !run.network.is_reliable_enough();
    if lossy || run.network.carries() || unsettled || run.clients.iter().any(away) {
        return;
    }
    let beliefs: Vec<Belief> = run.clients.iter().flat_map(Client::beliefs).collect();
    let others = run
        .phone
        .beliefs()
        .chain(devices(run).flat_map(Device::beliefs));
    let beliefs: Vec<_> = beliefs.into_iter().chain(others).collect();
    run.compared += beliefs.len() as u64;
    for one in &beliefs {
        let agrees = |two: &&Belief| two.own == one.other && two.other == one.own;
        let Some(two) = beliefs.iter().find(agrees) else {
            let what = format!("{one:?} has nobody who agrees in {beliefs:?}");
            run.complaints.add(Oracle::Agreement, what);
            continue;
        };
        // A section of SDP that is used again keeps its mid, a content has a name of its own.
        let mut ours: Vec<_> = one.flows.iter().map(|it| (it.own, it.other)).collect();
        let mut theirs: Vec<_> = two.flows.iter().map(|it| (it.other, it.own)).collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        if ours != theirs {
            let what = format!("{:?} and {:?} of {}", one.flows, two.flows, one.own);
            run.complaints.add(Oracle::Contents, what);
        }
    }
}

/// Cells that are listed wrongly: as reached, and no seed did, or the other way round.
fn listed_wrongly(coverage: &Coverage) -> Vec<String> {
    let mut wrong = Vec::new();
    for (state, side, signal, count) in coverage.cells() {
        let is_in = |list: &[(&str, &str, &[&str])]| {
            list.iter().any(|(of, on, signals)| {
                *of == state && *on == format!("{side:?}") && signals.contains(&signal)
            })
        };
        if is_in(&REACHED) && count == 0 || is_in(&NOT_REACHED) && count > 0 {
            wrong.push(format!("{state} {side:?} {signal}: {count}"));
        }
    }
    wrong
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a seed with an ear on the log.
fn outcome(seed: u64) -> Outcome {
    let run = || catch_unwind(AssertUnwindSafe(|| Run::new(seed).run()));
    let mut outcome = match tracing::subscriber::with_default(Listener, run) {
        Ok(outcome) => outcome,
        Err(_) => {
            let mut outcome = Outcome::default();
            let what = "it panicked; what it said stands above";
            outcome.complaints.add(Oracle::Silent, what);
            outcome
        }
    };
    for text in Listener::taken() {
        outcome.complaints.add(Oracle::Silent, text);
    }
    outcome
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the table and the ladder are what one runs it for"
)]
fn every_seed_ends_well() {
    if let Some(seed) = number("SEED") {
        let outcome = outcome(seed);
        println!("{}", outcome.transcript);
        assert!(outcome.complaints.is_empty(), "\n{}", outcome.complaints);
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds.txt");
    let known = fs::read_to_string(file).unwrap();
    let known = known
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok());
    let first = number("FIRST_SEED").unwrap_or(1);
    let end = first.saturating_add(number("SEEDS").unwrap_or(2000));
    let seeds = known.chain(first..end);
    let (begun, most) = (
        Instant::now(),
        number("SIM_SECONDS").map(Duration::from_secs),
    );
    let (mut coverage, mut failures, mut compared) = (Coverage::default(), Vec::new(), 0);
    let mut spoke = BTreeSet::new();
    let mut count = 0;
    for seed in seeds {
        let outcome = outcome(seed);
        count += 1;
        if count % 10_000 == 0 {
            let (seconds, failed) = (begun.elapsed().as_secs(), failures.len());
            println!("{count} seeds in {seconds} s, {failed} failed");
        }
        coverage.add(&outcome.coverage);
        compared += outcome.compared;
        spoke.extend(outcome.complaints.oracles());
        if !outcome.complaints.is_empty() {
            failures.push(format!("SEED={seed}\n{}", outcome.complaints));
            if most.is_some() {
                println!("SEED={seed}\n{}", outcome.complaints);
            }
        }
        if most.is_some_and(|most| begun.elapsed() > most) {
            break;
        }
    }
    println!("{coverage}\n{count} seeds, {compared} beliefs were compared");
    let some: String = failures.iter().take(12).map(|f| format!("{f}\n")).collect();
    assert!(
        failures.is_empty(),
        "{} of {count} seeds, {}\n{some}",
        failures.len(),
        spoke
            .iter()
            .map(|name| format!("[{name}]"))
            .collect::<String>()
    );
    let wrong = listed_wrongly(&coverage);
    let name = Oracle::Reached.name();
    assert!(wrong.is_empty(), "[{name}] listed wrongly: {wrong:?}");
    assert!(compared > 0, "[{name}] no beliefs were compared");
}

#[test]
fn same_seed_says_the_same() {
    let name = Oracle::SameSeed.name();
    for seed in 1..20 {
        let [one, two] = [(); 2].map(|()| Run::new(seed).run().transcript);
        assert_eq!(one, two, "[{name}] SEED={seed}");
    }
}
