//! Keeps a fault of ours in the call that it struck.
//!
//! No input may reach a panic; if one does all the same, it takes the call that was worked on out,
//! and no other. The legs and the middle each do their work inside [`contained`]; the gateway
//! does so around everything, for what belongs to no call.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A panic was caught: what was being worked on may be half done and is to be put away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Does some work, of which a panic is the end.
///
/// # Errors
/// [`Panicked`]: whatever the work had borrowed may be half done.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let work = || {
        #[cfg(test)]
        trap::step();
        work()
    };
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Lets contained work panic, so that tests can look at what is left.
#[cfg(test)]
pub(crate) mod trap {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<u32> = const { Cell::new(0) };
        static FAULTS: Cell<u32> = const { Cell::new(0) };
    }

    /// The `n`th contained work of this thread from now on panics, counted from 1.
    pub(crate) fn set(n: u32) {
        STEPS.set(n - 1);
        FAULTS.set(1);
    }

    /// So many contained works of this thread from now on panic.
    pub(crate) fn set_many(count: u32) {
        STEPS.set(0);
        FAULTS.set(count);
    }

    pub(super) fn step() {
        let (steps, faults) = (STEPS.get(), FAULTS.get());
        if steps > 0 {
            return STEPS.set(steps - 1);
        }
        FAULTS.set(faults.saturating_sub(1));
        assert!(faults == 0, "a test wants it so");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_no_more() {
        assert_eq!(contained(|| 7), Ok(7));
        trap::set(2);
        assert_eq!(contained(|| 7), Ok(7));
        assert_eq!(contained(|| 7), Err(Panicked));
        assert_eq!(contained(|| 7), Ok(7));
    }
}
