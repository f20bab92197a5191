//! Sources that are not known: each is told once in a while, then met with silence, so that a
//! scanner learns nothing and costs nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a source that was told is not told again.
const SILENCE: Duration = Duration::from_secs(60);

/// Sources that are remembered; beyond it there is silence for all.
const SOURCES_MAX: usize = 4096;

/// The sources that were told.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    told: BTreeMap<IpAddr, Instant>,
}

impl Strangers {
    /// Whether this source is to be told that it is not known.
    pub(super) fn is_told(&mut self, source: IpAddr, now: Instant) -> bool {
        if self.told.get(&source).is_some_and(|until| *until > now) {
            return false;
        }
        if self.told.len() >= SOURCES_MAX {
            self.told.retain(|_, until| *until > now);
            if self.told.len() >= SOURCES_MAX {
                return false;
            }
        }
        self.told.insert(source, now + SILENCE);
        true
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::*;

    #[test]
    fn source_is_told_once_a_minute() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        let source = IpAddr::from([192, 0, 2, 1]);
        assert!(strangers.is_told(source, now));
        assert!(!strangers.is_told(source, now + SILENCE / 2));
        assert!(strangers.is_told(source, now + SILENCE));
    }

    #[test]
    fn thousands_of_sources_do_not_fill_the_memory() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        for number in 0..10_000_u32 {
            strangers.is_told(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(strangers.told.len(), SOURCES_MAX);
    }
}
