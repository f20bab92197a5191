//! What is printed: each figure, the floor beside it, and what is aimed at.

use std::fmt::Write as _;

use crate::count::Rounds;
use crate::process;
use crate::steps::{AtRate, Figures, Kept, Plan, RATES, Registering, Saturated};

/// Every figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct All {
    pub(crate) gateway: Figures,
    pub(crate) floor: Figures,
    pub(crate) saturated: Saturated,
    pub(crate) kept: Kept,
    pub(crate) registering: Registering,
    /// CPU that other programs took meanwhile, in per cent of one core.
    pub(crate) others: f64,
}

/// The page.
pub(crate) fn page(plan: &Plan, all: &All) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "\ncrosspoint {}, {}\n{} rounds of {} s: median (least..most)\n",
        env!("CARGO_PKG_VERSION"),
        process::machine(),
        plan.rounds,
        plan.window.as_secs(),
    );
    let _ = writeln!(
        out,
        "other programs took {:.0} % of a core meanwhile{}\n",
        all.others,
        if all.others > 10.0 {
            ": the figures are worse than they would be alone"
        } else {
            ""
        }
    );
    if all.gateway.rates[0].begun > 0 {
        calls(&mut out, all);
        saturated(&mut out, &all.saturated);
    }
    let kept = &all.kept;
    row(&mut out, "held audio calls", &kept.held, 0, "10,000");
    row(
        &mut out,
        "bytes a held call",
        &kept.bytes_per_call,
        0,
        "< 20,000",
    );
    row(&mut out, "idle connections", &kept.idle, 0, "10,000");
    row(
        &mut out,
        "bytes an idle connection",
        &kept.bytes_per_connection,
        0,
        "< 10,000",
    );
    row(
        &mut out,
        "µs CPU/s an idle connection",
        &kept.cpu_per_connection,
        2,
        "< 5",
    );
    let registering = &all.registering;
    row(&mut out, "accounts", &registering.accounts, 0, "");
    row(
        &mut out,
        "registrations/s",
        &registering.per_second,
        0,
        "1,000",
    );
    let calls = &registering.calls;
    row(
        &mut out,
        "  ms to INVITE meanwhile, p50",
        &calls.invite_p50,
        2,
        "no delay",
    );
    row(
        &mut out,
        "  ms to INVITE meanwhile, p99",
        &calls.invite_p99,
        2,
        "no delay",
    );
    row(
        &mut out,
        "  ms back meanwhile, p99",
        &calls.back_p99,
        2,
        "no delay",
    );
    out
}

fn calls(out: &mut String, all: &All) {
    let _ = writeln!(
        out,
        "{:<12}{:<26}{:<26}{:<9}{:<24}{:<24}{:<14}load busy",
        "calls/s",
        "ms CPU/call: gateway",
        "floor",
        "ratio",
        "ms to INVITE p50, p99",
        "ms back p50, p99",
        "failed"
    );
    for (place, rate) in RATES.iter().enumerate() {
        let (gateway, floor) = (&all.gateway.rates[place], &all.floor.rates[place]);
        line(out, &rate.to_string(), gateway, floor);
    }
    let best = &all.gateway.best;
    line(
        out,
        &format!("{:.0} (most)", best.median()),
        &all.gateway.at_best,
        &all.floor.at_best,
    );
    let _ = writeln!(
        out,
        "the floor beside it, p50 to INVITE and back: {}",
        RATES
            .iter()
            .zip(&all.floor.rates)
            .map(|(rate, floor)| format!(
                "{rate}/s {:.2} {:.2}",
                floor.invite_p50.median(),
                floor.back_p50.median()
            ))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let _ = writeln!(
        out,
        "aims: ratio <= 2; p50 < 0.8 to the INVITE, < 0.5 back\n"
    );
    row(out, "most calls/s, gateway", best, 0, "> 3,000");
    row(out, "most calls/s, floor", &all.floor.best, 0, "");
}

fn line(out: &mut String, rate: &str, gateway: &AtRate, floor: &AtRate) {
    let quantiles =
        |half: &Rounds, most: &Rounds| format!("{:.2}, {:.2}", half.median(), most.median());
    let _ = writeln!(
        out,
        "{rate:<12}{:<26}{:<26}{:<9.2}{:<24}{:<24}{:<14}{:.0} %",
        gateway.cpu.shown(3),
        floor.cpu.shown(3),
        gateway.cpu.median() / floor.cpu.median(),
        quantiles(&gateway.invite_p50, &gateway.invite_p99),
        quantiles(&gateway.back_p50, &gateway.back_p99),
        format!("{}/{}", gateway.failed, gateway.begun),
        gateway.load_busy.median(),
    );
}

fn saturated(out: &mut String, figures: &Saturated) {
    row(out, "three times that: offered/s", &figures.offered, 0, "");
    row(out, "  accepted/s", &figures.goodput, 0, "");
    row(out, "  % of the most calls/s", &figures.of_best, 0, "> 90");
    row(out, "  % shed (`overloaded`)", &figures.shed, 1, "");
    row(out, "  % failed otherwise", &figures.failed, 1, "0");
    row(out, "  ms CPU a complete call", &figures.cpu, 3, "");
    row(out, "  ms to INVITE, p50", &figures.invite_p50, 2, "");
    row(out, "  ms to INVITE, p99", &figures.invite_p99, 2, "");
    row(out, "  ms back, p50", &figures.back_p50, 2, "");
    row(out, "  ms back, p99", &figures.back_p99, 2, "");
    row(out, "  MB resident before", &figures.memory[0], 0, "");
    row(out, "  MB resident at its end", &figures.memory[1], 0, "");
    row(
        out,
        "  MB resident 15 s later",
        &figures.memory[2],
        0,
        "as before",
    );
    row(
        out,
        "  % lost at 100/s afterwards",
        &figures.lost_after,
        2,
        "0",
    );
    for why in figures.why.iter().filter(|why| !why.is_empty()) {
        let _ = writeln!(out, "  failed: {why}");
    }
}

fn row(out: &mut String, name: &str, rounds: &Rounds, digits: usize, aim: &str) {
    if !rounds.median().is_finite() {
        return;
    }
    let aim = match aim {
        "" => String::new(),
        aim => format!("aim {aim}"),
    };
    let _ = writeln!(out, "{name:<34}{:<30}{aim}", rounds.shown(digits));
}
