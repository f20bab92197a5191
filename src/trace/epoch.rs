//! [`Epoch`]: the time of day of an instant, as RFC 3339 writes it.

use std::time::{Duration, Instant};

/// One instant whose time of day is known. What reads no clock counts from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    at: Instant,
    unix: Duration,
}

/// The last second of the year 9999: RFC 3339 §5.6 has four digits for a year.
const LAST_SECOND: u64 = 253_402_300_799;

const SECONDS_OF_DAY: u64 = 86_400;

impl Epoch {
    /// `unix` is the time since 1970 at `at`.
    #[must_use]
    pub fn new(at: Instant, unix: Duration) -> Self {
        Self { at, unix }
    }

    /// The time of day in UTC, with milliseconds: `2026-11-25T03:04:05.678Z` (RFC 3339 §5.6).
    #[must_use]
    pub fn rfc3339(&self, at: Instant) -> String {
        let unix = match at.checked_duration_since(self.at) {
            Some(since) => self.unix.saturating_add(since),
            None => self.unix.saturating_sub(self.at.duration_since(at)),
        };
        let seconds = unix.as_secs().min(LAST_SECOND);
        let (year, month, day) = date(seconds / SECONDS_OF_DAY);
        let of_day = seconds % SECONDS_OF_DAY;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let ms = unix.subsec_millis();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// Year, month and day of the month, so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let february = days_of_year(year) - 337;
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    365 + u64::from(leap)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins at some time")]
mod tests {
    use super::*;

    #[test]
    fn instants_have_their_time_of_day() {
        let at = Instant::now();
        for (unix, expected) in [
            (0, "1970-01-01T00:00:00.250Z"),
            (951_782_399, "2000-02-28T23:59:59.250Z"),
            (951_782_400, "2000-02-29T00:00:00.250Z"),
            (1_735_689_599, "2024-12-31T23:59:59.250Z"),
            (1_795_575_845, "2026-11-25T03:04:05.250Z"),
            (4_107_542_400, "2100-03-01T00:00:00.250Z"),
            (u64::MAX / 2, "9999-12-31T23:59:59.250Z"),
        ] {
            let epoch = Epoch::new(at, Duration::from_secs(unix));
            assert_eq!(epoch.rfc3339(at + Duration::from_millis(250)), expected);
        }
    }

    #[test]
    fn instants_before_the_epoch_have_one_too() {
        let at = Instant::now() + Duration::from_secs(10);
        let epoch = Epoch::new(at, Duration::from_secs(5));
        let before = at - Duration::from_secs(2);
        assert_eq!(epoch.rfc3339(before), "1970-01-01T00:00:03.000Z");
    }
}
