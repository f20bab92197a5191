//! A process that is measured: started on its core, read from `/proc`, ended by its id.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The core of what is measured, and the core of the load.
pub(crate) const CORES: [&str; 2] = ["0", "1"];

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program on the core that is measured.
    pub(crate) fn start(program: &str, args: &[String]) -> io::Result<Self> {
        let child = Command::new("taskset")
            .args(["-c", CORES[0]])
            // It ends with us, however we end.
            .args(["setpriv", "--pdeathsig", "KILL", program])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log(program)?)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("taskset: {error}")))?;
        Ok(Self { child })
    }

    /// Its id: `taskset` and `setpriv` become the program.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all of its threads, in user and system, since it began.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(&self.id().to_string())
    }

    /// Resident bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where what a program says goes: it is asked only when something went wrong.
fn log(program: &str) -> io::Result<fs::File> {
    let name = program.rsplit('/').next().unwrap_or(program);
    fs::File::create(format!("{}/{name}.log", env!("CARGO_TARGET_TMPDIR")))
}

/// CPU time of a process: in nanoseconds where the kernel counts them, else in its ticks.
pub(crate) fn cpu(id: &str) -> Duration {
    let exact: u64 = fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    if exact > 0 {
        return Duration::from_nanos(exact);
    }
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // Fields 14 and 15 (proc(5)); the name in parentheses may hold spaces. A tick is 10 ms.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Puts this process on the core of the load.
pub(crate) fn pin_load() -> io::Result<()> {
    let id = std::process::id().to_string();
    let done = Command::new("taskset")
        .args(["-a", "-p", "-c", CORES[1], &id])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| {
            let why = format!("`taskset` is needed (Debian: util-linux): {error}");
            io::Error::new(error.kind(), why)
        })?;
    match done.success() {
        true => Ok(()),
        false => Err(io::Error::other(
            "taskset refused: the figures need two cores, one for the gateway, one for the load",
        )),
    }
}

/// CPU time, in ticks, of all that runs on the machine, and of this process and what it started
/// and saw the end of (proc(5)).
pub(crate) fn ticks() -> (u64, u64) {
    let sum = |text: &str, from: usize, count: usize| -> u64 {
        let fields = text.split_whitespace().skip(from).take(count);
        fields.filter_map(|field| field.parse::<u64>().ok()).sum()
    };
    let all = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = all.lines().next().unwrap_or_default();
    // user, nice, system, and behind idle and iowait: irq, softirq.
    let busy = sum(first, 1, 3) + sum(first, 6, 2);
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let own = sum(stat.rsplit(')').next().unwrap_or_default(), 11, 4);
    (busy, own)
}

/// How many files this process may have open.
pub(crate) fn open_files_max() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(1024)
}

/// The machine in a line.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("", |line| line.trim_start_matches([' ', '\t', ':']));
    let cores = info
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {model}, Linux {}", kernel.trim())
}
