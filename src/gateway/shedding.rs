//! When new calls are refused because there is too much to do.
//!
//! ```text
//!            something waited longer than delay_max
//!   Taking ────────────────────────────────────────▶ Refusing
//!          ◀────────────────────────────────────────
//!            something waited less than half of that
//! ```
//!
//! A call that is taken costs many messages, one that is refused costs two: refusing early is what
//! keeps the calls that run alive. Only new calls are refused; all else goes on.

use std::time::Duration;

/// Whether new calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shedding {
    /// They are.
    Taking,
    /// They are refused: `overloaded`, 503.
    Refusing,
}

impl Shedding {
    /// What follows from how long the last arrival waited for its turn.
    #[must_use]
    pub(super) fn after(self, waited: Duration, delay_max: Duration) -> Self {
        match self {
            Self::Taking if waited > delay_max => Self::Refusing,
            Self::Refusing if waited < delay_max / 2 => Self::Taking,
            Self::Taking | Self::Refusing => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_above_the_limit_and_takes_again_below_half_of_it() {
        let (limit, millis) = (Duration::from_millis(200), Duration::from_millis);
        let mut shedding = Shedding::Taking;
        for (waited, then) in [
            (200, Shedding::Taking),
            (201, Shedding::Refusing),
            (150, Shedding::Refusing),
            (100, Shedding::Refusing),
            (99, Shedding::Taking),
            (150, Shedding::Taking),
        ] {
            shedding = shedding.after(millis(waited), limit);
            assert_eq!(shedding, then, "after {waited} ms");
        }
    }
}
