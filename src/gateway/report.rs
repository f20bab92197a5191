//! What an operator can see: traces, ladders, metrics.

use std::fmt::Write as _;
use std::time::Instant;

use super::Gateway;
use crate::call::coverage::Coverage;
use crate::trace::ladder::Detail;
use crate::trace::store::Kind;

impl Gateway {
    /// All metrics in the text format that Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut page = self.metrics.page();
        page.gauge("crosspoint_calls", "Calls now.", self.switchboard.len());
        for (kind, count) in ["json", "sip", "xmpp"].into_iter().zip(self.legs.count()) {
            page.gauge_of("crosspoint_legs", "Legs now.", "kind", kind, count);
        }
        let (connections, sessions) = self.ws.census();
        page.gauge(
            "crosspoint_connections",
            "Connections of clients now.",
            connections,
        );
        page.gauge("crosspoint_sessions", "Sessions of clients now.", sessions);
        page.gauge(
            "crosspoint_shedding",
            "Whether new calls are refused.",
            usize::from(self.shedding.is_shedding()),
        );
        page.counter(
            "crosspoint_shedding_begun_total",
            "How often new calls began to be refused.",
            self.shedding.begun(),
        );
        self.texts.report(&mut page);
        page.switchboard(self.switchboard.counts());
        page.counts("json", self.ws.counted());
        page.counts("sip", self.sip.counted());
        page.counts("xmpp", self.xmpp.counted());
        page.counts("jingle", self.jingle.counted());
        let (bytes, evicted) = self.traces.usage();
        page.gauge(
            "crosspoint_trace_bytes",
            "Bytes of traces in memory.",
            bytes,
        );
        page.counter(
            "crosspoint_traces_dropped_total",
            "Traces dropped for room.",
            evicted,
        );
        page.text()
    }

    /// How often each (state, side, signal) of the call's table was reached: for tests.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        self.switchboard.coverage()
    }

    /// The calls that have a trace, the newest first, one a line.
    #[must_use]
    pub fn traced_calls(&self, now: Instant) -> String {
        let mut out = String::new();
        for (call, trace) in self.traces.calls() {
            let age = now.saturating_duration_since(trace.began).as_secs();
            let state = match (trace.kind, &trace.end) {
                (Kind::Refused | Kind::Stranger, _) => "refused",
                (Kind::Call, Some(_)) => "ended",
                (Kind::Call, None) => "running",
            };
            let names: Vec<_> = trace.names.iter().map(|(_, name)| name.as_str()).collect();
            let names = names.join(" ");
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{call}\t{state}\t{age} s ago\t{names}");
        }
        out
    }

    /// The ladder of one call, found by its number or any of its names.
    #[must_use]
    pub fn ladder(&self, name: &str) -> Option<String> {
        self.traces.ladder(name, Detail::Messages)
    }

    /// Ladders of calls that have ended since, for files: the call's number and the text.
    pub fn take_ended_ladders(&mut self) -> Vec<(String, String)> {
        self.traces.take_files()
    }

    /// The keys that tokens are signed with have been read (RFC 7517). `false` where none can be
    /// used.
    pub fn set_keys(&mut self, text: &str) -> bool {
        self.ws.set_keys(text).is_ok_and(|count| count > 0)
    }

    /// A client did not read what was written to it.
    pub fn count_slow_client(&mut self) {
        self.metrics.slow_client();
    }

    /// So many connections were refused at the door since the start, by what.
    pub fn count_refused(&mut self, refused: [(&'static str, u64); 2]) {
        self.metrics.refused(refused);
    }
}
