//! `make bench`: every figure of the gateway that a change can make worse, measured from outside.
//!
//! The release binary runs on one core, the load on another; then, by turns, the floor takes its
//! place: a relay of the same messages that reads none of them. What is printed is the median of
//! all rounds with the least and the most. `docs/measuring.md` says how to read it.
//!
//! `QUICK=1` takes a minute and one round; `ROUNDS=n` so many; `ONLY=rates`, `keep` or `register`
//! a part; `ONLY=200` calls at this rate for half a minute and nothing else, for a profiler.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that measures: it has the clock, sockets, tasks, and prints"
)]

mod bench;
mod count;
mod floor;
mod load;
mod phone;
mod process;
mod settings;
mod steps;
mod table;
mod wire;

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::load::Side;
use crate::steps::{Plan, tell};
use crate::table::All;
use crate::wire::Sizes;

fn main() -> ExitCode {
    // `cargo bench` adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let done = match args.next().as_deref() {
        Some("floor") => floor::run(args),
        None => figures(),
        Some(other) => Err(io::Error::other(format!("`{other}` is no part of it"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the figures could not be taken: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plan() -> Plan {
    let quick = std::env::var("QUICK").is_ok_and(|quick| quick != "0");
    let seconds = Duration::from_secs;
    let mut plan = match quick {
        true => Plan {
            rounds: 1,
            warm: seconds(1),
            window: seconds(2),
            step: seconds(1),
            tries: 6,
            idle_window: seconds(4),
            held: 2000,
            idle: 2000,
            accounts: 5000,
        },
        false => Plan {
            rounds: 3,
            warm: seconds(2),
            window: seconds(8),
            step: seconds(3),
            tries: 7,
            idle_window: seconds(20),
            held: 10_000,
            idle: 10_000,
            accounts: 10_000,
        },
    };
    if let Some(rounds) = std::env::var("ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
    {
        plan.rounds = rounds;
    }
    let most = process::open_files_max().saturating_sub(200);
    if most < plan.idle {
        tell(&format!(
            "only {most} connections instead of {}: raise `ulimit -n`",
            plan.idle
        ));
        plan.idle = most;
    }
    plan
}

fn figures() -> io::Result<()> {
    process::pin_load()?;
    let plan = plan();
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted = |part: &str| only.is_empty() || only == part;
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut all = All::default();
    let ticks = process::ticks();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        if let Ok(rate) = only.parse() {
            return steps::profile(rate).await;
        }
        for round in 1..=plan.rounds {
            tell(&format!("round {round} of {}", plan.rounds));
            if wanted("rates") {
                both(&plan, &mut all).await?;
            }
            if wanted("keep") {
                steps::keep(&plan, &mut all.kept).await?;
            }
            if wanted("register") {
                steps::register(&plan, &mut all.registering).await?;
            }
        }
        io::Result::Ok(())
    })?;
    if only.parse::<f64>().is_ok() {
        return Ok(());
    }
    tell(&format!("{} s", begun.elapsed().as_secs()));
    let (busy, own) = process::ticks();
    let others = (busy - ticks.0).saturating_sub(own - ticks.1);
    all.others = others as f64 / begun.elapsed().as_secs_f64();
    print!("{}", table::page(&plan, &all));
    Ok(())
}

/// The gateway, saturated at the end, and then the floor with messages of the same sizes.
async fn both(plan: &Plan, all: &mut All) -> io::Result<()> {
    let sizes = Sizes::default();
    let (bench, sizes) = steps::rates(plan, Side::Gateway, sizes, &mut all.gateway).await?;
    let best = all.gateway.best.median();
    if best.is_finite() {
        steps::saturate(plan, &bench, best, &mut all.saturated).await?;
    }
    drop(bench);
    steps::rates(plan, Side::Floor, sizes, &mut all.floor).await?;
    Ok(())
}
