//! [`explain`]: what a description spends its bytes on, and what each peer would not get.

use std::collections::BTreeMap;
use std::fmt;

use super::{Fitted, Profile, SessionDescription};

/// Bytes by kind of line, and what each profile would lose. Shown as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Bytes in all, line ends included.
    pub bytes: usize,
    /// Kind of line (`a=rtpmap`, `m=`), how many, bytes; the largest first.
    pub rows: Vec<(String, usize, usize)>,
    /// Name of the profile, bytes after fitting, what was done.
    pub profiles: Vec<(String, usize, Vec<Fitted>)>,
}

/// Counts the bytes of a description by kind of line and fits a copy to each profile.
#[must_use]
pub fn explain(sdp: &SessionDescription, profiles: &[(&str, Profile)]) -> Explanation {
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in sdp.lines() {
        let kind = match line.attribute() {
            Some((name, _)) => format!("a={}", name.to_ascii_lowercase()),
            None => format!("{}=", char::from(line.kind())),
        };
        let entry = kinds.entry(kind).or_default();
        entry.0 += 1;
        entry.1 += line.text().len() + 2;
    }
    let rows = kinds
        .into_iter()
        .map(|(kind, (count, bytes))| (kind, count, bytes));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let fitted = |(name, profile): &(&str, Profile)| {
        let mut copy = sdp.clone();
        let done = copy.fit_for_peer(profile);
        ((*name).to_owned(), copy.text_len(), done)
    };
    Explanation {
        bytes: sdp.text_len(),
        rows,
        profiles: profiles.iter().map(fitted).collect(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .rows
            .iter()
            .map(|(kind, ..)| kind.len())
            .max()
            .unwrap_or(0);
        writeln!(f, "{:width$}  lines  bytes", "line")?;
        for (kind, count, bytes) in &self.rows {
            writeln!(f, "{kind:width$}  {count:5}  {bytes:5}")?;
        }
        let lines: usize = self.rows.iter().map(|(_, count, _)| count).sum();
        writeln!(f, "{:width$}  {lines:5}  {:5}", "all", self.bytes)?;
        for (name, bytes, done) in &self.profiles {
            writeln!(f, "\nto {name}: {bytes} of {} bytes", self.bytes)?;
            if done.is_empty() {
                writeln!(f, "  everything as it is")?;
            }
            for one in done {
                writeln!(f, "  {one}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::corpus::capture;

    #[test]
    fn every_byte_is_in_a_row() {
        let offer = capture("chrome-av-offer-gathered");
        let all = explain(
            &offer,
            &[("browser", Profile::browser()), ("pbx", Profile::webrtc())],
        );
        assert_eq!(all.bytes, offer.to_text().len());
        assert_eq!(all.rows.iter().map(|row| row.2).sum::<usize>(), all.bytes);
        assert!(all.rows.is_sorted_by(|a, b| a.2 >= b.2));
        let table = all.to_string();
        assert!(
            table.contains("to browser: 6206 of 6206 bytes\n  everything as it is\n"),
            "{table}"
        );
        assert!(table.contains("\n  removed the option trickle"), "{table}");
    }
}
