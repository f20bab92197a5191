//! The steps: what is done to get each figure, in rounds, the gateway and the floor by turns.

use std::io;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::bench::{Bench, Run};
use crate::count::Rounds;
use crate::load::Side;
use crate::wire::Sizes;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Before counting, and while counting.
    pub(crate) warm: Duration,
    pub(crate) window: Duration,
    /// The same for each try in the search of the most calls.
    pub(crate) step: Duration,
    pub(crate) tries: usize,
    /// While idle connections are watched: a heartbeat of each is in it, or a share of them.
    pub(crate) idle_window: Duration,
    /// Calls that are held, connections that are idle, accounts that register.
    pub(crate) held: usize,
    pub(crate) idle: usize,
    pub(crate) accounts: usize,
}

/// Calls a second that are measured.
pub(crate) const RATES: [u32; 4] = [50, 100, 200, 1000];
/// Clients that call.
const CLIENTS: usize = 200;
/// Clients that hold calls.
const HOLDERS: usize = 500;

/// The figures of calls at one rate.
#[derive(Clone, Debug, Default)]
pub(crate) struct AtRate {
    pub(crate) cpu: Rounds,
    pub(crate) invite_p50: Rounds,
    pub(crate) invite_p99: Rounds,
    pub(crate) back_p50: Rounds,
    pub(crate) back_p99: Rounds,
    pub(crate) failed: u64,
    pub(crate) begun: u64,
    pub(crate) load_busy: Rounds,
}

impl AtRate {
    fn add(&mut self, mut run: Run) {
        self.cpu.add(run.cpu_per_call());
        self.invite_p50.add(run.outcome.invite.quantile(0.5));
        self.invite_p99.add(run.outcome.invite.quantile(0.99));
        self.back_p50.add(run.outcome.back.quantile(0.5));
        self.back_p99.add(run.outcome.back.quantile(0.99));
        self.begun += run.outcome.begun;
        self.failed += run.outcome.begun - run.outcome.accepted.min(run.outcome.begun);
        self.load_busy.add(run.load_busy * 100.0);
    }
}

/// The figures of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) rates: [AtRate; 4],
    /// The most calls a second, and the figures there.
    pub(crate) best: Rounds,
    pub(crate) at_best: AtRate,
}

/// The figures above what the gateway can do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saturated {
    pub(crate) offered: Rounds,
    pub(crate) goodput: Rounds,
    /// Per cent of the most calls a second.
    pub(crate) of_best: Rounds,
    pub(crate) shed: Rounds,
    pub(crate) failed: Rounds,
    pub(crate) why: Vec<String>,
    pub(crate) cpu: Rounds,
    pub(crate) invite_p50: Rounds,
    pub(crate) invite_p99: Rounds,
    pub(crate) back_p50: Rounds,
    pub(crate) back_p99: Rounds,
    /// Resident MB before, at the end, and 15 s after.
    pub(crate) memory: [Rounds; 3],
    /// Calls that were lost at 100 a second afterwards, per cent.
    pub(crate) lost_after: Rounds,
}

/// The figures of things that are held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) held: Rounds,
    pub(crate) bytes_per_call: Rounds,
    pub(crate) idle: Rounds,
    pub(crate) bytes_per_connection: Rounds,
    pub(crate) cpu_per_connection: Rounds,
}

/// The figures of registrations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registering {
    pub(crate) accounts: Rounds,
    pub(crate) per_second: Rounds,
    pub(crate) calls: AtRate,
}

/// The gateway or the floor at the rates, and at the most it can do.
pub(crate) async fn rates(
    plan: &Plan,
    side: Side,
    sizes: Sizes,
    figures: &mut Figures,
) -> io::Result<(Bench, Sizes)> {
    let bench = Bench::start(side, sizes, 0).await?;
    bench.connect(CLIENTS).await?;
    for (rate, figures) in RATES.into_iter().zip(&mut figures.rates) {
        let run = bench.calls(f64::from(rate), plan.warm, plan.window).await;
        say(side, &run);
        figures.add(run);
    }
    let known = figures.best.median();
    let first = match (side, known.is_finite()) {
        (_, true) => known,
        (Side::Gateway, false) => 2000.0,
        (Side::Floor, false) => 5000.0,
    };
    if let Some(run) = most(plan, side, &bench, first).await {
        figures.best.add(run.rate);
        figures.at_best.add(run);
    }
    let sizes = bench.load.borrow().sizes;
    Ok((bench, sizes))
}

/// Searches the most calls a second of which fewer than one in a thousand is lost.
async fn most(plan: &Plan, side: Side, bench: &Bench, first: f64) -> Option<Run> {
    let (mut best, mut too_many): (Option<Run>, Option<f64>) = (None, None);
    let mut rate = first;
    for _ in 0..plan.tries {
        let run = bench.calls(rate, plan.step / 2, plan.step).await;
        say(side, &run);
        // A backlog that grows loses nothing at first: what is accepted has to keep up, too.
        let kept_up = run.goodput() >= 0.98 * rate && run.outcome.lost_share() < 0.001;
        match kept_up {
            true => best = Some(run),
            false => too_many = Some(rate),
        }
        let low = best.as_ref().map(|run| run.rate);
        rate = match (low, too_many) {
            (Some(low), Some(high)) if high / low < 1.04 => break,
            (Some(low), Some(high)) => (low * high).sqrt(),
            (Some(low), None) => low * 1.25,
            (None, Some(high)) => high / 1.5,
            (None, None) => break,
        };
    }
    best
}

/// Three times what the gateway can do.
pub(crate) async fn saturate(
    plan: &Plan,
    bench: &Bench,
    best: f64,
    figures: &mut Saturated,
) -> io::Result<()> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    bench.quiet(Duration::from_secs(10)).await;
    figures.memory[0].add(megabytes(bench.process.resident()));
    let mut run = bench.calls(best * 3.0, plan.warm, plan.window).await;
    say(Side::Gateway, &run);
    figures.offered.add(run.rate);
    figures.goodput.add(run.goodput());
    figures.of_best.add(100.0 * run.goodput() / best);
    figures
        .shed
        .add(100.0 * run.outcome.shed as f64 / run.outcome.begun as f64);
    figures.failed.add(100.0 * run.outcome.failed_share());
    figures.why.push(run.outcome.failures());
    figures.cpu.add(run.cpu_per_call());
    figures.invite_p50.add(run.outcome.invite.quantile(0.5));
    figures.invite_p99.add(run.outcome.invite.quantile(0.99));
    figures.back_p50.add(run.outcome.back.quantile(0.5));
    figures.back_p99.add(run.outcome.back.quantile(0.99));
    figures.memory[1].add(megabytes(run.resident));
    sleep(Duration::from_secs(15)).await;
    figures.memory[2].add(megabytes(bench.process.resident()));
    let after = bench.calls(100.0, Duration::from_secs(1), plan.step).await;
    say(Side::Gateway, &after);
    figures.lost_after.add(100.0 * after.outcome.lost_share());
    Ok(())
}

/// Calls that are held, and connections that are idle.
pub(crate) async fn keep(plan: &Plan, figures: &mut Kept) -> io::Result<()> {
    let bench = Bench::start(Side::Gateway, Sizes::default(), 0).await?;
    bench.connect(HOLDERS.min(plan.idle)).await?;
    let before = bench.process.resident();
    let held = bench.hold(plan.held, 1000.0).await;
    let bytes = bench.process.resident().saturating_sub(before);
    figures.held.add(held as f64);
    figures
        .bytes_per_call
        .add(bytes as f64 / held.max(1) as f64);
    tell(&format!(
        "gateway: {held} calls held, {bytes} bytes for them"
    ));
    drop(bench);

    let bench = Bench::start(Side::Gateway, Sizes::default(), 0).await?;
    let before = bench.process.resident();
    bench.connect(plan.idle).await?;
    let bytes = bench.process.resident().saturating_sub(before);
    let idle = bench.load.borrow().welcome();
    sleep(Duration::from_secs(1)).await;
    let cpu = bench.process.cpu();
    sleep(plan.idle_window).await;
    let cpu = (bench.process.cpu() - cpu).as_secs_f64() / plan.idle_window.as_secs_f64();
    figures.idle.add(idle as f64);
    figures
        .bytes_per_connection
        .add(bytes as f64 / idle.max(1) as f64);
    figures
        .cpu_per_connection
        .add(cpu * 1e6 / idle.max(1) as f64);
    let closed = bench.load.borrow().closed;
    tell(&format!(
        "gateway: {idle} idle connections, {bytes} bytes for them, {closed} closed"
    ));
    Ok(())
}

/// Registrations, and calls beside them.
pub(crate) async fn register(plan: &Plan, figures: &mut Registering) -> io::Result<()> {
    let bench = Bench::start(Side::Gateway, Sizes::default(), plan.accounts).await?;
    bench.connect(CLIENTS).await?;
    let before = bench.load.borrow().registered;
    let begun = Instant::now();
    let run = bench.calls(100.0, plan.warm, plan.window).await;
    say(Side::Gateway, &run);
    let registered = bench.load.borrow().registered - before;
    let per_second = registered as f64 / begun.elapsed().as_secs_f64();
    tell(&format!(
        "gateway: {per_second:.0} registrations a second meanwhile"
    ));
    figures.accounts.add(plan.accounts as f64);
    figures.per_second.add(per_second);
    figures.calls.add(run);
    Ok(())
}

/// Calls at one rate, with the id of the process for whoever looks into it.
pub(crate) async fn profile(rate: f64) -> io::Result<()> {
    let bench = Bench::start(Side::Gateway, Sizes::default(), 0).await?;
    bench.connect(CLIENTS).await?;
    tell(&format!("the gateway is process {}", bench.process.id()));
    let seconds = Duration::from_secs;
    let run = bench.calls(rate, seconds(2), seconds(30)).await;
    say(Side::Gateway, &run);
    Ok(())
}

/// A line of progress.
pub(crate) fn tell(line: &str) {
    eprintln!("  {line}");
}

fn say(side: Side, run: &Run) {
    let mut run = run.clone();
    let side = match side {
        Side::Gateway => "gateway",
        Side::Floor => "floor",
    };
    let outcome = &mut run.outcome;
    let (invite, back) = (outcome.invite.quantile(0.5), outcome.back.quantile(0.5));
    let mut line = format!(
        "{side}: {:.0} calls/s: {} begun, {} accepted, {} shed; {:.3} ms CPU a call; \
         p50 {invite:.2} ms to the INVITE, {back:.2} ms back; load {:.0} % busy",
        run.rate,
        run.outcome.begun,
        run.outcome.accepted,
        run.outcome.shed,
        run.cpu_per_call(),
        run.load_busy * 100.0,
    );
    if run.outcome.again > 0 {
        line += &format!("; {} sent again", run.outcome.again);
    }
    if !run.outcome.failed.is_empty() {
        line += &format!("; failed: {}", run.outcome.failures());
    }
    tell(&line);
}
