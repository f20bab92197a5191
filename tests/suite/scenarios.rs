//! Ladders in `tests/scenarios`, run on virtual time.
//!
//! Lines to crosspoint are written by hand, lines from it are recorded: `UPDATE=1` rewrites them,
//! the diff is the review. `expect` and `never` lines are written by hand and never rewritten:
//! each is a text that some, or no, recorded line contains. `idle` asserts that nothing is left.

use std::fs;
use std::path::Path;

use crate::world::World;

/// Runs one ladder and returns it as it came out, with what is wrong.
fn run(text: &str) -> (String, Vec<String>) {
    let (mut world, mut out, mut recorded) = (World::new(), String::new(), Vec::new());
    let mut wrong = Vec::new();
    let mut promises = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if first == "expect" || first == "never" {
            promises.push((first, line.split_once(' ').unwrap().1.trim()));
        }
        if first == "!" {
            continue;
        }
        let Ok(at) = first.parse::<f64>() else {
            out += &format!("{line}\n");
            continue;
        };
        let who = words.next().unwrap_or_default();
        if who == "crosspoint" {
            continue;
        }
        world.advance(at);
        record(&mut world, &mut recorded, &mut out);
        out += &format!("{line}\n");
        if who == "idle" {
            if !world.gateway.is_idle() {
                wrong.push(format!("not idle at {at}"));
            }
            continue;
        }
        let said: Vec<_> = words.skip(2).collect();
        world.say(who, &said.join(" "));
        record(&mut world, &mut recorded, &mut out);
    }
    if out.contains("\n!") {
        wrong.push("somebody was to say what he cannot".to_owned());
    }
    for (promise, what) in promises {
        let found = recorded.iter().any(|line| line.contains(what));
        if found != (promise == "expect") {
            wrong.push(format!("{promise} {what}"));
        }
    }
    (out, wrong)
}

fn record(world: &mut World, recorded: &mut Vec<String>, out: &mut String) {
    for line in world.lines() {
        *out += &format!("{}\n", line.trim_end());
        recorded.push(
            line.split_whitespace()
                .skip(3)
                .collect::<Vec<_>>()
                .join(" "),
        );
        let peer = line
            .split_whitespace()
            .nth(3)
            .unwrap_or_default()
            .to_owned();
        let last = recorded.last_mut().unwrap();
        *last = format!(
            "{peer} < {}",
            last.split_once(' ').map_or("", |(_, rest)| rest)
        );
    }
}

#[test]
fn every_ladder_runs_as_it_is_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "ladder"))
        .collect();
    files.sort();
    assert!(files.len() >= 15, "ladders are missing");
    let mut failures = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (out, wrong) = run(&text);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &out).unwrap();
        } else if out != text {
            failures += &format!("\n{}: came out as\n{out}", file.display());
        }
        for wrong in wrong {
            failures += &format!("\n{}: {wrong}", file.display());
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
