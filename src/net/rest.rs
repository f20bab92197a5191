//! Whether the one thread ever gets to rest.
//!
//! What waits for it waits in the kernel, in tasks and in queues, and none of them alone shows how
//! long. But a thread that has nothing to do waits for its sockets, and one that is behind never
//! does: it finds the next thing at once. So the time since it last rested is how far it is behind,
//! at most.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

/// A shorter pause is no rest: the next thing was there already.
const REST_MIN: Duration = Duration::from_micros(20);

thread_local! {
    static WATCH: Cell<Watch> = const { Cell::new(Watch::Off) };
}

/// What the thread does.
#[derive(Clone, Copy, Debug)]
enum Watch {
    /// It is not watched.
    Off,
    /// It works and has rested last until then.
    Works { rested: Instant },
    /// It waits for its sockets since then.
    Waits { rested: Instant, since: Instant },
}

/// Lets a runtime of one thread tell when it rests.
pub(super) fn watched(builder: &mut Builder) -> &mut Builder {
    let begin = || {
        let since = Instant::now();
        WATCH.set(match WATCH.get() {
            Watch::Off => Watch::Waits {
                rested: since,
                since,
            },
            Watch::Works { rested } | Watch::Waits { rested, .. } => Watch::Waits { rested, since },
        });
    };
    let end = || {
        if let Watch::Waits { rested, since } = WATCH.get() {
            let now = Instant::now();
            let is_rest = now.saturating_duration_since(since) >= REST_MIN;
            WATCH.set(Watch::Works {
                rested: if is_rest { now } else { rested },
            });
        }
    };
    builder.on_thread_park(begin).on_thread_unpark(end)
}

/// For how long this thread has not rested.
pub(super) fn busy_for(now: Instant) -> Duration {
    match WATCH.get() {
        Watch::Off | Watch::Waits { .. } => Duration::ZERO,
        Watch::Works { rested } => now.saturating_duration_since(rested),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_behind_for_as_long_as_it_has_not_rested() {
        let mut builder = Builder::new_current_thread();
        let runtime = watched(builder.enable_time()).build().unwrap();
        runtime.block_on(async {
            let rest = Duration::from_millis(2);
            tokio::time::sleep(rest).await;
            let begun = Instant::now();
            while begun.elapsed() < 5 * rest {
                std::hint::spin_loop();
            }
            assert!(busy_for(Instant::now()) >= 5 * rest);
            let before = Instant::now();
            tokio::time::sleep(rest).await;
            let now = Instant::now();
            assert!(busy_for(now) <= now - before, "it has rested since");
        });
    }
}
