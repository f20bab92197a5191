//! Every metric by name, in the text format of Prometheus.
//!
//! Counted from what passes (calls that end, counts that agents keep); nothing else calls in here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::call::record::CallRecord;
use crate::call::switchboard::Counts;

/// Upper bounds of the set-up time's buckets, in milliseconds.
const SETUP_BUCKETS: [u64; 9] = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// What is counted here.
#[derive(Debug, Default)]
pub struct Metrics {
    ended: BTreeMap<&'static str, u64>,
    setup: [u64; SETUP_BUCKETS.len()],
    setup_count: u64,
    setup_sum_ms: u64,
    talked_sum_s: u64,
    trunks: BTreeMap<String, bool>,
    chat_servers: BTreeMap<String, bool>,
    slow_clients: u64,
    refused: [(&'static str, u64); 2],
    faults: u64,
}

impl Metrics {
    /// A call has ended.
    pub fn ended(&mut self, record: &CallRecord) {
        *self.ended.entry(record.cause().name()).or_default() += 1;
        if let Some(answered) = record.answered_at {
            let setup = answered.saturating_duration_since(record.invited_at);
            let ms = u64::try_from(setup.as_millis()).unwrap_or(u64::MAX);
            for (bucket, bound) in self.setup.iter_mut().zip(SETUP_BUCKETS) {
                *bucket += u64::from(ms <= bound);
            }
            self.setup_count += 1;
            self.setup_sum_ms = self.setup_sum_ms.saturating_add(ms);
        }
        self.talked_sum_s += record.talked().map_or(0, |talked| talked.as_secs());
    }

    /// A trunk is reachable, or is not.
    pub fn trunk(&mut self, trunk: &str, reachable: bool) {
        self.trunks.insert(trunk.to_owned(), reachable);
    }

    /// A component or an account is online at its chat server, or is not.
    pub fn chat_server(&mut self, entity: &str, is_online: bool) {
        self.chat_servers.insert(entity.to_owned(), is_online);
    }

    /// A client did not read what was written to it, and was closed.
    pub fn slow_client(&mut self) {
        self.slow_clients += 1;
    }

    /// Connections that were refused since the start, by limit.
    pub fn refused(&mut self, refused: [(&'static str, u64); 2]) {
        self.refused = refused;
    }

    /// A panic of the gateway's own that struck no call, and was survived.
    pub fn fault(&mut self) {
        self.faults += 1;
    }

    /// A page with what is counted here; the caller adds the rest.
    #[must_use]
    pub fn page(&self) -> Page {
        let mut page = Page::default();
        for (cause, count) in &self.ended {
            let help = "Calls that have ended, by cause.";
            page.counter_of("crosspoint_calls_total", help, "cause", cause, *count);
        }
        let name = "crosspoint_call_setup_seconds";
        page.head(name, "From the invitation to the answer.", "histogram");
        for (bucket, bound) in self.setup.iter().zip(SETUP_BUCKETS) {
            let bound = format!("{}.{:03}", bound / 1000, bound % 1000);
            page.line(&format!("{name}_bucket{{le=\"{bound}\"}} {bucket}"));
        }
        page.line(&format!(
            "{name}_bucket{{le=\"+Inf\"}} {}",
            self.setup_count
        ));
        let sum = self.setup_sum_ms;
        page.line(&format!("{name}_sum {}.{:03}", sum / 1000, sum % 1000));
        page.line(&format!("{name}_count {}", self.setup_count));
        page.counter(
            "crosspoint_talked_seconds_total",
            "Time in calls.",
            self.talked_sum_s,
        );
        let help = "Clients closed because they did not read.";
        page.counter("crosspoint_slow_clients_total", help, self.slow_clients);
        let help = "Connections that were closed at once, by limit.";
        for (limit, count) in self.refused.iter().filter(|(limit, _)| !limit.is_empty()) {
            let name = "crosspoint_connections_refused_total";
            page.counter_of(name, help, "limit", limit, *count);
        }
        let help = "Faults of the gateway outside of every call, each survived: report them.";
        page.counter("crosspoint_faults_total", help, self.faults);
        for (trunk, reachable) in &self.trunks {
            let help = "Whether the trunk answers its health check.";
            let reachable = usize::from(*reachable);
            page.gauge_of(
                "crosspoint_trunk_reachable",
                help,
                "trunk",
                trunk,
                reachable,
            );
        }
        for (entity, is_online) in &self.chat_servers {
            let help = "Whether the component or account is online at its chat server.";
            let name = "crosspoint_chat_server_online";
            page.gauge_of(name, help, "entity", entity, usize::from(*is_online));
        }
        page
    }
}

/// A page of metrics that is being written.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    last: String,
}

impl Page {
    /// The page.
    #[must_use]
    pub fn text(self) -> String {
        self.text
    }

    /// Adds a number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.head(name, help, "gauge");
        self.line(&format!("{name} {value}"));
    }

    /// The same with a label.
    pub fn gauge_of(&mut self, name: &str, help: &str, label: &str, of: &str, value: usize) {
        self.head(name, help, "gauge");
        self.line(&format!("{name}{{{label}=\"{}\"}} {value}", escaped(of)));
    }

    /// Adds a number that only goes up.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(&format!("{name} {value}"));
    }

    /// The same with a label.
    pub fn counter_of(&mut self, name: &str, help: &str, label: &str, of: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(&format!("{name}{{{label}=\"{}\"}} {value}", escaped(of)));
    }

    /// Adds what the switchboard counts.
    pub fn switchboard(&mut self, counts: Counts) {
        let Counts {
            begun,
            refused,
            panicked,
        } = counts;
        self.counter("crosspoint_calls_begun_total", "Calls begun.", begun);
        let help = "Limits of the configuration that were hit, by limit.";
        let name = "crosspoint_limit_hits_total";
        self.counter_of(name, help, "limit", "calls_max", refused);
        let help = "Calls that a fault of the gateway took out.";
        self.counter("crosspoint_calls_panicked_total", help, panicked);
    }

    /// Adds what an agent counts: names and numbers.
    pub fn counts(&mut self, wire: &str, counts: impl IntoIterator<Item = (&'static str, u64)>) {
        for (what, count) in counts {
            let help = "What happened on a wire, by kind.";
            let what = format!("{wire}_{what}");
            self.counter_of("crosspoint_events_total", help, "event", &what, count);
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        if self.last != name {
            self.line(&format!("# HELP {name} {help}\n# TYPE {name} {kind}"));
            name.clone_into(&mut self.last);
        }
    }

    fn line(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
