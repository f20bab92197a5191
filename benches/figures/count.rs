//! What a run of calls comes to: counts, spans of time, and their order.

use std::collections::BTreeMap;
use std::time::Duration;

/// Spans of time, sorted when they are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Vec<u32>);

impl Spans {
    /// Adds one, kept in microseconds.
    pub(crate) fn add(&mut self, span: Duration) {
        self.0
            .push(u32::try_from(span.as_micros()).unwrap_or(u32::MAX));
    }

    /// The span that this share of all is not above, in milliseconds.
    pub(crate) fn quantile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        self.0
            .get(place)
            .map_or(f64::NAN, |span| f64::from(*span) / 1000.0)
    }
}

/// What became of the calls that began within a window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Calls that were begun.
    pub(crate) begun: u64,
    /// Calls that were accepted.
    pub(crate) accepted: u64,
    /// Calls that were refused with `overloaded`: shed, and rightly so.
    pub(crate) shed: u64,
    /// Calls that failed, by what the client saw.
    pub(crate) failed: BTreeMap<String, u64>,
    /// Calls that came to their end within the window, whenever they began.
    pub(crate) ended: u64,
    /// Calls that were accepted within the window, whenever they began.
    pub(crate) accepted_within: u64,
    /// From the frame to the INVITE.
    pub(crate) invite: Spans,
    /// From a 180 or 200 to its frame.
    pub(crate) back: Spans,
    /// Datagrams that were sent again by the phone.
    pub(crate) again: u64,
}

impl Outcome {
    /// The share of begun calls that were neither accepted nor shed.
    pub(crate) fn failed_share(&self) -> f64 {
        share(self.failed.values().sum(), self.begun)
    }

    /// The share of begun calls that were not accepted, for whatever reason.
    pub(crate) fn lost_share(&self) -> f64 {
        share(self.begun - self.accepted.min(self.begun), self.begun)
    }

    /// What failed, in words.
    pub(crate) fn failures(&self) -> String {
        let all: Vec<_> = self
            .failed
            .iter()
            .map(|(why, count)| format!("{count} {why}"))
            .collect();
        all.join(", ")
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The same figure of several rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds a round.
    pub(crate) fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.0.push(value);
            self.0.sort_by(f64::total_cmp);
        }
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// `median (least..most)`.
    pub(crate) fn shown(&self, digits: usize) -> String {
        match (self.0.first(), self.0.last()) {
            (Some(least), Some(most)) if self.0.len() > 1 => {
                format!(
                    "{:.digits$} ({least:.digits$}..{most:.digits$})",
                    self.median()
                )
            }
            (Some(only), _) => format!("{only:.digits$}"),
            _ => "–".to_owned(),
        }
    }
}
